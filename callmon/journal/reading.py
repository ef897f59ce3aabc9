"""What the journal knows at a start, and the inputs that come after its checkpoint."""

import contextlib
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, cast

import msgspec

from callmon.events import Event
from callmon.journal import schema
from callmon.journal.disk import journal_error, mapped
from callmon.journal.entries import (
    AlertRecord,
    JournalReason,
    Stored,
    StoredFeed,
    TimePassed,
    Told,
)

__all__ = [
    "later_inputs",
    "one_by_one",
    "read_apart",
    "read_feeds",
    "read_stored",
    "reader",
    "runs",
]

BATCH: Final = 10_000
"""Inputs read and told at once, at most."""

_INPUTS: Final = msgspec.json.Decoder(list[Event | TimePassed])
_INPUT: Final[msgspec.json.Decoder[Event | TimePassed]] = msgspec.json.Decoder(
    Event | TimePassed
)


def read_stored(
    connection: sqlite3.Connection, path: Path, remembered: int, *, last: int, created: bool
) -> Stored:
    """Return all that is stored but the inputs: of each feed the last *remembered* ids.

    Raises:
        JournalError: it could not be read.
    """
    with mapped(path):
        execute = connection.execute
        through, at = execute("SELECT through, at FROM checkpoint").fetchone() or (0, 0)
        numbers = dict(execute("SELECT name, number FROM feeds"))
        return Stored(
            through=through,
            last=last,
            at=at,
            parts=dict(execute("SELECT key, body FROM parts")),
            kept=dict(execute("SELECT key, value FROM kept")),
            feeds={feed.name: feed for feed in read_feeds(connection, path)},
            ids={
                name: ids
                for name, number in numbers.items()
                if (ids := _ids(connection, number, remembered))
            },
            standing=_standing(connection),
            created=created,
        )


def read_apart(path: Path, remembered: int) -> tuple[Stored, int] | None:
    """Return what is stored and the count of commits, though nothing can be written.

    None: there is nothing that this callmon could read as it is. That of an older one can
    be: callmon may have been brought up to date on a disk that is full.

    Raises:
        JournalError: it could not be read either.
    """
    with mapped(path):
        if not path.exists():
            return None
        with contextlib.closing(reader(path)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            known = 1 <= version <= len(schema.MIGRATIONS)
            if application != schema.APPLICATION_ID or not known:
                return None
            last, commits = connection.execute("SELECT last, commits FROM progress").fetchone()
            stored = read_stored(connection, path, remembered, last=last, created=False)
    return stored, commits


def reader(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads, from any thread: one at a time.

    Even that needs a file beside the journal, for which a full disk has no room. But where
    no WAL is left, all is in the one file, and nobody writes who has not our lock.
    """
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM progress").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        wal = path.with_name(f"{path.name}-wal")
        if wal.exists() and wal.stat().st_size:
            raise
        connection = sqlite3.connect(
            f"{uri}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
    return connection


def read_feeds(connection: sqlite3.Connection, path: Path) -> Iterator[StoredFeed]:
    """Yield every feed that was ever told of.

    Raises:
        JournalError: a place makes no sense.
    """
    rows = connection.execute("SELECT name, type, source, stream, live, position FROM feeds")
    for name, type_name, source, stream, live, position in rows:
        try:
            place = json.loads(position) if position else None
        except ValueError as error:
            raise journal_error(path, JournalReason.CORRUPT, f"a position: {error}") from error
        yield StoredFeed(
            name=name,
            type=type_name,
            source=source,
            stream=stream,
            live=bool(live),
            position=place,
        )


def _standing(connection: sqlite3.Connection) -> list[AlertRecord]:
    """Return the alerts without an end, without what an older callmon did not write."""
    found = connection.execute("SELECT name FROM pragma_table_info('alerts')")
    there = {name for (name,) in found}
    names = [name for name in AlertRecord.__struct_fields__ if name in there]
    columns = ", ".join(f'"{name}"' for name in names)
    rows = connection.execute(
        f"SELECT {columns} FROM alerts WHERE ended_at IS NULL"  # noqa: S608 - ours
    )
    return [AlertRecord(**dict(zip(names, row, strict=True))) for row in rows]


def _ids(connection: sqlite3.Connection, feed: int, remembered: int) -> list[int]:
    rows = connection.execute(
        "SELECT id FROM seen WHERE feed = ? ORDER BY number DESC LIMIT ?", (feed, remembered)
    ).fetchall()
    return [found for (found,) in reversed(rows)]


def later_inputs(
    path: Path, stored: Stored, unreadable: Callable[[int], None]
) -> Iterator[Told | TimePassed]:
    """Yield the inputs after the checkpoint, oldest first, over a connection of its own.

    Rows that make no sense are left out, and their number told to *unreadable*.

    Raises:
        JournalError: the file cannot be read, or no further.
    """
    with mapped(path), contextlib.closing(reader(path)) as connection:
        names = dict(connection.execute("SELECT number, name FROM feeds"))
        connection.text_factory = bytes
        rows = connection.execute(
            "SELECT coalesce(feed * 2 + live, -1), body FROM events"
            " WHERE number > ? AND number <= ? ORDER BY number",
            (stored.through, stored.last),
        )
        while batch := rows.fetchmany(BATCH):
            yield from _told(batch, names, unreadable)


def _told(
    rows: list[tuple[int, bytes]], names: dict[int, str], unreadable: Callable[[int], None]
) -> Iterator[Told | TimePassed]:
    """Yield inputs; a row begins with twice the feed's number, one more for a live feed."""
    try:
        inputs: list[Event | TimePassed] = _INPUTS.decode(
            b"[%b]" % b",".join([body for _, body in rows])
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
        rows, inputs, lost = one_by_one(rows)
        unreadable(lost)
    yield from runs([teller for teller, _ in rows], inputs, names)


def runs(
    tellers: list[int], inputs: list[Event | TimePassed], names: Mapping[int, str]
) -> Iterator[Told | TimePassed]:
    """Yield *inputs*, those in a row of one feed together; of each is known who told it."""
    start = 0
    for teller, run in itertools.groupby(tellers):
        end = start + len(list(run))
        if teller < 0:
            yield from cast("list[TimePassed]", inputs[start:end])
        else:
            events = cast("list[Event]", inputs[start:end])
            yield Told(names.get(teller // 2, ""), bool(teller % 2), events)
        start = end


def one_by_one(
    rows: list[tuple[int, bytes]],
) -> tuple[list[tuple[int, bytes]], list[Event | TimePassed], int]:
    """Return the rows that make sense, their inputs, and how many make none."""
    good: list[tuple[int, bytes]] = []
    inputs: list[Event | TimePassed] = []
    for row in rows:
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, TypeError):
            inputs.append(_INPUT.decode(row[1]))
            good.append(row)
    return good, inputs, len(rows) - len(good)
