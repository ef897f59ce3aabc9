"""What is usual at this time of the week."""

import datetime as dt
import itertools
import statistics
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.baseline import AT_LEAST, WEEKS, Baseline, Usual, half_of, weeks_before
from callmon.clock import SECOND, Micros
from callmon.intervals import HALF_HOUR
from callmon.journal import PastHalf

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
HOUR: Micros = 3_600 * SECOND
WEEK: Micros = 7 * 86_400 * SECOND
TEN: Micros = half_of(int(dt.datetime(2026, 11, 23, 10, tzinfo=SHANGHAI).timestamp()) * SECOND)
"""Monday, ten o'clock."""


def past(week: int, arrived: int, half: Micros = TEN, **more: int) -> PastHalf:
    """Return the half-hour of queue ``sales`` so many weeks ago."""
    talks, talk = more.pop("talks", 0), more.pop("talk", 0)
    return PastHalf("sales", half - week * WEEK, arrived, talks, talk, **more)


def usual(
    *rows: PastHalf,
    queues: tuple[str, ...] = ("sales",),
    staff: str = "sales",
    since: Micros = TEN,
    until: Micros = TEN + HALF_HOUR,
) -> Usual:
    """Return what is usual in the half-hour at ten, in Shanghai."""
    return Baseline(rows).usual(queues, staff, SHANGHAI, since, until)


def test_the_median_of_the_weeks_is_usual() -> None:
    """A holiday with no calls and a day with thousands are not."""
    rows = [past(week, arrived) for week, arrived in enumerate((30, 0, 40, 9_000), start=1)]

    assert Fraction(35) == usual(*rows).arrived


def test_too_few_weeks_tell_nothing() -> None:
    """Two are a chance, three are a habit."""
    rows = [past(week, 30) for week in (1, 2, 8)]

    assert Usual() == usual(*rows[1:])
    assert Usual(arrived=Fraction(30)) == usual(*rows)


def test_weeks_in_which_callmon_did_not_run_do_not_count() -> None:
    """Those in which it ran, and only this queue was quiet, do."""
    others = [PastHalf("other", TEN - week * WEEK, 5, 0, 0) for week in (1, 2)]
    rows = [past(3, 8), past(8, 8)]

    assert Fraction(4) == usual(*rows, *others).arrived
    assert Usual() == usual(*rows)


def test_a_queue_is_not_called_quiet_before_it_was_there() -> None:
    """Nobody knows what was usual of a new one."""
    others = [PastHalf("other", TEN - week * WEEK, 5, 0, 0) for week in range(1, WEEKS + 1)]

    assert Usual() == usual(past(1, 8), past(2, 8), *others)
    assert Usual() == usual(*others)
    assert Fraction(8) == usual(past(1, 8), past(2, 8), past(3, 8), *others).arrived


def test_a_stretch_over_two_half_hours_has_its_part_of_either() -> None:
    """Ten minutes of the one before, twenty of the present one."""
    before = TEN - HALF_HOUR
    rows = [past(week, 30) for week in (1, 2, 3)]
    rows += [past(week, 6, before) for week in (1, 2, 3)]

    found = usual(*rows, since=TEN - 600 * SECOND, until=TEN + 1_200 * SECOND)

    assert Fraction(6, 3) + Fraction(30 * 2, 3) == found.arrived


def test_both_half_hours_must_have_been_seen() -> None:
    """Half of what came is not what usually comes; the edge alone does not count."""
    rows = [past(week, 30) for week in (1, 2, 3)]

    assert Usual() == usual(*rows, since=TEN - 60 * SECOND, until=TEN + 900 * SECOND)
    assert Fraction(15) == usual(*rows, since=TEN - 1, until=TEN + 900 * SECOND).arrived


def test_agents_are_the_mean_of_the_samples() -> None:
    """Where nobody counted, nothing is said; what came does not matter to it."""
    rows = [past(week, 0, samples=4, staffed=staffed) for week, staffed in ((1, 40), (2, 42))]

    assert None is usual(*rows, past(3, 0)).staffed
    assert Fraction(42, 4) == usual(*rows, past(3, 0, samples=30, staffed=360)).staffed


def test_the_agents_of_a_group_are_counted_under_its_own_name() -> None:
    """One who serves two queues is one."""
    rows = [past(week, 7, samples=1, staffed=9) for week in (1, 2, 3)]
    own = [PastHalf("group:all", row.start, 0, 0, 0, 2, 10) for row in rows]

    found = usual(*rows, *own, queues=("sales", "nobody"), staff="group:all")

    assert Usual(arrived=Fraction(7), staffed=Fraction(5)) == found


def test_a_talk_lasts_as_long_as_those_of_then_did() -> None:
    """Together over their number; a week without any does not count."""
    rows = [past(week, 1, talks=2, talk=talk) for week, talk in ((1, 10), (2, 30), (3, 20))]

    assert Fraction(10) == usual(*rows, past(4, 1)).talk
    assert None is usual(*rows[:2], past(4, 1)).talk


@pytest.mark.parametrize(("zone", "longer"), [(SHANGHAI, 0), (BERLIN, 1)])
def test_the_clock_on_the_wall_says_what_the_same_time_is(zone: ZoneInfo, longer: int) -> None:
    """The week in which clocks went back had an hour more."""
    monday = dt.datetime(2026, 11, 9, 10, 30, tzinfo=zone)

    starts = (at(monday), *weeks_before(at(monday), zone))

    hours = [(late - early) // HOUR for late, early in itertools.pairwise(starts)]
    assert [168, 168, 168 + longer, *[168] * (WEEKS - 3)] == hours
    shown = {f"{dt.datetime.fromtimestamp(start // SECOND, zone):%a %H:%M}" for start in starts}
    assert {"Mon 10:30"} == shown


def at(moment: dt.datetime) -> Micros:
    """Return *moment* as an instant."""
    return int(moment.timestamp()) * SECOND


counts = st.dictionaries(
    st.tuples(st.integers(1, WEEKS), st.sampled_from(["a", "b"])), st.integers(0, 3)
)


@given(counts)
def test_usual_is_what_one_would_count_by_hand(counts: dict[tuple[int, str], int]) -> None:
    """Two queues together, over the weeks since either was first told of."""
    rows = [
        PastHalf(queue, TEN - week * WEEK, arrived, arrived, 60 * arrived)
        for (week, queue), arrived in counts.items()
    ]

    found = usual(*rows, queues=("a", "b"))

    seen = sorted({week for week, _ in counts})
    sums = [counts.get((week, "a"), 0) + counts.get((week, "b"), 0) for week in seen]
    talked = [week for week in sums if week]
    assert (statistics.median(sums) if len(sums) >= AT_LEAST else None) == found.arrived
    assert (60 if len(talked) >= AT_LEAST else None) == found.talk
