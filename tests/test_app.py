"""The whole daemon in this process: start, reload, restart, stop, and what it tells whom."""

import asyncio
import contextlib
import functools
import json
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Self

import pytest
import structlog
from aiohttp import web

from callmon.app import App
from callmon.clock import SECOND, Micros, SystemClock, next_turn
from callmon.config import load_config
from callmon.daemon import serve
from callmon.errors import ConfigError
from tests.acceptance.driver import (
    CONFIG,
    THRESHOLDS,
    Daemon,
    LeapingClock,
    LogWriter,
    families,
    running,
    sample,
    write_config,
)
from tests.sinks.scripted_alertmanager import ScriptedAlertmanager

pytestmark = pytest.mark.anyio

START: Micros = 1_795_400_000 * SECOND
SECONDS = START // SECOND

RELOAD_GOOD = "callmon_config_last_reload_successful"
WAITING = 'callmon_queue_waiting_contacts{queue="sales"}'
ARRIVED = 'callmon_contacts_arrived_total{queue="sales"}'

SECOND_FEED = "  more: {{type: queue_log, path: {folder}/more_log, source: pbx}}\n"
LONG_WAIT = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 3m, keep: 0s, severity: warning}
"""


def joins(at: int, contact: str) -> str:
    """Return the line of a caller who joins sales *at* seconds after the start."""
    return f"{SECONDS + at}|{contact}|sales|NONE|ENTERQUEUE|||1"


def hangs_up(at: int, contact: str, wait: int) -> str:
    """Return the line of a caller who hangs up."""
    return f"{SECONDS + at}|{contact}|sales|NONE|ABANDON|1|1|{wait}"


def truncate_and_write(path: Path, text: str) -> None:
    """Change a file in place."""
    path.write_text(text)


def replace(path: Path, text: str) -> None:
    """Change a file as editors do: write another one and rename it."""
    fresh = path.with_name(".new")
    fresh.write_text(text)
    fresh.rename(path)


def is_firing(scripted: ScriptedAlertmanager) -> bool:
    """Tell whether it has the one alert."""
    return 1 == len(scripted.firing())


async def look_at_files(daemon: Daemon) -> None:
    """Let so much time pass that a changed file has been seen twice."""
    for _ in range(3):
        await daemon.leap(daemon.clock.now() + 2 * SECOND)


class Doorman:
    """Takes what a service tells systemd."""

    def __init__(self, folder: Path) -> None:
        self.environ = {"NOTIFY_SOCKET": str(folder / "notify")}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.environ["NOTIFY_SOCKET"])
        self._socket.settimeout(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def told(self) -> list[str]:
        """Return the first line of each message since the last call."""
        told = []
        with contextlib.suppress(BlockingIOError):
            while True:
                told.append(self._socket.recv(4_096).decode().split("\n")[0])
        return told


@contextlib.asynccontextmanager
async def alertmanager(clock: LeapingClock) -> AsyncIterator[tuple[ScriptedAlertmanager, str]]:
    """Serve a scripted Alertmanager on a free port."""
    scripted = ScriptedAlertmanager(clock)

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        response = await scripted.request(request.method, str(request.url), json=body or None)
        return web.Response(status=response.status, body=response.body)

    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield scripted, f"http://127.0.0.1:{runner.addresses[0][1]}/am"
    finally:
        await runner.cleanup()


# ---- reload -----------------------------------------------------------------------


@pytest.mark.parametrize("change", [truncate_and_write, replace])
async def test_a_changed_file_is_noticed(
    tmp_path: Path, change: Callable[[Path, str], None]
) -> None:
    """However a file is written, callmon takes it up by itself; windows and waits survive."""
    async with running(tmp_path, START, thresholds="thresholds: []\n") as (daemon, log):
        log.write([joins(0, "1"), joins(1, "2"), hangs_up(9, "1", 9)])
        await daemon.leap(START + 10 * SECOND)
        before = families(await daemon.get("/metrics"))

        change(tmp_path / "thresholds.yml", THRESHOLDS)
        await look_at_files(daemon)
        page = await daemon.get("/metrics")

    assert 1 == sample(page, RELOAD_GOOD)
    assert 'threshold="high_abandonment"' in page
    assert 2 == sample(page, ARRIVED)
    live = {"callmon_queue_longest_wait_seconds", "callmon_group_longest_wait_seconds"}
    assert {name: lines for name, lines in before.items() if name not in live} == {
        name: lines for name, lines in families(page).items() if name not in live
    }


async def test_a_file_is_read_when_it_has_stayed_as_it_is(tmp_path: Path) -> None:
    """A file that changes from look to look is still being written, and is left alone."""
    thresholds = tmp_path / "thresholds.yml"
    async with running(tmp_path, START) as (daemon, _):
        for turn in range(4):
            thresholds.write_text("thresholds: [" + " " * turn)
            await daemon.leap(daemon.clock.now() + 2 * SECOND)
        assert 1 == sample(await daemon.get("/metrics"), RELOAD_GOOD)

        await daemon.leap(daemon.clock.now() + 2 * SECOND)
        assert 0 == sample(await daemon.get("/metrics"), RELOAD_GOOD)


async def test_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    """It is refused whole with its place, shows in the metrics, and the old one rules on."""
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1")])
        await daemon.leap(START + 2 * SECOND)
        app = daemon.app
        assert app is not None
        config = app.config

        (tmp_path / "thresholds.yml").write_text(THRESHOLDS.replace("above: 3m", "above: 3 m"))
        problems = await daemon.reload()
        page = await daemon.get("/metrics")

        assert 1 == len(problems)
        assert problems[0].startswith(f"{tmp_path}/thresholds.yml:2:")
        assert config is app.config
        assert 0 == sample(page, RELOAD_GOOD)
        await daemon.leap(START + 181 * SECOND)
        assert ["fired"] == [transition.kind for transition in daemon.heard]

        (tmp_path / "thresholds.yml").write_text(THRESHOLDS)
        assert () == await daemon.reload()
        assert 1 == sample(await daemon.get("/metrics"), RELOAD_GOOD)


async def test_a_reload_waits_for_the_end_of_a_backlog(tmp_path: Path) -> None:
    """New settings are judged by the present, so what stands in the log comes first."""
    async with running(tmp_path, START, thresholds=LONG_WAIT) as (daemon, log):
        await daemon.leap(START + 300 * SECOND)
        app = daemon.app
        assert app is not None
        app.monitor.feeds["log"].current = False
        log.write([joins(10, "1"), hangs_up(20, "1", 10)])
        (tmp_path / "thresholds.yml").write_text(LONG_WAIT.replace("3m", "1m"))
        async with asyncio.TaskGroup() as group:
            reload = group.create_task(app.reload())
            await daemon.leap(daemon.clock.now() + 100_000)
            assert not reload.done()
            while not reload.done():
                await daemon.leap(daemon.clock.now() + SECOND)
        assert () == reload.result()

    assert [] == daemon.heard


async def test_feeds_come_and_go(tmp_path: Path) -> None:
    """A reload starts new feeds and stops old ones; the others do not notice."""
    (tmp_path / "more_log").write_text(joins(0, "2") + "\n")
    both = CONFIG.replace("defaults:", f"{SECOND_FEED}defaults:")
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1")])
        await daemon.leap(START + 2 * SECOND)
        app = daemon.app
        assert app is not None
        staying = app.monitor.feeds["log"]

        write_config(tmp_path, text=both)
        daemon.sleepers += 1
        assert () == await daemon.reload()
        await daemon.leap(START + 4 * SECOND)
        page = await daemon.get("/metrics")
        assert 1 == sample(page, 'callmon_feed_up{feed="more"}')
        assert 2 == sample(page, WAITING)
        assert staying is app.monitor.feeds["log"]

        write_config(tmp_path)
        daemon.sleepers -= 1
        assert () == await daemon.reload()
        await daemon.leap(START + 6 * SECOND)
        page = await daemon.get("/metrics")
        assert sample(page, 'callmon_feed_up{feed="more"}') is None
        assert 1 == sample(page, 'callmon_feed_up{feed="log"}')
        assert 2 == sample(page, WAITING)
        assert 2 == sample(page, ARRIVED)


async def test_a_feed_with_new_settings_goes_on_where_it_was(tmp_path: Path) -> None:
    """Nothing is told a second time because the poll interval was changed."""
    rings = f"{SECONDS + 1}|1|sales|a|RINGNOANSWER|5000"
    async with running(tmp_path, START) as (daemon, log):
        log.write([joins(0, "1"), rings])
        await daemon.leap(START + 2 * SECOND)
        app = daemon.app
        assert app is not None

        write_config(tmp_path, text=CONFIG.replace("source: pbx", "source: pbx, poll: 2s"))
        assert () == await daemon.reload()
        log.write([joins(2, "2")])
        await daemon.leap(START + 5 * SECOND)
        page = await daemon.get("/metrics")

    assert 2 == sample(page, ARRIVED)
    assert 1 == sample(page, 'callmon_ring_no_answer_total{queue="sales"}')
    assert 1 == sample(page, 'callmon_feed_up{feed="log"}')


@pytest.mark.parametrize("stopped", [False, True])
async def test_a_renamed_feed_goes_on_where_it_was(tmp_path: Path, stopped: bool) -> None:
    """The log is the same, so nothing is told twice and nobody is forgotten."""
    own = CONFIG.replace(", source: pbx", "")
    assert own != CONFIG
    async with running(tmp_path, START, text=own) as (daemon, log):
        log.write([joins(0, "1"), joins(0, "2"), hangs_up(1, "2", 1)])
        await daemon.leap(START + 2 * SECOND)

        write_config(tmp_path, text=own.replace("log: {", "trunk: {", 1))
        if stopped:
            await daemon.restart()
        else:
            assert () == await daemon.reload()
        log.write([hangs_up(3, "1", 3)])
        await daemon.leap(START + 5 * SECOND)
        page = await daemon.get("/metrics")

    assert (2, 0) == (sample(page, ARRIVED), sample(page, WAITING))
    assert 2 == sample(page, 'callmon_contacts_total{queue="sales",outcome="abandoned"}')
    assert 1 == sample(page, 'callmon_feed_up{feed="trunk"}')


async def test_another_alertmanager_learns_what_stands(tmp_path: Path) -> None:
    """After a reload the alerts that fire are told at the new address, and ended there."""
    async with (
        running(tmp_path, START, thresholds=LONG_WAIT) as (daemon, log),
        alertmanager(daemon.clock) as (first, first_url),
        alertmanager(daemon.clock) as (second, second_url),
    ):
        text = CONFIG + "alertmanagers: [{{url: {url}}}]\n"
        app = daemon.app
        assert app is not None
        for told, url in ((first, first_url), (second, second_url)):
            write_config(tmp_path, thresholds=LONG_WAIT, text=text.replace("{url}", url))
            assert () == await daemon.reload()
            if told is first:
                log.write([joins(0, "1")])
                await daemon.leap(START + 2 * SECOND)
                while app.monitor.engine.now < START + 180 * SECOND:  # a look may take a while
                    await daemon.leap(max(daemon.clock.now(), START + 180 * SECOND) + 1_000)
            await daemon.until(functools.partial(is_firing, told), "it fires")

        log.write([hangs_up(190, "1", 190)])
        await daemon.leap(START + 191 * SECOND)
        await daemon.until(lambda: not second.firing(), "it has ended")

    assert 1 == len(first.firing())


# ---- start and stop ---------------------------------------------------------------


async def test_ready_when_the_feeds_see(tmp_path: Path) -> None:
    """/readyz names what is missing; /healthz says only that we live."""
    async with running(tmp_path, START) as (daemon, log):
        assert 200 == (await daemon.ask("/readyz"))[0]

        log.path.unlink()
        await daemon.quiet()
        status, text = await daemon.ask("/readyz")
        assert 503 == status
        assert f"feed log: {log.path}: expected a log" in text
        assert 200 == (await daemon.ask("/healthz"))[0]
        assert 0 == sample(await daemon.get("/metrics"), 'callmon_feed_up{feed="log"}')

        log.path.touch()
        await daemon.quiet()
        assert 200 == (await daemon.ask("/readyz"))[0]


async def test_not_ready_while_the_state_is_of_a_future(tmp_path: Path) -> None:
    """A clock was set back: until it is there again nothing begins and nothing ends."""
    async with running(tmp_path, START) as (daemon, _):
        daemon.clock._now = START - 60 * SECOND
        assert 200 == (await daemon.ask("/readyz"))[0]
        daemon.clock._now = START - 3_600 * SECOND
        status, text = await daemon.ask("/readyz")

        assert 503 == status
        assert text.startswith("clock: was set back: blind for 3480 s more; restart callmon")


async def test_a_journal_in_trouble_does_not_end_monitoring(tmp_path: Path) -> None:
    """When nothing can be written callmon is not ready, says why, and goes on."""
    async with running(tmp_path, START) as (daemon, log):
        app = daemon.app
        assert app is not None
        with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            log.write([joins(0, "1")])
            await daemon.leap(START + 20 * SECOND)
            await daemon.until(lambda: bool(app.problems()), "it is in trouble")
            status, text = await daemon.ask("/readyz")
            assert 503 == status
            assert "storage: " in text
            page = await daemon.get("/metrics")
            assert 1 == sample(page, WAITING)
            assert 0 == sample(page, "callmon_journal_up")
            assert sample(page, 'callmon_journal_failures_total{reason="locked"}')

        await daemon.until(lambda: not app.problems(), "it is well again")
        await daemon.leap(START + 21 * SECOND)
        assert 200 == (await daemon.ask("/readyz"))[0]
        assert 1 == sample(await daemon.get("/metrics"), "callmon_journal_up")


async def test_nothing_half_known_is_shown(tmp_path: Path) -> None:
    """While the log is being read at the start there are no figures, anywhere."""
    config = write_config(tmp_path)
    clock = LeapingClock(START)
    with LogWriter(tmp_path / "queue_log") as log:
        log.write([joins(-100, "1")])
        app = await asyncio.to_thread(
            lambda: App(config, load_config(config, {}), clock=clock, environ={})
        )
        daemon = Daemon(config, clock)
        daemon.app = app
        async with asyncio.TaskGroup() as group:
            task = group.create_task(app.run())
            await daemon.until(lambda: bool(app.server.address), "it listens")
            await clock.settle(1)
            assert not app.monitor.began
            status, text = await daemon.ask("/readyz")
            assert (503, "starting: the state is being rebuilt") == (status, text.strip())
            page = await daemon.get("/metrics")
            assert 1 == sample(page, RELOAD_GOOD)
            assert {} == families(page)
            assert [] == json.loads(await daemon.get("/api/v1/queues"))["subjects"]
            assert [] == json.loads(await daemon.get("/api/v1/alerts"))["thresholds"]
            task.cancel()


async def test_a_breach_during_a_stop_is_missed(tmp_path: Path) -> None:
    """What came and went while callmon was down is counted; what stands is told."""
    missed = "callmon_alerts_missed_total"
    async with running(tmp_path, START, thresholds=LONG_WAIT) as (daemon, log):
        await daemon.leap(START + 2 * SECOND)
        await daemon.stop()
        log.write([joins(10, "1"), hangs_up(200, "1", 190), joins(210, "2")])
        await daemon.clock.leap(START + 400 * SECOND, 0)
        await daemon.start()
        page = await daemon.get("/metrics")

    assert 1 == sample(page, missed)
    assert 1 == page.count("callmon_threshold_handed_over{")


def told_alerts(folder: Path) -> bytes:
    """Return what the journal knows of what Alertmanager was told."""
    path = folder / "state" / "journal.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as journal:
        row = journal.execute("SELECT value FROM kept WHERE key = 'alerts'").fetchone()
    return b"" if row is None else bytes(row[0])


async def fire_and_forget(folder: Path, *, known: bool) -> None:
    """Fire an alert, kill callmon, take the threshold away, start it; the alert must end.

    Not *known*: what was written last is from before Alertmanager took the alert.
    """
    async with (
        running(folder, START, thresholds=LONG_WAIT) as (daemon, log),
        alertmanager(daemon.clock) as (scripted, url),
    ):
        text = CONFIG + f"alertmanagers: [{{{{url: {url}}}}}]\n"
        write_config(folder, thresholds=LONG_WAIT, text=text)
        log.write([joins(0, "1")])
        await daemon.restart()
        await daemon.leap(START + 180 * SECOND)
        await daemon.until(lambda: is_firing(scripted), "it fires")
        await daemon.until(lambda: b'"labels"' in told_alerts(folder), "it is stored")
        while known and b'"accepted":true' not in told_alerts(folder):
            await daemon.leap(daemon.clock.now() + SECOND)

        write_config(folder, thresholds="thresholds: []\n", text=text)
        await daemon.restart(kill=True)
        await daemon.until(lambda: not scripted.firing(), "it has ended")


async def test_an_alert_taken_away_during_a_stop_ends(tmp_path: Path) -> None:
    """Alertmanager is told the end of an alert whose threshold is gone after a kill."""
    await fire_and_forget(tmp_path, known=True)


async def test_an_alert_is_ended_that_may_have_been_told(tmp_path: Path) -> None:
    """Also when callmon was killed before it could note that Alertmanager had taken it."""
    await fire_and_forget(tmp_path, known=False)


async def test_a_feed_of_another_type_begins_anew(tmp_path: Path) -> None:
    """Who practised with the simulator and then names the log keeps the feed's name."""
    log_feed = "type: queue_log, path: {folder}/queue_log, source: pbx"
    practice = CONFIG.replace(log_feed, "type: simulator, source: pbx")
    assert practice != CONFIG
    async with running(tmp_path, START, text=practice) as (daemon, log):
        await daemon.leap(START + 2 * SECOND)
        log.write([joins(0, "1")])
        write_config(tmp_path)
        await daemon.restart()
        await daemon.leap(START + 4 * SECOND)

        assert 200 == (await daemon.ask("/readyz"))[0]
        assert 1 == sample(await daemon.get("/metrics"), WAITING)


