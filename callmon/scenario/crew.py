"""The agents of a scenario, as the feeds that know them would tell of them. Pure."""

import dataclasses
from collections.abc import Iterator

from callmon.clock import Micros
from callmon.events import AgentChanged, AgentRemoved, Device, Event
from callmon.scenario.site import Site
from callmon.scenario.slots import SentenceError
from callmon.scenario.steps import AgentActs, AgentDoes

__all__ = ["Crew"]


@dataclasses.dataclass(slots=True)
class _Agent:
    """One of them; he has one telephone, whatever queues he serves."""

    queues: list[str] = dataclasses.field(default_factory=list)
    device: Device = Device.IDLE
    paused: bool = False
    reason: str = ""
    wrapup_until: Micros = 0


class Crew:
    """Everybody who has logged in; what they do goes to *events*."""

    def __init__(self, site: Site, events: list[Event], seqs: Iterator[int]) -> None:
        self._site = site
        self._events = events
        self._seqs = seqs
        self._agents: dict[str, _Agent] = {}

    def act(self, at: Micros, action: AgentActs) -> None:
        """Let agents do something.

        Raises:
            SentenceError: nobody would know of it, or who does it is not at work.
        """
        queues = [self._site.crewed_queue(word) for word in action.queues]
        for word in action.agents:
            if action.does is AgentDoes.LOGS_IN:
                self._log_in(at, word.text, queues)
            elif word.text not in self._agents:
                raise SentenceError(word.at, f"agent {word.text} is not logged in then")
            elif action.does is AgentDoes.LOGS_OUT:
                self._log_out(at, word.text, queues)
            else:
                self._change(at, word.text, action)

    def talk(self, at: Micros, name: str, *, talking: bool) -> None:
        """Let an agent who is logged in be busy, or free again."""
        agent = self._agents.get(name)
        if agent is not None:
            agent.device = Device.BUSY if talking else Device.IDLE
            self._tell(at, name, agent)

    def ring(self, at: Micros, name: str, *, rings: bool) -> bool:
        """Let the telephone of an agent ring, or ring no more; tell whether he is logged in.

        While he talks it goes on being busy.
        """
        agent = self._agents.get(name)
        if agent is None:
            return False
        if agent.device is (Device.IDLE if rings else Device.RINGING):
            agent.device = Device.RINGING if rings else Device.IDLE
            self._tell(at, name, agent)
        return True

    def _log_in(self, at: Micros, name: str, queues: list[str]) -> None:
        agent = self._agents.setdefault(name, _Agent())
        agent.queues += [queue for queue in queues if queue not in agent.queues]
        self._tell(at, name, agent)

    def _log_out(self, at: Micros, name: str, queues: list[str]) -> None:
        agent = self._agents[name]
        for queue in queues or list(agent.queues):
            if queue in agent.queues:
                agent.queues.remove(queue)
                source, spelled = self._site.origin(queue)
                removed = AgentRemoved(at, source, next(self._seqs), spelled, name)
                self._events.append(removed)
        if not agent.queues:
            del self._agents[name]

    def _change(self, at: Micros, name: str, action: AgentActs) -> None:
        agent = self._agents[name]
        if action.does is AgentDoes.PAUSES:
            agent.paused, agent.reason = True, action.reason
        elif action.does is AgentDoes.COMES_BACK:
            agent.paused, agent.reason, agent.device = False, "", Device.IDLE
        elif action.does is AgentDoes.WRAPS_UP:
            agent.device, agent.wrapup_until = Device.IDLE, at + action.wrapup
        else:
            agent.device, agent.wrapup_until = action.device, 0
        self._tell(at, name, agent)

    def _tell(self, at: Micros, name: str, agent: _Agent) -> None:
        for queue in agent.queues:
            source, spelled = self._site.origin(queue)
            self._events.append(
                AgentChanged(
                    at,
                    source,
                    next(self._seqs),
                    spelled,
                    name,
                    name,
                    agent.device,
                    agent.paused,
                    agent.reason,
                    agent.wrapup_until,
                )
            )
