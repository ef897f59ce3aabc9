"""Calendars, shifts, and what takes longer than they are open."""

from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.sense import Asked, examine

MONDAY = 1_795_392_000 * SECOND
"""2026-11-23 00:00 UTC."""
DECEMBER = 1_797_000_000 * SECOND

SHORT = '{weekly: {mon-fri: "09:00-18:00"}}'
USED = "  - {name: a, measure: waiting, above: 5, active: day}\n"


def warnings_of(
    folder: Path, entries: str, calendars: str, rest: str = "", now: int = MONDAY
) -> list[str]:
    """Return what is said of these thresholds and calendars, without the file's name."""
    (folder / "callmon.yml").write_text("feeds: {pbx: {type: simulator}}\n")
    (folder / "thresholds.yml").write_text(
        f"thresholds:\n{entries}calendars:\n  {calendars}\n{rest}\n"
    )
    found = examine(Asked(config=folder / "callmon.yml"), {}, now)
    return [text.removeprefix(f"{folder}/thresholds.yml:") for text in found.problems]


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        (f"day: {SHORT}", ""),
        (f"day: {SHORT}\n  idle: {SHORT}", "5:3: calendars.idle: warning: nothing uses this"),
        (
            "day: {dates: [2025-11-10..2025-11-12]}",
            "day: info: all its dates are past",
        ),
        ("day: {dates: [2026-11-30]}", ""),
        ("day: {weekly: {sat: closed}}", "calendars.day: warning: it is not open at any time"),
        ('day: {weekly: {mon-sun: "22:00-06:00"}}', ""),
        (
            'day: {weekly: {mon-fri: "18:00-09:00"}}',
            "on: Saturday until 09:00 is open, Monday morning is not",
        ),
        ('day: {weekly: {sun-thu: "18:00-09:00"}}', "Friday until 09:00 is open, Sunday morn"),
        (
            'day: {weekly: {mon-fri: ["22:00-24:00", "00:00-06:00"]}}',
            "warning: Monday morning is open, Saturday morning is not: for nights that",
        ),
        (
            'day: {weekly: {fri-sat: ["22:30-24:00", "00:00-06:00"]}}',
            "Friday morning is open, Sunday morning is not: for nights that begin on",
        ),
        ('day: {weekly: {mon-sun: ["22:00-24:00", "00:00-06:00"]}}', ""),
        ('day: {weekly: {mon: "22:00-24:00", tue: "00:00-06:00"}}', ""),
        ('day: {weekly: {mon-fri: "00:00-24:00"}}', ""),
        ('day: {weekly: {mon-fri: "00:00-06:00"}}', ""),
    ],
)
def test_odd_calendars_are_told(tmp_path: Path, calendar: str, message: str) -> None:
    """Those nobody needs, those that never open, and nights that are not what they seem."""
    found = warnings_of(tmp_path, USED, calendar)

    assert bool(message) == bool(found)
    assert all(message in text for text in found)


def test_holidays_that_are_not_known_are_told_at_their_line(tmp_path: Path) -> None:
    """In December those of the next year are wanted."""
    calendar = 'day: {weekly: {mon-fri: "09:00-18:00"}, holidays: CN}'

    assert [] == warnings_of(tmp_path, USED, calendar)
    (warning,) = warnings_of(tmp_path, USED, calendar, now=DECEMBER)
    assert warning.startswith("4:53: calendars.day.holidays: warning: the holidays of CN for ")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("for: 8h", ""),
        ("for: 9h", "thresholds[0].for: warning: 'day' is open for 9h at a stretch, and"),
        ("for: 1h, escalate: [{after: 7h, severity: critical}]", ""),
        (
            "for: 1h, escalate: [{after: 8h, severity: critical}]",
            "closing ends the alert: after 9h it never comes to this",
        ),
        ("for: 9h, overrides: [{queues: [a], for: 1h}]", ""),
        (
            "overrides: [{during: sunday, above: 9}]",
            "overrides[0].during: warning: 'sunday' is open only while 'day' is closed",
        ),
        ("overrides: [{during: monday, above: 9}]", ""),
    ],
)
def test_what_takes_longer_than_it_is_open_is_told(
    tmp_path: Path, keys: str, message: str
) -> None:
    """Closing ends an alert: what would come after never comes."""
    entry = f"  - {{name: a, measure: waiting, above: 5, active: day, {keys}}}\n"
    days = (
        '\n  sunday: {weekly: {sun: "00:00-24:00"}}\n  monday: {weekly: {mon: "17:00-19:00"}}'
    )
    found = [
        text
        for text in warnings_of(tmp_path, entry, f"day: {SHORT}{days}")
        if "nothing uses" not in text
    ]

    assert bool(message) == bool(found)
    assert all(message in text for text in found)


def test_who_is_not_on_duty_is_told(tmp_path: Path) -> None:
    """Alerts of those hours have no shift, and the routes for shifts do not see them."""
    calendars = f'day: {SHORT}\n  late: {{weekly: {{mon-fri: "12:00-17:00"}}}}'
    shifts = "shifts: {early: day, late: late}\n"
    always = "  - {name: a, measure: waiting, above: 5}\n"

    hole, never = warnings_of(tmp_path, always, calendars, shifts)

    assert "shifts: info: nobody is on duty for 5d3h of the next 7 days, first Mon" in hole
    assert "2026-11-23 00:00 to Mon 09:00" in hole
    assert "shifts.late: warning: the shifts before it are on duty at all its hours" in never
    assert [never] == warnings_of(tmp_path, USED, calendars, shifts)
