"""A simulated call centre: what happens, event by event, without clock or I/O.

Callers arrive in a Poisson stream that follows a daily curve, with surges on top; each
has a patience (log-normal), may press a key to leave, or is put out by the queue's time
limit. Agents are shared between queues, ring before they answer, sometimes do not answer,
talk (log-normal), wrap up, take breaks and lunch. The model is ours; it is meant to look
like a working day on a wallboard, not to predict one.

One seed gives one history: every draw happens in the order of simulated time, so the
history does not depend on how finely ``Simulation.advance`` is called, nor on whether the
agents are told of, too.
"""

import dataclasses
import datetime as dt
import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from callmon.clock import SECOND, Micros
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactRefused,
    Device,
    Event,
    Outcome,
    RingNotAnswered,
    TalkEnd,
    TalkEnded,
)
from callmon.feeds.call_centre import CallCentre, SimulatedQueue, Surge
from callmon.feeds.settings import LongWait

__all__ = ["Simulation"]

MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE

DEMAND = (
    *(0.30, 0.25, 0.25, 0.25, 0.25, 0.30, 0.35, 0.45),
    *(0.70, 0.95, 1.00, 0.95, 0.75, 0.80, 0.95, 1.00),
    *(0.95, 0.85, 0.70, 0.65, 0.60, 0.55, 0.45, 0.35),
)
"""Share of ``calls_per_hour`` by local hour. Nights are quiet, never dead."""

STAFF = (
    *(0.40, 0.40, 0.40, 0.40, 0.40, 0.40, 0.45, 0.55),
    *(0.80, 1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 1.00),
    *(1.00, 0.95, 0.80, 0.75, 0.70, 0.65, 0.55, 0.45),
)
"""Share of each queue's agents on duty by local hour."""

SHIFT_CHECK: Micros = 15 * MINUTE
"""Every zone's offset is a multiple of this, so an hour begins on one of them."""

SPREAD = 0.8
"""Sigma of the log-normal patience and talk: a long tail, as call logs have."""

NO_ANSWER_SHARE = 0.05
NO_ANSWER_RING: Micros = 15 * SECOND
NO_ANSWER_PAUSE: Micros = 60 * SECOND
BREAK_SHARE = 0.03
LUNCH_FROM: Micros = 11 * HOUR + 30 * MINUTE
LUNCH_LENGTH: Micros = 40 * MINUTE
LUNCH_SITTINGS = 4

FIRST_PHONE = 2001


class _Duty(Enum):
    """What an agent does; exactly one at a time."""

    IDLE = "idle"
    ENGAGED = "engaged"  #: ringing, talking, wrapping up or paused; a timer ends it
    OFF = "off"  #: the next shift check may call the agent in


class _Standing(NamedTuple):
    """What the telephone system knows of an agent at work: the end of ``AgentChanged``."""

    device: Device = Device.IDLE
    paused: bool = False
    reason: str = ""
    wrapup_until: Micros = 0


_FREE = _Standing()
_RINGING = _Standing(Device.RINGING)
_BUSY = _Standing(Device.BUSY)
_AT_LUNCH = _Standing(paused=True, reason="lunch")
_ON_BREAK = _Standing(paused=True, reason="break")
_NOT_ANSWERING = _Standing(paused=True, reason="Auto-Pause")  # Asterisk's own word for it


@dataclasses.dataclass(slots=True, eq=False)
class _Agent:
    name: str
    number: int
    queues: "list[_Queue]" = dataclasses.field(default_factory=list)
    rank: float = 1.0  #: place in the duty roster of the queue served first; 0 is always on
    duty: _Duty = _Duty.OFF
    standing: _Standing | None = None  #: None: off duty, and a member of no queue
    lunch_day: int = -1

    @property
    def phone(self) -> str:
        """What the telephone system tells agents apart by."""
        return f"SIP/{FIRST_PHONE + self.number}"


@dataclasses.dataclass(slots=True, eq=False)
class _Queue:
    plan: SimulatedQueue
    line: "dict[str, _Contact]" = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True, eq=False)
class _Contact:
    name: str
    queue: _Queue
    joined: Micros
    reserved: bool  #: a scripted caller: no agent may answer
    waiting: bool = True
    agent: _Agent | None = None  #: whose phone rings for this contact


