"""Messages a second from a broker's backlog, each durable before it is acknowledged.

A real mosquitto holds the same backlog, QoS 1, for two subscribers with persistent sessions: a
plain aiomqtt one, which acknowledges by itself and does nothing with a message, and a whole
``callmon run`` with the thresholds of ``config/`` (decode, dedupe, engine, journal, and only
then the acknowledgement). Both are connected, stopped with SIGSTOP while the backlog is
published, and measured from SIGCONT until the last message: of aiomqtt until it has it, of
callmon until its journal says so on the disk. They take turns.
Usage: python -m bench.mqtt [--events 100000] [--rounds 5] [--mosquitto PATH]
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bench.engine import ROOT, history
from bench.restart import free_port, ready
from callmon.clock import SECOND
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    TalkEnded,
)

CallEvent = ContactJoined | ContactAnswered | ContactLeft | TalkEnded
QUEUES = 40
TOPIC = "callmon/{queue}/events"
WINDOW = 1_000
"""Messages under way unacknowledged: what callmon asks for, aiomqtt is given, too."""

AHEAD = 1_000
"""Messages that the publisher has under way."""

KEEPALIVE_S = 600
"""Longer than either of them is stopped."""

LOOK_S = 0.01
PATIENCE_S = 120.0
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
BROKER = """\
{root}listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
max_queued_messages 0
max_inflight_messages 0
log_dest none
"""
FEEDS = """\
feeds:
  acd:
    type: mqtt
    source: pbx
    port: {port}
    keepalive: 10m
    topics: ["callmon/{{queue}}/events"]

"""


def native(event: CallEvent) -> tuple[str, bytes]:
    """Return *event* as a telephone system would publish it: topic and payload."""
    told: dict[str, object] = {
        "id": f"bench-{event.seq}",
        "at": event.at / SECOND,
        "contact": event.contact,
    }
    match event:
        case ContactJoined():
            told["type"] = "contact.joined"
        case ContactAnswered():
            told |= {"type": "contact.answered", "agent": event.agent}
            told["wait_s"] = (event.wait or 0) / SECOND
        case ContactLeft():
            told |= {"type": "contact.abandoned", "wait_s": (event.wait or 0) / SECOND}
        case TalkEnded():
            told |= {"type": "contact.ended", "agent": event.agent, "ended_by": "agent"}
            told["talk_s"] = (event.talk or 0) / SECOND
    return TOPIC.format(queue=event.queue), msgspec.json.encode(told)


def backlog(events: int) -> list[CallEvent]:
    """Return calls over ``QUEUES``, *events* events, the last of them just now."""
    made = history(QUEUES, events * 10 // 9)[:events]
    told = [event for event in made if isinstance(event, CallEvent)]
    late = time.time_ns() // 1_000 - told[-1].at
    return [msgspec.structs.replace(event, at=event.at + late) for event in told]


# ---- the broker and who publishes -----------------------------------------------------


@contextlib.contextmanager
def broker(program: str, folder: Path) -> Iterator[int]:
    """Run a mosquitto that forgets nothing and limits nothing; yield its port."""
    folder.mkdir()
    port = free_port()
    root = "user root\n" if os.geteuid() == 0 else ""
    (folder / "conf").write_text(BROKER.format(root=root, port=port, folder=folder))
    with subprocess.Popen(
        [program, "-c", str(folder / "conf")], stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(lambda: listens(port), "the broker")
            yield port
        finally:
            process.terminate()


def listens(port: int) -> bool:
    """Tell whether somebody listens on *port*."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def wait_for(so: Callable[[], bool], what: str) -> float:
    """Return the moment at which it was *so*."""
    end = time.monotonic() + PATIENCE_S
    while not so():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: expected an end within {PATIENCE_S:.0f} s, found none")
        time.sleep(LOOK_S)
    return time.monotonic()


