"""How long from a breach to the receiver: posted by callmon, and found by a scrape.

A real callmon reads a log, a real Alertmanager with the shipped configuration tells a webhook.
Beside it a real Prometheus with the default intervals scrapes the same callmon, and a plain
rule asks for the same: ``callmon_queue_longest_wait_seconds > 2``. Its alerts go to the same
Alertmanager, by a route with the default ``group_wait`` of 30 s. In the first rounds callers
wait long enough for both roads, in the others only for callmon's. A breach is the instant at
which a caller has waited for 2 s; delays are counted from there to the request at the webhook.

Usage: python -m bench.alerts [--suite trixie|sid] [--quick] [--json FILE] [--report]

Without a suite both are measured, side by side; it takes 17 minutes.
--quick tells ends after 1 s instead of 30 s (``group_interval``), so that a queue may breach
again sooner, and has one round for the scrape road instead of two. Alertmanager 0.28 keeps
the group of an alert that is over for up to 30 s more, and what breaches again meanwhile
waits for ``group_interval``: so its delays are up to 1 s too long then.
--report writes the figures into docs/reliability.md.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import datetime as dt
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.acceptance.alert_site import local_receivers
from tests.acceptance.driver import Program
from tests.acceptance.peers import (
    SUITES,
    Peer,
    Receiver,
    alertmanager,
    alertmanager_config,
    free_port,
    program,
    prometheus,
    receiver,
    stopped_at_the_end,
)

__all__ = ["Outcome", "main"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- alert figures -->\n", "<!-- end of alert figures -->\n"

QUEUES = 20
ROUNDS = 10

LIMIT_S = 2
SHORT_S = 4.0
LONG_S = 85.0
"""A scrape, an evaluation and a group_wait are 60 s at the worst, and then it is resolved."""

SPREAD_S = 15.0
"""Over which the callers of a round come: as long as a scrape interval."""

GROUP_INTERVAL_S = 30
PERCENT = 0.99

CONFIG = """\
feeds: {{log: {{type: queue_log, path: {folder}/queue_log, source: pbx}}}}
labels: [team]
queues:
{queues}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{port}"}}
alertmanagers: [{{url: {alertmanager}}}]
"""
THRESHOLDS = f"""\
thresholds:
  - {{name: long_wait, measure: longest_wait, above: {LIMIT_S}s, for: 0s, keep: 0s,
     severity: warning}}
"""
PROMETHEUS = """\
global: {{scrape_interval: 15s, evaluation_interval: 15s}}
rule_files: [{folder}/rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]}}
scrape_configs: [{{job_name: callmon, static_configs: [{{targets: ["{callmon}"]}}]}}]
"""
RULES = f"""\
groups:
  - name: plain
    rules:
      - {{alert: PlainLongWait, expr: callmon_queue_longest_wait_seconds > {LIMIT_S}}}
"""
ROUTE = {
    "matchers": ['alertname="PlainLongWait"'],
    "group_by": ["alertname", "queue"],
    "group_wait": "30s",
}


@dataclasses.dataclass(kw_only=True)
class Outcome:
    """What a run came to."""

    alertmanager: str
    prometheus: str
    group_interval_s: int
    long_rounds: int  #: in which callers wait for the scrape road, too
    breaches: int = 0
    direct_s: list[float] = dataclasses.field(default_factory=list)
    ended_s: list[float] = dataclasses.field(default_factory=list)
    scraped_s: list[float] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times longer the median of the scrape road is."""
        return statistics.median(self.scraped_s) / statistics.median(self.direct_s)


@dataclasses.dataclass(slots=True, kw_only=True)
class _Call:
    """One caller who waits too long."""

    queue: str
    joined: int
    left: float = 0.0

    @property
    def breach(self) -> int:
        return self.joined + LIMIT_S


