"""The thread that writes: opens the journal, commits, tries again, begins a fresh file."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from callmon.clock import SECOND, Clock, Micros
from callmon.journal.disk import NAME, Lock, damaged_files, forget_wal, is_full, set_aside
from callmon.journal.entries import FeedInfo, JournalError, JournalReason, Retention, Stored
from callmon.journal.handover import Handover, Known, Load, Run
from callmon.journal.reading import read_apart
from callmon.journal.store import Store
from callmon.logs import Repeats

__all__ = ["Pace", "Report", "Writer"]

log = structlog.get_logger(__name__)

_END: Final = object()

_NOTHING_KNOWN: Final = (
    "what was in it is known no more: counters, places in logs, half-hours and alerts;"
    " begun as at a first run"
)
_STATE_KNOWN: Final = (
    "events, half-hours and alerts written before are missing; the state goes on,"
    " in a fresh file"
)

LOOK_EVERY: Micros = SECOND
"""How often the file is looked for in its place, and measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the thread times its commits, in seconds by the machine's clock."""

    gather_s: float = 0.05  #: how long events wait for company
    urgent: int = 1_000  #: so many do not wait
    apart_s: float = 0.002  #: between commits that somebody waits for
    retry_s: float = 0.5  #: after a failure; doubled after each further one
    retry_most_s: float = 15.0
    patience_s: float = 5.0  #: at the start, for who holds the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the thread did, told to the loop."""

    up: bool | None = None  #: whether it can be written; None: as before
    trouble: str = ""  #: why not
    reason: JournalReason | None = None  #: of a failure
    load: Load | None = None  #: what was committed
    seconds: float = 0.0
    duplicates: int = 0
    size: int | None = None
    damaged: int | None = None  #: files set aside that are still there; None: as before


