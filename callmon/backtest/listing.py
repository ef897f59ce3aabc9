"""Every episode of a backtest as a list, by days. Pure."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, tzinfo
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from callmon.backtest.counts import Kind, Seen, seen, severity_of
from callmon.backtest.figures import day_text, length_text, subject_text, value_text
from callmon.backtest.outcome import Backtest, Side
from callmon.backtest.texts import ENDINGS
from callmon.backtest.verdict import times_text
from callmon.clock import Micros
from callmon.console.text import local
from callmon.episodes import Episode, EpisodeKey
from callmon.rules import Severity
from callmon.wording import Language

__all__ = [
    "EPISODES_AT_MOST",
    "OPEN_AT_MOST",
    "EpisodeDay",
    "EpisodeRow",
    "Listing",
    "listing_of",
]

EPISODES_AT_MOST: Final = 3_000
"""In the list; at some 400 bytes each that is a quarter of what a page may have."""

OPEN_AT_MOST: Final = 200
"""With more episodes than that the list shows its days, and each of them opens."""


@dataclasses.dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One episode of the list."""

    kind: Kind
    severity: Severity
    began: str
    lasted: str
    threshold: str
    subject: str
    worst: str
    limit: str
    ended: str
    change: str  #: ``kept``, ``gone`` or ``new``; "" where there is one file


@dataclasses.dataclass(frozen=True, slots=True)
class EpisodeDay:
    """One day of the list."""

    date: date
    name: str
    times: str
    noise: int
    rows: Sequence[EpisodeRow]


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """The whole list."""

    days: Sequence[EpisodeDay]
    episodes: int  #: that there are
    shown: int  #: no more than the cap
    open: bool  #: whether every day lies open


def listing_of(backtest: Backtest, language: Language, most: int = EPISODES_AT_MOST) -> Listing:
    """Return the list of *backtest*, with at most *most* episodes."""
    episodes = _episodes(backtest)
    shown = episodes[:most]
    writer = _Writer(ZoneInfo(backtest.timezone), backtest.until, language)
    return Listing(
        days=list(writer.days(shown)),
        episodes=len(episodes),
        shown=len(shown),
        open=len(shown) <= OPEN_AT_MOST,
    )


def _episodes(backtest: Backtest) -> list[tuple[Seen, str]]:
    """Return each episode and its change, in order of time: what is gone, too."""
    if backtest.present is None:
        return [(each, "") for each in _seen(backtest.candidate)]
    gone = {_name(episode) for each in backtest.differences for episode in each.gone}
    new = {_name(episode) for each in backtest.differences for episode in each.new}
    found = [
        (each, "new" if _name(each.episode) in new else "kept")
        for each in _seen(backtest.candidate)
    ]
    found += [(each, "gone") for each in _seen(backtest.present) if _name(each.episode) in gone]
    return sorted(found, key=lambda each: (each[0].episode.fired_at, each[0].episode.key))


def _seen(side: Side) -> list[Seen]:
    found = [each for line in side.lines for each in seen(line.episodes)]
    return sorted(found, key=lambda each: (each.episode.fired_at, each.episode.key))


def _name(episode: Episode) -> tuple[EpisodeKey, Micros]:
    return episode.key, episode.fired_at


@dataclasses.dataclass(frozen=True, slots=True)
class _Writer:
    zone: tzinfo
    until: Micros
    language: Language

    def days(self, found: Iterable[tuple[Seen, str]]) -> Iterator[EpisodeDay]:
        """Yield the days on which something fired."""
        for day, group in groupby(found, lambda each: self._day(each[0])):
            rows = list(group)
            yield EpisodeDay(
                date=day,
                name=day_text(day, self.language),
                times=times_text(len(rows), self.language),
                noise=sum(each.noise for each, change in rows if change != "gone"),
                rows=[self._row(each, change) for each, change in rows],
            )

    def _day(self, each: Seen) -> date:
        return local(each.episode.fired_at, self.zone).date()

    def _row(self, each: Seen, change: str) -> EpisodeRow:
        episode = each.episode
        return EpisodeRow(
            kind=each.kind,
            severity=severity_of(episode),
            began=f"{local(episode.fired_at, self.zone):%H:%M:%S}",
            lasted=length_text(episode.lasted(self.until), self.language),
            threshold=episode.threshold,
            subject=subject_text(episode.subject, self.language),
            worst=value_text(episode.measure, episode.worst, self.language),
            limit=value_text(episode.measure, episode.limit, self.language),
            ended=ENDINGS[self.language][episode.ended],
            change=change,
        )
