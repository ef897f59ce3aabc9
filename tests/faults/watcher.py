"""Looks at callmon's pages all the time, through every restart, and notes what must not be."""

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Mapping

import aiohttp

from callmon.clock import SECOND, Clock, Micros
from tests.faults.truth import Page, Series, read_page, show

__all__ = ["Watcher"]

LOOKS_EVERY: Micros = SECOND * 2 // 5
ANSWER_TIMEOUT = aiohttp.ClientTimeout(total=5)

LASTING = ("callmon_contact", "callmon_group_contact", "callmon_ring_no", "callmon_group_ring")
"""Families that must go on over a restart, as far as they are counters."""

OF_ITSELF = ("callmon_events_", "callmon_journal_", "callmon_feed_re", "callmon_gap_")
"""Families that count what the daemon does: a kill may set them back by some moments."""

ARRIVED = "callmon_contacts_arrived_total"
GROWS = ("_total", "_count", "_sum", "_bucket")
MOST_NOTES = 40
"""More of one kind would show nothing new."""


@dataclasses.dataclass(slots=True)
class Notes:
    """What was seen."""

    looks: int = 0
    answers: int = 0
    ready: int = 0
    pages: int = 0
    compared: int = 0  #: queues whose identity was checked
    fallen: list[str] = dataclasses.field(default_factory=list)
    broken: list[str] = dataclasses.field(default_factory=list)
    excuses: Counter[str] = dataclasses.field(default_factory=Counter)
    """What /readyz said when it said no, and how often."""
    ready_after_s: list[float] = dataclasses.field(default_factory=list)
    """How long after each start it was ready, as far as it lived to be."""
    set_back: int = 0  #: how often a counter of the daemon itself was less than before


class Watcher:
    """Asks again and again, whether anybody answers or not."""

    def __init__(self, port: int, clock: Clock) -> None:
        self.notes = Notes()
        self.page: Page = {}
        self.readiness = ""
        self._url = f"http://127.0.0.1:{port}"
        self._clock = clock
        self._greatest: dict[Series, float] = {}
        self._started: Micros | None = None

    def started(self) -> None:
        """Take that a new process has just been started."""
        self._started = self._clock.monotonic()

    async def run(self) -> None:
        """Look until cancelled."""
        async with aiohttp.ClientSession(timeout=ANSWER_TIMEOUT) as session:
            while True:
                await self.look(session)
                await self._clock.sleep(LOOKS_EVERY)

    async def look(self, session: aiohttp.ClientSession) -> bool:
        """Look once; return whether there was a page with queues and it was ready."""
        self.notes.looks += 1
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            started = self._started
            async with session.get(f"{self._url}/readyz") as answer:
                ready = answer.status == 200
                self.readiness = "" if ready else (await answer.text()).strip()
            async with session.get(f"{self._url}/metrics") as answer:
                page = read_page(await answer.text())
            if started == self._started:
                return self.take(page, ready=ready)
        return False

    def take(self, page: Page, *, ready: bool) -> bool:
        """Take a page; return whether it had queues and callmon was ready."""
        notes = self.notes
        notes.answers += 1
        notes.ready += ready
        if self.readiness:
            notes.excuses[self.readiness[:200]] += 1
        if ready and self._started is not None:
            after = (self._clock.monotonic() - self._started) / SECOND
            notes.ready_after_s.append(round(after, 2))
            self._started = None
        # While it rebuilds its state it shows no queue at all.
        if not any(name == ARRIVED for name, _ in page):
            return False
        notes.pages += 1
        before, self.page = self.page, page
        notes.set_back += sum(
            page.get(series, 0) < value
            for series, value in before.items()
            if series[0].startswith(OF_ITSELF) and series[0].endswith("_total")
        )
        self._see_what_fell(page)
        self._see_what_is_missing(page)
        return ready

    def _see_what_fell(self, page: Page) -> None:
        counters = {
            series: value
            for series, value in page.items()
            if series[0].startswith(LASTING) and series[0].endswith(GROWS)
        }
        fallen = [
            f"{show(series)}: {counters.get(series)} after {value} (look {self.notes.looks})"
            for series, value in self._greatest.items()
            if counters.get(series, -1) < value
        ]
        self._note(self.notes.fallen, fallen)
        for series, value in counters.items():
            self._greatest[series] = max(value, self._greatest.get(series, 0))

    def _see_what_is_missing(self, page: Page) -> None:
        sums: Counter[str] = Counter()
        arrived: dict[str, float] = {}
        for (name, labels), value in page.items():
            queue = dict(labels).get("queue")
            if queue is None:
                continue
            if name == ARRIVED:
                arrived[queue] = value
            elif name in {"callmon_contacts_total", "callmon_contacts_unsettled"}:
                sums[queue] += int(value)
        for queue, count in arrived.items():
            waiting = page.get(("callmon_queue_waiting_contacts", (("queue", queue),)))
            if waiting is None:
                continue  # it is blind: nobody can know who waits
            self.notes.compared += 1
            if count != sums[queue] + waiting:
                wrong = f"{queue}: arrived {count}, ended {sums[queue]}, waiting {waiting}"
                self._note(self.notes.broken, [wrong])

    def _note(self, notes: list[str], more: list[str]) -> None:
        notes += more[: MOST_NOTES - len(notes)]

    def of_itself(self) -> Mapping[str, int]:
        """Return what the daemon says of its own work, over all its lives."""
        return {
            show(series): int(value)
            for series, value in sorted(self.page.items())
            if value and series[0].startswith(OF_ITSELF) and series[0].endswith("_total")
        }
