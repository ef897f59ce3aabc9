"""Tests of the backtest on a terminal: what it says, how wide it is, what is coloured."""

import re
from fractions import Fraction
from typing import Any

import pytest

from callmon.backtest.outcome import Difference, Found
from callmon.backtest.table import CHANGES_SHOWN, SUBJECTS_SHOWN, table_lines
from callmon.backtest.texts import TEXTS
from callmon.clock import SECOND
from callmon.console.text import text_width
from callmon.rules import Direction
from callmon.wording import Language
from tests.backtest.pasts import (
    DAY,
    HOSTILE,
    HOUR,
    MINUTE,
    SINCE,
    backtest,
    duty,
    episode,
    found,
    line,
    queue,
    sweep,
    threshold,
)

LOUD = [
    episode(SINCE + DAY, 30 * SECOND),
    episode(SINCE + DAY + 4 * MINUTE, HOUR, escalated=True),
    episode(SINCE + 9 * DAY, worst=Fraction(400 * SECOND)),
]


NARROWEST = 58
"""Columns that always stay take so many."""


def text(outcome: Found, **how: Any) -> str:
    """Return the table as one text."""
    return "\n".join(table_lines(outcome, **how))


def test_all_of_it() -> None:
    """Where the past comes from, the verdict, each queue, each shift, what never fired."""
    calm = queue("calm")
    past = found(
        [line(LOUD), line([], subject=calm)],
        duties=[
            duty("day", turns=20, calls=3, most=2, most_at=SINCE + DAY),
            duty(None, turns=28, calls=1, most=1, most_at=SINCE + 9 * DAY),
        ],
        remarks=["The journal keeps 28 days."],
    )

    told = text(past).splitlines()
    assert [
        "Backtest of thresholds.yml",
        "Past queue_log, 2026-03-02 00:00 to 2026-03-30 00:00 UTC",
        "28 days, 12,345 events",
        "To know: The journal keeps 28 days.",
        "",
        "In 28 days thresholds.yml would have paged somebody 4 times, 0.1 a day.",
        (
            "It fired 3 times; 1 (33 %) was over within a minute, 1 (33 %) fired again"
            " within five minutes of the end of the one before."
        ),
        "Noisiest: long_wait for support, 2 of 3 (67 %).",
        "Worst day: Tue 2026-03-03, 3 pages.",
        "",
    ] == told[:10]
    figures = "3|0.8|4|1|1|67 %|1 h 10 min|1 h|2026-03-03 00:04|6 min 40 s|2026-03-11 00:00"
    assert [
        "Threshold|Fired|A week|Pages|○ Brief|↻ Again|Noise|Lasted|Longest|Worst",
        f"long_wait|{figures}",
        f"support|{figures}",
        "Never fired: calm",
    ] == [re.sub(" {2,}", "|", row.strip()) for row in told[10:14]]
    assert [
        ["Shift", "Times", "on", "duty", "Pages", "Pages", "each", "Most"],
        ["day", "20", "3", "0.2", "2", "Tue", "2026-03-03"],
        ["no", "shift", "28", "1", "<0.1", "1", "Wed", "2026-03-11"],
    ] == [row.split() for row in told[-3:]]


def test_nothing_fired() -> None:
    """No episode is no share and no worst day, and the thresholds are named all the same."""
    told = text(found([line([])]))

    assert "In 28 days thresholds.yml would have paged nobody." in told
    assert "Worst day" not in told
    assert "%" not in told
    assert "Never fired: support" in told


def test_what_is_not_known_is_told() -> None:
    """A history that begins later than asked for says so, and rates count what there is."""
    told = text(found([line(LOUD)], first=SINCE + 7 * DAY))

    assert "Nothing is known of the time before 2026-03-09 00:00." in told
    assert "21 days, 12,345 events" in told


def test_a_short_span_has_no_rates() -> None:
    """A rate for a week is not made of a day."""
    told = text(found([line(LOUD[:1])], until=SINCE + 2 * DAY))

    assert "In 2 d thresholds.yml would have paged somebody once, 0.5 a day." in told
    assert ["long_wait", "1", "–", "1"] == told.splitlines()[-2].split()[:4]


def test_two_files() -> None:
    """Counts stand as before and after, and what is gone or new is listed, the first five."""
    gone = [episode(SINCE + number * DAY) for number in range(7)]
    new = episode(SINCE + 8 * DAY + HOUR)
    past = backtest(
        [line([new])],
        present=[line(gone)],
        differences=[Difference(key=new.key, kept=0, gone=tuple(gone), new=(new,))],
        duties=[duty("day", calls=1, most=1, most_at=SINCE)],
    )

    told = text(Found(backtest=past))

    assert "somebody once, <0.1 a day." in told
    assert "With the present file, thresholds.yml, it is 7 times, 0.2 a day:" in told
    assert "the new one pages 86 % less." in told
    assert "7 → 1" in told
    assert "long_wait support: 7 gone, 1 new, 0 kept." in told
    assert "2026-03-06 00:00, and 2 more" in told
    assert "+ 2026-03-10 01:00" in told


