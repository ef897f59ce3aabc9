"""What survives a restart: brought back at the start, written down while callmon runs.

The journal has every input of the engine, in order, and now and then the whole state. So
at a start the state is that of the last checkpoint, and what went in after it goes in again.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from callmon.alert_history import AlertHistory
from callmon.clock import SECOND, Clock, Micros
from callmon.config import Config
from callmon.engine import Engine
from callmon.feeds.base import Position
from callmon.feeds.registry import FEEDS, feed_type, stream_of
from callmon.feeds.settings import FeedSettings
from callmon.intervals import HALF_HOUR
from callmon.journal import FeedInfo, Journal, Stored, TimePassed, Told
from callmon.monitor import Monitor, MonitorPart
from callmon.parts import PartsError, key_of
from callmon.resume import Succession, succession
from callmon.sinks.alertmanager import AlertmanagerSink
from callmon.telemetry import Telemetry, TelemetryPart

__all__ = ["Keeper"]

log = structlog.get_logger(__name__)

CHECKPOINT_EVERY: Micros = 300 * SECOND
CHECKPOINT_AFTER = 100_000
"""Time, or inputs, between two checkpoints: what has to be lived through again after a
crash takes a second at most."""

LOOK_EVERY: Micros = SECOND
"""How often is looked whether a checkpoint is due, and what Alertmanager was told."""

BATCH = 5_000
"""Inputs lived through again between two turns of the event loop."""

ALERTS = "alerts"
COUNTERS = "counters"
_MONITOR, _EVENTS = key_of("monitor"), key_of("events")


class AlertsKept(msgspec.Struct):
    """What Alertmanager was told of, and the engine time until which that is all."""

    now: Micros
    ledger: list[dict[str, Any]]


class Keeper:
    """Writes down, and brings back."""

    def __init__(
        self,
        journal: Journal,
        monitor: Monitor,
        telemetry: Telemetry,
        clock: Clock,
        history: AlertHistory,
    ) -> None:
        self.journal = journal
        self._history = history
        self._monitor = monitor
        self._telemetry = telemetry
        self._clock = clock
        self._sink: Callable[[], AlertmanagerSink] | None = None
        self._kept_alerts = self._kept_counters = b""
        self.kept: Mapping[str, bytes] = {}  #: small facts from before the start
        self._checkpoint_at: Micros = 0
        self._checkpoint_taken = 0

    # ---- start --------------------------------------------------------------------

    async def bring_back(
        self, config: Config, sink: Callable[[], AlertmanagerSink]
    ) -> Mapping[str, Position]:
        """Have the state of before; return where each feed goes on.

        Feeds must be known to the monitor by now, and not run yet.
        """
        self._sink = sink
        stored = await self.journal.start()
        self.journal.on_wants_whole = self._whole
        self.kept = stored.kept
        self._history.stood(stored.standing)
        stored = self._restore(stored)
        kept = self._alerts_kept(stored)
        await self._live_again(stored, kept.now)
        self._heed_clock()
        found = succession(stored.feeds, config.feeds)
        ids = {**stored.ids, **_inherited(found, stored.ids)}
        self._monitor.remember(ids)
        self._hand_over(found)
        self.introduce(
            config.feeds,
            positions=found.positions,
            ids=_inherited(found, stored.ids),
            gone=[feed.name for feed in found.gone],
        )
        self._monitor.stopped()
        return found.positions

    def introduce(
        self,
        feeds: Iterable[FeedSettings],
        *,
        positions: Mapping[str, Position],
        ids: Mapping[str, Sequence[int]],
        gone: Iterable[str],
    ) -> None:
        """Tell the journal what feeds are that are about to run, and what they inherit.

        Those that are *gone* leave nothing behind: under their name another may begin. Call
        it after a checkpoint without them, so that nobody is taken for gone once more.
        """
        nobody = (
            FeedInfo(name=name, type="", source="", stream="", live=False) for name in gone
        )
        infos = {info.name: info for info in (*nobody, *map(_info, feeds))}
        self.journal.feed(*infos.values(), positions=positions, ids=ids)

    def _restore(self, stored: Stored) -> Stored:
        """Have the state of the checkpoint; return what is to be gone on with.

        When the checkpoint cannot be used, that is all that the journal still has.
        """
        parts = dict(stored.parts)
        monitor, telemetry = parts.pop(_MONITOR, None), parts.pop(_EVENTS, None)
        try:
            if parts:
                self._monitor.engine.restore(parts)
            if monitor is not None:
                part = msgspec.msgpack.decode(monitor, type=MonitorPart)
                self._monitor.restore(part)
            if telemetry is not None:
                self._telemetry.restore(msgspec.msgpack.decode(telemetry, type=TelemetryPart))
        except (PartsError, msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            # Whatever is wrong with it: callmon must not fail to start, again and again.
            log.error("checkpoint.refused", error=str(error))  # noqa: TRY400  # foreseen
            self._monitor.engine = Engine(self._monitor.engine.settings)
            return self.journal.discard(stored)
        return stored

    async def _live_again(self, stored: Stored, told_until: Micros) -> None:
        """Let what came after the checkpoint go in again; tell what came of it but now."""
        later = self.journal.later(stored)
        engine = self._monitor.engine
        while batch := await asyncio.to_thread(_next, later):
            if not engine.now and isinstance(batch[0], Told):
                # What is written of the half-hour in which this begins is more than that.
                began = batch[0].events[0].at
                engine.intervals.floor = -(-began // HALF_HOUR) * HALF_HOUR
            for told in batch:
                self._monitor.again(told)
        transitions = engine.drain()
        self._history.changed(transitions)
        counters = stored.kept.get(COUNTERS)
        if counters is not None:
            self._telemetry.restore(msgspec.msgpack.decode(counters, type=TelemetryPart))
        self._telemetry.dropped_by_engine(engine.dropped)
        if self._sink is not None:
            self._sink().apply(turn for turn in transitions if turn.at > told_until)

    def _heed_clock(self) -> None:
        """Begin without the state when it is of a future: a clock that was wrong is right now.

        Who came then would wait for as long as it was ahead, and nobody's time would pass.
        Where feeds go on and what they have told stays known.
        """
        ahead = self._monitor.ahead()
        if ahead <= 0:
            return
        text = f"the state is {ahead / SECOND:.0f} s ahead of the clock: counters begin anew"
        log.error("clock.went_back", error=text)
        self._monitor.engine = Engine(self._monitor.engine.settings)
        self.journal.want_whole()

    def _hand_over(self, found: Succession) -> None:
        """Let feeds go on with what others have told; forget feeds that are gone."""
        engine = self._monitor.engine
        for feed in found.gone:
            heir = found.heirs.get(feed.name)
            if heir is not None:
                engine.rename_source(feed.source, heir.source)
            source = feed.source if heir is None else heir.source
            engine.remove_feed(source, feed.name, keep=heir is not None)
        if found.gone:
            # What comes now is told by the heirs: it must not meet the state of before.
            self.keep()
            self.checkpoint()

    def _alerts_kept(self, stored: Stored) -> AlertsKept:
        """Let the sink know what Alertmanager was told of; return until when that is all."""
        body = stored.kept.get(ALERTS)
        if body is None or self._sink is None:
            return AlertsKept(0, [])
        try:
            kept = msgspec.json.decode(body, type=AlertsKept)
        except msgspec.MsgspecError as error:
            log.error("checkpoint.refused", error=str(error))  # noqa: TRY400  # foreseen
            return AlertsKept(0, [])
        self._sink().restore(kept.ledger)
        return kept

    # ---- while it runs ------------------------------------------------------------

    async def run(self) -> None:
        """Write down what Alertmanager was told, and checkpoints when they are due."""
        while True:
            await self._clock.sleep(LOOK_EVERY)
            self.keep()
            passed = self._clock.monotonic() - self._checkpoint_at
            taken = self._monitor.taken - self._checkpoint_taken
            if taken >= CHECKPOINT_AFTER or (passed >= CHECKPOINT_EVERY and taken):
                self.checkpoint()

    def keep(self) -> None:
        """Write down what no input tells, if it has changed."""
        self._telemetry.late_for_intervals(self._monitor.engine.intervals.late)
        self._keep_alerts()
        counters = msgspec.msgpack.encode(self._telemetry.part(of_events=False))
        if counters != self._kept_counters:
            self._kept_counters = counters
            self.journal.keep(COUNTERS, counters)

    def _keep_alerts(self) -> None:
        """Write down what Alertmanager was told of."""
        if self._sink is None:
            return
        kept = AlertsKept(self._monitor.engine.now, self._sink().snapshot())
        body = msgspec.json.encode(kept.ledger)
        if body != self._kept_alerts:
            self._kept_alerts = body
            self.journal.keep(ALERTS, msgspec.json.encode(kept))

    def checkpoint(self, *, whole: bool = False) -> None:
        """Write down the state of now."""
        monitor = self._monitor
        # In a backlog they are not told yet, and will not come about again.
        self._history.changed(monitor.engine.transitions)
        self._checkpoint_at = self._clock.monotonic()
        self._checkpoint_taken = monitor.taken
        encode = msgspec.msgpack.encode
        whole = whole or self.journal.wants_whole
        parts = monitor.engine.parts(whole=whole)
        parts[_MONITOR] = encode(monitor.part())
        parts[_EVENTS] = encode(self._telemetry.part(of_events=True))
        self.journal.checkpoint(monitor.engine.now, parts, whole=whole)

    async def close(self, timeout_s: float) -> None:
        """Write down the state of now, and end."""
        if self._monitor.began:
            self.keep()
            self.checkpoint()
        await self.journal.close(timeout_s)

    def _whole(self) -> None:
        if self._monitor.began:
            self._monitor.engine.intervals.again()  # what was to be written may be lost
            self.checkpoint(whole=True)


def _info(settings: FeedSettings) -> FeedInfo:
    """Return a feed as the journal knows it."""
    kind = feed_type(settings)
    return FeedInfo(
        name=settings.name,
        type=kind,
        source=settings.source,
        stream=stream_of(settings),
        live=FEEDS[kind].live,
    )


def _inherited(found: Succession, ids: Mapping[str, list[int]]) -> Mapping[str, list[int]]:
    """Return what was told before, by the new names of feeds that have one."""
    return {
        heir.name: ids[former]
        for former, heir in found.heirs.items()
        if former in ids and former != heir.name
    }


def _next(later: Iterator[Told | TimePassed]) -> list[Told | TimePassed]:
    """Return what is next, some thousands of inputs. Blocks on the disk."""
    batch: list[Told | TimePassed] = []
    inputs = 0
    for told in later:
        batch.append(told)
        inputs += len(told.events) if isinstance(told, Told) else 1
        if inputs >= BATCH:
            break
    return batch
