"""What thresholds have measured, once a minute."""

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.trends import KEPT, TrendKey, Trends

ONE: TrendKey = ("long_wait", "queue", "sales")
OTHER: TrendKey = ("long_wait", "group", "sales")

values = st.none() | st.fractions(min_value=0, max_value=3, max_denominator=4)
samples = st.lists(st.tuples(st.sampled_from([ONE, OTHER]), values), max_size=9)


@given(samples)
def test_each_is_kept_as_it_was(told: list[tuple[TrendKey, Fraction]]) -> None:
    """To the digit, oldest first, and never mixed with another's."""
    trends = Trends()
    expected = defaultdict(list)

    for at, (key, value) in enumerate(told):
        trends.sample(at, key, value)
        expected[key].append((at, value))

    for key in (ONE, OTHER):
        assert expected[key] == trends.of(key)


@pytest.mark.parametrize("minutes", [KEPT - 1, KEPT, KEPT + 1, 3 * KEPT])
def test_an_hour_is_kept(minutes: int) -> None:
    """The oldest goes when another comes."""
    trends = Trends()

    for minute in range(minutes):
        trends.sample(minute, ONE, Fraction(minute, 7))

    kept = range(max(minutes - KEPT, 0), minutes)
    assert [(minute, Fraction(minute, 7)) for minute in kept] == trends.of(ONE)
    assert [minutes - 2, minutes - 1] == [at for at, _ in trends.of(ONE, minutes - 2)]


def test_what_is_not_known_is_not_0() -> None:
    """Both are kept, apart."""
    trends = Trends()

    trends.sample(1, ONE, None)
    trends.sample(2, ONE, Fraction(0))

    assert [(1, None), (2, Fraction(0))] == trends.of(ONE)


def test_a_figure_beyond_all_measure_does_no_harm() -> None:
    """It is as good as not known; the largest that fits is kept."""
    trends = Trends()

    for value in (Fraction(2**63), Fraction(1, 2**63), Fraction(2**63 - 1)):
        trends.sample(0, ONE, value)

    assert [None, None, Fraction(2**63 - 1)] == [value for _, value in trends.of(ONE)]


def test_who_is_gone_is_forgotten() -> None:
    """The others stay."""
    trends = Trends()
    trends.sample(1, ONE, Fraction(1))
    trends.sample(1, OTHER, Fraction(2))

    trends.forget({OTHER})

    assert ([], [(1, Fraction(2))]) == (trends.of(ONE), trends.of(OTHER))
