"""What a backtest comes to: noise, days, hours of the week, in numbers. Pure.

Noise is an episode that was over within a minute, or fired again within five minutes of the
end of the one before. One that is both counts once.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from fractions import Fraction

from callmon.backtest.outcome import Backtest, Line, Side
from callmon.clock import SECOND, Micros
from callmon.console.text import local
from callmon.episodes import Episode, fired_again
from callmon.rules import Direction, Severity

__all__ = [
    "DAY",
    "MINUTE",
    "WEEK",
    "Day",
    "Kind",
    "Seen",
    "Totals",
    "covered",
    "days",
    "hours_of_week",
    "known",
    "midnight",
    "noise_of",
    "noisiest",
    "per",
    "seen",
    "severity_of",
    "totals",
    "worst_day",
]

DAY: Micros = 86_400 * SECOND
WEEK: Micros = 7 * DAY
MINUTE: Micros = 60 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What an episode is to those who were called, the worse for a threshold the earlier."""

    BRIEF = "brief"  #: over within a minute
    AGAIN = "again"  #: fired again within five minutes
    ESCALATED = "escalated"  #: lasted so long that others were called, too
    ORDINARY = "ordinary"


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """An episode, and what is known of it among the others."""

    episode: Episode
    brief: bool
    again: bool

    @property
    def noise(self) -> bool:
        """Whether it had better not been told."""
        return self.brief or self.again

    @property
    def kind(self) -> Kind:
        """Return what it is above all."""
        if self.brief:
            return Kind.BRIEF
        if self.again:
            return Kind.AGAIN
        return Kind.ESCALATED if len(self.episode.calls) > 1 else Kind.ORDINARY


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over some lines."""

    episodes: int
    pages: int  #: how often somebody would have been called
    brief: int
    again: int
    noise: int
    lasted: Micros
    longest: Episode | None
    worst: Episode | None  #: None for lines of several measures


def seen(episodes: Sequence[Episode]) -> list[Seen]:
    """Return the *episodes* of one line, each with what the others make of it."""
    again = {fired_at for _, fired_at in fired_again(episodes)}
    return [Seen(each, each.is_brief, each.fired_at in again) for each in episodes]


def severity_of(episode: Episode) -> Severity:
    """Return how urgent it became."""
    first, *more = (call.severity for call in episode.calls)
    return max((first, *more), key=lambda severity: severity.rank) if more else first


def totals(lines: Sequence[Line], until: Micros) -> Totals:
    """Return the sums of *lines*; an episode that stands has lasted as far as *until*."""
    every = [each for line in lines for each in seen(line.episodes)]
    episodes = [each.episode for each in every]
    one_measure = len({line.threshold.measure for line in lines}) == 1
    return Totals(
        episodes=len(every),
        pages=sum(line.calls for line in lines),
        brief=sum(each.brief for each in every),
        again=sum(each.again for each in every),
        noise=sum(each.noise for each in every),
        lasted=sum(line.lasted for line in lines),
        longest=max(episodes, key=lambda each: each.lasted(until), default=None),
        worst=max(episodes, key=_badness, default=None) if one_measure else None,
    )


def _badness(episode: Episode) -> Fraction:
    return episode.worst if episode.direction is Direction.ABOVE else -episode.worst


def covered(backtest: Backtest) -> Micros:
    """Return how much of the span there is a history of."""
    begin, end = known(backtest)
    return max(end - begin, 0)


def known(backtest: Backtest) -> tuple[Micros, Micros]:
    """Return from when to when that is."""
    last = backtest.until if backtest.last is None else min(backtest.until, backtest.last)
    return max(backtest.since, backtest.first), last


def per(count: int, length: Micros, each: Micros) -> Fraction | None:
    """Return *count* in *length* as so many in *each*; None: it is too short to tell."""
    return Fraction(count * each, length) if length >= each else None


def noise_of(line: Line) -> int:
    """Return how many of its episodes were noise."""
    return sum(each.noise for each in seen(line.episodes))


def noisiest(side: Side) -> tuple[Line, int] | None:
    """Return the line with the most noise, and how much that is; None: there is none."""
    counted = [(noise_of(line), line) for line in side.lines]
    most = max((noise for noise, _ in counted), default=0)
    return next(((line, noise) for noise, line in counted if noise == most > 0), None)


@dataclasses.dataclass(frozen=True, slots=True)
class Day:
    """One day by the wall clock, and the pages of it."""

    date: date
    begin: Micros  #: its midnight, or the beginning of the span
    end: Micros  #: that of the next, or the end of the span
    pages: int
    noise: int  #: those of them that were of noise


def days(side: Side, since: Micros, until: Micros, zone: tzinfo) -> list[Day]:
    """Return every day from *since* to *until*, also those on which nobody was paged.

    A page counts on the day on which it was sent; one from before *since* does not.
    """
    pages: Counter[date] = Counter()
    noise: Counter[date] = Counter()
    for line in side.lines:
        for each in seen(line.episodes):
            sent = [local(at, zone).date() for at in _sent(each.episode, since, until)]
            pages.update(sent)
            if each.noise:
                noise.update(sent)
    found = []
    begin = since
    while begin < until:
        today = local(begin, zone).date()
        end = min(midnight(today + timedelta(days=1), zone), until)
        found.append(Day(today, begin, end, pages[today], noise[today]))
        begin = end
    return found


def midnight(day: date, zone: tzinfo) -> Micros:
    """Return the instant at which *day* begins."""
    return (datetime.combine(day, time(), zone) - _EPOCH) // timedelta(microseconds=1)


def worst_day(found: Sequence[Day]) -> Day | None:
    """Return the day of the most pages, the first of them; None: there were none."""
    worst = max(found, key=lambda day: day.pages, default=None)
    return worst if worst is not None and worst.pages else None


def hours_of_week(side: Side, since: Micros, until: Micros, zone: tzinfo) -> list[list[int]]:
    """Return the pages from *since* to *until* by weekday, Monday first, and hour."""
    found = [[0] * 24 for _ in range(7)]
    for line in side.lines:
        for episode in line.episodes:
            for sent in _sent(episode, since, until):
                at = local(sent, zone)
                found[at.weekday()][at.hour] += 1
    return found


def _sent(episode: Episode, since: Micros, until: Micros) -> list[Micros]:
    """Return when somebody was paged; what stood at *since* may have paged before it."""
    return [call.at for call in episode.calls if since <= call.at <= until]
