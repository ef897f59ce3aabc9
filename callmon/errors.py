"""Every error callmon raises on purpose.

CallmonError
├── ConfigError        the administrator must change the file; carries every problem found
├── DecodeError        one message is bad; the feed goes on
├── FeedError          one connection or file is bad; the supervisor decides by ``retry``
└── SinkError          one delivery failed; the sink decides by ``retry``
"""

from collections.abc import Sequence
from enum import StrEnum

__all__ = [
    "CallmonError",
    "ConfigError",
    "DecodeError",
    "DecodeReason",
    "DropReason",
    "FeedError",
    "FeedReason",
    "SinkError",
    "SinkReason",
]


class CallmonError(Exception):
    """Base class of all of them."""


class ConfigError(CallmonError):
    """The configuration cannot be used; ``problems`` has every mistake, in file order.

    A problem is one text, ``file:line:col: path: what was expected, what was found``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class DecodeReason(StrEnum):
    """Why a line or message was refused: the ``reason`` label of the drop counter."""

    MISSING_FIELDS = "missing_fields"  #: fewer fields than the verb needs
    BAD_TIME = "bad_time"  #: the time stamp is no plausible epoch second
    BAD_NUMBER = "bad_number"  #: a duration is not a number
    OVERSIZED = "oversized"  #: longer than the source can write
    UNKNOWN_VERB = "unknown_verb"  #: well formed, but of no known kind
    EMPTY = "empty"  #: nothing but white space
    FORGED = "forged"  #: something in the disguise of a message of the source
    INCOMPLETE = "incomplete"  #: a list whose rows do not agree with what it says of itself
    MALFORMED = "malformed"  #: no JSON, or not an object or an array of objects
    BAD_VALUE = "bad_value"  #: a field is of another type, or a word that means nothing here
    RETAINED = "retained"  #: an event that a broker has kept: when it happened it was told
    UNMATCHED = "unmatched"  #: of a topic that nothing is known of
    UNKNOWN_VERSION = "unknown_version"  #: of a version of the format that we do not know


class DropReason(StrEnum):
    """Why the engine did not use an event: the ``reason`` label, stage ``engine``."""

    DUPLICATE = "duplicate"  #: it says what is known already
    LATE = "late"  #: older than the source's memory
    FUTURE = "future"  #: ahead of our clock beyond belief
    ORPHAN = "orphan"  #: the end of a talk whose beginning was never seen
    QUEUE_LIMIT = "queue_limit"  #: would open one queue more than ``limits.queues``
    CONTACT_LIMIT = "contact_limit"  #: more contacts open at once than any PBX has
    AGENT_LIMIT = "agent_limit"  #: more agents in one queue or group than any centre has


class DecodeError(CallmonError):
    """One message could not be understood."""

    def __init__(self, reason: DecodeReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FeedReason(StrEnum):
    """Why a feed stopped."""

    MISSING = "missing"  #: the file or host is not there
    DENIED = "denied"  #: no permission
    LOST = "lost"  #: the connection broke or reading failed


class FeedError(CallmonError):
    """One connection or file failed; the supervisor tries again when ``retry``."""

    def __init__(self, reason: FeedReason, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry = retry


class SinkReason(StrEnum):
    """Why a delivery failed."""

    UNREACHABLE = "unreachable"  #: no connection
    TIMEOUT = "timeout"  #: connected, but no answer in time
    REFUSED = "refused"  #: answered with 4xx: sending it again cannot help
    FAILED = "failed"  #: answered with 5xx


class SinkError(CallmonError):
    """One delivery failed; the sink tries again when ``retry``."""

    def __init__(self, reason: SinkReason, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry = retry
