"""Callers from join to end, and what Asterisk, or a liar, may send about them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.decode import ami_visits
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactMoved,
    RingNotAnswered,
)
from tests.switchboard import START, Switchboard, ends, event, queue_rows


def test_a_join_has_its_time_and_place() -> None:
    """A contact is its channel, in the queue as Asterisk spells it, at the PBX's time."""
    board = Switchboard(skew=3600 * SECOND)

    board.play("QueueCallerJoin Queue=Sales")

    (joined,) = board.events
    assert isinstance(joined, ContactJoined)
    assert ("1.1", "Sales", START + 3600 * SECOND, "pbx") == (
        joined.contact,
        joined.queue,
        joined.at,
        joined.source,
    )
    assert 1 == board.interpreter.waiting("sales")


def test_an_answer_has_the_wait_until_the_connection() -> None:
    """The wait is measured between Asterisk's own stamps; its whole seconds are not used."""
    board = Switchboard()

    board.play("QueueCallerJoin; 3; QueueCallerLeave; AgentConnect HoldTime=9")

    answered = board.events[2]
    assert isinstance(answered, ContactAnswered)
    assert (3_002_000, START + 3_002_000, "Ann") == (answered.wait, answered.at, answered.agent)


def test_an_agent_without_a_name_is_his_interface() -> None:
    """Asterisk's own log does the same."""
    board = Switchboard()

    board.play("QueueCallerJoin; AgentConnect MemberName=-")

    assert "SIP/7" == next(e.agent for e in board.events if isinstance(e, ContactAnswered))


def test_an_unanswered_ring_is_told() -> None:
    """RingTime is in milliseconds, and a name that is no UTF-8 takes the queue with it."""
    board = Switchboard()

    board.play(
        "QueueCallerJoin; AgentRingNoAnswer RingTime=4000;"
        "AgentRingNoAnswer RingTime=0 Queue=- MemberName=-"
    )

    rings = [e for e in board.events if isinstance(e, RingNotAnswered)]
    assert [("sales", 4 * SECOND, "Ann"), ("sales", 0, "SIP/7")] == [
        (ring.queue, ring.ring, ring.agent) for ring in rings
    ]


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("QueueCallerJoin; QueueCallerJoin Timestamp=1795333000.0", ["joined"]),
        (
            (
                "QueueCallerJoin; HangupRequest; QueueCallerAbandon; QueueCallerLeave;"
                "QueueCallerLeave; QueueCallerAbandon HoldTime=0; Hangup; Hangup"
            ),
            ["joined", "abandoned"],
        ),
        (
            "QueueCallerJoin; QueueCallerLeave; AgentConnect; AgentConnect HoldTime=0",
            ["joined", "left", "answered"],
        ),
        (
            (
                "QueueCallerJoin; QueueCallerAbandon; QueueCallerLeave; QueueCallerLeave;"
                "VarSet Variable=QUEUESTATUS Value=TIMEOUT;"
                "VarSet Variable=QUEUESTATUS Value=TIMEOUT"
            ),
            ["joined", "left", "timeout"],
        ),
    ],
)
def test_what_is_told_twice_counts_once(story: str, told: list[str]) -> None:
    """Repetitions change nothing."""
    board = Switchboard()

    board.play(story)
    board.wait(20 * SECOND)

    assert {"1.1": told} == ends(board.events)


def test_the_same_channel_may_wait_again_and_again() -> None:
    """After a timeout a caller joins the next queue, or the same, under the same id."""
    board = Switchboard()
    timeout = (
        "QueueCallerJoin Queue={0}; 2; QueueCallerAbandon Queue={0} HoldTime=2;"
        "QueueCallerLeave Queue={0}; VarSet Variable=QUEUESTATUS Value=TIMEOUT"
    )

    board.play(timeout.format("sales"))
    board.play(timeout.format("hotline"))
    board.play(timeout.format("sales"))

    assert {"1.1": ["joined", "left", "timeout"] * 3} == ends(board.events)


def test_a_join_elsewhere_ends_what_has_no_end_yet() -> None:
    """Who joins another queue, and was not in time told why he left, was redirected."""
    board = Switchboard(version=(5, 0, 4))
    board.play("VarSet Variable=X; QueueCallerJoin; 2; QueueCallerAbandon HoldTime=2")

    board.play("QueueCallerLeave; QueueCallerJoin Queue=hotline")

    assert ["joined", "left", "redirected", "joined"] == ends(board.events)["1.1"]


