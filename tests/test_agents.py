"""Tests of the roster of a subject, against looking at every microsecond anew."""

import random
from collections import Counter
from collections.abc import Sequence
from operator import sub

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from callmon import agents
from callmon.agents import (
    MAX_AGENTS,
    MAX_REASONS,
    OTHER_REASON,
    UNSPECIFIED,
    AgentState,
    Roster,
    RosterPart,
    agent_changed,
    agent_removed,
    agents_gone,
)
from callmon.clock import SECOND, Micros
from callmon.errors import DropReason
from callmon.events import AgentChanged, Device
from callmon.queues import SubjectState, Targets, WindowSpec, day_of
from callmon.rules import Subject, SubjectKind
from callmon.windows import SampleLog
from tests.crews import (
    AGENTS,
    Told,
    changed,
    crews,
    doing,
    event_of,
    levels,
    removed,
)
from tests.stories import BASE, QUEUES, SOURCE

STATES = [state for state in AgentState if state is not AgentState.AWAY]
UNTIL = 120


def a_state(name: str = QUEUES[0], kind: SubjectKind = SubjectKind.QUEUE) -> SubjectState:
    """Return a subject with a window of ten microseconds."""
    window = WindowSpec(name="w", length=10)
    return SubjectState(Subject(kind=kind, name=name), Targets(), day_of("UTC"), [window])


def tell(states: Sequence[SubjectState], told: Told) -> None:
    """Let *states* know one thing."""
    event = event_of(told)
    if isinstance(event, AgentChanged):
        agent_changed(states, event)
    else:
        agent_removed(states, event)


def counted(roster: Roster, now: Micros) -> dict[AgentState, int]:
    """Return the agents at work by state."""
    roster.sync(now)
    return {state: roster.count(state) for state in STATES if roster.count(state)}


@given(crews())
def test_queues_and_group_count_each_agent_once(story: list[Told]) -> None:
    """At every instant each state has the agents that truly are in it; all are staffed."""
    queues = {name: a_state(name) for name in QUEUES}
    group = a_state("all", SubjectKind.GROUP)
    for now in range(BASE, BASE + UNTIL):
        for told in (told for told in story if told.at == now):
            tell((queues[told.queue], group), told)
        for state, names in ((group, QUEUES), *((q, (n,)) for n, q in queues.items())):
            true = doing(story, now, names)
            at_work = {s: n for s, n in Counter(true.values()).items() if s in STATES}

            assert at_work == counted(state.agents, now)
            assert sum(at_work.values()) == state.agents.staffed()
            assert true == {view.agent: view.state for view in state.agents.views()}


@given(crews(queues=QUEUES[:1], size=10), st.integers(0, UNTIL), st.integers(0, UNTIL))
def test_time_is_counted_to_the_microsecond(
    story: list[Told], start: Micros, length: Micros
) -> None:
    """What lies between any two instants is the sum of what each microsecond has."""
    state = a_state()
    state.agents.set_known(known=True, at=BASE)
    for told in story:
        tell((state,), told)
    start += BASE
    end = start + length
    state.agents.sync(end)

    each = [levels(story, now, QUEUES[:1]) for now in range(start, end)]

    expected = tuple(sum(level[kind] for level in each) for kind in range(3))
    assert expected == state.agents.spent(start, end)
    assert levels(story, end, QUEUES[:1]) == state.agents.levels(end)


@given(crews(size=10), st.lists(st.integers(0, 60), unique=True, max_size=6).map(sorted))
def test_only_the_time_in_which_agents_were_known_counts(
    story: list[Told], turns: list[int]
) -> None:
    """While no live feed tells of them, time passes and is neither busy nor idle."""
    group = a_state("all", SubjectKind.GROUP)
    steps: list[tuple[Micros, int, Told | None]] = [(BASE + at, 1, None) for at in turns]
    steps += [(told.at, 0, told) for told in story]
    known = False
    for at, _, told in sorted(steps, key=lambda step: step[:2]):
        if told is None:
            known = not known
            group.agents.set_known(known, at)
        else:
            tell((group,), told)
    end = BASE + UNTIL
    group.agents.sync(end)

    each = [
        levels(story, now)
        for now in range(BASE, end)
        if sum(BASE + at <= now for at in turns) % 2
    ]

    expected = tuple(sum(level[kind] for level in each) for kind in range(3))
    assert expected == group.agents.spent(BASE, end)


@given(crews(size=10))
def test_the_next_wrapup_ends_when_it_says(story: list[Told]) -> None:
    """Nothing changes by itself before ``next_change``, and something does then or later."""
    group = a_state("all", SubjectKind.GROUP)
    for told in story:
        tell((group,), told)
    now = story[-1].at if story else BASE
    due = group.agents.next_change(now)
    by_itself = [at for at in range(now, BASE + UNTIL) if doing(story, at) != doing(story, now)]

    assert not by_itself or (due is not None and due <= by_itself[0])
    assert due is None or due > now


