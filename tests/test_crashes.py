"""Tests of random crashes: journal and engine together against one clean run.

A source sends every event at least once and forgets it when it is acknowledged. The daemon
is killed between any two steps, with whatever was not written; what was not acknowledged
comes again, in part in another order.
"""

import asyncio
import random
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Self

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.alert_history import AlertHistory
from callmon.clock import SECOND
from callmon.config import Config, load_config
from callmon.delivery import build_delivery
from callmon.engine import Engine
from callmon.events import ContactRefused, Event, RingNotAnswered
from callmon.journal import Journal
from callmon.keeping import Keeper
from callmon.monitor import FeedState, Monitor
from callmon.telemetry import Telemetry
from callmon.testing import ManualClock
from tests.acceptance.driver import write_config
from tests.sites import fingerprint, queue
from tests.stories import BASE, QUEUES, SOURCE, Visit, joined, left, stories, tell

FEED = "acd"
CONFIG = """\
thresholds: thresholds.yml
feeds:
  acd: {{type: queue_log, path: {folder}/unused, source: pbx}}
queues: {{sales: {{}}, support: {{}}}}
groups: {{everybody: {{queues: ["*"]}}}}
storage: {{directory: {folder}/state}}
logging: {{level: error}}
"""


class Incarnation:
    """The daemon between two crashes, without the feeds."""

    def __init__(self, config: Config, clock: ManualClock) -> None:
        telemetry = Telemetry("0")
        self._config = config
        self.journal = Journal(config.storage_directory, clock, telemetry.journal)
        self.monitor = Monitor(
            config.engine_settings(), clock, telemetry, lambda _: None, self.journal
        )
        history = AlertHistory(self.journal, clock, lambda _alert: None)
        self.keeper = Keeper(self.journal, self.monitor, telemetry, clock, history)
        self.sink = build_delivery(
            config,
            clock,
            telemetry,
            history,
            jitter=lambda: 0.0,
            facts=lambda _content: {},
            seen=lambda _content: True,
        ).sink
        self.dead = False
        self.feed: FeedState

    async def bring_back(self) -> Self:
        """Have the state of before, and read on: the present is not reached yet."""
        self.feed = self.monitor.add_feed(FEED, SOURCE)
        await self.keeper.bring_back(self._config, lambda: self.sink)
        return self

    async def start(self) -> Self:
        """Have the state of before."""
        await self.bring_back()
        self.monitor.up(self.feed, True, "")  # noqa: FBT003 - as feeds say it
        self.monitor.current(self.feed)
        self.monitor.begin()
        self.keeper.checkpoint()
        return self

    async def written(self) -> None:
        """Wait until all that was told is on the disk."""
        event = asyncio.Event()
        self.journal.when_durable(event.set)
        await event.wait()

    async def crash(self) -> None:
        """End as by SIGKILL: what was not written is gone."""
        self.dead = True
        handover = self.journal._handover
        with handover.changed:
            handover._load = handover._fresh()
        await self.journal.close(30)


