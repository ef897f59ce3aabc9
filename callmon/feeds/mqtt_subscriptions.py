"""What a broker was asked to send, and what it has granted of that."""

from collections.abc import Iterable, Iterator, Sequence

from callmon.clock import Micros
from callmon.feeds.mqtt_failures import filters_refused, missing
from callmon.feeds.settings import MqttSettings

__all__ = ["Subscriptions", "parts"]

MAX_FILTERS = 8
"""In one packet: large brokers in the cloud take no more."""

REFUSED = 0x80
"""Reason codes from here on are refusals."""


def parts(filters: Sequence[str]) -> Iterator[list[str]]:
    """Return *filters*, as many at a time as any broker takes."""
    for start in range(0, len(filters), MAX_FILTERS):
        yield list(filters[start : start + MAX_FILTERS])


class Subscriptions:
    """Those of one session."""

    def __init__(self, settings: MqttSettings) -> None:
        self.granted: dict[str, int] = {}  #: QoS by filter
        self._settings = settings
        self._asked: dict[int | None, Sequence[str]] = {}
        self._asked_at: Micros = 0
        self._refused: dict[str, str] = {}

    @property
    def complete(self) -> bool:
        """Whether all filters are granted."""
        return bool(self.granted) and not self._asked and not self._refused

    def ask(self, mid: int | None, filters: Sequence[str], now: Micros) -> None:
        """Expect an answer for *filters* to packet *mid*."""
        self._asked[mid], self._asked_at = filters, now

    def answer(self, mid: int, codes: Iterable[tuple[int, str]]) -> None:
        """Note the answer to packet *mid*: for each filter a code, and its name."""
        for topics, (code, name) in zip(self._asked.pop(mid, ()), codes, strict=False):
            if code >= REFUSED:
                self._refused[topics] = name
            else:
                self.granted[topics] = code

    def check(self, now: Micros, arrived_at: Micros) -> None:
        """See whether all is well; *arrived_at* is when the last message came.

        Raises:
            FeedError: a filter is refused, or there is no answer in time.
        """
        if self._refused:
            raise filters_refused(self._settings, self._refused)
        # What the broker has kept for us may come before its answer.
        silent = now - max(self._asked_at, arrived_at)
        if self._asked and silent >= self._settings.timeout:
            raise missing(self._settings, "an answer to SUBSCRIBE")
