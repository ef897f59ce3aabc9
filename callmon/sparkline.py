"""How a figure moved, as one line of text: ``1 min 5 s ▂ 3 min 12 s █ (last 10 min)``.

Pure. A bar stands for its value from 0 up: the highest one is full. What was not known is
a gap with no bar, never 0.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

from callmon.clock import SECOND, Micros
from callmon.measures import Unit
from callmon.wording import NO_VALUE, Language, format_duration, format_value

__all__ = ["LOOKS_BACK", "POINTS", "SPAN", "sparkline"]

MINUTE: Final[Micros] = 60 * SECOND

SPAN: Final[Micros] = 10 * MINUTE
"""How far back the text looks."""

POINTS: Final = 6
"""More of them would not be read on a phone."""

_STEP: Final[Micros] = SPAN // (POINTS - 1)

LOOKS_BACK: Final[Micros] = SPAN + _STEP // 2
"""Samples that are older are not looked at."""

_BARS: Final = "▁▂▃▄▅▆▇█"

Sample = tuple[Micros, Fraction | None]


def sparkline(
    samples: Iterable[Sample],
    now: Micros,
    unit: Unit,
    language: Language = Language.ENGLISH,
) -> str | None:
    """Return the last minutes of *samples* (ascending, the present one too) as a text.

    None with fewer than two that are known: they show no movement.
    """
    points = _thinned(samples, now)
    while points and points[0][1] is None:
        del points[0]
    known = [value for _, value in points if value is not None]
    if len(known) < 2:  # noqa: PLR2004 - what makes a movement
        return None
    most = max(known)
    texts = _texts((value for _, value in points), most, unit, language)
    minutes = max(round(Fraction(now - points[0][0], MINUTE)), 1)
    length = format_duration(minutes * MINUTE, language)
    line = " ".join(texts)
    if language is Language.CHINESE:
        return f"{line}（近 {length}）"  # noqa: RUF001  # Chinese punctuation
    return f"{line} (last {length})"


def _thinned(samples: Iterable[Sample], now: Micros) -> list[Sample]:
    """Return one sample for each step back from *now*, the nearest one, oldest first.

    A known one counts more than a nearer one that is not: something was seen.
    """
    nearest: dict[int, tuple[bool, Micros, Sample]] = {}
    for at, value in samples:
        if now - LOOKS_BACK < at <= now:
            steps = (now - at + _STEP // 2) // _STEP
            rank = (value is None, abs(now - steps * _STEP - at))
            if steps not in nearest or rank < nearest[steps][:2]:
                nearest[steps] = (*rank, (at, value))
    # Where there is no sample at all, as little is known as where one was taken in vain.
    return [
        nearest[steps][2] if steps in nearest else (now - steps * _STEP, None)
        for steps in range(max(nearest, default=-1), -1, -1)
    ]


def _texts(
    values: Iterable[Fraction | None], most: Fraction, unit: Unit, language: Language
) -> Iterator[str]:
    """Yield each value with its bar, and one dash for each gap."""
    gap = False
    for value in values:
        if value is not None:
            yield f"{format_value(unit, value, language)} {_bar(value, most)}"
        elif not gap:
            yield NO_VALUE
        gap = value is None


def _bar(value: Fraction, most: Fraction) -> str:
    if most <= 0:
        return _BARS[0]
    # Like int(value / most * bars), without making fractions on the way.
    level = len(_BARS) * value.numerator * most.denominator
    level //= value.denominator * most.numerator
    return _BARS[max(level, 1) - 1]