async def publish(port: int, told: list[CallEvent]) -> None:
    """Publish *told* with QoS 1, in order, and wait for every answer."""
    free = asyncio.Semaphore(AHEAD)
    async with aiomqtt.Client("127.0.0.1", port, identifier="bench-publisher") as client:
        client.pending_calls_threshold = AHEAD + 1
        async with asyncio.TaskGroup() as group:
            for event in told:
                await free.acquire()
                topic, payload = native(event)
                sending = group.create_task(client.publish(topic, payload, qos=1, timeout=60))
                sending.add_done_callback(lambda _: free.release())


# ---- the two subscribers --------------------------------------------------------------


async def receive(port: int, messages: int) -> None:
    """Be the plain subscriber: say when it listens, and when it has had *messages*."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # by paho
    properties.SessionExpiryInterval = 3_600
    properties.ReceiveMaximum = WINDOW
    async with aiomqtt.Client(
        "127.0.0.1",
        port,
        identifier="bench-plain",
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=properties,
        keepalive=KEEPALIVE_S,
    ) as client:
        await client.subscribe("callmon/+/events", qos=1)
        print("listening", flush=True)
        count = 0
        async for _ in client.messages:
            count += 1
            if count == messages:
                break
        print("done", flush=True)
        await asyncio.sleep(PATIENCE_S)  # its processor time is still to be read


def hear(process: subprocess.Popen[str], word: str) -> None:
    """Wait until *process* says *word*."""
    said = process.stdout.readline() if process.stdout else ""
    if said != f"{word}\n":
        raise SystemExit(f"the subscriber: expected {word}, found {said!r}")


def plain(port: int, messages: int, publish_all: Callable[[], None]) -> tuple[float, float]:
    """Return how long aiomqtt takes, and its processor time."""
    command = [sys.executable, "-m", "bench.mqtt", "--receive", str(port)]
    command += ["--events", str(messages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            hear(process, "listening")
            with stopped(process, publish_all) as (began, before):
                hear(process, "done")
                taken = time.monotonic() - began
                spent = processor_time(process.pid) - before
            return taken, spent
        finally:
            process.kill()


def whole(
    folder: Path, port: int, messages: int, publish_all: Callable[[], None]
) -> tuple[float, float]:
    """Return how long the daemon takes until all is durable, and its processor time."""
    folder.mkdir()
    http = free_port()
    write_config(folder, port, http)
    environ = {**os.environ, "STATE_DIRECTORY": str(folder / "state")}
    command = [sys.executable, "-m", "callmon", "run", "-c", str(folder / "callmon.yml")]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environ) as process,
    ):
        try:
            wait_for(lambda: ready(http) or process.poll() is not None, "callmon")
            if process.poll() is not None:
                raise SystemExit((folder / "log").read_text())
            with (
                contextlib.closing(sqlite3.connect(folder / "state" / "journal.db")) as journal,
                stopped(process, publish_all) as (began, before),
            ):
                taken = wait_for(lambda: durable(journal, messages), "callmon") - began
                spent = processor_time(process.pid) - before
            check(http, folder, messages)
            return taken, spent
        finally:
            process.kill()


@contextlib.contextmanager
def stopped(
    process: subprocess.Popen[Any], publish_all: Callable[[], None]
) -> Iterator[tuple[float, float]]:
    """Stop *process* while the backlog comes; yield when it went on, and its time so far."""
    process.send_signal(signal.SIGSTOP)
    publish_all()
    time.sleep(1)  # the broker has written what it will
    spent = processor_time(process.pid)
    began = time.monotonic()
    process.send_signal(signal.SIGCONT)
    yield began, spent


def write_config(folder: Path, port: int, http: int) -> None:
    """Write the shipped configuration with this feed, its calendar open round the clock."""
    shipped = (ROOT / "config" / "callmon.yml").read_text()
    head, rest = shipped.split("feeds: #", 1)
    _, tail = rest.split("labels: [site, team]", 1)
    text = f"{head}{FEEDS.format(port=port)}labels: [site, team]{tail}"
    (folder / "callmon.yml").write_text(text.replace("127.0.0.1:9877", f"127.0.0.1:{http}"))
    thresholds = (ROOT / "config" / "thresholds.yml").read_text()
    hours = re.compile(r"weekly: .*\n    holidays: .*")
    always, found = hours.subn('weekly: { mon-sun: ["00:00-24:00"] }', thresholds)
    if found != 1:
        raise SystemExit("config/thresholds.yml: expected one calendar with hours and holidays")
    (folder / "thresholds.yml").write_text(always)


def durable(journal: sqlite3.Connection, messages: int) -> bool:
    """Tell whether the journal has all *messages*: so callmon may acknowledge the last."""
    found = journal.execute("SELECT position FROM feeds WHERE name = 'acd'").fetchone()
    if not (found and found[0] and json.loads(found[0])["seq"] >= messages):
        return False
    (ids,) = journal.execute("SELECT count(*) FROM seen").fetchone()
    return bool(ids == messages)  # what was sent again is counted in the position, too


def check(http: int, folder: Path, messages: int) -> None:
    """See that everybody was counted, once."""
    joined = sum(isinstance(event, ContactJoined) for event in backlog(messages))
    counted: list[str] = []
    for _ in range(100):
        with urllib.request.urlopen(f"http://127.0.0.1:{http}/metrics", timeout=30) as answer:
            page = answer.read().decode()
        counted = re.findall(r"^callmon_contacts_arrived_total\{.*\} (\d+)", page, re.MULTILINE)
        if sum(map(int, counted)) == joined:
            return
        time.sleep(0.1)
    log = (folder / "log").read_text()
    raise SystemExit(f"expected {joined} contacts, found {sum(map(int, counted))}\n{log}")


def processor_time(pid: int) -> float:
    """Return the seconds of processor time that a process has had, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