_Entry = tuple[Micros, int, Callable[..., None], tuple[object, ...]]


class Simulation:
    """The history of one call centre, told as far as ``advance`` has asked.

    It begins with an empty house *warm_up* before *start*; scripted callers and surges
    count from *start*, negative is earlier. A ``LongWait`` caller is not refused, not sent
    on and not answered: a breach that is certain, and certain to the microsecond.

    With *agents* it tells of the agents what a live feed knows, else only of the contacts,
    as a record does. Who is on duty is a member of all his queues, who is not, of none.
    """

    def __init__(
        self,
        centre: CallCentre,
        *,
        seed: int,
        start: Micros,
        warm_up: Micros = 0,
        source: str = "simulator",
        agents: bool = False,
    ) -> None:
        self._centre = centre
        self._source = source
        self._tells_agents = agents
        self._random = random.Random(seed)  # noqa: S311  # to repeat, not to hide
        self._offset_of: tuple[int, Micros] = (-1, 0)
        self._now = start - warm_up
        self._events: list[Event] = []
        self._seq = itertools.count(self._now + 1)  # no number comes again after a restart
        self._order = itertools.count()
        self._agenda: list[_Entry] = []
        self._queues = {plan.name: _Queue(plan) for plan in centre.queues}
        self._agents = _roster(self._queues.values())
        self._idle: dict[_Agent, None] = {}  # the longest idle first
        self._open(start)

    @property
    def next_at(self) -> Micros:
        """The next instant at which anything happens, an event or not."""
        return self._agenda[0][0]

    def advance(self, until: Micros) -> list[Event]:
        """Return the events after the last call up to and including *until*, in order."""
        while self._agenda[0][0] <= until:
            self._now, _, happen, args = heapq.heappop(self._agenda)
            happen(*args)
        return self._take()

    def close(self, at: Micros) -> list[Event]:
        """Return that all agents leave: another house takes over at *at*."""
        self._now = at
        for agent in self._agents:
            self._stand(agent, None)
        return self._take()

    # The outside world: callers and shifts.

    def _open(self, start: Micros) -> None:
        self._check_shift()
        for queue in self._queues.values():
            self._await_caller(queue)
        for surge in self._centre.surges:
            self._after(start + surge.at_offset - self._now, self._surge, surge)
        for plan in self._centre.long_waits:
            self._after(start + plan.after - self._now, self._join_reserved, plan)
        self._await_surge()

    def _check_shift(self) -> None:
        """Call agents in as the day begins; those on duty leave after their next talk."""
        for agent in self._agents:
            if agent.duty is _Duty.OFF:
                self._free(agent)
        self._after(SHIFT_CHECK - self._now % SHIFT_CHECK, self._check_shift)

    def _await_caller(self, queue: _Queue) -> None:
        if queue.plan.calls_per_hour > 0:
            delay = self._exponential(HOUR / queue.plan.calls_per_hour)
            self._after(delay, self._maybe_call, queue)

    def _maybe_call(self, queue: _Queue) -> None:
        """Thin the busiest hour's stream to the present hour's."""
        if self._random.random() < DEMAND[self._local_time() // HOUR % 24]:
            self._call(queue)
        self._await_caller(queue)

    def _await_surge(self) -> None:
        if self._centre.surges_per_day > 0:
            delay = self._exponential(24 * HOUR / self._centre.surges_per_day)
            self._after(delay, self._unasked_surge)

    def _unasked_surge(self) -> None:
        surge = Surge(
            queue=self._random.choice(self._centre.queues).name,
            at_offset=0,
            length=self._between(3 * MINUTE, 8 * MINUTE),
            factor=self._random.uniform(2.5, 4.5),
        )
        self._surge(surge)
        self._await_surge()

    def _surge(self, surge: Surge) -> None:
        queue, end = self._queues[surge.queue], self._now + surge.length
        rate = queue.plan.calls_per_hour * surge.factor
        if rate <= 0:
            return  # a queue that only scripted callers call
        mean = HOUR / rate

        def call() -> None:
            self._call(queue)
            wait_for_next()

        def wait_for_next() -> None:
            delay = self._exponential(mean)
            if self._now + delay < end:
                self._after(delay, call)

        wait_for_next()

    def _call(self, queue: _Queue) -> None:
        plan, name = queue.plan, self._name()
        if plan.capacity is not None and len(queue.line) >= plan.capacity:
            self._tell(ContactRefused, plan.name, name, "full")
            return
        contact = self._join(queue, name, reserved=False)
        outcome, patience = Outcome.ABANDONED, self._log_normal(plan.patience)
        if self._random.random() < plan.key_exit:
            outcome, patience = Outcome.KEY_EXIT, self._between(20 * SECOND, MINUTE)
        if plan.timeout is not None and plan.timeout <= patience:
            outcome, patience = Outcome.TIMEOUT, plan.timeout
        self._after(patience, self._leave, contact, outcome)
        agent = next((agent for agent in self._idle if queue in agent.queues), None)
        if agent is not None:
            self._ring(agent, contact)

    def _join_reserved(self, plan: LongWait) -> None:
        contact = self._join(self._queues[plan.queue], self._name(), reserved=True)
        self._after(plan.wait, self._leave, contact, Outcome.ABANDONED)

    def _join(self, queue: _Queue, name: str, *, reserved: bool) -> _Contact:
        contact = _Contact(name, queue, self._now, reserved)
        queue.line[name] = contact
        self._tell(ContactJoined, queue.plan.name, name)
        return contact

    def _leave(self, contact: _Contact, outcome: Outcome) -> None:
        if not contact.waiting:
            return
        agent = contact.agent
        wait = self._end_wait(contact)
        self._tell(ContactLeft, contact.queue.plan.name, contact.name, outcome, wait)
        if agent is not None:
            self._free(agent)

    def _end_wait(self, contact: _Contact) -> Micros:
        contact.waiting, contact.agent = False, None
        del contact.queue.line[contact.name]
        return self._now - contact.joined

    # Agents: idle → ring → talk → wrap up or break → idle.

    def _free(self, agent: _Agent) -> None:
        """Give *agent* the next caller, or lunch, or leave, or idleness."""
        agent.duty = _Duty.ENGAGED
        local = self._local_time()
        day, time_of_day = divmod(local, 24 * HOUR)
        if agent.rank >= STAFF[time_of_day // HOUR]:
            agent.duty = _Duty.OFF
            self._stand(agent, None)
            return
        lunch = LUNCH_FROM + agent.number % LUNCH_SITTINGS * LUNCH_LENGTH
        if agent.lunch_day != day and lunch <= time_of_day < lunch + LUNCH_LENGTH:
            agent.lunch_day = day
            self._stand(agent, _AT_LUNCH)
            self._after(lunch + LUNCH_LENGTH - time_of_day, self._free, agent)
            return
        contact = min(_callers(agent), key=_urgency, default=None)
        if contact is None:
            agent.duty = _Duty.IDLE
            self._idle[agent] = None
            self._stand(agent, _FREE)
        else:
            self._ring(agent, contact)

    def _ring(self, agent: _Agent, contact: _Contact) -> None:
        self._idle.pop(agent, None)
        agent.duty, contact.agent = _Duty.ENGAGED, agent
        self._stand(agent, _RINGING)
        if self._random.random() < NO_ANSWER_SHARE:
            self._after(NO_ANSWER_RING, self._miss, agent, contact)
        else:
            ring = self._between(2 * SECOND, 9 * SECOND)
            self._after(ring, self._answer, agent, contact)

    def _miss(self, agent: _Agent, contact: _Contact) -> None:
        if contact.agent is not agent:
            return  # the caller left while it rang, and the agent went on
        contact.agent = None
        queue = contact.queue
        self._tell(RingNotAnswered, queue.plan.name, contact.name, NO_ANSWER_RING, agent.name)
        self._stand(agent, _NOT_ANSWERING)
        self._after(NO_ANSWER_PAUSE, self._free, agent)
        other = next((other for other in self._idle if queue in other.queues), None)
        if other is not None:
            self._ring(other, contact)

    def _answer(self, agent: _Agent, contact: _Contact) -> None:
        if contact.agent is not agent:
            return  # as in _miss
        wait = self._end_wait(contact)
        plan = contact.queue.plan
        self._tell(ContactAnswered, plan.name, contact.name, wait, agent.name)
        self._stand(agent, _BUSY)
        talk = self._log_normal(plan.talk)
        self._after(talk, self._hang_up, agent, contact, talk)

    def _hang_up(self, agent: _Agent, contact: _Contact, talk: Micros) -> None:
        ends, weights = (TalkEnd.CALLER, TalkEnd.AGENT, TalkEnd.TRANSFER), (55, 40, 5)
        ended_by = self._random.choices(ends, weights)[0]
        queue = contact.queue.plan.name
        self._tell(TalkEnded, queue, contact.name, talk, ended_by, agent.name)
        pause = self._between(5 * SECOND, 25 * SECOND)
        standing = _Standing(wrapup_until=self._now + pause)
        if self._random.random() < BREAK_SHARE:
            pause, standing = MINUTE + self._exponential(6 * MINUTE), _ON_BREAK
        self._stand(agent, standing)
        self._after(pause, self._free, agent)

    def _stand(self, agent: _Agent, standing: _Standing | None) -> None:
        """Note where *agent* stands from now on, and tell it to all his queues if it is new."""
        if not self._tells_agents:
            return
        known, agent.standing = agent.standing, standing
        if known is not None and 0 < known.wrapup_until <= self._now:
            known = _FREE  # that the wrap-up would end now was told when it began
        if known == standing:
            return
        for queue in agent.queues:
            if standing is None:
                self._tell(AgentRemoved, queue.plan.name, agent.phone)
            else:
                self._tell(AgentChanged, queue.plan.name, agent.phone, agent.name, *standing)

    # Means.

    def _take(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _after(self, delay: Micros, happen: Callable[..., None], *args: object) -> None:
        """Put ``happen(*args)`` on the agenda; at one instant, first come, first served.

        What was planned for before the beginning happens at the beginning.
        """
        at = self._now + max(delay, 0)
        heapq.heappush(self._agenda, (at, next(self._order), happen, args))

    def _tell(self, kind: Callable[..., Event], queue: str, who: str, *rest: object) -> None:
        self._events.append(kind(self._now, self._source, next(self._seq), queue, who, *rest))

    def _name(self) -> str:
        """Return a call id in Asterisk's manner: unlike those of an earlier start."""
        return f"{self._now // SECOND}.{next(self._order)}"

    def _local_time(self) -> Micros:
        """Return wall time of the centre's zone, as microseconds since a local epoch."""
        quarter = self._now // SHIFT_CHECK
        if self._offset_of[0] != quarter:
            moment = dt.datetime.fromtimestamp(self._now // SECOND, self._centre.zone)
            offset = moment.utcoffset() or dt.timedelta()
            self._offset_of = (quarter, offset // dt.timedelta(microseconds=1))
        return self._now + self._offset_of[1]

    def _exponential(self, mean: float) -> Micros:
        return 1 + int(self._random.expovariate(1.0 / mean))

    def _log_normal(self, mean: Micros) -> Micros:
        log_mean = math.log(mean) - SPREAD * SPREAD / 2
        return SECOND + int(self._random.lognormvariate(log_mean, SPREAD))

    def _between(self, low: Micros, high: Micros) -> Micros:
        return self._random.randint(low, high)


def _roster(queues: Iterable[_Queue]) -> list[_Agent]:
    """Return the agents of all *queues*; one who serves several is one agent."""
    agents: dict[str, _Agent] = {}
    for queue in queues:
        for place, name in enumerate(queue.plan.agents):
            agent = agents.setdefault(name, _Agent(name, len(agents)))
            agent.queues.append(queue)
            agent.rank = min(agent.rank, place / len(queue.plan.agents))
    return list(agents.values())


def _callers(agent: _Agent) -> Iterator[_Contact]:
    """Yield of each queue the first caller for whom no phone rings yet."""
    for queue in agent.queues:
        for contact in queue.line.values():
            if contact.agent is None and not contact.reserved:
                yield contact
                break


def _urgency(contact: _Contact) -> tuple[int, Micros]:
    return (-contact.queue.plan.priority, contact.joined)
