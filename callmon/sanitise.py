"""Takes people out of a recording: numbers, names and secrets become pseudonyms.

The same number is the same pseudonym throughout a recording, digits stay as many digits, so
that what the recording tells of queues stays as it was. The key is random and thrown away:
nobody can go back, and two recordings cannot be compared.
"""

import re
from typing import Final, Protocol

from callmon.clock import Micros
from callmon.decode.recording import (
    Direction,
    Marked,
    Record,
    Transferred,
    connection_after,
)
from callmon.pseudonyms import LINE_END, REMOVED, MessageRewriter, Pseudonyms

__all__ = ["Redactor", "Sanitiser", "SecretsRemover"]

MESSAGE_END: Final = LINE_END + LINE_END

MAX_HELD_BYTES: Final = 1 << 20
"""A message has 1.5 kB; of a longer one the whole lines are written without its end."""


class Redactor(Protocol):
    """What a record goes through on its way to the file."""

    def take(self, record: Record) -> list[Record]:
        """Return what may be written, in order."""


class Sanitiser:
    """Rewrites records so that no number, name or secret is in them.

    What was received is cut anew, at the ends of messages. *queues*: the names of queues are
    replaced, too.
    """

    def __init__(self, key: bytes, *, queues: bool = False) -> None:
        self._rewriter = MessageRewriter(Pseudonyms(key), queues=queues)
        self._held = b""
        self._greeted = False

    def take(self, record: Record) -> list[Record]:
        """Return what may be written of *record* and of what was held back before it."""
        if isinstance(record, Marked):
            if connection_after(record.mark) is None:
                return [record]
            rest = self._rest(record.at)
            self._greeted = False
            return [*rest, record]
        if record.direction is Direction.SENT:
            return [Transferred(record.at, record.direction, self._whole(record.data))]
        self._held += record.data
        end = self._end()
        whole, self._held = self._held[:end], self._held[end:]
        return [self._received(record.at, whole)] if whole else []

    def _end(self) -> int:
        """Return how much of what is held can be written: the banner, or whole messages."""
        held = self._held
        if not self._greeted and (end := held.find(LINE_END)) >= 0:
            self._greeted = True
            return max(end + len(LINE_END), self._last(MESSAGE_END))
        end = self._last(MESSAGE_END)
        return self._last(LINE_END) if not end and len(held) > MAX_HELD_BYTES else end

    def _last(self, ending: bytes) -> int:
        found = self._held.rfind(ending)
        return 0 if found < 0 else found + len(ending)

    def _rest(self, at: Micros) -> list[Record]:
        """Return the whole lines of a message that the end of the connection has cut."""
        whole, self._held = self._held[: self._last(LINE_END)], b""
        return [self._received(at, whole)] if whole else []

    def _received(self, at: Micros, data: bytes) -> Transferred:
        return Transferred(at, Direction.RECEIVED, self._whole(data))

    def _whole(self, data: bytes) -> bytes:
        return MESSAGE_END.join(map(self._rewriter.message, data.split(MESSAGE_END)))


class SecretsRemover:
    """Leaves records as they are but for what the login needs: secret, key and challenge."""

    _SECRETS = re.compile(rb"^(Secret|Key|Challenge):[^\r\n]*", re.IGNORECASE | re.MULTILINE)

    def __init__(self) -> None:
        self._held = b""
        self._logging_in = True

    def take(self, record: Record) -> list[Record]:
        """Return what may be written of *record* and of what was held back before it."""
        if isinstance(record, Marked):
            flushed = self._flush(record.at)
            if connection_after(record.mark) is not None:
                self._logging_in = True
            return [*flushed, record]
        if record.direction is Direction.SENT:
            return [Transferred(record.at, record.direction, self._removed(record.data))]
        if not self._logging_in:
            return [record]
        # The answer to the challenge may come in two pieces: only whole lines are looked at.
        self._held += record.data
        end = self._held.rfind(LINE_END) + len(LINE_END)
        if end < len(LINE_END):
            return []
        whole, self._held = self._held[:end], self._held[end:]
        self._logging_in = b"Authentication accepted" not in whole
        if not self._logging_in:
            rest, self._held = self._held, b""
            return [Transferred(record.at, record.direction, self._removed(whole) + rest)]
        return [Transferred(record.at, record.direction, self._removed(whole))]

    def _flush(self, at: Micros) -> list[Record]:
        held, self._held = self._held, b""
        return [Transferred(at, Direction.RECEIVED, self._removed(held))] if held else []

    def _removed(self, data: bytes) -> bytes:
        return self._SECRETS.sub(rb"\1: " + REMOVED, data)
