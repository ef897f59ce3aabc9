"""When talks end, and who ended them."""

import pytest

from callmon.clock import SECOND
from callmon.decode import ami_talks
from callmon.events import ContactAnswered, TalkEnd, TalkEnded
from tests.switchboard import START, Switchboard, ends, event, queue_rows

ANSWERED = "QueueCallerJoin; QueueCallerLeave; AgentConnect HoldTime=0; BridgeEnter;"
LEG = "1.1-leg"


def talks(board: Switchboard) -> list[tuple[str, int, TalkEnd]]:
    """Return contact, whole seconds and ender of the talks told."""
    return [
        (e.contact, (e.talk or 0) // SECOND, e.ended_by)
        for e in board.events
        if isinstance(e, TalkEnded)
    ]


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("AgentComplete TalkTime=9 Reason=agent", TalkEnd.AGENT),
        ("AgentComplete TalkTime=9 Reason=caller; Hangup", TalkEnd.CALLER),
        ("HangupRequest; BridgeLeave; AgentComplete Reason=caller; Hangup", TalkEnd.CALLER),
        ("AgentComplete TalkTime=9 Reason=transfer; BridgeLeave", TalkEnd.TRANSFER),
        ("AgentComplete Uniqueid=- TalkTime=9 Reason=agent", TalkEnd.AGENT),
        ("AgentComplete Uniqueid=- DestUniqueid=- TalkTime=9 Reason=agent", TalkEnd.AGENT),
        (
            "Hangup; AgentComplete Uniqueid=- DestUniqueid=- TalkTime=9 Reason=caller",
            TalkEnd.CALLER,
        ),
        ("HangupRequest; Hangup", TalkEnd.CALLER),
        ("Hangup", TalkEnd.CALLER),
        ("VarSet Variable=QUEUESTATUS Value=CONTINUE; 1; Newexten", TalkEnd.AGENT),
        ("HangupRequest; VarSet Variable=QUEUESTATUS Value=CONTINUE", TalkEnd.CALLER),
        (
            f"Hangup; BridgeLeave Uniqueid={LEG}; BridgeEnter Uniqueid=x SwapUniqueid={LEG}",
            TalkEnd.CALLER,
        ),
        (f"BridgeLeave; BridgeLeave Uniqueid={LEG}", TalkEnd.TRANSFER),
        (f"HangupRequest Uniqueid={LEG}; Hangup Uniqueid={LEG}", TalkEnd.AGENT),
        (
            f"BridgeLeave; Hangup Uniqueid={LEG}; VarSet Variable=QUEUESTATUS Value=CONTINUE",
            TalkEnd.AGENT,
        ),
    ],
)
def test_a_talk_ends_once_whatever_comes_first(story: str, expected: TalkEnd) -> None:
    """Each sign of the end is enough, and all of them are one end."""
    board = Switchboard()

    board.play(f"{ANSWERED} 9; {story}")
    board.wait(20 * SECOND)

    assert [("1.1", 9, expected)] == talks(board)


def test_who_comes_back_to_the_bridge_talks_on() -> None:
    """Hold and consultation take a party from the bridge and bring it back."""
    board = Switchboard()

    board.play(f"{ANSWERED} 9; BridgeLeave; BridgeLeave Uniqueid={LEG}; 1; BridgeEnter")
    board.play(f"BridgeEnter Uniqueid={LEG}; 9; AgentComplete TalkTime=19 Reason=agent")

    assert [("1.1", 19, TalkEnd.AGENT)] == talks(board)


def test_an_agent_who_asks_somebody_else_still_talks() -> None:
    """He has left the bridge for a consultation; the caller is still his."""
    board = Switchboard()

    board.play(f"{ANSWERED} 9; BridgeLeave Uniqueid={LEG}; 20; AgentComplete Reason=transfer")

    assert [("1.1", 29, TalkEnd.TRANSFER)] == talks(board)


def test_a_local_channel_may_be_optimised_away() -> None:
    """Its place in the bridge is taken by the telephone behind it, and the talk goes on."""
    board = Switchboard()
    board.play("QueueCallerJoin; QueueCallerLeave; AgentConnect DestChannel=Local/7@agents")

    board.play(f"BridgeEnter SwapUniqueid={LEG} Uniqueid=phone; BridgeLeave Uniqueid={LEG}")
    board.play(f"Hangup Uniqueid={LEG}; 9; HangupRequest Uniqueid=phone; Hangup Uniqueid=phone")
    board.wait(20 * SECOND)

    assert [("1.1", 9, TalkEnd.AGENT)] == talks(board)


