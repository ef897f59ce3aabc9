"""Following a log over every kind of rotation."""

import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.feeds.tail import GRACE
from tests.feeds.log_site import Reader, Site

ACTIONS = (
    "tick",
    "call",
    "half_call",
    "rotate",
    "rotate_sequential",
    "rotate_timestamp",
    "reopen",
    "copy_truncate",
    "compress",
    "poll",
    "poll",
    "settle",
    "restart",
)


def play(site: Site, reader: Reader, action: str) -> None:
    """Do one of ``ACTIONS``."""
    if action in {"poll", "settle", "restart"}:
        getattr(reader, action)()
    else:
        getattr(site, action)()


@given(st.lists(st.sampled_from(ACTIONS), max_size=25))
def test_every_line_is_seen_once_whatever_happens(actions: list[str]) -> None:
    """Over any rotations, half lines and restarts each call is seen once, in order.

    The strategies are mixed on purpose; none of these loses lines by itself.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        Site(Path(folder)) as site,
        Reader(site.path) as reader,
    ):
        for action in actions:
            play(site, reader, action)
        site.call()
        reader.settle()

        assert list(range(1, site.calls + 1)) == reader.seen
        assert [] == reader.gaps
        assert {} == reader.drops


@pytest.mark.parametrize("name", ["queue_log.1", "queue_log-20261122", "queue_log.old"])
def test_two_rotations_between_two_looks_lose_nothing(tmp_path: Path, name: str) -> None:
    """A file that came and went is found, whatever scheme its name is of."""
    with Site(tmp_path) as site, Reader(site.path) as reader:
        site.call()
        reader.poll()
        site.move("queue_log.2")
        site.reopen()
        site.call(2)
        site.move(name)
        site.reopen()
        site.call()

        assert [2, 3, 4] == reader.settle()


def test_a_renamed_file_is_left_only_when_it_has_been_quiet(tmp_path: Path) -> None:
    """Its last lines may show late, on a network disk; they still come before the new."""
    with Site(tmp_path) as site, Reader(site.path) as reader:
        site.call()
        reader.poll()
        site.move("queue_log.1")
        site.path.write_bytes(site.line())
        assert [] == reader.poll(after=SECOND)
        site.call()
        assert [3] == reader.poll(after=SECOND)
        assert [] == reader.poll(after=GRACE - 1)

        assert [2] == reader.poll(after=1)


def test_a_file_without_a_successor_is_not_left(tmp_path: Path) -> None:
    """``logrotate`` creates an empty file long before Asterisk is told to reopen."""
    with Site(tmp_path) as site, Reader(site.path) as reader:
        site.call()
        reader.poll()
        site.move("queue_log.1")
        site.path.touch()
        for _ in range(10):
            site.call()
            reader.poll(after=2 * GRACE)
        site.reopen()
        site.call()

        assert [12] == reader.settle()
        assert list(range(1, 13)) == reader.seen


def test_a_rotation_at_the_very_moment_of_looking_loses_nothing(tmp_path: Path) -> None:
    """A writer that never rests and a reader that never rests: each line once."""
    with Site(tmp_path) as site, Reader(site.path) as reader:

        def write() -> None:
            for _ in range(60):
                site.call(5)
                site.rotate()

        writer = threading.Thread(target=write)
        writer.start()
        while writer.is_alive():
            reader.poll(after=GRACE)
            reader.restart()
        writer.join()
        reader.settle()

        assert list(range(1, site.calls + 1)) == reader.seen
        assert [] == reader.gaps


@pytest.mark.parametrize("lines", [5, 20, 25])
def test_a_copy_of_what_was_read_is_not_read_again(tmp_path: Path, lines: int) -> None:
    """Whole or in part, and changed later than the original: it has nothing new."""
    with Site(tmp_path) as site, Reader(site.path) as reader:
        site.call(25)
        reader.poll()
        old = site.move("queue_log.1")
        whole = old.read_bytes().splitlines(keepends=True)
        (tmp_path / "queue_log.1.bak").write_bytes(b"".join(whole[:lines]))
        site.reopen()
        site.call()

        assert [26] == reader.settle()


def test_an_early_copy_ends_in_the_original(tmp_path: Path) -> None:
    """A copy made before the original was whole is not a file before it."""
    with Site(tmp_path) as site, Reader(site.path) as reader:
        site.call(5)
        shutil.copy2(site.path, tmp_path / "queue_log-early")
        site.call(5)
        site.rotate()
        shutil.copy2(site.path, tmp_path / "queue_log-early2")
        site.call(5)

        assert list(range(1, 16)) == reader.settle()


def test_files_that_begin_alike_are_told_apart(tmp_path: Path) -> None:
    """Two rotations in one second give files with the same first line."""
    with Site(tmp_path) as site, Reader(site.path) as reader:
        first = f"{site.time}|NONE|NONE|NONE|CONFIGRELOAD|\n".encode()
        site.write(first)
        reader.poll()
        site.call()
        site.rotate()
        site.compress()
        site.path.write_bytes(first)
        site.call()
        reader.restart()

        assert [1, 2] == reader.settle()


def test_a_rotation_between_two_calls_of_one_look_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was opened as the present file may be an old one when the folder is listed."""
    list_folder = os.scandir
    with Site(tmp_path) as site, Reader(site.path) as reader:
        site.call()

        def rotate_first(path: Path) -> object:
            monkeypatch.setattr(os, "scandir", list_folder)
            for _ in range(2):
                site.rotate()
                site.call()
            return list_folder(path)

        monkeypatch.setattr(os, "scandir", rotate_first)

        assert [1, 2, 3] == reader.settle()
