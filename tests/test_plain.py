"""Values as JSON has them."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.measures import Reading, Unit
from callmon.plain import instant, number, shown

numerators = st.integers(0, 12) | st.integers(0, 12).map(lambda n: n * SECOND // 4)


@given(st.tuples(numerators, st.integers(1, 7), st.integers(0, 9)), st.sampled_from(Unit))
def test_a_number_is_the_nearest_there_is(reading: Reading, unit: Unit) -> None:
    """Whole ones have no fraction; seconds are seconds."""
    exact = Fraction(reading[0], reading[1]) / (SECOND if unit is Unit.SECONDS else 1)

    found = number(reading, unit)

    assert float(exact) == found
    assert isinstance(found, int) == (exact.denominator == 1)
    assert shown(Fraction(reading[0], reading[1]), unit) == found


def test_what_is_not_known_is_null() -> None:
    """It is not 0."""
    assert number(None, Unit.CONTACTS) is None
    assert 0 == number((0, 1, 0), Unit.CONTACTS)


def test_what_has_no_unit_stays_as_it_is() -> None:
    """A measure of another version says nothing of microseconds."""
    assert 1_500_000 == shown(Fraction(1_500_000), None)


def test_an_instant_is_utc() -> None:
    """RFC 3339, to the microsecond where there is one; unknown is null."""
    assert "2023-11-14T22:13:20Z" == instant(1_700_000_000 * SECOND)
    assert "2023-11-14T22:13:20.000001Z" == instant(1_700_000_000 * SECOND + 1)
    assert instant(None) is None
