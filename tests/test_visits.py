"""Tests of what two feeds of one source come to, against the truth they tell of."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactMoved,
    ContactRefused,
    ContactsListed,
    Event,
    Outcome,
    RingNotAnswered,
    SourceRestarted,
)
from callmon.queues import SubjectState
from callmon.rules import SubjectKind
from tests.sites import fingerprint, reborn
from tests.switchboard import START, Switchboard, queue_rows
from tests.tellers import BASE, Teller, answered, finish, joined, left, talked

LOGGED = {
    Outcome.REDIRECTED: Outcome.ABANDONED,
    Outcome.LOST: Outcome.ABANDONED,
    Outcome.FAILED: Outcome.FAILED,
}
"""What the record calls what only a live feed can tell."""


class Call(NamedTuple):
    """One true visit."""

    contact: str
    start: Micros
    end: Micros
    outcome: Outcome
    talk: Micros
    early: bool  #: the caller hung up just before he was connected


def floor(at: Micros) -> Micros:
    """Return *at* as the record writes it."""
    return at // SECOND * SECOND


def logged(calls: Sequence[Call]) -> list[tuple[Micros, Event]]:
    """Return what the record tells of *calls*, and when it is written."""
    told: list[tuple[Micros, Event]] = []
    for call in calls:
        wait = floor(call.end) - floor(call.start)
        told.append((call.start, joined(call.contact, floor(call.start))))
        if call.outcome is Outcome.ANSWERED or call.early:
            told.append((call.end, answered(call.contact, floor(call.end), wait)))
            over = call.end + (0 if call.early else call.talk)
            length = floor(over) - floor(call.end)
            told.append((over, talked(call.contact, floor(over), length)))
        else:
            outcome = LOGGED.get(call.outcome, call.outcome)
            told.append((call.end, left(call.contact, floor(call.end), outcome, wait)))
    told.sort(key=lambda pair: pair[0])
    numbered: list[tuple[Micros, Event]] = []
    for seq, (at, event) in enumerate(told):
        numbered.append((at, _numbered(event, seq)))
    return numbered


def _numbered(event: Event, seq: int) -> Event:
    values = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event)(**{**values, "seq": seq})


def seen(calls: Sequence[Call]) -> list[tuple[Micros, Event]]:
    """Return what a live feed that is always up tells of *calls*."""
    told: list[tuple[Micros, Event]] = []
    for call in calls:
        name, wait = call.contact, call.end - call.start
        told.append((call.start, joined(name, call.start)))
        if call.outcome is Outcome.ANSWERED:
            told.append((call.end, left(name, call.end, None, wait)))
            told.append((call.end, answered(name, call.end, wait)))
            over = call.end + call.talk
            told.append((over, talked(name, over, call.talk)))
        elif call.early:
            told.append((call.end, left(name, call.end, Outcome.ABANDONED, wait)))
        else:
            told.append((call.end, left(name, call.end, None, wait)))
            told.append((call.end, left(name, call.end, call.outcome, wait)))
    told.sort(key=lambda item: item[0])
    return told


def seen_in_part(
    calls: Sequence[Call],
    gap: tuple[Micros, Micros],
    unread: Micros = 0,
    *,
    forgotten: bool = False,
) -> list[tuple[Micros, Event]]:
    """Return what a live feed tells whose connection was cut during *gap*.

    The snapshot after it lies *unread* for so long, or what tells of the PBX's clock did
    (negative). The feed may have *forgotten* whom it
    has told of before.
    """
    begin, end = gap
    told = [(at, event) for at, event in seen(calls) if not begin <= at < end]
    known = {
        (event.contact, event.at) for at, event in told if isinstance(event, ContactJoined)
    }
    back: list[tuple[Micros, Event]] = []
    for call in calls:
        told_of = (call.contact, call.start) in known
        if call.start < end <= call.end and (forgotten or not told_of):
            # The snapshot counts the wait in whole seconds.
            start = end + unread - (end - call.start) // SECOND * SECOND
            late = ContactJoined(start, "pbx", 0, "q", call.contact, vague=abs(unread))
            back.append((end, late))
        if told_of and call.start < begin <= call.end < end:
            back.append((end, left(call.contact, end, Outcome.LOST, certain=False)))
    order = [(at, 1, event) for at, event in told] + [(at, 0, event) for at, event in back]
    order.sort(key=lambda item: item[:2])
    return [(at, event) for at, _, event in order]


def expected(calls: Sequence[Call], gap: tuple[Micros, Micros] | None) -> dict[Outcome, int]:
    """Return how many ended how: as the record says where the live feed could not see."""
    outcomes: Counter[Outcome] = Counter()
    for call in calls:
        if gap is not None and gap[0] <= call.end < gap[1]:
            as_logged = Outcome.ANSWERED if call.early else call.outcome
            outcomes[LOGGED.get(as_logged, as_logged)] += 1
        else:
            outcomes[call.outcome] += 1
    return dict(outcomes)


@st.composite
def all_calls(draw: st.DrawFn, pause: Micros = 3 * SECOND // 2) -> list[Call]:
    """Return some visits of few ids; visits of one id follow each other.

    Asterisk takes a moment for leaving a queue and joining it again: *pause* at least.
    """
    calls: list[Call] = []
    for contact in "abc":
        at = BASE + draw(st.integers(0, 20 * SECOND))
        for _ in range(draw(st.integers(0, 3))):
            wait = draw(st.sampled_from((0, 1, 300_000, 2 * SECOND, 7 * SECOND, 30 * SECOND)))
            outcome = draw(st.sampled_from(tuple(Outcome)))
            early = outcome is Outcome.ABANDONED and draw(st.booleans())
            talk = draw(st.sampled_from((1, 400_000, 5 * SECOND)))
            calls.append(Call(contact, at, at + wait, outcome, talk, early))
            over = at + wait + (talk if outcome is Outcome.ANSWERED else 0)
            at = over + draw(st.sampled_from((pause, 5 * SECOND, 11 * SECOND)))
    return sorted(calls, key=lambda call: call.start)


def interleaved(
    data: st.DataObject, live: list[tuple[Micros, Event]], record: list[tuple[Micros, Event]]
) -> Iterator[tuple[Event, bool]]:
    """Yield both stories in an order that keeps each one's own."""
    live, record = live[:], record[:]
    while live or record:
        first = bool(live) and (not record or data.draw(st.booleans()))
        yield (live if first else record).pop(0)[1], first


