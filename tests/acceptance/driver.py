"""What drives a daemon through a log: a clock that leaps, a log that rotates, the figures.

Used by tests with and without a process of its own.
"""

import asyncio
import contextlib
import datetime as dt
import gzip
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import aiohttp

from callmon.alerts import Transition
from callmon.app import App
from callmon.clock import SECOND, Micros
from callmon.config import load_config
from callmon.feeds.call_centre import demo_centre
from callmon.feeds.simulation import Simulation
from callmon.replay import ReplayRequest, replay_text
from callmon.testing import queue_log_line

__all__ = [
    "Daemon",
    "LeapingClock",
    "LogWriter",
    "Program",
    "eventually",
    "families",
    "followed",
    "get",
    "replayed",
    "running",
    "sample",
    "simulated_lines",
    "time_of",
    "write_config",
]

COMPARED = re.compile(r"callmon_(contact|contacts|queue|group)_")
"""What a replay knows as well as a daemon. Thresholds are judged by the present."""

CALM_ROUNDS = 4
"""Turns of the loop in which everybody sleeps: nobody is about to wake."""

SPREAD: Micros = 600 * SECOND
"""Of lines written at once: the daemon must not seem to have been blind for hours."""

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
PEER_TIMEOUT_S = 30.0
ANSWER_TIMEOUT = aiohttp.ClientTimeout(total=30)

CONFIG = """\
thresholds: thresholds.yml
timezone: Asia/Shanghai
feeds:
  log: {{type: queue_log, path: {folder}/queue_log, source: pbx}}
defaults:
  service_level: {{within: 20s}}
  short_abandon: 5s
groups:
  everybody: {{queues: ["*"]}}
windows: [5m, 15m, 1h]
exported_windows: [5m, 15m, 1h, today]
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{port}"}}
logging: {{level: error}}
"""

THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 3m, clear: 2m, keep: 1m, severity: warning}
  - name: high_abandonment
    measure: abandonment_rate
    window: 15m
    above: 20%
    clear: 15%
    for: 2m
    at_least: 5
    severity: warning
"""


class LeapingClock:
    """A clock that is set: it leaps, and who should have woken meanwhile wakes late.

    As on a machine that was busy. ``ManualClock`` lives through every second instead,
    which for a month of log is too slow.
    """

    def __init__(self, now: Micros) -> None:
        self._now = now
        self._sleepers: list[tuple[Micros, asyncio.Future[None]]] = []

    def now(self) -> Micros:
        """Return the set time."""
        return self._now

    def monotonic(self) -> Micros:
        """Return the set time; it never steps back here."""
        return self._now

    async def sleep(self, delay: Micros) -> None:
        """Wait until a leap has passed *delay* from now."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + delay, woken))
        await woken

    async def leap(self, now: Micros, sleepers: int) -> None:
        """Set the time, wake who is due, and wait until *sleepers* tasks sleep again."""
        self._now = max(now, self._now)
        for due, woken in self._sleepers:
            if due <= self._now and not woken.done():
                woken.set_result(None)
        await self.settle(sleepers)

    async def settle(self, sleepers: int) -> None:
        """Wait until *sleepers* tasks sleep: all have done what there was to do."""
        calm = 0
        async with asyncio.timeout(PEER_TIMEOUT_S):
            while calm < CALM_ROUNDS:
                await asyncio.sleep(0)
                self._sleepers = [each for each in self._sleepers if not each[1].done()]
                calm = calm + 1 if len(self._sleepers) >= sleepers else 0


