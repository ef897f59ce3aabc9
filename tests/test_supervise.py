"""Tests of callmon.supervise."""

import asyncio
import random
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from callmon.clock import SECOND, Micros
from callmon.errors import FeedError, FeedReason
from callmon.notify import Notifier
from callmon.supervise import (
    BACKOFF_CAP,
    BACKOFF_FIRST,
    CRASHED,
    HEALTHY_AFTER,
    REFUSED_DELAY,
    Failure,
    backoff_ceiling,
    feed_watchdog,
    supervise,
)
from callmon.testing import ManualClock

LOST = FeedError(FeedReason.LOST, "connection closed")
DENIED = FeedError(FeedReason.DENIED, "wrong password", retry=False)


class ScriptedFeed:
    """Each run lasts the next of *lasts* and then fails; later runs never end."""

    name = "pbx1"

    def __init__(self, clock: ManualClock, error: Exception, lasts: list[Micros]) -> None:
        self.runs = 0
        self._clock = clock
        self._error = error
        self._lasts = lasts

    async def run(self) -> None:
        """Work, then fail."""
        self.runs += 1
        if self.runs > len(self._lasts):
            await asyncio.Event().wait()
        if self._lasts[self.runs - 1]:
            await self._clock.sleep(self._lasts[self.runs - 1])
        raise self._error


async def _drive(clock: ManualClock, work: Coroutine[Any, Any, None], time: Micros) -> None:
    """Let *work* go on while *time* passes, then cancel it."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work)
        await clock.advance(time)
        task.cancel()


async def _failures(error: Exception, lasts: list[Micros], time: Micros) -> list[Failure]:
    clock, failures = ManualClock(), list[Failure]()
    feed = ScriptedFeed(clock, error, lasts)
    await _drive(clock, supervise(feed, clock, random.Random(7), failures.append), time)
    return failures


@pytest.mark.anyio
async def test_a_lost_feed_is_run_again() -> None:
    """Three losses give three failures with rising attempts; then the feed is up."""
    clock, failures = ManualClock(), list[Failure]()
    feed = ScriptedFeed(clock, LOST, [0, 0, 0])

    await _drive(clock, supervise(feed, clock, random.Random(7), failures.append), 60 * SECOND)

    assert [("lost", 1), ("lost", 2), ("lost", 3)] == [(f.reason, f.attempt) for f in failures]
    assert 4 == feed.runs


@pytest.mark.anyio
async def test_a_denied_feed_does_not_hammer_the_peer() -> None:
    """A wrong password is tried again rarely, but not never."""
    failures = await _failures(DENIED, [0, 0, 0], 2 * REFUSED_DELAY - 1)

    assert [("denied", REFUSED_DELAY)] * 2 == [(f.reason, f.delay) for f in failures]


@pytest.mark.anyio
async def test_a_crash_is_logged_with_its_traceback_and_the_feed_runs_again() -> None:
    """A mistake in one feed neither ends the others nor passes unseen."""
    with capture_logs() as logs:
        failures = await _failures(ZeroDivisionError("oh"), [0], 60 * SECOND)

    assert [(CRASHED, "ZeroDivisionError: oh")] == [(f.reason, f.error) for f in failures]
    assert ["error"] == [line["log_level"] for line in logs]
    assert isinstance(logs[0]["exc_info"], ZeroDivisionError)


@pytest.mark.anyio
async def test_a_feed_that_returns_is_a_crash() -> None:
    """Silence is not success: a feed works until it is cancelled."""

    class Quitter:
        name = "pbx1"

        async def run(self) -> None:
            """Give up without a word."""

    clock, failures = ManualClock(), list[Failure]()
    await _drive(clock, supervise(Quitter(), clock, random.Random(7), failures.append), 1)

    assert CRASHED == failures[0].reason


@pytest.mark.anyio
async def test_a_healthy_run_forgets_the_past() -> None:
    """After a long good run the first new loss counts as the first."""
    failures = await _failures(
        LOST, [0, 0, HEALTHY_AFTER - 1, HEALTHY_AFTER, 0], 3 * HEALTHY_AFTER
    )

    assert [1, 2, 3, 1, 2] == [failure.attempt for failure in failures]


@pytest.mark.anyio
async def test_a_day_of_losses_is_survived_and_logged_once_a_minute() -> None:
    """A peer that is down for a day is tried all day, and the log stays readable."""
    day = 86_400 * SECOND
    with capture_logs() as logs:
        failures = await _failures(LOST, [0] * 1_000_000, day)

    assert len(failures) > day // BACKOFF_CAP
    assert max(failure.delay for failure in failures) <= BACKOFF_CAP
    assert 1 < len(logs) <= day // (60 * SECOND)
    assert len(logs) + sum(line["repeated"] for line in logs) <= len(failures)


@given(st.integers(1, 3_000))
def test_the_ceiling_doubles_up_to_the_cap(attempt: int) -> None:
    """However long the night, the number stays small."""
    assert min(BACKOFF_CAP, BACKOFF_FIRST * 2 ** (attempt - 1)) == backoff_ceiling(attempt)


async def _heard(short_path: Path, ticks: Callable[[], int], time: Micros) -> list[bytes]:
    """Return what systemd hears in *time* when it allows 4 s of silence."""
    address = short_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(str(address))
        door.settimeout(0)
        environ = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": str(4 * SECOND)}
        clock = ManualClock()
        await _drive(clock, feed_watchdog(Notifier(environ), clock, ticks), time)
        heard = []
        while True:
            try:
                heard.append(door.recv(100))
            except BlockingIOError:
                return heard


@pytest.mark.anyio
async def test_the_watchdog_is_fed_while_the_engine_ticks(short_path: Path) -> None:
    """Four times in the time systemd allows."""
    count = iter(range(100))

    assert [b"WATCHDOG=1"] * 4 == await _heard(short_path, lambda: next(count), 4 * SECOND)


@pytest.mark.anyio
async def test_the_watchdog_starves_when_the_engine_stands_still(short_path: Path) -> None:
    """A loop that spins while nothing is evaluated is not alive."""
    assert [] == await _heard(short_path, lambda: 5, 60 * SECOND)


@pytest.mark.anyio
async def test_without_a_watchdog_there_is_nothing_to_feed() -> None:
    """Outside systemd the task ends at once."""
    await feed_watchdog(Notifier({}), ManualClock(), lambda: 1)
