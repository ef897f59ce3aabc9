"""The page that Prometheus scrapes, rendered from the state.

Our own writer, because prometheus_client needs most of a second for a thousand queues and
holds the event loop meanwhile. The lines of every row are kept until its state changes,
rows are joined in blocks, and all work is done in slices between which the loop runs on.
``tests/sinks/test_prometheus.py`` holds the result equal to prometheus_client's parsers.
"""

import asyncio
import dataclasses
import enum
import zlib
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from typing import Generic, Protocol, TypeVar

from callmon.clock import SECOND, Clock, Micros, next_turn
from callmon.queues import SubjectState
from callmon.rules import SubjectKind
from callmon.sinks.agent_families import AGENT_STATE, AGENTS_LEFT_OUT, agent_lines
from callmon.sinks.families import subject_labels, subject_sections
from callmon.sinks.lines import Family, Section
from callmon.sinks.threshold_families import (
    Owners,
    ThresholdSection,
    ThresholdView,
    owner_lines,
    threshold_labels,
)

__all__ = [
    "EXPORTED_WINDOWS",
    "Exposition",
    "Format",
    "MetricsPage",
    "Page",
    "Showable",
    "exposition",
    "negotiate",
]

Row = TypeVar("Row")

EXPORTED_WINDOWS = ("15m", "today")
"""More would pass the budget of 120 series per queue."""

_BLOCK = 16
"""Rows per slice: little more than a millisecond when all of them changed."""

_SLICE_BYTES = 128 * 1024
"""Compressed between two looks at the loop: less than a millisecond."""

_END = b"# EOF\n"


