"""Tests of the measures: the published examples, and what has no value."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.events import Outcome
from callmon.measures import (
    MEASURES,
    Reading,
    Unit,
    abandonment_rate,
    answer_rate,
    average_wait,
    overflow_rate,
    percentile,
    service_level,
)
from callmon.queues import Formula, Overflow, SubjectState, Targets, WindowSpec, day_of
from callmon.rules import Subject, SubjectKind

PAGE = Path(__file__).parent.parent / "docs" / "administrators" / "measures.md"
HOUR = WindowSpec(name="1h", length=3_600 * SECOND)
NOW: Micros = 1_700_000_000 * SECOND


def state_with(targets: Targets) -> SubjectState:
    """Return a queue with a window of an hour."""
    subject = Subject(kind=SubjectKind.QUEUE, name="sales")
    return SubjectState(subject, targets, day_of("UTC"), (HOUR,))


def end(state: SubjectState, outcome: Outcome, wait_s: float, count: int = 1) -> None:
    """End *count* waits of *wait_s* seconds."""
    for _ in range(count):
        state.end(NOW, outcome, int(wait_s * SECOND))


def counts_of(state: SubjectState) -> list[int]:
    """Return the counts by code in the window."""
    window = state.windows["1h"]
    window.sync(NOW)
    return window.counts


def percent(reading: Reading | None) -> float | None:
    """Return a ratio in percent, to two decimals."""
    return None if reading is None else round(100 * reading[0] / reading[1], 2)


@pytest.mark.parametrize(
    ("short_abandon_s", "formula", "expected"),
    [
        (0, Formula.ABANDONS_NEGATIVE, 81.13),
        (0, Formula.ABANDONS_IGNORED, 82.69),
        (0, Formula.ABANDONS_POSITIVE, 83.02),
        (0, Formula.ANSWERED_ONLY, 86.00),
        (5, Formula.ABANDONS_NEGATIVE, 81.90),
        (5, Formula.ABANDONS_IGNORED, 82.69),
        (5, Formula.ABANDONS_POSITIVE, 82.86),
        (5, Formula.ANSWERED_ONLY, 86.00),
    ],
)
def test_service_level_of_icmi(short_abandon_s: int, formula: Formula, expected: float) -> None:
    """ICMI's example: 1000 answered, 860 in time; 60 abandoned, 20 in time, 10 within 5 s."""
    targets = Targets(
        within=20 * SECOND, short_abandon=short_abandon_s * SECOND, formula=formula
    )
    state = state_with(targets)
    end(state, Outcome.ANSWERED, 20, 860)
    end(state, Outcome.ANSWERED, 21, 140)
    end(state, Outcome.ABANDONED, 4.9, 10)
    end(state, Outcome.ABANDONED, 5, 10)
    end(state, Outcome.ABANDONED, 20.1, 40)

    assert expected == percent(service_level(counts_of(state), targets))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (Formula.ABANDONS_IGNORED, 77.78),
        (Formula.ABANDONS_NEGATIVE, 70.0),
        (Formula.ABANDONS_POSITIVE, 80.0),
    ],
)
def test_service_level_of_cisco(formula: Formula, expected: float) -> None:
    """Cisco's example: 70 answered in time, 10 abandoned in time, 20 exceeded it."""
    targets = Targets(formula=formula)
    state = state_with(targets)
    end(state, Outcome.ANSWERED, 10, 70)
    end(state, Outcome.ABANDONED, 10, 10)
    end(state, Outcome.ANSWERED, 30, 15)
    end(state, Outcome.ABANDONED, 30, 5)

    assert expected == percent(service_level(counts_of(state), targets))


@pytest.mark.parametrize(
    ("overflow", "expected"), [(Overflow.MISSED, (1, 6, 6)), (Overflow.IGNORED, (1, 2, 2))]
)
def test_overflow_is_missed_or_ignored(overflow: Overflow, expected: Reading) -> None:
    """Timeouts, key exits, empty queues and failures stay in the base unless ignored."""
    targets = Targets(overflow=overflow)
    state = state_with(targets)
    end(state, Outcome.ANSWERED, 1)
    end(state, Outcome.ABANDONED, 1)
    for outcome in (Outcome.TIMEOUT, Outcome.KEY_EXIT, Outcome.EMPTY, Outcome.FAILED):
        end(state, outcome, 1)

    assert expected == service_level(counts_of(state), targets)


def test_rates_leave_short_abandons_out() -> None:
    """Rates are over the offered without short abandons; five seconds sharp are not short."""
    state = state_with(Targets(short_abandon=5 * SECOND))
    end(state, Outcome.ANSWERED, 1, 6)
    end(state, Outcome.ABANDONED, 4.999999, 3)
    end(state, Outcome.ABANDONED, 5, 2)
    end(state, Outcome.TIMEOUT, 60)
    end(state, Outcome.KEY_EXIT, 60)
    counts = counts_of(state)

    assert (6, 10, 10) == answer_rate(counts)
    assert (2, 10, 10) == abandonment_rate(counts)
    assert (2, 10, 10) == overflow_rate(counts)


def test_redirected_withdrawn_and_lost_are_in_no_rate() -> None:
    """With nothing else there is no base, and so no value."""
    state = state_with(Targets())
    for outcome in (Outcome.REDIRECTED, Outcome.WITHDRAWN, Outcome.LOST):
        end(state, outcome, 1)
    counts = counts_of(state)

    rates = [answer_rate(counts), abandonment_rate(counts), overflow_rate(counts)]
    assert [None, None, None] == rates
    assert service_level(counts, Targets()) is None


