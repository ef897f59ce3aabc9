"""Tests of how two testimonies of one visit come to one outcome."""

import pytest

from callmon.clock import SECOND
from callmon.events import ContactMoved, ContactRefused, ContactsListed, Event, Outcome
from callmon.testimony import verdict
from tests.sites import reborn
from tests.tellers import BASE, Teller, answered, finish, joined, left, talked

HOUR = 3_600 * SECOND


@pytest.mark.parametrize(
    ("live", "certain", "record", "outcome"),
    [
        (Outcome.TIMEOUT, True, None, Outcome.TIMEOUT),
        (Outcome.REDIRECTED, False, None, Outcome.LOST),
        (Outcome.REDIRECTED, False, Outcome.ABANDONED, Outcome.REDIRECTED),
        (Outcome.REDIRECTED, False, Outcome.TIMEOUT, Outcome.TIMEOUT),
        (Outcome.REDIRECTED, True, Outcome.ABANDONED, Outcome.REDIRECTED),
        (Outcome.LOST, True, Outcome.ABANDONED, Outcome.LOST),
        (Outcome.LOST, False, Outcome.ABANDONED, Outcome.ABANDONED),
        (Outcome.LOST, False, Outcome.ANSWERED, Outcome.ANSWERED),
        (Outcome.LOST, True, Outcome.ANSWERED, Outcome.ANSWERED),
        (Outcome.FAILED, True, Outcome.ABANDONED, Outcome.FAILED),
        (Outcome.ABANDONED, True, Outcome.ANSWERED, Outcome.ABANDONED),
        (Outcome.ABANDONED, True, Outcome.WITHDRAWN, Outcome.WITHDRAWN),
        (Outcome.KEY_EXIT, True, Outcome.EMPTY, Outcome.EMPTY),
        (Outcome.KEY_EXIT, True, Outcome.LOST, Outcome.KEY_EXIT),
    ],
)
@pytest.mark.parametrize("first", ["live", "record"])
def test_the_record_decides_but_for_what_it_cannot_know(
    live: Outcome,
    certain: bool,
    record: Outcome | None,
    outcome: Outcome,
    first: str,
) -> None:
    """Whoever speaks first, the outcome is the same."""
    assert outcome is verdict(live, certain=certain, logged=record)
    teller = Teller.of_both()
    end = BASE + 9 * SECOND
    seen_by_live = [joined("a", BASE), left("a", end, live, certain=certain)]
    if record is None:
        by_record: list[Event] = []
    elif record is Outcome.ANSWERED:
        by_record = [joined("a", BASE, 1), answered("a", end, 9 * SECOND, 2)]
    else:
        by_record = [joined("a", BASE, 1), left("a", end, record, 9 * SECOND, seq=2)]
    for is_live in (True, False) if first == "live" else (False, True):
        teller.tell(*(seen_by_live if is_live else by_record), live=is_live)
    assert {outcome: 1} == teller.windowed()
    finish(teller)
    assert {outcome: 1} == teller.outcomes()
    talks = record is Outcome.ANSWERED is outcome
    assert int(talks) == teller.state.talking


@pytest.fixture(name="teller")
def _teller() -> Teller:
    """Return both feeds up, and the engine they tell."""
    return Teller.of_both()


def restarted(teller: Teller) -> Teller:
    """Return a fresh engine that goes on from a checkpoint."""
    heir = Teller()
    heir.engine = reborn(teller.engine)
    return heir


def test_who_left_before_a_quiet_night_is_not_counted_by_a_late_record(teller: Teller) -> None:
    """While a source says nothing, nothing of it is late, and so nothing is forgotten."""
    teller.up("log", up=False, live=False)
    end = left("a", BASE + SECOND, Outcome.TIMEOUT, SECOND, seq=2)
    teller.tell(joined("a", BASE), end, live=True)
    for hour in range(1, 14):
        teller.engine.advance(BASE + hour * HOUR)
    teller.tell(joined("a", BASE, 1), end, live=False)
    finish(teller)
    assert 1 == teller.state.arrived
    assert {Outcome.TIMEOUT: 1} == teller.outcomes()


