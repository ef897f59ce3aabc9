"""What reports and people ask of the journal: alerts and what became of them, half-hours.

Each question opens the file anew, only reads, and blocks on the disk: not for the event loop.
It does not matter whether callmon runs.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from callmon.clock import Micros
from callmon.journal import schema
from callmon.journal.disk import journal_error, mapped
from callmon.journal.entries import (
    AlertRecord,
    AlertStepRecord,
    JournalError,
    JournalReason,
    PastHalf,
)
from callmon.journal.reading import reader

__all__ = ["opened", "read_alerts", "read_past"]

STARTS_A_QUESTION: Final = 500
"""SQLite takes no more than some thousands of values with one statement."""


def _columns(kind: type[AlertRecord | AlertStepRecord]) -> str:
    return ", ".join(f'"{name}"' for name in kind.__struct_fields__)


_STOOD: Final = (
    f"SELECT {_columns(AlertRecord)} FROM alerts"  # noqa: S608 - ours
    " WHERE (:until IS NULL OR coalesce(raised_at, fired_at) <= :until)"
    " AND (ended_at IS NULL OR (ended_at >= :since AND NOT :standing))"
    " AND (:kind IS NULL OR kind = :kind) AND (:subject IS NULL OR subject = :subject)"
    " AND (:threshold IS NULL OR threshold = :threshold)"
    " ORDER BY coalesce(raised_at, fired_at) DESC, fired_at DESC,"
    " threshold, kind, subject, severity LIMIT :limit"
)
_STEPS: Final = (
    f"SELECT {_columns(AlertStepRecord)} FROM alert_steps WHERE fired_at = ?"  # noqa: S608 - ours
    " AND threshold = ? AND kind = ? AND subject = ? AND severity = ?"
    " ORDER BY at, step, detail"
)
_PAST: Final = """
    SELECT i.queue, i.start, i.arrived, i.talks, i.talk,
        coalesce(s.samples, 0), coalesce(s.staffed, 0)
    FROM intervals i LEFT JOIN staffing s ON s.start = i.start AND s.queue = i.queue
    WHERE i.cohort = 'arrival' AND i.start IN ({starts})
    UNION ALL
    SELECT s.queue, s.start, 0, 0, 0, s.samples, s.staffed
    FROM staffing s
    WHERE s.start IN ({starts}) AND NOT EXISTS (
        SELECT 1 FROM intervals i
        WHERE i.start = s.start AND i.queue = s.queue AND i.cohort = 'arrival'
    )
    ORDER BY 2, 1
"""


def read_alerts(
    path: Path,
    *,
    since: Micros,
    until: Micros | None = None,
    kind: str | None = None,
    subject: str | None = None,
    threshold: str | None = None,
    standing: bool = False,
    limit: int = 1_000,
) -> list[tuple[AlertRecord, list[AlertStepRecord]]]:
    """Return the alerts that stood at any time from *since* to *until*, newest first.

    Each with its steps, oldest first. Without *until* all later ones are returned, too.
    *kind* and *subject* name what it was about; with *standing* only those without an end.
    Only the newest *limit* are returned.

    Raises:
        JournalError: there is no journal, or it cannot be read, or not by this callmon.
    """
    asked = {
        "since": since,
        "until": until,
        "kind": kind,
        "subject": subject,
        "threshold": threshold,
        "standing": standing,
        "limit": limit,
    }
    with opened(path) as connection:
        records = [AlertRecord(*row) for row in connection.execute(_STOOD, asked)]
        return [(record, _steps(connection, record)) for record in records]


def _steps(connection: sqlite3.Connection, alert: AlertRecord) -> list[AlertStepRecord]:
    name = alert.fired_at, alert.threshold, alert.kind, alert.subject, alert.severity
    return [AlertStepRecord(*row) for row in connection.execute(_STEPS, name)]


def read_past(path: Path, starts: Sequence[Micros]) -> list[PastHalf]:
    """Return what is stored of the half-hours that begin at *starts*, of every queue.

    Also where only contacts were counted, or only agents. Ordered by start and queue.

    Raises:
        JournalError: there is no journal, or it cannot be read, or not by this callmon.
    """
    found: list[PastHalf] = []
    with opened(path) as connection:
        for first in range(0, len(starts), STARTS_A_QUESTION):
            part = starts[first : first + STARTS_A_QUESTION]
            question = _PAST.format(starts=", ".join("?" * len(part)))
            rows = connection.execute(question, list(itertools.chain(part, part)))
            found += [PastHalf(*row) for row in rows]
    return found


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that sees the file as it is at one moment."""
    _check_readable(path)
    with mapped(path), contextlib.closing(reader(path)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN")
        _check_version(connection, path)
        yield connection


def _check_readable(path: Path) -> None:
    """Say what SQLite says only as: unable to open."""
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise JournalError(
            JournalReason.OTHER, f"{path}: no journal yet: callmon makes it at its first start"
        ) from None
    except OSError as error:
        raise JournalError(
            JournalReason.READ_ONLY, f"{path}: cannot be read ({error.strerror})"
        ) from error


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    def pragma(name: str) -> Any:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    newest = len(schema.MIGRATIONS)
    version = pragma("user_version")
    if pragma("application_id") != schema.APPLICATION_ID:
        raise JournalError(
            JournalReason.OTHER, f"{path}: expected a journal of callmon, found another"
        )
    if version > newest:
        found = f"expected version {newest}, found {version}"
        raise journal_error(path, JournalReason.NEWER, found)
    if version < newest:
        raise JournalError(
            JournalReason.OTHER,
            f"{path}: written by an older callmon (expected version {newest}, found {version});"
            " the next start of callmon brings it up to date",
        )
