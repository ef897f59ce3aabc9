"""Following a log over everything that rotation, people and disks do to it.

A state machine without a thread or a loop of its own: ``Tail.step`` looks once, reads once
and blocks on the disk meanwhile. The rules:

- What is being read stays open and is read to its end, whatever its name is by then:
  Asterisk goes on writing to a renamed file until it is told to reopen.
- It is left when it has been quiet for ``GRACE`` and a file begun after it has text.
- Files that came and went between two looks are found among the siblings and read first.
- A file whose text before our place has changed was truncated. The rest of the old text
  is looked for in a copy; then the file is read from its beginning.
"""

import os
import stat
import threading
from dataclasses import dataclass

from callmon.clock import SECOND, Micros
from callmon.decode.queue_log import QueueLogDecoder
from callmon.errors import FeedError, FeedReason
from callmon.feeds.log_cursor import Batch, LogCursor, RewoundError
from callmon.feeds.log_file import Checkpoint, close_log, open_log
from callmon.feeds.log_folder import LogFolder, Place
from callmon.feeds.settings import FirstRun, QueueLogSettings

__all__ = ["GRACE", "Gap", "Tail"]

GRACE: Micros = 3 * SECOND
"""How long a renamed file must have been quiet: network disks show its last lines late."""


READ_BYTES = 16 * 1024
"""Some 230 lines: about a millisecond of work for the event loop, and then a position.

Events and the position that covers them must come in one piece: a state that is stored
with half a piece in it would count that half again after a restart.
"""

STEP_READS = 16
"""Reads at a time: the way to a thread and back costs as much as a hundred lines."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines that were written in this length of time, if any, are lost."""

    length: Micros
    reason: str


