"""Tests of restarts: what was there before is there after, once, whatever ended the daemon."""

import functools
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from callmon.clock import SECOND, Micros
from callmon.journal import Journal
from tests.acceptance.driver import CONFIG, Daemon, running, sample, simulated_lines, time_of

pytestmark = pytest.mark.anyio

START: Micros = 1_795_400_000 * SECOND
SECONDS = START // SECOND
WAITING = 'callmon_queue_waiting_contacts{queue="sales"}'
RINGS = 'callmon_ring_no_answer_total{queue="sales"}'
ARRIVED = 'callmon_contacts_arrived_total{queue="sales"}'

OF_THE_PROCESS = re.compile(
    r"^(process_|python_|callmon_(journal_|jobs?_|event_loop_|scrape_|config_last_|feed_lag_|"
    r"feed_last_event_|feed_clock_))"
)
"""What is of this process and its feeds' connections, and begins anew with it."""

THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 60s, clear: 30s, keep: 1m,
     severity: warning, escalate: [{after: 2m, severity: critical}]}
  - {name: many_gone, measure: abandonment_rate, window: 15m, above: 5%, clear: 2%, for: 1m,
     at_least: 10, severity: critical}
"""


def joins(at: int, contact: str) -> str:
    """Return the line of a caller who joins sales *at* seconds after the start."""
    return f"{SECONDS + at}|{contact}|sales|NONE|ENTERQUEUE|||1"


def hangs_up(at: int, contact: str, wait: int) -> str:
    """Return the line of a caller who hangs up."""
    return f"{SECONDS + at}|{contact}|sales|NONE|ABANDON|1|1|{wait}"


def rings(at: int, contact: str) -> str:
    """Return the line of an agent who lets it ring."""
    return f"{SECONDS + at}|{contact}|sales|agent|RINGNOANSWER|1000"


async def figures(daemon: Daemon) -> list[str]:
    """Return all lines of /metrics but those of the process, and what grows by itself."""
    page = await daemon.get("/metrics")
    return [
        line
        for line in page.splitlines()
        if not line.startswith("#")
        and not OF_THE_PROCESS.match(line)
        and "longest_wait" not in line
    ]


def is_written(journal: Journal) -> bool:
    """Tell whether all that it was told is on the disk."""
    return not journal.pending


@pytest.mark.parametrize("kill", [False, True])
async def test_the_page_is_the_same_after_a_restart(tmp_path: Path, *, kill: bool) -> None:
    """Windows, counters, histograms, waiting contacts, alerts: nothing shows that it was."""
    lines = simulated_lines(START, 3_600 * SECOND)
    async with running(tmp_path, START, thresholds=THRESHOLDS) as (daemon, log):
        before: list[str] = []
        for begin in range(0, len(lines), 400):
            batch = lines[begin : begin + 400]
            log.write(batch)
            await daemon.leap(time_of(batch[-1]) + SECOND)
            before = await figures(daemon)
            app = daemon.app
            assert app is not None
            await daemon.until(functools.partial(is_written, app._journal), "it is written")
            await daemon.restart(kill=kill)
            assert before == await figures(daemon)

    assert any("callmon_threshold_firing" in line and line.endswith(" 1") for line in before)


async def test_what_was_not_written_is_read_again(tmp_path: Path) -> None:
    """Killed before anything was committed, the daemon counts every line once."""
    async with running(tmp_path, START) as (daemon, log):
        for number in range(8):
            log.write([joins(number, str(number)), hangs_up(number + 1, str(number), 1)])
            await daemon.leap(START + (number + 2) * SECOND)
            await daemon.restart(kill=True)
            assert number + 1 == sample(await daemon.get("/metrics"), ARRIVED)

        assert 0 == sample(await daemon.get("/metrics"), WAITING)


def cut(body: bytes) -> bytes:
    """Return a part of a queue whose samples are cut short, though all of it can be read."""
    part = msgspec.msgpack.decode(body)
    samples = part["state"]["samples"]
    place = next(n for n, held in enumerate(samples) if isinstance(held, bytes) and held)
    samples[place] = samples[place][:-3]
    return msgspec.msgpack.encode(part)


async def test_a_checkpoint_that_can_be_read_but_not_used_is_made_up_for(
    tmp_path: Path,
) -> None:
    """Else callmon would fail at every start."""
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1"), joins(1, "2"), hangs_up(5, "1", 5)])
        await daemon.leap(START + 10 * SECOND)
        before = await figures(daemon)
        await daemon.stop()
        with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as journal, journal:
            journal.create_function("cut", 1, cut)
            journal.execute(
                "UPDATE parts SET body = cut(body) WHERE key LIKE '%subject%sales%'"
            )
        await daemon.start()

        assert before == await figures(daemon)


async def test_a_damaged_checkpoint_is_made_up_for(tmp_path: Path) -> None:
    """The inputs themselves are still there: the state comes from them."""
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1"), joins(1, "2"), hangs_up(5, "1", 5)])
        await daemon.leap(START + 10 * SECOND)
        before = await figures(daemon)
        await daemon.stop()
        with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as journal, journal:
            journal.execute("UPDATE parts SET body = x'c1' WHERE key LIKE '%book%'")
        await daemon.start()

        assert before == await figures(daemon)
        await daemon.restart()
        assert before == await figures(daemon)


async def test_a_journal_that_was_locked_at_the_start_is_used_when_it_is_free(
    tmp_path: Path,
) -> None:
    """Monitoring begins without what was stored; what is known then is written whole."""
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1")])
        await daemon.leap(START + SECOND)
        await daemon.stop()
        with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as other:
            other.execute("BEGIN EXCLUSIVE")
            await daemon.start()
            app = daemon.app
            assert app is not None
            await daemon.until(lambda: "storage: " in "".join(app.problems()), "it shows")
            assert 1 == sample(await daemon.get("/metrics"), WAITING)
            log.write([joins(2, "2")])
            await daemon.leap(START + 3 * SECOND)
            assert 2 == sample(await daemon.get("/metrics"), WAITING)
        await daemon.until(lambda: not app.problems(), "it is free")
        await daemon.until(lambda: not app._journal.pending, "all is written")
        await daemon.restart(kill=True)

        assert 2 == sample(await daemon.get("/metrics"), WAITING)
        assert 2 == sample(await daemon.get("/metrics"), ARRIVED)


async def test_a_feed_of_another_name_goes_on_where_the_former_was(tmp_path: Path) -> None:
    """Renamed while callmon was down, it reads nothing twice and misses nothing."""
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1")])
        await daemon.leap(START + SECOND)
        await daemon.stop()
        assert "  log: {{" in CONFIG
        text = CONFIG.replace("  log: {{", "  renamed: {{")
        (tmp_path / "callmon.yml").write_text(text.format(folder=tmp_path, port=0))
        log.write([hangs_up(4, "1", 4)])
        await daemon.start()

        page = await daemon.get("/metrics")
        assert 1 == sample(page, ARRIVED)
        assert 0 == sample(page, WAITING)
        assert 1 == sample(page, 'callmon_contacts_total{queue="sales",outcome="abandoned"}')


def reconfigure(folder: Path, old: str, new: str) -> None:
    """Write callmon.yml with *new* in the place of *old*."""
    assert old in CONFIG
    text = CONFIG.replace(old, new)
    (folder / "callmon.yml").write_text(text.format(folder=folder, port=0))


async def test_a_feed_of_another_source_goes_on_where_the_former_was(tmp_path: Path) -> None:
    """Who waits there is known to the source by its new name, and counted once."""
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1")])
        await daemon.leap(START + SECOND)
        await daemon.stop()
        reconfigure(tmp_path, "source: pbx", "source: other")
        log.write([hangs_up(4, "1", 4)])
        await daemon.start()

        page = await daemon.get("/metrics")
        assert 1 == sample(page, ARRIVED)
        assert 0 == sample(page, WAITING)


async def test_a_feed_that_has_its_name_again_goes_on_where_the_other_was(
    tmp_path: Path,
) -> None:
    """Renamed and renamed back: its place of then is not its place of now."""
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1")])
        await daemon.leap(START + SECOND)
        await daemon.stop()
        reconfigure(tmp_path, "  log: {{", "  renamed: {{")
        log.write([joins(2, "2"), rings(3, "2")])
        await daemon.start()
        before = await daemon.get("/metrics")
        assert 2 == sample(before, WAITING)
        await daemon.stop()
        reconfigure(tmp_path, "  log: {{", "  log: {{")
        await daemon.start()

        page = await daemon.get("/metrics")
        for series in (WAITING, ARRIVED, RINGS):
            assert sample(before, series) == sample(page, series)


async def test_a_feed_renamed_by_a_reload_keeps_its_place_and_what_it_was_told(
    tmp_path: Path,
) -> None:
    """Also when it says nothing more before the daemon is killed."""
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1"), rings(1, "1")])
        await daemon.leap(START + 2 * SECOND)
        app = daemon.app
        assert app is not None
        monitor = app.monitor
        told = list(monitor.feeds["log"].recent)[-1:]
        monitor.emit(monitor.feeds["log"], told, ids=[7])
        monitor.current(monitor.feeds["log"])
        reconfigure(tmp_path, "  log: {{", "  renamed: {{")
        assert [] == list(await app.reload())
        before = await daemon.get("/metrics")
        assert [7] == list(monitor.feeds["renamed"].seen)
        await daemon.until(functools.partial(is_written, app._journal), "it is written")
        await daemon.durable()
        await daemon.restart(kill=True)

        page = await daemon.get("/metrics")
        for series in (WAITING, ARRIVED, RINGS):
            assert sample(before, series) == sample(page, series)
        assert daemon.app is not None
        assert [7] == list(daemon.app.monitor.feeds["renamed"].seen)


async def test_what_was_late_for_its_half_hour_is_counted_once(tmp_path: Path) -> None:
    """A restart does not count it again."""
    late = "callmon_intervals_late_total"
    async with running(tmp_path, START) as (daemon, _):
        assert daemon.app is not None
        daemon.app.monitor.engine.intervals.late = 5
        await daemon.leap(START + 3 * SECOND)
        for _restart in range(2):
            await daemon.restart()
            await daemon.leap(daemon.clock.now() + 3 * SECOND)

        assert 5 == sample(await daemon.get("/metrics"), late)


async def test_history_of_an_alert_has_it_once(tmp_path: Path) -> None:
    """It fired, the daemon was killed, it went on and ended: one row with its end."""
    async with running(tmp_path, START, thresholds=THRESHOLDS) as (daemon, log):
        log.write([joins(0, "1")])
        await daemon.leap(START + 90 * SECOND)
        for _ in range(2):
            await daemon.restart(kill=True)
        log.write([hangs_up(100, "1", 100)])
        await daemon.leap(START + 101 * SECOND)
        await daemon.restart(kill=True)
        await daemon.leap(START + 200 * SECOND)
        await daemon.stop()

    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as journal:
        rows = journal.execute(
            "SELECT threshold, severity, since, fired_at, ended, ended_at FROM alerts"
        ).fetchall()
    fired, ended = START + 60 * SECOND, START + 160 * SECOND
    assert [("long_wait", "warning", fired, fired, "recovered", ended)] == rows


async def test_history_ends_an_alert_whose_threshold_was_taken_away(tmp_path: Path) -> None:
    """Nobody could tell its end while callmon was stopped; it does not stand for ever."""
    async with running(tmp_path, START, thresholds=THRESHOLDS) as (daemon, log):
        log.write([joins(0, "1")])
        await daemon.leap(START + 90 * SECOND)
        await daemon.stop()
        (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
        await daemon.start()
        await daemon.stop()

    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as journal:
        rows = journal.execute("SELECT threshold, ended, ended_at FROM alerts").fetchall()
    ((threshold, ended, ended_at),) = rows
    assert ("long_wait", "removed") == (threshold, ended)
    assert START + 90 * SECOND <= ended_at <= START + 92 * SECOND


async def test_a_clock_that_was_ahead_and_is_set_right_does_not_stay_ahead(
    tmp_path: Path,
) -> None:
    """Who joins now waits since now; the counters begin anew, and the log says why."""
    async with running(tmp_path, START + 86_400 * SECOND) as (daemon, log):
        log.write([joins(86_400, "1")])
        await daemon.leap(START + 86_410 * SECOND)
        await daemon.stop()
        daemon.clock._now = START
        await daemon.start()
        log.write([joins(1, "2")])
        await daemon.leap(START + 5 * SECOND)
        page = await daemon.get("/metrics")
        assert 4 == sample(page, 'callmon_queue_longest_wait_seconds{queue="sales"}')
        assert 1 == sample(page, WAITING)
        await daemon.restart(kill=True)
        assert 1 == sample(await daemon.get("/metrics"), WAITING)
