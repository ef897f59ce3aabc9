"""The journal's file, as the one connection that ever writes it sees it.

Blocks on the disk, so it lives in a thread of its own.
"""

import contextlib
import itertools
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from callmon.clock import Micros
from callmon.intervals import Interval
from callmon.journal import schema
from callmon.journal.disk import journal_error, mapped
from callmon.journal.entries import (
    AlertRecord,
    AlertStepRecord,
    FeedInfo,
    JournalError,
    JournalReason,
    Retention,
    Staffing,
    Stored,
)
from callmon.journal.handover import Checkpoint, Load
from callmon.journal.reading import read_stored
from callmon.journal.rows import rows_of

__all__ = ["Store"]

LOCKED_AFTER_S: Final = 0.25
"""How long another program may hold the file before it counts as a failure."""

ROWS_A_STATEMENT: Final = 500
"""Each statement gives Python's lock away, and a busy event loop hands it back only after
5 ms: so few statements with many rows."""

ROWS_A_SLICE: Final = 2_000
"""Deleted in one transaction, so that commits do not wait behind it for long."""

_KEYS: Final = {
    "seen": "feed, id",
    "intervals": "start, queue, cohort",
    "alerts": "fired_at, threshold, kind, subject, severity",
    "alert_steps": "fired_at, threshold, kind, subject, severity, step, detail",
    "staffing": "start, queue",
}

_NEWS_OF_ALERT: Final = (
    f"ON CONFLICT ({_KEYS['alerts']}) DO UPDATE SET "
    + ", ".join(
        f'"{name}" = excluded."{name}"'
        for name in AlertRecord.__struct_fields__
        if name != "cause" and name not in _KEYS["alerts"].split(", ")
    )
    + ", cause = coalesce(cause, excluded.cause)"
)
"""The newest is kept of everything but the cause, which is told once, at the beginning."""

_ORPHANED: Final = """fired_at < ? AND NOT EXISTS (
    SELECT 1 FROM alerts WHERE alerts.fired_at = alert_steps.fired_at
    AND alerts.threshold = alert_steps.threshold AND alerts.kind = alert_steps.kind
    AND alerts.subject = alert_steps.subject AND alerts.severity = alert_steps.severity
)"""


