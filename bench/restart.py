"""How long a restart takes with a day of a large site in the journal, and whether it shows.

A queue_log of the last 26 hours is followed by a real ``callmon run``, which is killed
with SIGKILL; then a second one is started on its journal. Measured is from the start of
that process until /readyz says yes. /metrics of both are compared, but for figures of the
process and those that grow with the clock. No event leaves a window meanwhile: the log has
a hole there.
Usage: python -m bench.restart [--events 1000000] [--runs 5]
"""

import argparse
import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench.centre import large_centre
from callmon.clock import SECOND, Micros
from callmon.feeds.simulation import Simulation
from callmon.testing import queue_log_line

HOUR: Micros = 3_600 * SECOND
MINUTE: Micros = 60 * SECOND
LINES_PER_HOUR = 270
"""Of one queue of ``large_centre``, about."""

OF_THE_PROCESS = re.compile(
    r"process_|python_|callmon_(journal_|jobs?_|event_loop_|scrape_|config_last_|feed_lag_)"
)
CONFIG = """\
thresholds: thresholds.yml
timezone: {zone}
feeds: {{log: {{type: queue_log, path: {folder}/queue_log, source: pbx}}}}
limits: {{queues: 10000}}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{port}"}}
"""
THRESHOLDS = """\
thresholds:
  - {name: many_gone, measure: abandonment_rate, window: 15m, above: 20%, at_least: 20,
     severity: warning}
"""


def write_log(path: Path, events: int) -> int:
    """Write a day of about *events* lines, with a hole in the last hour; return how many."""
    now = time.time_ns() // 1_000
    start = now - 26 * HOUR
    queues = max(1, round(events / 25 / LINES_PER_HOUR))
    simulation = Simulation(large_centre(queues), seed=1, start=start)
    written = 0
    with path.open("w", encoding="utf-8") as file:
        until = start
        while until < now - MINUTE:
            until += 10 * MINUTE
            told = simulation.advance(min(until, now - MINUTE))
            lines = [
                line
                for event in told
                if not now - 70 * MINUTE < event.at < now - 9 * MINUTE
                and (line := queue_log_line(event)) is not None
            ]
            file.writelines(f"{line}\n" for line in lines)
            written += len(lines)
    return written


def late_zone() -> str:
    """Return a zone in which it is late in the evening: ``today`` is nearly all of the log."""
    offset = 22 - time.gmtime().tm_hour
    offset -= 24 if offset > 14 else 0
    return f"Etc/GMT{-offset:+d}"  # these names count westwards


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextlib.contextmanager
def callmon(folder: Path, port: int) -> Iterator[float]:
    """Run a callmon, killed at the end; yield how many seconds it took to be ready."""
    began = time.monotonic()
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "callmon", "run", "-c", str(folder / "callmon.yml")],
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        while not ready(port):
            if process.poll() is not None:
                raise SystemExit((folder / "log").read_text())
            time.sleep(0.005)
        yield time.monotonic() - began
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def ready(port: int) -> bool:
    """Tell whether /readyz says yes."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def figures(port: int) -> list[str]:
    """Return the lines of /metrics that a restart must not change."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return [
        line
        for line in text.splitlines()
        if not line.startswith("#")
        and not OF_THE_PROCESS.match(line)
        and "longest_wait" not in line
        and "waiting_over_target" not in line
        and "service_level_now" not in line
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        written = write_log(folder / "queue_log", options.events)
        (folder / "callmon.yml").write_text(
            CONFIG.format(folder=folder, port=port, zone=late_zone())
        )
        (folder / "thresholds.yml").write_text(THRESHOLDS)
        with callmon(folder, port) as first:
            before = figures(port)
            time.sleep(2)  # what is waiting is written within 50 ms
        with contextlib.closing(sqlite3.connect(folder / "state" / "journal.db")) as journal:
            (last,) = journal.execute("SELECT max(number) FROM events").fetchone()
            (through,) = journal.execute("SELECT through FROM checkpoint").fetchone()
            (size,) = journal.execute("SELECT sum(length(body)) FROM parts").fetchone()
        print(f"{written:,} lines read at the first start, ready after {first:.2f} s")
        print(f"{last:,} inputs in the journal, {last - through:,} after the checkpoint")
        print(f"checkpoint: {size / 1e6:.1f} MB")
        times = []
        for _ in range(options.runs):
            with callmon(folder, port) as taken:
                after = figures(port)
            times.append(taken)
            differing = sorted({*before} ^ {*after})
            print(f"ready after {taken:.2f} s; {len(after):,} series, {len(differing)} differ")
            for line in differing[:6]:
                print(f"    {'before' if line in before else 'after'}: {line}")
        print(f"median {sorted(times)[len(times) // 2]:.2f} s (goal: 3 s)")


if __name__ == "__main__":
    main()
