"""Tests of opening hours."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.calendars import (
    Calendar,
    CalendarSpec,
    Hours,
    holiday_regions,
    instant_named,
    local_instant,
    see_that_it_comes,
)
from callmon.clock import SECOND
from callmon.errors import ConfigError

MINUTE = 60 * SECOND
SHANGHAI = "Asia/Shanghai"
NEW_YORK = "America/New_York"
MON_TO_FRI: Mapping[int, Hours] = dict.fromkeys(range(5), ((540, 720), (780, 1080)))
NIGHTS: Mapping[int, Hours] = dict.fromkeys(range(7), ((22 * 60, 6 * 60),))


def instant(text: str, timezone: str = "UTC") -> int:
    """Return the instant of a wall time; an offset in *text* counts more than the zone."""
    at = datetime.fromisoformat(text)
    at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(timezone))
    return int(at.timestamp()) * SECOND


def stretches(calendar: Calendar, text: str, count: int) -> list[str]:
    """Return the next *count* changes after *text*, as wall times with their offset."""
    at = instant(text, calendar.spec.timezone)
    found = []
    for _ in range(count):
        change = calendar.next_change(at)
        assert change is not None
        assert calendar.is_open(change) != calendar.is_open(change - 1)
        at = change
        when = datetime.fromtimestamp(at / SECOND, ZoneInfo(calendar.spec.timezone))
        found.append(when.isoformat(" ", "minutes"))
    return found


def test_opens_and_closes_to_the_microsecond() -> None:
    """The first instant is inside, the last is not."""
    calendar = Calendar(CalendarSpec(name="office", timezone=SHANGHAI, weekly=MON_TO_FRI))
    nine = instant("2026-03-04 09:00", SHANGHAI)
    noon = instant("2026-03-04 12:00", SHANGHAI)

    seen = [calendar.is_open(at) for at in (nine - 1, nine, noon - 1, noon)]

    assert seen == [False, True, True, False]
    assert calendar.opened_at(noon - 1) == nine
    assert calendar.opened_at(noon) is None
    assert calendar.next_change(nine - 1) == nine
    assert calendar.next_change(nine) == noon


def test_a_week_has_its_weekend() -> None:
    """After Friday evening comes Monday morning."""
    calendar = Calendar(CalendarSpec(name="office", timezone=SHANGHAI, weekly=MON_TO_FRI))

    assert stretches(calendar, "2026-03-06 14:00", 3) == [
        "2026-03-06 18:00+08:00",
        "2026-03-09 09:00+08:00",
        "2026-03-09 12:00+08:00",
    ]


def test_make_up_days_have_the_hours_of_the_day_they_replace() -> None:
    """Saturday 2026-02-14 works for Friday 02-20; then the Spring Festival is closed."""
    weekly = {**MON_TO_FRI, 4: ((600, 900),)}
    calendar = Calendar(
        CalendarSpec(name="office", timezone=SHANGHAI, weekly=weekly, holidays="CN")
    )

    assert stretches(calendar, "2026-02-14 00:00", 3) == [
        "2026-02-14 10:00+08:00",
        "2026-02-14 15:00+08:00",
        "2026-02-24 09:00+08:00",
    ]
    assert not calendar.is_open(instant("2026-03-07 10:00", SHANGHAI))


def test_a_make_up_day_in_the_year_before() -> None:
    """Sunday 2006-12-31 worked for Wednesday 2007-01-03."""
    calendar = Calendar(
        CalendarSpec(name="office", timezone=SHANGHAI, weekly={2: ((600, 660),)}, holidays="CN")
    )

    assert stretches(calendar, "2006-12-28 00:00", 1) == ["2006-12-31 10:00+08:00"]


def test_a_holiday_moved_from_a_weekday_leaves_it_as_it_is() -> None:
    """Kazakhstan's 2020-05-11, a Monday, was worked for Friday 05-08, as a Monday."""
    calendar = Calendar(
        CalendarSpec(name="kz", timezone="UTC", weekly={0: ((540, 600),), 4: ()}, holidays="KZ")
    )

    assert calendar.is_open(instant("2020-05-11 09:30"))