def check(teller: Teller, calls: Sequence[Call], outcomes: dict[Outcome, int]) -> None:
    """Check that every visit was counted once, and as it should be."""
    state = teller.state
    assert outcomes == teller.outcomes()
    assert outcomes == teller.windowed()
    assert len(calls) == state.arrived
    assert [] == state.starts
    assert (0, 0) == (state.talking, state.unsettled)
    assert not state.corrected


@given(calls=all_calls())
def test_a_live_feed_alone_tells_the_truth(calls: list[Call]) -> None:
    """Without a record the live feed's words are the counts."""
    teller = Teller()
    teller.up("ami", up=True, live=True)
    for _, event in seen(calls):
        teller.tell(event, live=True)
    if calls:
        finish(teller)
        check(teller, calls, expected(calls, None))


@given(data=st.data(), calls=all_calls())
def test_two_feeds_count_every_visit_once(data: st.DataObject, calls: list[Call]) -> None:
    """In whatever order the two stories arrive, they come to the truth."""
    teller = Teller.of_both()
    for event, live in interleaved(data, seen(calls), logged(calls)):
        teller.tell(event, live=live)
    if calls:
        finish(teller)
        check(teller, calls, expected(calls, None))


@given(data=st.data(), calls=all_calls(pause=4 * SECOND))
def test_the_record_fills_the_gap_of_a_live_feed(
    data: st.DataObject, calls: list[Call]
) -> None:
    """What happened while the live feed was cut is counted once, as the record tells it."""
    begin = BASE + data.draw(st.integers(0, 40 * SECOND))
    gap = begin, begin + data.draw(st.integers(0, 30 * SECOND))
    teller = Teller.of_both()
    for event, live in interleaved(data, seen_in_part(calls, gap), logged(calls)):
        teller.tell(event, live=live)
    if calls:
        finish(teller)
        check(teller, calls, expected(calls, gap))


