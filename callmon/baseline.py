"""What is usual for a queue or a group at this time of this weekday. Pure.

Taken from stored half-hours: the same local weekday and time in the last eight weeks, the
median over those in which callmon was running. So one holiday, or one bad day, is not what
is usual.
"""

import dataclasses
import datetime as dt
import functools
import statistics
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final, NamedTuple, Protocol

from callmon.clock import SECOND, Micros
from callmon.intervals import HALF_HOUR

__all__ = ["AT_LEAST", "WEEKS", "Baseline", "PastHalfHour", "Usual", "half_of", "weeks_before"]

WEEKS: Final = 8
"""How many weeks back are looked at."""

AT_LEAST: Final = 3
"""Weeks without which nothing is called usual."""

_EDGE: Final[Micros] = SECOND

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class PastHalfHour(Protocol):
    """A half-hour of a queue as it is stored: contacts by their arrival."""

    @property
    def queue(self) -> str:
        """Whose it is."""

    @property
    def start(self) -> Micros:
        """A multiple of ``HALF_HOUR``."""

    @property
    def arrived(self) -> int:
        """How many joined."""

    @property
    def talks(self) -> int:
        """How many talks ended."""

    @property
    def talk(self) -> Micros:
        """All of them together."""

    @property
    def samples(self) -> int:
        """How often agents were counted; 0: nobody counted."""

    @property
    def staffed(self) -> int:
        """The sum of the agents at work over the samples."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual of a stretch of time; None where too few weeks tell."""

    arrived: Fraction | None = None  #: in all of the stretch
    staffed: Fraction | None = None  #: agents at work
    talk: Fraction | None = None  #: mean length of a talk


class _Week(NamedTuple):
    """The same stretch some weeks ago."""

    arrived: Fraction
    talk: Fraction | None


class _Total(NamedTuple):
    """Several queues in one half-hour."""

    arrived: int
    talks: int
    talk: Micros


def half_of(at: Micros) -> Micros:
    """Return the start of the half-hour of *at*."""
    return at - at % HALF_HOUR


@functools.lru_cache(maxsize=256)
def weeks_before(half: Micros, zone: dt.tzinfo) -> tuple[Micros, ...]:
    """Return the half-hours of the same local weekday and time, the latest week first.

    Where the clocks were changed in between they are not whole weeks back.
    """
    local = (_EPOCH + dt.timedelta(microseconds=half)).astimezone(zone)
    # Adding days to a local time keeps what the clock on the wall says.
    former = (local - dt.timedelta(weeks=week) for week in range(1, WEEKS + 1))
    return tuple(
        half_of((moment - _EPOCH) // dt.timedelta(microseconds=1)) for moment in former
    )


class Baseline:
    """Answers what is usual, from the half-hours it was made of."""

    def __init__(self, rows: Iterable[PastHalfHour] = ()) -> None:
        self._halves: dict[Micros, dict[str, PastHalfHour]] = {}
        self._first: dict[str, Micros] = {}  #: when a queue was first told of
        # No more than subjects times the half-hours above, and gone with them.
        self._totals: dict[tuple[tuple[str, ...], Micros], _Total] = {}
        for row in rows:
            self._halves.setdefault(row.start, {})[row.queue] = row
            self._first[row.queue] = min(row.start, self._first.get(row.queue, row.start))

    def usual(
        self,
        queues: tuple[str, ...],
        staff: str,
        zone: dt.tzinfo,
        since: Micros,
        until: Micros,
    ) -> Usual:
        """Return what is usual between two instants, half an hour apart at most.

        *queues* are those that make up the subject, *staff* is the name under which its
        agents were counted. Weeks before any of the queues was first told of say nothing.
        """
        halves = _parts(since, until)
        known = min((self._first[name] for name in queues if name in self._first), default=None)
        pasts = zip(*(weeks_before(half, zone) for half, _ in halves), strict=True)
        weeks = [
            self._week(queues, [(start, halves[i][1]) for i, start in enumerate(starts)])
            for starts in pasts
            if known is not None and known <= min(starts) and self._halves.keys() >= set(starts)
        ]
        return Usual(
            arrived=_median(week.arrived for week in weeks),
            staffed=_median(self._staffed(staff, half_of(until - 1), zone)),
            talk=_median(week.talk for week in weeks if week.talk is not None),
        )

    def _week(self, queues: tuple[str, ...], halves: Sequence[tuple[Micros, Micros]]) -> _Week:
        """Return one week, *halves* being its half-hours and how much of each counts."""
        arrived = talks = talk = 0
        for start, part in halves:
            total = self._total(queues, start)
            arrived += part * total.arrived
            talks += part * total.talks
            talk += part * total.talk
        return _Week(Fraction(arrived, HALF_HOUR), Fraction(talk, talks) if talks else None)

    def _total(self, queues: tuple[str, ...], start: Micros) -> _Total:
        """Return what *queues* had together; that of a large group is worked out once."""
        total = self._totals.get((queues, start))
        if total is None:
            half = self._halves[start]
            rows = [half[name] for name in queues if name in half]
            total = self._totals[queues, start] = _Total(
                sum(row.arrived for row in rows),
                sum(row.talks for row in rows),
                sum(row.talk for row in rows),
            )
        return total

    def _staffed(self, staff: str, half: Micros, zone: dt.tzinfo) -> Iterator[Fraction]:
        """Yield how many agents were at work in the weeks in which they were counted."""
        for start in weeks_before(half, zone):
            row = self._halves.get(start, {}).get(staff)
            if row is not None and row.samples:
                yield Fraction(row.staffed, row.samples)


def _parts(since: Micros, until: Micros) -> list[tuple[Micros, Micros]]:
    """Return the half-hours between two instants, and how much of each lies there.

    Not one of which it is the edge alone: what it had would be asked for and count nothing.
    """
    parts = [
        (half, min(until, half + HALF_HOUR) - max(since, half))
        for half in range(half_of(since), until, HALF_HOUR)
    ]
    return [(half, part) for half, part in parts if part > _EDGE]


def _median(values: Iterable[Fraction]) -> Fraction | None:
    known = list(values)
    return statistics.median(known) if len(known) >= AT_LEAST else None
