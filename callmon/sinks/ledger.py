"""Who owns which alert, and what each Alertmanager still has to be told. Pure.

An alert has two roads (docs/operators/alerting.md): callmon posts it, or Prometheus finds
it in the metrics. It belongs to one of them for its whole life: to the direct road from the
first post that any Alertmanager accepts, to Prometheus when none does in time.

Why an end is not simply posted: Alertmanager drops a resolve that arrives while the alert
is silenced or inhibited, and takes the next breach for the old one, so that nobody is told.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from callmon.clock import SECOND, Micros
from callmon.rules import Subject, SubjectKind
from callmon.sinks.base import DeliveryMetrics
from callmon.sinks.payload import Content, Labels

__all__ = ["Duty", "Entry", "Ledger", "Limits", "Presence", "Road", "Step"]


class Road(StrEnum):
    """Whose an alert is."""

    UNDECIDED = "undecided"
    DIRECT = "direct"
    PROMETHEUS = "prometheus"


class Presence(StrEnum):
    """What an Alertmanager says of an alert."""

    ABSENT = "absent"  #: it does not have it, or not any more
    FORGOTTEN = "forgotten"  #: absent, and it was started after we posted it last
    ACTIVE = "active"
    SUPPRESSED = "suppressed"  #: silenced or inhibited


class Step(StrEnum):
    """What to do about an alert that is over."""

    POST = "post"  #: once more as firing
    RESOLVE = "resolve"
    WAIT = "wait"
    FORGET = "forget"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The intervals of the direct road."""

    resend: Micros = 60 * SECOND
    handover: Micros = 60 * SECOND
    recheck: Micros = 2 * SECOND
    """How soon to look again whether a silence or inhibition has gone.

    Short, because Alertmanager may announce an alert that is over in the meantime.
    """
    capacity: int = 10_000
    """Alerts kept at most: far beyond what anybody could read; some 20 MB."""
    batch: int = 500
    """Alerts in one request at most: some 250 kB."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Duty:
    """What one Alertmanager still has to be told of one alert."""

    due: Micros
    in_flight: bool = False
    accepted: bool = False  #: it has taken this alert as firing
    unsure: bool = False  #: it may have taken it: the answer was lost
    sent_at: Micros = 0  #: wall time of the last accepted post as firing
    done: bool = False  #: it knows the end


@dataclasses.dataclass(slots=True, kw_only=True)
class Entry:
    """One alert, from its breach until every Alertmanager knows its end."""

    content: Content
    learned: Micros  #: monotonic; the handover counts from here
    duties: dict[str, Duty]
    road: Road = Road.UNDECIDED
    ended_at: Micros | None = None
    version: int = 0  #: changes with every change of state; an answer to an older one is old

    @property
    def firing(self) -> bool:
        """Whether the breach goes on."""
        return self.ended_at is None


class Ledger:
    """The alerts this process knows, and their duties by Alertmanager.

    Every ``now`` is monotonic but for *started* and ``Duty.sent_at``, which are compared
    with the clocks of others.
    """

    def __init__(
        self,
        alertmanagers: Sequence[str],
        limits: Limits,
        metrics: DeliveryMetrics,
        *,
        started: Micros,
    ) -> None:
        self._alertmanagers = tuple(alertmanagers)
        self._limits = limits
        self._metrics = metrics
        self._started = started
        self._entries: dict[Labels, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    # What happens to alerts

    def fire(self, content: Content, now: Micros) -> bool:
        """Take a breach, or its news; False when there is no room for it."""
        key = content.labels
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= self._limits.capacity:
                self._metrics.dropped("capacity")
                return False
            duties = {name: Duty(due=now) for name in self._alertmanagers}
            entry = Entry(content=content, learned=now, duties=duties)
            self._entries[key] = entry
        elif not entry.firing:
            self._fire_again(entry, now)
        entry.content = content
        self._changed(entry, now)
        return True

    def _fire_again(self, entry: Entry, now: Micros) -> None:
        """Begin a new life: the old one may still stand as firing somewhere."""
        entry.ended_at, entry.learned, entry.road = None, now, Road.UNDECIDED
        for duty in entry.duties.values():
            duty.unsure = (duty.unsure or duty.accepted) and not duty.done
            duty.accepted = duty.done = False

    def end(self, key: Labels, ended_at: Micros, content: Content | None, now: Micros) -> None:
        """Take the end of a breach; *content* is its last words. Unknown keys are ignored."""
        entry = self._entries.get(key)
        if entry is None or not entry.firing:
            return
        entry.ended_at = ended_at
        entry.content = content or entry.content
        self._changed(entry, now)
        self.decide(now)

    def _changed(self, entry: Entry, now: Micros) -> None:
        entry.version += 1
        for duty in entry.duties.values():
            duty.due = now

    def decide(self, now: Micros) -> None:
        """Settle what time alone settles: handovers, misses, and what can be forgotten."""
        for entry in list(self._entries.values()):
            if entry.road is Road.UNDECIDED and not self._in_flight(entry):
                if not entry.firing:
                    self._miss(entry)
                elif now >= self._deadline(entry):
                    entry.road = Road.PROMETHEUS
                    self._metrics.handed_over()
                    self._retract(entry)
            if not entry.firing and all(duty.done for duty in entry.duties.values()):
                del self._entries[entry.content.labels]

    def _in_flight(self, entry: Entry) -> bool:
        return any(duty.in_flight for duty in entry.duties.values())

    def _deadline(self, entry: Entry) -> Micros:
        return entry.learned + (self._limits.handover if self._alertmanagers else 0)

    def _miss(self, entry: Entry) -> None:
        """Nobody accepted it; but the process before this one may have delivered it."""
        entry.road = Road.PROMETHEUS
        self._metrics.missed()
        if entry.content.fired_at < self._started:
            for duty in entry.duties.values():
                duty.unsure = True
        self._retract(entry)

    def _retract(self, entry: Entry) -> None:
        """Leave duties only where the alert may stand without our knowing."""
        for duty in entry.duties.values():
            duty.done = not duty.unsure

    # What each Alertmanager is due

    def take(self, alertmanager: str, now: Micros) -> list[Entry]:
        """Return what is due there, at most a batch; the duties are then in flight."""
        taken: list[Entry] = []
        for entry in self._entries.values():
            duty = entry.duties[alertmanager]
            if not duty.done and duty.due <= now:
                duty.in_flight = True
                taken.append(entry)
                if len(taken) == self._limits.batch:
                    break
        return taken

    def next_due(self, alertmanager: str) -> Micros | None:
        """Return when something is due there, or a handover must be decided."""
        due = [
            entry.duties[alertmanager].due
            for entry in self._entries.values()
            if not entry.duties[alertmanager].done
        ]
        handover = self.next_handover()
        return min(due if handover is None else [*due, handover], default=None)

    def next_handover(self) -> Micros | None:
        """Return when the next undecided alert goes to Prometheus.

        One that is being posted is decided when the answer is there.
        """
        return min(
            (
                self._deadline(entry)
                for entry in self._entries.values()
                if entry.road is Road.UNDECIDED and not self._in_flight(entry)
            ),
            default=None,
        )

    def judge(self, alertmanager: str, entry: Entry, presence: Presence, wall: Micros) -> Step:
        """Return what to do about *entry*, which is over or not ours to post."""
        ours = entry.road is Road.DIRECT
        duty = entry.duties[alertmanager]
        match presence:
            case Presence.ACTIVE:
                return Step.RESOLVE
            case Presence.SUPPRESSED if ours and wall - duty.sent_at >= self._limits.resend:
                return Step.POST
            case Presence.SUPPRESSED:
                return Step.WAIT
            case Presence.FORGOTTEN if ours and duty.accepted and not self._told(entry):
                # Killed, it has lost its log of notifications, too, and would say nothing
                # of an end alone. And only of an alert it knows does it say "silenced".
                # But where another one has told the end, this would be a new beginning.
                return Step.POST
            case Presence.ABSENT | Presence.FORGOTTEN:
                return Step.RESOLVE if ours else Step.FORGET

    def _told(self, entry: Entry) -> bool:
        return any(duty.done for duty in entry.duties.values())

    # What came of it

    def accepted(
        self, alertmanager: str, sent: Iterable[tuple[Entry, int]], now: Micros, wall: Micros
    ) -> None:
        """Note that entries, as they were at a version, were taken as firing."""
        for entry, version in sent:
            duty = entry.duties[alertmanager]
            if not duty.accepted:
                self._metrics.delivered(alertmanager, now - entry.learned)
            duty.accepted, duty.sent_at = True, wall
            if entry.road is Road.UNDECIDED:
                entry.road = Road.DIRECT
            if version == entry.version:
                pause = self._limits.resend if entry.firing else self._limits.recheck
                duty.due = now + pause
            duty.in_flight = False

    def resolved(self, alertmanager: str, sent: Iterable[tuple[Entry, int]]) -> None:
        """Note that the end of entries is known there, or need not be."""
        for entry, version in sent:
            duty = entry.duties[alertmanager]
            if version == entry.version:
                duty.done = True
            duty.in_flight = False

    def waiting(self, alertmanager: str, entry: Entry, version: int, now: Micros) -> None:
        """Note that the end of *entry* cannot be posted yet."""
        duty = entry.duties[alertmanager]
        if version == entry.version:
            duty.due = now + self._limits.recheck
        duty.in_flight = False

    def failed(
        self, alertmanager: str, entries: Iterable[Entry], *, unsure: bool, due: Micros
    ) -> None:
        """Note that a request failed; *unsure*: it may have been received all the same."""
        for entry in entries:
            duty = entry.duties[alertmanager]
            duty.in_flight = False
            duty.due = due
            duty.unsure = duty.unsure or unsure

    def refresh(self, alertmanager: str, now: Micros) -> None:
        """Make every alert due there: it was away, and has forgotten if it was restarted."""
        for entry in self._entries.values():
            duty = entry.duties[alertmanager]
            if duty.accepted and not duty.done:
                duty.due = min(duty.due, now)

    # What others see

    def handed_over(self) -> dict[Labels, int]:
        """Return 1 for each firing alert left to Prometheus, 0 for each other firing one."""
        return {
            entry.content.metric_labels: int(entry.road is Road.PROMETHEUS)
            for entry in self._entries.values()
            if entry.firing
        }

    def snapshot(self, now: Micros) -> list[dict[str, Any]]:
        """Return all of it as plain JSON values."""
        return [_dump(entry, now) for entry in self._entries.values()]

    def restore(self, saved: Iterable[Mapping[str, Any]], now: Micros) -> None:
        """Take over what a process before this one knew."""
        for item in saved:
            entry = _load(item, self._alertmanagers, now)
            self._entries[entry.content.labels] = entry


def _dump(entry: Entry, now: Micros) -> dict[str, Any]:
    content = entry.content
    return {
        "labels": dict(content.labels),
        "metric_labels": dict(content.metric_labels),
        "annotations": dict(content.annotations),
        "link": content.link,
        "subject": {
            "kind": content.subject.kind.value,
            "name": content.subject.name,
            "labels": dict(content.subject.labels),
        },
        "since": content.since,
        "fired_at": content.fired_at,
        "road": entry.road.value,
        "ended_at": entry.ended_at,
        "waited": now - entry.learned,
        "duties": {
            name: {
                "accepted": duty.accepted,
                # By the time this is read again, what was about to go may have gone.
                "unsure": duty.unsure
                or duty.in_flight
                or (entry.firing and entry.road is Road.UNDECIDED),
                "sent_at": duty.sent_at,
                "done": duty.done,
            }
            for name, duty in entry.duties.items()
        },
    }


def _load(item: Mapping[str, Any], alertmanagers: Sequence[str], now: Micros) -> Entry:
    subject = item["subject"]
    content = Content(
        labels=tuple(sorted(item["labels"].items())),
        metric_labels=tuple(sorted(item["metric_labels"].items())),
        annotations=item["annotations"],
        link=item["link"],
        subject=Subject(
            kind=SubjectKind(subject["kind"]), name=subject["name"], labels=subject["labels"]
        ),
        since=item["since"],
        fired_at=item["fired_at"],
    )
    known = item["duties"]
    road, learned = Road(item["road"]), now - item["waited"]
    if road is Road.DIRECT and not any(name in known for name in alertmanagers):
        # All that have it were taken out of the configuration: it looks for a road again.
        road, learned = Road.UNDECIDED, now
    return Entry(
        content=content,
        learned=learned,
        # One that is new in the configuration is told everything that still fires.
        duties={name: Duty(due=now, **known.get(name, {})) for name in alertmanagers},
        road=road,
        ended_at=item["ended_at"],
    )