@given(data=st.data(), all_calls=all_calls())
def test_a_snapshot_that_lies_unread_doubles_nobody(
    data: st.DataObject, all_calls: list[Call]
) -> None:
    """A machine that is slow, as at the start, makes later callers of those who wait."""
    calls = list({call.contact: call for call in all_calls}.values())
    begin = BASE + data.draw(st.integers(0, 40 * SECOND))
    gap = begin, begin + data.draw(st.integers(0, 30 * SECOND))
    unread = data.draw(st.integers(-20 * SECOND, 20 * SECOND))
    live = seen_in_part(calls, gap, unread, forgotten=data.draw(st.booleans()))
    teller = Teller.of_both()
    for event, is_live in interleaved(data, live, logged(calls)):
        teller.tell(event, live=is_live)
    if calls:
        finish(teller)
        check(teller, calls, expected(calls, gap))


def restarted(teller: Teller, down: Micros) -> Teller:
    """Return a fresh engine that goes on from *teller*'s checkpoint."""
    heir = Teller()
    heir.engine = reborn(teller.engine)
    assert fingerprint(teller.engine) == fingerprint(heir.engine)
    assert teller.state.unsettled == heir.state.unsettled
    heir.up("ami", up=False, live=True)
    heir.up("log", up=True, live=False)
    heir.engine.advance(down)
    return heir


def check_identity(state: SubjectState) -> None:
    """Check that everybody who arrived is somewhere, once."""
    outcomes = sum(state.outcome_total(outcome) for outcome in Outcome)
    assert state.arrived == outcomes + len(state.starts) + state.unsettled


@given(data=st.data(), calls=all_calls(pause=4 * SECOND))
def test_a_restart_at_any_moment_counts_every_visit_once(
    data: st.DataObject, calls: list[Call]
) -> None:
    """After a checkpoint, a pause and a new beginning the counters are as without them."""
    begin = BASE + data.draw(st.integers(0, 40 * SECOND))
    gap = begin, begin + data.draw(st.integers(0, 20 * SECOND))
    live, record = seen_in_part(calls, gap), logged(calls)
    before = [pair for pair in live if pair[0] < begin]
    after = [pair for pair in live if pair[0] >= gap[1]]
    read = data.draw(st.integers(0, sum(at <= begin for at, _ in record)))
    teller = Teller.of_both()
    for event, is_live in interleaved(data, before, record[:read]):
        teller.tell(event, live=is_live)
        check_identity(teller.state)
    if (SubjectKind.QUEUE, "q") not in teller.engine.subjects:
        return
    teller.engine.advance(max(begin, teller.engine.now))
    heir = restarted(teller, max(gap[1], teller.engine.now))
    heir.up("ami", up=True, live=True)
    for event, is_live in interleaved(data, after, record[read:]):
        heir.tell(event, live=is_live)
        check_identity(heir.state)
    finish(heir)
    check_identity(heir.state)
    assert len(calls) == heir.state.arrived
    assert ([], 0, 0) == (heir.state.starts, heir.state.talking, heir.state.unsettled)
    if not heir.state.corrected:
        assert expected(calls, gap) == heir.outcomes()


@pytest.fixture(name="teller")
def _teller() -> Teller:
    """Return both feeds up, and the engine they tell."""
    return Teller.of_both()


def test_the_live_feed_decides_how_long_it_took(teller: Teller) -> None:
    """A wait is as exact as the best witness."""
    teller.tell(joined("a", BASE, 1), live=False)
    teller.tell(joined("a", BASE + 700_000), live=True)
    assert [BASE + 700_000] == teller.state.starts
    teller.tell(answered("a", BASE + 2_000_000, 2 * SECOND, 2), live=False)
    teller.tell(answered("a", BASE + 2_100_000, 1_400_000), live=True)
    finish(teller)
    assert 1_400_000 == sum(teller.state.sums)


def test_a_renamed_caller_is_one_visit(teller: Teller) -> None:
    """An attended transfer changes the id; the record may tell either, late or early."""
    teller.tell(joined("a", BASE), live=True)
    teller.tell(ContactMoved(BASE + 5 * SECOND, "pbx", 0, "q", "a", "b"), live=True)
    teller.tell(joined("a", BASE, 1), live=False)
    teller.tell(answered("b", BASE + 9 * SECOND, 9 * SECOND), live=True)
    teller.tell(answered("b", BASE + 9 * SECOND, 9 * SECOND, 2), live=False)
    finish(teller)
    assert {Outcome.ANSWERED: 1} == teller.outcomes()
    assert (1, 1) == (teller.state.arrived, teller.state.talking)


