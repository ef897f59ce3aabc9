"""What becomes of alerts: told to people, written down, explained.

Here the engine's transitions meet everything that has to know of them.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import structlog

from callmon.alert_history import AlertHistory
from callmon.alert_views import History
from callmon.alerts import Alert, Transition, key_of
from callmon.answers import AlertsView
from callmon.clock import Clock, Micros
from callmon.config import Config
from callmon.delivery import Delivery, build_delivery, delivery_settings, style_of
from callmon.journal import Journal, PastHalf, read_past
from callmon.monitor import FeedState, Monitor
from callmon.plain import instant
from callmon.rules import Subject
from callmon.sinks.alertmanager import AlertmanagerSink
from callmon.sinks.payload import Content
from callmon.sinks.threshold_families import Owners
from callmon.situation import Situation
from callmon.telemetry import Telemetry
from callmon.views import alerts_view

__all__ = ["Alerting"]

log = structlog.get_logger(__name__)


class Alerting:
    """The sink of the present configuration, the history, and what explains an alert."""

    def __init__(
        self,
        config: Config,
        monitor: Monitor,
        journal: Journal,
        telemetry: Telemetry,
        clock: Clock,
        *,
        jitter: Callable[[], float],
    ) -> None:
        self._config = config
        self._monitor = monitor
        self._telemetry = telemetry
        self._clock = clock
        self._jitter = jitter
        self._journal = journal
        self._style = style_of(config)
        self.situation = Situation(
            lambda: monitor.engine,
            clock,
            lambda: self._style,
            feeds_of=self._feeds_of,
            keep=journal.staffing,
            read_past=self._read_past,
        )
        self.history = AlertHistory(journal, clock, self.situation.cause)
        self._delivery = self.build(config)
        self._running: asyncio.Task[None] | None = None
        self.past = History(self._journal.path, clock)

    @property
    def sink(self) -> AlertmanagerSink:
        """Return the way to the Alertmanagers."""
        return self._delivery.sink

    # ---- life ---------------------------------------------------------------------

    def build(self, config: Config) -> Delivery:
        """Return the way out that *config* describes. Reads certificates from the disk.

        Raises:
            ConfigError: a certificate is missing or does not fit.
        """
        return build_delivery(
            config,
            self._clock,
            self._telemetry,
            self.history,
            jitter=self._jitter,
            facts=self.situation.facts,
            seen=self._seen,
        )

    def begin(
        self, group: asyncio.TaskGroup, backlog: Sequence[Transition], stopped_at: Micros
    ) -> None:
        """Deliver from now on; *backlog* came about since *stopped_at*; 0: since ever."""
        self.history.changed(backlog)
        if stopped_at:
            self.sink.came_and_went(_came_and_went(backlog))
        standing = list(self._standing())
        self.sink.reconcile(standing, [turn.alert for turn in backlog if turn.kind == "ended"])
        keys = [*map(key_of, standing), *self.sink.storms()]
        self.history.end_gone(keys, self._monitor.engine.now)
        self._running = group.create_task(self._delivery.run())
        group.create_task(self.situation.run())

    def take(self, config: Config, delivery: Delivery, group: asyncio.TaskGroup) -> None:
        """Deliver as *config* says, knowing what was delivered before. Nothing can fail."""
        old, self._config = self._config, config
        self._style = style_of(config)
        if delivery_settings(old) == delivery_settings(config):
            return
        saved = self.sink.snapshot()
        if self._running is not None:
            self._running.cancel()
        self._delivery = delivery
        self.sink.restore(saved)
        self.sink.reconcile(self._standing())
        self._running = group.create_task(delivery.run())

    def relabelled(self) -> None:
        """Go on under the labels that queues have now: they may be others after a reload."""
        self.sink.reconcile(self._standing())

    def _standing(self) -> Iterator[Alert]:
        for watch in self._monitor.engine.watches():
            yield from watch.state.alerts()

    # ---- while it runs ------------------------------------------------------------

    def publish(self, transitions: Sequence[Transition]) -> None:
        """Take what the engine found out: people first."""
        self.sink.apply(transitions)
        self.history.changed(transitions)
        for transition in transitions:
            alert = transition.alert
            log.info(
                "alert.changed",
                reason=transition.kind,
                threshold=alert.threshold,
                subject=alert.subject.name,
                state=alert.severity.value,
                at=instant(transition.at),
            )

    def gap(self, feed: FeedState, length: Micros) -> None:
        """Take that what a feed would have told in the last *length* is lost."""
        now = self._clock.now()
        self.situation.gap(feed.name, now - length, now)

    def owners(self) -> Owners:
        """Return who delivers what fires."""
        return Owners(self.sink.handed_over(), self.sink.storms_handed_over())

    def view(self) -> AlertsView:
        """Return the alerts that stand, whom they reach, and how every threshold stands."""
        return alerts_view(self._monitor, self.sink)

    def _seen(self, content: Content) -> bool:
        """Tell whether what an alert is about can be seen now; what is gone is no secret."""
        engine = self._monitor.engine
        key = content.key
        watch = engine.watch(key.kind, key.subject, key.threshold)
        return watch is None or not watch.is_blind(engine.now)

    def _feeds_of(self, subject: Subject) -> Collection[str]:
        """Return the feeds that tell of *subject*."""
        sources = self._monitor.engine.sources_of(subject.kind, subject.name)
        return {feed.name for feed in self._monitor.feeds.values() if feed.source in sources}

    def _read_past(self, starts: Sequence[Micros]) -> Iterable[PastHalf]:
        return read_past(self._journal.path, starts)


def _came_and_went(backlog: Sequence[Transition]) -> Iterator[Alert]:
    """Yield the alerts that both began and ended in *backlog*, as they ended."""
    # Not by their time: what comes late is judged by the instant of the stop itself.
    came = {key_of(turn.alert) for turn in backlog if turn.kind != "ended"}
    for turn in backlog:
        if turn.kind == "ended" and key_of(turn.alert) in came:
            yield turn.alert
