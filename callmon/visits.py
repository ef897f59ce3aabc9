"""Two testimonies of every visit: what a live feed saw, and what the record says.

A live feed (AMI) tells of a moment when it is over, knows when exactly, and may miss what
happened while its connection was cut. A record (queue_log) tells everything, some time
later, in whole seconds. ``VisitBook`` takes both and counts each visit once: it finds out
which visit they tell of; how they come to one outcome is ``callmon.testimony``'s business,
and when that counts ``callmon.visit_states``'s.
"""

from collections.abc import Callable

import msgspec

from callmon.agents import agent_changed, agent_removed, agents_gone
from callmon.clock import SECOND, Micros
from callmon.contacts import MAX_CONTACTS, MAX_OPEN, ContactBook, Source
from callmon.errors import DropReason
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactMoved,
    ContactRefused,
    ContactsListed,
    Outcome,
    RingNotAnswered,
    TalkEnded,
)
from callmon.queues import SubjectState
from callmon.testimony import (
    NEAR,
    Told,
    Visit,
    Visits,
    VisitsPart,
    adopted,
    answered_unseen,
    begun,
    ended_early,
    expected,
    missed,
    remember,
    renamed,
    repeats_end,
    talk_of,
    was_told,
)
from callmon.visit_states import Docket, VisitStates

__all__ = ["VisitBook", "VisitBookPart"]

ROUNDED: Micros = 2 * SECOND
"""By so much is off what two lengths in whole seconds say, of a wait and the talk after it."""

_LOST, _ANSWERED = Outcome.LOST, Outcome.ANSWERED


class VisitBookPart(msgspec.Struct, gc=False, tag="visits"):
    """A ``VisitBook`` in a checkpoint."""

    visits: VisitsPart
    refused: dict[str, int]
    talks: dict[str, Micros]