def test_a_talk_of_many_hours_outlives_the_next_visit_of_its_id(teller: Teller) -> None:
    """Who is forgotten takes nobody with him who still talks."""
    teller.tell(joined("a", BASE), answered("a", BASE + SECOND, SECOND), live=True)
    teller.tell(joined("a", BASE + 10 * SECOND), live=True)
    teller.tell(left("a", BASE + 12 * SECOND, Outcome.TIMEOUT), live=True)
    for hour in range(1, 14):
        teller.tell(joined(f"z{hour}", BASE + hour * HOUR), live=True)
        teller.engine.advance(BASE + hour * HOUR + 60 * SECOND)
    assert 1 == teller.state.talking
    teller.tell(talked("a", BASE + 14 * HOUR, 14 * HOUR), live=True)
    assert 0 == teller.state.talking


def test_who_was_renamed_is_forgotten_under_both_ids(teller: Teller) -> None:
    """An attended transfer leaves nothing behind in memory."""
    teller.tell(joined("a", BASE), live=True)
    teller.tell(ContactMoved(BASE + SECOND, "pbx", 0, "q", "a", "b"), live=True)
    teller.tell(left("b", BASE + 2 * SECOND, Outcome.TIMEOUT), live=True)
    for hour in range(8, 40):
        teller.tell(joined(f"z{hour}", BASE + hour * HOUR), live=True)
        teller.engine.advance(BASE + hour * HOUR + 60 * SECOND)
    # What is forgotten and told again is late.
    teller.tell(joined("a", BASE, 1), joined("b", BASE, 2), live=False)
    assert {"late": 2} == teller.engine.dropped


def test_who_was_renamed_keeps_the_talk_of_his_former_visit(teller: Teller) -> None:
    """His new id has visits of its own, and the talk of his old one ends all the same."""
    teller.tell(joined("a", BASE), answered("a", BASE + SECOND, SECOND), live=True)
    teller.tell(joined("b", BASE), left("b", BASE + SECOND, Outcome.TIMEOUT), live=True)
    teller.tell(joined("a", BASE + 10 * SECOND), live=True)
    teller.tell(ContactMoved(BASE + 12 * SECOND, "pbx", 0, "q", "a", "b"), live=True)
    teller.tell(talked("a", BASE + 20 * SECOND, 19 * SECOND), live=True)
    teller.tell(answered("b", BASE + 21 * SECOND, 11 * SECOND), live=True)
    teller.tell(talked("b", BASE + 30 * SECOND, 9 * SECOND), live=True)
    finish(teller)
    assert 0 == teller.state.talking
    assert {Outcome.ANSWERED: 2, Outcome.TIMEOUT: 1} == teller.outcomes()


def test_a_list_closes_the_former_waits_of_who_is_in_it(teller: Teller) -> None:
    """An id waits once: a wait of his before is a ghost, whatever was told first."""
    teller.tell(joined("a", BASE), joined("a", BASE - 600 * SECOND), live=True)
    teller.tell(ContactsListed(BASE + 60 * SECOND, "pbx", 0, "q", ("a",)), live=True)
    assert [BASE] == teller.state.starts


@pytest.mark.parametrize("order", [(True, False), (False, True)], ids=repr)
def test_the_end_of_a_former_talk_is_no_answer(teller: Teller, order: tuple[bool, ...]) -> None:
    """Who is back before the record tells the end of his talk goes on waiting."""
    over, back = BASE + 30 * SECOND, BASE + 30 * SECOND + 100_000
    start = answered("a", BASE + 5 * SECOND, 5 * SECOND, 2)
    end = talked("a", over, 25 * SECOND, 4)
    told = {
        True: (joined("a", BASE), start, end, joined("a", back)),
        False: (joined("a", BASE, 1), start, joined("a", over, 3), end),
    }
    for live in order:
        teller.tell(*told[live], live=live)
    assert ([back], 0) == (teller.state.starts, teller.state.talking)
    gone = left("a", BASE + 60 * SECOND, Outcome.ABANDONED, 30 * SECOND, seq=5)
    for live in order:
        teller.tell(gone, live=live)
    finish(teller)
    assert {Outcome.ANSWERED: 1, Outcome.ABANDONED: 1} == teller.outcomes()
    assert teller.outcomes() == teller.windowed()


