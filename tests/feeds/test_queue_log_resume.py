"""Going on after a restart, and reading back what the windows need."""

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.errors import FeedError
from callmon.events import ContactJoined
from callmon.feeds.base import Position
from callmon.feeds.log_cursor import Batch
from callmon.feeds.log_file import Checkpoint
from callmon.feeds.queue_log import history, in_order, read_file, stored_bytes
from callmon.feeds.settings import FirstRun
from tests.feeds.log_site import START, Reader, Site
from tests.feeds.test_queue_log_rotation import ACTIONS, play

CAPTURE = Path(__file__).parents[1] / "captures" / "queue_log" / "edge-22.10.1"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a system that writes a log."""
    with Site(tmp_path) as site:
        yield site


@pytest.fixture
def reader(site: Site) -> Iterator[Reader]:
    """Return who follows it."""
    with Reader(site.path) as reader:
        yield reader


def _calls(batches: Iterator[Batch]) -> list[int]:
    return [
        int(event.contact)
        for batch in batches
        for event in batch.events
        if isinstance(event, ContactJoined)
    ]


def _position(reader: Reader) -> Position | None:
    return None if reader.position is None else reader.position.to_position()


def test_rotations_while_we_are_away_are_made_up_for(site: Site, reader: Reader) -> None:
    """Three rotations, the older ones compressed: the rest of each is read, oldest first."""
    site.call(3)
    reader.poll()
    site.call(2)
    site.rotate()
    site.call(2)
    site.rotate()
    site.compress()
    site.call(2)
    site.rotate_timestamp()
    site.call(2)
    reader.restart()

    assert [4, 5, 6, 7, 8, 9, 10, 11] == reader.poll()
    assert [] == reader.gaps


def test_a_lost_file_does_not_hide_those_after_it(site: Site, reader: Reader) -> None:
    """The file we were in was deleted by its retention; the next ones are still read."""
    site.call(3)
    reader.poll()
    site.call()
    site.time += 60
    site.rotate()
    (site.folder / "queue_log.0").unlink()
    site.call(2)
    site.rotate()
    site.call(2)
    reader.restart()

    assert [5, 6, 7, 8] == reader.poll()
    assert [61.0] == reader.gaps


def test_a_damaged_old_file_does_not_stop_us(site: Site, reader: Reader) -> None:
    """What can be unpacked of it is read; the rest is a gap; then the present file."""
    site.call(30_000)
    reader.poll()
    reader.position = None
    site.rotate()
    site.compress()
    packed = site.folder / "queue_log.0.gz"
    packed.write_bytes(packed.read_bytes()[:-20_000])
    site.call(2)
    reader.restart()

    seen = reader.poll()

    assert [30_001, 30_002] == seen[-2:]
    assert list(range(1, len(seen) - 1)) == seen[:-2]
    assert 1000 < len(seen) < 30_000
    assert 1 == len(reader.gaps)


def test_compressed_in_the_making_is_not_read_twice(site: Site, reader: Reader) -> None:
    """While gzip works both files are there, one of them with a size that says nothing."""
    site.call(6_000)
    reader.poll()
    site.rotate()
    plain = site.folder / "queue_log.0"
    packed = gzip.compress(plain.read_bytes())
    (site.folder / "queue_log.0.gz").write_bytes(packed[: len(packed) // 2] + b"\xff" * 4)
    site.call()
    reader.settle()
    reader.restart()
    reader.settle()

    assert list(range(1, 6_002)) == reader.seen
    assert [] == reader.gaps


def test_first_run_from_the_end_reads_no_history(site: Site) -> None:
    """Only what is written from now on, and of that the line that was half there."""
    site.call(3)
    site.rotate()
    site.call(3)
    site.half_call()
    with Reader(site.path, first_run=FirstRun.END) as reader:
        assert [] == reader.poll()
        site.call(2)

        assert [7, 8, 9] == reader.poll()


def test_first_run_reads_no_further_back_than_it_is_told(site: Site) -> None:
    """Files and lines older than ``since`` are not emitted."""
    site.call(3)
    site.rotate()
    site.time += 3600
    since = site.time * SECOND
    site.call(3)
    site.rotate()
    site.call(3)

    assert [4, 5, 6, 7, 8, 9] == _calls(history(site.path, "pbx", since=since))


def test_a_long_file_is_entered_near_the_time_that_is_asked_for(site: Site) -> None:
    """Not all of a month has to be read for the last hour; and no line of it is missed."""
    for _ in range(20_000):
        site.time += 10
        site.calls += 1
        site._out.write(f"{site.time}|{site.calls}|sales|NONE|ENTERQUEUE|||1\n".encode())
    since = (site.time - 3600) * SECOND

    batches = list(history(site.path, "pbx", since=since))

    assert list(range(19_640, 20_001)) == _calls(iter(batches))
    assert 5_000 > sum(batch.lines for batch in batches)


def test_a_clock_that_stepped_back_hides_no_line(site: Site) -> None:
    """A file that began earlier than its predecessor ended does not stand for both."""
    site.call()
    site.time += 1000
    site.call()
    site.time -= 300
    site.rotate()
    site.call()

    calls = _calls(history(site.path, "pbx", since=(START + 750) * SECOND))

    assert [2] == calls


def test_history_ends_where_following_goes_on(site: Site, reader: Reader) -> None:
    """When all that is asked for comes after the checkpoint, there is no history."""
    site.call(10)
    reader.poll()
    for _ in range(20_000):
        site.time += 10
        site.calls += 1
        site._out.write(f"{site.time}|{site.calls}|sales|NONE|ENTERQUEUE|||1\n".encode())
    late = (site.time - 3600) * SECOND
    assert [] == _calls(history(site.path, "pbx", since=late, until=_position(reader)))
    site.rotate()
    site.time += 7200
    site.call()
    later = site.time * SECOND

    assert [] == _calls(history(site.path, "pbx", since=later, until=_position(reader)))


@given(st.lists(st.sampled_from(ACTIONS), max_size=25), st.integers(0, 8))
def test_history_and_following_meet_exactly(actions: list[str], since_s: int) -> None:
    """What history gives up to the checkpoint and what follows it are all, once."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Site(Path(folder)) as site,
        Reader(site.path) as reader,
    ):
        written: list[tuple[int, int]] = []
        for action in actions:
            play(site, reader, action)
            written += [(site.time, call) for call in range(len(written) + 1, site.calls + 1)]
        wanted = {call for at, call in written if at >= START + since_s}
        position = _position(reader)
        until = set(reader.seen)

        before = _calls(
            history(site.path, "pbx", since=(START + since_s) * SECOND, until=position)
        )

        if position is not None:
            assert sorted(wanted & until) == before
        reader.restart()
        site.call()
        reader.settle()
        assert list(range(1, site.calls + 1)) == reader.seen


