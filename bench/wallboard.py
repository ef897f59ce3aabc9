"""What open wallboards cost the daemon: nobody looks, a hundred look, a hundred look around.

A daemon in a process of its own follows a log at RATE events per second over 200 queues,
whose callers come by chance, so that limits are passed and kept all the time. Another process
holds the pages open: each is one connection to ``/events`` whose frames are parsed and put
together, as a browser does. In the end every picture must equal a fresh one. In turns, in one
run: no page; 100 pages of the same; 100 pages in two languages with five filters each; no
page again.

``turn`` is the longest that one callback kept the loop of the daemon, in processor time of its
thread: what pages add to the engine's stall shows there, whatever else the machine does;
``collector`` is the longest run of Python's garbage collector, within such a turn.
``late`` is by how much a timer of the daemon was late that is due every millisecond, ``bare``
the same in a process that does nothing else: what the machine adds by itself.
Usage: python -m bench.wallboard [--rate 1000] [--queues 200] [--pages 100] [--seconds 60]
"""

import argparse
import asyncio
import collections
import contextlib
import dataclasses
import gc
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from multiprocessing.synchronize import Event as Flag
from pathlib import Path
from typing import Any

from bench.wallboard_pages import LONGEST_S, looking
from callmon.app import App, configure_logging
from callmon.clock import SystemClock
from callmon.config import load_config
from callmon.daemon import SWITCH_S, serve
from tests.acceptance.cutter import steady_port

__all__ = ["main"]

ROOT = Path(__file__).parent.parent
TEAMS = 5
STEP_S = 0.001
WRITE_EVERY_S = 0.01
EVENTS_A_CALL = 3
WAIT_S = 3.0
OPEN_S = 3.0
WARM_UP_S = 10.0
PATIENCE_S = 30.0
KILO = 1024
LONG_TURN_S = 0.005
PARTS = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
DAEMON, BARE = "daemon.jsonl", "bare.jsonl"

CONFIG = """\
thresholds: thresholds.yml
feeds: {{log: {{type: queue_log, path: {folder}/queue_log}}}}
labels: [team]
queues: {queues}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{port}"}}
logging: {{level: error}}
"""
THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 3m, severity: warning}
  - {name: crowded, measure: waiting, above: 10, keep: 0s, severity: warning}
  - {name: overrun, measure: waiting, above: 12, keep: 0s, severity: critical}
  - name: high_abandonment
    measure: abandonment_rate
    window: 15m
    above: 20%
    at_least: 20
    severity: warning
