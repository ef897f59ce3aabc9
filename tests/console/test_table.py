"""The live table: true, worst first, and never larger than the terminal."""

import dataclasses
import re
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.console import (
    AlertNews,
    ConsoleAlert,
    ConsoleBreach,
    ConsoleRow,
    ConsoleSource,
    ConsoleView,
    render,
    text_width,
)
from callmon.rules import Severity
from callmon.wording import Language

NOW = 1_790_000_000 * SECOND  # 2026-09-21 22:13:20 in Shanghai
CALM = ConsoleRow(
    name="sales",
    waiting=0,
    longest_wait=0,
    waiting_over_target=0,
    talking=4,
    available=3,
    staffed=7,
    answered=90,
    offered=100,
    abandonment_rate=Fraction(1, 10),
    service_level=Fraction(19, 20),
)
LONG_WAIT = ConsoleBreach(
    threshold="long_wait", measure="longest_wait", severity=Severity.CRITICAL
)
HUNG_UP = ConsoleBreach(
    threshold="high_abandonment", measure="abandonment_rate", severity=Severity.WARNING
)
BAD = dataclasses.replace(
    CALM, name="投诉", waiting=2, longest_wait=192_999_999, firing=(LONG_WAIT,)
)
UNKNOWN = ConsoleRow(
    name="vip",
    waiting=None,
    longest_wait=None,
    waiting_over_target=None,
    talking=None,
    available=None,
    staffed=None,
    answered=None,
    offered=None,
    abandonment_rate=None,
    service_level=None,
    blind=True,
)
FIRED = ConsoleAlert(
    at=NOW - 60 * SECOND,
    news=AlertNews.FIRED,
    severity=Severity.CRITICAL,
    summary="投诉: a caller has been waiting 3 min",
)
ENDED = dataclasses.replace(FIRED, at=NOW, news=AlertNews.ENDED)


def view(*rows: ConsoleRow, alerts: tuple[ConsoleAlert, ...] = ()) -> ConsoleView:
    """Return a view of *rows* with two sources and two addresses."""
    return ConsoleView(
        now=NOW,
        zone=ZoneInfo("Asia/Shanghai"),
        rows=rows,
        sources=(
            ConsoleSource(name="centre", up=True),
            ConsoleSource(name="pbx", up=False),
        ),
        alerts=alerts,
        addresses=(
            ("metrics", "http://127.0.0.1:9877/metrics"),
            ("JSON", "http://127.0.0.1:9877/api/v1/queues"),
        ),
    )


def screen(
    shown: ConsoleView,
    *,
    width: int = 140,
    height: int = 30,
    colour: bool = False,
    language: Language = Language.ENGLISH,
) -> list[str]:
    """Return the lines of *shown*."""
    text = render(shown, width=width, height=height, colour=colour, language=language)
    return text.split("\n")


def line_of(name: str, lines: list[str]) -> str:
    """Return the line of the queue *name*."""
    [line] = [line for line in lines if line[2:].startswith(name)]
    return line


def test_a_whole_screen() -> None:
    """Time, sources, queues worst first, last alerts newest first, addresses."""
    expected = """\
callmon  2026-09-21 22:13:20 CST  ✓ centre up  ▲ pbx DOWN

  Queue  Waiting  Longest  Over target  Talking  Free  Answered today  Abandoned 15m  Service 15m  Thresholds
▲ 投诉        2     3:12!           0        4   3/7          90/100          10.0%        95.0%   ▲ long_wait
✕ vip         –        –            –        –     –               –              –            –   ✕ no feed
  sales       0     0:00            0        4   3/7          90/100          10.0%        95.0%   ok

22:13:20  ✓ ended critical  投诉: a caller has been waiting 3 min
22:12:20  ▲ fired critical  投诉: a caller has been waiting 3 min

metrics http://127.0.0.1:9877/metrics
JSON http://127.0.0.1:9877/api/v1/queues"""  # noqa: E501  # a screen is as wide as it is

    assert expected.split("\n") == screen(view(CALM, UNKNOWN, BAD, alerts=(FIRED, ENDED)))


