"""Callers in Asterisk's queues, from the events of the manager interface (AMI) alone.

Sources: ``app_queue.c`` and ``manager_channels.c`` of Asterisk; tried on recordings of 16.28
and 22.10. Here events find the visit, or the talk, that they belong to; why callers leave is
decided in ``ami_exits``, what snapshots show in ``ami_audit``, what ends talks in
``ami_talks``.
"""

from collections import Counter
from collections.abc import Callable

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message
from callmon.decode.ami_audit import AmiAudit
from callmon.decode.ami_exits import STATUSES, AmiExits
from callmon.decode.ami_matching import AmiMatching, duration, same_queue
from callmon.decode.ami_refusals import AmiRefusals
from callmon.decode.ami_snapshot import QueueSnapshot
from callmon.decode.ami_talks import AmiTalks, agent_of
from callmon.decode.ami_verdicts import Verdicts
from callmon.decode.ami_visits import Sequence, Visit, Visits, place_of
from callmon.decode.queue_log import Drops
from callmon.errors import DecodeReason, DropReason
from callmon.events import ContactRefused, Event, Outcome, RingNotAnswered, SourceRestarted

__all__ = ["CALL_EVENTS", "AmiCalls"]

STOPPED = "4"
"""The softhangup cause of a shutdown (``AST_SOFTHANGUP_SHUTDOWN``)."""

REDIRECTED = "2"
"""The softhangup cause of an asynchronous goto: no hang-up at all."""

FRESH_PLACES = (11,)
"""The interface of Asterisk 22, whose events were seen to show a channel as it is just then;
those of 16 were seen not to. With what is between, the first exit by key tells."""

CALL_EVENTS = frozenset(
    """QueueCallerJoin QueueCallerAbandon QueueCallerLeave AgentCalled AgentConnect
    AgentRingNoAnswer AgentDump AgentComplete DialEnd HangupRequest SoftHangupRequest Hangup
    BridgeEnter BridgeLeave AttendedTransfer VarSet Newexten Shutdown""".split()  # noqa: SIM905 - a list this long reads better as words
)
"""The events that ``AmiCalls.take`` understands; it passes over all others."""

_WITHOUT_CHANNEL = frozenset(("AgentComplete", "AttendedTransfer", "DialEnd", "Shutdown"))
"""Those that have no channel of their own, or may have lost it, or had nobody dial."""


