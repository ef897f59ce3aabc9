"""The life cycle of contacts: events become outcomes, waits and talks.

One ``ContactBook`` per (source, queue) remembers who waits, who talks, and for a while
who has gone, so that an event told twice is counted once. The rules are those of
Asterisk's app_queue as its queue_log tells them:

* A join of an id that waits already means that the end of the former visit was lost.
* An end without a join belongs to a caller carried in from before our time, or to one
  whose id changed on an attended transfer: then a waiting contact began at that moment.
* The first end of a visit decides. ``SYSCOMPAT`` is followed by ``ABANDON``, old versions
  log ``EXITEMPTY`` twice: what comes after the end of a visit repeats it.
* A talk may outlast the visit that began it: the same id can join again before the end
  of the former talk is logged.
* The end of a talk of a contact that waits means that its answer was lost.
* Within a second, and where the clock stepped back a little, the place in the stream tells
  what came first.
"""

from collections import deque
from collections.abc import Callable

import msgspec

from callmon.agents import agent_changed, agent_removed, agents_gone
from callmon.clock import SECOND, Micros
from callmon.errors import DropReason
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactRefused,
    Outcome,
    RingNotAnswered,
    TalkEnded,
)
from callmon.queues import SubjectState

__all__ = ["MEMORY", "Contact", "ContactBook", "ContactsPart", "Finished", "Source"]

MEMORY: Micros = 6 * 3_600 * SECOND
"""How long a finished contact is remembered. What is older and unknown is late."""

MAX_CONTACTS = 500_000
"""Contacts remembered per queue: more than ``MEMORY`` of any real one, yet bounded."""

MAX_OPEN: Micros = 24 * 3_600 * SECOND
"""A visit or talk open for longer has lost its end."""

_SAME_START: Micros = 2 * SECOND
"""Logged durations are differences of whole seconds, off by one at either end."""


_Told = ContactJoined | ContactAnswered | ContactLeft | TalkEnded


class Contact(msgspec.Struct, gc=False, array_like=True):
    """One visit of one customer to one queue."""

    start: Micros
    seq: int  #: place in the stream of what was heard of it last
    former: "Contact | None" = None  #: an earlier visit of the same id whose talk still runs
    end: Micros | None = None  #: None while it waits
    talking: bool = False
    before: int = -1  #: ``seq`` of the id's earlier visit, if there was one
    told: Micros = 0  #: up to when ends of earlier visits' talks have been told
    moved: bool = False  #: it goes on under another id
    finished: Micros = 0  #: by the source's time, when the last was told of it; 0: not yet
    carried: bool = False  #: its beginning was not told


class ContactsPart(msgspec.Struct, gc=False, tag="contacts"):
    """A ``ContactBook`` in a checkpoint."""

    contacts: dict[str, Contact]


Finished = tuple[Micros, dict[str, Contact], str, Contact]
"""When a contact finished, by the source's time, and where it is remembered."""


class Source:
    """What the books of one source share: the memory of finished contacts."""

    __slots__ = ("finished", "name", "since", "watermark")

    def __init__(self, name: str) -> None:
        self.name = name
        self.watermark: Micros = 0  #: the latest ``at`` seen
        self.since: Micros | None = None  #: the first ``at`` seen: coverage begins
        self.finished: deque[Finished] = deque()

    @property
    def horizon(self) -> Micros:
        """What is older and unknown is late."""
        return self.watermark - MEMORY

    def saw(self, at: Micros) -> None:
        """Note that something was told of *at*."""
        self.watermark = max(self.watermark, at)
        if self.since is None:
            self.since = at

    def forget(self) -> None:
        """Drop contacts that finished longer than ``MEMORY`` ago."""
        horizon = self.horizon
        finished = self.finished
        while finished and finished[0][0] < horizon:
            _, contacts, key, contact = finished.popleft()
            if contacts.get(key) is not contact:
                continue
            if contact.former is None:
                del contacts[key]
            else:
                # Its own waiting is over, but an earlier visit of the id still talks.
                contact.finished = self.watermark
                finished.append((self.watermark, contacts, key, contact))