class Sender:
    """The source: sends until it is acknowledged."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._left = dict(enumerate(events))
        self._sent: set[int] = set()
        self.acknowledged: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._left)

    def next(self, count: int, step: int) -> list[int]:
        """Return what to send next: of each contact in order, contacts as they come."""
        ready = [number for number in self._left if number not in self._sent][: count * step]
        contacts = list(dict.fromkeys(self.contact(number) for number in ready))
        turned = contacts[step - 1 :] + contacts[: step - 1]
        ready.sort(key=lambda number: (turned.index(self.contact(number)), number))
        chosen = ready[:count]
        self._sent |= set(chosen)
        return chosen

    def contact(self, number: int) -> tuple[str, str]:
        """Return whom an event is of."""
        event = self._left[number]
        return getattr(event, "queue", ""), getattr(event, "contact", "")

    def event(self, number: int) -> Event:
        """Return an event that is to be sent."""
        return self._left[number]

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """Forget what has arrived."""
        for number in numbers:
            if self._left.pop(number, None) is not None:
                self.acknowledged.append(number)

    def reconnect(self) -> None:
        """Send all again that was not acknowledged."""
        self._sent.clear()


async def live(data: st.DataObject, events: Sequence[Event], config: Config) -> Engine:
    """Let the daemon live through *events* and crashes; return its engine at the end."""
    # How much is left at the end is the thread's affair: Hypothesis is not to be asked by
    # then, nor where its answer may be an end that leaves a daemon behind.
    chance = random.Random(data.draw(st.integers(0, 99)))
    clock = ManualClock(BASE + 100 * SECOND)
    sender = Sender(events)
    daemon = await (await asyncio.to_thread(Incarnation, config, clock)).start()
    actions = st.sampled_from(["send", "send", "send", "write", "crash", "cut", "checkpoint"])
    async with AsyncExitStack() as stack:
        stack.push_async_callback(lambda: daemon.journal.close(30))
        for _ in range(data.draw(st.integers(0, 20))):
            match data.draw(actions):
                case "send":
                    count, step = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
                    send(sender, daemon, count, step, lost=data.draw(st.integers(0, 3)) == 0)
                case "write":
                    await daemon.written()
                case "checkpoint":
                    daemon.keeper.checkpoint(whole=data.draw(st.booleans()))
                case "cut":
                    sender.reconnect()
                case _:
                    await daemon.crash()
                    sender.reconnect()
                    daemon = await (await asyncio.to_thread(Incarnation, config, clock)).start()
            await asyncio.sleep(0)  # noqa: TID251 - acknowledgements come in the loop
        while sender:
            sender.reconnect()
            count, step = chance.randint(1, 4), chance.randint(1, 3)
            send(sender, daemon, count, step, lost=chance.randrange(4) == 0)
            await daemon.written()
        await daemon.crash()
        daemon = await (await asyncio.to_thread(Incarnation, config, clock)).start()
        return daemon.monitor.engine


def send(sender: Sender, daemon: Incarnation, count: int, step: int, *, lost: bool) -> None:
    """Send some events, to be acknowledged when they are safe; it may be *lost*."""
    numbers = sender.next(count, step)
    daemon.monitor.emit(
        daemon.feed,
        [sender.event(number) for number in numbers],
        {"seq": max(numbers, default=0)},
        ids=numbers,
        # The dead acknowledge nothing, and what the living send may be lost on its way.
        done=lambda: None if daemon.dead or lost else sender.acknowledge(numbers),
    )
    daemon.monitor.current(daemon.feed)


others = st.one_of(
    st.builds(
        RingNotAnswered,
        at=st.integers(BASE, BASE + 9),
        source=st.just(SOURCE),
        seq=st.just(0),
        queue=st.sampled_from(QUEUES),
        contact=st.just("rung"),
        ring=st.just(1),
        agent=st.just("x"),
    ),
    st.builds(
        ContactRefused,
        at=st.integers(BASE, BASE + 9),
        source=st.just(SOURCE),
        seq=st.just(0),
        queue=st.sampled_from(QUEUES),
        contact=st.just("refused"),
        reason=st.just("full"),
    ),
)
"""What no life cycle would tell to be a repetition."""


MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


@pytest.mark.timeout(300)
@settings(max_examples=60)
@given(st.data(), stories(size=8), st.lists(others, max_size=4))
def test_crashes_and_repetitions_leave_no_trace(
    data: st.DataObject, visits: list[Visit], more: list[Event]
) -> None:
    """Every event counts once, whatever came twice, late or was lost with the process."""
    events = sorted([*tell(visits), *more], key=lambda event: event.at)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        path = write_config(Path(folder), text=CONFIG, thresholds="thresholds: []\n")
        engine = anyio.run(live, data, events, load_config(path, {}))
        clean = Engine(engine.settings)
    clean.apply_all(events)
    clean.advance(engine.now)

    assert fingerprint(clean) == fingerprint(engine)


@pytest.mark.anyio
async def test_what_was_told_before_the_first_checkpoint_counts_once(tmp_path: Path) -> None:
    """Killed while it catches up for the first time, callmon knows what it was told."""
    path = write_config(tmp_path, text=CONFIG, thresholds="thresholds: []\n")
    config = await asyncio.to_thread(load_config, path, {})
    clock = ManualClock(BASE + 100 * SECOND)
    rung = RingNotAnswered(BASE + 5, SOURCE, 0, "sales", "rung", 1, "x")
    for _ in range(2):
        daemon = await (await asyncio.to_thread(Incarnation, config, clock)).bring_back()
        daemon.monitor.emit(daemon.feed, [rung], ids=[1])
        await daemon.written()
        await daemon.crash()

        assert 1 == queue(daemon.monitor.engine).rings


@pytest.mark.anyio
async def test_alerts_of_a_backlog_are_in_the_history(tmp_path: Path) -> None:
    """Also when the checkpoint in its midst knows nothing of them any more."""
    path = write_config(
        tmp_path,
        text=CONFIG,
        thresholds="thresholds:\n"
        "  - {name: long, measure: longest_wait, above: 60s, severity: warning}\n",
    )
    config = await asyncio.to_thread(load_config, path, {})
    clock = ManualClock(BASE)
    daemon = await (await asyncio.to_thread(Incarnation, config, clock)).start()
    clock.leap(1_000 * SECOND)
    gone = left(91 * SECOND, "a", wait=91 * SECOND, seq=2)
    later = joined(200 * SECOND, "b", seq=3)
    daemon.monitor.emit(daemon.feed, [joined(0, "a", seq=1), gone, later])
    daemon.keeper.checkpoint()
    await daemon.written()
    await daemon.crash()

    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as journal:
        rows = journal.execute("SELECT threshold, fired_at FROM alerts").fetchall()
    assert [("long", BASE + 60 * SECOND)] == rows