class Tail:
    """The state of following one log. ``step`` and ``close`` may be called from any thread."""

    def __init__(
        self, settings: QueueLogSettings, resume: Checkpoint | None, since: Micros = 0
    ) -> None:
        self.trouble: FeedError | None = None
        """Why the log cannot be seen, None when it can."""
        self.gaps: list[Gap] = []
        """What was found to be lost; who reads it empties it."""
        self._path = settings.path
        self._first_run = settings.first_run
        self._empty = False
        self._since = since
        self._folder = LogFolder(settings.path)
        self._decoder = QueueLogDecoder(settings.source)
        self._resume = resume
        self._cursor: LogCursor | None = None
        self._present: tuple[int, int] | None = None
        self._predecessor = False
        self._quiet_since: Micros = 0
        self._gone_since: Micros | None = None
        self._end_at: Micros = 0
        self._damaged = False
        self._lost_since: Micros | None = None
        self._lost_reason = ""
        self._truncated: Gap | None = None
        self._lock = threading.Lock()

    @property
    def rotating(self) -> bool:
        """Whether the file being read is no longer the one at the path."""
        return self._cursor is not None and self._cursor.file.identity != self._present

    def step(self, now: Micros) -> list[Batch]:
        """Look, and read up to ``STEP_READS`` times; nothing new gives nothing.

        *now* is monotonic.
        """
        batches: list[Batch] = []
        with self._lock:
            self._look(now)
            try:
                while len(batches) < STEP_READS and (batch := self._read(now)) is not None:
                    batches.append(batch)
            except OSError as error:
                self._fail(error)
        return batches

    def close(self) -> None:
        """Let all files go."""
        with self._lock:
            self._leave()

    def _read(self, now: Micros) -> Batch | None:
        while (cursor := self._cursor or self._begin(now)) is not None:
            try:
                batch = None if self._damaged else cursor.read()
            except RewoundError:
                self._rewind(cursor, now)
                continue
            except OSError as error:
                if not self._predecessor:
                    raise
                # An old file that is damaged must not keep us from the present one.
                self._damaged = True
                self._lose(cursor.checkpoint().at, f"{cursor.file.path}: {error.strerror}")
                continue
            if batch is not None:
                self._quiet_since = now
                self._measure_gap(cursor)
                return batch
            self._end_at = now
            if not self._advance(cursor, now):
                return None
        return None

    def _look(self, now: Micros) -> None:
        """See what is at the path now, and whether it and its folder can be read."""
        self.trouble = None
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._gone_since = now if self._gone_since is None else self._gone_since
            self._present = None
            if self._cursor is None or now - self._gone_since >= GRACE:
                self._complain(FeedReason.MISSING, "found nothing there")
            return
        except OSError as error:
            self._present = None
            self._complain(_reason_of(error), f"found: {error.strerror}")
            return
        if self._gone_since is not None or self._present != (status.st_dev, status.st_ino):
            self._quiet_since = now
        self._gone_since = None
        self._present = status.st_dev, status.st_ino
        if not stat.S_ISREG(status.st_mode):
            self._complain(FeedReason.MISSING, "found something else, a folder perhaps")
        elif not os.access(self._path, os.R_OK, effective_ids=True):
            self._complain(FeedReason.DENIED, "found one that we may not read")
        elif not os.access(self._path.parent, os.R_OK | os.X_OK, effective_ids=True):
            self._complain(FeedReason.DENIED, "found it in a folder that we may not list")

    def _complain(self, reason: FeedReason, found: str) -> None:
        self.trouble = FeedError(reason, f"{self._path}: expected a log, {found}")

    def _fail(self, error: OSError) -> None:
        """Say why, and find our place anew as soon as that is possible."""
        self._complain(_reason_of(error), f"reading failed: {error.strerror}")
        if self._cursor is not None:
            self._resume = self._cursor.checkpoint()
            self._leave()

    def _barred(self) -> bool:
        """Whether there are files that we may not see: others would be taken for them."""
        return self.trouble is not None and self.trouble.reason is not FeedReason.MISSING

    def _begin(self, now: Micros) -> LogCursor | None:
        """Open the file where reading begins, None while there is none."""
        if self._barred():
            return None
        place = (
            self._first_place() if self._resume is None else self._folder.locate(self._resume)
        )
        if place is None:
            return None
        if place.lost_since is not None or place.newer_than >= 0:
            self._decoder.cut()
        truncated, self._truncated = self._truncated, None
        if place.lost_since is not None and truncated is not None:
            self.gaps.append(truncated)
        elif place.lost_since is not None:
            self._lose(place.lost_since, f"{self._path}: the file that was read last is gone")
        return self._enter(place, now)

    def _first_place(self) -> Place | None:
        if self._first_run is FirstRun.HISTORY:
            return self._folder.since(self._since)
        present = open_log(self._path)
        offset = 0 if self._empty or present is None else present.size()
        if present is None or not present.size():
            self._empty = True  # whatever comes now is new, from its first line on
            close_log(present)
            return None
        return Place(file=present, offset=offset)

    def _enter(self, place: Place, now: Micros) -> LogCursor:
        self._leave()
        try:
            self._cursor = LogCursor(place, self._decoder, READ_BYTES)
        except OSError:
            place.file.close()
            raise
        self._predecessor = place.file.identity != self._present
        self._damaged = False
        self._quiet_since = now
        return self._cursor

    def _leave(self) -> None:
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None

    def _advance(self, cursor: LogCursor, now: Micros) -> bool:
        """Go on in the next file, if the one at its end is done with."""
        if not self.rotating or self._barred():
            return False
        if not self._predecessor and now - self._quiet_since < GRACE:
            return False
        following = self._folder.successor(cursor.file, cursor.checkpoint())
        if following is None:
            return False
        if not following.offset:
            self._decoder.cut()
        self._enter(following, now)
        return True

    def _rewind(self, cursor: LogCursor, now: Micros) -> None:
        """Prepare to find our place in a copy of the old text, or to begin anew."""
        self._resume = cursor.checkpoint()
        self._leave()
        # The end had been reached a moment ago: no more than this can be missing.
        self._truncated = Gap(now - self._end_at, f"{self._path}: was truncated")

    def _lose(self, since: Micros, reason: str) -> None:
        """Note that lines are lost; how many seconds of them, the next line will tell."""
        self._lost_since = since
        self._lost_reason = reason

    def _measure_gap(self, cursor: LogCursor) -> None:
        if self._lost_since is None:
            return
        first = cursor.file.first_at()
        if first is not None:
            length = max(0, first - self._lost_since) if self._lost_since else 0
            self.gaps.append(Gap(length, self._lost_reason))
            self._lost_since = None


def _reason_of(error: OSError) -> FeedReason:
    return FeedReason.DENIED if isinstance(error, PermissionError) else FeedReason.LOST