class _Log:
    """What Asterisk would write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.calls: list[_Call] = []

    async def call(self, queue: str, wait_s: float) -> None:
        """Let a caller wait, and hang up."""
        now = int(time.time())
        call = _Call(queue=queue, joined=now)
        number = len(self.calls)
        self.calls.append(call)
        self._write(f"{now}|c{number}|{queue}|NONE|ENTERQUEUE|||1")
        await asyncio.sleep(wait_s)
        call.left = time.time()
        self._write(f"{int(call.left)}|c{number}|{queue}|NONE|ABANDON|1|1|{wait_s:.0f}")

    def _write(self, line: str) -> None:
        with self._path.open("a") as log:
            log.write(f"{line}\n")


def _version(suite: str, name: str) -> str:
    command = [program(suite, name), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"version (\d[\d.]*\d)", done.stdout + done.stderr)
    return found[1] if found else "unknown"


def _alertmanager(suite: str, folder: Path, url: str, group_interval_s: int) -> Peer:
    shipped = alertmanager_config(folder, url, f"{group_interval_s}s")
    config = local_receivers(shipped, url)
    found = yaml.safe_load(config.read_text())
    found["route"]["routes"].insert(0, ROUTE)
    config.write_text(yaml.safe_dump(found, sort_keys=False))
    return alertmanager(suite, folder / "alertmanager", config)


def _prometheus(suite: str, folder: Path, callmon: str, peer: Peer) -> Peer:
    (folder / "rules.yml").write_text(RULES)
    config = folder / "prometheus.yml"
    config.write_text(
        PROMETHEUS.format(
            folder=folder,
            alertmanager=urlsplit(peer.url).netloc,
            callmon=urlsplit(callmon).netloc,
        )
    )
    return prometheus(suite, folder / "prometheus", config)


def _callmon(folder: Path, queues: Sequence[str], peer: Peer) -> Program:
    port = free_port()
    # A team for each: many breaches of one team within a minute would be a storm.
    teams = "\n".join(f"  {queue}: {{labels: {{team: team_{queue}}}}}" for queue in queues)
    config = folder / "callmon.yml"
    config.write_text(
        CONFIG.format(folder=folder, port=port, queues=teams, alertmanager=peer.url)
    )
    (folder / "thresholds.yml").write_text(THRESHOLDS)
    (folder / "queue_log").touch()
    return Program(config, port)


async def _round(log: _Log, queues: Sequence[str], wait_s: float) -> None:
    async with asyncio.TaskGroup() as group:
        for queue in queues:
            group.create_task(log.call(queue, wait_s))
            await asyncio.sleep(SPREAD_S / len(queues))


async def _measure(suite: str, folder: Path, *, quick: bool) -> Outcome:
    group_interval_s = 1 if quick else GROUP_INTERVAL_S
    outcome = Outcome(
        alertmanager=_version(suite, "alertmanager"),
        prometheus=_version(suite, "prometheus"),
        group_interval_s=group_interval_s,
        long_rounds=1 if quick else 2,
    )
    queues = [f"q{number:02}" for number in range(QUEUES)]
    log = _Log(folder / "queue_log")
    pause_s = 2 * group_interval_s + 2
    async with contextlib.AsyncExitStack() as stack:
        inbox = await stack.enter_async_context(receiver())
        peer = _alertmanager(suite, folder, inbox.url, group_interval_s)
        callmon = _callmon(folder, queues, peer)
        for each in (peer, _prometheus(suite, folder, callmon.url, peer)):
            stack.enter_context(stopped_at_the_end(each))
            await each.start()
        await stack.enter_async_context(callmon)
        await asyncio.sleep(SPREAD_S)  # the first scrape has been
        for number in range(ROUNDS):
            await _round(log, queues, LONG_S if number < outcome.long_rounds else SHORT_S)
            await asyncio.sleep(pause_s)
    _judge(outcome, log.calls, inbox)
    return outcome


def _judge(outcome: Outcome, calls: Sequence[_Call], inbox: Receiver) -> None:
    """Find for each breach what was said of it, on either road."""
    outcome.breaches = len(calls)
    wall = time.time() - time.monotonic()
    for queue in sorted({call.queue for call in calls}):
        mine = [call for call in calls if call.queue == queue]
        said = [each for each in inbox.notifications if each.labels.get("queue") == queue]
        direct = [each for each in said if each.labels["alertname"] != "PlainLongWait"]
        story = [each.status for each in direct]
        expected = ["firing", "resolved"] * len(mine)
        if story != expected:
            outcome.problems.append(f"{queue}: expected {expected}, found {story}")
            continue
        for call, told, ended in zip(mine, direct[::2], direct[1::2], strict=True):
            outcome.direct_s.append(told.at + wall - call.breach)
            outcome.ended_s.append(ended.at + wall - call.left)
        for call in mine[: outcome.long_rounds]:
            heard = [
                each.at + wall - call.breach
                for each in said
                if each.labels["alertname"] == "PlainLongWait"
                and each.status == "firing"
                and call.breach <= each.at + wall <= call.left
            ]
            outcome.scraped_s += heard[:1]


def _percentile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _columns(outcome: Outcome) -> Iterator[str]:
    yield f"{outcome.breaches}"
    yield f"{len(outcome.problems)} queues"
    for values in (outcome.direct_s, outcome.scraped_s, outcome.ended_s):
        yield f"{len(values)}"
        for figure in (
            statistics.median(values),
            _percentile(values, PERCENT),
            max(values),
        ):
            yield f"{figure * 1e3:,.1f} ms" if figure < 1 else f"{figure:,.1f} s"
    yield f"{outcome.ratio:,.0f}"


ROWS = (
    "breaches",
    "**must be 0**: not told once and its end once",
    *(
        f"{road}, {word}"
        for road in (
            "posted by callmon: breach to receiver",
            "by scrape and rule: breach to receiver",
            "posted by callmon: end to receiver",
        )
        for word in ("how many", "median", "p99", "longest")
    ),
    "median by scrape is so many times that of callmon",
)


def _table(outcomes: Sequence[Outcome]) -> str:
    heads = [
        f"Alertmanager {each.alertmanager}, Prometheus {each.prometheus}" for each in outcomes
    ]
    lines = [f"|  | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    columns = [list(_columns(each)) for each in outcomes]
    lines += [
        f"| {row} | {' | '.join(cells)} |" for row, *cells in zip(ROWS, *columns, strict=True)
    ]
    return "\n".join(lines) + "\n"


def _write_report(outcomes: Sequence[Outcome]) -> None:
    text = PAGE.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{PAGE}: expected {BEGIN.strip()} and {END.strip()}")
    cores = f"{os.cpu_count()} cores"
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    day = dt.datetime.now(dt.UTC)
    head = (
        f"{day:%Y-%m-%d}; {cores}, {system}, Python {platform.python_version()};"
        f" `group_interval` {outcomes[0].group_interval_s} s.\n\n"
    )
    PAGE.write_text(before + BEGIN + head + _table(outcomes) + END + after)


async def _run(suites: Sequence[str], *, quick: bool) -> list[Outcome]:
    """Measure side by side: hardly anything happens at once."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, suite) for suite in suites]
        for folder in folders:
            await asyncio.to_thread(folder.mkdir)
        return await asyncio.gather(
            *(
                _measure(suite, folder, quick=quick)
                for suite, folder in zip(suites, folders, strict=True)
            )
        )


def main() -> int:
    """Measure and print; return 1 when a breach was not told exactly once."""
    parser = argparse.ArgumentParser(prog="python -m bench.alerts")
    parser.add_argument("--suite", choices=SUITES)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    suites: Sequence[str] = SUITES if options.suite is None else (options.suite,)
    outcomes = asyncio.run(_run(suites, quick=options.quick))
    print(_table(outcomes))
    for outcome in outcomes:
        for problem in outcome.problems:
            print(problem)
    if options.json is not None:
        found: list[dict[str, Any]] = [dataclasses.asdict(each) for each in outcomes]
        options.json.write_text(json.dumps(found))
    if options.report:
        _write_report(outcomes)
    return int(any(outcome.problems for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
