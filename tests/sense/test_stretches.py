"""Stretches of opening hours, and what two calendars have in common."""

from hypothesis import given
from hypothesis import strategies as st

from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND
from callmon.sense.stretches import longest, on_duty, overlap, stretches, touches

MINUTE = 60 * SECOND
MONDAY = 4 * 1_440 * MINUTE
"""1970-01-05, midnight UTC."""
WEEK = 7 * 1_440

moments = st.integers(0, 5).map(lambda number: number * 240)
hours = st.lists(st.tuples(moments, moments.map(lambda at: at + 240)), max_size=2)
calendars = st.dictionaries(st.integers(0, 2), hours.map(tuple), max_size=2).map(
    lambda weekly: Calendar(
        CalendarSpec(name=str(weekly), timezone="UTC", weekly=weekly or {6: ((0, 60),)})
    )
)


def open_minutes(calendar: Calendar) -> set[int]:
    """Return the minutes of a week at which it is open, one by one."""
    return {at for at in range(0, WEEK, 60) if calendar.is_open(MONDAY + at * MINUTE)}


@given(calendars, calendars)
def test_stretches_are_the_open_minutes(one: Calendar, other: Calendar) -> None:
    """Each is within opening hours, none is left out; the longest is the longest."""
    until = MONDAY + WEEK * MINUTE

    found = stretches(one, MONDAY, until)

    minutes = {
        at
        for begin, end in found
        for at in range((begin - MONDAY) // MINUTE, (end - MONDAY) // MINUTE, 60)
    }
    assert open_minutes(one) == minutes
    assert longest(one, MONDAY, until) == max((end - begin for begin, end in found), default=0)
    both = bool(open_minutes(one) & open_minutes(other))
    assert both == overlap(one, other, MONDAY, until)


@given(calendars, st.integers(0, 20), st.integers(1, 20))
def test_a_time_is_touched_when_it_has_an_open_moment(
    calendar: Calendar, begin: int, length: int
) -> None:
    """Ends belong to what follows: hours up to 12:00 do not touch those from 12:00 on."""
    openings = stretches(calendar, MONDAY, MONDAY + WEEK * MINUTE)
    minutes = range(begin * 120, (begin + length) * 120, 60)

    found = touches(
        openings, MONDAY + minutes[0] * MINUTE, MONDAY + (minutes[-1] + 60) * MINUTE
    )

    assert bool(open_minutes(calendar) & set(minutes)) == found


@given(calendars, calendars)
def test_the_first_shift_that_is_open_is_on_duty(one: Calendar, other: Calendar) -> None:
    """As the engine has it; every moment is somebody's, or nobody's."""
    shifts = (("one", one), ("other", other))

    duties = on_duty(shifts, MONDAY, MONDAY + WEEK * MINUTE)

    told = {
        at: shift
        for begin, end, shift in duties
        for at in range((begin - MONDAY) // MINUTE, (end - MONDAY) // MINUTE, 60)
    }
    assert {
        at: next((name for name, each in shifts if each.is_open(MONDAY + at * MINUTE)), None)
        for at in range(0, WEEK, 60)
    } == told