@given(crews(), st.integers(0, 60))
def test_a_group_made_later_knows_what_its_queues_know(story: list[Told], cut: int) -> None:
    """Gathered from its queues, it counts as though it had heard everything itself."""
    queues = {name: a_state(name) for name in QUEUES}
    late = a_state("late", SubjectKind.GROUP)
    gathered = False
    for told in story:
        if told.at > BASE + cut and not gathered:
            late.agents.gather([queue.agents for queue in queues.values()])
            gathered = True
        tell((queues[told.queue], late) if gathered else (queues[told.queue],), told)
    if not gathered:
        late.agents.gather([queue.agents for queue in queues.values()])
    now = BASE + UNTIL

    true = Counter(doing(story, now).values())

    assert {s: n for s, n in true.items() if s in STATES} == counted(late.agents, now)


@given(crews())
def test_a_source_that_goes_takes_its_agents_along(story: list[Told]) -> None:
    """The group keeps those whom another source, or another queue, told of."""
    queues = {name: a_state(name) for name in QUEUES}
    group = a_state("all", SubjectKind.GROUP)
    other = changed(0, AGENTS[0], source="other")
    agent_changed((queues[QUEUES[0]], group), other)
    for told in story:
        tell((queues[told.queue], group), told)
    now = BASE + UNTIL

    agents_gone((queues[QUEUES[0]], group), SOURCE, now)

    true = Counter(doing(story, now, QUEUES[1:]).values())
    true[AgentState.AVAILABLE] += 1
    expected = {s: n for s, n in true.items() if s in STATES and n}
    assert expected == counted(group.agents, now)
    assert {AgentState.AVAILABLE: 1} == counted(queues[QUEUES[0]].agents, now)


def test_reasons_are_counted_while_agents_are_paused() -> None:
    """A pause counts under its reason until it ends, also when the reason changes."""
    state = a_state()
    told = [
        changed(0, AGENTS[0], paused=True, reason="lunch"),
        changed(1, AGENTS[1], paused=True, reason="lunch"),
        changed(2, AGENTS[2], paused=True),
        changed(3, AGENTS[1], paused=True, reason="tea"),
        changed(4, AGENTS[0], Device.BUSY, paused=True, reason="lunch"),
    ]
    for event in told:
        agent_changed((state,), event)

    assert {"lunch": 0, "tea": 1, UNSPECIFIED: 1} == state.agents.reasons

    agent_removed((state,), removed(5, AGENTS[1]))

    assert {"lunch": 0, "tea": 0, UNSPECIFIED: 1} == state.agents.reasons


def test_reasons_beyond_ten_are_one() -> None:
    """Free text cannot make series without end; long text is cut."""
    state = a_state()
    for number in range(MAX_REASONS + 5):
        event = changed(number, f"SIP/{number}", paused=True, reason=f"{number} " * 40)
        agent_changed((state,), event)

    assert MAX_REASONS + 1 == len(state.agents.reasons)
    assert 5 == state.agents.reasons[OTHER_REASON]
    assert max(map(len, state.agents.reasons)) <= len("x" * 40)


def test_agents_beyond_the_limit_are_counted_and_dropped() -> None:
    """A hostile source cannot fill the memory; known agents go on being heard."""
    state = a_state()
    for number in range(MAX_AGENTS):
        assert agent_changed((state,), changed(0, f"SIP/{number}")) is None

    dropped = agent_changed((state,), changed(1, "SIP/one-more"))

    assert DropReason.AGENT_LIMIT is dropped
    assert 1 == state.agents.refused
    assert MAX_AGENTS == state.agents.staffed()
    assert agent_changed((state,), changed(2, "SIP/0", Device.BUSY)) is None


def test_what_is_known_already_changes_nothing() -> None:
    """A repeated standing, and the removal of somebody unknown, are duplicates."""
    state = a_state()
    agent_changed((state,), changed(0))
    version = state.version

    again = agent_changed((state,), changed(5))
    unknown = agent_removed((state,), removed(6, AGENTS[1]))

    assert (DropReason.DUPLICATE, DropReason.DUPLICATE) == (again, unknown)
    assert version == state.version


def test_ends_that_change_again_and_again_take_no_room() -> None:
    """Wrap-ups moved to and fro leave no more wakes behind than there can be agents."""
    state = a_state()
    for number in range(3 * MAX_AGENTS):
        event = changed(0, wrapup=SECOND * (10 * MAX_AGENTS - number))
        agent_changed((state,), event)

    assert len(state.agents._wakes) <= 2 * MAX_AGENTS + 1
    assert BASE + SECOND * (7 * MAX_AGENTS + 1) == state.agents.next_change(BASE)


