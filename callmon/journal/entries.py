"""What goes into the journal, what comes out of it, and who counts."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import msgspec

from callmon.clock import SECOND, Micros
from callmon.errors import CallmonError
from callmon.events import Event
from callmon.feeds.base import Position

__all__ = [
    "AlertRecord",
    "AlertStepRecord",
    "FeedInfo",
    "JournalError",
    "JournalMetrics",
    "JournalReason",
    "PastHalf",
    "Retention",
    "Staffing",
    "Stored",
    "StoredFeed",
    "TimePassed",
    "Told",
]

DAY: Micros = 86_400 * SECOND


class TimePassed(msgspec.Struct, frozen=True, gc=False, tag="time_passed"):
    """A mark between events: time alone brought something about by *at*."""

    at: Micros


class AlertRecord(msgspec.Struct, frozen=True, gc=False):
    """One alert from its beginning to its end. Field names are the columns in storage.

    The first five name it; the rest may be told again and again as it changes.
    """

    threshold: str
    kind: str
    subject: str
    severity: str
    fired_at: Micros
    since: Micros
    measure: str
    window: str | None
    direction: str
    limit: float
    value: float
    peak: float
    ended_at: Micros | None = None
    ended: str | None = None
    raised_at: Micros | None = None  #: later than ``fired_at`` when escalation added it
    shift: str | None = None
    labels: str = "{}"  #: the subject's, as a JSON object
    cause: str | None = None  #: the likely cause, as it was told at the beginning


class AlertStepRecord(msgspec.Struct, frozen=True, gc=False):
    """Something that became of an alert. Field names are the columns in storage.

    The first five name the alert. The same step with the same detail is kept once, as it
    was told first: after a crash it may be told again.
    """

    threshold: str
    kind: str
    subject: str
    severity: str
    fired_at: Micros
    step: str  #: an ``AlertStep``
    at: Micros
    detail: str = ""


class Staffing(msgspec.Struct, frozen=True, gc=False):
    """How many agents a queue had in a half-hour: counted every minute, and summed up.

    Absolute values: storing one twice does no harm.
    """

    queue: str
    start: Micros
    samples: int
    staffed: int  #: the sum over the samples


class PastHalf(msgspec.Struct, frozen=True, gc=False):
    """A half-hour of a queue as it is stored: contacts by their arrival."""

    queue: str
    start: Micros
    arrived: int
    talks: int
    talk: Micros  #: all of them together
    samples: int = 0
    staffed: int = 0  #: the sum over the samples; where there are none nobody counted


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedInfo:
    """What a feed is, told once before its first events."""

    name: str
    type: str
    source: str
    stream: str  #: what it reads, for it may have a new name at the next start
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFeed:
    """A feed as it was last told, and how far it had got."""

    name: str
    type: str
    source: str
    stream: str
    live: bool
    position: Position | None


@dataclass(frozen=True, slots=True)
class Told:
    """Stored events in a row of one feed, oldest first."""

    feed: str
    live: bool
    events: list[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What was found at the start: a checkpoint, and what is known beside the engine."""

    through: int = 0  #: number of the last input that the checkpoint has in it
    last: int = 0  #: number of the last input there was at the start
    at: Micros = 0  #: of the checkpoint, as its maker gave it
    parts: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)
    feeds: dict[str, StoredFeed] = field(default_factory=dict)
    ids: dict[str, list[int]] = field(default_factory=dict)  #: by feed, oldest first
    standing: list[AlertRecord] = field(default_factory=list)  #: alerts without an end
    created: bool = False  #: nothing was there


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long is kept what the checkpoint has made dispensable."""

    events: Micros = 35 * DAY  #: 2 days at least: without a checkpoint they rebuild today
    intervals: Micros = 1_100 * DAY
    alerts: Micros = 400 * DAY


class JournalReason(StrEnum):
    """Why the journal could not be written."""

    FULL = "full"  #: no room on the disk
    READ_ONLY = "read_only"  #: no permission, or a file system that takes no writes
    CORRUPT = "corrupt"  #: damaged: set aside, a fresh one is begun
    LOCKED = "locked"  #: another program holds it
    NEWER = "newer"  #: of a newer callmon; left as it is
    REMOVED = "removed"  #: somebody moved or deleted the file under us
    OTHER = "other"


class JournalError(CallmonError):
    """The journal could not be opened, read or written."""

    def __init__(self, reason: JournalReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class JournalMetrics(Protocol):
    """Counts what the journal does; called in the event loop only."""

    def committed(self, events: int, seconds: float) -> None:
        """Count a commit of so many events, and how long it took."""

    def failed(self, reason: str) -> None:
        """Count a failure by ``JournalReason``."""

    def given_up(self, events: int) -> None:
        """Count events that will not be in the log: a checkpoint takes their place."""

    def waiting(self, events: int) -> None:
        """Tell how many events are not durable yet."""

    def up(self, up: bool) -> None:  # noqa: FBT001 - one fact, and the name says which
        """Tell whether the journal can be written."""

    def size(self, size: int) -> None:
        """Tell how many bytes the journal takes."""

    def damaged(self, files: int) -> None:
        """Tell how many damaged files were set aside and are still there."""

    def checkpointed(self, at: Micros) -> None:
        """Tell of which instant the last durable checkpoint is."""

    def duplicate(self, count: int) -> None:
        """Count ids that the journal still knew and the monitor had forgotten."""
