"""The agents of a subject: who is at work, and what each of them does now.

An agent is told apart by source and interface. What is told of him is told per queue of
the source, a *place*; a subject may have several: a group, or a queue that two queues of a
source lead to. It counts him once, by the state in which he can do most for it:

* busy if he is busy anywhere, else ringing if his phone rings anywhere: he has one phone;
* else available if he is in any place: the group's callers there can reach him;
* else in wrap-up, else paused: that ends by itself, a pause does not;
* away, and not staffed, only if he is away everywhere.

With one place this is the precedence busy > ringing > wrapup > paused > available.

A source that knows its queues only as a whole says how many agents are in each state. That
stands for a roster in which nobody has a name, until one is told of by himself.
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from callmon.agent_states import (
    AGENT_LABELS,
    STEPS,
    AgentPart,
    AgentState,
    RosterPart,
    repeats,
    state_in,
)
from callmon.clock import Micros
from callmon.errors import DropReason
from callmon.events import AgentChanged, AgentRemoved
from callmon.windows import SampleLog
from callmon.workload import Levels, Workload

__all__ = [
    "AGENT_LABELS",
    "MAX_AGENTS",
    "MAX_REASONS",
    "OTHER_REASON",
    "UNSPECIFIED",
    "AgentState",
    "AgentView",
    "HasAgents",
    "Roster",
    "RosterPart",
    "agent_changed",
    "agent_removed",
    "agents_gone",
]

MAX_AGENTS = 5_000
"""Agents of one subject: more than the largest centre has on one system."""

MAX_REASONS = 10
"""Reasons of pauses told apart per subject, by first come: each is a series for ever."""

MAX_REASON_TEXT = 40
UNSPECIFIED = "unspecified"
OTHER_REASON = "other"


Key = tuple[str, str]
"""(source, agent)."""


class AgentView(NamedTuple):
    """An agent as others may see him."""

    source: str
    agent: str
    name: str
    state: AgentState
    reason: str  #: why he is paused, as ``Roster.reasons`` counts it; empty when he is not


class _Agent:
    """An agent of one subject."""

    __slots__ = ("places", "reason", "since", "state", "wakes")

    def __init__(self) -> None:
        self.places: dict[str, AgentChanged] = {}  #: what was told last, by queue
        self.state = AgentState.AWAY
        self.since: Micros = 0  #: when that began
        self.reason = ""  #: under which his pause is counted
        self.wakes: Micros = 0  #: when a wrap-up of his ends that is still to be heeded


_NO_AGENTS: dict[Key, _Agent] = {}
_NO_COUNTS = [0] * len(AgentState)
_NO_REASONS: dict[str, int] = {}
_NO_WAKES: list[tuple[Micros, Key]] = []
"""What all subjects share whose agents nobody tells of."""


class Roster:
    """What one queue or group knows of its agents.

    Wrap-ups end by time: call ``sync(now)`` before reading what holds now.
    """

    __slots__ = (
        "_agents",
        "_counted",
        "_counts",
        "_doubtful",
        "_log",
        "_seen",
        "_since",
        "_wakes",
        "_workload",
        "known",
        "reasons",
        "refused",
        "version",
    )

    def __init__(self, log: SampleLog) -> None:
        self._log = log
        self._agents = _NO_AGENTS
        self._counts = _NO_COUNTS
        self._wakes = _NO_WAKES
        self._workload: Workload | None = None
        self._since: Micros = 0
        self._seen = False  #: a live feed tells of them
        self._counted: tuple[int, ...] | None = None  #: by state, where that is all
        self._doubtful = False  #: some were counted, but not so that it can be used
        self.known = False  #: whether what is known holds now
        self.reasons = _NO_REASONS  #: paused agents by reason
        self.refused = 0  #: times an agent was beyond ``MAX_AGENTS``
        self.version = 0  #: grows with every change

    @property
    def untouched(self) -> bool:
        """Whether no agent is known."""
        return not self._agents and self._counted is None

    @property
    def by_name(self) -> bool:
        """Whether anybody was told of by himself."""
        return bool(self._agents)

    @property
    def named(self) -> bool:
        """Whether they are known one by one now."""
        return self.known and self._counted is None

    def set_known(self, known: bool, at: Micros) -> None:  # noqa: FBT001 - its one subject
        """From *at* on a live feed tells of the agents, or none does.

        While none does, nothing is known of them now, and the time does not count.
        """
        if known is not self._seen:
            self._stand(at, self._counted, seen=known, doubtful=self._doubtful)

    def count_only(
        self, counted: tuple[int, ...] | None, at: Micros, *, doubtful: bool
    ) -> None:
        """From *at* on this many agents are in each state; None: nobody counts them now.

        Agents who were told of by themselves come before all counts. *doubtful*: some were
        counted, but it is not known which of them are the same, or how many there are now.
        """
        if self._agents:
            counted = None
        if counted != self._counted or doubtful is not self._doubtful:
            self._stand(at, counted, seen=self._seen, doubtful=doubtful)

    def _stand(
        self, at: Micros, counted: tuple[int, ...] | None, *, seen: bool, doubtful: bool
    ) -> None:
        """Take what is known of all of them from *at* on."""
        self.sync(at)  # by what was known until then
        before = self._level()
        known, as_counted = self.known, self._counted
        self._seen, self._counted, self._doubtful = seen, counted, doubtful
        self.known = counted is not None or (seen and not doubtful)
        if counted is not None and self._workload is None:
            self._begin()
        if known is self.known and as_counted == counted:
            return
        self._since = at
        self.version += 1
        if self._workload is not None:
            step = zip(self._level(), before, strict=True)
            self._workload.step(at, Levels(*(late - early for late, early in step)))

    def as_of(self, now: Micros) -> "Roster | None":
        """Return itself with all that holds at *now*; None while nobody tells of agents."""
        if not self.known:
            return None
        self.sync(now)
        return self

    def sync(self, now: Micros) -> None:
        """End the wrap-ups that are over at *now*, each at its own instant."""
        wakes = self._wakes
        while wakes and wakes[0][0] <= now:
            at, key = heapq.heappop(wakes)
            agent = self._agents.get(key)
            if agent is not None and agent.wakes == at:
                self._judge(key, agent, at)

    def next_change(self, now: Micros) -> Micros | None:
        """Return when the next wrap-up ends, if nothing else happens."""
        self.sync(now)
        wakes = self._wakes
        while wakes:
            at, key = wakes[0]
            agent = self._agents.get(key)
            if agent is not None and agent.wakes == at:
                return at
            heapq.heappop(wakes)
        return None

    def count(self, state: AgentState) -> int:
        """Return how many agents are in a state."""
        return (self._counts if self._counted is None else self._counted)[state]

    def staffed(self) -> int:
        """Return how many agents are at work, whatever they do there."""
        if self._counted is not None:
            return sum(self._counted[: AgentState.AWAY])
        return len(self._agents) - self._counts[AgentState.AWAY]

    def levels(self, at: Micros) -> Levels:
        """Return the levels that counted from *at* on."""
        return Levels() if self._workload is None else self._workload.levels(at)

    def spent(self, start: Micros, end: Micros) -> Levels:
        """Return the agents' time between two instants, as far as it was known."""
        if self._workload is None:
            return Levels()
        before, after = self._workload.spent(start), self._workload.spent(end)
        return Levels(*(late - early for late, early in zip(after, before, strict=True)))

    def next_step(self, after: Micros) -> Micros | None:
        """Return when the levels next changed after an instant."""
        return None if self._workload is None else self._workload.next_step(after)

    def views(self) -> Iterator[AgentView]:
        """Yield all agents, away ones included, in order of source and agent."""
        for (source, name), agent in sorted(self._agents.items(), key=lambda item: item[0]):
            place = min(agent.places)
            label = agent.places[place].name
            yield AgentView(source, name, label, agent.state, agent.reason)

    # ---- what is told -------------------------------------------------------------

    def change(self, event: AgentChanged) -> DropReason | None:
        """Take in where an agent stands in one place; None when it was taken in."""
        key = event.source, event.agent
        agent = self._agents.get(key)
        if agent is None:
            if len(self._agents) >= MAX_AGENTS:
                self.refused += 1
                return DropReason.AGENT_LIMIT
            agent = self._open(key, event.at)
        elif repeats(event, agent.places.get(event.queue)):
            return DropReason.DUPLICATE
        self.sync(event.at)
        agent.places[event.queue] = event
        self.version += 1
        self._judge(key, agent, event.at)
        return None

    def remove(self, source: str, agent: str, queue: str, at: Micros) -> bool:
        """Let an agent leave a place; tell whether he was there."""
        key = source, agent
        known = self._agents.get(key)
        if known is None or queue not in known.places:
            return False
        self.sync(at)
        if len(known.places) == 1:
            self._move(known, AgentState.AWAY, at)
            self._counts[AgentState.AWAY] -= 1
            del self._agents[key]
        else:
            del known.places[queue]
            self._judge(key, known, at)
        self.version += 1
        return True

    def places(self, source: str) -> list[tuple[str, str]]:
        """Return every (agent, place) that *source* has told of."""
        return [
            (name, place)
            for (of, name), agent in self._agents.items()
            if of == source
            for place in agent.places
        ]

    def gather(self, members: Sequence["Roster"]) -> None:
        """Become the sum of *members*, who has never known of anybody.

        How busy their agents have been is not summed: in two queues, one may have been the
        other. That begins anew.
        """
        told = (
            event
            for member in members
            for agent in member._agents.values()  # noqa: SLF001 - another of us
            for event in agent.places.values()
        )
        for event in sorted(told, key=lambda event: event.at):
            self.change(event)

    # ---- checkpoint ---------------------------------------------------------------

    def part(self) -> RosterPart:
        """Return all that is known, for a checkpoint."""
        return RosterPart(
            agents=[
                AgentPart(*key, a.places, a.state, a.since, a.reason, a.wakes)
                for key, a in self._agents.items()
            ],
            reasons=self.reasons,
            refused=self.refused,
            since=self._since,
            seen=self._seen,
            counted=self._counted,
            doubtful=self._doubtful,
            workload=None if self._workload is None else self._workload.part(),
        )

    def restore(self, part: RosterPart) -> None:
        """Know what *part* says, and nothing else."""
        self._since, self.refused = part.since, part.refused
        self._seen, self._counted, self._doubtful = part.seen, part.counted, part.doubtful
        self.known = part.counted is not None or (part.seen and not part.doubtful)
        self.version += 1
        if part.workload is None:
            self._agents, self._counts, self._wakes = _NO_AGENTS, _NO_COUNTS, _NO_WAKES
            self.reasons, self._workload = _NO_REASONS, None
            return
        self._begin().restore(part.workload)
        self.reasons = dict(part.reasons)
        for row in part.agents:
            agent = self._agents[row.source, row.agent] = _Agent()
            agent.places, agent.state, agent.since = dict(row.places), row.state, row.since
            agent.reason, agent.wakes = row.reason, row.wakes
            self._counts[row.state] += 1
        self._rebuild_wakes()

    # ---- inside -----------------------------------------------------------------

    def _begin(self) -> Workload:
        """Have something of its own to remember agents in."""
        self._agents, self._counts = {}, list(_NO_COUNTS)
        self.reasons, self._wakes = {}, []
        self._workload = Workload(self._horizon)
        return self._workload

    def _open(self, key: Key, at: Micros) -> _Agent:
        if self._workload is None:
            self._begin()
        if self._counted is not None:
            self._stand(at, None, seen=self._seen, doubtful=self._doubtful)
        agent = self._agents[key] = _Agent()
        self._counts[AgentState.AWAY] += 1
        return agent

    def _horizon(self, now: Micros) -> Micros:
        return min((window.horizon(now) for window in self._log.windows), default=now)

    def _level(self) -> Levels:
        """Return what all agents add up to now, as far as that is known."""
        if not self.known:
            return Levels()
        return Levels(
            busy=self.count(AgentState.BUSY),
            ready=self.staffed() - self.count(AgentState.PAUSED),
            wrapup=self.count(AgentState.WRAPUP),
        )

    def _judge(self, key: Key, agent: _Agent, at: Micros) -> None:
        """Find the state of *agent* at *at*, and when it may next change by itself."""
        places = agent.places.values()
        if len(places) == 1:
            (place,) = places
            state, wakes = state_in(place, at), place.wrapup_until
            wakes = wakes if wakes > at else 0
        else:
            state = min([state_in(place, at) for place in places])
            ends = [place.wrapup_until for place in places if place.wrapup_until > at]
            wakes = min(ends, default=0)
        self._move(agent, state, at)
        if wakes and wakes != agent.wakes:
            if len(self._wakes) > 2 * MAX_AGENTS:
                self._rebuild_wakes()
            heapq.heappush(self._wakes, (wakes, key))
        agent.wakes = wakes

    def _rebuild_wakes(self) -> None:
        """Drop the wakes that nobody needs: agents who changed their end again and again."""
        self._wakes[:] = [(a.wakes, key) for key, a in self._agents.items() if a.wakes]
        heapq.heapify(self._wakes)

    def _move(self, agent: _Agent, state: AgentState, at: Micros) -> None:
        if agent.reason or state is AgentState.PAUSED:
            self._count_reason(agent, state)
        old = agent.state
        if state is old:
            return
        agent.state = state
        # One agent's states follow each other: what is told late of him began when the last
        # one did, also when that was a wrap-up that the clock had ended.
        agent.since = at = max(at, agent.since, self._since)
        self._counts[old] -= 1
        self._counts[state] += 1
        self.version += 1
        step = STEPS[old][state]
        if self.known and self._workload is not None and any(step):
            self._workload.step(at, step)

    def _count_reason(self, agent: _Agent, state: AgentState) -> None:
        """Count the reason of a pause; the eleventh one and all later are ``other``."""
        reason = ""
        if state is AgentState.PAUSED:
            reason = agent.places[min(agent.places)].reason[:MAX_REASON_TEXT].strip()
            reason = reason or UNSPECIFIED
            if reason not in self.reasons and len(self.reasons) >= MAX_REASONS:
                reason = OTHER_REASON
        if reason != agent.reason:
            if agent.reason:
                self.reasons[agent.reason] -= 1
            if reason:
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
            agent.reason = reason
            self.version += 1


class HasAgents(Protocol):
    """A subject's state, as far as it is needed here."""

    @property
    def agents(self) -> Roster:
        """Its agents."""


def agent_changed(states: Sequence[HasAgents], event: AgentChanged) -> DropReason | None:
    """Let *states* (a queue, then its groups) know where an agent stands.

    None when the queue took it in. A group that has no room for him counts that itself.
    """
    answers = [state.agents.change(event) for state in states]
    return answers[0]


def agent_removed(states: Sequence[HasAgents], event: AgentRemoved) -> DropReason | None:
    """Let *states* know that an agent is none of the queue's any more."""
    known = [
        state.agents.remove(event.source, event.agent, event.queue, event.at)
        for state in states
    ]
    return None if any(known) else DropReason.DUPLICATE


def agents_gone(states: Sequence[HasAgents], source: str, at: Micros) -> None:
    """Let *states* (a queue, then its groups) forget the agents that *source* told of there."""
    queue = states[0].agents
    for agent, place in queue.places(source):
        for state in states:
            state.agents.remove(source, agent, place, at)