def test_who_is_pulled_into_a_bridge_is_redirected_once(teller: Teller) -> None:
    """The record tells the end of such a caller under an id nobody has heard of."""
    teller.tell(joined("other", BASE - 90 * SECOND, 0), live=False)
    teller.tell(joined("a", BASE), live=True)
    teller.tell(joined("a", BASE, 1), live=False)
    teller.tell(left("a", BASE + 9 * SECOND, Outcome.REDIRECTED), live=True)
    gone = left("surrogate", BASE + 9 * SECOND, Outcome.ABANDONED, 9 * SECOND, seq=2)
    teller.tell(gone, live=False)
    finish(teller)
    assert {Outcome.REDIRECTED: 1} == teller.outcomes()
    assert 2 == teller.state.arrived


def test_a_list_of_who_waits_closes_ghosts(teller: Teller) -> None:
    """Who is not in the list has left unseen; who joined just now may be too young for it."""
    teller.tell(joined("a", BASE), joined("b", BASE), live=True)
    teller.tell(joined("c", BASE + 59 * SECOND), live=True)
    teller.tell(ContactsListed(BASE + 60 * SECOND, "pbx", 0, "q", ("b",)), live=True)
    assert [BASE, BASE + 59 * SECOND] == teller.state.starts
    finish(teller)
    assert {Outcome.LOST: 1} == teller.outcomes()


@pytest.mark.parametrize("told", [(True, False), (False, True), (True,), (False,)], ids=repr)
def test_a_ring_told_by_both_is_one_ring(teller: Teller, told: tuple[bool, ...]) -> None:
    """Rings have no id of their own: each feed's are counted, and the larger number holds."""
    for live in (True, False):
        teller.tell(joined("a", BASE, 1), live=live)
    ring = RingNotAnswered(BASE, "pbx", 2, "q", "a", 5 * SECOND, "agent")
    for live in told:
        teller.tell(ring, ring, live=live)
    assert 2 == teller.state.rings


def test_a_refusal_told_by_both_is_one_refusal(teller: Teller) -> None:
    """The same caller refused again is a second one."""
    refusal = ContactRefused(BASE, "pbx", 0, "q", "a", "full")
    for live in (True, False, True, False):
        teller.tell(refusal, live=live)
    assert {"full": 2} == teller.state.refused


def test_a_restart_ends_what_was_open(teller: Teller) -> None:
    """Waits before it are lost, talks are over, and those after it are none of its."""
    teller.tell(joined("a", BASE), joined("b", BASE), answered("b", BASE + SECOND), live=True)
    teller.tell(SourceRestarted(BASE + 30 * SECOND, "pbx", 0), live=True)
    teller.tell(joined("c", BASE + 32 * SECOND), live=True)
    teller.tell(joined("a", BASE, 1), joined("b", BASE, 2), live=False)
    teller.tell(answered("b", BASE + SECOND, SECOND, 3), live=False)
    teller.tell(SourceRestarted(BASE + 30 * SECOND, "pbx", 4), live=False)
    finish(teller)
    assert {Outcome.ANSWERED: 1, Outcome.LOST: 1} == teller.outcomes()
    assert [BASE + 32 * SECOND] == teller.state.starts
    assert 0 == teller.state.talking


def test_a_caller_lost_to_a_cut_connection_is_what_the_record_says(teller: Teller) -> None:
    """A live feed that saw nobody leave knows nothing, and does not overrule."""
    teller.tell(joined("a", BASE), live=True)
    teller.tell(left("a", BASE + 60 * SECOND, Outcome.LOST, certain=False), live=True)
    teller.tell(joined("a", BASE, 1), live=False)
    teller.tell(answered("a", BASE + 20 * SECOND, 20 * SECOND, 2), live=False)
    teller.tell(talked("a", BASE + 50 * SECOND, 30 * SECOND, 3), live=False)
    finish(teller)
    assert {Outcome.ANSWERED: 1} == teller.outcomes() == teller.windowed()
    assert 20 * SECOND == sum(teller.state.sums)


