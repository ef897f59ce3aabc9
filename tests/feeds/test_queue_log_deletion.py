"""Following a log that is not there yet, not there any more, or something else."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.feeds.settings import FirstRun
from callmon.feeds.tail import GRACE
from tests.feeds.log_site import Reader, Site


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


def test_a_deleted_file_is_read_as_long_as_it_is_written(site: Site, reader: Reader) -> None:
    """Asterisk goes on writing to it until it is told to reopen; we hold it open, too."""
    site.call()
    reader.poll()
    site.path.unlink()
    site.call()
    assert [2] == reader.poll()
    site.call()
    site.reopen()
    site.call()

    assert [3, 4] == reader.settle()
    assert [] == reader.gaps


def test_a_missing_file_is_blindness_only_after_a_while(site: Site, reader: Reader) -> None:
    """A rotation's blink is no alarm; a file that stays away is one, and says what."""
    site.call()
    reader.poll()
    site.path.unlink()
    reader.poll()
    assert "" == reader.trouble
    reader.poll(after=GRACE)
    assert f"{site.path}: expected a log, found nothing there" == reader.trouble
    site.reopen()
    reader.poll()

    assert "" == reader.trouble


@pytest.mark.parametrize("first_run", list(FirstRun))
def test_a_log_that_comes_late_is_read_from_its_first_line(
    tmp_path: Path, first_run: FirstRun
) -> None:
    """Folder and file may come after us; nothing in them is missed."""
    folder = tmp_path / "asterisk"
    with Reader(folder / "queue_log", first_run=first_run) as reader:
        reader.poll()
        assert "found nothing there" in reader.trouble
        folder.mkdir()
        reader.poll()
        assert "found nothing there" in reader.trouble
        with Site(folder) as site:
            reader.poll()
            assert "" == reader.trouble
            site.call(2)

            assert [1, 2] == reader.poll()


def test_a_file_that_was_replaced_while_we_were_away_is_a_gap(
    site: Site, reader: Reader
) -> None:
    """What was deleted is lost; the time between the two files says how much."""
    site.call(3)
    reader.poll()
    site.path.unlink()
    site.time += 100
    site.reopen()
    site.call()
    reader.restart()

    assert [4] == reader.poll()
    assert [101.0] == reader.gaps


def test_a_used_again_inode_is_not_mistaken_for_the_old_file(
    site: Site, reader: Reader
) -> None:
    """Same device, same inode, even larger: but the text is another."""
    site.call(3)
    reader.poll()
    inode = site.path.stat().st_ino
    content = b"".join(site.line() for _ in range(9))
    site.path.write_bytes(content)
    reader.restart()

    assert inode == site.path.stat().st_ino
    assert list(range(4, 13)) == reader.poll()


def test_what_lies_in_the_place_of_the_log_is_named(site: Site, reader: Reader) -> None:
    """A folder is no log; when the log is back it is read on."""
    site.call()
    reader.poll()
    site.move("queue_log.1")
    site.path.mkdir()
    reader.poll()
    assert "found something else, a folder perhaps" in reader.trouble
    site.call()
    reader.poll()
    site.path.rmdir()
    site.reopen()
    site.call()
    reader.settle()

    assert [1, 2, 3] == reader.seen
    assert "" == reader.trouble


@pytest.mark.parametrize("restart", [False, True])
def test_a_pipe_in_the_place_of_the_log_does_not_hang_us(
    tmp_path: Path, *, restart: bool
) -> None:
    """Opening a named pipe without a writer blocks for ever, unless one is careful."""
    os.mkfifo(tmp_path / "queue_log")
    with Reader(tmp_path / "queue_log") as reader:
        if restart:
            reader.restart()

        assert [] == reader.poll(after=SECOND)
        assert "found something else" in reader.trouble


def test_a_disk_that_fails_is_named_and_tried_again(tmp_path: Path) -> None:
    """An error while reading makes us blind, not dead; reading goes on when it is over."""
    path = tmp_path / "queue_log"
    path.symlink_to("/proc/self/mem")  # a file whose first byte cannot be read
    with Reader(path) as reader:
        reader.poll()
        assert f"{path}: expected a log, reading failed: Input/output error" == reader.trouble
        path.unlink()
        with Site(tmp_path) as site:
            site.call()

            assert [1] == reader.poll()
            assert "" == reader.trouble
