"""When calendars are open, as stretches of time, and what they have in common."""

import bisect
import functools
import itertools
from collections.abc import Sequence

from callmon.calendars import Calendar
from callmon.clock import SECOND, Micros

__all__ = ["DAY", "YEAR", "Stretches", "longest", "on_duty", "overlap", "stretches", "touches"]

DAY: Micros = 86_400 * SECOND
YEAR: Micros = 366 * DAY
"""What repeats at all repeats within it."""

MAX_CHANGES = 4_000
"""More than a year of opening hours has, with a pause at noon."""

Stretches = tuple[tuple[Micros, Micros], ...]
"""(begin, end) of each opening, oldest first."""


@functools.lru_cache(maxsize=64)
def stretches(calendar: Calendar, since: Micros, until: Micros) -> Stretches:
    """Return when *calendar* is open between; the same ones are asked for again and again."""
    found = []
    at = since
    for _ in range(MAX_CHANGES):
        change = calendar.next_change(at)
        end = until if change is None else min(change, until)
        if at < end and calendar.is_open(at):
            found.append((at, end))
        if change is None or change >= until:
            break
        at = change
    return tuple(found)


def longest(calendar: Calendar, since: Micros, until: Micros) -> Micros:
    """Return the length of its longest opening between; 0: it never opens."""
    return max((end - begin for begin, end in stretches(calendar, since, until)), default=0)


def touches(openings: Stretches, begin: Micros, end: Micros) -> bool:
    """Tell whether any of *openings* has a moment of the time from *begin* to *end*."""
    after = bisect.bisect_left(openings, (end,))
    return after > 0 and openings[after - 1][1] > begin


def overlap(one: Calendar, other: Calendar, since: Micros, until: Micros) -> bool:
    """Tell whether both are ever open at once between."""
    openings = stretches(other, since, until)
    return any(touches(openings, begin, end) for begin, end in stretches(one, since, until))


def on_duty(
    shifts: Sequence[tuple[str, Calendar]], since: Micros, until: Micros
) -> list[tuple[Micros, Micros, str | None]]:
    """Return who is on duty from when to when; None: nobody."""
    hours = [(name, stretches(calendar, since, until)) for name, calendar in shifts]
    edges = {since, until}
    for _, openings in hours:
        edges.update(itertools.chain.from_iterable(openings))
    found: list[tuple[Micros, Micros, str | None]] = []
    for begin, end in itertools.pairwise(sorted(edges)):
        shift = next((name for name, openings in hours if touches(openings, begin, end)), None)
        joins = bool(found) and found[-1][2] == shift
        found.append((found.pop()[0] if joins else begin, end, shift))
    return found
