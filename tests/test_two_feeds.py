"""The whole daemon with an Asterisk's queue_log and its manager interface at once."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callmon.clock import SECOND, Micros, next_turn
from callmon.queues import SubjectState
from callmon.rules import SubjectKind
from tests.acceptance.driver import (
    CONFIG,
    Daemon,
    LeapingClock,
    LogWriter,
    write_config,
)
from tests.feeds.ami_peer import SECRET, Pbx, caller
from tests.sites import outcomes

pytestmark = pytest.mark.anyio

START: Micros = 1_795_400_000 * SECOND

TURNS = 30
"""Of the loop: enough for what was written to a socket to be read."""

LOG = "  log: {{type: queue_log, path: {folder}/queue_log, source: pbx}}\n"


def config(*, log: bool = True, live: int = 0) -> str:
    """Return callmon.yml with the one feed, the other on port *live*, or both."""
    ami = f"asterisk_ami, source: pbx, port: {live}, username: callmon, secret: {SECRET}"
    feeds = LOG * log + (f"  live: {{{{type: {ami}}}}}\n" if live else "")
    return CONFIG.replace(LOG, feeds)


class Site:
    """A PBX whose callers both feeds tell of, and the daemon that listens."""

    def __init__(self, folder: Path, clock: LeapingClock, log: LogWriter, pbx: Pbx) -> None:
        self.folder = folder
        self.log = log
        self.pbx = pbx
        self.clock = clock
        self.daemon = Daemon(folder / "callmon.yml", clock)
        self._since: dict[int, Micros] = {}

    def configure(self, *, log: bool = True, live: bool = True) -> None:
        """Write callmon.yml with either feed or both."""
        self.daemon.sleepers = Daemon.SLEEPERS - 1 + log + live
        text = config(log=log, live=self.pbx.port if live else 0)
        write_config(self.folder, text=text, thresholds="thresholds: []\n")

    def join(self, number: int) -> None:
        """Let a caller begin to wait."""
        self.pbx.queues.setdefault("sales", {})[f"1700000000.{number}"] = 0
        self._since[number] = self.clock.now()
        self._hear("QueueCallerJoin", number)
        self._write(number, "ENTERQUEUE|||1")

    def time_out(self, number: int) -> None:
        """Let a caller leave the queue for another place in the dialplan."""
        wait = self._leave(number)
        self._hear("QueueCallerLeave", number)
        self._hear("VarSet", number, Variable="QUEUESTATUS", Value="TIMEOUT")
        self._write(number, f"EXITWITHTIMEOUT|1|1|{wait}")

    def connect(self, number: int) -> None:
        """Let an agent take a caller."""
        wait = self._leave(number)
        self._hear("QueueCallerLeave", number)
        agent = {"Interface": "PJSIP/7", "MemberName": "Ann", "HoldTime": str(wait)}
        phone = {"DestUniqueid": f"{number}-leg", "DestChannel": f"PJSIP/7-{number}"}
        self._hear("AgentConnect", number, **agent, **phone)
        self._since[number] = self.clock.now()
        self._write(number, f"CONNECT|{wait}|{number}-leg|1")

    def hang_up(self, number: int) -> None:
        """Let a talk end."""
        talk = (self.clock.now() - self._since[number]) // SECOND
        agent = {"Interface": "PJSIP/7", "MemberName": "Ann", "TalkTime": str(talk)}
        phone = {"DestUniqueid": f"{number}-leg", "DestChannel": f"PJSIP/7-{number}"}
        self._hear("AgentComplete", number, **agent, **phone, HoldTime="1", Reason="caller")
        self._write(number, f"COMPLETECALLER|1|{talk}|1")

    def _leave(self, number: int) -> int:
        self.pbx.queues["sales"].pop(f"1700000000.{number}")
        return (self.clock.now() - self._since[number]) // SECOND

    def _hear(self, event: str, number: int, **fields: str) -> None:
        with contextlib.suppress(IndexError):  # nobody is connected
            self.pbx.event(event, **caller(number), **fields)

    def _write(self, number: int, what: str) -> None:
        at = self.clock.now() // SECOND
        self.log.write([f"{at}|1700000000.{number}|sales|NONE|{what}"])

    @property
    def sales(self) -> SubjectState:
        """The queue."""
        assert self.daemon.app is not None
        return self.daemon.app.monitor.engine.subjects[SubjectKind.QUEUE, "sales"]

    def is_up(self, feed: str) -> bool:
        """Tell whether a feed sees."""
        assert self.daemon.app is not None
        feeds = self.daemon.app.monitor.feeds
        return feed in feeds and feeds[feed].up

    def age(self) -> None:
        """Let the PBX know how long everybody has waited."""
        waiting = self.pbx.queues["sales"]
        for contact in waiting:
            since = self._since[int(contact.rpartition(".")[2])]
            waiting[contact] = (self.clock.now() - since) // SECOND

    async def later(self, seconds: float) -> None:
        """Let time pass and everything that was written be read."""
        end = self.clock.now() + round(seconds * SECOND)
        while self.clock.now() < end:
            await self.daemon.leap(min(end, self.clock.now() + SECOND // 2))
            self.age()
            for _ in range(TURNS):
                await next_turn()

    def figures(self) -> dict[str, int]:
        """Return gauges and counters."""
        sales = self.sales
        return {
            "arrived": sales.arrived,
            "waiting": len(sales.starts),
            "talking": sales.talking,
            "unsettled": sales.unsettled,
            "corrected": sum(sales.corrected.values()),
            **outcomes(sales),
        }


@contextlib.asynccontextmanager
async def site_of(folder: Path, *, log: bool = True, live: bool = True) -> AsyncIterator[Site]:
    """Run a daemon that has heard its feeds."""
    clock = LeapingClock(START)
    async with Pbx(clock) as pbx:  # type: ignore[arg-type]  # it only asks what time it is
        with LogWriter(folder / "queue_log") as writer:
            site = Site(folder, clock, writer, pbx)
            pbx.queues["sales"] = {}
            site.configure(log=log, live=live)
            async with site.daemon:
                if live:
                    await up(site)
                yield site


async def up(site: Site) -> None:
    """Wait until the manager interface is heard."""
    for _ in range(400):
        if site.is_up("live"):
            return
        await site.later(0.1)
    pytest.fail("the manager interface is not heard")


async def test_both_feeds_count_every_call_once(tmp_path: Path) -> None:
    """Whoever tells first, each caller is one."""
    async with site_of(tmp_path) as site:
        for number in (1, 2, 3):
            site.join(number)
        await site.later(2)
        assert 3 == len(site.sales.starts)
        site.connect(1)
        site.time_out(2)
        await site.later(8)
        assert {"answered": 1, "timeout": 1} == outcomes(site.sales)
        site.hang_up(1)
        await site.later(2)
        assert {
            "arrived": 3,
            "waiting": 1,
            "talking": 0,
            "unsettled": 0,
            "corrected": 0,
            "answered": 1,
            "timeout": 1,
        } == site.figures()


@pytest.mark.parametrize("kill", [False, True])
async def test_a_restart_loses_and_doubles_nobody(tmp_path: Path, *, kill: bool) -> None:
    """Who came, left, and hung up while the daemon was away counts once, and so do others."""
    async with site_of(tmp_path) as site:
        for number in (1, 2, 3, 4, 5):
            site.join(number)
        await site.later(2)
        site.connect(1)
        site.connect(2)
        await site.later(16)
        site.time_out(3)
        await site.later(0.5)
        await (site.daemon.kill() if kill else site.daemon.stop())
        site.pbx.cut()
        await site.clock.leap(site.clock.now() + 3 * SECOND, 0)
        site.time_out(4)
        site.hang_up(1)
        site.join(6)
        await site.clock.leap(site.clock.now() + 3 * SECOND, 0)
        site.age()
        await site.daemon.start()
        await up(site)
        site.hang_up(2)
        await site.later(12)
        assert {
            "arrived": 6,
            "waiting": 2,
            "talking": 0,
            "unsettled": 0,
            "corrected": 0,
            "answered": 2,
            "timeout": 2,
        } == site.figures()


async def test_a_restart_with_ami_alone_finds_who_has_left(tmp_path: Path) -> None:
    """Who left meanwhile is lost, who waits goes on, who came is taken in."""
    async with site_of(tmp_path, log=False) as site:
        for number in (1, 2):
            site.join(number)
        await site.later(5)
        await site.daemon.stop()
        site.pbx.cut()
        await site.clock.leap(site.clock.now() + 10 * SECOND, 0)
        site.time_out(1)
        site.age()
        await site.daemon.start()
        await up(site)
        await site.later(12)
        site.time_out(2)
        await site.later(12)
        assert {
            "arrived": 2,
            "waiting": 0,
            "talking": 0,
            "unsettled": 0,
            "corrected": 0,
            "timeout": 1,
            "lost": 1,
        } == site.figures()


async def test_ami_comes_and_goes_with_a_reload(tmp_path: Path) -> None:
    """A second feed, added or taken away, counts nobody twice and forgets nobody."""
    async with site_of(tmp_path, live=False) as site:
        for number in (1, 2, 3):
            site.join(number)
        await site.later(2)
        site.connect(1)
        await site.later(2)
        site.configure()
        assert () == await site.daemon.reload()
        await up(site)
        site.hang_up(1)
        site.time_out(2)
        site.join(4)
        await site.later(3)
        site.configure(live=False)
        assert () == await site.daemon.reload()
        site.time_out(3)
        await site.later(12)
        assert {
            "arrived": 4,
            "waiting": 1,
            "talking": 0,
            "unsettled": 0,
            "corrected": 0,
            "answered": 1,
            "timeout": 2,
        } == site.figures()


async def test_a_restart_without_ami_counts_what_was_not_settled(tmp_path: Path) -> None:
    """Who left just before, and who was in the record of neither, counts once."""
    async with site_of(tmp_path) as site:
        for number in (1, 2):
            site.join(number)
        await site.later(2)
        site.time_out(1)
        await site.later(1)
        await site.daemon.stop()
        site.configure(live=False)
        await site.daemon.start()
        site.time_out(2)
        await site.later(12)
        assert {
            "arrived": 2,
            "waiting": 0,
            "talking": 0,
            "unsettled": 0,
            "corrected": 0,
            "timeout": 2,
        } == site.figures()
