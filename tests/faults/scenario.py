"""Two telephone systems, a broker and callmon, and everything that can go wrong between them.

It takes the place of an evil operator: kills, restarts, cuts, rotates, fills the disk. Then
it waits for quiet and writes down what callmon says beside what happened.
"""

import asyncio
import contextlib
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from callmon.clock import SECOND, Clock, Micros, SystemClock
from tests.faults.acd import publish_again
from tests.faults.disk import Ballast, small_disk
from tests.faults.outcome import KNOWN, Full, Outcome, made
from tests.faults.plan import Fault, Plan, schedule
from tests.faults.processes import Broker, Child, free_port
from tests.faults.truth import (
    GROUP,
    SHORT,
    WITHIN,
    Series,
    differences,
    expected,
    read_records,
    show,
)
from tests.faults.watcher import Watcher
from tests.faults.wire import Cut, Wire, wired

__all__ = ["run"]

CONFIG = """\
timezone: UTC
feeds:
  pbx: {{type: queue_log, path: {folder}/queue_log}}
  acd:
    type: mqtt
    port: {port}
    client_id: callmon-faults
    keepalive: 5s
    topics: ["acd/{{queue}}/events"]
defaults:
  service_level: {{within: {within}ms}}
  short_abandon: {short}ms
queues: {{sales: {{}}, support: {{}}, billing: {{}}, chat: {{}}, orders: {{}}, returns: {{}}}}
groups:
  {group}: {{queues: ["*"]}}
windows: [5m, 15m]
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{http}"}}
logging: {{level: info}}
"""

ARRIVED: Series = ("callmon_group_contacts_arrived_total", (("group", GROUP),))
THRESHOLDS = "thresholds: [{name: long_wait, measure: longest_wait, above: 3m}]\n"

READY_WITHIN: Micros = 30 * SECOND
QUIET_WITHIN: Micros = 60 * SECOND
DRAINED_WITHIN_S = 60.0
FULL_FOR: Micros = 20 * SECOND
BROKER_AWAY_S = 1.5
REOPENS_WITHIN_S = 0.8
TOLD_AGAIN = 500
COUNTED_WITHIN: Micros = 10 * SECOND
ROTATED_TO = ("queue_log-{:08}", "queue_log.{}")


