"""Callers, agents and a supervisor who know what happened to each call.

Truth is what these people did and saw, and what the dialplan told them when ``Queue()``
returned: neither events of the manager interface nor lines of queue_log. So that it is never in
doubt, two of them never act on the same call at the same moment: an agent does not pick up once
the caller began to leave, and nobody hangs up while somebody picks up.
"""

import asyncio
import dataclasses
from enum import StrEnum

from callmon.clock import SECOND, Clock
from tests.asterisk.agi import Session
from tests.asterisk.ami import act

__all__ = ["AGI_PORT", "CONTEXT", "Call", "Centre", "Kind", "Plan"]

AGI_PORT = 4573
CONTEXT = "people"
NEVER_S = 120.0
"""Longer than any call lasts."""

LOOK_EVERY_S = 0.05

STATUS = {
    "TIMEOUT": "timeout",
    "LEAVEEMPTY": "empty",
    "WITHDRAW": "withdrawn",
    "FULL": "full",
    "JOINEMPTY": "join_empty",
}
"""What QUEUESTATUS says when nobody hung up. Source: app_queue.c, queue_results."""

REFUSED = {"full", "join_empty"}


class Kind(StrEnum):
    """What a caller is going to do."""

    TALK = "talk"
    HANG_UP = "hang_up"
    TIME_OUT = "time_out"
    PRESS_KEY = "press_key"
    BE_MOVED = "be_moved"
    BE_WITHDRAWN = "be_withdrawn"
    BE_HUNG_UP = "be_hung_up"
    HANG_UP_EARLY = "hang_up_early"  #: after an agent picked up, before they are connected


