"""How times, values and alerts are told: in the words in which sentences are written. Pure."""

import datetime as dt
import re
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from callmon.alerts import Alert, Transition
from callmon.clock import SECOND, Micros
from callmon.config.values import format_duration, format_limit
from callmon.console.text import local
from callmon.measures import MEASURES, Reading, Unit
from callmon.rules import Subject, SubjectKind
from callmon.scenario.texts import TEXTS
from callmon.wording import Language

__all__ = ["Teller", "alert_name", "granularity", "value_text"]

_LAST_UNIT: Final = re.compile(r"(?:\.(\d+))?(ms|[dhms])$")
_LENGTHS: Final = {
    "d": 86_400 * SECOND,
    "h": 3_600 * SECOND,
    "m": 60 * SECOND,
    "s": SECOND,
    "ms": SECOND // 1_000,
}
_WORDS: Final = re.compile(r"[^\s(),（），、\"']+")  # noqa: RUF001 - Chinese keyboards


class Teller:
    """Tells of one scenario, by its day and zone."""

    def __init__(self, day: dt.date, zone: ZoneInfo) -> None:
        self._day = day
        self._zone = zone

    def time(self, at: Micros) -> str:
        """Return the time of *at*; with its date when that is not the scenario's."""
        wall = local(at, self._zone)
        text = f"{wall:%H:%M:%S}"
        if wall.microsecond:
            text += f".{wall.microsecond:06d}".rstrip("0")
        return text if wall.date() == self._day else f"{wall:%Y-%m-%d} {text}"

    def sentence(self, turn: Transition) -> str:
        """Return what came about as a sentence that would expect it."""
        wall = local(turn.at, self._zone)
        on = "" if wall.date() == self._day else f"on {wall:%Y-%m-%d} "
        time = self.time(turn.at).rpartition(" ")[2]
        return f"{on}at {time} {turned(turn)}"


def turned(turn: Transition) -> str:
    """Return what became of an alert: ``long_wait(support) fires warning``."""
    alert = turn.alert
    name = alert_name(alert)
    if turn.kind == "fired":
        return f"{name} fires {alert.severity}"
    if turn.kind == "escalated":
        return f"{name} escalates to {alert.severity}"
    return f"{name} ends {alert.ended}"


def alert_name(alert: Alert) -> str:
    """Return an alert's name as sentences have it."""
    return f"{quoted(alert.threshold)}({subject_text(alert.subject)})"


def subject_text(subject: Subject) -> str:
    """Return a queue or group as sentences have it."""
    kind = "group " if subject.kind is SubjectKind.GROUP else ""
    return f"{kind}{quoted(subject.name)}"


def quoted(name: str) -> str:
    """Return *name* in quotes where a sentence needs them."""
    if _WORDS.fullmatch(name):
        return name
    mark = "'" if '"' in name else '"'
    return f"{mark}{name}{mark}"


def value_text(
    measure: str,
    value: Fraction,
    reading: Reading | None = None,
    language: Language = Language.ENGLISH,
) -> str:
    """Return *value* of *measure* as the files write it, and of how many contacts it is."""
    unit, texts = MEASURES[measure].unit, TEXTS[language]
    scaled = value * 100 if unit is Unit.RATIO else value
    exact = True
    if unit is Unit.SECONDS:
        exact = value.denominator == 1
        text = format_duration(int(value) if exact else _cut(value))
    elif scaled.denominator == 1:
        text = format_limit(unit, value)
    else:
        mark = "%" if unit is Unit.RATIO else ""
        exact = (scaled * 1_000).denominator == 1
        text = f"{float(scaled):.10g}{mark}" if exact else f"{float(scaled):.1f}{mark}"
    if not exact:
        text = texts["about"].format(value=text)
    if reading is not None and unit is Unit.RATIO:
        text = texts["of"].format(value=text, part=reading[0], whole=reading[1])
    return text


def granularity(measure: str, text: str) -> Fraction:
    """Return how fine *text* is written: 1 % of ``33%``, a second of ``45s``; 0 of counts."""
    unit = MEASURES[measure].unit
    if unit is Unit.RATIO:
        digits = text.rstrip("% ").partition(".")[2]
        return Fraction(1, 10 ** len(digits) * (100 if "%" in text else 1))
    last = _LAST_UNIT.search(text)
    if unit is not Unit.SECONDS or last is None:
        return Fraction(0)
    return Fraction(_LENGTHS[last[2]], 10 ** len(last[1] or ""))


def _cut(length: Fraction) -> Micros:
    """Return *length* in whole milliseconds: nobody reads more."""
    return int(length) // 1_000 * 1_000
