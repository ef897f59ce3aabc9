"""What is told of one visit, and by whom; which visit somebody tells of; how it ended.

Two feeds of a source tell the same story of an id, visit by visit in order: the live one
at once and exactly, but with holes where its connection was cut, the record complete, some
time later, and in whole seconds. So what they say is paired by id, time and order.
"""

from collections.abc import Iterator, Mapping
from enum import IntFlag
from typing import Any

import msgspec

from callmon.clock import SECOND, Micros
from callmon.contacts import Contact
from callmon.events import ContactJoined, Outcome
from callmon.queues import SubjectState

__all__ = [
    "LAG",
    "NEAR",
    "SAME_START",
    "STORED",
    "Told",
    "Visit",
    "adopted",
    "begun",
    "chain",
    "ended",
    "expected",
    "missed",
    "overruled",
    "remember",
    "renamed",
    "repeats_end",
    "unlink",
    "verdict",
    "was_told",
]

NEAR: Micros = 3 * SECOND
"""Two words for the same moment differ by no more: the record has whole seconds, and a
waiting time in whole seconds tells when the wait began."""

SAME_START: Micros = 2 * SECOND
"""Beginnings that a record's durations give are off by no more."""

_REMEMBERED = 1_000
"""Refusals, and ends of unknown talks, remembered: the second feed's word for one is not a
second one."""

LAG: Micros = 300 * SECOND
"""How much later than it was a live feed without time stamps may tell of a join: Asterisk
queues what a line or its own machinery is too slow for."""

_LOST, _ABANDONED = Outcome.LOST, Outcome.ABANDONED

_OVERRULED = {
    (Outcome.ABANDONED, Outcome.LOST),
    (Outcome.ABANDONED, Outcome.FAILED),
    (Outcome.ANSWERED, Outcome.ABANDONED),
}
"""(record, live) where the live feed knows better: a record has only one word for a caller
who hangs up and for one whom a shutdown ends, and calls answered who hung up while his
agent was being told of him. Of redirections see ``verdict``."""


_MAY_CHANGE = (None, Outcome.KEY_EXIT)
"""What a live feed may tell otherwise at another time: who was not connected at once, and
pressed no key either, may have been talked of to his agent first."""


class Told(IntFlag):
    """What has been told of a visit, and by whom."""

    JOIN_LIVE = 1
    JOIN_LOGGED = 2
    END_LIVE = 4
    END_LOGGED = 8


_LIVE = Told.JOIN_LIVE | Told.END_LIVE


def verdict(live: Outcome | None, *, certain: bool, logged: Outcome | None) -> Outcome | None:
    """Return how a visit ended by both testimonies; None while nobody can tell.

    A live feed that is not *certain* of a redirection knows only that the caller did not
    hang up: alone that is no outcome.
    """
    redirected = live is Outcome.REDIRECTED
    if logged is None:
        return _LOST if redirected and not certain else live
    if redirected and logged is _ABANDONED:
        return live
    if live is None or not certain:
        return logged
    if logged is _LOST or (logged, live) in _OVERRULED:
        return live
    return logged


class Visit(msgspec.Struct, gc=False):
    """One visit of one customer to one queue, as far as it is known."""

    start: Micros
    told: int = 0
    end: Micros | None = None  #: None while it waits
    live: Outcome | None = None
    certain: bool = True
    live_at: Micros = 0  #: when the wait ended, by the live feed, and how long it was
    live_wait: Micros | None = None
    logged: Outcome | None = None
    logged_at: Micros = 0
    logged_wait: Micros | None = None
    seq: int = -1  #: how far the record has told of it
    outcome: Outcome | None = None  #: as the windows show it, with ``end`` and ``wait``
    wait: Micros | None = None
    settled: bool = False
    counted: Outcome | None = None  #: as the counters have it
    talking: bool = False
    talked: bool = False
    rings_live: int = 0
    rings_logged: int = 0
    lagging: bool = False  #: the live feed told of it much later than it was
    former: "Visit | None" = None  #: the earlier visit of the same id
    shown: tuple[SubjectState, ...] = ()  #: whose windows show it

    @property
    def open(self) -> bool:
        """Whether it waits or talks."""
        return self.end is None or self.talking

    def has(self, told: Told) -> bool:
        """Tell whether that has been told."""
        return bool(self.told & told)


def ended(visit: Visit) -> tuple[Outcome | None, Micros, Micros | None]:
    """Return how *visit* ended, when, and after which wait, by all that is told of it.

    The live feed decides when, unless it has not seen the end and the record has.
    """
    outcome = verdict(visit.live, certain=visit.certain, logged=visit.logged)
    unseen = visit.live is _LOST and not visit.certain and visit.live_wait is None
    vague = (unseen or visit.lagging) and visit.has(Told.END_LOGGED)
    exact = visit.has(Told.END_LIVE) and not vague
    if exact or not visit.has(Told.END_LOGGED):
        at, wait = visit.live_at, visit.live_wait
    else:
        at, wait = visit.logged_at, visit.logged_wait
    return outcome, at, None if outcome is _LOST else wait


STORED = tuple(field for field in Visit.__struct_fields__ if field not in ("former", "shown"))


def chain(latest: Visit | None) -> Iterator[Visit]:
    """Yield the visits of an id, the latest first."""
    while latest is not None:
        yield latest
        latest = latest.former


def unlink(latest: Visit | None, gone: Visit) -> None:
    """Take *gone* out of the visits behind *latest*."""
    for visit in chain(latest):
        if visit.former is gone:
            visit.former = gone.former
            return


