"""The last hour as charts and as a table."""

import re
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.last_hour import SAMPLE_EVERY, Course
from callmon.thresholds import State
from callmon.wallboard.charts import CHARTS, HEIGHT, TABLE_ROWS, WIDTH, Hour, paint_charts
from callmon.wallboard.painting import Slots
from callmon.wording import Language
from tests.wallboard.rows import NOW, ZONE, row, standing

END: Micros = NOW


def course(values: Sequence[float | None]) -> Course:
    """Return *values* as samples, the last one taken at END."""
    first = END - (len(values) - 1) * SAMPLE_EVERY
    return [(first + place * SAMPLE_EVERY, value) for place, value in enumerate(values)]


def charted(
    measure: str,
    values: Sequence[float | None],
    language: Language = Language.ENGLISH,
    **more: Sequence[float | None],
) -> Slots:
    """Return the slots of a queue of which *measure* took these *values*."""
    courses = {measure: course(values)} | {name: course(of) for name, of in more.items()}
    return paint_charts(row(), Hour(window="15m", courses=courses), ZONE, language)


def moves(path: str) -> list[tuple[str, float, float]]:
    """Return the points of a path, with what led to each."""
    found = re.findall(r"([ML])([\d.]+) ([\d.]+)", path)
    return [(command, float(x), float(y)) for command, x, y in found]


def test_a_line_runs_over_the_hour() -> None:
    """The newest sample is at the right, 0 at the bottom, the scale's end at the top."""
    slots = charted("waiting", [0, 5, 10])

    assert [
        ("M", WIDTH * (1 - 60 / 3600), HEIGHT),
        ("L", WIDTH * (1 - 30 / 3600), HEIGHT / 2),
        ("L", WIDTH, 0),
    ] == moves(slots["chart_waiting_line.d"])
    assert "10" == slots["chart_waiting_top"]
    assert ("09:02", "10:02") == (slots["chart_from"], slots["chart_to"])


def test_what_was_not_known_is_a_gap() -> None:
    """No line leads through it, and no area lies below it."""
    slots = charted("waiting", [1, 2, None, None, 3, 4])

    assert ["M", "L", "M", "L"] == [move[0] for move in moves(slots["chart_waiting_line.d"])]
    assert 2 == slots["chart_waiting_area.d"].count("Z")


def test_samples_missing_altogether_are_a_gap() -> None:
    """After a time in which nothing was sampled the line begins anew."""
    samples = [(END - 600 * SECOND, 1.0), (END, 2.0)]
    hour = Hour(window="15m", courses={"waiting": samples})
    slots = paint_charts(row(), hour, ZONE, Language.ENGLISH)

    assert ["M", "M"] == [move[0] for move in moves(slots["chart_waiting_line.d"])]


def test_a_sample_alone_can_be_seen() -> None:
    """It is a dash: a path of one point would be nothing."""
    assert charted("waiting", [3])["chart_waiting_line.d"].endswith("h2")


def test_nothing_known_is_said() -> None:
    """A chart without a sample has a word and no line; a rate may just have had no calls."""
    for slots in (charted("waiting", [None, None]), charted("talking", [1])):
        assert "no data" == slots["chart_waiting_none"]
        assert "Waiting: no data in the last hour" == slots["chart_waiting.label"]
        assert "chart_waiting_line.d" not in slots
    slots = charted("abandonment_rate", [None])
    assert "no calls or no data" == slots["chart_abandonment_rate_none"]


def test_limits_in_force_are_lines() -> None:
    """Of just this figure, over the window that is sampled; above them the scale goes on."""
    standings = (
        standing(limit=180 * SECOND),
        standing("again", limit=180 * SECOND),
        standing("calm", limit=60 * SECOND, state=State.OK),
        standing("today", "service_level", window="today", limit=Fraction(9, 10)),
        standing("now", "service_level", window="15m", limit=Fraction(8, 10)),
    )
    courses = {"longest_wait": course([30.0]), "service_level_now": course([0.5])}
    slots = paint_charts(
        row(standings=standings), Hour(window="15m", courses=courses), ZONE, Language.ENGLISH
    )

    assert f"M0 0.0H{WIDTH}M0 100.0H{WIDTH}" == slots["chart_longest_wait_limit.d"]
    assert "Limit 3 min, 1 min" == slots["chart_longest_wait_limits"]
    assert "3:00" == slots["chart_longest_wait_top"]
    assert "Limit 80 %" == slots["chart_service_level_now_limits"]
    assert "15 min" == slots["chart_service_level_now_over"]
    assert "chart_waiting_limits" not in slots


@pytest.mark.parametrize(
    ("measure", "value", "top"),
    [
        ("waiting", 0.0, "5"),
        ("waiting", 6.0, "10"),
        ("waiting", 51.0, "100"),
        ("longest_wait", 3.0, "1:00"),
        ("longest_wait", 61.0, "2:00"),
        ("longest_wait", 4_000.0, "2:00:00"),
        ("abandonment_rate", 0.02, "10%"),
        ("abandonment_rate", 0.3, "50%"),
        ("service_level_now", 1.0, "100%"),
    ],
)
def test_scales_end_at_round_figures(measure: str, value: float, top: str) -> None:
    """Above the highest value, and never so far that the line lies on the floor."""
    assert top == charted(measure, [value])[f"chart_{measure}_top"]


@given(st.lists(st.none() | st.integers(0, 12), min_size=1, max_size=12))
def test_no_line_leaves_its_chart(values: list[int | None]) -> None:
    """Whatever was sampled is drawn once, inside."""
    slots = charted("waiting", values)
    points = moves(slots.get("chart_waiting_line.d", ""))

    assert len([value for value in values if value is not None]) == len(points)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for _, x, y in points)


def test_values_can_be_read() -> None:
    """Each sample with its time, for whoever points at it; free agents with those at work."""
    slots = charted("agents_available", [1, None, 3], agents_staffed=[8, None, 9])

    assert [
        "590|10:01:11|1/8",
        "595|10:01:41|no data",
        "600|10:02:11|3/9",
    ] == slots["chart_agents.points"].split("\n")
    assert "Agents free: most 3, least 1 in the last hour" == slots["chart_agents.label"]


def test_rates_are_not_spoilt_by_how_they_are_kept() -> None:
    """A sample is a float of four bytes: 0.8 stays 80 %."""
    slots = charted("service_level_now", [0.800000011920929])

    assert "600|10:02:11|80%" == slots["chart_service_level_now.points"]


def test_the_table_has_each_five_minutes() -> None:
    """The same figures for who does not see charts, the newest first."""
    slots = charted("waiting", [float(number) for number in range(120)])

    assert ["10:00", "09:55", "09:05"] == [slots[f"table_{place}"] for place in (0, 1, 11)]
    # 10:00:00 is 131 s before the last sample, the nearest of which is 120 s before it.
    assert ("115", "105") == (slots["table_0_waiting"], slots["table_1_waiting"])
    assert "no data" == slots["table_0_longest_wait"]
    assert f"table_{TABLE_ROWS}" not in slots


def test_there_is_a_slot_for_every_chart() -> None:
    """In both languages, before anything was sampled, too."""
    for language in Language:
        slots = paint_charts(row(), Hour(window="15m", courses={}), ZONE, language)
        assert all(f"chart_{name}.label" in slots for name in CHARTS)
        assert "table_0" not in slots