def test_holidays_can_be_added_and_removed() -> None:
    """The administrator knows better than the country's list."""
    calendar = Calendar(
        CalendarSpec(
            name="office",
            timezone="Europe/Berlin",
            weekly=dict.fromkeys(range(7), ((540, 600),)),
            holidays="DE-BY",
            add_holidays=frozenset({date(2026, 1, 5)}),
            remove_holidays=frozenset({date(2026, 1, 1)}),
        )
    )

    opens = [
        calendar.is_open(instant(f"2026-01-{day:02} 09:30", "Europe/Berlin"))
        for day in (1, 4, 5, 6, 7)
    ]

    assert opens == [True, True, False, False, True]


def test_a_special_date_counts_more_than_all() -> None:
    """It opens a holiday and closes a weekday."""
    calendar = Calendar(
        CalendarSpec(
            name="office",
            timezone=SHANGHAI,
            weekly=MON_TO_FRI,
            holidays="CN",
            special={date(2026, 2, 17): ((600, 660),), date(2026, 2, 24): ()},
        )
    )

    assert stretches(calendar, "2026-02-16 00:00", 3) == [
        "2026-02-17 10:00+08:00",
        "2026-02-17 11:00+08:00",
        "2026-02-25 09:00+08:00",
    ]


def test_dates_alone_are_open_all_day() -> None:
    """From the first midnight to the last, in the calendar's zone, years ahead."""
    dates = ((date(2026, 11, 10), date(2026, 11, 12)), (date(2031, 1, 1), date(2031, 1, 1)))
    calendar = Calendar(CalendarSpec(name="sales", timezone=SHANGHAI, dates=dates))

    assert stretches(calendar, "2023-01-01 00:00", 4) == [
        "2026-11-10 00:00+08:00",
        "2026-11-13 00:00+08:00",
        "2031-01-01 00:00+08:00",
        "2031-01-02 00:00+08:00",
    ]
    end = instant("2031-01-02 00:00", SHANGHAI)
    assert calendar.next_change(end) is None
    assert calendar.opened_at(instant("2026-11-12 23:59", SHANGHAI)) == instant(
        "2026-11-10 00:00", SHANGHAI
    )


def test_dates_limit_weekly_hours() -> None:
    """With both, it is open at the hours, on the dates only."""
    calendar = Calendar(
        CalendarSpec(
            name="fair",
            timezone=SHANGHAI,
            weekly=MON_TO_FRI,
            dates=((date(2026, 3, 7), date(2026, 3, 9)),),
        )
    )

    assert stretches(calendar, "2025-01-01 00:00", 1) == ["2026-03-09 09:00+08:00"]


def test_nights_belong_to_the_day_they_begin_on() -> None:
    """Friday's night shift ends on Saturday; Saturday has none."""
    calendar = Calendar(
        CalendarSpec(name="night", timezone=SHANGHAI, weekly={4: ((1320, 360),)})
    )

    assert stretches(calendar, "2026-03-06 12:00", 3) == [
        "2026-03-06 22:00+08:00",
        "2026-03-07 06:00+08:00",
        "2026-03-13 22:00+08:00",
    ]


def test_hours_that_touch_are_one_stretch() -> None:
    """24:00 meets 00:00, and what never closes never changes."""
    touching: Mapping[int, Hours] = {0: ((540, 1440),), 1: ((0, 300), (300, 600))}
    calendar = Calendar(CalendarSpec(name="late", timezone=SHANGHAI, weekly=touching))
    always = Calendar(CalendarSpec(name="always", timezone=SHANGHAI))

    assert stretches(calendar, "2026-03-09 00:00", 2) == [
        "2026-03-09 09:00+08:00",
        "2026-03-10 10:00+08:00",
    ]
    now = instant("2026-03-09 00:00", SHANGHAI)
    assert (always.is_open(now), always.next_change(now), always.opened_at(now)) == (
        True,
        None,
        0,
    )


