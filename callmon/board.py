"""What a wallboard shows: every queue and group, the worst first. Pure.

The page, ``/api/v1/board`` and ``callmon top`` show the same board. A row is equal to that
of a moment ago while nothing happened, though time passed: who waits longest is told by when
that wait began. So a change of a row is a change worth sending.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from callmon.clock import Micros
from callmon.facts import oldest
from callmon.measures import MEASURES, Measure, Reading
from callmon.queues import SubjectState
from callmon.rules import Direction, Severity, Subject, SubjectKind
from callmon.thresholds import State
from callmon.watches import Watch

__all__ = [
    "LIVE",
    "TODAY",
    "TODAY_WINDOW",
    "WINDOWED",
    "Board",
    "FeedLight",
    "Figures",
    "Level",
    "Row",
    "Standing",
    "kept",
    "ranked",
    "row_of",
]


class Level(StrEnum):
    """How a queue stands, the worst first."""

    CRITICAL = "critical"
    BLIND = "blind"  #: nothing is seen: worse than a warning, for nobody would know
    WARNING = "warning"
    INFO = "info"
    PENDING = "pending"  #: a limit is passed, not yet for long enough
    CALM = "calm"

    @property
    def rank(self) -> int:
        """Return its place: 0 is the worst."""
        return _RANKS[self]


_RANKS: Final = {level: place for place, level in enumerate(Level)}
_LEVEL_OF: Final = {
    Severity.CRITICAL: Level.CRITICAL,
    Severity.WARNING: Level.WARNING,
    Severity.INFO: Level.INFO,
}

LIVE: Final = (
    "waiting",
    "waiting_over_target",
    "talking",
    "unserved",
    "agents_staffed",
    "agents_available",
    "agents_ringing",
    "agents_busy",
    "agents_wrapup",
    "agents_paused",
)
"""Measures of now that a row holds; the longest wait is told by ``oldest_at``."""

WINDOWED: Final = (
    "service_level_now",
    "service_level",
    "abandonment_rate",
    "answer_rate",
    "average_wait",
    "p90_wait",
    "max_wait",
    "average_talk",
    "estimated_wait",
    "arrived",
    "offered",
    "answered",
    "abandoned",
)
"""Measures over the board's window that a row holds."""

TODAY: Final = (
    "arrived",
    "offered",
    "answered",
    "abandoned",
    "answer_rate",
    "abandonment_rate",
    "service_level",
    "average_wait",
    "max_wait",
)
"""Measures since local midnight that a row holds."""

TODAY_WINDOW: Final = "today"
"""The window of ``Row.today``."""

_LIVE: Final = tuple(MEASURES[name] for name in LIVE)
_WINDOWED: Final = tuple(MEASURES[name] for name in WINDOWED)
_DAILY: Final = tuple(MEASURES[name] for name in TODAY)

Figures = Mapping[str, Reading | None]
"""By measure; None is "we do not know", or no contact in the base."""

