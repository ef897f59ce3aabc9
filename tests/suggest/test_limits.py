"""Tests of the ladder of limits, and of the clear that goes with each."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.config.values import format_limit, limit
from callmon.measures import MEASURES, Unit
from callmon.rules import Direction
from callmon.suggest.limits import is_another_matter, ladder, moved_clear

ABOVE, BELOW = Direction


def test_the_strictest_limit_comes_first() -> None:
    """Above: the greatest; below: the smallest; the present one is among them."""
    odd = Fraction(100 * SECOND)

    above, below = (ladder("longest_wait", way, odd) for way in (ABOVE, BELOW))

    assert sorted(above, reverse=True) == list(above) == list(reversed(below))
    assert odd in above


@pytest.mark.parametrize("measure", MEASURES)
def test_every_limit_can_be_written(measure: str) -> None:
    """What is suggested reads back as what was tried."""
    unit = MEASURES[measure].unit

    for tried in ladder(measure, ABOVE, limit(unit, "20%" if unit is Unit.RATIO else "0")):
        assert tried == limit(unit, format_limit(unit, tried))


@pytest.mark.parametrize(
    ("unit", "direction", "before", "new", "clear"),
    [
        (Unit.SECONDS, ABOVE, ("3m", "2m"), "6m", "4m"),
        (Unit.SECONDS, ABOVE, ("3m", "2m"), "45s", "30s"),
        (Unit.SECONDS, ABOVE, ("3m", "2m"), "4m", "2m45s"),
        (Unit.RATIO, ABOVE, ("20%", "15%"), "40%", "30%"),
        (Unit.RATIO, BELOW, ("80%", "85%"), "60%", "70%"),
        (Unit.CONTACTS, ABOVE, ("10", "6"), "5", "3"),
        (Unit.CONTACTS, ABOVE, ("10", "6"), "1", "1"),
        (Unit.AGENTS, BELOW, ("1", "2"), "3", "6"),
    ],
)
def test_clear_keeps_its_proportion(
    unit: Unit, direction: Direction, before: tuple[str, str], new: str, clear: str
) -> None:
    """In round numbers."""
    old, edge = (limit(unit, text) for text in before)

    moved = moved_clear(unit, direction, (old, edge), limit(unit, new))

    assert moved is not None
    assert clear == format_limit(unit, moved)


@given(
    st.sampled_from((Unit.RATIO, Unit.SECONDS, Unit.CONTACTS)),
    st.sampled_from(Direction),
    st.integers(1, 19),
    st.integers(1, 19),
    st.integers(1, 19),
)
def test_clear_stays_on_its_side(
    unit: Unit, direction: Direction, old: int, edge: int, new: int
) -> None:
    """Never beyond the limit, and never where no value can be past it."""
    size = {Unit.RATIO: Fraction(1, 20), Unit.SECONDS: Fraction(7 * SECOND)}.get(
        unit, Fraction(1)
    )
    first, last = sorted((old * size, edge * size))
    before = (last, first) if direction is ABOVE else (first, last)

    moved = moved_clear(unit, direction, before, new * size)

    assert moved is not None
    if direction is ABOVE:
        assert 0 < moved <= new * size
    else:
        assert moved >= new * size
        assert unit is not Unit.RATIO or moved < 1


def test_no_clear_stays_no_clear() -> None:
    """Where none was asked for, none is made up."""
    assert moved_clear(Unit.CONTACTS, ABOVE, (Fraction(3), None), Fraction(5)) is None


@pytest.mark.parametrize(
    ("unit", "direction", "present", "near", "far"),
    [
        (Unit.SECONDS, ABOVE, "3m", "45s", "44s"),
        (Unit.RATIO, ABOVE, "20%", "5%", "4%"),
        (Unit.RATIO, BELOW, "80%", "95%", "96%"),
        (Unit.AGENTS, BELOW, "2", "8", "9"),
        (Unit.CONTACTS, ABOVE, "10", "3", "2"),
    ],
)
def test_four_times_as_sensitive_is_another_matter(
    unit: Unit, direction: Direction, present: str, near: str, far: str
) -> None:
    """As far and no further; a limit that is stricter is none."""
    now = limit(unit, present)

    found = [is_another_matter(unit, direction, now, limit(unit, text)) for text in (near, far)]

    assert [False, True] == found
    assert not is_another_matter(unit, direction, now, now)