def test_a_telephone_that_is_replaced_has_left() -> None:
    """A transfer puts another into its place: that is not the agent any more."""
    board = Switchboard()

    board.play(f"{ANSWERED} 9; HangupRequest Uniqueid={LEG}")
    board.play(f"BridgeEnter Uniqueid=target SwapUniqueid={LEG}; Hangup Uniqueid={LEG}; 60")

    assert [("1.1", 9, TalkEnd.AGENT)] == talks(board)


def test_an_end_of_another_length_is_of_another_talk() -> None:
    """Who has talked for five seconds has not ended a talk of thirty."""
    board = Switchboard()

    board.play(f"{ANSWERED} 5")
    board.play("AgentComplete Uniqueid=- DestUniqueid=- TalkTime=30 Reason=agent", "x")

    assert [] == talks(board)


def test_a_callers_own_local_channel_may_be_optimised_away() -> None:
    """A call that was put into the queue by Originate comes through one."""
    board = Switchboard()
    board.play("QueueCallerJoin; QueueCallerLeave; AgentConnect Channel=Local/600@in")

    board.play("BridgeEnter Uniqueid=x Channel=Local/y@z SwapUniqueid=1.1; Hangup")
    board.play("BridgeEnter Uniqueid=phone SwapUniqueid=x; Hangup Uniqueid=x; 9")
    board.play("AgentComplete Uniqueid=phone TalkTime=9 Reason=agent")

    assert [("1.1", 9, TalkEnd.AGENT)] == talks(board)


def test_an_agent_without_a_channel_of_his_own_ends_by_name() -> None:
    """Some answers do not say on which channel the agent is."""
    board = Switchboard()
    board.play("QueueCallerJoin; AgentConnect DestUniqueid=-; 5")

    board.play("AgentComplete Uniqueid=- DestUniqueid=- Reason=agent", "x")
    board.play("VarSet Variable=QUEUESTATUS Value=CONTINUE; VarSet Variable=QUEUESTATUS")

    assert [("1.1", 5, TalkEnd.AGENT)] == talks(board)


def test_an_end_without_a_name_finds_its_own_talk() -> None:
    """Of two talks of one agent it is the one that has lasted as long as it says."""
    board = Switchboard()
    for caller in ("1", "2"):
        board.play(f"{ANSWERED} 30", caller)

    board.play("AgentComplete Uniqueid=- DestUniqueid=- TalkTime=30 Reason=agent", "x")

    assert [("2", 30, TalkEnd.AGENT)] == talks(board)


def test_a_late_end_does_not_end_the_next_talk() -> None:
    """After ``*`` the end is told when the caller, not the agent, is done."""
    board = Switchboard()
    board.play(f"{ANSWERED} 5; Hangup Uniqueid=1-leg; 5", "1")
    board.play(ANSWERED, "2")

    board.play("20; AgentComplete Uniqueid=- DestUniqueid=- TalkTime=30 Reason=caller", "x")

    assert ["1"] == [contact for contact, *_ in talks(board)]


def test_an_answer_that_was_missed_is_told_with_its_end() -> None:
    """AgentComplete says how long he waited and talked: he was answered while we were away."""
    board = Switchboard()
    board.list_queues(queue_rows())
    board.play("QueueCallerJoin; 5")
    board.lose()
    board.wait(60 * SECOND)
    board.reconnect()
    board.list_queues(queue_rows())
    board.wait(5 * SECOND)

    board.play("AgentComplete HoldTime=20 TalkTime=50 Reason=caller")
    board.play("AgentComplete HoldTime=4 TalkTime=30 Reason=caller", "in the gap")
    board.play("AgentComplete HoldTime=4 TalkTime=90 Reason=caller", "long before")

    assert {"1.1": ["joined", "lost?", "answered"], "in the gap": ["answered"]} == ends(
        board.events
    )
    assert [("1.1", 50, TalkEnd.CALLER), ("in the gap", 30, TalkEnd.CALLER)] == talks(board)
    waits = [e.wait for e in board.events if isinstance(e, ContactAnswered)]
    assert 4 * SECOND == waits[-1]


@pytest.mark.parametrize(
    ("row", "length"),
    [
        ({"InCall": "0", "LastCall": "1795333012"}, 11),
        ({"InCall": "1", "LastCall": "1795333012"}, 11),
        ({"InCall": "0", "LastCall": "0"}, 65),
        ({"InCall": "1", "LastCall": "0"}, None),
        ({}, None),
    ],
)
def test_a_talk_that_ended_in_a_gap_is_found(row: dict[str, str], length: int | None) -> None:
    """The agent's row tells whether he is in a call and when his last one ended."""
    board = Switchboard()
    board.play(f"{ANSWERED} 5")
    board.lose()
    board.wait(60 * SECOND)
    board.reconnect()

    member = {"Event": "QueueMember", "Queue": "sales", "Location": "SIP/7", "Status": "1"}
    board.list_queues([*queue_rows(), member | {"Paused": "0"} | row])

    expected = [] if length is None else [("1.1", length, TalkEnd.AGENT)]
    assert expected == talks(board)


