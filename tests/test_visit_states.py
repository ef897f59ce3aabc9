"""Tests of when the end of a visit shows, and when it counts."""

import dataclasses

import pytest

from callmon.clock import SECOND
from callmon.events import Outcome
from callmon.queues import GroupSettings
from callmon.rules import SubjectKind
from callmon.visit_states import PATIENCE, SETTLED_AFTER
from tests.tellers import BASE, Teller, finish, joined, left


@pytest.fixture(name="teller")
def _teller() -> Teller:
    """Return both feeds up, and the engine they tell."""
    return Teller.of_both()


def test_windows_see_an_end_at_once_and_counters_when_it_is_settled(teller: Teller) -> None:
    """Five seconds past the end nothing more is expected, and it counts for ever."""
    teller.tell(joined("a", BASE), left("a", BASE + SECOND, Outcome.TIMEOUT), live=True)
    assert {Outcome.TIMEOUT: 1} == teller.windowed()
    assert {} == teller.outcomes()
    assert 1 == teller.state.unsettled
    teller.engine.advance(BASE + SECOND + SETTLED_AFTER - 1)
    assert {} == teller.outcomes()
    teller.engine.advance(BASE + SECOND + SETTLED_AFTER)
    assert {Outcome.TIMEOUT: 1} == teller.outcomes()
    assert 0 == teller.state.unsettled


def test_who_waits_no_more_is_gone_before_the_reason_is_known(teller: Teller) -> None:
    """The gauge falls with the first word; no window holds what nobody knows yet."""
    teller.tell(joined("a", BASE), left("a", BASE + SECOND, None), live=True)
    assert [] == teller.state.starts
    assert {} == teller.windowed()
    teller.engine.advance(BASE + 60 * SECOND)
    assert {} == teller.outcomes()
    teller.tell(left("a", BASE + SECOND, Outcome.REDIRECTED, SECOND), live=True)
    teller.engine.advance(BASE + 62 * SECOND)
    assert {Outcome.REDIRECTED: 1} == teller.outcomes() == teller.windowed()


def test_who_never_gets_a_reason_is_lost(teller: Teller) -> None:
    """After the patience has run out an undecided end counts as lost."""
    teller.tell(joined("a", BASE), left("a", BASE + SECOND, None), live=True)
    finish(teller)
    assert {Outcome.LOST: 1} == teller.outcomes() == teller.windowed()


def test_a_record_that_is_down_is_waited_for(teller: Teller) -> None:
    """What the live feed alone says counts when the record is back, or after ten minutes."""
    teller.up("log", up=False, live=False)
    teller.tell(joined("a", BASE), left("a", BASE + SECOND, Outcome.TIMEOUT), live=True)
    teller.tell(joined("b", BASE), left("b", BASE + SECOND, Outcome.TIMEOUT), live=True)
    teller.engine.advance(BASE + 60 * SECOND)
    assert 2 == teller.state.unsettled
    teller.tell(
        joined("a", BASE, 1), left("a", BASE + SECOND, Outcome.EMPTY, SECOND, seq=2), live=False
    )
    teller.engine.advance(BASE + 62 * SECOND)
    assert {Outcome.EMPTY: 1} == teller.outcomes()
    teller.engine.advance(BASE + SECOND + PATIENCE)
    assert {Outcome.EMPTY: 1, Outcome.TIMEOUT: 1} == teller.outcomes()


def test_what_is_told_too_late_corrects_windows_and_is_counted_as_a_correction(
    teller: Teller,
) -> None:
    """No counter ever falls."""
    teller.tell(joined("a", BASE), left("a", BASE + SECOND, Outcome.TIMEOUT), live=True)
    teller.engine.advance(BASE + 60 * SECOND)
    late = left("a", BASE + SECOND, Outcome.EMPTY, SECOND, seq=2)
    teller.tell(joined("a", BASE, 1), late, live=False)
    assert {Outcome.TIMEOUT: 1} == teller.outcomes()
    assert {Outcome.EMPTY: 1} == teller.windowed()
    assert {(Outcome.TIMEOUT, Outcome.EMPTY): 1} == teller.state.corrected
    assert 1 == teller.state.arrived


def test_a_live_feed_that_forgot_what_it_was_about_to_tell_is_not_waited_for(
    teller: Teller,
) -> None:
    """Started anew between an end and its reason it never tells; the record has."""
    teller.tell(joined("a", BASE), left("a", BASE + SECOND, None), live=True)
    end = left("a", BASE + SECOND, Outcome.TIMEOUT, SECOND, seq=2)
    teller.tell(joined("a", BASE, 1), end, live=False)
    teller.engine.advance(BASE + 9 * SECOND)
    assert {} == teller.outcomes()
    teller.engine.advance(BASE + 13 * SECOND)
    assert {Outcome.TIMEOUT: 1} == teller.outcomes()


def test_a_guess_waits_for_the_record_that_knows_of_the_visit(teller: Teller) -> None:
    """Who was missed by the live feed may wait still: his end is what the record tells."""
    teller.tell(joined("a", BASE), joined("b", BASE), live=True)
    teller.tell(joined("a", BASE, 1), live=False)
    for contact in "ab":
        teller.tell(left(contact, BASE + SECOND, Outcome.LOST, certain=False), live=True)
    teller.engine.advance(BASE + 60 * SECOND)
    assert {Outcome.LOST: 1} == teller.outcomes()
    end = left("a", BASE + 61 * SECOND, Outcome.ABANDONED, 61 * SECOND, seq=2)
    teller.tell(end, live=False)
    teller.engine.advance(BASE + 70 * SECOND)
    assert {Outcome.LOST: 1, Outcome.ABANDONED: 1} == teller.outcomes()
    assert not teller.state.corrected


@pytest.mark.parametrize("outcome", [None, Outcome.TIMEOUT], ids=repr)
def test_a_new_group_counts_what_is_not_settled_when_it_is(
    teller: Teller, outcome: Outcome | None
) -> None:
    """A reload sums up a group anew while an end may still be told otherwise."""
    teller.tell(joined("a", BASE), joined("b", BASE), live=True)
    teller.tell(left("a", BASE + SECOND, outcome), live=True)
    group = GroupSettings(name="all", queues=("*",))
    settings = dataclasses.replace(teller.engine.settings, groups=(group,))
    teller.engine.reconfigure(settings, BASE + 2 * SECOND)
    state = teller.engine.subjects[SubjectKind.GROUP, "all"]
    assert (2, 1) == (state.arrived, state.unsettled)
    teller.tell(left("a", BASE + SECOND, Outcome.ABANDONED), live=True)
    end = left("a", BASE + SECOND, Outcome.EMPTY, SECOND, seq=2)
    teller.tell(joined("a", BASE, 1), end, live=False)
    finish(teller)
    assert (2, 0) == (state.arrived, state.unsettled)
    totals = [state.outcome_total(outcome) for outcome in Outcome]
    assert (1, 1) == (sum(totals), totals[Outcome.EMPTY])
    assert teller.state.sums == state.sums
