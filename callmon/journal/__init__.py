"""The journal: every input of the engine, in order, in one SQLite file.

The log is the state: a checkpoint of the engine and the inputs after it give the engine
again. See docs/decisions/0017-the-log-is-the-state.md.
"""

from callmon.journal.entries import (
    AlertRecord,
    AlertStepRecord,
    FeedInfo,
    JournalMetrics,
    JournalReason,
    PastHalf,
    Retention,
    Staffing,
    Stored,
    StoredFeed,
    TimePassed,
    Told,
)
from callmon.journal.history import read_alerts, read_past
from callmon.journal.journal import Journal, Pace
from callmon.journal.past import Heard, PastInputs, past_inputs

__all__ = [
    "AlertRecord",
    "AlertStepRecord",
    "FeedInfo",
    "Heard",
    "Journal",
    "JournalMetrics",
    "JournalReason",
    "Pace",
    "PastHalf",
    "PastInputs",
    "Retention",
    "Staffing",
    "Stored",
    "StoredFeed",
    "TimePassed",
    "Told",
    "past_inputs",
    "read_alerts",
    "read_past",
]
