"""The simulated agents: what is told of them is what they do, and changes nothing else."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.agents import AgentState
from callmon.clock import SECOND, Micros
from callmon.engine import Engine, EngineSettings
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    Device,
    Event,
    FeedChanged,
    RingNotAnswered,
    TalkEnded,
)
from callmon.feeds.call_centre import CallCentre, SimulatedQueue, demo_centre
from callmon.feeds.simulation import Simulation, _Duty
from callmon.measures import MEASURES
from callmon.queues import GroupSettings, SubjectState
from callmon.rules import SubjectKind

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
MIDNIGHT = 1_790_006_400 * SECOND // (24 * HOUR) * 24 * HOUR  # UTC
STARTS = st.sampled_from([MIDNIGHT, MIDNIGHT + 11 * HOUR, MIDNIGHT + 18 * HOUR])
"""At night; before lunch; when people go home."""

SMALL = CallCentre(
    queues=(
        SimulatedQueue(name="a", agents=("v", "w", "x", "y"), calls_per_hour=90, capacity=3),
        SimulatedQueue(name="b", agents=("y", "z"), calls_per_hour=40, timeout=MINUTE),
    ),
    surges_per_day=50,
)

Standings = dict[tuple[str, str], AgentChanged]
"""What was told last, by queue and agent."""


def of_agents(events: Iterable[Event]) -> list[AgentChanged | AgentRemoved]:
    """Return what *events* tell of agents."""
    return [event for event in events if isinstance(event, AgentChanged | AgentRemoved)]


def take(standings: Standings, events: Iterable[Event]) -> None:
    """Bring *standings* up to date; nothing is told that was known."""
    for event in of_agents(events):
        key = event.queue, event.agent
        if isinstance(event, AgentRemoved):
            del standings[key]
            continue
        known = standings.get(key)
        assert known is None or state_of(known, event.at) != state_of(event, event.at)
        standings[key] = event


def state_of(told: AgentChanged, now: Micros) -> tuple[AgentState, str]:
    """Return what an agent does by the last that was told of him, and why he is paused."""
    if told.device is Device.BUSY:
        return AgentState.BUSY, told.reason
    if told.device is Device.RINGING:
        return AgentState.RINGING, told.reason
    assert told.device is Device.IDLE
    if now < told.wrapup_until:
        return AgentState.WRAPUP, told.reason
    return (AgentState.PAUSED if told.paused else AgentState.AVAILABLE), told.reason


def talk(talking: set[str], events: Iterable[Event]) -> None:
    """Bring who is *talking* up to date, by what is told of contacts."""
    for event in events:
        if isinstance(event, ContactAnswered):
            talking.add(event.agent)
        elif isinstance(event, TalkEnded):
            talking.remove(event.agent)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1_000), STARTS)
def test_to_tell_of_agents_changes_no_contact(seed: int, start: Micros) -> None:
    """With and without agents one seed tells the same contacts, but for their numbers."""
    without, told = (
        Simulation(SMALL, seed=seed, start=start, agents=agents).advance(start + 3 * HOUR)
        for agents in (False, True)
    )
    contacts = [event for event in told if not isinstance(event, AgentChanged | AgentRemoved)]

    assert [] == of_agents(without)
    assert len(contacts) < len(told)
    assert [unnumbered(event) for event in without] == [unnumbered(event) for event in contacts]
    assert [told[0].seq + place for place in range(len(told))] == [event.seq for event in told]


def unnumbered(event: Event) -> tuple[object, ...]:
    """Return all of *event* but its place in the stream."""
    fields = (field for field in event.__struct_fields__ if field != "seq")
    return type(event), *(getattr(event, field) for field in fields)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1_000), STARTS)
def test_what_is_told_is_what_they_do(seed: int, start: Micros) -> None:
    """At every instant, in each of an agent's queues: busy is talking, ringing is ringing."""
    simulation = Simulation(SMALL, seed=seed, start=start, agents=True)
    standings: Standings = {}
    talking: set[str] = set()
    seen: Counter[tuple[AgentState, str]] = Counter()
    now = start
    while now < start + 3 * HOUR:
        events = simulation.advance(now)
        take(standings, events)
        talk(talking, events)
        assert_true(simulation, standings, talking, now)
        seen.update(state_of(told, now) for told in standings.values())
        now = simulation.next_at

    assert {AgentState.BUSY, AgentState.RINGING, AgentState.AVAILABLE, AgentState.WRAPUP} <= {
        state for state, _ in seen
    }


