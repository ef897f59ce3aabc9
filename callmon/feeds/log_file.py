"""One file of a log: how it is read, recognised and come back to.

A file is known by its content, not by its name, which rotation changes at will: by how it
starts, what stands before a place in it, and when its first line was written.
"""

import errno
import gzip
import hashlib
import os
import re
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from callmon.clock import SECOND, Micros
from callmon.errors import FeedError, FeedReason
from callmon.feeds.base import Position

__all__ = [
    "HEAD_BYTES",
    "SEARCH_BYTES",
    "TAIL_BYTES",
    "Checkpoint",
    "Facts",
    "LogFile",
    "close_log",
    "digest",
    "line_start",
    "open_log",
    "stamp_of",
]

HEAD_BYTES = 256
"""A file is recognised by this much of its beginning."""

TAIL_BYTES = 64
"""And a place in it by this much before it: more than the stamp and the call id of a line."""

SEARCH_BYTES = 64 * 1024
"""The first time stamp of a log must stand in here: eight lines of the greatest length."""

EMPTY_GZIP_BYTES = 18
"""Head and end of a gzip file: none is shorter, but one that has only been begun."""

VERSION = 1

_STAMP = re.compile(rb"(\d{9,10})\|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A place in a log, to be found again after any rotation.

    Device and inode alone do not suffice: device numbers change at a restart, inodes are
    used again, a compressed file has a new one.
    """

    device: int
    inode: int
    head_bytes: int
    """How much of the beginning ``head`` covers."""
    head: str
    tail: str
    """Of up to ``TAIL_BYTES`` before ``offset``."""
    offset: int
    """The beginning of the first line not yet used."""
    at: Micros
    """The time stamp of the last line before it, 0 when there was none."""

    def to_position(self) -> Position:
        """Return this as plain JSON."""
        return {
            "version": VERSION,
            "device": self.device,
            "inode": self.inode,
            "head_bytes": self.head_bytes,
            "head": self.head,
            "tail": self.tail,
            "offset": self.offset,
            "at": self.at,
        }

    @classmethod
    def from_position(cls, position: Position) -> Self:
        """Read what ``to_position`` has written.

        Raises:
            FeedError: this is none, or one of a newer callmon; nothing can be done here.
        """
        expected = {"device", "inode", "head_bytes", "head", "tail", "offset", "at"}
        if position.get("version") != VERSION or not expected <= position.keys():
            raise FeedError(
                FeedReason.LOST,
                f"checkpoint: expected version {VERSION} with {', '.join(sorted(expected))}, "
                f"found version {position.get('version')} with {', '.join(sorted(position))}",
                retry=False,
            )
        return cls(
            device=int(position["device"]),
            inode=int(position["inode"]),
            head_bytes=int(position["head_bytes"]),
            head=str(position["head"]),
            tail=str(position["tail"]),
            offset=int(position["offset"]),
            at=int(position["at"]),
        )


class LogFile:
    """One open file of a log, plain or compressed with gzip.

    Offsets are those of the plain text in either case. The file stays open, and the same,
    whatever happens to its name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Without O_NONBLOCK a named pipe in the log's place would hang us here for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        self.device, self.inode = status.st_dev, status.st_ino
        self.compressed = path.suffix == ".gz"
        self._descriptor = descriptor
        self._raw = os.fdopen(descriptor, "rb", buffering=0)
        self._unpacked = gzip.GzipFile(fileobj=self._raw) if self.compressed else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        if self._unpacked is not None:
            self._unpacked.close()
        self._raw.close()

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode, while it is open: nobody else can have them."""
        return self.device, self.inode

    def size(self) -> int:
        """Return how many bytes of text there are now."""
        size = os.fstat(self._descriptor).st_size
        if not self.compressed:
            return size
        # The last four bytes of a gzip file are the length of its text.
        ending = os.pread(self._descriptor, 4, size - 4) if size >= EMPTY_GZIP_BYTES else b""
        return int.from_bytes(ending, "little")

    def read_at(self, offset: int, count: int) -> bytes:
        """Return up to *count* bytes from *offset*; fewer, or none, at the end.

        Raises:
            OSError: reading failed; also for a damaged or unfinished compressed file.
        """
        if self._unpacked is None:
            return os.pread(self._descriptor, count, offset)
        try:
            self._unpacked.seek(offset)
            return self._unpacked.read(count)
        except (EOFError, zlib.error) as error:
            raise OSError(
                errno.EIO, f"is not a whole gzip file ({error})", str(self.path)
            ) from error

    def stored_position(self) -> int:
        """Return how many bytes of a compressed file have been read."""
        return self._raw.tell()

    def first_at(self) -> Micros | None:
        """Return the stamp of the first line that has one, None for a file without."""
        lines = self.read_at(0, SEARCH_BYTES).split(b"\n")[:-1]
        return next(filter(None, map(stamp_of, lines)), None)

    def holds(self, place: Checkpoint) -> bool:
        """Whether *place* is in this file: the same beginning, the same text before it."""
        if not place.head_bytes:
            return not place.offset and self.identity == (place.device, place.inode)
        if not self.starts_like(place):
            return False
        count = min(TAIL_BYTES, place.offset)
        return digest(self.read_at(place.offset - count, count)) == place.tail

    def starts_like(self, place: Checkpoint) -> bool:
        """Whether this file begins as the file of *place* did."""
        head = self.read_at(0, place.head_bytes)
        return bool(head) and digest(head) == place.head

    def facts(self) -> "Facts":
        """Return what tells this file from others."""
        return Facts(
            path=self.path,
            identity=self.identity,
            size=self.size(),
            changed_ns=os.fstat(self._descriptor).st_mtime_ns,
            compressed=self.compressed,
            head=self.read_at(0, HEAD_BYTES),
            first_at=self.first_at() or 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What tells one file of a log from the others, without keeping it open."""

    path: Path
    identity: tuple[int, int]
    size: int
    changed_ns: int
    compressed: bool
    head: bytes
    first_at: Micros
    """0 when no line has a time stamp."""

    @property
    def age(self) -> tuple[Micros, int]:
        """Order files as they were begun; two of one second by their last change."""
        return self.first_at, self.changed_ns

    def copies(self, other: "Facts") -> bool:
        """Whether all of this seems to be in *other*, too: a copy somebody has made."""
        # One that is still being compressed does not tell its true size.
        shorter = self.size <= other.size or self.compressed
        return shorter and other.head.startswith(self.head)


def open_log(path: Path) -> LogFile | None:
    """Open a log, None when there is none, it is denied, or no file."""
    try:
        return LogFile(path)
    except OSError:
        return None


def close_log(file: LogFile | None) -> None:
    """Close what ``open_log`` has returned."""
    if file is not None:
        file.close()


def line_start(file: LogFile, offset: int, longest: int) -> tuple[int, bytes]:
    """Return the beginning of the line at or before *offset*, and the line before that.

    Lines are at most *longest* bytes; where no line feed is found *offset* itself is taken.
    """
    begin = max(0, offset - 2 * longest - 2)
    before = file.read_at(begin, offset - begin)
    end = before.rfind(b"\n")
    if end < 0:
        return (0, b"") if not begin else (offset, b"")
    return begin + end + 1, before[before.rfind(b"\n", 0, end) + 1 : end]


def stamp_of(line: bytes) -> Micros | None:
    """Return a line's time stamp; None when it does not begin with one."""
    found = _STAMP.match(line)
    return int(found[1]) * SECOND if found else None


def digest(data: bytes) -> str:
    """Return the fingerprint that checkpoints keep: no text of a log leaves the log."""
    return hashlib.sha256(data).hexdigest()
