"""Lines that are written in two halves, with anything in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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


def test_a_half_line_waits_for_its_end(site: Site, reader: Reader) -> None:
    """Nothing is said before the line feed; then the line is whole."""
    site.half_call()
    assert [] == reader.poll()
    assert [] == reader.poll()
    site.end_half()

    assert [1] == reader.poll()
    assert {} == reader.drops


def test_a_half_line_is_read_again_after_a_restart(site: Site, reader: Reader) -> None:
    """The checkpoint is the beginning of the line that is not complete."""
    site.call()
    site.half_call()
    reader.poll()
    reader.restart()
    reader.poll()
    site.end_half()

    assert [2] == reader.poll()
    assert [1, 2] == reader.seen


def test_a_line_may_be_completed_after_the_renaming(site: Site, reader: Reader) -> None:
    """Rotation in the middle of a line: the writer ends it in the renamed file."""
    site.call()
    site.half_call()
    reader.poll()
    site.move("queue_log.1")
    assert [] == reader.poll()
    site.end_half()
    site.reopen()
    site.call()

    assert [2, 3] == reader.settle()
    assert {} == reader.drops


def test_a_line_that_is_never_completed_is_counted(site: Site, reader: Reader) -> None:
    """A writer that died in mid-line leaves one drop, and the new file is read."""
    site.call()
    site.half_call()
    reader.poll()
    site._half = b""
    site.rotate()
    site.call()

    assert [3] == reader.settle()
    assert {("decode", "missing_fields"): 1} == reader.drops


def test_a_repeated_line_is_known_over_a_restart(site: Site, reader: Reader) -> None:
    """A line equal to the last one we used is its duplicate, whoever used that."""
    line = site.line()
    site.write(line)
    reader.poll()
    reader.restart()
    site.write(line)

    assert [] == reader.poll()
    assert {("decode", "duplicate"): 1} == reader.drops
