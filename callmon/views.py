"""The state as plain JSON values: what ``/api/v1/`` answers.

Names are those of the measures. Durations are seconds, ratios 0 to 1; what is not known
is null, never 0.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from fractions import Fraction
from typing import Any, Protocol

from callmon.alerts import Alert, AlertKey, key_of
from callmon.clock import SECOND, Micros
from callmon.events import KINDS
from callmon.feeds.base import MEMORY
from callmon.measures import MEASURES, Reading, Unit
from callmon.monitor import FeedState, Monitor
from callmon.queues import SubjectState
from callmon.sinks.suppression import Suppression
from callmon.watches import Watch

__all__ = [
    "Audience",
    "alert_view",
    "alerts_view",
    "feed_view",
    "instant",
    "queues_view",
    "status_view",
]


class Audience(Protocol):
    """Who is told of an alert: ``callmon.sinks.alertmanager.AlertmanagerSink`` knows."""

    def suppression(self, key: AlertKey) -> Suppression | None:
        """Return why nobody is told; None also where that is not known now."""

    def held(self) -> Collection[AlertKey]:
        """Return those that a storm speaks for."""


def queues_view(monitor: Monitor) -> dict[str, Any]:
    """Return every queue and group with all its measures; none before they are known."""
    now = monitor.present()
    states = monitor.engine.states() if monitor.began else []
    return {"at": instant(now), "subjects": [_subject(state, now) for state in states]}


def alerts_view(monitor: Monitor, audience: Audience) -> dict[str, Any]:
    """Return the alerts that stand, and where every threshold stands, once it is known.

    Of each alert also whether a storm speaks for it, and whether it is silenced by whom.
    """
    now = monitor.present()
    watches = list(monitor.engine.watches()) if monitor.began else []
    held = audience.held()  # once: there may be thousands
    return {
        "at": instant(now),
        "alerts": [
            _standing(watch, alert, now) | _told(alert, audience, held)
            for watch in watches
            for alert in watch.state.alerts()
        ],
        "thresholds": [
            {
                "threshold": watch.rule.threshold.name,
                watch.rule.subject.kind.value: watch.rule.subject.name,
                "state": watch.state.state.value,
                "value": _number(watch.read(now), watch.measure.unit),
                "limit": _limit(watch.state.limits.limit, watch.measure.unit),
                "direction": watch.state.limits.direction.value,
                "since": instant(watch.state.since),
            }
            for watch in watches
        ],
    }


def _standing(watch: Watch, alert: Alert, now: Micros) -> dict[str, Any]:
    """Return an alert as it stands now: while it lasts nobody looks at what only grows."""
    reading = watch.read(now)
    if reading is not None:
        alert = alert.as_it_is(Fraction(reading[0], reading[1]))
    return alert_view(alert)


def _told(alert: Alert, audience: Audience, held: Collection[AlertKey]) -> dict[str, Any]:
    """Return whether somebody is told of *alert*, as far as that is known now."""
    key = key_of(alert)
    why = audience.suppression(key)
    return {
        "held": key in held,
        "suppression": None
        if why is None
        else {
            "kind": why.kind,
            "by": why.by,
            "until": instant(why.until),
            "comment": why.comment,
            "alertmanager": why.alertmanager,
        },
    }


def status_view(monitor: Monitor, version: str, problems: Iterable[str]) -> dict[str, Any]:
    """Return how the daemon and its feeds are."""
    return {
        "version": version,
        "at": instant(monitor.present()),
        "problems": list(problems),
        "feeds": [_feed(feed) for feed in monitor.feeds.values()],
    }


def alert_view(alert: Alert) -> dict[str, Any]:
    """Return one alert."""
    unit = MEASURES[alert.measure].unit
    return {
        "threshold": alert.threshold,
        alert.subject.kind.value: alert.subject.name,
        "labels": dict(alert.subject.labels),
        "severity": alert.severity.value,
        "measure": alert.measure,
        "window": alert.window,
        "direction": alert.direction.value,
        "limit": _limit(alert.limit, unit),
        "value": _limit(alert.value, unit),
        "peak": _limit(alert.peak, unit),
        "since": instant(alert.since),
        "fired_at": instant(alert.fired_at),
        "raised_at": instant(alert.raised_at),
        "shift": alert.shift,
        "blind": alert.blind,
        "ended": None if alert.ended is None else alert.ended.value,
        "ended_at": instant(alert.ended_at),
    }


def instant(at: Micros | None) -> str | None:
    """Return an instant as RFC 3339 text in UTC."""
    if at is None:
        return None
    seconds, micros = divmod(at, SECOND)
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=micros)
    return moment.isoformat().replace("+00:00", "Z")


def _subject(state: SubjectState, now: Micros) -> dict[str, Any]:
    live: dict[str, float | None] = {}
    windows: dict[str, dict[str, float | None]] = {name: {} for name in state.windows}
    for window in state.windows.values():
        window.sync(now)
    for measure in MEASURES.values():
        if not measure.windowed:
            live[measure.name] = _number(measure.read(state, None, now), measure.unit)
            continue
        for name, window in state.windows.items():
            reading = measure.read(state, window, now)
            windows[name][measure.name] = _number(reading, measure.unit)
    return {
        "kind": state.subject.kind.value,
        "name": state.subject.name,
        "labels": dict(state.subject.labels),
        "blind": state.blind,
        "target_s": state.targets.within / SECOND,
        "live": live,
        "paused_by_reason": dict(state.agents.reasons) if state.agents.named else None,
        "windows": windows,
    }


def feed_view(feed: FeedState) -> dict[str, Any]:
    """Return how a feed is and its last events, without who called or whom he spoke with."""
    place = feed.position
    shown = None if place is None else {key: place[key] for key in place if key != MEMORY}
    return _feed(feed) | {
        "position": shown,
        "recent": [
            {
                "event": KINDS[type(event)],
                "at": instant(event.at),
                "queue": getattr(event, "queue", None),
            }
            for event in feed.recent
        ],
    }


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


def _number(reading: Reading | None, unit: Unit) -> float | None:
    return None if reading is None else _limit(Fraction(reading[0], reading[1]), unit)


def _limit(value: Fraction, unit: Unit) -> float:
    """Return *value* as people count: seconds, not microseconds."""
    exact = value / SECOND if unit is Unit.SECONDS else value
    return int(exact) if exact.denominator == 1 else float(exact)
