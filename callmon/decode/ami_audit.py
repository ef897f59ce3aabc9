"""Callers as a snapshot of Asterisk's queues shows them, against what we think.

An event may have been lost with a connection, and some changes have none: a channel that a
bridge has taken from the queue, an id that a transfer has changed. Only a list of who waits
shows those.

A snapshot is ahead of the events: what was sent before it may be delivered after it. So who
is not in it is given a moment, and unless it is the first of a session, when much may have
been missed, nobody is closed or taken in by one snapshot alone.

A queue that is not in the list at all may have been removed by a reload while its callers
wait on (their events go on): they are left as they are, except by the first snapshot of a
session, since they may have left unseen.
"""

from callmon.clock import SECOND, Micros
from callmon.decode.ami_snapshot import QueueSnapshot, SnapshotEntry, SnapshotQueue
from callmon.decode.ami_verdicts import Verdicts
from callmon.decode.ami_visits import Visit, Visits
from callmon.events import Event, Outcome

__all__ = ["AmiAudit"]

LATE_BY: Micros = 2 * SECOND
"""What was sent before a snapshot and is delivered after it is there by then."""

SAME_START: Micros = 2 * SECOND
"""Waits are differences of whole seconds, off by one at either end."""

MISSED = 2
"""A caller that is not in this many snapshots in a row has gone."""


class AmiAudit:
    """Compares snapshots with the visits we know."""

    def __init__(self, visits: Visits, verdicts: Verdicts) -> None:
        self._visits = visits
        self._verdicts = verdicts
        self._newcomers: set[tuple[str, str]] = set()
        self._gap: Micros | None = None
        self._first = True
        self._listing: tuple[Micros, list[str]] | None = None
        self._vague: Micros = 0  #: so much off may be when the last snapshot was made
        self.drift = 0  #: callers more or fewer than we thought, in the last snapshot

    @property
    def due(self) -> Micros | None:
        """When, by our clock, it is sure who waits."""
        return None if self._listing is None else self._listing[0]

    def connected(self) -> None:
        """Note that a session begins."""
        self._first = True
        self._listing = None
        self._newcomers.clear()

    def disconnected(self, at: Micros) -> None:
        """Note that a session has ended at *at*."""
        self._gap = at
        self._listing = None

    def restarted(self) -> None:
        """Note that nobody waits who waited before."""
        self._gap = None
        self._newcomers.clear()

    @property
    def blind(self) -> bool:
        """Whether nothing has shown yet what a gap has changed."""
        return self._first and self._gap is not None

    def missed(self, at: Micros) -> bool:
        """Return whether what was at *at* may have been missed in the last gap."""
        return self._gap is not None and at >= self._gap

    def compare(self, snapshot: QueueSnapshot, at: Micros, vague: Micros = 0) -> list[Event]:
        """Return what *snapshot*, made at *at*, give or take *vague*, shows unheard."""
        self._vague = vague
        events: list[Event] = []
        self.drift = 0
        newcomers: set[tuple[str, str]] = set()
        for queue in snapshot.queues:
            if queue.believed:
                events += self._compare_queue(queue, at, newcomers)
        if self._first:
            listed = {queue.name.casefold() for queue in snapshot.queues}
            for visit in self._visits.all_waiting():
                if visit.queue.casefold() not in listed:
                    self._hold(visit)
            believed = [queue.name for queue in snapshot.queues if queue.believed]
            self._listing = self._verdicts.now + LATE_BY, believed
        self._newcomers = newcomers
        self._first = False
        return events

    def tick(self, now: Micros) -> list[Event]:
        """Tell who waits, once a session, when all is in that the first snapshot overtook.

        Others may remember callers from before our time: who is not named has left.
        """
        if self._listing is None or now < self._listing[0]:
            return []
        _, queues = self._listing
        self._listing = None
        return [
            self._verdicts.listed(queue, tuple(self._visits.waiting(queue))) for queue in queues
        ]

    def _compare_queue(
        self, queue: SnapshotQueue, at: Micros, newcomers: set[tuple[str, str]]
    ) -> list[Event]:
        ours = self._visits.waiting(queue.name)
        self.drift += abs(queue.calls - len(ours))
        absent = dict(ours)
        strangers: list[SnapshotEntry] = []
        for entry in queue.entries:
            visit = absent.pop(entry.contact, None)
            if visit is None:
                strangers.append(entry)
            else:
                self._confirm(visit, at - entry.wait)
        events: list[Event] = []
        for entry in strangers:
            key = (queue.name.casefold(), entry.contact)
            if self._first or key in self._newcomers:
                events += self._take_in(queue.name, entry, at, absent)
            else:
                newcomers.add(key)
        for visit in absent.values():
            events += self._miss(visit, at)
        return events

    def _confirm(self, visit: Visit, start: Micros) -> None:
        """Note that *visit* is there as we thought."""
        visit.missing = 0
        if visit.gone is None:
            self._visits.wait_until(visit, None)
        known = self._may_be(visit.start, start) and visit.vague <= self._vague
        if not visit.joined and not known:
            visit.start, visit.vague = start, self._vague

    def _may_be(self, known: Micros | None, start: Micros) -> bool:
        """Tell whether a wait *known* to have begun then is one that began by *start*."""
        if known is None:
            return False
        return abs(start - known) <= SAME_START + self._vague

    def _take_in(
        self, queue: str, entry: SnapshotEntry, at: Micros, absent: dict[str, Visit]
    ) -> list[Event]:
        """Return the events for a caller who waits and is not known to."""
        start = at - entry.wait
        former = self._former(start, absent)
        if former is not None:
            del absent[former.contact]
            return self._verdicts.renamed(former, entry.contact, at)
        events: list[Event] = []
        elsewhere = self._visits.get(entry.contact)
        if elsewhere is not None and elsewhere.outcome is None:
            # It left another queue, and we missed it.
            events += self._verdicts.left(
                elsewhere, Outcome.LOST, at, certain=False, assumed=True
            )
        visit = Visit(entry.contact, queue, start, joined=False, vague=self._vague)
        opened = self._verdicts.open(visit, start)
        return events + opened if isinstance(opened, list) else events

    def _former(self, start: Micros, absent: dict[str, Visit]) -> Visit | None:
        """Return who waited since *start* under another id, if somebody did.

        In the first snapshot of a session that can only be one who joined while we saw it:
        his new id would have joined before our eyes, too.
        """
        if self._first and (self._gap is None or start >= self._gap - SAME_START):
            return None
        found = [
            visit
            for visit in absent.values()
            if visit.start is not None
            and abs(visit.start - start) <= SAME_START
            and (self._first or visit.missing >= MISSED - 1)
        ]
        return min(found, key=lambda v: abs((v.start or 0) - start), default=None)

    def _miss(self, visit: Visit, at: Micros) -> list[Event]:
        """Note that *visit* is not where we thought."""
        visit.missing += 1
        if self._first:
            self._hold(visit)
        elif visit.missing >= MISSED:
            return self._verdicts.left(visit, Outcome.LOST, at, certain=False, assumed=True)
        return []

    def _hold(self, visit: Visit) -> None:
        if visit.deadline is None:
            self._visits.wait_until(visit, self._verdicts.now + LATE_BY)
