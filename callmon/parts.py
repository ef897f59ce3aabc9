"""The state of the engine in parts, as a checkpoint holds them.

A part is one thing that changes by itself: a queue, a group, what a source has told of one
queue. So a checkpoint costs what has changed since the last one. A part is MessagePack of
one of the types here; its key names it.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, get_args

import msgspec

from callmon.clock import Micros
from callmon.contacts import ContactsPart
from callmon.intervals import IntervalRowsPart, IntervalsPart
from callmon.queues import SubjectPart
from callmon.reports import ReportsPart
from callmon.visits import VisitBookPart

__all__ = [
    "VERSION",
    "BookPart",
    "Candidate",
    "Changes",
    "EnginePart",
    "Parts",
    "PartsError",
    "SourcePart",
    "SubjectRecord",
    "WatchesPart",
    "key_of",
    "read_parts",
]

VERSION = 1
"""Of all parts together; a part of a newer one is refused, an older one is translated."""


class PartsError(Exception):
    """The parts are damaged, of another machine or of a newer callmon; the text says which."""


class EnginePart(msgspec.Struct, tag="engine"):
    """What belongs to no queue and no source."""

    version: int
    byteorder: str  #: of the arrays in ``SamplesPart``
    now: Micros
    sweep_at: Micros
    dropped: dict[str, int]


class SourcePart(msgspec.Struct, tag="source"):
    """A source."""

    name: str
    watermark: Micros
    since: Micros | None
    feeds: dict[str, bool]
    live: list[str]
    agents: list[str]
    docket: bool


class BookPart(msgspec.Struct, tag="book"):
    """What a source has told of a queue."""

    source: str
    queue: str
    spelled: list[str]  #: what the source calls it
    book: ContactsPart | VisitBookPart
    reports: ReportsPart | None = None


class SubjectRecord(msgspec.Struct, tag="subject"):
    """A queue or a group."""

    kind: str
    name: str
    members: list[str]  #: what a group sums up
    state: SubjectPart


class WatchesPart(msgspec.Struct, tag="watches"):
    """Thresholds that do not simply hold: (kind, name, threshold, its state)."""

    states: list[tuple[str, str, str, dict[str, Any]]]


Part = (
    EnginePart
    | SourcePart
    | BookPart
    | SubjectRecord
    | WatchesPart
    | IntervalsPart
    | IntervalRowsPart
)


class Parts(NamedTuple):
    """All parts of a checkpoint, by type, in the order of ``Part``."""

    engine: list[EnginePart]  #: one
    sources: list[SourcePart]
    books: list[BookPart]
    subjects: list[SubjectRecord]
    watches: list[WatchesPart]
    intervals: list[IntervalsPart]  #: one, or none of an older callmon
    interval_rows: list[IntervalRowsPart]


class Candidate(NamedTuple):
    """A part that may have changed."""

    key: str
    version: object  #: differs when it has; None: take it anyway
    take: Callable[[], Part]


class Changes:
    """Knows what of the parts was taken already."""

    def __init__(self) -> None:
        self._versions: dict[str, object] = {}

    def take(self, candidates: Iterable[Candidate], *, whole: bool) -> dict[str, bytes | None]:
        """Return what has changed, or everything if *whole*; None for a part that is gone."""
        encoder = msgspec.msgpack.Encoder()
        taken: dict[str, bytes | None] = {}
        versions: dict[str, object] = {}
        for key, version, take in candidates:
            versions[key] = version
            if whole or version is None or self._versions.get(key) != version:
                taken[key] = encoder.encode(take())
        if not whole:
            taken.update(dict.fromkeys(self._versions.keys() - versions.keys()))
        self._versions = versions
        return taken


def key_of(*words: str) -> str:
    """Return the key of the part that *words* name."""
    return msgspec.json.encode(words).decode()


def read_parts(parts: Mapping[str, bytes]) -> Parts:
    """Return what *parts* hold.

    Raises:
        PartsError: they cannot be used.
    """
    decoder = msgspec.msgpack.Decoder(Part)
    by_type: dict[type, list[Any]] = {kind: [] for kind in get_args(Part)}
    found = Parts(*by_type.values())
    for key, body in parts.items():
        try:
            part = decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise PartsError(f"part {key} is damaged: {error}") from error
        by_type[type(part)].append(part)
    for engine in found.engine:
        if engine.version > VERSION:
            raise PartsError(f"expected version {VERSION} or older, found {engine.version}")
        if engine.byteorder != sys.byteorder:
            raise PartsError(f"expected {sys.byteorder}-endian, found {engine.byteorder}")
    if len(found.engine) != 1:
        raise PartsError("the part of the engine is missing")
    return found
