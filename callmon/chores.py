"""What callmon does by the calendar: half-hours, retention, opening hours, holidays."""

import asyncio
import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import structlog

from callmon.clock import SECOND, Clock, Micros, next_turn
from callmon.config import Config
from callmon.config.check import holiday_gaps
from callmon.journal import Journal
from callmon.monitor import Monitor
from callmon.schedule import At, Daily, EveryHalfHour, Job

__all__ = ["chores", "warm"]

log = structlog.get_logger(__name__)

ROWS = 500
"""Half-hours between two turns of the event loop."""

CLOSE_AFTER: Micros = 15 * SECOND
"""A half-hour is written when what is told late of it has mostly been told."""

RETENTION_AT = dt.time(3, 30)
HOLIDAYS_AT = dt.time(4, 0)


def chores(
    config: Callable[[], Config], monitor: Monitor, journal: Journal, clock: Clock
) -> list[Job]:
    """Return all of them; they go by the configuration in force when they are done.

    Only their local times are those of the default time zone at the start.
    """
    zone = ZoneInfo(config().default_timezone)

    async def write_intervals() -> None:
        while rows := monitor.engine.intervals.dirty(ROWS):
            journal.intervals(rows)
            await next_turn()

    async def forget() -> None:
        journal.prune(config().retention, clock.now())

    async def turn() -> None:
        await asyncio.to_thread(warm, config(), clock.now())
        monitor.present()

    async def look_at_holidays() -> None:
        for gap in await asyncio.to_thread(holiday_gaps, config(), clock.now()):
            log.warning("calendar.incomplete", error=gap)

    def next_turn_of_calendars(now: Micros) -> Micros | None:
        changes = [calendar.next_change(now) for calendar in config().calendars.values()]
        return min((change for change in changes if change is not None), default=None)

    return [
        Job("intervals", EveryHalfHour(CLOSE_AFTER), write_intervals),
        Job("retention", Daily(RETENTION_AT, zone), forget),
        Job("calendars", At(next_turn_of_calendars), turn),
        Job("holidays", Daily(HOLIDAYS_AT, zone), look_at_holidays),
    ]


def warm(config: Config, now: Micros) -> None:
    """Have every calendar look around *now*: the first look reads zones and holidays."""
    for calendar in config.calendars.values():
        calendar.opened_at(now)
        calendar.next_change(now)
