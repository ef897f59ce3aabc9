"""The parts of the page beside its pictures, as values its template only has to write. Pure."""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from callmon.backtest.counts import (
    DAY,
    WEEK,
    covered,
    days,
    hours_of_week,
    noisiest,
    per,
    totals,
    worst_day,
)
from callmon.backtest.figures import (
    day_text,
    events_text,
    length_text,
    moment_text,
    rate_text,
    share_text,
    subject_text,
    value_text,
)
from callmon.backtest.marks import percent
from callmon.backtest.outcome import Backtest, Duty, Line
from callmon.backtest.texts import TEXTS
from callmon.backtest.verdict import pages_text
from callmon.console.text import local
from callmon.episodes import Episode, EpisodeKey
from callmon.wording import NO_VALUE, WEEKDAYS, Language

__all__ = [
    "Card",
    "Change",
    "DutyRow",
    "HeatCell",
    "LineRow",
    "Sections",
    "sections_of",
]

CHANGES_SHOWN: Final = 8
"""Of what is gone or new for one queue; the list has all of it."""

_LEVELS: Final = 5
"""Of colour in the map of hours."""


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """One thing to see first."""

    title: str
    figure: str
    detail: str
    noisy: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class HeatCell:
    """One hour of the week."""

    pages: int
    level: int  #: of colour: 0 is none
    title: str


@dataclasses.dataclass(frozen=True, slots=True)
class DutyRow:
    """One shift under one file."""

    shift: str
    file: str  #: "" where there is one file
    turns: int
    pages: int
    mean: str
    most: str
    most_on: str
    bar: str  #: length of the mean
    most_bar: str  #: and of the most


