"""Alerts as values: what the engine finds out, and what became of it. Pure.

An alert of a breach begins, and ends for one of a few reasons; a breach that lasts may add
more of them. ``AlertKey`` names one for good, over restarts, in the history and to others.
"""

import dataclasses
from enum import StrEnum
from fractions import Fraction
from typing import Literal, NamedTuple

from callmon.clock import Micros
from callmon.rules import Direction, Severity, Subject

__all__ = ["Alert", "AlertKey", "AlertStep", "Ended", "Transition", "key_of"]


class Ended(StrEnum):
    """Why an alert ended."""

    RECOVERED = "recovered"  #: cleared and kept
    NO_CONTACTS = "no_contacts"  #: nobody is left in the base
    CLOSED = "closed"  #: ``active`` ended; nothing is known to be better
    REMOVED = "removed"  #: the configuration no longer has it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as it stood at a moment; (threshold, subject, severity) names it."""

    threshold: str
    subject: Subject
    severity: Severity
    measure: str
    window: str | None
    direction: Direction
    limit: Fraction
    since: Micros  #: when the condition began
    fired_at: Micros  #: when the first alert of this breach fired
    raised_at: Micros  #: when this one did: later, when escalation added it
    value: Fraction  #: the last one known
    peak: Fraction  #: the worst since the condition began
    blind: bool = False  #: kept, though nothing is seen
    ended: Ended | None = None
    ended_at: Micros | None = None
    summary: str | None = None  #: template
    summary_zh: str | None = None  #: the same for Chinese texts; None: ``summary``
    runbook: str | None = None
    shift: str | None = None  #: on duty when this one was raised

    def as_it_is(self, value: Fraction) -> "Alert":
        """Return it with the present *value*: nobody looks at what only grows meanwhile."""
        worse = max if self.direction is Direction.ABOVE else min
        return dataclasses.replace(self, value=value, peak=worse(self.peak, value))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """An alert began, was added by escalation, or ended."""

    at: Micros
    kind: Literal["fired", "escalated", "ended"]
    alert: Alert


class AlertKey(NamedTuple):
    """What names an alert for good: no two that stand at once have the same."""

    threshold: str
    kind: str  #: of the subject
    subject: str
    severity: str
    fired_at: Micros


class AlertStep(StrEnum):
    """What can become of an alert on its way to people."""

    TOLD = "told"  #: an Alertmanager, the detail, has taken it
    HANDED_OVER = "handed_over"  #: nobody took it in time: Prometheus sends it
    HELD = "held"  #: one of many at once: a storm speaks for it
    FOLLOWED = "followed"  #: it outlasted the storm that spoke for it
    MISSED = "missed"  #: it ended before anybody took it
    SILENCED = "silenced"  #: the detail says by whom until when
    INHIBITED = "inhibited"  #: another alert speaks for it
    END_TOLD = "end_told"  #: an Alertmanager, the detail, knows that it is over


def key_of(alert: Alert) -> AlertKey:
    """Return what names *alert*."""
    return AlertKey(
        alert.threshold,
        alert.subject.kind.value,
        alert.subject.name,
        alert.severity.value,
        alert.fired_at,
    )
