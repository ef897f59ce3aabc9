"""What every feed is reduced to: the events of contacts, and the state of feeds.

Structs are immutable and hold no reference cycles, hence ``frozen`` and ``gc=False``.
Field order is the construction order: the decoders build millions of them positionally.

``at`` is event time by the source's clock. ``source`` is the system behind the feed,
``seq`` the place in the feed's stream (for a log: when the file began, plus the offset of
the line), so that it grows along the stream. ``queue`` is the name as the source
spells it; the engine folds case and maps it. ``contact`` is the source's call id.
"""

from enum import IntEnum, StrEnum

import msgspec

from callmon.clock import Micros

__all__ = [
    "KINDS",
    "OUTCOME_LABELS",
    "ContactAnswered",
    "ContactJoined",
    "ContactLeft",
    "ContactRefused",
    "Event",
    "FeedChanged",
    "Outcome",
    "RingNotAnswered",
    "SourceRestarted",
    "TalkEnd",
    "TalkEnded",
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
    """A contact began to wait in a queue."""

    at: Micros
    source: str
    seq: int
    queue: str
    contact: str


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
    """Waiting ended without an agent; *wait* is what the source measured, if it did."""

    at: Micros
    source: str
    seq: int
    queue: str
    contact: str
    outcome: Outcome
    wait: Micros | None


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


class SourceRestarted(msgspec.Struct, frozen=True, gc=False, tag="source_restarted"):
    """The system began anew: whoever waited or talked before is gone."""

    at: Micros
    source: str
    seq: int


class FeedChanged(msgspec.Struct, frozen=True, gc=False, tag="feed_changed"):
    """A feed came up or went down; *at* is by our clock."""

    at: Micros
    source: str
    seq: int
    feed: str
    up: bool


Event = (
    ContactJoined
    | ContactAnswered
    | ContactLeft
    | TalkEnded
    | RingNotAnswered
    | ContactRefused
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
    SourceRestarted: "source_restarted",
    FeedChanged: "feed_changed",
}
"""The name of each type: its tag in stored form, and the label ``kind``."""