@dataclasses.dataclass(frozen=True, slots=True)
class LineRow:
    """One queue of one threshold under one file."""

    threshold: str
    subject: str
    file: str
    episodes: int
    a_week: str
    pages: int
    brief: int
    again: int
    lasted: str
    longest: str
    longest_at: str
    worst: str
    worst_at: str


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What changes for one queue of one threshold."""

    threshold: str
    subject: str
    kept: int
    gone: int
    new: int
    gone_at: Sequence[str]  #: when, the first few
    new_at: Sequence[str]
    gone_more: int  #: those beyond
    new_more: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """All of them."""

    head: Sequence[tuple[str, str]]  #: what, and which
    cards: Sequence[Card]
    heat: Sequence[tuple[str, Sequence[HeatCell]]]
    duties: Sequence[DutyRow]
    lines: Sequence[LineRow]
    changes: Sequence[Change]


def sections_of(backtest: Backtest, language: Language) -> Sections:
    """Return the parts of the page of *backtest*."""
    maker = _Maker(backtest, language)
    return Sections(
        head=maker.head(),
        cards=list(maker.cards()),
        heat=maker.heat(),
        duties=maker.duties(),
        lines=list(maker.lines()),
        changes=list(maker.changes()),
    )


class _Maker:
    def __init__(self, backtest: Backtest, language: Language) -> None:
        self._backtest = backtest
        self._language = language
        self._texts = TEXTS[language]
        self._zone: tzinfo = ZoneInfo(backtest.timezone)
        self._sides = {"candidate": backtest.candidate}
        if backtest.present is not None:
            self._sides = {"present": backtest.present, **self._sides}

    def _file(self, file: str) -> str:
        """Return the name of a column's file; with one file there is nothing to tell."""
        return self._texts[f"is_{file}"] if len(self._sides) > 1 else ""

    def head(self) -> list[tuple[str, str]]:
        """Return where the past comes from, and what was tried on it."""
        backtest, texts = self._backtest, self._texts
        span = texts["span"].format(
            since=moment_text(backtest.since, self._zone),
            until=moment_text(backtest.until, self._zone),
            zone=backtest.timezone,
        )
        events = events_text(backtest, self._language)
        found = [(texts["past"], backtest.history), ("", span), ("", events)]
        if backtest.first > backtest.since:
            first = moment_text(backtest.first, self._zone)
            found.append(("", texts["hole"].format(first=first)))
        found.append((texts["file"], backtest.candidate.name))
        if backtest.present is not None:
            found.append((texts["present"], backtest.present.name))
        return found

    def cards(self) -> Iterator[Card]:
        """Yield what is to be seen first: how often, how much noise, whose, and when."""
        side, texts = self._backtest.candidate, self._texts
        sums = totals(side.lines, self._backtest.until)
        rate = per(sums.pages, covered(self._backtest), DAY)
        detail = "" if rate is None else texts["a_day"].format(count=rate_text(rate))
        yield Card(texts["pages_card"], f"{sums.pages:,}", detail)
        of_fired = texts["of_fired"].format(
            noise=f"{sums.noise:,}", episodes=f"{sums.episodes:,}"
        )
        share = share_text(sums.noise, sums.episodes)
        yield Card(texts["noise_card"], share, of_fired, noisy=sums.noise > 0)
        noisy = noisiest(side)
        if noisy is not None:
            line, noise = noisy
            of_fired = texts["of_fired"].format(noise=noise, episodes=len(line.episodes))
            name = f"{line.threshold.name} · {subject_text(line.subject, self._language)}"
            yield Card(texts["noisiest_card"], name, of_fired, noisy=True)
        begin = max(self._backtest.since, self._backtest.first)
        worst = worst_day(days(side, begin, self._backtest.until, self._zone))
        if worst is not None:
            day = day_text(worst.date, self._language)
            yield Card(texts["worst_day_card"], day, pages_text(worst.pages, self._language))

    def heat(self) -> list[tuple[str, list[HeatCell]]]:
        """Return the pages by weekday and hour."""
        past = self._backtest
        found = hours_of_week(past.candidate, past.since, past.until, self._zone)
        most = max(max(row) for row in found)
        return [
            (name, [self._cell(name, hour, pages, most) for hour, pages in enumerate(row)])
            for name, row in zip(WEEKDAYS[self._language], found, strict=True)
        ]

    def _cell(self, day: str, hour: int, pages: int, most: int) -> HeatCell:
        said = pages_text(pages, self._language)
        title = self._texts["calls_by"].format(day=day, hour=f"{hour:02d}", pages=said)
        return HeatCell(pages, -(-pages * _LEVELS // most) if most else 0, title)

    def duties(self) -> list[DutyRow]:
        """Return the shifts, those of both files beside each other."""
        found = [(duty, file) for file, side in self._sides.items() for duty in side.duties]
        order = list(dict.fromkeys(duty.shift for duty, _ in found))
        longest = max((max(duty.most, 1) for duty, _ in found), default=1)
        return [
            self._duty(duty, file, longest)
            for duty, file in sorted(found, key=lambda each: order.index(each[0].shift))
        ]

    def _duty(self, duty: Duty, file: str, longest: int) -> DutyRow:
        mean = Fraction(duty.calls, duty.turns) if duty.turns else None
        alone = all(each.shift is None for side in self._sides.values() for each in side.duties)
        nobody = self._texts["every_day" if alone else "no_shift"]
        most_on = ""
        if duty.most_at is not None and duty.most:
            most_on = day_text(local(duty.most_at, self._zone).date(), self._language)
        return DutyRow(
            shift=nobody if duty.shift is None else duty.shift,
            file=self._file(file),
            turns=duty.turns,
            pages=duty.calls,
            mean=rate_text(mean),
            most=str(duty.most),
            most_on=most_on,
            bar=percent(float(mean or 0) * 100 / longest),
            most_bar=percent(duty.most * 100 / longest),
        )

    def lines(self) -> Iterator[LineRow]:
        """Yield the queues of each threshold for which it fired, the files below each other."""
        found = {
            file: {line.key: line for line in side.lines} for file, side in self._sides.items()
        }
        keys = dict.fromkeys(key for file in reversed(self._sides) for key in found[file])
        for key in keys:
            lines = {file: found[file][key] for file in self._sides if key in found[file]}
            if any(line.episodes for line in lines.values()):
                yield from (self._line(line, file) for file, line in lines.items())

    def _line(self, line: Line, file: str) -> LineRow:
        until = self._backtest.until
        rate = per(len(line.episodes), covered(self._backtest), WEEK)
        longest, worst = line.longest, line.worst
        return LineRow(
            threshold=line.threshold.name,
            subject=subject_text(line.subject, self._language),
            file=self._file(file),
            episodes=len(line.episodes),
            a_week=rate_text(rate),
            pages=line.calls,
            brief=line.brief,
            again=line.again,
            lasted=length_text(line.lasted, self._language) if line.episodes else NO_VALUE,
            longest=length_text(longest.lasted(until), self._language) if longest else NO_VALUE,
            longest_at=self._moment(longest),
            worst=self._worst(worst) if worst else NO_VALUE,
            worst_at=self._moment(worst),
        )

    def _moment(self, episode: Episode | None) -> str:
        return moment_text(episode.fired_at, self._zone) if episode is not None else ""

    def _worst(self, episode: Episode) -> str:
        return value_text(episode.measure, episode.worst, self._language)

    def changes(self) -> Iterator[Change]:
        """Yield what changes from the present file to the candidate."""
        for each in self._backtest.differences:
            gone, new = (
                [self._moment(episode) for episode in found[:CHANGES_SHOWN]]
                for found in (each.gone, each.new)
            )
            yield Change(
                threshold=each.key.threshold,
                subject=self._subject(each.key),
                kept=each.kept,
                gone=len(each.gone),
                new=len(each.new),
                gone_at=gone,
                new_at=new,
                gone_more=len(each.gone) - len(gone),
                new_more=len(each.new) - len(new),
            )

    def _subject(self, key: EpisodeKey) -> str:
        return (
            key.subject
            if key.kind == "queue"
            else self._texts["group"].format(name=key.subject)
        )
