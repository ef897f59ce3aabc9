"""What a trial leaves behind: files, each written whole or not at all."""

import contextlib
import os
import shutil
from pathlib import Path

from callmon.errors import CallmonError

__all__ = ["UnwritableError", "save"]


class UnwritableError(CallmonError):
    """A file cannot be written; what was there before is as it was."""


def save(path: Path, content: bytes) -> None:
    """Write *content* to *path*; a full disk leaves no half of it, and no half of the old.

    Raises:
        UnwritableError: it cannot be written.
    """
    try:
        target = path.resolve()  # a link goes on being one
        if target.exists() and not target.is_file():
            target.write_bytes(content)
        else:
            _replace(target, content)
    except OSError as error:
        raise UnwritableError(f"{path}: cannot be written ({error.strerror})") from error


def _replace(target: Path, content: bytes) -> None:
    """Put a file with *content* in the place of *target*, as open to others as that is."""
    if target.exists():
        target.open("ab").close()  # who may not write it may perhaps put another in its place
    fresh = target.with_name(f".{target.name[:200]}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        if target.exists():
            shutil.copymode(target, fresh)
            of = target.stat()
            with contextlib.suppress(PermissionError):
                os.chown(fresh, of.st_uid, of.st_gid)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
