"""Tests of the list of every episode."""

from callmon.alerts import Ended
from callmon.backtest.counts import Kind
from callmon.backtest.listing import listing_of
from callmon.backtest.outcome import Difference
from callmon.clock import SECOND
from callmon.rules import Severity
from callmon.wording import Language
from tests.backtest.pasts import DAY, SINCE, at, backtest, episode, line, threshold

ENGLISH = Language.ENGLISH


def test_days_are_those_of_the_zone_and_in_order() -> None:
    """Whichever threshold: what fired first comes first, below the day it fired on."""
    other = threshold("other")
    past = backtest(
        [
            line([episode(at("2026-03-04T01:00:00"))]),
            line([episode(at("2026-03-03T17:00:00"), 30 * SECOND, of=other)], of=other),
        ],
        timezone="Asia/Shanghai",
    )

    (day,) = listing_of(past, ENGLISH).days

    assert ("Wed 2026-03-04", "2 times", 1) == (day.name, day.times, day.noise)
    assert [("01:00:00", "other"), ("09:00:00", "long_wait")] == [
        (row.began, row.threshold) for row in day.rows
    ]


def test_a_row_says_how_it_was() -> None:
    """How urgent, how long, how bad, and why it ended; also that it did not."""
    ended = episode(SINCE, escalated=True, ended=Ended.CLOSED)
    stands = episode(SINCE + 27 * DAY, None)

    first, last = (
        day.rows[0] for day in listing_of(backtest([line([ended, stands])]), ENGLISH).days
    )

    assert (
        Kind.ESCALATED,
        Severity.CRITICAL,
        "10 min",
        "4 min",
        "3 min",
        "hours ended",
        "",
    ) == (
        first.kind,
        first.severity,
        first.lasted,
        first.worst,
        first.limit,
        first.ended,
        first.change,
    )
    assert ("1 d", "stood at the end") == (last.lasted, last.ended)


def test_what_is_gone_stands_among_what_is_there() -> None:
    """With two files each is there once: kept, new or gone; noise is of the candidate."""
    kept = episode(SINCE)
    new = episode(SINCE + 9_000 * SECOND)
    gone = episode(SINCE + 5_000 * SECOND, 30 * SECOND)
    past = backtest(
        [line([kept, new])],
        present=[line([kept, gone])],
        differences=[Difference(key=kept.key, kept=1, gone=(gone,), new=(new,))],
    )

    (day,) = listing_of(past, ENGLISH).days

    assert ["kept", "gone", "new"] == [row.change for row in day.rows]
    assert 0 == day.noise


def test_it_is_capped_and_folded() -> None:
    """It says how many there are, and lies open while they are few."""
    past = backtest([line([episode(SINCE + number * 7_200 * SECOND) for number in range(300)])])

    whole, capped = listing_of(past, ENGLISH), listing_of(past, ENGLISH, most=20)

    assert (300, 300, False) == (whole.episodes, whole.shown, whole.open)
    assert (300, 20, True) == (capped.episodes, capped.shown, capped.open)
    assert 20 == sum(len(day.rows) for day in capped.days)
