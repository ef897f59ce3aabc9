"""Opening hours as people say them: Mon–Fri 09:00–12:00 and 13:00–18:00."""  # noqa: RUF002 - as people write it

# ruff: noqa: RUF001 - Chinese punctuation, and the dash between two hours

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from callmon.calendars import Calendar, Hours
from callmon.clock import SECOND, Micros
from callmon.sense.phrases import WORDS
from callmon.wording import WEEKDAYS, Language

__all__ = ["hours_text"]

MAX_DATES = 4
"""More dates of their own are counted."""
WEEK = range(7)


def hours_text(calendar: Calendar, language: Language, now: Micros) -> str:
    """Return when *calendar* is open, without dates that are over at *now*."""
    spec = calendar.spec
    today = datetime.fromtimestamp(now / SECOND, UTC).astimezone(ZoneInfo(spec.timezone)).date()
    parts = [*_dates([pair for pair in spec.dates if pair[1] >= today], language)]
    if spec.weekly:
        parts += _weekly([spec.weekly.get(day, ()) for day in WEEK], language)
    elif not spec.dates:
        parts.append(
            f"{WORDS['every_day'][language]}{_gap(language)}{WORDS['all_day'][language]}"
        )
    if spec.holidays:
        closed = WORDS["holidays"][language].format(country=spec.holidays)
        made_up = WORDS["make_up"][language] if spec.holidays == "CN" else ""
        parts.append(f"{closed}{made_up}")
    special = sorted(day for day in spec.special if day >= today)
    if special:
        shown = [day.isoformat() for day in special[:MAX_DATES]]
        more = " …" if len(special) > MAX_DATES else ""
        dates = WORDS["between"][language].join(shown) + more
        parts.append(WORDS["special"][language].format(dates=dates))
    separator = "，" if language is Language.CHINESE else ", "
    return separator.join(parts) or WORDS["never"][language]


def _gap(language: Language) -> str:
    return "" if language is Language.CHINESE else " "


def _dates(pairs: Sequence[tuple[date, date]], language: Language) -> Iterator[str]:
    for first, last in pairs:
        if first == last:
            yield first.isoformat()
        else:
            yield WORDS["dates"][language].format(first=first, last=last)


def _weekly(week: Sequence[Hours], language: Language) -> Iterator[str]:
    """Yield neighbouring days with the same hours together."""
    for hours, group in groupby(WEEK, key=lambda day: week[day]):
        days = list(group)
        if hours:
            yield f"{_days(days, language)} {_spans(hours, language)}"


def _days(days: Sequence[int], language: Language) -> str:
    if len(days) == len(WEEK):
        return WORDS["every_day"][language]
    names = WEEKDAYS[language]
    if len(days) == 1:
        return names[days[0]]
    return f"{names[days[0]]}{WORDS['through'][language]}{names[days[-1]]}"


def _spans(hours: Hours, language: Language) -> str:
    if hours == ((0, 24 * 60),):
        return WORDS["all_day"][language]
    spans = [f"{_clock(start)}–{_clock(end)}" for start, end in hours]
    return WORDS["and"][language].join(spans)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
