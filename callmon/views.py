"""The state as plain JSON values: what ``/api/v1/`` answers.

Names are those of the measures. Durations are seconds, ratios 0 to 1; what is not known
is null, never 0.
"""

from collections.abc import Collection, Iterable
from fractions import Fraction
from typing import Any, Protocol

from callmon.alerts import Alert, AlertKey, key_of
from callmon.answers import (
    LIVE,
    WINDOWED,
    AlertsView,
    FeedEvent,
    FeedStatus,
    FeedView,
    LiveMeasures,
    QueuesView,
    StandingAlert,
    StatusView,
    SubjectView,
    SuppressionView,
    ThresholdView,
    WindowMeasures,
)
from callmon.clock import SECOND, Micros
from callmon.events import KINDS
from callmon.feeds.base import MEMORY
from callmon.measures import MEASURES
from callmon.monitor import FeedState, Monitor
from callmon.plain import instant, number, shown
from callmon.queues import SubjectState
from callmon.rules import Subject
from callmon.sinks.suppression import Suppression
from callmon.watches import Watch
from callmon.windows import Window

__all__ = ["Audience", "alerts_view", "feed_view", "queues_view", "status_view"]


class Audience(Protocol):
    """Who is told of an alert: ``callmon.sinks.alertmanager.AlertmanagerSink`` knows."""

    def suppression(self, key: AlertKey) -> Suppression | None:
        """Return why nobody is told; None also where that is not known now."""

    def held(self) -> Collection[AlertKey]:
        """Return those that a storm speaks for."""


def queues_view(monitor: Monitor) -> QueuesView:
    """Return every queue and group with all its measures; none before they are known."""
    now = monitor.present()
    states = monitor.engine.states() if monitor.began else []
    return QueuesView(at=instant(now), subjects=[_subject(state, now) for state in states])


def alerts_view(monitor: Monitor, audience: Audience) -> AlertsView:
    """Return the alerts that stand, and where every threshold stands, once it is known.

    Of each alert also whether a storm speaks for it, and whether it is silenced by whom.
    """
    now = monitor.present()
    watches = list(monitor.engine.watches()) if monitor.began else []
    held = audience.held()  # once: there may be thousands
    return AlertsView(
        at=instant(now),
        alerts=[
            _alert(_standing(watch, alert, now), audience, held)
            for watch in watches
            for alert in watch.state.alerts()
        ],
        thresholds=[_threshold(watch, now) for watch in watches],
    )


def status_view(monitor: Monitor, version: str, problems: Iterable[str]) -> StatusView:
    """Return how the daemon and its feeds are."""
    return StatusView(
        version=version,
        at=instant(monitor.present()),
        problems=list(problems),
        feeds=[FeedStatus(**_feed(feed)) for feed in monitor.feeds.values()],
    )


def feed_view(feed: FeedState) -> FeedView:
    """Return how a feed is and its last events, without who called or whom he spoke with."""
    place = feed.position
    return FeedView(
        **_feed(feed),
        position=None if place is None else {key: place[key] for key in place if key != MEMORY},
        recent=[
            FeedEvent(
                event=KINDS[type(event)],
                at=instant(event.at),
                queue=getattr(event, "queue", None),
            )
            for event in feed.recent
        ],
    )


def _subject(state: SubjectState, now: Micros) -> SubjectView:
    return SubjectView(
        kind=state.subject.kind,
        name=state.subject.name,
        labels=dict(state.subject.labels),
        blind=state.blind,
        target_s=state.targets.within / SECOND,
        live=LiveMeasures(
            *[number(measure.read(state, None, now), measure.unit) for measure in LIVE]
        ),
        paused_by_reason=dict(state.agents.reasons) if state.agents.named else None,
        windows={name: _over(state, window, now) for name, window in state.windows.items()},
    )


def _over(state: SubjectState, window: Window, now: Micros) -> WindowMeasures:
    window.sync(now)
    return WindowMeasures(
        *[number(measure.read(state, window, now), measure.unit) for measure in WINDOWED]
    )


def _named(subject: Subject) -> dict[str, Any]:
    return {subject.kind.value: subject.name}


def _threshold(watch: Watch, now: Micros) -> ThresholdView:
    rule, state, unit = watch.rule, watch.state, watch.measure.unit
    return ThresholdView(
        threshold=rule.threshold.name,
        **_named(rule.subject),
        state=state.state,
        value=number(watch.read(now), unit),
        limit=shown(state.limits.limit, unit),
        direction=state.limits.direction,
        since=instant(state.since),
    )


def _standing(watch: Watch, alert: Alert, now: Micros) -> Alert:
    """Return an alert as it stands now: while it lasts nobody looks at what only grows."""
    reading = watch.read(now)
    return alert if reading is None else alert.as_it_is(Fraction(reading[0], reading[1]))


def _alert(alert: Alert, audience: Audience, held: Collection[AlertKey]) -> StandingAlert:
    """Return one alert, and whether somebody is told of it as far as that is known now."""
    unit = MEASURES[alert.measure].unit
    key = key_of(alert)
    return StandingAlert(
        threshold=alert.threshold,
        **_named(alert.subject),
        labels=dict(alert.subject.labels),
        severity=alert.severity,
        measure=alert.measure,
        window=alert.window,
        direction=alert.direction,
        limit=shown(alert.limit, unit),
        value=shown(alert.value, unit),
        peak=shown(alert.peak, unit),
        since=instant(alert.since),
        fired_at=instant(alert.fired_at),
        raised_at=instant(alert.raised_at),
        shift=alert.shift,
        blind=alert.blind,
        ended=alert.ended,
        ended_at=instant(alert.ended_at),
        held=key in held,
        suppression=_suppression(audience.suppression(key)),
    )


def _suppression(why: Suppression | None) -> SuppressionView | None:
    if why is None:
        return None
    return SuppressionView(
        kind=why.kind,
        by=why.by,
        until=instant(why.until),
        comment=why.comment,
        alertmanager=why.alertmanager,
    )


def _feed(feed: FeedState) -> dict[str, Any]:
    return {
        "feed": feed.name,
        "source": feed.source,
        "up": feed.up,
        "reason": feed.reason,
        "current": feed.current,
        "last_event_at": instant(feed.last_at),
        "account": list(feed.account),
    }
