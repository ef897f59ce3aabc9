"""What is missing in a journal, or there twice, is named."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from callmon.clock import SystemClock
from callmon.events import ContactAnswered, ContactJoined, Event
from callmon.journal import Journal
from callmon.telemetry import Telemetry
from tests.faults.stored import Stored, read_stored
from tests.faults.truth import Record


def stored(folder: Path, events: Sequence[Event], ids: Sequence[int | None]) -> Stored:
    """Return what a journal holds that was told of *events*."""

    async def write() -> None:
        journal = Journal(folder, SystemClock(), Telemetry("test").journal)
        await journal.start()
        journal.record("acd", events, ids, None)
        await journal.close(10)

    asyncio.run(write())
    return read_stored(folder / "journal.db")


def record(kind: str, contact: str) -> Record:
    """Return a step of a caller in the one queue."""
    return Record(kind=kind, queue="chat", contact=contact, word="", length=None, at=1)


def test_a_journal_is_compared_with_what_happened(tmp_path: Path) -> None:
    """By kind, queue and contact; ids one by one."""
    joined = ContactJoined(1, "acd", 1, "chat", "a")
    answered = ContactAnswered(1, "acd", 2, "chat", "a", None, "7")

    found = stored(tmp_path, [joined, answered, joined], [11, None, 12])

    happened = [record("joined", "a"), record("joined", "b"), record("answered", "a")]
    assert ["contact_joined chat b x1"] == found.missing("acd", happened)
    assert ["contact_joined chat a x1"] == found.surplus("acd", happened)
    assert ["13"] == found.unseen("acd", {"11": 11, "12": 12, "13": 13})
    assert 3 == len(found.missing("pbx", happened))
