"""How figures stand on the wallboard."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.measures import Reading
from callmon.wallboard.figures import (
    clock_text,
    figure_text,
    has_calls,
    limit_text,
    ratio_text,
    wait_text,
)
from callmon.wording import Language
from tests.wallboard.rows import NOW, ZONE, row


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0:00"),
        (999_999, "0:00"),
        (7 * SECOND, "0:07"),
        (180 * SECOND - 1, "2:59"),
        (180 * SECOND, "3:00"),
        (3_599 * SECOND, "59:59"),
        (3_600 * SECOND, "1:00:00"),
        (3_725 * SECOND, "1:02:05"),
        (90_000 * SECOND, "25:00:00"),
    ],
)
def test_waits_read_like_a_clock(length: Micros, text: str) -> None:
    """Minutes and seconds, hours in front when there are some; cut, never rounded up."""
    assert text == wait_text(length)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0%"),
        (Fraction(1), "100%"),
        (Fraction(4, 5), "80%"),
        (Fraction(826, 1000), "82.6%"),
        (Fraction(7_999, 10_000), "79.9%"),
        (Fraction(9_999, 10_000), "99.9%"),
        (Fraction(1, 2_500), "0.04%"),
        (Fraction(1, 999), "0.1%"),
        (Fraction(1, 1_000_000), "<.01%"),
        (Fraction(2, 3), "66.6%"),
    ],
)
def test_ratios_never_read_better_than_they_are(value: Fraction, text: str) -> None:
    """100 % is all, 0 % is none, a whole percentage is exact; five letters at most."""
    assert text == ratio_text(value)


@given(st.integers(0, 60), st.integers(1, 60))
def test_a_ratio_is_cut_and_short(part: int, whole: int) -> None:
    """What is shown is never above the value, and less than a tenth of a percent below it."""
    value = Fraction(min(part, whole), whole)
    text = ratio_text(value)
    shown = Fraction(text.removesuffix("%")) / 100

    assert 0 <= value - shown < Fraction(1, 1000)
    assert ("." not in text) == ((value * 100).denominator == 1)
    assert len(text) <= 5


@pytest.mark.parametrize(
    ("measure", "reading", "text"),
    [
        ("waiting", (12, 1, 12), "12"),
        ("average_wait", (50 * SECOND, 3, 3), "0:16"),
        ("answer_rate", (2, 3, 3), "66.6%"),
    ],
)
def test_a_figure_stands_in_its_unit(measure: str, reading: Reading, text: str) -> None:
    """Counts as such, waits as a clock, ratios in percent."""
    assert text == figure_text(measure, reading)


def test_a_limit_reads_as_in_alerts() -> None:
    """The same words as in a notification."""
    limit = Fraction(180 * SECOND)

    assert "3 min" == limit_text("longest_wait", limit, Language.ENGLISH)
    assert "3 分钟" == limit_text("longest_wait", limit, Language.CHINESE)


@pytest.mark.parametrize(
    ("measure", "window", "answer"),
    [
        ("answer_rate", {"offered": None}, None),
        ("answer_rate", {"offered": (0, 1, 0), "abandoned": (0, 1, 0)}, False),
        ("answer_rate", {"offered": (3, 1, 3), "abandoned": (3, 1, 3)}, False),
        ("answer_rate", {"offered": (3, 1, 3), "abandoned": (2, 1, 2)}, True),
        ("answer_rate", {"offered": (3, 1, 3), "abandoned": None}, True),
        ("average_wait", {"answered": (0, 1, 0), "offered": (9, 1, 9)}, False),
        ("average_wait", {"answered": (2, 1, 2)}, True),
        ("average_wait", {"answered": None, "offered": None}, None),
    ],
)
def test_no_calls_is_said_only_where_there_were_none(
    measure: str, window: dict[str, Reading | None], answer: bool | None
) -> None:
    """Short abandons are in no base: only when all hung up there may be none in it."""
    assert answer == has_calls(row(window=window), measure)


def test_the_clock_is_that_of_the_centre() -> None:
    """Not of the server, not of whoever looks."""
    assert "10:02:11" == clock_text(NOW, ZONE)
