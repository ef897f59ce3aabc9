"""The limits that are tried: numbers that people write, and ``clear`` beside them. Pure."""

from collections.abc import Mapping
from fractions import Fraction

from callmon.clock import SECOND
from callmon.measures import MEASURES, Unit
from callmon.rules import Direction

__all__ = ["is_another_matter", "ladder", "moved_clear"]

_SECONDS = (
    *(5, 10, 15, 20, 30, 45, 60, 75, 90, 120, 150, 180, 210, 240, 270, 300, 360, 420, 480),
    *(540, 600, 720, 900, 1_200, 1_500, 1_800, 2_400, 3_000, 3_600, 5_400, 7_200, 10_800),
)
_COUNTS = (*range(1, 11), 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 300, 500)
_PERCENTS = range(5, 100, 5)

_ROUND: Mapping[Unit, tuple[Fraction, ...]] = {
    Unit.SECONDS: tuple(Fraction(seconds * SECOND) for seconds in _SECONDS),
    Unit.CONTACTS: tuple(map(Fraction, _COUNTS)),
    Unit.AGENTS: tuple(map(Fraction, _COUNTS)),
    Unit.RATIO: tuple(Fraction(percent, 100) for percent in _PERCENTS),
}
"""Numbers that people use. Finer ones would fit the past better, and the future no better."""

_FAR = 4
_ONE = Fraction(1)
_HALF_PERCENT = Fraction(1, 200)


def ladder(measure: str, direction: Direction, present: Fraction) -> tuple[Fraction, ...]:
    """Return the limits worth trying, strictest first: the one that fires least.

    *present* is among them, be it ever so odd.
    """
    limits = {*_ROUND[MEASURES[measure].unit], present}
    return tuple(sorted(limits, reverse=direction is Direction.ABOVE))


def is_another_matter(
    unit: Unit, direction: Direction, present: Fraction, limit: Fraction
) -> bool:
    """Tell whether *limit* is more than four times as sensitive as the *present* one.

    Who asks to be told of three minutes does not mean half a minute, however quiet it is.
    """
    if direction is Direction.ABOVE:
        return limit * _FAR < present
    if unit is Unit.RATIO:
        return (1 - limit) * _FAR < 1 - present
    return limit > present * _FAR


def moved_clear(
    unit: Unit, direction: Direction, before: tuple[Fraction, Fraction | None], limit: Fraction
) -> Fraction | None:
    """Return the ``clear`` that belongs to *limit*, as *before*, (limit, clear), had it.

    It keeps its proportion: 3m and 2m become 6m and 4m. Of a share that is bad when small
    what is missing to 100 % does: 80 % and 85 % become 60 % and 70 %. Rounded towards the
    limit, to what people write: so it never crosses over.
    """
    old, clear = before
    if clear is None:
        return None
    mirrored = unit is Unit.RATIO and direction is Direction.BELOW
    base, edge, new = (1 - old, 1 - clear, 1 - limit) if mirrored else (old, clear, limit)
    if not base:
        return limit
    moved = edge * new / base
    # An alert above ends below clear, so rounding goes up, towards the limit; mirrored too.
    up = mirrored or direction is Direction.ABOVE
    moved = _rounded(unit, moved, up=up)
    moved = min(moved, new) if up else max(moved, new)
    return 1 - moved if mirrored else moved


def _rounded(unit: Unit, value: Fraction, *, up: bool) -> Fraction:
    step = _step(unit, value)
    steps = value / step
    return step * (-(-steps // 1) if up else steps // 1)


def _step(unit: Unit, value: Fraction) -> Fraction:
    """Return how finely people write a value as large as *value*."""
    if unit is Unit.RATIO:
        return _HALF_PERCENT if value < Fraction(1, 20) else 2 * _HALF_PERCENT
    if unit is not Unit.SECONDS:
        return _ONE
    minute = 60 * SECOND
    return Fraction((5 if value < minute else 15 if value < 5 * minute else 60) * SECOND)
