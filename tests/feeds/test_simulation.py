"""The simulated call centre: one seed, one history, and nothing impossible in it."""

import itertools
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactRefused,
    Event,
    Outcome,
    RingNotAnswered,
    TalkEnded,
)
from callmon.feeds.call_centre import CallCentre, SimulatedQueue, Surge, demo_centre
from callmon.feeds.settings import LongWait
from callmon.feeds.simulation import Simulation

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
MIDNIGHT = 1_790_006_400 * SECOND // (24 * HOUR) * 24 * HOUR  # UTC
NOON = MIDNIGHT + 12 * HOUR

SMALL = CallCentre(
    queues=(
        SimulatedQueue(
            name="a", agents=("x", "y"), calls_per_hour=90, capacity=3, key_exit=0.3
        ),
        SimulatedQueue(
            name="b", agents=("y", "z"), calls_per_hour=60, timeout=MINUTE, priority=1
        ),
    ),
    surges_per_day=50,
    surges=(Surge(queue="a", at_offset=0, length=10 * MINUTE, factor=3.0),),
    long_waits=(LongWait(queue="b", after=30 * SECOND, wait=200 * SECOND),),
)
"""Too few agents for its callers, so that every way to end a wait comes up."""


def history(
    centre: CallCentre, *, seed: int = 1, hours: int = 2, agents: bool = False
) -> list[Event]:
    """Return what happens from noon on."""
    simulation = Simulation(centre, seed=seed, start=NOON, agents=agents)
    return simulation.advance(NOON + hours * HOUR)


def only(events: list[Event], kind: type[Event]) -> list[Event]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 5),
    steps=st.lists(st.sampled_from([0, 1, SECOND, 7 * SECOND, 10 * MINUTE, HOUR]), max_size=40),
    agents=st.booleans(),
)
def test_the_size_of_the_steps_does_not_matter(
    seed: int, steps: list[Micros], agents: bool
) -> None:
    """Any way to cut two hours into calls of advance tells the same history."""
    end = NOON + 2 * HOUR
    stops = [stop for stop in itertools.accumulate(steps, initial=NOON) if stop < end]
    simulation = Simulation(SMALL, seed=seed, start=NOON, agents=agents)

    told = [event for stop in (*stops, end) for event in simulation.advance(stop)]

    assert history(SMALL, seed=seed, agents=agents) == told


def test_advance_returns_what_is_due_and_no_more() -> None:
    """An event belongs to the call whose *until* it does not exceed; next_at says when."""
    simulation = Simulation(SMALL, seed=1, start=NOON)
    for _ in range(500):
        due = simulation.next_at
        assert [] == simulation.advance(due - 1)
        assert {due} >= {event.at for event in simulation.advance(due)}


def test_events_are_in_order_and_numbered() -> None:
    """Times never fall and sequence numbers rise by one."""
    events = history(SMALL)
    assert sorted(event.at for event in events) == [event.at for event in events]
    first = events[0].seq
    assert list(range(first, first + len(events))) == [event.seq for event in events]


def test_another_seed_is_another_history() -> None:
    """The seed decides, and only the seed."""
    assert history(SMALL, seed=1) == history(SMALL, seed=1)
    assert history(SMALL, seed=1) != history(SMALL, seed=2)


@settings(max_examples=20)
@given(st.integers(0, 1_000))
def test_each_contact_joins_and_ends_once_with_its_true_wait(seed: int) -> None:
    """Nobody ends who did not join, nobody ends twice, and waits and talks add up."""
    joined: dict[str, Event] = {}
    ended: set[str] = set()
    talking: dict[str, ContactAnswered] = {}
    refused: set[str] = set()
    for event in history(SMALL, seed=seed):
        match event:
            case ContactRefused():
                assert event.contact not in joined
                refused.add(event.contact)
            case ContactJoined():
                assert event.contact not in joined
                assert event.contact not in refused
                joined[event.contact] = event
            case ContactAnswered() | ContactLeft():
                assert event.contact not in ended
                assert event.wait == event.at - joined[event.contact].at
                ended.add(event.contact)
                if isinstance(event, ContactAnswered):
                    talking[event.contact] = event
            case TalkEnded():
                answered = talking.pop(event.contact)
                assert (answered.agent, event.at - answered.at) == (event.agent, event.talk)
            case RingNotAnswered():
                assert event.contact not in ended
                assert event.at - event.ring >= joined[event.contact].at
            case _:
                pytest.fail(f"not a simulated event: {event}")


@settings(max_examples=20)
@given(st.integers(0, 1_000))
def test_no_agent_is_in_two_places(seed: int) -> None:
    """An agent's talks and missed rings never overlap, in any queue."""
    busy: dict[str, list[tuple[Micros, Micros]]] = {}
    for event in history(SMALL, seed=seed, hours=4):
        if isinstance(event, TalkEnded) and event.talk is not None:
            busy.setdefault(event.agent, []).append((event.at - event.talk, event.at))
        elif isinstance(event, RingNotAnswered):
            busy.setdefault(event.agent, []).append((event.at - event.ring, event.at))

    assert {"x", "y", "z"} == set(busy)
    for stretches in busy.values():
        stretches.sort()
        for (_, end), (begin, _) in itertools.pairwise(stretches):
            assert end <= begin


def test_only_agents_of_a_queue_serve_it() -> None:
    """Shared agents serve their queues, others never."""
    serving: dict[str, set[str]] = {"a": set(), "b": set()}
    for event in history(SMALL, hours=4):
        if isinstance(event, ContactAnswered | RingNotAnswered):
            serving[event.queue].add(event.agent)
    assert {"a": {"x", "y"}, "b": {"y", "z"}} == serving


