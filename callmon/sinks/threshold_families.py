"""What /metrics says of thresholds and of the alerts they raise."""

import dataclasses
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from callmon.clock import Micros
from callmon.measures import MEASURES, Reading
from callmon.rules import Limits, Rule
from callmon.sinks.families import SCALE
from callmon.sinks.lines import Family, label_text

__all__ = [
    "HANDED_OVER",
    "STORM_HANDED_OVER",
    "Owners",
    "Standing",
    "ThresholdSection",
    "ThresholdView",
    "owner_lines",
    "threshold_labels",
]


class Standing(Protocol):
    """How a threshold stands, as ``callmon.thresholds.ThresholdState`` says it."""

    @property
    def state(self) -> str:
        """``ok``, ``pending``, ``firing``, ``keeping``, ``no_value`` or ``off``."""

    @property
    def limits(self) -> Limits:
        """The limits in force."""

    @property
    def severities(self) -> Sequence[str]:
        """The severities whose alerts stand, kept ones included."""


class ThresholdView(Protocol):
    """A threshold of one subject: ``callmon.watches.Watch``."""

    @property
    def rule(self) -> Rule:
        """What is followed."""

    @property
    def state(self) -> Standing:
        """How it stands."""

    def read(self, now: Micros) -> Reading | None:
        """Return what is compared with the limit, at *now*."""


class ThresholdSection:
    """How one threshold of one subject stands."""

    def __init__(self) -> None:
        self.families = [
            Family(
                "callmon_threshold_firing",
                "gauge",
                "1 while an alert of this severity stands, kept ones included.",
            ),
            Family("callmon_threshold_state", "gauge", "1 for the present state."),
            Family("callmon_threshold_value", "gauge", "What is compared with the limit."),
            Family("callmon_threshold_limit", "gauge", "The limit in force."),
        ]

    def key(self, row: ThresholdView, now: Micros) -> object:
        """Return all that changes while the rule stays."""
        standing = row.state
        return standing.state, row.read(now), standing.limits, standing.severities

    def lines(self, labels: bytes, row: ThresholdView, now: Micros) -> list[bytes]:
        """Return the lines; *labels* are those of ``threshold_labels``."""
        threshold, standing, reading = row.rule.threshold, row.state, row.read(now)
        labels += b"," + label_text([("direction", standing.limits.direction)])
        severities = dict.fromkeys(
            [threshold.severity, *(step.severity for step in threshold.escalate)]
        )
        firing = b"".join(
            b'callmon_threshold_firing{%b,severity="%b"} %d\n'
            % (labels, severity.encode(), severity in standing.severities)
            for severity in severities
        )
        labels += b"," + label_text([("severity", threshold.severity)])
        scale = SCALE[MEASURES[threshold.measure].unit] or 1
        value = b""
        if reading is not None and standing.state != "off":
            number = reading[0] / (reading[1] * scale)
            value = b"callmon_threshold_value{%b} %a\n" % (labels, number)
        return [
            firing,
            b"callmon_threshold_state{%b,%b} 1\n"
            % (labels, label_text([("state", standing.state)])),
            value,
            b"callmon_threshold_limit{%b} %a\n"
            % (labels, _quotient(standing.limits.limit, scale)),
        ]


def _quotient(limit: Fraction, scale: int) -> float:
    return limit.numerator / (limit.denominator * scale)


def threshold_labels(row: ThresholdView) -> bytes:
    """Return the labels of a threshold that stay while its rule does."""
    rule = row.rule
    window = rule.threshold.window
    return label_text(
        [
            ("threshold", rule.threshold.name),
            (rule.subject.kind, rule.subject.name),
            ("measure", rule.threshold.measure),
            *([] if window is None else [("window", window)]),
            *rule.subject.labels.items(),
        ]
    )


Owner = Mapping[tuple[tuple[str, str], ...], int]
"""By the labels of an alert that fires: 0 when callmon delivers it, 1: Prometheus has to."""


@dataclasses.dataclass(frozen=True, slots=True)
class Owners:
    """Who delivers what fires."""

    alerts: Owner = dataclasses.field(default_factory=dict)
    storms: Owner = dataclasses.field(default_factory=dict)


HANDED_OVER = Family(
    "callmon_threshold_handed_over",
    "gauge",
    "Exists while an alert fires: 0 when callmon delivers it, 1 when Prometheus has to.",
)
STORM_HANDED_OVER = Family(
    "callmon_storm_handed_over",
    "gauge",
    "The same of an alert that speaks for many.",
)


def owner_lines(owners: Owners) -> list[tuple[Family, bytes]]:
    """Return the families that have lines, with a line for everything that fires."""
    found = []
    for family, owner in ((HANDED_OVER, owners.alerts), (STORM_HANDED_OVER, owners.storms)):
        name = family.name.encode()
        lines = [b"%b{%b} %d\n" % (name, label_text(k), over) for k, over in owner.items()]
        if lines:
            found.append((family, b"".join(lines)))
    return found
