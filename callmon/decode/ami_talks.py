"""Conversations as Asterisk's manager interface (AMI) tells of them.

A talk begins with AgentConnect. AgentComplete should end it, but comes late (after ``*`` or
a Redirect of the caller only when the caller hangs up, minutes later), and without saying
whose talk it was when the caller's channel is gone already (``send_agent_complete`` in
``app_queue.c``). So the talk ends with the earliest of AgentComplete, the hang-up of one of
the two channels, or both leaving their bridge without coming back.
"""

import sys
from collections import deque

import msgspec

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message
from callmon.decode.ami_snapshot import QueueSnapshot
from callmon.decode.ami_visits import Sequence
from callmon.events import TalkEnd, TalkEnded

__all__ = ["MAX_TALKS", "AmiTalks", "agent_of"]

MAX_TALKS = 100_000
"""Talks kept: above any PBX, and a peer must not fill the memory."""

REMEMBERED = 10_000
"""Ended talks kept so that a late AgentComplete does not end somebody else's."""

SAID_BY: Micros = 1 * SECOND
"""How long after a hang-up AgentComplete may still say who ended the talk."""

BACK_BY: Micros = 2 * SECOND
"""Who leaves a bridge to go on in another one is there by then."""

SAME: Micros = 2 * SECOND
"""Asterisk's own talk times are differences of whole seconds, off by one at either end."""

MAX_DIGITS = 10
"""More digits than this are beyond belief in a time."""

_Kept = tuple[str, str, str, str, Micros, str, str, tuple[str, ...]]
"""A talk in a memory: the fields of ``_Talk`` up to *local*."""

_REASONS = {"caller": TalkEnd.CALLER, "agent": TalkEnd.AGENT, "transfer": TalkEnd.TRANSFER}


class _Talk(msgspec.Struct, gc=False, eq=False):
    """One conversation, open or just ended."""

    contact: str
    queue: str
    interface: str
    agent: str
    start: Micros
    caller: str  #: the caller's channel; another one where Asterisk optimised it away
    phone: str  #: the agent's channel, likewise
    local: tuple[str, ...]  #: which of them may be optimised away
    away: dict[str, Micros]  #: who has left the bridge, and when
    ender: TalkEnd | None = None  #: who hung up first
    end: Micros | None = None
    deadline: Micros | None = None  #: by our clock
    told: bool = False


