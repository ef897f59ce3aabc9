"""The last hour of one queue or group as small charts, and as a table. Pure.

A chart is a few SVG paths. What was not known is a gap in the line; a limit in force is a
line across. The scale begins at 0, and ends above the highest value and limit.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from fractions import Fraction
from typing import Final

from callmon.board import Row
from callmon.clock import SECOND, Micros
from callmon.last_hour import SAMPLE_EVERY, Course
from callmon.measures import MEASURES, Unit
from callmon.wallboard.figures import clock_text, figure_text, limit_text, wait_text
from callmon.wallboard.painting import Slots
from callmon.wallboard.texts import TEXTS
from callmon.wording import Language, format_window

__all__ = ["CHARTS", "HEIGHT", "TABLE_ROWS", "WIDTH", "Hour", "paint_charts"]

CHARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "waiting": ("waiting",),
    "longest_wait": ("longest_wait",),
    "service_level_now": ("service_level_now",),
    "abandonment_rate": ("abandonment_rate",),
    "agents": ("agents_available", "agents_staffed"),
}
"""The measures in each chart: an area below the first one, a line for the second."""

WIDTH: Final = 600
HEIGHT: Final = 150
"""Of the drawing, in its own units; the page stretches it."""

TABLE_ROWS: Final = 12
"""Of the table: one for each five minutes."""

SPAN: Final[Micros] = 3_600 * SECOND
_TABLE_STEP: Final[Micros] = 300 * SECOND
_GAP: Final[Micros] = SAMPLE_EVERY * 2
"""Samples further apart are not joined."""
_SAME_SCALE: Final = {
    "agents_available": "agents_staffed",
    "agents_staffed": "agents_available",
}
_MINUTES: Final = 5
"""Letters of a time of day without its seconds."""
_ALSO: Final = {"service_level_now": "service_level"}
"""The limit of the second is drawn into the chart of the first, too."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What was sampled of one subject."""

    window: str  #: of its rates
    courses: Mapping[str, Course]  #: by measure


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where an instant and a value lie in the drawing."""

    end: Micros
    top: float

    def x(self, at: Micros) -> float:
        return WIDTH * (1 - (self.end - at) / SPAN)

    def y(self, value: float) -> float:
        return HEIGHT * (1 - min(value / self.top, 1.0))

    def point(self, at: Micros, value: float) -> str:
        return f"{self.x(at):.1f} {self.y(value):.1f}"


def paint_charts(row: Row, hour: Hour, zone: tzinfo, language: Language) -> Slots:
    """Return the slots of the charts of *row*, and those of the table beside them."""
    ends = [course[-1][0] for course in hour.courses.values() if course]
    slots: Slots = {}
    if ends:
        slots |= {
            "chart_from": clock_text(max(ends) - SPAN, zone)[:_MINUTES],
            "chart_to": clock_text(max(ends), zone)[:_MINUTES],
            **_table(hour.courses, max(ends), zone, language),
        }
    for name in CHARTS:
        for slot, text in _chart(name, row, hour, zone, language).items():
            slots[f"chart_{name}{slot}"] = text
    return slots


def _chart(name: str, row: Row, hour: Hour, zone: tzinfo, language: Language) -> Slots:
    """Return the slots of one chart, each without ``chart_`` and the chart's name."""
    texts, measures = TEXTS[language], CHARTS[name]
    courses = [hour.courses.get(measure, ()) for measure in measures]
    course = courses[0]
    over = {"_over": format_window(hour.window, language)} if _is_ratio(measures[0]) else {}
    known = [value for _, value in course if value is not None]
    if not known:
        label = texts["chart_none"].format(measure=texts[name])
        return over | {".label": label, "_none": _nothing(measures[0], language)}
    limits = list(_limits(measures[0], row, hour.window))
    drawn = [value for course in courses for _, value in course if value is not None]
    top = _top(measures[0], [*drawn, *(float(limit) for _, limit in limits)])
    frame = _Frame(end=course[-1][0], top=top)
    readings = _readings(measures, courses, language)
    slots = over | {
        "_line.d": _line(course, frame),
        "_area.d": _area(course, frame),
        "_second.d": "".join(_line(second, frame) for second in courses[1:]),
        "_top": _text(measures[0], top),
        ".points": "\n".join(
            f"{frame.x(at):.0f}|{clock_text(at, zone)}|{reading}"
            for (at, _), reading in zip(course, readings, strict=True)
        ),
        ".label": texts["chart"].format(
            measure=texts[name],
            most=_text(measures[0], max(known)),
            least=_text(measures[0], min(known)),
        ),
    }
    return slots | _limit_lines(limits, frame, language)


def _limit_lines(
    limits: Sequence[tuple[str, Fraction]], frame: _Frame, language: Language
) -> Slots:
    if not limits:
        return {}
    told = ", ".join(_limit_text(measure, limit, language) for measure, limit in limits)
    return {
        "_limit.d": "".join(f"M0 {frame.y(float(limit)):.1f}H{WIDTH}" for _, limit in limits),
        "_limits": f"{TEXTS[language]['limit']} {told}",
    }