async def test_systemd_is_told(tmp_path: Path, short_path: Path) -> None:
    """Ready at the start and after each reload, good or bad; stopping at the end."""
    config = write_config(tmp_path)
    with Doorman(short_path) as doorman, LogWriter(tmp_path / "queue_log"):
        daemon = Daemon(config, LeapingClock(START))
        daemon.environ = doorman.environ
        async with daemon:
            app = daemon.app
            assert app is not None
            assert ["READY=1"] == doorman.told()

            assert () == await daemon.reload()
            assert ["RELOADING=1", "READY=1"] == doorman.told()

            config.write_text("feeds: {")
            assert await daemon.reload()
            assert ["RELOADING=1", "READY=1"] == doorman.told()

        assert ["STOPPING=1"] == doorman.told()


# ---- serve ------------------------------------------------------------------------


@pytest.fixture
def app(tmp_path: Path) -> App:
    """Return a daemon on the machine's clock, not yet running."""
    config = write_config(tmp_path)
    (tmp_path / "queue_log").touch()
    return App(config, load_config(config, {}), clock=SystemClock(), environ={})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(app: App, number: signal.Signals) -> None:
    """It stops, and what runs beside it stops with it."""
    ended = asyncio.Event()

    async def alongside(_app: App) -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(30):
        await serve(app, alongside)

    assert ended.is_set()
    assert "" == app.server.address
    assert app.config.storage_directory.joinpath("journal.db").exists()


