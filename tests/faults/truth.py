"""What happened, as the drivers wrote it down, and what a page of metrics must say of it."""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from callmon.clock import SECOND, Micros
from tests.faults.traffic import Step

__all__ = [
    "GROUP",
    "SHORT",
    "WITHIN",
    "Page",
    "Record",
    "Series",
    "differences",
    "expected",
    "read_page",
    "read_records",
    "show",
    "write_records",
]

GROUP = "everybody"
"""The group of all queues, of both systems."""

WITHIN: Micros = 3 * SECOND
"""The service level's target; exactly so long is within."""

SHORT: Micros = SECOND
"""Who hangs up sooner is a short abandon; after exactly so long he is not."""

OFFERED_WAITS = ("answered", "abandoned")
"""The outcomes whose waits are in a histogram."""

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A name and its labels, sorted."""

Page = Mapping[Series, float]
"""What a page of metrics says, by series."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A step that happened, and the id under which it was told, if it has one."""

    kind: str
    queue: str
    contact: str
    word: str
    length: Micros | None
    at: Micros
    told_as: str = ""


def write_records(out: TextIO, steps: Iterable[Step], ids: Iterable[str]) -> None:
    """Append *steps* to a file of truth."""
    for step, told_as in zip(steps, ids, strict=True):
        values = step.kind, step.queue, step.contact, step.word, step.length, step.at, told_as
        out.write(json.dumps(values) + "\n")


def read_records(paths: Iterable[Path]) -> Iterator[Record]:
    """Return everything that happened."""
    names = [field.name for field in dataclasses.fields(Record)]
    for path in paths:
        with path.open() as lines:
            for line in lines:
                yield Record(**dict(zip(names, json.loads(line), strict=True)))


def expected(records: Iterable[Record]) -> Counter[Series]:
    """Return the counters that the truth comes to, by queue and for the group of all.

    Sums of waits are in microseconds. What did not happen is not in it.
    """
    found: Counter[Series] = Counter()
    for record in records:
        for kind, name in (("queue", record.queue), ("group", GROUP)):
            for series, labels, count in _counted(record):
                prefix = "callmon_" if kind == "queue" else "callmon_group_"
                labels_too = tuple(sorted({**labels, kind: name}.items()))
                found[prefix + series, labels_too] += count
    return found


def _counted(record: Record) -> Iterator[tuple[str, Mapping[str, str], int]]:
    """Return what one step adds to which counter, without the label of the queue."""
    match record.kind:
        case "joined":
            yield "contacts_arrived_total", {}, 1
        case "rang":
            yield "ring_no_answer_total", {}, 1
        case "refused":
            yield "contacts_refused_total", {"reason": record.word}, 1
        case "answered" | "left":
            outcome = {"outcome": record.word}
            yield "contacts_total", outcome, 1
            if record.word not in OFFERED_WAITS or record.length is None:
                return
            yield "contact_wait_seconds_count", outcome, 1
            yield "contact_wait_seconds_sum", outcome, record.length
            if record.word == "abandoned" and record.length < SHORT:
                yield "contacts_short_abandoned_total", {}, 1
            elif record.length <= WITHIN:
                yield "contacts_within_target_total", outcome, 1
        case _:
            pass  # the end of a talk adds to no counter


SAMPLE = re.compile(r"^(callmon_\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


def read_page(text: str) -> Page:
    """Return the samples of a page; no label of these tests needs escapes."""
    return {
        (name, tuple(sorted(LABEL.findall(labels)))): float(value)
        for name, labels, value in SAMPLE.findall(text)
    }


def show(series: Series) -> str:
    """Return a series as people write it."""
    name, labels = series
    return f"{name}{{{','.join(f'{key}={value}' for key, value in labels)}}}"


def differences(truth: Mapping[Series, int], page: Page) -> Sequence[str]:
    """Return where a page says something else than the truth, in words."""
    families = {name for name, _ in truth}
    on_page = {
        series: round(value * SECOND) if series[0].endswith("_seconds_sum") else value
        for series, value in page.items()
        if series[0] in families
    }
    return [
        f"{show(series)}: expected {truth.get(series, 0)}, found {on_page.get(series, 0):.0f}"
        for series in sorted(truth.keys() | on_page.keys())
        if truth.get(series, 0) != on_page.get(series, 0)
    ]
