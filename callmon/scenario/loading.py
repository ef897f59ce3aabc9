"""Calls that truly happened: a day of logs and recordings, moved to the scenario's day."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from callmon.clock import Micros
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    Event,
    FeedChanged,
    QueueReported,
    SourceRestarted,
)
from callmon.feeds.queue_log import in_order, read_file
from callmon.feeds.recording import is_recording
from callmon.replay.live import Recordings, Told, as_tailed, together
from callmon.replay.play import refuse_copies

__all__ = ["Loaded", "load_day"]

_OF_NO_CALLER = AgentChanged | AgentRemoved | FeedChanged | QueueReported | SourceRestarted


@dataclasses.dataclass(frozen=True, slots=True)
class Loaded:
    """What a day of the past tells, at the instants of the scenario's day."""

    source: str
    live: bool  #: a recording is among the files
    told: Sequence[Told]
    spelled: frozenset[str]  #: the queues in it, as the source calls them
    called: frozenset[str]  #: those of whose callers it tells

    @property
    def last(self) -> Micros | None:
        """Return when the last was told."""
        return self.told[-1].at if self.told else None


def load_day(
    paths: Sequence[Path], source: str, begin: Micros, end: Micros, shift: Micros
) -> Loaded:
    """Return what *paths* tell of the time from *begin* on and before *end*, *shift* later.

    Raises:
        FeedError: a file cannot be read.
        WrongRequestError: a file was given twice.
        OverlapError: a recording begins before another has ended.
    """
    refuse_copies(paths)
    recorded = [path for path in paths if is_recording(path)]
    logs = in_order([path for path in paths if path not in recorded])
    batches = (batch.events for path in logs for batch in read_file(path, source))
    if recorded:
        stream = together(Recordings(recorded, source).told(), as_tailed(batches))
    else:
        stream = (Told(event.at, live=False, events=[event]) for e in batches for event in e)
    told = [
        Told(one.at + shift, one.live, [_moved(event, shift) for event in one.events])
        for one in _within(stream, begin, end)
    ]
    spelled = frozenset(
        event.queue
        for one in told
        for event in one.events
        if not isinstance(event, FeedChanged | SourceRestarted)
    )
    called = frozenset(
        event.queue
        for one in told
        for event in one.events
        if not isinstance(event, _OF_NO_CALLER)
    )
    return Loaded(source, bool(recorded), told, spelled, called)


def _within(stream: Iterator[Told], begin: Micros, end: Micros) -> Iterator[Told]:
    """Yield what is told of the time between; a log may step back a little in time."""
    for told in stream:
        events = [event for event in told.events if begin <= event.at < end]
        if events:
            yield Told(told.at, told.live, events)


def _moved(event: Event, shift: Micros) -> Event:
    """Return *event* with everything *shift* later."""
    if not shift:
        return event
    changes = {"at": event.at + shift}
    if isinstance(event, AgentChanged) and event.wrapup_until:
        changes["wrapup_until"] = event.wrapup_until + shift
    if isinstance(event, QueueReported) and event.day_start is not None:
        changes["day_start"] = event.day_start + shift
    return msgspec.structs.replace(event, **changes)
