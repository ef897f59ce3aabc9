"""Asterisk's Manager Interface: its bytes into messages, our actions into bytes.

One banner line, then messages: lines ``Key: Value``, each ended by CR LF, and an empty line
(``astman_append`` and ``send_string`` in Asterisk's ``manager.c``). A message is framed as
bytes and only then read as text: names come in whatever encoding a phone or a database had.

Nothing is unescaped and nothing is believed here. Whoever can put CR LF into a name can put
lines, even whole messages, into the stream; of a key that comes twice the first is taken,
because Asterisk's own headers stand before what callers can write.
"""

import re
from collections.abc import Mapping

from callmon.clock import SECOND, Micros
from callmon.decode.queue_log import EARLIEST, LATEST
from callmon.errors import DecodeError, DecodeReason

__all__ = [
    "MAX_MESSAGE_BYTES",
    "AmiDecoder",
    "Message",
    "encode_action",
    "message_time",
    "read_time",
]

Message = dict[str, str]
"""One message: keys in Asterisk's spelling; bytes that are no UTF-8 as ``\\xe9``."""

MAX_MESSAGE_BYTES = 65_536
"""An event has 0.5 to 1.5 kB, a hundred channel variables some ten: more is no event, and a
peer must not be able to grow our buffer without end."""

MAX_BANNER_BYTES = 128
"""The banner has about 30; a peer that sends no line end is not heard for longer."""

MAX_LINE_BYTES = 1024
"""What Asterisk takes in one line of an action; it answers a longer one with an error."""

BANNER = b"Asterisk Call Manager/"

LINE_END = b"\r\n"

MESSAGE_END = b"\r\n\r\n"

_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}")
_TIME = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?")
_FORBIDDEN = re.compile(r"[\r\n\0]")


class AmiDecoder:
    """Turns the bytes of one session, in pieces of any size, into messages.

    Attributes:
        banner: The first line, once it is whole.
        version: Its number, ``(11, 0, 0)`` for Asterisk 22; None while there is none.
        messages: Messages received, of every kind.
        skipped: Events among them that were not wanted.
        fragments: Neither event nor response: the rest of a message that a CR LF in a name
            has torn. None of them is returned.
    """

    def __init__(
        self, wanted: frozenset[str] | None = None, longest: int = MAX_MESSAGE_BYTES
    ) -> None:
        self.banner: str | None = None
        self.version: tuple[int, ...] | None = None
        self.messages = 0
        self.skipped = 0
        self.fragments = 0
        self._wanted = None if wanted is None else frozenset(name.encode() for name in wanted)
        self._longest = longest
        self._rest = b""
        self._failure: DecodeError | None = None

    def decode(self, data: bytes) -> list[Message]:
        """Return the messages that *data* completes, oldest first.

        Events that are not wanted are counted and not built; responses always are.

        Raises:
            DecodeError: ``OVERSIZED`` for a message longer than ``longest``,
                ``UNKNOWN_VERB`` where the session does not begin with the banner. What was
                whole before is returned first, then every call raises: the session is out
                of step and must be dropped.
        """
        self._raise_failure()
        # An end can begin in the last three bytes of what is kept, no earlier.
        search_from = max(len(self._rest) - len(MESSAGE_END) + 1, 0)
        data = self._rest + data
        if self.banner is None:
            begin = self._read_banner(data)
            if not begin:
                self._rest = data
                return []
            data = data[begin:]
            search_from = 0
        end = data.rfind(MESSAGE_END, search_from)
        built: list[Message] = []
        if end >= 0:
            # With its end: the one found last may lie across a blank line too many.
            end += len(MESSAGE_END)
            built = self._read_block(data[:end])
            data = data[end:]
        self._rest = data.removeprefix(LINE_END)
        # The last three bytes may belong to the end of the message instead.
        self._check_length(len(self._rest) - len(MESSAGE_END) + 1)
        if not built:
            self._raise_failure()
        return built

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self._rest = b""
            raise self._failure

    def _read_banner(self, data: bytes) -> int:
        """Take the banner from the beginning of *data*; return its length, 0 if not whole."""
        end = data.find(LINE_END, 0, MAX_BANNER_BYTES)
        endless = end < 0 and len(data) >= MAX_BANNER_BYTES
        if endless or not data.startswith(BANNER[: len(data)]):
            found = data[:40].decode("utf-8", "backslashreplace")
            self._failure = DecodeError(
                DecodeReason.UNKNOWN_VERB,
                "first line of the session: expected 'Asterisk Call Manager/' and a version, "
                f"found {found!r}",
            )
            raise self._failure
        if end < 0:
            return 0
        self.banner = data[:end].decode("utf-8", "backslashreplace")
        version = _VERSION.match(self.banner, len(BANNER))
        if version is not None:
            self.version = tuple(map(int, version[0].split(".")))
        return end + len(LINE_END)

    def _read_block(self, block: bytes) -> list[Message]:
        """Read whole messages; skipping one costs a look at its first line and no more."""
        built: list[Message] = []
        wanted = self._wanted
        for raw in block.split(MESSAGE_END):
            # A blank line too many stands before a message, and may be all there is.
            body = raw.removeprefix(LINE_END)
            if not body:
                continue
            if len(body) > self._longest:
                self._check_length(len(body))
                break
            self.messages += 1
            if wanted is not None and body.startswith(b"Event:"):
                end = body.find(LINE_END)
                name = body[6:end] if end >= 0 else body[6:]
                if name.removeprefix(b" ") not in wanted:
                    self.skipped += 1
                    continue
            self._keep(_read_message(body), built)
        return built

    def _keep(self, message: Message, built: list[Message]) -> None:
        """Add *message* to *built* if it is of use."""
        name = message.get("Event")
        if name is None:
            if "Response" in message:
                built.append(message)
            else:
                self.fragments += 1
        elif self._wanted is None or name.encode() in self._wanted:
            built.append(message)
        else:
            self.skipped += 1

    def _check_length(self, length: int) -> None:
        if length > self._longest:
            self._failure = DecodeError(
                DecodeReason.OVERSIZED,
                f"message {self.messages + 1} of the session: expected at most "
                f"{self._longest} bytes, found {length} or more",
            )


