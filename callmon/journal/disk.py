"""The disk under the journal: what goes wrong with it, who holds it, what is set aside."""

import contextlib
import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from pathlib import Path
from typing import Final

from callmon.journal.entries import JournalError, JournalReason

__all__ = [
    "NAME",
    "Lock",
    "damaged_files",
    "forget_wal",
    "is_full",
    "journal_error",
    "mapped",
    "set_aside",
]

NAME: Final = "journal.db"
LOCK_NAME: Final = "journal.lock"

ROOM_AT_LEAST: Final = 1 << 16
"""Bytes without which a disk that was full is so still."""

DAMAGED_AT_MOST: Final = 3
"""Files that are set aside: a disk that damages every file must not fill itself."""

_REASONS: Final = {
    sqlite3.SQLITE_FULL: JournalReason.FULL,
    sqlite3.SQLITE_READONLY: JournalReason.READ_ONLY,
    sqlite3.SQLITE_PERM: JournalReason.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: JournalReason.CORRUPT,
    sqlite3.SQLITE_NOTADB: JournalReason.CORRUPT,
    sqlite3.SQLITE_BUSY: JournalReason.LOCKED,
    sqlite3.SQLITE_LOCKED: JournalReason.LOCKED,
}

_WORDS: Final = {
    JournalReason.FULL: "no room left on the disk",
    JournalReason.READ_ONLY: "cannot be written, read-only or no permission",
    JournalReason.CORRUPT: "damaged",
    JournalReason.LOCKED: "held by another program",
    JournalReason.NEWER: "written by a newer callmon",
    JournalReason.REMOVED: "moved or deleted by somebody",
    JournalReason.OTHER: "failed",
}


def journal_error(path: Path, reason: JournalReason, detail: str) -> JournalError:
    """Return the error that says what is wrong with the file at *path*."""
    return JournalError(reason, f"{path}: {_WORDS[reason]} ({detail})")


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say into a ``JournalError``."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        reason = _REASONS.get(code) or _look_at_disk(path.parent)
        raise journal_error(path, reason, str(error)) from error
    except OSError as error:
        raise journal_error(path, _reason_of(error), error.strerror or str(error)) from error


def _reason_of(error: OSError) -> JournalReason:
    if error.errno in {ENOSPC, EDQUOT}:
        return JournalReason.FULL
    if error.errno in {EPERM, EACCES, EROFS}:
        return JournalReason.READ_ONLY
    return JournalReason.OTHER


def _look_at_disk(directory: Path) -> JournalReason:
    """Tell what is wrong where SQLite says no more than that reading or writing failed."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return JournalReason.OTHER
    if found.f_flag & os.ST_RDONLY or not os.access(directory, os.W_OK):
        return JournalReason.READ_ONLY
    return JournalReason.OTHER if found.f_bavail else JournalReason.FULL


def is_full(directory: Path) -> bool:
    """Tell whether there is so little room that no more than a small commit fits by chance."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < ROOM_AT_LEAST


class Lock:
    """Keeps a second callmon out of the directory, for as long as this one lives."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK_NAME
        self._descriptor = -1

    def take(self) -> None:
        """Hold the directory, also one that has come in the place of the former.

        Raises:
            JournalError: somebody else does, or there is no way to.
        """
        if self._descriptor >= 0:
            if self._is_in_place():
                return
            self.release()
        with mapped(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Read-only will do: also where nothing can be written the state can be read.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise JournalError(
                JournalReason.LOCKED, f"{self._path}: in use by another process"
            ) from error
        self._descriptor = descriptor

    def _is_in_place(self) -> bool:
        """Tell whether the file that is held is the one that others will find."""
        held = os.fstat(self._descriptor)
        try:
            found = self._path.stat()
        except OSError:
            return False
        return (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)

    def release(self) -> None:
        """Let go; the file stays, because who waits for it may hold it open."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def forget_wal(path: Path) -> None:
    """Delete what belonged to a file that is gone: SQLite would take it for the next one's.

    Raises:
        JournalError: it cannot be deleted.
    """
    with mapped(path):
        for end in ("-wal", "-shm"):
            path.with_name(f"{path.name}{end}").unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Rename a damaged file, so that a fresh one can be begun; return its new name.

    Its WAL goes with it, under the name under which SQLite looks for it.

    Raises:
        JournalError: it cannot be renamed.
    """
    with mapped(path):
        former = _set_aside_before(path)
        for _, old in former[: max(0, len(former) - DAMAGED_AT_MOST + 1)]:
            for file in (old, old.with_name(f"{old.name}-wal")):
                file.unlink(missing_ok=True)
        number = former[-1][0] + 1 if former else 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
        for end in ("-wal", ""):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(f"{path.name}{end}").rename(f"{aside}{end}")
    return aside


def damaged_files(path: Path) -> int | None:
    """Return how many files were set aside and are still there; None: nobody can tell."""
    try:
        return len(_set_aside_before(path))
    except OSError:
        return None


def _set_aside_before(path: Path) -> list[tuple[int, Path]]:
    """Return what was set aside, the oldest first."""
    pattern = re.compile(re.escape(path.name) + r"\.damaged-(\d+)")
    return sorted(
        (int(match[1]), file)
        for file in path.parent.iterdir()
        if (match := pattern.fullmatch(file.name))
    )
