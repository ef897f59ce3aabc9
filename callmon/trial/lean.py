"""An engine that keeps what thresholds read, and nothing else: a trial ends with them.

Counters that only grow, histograms and half-hours are for metrics and reports; lengths of
talks are for a few measures. Everything that decides about an alert is as in the daemon.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final

from callmon.clock import Micros
from callmon.engine import Engine, EngineSettings
from callmon.events import Outcome
from callmon.intervals import IntervalBook
from callmon.measures import MEASURES
from callmon.queues import SubjectState
from callmon.rules import Threshold
from callmon.windows import FLAGS, SHORT, UNKNOWN, WITHIN

__all__ = ["LeanEngine", "lean_state"]

_ANSWERED: Final = Outcome.ANSWERED
_ABANDONED: Final = Outcome.ABANDONED
_OF_WAITS: Final = frozenset(
    {
        "waiting",
        "longest_wait",
        "waiting_over_target",
        "offered",
        "answer_rate",
        "abandonment_rate",
        "overflow_rate",
        "service_level",
        "service_level_now",
        "average_wait",
        "p50_wait",
        "p90_wait",
        "p95_wait",
        "max_wait",
        *(outcome.name.lower() for outcome in Outcome),
    }
)
"""Measures that need neither the arrivals nor the talks of a window."""


class LeanState(SubjectState):
    """A subject without what only grows."""

    __slots__ = ()

    @property
    def intervals(self) -> IntervalBook | None:
        """Nothing is counted by half-hours."""
        return None

    @intervals.setter
    def intervals(self, book: IntervalBook | None) -> None:
        del book

    def leave(self, at: Micros, start: Micros, outcome: Outcome, wait: Micros | None) -> None:
        """The contact that waits since *start* is done."""
        starts = self.starts
        del starts[0 if starts[0] == start else bisect_left(starts, start)]
        if outcome is _ANSWERED:
            self.talking += 1
        if wait is None:
            self.log.end(at, outcome * FLAGS + UNKNOWN, 0)
            return
        code = outcome * FLAGS
        if wait <= self._within:
            code += WITHIN
        if outcome is _ABANDONED and wait < self._short:
            code += SHORT
        self.log.end(at, code, wait)

    def count(self, outcome: Outcome, wait: Micros | None) -> int:
        """Return the code of an end of a wait: it is counted nowhere."""
        return self._code(outcome, wait)


class WaitingState(LeanState):
    """A subject of which only waits are asked for."""

    __slots__ = ()

    @property
    def untouched(self) -> bool:
        """Whether no contact and no agent has ever been told of here."""
        return super().untouched and not self.talks and not self.talking

    def join(self, at: Micros) -> None:
        """A contact waits since *at*."""
        starts = self.starts
        if not starts or at >= starts[-1]:
            starts.append(at)
        else:
            insort(starts, at)
        self.arrived += 1
        self.log.compact(at)

    def end_talk(self, at: Micros, talk: Micros | None) -> None:
        """One of the running talks ended after *talk*."""
        del at
        self.talking -= 1
        if talk is not None:
            self.talks += 1


def lean_state(thresholds: Iterable[Threshold]) -> type[SubjectState]:
    """Return the least state that *thresholds* can be judged by."""
    wanted = {MEASURES[threshold.measure].name for threshold in thresholds}
    return WaitingState if wanted <= _OF_WAITS else LeanState


class LeanEngine(Engine):
    """The engine for one trial of the thresholds in *settings*."""

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings, subject_state=lean_state(settings.thresholds))

    def advance(self, now: Micros) -> bool:
        """Move time to *now*; mostly nothing is due until then."""
        if self._dirty or self._timers.earliest <= now or self._sweep_at < now:
            return super().advance(now)
        for state in self._sources.values():
            if state.docket:
                return super().advance(now)
        self.now = max(self.now, now)
        return False
