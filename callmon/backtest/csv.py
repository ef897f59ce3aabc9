"""A backtest as CSV, for spreadsheets: one row for each episode, or for each limit tried.

UTF-8 with the mark at its beginning by which Excel knows it: without it names in Chinese are
garbled there, and others skip it. Lines end as RFC 4180 wants it.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from callmon.backtest.counts import Seen, seen, severity_of
from callmon.backtest.outcome import Backtest, Found, Sweep
from callmon.clock import SECOND, Micros
from callmon.console.text import clean, local
from callmon.measures import MEASURES
from callmon.plain import shown

__all__ = ["EPISODE_COLUMNS", "SWEEP_COLUMNS", "csv_bytes"]

EPISODE_COLUMNS: Final = (
    "file",
    "change",
    "threshold",
    "kind",
    "subject",
    "measure",
    "window",
    "unit",
    "direction",
    "limit",
    "value",
    "worst",
    "severity",
    "day",
    "since",
    "fired_at",
    "ended_at",
    "lasted_seconds",
    "ended",
    "pages",
    "shift",
    "brief",
    "again",
)
"""``limit``, ``value`` and ``worst`` count in ``unit``: seconds, ratio, contacts or agents."""

SWEEP_COLUMNS: Final = (
    "threshold",
    "subjects",
    "measure",
    "window",
    "unit",
    "direction",
    "limit",
    "in_force",
    "days",
    "fired",
    "pages",
    "brief",
    "again",
    "lasted_seconds",
)

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # what Excel takes for a formula in Chinese, too
_BLANKS: Final = "\t\r\n"
"""Within quotes they harm nobody."""
_Row = dict[str, str | int | float]


def csv_bytes(found: Found) -> bytes:
    """Return what was *found* as the bytes of a file; with sweeps, only those."""
    if found.sweeps:
        rows = [row for sweep in found.sweeps for row in _points(sweep)]
        return _written(SWEEP_COLUMNS, rows)
    return _written(EPISODE_COLUMNS, _episodes(found.backtest))


def _written(columns: Sequence[str], rows: Sequence[_Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return codecs.BOM_UTF8 + text.getvalue().encode()


def _cell(value: str | float) -> str | float:
    """Return *value* so that nothing takes a name from outside for a formula or an order."""
    if not isinstance(value, str):
        return value
    text = "".join(char if char in _BLANKS else clean(char) for char in value)
    risky = any(one.startswith(_FORMULAS) for one in (text, text.strip()))
    return f"'{text}" if risky else text


def _episodes(backtest: Backtest) -> list[_Row]:
    """Return a row for each episode of both files, in order of firing."""
    zone = ZoneInfo(backtest.timezone)
    gone = {(each.key, one.fired_at) for each in backtest.differences for one in each.gone}
    new = {(each.key, one.fired_at) for each in backtest.differences for one in each.new}
    sides = [(backtest.candidate, "candidate", new, "new")]
    if backtest.present is None:
        sides = [(backtest.candidate, "present", set(), "")]
    else:
        sides.insert(0, (backtest.present, "present", gone, "gone"))
    found: list[tuple[Seen, _Row]] = []
    for side, file, changed, change in sides:
        for line in side.lines:
            for each in seen(line.episodes):
                name = (each.episode.key, each.episode.fired_at)
                kept = "kept" if change else ""
                head: _Row = {"file": file, "change": change if name in changed else kept}
                found.append((each, head | _episode(each, zone, backtest.until)))
    found.sort(key=lambda each: (each[0].episode.fired_at, each[0].episode.key))
    return [row for _, row in found]


def _episode(each: Seen, zone: tzinfo, until: Micros) -> _Row:
    episode = each.episode
    unit = MEASURES[episode.measure].unit
    return {
        "threshold": episode.threshold,
        "kind": episode.subject.kind,
        "subject": episode.subject.name,
        "measure": episode.measure,
        "window": episode.window or "",
        "unit": unit,
        "direction": episode.direction,
        "limit": shown(episode.limit, unit),
        "value": shown(episode.value, unit),
        "worst": shown(episode.worst, unit),
        "severity": severity_of(episode),
        "day": local(episode.fired_at, zone).date().isoformat(),
        "since": _instant(episode.since, zone),
        "fired_at": _instant(episode.fired_at, zone),
        "ended_at": "" if episode.ended_at is None else _instant(episode.ended_at, zone),
        "lasted_seconds": _seconds(episode.lasted(until)),
        "ended": "" if episode.ended is None else episode.ended,
        "pages": len(episode.calls),
        "shift": episode.calls[0].shift or "",
        "brief": int(each.brief),
        "again": int(each.again),
    }


def _points(sweep: Sweep) -> Iterator[_Row]:
    threshold = sweep.threshold
    unit = MEASURES[threshold.measure].unit
    for point in sweep.points:
        yield {
            "threshold": threshold.name,
            "subjects": " ".join(subject.name for subject in sweep.subjects),
            "measure": threshold.measure,
            "window": threshold.window or "",
            "unit": unit,
            "direction": sweep.direction,
            "limit": shown(point.limit, unit),
            "in_force": int(point.limit == sweep.present),
            "days": round(float(sweep.days), 3),
            "fired": point.episodes,
            "pages": point.calls,
            "brief": point.brief,
            "again": point.again,
            "lasted_seconds": _seconds(point.lasted),
        }


def _instant(at: Micros, zone: tzinfo) -> str:
    return local(at, zone).isoformat()


def _seconds(length: Micros) -> float:
    whole, rest = divmod(length, SECOND)
    return length / SECOND if rest else whole
