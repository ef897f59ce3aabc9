"""Rows and boards made by hand, for tests of what a wallboard makes of them."""

from collections.abc import Mapping
from fractions import Fraction
from zoneinfo import ZoneInfo

from callmon.board import Board, FeedLight, Level, Row, Standing
from callmon.clock import SECOND, Micros
from callmon.measures import Reading
from callmon.rules import Direction, Subject, SubjectKind
from callmon.thresholds import State

__all__ = ["NOW", "ZONE", "board", "feed", "row", "standing"]

NOW: Micros = 1_795_399_331 * SECOND  # 2026-11-23 10:02:11 in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")

LIVE: Mapping[str, Reading | None] = {
    "waiting": (7, 1, 7),
    "waiting_over_target": (3, 1, 7),
    "talking": (5, 1, 5),
    "unserved": (0, 1, 0),
    "agents_staffed": (8, 1, 8),
    "agents_available": (1, 1, 1),
    "agents_ringing": (1, 1, 1),
    "agents_busy": (5, 1, 5),
    "agents_wrapup": (1, 1, 1),
    "agents_paused": (0, 1, 0),
}
WINDOW: Mapping[str, Reading | None] = {
    "service_level_now": (71, 100, 100),
    "service_level": (75, 100, 100),
    "abandonment_rate": (26, 100, 100),
    "answer_rate": (74, 100, 100),
    "average_wait": (17 * SECOND, 1, 74),
    "p90_wait": (41 * SECOND, 1, 100),
    "max_wait": (100 * SECOND, 1, 100),
    "average_talk": (214 * SECOND, 1, 74),
    "estimated_wait": (66 * SECOND, 1, 74),
    "arrived": (101, 1, 101),
    "offered": (100, 1, 100),
    "answered": (74, 1, 74),
    "abandoned": (26, 1, 26),
}
TODAY: Mapping[str, Reading | None] = {
    "arrived": (901, 1, 901),
    "offered": (900, 1, 900),
    "answered": (585, 1, 585),
    "abandoned": (315, 1, 315),
    "answer_rate": (585, 900, 900),
    "abandonment_rate": (315, 900, 900),
    "service_level": (1, 2, 900),
    "average_wait": (19 * SECOND, 1, 585),
    "max_wait": (700 * SECOND, 1, 900),
}


def row(
    name: str = "support",
    *,
    level: Level = Level.CALM,
    kind: SubjectKind = SubjectKind.QUEUE,
    blind: bool = False,
    oldest_at: Micros | None = NOW - 38 * SECOND,
    oldest_known: bool = True,
    live: Mapping[str, Reading | None] = LIVE,
    window: Mapping[str, Reading | None] = WINDOW,
    today: Mapping[str, Reading | None] = TODAY,
    standings: tuple[Standing, ...] = (),
    as_of: Micros | None = None,
    labels: Mapping[str, str] | None = None,
) -> Row:
    """Return a row; that of a busy queue unless told otherwise."""
    return Row(
        subject=Subject(kind=kind, name=name, labels=labels or {}),
        level=level,
        blind=blind,
        target=20 * SECOND,
        oldest_at=oldest_at,
        oldest_known=oldest_known,
        live={**LIVE, **live},
        window={**WINDOW, **window},
        today={**TODAY, **today},
        standings=standings,
        as_of=as_of,
    )


def standing(
    threshold: str = "long_wait",
    measure: str = "longest_wait",
    *,
    window: str | None = None,
    direction: Direction = Direction.ABOVE,
    limit: Fraction | int = 180 * SECOND,
    state: State = State.FIRING,
    level: Level = Level.CRITICAL,
    since: Micros | None = NOW - 75 * SECOND,
) -> Standing:
    """Return how a threshold stands; a critical one that fires unless told otherwise."""
    return Standing(
        threshold=threshold,
        measure=measure,
        window=window,
        direction=direction,
        limit=Fraction(limit),
        state=state,
        level=level,
        since=since,
        raised_at=since,
    )


def feed(name: str = "pbx", *, up: bool = True, silent: bool = False) -> FeedLight:
    """Return a feed, with a reason where it is down."""
    return FeedLight(
        name=name,
        source="pbx",
        up=up,
        silent=silent,
        reason="" if up else "connection refused",
        last_at=NOW,
    )


def board(
    *rows: Row,
    feeds: tuple[FeedLight, ...] = (feed(),),
    problems: tuple[str, ...] = (),
    at: Micros = NOW,
    now: Micros = NOW,
) -> Board:
    """Return the board of *rows*."""
    return Board(at=at, now=now, window="15m", rows=rows, feeds=feeds, problems=problems)