def test_a_join_that_was_missed_shows_in_its_end() -> None:
    """An end that began after the last one is of another visit."""
    board = Switchboard()
    board.play("QueueCallerJoin; QueueCallerLeave; AgentConnect HoldTime=0; 60")

    board.play("AgentConnect HoldTime=20")

    assert {"1.1": ["joined", "left", "answered", "answered"]} == ends(board.events)


def test_a_join_of_who_waits_is_another_visit() -> None:
    """He has left and come back, and we missed it."""
    board = Switchboard()

    board.play("QueueCallerJoin; 1; QueueCallerJoin")

    assert {"1.1": ["joined", "lost?", "joined"]} == ends(board.events)


def test_a_join_long_after_the_listed_one_is_another() -> None:
    """Who was in a list and joins again has left in between."""
    board = Switchboard()
    board.list_queues(queue_rows([("1.1", 5)]))

    board.play("30; QueueCallerJoin")

    assert {"1.1": ["joined", "lost?", "joined"]} == ends(board.events)


def test_who_picks_up_the_phone_of_nobody_known_is_nobody() -> None:
    """Most calls of a PBX have nothing to do with its queues."""
    board = Switchboard()

    board.play(
        "DialEnd DialStatus=ANSWER; AgentDump; AgentCalled; HangupRequest; BridgeEnter;"
        "BridgeLeave; SoftHangupRequest Cause=4; VarSet Variable=QUEUESTATUS Value=TIMEOUT;"
        "Newexten Application=Wait; Hangup; AttendedTransfer Result=Success;"
        "AttendedTransfer Result=Success SecondTransfererUniqueid=9.9 TransfereeUniqueid=8.8"
    )
    board.wait(20 * SECOND)

    assert [] == board.events


def test_an_end_without_a_beginning_is_told_with_its_wait() -> None:
    """Who was there before we looked has waited for as long as Asterisk says."""
    board = Switchboard()

    board.play("AgentConnect HoldTime=70", "1")
    board.play("HangupRequest; QueueCallerAbandon HoldTime=65; QueueCallerLeave; Hangup", "2")

    waits = [e.wait for e in board.events if isinstance(e, ContactAnswered | ContactLeft)]
    assert [70 * SECOND, 65 * SECOND, 65 * SECOND] == waits
    assert ["answered"] == ends(board.events)["1"]


@pytest.mark.parametrize("name", ["QueueCallerAbandon", "AgentConnect", "AgentRingNoAnswer"])
def test_an_end_that_tells_nothing_is_counted(name: str) -> None:
    """Of an unknown caller, without how long he waited or rang, nothing can be told."""
    board = Switchboard()

    board.play(name)

    assert [] == board.events
    assert {("decode", "missing_fields"): 1} == board.interpreter.drops


def test_an_event_that_does_not_say_where_has_no_place() -> None:
    """A channel without a place in the dialplan has not moved."""
    board = Switchboard()

    board.play("QueueCallerJoin Context=-; 3; QueueCallerLeave; AgentDump; DialEnd", "1")

    assert ["joined", "left"] == ends(board.events)["1"]


def test_too_many_unseen_callers_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends without a beginning are bounded like joins."""
    monkeypatch.setattr(ami_visits, "MAX_VISITS", 2)
    board = Switchboard()

    for channel in range(5):
        board.play("QueueCallerAbandon HoldTime=5", str(channel))

    assert {("decode", "contact_limit"): 3} == board.interpreter.drops


def test_a_leave_of_nobody_is_counted() -> None:
    """It tells neither how long he waited nor why he left."""
    board = Switchboard()

    board.play("QueueCallerLeave")

    assert [] == board.events
    assert {("decode", "orphan"): 1} == board.interpreter.drops


def test_a_leave_of_another_queue_shows_what_was_missed() -> None:
    """It cannot be the end of the visit that is known: that one was lost."""
    board = Switchboard()

    board.play("QueueCallerJoin; 3; QueueCallerLeave Queue=hotline")

    assert ["joined", "lost?"] == ends(board.events)["1.1"]


def test_an_abandon_in_another_queue_shows_what_was_missed() -> None:
    """The visit that is known is lost, the one that ends is told."""
    board = Switchboard(classes=frozenset(("agent",)))

    board.play(
        "QueueCallerJoin; 60; QueueCallerAbandon Queue=hotline HoldTime=5;"
        "QueueCallerLeave Queue=hotline"
    )
    board.wait(20 * SECOND)

    assert ["joined", "lost?", "left", "lost?"] == ends(board.events)["1.1"]


@pytest.mark.parametrize("missing", ["Privilege", "Channel", "Uniqueid"])
@pytest.mark.parametrize("name", ["QueueCallerJoin", "QueueCallerLeave", "Hangup", "VarSet"])
def test_an_event_without_its_headers_is_no_event(name: str, missing: str) -> None:
    """Asterisk puts them on every event of a channel; a caller's name does not."""
    board = Switchboard()
    board.play("QueueCallerJoin", "9.9")
    message = event(name, board.now, "9.9", Variable="QUEUESTATUS", Value="TIMEOUT")
    del message[missing]

    board.hear(message)

    assert {"9.9": ["joined"]} == ends(board.events)
    assert {("decode", "forged"): 1} == board.interpreter.drops