def test_memory_of_who_has_left_is_bounded(teller: Teller) -> None:
    """Hours after their end visits are forgotten, and told again they are too late."""
    teller.tell(joined("a", BASE), left("a", BASE + SECOND, Outcome.TIMEOUT), live=True)
    finish(teller)
    later = BASE + 8 * 3600 * SECOND
    teller.tell(joined("b", later), live=True)
    for hour in range(1, 14):
        teller.engine.advance(later + hour * 3600 * SECOND)
    teller.tell(joined("a", BASE, 1), live=False)
    assert {"late": 1} == teller.engine.dropped


def test_a_live_feed_may_join_a_record_that_has_long_been_read() -> None:
    """After a reload who waits and talks goes on, and who has left is not counted again."""
    teller = Teller(live=False)
    teller.tell(joined("a", BASE, 1), joined("b", BASE, 2), joined("c", BASE, 3), live=False)
    teller.tell(answered("b", BASE + SECOND, SECOND, 4), live=False)
    teller.tell(left("c", BASE + SECOND, Outcome.ABANDONED, SECOND, seq=5), live=False)
    teller.up("log", up=True, live=False)
    teller.up("ami", up=True, live=True)
    assert [BASE] == teller.state.starts
    teller.tell(left("c", BASE + SECOND, Outcome.ABANDONED, SECOND), live=True)
    teller.tell(joined("a", BASE + 500_000), left("a", BASE + 9 * SECOND, None), live=True)
    teller.tell(answered("a", BASE + 9 * SECOND), talked("b", BASE + 9 * SECOND), live=True)
    finish(teller)
    assert {Outcome.ANSWERED: 2, Outcome.ABANDONED: 1} == teller.outcomes()
    assert (3, 1) == (teller.state.arrived, teller.state.talking)


@given(data=st.data(), all_calls=all_calls(), lag=st.integers(0, 90 * SECOND))
def test_a_live_feed_that_does_not_know_how_late_it_is_doubles_nobody(
    data: st.DataObject, all_calls: list[Call], lag: Micros
) -> None:
    """Without time stamps a slow line tells of everything as of when it is heard."""
    calls = list({call.contact: call for call in all_calls}.values())
    late: list[tuple[Micros, Event]] = []
    for at, event in seen(calls):
        moved = {name: getattr(event, name) for name in event.__struct_fields__}
        moved["at"] = at + lag
        if isinstance(event, ContactJoined):
            moved["exact"] = False
        late.append((at + lag, type(event)(**moved)))
    teller = Teller.of_both()
    for event, live in interleaved(data, late, logged(calls)):
        teller.tell(event, live=live)
    if calls:
        finish(teller)
        assert len(calls) == teller.state.arrived
        assert expected(calls, None) == teller.windowed()
        assert ([], 0, 0) == (
            teller.state.starts,
            teller.state.talking,
            teller.state.unsettled,
        )


def test_what_only_a_live_feed_may_tell_is_no_restart() -> None:
    """A record that speaks of a list or a move ends nobody's wait."""
    teller = Teller(live=False)
    teller.tell(joined("a", BASE, 1), live=False)
    teller.tell(ContactsListed(BASE + 9 * SECOND, "pbx", 2, "q", ()), live=False)
    assert [BASE] == teller.state.starts
    assert {"orphan": 1} == teller.engine.dropped


def test_a_guess_may_turn_out_to_be_an_answer(teller: Teller) -> None:
    """What was missed may be told by the very feed that missed it, late."""
    teller.tell(joined("a", BASE), live=True)
    teller.tell(left("a", BASE + 60 * SECOND, Outcome.LOST, certain=False), live=True)
    teller.tell(answered("a", BASE + 61 * SECOND, 61 * SECOND), live=True)
    finish(teller)
    assert {Outcome.ANSWERED: 1} == teller.outcomes() == teller.windowed()


