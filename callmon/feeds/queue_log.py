"""The feed ``queue_log``: Asterisk's own record of what happened in its queues.

The file is the most reliable source there is: it is complete, says how each caller left,
and can be read again. Rotation is ``callmon.feeds.tail``'s business, the meaning of lines
``callmon.decode.queue_log``'s.
"""

import asyncio
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from callmon.clock import SECOND, Micros, next_turn
from callmon.decode.queue_log import QueueLogDecoder
from callmon.errors import FeedError, FeedReason
from callmon.feeds.base import FeedContext, Position
from callmon.feeds.log_cursor import Batch, LogCursor, RewoundError
from callmon.feeds.log_file import Checkpoint, LogFile
from callmon.feeds.log_folder import LogFolder, Place
from callmon.feeds.settings import QueueLogSettings
from callmon.feeds.tail import Tail
from callmon.feeds.voice import Voice

__all__ = ["QueueLogFeed", "history", "in_order", "read_file", "stored_bytes"]

BUSY_POLL: Micros = SECOND // 5
"""How often a growing file is looked at."""

BUSY_FOR: Micros = 10 * SECOND
"""How long after its last line a file counts as growing."""

READ_TIMEOUT_S = 30.0
"""Longer than any disk takes: a network disk that hangs makes the feed blind."""

log = structlog.get_logger(__name__)


class QueueLogFeed:
    """Follows one queue_log. It copes with whatever happens to the file, and says so."""

    def __init__(self, settings: QueueLogSettings, context: FeedContext) -> None:
        self.name = settings.name
        self.source = settings.source
        self._settings = settings
        self._context = context
        self._position = context.resume
        self._read_at: Micros | None = None
        self._log = log.bind(feed=settings.name, path=str(settings.path))
        self._voice = Voice(context, self._log)

    async def run(self) -> None:
        """Follow the log until cancelled.

        Raises:
            FeedError: the stored position is none of this feed; trying again is of no use.
        """
        self._voice.begin()
        resume = Checkpoint.from_position(self._position) if self._position else None
        tail = Tail(self._settings, resume, self._context.since)
        try:
            while True:
                looked_at = self._context.clock.now()
                batches = await self._step(tail)
                self._report(tail)
                for batch in batches:
                    self._hand_on(batch)
                    await next_turn()
                    await self._context.room()
                if not batches:
                    self._context.current(looked_at)
                    await self._context.clock.sleep(self._context.pause(self._pause(tail)))
        finally:
            await asyncio.to_thread(tail.close)

    async def _step(self, tail: Tail) -> list[Batch]:
        now = self._context.clock.monotonic()
        step = asyncio.get_running_loop().run_in_executor(None, tail.step, now)
        done, _ = await asyncio.wait((step,), timeout=READ_TIMEOUT_S)
        if not done:
            # The thread cannot be stopped, only waited for; another one would hang, too.
            self._say(f"{self._settings.path}: the disk has not answered for a long time")
        return await step

    def _hand_on(self, batch: Batch) -> None:
        self._read_at = self._context.clock.monotonic()
        for (stage, reason), count in batch.drops.items():
            self._context.count_drop(stage, reason, count)
        if batch.lines:
            self._position = batch.position.to_position()
            self._context.emit(batch.events, self._position)

    def _pause(self, tail: Tail) -> Micros:
        busy = self._read_at is not None and (
            self._context.clock.monotonic() - self._read_at < BUSY_FOR
        )
        poll = self._settings.poll
        return min(poll, BUSY_POLL) if busy or tail.rotating else poll

    def _report(self, tail: Tail) -> None:
        """Say what has changed: seeing or blind, and what is lost for good."""
        self._say(str(tail.trouble) if tail.trouble is not None else "")
        for gap in tail.gaps:
            lost = f"{gap.reason}; up to {gap.length / SECOND:.0f} s of it are lost"
            self._log.error("feed.gap", error=lost)
            self._context.gap(gap.length, gap.reason)
        tail.gaps.clear()

    def _say(self, trouble: str) -> None:
        self._voice.say(trouble, f"{self._settings.path}: is being read")


def history(
    path: Path, source: str, *, since: Micros, until: Position | None = None
) -> Iterator[Batch]:
    """Read a log again, over its rotated files: what came at *since* or later, oldest first.

    Ends before *until*, where ``QueueLogFeed`` goes on, or at the end of the present file.
    Blocks on the disk.

    Raises:
        FeedError: *until* is no position of a queue_log.
        OSError: reading failed.
    """
    folder = LogFolder(path)
    stop = folder.locate(Checkpoint.from_position(until)) if until else None
    try:
        yield from _walk(folder, folder.since(since), stop, QueueLogDecoder(source))
    finally:
        if stop is not None:
            stop.file.close()


def _walk(
    folder: LogFolder, place: Place | None, stop: Place | None, decoder: QueueLogDecoder
) -> Iterator[Batch]:
    newer_than = place.newer_than if place is not None else -1
    while place is not None:
        if stop is not None and _beyond(place, stop):
            place.file.close()
            return
        last = stop is not None and place.file.identity == stop.file.identity
        cursor = LogCursor(place, decoder)
        try:
            yield from _batches(cursor, stop.offset if stop is not None and last else None)
            following = None if last else folder.successor(place.file, cursor.checkpoint())
        finally:
            cursor.close()
        place = None
        if following is not None:
            place = dataclasses.replace(following, newer_than=newer_than)


def _beyond(place: Place, stop: Place) -> bool:
    """Whether *place* is where *stop* is, or after it."""
    if place.file.identity == stop.file.identity:
        return place.offset >= stop.offset
    return place.file.facts().age > stop.file.facts().age


def _batches(cursor: LogCursor, end: int | None) -> Iterator[Batch]:
    try:
        while (batch := cursor.read(end)) is not None:
            yield batch
    except RewoundError:
        return  # truncated while being read again: what is gone cannot be read


def read_file(path: Path, source: str) -> Iterator[Batch]:
    """Read one whole file, plain or .gz, whatever else lies beside it. Blocks on the disk.

    Raises:
        FeedError: it cannot be opened, or it is damaged.
    """
    try:
        file = LogFile(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    with file:
        try:
            cursor = LogCursor(Place(file=file, offset=0), QueueLogDecoder(source))
            yield from _batches(cursor, None)
        except OSError as error:
            raise _unreadable(path, error) from error
        if (last := cursor.finish()) is not None:
            yield last


def in_order(paths: Sequence[Path]) -> list[Path]:
    """Return *paths* as their files were begun, by the first time stamp in each.

    Raises:
        FeedError: one cannot be opened, or it is damaged.
    """
    begun: dict[Path, Micros] = {}
    for path in paths:
        try:
            with LogFile(path) as file:
                begun[path] = file.first_at() or 0
        except OSError as error:
            raise _unreadable(path, error) from error
    return sorted(paths, key=lambda path: begun[path])


def stored_bytes(paths: Sequence[Path]) -> int:
    """Return how much there is to read, on the disk: ``Batch.done`` adds up to it."""
    return sum(path.stat().st_size for path in paths)


def _unreadable(path: Path, error: OSError) -> FeedError:
    reason = FeedReason.LOST
    if isinstance(error, FileNotFoundError):
        reason = FeedReason.MISSING
    elif isinstance(error, PermissionError):
        reason = FeedReason.DENIED
    return FeedError(
        reason, f"{path}: expected a log, plain or .gz; {error.strerror}", retry=False
    )
