"""What names an alert."""

import dataclasses
from fractions import Fraction

from callmon.alerts import Alert, AlertKey, key_of
from callmon.rules import Direction, Severity, Subject, SubjectKind

ALERT = Alert(
    threshold="long_wait",
    subject=Subject(kind=SubjectKind.QUEUE, name="sales", labels={"team": "blue"}),
    severity=Severity.WARNING,
    measure="longest_wait",
    window=None,
    direction=Direction.ABOVE,
    limit=Fraction(10),
    since=90,
    fired_at=100,
    raised_at=100,
    value=Fraction(10),
    peak=Fraction(10),
)


def test_an_alert_is_named_by_what_it_is_about_and_when_it_fired() -> None:
    """Not by anything that changes while it lasts."""
    grown = dataclasses.replace(ALERT, value=Fraction(99), peak=Fraction(99), blind=True)

    assert AlertKey("long_wait", "queue", "sales", "warning", 100) == key_of(ALERT)
    assert key_of(ALERT) == key_of(grown)


def test_what_escalation_adds_has_a_name_of_its_own() -> None:
    """Of the same breach, and so of the same instant, but of another severity."""
    added = dataclasses.replace(ALERT, severity=Severity.CRITICAL, raised_at=200)

    assert key_of(ALERT) != key_of(added)
    assert key_of(ALERT).fired_at == key_of(added).fired_at
