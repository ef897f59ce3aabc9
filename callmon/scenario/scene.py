"""A scenario, understood: sentences with instants, ready to be played."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from callmon.calendars import instant_named
from callmon.clock import SECOND, Micros
from callmon.events import Event
from callmon.scenario.loading import Loaded
from callmon.scenario.site import Site
from callmon.scenario.steps import Action, Clause, Expectation, Moment, When

__all__ = ["Scenario", "Step", "instant_of"]

_DAY: Final[Micros] = 86_400 * SECOND


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One sentence of a scenario."""

    number: int  #: among the scenario's, from 0
    line: int
    text: str
    when: When
    begin: Micros
    end: Micros | None
    what: Action | Expectation

    @property
    def deadline(self) -> Micros:
        """Return the last instant that matters to it."""
        return self.begin if self.end is None else self.end

    @property
    def since(self) -> Micros | None:
        """Return the first instant that matters to an expectation; None: the beginning."""
        return None if self.when.clause is Clause.BY else self.begin


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that is needed to play one, and to tell of it."""

    file: Path
    line: int
    name: str
    day: dt.date
    zone: ZoneInfo
    strict: bool
    site: Site
    steps: Sequence[Step]
    events: Sequence[Event]  #: what the steps come to, oldest first
    loaded: Loaded | None
    begin: Micros
    end: Micros


def instant_of(moment: Moment, day: dt.date, zone: ZoneInfo) -> Micros:
    """Return when it is *moment* by the wall clock of *zone*; *day* where it names none.

    One that the clocks repeat is the first of the two.

    Raises:
        ValueError: they skip it.
    """
    midnight = dt.datetime.combine(moment.day or day, dt.time(), zone)
    wall = midnight + dt.timedelta(microseconds=moment.since_midnight)
    # A day has its beginning, and its end is that of the next.
    return instant_named(wall, day_alone=moment.since_midnight in {0, _DAY})
