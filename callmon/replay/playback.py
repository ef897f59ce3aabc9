"""Plays a recording: what the feed would have told, message by message, at its own time.

The interpreter is the feed's; bytes, actions sent and losses of the connection come from
the recording, and time passes by its stamps alone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from callmon.clock import Micros
from callmon.decode.ami import AmiDecoder
from callmon.decode.ami_interpreter import WANTED, AmiInterpreter
from callmon.decode.recording import (
    Direction,
    Record,
    Transferred,
    connection_after,
    parse_records,
)
from callmon.errors import DecodeError, DecodeReason
from callmon.events import Event

__all__ = ["Playback", "play_recording"]

_ACTION_END = b"\r\n\r\n"


def play_recording(
    lines: Iterable[bytes | str], interpreter: AmiInterpreter
) -> Iterator[tuple[Micros, list[Event]]]:
    """Yield what the recording in *lines* tells: when it was received, and the events.

    Raises:
        DecodeError: a line is none of a recording.
    """
    playback = Playback(interpreter)
    for record in parse_records(lines):
        yield from playback.play(record)


class Playback:
    """Drives an interpreter with records.

    ``drops`` counts, by (stage, reason), what was no message, and where the bytes of a
    session could not be read on; there the feed would have dropped the connection, so the
    rest of it is passed over.
    """

    def __init__(self, interpreter: AmiInterpreter) -> None:
        self.drops: Counter[tuple[str, str]] = Counter()
        self._interpreter = interpreter
        self._decoder: AmiDecoder | None = None

    def play(self, record: Record) -> Iterator[tuple[Micros, list[Event]]]:
        """Yield what *record* brings, each with the time at which it is known."""
        yield from self._until(record.at)
        if not isinstance(record, Transferred):
            self._mark(record.at, record.mark)
        elif record.direction is Direction.SENT:
            self._sent(record.at, record.data)
        elif events := self._received(record.at, record.data):
            yield record.at, events

    def _until(self, now: Micros) -> Iterator[tuple[Micros, list[Event]]]:
        """Yield what time alone brings before *now*, each at its own instant."""
        while (due := self._interpreter.due) is not None and due < now:
            events = self._interpreter.tick(due)
            if events:
                yield due, events
            elif self._interpreter.due == due:
                return  # it waits for more than time

    def _mark(self, at: Micros, mark: str) -> None:
        connected = connection_after(mark)
        if connected is None:
            return
        self._disconnect(at)
        if connected:
            self._decoder = AmiDecoder(WANTED)
            self._interpreter.connected(at)

    def _disconnect(self, at: Micros) -> None:
        if self._decoder is not None:
            self._decoder = None
            self._interpreter.disconnected(at)

    def _sent(self, at: Micros, data: bytes) -> None:
        for action in data.split(_ACTION_END):
            fields = _fields(action)
            if fields.get("action", "").lower() == "queuestatus" and "actionid" in fields:
                whole = "member" not in fields
                self._interpreter.expect(fields["actionid"], whole, at)

    def _received(self, at: Micros, data: bytes) -> list[Event]:
        decoder = self._decoder
        if decoder is None:
            return []
        torn = decoder.fragments
        try:
            messages = decoder.decode(data)
        except DecodeError as error:
            self.drops["decode", error.reason] += 1
            self._disconnect(at)
            return []
        if decoder.fragments > torn:
            self.drops["decode", DecodeReason.FORGED] += decoder.fragments - torn
        if decoder.version is not None:
            self._interpreter.set_version(decoder.version)
        take = self._interpreter.take
        return [event for message in messages for event in take(message, at)]


def _fields(action: bytes) -> dict[str, str]:
    """Return the fields of an action by key in small letters: Asterisk ignores their case."""
    lines = action.decode("utf-8", "backslashreplace").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}
