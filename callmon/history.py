"""Rebuilds the state at a start: what was read before is read again.

Windows, waiting contacts, and with them the states of thresholds come from the events
themselves; only counters and positions are taken from the checkpoint.
"""

import asyncio
import heapq
from collections.abc import Iterable, Iterator
from itertools import islice

import structlog

from callmon.checkpoint import Checkpoint
from callmon.clock import Micros
from callmon.config import Config
from callmon.contacts import MEMORY
from callmon.errors import FeedError
from callmon.events import Event
from callmon.feeds import queue_log
from callmon.feeds.base import Position
from callmon.feeds.settings import QueueLogSettings
from callmon.monitor import Monitor

__all__ = ["tell_history"]

log = structlog.get_logger(__name__)

BATCH = 10_000
"""Events between two turns of the event loop."""


async def tell_history(
    monitor: Monitor, config: Config, stored: Checkpoint, now: Micros
) -> None:
    """Bring the engine to where it was when *stored* was written, but for the counters.

    The events before the stored positions are told again: as far back as windows reach or
    somebody is still there, and further, so that callers who were there when the first
    window begins have their beginning, and repeated news of those who left is known.
    """
    since = min(monitor.engine.history_start(now), stored.at) - MEMORY
    if stored.oldest_open is not None:
        since = min(since, stored.oldest_open)
    told = [
        _events(settings, since, place)
        for settings in config.feeds
        if isinstance(settings, QueueLogSettings)
        and (place := stored.place_of(settings.name, "queue_log")) is not None
    ]
    events = heapq.merge(*told, key=lambda event: event.at) if len(told) > 1 else _chain(told)
    while batch := await asyncio.to_thread(lambda: list(islice(events, BATCH))):
        monitor.engine.apply_all(batch)
    # What time alone had brought about is in the counters, and must not come about again.
    monitor.engine.advance(stored.at)


def _chain(told: Iterable[Iterator[Event]]) -> Iterator[Event]:
    for events in told:
        yield from events


def _events(settings: QueueLogSettings, since: Micros, place: Position) -> Iterator[Event]:
    """Yield a log's events up to where it was read, oldest first."""
    try:
        for batch in queue_log.history(
            settings.path, settings.source, since=since, until=place
        ):
            yield from batch.events
    except (FeedError, OSError) as error:
        # What can be read is told; the feed itself says what is wrong.
        log.warning("history.incomplete", feed=settings.name, error=str(error))