def begun(latest: Visit | None, event: ContactJoined, *, live: bool) -> Visit | None:
    """Return the visit of which *event* tells the beginning, if it is known already.

    It may have been told by the other feed, or by the same one, which then repeats itself.
    """
    bit = Told.JOIN_LIVE if live else Told.JOIN_LOGGED
    at = event.at
    near = [visit for visit in chain(latest) if abs(visit.start - at) <= NEAR]
    unconfirmed = [visit for visit in near if not visit.has(bit)]
    if unconfirmed:
        return min(unconfirmed, key=lambda visit: abs(visit.start - at))
    for visit in near:
        if _repeats_join(visit, at, live=live):
            return visit
    return None if event.exact else _heard_late(latest, at)


def _repeats_join(visit: Visit, at: Micros, *, live: bool) -> bool:
    """Tell whether a join at *at*, which this feed has told before, is told again.

    Who has left may be back within a moment.
    """
    if live:
        return visit.start == at or not visit.has(Told.END_LIVE)
    return not visit.has(Told.END_LOGGED)


def _heard_late(latest: Visit | None, at: Micros) -> Visit | None:
    """Return the visit whose join a slow line tells at *at*: the oldest it has not told.

    The same id may be in the queue again, but that is rare; a slow line is slow for all.
    """
    untold = [
        visit
        for visit in chain(latest)
        if not visit.told & _LIVE and at - LAG <= visit.start <= at
    ]
    return untold[-1] if untold else None


def repeats_end(latest: Visit | None, began: Micros, *, live: bool) -> bool:
    """Tell whether the end of a visit begun at *began* is told again by the same feed."""
    end = Told.END_LIVE if live else Told.END_LOGGED
    return any(
        visit.has(end) and began <= (visit.live_at if live else visit.logged_at) + SAME_START
        for visit in chain(latest)
    )


def was_told(latest: Visit | None, seq: int) -> bool:
    """Tell whether the record has been read beyond place *seq* of this id already."""
    return any(seq <= visit.seq for visit in chain(latest))


def expected(latest: Visit | None, at: Micros, *, live: bool) -> Visit | None:
    """Return the visit whose beginning this feed has told and whose end it now tells."""
    if not live:
        for visit in chain(latest):
            if visit.has(Told.JOIN_LOGGED) and not visit.has(Told.END_LOGGED):
                return visit
        return None
    told = [visit for visit in chain(latest) if visit.told & _LIVE and visit.start <= at]
    for visit in told:
        if visit.has(Told.END_LIVE) and visit.live_at == at:
            return visit
    for visit in told:
        if not visit.has(Told.END_LIVE) or visit.live in _MAY_CHANGE:
            return visit
    return None


def missed(
    latest: Visit | None, at: Micros, wait: Micros | None, *, live: bool
) -> Visit | None:
    """Return the visit whose end this feed tells though it has not told its beginning."""
    join, end, other = (
        (Told.JOIN_LIVE, Told.END_LIVE, Told.END_LOGGED)
        if live
        else (Told.JOIN_LOGGED, Told.END_LOGGED, Told.END_LIVE)
    )
    for visit in chain(latest):
        if visit.told & (join | end) or visit.start > at + NEAR:
            continue
        if visit.has(other):
            ended = visit.logged_at if live else visit.live_at
            if abs(ended - at) <= NEAR:
                return visit
        elif wait is None or abs(at - wait - visit.start) <= NEAR:
            return visit
    return _ended_long_ago(latest, at) if live else None


def _ended_long_ago(latest: Visit | None, at: Micros) -> Visit | None:
    """Return the visit whose end a slow line tells at *at*, long after the record has."""
    for visit in chain(latest):
        heard = visit.told & _LIVE
        if not heard and visit.has(Told.END_LOGGED) and 0 <= at - visit.logged_at <= LAG:
            return visit
    return None


def renamed(visits: Mapping[str, Visit], began: Micros, since: Micros) -> str | None:
    """Return the id of the visit since *began* whose end the record tells under another.

    An attended transfer changes the id of a waiting caller, and who is pulled out of the
    queue into a bridge leaves it, in the record, as somebody else. Whose beginning is not
    in the record, which goes back to *since*, is none of them.
    """
    if began <= since + SAME_START:
        return None
    known = [
        (abs(visit.start - began), key)
        for key, visit in visits.items()
        if visit.has(Told.JOIN_LOGGED)
        and not visit.has(Told.END_LOGGED)
        and not visit.settled
        and (visit.end is None or visit.live is Outcome.REDIRECTED)
        and abs(visit.start - began) <= SAME_START
    ]
    return min(known)[1] if known else None


def overruled(visit: Visit, horizon: Micros) -> bool:
    """Tell whether reading the record again, as far back as *horizon*, would tell wrong."""
    return (
        visit.end is not None
        and visit.end > horizon
        and visit.outcome is not None
        and visit.outcome is not visit.logged
    )


def adopted(contact: Contact | None) -> Iterator[Visit]:
    """Yield what is known of a contact's visits, the latest first."""
    while contact is not None:
        visit = Visit(contact.start, Told.JOIN_LOGGED, seq=contact.seq)
        if contact.end is not None:
            visit.told = Told.JOIN_LIVE | Told.JOIN_LOGGED | Told.END_LIVE | Told.END_LOGGED
            visit.end = visit.logged_at = visit.live_at = contact.end
            visit.settled = True
            visit.talking = contact.talking
            visit.talked = not contact.talking
        yield visit
        contact = contact.former


def remember(known: dict[str, Any], key: str, value: object) -> None:
    """Put *value* under *key*; the oldest are forgotten."""
    while len(known) >= _REMEMBERED:
        del known[next(iter(known))]
    known[key] = value
