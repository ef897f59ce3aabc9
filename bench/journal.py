"""What the journal costs: processor time and bytes per event, events a second, latency.

The same events of a busy centre are handed over 1, 200 and 1,000 at a time: without ids, as
``queue_log`` does, and with ids and somebody to call when they are durable, as ``mqtt`` does.
Processor time is that of the whole process, loop and writing thread; beside it stands what the
engine takes for them, with the thresholds of ``config/``. All of it runs in turns.
Usage: python -m bench.journal [--events 100000] [--rounds 3] [--directory PATH]
"""

import argparse
import asyncio
import contextlib
import dataclasses
import functools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import callmon
from bench.engine import ROOT, history
from callmon.clock import SystemClock
from callmon.config import load_config
from callmon.daemon import SWITCH_S
from callmon.engine import Engine
from callmon.events import Event, event_id
from callmon.journal import FeedInfo, Journal
from callmon.telemetry import Telemetry

QUEUES = 40
AT_A_TIME = (1, 200, 1_000)
ENGINE_BATCH = 200
RATES = (100, 10_000)
STEP_S = 0.001
"""So often events are handed over when latency is measured, at most."""

LATENCY_S = 5.0
BUSY_S = 0.001
"""So long the loop of a busy daemon works at a time."""

PYTHON_SWITCH_S = 0.005
"""How long a thread keeps Python's lock where nobody says otherwise."""

FEED = FeedInfo(name="acd", type="mqtt", source="bench", stream="", live=False)


@contextlib.contextmanager
def place(directory: Path | None) -> Iterator[Path]:
    """Yield an empty directory on the disk that is measured."""
    with tempfile.TemporaryDirectory(dir=directory) as name:
        yield Path(name)


async def opened(folder: Path) -> Journal:
    """Return a journal that has begun."""
    journal = Journal(folder, SystemClock(), Telemetry(callmon.__version__).journal)
    await journal.start()
    journal.feed(FEED)
    return journal


async def hand_over(
    journal: Journal, told: Sequence[Event], at_a_time: int, *, acknowledged: bool
) -> None:
    """Hand *told* over as a feed does, and return when all of it is durable."""
    for start in range(0, len(told), at_a_time):
        await journal.room()
        part = told[start : start + at_a_time]
        ids = known_as(part) if acknowledged else ()
        journal.record(FEED.name, part, ids, {"seq": start + len(part)})
        if acknowledged:
            journal.when_durable(_nobody)
        await asyncio.sleep(0)
    durable = asyncio.Event()
    journal.when_durable(durable.set)
    await durable.wait()


@functools.cache
def _id(seq: int) -> int:
    return event_id(f"bench-{seq}")


def known_as(events: Sequence[Event]) -> list[int]:
    """Return the ids of *events*; to make them is the decoder's work, and done before."""
    return [_id(event.seq) for event in events]


def _nobody() -> None:
    """Stand for who acknowledges."""


async def cost(
    folder: Path, told: Sequence[Event], at_a_time: int, *, acknowledged: bool
) -> dict[str, float]:
    """Return processor time and bytes per event, and events a second of an idle loop."""
    journal = await opened(folder)
    began, spent = time.monotonic(), time.process_time()
    await hand_over(journal, told, at_a_time, acknowledged=acknowledged)
    spent, wall = time.process_time() - spent, time.monotonic() - began
    await journal.close(60)
    return {
        "cpu_us": spent / len(told) * 1e6,
        "per_s": len(told) / wall,
        "bytes": (folder / "journal.db").stat().st_size / len(told),
    }


async def busy(folder: Path, told: Sequence[Event], switch_s: float) -> dict[str, float]:
    """Return events a second while the loop is never idle, threads switching so often."""
    sys.setswitchinterval(switch_s)
    journal = await opened(folder)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        work = group.create_task(_work())
        await hand_over(journal, told, ENGINE_BATCH, acknowledged=True)
        work.cancel()
    wall = time.monotonic() - began
    await journal.close(60)
    sys.setswitchinterval(SWITCH_S)
    return {"per_s": len(told) / wall}


async def _work() -> None:
    while True:
        end = time.monotonic() + BUSY_S
        while time.monotonic() < end:
            pass
        await asyncio.sleep(0)


async def latency(folder: Path, told: Sequence[Event], rate: int) -> dict[str, float]:
    """Return how long events wait until they are durable, *rate* of them a second."""
    journal = await opened(folder)
    loop = asyncio.get_running_loop()
    taken: list[float] = []
    step = max(STEP_S, 1 / rate)
    began, count = loop.time(), 0
    while (now := loop.time()) < began + LATENCY_S:
        due = min(int((now - began) * rate), len(told))
        part = told[count:due]
        if part:
            journal.record(FEED.name, part, known_as(part), {"seq": due})
            journal.when_durable(lambda at=now: taken.append(loop.time() - at))  # type: ignore[misc]
            count = due
        await asyncio.sleep(step)
    await journal.close(60)
    await asyncio.sleep(0)
    taken.sort()
    return {
        "p50_ms": taken[len(taken) // 2] * 1e3,
        "p99_ms": taken[len(taken) * 99 // 100] * 1e3,
    }


def engine_alone(told: Sequence[Event]) -> dict[str, float]:
    """Return what the same events cost in the engine."""
    config = load_config(ROOT / "config" / "callmon.yml", {"STATE_DIRECTORY": "/nowhere"})
    engine = Engine(dataclasses.replace(config.engine_settings(), queue_limit=10_000))
    began = time.process_time()
    for start in range(0, len(told), ENGINE_BATCH):
        engine.apply_all(told[start : start + ENGINE_BATCH])
    return {"cpu_us": (time.process_time() - began) / len(told) * 1e6}


def measure(told: Sequence[Event], rounds: int, directory: Path | None) -> dict[str, float]:
    """Run all of it *rounds* times; return the medians."""
    runs = {
        f"{'ids' if acknowledged else 'plain'}_{at_a_time}": functools.partial(
            cost, told=told, at_a_time=at_a_time, acknowledged=acknowledged
        )
        for at_a_time in AT_A_TIME
        for acknowledged in (False, True)
    }
    runs |= {
        f"at_{rate}_per_s": functools.partial(latency, told=told, rate=rate) for rate in RATES
    }
    for switch_s in (PYTHON_SWITCH_S, SWITCH_S):
        name = f"busy_loop_{switch_s * 1e3:g}_ms"
        runs[name] = functools.partial(busy, told=told, switch_s=switch_s)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ["engine", *runs]}
    for _ in range(rounds):
        found["engine"].append(engine_alone(told))
        for name, run in runs.items():
            with place(directory) as folder:
                found[name].append(asyncio.run(run(folder)))
    medians = {}
    for name, all_of_it in found.items():
        for figure in all_of_it[0]:
            median = statistics.median(one[figure] for one in all_of_it)
            medians[f"{name}_{figure}"] = round(median, 2)
    return medians


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    told = history(QUEUES, options.events * 10 // 9)[: options.events]
    known_as(told)
    sys.setswitchinterval(SWITCH_S)
    for name, value in measure(told, options.rounds, options.directory).items():
        print(f"{name:28} {value:12,.2f}")


if __name__ == "__main__":
    main()
