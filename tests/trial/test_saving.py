"""Tests of written files: whole or not at all."""

import stat
from pathlib import Path

import pytest

from callmon.trial.saving import UnwritableError, save


def test_a_file_is_written(tmp_path: Path) -> None:
    """New, over an old one, and where a link points: the link stays one."""
    page, link = tmp_path / "page.html", tmp_path / "link.html"
    link.symlink_to(page)

    save(page, b"first")
    save(link, b"second")

    assert (b"second", True) == (page.read_bytes(), link.is_symlink())
    assert {page, link} == set(tmp_path.iterdir())


def test_who_may_read_it_stays(tmp_path: Path) -> None:
    """A file in place of another is as open to others as that was."""
    path = tmp_path / "thresholds.yml"
    path.write_bytes(b"old")
    path.chmod(0o640)

    save(path, b"new")

    assert 0o640 == stat.S_IMODE(path.stat().st_mode)


def test_what_was_there_outlives_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full, the old file is whole, and nothing lies beside it."""
    path = tmp_path / "thresholds.yml"
    path.write_bytes(b"old")

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UnwritableError, match=r"cannot be written \(No space left on device\)"):
        save(path, b"new")

    assert ([path], b"old") == (list(tmp_path.iterdir()), path.read_bytes())


@pytest.mark.parametrize("name", ["nowhere/page.html", ".", "page.html/inside"])
def test_where_no_file_can_be_is_said(tmp_path: Path, name: str) -> None:
    """The message has the path as it was given."""
    (tmp_path / "page.html").touch()

    with pytest.raises(UnwritableError, match="cannot be written"):
        save(tmp_path / name, b"new")


def test_a_device_is_written_to(tmp_path: Path) -> None:
    """What is no file is not replaced by one."""
    del tmp_path

    save(Path("/dev/null"), b"new")

    assert Path("/dev/null").is_char_device()
    with pytest.raises(UnwritableError, match="/dev/full"):
        save(Path("/dev/full"), b"new")
