"""How figures stand on the wallboard: short, and never better than they are. Pure."""

from datetime import datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Final

from callmon.board import Row
from callmon.clock import SECOND, Micros
from callmon.console.text import clock_length
from callmon.measures import MEASURES, Reading, Unit
from callmon.wording import Language, format_value

__all__ = [
    "MINUTE",
    "clock_of",
    "clock_text",
    "figure_text",
    "has_calls",
    "limit_text",
    "offset_of",
    "ratio_text",
    "wait_text",
]

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_DAY: Final = 86_400
MINUTE: Final = 60
_HOUR: Final = 3_600


def wait_text(length: Micros) -> str:
    """Return a wait as a clock shows it: ``0:07``, ``3:12``, ``1:02:05``; cut to seconds."""
    return clock_length(length)


def ratio_text(value: Fraction) -> str:
    """Return a ratio in percent, at most five characters: ``80%``, ``82.6%``, ``0.04%``.

    Without a decimal it is exact. What lies beside is cut, never rounded: 79.96 % must not
    read like a limit of 80 % that it has not reached, nor a few of many like none.
    """
    percent = value * 100
    if percent.denominator == 1:
        return f"{percent.numerator}%"
    for decimals in (1, 2):
        shown = int(percent * 10**decimals)
        if shown:
            whole, rest = divmod(shown, 10**decimals)
            return f"{whole}.{rest:0{decimals}d}%"
    return "<.01%"


def figure_text(measure: str, reading: Reading) -> str:
    """Return a *reading* of *measure* as the board shows it."""
    unit = MEASURES[measure].unit
    value = Fraction(reading[0], reading[1])
    if unit is Unit.SECONDS:
        return wait_text(int(value))
    if unit is Unit.RATIO:
        return ratio_text(value)
    return str(int(value))


def limit_text(measure: str, limit: Fraction, language: Language) -> str:
    """Return a *limit* of *measure*: ``3 min``, ``20 %``, ``5``."""
    return format_value(MEASURES[measure].unit, limit, language)


def has_calls(row: Row, measure: str) -> bool | None:
    """Tell whether calls ended over the window, where *measure* says nothing.

    None: not known either. The base of a rate leaves out those who hung up at once: where
    all of them hung up, there may be none in it.
    """
    offered, abandoned = row.window.get("offered"), row.window.get("abandoned")
    answered = row.window.get("answered")
    if measure in _OF_ANSWERED and answered is not None:
        return answered[0] > 0
    if offered is None:
        return None
    return offered[0] > (0 if abandoned is None else abandoned[0])


_OF_ANSWERED: Final = frozenset(("average_wait", "average_talk", "estimated_wait"))


def clock_of(at: Micros, offset: int) -> str:
    """Return the time of day at *at*, *offset* seconds east of Greenwich: ``14:02:11``."""
    seconds = (at // SECOND + offset) % _DAY
    return f"{seconds // _HOUR:02d}:{seconds % _HOUR // MINUTE:02d}:{seconds % MINUTE:02d}"


def clock_text(at: Micros, zone: tzinfo) -> str:
    """Return the time of day at *at* in *zone*."""
    return clock_of(at, offset_of(at, zone))


def offset_of(at: Micros, zone: tzinfo) -> int:
    """Return how many seconds *zone* is east of Greenwich at *at*."""
    local = (_EPOCH + timedelta(seconds=at // SECOND)).astimezone(zone)
    return int((local.utcoffset() or timedelta()).total_seconds())