def test_a_join_without_a_queue_is_counted() -> None:
    """A queue's name that is no UTF-8 takes the fields of the queue with it."""
    board = Switchboard()

    board.play("QueueCallerJoin Queue=-")

    assert {("decode", "missing_fields"): 1} == board.interpreter.drops


@pytest.mark.parametrize(
    ("sides", "heir"),
    [
        ("SecondTransfererUniqueid=1.1 OrigTransfererUniqueid=5.5", "7.7"),
        ("OrigTransfererUniqueid=1.1 SecondTransfererUniqueid=5.5", "8.8"),
    ],
)
def test_an_attended_transfer_changes_who_waits(sides: str, heir: str) -> None:
    """The place in the queue goes to the one who was put through, under his own id."""
    board = Switchboard()
    board.play(
        f"QueueCallerJoin; 3; AttendedTransfer Uniqueid=- Result=Success {sides}"
        " TransfereeUniqueid=7.7 TransferTargetUniqueid=8.8; Hangup"
    )
    board.wait(20 * SECOND)

    board.play("QueueCallerLeave Exten=9; AgentConnect HoldTime=24", heir)

    assert ["joined", f"now {heir}"] == ends(board.events)["1.1"]
    assert ["left", "answered"] == ends(board.events)[heir]
    moved = next(e for e in board.events if isinstance(e, ContactMoved))
    assert ("sales", "1.1") == (moved.queue, moved.contact)


def test_a_transfer_that_follows_the_hang_up_is_in_time() -> None:
    """The channel that is replaced may end before the transfer is told."""
    board = Switchboard()

    board.play(
        "QueueCallerJoin; 3; Hangup; 1; AttendedTransfer Uniqueid=- Result=Success"
        " SecondTransfererUniqueid=1.1 TransfereeUniqueid=7.7"
    )
    board.wait(20 * SECOND)

    assert ["joined", "now 7.7"] == ends(board.events)["1.1"]


def test_a_transfer_that_failed_changes_nobody() -> None:
    """Only Success says that anything has happened."""
    board = Switchboard()

    board.play(
        "QueueCallerJoin; AttendedTransfer Uniqueid=- Result=Fail"
        " SecondTransfererUniqueid=1.1 TransfereeUniqueid=7.7"
    )

    assert {"1.1": ["joined"]} == ends(board.events)


def test_a_flood_of_joins_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More callers than any PBX has are counted, not remembered."""
    monkeypatch.setattr(ami_visits, "MAX_VISITS", 10)
    board = Switchboard()

    for channel in range(15):
        board.play("QueueCallerJoin", str(channel))

    assert 10 == board.interpreter.waiting("sales")
    assert {("decode", "contact_limit"): 5} == board.interpreter.drops


def test_visits_that_are_over_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended visits give way to new ones: a long day does not fill the memory."""
    monkeypatch.setattr(ami_visits, "MAX_VISITS", 10)
    board = Switchboard()

    for channel in range(50):
        board.play(
            "QueueCallerJoin; HangupRequest; QueueCallerAbandon; QueueCallerLeave", str(channel)
        )

    assert not board.interpreter.drops
    assert 50 == sum(words == ["joined", "abandoned"] for words in ends(board.events).values())