class ContactBook:
    """The contacts of one queue of one source, and the states that count them.

    *surprised* is called when an event has changed more than its kind lets expect.
    """

    __slots__ = ("_surprised", "contacts", "source", "states")

    def __init__(
        self,
        source: Source,
        states: tuple[SubjectState, ...],
        surprised: Callable[[], None] = lambda: None,
    ) -> None:
        self.source = source
        self.states = states  #: the queue first, then its groups
        self._surprised = surprised
        self.contacts: dict[str, Contact] = {}

    def joined(self, event: ContactJoined) -> DropReason | None:
        """Open a visit; None when it was taken in."""
        at = event.at
        contacts = self.contacts
        key = event.contact
        earlier = contact = contacts.get(key)
        if contact is not None:
            if contact.end is None:
                if at <= contact.start:
                    return _heard(contact, event)
                self._lose(contact, at)
                self._surprised()
            elif at <= contact.end and _repeats_join(event, contact, contact.end):
                return _heard(contact, event)
            elif contact.carried and at < contact.end:
                contact.carried = False  # its beginning, told after its end
                return _heard(contact, event)
        elif at < self.source.watermark - MEMORY:
            return DropReason.LATE
        elif len(contacts) >= MAX_CONTACTS:
            return DropReason.CONTACT_LIMIT
        contacts[key] = (
            Contact(at, event.seq) if earlier is None else _again(at, event.seq, earlier)
        )
        for state in self.states:
            state.join(at)
        return None

    def answered(self, event: ContactAnswered) -> DropReason | None:
        """End a wait with an agent; None when it was taken in."""
        contact = self.contacts.get(event.contact)
        if (
            contact is None
            or contact.end is not None
            or (event.at <= contact.start and _precedes(event, contact.start, contact.before))
        ):
            found = self._unexpected(event, contact)
            if isinstance(found, DropReason):
                return found
            contact = found
        contact.talking = True
        self._end(contact, event, Outcome.ANSWERED)
        return None

    def left(self, event: ContactLeft) -> DropReason | None:
        """End a wait without an agent; None when it was taken in."""
        contact = self.contacts.get(event.contact)
        if (
            contact is None
            or contact.end is not None
            or (event.at <= contact.start and _precedes(event, contact.start, contact.before))
        ):
            found = self._unexpected(event, contact)
            if isinstance(found, DropReason):
                return found
            contact = found
        # A record knows the reason of every end it tells.
        self._end(contact, event, Outcome.LOST if event.outcome is None else event.outcome)
        self._finish(event.contact, contact)
        return None

    def talk_ended(self, event: TalkEnded) -> DropReason | None:
        """End a talk; None when it was taken in."""
        contact = self.contacts.get(event.contact)
        if contact is None:
            return self._orphan_talk(event)
        talk = contact if contact.former is None else _oldest_talk(contact)
        at = event.at
        began = talk.start if talk.end is None else talk.end
        if (at <= began and _precedes(event, began, talk.before)) or (
            at <= contact.told and event.seq <= contact.seq
        ):
            return _heard(contact, event)
        if not talk.talking:
            if talk.end is not None:
                return _heard(contact, event)
            self._answer_unseen(talk, event)
        talk.talking = False
        contact.seq = event.seq
        length = event.talk
        for state in self.states:
            state.end_talk(at, length)
        if talk is contact:
            self._finish(event.contact, contact)
        else:
            contact.told = at
            _forget_former(contact)
        return None

    def rang(self, _event: RingNotAnswered) -> None:
        """Count a ring that was not taken; whose it was does not matter."""
        for state in self.states:
            state.rings += 1
            state.changed()

    def refused(self, event: ContactRefused) -> None:
        """Count a contact that the queue did not take."""
        for state in self.states:
            state.refuse(event.at, event.reason)

    def agent_changed(self, event: AgentChanged) -> DropReason | None:
        """Take where an agent stands now."""
        return agent_changed(self.states, event)

    def agent_removed(self, event: AgentRemoved) -> DropReason | None:
        """Take that an agent is none of the queue's any more."""
        return agent_removed(self.states, event)

    def restarted(self, at: Micros, seq: int) -> None:
        """The source began anew at *at*: waits before are lost, talks are over."""
        for key, contact in list(self.contacts.items()):
            # Of the same second is before what stands before in the stream.
            until = at if contact.seq < seq else at - 1
            if contact.end is None and contact.start <= until:
                self._lose(contact, at)
                contact.seq = seq
                self._finish(key, contact)
            self._hang_up(key, contact, at, until)

    def close(self, now: Micros) -> None:
        """Nothing more will come here: waits are lost, talks are over."""
        for contact in self.contacts.values():
            if contact.end is None:
                self._lose(contact, now)
            while (talk := _oldest_talk(contact)).talking:
                talk.talking = False
                for state in self.states:
                    state.end_talk(now, None)
        self.contacts.clear()
        agents_gone(self.states, self.source.name, now)

    def sweep(self, now: Micros) -> bool:
        """Close what has been open for longer than ``MAX_OPEN``; tell whether there was any."""
        horizon = now - MAX_OPEN
        swept = False
        for key, contact in list(self.contacts.items()):
            if contact.end is None and contact.start <= horizon:
                self._lose(contact, now)
                self._finish(key, contact)
                swept = True
            swept = self._hang_up(key, contact, now, horizon) or swept
        return swept

    def open_starts(self) -> list[Micros]:
        """Return when every open visit, or the visit of every open talk, began."""
        return [
            _oldest_talk(contact).start
            for contact in self.contacts.values()
            if contact.end is None or contact.talking or contact.former is not None
        ]

    def _unexpected(
        self, event: ContactAnswered | ContactLeft, contact: Contact | None
    ) -> Contact | DropReason:
        """Return the waiting contact that *event* ends, though none waits under its id."""
        if contact is None:
            if event.at < self.source.horizon:
                return DropReason.LATE
            if len(self.contacts) >= MAX_CONTACTS:
                return DropReason.CONTACT_LIMIT
        elif contact.moved and contact.end is not None:
            # It was not renamed after all, unless this is from before.
            if event.at <= contact.end and _precedes(event, contact.end, contact.seq):
                return _heard(contact, event)
        else:
            began = event.at - (event.wait or 0)
            if contact.end is None or began <= contact.end + _SAME_START:
                return _heard(contact, event)
        return self._carried_in(event, contact)

    def _carried_in(
        self, event: ContactAnswered | ContactLeft, known: Contact | None
    ) -> Contact:
        """Return a contact whose join we did not see, or saw under another id."""
        began = event.at - (event.wait or 0)
        renamed = self._renamed(event, began)
        if renamed is not None:
            if known is not None:
                renamed.former = _talking(known)
                renamed.before, renamed.told = known.seq, known.told
            self.contacts[event.contact] = renamed
            return renamed
        contact = _again(began, event.seq, known) if known else Contact(began, event.seq)
        contact.carried = True
        self.contacts[event.contact] = contact
        for state in self.states:
            state.join(began)
        return contact

    def _renamed(self, event: ContactAnswered | ContactLeft, began: Micros) -> Contact | None:
        """Return the waiting contact that goes on under the event's id, if there is one.

        Attended transfer changes the id of a waiting caller. If our coverage held the
        moment this caller joined, its join is here, under the former id.
        """
        since = self.source.since
        if event.wait is None or since is None or began <= since + _SAME_START:
            return None
        waiting = [
            (abs(contact.start - began), key)
            for key, contact in self.contacts.items()
            if contact.end is None and abs(contact.start - began) <= _SAME_START
        ]
        if not waiting:
            return None
        key = min(waiting)[1]
        contact = self.contacts[key]
        # What is told of the former id again must not open a second visit. Its earlier
        # talks stay with it.
        ghost = Contact(
            contact.start,
            event.seq,
            contact.former,
            end=event.at,
            before=contact.before,
            told=contact.told,
            moved=True,
        )
        contact.former, contact.before, contact.told = None, -1, 0
        self.contacts[key] = ghost
        self._finish(key, ghost)
        return contact

    def _end(
        self, contact: Contact, event: ContactAnswered | ContactLeft, outcome: Outcome
    ) -> None:
        at, start, wait = event.at, contact.start, event.wait
        if wait is None and contact.seq != event.seq:
            wait = max(at - start, 0)  # else nobody knows when it began
        contact.end = max(at, start)
        contact.seq = event.seq
        for state in self.states:
            state.leave(at, start, outcome, wait)

    def _lose(self, contact: Contact, at: Micros) -> None:
        contact.end = at
        for state in self.states:
            state.leave(at, contact.start, Outcome.LOST, None)

    def _answer_unseen(self, contact: Contact, event: TalkEnded) -> None:
        """End the wait of *contact*: its talk has ended, so it must have been answered."""
        if event.talk is None:
            answered, wait = event.at, None
        else:
            answered = max(event.at - event.talk, contact.start)
            wait = answered - contact.start
        contact.end = answered
        for state in self.states:
            state.leave(answered, contact.start, Outcome.ANSWERED, wait)
        self._surprised()

    def _hang_up(self, key: str, contact: Contact, at: Micros, until: Micros) -> bool:
        """End the talks of *contact* that began by *until*; tell whether there was any.

        They end without a length: nobody measured it.
        """
        ended = False
        while (
            (talk := _oldest_talk(contact)).talking
            and talk.end is not None
            and talk.end <= until
        ):
            talk.talking = False
            for state in self.states:
                state.end_talk(at, None)
            if talk is contact:
                self._finish(key, contact)
            else:
                _forget_former(contact)
            ended = True
        return ended

    def _orphan_talk(self, event: TalkEnded) -> DropReason | None:
        """A talk that began before our time: its length is known, its contact was not ours."""
        if event.at < self.source.horizon:
            return DropReason.LATE
        if len(self.contacts) >= MAX_CONTACTS:
            return DropReason.CONTACT_LIMIT
        contact = Contact(event.at - (event.talk or 0), event.seq)
        contact.end = contact.start
        self.contacts[event.contact] = contact
        for state in self.states:
            state.talking += 1
            state.end_talk(event.at, event.talk)
        self._finish(event.contact, contact)
        return None

    def _finish(self, key: str, contact: Contact) -> None:
        source = self.source
        contact.finished = source.watermark
        source.finished.append((source.watermark, self.contacts, key, contact))

    def part(self) -> ContactsPart:
        """Return all that is known of contacts, for a checkpoint."""
        return ContactsPart(self.contacts)

    def restore(self, part: ContactsPart) -> list[Finished]:
        """Know what *part* says; return who has finished, for ``Source.finished``."""
        self.contacts = part.contacts
        return [
            (contact.finished, self.contacts, key, contact)
            for key, contact in self.contacts.items()
            if contact.finished
        ]


