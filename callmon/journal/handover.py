"""What waits for the disk: filled by the event loop, emptied by the writing thread.

The promise that is kept here: what reaches the disk is always a checkpoint and *all* later
inputs. When that cannot be kept, because too much waits or the file was lost, the
inputs are given up and nothing is written until a checkpoint of everything stands in for
them. Of what was given up the positions and ids stay: they belong to that checkpoint.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from callmon.clock import Micros
from callmon.events import Event, FeedChanged
from callmon.feeds.base import Position
from callmon.intervals import Interval
from callmon.journal.entries import (
    AlertRecord,
    AlertStepRecord,
    FeedInfo,
    Staffing,
    TimePassed,
)

__all__ = ["Checkpoint", "Handover", "Known", "Load", "Run"]

ROWS_AT_MOST = 100_000
"""Intervals, alerts, their steps, staffing and kept facts that wait, each: days of the
largest site."""

AlertName = tuple[str, str, str, str, Micros]
"""Threshold, kind, subject, severity and the moment of firing."""


@dataclass(frozen=True, slots=True)
class Run:
    """Events of one feed, as they were told."""

    feed: str
    events: Sequence[Event]
    ids: Sequence[int | None]
    position: Position | None
    live: bool = False  #: as the feed was when it told them


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of the engine, or what has changed of it, after *after* inputs of a load."""

    at: Micros
    parts: Mapping[str, bytes | None]
    whole: bool
    after: int

    def then(self, later: "Checkpoint", shift: int) -> "Checkpoint":
        """Return both in one, in the place of *later*, *shift* inputs further on."""
        if later.whole:
            return Checkpoint(later.at, later.parts, whole=True, after=later.after + shift)
        parts = {**self.parts, **later.parts}
        return Checkpoint(later.at, parts, whole=self.whole, after=later.after + shift)


@dataclass(slots=True)
class Known:
    """What is known beside the engine: of feeds, and the facts that were kept."""

    remembered: int  #: ids of each feed at most
    feeds: dict[str, FeedInfo] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    ids: dict[str, deque[int]] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)

    def tell(self, feed: str, ids: Sequence[int | None], position: Position | None) -> None:
        """Take what a run of events says of its feed."""
        known = [found for found in ids if found is not None]
        if known:
            self.ids.setdefault(feed, deque(maxlen=self.remembered)).extend(known)
        if position is not None:
            self.positions[feed] = position

    def update(self, later: "Known") -> None:
        """Take what is known since."""
        self.feeds.update(later.feeds)
        self.positions.update(later.positions)
        for feed, ids in later.ids.items():
            self.tell(feed, tuple(ids), None)
        self.kept.update(later.kept)


