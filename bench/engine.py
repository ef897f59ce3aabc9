"""What an event costs and a queue weighs, with few queues and with many.

The same number of events over 5 and over 5,000 queues, through the engine with the
thresholds of config/: the cost per event must not grow with the number of queues.
Usage: python -m bench.engine [--events 400000]
"""

import argparse
import dataclasses
import gc
import json
import random
import subprocess
import sys
import time
from pathlib import Path

from bench.centre import START
from callmon.clock import SECOND
from callmon.config import load_config
from callmon.engine import Engine
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    Event,
    Outcome,
    TalkEnd,
    TalkEnded,
)

ROOT = Path(__file__).parent.parent
RATE = 100  #: calls per second over all queues
OPEN = START + 42_400 * SECOND
"""Ten in the morning in Shanghai: the business hours of config/, so every threshold is on."""


def history(queues: int, events: int) -> list[Event]:
    """Return calls evenly over *queues*, in order of time; most are answered in time."""
    chance = random.Random(42)  # to repeat, not to hide
    told: list[tuple[int, int, Event]] = []
    for number in range(events // 3):
        at = OPEN + number * SECOND // RATE
        queue, contact = f"queue{number % queues:04d}", f"{number}.1"
        wait = int(chance.expovariate(1 / 10)) * SECOND
        told.append((at, 0, ContactJoined(at, "bench", 3 * number, queue, contact)))
        at += wait
        seq = 3 * number + 1
        if chance.random() < 0.1:
            left = ContactLeft(at, "bench", seq, queue, contact, Outcome.ABANDONED, wait)
            told.append((at, 1, left))
            continue
        told.append((at, 1, ContactAnswered(at, "bench", seq, queue, contact, wait, "a")))
        talk = int(chance.expovariate(1 / 180)) * SECOND
        at += talk
        seq += 1
        ended = TalkEnded(at, "bench", seq, queue, contact, talk, TalkEnd.CALLER, "a")
        told.append((at, 2, ended))
    told.sort(key=lambda entry: entry[:2])
    return [event for _, _, event in told]


def measure(queues: int, events: int) -> dict[str, float]:
    """Apply *events* over *queues*; return microseconds per event and memory per queue."""
    config = load_config(ROOT / "config" / "callmon.yml", {"STATE_DIRECTORY": "/nowhere"})
    settings = dataclasses.replace(config.engine_settings(), queue_limit=10_000)
    told = history(queues, events)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    before = _resident()
    engine = Engine(settings)
    first = len(told) // 3  # until then every queue has been met
    engine.apply_all(told[:first])
    began = time.process_time()
    engine.apply_all(told[first:])
    spent = time.process_time() - began
    return {
        "us_per_event": spent / (len(told) - first) * 1e6,
        "kib_per_queue": (_resident() - before) / queues / 1024,
    }


def _resident() -> int:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * 4096


def main() -> None:
    """Print cost and weight at both sizes, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--queues", type=int)
    options = parser.parse_args()
    if options.queues:
        print(json.dumps(measure(options.queues, options.events)))
        return
    found = {}
    for queues in (5, 5_000):
        command = [sys.executable, "-m", "bench.engine", "--queues", str(queues)]
        command += ["--events", str(options.events)]
        runs = [
            json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            for _ in range(3)
        ]
        found[queues] = sorted(runs, key=lambda run: run["us_per_event"])[1]
        print(
            f"{queues:6} queues: {found[queues]['us_per_event']:.2f} us per event,"
            f" {found[queues]['kib_per_queue']:.1f} KiB per queue"
        )
    ratio = found[5_000]["us_per_event"] / found[5]["us_per_event"]
    print(json.dumps({"ratio": round(ratio, 2), **{str(q): f for q, f in found.items()}}))


if __name__ == "__main__":
    main()
