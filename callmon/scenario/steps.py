"""What sentences of a scenario mean, as values: when, who, what, and what is expected. Pure.

Names keep their place in the sentence, so that whoever finds one to mean nothing can point
at it. Times are local, still without a day where the sentence names none.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import NamedTuple

from callmon.agent_states import AGENT_LABELS
from callmon.alerts import Ended
from callmon.clock import Micros
from callmon.events import Device, Outcome
from callmon.rules import Severity
from callmon.thresholds import State

__all__ = [
    "Action",
    "AgentActs",
    "AgentDoes",
    "AlertTurns",
    "Begins",
    "Clause",
    "Comparison",
    "Expectation",
    "FeedTurns",
    "Figures",
    "Joins",
    "Leaves",
    "Moment",
    "NothingFires",
    "NothingStands",
    "Of",
    "OfCallers",
    "Reads",
    "Refused",
    "Reports",
    "Rings",
    "SourceRestarts",
    "Stands",
    "StopsTalking",
    "Then",
    "Turn",
    "When",
    "Who",
    "Word",
]


class Word(NamedTuple):
    """A word, and where it begins in its sentence, counted from 0."""

    text: str
    at: int


class Moment(NamedTuple):
    """A time of the day; *day* None: the scenario's."""

    since_midnight: Micros
    day: dt.date | None = None


class Clause(Enum):
    """How a sentence says when."""

    AT = "at"
    BY = "by"
    BETWEEN = "between"
    EVERY = "every"


@dataclasses.dataclass(frozen=True, slots=True)
class When:
    """When something happens, or is expected."""

    clause: Clause
    begin: Moment  #: with ``by``: the latest
    end: Moment | None = None  #: of ``between`` and ``every``
    every: Micros | None = None


# ---- what happens --------------------------------------------------------------------


class Who(NamedTuple):
    """Callers by name; or so many, whoever they are."""

    names: tuple[Word, ...] = ()
    unnamed: int = 0

    @property
    def number(self) -> int:
        """How many they are."""
        return len(self.names) or self.unnamed


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """What each caller does so long *after* joining; None: an agent answers."""

    after: Micros
    outcome: Outcome
    agent: Word | None = None
    talk: Micros | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Joins:
    """Callers begin to wait."""

    who: Who
    queue: Word
    then: Then | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """Callers wait no more; who hangs up while talking ends the talk."""

    who: Who
    outcome: Outcome
    queue: Word | None = None  #: None: the one in which they wait
    agent: Word | None = None
    talk: Micros | None = None
    to: Word | None = None  #: the queue in which they go on waiting


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A queue does not take callers, who never wait in it."""

    who: Who
    queue: Word
    reason: str  #: ``full`` or ``join_empty``


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rings:
    """A telephone rings for a waiting caller: *ring* long in vain, or as long as he waits."""

    who: Who
    agent: Word
    queue: Word | None = None  #: None: the one in which he waits
    ring: Micros | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """What is reported of a queue, by the words of a native message."""

    told: Mapping[str, int]
    forgotten: tuple[str, ...] = ()

    @property
    def only_agents(self) -> bool:
        """Whether it is about agents alone: these count beside callers who are told of."""
        return {*self.told, *self.forgotten} <= {"agents", *AGENT_LABELS}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """A source reports figures of a queue as a whole."""

    queue: Word
    figures: Figures


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StopsTalking:
    """Callers have talked to their agents."""

    who: Who
    queue: Word | None = None


class AgentDoes(StrEnum):
    """What agents can do."""

    LOGS_IN = "log in"
    LOGS_OUT = "log out"
    PAUSES = "pause"
    COMES_BACK = "come back"
    TURNS = "turn"  #: the telephone is another now
    WRAPS_UP = "wrap up"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AgentActs:
    """Agents do something."""

    agents: tuple[Word, ...]
    does: AgentDoes
    queues: tuple[Word, ...] = ()  #: none: all those of the agent
    reason: str = ""
    device: Device = Device.IDLE
    wrapup: Micros = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FeedTurns:
    """A feed sees again, or is blind."""

    feed: Word
    up: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SourceRestarts:
    """A telephone system begins anew: whoever waited or talked is gone."""

    source: Word


@dataclasses.dataclass(frozen=True, slots=True)
class Begins:
    """callmon looks on from here, though nothing happens yet."""


OfCallers = Joins | Leaves | Refused | Rings | StopsTalking
"""What callers do, each for himself."""

Action = OfCallers | Reports | AgentActs | FeedTurns | SourceRestarts | Begins


# ---- what is expected ----------------------------------------------------------------


class Of(NamedTuple):
    """``long_wait(support)`` or ``abandonment_rate(support, 15m)``."""

    name: Word  #: of a threshold, or of a measure
    subject: Word
    kind: str | None = None  #: ``queue`` or ``group``, where the sentence says it
    window: Word | None = None


class Turn(StrEnum):
    """What can become of an alert: ``Transition.kind``."""

    FIRED = "fired"
    ESCALATED = "escalated"
    ENDED = "ended"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AlertTurns:
    """An alert fires, is escalated, or ends; *never*: it does not."""

    of: Of
    turn: Turn
    severity: Severity | None = None  #: None: whichever
    ended: Ended | None = None  #: None: for whatever reason
    never: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class NothingFires:
    """No alert fires or is escalated; with *other* none but those that steps expect."""

    other: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A threshold stands so."""

    of: Of
    state: State
    severity: Severity | None = None  #: one of the alerts that stand is such


@dataclasses.dataclass(frozen=True, slots=True)
class NothingStands:
    """No alert stands."""


class Comparison(StrEnum):
    """How a value is compared."""

    IS = "is"
    ABOUT = "is about"  #: as near as it is written
    ABOVE = "is above"
    BELOW = "is below"
    AT_LEAST = "is at least"
    AT_MOST = "is at most"
    ABSENT = "is absent"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """A measure has a value."""

    of: Of
    comparison: Comparison
    value: Word | None = None


Expectation = AlertTurns | NothingFires | Stands | NothingStands | Reads
