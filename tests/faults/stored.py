"""What the journal holds in the end, read as a backup would read it, beside what happened."""

import dataclasses
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from tests.faults.truth import Record

__all__ = ["Stored", "read_stored"]

TAGS = {
    "joined": "contact_joined",
    "rang": "ring_not_answered",
    "answered": "contact_answered",
    "left": "contact_left",
    "ended": "talk_ended",
    "refused": "contact_refused",
}
"""What each kind of step is called in the journal."""

Told = tuple[str, str, str]
"""Kind, queue and contact."""

MOST = 20
"""So many are named."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The events and ids of the journal."""

    events: Mapping[str, Counter[Told]]  #: by feed
    ids: Mapping[str, Counter[int]]  #: by feed

    def missing(self, feed: str, records: Iterable[Record]) -> Sequence[str]:
        """Return what happened and is not among the events, or not often enough."""
        return _named(_told(records) - self.events.get(feed, Counter()))

    def surplus(self, feed: str, records: Iterable[Record]) -> Sequence[str]:
        """Return what is among the events more often than it happened."""
        return _named(self.events.get(feed, Counter()) - _told(records))

    def unseen(self, feed: str, numbers: Mapping[str, int]) -> Sequence[str]:
        """Return whose numbers are not there exactly once."""
        ids = self.ids.get(feed, Counter())
        return [told_as for told_as, number in numbers.items() if ids[number] != 1][:MOST]


def _told(records: Iterable[Record]) -> Counter[Told]:
    return Counter((TAGS[each.kind], each.queue, each.contact) for each in records)


def _named(found: Counter[Told]) -> Sequence[str]:
    return [f"{' '.join(told)} x{count}" for told, count in sorted(found.items())[:MOST]]


def read_stored(path: Path) -> Stored:
    """Read the journal at *path*, which may be in use."""
    events: dict[str, Counter[Told]] = {}
    ids: dict[str, Counter[int]] = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT feeds.name, body FROM events JOIN feeds ON feeds.number = events.feed"
        )
        for feed, body in rows:
            event = json.loads(body)
            if event["type"] in TAGS.values():
                told = event["type"], event["queue"], event["contact"]
                events.setdefault(feed, Counter())[told] += 1
        rows = database.execute(
            "SELECT feeds.name, seen.id FROM seen JOIN feeds ON feeds.number = seen.feed"
        )
        for feed, number in rows:
            ids.setdefault(feed, Counter())[number] += 1
    return Stored(events=events, ids=ids)
