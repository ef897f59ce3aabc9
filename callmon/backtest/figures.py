"""How the figures of a backtest stand in tables, sentences and pictures. Pure."""

from datetime import date, tzinfo
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from callmon.backtest.counts import known
from callmon.backtest.outcome import Backtest
from callmon.backtest.texts import TEXTS
from callmon.clock import Micros
from callmon.console.text import local
from callmon.measures import MEASURES
from callmon.rules import Direction, Limits, Subject, SubjectKind, Threshold
from callmon.trial.lengths import length_between
from callmon.wallboard.texts import MEASURE_NAMES
from callmon.wording import (
    NO_VALUE,
    WEEKDAYS,
    Language,
    format_duration,
    format_value,
    format_window,
)

__all__ = [
    "condition_text",
    "day_text",
    "events_text",
    "length_text",
    "limit_text",
    "measure_text",
    "moment_text",
    "rate_text",
    "share_text",
    "span_text",
    "subject_text",
    "value_text",
]

_TENTHS_BELOW: Final = 10


def value_text(measure: str, value: Fraction, language: Language) -> str:
    """Return a *value* of *measure*, or a limit of it."""
    return format_value(MEASURES[measure].unit, value, language)


def limit_text(measure: str, direction: Direction, limit: Fraction, language: Language) -> str:
    """Return ``above 3 min``."""
    return TEXTS[language][direction].format(limit=value_text(measure, limit, language))


def measure_text(threshold: Threshold, language: Language) -> str:
    """Return what is measured, and over which window."""
    name = MEASURE_NAMES[language][threshold.measure]
    if threshold.window is None:
        return name
    window = format_window(threshold.window, language)
    return TEXTS[language]["over"].format(measure=name, window=window)


def condition_text(threshold: Threshold, limits: Limits, language: Language) -> str:
    """Return ``longest wait above 3 min for 30 s``."""
    parts = [
        measure_text(threshold, language),
        limit_text(threshold.measure, limits.direction, limits.limit, language),
    ]
    if limits.hold:
        length = format_duration(limits.hold, language)
        parts.append(TEXTS[language]["for"].format(length=length))
    return " ".join(parts)


def subject_text(subject: Subject, language: Language) -> str:
    """Return the name of a queue; of a group, that it is one."""
    if subject.kind is SubjectKind.QUEUE:
        return subject.name
    return TEXTS[language]["group"].format(name=subject.name)


def length_text(length: Micros, language: Language) -> str:
    """Return how long something lasted, in its two largest units."""
    return format_duration(length, language)


def span_text(backtest: Backtest, language: Language) -> str:
    """Return the length of a history: ``28 days`` of the calendar, ``3 d 04 h``."""
    return length_between(*known(backtest), ZoneInfo(backtest.timezone), language)


def events_text(backtest: Backtest, language: Language) -> str:
    """Return how long a history is and how much happened, and how much of before was read."""
    texts = TEXTS[language]
    said = texts["event" if backtest.events == 1 else "events"].format(
        length=span_text(backtest, language), events=f"{backtest.events:,}"
    )
    return said + texts["lead"].format(lead=f"{backtest.lead:,}") if backtest.lead else said


def share_text(part: int, whole: int) -> str:
    """Return ``8 %``; of nothing there is no share.

    A few of many are not none, and most are not all.
    """
    if not whole:
        return NO_VALUE
    percent = round(Fraction(part * 100, whole))
    if part and not percent:
        return "<1 %"
    if part != whole and percent == 100:  # noqa: PLR2004  # all of them
        return ">99 %"
    return f"{percent} %"


def rate_text(rate: Fraction | None) -> str:
    """Return how many there are in a time: ``33``, ``2.4``; few are not none."""
    if rate is None:
        return NO_VALUE
    if rate.denominator == 1 or rate >= _TENTHS_BELOW:
        return str(round(rate))
    tenths = round(rate * 10)
    return f"{tenths // 10}.{tenths % 10}" if tenths else "<0.1"


def moment_text(at: Micros, zone: tzinfo, *, seconds: bool = False) -> str:
    """Return ``1999-02-09 10:12``, by the wall clock of *zone*."""
    return (
        f"{local(at, zone):%Y-%m-%d %H:%M:%S}"
        if seconds
        else f"{local(at, zone):%Y-%m-%d %H:%M}"
    )


def day_text(day: date, language: Language) -> str:
    """Return ``Tue 1999-02-09``."""
    weekday = WEEKDAYS[language][day.weekday()]
    return f"{day} {weekday}" if language is Language.CHINESE else f"{weekday} {day}"