def test_who_waits_again_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visit that was taken for over, or a new one of the same channel, is still there."""
    monkeypatch.setattr(ami_visits, "MAX_VISITS", 10)
    board = Switchboard()
    board.play("QueueCallerJoin; Hangup; 3; QueueCallerAbandon HoldTime=3", "waits")

    for _ in range(20):
        board.play("QueueCallerJoin; HangupRequest; QueueCallerAbandon; QueueCallerLeave", "1")
    board.play("QueueCallerJoin", "1")

    assert 2 == board.interpreter.waiting("sales")
    board.play("QueueCallerLeave; AgentConnect", "waits")
    board.play("QueueCallerLeave; AgentConnect", "1")
    assert ["answered", "answered"] == [words[-1] for words in ends(board.events).values()]


STORIES = {
    "QueueCallerJoin;HangupRequest;QueueCallerAbandon;QueueCallerLeave;Hangup": "abandoned",
    "QueueCallerJoin;QueueCallerAbandon;QueueCallerLeave;"
    "VarSet Variable=QUEUESTATUS Value=TIMEOUT;Hangup": "timeout",
    "QueueCallerJoin;QueueCallerAbandon;QueueCallerLeave;"
    "VarSet Variable=QUEUESTATUS Value=LEAVEEMPTY": "empty",
    "QueueCallerJoin;QueueCallerAbandon;QueueCallerLeave;"
    "VarSet Variable=QUEUESTATUS Value=WITHDRAW": "withdrawn",
    "QueueCallerJoin;QueueCallerAbandon Exten=9;QueueCallerLeave Exten=9;"
    "Newexten": "redirected",
    "QueueCallerJoin;QueueCallerLeave Exten=1;Newexten Exten=1;Hangup": "key_exit",
    "QueueCallerJoin;BridgeEnter;Hangup": "redirected",
    "QueueCallerJoin;DialEnd DialStatus=ANSWER;QueueCallerLeave;AgentConnect HoldTime=0;"
    "BridgeEnter;BridgeLeave;AgentComplete TalkTime=0;Hangup": "answered",
    "QueueCallerJoin;DialEnd DialStatus=ANSWER;QueueCallerLeave;HangupRequest;"
    "AgentConnect HoldTime=0;Hangup": "abandoned",
    "QueueCallerJoin;SoftHangupRequest Cause=32;QueueCallerAbandon;QueueCallerLeave;"
    "Hangup": "abandoned",
    "QueueCallerJoin;QueueCallerAbandon;QueueCallerLeave;Newexten Exten=h;Hangup": "abandoned",
}

interleaved = st.lists(st.sampled_from(sorted(STORIES)), min_size=1, max_size=4).flatmap(
    lambda stories: st.tuples(
        st.just(stories),
        st.permutations([call for call, story in enumerate(stories) for _ in story.split(";")]),
    )
)


@given(interleaved, st.lists(st.integers(0, 30), max_size=3))
def test_calls_do_not_change_each_other(
    calls: tuple[list[str], list[int]], snapshots: list[int]
) -> None:
    """However the events of calls interleave, and wherever a snapshot falls: each has its end.

    Events of one call come in their order; a snapshot shows who waits at that moment.
    """
    stories, order = calls
    board = Switchboard()
    steps = [iter(story.split(";")) for story in stories]
    waiting: dict[str, int] = {}

    for number, call in enumerate(order):
        step = next(steps[call])
        board.play(step, str(call))
        if step == "QueueCallerJoin":
            waiting[str(call)] = 0
        elif step.startswith(("QueueCallerLeave", "BridgeEnter")):
            waiting.pop(str(call), None)
        if number in snapshots:
            board.list_queues(queue_rows(waiting.items()))
    board.wait(20 * SECOND)

    told = ends(board.events)
    assert [STORIES[story] for story in stories] == [
        told[str(n)][-1] for n in range(len(stories))
    ]
    assert all(1 == words.count("joined") for words in told.values())
    assert 0 == board.interpreter.waiting("sales")


def test_nobody_is_answered_before_he_joined() -> None:
    """The connection broke right after he was listed; the end of his talk tells of it."""
    board = Switchboard()
    board.list_queues(queue_rows([("1.1", 0)]))
    board.lose()
    board.wait(SECOND)
    board.reconnect()
    board.list_queues(queue_rows())
    board.wait(800_000)

    board.play("AgentComplete HoldTime=0 TalkTime=2 Reason=caller")

    told = {type(found): found.at for found in board.events}
    assert told[ContactJoined] <= told[ContactAnswered]