def assert_true(
    simulation: Simulation, standings: Standings, talking: set[str], now: Micros
) -> None:
    """Compare what was told with the simulation itself."""
    ringing = {
        contact.agent.name
        for queue in simulation._queues.values()
        for contact in queue.line.values()
        if contact.agent is not None
    }
    at_work = [agent for agent in simulation._agents if agent.duty is not _Duty.OFF]
    places = {(queue.plan.name, agent.phone) for agent in at_work for queue in agent.queues}
    assert places == set(standings)
    for agent in at_work:
        states = {
            state_of(standings[queue.plan.name, agent.phone], now)[0] for queue in agent.queues
        }
        assert 1 == len(states), "an agent stands the same in all his queues"
        names = {standings[queue.plan.name, agent.phone].name for queue in agent.queues}
        assert {agent.name} == names
        assert (agent.name in talking) == (AgentState.BUSY in states)
        assert (agent.name in ringing) == (AgentState.RINGING in states)
        assert (agent.duty is _Duty.IDLE) == (AgentState.AVAILABLE in states)


def test_a_day_has_every_pause_and_a_shift() -> None:
    """Breaks, lunch and rings that nobody took pause; in the evening agents leave."""
    start = MIDNIGHT + 6 * HOUR
    events = Simulation(demo_centre(), seed=1, start=start, agents=True).advance(
        start + 24 * HOUR
    )
    told = of_agents(events)
    reasons = Counter(event.reason for event in told if isinstance(event, AgentChanged))
    places = {(event.queue, event.agent) for event in told}
    removed = {(event.queue, event.agent) for event in told if isinstance(event, AgentRemoved)}

    assert {"", "break", "lunch", "Auto-Pause"} == set(reasons)
    assert {*(f"SIP/{number}" for number in range(2001, 2030))} == {
        agent for _, agent in places
    }
    assert set() < removed < places
    missed = [event for event in events if isinstance(event, RingNotAnswered)]
    assert len(missed) <= reasons["Auto-Pause"]


def test_who_closes_the_house_leaves_nobody_behind() -> None:
    """Whoever is at work is removed from each of his queues, once, at the given instant."""
    start = MIDNIGHT + 10 * HOUR
    simulation = Simulation(SMALL, seed=1, start=start, agents=True)
    standings: Standings = {}
    take(standings, simulation.advance(start + HOUR))
    assert standings

    leaving = simulation.close(start + HOUR + SECOND)

    assert len(standings) == len(leaving)
    assert {start + HOUR + SECOND} == {event.at for event in leaving}
    take(standings, leaving)
    assert {} == standings
    assert [] == simulation.close(start + HOUR + SECOND)


def test_a_day_makes_sense_to_the_engine() -> None:
    """Staffed is the sum, a group counts each agent once, occupancy is a true share."""
    start = MIDNIGHT
    simulation = Simulation(demo_centre(), seed=1, start=start, agents=True)
    engine = Engine(EngineSettings(groups=(GroupSettings(name="all", queues=("*",)),)))
    engine.apply_all(simulation.advance(start))
    engine.apply(FeedChanged(start, "simulator", 0, "demo", up=True, agents=True))
    standings: Standings = {}
    overlap = 0
    for now in range(start + 15 * MINUTE, start + 24 * HOUR, 15 * MINUTE):
        events = simulation.advance(now)
        engine.apply_all(events)
        engine.advance(now)
        group = engine.subjects[SubjectKind.GROUP, "all"]
        queues = [s for s in engine.states() if s.subject.kind is SubjectKind.QUEUE]
        at_work = {a.phone for a in simulation._agents if a.duty is not _Duty.OFF}
        assert at_work == {view.agent for view in group.agents.views()}
        assert len(at_work) == live(group, "agents_staffed", now)
        overlap += sum(live(queue, "agents_staffed", now) for queue in queues) - len(at_work)
        for state in (group, *queues):
            assert_is_sane(state, now)
        take(standings, events)

    assert overlap > 0
    assert {} == engine.dropped


def live(state: SubjectState, name: str, now: Micros) -> int:
    """Return a live figure, which there must be."""
    measure = MEASURES[name].live
    assert measure is not None
    reading = measure(state, now)
    assert reading is not None
    return reading[0]


def assert_is_sane(state: SubjectState, now: Micros) -> None:
    """Check the figures of agents of one subject."""
    states = ("available", "ringing", "busy", "wrapup", "paused")
    staffed = live(state, "agents_staffed", now)
    assert staffed == sum(live(state, f"agents_{name}", now) for name in states)
    window = state.windows["today"]
    window.sync(now)
    occupancy = MEASURES["occupancy"].over
    assert occupancy is not None
    reading = occupancy(state, window, now)
    assert reading is not None
    assert 0 < reading[0] < reading[1]