ANSWERABLE = {Kind.TALK, Kind.HANG_UP_EARLY}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A caller's intentions and his agent's, all times in seconds."""

    queue: str
    kind: Kind
    patience_s: float
    ring_s: float = 0.7
    talk_s: float = 1.5
    caller_ends: bool = True
    limit_s: int | None = None


@dataclasses.dataclass(slots=True)
class Call:
    """What became of a plan."""

    name: str
    plan: Plan
    channel: str = ""
    contact: str = ""
    joined: float | None = None
    picked_up: float | None = None
    hung_up: float | None = None
    ended: float | None = None
    outcome: str = ""
    cut_by: str = ""
    leaving: bool = False
    odd: str = ""
    taken: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    @property
    def is_waiting(self) -> bool:
        """Whether it stands in a queue and no agent has it."""
        return self.joined is not None and not self.outcome and self.picked_up is None


class Centre:
    """Plays everybody."""

    def __init__(self, clock: Clock) -> None:
        self.calls: dict[str, Call] = {}
        self.acting = asyncio.Event()
        self.acting.set()
        self._clock = clock

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now() / SECOND

    @property
    def open_calls(self) -> list[Call]:
        """Those in a queue or in a talk."""
        return [call for call in self.calls.values() if call.joined and not call.outcome]

    async def place(self, plan: Plan) -> Call:
        """Make a call."""
        call = Call(f"c{len(self.calls) + 1:05}", plan)
        self.calls[call.name] = call
        await act(
            "Originate",
            Channel=f"Local/{call.name}@incoming/n",
            Context=CONTEXT,
            Exten=call.name,
            Priority="1",
            CallerID=f'"Caller {call.name}" <555{call.name[1:]}>',
            Async="true",
        )
        return call

    def cut_off(self, by: str) -> None:
        """Settle all open calls: the server has been ended under them."""
        for call in self.open_calls:
            call.cut_by = by
            self._settle(call, "answered" if call.picked_up is not None else "lost")

    def _settle(self, call: Call, outcome: str) -> None:
        if call.outcome:
            return
        call.outcome = outcome
        call.ended = self.now
        if outcome in REFUSED:
            call.joined = None

    async def play(self, session: Session) -> None:
        """Play whoever a channel of Asterisk stands for."""
        roles = {
            "route": self._route,
            "left": self._left,
            "key": self._key,
            "moved": self._moved,
            "ended": self._ended,
            "person": self._person,
        }
        if session.script == "agent":
            await self._agent(session, self.calls.get(session.argument(2)))
        elif call := self.calls.get(session.argument(1)):
            await roles[session.script](session, call)

    # ---- the dialplan tells ------------------------------------------------------

    async def _route(self, session: Session, call: Call) -> None:
        call.channel = session.header["agi_channel"]
        call.contact = session.header["agi_uniqueid"]
        await session.command("ANSWER")
        if call.plan.limit_s is not None:
            await session.command(f'SET VARIABLE LIMIT "{call.plan.limit_s}"')
        await session.command(f'SET VARIABLE QUEUE "{call.plan.queue}"')
        call.joined = self.now

    async def _left(self, session: Session, call: Call) -> None:
        status = session.argument(2)
        self._settle(call, STATUS.get(status, f"status {status}"))

    async def _key(self, _session: Session, call: Call) -> None:
        self._settle(call, "key_exit")

    async def _moved(self, _session: Session, call: Call) -> None:
        self._settle(call, "redirected")

    async def _ended(self, session: Session, call: Call) -> None:
        status, member = session.argument(2), session.argument(3)
        if call.outcome or call.joined is None:
            return
        if call.picked_up is None or call.plan.kind is Kind.HANG_UP_EARLY:
            self._settle(call, STATUS.get(status, "abandoned"))
            return
        if not member:
            call.odd = "picked up and not connected"
        self._settle(call, "answered")

    # ---- people ------------------------------------------------------------------

    async def _may_act(self, session: Session) -> bool:
        """Wait while everybody holds still; False: the call is over meanwhile."""
        while not self.acting.is_set():
            if not await session.wait(LOOK_EVERY_S):
                return False
        return not session.ended.is_set()

    async def _person(self, session: Session, call: Call) -> None:
        plan = call.plan
        answered = await self._until_taken(session, call, plan.patience_s)
        if session.ended.is_set():
            return
        if not answered:
            await self._leave(session, call)
        elif plan.kind is Kind.HANG_UP_EARLY or plan.caller_ends:
            if await session.wait(plan.talk_s) and await self._may_act(session):
                call.hung_up = self.now
                await session.hang_up()
        else:
            await session.wait(NEVER_S)

    async def _until_taken(self, session: Session, call: Call, patience_s: float) -> bool:
        """Wait for an agent; False: patience has ended, and from now on none picks up."""
        ends = self.now + patience_s
        while not session.ended.is_set() and not call.taken.is_set():
            rest = ends - self.now
            if rest <= 0 and self.acting.is_set():
                call.leaving = True
                return False
            await session.wait(LOOK_EVERY_S)
        return call.taken.is_set()

    async def _leave(self, session: Session, call: Call) -> None:
        channel, queue = call.channel, call.plan.queue
        done = False
        match call.plan.kind:
            case Kind.PRESS_KEY:
                await session.command("EXEC SendDTMF 1")
                done = True
            case Kind.BE_MOVED:
                done = await act(
                    "Redirect", Channel=channel, Context="moved", Exten="s", Priority="1"
                )
            case Kind.BE_WITHDRAWN:
                done = await act("QueueWithdrawCaller", Queue=queue, Caller=channel)
            case Kind.BE_HUNG_UP:
                done = await act("Hangup", Channel=channel)
            case _:
                pass
        if done:
            await session.wait(NEVER_S)
        elif not session.ended.is_set():
            call.hung_up = self.now
            await session.hang_up()

    async def _agent(self, session: Session, call: Call | None) -> None:
        await session.command("EXEC Ringing")
        if call is None or call.plan.kind not in ANSWERABLE:
            await session.wait(NEVER_S)
            return
        if not (await session.wait(call.plan.ring_s) and await self._may_act(session)):
            return
        if call.leaving or call.taken.is_set() or call.outcome:
            await session.wait(NEVER_S)
            return
        call.picked_up = self.now
        call.taken.set()
        await session.command("ANSWER")
        if call.plan.kind is Kind.HANG_UP_EARLY or call.plan.caller_ends:
            await session.wait(NEVER_S)
        elif await session.wait(call.plan.talk_s) and await self._may_act(session):
            await session.hang_up()
