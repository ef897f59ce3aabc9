"""Tests of the lean engine: with less in it, it finds out the same."""

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.engine import Engine
from callmon.events import Event
from callmon.measures import MEASURES
from callmon.queues import Targets
from callmon.rules import Threshold
from callmon.trial.lean import LeanEngine, LeanState, WaitingState, lean_state
from tests.sites import SOME_THRESHOLDS, above, settings_with, threshold
from tests.stories import BASE, SOURCE, Visit, stories, targets, tell

ON_WAITS = tuple(
    one for one in SOME_THRESHOLDS if one.measure not in {"talking", "average_talk", "arrived"}
)


def told(engine: Engine, events: Sequence[Event], marks: Sequence[int]) -> list[object]:
    """Return all that an engine finds out, moved on to each of *marks* in between."""
    found: list[object] = []
    left = sorted(marks)
    for event in events:
        while left and BASE + left[0] < event.at:
            found.append(engine.advance(BASE + left.pop(0)))
        engine.apply(event)
    found += [engine.advance(BASE + mark) for mark in (*left, 60)]
    subjects = [(one.subject.name, one.starts, one.untouched) for one in engine.states()]
    return [*found, *engine.drain(), subjects, engine.now, engine.dropped]


@pytest.mark.parametrize("thresholds", [SOME_THRESHOLDS, ON_WAITS], ids=["all", "waits"])
@given(
    visits=stories(),
    marks=st.lists(st.integers(0, 20), max_size=4),
    promised=targets,
    live=st.booleans(),
)
def test_it_finds_out_the_same(
    thresholds: Sequence[Threshold],
    visits: list[Visit],
    marks: list[int],
    promised: Targets,
    *,
    live: bool,
) -> None:
    """Any story, whenever time is looked at: transitions, who waits, what is late."""
    settings = dataclasses.replace(
        settings_with(promised, thresholds=thresholds),
        live_sources=frozenset({SOURCE} if live else ()),
    )
    events = tell(visits)

    expected = told(Engine(settings), events, marks)

    assert expected == told(LeanEngine(settings), events, marks)


def test_what_is_not_known_to_need_less_gets_all() -> None:
    """Only measures that are about waits do without arrivals and talks."""
    assert WaitingState is lean_state(ON_WAITS)
    assert LeanState is lean_state(SOME_THRESHOLDS)


@pytest.mark.parametrize("measure", [name for name in MEASURES if MEASURES[name].of_agents])
def test_measures_of_agents_get_all(measure: str) -> None:
    """Agents serve by how long they talk."""
    assert LeanState is lean_state([threshold(measure, above(1))])


def test_nothing_that_only_grows_is_kept() -> None:
    """That is what makes it quick."""
    settings = settings_with(thresholds=ON_WAITS)
    engine = LeanEngine(settings)
    visits = [Visit(queue="sales", contact="a", start=BASE)]

    engine.apply_all(tell(visits))

    (state,) = [one for one in engine.states() if one.subject.name == "sales"]
    assert state.intervals is None
    assert 0 == len(state.log.arrivals)
