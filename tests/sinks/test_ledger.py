"""Ownership and duties, step by step."""

from datetime import UTC
from fractions import Fraction

import pytest

from callmon.alerts import Alert, AlertStep
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


def test_what_is_to_be_kept_changes_only_with_what_happens(ledger: Ledger) -> None:
    """It is written down whenever it has changed, and must not be each second."""
    ledger.fire(a_content(), NOW)
    (entry,) = ledger.take("one", NOW)
    ledger.accepted("one", [(entry, entry.version)], NOW, NOW)

    assert ledger.snapshot(NOW) == ledger.snapshot(NOW + 5 * SECOND)


def test_an_end_is_no_occasion_to_go_through_all_alerts() -> None:
    """At closing time thousands end in one instant."""
    asked: list[Content] = []

    def unseen(content: Content) -> bool:
        asked.append(content)
        return True

    ledger = Ledger(
        ["one"], Limits(), CountedDeliveries(), Notebook(), wall=lambda: 0, unseen=unseen
    )
    over, other = a_content("over"), a_content("other")
    for content in (over, other):
        ledger.fire(content, NOW)

    ledger.end(over.labels, NOW, None, NOW + 3600 * SECOND)

    assert [] == asked
    assert [other] == [entry.content for entry in ledger]


def test_an_answer_about_a_former_breach_tells_nothing_of_the_next() -> None:
    """It only may stand there: nobody was told of the new one, and it has no road yet."""
    notes = Notebook()
    ledger = Ledger(["one"], Limits(), CountedDeliveries(), notes, wall=lambda: 0)
    ledger.fire(a_content(), NOW)
    (entry,) = ledger.take("one", NOW)
    version, former = entry.version, entry.content.key
    ledger.end(entry.content.labels, NOW, None, NOW)
    ledger.fire(a_content(at=NOW + SECOND), NOW + SECOND)

    ledger.accepted("one", [(entry, version)], NOW + SECOND, NOW)

    assert [(former, AlertStep.TOLD)] == [(key, step) for key, step, _, _ in notes.steps]
    assert (Road.UNDECIDED, True) == (entry.road, entry.duties["one"].unsure)
    assert [entry] == ledger.take("one", NOW + SECOND)


@pytest.mark.parametrize("alertmanagers", [[], ["one"]])
def test_what_is_out_of_sight_is_looked_at_again_not_all_the_time(
    alertmanagers: list[str],
) -> None:
    """Also where it would be handed over at once."""
    limits = Limits(handover=0)
    ledger = Ledger(
        alertmanagers,
        limits,
        CountedDeliveries(),
        Notebook(),
        wall=lambda: 0,
        unseen=lambda _content: True,
    )
    ledger.fire(a_content(), NOW)

    ledger.decide(NOW)

    assert NOW + limits.recheck == ledger.next_handover()


def test_a_former_breach_that_nobody_took_is_missed_though_the_next_goes_on() -> None:
    """It ended and began anew while the first post was under way, and that failed."""
    notes, metrics = Notebook(), CountedDeliveries()
    ledger = Ledger(["one"], Limits(), metrics, notes, wall=lambda: 0)
    ledger.fire(a_content(), NOW)
    (entry,) = ledger.take("one", NOW)
    former = entry.content.key
    ledger.end(entry.content.labels, NOW, None, NOW)
    ledger.fire(a_content(at=NOW + SECOND), NOW + SECOND)
    under_way = list(notes.steps)

    ledger.failed("one", [entry], unsure=False, due=NOW + SECOND)
    ledger.decide(NOW + SECOND)

    assert [] == under_way
    assert [(former, AlertStep.MISSED)] == [(key, step) for key, step, _, _ in notes.steps]
    assert 1 == metrics.misses


def test_what_goes_on_under_other_labels_is_not_missed() -> None:
    """Nobody took it yet: it still looks for a road, by another name."""
    notes, metrics = Notebook(), CountedDeliveries()
    ledger = Ledger(["one"], Limits(), metrics, notes, wall=lambda: 0)
    ledger.fire(a_content(), NOW)

    ledger.replace(only(ledger), NOW, NOW)
    ledger.decide(NOW)

    assert (0, [], 0) == (metrics.misses, notes.steps, len(ledger))