class Writer:
    """Does the thread's work; ``run`` is what it runs."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        handover: Handover,
        *,
        remembered: int,
        pace: Pace,
        report: Callable[[Report], None],
    ) -> None:
        self.path = directory / NAME
        self._clock = clock
        self._handover = handover
        self._remembered = remembered
        self._pace = pace
        self._report = report
        self._lock = Lock(directory)
        self._repeats = Repeats()
        self._store: Store | None = None
        self._known = Known(remembered)
        self._commits: int | None = None  #: of the file as we left it; None: never opened
        self._flight: Load | None = None  #: may be in the file or not
        self._damaged = False
        self._removed = False
        self._failures = 0
        self._full = False  #: the last failure was for want of room
        self._acknowledged = False
        self._pruning: tuple[Retention, Micros] | None = None
        self._pruned: tuple[Retention, Micros] | None = None  #: what ``_slices`` is of
        self._slices: Iterator[None] | None = None  #: of what is to be deleted
        self._looked_at: Micros | None = None

    # ---- life -----------------------------------------------------------------------

    def run(self, opened: Callable[[Stored, str], None]) -> None:
        """Open, tell *opened* what was found or why nothing, and write until closed."""
        stored, trouble = self.begin()
        opened(stored, trouble)
        while not self._handover.closing:
            self._wait()
            self.attempt()
        self.attempt()
        if self._store is not None:
            self._store.finish()
        self._lock.release()

    def begin(self) -> tuple[Stored, str]:
        """Open for the first time; return what was stored, or why nothing is known."""
        self._count_damaged()
        waited = 0.0
        while True:
            try:
                return self._open_first(), ""
            except JournalError as error:
                if (
                    error.reason is JournalReason.LOCKED
                    and waited < self._pace.patience_s
                    and not self._handover.closing
                ):
                    # The one before us may still be putting things away.
                    waited += self._pace.retry_s
                    self._pause(self._pace.retry_s)
                    continue
                self._fail(error)
                return self._read_at_least(error), str(error)

    def _read_at_least(self, error: JournalError) -> Stored:
        """Return what is stored, if it can be read; else the present begins without it."""
        found = None
        if error.reason not in {JournalReason.LOCKED, JournalReason.CORRUPT}:
            with contextlib.suppress(JournalError):
                found = read_apart(self.path, self._remembered)
        if found is None:
            self._handover.lose()
            return Stored()
        stored, self._commits = found
        self._known = _known(stored, self._remembered)
        return stored

    def prune(self, retention: Retention, now: Micros) -> None:
        """Delete what is older, a slice at a time; called in the loop."""
        with self._handover.changed:
            self._pruning = (retention, now)
            self._handover.changed.notify()

    def condemn(self) -> None:
        """Have the file set aside: a reader found it damaged. Called from any thread."""
        with self._handover.changed:
            self._damaged = True
            self._handover.changed.notify()

    def attempt(self) -> None:
        """Do all there is to do; when that fails, say so and keep it for the next time."""
        try:
            self._do()
        except JournalError as error:
            self._fail(error)
        except Exception as error:
            # Whatever it is, the daemon must not run on with nobody writing.
            log.exception("journal.crashed", path=str(self.path))
            self._fail(JournalError(JournalReason.OTHER, f"{self.path}: {error}"))

    def _do(self) -> None:
        store = self._opened()
        self._look(store)
        load = self._handover.take()
        if load is not None:
            self._commit(store, load)
        self._prune_on(store)
        self._recover()

    def _prune_on(self, store: Store) -> None:
        """Delete a slice, if there is something to delete; commits come in between."""
        asked = self._pruning
        if asked is None:
            return
        if self._slices is None or self._pruned is not asked:
            self._slices, self._pruned = store.prune(*asked, self._remembered), asked
        if next(self._slices, _END) is _END:
            self._slices = None
            with self._handover.changed:
                if self._pruning is asked:  # else it was asked for anew meanwhile
                    self._pruning = None

    def _recover(self) -> None:
        if self._failures and not (self._full and is_full(self.path.parent)):
            self._failures = 0
            log.info("journal.recovered", path=str(self.path))
            self._report(Report(up=True))

    # ---- waiting --------------------------------------------------------------------

    def _wait(self) -> None:
        handover = self._handover
        if self._failures:
            doublings = min(self._failures - 1, 16)
            self._pause(min(self._pace.retry_s * 2.0**doublings, self._pace.retry_most_s))
            return
        with handover.changed:
            if self._acknowledged:
                # Whoever waits has company by then.
                handover.changed.wait_for(handover.is_crowded, self._pace.apart_s)
                self._acknowledged = False
            if self._pruning is not None:
                return
            # Now and then also without work: is the file where it was, and the lock?
            if handover.changed.wait_for(self._has_work, LOOK_EVERY / SECOND):
                handover.changed.wait_for(self._is_due, self._pace.gather_s)

    def _has_work(self) -> bool:
        return self._handover.has_work() or self._pruning is not None or self._damaged

    def _is_due(self) -> bool:
        return self._handover.is_due() or self._pruning is not None or self._damaged

    def _pause(self, seconds: float) -> None:
        with self._handover.changed:
            self._handover.changed.wait_for(lambda: self._handover.closing, seconds)

    # ---- opening --------------------------------------------------------------------

    def _open_first(self) -> Stored:
        self._lock.take()
        try:
            store = Store(self.path)
            stored = store.read(self._remembered)
        except JournalError as error:
            if error.reason is not JournalReason.CORRUPT:
                raise
            self._report(Report(reason=error.reason))
            self._set_aside()
            store = Store(self.path)
            stored = store.read(self._remembered)
        self._store = store
        self._commits = store.commits
        self._known = _known(stored, self._remembered)
        return stored

    def _opened(self) -> Store:
        """Return the open store; what was under way when it was left is settled."""
        if self._damaged and self._store is not None:
            self._leave()
        if self._store is not None:
            return self._store
        self._lock.take()
        if self._damaged:
            self._set_aside()
        if self._removed:
            forget_wal(self.path)
            self._removed = False
        store = Store(self.path)
        self._settle_flight(store)
        if self._commits is not None and (store.created or store.commits != self._commits):
            self._handover.start_anew(self._known)
        self._store = store
        self._commits = store.commits
        return store

    def _settle_flight(self, store: Store) -> None:
        """Find out what became of a commit that failed: rarely it is there all the same."""
        flight, self._flight = self._flight, None
        if flight is None or self._commits is None:
            return
        if store.commits == self._commits + 1 and not store.created:
            self._commits = store.commits
            self._settle(flight, 0.0, 0)
        else:
            self._handover.put_back(flight)

    def _leave(self) -> None:
        self._slices = None  # begun anew on the next connection
        if self._store is not None:
            self._store.close()
            self._store = None

    def _look(self, store: Store) -> None:
        """See, now and then, that the files are where they were, and how large."""
        now = self._clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            store.check_place()
            self._lock.take()  # where it was deleted: before somebody else comes in
            self._looked_at = now
            self._report(Report(size=store.size()))
            self._count_damaged()  # people delete them, too

    def _count_damaged(self) -> None:
        self._report(Report(damaged=damaged_files(self.path)))

    def _set_aside(self) -> None:
        aside = set_aside(self.path)
        self._damaged = False
        log.error(
            "journal.set_aside",
            path=str(aside),
            reason=JournalReason.CORRUPT,
            error=_NOTHING_KNOWN if self._commits is None else _STATE_KNOWN,
        )
        self._count_damaged()

    # ---- writing --------------------------------------------------------------------

    def _commit(self, store: Store, load: Load) -> None:
        began = self._clock.monotonic()
        self._flight = load
        duplicates = store.write(load)
        self._flight = None
        self._commits = store.commits
        self._acknowledged = bool(load.done)
        self._recover()
        self._settle(load, (self._clock.monotonic() - began) / SECOND, duplicates)

    def _settle(self, load: Load, seconds: float, duplicates: int) -> None:
        """Take *load* for written."""
        self._handover.written()
        self._known.update(load.known)
        for told in load.inputs:
            if isinstance(told, Run):
                self._known.tell(told.feed, told.ids, told.position)
        self._report(Report(load=load, seconds=seconds, duplicates=duplicates))

    def _fail(self, error: JournalError) -> None:
        self._failures += 1
        self._full = error.reason is JournalReason.FULL
        self._damaged |= error.reason is JournalReason.CORRUPT
        self._removed |= error.reason is JournalReason.REMOVED
        self._leave()
        self._report(Report(up=False, trouble=str(error), reason=error.reason))
        repeated = self._repeats.admit(error.reason, self._clock.monotonic())
        if repeated is not None:
            log.error(
                "journal.failed", reason=error.reason, error=str(error), repeated=repeated
            )


def _known(stored: Stored, remembered: int) -> Known:
    """Return what has to be written again, should the file be lost."""
    known = Known(remembered)
    for feed in stored.feeds.values():
        known.feeds[feed.name] = FeedInfo(
            name=feed.name,
            type=feed.type,
            source=feed.source,
            stream=feed.stream,
            live=feed.live,
        )
        known.tell(feed.name, stored.ids.get(feed.name, ()), feed.position)
    known.kept.update(stored.kept)
    return known