def test_a_screen_in_chinese() -> None:
    """Every word of ours is Chinese; columns stay in line, two columns a character."""
    lines = screen(view(CALM, UNKNOWN, BAD, alerts=(FIRED,)), language=Language.CHINESE)

    assert lines[0].endswith("✓ centre 正常  ▲ pbx 中断")
    assert ["队列", "等待", "最长等待", "超过目标"] == lines[2].split()[:4]
    ends = {text_width(line[: line.index("3:12") + 4]) for line in lines if "3:12" in line}
    assert {text_width(lines[2][: lines[2].index("最长等待")]) + 7} == ends
    assert "▲ 触发 严重" in lines[7]


@pytest.mark.parametrize("language", Language)
def test_unknown_is_a_dash_and_never_zero(language: Language) -> None:
    """A blind queue shows no figure at all."""
    line = line_of("vip", screen(view(UNKNOWN), language=language))
    assert 8 == line.count("–")
    assert not re.search(r"\d", line)


def test_worst_comes_first() -> None:
    """By severity, then blind, then pending, then by the longest wait, then by name."""
    warned = dataclasses.replace(CALM, name="warned", firing=(HUNG_UP,))
    both = dataclasses.replace(CALM, name="both", firing=(HUNG_UP, LONG_WAIT))
    pending = dataclasses.replace(CALM, name="pending", pending=("long_wait",))
    waits = dataclasses.replace(CALM, name="waits", waiting=1, longest_wait=SECOND)
    first = dataclasses.replace(CALM, name="a")

    lines = screen(view(first, CALM, waits, pending, UNKNOWN, warned, both))

    names = [line[2:].split()[0] for line in lines[3:10]]
    assert ["both", "warned", "vip", "pending", "waits", "a", "sales"] == names
    assert "▲◆✕◔   " == "".join(line[0] for line in lines[3:10])


def test_a_breach_lights_up_in_sign_and_colour() -> None:
    """The cell, the state and the beginning of the line are marked; others are not."""
    warned = dataclasses.replace(CALM, firing=(HUNG_UP,))
    shown = view(warned, dataclasses.replace(CALM, name="other"))

    plain, colourful = screen(shown), screen(shown, colour=True)

    assert plain == [re.sub(r"\x1b\[[\d;]*m", "", line) for line in colourful]
    assert "10.0%!" in line_of("sales", plain)
    assert "◆ high_abandonment" in line_of("sales", plain)
    assert "!" not in line_of("other", plain)
    assert 3 == colourful[3].count("\x1b[1;30;43m")
    assert 0 == colourful[4].count("\x1b[1;30;43m")


def test_the_lit_cell_takes_the_worst_severity() -> None:
    """Two thresholds of one measure show the colour of the more urgent one."""
    mild = dataclasses.replace(LONG_WAIT, threshold="mild", severity=Severity.INFO)
    shown = view(dataclasses.replace(BAD, firing=(LONG_WAIT, mild)))

    line = screen(shown, colour=True)[3]

    assert "\x1b[30;46m" not in line
    assert "▲ long_wait ● mild" in line


def test_a_queue_that_fired_and_went_blind_says_both() -> None:
    """A kept alert stays visible when the feed is gone."""
    line = line_of("vip", screen(view(dataclasses.replace(UNKNOWN, firing=(LONG_WAIT,)))))
    assert line.startswith("▲")
    assert line.endswith("✕ no feed ▲ long_wait")


def test_waits_are_never_rounded_up() -> None:
    """179.999999 s is not yet three minutes; an hour has three parts."""
    almost = dataclasses.replace(CALM, longest_wait=180 * SECOND - 1)
    hours = dataclasses.replace(CALM, name="b", longest_wait=(3_600 + 62) * SECOND)
    lines = screen(view(almost, hours))
    assert " 2:59 " in line_of("sales", lines)
    assert " 1:01:02 " in line_of("b", lines)