def test_two_files_that_do_the_same() -> None:
    """Without a difference there is no list, and the verdict says so."""
    past = backtest([line(LOUD)], present=[line(LOUD)])

    told = text(Found(backtest=past))

    assert "the new one pages as often. Nothing would have fired differently." in told
    assert "→" not in told


def test_worst_of_a_threshold_below_is_the_lowest() -> None:
    """The worst service level is the lowest one."""
    of = threshold(
        measure="service_level",
        window="30m",
        limit=Fraction(8, 10),
        direction=Direction.BELOW,
    )
    episodes = [
        episode(SINCE + number * DAY, of=of, worst=worst)
        for number, worst in enumerate((Fraction(1, 2), Fraction(1, 4), Fraction(3, 4)))
    ]

    told = text(found([line(episodes, of=of)]))

    assert "25 %  2026-03-03 00:00" in told


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_columns_fit_and_stand_below_each_other(width: int, language: Language) -> None:
    """Narrow terminals lose columns, and Chinese names do not shift the rest."""
    names = ["销售热线", "support", "售后（夜间）", "é"]
    lines = [
        line([episode(SINCE + DAY, subject=queue(name))], subject=queue(name)) for name in names
    ]

    told = text(found(lines), width=width, language=language).splitlines()

    start = next(number for number, row in enumerate(told) if "↻" in row)
    table = told[start : start + 6]
    assert all(text_width(row) <= max(width, NARROWEST) for row in table)
    heading = f"↻ {TEXTS[language]['again']}"
    end = text_width(table[0].partition(heading)[0] + heading)
    assert {"  0"} == {first_columns(row, end)[-3:] for row in table[1:]}


def first_columns(row: str, width: int) -> str:
    """Return the beginning of *row* that takes *width* columns of a terminal."""
    return next(row[:end] for end in range(len(row) + 1) if text_width(row[:end]) == width)


def test_colours_only_where_asked_for() -> None:
    """Without colours there is no control character; with them noise stands out."""
    past = found([line(LOUD)])

    assert "\x1b" not in text(past)
    coloured = text(past, colour=True)
    assert re.search(r"\x1b\[35m +1\x1b", coloured)
    assert text(past) == re.sub(r"\x1b\[[0-9;]*m", "", coloured)


def test_names_cannot_move_the_cursor() -> None:
    """A name from outside brings no escape sequence and no change of direction with it."""
    subject = queue(HOSTILE)

    noise = [episode(SINCE + DAY, 30 * SECOND, subject=subject)]
    told = text(found([line(noise, subject=subject)], remarks=[HOSTILE]))

    assert "\x1b" not in told
    assert "\u202e" not in told


def test_a_sweep() -> None:
    """Each limit has a row: how often, how much noise, and which one is in force."""
    past = found([line(LOUD)], [sweep({60: (40, 10, 4), 180: (4, 0, 1), 300: (0, 0, 0)})])

    told = text(past).splitlines()

    assert "long_wait: longest wait" in told
    assert ["1", "min", "40", "40", "10", "25", "%", "10", "%", "6", "h", "40", "min"] == told[
        -3
    ].split()[:13]
    assert "▇" * 24 in told[-3]
    assert told[-2].endswith("in force")
    assert ["5", "min", "0", "0", "0", "–", "–", "0", "s"] == told[-1].split()


def test_lists_are_divided_as_chinese_is_written() -> None:
    """Names, times, and what is measured."""
    whole = sweep({60: (4, 0, 0)}, subjects=[queue("客服"), queue("售后")])
    new = tuple(episode(SINCE + number * DAY) for number in range(CHANGES_SHOWN + 2))
    change = Difference(key=new[0].key, kept=0, gone=(), new=new)

    swept = text(found([line([])], [whole]), language=Language.CHINESE)
    past = found([line(new)], present=[line([])], differences=[change])
    told = text(past, language=Language.CHINESE)

    assert "\nlong_wait：最长等待\n客服、售后\n" in swept
    assert "  + 2026-03-02 00:00、2026-03-03 00:00、" in told
    assert told.endswith("00:00，另有 2 次")


def test_a_sweep_of_many_queues() -> None:
    """The pages of each queue stand beside each other; those too many are counted."""
    points = {60: (4, 0, 0), 180: (2, 0, 0)}
    each = [
        sweep(points, subjects=[queue(f"q{number}")]) for number in range(SUBJECTS_SHOWN + 2)
    ]
    whole = sweep(points, subjects=[one.subjects[0] for one in each])

    told = text(found([line([])], [whole, *each])).splitlines()

    assert ["Limit", *(f"q{number}" for number in range(SUBJECTS_SHOWN))] == told[-4].split()
    assert "and 2 more queues" == told[-1]
