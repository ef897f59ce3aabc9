"""What an alert says and how Alertmanager wants it. Pure.

Source of the format: Alertmanager's ``api/v2/openapi.yaml``, ``postableAlert``. The labels
are the alert's identity: nothing that changes while it lasts may be one of them.
"""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import quote

from callmon.alerts import Alert, AlertKey, Ended, key_of
from callmon.clock import Micros
from callmon.measures import MEASURES
from callmon.rules import Subject
from callmon.wording import (
    LABEL_PREFIX,
    Language,
    default_summary,
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
    "annotations_of",
    "content_of",
    "in_all_languages",
    "metric_labels_of",
    "parse_rfc3339",
    "postable",
    "rfc3339",
    "suffixed",
    "summary_of",
]

ALERT_NAME = "QueueThresholdBreached"

Labels = tuple[tuple[str, str], ...]
"""Label pairs in order of name."""

_EPOCH = datetime.fromtimestamp(0, UTC)

_ENDINGS = {
    Ended.RECOVERED: {Language.ENGLISH: "recovered", Language.CHINESE: "已恢复"},
    Ended.NO_CONTACTS: {
        Language.ENGLISH: "no callers in the window any more",
        Language.CHINESE: "统计时段内已无来电",
    },
    Ended.CLOSED: {Language.ENGLISH: "opening hours ended", Language.CHINESE: "营业时间结束"},
    Ended.REMOVED: {
        Language.ENGLISH: "the threshold was removed",
        Language.CHINESE: "该阈值已删除",
    },
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How this house writes its alerts."""

    zone: tzinfo  #: for instants in texts
    languages: tuple[Language, ...] = (Language.ENGLISH,)
    """The first one has the plain names of annotations, the others theirs: ``summary_zh``."""
    external_labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Added as Prometheus adds its own: a label the alert has already wins."""
    wallboard_url: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """An alert in words, without the time it ends: that depends on who is told when."""

    key: AlertKey  #: identity for good
    labels: Labels  #: identity at Alertmanager
    metric_labels: Labels  #: the same for a metric: no alertname, no external labels
    annotations: Mapping[str, str]
    link: str | None
    subject: Subject | None  #: None: it is about many
    since: Micros
    fired_at: Micros
    name: str = ALERT_NAME  #: the label ``alertname``


def metric_labels_of(alert: Alert) -> Labels:
    """Return the labels of *alert* that its metrics carry, in order of name."""
    own = {
        **alert.subject.labels,
        "threshold": alert.threshold,
        alert.subject.kind.value: alert.subject.name,
        "severity": alert.severity.value,
        "shift": alert.shift,
    }
    return tuple(sorted((name, value) for name, value in own.items() if value))


def content_of(alert: Alert, style: Style) -> Content:
    """Return *alert* as labels and annotations. The one mapping between the two worlds."""
    own = metric_labels_of(alert)
    external = {name: value for name, value in style.external_labels.items() if value}
    labels = {**external, **dict(own), "alertname": ALERT_NAME}
    return Content(
        key=key_of(alert),
        labels=tuple(sorted(labels.items())),
        metric_labels=own,
        annotations=annotations_of(alert, style),
        link=_wallboard(alert.subject, style),
        subject=alert.subject,
        since=alert.since,
        fired_at=alert.fired_at,
    )


def summary_of(alert: Alert, style: Style, language: Language | None = None) -> str:
    """Return the one sentence that says what is wrong, where, and how bad.

    Of one that is over, how bad it was. Without *language* in the first one of *style*.
    """
    language = language or style.languages[0]
    if alert.ended is not None:
        alert = dataclasses.replace(alert, value=alert.peak)
    template = alert.summary
    if language is Language.CHINESE:
        template = alert.summary_zh or template
    template = template or default_summary(alert.measure, alert.value, language)
    return expand(template, _figures(alert, style, language))


def annotations_of(alert: Alert, style: Style) -> dict[str, str]:
    """Return what *alert* itself says, in every language of *style*; nothing is empty."""
    texts = {
        "measure": alert.measure,
        "direction": alert.direction.value,
        "since": format_instant(alert.since, style.zone),
        "runbook": alert.runbook,
        "wallboard": _wallboard(alert.subject, style),
    }
    plain = {name: text for name, text in texts.items() if text}
    return plain | in_all_languages(style, lambda language: _said(alert, style, language))


def in_all_languages(
    style: Style, say: Callable[[Language], Mapping[str, str | None]]
) -> dict[str, str]:
    """Return what *say* gives for each language of *style*, under the name for that one."""
    return {
        name if place == 0 else suffixed(name, language): text
        for place, language in enumerate(style.languages)
        for name, text in say(language).items()
        if text
    }


def suffixed(name: str, language: Language) -> str:
    """Return the name of an annotation in a *language* that is not the house's first."""
    return f"{name}_{language.value.partition('-')[0]}"


def _said(alert: Alert, style: Style, language: Language) -> dict[str, str | None]:
    unit = MEASURES[alert.measure].unit
    return {
        "summary": summary_of(alert, style, language),
        "value": format_value(unit, alert.value, language),
        "limit": format_value(unit, alert.limit, language),
        "window": format_window(alert.window, language) if alert.window else None,
        "peak": format_value(unit, alert.peak, language),
        "ended": _ENDINGS[alert.ended][language] if alert.ended else None,
    }


def _figures(alert: Alert, style: Style, language: Language) -> dict[str, str]:
    """Return what may stand in braces in a summary."""
    unit = MEASURES[alert.measure].unit
    name = alert.subject.name
    figures = {
        "subject": name,
        "queue": name,
        "group": name,
        "value": format_value(unit, alert.value, language),
        "limit": format_value(unit, alert.limit, language),
        "window": format_window(alert.window, language) if alert.window else "",
        "measure": alert.measure,
        "threshold": alert.threshold,
        "since": format_instant(alert.since, style.zone),
        "severity": alert.severity.value,
    }
    labels = alert.subject.labels.items()
    return figures | {f"{LABEL_PREFIX}{label}": value for label, value in labels}


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
        ValueError: it names none, or has no time zone, or UTC has no such year.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with its zone, found {text!r}")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"expected a time of the years 1 to 9999, found {text!r}") from None
    return (moment - _EPOCH) // timedelta(microseconds=1)


def postable(content: Content, facts: Mapping[str, str], ends_at: Micros) -> dict[str, Any]:
    """Return the alert for a request; it is over when *ends_at* has passed.

    Start and end are always both given: without a start, Alertmanager takes the end for it.
    An end before the start is refused, so the start is moved to the end: not the other way,
    for what began by a clock that was ahead would go on until that time has come.
    """
    alert = {
        "labels": dict(content.labels),
        "annotations": {**content.annotations, **facts},
        "startsAt": rfc3339(min(content.since, ends_at)),
        "endsAt": rfc3339(ends_at),
    }
    return alert if content.link is None else {**alert, "generatorURL": content.link}
