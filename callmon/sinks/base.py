"""What sinks need from the rest of callmon: a way to ask over HTTP, a way to be counted."""

import dataclasses
from typing import Protocol

from callmon.clock import Micros

__all__ = ["DeliveryMetrics", "HttpClient", "HttpResponse"]


@dataclasses.dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a server answered."""

    status: int
    body: bytes


class HttpClient(Protocol):
    """One way to one server: it holds the credentials, the TLS context and the time limit."""

    async def request(
        self, method: str, url: str, *, json: bytes | None = None
    ) -> HttpResponse:
        """Send a request, *json* as its body, and return the answer of any status.

        It comes to an end within the client's own time limit.

        Raises:
            SinkError: ``UNREACHABLE`` when the request certainly never left: no address,
                no connection. ``TIMEOUT`` when it may have been received: no answer in
                time, or the connection broke after sending.
        """


class DeliveryMetrics(Protocol):
    """Counts what becomes of alerts. *alertmanager* is the configured name, never a secret."""

    def posted(self, alertmanager: str, result: str) -> None:
        """Count a request: *result* is ``accepted`` or a ``SinkReason``."""

    def delivered(self, alertmanager: str, delay: Micros) -> None:
        """Observe the time from the news of a breach to its acceptance here."""

    def handed_over(self) -> None:
        """Count an alert left to Prometheus: nobody accepted it in time."""

    def missed(self) -> None:
        """Count a breach that came and went while nobody accepted it."""

    def dropped(self, reason: str) -> None:
        """Count an alert that could not even be kept; ``capacity`` is the only reason."""
