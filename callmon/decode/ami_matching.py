"""Which visit an event of Asterisk's queues belongs to.

Events are not always what they seem: a snapshot may have overtaken a join, a gap may have
swallowed one, and what was taken for over may turn out not to be.
"""

import sys

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message
from callmon.decode.ami_exits import AmiExits
from callmon.decode.ami_verdicts import Verdicts
from callmon.decode.ami_visits import Visit, Visits, place_of
from callmon.decode.queue_log import Drops
from callmon.errors import DecodeReason, DropReason
from callmon.events import Event

__all__ = ["AmiMatching", "duration", "same_queue"]

JUST: Micros = 1 * SECOND
"""Asterisk's own waits are differences of whole seconds."""

SAME_START: Micros = 3 * SECOND
"""A start told by a snapshot is that of the join if it is no further away."""

MAX_DIGITS = 9
"""More digits than this are beyond belief in a time waited or rung."""


class AmiMatching:
    """Finds visits by channel, opens them, and closes those that the events show over."""

    def __init__(
        self, visits: Visits, verdicts: Verdicts, exits: AmiExits, drops: Drops
    ) -> None:
        self._visits = visits
        self._verdicts = verdicts
        self._exits = exits
        self._drops = drops

    def join(self, message: Message, channel: str, at: Micros) -> list[Event]:
        """Take QueueCallerJoin: a visit begins, or is one that a snapshot has shown."""
        queue = message.get("Queue", "")
        if not queue:
            self._drop(DecodeReason.MISSING_FIELDS)
            return []
        events: list[Event] = []
        former = self._visits.get(channel)
        if former is not None:
            if former.waiting and same_queue(former.queue, queue):
                if former.joined and at <= (former.start or at):
                    self._drop(DropReason.DUPLICATE)
                    return []
                if not former.joined and _was_listed(former, at):
                    # It was in a snapshot that has overtaken this event.
                    former.start, former.joined, former.vague = at, True, 0
                    former.place = place_of(message)
                    return []
            events = self._exits.joined_again(former)
        place = place_of(message)
        visit = Visit(channel, sys.intern(queue), at, joined=True, place=place)
        opened = self._verdicts.open(visit, at)
        if isinstance(opened, DropReason):
            self._drop(opened)
            return events
        return events + opened

    def ending(
        self, message: Message, channel: str, at: Micros
    ) -> tuple[Visit | None, list[Event]]:
        """Return the visit that *message* ends, and the events of another that it shows over.

        That is one which is known, one taken for over, or one never seen to begin. None, and
        counted, when the visit is over and *message* repeats its end.
        """
        visit = self._visits.get(channel)
        queue = message.get("Queue", "" if visit is None else visit.queue)
        hold = duration(message, "HoldTime", SECOND)
        events: list[Event] = []
        if visit is not None and not same_queue(visit.queue, queue):
            events = self._exits.joined_again(visit)
        elif visit is not None:
            if visit.outcome is None:
                return visit, []
            if visit.assumed:
                self._visits.reopen(visit)
                return visit, []
            if hold is not None and at - hold <= (visit.end or at) + JUST:
                if visit.hung_up is None:
                    self._drop(DropReason.DUPLICATE)
                return None, []
        if hold is None or not queue:
            self._drop(DecodeReason.MISSING_FIELDS)
            return None, events
        unseen = Visit(channel, queue, None, joined=False, hold=hold)
        if not self._visits.add(unseen, self._verdicts.now):
            self._drop(DropReason.CONTACT_LIMIT)
            return None, events
        return unseen, events

    def _drop(self, reason: DecodeReason | DropReason) -> None:
        self._drops["decode", reason.value] += 1


def _was_listed(visit: Visit, at: Micros) -> bool:
    """Tell whether *visit*, of a snapshot, is the one that joins at *at*."""
    start = at if visit.start is None else visit.start
    return abs(start - at) <= SAME_START + visit.vague


def same_queue(queue: str, other: str) -> bool:
    """Return whether two names are of one queue: Asterisk ignores their case."""
    return queue.casefold() == other.casefold()


def duration(message: Message, key: str, unit: Micros) -> Micros | None:
    """Return the time that field *key* tells, None when it does not."""
    text = message.get(key, "")
    return int(text) * unit if text.isdecimal() and len(text) <= MAX_DIGITS else None