def _read_message(body: bytes) -> Message:
    message: Message = {}
    for line in body.decode("utf-8", "backslashreplace").split("\r\n"):
        key, colon, value = line.partition(":")
        if colon and key not in message:
            message[key] = value[1:] if value[:1] == " " else value
    return message


def encode_action(name: str, fields: Mapping[str, str]) -> bytes:
    """Return the bytes of action *name* with *fields*, in their order.

    Raises:
        ValueError: A CR, LF or NUL anywhere, which would end the line and let the rest give
            orders; a colon in a key; a line longer than Asterisk takes. The error names the
            key and never the value, which may be a secret.
    """
    lines: list[bytes] = []
    for key, value in (("Action", name), *fields.items()):
        if not key or ":" in key or _FORBIDDEN.search(key):
            raise ValueError(f"action: expected a key without ':', CR, LF or NUL, got {key!r}")
        if _FORBIDDEN.search(value):
            raise ValueError(f"action field {key}: expected no CR, LF or NUL in its value")
        line = f"{key}: {value}".encode()
        if len(line) + len(LINE_END) > MAX_LINE_BYTES:
            raise ValueError(f"action field {key}: expected {MAX_LINE_BYTES} bytes at most")
        lines.append(line)
    return LINE_END.join(lines) + MESSAGE_END


def message_time(message: Message) -> Micros | None:
    """Return when the event *message* happened, by the clock of the PBX.

    None where it does not say (``timestampevents`` is off), is no event (the answer to a Ping
    has a ``Timestamp`` of another meaning), or says what cannot be a time.
    """
    if "Event" not in message or (text := message.get("Timestamp")) is None:
        return None
    return read_time(text)


def read_time(text: str) -> Micros | None:
    """Return Asterisk's ``seconds.fraction`` since 1970, None if that cannot be a time."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    # In integers: a float of today's seconds is exact to a quarter of a microsecond only.
    at = int(match[1]) * SECOND + int((match[2] or "")[:6].ljust(6, "0"))
    return at if EARLIEST <= at <= LATEST else None
