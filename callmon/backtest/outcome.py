"""What a backtest found out, as values: made by one half of this package, shown by the other.

Times are microseconds since the epoch, lengths microseconds, limits and values exact
fractions in the measure's inner unit (microseconds, contacts, or a ratio from 0 to 1).
"""

import dataclasses
from fractions import Fraction

from callmon.clock import Micros
from callmon.episodes import Episode, EpisodeKey
from callmon.rules import Direction, Severity, Subject, Threshold

__all__ = ["Backtest", "Difference", "Duty", "Found", "Line", "Side", "Sweep", "SweepPoint"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one threshold would have done for one subject; also when that is nothing."""

    threshold: Threshold
    subject: Subject
    episodes: tuple[Episode, ...]  #: in order of firing
    calls: int  #: how often somebody would have been called: firings and escalations
    brief: int  #: episodes that were over within a minute
    again: int  #: episodes that fired within five minutes of the end of the one before
    lasted: Micros  #: all of them together
    longest: Episode | None
    worst: Episode | None  #: by the value at its worst

    @property
    def key(self) -> EpisodeKey:
        """Return whose line it is."""
        return EpisodeKey(self.threshold.name, self.subject.kind.value, self.subject.name)

    @property
    def severity(self) -> Severity:
        """How urgent its first alert is."""
        return self.threshold.severity


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """How often those on duty in one shift would have been called."""

    shift: str | None  #: None: at times when no shift is on duty, or none is configured
    turns: int  #: how many times that shift began in the span; without shifts: days
    calls: int
    most: int  #: calls in the worst of the turns
    most_at: Micros | None  #: when that one began


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One thresholds file over the whole span."""

    name: str  #: the file, as it was given
    lines: tuple[Line, ...]  #: in file order of the thresholds, then by subject
    duties: tuple[Duty, ...]

    @property
    def episodes(self) -> list[Episode]:
        """Return all of them, in order of firing."""
        found = [episode for line in self.lines for episode in line.episodes]
        return sorted(found, key=lambda episode: (episode.fired_at, episode.key))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changes for one threshold and one subject between the present file and this one.

    Two episodes are the same when they overlap in time.
    """

    key: EpisodeKey
    kept: int
    gone: tuple[Episode, ...]  #: of the present file: nobody would be told any more
    new: tuple[Episode, ...]  #: of the candidate: nobody was told until now


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The past, with a candidate's thresholds and with those in force."""

    history: str  #: where the past comes from, for people
    since: Micros
    until: Micros
    timezone: str  #: in which instants are shown and days begin
    first: Micros  #: the first event there is; later than *since*: a hole before it
    last: Micros | None = None  #: the last that is known; None: all to the end is
    events: int  #: of the span
    lead: int = 0  #: those before it, heard to know how things stood as it began
    subjects: tuple[Subject, ...]
    candidate: Side
    present: Side | None  #: None: the candidate is the present file
    differences: tuple[Difference, ...] = ()  #: where anything differs, in order of keys
    remarks: tuple[str, ...] = ()  #: what whoever believes this must know


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SweepPoint:
    """What one limit would have meant."""

    limit: Fraction
    episodes: int
    calls: int
    brief: int
    again: int
    lasted: Micros


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One limit over a range: the more is caught, the more often somebody is called."""

    threshold: Threshold
    subjects: tuple[Subject, ...]
    direction: Direction
    present: Fraction  #: the limit in the file
    days: Fraction  #: of the span, as far as something is known of it
    points: tuple[SweepPoint, ...]  #: in order of the limit


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that one backtest has found out."""

    backtest: Backtest
    sweeps: tuple[Sweep, ...] = ()  #: of all subjects together, then of each of several
