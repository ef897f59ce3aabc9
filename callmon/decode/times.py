"""Instants as other systems write them: RFC 3339, epoch numbers of any unit, local time.

A number is taken by its magnitude where nobody says its unit: seconds, milliseconds and
microseconds of any year from 1990 to 2099 are ranges that do not meet.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from callmon.clock import SECOND, Micros
from callmon.decode.queue_log import EARLIEST, LATEST
from callmon.errors import DecodeError, DecodeReason

__all__ = ["TIME_FORMATS", "TimeReader", "check_time_format", "check_timezone", "read_instant"]

TIME_FORMATS = ("auto", "rfc3339", "s", "ms", "us")
"""Names of formats; anything else is a format of ``strptime``."""

MAX_TIME_CHARACTERS = 64
"""A time stamp has some 30; patterns of ``strptime`` are not tried on more."""

AHEAD: Micros = 600 * SECOND
"""By so much another clock may be ahead of ours before an hour that comes twice in autumn
is taken for the first of the two."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEARS = range(1989, 2101)  #: in which some zone has a time that can be one of ours
_UNITS = {"s": SECOND, "ms": 1_000, "us": 1}
_MAGNITUDES = ((100_000_000_000, SECOND), (100_000_000_000_000, 1_000), (10**17, 1))
_NUMBER = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,18}))?", re.ASCII)
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:)([0-9]{2})"
    r"(?:[.,]([0-9]{1,18}))? ?([Zz]|[+-][0-9]{2}:?[0-9]{2}|)",
    re.ASCII,
)
_SAMPLE = datetime(2026, 11, 22, 13, 41, 7)  # noqa: DTZ001 - no instant: what a format keeps of a date is looked at

Reader = Callable[[object], Micros | datetime]
"""Reads a value: an instant, or a local time where the value does not say of which zone."""


class TimeReader:
    """Reads the time stamps of one source.

    *time_format* is one of ``TIME_FORMATS`` or a format of ``strptime``. A time that does
    not say its offset from UTC is one of *timezone*: a time that comes twice, in the hour
    when summer ends, is the later of the two unless that is still to come; one that is
    skipped is read as if summer had not begun yet.

    Raises:
        ValueError: there is no such format or zone.
    """

    __slots__ = ("_read", "_zone")

    def __init__(self, time_format: str = "auto", timezone: str = "UTC") -> None:
        problem = check_time_format(time_format) or check_timezone(timezone)
        if problem is not None:
            raise ValueError(problem)
        self._zone = ZoneInfo(timezone)
        self._read = _reader(time_format)

    def read(self, value: object, received: Micros) -> Micros:
        """Return the instant that *value* says; *received* is when it was heard of.

        Raises:
            DecodeError: ``BAD_TIME`` when it is no time of this format, or none between
                1990 and 2099.
        """
        found = self._read(value)
        if isinstance(found, datetime):
            found = self._local(found, received) if found.year in _YEARS else 0
        if not EARLIEST <= found < LATEST:
            raise _refused("a time between 1990 and 2099")
        return found

    def _local(self, local: datetime, received: Micros) -> Micros:
        first = _instant(local.replace(tzinfo=self._zone, fold=0))
        again = _instant(local.replace(tzinfo=self._zone, fold=1))
        # Where time is skipped the two are the other way round.
        return again if first < again <= received + AHEAD else first


def read_instant(value: object) -> Micros:
    """Return the instant of an RFC 3339 text with its offset, or of an epoch number.

    Raises:
        DecodeError: ``BAD_TIME`` when it is neither, or not between 1990 and 2099.
    """
    found = _read_auto(value)
    if isinstance(found, datetime):
        raise _refused("a time with its offset from UTC, like Z or +08:00")
    if not EARLIEST <= found < LATEST:
        raise _refused("a time between 1990 and 2099")
    return found


