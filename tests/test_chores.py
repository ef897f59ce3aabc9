"""Tests of what is done by the calendar."""

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from callmon.chores import chores
from callmon.clock import SECOND, Micros
from callmon.config import Config, load_config
from callmon.events import FeedChanged
from callmon.journal import Journal, Retention
from callmon.monitor import Monitor
from callmon.schedule import At, Job
from callmon.telemetry import Telemetry
from callmon.testing import ManualClock
from tests.stories import joined, left

pytestmark = pytest.mark.anyio

NOON: Micros = 1_795_348_800 * SECOND
"""Of 2026-11-22 in UTC."""

DAY: Micros = 86_400 * SECOND

CALLMON = """\
thresholds: thresholds.yml
feeds: {{log: {{type: queue_log, path: {folder}/queue_log, source: pbx}}}}
storage: {{directory: {folder}/state, keep: {{events: 2d}}}}
"""
THRESHOLDS = """\
thresholds: []
calendars:
  open: {weekly: {mon-sun: ["09:00-18:00"]}}
  late: {weekly: {mon-sun: ["20:00-22:00"]}}
  china: {holidays: CN, weekly: {mon-fri: ["09:00-18:00"]}}
"""


class House:
    """What the chores work on."""

    def __init__(self, config: Config, now: Micros) -> None:
        self.clock = ManualClock(now)
        telemetry = Telemetry("0")
        self.config = config
        self.journal = Journal(config.storage_directory, self.clock, telemetry.journal)
        self.monitor = Monitor(
            config.engine_settings(), self.clock, telemetry, lambda _: None, self.journal
        )
        jobs = chores(lambda: self.config, self.monitor, self.journal, self.clock)
        self.jobs: dict[str, Job] = {job.name: job for job in jobs}

    async def written(self) -> None:
        """Wait until all is on the disk."""
        event = asyncio.Event()
        self.journal.when_durable(event.set)
        await event.wait()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return what the journal answers."""
        path = self.config.storage_directory / "journal.db"
        with closing(sqlite3.connect(path)) as journal:
            return journal.execute(query).fetchall()


@pytest.fixture(name="house")
async def _house(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "callmon.yml").write_text(CALLMON.format(folder=tmp_path))
    (tmp_path / "thresholds.yml").write_text(THRESHOLDS)
    config = await asyncio.to_thread(load_config, tmp_path / "callmon.yml", {})
    house = await asyncio.to_thread(House, config, NOON)
    await house.journal.start()
    yield house
    await house.journal.close(10)


async def test_half_hours_are_written(house: House) -> None:
    """Who arrived and how it ended; written again, they are the same rows."""
    engine = house.monitor.engine
    visit = joined(0, "a", seq=1), left(3 * SECOND, "a", wait=3 * SECOND, seq=2)
    engine.apply_all(visit)
    for _ in range(2):
        await house.jobs["intervals"].work()
        await house.written()
        found = await asyncio.to_thread(
            house.rows,
            "SELECT queue, cohort, arrived, abandoned, abandoned_wait FROM intervals",
        )
        assert [
            ("sales", "arrival", 1, 1, 3 * SECOND),
            ("sales", "end", 1, 1, 3 * SECOND),
        ] == sorted(found)


async def test_what_is_too_old_is_deleted(house: House) -> None:
    """As the configuration in force says, not that of the start."""
    for days in (3, 1):
        event = FeedChanged(NOON - days * DAY, "pbx", 0, "log", up=True)
        house.journal.record("log", [event], (), None)
    await house.written()
    house.journal.checkpoint(NOON, {}, whole=True)
    await house.written()
    counted = "SELECT count(*) FROM events"
    assert [(2,)] == await asyncio.to_thread(house.rows, counted)

    keep = Retention(events=DAY * 30, intervals=DAY, alerts=DAY)
    house.config = dataclasses.replace(house.config, retention=keep)
    await house.jobs["retention"].work()
    await house.written()
    assert [(2,)] == await asyncio.to_thread(house.rows, counted)

    keep = dataclasses.replace(keep, events=2 * DAY)
    house.config = dataclasses.replace(house.config, retention=keep)
    await house.jobs["retention"].work()
    while [(1,)] != await asyncio.to_thread(house.rows, counted):
        await house.written()


async def test_calendars_turn_at_the_next_change_of_any(house: House) -> None:
    """Noon: one closes at 18:00, one opens at 20:00."""
    when = house.jobs["calendars"].when
    assert isinstance(when, At)
    assert NOON + 6 * 3_600 * SECOND == when.next(NOON)
    assert NOON + 8 * 3_600 * SECOND == when.next(NOON + 6 * 3_600 * SECOND)
    await house.jobs["calendars"].work()


async def test_holidays_that_are_not_decreed_yet_are_said(house: House) -> None:
    """The make-up days of a year are known when it begins, or somebody should look."""
    china = house.config.calendars["china"]
    year = next(year for year in range(2026, 2060) if not china.has_year_data(year))
    house.clock.leap((year - 2026) * 365 * DAY)
    with capture_logs() as logs:
        await house.jobs["holidays"].work()

    assert ["calendar.incomplete"] == [line["event"] for line in logs]
    assert "calendar china: the holidays of CN" in logs[0]["error"]
