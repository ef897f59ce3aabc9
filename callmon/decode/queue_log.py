"""Asterisk's queue_log: what its lines mean.

``epoch|callid|queue|agent|VERB|data…`` and a line feed, written by ``ast_queue_log`` in
Asterisk's ``logger.c``. Nothing is escaped: a ``|`` or a line feed in a name, a number or a
reason stands there raw and shifts what follows. What can still be understood is; the rest
is counted by reason. Nothing in a log stops the decoder.

Durations in lines are differences of whole seconds: one second too long or too short.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from callmon.clock import SECOND, Micros
from callmon.errors import DecodeReason, DropReason
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactRefused,
    Event,
    Outcome,
    RingNotAnswered,
    SourceRestarted,
    TalkEnd,
    TalkEnded,
)

__all__ = ["MAX_LINE_BYTES", "Drops", "QueueLogDecoder"]

Drops = Counter[tuple[str, str]]
"""How often by (stage, reason).

Stage ``decode``: the line was not used. Stage ``figure``: its duration could not be true
and only that was left out; the engine then measures by the time stamps.
"""

MAX_LINE_BYTES = 8192
"""Asterisk's own buffer for a line: what is longer was not written by it."""

EARLIEST: Micros = 631_152_000 * SECOND
"""1990: Asterisk is younger, so an earlier stamp is a clock that was never set, or no stamp."""

LATEST: Micros = 4_102_444_800 * SECOND
"""2100: a later stamp is a number that is no time."""

LONGEST: Micros = 10 * 86_400 * SECOND
"""Nobody waits or talks for longer: such a duration spans a step of the clock."""

MAX_DIGITS = 18
"""More digits than this are beyond belief in any unit."""

VERB = 4
"""Where the verb stands, before anything has shifted it."""

MAX_PIPED_QUEUES = 100
"""Queue names with a ``|`` in them are remembered to tell queue from agent; a site has none
or a few, and a hostile log must not fill the memory."""

NO_CONTACT = frozenset(("", "NONE", "REALTIME", "MANAGER", "CLI"))
"""Asterisk's stand-ins for a call id where there is no call."""

NO_QUEUE = frozenset(("", "NONE"))

IGNORED = frozenset(
    """ADDMEMBER REMOVEMEMBER PAUSE UNPAUSE PAUSEALL UNPAUSEALL PENALTY RINGINUSE
    AGENTLOGIN AGENTLOGOFF AGENTCALLBACKLOGIN AGENTCALLBACKLOGOFF AGENTDUMP RINGCANCELED
    CONFIGRELOAD OUTCALL DID INFO HOTDESK CALLERONHOLD CALLEROFFHOLD CALLSTATUS
    HOLD UNHOLD TRANSFERFROM TRANSFERTO""".split()  # noqa: SIM905 - a list this long reads better as words
)
"""Known verbs that say nothing about how a contact's waiting or talk ended."""

_SECONDS = {str(count): count * SECOND for count in range(7200)}
_MILLISECONDS = {str(count): count * 1000 for count in range(0, 121_000, 500)}


class _Refused(Exception):  # noqa: N818 - it is a verdict inside this module, never seen outside
    """The line cannot be used."""

    def __init__(self, reason: DecodeReason) -> None:
        super().__init__(reason)
        self.reason = reason


class _Line:
    """One line taken apart: the names, and the data after the verb."""

    __slots__ = ("agent", "at", "contact", "data", "doubted", "queue", "seq", "source")

    def __init__(self, at: Micros, source: str, seq: int, contact: str) -> None:
        self.at = at
        self.source = source
        self.seq = seq
        self.contact = contact
        self.queue = ""
        self.agent = ""
        self.data: Sequence[str] = ()
        self.doubted = False

    def duration(self, index: int, unit: Micros = SECOND) -> Micros | None:
        """Return the duration in data field *index*; None when absent or beyond belief.

        A clock that stepped while the caller waited gives a negative or a huge figure.
        The line is true all the same, so only the figure is left out, and ``doubted`` set.
        """
        text = self.data[index].strip() if -len(self.data) <= index < len(self.data) else ""
        if not text:
            return None
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise _Refused(DecodeReason.BAD_NUMBER)
        # int() takes long, and in the end raises, for thousands of digits.
        length = int(text) * unit if len(digits) <= MAX_DIGITS else -1
        if 0 <= length <= LONGEST:
            return length
        self.doubted = True
        return None


