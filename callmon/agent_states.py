"""What an agent does, what that adds up to, and how a roster of agents is stored."""

from enum import IntEnum
from typing import Final

import msgspec

from callmon.clock import Micros
from callmon.events import AgentChanged, Device
from callmon.workload import Levels, WorkloadPart

__all__ = [
    "AGENT_LABELS",
    "STEPS",
    "AgentPart",
    "AgentState",
    "RosterPart",
    "repeats",
    "state_in",
]


class AgentState(IntEnum):
    """What an agent does; of several places the lowest counts."""

    BUSY = 0
    RINGING = 1
    AVAILABLE = 2
    WRAPUP = 3
    PAUSED = 4
    AWAY = 5  #: not staffed


AGENT_LABELS = tuple(state.name.lower() for state in AgentState)
"""Label text by state: metrics, JSON and YAML all use these words."""

_DEVICES: Final = {
    Device.BUSY: AgentState.BUSY,
    Device.RINGING: AgentState.RINGING,
    Device.AWAY: AgentState.AWAY,
}

_LEVELS: Final = {
    AgentState.BUSY: Levels(busy=1, ready=1),
    AgentState.RINGING: Levels(ready=1),
    AgentState.AVAILABLE: Levels(ready=1),
    AgentState.WRAPUP: Levels(ready=1, wrapup=1),
    AgentState.PAUSED: Levels(),
    AgentState.AWAY: Levels(),
}
"""What an agent adds to the levels of ``callmon.workload``."""

STEPS: Final = [
    [
        Levels(*(late - early for late, early in zip(_LEVELS[new], _LEVELS[old], strict=True)))
        for new in AgentState
    ]
    for old in AgentState
]
"""By how much the levels differ when an agent goes from one state to another."""


class AgentPart(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One agent in a checkpoint."""

    source: str
    agent: str
    places: dict[str, AgentChanged]
    state: AgentState
    since: Micros
    reason: str
    wakes: Micros


class RosterPart(msgspec.Struct, frozen=True, gc=False):
    """A ``Roster`` in a checkpoint."""

    agents: list[AgentPart]
    reasons: dict[str, int]  #: by first come; those of nobody now keep their place
    refused: int
    since: Micros
    seen: bool
    counted: tuple[int, ...] | None
    doubtful: bool
    workload: WorkloadPart | None


def repeats(event: AgentChanged, known: AgentChanged | None) -> bool:
    """Tell whether *event* says nothing new."""
    if known is None:
        return False
    return (
        event.device is known.device
        and event.paused is known.paused
        and event.wrapup_until == known.wrapup_until
        and event.reason == known.reason
        and event.name == known.name
    )


def state_in(event: AgentChanged, at: Micros) -> AgentState:
    """Return what an agent does in one place at *at*."""
    state = _DEVICES.get(event.device)
    if state is not None:
        return state
    if event.wrapup_until > at:
        return AgentState.WRAPUP
    return AgentState.PAUSED if event.paused else AgentState.AVAILABLE
