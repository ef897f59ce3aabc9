"""Ownership and duties, step by step."""

from datetime import UTC
from fractions import Fraction

import pytest

from callmon.alerts import Alert
from callmon.clock import SECOND, Micros
from callmon.rules import Direction, Severity, Subject, SubjectKind
from callmon.sinks.ledger import Entry, Ledger, Limits, Presence, Road, Step
from callmon.sinks.payload import Content, Style, content_of
from tests.sinks.scripted_alertmanager import CountedDeliveries, Notebook

NOW = 1_000 * SECOND


def a_content(threshold: str = "long_wait", at: Micros = NOW) -> Content:
    """Return the content of an alert."""
    alert = Alert(
        threshold=threshold,
        subject=Subject(kind=SubjectKind.QUEUE, name="support"),
        severity=Severity.WARNING,
        measure="longest_wait",
        window=None,
        direction=Direction.ABOVE,
        limit=Fraction(180 * SECOND),
        since=at,
        fired_at=at,
        raised_at=at,
        value=Fraction(180 * SECOND),
        peak=Fraction(180 * SECOND),
    )
    return content_of(alert, Style(zone=UTC))


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty ledger for two Alertmanagers, with batches of two."""
    return Ledger(
        ["one", "two"], Limits(batch=2), CountedDeliveries(), Notebook(), wall=lambda: 0
    )


def only(ledger: Ledger) -> Entry:
    """Return the one entry."""
    (entry,) = ledger
    return entry


def test_a_handover_waits_for_the_answer_to_a_post_under_way(ledger: Ledger) -> None:
    """An alert must not end on both roads because an answer came late."""
    ledger.fire(a_content(), NOW)
    (entry,) = ledger.take("one", NOW)
    ledger.decide(NOW + 3600 * SECOND)
    waiting = entry.road

    ledger.accepted("one", [(entry, entry.version)], NOW + 3600 * SECOND, NOW)
    ledger.decide(NOW + 3600 * SECOND)

    assert Road.UNDECIDED is waiting
    assert Road.DIRECT is entry.road
    assert ledger.next_handover() is None


def test_the_handover_comes_at_its_second_not_before(ledger: Ledger) -> None:
    """Sixty seconds after the news."""
    ledger.fire(a_content(), NOW)

    ledger.decide(NOW + 60 * SECOND - 1)
    before = only(ledger).road
    ledger.decide(NOW + 60 * SECOND)

    assert (Road.UNDECIDED, Road.PROMETHEUS) == (before, only(ledger).road)


def test_no_more_than_a_batch_is_taken_and_none_is_forgotten(ledger: Ledger) -> None:
    """What did not fit is due at once."""
    for name in ("a", "b", "c"):
        ledger.fire(a_content(name), NOW)

    first = ledger.take("one", NOW)
    ledger.accepted("one", [(entry, entry.version) for entry in first], NOW, NOW)

    assert 2 == len(first)
    assert ledger.next_due("one") == NOW
    assert ["c"] == [dict(e.content.labels)["threshold"] for e in ledger.take("one", NOW)]


def test_an_answer_to_an_older_state_does_not_settle_a_newer_one(ledger: Ledger) -> None:
    """The breach ended while its beginning was on the way: the end is still due."""
    ledger.fire(a_content(), NOW)
    (entry,) = ledger.take("one", NOW)
    version = entry.version
    ledger.end(entry.content.labels, NOW, None, NOW + SECOND)

    ledger.accepted("one", [(entry, version)], NOW + SECOND, NOW)

    assert [entry] == ledger.take("one", NOW + SECOND)


def test_the_end_of_an_older_breach_does_not_settle_a_newer_one(ledger: Ledger) -> None:
    """It fired again while its end was on the way: it is still due as firing."""
    ledger.fire(a_content(), NOW)
    (entry,) = ledger.take("one", NOW)
    ledger.accepted("one", [(entry, entry.version)], NOW, NOW)
    ledger.end(entry.content.labels, NOW, None, NOW)
    (entry,) = ledger.take("one", NOW)
    version = entry.version
    ledger.fire(a_content(), NOW + SECOND)

    ledger.resolved("one", [(entry, version)])

    assert [entry] == ledger.take("one", NOW + SECOND)


@pytest.mark.parametrize(
    ("road", "presence", "sent_ago", "step"),
    [
        (Road.DIRECT, Presence.ACTIVE, 1, Step.RESOLVE),
        (Road.DIRECT, Presence.SUPPRESSED, 59, Step.WAIT),
        (Road.DIRECT, Presence.SUPPRESSED, 60, Step.POST),
        (Road.DIRECT, Presence.ABSENT, 1, Step.RESOLVE),
        (Road.DIRECT, Presence.FORGOTTEN, 1, Step.POST),
        (Road.PROMETHEUS, Presence.ACTIVE, 1, Step.RESOLVE),
        (Road.PROMETHEUS, Presence.SUPPRESSED, 60, Step.WAIT),
        (Road.PROMETHEUS, Presence.ABSENT, 1, Step.FORGET),
        (Road.PROMETHEUS, Presence.FORGOTTEN, 1, Step.FORGET),
    ],
)
def test_what_is_done_about_an_end(
    ledger: Ledger, road: Road, presence: Presence, sent_ago: int, step: Step
) -> None:
    """Direct alerts are kept alive while they are suppressed; others never posted."""
    ledger.fire(a_content(), NOW)
    entry = only(ledger)
    entry.road = road
    entry.duties["one"].accepted = True
    entry.duties["one"].sent_at = NOW

    assert step is ledger.judge("one", entry, presence, NOW + sent_ago * SECOND)


def test_what_may_have_gone_is_not_forgotten_over_a_kill(ledger: Ledger) -> None:
    """An alert stored before it went out may have gone by the time it is read again."""
    ledger.fire(a_content(), NOW)
    (saved,) = ledger.snapshot(NOW)

    assert [True, True] == [duty["unsure"] for duty in saved["duties"].values()]


def test_another_breach_begins_a_life_of_its_own(ledger: Ledger) -> None:
    """The end of the former one was lost with a restart; its road is not the new one's."""
    ledger.fire(a_content(), NOW)
    ledger.decide(NOW + 60 * SECOND)
    former = only(ledger).road

    ledger.fire(a_content(at=NOW + 90 * SECOND), NOW + 100 * SECOND)
    ledger.decide(NOW + 100 * SECOND)

    assert (Road.PROMETHEUS, Road.UNDECIDED) == (former, only(ledger).road)
    assert [only(ledger)] == ledger.take("one", NOW + 100 * SECOND)
