"""Half-hours of a queue, as reports want them: what arrived, how it ended, how long it took.

Two cohorts of every half-hour are kept: the contacts that arrived in it, whenever they
ended, and those that ended in it. Only settled contacts count.

What a queue counts is nearly always of the present half-hour, by either end. So there its
counters are read when the half-hour is over: what they have risen by since. Only a stray,
what belongs to another half-hour or crosses from one to the next, is counted by itself, in
a cell for its pair of half-hours. Thus an event costs two comparisons.

``fold`` brings both to rows, which are kept packed: a day of them per queue has to fit into
memory. Rows are handed on as absolute values, so storing them twice does no harm. A row
older than ``MEMORY`` is forgotten once it was handed on; what still comes for it is late: it
is counted as such, and what is stored stays as it is.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from callmon.clock import SECOND, Micros
from callmon.events import Outcome
from callmon.windows import CODES, FLAGS, SHORT, UNKNOWN, WITHIN, SampleLog

__all__ = [
    "HALF_HOUR",
    "MEMORY",
    "Counters",
    "Interval",
    "IntervalBook",
    "IntervalBooks",
    "IntervalRowsPart",
    "IntervalsPart",
]

HALF_HOUR: Micros = 1_800 * SECOND

MEMORY: Micros = 52 * HALF_HOUR
"""How long a half-hour may still change: a visit is open for a day at most."""


class Interval(msgspec.Struct, frozen=True, gc=False):
    """One half-hour of one queue, by one cohort. Field names are the columns in storage."""

    queue: str
    start: Micros  #: a multiple of ``HALF_HOUR``
    cohort: str  #: "arrival" or "end"
    arrived: int = 0  #: joined in it; the same in either cohort
    answered: int = 0
    abandoned: int = 0
    timeout: int = 0
    key_exit: int = 0
    empty: int = 0
    failed: int = 0
    redirected: int = 0
    withdrawn: int = 0
    lost: int = 0
    short_abandoned: int = 0
    answered_within: int = 0
    abandoned_within: int = 0
    answered_wait: Micros = 0  #: sum of the known waits of the answered
    abandoned_wait: Micros = 0
    max_wait: Micros = 0  #: longest known wait of the offered
    refused: int = 0  #: never became contacts
    talks: int = 0  #: ended in it, with a known length
    talk: Micros = 0  #: sum of their lengths


class IntervalRowsPart(msgspec.Struct, gc=False, tag="interval_rows"):
    """The half-hours of one queue in a checkpoint."""

    queue: str
    rows: dict[Micros, bytes]
    changed: list[Micros]


class IntervalsPart(msgspec.Struct, tag="intervals"):
    """What the half-hours of all queues have in common, in a checkpoint."""

    newest: Micros
    floor: Micros
    late: int


class Counters(Protocol):
    """What of a queue's state the half-hours are read from."""

    arrived: int
    counts: list[int]  #: settled contacts by code
    sums: list[Micros]  #: their known waits
    talks: int  #: that ended, with a known length
    log: SampleLog
    half_begin: Micros  #: the half-hour that the counters now count for
    half_end: Micros
    longest: Micros  #: longest known wait of the offered that was counted for it


# A cell: contacts by code, their waits by code, the longest wait of the offered, and what
# has one moment only.
_LONGEST: Final = 2 * CODES
_ARRIVED: Final = _LONGEST + 1
_REFUSED: Final = _ARRIVED + 1
_TALKS: Final = _ARRIVED + 2
_TALK: Final = _ARRIVED + 3
_CELL: Final = _ARRIVED + 4
_OFFERED: Final = Outcome.REDIRECTED * FLAGS

# A row: what has one moment only, then twice the columns answered … max_wait of ``Interval``.
_MOMENTS: Final = 4
_SHORT: Final = len(Outcome)
_WITHIN: Final = _SHORT + 1
_WAIT: Final = _SHORT + 3
_MAX_WAIT: Final = _SHORT + 5
_COLUMNS: Final = _SHORT + 6
_BY_ARRIVAL: Final = _MOMENTS
_BY_END: Final = _MOMENTS + _COLUMNS
_ROW: Final = _MOMENTS + 2 * _COLUMNS

_COHORTS: Final = (("arrival", _BY_ARRIVAL), ("end", _BY_END))

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[int]).decode


