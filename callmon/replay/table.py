"""A report as tables for a terminal: contacts, rates, times; a row a queue or a period."""

import dataclasses
import datetime as dt
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from callmon.clock import SECOND, Micros
from callmon.events import OUTCOME_LABELS, Outcome
from callmon.measures import Reading
from callmon.queues import Formula, Targets
from callmon.replay.figures import Figures, Rates
from callmon.replay.report import Report, SubjectReport, iso
from callmon.replay.tally import DAY, Cohort, Period

__all__ = ["table_lines"]

NO_VALUE = "-"

_DIGITS = 4
"""After the point, as reports print them; JSON has every figure exactly."""

_ALWAYS = (Outcome.ANSWERED, Outcome.ABANDONED)
"""Outcomes that have a column even when nothing ended so."""

_FORMULAS = {
    Formula.ABANDONS_NEGATIVE: "SL negative",
    Formula.ABANDONS_IGNORED: "SL ignored",
    Formula.ABANDONS_POSITIVE: "SL positive",
    Formula.ANSWERED_ONLY: "SL answered",
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    name: str
    figures: Figures
    one: SubjectReport


_Column = tuple[str, Callable[[_Row], str]]


def table_lines(report: Report) -> Iterator[str]:
    """Yield the lines of *report*."""
    yield from _heading(report)
    heading, rows = _rows(report)
    shown = [row.figures for row in rows]
    periods = report.division.every is not None
    contacts = _contact_columns(shown)
    if not periods:
        contacts += [
            ("waiting", lambda row: str(len(row.one.state.starts))),
            ("talking", lambda row: str(row.one.state.talking)),
        ]
    for columns in (contacts, _RATES, _TIMES):
        yield ""
        yield from _aligned(heading, columns, rows)
    if any(
        figures.rates.offered != figures.rates_without_overflow.offered for figures in shown
    ):
        yield ""
        yield "The same rates as if only answered and abandoned contacts counted:"
        yield ""
        yield from _aligned(heading, _RATES_WITHOUT_OVERFLOW, rows)
    yield from _remarks(report, shown)


def _heading(report: Report) -> Iterator[str]:
    played, division = report.played, report.division
    zone = division.zone
    files = f"{len(played.files)} file{'s' if len(played.files) > 1 else ''}"
    yield f"{files}, {played.lines} lines, {played.events} events"
    if played.first is not None and played.last is not None:
        first = iso(division.since or played.first, zone)
        last = iso(played.last if report.until is None else report.until, zone)
        yield f"from {first} to {last} ({zone.key})"
    targets = {one.state.targets for one in (*report.queues, report.total)}
    if len(targets) == 1:
        yield _target_text(targets.pop())
    else:
        yield "service level: each queue by its own target, the total by the default"
    what = "arrived" if division.cohort is Cohort.ARRIVAL else "left the queue"
    yield f"a contact counts when it {what}"


def _target_text(targets: Targets) -> str:
    short = "no abandon is short"
    if targets.short_abandon:
        short = f"abandons sooner than {_seconds(targets.short_abandon)} s are short"
    return (
        f"service level: answered within {_seconds(targets.within)} s; {short};"
        f" overflow {targets.overflow}"
    )


def _rows(report: Report) -> tuple[str, list[_Row]]:
    """Return what the first column is, and the rows: queues, or periods of the total."""
    total = report.total
    every = report.division.every
    if every is None:
        rows = [
            _Row(_clean(one.state.subject.name), one.whole, one)
            for one in (*report.queues, *report.groups)
        ]
        return "queue", [*rows, _Row("TOTAL", total.whole, total)]
    rows = [
        _Row(_period_name(period, every, report.division.zone), figures, total)
        for period, figures in total.periods.items()
    ]
    return "from", [*rows, _Row("TOTAL", total.whole, total)]


def _period_name(period: Period, every: Micros, zone: ZoneInfo) -> str:
    local = dt.datetime.fromtimestamp(period.start // SECOND, zone)
    return f"{local:%Y-%m-%d}" if every >= DAY else f"{local:%Y-%m-%d %H:%M}"


def _contact_columns(shown: Sequence[Figures]) -> list[_Column]:
    outcomes = [
        outcome
        for outcome in Outcome
        if outcome in _ALWAYS or any(f.contacts(OUTCOME_LABELS[outcome]) for f in shown)
    ]
    return [
        ("arrived", lambda row: str(row.figures.contacts("arrived"))),
        ("offered", lambda row: str(row.figures.rates.offered)),
        *(_outcome_column(OUTCOME_LABELS[outcome]) for outcome in outcomes),
        ("short", lambda row: str(row.figures.short)),
        ("most waiting", lambda row: str(row.figures.most_waiting)),
    ]


def _outcome_column(label: str) -> _Column:
    return label, lambda row: str(row.figures.contacts(label))


def _rate_columns(chosen: Callable[[Figures], Rates]) -> list[_Column]:
    def level(formula: Formula) -> Callable[[_Row], str]:
        return lambda row: _percent(chosen(row.figures).service_level[formula])

    return [
        ("answer rate", lambda row: _percent(chosen(row.figures).answer_rate)),
        ("abandonment", lambda row: _percent(chosen(row.figures).abandonment_rate)),
        *((heading, level(formula)) for formula, heading in _FORMULAS.items()),
    ]


def _time_column(heading: str, measure: str) -> _Column:
    return heading, lambda row: _length(row.figures.measures[measure])


_RATES = _rate_columns(lambda figures: figures.rates)
_RATES_WITHOUT_OVERFLOW = _rate_columns(lambda figures: figures.rates_without_overflow)
_TIMES = [
    _time_column("ASA s", "average_wait"),
    _time_column("p50 wait s", "p50_wait"),
    _time_column("p90 wait s", "p90_wait"),
    _time_column("p95 wait s", "p95_wait"),
    _time_column("max wait s", "max_wait"),
    _time_column("average talk s", "average_talk"),
]


def _remarks(report: Report, shown: Sequence[Figures]) -> Iterator[str]:
    """Yield what a reader of the tables should know beyond them."""
    played = report.played
    remarks = []
    if any(figures.unknown_waits for figures in shown):
        count = report.total.whole.unknown_waits
        remarks.append(f"{count} waits are not known: in no percentile, within no target")
    refused = ", ".join(
        f"{count} {reason}" for reason, count in sorted(report.total.state.refused.items())
    )
    if refused:
        remarks.append(f"refused, so that they never waited: {refused}")
    if played.later:
        remarks.append(f"{played.later} events came after the end that was asked for")
    if played.dropped:
        reasons = ", ".join(f"{what} {n}" for what, n in sorted(played.dropped.items()))
        remarks.append(f"not used: {reasons}")
    if remarks:
        yield ""
        yield from remarks


def _aligned(heading: str, columns: Sequence[_Column], rows: Sequence[_Row]) -> Iterator[str]:
    table = [
        [heading, *(title for title, _ in columns)],
        *([row.name, *(cell(row) for _, cell in columns)] for row in rows),
    ]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    for cells in table:
        first = cells[0] + " " * (widths[0] - _width(cells[0]))
        others = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
        yield "  ".join((first, *others))


def _percent(reading: Reading | None) -> str:
    if reading is None:
        return NO_VALUE
    return f"{_rounded(Fraction(100 * reading[0], reading[1]))}%"


def _length(reading: Reading | None) -> str:
    """Return seconds, as many digits as they need, four at most."""
    if reading is None:
        return NO_VALUE
    return _seconds(Fraction(reading[0], reading[1]))


def _seconds(length: Fraction | Micros) -> str:
    digits = _rounded(Fraction(length) / SECOND)
    whole = digits.to_integral_value()
    return str(whole) if digits == whole else str(digits)


def _rounded(value: Fraction) -> Decimal:
    return Decimal(round(value * 10**_DIGITS)).scaleb(-_DIGITS)


def _clean(name: str) -> str:
    """Replace what would move the cursor: names come from outside."""
    return "".join(c if c.isprintable() else "?" for c in name)


def _width(text: str) -> int:
    """Return how many columns a terminal gives *text*; Chinese takes two a character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
