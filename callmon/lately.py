"""What has come in during the last half-hour, as far as that is known. Pure.

Read from what the subject holds for its windows anyway. So after midnight, where the
longest of them is ``today``, it may be less than half an hour: then that is what is said.
"""

import dataclasses
from bisect import bisect_right
from fractions import Fraction
from typing import Final

from callmon.clock import SECOND, Micros
from callmon.intervals import HALF_HOUR
from callmon.measures import MEASURES
from callmon.queues import SubjectState
from callmon.windows import Window

__all__ = ["FEW_TALKS", "SHORTEST", "Lately", "lately_of"]

SHORTEST: Final[Micros] = 600 * SECOND
"""Less time tells too little to be compared with other days."""

FEW_TALKS: Final = 5
"""Fewer have no average that says anything."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """What came in after ``since``; None where it is not known."""

    since: Micros
    arrived: int | None = None
    talk: Fraction | None = None  #: mean length of the talks that ended


def lately_of(state: SubjectState, now: Micros) -> Lately:
    """Return what has come in at *state*; *now* is the instant it is of."""
    window = min(
        state.log.windows, key=lambda each: (each.horizon(now), each.length or 0), default=None
    )
    if window is None:
        return Lately(since=now - HALF_HOUR)
    since = max(now - HALF_HOUR, window.horizon(now))
    if now - since < SHORTEST:
        return Lately(since=now - HALF_HOUR)
    return Lately(
        since=since,
        arrived=_arrived(state, since) if _knows(state, "arrived", window, now) else None,
        talk=_talk(state, since) if _knows(state, "average_talk", window, now) else None,
    )


def _knows(state: SubjectState, measure: str, window: Window, now: Micros) -> bool:
    return MEASURES[measure].known(state, window, now)


def _arrived(state: SubjectState, since: Micros) -> int:
    arrivals = state.log.arrivals
    return len(arrivals) - bisect_right(arrivals, since)


def _talk(state: SubjectState, since: Micros) -> Fraction | None:
    log = state.log
    first = bisect_right(log.talks_at, since)
    talks = len(log.talks) - first
    if talks < FEW_TALKS:
        return None
    before = log.talks[first - 1] if first else log.talks_forgotten
    return Fraction(log.talks[-1] - before, talks)
