"""The board as plain JSON values: what ``/api/v1/board`` answers and ``callmon top`` reads.

Names are those of the measures. Durations are seconds, ratios 0 to 1; what is not known
is null, never 0.
"""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from callmon.board import Board, FeedLight, Figures, Level, Row, Standing
from callmon.clock import SECOND
from callmon.measures import MEASURES
from callmon.plain import (
    Amount,
    Instant,
    Labels,
    MeasureName,
    TargetSeconds,
    ThresholdName,
    WindowName,
    instant,
    number,
    shown,
)
from callmon.rules import Direction, SubjectKind
from callmon.thresholds import State

__all__ = [
    "BoardFeed",
    "BoardRow",
    "BoardStanding",
    "BoardView",
    "LiveFigures",
    "TodayFigures",
    "WindowFigures",
    "board_view",
]

_Shown = TypeVar("_Shown", "LiveFigures", "WindowFigures", "TodayFigures")


class LiveFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Measures of now; all null while the queue is blind and no last picture is kept."""

    waiting: int | None
    waiting_over_target: int | None
    longest_wait: float | None
    talking: int | None
    unserved: int | None
    agents_staffed: int | None
    agents_available: int | None
    agents_ringing: int | None
    agents_busy: int | None
    agents_wrapup: int | None
    agents_paused: int | None


class WindowFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Measures over the board's window; null where it has no contact to be measured by."""

    service_level_now: float | None
    service_level: float | None
    abandonment_rate: float | None
    answer_rate: float | None
    average_wait: float | None
    p90_wait: float | None
    max_wait: float | None
    average_talk: float | None
    estimated_wait: float | None
    arrived: int | None
    offered: int | None
    answered: int | None
    abandoned: int | None


class TodayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Measures since midnight of the queue's zone; null where there is no contact yet."""

    arrived: int | None
    offered: int | None
    answered: int | None
    abandoned: int | None
    answer_rate: float | None
    abandonment_rate: float | None
    service_level: float | None
    average_wait: float | None
    max_wait: float | None


class BoardStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How one threshold stands for the row."""

    threshold: ThresholdName
    measure: MeasureName
    window: WindowName
    direction: Annotated[Direction, Meta(description="Which side of the limit is bad.")]
    limit: Amount
    state: Annotated[State, Meta(description="Where it is between calm and firing.")]
    level: Annotated[
        Level,
        Meta(description="Of its worst alert; pending: passed, not yet long enough; or calm."),
    ]
    since: Annotated[
        Instant | None, Meta(description="When the breach began; null: there is none.")
    ]
    raised_at: Annotated[
        Instant | None, Meta(description="When its worst alert came; null: none stands.")
    ]


class BoardRow(msgspec.Struct, frozen=True, kw_only=True):
    """One queue or group."""

    id: Annotated[str, Meta(description="Kind and name.", examples=["queue:support"])]
    kind: SubjectKind
    name: str
    labels: Labels
    level: Annotated[
        Level, Meta(description="The worst there is: critical, blind, warning, info, pending …")
    ]
    blind: Annotated[
        bool, Meta(description="No feed sees it: what waits there now is not known.")
    ]
    target_s: TargetSeconds
    oldest_at: Annotated[
        Instant | None,
        Meta(description="When the longest waiting began to; null: nobody, or not known."),
    ]
    as_of: Annotated[
        Instant | None,
        Meta(
            description="Not null: the row is blind, and oldest_at and all figures are those "
            "of then, the last that were seen. They are not of now."
        ),
    ]
    live: LiveFigures
    window: WindowFigures
    today: TodayFigures
    standings: Annotated[
        tuple[BoardStanding, ...], Meta(description="All its thresholds, the worst first.")
    ]


class BoardFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One feed and whether it sees."""

    feed: Annotated[str, Meta(description="Its name in callmon.yml.")]
    source: Annotated[str, Meta(description="The telephone system behind it.")]
    up: Annotated[bool, Meta(description="It sees its source.")]
    silent: Annotated[bool, Meta(description="It is up and says nothing for too long.")]
    reason: Annotated[str, Meta(description="Why it is up or not, in words.")]
    last_event_at: Annotated[
        Instant | None, Meta(description="Of its last event; null: it had none yet.")
    ]


class BoardView(msgspec.Struct, frozen=True, kw_only=True):
    """Every queue and group with what a wallboard shows, the worst first."""

    at: Annotated[
        Instant,
        Meta(
            description="The state is of this instant: a little before now, or far before it "
            "while a backlog is read."
        ),
    ]
    now: Annotated[
        Instant, Meta(description="The present by the same clock: that of the sources.")
    ]
    window: Annotated[str, Meta(description="That of rows[].window.", examples=["15m"])]
    rows: Annotated[
        tuple[BoardRow, ...],
        Meta(description="The worst first; those that are well in the order of their names."),
    ]
    feeds: tuple[BoardFeed, ...]
    problems: Annotated[
        tuple[str, ...], Meta(description="Why callmon is not ready; empty: it is.")
    ]


def board_view(board: Board) -> BoardView:
    """Return *board*."""
    return BoardView(
        at=instant(board.at),
        now=instant(board.now),
        window=board.window,
        rows=tuple(_row(row, board) for row in board.rows),
        feeds=tuple(map(_feed, board.feeds)),
        problems=tuple(board.problems),
    )


def _row(row: Row, board: Board) -> BoardRow:
    # What is kept of a blind queue does not grow: nobody knows whether they still wait.
    wait = row.longest_wait(board.at if row.as_of is None else row.as_of)
    longest = None if wait is None else (wait, 1, 1)
    return BoardRow(
        id=row.id,
        kind=row.subject.kind,
        name=row.subject.name,
        labels=dict(row.subject.labels),
        level=row.level,
        blind=row.blind,
        target_s=row.target / SECOND,
        oldest_at=instant(row.oldest_at),
        as_of=instant(row.as_of),
        live=_shown(LiveFigures, {**row.live, "longest_wait": longest}),
        window=_shown(WindowFigures, row.window),
        today=_shown(TodayFigures, row.today),
        standings=tuple(map(_standing, row.standings)),
    )


def _shown(kind: type[_Shown], figures: Figures) -> _Shown:
    found: dict[str, Any] = {
        name: number(figures.get(name), MEASURES[name].unit) for name in kind.__struct_fields__
    }
    return kind(**found)


def _standing(standing: Standing) -> BoardStanding:
    return BoardStanding(
        threshold=standing.threshold,
        measure=standing.measure,
        window=standing.window,
        direction=standing.direction,
        limit=shown(standing.limit, MEASURES[standing.measure].unit),
        state=standing.state,
        level=standing.level,
        since=instant(standing.since),
        raised_at=instant(standing.raised_at),
    )


def _feed(light: FeedLight) -> BoardFeed:
    return BoardFeed(
        feed=light.name,
        source=light.source,
        up=light.up,
        silent=light.silent,
        reason=light.reason,
        last_event_at=instant(light.last_at),
    )
