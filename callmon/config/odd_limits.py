"""Limits that are allowed and hardly meant: on the wrong side, too small, too large."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from callmon.clock import SECOND, Micros
from callmon.config.problems import asked
from callmon.config.said import Said
from callmon.config.texts import say
from callmon.config.values import limit
from callmon.measures import MEASURES, Measure, Unit
from callmon.rules import Direction

if TYPE_CHECKING:
    from callmon.config.nodes import Document, Loc
    from callmon.config.threshold_sections import (
        LimitsSection,
        ThresholdSection,
        ThresholdsFile,
    )

__all__ = ["GOOD_WHEN_HIGH", "GOOD_WHEN_LOW", "warn_of_limits"]

GOOD_WHEN_HIGH = frozenset({"answer_rate", "service_level", "service_level_now"})
GOOD_WHEN_LOW = frozenset(
    {
        *("waiting", "longest_wait", "waiting_over_target", "unserved"),
        *("abandoned", "timeout", "empty", "failed", "lost"),
        *("abandonment_rate", "overflow_rate"),
        *("average_wait", "p50_wait", "p90_wait", "p95_wait", "max_wait", "estimated_wait"),
    }
)
"""Of the others both sides can be bad: no calls at all are a dead line."""

_DAY: Micros = 86_400 * SECOND
_COUNTED = frozenset(
    {
        *("arrived", "offered", "answered", "abandoned", "timeout", "key_exit", "empty"),
        *("failed", "redirected", "withdrawn", "lost"),
    }
)
"""Measures that are the base of themselves."""
_LESS_THAN_ONE = re.compile(r"0?\.(\d)\d*\s*%")
_WIDE_QUOTES = "\u201c\u201d"


def warn_of_limits(document: "Document", file: "ThresholdsFile") -> None:
    """Warn of limits that fire while all is well, at once, or never."""
    for position, section in enumerate(file.thresholds):
        loc: Loc = ("thresholds", position)
        _check_quotes(document, loc, section)
        measure = MEASURES.get(section.measure or "")
        if measure is None:
            continue
        _check(document, loc, section, measure)
        for number, override in enumerate(section.overrides):
            _check(document, (*loc, "overrides", number), override, measure)
        _check_base(document, loc, section, measure)


def _check_quotes(document: "Document", loc: "Loc", section: "ThresholdSection") -> None:
    for key in ("name", "summary", "summary_zh"):
        text = getattr(section, key)
        if text and text[0] in _WIDE_QUOTES and text[-1] in _WIDE_QUOTES:
            document.warn((*loc, key), say("wide_quotes"))


def _check(
    document: "Document", loc: "Loc", section: "LimitsSection", measure: Measure
) -> None:
    for direction, bound, text in _bounds(measure, section):
        if not document.wrong(*loc, direction.value):
            for message in _odd(measure, direction, bound, text):
                document.warn((*loc, direction.value), message)


def _bounds(
    measure: Measure, section: "LimitsSection"
) -> Iterator[tuple[Direction, Fraction, str]]:
    for direction, text in (
        (Direction.ABOVE, section.above),
        (Direction.BELOW, section.below),
    ):
        if text is None:
            continue
        try:
            yield direction, limit(measure.unit, text), text
        except ValueError:
            continue  # it was reported


def _odd(measure: Measure, direction: Direction, bound: Fraction, text: str) -> Iterator[Said]:
    below = direction is Direction.BELOW
    if measure.name in (GOOD_WHEN_LOW if below else GOOD_WHEN_HIGH):
        other = Direction.ABOVE if below else Direction.BELOW
        hint = asked(f"{other}: {text}")
        yield say("good_news", measure=measure.name, direction=direction, limit=text, hint=hint)
    elif _at_once(measure, direction, bound):
        yield say("at_once")
    small = _LESS_THAN_ONE.fullmatch(text) if measure.unit is Unit.RATIO else None
    if small is not None and small[1] != "0":
        yield say("small_share", limit=text, hint=asked(f"{small[1]}0%"))
    if measure.unit is Unit.SECONDS:
        yield from _odd_length(measure, bound, text)


def _at_once(measure: Measure, direction: Direction, bound: Fraction) -> bool:
    if direction is Direction.BELOW:
        return measure.name in GOOD_WHEN_HIGH and bound == 1
    return bound == 0 and measure.unit in {Unit.RATIO, Unit.SECONDS}


def _odd_length(measure: Measure, bound: Fraction, text: str) -> Iterator[Said]:
    if 0 < bound < SECOND:
        hint = asked(text[:-1]) if text.endswith("ms") else ""
        yield say("small_length", limit=text, hint=hint)
    elif bound >= _DAY:
        hint = asked(f"{text[:-1]}m") if text.endswith("h") else ""
        yield say("long_length", measure=measure.name, limit=text, hint=hint)


def _check_base(
    document: "Document", loc: "Loc", section: "LimitsSection", measure: Measure
) -> None:
    """See that ``at_least`` leaves room below the limit of what is counted."""
    least = section.at_least or 0
    for direction, bound, _ in _bounds(measure, section):
        if measure.name in _COUNTED and direction is Direction.BELOW and least >= bound > 0:
            message = say("never_fewer", at_least=least, limit=int(bound))
            document.warn((*loc, "at_least"), message)