@pytest.mark.parametrize(
    ("weekly", "start", "expected"),
    [
        # a night in which an hour is skipped keeps its wall times
        (NIGHTS, "2026-03-07 23:00", ["2026-03-08 06:00-04:00", "2026-03-08 22:00-04:00"]),
        # and so does one in which an hour comes twice
        (NIGHTS, "2026-10-31 23:00", ["2026-11-01 06:00-05:00", "2026-11-01 22:00-05:00"]),
        # hours inside the skipped one do not come
        (
            {6: ((135, 165), (600, 660))},
            "2026-03-08 00:00",
            ["2026-03-08 10:00-04:00", "2026-03-08 11:00-04:00"],
        ),
        # hours that begin in the skipped one begin when it is skipped
        (
            {6: ((150, 190),)},
            "2026-03-08 00:00",
            ["2026-03-08 03:00-04:00", "2026-03-08 03:10-04:00"],
        ),
        # and those that end in it end then
        (
            {6: ((60, 150),)},
            "2026-03-08 00:00",
            ["2026-03-08 01:00-05:00", "2026-03-08 03:00-04:00"],
        ),
        # a time that comes twice is the first of the two
        (
            {6: ((75, 105),)},
            "2026-11-01 00:00",
            ["2026-11-01 01:15-04:00", "2026-11-01 01:45-04:00"],
        ),
        (
            {6: ((90, 150),)},
            "2026-11-01 00:00",
            ["2026-11-01 01:30-04:00", "2026-11-01 02:30-05:00"],
        ),
    ],
)
def test_clock_changes(weekly: Mapping[int, Hours], start: str, expected: list[str]) -> None:
    """Hours around the changes of New York's clocks: what a clock on the wall shows."""
    calendar = Calendar(CalendarSpec(name="shift", timezone=NEW_YORK, weekly=weekly))

    assert stretches(calendar, start, 2) == expected


@pytest.mark.parametrize(
    ("weekly", "expected"),
    [
        ({4: ((0, 120),)}, ["2026-04-24 01:00+03:00", "2026-04-24 02:00+03:00"]),
        (
            {4: ((30, 70),)},
            ["2026-04-24 01:00+03:00", "2026-04-24 01:10+03:00"],
        ),
    ],
)
def test_a_day_that_begins_at_one(weekly: Mapping[int, Hours], expected: list[str]) -> None:
    """Where the clocks skip midnight, the day begins when they do, and so do its hours."""
    cairo = Calendar(CalendarSpec(name="cairo", timezone="Africa/Cairo", weekly=weekly))

    assert stretches(cairo, "2026-04-23 12:00", 2) == expected


def test_the_same_start_and_end_is_a_whole_day() -> None:
    """From 06:00 to 06:00 is until tomorrow."""
    calendar = Calendar(
        CalendarSpec(name="round", timezone=SHANGHAI, weekly={2: ((360, 360),)})
    )

    assert stretches(calendar, "2026-03-04 00:00", 2) == [
        "2026-03-04 06:00+08:00",
        "2026-03-05 06:00+08:00",
    ]


@pytest.mark.parametrize("ahead", [*range(395, 405), 2_000])
def test_far_dates_are_found(ahead: int) -> None:
    """However far, in both directions: where the search day by day ends, too."""
    today = date(2026, 3, 4)
    day = today + timedelta(days=ahead)
    noon = instant("2026-03-04 12:00")
    usual: dict[date, Hours] = {
        today + timedelta(days=days): ((0, 1440),) for days in (-500, 500) if ahead > 500
    }
    past = today - timedelta(days=ahead)
    shut, shut_before = (
        Calendar(CalendarSpec(name="shut", timezone="UTC", special={**usual, closed: ()}))
        for closed in (day, past)
    )

    assert shut.next_change(noon) == instant(day.isoformat())
    assert shut_before.opened_at(noon) == instant((past + timedelta(days=1)).isoformat())


