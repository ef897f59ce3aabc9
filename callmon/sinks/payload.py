"""What an alert says and how Alertmanager wants it. Pure.

Source of the format: Alertmanager's ``api/v2/openapi.yaml``, ``postableAlert``. The labels
are the alert's identity: nothing that changes while it lasts may be one of them.
"""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import quote

from callmon.clock import Micros
from callmon.measures import MEASURES
from callmon.rules import Subject
from callmon.thresholds import Alert, Ended
from callmon.wording import (
    DEFAULT_SUMMARIES,
    LABEL_PREFIX,
    Language,
    expand,
    format_instant,
    format_value,
    format_window,
)

__all__ = [
    "ALERT_NAME",
    "Content",
    "Labels",
    "Style",
    "content_of",
    "metric_labels_of",
    "parse_rfc3339",
    "postable",
    "rfc3339",
    "summary_of",
]

ALERT_NAME = "QueueThresholdBreached"

Labels = tuple[tuple[str, str], ...]
"""Label pairs in order of name."""

_EPOCH = datetime.fromtimestamp(0, UTC)

_ENDINGS = {
    Ended.RECOVERED: {Language.ENGLISH: "recovered", Language.CHINESE: "已恢复"},
    Ended.NO_CONTACTS: {
        Language.ENGLISH: "no callers left in the window",
        Language.CHINESE: "窗口内已无来电",
    },
    Ended.CLOSED: {Language.ENGLISH: "opening hours ended", Language.CHINESE: "营业时间结束"},
    Ended.CORRECTED: {
        Language.ENGLISH: "a late event showed that it never was",
        Language.CHINESE: "迟到的事件表明并未发生",
    },
    Ended.REMOVED: {
        Language.ENGLISH: "the threshold was removed",
        Language.CHINESE: "该阈值已删除",
    },
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How this house writes its alerts."""

    zone: tzinfo  #: for instants in texts
    language: Language = Language.ENGLISH
    external_labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Added as Prometheus adds its own: a label the alert has already wins."""
    wallboard_url: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """An alert in words, without the time it ends: that depends on who is told when."""

    labels: Labels  #: identity at Alertmanager
    metric_labels: Labels  #: the same for a metric: no alertname, no external labels
    annotations: Mapping[str, str]
    link: str | None
    subject: Subject
    since: Micros
    fired_at: Micros


def metric_labels_of(alert: Alert) -> Labels:
    """Return the labels of *alert* that its metrics carry, in order of name."""
    own = {
        **alert.subject.labels,
        "threshold": alert.threshold,
        alert.subject.kind.value: alert.subject.name,
        "severity": alert.severity.value,
    }
    return tuple(sorted((name, value) for name, value in own.items() if value))


def content_of(alert: Alert, style: Style) -> Content:
    """Return *alert* as labels and annotations. The one mapping between the two worlds."""
    own = metric_labels_of(alert)
    external = {name: value for name, value in style.external_labels.items() if value}
    labels = {**external, **dict(own), "alertname": ALERT_NAME}
    link = _wallboard(alert.subject, style)
    return Content(
        labels=tuple(sorted(labels.items())),
        metric_labels=own,
        annotations=_annotations(alert, style, link),
        link=link,
        subject=alert.subject,
        since=alert.since,
        fired_at=alert.fired_at,
    )


def summary_of(alert: Alert, style: Style) -> str:
    """Return the one sentence that says what is wrong, where, and how bad."""
    template = alert.summary or DEFAULT_SUMMARIES[alert.measure][style.language]
    return expand(template, _figures(alert, style))


def _figures(alert: Alert, style: Style) -> dict[str, str]:
    unit = MEASURES[alert.measure].unit
    name = alert.subject.name
    figures = {
        "subject": name,
        "queue": name,
        "group": name,
        "value": format_value(unit, alert.value, style.language),
        "limit": format_value(unit, alert.limit, style.language),
        "window": format_window(alert.window, style.language) if alert.window else "",
        "measure": alert.measure,
        "threshold": alert.threshold,
        "since": format_instant(alert.since, style.zone),
        "severity": alert.severity.value,
    }
    labels = alert.subject.labels.items()
    return figures | {f"{LABEL_PREFIX}{label}": value for label, value in labels}


def _annotations(alert: Alert, style: Style, link: str | None) -> dict[str, str]:
    figures = _figures(alert, style)
    unit = MEASURES[alert.measure].unit
    texts = {
        "summary": summary_of(alert, style),
        **{name: figures[name] for name in ("value", "limit", "window", "measure", "since")},
        "direction": alert.direction.value,
        "peak": format_value(unit, alert.peak, style.language),
        "runbook": alert.runbook,
        "wallboard": link,
        "ended": _ENDINGS[alert.ended][style.language] if alert.ended else None,
    }
    return {name: text for name, text in texts.items() if text}


def _wallboard(subject: Subject, style: Style) -> str | None:
    if style.wallboard_url is None:
        return None
    return f"{style.wallboard_url}?{subject.kind.value}={quote(subject.name, safe='')}"


def rfc3339(at: Micros) -> str:
    """Return *at* as Alertmanager reads it, to the microsecond."""
    moment = _EPOCH + timedelta(microseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def parse_rfc3339(text: str) -> Micros:
    """Return the instant *text* names.

    Raises:
        ValueError: it names none, or has no time zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with its zone, found {text!r}")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def postable(content: Content, facts: Mapping[str, str], ends_at: Micros) -> dict[str, Any]:
    """Return the alert for a request; it is over when *ends_at* has passed.

    Start and end are always both given: without a start, Alertmanager takes the end for it.
    An end before the start is refused, so that is moved to the start.
    """
    alert = {
        "labels": dict(content.labels),
        "annotations": {**content.annotations, **facts},
        "startsAt": rfc3339(content.since),
        "endsAt": rfc3339(max(ends_at, content.since)),
    }
    return alert if content.link is None else {**alert, "generatorURL": content.link}