class AmiCalls:
    """Tells what becomes of callers.

    The times of events are the PBX's. *received* and *now* are by our clock: how long to
    wait for what may still come goes by arrival.

    Attributes:
        drops: Messages not used, by (stage, reason).
    """

    def __init__(
        self, source: str, sequence: Sequence, classes: frozenset[str] | None = None
    ) -> None:
        self.drops: Drops = Counter()
        self._source = source
        self._visits = Visits()
        self._verdicts = Verdicts(source, sequence, self._visits)
        self._exits = AmiExits(self._visits, self._verdicts)
        self._audit = AmiAudit(self._visits, self._verdicts)
        self._talks = AmiTalks(source, sequence)
        self._matching = AmiMatching(self._visits, self._verdicts, self._exits, self.drops)
        self._exits.calls = "call" in (classes or ())
        self._exits.statuses = "dialplan" in (classes or ())
        self._refusals = AmiRefusals()
        self._takers: dict[str, Callable[[Message, str, Micros], list[Event]]] = {
            "QueueCallerJoin": self._join,
            "QueueCallerAbandon": self._abandon,
            "QueueCallerLeave": self._leave,
            "AgentCalled": self._called,
            "AgentConnect": self._connect,
            "AgentRingNoAnswer": self._rang,
            "AgentDump": self._dump,
            "AgentComplete": self._complete,
            "DialEnd": self._dial_end,
            "HangupRequest": self._hangup_request,
            "SoftHangupRequest": self._soft_hangup,
            "Hangup": self._hangup,
            "BridgeEnter": self._bridge_enter,
            "BridgeLeave": self._bridge_leave,
            "AttendedTransfer": self._attended_transfer,
            "VarSet": self._variable,
            "Newexten": self._extension,
            "Shutdown": self._shutdown,
        }

    @property
    def due(self) -> Micros | None:
        """When, by our clock, time alone decides something; None: never."""
        dues = self._visits.due, self._talks.due, self._audit.due
        return min((due for due in dues if due is not None), default=None)

    @property
    def drift(self) -> int:
        """How many callers more or fewer the last snapshot showed, over all queues."""
        return self._audit.drift

    def set_version(self, version: tuple[int, ...]) -> None:
        """Take the version of the interface: the banner's."""
        self._exits.places = version >= FRESH_PLACES

    def set_stamped(self, *, stamped: bool) -> None:
        """Tell whether the next message bears its own time, or has the time of receipt."""
        self._verdicts.stamped = stamped

    def set_offset(self, offset: Micros) -> None:
        """Take the PBX's clock minus ours."""
        self._verdicts.offset = offset

    def waiting(self, queue: str) -> int:
        """Return how many wait in *queue*."""
        return len(self._visits.waiting(queue))

    def take(self, message: Message, at: Micros, received: Micros) -> list[Event]:
        """Return what an event of Asterisk tells."""
        kind = message.get("Event", "")
        taker = self._takers.get(kind)
        if taker is None:
            return []
        channel = message.get("Uniqueid", "")
        privilege = message.get("Privilege")
        named = channel and "Channel" in message
        if privilege is None or not (named or kind in _WITHOUT_CHANNEL):
            self._drop(DecodeReason.FORGED)
            return []
        if privilege.startswith("call"):
            self._exits.calls = True
        self._verdicts.now = received
        return taker(message, channel, at)

    def tick(self, now: Micros) -> list[Event]:
        """Return what time alone has decided by *now*."""
        self._verdicts.now = now
        events: list[Event] = []
        for visit in self._visits.overdue(now):
            events += self._exits.give_up(visit)
        events += self._talks.tick(now)
        return events + self._audit.tick(now)

    def audit(self, snapshot: QueueSnapshot, at: Micros, received: Micros) -> list[Event]:
        """Return what *snapshot*, made at *at*, shows that no event has told."""
        self._verdicts.now = received
        # It was made between asking and reading. If it was read late, so may have been what
        # tells of the PBX's clock.
        vague = 0 if snapshot.asked is None else max(received - snapshot.asked, 0)
        events = self._audit.compare(snapshot, at, vague)
        return events + list(self._talks.audit(snapshot, at, received))

    @property
    def memory(self) -> str:
        """The open talks, to be handed to ``resume`` after a restart of ours."""
        return self._talks.memory

    def resume(self, memory: str) -> None:
        """Take the open talks back; who waits, the first snapshot shows."""
        self._talks.resume(memory)

    def connected(self) -> None:
        """Note that a session begins: the next snapshot shows what was missed."""
        self._exits.connected()
        self._audit.connected()

    def disconnected(self, at: Micros, received: Micros) -> None:
        """Note that the session ended at *at*."""
        self._verdicts.now = received
        self._exits.disconnected()
        self._audit.disconnected(at)
        self._refusals.clear()
        self._talks.disconnected()

    def restarted(self, at: Micros, received: Micros) -> list[Event]:
        """Return what a new start of Asterisk at *at* means: all that was is no more."""
        self._verdicts.now = received
        events: list[Event] = []
        for visit in self._visits.undecided():
            visit.blind = True
            events += self._exits.give_up(visit)
        self._visits.clear()
        self._talks.clear()
        self._audit.restarted()
        self._refusals.clear()
        events.append(SourceRestarted(at, self._source, self._verdicts.place()))
        return events

    def _join(self, message: Message, channel: str, at: Micros) -> list[Event]:
        self._refusals.forget(channel)
        return self._matching.join(message, channel, at)

    def _abandon(self, message: Message, channel: str, at: Micros) -> list[Event]:
        visit, events = self._matching.ending(message, channel, at)
        if visit is not None and visit.waiting:
            hold = duration(message, "HoldTime", SECOND)
            self._exits.abandon(visit, place_of(message), hold)
        return events

    def _leave(self, message: Message, channel: str, at: Micros) -> list[Event]:
        visit = self._visits.get(channel)
        if visit is None:
            self._drop(DropReason.ORPHAN)
            return []
        if not same_queue(visit.queue, message.get("Queue", visit.queue)):
            # It left its queue for another one, and both were missed.
            self._drop(DropReason.ORPHAN)
            return self._exits.joined_again(visit)
        if not visit.waiting:
            if visit.undecided or not visit.assumed or visit.departed:
                self._drop(DropReason.DUPLICATE)
                return []
            self._visits.reopen(visit)
        visit.departed = True
        return self._exits.leave(visit, place_of(message), at)

    def _called(self, message: Message, channel: str, at: Micros) -> list[Event]:  # noqa: ARG002 - one of the takers
        visit = self._visits.get(channel)
        if visit is not None and visit.waiting:
            visit.called = True
            visit.picked_up = False  # another round begins: who had picked up is gone
            if visit.place is None:
                visit.place = place_of(message)
        return []

    def _connect(self, message: Message, channel: str, at: Micros) -> list[Event]:
        visit, events = self._matching.ending(message, channel, at)
        if visit is None:
            return events
        if "Queue" not in message:
            # A member's name that is no UTF-8 takes the queue's fields with it.
            self._drop(DecodeReason.MISSING_FIELDS, "figure")
        if visit.hung_up is not None:
            return events + self._verdicts.left(visit, Outcome.ABANDONED, visit.hung_up)
        if not self._talks.begin(message, visit.queue, channel, at):
            self._drop(DropReason.CONTACT_LIMIT)
        return events + self._verdicts.answered(visit, at, agent_of(message))

    def _rang(self, message: Message, channel: str, at: Micros) -> list[Event]:
        visit = self._visits.get(channel)
        if visit is not None:
            visit.picked_up = False
        queue = message.get("Queue", "" if visit is None else visit.queue)
        ring = duration(message, "RingTime", 1000)
        if not queue or ring is None:
            self._drop(DecodeReason.MISSING_FIELDS)
            return []
        place = self._verdicts.place()
        agent = agent_of(message)
        return [RingNotAnswered(at, self._source, place, queue, channel, ring, agent)]

    def _dump(self, message: Message, channel: str, at: Micros) -> list[Event]:  # noqa: ARG002 - one of the takers
        visit = self._visits.get(channel)
        if visit is not None:
            visit.picked_up = False
        return []

    def _dial_end(self, message: Message, channel: str, at: Micros) -> list[Event]:  # noqa: ARG002 - one of the takers
        if message.get("DialStatus") == "ANSWER":
            visit = self._visits.get(channel)
            if visit is not None and visit.waiting:
                visit.picked_up = True
        return []

    def _complete(self, message: Message, channel: str, at: Micros) -> list[Event]:
        ended = self._talks.complete(message, at, self._verdicts.now)
        return self._answered_unseen(message, channel, at) if ended is None else list(ended)

    def _answered_unseen(self, message: Message, channel: str, at: Micros) -> list[Event]:
        """Tell the answer and the talk of a caller who was answered while we were away."""
        visit = self._visits.get(channel)
        hold = duration(message, "HoldTime", SECOND)
        talk = duration(message, "TalkTime", SECOND)
        if visit is not None and not (visit.waiting or visit.undecided or visit.assumed):
            return []  # he hung up before the agent heard him
        if hold is None or talk is None or not channel:
            self._drop(DropReason.ORPHAN)
            return []
        start = at - talk
        if visit is None:
            visit = Visit(channel, message.get("Queue", ""), None, joined=False, hold=hold)
            if not (visit.queue and self._audit.missed(start)):
                self._drop(DropReason.ORPHAN)
                return []
            self._visits.add(visit, self._verdicts.now)
        # A talk is told in whole seconds: who was answered at once seems to be so too soon.
        start = max(start, visit.start or start)
        self._talks.begin(message, visit.queue, channel, start)
        events = self._verdicts.answered(visit, start, agent_of(message))
        return events + list(self._talks.complete(message, at, self._verdicts.now) or ())

    def _hangup_request(self, message: Message, channel: str, at: Micros) -> list[Event]:  # noqa: ARG002 - one of the takers
        self._talks.hangup_request(channel)
        visit = self._visits.get(channel)
        return [] if visit is None else self._exits.hangup_request(visit, at)

    def _soft_hangup(self, message: Message, channel: str, at: Micros) -> list[Event]:
        cause = message.get("Cause")
        if cause == REDIRECTED:
            return []
        if cause != STOPPED:
            return self._hangup_request(message, channel, at)
        self._exits.stopping(at)
        visit = self._visits.get(channel)
        return [] if visit is None else self._exits.stop(visit, at)

    def _hangup(self, message: Message, channel: str, at: Micros) -> list[Event]:  # noqa: ARG002 - one of the takers
        self._refusals.forget(channel)
        self._talks.hangup(channel, at, self._verdicts.now)
        visit = self._visits.get(channel)
        return [] if visit is None else self._exits.hangup(visit, at)

    def _bridge_enter(self, message: Message, channel: str, at: Micros) -> list[Event]:
        self._talks.bridge_enter(message)
        visit = self._visits.get(channel)
        if visit is None or not visit.waiting:
            return []
        return self._exits.bridged(visit, at, sure=not self._audit.blind)

    def _bridge_leave(self, message: Message, channel: str, at: Micros) -> list[Event]:  # noqa: ARG002 - one of the takers
        self._talks.bridge_leave(channel, at, self._verdicts.now)
        return []

    def _attended_transfer(self, message: Message, channel: str, at: Micros) -> list[Event]:  # noqa: ARG002 - one of the takers
        """Let a caller who waits go on under the id of whom he was put in the place of."""
        if message.get("Result") != "Success":
            return []
        transferee = message.get("TransfereeUniqueid", "")
        target = message.get("TransferTargetUniqueid", "")
        for side, heir in (
            ("SecondTransfererUniqueid", transferee),
            ("OrigTransfererUniqueid", target or transferee),
        ):
            visit = self._visits.get(message.get(side, ""))
            if visit is not None and visit.waiting and heir and heir != visit.contact:
                return self._verdicts.renamed(visit, heir, at)
        return []

    def _variable(self, message: Message, channel: str, at: Micros) -> list[Event]:
        self._exits.statuses = True
        if message.get("Variable") != "QUEUESTATUS":
            return []
        value = message.get("Value", "")
        visit = self._visits.get(channel)
        refused = self._refusals.refused(value, channel)
        if refused is not None:
            return self._refuse(channel, *refused, at) if not (visit and visit.waiting) else []
        if value == "CONTINUE":
            self._talks.continued(channel, at, self._verdicts.now)
        outcome = STATUSES.get(value)
        if outcome is None or visit is None:
            return []
        return self._exits.status(visit, outcome, at)

    def _refuse(self, channel: str, queue: str, reason: str, at: Micros) -> list[Event]:
        if not queue:
            self._drop(DecodeReason.MISSING_FIELDS)
            return []
        place = self._verdicts.place()
        return [ContactRefused(at, self._source, place, queue, channel, reason)]

    def _extension(self, message: Message, channel: str, at: Micros) -> list[Event]:  # noqa: ARG002 - one of the takers
        visit = self._visits.get(channel)
        if visit is not None and visit.waiting:
            return []  # it still shows the application that it is about to leave
        self._refusals.step(message, channel)
        if visit is None:
            return []
        return self._exits.extension(visit, ended=message.get("Exten") == "h")

    def _shutdown(self, message: Message, channel: str, at: Micros) -> list[Event]:  # noqa: ARG002 - one of the takers
        return self._exits.shutdown(at)

    def _drop(self, reason: DecodeReason | DropReason, stage: str = "decode") -> None:
        self.drops[stage, reason.value] += 1
