"""Where the past comes from: logs and recordings, or the journal."""

import dataclasses
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from callmon.clock import Micros
from callmon.engine import EngineSettings
from callmon.feeds.queue_log import stored_bytes
from callmon.replay import play
from callmon.trial.lean import lean_state
from callmon.trial.lived import Lived, lived

__all__ = ["FileHistory", "History"]


class History(Protocol):
    """A past that can be lived through again, as often as one likes."""

    @property
    def size(self) -> int:
        """How much there is to read: what progress is told adds up to it."""

    def last(self) -> Micros | None:
        """Return the instant of the newest that there is; None: only reading can tell."""

    def live(
        self,
        settings: EngineSettings,
        *,
        since: Micros | None = None,
        until: Micros | None = None,
        progress: Callable[[int], None] = lambda _read: None,
    ) -> Lived:
        """Live through it with *settings*.

        With *since* it may begin later than the history does, but early enough for every
        window to be whole and every caller to be known at that instant.

        Raises:
            CallmonError: it cannot be read.
        """


@dataclasses.dataclass(frozen=True, slots=True)
class FileHistory:
    """Logs and recordings of one telephone system, as ``callmon replay`` takes them."""

    paths: Sequence[Path]
    source: str

    @property
    def size(self) -> int:
        """Bytes, as they are stored."""
        return stored_bytes(self.paths)

    def last(self) -> Micros | None:
        """Return None: logs are read from their beginning."""

    def live(
        self,
        settings: EngineSettings,
        *,
        since: Micros | None = None,
        until: Micros | None = None,
        progress: Callable[[int], None] = lambda _read: None,
    ) -> Lived:
        """Live through the files, from their beginning: they cannot be entered midway."""
        del since
        moments = array("q")
        played = play(
            self.paths,
            settings,
            source=self.source,
            until=until,
            subject_state=lean_state(settings.thresholds),
            progress=progress,
            moments=moments,
        )
        return dataclasses.replace(lived(played), moments=moments)
