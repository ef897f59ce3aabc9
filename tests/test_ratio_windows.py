"""Tests of windows that keep one ratio: it is what the measure reads from a plain window."""

from collections.abc import Iterable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.engine import Engine
from callmon.events import Outcome
from callmon.measures import MEASURES, Unit
from callmon.queues import Formula, SubjectState, Targets, WindowSpec, day_of
from callmon.rules import Subject, SubjectKind
from callmon.watches import RatioWindow
from callmon.windows import CODES, UNKNOWN
from tests.sites import above, settings_with, threshold
from tests.stories import BASE, joined, left, targets

KEPT = sorted(
    name
    for name, measure in MEASURES.items()
    if measure.unit is Unit.RATIO and measure.next_change is None and measure.moves is None
)

AT = st.integers(0, 20)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("end"), AT, st.sampled_from(Outcome), st.none() | st.integers(0, 4)),
        st.tuples(st.just("hide"), st.integers(0, 9)),
        st.tuples(st.just("told"), AT, st.integers(0, CODES - 1)),
        st.tuples(st.just("retarget"), targets),
        st.tuples(st.just("begin"), AT),
        st.tuples(st.just("checkpoint")),
        st.tuples(st.just("look"), st.integers(0, 9)),
    ),
    max_size=30,
)


def subject(promised: Targets) -> SubjectState:
    """Return the state of a queue of which nothing is known."""
    nobody = Subject(kind=SubjectKind.QUEUE, name="sales")
    return SubjectState(nobody, promised, day_of("UTC"), ())


def do(state: SubjectState, ends: list[tuple[int, Outcome, int | None]], step: object) -> None:
    """Have *step* happen to *state*; *ends* are those that can be taken back."""
    match step:
        case ("end", int(at), Outcome() as outcome, int() | None as wait):
            state.show(BASE + at, outcome, wait, BASE)
            ends.append((at, outcome, wait))
        case ("hide", int(index)) if index < len(ends):
            at, outcome, wait = ends.pop(index)
            state.hide(BASE + at, outcome, wait, BASE)
        case ("told", int(at), int(code)):
            state.log.end(BASE + at, code | UNKNOWN, 0)
        case ("retarget", Targets() as promised):
            state.retarget(promised)
        case ("begin", int(at)):
            for window in state.log.windows:
                if BASE + at < window.floor:
                    window.begin_again()
                window.floor = BASE + at
        case ("checkpoint",):
            state.log.part()
        case _:
            pass


@pytest.mark.parametrize("name", KEPT)
@settings(max_examples=300)
@given(promised=targets, length=st.none() | st.integers(1, 9), steps=STEPS)
def test_what_is_kept_is_what_is_read(
    name: str, promised: Targets, length: int | None, steps: Iterable[tuple[object, ...]]
) -> None:
    """Whatever comes, leaves, comes late, is taken back or judged otherwise."""
    measure, state, spec = (
        MEASURES[name],
        subject(promised),
        WindowSpec(name="w", length=length),
    )
    plain, kept = state.open_window(spec), RatioWindow(measure, state, spec)
    ends: list[tuple[int, Outcome, int | None]] = []
    now = BASE

    for step in [*steps, ("look", 0), ("look", 40)]:
        do(state, ends, step)
        match step:
            case ("look", int(later)):
                now += later
            case _:
                continue
        for window in (plain, kept):
            window.sync(now)
        if kept.targets is not state.targets:
            kept.judge_by(state.targets)
        expected = measure.read(state, plain, now)
        assert expected == ((kept.number, kept.base, kept.base) if kept.base > 0 else None)
        assert expected == measure.read(state, kept, now)


def test_what_is_taken_back_or_recoded_is_counted_so() -> None:
    """A look before, a look after: of three ends one is taken back, one is late by now."""
    state = subject(Targets(within=3))
    kept = RatioWindow(MEASURES["service_level"], state, WindowSpec(name="w", length=9))
    for wait in (1, 2, 4):
        state.show(BASE, Outcome.ANSWERED, wait, BASE)
    kept.sync(BASE)
    assert (2, 3) == (kept.number, kept.base)

    state.hide(BASE, Outcome.ANSWERED, 4, BASE)
    assert (2, 2) == (kept.number, kept.base)
    state.retarget(Targets(within=1))
    assert (1, 2) == (kept.number, kept.base)


def test_a_reload_judges_what_was_by_the_new_promise() -> None:
    """Who hung up in time counts for nothing, until a reload has him count as served."""
    promise = threshold("service_level", above(Fraction(1, 2)), "long")
    before = Targets(within=3, formula=Formula.ABANDONS_NEGATIVE)
    engine = Engine(settings_with(before, thresholds=[promise]))
    engine.apply_all([joined(0, "a"), left(2, "a", Outcome.ABANDONED, wait=2)])
    engine.advance(BASE + 3)
    assert [] == engine.drain()

    after = Targets(within=3, formula=Formula.ABANDONS_POSITIVE)
    engine.reconfigure(settings_with(after, thresholds=[promise]), BASE + 4)

    fired = {(turn.at, turn.alert.subject.name) for turn in engine.drain()}
    assert {(BASE + 4, "sales"), (BASE + 4, "everyone")} == fired


def test_every_ratio_but_two_is_kept() -> None:
    """Those two change though nobody comes and nobody leaves."""
    ratios = {name for name, measure in MEASURES.items() if measure.unit is Unit.RATIO}

    assert {"service_level_now", "occupancy"} == ratios - set(KEPT)
