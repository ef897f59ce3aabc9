"""Tests of the engine: state against brute force, and what must not make a difference."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from callmon.alerts import Transition
from callmon.clock import SECOND
from callmon.engine import Engine
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    Event,
    Outcome,
    SourceRestarted,
    TalkEnd,
    TalkEnded,
)
from callmon.measures import MEASURES, Unit
from callmon.queues import Targets
from callmon.rules import (
    SubjectKind,
)
from tests.sites import (
    SHORT,
    SOME_THRESHOLDS,
    engine_with,
    expected_figures,
    fingerprint,
    queue,
    shown_figures,
    turns,
)
from tests.stories import BASE, IDS, QUEUES, SOURCE, Visit, stories, targets, tell

# ---- any events at all -----------------------------------------------------------------

_ENDS = [Outcome.ABANDONED, Outcome.TIMEOUT, Outcome.FAILED, Outcome.WITHDRAWN]


@st.composite
def any_events(draw: st.DrawFn) -> list[Event]:
    """Return events in order of time that need make no sense together."""
    unit = draw(st.sampled_from([1, SECOND]))
    small = st.integers(0, 12)
    length = st.none() | st.integers(0, 6).map(lambda n: n * unit)
    events: list[Event] = []
    at = BASE
    for seq in range(1, draw(st.integers(0, 16)) + 1):
        at += draw(st.sampled_from([0, 0, 1, 1, 2, 5])) * unit
        name, contact = draw(st.sampled_from(QUEUES)), draw(st.sampled_from(IDS))
        match draw(small):
            case 0 | 1 | 2 | 3:
                events.append(ContactJoined(at, SOURCE, seq, name, contact))
            case 4 | 5 | 6:
                wait = draw(length)
                events.append(ContactAnswered(at, SOURCE, seq, name, contact, wait, "x"))
            case 7 | 8:
                wait, outcome = draw(length), draw(st.sampled_from(_ENDS))
                events.append(ContactLeft(at, SOURCE, seq, name, contact, outcome, wait))
            case 12:
                events.append(SourceRestarted(at, SOURCE, seq))
            case _:
                end = TalkEnd.CALLER
                talk = draw(length)
                events.append(TalkEnded(at, SOURCE, seq, name, contact, talk, end, "x"))
    return events


def told(events: Sequence[Event]) -> tuple[Engine, list[Transition]]:
    """Return an engine that was told *events* one by one, a little later, and what came."""
    engine = engine_with(thresholds=SOME_THRESHOLDS)
    for event in events:
        engine.apply(event)
    engine.advance(engine.now + 20)
    return engine, engine.drain()


@given(any_events())
def test_every_contact_is_counted_once(events: list[Event]) -> None:
    """After each event: arrived = all outcomes + waiting, nothing negative, nothing falls."""
    engine = engine_with()
    former: dict[object, list[int]] = {}

    for event in events:
        engine.apply(event)
        for state in engine.states():
            counters = [
                state.arrived,
                *state.counts,
                *(n for row in state.buckets for n in row),
            ]
            assert sum(state.counts) + len(state.starts) == state.arrived
            assert state.talking >= 0
            assert all(
                map(int.__le__, former.get(state.subject, [0] * len(counters)), counters)
            )
            assert sorted(state.starts) == state.starts
            former[state.subject] = counters


@given(any_events())
def test_a_group_is_the_sum_of_its_queues(events: list[Event]) -> None:
    """Counters, waiting and talking of a group are those of its members together."""
    engine, _ = told(events)

    group = engine.subjects[SubjectKind.GROUP, "everyone"]
    members = [queue(engine, name) for name in QUEUES]
    assert sum(member.arrived for member in members) == group.arrived
    assert [sum(c) for c in zip(*(m.counts for m in members), strict=True)] == group.counts
    assert sorted(itertools.chain(*(m.starts for m in members))) == group.starts
    assert sum(member.talking for member in members) == group.talking


@given(any_events())
def test_ratios_lie_between_0_and_1(events: list[Event]) -> None:
    """Whatever was told, no ratio leaves its range and none has an empty base."""
    engine = engine_with(Targets(within=2, short_abandon=2))

    for event in events:
        engine.apply(event)
        for state in engine.states():
            for window in state.windows.values():
                window.sync(engine.now)
                for measure in MEASURES.values():
                    if measure.unit is Unit.RATIO and measure.over is not None:
                        reading = measure.over(state, window, engine.now)
                        if reading is not None:
                            assert 0 <= reading[0] <= reading[1] > 0


@given(any_events(), st.data())
def test_an_event_told_again_at_once_changes_nothing(
    events: list[Event], data: st.DataObject
) -> None:
    """Any number of copies of any event: the same state, the same alerts."""
    copies = [data.draw(st.integers(1, 3)) for _ in events]
    doubled = [event for event, count in zip(events, copies, strict=True) for _ in range(count)]

    once, transitions = told(events)
    often, again = told(doubled)

    assert fingerprint(once) == fingerprint(often)
    assert turns(transitions) == turns(again)


@given(any_events())
def test_replaying_everything_changes_nothing(events: list[Event]) -> None:
    """The whole stream told a second time: the same state, the same alerts."""
    once, transitions = told(events)
    engine = engine_with(thresholds=SOME_THRESHOLDS)

    engine.apply_all(events)
    engine.apply_all(events)
    engine.advance(engine.now + 20)

    assert fingerprint(once) == fingerprint(engine)
    assert turns(transitions) == turns(engine.drain())


@given(any_events(), st.data())
def test_batches_make_no_difference(events: list[Event], data: st.DataObject) -> None:
    """Events applied in any batches: the same as one by one."""
    one_by_one, transitions = told(events)
    engine = engine_with(thresholds=SOME_THRESHOLDS)

    rest = events
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        engine.apply_all(rest[:size])
        rest = rest[size:]
    engine.advance(engine.now + 20)

    assert fingerprint(one_by_one) == fingerprint(engine)
    assert turns(transitions) == turns(engine.drain())


@given(any_events(), st.data())
def test_steps_of_time_make_no_difference(events: list[Event], data: st.DataObject) -> None:
    """Time advanced in any steps after each instant: the same transitions at the same time."""
    in_one, transitions = told(events)
    engine = engine_with(thresholds=SOME_THRESHOLDS)

    for at, same in itertools.groupby(events, key=lambda event: event.at):
        while engine.now < at - 1 and data.draw(st.booleans()):
            engine.advance(data.draw(st.integers(engine.now + 1, min(at - 1, engine.now + 9))))
        engine.apply_all(same)
        if data.draw(st.booleans()):
            engine.advance(at)
    end = in_one.now
    while engine.now < end:
        engine.advance(data.draw(st.integers(engine.now + 1, end)))

    assert fingerprint(in_one) == fingerprint(engine)
    assert turns(transitions) == turns(engine.drain())


# ---- stories ---------------------------------------------------------------------------


@given(stories(), targets)
def test_every_measure_equals_brute_force(visits: list[Visit], promised: Targets) -> None:
    """At each instant every measure of queues and group is what the list of visits says."""
    engine = engine_with(promised)
    events = tell(visits)
    end = max((event.at for event in events), default=BASE) + 4
    instants = {event.at for event in events}
    instants |= {at + 1 for at in instants} | {
        at + SHORT.length for at in instants if SHORT.length
    }

    for now in sorted(at for at in instants if at <= end):
        engine.apply_all(event for event in events if event.at == now)
        engine.advance(now)

        assert expected_figures(visits, now, promised) == shown_figures(engine, now)


@given(stories(), st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_the_order_of_contacts_within_an_instant_makes_no_difference(
    visits: list[Visit], order: list[int]
) -> None:
    """Events of one instant in any order between contacts: the same state, the same alerts."""
    one, transitions = told(tell(visits))
    other, again = told(tell(visits, order))

    assert fingerprint(one) == fingerprint(other)
    assert turns(transitions) == turns(again)


@given(stories(queues=["sales"]), st.data())
def test_the_end_of_a_talk_may_be_told_after_the_next_join(
    visits: list[Visit], data: st.DataObject
) -> None:
    """A talk's end swapped with a join of the same id: the same state."""
    events = tell(visits)
    swapped = list(events)
    for index in range(len(events) - 1):
        first, second = swapped[index], swapped[index + 1]
        if (
            isinstance(first, TalkEnded)
            and isinstance(second, ContactJoined)
            and first.contact == second.contact
            and data.draw(st.booleans())
        ):
            swapped[index], swapped[index + 1] = second, first
    numbered = [
        type(event)(**{**{n: getattr(event, n) for n in event.__struct_fields__}, "seq": seq})
        for seq, event in enumerate(swapped, 1)
    ]

    assert fingerprint(told(events)[0]) == fingerprint(told(numbered)[0])
