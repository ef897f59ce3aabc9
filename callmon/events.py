"""What every feed is reduced to: the events of contacts, and the state of feeds.

Structs are immutable and hold no reference cycles, hence ``frozen`` and ``gc=False``.
Field order is the construction order: the decoders build millions of them positionally.

``at`` is event time by the source's clock. ``source`` is the system behind the feed,
``seq`` the place in the feed's stream (for a log: when the file began, plus the offset of
the line), so that it grows along the stream. ``queue`` is the name as the source
spells it; the engine folds case and maps it. ``contact`` is the source's call id.
"""

import hashlib
from enum import IntEnum, StrEnum

import msgspec

from callmon.clock import SECOND, Micros

__all__ = [
    "KINDS",
    "OUTCOME_LABELS",
    "AgentChanged",
    "AgentRemoved",
    "ContactAnswered",
    "ContactJoined",
    "ContactLeft",
    "ContactMoved",
    "ContactRefused",
    "ContactsListed",
    "DayCounts",
    "Device",
    "Event",
    "FeedChanged",
    "Outcome",
    "QueueReported",
    "RingNotAnswered",
    "SourceRestarted",
    "TalkEnd",
    "TalkEnded",
    "event_id",
]


class Outcome(IntEnum):
    """How waiting ended; exactly one per contact. The first six are *offered*."""

    ANSWERED = 0
    ABANDONED = 1
    TIMEOUT = 2
    KEY_EXIT = 3
    EMPTY = 4
    FAILED = 5
    REDIRECTED = 6
    WITHDRAWN = 7
    LOST = 8


OUTCOME_LABELS = tuple(outcome.name.lower() for outcome in Outcome)
"""Label text by outcome number: metrics, JSON and YAML all use these words."""


class TalkEnd(StrEnum):
    """Who ended a talk."""

    CALLER = "caller"
    AGENT = "agent"
    TRANSFER = "transfer"


class ContactJoined(msgspec.Struct, frozen=True, gc=False, tag="contact_joined"):
    """A contact began to wait in a queue.

    When *at* is not *exact* it is only when the feed heard of it: not before it, and as
    much later as the line was slow. By *vague* it may be off either way.
    """

    at: Micros
    source: str
    seq: int
    queue: str
    contact: str
    exact: bool = True
    vague: Micros = 0


class ContactAnswered(msgspec.Struct, frozen=True, gc=False, tag="contact_answered"):
    """An agent took the contact; *wait* is what the source measured, if it did."""

    at: Micros
    source: str
    seq: int
    queue: str
    contact: str
    wait: Micros | None
    agent: str


class ContactLeft(msgspec.Struct, frozen=True, gc=False, tag="contact_left"):
    """Waiting ended without an agent; *wait* is what the source measured, if it did.

    A live feed may see that somebody waits no more before it knows why: then *outcome* is
    None, and a second event of the same visit, of whatever type, says it. What is not
    *certain* is the best that this feed will ever know: another feed of the source knows
    better.
    """

    at: Micros
    source: str
    seq: int
    queue: str
    contact: str
    outcome: Outcome | None
    wait: Micros | None
    certain: bool = True


class ContactMoved(msgspec.Struct, frozen=True, gc=False, tag="contact_moved"):
    """A waiting contact goes on waiting under another id, *heir*, as after a transfer."""

    at: Micros
    source: str
    seq: int
    queue: str
    contact: str
    heir: str


class TalkEnded(msgspec.Struct, frozen=True, gc=False, tag="talk_ended"):
    """The conversation ended; *talk* is what the source measured, if it did."""

    at: Micros
    source: str
    seq: int
    queue: str
    contact: str
    talk: Micros | None
    ended_by: TalkEnd
    agent: str


class RingNotAnswered(msgspec.Struct, frozen=True, gc=False, tag="ring_not_answered"):
    """An agent's phone rang *ring* long and was not taken; the contact goes on waiting."""

    at: Micros
    source: str
    seq: int
    queue: str
    contact: str
    ring: Micros
    agent: str


class ContactRefused(msgspec.Struct, frozen=True, gc=False, tag="contact_refused"):
    """The queue did not take the contact; *reason* is ``full`` or ``join_empty``."""

    at: Micros
    source: str
    seq: int
    queue: str
    contact: str
    reason: str


class ContactsListed(msgspec.Struct, frozen=True, gc=False, tag="contacts_listed"):
    """All who wait in a queue: whoever else is believed to wait has left unseen."""

    at: Micros
    source: str
    seq: int
    queue: str
    contacts: tuple[str, ...]


