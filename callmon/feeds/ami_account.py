"""Whether the account in manager.conf lets us see what we need, and do no more than that.

A login is answered with "accepted" and nothing else: which classes of events the account
may read shows in what arrives. What it may do, ListCommands says: it lists every action
that the account's ``write`` allows, and those that need no permission at all
(``action_listcommands`` in Asterisk's ``manager.c``).
"""

from collections import Counter, deque

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message

__all__ = ["AccountCheck"]

BOOTED_WITHIN: Micros = 5 * SECOND
"""FullyBooted follows a login at once where class system is readable."""

ENOUGH = 5
"""Callers after whom the absence of something is no accident any more."""

MANY = 20
"""Callers who left without a hang-up, after whom one must have had a QUEUESTATUS: who is
redirected, or hung up by somebody else, has none either."""

REMEMBERED = 200
"""Channels whose caller was seen to hang up: those of the last seconds are asked for."""

JOIN_SLACK_S = 5
"""Whole seconds, and the way: a caller who waits for less than we listen less this joined
before our eyes."""

MAX_QUEUES = 10_000
"""Some of them are enough to see whether callers are told of."""

NAMED = 4
"""Actions named in a warning."""

UNRESTRICTED = "(Priv: <none>)"

SYSTEM = (
    "class system cannot be read: a restart is noticed late, a shutdown not at all"
    " (read = agent,call,system,dialplan)"
)
CALL = (
    "class call cannot be read: whether callers hung up or went on cannot be told"
    " (read = agent,call,system,dialplan, and Hangup events let through)"
)
DIALPLAN = (
    "class dialplan cannot be read: timeout, empty and withdrawn cannot be told"
    " (read = agent,call,system,dialplan, and VarSet of QUEUESTATUS let through)"
)
STAMPS = (
    "events bear no time of their own: waits are only as exact as the line is quick"
    " (timestampevents = yes in [general] of manager.conf)"
)
AGENT = (
    "callers come and go but no queue events arrive: class agent cannot be read, or"
    " eventfilter or disabledevents keep them back"
)
CONNECT = (
    "agents answer callers but no AgentConnect arrives: whom they answer is lost to AMI"
    " (eventfilter or disabledevents keep the events of agents back)"
)
LEAVE = (
    "callers leave but no QueueCallerLeave arrives: only audits find out"
    " (eventfilter or disabledevents keep it back)"
)

_NOTED = frozenset(
    {
        "AgentComplete",
        "AgentConnect",
        "FullyBooted",
        "Hangup",
        "HangupRequest",
        "QueueCallerAbandon",
        "QueueCallerJoin",
        "QueueCallerLeave",
        "QueueEntry",
        "QueueParams",
        "SoftHangupRequest",
        "VarSet",
    }
)


_RETRACTED = {"AgentConnect": CONNECT, "QueueCallerLeave": LEAVE, "VarSet": DIALPLAN}
"""What an event shows not to be so."""


class AccountCheck:
    """Looks at one session, in which ListCommands was sent as *commands*.

    ``findings`` says what is wrong, as far as it has become clear.
    """

    def __init__(self, now: Micros, commands: str) -> None:
        self.findings: tuple[str, ...] = ()
        self._since = now
        self._commands = commands
        self._seen: Counter[str] = Counter()
        self._hung_up: deque[str] = deque(maxlen=REMEMBERED)
        self._unexplained = 0
        self._counts: dict[str, tuple[int, int]] = {}
        """How many each queue said to have completed and abandoned, the last time."""
        self._completed = self._gone = 0  #: of these while we listened
        self._joined = now  #: when the last join was heard
        self._unheard: set[str] = set()  #: who waits and has joined later than that

    def look(self, now: Micros) -> None:
        """Judge by what should have come by *now*, monotonic time."""
        if now - self._since >= BOOTED_WITHIN:
            booted = self._seen["FullyBooted"]
            (self._retract if booted else self._find)(SYSTEM)

    def take(self, message: Message, now: Micros) -> None:
        """Learn from one message."""
        event = message.get("Event")
        if event is None:
            if message.get("ActionID") == self._commands:
                self._judge_commands(message)
            return
        if event not in _NOTED:
            return
        self._seen[event] += 1
        if event in _RETRACTED:
            self._retract(_RETRACTED[event])
        self._judge(event, message, now)

    def _judge(self, event: str, message: Message, now: Micros) -> None:
        match event:
            case "HangupRequest" | "SoftHangupRequest":
                self._hung_up.append(message.get("Uniqueid", ""))
            case "QueueCallerAbandon":
                self._unexplained += message.get("Uniqueid") not in self._hung_up
                self._judge_classes()
            case "AgentComplete":
                self._judge_classes()
            case "QueueCallerJoin":
                self._judge_join(message, now)
            case "QueueEntry":
                self._judge_entry(message, now)
            case "QueueParams":
                self._judge_queue(message)
            case _:
                pass

    def _judge_join(self, message: Message, now: Micros) -> None:
        self._joined = now
        self._unheard.clear()
        self._retract(AGENT)
        if "Timestamp" not in message:
            self._find(STAMPS)

    def _judge_entry(self, message: Message, now: Micros) -> None:
        """See whether a caller who waits must have joined since the last join that we heard.

        If none was, one is enough; else it may be one whose id a transfer has changed.
        """
        wait = message.get("Wait", "")
        if not (wait.isascii() and wait.isdecimal()):
            return
        if now - (int(wait[:9]) + JOIN_SLACK_S) * SECOND > self._joined:
            self._unheard.add(message.get("Uniqueid", ""))
            if not self._seen["QueueCallerJoin"] or len(self._unheard) >= ENOUGH:
                self._unheard.clear()
                self._find(AGENT)

    def _judge_queue(self, message: Message) -> None:
        """See whether a queue counts callers of whom no event has told."""
        told = [message.get(key, "") for key in ("Completed", "Abandoned")]
        if not all(count.isascii() and count.isdecimal() for count in told):
            return
        completed, abandoned = (int(count[:18]) for count in told)
        queue = message.get("Queue", "")
        before = self._counts.get(queue, (completed, abandoned))
        if queue in self._counts or len(self._counts) < MAX_QUEUES:
            self._counts[queue] = completed, abandoned
        # who resets a queue sets it back to 0
        fresh = max(0, completed - before[0])
        self._completed += fresh
        self._gone += fresh + max(0, abandoned - before[1])
        if self._completed >= ENOUGH and not self._seen["AgentConnect"]:
            self._find(CONNECT)
        if self._gone >= ENOUGH and not self._seen["QueueCallerLeave"]:
            self._find(LEAVE)

    def _judge_commands(self, message: Message) -> None:
        """See what the account may do."""
        given = [key for key, text in message.items() if "(Priv: " in text]
        more = [key for key in given if not message[key].endswith(UNRESTRICTED)]
        if more:
            rest = len(more) - NAMED
            names = ", ".join(more[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
            self._find(f"the account may do more than watch ({names}): give it no write class")

    def _judge_classes(self) -> None:
        seen = self._seen
        ended = seen["QueueCallerAbandon"] + seen["AgentComplete"]
        if ended >= ENOUGH and not seen["Hangup"] + seen["HangupRequest"]:
            self._find(CALL)
        if self._unexplained >= MANY and not seen["VarSet"]:
            self._find(DIALPLAN)

    def _find(self, finding: str) -> None:
        if finding not in self.findings:
            self.findings = (*self.findings, finding)

    def _retract(self, finding: str) -> None:
        if finding not in self.findings:
            return
        self.findings = tuple(found for found in self.findings if found != finding)
