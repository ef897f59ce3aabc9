"""A telephone system that writes and rotates a queue_log, and a reader that follows it."""

import gzip
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from callmon.clock import SECOND
from callmon.events import ContactJoined
from callmon.feeds.log_cursor import Batch
from callmon.feeds.log_file import Checkpoint
from callmon.feeds.settings import FirstRun, QueueLogSettings
from callmon.feeds.tail import GRACE, Tail

START = 1_795_338_583


class Site:
    """Writes numbered calls, one line each, and rotates as Asterisk and logrotate do.

    Several lines may share a second; two files of a log do not begin in the same one, for
    then they begin with the same line. Its time stands in the files' change times, too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "queue_log"
        self.time = START
        self.calls = 0
        self._writes = 0
        self._half = b""
        self._files = ExitStack()
        self._out = self._files.enter_context(self.path.open("ab", buffering=0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def write(self, data: bytes) -> None:
        """Append raw bytes."""
        self._out.write(data)
        self._writes += 1
        now_ns = self.time * 10**9 + self._writes
        os.utime(self._out.fileno(), ns=(now_ns, now_ns))

    def line(self) -> bytes:
        """Return the line of one more call."""
        self.calls += 1
        return f"{self.time}|{self.calls}|sales|NONE|ENTERQUEUE|||1\n".encode()

    def tick(self) -> None:
        """Let a second pass."""
        self.time += 1

    def call(self, count: int = 1) -> None:
        """Log that *count* callers joined; a begun line is ended first."""
        self.end_half()
        for _ in range(count):
            self.write(self.line())

    def half_call(self) -> None:
        """Log half a line."""
        if not self._half:
            line = self.line()
            self._half = line[20:]
            self.write(line[:20])

    def end_half(self) -> None:
        """Log the other half."""
        half, self._half = self._half, b""
        if half:
            self.write(half)

    def reopen(self) -> None:
        """Open the path anew, as ``logger reload`` does, and begin with a line."""
        self.end_half()
        self._files.close()
        self._out = self._files.enter_context(self.path.open("ab", buffering=0))
        self.time += 1
        self.write(f"{self.time}|NONE|NONE|NONE|CONFIGRELOAD|\n".encode())

    def move(self, name: str) -> Path:
        """Rename the log; it is still written to."""
        return self.path.rename(self.folder / name)

    def rotate(self) -> None:
        """Rotate as ``rotatestrategy=rotate``: .0 is the newest, the others move up."""
        taken = [
            (int(path.name.split(".")[1]), path) for path in self.folder.glob("queue_log.*")
        ]
        for number, path in sorted(taken, reverse=True):
            if number < START:
                suffix = ".gz" * (path.suffix == ".gz")
                path.rename(self.folder / f"queue_log.{number + 1}{suffix}")
        self.move("queue_log.0")
        self.reopen()

    def rotate_sequential(self) -> None:
        """Rotate as ``rotatestrategy=sequential``: the highest number is the newest."""
        taken = [int(path.name.split(".")[1]) for path in self.folder.glob("queue_log.*")]
        highest = max((number for number in taken if number < START), default=-1)
        self.move(f"queue_log.{highest + 1}")
        self.reopen()

    def rotate_timestamp(self) -> None:
        """Rotate as ``rotatestrategy=timestamp``."""
        self.time += 1
        self.move(f"queue_log.{self.time}")
        self.reopen()

    def copy_truncate(self) -> None:
        """Rotate as logrotate's ``copytruncate``; half a line would be torn for good."""
        self.end_half()
        self.time += 1
        shutil.copy2(self.path, self.folder / f"queue_log.{self.time}")
        os.truncate(self.path, 0)

    def compress(self) -> None:
        """Compress all rotated files, as logrotate does later."""
        for path in self.folder.glob("queue_log.*"):
            if (
                path.suffix != ".gz"
                and path.stat().st_ino != os.fstat(self._out.fileno()).st_ino
            ):
                packed = path.with_name(path.name + ".gz")
                with path.open("rb") as plain, gzip.open(packed, "wb") as out:
                    shutil.copyfileobj(plain, out)
                times = path.stat()
                os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))
                path.unlink()


class Reader:
    """Follows the log of a site, notes the calls it sees and survives being restarted."""

    def __init__(self, path: Path, *, first_run: FirstRun = FirstRun.HISTORY) -> None:
        self.settings = QueueLogSettings(
            name="log", source="pbx", path=path, first_run=first_run
        )
        self.seen: list[int] = []
        self.drops: dict[tuple[str, str], int] = {}
        self.gaps: list[float] = []
        self.position: Checkpoint | None = None
        self.now = 0
        self.tail = Tail(self.settings, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tail.close()

    def poll(self, *, after: int = SECOND) -> list[int]:
        """Read all there is, *after* this long; return the calls seen this time."""
        self.now += after
        before = len(self.seen)
        for batch in self._batches():
            self.seen += [
                int(event.contact) for event in batch.events if isinstance(event, ContactJoined)
            ]
            for key, count in batch.drops.items():
                self.drops[key] = self.drops.get(key, 0) + count
            if batch.lines:
                self.position = Checkpoint.from_position(batch.position.to_position())
        self.gaps += [gap.length / SECOND for gap in self.tail.gaps]
        self.tail.gaps.clear()
        return self.seen[before:]

    def _batches(self) -> Iterator[Batch]:
        while batches := self.tail.step(self.now):
            yield from batches

    def settle(self) -> list[int]:
        """Poll until every rotated file has been left."""
        before = len(self.seen)
        for _ in range(20):
            self.poll(after=GRACE)
        return self.seen[before:]

    def restart(self) -> None:
        """Stop without a word, and start again from the last stored position."""
        self.tail.close()
        self.tail = Tail(self.settings, self.position)

    @property
    def trouble(self) -> str:
        """Why it is blind, empty when it is not."""
        return str(self.tail.trouble or "")