class Format(enum.Enum):
    """What a scraper can ask for, with its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def negotiate(accept: str) -> Format:
    """Return the format that an ``Accept`` header prefers.

    OpenMetrics only to those who name it. Unlike prometheus_client this heeds ``q``,
    because Prometheus states by it the order of its ``scrape_protocols``.
    """
    weights = {"text/plain": 0.0, "application/openmetrics-text": 0.0}
    for choice in accept.split(","):
        kind, *parameters = (part.strip() for part in choice.lower().split(";"))
        if kind in weights:
            weights[kind] = max(weights[kind], _weight(parameters))
    openmetrics = weights["application/openmetrics-text"]
    return Format.OPENMETRICS if openmetrics > weights["text/plain"] else Format.TEXT


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter.removeprefix("q="))
            except ValueError:
                return 0.0
    return 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Layout(Generic[Row]):
    """How the rows of one kind are written."""

    sections: Sequence[Section[Row]]
    identity: Callable[[Row], object]  #: while it is the same object, so are the labels
    labels: Callable[[Row], bytes]


class _Kept(Generic[Row]):
    """The lines of one row, by section, and what they depend on."""

    __slots__ = ("identity", "keys", "labels", "lines", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.identity: object = None
        self.labels = b""
        self.keys: list[object] = []
        self.lines: list[list[bytes]] = []

    def relabel(self, layout: _Layout[Row]) -> None:
        """Forget all lines when the labels may have changed."""
        identity = layout.identity(self.row)
        if self.identity is not identity:
            self.identity = identity
            self.labels = layout.labels(self.row)
            self.keys = [_Kept] * len(layout.sections)  # equal to no key
            self.lines = [[]] * len(layout.sections)


class _Block(Generic[Row]):
    """Some neighbouring rows, and their lines joined: by section, by family."""

    __slots__ = ("joined", "rows")

    def __init__(self, rows: Sequence[_Kept[Row]]) -> None:
        self.rows = rows
        self.joined: list[list[bytes]] = []

    def refresh(self, layout: _Layout[Row], now: Micros) -> None:
        """Write anew what no longer holds."""
        new = not self.joined
        if new:
            self.joined = [[]] * len(layout.sections)
        for kept in self.rows:
            kept.relabel(layout)
        for index, section in enumerate(layout.sections):
            if self._rewrite(index, section, now) or new:
                chunks = [kept.lines[index] for kept in self.rows]
                self.joined[index] = [b"".join(column) for column in zip(*chunks, strict=True)]

    def _rewrite(self, index: int, section: Section[Row], now: Micros) -> bool:
        """Tell whether any row had changed."""
        changed = False
        for kept in self.rows:
            key = section.key(kept.row, now)
            if key != kept.keys[index]:
                kept.lines[index] = section.lines(kept.labels, kept.row, now)
                kept.keys[index] = key
                changed = True
        return changed


class _Table(Generic[Row]):
    """All rows of one kind, in blocks."""

    def __init__(self, layout: _Layout[Row]) -> None:
        self._layout = layout
        self._rows: list[Row] = []
        self._blocks: list[_Block[Row]] = []

    def refresh(self, rows: list[Row], now: Micros) -> Iterator[None]:
        """Bring everything up to date; pause after each block."""
        if rows != self._rows:
            self._arrange(rows)
        for block in self._blocks:
            block.refresh(self._layout, now)
            yield

    def body(self, *, openmetrics: bool) -> Iterator[bytes]:
        """Return the families with at least one line: headers and lines."""
        columns: dict[Family, list[bytes]] = {}
        for index, section in enumerate(self._layout.sections):
            for column, family in enumerate(section.families):
                columns.setdefault(family, []).extend(
                    [part for block in self._blocks if (part := block.joined[index][column])]
                )
        for family, parts in columns.items():
            if parts:
                yield family.header(openmetrics=openmetrics)
                yield from parts

    def _arrange(self, rows: list[Row]) -> None:
        """Take new rows in, let vanished ones go."""
        # By id, which stays unique while the row is held.
        known = {id(kept.row): kept for block in self._blocks for kept in block.rows}
        kept = [known.get(id(row)) or _Kept(row) for row in rows]
        self._rows = rows
        self._blocks = [
            _Block(kept[start : start + _BLOCK]) for start in range(0, len(kept), _BLOCK)
        ]


def _subject_of(row: SubjectState) -> object:
    return row.subject


def _rule_of(row: ThresholdView) -> object:
    return row.rule


class Exposition:
    """The families of queues, groups and thresholds; what has not changed is kept.

    *agent_limit* tells how many agents have a series of their own.
    """

    def __init__(
        self,
        windows: Sequence[str] = EXPORTED_WINDOWS,
        agent_limit: Callable[[], int] = lambda: 0,
    ) -> None:
        self._subjects = {
            kind: _Table(_Layout(subject_sections(kind, windows), _subject_of, subject_labels))
            for kind in SubjectKind
        }
        self._thresholds: _Table[ThresholdView] = _Table(
            _Layout([ThresholdSection()], _rule_of, threshold_labels)
        )
        self._owners: list[tuple[Family, bytes]] = []
        self._agent_limit = agent_limit
        self._agents = (b"", b"")

    def refresh(
        self,
        subjects: Iterable[SubjectState],
        thresholds: Iterable[ThresholdView],
        owners: Owners,
        now: Micros,
    ) -> Iterator[None]:
        """Bring everything up to *now*; each step is a slice of work.

        A queue's lines are of one instant; those of another may be of a slice later.
        """
        states = list(subjects)
        views = list(thresholds)
        self._owners = owner_lines(owners)
        for kind, table in self._subjects.items():
            yield from table.refresh(
                [state for state in states if state.subject.kind is kind], now
            )
        yield from self._thresholds.refresh(views, now)
        limit = self._agent_limit()
        self._agents = agent_lines(states, limit) if limit else (b"", b"")

    def body(self, form: Format) -> Iterator[bytes]:
        """Return the text in parts, without the end mark of OpenMetrics."""
        openmetrics = form is Format.OPENMETRICS
        for table in self._subjects.values():
            yield from table.body(openmetrics=openmetrics)
        yield from self._thresholds.body(openmetrics=openmetrics)
        for family, lines in self._owners:
            yield family.header(openmetrics=openmetrics)
            yield lines
        for family, lines in zip((AGENT_STATE, AGENTS_LEFT_OUT), self._agents, strict=True):
            if lines:
                yield family.header(openmetrics=openmetrics)
                yield lines


def exposition(
    subjects: Iterable[SubjectState],
    thresholds: Iterable[ThresholdView],
    now: Micros,
    *,
    windows: Sequence[str] = EXPORTED_WINDOWS,
    form: Format = Format.TEXT,
) -> bytes:
    """Return the whole text at once, for ``callmon replay`` and tests."""
    page = Exposition(windows)
    for _ in page.refresh(subjects, thresholds, Owners(), now):
        pass
    end = _END if form is Format.OPENMETRICS else b""
    return b"".join(page.body(form)) + end


class Showable(Protocol):
    """The state to show, as ``MetricsPage`` asks for it: everything sorted by name."""

    def now(self) -> Micros:
        """Return engine time."""

    def subjects(self) -> Iterable[SubjectState]:
        """Return the queues and groups."""

    def thresholds(self) -> Iterable[ThresholdView]:
        """Return every threshold of every subject."""

    def owners(self) -> Owners:
        """Return who delivers what fires."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer to a scrape."""

    content_type: str
    encoding: str | None  #: ``gzip`` or None
    parts: tuple[bytes, ...]