def test_what_is_remembered_is_true() -> None:
    """A night's hours last longer than an early shift of the next morning."""
    weekly: Mapping[int, Hours] = {2: ((1320, 360),), 3: ((300, 330),)}
    calendar = Calendar(CalendarSpec(name="night", timezone="UTC", weekly=weekly))

    assert not calendar.is_open(instant("2026-03-05 12:00"))
    assert calendar.is_open(instant("2026-03-05 05:45"))


def test_a_year_without_make_up_days_is_not_known_yet() -> None:
    """China decrees them each November; Germany has none, Taiwan none any more."""
    china = Calendar(CalendarSpec(name="cn", timezone=SHANGHAI, holidays="CN"))
    known = max(day.year for day in china._make_up)
    rest = [
        Calendar(CalendarSpec(name=country, timezone="UTC", holidays=country))
        for country in ("DE", "TW")
    ]

    assert [china.has_year_data(known + ahead) for ahead in (0, 1, 2)] == [True, False, False]
    assert all(calendar.has_year_data(year) for calendar in rest for year in (2026, 2027))
    assert Calendar(CalendarSpec(name="none", timezone="UTC")).has_year_data(2030)


def test_unknown_zone_and_country_are_refused() -> None:
    """The message names the place and what was found."""
    with pytest.raises(ConfigError, match=r"calendars\.x\.timezone: .* got 'Asia/Bejing'"):
        Calendar(CalendarSpec(name="x", timezone="Asia/Bejing"))
    with pytest.raises(ConfigError, match=r"calendars\.x\.holidays: .* got 'XX'"):
        Calendar(CalendarSpec(name="x", timezone="UTC", holidays="XX"))
    with pytest.raises(ConfigError, match=r"calendars\.x\.holidays: .* got 'DE-XX'"):
        Calendar(CalendarSpec(name="x", timezone="UTC", holidays="DE-XX"))


def test_regions_are_listed_for_hints() -> None:
    """A check can offer what was perhaps meant."""
    assert "BY" in holiday_regions()["DE"]


def test_equal_by_what_was_written() -> None:
    """A reload can see that a calendar did not change."""
    first, second = (
        Calendar(CalendarSpec(name="office", timezone=SHANGHAI, weekly=MON_TO_FRI))
        for _ in range(2)
    )

    assert first == second
    assert hash(first) == hash(second)
    assert first != Calendar(CalendarSpec(name="office", timezone="UTC", weekly=MON_TO_FRI))
    assert first != "office"
    assert repr(first) == "Calendar('office')"


def test_many_days_are_forgotten() -> None:
    """What is worked out is bounded, and forgetting it changes nothing."""
    calendar = Calendar(CalendarSpec(name="office", timezone=SHANGHAI, weekly=MON_TO_FRI))
    at = instant("2020-01-01", SHANGHAI)
    for _ in range(3_000):
        at = calendar.next_change(at) or 0

    fresh = Calendar(calendar.spec)

    assert len(calendar._spans) <= 1_100
    assert calendar.next_change(at) == fresh.next_change(at)


