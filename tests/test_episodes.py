"""Tests of episodes: alerts that belong together, noise, and what fired again."""

import dataclasses
from fractions import Fraction

from callmon.alerts import Alert, Ended, Transition
from callmon.clock import SECOND, Micros
from callmon.episodes import (
    AGAIN_WITHIN,
    BRIEF,
    Call,
    Episode,
    EpisodeKey,
    by_key,
    episodes_of,
    fired_again,
)
from callmon.rules import Direction, Severity, Subject, SubjectKind

MINUTE: Micros = 60 * SECOND
SALES = Subject(kind=SubjectKind.QUEUE, name="sales")
LIMIT = Fraction(180 * SECOND)


def alert(
    fired_at: Micros,
    raised_at: Micros | None = None,
    severity: Severity = Severity.WARNING,
    peak: int = 200,
    subject: Subject = SALES,
) -> Alert:
    """Return an alert that stands."""
    return Alert(
        threshold="long_wait",
        subject=subject,
        severity=severity,
        measure="longest_wait",
        window=None,
        direction=Direction.ABOVE,
        limit=LIMIT,
        since=fired_at - 30 * SECOND,
        fired_at=fired_at,
        raised_at=fired_at if raised_at is None else raised_at,
        value=LIMIT,
        peak=Fraction(peak * SECOND),
        shift="night",
    )


def ended(one: Alert, at: Micros, peak: int = 400) -> Transition:
    """Return the end of an alert."""
    over = dataclasses.replace(
        one, ended=Ended.RECOVERED, ended_at=at, peak=Fraction(peak * SECOND)
    )
    return Transition(at=at, kind="ended", alert=over)


def fired(one: Alert) -> Transition:
    """Return the beginning of an alert."""
    return Transition(at=one.raised_at, kind="fired", alert=one)


def escalated(one: Alert) -> Transition:
    """Return that escalation has added an alert."""
    return Transition(at=one.raised_at, kind="escalated", alert=one)


def episode(fired_at: Micros, ended_at: Micros | None, name: str = "sales") -> Episode:
    """Return an episode of which only the times matter."""
    subject = Subject(kind=SubjectKind.QUEUE, name=name)
    one = alert(fired_at, subject=subject)
    turns = [fired(one), *([ended(one, ended_at)] if ended_at is not None else [])]
    return episodes_of(turns)[0]


def test_alerts_of_one_breach_are_one_episode() -> None:
    """Firing, escalation and the end that both have together; the worst is the end's."""
    first = alert(MINUTE)
    second = alert(MINUTE, 6 * MINUTE, Severity.CRITICAL, peak=300)

    found = episodes_of(
        [fired(first), escalated(second), ended(first, 9 * MINUTE), ended(second, 9 * MINUTE)]
    )

    assert [
        Episode(
            threshold="long_wait",
            subject=SALES,
            measure="longest_wait",
            window=None,
            direction=Direction.ABOVE,
            limit=LIMIT,
            since=MINUTE - 30 * SECOND,
            fired_at=MINUTE,
            ended_at=9 * MINUTE,
            ended=Ended.RECOVERED,
            value=LIMIT,
            worst=Fraction(400 * SECOND),
            calls=(
                Call(MINUTE, Severity.WARNING, "night"),
                Call(6 * MINUTE, Severity.CRITICAL, "night"),
            ),
        )
    ] == found


def test_what_stands_has_no_end_and_its_worst_of_now() -> None:
    """No transition tells how bad it is by now: the standing alert does."""
    one = alert(MINUTE)
    now = dataclasses.replace(one, peak=Fraction(999 * SECOND))

    (found,) = episodes_of([fired(one)], [now])

    assert (None, None, Fraction(999 * SECOND)) == (found.ended_at, found.ended, found.worst)
    assert 3 * MINUTE == found.lasted(4 * MINUTE)
    assert not found.is_brief


def test_an_end_without_a_beginning_is_nothing() -> None:
    """What fired before the history began is not told of."""
    assert [] == episodes_of([ended(alert(MINUTE), 2 * MINUTE)])


def test_episodes_are_in_order_of_firing() -> None:
    """And of two at one instant by their keys."""
    names = ["zoo", "ale", "sales"]
    turns = [fired(alert(MINUTE, subject=dataclasses.replace(SALES, name=n))) for n in names]
    turns.append(fired(alert(SECOND)))

    found = episodes_of(turns)

    assert ["sales", "ale", "sales", "zoo"] == [one.subject.name for one in found]


def test_over_within_a_minute_is_brief() -> None:
    """A minute is; a microsecond more is not."""
    assert episode(0, BRIEF).is_brief
    assert not episode(0, BRIEF + 1).is_brief


def test_soon_after_the_end_it_fires_again() -> None:
    """Five minutes are soon; of another queue, or a microsecond more, is no repetition."""
    first = episode(0, MINUTE)
    soon = episode(MINUTE + AGAIN_WITHIN, 8 * MINUTE)
    late = episode(8 * MINUTE + AGAIN_WITHIN + 1, 20 * MINUTE)
    other = episode(2 * MINUTE, None, "support")

    assert {(soon.key, soon.fired_at)} == fired_again([late, other, soon, first])


def test_by_key_lists_each_in_order() -> None:
    """By threshold, kind and name; of each in the order given."""
    one, two, other = episode(0, 1), episode(5, 6), episode(3, 4, "ale")

    assert [
        (EpisodeKey("long_wait", "queue", "ale"), [other]),
        (EpisodeKey("long_wait", "queue", "sales"), [one, two]),
    ] == list(by_key([one, other, two]).items())