class Device(StrEnum):
    """What an agent's telephone does."""

    IDLE = "idle"
    RINGING = "ringing"
    BUSY = "busy"
    AWAY = "away"  #: not to be reached: its agent is not at work


class AgentChanged(msgspec.Struct, frozen=True, gc=False, tag="agent_changed"):
    """Where an agent of a queue stands now.

    *agent* is what tells agents apart, the same in all queues of the source; *name* is for
    people. *reason* is why he is paused, in his own words, empty when he is not or did not
    say. Until *wrapup_until* he is finishing his last call; 0: he is not.
    """

    at: Micros
    source: str
    seq: int
    queue: str
    agent: str
    name: str
    device: Device
    paused: bool
    reason: str
    wrapup_until: Micros


class AgentRemoved(msgspec.Struct, frozen=True, gc=False, tag="agent_removed"):
    """An agent is none of the queue's any more."""

    at: Micros
    source: str
    seq: int
    queue: str
    agent: str


class QueueReported(msgspec.Struct, frozen=True, gc=False, tag="queue_reported"):
    """What a source says of a queue as a whole, where it does not tell of each contact.

    None is what the source does not say, which stands as it was told last; 0 is what it
    says. What it cannot say any more is in *forgotten*: ``waiting``, ``longest_wait``,
    ``talking`` or ``agents``. *agents* are counts by state, in the order of
    ``callmon.agents.AgentState`` (busy, ringing, available, wrapup, paused, away). What
    *day* counts has happened since *day_start*, which is by default the last time the
    counters fell. After *stale_after* without news nothing is known any more.
    """

    at: Micros
    source: str
    seq: int
    queue: str
    waiting: int | None = None
    longest_wait: Micros | None = None
    talking: int | None = None
    agents: tuple[int, ...] | None = None
    day: "DayCounts | None" = None
    day_start: Micros | None = None
    stale_after: Micros = 90 * SECOND
    forgotten: tuple[str, ...] = ()


class DayCounts(msgspec.Struct, frozen=True, gc=False):
    """Counters of a queue that the source sets to 0 each day; None: it has no such one."""

    arrived: int | None = None
    outcomes: dict[str, int] = {}  #: by label (``OUTCOME_LABELS``); others are not known
    short_abandoned: int | None = None
    answered_within: int | None = None  #: the target that the source was told
    abandoned_within: int | None = None
    answered_wait: Micros | None = None  #: sum of the waits of the answered
    talk: Micros | None = None  #: sum of the talks, which are as many as the answered


class SourceRestarted(msgspec.Struct, frozen=True, gc=False, tag="source_restarted"):
    """The system began anew: whoever waited or talked before is gone."""

    at: Micros
    source: str
    seq: int


class FeedChanged(msgspec.Struct, frozen=True, gc=False, tag="feed_changed"):
    """A feed came up or went down; *at* is by our clock.

    A *live* feed tells of a moment when it is over; the others keep a record that can be
    read again. *agents* tells whether it knows agents.
    """

    at: Micros
    source: str
    seq: int
    feed: str
    up: bool
    live: bool = False
    agents: bool = False


Event = (
    ContactJoined
    | ContactAnswered
    | ContactLeft
    | TalkEnded
    | RingNotAnswered
    | ContactRefused
    | ContactMoved
    | ContactsListed
    | AgentChanged
    | AgentRemoved
    | QueueReported
    | SourceRestarted
    | FeedChanged
)
"""Everything ``Engine.apply`` takes."""

KINDS: dict[type, str] = {
    ContactJoined: "contact_joined",
    ContactAnswered: "contact_answered",
    ContactLeft: "contact_left",
    TalkEnded: "talk_ended",
    RingNotAnswered: "ring_not_answered",
    ContactRefused: "contact_refused",
    ContactMoved: "contact_moved",
    ContactsListed: "contacts_listed",
    AgentChanged: "agent_changed",
    AgentRemoved: "agent_removed",
    QueueReported: "queue_reported",
    SourceRestarted: "source_restarted",
    FeedChanged: "feed_changed",
}
"""The name of each type: its tag in stored form, and the label ``kind``."""


def event_id(text: str) -> int:
    """Return the id of an event that its source knows by *text*: 63 bits of its digest.

    Of a million ids, two are the same by chance once in some twenty million times.
    """
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
