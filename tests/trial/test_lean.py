"""Tests of the lean engine: with less in it, it finds out the same."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.engine import Engine
from callmon.events import (
    ContactJoined,
    ContactLeft,
    Event,
    FeedChanged,
    Outcome,
    SourceRestarted,
)
from callmon.journal import TimePassed
from callmon.measures import MEASURES
from callmon.queues import Targets, WindowSpec
from callmon.rules import Threshold
from callmon.trial.lean import Input, LeanEngine, LeanState, WaitingState, lean_state
from callmon.trial.sameness import fingerprint
from tests.sites import SOME_THRESHOLDS, above, settings_with, threshold
from tests.stories import (
    BASE,
    IDS,
    SOURCE,
    Visit,
    answered,
    joined,
    left,
    stories,
    talk_ended,
    targets,
    tell,
)

ON_WAITS = tuple(
    one for one in SOME_THRESHOLDS if one.measure not in {"talking", "average_talk", "arrived"}
)

HOURS = 7 * 3_600 * SECOND
AT = st.integers(0, 8) | st.integers(0, 8) | st.just(-HOURS) | st.just(HOURS)
ID, SEQ, LENGTH = st.sampled_from(IDS[:2]), st.integers(0, 9), st.none() | st.integers(0, 4)
STRAYS: st.SearchStrategy[Event] = st.one_of(
    st.builds(joined, AT, ID, seq=SEQ),
    st.builds(answered, AT, ID, LENGTH, seq=SEQ),
    st.builds(left, AT, ID, st.sampled_from(Outcome), wait=LENGTH, seq=SEQ),
    st.builds(talk_ended, AT, ID, LENGTH, seq=SEQ),
    st.builds(lambda at, seq: SourceRestarted(BASE + at, SOURCE, seq), AT, SEQ),
    st.builds(
        lambda at, up, live: FeedChanged(BASE + at, SOURCE, 0, "log", up=up, live=live),
        AT,
        st.booleans(),
        st.booleans(),
    ),
)
"""Events that fit into no story: late, twice, too early, or of the feed itself."""


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


def marked(events: Sequence[Event], marks: Sequence[int]) -> list[Input]:
    """Return *events* with marks of time before what is told of then, the last of later."""
    inputs: list[Input] = []
    left = sorted(marks)
    for event in events:
        while left and BASE + left[0] <= event.at:
            inputs.append(TimePassed(BASE + left.pop(0)))
        inputs.append(event)
    return [*inputs, *(TimePassed(BASE + mark) for mark in (*left, 60))]


@pytest.mark.parametrize("thresholds", [SOME_THRESHOLDS, ON_WAITS], ids=["all", "waits"])
@given(
    visits=stories(),
    order=st.lists(st.integers(0, 3), max_size=3),
    marks=st.lists(st.integers(0, 20), max_size=4),
    strays=st.lists(STRAYS, max_size=6),
    live=st.booleans(),
)
def test_what_is_heard_at_once_is_what_is_heard_one_by_one(
    thresholds: Sequence[Threshold],
    visits: list[Visit],
    order: list[int],
    marks: list[int],
    strays: list[Event],
    *,
    live: bool,
) -> None:
    """What is usual is done in short, in whatever company: all the engine knows is equal."""
    events = tell(visits, order)
    for place, stray in enumerate(strays):
        events.insert(place * 3, stray)

    assert_heard_alike(thresholds, marked(events, marks), live=live)


@settings(max_examples=400)
@given(strays=st.lists(STRAYS, max_size=14), in_order=st.booleans(), numbered=st.booleans())
def test_what_makes_no_sense_is_heard_alike(
    strays: list[Event], *, in_order: bool, numbered: bool
) -> None:
    """Ids that come again, ends without a beginning, all of it late or told twice."""
    events = sorted(strays, key=lambda event: event.at) if in_order else strays
    if numbered:
        events = [replaced(event, seq) for seq, event in enumerate(events)]

    assert_heard_alike(ON_WAITS, marked(events, ()), live=False)


def replaced(event: Event, seq: int) -> Event:
    """Return *event* with its place in the stream."""
    return msgspec.structs.replace(event, seq=seq)


def test_a_mark_settles_visits_from_when_a_live_feed_is_told_of() -> None:
    """Among records: what a live feed may yet tell otherwise is settled by time alone."""
    seen = FeedChanged(BASE + 1, SOURCE, 0, "live", up=True, live=True)
    told: list[Input] = [joined(0, "a"), seen, left(2, "a", Outcome.ABANDONED, wait=2, seq=1)]
    marks = [TimePassed(BASE + second * SECOND) for second in range(1, 700)]

    assert_heard_alike(ON_WAITS, [*told, *marks], live=False)


def test_a_mark_does_what_is_due_before_what_is_told_of_then() -> None:
    """The wait has been too long for an instant, though it ends in that instant."""
    too_long = threshold("longest_wait", above(3))
    told: list[Input] = [
        joined(0, "a"),
        TimePassed(BASE + 3),
        left(3, "a", Outcome.ABANDONED, wait=3, seq=1),
    ]
    engine = LeanEngine(settings_with(thresholds=[too_long]))

    assert_heard_alike([too_long], told, live=False)
    engine.hear(told, live=False)

    assert {"fired"} == {turn.kind for turn in engine.drain()}


def assert_heard_alike(
    thresholds: Sequence[Threshold], inputs: Sequence[Input], *, live: bool
) -> None:
    """Hear *inputs* one by one and at once; nothing may differ."""
    site = settings_with(thresholds=thresholds)
    plain, one_by_one, at_once = Engine(site), LeanEngine(site), LeanEngine(site)

    for each in inputs:
        for engine in (plain, one_by_one):
            if isinstance(each, TimePassed):
                engine.advance(each.at)
            else:
                engine.apply(each, live=live)
    at_once.hear(inputs, live=live)

    assert fingerprint(one_by_one) == fingerprint(at_once)
    assert plain.dropped == at_once.dropped
    assert plain.drain() == at_once.drain()


@pytest.mark.parametrize("answers", range(4, 12))
def test_looks_that_are_spared_are_counted(answers: int) -> None:
    """As many events later as can matter it is looked at again, whatever their number."""
    limits = above(Fraction(1, 2), at_least=2)
    site = dataclasses.replace(
        settings_with(thresholds=[threshold("abandonment_rate", limits, "second")]),
        windows=(WindowSpec(name="second", length=SECOND),),
    )
    told: list[Input] = []
    for number in range(3 * answers):
        at, who = number * 2, f"caller {number}"
        end = answered(at + 1, who, 1) if number < answers else None
        told += [joined(at, who), end or left(at + 1, who, Outcome.ABANDONED, wait=1)]
    engine = LeanEngine(site)

    engine.hear(told, live=False)
    engine.advance(told[-1].at + 1)

    fired = {each.at for each in engine.drain()}
    assert {BASE + 2 * (2 * answers) + 1} == fired


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


def test_who_has_left_for_nobody_knows_where_is_lost_in_time() -> None:
    """A live feed that never tells how a wait ended: whoever lets time pass finds out."""
    settings = settings_with(
        thresholds=[threshold("lost", above(0), "long")], live_sources=frozenset({SOURCE})
    )
    seconds = [BASE + second * SECOND for second in range(700)]
    found = []

    for engine in (Engine(settings), LeanEngine(settings)):
        engine.apply(ContactJoined(BASE, SOURCE, 0, "sales", "a"), live=True)
        engine.apply(ContactLeft(BASE + 1, SOURCE, 1, "sales", "a", None, None), live=True)
        found.append(([engine.advance(at) for at in seconds], engine.drain()))

    assert found[0] == found[1]
    assert any(found[0][0])