class Store:
    """The open journal."""

    def __init__(
        self, path: Path, migrations: Sequence[Iterable[str]] = schema.MIGRATIONS
    ) -> None:
        """Open, create or bring up to date.

        Raises:
            JournalError: it cannot be used now, or not by this callmon.
        """
        self.path = path
        self.created = False
        with mapped(path):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._inode = path.stat().st_ino
            self._connection = sqlite3.connect(
                path, timeout=LOCKED_AFTER_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._begin(migrations)
            except BaseException:
                self._connection.close()
                raise

    def _begin(self, migrations: Sequence[Iterable[str]]) -> None:
        # The version first: what is not ours stays as it is, to the byte.
        version = self._version(len(migrations))
        for pragma in schema.PRAGMAS:
            self._connection.execute(pragma)
        if version < len(migrations):
            self._migrate(version, migrations)
        self._full = False
        progress = self._connection.execute("SELECT last, commits FROM progress").fetchone()
        if progress is None:
            raise journal_error(self.path, JournalReason.CORRUPT, "no progress in it")
        self.last, self.commits = progress
        self._feeds: dict[str, int] = dict(
            self._connection.execute("SELECT name, number FROM feeds")
        )

    def _version(self, newest: int) -> int:
        version = int(self._pragma("user_version"))
        ours = int(self._pragma("application_id")) == schema.APPLICATION_ID
        if not ours and (version or self._pragma("schema_version")):
            raise JournalError(
                JournalReason.OTHER,
                f"{self.path}: expected a journal of callmon, found another",
            )
        if version > newest:
            raise journal_error(
                self.path,
                JournalReason.NEWER,
                f"expected version {newest} or older, found {version}",
            )
        return version

    def _pragma(self, name: str) -> Any:
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]

    def _migrate(self, version: int, migrations: Sequence[Iterable[str]]) -> None:
        """Take the steps that are missing: all of them, or none."""
        execute = self._connection.execute
        execute("BEGIN EXCLUSIVE")
        with self._transaction():
            for statement in itertools.chain.from_iterable(migrations[version:]):
                execute(statement)
            execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            execute(f"PRAGMA user_version = {len(migrations)}")
        self.created = version == 0

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close; what stands in the WAL is brought into the file when that is possible."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def finish(self) -> None:
        """Bring all of the WAL into the file, and close."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA optimize")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.close()

    def size(self) -> int:
        """Return how many bytes the file and its WAL take."""
        total = 0
        for path in (self.path, self.path.with_name(f"{self.path.name}-wal")):
            with contextlib.suppress(OSError):
                total += path.stat().st_size
        return total

    def check_place(self) -> None:
        """See that the file is still the one that others will find.

        Raises:
            JournalError: it is not, so nothing that is written now would be found again.
        """
        with mapped(self.path):
            try:
                if self.path.stat().st_ino == self._inode:
                    return
            except FileNotFoundError:
                pass
        raise journal_error(self.path, JournalReason.REMOVED, "another has to take its place")

    def read(self, remembered: int) -> Stored:
        """Return all that is stored but the inputs.

        Raises:
            JournalError: it could not be read.
        """
        return read_stored(
            self._connection, self.path, remembered, last=self.last, created=self.created
        )

    # ---- writing --------------------------------------------------------------------

    def write(self, load: Load) -> int:
        """Store *load* whole or not at all; return how many ids were there before.

        With somebody to call when it is durable, it is safe from a power cut, and so is
        all that was written earlier.

        Raises:
            JournalError: it could not be written. Rarely it is there all the same: then
                ``commits`` is one more when the file is opened again.
        """
        with mapped(self.path):
            self._synchronise(full=bool(load.done))
            self._connection.execute("BEGIN IMMEDIATE")
            with self._transaction():
                last, duplicates = self._write_inputs(load)
                self._write_rows(load)
                self._connection.execute(
                    "UPDATE progress SET last = ?, commits = commits + 1", (last,)
                )
        self.last = last
        self.commits += 1
        return duplicates

    def _synchronise(self, *, full: bool) -> None:
        if full != self._full:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            self._full = full

    def _write_inputs(self, load: Load) -> tuple[int, int]:
        """Return the highest number given, and how many ids were there before."""
        self._write_feeds(load.known.feeds.values())
        rows = rows_of(load, self.last, self._feed)
        if load.checkpoint is not None:
            self._write_checkpoint(load.checkpoint, rows.through)
        self._insert("INSERT INTO events VALUES", 5, rows.events)
        new = self._insert("INSERT OR IGNORE INTO seen VALUES", 3, rows.seen)
        self._connection.executemany(
            "UPDATE feeds SET position = ? WHERE number = ?",
            [(json.dumps(place), self._feed(feed)) for feed, place in rows.positions.items()],
        )
        return rows.last, len(rows.seen) // 3 - new

    def _write_feeds(self, feeds: Iterable[FeedInfo]) -> None:
        self._connection.executemany(
            "INSERT INTO feeds (name, type, source, stream, live) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET type = excluded.type,"
            " source = excluded.source, stream = excluded.stream, live = excluded.live,"
            # A place means nothing to a feed of another type.
            " position = CASE WHEN type = excluded.type THEN position END",
            [(feed.name, feed.type, feed.source, feed.stream, feed.live) for feed in feeds],
        )

    def _feed(self, name: str) -> int:
        number = self._feeds.get(name)
        if number is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO feeds (name, type, source, stream, live)"
                " VALUES (?, '', '', '', 0)",
                (name,),
            )
            found = self._connection.execute(
                "SELECT number FROM feeds WHERE name = ?", (name,)
            ).fetchone()
            number = self._feeds[name] = int(found[0])
        return number

    def _insert(
        self, statement: str, columns: int, values: list[Any], conflict: str = ""
    ) -> int:
        """Insert rows, hundreds with each statement; return how many were new.

        *conflict* says what to do about rows that are there.
        """
        changes = self._connection.total_changes
        width = columns * ROWS_A_STATEMENT
        row = f"({', '.join('?' * columns)})"
        for start in range(0, len(values), width):
            part = values[start : start + width]
            rows = ", ".join([row] * (len(part) // columns))
            self._connection.execute(f"{statement} {rows} {conflict}", part)
        return self._connection.total_changes - changes

    def _write_checkpoint(self, checkpoint: Checkpoint, through: int) -> None:
        if checkpoint.whole:
            self._connection.execute("DELETE FROM parts")
        gone = [(key,) for key, body in checkpoint.parts.items() if body is None]
        self._connection.executemany("DELETE FROM parts WHERE key = ?", gone)
        parts = [
            value
            for key, body in checkpoint.parts.items()
            if body is not None
            for value in (key, body)
        ]
        self._insert("INSERT OR REPLACE INTO parts VALUES", 2, parts)
        self._connection.execute(
            "INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?)", (through, checkpoint.at)
        )

    def _write_rows(self, load: Load) -> None:
        kept = [value for pair in load.known.kept.items() for value in pair]
        self._insert("INSERT OR REPLACE INTO kept VALUES", 2, kept)
        for verb, table, kind, rows, conflict in (
            ("REPLACE", "intervals", Interval, load.intervals.values(), ""),
            ("ABORT", "alerts", AlertRecord, load.alerts.values(), _NEWS_OF_ALERT),
            ("IGNORE", "alert_steps", AlertStepRecord, load.alert_steps.values(), ""),
            ("REPLACE", "staffing", Staffing, load.staffing.values(), ""),
        ):
            names = kind.__struct_fields__
            columns = ", ".join(f'"{name}"' for name in names)
            values = [value for row in rows for value in msgspec.structs.astuple(row)]
            statement = f"INSERT OR {verb} INTO {table} ({columns}) VALUES"
            self._insert(statement, len(names), values, conflict)

    # ---- pruning --------------------------------------------------------------------

    def prune(self, retention: Retention, now: Micros, remembered: int) -> Iterator[None]:
        """Delete what is older than it must be, a slice with each step.

        Inputs after the checkpoint stay, however old; so do alerts that have not ended,
        with their steps, and the last *remembered* ids of each feed.

        Raises:
            JournalError: it could not be written.
        """
        oldest, more = 0, True
        while more:
            with self._slice():
                oldest, more = self._prune_events(now - retention.events)
            yield
        for feed in tuple(self._feeds.values()):
            last = self._connection.execute(
                "SELECT number FROM seen WHERE feed = ? ORDER BY number DESC LIMIT 1 OFFSET ?",
                (feed, remembered),
            ).fetchone()
            if last is not None:
                before = min(oldest, last[0] + 1)
                yield from self._delete("seen", f"feed = {feed} AND number < ?", before)
        for table in ("intervals", "staffing"):
            yield from self._delete(table, "start < ?", now - retention.intervals)
        yield from self._delete(
            "alerts", "ended_at IS NOT NULL AND fired_at < ?", now - retention.alerts
        )
        yield from self._delete("alert_steps", _ORPHANED, now - retention.alerts)

    @contextlib.contextmanager
    def _slice(self) -> Iterator[None]:
        with mapped(self.path):
            self._synchronise(full=False)
            self._connection.execute("BEGIN IMMEDIATE")
            with self._transaction():
                yield

    def _prune_events(self, before: Micros) -> tuple[int, bool]:
        """Return the number of the oldest event that stays, and whether more may go."""
        found = self._connection.execute("SELECT through FROM checkpoint").fetchone()
        through = found[0] if found else 0
        rows = self._connection.execute(
            "SELECT number, at FROM events WHERE number <= ? ORDER BY number LIMIT ?",
            (through, ROWS_A_SLICE),
        ).fetchall()
        stays = next((number for number, at in rows if at >= before), None)
        oldest = stays or (rows[-1][0] if rows else through) + 1
        self._connection.execute("DELETE FROM events WHERE number < ?", (oldest,))
        return oldest, len(rows) == ROWS_A_SLICE and stays is None

    def _delete(self, table: str, condition: str, limit: int) -> Iterator[None]:
        key = _KEYS[table]
        gone = ROWS_A_SLICE
        while gone == ROWS_A_SLICE:
            with self._slice():
                gone = self._connection.execute(
                    f"DELETE FROM {table} WHERE ({key}) IN"  # noqa: S608 - all of it is ours
                    f" (SELECT {key} FROM {table} WHERE {condition} LIMIT {ROWS_A_SLICE})",
                    (limit,),
                ).rowcount
            yield
