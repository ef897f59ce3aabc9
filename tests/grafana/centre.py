"""A callmon whose time is set: what it would have shown Prometheus at any moment of a day.

The engine, the thresholds and the page are callmon's own; there are no sockets. Its pages
become the past of a real Prometheus (``tests.grafana.past``).
"""

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from callmon.alerts import Transition
from callmon.clock import SECOND, Micros
from callmon.config import load_config
from callmon.events import Event, FeedChanged
from callmon.monitor import FeedState, Monitor
from callmon.queues import SubjectState
from callmon.sinks.prometheus import Format, MetricsPage
from callmon.sinks.threshold_families import Owners
from callmon.telemetry import Telemetry
from callmon.testing import ManualClock
from callmon.watches import Watch

__all__ = ["MINUTE", "Centre", "instant"]

MINUTE: Micros = 60 * SECOND


def instant(text: str) -> Micros:
    """Return the moment that *text* names: ISO 8601 with an offset."""
    return round(dt.datetime.fromisoformat(text).timestamp()) * SECOND


class Centre:
    """One call centre as callmon sees it, from *start* on."""

    def __init__(self, folder: Path, start: Micros, *, config: str, thresholds: str) -> None:
        self._path = folder / "callmon.yml"
        self._path.write_text(config, encoding="utf-8")
        self._thresholds = folder / "thresholds.yml"
        self._thresholds.write_text(thresholds, encoding="utf-8")
        self._clock = ManualClock(start)
        self._telemetry = Telemetry("9.9.9")
        self._telemetry.reloaded(start)
        settings = load_config(self._path, {})
        self.monitor = Monitor(
            settings.engine_settings(), self._clock, self._telemetry, self._hear
        )
        self._page = MetricsPage(self, self._clock, self._own, agent_limit=lambda: 200)
        self._feeds: dict[str, FeedState] = {}
        self._rendered = b""
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()

    def _hear(self, transitions: Sequence[Transition]) -> None:
        """Tell nobody."""

    async def _own(self, _form: Format) -> bytes:
        return self._rendered

    # What the page asks for.

    def now(self) -> Micros:
        """Return the instant the state is of."""
        return self.monitor.present()

    def subjects(self) -> list[SubjectState]:
        """Return queues and groups."""
        return self.monitor.engine.states()

    def thresholds(self) -> list[Watch]:
        """Return every threshold of every subject."""
        return list(self.monitor.engine.watches())

    def owners(self) -> Owners:
        """Return no alert: nothing is delivered here."""
        return Owners()

    # What happens.

    def open(self, *sources: str) -> None:
        """Let the feeds of *sources* see, and know agents; judge from now on."""
        for source in sources:
            self._feeds[source] = self.monitor.add_feed(source, source, live=True, agents=True)
            self.monitor.up(self._feeds[source], True, "seen")  # noqa: FBT003  # its contract
        self.monitor.begin()

    def blind(self, source: str) -> None:
        """Let the feed of *source* be cut off."""
        self.monitor.up(self._feeds[source], False, "cut")  # noqa: FBT003  # its contract

    def limits(self, thresholds: str) -> None:
        """Take other thresholds, as a reload does."""
        self._thresholds.write_text(thresholds, encoding="utf-8")
        self.monitor.reconfigure(load_config(self._path, {}).engine_settings())

    def until(self, now: Micros, events: Sequence[Event] = ()) -> None:
        """Let time pass until *now*; *events* happen by then, each told at its moment."""
        for event in sorted(events, key=lambda one: one.at):
            self._pass(event.at)
            feed = self._feeds[event.source]
            if not isinstance(event, FeedChanged):
                self.monitor.emit(feed, [event])
        self._pass(now)

    def _pass(self, now: Micros) -> None:
        if now > self._clock.now():
            self._clock.leap(now - self._clock.now())
        for feed in self._feeds.values():
            if feed.up:
                self.monitor.current(feed)

    def page(self) -> str:
        """Return what a scrape would get now."""
        self._rendered = self._telemetry.render(openmetrics=False)  # it reads /proc
        page = self._runner.run(self._page.page("", gzip=False))
        return b"".join(page.parts).decode()
