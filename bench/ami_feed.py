"""The whole daemon at the end of a Manager Interface that talks a lot: does it keep up?

A child process plays an Asterisk (``bench/ami_peer.py``) that sends RATE events a second and
ends the session, as Asterisk does, when nothing is read for 0.1 s. The daemon runs in this
process with two thresholds; every second its memory is read and a timer's lateness taken.
Usage: python -m bench.ami_feed [--rate 20000] [--seconds 60]
"""

import argparse
import asyncio
import json
import multiprocessing
import multiprocessing.connection
import socket
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from bench.ami_peer import SECRET, Report, serve
from bench.stall import THRESHOLDS
from callmon.app import App
from callmon.clock import SystemClock
from callmon.config import load_config

STEP_S = 0.005
CONFIG = """\
thresholds: thresholds.yml
feeds:
  ami: {{type: asterisk_ami, port: {port}, username: bench, secret: "${{BENCH_SECRET}}"}}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:0"}}
"""


def play(
    listener: socket.socket,
    rate: int,
    seconds: float,
    report_to: multiprocessing.connection.Connection,
) -> None:
    """Play the Asterisk, and say at the end what was done."""
    report = Report()
    serve(listener, rate, seconds, report)
    report_to.send(report)


def resident_mib() -> float:
    """Return the memory this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


async def run(folder: Path, rate: int, seconds: float) -> dict[str, float]:
    """Run the daemon until the Asterisk has finished; return the figures."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    await asyncio.to_thread(
        (folder / "callmon.yml").write_text, CONFIG.format(folder=folder, port=port)
    )
    await asyncio.to_thread((folder / "thresholds.yml").write_text, THRESHOLDS)
    environ = {"BENCH_SECRET": SECRET}
    config = await asyncio.to_thread(load_config, folder / "callmon.yml", environ)
    app = App(folder / "callmon.yml", config, clock=SystemClock(), environ=environ)
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.Process(target=play, args=(listener, rate, seconds, theirs))
    ready = asyncio.Event()
    late: list[float] = []
    memory: list[float] = []
    spent = time.process_time()
    async with asyncio.TaskGroup() as group:
        daemon = group.create_task(app.run(ready.set))
        child.start()
        await ready.wait()
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not ours.poll():
            due = loop.time() + STEP_S
            await asyncio.sleep(STEP_S)
            late.append(loop.time() - due)
            if loop.time() - began > len(memory):
                memory.append(resident_mib())
        report: Report = ours.recv()
        spent = time.process_time() - spent
        states = list(app.monitor.engine.states())
        arrived = sum(state.arrived for state in states)
        ended = sum(sum(state.counts) for state in states)
        waiting = sum(len(state.starts) for state in states)
        daemon.cancel()
    await asyncio.to_thread(child.join)
    late.sort()
    return {
        **asdict(report),
        "joined": arrived,
        "ended": ended,
        "still_waiting": waiting,
        "cpu_share": spent / seconds,
        "rss_first_mib": memory[min(10, len(memory) - 1)],
        "rss_last_mib": memory[-1],
        "rss_peak_mib": max(memory),
        "stall_p99_ms": late[len(late) * 99 // 100] * 1e3,
        "stall_max_ms": late[-1] * 1e3,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(Path(folder), options.rate, options.seconds))
    print(json.dumps({key: round(value, 2) for key, value in found.items()}))


if __name__ == "__main__":
    main()
