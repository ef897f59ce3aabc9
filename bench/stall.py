"""How long the event loop stands still while events pour in and Prometheus scrapes.

The daemon runs in this process; a child writes a queue_log at RATE lines per second,
another fetches /metrics every second as Prometheus does (OpenMetrics, gzip). Lateness is
that of a timer that is due every millisecond.
Usage: python -m bench.stall [--rate 10000] [--queues 1000] [--seconds 30]
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import tempfile
import time
import urllib.request
from pathlib import Path

from callmon.app import App
from callmon.clock import SystemClock
from callmon.config import load_config

STEP_S = 0.001
CONFIG = """\
thresholds: thresholds.yml
feeds: {{log: {{type: queue_log, path: {folder}/queue_log}}}}
limits: {{queues: 10000}}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:0"}}
"""
THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 3m, severity: warning}
  - name: high_abandonment
    measure: abandonment_rate
    window: 15m
    above: 20%
    at_least: 20
    severity: warning
"""


def write(path: Path, rate: int, queues: int, stop: object) -> None:
    """Append *rate* lines a second: joins, answers and ends, each call over in 4 s."""
    number = 0
    step = 0.01
    due = time.monotonic()
    with path.open("a", buffering=1) as file:
        while not stop.is_set():  # type: ignore[attr-defined]
            lines = []
            for _ in range(int(rate * step / 3)):
                now = int(time.time())  # a telephone system has its own clock
                number += 1
                queue = f"queue{number % queues:04d}"
                old = number - rate
                lines.append(f"{now}|{number}.1|{queue}|NONE|ENTERQUEUE|||1\n")
                if old > 0:
                    queue = f"queue{old % queues:04d}"
                    lines.append(f"{now}|{old}.1|{queue}|a|CONNECT|3|x|0\n")
                    lines.append(f"{now}|{old}.1|{queue}|a|COMPLETECALLER|3|0|1\n")
            file.write("".join(lines))
            due += step
            time.sleep(max(0.0, due - time.monotonic()))


def scrape(address: str, stop: object, sizes: object) -> None:
    """Fetch the page every second."""
    headers = {
        "Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
        "Accept-Encoding": "gzip",
    }
    while not stop.is_set():  # type: ignore[attr-defined]
        began = time.monotonic()
        request = urllib.request.Request(f"{address}/metrics", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            size = len(answer.read())
        sizes.append((time.monotonic() - began, size))  # type: ignore[attr-defined]
        time.sleep(max(0.0, 1 - time.monotonic() + began))


async def run(folder: Path, rate: int, queues: int, seconds: float) -> dict[str, float]:
    """Run the daemon under load; return the figures."""
    (folder / "callmon.yml").write_text(CONFIG.format(folder=folder))
    (folder / "thresholds.yml").write_text(THRESHOLDS)
    (folder / "queue_log").touch()
    config = await asyncio.to_thread(load_config, folder / "callmon.yml", {})
    app = App(folder / "callmon.yml", config, clock=SystemClock(), environ={})
    ready = asyncio.Event()
    late: list[float] = []
    manager = multiprocessing.Manager()
    stop, scrapes = multiprocessing.Event(), manager.list()
    async with asyncio.TaskGroup() as group:
        daemon = group.create_task(app.run(ready.set))
        await ready.wait()
        children = [
            multiprocessing.Process(
                target=write, args=(folder / "queue_log", rate, queues, stop)
            ),
            multiprocessing.Process(target=scrape, args=(app.server.address, stop, scrapes)),
        ]
        for child in children:
            child.start()
        await asyncio.sleep(8)  # until calls end as fast as they come
        gc.collect()
        gc.freeze()
        loop = asyncio.get_running_loop()
        spent, end = time.process_time(), loop.time() + seconds
        changes = app.monitor.changes
        while loop.time() < end:
            due = loop.time() + STEP_S
            await asyncio.sleep(STEP_S)
            late.append(loop.time() - due)
        spent = time.process_time() - spent
        stop.set()
        for child in children:
            await asyncio.to_thread(child.join)
        arrived = sum(state.arrived for state in app.monitor.engine.states())
        daemon.cancel()
    late.sort()
    times = sorted(taken for taken, _ in scrapes)
    return {
        "p50_ms": late[len(late) // 2] * 1e3,
        "p99_ms": late[len(late) * 99 // 100] * 1e3,
        "p999_ms": late[len(late) * 999 // 1000] * 1e3,
        "max_ms": late[-1] * 1e3,
        "cpu_share": spent / seconds,
        "batches": app.monitor.changes - changes,
        "calls": arrived,
        "scrape_median_ms": times[len(times) // 2] * 1e3,
        "scrape_bytes": scrapes[-1][1],
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--queues", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(Path(folder), options.rate, options.queues, options.seconds))
    print(json.dumps({key: round(value, 2) for key, value in found.items()}))


if __name__ == "__main__":
    main()