ZONES = ("UTC", NEW_YORK, "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu")
TURNS = (
    datetime(2026, 3, 7, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 4, 23, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
)
times = st.sampled_from((0, 30, 90, 120, 150, 180, 360, 720, 1320, 1410))
hours = st.lists(st.tuples(times, times | st.just(1440)), max_size=2).map(tuple)
weeks = st.dictionaries(st.integers(0, 6), hours, min_size=1)


@given(weeks, st.sampled_from(ZONES), st.sampled_from(TURNS), st.integers(0, 3 * 96))
def test_agrees_with_asking_every_quarter(
    weekly: dict[int, Hours], zone: str, turn: datetime, quarter: int
) -> None:
    """The stretch around an instant is what asking afresh at every quarter finds."""
    spec = CalendarSpec(name="any", timezone=zone, weekly=weekly)
    calendar, asked = Calendar(spec), Calendar(spec)
    now = int(turn.timestamp()) * SECOND + quarter * 15 * MINUTE

    change, opened = calendar.next_change(now), calendar.opened_at(now)

    quarters = [now + step * 15 * MINUTE for step in range(96 * 8)]
    later = [at for at in quarters if asked._covers(at) != asked._covers(now)]
    if later:
        assert change == later[0]
    earlier = [now - step * 15 * MINUTE for step in range(96 * 8)]
    if not asked._covers(now):
        assert opened is None
    elif shut := [at for at in earlier if not asked._covers(at)]:
        assert opened == shut[0] + 15 * MINUTE
    for at in (*quarters[:200], *earlier[:200]):
        assert asked._covers(at) == calendar.is_open(at)
        calendar.is_open(now)


@given(weeks, st.sampled_from(ZONES), st.sampled_from(TURNS), st.integers(0, 3 * 96))
def test_open_when_the_wall_clock_says_so(
    weekly: dict[int, Hours], zone: str, turn: datetime, quarter: int
) -> None:
    """Unless clocks go back, it is open exactly when one on the wall is inside."""
    calendar = Calendar(CalendarSpec(name="any", timezone=zone, weekly=weekly))
    wall = (turn + timedelta(minutes=15 * quarter)).astimezone(ZoneInfo(zone))
    minutes = wall.hour * 60 + wall.minute
    earlier, later = (
        (at.astimezone(UTC) + timedelta(hours=step)).astimezone(ZoneInfo(zone)).utcoffset()
        for at, step in ((wall, -50), (wall, 50))
    )

    inside = any(
        start <= minute < (end if end > start else end + 1440)
        for day, minute in (
            (wall.weekday(), minutes),
            ((wall.weekday() - 1) % 7, minutes + 1440),
        )
        for start, end in weekly.get(day, ())
    )

    assert earlier is not None
    assert later is not None
    assert later < earlier or inside == calendar.is_open(int(wall.timestamp()) * SECOND)


@pytest.mark.parametrize(
    ("wall", "instant_of_it", "message"),
    [
        ("2026-03-29 01:59", "2026-03-29 01:59+01:00", None),
        ("2026-03-29 02:00", "2026-03-29 03:00+02:00", "there is no 02:00 on 2026-03-29"),
        ("2026-03-29 02:30", "2026-03-29 03:00+02:00", "clocks go from 02:00 to 03:00"),
        ("2026-03-29 03:00", "2026-03-29 03:00+02:00", None),
        ("2026-10-25 02:30", "2026-10-25 02:30+02:00", None),
    ],
)
def test_a_time_that_is_skipped_has_come_with_the_skip(
    wall: str, instant_of_it: str, message: str | None
) -> None:
    """Its instant is that of the change; whoever asks for it is told that it never comes."""
    berlin = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    expected = datetime.fromisoformat(instant_of_it).timestamp()

    assert expected * SECOND == local_instant(berlin)
    if message is None:
        see_that_it_comes(berlin)
    else:
        with pytest.raises(ValueError, match=message):
            see_that_it_comes(berlin)


def test_a_day_begins_also_where_its_midnight_is_skipped() -> None:
    """A day alone is meant from its first instant on; its midnight, named, never comes."""
    midnight = datetime(2018, 11, 4, tzinfo=ZoneInfo("America/Sao_Paulo"))
    expected = datetime.fromisoformat("2018-11-04 01:00-02:00").timestamp()

    assert expected * SECOND == instant_named(midnight, day_alone=True)
    with pytest.raises(ValueError, match="there is no 00:00 on 2018-11-04"):
        instant_named(midnight)
