"""Tests of columns on a terminal: which stay, and that they stand below each other."""

from hypothesis import given
from hypothesis import strategies as st

from callmon.backtest.columns import Column, column_lines
from callmon.console.text import text_width

words = st.text(st.sampled_from("a队é"), max_size=4)


def test_what_is_least_needed_goes_first() -> None:
    """A narrow terminal loses the column with the highest number, then the next."""
    columns = [
        Column("name", [("support", "")], right=False),
        Column("much", [("1", "")], spare=1),
        Column("more", [("2", "")], spare=2),
    ]

    assert ["name     much  more", "support     1     2"] == list(
        column_lines(columns, width=0, colour=False)
    )
    assert ["name     much", "support     1"] == list(
        column_lines(columns, width=18, colour=False)
    )
    assert ["name", "support"] == list(column_lines(columns, width=3, colour=False))


@given(st.lists(st.tuples(words, words), min_size=1, max_size=4))
def test_columns_stand_below_each_other(rows: list[tuple[str, str]]) -> None:
    """Whatever is wide: the right-aligned end where the heading ends."""
    columns = [
        Column("x", [(name, "") for name, _ in rows], right=False),
        Column("y", [(f"{figure}.", "") for _, figure in rows]),
    ]

    lines = list(column_lines(columns, width=0, colour=False))

    assert 1 == len({text_width(line) for line in lines})
