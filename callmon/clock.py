"""Time, as something you pass in."""

import asyncio
import time
from typing import Protocol

__all__ = ["SECOND", "Clock", "Micros", "SystemClock", "next_turn", "wait_at_most"]

Micros = int
"""Microseconds: since the Unix epoch for an instant, a length for a duration.

Integers, so that sums are exact and a restart or a replay agrees to the last digit.
"""

SECOND: Micros = 1_000_000


class Clock(Protocol):
    """Wall time for stamps, monotonic time for intervals, and a way to wait."""

    def now(self) -> Micros:
        """Return microseconds since the Unix epoch, UTC."""

    def monotonic(self) -> Micros:
        """Return microseconds since an arbitrary start; never steps back."""

    async def sleep(self, delay: Micros) -> None:
        """Return after *delay* microseconds of this clock."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> Micros:
        """Return the wall clock."""
        return time.time_ns() // 1_000

    def monotonic(self) -> Micros:
        """Return the monotonic clock."""
        return time.monotonic_ns() // 1_000

    async def sleep(self, delay: Micros) -> None:
        """Wait with ``asyncio.sleep``."""
        await asyncio.sleep(delay / SECOND)


async def wait_at_most(clock: Clock, delay: Micros, event: asyncio.Event) -> None:
    """Return when *event* is set, or *delay* has passed by *clock*: it is set then, too."""
    async with asyncio.TaskGroup() as group:
        alarm = group.create_task(clock.sleep(delay))
        alarm.add_done_callback(lambda _: event.set())
        await event.wait()
        alarm.cancel()


async def next_turn() -> None:
    """Let everything that is ready run first. No time passes, by no clock."""
    await asyncio.sleep(0)
