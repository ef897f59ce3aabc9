"""Reading one file of a queue_log, piece by piece, with a checkpoint after each.

Everything here blocks on the disk: callers run it in a thread.
"""

from dataclasses import dataclass, field

from callmon.clock import Micros
from callmon.decode.queue_log import MAX_LINE_BYTES, Drops, QueueLogDecoder
from callmon.events import Event
from callmon.feeds.log_file import HEAD_BYTES, TAIL_BYTES, Checkpoint, digest, line_start
from callmon.feeds.log_folder import Place

__all__ = ["Batch", "LogCursor", "RewoundError"]

READ_BYTES = 256 * 1024
"""Where only the speed of reading counts."""


class RewoundError(Exception):
    """The file no longer has before our place what it had: it was truncated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one read has brought."""

    events: list[Event]
    lines: int
    """Lines completed, whether they gave an event or not."""
    drops: Drops = field(default_factory=Drops)
    position: Checkpoint
    """Where to go on once the events are taken."""
    done: int
    """Bytes of the file, as it is stored, that have been read."""


class LogCursor:
    """Reads on in one file from a place in it."""

    def __init__(
        self, place: Place, decoder: QueueLogDecoder, read_bytes: int = READ_BYTES
    ) -> None:
        self.file = place.file
        self._read_bytes = read_bytes
        self._newer_than = place.newer_than
        self._decoder = decoder
        start, previous = line_start(self.file, place.offset, MAX_LINE_BYTES)
        # No log grows by a byte per microsecond: files begun later have higher places.
        decoder.begin(start, previous, self.file.first_at() or 0)
        count = min(TAIL_BYTES, start)
        self._recent = self.file.read_at(start - count, count)
        self._tail = self._recent
        self._head = self.file.read_at(0, min(HEAD_BYTES, start))
        self._at: Micros = 0

    def close(self) -> None:
        """Let the file go."""
        self.file.close()

    def read(self, end: int | None = None) -> Batch | None:
        """Read on, no further than *end*; None where there is nothing more for now.

        Raises:
            RewoundError: the file was truncated; ``checkpoint`` still says where we were.
            OSError: reading failed.
        """
        position = self._decoder.position
        count = self._read_bytes if end is None else min(self._read_bytes, end - position)
        # Read what was read last once more: a file that was truncated and has grown
        # beyond our place again looks whole otherwise. Compressed files never change.
        guard = b"" if self.file.compressed else self._recent[-TAIL_BYTES:]
        data = self.file.read_at(position - len(guard), len(guard) + count)
        if not data.startswith(guard):
            raise RewoundError
        data = data[len(guard) :]
        return self._take(data) if data else None

    def checkpoint(self) -> Checkpoint:
        """Return the place before the first line that is not complete."""
        return Checkpoint(
            device=self.file.device,
            inode=self.file.inode,
            head_bytes=len(self._head),
            head=digest(self._head),
            tail=digest(self._tail),
            offset=self._decoder.offset,
            at=self._at,
        )

    def finish(self) -> Batch | None:
        """Give up the half line at the end of a file that will not grow; count it."""
        self._decoder.cut()
        return self._batch([], 0) if self._decoder.drops else None

    def _take(self, data: bytes) -> Batch:
        decoder = self._decoder
        lines, offset = decoder.lines, decoder.offset
        events = decoder.decode(data)
        if self._newer_than >= 0:
            events = [event for event in events if event.at > self._newer_than]
        self._remember(data, moved=decoder.offset > offset)
        return self._batch(events, decoder.lines - lines)

    def _batch(self, events: list[Event], lines: int) -> Batch:
        decoder = self._decoder
        drops, decoder.drops = decoder.drops, Drops()
        return Batch(
            events=events,
            lines=lines,
            drops=drops,
            position=self.checkpoint(),
            done=self.file.stored_position() if self.file.compressed else decoder.position,
        )

    def _remember(self, data: bytes, *, moved: bool) -> None:
        """Keep what the next read and the next checkpoint need of what was read."""
        if len(self._head) < HEAD_BYTES:
            self._head = (self._head + data)[:HEAD_BYTES]
        known = self._recent + data
        half = self._decoder.position - self._decoder.offset
        if moved:
            end = len(known) - half
            self._tail = known[max(0, end - TAIL_BYTES) : end]
            self._at = self._decoder.at or self._at
        self._recent = known[-(TAIL_BYTES + min(half, MAX_LINE_BYTES)) :]
