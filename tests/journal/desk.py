"""What tests of the journal share: events, a quick pace, a count of what is told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from callmon.clock import SystemClock
from callmon.events import ContactJoined, Event
from callmon.journal import FeedInfo, Journal, Pace, Stored, TimePassed, Told

QUICK = Pace(gather_s=0.002, apart_s=0.0, retry_s=0.005, retry_most_s=0.02, patience_s=0.01)
"""Failures are tried again at once: tests wait for what happens, not for time."""


class Counts:
    """Keeps what the journal tells its metrics."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self.ups: list[bool] = []
        self.checkpoints: list[int] = []
        self.bytes = 0
        self.damaged_files = 0

    def committed(self, events: int, seconds: float) -> None:
        """Count a commit."""
        assert seconds >= 0.0
        self.total["commits"] += 1
        self.total["committed"] += events

    def failed(self, reason: str) -> None:
        """Count a failure."""
        self.total[f"failed {reason}"] += 1

    def given_up(self, events: int) -> None:
        """Count what was given up."""
        self.total["given up"] += events

    def waiting(self, events: int) -> None:
        """Note how many wait."""
        self.total["waiting"] = events

    def up(self, up: bool) -> None:
        """Note whether it can be written."""
        self.ups.append(up)

    def size(self, size: int) -> None:
        """Note the size."""
        self.bytes = size

    def damaged(self, files: int) -> None:
        """Note how many files were set aside."""
        self.damaged_files = files

    def checkpointed(self, at: int) -> None:
        """Note a checkpoint."""
        self.checkpoints.append(at)

    def duplicate(self, count: int) -> None:
        """Count ids that were there before."""
        self.total["duplicates"] += count


def joined(number: int) -> Event:
    """Return the event with a number of its own."""
    return ContactJoined(1_700_000_000_000_000 + number, "pbx", number, "客服", f"c{number}")


def numbers(told: Iterable[Told | TimePassed]) -> list[int]:
    """Return the numbers of events in what was told; a mark of time is its instant, less."""
    found: list[int] = []
    for part in told:
        if isinstance(part, TimePassed):
            found.append(-part.at)
        else:
            found += [event.seq for event in part.events if isinstance(event, ContactJoined)]
    return found


async def found(directory: Path) -> tuple[Stored, list[int]]:
    """Start on *directory* as the next callmon would; return all it finds."""
    desk = journal(directory)
    stored = await desk.start()
    told = await asyncio.to_thread(lambda: list(desk.later(stored)))
    await desk.close(30)
    return stored, numbers(told)


def info(name: str = "mq", *, live: bool = False) -> FeedInfo:
    """Return a feed."""
    return FeedInfo(name=name, type="mqtt", source="pbx", stream=f"broker/{name}", live=live)


def journal(directory: Path, counts: Counts | None = None, **options: int) -> Journal:
    """Return a journal that is quick to try again."""
    return Journal(directory, SystemClock(), counts or Counts(), pace=QUICK, **options)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to bring about."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # a thread sets no event of the loop
            await asyncio.sleep(0.001)  # noqa: TID251  # a thread lives in real time


async def durable(desk: Journal) -> None:
    """Wait until all that was handed over is on the disk."""
    done = asyncio.Event()
    desk.when_durable(done.set)
    async with asyncio.timeout(30):
        await done.wait()


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold the file as a person with ``sqlite3`` does who has begun a transaction."""
    import sqlite3  # noqa: PLC0415  # the tests' own way in

    connection = sqlite3.connect(directory / "journal.db", isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()
