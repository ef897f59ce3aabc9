"""One limit over a range as a picture: how often somebody is paged, and how much is noise.

Pure. Two panels share the axis of the limit, as pages and percent have no common one. What is
drawn stands at percents of the width and pixels of the height.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from callmon.backtest.counts import DAY, WEEK
from callmon.backtest.figures import (
    length_text,
    measure_text,
    rate_text,
    share_text,
    subject_text,
    value_text,
)
from callmon.backtest.marks import percent
from callmon.backtest.outcome import Sweep, SweepPoint
from callmon.backtest.texts import TEXTS
from callmon.wording import NO_VALUE, Language

__all__ = ["Curve", "CurveRow", "Dot", "Label", "Line", "Panel", "Segment", "paint_curve"]

HIGH: Final = 170
LOW: Final = 110
"""Heights of the panels, in pixels."""

_LEFT: Final = 5
_RIGHT: Final = 86
"""Where the range begins and ends, in percent; beyond it stand the names of the lines."""

_LINE_HEIGHT: Final = 16
_TICKS: Final = 6
_BASE_SHARES: Final = 20
"""Percent: the scale of shares ends at 20 at least, so that 1 % does not look like much."""


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """A straight piece of a line."""

    x1: str
    y1: float
    x2: str
    y2: float


@dataclasses.dataclass(frozen=True, slots=True)
class Dot:
    """One limit that was tried."""

    x: str
    y: float
    title: str


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """A text beside the picture, or below it."""

    x: str
    y: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line with its name at its end."""

    kind: str  #: ``pages``, ``brief`` or ``again``
    segments: Sequence[Segment]
    dots: Sequence[Dot]
    name: Label | None  #: None: there is nothing of it


@dataclasses.dataclass(frozen=True, slots=True)
class Panel:
    """Lines with one scale."""

    title: str
    height: int
    grid: Sequence[Label]
    lines: Sequence[Line]


@dataclasses.dataclass(frozen=True, slots=True)
class CurveRow:
    """One limit, as a row of the table."""

    limit: str
    episodes: int
    pages: int
    a_week: str
    brief: str
    again: str
    lasted: str
    in_force: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """The picture and the table of one sweep."""

    title: str
    subjects: str
    panels: Sequence[Panel]
    ticks: Sequence[Label]
    present: Label | None  #: where the limit in force lies; None: outside of the range
    rows: Sequence[CurveRow]


def paint_curve(sweep: Sweep, language: Language) -> Curve:
    """Return *sweep* as a picture and a table."""
    return _Painter(sweep, language).curve()


