"""What must survive a restart, in one file that is replaced whole or not at all.

It holds how far each feed was read, the counters as of there, and the alerts that
Alertmanager has been told of. Windows, waiting contacts and threshold states are not in
it: they are rebuilt by reading the log again.
"""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog

from callmon.clock import Micros

__all__ = ["Checkpoint", "CheckpointError", "CheckpointFile"]

log = structlog.get_logger(__name__)

VERSION = 1
NAME = "checkpoint.json"


class Checkpoint(msgspec.Struct):
    """The state of the daemon at one moment, as plain values."""

    version: int
    at: Micros  #: engine time
    oldest_open: Micros | None  #: when the oldest contact that is still open joined
    positions: dict[str, dict[str, str | int]]  #: by feed
    counters: dict[str, Any]  #: ``Engine.snapshot``
    alerts: list[dict[str, Any]]  #: ``AlertmanagerSink.snapshot``
    types: dict[str, str] = {}  #: by feed: of what type it was, for only that can read on
    streams: dict[str, str] = {}  #: by feed: what it read, for it may have a new name
    visits: list[list[Any]] = []  #: ``Engine.open_visits``

    def place_of(self, feed: str, type_name: str) -> dict[str, str | int] | None:
        """Return where a feed of a type goes on; None where it has nowhere to."""
        known = self.types.get(feed, type_name)
        return self.positions.get(feed) if known == type_name else None

    def adopt(self, streams: Mapping[str, str]) -> None:
        """Give feeds that read what a feed of another name has read that one's place.

        *streams* is what every configured feed reads, by name.
        """
        gone = {
            stream: feed
            for feed, stream in self.streams.items()
            if feed not in streams and feed in self.positions
        }
        for feed, stream in streams.items():
            if feed not in self.positions and stream in gone:
                former = gone[stream]
                self.positions[feed] = self.positions.pop(former)
                self.types[feed] = self.types.pop(former)


class _Version(msgspec.Struct):
    version: int


class CheckpointError(Exception):
    """The file is there but cannot be used; the text says why and what happens now."""


class CheckpointFile:
    """Reads and writes the checkpoint in a directory. Blocks on the disk."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self.trouble = ""  #: why the last ``try_store`` failed; empty: it did not
        self._writing = threading.Lock()

    def load(self) -> Checkpoint | None:
        """Return what was stored; None when nothing was.

        Raises:
            CheckpointError: the file is damaged, unreadable, or of a newer callmon.
        """
        try:
            text = self.path.read_bytes()
            version = msgspec.json.decode(text, type=_Version).version
            if version != VERSION:
                raise CheckpointError(
                    f"{self.path}: expected version {VERSION}, found {version}"
                )
            return msgspec.json.decode(text, type=Checkpoint)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CheckpointError(f"{self.path}: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            raise CheckpointError(f"{self.path}: damaged: {error}") from error

    def load_or_set_aside(self) -> Checkpoint | None:
        """Return what was stored; None when nothing was, or nothing that can be used."""
        try:
            return self.load()
        except CheckpointError as error:
            log.error("checkpoint.refused", error=str(error))  # noqa: TRY400  # foreseen
        try:
            log.warning("checkpoint.set_aside", path=str(self.set_aside()))
        except OSError as error:
            # It will be overwritten, if that is possible: monitoring is what matters.
            log.error("checkpoint.stays", error=str(error))  # noqa: TRY400  # foreseen
        return None

    def try_store(self, checkpoint: Checkpoint) -> None:
        """Store; when that fails, say so in ``trouble`` and once in the log."""
        try:
            self.store(checkpoint)
        except OSError as error:
            trouble = f"{self.path}: {error.strerror}"
            if trouble != self.trouble:
                log.error("checkpoint.failed", error=trouble)  # noqa: TRY400  # foreseen
            self.trouble = trouble
        else:
            self.trouble = ""

    def store(self, checkpoint: Checkpoint) -> None:
        """Replace the stored checkpoint.

        May be called from several threads: who stores at the stop may find that a store
        that was given up is still under way.

        Raises:
            OSError: it could not be written; the former one is still there.
        """
        with self._writing:
            self._replace(checkpoint)

    def _replace(self, checkpoint: Checkpoint) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        # Only for us: with AMI there are call ids and agents' names in it.
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(checkpoint))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # without it the new name may be lost with the power
        finally:
            os.close(folder)

    def set_aside(self) -> Path:
        """Rename a file that cannot be used, so that it is not overwritten; return where."""
        aside = self.path.with_suffix(".damaged")
        self.path.replace(aside)
        return aside
