"""What a replay remembers, and how it is divided into periods.

The engine counts contacts by the moment their waiting ended. Reports of telephone systems
count the calls of a day by arrival. So a replay keeps every visit with both its ends, and
counts it again, by either, in a state of its own for each period: measures are read from
it exactly as from the engine.
"""

import dataclasses
from bisect import bisect_left
from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from callmon.clock import SECOND, Micros
from callmon.events import Outcome
from callmon.queues import BUCKETS, SubjectState, Targets, WindowSpec
from callmon.rules import Subject
from callmon.windows import LocalDay

__all__ = [
    "DAY",
    "WHOLE",
    "Cohort",
    "Counted",
    "Period",
    "Periods",
    "TalliedState",
    "Visit",
    "divide",
    "nothing",
]

DAY: Micros = 86_400 * SECOND

WHOLE = WindowSpec(name="all")
"""Everything that was read: it never ends, so that its log forgets nothing."""


class Cohort(StrEnum):
    """Which moment of a contact decides the period it belongs to."""

    END = "end"
    ARRIVAL = "arrival"


class Visit(NamedTuple):
    """A contact whose waiting has ended; *wait* is None when nobody can know it."""

    start: Micros
    end: Micros
    outcome: Outcome
    wait: Micros | None


_ARRIVAL: Callable[[Visit], Micros] = attrgetter("start")
_END: Callable[[Visit], Micros] = attrgetter("end")


class TalliedState(SubjectState):
    """The state of a subject that also remembers its visits."""

    __slots__ = ("visits",)

    def __init__(
        self,
        subject: Subject,
        targets: Targets,
        day: LocalDay,
        windows: Iterable[WindowSpec],
        bounds: tuple[Micros, ...] = BUCKETS,
    ) -> None:
        # The window that never ends keeps the log of arrivals and talks whole.
        super().__init__(subject, targets, day, (WHOLE, *windows), bounds)
        self.visits: list[Visit] = []

    def leave(self, at: Micros, start: Micros, outcome: Outcome, wait: Micros | None) -> None:
        """Count the end of a wait, and remember it."""
        self.visits.append(Visit(start, at, outcome, wait))
        super().leave(at, start, outcome, wait)

    def show(self, at: Micros, outcome: Outcome, wait: Micros | None, start: Micros) -> None:
        """Remember an end that may yet be told otherwise."""
        self.visits.append(Visit(start, at, outcome, wait))
        super().show(at, outcome, wait, start)

    def hide(self, at: Micros, outcome: Outcome, wait: Micros | None, start: Micros) -> None:
        """Forget what ``show`` has shown."""
        for place in range(len(self.visits) - 1, -1, -1):
            if self.visits[place][1:] == (at, outcome, wait):
                del self.visits[place]
                break
        super().hide(at, outcome, wait, start)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Period:
    """A length of time: *start* is in it, *end* is not."""

    start: Micros
    end: Micros


class Periods:
    """Divides time into days or equal parts of days, by local midnights.

    With no *length* all time is one period. What is before *since* is in none.
    """

    def __init__(self, zone: ZoneInfo, length: Micros | None, span: Period) -> None:
        self._day = LocalDay(zone)
        self._length = length
        self._span = span

    def of(self, at: Micros) -> Period | None:
        """Return the period that *at* is in; None outside of the whole span."""
        span = self._span
        if not span.start <= at < span.end:
            return None
        if self._length is None:
            return span
        midnight, end = self._day.start(at), self._day.end(at)
        start = midnight
        if self._length < DAY:  # a day in which clocks change is longer or shorter
            start += (at - midnight) // self._length * self._length
            end = min(start + self._length, end)
        return Period(max(start, span.start), end)


@dataclasses.dataclass(slots=True)
class Counted:
    """A subject in one period."""

    state: SubjectState
    most_waiting: int = 0  #: the greatest number waiting at one instant


def nothing(state: TalliedState) -> Counted:
    """Return a count of nothing yet, by the targets of *state*."""
    day = LocalDay(ZoneInfo("UTC"))
    return Counted(SubjectState(state.subject, state.targets, day, (WHOLE,), state.bounds))


class _Cells:
    """The counts of every period that something fell into."""

    def __init__(self, state: TalliedState, periods: Periods) -> None:
        self.found: dict[Period, Counted] = {}
        self._state = state
        self._periods = periods
        self._last = Period(0, 0)
        self._cell: Counted | None = None

    def of(self, at: Micros) -> Counted | None:
        """Return the count of the period of *at*; None where there is no period."""
        # What comes in order of time stays in the same period for long.
        if self._last.start <= at < self._last.end:
            return self._cell
        period = self._periods.of(at)
        if period is None:
            return None
        cell = self.found.get(period)
        if cell is None:
            cell = self.found[period] = nothing(self._state)
        self._last, self._cell = period, cell
        return cell


def divide(state: TalliedState, cohort: Cohort, periods: Periods) -> dict[Period, Counted]:
    """Count what *state* remembers again, period by period, oldest first.

    Arrivals count when they were, and talks when they ended, in either cohort.
    """
    cells = _Cells(state, periods)
    for at in state.log.arrivals:
        if (counted := cells.of(at)) is not None:
            counted.state.arrived += 1
            counted.state.log.arrive(at)
    moment = _ARRIVAL if cohort is Cohort.ARRIVAL else _END
    for visit in sorted(state.visits, key=moment):
        at = moment(visit)
        if (counted := cells.of(at)) is not None:
            counted.state.end(at, visit.outcome, visit.wait)
    for at, talk in state.log.single_talks():
        if (counted := cells.of(at)) is not None:
            counted.state.log.end_talk(at, talk)
    _count_waiting(state, cells)
    return dict(sorted(cells.found.items()))


def _count_waiting(state: TalliedState, cells: _Cells) -> None:
    """Find the greatest number waiting in each period, those carried into it included.

    The number at an instant is the one after everything of that instant: who is answered
    at once was never seen waiting.
    """
    changes: dict[Micros, int] = {}
    for visit in state.visits:
        changes[visit.start] = changes.get(visit.start, 0) + 1
        changes[visit.end] = changes.get(visit.end, 0) - 1
    for start in state.starts:
        changes[start] = changes.get(start, 0) + 1
    instants = sorted(changes)
    waiting = [0, *accumulate(changes[at] for at in instants)]
    for at in instants:
        cells.of(at)
    for period, counted in cells.found.items():
        # One further to the left than the instants: the number carried in.
        first, end = bisect_left(instants, period.start), bisect_left(instants, period.end)
        counted.most_waiting = max(waiting[first : end + 1])
