"""Files of recordings: plain, .gz or .xz, told by content when read, by name when written.

What the lines mean is ``callmon.decode.recording``'s business. Everything here blocks on the
disk: callers run it in a thread, or have nothing else to do.
"""

import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from callmon.clock import Micros
from callmon.decode.recording import Record, format_record, parse_record, parse_records
from callmon.errors import DecodeError, FeedError, FeedReason

__all__ = [
    "MAX_LINE_BYTES",
    "RecordingWriter",
    "first_record_at",
    "is_recording",
    "read_recording",
]

MAX_LINE_BYTES = 1 << 23
"""A read brings 256 KiB at most, of which JSON may make six times as much: a longer line was
not written by a recorder, and a packed file could hold one without end."""

_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\x00"

_SPACE = b" \t\r\n"

_DAMAGED = (zlib.error, lzma.LZMAError, gzip.BadGzipFile)

_File = BinaryIO | gzip.GzipFile | lzma.LZMAFile


def is_recording(path: Path) -> bool:
    """Return whether the file begins as a recording does; a damaged one may be one, too.

    Raises:
        FeedError: it cannot be opened.
    """
    with _opened(path) as (file, _):
        try:
            return file.read(256).lstrip(_SPACE).startswith(b"{")
        except (EOFError, *_DAMAGED):
            return False
        except OSError as error:
            raise _unreadable(path, error) from error


def first_record_at(path: Path) -> Micros:
    """Return when the recording begins; 0 for an empty one.

    Raises:
        FeedError: it cannot be read, or is none.
    """
    for record in read_recording(path):
        return record.at
    return 0


def read_recording(
    path: Path, progress: Callable[[int], None] = lambda _read: None
) -> Iterator[Record]:
    """Yield the records of a file; *progress* gets the number of stored bytes just read.

    Raises:
        FeedError: it cannot be read, is no recording, or is damaged: what was whole has been
            yielded then.
    """
    with _opened(path) as (file, stored):
        try:
            yield from parse_records(_lines(path, file, stored, progress))
        except DecodeError as error:
            raise FeedError(FeedReason.LOST, f"{path}: {error}", retry=False) from error
        except _DAMAGED as error:
            text = f"{path}: expected a recording; its packing is damaged ({error})"
            raise FeedError(FeedReason.LOST, text, retry=False) from error
        except OSError as error:
            raise _unreadable(path, error) from error


def _lines(
    path: Path, file: _File, stored: BinaryIO, progress: Callable[[int], None]
) -> Iterator[bytes]:
    done = 0
    while line := _line(file):
        if len(line) == MAX_LINE_BYTES:
            text = f"{path}: expected lines shorter than {MAX_LINE_BYTES} bytes"
            raise FeedError(FeedReason.LOST, text, retry=False)
        if not line.endswith(b"\n") and not _whole(line):
            return  # the recorder was killed while it wrote this
        if line.strip():
            yield line
        now = stored.tell()
        if now > done:
            progress(now - done)
            done = now


def _line(file: _File) -> bytes:
    try:
        return file.readline(MAX_LINE_BYTES)
    except EOFError:
        return b""  # packed, and the recorder was killed before it could finish it


def _whole(line: bytes) -> bool:
    try:
        parse_record(line)
    except DecodeError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_File, BinaryIO]]:
    """Open a file; give its text, unpacked, and the file as it is stored."""
    with ExitStack() as closing:
        try:
            stored = closing.enter_context(path.open("rb"))
            beginning = stored.read(len(_XZ))
            stored.seek(0)
        except OSError as error:
            raise _unreadable(path, error) from error
        text: _File = stored
        if beginning.startswith(_GZIP):
            text = closing.enter_context(gzip.GzipFile(fileobj=stored))
        elif beginning == _XZ:
            text = closing.enter_context(lzma.LZMAFile(stored))
        yield text, stored


class RecordingWriter:
    """Writes a new recording, for its owner alone to read; never over another file."""

    def __init__(self, path: Path) -> None:
        """Create the file at *path*, packed as its name ends.

        Raises:
            OSError: that is not possible; ``FileExistsError`` where there is one.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._closing = ExitStack()
        stored = self._closing.enter_context(os.fdopen(descriptor, "wb"))
        self._file: _File = stored
        if path.suffix == ".gz":
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=stored)
            self._file = self._closing.enter_context(packed)
        elif path.suffix == ".xz":
            packed_xz = lzma.LZMAFile(stored, "wb")  # noqa: SIM115 - closed by _closing
            self._file = self._closing.enter_context(packed_xz)

    def write(self, records: Iterable[Record]) -> None:
        """Write *records*.

        Raises:
            OSError: the disk is full, or fails.
        """
        for record in records:
            self._file.write(format_record(record).encode())

    def flush(self) -> None:
        """Have a plain or .gz file be readable so far even after a crash.

        Raises:
            OSError: the disk is full, or fails.
        """
        if not isinstance(self._file, lzma.LZMAFile):  # which cannot flush
            self._file.flush()

    def close(self) -> None:
        """Finish the file."""
        self._closing.close()


def _unreadable(path: Path, error: OSError) -> FeedError:
    reason = FeedReason.LOST
    if isinstance(error, FileNotFoundError):
        reason = FeedReason.MISSING
    elif isinstance(error, PermissionError):
        reason = FeedReason.DENIED
    text = f"{path}: expected a recording, plain, .gz or .xz; {error.strerror}"
    return FeedError(reason, text, retry=False)
