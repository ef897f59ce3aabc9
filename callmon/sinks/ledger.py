"""Who owns which alert, and what each Alertmanager still has to be told. Pure.

An alert has two roads (docs/operators/alerting.md): callmon posts it, or Prometheus finds
it in the metrics. It belongs to one of them for its whole life: to the direct road from the
first post that any Alertmanager accepts, to Prometheus when none does in time. One that a
storm speaks for takes neither. While what it is about cannot be seen nothing is said of it:
another callmon may see that it is over.

Why an end is not simply posted: Alertmanager drops a resolve that arrives while the alert
is silenced or inhibited, and takes the next breach for the old one, so that nobody is told.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from callmon.alerts import AlertKey, AlertStep
from callmon.clock import SECOND, Micros
from callmon.sinks.base import AlertNotes, DeliveryMetrics
from callmon.sinks.entries import Duty, Entry, Road, dump, load
from callmon.sinks.payload import ALERT_NAME, Content, Labels

__all__ = ["Duty", "Entry", "Ledger", "Limits", "Presence", "Road", "Step"]


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
    batch: int = 100
    """Alerts in one request at most: some 200 kB, and 25 ms to put into words."""
    settle: Micros = 5 * SECOND
    """What was not seen for a while is not posted so soon after: its end may be in what the
    feed tells first."""


class Ledger:
    """The alerts this process knows, and their duties by Alertmanager.

    Every ``now`` is monotonic but for *started* and ``Duty.sent_at``, which are compared
    with the clocks of others, as is what *wall* returns. *unseen* tells whether what an
    alert is about cannot be seen now.
    """

    def __init__(
        self,
        alertmanagers: Sequence[str],
        limits: Limits,
        metrics: DeliveryMetrics,
        notes: AlertNotes,
        *,
        wall: Callable[[], Micros],
        unseen: Callable[[Content], bool] = lambda _content: False,
    ) -> None:
        self._alertmanagers = tuple(alertmanagers)
        self.limits = limits
        self._metrics = metrics
        self._notes = notes
        self._wall = wall
        self._unseen = unseen
        self._handover = limits.handover if alertmanagers else 0
        self._started = wall()
        self._entries: dict[Labels, Entry] = {}
        self._away: set[str] = set()
        self._doubts: dict[AlertKey, tuple[Micros, set[str]]] = {}
        """What ended when, and who is still to be asked whether it was there then."""

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Labels) -> Entry | None:
        """Return the alert with these labels."""
        return self._entries.get(key)

    def is_news(self, content: Content) -> bool:
        """Tell whether *content* is about a breach that is known and goes on."""
        entry = self._entries.get(content.labels)
        return entry is not None and entry.firing and entry.content.key == content.key

    # What happens to alerts

    def fire(self, content: Content, now: Micros) -> bool:
        """Take a breach, or its news; False when there is no room for it."""
        key = content.labels
        entry = self._entries.get(key)
        if entry is None:
            # A storm always fits: without it nobody would hear of what it holds.
            if content.name == ALERT_NAME and len(self._entries) >= self.limits.capacity:
                self._metrics.dropped("capacity")
                return False
            duties = {name: Duty(due=now) for name in self._alertmanagers}
            entry = Entry(content=content, learned=now, duties=duties)
            self._entries[key] = entry
        elif not self.is_news(content):
            self._fire_again(entry, now)
        entry.content = content
        self._changed(entry, now)
        return True

    def _fire_again(self, entry: Entry, now: Micros) -> None:
        """Begin a new life: the old one may still stand as firing somewhere.

        Its end may not have been told: at a restart only the newest breach is known.
        """
        self._settle_doubt(entry)
        if entry.road is Road.UNDECIDED:
            self._miss_former(entry)
            entry.former = None if entry.replaced else entry.content.key
        entry.ended_at, entry.learned, entry.road = None, now, Road.UNDECIDED
        entry.born, entry.replaced = entry.version + 1, False
        for duty in entry.duties.values():
            stands = (duty.unsure or duty.accepted) and not duty.done
            duty.unsure = stands or duty.in_flight
            duty.accepted = duty.done = False

    def replace(self, entry: Entry, ended_at: Micros, now: Micros) -> None:
        """End *entry*, which goes on under other labels."""
        entry.replaced = True
        self.end(entry.content.labels, ended_at, None, now)

    def end(self, key: Labels, ended_at: Micros, content: Content | None, now: Micros) -> None:
        """Take the end of a breach; *content* is its last words. Unknown keys are ignored."""
        entry = self._entries.get(key)
        if entry is None or not entry.firing:
            return
        entry.ended_at = ended_at
        entry.content = content or entry.content
        self._changed(entry, now)
        self._doubt(entry, ended_at)
        self._decide(entry, now)  # not all of them: thousands may end in one instant

    def _changed(self, entry: Entry, now: Micros) -> None:
        entry.version += 1
        for duty in entry.duties.values():
            duty.due = now

    def hold(self, entry: Entry, storm: str) -> None:
        """Leave *entry* to the *storm* that speaks for it."""
        entry.road = Road.HELD
        self._note(entry, AlertStep.HELD, storm)
        self._retract(entry)

    def release(self, entry: Entry, now: Micros) -> None:
        """Let *entry*, which was held, look for a road."""
        entry.road, entry.learned = Road.UNDECIDED, now
        self._note(entry, AlertStep.FOLLOWED)
        for duty in entry.duties.values():
            duty.done = False
        self._changed(entry, now)

    def decide(self, now: Micros) -> None:
        """Settle what time alone settles: handovers, misses, and what can be forgotten."""
        for entry in list(self._entries.values()):
            self._decide(entry, now)

    def _decide(self, entry: Entry, now: Micros) -> None:
        if not self._in_flight(entry):
            self._miss_former(entry)
        if entry.road is Road.UNDECIDED and not self._in_flight(entry):
            if not entry.firing:
                self._miss(entry)
            elif now >= self._deadline(entry):
                self._hand_over(entry, now)
        if not entry.firing and all(duty.done for duty in entry.duties.values()):
            self._settle_doubt(entry)
            del self._entries[entry.content.labels]

    def _in_flight(self, entry: Entry) -> bool:
        return any(duty.in_flight for duty in entry.duties.values())

    def _deadline(self, entry: Entry) -> Micros:
        return entry.learned + self._handover

    def _hand_over(self, entry: Entry, now: Micros) -> None:
        if self.is_unseen(entry, now):
            # The time begins anew when there is something to be told.
            entry.learned = now + max(self.limits.recheck - self._handover, 0)
            return
        entry.road = Road.PROMETHEUS
        self._metrics.handed_over()
        self._note(entry, AlertStep.HANDED_OVER)
        self._retract(entry)

    def _miss(self, entry: Entry) -> None:
        """Nobody accepted it; but the process before this one may have delivered it.

        Then each Alertmanager is asked: one that has it was told.
        """
        entry.road = Road.PROMETHEUS
        if entry.content.fired_at < self._started:
            entry.doubtful = not entry.replaced
            for duty in entry.duties.values():
                duty.unsure = True
        elif not entry.replaced:
            self._count_missed(entry.content.key)
        self._retract(entry)

    def _settle_doubt(self, entry: Entry) -> None:
        """Nobody has it who could be asked: nobody was told."""
        if entry.doubtful:
            entry.doubtful = False
            self._count_missed(entry.content.key)

    def _miss_former(self, entry: Entry) -> None:
        """Nobody has accepted the breach before this one either, if that was still open."""
        if entry.former is not None:
            self._count_missed(entry.former)
            entry.former = None

    # What nobody may have heard of

    def came_and_went(self, content: Content, ended_at: Micros, now: Micros) -> None:
        """Take a breach that is over: a process before this one may have told of it."""
        if self.fire(content, now):
            self.end(content.labels, ended_at, content, now)
        else:
            self._count_missed(content.key)

    def away(self, alertmanager: str) -> None:
        """Note that it could not be asked."""
        self._away.add(alertmanager)

    def back(self, alertmanager: str) -> None:
        """Note that it answers."""
        self._away.discard(alertmanager)

    def doubts(self, alertmanager: str) -> bool:
        """Tell whether it is to be asked when it was started."""
        return any(alertmanager in asked for _, asked in self._doubts.values())

    def started(self, alertmanager: str, at: Micros) -> None:
        """Take when it was started: what was over by then it has told nobody of.

        Where it ran before the end, Prometheus may have reached it, and is believed.
        """
        for key, (ended_at, asked) in list(self._doubts.items()):
            if alertmanager not in asked:
                continue
            asked.discard(alertmanager)
            if at <= ended_at:
                del self._doubts[key]
            elif not asked:
                del self._doubts[key]
                self._count_missed(key)

    def _doubt(self, entry: Entry, ended_at: Micros) -> None:
        """Keep in mind what was left to Prometheus, and over while nobody could be asked."""
        every = set(self._alertmanagers)
        if entry.road is not Road.PROMETHEUS or not every or self._away != every:
            return
        if len(self._doubts) < self.limits.capacity:
            self._doubts[entry.content.key] = ended_at, every

    def _count_missed(self, key: AlertKey) -> None:
        self._metrics.missed()
        self._notes.note(key, AlertStep.MISSED, self._wall())

    def _retract(self, entry: Entry) -> None:
        """Leave duties only where the alert may stand without our knowing."""
        for duty in entry.duties.values():
            duty.done = not duty.unsure

    def sees(self, entry: Entry) -> bool:
        """Tell whether *entry* is in sight now."""
        return not self._unseen(entry.content)

    def is_unseen(self, entry: Entry, now: Micros) -> bool:
        """Tell whether *entry* is out of sight, or was a moment ago."""
        if self._unseen(entry.content):
            entry.unseen_at = now
            return True
        if entry.unseen_at is not None and now - entry.unseen_at >= self.limits.settle:
            entry.unseen_at = None
        return entry.unseen_at is not None

    def _note(self, entry: Entry, step: AlertStep, detail: str = "") -> None:
        self._notes.note(entry.content.key, step, self._wall(), detail)

    # What each Alertmanager is due

    def take(self, alertmanager: str, now: Micros) -> list[Entry]:
        """Return what is due there, at most a batch; the duties are then in flight."""
        taken: list[Entry] = []
        for entry in self._entries.values():
            duty = entry.duties[alertmanager]
            if duty.done or duty.due > now:
                continue
            if entry.firing and self.is_unseen(entry, now):
                duty.due = now + self.limits.recheck
            else:
                duty.in_flight = True
                taken.append(entry)
                if len(taken) == self.limits.batch:
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
            case Presence.SUPPRESSED if ours and wall - duty.sent_at >= self.limits.resend:
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
            duty.in_flight = False
            if version < entry.born:
                if entry.former is not None:
                    self._notes.note(entry.former, AlertStep.TOLD, wall, alertmanager)
                    entry.former = None
                continue  # all else it says of the present one is that this may stand there
            if not duty.accepted:
                self._metrics.delivered(alertmanager, max(now - entry.learned, 0))
                self._notes.note(entry.content.key, AlertStep.TOLD, wall, alertmanager)
            duty.accepted, duty.sent_at = True, wall
            if entry.road is Road.UNDECIDED:
                entry.road = Road.DIRECT
            if version == entry.version:
                pause = self.limits.resend if entry.firing else self.limits.recheck
                duty.due = now + pause

    def resolved(
        self, alertmanager: str, sent: Iterable[tuple[Entry, int]], *, told: bool = True
    ) -> None:
        """Note that the end of entries is known there, or, not *told*, need not be."""
        for entry, version in sent:
            duty = entry.duties[alertmanager]
            if version == entry.version:
                duty.done = True
                if told and entry.road is Road.DIRECT and not entry.replaced:
                    self._note(entry, AlertStep.END_TOLD, alertmanager)
            duty.in_flight = False

    def was_told(self, alertmanager: str, entry: Entry, at: Micros) -> None:
        """Note that *entry*, which is over, stands there since *at*: a former process told."""
        if entry.doubtful:
            entry.doubtful, entry.road = False, Road.DIRECT
            self._notes.note(entry.content.key, AlertStep.TOLD, at, alertmanager)

    def waiting(self, alertmanager: str, entry: Entry, version: int, now: Micros) -> None:
        """Note that the end of *entry* cannot be posted yet."""
        duty = entry.duties[alertmanager]
        if version == entry.version:
            duty.due = now + self.limits.recheck
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

    def doubt(self, alertmanager: str, entries: Iterable[Entry]) -> None:
        """Note that entries may stand there, though it took not all of a request."""
        for entry in entries:
            entry.duties[alertmanager].unsure = True

    def refresh(self, alertmanager: str, now: Micros) -> None:
        """Make every alert due there: it was away, and has forgotten if it was restarted."""
        for entry in self._entries.values():
            duty = entry.duties[alertmanager]
            if duty.accepted and not duty.done:
                duty.due = min(duty.due, now)

    # What others see

    def handed_over(self, name: str = ALERT_NAME) -> dict[Labels, int]:
        """Return 1 for each firing alert left to Prometheus, 0 for each other firing one.

        *name* is their ``alertname``. Those that are held or out of sight have none.
        """
        return {
            entry.content.metric_labels: int(entry.road is Road.PROMETHEUS)
            for entry in self._entries.values()
            if entry.firing
            and entry.content.name == name
            and entry.road is not Road.HELD
            and not self._unseen(entry.content)
        }

    def snapshot(self, now: Micros) -> list[dict[str, Any]]:
        """Return all of it as plain JSON values."""
        return [dump(entry, now) for entry in self._entries.values()]

    def restore(self, saved: Iterable[Mapping[str, Any]], now: Micros) -> None:
        """Take over what a process before this one knew."""
        for item in saved:
            entry = load(item, self._alertmanagers, now)
            self._entries[entry.content.labels] = entry