class IntervalBook:
    """The half-hours of one queue."""

    __slots__ = ("_books", "_cells", "_mark", "_state", "changed", "rows", "version")

    def __init__(self, books: "IntervalBooks") -> None:
        self.rows: dict[Micros, bytes] = {}  #: packed, by start
        self.changed: set[Micros] = set()  #: starts of the rows that were not handed on yet
        self.version = 0  #: grows with every change of the rows
        self._books = books
        self._state: Counters | None = None
        self._mark: list[int] = []  #: the counters, as far as they are in cells or rows
        self._cells: dict[tuple[Micros, Micros], list[int]] = {}

    @property
    def used(self) -> bool:
        """Whether a queue counts here."""
        return self._state is not None

    def read(self, state: Counters | None) -> None:
        """Count what the counters of *state* rise by from now on; None: nothing more."""
        if self._state is not None:
            self.fold()
        self._state = state
        self.begin()

    def begin(self) -> None:
        """Take for counted what the counters say now: they have been set."""
        state = self._state
        if state is not None:
            state.half_begin = state.half_end = state.longest = 0
            self._mark = _counted(state)

    # ---- strays: counted in the counters, but for another half-hour ------------------

    def arrive(self, at: Micros) -> None:
        """A contact joined."""
        self._mark[_ARRIVED] += 1
        self._cell(at, at)[_ARRIVED] += 1
        self.reach(at)

    def end(self, start: Micros, at: Micros, code: int, wait: Micros) -> None:
        """A contact that came at *start* ended.

        Where its own wait is not known, *wait* is 0, or what several waited together.
        """
        self._mark[code] += 1
        self._mark[CODES + code] += wait
        cell = self._cell(start, at)
        cell[code] += 1
        cell[CODES + code] += wait
        if _is_wait(code):
            cell[_LONGEST] = max(cell[_LONGEST], wait)
        self.reach(min(start, at))

    def end_talk(self, at: Micros, talk: Micros) -> None:
        """A talk of known length ended."""
        self._mark[_TALKS] += 1
        self._mark[_TALK] += talk
        cell = self._cell(at, at)
        cell[_TALKS] += 1
        cell[_TALK] += talk
        self.reach(at)

    def refuse(self, at: Micros) -> None:
        """A contact was not taken: that is always counted here."""
        self._cell(at, at)[_REFUSED] += 1

    def move(self, start: Micros, true_start: Micros) -> None:
        """The contact that arrived at *start* arrived at *true_start*."""
        former = _half(start)
        if former == _half(true_start):
            return
        self.fold()
        row = self.rows.get(former)
        late = self._books.is_late(min(start, true_start))
        if late or row is None or not _unpack(row)[0]:
            return  # too long ago, or it arrived while the queue had another name
        self._cell(true_start, true_start)[_ARRIVED] += 1
        self._cell(start, start)[_ARRIVED] -= 1

    def lengthen(self, code: int, wait: Micros) -> None:
        """A contact of this half-hour waited longer than any before."""
        if self._state is not None and _is_wait(code):
            self._state.longest = wait

    def reach(self, at: Micros) -> None:
        """Let the counters count for the half-hour of *at*, if that is a later one."""
        state, half = self._state, _half(at)
        if state is not None and half > state.half_begin:
            self.fold()
            state.half_begin, state.half_end = self._books.bounds(half)
            state.longest = 0

    def _cell(self, start: Micros, at: Micros) -> list[int]:
        """Return the cell for who arrived at *start* and ended at *at*."""
        arrival, end = _half(start), _half(at)
        books = self._books
        books.newest = max(books.newest, arrival, end)
        if books.is_late(min(arrival, end)):
            books.late += 1
            return [0] * _CELL  # to be counted nowhere
        return self._cells.setdefault((arrival, end), [0] * _CELL)

    # ---- rows ---------------------------------------------------------------------

    def fold(self) -> None:
        """Bring the rows up to date."""
        state = self._state
        if state is not None:
            counted = _counted(state)
            if counted != self._mark:
                self._take(state.half_begin, counted, state.longest)
        if not self._cells:
            return
        for (arrival, end), cell in self._cells.items():
            row = self._row(arrival)
            for place in range(_MOMENTS):
                row[place] += cell[_ARRIVED + place]
            _add(row, _BY_ARRIVAL, cell)
            if end != arrival:
                self.rows[arrival] = _pack(row)
                row = self._row(end)
            _add(row, _BY_END, cell)
            self.rows[end] = _pack(row)
            self.changed |= {arrival, end}
        self.version += 1
        self._cells.clear()

    def _take(self, half: Micros, counted: list[int], longest: Micros) -> None:
        """Take what the counters have risen by for the present half-hour.

        That cannot be late, however long ago it was: its row is not forgotten.
        """
        cell = self._cells.setdefault((half, half), [0] * _CELL)
        for place, count in enumerate(counted):
            cell[place] += count - self._mark[place]
        cell[_LONGEST] = max(cell[_LONGEST], longest)
        self._mark = counted

    def forget(self, horizon: Micros) -> None:
        """Drop the rows before *horizon*, all of which have been handed on."""
        for start in [start for start in self.rows if start < horizon]:
            del self.rows[start]
        if self._state is not None and self._state.half_begin < horizon:
            self.begin()  # the counters are not to count for a row that is gone

    def intervals(self, queue: str) -> list[Interval]:
        """Return the changed rows, oldest first, as those of *queue*."""
        return [
            Interval(queue, start, cohort, row[0], *row[base : base + _COLUMNS], *row[1:4])
            for start in sorted(self.changed)
            for row in (_unpack(self.rows[start]),)
            for cohort, base in _COHORTS
        ]

    def _row(self, start: Micros) -> list[int]:
        row = self.rows.get(start)
        return [0] * _ROW if row is None else _unpack(row)