def test_the_order_of_files_is_that_of_their_beginnings() -> None:
    """Names like mv1 and copy1 say nothing; the first time stamps do."""
    files = ["mv1", "copy1", "1795338756", "1795338759"]
    expected = [CAPTURE / f"queue_log.{name}" for name in files] + [CAPTURE / "queue_log"]

    assert expected == in_order(sorted(expected))


def test_history_of_a_recorded_log_is_all_its_files(tmp_path: Path) -> None:
    """A log that was moved, copied, truncated and deleted is read as it was written."""
    shutil.copytree(CAPTURE, tmp_path / "log")
    paths = in_order([path for path in CAPTURE.iterdir() if path.suffix != ".json"])
    expected = [event.at for path in paths for b in read_file(path, "p") for event in b.events]

    batches = history(tmp_path / "log" / "queue_log", "p", since=0)

    assert expected == [event.at for batch in batches for event in batch.events]
    assert 100 < len(expected)


def test_a_file_is_read_the_same_when_compressed(site: Site, tmp_path: Path) -> None:
    """Plain and .gz give the same events; progress ends at the size on the disk."""
    site.call(5_000)
    packed = tmp_path / "old.gz"
    packed.write_bytes(gzip.compress(site.path.read_bytes()))

    plain, unpacked = list(read_file(site.path, "pbx")), list(read_file(packed, "pbx"))

    assert _calls(iter(plain)) == _calls(iter(unpacked)) == list(range(1, 5_001))
    assert stored_bytes([site.path, packed]) == plain[-1].done + unpacked[-1].done


def test_the_half_line_at_the_end_of_a_file_is_counted(site: Site) -> None:
    """Reading a whole file says that its last line is cut."""
    site.call()
    site.half_call()

    *_, last = read_file(site.path, "pbx")

    assert {("decode", "missing_fields"): 1} == dict(last.drops)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, a folder, or no gzip: one error that says where and what."""
    (tmp_path / "bad.gz").write_bytes(b"1795338583|NONE|NONE|NONE|QUEUESTART|\n")

    for path in (tmp_path / "none", tmp_path, tmp_path / "bad.gz"):
        with pytest.raises(FeedError, match=f"{path}: expected a log, plain or .gz"):
            list(read_file(path, "pbx"))
        with pytest.raises(FeedError, match=f"{path}: expected a log, plain or .gz"):
            in_order([path])


def test_a_position_survives_being_stored(site: Site, reader: Reader) -> None:
    """Plain JSON there and back; one of another kind or version is refused whole."""
    site.call()
    reader.poll()
    position = _position(reader)
    assert position is not None

    assert reader.position == Checkpoint.from_position(position)
    for wrong in ({}, {**position, "version": 2}, {"version": 1, "offset": 3}):
        with pytest.raises(FeedError, match="checkpoint: expected version 1 with"):
            Checkpoint.from_position(wrong)


def test_no_text_of_the_log_is_in_a_position(site: Site, reader: Reader) -> None:
    """A checkpoint may be copied into a bug report: it holds no caller's number."""
    site.write(f"{site.time}|1|sales|NONE|ENTERQUEUE||03012345678|1\n".encode())
    reader.poll()

    assert "03012345678" not in str(_position(reader))
