"""Drives the engine with logs and recordings, by their own time."""

import dataclasses
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from callmon.clock import Micros
from callmon.engine import Engine, EngineSettings
from callmon.errors import FeedError, FeedReason
from callmon.events import Event, FeedChanged
from callmon.feeds.log_file import Facts, LogFile
from callmon.feeds.queue_log import in_order, read_file
from callmon.feeds.recording import is_recording
from callmon.queues import SubjectState
from callmon.replay.live import (
    OverlapError,
    Recordings,
    Told,
    as_tailed,
    feed_changed,
    together,
)

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
    moments: "array[int] | None" = None  #: of each event, for whoever asks for them

    def taken(self, events: Sequence[Event], until: Micros | None) -> Sequence[Event]:
        """Return those of *events* that count, up to *until*, and note them."""
        wanted = events
        if until is not None:
            wanted = [event for event in events if event.at <= until]
            self.later += len(events) - len(wanted)
        if wanted and not isinstance(wanted[0], FeedChanged):  # which is our own word
            self.events += len(wanted)
            if self.moments is not None:
                self.moments.extend(event.at for event in wanted)
            first, last = (pick(event.at for event in wanted) for pick in (min, max))
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)
        return wanted

    def drop(self, drops: Counter[tuple[str, str]]) -> None:
        """Note what was not used, by (stage, reason)."""
        for (stage, reason), count in drops.items():
            self.dropped[f"{stage}: {reason}"] += count


def play(
    paths: Sequence[Path],
    settings: EngineSettings,
    *,
    source: str,
    until: Micros | None = None,
    subject_state: type[SubjectState] = SubjectState,
    progress: Callable[[int], None] = lambda _read: None,
    moments: "array[int] | None" = None,
) -> Played:
    """Read *paths*, oldest first, and return the state at *until* or at the end.

    Logs and recordings are told apart by content; all are of one system, *source*. The
    state at *until* is the one after everything of that instant. *progress* gets the number
    of bytes read, as they are stored, each time there are more; *moments* the instant of
    each event.

    Raises:
        FeedError: a file cannot be read, or is damaged.
        WrongRequestError: a file was given twice, or recordings overlap.
    """
    refuse_copies(paths)
    recorded = [path for path in paths if is_recording(path)]
    logs = in_order([path for path in paths if path not in recorded])
    live_sources = frozenset({source}) if recorded else frozenset()
    settings = dataclasses.replace(settings, live_sources=live_sources)
    played = Played(Engine(settings, subject_state=subject_state), logs, moments=moments)
    batches = _batches(played, source, progress)
    if recorded:
        recordings = Recordings(recorded, source, progress)
        _play_live(played, recordings, as_tailed(batches), until)
    else:
        for events in batches:
            played.engine.apply_all(played.taken(events, until))
    end = until if until is not None else played.last
    if end is not None:
        played.engine.advance(end)
    for reason, count in played.engine.dropped.items():
        played.dropped[f"engine: {reason}"] += count
    return played


def _play_live(
    played: Played, recordings: Recordings, logged: Iterator[Told], until: Micros | None
) -> None:
    """Let the engine hear a live feed and, if there are logs, one that keeps a record."""
    engine = played.engine
    unheard = bool(played.files)
    try:
        for told in together(recordings.told(), logged):
            if unheard:
                unheard = False
                engine.apply(feed_changed(told.at, recordings.source, live=False))
            # What a feed tells late may still be about an instant before the end.
            engine.advance(told.at if until is None else min(told.at, until))
            engine.apply_all(played.taken(told.events, until), live=told.live)
    except OverlapError as error:
        raise WrongRequestError(f"expected one recording at a time, but {error}") from error
    played.files = [*played.files, *recordings.paths]
    played.lines += recordings.records
    played.drop(recordings.drops)


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
            played.drop(batch.drops)
            progress(batch.done - done)
            done = batch.done
            yield batch.events
