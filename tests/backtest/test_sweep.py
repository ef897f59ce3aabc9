"""Tests of sweeps: which limits are tried, how clear goes along, what the curve counts."""

import dataclasses
from fractions import Fraction

import pytest

from callmon.backtest.outcome import SweepPoint
from callmon.backtest.sweep import asked_range, sweeps_of, with_limit
from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND
from callmon.rules import Direction, Limits, Override, Selector
from tests.backtest.made import DAY, MINUTE, episode, queue, threshold

LONG_WAIT = threshold()
LEVEL = threshold(
    "promise",
    "service_level",
    limits=Limits(direction=Direction.BELOW, limit=Fraction(80, 100), clear=Fraction(85, 100)),
)


def test_both_ends_are_tried() -> None:
    """In the measure's inner unit, the step from the lower end on."""
    found = asked_range("long_wait:above=1m..2m30s/30s", [LEVEL, LONG_WAIT])

    assert LONG_WAIT == found.threshold
    assert tuple(Fraction(s * SECOND) for s in (60, 90, 120, 150)) == found.limits


def test_shares_are_tried_as_shares() -> None:
    """Exactly: no rounding makes the last one fall out."""
    found = asked_range("promise:below=70%..90%/10%", [LEVEL])

    assert (Fraction(7, 10), Fraction(8, 10), Fraction(9, 10)) == found.limits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("long_wait", "expected THRESHOLD:above=LOW..HIGH/STEP"),
        ("long_wait:above=1m..2m", "expected THRESHOLD:above=LOW..HIGH/STEP"),
        ("lon_wait:above=1m..2m/1m", "no threshold 'lon_wait'; did you mean 'long_wait'?"),
        ("long_wait:below=1m..2m/1m", "long_wait has above, found 'below'"),
        ("long_wait:above=1..2m/1m", "a duration needs a unit"),
        ("long_wait:above=3m..2m/1m", "expected the lower end first"),
        ("long_wait:above=1m..2m/0s", "a step above 0"),
        ("long_wait:above=1s..1h/1s", "expected at most 200 limits, found 3600"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, message: str) -> None:
    """With what was expected."""
    with pytest.raises(ValueError, match=r".") as error:
        asked_range(text, [LONG_WAIT])

    assert message in str(error.value)


def test_clear_keeps_its_share_of_the_way() -> None:
    """From no wait at all up to the limit, from all in time down to it."""
    doubled = with_limit(LONG_WAIT, Fraction(6 * MINUTE), "other")
    higher = with_limit(LEVEL, Fraction(90, 100), "other")

    assert ("other", Fraction(4 * MINUTE)) == (doubled.name, doubled.limits.clear)
    assert Fraction(925, 1000) == higher.limits.clear


def test_a_limit_of_overrides_is_set_aside() -> None:
    """All of the curve is of one limit; what dates bring stays, and so does the rest."""
    dates = Calendar(CalendarSpec(name="dates", timezone="UTC"))
    own = Override(select=Selector(queues=("vip",)), limit=Fraction(60 * SECOND), keep=MINUTE)
    dated = Override(during=dates, limit=Fraction(600 * SECOND))
    one = dataclasses.replace(LONG_WAIT, overrides=(own, dated))

    found = with_limit(one, Fraction(MINUTE), "other")

    assert (dataclasses.replace(own, limit=None), dated) == found.overrides


def test_the_curve_is_of_all_and_of_each() -> None:
    """Each limit with its own episodes; the queue whose limit it is not has no part."""
    wanted = asked_range("long_wait:above=1m..2m/1m", [LONG_WAIT])
    often = [episode(0, 30 * SECOND), episode(MINUTE, 3 * MINUTE), episode(5, None, name="ale")]
    once = [episode(MINUTE, 3 * MINUTE)]

    both, ale, sales = sweeps_of(
        wanted, [often, once], [queue("ale"), queue()], since=0, until=DAY, days=Fraction(1)
    )

    assert ((queue("ale"), queue()), Fraction(1)) == (both.subjects, both.days)
    assert Fraction(180 * SECOND) == both.present
    assert [(3, 3, 1, 1), (1, 1, 0, 0)] == [
        (point.episodes, point.calls, point.brief, point.again) for point in both.points
    ]
    assert [1, 0] == [point.episodes for point in ale.points]
    assert (
        SweepPoint(
            limit=Fraction(2 * MINUTE), episodes=1, calls=1, brief=0, again=0, lasted=2 * MINUTE
        )
        == sales.points[1]
    )
