"""The board as text: true, worst first, never wider than asked, in both languages."""

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callmon.board import Level
from callmon.board_view import BoardRow, BoardView
from callmon.console.text import text_width
from callmon.rules import Direction, SubjectKind
from callmon.top.once import once_text
from callmon.top.scene import TopLook
from callmon.wording import Language
from tests.top.boards import (
    BLIND,
    CALM,
    LIVE,
    WINDOW,
    WORST,
    board,
    row,
    standing,
)

CENTRE = row("centre", kind=SubjectKind.GROUP)
LOW = standing(
    Level.PENDING,
    threshold="low_service",
    measure="service_level_now",
    window="15m",
    direction=Direction.BELOW,
    limit=0.8,
)
PENDING = row(
    "vip2", Level.PENDING, window=replace(WINDOW, service_level_now=0.7996), standings=(LOW,)
)


def look(language: Language = Language.ENGLISH, **values: Any) -> TopLook:
    """Return how somebody in Shanghai looks."""
    return TopLook(language=language, zone=ZoneInfo("Asia/Shanghai"), **values)


def lines(view: BoardView, *, width: int = 0, colour: bool = False, **values: Any) -> list[str]:
    """Return the lines of *view*."""
    return once_text(view, look(**values), width=width, colour=colour).splitlines()


def line_of(name: str, found: list[str]) -> str:
    """Return the row of the queue *name*."""
    [line] = [line for line in found[3:] if line[2:].startswith(f"{name} ")][:1]
    return line


def test_a_whole_board() -> None:
    """Time, counts, feeds, rows as callmon ranks them, alerts."""
    expected = """\
callmon  2026-09-21 22:13:20 CST  ▲ 1 critical  ✕ 1 no data  ◔ 1 pending  ✓ 2 ok
✕ pbx DOWN (connection refused)  ✓ centre up

  Queue            Waiting   Longest  Over target  Service 15m  Abandoned 15m  Answer rate 15m  Free/at work  Answered today  Thresholds
▲ 投诉                  2      3:12!           1          95%             5%              95%           3/7          90/100   ▲ long_wait
✕ vip             no data   no data      no data      no data        no data          no data       no data         no data   ✕ no data
◔ vip2                  0      0:00            0        79.9%             5%              95%           3/7          90/100   ◔ low_service
  centre (group)        0      0:00            0          95%             5%              95%           3/7          90/100   ok
  sales                 0      0:00            0          95%             5%              95%           3/7          90/100   ok

Standing alerts
▲ critical  投诉  long_wait: longest wait above 3 min  since 22:10:08 (3 min 12 s)"""  # noqa: E501  # a screen is as wide as it is

    found = lines(board((WORST, BLIND, PENDING, CENTRE, CALM)))

    assert expected.split("\n") == found


def test_a_board_in_chinese() -> None:
    """Every word of ours is Chinese, in columns of equal width."""
    found = lines(board((WORST, CENTRE, BLIND)), language=Language.CHINESE)

    assert found[0].endswith("▲ 1 严重  ✕ 1 无数据  ✓ 1 正常")
    assert found[1] == "✕ pbx 中断 (connection refused)  ✓ centre 正常"
    assert ["队列", "排队", "最长等待", "超过目标", "服务水平"] == found[3].split()[:5]
    assert found[5].startswith("  centre（队列组）")
    assert found[6].endswith("✕ 无数据")
    assert found[8:] == [
        "当前告警",
        "▲ 严重  投诉  long_wait: 最长等待高于 3 分钟  22:10:08 起，已持续 3 分 12 秒",
    ]
    starts = {
        text_width(line[: line.index(state)])
        for line, state in zip(
            found[3:7], ["阈值", "▲ long_wait", "正常", "✕ 无数据"], strict=True
        )
    }
    assert 1 == len(starts)


@pytest.mark.parametrize("language", Language)
def test_unknown_is_never_a_number(language: Language) -> None:
    """A blind queue shows no figure at all: neither 0 nor 100 %."""
    line = line_of("vip", lines(board((BLIND,)), language=language))

    assert not re.search(r"\d", line)
    assert 9 == line.count("no data" if language is Language.ENGLISH else "无数据")


def test_a_queue_without_calls_says_so() -> None:
    """Rates have no value then; who waits is known to be nobody."""
    nothing = dict.fromkeys(type(WINDOW).__struct_fields__)
    quiet = replace(WINDOW, **{**nothing, "arrived": 0, "offered": 0, "answered": 0})

    line = line_of("night", lines(board((row("night", window=quiet),))))

    assert 3 == line.count("no calls")
    assert "no data" not in line


def test_where_everybody_hung_up_at_once_there_was_no_call() -> None:
    """Short abandons are in no base: the rate is of no contact."""
    nothing = dict.fromkeys(type(WINDOW).__struct_fields__)
    short = replace(WINDOW, **{**nothing, "offered": 3, "abandoned": 3, "answered": 0})

    assert 3 == line_of("x", lines(board((row("x", window=short),)))).count("no calls")


def test_a_rate_that_is_not_known_is_no_data() -> None:
    """Calls ended, and nobody can tell how."""
    nothing = dict.fromkeys(type(WINDOW).__struct_fields__)
    dark = replace(WINDOW, **{**nothing, "offered": 3})

    assert 3 == line_of("x", lines(board((row("x", window=dark),)))).count("no data")


