"""Opening hours, public holidays and special dates, as exact instants.

A day has a list of hours; hours that end at or before they start run into the next day
and belong to the day they begin on. Hours are what a clock on the wall shows: a time that
the clocks skip in spring has come as soon as they skip it, so that hours from 02:30 on begin
at 03:00 then; one that they repeat in autumn is the first of the two.

Public holidays come from the ``holidays`` package. In mainland China (and a few other
countries) some days off are paid for with a working weekend day: that day has the hours
of the weekday it replaces.
"""

import bisect
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from callmon.clock import Micros
from callmon.errors import ConfigError

if TYPE_CHECKING:
    from holidays import HolidayBase

__all__ = [
    "DATE_LENGTH",
    "DAY_MINUTES",
    "Calendar",
    "CalendarSpec",
    "Hours",
    "holiday_regions",
    "instant_named",
    "local_instant",
    "see_that_it_comes",
]

DATE_LENGTH = len("2026-11-22")
"""A text in ISO 8601 that is no longer names a day alone."""

DAY_MINUTES = 24 * 60

Hours = tuple[tuple[int, int], ...]
"""(start, end) in minutes since midnight; end 1440 is midnight, end <= start is tomorrow."""

_ALL_DAY: Hours = ((0, DAY_MINUTES),)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_EVER: Micros = 1 << 62

_SEARCH_DAYS = 400
"""How far a change is looked for day by day: what repeats at all, repeats within a year."""

_AFTER_DATE_DAYS = 40
"""How far it is looked for after a listed date beyond that: weekends and long holidays."""

_KNOWN_DAYS = 1024
"""Days kept worked out; one search needs about 400."""

_EXCHANGE_FIELDS = 4

