"""A figure's last minutes as one line."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.measures import Unit
from callmon.sparkline import POINTS, SPAN, sparkline
from callmon.wording import NO_VALUE, Language

MINUTE = 60 * SECOND
NOW: Micros = 1_795_314_725 * SECOND
CONTACTS = Unit.CONTACTS


def minutes(*values: int | None) -> list[tuple[Micros, Fraction | None]]:
    """Return one sample a minute, the last one of now."""
    first = NOW - (len(values) - 1) * MINUTE
    return [
        (first + place * MINUTE, None if value is None else Fraction(value))
        for place, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            Language.ENGLISH,
            "0 s ▁ 38 s ▁ 1 min 16 s ▃ 1 min 55 s ▄ 2 min 33 s ▆ 3 min 12 s █ (last 10 min)",
        ),
        (
            Language.CHINESE,
            "0 秒 ▁ 38 秒 ▁ 1 分 16 秒 ▃ 1 分 55 秒 ▄ 2 分 33 秒 ▆ 3 分 12 秒 █（近 10 分钟）",
        ),
    ],
)
def test_a_wait_that_grows(language: Language, text: str) -> None:
    """Every second minute with its bar, the present one last, and how long all of it is."""
    samples = [(at, value * SECOND) for at, value in growing(Fraction(192))]

    assert text == sparkline(samples, NOW, Unit.SECONDS, language)


def growing(last: Fraction) -> list[tuple[Micros, Fraction]]:
    """Return eleven minutes in which 0 became *last*."""
    return [(NOW - (10 - minute) * MINUTE, last * minute / 10) for minute in range(11)]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((), None),
        ((7,), None),
        ((None, 7), None),
        ((0, 0, 0), "0 ▁ 0 ▁ (last 2 min)"),
        ((4, 0, 8), "4 ▄ 8 █ (last 2 min)"),
        ((4, None, None, 0, 8), "4 ▄ 0 ▁ 8 █ (last 4 min)"),
        ((4, None, None, None, 8), "4 ▄ – 8 █ (last 4 min)"),
        ((4, None, None, None, None, None, 8), "4 ▄ – 8 █ (last 6 min)"),
        ((None, None, None, None, 8, 0, 8), "8 █ 8 █ (last 2 min)"),
        ((4, 9, 3, 1, 8), "4 ▄ 3 ▃ 8 █ (last 4 min)"),
    ],
)
def test_unknown_minutes_are_a_gap(values: tuple[int | None, ...], text: str | None) -> None:
    """One dash for all in a row, none before the first known; one value is no movement."""
    assert text == sparkline(minutes(*values), NOW, CONTACTS)


def test_minutes_without_a_sample_are_a_gap_too() -> None:
    """Nobody looked then: callmon was not running."""
    samples = [(NOW - 8 * MINUTE, Fraction(4)), (NOW, Fraction(8))]

    assert "4 ▄ – 8 █ (last 8 min)" == sparkline(samples, NOW, CONTACTS)


known = st.integers(0, 3).map(Fraction) | st.none()
ago = st.integers(0, 28).map(lambda half: half * MINUTE // 2)


@given(st.dictionaries(ago, known), st.sampled_from(Language))
def test_no_value_is_made_up(told: dict[Micros, Fraction | None], language: Language) -> None:
    """All that is shown was measured in the time it is said to be of, in order."""
    samples = sorted((NOW - before, value) for before, value in told.items())
    recent = [value for at, value in samples if NOW - at < SPAN + MINUTE and value is not None]

    text = sparkline(samples, NOW, CONTACTS, language)

    if text is None:
        # All that is known stands for the same step.
        assert len({(NOW - at + MINUTE) // (2 * MINUTE) for at, _ in known_of(samples)}) < 2
        return
    line = re.split("[（(]", text)[0]
    shown = [Fraction(number) for number in re.findall(r"\d+", line)]
    rest = iter(recent)
    assert all(value in rest for value in shown)
    assert 2 <= len(shown) <= POINTS
    assert not line.startswith(NO_VALUE)
    assert f"{NO_VALUE} {NO_VALUE}" not in line


def known_of(
    samples: list[tuple[Micros, Fraction | None]],
) -> list[tuple[Micros, Fraction | None]]:
    """Return the samples that the text looks at."""
    return [
        (at, value) for at, value in samples if NOW - at < SPAN + MINUTE and value is not None
    ]
