"""When each threshold fired, as a picture. Pure.

Above the line of a queue stands what lasted, as wide as it was long; below it hangs noise:
a ring for what was over within a minute, a hook for what fired again.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from callmon.backtest.counts import DAY, MINUTE, Day, days, midnight, seen
from callmon.backtest.figures import (
    condition_text,
    day_text,
    length_text,
    share_text,
    subject_text,
)
from callmon.backtest.marks import (
    PIXEL,
    Mark,
    Scale,
    Teller,
    bars,
    dense_bars,
    noise_marks,
    percent,
    shades,
)
from callmon.backtest.outcome import Backtest, Line, Side
from callmon.backtest.texts import TEXTS
from callmon.backtest.verdict import pages_text
from callmon.calendars import Calendar
from callmon.clock import SECOND, Micros
from callmon.console.text import local
from callmon.episodes import EpisodeKey
from callmon.wording import WEEKDAYS, Language

__all__ = [
    "DAYS_HEIGHT",
    "MARKS_AT_MOST",
    "ROWS_OPEN",
    "DayBar",
    "DayBars",
    "Group",
    "Row",
    "Strip",
    "Tick",
    "Timeline",
    "paint_timeline",
]

MARKS_AT_MOST: Final = 12_000
"""That say what they are; at some 200 bytes each that is half of what a page may have."""

_FEW_MINUTES: Final = 5

ROWS_OPEN: Final = 12
"""Queues of a threshold that are seen at once; the others lie below, folded."""

_RING: Final = 0.4
_DENSE_RING: Final = 1.0
"""Percent: one ring or hook in so much of the width, where there are few, and where many."""

DAYS_HEIGHT: Final = 56
"""Of the bars of days, in pixels."""


@dataclasses.dataclass(frozen=True, slots=True)
class Strip:
    """What one file would have done for one queue."""

    file: str  #: ``present`` or ``candidate``
    label: str  #: for those who do not see it
    bars: Sequence[Mark]
    dense: Sequence[tuple[str, str]]  #: instead of them, where there are too many: paths
    marks: Sequence[Mark]  #: of noise
    episodes: int
    noise: int
    share: str  #: of noise; "" without any
    noisy: str  #: the same as a length


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One queue of one threshold."""

    subject: str
    strips: Sequence[Strip]  #: the present file's above the candidate's
    shade: int  #: which of the shades lies behind it


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """One threshold."""

    name: str
    condition: str
    before: str  #: its condition in the present file, where that is another
    rows: Sequence[Row]  #: those that fired, the most often first
    folded: Sequence[Row]  #: and those after them, where there are many
    silent: Sequence[str]  #: queues for which it never fired


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A line across all strips, with a label."""

    x: str
    text: str
    minor: bool  #: its label is left out where there is little room


@dataclasses.dataclass(frozen=True, slots=True)
class DayBar:
    """One day: how many pages, and how many of them of noise, as heights in pixels."""

    day: date
    x: str
    width: str
    pages: float
    noise: float
    title: str


@dataclasses.dataclass(frozen=True, slots=True)
class DayBars:
    """The days of one file."""

    file: str
    bars: Sequence[DayBar]
    most: int  #: pages of its worst day


@dataclasses.dataclass(frozen=True, slots=True)
class Timeline:
    """The whole picture."""

    ticks: Sequence[Tick]
    shades: Sequence[Sequence[Mark]]
    unknown: str  #: width of what is not known at its beginning; "" if all is
    days: Sequence[DayBars]
    groups: Sequence[Group]
    merged: str  #: what is closer than this is one mark


def paint_timeline(
    backtest: Backtest, language: Language, most: int = MARKS_AT_MOST
) -> Timeline:
    """Return the picture of *backtest*; with more than *most* marks they say nothing."""
    painter = _Painter(backtest, language)
    groups = painter.groups()
    if _marks(groups) > most:
        groups = painter.groups(dense=True)
    pixel = (backtest.until - backtest.since) * PIXEL / 100
    hole = painter.scale.x(backtest.first)
    return Timeline(
        ticks=list(_ticks(painter.scale, painter.zone, language)),
        shades=painter.shades,
        unknown=percent(hole) if hole else "",
        days=painter.days(),
        groups=groups,
        merged=length_text(_round(pixel), language),
    )


def _round(length: float) -> Micros:
    """Return *length* in whole minutes, or in whole seconds where it is but a few."""
    unit = MINUTE if length > _FEW_MINUTES * MINUTE else SECOND
    return max(round(length / unit), 1) * unit


def _marks(groups: Iterable[Group]) -> int:
    return sum(
        len(strip.bars) + len(strip.marks)
        for group in groups
        for row in (*group.rows, *group.folded)
        for strip in row.strips
    )


def _fired(row: Row) -> list[int]:
    """Return what rows are ordered by: how often the candidate fired, then the present file."""
    return [strip.episodes for strip in reversed(row.strips)]


class _Painter:
    """Paints the parts of one picture; closed hours are worked out once for each calendar."""

    def __init__(self, backtest: Backtest, language: Language) -> None:
        self._backtest = backtest
        self._language = language
        self.zone = ZoneInfo(backtest.timezone)
        self.scale = Scale(backtest.since, backtest.until)
        self._teller = Teller(self.zone, language, backtest.until)
        self.shades: list[Sequence[Mark]] = []
        self._known_shades: dict[Calendar | None, int] = {}
        self._sides: dict[str, Side] = {"candidate": backtest.candidate}
        if backtest.present is not None:
            self._sides = {"present": backtest.present, **self._sides}
        self._lines = {
            file: {line.key: line for line in side.lines} for file, side in self._sides.items()
        }

    def groups(self, *, dense: bool = False) -> list[Group]:
        """Return the thresholds in the order of the candidate, then those it has not."""
        keys: dict[str, dict[EpisodeKey, None]] = {}
        for lines in reversed(self._lines.values()):
            for key in lines:
                keys.setdefault(key.threshold, {})[key] = None
        return [self._group(name, list(keys[name]), dense=dense) for name in keys]

    def _group(self, name: str, keys: Sequence[EpisodeKey], *, dense: bool) -> Group:
        rows: list[Row] = []
        silent: list[str] = []
        conditions: list[str] = []
        for key in keys:
            found = {file: lines[key] for file, lines in self._lines.items() if key in lines}
            if any(line.episodes for line in found.values()):
                rows.append(self._row(found, dense=dense))
            else:
                silent += [
                    subject_text(line.subject, self._language)
                    for line in list(found.values())[:1]
                ]
        for lines in self._lines.values():
            conditions += [
                condition_text(line.threshold, line.threshold.limits, self._language)
                for line in lines.values()
                if line.threshold.name == name
            ][:1]
        rows.sort(key=_fired, reverse=True)
        return Group(
            name=name,
            condition=conditions[-1],
            before=conditions[0] if conditions[0] != conditions[-1] else "",
            rows=rows[:ROWS_OPEN],
            folded=rows[ROWS_OPEN:],
            silent=silent,
        )

    def _row(self, found: Mapping[str, Line], *, dense: bool) -> Row:
        line = list(found.values())[-1]
        strips = [self._strip(file, found.get(file), line, dense=dense) for file in self._sides]
        return Row(
            subject=subject_text(line.subject, self._language),
            strips=strips,
            shade=self._shade(line),
        )

    def _strip(self, file: str, line: Line | None, about: Line, *, dense: bool) -> Strip:
        every = seen(line.episodes) if line is not None else []
        noise = sum(each.noise for each in every)
        return Strip(
            file=file,
            label=TEXTS[self._language]["strip"].format(
                threshold=about.threshold.name,
                subject=subject_text(about.subject, self._language),
                count=len(every),
                noise=noise,
            ),
            bars=[] if dense else bars(every, self.scale, self._teller),
            dense=dense_bars(every, self.scale, self._teller.until) if dense else [],
            marks=noise_marks(
                every,
                self.scale,
                _DENSE_RING if dense else _RING,
                None if dense else self._teller,
            ),
            episodes=len(every),
            noise=noise,
            share=share_text(noise, len(every)) if noise else "",
            noisy=percent(noise * 100 / len(every)) if noise else "0%",
        )

    def _shade(self, line: Line) -> int:
        rule = line.threshold.rule_for(line.subject)
        active = rule.base.active if rule is not None else None
        if active not in self._known_shades:
            self._known_shades[active] = len(self.shades)
            self.shades.append(shades(active, self.scale, self.zone))
        return self._known_shades[active]

    def days(self) -> list[DayBars]:
        """Return the days of each file, all to one scale."""
        begin = max(self._backtest.since, self._backtest.first)
        found = {
            file: days(side, begin, self._backtest.until, self.zone)
            for file, side in self._sides.items()
        }
        most = max((day.pages for each in found.values() for day in each), default=0)
        return [
            DayBars(
                file,
                [self._bar(day, most) for day in each],
                max((day.pages for day in each), default=0),
            )
            for file, each in found.items()
        ]

    def _bar(self, day: Day, most: int) -> DayBar:
        begin, end = self.scale.x(day.begin), self.scale.x(day.end)
        gap = (end - begin) / 8
        return DayBar(
            day=day.date,
            x=percent(begin + gap / 2),
            width=percent(end - begin - gap),
            pages=_height(day.pages, most),
            noise=_height(day.noise, most),
            title=TEXTS[self._language]["day_count"].format(
                day=day_text(day.date, self._language),
                pages=pages_text(day.pages, self._language),
                noise=day.noise,
            ),
        )


def _height(pages: int, most: int) -> float:
    return round(pages * DAYS_HEIGHT / max(most, 1), 1)


_LAST_NAME: Final = 94
_FEW_HOURS: Final = 2
_FEW_DAYS: Final = 14
_FEW_WEEKS: Final = 100


def _ticks(scale: Scale, zone: tzinfo, language: Language) -> Iterator[Tick]:
    """Yield hours, days, Mondays or months of the span, whichever are not too many."""
    length = (scale.until - scale.since) / DAY
    shown = [at for at in _instants(scale, length, zone) if scale.since <= at < scale.until]
    for number, at in enumerate(shown):
        x = scale.x(at)
        # A name at the edge would stand outside.
        text = _tick_text(at, length, zone, language) if x < _LAST_NAME else ""
        yield Tick(percent(x), text, bool(number % 2))


def _instants(scale: Scale, length: float, zone: tzinfo) -> Iterator[Micros]:
    day = local(scale.since, zone).date()
    while (at := midnight(day, zone)) < scale.until:
        if length <= _FEW_HOURS:
            yield from range(at, at + DAY, DAY // 8)
        elif length <= _FEW_DAYS or _begins(day, length):
            yield at
        day += timedelta(days=1)


def _begins(day: date, length: float) -> bool:
    """Whether a week begins with *day*, or a month where there are many weeks."""
    return day.weekday() == 0 if length <= _FEW_WEEKS else day.day == 1


def _tick_text(at: Micros, length: float, zone: tzinfo, language: Language) -> str:
    moment = local(at, zone)
    if length <= _FEW_HOURS:
        return f"{moment:%H:%M}"
    if length <= _FEW_WEEKS:
        return f"{WEEKDAYS[language][moment.weekday()]} {moment:%m-%d}"
    return f"{moment:%Y-%m}"