_MAKE_UP_ENDED = frozenset({"TW", "TWN"})
"""Countries that had make-up days up to lately and have none any more: Taiwan's 2025 had
the last one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSpec:
    """What an administrator wrote about one calendar.

    A day is judged in this order: its entry in ``special``; outside ``dates`` (when there
    are any) closed; a holiday closed; else the hours of its weekday, which without
    ``weekly`` are the whole day.
    """

    name: str
    timezone: str  #: IANA name
    weekly: Mapping[int, Hours] = dataclasses.field(default_factory=dict)  #: Monday is 0
    holidays: str | None = None  #: country, or country and subdivision: ``DE-BY``
    add_holidays: frozenset[date] = frozenset()  #: closed like a public holiday
    remove_holidays: frozenset[date] = frozenset()  #: not closed though a public holiday
    dates: tuple[tuple[date, date], ...] = ()  #: only from the first to the last of each
    special: Mapping[date, Hours] = dataclasses.field(default_factory=dict)


class Calendar:
    """Open or closed at any instant.

    The stretch of open or closed time that was asked about last is remembered, so that
    asking again about an instant inside it costs a comparison.

    Raises:
        ConfigError: the time zone or the country is unknown.
    """

    __slots__ = (
        "_begin",
        "_end",
        "_holidays",
        "_listed",
        "_make_up",
        "_open",
        "_spans",
        "_zone",
        "name",
        "spec",
    )

    def __init__(self, spec: CalendarSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self._zone = _zone(spec)
        self._holidays = _public_holidays(spec)
        self._make_up = _make_up_days(self._holidays)
        self._listed = sorted(
            {day for pair in spec.dates for day in pair}
            | spec.special.keys()
            | spec.add_holidays
            | spec.remove_holidays
        )
        self._spans: dict[date, list[tuple[Micros, Micros]]] = {}
        self._begin: Micros = 0
        self._end: Micros = 0  # an empty stretch: nothing is remembered yet
        self._open = False

    def __eq__(self, other: object) -> bool:
        return self.spec == other.spec if isinstance(other, Calendar) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Calendar({self.name!r})"

    def is_open(self, now: Micros) -> bool:
        """Tell whether *now* lies inside."""
        if not self._begin <= now < self._end:
            self._find_stretch(now)
        return self._open

    def opened_at(self, now: Micros) -> Micros | None:
        """Return when the stretch that holds *now* began; None when closed.

        0, the epoch, when no beginning is found in the year before.
        """
        if not self.is_open(now):
            return None
        return 0 if self._begin == -_EVER else self._begin

    def next_change(self, now: Micros) -> Micros | None:
        """Return the first instant after *now* at which it opens or closes; None: never."""
        if not self._begin <= now < self._end:
            self._find_stretch(now)
        return None if self._end == _EVER else self._end

    def has_year_data(self, year: int) -> bool:
        """Tell whether the holidays of *year* are known as well as they will be.

        Where make-up days are decreed anew each year (China: in November), the data of a
        year without any, soon after years with some, are not complete yet.
        """
        country = (self.spec.holidays or "").partition("-")[0].upper()
        if country in _MAKE_UP_ENDED:
            return True
        years = {day.year for day in self._make_up}
        return year in years or not years & {year - 1, year - 2}

    def _find_stretch(self, now: Micros) -> None:
        is_open = self._covers(now)
        begin, end = -_EVER, _EVER
        for change in self._changes(now, 1):
            if change > now and self._covers(change) != is_open:
                end = change
                break
        for change in self._changes(now, -1):
            if change <= now and self._covers(change - 1) != is_open:
                begin = change
                break
        self._begin, self._end, self._open = begin, end, is_open

    def _covers(self, at: Micros) -> bool:
        today = self._date(at)
        # Yesterday's hours may run into today; tomorrow's begin today when the clocks go
        # back over midnight.
        return any(
            start <= at < end
            for day in (today, today - _DAY, today + _DAY)
            for start, end in self._day_spans(day)
        )

    def _changes(self, at: Micros, step: int) -> Iterator[Micros]:
        """Yield where hours start or end, in order of time from *at* on or, -1, back.

        Hours of neighbouring days overlap, so an instant is held until no day to come
        can have one before it.
        """
        held: set[Micros] = set()
        for day in self._days(self._date(at), step):
            held.update(*self._day_spans(day))
            if not held:
                continue
            if step > 0:
                horizon = self._instant(day, 0)
                ready = sorted(instant for instant in held if instant < horizon)
            else:
                horizon = self._instant(day, 2 * DAY_MINUTES)
                ready = sorted((instant for instant in held if instant > horizon), reverse=True)
            yield from ready
            held.difference_update(ready)

    def _days(self, today: date, step: int) -> Iterator[date]:
        """Yield days from beside *today* on, then those around listed dates far away."""
        day = today - step * _DAY
        for _ in range(_SEARCH_DAYS):
            yield day
            day += step * _DAY
        # The hours of the last three days may have been held back: they come once more.
        while (listed := self._next_listed(day - 3 * step * _DAY, step)) is not None:
            day = listed - step * _DAY
            for _ in range(_AFTER_DATE_DAYS):
                yield day
                day += step * _DAY

    def _next_listed(self, day: date, step: int) -> date | None:
        if step > 0:
            index = bisect.bisect_left(self._listed, day)
            return self._listed[index] if index < len(self._listed) else None
        index = bisect.bisect_right(self._listed, day)
        return self._listed[index - 1] if index else None

    def _day_spans(self, day: date) -> list[tuple[Micros, Micros]]:
        spans = self._spans.get(day)
        if spans is None:
            if len(self._spans) >= _KNOWN_DAYS:
                self._spans.clear()
            spans = [self._span(day, start, end) for start, end in self._hours(day)]
            self._spans[day] = spans
        return spans

    def _hours(self, day: date) -> Hours:
        spec = self.spec
        if day in spec.special:
            return spec.special[day]
        if spec.dates and not any(first <= day <= last for first, last in spec.dates):
            return ()
        if day in spec.add_holidays:
            return ()
        if (
            self._holidays is not None
            and day in self._holidays
            and day not in spec.remove_holidays
        ):
            return ()
        if not spec.weekly:
            return _ALL_DAY
        return spec.weekly.get(self._make_up.get(day, day.weekday()), ())

    def _span(self, day: date, start: int, end: int) -> tuple[Micros, Micros]:
        if end <= start:
            end += DAY_MINUTES
        return self._instant(day, start), self._instant(day, end)

    def _instant(self, day: date, minutes: int) -> Micros:
        wall = datetime.combine(day, time(), self._zone) + timedelta(minutes=minutes)
        return local_instant(wall)

    def _date(self, at: Micros) -> date:
        return _local(at, self._zone).date()


def local_instant(wall: datetime) -> Micros:
    """Return the first instant at which a clock in the zone of *wall* shows it, or more."""
    after, before = _by_either_offset(wall)
    if before >= after:  # it comes, perhaps twice
        return after
    # The offset of before the skip places it after that, the other before: between is it.
    offset = _local(before, wall.tzinfo).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if _local(middle, wall.tzinfo).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def see_that_it_comes(wall: datetime) -> None:
    """See that a clock in the zone of *wall* ever shows it.

    Raises:
        ValueError: the clocks skip it.
    """
    after, before = _by_either_offset(wall)
    if before >= after:
        return
    change = local_instant(wall)
    end = _local(change, wall.tzinfo)
    begin = end - timedelta(microseconds=after - before)
    raise ValueError(
        f"there is no {wall:%H:%M} on {wall:%Y-%m-%d} in {wall.tzinfo}: clocks go from"
        f" {begin:%H:%M} to {end:%H:%M}"
    )


def instant_named(wall: datetime, *, day_alone: bool = False) -> Micros:
    """Return the instant that somebody means by *wall*, in its zone.

    With *day_alone* it is the beginning of a day, which every day has.

    Raises:
        ValueError: the clocks skip it.
    """
    if not day_alone:
        see_that_it_comes(wall)
    return local_instant(wall)


def _by_either_offset(wall: datetime) -> tuple[Micros, Micros]:
    """Return when it is *wall* by the offset before a change of clocks, and by the other."""
    first, second = ((wall.replace(fold=fold) - _EPOCH) // _MICROSECOND for fold in (0, 1))
    return first, second


def _local(at: Micros, zone: tzinfo | None) -> datetime:
    return (_EPOCH + timedelta(microseconds=at)).astimezone(zone)


def holiday_regions() -> Mapping[str, Sequence[str]]:
    """Return the countries that ``holidays`` may name, each with its subdivisions."""
    from holidays import list_supported_countries  # noqa: PLC0415 (see _public_holidays)

    return list_supported_countries()


def _zone(spec: CalendarSpec) -> ZoneInfo:
    try:
        return ZoneInfo(spec.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = (
            f"calendars.{spec.name}.timezone: expected an IANA name like Asia/Shanghai,"
            f" got {spec.timezone!r}"
        )
        raise ConfigError([message]) from error


def _public_holidays(spec: CalendarSpec) -> "HolidayBase | None":
    if spec.holidays is None:
        return None
    # A quarter of a second to import: only calendars that need it pay.
    from holidays import country_holidays  # noqa: PLC0415  # slow to import

    country, _, subdivision = spec.holidays.partition("-")
    try:
        return country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError as error:
        message = (
            f"calendars.{spec.name}.holidays: expected a country like CN or DE, or with a"
            f" subdivision like DE-BY, got {spec.holidays!r}"
        )
        raise ConfigError([message]) from error


def _make_up_days(days_off: "HolidayBase | None") -> dict[date, int]:
    """Return each working weekend day with the weekday (Monday is 0) that it replaces.

    The package keeps exchanges as (month, day, own_month, own_day[, own_year]) by the year
    of the day off. A shorter entry is a plain holiday; a single entry stands without a
    tuple around it.
    """
    if days_off is None:
        return {}
    made_up = {}
    for year, entries in getattr(days_off, "special_public_holidays", {}).items():
        for entry in entries if isinstance(entries[0], tuple) else (entries,):
            if len(entry) < _EXCHANGE_FIELDS:
                continue
            month, day, own_month, own_day, *own_year = entry
            own = date(own_year[0] if own_year else year, own_month, own_day)
            if own.weekday() in days_off.weekend:
                made_up[own] = date(year, month, day).weekday()
    return made_up
