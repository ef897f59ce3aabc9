"""Hours of a telephone system's bad luck in a few minutes, with known truth.

usage: python -m tests.asterisk.scenario --root ROOT --folder FOLDER [--calls N] [--pace X]
       [--seed N] [--stamps] [--rotate STRATEGY] [--callmon]

Runs the Asterisk in ROOT with N calls, stops it gracefully, stops it at once, kills it,
rotates its log; with ``--callmon`` a callmon watches by log and by a wire that is cut ten
times, and is itself killed and restarted. FOLDER then has ``report.json``, the log and, of
callmon, ``metrics.txt``. Pauses between misfortunes are X times as long as usual.

It mounts and it listens on fixed ports, so it must run in namespaces of its own, which also end
whatever it started: ``unshare --net --mount --pid --fork --kill-child --mount-proc``.
"""

import argparse
import asyncio
import dataclasses
import json
import random
import signal
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from callmon.clock import SECOND, Clock, SystemClock
from tests.acceptance.driver import Program, get
from tests.asterisk.agi import served
from tests.asterisk.ami import PORT, act
from tests.asterisk.people import AGI_PORT, Centre, Kind, Plan
from tests.asterisk.proxy import Wire, wired
from tests.asterisk.server import SECRET, Server

__all__ = ["QUEUES", "Scenario", "main"]

QUEUES = ("support", "sales", "spoken", "asked", "night", "small")
CALLS_PER_SECOND = 2.0
WIRE_PORT = 5040
HTTP_PORT = 9700
DRAIN_TIMEOUT_S = 45.0
SETTLE_TIMEOUT_S = 30.0
SETTLED_S = 10.0
COUNTED = "callmon_contacts_"
CALM_S = 2.0
"""So long nobody acts before the server is ended: everything that was begun is then over."""

SIMPLE_S = 8.0
"""So long before that no call begins whose end the server alone decides."""

HEARD_AFTER_S = 3.0
"""A callmon that has just started again listens by then."""

HEARD_FOR_S = 9.0
"""A second until the caller is moved, six until it is certain that he was, and two."""

NIGHT_AGENT = "Local/1041@agents/n"

CONFIG = """\
timezone: UTC
feeds:
  log: {{type: queue_log, path: {log}, source: pbx}}
  live:
    type: asterisk_ami
    source: pbx
    port: {wire}
    username: callmon
    secret: {secret}
    audit: 10s
server: {{listen: "127.0.0.1:{http}"}}
storage: {{directory: {folder}/state}}
"""


def _plans(chance: random.Random) -> list[tuple[float, Callable[[], Plan]]]:
    """Return what callers do, with how many of a hundred do it."""
    between = chance.uniform

    def talk(
        queue: str, patience_s: float = 15.0, prelude_s: float = 0.0
    ) -> Callable[[], Plan]:
        return lambda: Plan(
            queue=queue,
            kind=Kind.TALK,
            patience_s=patience_s,
            ring_s=between(0.3, 1.2),
            talk_s=prelude_s + between(0.8, 2.5),
            caller_ends=chance.random() < 0.6,
        )

    def leave(kind: Kind, queue: str, patience_s: float = 0.0) -> Callable[[], Plan]:
        return lambda: Plan(queue=queue, kind=kind, patience_s=patience_s or between(0.7, 4))

    def early(queue: str, after_s: float) -> Callable[[], Plan]:
        return lambda: Plan(queue=queue, kind=Kind.HANG_UP_EARLY, patience_s=15, talk_s=after_s)

    def time_out() -> Plan:
        return Plan(queue="support", kind=Kind.TIME_OUT, patience_s=60, limit_s=3)

    return [
        (27, talk("support")),
        (13, talk("sales")),
        (4, talk("spoken", prelude_s=3.5)),
        (4, talk("asked", prelude_s=2.0)),
        (6, talk("night", patience_s=8.0)),
        (7, leave(Kind.HANG_UP, "support")),
        (4, leave(Kind.HANG_UP, "sales")),
        (8, time_out),
        (6, leave(Kind.PRESS_KEY, "sales")),
        (6, leave(Kind.BE_MOVED, "support")),
        (4, leave(Kind.BE_WITHDRAWN, "sales")),
        (3, leave(Kind.BE_HUNG_UP, "support")),
        (4, early("spoken", 0.8)),
        (4, early("asked", 0.7)),
    ]


SIMPLE = 2
"""How many of the plans, from the first, have no part that the server alone decides."""