@dataclass(slots=True)
class Load:
    """What goes to the disk in one transaction."""

    known: Known  #: from before the inputs
    inputs: list[Run | TimePassed] = field(default_factory=list)
    count: int = 0  #: events and marks in the inputs
    checkpoint: Checkpoint | None = None
    intervals: dict[tuple[str, Micros, str], Interval] = field(default_factory=dict)
    alerts: dict[AlertName, AlertRecord] = field(default_factory=dict)
    alert_steps: dict[tuple[AlertName, str, str], AlertStepRecord] = field(default_factory=dict)
    staffing: dict[tuple[str, Micros], Staffing] = field(default_factory=dict)
    done: list[Callable[[], None]] = field(default_factory=list)

    def is_empty(self) -> bool:
        """Tell whether there is nothing to write."""
        return not (
            self.inputs
            or self.done
            or self.checkpoint
            or self.intervals
            or self.alerts
            or self.alert_steps
            or self.staffing
            or self.known.kept
            or self.known.feeds
            or self.known.positions
        )

    def give_up(self) -> int:
        """Forget inputs and checkpoint, keep what they say of feeds; return how many events.

        Marks of time, and of feeds that came or went, do not count: nobody misses them.
        """
        events = 0
        for told in self.inputs:
            if isinstance(told, Run):
                events += sum(not isinstance(event, FeedChanged) for event in told.events)
                self.known.tell(told.feed, told.ids, told.position)
        self.count = 0
        self.inputs = []
        self.checkpoint = None
        return events

    def add_alerts(self, records: Iterable[AlertRecord]) -> None:
        """Take newer news of alerts; the cause stays the one that was told first."""
        for record in records:
            name = _name(record)
            known = self.alerts.get(name)
            if known is not None and known.cause is not None:
                self.alerts[name] = msgspec.structs.replace(record, cause=known.cause)
            else:
                self.alerts[name] = record

    def add_alert_steps(self, records: Iterable[AlertStepRecord]) -> None:
        """Take steps of alerts that are not known yet."""
        for record in records:
            self.alert_steps.setdefault((_name(record), record.step, record.detail), record)

    def absorb(self, later: "Load") -> None:
        """Put *later* behind; what was given up of it must be newer than these inputs."""
        if later.checkpoint is not None:
            shift = len(self.inputs)
            self.checkpoint = (
                self.checkpoint.then(later.checkpoint, shift)
                if self.checkpoint
                else Checkpoint(
                    later.checkpoint.at,
                    later.checkpoint.parts,
                    whole=later.checkpoint.whole,
                    after=later.checkpoint.after + shift,
                )
            )
        self.known.update(later.known)
        self.inputs += later.inputs
        self.count += later.count
        self.intervals.update(later.intervals)
        self.add_alerts(later.alerts.values())
        self.add_alert_steps(later.alert_steps.values())
        self.staffing.update(later.staffing)
        self.done += later.done


def _name(record: AlertRecord | AlertStepRecord) -> AlertName:
    return record.threshold, record.kind, record.subject, record.severity, record.fired_at


