"""The board as ``/api/v1/board`` answers it."""

import json
from dataclasses import replace
from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from callmon.board import LIVE, TODAY, WINDOWED, Board, FeedLight, Level, Row, Standing
from callmon.board_view import (
    BoardView,
    LiveFigures,
    TodayFigures,
    WindowFigures,
    board_view,
)
from callmon.clock import SECOND, Micros
from callmon.rules import Direction, Subject, SubjectKind
from callmon.thresholds import State
from tests.offices import MINUTE, Office

AT: Micros = 1_795_399_200 * SECOND  # 2026-11-23T02:00:00Z
STANDING = Standing(
    threshold="long_wait",
    measure="longest_wait",
    window=None,
    direction=Direction.ABOVE,
    limit=Fraction(180 * SECOND),
    state=State.FIRING,
    level=Level.WARNING,
    since=AT - 20 * SECOND,
    raised_at=AT - 10 * SECOND,
)
ROW = Row(
    subject=Subject(kind=SubjectKind.QUEUE, name="客服", labels={"team": "vip"}),
    level=Level.WARNING,
    blind=False,
    target=20 * SECOND,
    oldest_at=AT - 200 * SECOND - 500_000,
    oldest_known=True,
    live={"waiting": (3, 1, 3)},
    window={"service_level": (2, 3, 3), "average_wait": (25 * SECOND, 2, 2)},
    today={},
    standings=(STANDING,),
)
LIGHT = FeedLight(
    name="pbx", source="pbx", up=True, silent=False, reason="is read", last_at=None
)
BOARD = Board(
    at=AT, now=AT + 1_500_000, window="15m", rows=[ROW], feeds=[LIGHT], problems=["clock: late"]
)


def test_a_board_is_told_in_the_units_of_people() -> None:
    """Names, seconds, ratios and instants are exactly these; what is not known is null."""
    found = json.loads(msgspec.json.encode(board_view(BOARD)))

    assert {
        "at": "2026-11-23T02:00:00Z",
        "now": "2026-11-23T02:00:01.500000Z",
        "window": "15m",
        "rows": [
            {
                "id": "queue:客服",
                "kind": "queue",
                "name": "客服",
                "labels": {"team": "vip"},
                "level": "warning",
                "blind": False,
                "target_s": 20,
                "oldest_at": "2026-11-23T01:56:39.500000Z",
                "as_of": None,
                "live": dict.fromkeys(LiveFigures.__struct_fields__)
                | {"waiting": 3, "longest_wait": 200.5},
                "window": dict.fromkeys(WindowFigures.__struct_fields__)
                | {"service_level": 2 / 3, "average_wait": 12.5},
                "today": dict.fromkeys(TodayFigures.__struct_fields__),
                "standings": [
                    {
                        "threshold": "long_wait",
                        "measure": "longest_wait",
                        "window": None,
                        "direction": "above",
                        "limit": 180,
                        "state": "firing",
                        "level": "warning",
                        "since": "2026-11-23T01:59:40Z",
                        "raised_at": "2026-11-23T01:59:50Z",
                    }
                ],
            }
        ],
        "feeds": [
            {
                "feed": "pbx",
                "source": "pbx",
                "up": True,
                "silent": False,
                "reason": "is read",
                "last_event_at": None,
            }
        ],
        "problems": ["clock: late"],
    } == found


def test_it_has_the_figures_of_the_board() -> None:
    """Each measure that a row holds is a field, and no field is without one."""
    assert {*LIVE, "longest_wait"} == {*LiveFigures.__struct_fields__}
    assert {*WINDOWED} == {*WindowFigures.__struct_fields__}
    assert {*TODAY} == {*TodayFigures.__struct_fields__}


def test_nobody_waiting_is_0_and_not_knowing_is_null() -> None:
    """The longest wait tells them apart, where the oldest is null in both."""
    nobody = replace(ROW, oldest_at=None)
    unknown = replace(nobody, oldest_known=False)

    rows = board_view(replace(BOARD, rows=[nobody, unknown])).rows

    assert [(None, 0), (None, None)] == [(row.oldest_at, row.live.longest_wait) for row in rows]


def test_a_kept_wait_does_not_grow() -> None:
    """Of a blind row it is that of the moment in which it was last seen."""
    seen = replace(ROW, blind=True, as_of=AT - 100 * SECOND)

    (row,) = board_view(replace(BOARD, rows=[seen])).rows

    assert (True, "2026-11-23T01:58:20Z", 100.5) == (
        row.blind,
        row.as_of,
        row.live.longest_wait,
    )


@given(st.integers(0, 3), st.sampled_from(["", "centre", "hotline"]))
def test_who_reads_it_finds_what_was_said(minutes: int, lost: str) -> None:
    """The JSON of any board is read again as the same."""
    office = Office()
    office.monitor.begin()
    office.work(minutes * MINUTE)
    last = office.rows()
    if lost:
        office.sees(office.monitor.feeds[lost], "gone")
    view = board_view(office.board(last=last))

    assert view == msgspec.json.decode(msgspec.json.encode(view), type=BoardView)