def _is_ratio(measure: str) -> bool:
    return MEASURES[measure].unit is Unit.RATIO


def _nothing(measure: str, language: Language) -> str:
    """Return what a gap is called: a rate has none without a contact, too."""
    return TEXTS[language]["no_rate" if _is_ratio(measure) else "no_data"]


def _readings(
    measures: Sequence[str], courses: Sequence[Course], language: Language
) -> list[str]:
    """Return what each sample says: a figure, or those of all *courses* as ``3/8``."""
    return [
        _nothing(measures[0], language)
        if samples[0][1] is None
        else "/".join(
            _text(measure, value)
            for measure, (_, value) in zip(measures, samples, strict=True)
            if value is not None
        )
        for samples in zip(*courses, strict=True)
    ]


def _limits(measure: str, row: Row, window: str) -> Iterator[tuple[str, Fraction]]:
    """Yield the limits in force of *measure*, as the chart counts: seconds, ratios, counts."""
    seen = set()
    for standing in row.standings:
        if standing.measure not in (measure, _ALSO.get(measure)):
            continue
        if standing.window not in (None, window):
            continue
        limit = standing.limit
        if MEASURES[measure].unit is Unit.SECONDS:
            limit /= SECOND
        if limit not in seen:
            seen.add(limit)
            yield standing.measure, limit


def _limit_text(measure: str, limit: Fraction, language: Language) -> str:
    inner = limit * SECOND if MEASURES[measure].unit is Unit.SECONDS else limit
    return limit_text(measure, inner, language)


def _top(measure: str, values: Sequence[float]) -> float:
    """Return where the scale ends: 100 %, or a round figure above all *values*."""
    highest = max(values)
    unit = MEASURES[measure].unit
    if unit is Unit.RATIO:
        # A rate of a few percent would lie on the floor of a scale that ends at 100 %.
        return next(top for top in (0.1, 0.25, 0.5, 1.0) if highest <= top or top == 1.0)
    steps = (60, 120, 180, 300, 600, 900, 1_800, 3_600) if unit is Unit.SECONDS else ()
    for top in steps:
        if highest <= top:
            return float(top)
    if unit is Unit.SECONDS:
        return float(math.ceil(highest / 3_600) * 3_600)
    return float(_round_above(highest))


def _round_above(highest: float) -> int:
    """Return 5, 10, 20, 50, 100, 200 …, the first that is not below *highest*."""
    size = 1
    while True:
        for factor in (5, 10, 20):
            if highest <= factor * size:
                return factor * size
        size *= 10


def _text(measure: str, value: float) -> str:
    """Return a *value* of a sample as the board shows it."""
    unit = MEASURES[measure].unit
    if unit is Unit.SECONDS:
        return wait_text(int(value * SECOND))
    if unit is Unit.RATIO:
        # A sample is a float of four bytes: 0.8 must not be cut to 79.9 %.
        exact = Fraction(value).limit_denominator(10_000)
        return figure_text(measure, (exact.numerator, exact.denominator, 1))
    return str(int(value))


def _runs(course: Course) -> Iterator[list[tuple[Micros, float]]]:
    """Yield stretches of samples without a gap."""
    run: list[tuple[Micros, float]] = []
    for at, value in course:
        if run and (value is None or at - run[-1][0] > _GAP):
            yield run
            run = []
        if value is not None:
            run.append((at, value))
    if run:
        yield run


def _line(course: Course, frame: _Frame) -> str:
    """Return the path of the values; a sample alone is a short dash."""
    pieces = []
    for run in _runs(course):
        points = [frame.point(at, value) for at, value in run]
        pieces.append(f"M{'L'.join(points)}" + ("h2" if len(points) == 1 else ""))
    return "".join(pieces)


def _area(course: Course, frame: _Frame) -> str:
    """Return the path of what lies below the line."""
    pieces = []
    for run in _runs(course):
        points = "L".join(frame.point(at, value) for at, value in run)
        first, last = frame.x(run[0][0]), frame.x(run[-1][0])
        pieces.append(f"M{first:.1f} {HEIGHT}L{points}L{last:.1f} {HEIGHT}Z")
    return "".join(pieces)


def _table(
    courses: Mapping[str, Course], end: Micros, zone: tzinfo, language: Language
) -> Slots:
    """Return the values at each full five minutes of the hour, the newest first."""
    slots: Slots = {}
    newest = end // _TABLE_STEP * _TABLE_STEP
    for place in range(TABLE_ROWS):
        at = newest - place * _TABLE_STEP
        slots[f"table_{place}"] = clock_text(at, zone)[:_MINUTES]
        for name, measures in CHARTS.items():
            sample = [_sample_at(courses.get(measure, ()), at) for measure in measures]
            slots[f"table_{place}_{name}"] = _readings(measures, sample, language)[0]
    return slots


def _sample_at(course: Course, at: Micros) -> Course:
    """Return the sample nearest to *at*, if one was taken about then."""
    nearest = min(course, key=lambda sample: abs(sample[0] - at), default=(at, None))
    return [nearest if abs(nearest[0] - at) <= SAMPLE_EVERY else (at, None)]