class QueueLogDecoder:
    """Turns the bytes of one log, in pieces of any size, into events.

    A line equal to the one directly before it is its duplicate and not used: in plain text
    there is no finer identity. RINGNOANSWER is excepted: two phones of one agent may well
    ring out in the same second.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.drops: Drops = Counter()
        self.lines = 0
        self.offset = 0
        self.position = 0
        self._base = 0
        self._rest = b""
        self._skipping = False
        self._previous = ""
        self._stamp = ""
        self._at: Micros | None = None
        self._piped_queues: list[str] = []

    def begin(self, offset: int = 0, previous: bytes = b"", base: int = 0) -> None:
        """Go on in another file, or elsewhere, at *offset*: the beginning of a line.

        *base* is added to the offsets of this file to give the ``seq`` of its events: a
        later file needs a higher one, or what it tells of the second in which the former
        file ended would seem to have come before it.

        *previous* is the line before it, without its line feed: the twin check needs it.
        """
        self.offset = self.position = offset
        self._base = base
        self._rest = b""
        self._skipping = False
        self._previous = previous.decode("utf-8", "backslashreplace")

    def cut(self) -> None:
        """Count the half line at the end, if there is one: no more of it will come.

        It is never used. What is left of a number is a number, too, and a wrong one.
        """
        if self._rest or self._skipping:
            self._drop(DecodeReason.MISSING_FIELDS)

    @property
    def at(self) -> Micros | None:
        """The time stamp of the last line that had one."""
        return self._at

    def decode(self, data: bytes) -> list[Event]:
        """Return the events of the lines that *data* completes; never raises.

        ``position`` then is the offset of the next byte to read, ``offset`` the beginning
        of the line that is still incomplete: who begins there again misses nothing.
        """
        self.position += len(data)
        if self._skipping:
            data = self._skip(data)
        cut = data.rfind(b"\n")
        if cut < 0:
            self._keep(self._rest + data)
            return []
        block = self._rest + data[:cut]
        events = self._decode_block(block)
        self.offset += len(block) + 1
        self._keep(data[cut + 1 :])
        return events

    def _keep(self, rest: bytes) -> None:
        """Remember a half line, but no more than a line may have."""
        self._skipping = self._skipping or len(rest) > MAX_LINE_BYTES
        self._rest = b"" if self._skipping else rest

    def _skip(self, data: bytes) -> bytes:
        """Return what follows the end of a line that was too long to keep."""
        end = data.find(b"\n") + 1
        if not end:
            return b""
        self._skipping = False
        self._previous = ""
        self._drop(DecodeReason.OVERSIZED)
        self.offset = self.position - len(data) + end
        return data[end:]

    def _decode_block(self, block: bytes) -> list[Event]:  # noqa: C901, PLR0912, PLR0915 - the one hot loop: a call per line would cost a third of its speed
        """Decode whole lines; all that is usual here, all that is not in ``_rare``."""
        lines = block.decode("utf-8", "backslashreplace").split("\n")
        lengths = map(len, lines if block.isascii() else block.split(b"\n"))
        events: list[Event] = []
        add = events.append
        seconds = _SECONDS.get
        source = self.source
        previous = self._previous
        stamp, at = self._stamp, self._at
        offset = self._base + self.offset
        for line, length in zip(lines, lengths, strict=True):
            seq = offset
            offset += length + 1
            if length > MAX_LINE_BYTES:
                self._drop(DecodeReason.OVERSIZED)
                previous = ""
                continue
            if line == previous:
                self._twin(line, seq, events)
                continue
            previous = line
            fields = line.split("|")
            try:
                if fields[0] != stamp:
                    stamp = fields[0]
                    at = _instant(stamp)
                contact = fields[1]
                queue = fields[2]
                verb = fields[4]
                if at is None or contact in NO_CONTACT or queue in NO_QUEUE:
                    pass
                elif verb == "ENTERQUEUE":
                    add(ContactJoined(at, source, seq, queue, contact))
                    continue
                elif verb == "CONNECT":
                    if (span := seconds(fields[5])) is not None:
                        add(ContactAnswered(at, source, seq, queue, contact, span, fields[3]))
                        continue
                elif verb == "COMPLETECALLER":
                    if (span := seconds(fields[6])) is not None:
                        add(
                            TalkEnded(at, source, seq, queue, contact, span, _CALLER, fields[3])
                        )
                        continue
                elif verb == "COMPLETEAGENT":
                    if (span := seconds(fields[6])) is not None:
                        add(TalkEnded(at, source, seq, queue, contact, span, _AGENT, fields[3]))
                        continue
                elif verb == "ABANDON":
                    if (span := seconds(fields[7])) is not None:
                        add(ContactLeft(at, source, seq, queue, contact, _ABANDONED, span))
                        continue
                elif (
                    verb == "RINGNOANSWER"
                    and (span := _MILLISECONDS.get(fields[5])) is not None
                ):
                    add(RingNotAnswered(at, source, seq, queue, contact, span, fields[3]))
                    continue
            except IndexError:
                pass
            self._rare(line, seq, events)
        self.lines += len(lines)
        self._previous = previous
        self._stamp, self._at = stamp, at
        return events

    def _drop(self, reason: DecodeReason | DropReason, stage: str = "decode") -> None:
        self.drops[stage, reason.value] += 1

    def _twin(self, line: str, seq: int, events: list[Event]) -> None:
        """Take a line that repeats the one before it."""
        repeated: list[Event] = []
        self._rare(line, seq, repeated)
        for event in repeated:
            if isinstance(event, RingNotAnswered):
                events.append(event)
            else:
                self._drop(DropReason.DUPLICATE)

    def _rare(self, line: str, seq: int, events: list[Event]) -> None:
        """Take any line, with all the care it may need."""
        try:
            event = self._read(line.strip("\0\r"), seq)
        except _Refused as refused:
            self._drop(refused.reason)
        else:
            if event is not None:
                events.append(event)

    def _read(self, line: str, seq: int) -> Event | None:
        """Return the event of *line*, None when it is one of ``IGNORED``."""
        if not line.strip():
            raise _Refused(DecodeReason.EMPTY)
        fields = line.split("|")
        if len(fields) <= VERB:
            raise _Refused(DecodeReason.MISSING_FIELDS)
        at = _instant(fields[0])
        if at is None:
            raise _Refused(DecodeReason.BAD_TIME)
        refused = _Refused(DecodeReason.UNKNOWN_VERB)
        # After an agent NONE stands the verb. A real name may have shifted it to the right.
        end = VERB + 1 if fields[VERB - 1] == "NONE" else len(fields)
        for index in range(VERB, end):
            verb = fields[index]
            if verb in IGNORED:
                return None
            read = _READERS.get(verb)
            if read is None:
                continue
            parts = _Line(at, self.source, seq, fields[1])
            parts.data = fields[index + 1 :]
            parts.queue, parts.agent = self._names(fields[2:index])
            try:
                event = read(parts)
            except _Refused as reason:
                refused = reason
                continue
            if parts.doubted:
                self._drop(DecodeReason.BAD_NUMBER, stage="figure")
            return event
        raise refused

    def _names(self, fields: Sequence[str]) -> tuple[str, str]:
        """Return queue and agent from the *fields* that hold both.

        More than two means a ``|`` in one of the names. Agents have it more often than
        queues; but a line without an agent shows how a queue is spelt, once and for all.
        """
        *front, agent = fields
        queue = "|".join(front)
        if len(front) == 1:
            return queue, agent
        if agent == "NONE":
            if queue not in self._piped_queues:
                self._piped_queues = [*self._piped_queues[1 - MAX_PIPED_QUEUES :], queue]
            return queue, agent
        both = "|".join(fields)
        for known in self._piped_queues:
            if both.startswith(known + "|"):
                return known, both[len(known) + 1 :]
        return fields[0], "|".join(fields[1:])


def _instant(text: str) -> Micros | None:
    """Return the instant of a time stamp, None when it is none."""
    if not (len(text) <= MAX_DIGITS and text.isascii() and text.isdigit()):
        return None
    at = int(text) * SECOND
    return at if EARLIEST <= at < LATEST else None


_CALLER = TalkEnd.CALLER
_AGENT = TalkEnd.AGENT
_TRANSFER = TalkEnd.TRANSFER
_ABANDONED = Outcome.ABANDONED


def _named(line: _Line) -> tuple[Micros, str, int, str, str]:
    """Return the first five fields of every contact event; they must be there."""
    if line.contact in NO_CONTACT or line.queue in NO_QUEUE:
        raise _Refused(DecodeReason.MISSING_FIELDS)
    return line.at, line.source, line.seq, line.queue, line.contact


def _joined(line: _Line) -> Event:
    return ContactJoined(*_named(line))


def _answered(line: _Line) -> Event:
    return ContactAnswered(*_named(line), line.duration(0), line.agent)


def _talk_ended(index: int, ended_by: TalkEnd) -> Callable[[_Line], Event]:
    def read(line: _Line) -> Event:
        return TalkEnded(*_named(line), line.duration(index), ended_by, line.agent)

    return read


def _transferred(line: _Line) -> Event:
    """BLINDTRANSFER and ATTENDEDTRANSFER: talk|origpos come last, after names of any kind."""
    while line.data and not line.data[-1]:  # exports of tables fill up with empty fields
        line.data = line.data[:-1]
    return TalkEnded(*_named(line), line.duration(-2), _TRANSFER, line.agent)


def _transferred_of_old(line: _Line) -> Event:
    """TRANSFER up to Asterisk 11: exten|context|hold|talk, and origpos in later ones."""
    return TalkEnded(*_named(line), line.duration(3), _TRANSFER, line.agent)


def _left(outcome: Outcome, index: int | None = 2) -> Callable[[_Line], Event]:
    def read(line: _Line) -> Event:
        wait = None if index is None else line.duration(index)
        return ContactLeft(*_named(line), outcome, wait)

    return read


def _rang(line: _Line) -> Event:
    ring = line.duration(0, unit=1000)
    if ring is None:
        reason = DecodeReason.BAD_NUMBER if line.doubted else DecodeReason.MISSING_FIELDS
        raise _Refused(reason)
    return RingNotAnswered(*_named(line), ring, line.agent)


def _not_taken(reason: str) -> Callable[[_Line], Event]:
    def read(line: _Line) -> Event:
        return ContactRefused(*_named(line), reason)

    return read


def _restarted(line: _Line) -> Event:
    return SourceRestarted(line.at, line.source, line.seq)


_READERS: dict[str, Callable[[_Line], Event]] = {
    "ENTERQUEUE": _joined,
    "CONNECT": _answered,
    "COMPLETECALLER": _talk_ended(1, _CALLER),
    "COMPLETEAGENT": _talk_ended(1, _AGENT),
    "BLINDTRANSFER": _transferred,
    "ATTENDEDTRANSFER": _transferred,
    "TRANSFER": _transferred_of_old,
    "ABANDON": _left(Outcome.ABANDONED),
    "EXITWITHTIMEOUT": _left(Outcome.TIMEOUT),
    "EXITWITHKEY": _left(Outcome.KEY_EXIT, 3),
    "EXITEMPTY": _left(Outcome.EMPTY),
    "WITHDRAW": _left(Outcome.WITHDRAWN),
    "SYSCOMPAT": _left(Outcome.FAILED, None),
    "RINGNOANSWER": _rang,
    "FULL": _not_taken("full"),  # these two by Wazo's dialplan, which knows what Asterisk hides
    "JOINEMPTY": _not_taken("join_empty"),
    "QUEUESTART": _restarted,
}
