"""One file of a log: read, recognised and come back to."""

import gzip
import os
from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.errors import FeedError
from callmon.feeds.log_file import (
    HEAD_BYTES,
    TAIL_BYTES,
    Checkpoint,
    LogFile,
    digest,
    line_start,
    open_log,
    stamp_of,
)

LINES = b"".join(b"17000000%02d|%d.1|sales|NONE|ENTERQUEUE|||1\n" % (n, n) for n in range(20))


def place_in(file: LogFile, offset: int) -> Checkpoint:
    """Return the checkpoint at *offset*."""
    head = file.read_at(0, HEAD_BYTES)
    count = min(TAIL_BYTES, offset)
    return Checkpoint(
        device=file.device,
        inode=file.inode,
        head_bytes=len(head),
        head=digest(head),
        tail=digest(file.read_at(offset - count, count)),
        offset=offset,
        at=0,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a log."""
    path = tmp_path / "queue_log"
    path.write_bytes(LINES)
    return path


def test_a_packed_file_reads_as_the_plain_one(path: Path) -> None:
    """Offsets and sizes are those of the text."""
    packed = path.with_suffix(".1.gz")
    packed.write_bytes(gzip.compress(LINES))

    with LogFile(path) as plain, LogFile(packed) as other:
        assert (len(LINES), LINES[50:90]) == (other.size(), other.read_at(50, 40))
        assert plain.read_at(50, 40) == other.read_at(50, 40)
        assert plain.first_at() == other.first_at() == 1_700_000_000 * SECOND


def test_a_place_is_found_again_in_a_renamed_and_packed_file(path: Path) -> None:
    """Names and inodes change, text does not."""
    with LogFile(path) as file:
        place = place_in(file, 200)
    packed = path.with_name("queue_log.1.gz")
    packed.write_bytes(gzip.compress(LINES + b"1700000099|x\n"))

    with LogFile(packed) as file:
        assert file.holds(place)


@pytest.mark.parametrize("byte", [3, 190])
def test_other_text_is_another_file(path: Path, byte: int) -> None:
    """A change at the beginning, or right before the place, is seen."""
    with LogFile(path) as file:
        place = place_in(file, 200)
    changed = bytearray(LINES)
    changed[byte] ^= 1
    path.write_bytes(changed)

    with LogFile(path) as file:
        assert not file.holds(place)


def test_an_empty_file_is_known_by_its_inode(tmp_path: Path) -> None:
    """There is no text to know it by."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.touch()
    second.touch()
    with LogFile(first) as file, LogFile(second) as other:
        place = place_in(file, 0)

        assert (True, False) == (file.holds(place), other.holds(place))


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A folder or a pipe in the log's place neither hangs nor is read."""
    os.mkfifo(tmp_path / "pipe")

    assert [None, None, None] == [
        open_log(tmp_path / name) for name in ("pipe", ".", "nothing")
    ]


def test_a_position_comes_back_as_it_was(path: Path) -> None:
    """What is stored as JSON is the same place."""
    with LogFile(path) as file:
        place = place_in(file, 100)

    assert place == Checkpoint.from_position(place.to_position())


@pytest.mark.parametrize("position", [{}, {"version": 1}, {"version": 2, "offset": 0}])
def test_a_foreign_position_is_refused(position: dict[str, int]) -> None:
    """Trying again is of no use, and the message says what was expected."""
    with pytest.raises(FeedError, match="expected version 1") as caught:
        Checkpoint.from_position(position)

    assert not caught.value.retry


@pytest.mark.parametrize("offset", [0, 1, 41, 42, 43, 100, len(LINES)])
def test_the_line_at_a_place(path: Path, offset: int) -> None:
    """A place inside a line leads to the line's beginning, and to the line before it."""
    begins = [0]
    begins += [n + 1 for n, byte in enumerate(LINES) if byte == ord("\n")]
    begin = max(n for n in begins if n <= offset)
    before = LINES[:begin].splitlines()

    with LogFile(path) as file:
        assert (begin, before[-1] if before else b"") == line_start(file, offset, 8192)


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (b"1700000000|x", 1_700_000_000),
        (b"917852394|x", 917_852_394),
        (b"12|x", None),
        (b"", None),
        (b"170000000000|x", None),
    ],
)
def test_stamps(line: bytes, at: int | None) -> None:
    """Nine or ten digits and a pipe are a stamp, nothing else is."""
    assert (None if at is None else at * SECOND) == stamp_of(line)
