"""The inputs of any span, for whoever lives through them again.

It does not matter whether callmon runs: what is read is the file as it was when the reading
began, and nothing is ever written.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from callmon.clock import Micros
from callmon.events import Event
from callmon.journal.entries import StoredFeed, TimePassed, Told
from callmon.journal.history import opened
from callmon.journal.reading import one_by_one, read_feeds, runs

__all__ = ["PastInputs", "past_inputs"]

BLOCK: Final = 10_000
"""Inputs that SQLite hands over at once, as one text: row by row it takes twice as long."""

_BLOCK: Final = """
    SELECT group_concat(teller), group_concat(body), count(*), max(number)
    FROM (
        SELECT coalesce(feed * 2 + live, -1) AS teller, body, number FROM events
        WHERE number >= ? AND number < ? ORDER BY number LIMIT ?
    )
"""
_ROWS: Final = """
    SELECT coalesce(feed * 2 + live, -1), body FROM events
    WHERE number >= ? AND number <= ? ORDER BY number
"""
_TELLERS: Final = msgspec.json.Decoder(list[int])
_INPUTS: Final = msgspec.json.Decoder(list[Event | TimePassed])


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
        self._names = dict(connection.execute("SELECT number, name FROM feeds"))
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

    def read(self, begin: int, end: int) -> Iterator[tuple[int, list[Told | TimePassed]]]:
        """Yield the inputs from *begin* to before *end*, oldest first, and where to go on.

        Raises:
            JournalError: the file cannot be read further.
        """
        while begin < end:
            tellers, bodies, count, last = self._connection.execute(
                _BLOCK, (begin, end, BLOCK)
            ).fetchone()
            if not count:
                return
            yield last + 1, list(self._told(tellers, bodies, (begin, last)))
            begin = last + 1

    def _told(
        self, tellers: bytes, bodies: bytes, span: tuple[int, int]
    ) -> Iterator[Told | TimePassed]:
        try:
            who = _TELLERS.decode(b"[%b]" % tellers)
            inputs = _INPUTS.decode(b"[%b]" % bodies)
            if len(who) == len(inputs):
                return runs(who, inputs, self._names)
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
            pass  # among thousands a row may be damaged
        rows, inputs, lost = one_by_one(self._connection.execute(_ROWS, span).fetchall())
        self.unreadable += lost
        return runs([teller for teller, _ in rows], inputs, self._names)
