"""Tests of instants as others write them."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.decode.queue_log import EARLIEST, LATEST
from callmon.decode.times import (
    TIME_FORMATS,
    TimeReader,
    check_time_format,
    check_timezone,
    read_instant,
)
from callmon.errors import DecodeError, DecodeReason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"
NOW = 1_795_341_641 * SECOND

instants = st.integers(EARLIEST, LATEST - 1)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timedelta(minutes=minutes))


def moment(at: Micros) -> datetime:
    """Return *at* as Python has it."""
    return EPOCH + timedelta(microseconds=at)


def micros(*parts: int, zone: str = "UTC", fold: int = 0) -> Micros:
    """Return the instant of a local time."""
    local = datetime(*parts[:6], tzinfo=ZoneInfo(zone), fold=fold)  # type: ignore[arg-type, misc] # six parts
    return (local - EPOCH) // timedelta(microseconds=1)


def read(
    value: object, time_format: str = "auto", zone: str = "UTC", now: Micros = NOW
) -> Micros:
    """Read *value* as a source of *zone* may write it."""
    return TimeReader(time_format, zone).read(value, now)


@given(instants, offsets)
def test_rfc_3339_is_read_back_to_the_microsecond(at: Micros, offset: timedelta) -> None:
    """Whatever the offset, the instant is the same."""
    text = moment(at).astimezone(timezone(offset)).isoformat()

    assert at == read_instant(text)
    assert at == read(text, "rfc3339")
    assert at == read(text, zone=BERLIN)


@given(instants)
@example(EARLIEST)
@example(LATEST - 1)
def test_an_epoch_number_is_read_in_each_unit(at: Micros) -> None:
    """Its size tells the unit: no instant of our time can be taken for another."""
    milliseconds, seconds = at // 1_000, at // SECOND

    for number, known, unit in ((at, at, "us"), (milliseconds, milliseconds * 1_000, "ms")):
        assert known == read_instant(number) == read(number, unit)
        assert known == read(str(number)) == read(str(number), unit)
    assert seconds * SECOND == read_instant(seconds) == read(f"{seconds}", "s")


@given(instants)
def test_seconds_with_a_fraction_keep_it(at: Micros) -> None:
    """A text to the last digit; a number as well as a float of that size can."""
    text = f"{at // SECOND}.{at % SECOND:06}"

    assert at == read_instant(text) == read(text, "s")
    assert abs(at - read_instant(float(text))) <= 1


@given(instants.map(lambda at: at // SECOND * SECOND))
def test_a_format_of_strptime_is_read_in_its_zone(at: Micros) -> None:
    """Local times are those of the zone; one that comes twice is one of the two."""
    local = moment(at).astimezone(ZoneInfo(BERLIN))
    found = read(local.strftime("%d.%m.%Y %H:%M:%S"), "%d.%m.%Y %H:%M:%S", BERLIN, now=at)

    assert at == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T10:00:41Z", micros(2026, 11, 22, 10, 0, 41)),
        ("2026-11-22t10:00:41z", micros(2026, 11, 22, 10, 0, 41)),
        ("2026-11-22 10:00:41+08:00", micros(2026, 11, 22, 2, 0, 41)),
        ("2026-11-22 10:00:41 +0800", micros(2026, 11, 22, 2, 0, 41)),
        ("2026-11-22T10:00:41.123456789Z", micros(2026, 11, 22, 10, 0, 41) + 123_456),
        ("2026-11-22T10:00:41,5Z", micros(2026, 11, 22, 10, 0, 41) + 500_000),
        ("2016-12-31T23:59:60Z", micros(2017, 1, 1, 0, 0, 0)),
        ("2016-12-31T23:59:60.9Z", micros(2017, 1, 1, 0, 0, 0)),
    ],
)
def test_rfc_3339_as_people_write_it(text: str, expected: Micros) -> None:
    """Small letters, a space, more digits than a clock has, a leap second."""
    assert expected == read_instant(text)


@pytest.mark.parametrize("time_format", ["auto", "rfc3339", "%Y-%m-%dT%H:%M:%S"])
def test_a_time_that_comes_twice_is_the_later_unless_that_is_still_to_come(
    time_format: str,
) -> None:
    """When summer ends, an hour comes twice: what was just received was just written."""
    text = "2026-10-25T02:30:00"
    first = micros(2026, 10, 25, 2, 30, 0, zone=BERLIN)
    again = first + 3600 * SECOND

    assert first == read(text, time_format, BERLIN, now=first)
    assert first == read(text, time_format, BERLIN, now=again - 601 * SECOND)
    assert again == read(text, time_format, BERLIN, now=again - 600 * SECOND)
    assert again == read(text, time_format, BERLIN, now=again + 86_400 * SECOND)


def test_a_time_that_is_skipped_is_read_as_winter_time() -> None:
    """Nobody's clock shows it, but a program that knows no summer may write it."""
    expected = micros(2026, 3, 29, 1, 30, 0)

    assert expected == read("2026-03-29T02:30:00", zone=BERLIN)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "x",
            " 1795341641",
            "1795341641 ",
            "-1",
            "1e9",
            "nan",
            "١٧٩٥٣٤١٦٤١",
            "2026-11-22",
        ),
        *("2026-02-30T10:00:00Z", "2026-11-22T25:00:00Z", "2026-W47-7T10:00:00Z"),
        *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:60-23:59"),
        *("9999-12-31T23:59:60", "0001-01-01T00:00:00", "2026-11-22T10:00:00+99:99"),
        *(0, -1, 5, 631_151_999, 4_102_444_800, 4_102_444_800_000, 10**17, 10**400, 1e308),
        *(float("nan"), float("inf"), -1.0, True, None, [], {}, "9" * 10_000),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_time_of_ours_is_refused(value: object) -> None:
    """Nothing is guessed, and nothing but the refusal comes."""
    for time_format in (*TIME_FORMATS, "%Y-%m-%dT%H:%M:%S", "%Y%m%d%H%M"):
        with pytest.raises(DecodeError) as caught:
            read(value, time_format, BERLIN)
        assert DecodeReason.BAD_TIME is caught.value.reason
    with pytest.raises(DecodeError):
        read_instant(value)


