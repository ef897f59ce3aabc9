"""The inputs of any span, for whoever lives through them again.

It does not matter whether callmon runs: what is read is the file as it was when the reading
began, and nothing is ever written.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from callmon.clock import Micros
from callmon.events import Event, FeedChanged
from callmon.journal.entries import StoredFeed, TimePassed
from callmon.journal.history import opened
from callmon.journal.reading import one_by_one, read_feeds

__all__ = ["Heard", "PastInputs", "past_inputs"]

BLOCK: Final = 2_000
"""Inputs that SQLite hands over at once, as one text: row by row it takes twice as long."""

_BLOCK: Final = """
    SELECT group_concat(live, ''), group_concat(body), count(*), max(number)
    FROM (
        SELECT live, body, number FROM events
        WHERE number >= ? AND number < ? ORDER BY number LIMIT ?
    )
"""
_ROWS: Final = """
    SELECT live, body FROM events
    WHERE number >= ? AND number <= ? ORDER BY number
"""
_OF_AGENTS: Final = """
    SELECT body FROM events
    WHERE number < ? AND (
        body GLOB '{"type":"agent_*' OR body GLOB '{"type":"feed_changed"*'
        OR body GLOB '{"type":"source_restarted"*'
    )
    ORDER BY number
"""
_OF_FEEDS: Final = """
    SELECT body FROM events
    WHERE number < ? AND body GLOB '{"type":"feed_changed"*' ORDER BY number
"""
_INPUTS: Final = msgspec.json.Decoder(list[Event | TimePassed])
_EVENT: Final = msgspec.json.Decoder(Event)
_LIVE: Final = b"1"


class Heard(NamedTuple):
    """Inputs in a row, oldest first, whose events are all of live feeds, or all of records."""

    live: bool
    inputs: list[Event | TimePassed]


@contextlib.contextmanager
def past_inputs(path: Path) -> Iterator["PastInputs"]:
    """Open the journal at *path* to read its inputs.

    Raises:
        JournalError: there is none, or it cannot be read, or not by this callmon.
    """
    with opened(path) as connection:
        yield PastInputs(path, connection)


class PastInputs:
    """The inputs that a journal holds, as they were when it was opened. Numbers name them.

    Attributes:
        first: the oldest that is left.
        end: after the newest.
        began: whether nothing before *first* was ever forgotten.
        feeds: who told of them, by number.
        unreadable: rows among those read so far that made no sense, and were left out.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._connection = connection
        first, last = connection.execute(
            "SELECT min(number), max(number) FROM events"
        ).fetchone()
        self.first: int = first or 0
        self.end: int = 0 if last is None else last + 1
        self.began = self.first <= 1
        self.feeds: tuple[StoredFeed, ...] = tuple(read_feeds(connection, path))
        self.unreadable = 0
        connection.text_factory = bytes

    def newest(self) -> Micros | None:
        """Return the instant of the newest input; None: there is none."""
        found = self._connection.execute(
            "SELECT at FROM events ORDER BY number DESC LIMIT 1"
        ).fetchone()
        return None if found is None else int(found[0])

    def at(self, number: int) -> Micros:
        """Return the instant of the first input from *number* on; 0: there is none."""
        found = self._connection.execute(
            "SELECT at FROM events WHERE number >= ? ORDER BY number LIMIT 1", (number,)
        ).fetchone()
        return 0 if found is None else int(found[0])

    def since(self, at: Micros) -> int:
        """Return the number of the first input of *at* or later.

        Inputs are in order of their telling. Where some were told late, one of them may be
        found instead: a margin as long as that is the asker's affair.
        """
        low, high = self.first, self.end
        while low < high:
            middle = (low + high) // 2
            found = self._connection.execute(
                "SELECT number, at FROM events WHERE number >= ? ORDER BY number LIMIT 1",
                (middle,),
            ).fetchone()
            if found is None or found[1] >= at:
                high = middle
            else:
                low = found[0] + 1
        return low

    def of_agents(self, end: int) -> Iterator[Event]:
        """Return what was told before *end* of agents, and who told of them, oldest first."""
        return self._events(_OF_AGENTS, end)

    def down(self, end: int) -> frozenset[str]:
        """Return the feeds of which the last word before *end* is that they are down."""
        last: dict[str, bool] = {}
        for event in self._events(_OF_FEEDS, end):
            if isinstance(event, FeedChanged):
                last[event.feed] = event.up
        return frozenset(feed for feed, up in last.items() if not up)

    def _events(self, query: str, end: int) -> Iterator[Event]:
        for (body,) in self._connection.execute(query, (end,)):
            with contextlib.suppress(msgspec.MsgspecError):  # a damaged row
                yield _EVENT.decode(body)

    def read(self, begin: int, end: int) -> Iterator[tuple[int, list[Heard]]]:
        """Yield the inputs from *begin* to before *end*, oldest first, and where to go on.

        Raises:
            JournalError: the file cannot be read further.
        """
        while begin < end:
            lives, bodies, count, last = self._connection.execute(
                _BLOCK, (begin, end, BLOCK)
            ).fetchone()
            if not count:
                return
            yield last + 1, self._heard(lives, bodies, (begin, last))
            begin = last + 1

    def _heard(self, lives: bytes, bodies: bytes, span: tuple[int, int]) -> list[Heard]:
        try:
            inputs = _INPUTS.decode(b"[%b]" % bodies)
            if len(lives) == len(inputs):
                return _rows(lives, inputs)
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
            pass  # among thousands a row may be damaged
        rows, inputs, lost = one_by_one(self._connection.execute(_ROWS, span).fetchall())
        self.unreadable += lost
        return _rows(b"".join(b"%d" % live for live, _ in rows), inputs)


def _rows(lives: bytes, inputs: list[Event | TimePassed]) -> list[Heard]:
    """Return *inputs*, those in a row that are equally live together; marks are not."""
    if _LIVE not in lives:
        return [Heard(live=False, inputs=inputs)]
    found = []
    start = 0
    for live, run in itertools.groupby(lives):
        end = start + len(list(run))
        found.append(Heard(live=live == _LIVE[0], inputs=inputs[start:end]))
        start = end
    return found
