"""What sinks need from the rest of callmon: a way to ask over HTTP, a way to be counted."""

import dataclasses
from collections.abc import Mapping
from typing import Protocol

from callmon.alerts import AlertKey, AlertStep
from callmon.clock import Micros

__all__ = ["AlertNotes", "DeliveryMetrics", "HttpClient", "HttpResponse"]


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


class AlertNotes(Protocol):
    """Writes down what becomes of alerts."""

    def note(self, key: AlertKey, step: AlertStep, at: Micros, detail: str = "") -> None:
        """Take that *step* happened to an alert at *at*, by the wall clock.

        The same step with the same detail may be told again: the first one counts.
        """

    def storm(
        self,
        key: AlertKey,
        labels: Mapping[str, str],
        *,
        limit: int,
        count: int,
        ended_at: Micros | None,
    ) -> None:
        """Take that an alert speaks for others: *count* stand where *limit* are told singly.

        Told again when the storm has changed.
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