def check_time_format(text: str) -> str | None:
    """Return what is wrong with *text* as a format of times, None when nothing is."""
    if text in TIME_FORMATS:
        return None
    if "%" not in text:
        names = ", ".join(TIME_FORMATS)
        return f"expected {names} or a format like '%d.%m.%Y %H:%M:%S', found {text!r}"
    if "%Z" in text.replace("%%", ""):
        return f"names of zones are ambiguous: expected %z or no zone, found %Z in {text!r}"
    try:
        kept = datetime.strptime(_SAMPLE.replace(tzinfo=UTC).strftime(text), text)  # noqa: DTZ007 - its zone may be in another setting
    except ValueError as error:
        return f"expected a format of strptime, found {text!r}: {error}"
    if kept.replace(second=_SAMPLE.second, tzinfo=None) != _SAMPLE:
        return f"expected a format with year, month, day, hour and minute, found {text!r}"
    return None


def check_timezone(text: str) -> str | None:
    """Return what is wrong with *text* as a time zone, None when nothing is."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"expected a time zone like Europe/Berlin, found {text!r}"
    return None


def _reader(time_format: str) -> Reader:
    if time_format == "auto":
        return _read_auto
    if time_format == "rfc3339":
        return _read_rfc3339
    if time_format in _UNITS:
        unit = _UNITS[time_format]
        return lambda value: _read_number(value, unit)
    return lambda value: _read_pattern(value, time_format)


def _read_auto(value: object) -> Micros | datetime:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return _read_rfc3339(value)
    return _read_magnitude(value)


def _read_magnitude(value: object) -> Micros:
    if isinstance(value, str):
        number = _NUMBER.fullmatch(value)
        size: float = int(number[1]) if number else -1
    else:
        size = value if isinstance(value, int | float) else -1
    for bound, unit in _MAGNITUDES:
        if 0 <= size < bound:
            return _read_number(value, unit)
    raise _refused("seconds, milliseconds or microseconds since 1970")


def _read_number(value: object, unit: Micros) -> Micros:
    # True is an int, and NaN a float that is smaller than nothing.
    if isinstance(value, int) and not isinstance(value, bool):
        return value * unit
    if isinstance(value, float) and 0 <= value < LATEST:
        return round(value * unit)
    if isinstance(value, str) and (number := _NUMBER.fullmatch(value)):
        whole, fraction = number.groups("")
        return int(whole) * unit + int(fraction.ljust(18, "0")) * unit // 10**18
    raise _refused("a number that counts from 1970")


def _read_rfc3339(value: object) -> Micros | datetime:
    if isinstance(value, str) and _is_usual(value):
        try:
            return _instant(datetime.fromisoformat(value))
        except ValueError:
            pass  # a leap second, or no time at all
    if not isinstance(value, str) or (parts := _RFC3339.fullmatch(value)) is None:
        raise _refused("a time like 2026-11-22T10:00:41.123Z")
    day, clock, second, fraction, offset = parts.groups("")
    # A leap second is the first moment of the next minute: no clock of ours has it.
    leap = second == "60"
    offset = "+00:00" if offset in ("Z", "z") else offset
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}{'59' if leap else second}{offset}")
    except ValueError:
        raise _refused("a time that a calendar has") from None
    past = timedelta(seconds=1) if leap else int(fraction[:6].ljust(6, "0")) * _MICROSECOND
    if whole.tzinfo is None:
        return whole + past if whole.year in _YEARS else whole
    return _instant(whole) + past // _MICROSECOND


def _is_usual(text: str) -> bool:
    """Tell whether *text* looks like ``2026-11-22T10:00:41.123Z``, which most systems write.

    Where those marks stand there, Python reads it as RFC 3339 does, and four times as fast.
    """
    return (
        len(text) == len("2026-11-22T10:00:41.123Z")
        and text[4] == text[7] == "-"
        and text[10] == "T"
        and text[13] == text[16] == ":"
        and text[19] == "."
        and text[23] == "Z"
    )


def _read_pattern(value: object, pattern: str) -> Micros | datetime:
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str) or len(text) > MAX_TIME_CHARACTERS:
        raise _refused(f"a time like {pattern}")
    try:
        found = datetime.strptime(text, pattern)  # noqa: DTZ007 - its zone may be in another setting
        return found if found.tzinfo is None else _instant(found)
    except (ValueError, OverflowError):
        raise _refused(f"a time like {pattern}") from None


def _instant(moment: datetime) -> Micros:
    return (moment - _EPOCH) // _MICROSECOND


def _refused(expected: str) -> DecodeError:
    # What was found may be anything of anybody, so it is not said.
    return DecodeError(DecodeReason.BAD_TIME, f"expected {expected}, found another value")
