"""A small disk that is full for a while."""

import contextlib
import errno
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from callmon.clock import SECOND, Clock, Micros

__all__ = ["Ballast", "small_disk"]

LARGE, SMALL = 1 << 20, 4_096
AGAIN: Micros = SECOND // 50
"""So often what was given free is taken again."""


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a disk of its own at *folder*; this needs root."""
    folder.mkdir()
    options = f"size={megabytes}m,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Ballast:
    """A file that takes all there is."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / "ballast"
        self._clock = clock

    async def weigh(self, length: Micros) -> None:
        """Keep the disk full for *length*."""
        end = self._clock.monotonic() + length
        try:
            with self._path.open("ab", buffering=0) as out:
                while self._clock.monotonic() < end:
                    for size in (LARGE, SMALL):
                        _fill(out.write, b"\0" * size)
                    await self._clock.sleep(AGAIN)
        finally:
            self._path.unlink()


def _fill(write: Callable[[bytes], int | None], block: bytes) -> None:
    while True:
        try:
            written = write(block)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return
        if written is None or written < len(block):
            return
