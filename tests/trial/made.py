"""Journals for tests: what a daemon would have written of a few days, without the daemon."""

import itertools
from collections.abc import Iterable
from pathlib import Path

from callmon.clock import SECOND, Micros
from callmon.events import Event, FeedChanged
from callmon.feeds.call_centre import demo_centre
from callmon.feeds.simulation import Simulation
from callmon.journal import FeedInfo, TimePassed
from callmon.journal.handover import Known, Load, Run
from callmon.journal.store import Store

__all__ = ["DAY", "START", "days", "write_journal"]

START: Micros = 1_795_400_000 * SECOND
DAY: Micros = 86_400 * SECOND
FEED = FeedInfo(name="log", type="queue_log", source="pbx", stream="made", live=False)


def days(count: int, seed: int = 1) -> list[Event]:
    """Return the events of some days of the simulated centre that a log tells."""
    simulation = Simulation(demo_centre(), seed=seed, start=START, source=FEED.source)
    told = simulation.advance(START + count * DAY)
    return [event for event in told if type(event).__name__.startswith(("Contact", "Talk"))]


def write_journal(path: Path, events: Iterable[Event], *, sighted: bool = True) -> None:
    """Write *events*, before each second's the mark of the second before.

    Unless *sighted*, nothing tells that the feed sees.
    """
    load = Load(Known(remembered=0, feeds={FEED.name: FEED}))
    if sighted:
        up = FeedChanged(START, FEED.source, 0, FEED.name, up=True)
        load.inputs.append(_run([up]))
    for second, told in itertools.groupby(events, key=lambda event: event.at // SECOND):
        load.inputs.append(TimePassed((second - 1) * SECOND))
        load.inputs.append(_run(list(told)))
    store = Store(path)
    store.write(load)
    store.finish()


def _run(events: list[Event]) -> Run:
    return Run(FEED.name, events, [], None)