class LogWriter:
    """Writes a queue_log line by line, and rotates it by every strategy there is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rotations = 0
        self._out = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    @property
    def files(self) -> list[Path]:
        """All files of the log that have text."""
        folder = self.path.parent
        found = [self.path, *folder.glob("queue_log.*"), *folder.glob("queue_log-*")]
        return [path for path in found if path.stat().st_size]

    def write(self, lines: Sequence[str]) -> None:
        """Append *lines* at once."""
        self._out.write("".join(f"{line}\n" for line in lines).encode())

    def rotate(self, how: int) -> None:
        """Rotate: 0 renames and pushes numbers up, 1 counts on, 2 stamps, 3 copies."""
        self._rotations += 1
        folder, path = self.path.parent, self.path
        if how == 3:
            shutil.copy2(path, folder / f"queue_log-{self._rotations}")
            os.truncate(path, 0)
            return
        if how == 0:
            for number in range(self._rotations, -1, -1):
                for suffix in ("", ".gz"):
                    old = folder / f"queue_log.{number}{suffix}"
                    if old.exists():
                        old.rename(folder / f"queue_log.{number + 1}{suffix}")
        name = {0: "queue_log.0", 1: f"queue_log.{900_000 + self._rotations}"}.get(how)
        path.rename(folder / (name or f"queue_log-2026{self._rotations:04}"))
        self._out.close()
        self._out = path.open("ab", buffering=0)

    def compress(self) -> None:
        """Pack all rotated files, as logrotate does a day later."""
        for path in self.path.parent.glob("queue_log[.-]*"):
            if path.suffix == ".gz":
                continue
            packed = path.with_name(path.name + ".gz")
            with path.open("rb") as plain, gzip.open(packed, "wb") as out:
                shutil.copyfileobj(plain, out)
            path.unlink()


class Daemon:
    """An ``App`` in this process that can be stopped, killed and started again."""

    SLEEPERS = 9
    """Tasks that sleep when all is done: monitor, keeper, schedule, situation, files, server,
    stalls, wallboard, feed."""

    AT_WORK = 7
    """Those of them that begin when the daemon is ready; one waits for that instead."""

    def __init__(self, config: Path, clock: LeapingClock) -> None:
        self.config = config
        self.clock = clock
        self.environ: Mapping[str, str] = {}
        self.app: App | None = None
        self.heard: list[Transition] = []
        self.starts = 0
        self.sleepers = self.SLEEPERS
        self.at_work = self.AT_WORK
        self._task: asyncio.Task[None] | None = None
        self._group: asyncio.TaskGroup | None = None
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self._stack.aclose()

    async def start(self) -> None:
        """Start a new ``App`` on what the last one left behind; wait until it is ready."""
        assert self._group is not None
        self.app = await asyncio.to_thread(self._make)
        ready = asyncio.Event()
        self._task = self._group.create_task(self.app.run(ready.set))
        self.starts += 1
        while not ready.is_set():
            if self._task.done():
                self._task.result()
            # While it reads, only who waits for the feeds sleeps: time need not pass then.
            await self.clock.settle(self.sleepers - self.at_work)
            await self.clock.leap(self.clock.now() + SECOND // 100, 0)
        await self.clock.settle(self.sleepers)

    def _make(self) -> App:
        """Do what ``callmon run`` does before there is an event loop."""
        config = load_config(self.config, self.environ)
        return App(
            self.config,
            config,
            clock=self.clock,
            environ=self.environ,
            listen=self.heard.extend,
        )

    async def stop(self) -> None:
        """Stop it as SIGTERM does."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def kill(self) -> None:
        """Stop it as SIGKILL does: nothing is written at the end."""
        assert self.app is not None
        journal = self.app._journal
        handover = journal._handover
        with handover.changed:
            handover._load = handover._fresh()
        self.app._keeper.close = journal.close  # type: ignore[method-assign]  # no last words
        await self.stop()

    async def restart(self, *, kill: bool = False) -> None:
        """End it one way or the other, and start it again."""
        await (self.kill() if kill else self.stop())
        await self.start()

    async def reload(self) -> Sequence[str]:
        """Reload, and wait until the feeds that were begun by it have read all there is."""
        assert self.app is not None
        problems = await self.app.reload()
        await self.clock.settle(self.sleepers)
        return problems

    async def leap(self, now: Micros) -> None:
        """Move time on and wait until everything is done.

        With an alert on its way there is one more who sleeps: then use ``until``, too.
        """
        await self.clock.leap(now, self.sleepers)

    async def quiet(self) -> None:
        """Let so much time pass that every rotated file has been left."""
        for _ in range(6):
            await self.leap(self.clock.now() + 4 * SECOND)

    async def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for what a peer on a real socket does; the clock stands still."""
        async with asyncio.timeout(PEER_TIMEOUT_S):
            while not true():
                assert self._task is None or not self._task.done(), what
                await asyncio.sleep(0.001)

    async def durable(self) -> None:
        """Wait until all that was told so far would survive a crash: a thread writes it."""
        assert self.app is not None
        done = asyncio.Event()
        self.app._journal.when_durable(done.set)
        async with asyncio.timeout(PEER_TIMEOUT_S):
            await done.wait()

    async def ask(self, path: str) -> tuple[int, str]:
        """Return status and text of what the server answers."""
        assert self.app is not None
        return await get(self.app.server.address + path)

    async def get(self, path: str) -> str:
        """Return the text of a good answer."""
        status, text = await self.ask(path)
        assert 200 == status, text
        return text


async def eventually(true: Callable[[], Awaitable[bool]], within_s: float) -> None:
    """Ask again and again until it is *true*; a peer that does not answer is asked again."""
    async with asyncio.timeout(within_s):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                if await true():
                    return
            await asyncio.sleep(0.05)


async def get(url: str) -> tuple[int, str]:
    """Return status and text of an answer."""
    async with (
        aiohttp.ClientSession(timeout=ANSWER_TIMEOUT) as session,
        session.get(url) as answer,
    ):
        return answer.status, await answer.text()


class Program:
    """``callmon run`` as a process of its own."""

    def __init__(self, config: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = config.with_name("callmon.log")
        self._arguments = [sys.executable, "-m", "callmon", "run", "-c", str(config)]
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)

    @property
    def running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        self.spawn()
        await eventually(self.is_ready, START_TIMEOUT_S)

    def spawn(self) -> None:
        """Start it and wait for nothing."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    async def is_ready(self) -> bool:
        """Ask it; it must not have ended by itself."""
        assert self.running, self.log.read_text()
        return (await get(f"{self.url}/readyz"))[0] == 200

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal and return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(STOP_TIMEOUT_S)