class _Painter:
    def __init__(self, sweep: Sweep, language: Language) -> None:
        self._sweep = sweep
        self._language = language
        self._texts = TEXTS[language]
        limits = [point.limit for point in sweep.points]
        self._least, self._most = min(limits), max(limits)
        self._weekly = sweep.days >= WEEK // DAY

    def curve(self) -> Curve:
        sweep, language = self._sweep, self._language
        threshold = sweep.threshold
        pages = self._panel(
            self._texts["pages_a_week" if self._weekly else "pages_all"],
            HIGH,
            {"pages": self._pages},
        )
        noise = self._panel(self._texts["noise_share"], LOW, {"again": _again, "brief": _brief})
        return Curve(
            title=f"{threshold.name}{self._texts['colon']}{measure_text(threshold, language)}",
            subjects=self._subjects(),
            panels=[pages, noise],
            ticks=[
                Label(self._x(limit), 0, value_text(threshold.measure, limit, language))
                for limit in self._tick_limits()
            ],
            present=self._present(),
            rows=[self._row(point) for point in sweep.points],
        )

    def _subjects(self) -> str:
        names = [subject_text(subject, self._language) for subject in self._sweep.subjects]
        return self._texts["comma"].join(names)

    def _x(self, limit: Fraction) -> str:
        width = self._most - self._least
        share = float((limit - self._least) / width) if width else 0.5
        return percent(_LEFT + share * (_RIGHT - _LEFT))

    def _present(self) -> Label | None:
        limit = self._sweep.present
        if not self._least <= limit <= self._most:
            return None
        text = value_text(self._sweep.threshold.measure, limit, self._language)
        return Label(self._x(limit), 0, self._texts["in_force_at"].format(limit=text))

    def _tick_limits(self) -> Sequence[Fraction]:
        points = self._sweep.points
        step = max(math.ceil(len(points) / _TICKS), 1)
        return [point.limit for point in points[::step]]

    def _pages(self, point: SweepPoint) -> Fraction | None:
        return (
            Fraction(point.calls) * 7 / self._sweep.days
            if self._weekly
            else Fraction(point.calls)
        )

    def _panel(
        self,
        title: str,
        height: int,
        values: dict[str, Callable[[SweepPoint], Fraction | None]],
    ) -> Panel:
        shares = "pages" not in values
        found = {
            kind: [
                (point, value)
                for point in self._sweep.points
                if (value := read(point)) is not None
            ]
            for kind, read in values.items()
        }
        highest = max(
            (value for each in found.values() for _, value in each), default=Fraction(0)
        )
        top = _top(highest * 100 if shares else highest, _BASE_SHARES if shares else 1)
        scale = Fraction(height * (100 if shares else 1), top)
        lines = [self._line(kind, each, height, scale) for kind, each in found.items()]
        return Panel(
            title=title,
            height=height,
            grid=[
                Label(
                    "",
                    round(height * (1 - part / 2), 1),
                    _grid_text(top * part / 2, shares=shares),
                )
                for part in (0, 1, 2)
            ],
            lines=_apart(lines),
        )

    def _line(
        self,
        kind: str,
        found: Sequence[tuple[SweepPoint, Fraction]],
        height: int,
        scale: Fraction,
    ) -> Line:
        dots = [
            Dot(
                self._x(point.limit),
                round(float(height - value * scale), 1),
                self._title(kind, point, value),
            )
            for point, value in found
        ]
        name = None
        if dots:
            name = Label(dots[-1].x, dots[-1].y, self._texts[f"{kind}_line"])
        return Line(
            kind=kind,
            segments=[Segment(one.x, one.y, other.x, other.y) for one, other in pairwise(dots)],
            dots=dots,
            name=name,
        )

    def _title(self, kind: str, point: SweepPoint, value: Fraction) -> str:
        limit = value_text(self._sweep.threshold.measure, point.limit, self._language)
        figure = rate_text(value) if kind == "pages" else f"{round(value * 100)} %"
        return f"{limit}: {figure} {self._texts[f'{kind}_line']}"

    def _row(self, point: SweepPoint) -> CurveRow:
        measure = self._sweep.threshold.measure
        return CurveRow(
            limit=value_text(measure, point.limit, self._language),
            episodes=point.episodes,
            pages=point.calls,
            a_week=rate_text(Fraction(point.calls) * 7 / self._sweep.days)
            if self._weekly
            else NO_VALUE,
            brief=share_text(point.brief, point.episodes),
            again=share_text(point.again, point.episodes),
            lasted=length_text(point.lasted, self._language),
            in_force=point.limit == self._sweep.present,
        )


def _brief(point: SweepPoint) -> Fraction | None:
    return Fraction(point.brief, point.episodes) if point.episodes else None


def _again(point: SweepPoint) -> Fraction | None:
    return Fraction(point.again, point.episodes) if point.episodes else None


def _grid_text(value: float, *, shares: bool) -> str:
    text = f"{value:g}"
    return f"{text} %" if shares else text


def _top(highest: Fraction, least: int) -> int:
    """Return 1, 2, 4, 6, 8, 10, 20 …: the first that is not below *highest*."""
    size = 1
    while True:
        for factor in (1, 2, 4, 6, 8):
            if factor * size >= max(highest, Fraction(least)):
                return factor * size
        size *= 10


def _apart(lines: Sequence[Line]) -> list[Line]:
    """Return *lines* with their names no nearer to each other than they are high."""
    ceiling = math.inf
    placed: dict[str, Label] = {}
    for line in sorted(lines, key=lambda line: -line.name.y if line.name else 0):
        if line.name is not None:
            placed[line.kind] = dataclasses.replace(line.name, y=min(line.name.y, ceiling))
            ceiling = placed[line.kind].y - _LINE_HEIGHT
    return [dataclasses.replace(line, name=placed.get(line.kind)) for line in lines]
