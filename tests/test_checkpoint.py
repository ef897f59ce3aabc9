"""The checkpoint is replaced whole or not at all, and never a reason not to start."""

import threading
from pathlib import Path

import msgspec
import pytest

from callmon.checkpoint import VERSION, Checkpoint, CheckpointError, CheckpointFile


def a_checkpoint(at: int = 1, text: str = "") -> Checkpoint:
    """Return a checkpoint; *text* makes it longer."""
    return Checkpoint(
        version=VERSION,
        at=at,
        oldest_open=None,
        positions={"log": {"offset": 7, "head": "ab"}},
        counters={"queue:客服": {"arrived": 3, "text": text}},
        alerts=[{"labels": {"queue": "客服"}}],
    )


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    """Return a file in a folder that is not there yet."""
    return CheckpointFile(tmp_path / "state")


def test_what_was_stored_is_loaded(file: CheckpointFile) -> None:
    """Nothing is lost on the way to the disk, and before the first store there is nothing."""
    assert file.load() is None

    file.store(a_checkpoint(1))
    file.store(a_checkpoint(2))

    assert a_checkpoint(2) == file.load()


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"version": 1}', b"\xff\x00", b"[]", b'{"version": "1"}']
)
def test_a_damaged_file_is_set_aside(file: CheckpointFile, content: bytes) -> None:
    """It is refused, kept under another name, and the next store is free of it."""
    file.store(a_checkpoint())
    file.path.write_bytes(content)

    with pytest.raises(CheckpointError, match=r"checkpoint\.json: damaged"):
        file.load()
    assert file.load_or_set_aside() is None

    assert content == file.path.with_suffix(".damaged").read_bytes()
    assert not file.path.exists()
    file.store(a_checkpoint(3))
    assert a_checkpoint(3) == file.load()


def test_a_newer_version_is_refused(file: CheckpointFile) -> None:
    """What a newer callmon wrote is not guessed at, whatever is in it; the text says so."""
    file.path.parent.mkdir()
    file.path.write_bytes(msgspec.json.encode({"version": VERSION + 1, "state": []}))

    with pytest.raises(CheckpointError, match=f"expected version {VERSION}, found 2"):
        file.load()
    assert file.load_or_set_aside() is None
    assert file.path.with_suffix(".damaged").exists()


def test_a_file_that_cannot_be_moved_is_no_obstacle(file: CheckpointFile) -> None:
    """When not even the name can be changed, callmon starts all the same."""
    file.path.parent.mkdir()
    file.path.write_bytes(b"{")
    file.path.with_suffix(".damaged").mkdir()

    assert file.load_or_set_aside() is None


def test_a_full_disk_leaves_the_former(file: CheckpointFile) -> None:
    """A store that fails is stated and leaves what was stored; the next may succeed."""
    file.try_store(a_checkpoint(1))
    assert "" == file.trouble

    fresh = file.path.with_suffix(".new")
    fresh.symlink_to("/dev/full")
    file.try_store(a_checkpoint(2))
    assert f"{file.path}: No space left on device" == file.trouble
    assert a_checkpoint(1) == file.load()

    fresh.unlink()
    file.try_store(a_checkpoint(3))
    assert "" == file.trouble
    assert a_checkpoint(3) == file.load()


def test_a_folder_that_cannot_be_made_is_stated(tmp_path: Path) -> None:
    """A storage directory in the place of a file is trouble, not a crash."""
    (tmp_path / "state").write_text("")
    file = CheckpointFile(tmp_path / "state")

    file.try_store(a_checkpoint())

    assert f"{file.path}: File exists" == file.trouble


def test_stores_at_once_do_not_mix(file: CheckpointFile) -> None:
    """Two threads that store at the same time leave a whole checkpoint each time."""
    start = threading.Barrier(2)

    def store(size: int) -> None:
        start.wait()
        for at in range(60):
            file.try_store(a_checkpoint(at, "x" * size))
            troubles.append(file.trouble)

    troubles: list[str] = []
    threads = [threading.Thread(target=store, args=(size,)) for size in (10, 100_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {""} == set(troubles)
    loaded = file.load()
    assert loaded is not None
    assert 59 == loaded.at


def test_nobody_else_may_read_it(file: CheckpointFile) -> None:
    """Call ids and agents' names may be in it."""
    file.store(a_checkpoint())

    assert 0o600 == file.path.stat().st_mode & 0o777