def test_names_cannot_steer_the_terminal() -> None:
    """Control, bidirectional and unpaired characters from a PBX become question marks."""
    evil = dataclasses.replace(CALM, name="a\x1b[2J\u202eb\ud800\n", firing=(LONG_WAIT,))
    lines = screen(view(evil))
    assert line_of("a?[2J?b??", lines)


names = st.text("ab投诉\u0301\x1b", max_size=40)
rows = st.builds(
    dataclasses.replace,
    st.sampled_from([CALM, BAD, UNKNOWN]),
    name=names,
    firing=st.lists(st.sampled_from([LONG_WAIT, HUNG_UP]), unique=True).map(tuple),
    pending=st.lists(names, max_size=2).map(tuple),
)
alerts = st.builds(dataclasses.replace, st.sampled_from([FIRED, ENDED]), summary=names)


@given(
    st.lists(rows, max_size=12),
    st.lists(alerts, max_size=8),
    st.integers(60, 150),
    st.integers(1, 30),
    st.sampled_from(Language),
)
def test_it_fits_any_terminal(
    queues: list[ConsoleRow],
    news: list[ConsoleAlert],
    width: int,
    height: int,
    language: Language,
) -> None:
    """No line is wider and no screen higher than asked, and colour takes no room."""
    shown = view(*queues, alerts=tuple(news))

    plain = screen(shown, width=width, height=height, language=language)
    colourful = screen(shown, width=width, height=height, language=language, colour=True)

    assert len(plain) <= height
    assert max(map(text_width, plain)) <= width
    assert plain == [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in colourful]


def test_a_narrow_terminal_loses_the_least_important_columns() -> None:
    """At 60 columns the name, who waits, how long and the thresholds are still there."""
    headings = screen(view(CALM, BAD), width=60)[2]
    assert all(word in headings for word in ("Queue", "Waiting", "Longest", "Thresholds"))
    assert "Talking" not in headings
    assert "Talking" in screen(view(CALM, BAD), width=120)[2]


def test_eighty_columns_show_agents_and_a_whole_threshold() -> None:
    """What is rarely needed goes first: the free agents and the threshold's name are there."""
    queue = dataclasses.replace(BAD, name="support", available=12, staffed=16)
    lines = screen(view(queue), width=80)
    assert all(word in lines[2] for word in ("Free", "Abandoned 15m", "Service 15m"))
    assert line_of("support", lines).endswith("▲ long_wait")
    assert " 12/16 " in line_of("support", lines)


def test_a_breach_of_free_agents_lights_up_their_column() -> None:
    """Nobody free is marked where the number stands."""
    nobody = ConsoleBreach(
        threshold="nobody_free", measure="agents_available", severity=Severity.INFO
    )
    row = dataclasses.replace(CALM, available=0, firing=(nobody,))
    assert " 0/7! " in line_of("sales", screen(view(row)))


def test_a_low_terminal_keeps_the_worst_queues_and_the_addresses() -> None:
    """Alerts go first, then the calmest queues, and how many are missing is said."""
    many = [dataclasses.replace(CALM, name=f"q{number}") for number in range(20)]
    lines = screen(view(*many, BAD, alerts=(FIRED,)), height=12)

    assert 12 == len(lines)
    assert "▲ 投诉" == lines[3][:4]
    assert "+ 16 more queues" in lines
    assert not any("fired" in line for line in lines)
    assert lines[-1].startswith("JSON http://")


def test_the_last_five_alerts_are_shown() -> None:
    """Older ones are in the history, not on the screen."""
    news = [dataclasses.replace(FIRED, summary=f"number {number}") for number in range(9)]
    shown = [line for line in screen(view(CALM, alerts=tuple(news))) if "number" in line]
    assert [f"number {number}" for number in (8, 7, 6, 5, 4)] == [
        line[line.index("number") :] for line in shown
    ]


def test_no_queue_yet() -> None:
    """Before the first event the table says so."""
    assert "no queue yet" == screen(view())[2]