def _heard(contact: Contact, event: _Told) -> DropReason:
    """Refuse what is known already, but remember how far *contact* was heard of."""
    contact.seq = max(contact.seq, event.seq)
    return DropReason.DUPLICATE


def _again(at: Micros, seq: int, earlier: Contact) -> Contact:
    """Return a visit of an id that has been there before."""
    return Contact(at, seq, _talking(earlier), before=earlier.seq, told=earlier.told)


def _repeats_join(event: ContactJoined, contact: Contact, end: Micros) -> bool:
    """Tell whether a join no later than *end* is of the visit that ended then, or older."""
    if event.at == end > contact.start:
        return False
    if event.at == contact.start < end:
        return True
    return _precedes(event, end, contact.seq)


def _precedes(event: _Told, instant: Micros, seq: int) -> bool:
    """Tell whether *event*, no later than *instant*, belongs to what was up to place *seq*.

    Close to the instant the place in the stream decides: lines share a second, and clocks
    step back a little. Further back it is old. Places are only compared where the id was
    there before, for they begin anew with each file of a log.
    """
    return event.at < instant - _SAME_START or event.seq <= seq


def _talking(contact: Contact) -> Contact | None:
    """Return *contact* if a talk of it, or of an earlier visit, still runs."""
    return contact if contact.talking else contact.former


def _oldest_talk(contact: Contact) -> Contact:
    """Return the earliest visit of *contact* that still talks; else *contact* itself."""
    oldest = contact
    visit: Contact | None = contact
    while visit is not None:
        if visit.talking:
            oldest = visit
        visit = visit.former
    return oldest


def _forget_former(contact: Contact) -> None:
    """Unlink the visits behind *contact* whose talks are over."""
    visit = contact
    while (former := visit.former) is not None:
        if former.talking:
            visit = former
        else:
            visit.former = former.former
