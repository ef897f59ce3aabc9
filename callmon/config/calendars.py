"""From the ``calendars`` section of thresholds.yml to calendars."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from callmon.calendars import DAY_MINUTES, Calendar, CalendarSpec, Hours, holiday_regions
from callmon.config.meant import country_meant, dates_meant, days_meant, hours_meant
from callmon.config.problems import did_you_mean, with_found

if TYPE_CHECKING:
    from callmon.config.nodes import Loc
    from callmon.config.reading import Builder
    from callmon.config.threshold_sections import CalendarSection, ThresholdsFile

__all__ = ["build_calendars", "calendar_called"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{1,2}):([0-5]\d)\s*-\s*(\d{1,2}):([0-5]\d)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MAX_RANGE_DAYS = 3_660
"""Ten years: a longer range is a mistyped year."""


def build_calendars(
    builder: "Builder", file: "ThresholdsFile", timezone: str
) -> Mapping[str, Calendar]:
    """Return the calendars that are right, and report the others.

    Args:
        builder: the document and its checks.
        file: the sections of thresholds.yml.
        timezone: of calendars that name none.
    """
    built = {}
    for name, section in file.calendars.items():
        loc: Loc = ("calendars", name)
        if builder.good_name(loc, name):
            spec = _Reader(builder, loc, section).spec(name, section.timezone or timezone)
            if not builder.document.wrong(*loc):
                built[name] = Calendar(spec)
    return built


def calendar_called(
    builder: "Builder",
    file: "ThresholdsFile",
    calendars: Mapping[str, Calendar],
    place: "tuple[Loc, str]",
) -> Calendar | None:
    """Return the calendar that the name at a place means; report a name that means none.

    Args:
        builder: the document and its checks.
        file: the sections of thresholds.yml.
        calendars: those of the file that are right.
        place: where the name stands, and the name.
    """
    loc, name = place
    if name not in file.calendars and not builder.document.has("calendars", name):
        if hours_meant(name) is not None:
            message = "expected the name of a calendar; hours stand below calendars:"
            builder.document.report(loc, f"{message}, found '{name}'")
        else:
            builder.known(loc, name, file.calendars, "calendar")
    return calendars.get(name)


class _Reader:
    """Reads one calendar."""

    def __init__(self, builder: "Builder", loc: "Loc", section: "CalendarSection") -> None:
        self._builder = builder
        self._loc = loc
        self._section = section

    def spec(self, name: str, timezone: str) -> CalendarSpec:
        """Return what the section comes to, without what was reported."""
        section = self._section
        given = (section.weekly, section.dates, section.special, section.holidays)
        if not any(given) and not self._builder.document.wrong(*self._loc):
            self._report((), "expected weekly, dates, special or holidays, found none of them")
        return CalendarSpec(
            name=name,
            timezone=timezone,
            weekly=self._weekly(),
            holidays=self._country(),
            add_holidays=frozenset(self._days("add_holidays", section.add_holidays)),
            remove_holidays=frozenset(self._days("remove_holidays", section.remove_holidays)),
            dates=tuple(self._ranges("dates", section.dates)),
            special=self._special(),
        )

    def _report(self, loc: "Loc", message: str, *, key: bool = False) -> None:
        self._builder.document.report((*self._loc, *loc), message, key=key)

    def _weekly(self) -> dict[int, Hours]:
        weekly: dict[int, Hours] = {}
        for text, texts in self._section.weekly.items():
            place: Loc = ("weekly", text)
            hours = self._hours(place, texts)
            for day in self._weekdays(place, text):
                if day in weekly:
                    self._report(place, f"the hours of {_DAYS[day]} are given twice", key=True)
                weekly[day] = hours
        return weekly

    def _weekdays(self, place: "Loc", text: str) -> Iterator[int]:
        for part in text.lower().replace(" ", "").split(","):
            first, dash, last = part.partition("-")
            last = last if dash else first
            if first not in _DAYS or last not in _DAYS:
                wrong = last if first in _DAYS else first
                meant = days_meant(text)
                hint = did_you_mean(wrong, _DAYS) if meant is None else _asked(meant)
                message = f"expected days like mon, mon-fri or sat,sun, found '{text}'{hint}"
                self._report(place, message, key=True)
                return
            begin = _DAYS.index(first)
            for step in range((_DAYS.index(last) - begin) % 7 + 1):
                yield (begin + step) % 7

    def _hours(self, place: "Loc", texts: Iterable[str]) -> Hours:
        hours = []
        for text in texts:
            match = _HOURS.fullmatch(text.strip())
            start, end = (
                (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4]))
                if match
                else (-1, -1)
            )
            if not 0 <= start < DAY_MINUTES or not 0 <= end <= DAY_MINUTES:
                self._report(place, _no_hours(text))
            elif start == end:
                message = f"hours that end when they start: write 00:00-24:00, found '{text}'"
                self._report(place, message)
            else:
                hours.append((start, end))
        hours.sort()
        for (_, end), (start, _) in pairwise(hours):
            if start < end:
                self._report(
                    place, f"these hours overlap: {_time(start)} is before {_time(end)}"
                )
        return tuple(hours)

    def _country(self) -> str | None:
        given = self._section.holidays
        if given is None:
            return None
        country, _, region = given.partition("-")
        regions = holiday_regions()
        if country not in regions:
            meant = country_meant(given)
            hint = did_you_mean(country, regions) if meant is None else _asked(meant)
            message = f"expected a country like CN, TW, DE or DE-BY, found '{given}'{hint}"
            self._report(("holidays",), message)
        elif region and region not in regions[country]:
            known = ", ".join(regions[country]) or "none"
            message = f"unknown region '{region}' of {country}; there are {known}"
            self._report(("holidays",), message)
        return given

    def _ranges(self, key: str, texts: Iterable[str]) -> Iterator[tuple[date, date]]:
        for position, text in enumerate(texts):
            dates = self._range((key, position), text)
            if dates is not None:
                yield dates

    def _days(self, key: str, texts: Iterable[str]) -> Iterator[date]:
        for first, last in self._ranges(key, texts):
            yield from _each(first, last)

    def _special(self) -> dict[date, Hours]:
        special: dict[date, Hours] = {}
        for text, texts in self._section.special.items():
            place: Loc = ("special", text)
            hours = self._hours(place, texts)
            dates = self._range(place, text, key=True)
            for day in _each(*dates) if dates is not None else ():
                if day in special:
                    self._report(place, f"the hours of {day} are given twice", key=True)
                    break
                special[day] = hours
        return special

    def _range(self, place: "Loc", text: str, *, key: bool = False) -> tuple[date, date] | None:
        first, _, last = text.partition("..")
        try:
            dates = _date(first), _date(last or first)
        except ValueError:
            meant = dates_meant(text)
            hint = "" if meant is None else _asked(meant)
            expected = "expected a date like 2026-11-10 or 2026-11-10..2026-11-12"
            self._report(place, f"{expected}, found '{text}'{hint}", key=key)
            return None
        if not 0 <= (dates[1] - dates[0]).days <= _MAX_RANGE_DAYS:
            message = f"expected the earlier date first, at most ten years, found '{text}'"
            self._report(place, message, key=key)
            return None
        return dates


def _no_hours(text: str) -> str:
    """Return what is wrong with *text*, and what was meant."""
    if re.fullmatch(r"\s*\d{1,2}:\d{2}\s*", text):
        return f"expected from when to when, like \"09:00-18:00\", found '{text}' alone"
    several = [hours_meant(part) for part in re.split(r"[,;\u3001\uff0c]", text)]
    if len(several) > 1 and None not in several:
        listed = ", ".join(f'"{hours}"' for hours in several)
        return f"expected each in quotes of its own, in brackets: [{listed}], found '{text}'"
    meant = several[0] if len(several) == 1 else None
    expected = 'expected hours like "09:00-18:00" up to 24:00'
    return with_found(expected + (_asked(meant) if meant else ""), f"'{text}'")


def _asked(meant: str) -> str:
    return f"; did you mean '{meant}'?"


def _time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _date(text: str) -> date:
    if not _DATE.fullmatch(text.strip()):
        raise ValueError(text)
    return date.fromisoformat(text.strip())


def _each(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