"""


# ---- the log --------------------------------------------------------------------------


def write(path: Path, rate: int, queues: int, stop: Flag) -> None:
    """Append *rate* events a second: callers come to a queue by chance, and stay for 3 s.

    When told to *stop* it stops when the last of them is gone.
    """
    chance = random.Random(1)
    waiting: collections.deque[tuple[float, int, int]] = collections.deque()
    number, began, unique = 0, time.monotonic(), os.getpid()
    with path.open("a", buffering=1) as file:
        while waiting or not stop.is_set():
            now, at = time.monotonic() - began, int(time.time())
            lines = []
            while waiting and waiting[0][0] <= now - WAIT_S:
                _, call, queue = waiting.popleft()
                name = f"{unique}.{call}|queue{queue:04d}"
                if call % 10:
                    lines.append(f"{at}|{name}|a|CONNECT|3|x|0\n")
                    lines.append(f"{at}|{name}|a|COMPLETECALLER|3|0|1\n")
                else:
                    lines.append(f"{at}|{name}|NONE|ABANDON|1|1|3\n")
            while number < now * rate / EVENTS_A_CALL and not stop.is_set():
                number += 1
                queue = chance.randrange(queues)
                waiting.append((now, number, queue))
                lines.append(f"{at}|{unique}.{number}|queue{queue:04d}|NONE|ENTERQUEUE|||1\n")
            file.write("".join(lines))
            time.sleep(max(0.0, began + now + WRITE_EVERY_S - time.monotonic()))


# ---- the daemon -----------------------------------------------------------------------


def daemon(config: Path, figures: Path) -> None:
    """Be ``callmon run``; on SIGUSR1 write down how late the loop was since the last time."""
    sys.setswitchinterval(SWITCH_S)
    loaded = load_config(config, {})
    configure_logging(loaded)
    app = App(config, loaded, clock=SystemClock(), environ={})

    turns = Turns()
    turns.watch()
    asyncio.run(serve(app, lambda _: note_lateness(figures, turns)))


class Turns:
    """How long callbacks keep the loop, in processor time of its thread."""

    def __init__(self) -> None:
        self._longest, self._long = 0.0, 0
        self._collected, self._began = 0.0, 0.0

    def watch(self) -> None:
        """Measure every callback of this process from now on, and Python's collector."""
        gc.callbacks.append(self._collects)
        run = asyncio.Handle._run  # noqa: SLF001  # there is no public place to measure it

        def timed(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            run(handle)
            spent = time.thread_time() - began
            self._long += spent > LONG_TURN_S
            self._longest = max(self._longest, spent)

        setattr(asyncio.Handle, "_run", timed)  # noqa: B010  # mypy knows it for a method

    def note(self) -> dict[str, float]:
        """Return what was measured, and begin anew."""
        found = {
            "turn_ms": self._longest * 1e3,
            "long": self._long,
            "collector_ms": self._collected * 1e3,
        }
        self._longest, self._long, self._collected = 0.0, 0, 0.0
        return found

    def _collects(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.thread_time()
        else:
            self._collected = max(self._collected, time.thread_time() - self._began)


async def note_lateness(figures: Path, turns: Turns) -> None:
    """Measure how late a timer is; on SIGUSR1 write it down and begin anew."""
    loop = asyncio.get_running_loop()
    late: list[float] = []

    def note() -> None:
        ordered = sorted(late)
        late.clear()
        last = len(ordered) - 1
        found = {
            name: ordered[min(int(len(ordered) * part), last)] * 1e3
            for name, part in PARTS.items()
        }
        with figures.open("a") as file:
            file.write(json.dumps(found | turns.note()) + "\n")

    loop.add_signal_handler(signal.SIGUSR1, note)
    while True:
        due = loop.time() + STEP_S
        await asyncio.sleep(STEP_S)
        late.append(loop.time() - due)


def bare(figures: Path) -> None:
    """Be a process that does nothing but measure how late its timer is."""
    asyncio.run(note_lateness(figures, Turns()))


# ---- the measurement ------------------------------------------------------------------


@dataclasses.dataclass(slots=True, kw_only=True)
class Bench:
    """One daemon under load, and what it needs."""

    folder: Path
    url: str
    process: subprocess.Popen[bytes]
    bare: int  #: the process that does nothing
    options: argparse.Namespace
    problems: list[str] = dataclasses.field(default_factory=list)

    def phase(self, name: str, queries: Sequence[str]) -> dict[str, float | str]:
        """Measure while *queries* are looked at, and callers come all the time."""
        log = self.folder / "queue_log"
        stop, ends = multiprocessing.Event(), multiprocessing.Event()
        told: multiprocessing.Queue[dict[str, Any]] = multiprocessing.Queue()
        options = self.options
        writer = multiprocessing.Process(
            target=write, args=(log, options.rate, options.queues, stop)
        )
        pages = multiprocessing.Process(target=looking, args=(self.url, queries, ends, told))
        before = self._status_kib("VmRSS") / KILO
        pages.start()
        time.sleep(OPEN_S)
        opened = self._status_kib("VmRSS") / KILO
        writer.start()
        time.sleep(WARM_UP_S)
        opening = self._late(self.process.pid, DAEMON)
        self._late(self.bare, BARE)
        events, spent, began = self._events(), self._processor_s(), time.monotonic()
        stalls = []
        while (passed := time.monotonic() - began) < options.seconds:
            time.sleep(min(1.0, options.seconds - passed))
            stalls.append(self._figure("callmon_event_loop_stall_seconds"))
        wall = time.monotonic() - began
        late = self._late(self.process.pid, DAEMON)
        machine = self._late(self.bare, BARE)
        found: dict[str, float | str] = {
            "pages": name,
            "events_per_s": (self._events() - events) / wall,
            "cpu_percent": (self._processor_s() - spent) / wall * 100,
            "rss_before_mib": before,
            "rss_opened_mib": opened,
            "rss_mib": self._status_kib("VmRSS") / KILO,
            "turn_opening_ms": opening["turn_ms"],
            "turn_ms": late["turn_ms"],
            "collector_ms": late["collector_ms"],
            "turns_above_5_ms": late["long"],
            **{f"late_{part}_ms": late[part] for part in PARTS},
            **{f"bare_{part}_ms": machine[part] for part in PARTS},
            "stall_max_ms": max(stalls) * 1e3,
        }
        stop.set()
        writer.join()
        time.sleep(WAIT_S)
        ends.set()
        heard = told.get(timeout=LONGEST_S)
        pages.join()
        count, length = max(len(queries), 1), wall + OPEN_S + WARM_UP_S + WAIT_S
        found["frames_per_page_s"] = heard["frames"] / count / length
        found["kib_per_page_s"] = heard["bytes"] / count / length / KILO
        found["readers_cpu_percent"] = heard["reader_cpu_s"] / length * 100
        found["stale_pages"] = heard["stale"]
        self.problems += heard["problems"]
        if heard["stale"]:
            self.problems.append(f"{name}: {heard['stale']} pages are not as a fresh one")
        return found

    def _late(self, process: int, file: str) -> dict[str, float]:
        """Return how late the timer of a process was since the last call."""
        path = self.folder / file
        before = path.read_text().count("\n") if path.exists() else 0
        os.kill(process, signal.SIGUSR1)
        end = time.monotonic() + PATIENCE_S
        while not path.exists() or path.read_text().count("\n") == before:
            if time.monotonic() > end:
                raise SystemExit("a process does not say how late it is")
            time.sleep(0.01)
        found: dict[str, float] = json.loads(path.read_text().splitlines()[-1])
        return found

    def _processor_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status_kib(self, name: str) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return float(text.partition(f"{name}:")[2].split()[0])

    def _events(self) -> float:
        return self._figure("callmon_events_total")

    def _figure(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=PATIENCE_S) as answer:
            lines = answer.read().decode().splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.partition("{")[0].partition(" ")[0] == name
        )


@contextlib.contextmanager
def benched(options: argparse.Namespace) -> Iterator[Bench]:
    """Give a daemon that runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = steady_port()
        queues = {
            f"queue{number:04d}": {"labels": {"team": f"team{number % TEAMS}"}}
            for number in range(options.queues)
        }
        config = folder / "callmon.yml"
        config.write_text(CONFIG.format(folder=folder, queues=json.dumps(queues), port=port))
        (folder / "thresholds.yml").write_text(THRESHOLDS)
        (folder / "queue_log").touch()
        command = [sys.executable, "-m", "bench.wallboard", "--daemon", name]
        process = subprocess.Popen(command, cwd=ROOT)
        idle = multiprocessing.Process(target=bare, args=(folder / BARE,))
        idle.start()
        bench = Bench(
            folder=folder,
            url=f"http://127.0.0.1:{port}",
            process=process,
            bare=idle.pid or 0,
            options=options,
        )
        try:
            _wait_for(bench)
            yield bench
        finally:
            idle.terminate()
            idle.join()
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(bench: Bench) -> None:
    end = time.monotonic() + PATIENCE_S
    while bench.process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{bench.url}/readyz", timeout=PATIENCE_S).close()
            return
        time.sleep(0.1)
    raise SystemExit("the daemon does not start")


def measure(options: argparse.Namespace) -> tuple[list[dict[str, float | str]], list[str]]:
    """Measure all in turn; return the figures and what went wrong."""
    same = ["?lang=en"] * options.pages
    around = [
        f"?lang={language}&team=team{team}"
        for language in ("en", "zh-CN")
        for team in range(TEAMS)
    ]
    different = [around[number % len(around)] for number in range(options.pages)]
    with benched(options) as bench:
        figures = [
            bench.phase("none", []),
            bench.phase(f"{options.pages} the same", same),
            bench.phase(f"{options.pages} in {len(around)} ways", different),
            bench.phase("none again", []),
        ]
    return figures, bench.problems


def main() -> int:
    """Print the figures; return 1 when a picture was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.wallboard")
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--queues", type=int, default=200)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--daemon", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.daemon is not None:
        daemon(options.daemon / "callmon.yml", options.daemon / DAEMON)
        return 0
    figures, problems = measure(options)
    for name in figures[0]:
        cells = [each[name] for each in figures]
        shown = [cell if isinstance(cell, str) else f"{cell:,.1f}" for cell in cells]
        print(f"{name:20} {' '.join(f'{text:>18}' for text in shown)}")
    print(json.dumps(figures))
    for problem in problems:
        print(f"wrong: {problem}")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