def test_the_last_picture_of_a_blind_queue_says_of_when_it_is() -> None:
    """Its figures are there, dim, and do not look like those of now."""
    kept = row(
        "kept",
        Level.BLIND,
        blind=True,
        as_of="2026-09-21T14:02:11Z",
        live=replace(LIVE, waiting=5),
    )

    [plain] = [line for line in lines(board((kept,))) if "kept" in line]
    [colourful] = [line for line in lines(board((kept,)), colour=True) if "kept" in line]

    assert plain.endswith("✕ no data, as of 22:02:11")
    assert re.search(r"\x1b\[2m +5 \x1b\[0m", colourful)


def test_a_breach_lights_up_in_sign_and_colour() -> None:
    """The cell, the threshold and the beginning of the line; nothing else of the table."""
    plain = lines(board((WORST, CALM)), width=160)
    colourful = lines(board((WORST, CALM)), width=160, colour=True)

    assert plain == [re.sub(r"\x1b\[[\d;]*m", "", line) for line in colourful]
    assert "3:12!" in plain[4]
    assert 3 == colourful[4].count("\x1b[1;97;41m")
    assert 1 == sum(line.count("!") for line in plain)


def test_a_rate_beyond_its_limit_lights_up() -> None:
    """The limit is about the figure that is shown: the same measure over the same window."""
    low = replace(LOW, level=Level.WARNING)
    poor = replace(WINDOW, service_level_now=0.75)

    line = line_of("x", lines(board((row("x", Level.WARNING, window=poor, standings=(low,)),))))

    assert "75%!" in line
    assert 1 == line.count("!")


def test_a_limit_of_another_window_lights_up_nothing() -> None:
    """The figure that is shown is not the one that is beyond its limit."""
    other = replace(LOW, window="1h", level=Level.WARNING)
    found = lines(board((row("x", Level.WARNING, standings=(other,)),)))

    assert "!" not in line_of("x", found)
    assert "◆ low_service" in line_of("x", found)
    assert "service level now, 1 h below 80 %" in found[-1]


def test_alerts_are_told_by_urgency_then_age() -> None:
    """Critical first; among equals who stands longer; pending ones are none yet."""
    old = standing(Level.WARNING, threshold="old", since="2026-09-21T10:00:00Z")
    new = standing(Level.WARNING, threshold="new", since="2026-09-21T14:00:00Z")
    rows = (row("a", Level.WARNING, standings=(new, LOW)), row("b", standings=(old,)), WORST)

    found = lines(board(rows))

    assert ["long_wait:", "old:", "new:"] == [line.split()[3] for line in found[-3:]]


def test_why_there_is_no_row_is_said() -> None:
    """Nothing is known yet, or nothing has that label."""
    assert "no queue yet" == lines(board(()))[-1]
    labels = [("team", "slaes"), ("site", "hz")]
    assert "no queue has team=slaes site=hz" == lines(board(()), labels=labels)[-1]


def test_what_is_out_of_order_is_said() -> None:
    """Why callmon is not ready, and that it has no such window."""
    found = lines(board(problems=("pbx: not connected yet",)), window="7m")

    assert "not ready: pbx: not connected yet" in found
    assert "7m is not kept there: shown are the figures over 15m" in found
    assert not [line for line in lines(board(), window="15m") if "kept" in line]


def test_names_cannot_steer_the_terminal() -> None:
    """Whoever names a queue, a threshold, a feed or a label."""
    evil = "\x1b[2J\u202e"
    view = board(
        (
            row(
                evil,
                Level.INFO,
                labels={"team": evil},
                standings=(standing(Level.INFO, threshold=evil, measure=evil, window=evil),),
            ),
        ),
        problems=(evil,),
        window=evil,
    )
    feed = replace(view.feeds[1], feed=evil, reason=evil)

    text = once_text(
        replace(view, feeds=(feed,)),
        look(labels=[("team", evil)], window=evil),
        width=0,
        colour=False,
    )

    assert text.replace("\n", "").isprintable()


names = st.text("ab投诉\u0301\x1b", max_size=30)
levels = st.sampled_from(Level)
standings = st.builds(
    standing,
    levels,
    threshold=names,
    measure=st.sampled_from(["longest_wait", "service_level_now", "sparkle"]),
    window=st.sampled_from([None, "15m", "today"]),
    limit=st.sampled_from([0, 0.2, 180]),
)
rows = st.builds(
    replace,
    st.sampled_from([CALM, WORST, BLIND, CENTRE, PENDING]),
    name=names,
    level=levels,
    standings=st.lists(standings, max_size=3).map(tuple),
)


@given(
    st.lists(rows, max_size=8), st.integers(50, 150), st.sampled_from(Language), st.booleans()
)
def test_it_fits_any_width(
    queues: list[BoardRow], width: int, language: Language, down: bool
) -> None:
    """No line is wider than asked, and colour takes no room."""
    view = board(queues, problems=("x" * 200,) if down else ())

    plain = lines(view, width=width, language=language, window="7m")
    colourful = lines(view, width=width, colour=True, language=language, window="7m")

    assert max(map(text_width, plain)) <= width
    assert plain == [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in colourful]


def test_a_narrow_terminal_loses_the_day_before_the_counts() -> None:
    """How many are critical says more than what day it is."""
    assert "22:13:20  ▲ 1 critical  ✕ 1 no data  ✓ 1 ok" == lines(board(), width=60)[0]


def test_a_narrow_terminal_loses_the_least_important_columns() -> None:
    """At 60 columns the name, who waits, how long and the thresholds are still there."""
    heading = lines(board(), width=60)[3]

    assert all(word in heading for word in ("Queue", "Waiting", "Longest", "Thresholds"))
    assert "Answered" not in heading
