"""Messages in callmon's own words, as any telephone system may write them.

A message is a JSON object of a ``type``; docs/feeds/native.md tells a developer how to
write one, ``native_schema`` tells programs. Who writes them is another system's developer,
so nothing is guessed: what is wrong is refused with a reason, what is unknown is ignored,
and what is missing is not known.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec.structs import astuple

from callmon.clock import SECOND, Micros
from callmon.decode.native_values import LONGEST_STALE, Fields, refused
from callmon.decode.native_words import (
    DAY_COUNTS,
    DAY_SUMS,
    ENDS,
    FIGURES,
    LEFT,
    NATIVE_FIELDS,
    NATIVE_TYPES,
    NATIVE_WORDS,
    OUTCOMES,
    REFUSALS,
    STAFFED,
    STATES,
    VERSION,
)
from callmon.decode.times import read_instant
from callmon.errors import DecodeError, DecodeReason
from callmon.events import (
    KINDS,
    OUTCOME_LABELS,
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactRefused,
    DayCounts,
    Event,
    QueueReported,
    RingNotAnswered,
    SourceRestarted,
    TalkEnded,
    event_id,
)

__all__ = [
    "MAX_EVENTS",
    "NATIVE_FIELDS",
    "NATIVE_TYPES",
    "NATIVE_WORDS",
    "VERSION",
    "Decoded",
    "NativeReader",
]

MAX_EVENTS = 10_000
"""Events of one message: more than any queue has callers, or any centre agents."""

_LIVE: Final = {
    "waiting": "waiting",
    "longest_wait_s": "longest_wait",
    "talking": "talking",
}
"""The fields that say what holds now, and what ``QueueReported.forgotten`` calls them."""

OPEN_WRAPUP: Micros = 86_400 * SECOND
"""How long a wrap-up lasts at most whose end nobody tells."""


@dataclass(slots=True)
class Decoded:
    """What a message said.

    Attributes:
        events: What happened, in the order of the message.
        ids: By which each can be known again (``event_id``); None: it may be told twice.
        drops: Why parts of it, or all of it, were not used: the reasons of stage ``decode``.
        doubts: Why a figure was left out of an event: the reasons of stage ``figure``.
        problem: The first of them in words, without what was found; empty: there was none.
    """

    events: list[Event] = field(default_factory=list)
    ids: list[int | None] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    problem: str = ""

    def drop(self, error: DecodeError) -> None:
        """Note that something was not used."""
        self.drops.append(error.reason.value)
        self.problem = self.problem or str(error)


class NativeReader:
    """Reads the native messages of one source."""

    __slots__ = ("_source",)

    def __init__(self, source: str) -> None:
        self._source = source

    def read(
        self,
        message: object,
        into: Decoded,
        *,
        seq: int,
        stale_after: Micros,
        retained: bool = False,
        stamp: str | None = None,
    ) -> None:
        """Add to *into* what *message* says, all of it or nothing; never raises.

        *seq* is that of the first event in *into*. *stamp* tells messages apart that say
        the same but for the time; by default it is ``at``, and empty when there is no such
        thing: then only an ``id`` of its own makes a message one of a kind.
        """
        try:
            place = self._place(message, seq + len(into.events), stale_after)
            told = _told(place, retained=retained)
            identity = ("", False) if retained else _identity(place, stamp)
            if len(into.events) + len(told) > MAX_EVENTS:
                raise _too_many()
        except DecodeError as error:
            into.drop(error)
            return
        for event in told:
            into.events.append(event)
            into.ids.append(_id(event, identity))
        if place.fields.doubts:
            into.doubts += place.fields.doubts
            into.problem = into.problem or place.fields.problem

    def _place(self, message: object, seq: int, stale_after: Micros) -> "_Place":
        """Return *message* with what all of its kinds have."""
        if not isinstance(message, dict):
            raise refused(DecodeReason.MALFORMED, "a message", "an object", message)
        fields = Fields(message)
        kind = fields.text("type")
        if kind not in NATIVE_TYPES:
            text = "type: expected one of the types of docs/feeds/native.md, found another"
            raise DecodeError(DecodeReason.UNKNOWN_VERB, text)
        if (version := fields.get("v")) not in (None, VERSION) or version is True:
            text = f"v: expected {VERSION} or nothing, found another version"
            raise DecodeError(DecodeReason.UNKNOWN_VERSION, text)
        at = _instant(fields, "at")
        return _Place(fields, kind, self._source, seq, at, stale_after)


@dataclass(slots=True)
class _Place:
    """A message, with what every event of it bears."""

    fields: Fields
    kind: str
    source: str
    seq: int
    at: Micros
    stale_after: Micros

    def named(self) -> tuple[Micros, str, int, str, str]:
        """Return the first five fields of every event of a contact."""
        queue, contact = self.fields.identifier("queue"), self.fields.identifier("contact")
        return self.at, self.source, self.seq, queue, contact


def _told(place: _Place, *, retained: bool) -> list[Event]:
    if retained and NATIVE_TYPES[place.kind] == "contact":
        text = f"{place.kind}: expected an event as it happens, found a retained one"
        raise DecodeError(DecodeReason.RETAINED, text)
    return _READERS[place.kind](place)


def _too_many() -> DecodeError:
    text = f"expected a message of at most {MAX_EVENTS} events, found more"
    return DecodeError(DecodeReason.OVERSIZED, text)


def _instant(fields: Fields, name: str) -> Micros:
    value = fields.required(name)
    try:
        return read_instant(value)
    except DecodeError as error:
        raise DecodeError(error.reason, f"{name}: {error}") from None


def _instant_if_told(fields: Fields, name: str) -> Micros | None:
    return None if fields.get(name) is None else _instant(fields, name)


def _joined(place: _Place) -> list[Event]:
    return [ContactJoined(*place.named())]


def _answered(place: _Place) -> list[Event]:
    fields = place.fields
    agent = fields.identifier("agent", needed=False)
    return [ContactAnswered(*place.named(), fields.span("wait_s"), agent)]


def _left(place: _Place) -> list[Event]:
    fields = place.fields
    outcome = LEFT.get(place.kind) or fields.word("outcome", OUTCOMES)
    return [ContactLeft(*place.named(), outcome, fields.span("wait_s"))]


def _ended(place: _Place) -> list[Event]:
    fields = place.fields
    ended_by = fields.word("ended_by", ENDS)
    agent = fields.identifier("agent", needed=False)
    return [TalkEnded(*place.named(), fields.span("talk_s"), ended_by, agent)]


def _rang(place: _Place) -> list[Event]:
    fields = place.fields
    fields.required("ring_s")
    ring = fields.duration("ring_s") or 0
    return [RingNotAnswered(*place.named(), ring, fields.identifier("agent"))]


def _refused_contact(place: _Place) -> list[Event]:
    reason = place.fields.word("reason", REFUSALS)
    return [ContactRefused(*place.named(), reason)]


def _restarted(place: _Place) -> list[Event]:
    return [SourceRestarted(place.at, place.source, place.seq)]


def _agent_state(place: _Place) -> list[Event]:
    fields, at = place.fields, place.at
    agent = fields.identifier("agent")
    device, paused = fields.word("state", STATES)
    name = fields.label("name")
    reason = fields.label("reason")
    until = _instant_if_told(fields, "wrapup_until")
    if fields.get("state") != "wrapup":
        until = 0
    elif until is None:
        until = at + OPEN_WRAPUP
    return [
        AgentChanged(
            at,
            place.source,
            place.seq + more,
            queue,
            agent,
            name,
            device,
            paused,
            reason if paused else "",
            until,
        )
        for more, queue in enumerate(fields.queues())
    ]


def _agent_removed(place: _Place) -> list[Event]:
    agent = place.fields.identifier("agent")
    return [
        AgentRemoved(place.at, place.source, place.seq + more, queue, agent)
        for more, queue in enumerate(place.fields.queues())
    ]


def _snapshot(place: _Place) -> list[Event]:
    fields = place.fields
    if not any(name in fields for name in FIGURES):
        text = f"queue.snapshot: expected one of {', '.join(FIGURES)}, found none"
        raise DecodeError(DecodeReason.MISSING_FIELDS, text)
    stale_after = fields.duration("stale_after_s", LONGEST_STALE)
    return [
        QueueReported(
            place.at,
            place.source,
            place.seq,
            fields.identifier("queue"),
            waiting=fields.count("waiting"),
            longest_wait=fields.duration("longest_wait_s"),
            talking=fields.count("talking"),
            agents=_agent_counts(fields),
            day=_day(fields),
            day_start=_instant_if_told(fields, "day_start"),
            stale_after=stale_after or place.stale_after,
            forgotten=tuple(_forgotten(fields)),
        )
    ]


def _forgotten(fields: Fields) -> Iterator[str]:
    """Yield what the source says that it cannot say any more."""
    for name, figure in _LIVE.items():
        if fields.is_null(name):
            yield figure
    agents = fields.inner("agents")
    if fields.is_null("agents") or (agents is not None and any(map(agents.is_null, STAFFED))):
        yield "agents"


def _agent_counts(fields: Fields) -> tuple[int, ...] | None:
    """Return agents by state; None where a state of those at work is not told.

    Who cannot tell one state from another cannot say how many are at work, either.
    """
    told = fields.inner("agents")
    if told is None:
        return None
    counts = [told.count(state) for state in STAFFED]
    away = told.count("away") or 0
    known = [count for count in counts if count is not None]
    if len(known) == len(counts):
        return (*known, away)
    if known:
        text = f"agents: expected all of {', '.join(STAFFED)}, found some: left out"
        fields.doubt(DecodeReason.MISSING_FIELDS, text)
    return None


def _day(fields: Fields) -> DayCounts | None:
    told = fields.inner("day")
    if told is None:
        return None
    outcomes = {label: told.count(label) for label in OUTCOME_LABELS}
    arrived, short, answered_within, abandoned_within = map(told.count, DAY_COUNTS)
    answered_wait, talk = map(told.total, DAY_SUMS)
    return DayCounts(
        arrived,
        {label: count for label, count in outcomes.items() if count is not None},
        short,
        answered_within,
        abandoned_within,
        answered_wait,
        talk,
    )


_READERS: Final[Mapping[str, Callable[[_Place], list[Event]]]] = {
    "contact.joined": _joined,
    "contact.answered": _answered,
    "contact.left": _left,
    **dict.fromkeys(LEFT, _left),
    "contact.ended": _ended,
    "contact.ring_not_answered": _rang,
    "contact.refused": _refused_contact,
    "agent.state": _agent_state,
    "agent.removed": _agent_removed,
    "queue.snapshot": _snapshot,
    "source.restarted": _restarted,
}


def _identity(place: _Place, stamp: str | None) -> tuple[str, bool]:
    """Return what tells a message from others, and whether it does so alone."""
    if own := place.fields.identifier("id", needed=False):
        return own, True
    return str(place.at) if stamp is None else stamp, False


def _id(event: Event, identity: tuple[str, bool]) -> int | None:
    """Return the id of *event*, of a message that *identity* tells from others.

    What a report of a queue or a state of the moment says twice is true twice.
    """
    stamp, alone = identity
    if isinstance(event, QueueReported) or not stamp:
        return None
    # Without at, source and seq. A word for the type, since ids may be of one type only.
    _, _, _, *what = astuple(event)
    said = (KINDS[type(event)], alone, stamp, *(what[:1] if alone else what))
    # As JSON: no choice of names makes two different events look the same.
    return event_id(msgspec.json.encode(said).decode())
