"""The feed around the tail: what it tells callmon, and when."""

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callmon.clock import SECOND, Micros
from callmon.errors import FeedError
from callmon.events import ContactJoined, Event
from callmon.feeds import queue_log
from callmon.feeds.base import FeedContext, Position
from callmon.feeds.log_cursor import Batch
from callmon.feeds.queue_log import QueueLogFeed
from callmon.feeds.settings import QueueLogSettings
from callmon.feeds.tail import GRACE, Tail
from callmon.testing import ManualClock
from tests.feeds.log_site import Site

pytestmark = pytest.mark.anyio


class Desk:
    """Takes what a feed says, in the place of the app."""

    def __init__(self, path: Path, resume: Position | None = None) -> None:
        self.clock = ManualClock()
        self.seen: list[int] = []
        self.said: list[tuple[bool, str]] = []
        self.drops: dict[tuple[str, str], int] = {}
        self.gaps: list[tuple[Micros, str]] = []
        self.position: Position | None = None
        self.stretches: list[int] = []
        self.feed = QueueLogFeed(
            QueueLogSettings(name="log", source="pbx", path=path, poll=SECOND),
            self.context(resume),
        )

    def context(self, resume: Position | None) -> FeedContext:
        """Return what the app would give to the feed."""
        return FeedContext(
            clock=self.clock,
            emit=self._emit,
            up=lambda up, reason: self.said.append((up, reason)),
            count_drop=self._count,
            gap=lambda length, reason: self.gaps.append((length, reason)),
            current=lambda _looked_at: self.stretches.append(len(self.seen)),
            resume=resume,
        )

    def _emit(
        self, events: Sequence[Event], position: Position | None = None, **_more: object
    ) -> None:
        self.seen += [
            int(event.contact) for event in events if isinstance(event, ContactJoined)
        ]
        self.position = position

    def _count(self, stage: str, reason: str, count: int = 1) -> None:
        self.drops[stage, reason] = self.drops.get((stage, reason), 0) + count

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the feed meanwhile."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.feed.run())
            await self.asleep()
            yield
            task.cancel()

    async def asleep(self) -> None:
        """Wait until the feed has read all there is: it then waits for the clock."""
        async with asyncio.timeout(30):
            while not self.clock._sleepers:
                await asyncio.to_thread(lambda: None)

    def pause(self) -> Micros:
        """Return how long the feed, asleep, will be so."""
        return self.clock._sleepers[0][0] - self.clock.now()

    async def after(self, delay: Micros) -> None:
        """Let time pass and the feed read."""
        await self.clock.advance(delay)
        await self.asleep()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a system that writes a log."""
    with Site(tmp_path) as site:
        yield site


async def test_it_says_that_it_sees_and_hands_on_what_it_reads(site: Site) -> None:
    """Up at once, then events with a position that covers them."""
    site.call(2)
    desk = Desk(site.path)

    async with desk.running():
        assert [(True, f"{site.path}: is being read")] == desk.said
        assert [1, 2] == desk.seen
        site.call()
        await desk.after(SECOND)
        assert [1, 2, 3] == desk.seen

    assert desk.position is not None
    assert site.path.stat().st_size == desk.position["offset"]
    assert ("log", "pbx") == (desk.feed.name, desk.feed.source)


async def test_a_position_covers_whole_lines_only(site: Site) -> None:
    """Half a line alone is no progress: too little to know a file by."""
    site.half_call()
    desk = Desk(site.path)

    async with desk.running():
        assert desk.position is None


async def test_each_piece_has_its_position(site: Site) -> None:
    """Whenever the state is stored in a backlog, the position is that of its events."""
    site.call(5_000)
    desk = Desk(site.path)
    pieces: list[tuple[int, Position | None]] = []
    desk.feed._context = dataclasses.replace(
        desk.feed._context,
        emit=lambda events, position=None, **_: pieces.append((len(events), position)),
    )

    async with desk.running():
        pass

    assert 5_000 == sum(count for count, _ in pieces)
    assert 500 > max(count for count, _ in pieces)
    lines = site.path.read_bytes().splitlines(keepends=True)
    read = 0
    for count, position in pieces:
        assert position is not None
        read += count
        assert sum(map(len, lines[:read])) == position["offset"]


async def test_it_says_that_it_is_current_only_after_the_whole_backlog(site: Site) -> None:
    """In the middle of a backlog nobody must judge by what has been read so far."""
    site.call(5_000)
    desk = Desk(site.path)

    async with desk.running():
        assert [5_000] == desk.stretches


async def test_it_is_current_though_blind(tmp_path: Path) -> None:
    """A log that is not there does not keep the others waiting."""
    desk = Desk(tmp_path / "queue_log")

    async with desk.running():
        assert [0] == desk.stretches
        assert [False] == [up for up, _ in desk.said]


async def test_a_growing_file_is_looked_at_more_often(site: Site) -> None:
    """Five times a second while calls come in, and for ten seconds more; then once."""
    desk = Desk(site.path)

    async with desk.running():
        assert SECOND == desk.pause()
        site.call()
        await desk.after(SECOND)
        assert [1] == desk.seen
        waited = 0
        while desk.pause() < SECOND:
            waited += desk.pause()
            await desk.after(desk.pause())

        assert 10 * SECOND == waited


async def test_it_goes_on_where_another_has_stopped(site: Site) -> None:
    """With the stored position a new feed reads only what is new, over a rotation, too."""
    site.call(2)
    first = Desk(site.path)
    async with first.running():
        pass
    site.call()
    site.rotate()
    site.call()
    second = Desk(site.path, first.position)

    async with second.running():
        pass

    assert [1, 2] == first.seen
    assert [3, 4] == second.seen


async def test_a_second_run_goes_on_where_the_first_has_stopped(site: Site) -> None:
    """The supervisor may run the same feed again: nothing is read twice."""
    site.call(2)
    desk = Desk(site.path)
    async with desk.running():
        pass
    desk.clock = ManualClock()
    desk.feed._context = desk.context(None)
    site.call()

    async with desk.running():
        pass

    assert [1, 2, 3] == desk.seen


async def test_it_says_when_it_is_blind_and_when_it_sees_again(site: Site) -> None:
    """Down with the reason, once; up again when the file is back."""
    desk = Desk(site.path)

    async with desk.running():
        site.path.unlink()
        for _ in range(3):
            await desk.after(GRACE)
        site.reopen()
        await desk.after(SECOND)

        assert [
            (True, f"{site.path}: is being read"),
            (False, f"{site.path}: expected a log, found nothing there"),
            (True, f"{site.path}: is being read"),
        ] == desk.said


async def test_what_is_lost_is_counted_and_measured(site: Site) -> None:
    """Drops by stage and reason; a gap with its length and its cause."""
    site.call()
    desk = Desk(site.path)

    async with desk.running():
        site.write(b"nonsense\n")
        await desk.after(SECOND)
        assert {("decode", "missing_fields"): 1} == desk.drops
        site.path.write_bytes(b"")
        site.tick()
        site.call()
        await desk.after(SECOND)

        assert [1, 2] == desk.seen
        assert [f"{site.path}: was truncated"] == [reason for _, reason in desk.gaps]
        assert 0 < desk.gaps[0][0] <= SECOND


async def test_a_position_of_another_kind_ends_the_feed(site: Site) -> None:
    """It is an error of the installation: trying again would not help."""
    desk = Desk(site.path, {"version": 99})

    with pytest.raises(FeedError, match="checkpoint: expected version 1") as raised:
        await desk.feed.run()

    assert not raised.value.retry


async def test_a_disk_that_hangs_makes_it_blind(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that does not come back is told; when it does, all is well again."""
    site.call()
    desk = Desk(site.path)
    answer = threading.Event()
    step = Tail.step

    def hang(tail: Tail, now: Micros) -> list[Batch]:
        answer.wait()
        return step(tail, now)

    monkeypatch.setattr(Tail, "step", hang)
    monkeypatch.setattr(queue_log, "READ_TIMEOUT_S", 0.01)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(desk.feed.run())
        while not desk.said:
            await asyncio.to_thread(lambda: None)
        monkeypatch.setattr(queue_log, "READ_TIMEOUT_S", 60)  # the machine may be slow, too
        answer.set()
        await desk.asleep()
        task.cancel()

    silent = f"{site.path}: the disk has not answered for a long time"
    assert [(False, silent), (True, f"{site.path}: is being read")] == desk.said
    assert [1] == desk.seen
