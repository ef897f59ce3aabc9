"""Tests of the picture of a sweep: lines, scales, names beside them, and the table."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.backtest.curve import HIGH, LOW, Curve, Line, paint_curve
from callmon.wording import Language
from tests.backtest.pasts import queue, sweep

ENGLISH = Language.ENGLISH


def lines(curve: Curve) -> dict[str, Line]:
    """Return the lines of both panels by what they are of."""
    return {line.kind: line for panel in curve.panels for line in panel.lines}


def test_pages_stand_as_high_as_they_are_many() -> None:
    """In four weeks 32 and 8 pages are 8 and 2 a week, on a scale that ends at 8."""
    curve = paint_curve(sweep({60: (32, 0, 0), 180: (8, 0, 0)}), ENGLISH)

    pages = lines(curve)["pages"]
    assert [0.0, HIGH * 3 / 4] == [dot.y for dot in pages.dots]
    assert ["0", "4", "8"] == [grid.text for grid in curve.panels[0].grid]
    assert "Pages a week" == curve.panels[0].title
    assert ("1 min: 8 pages", "3 min: 2 pages") == tuple(dot.title for dot in pages.dots)


def test_limits_lie_from_left_to_right() -> None:
    """The axis is that of the limit, not of how many were tried."""
    curve = paint_curve(sweep({60: (3, 0, 0), 120: (2, 0, 0), 360: (1, 0, 0)}), ENGLISH)

    assert ["5%", "21.2%", "86%"] == [dot.x for dot in lines(curve)["pages"].dots]


def test_the_limit_in_force_is_marked() -> None:
    """Where it lies, though nobody tried it; outside of the range it is nowhere."""
    points = {60: (3, 0, 0), 300: (1, 0, 0)}

    inside = paint_curve(sweep(points, present=180), ENGLISH)
    outside = paint_curve(sweep(points, present=600), ENGLISH)

    assert inside.present is not None
    assert ("45.5%", "in force: 3 min") == (inside.present.x, inside.present.text)
    assert outside.present is None
    assert [False, False] == [row.in_force for row in inside.rows]


def test_noise_of_nothing_is_no_noise() -> None:
    """Where nothing fired there is no share: the line ends, and the table has a dash."""
    curve = paint_curve(sweep({60: (4, 1, 2), 180: (0, 0, 0)}), ENGLISH)

    assert 1 == len(lines(curve)["brief"].dots)
    assert [("25 %", "50 %"), ("–", "–")] == [(row.brief, row.again) for row in curve.rows]


def test_small_shares_look_small() -> None:
    """One percent of noise does not fill the panel."""
    curve = paint_curve(sweep({60: (100, 1, 0), 180: (100, 0, 0)}), ENGLISH)

    assert "20 %" == curve.panels[1].grid[-1].text
    assert LOW * 19 / 20 == pytest.approx(lines(curve)["brief"].dots[0].y, abs=0.1)


@given(
    st.lists(
        st.integers(0, 4).flatmap(
            lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))
        ),
        min_size=1,
        max_size=6,
    )
)
def test_nothing_stands_outside(counts: list[tuple[int, int, int]]) -> None:
    """Dots lie in their panels, and names keep apart."""
    points = {60 * number: count for number, count in enumerate(counts, 1)}

    curve = paint_curve(sweep(points), ENGLISH)

    for panel in curve.panels:
        assert all(0 <= dot.y <= panel.height for line in panel.lines for dot in line.dots)
        names = [line.name.y for line in panel.lines if line.name]
        assert len(names) < 2 or abs(names[0] - names[1]) >= 16


def test_a_span_shorter_than_a_week_has_pages_alone() -> None:
    """A rate for a week is not made of two days."""
    curve = paint_curve(sweep({60: (4, 0, 0)}, days=Fraction(2)), ENGLISH)

    assert ("Pages", "–") == (curve.panels[0].title, curve.rows[0].a_week)
    assert "1 min: 4 pages" == lines(curve)["pages"].dots[0].title


def test_one_limit_is_a_dot() -> None:
    """A range of one limit is no range, and no mistake."""
    curve = paint_curve(sweep({180: (4, 0, 0)}), ENGLISH)

    assert [] == lines(curve)["pages"].segments
    assert "45.5%" == lines(curve)["pages"].dots[0].x
    assert [True] == [row.in_force for row in curve.rows]


def test_it_says_of_what_it_is() -> None:
    """The threshold, what it measures, and the queues; in Chinese, too."""
    tried = sweep({60: (4, 0, 0)}, subjects=[queue("a"), queue("b")])

    assert ("long_wait: longest wait", "a, b") == (
        paint_curve(tried, ENGLISH).title,
        paint_curve(tried, ENGLISH).subjects,
    )
    chinese = paint_curve(tried, Language.CHINESE)
    assert ("long_wait：最长等待", "每周通知次数") == (chinese.title, chinese.panels[0].title)
