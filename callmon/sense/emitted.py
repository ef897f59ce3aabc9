"""Every set of labels that an alert of callmon can have, and those of its Prometheus rules."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from callmon.config import Config
from callmon.config.reading import is_pattern
from callmon.rules import Severity, Subject, SubjectKind, Threshold
from callmon.sense.matchers import Matcher
from callmon.sense.subjects import configured, unlisted
from callmon.sinks.payload import ALERT_NAME
from callmon.sinks.storm import STORM_NAME

__all__ = ["RULES", "Emitted", "emitted", "own_labels", "subjects_of"]

RULES: Final[Mapping[str, str]] = {
    "CallmonAlertDropped": "critical",
    "CallmonAlertMissed": "warning",
    "CallmonAlertmanagerUnreachable": "critical",
    "CallmonDown": "critical",
    "CallmonEventsDropped": "warning",
    "CallmonEventsUnwritten": "warning",
    "CallmonFeedAccount": "warning",
    "CallmonFeedDown": "critical",
    "CallmonFeedSilent": "warning",
    "CallmonGap": "warning",
    "CallmonJournalBehind": "warning",
    "CallmonJournalDamaged": "warning",
    "CallmonJournalDown": "critical",
    "CallmonReloadFailed": "warning",
    "Watchdog": "info",
}
"""Name and severity of alerts about callmon itself (``alertmanager/rules/callmon.yml``)."""

_ROAD: Final = "prometheus"
"""The label ``road`` of alerts that Prometheus sends in callmon's place."""
ANY_QUEUE: Final = "(any other)"
"""Stands for the queues that may turn up."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """Labels that stand together on an alert."""

    labels: Mapping[str, str]
    threshold: str | None = None  #: None: it is about callmon itself, or a storm


def own_labels(config: Config) -> tuple[str, ...]:
    """Return the names of labels that callmon puts on alerts of queues."""
    fixed = ("alertname", "threshold", "queue", "group", "severity", "shift", "road")
    return (*fixed, *config.label_names, *config.alerting.external_labels)


def emitted(config: Config, matchers: Iterable[Matcher] = ()) -> Iterator[Emitted]:
    """Yield every set of labels, as far as *matchers* can tell them apart.

    Queues that are not listed stand for themselves where a matcher names them.
    """
    about = [one for one in matchers if one.label == "queue"]
    named = sorted({name for one in about for name in _names(one) if not is_pattern(name)})
    for threshold in config.thresholds:
        for subject in subjects_of(config, threshold, (*named, ANY_QUEUE)):
            for severity in _severities(threshold):
                for shift in (*(name for name, _ in threshold.shifts), None):
                    yield from _roads(config, threshold, subject, severity, shift)
    yield from _storms(config)
    for name, urgency in RULES.items():
        yield Emitted(labels={"alertname": name, "severity": urgency, "job": "callmon"})


def subjects_of(
    config: Config, threshold: Threshold, others: Iterable[str]
) -> Iterator[Subject]:
    """Yield whom *threshold* selects: those configured, and *others* that are not."""
    known = {queue.name for queue in config.queues}
    for subject in configured(config):
        if threshold.select.matches(subject):
            yield subject
    exact = [name for name in threshold.select.queues if not is_pattern(name)]
    for name in dict.fromkeys((*exact, *others)):
        subject = unlisted(config, name)
        if name not in known and threshold.select.matches(subject):
            yield subject


def _names(matcher: Matcher) -> Iterator[str]:
    """Yield names that *matcher* speaks of, as far as it can be told."""
    if matcher.operator in {"=", "!="}:
        yield matcher.value
        return
    for part in matcher.value.split("|") if matcher.readable else ():
        name = re.sub(r"\.[*+]", "x", part.strip("()^$"))
        if re.fullmatch(matcher.value, name):
            yield name


def _severities(threshold: Threshold) -> tuple[Severity, ...]:
    return (threshold.severity, *(step.severity for step in threshold.escalate))


def _roads(
    config: Config,
    threshold: Threshold,
    subject: Subject,
    severity: Severity,
    shift: str | None,
) -> Iterator[Emitted]:
    own = {
        **subject.labels,
        "threshold": threshold.name,
        "queue" if subject.kind is SubjectKind.QUEUE else "group": subject.name,
        "severity": severity.value,
        "shift": shift or "",
    }
    own = {name: value for name, value in own.items() if value}
    external = config.alerting.external_labels
    if config.alerting.direct:
        labels = {**external, **own, "alertname": ALERT_NAME}
        yield Emitted(labels=labels, threshold=threshold.name)
    labels = {**own, "alertname": ALERT_NAME, "road": _ROAD}
    yield Emitted(labels=labels, threshold=threshold.name)


def _storms(config: Config) -> Iterator[Emitted]:
    label = config.alerting.storm.label
    teams = {subject.labels.get(label, "") for subject in configured(config)}
    teams.add(config.default_labels.get(label, ""))
    shifts = config.thresholds[0].shifts if config.thresholds else ()
    for team in sorted(teams):
        for shift in (*(name for name, _ in shifts), ""):
            own = {label: team, "shift": shift, "severity": Severity.CRITICAL.value}
            own = {name: value for name, value in own.items() if value}
            direct = {**config.alerting.external_labels, **own, "alertname": STORM_NAME}
            yield Emitted(labels=direct)
            yield Emitted(labels={**own, "alertname": STORM_NAME, "road": _ROAD})