class AmiTalks:
    """The talks of a source."""

    def __init__(self, source: str, sequence: Sequence) -> None:
        self._source = source
        self._sequence = sequence
        self._channels: dict[str, _Talk] = {}
        self._pairs: dict[tuple[str, str], list[_Talk]] = {}
        self._timed: dict[int, _Talk] = {}
        self._earliest: Micros | None = None
        self._ended: deque[_Talk] = deque()
        self._doubtful: list[_Talk] = []
        self._open: dict[int, _Talk] = {}
        self._kept: dict[int, str] = {}  #: the open talks as they stand in a memory

    @property
    def due(self) -> Micros | None:
        """When to ask which talks time alone has ended, at the latest."""
        return self._earliest if self._timed else None

    @property
    def memory(self) -> str:
        """The open talks, to be handed to ``resume`` after a restart of ours."""
        return f"[{','.join(self._kept.values())}]"

    def resume(self, memory: str) -> None:
        """Take the talks back that were open when *memory* was; a damaged one has none."""
        try:
            found = msgspec.json.decode(memory, type=list[_Kept])
        except msgspec.MsgspecError:
            return
        for contact, queue, interface, agent, start, caller, phone, local in found[:MAX_TALKS]:
            channels = caller, phone, local
            self._add(_Talk(contact, queue, interface, agent, start, *channels, away={}))

    def begin(self, message: Message, queue: str, contact: str, at: Micros) -> bool:
        """Open the talk that AgentConnect *message* begins; False when there are too many."""
        if len(self._open) >= MAX_TALKS:
            return False
        phone = message.get("DestUniqueid", "")
        # Thousands of talks are of the same few agents.
        interface, agent = map(sys.intern, (message.get("Interface", ""), agent_of(message)))
        local = tuple(
            channel
            for channel, name in ((contact, "Channel"), (phone, "DestChannel"))
            if message.get(name, "").startswith("Local/")
        )
        self._add(_Talk(contact, queue, interface, agent, at, contact, phone, local, {}))
        return True

    def complete(
        self, message: Message, at: Micros, received: Micros
    ) -> list[TalkEnded] | None:
        """Take AgentComplete; None when it belongs to no talk."""
        talk = self._completed(message, at)
        if talk is None:
            return None
        self._forget(talk)
        if talk.told:
            return []
        ended_by = _REASONS.get(message.get("Reason", ""), talk.ender or TalkEnd.AGENT)
        return self._tell(talk, self._end_of(talk, at), ended_by, received)

    def hangup_request(self, channel: str) -> None:
        """Note who hangs up: the first one ends the talk."""
        talk = self._channels.get(channel)
        if talk is not None and talk.ender is None:
            talk.ender = TalkEnd.CALLER if channel == talk.caller else TalkEnd.AGENT

    def continued(self, caller: str, at: Micros, received: Micros) -> None:
        """Note that the caller goes on in the dialplan: the agent has let go."""
        talk = self._channels.get(caller)
        if talk is None or talk.told:
            return
        if talk.ender is None:
            talk.ender = TalkEnd.AGENT
        if talk.end is None:
            talk.end = self._end_of(talk, at)
            self._wait(talk, received + SAID_BY)

    def hangup(self, channel: str, at: Micros, received: Micros) -> None:
        """Note that a channel is no more."""
        talk = self._channels.get(channel)
        if talk is not None and talk.end is None:
            talk.end = self._end_of(talk, at)
            if channel == talk.caller and talk.ender is None:
                talk.ender = TalkEnd.CALLER
            self._wait(talk, received + SAID_BY)

    def bridge_enter(self, message: Message) -> None:
        """Note that a channel is in a bridge, perhaps in the place of another."""
        channel = message.get("Uniqueid", "")
        swapped = message.get("SwapUniqueid", "")
        talk = self._channels.get(swapped)
        if talk is not None and swapped in talk.local and channel not in self._channels:
            del self._channels[swapped]
            self._channels[channel] = talk
            if talk.caller == swapped:
                talk.caller = channel
            else:
                talk.phone = channel
            # The same again, or the telephone at last.
            again = message.get("Channel", "").startswith("Local/")
            kept = tuple(other for other in talk.local if other != swapped)
            talk.local = (*kept, channel) if again else kept
            if not talk.told:
                self._kept[id(talk)] = _kept(talk)
        talk = self._channels.get(channel)
        if talk is not None and talk.away.pop(channel, None) is not None and talk.end is None:
            self._wait(talk, None)

    def bridge_leave(self, channel: str, at: Micros, received: Micros) -> None:
        """Note that a channel has left its bridge; it may come back."""
        talk = self._channels.get(channel)
        if talk is None or talk.told:
            return
        talk.away.setdefault(channel, at)
        if talk.end is None and {talk.caller, talk.phone} <= talk.away.keys():
            self._wait(talk, received + BACK_BY)

    def tick(self, now: Micros) -> list[TalkEnded]:
        """Tell the talks that nothing more is to be waited for."""
        if self._earliest is None or now < self._earliest:
            return []
        events: list[TalkEnded] = []
        timed = [(t.deadline, t) for t in self._timed.values() if t.deadline is not None]
        self._earliest = min((due for due, _ in timed if due > now), default=None)
        for talk in [talk for due, talk in timed if due <= now]:
            end = talk.end
            if end is None:
                end = min(talk.away.values(), default=talk.start)
            events += self._tell(talk, end, talk.ender or TalkEnd.TRANSFER, now)
        return events

    def disconnected(self) -> None:
        """Note that ends of talks may be missed from now on."""
        self._doubtful = list(self._open.values())

    def audit(self, snapshot: QueueSnapshot, at: Micros, received: Micros) -> list[TalkEnded]:
        """End the talks from before a gap whose agents, a snapshot says, had its end.

        A member's LastCall is when his last call of the queue ended.
        """
        self._doubtful = [talk for talk in self._doubtful if not talk.told]
        if not (self._doubtful and snapshot.whole):
            return []
        rows = {
            (queue.name.casefold(), row.get("Location", "")): row
            for queue in snapshot.queues
            if queue.believed
            for row in queue.members
        }
        events: list[TalkEnded] = []
        for talk in self._doubtful:
            row = rows.get((talk.queue.casefold(), talk.interface), {})
            last = row.get("LastCall", "")
            end = int(last) * SECOND if last.isdecimal() and len(last) <= MAX_DIGITS else 0
            if talk.start <= end <= at:
                events += self._tell(talk, end, talk.ender or TalkEnd.AGENT, received)
            elif row.get("InCall") == "0":
                events += self._tell(talk, at, talk.ender or TalkEnd.AGENT, received)
        return events

    def clear(self) -> None:
        """Forget all talks: Asterisk has begun anew."""
        self._channels.clear()
        self._pairs.clear()
        self._timed.clear()
        self._ended.clear()
        self._doubtful.clear()
        self._open.clear()
        self._kept.clear()

    def _add(self, talk: _Talk) -> None:
        self._open[id(talk)] = talk
        self._kept[id(talk)] = _kept(talk)
        self._channels[talk.caller] = talk
        if talk.phone:
            self._channels[talk.phone] = talk
        self._pairs.setdefault((talk.queue.casefold(), talk.interface), []).append(talk)

    def _completed(self, message: Message, at: Micros) -> _Talk | None:
        """Return the talk that AgentComplete *message* ends."""
        queue = message.get("Queue", "").casefold()
        for key in ("Uniqueid", "DestUniqueid"):
            talk = self._channels.get(message.get(key, ""))
            if talk is not None and (not queue or talk.queue.casefold() == queue):
                return talk
        if "Uniqueid" in message:
            return None
        talks = self._pairs.get((queue, message.get("Interface", "")), [])
        length = message.get("TalkTime", "")
        if length.isdecimal() and len(length) <= len("1000000"):
            start = at - int(length) * SECOND
            fitting = [talk for talk in talks if abs(talk.start - start) <= SAME]
            return min(fitting, key=lambda talk: abs(talk.start - start), default=None)
        return next((talk for talk in talks if not talk.told), None)

    def _end_of(self, talk: _Talk, at: Micros) -> Micros:
        """Return when *talk*, over at *at*, ended: when the caller left, if he did."""
        left = talk.away.get(talk.caller, at)
        return min(at, left, at if talk.end is None else talk.end)

    def _tell(
        self, talk: _Talk, end: Micros, ended_by: TalkEnd, received: Micros
    ) -> list[TalkEnded]:
        self._wait(talk, None)
        del self._open[id(talk)], self._kept[id(talk)]
        talk.told = True
        talk.end = end
        talk.away = {}
        self._ended.append(talk)
        while len(self._ended) > REMEMBERED:
            self._forget(self._ended.popleft())
        return [
            TalkEnded(
                end,
                self._source,
                self._sequence.next(received),
                talk.queue,
                talk.contact,
                max(0, end - talk.start),
                ended_by,
                talk.agent,
            )
        ]

    def _wait(self, talk: _Talk, deadline: Micros | None) -> None:
        talk.deadline = deadline
        if deadline is None:
            self._timed.pop(id(talk), None)
            return
        self._timed[id(talk)] = talk
        if self._earliest is None or deadline < self._earliest:
            self._earliest = deadline

    def _forget(self, talk: _Talk) -> None:
        """Let nothing find *talk* any more."""
        for channel in (talk.caller, talk.phone):
            if self._channels.get(channel) is talk:
                del self._channels[channel]
        key = (talk.queue.casefold(), talk.interface)
        talks = [other for other in self._pairs.pop(key, ()) if other is not talk]
        if talks:
            self._pairs[key] = talks


def _kept(talk: _Talk) -> str:
    """Return *talk* as text, to be read by ``AmiTalks.resume``."""
    who = talk.contact, talk.queue, talk.interface, talk.agent
    kept: _Kept = (*who, talk.start, talk.caller, talk.phone, talk.local)
    return msgspec.json.encode(kept).decode()


def agent_of(message: Message) -> str:
    """Return the agent as Asterisk's own log names him: by name, else by interface."""
    return message.get("MemberName") or message.get("Interface", "")
