"""The journal as the event loop sees it: hands over, never waits, hears what became of it."""

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from callmon.clock import Clock, Micros
from callmon.events import Event
from callmon.feeds.base import Position
from callmon.intervals import Interval
from callmon.journal.entries import (
    AlertRecord,
    AlertStepRecord,
    FeedInfo,
    JournalError,
    JournalMetrics,
    JournalReason,
    Retention,
    Staffing,
    Stored,
    TimePassed,
    Told,
)
from callmon.journal.handover import Handover, Load, Run
from callmon.journal.reading import later_inputs
from callmon.journal.writer import Pace, Report, Writer

__all__ = ["Journal", "Pace"]

log = structlog.get_logger(__name__)

OPEN_TIMEOUT_S = 120.0
"""A disk that has not answered by then is taken for one that will not."""


class Journal:
    """Every input of the engine, in order, on the disk.

    ``trouble`` says in words for people why it cannot be written; empty: it can.
    ``wants_whole``: only a checkpoint of everything will do. Both change in the loop only.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        metrics: JournalMetrics,
        *,
        capacity: int = 100_000,
        remembered: int = 200_000,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self.trouble = ""
        self.wants_whole = False
        self.on_wants_whole: Callable[[], None] = lambda: None
        self._metrics = metrics
        self._handover = Handover(capacity, remembered, pace.urgent)
        self._writer = Writer(
            directory,
            clock,
            self._handover,
            remembered=remembered,
            pace=pace,
            report=self._post,
        )
        self._room_below = capacity // 4
        self._room = asyncio.Event()
        self._room.set()
        self._live: dict[str, bool] = {}  #: by feed
        self._given_up = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None

    # ---- life -----------------------------------------------------------------------

    async def start(self) -> Stored:
        """Open the journal and return what is in it.

        Trouble of the disk raises nothing: then nothing is known, ``trouble`` says why,
        and opening is tried again for ever. By then the present has begun without what
        was stored, and a whole checkpoint takes its place.
        """
        loop = self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[tuple[Stored, str]] = loop.create_future()
        self._ended = loop.create_future()
        thread = threading.Thread(
            target=self._run, args=(opened,), name="callmon-journal", daemon=True
        )
        thread.start()
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                stored, self.trouble = await asyncio.shield(opened)
        except TimeoutError:
            self._handover.lose()
            stored, self.trouble = Stored(), f"{self._writer.path}: the disk does not answer"
        self._metrics.up(not self.trouble)
        self._ask()
        return stored

    def _run(self, opened: asyncio.Future[tuple[Stored, str]]) -> None:
        self._writer.run(lambda stored, trouble: self._call(_set, opened, (stored, trouble)))
        self._call(_set, self._ended, None)

    def later(self, stored: Stored) -> Iterator[Told | TimePassed]:
        """Yield the inputs after the checkpoint, oldest first. Blocks: not for the loop.

        Where the file can be read no further, the rest is missing: ``wants_whole`` then,
        and a damaged file is set aside.
        """
        if stored.last <= stored.through:
            return  # also where nothing could be opened
        try:
            yield from later_inputs(self._writer.path, stored, self._unreadable)
        except JournalError as error:
            log.error("journal.unreadable", reason=error.reason, error=str(error))  # noqa: TRY400  # foreseen
            self._handover.lose()
            if error.reason is JournalReason.CORRUPT:
                self._writer.condemn()
            self._post(Report(reason=error.reason))

    def discard(self, stored: Stored) -> Stored:
        """Return *stored* without its checkpoint, of which a part could not be used.

        The inputs that are still kept give what they can; the next checkpoint has to be
        a whole one.
        """
        self.want_whole()
        return dataclasses.replace(stored, through=0, at=0, parts={})

    def want_whole(self) -> None:
        """Refuse changes until there is a checkpoint of everything."""
        self._handover.want_whole()
        self._ask()

    async def close(self, timeout_s: float) -> None:
        """Write what waits and end the thread; a disk that does not answer is left."""
        if self._ended is None:
            return
        self._handover.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await asyncio.shield(self._ended)
        if self.pending:
            log.error("journal.incomplete", count=self.pending, error=self.trouble)

    # ---- handing over ---------------------------------------------------------------

    @property
    def path(self) -> Path:
        """Return where the file is, for those who only read it."""
        return self._writer.path

    @property
    def pending(self) -> int:
        """How many events are not durable."""
        return self._handover.pending

    def feed(
        self,
        *feeds: FeedInfo,
        positions: Mapping[str, Position] | None = None,
        ids: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """Take what feeds are, before their first events, and what they take over of others."""
        self._live.update({info.name: info.live for info in feeds})
        self._handover.add_feed(*feeds, positions=positions, ids=ids)

    def record(
        self,
        feed: str,
        events: Sequence[Event],
        ids: Sequence[int | None],
        position: Position | None,
    ) -> None:
        """Take events that were applied, with their ids, or none, and the place behind them."""
        live = self._live.get(feed, False)
        self._handover.add(Run(feed, events, ids, position, live), len(events))
        self._look()

    def passed(self, at: Micros) -> None:
        """Take a mark: time alone brought something about by *at*."""
        self._handover.add(TimePassed(at), 1)
        self._look()

    def keep(self, key: str, value: bytes) -> None:
        """Take a small fact, in the place of the former one."""
        self._handover.add_kept(key, value)

    def intervals(self, rows: Sequence[Interval]) -> None:
        """Take half-hours as they are now."""
        self._handover.add_intervals(rows)

    def alerts(self, records: Sequence[AlertRecord]) -> None:
        """Take alerts as they are now; a cause that was told before stays."""
        self._handover.add_alerts(records)

    def alert_steps(self, records: Sequence[AlertStepRecord]) -> None:
        """Take what became of alerts; the same told again stays as it was told first."""
        self._handover.add_alert_steps(records)

    def staffing(self, rows: Sequence[Staffing]) -> None:
        """Take counts of agents as they are now."""
        self._handover.add_staffing(rows)

    def checkpoint(self, at: Micros, parts: Mapping[str, bytes | None], *, whole: bool) -> None:
        """Take the state after all that was handed over so far.

        Without *whole*, *parts* are what has changed since the last one, None what is
        gone; that is ignored while ``wants_whole``.
        """
        self._handover.add_checkpoint(at, parts, whole=whole)
        if whole:
            self.wants_whole = False

    def when_durable(self, done: Callable[[], None]) -> None:
        """Have *done* called in the loop once all handed over so far would survive a crash."""
        self._handover.add_done(done)

    def hurry(self) -> None:
        """Have all handed over so far written at once, without waiting for company."""
        self._handover.add_done(_nothing)

    def prune(self, retention: Retention, now: Micros) -> None:
        """Delete what is older than *retention*, little by little."""
        self._writer.prune(retention, now)

    async def room(self) -> None:
        """Return when there is room for more.

        While the disk fails there always is: monitoring goes on, and a checkpoint will
        take the place of what cannot be kept.
        """
        await self._room.wait()

    def _look(self) -> None:
        if self.pending > self._room_below and not self.trouble:
            self._room.clear()
        self._ask()

    def _ask(self) -> None:
        """Count what was given up; ask once for the checkpoint that replaces it."""
        given_up = self._handover.given_up - self._given_up
        if given_up:
            self._given_up += given_up
            self._metrics.given_up(given_up)
        if self._handover.wants_whole and not self.wants_whole and self._loop is not None:
            self.wants_whole = True
            log.warning("journal.wants_checkpoint", count=given_up)
            # Not at once: whoever hands over may be in the midst of something.
            self._loop.call_soon(lambda: self.on_wants_whole())  # noqa: PLW0108 - as it is then

    # ---- hearing --------------------------------------------------------------------

    def _post(self, report: Report) -> None:
        self._call(self._hear, report)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call *function* in the loop; for other threads."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before us
                self._loop.call_soon_threadsafe(function, *arguments)

    def _hear(self, report: Report) -> None:
        """Take note of what the thread did."""
        if report.reason is not None:
            self._metrics.failed(report.reason)
        if report.up is not None:
            self.trouble = report.trouble
            self._metrics.up(report.up)
        if report.size is not None:
            self._metrics.size(report.size)
        if report.damaged is not None:
            self._metrics.damaged(report.damaged)
        if report.load is not None:
            self._hear_of_commit(report, report.load)
        if self.trouble or self.pending <= self._room_below:
            self._room.set()
        self._metrics.waiting(self.pending)
        self._ask()

    def _hear_of_commit(self, report: Report, load: Load) -> None:
        self._metrics.committed(load.count, report.seconds)
        if report.duplicates:
            self._metrics.duplicate(report.duplicates)
        if load.checkpoint is not None:
            self._metrics.checkpointed(load.checkpoint.at)
        for done in load.done:
            # Each on its own: one that fails does not keep the others from being told.
            asyncio.get_running_loop().call_soon(done)

    def _unreadable(self, count: int) -> None:
        log.error("journal.nonsense", count=count, path=str(self._writer.path))
        self._post(Report(reason=JournalReason.CORRUPT))


def _nothing() -> None:
    """Nobody waits."""


def _set(future: asyncio.Future[Any], result: Any) -> None:
    """Set a result that somebody may have stopped waiting for."""
    if not future.done():
        future.set_result(result)
