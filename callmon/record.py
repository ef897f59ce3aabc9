"""The command ``callmon record``: writes down what a feed hears, for a replay.

The feed itself does the listening: it connects, logs in and asks as it always does, and its
tap shows what goes over the wire. Nothing of it reaches a queue.
"""

import asyncio
import dataclasses
import random
import secrets
import signal
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from callmon.clock import SECOND, Clock, Micros
from callmon.config import load_config
from callmon.decode.recording import Direction, Mark, Marked, Record, Transferred
from callmon.errors import FeedError, FeedReason
from callmon.events import Event
from callmon.feeds.base import FeedContext, Position
from callmon.feeds.recording import RecordingWriter
from callmon.feeds.registry import build_feed
from callmon.feeds.settings import AsteriskAmiSettings
from callmon.sanitise import Redactor, Sanitiser, SecretsRemover
from callmon.supervise import REFUSED_DELAY, Failure, supervise

__all__ = ["RecordRequest", "Recorder", "find_feed", "open_recorder", "record"]

WRITE_EVERY: Micros = SECOND // 2
"""A recording lacks this much of its end when callmon is killed."""

MAX_PENDING_BYTES = 64 * 1024 * 1024
"""What may wait for the disk. Beyond it the recording would have a hole, so it ends."""

RECORD_COST_BYTES = 200
"""What a record costs in memory beside its bytes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordRequest:
    """What was asked for on the command line."""

    config: Path
    feed: str
    out: Path
    length: Micros | None = None  #: None: until it is stopped
    sanitise: bool = True
    queues: bool = False  #: replace the names of queues, too


class Recorder:
    """Collects what a tap shows and brings it to a file, from time to time."""

    def __init__(self, clock: Clock, redactor: Redactor, writer: RecordingWriter) -> None:
        self.records = 0
        self.connections = 0
        self.trouble = ""  #: why the recording cannot go on
        self._clock = clock
        self._redactor = redactor
        self._writer = writer
        self._pending: deque[Record] = deque()
        self._taken_bytes = 0
        self._written_bytes = 0
        self._writing = threading.Lock()

    def tap(self, kind: str, data: bytes) -> None:
        """Take what went over the wire; *kind* is ``received``, ``sent`` or ``mark``."""
        at = self._clock.now()
        if self.trouble:
            return
        if self._taken_bytes - self._written_bytes > MAX_PENDING_BYTES:
            self.trouble = "the disk is slower than what is to be recorded"
        elif kind == "mark":
            self._take(Marked(at, data.decode("ascii", "backslashreplace")))
            self.connections += data == Mark.CONNECTED.encode()
        else:
            self._take(Transferred(at, Direction(kind), data))

    async def write(self) -> None:
        """Bring what has come to the file; rewriting and packing take a thread's time."""
        await asyncio.to_thread(self._write)

    async def finish(self) -> None:
        """Write the rest, and that it is all."""
        self._take(Marked(self._clock.now(), Mark.STOP))
        await asyncio.to_thread(self._finish)

    def _take(self, record: Record) -> None:
        self._pending.append(record)
        self._taken_bytes += _cost(record)

    def _write(self) -> None:
        # Whoever waits for the thread may be cancelled, the thread goes on: one at a time.
        with self._writing:
            try:
                while self._pending:
                    record = self._pending.popleft()
                    self._written_bytes += _cost(record)
                    written = self._redactor.take(record)
                    self._writer.write(written)
                    self.records += len(written)
                self._writer.flush()
            except OSError as error:
                self.trouble = f"writing failed: {error.strerror}"

    def _finish(self) -> None:
        self._write()
        try:
            self._writer.close()
        except OSError as error:
            self.trouble = f"writing failed: {error.strerror}"


def _cost(record: Record) -> int:
    return RECORD_COST_BYTES + (len(record.data) if isinstance(record, Transferred) else 0)


def find_feed(request: RecordRequest, environ: Mapping[str, str]) -> AsteriskAmiSettings:
    """Return the settings of the feed that is to be recorded.

    Raises:
        ConfigError: the configuration cannot be used.
        FeedError: it has no such feed, or one that has nothing to record.
    """
    config = load_config(request.config, environ)
    recordable = {
        feed.name: feed for feed in config.feeds if isinstance(feed, AsteriskAmiSettings)
    }
    if request.feed not in recordable:
        known = ", ".join(sorted(recordable)) or "none"
        raise FeedError(
            FeedReason.MISSING,
            f"{request.config}: expected the name of a feed of type asterisk_ami"
            f" (there are: {known}), found '{request.feed}'",
            retry=False,
        )
    return recordable[request.feed]


def open_recorder(request: RecordRequest, clock: Clock) -> Recorder:
    """Create the file and what fills it.

    Raises:
        FeedError: the file cannot be written, or exists already.
    """
    try:
        writer = RecordingWriter(request.out)
    except OSError as error:
        raise FeedError(
            FeedReason.DENIED,
            f"{request.out}: expected to write a new file, found: {error.strerror}",
            retry=False,
        ) from error
    redactor: Redactor = SecretsRemover()
    if request.sanitise:
        # Nobody else ever has this key, and after the recording nobody has it.
        redactor = Sanitiser(secrets.token_bytes(32), queues=request.queues)
    return Recorder(clock, redactor, writer)


async def record(
    request: RecordRequest, settings: AsteriskAmiSettings, recorder: Recorder, clock: Clock
) -> None:
    """Record until the time is over, SIGINT or SIGTERM; then finish the file.

    Raises:
        FeedError: the Asterisk refuses us, or the disk is full or cannot keep up.
    """
    stop = asyncio.Event()
    refused: list[Failure] = []

    def failed(failure: Failure) -> None:
        if failure.delay == REFUSED_DELAY:
            refused.append(failure)
            stop.set()

    feed = build_feed(settings, _listener(clock, recorder))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(supervise(feed, clock, random.SystemRandom(), failed))]
            tasks.append(group.create_task(_write_on(recorder, clock, stop)))
            if request.length is not None:
                tasks.append(group.create_task(_end_after(request.length, clock, stop)))
            await stop.wait()
            for task in tasks:
                task.cancel()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        await recorder.finish()
    if refused:
        raise FeedError(FeedReason.DENIED, refused[0].error, retry=False)
    if recorder.trouble:
        text = f"{request.out}: {recorder.trouble}; what came before is in it"
        raise FeedError(FeedReason.LOST, text, retry=False)


def _nobody(
    events: Sequence[Event],
    position: Position | None = None,
    *,
    ids: Sequence[int | None] = (),
    done: Callable[[], None] | None = None,
) -> None:
    """Want no events."""


def _listener(clock: Clock, recorder: Recorder) -> FeedContext:
    """Return what a feed needs to run, where nobody wants its events."""
    return FeedContext(
        clock=clock,
        emit=_nobody,
        up=lambda _up, _reason: None,
        count_drop=lambda _stage, _reason, _count=1: None,
        gap=lambda _length, _reason: None,
        current=lambda _looked_at: None,
        tap=recorder.tap,
    )


async def _write_on(recorder: Recorder, clock: Clock, stop: asyncio.Event) -> None:
    while not recorder.trouble:
        await recorder.write()
        await clock.sleep(WRITE_EVERY)
    stop.set()


async def _end_after(length: Micros, clock: Clock, stop: asyncio.Event) -> None:
    await clock.sleep(length)
    stop.set()