class VisitBook:
    """The visits to one queue of one source, and the states that count them.

    *surprised* is called when an event, or time, has changed more than lets itself expect.
    """

    __slots__ = (
        "_refused",
        "_shown",
        "_surprised",
        "_talks",
        "_visits",
        "source",
    )

    def __init__(
        self,
        source: Source,
        states: tuple[SubjectState, ...],
        docket: Docket,
        surprised: Callable[[], None] = lambda: None,
    ) -> None:
        self.source = source
        self._shown = VisitStates(states, docket, surprised)
        self._surprised = surprised
        self._visits = Visits(source)
        self._refused: dict[str, int] = {}  #: by contact: how many more a live feed told
        self._talks: dict[str, Micros] = {}  #: by contact: ends of talks of unknown visits

    @property
    def states(self) -> tuple[SubjectState, ...]:
        """The states that count here: the queue first, then its groups."""
        return self._shown.states

    @states.setter
    def states(self, states: tuple[SubjectState, ...]) -> None:
        former = self._shown.states
        self._shown.states = states
        if states != former:
            self._shown.move(self._visits.all(), former)

    @classmethod
    def adopt(
        cls, book: ContactBook, docket: Docket, surprised: Callable[[], None]
    ) -> "VisitBook":
        """Return a book that goes on where one of a record alone has got to.

        Who has left is only remembered so that he is not counted again.
        """
        heir = cls(book.source, book.states, docket, surprised)
        for key, contact in book.contacts.items():
            for visit in reversed(list(adopted(contact))):
                heir._visits.know(key, visit)
        return heir

    # ---- what is told ---------------------------------------------------------------

    def joined(self, event: ContactJoined, *, live: bool) -> DropReason | None:
        """Open a visit, or confirm one; None when it was of use."""
        key, at = event.contact, event.at
        bit = Told.JOIN_LIVE if live else Told.JOIN_LOGGED
        latest = self._visits.latest.get(key)
        if not live and was_told(latest, event.seq):
            return DropReason.DUPLICATE
        known = begun(latest, event, live=live)
        if known is not None:
            return self._confirm_join(known, event, bit)
        if at < self.source.horizon:
            return DropReason.LATE
        if len(self._visits.latest) >= MAX_CONTACTS:
            return DropReason.CONTACT_LIMIT
        if latest is not None and latest.has(bit) and latest.start <= at:
            self._lose_end(latest, at, live=live)
        visit = self._open(key, at, bit, event.seq, live=live)
        visit.inexact = live and not event.exact
        visit.vague = event.vague
        return None

    def answered(self, event: ContactAnswered, *, live: bool) -> DropReason | None:
        """Take the end of a wait with an agent; None when it was of use."""
        found = self._ending(event, event.wait, live=live)
        if isinstance(found, DropReason):
            return found
        self._tell(found, event, _ANSWERED, live=live)
        return None

    def left(self, event: ContactLeft, *, live: bool) -> DropReason | None:
        """Take the end of a wait without an agent; None when it was of use."""
        found = self._ending(event, event.wait, live=live)
        if isinstance(found, DropReason):
            return found
        self._tell(found, event, event.outcome, live=live, certain=event.certain)
        return None

    def moved(self, event: ContactMoved, *, live: bool) -> DropReason | None:
        """Go on with a waiting visit under another id."""
        del live
        visit = self._visits.latest.get(event.contact)
        if visit is None or visit.end is not None:
            return DropReason.DUPLICATE
        self._visits.know(event.heir, visit)
        return None

    def listed(self, event: ContactsListed, *, live: bool) -> DropReason | None:
        """Close the waits of those who are not among all who wait."""
        latest = self._visits.latest
        waiting = {id(latest[key]) for key in event.contacts if key in latest}
        for visit in self._visits.all():
            if visit.end is None and visit.start < event.at - NEAR and id(visit) not in waiting:
                self._lose_end(visit, event.at, live=live)
        return None

    def talk_ended(self, event: TalkEnded, *, live: bool) -> DropReason | None:
        """End a talk; None when it was of use."""
        key = event.contact
        latest = self._visits.latest.get(key)
        if not live and was_told(latest, event.seq):
            return DropReason.DUPLICATE
        if latest is None:
            return self._orphan_talk(event)
        bit = Told.TALK_LIVE if live else Told.TALK_LOGGED
        visit = talk_of(latest, event, bit)
        if visit is None:
            if not answered_unseen(latest, event, live=live):
                return DropReason.DUPLICATE
            self._answer_unseen(key, latest, event, live=live)
            visit = latest
        visit.told |= bit
        if not live:
            visit.seq = max(visit.seq, event.seq)
        if not visit.talking:
            return DropReason.DUPLICATE
        known = self._knows_talk(event)
        self._shown.hang_up(visit, event.at, None if known else event.talk)
        return None

    def rang(self, event: RingNotAnswered, *, live: bool) -> None:
        """Count a ring that was not taken, told by one feed or by both."""
        visit = self._visits.latest.get(event.contact)
        if visit is not None:
            if live:
                visit.rings_live += 1
                known = visit.rings_live <= visit.rings_logged
            else:
                visit.rings_logged += 1
                known = visit.rings_logged <= visit.rings_live
            if known:
                return
        for state in self.states:
            state.rings += 1
            state.changed()

    def refused(self, event: ContactRefused, *, live: bool) -> DropReason | None:
        """Count a contact that the queue did not take, told by one feed or by both."""
        surplus = self._refused.pop(event.contact, 0)
        step = 1 if live else -1
        if surplus + step:
            remember(self._refused, event.contact, surplus + step)
        if surplus * step < 0:
            return DropReason.DUPLICATE
        for state in self.states:
            state.refuse(event.at, event.reason)
        return None

    def agent_changed(self, event: AgentChanged, *, live: bool) -> DropReason | None:
        """Take where an agent stands now."""
        del live
        return agent_changed(self.states, event)

    def agent_removed(self, event: AgentRemoved, *, live: bool) -> DropReason | None:
        """Take that an agent is none of the queue's any more."""
        del live
        return agent_removed(self.states, event)

    def restarted(self, at: Micros, seq: int, *, live: bool) -> None:
        """The source began anew at *at*: waits before have no end, talks are over."""
        until = at if live else at + SECOND - 1
        end = Told.END_LIVE if live else Told.END_LOGGED
        for visit in self._visits.all():
            if visit.start > until or (not live and visit.seq > seq):
                continue
            if visit.end is None or not (visit.settled or visit.has(end)):
                self._lose_end(visit, at, live=live)
            if visit.talking and visit.end is not None and visit.end <= until:
                self._shown.hang_up(visit, at, None)

    def close(self, now: Micros) -> None:
        """Nothing more will come here: waits are lost, talks are over."""
        for visit in self._visits.all():
            self._give_up(visit, now)
        self._visits.clear()
        agents_gone(self.states, self.source.name, now)

    def sweep(self, now: Micros) -> bool:
        """Close what has been open for longer than ``MAX_OPEN``; tell whether there was any.

        Forgets those of whom no more can be told.
        """
        swept = False
        for visit in self._visits.all():
            if visit.open and visit.start <= now - MAX_OPEN:
                self._give_up(visit, now)
                swept = True
        self._visits.forget()
        return swept

    def open_starts(self) -> list[Micros]:
        """Return when every open visit, or the visit of every open talk, began."""
        return [visit.start for visit in self._visits.all() if visit.open]

    # ---- checkpoint -------------------------------------------------------------------

    def part(self) -> "VisitBookPart":
        """Return all that is known of visits, for a checkpoint."""
        return VisitBookPart(self._visits.part(), self._refused, self._talks)

    def restore(self, part: "VisitBookPart") -> None:
        """Know what *part* says; the states count it already."""
        self._visits.restore(part.visits)
        self._refused, self._talks = part.refused, part.talks
        for visit in self._visits.all():
            if visit.end is not None and not visit.settled:
                self._shown.await_word(visit)

    # ---- inside -----------------------------------------------------------------------

    def _open(self, key: str, start: Micros, told: Told, seq: int, *, live: bool) -> Visit:
        visit = Visit(start, told, seq=-1 if live else seq)
        self._visits.know(key, visit)
        self._shown.join(start)
        return visit

    def _confirm_join(self, visit: Visit, event: ContactJoined, bit: Told) -> DropReason | None:
        if visit.has(bit):
            return DropReason.DUPLICATE
        visit.told |= bit
        off = abs(visit.start - event.at)
        late = off > NEAR
        visit.lagging = visit.lagging or off > NEAR + visit.vague + event.vague
        if bit is Told.JOIN_LOGGED:
            visit.seq = max(visit.seq, event.seq)
        # The live feed knows when exactly, unless it has heard of it late.
        if visit.start != event.at and late is (bit is Told.JOIN_LOGGED):
            self._shown.restart_wait(visit, event.at)
            visit.vague = event.vague
            self._surprised()
        return None

    def _ending(
        self, event: ContactAnswered | ContactLeft, wait: Micros | None, *, live: bool
    ) -> Visit | DropReason:
        """Return the visit whose wait *event* ends or tells more of."""
        latest = self._visits.latest.get(event.contact)
        if not live and was_told(latest, event.seq):
            return DropReason.DUPLICATE
        visit = expected(latest, event.at, wait, live=live) or missed(
            latest, event.at, wait, live=live
        )
        if visit is not None:
            return visit
        began = event.at - (wait or 0)
        if repeats_end(latest, began, live=live):
            return DropReason.DUPLICATE
        early = ended_early(latest, event.at, began) if live else None
        return early or self._unknown(event, began, live=live)

    def _unknown(
        self, event: ContactAnswered | ContactLeft, began: Micros, *, live: bool
    ) -> Visit | DropReason:
        """Return the visit, begun at *began*, of an id of which none is known to end."""
        if event.at < self.source.horizon:
            return DropReason.LATE
        if len(self._visits.latest) >= MAX_CONTACTS:
            return DropReason.CONTACT_LIMIT
        since = self.source.since
        key = None
        if not live and event.wait is not None and since is not None:
            key = renamed(self._visits.latest, began, since)
        if key is None:
            visit = self._open(event.contact, began, Told(0), event.seq, live=live)
            # Waits and talks are told in whole seconds, each off by one.
            visit.vague = ROUNDED if live else 0
            return visit
        visit = self._visits.latest[key]
        # Its former id may still be told.
        self._visits.know(event.contact, visit)
        return visit

    def _tell(
        self,
        visit: Visit,
        event: ContactAnswered | ContactLeft,
        outcome: Outcome | None,
        *,
        live: bool,
        certain: bool = True,
    ) -> None:
        if live:
            visit.told |= Told.END_LIVE
            visit.live, visit.certain = outcome, certain
            visit.live_at = event.at
            if visit.has(Told.END_LOGGED) and event.at - visit.logged_at > NEAR:
                visit.lagging = visit.lagging or not visit.has(Told.JOIN_LIVE)
            visit.live_wait = event.wait
            if event.wait is None and outcome is not _LOST:
                visit.live_wait = max(event.at - visit.start, 0)
        else:
            visit.told |= Told.END_LOGGED
            visit.logged, visit.seq = outcome, max(visit.seq, event.seq)
            visit.logged_at = event.at
            visit.logged_wait = event.wait
            if event.wait is None and outcome is not _LOST:
                visit.logged_wait = max(event.at - visit.start, 0)
        self._shown.end(visit)

    def _lose_end(self, visit: Visit, at: Micros, *, live: bool) -> None:
        """One feed will not tell how *visit* ended."""
        if live:
            if visit.has(Told.END_LIVE) and visit.live is not None:
                return
            if not visit.has(Told.END_LIVE):
                visit.told |= Told.END_LIVE
                visit.live_at, visit.live_wait = at, None
            visit.live, visit.certain = _LOST, False
        else:
            if visit.has(Told.END_LOGGED):
                return
            visit.told |= Told.END_LOGGED
            visit.logged, visit.logged_at, visit.logged_wait = _LOST, at, None
        self._shown.end(visit)
        self._surprised()

    def _answer_unseen(self, key: str, visit: Visit, event: TalkEnded, *, live: bool) -> None:
        """End the wait of *visit*: its talk has ended, so it must have been answered."""
        answered = max(event.at - (event.talk or 0), visit.start)
        wait = None if event.talk is None else answered - visit.start
        unseen = ContactAnswered(
            answered, event.source, event.seq, event.queue, key, wait, event.agent
        )
        self._tell(visit, unseen, _ANSWERED, live=live)
        self._surprised()

    def _orphan_talk(self, event: TalkEnded) -> DropReason | None:
        """A talk that began before our time: its length is known, its contact was not ours.

        The record may tell all of it later; then its length counts already.
        """
        if self._knows_talk(event):
            return DropReason.DUPLICATE
        if event.at < self.source.horizon:
            return DropReason.LATE
        remember(self._talks, event.contact, event.at)
        for state in self.states:
            state.talking += 1
        self._shown.end_talk(event.at, event.talk)
        return None

    def _knows_talk(self, event: TalkEnded) -> bool:
        known = self._talks.get(event.contact)
        return known is not None and abs(known - event.at) <= NEAR

    def _give_up(self, visit: Visit, now: Micros) -> None:
        """Nothing more will be told of *visit*."""
        if visit.end is None:
            self._lose_end(visit, now, live=True)
            self._lose_end(visit, now, live=False)
        if visit.talking:
            self._shown.hang_up(visit, now, None)
        self._shown.settle(visit)
