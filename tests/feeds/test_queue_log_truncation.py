"""Following a log that is emptied, copied or set back under our eyes."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from callmon.clock import SECOND
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


def test_what_only_the_copy_has_is_read_from_the_copy(site: Site, reader: Reader) -> None:
    """Lines written between our last look and ``copytruncate`` are not lost."""
    site.call(2)
    reader.poll()
    site.call(2)
    site.half_call()
    site.copy_truncate()
    site.call()

    assert [3, 4, 5, 6] == reader.settle()
    assert [] == reader.gaps
    assert {} == reader.drops


def test_a_file_that_was_emptied_is_read_from_its_beginning(site: Site, reader: Reader) -> None:
    """Without a copy no more than the time since the last look can be missing."""
    site.call(2)
    reader.poll()
    reader.poll()
    os.truncate(site.path, 0)
    site.tick()
    site.call()

    assert [3] == reader.poll(after=2 * SECOND)
    assert [2.0] == reader.gaps


def test_a_half_line_that_was_emptied_away_is_counted(site: Site, reader: Reader) -> None:
    """The line whose end can never come is one drop; the next line is whole again."""
    site.call()
    site.half_call()
    reader.poll()
    os.truncate(site.path, 0)
    site.tick()
    site._half = b""
    site.call()

    assert [3] == reader.poll()
    assert {("decode", "missing_fields"): 1} == reader.drops


def test_a_file_that_grew_beyond_our_place_again_is_noticed(site: Site, reader: Reader) -> None:
    """Size alone does not tell: the text before our place does."""
    site.call(2)
    reader.poll()
    os.truncate(site.path, 0)
    site.tick()
    site.call(9)

    assert list(range(3, 12)) == reader.poll()


def test_the_same_is_noticed_after_a_restart(site: Site, reader: Reader) -> None:
    """The checkpoint has the fingerprint of the text before it."""
    site.call(20)
    reader.poll()
    os.truncate(site.path, 0)
    site.tick()
    site.call(40)
    reader.restart()

    assert list(range(21, 61)) == reader.poll()
    assert [1.0] == reader.gaps


def test_a_file_that_was_set_back_is_not_counted_twice(site: Site, reader: Reader) -> None:
    """After a restored backup only what is newer than the last known line is new."""
    site.call(20)
    backup = site.folder / "backup"
    shutil.copy2(site.path, backup)
    site.tick()
    site.call(5)
    reader.poll()
    shutil.copyfile(backup, site.path)
    site.tick()
    site.call(3)

    assert [26, 27, 28] == reader.poll()
    assert list(range(1, 29)) == reader.seen


def test_an_edited_file_is_not_counted_twice(site: Site, reader: Reader) -> None:
    """An editor leaves a new file that begins like the old one: only the news count."""
    site.call(20)
    reader.poll()
    lines = site.path.read_bytes().splitlines(keepends=True)
    edited = site.folder / "edited"
    edited.write_bytes(b"".join(lines[:10] + lines[11:]))
    edited.rename(site.path)
    reader.poll()
    reader.restart()
    site.reopen()
    site.call()

    assert [21] == reader.settle()


def test_a_file_that_was_set_back_and_has_grown_is_not_counted_twice(
    site: Site, reader: Reader
) -> None:
    """Not even when it is longer than before by the time we look, or start again."""
    site.call(20)
    backup = site.folder / "backup"
    shutil.copy2(site.path, backup)
    site.tick()
    site.call(5)
    reader.poll()
    shutil.copyfile(backup, site.path)
    site.tick()
    site.call(30)
    reader.restart()

    assert list(range(26, 56)) == reader.poll()


def test_a_file_filled_and_copied_away_between_two_looks_is_found(
    site: Site, reader: Reader
) -> None:
    """An empty file is not waited for in itself: its text may never be seen there."""
    reader.poll()
    site.call(2)
    site.copy_truncate()
    site.call(2)

    assert [1, 2, 3, 4] == reader.settle()


def test_the_end_of_an_endless_line_is_found_in_the_copy(site: Site, reader: Reader) -> None:
    """Our place before such a line is known even when its beginning is not kept."""
    site.call()
    site.write(b"x" * 100_000)
    reader.poll()
    site.write(b"\n")
    site.call()
    site.copy_truncate()
    site.call()

    assert [2, 3] == reader.settle()
    assert [] == reader.gaps
