"""The daemon's own metrics: is it well, are its feeds, what did it drop, do alerts arrive.

The only door to prometheus_client, in a registry of our own. Figures of queues are not
here: they are rendered from the state, see ``callmon.sinks.prometheus``.
"""

import platform
from collections.abc import Mapping

import msgspec
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

__all__ = [
    "DELIVERY_BUCKETS",
    "FeedTelemetry",
    "JournalTelemetry",
    "Telemetry",
    "TelemetryPart",
]

DELIVERY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
"""From a local Alertmanager's answer to the handover."""

COMMIT_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""From a cached write to a disk that is in trouble."""

_EVENTS = "events_total"
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

    def lived_again(self, kind: str, count: int) -> None:
        """Count events that were received before a restart."""
        self._families.events.labels(self._feed, kind).inc(count)

    def last_was(self, at: Micros) -> None:
        """Set when the last event was, of those received before a restart."""
        self._families.feed_last_event.labels(self._feed).set(at / SECOND)

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
        self.counters: dict[str, Counter] = {}
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
        self.journal_up = self._gauge(
            "journal_up", "1 while the journal can be written: what is told survives a crash."
        )
        self.journal_pending = self._gauge(
            "journal_pending_events", "Events that would not survive a crash yet."
        )
        self.journal_events = self._counter("journal_events_total", "Events written.")
        self.journal_commit = Histogram(
            "callmon_journal_commit_seconds",
            "How long it took to write what waited.",
            buckets=COMMIT_BUCKETS,
            registry=registry,
        )
        self.journal_failures = self._counter(
            "journal_failures_total", "Times the journal could not be written.", ["reason"]
        )
        self.journal_given_up = self._counter(
            "journal_given_up_events_total",
            "Events that are in no log, only in the state: the disk failed for too long.",
        )
        self.journal_duplicates = self._counter(
            "journal_duplicates_total", "Ids that were in the journal already."
        )
        self.journal_size = self._gauge("journal_size_bytes", "Size of the journal's files.")
        self.journal_damaged = self._gauge(
            "journal_damaged_files", "Damaged journals that were set aside and are still there."
        )
        self.journal_checkpoint = self._gauge(
            "journal_last_checkpoint_timestamp_seconds",
            "Of which instant the last checkpoint is.",
        )
        self.jobs = self._counter(
            "jobs_total",
            "Jobs done by the calendar, by what became of them.",
            ["job", "result"],
        )
        self.job_duration = self._gauge(
            "job_duration_seconds", "How long a job took the last time.", ["job"]
        )
        self.intervals_late = self._counter(
            "intervals_late_total",
            "Contacts too late for their half-hour: it was written and forgotten.",
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
        counter = Counter(f"callmon_{name}", text, labels or [], registry=self._registry)
        self.counters[name] = counter
        return counter


class JournalTelemetry:
    """What the journal does. It satisfies ``callmon.journal.JournalMetrics``."""

    def __init__(self, families: _Families) -> None:
        self._families = families

    def committed(self, events: int, seconds: float) -> None:
        """Count a commit of so many events, and how long it took."""
        self._families.journal_events.inc(events)
        self._families.journal_commit.observe(seconds)

    def failed(self, reason: str) -> None:
        """Count a failure by reason."""
        self._families.journal_failures.labels(reason).inc()

    def given_up(self, events: int) -> None:
        """Count events that will not be in the log: a checkpoint takes their place."""
        self._families.journal_given_up.inc(events)

    def waiting(self, events: int) -> None:
        """Set how many events are not durable yet."""
        self._families.journal_pending.set(events)

    def up(self, up: bool) -> None:  # noqa: FBT001 - one fact, and the name says which
        """Tell whether the journal can be written."""
        self._families.journal_up.set(up)

    def size(self, size: int) -> None:
        """Set how many bytes the journal takes."""
        self._families.journal_size.set(size)

    def damaged(self, files: int) -> None:
        """Set how many damaged files were set aside and are still there."""
        self._families.journal_damaged.set(files)

    def checkpointed(self, at: Micros) -> None:
        """Set of which instant the last durable checkpoint is."""
        self._families.journal_checkpoint.set(at / SECOND)

    def duplicate(self, count: int) -> None:
        """Count ids that the journal still knew."""
        self._families.journal_duplicates.inc(count)


class TelemetryPart(msgspec.Struct):
    """The counters in a checkpoint: (family, labels, value), with so many engine drops."""

    counters: list[tuple[str, dict[str, str], float]]
    engine_dropped: dict[str, int]
    intervals_late: int = 0


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
        self._intervals_late = 0
        self.journal = JournalTelemetry(self._families)

    def render(self, *, openmetrics: bool) -> bytes:
        """Return the text, without end mark. It reads /proc: not for the event loop."""
        if openmetrics:
            write = openmetrics_exposition.generate_latest
            text: bytes = write(self._registry)  # type: ignore[no-untyped-call]  # has no types
            return text.removesuffix(_END)
        return exposition.generate_latest(self._registry)

    def part(self, *, of_events: bool) -> TelemetryPart:
        """Return the counters, for a restart: those of events received, or all others.

        Events that came after a checkpoint are counted once more when they go in again;
        the others are not, and so have to be kept more often.
        """
        counters = [
            (name, dict(sample.labels), sample.value)
            for name, counter in self._families.counters.items()
            if (name == _EVENTS) is of_events
            for family in counter.collect()
            for sample in family.samples
            if sample.name.endswith("_total")
        ]
        return TelemetryPart(counters, dict(self._engine_dropped), self._intervals_late)

    def restore(self, part: TelemetryPart) -> None:
        """Go on with the counters of *part*, but for those of feeds that are gone."""
        self._engine_dropped = dict(part.engine_dropped)
        self._intervals_late = part.intervals_late
        for name, labels, value in part.counters:
            counter = self._families.counters.get(name)
            gone = "feed" in labels and labels["feed"] not in self._feeds
            if counter is None or gone:
                continue
            try:
                (counter.labels(**labels) if labels else counter).inc(value)
            except ValueError:
                continue  # it had other labels then

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
            more = max(total - self._engine_dropped.get(reason, 0), 0)
            self._engine_dropped[reason] = total
            self._families.dropped.labels("engine", reason).inc(more)
            if reason == "late":
                self._families.late.inc(more)
            elif reason == "duplicate":
                self._families.duplicate.inc(more)

    def ran(self, job: str, seconds: float, *, ok: bool) -> None:
        """Count a run of a job and how long it took."""
        self._families.jobs.labels(job, "done" if ok else "failed").inc()
        self._families.job_duration.labels(job).set(seconds)

    def missed_run(self, job: str) -> None:
        """Count a run that was due while the former one was not over."""
        self._families.jobs.labels(job, "missed").inc()

    def late_for_intervals(self, total: int) -> None:
        """Set how many contacts were too late for their half-hour, since the beginning."""
        self._families.intervals_late.inc(max(total - self._intervals_late, 0))
        self._intervals_late = total

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