class MetricsPage:
    """Answers scrapes; those within *reuse* of each other share one rendering.

    *own* gives the daemon's own metrics as text in the wanted format, without end mark;
    *agent_limit* how many agents have a series of their own, 0 for none.
    """

    def __init__(
        self,
        shown: Showable,
        clock: Clock,
        own: Callable[[Format], Awaitable[bytes]],
        *,
        windows: Sequence[str] = EXPORTED_WINDOWS,
        reuse: Micros = SECOND,
        rendered: Callable[[Micros], None] = lambda _taken: None,
        agent_limit: Callable[[], int] = lambda: 0,
    ) -> None:
        self._shown = shown
        self._clock = clock
        self._own = own
        self._reuse = reuse
        self._rendered = rendered
        self._exposition = Exposition(windows, agent_limit)
        self._lock = asyncio.Lock()
        self._rendered_at: Micros | None = None
        self._pages: dict[tuple[Format, bool], Page] = {}

    async def page(self, accept: str, *, gzip: bool) -> Page:
        """Return what a scraper with this ``Accept`` header gets."""
        form = negotiate(accept)
        async with self._lock:
            now = self._clock.monotonic()
            if self._rendered_at is None or now - self._rendered_at >= self._reuse:
                await self._render(now)
            return self._pages.get((form, gzip)) or await self._assemble(form, gzip=gzip)

    async def _render(self, started: Micros) -> None:
        shown = self._shown
        slices = self._exposition.refresh(
            shown.subjects(), shown.thresholds(), shown.owners(), shown.now()
        )
        for _ in slices:
            await next_turn()
        self._pages.clear()
        self._rendered_at = started
        self._rendered(self._clock.monotonic() - started)

    async def _assemble(self, form: Format, *, gzip: bool) -> Page:
        plain = self._pages.get((form, False))
        if plain is None:
            end = _END if form is Format.OPENMETRICS else b""
            parts = (*self._exposition.body(form), await self._own(form), end)
            plain = Page(content_type=form.value, encoding=None, parts=parts)
            self._pages[form, False] = plain
        if not gzip:
            return plain
        zipped = dataclasses.replace(
            plain, encoding="gzip", parts=await _compressed(plain.parts)
        )
        self._pages[form, True] = zipped
        return zipped


async def _compressed(parts: Iterable[bytes]) -> tuple[bytes, ...]:
    """Compress at level 1: higher ones cost ten times the rendering for a tenth less."""
    # 16 more than the window's bits asks zlib for a gzip header.
    compressor = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
    done: list[bytes] = []
    for batch in _batches(parts, _SLICE_BYTES):
        done.append(compressor.compress(batch))
        await next_turn()
    done.append(compressor.flush())
    return tuple(done)


def _batches(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Join *parts* to pieces of at least *size* bytes."""
    waiting: list[bytes] = []
    length = 0
    for part in parts:
        waiting.append(part)
        length += len(part)
        if length >= size:
            yield b"".join(waiting)
            waiting.clear()
            length = 0
    yield b"".join(waiting)
