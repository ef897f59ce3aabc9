"""What a run came to: the figures, and everything that is not as it must be."""

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.faults.acd import numbers_of
from tests.faults.plan import Fault
from tests.faults.stored import read_stored
from tests.faults.truth import Record, Series, read_records, show
from tests.faults.watcher import Watcher
from tests.faults.wire import Ledger

__all__ = ["KNOWN", "Full", "Outcome", "journal_problems", "made"]

FILE = "outcome.json"
KNOWN: Series = (
    "callmon_events_dropped_total",
    (("reason", "duplicate"), ("stage", "redelivery")),
)
"""Counts the events that came a second time under the same id."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """One time in which the disk was full."""

    seconds: float
    killed: bool
    counted: int  #: arrivals that callmon counted meanwhile
    acknowledged: int  #: messages that it acknowledged meanwhile
    excuses: Mapping[str, int]  #: what /readyz said, how often
    failures: Mapping[str, float]  #: the journal's metrics in the end of it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Figures first; then lists that must be empty."""

    broker: str  #: the version of Mosquitto
    seconds: float
    faults: Mapping[str, int]
    connections: int
    contacts: int
    events: int
    lines: int
    messages: int  #: distinct events published
    published_again: int
    delivered: int  #: events that the broker handed to callmon
    repeated: int  #: of these: more than once
    acknowledged: int
    most_open: int
    looks: int
    answers: int
    pages: int
    compared: int
    ready_after_s: Sequence[float]
    excuses: Mapping[str, int]
    of_itself: Mapping[str, int]
    set_back: int
    full: Sequence[Full]
    stopped: int  #: exit code of the SIGTERM in the end
    told_again: tuple[int, int]  #: in the end: events published again, and counted as known

    wrong: Sequence[str]
    wrong_after_restart: Sequence[str]
    fallen: Sequence[str]
    broken: Sequence[str]
    not_stored: Sequence[str]
    stored_too_often: Sequence[str]
    unseen: Sequence[str]
    acknowledged_unseen: Sequence[str]
    crashes: Sequence[str]

    def write(self, folder: Path) -> None:
        """Write it into *folder*."""
        (folder / FILE).write_text(json.dumps(dataclasses.asdict(self), indent=1))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it from where it was written."""
        raw: dict[str, Any] = json.loads((folder / FILE).read_text())
        full = [Full(**each) for each in raw.pop("full")]
        again, known = raw.pop("told_again")
        return cls(**raw, full=full, told_again=(again, known))

    @property
    def dropped_as_repeated(self) -> int:
        """Return how many events callmon says it was told a second time.

        What it counted in the last moment before a kill may be missing.
        """
        return self.of_itself.get(show(KNOWN), 0)

    @property
    def problems(self) -> Mapping[str, Sequence[str]]:
        """Return the lists that are not empty."""
        names = [field.name for field in dataclasses.fields(self)][-9:]
        return {name: found for name in names if (found := getattr(self, name))}


def journal_problems(
    path: Path, records: Mapping[str, Sequence[Record]], acknowledged: set[str]
) -> Mapping[str, Sequence[str]]:
    """Return what the journal at *path* lacks, or has too often."""
    stored = read_stored(path)
    numbers = numbers_of(records["acd"])
    return {
        "not_stored": [
            f"{feed}: {each}"
            for feed, those in records.items()
            for each in stored.missing(feed, those)
        ],
        "stored_too_often": [
            f"{feed}: {each}"
            for feed, those in records.items()
            for each in stored.surplus(feed, those)
        ],
        "unseen": stored.unseen("acd", numbers),
        "acknowledged_unseen": stored.unseen(
            "acd", {each: numbers[each] for each in sorted(acknowledged)}
        ),
    }


def made(
    folder: Path,
    *,
    broker: str,
    seconds: float,
    done: Counter[Fault],
    connections: int,
    ledger: Ledger,
    watcher: Watcher,
    full: Sequence[Full],
    stopped: int,
    told_again: tuple[int, int],
    wrong: Sequence[str],
    wrong_after_restart: Sequence[str],
) -> Outcome:
    """Put together what is known in the end."""
    records = {feed: list(read_records([folder / f"{feed}.truth"])) for feed in ("pbx", "acd")}
    told = json.loads((folder / "acd.json").read_text())
    every = [each for those in records.values() for each in those]
    delivered = ledger.delivered.total()
    notes = watcher.notes
    log = (folder / "callmon.log").read_text()
    return Outcome(
        broker=broker,
        seconds=round(seconds, 1),
        faults={fault.value: count for fault, count in done.items()},
        connections=connections,
        contacts=sum(each.kind == "joined" for each in every),
        events=len(every),
        lines=len(records["pbx"]),
        messages=len(records["acd"]),
        published_again=told["sent_again"],
        delivered=delivered,
        repeated=delivered - len(ledger.delivered),
        acknowledged=len(ledger.acknowledged),
        most_open=ledger.most_open,
        looks=notes.looks,
        answers=notes.answers,
        pages=notes.pages,
        compared=notes.compared,
        ready_after_s=notes.ready_after_s,
        excuses=dict(notes.excuses),
        of_itself=watcher.of_itself(),
        set_back=notes.set_back,
        full=full,
        stopped=stopped,
        told_again=told_again,
        wrong=wrong,
        wrong_after_restart=wrong_after_restart,
        fallen=notes.fallen,
        broken=notes.broken,
        crashes=[line for line in log.splitlines() if "Traceback" in line][:5],
        **journal_problems(folder / "state" / "journal.db", records, ledger.acknowledged),
    )
