"""Text in columns: as wide as a terminal draws it, and harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.console.text import clean, clock_length, cut, fitted, pad, text_width, written

texts = st.text("ab投诉\u0301", max_size=12)


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("投诉", 4), ("e\u0301", 1), ("▲ a", 3)]
)
def test_the_width_is_that_of_a_terminal(text: str, width: int) -> None:
    """Chinese takes two columns, an accent none."""
    assert width == text_width(text)


def test_what_steers_a_terminal_is_shown_as_a_question_mark() -> None:
    """Escapes, line ends and marks that turn the direction of writing."""
    assert "a?[2J?b??" == clean("a\x1b[2J\u202eb\ud800\n")
    assert "a?" == clean("a\t")


@given(texts, st.integers(0, 14))
def test_what_is_cut_fits(text: str, width: int) -> None:
    """No longer than asked, whole if it fits, and it says that it was cut."""
    short = cut(text, width)

    assert text_width(short) <= width
    assert short == text if text_width(text) <= width else short[-1:] in {"…", ""}


@given(texts, st.integers(0, 14), st.booleans())
def test_what_is_filled_up_is_as_wide_as_asked(text: str, width: int, right: bool) -> None:
    """To the column, on either side."""
    assert width == text_width(pad(text, width, right=right))


def test_a_line_without_end_is_not_cut() -> None:
    """Width 0 is for pipes."""
    parts = [("a" * 300, ""), ("b", "1")]

    assert [("a" * 300, ""), ("  ", ""), ("b", "1")] == fitted(parts, "  ", 0)


def test_a_line_is_cut_where_it_is_full() -> None:
    """The part that does not fit ends in an ellipsis, and nothing follows."""
    parts = [("abc", "1"), ("投诉", "2"), ("x", "")]

    assert [("abc", "1"), (" ", ""), ("投…", "2")] == fitted(parts, " ", 7)


def test_blanks_have_no_colour() -> None:
    """Colour around text only; none at all unless asked."""
    parts = [("a", "1;31"), ("  ", "41"), ("b", "")]

    assert "\x1b[1;31ma\x1b[0m  b" == written(parts, colour=True)
    assert "a  b" == written(parts, colour=False)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (None, "–"),
        (0, "0:00"),
        (180 * SECOND - 1, "2:59"),
        (3_600 * SECOND, "1:00:00"),
        (3_727 * SECOND, "1:02:07"),
    ],
)
def test_a_length_reads_as_on_a_clock(length: int | None, text: str) -> None:
    """Cut to whole seconds, hours only where there are some."""
    assert text == clock_length(length)
