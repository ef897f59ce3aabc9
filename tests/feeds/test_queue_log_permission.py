"""Following a log that we may not read for a while."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.feeds.log_site import Reader, Site

NOBODY = 65534


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    """Be somebody to whom permissions apply: they do not to root."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def _readable() -> Iterator[None]:
    """Create files that anybody may read, whatever is usual where the tests run."""
    usual = os.umask(0o022)
    yield
    os.umask(usual)


@pytest.fixture
def site(_readable: None) -> Iterator[Site]:
    """Return a system that writes a log in a folder that anybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Site(Path(folder)) as site:
            site.path.chmod(0o644)
            yield site
            Path(folder).chmod(0o755)


@pytest.fixture
def reader(site: Site) -> Iterator[Reader]:
    """Return who follows it."""
    with Reader(site.path) as reader:
        yield reader


def _poll(reader: Reader) -> list[int]:
    with _unprivileged():
        return reader.poll()


def test_a_log_that_may_not_be_read_is_tried_until_it_may(site: Site, reader: Reader) -> None:
    """The trouble has a name, and nothing is missed once it is over."""
    site.call()
    site.path.chmod(0o600 if not os.geteuid() else 0)
    assert [] == _poll(reader)
    assert f"{site.path}: expected a log, found one that we may not read" == reader.trouble
    site.call()
    site.path.chmod(0o644)

    assert [1, 2] == _poll(reader)
    assert "" == reader.trouble


def test_a_permission_lost_after_a_rotation_loses_no_line(site: Site, reader: Reader) -> None:
    """The old file is read on; the new one as soon as we may, from its beginning."""
    site.call()
    _poll(reader)
    site.rotate()
    site.call()
    site.path.chmod(0)
    for _ in range(5):
        assert [] == _poll(reader)
    assert "may not read" in reader.trouble
    site.path.chmod(0o644)
    site.call()
    for _ in range(5):
        _poll(reader)

    assert [1, 2, 3] == reader.seen
    assert [] == reader.gaps


def test_a_restart_without_permission_waits(site: Site, reader: Reader) -> None:
    """We do not begin elsewhere, in a copy perhaps, only because the log is denied."""
    site.call(3)
    _poll(reader)
    (site.folder / "queue_log.bak").write_bytes(site.path.read_bytes())
    site.path.chmod(0)
    reader.restart()
    assert [] == _poll(reader)
    site.path.chmod(0o644)
    site.call()

    assert [4] == _poll(reader)
    assert [] == reader.gaps


def test_a_folder_that_may_not_be_listed_hides_no_rotated_file(
    site: Site, reader: Reader
) -> None:
    """Two rotations meanwhile: the file between them is waited for, not passed over."""
    site.call()
    _poll(reader)
    site.folder.chmod(0o311)
    site.rotate()
    site.call()
    site.rotate()
    site.call()
    for _ in range(5):
        assert [] == _poll(reader)
    site.folder.chmod(0o755)
    for _ in range(5):
        _poll(reader)

    assert [1, 2, 3] == reader.seen


def test_a_folder_that_may_not_be_listed_is_trouble(site: Site, reader: Reader) -> None:
    """Without the folder no rotated file can be found: better said before it is needed."""
    site.call()
    site.folder.chmod(0o311)
    _poll(reader)
    assert "in a folder that we may not list" in reader.trouble
    site.folder.chmod(0o000)
    site.call()
    _poll(reader)
    assert "Permission denied" in reader.trouble
    site.folder.chmod(0o755)
    _poll(reader)

    assert [1, 2] == reader.seen
    assert "" == reader.trouble