class Scenario:
    """One run."""

    def __init__(self, plan: Plan, folder: Path, clock: Clock, broker: Broker) -> None:
        self.plan = plan
        self.folder = folder
        self.done: Counter[Fault] = Counter()
        self.full: list[Full] = []
        self._clock = clock
        self._chance = random.Random(plan.seed + 1)
        self._broker = broker
        self._broker_lock = asyncio.Lock()
        self._callmon_lock = asyncio.Lock()
        self._rotations = 0
        self._http = free_port()
        self.watcher = Watcher(self._http, clock)
        self.callmon = self._program("callmon", "callmon", "run", "-c", f"{folder}/callmon.yml")
        drive = str(folder), str(plan.seed), str(plan.rate)
        self.pbx = self._program("pbx", "tests.faults.pbx", *drive)
        self.acd = self._program("acd", "tests.faults.acd", *drive, str(broker.port))

    def _program(self, name: str, *arguments: str) -> Child:
        return Child([sys.executable, "-m", *arguments], self.folder / f"{name}.log")

    def configure(self, port: int) -> None:
        """Write the configuration of a callmon whose broker is at *port*."""
        text = CONFIG.format(
            folder=self.folder,
            port=port,
            http=self._http,
            group=GROUP,
            within=WITHIN // 1_000,
            short=SHORT // 1_000,
        )
        (self.folder / "callmon.yml").write_text(text)
        (self.folder / "thresholds.yml").write_text(THRESHOLDS)
        (self.folder / "queue_log").touch()

    def start_callmon(self) -> None:
        """Start it and wait for nothing."""
        self.callmon.spawn()
        self.watcher.started()

    async def until_ready(self) -> None:
        """Wait until it has been ready since its last start."""
        before = self.watcher.notes.ready
        await self._wait(lambda: self.watcher.notes.ready > before, READY_WITHIN, "ready")

    async def _wait(self, true: Callable[[], bool], within: Micros, what: str) -> None:
        end = self._clock.monotonic() + within
        while not true():
            if self._clock.monotonic() > end or not self.callmon.running:
                tail = self.callmon.log.read_text()[-4_000:]
                raise TimeoutError(f"callmon is not {what}: {self.watcher.readiness}\n{tail}")
            await self._clock.sleep(SECOND // 20)

    async def misfortunes(self, wire: Wire) -> None:
        """Let everything go wrong that is planned, at its time."""
        begin = self._clock.monotonic()
        cuts = list(Cut) * (1 + self.plan.faults.get(Fault.CUT, 0) // len(Cut))
        async with asyncio.TaskGroup() as group:
            for at, fault in schedule(self.plan):
                await self._clock.sleep(max(0, begin + at - self._clock.monotonic()))
                how = cuts.pop() if fault is Fault.CUT else None
                group.create_task(self._strike(fault, wire, how))

    async def _strike(self, fault: Fault, wire: Wire, how: Cut | None) -> None:
        match fault:
            case Fault.KILL:
                await self._kill()
            case Fault.BROKER_RESTART:
                await self._restart_broker(signal.SIGTERM)
            case Fault.BROKER_KILL:
                await self._restart_broker(signal.SIGKILL)
            case Fault.CUT:
                assert how is not None
                await wire.cut(how)
            case Fault.PUBLISHER_CUT:
                self.acd.send(signal.SIGUSR1)
            case Fault.ROTATION:
                await self._rotate()
            case Fault.FULL | Fault.FULL_KILL:
                await self._fill(wire, kill=fault is Fault.FULL_KILL)
        self.done[fault] += 1

    async def _kill(self) -> None:
        async with self._callmon_lock:
            await self.callmon.end(signal.SIGKILL)
            self.start_callmon()

    async def _restart_broker(self, how: signal.Signals) -> None:
        async with self._broker_lock:
            await self._broker.end(how)
            away_s = self._chance.uniform(0, BROKER_AWAY_S)
            await self._clock.sleep(int(away_s * SECOND))
            await self._broker.start()

    async def _rotate(self) -> None:
        """Rename the log; its writer goes on with the old file for a moment, as Asterisk."""
        self._rotations += 1
        name = ROTATED_TO[self._rotations % 2].format(20_000_000 + self._rotations)
        (self.folder / "queue_log").rename(self.folder / name)
        after_s = self._chance.uniform(0, REOPENS_WITHIN_S)
        await self._clock.sleep(int(after_s * SECOND))
        self.pbx.send(signal.SIGHUP)

    async def _fill(self, wire: Wire, *, kill: bool) -> None:
        begin, before = self._clock.monotonic(), self.watcher.page
        excuses, acks = Counter(self.watcher.notes.excuses), wire.ledger.acks
        async with asyncio.TaskGroup() as group:
            ballast = Ballast(self.folder / "state", self._clock)
            group.create_task(ballast.weigh(FULL_FOR))
            if kill:
                await self._clock.sleep(FULL_FOR // 2)
                await self._kill()
        after = self.watcher.page
        self.full.append(
            Full(
                seconds=round((self._clock.monotonic() - begin) / SECOND, 1),
                killed=kill,
                counted=int(after.get(ARRIVED, 0) - before.get(ARRIVED, 0)),
                acknowledged=wire.ledger.acks - acks,
                excuses=dict(self.watcher.notes.excuses - excuses),
                failures={
                    show(series): value
                    for series, value in after.items()
                    if series[0].startswith("callmon_journal")
                    and not series[0].endswith("_bucket")
                },
            )
        )

    async def traffic(self, wire: Wire) -> None:
        """Have both systems tell what happens while everything goes wrong."""
        self.pbx.spawn()
        self.acd.spawn()
        await self.misfortunes(wire)
        while self._told() < self.plan.events:
            await self._clock.sleep(SECOND)
        for driver in (self.pbx, self.acd):
            driver.send(signal.SIGTERM)
        for driver in (self.pbx, self.acd):
            code = await driver.ended(DRAINED_WITHIN_S)
            assert code == 0, driver.log.read_text()

    def _told(self) -> int:
        return sum(path.read_bytes().count(b"\n") for path in self.truth_files)

    @property
    def truth_files(self) -> Sequence[Path]:
        """Where the drivers write what happened."""
        return [self.folder / f"{name}.truth" for name in ("pbx", "acd")]

    async def quiet(self) -> Sequence[str]:
        """Wait until callmon says what happened; return where it does not."""
        truth = expected(read_records(self.truth_files))
        end = self._clock.monotonic() + QUIET_WITHIN
        while wrong := differences(truth, self.watcher.page):
            if self._clock.monotonic() > end:
                break
            await self._clock.sleep(SECOND // 2)
        return wrong

    async def tell_again(self) -> tuple[int, int]:
        """Have known events published once more; return how many, and how many were known."""
        before = self.watcher.page.get(KNOWN, 0)
        count = publish_again(self.folder, self._broker.port, TOLD_AGAIN)
        end = self._clock.monotonic() + COUNTED_WITHIN
        while (known := int(self.watcher.page.get(KNOWN, 0) - before)) < count:
            if self._clock.monotonic() > end:
                break
            await self._clock.sleep(SECOND // 5)
        return count, known


async def run(plan: Plan, folder: Path) -> Outcome:
    """Do it all; *folder* must be empty."""
    clock = SystemClock()
    broker = Broker(folder, clock, newer=plan.newer_broker)
    scenario = Scenario(plan, folder, clock, broker)
    begin = clock.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        if plan.disk_megabytes:
            stack.enter_context(small_disk(folder / "state", plan.disk_megabytes))
        for child in (broker, scenario.callmon, scenario.pbx, scenario.acd):
            stack.push_async_callback(child.end, signal.SIGKILL)
        await broker.start()
        wire, port = await stack.enter_async_context(wired(broker.port, clock))
        scenario.configure(port)
        async with asyncio.TaskGroup() as group:
            scenario.start_callmon()
            watching = group.create_task(scenario.watcher.run())
            await scenario.until_ready()
            await scenario.traffic(wire)
            wrong = list(await scenario.quiet())
            told_again = await scenario.tell_again()
            wrong += await scenario.quiet()
            stopped = await scenario.callmon.end(signal.SIGTERM)
            scenario.start_callmon()
            await scenario.until_ready()
            wrong_after = await scenario.quiet()
            watching.cancel()
        await scenario.callmon.end(signal.SIGTERM)
        return made(
            folder,
            broker=broker.version,
            seconds=(clock.monotonic() - begin) / SECOND,
            done=scenario.done,
            connections=wire.connections,
            ledger=wire.ledger,
            watcher=scenario.watcher,
            full=scenario.full,
            stopped=stopped,
            told_again=told_again,
            wrong=wrong,
            wrong_after_restart=wrong_after,
        )
