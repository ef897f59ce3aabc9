"""Limits: what they are written in, and on which side of each other they make sense."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from callmon.config.meant import duration_meant, narrow, share_meant
from callmon.config.values import format_limit, limit
from callmon.measures import Measure, Unit
from callmon.rules import Direction

if TYPE_CHECKING:
    from callmon.config.nodes import Document, Loc
    from callmon.config.reading import Builder

__all__ = ["check_clear", "check_reachable", "read_limit"]

_EDGES: Mapping[Unit, Fraction | None] = {
    Unit.RATIO: Fraction(1),
    Unit.SECONDS: None,
    Unit.CONTACTS: None,
    Unit.AGENTS: None,
}


def read_limit(builder: "Builder", loc: "Loc", measure: Measure, text: str) -> Fraction | None:
    """Return the limit in *text* in the measure's inner unit; report what is none."""

    def read(written: str) -> Fraction:
        try:
            return limit(measure.unit, written)
        except ValueError as error:
            raise ValueError(f"{_another_kind(measure, written)}{error}") from None

    return builder.read(loc, read, text)


def _another_kind(measure: Measure, text: str) -> str:
    """Return what *measure* is, where *text* is a value of another kind."""
    shape = None
    if share_meant(text) is not None and "%" in narrow(text):
        shape = Unit.RATIO
    elif duration_meant(text) is not None:
        shape = Unit.SECONDS
    elif re.fullmatch(r"\d+\s*[a-z]+s", text):
        shape = Unit.CONTACTS  # 5 calls
    if shape is None or shape is measure.unit or (shape, measure.unit) == _PEOPLE:
        return ""
    return f"{measure.name} is {_KINDS[measure.unit]}: "


_PEOPLE = (Unit.CONTACTS, Unit.AGENTS)
_KINDS: Mapping[Unit, str] = {
    Unit.RATIO: "a share of all",
    Unit.SECONDS: "a length of time",
    Unit.CONTACTS: "a number of contacts",
    Unit.AGENTS: "a number of agents",
}


def check_reachable(
    document: "Document", loc: "Loc", measure: Measure, direction: Direction, bound: Fraction
) -> None:
    """Report a limit that no value ever passes, or every value does."""
    written = format_limit(measure.unit, bound)
    if direction is Direction.BELOW and bound == 0:
        message = f"{measure.name} is never below 0: this can never fire"
    elif direction is Direction.ABOVE and bound == _EDGES[measure.unit]:
        message = f"{measure.name} is never above {written}: this can never fire"
    elif direction is Direction.ABOVE and bound == 0 and measure.grows:
        message = f"{measure.name} is always at least 0: this would always fire"
    else:
        return
    document.report(loc, f"{message}, found '{document.marks[loc].raw}'")


def check_clear(
    document: "Document",
    loc: "Loc",
    measure: Measure,
    bound: tuple[Direction, Fraction],
    clear: Fraction,
) -> None:
    """Report a ``clear`` at which an alert could not end, or not begin."""
    direction, value = bound
    raw = document.marks[loc].raw
    written = format_limit(measure.unit, value)
    if direction is Direction.ABOVE and clear > value:
        message = f"clear is on the wrong side: expected at most {written}, found '{raw}'"
    elif direction is Direction.BELOW and clear < value:
        message = f"clear is on the wrong side: expected at least {written}, found '{raw}'"
    elif direction is Direction.ABOVE and clear == 0:
        message = (
            "an alert ends when the value is below clear, and no value is below 0:"
            f" expected more than 0, found '{raw}'"
        )
    elif direction is Direction.BELOW and clear == _EDGES[measure.unit]:
        message = (
            "an alert ends when the value is past clear, and no share is above 100%:"
            f" expected less than 100%, found '{raw}'"
        )
    else:
        return
    document.report(loc, message)
