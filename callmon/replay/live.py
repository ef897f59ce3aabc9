"""Plays recordings of a live feed, alone or beside the logs of the same system.

What a live feed tells and what a log tells reach the engine in the order in which a daemon
would have had them: bytes when they were received, a line of a log when it could be read.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from callmon.clock import SECOND, Micros
from callmon.decode.ami_interpreter import AmiInterpreter
from callmon.decode.recording import Mark, Marked, Record
from callmon.events import Event, FeedChanged
from callmon.feeds.recording import first_record_at, read_recording
from callmon.replay.playback import Playback

__all__ = [
    "OverlapError",
    "Recordings",
    "Told",
    "as_tailed",
    "feed_changed",
    "together",
]

LIVE_FEED = "asterisk_ami"
RECORD_FEED = "queue_log"
"""What the feeds are called in a replay."""

TAILED_AFTER: Micros = SECOND
"""A log has whole seconds: the moment of a line may be that much later than its stamp."""


class OverlapError(Exception):
    """A recording begins before another has ended: two sessions would tell all twice."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} begins before another recording has ended")


class Told(NamedTuple):
    """Events that one feed tells at one moment."""

    at: Micros  #: when they are told, by the clock of the system they come from
    live: bool
    events: Sequence[Event]


_WHEN: Callable[[Told], Micros] = attrgetter("at")


class Recordings:
    """The recordings of one system, in order of time, as one feed that comes and goes."""

    def __init__(
        self,
        paths: Iterable[Path],
        source: str,
        progress: Callable[[int], None] = lambda _read: None,
    ) -> None:
        begun = {path: first_record_at(path) for path in paths}
        self.paths = sorted(begun, key=lambda path: begun[path])
        self.records = 0
        self.end: Micros = 0  #: when the last was made, by the clock of the system
        self.source = source
        self._progress = progress
        self._interpreter = AmiInterpreter(source)
        self._playback = Playback(self._interpreter)
        self._offset: Micros | None = None
        self._up = False

    @property
    def drops(self) -> Counter[tuple[str, str]]:
        """What was not used, by (stage, reason)."""
        return self._playback.drops + self._interpreter.drops

    def told(self) -> Iterator[Told]:
        """Yield what the feed would have told.

        Raises:
            FeedError: a file cannot be read.
            OverlapError: one begins before another has ended.
        """
        end: Micros = 0
        for path in self.paths:
            for number, record in enumerate(read_recording(path, self._progress)):
                if not number and record.at < end:
                    raise OverlapError(path)
                end = max(end, record.at)
                self.records += 1
                for received, events in self._playback.play(record):
                    yield self._told(received, events)
                yield self._told(record.at, self._seeing(record))

    def _seeing(self, record: Record) -> list[Event]:
        """Return whether the feed sees, when that has changed.

        It has not when the recorder was stopped: nothing more is known, that is all.
        """
        up = self._interpreter.synced
        if up is self._up or (isinstance(record, Marked) and record.mark == Mark.STOP):
            return []
        self._up = up
        return [feed_changed(record.at, self.source, live=True, up=up)]

    def _told(self, received: Micros, events: Sequence[Event]) -> Told:
        # What came with the least delay tells the difference of the clocks best.
        offset = self._interpreter.offset
        if offset:
            self._offset = offset if self._offset is None else max(self._offset, offset)
        self.end = received + (self._offset or 0)
        return Told(self.end, live=True, events=events)


def feed_changed(at: Micros, source: str, *, live: bool, up: bool = True) -> FeedChanged:
    """Return the news that the feed of a replay sees, or is blind."""
    feed = LIVE_FEED if live else RECORD_FEED
    return FeedChanged(at, source, 0, feed, up, live, agents=live)


def as_tailed(batches: Iterable[Sequence[Event]]) -> Iterator[Told]:
    """Yield a log's events, each second's together, when a daemon could have read them."""
    at: Micros = 0
    for batch in batches:
        for stamp, events in groupby(batch, key=attrgetter("at")):
            at = max(at, stamp + TAILED_AFTER)
            yield Told(at, live=False, events=list(events))


def together(*feeds: Iterable[Told]) -> Iterator[Told]:
    """Yield what several feeds tell, in the order of time."""
    return heapq.merge(*feeds, key=_WHEN)
