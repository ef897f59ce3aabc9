"""How long a backtest takes: of a month of a large site, from its journal and from its log.

A thousand agents in 40 queues take 1.76 million calls a month: five million events. The
journal has them as a daemon that follows a log writes them, a mark of time before each
second's. Both are lived through with the thresholds of config/, on all cores and on one.
Usage: python -m bench.backtest [--calls 1760000] [--rounds 3] [--keep DIRECTORY] [--log FILE]
"""

import argparse
import contextlib
import dataclasses
import itertools
import json
import math
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from callmon.clock import SECOND, Micros
from callmon.config import load_config
from callmon.engine import EngineSettings
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    Event,
    FeedChanged,
    Outcome,
    TalkEnd,
    TalkEnded,
)
from callmon.journal import FeedInfo, TimePassed
from callmon.journal.handover import Known, Load
from callmon.journal.store import Store
from callmon.queues import GroupSettings
from callmon.rules import Threshold
from callmon.testing import queue_log_line
from callmon.trial import FileHistory, History, JournalHistory, run_trial

ROOT = Path(__file__).parent.parent
QUEUES = 40
DAYS = 30
START: Micros = 1_793_462_400 * SECOND  # 2026-11-01, midnight in Shanghai
HOUR: Micros = 3_600 * SECOND
OPENS, CLOSES = 8, 20  #: hours with calls
WAIT_S, TALK_S = 12, 190  #: means
ROWS = 50_000
FEED = FeedInfo(name="log", type="queue_log", source="pbx", stream="bench", live=False)
GROUPS = tuple(
    GroupSettings(name=f"team{number}", queues=(f"queue00{number}*",)) for number in range(4)
)


def calls_of(day: int, queue: int, calls: int, chance: random.Random) -> Iterator[Event]:
    """Yield the events of a queue's day, by call; one hour of it is too much for the team."""
    begin = START + day * 24 * HOUR + OPENS * HOUR
    crowded = chance.randint(0, CLOSES - OPENS - 1)
    name = f"queue{queue:04d}"
    for number in range(calls):
        moment = chance.random()
        moment += 0.1 * math.sin(2 * math.pi * moment) / (2 * math.pi)  # a busy noon
        at = begin + int(moment * (CLOSES - OPENS) * 3_600) * SECOND
        crowd = 8 if int(moment * (CLOSES - OPENS)) == crowded else 1
        contact = f"{at // SECOND}.{queue * 10_000 + number}"
        wait = int(chance.expovariate(1 / (WAIT_S * crowd))) * SECOND
        patience = int(chance.expovariate(1 / 150)) * SECOND
        yield ContactJoined(at, "pbx", 0, name, contact)
        if patience < wait:
            at += patience
            yield ContactLeft(at, "pbx", 0, name, contact, Outcome.ABANDONED, patience)
            continue
        at += wait
        agent = f"PJSIP/{queue * 25 + number % 25}"
        yield ContactAnswered(at, "pbx", 0, name, contact, wait, agent)
        talk = int(chance.expovariate(1 / TALK_S)) * SECOND
        at += talk
        yield TalkEnded(at, "pbx", 0, name, contact, talk, TalkEnd.CALLER, agent)


def month(calls: int) -> Iterator[Event]:
    """Yield all events, oldest first."""
    chance = random.Random(42)  # to repeat, not to hide
    weekly = [1.2, 1.1, 1.0, 1.0, 1.0, 0.5, 0.4]
    weights = [weekly[day % 7] for day in range(DAYS)]
    seq = itertools.count(1)
    for day in range(DAYS):
        each = round(calls * weights[day] / sum(weights) / QUEUES)
        told = [
            event for queue in range(QUEUES) for event in calls_of(day, queue, each, chance)
        ]
        told.sort(key=lambda event: event.at)  # stable: a call's own events stay in order
        for event in told:
            yield msgspec.structs.replace(event, seq=next(seq))


def write_journal(path: Path, events: Iterator[Event]) -> int:
    """Write *events* as a daemon's journal has them; return how many there are."""
    load = Load(Known(remembered=0, feeds={FEED.name: FEED}))
    store = Store(path)
    store.write(load)
    store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    (number,) = connection.execute("SELECT number FROM feeds").fetchone()
    count = last = 0
    up = FeedChanged(START, "pbx", 0, "log", up=True)
    events = itertools.chain([up], events)
    rows: list[tuple[int, int | None, int, Micros, str]] = []
    encode = msgspec.json.encode

    def flush() -> None:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("UPDATE progress SET last = ?, commits = commits + 1", (last,))
        connection.execute("COMMIT")
        rows.clear()

    for at, told in itertools.groupby(events, key=lambda event: event.at):
        last += 1
        rows.append((last, None, 0, at, encode(TimePassed(at)).decode()))
        for event in told:
            last += 1
            count += 1
            rows.append((last, number, 0, event.at, encode(event).decode()))
        if len(rows) > ROWS:
            flush()
    flush()
    connection.close()
    return count


def write_log(path: Path, events: Iterator[Event]) -> None:
    """Write *events* as a queue_log."""
    with path.open("w", encoding="utf-8") as file:
        for event in events:
            line = queue_log_line(event)
            if line is not None:
                file.write(f"{line}\n")


def measured(
    history: History, settings: EngineSettings, thresholds: Sequence[Threshold]
) -> dict[str, float]:
    """Return how long one trial takes, and what it finds."""
    began = time.monotonic()
    spent = sum(os.times()[:4])
    trial = run_trial(history, settings, thresholds)
    wall, spent = time.monotonic() - began, sum(os.times()[:4]) - spent
    if trial is None:
        raise SystemExit("nothing happened in it")
    return {
        "wall_s": round(wall, 2),
        "cpu_s": round(spent, 2),
        "us_per_event": round(spent / trial.events * 1e6, 2),
        "events": trial.events,
        "episodes": len(trial.episodes),
    }


def middle(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the run of the median wall time."""
    return sorted(runs, key=lambda run: run["wall_s"])[len(runs) // 2]


@contextlib.contextmanager
def place(keep: Path | None) -> Iterator[Path]:
    """Yield where the histories are: made once, if they are to be kept."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def main() -> None:
    """Print how long each takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_760_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="make the journal here, once")
    parser.add_argument("--log", type=Path, help="a log to live through, too")
    options = parser.parse_args()
    config = load_config(ROOT / "config" / "callmon.yml", {"STATE_DIRECTORY": "/nowhere"})
    settings = dataclasses.replace(config.engine_settings(), groups=(*config.groups, *GROUPS))
    found: dict[str, dict[str, float]] = {}
    with place(options.keep) as folder:
        journal, log = folder / "journal.db", folder / "queue_log"
        if not journal.exists():
            write_journal(journal, month(options.calls))
            write_log(log, month(options.calls // 10))
        histories: dict[str, History] = {
            "journal, one process": JournalHistory(journal, may_be=lambda: 1),
            "journal": JournalHistory(journal),
            "log, a tenth of it": FileHistory([log], "pbx"),
        }
        if options.log is not None:
            histories["log of " + options.log.name] = FileHistory([options.log], "pbx")
        for name, history in histories.items():
            runs = [
                measured(history, settings, config.thresholds) for _ in range(options.rounds)
            ]
            found[name] = middle(runs)
            print(f"{name}: {found[name]}", flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
