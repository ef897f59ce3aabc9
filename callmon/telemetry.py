"""The daemon's own metrics: is it well, are its feeds, what did it drop, do alerts arrive.

The only door to prometheus_client, in a registry of our own. Figures of queues are not
here: they are rendered from the state, see ``callmon.sinks.prometheus``.
"""

import platform
from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    exposition,
)
from prometheus_client.openmetrics import exposition as openmetrics_exposition

from callmon.clock import SECOND, Micros

__all__ = ["DELIVERY_BUCKETS", "FeedTelemetry", "Telemetry"]

DELIVERY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
"""From a local Alertmanager's answer to the handover."""

_END = b"# EOF\n"


class FeedTelemetry:
    """What one feed does. Its series are kept at hand: looking them up costs microseconds."""

    def __init__(self, feed: str, families: "_Families") -> None:
        self._feed = feed
        self._families = families
        self._up = families.feed_up.labels(feed)
        self._silent: Gauge | None = None  # absent where nobody said what silence is
        self._last_event: Gauge | None = None  # absent before there is one
        self._lag: Gauge | None = None
        self._gap = families.gap.labels(feed)
        self._kinds: dict[str, Counter] = {}

    def up(self, *, up: bool) -> None:
        """Tell whether the source can be seen."""
        self._up.set(up)

    def silent(self, *, silent: bool) -> None:
        """Tell whether the source is quiet when it should not be."""
        if self._silent is None:
            self._silent = self._families.feed_silent.labels(self._feed)
        self._silent.set(silent)

    def received(self, kind: str, at: Micros, now: Micros, count: int = 1) -> None:
        """Count *count* events of a kind; the last was of *at*, by the source's clock."""
        counter = self._kinds.get(kind)
        if counter is None:
            counter = self._kinds[kind] = self._families.events.labels(self._feed, kind)
        counter.inc(count)
        if self._last_event is None or self._lag is None:
            self._last_event = self._families.feed_last_event.labels(self._feed)
            self._lag = self._families.feed_lag.labels(self._feed)
        self._last_event.set(at / SECOND)
        self._lag.set((now - at) / SECOND)

    def skewed(self, skew: Micros) -> None:
        """Set our clock minus the source's."""
        self._families.feed_skew.labels(self._feed).set(skew / SECOND)

    def drifted(self, contacts: int) -> None:
        """Set by how many waiting contacts the source's own count differed from ours."""
        self._families.feed_drift.labels(self._feed).set(contacts)

    def judged(self, findings: int) -> None:
        """Set how many things are wrong with the account at the source."""
        self._families.feed_account.labels(self._feed).set(findings)

    def reconnected(self, reason: str) -> None:
        """Count a new attempt after the feed was lost for *reason*."""
        self._families.feed_reconnects.labels(self._feed, reason).inc()

    def gap(self, length: Micros) -> None:
        """Add time whose events are lost for ever."""
        self._gap.inc(length / SECOND)