def test_old_steps_are_forgotten() -> None:
    """Memory follows the longest window, and what lies in it stays exact."""
    state = a_state()
    state.agents.set_known(known=True, at=BASE)
    for at in range(50_000):
        agent_changed((state,), changed(at, device=Device.BUSY if at % 2 else Device.IDLE))
    end = BASE + 50_000

    workload = state.agents._workload
    assert workload is not None
    assert len(workload._at) <= 2 * 4_096
    assert (5, 10, 0) == state.agents.spent(end - 10, end)


def test_rosters_of_nobody_share_what_they_hold() -> None:
    """Thousands of queues of which only a log tells cost nothing here."""
    one, other = Roster(SampleLog()), Roster(SampleLog())

    one.sync(BASE)

    assert one.reasons is other.reasons
    assert one.untouched
    assert (0, 0, 0) == one.spent(BASE, BASE + 1)
    assert one.next_change(BASE) is None
    assert 0 == sub(one.staffed(), other.staffed())
    assert not agents._NO_AGENTS


@given(crews(queues=QUEUES[:1], size=8), st.randoms(use_true_random=False))
def test_agents_told_in_another_order_have_worked_as_long(
    story: list[Told], shuffle: random.Random
) -> None:
    """Events of different agents may overtake each other: time counts by when it was."""
    story = [told._replace(wrapup_until=0) for told in story]
    orders = {agent: [t for t in story if t.agent == agent] for agent in AGENTS}
    in_order, otherwise = a_state(), a_state()
    for state in (in_order, otherwise):
        state.agents.set_known(known=True, at=BASE)
    for told in story:
        tell((in_order,), told)
    while any(orders.values()):
        agent = shuffle.choice([agent for agent in AGENTS if orders[agent]])
        tell((otherwise,), orders[agent].pop(0))
    end = BASE + UNTIL
    for state in (in_order, otherwise):
        state.agents.sync(end)

    assert in_order.agents.spent(BASE, end) == otherwise.agents.spent(BASE, end)


@given(
    crews(size=10),
    st.integers(0, 40),
    st.lists(st.one_of(st.none(), st.tuples(*[st.integers(0, 2)] * 6)), max_size=4),
)
def test_a_restored_roster_goes_on_as_though_nothing_had_been(
    story: list[Told], cut: int, totals: list[tuple[int, ...] | None]
) -> None:
    """States, reasons, wrap-ups to come, counted agents and time spent survive a checkpoint."""
    state, heir = a_state(), a_state()
    roster = state.agents
    roster.set_known(known=True, at=BASE)
    for total in totals:
        roster.count_only(total, BASE + 1, doubtful=total is None)
    for told in story:
        if told.at <= BASE + cut:
            tell([state], told)
    encoded = msgspec.json.encode(roster.part())
    heir.agents.restore(msgspec.json.decode(encoded, type=RosterPart))
    for told in story:
        if told.at > BASE + cut:
            tell([state, heir], told)
    for now in (BASE + cut, BASE + UNTIL):
        assert counted(roster, now) == counted(heir.agents, now)
        assert roster.known is heir.agents.known
        assert roster.next_change(now) == heir.agents.next_change(now)
        assert roster.spent(BASE, now) == heir.agents.spent(BASE, now)
    assert roster.part() == heir.agents.part()


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.one_of(st.none(), st.tuples(*[st.integers(0, 3)] * 6))),
        max_size=8,
    ),
    st.integers(0, 9),
)
def test_time_of_counted_agents_is_counted_to_the_microsecond(
    told: list[tuple[int, tuple[int, ...] | None]], later: int
) -> None:
    """Each count lasts until the next; while there is none, no time is spent."""
    state = a_state()
    at, now = BASE, BASE
    busy = ready = 0
    for after, total in told:
        if state.agents.known:
            busy += after * state.agents.count(AgentState.BUSY)
            staffed = state.agents.staffed() - state.agents.count(AgentState.PAUSED)
            ready += after * staffed
        at += after
        state.agents.count_only(total, at, doubtful=total is None)
        assert (total is not None) is state.agents.known
        now = at
    if told and told[-1][1] is not None:
        last = told[-1][1]
        now = at + later
        busy += later * last[AgentState.BUSY]
        ready += later * (sum(last[:5]) - last[AgentState.PAUSED])
    spent = state.agents.spent(BASE, now)
    assert (busy, ready) == (spent.busy, spent.ready)