class IntervalBooks:
    """The books of all queues, by name.

    A queue that goes leaves its book here until its rows are old: should it come again,
    they go on and are not begun anew over those that are stored. A renamed queue goes on in
    the book of its new name; what was counted before stays under the old one.
    """

    def __init__(self) -> None:
        self.books: dict[str, IntervalBook] = {}
        self.newest: Micros = 0  #: the latest half-hour told of
        self.floor: Micros = 0
        """Rows before it are never handed on: these books know only a part of them."""
        self._bounds: tuple[Micros, Micros] = (0, 0)
        self.late = 0  #: what came for half-hours that are forgotten

    def of(self, queue: str, state: Counters) -> IntervalBook:
        """Return the book of *queue*, which from now on counts what *state* does."""
        book = self.books.get(queue)
        if book is None:
            book = self.books[queue] = IntervalBook(self)
        book.read(state)
        return book

    def leave(self, queue: str) -> None:
        """Keep the book of *queue*, which is no more, for as long as its rows may change."""
        if queue in self.books:
            self.books[queue].read(None)

    def bounds(self, half: Micros) -> tuple[Micros, Micros]:
        """Return start and end of a half-hour: the same two numbers to all queues.

        Numbers of its own would be two more things to be fetched from memory per event.
        """
        if self._bounds[0] != half:
            self._bounds = half, half + HALF_HOUR
        return self._bounds

    def is_late(self, at: Micros) -> bool:
        """Tell whether the half-hour of *at* is to be left as it is."""
        return at < self.newest - MEMORY

    def dirty(self, limit: int | None = None) -> list[Interval]:
        """Return the rows that have changed since the last call, by queue and time.

        With *limit* only so many or a few more: the next call goes on. Forgets old rows.
        """
        found: list[Interval] = []
        horizon = self.newest - MEMORY
        for queue, book in sorted(self.books.items()):
            if limit is not None and len(found) >= limit:
                break
            book.fold()
            if book.changed:
                found += [row for row in book.intervals(queue) if row.start >= self.floor]
                book.changed.clear()
                book.version += 1
            book.forget(horizon)
            if not (book.used or book.rows):
                del self.books[queue]
        return found

    def again(self) -> None:
        """Have ``dirty`` return every row that is held: who was to store them may not have."""
        for book in self.books.values():
            book.changed.update(book.rows)
            book.version += 1

    # ---- checkpoint -------------------------------------------------------------

    def versions(self) -> Mapping[str, int]:
        """Return for every queue a number that differs whenever its rows have changed."""
        for book in self.books.values():
            book.fold()
        return {queue: book.version for queue, book in self.books.items()}

    def part(self) -> IntervalsPart:
        """Return what all books have in common."""
        return IntervalsPart(self.newest, self.floor, self.late)

    def rows_part(self, queue: str) -> IntervalRowsPart:
        """Return the half-hours of *queue*."""
        book = self.books[queue]
        book.fold()
        return IntervalRowsPart(queue, book.rows, sorted(book.changed))

    def restore(self, part: IntervalsPart) -> None:
        """Take back what ``part`` returned."""
        self.newest, self.floor, self.late = part.newest, part.floor, part.late

    def restore_rows(self, part: IntervalRowsPart) -> None:
        """Take back what ``rows_part`` returned, whether the queue is still there or not."""
        book = self.books.get(part.queue)
        if book is None:
            book = self.books[part.queue] = IntervalBook(self)
        book.rows, book.changed = part.rows, set(part.changed)


def _half(at: Micros) -> Micros:
    """Return the start of the half-hour of *at*."""
    return at - at % HALF_HOUR


def _is_wait(code: int) -> bool:
    """Tell whether a contact of that code was offered and its own wait is known."""
    return code < _OFFERED and not code & UNKNOWN


def _counted(state: Counters) -> list[int]:
    """Return what *state* has counted, laid out as a cell."""
    log = state.log
    talk = log.talks[-1] if log.talks else log.talks_forgotten
    return [*state.counts, *state.sums, 0, state.arrived, 0, state.talks, talk]


def _add(row: list[int], base: int, cell: list[int]) -> None:
    """Add the contacts of *cell* to the columns of one cohort."""
    for code, count in enumerate(cell[:CODES]):
        if not count:
            continue
        outcome, flags = divmod(code, FLAGS)
        row[base + outcome] += count
        if outcome <= Outcome.ABANDONED:
            if flags & SHORT:
                row[base + _SHORT] += count
            elif flags & WITHIN:
                row[base + _WITHIN + outcome] += count
            row[base + _WAIT + outcome] += cell[CODES + code]
    row[base + _MAX_WAIT] = max(row[base + _MAX_WAIT], cell[_LONGEST])