_NOTHING: Final[Figures] = MappingProxyType({})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one threshold stands for one subject."""

    threshold: str
    measure: str
    window: str | None
    direction: Direction
    limit: Fraction  #: the one in force now
    state: State
    level: Level  #: of its worst alert; pending; or calm
    since: Micros | None  #: when the condition began; None: there is none
    raised_at: Micros | None  #: when its worst alert came; None: none stands

    @property
    def breached(self) -> bool:
        """Return whether the limit is passed, or has been and is kept."""
        return self.level is not Level.CALM


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One queue or group."""

    subject: Subject
    level: Level
    blind: bool
    target: Micros  #: of the service level
    oldest_at: Micros | None  #: when the longest waiting began to; None: nobody, or not known
    oldest_known: bool  #: else nothing is known of who waits longest
    live: Figures
    window: Figures
    today: Figures
    standings: tuple[Standing, ...]  #: of all its thresholds, the worst first
    as_of: Micros | None = None  #: the figures are of then: nothing was seen since

    @property
    def id(self) -> str:
        """Return what names the row: ``queue:support``."""
        return self.subject.id

    @property
    def breaches(self) -> tuple[Standing, ...]:
        """Return the thresholds whose limits are passed, the worst first."""
        if not self.standings or not self.standings[0].breached:
            return ()  # most rows, and all are asked some times a second
        return tuple(standing for standing in self.standings if standing.breached)

    def longest_wait(self, now: Micros) -> Micros | None:
        """Return how long the longest waiting has waited; 0: nobody waits; None: not known."""
        if not self.oldest_known:
            return None
        return 0 if self.oldest_at is None else max(now - self.oldest_at, 0)

    def mark(self, measure: str, window: str | None) -> Level:
        """Return how a figure stands: calm where no limit of just that figure is passed."""
        for standing in self.standings:
            if standing.measure == measure and standing.window == window:
                return standing.level
        return Level.CALM


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FeedLight:
    """One feed and whether it sees."""

    name: str
    source: str
    up: bool
    silent: bool
    reason: str  #: why it does not see
    last_at: Micros | None  #: of its last event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All there is to show at one instant."""

    at: Micros  #: the state is of this instant: before *now* while a backlog is read
    now: Micros  #: the present by the clock of that state: ours less the skew of the source
    window: str  #: that of ``Row.window``
    rows: Sequence[Row]  #: the worst first
    feeds: Sequence[FeedLight]
    problems: Sequence[str]  #: why callmon is not ready; empty: it is


def row_of(state: SubjectState, watches: Iterable[Watch], window: str, now: Micros) -> Row:
    """Return the row of *state* at *now*, with the *watches* of its thresholds."""
    standings = tuple(sorted(map(_standing, watches), key=_urgency))
    known = not state.blind and MEASURES["longest_wait"].known(state, None, now)
    return Row(
        subject=state.subject,
        level=_level(state, standings),
        blind=state.blind,
        target=state.targets.within,
        oldest_at=oldest(state, now) if known else None,
        oldest_known=known,
        live={measure.name: measure.read(state, None, now) for measure in _LIVE},
        window=_over(state, window, _WINDOWED, now),
        today=_over(state, TODAY_WINDOW, _DAILY, now),
        standings=standings,
    )


def kept(row: Row, last: Row, as_of: Micros) -> Row:
    """Return the blind *row* with the figures of *last*, the last that were seen."""
    return dataclasses.replace(
        row,
        oldest_at=last.oldest_at,
        oldest_known=last.oldest_known,
        live=last.live,
        window=last.window,
        today=last.today,
        as_of=as_of,
    )


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Return *rows* with the worst first; those that are well stay in the order of names.

    Among equals more callers over the target are worse. What nobody has to look at does not
    move about: a supervisor finds a quiet queue where it always is.
    """
    return sorted(rows, key=_rank)


def _rank(row: Row) -> tuple[int, int, bool, str]:
    over = row.live.get("waiting_over_target")
    kind = row.subject.kind is not SubjectKind.GROUP  # a group before its queues
    return row.level.rank, 0 if over is None else -over[0], kind, row.subject.name


def _standing(watch: Watch) -> Standing:
    rule, state = watch.rule, watch.state
    worst, raised_at = Level.CALM, None
    if state.state is State.PENDING:
        worst = Level.PENDING
    elif state.severities:
        alert = max(state.alerts(), key=lambda alert: alert.severity.rank)
        worst, raised_at = _LEVEL_OF[alert.severity], alert.raised_at
    return Standing(
        threshold=rule.threshold.name,
        measure=rule.threshold.measure,
        window=rule.threshold.window,
        direction=state.limits.direction,
        limit=state.limits.limit,
        state=state.state,
        level=worst,
        since=state.since,
        raised_at=raised_at,
    )


def _urgency(standing: Standing) -> tuple[int, Micros, str]:
    return standing.level.rank, standing.since or 0, standing.threshold


def _level(state: SubjectState, standings: Sequence[Standing]) -> Level:
    worst = standings[0].level if standings else Level.CALM
    if state.blind and worst is not Level.CRITICAL:
        return Level.BLIND
    return worst


def _over(state: SubjectState, name: str, measures: Iterable[Measure], now: Micros) -> Figures:
    window = state.windows.get(name)
    if window is None:
        return _NOTHING
    window.sync(now)
    return {measure.name: measure.read(state, window, now) for measure in measures}
