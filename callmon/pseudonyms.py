"""Another text for each number and name of a message, the same one each time.

What may stay is listed; what is not listed is replaced, and what a listed header must look
like is checked, since a CR LF in a caller's name puts anything anywhere. The headers are
those of Asterisk's manager interface.
"""

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

__all__ = ["LINE_END", "REMOVED", "MessageRewriter", "Pseudonyms"]

LINE_END: Final = b"\r\n"
MAX_KNOWN_LINES: Final = 50_000
"""Lines come again and again; then all are forgotten and learnt anew."""

REMOVED: Final = b"removed"

_ROUNDS: Final = 8
_LONGEST_NUMBER: Final = 40

_BANNER = re.compile(rb"Asterisk Call Manager/[0-9.]{1,20}")
_DIGITS = re.compile(rb"[0-9]+")
_LONG_DIGITS = re.compile(rb"[0-9]{3,}")
_PHONE = re.compile(rb"[0-9+*#(). /-]*[0-9][0-9+*#(). /-]*")
_FIGURE = re.compile(rb"-?[0-9]{1,10}(\.[0-9]{1,6})?")
_WORDS = re.compile(rb"[A-Za-z][A-Za-z ,/()_-]{0,60}")
_CAPITALS = re.compile(rb"[A-Z]{1,20}")
_PRESENTATION = re.compile(rb"[0-9]{1,3} \([A-Za-z, ]{1,40}\)")
_IDENTIFIER = re.compile(rb"[_A-Za-z][A-Za-z0-9_-]{0,79}")
_CALL_ID = re.compile(rb"([A-Za-z][A-Za-z0-9._-]{0,39}-)?[0-9]{9,10}\.[0-9]{1,9}")
_BRIDGE_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TECHNOLOGY = rb"(PJSIP|SIP|Local|IAX2|DAHDI|Agent|Surrogate|SCCP|Motif|WebSocket)/"
_RESOURCE = rb"([^@/;<]+)(@[A-Za-z0-9_-]{1,80})?(/[a-z]{1,4})?"
_INTERFACE = re.compile(_TECHNOLOGY + _RESOURCE)
_CHANNEL = re.compile(
    rb"(?:AsyncGoto/)?" + _TECHNOLOGY + _RESOURCE + rb"(-[0-9a-f]{8}(?:;[12])?)(<[A-Z]{4,6}>)?"
)

_NOBODY = frozenset((b"", b"<unknown>", b"unknown", b"anonymous", b"Anonymous"))
_STANDARD_EXTENSIONS = frozenset((b"", b"s", b"h", b"i", b"t", b"T", b"o", b"a", b"failed"))
_MEANINGFUL = frozenset(
    (
        b"Application: Queue",
        b"Variable: ABANDONED",
        b"Variable: DIALSTATUS",
        b"Variable: QUEUEPOSITION",
        b"Variable: QUEUESTATUS",
        b"Variable: QUEUEWAIT",
    )
)
"""With such a line in it, another line of the message says something about queues."""

_ANSWERS = frozenset(
    (
        b"Authentication accepted",
        b"Authentication failed",
        b"Asterisk is shutting down",
        b"Login Already In Use",
        b"Permission denied",
        b"Queue status will follow",
        b"Queue summary will follow",
    )
)
_ENDS_OF_TALK = frozenset((b"caller", b"agent", b"transfer"))

_FIGURES = """Abandoned Available BridgeNumChannels Callers Calls CallsTaken Cause ChannelState
    Completed Count HoldTime Holdtime InCall LastCall LastPause LastReload ListItems LoggedIn
    LoginTime Logintime LongestHoldTime Max OriginalPosition Paused Penalty Position Priority
    RingTime Ringinuse ServiceLevel ServicelevelPerf ServicelevelPerf2 TalkTime TechCause
    Timestamp Uptime Wait Weight Wrapuptime"""
_WORDED = """Action BridgeTechnology BridgeType BridgeVideoSourceMode Cause-txt
    ChannelStateDesc DestType DialStatus Event EventList EventMask Events IsExternal Language
    LocalOptimization Membership Ping Privilege Response Restart Result Shutdown State
    Strategy Success"""
_IDS = """Uniqueid UniqueId Linkedid BridgeUniqueid SwapUniqueid"""
_PEOPLE = "CallerIDNum CallerIDName ConnectedLineNum ConnectedLineName"

_PREFIX = re.compile(
    rb"(?:Dest|Source|LocalOne|LocalTwo|OrigTransferer|SecondTransferer|Transferer|Transferee"
    rb"|TransferTarget|Orig|Second|From|To)(?=[A-Z])"
)
"""Before the name of a header that describes another channel or bridge than the first."""


