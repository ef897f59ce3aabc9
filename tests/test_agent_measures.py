"""Tests of the measures of agents, and of the instants at which thresholds on them fire."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.agents import AgentState, agent_changed, agent_removed
from callmon.alerts import Transition
from callmon.clock import SECOND, Micros
from callmon.engine import Engine, EngineSettings
from callmon.events import AgentChanged, Device, FeedChanged
from callmon.measures import MEASURES
from callmon.queues import GroupSettings, SubjectState, Targets, WindowSpec, day_of
from callmon.readings import Reading
from callmon.rules import (
    Direction,
    Limits,
    Rule,
    Selector,
    Severity,
    Subject,
    SubjectKind,
    Threshold,
)
from callmon.watches import Watch
from tests.brute import Figure, Spans, Turn, alerts
from tests.crews import AGENTS, Told, changed, crews, doing, event_of, levels
from tests.stories import BASE, QUEUES, SOURCE, joined

UNTIL = 100
LIVE = sorted(name for name, m in MEASURES.items() if m.of_agents and m.live)
SPAN = 3
"""How long the one talk of the stories was, in microseconds."""


def a_state(*, known: bool = True) -> SubjectState:
    """Return a queue whose agents are known."""
    state = SubjectState(
        Subject(kind=SubjectKind.QUEUE, name=QUEUES[0]),
        Targets(),
        day_of("UTC"),
        [WindowSpec(name="w", length=10)],
    )
    state.agents.set_known(known, BASE)
    return state


def a_watch(state: SubjectState, measure: str, limits: Limits, length: Micros) -> Watch:
    """Return a watch of *measure* over a window of *length*."""
    threshold = Threshold(
        name="t",
        measure=measure,
        window="w" if MEASURES[measure].windowed else None,
        severity=Severity.WARNING,
        select=Selector(queues=("*",)),
        limits=limits,
    )
    rule = threshold.rule_for(state.subject)
    assert isinstance(rule, Rule)
    windowed = MEASURES[measure].windowed
    return Watch(rule, state, WindowSpec(name="w", length=length) if windowed else None)


class Scene:
    """A queue and a watch, driven as the engine does: look when touched, and when due."""

    def __init__(self, state: SubjectState, watch: Watch) -> None:
        self.state = state
        self.watch = watch
        self.transitions: list[Transition] = []
        self.looks = 0

    def look(self, now: Micros) -> None:
        """Look, after all that happened at *now*."""
        self.transitions += self.watch.evaluate(now)
        self.looks += 1

    def until(self, now: Micros) -> None:
        """Let time pass up to *now*, but without it."""
        while self.watch.due < now:
            self.look(self.watch.due)

    def play(self, story: Sequence[Told], waits: Sequence[Micros] = ()) -> None:
        """Tell a story, and let somebody join at each of *waits*, who never leaves."""
        happens = {BASE, *waits, *(told.at for told in story)}
        for now in sorted(happens):
            self.until(now)
            for told in (told for told in story if told.at == now):
                event = event_of(told)
                if isinstance(event, AgentChanged):
                    agent_changed((self.state,), event)
                else:
                    agent_removed((self.state,), event)
            for _ in range(list(waits).count(now)):
                self.state.join(now)
            self.look(now)
        self.until(BASE + UNTIL + 1)

    def turns(self) -> list[Turn]:
        """Return the transitions in the form of the reference."""
        return [
            Turn(
                t.at - BASE,
                t.kind,
                t.alert.severity.value,
                None if t.alert.ended is None else t.alert.ended.value,
                t.alert.since - BASE,
            )
            for t in self.transitions
        ]


@st.composite
def limits_of(draw: st.DrawFn, *, parts: int) -> Limits:
    """Return limits in *parts*, which collide with the figures of small stories."""
    limit = Fraction(draw(st.integers(0, 3 * parts)), parts)
    direction = draw(st.sampled_from(Direction))
    clear = None
    if draw(st.booleans()):
        less = Fraction(draw(st.integers(0, 2 * parts)), 2 * parts)
        clear = limit - less if direction is Direction.ABOVE else limit + less
    return Limits(
        direction=direction,
        limit=limit,
        clear=clear,
        hold=draw(st.sampled_from([0, 0, 1, 3])),
        keep=draw(st.sampled_from([0, 0, 2])),
    )


def live_figure(measure: str, story: Sequence[Told], waiting: int, now: Micros) -> int:
    """Return a live measure of agents by looking at the whole story."""
    states = [*doing(story, now, QUEUES[:1]).values()]
    if measure == "agents_staffed":
        return len(states) - states.count(AgentState.AWAY)
    if measure == "unserved":
        unrung = max(waiting - states.count(AgentState.RINGING), 0)
        return min(unrung, states.count(AgentState.AVAILABLE))
    return states.count(AgentState[measure.removeprefix("agents_").upper()])


instants = st.lists(st.integers(0, 40).map(lambda at: BASE + at), max_size=3)


@given(st.sampled_from(LIVE), crews(queues=QUEUES[:1]), instants, limits_of(parts=1))
def test_live_measures_fire_when_they_must(
    measure: str, story: list[Told], waits: list[Micros], limits: Limits
) -> None:
    """Also at the very microsecond at which a wrap-up ends."""
    state = a_state()
    scene = Scene(state, a_watch(state, measure, limits, 0))

    scene.play(story, waits)

    def read(now: Micros, _floor: Micros) -> Figure:
        waiting = sum(at <= now for at in waits)
        return Fraction(live_figure(measure, story, waiting, now)), 0

    assert alerts(measure, read, limits, until=BASE + UNTIL) == scene.turns()


def area(story: Sequence[Told], start: Micros, end: Micros) -> tuple[int, int, int]:
    """Return how long agents were busy, ready and in wrap-up between two instants."""
    each = [levels(story, now, QUEUES[:1]) for now in range(max(start, BASE), end)]
    busy, ready, wrapup = (sum(level[kind] for level in each) for kind in range(3))
    return busy, ready, wrapup


spans = st.lists(st.integers(0, 60), min_size=2, max_size=6, unique=True).map(
    lambda edges: Spans(
        [(BASE + a, BASE + b) for a, b in zip(*[iter(sorted(edges))] * 2, strict=False)]
    )
)


@given(
    crews(queues=QUEUES[:1], size=8),
    st.one_of(limits_of(parts=2), limits_of(parts=7)),
    st.integers(1, 30),
    st.one_of(st.none(), spans),
)
def test_occupancy_fires_when_it_must(
    story: list[Told], limits: Limits, length: Micros, active: Spans | None
) -> None:
    """At the microsecond at which the share of busy time passes the limit, not at a poll."""
    limits = Limits(
        direction=limits.direction,
        limit=limits.limit,
        clear=limits.clear,
        hold=limits.hold,
        keep=limits.keep,
        active=active,
    )
    state = a_state()
    scene = Scene(state, a_watch(state, "occupancy", limits, length))

    scene.play(story)

    def read(now: Micros, floor: Micros) -> Figure | None:
        start = now - length if now - length >= floor else floor + 1
        busy, ready, _ = area(story, start, now)
        return (Fraction(busy, ready), 0) if ready else None

    assert alerts("occupancy", read, limits, until=BASE + UNTIL) == scene.turns()


@given(crews(queues=QUEUES[:1], size=8), instants, limits_of(parts=1), st.integers(1, 40))
def test_the_estimated_wait_fires_when_it_must(
    story: list[Told], waits: list[Micros], limits: Limits, length: Micros
) -> None:
    """It grows while somebody is in wrap-up, and ends when the last talk leaves the window."""
    state = a_state()
    state.talking = 1
    state.end_talk(BASE, SPAN)
    scene = Scene(state, a_watch(state, "estimated_wait", limits, length))

    scene.play(story, waits)

    def read(now: Micros, _floor: Micros) -> Figure | None:
        _, ready, _ = levels(story, now, QUEUES[:1])
        if not ready or now - length >= BASE:
            return None
        wrapup = area(story, now - length, now)[2]
        waiting = sum(at <= now for at in waits)
        return Fraction((waiting + 1) * (SPAN + wrapup), ready), 1

    assert alerts("estimated_wait", read, limits, until=BASE + UNTIL) == scene.turns()


def test_agents_minutes_guard_the_entry() -> None:
    """Two busy agents make twenty minutes in ten: then, at that instant, and not before."""
    minute = 60 * SECOND
    limits = Limits(direction=Direction.ABOVE, limit=Fraction(9, 10), at_least=20)
    state = a_state()
    scene = Scene(state, a_watch(state, "occupancy", limits, 60 * minute))
    for agent in AGENTS[:2]:
        agent_changed((state,), changed(0, agent, Device.BUSY))
    scene.look(BASE)

    scene.until(BASE + 60 * minute)

    assert [10 * minute] == [t.at - BASE for t in scene.transitions]


def test_a_quiet_team_is_hardly_looked_at() -> None:
    """Where nothing moves the share of busy time, nothing wakes the daemon."""
    limits = Limits(direction=Direction.ABOVE, limit=Fraction(9, 10))
    state = a_state()
    scene = Scene(state, a_watch(state, "occupancy", limits, 60 * SECOND))
    agent_changed((state,), changed(0, AGENTS[0]))
    scene.look(BASE)

    scene.until(BASE + 86_400 * SECOND)

    assert scene.looks <= 5


@pytest.mark.parametrize("measure", [name for name, m in MEASURES.items() if m.of_agents])
def test_without_a_live_feed_nothing_is_known(measure: str) -> None:
    """Not zero agents: no figure, and a threshold on it is as blind."""
    state = a_state(known=False)
    agent_changed((state,), changed(0))
    watch = a_watch(
        state, measure, Limits(direction=Direction.BELOW, limit=Fraction(2)), 60 * SECOND
    )

    transitions = watch.evaluate(BASE + 1)

    assert () == transitions
    assert watch.read(BASE + 1) is None
    assert watch.state.blind


def test_an_alert_stands_while_agents_are_unknown() -> None:
    """When the live feed goes, an alert on agents is kept; it ends only when they are seen."""
    state = a_state()
    limits = Limits(direction=Direction.BELOW, limit=Fraction(2))
    watch = a_watch(state, "agents_available", limits, 0)
    agent_changed((state,), changed(0, AGENTS[0]))
    fired = watch.evaluate(BASE)
    state.agents.set_known(known=False, at=BASE + 1)
    agent_changed((state,), changed(2, AGENTS[1]))

    blind = watch.evaluate(BASE + 2)
    state.agents.set_known(known=True, at=BASE + 3)
    ended = watch.evaluate(BASE + 3)

    assert ["fired"] == [t.kind for t in fired]
    assert () == blind
    assert ["ended"] == [t.kind for t in ended]


def reading(state: SubjectState, measure: str, now: Micros) -> Reading | None:
    """Return a windowed measure over the only window."""
    over = MEASURES[measure].over
    assert over is not None
    window = state.windows["w"]
    window.sync(now)
    return over(state, window, now)


def test_today_begins_at_midnight_to_the_microsecond() -> None:
    """An agent busy since the evening before counts from midnight on, not one unit more."""
    midnight = 1_700_006_400 * SECOND
    state = SubjectState(
        Subject(kind=SubjectKind.QUEUE, name="sales"),
        Targets(),
        day_of("UTC"),
        [WindowSpec(name="w", day=True)],
    )
    state.agents.set_known(known=True, at=BASE)
    agent_changed((state,), changed(0, device=Device.BUSY))

    assert (7, 7, 0) == reading(state, "occupancy", midnight + 7)


def test_the_estimate_counts_who_serves() -> None:
    """Two talks of 3 min with 30 s of wrap-up after them, 3 serve, 5 wait: 7 minutes."""
    state = SubjectState(
        Subject(kind=SubjectKind.QUEUE, name="sales"),
        Targets(),
        day_of("UTC"),
        [WindowSpec(name="w", length=3_600 * SECOND)],
    )
    state.agents.set_known(known=True, at=BASE)
    state.talking = 2
    for agent in AGENTS[:2]:
        agent_changed((state,), changed(0, agent, wrapup=30 * SECOND))
        state.end_talk(BASE, 180 * SECOND)
    agent_changed((state,), changed(0, AGENTS[2], Device.BUSY))
    agent_changed((state,), changed(0, "SIP/4", paused=True))
    for _ in range(5):
        state.join(BASE)

    found = reading(state, "estimated_wait", BASE + 60 * SECOND)

    assert found is not None
    assert Fraction(7 * 60 * SECOND) == Fraction(found[0], found[1])
    assert 2 == found[2]


def an_engine(measure: str, limits: Limits) -> Engine:
    """Return an engine that watches the group of both queues."""
    threshold = Threshold(
        name="t",
        measure=measure,
        window=None,
        severity=Severity.WARNING,
        select=Selector(groups=("all",)),
        limits=limits,
    )
    engine = Engine(
        EngineSettings(
            groups=(GroupSettings(name="all", queues=("*",)),),
            thresholds=(threshold,),
            sources=(SOURCE,),
            live_sources=frozenset((SOURCE,)),
        ),
        BASE,
    )
    engine.apply(
        FeedChanged(BASE, SOURCE, 0, "live", up=True, live=True, agents=True), live=True
    )
    return engine


def told(engine: Engine) -> list[tuple[str, Micros]]:
    """Return what has come about since the last time: kind and instant."""
    return [(t.kind, t.at - BASE) for t in engine.drain()]


def test_the_engine_ends_an_alert_when_a_wrapup_ends() -> None:
    """Two free agents of a group, one twice: below 2 until the second has finished."""
    limits = Limits(direction=Direction.BELOW, limit=Fraction(2))
    engine = an_engine("agents_available", limits)
    engine.apply_all(
        [
            changed(1, AGENTS[0], queue="sales"),
            changed(1, AGENTS[0], queue="support"),
            changed(1, AGENTS[1], queue="support", wrapup=10 * SECOND),
        ],
        live=True,
    )

    engine.advance(BASE + 60 * SECOND)

    assert [("fired", 1), ("ended", 1 + 10 * SECOND)] == told(engine)


def test_callers_who_wait_beside_free_agents_are_unserved() -> None:
    """``unserved above 0 for 30s`` fires 30 s after both, and ends when one is taken."""
    limits = Limits(direction=Direction.ABOVE, limit=Fraction(0), hold=30 * SECOND)
    engine = an_engine("unserved", limits)
    engine.apply_all([joined(1, "a"), changed(5 * SECOND)], live=True)
    engine.advance(BASE + 40 * SECOND)

    fired = told(engine)
    engine.apply(changed(41 * SECOND, device=Device.RINGING), live=True)
    engine.advance(BASE + 42 * SECOND)

    assert [("fired", 35 * SECOND)] == fired
    assert [("ended", 41 * SECOND)] == told(engine)


def test_a_live_feed_that_goes_takes_the_figures_along() -> None:
    """While it is down agents are unknown, not gone; the alert stands, and the group knows."""
    limits = Limits(direction=Direction.BELOW, limit=Fraction(2))
    engine = an_engine("agents_available", limits)
    engine.apply(changed(1), live=True)
    engine.apply(
        FeedChanged(BASE + 5, SOURCE, 0, "live", up=False, live=True, agents=True), live=True
    )
    engine.apply(changed(7, AGENTS[1]), live=True)
    engine.advance(BASE + 10)
    group = engine.subjects[SubjectKind.GROUP, "all"]

    known = group.agents.known
    engine.apply(
        FeedChanged(BASE + 20, SOURCE, 0, "live", up=True, live=True, agents=True), live=True
    )
    engine.advance(BASE + 30)

    assert not known
    assert [("fired", 1), ("ended", 20)] == told(engine)
    assert (0, 2, 0) == group.agents.spent(BASE + 19, BASE + 21)


@pytest.mark.parametrize(
    ("waiting", "ringing", "available", "unserved"),
    [(0, 0, 3, 0), (2, 0, 3, 2), (5, 0, 3, 3), (2, 2, 3, 0), (3, 1, 1, 1), (1, 4, 2, 0)],
)
def test_who_is_being_rung_for_is_served(
    waiting: int, ringing: int, available: int, unserved: int
) -> None:
    """A caller at whom nobody looks waits beside free agents; one who is offered does not."""
    state = a_state()
    state.agents.set_known(True, BASE)  # noqa: FBT003 - its one subject
    devices = [Device.RINGING] * ringing + [Device.IDLE] * available
    for number, device in enumerate(devices):
        state.agents.change(
            AgentChanged(BASE, SOURCE, number, "sales", f"a{number}", "", device, False, "", 0)  # noqa: FBT003 - positional, as decoders do
        )
    for _ in range(waiting):
        state.join(BASE)

    live = MEASURES["unserved"].live
    assert live is not None
    assert (unserved, 1, waiting) == live(state, BASE)
