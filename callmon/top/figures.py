"""How figures of a board read in a terminal. What is not known is never 0."""

import functools
from datetime import datetime
from fractions import Fraction

from callmon.board import Level
from callmon.board_view import BoardRow
from callmon.clock import SECOND, Micros
from callmon.console.text import clock_length
from callmon.measures import MEASURES, Unit
from callmon.top.texts import TEXTS
from callmon.wallboard.figures import ratio_text
from callmon.wording import Language, format_value

__all__ = [
    "figure",
    "longest_wait",
    "marked",
    "micros",
    "parsed",
    "share",
    "value_text",
    "waited",
]

_EXACT = 10**9
"""A ratio of counts comes back from its decimal form: 0.2 is a fifth."""

_OF_ANSWERED = frozenset(("average_wait", "average_talk", "estimated_wait"))


def micros(seconds: float) -> Micros:
    """Return *seconds* as callmon counts."""
    return round(seconds * SECOND)


def parsed(instant: str) -> Micros:
    """Return an instant of the board in microseconds since the epoch.

    Raises:
        ValueError: it is none, or of no zone.
    """
    moment = datetime.fromisoformat(instant)
    return int(moment.timestamp()) * SECOND + moment.microsecond


def longest_wait(row: BoardRow, elapsed: Micros) -> Micros | None:
    """Return how long the longest waiting has waited, *elapsed* after the board was made.

    What was last seen of a queue that nobody sees now does not grow.
    """
    known = row.live.longest_wait
    if known is None:
        return None
    grows = row.oldest_at is not None and row.as_of is None
    return micros(known) + (elapsed if grows else 0)


def figure(row: BoardRow, name: str, value: float | None, language: Language) -> str:
    """Return *value* of the measure *name* as people write it, or why there is none."""
    if value is None:
        return _unknown(row, name, language)
    return value_text(name, value, language)


@functools.lru_cache(maxsize=4096)  # two hundred queues; most figures are those of a moment ago
def value_text(name: str, value: float, language: Language) -> str:
    """Return *value* of the measure *name*: ``3:12``, ``21.4%``, ``7``."""
    measure = MEASURES.get(name)
    if measure is None:  # of a newer callmon
        return f"{value:g}"
    if measure.unit is Unit.RATIO:
        return ratio_text(_fraction(value))
    if measure.unit is Unit.SECONDS:
        return clock_length(micros(value))
    return format_value(measure.unit, _fraction(value), language)


def limit_figure(name: str, value: float, language: Language) -> str:
    """Return a limit of the measure *name*: ``3 min``, ``20 %``, ``5``."""
    measure = MEASURES.get(name)
    if measure is None:
        return f"{value:g}"
    exact = Fraction(micros(value)) if measure.unit is Unit.SECONDS else _fraction(value)
    return format_value(measure.unit, exact, language)


def share(part: int | None, whole: int | None, language: Language) -> str:
    """Return ``3/7``."""
    if part is None or whole is None:
        return TEXTS[language]["no_data"]
    return f"{part}/{whole}"


def marked(row: BoardRow, measure: str, window: str | None) -> Level:
    """Return how a figure stands: calm where no limit of just that figure is passed."""
    for standing in row.standings:
        if standing.measure == measure and standing.window == window:
            return standing.level
    return Level.CALM


def waited(row: BoardRow, elapsed: Micros, language: Language) -> str:
    """Return the longest wait as a clock shows it."""
    length = longest_wait(row, elapsed)
    return _unknown(row, "longest_wait", language) if length is None else clock_length(length)


def _fraction(value: float) -> Fraction:
    return Fraction(value).limit_denominator(_EXACT)


def _unknown(row: BoardRow, name: str, language: Language) -> str:
    """Return *no calls* for what no contact is the base of, else *no data*."""
    none = MEASURES[name].windowed and _has_calls(row, name) is False
    return TEXTS[language]["no_calls" if none else "no_data"]


def _has_calls(row: BoardRow, name: str) -> bool | None:
    """Tell whether contacts ended over the window; None: not known.

    As ``callmon.wallboard.figures.has_calls``, of the board as it came over the wire.
    """
    figures = row.window
    if name in _OF_ANSWERED and figures.answered is not None:
        return figures.answered > 0
    return None if figures.offered is None else figures.offered > (figures.abandoned or 0)