def test_the_record_ends_no_talk_of_which_it_has_not_told_the_answer(teller: Teller) -> None:
    """It is behind, and tells of the talk before, which the live feed knows was none."""
    teller.tell(joined("a", BASE), left("a", BASE, Outcome.ABANDONED, 0), live=True)
    back = BASE + 5 * SECOND
    teller.tell(joined("a", back), answered("a", back, 0), live=True)
    teller.tell(joined("a", BASE, 1), answered("a", BASE, 0, 2), live=False)
    teller.tell(talked("a", BASE, 0, 3), live=False)
    assert 1 == teller.state.talking


def test_who_pressed_a_key_and_came_back_unseen_is_two_visits(teller: Teller) -> None:
    """A live feed that tells an end otherwise tells it of the same beginning."""
    key = left("a", BASE + 5 * SECOND, Outcome.KEY_EXIT, 5 * SECOND)
    gone = left("a", BASE + 60 * SECOND, Outcome.ABANDONED, 30 * SECOND)
    teller.tell(joined("a", BASE), key, gone, live=True)
    finish(teller)
    assert {Outcome.KEY_EXIT: 1, Outcome.ABANDONED: 1} == teller.outcomes()
    assert 2 == teller.state.arrived


def test_a_refusal_is_counted_by_whoever_tells_more_of_them(teller: Teller) -> None:
    """One who tries again and again is refused as often, told early or late."""
    refusal = ContactRefused(BASE, "pbx", 0, "q", "a", "full")
    teller.tell(refusal, refusal, refusal, live=True)
    teller.tell(refusal, refusal, live=False)
    assert {"full": 3} == teller.state.refused


def test_who_left_before_a_live_feed_came_is_not_shown_again() -> None:
    """What it still tells of him is known."""
    teller = Teller(live=False)
    teller.tell(joined("a", BASE, 1), answered("a", BASE + SECOND, SECOND, 2), live=False)
    teller.up("ami", up=True, live=True)
    at = BASE + SECOND + 400_000
    teller.tell(joined("a", BASE + 400_000), answered("a", at, SECOND), live=True)
    teller.tell(talked("a", at + 8 * SECOND, 8 * SECOND), live=True)
    teller.tell(talked("a", BASE + 9 * SECOND, 8 * SECOND, 3), live=False)
    finish(teller)
    assert {Outcome.ANSWERED: 1} == teller.outcomes() == teller.windowed()
    assert (1, 0) == (teller.state.arrived, teller.state.talking)


@pytest.mark.parametrize("told", [0, 2, 3])
def test_a_restart_tells_apart_visits_of_one_moment(teller: Teller, told: int) -> None:
    """Who is back within a second waits on, whatever the record had told of it by then."""
    back = BASE + 1_500_000
    end = left("a", BASE, Outcome.TIMEOUT, 0, seq=2)
    record = (joined("a", BASE, 1), end, joined("a", back // SECOND * SECOND, 3))[:told]
    gone = left("a", BASE + 200_000, Outcome.TIMEOUT, 100_000)
    teller.tell(joined("a", BASE + 100_000), gone, joined("a", back), live=True)
    teller.tell(*record, live=False)
    teller.engine.advance(BASE + 3 * SECOND)
    heir = restarted(teller)
    assert [back] == heir.state.starts
    assert teller.state.unsettled == heir.state.unsettled
    assert teller.windowed() == heir.windowed()


def test_a_talk_that_only_a_live_feed_saw_end_is_over_after_a_restart(teller: Teller) -> None:
    """The record that is read again has not told it yet."""
    record = (joined("a", BASE, 1), answered("a", BASE, 0, 2))
    teller.tell(*record, live=False)
    teller.tell(joined("a", BASE), answered("a", BASE, 0), live=True)
    teller.tell(talked("a", BASE + SECOND, SECOND), live=True)
    teller.engine.advance(BASE + 60 * SECOND)
    assert 0 == restarted(teller).state.talking
