"""Only what differs is drawn anew, and never half a character."""

from hypothesis import given
from hypothesis import strategies as st

from callmon.console.text import Part, text_width
from callmon.top.lines import changed

parts = st.tuples(st.sampled_from(["", "a", "投", "ab"]), st.sampled_from(["", "1"]))
lines = st.lists(parts, max_size=5)


def cells(line: list[Part]) -> list[str]:
    """Return what stands in each column: a wide character is in two."""
    return [
        f"{character}{code}{half}"
        for text, code in line
        for character in text
        for half in range(text_width(character))
    ]


@given(lines, lines)
def test_what_is_not_drawn_anew_is_right_already(old: list[Part], new: list[Part]) -> None:
    """The old line with the changed columns of the new one is the new line."""
    span = changed(old, new)

    width = max(len(cells(old)), len(cells(new)))
    before, after = (cells(line) + [""] * (width - len(cells(line))) for line in (old, new))
    start, end = span or (0, 0)
    assert before[:start] + after[start:end] + before[end:] == after


def test_a_second_of_a_wait_is_one_cell() -> None:
    """The rest of the row stays."""
    old = [("sales", "1"), ("  ", ""), ("0:07", ""), ("  ", ""), ("ok", "2")]
    new = [*old[:2], ("0:08", ""), *old[3:]]

    assert (7, 11) == changed(old, new)
    assert None is changed(old, list(old))
