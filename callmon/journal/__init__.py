"""The journal: every input of the engine, in order, in one SQLite file.

The log is the state: a checkpoint of the engine and the inputs after it give the engine
again. See docs/decisions/0017-the-log-is-the-state.md.
"""

from callmon.journal.entries import (
    AlertRecord,
    FeedInfo,
    JournalMetrics,
    JournalReason,
    Retention,
    Stored,
    StoredFeed,
    TimePassed,
    Told,
)
from callmon.journal.journal import Journal, Pace

__all__ = [
    "AlertRecord",
    "FeedInfo",
    "Journal",
    "JournalMetrics",
    "JournalReason",
    "Pace",
    "Retention",
    "Stored",
    "StoredFeed",
    "TimePassed",
    "Told",
]
