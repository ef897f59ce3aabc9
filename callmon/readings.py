"""What a measure is: a name, a unit, and how a subject's state is read.

A reading is exact: a pair of integers and the size of the base. No base, no reading: None,
never 0.
"""

import dataclasses
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from callmon.clock import SECOND, Micros
from callmon.queues import SubjectState
from callmon.windows import Window

__all__ = ["MINUTE", "Live", "Measure", "Motion", "NextChange", "Reading", "Unit", "Windowed"]

Reading = tuple[int, int, int]
"""(numerator, denominator > 0, contacts in the base); the value is their exact quotient.

Durations are in microseconds, ratios from 0 to 1. The base of ``occupancy`` is not contacts
but minutes of agents.
"""


MINUTE: Micros = 60 * SECOND
"""The base of ``occupancy`` is agents' minutes."""


class Unit(StrEnum):
    """What a measure counts in, at the edges."""

    CONTACTS = "contacts"
    AGENTS = "agents"
    SECONDS = "seconds"
    RATIO = "ratio"


Live = Callable[[SubjectState, Micros], Reading | None]
Windowed = Callable[[SubjectState, Window, Micros], Reading | None]
NextChange = Callable[[SubjectState, Micros, tuple[Micros, ...]], Micros | None]


class Motion(NamedTuple):
    """How a reading moves with the clock though nothing happens: in a straight line."""

    numerator: int  #: by how much it grows each microsecond
    denominator: int
    until: Micros | None  #: so long at least


Moves = Callable[[SubjectState, Window, Micros], Motion]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure.

    Exactly one of ``live`` and ``over`` is set. ``next_change`` tells when a live figure
    next passes one of the given values (ascending), or changes, though nothing happens;
    ``moves`` how one over a window moves all the time.
    """

    name: str
    unit: Unit
    help: str  #: the definition in a sentence; HELP text of the metric
    metric: str  #: follows ``callmon_queue_`` or ``callmon_group_``
    labels: tuple[tuple[str, str], ...] = ()
    live: Live | None = None
    over: Windowed | None = None
    next_change: NextChange | None = None
    moves: Moves | None = None
    grows: bool = False  #: grows with the clock: breaches at the instant it reaches a limit
    of_agents: bool = False  #: known only while a live feed tells of the agents
    base_unit: int = 0  #: of the denominator, which is the base then; 0: contacts are

    @property
    def windowed(self) -> bool:
        """Whether the measure needs a window."""
        return self.over is not None