def test_a_local_time_keeps_its_fraction() -> None:
    """To the microsecond, as one with an offset does."""
    expected = micros(2026, 11, 22, 9, 0, 41) + 123_456

    assert expected == read("2026-11-22T10:00:41.123456", zone=BERLIN)
    assert expected == read("2026-11-22 10:00:41.123456+01:00")


def test_a_native_time_must_say_its_offset() -> None:
    """Whose local time it is nobody can know."""
    with pytest.raises(DecodeError, match="with its offset"):
        read_instant("2026-11-22T10:00:41")


@pytest.mark.parametrize(
    ("time_format", "value", "expected"),
    [
        ("%Y%m%d%H%M%S", "20261122100041", micros(2026, 11, 22, 9, 0, 41)),
        ("%Y%m%d%H%M", 202611221000, micros(2026, 11, 22, 9, 0, 0)),
        ("%d.%m.%y %H:%M", "22.11.26 10:00", micros(2026, 11, 22, 9, 0, 0)),
        (
            "%Y-%m-%d %H:%M:%S.%f",
            "2026-11-22 10:00:41.5",
            micros(2026, 11, 22, 9, 0, 41) + 500_000,
        ),
        ("%d/%b/%Y:%H:%M:%S %z", "22/Nov/2026:10:00:41 +0000", micros(2026, 11, 22, 10, 0, 41)),
    ],
)
def test_formats_of_all_kinds_are_read(
    time_format: str, value: object, expected: Micros
) -> None:
    """The zone of the setting counts where the time does not say its own."""
    assert check_time_format(time_format) is None
    assert expected == read(value, time_format, BERLIN)


@pytest.mark.parametrize(
    ("time_format", "problem"),
    [
        ("iso", "expected auto, rfc3339"),
        ("", "expected auto, rfc3339"),
        ("%H:%M:%S", "year, month, day"),
        ("%d.%m.%Y", "year, month, day"),
        ("%d.%m. %H:%M", "year, month, day"),
        ("%Y-%m-%d %I:%M", "year, month, day"),
        ("%Y-%m-%d %H:%M %Z", "ambiguous"),
        ("%Q", "expected a format of strptime"),
        ("%", "expected a format of strptime"),
    ],
)
def test_a_format_that_cannot_work_is_refused_with_the_reason(
    time_format: str, problem: str
) -> None:
    """Who forgets the date, or half of the day, hears it before the first message."""
    found = check_time_format(time_format)

    assert found is not None
    assert problem in found
    with pytest.raises(ValueError, match="expected"):
        TimeReader(time_format)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe", "\0"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    """It is named in the refusal."""
    assert f"expected a time zone like Europe/Berlin, found {zone!r}" == check_timezone(zone)
    with pytest.raises(ValueError, match="time zone"):
        TimeReader("auto", zone)


usual = st.lists(st.sampled_from("0126W+- ٣"), min_size=17, max_size=17).map(
    lambda digits: "{}{}{}{}-{}{}-{}{}T{}{}:{}{}:{}{}.{}{}{}Z".format(*digits)
)


@given(usual | instants.map(lambda at: moment(at).isoformat(timespec="milliseconds")))
@example("2016-12-31T23:59:60.000Z")
@example("2026-02-30T10:00:00.000Z")
@example("2026-11-22T10:00:41.12+Z")
def test_the_usual_form_is_read_as_any_other(text: str) -> None:
    """The quick way and the careful one agree on what is a time, and which."""
    text = text.replace("+00:00", "Z")
    found: list[Micros | None] = []
    for written in (text, text.replace("Z", "+00:00")):
        try:
            found.append(read_instant(written))
        except DecodeError:
            found.append(None)

    assert found[0] == found[1]


@given(st.one_of(st.text(max_size=30), st.integers(), st.floats(), st.from_regex(r"20\d\d.*")))
def test_any_value_is_read_or_refused(value: object) -> None:
    """Nothing but ``DecodeError`` comes, and what is read is of our time."""
    for time_format in (*TIME_FORMATS, "%Y-%m-%d %H:%M:%S"):
        try:
            found = read(value, time_format, BERLIN)
        except DecodeError:
            continue
        assert EARLIEST <= found < LATEST