async def test_sighup_reloads(app: App, tmp_path: Path) -> None:
    """The configuration is read again; a bad one does not end the daemon."""
    found: list[str] = []

    async def alongside(running_app: App) -> None:
        (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
        os.kill(os.getpid(), signal.SIGHUP)
        while running_app.config.thresholds:
            await next_turn()  # the signal comes by a real socket
        (tmp_path / "thresholds.yml").write_text("thresholds: [\n")
        found.extend(await running_app.reload())

    async with asyncio.timeout(30):
        await serve(app, alongside)

    assert 1 == len(found)


async def test_a_mistake_of_ours_in_a_reload_is_survived(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens while a file is read, the daemon runs on with the old settings."""

    def crash(*_: object) -> None:
        raise RecursionError("too deep")

    async def alongside(running_app: App) -> None:
        monkeypatch.setattr("callmon.app.load_config", crash)
        found.extend(await running_app.reload())

    found: list[str] = []
    with structlog.testing.capture_logs() as logged:
        async with asyncio.timeout(30):
            await serve(app, alongside)

    assert "config.crashed" in [line["event"] for line in logged]
    assert [f"{tmp_path}/callmon.yml: could not be read: RecursionError: too deep"] == found


async def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """Who cannot listen does not run, and says why."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = write_config(tmp_path, port=port)
        second = await asyncio.to_thread(
            lambda: App(config, load_config(config, {}), clock=SystemClock(), environ={})
        )
        with pytest.raises(ConfigError, match=f"{port}"):
            await serve(second)


async def test_a_calendar_that_comes_with_a_reload_is_heeded(tmp_path: Path) -> None:
    """Its first turn is waited for from then on, not after the next start."""
    async with running(tmp_path, START, thresholds="thresholds: []\n") as (daemon, _):
        app = daemon.app
        assert app is not None
        assert app._schedule is not None
        scheduler = app._schedule._scheduler
        assert scheduler.get_job("calendars").next_run_time is None
        calendars = 'calendars: {open: {weekly: {mon-sun: ["09:00-18:00"]}}}\n'
        (tmp_path / "thresholds.yml").write_text(f"thresholds: []\n{calendars}")
        assert () == tuple(await daemon.reload())

        assert scheduler.get_job("calendars").next_run_time is not None