def test_an_unknown_wait_is_neither_in_time_nor_part_of_a_mean() -> None:
    """An answer whose wait nobody knows counts as answered, and nowhere else."""
    state = state_with(Targets())
    state.end(NOW, Outcome.ANSWERED, None)
    end(state, Outcome.ANSWERED, 10)
    counts = counts_of(state)

    assert (1, 2, 2) == service_level(counts, Targets())
    assert (10 * SECOND, 1, 1) == average_wait(counts, state.windows["1h"].sums)


def test_without_anything_every_windowed_rate_and_duration_has_no_value() -> None:
    """No base, no reading; only counts are 0."""
    state = state_with(Targets())
    window = state.windows["1h"]
    window.sync(NOW)

    readings = {
        name: measure.over(state, window, NOW)
        for name, measure in MEASURES.items()
        if measure.over is not None
    }

    unknown = {name for name, reading in readings.items() if reading is None}
    assert {n for n in readings if MEASURES[n].unit is not Unit.CONTACTS} == unknown


def test_the_example_of_the_docs() -> None:
    """docs/administrators/measures.md works one window out by hand; so does the code."""
    state = state_with(Targets(short_abandon=5 * SECOND))
    for wait_s in (4, 8, 12, 20, 21, 35):
        end(state, Outcome.ANSWERED, wait_s)
    for wait_s in (3, 15, 40):
        end(state, Outcome.ABANDONED, wait_s)
    end(state, Outcome.TIMEOUT, 60)
    end(state, Outcome.WITHDRAWN, 9)
    for talk_s in (120, 180, 240):
        state.log.end_talk(NOW, talk_s * SECOND)
    for waited_s in (12, 47):
        state.join(NOW - waited_s * SECOND)
    window = state.windows["1h"]
    window.sync(NOW)

    figures = {
        name: Fraction(reading[0], reading[1])
        for name, measure in MEASURES.items()
        if measure.over is not None and (reading := measure.over(state, window, NOW))
    }

    assert {
        "offered": 10,
        "answer_rate": Fraction(6, 9),
        "abandonment_rate": Fraction(2, 9),
        "overflow_rate": Fraction(1, 9),
        "service_level": Fraction(4, 9),
        "service_level_now": Fraction(4, 10),
        "average_wait": Fraction(100 * SECOND, 6),
        "p50_wait": 15 * SECOND,
        "p90_wait": 40 * SECOND,
        "p95_wait": 40 * SECOND,
        "max_wait": 60 * SECOND,
        "average_talk": 180 * SECOND,
    }.items() <= figures.items()


waits = st.lists(st.integers(0, 12), max_size=30).map(sorted)


@given(waits, st.sampled_from([50, 90, 95]))
def test_percentile_is_the_nearest_rank(waits: list[Micros], share: int) -> None:
    """The least value that at least *share* percent do not exceed."""
    found = percentile(waits, share)

    if found is None:
        assert [] == waits
        return
    value = found[0]
    assert Fraction(sum(w <= value for w in waits), len(waits)) >= Fraction(share, 100)
    assert Fraction(sum(w < value for w in waits), len(waits)) < Fraction(share, 100)


def test_who_waits_over_the_target() -> None:
    """Exactly T is still in time; a microsecond more is over, and falls on the level now."""
    state = state_with(Targets(within=20 * SECOND))
    state.join(NOW - 30 * SECOND)
    state.leave(NOW, NOW - 30 * SECOND, Outcome.ANSWERED, 5 * SECOND)
    state.join(NOW - 20 * SECOND)
    window = state.windows["1h"]
    over, level = MEASURES["waiting_over_target"], MEASURES["service_level_now"]
    assert over.live is not None
    assert level.over is not None
    assert level.next_change is not None
    window.sync(NOW)

    assert (0, 1, 1) == over.live(state, NOW)
    assert (1, 1, 1) == level.over(state, window, NOW)
    assert NOW + 1 == level.next_change(state, NOW, ())
    assert (1, 1, 1) == over.live(state, NOW + 1)
    assert (1, 2, 2) == level.over(state, window, NOW + 1)


def test_the_longest_wait_passes_values_one_by_one() -> None:
    """The next change is at the first of the values that is still to come."""
    state = state_with(Targets())
    measure = MEASURES["longest_wait"]
    assert measure.next_change is not None

    assert measure.next_change(state, NOW, (2, 5)) is None
    state.join(NOW)

    changes = [measure.next_change(state, NOW + waited, (2, 5)) for waited in (1, 2, 5)]
    assert [NOW + 2, NOW + 5, None] == changes


def test_each_measure_is_live_or_over_a_window() -> None:
    """A measure reads in exactly one way, and its name is its key."""
    for name, measure in MEASURES.items():
        assert name == measure.name
        assert (measure.live is None) != (measure.over is None)
        assert measure.windowed == (measure.over is not None)


def test_metric_names_are_unique() -> None:
    """No two measures would write the same series."""
    series = [(measure.metric, measure.labels) for measure in MEASURES.values()]

    assert len(series) == len(set(series))


def test_each_measure_has_a_heading_in_the_docs() -> None:
    """docs/administrators/measures.md explains every measure, and nothing that is none."""
    headings = re.findall(r"^### `(\w+)`", PAGE.read_text(), re.MULTILINE)

    assert sorted(MEASURES) == sorted(headings)
