"""Tests of how long a history is said to be."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from callmon.clock import SECOND, Micros
from callmon.trial.lengths import days_between, length_between
from callmon.wording import Language

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> Micros:
    """Return the instant that *text* is in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("begin", "end", "english", "chinese"),
    [
        ("2026-03-01", "2026-03-29", "28 days", "28 天"),
        ("2026-03-01T09:00", "2026-03-28T17:00", "28 days", "28 天"),
        ("2026-03-01T00:00", "2026-03-11T00:00", "10 days", "10 天"),
        ("2026-03-01T00:00", "2026-03-10T23:59", "9 d 23 h", "9 天 23 小时"),
        ("2026-03-01T12:00", "2026-03-03T00:00", "1 d 12 h", "1 天 12 小时"),
        ("2026-03-01T12:00", "2026-03-01T12:00", "0 s", "0 秒"),
        ("2026-03-02T12:00", "2026-03-01T12:00", "0 s", "0 秒"),
    ],
)
def test_long_is_told_in_days_and_short_as_it_is(
    begin: str, end: str, english: str, chinese: str
) -> None:
    """From ten days on a day that has begun counts; before that hours are told."""
    told = [length_between(at(begin), at(end), ZoneInfo("UTC"), each) for each in Language]

    assert [english, chinese] == told


@pytest.mark.parametrize(
    ("begin", "end", "days"),
    [
        ("2026-03-01T22:59", "2026-03-01T23:01", 1),
        ("2026-03-01T22:59", "2026-03-02T22:59", 1),
        ("2026-03-01T22:59", "2026-03-02T23:00", 2),
        ("2026-03-01T23:00", "2026-03-01T23:00", 0),
        ("2026-03-28T23:00", "2026-03-29T22:00", 1),
        ("2026-10-24T22:00", "2026-10-25T23:00", 1),
    ],
)
def test_days_are_those_of_the_wall_clock(begin: str, end: str, days: int) -> None:
    """A day that has begun counts; one of 23 or 25 hours is one."""
    assert days == days_between(at(begin), at(end), BERLIN)
