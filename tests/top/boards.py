"""Boards made by hand for the tests of ``callmon top``."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from callmon.board import Level
from callmon.board_view import (
    BoardFeed,
    BoardRow,
    BoardStanding,
    BoardView,
    LiveFigures,
    TodayFigures,
    WindowFigures,
)
from callmon.rules import Direction, SubjectKind
from callmon.thresholds import State

__all__ = ["BLIND", "CALM", "LONG_WAIT", "WORST", "board", "row", "standing"]

NOW = "2026-09-21T14:13:20Z"  # 22:13:20 in Shanghai

LIVE = LiveFigures(
    waiting=0,
    waiting_over_target=0,
    longest_wait=0,
    talking=4,
    unserved=0,
    agents_staffed=7,
    agents_available=3,
    agents_ringing=0,
    agents_busy=3,
    agents_wrapup=1,
    agents_paused=0,
)
WINDOW = WindowFigures(
    service_level_now=0.95,
    service_level=0.96,
    abandonment_rate=0.05,
    answer_rate=0.95,
    average_wait=9.5,
    p90_wait=18,
    max_wait=61,
    average_talk=184.25,
    estimated_wait=40,
    arrived=20,
    offered=20,
    answered=19,
    abandoned=1,
)
TODAY = TodayFigures(
    arrived=101,
    offered=100,
    answered=90,
    abandoned=10,
    answer_rate=0.9,
    abandonment_rate=0.1,
    service_level=0.8,
    average_wait=12.5,
    max_wait=305,
)


def _nothing(kind: Any) -> Any:
    return kind(**dict.fromkeys(kind.__struct_fields__))


def standing(level: Level = Level.CRITICAL, **values: Any) -> BoardStanding:
    """Return how a threshold on the longest wait stands, but for *values*."""
    state = {Level.CALM: State.OK, Level.PENDING: State.PENDING}.get(level, State.FIRING)
    stands = level not in {Level.CALM, Level.PENDING}
    default = {
        "threshold": "long_wait",
        "measure": "longest_wait",
        "window": None,
        "direction": Direction.ABOVE,
        "limit": 180,
        "state": state,
        "level": level,
        "since": None if level is Level.CALM else "2026-09-21T14:10:08Z",
        "raised_at": "2026-09-21T14:10:08Z" if stands else None,
    }
    return BoardStanding(**{**default, **values})


def row(name: str, level: Level = Level.CALM, **values: Any) -> BoardRow:
    """Return a row of a queue where all is well, but for *values*."""
    kind = values.pop("kind", SubjectKind.QUEUE)
    default = {
        "id": f"{kind}:{name}",
        "kind": kind,
        "name": name,
        "labels": {"team": "sales"},
        "level": level,
        "blind": False,
        "target_s": 20,
        "oldest_at": None,
        "as_of": None,
        "live": LIVE,
        "window": WINDOW,
        "today": TODAY,
        "standings": (),
    }
    return BoardRow(**{**default, **values})


LONG_WAIT = standing()
CALM = row("sales", standings=(standing(Level.CALM),))
WORST = row(
    "投诉",
    Level.CRITICAL,
    labels={"team": "care", "site": "hz"},
    oldest_at="2026-09-21T14:10:07.500000Z",
    live=replace(LIVE, waiting=2, longest_wait=192.5, waiting_over_target=1),
    standings=(LONG_WAIT,),
)
BLIND = row(
    "vip",
    Level.BLIND,
    blind=True,
    live=_nothing(LiveFigures),
    window=_nothing(WindowFigures),
    today=_nothing(TodayFigures),
)


def board(rows: Sequence[BoardRow] = (WORST, BLIND, CALM), **values: Any) -> BoardView:
    """Return a board of *rows*, seen by two feeds, one of them down, but for *values*."""
    default = {
        "at": NOW,
        "now": NOW,
        "window": "15m",
        "rows": tuple(rows),
        "feeds": (
            BoardFeed(
                feed="centre",
                source="centre",
                up=True,
                silent=False,
                reason="",
                last_event_at=NOW,
            ),
            BoardFeed(
                feed="pbx",
                source="pbx",
                up=False,
                silent=False,
                reason="connection refused",
                last_event_at=None,
            ),
        ),
        "problems": (),
    }
    return BoardView(**{**default, **values})


def encoded(view: BoardView) -> bytes:
    """Return *view* as it comes over the wire."""
    return msgspec.json.encode(view)
