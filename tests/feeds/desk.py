"""Takes what a feed with a connection says, in the place of the app."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from callmon.clock import SECOND, Micros
from callmon.errors import FeedError
from callmon.events import Event
from callmon.feeds.base import Feed, Position
from callmon.testing import ManualClock

__all__ = ["FeedDesk", "passing", "until"]

F = TypeVar("F", bound=Feed)


class FeedDesk(Generic[F]):
    """What all desks remember, and how they run their feed."""

    feed: F

    def __init__(self, position: Position | None = None) -> None:
        self.events: list[Event] = []
        self.batches: list[int] = []  #: how many events at a time
        self.position = position
        self.said: list[tuple[bool, str]] = []
        self.drops: Counter[tuple[str, str]] = Counter()
        self.gaps: list[tuple[Micros, str]] = []
        self.accounts: list[tuple[str, ...]] = []
        self.current: list[int] = []  #: events known, each time that was all
        self.failure: FeedError | None = None

    def count(self, stage: str, reason: str, count: int = 1) -> None:
        """Count what the feed could not use."""
        self.drops[stage, reason] += count

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the feed once meanwhile; ``failure`` is how that ended, if by itself."""
        self.failure = None
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self._run())
            try:
                yield
            finally:
                task.cancel()

    @asynccontextmanager
    async def seeing(self) -> AsyncIterator[None]:
        """Run the feed, from the moment on at which it sees."""
        async with self.running():
            count = len(self.said)
            await until(lambda: len(self.said) > count or self.failure is not None)
            assert self.failure is None, self.failure
            yield

    async def failed(self) -> FeedError:
        """Wait for the failure."""
        await until(lambda: self.failure is not None)
        assert self.failure is not None
        return self.failure

    async def fails(self) -> FeedError:
        """Run the feed until it fails."""
        async with self.running():
            return await self.failed()

    async def _run(self) -> None:
        try:
            await self.feed.run()
        except FeedError as error:
            self.failure = error


async def until(condition: Callable[[], object]) -> None:
    """Return when *condition* holds; real sockets need real time, by no clock of ours."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.to_thread(lambda: None)


async def passing(clock: ManualClock, length: Micros, step: Micros = SECOND) -> None:
    """Let time pass in steps, with what the other side answers in between."""
    for _ in range(length // step):
        await clock.advance(step)
        for _ in range(10):
            await asyncio.to_thread(lambda: None)