class Scenario:
    """Everything that happens, in order."""

    def __init__(self, arguments: argparse.Namespace, clock: Clock) -> None:
        self.centre = Centre(clock)
        self.events: list[dict[str, Any]] = []
        self.wire: Wire | None = None
        self.callmon: Program | None = None
        self._arguments = arguments
        self._clock = clock
        self._server = Server(arguments.root, arguments.folder, clock)
        self._chance = random.Random(arguments.seed)
        self._plans = _plans(self._chance)
        self._placing = asyncio.Event()
        self._simple = False
        self._over = False

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._clock.sleep(int(seconds * SECOND))

    def note(self, what: str, **facts: object) -> None:
        """Write down what was done."""
        self.events.append({"at": self.centre.now, "what": what, **facts})

    # ---- traffic -----------------------------------------------------------------

    async def _traffic(self) -> None:
        """Place calls at random moments while it is wanted."""
        async with asyncio.TaskGroup() as group:
            while not self._over:
                await self.sleep(self._chance.expovariate(CALLS_PER_SECOND))
                await self._placing.wait()
                await self.centre.acting.wait()
                plans = self._plans[:SIMPLE] if self._simple else self._plans
                weights = [weight for weight, _ in plans]
                (plan,) = self._chance.choices([plan for _, plan in plans], weights)
                group.create_task(self.centre.place(plan()))

    async def _night(self) -> None:
        """Send the only agent of the night away and call him back, again and again."""
        paused = False
        left = Plan(queue="night", kind=Kind.HANG_UP, patience_s=20)
        while not self._over:
            await self.sleep(self._chance.uniform(4, 7))
            if self._simple or not self._placing.is_set():
                continue
            paused = not paused
            if paused:
                await self.centre.place(left)
                await self.sleep(1)
            await act(
                "QueuePause",
                Interface=NIGHT_AGENT,
                Queue="night",
                Paused="true" if paused else "false",
            )

    async def _burst(self) -> None:
        """Call a queue that takes two, four at a time."""
        plan = Plan(queue="small", kind=Kind.HANG_UP, patience_s=2.5)
        for _ in range(4):
            await self.centre.place(plan)

    async def _heard(self) -> None:
        """While callmon listens, do what only a listener can tell."""
        await self.sleep(HEARD_AFTER_S)
        await self.centre.place(Plan(queue="support", kind=Kind.BE_MOVED, patience_s=1))
        await self.centre.place(
            Plan(queue="asked", kind=Kind.HANG_UP_EARLY, patience_s=15, talk_s=0.7)
        )
        await self._burst()
        await self.sleep(HEARD_FOR_S)

    # ---- bad luck ----------------------------------------------------------------

    async def _cut(self, down_s: float, *, inside: bool = False) -> None:
        if self.wire is not None:
            self.note("cut", inside=inside, down_s=down_s)
            await self.wire.cut(down_s, inside=inside)

    async def _hold_still(self) -> None:
        """Come to a moment at which it is certain who waits and who talks."""
        self._simple = True
        await self.sleep(SIMPLE_S)
        waiting = Plan(queue="small", kind=Kind.HANG_UP, patience_s=60)
        for plan in (waiting, waiting, dataclasses.replace(waiting, queue="sales")):
            await self.centre.place(plan)
        await self.sleep(1)
        self.centre.acting.clear()
        await self.sleep(CALM_S)

    async def _end(self, how: str, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """End the server under its callers, and start it again."""
        await self._hold_still()
        self.note(
            how,
            waiting=sum(call.is_waiting for call in self.centre.open_calls),
            open=len(self.centre.open_calls),
            watched=self.wire is not None and self.wire.is_up,
        )
        self.centre.cut_off(how)
        await end()
        await self.sleep(1)
        await self._server.start()
        self.note("started")
        self.centre.acting.set()
        self._simple = False

    async def _stop_now(self) -> None:
        await self._server.stop("now")

    async def _stop_gracefully(self) -> None:
        """New calls are refused; those there are wait for an agent in vain and give up."""
        self._placing.clear()
        await self.sleep(1)
        self.note("gracefully", open=len(self.centre.open_calls))
        await self._server.stop("gracefully")
        await self.sleep(1)
        await self._server.start()
        self.note("started")
        self._placing.set()

    async def _rotate(self) -> None:
        self.note("rotate")
        await self._server.command("logger rotate")

    async def _restart_callmon(self, how: signal.Signals) -> None:
        if self.callmon is not None:
            self.note("callmon", signal=how.name)
            await asyncio.to_thread(self.callmon.end, how)
            await self.sleep(2)
            await self.callmon.start()
            self.note("callmon is ready")

    async def _bad_luck(self) -> None:
        """Do everything; ten cuts, of which three fall inside what is being sent."""

        async def wait(seconds: float) -> None:
            await self.sleep(seconds * self._arguments.pace)

        await wait(4)
        await self._burst()
        await wait(2)
        await self._cut(0.2)
        await wait(6)
        await self._cut(1, inside=True)
        await wait(5)
        await self._rotate()
        await wait(3)
        await self._cut(2)
        await wait(5)
        await self._stop_gracefully()
        await wait(4)
        await self._burst()
        await wait(2)
        await self._cut(0.2)
        await wait(4)
        await self._restart_callmon(signal.SIGKILL)
        await wait(5)
        await self._cut(3)
        await wait(5)
        await self._end("now", self._stop_now)
        await wait(5)
        await self._cut(0.5, inside=True)
        await wait(5)
        await self._rotate()
        await self._cut(1)
        await wait(4)
        await self._burst()
        await wait(2)
        await self._restart_callmon(signal.SIGTERM)
        await self._heard()
        await self._cut(0.2)
        await wait(6)
        await self._end("kill", self._server.kill)
        await wait(6)
        await self._cut(1, inside=True)
        await wait(4)
        await self._burst()
        await wait(2)
        await self._cut(0.5)

    # ---- all of it ---------------------------------------------------------------

    async def run(self) -> None:
        """Do it all and write the report."""
        arguments, folder = self._arguments, self._arguments.folder
        version = await self._server.install(stamps=arguments.stamps, rotate=arguments.rotate)
        async with (
            served(self.centre.play, AGI_PORT),
            wired(WIRE_PORT, PORT, self._clock) as wire,
        ):
            await self._server.start()
            if arguments.callmon:
                self.wire = wire
                self.callmon = Program(self._write_config(folder), HTTP_PORT)
                await self.callmon.start()
            self.note("began")
            self._placing.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._traffic())
                group.create_task(self._night())
                await self._bad_luck()
                while len(self.centre.calls) < arguments.calls:
                    await self.sleep(0.5)
                self._over = True
                self._placing.set()
            await self._drain()
            page = await self._settled() if self.callmon else ""
            (folder / "metrics.txt").write_text(page)
            if self.callmon:
                await asyncio.to_thread(self.callmon.end)
            await self._server.stop("now")
        self._write_report(folder / "report.json", version, wire)

    def _write_config(self, folder: Path) -> Path:
        (folder / "thresholds.yml").write_text("thresholds: []\n")
        path = folder / "callmon.yml"
        path.write_text(
            CONFIG.format(
                folder=folder,
                http=HTTP_PORT,
                log=self._server.log,
                secret=SECRET,
                wire=WIRE_PORT,
            )
        )
        return path

    async def _drain(self) -> None:
        """Wait until all calls are over."""
        async with asyncio.timeout(DRAIN_TIMEOUT_S):
            while self.centre.open_calls:
                await self.sleep(0.2)
        self.note("drained")

    async def _settled(self) -> str:
        """Return callmon's figures when they have not changed for a while."""
        assert self.callmon is not None
        last: list[str] = []
        page, since, ends = "", self.centre.now, self.centre.now + SETTLE_TIMEOUT_S
        while self.centre.now < min(since + SETTLED_S, ends):
            await self.sleep(1)
            page = (await get(f"{self.callmon.url}/metrics"))[1]
            counts = [each for each in page.splitlines() if each.startswith(COUNTED)]
            if counts != last:
                last, since = counts, self.centre.now
        return page

    def _write_report(self, path: Path, version: str, wire: Wire) -> None:
        calls = []
        for call in self.centre.calls.values():
            facts = {
                field.name: getattr(call, field.name)
                for field in dataclasses.fields(call)
                if field.name not in {"plan", "taken"}
            }
            calls.append(
                facts | {"queue": call.plan.queue, "kind": call.plan.kind} | {"taken": None}
            )
        report = {
            "version": version,
            "events": self.events,
            "cuts": wire.cuts,
            "sessions": wire.sessions,
            "calls": calls,
        }
        path.write_text(json.dumps(report, indent=1))


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--rotate", default="rotate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stamps", action="store_true")
    parser.add_argument("--callmon", action="store_true")
    arguments = parser.parse_args()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    asyncio.run(Scenario(arguments, SystemClock()).run())


if __name__ == "__main__":
    main()
