"""Tests of duties: how often those on duty would have been called."""

from callmon.backtest.duties import duties_of
from callmon.backtest.outcome import Duty
from callmon.clock import Micros
from callmon.episodes import Call
from callmon.rules import Severity
from tests.backtest.made import DAY, HOUR, calendar, threshold

MONDAY: Micros = 4 * DAY  # 5 January 1970


def called(at: Micros, shift: str | None) -> Call:
    """Return a call."""
    return Call(MONDAY + at, Severity.WARNING, shift)


def test_shifts_are_counted_by_their_turns() -> None:
    """A break makes no second turn; a night is of the day on which it began."""
    shifts = (("day", calendar((9, 12), (13, 18), days=5)), ("night", calendar((18, 9))))
    calls = [
        called(10 * HOUR, "day"),
        called(14 * HOUR, "day"),
        called(DAY + 14 * HOUR, "day"),
        called(23 * HOUR, "night"),
        called(DAY + 8 * HOUR, "night"),
        called(DAY + 12 * HOUR, None),
    ]

    found = duties_of(
        [threshold(shifts=shifts)],
        calls,
        since=MONDAY + 9 * HOUR,
        until=MONDAY + 7 * DAY,
        timezone="UTC",
    )

    assert (
        Duty(shift="day", turns=5, calls=3, most=2, most_at=MONDAY + 9 * HOUR),
        Duty(shift="night", turns=7, calls=2, most=2, most_at=MONDAY + 18 * HOUR),
        Duty(shift=None, turns=8, calls=1, most=1, most_at=MONDAY + DAY),
    ) == found


def test_a_turn_that_had_begun_counts() -> None:
    """Who is on duty when the span begins is on duty."""
    shifts = (("night", calendar((18, 9))),)

    (found,) = duties_of(
        [threshold(shifts=shifts)],
        [called(3 * HOUR, "night")],
        since=MONDAY + HOUR,
        until=MONDAY + 10 * HOUR,
        timezone="UTC",
    )

    began = MONDAY - 6 * HOUR
    assert Duty(shift="night", turns=1, calls=1, most=1, most_at=began) == found


def test_a_shift_of_days_is_a_turn_a_day() -> None:
    """A weekend on call, or one who always is."""
    shifts = (("always", calendar((0, 24))),)

    (found,) = duties_of(
        [threshold(shifts=shifts)],
        [called(DAY + HOUR, "always")],
        since=MONDAY,
        until=MONDAY + 3 * DAY - 1,
        timezone="UTC",
    )

    most_at = MONDAY + DAY
    assert Duty(shift="always", turns=3, calls=1, most=1, most_at=most_at) == found


def test_without_shifts_there_are_days() -> None:
    """Of the zone that is configured; days without a call are days, too."""
    calls = [called(15 * HOUR, None), called(17 * HOUR, None)]

    (found,) = duties_of(
        [threshold()],
        calls,
        since=MONDAY,
        until=MONDAY + DAY - 1,
        timezone="Asia/Shanghai",
    )

    midnight = MONDAY - 8 * HOUR
    assert Duty(shift=None, turns=2, calls=2, most=1, most_at=midnight) == found


def test_nobody_was_called() -> None:
    """Then there is no worst turn."""
    (found,) = duties_of([threshold()], [], since=MONDAY, until=MONDAY, timezone="UTC")

    assert Duty(shift=None, turns=1, calls=0, most=0, most_at=None) == found