class Pseudonyms:
    """Another text for each text, the same one each time."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._numbers: dict[bytes, bytes] = {}

    def mark(self, kind: str, text: bytes, length: int = 8) -> bytes:
        """Return letters and digits that stand for *text*, among those of its *kind*."""
        hashed = blake2b(text, key=self._key, person=kind.encode()[:16], digest_size=16)
        return hashed.hexdigest()[:length].encode()

    def digits(self, digits: bytes) -> bytes:
        """Return other digits, as many; no two numbers get the same.

        A single digit stays: it is a key that was pressed, and nobody's number.
        """
        if len(digits) < 2:  # noqa: PLR2004 - one
            return digits
        if len(digits) > _LONGEST_NUMBER:
            return b"0" * len(digits)
        known = self._numbers.get(digits)
        if known is None:
            if len(self._numbers) >= MAX_KNOWN_LINES:
                self._numbers.clear()  # nothing is lost, they only are worked out again
            known = self._numbers[digits] = self._permuted(digits)
        return known

    def _permuted(self, digits: bytes) -> bytes:
        """Mix the halves into each other, again and again: a Feistel network, as in FF1."""
        half = len(digits) // 2
        left, right = digits[:half], digits[half:]
        for number in range(_ROUNDS):
            width = len(left)
            hashed = blake2b(
                right, key=self._key, salt=bytes((number, len(digits))), digest_size=32
            )
            mixed = (int(left) + int.from_bytes(hashed.digest())) % 10**width
            left, right = right, b"%0*d" % (width, mixed)
        return left + right


class MessageRewriter:
    """Rewrites messages, header by header."""

    def __init__(self, pseudonyms: Pseudonyms, *, queues: bool) -> None:
        self._pseudonyms = pseudonyms
        self._queues = queues
        self._known: dict[bytes, bytes] = {}
        self._rules: dict[bytes, Callable[[bytes], bytes]] = {
            **_by_name(_FIGURES, self._shaped(_FIGURE)),
            **_by_name(_WORDED, self._shaped(_WORDS)),
            **_by_name(_IDS, self._call_id),
            **_by_name(_PEOPLE, self._person),
            **_by_name("Interface Location StateInterface", self._interface),
            **_by_name("MemberName Name", self._agent),
            **_by_name("Exten Extension Agent Digit", self._extension),
            **_by_name("AccountCode PausedReason Class MusicClass Username", self._text),
            **_by_name("AppData Data DialString Value BridgeName", self._text),
            **_by_name("Application AuthType SystemName", self._shaped(_IDENTIFIER)),
            **_by_name("Context Variable", self._named),
            **_by_name("Secret Key Challenge", lambda _: REMOVED),
            b"ActionID": lambda value: self._marked("id", value, 16),
            b"CID-CallingPres": self._shaped(_PRESENTATION),
            b"ChanVariable": self._variable,
            b"Channel": self._channel,
            b"Member": lambda value: value if value == b"__none__" else self._agent(value),
            b"Message": lambda value: value if value in _ANSWERS else self._text(value),
            b"Queue": self._queue,
            b"Reason": self._reason,
            b"Status": lambda value: self._one_of((_FIGURE, _WORDS), value),
        }

    def message(self, message: bytes) -> bytes:
        """Return *message* with its headers rewritten; blank lines and order stay."""
        lines = message.split(LINE_END)
        rewritten = list(map(self._line, lines))
        for line in _MEANINGFUL.intersection(lines):
            if line == b"Application: Queue":
                self._each(b"AppData: ", self._queue_arguments, lines, rewritten)
            else:
                self._each(b"Value: ", self._told_value, lines, rewritten)
        return LINE_END.join(rewritten)

    @staticmethod
    def _each(
        head: bytes, rule: Callable[[bytes], bytes], lines: list[bytes], rewritten: list[bytes]
    ) -> None:
        for place, line in enumerate(lines):
            if line.startswith(head):
                rewritten[place] = head + rule(line[len(head) :])

    def _line(self, line: bytes) -> bytes:
        known = self._known.get(line)
        if known is None:
            if len(self._known) >= MAX_KNOWN_LINES:
                self._known.clear()
            known = self._known[line] = self._rewritten(line)
        return known

    def _rewritten(self, line: bytes) -> bytes:
        if not line or _BANNER.fullmatch(line):
            return line
        key, colon, value = line.partition(b":")
        if not colon:
            return self._text(line)
        rule = self._rules.get(key) or self._rules.get(_PREFIX.sub(b"", key, count=1))
        if rule is None:
            key, rule = b"X-" + self._pseudonyms.mark("key", key), self._text
        space = b" " if value.startswith(b" ") else b""
        return key + colon + space + rule(value[len(space) :])

    # ---- rules: from a value to the value that is written ----------------------------

    def _shaped(self, shape: re.Pattern[bytes]) -> Callable[[bytes], bytes]:
        return lambda value: self._one_of((shape,), value)

    def _one_of(self, shapes: Iterable[re.Pattern[bytes]], value: bytes) -> bytes:
        if not value or any(shape.fullmatch(value) for shape in shapes):
            return value
        return self._text(value)

    def _marked(self, kind: str, value: bytes, length: int = 8) -> bytes:
        if not value:
            return value
        return kind.encode() + b"-" + self._pseudonyms.mark(kind, value, length)

    def _text(self, value: bytes) -> bytes:
        return value if value in _NOBODY else self._marked("text", value)

    def _number(self, value: bytes) -> bytes:
        """Replace all digits of *value* as one number, whatever stands between them."""
        digits = b"".join(_DIGITS.findall(value))
        others = iter(self._pseudonyms.digits(digits))
        return bytes(next(others) if byte in b"0123456789" else byte for byte in value)

    def _person(self, value: bytes) -> bytes:
        if value in _NOBODY:
            return value
        return self._number(value) if _PHONE.fullmatch(value) else self._marked("Caller", value)

    def _agent(self, value: bytes) -> bytes:
        """Replace a member's name, which is the interface where he has none."""
        if value in _NOBODY:
            return value
        if b"/" in value:
            return self._interface(value)
        return self._number(value) if _PHONE.fullmatch(value) else self._marked("Agent", value)

    def _extension(self, value: bytes) -> bytes:
        if value in _STANDARD_EXTENSIONS:
            return value
        return self._number(value) if _PHONE.fullmatch(value) else self._marked("exten", value)

    def _interface(self, value: bytes) -> bytes:
        found = _INTERFACE.fullmatch(value)
        if found is None:
            return self._marked("agent", value)
        return self._endpoint(*found.groups(b""))

    def _channel(self, value: bytes) -> bytes:
        found = _CHANNEL.fullmatch(value)
        if found is None:
            return self._marked("channel", value)
        technology, resource, context, options, sequence, suffix = found.groups(b"")
        return self._endpoint(technology, resource, context, options) + sequence + suffix

    def _endpoint(
        self, technology: bytes, resource: bytes, context: bytes, options: bytes
    ) -> bytes:
        if _PHONE.fullmatch(resource):
            resource = self._number(resource)
        else:
            resource = b"agent" + self._pseudonyms.mark("resource", resource)
        return technology + b"/" + resource + self._masked(context) + options

    def _named(self, value: bytes) -> bytes:
        """Keep a name of the dialplan's, without the numbers in it."""
        return self._masked(value) if _IDENTIFIER.fullmatch(value) else self._text(value)

    def _masked(self, value: bytes) -> bytes:
        return _LONG_DIGITS.sub(lambda found: self._pseudonyms.digits(found[0]), value)

    def _call_id(self, value: bytes) -> bytes:
        if not value or _CALL_ID.fullmatch(value) or _BRIDGE_ID.fullmatch(value):
            return value
        return self._marked("call", value, 16)

    def _queue(self, value: bytes) -> bytes:
        if not self._queues or not value:
            return value
        # Asterisk ignores the case of queues' names, and so does callmon.
        folded = value.decode("utf-8", "backslashreplace").casefold().encode()
        return self._marked("queue", folded)

    def _queue_arguments(self, value: bytes) -> bytes:
        """Keep the queue among the arguments of Queue(): a refused caller is told by it."""
        queue, comma, rest = value.partition(b",")
        return self._queue(queue) + comma + self._text(rest)

    def _variable(self, value: bytes) -> bytes:
        name, equals, content = value.partition(b"=")
        return self._named(name) + equals + self._text(content)

    def _told_value(self, value: bytes) -> bytes:
        return self._one_of((_FIGURE, _CAPITALS), value)

    def _reason(self, value: bytes) -> bytes:
        """Keep who ended a talk; the reason of a pause is in a member's own words."""
        kept = value in _ENDS_OF_TALK or (len(value) == 1 and value.isdigit())
        return value if kept else self._text(value)


def _by_name(
    names: str, rule: Callable[[bytes], bytes]
) -> dict[bytes, Callable[[bytes], bytes]]:
    return dict.fromkeys(names.encode().split(), rule)