# ---- the measurement ------------------------------------------------------------------


def measure(program: str, events: int, rounds: int) -> dict[str, float]:
    """Run both, in turns, each with a broker of its own; return the medians."""
    taken: dict[str, list[tuple[float, float]]] = {"plain": [], "whole": []}
    for number in range(rounds):
        for name in list(taken)[:: 1 if number % 2 else -1]:
            with tempfile.TemporaryDirectory() as made:
                folder = Path(made)
                with broker(program, folder / "broker") as port:

                    def publish_all(port: int = port) -> None:
                        asyncio.run(publish(port, backlog(events)))

                    if name == "plain":
                        found = plain(port, events, publish_all)
                    else:
                        found = whole(folder / "callmon", port, events, publish_all)
            taken[name].append(found)
            print(
                f"{name}: {events / found[0]:,.0f} messages/s,"
                f" {found[1] / events * 1e6:.1f} us of processor time each",
                flush=True,
            )
    rate = {name: statistics.median(events / wall for wall, _ in taken[name]) for name in taken}
    spent = {
        name: statistics.median(cpu / events * 1e6 for _, cpu in taken[name]) for name in taken
    }
    return {
        "aiomqtt_per_s": round(rate["plain"]),
        "callmon_per_s": round(rate["whole"]),
        "ratio": round(rate["whole"] / rate["plain"], 2),
        "aiomqtt_cpu_us": round(spent["plain"], 1),
        "callmon_cpu_us": round(spent["whole"], 1),
    }


def main() -> None:
    """Print the figures of each round, and the medians."""
    newer = ROOT / ".tools" / "mosquitto" / "bin" / "mosquitto"
    system = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mosquitto", default=str(newer) if newer.exists() else system)
    parser.add_argument("--receive", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive:
        asyncio.run(receive(options.receive, options.events))
        return
    if options.mosquitto is None:
        print("left out: there is no mosquitto (scripts/install-system-packages.sh)")
        return
    said = subprocess.run(
        [options.mosquitto, "-h"], capture_output=True, text=True, check=False
    )
    print(said.stdout.split("\n", 1)[0])
    print(json.dumps(measure(options.mosquitto, options.events, options.rounds)))


if __name__ == "__main__":
    main()
