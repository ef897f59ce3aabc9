"""What a measure is: a name, a unit, and how a subject's state is read.

A reading is exact: a pair of integers and the size of the base. No base, no reading: None,
never 0. Nor is there one while what it is made of is not all known: then nothing is read.
"""

import dataclasses
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from callmon.clock import SECOND, Micros
from callmon.facts import NOTHING, Fact, knows
from callmon.queues import SubjectState, Targets
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


Needs = Callable[[Targets], Fact]
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
    needs: Fact | Needs = NOTHING  #: what must be known of contacts
    grows: bool = False  #: grows with the clock: breaches at the instant it reaches a limit
    of_agents: bool = False  #: known only while a live feed tells of the agents
    base_unit: int = 0  #: of the denominator, which is the base then; 0: contacts are

    @property
    def windowed(self) -> bool:
        """Whether the measure needs a window."""
        return self.over is not None

    def needed(self, targets: Targets) -> Fact:
        """Return what must be known of contacts by these targets."""
        needs = self.needs if isinstance(self.needs, Fact) else self.needs(targets)
        # Where no abandon is short, nobody needs to tell which are.
        return needs if targets.short_abandon else needs & ~Fact.SHORT

    def known(self, state: SubjectState, window: Window | None, now: Micros) -> bool:
        """Tell whether all that is read is known, of all of *window*."""
        if self.of_agents and not state.agents.known:
            return False
        return not state.accounts or knows(state, self.needed(state.targets), window, now)

    def read(self, state: SubjectState, window: Window | None, now: Micros) -> Reading | None:
        """Return the figure of *state* at *now*, over *window* if it needs one.

        That has to be in step (``Window.sync``). This is the one place where figures are
        read: None is no base, or not known. Of a blind subject nothing is: also a window
        ends now, and what happened in its last part was not seen.
        """
        if state.blind:
            return None
        if not self.known(state, window, now):
            return None
        if self.live is not None:
            return self.live(state, now)
        if self.over is None or window is None:
            return None
        return self.over(state, window, now)