def restarted(before: Switchboard, away: int) -> Switchboard:
    """Return what goes on after a restart of ours, *away* seconds after all was heard."""
    after = Switchboard()
    after.now = before.now
    after.interpreter.resume(before.now, 0, before.interpreter.memory)
    after.wait(away * SECOND)
    after.reconnect()
    return after


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"InCall": "0", "LastCall": "1795333012"}, [("1.1", 11, TalkEnd.AGENT)]),
        ({"InCall": "0", "LastCall": "0"}, [("1.1", 65, TalkEnd.AGENT)]),
        ({"InCall": "1", "LastCall": "0"}, [("1.1", 69, TalkEnd.CALLER)]),
    ],
)
def test_a_talk_outlives_a_restart_of_ours(
    row: dict[str, str], expected: list[tuple[str, int, TalkEnd]]
) -> None:
    """Nobody else would ever tell its end: not the snapshot if it went on, nor if not."""
    before = Switchboard()
    before.play(f"{ANSWERED} 5")
    board = restarted(before, 60)
    member = {"Event": "QueueMember", "Queue": "sales", "Location": "SIP/7", "Status": "1"}

    board.list_queues([*queue_rows(), member | {"Paused": "0"} | row])
    board.play("4; HangupRequest; AgentComplete TalkTime=69 Reason=caller")
    board.play("Hangup; 9")

    assert expected == talks(board)


def test_an_answer_during_a_restart_of_ours_is_told_with_its_end() -> None:
    """It was missed as in any other gap; an older one is known, or nobody's."""
    board = restarted(Switchboard(), 60)
    board.list_queues(queue_rows())

    board.play("AgentComplete HoldTime=4 TalkTime=30 Reason=caller", "in the gap")
    board.play("AgentComplete HoldTime=4 TalkTime=90 Reason=caller", "long before")

    assert {"in the gap": ["answered"]} == ends(board.events)


def test_a_replaced_channel_is_remembered() -> None:
    """The telephone behind a Local channel ends the talk, also after a restart of ours."""
    before = Switchboard()
    before.play("QueueCallerJoin; QueueCallerLeave; AgentConnect DestChannel=Local/7@agents")
    before.play(f"BridgeEnter SwapUniqueid={LEG} Uniqueid=phone Channel=Local/8@agents")
    board = restarted(before, 5)

    board.play("BridgeEnter SwapUniqueid=phone Uniqueid=real; Hangup Uniqueid=phone; 9")
    assert [] == talks(board)
    board.play("HangupRequest Uniqueid=real; Hangup Uniqueid=real; 9")

    assert [("1.1", 14, TalkEnd.AGENT)] == talks(board)


def test_talks_that_are_over_are_not_remembered() -> None:
    """Whatever their end was told by, and after a restart of Asterisk."""
    board = Switchboard()
    for caller, end in (("1", "AgentComplete TalkTime=1"), ("2", "Hangup; 9"), ("3", "1")):
        board.play(f"{ANSWERED} {end}", caller)
    assert 1 == board.interpreter.memory.count("SIP/7")

    board.hear(event("FullyBooted", board.now, Uptime="0"))

    assert "[]" == board.interpreter.memory


@pytest.mark.parametrize("memory", ["", "[", '["x"]', '[["x", 1]]', '{"a": 1}'])
def test_a_damaged_memory_holds_no_talk(memory: str) -> None:
    """It comes from a file that people can write to."""
    board = Switchboard()

    board.interpreter.resume(START, 0, memory)

    assert "[]" == board.interpreter.memory


def test_a_flood_of_talks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More talks than any PBX has are counted; the answers are told all the same."""
    monkeypatch.setattr(ami_talks, "MAX_TALKS", 3)
    board = Switchboard()

    for caller in range(5):
        board.play(ANSWERED, str(caller))

    assert 5 == sum("answered" in words for words in ends(board.events).values())
    assert {("decode", "contact_limit"): 2} == board.interpreter.drops


def test_ended_talks_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late AgentComplete is waited for, but not for ever."""
    monkeypatch.setattr(ami_talks, "REMEMBERED", 2)
    board = Switchboard()

    for caller in range(5):
        board.play(f"{ANSWERED} Hangup; 2", str(caller))
    board.play("AgentComplete Uniqueid=- DestUniqueid=- Reason=caller", "x")

    assert 5 == len(talks(board))
    assert {("decode", "orphan"): 1} == board.interpreter.drops
