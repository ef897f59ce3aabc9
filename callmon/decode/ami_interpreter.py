"""The messages of Asterisk's manager interface (AMI) become events.

One object for each source, over all its sessions: a feed, a replay and the tests drive it
alike. It knows no clock: *received* and *now* are handed in, by ours, and ``due`` says when
to call ``tick``.

The times of events are the PBX's. With ``timestampevents = yes`` in manager.conf each event
has one; without, it is the time of receipt plus the difference of the clocks, which the
answers to Ping tell.
"""

from collections import Counter
from collections.abc import Mapping

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message, message_time, read_time
from callmon.decode.ami_agents import AGENT_EVENTS, AmiAgents
from callmon.decode.ami_calls import CALL_EVENTS, AmiCalls
from callmon.decode.ami_snapshot import LIST_EVENTS, QueueSnapshot, SnapshotReader
from callmon.decode.ami_visits import Sequence
from callmon.decode.queue_log import Drops
from callmon.errors import DecodeError, DecodeReason
from callmon.events import Event

__all__ = ["WANTED", "AmiInterpreter"]

WANTED = CALL_EVENTS | AGENT_EVENTS | LIST_EVENTS | {"FullyBooted"}
"""The names of all events that are of use here: what the decoder need build."""

SAME_BOOT: Micros = 3 * SECOND
"""Asterisk tells whole seconds since its start: two answers of one process differ by this."""

MAX_UPTIME_DIGITS = 10
"""More digits than this are beyond belief in a number of seconds."""


class AmiInterpreter:
    """Makes events of messages.

    *classes* are those that the account is known to read; what arrives shows them, too.
    *wrapup* are the queues' own wrap-up times, which Asterisk does not tell (``AmiAgents``).

    Attributes:
        synced: A snapshot has been applied since the session began.
        offset: The PBX's clock minus ours.
    """

    def __init__(
        self,
        source: str,
        classes: frozenset[str] | None = None,
        wrapup: Mapping[str, Micros] | None = None,
    ) -> None:
        self.synced = False
        self.offset: Micros = 0
        self._sequence = Sequence()
        self._reader = SnapshotReader()
        self._calls = AmiCalls(source, self._sequence, classes)
        self._agents = AmiAgents(source, wrapup)
        self._drops: Drops = Counter()
        self._pinged: Micros | None = None
        self._heard: Micros | None = None
        self._boot: Micros | None = None

    @property
    def due(self) -> Micros | None:
        """When, by our clock, time alone changes something; None: never."""
        return self._calls.due

    @property
    def drift(self) -> int:
        """How many callers more or fewer the last snapshot showed than we thought."""
        return self._calls.drift

    @property
    def drops(self) -> Drops:
        """Messages not used, by (stage, reason)."""
        return self._drops + self._reader.drops + self._calls.drops

    @property
    def memory(self) -> str:
        """What the next snapshot does not show, to be handed to ``resume``."""
        return self._calls.memory

    def resume(self, heard_at: Micros, offset: Micros, memory: str) -> None:
        """Go on after a restart of ours: all was heard until *heard_at* (our clock).

        *offset* and *memory* are those of then.
        """
        self._learn(offset)
        self._heard = heard_at + offset
        self._calls.resume(memory)
        self.disconnected(heard_at)

    def set_version(self, version: tuple[int, ...]) -> None:
        """Take the version from the banner: later ones tell more."""
        self._calls.set_version(version)

    def waiting(self, queue: str) -> int:
        """Return how many wait in *queue*."""
        return self._calls.waiting(queue)

    def connected(self, at: Micros) -> None:  # noqa: ARG002 - part of what replay drives
        """Note that a session begins."""
        self.synced = False
        self._pinged = None
        self._reader.reset()
        self._calls.connected()

    def disconnected(self, at: Micros) -> None:
        """Note that the session has ended at *at* (ours): what comes next is missed."""
        self.synced = False
        self._reader.reset()
        self._calls.disconnected(at + self.offset, at)

    def expect(
        self,
        action_id: str,
        whole: bool = True,  # noqa: FBT001, FBT002 - a callback by position
        asked: Micros | None = None,
    ) -> None:
        """Note that a QueueStatus was sent, *asked* when; not *whole*: for no members."""
        self._reader.expect(action_id, whole, asked)

    def take(self, message: Message, received: Micros) -> list[Event]:
        """Return the events that *message*, received just now, brings."""
        inside = self._reader.inside
        snapshot = self._reader.take(message)
        if snapshot is not None:
            return self._apply(snapshot, received)
        kind = message.get("Event")
        if inside or kind in LIST_EVENTS:
            return []
        if kind is None:
            self._pong(message, received)
            return []
        at = message_time(message)
        self._calls.set_stamped(stamped=at is not None)
        if at is None:
            at = received + self.offset
        elif self._pinged is None:
            self._learn(at - received)
        if kind == "FullyBooted":
            return self._booted(message, at, received)
        self._heard = at if self._heard is None else max(self._heard, at)
        return self._calls.take(message, at, received) + self._agent(message, at)

    def tick(self, now: Micros) -> list[Event]:
        """Return the events that time alone has brought until *now*."""
        return self._calls.tick(now)

    def _apply(self, snapshot: QueueSnapshot, received: Micros) -> list[Event]:
        at = received + self.offset
        self.synced = True
        self._heard = at if self._heard is None else max(self._heard, at)
        events = self._calls.audit(snapshot, at, received)
        return events + self._agents.audit(snapshot, at)

    def _agent(self, message: Message, at: Micros) -> list[Event]:
        try:
            return self._agents.take(message, at)
        except DecodeError as error:
            if message.get("Event") not in CALL_EVENTS:  # those are counted once
                self._drops["decode", error.reason.value] += 1
            return []

    def _pong(self, message: Message, received: Micros) -> None:
        """Learn the PBX's clock from the answer to a Ping: the better one of the last two.

        The way only makes it look slow; an answer that has waited to be read, very.
        """
        if "Ping" in message and (at := read_time(message.get("Timestamp", ""))) is not None:
            former, self._pinged = self._pinged, at - received
            self._learn(self._pinged if former is None else max(former, self._pinged))

    def _learn(self, offset: Micros) -> None:
        self.offset = offset
        self._calls.set_offset(offset)

    def _booted(self, message: Message, at: Micros, received: Micros) -> list[Event]:
        """Find out whether Asterisk has begun anew since we heard of it."""
        uptime = message.get("Uptime", "")
        if "Privilege" not in message:
            self._drops["decode", DecodeReason.FORGED.value] += 1
            return []
        # Asterisk 13 does not tell it.
        if not uptime.isdecimal() or len(uptime) > MAX_UPTIME_DIGITS:
            return []
        boot = at - int(uptime) * SECOND
        former, self._boot = self._boot, boot
        if former is not None and abs(boot - former) <= SAME_BOOT:
            return []
        if self._heard is None or boot <= self._heard:
            return []
        self._heard = at
        return self._calls.restarted(boot, received)
