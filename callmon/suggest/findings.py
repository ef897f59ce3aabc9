"""What the past says about one threshold for one queue, and the limit that follows. Pure."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from callmon.clock import SECOND, Micros
from callmon.console.text import local
from callmon.rules import Limits, Subject, Threshold
from callmon.windows import LocalDay

__all__ = [
    "ENOUGH_DAYS",
    "FEWEST_DAYS",
    "WEEK",
    "Finding",
    "Rung",
    "Span",
    "Verdict",
    "Wanted",
    "chosen",
    "date_of",
    "next_day",
    "parts",
]

DAY: Micros = 86_400 * SECOND
WEEK: Micros = 7 * DAY

FEWEST_DAYS = 5
"""Fewer days say nothing about a week: no limit is suggested."""
ENOUGH_DAYS = 15
"""From so many days on, a third is kept apart to try on it what the others taught."""

_ABOUT = Fraction(6, 5)
"""A fifth more often than wanted is still about as often."""
_RIGHT = Fraction(1, 2)
"""Half as often is, too: a limit in between needs no change."""
_WORTH_IT = Fraction(1, 5)
"""What changes the number of alerts by less is not worth another limit."""


class Verdict(StrEnum):
    """What became of the search for a limit."""

    CHANGE = "change"
    RIGHT = "right"  #: the present limit calls about as often as wanted
    QUIET = "quiet"  #: so little happens that no sensible limit calls as often
    LOUD = "loud"  #: no limit that people would write calls so seldom
    FEW_DAYS = "few days"
    SPARSE = "sparse"  #: the window hardly ever holds as many contacts as it must
    MIXED = "mixed"  #: an override looks at the other side: above here, below there


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """So many alerts in so long, for each queue."""

    times: int = 2
    per: Micros = WEEK

    def times_in(self, length: Micros) -> Fraction:
        """Return how many that would be in *length*."""
        return Fraction(self.times * length, self.per)


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time: begin included, end not."""

    since: Micros
    until: Micros

    @property
    def length(self) -> Micros:
        """How long it is."""
        return self.until - self.since

    def count(self, instants: Sequence[Micros]) -> int:
        """Return how many of *instants* lie in it."""
        return sum(self.since <= at < self.until for at in instants)

    def a_week(self, instants: Sequence[Micros]) -> float:
        """Return how many of *instants* lie in a week of it."""
        return self.count(instants) * WEEK / self.length if self.length else 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A limit that was tried, and what it would have meant."""

    limit: Fraction
    fired: tuple[Micros, ...]  #: when an alert would have fired
    noise: int  #: of these, over within a minute, or fired again within five

    def by_day(self, zone: ZoneInfo) -> Counter[dt.date]:
        """Return how many there were on each day that had any."""
        return Counter(date_of(at, zone) for at in self.fired)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One threshold for one subject."""

    threshold: Threshold
    subject: Subject
    limits: Limits  #: in force now on a day without a date of its own
    days: int  #: on which there were contacts while it was on
    full_days: int  #: of these, on which its window held ``at_least`` so many
    whole: Span
    learnt: Span  #: the part by which the limit was chosen
    after: Span | None  #: the rest, where there are enough days
    present: Rung  #: as the file is, with all its dates
    rungs: tuple[Rung, ...]  #: strictest first
    choice: Rung | None
    verdict: Verdict

    @property
    def changes(self) -> bool:
        """Whether another limit than now is suggested."""
        return self.verdict is Verdict.CHANGE and self.choice is not None


def date_of(at: Micros, zone: ZoneInfo) -> dt.date:
    """Return the day of *at* in *zone*."""
    return local(at, zone).date()


def next_day(at: Micros, zone: ZoneInfo) -> Micros:
    """Return when the day after that of *at* begins in *zone*."""
    return LocalDay(zone).end(at)


def parts(whole: Span, days: Sequence[Micros]) -> tuple[Span, Span | None]:
    """Return the part to learn from and the one to try it on, cut between two days.

    Args:
        whole: all there is.
        days: when each day with contacts began.
    """
    if len(days) < ENOUGH_DAYS:
        return whole, None
    cut = sorted(days)[-(len(days) // 3)]
    return Span(whole.since, cut), Span(cut, whole.until)


def chosen(
    rungs: Sequence[Rung], present: Rung, learnt: Span, wanted: Wanted
) -> tuple[Verdict, Rung | None]:
    """Return the limit that calls about as often as *wanted*, if there is one.

    From the strictest limit on, the most sensitive one before it becomes too often: below
    that, alerts grow together and fewer of them are no better. Of limits that call equally
    often it is the one nearest to the present.
    """
    most = wanted.times_in(learnt.length)
    now = learnt.count(present.fired)
    if most * _RIGHT <= now <= most * _ABOUT:
        return Verdict.RIGHT, None
    counts = [learnt.count(rung.fired) for rung in rungs]
    good = next((at for at, count in enumerate(counts) if count > most * _ABOUT), len(rungs))
    if good == 0:
        return Verdict.LOUD, None
    best = good - 1
    if counts[best] < most * _RIGHT and good == len(rungs):
        return Verdict.QUIET, None
    equal = [
        rung for rung, count in zip(rungs[:good], counts, strict=False) if count == counts[best]
    ]
    nearest = min(equal, key=lambda rung: abs(rung.limit - present.limit))
    if nearest.limit == present.limit or abs(counts[best] - now) < now * _WORTH_IT:
        return Verdict.RIGHT, None
    return Verdict.CHANGE, nearest
