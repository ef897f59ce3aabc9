"""Drives the engine with logs, by the logs' own time."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from callmon.clock import Micros
from callmon.engine import Engine, EngineSettings
from callmon.errors import FeedError, FeedReason
from callmon.events import Event
from callmon.feeds.log_file import Facts, LogFile
from callmon.feeds.queue_log import in_order, read_file
from callmon.queues import SubjectState

__all__ = ["Played", "WrongRequestError", "play", "refuse_copies"]


class WrongRequestError(Exception):
    """What was asked for makes no sense; the text says what was expected."""


@dataclasses.dataclass(slots=True)
class Played:
    """The engine after the last event, and what went into it."""

    engine: Engine
    files: Sequence[Path]  #: in the order in which they were read
    lines: int = 0
    events: int = 0
    later: int = 0  #: events after the end that was asked for
    first: Micros | None = None  #: the first event's instant
    last: Micros | None = None  #: the last one's
    dropped: Counter[str] = dataclasses.field(default_factory=Counter)


def play(
    paths: Sequence[Path],
    settings: EngineSettings,
    *,
    source: str,
    until: Micros | None = None,
    subject_state: type[SubjectState] = SubjectState,
    progress: Callable[[int], None] = lambda _read: None,
) -> Played:
    """Read *paths*, oldest file first, and return the state at *until* or at the end.

    The state at *until* is the one after everything of that instant. *progress* gets the
    number of bytes read, as they are stored, each time there are more.

    Raises:
        FeedError: a file cannot be read, or is damaged.
        WrongRequestError: a file was given twice.
    """
    refuse_copies(paths)
    played = Played(Engine(settings, subject_state=subject_state), in_order(paths))
    for events in _batches(played, source, progress):
        wanted = events
        if until is not None:
            wanted = [event for event in events if event.at <= until]
            played.later += len(events) - len(wanted)
        _note(played, wanted)
        played.engine.apply_all(wanted)
    end = until if until is not None else played.last
    if end is not None:
        played.engine.advance(end)
    for reason, count in played.engine.dropped.items():
        played.dropped[f"engine: {reason}"] += count
    return played


def refuse_copies(paths: Iterable[Path]) -> None:
    """See that no call is counted twice: not by a file given twice, nor by a copy of one.

    Raises:
        FeedError: a file cannot be read.
        WrongRequestError: two of them have the same text, at least at the beginning.
    """
    known: list[Facts] = []
    for path in paths:
        try:
            with LogFile(path) as file:
                facts = file.facts()
        except OSError as error:
            raise FeedError(
                FeedReason.LOST,
                f"{path}: expected a log, plain or .gz; {error.strerror}",
                retry=False,
            ) from error
        for other in known:
            if facts.identity == other.identity:
                raise _twice(f"{path} and {other.path} are the same file")
            if facts.size and other.size and (facts.copies(other) or other.copies(facts)):
                raise _twice(f"{path} and {other.path} begin with the same lines")
        known.append(facts)


def _twice(what: str) -> WrongRequestError:
    return WrongRequestError(f"expected each log once, but {what}: leave one out")


def _batches(
    played: Played, source: str, progress: Callable[[int], None]
) -> Iterator[list[Event]]:
    for path in played.files:
        done = 0
        for batch in read_file(path, source):
            played.lines += batch.lines
            for (stage, reason), count in batch.drops.items():
                played.dropped[f"{stage}: {reason}"] += count
            progress(batch.done - done)
            done = batch.done
            yield batch.events


def _note(played: Played, events: Sequence[Event]) -> None:
    if not events:
        return
    played.events += len(events)
    first = min(event.at for event in events)
    last = max(event.at for event in events)
    played.first = first if played.first is None else min(played.first, first)
    played.last = last if played.last is None else max(played.last, last)
