"""The measures of agents: how many do what, how busy they are, and what that means to callers.

All are absent unless a live feed tells of the subject's agents now. Occupancy counts only
the time in which one did.
"""

from callmon.agents import AGENT_LABELS, AgentState
from callmon.clock import Micros
from callmon.facts import Fact, waiting
from callmon.queues import SubjectState
from callmon.readings import MINUTE, Live, Measure, Motion, Reading, Unit
from callmon.windows import Window

__all__ = ["LIVE_OF_AGENTS", "OVER_OF_AGENTS"]


def _agents(agent_state: AgentState) -> Live:
    def read(state: SubjectState, now: Micros) -> Reading | None:
        agents = state.agents.as_of(now)
        if agents is None:
            return None
        count = agents.count(agent_state)
        return count, 1, count

    return read


def _agents_staffed(state: SubjectState, now: Micros) -> Reading | None:
    agents = state.agents.as_of(now)
    if agents is None:
        return None
    staffed = agents.staffed()
    return staffed, 1, staffed


def _unserved(state: SubjectState, now: Micros) -> Reading | None:
    agents = state.agents.as_of(now)
    if agents is None:
        return None
    # Whose telephone rings is about to serve one of them.
    number = waiting(state, now)
    unrung = max(number - agents.count(AgentState.RINGING), 0)
    return min(unrung, agents.count(AgentState.AVAILABLE)), 1, number


def _next_agent_change(
    state: SubjectState, now: Micros, _values: tuple[Micros, ...]
) -> Micros | None:
    return state.agents.next_change(now) if state.agents.known else None


def _occupancy(state: SubjectState, window: Window, now: Micros) -> Reading | None:
    agents = state.agents.as_of(now)
    if agents is None:
        return None
    spent = agents.spent(_begin(window, now), now)
    return (spent.busy, spent.ready, spent.ready // MINUTE) if spent.ready else None


def _occupancy_moves(state: SubjectState, window: Window, now: Micros) -> Motion:
    """With the end of the window time comes in, with its beginning time goes out."""
    agents = state.agents
    begin, until = _passage(state, window, now)
    coming = agents.levels(now)
    if begin is None:
        return Motion(coming.busy, coming.ready, until)
    going = agents.levels(begin)
    return Motion(coming.busy - going.busy, coming.ready - going.ready, until)


def _estimated_wait(state: SubjectState, window: Window, now: Micros) -> Reading | None:
    agents = state.agents.as_of(now)
    talks, talked = window.talks()
    if agents is None or not talks:
        return None
    serving = agents.staffed() - agents.count(AgentState.PAUSED)
    if not serving:
        return None
    handled = talked + agents.spent(_begin(window, now), now).wrapup
    return (waiting(state, now) + 1) * handled, talks * serving, talks


def _estimated_wait_moves(state: SubjectState, window: Window, now: Micros) -> Motion:
    agents = state.agents
    begin, until = _passage(state, window, now)
    wrapup = agents.levels(now).wrapup - (0 if begin is None else agents.levels(begin).wrapup)
    losses = (until, window.next_loss(now))
    until = min((at for at in losses if at is not None), default=None)
    return Motion((waiting(state, now) + 1) * wrapup, 0, until)


def _begin(window: Window, now: Micros) -> Micros:
    """Return from when on time counts: a window of a length w begins at now - w.

    Its horizon is the last instant outside; before a midnight or an opening, that is a
    microsecond earlier.
    """
    horizon = window.horizon(now)
    return horizon if _glides(window, now, horizon) else horizon + 1


def _glides(window: Window, now: Micros, horizon: Micros) -> bool:
    """Tell whether the window's beginning moves with the clock."""
    return window.length is not None and horizon == now - window.length


def _passage(
    state: SubjectState, window: Window, now: Micros
) -> tuple[Micros | None, Micros | None]:
    """Return the window's beginning if it moves, and how long time passes evenly there."""
    horizon, length = window.horizon(now), window.length
    changes = [state.agents.next_change(now)]
    begin = None
    if window.day is not None:
        changes.append(window.day.end(now))
    if length is not None and _glides(window, now, horizon):
        begin = horizon
        step = state.agents.next_step(horizon)
        changes.append(None if step is None else step + length)
    elif length is not None:
        changes.append(horizon + length)
    return begin, min((at for at in changes if at is not None), default=None)


_AGENT_HELP = {
    AgentState.BUSY: "on a call, of the queue or not",
    AgentState.RINGING: "whose telephone rings",
    AgentState.AVAILABLE: "free to take a call",
    AgentState.WRAPUP: "finishing their last call",
    AgentState.PAUSED: "paused",
}

LIVE_OF_AGENTS = (
    Measure(
        name="agents_staffed",
        unit=Unit.AGENTS,
        help="Agents at work: available, ringing, busy, in wrap-up or paused.",
        metric="agents_staffed",
        live=_agents_staffed,
        of_agents=True,
    ),
    *(
        Measure(
            name=f"agents_{AGENT_LABELS[state]}",
            unit=Unit.AGENTS,
            help=f"Agents {_AGENT_HELP[state]}.",
            metric="agents",
            labels=(("state", AGENT_LABELS[state]),),
            live=_agents(state),
            next_change=_next_agent_change,
            of_agents=True,
        )
        for state in (
            AgentState.AVAILABLE,
            AgentState.RINGING,
            AgentState.BUSY,
            AgentState.WRAPUP,
            AgentState.PAUSED,
        )
    ),
    Measure(
        name="unserved",
        unit=Unit.CONTACTS,
        help="Contacts that wait though agents are free: the fewer of waiting less ringing,"
        " and available.",
        metric="unserved_contacts",
        live=_unserved,
        next_change=_next_agent_change,
        needs=Fact.WAITING,
        of_agents=True,
    ),
)
"""What holds now."""

OVER_OF_AGENTS = (
    Measure(
        name="occupancy",
        unit=Unit.RATIO,
        help="The agents' busy time / (staffed time - paused time), as far as it was known.",
        metric="occupancy_ratio",
        over=_occupancy,
        moves=_occupancy_moves,
        of_agents=True,
        base_unit=MINUTE,
    ),
    Measure(
        name="estimated_wait",
        unit=Unit.SECONDS,
        help="(waiting + 1) * (average talk + average wrap-up) / agents at work, not paused.",
        metric="estimated_wait_seconds",
        over=_estimated_wait,
        needs=Fact.WAITING | Fact.ANSWERED | Fact.TALK,
        moves=_estimated_wait_moves,
        of_agents=True,
    ),
)
"""What holds over a window."""