class Handover:
    """The load that is being filled, and the count of the one that is being written."""

    def __init__(self, capacity: int, remembered: int, urgent: int) -> None:
        self.changed = threading.Condition()
        """Notified when something is there, when it becomes urgent, and at the end."""
        self.gap = False  #: inputs were given up and no whole checkpoint stands in yet
        self.wants_whole = False  #: changes alone would not do
        self.given_up = 0
        self.closing = False
        self._capacity = capacity
        self._remembered = remembered
        self._urgent = urgent
        self._writing = 0
        self._flight_lost = False
        self._load = self._fresh()

    def _fresh(self) -> Load:
        return Load(Known(self._remembered))

    # ---- in the loop ----------------------------------------------------------------

    @property
    def pending(self) -> int:
        """How many events and marks are not durable."""
        return self._load.count + self._writing

    def add(self, told: Run | TimePassed, count: int) -> None:
        """Take an input of the engine."""
        with self.changed:
            if self.pending + count > self._capacity and not self.gap:
                self._lose()
            before = self._load.count
            self._load.inputs.append(told)
            self._load.count += count
            if self.gap:
                self.given_up += self._load.give_up()
            elif before == 0 or before < self._urgent <= self._load.count:
                self.changed.notify()

    def add_checkpoint(
        self, at: Micros, parts: Mapping[str, bytes | None], *, whole: bool
    ) -> None:
        """Take a checkpoint; changes alone are of no use where the whole is wanted."""
        with self.changed:
            if self.wants_whole and not whole:
                return
            load = self._load
            later = Checkpoint(at, parts, whole, len(load.inputs))
            load.checkpoint = load.checkpoint.then(later, 0) if load.checkpoint else later
            if whole:
                self.gap = self.wants_whole = False
            self.changed.notify()

    def add_feed(
        self,
        *feeds: FeedInfo,
        positions: Mapping[str, Position] | None = None,
        ids: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """Take what feeds are, and what they go on with: all of it, or nothing, survives."""
        with self.changed:
            known = self._load.known
            known.feeds.update({info.name: info for info in feeds})
            known.positions.update(positions or {})
            for feed, told in (ids or {}).items():
                known.tell(feed, told, None)
            self.changed.notify()

    def add_kept(self, key: str, value: bytes) -> None:
        """Take a fact; a newer one of the same key replaces it."""
        with self.changed:
            self._load.known.kept[key] = value
            self._limit(self._load.known.kept)
            self.changed.notify()

    def add_intervals(self, rows: Sequence[Interval]) -> None:
        """Take half-hours; newer ones replace them."""
        with self.changed:
            self._load.intervals.update(
                {(row.queue, row.start, row.cohort): row for row in rows}
            )
            self._limit(self._load.intervals)
            self.changed.notify()

    def add_alerts(self, records: Sequence[AlertRecord]) -> None:
        """Take alerts; newer news of the same replaces them."""
        with self.changed:
            self._load.add_alerts(records)
            self._limit(self._load.alerts)
            self.changed.notify()

    def add_alert_steps(self, records: Sequence[AlertStepRecord]) -> None:
        """Take what became of alerts; what is told again stays as it was told first."""
        with self.changed:
            self._load.add_alert_steps(records)
            self._limit(self._load.alert_steps)
            self.changed.notify()

    def add_staffing(self, rows: Sequence[Staffing]) -> None:
        """Take counts of agents; newer ones of a half-hour replace them."""
        with self.changed:
            self._load.staffing.update({(row.queue, row.start): row for row in rows})
            self._limit(self._load.staffing)
            self.changed.notify()

    def add_done(self, done: Callable[[], None]) -> None:
        """Take whom to call when all that was handed over is durable."""
        with self.changed:
            self._load.done.append(done)
            if len(self._load.done) == 1:
                self.changed.notify()

    def lose(self) -> None:
        """Give up what waits: what is on the disk does not go before it."""
        with self.changed:
            self._lose()

    def want_whole(self) -> None:
        """Refuse changes until there is a checkpoint of everything."""
        with self.changed:
            self.wants_whole = True

    def close(self) -> None:
        """Tell the thread to write what there is and end."""
        with self.changed:
            self.closing = True
            self.changed.notify()

    def _limit(self, rows: dict[Any, Any]) -> None:
        while len(rows) > ROWS_AT_MOST:
            del rows[next(iter(rows))]
            self.given_up += 1

    def _lose(self) -> None:
        self.given_up += self._load.give_up()
        self.gap = self.wants_whole = True
        if self._writing:
            self._flight_lost = True
            self._writing = 0

    # ---- in the thread --------------------------------------------------------------

    def is_due(self) -> bool:
        """Tell whether something waits that should not; hold ``changed``."""
        return self.closing or (
            not self.gap and (bool(self._load.done) or self._load.count >= self._urgent)
        )

    def is_crowded(self) -> bool:
        """Tell whether so much waits that nobody should rest; hold ``changed``."""
        return self.closing or self._load.count >= self._urgent

    def has_work(self) -> bool:
        """Tell whether there is anything to write; hold ``changed``."""
        return self.closing or not (self.gap or self._load.is_empty())

    def take(self) -> Load | None:
        """Return all that may be written now, in one transaction."""
        with self.changed:
            if self.gap or self._load.is_empty():
                return None
            load, self._load = self._load, self._fresh()
            self._writing = load.count
            self._flight_lost = False
            return load

    def written(self) -> None:
        """Forget the load that was taken."""
        with self.changed:
            self._writing = 0
            self._flight_lost = False

    def put_back(self, load: Load) -> None:
        """Take back what could not be written."""
        with self.changed:
            if self._flight_lost:
                self.given_up += load.give_up()
            load.absorb(self._load)
            self._load = load
            self._writing = 0
            self._flight_lost = False

    def start_anew(self, known: Known) -> None:
        """Make do with an empty file: what was in it is known no more, but for *known*.

        A whole checkpoint that waits already is all that is needed.
        """
        with self.changed:
            waiting = self._load.checkpoint
            if waiting is None or not waiting.whole:
                self._lose()
            load = self._fresh()
            load.known.update(known)
            load.absorb(self._load)
            self._load = load
