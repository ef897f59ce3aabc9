"""A small Asterisk to make messages with: callers, what happens to them, lists of them."""

from collections.abc import Iterable, Mapping

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message
from callmon.decode.ami_interpreter import AmiInterpreter
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactMoved,
    Event,
    Outcome,
)

__all__ = ["ALL", "START", "Switchboard", "calls_only", "ends", "event", "queue_rows"]

START: Micros = 1_795_333_000 * SECOND

ALL = frozenset(("agent", "call", "system", "dialplan"))
"""All classes of events that are of use."""

_CLASSES = {
    "Shutdown": "system",
    "FullyBooted": "system",
    "VarSet": "dialplan",
    "Newexten": "dialplan",
}
_CALL = frozenset(
    """DialEnd HangupRequest SoftHangupRequest Hangup BridgeEnter BridgeLeave
    AttendedTransfer""".split()  # noqa: SIM905 - words
)


def event(name: str, at: Micros, channel: str = "1.1", /, **fields: str) -> Message:
    """Return an event of *channel* as Asterisk 22 writes it, as far as it matters."""
    kind = "call" if name in _CALL else _CLASSES.get(name, "agent")
    message = {
        "Event": name,
        "Privilege": f"{kind},all",
        "Timestamp": f"{at // SECOND}.{at % SECOND:06}",
        "Channel": f"SIP/trunk-{channel}",
        "Context": "in",
        "Exten": "600",
        "Priority": "3",
        "Uniqueid": channel,
    }
    if kind == "system":
        del message["Channel"], message["Uniqueid"]
    if name.startswith(("Queue", "Agent")):
        message["Queue"] = "sales"
    if name.startswith("Agent"):
        message |= {"Interface": "SIP/7", "MemberName": "Ann", "DestUniqueid": f"{channel}-leg"}
        message["DestChannel"] = f"SIP/7-{channel}"
    message |= fields
    return {key: value for key, value in message.items() if value != "-"}


def queue_rows(
    entries: Iterable[tuple[str, int]] = (), name: str = "sales", calls: int | None = None
) -> list[Message]:
    """Return the rows of one queue: *entries* are channels and whole seconds waited."""
    waiting = list(entries)
    rows = [
        {
            "Event": "QueueParams",
            "Queue": name,
            "Calls": str(len(waiting) if calls is None else calls),
            "Completed": "5",
            "Abandoned": "2",
        }
    ]
    for position, (channel, wait) in enumerate(waiting, 1):
        rows.append(
            {
                "Event": "QueueEntry",
                "Queue": name,
                "Position": str(position),
                "Channel": f"SIP/trunk-{channel}",
                "Uniqueid": channel,
                "CallerIDName": "Bob",
                "Wait": str(wait),
            }
        )
    return rows


class Switchboard:
    """An interpreter at work; ``now`` is both clocks, unless *skew* sets Asterisk's ahead."""

    def __init__(
        self,
        classes: frozenset[str] = ALL,
        version: tuple[int, ...] = (11, 0, 0),
        skew: Micros = 0,
    ) -> None:
        self.interpreter = AmiInterpreter("pbx", classes)
        self.interpreter.set_version(version)
        self.classes = classes
        self.skew = skew
        self.now = START
        self.events: list[Event] = []
        self._lists = 0
        self.interpreter.connected(self.now)

    def wait(self, length: Micros) -> None:
        """Let time pass."""
        end = self.now + length
        while (due := self.interpreter.due) is not None and due <= end:
            self.now = max(self.now, due)
            self.events += self.interpreter.tick(self.now)
        self.now = end

    def hear(self, message: Message) -> list[Event]:
        """Receive *message*."""
        events = self.interpreter.take(message, self.now)
        self.events += events
        return events

    def send(self, name: str, channel: str = "1.1", /, **fields: str) -> list[Event]:
        """Let Asterisk send an event of now, if its class is read."""
        message = event(name, self.now + self.skew, channel, **fields)
        if message.get("Privilege", "agent").partition(",")[0] not in self.classes:
            return []
        return self.hear(message)

    def play(self, story: str, channel: str = "1.1") -> None:
        """Send the events of *story*, a millisecond apart; a number is seconds to wait.

        ``Name key=value`` sets a field; ``key=-`` takes it away.
        """
        for line in story.strip("; ").split(";"):
            name, *fields = line.split()
            if name.replace(".", "").isdigit():
                self.wait(int(float(name) * SECOND))
            else:
                pairs = (field.split("=", 1) for field in fields)
                self.send(name, channel, **dict(pairs))
                self.wait(1_000)

    def list_queues(
        self, rows: Iterable[Mapping[str, str]], *, whole: bool = True, after: Micros = 0
    ) -> None:
        """Ask for a snapshot, receive it at once and read it *after* so long."""
        self._lists += 1
        action = f"list-{self._lists}"
        self.interpreter.expect(action, whole, self.now)
        self.wait(after)
        self.hear({"Response": "Success", "ActionID": action, "EventList": "start"})
        count = 0
        for row in rows:
            count += 1
            self.hear({**row, "ActionID": action})
        self.hear(
            {
                "Event": "QueueStatusComplete",
                "ActionID": action,
                "EventList": "Complete",
                "ListItems": str(count),
            }
        )

    def lose(self) -> None:
        """Let the connection break."""
        self.interpreter.disconnected(self.now)

    def reconnect(self) -> None:
        """Let a new session begin."""
        self.interpreter.connected(self.now)


def calls_only(events: Iterable[Event]) -> list[Event]:
    """Return the events of contacts."""
    return [found for found in events if not isinstance(found, AgentChanged | AgentRemoved)]


def ends(events: Iterable[Event]) -> dict[str, list[str]]:
    """Return what was told of each contact, in words; an uncertain end has a ``?``."""
    told: dict[str, list[str]] = {}
    for found in events:
        if isinstance(found, ContactJoined):
            told.setdefault(found.contact, []).append("joined")
        elif isinstance(found, ContactAnswered):
            told.setdefault(found.contact, []).append("answered")
        elif isinstance(found, ContactMoved):
            told.setdefault(found.contact, []).append(f"now {found.heir}")
        elif isinstance(found, ContactLeft):
            told.setdefault(found.contact, []).append(_word(found))
    return told


def _word(event: ContactLeft) -> str:
    if event.outcome is None:
        return "left"
    return Outcome(event.outcome).name.lower() + ("" if event.certain else "?")