def test_a_correction_survives_a_restart(teller: Teller) -> None:
    """Windows go on with the better word, counters with what they have counted."""
    teller.tell(joined("a", BASE), left("a", BASE + SECOND, Outcome.TIMEOUT), live=True)
    teller.up("log", up=False, live=False)
    finish(teller)
    late = left("a", BASE + SECOND, Outcome.EMPTY, SECOND, seq=2)
    teller.tell(joined("a", BASE, 1), late, live=False)
    heir = restarted(teller, teller.engine.now)

    assert {Outcome.EMPTY: 1} == heir.windowed()
    assert {Outcome.TIMEOUT: 1} == heir.outcomes()


@pytest.mark.parametrize("log_first", [True, False])
def test_a_snapshot_that_is_read_late_doubles_nobody(*, log_first: bool) -> None:
    """Who is in it waits as long as it says, and as much longer as it lay unread."""
    teller, board = Teller.of_both(), Switchboard()
    record: list[Event] = [
        ContactJoined(START - 8 * SECOND, "pbx", 1, "sales", "1.1"),
        ContactAnswered(START + 5 * SECOND, "pbx", 2, "sales", "1.1", 13 * SECOND, "Ann"),
    ]
    if log_first:
        teller.tell(record[0], live=False)
    board.list_queues(queue_rows([("1.1", 7)]), after=3 * SECOND)
    board.play("2; AgentConnect HoldTime=13")
    teller.tell(*board.events, live=True)

    teller.tell(*record[log_first:], live=False)
    finish(teller)

    queue = teller.engine.subjects[SubjectKind.QUEUE, "sales"]
    assert 1 == queue.arrived
    assert 1 == queue.outcome_total(Outcome.ANSWERED)


def test_who_waited_before_a_restart_of_ours_is_no_second_caller(teller: Teller) -> None:
    """The first snapshot after it shows him; a machine that starts is slow to read it."""
    teller.tell(joined("1", BASE), live=True)
    late = ContactJoined(BASE + 4 * SECOND, "pbx", 9, "q", "1", vague=3 * SECOND)

    teller.tell(late, live=True)
    teller.tell(answered("1", BASE + 60 * SECOND, 60 * SECOND), live=True)
    finish(teller)

    assert 1 == teller.state.arrived
    assert {Outcome.ANSWERED: 1} == teller.outcomes()


def test_a_wait_told_in_whole_seconds_may_be_off_by_two(teller: Teller) -> None:
    """Of a missed call only wait and talk are told: both are rounded, and told late."""
    teller.tell(answered("1", BASE + 24 * SECOND, 20 * SECOND), live=True)

    teller.tell(joined("1", BASE, 1), live=False)
    teller.tell(answered("1", BASE + 22 * SECOND, 22 * SECOND, 2), live=False)
    finish(teller)

    assert 1 == teller.state.arrived
    assert {Outcome.ANSWERED: 1} == teller.outcomes()


@pytest.mark.parametrize("log_first", [True, False])
def test_an_answer_told_by_its_talk_may_seem_to_be_before_the_join(
    teller: Teller, *, log_first: bool
) -> None:
    """A talk is told in whole seconds, so who was answered at once seems to be too soon."""
    record = (joined("1", BASE, 1), answered("1", BASE, 0, 2))
    if log_first:
        teller.tell(*record, live=False)
    teller.tell(joined("1", BASE + 600_000), live=True)
    teller.tell(answered("1", BASE + 430_000, 0), live=True)
    teller.tell(talked("1", BASE + 2_430_000, 2 * SECOND), live=True)
    if not log_first:
        teller.tell(*record, live=False)
    teller.tell(talked("1", BASE + 2 * SECOND, 2 * SECOND, 3), live=False)
    finish(teller)

    assert 1 == teller.state.arrived
    assert {Outcome.ANSWERED: 1} == teller.outcomes() == teller.windowed()
    assert (0, 0) == (teller.state.talking, teller.state.unsettled)


def test_who_is_back_at_once_is_not_ended_by_what_is_told_of_before(teller: Teller) -> None:
    """An end told again is that of the visit it was told of, however short that was."""
    teller.tell(joined("1", BASE), live=True)
    teller.tell(left("1", BASE + SECOND, Outcome.TIMEOUT, SECOND), live=True)
    teller.tell(joined("1", BASE + 1_050_000), live=True)

    teller.tell(answered("1", BASE + 900_000, SECOND), live=True)

    assert [BASE + 1_050_000] == teller.state.starts
