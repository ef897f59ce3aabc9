"""Asterisk's queue members as the manager interface (AMI) tells of them.

Sources: ``app_queue.c`` (``queue_member_blob_create``, ``__manager_queues_status``,
``get_wrapuptime``); tried on 16.28 and 22.10.

A member is told apart by his *Interface* (a snapshot calls it *Location*), not by his name
and not by his *StateInterface*: the interface is what Asterisk dials and what it finds him
by, in all queues alike. Names may be shared or empty, and many members may watch one device.

Asterisk tells a member's own wrap-up time, but not that of his queue (``wrapuptime`` in
queues.conf), which holds for all members without one: that must be said in *wrapup*, by
the name of the queue or ``*`` for all others.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message
from callmon.decode.ami_snapshot import QueueSnapshot
from callmon.errors import DecodeError, DecodeReason
from callmon.events import AgentChanged, AgentRemoved, Device, Event

__all__ = ["AGENT_EVENTS", "MAX_AGENTS", "AmiAgents"]

MAX_AGENTS = 100_000
"""Members remembered, over all queues: far above any site, far below a full memory."""

EVERY_QUEUE = "*"
"""Stands in *wrapup* for the queues it does not name."""

MAX_TEXT = 80
"""Asterisk's own room for a member's name and for a reason."""

_DEVICES: Final = {
    "0": Device.IDLE,  # unknown: Asterisk rings such a member, so he is available
    "1": Device.IDLE,
    "2": Device.BUSY,
    "3": Device.BUSY,
    "4": Device.AWAY,  # invalid: there is no such device
    "5": Device.AWAY,  # unavailable: not registered
    "6": Device.RINGING,
    "7": Device.BUSY,  # talks, and another call rings
    "8": Device.BUSY,  # has the caller on hold
}

_TOLD: Final = frozenset(
    (
        "QueueMemberStatus",
        "QueueMemberAdded",
        "QueueMemberPause",
        "QueueMemberPenalty",
        "QueueMemberRinginuse",
    )
)
_CALLS: Final = frozenset(("AgentConnect", "AgentComplete"))

AGENT_EVENTS: Final = _TOLD | _CALLS | {"QueueMemberRemoved"}
"""The events that ``AmiAgents.take`` understands; it passes over all others."""


class _Standing(NamedTuple):
    """What is known of a member of a queue, as far as others are told of it."""

    name: str
    device: Device
    paused: bool
    reason: str
    wrapup_until: Micros  #: may have passed


class _Member(NamedTuple):
    """A member of a queue: where he stands, and what that was made of."""

    standing: _Standing
    device: Device  #: the telephone alone, whatever the queue's own call
    wrapup: Micros  #: how long he finishes a call of this queue


class AmiAgents:
    """Tells where the agents of a source stand, each time that changes.

    *wrapup* is the queues' own wrap-up time, by the source's name for the queue.
    """

    def __init__(self, source: str, wrapup: Mapping[str, Micros] | None = None) -> None:
        self._source = source
        self._wrapup = {name.casefold(): time for name, time in (wrapup or {}).items()}
        self._queues: dict[str, dict[str, _Member]] = {}
        self._count = 0
        self.refused = 0  #: members beyond ``MAX_AGENTS``

    def take(self, message: Message, at: Micros) -> list[Event]:
        """Return what an event of Asterisk at *at* (its clock) has changed.

        Raises:
            DecodeError: ``FORGED`` when it lacks what Asterisk puts on every event,
                ``MISSING_FIELDS`` or ``BAD_NUMBER`` when it cannot be understood; it has
                changed nothing then.
        """
        kind = message.get("Event", "")
        if kind not in AGENT_EVENTS:
            return []
        if "Privilege" not in message:
            text = f"{kind} without Privilege: not written by Asterisk as an event"
            raise DecodeError(DecodeReason.FORGED, text)
        queue, agent = _field(message, "Queue"), _field(message, "Interface")
        if kind in _CALLS:
            return self._call(queue, agent, at, begins=kind == "AgentConnect")
        if kind == "QueueMemberRemoved":
            return self._remove(queue, agent, at)
        return self._change(queue, agent, self._read(queue, message, "MemberName", at), at)

    def audit(self, snapshot: QueueSnapshot, at: Micros) -> list[Event]:
        """Return what a snapshot of *at* shows that no event has told.

        A reload adds and removes members without an event. Who is absent from a whole
        snapshot is a member no more, and a queue that is absent has none. A queue that is
        not believed stays as it is.
        """
        events: list[Event] = []
        gone = set(self._queues)
        for queue in snapshot.queues:
            gone.discard(queue.name)
            if not queue.believed:
                continue
            events += self._see(queue.name, queue.members, at)
            if snapshot.whole:
                present = {row.get("Location", "") for row in queue.members}
                events += self._keep_only(queue.name, present, at)
        for name in sorted(gone) if snapshot.whole else ():
            events += self._keep_only(name, set(), at)
        return events

    def _see(self, queue: str, rows: tuple[Message, ...], at: Micros) -> list[Event]:
        events: list[Event] = []
        for row in rows:
            agent = row.get("Location", "")
            try:
                member = self._read(queue, row, "Name", at)
            except DecodeError:
                continue  # he is there, but how he stands is not known: as before
            if agent:
                events += self._change(queue, agent, member, at)
        return events

    def _keep_only(self, queue: str, present: set[str], at: Micros) -> list[Event]:
        absent = [agent for agent in self._queues.get(queue, ()) if agent not in present]
        return [event for agent in absent for event in self._remove(queue, agent, at)]

    def _read(self, queue: str, message: Message, name_field: str, at: Micros) -> _Member:
        """Return what a message says of a member; *name_field* has his name."""
        status = _field(message, "Status")
        device = _DEVICES.get(status)
        if device is None:
            text = f"Status: expected a device state from 0 to 8, found {status[:20]!r}"
            raise DecodeError(DecodeReason.BAD_NUMBER, text)
        paused = _field(message, "Paused") == "1"
        reason = message.get("PausedReason") or message.get("Reason", "")
        in_call = message.get("InCall") == "1"
        wrapup = _seconds(message, "Wrapuptime") or self._wrapup_of(queue)
        last_call = _seconds(message, "LastCall")
        until = last_call + wrapup if wrapup and last_call and not in_call else 0
        standing = _Standing(
            name=message.get(name_field, "")[:MAX_TEXT],
            device=Device.BUSY if in_call else device,
            paused=paused,
            reason=reason[:MAX_TEXT] if paused else "",
            wrapup_until=until if until > at else 0,
        )
        return _Member(standing, device, wrapup)

    def _wrapup_of(self, queue: str) -> Micros:
        time = self._wrapup.get(queue.casefold())
        return self._wrapup.get(EVERY_QUEUE, 0) if time is None else time

    def _call(self, queue: str, agent: str, at: Micros, *, begins: bool) -> list[Event]:
        """A call of the queue itself began or ended: some devices never say so."""
        member = self._queues.get(queue, {}).get(agent)
        if member is None:
            return []
        # Asterisk counts the wrap-up in whole seconds.
        until = 0 if begins or not member.wrapup else at // SECOND * SECOND + member.wrapup
        device = Device.BUSY if begins else member.device
        standing = member.standing._replace(device=device, wrapup_until=until)
        return self._change(queue, agent, member._replace(standing=standing), at)

    def _change(self, queue: str, agent: str, member: _Member, at: Micros) -> list[Event]:
        members = self._queues.get(queue, {})
        known = members.get(agent)
        if known is None:
            if self._count >= MAX_AGENTS:
                self.refused += 1
                return []
            self._count += 1
            self._queues.setdefault(queue, members)
        members[agent] = member
        if known is not None and member.standing == _at(known.standing, at):
            return []
        name, device, paused, reason, until = member.standing
        return [
            AgentChanged(
                at, self._source, at, queue, agent, name, device, paused, reason, until
            )
        ]

    def _remove(self, queue: str, agent: str, at: Micros) -> list[Event]:
        members = self._queues.get(queue, {})
        if members.pop(agent, None) is None:
            return []
        self._count -= 1
        if not members:
            del self._queues[queue]
        return [AgentRemoved(at, self._source, at, queue, agent)]


def _at(standing: _Standing, at: Micros) -> _Standing:
    """Return *standing* as it is at *at*: a wrap-up that has passed is none."""
    return standing if standing.wrapup_until > at else standing._replace(wrapup_until=0)


def _field(message: Message, name: str) -> str:
    value = message.get(name)
    if not value:
        text = f"{message.get('Event')}: expected a value of {name}, found none"
        raise DecodeError(DecodeReason.MISSING_FIELDS, text)
    return value


def _seconds(message: Message, name: str) -> Micros:
    """Return a header in whole seconds; 0 where it is missing: older Asterisks have fewer."""
    text = message.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= len("4102444800")):
        problem = f"{name}: expected whole seconds, found {text[:20]!r}"
        raise DecodeError(DecodeReason.BAD_NUMBER, problem)
    return int(text) * SECOND
