"""How often those on duty would have been called: by shifts, or by days. Pure."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from callmon.backtest.outcome import Duty
from callmon.calendars import Calendar
from callmon.clock import SECOND, Micros
from callmon.console.text import local
from callmon.episodes import Call
from callmon.rules import Threshold
from callmon.windows import LocalDay

__all__ = ["duties_of"]

_LONGEST: Final = 86_400 * SECOND
"""A longer stretch is a turn a day."""


class _Turn(NamedTuple):
    """Once on duty: a shift that began on one day, with its breaks."""

    begin: Micros
    calls: int


def duties_of(
    thresholds: Sequence[Threshold],
    calls: Iterable[Call],
    *,
    since: Micros,
    until: Micros,
    timezone: str,
) -> tuple[Duty, ...]:
    """Return how often each shift would have been called from *since* to *until*.

    Shifts come in the order of the file; last, where there is something to tell, the times
    when none is on duty. Days are those of *timezone*.
    """
    shifts = dict(shift for threshold in thresholds for shift in threshold.shifts)
    by_shift: dict[str | None, list[Micros]] = {}
    for call in calls:
        if since <= call.at <= until:
            by_shift.setdefault(call.shift, []).append(call.at)
    found = [
        _duty(name, _turns(calendar, by_shift.get(name, []), since, until))
        for name, calendar in shifts.items()
    ]
    unowned = by_shift.get(None, [])
    if unowned or not shifts:
        found.append(_duty(None, _days(ZoneInfo(timezone), unowned, since, until)))
    return tuple(found)


def _duty(shift: str | None, turns: Sequence[_Turn]) -> Duty:
    worst = max(turns, key=lambda turn: (turn.calls, -turn.begin), default=_Turn(0, 0))
    return Duty(
        shift=shift,
        turns=len(turns),
        calls=sum(turn.calls for turn in turns),
        most=worst.calls,
        most_at=worst.begin if worst.calls else None,
    )


def _turns(
    calendar: Calendar, calls: Sequence[Micros], since: Micros, until: Micros
) -> list[_Turn]:
    """Return every turn of a shift of which something lies in the span.

    What is open on the same day, but for breaks, is one turn. A stretch of days is a turn
    a day.
    """
    zone = ZoneInfo(calendar.spec.timezone)
    begins: dict[dt.date, Micros] = {}
    for begin in _begins(calendar, zone, since, until):
        begins.setdefault(local(begin, zone).date(), begin)
    counts = dict.fromkeys(begins, 0)
    for at in calls:
        opened = calendar.opened_at(at)
        begin = at if opened is None else _begin(calendar, zone, opened, at)
        day = local(begin, zone).date()
        begins.setdefault(day, begin)
        counts[day] = counts.get(day, 0) + 1
    return [_Turn(begins[day], counts[day]) for day in sorted(begins)]


def _begins(
    calendar: Calendar, zone: ZoneInfo, since: Micros, until: Micros
) -> Iterator[Micros]:
    """Yield when turns begin of which something lies in the span."""
    at: Micros | None = since
    while at is not None and at <= until:
        change = calendar.next_change(at)
        opened = calendar.opened_at(at)
        if opened is not None:
            begin = _begin(calendar, zone, opened, at)
            yield begin
            if begin != opened or change is None or change - opened > _LONGEST:
                midnight = LocalDay(zone).end(at)
                change = midnight if change is None else min(midnight, change)
        at = change


def _begin(calendar: Calendar, zone: ZoneInfo, opened: Micros, at: Micros) -> Micros:
    """Return when the turn at *at* began, of a stretch that is open since *opened*."""
    closes = calendar.next_change(at)
    if closes is not None and closes - opened <= _LONGEST:
        return opened
    return max(opened, LocalDay(zone).start(at))


def _days(zone: ZoneInfo, calls: Sequence[Micros], since: Micros, until: Micros) -> list[_Turn]:
    today = LocalDay(zone)
    counts: dict[Micros, int] = {}
    at = today.start(since)
    while at <= until:
        counts[at] = 0
        at = today.end(at)
    for call in calls:
        day = today.start(call)
        counts[day] = counts.get(day, 0) + 1
    return [_Turn(begin, counts[begin]) for begin in sorted(counts)]
