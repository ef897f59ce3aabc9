"""Crews: agents made from small numbers, so that instants collide, and what they truly do.

The reference below knows nothing of callmon's way: it looks at every microsecond anew.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from callmon.agents import AgentState
from callmon.clock import Micros
from callmon.events import AgentChanged, AgentRemoved, Device
from tests.stories import BASE, QUEUES, SOURCE

__all__ = ["AGENTS", "Told", "changed", "crews", "doing", "event_of", "levels", "removed"]

AGENTS = ("SIP/1", "SIP/2", "SIP/3")


class Told(NamedTuple):
    """What is told of one agent in one queue; no device: he is none of the queue's."""

    at: Micros
    queue: str
    agent: str
    device: Device | None
    paused: bool = False
    reason: str = ""
    wrapup_until: Micros = 0


def event_of(told: Told) -> AgentChanged | AgentRemoved:
    """Return *told* as an event."""
    at, queue, agent, device, paused, reason, until = told
    if device is None:
        return AgentRemoved(at, SOURCE, at, queue, agent)
    return AgentChanged(
        at, SOURCE, at, queue, agent, agent.lower(), device, paused, reason, until
    )


def changed(
    at: Micros,
    agent: str = AGENTS[0],
    device: Device = Device.IDLE,
    *,
    queue: str = QUEUES[0],
    source: str = SOURCE,
    paused: bool = False,
    reason: str = "",
    wrapup: Micros = 0,
) -> AgentChanged:
    """Return that an agent stands so from ``BASE`` + *at* on."""
    until = BASE + at + wrapup if wrapup else 0
    return AgentChanged(
        BASE + at, source, at, queue, agent, agent.lower(), device, paused, reason, until
    )


def removed(at: Micros, agent: str = AGENTS[0], *, queue: str = QUEUES[0]) -> AgentRemoved:
    """Return that an agent leaves a queue at ``BASE`` + *at*."""
    return AgentRemoved(BASE + at, SOURCE, at, queue, agent)


@st.composite
def crews(
    draw: st.DrawFn, *, queues: Sequence[str] = QUEUES, size: int = 16, longest: int = 6
) -> list[Told]:
    """Return what is told of a few agents, in order of time."""
    story: list[Told] = []
    at = BASE
    for _ in range(draw(st.integers(0, size))):
        at += draw(st.integers(0, longest))
        wrapup = draw(st.sampled_from([0, 0, 1, 3, 9]))
        story.append(
            Told(
                at,
                draw(st.sampled_from(queues)),
                draw(st.sampled_from(AGENTS)),
                draw(st.sampled_from([None, *Device])),
                draw(st.booleans()),
                draw(st.sampled_from(["", "lunch", "tea"])),
                at + wrapup if wrapup else 0,
            )
        )
    return story


def doing(
    story: Iterable[Told], now: Micros, queues: Sequence[str] = QUEUES
) -> dict[str, AgentState]:
    """Return what every agent of *queues* does at *now*, counted once over them."""
    last = {
        (told.queue, told.agent): told
        for told in story
        if told.at <= now and told.queue in queues
    }
    states: dict[str, set[AgentState]] = {}
    for (_, agent), told in last.items():
        if told.device is not None:
            states.setdefault(agent, set()).add(_state(told, now))
    return {agent: _one_of(several) for agent, several in states.items()}


def _state(told: Told, now: Micros) -> AgentState:
    if told.device is Device.BUSY:
        return AgentState.BUSY
    if told.device is Device.RINGING:
        return AgentState.RINGING
    if told.device is Device.AWAY:
        return AgentState.AWAY
    if now < told.wrapup_until:
        return AgentState.WRAPUP
    return AgentState.PAUSED if told.paused else AgentState.AVAILABLE


def _one_of(states: set[AgentState]) -> AgentState:
    for state in ("BUSY", "RINGING", "AVAILABLE", "WRAPUP", "PAUSED"):
        if AgentState[state] in states:
            return AgentState[state]
    return AgentState.AWAY


def levels(
    story: Iterable[Told], now: Micros, queues: Sequence[str] = QUEUES
) -> tuple[int, int, int]:
    """Return how many are busy, at work and not paused, and in wrap-up at *now*."""
    states = [*doing(story, now, queues).values()]
    idle = states.count(AgentState.PAUSED) + states.count(AgentState.AWAY)
    return states.count(AgentState.BUSY), len(states) - idle, states.count(AgentState.WRAPUP)