class _Families:
    """Every metric family, by what it says."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        feed = ["feed"]
        self.build = self._gauge("build_info", "Version; always 1.", ["version", "python"])
        self.reload_good = self._gauge(
            "config_last_reload_successful", "1 when the last reload was accepted."
        )
        self.reloaded_at = self._gauge(
            "config_last_reload_success_timestamp_seconds",
            "When the running configuration was read.",
        )
        self.feed_up = self._gauge("feed_up", "1 while the source can be seen.", feed)
        self.feed_silent = self._gauge(
            "feed_silent", "1 while the source is quiet though it should not be.", feed
        )
        self.feed_last_event = self._gauge(
            "feed_last_event_timestamp_seconds", "Event time of the last event.", feed
        )
        self.feed_lag = self._gauge(
            "feed_lag_seconds", "Our clock minus the event time, at the last event.", feed
        )
        self.feed_skew = self._gauge(
            "feed_clock_skew_seconds", "Our clock minus the source's, median.", feed
        )
        self.feed_drift = self._gauge(
            "feed_drift_contacts",
            "By how many waiting contacts the source's own count differed from ours"
            " at the last audit.",
            feed,
        )
        self.feed_account = self._gauge(
            "feed_account_findings",
            "What is wrong with the account at the source: how many things.",
            feed,
        )
        self.feed_reconnects = self._counter(
            "feed_reconnects_total", "Attempts after a loss.", ["feed", "reason"]
        )
        self.events = self._counter("events_total", "Events received.", ["feed", "kind"])
        self.dropped = self._counter(
            "events_dropped_total", "Lines or events not used.", ["stage", "reason"]
        )
        self.late = self._counter(
            "events_late_total", "Events older than the source's memory, not used."
        )
        self.duplicate = self._counter(
            "events_duplicate_total", "Events that said what was known already."
        )
        self.gap = self._counter(
            "gap_seconds_total", "Time whose events are lost for ever.", feed
        )
        self.posts = self._counter(
            "alertmanager_posts_total",
            "Requests to an Alertmanager, by what became of them.",
            ["alertmanager", "result"],
        )
        self.delivery = Histogram(
            "callmon_alertmanager_delivery_seconds",
            "From a breach to its acceptance by an Alertmanager.",
            ["alertmanager"],
            buckets=DELIVERY_BUCKETS,
            registry=registry,
        )
        self.handed_over = self._counter(
            "alerts_handed_over_total", "Alerts left to Prometheus: nobody accepted them."
        )
        self.missed = self._counter(
            "alerts_missed_total", "Breaches that came and went while nobody accepted them."
        )
        self.alerts_dropped = self._counter(
            "alerts_dropped_total", "Alerts that could not be kept for delivery.", ["reason"]
        )
        self.scrape = self._gauge(
            "scrape_duration_seconds", "How long the last page of metrics took to render."
        )
        self.stall = self._gauge(
            "event_loop_stall_seconds",
            "The longest time in the last minute that the event loop was held up.",
        )

    def _gauge(self, name: str, text: str, labels: list[str] | None = None) -> Gauge:
        return Gauge(f"callmon_{name}", text, labels or [], registry=self._registry)

    def _counter(self, name: str, text: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"callmon_{name}", text, labels or [], registry=self._registry)


class Telemetry:
    """The daemon's own metrics. It satisfies ``callmon.sinks.base.DeliveryMetrics``."""

    def __init__(self, version: str, registry: CollectorRegistry | None = None) -> None:
        # Prometheus would store a _created line as one more series per counter.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # has no types
        self._registry = registry or CollectorRegistry()
        self._families = _Families(self._registry)
        self._families.build.labels(version, platform.python_version()).set(1)
        ProcessCollector(registry=self._registry)
        self._feeds: dict[str, FeedTelemetry] = {}
        self._engine_dropped: dict[str, int] = {}

    def render(self, *, openmetrics: bool) -> bytes:
        """Return the text, without end mark. It reads /proc: not for the event loop."""
        if openmetrics:
            write = openmetrics_exposition.generate_latest
            text: bytes = write(self._registry)  # type: ignore[no-untyped-call]  # has no types
            return text.removesuffix(_END)
        return exposition.generate_latest(self._registry)

    def reloaded(self, now: Micros) -> None:
        """Tell that the configuration was read and is running."""
        self._families.reload_good.set(1)
        self._families.reloaded_at.set(now / SECOND)

    def reload_failed(self) -> None:
        """Tell that a new configuration was refused; the old one is running."""
        self._families.reload_good.set(0)

    def feed(self, name: str) -> FeedTelemetry:
        """Return the metrics of a configured feed."""
        if name not in self._feeds:
            self._feeds[name] = FeedTelemetry(name, self._families)
        return self._feeds[name]

    def forget_feed(self, name: str) -> None:
        """Remove the series of a feed that is no longer configured."""
        if self._feeds.pop(name, None) is None:
            return
        families = self._families
        for family in (
            families.feed_up,
            families.feed_silent,
            families.feed_last_event,
            families.feed_lag,
            families.feed_skew,
            families.feed_drift,
            families.feed_account,
            families.feed_reconnects,
            families.events,
            families.gap,
        ):
            family.remove_by_labels({"feed": name})

    def events_dropped(self, stage: str, reason: str, count: int = 1) -> None:
        """Count lines or events that a feed or the daemon could not use."""
        self._families.dropped.labels(stage, reason).inc(count)
        if reason == "duplicate":
            self._families.duplicate.inc(count)

    def dropped_by_engine(self, totals: Mapping[str, int]) -> None:
        """Set how many events the engine did not use, by reason, since it began."""
        for reason, total in totals.items():
            more = total - self._engine_dropped.get(reason, 0)
            self._engine_dropped[reason] = total
            self._families.dropped.labels("engine", reason).inc(more)
            if reason == "late":
                self._families.late.inc(more)
            elif reason == "duplicate":
                self._families.duplicate.inc(more)

    def posted(self, alertmanager: str, result: str) -> None:
        """Count a request to an Alertmanager."""
        self._families.posts.labels(alertmanager, result).inc()

    def delivered(self, alertmanager: str, delay: Micros) -> None:
        """Observe the time from the news of a breach to its acceptance there."""
        self._families.delivery.labels(alertmanager).observe(delay / SECOND)

    def handed_over(self) -> None:
        """Count an alert left to Prometheus."""
        self._families.handed_over.inc()

    def missed(self) -> None:
        """Count a breach that came and went while nobody accepted it."""
        self._families.missed.inc()

    def dropped(self, reason: str) -> None:
        """Count an alert that could not be kept for delivery."""
        self._families.alerts_dropped.labels(reason).inc()

    def rendered(self, taken: Micros) -> None:
        """Set how long the last page of metrics took."""
        self._families.scrape.set(taken / SECOND)

    def stalled(self, longest: Micros) -> None:
        """Set the longest stall of the event loop in the last minute."""
        self._families.stall.set(longest / SECOND)