def write_config(
    folder: Path, *, port: int = 0, thresholds: str = THRESHOLDS, text: str = CONFIG
) -> Path:
    """Write both files into *folder*; return the path of callmon.yml."""
    path = folder / "callmon.yml"
    path.write_text(text.format(folder=folder, port=port))
    (folder / "thresholds.yml").write_text(thresholds)
    return path


def time_of(line: str) -> Micros:
    """Return the time stamp of a line of a log."""
    return int(line.partition("|")[0]) * SECOND


def simulated_lines(start: Micros, length: Micros, seed: int = 1) -> list[str]:
    """Return what Asterisk would have logged of some hours in the simulated centre."""
    events = Simulation(demo_centre(), seed=seed, start=start).advance(start + length)
    return [line for event in events if (line := queue_log_line(event)) is not None]


def families(page: str, wanted: re.Pattern[str] = COMPARED) -> Mapping[str, list[str]]:
    """Return the lines of a page of metrics by family, those whose name begins as *wanted*."""
    found: dict[str, list[str]] = {}
    for line in page.splitlines():
        words = line.split()
        name = words[2] if line.startswith("#") else re.split("[ {]", line)[0]
        name = re.sub("_(bucket|sum|count|total)$", "", name)
        if wanted.match(name):
            found.setdefault(name, []).append(line)
    return found


def sample(page: str, series: str) -> float | None:
    """Return the value of *series*, written as it stands on the page; None: it is absent."""
    found = [line for line in page.splitlines() if line.startswith(f"{series} ")]
    return float(found[0].rpartition(" ")[2]) if found else None


async def replayed(files: Sequence[Path], config: Path, until: Micros) -> str:
    """Return what ``callmon replay --format metrics --until`` prints."""
    instant = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=until)
    request = ReplayRequest(
        files=files, output="metrics", until=instant.isoformat(), config=config
    )

    @contextlib.contextmanager
    def silent(_total: int) -> Iterator[Callable[[int], None]]:
        yield lambda _read: None

    return await asyncio.to_thread(replay_text, request, {}, silent)


@contextlib.asynccontextmanager
async def running(
    folder: Path, now: Micros, *, thresholds: str = THRESHOLDS, text: str = CONFIG
) -> AsyncIterator[tuple[Daemon, LogWriter]]:
    """Run a daemon that follows an empty log from *now* on."""
    config = write_config(folder, thresholds=thresholds, text=text)
    with LogWriter(folder / "queue_log") as log:
        async with Daemon(config, LeapingClock(now)) as daemon:
            yield daemon, log


@contextlib.asynccontextmanager
async def followed(
    folder: Path,
    lines: Sequence[str],
    chance: random.Random,
    *,
    largest: int,
    rotate: int,
    restart: int,
) -> AsyncIterator[tuple[Daemon, LogWriter]]:
    """Have a daemon follow *lines*, written up to *largest* at a time as the clock comes there.

    About every *rotate* lines the log is rotated, about every *restart* lines the daemon is
    stopped or killed, and sometimes lines are written while it is away.
    """
    async with running(folder, time_of(lines[0])) as (daemon, log):
        clock = daemon.clock
        at = 0
        while at < len(lines):
            first = time_of(lines[at])
            chunk = [
                line
                for line in lines[at : at + chance.randint(1, largest)]
                if time_of(line) <= first + SPREAD
            ]
            count = len(chunk)
            at += count
            now = time_of(chunk[-1])
            away = chance.random() < count / restart
            if away:
                await daemon.leap(min(now, clock.now() + chance.randint(0, 20) * SECOND))
                await (daemon.kill() if chance.random() < 0.5 else daemon.stop())
                await clock.leap(now, 0)
            log.write(chunk)
            if not away:
                await daemon.leap(now)
            if chance.random() < count / rotate:
                log.rotate(chance.randrange(4))
                if chance.random() < 0.3:
                    log.compress()
            if away:
                await daemon.start()
        await daemon.quiet()
        yield daemon, log
