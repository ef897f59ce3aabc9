"""Recordings of a session with a telephone system: what a line means, and how it is written.

A recording is JSON, one record a line: ``{"t": 1795336069.963, "s": "…"}`` for bytes
received, ``"txs"`` instead of ``"s"`` for bytes sent, ``"mark"`` for what became of the
connection. ``t`` is our clock, in seconds. The text has a character for each byte
(Latin-1), so that a line can be read by people; ``"b"`` and ``"tx"`` are the same in
base64. The format is callmon's own: docs/operators/recording.md.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from callmon.clock import SECOND, Micros
from callmon.errors import DecodeError, DecodeReason

__all__ = [
    "Direction",
    "Mark",
    "Marked",
    "Record",
    "Transferred",
    "connection_after",
    "format_record",
    "parse_record",
    "parse_records",
]

EARLIEST_S = 631_152_000.0
"""1990: what is stamped earlier was not recorded by any callmon."""

LATEST_S = 4_102_444_800.0
"""2100."""


class Direction(StrEnum):
    """Which way bytes went."""

    RECEIVED = "received"
    SENT = "sent"


class Mark(StrEnum):
    """What became of the connection. Recordings of others may know more."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    EOF = "eof"  #: the peer closed it
    DROP = "drop"  #: we closed it
    ERROR = "error"  #: it broke, or could not be made; a text may follow
    STOP = "stop"  #: nothing more was recorded


_OVER = (Mark.CONNECTING, Mark.EOF, Mark.DROP, Mark.ERROR, Mark.STOP)


@dataclass(frozen=True, slots=True)
class Transferred:
    """Bytes that one read has brought, or one write has sent."""

    at: Micros
    direction: Direction
    data: bytes


@dataclass(frozen=True, slots=True)
class Marked:
    """Something happened to the connection."""

    at: Micros
    mark: str


Record = Transferred | Marked


class _Line(msgspec.Struct, gc=False):
    t: float
    b: bytes | None = None
    s: str | None = None
    tx: bytes | None = None
    txs: str | None = None
    mark: str | None = None


_LINES = msgspec.json.Decoder(_Line)


def parse_record(line: bytes | str) -> Record:
    """Return the record in *line*.

    Raises:
        DecodeError: this is no line of a recording.
    """
    try:
        found = _LINES.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _refused(f"one JSON object a line with t, found {error}") from None
    if not EARLIEST_S <= found.t <= LATEST_S:
        raise DecodeError(
            DecodeReason.BAD_TIME, f"recording: expected seconds in t, found {found.t!r}"
        )
    at = round(found.t * SECOND)
    if found.mark is not None:
        return Marked(at, found.mark)
    if (received := _bytes(found.s, found.b)) is not None:
        return Transferred(at, Direction.RECEIVED, received)
    if (sent := _bytes(found.txs, found.tx)) is not None:
        return Transferred(at, Direction.SENT, sent)
    raise _refused("one of s, b, txs, tx or mark beside t, found none of them")


def parse_records(lines: Iterable[bytes | str]) -> Iterator[Record]:
    """Yield the record of each line.

    Raises:
        DecodeError: a line is none of a recording; the text has its number.
    """
    for number, line in enumerate(lines, 1):
        try:
            record = parse_record(line)
        except DecodeError as error:
            raise DecodeError(error.reason, f"line {number}: {error}") from None
        yield record


def format_record(record: Record) -> str:
    """Return *record* as a line, with its line feed."""
    seconds, micros = divmod(record.at, SECOND)
    if isinstance(record, Marked):
        field, text = "mark", record.mark
    else:
        field = "s" if record.direction is Direction.RECEIVED else "txs"
        text = record.data.decode("latin-1")
    return f'{{"t": {seconds}.{micros:06}, "{field}": {json.dumps(text)}}}\n'


def connection_after(mark: str) -> bool | None:
    """Return whether there is a connection after *mark*; None: it says nothing of that."""
    if mark == Mark.CONNECTED:
        return True
    return False if mark.startswith(_OVER) else None


def _bytes(text: str | None, data: bytes | None) -> bytes | None:
    if text is None:
        return data
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise _refused("text with one character for each byte") from None


def _refused(expected: str) -> DecodeError:
    return DecodeError(DecodeReason.MISSING_FIELDS, f"recording: expected {expected}")
