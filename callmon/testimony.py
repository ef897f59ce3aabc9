"""What is told of one visit, and by whom; which visit somebody tells of; how it ended.

Two feeds of a source tell the same story of an id, visit by visit in order: the live one
at once and exactly, but with holes where its connection was cut, the record complete, some
time later, and in whole seconds. So what they say is paired by id, time and order.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from enum import IntFlag
from typing import Any

import msgspec
from msgspec.structs import astuple

from callmon.clock import SECOND, Micros
from callmon.contacts import Contact, Source
from callmon.events import ContactJoined, Outcome, TalkEnded

__all__ = [
    "LAG",
    "NEAR",
    "SAME_START",
    "Told",
    "Visit",
    "Visits",
    "VisitsPart",
    "adopted",
    "answered_unseen",
    "begun",
    "chain",
    "ended",
    "ended_early",
    "expected",
    "missed",
    "remember",
    "renamed",
    "repeats_end",
    "talk_of",
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

_LOST, _ABANDONED, _ANSWERED = Outcome.LOST, Outcome.ABANDONED, Outcome.ANSWERED

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
    TALK_LIVE = 16  #: the end of its talk
    TALK_LOGGED = 32


_LIVE = Told.JOIN_LIVE | Told.END_LIVE
_LOGGED = Told.JOIN_LOGGED | Told.END_LOGGED


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
    inexact: bool = False  #: the live feed knows no better than when it heard of its join
    lagging: bool = False  #: the live feed told of it much later than it was
    shown: bool = False  #: the windows show it
    vague: Micros = 0  #: by so much *start* may be off
    former: "Visit | None" = None  #: the earlier visit of the same id

    @property
    def bygone(self) -> bool:
        """Whether it was over before a live feed joined the record: it counts already."""
        return self.settled and self.end is not None and self.outcome is None

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


def chain(latest: Visit | None) -> Iterator[Visit]:
    """Yield the visits of an id, the latest first."""
    while latest is not None:
        yield latest
        latest = latest.former


class VisitsPart(msgspec.Struct, gc=False):
    """``Visits`` in a checkpoint: who was renamed has two ids, but is one visit."""

    visits: list[list[Any]]  #: the fields of each, without the visit before it
    ids: dict[str, list[int]]  #: the visits of each id, the latest first, by their places
    gone: list[tuple[Micros, str, int]]


class Visits:
    """The visits of every id, until they can be told of no more."""

    __slots__ = ("_gone", "_source", "latest")

    def __init__(self, source: Source) -> None:
        self._source = source
        self.latest: dict[str, Visit] = {}  #: the latest of each id
        self._gone: deque[tuple[Micros, str, Visit]] = deque()

    def of(self, key: str) -> Iterator[Visit]:
        """Yield the visits of an id, the latest first."""
        return chain(self.latest.get(key))

    def all(self) -> list[Visit]:
        """Return every visit, once: who was renamed is known under two ids."""
        visits = {id(visit): visit for key in self.latest for visit in self.of(key)}
        return list(visits.values())

    def know(self, key: str, visit: Visit) -> None:
        """Put *visit* among those of an id, which stand in order of their beginning."""
        known = list(self.of(key))
        if any(other is visit for other in known):
            return
        if visit.former is None and not (known and known[0].start > visit.start):
            visit.former = self.latest.get(key)
            self.latest[key] = visit
        else:
            # One who was renamed brings his former visits along.
            own = [other for other in chain(visit) if not any(each is other for each in known)]
            self.latest[key] = _linked([*own, *known])
        self._gone.append((self._source.watermark, key, visit))

    def forget(self) -> None:
        """Drop visits that ended long ago, by the source's own time.

        What is told of so long ago is late: it is not counted again.
        """
        gone, horizon, latest = self._gone, self._source.horizon, self.latest
        while gone and gone[0][0] < horizon:
            _, key, visit = gone.popleft()
            if visit.open or not visit.settled or (visit.end or 0) >= horizon:
                gone.append((self._source.watermark, key, visit))
            elif latest.get(key) is not visit:
                _unlink(latest.get(key), visit)
            elif visit.former is None:
                del latest[key]
            else:
                latest[key] = visit.former

    def clear(self) -> None:
        """Forget all of them."""
        self.latest.clear()
        self._gone.clear()

    def part(self) -> VisitsPart:
        """Return all of them, for a checkpoint."""
        visits = self.all()
        places = {id(visit): place for place, visit in enumerate(visits)}
        return VisitsPart(
            [list(astuple(visit)[:-1]) for visit in visits],
            {key: [places[id(visit)] for visit in self.of(key)] for key in self.latest},
            [
                (at, key, place)
                for at, key, visit in self._gone
                if (place := places.get(id(visit))) is not None
            ],
        )

    def restore(self, part: VisitsPart) -> None:
        """Know those of *part*."""
        fields = Visit.__struct_fields__
        visits = [
            msgspec.convert(dict(zip(fields, row, strict=False)), Visit) for row in part.visits
        ]
        for key, chained in part.ids.items():
            for place, former in itertools.pairwise(chained):
                visits[place].former = visits[former]
            self.latest[key] = visits[chained[0]]
        self._gone.extend((at, key, visits[place]) for at, key, place in part.gone)


def _linked(visits: Iterable[Visit]) -> Visit:
    """Let *visits* of one id stand in order of their beginning; return the latest."""
    ordered = sorted(visits, key=lambda visit: visit.start)
    ordered[0].former = None
    for former, visit in itertools.pairwise(ordered):
        visit.former = former
    return ordered[-1]


def _unlink(latest: Visit | None, gone: Visit) -> None:
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
    near = [visit for visit in chain(latest) if _may_begin(visit, at, event.vague)]
    unconfirmed = [visit for visit in near if not visit.has(bit)]
    if unconfirmed:
        return min(unconfirmed, key=lambda visit: abs(visit.start - at))
    for visit in near:
        if _repeats_join(visit, at, live=live):
            return visit
    if not live:
        return _told_late(latest, at)
    return None if event.exact else _heard_late(latest, at)


def _may_begin(visit: Visit, at: Micros, vague: Micros = 0) -> bool:
    """Tell whether *visit* may be one that began at *at*, give or take *vague*."""
    return abs(visit.start - at) <= NEAR + visit.vague + vague


def _repeats_join(visit: Visit, at: Micros, *, live: bool) -> bool:
    """Tell whether a join at *at*, which this feed has told before, is told again.

    Who has left may be back within a moment.
    """
    if live:
        return visit.start == at or not visit.has(Told.END_LIVE)
    return not visit.has(Told.END_LOGGED)


def _told_late(latest: Visit | None, at: Micros) -> Visit | None:
    """Return the visit, begun at *at*, of which a slow line has told before the record."""
    untold = [
        visit
        for visit in chain(latest)
        if visit.inexact and not visit.told & _LOGGED and at <= visit.start <= at + LAG
    ]
    return untold[-1] if untold else None


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


def expected(
    latest: Visit | None, at: Micros, wait: Micros | None, *, live: bool
) -> Visit | None:
    """Return the visit whose beginning this feed has told and whose end it now tells."""
    if not live:
        for visit in chain(latest):
            if visit.has(Told.JOIN_LOGGED) and not visit.has(Told.END_LOGGED):
                return visit
        return None
    told = [v for v in chain(latest) if v.told & _LIVE and v.start - v.vague <= at]
    for visit in told:
        if visit.has(Told.END_LIVE) and visit.live_at == at:
            return visit
    for visit in told:
        if not visit.has(Told.END_LIVE):
            return visit
        same = visit.lagging or wait is None or _may_begin(visit, at - wait)
        if (visit.live in _MAY_CHANGE or not visit.certain) and same:
            return visit
    return None


def talk_of(latest: Visit | None, event: TalkEnded, bit: Told) -> Visit | None:
    """Return the visit whose talk *event* ends, for a feed that has not told *bit* of it.

    It may be over already by the other feed's word, and the same id may wait again.
    """
    talks = [
        visit
        for visit in chain(latest)
        if visit.talking
        or (
            not visit.has(bit)
            and _ANSWERED is (visit.logged if bit is Told.TALK_LOGGED else visit.outcome)
        )
    ]
    if event.talk is not None:
        began = event.at - event.talk
        near = [visit for visit in talks if abs((visit.end or 0) - began) <= NEAR]
        if near:
            return min(near, key=lambda visit: abs((visit.end or 0) - began))
    if bit is Told.TALK_LOGGED:
        # The record tells in order: of whose answer it has told nothing it tells no talk.
        talks = [visit for visit in talks if visit.has(Told.END_LOGGED)]
    talking = [visit for visit in talks if visit.talking]
    if talking:
        return talking[-1]
    return talks[-1] if talks and event.talk is None else None


def answered_unseen(latest: Visit, event: TalkEnded, *, live: bool) -> bool:
    """Tell whether *latest*, who waits, was answered: *event* ends a talk of no other."""
    join = Told.JOIN_LIVE if live else Told.JOIN_LOGGED
    if latest.end is not None or not latest.has(join):
        return False
    return event.talk is None or event.at - event.talk >= latest.start - NEAR


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
        if visit.told & (join | end) or visit.start > at + NEAR + visit.vague:
            continue
        if visit.has(other):
            ended = visit.logged_at if live else visit.live_at
            if abs(ended - at) <= NEAR:
                return visit
        elif wait is None or _may_begin(visit, at - wait):
            return visit
    return _ended_long_ago(latest, at) if live else None


def ended_early(latest: Visit | None, at: Micros, began: Micros) -> Visit | None:
    """Return the visit, begun by the live feed's word, that seems to have ended before.

    Where only the end of a talk was heard, *at* is as rough as the talk's length is.
    """
    for visit in chain(latest):
        opened = visit.has(Told.JOIN_LIVE) and not visit.has(Told.END_LIVE)
        if opened and at < visit.start <= at + SAME_START and _may_begin(visit, began):
            return visit
    return None


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


def adopted(contact: Contact | None) -> Iterator[Visit]:
    """Yield what is known of a contact's visits, the latest first."""
    while contact is not None:
        visit = Visit(contact.start, Told.JOIN_LOGGED, seq=contact.seq)
        if contact.end is not None:
            visit.told = Told.JOIN_LOGGED | Told.END_LOGGED
            visit.end = visit.logged_at = contact.end
            visit.settled = True
            visit.talking = contact.talking
            if not contact.talking:
                visit.talked = True
                visit.told |= Told.TALK_LOGGED
        yield visit
        contact = contact.former


def remember(known: dict[str, Any], key: str, value: object) -> None:
    """Put *value* under *key*; the oldest are forgotten."""
    while len(known) >= _REMEMBERED:
        del known[next(iter(known))]
    known[key] = value
