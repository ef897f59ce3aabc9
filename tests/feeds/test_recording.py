"""Tests of the files of recordings: packed or plain, whole, cut or damaged."""

import gzip
import lzma
import stat
from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.decode.recording import Direction, Mark, Marked, Record, Transferred, format_record
from callmon.errors import FeedError, FeedReason
from callmon.feeds.recording import (
    MAX_LINE_BYTES,
    RecordingWriter,
    first_record_at,
    is_recording,
    read_recording,
)

AT = 1_795_336_069 * SECOND

RECORDS: list[Record] = [
    Marked(AT, Mark.CONNECTED),
    *(
        Transferred(AT + number, Direction.RECEIVED, b"Event: Ren\xe9\r\n" * number)
        for number in range(200)
    ),
    Marked(AT + SECOND, Mark.STOP),
]

NAMES = ["a.jsonl", "a.jsonl.gz", "a.jsonl.xz"]


def written(path: Path) -> Path:
    """Write ``RECORDS`` in several strokes and return the path; keep what was there last."""
    writer = RecordingWriter(path)
    for place in range(0, len(RECORDS), 50):
        writer.write(RECORDS[place : place + 50])
        writer.flush()
    path.with_name("unfinished").write_bytes(path.read_bytes())
    writer.close()
    return path


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    """Whatever the packing, and whatever the file is called afterwards."""
    path = written(tmp_path / name).rename(tmp_path / "renamed")

    assert is_recording(path)
    assert RECORDS == list(read_recording(path))
    assert AT == first_record_at(path)


@pytest.mark.parametrize("name", NAMES)
def test_the_names_say_how_it_is_packed(tmp_path: Path, name: str) -> None:
    """Others unpack it by its name."""
    data = written(tmp_path / name).read_bytes()
    unpacked = {".gz": gzip.decompress, ".xz": lzma.decompress}.get(name[-3:], bytes)(data)

    assert "".join(map(format_record, RECORDS)).encode() == unpacked


@pytest.mark.parametrize("name", NAMES)
def test_progress_is_told_in_stored_bytes(tmp_path: Path, name: str) -> None:
    """It adds up to the size of the file, so that a bar arrives at its end."""
    path = written(tmp_path / name)
    read: list[int] = []

    list(read_recording(path, read.append))

    assert path.stat().st_size == sum(read)


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """A recording is about people, sanitised or not."""
    path = written(tmp_path / "a.jsonl")

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_no_file_is_written_over(tmp_path: Path) -> None:
    """Somebody's recording, or anything else that was there, stays."""
    path = tmp_path / "a.jsonl"
    path.write_text("mine")

    with pytest.raises(FileExistsError):
        RecordingWriter(path)

    assert "mine" == path.read_text()


@pytest.mark.parametrize("name", NAMES[:2])
def test_what_a_killed_recorder_has_written_is_read(tmp_path: Path, name: str) -> None:
    """Every record that was handed to the disk; the half one at the end is passed over."""
    path = written(tmp_path / name).with_name("unfinished")
    if name == "a.jsonl":
        with path.open("ab") as file:
            file.write(b'{"t": 1795336070.0, "s": "Eve')

    assert RECORDS == list(read_recording(path))


def test_a_last_line_without_line_feed_is_read(tmp_path: Path) -> None:
    """Editors take it away."""
    path = tmp_path / "a.jsonl"
    path.write_text(format_record(RECORDS[0]).rstrip())

    assert RECORDS[:1] == list(read_recording(path))


def test_a_damaged_file_is_read_up_to_the_damage(tmp_path: Path) -> None:
    """And then it is said, with the name of the file."""
    path = written(tmp_path / "a.jsonl.gz")
    data = bytearray(path.read_bytes())
    data[-8] ^= 255  # of the checksum
    path.write_bytes(data)

    with pytest.raises(FeedError, match=r"a\.jsonl\.gz: expected a recording; its packing"):
        list(read_recording(path))


def test_a_line_in_the_middle_must_be_a_record(tmp_path: Path) -> None:
    """What is something else is refused with its place."""
    path = tmp_path / "a.jsonl"
    path.write_text(f"{format_record(RECORDS[0])}nonsense\n{format_record(RECORDS[1])}")

    with pytest.raises(FeedError, match=r"a\.jsonl: line 2: recording: expected one JSON"):
        list(read_recording(path))


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    """A small packed file may hold gigabytes."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b'{"t": 1' + b"0" * (MAX_LINE_BYTES + 1), mtime=0))

    with pytest.raises(FeedError, match="expected lines shorter"):
        list(read_recording(path))


@pytest.mark.parametrize(
    "content",
    [
        b"1700000000|c1|sales|NONE|ENTERQUEUE|||1\n",
        gzip.compress(b"1700000000|c1|sales|NONE|ENTERQUEUE|||1\n", mtime=0),
        b"",
        b"\x1f\x8b damaged",
        b"\xfd7zXZ\x00 damaged",
    ],
)
def test_other_files_are_no_recordings(tmp_path: Path, content: bytes) -> None:
    """A queue_log is told from a recording by how it begins."""
    path = tmp_path / "queue_log"
    path.write_bytes(content)

    assert not is_recording(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """As an error of ours, with the path."""
    with pytest.raises(FeedError, match=r"nothing: expected a recording") as missing:
        list(read_recording(tmp_path / "nothing"))

    assert FeedReason.MISSING is missing.value.reason


def test_an_empty_recording_begins_never(tmp_path: Path) -> None:
    """It has no time; nothing is in it."""
    path = tmp_path / "a.jsonl"
    path.touch()

    assert 0 == first_record_at(path)
