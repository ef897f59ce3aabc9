"""Tests of the choice of a limit from what each would have meant."""

from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.suggest.findings import (
    DAY,
    ENOUGH_DAYS,
    WEEK,
    Rung,
    Span,
    Verdict,
    Wanted,
    chosen,
    date_of,
    next_day,
    parts,
)

FOUR_WEEKS = Span(0, 4 * WEEK)
TWO_A_WEEK = Wanted(2, WEEK)


def rung(limit: int, times: int) -> Rung:
    """Return a limit that fired so often in four weeks."""
    return Rung(limit=Fraction(limit), fired=tuple(range(times)), noise=0)


def choice(counts: dict[int, int], now: int) -> tuple[Verdict, int | None]:
    """Return what is chosen of *counts* by limit, strictest first, where *now* is in force."""
    rungs = [rung(limit, times) for limit, times in counts.items()]
    verdict, found = chosen(rungs, rung(now, counts[now]), FOUR_WEEKS, TWO_A_WEEK)
    return verdict, None if found is None else int(found.limit)


@pytest.mark.parametrize(
    ("counts", "now", "expected"),
    [
        ({9: 0, 5: 7, 4: 12, 3: 60}, 3, (Verdict.CHANGE, 5)),
        ({9: 0, 5: 9, 4: 12, 3: 60}, 3, (Verdict.CHANGE, 5)),
        ({9: 0, 5: 10, 4: 12, 3: 60}, 3, (Verdict.CHANGE, 9)),
        ({9: 0, 5: 1, 4: 2, 3: 8}, 9, (Verdict.CHANGE, 3)),
        ({9: 0, 5: 4, 4: 8, 3: 60}, 5, (Verdict.RIGHT, None)),
        ({9: 0, 5: 4, 4: 8, 3: 9}, 3, (Verdict.RIGHT, None)),
        ({9: 0, 5: 1, 4: 2, 3: 3}, 9, (Verdict.QUIET, None)),
        ({9: 10, 5: 20, 4: 30, 3: 60}, 3, (Verdict.LOUD, None)),
    ],
)
def test_the_limit_that_calls_about_as_often_as_wanted(
    counts: dict[int, int], now: int, expected: tuple[Verdict, int | None]
) -> None:
    """Eight in four weeks: a fifth more is still right, and so is half."""
    assert expected == choice(counts, now)


def test_a_fifth_more_than_wanted_is_still_right() -> None:
    """Twelve for ten; thirteen is too often."""
    ten = Wanted(10, FOUR_WEEKS.length)

    def found(times: int) -> Verdict:
        return chosen([rung(5, times)], rung(3, 60), FOUR_WEEKS, ten)[0]

    assert [Verdict.CHANGE, Verdict.LOUD] == [found(12), found(13)]


def test_fewer_alerts_by_growing_together_are_no_good() -> None:
    """Below the limit that is too often, one alert that never ends counts as one."""
    assert (Verdict.CHANGE, 5) == choice({9: 0, 5: 6, 4: 50, 3: 70, 2: 8, 1: 1}, 3)


def test_of_equal_limits_the_nearest_is_taken() -> None:
    """No further away from what people know than it must be."""
    assert (Verdict.CHANGE, 15) == choice({20: 1, 15: 8, 10: 8, 5: 8}, 20)
    assert (Verdict.CHANGE, 10) == choice({20: 8, 15: 8, 10: 8, 5: 80}, 5)


def test_a_change_must_be_worth_it() -> None:
    """Another limit for nearly as many alerts is none."""
    assert (Verdict.RIGHT, None) == choice({20: 9, 50: 10, 80: 10}, 80)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=6), st.integers(0, 5))
def test_what_is_chosen_is_never_too_often(times: list[int], at: int) -> None:
    """Nor are the stricter limits before it."""
    rungs = [rung(100 - number, count) for number, count in enumerate(times)]
    present = rungs[at % len(rungs)]

    verdict, found = chosen(rungs, present, FOUR_WEEKS, TWO_A_WEEK)

    assert (found is not None) == (verdict is Verdict.CHANGE)
    if found is not None:
        before = times[: rungs.index(found) + 1]
        assert max(before) <= Fraction(6, 5) * 8


def test_a_third_of_the_days_is_kept_apart() -> None:
    """Cut between two days; of too few, nothing is."""
    whole = Span(0, 40 * DAY)
    days = [day * DAY for day in range(ENOUGH_DAYS)]

    assert (Span(0, 10 * DAY), Span(10 * DAY, 40 * DAY)) == parts(whole, days)
    assert (whole, None) == parts(whole, days[1:])


def test_a_span_counts_its_beginning_and_not_its_end() -> None:
    """So that two that meet count nothing twice."""
    fired = (0, 5, 10)

    assert [2, 1] == [span.count(fired) for span in (Span(0, 10), Span(10, 20))]
    assert 3.0 == Span(0, WEEK).a_week(fired)
    assert 0.0 == Span(5, 5).a_week(fired)


def test_a_day_ends_at_midnight_of_the_zone() -> None:
    """Also when the clocks change, and a day has 25 hours."""
    berlin = ZoneInfo("Europe/Berlin")
    noon = 1_792_836_000 * SECOND  # 24 October 2026, 12:00 there

    sunday = next_day(noon, berlin)
    monday = next_day(sunday, berlin)

    assert noon + 12 * DAY // 24 == sunday
    assert sunday + 25 * DAY // 24 == monday


def test_days_are_those_of_the_zone() -> None:
    """An alert at 17:00 UTC is one of the next day in Shanghai."""
    found = rung(1, 1)

    assert "1970-01-01" == str(date_of(0, ZoneInfo("UTC")))
    assert "1970-01-02" == str(date_of(17 * DAY // 24, ZoneInfo("Asia/Shanghai")))
    assert [1] == list(found.by_day(ZoneInfo("UTC")).values())