def test_every_outcome_comes_up() -> None:
    """Answered, abandoned, key, time limit, refused, not answered: all are there."""
    events = history(SMALL, hours=4)
    left = Counter(event.outcome for event in events if isinstance(event, ContactLeft))
    assert {Outcome.ABANDONED, Outcome.KEY_EXIT, Outcome.TIMEOUT} == set(left)
    for kind in (ContactAnswered, ContactRefused, RingNotAnswered, TalkEnded):
        assert only(events, kind)


def test_a_full_queue_refuses_and_a_time_limit_holds() -> None:
    """Never more wait than capacity; nobody but the scripted caller outstays the limit."""
    waiting: Counter[str] = Counter()
    for event in history(SMALL, hours=4):
        match event:
            case ContactJoined():
                waiting[event.queue] += 1
            case ContactAnswered() | ContactLeft():
                waiting[event.queue] -= 1
                if event.queue == "b" and event.wait != 200 * SECOND:
                    assert event.wait is not None
                    assert event.wait <= MINUTE
            case ContactRefused():
                assert (event.queue, 3, "full") == ("a", waiting["a"], event.reason)
            case _:
                pass
        assert waiting["a"] <= 3


def test_a_long_wait_is_exact_to_the_microsecond() -> None:
    """The scripted caller joins when told, is answered by nobody and hangs up when told."""
    quiet = CallCentre(
        queues=(SimulatedQueue(name="q", agents=("x",), calls_per_hour=0),),
        long_waits=(LongWait(queue="q", after=-20 * SECOND, wait=200 * SECOND),),
        surges=(Surge(queue="q", at_offset=0, length=HOUR, factor=9.0),),
    )

    joined, left = Simulation(quiet, seed=1, start=NOON, warm_up=MINUTE).advance(NOON + HOUR)

    assert isinstance(joined, ContactJoined)
    assert isinstance(left, ContactLeft)
    assert NOON - 20 * SECOND == joined.at
    assert (NOON + 180 * SECOND, 200 * SECOND) == (left.at, left.wait)
    assert Outcome.ABANDONED == left.outcome


def test_a_script_from_before_the_beginning_plays_at_the_beginning() -> None:
    """Without a warm-up nothing happens before the start."""
    centre = demo_centre()
    events = Simulation(centre, seed=1, start=NOON).advance(NOON + MINUTE)
    assert NOON == events[0].at
    assert ("投诉", NOON) in {(e.queue, e.at) for e in events if isinstance(e, ContactJoined)}


def test_the_day_has_a_curve_and_a_surge_shows() -> None:
    """The morning peak has about four times the calls of the night; a surge adds more."""

    def calls(hour: int, *surges: Surge) -> int:
        queue = SimulatedQueue(name="q", agents=("x",), calls_per_hour=1_000)
        centre = CallCentre(queues=(queue,), surges=surges)
        start = MIDNIGHT + hour * HOUR
        events = Simulation(centre, seed=1, start=start).advance(start + HOUR)
        return len(only(events, ContactJoined))

    assert 3.0 < calls(10) / calls(2) < 5.0
    surge = Surge(queue="q", at_offset=0, length=30 * MINUTE, factor=4.0)
    assert 2_700 < calls(10, surge) < 3_300


def test_hours_are_those_of_the_zone_even_over_a_change_of_the_clocks() -> None:
    """Berlin's 10 o'clock is 09:00 UTC before the 29th of March 2026 and 08:00 after."""

    def calls(start: Micros) -> int:
        queue = SimulatedQueue(name="q", agents=("x",), calls_per_hour=2_000)
        centre = CallCentre(queues=(queue,), zone=ZoneInfo("Europe/Berlin"))
        events = Simulation(centre, seed=1, start=start).advance(start + HOUR)
        return len(only(events, ContactJoined))

    winter, summer = 1_774_656_000 * SECOND, 1_774_828_800 * SECOND  # 28th, 30th, 00:00 UTC
    assert calls(winter + 6 * HOUR) / calls(winter + 9 * HOUR) < 0.8
    assert calls(summer + 5 * HOUR) / calls(summer + 8 * HOUR) < 0.8
    assert calls(summer + 8 * HOUR) > 1_800


@pytest.mark.parametrize("hour", range(0, 24, 4))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_demo_is_interesting_within_a_minute_at_any_hour(hour: int, seed: int) -> None:
    """Callers wait at once; one passes 60 s between second 30 and 60, and is gone after."""
    start = MIDNIGHT + hour * HOUR
    simulation = Simulation(demo_centre(), seed=seed, start=start, warm_up=2 * HOUR)

    waiting = _waiting(simulation.advance(start), {})
    assert len(waiting) >= 2

    plan = demo_centre().long_waits[0]
    waiting = _waiting(simulation.advance(start + 40 * SECOND), waiting)
    assert start + plan.after in {at for queue, at in waiting.values() if queue == "投诉"}
    assert start + 30 * SECOND <= start + plan.after + MINUTE <= start + MINUTE
    waiting = _waiting(simulation.advance(start + MINUTE), waiting)
    assert start + plan.after not in {at for _, at in waiting.values()}


def _waiting(
    events: list[Event], before: dict[str, tuple[str, Micros]]
) -> dict[str, tuple[str, Micros]]:
    waiting = dict(before)
    for event in events:
        if isinstance(event, ContactJoined):
            waiting[event.contact] = (event.queue, event.at)
        elif isinstance(event, ContactAnswered | ContactLeft):
            del waiting[event.contact]
    return waiting
