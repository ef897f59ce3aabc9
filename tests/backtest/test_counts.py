"""Tests of what a backtest comes to: noise, days, hours of the week."""

import dataclasses
from datetime import UTC
from fractions import Fraction
from zoneinfo import ZoneInfo

from callmon.backtest.counts import (
    DAY,
    WEEK,
    Kind,
    covered,
    days,
    hours_of_week,
    midnight,
    noise_of,
    noisiest,
    per,
    seen,
    severity_of,
    totals,
    worst_day,
)
from callmon.clock import SECOND
from callmon.rules import Direction, Severity
from tests.backtest.pasts import (
    HOUR,
    MINUTE,
    SINCE,
    UNTIL,
    at,
    backtest,
    episode,
    line,
    queue,
    threshold,
)

FIRST = SINCE + DAY
BRIEF = episode(FIRST, 60 * SECOND)
BOTH = episode(FIRST + 6 * MINUTE, 59 * SECOND)
AGAIN = episode(FIRST + 10 * MINUTE, HOUR)
LATER = episode(FIRST + 10 * MINUTE + HOUR + 301 * SECOND, escalated=True)


def test_kinds() -> None:
    """A minute is brief, five minutes after the end is again; one second more is neither."""
    found = seen([BRIEF, BOTH, AGAIN, LATER])

    assert [Kind.BRIEF, Kind.BRIEF, Kind.AGAIN, Kind.ESCALATED] == [each.kind for each in found]
    assert [False, True, True, False] == [each.again for each in found]
    assert [Kind.ORDINARY] == [each.kind for each in seen([episode(FIRST)])]


def test_noise_that_is_both_counts_once() -> None:
    """What was brief and fired again is one piece of noise."""
    found = totals([line([BRIEF, BOTH, AGAIN, LATER])], UNTIL)

    assert (4, 5, 2, 2, 3) == (
        found.episodes,
        found.pages,
        found.brief,
        found.again,
        found.noise,
    )
    assert 3 == noise_of(line([BRIEF, BOTH, AGAIN, LATER]))


def test_an_episode_of_one_queue_is_not_again_for_another() -> None:
    """Two queues that fire one after the other are two troubles."""
    other = queue("other")
    lines = [line([BRIEF]), line([episode(FIRST + 2 * MINUTE, subject=other)], subject=other)]

    assert 0 == totals(lines, UNTIL).again


def test_the_worst_is_of_one_measure() -> None:
    """The worst of waits and of shares is nothing; of shares below it is the lowest."""
    shares = threshold(
        "service", measure="service_level", limit=Fraction(1, 2), direction=Direction.BELOW
    )
    low, lower = (episode(FIRST, of=shares, worst=Fraction(1, n)) for n in (4, 8))

    assert lower is totals([line([low, lower], of=shares)], UNTIL).worst
    assert totals([line([AGAIN]), line([low], of=shares)], UNTIL).worst is None


def test_what_stands_lasts_to_the_end() -> None:
    """The longest may be one that has not ended."""
    stands = episode(UNTIL - 2 * HOUR, None)

    assert stands is totals([line([AGAIN, stands])], UNTIL).longest


def test_the_severity_is_the_highest_it_reached() -> None:
    """Whatever came last."""
    assert (Severity.WARNING, Severity.CRITICAL) == (severity_of(AGAIN), severity_of(LATER))


def test_rates_are_of_what_is_known() -> None:
    """A hole at the beginning is no calm; a span too short for a rate has none."""
    past = backtest([], first=SINCE + WEEK)

    assert 3 * WEEK == covered(past)
    assert Fraction(1, 3) == per(1, covered(past), WEEK)
    assert (Fraction(1), None) == (per(1, WEEK, WEEK), per(1, WEEK - 1, WEEK))


def test_the_noisiest_has_the_most_noise() -> None:
    """Of two with as much the first in the file; without noise there is none."""
    calm, first, second = queue("calm"), queue("first"), queue("second")
    lines = [
        line([AGAIN] * 9, subject=calm),
        line([BRIEF], subject=first),
        line([BRIEF], subject=second),
    ]
    past = backtest(lines[1:]).candidate

    assert (lines[1], 1) == noisiest(past)
    assert noisiest(backtest([line([LATER])]).candidate) is None


def test_every_day_is_there() -> None:
    """Also one on which nothing fired; a page counts on the day when it was sent."""
    over_midnight = episode(at("2026-03-03T23:58:00"), escalated=True)
    side = backtest([line([BRIEF, over_midnight])]).candidate

    found = days(side, SINCE, SINCE + 3 * DAY, UTC)

    assert [("2026-03-02", 0, 0), ("2026-03-03", 2, 1), ("2026-03-04", 1, 0)] == [
        (str(day.date), day.pages, day.noise) for day in found
    ]
    worst = worst_day(found)
    assert worst is not None
    assert "2026-03-03" == str(worst.date)
    assert worst_day(days(backtest([]).candidate, SINCE, UNTIL, UTC)) is None


def test_hours_are_those_of_the_wall_clock() -> None:
    """Monday 20:00 in UTC is Tuesday four o'clock in Shanghai."""
    side = backtest([line([episode(at("2026-03-02T20:00:00"))])]).candidate

    assert 1 == hours_of_week(side, SINCE, UNTIL, UTC)[0][20]
    assert 1 == hours_of_week(side, SINCE, UNTIL, ZoneInfo("Asia/Shanghai"))[1][4]


def test_pages_of_before_the_span_count_nowhere() -> None:
    """What stood when it began had called somebody before, if only on the same morning."""
    stood = episode(SINCE + 8 * HOUR, 3 * HOUR, escalated=True)
    side = backtest([line([stood])]).candidate
    first, second = (call.at for call in stood.calls)

    (day,) = days(side, first + 1, SINCE + DAY, UTC)

    assert first < second
    assert 1 == day.pages
    assert 1 == sum(map(sum, hours_of_week(side, first + 1, UNTIL, UTC)))


def test_of_a_time_that_is_still_to_come_nothing_is_known() -> None:
    """Who asks for a month and has half of it has a rate of the half."""
    past = dataclasses.replace(backtest([]), last=UNTIL - WEEK)

    assert UNTIL - WEEK - SINCE == covered(past)


def test_midnight_is_that_of_the_zone() -> None:
    """Also on a day whose midnight the clocks skip: it begins with its first instant."""
    zone = ZoneInfo("America/Santiago")  # clocks go from 24:00 to 01:00 on 2026-09-06

    (day,) = days(
        backtest([]).candidate, at("2026-09-06T04:00:00"), at("2026-09-06T05:00:00"), zone
    )

    assert "2026-09-06" == str(day.date)
    assert at("2026-09-06T04:00:00") == midnight(day.date, zone)
