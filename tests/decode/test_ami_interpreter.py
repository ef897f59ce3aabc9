"""The one door to AMI: clocks, restarts, snapshots, and bytes of every kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message
from callmon.decode.ami_interpreter import WANTED, AmiInterpreter
from callmon.events import AgentChanged, ContactJoined, ContactLeft, SourceRestarted
from tests.switchboard import ALL, START, Switchboard, ends, event, queue_rows


def pong(at: Micros) -> Message:
    """Return the answer to a Ping that Asterisk gave at *at*."""
    return {
        "Response": "Success",
        "Ping": "Pong",
        "Timestamp": f"{at // SECOND}.{at % SECOND:06}",
    }


def booted(uptime: int) -> Message:
    """Return what comes right after the login: it has no time stamp."""
    return {"Event": "FullyBooted", "Privilege": "system,all", "Uptime": str(uptime)}


def test_everything_needed_is_wanted() -> None:
    """The decoder builds what the interpreter reads, lists and agents included."""
    assert {
        "QueueCallerJoin",
        "QueueMemberStatus",
        "QueueEntry",
        "QueueStatusComplete",
        "FullyBooted",
        "VarSet",
    } <= WANTED
    assert "RTCPSent" not in WANTED


def test_without_stamps_the_pings_tell_the_time() -> None:
    """Events have the PBX's time also where it does not stamp them."""
    board = Switchboard()
    board.hear(pong(START + 7 * SECOND))

    board.play("QueueCallerJoin Timestamp=-")

    assert START + 7 * SECOND == next(e.at for e in board.events)
    assert 7 * SECOND == board.interpreter.offset


def test_stamped_events_tell_the_clock_until_a_ping_does() -> None:
    """A snapshot has no stamps: a carried-in caller's start is by the PBX's clock, too."""
    board = Switchboard(skew=3600 * SECOND)
    board.play("QueueCallerJoin")

    board.list_queues(queue_rows([("1.1", 0), ("1.2", 10)]))

    joined = [e.at for e in board.events if isinstance(e, ContactJoined)]
    assert START + 3590 * SECOND + 1_000 == joined[-1]
    board.hear(pong(board.now + 9 * SECOND))
    board.play("QueueCallerLeave")
    assert 9 * SECOND == board.interpreter.offset


def test_an_answer_that_has_waited_to_be_read_moves_no_clock() -> None:
    """The daemon stood still for a while: the PBX's clock is not slow for that."""
    board = Switchboard()
    board.hear(pong(START))
    board.wait(30 * SECOND)

    board.hear(pong(START + SECOND))

    assert 0 == board.interpreter.offset


def test_a_clock_that_is_set_back_is_believed_the_second_time() -> None:
    """It stays so, other than an answer that was late once."""
    board = Switchboard()
    board.hear(pong(START))
    board.hear(pong(START - 3600 * SECOND))

    board.hear(pong(START - 3600 * SECOND))

    assert -3600 * SECOND == board.interpreter.offset


def test_a_clock_that_steps_back_breaks_nothing() -> None:
    """An end before its beginning is a wait of nothing."""
    board = Switchboard()
    board.play("QueueCallerJoin; HangupRequest")
    board.skew = -2 * SECOND

    board.play("QueueCallerAbandon; QueueCallerLeave; Hangup")

    (left,) = [e for e in board.events if isinstance(e, ContactLeft)]
    assert 0 <= (left.wait or 0) <= SECOND


def test_a_restart_is_known_by_its_uptime() -> None:
    """Asterisk is younger than what we last heard of it: all callers are gone."""
    board = Switchboard()
    board.hear(booted(1000))
    board.play("QueueCallerJoin; 5")
    board.lose()
    board.wait(60 * SECOND)
    board.reconnect()

    board.hear(booted(20))

    restart = board.events[-1]
    assert isinstance(restart, SourceRestarted)
    assert board.now - 20 * SECOND == restart.at
    assert 0 == board.interpreter.waiting("sales")
    assert {"1.1": ["joined"]} == ends(board.events)


def test_a_restart_is_known_over_one_of_ours() -> None:
    """Both were down: who waited or talked before is gone."""
    board = Switchboard()
    board.interpreter.resume(START - 60 * SECOND, 0, "[]")

    board.hear(booted(20))

    assert [SourceRestarted] == [type(e) for e in board.events]
    assert [START - 20 * SECOND] == [e.at for e in board.events]


def test_a_restart_of_ours_is_none_of_the_asterisk() -> None:
    """It is older than the last that was heard of it."""
    board = Switchboard(skew=-3600 * SECOND)
    board.interpreter.resume(START - 60 * SECOND, -3600 * SECOND, "[]")

    board.hear(booted(70))

    assert [] == board.events


@pytest.mark.parametrize("uptime", [1064, 1065, 1066])
def test_a_new_connection_is_no_restart(uptime: int) -> None:
    """Uptime is in whole seconds and grows with the time that passes."""
    board = Switchboard()
    board.hear(booted(1000))
    board.play("QueueCallerJoin; 5")
    board.lose()
    board.wait(60 * SECOND)
    board.reconnect()

    board.hear(booted(uptime))

    assert 1 == board.interpreter.waiting("sales")


def test_a_connection_right_after_a_boot_is_no_second_boot() -> None:
    """Twice connected within the first seconds: the boot is the one we know."""
    board = Switchboard()
    board.hear(booted(0))
    board.play("QueueCallerJoin; 1")
    board.lose()
    board.reconnect()

    board.hear(booted(0))

    assert 1 == board.interpreter.waiting("sales")


def test_the_first_connection_is_no_restart() -> None:
    """Of a system that was never heard of nothing is lost."""
    board = Switchboard()

    board.hear(booted(3))

    assert [] == board.events


@pytest.mark.parametrize("fields", [{"Uptime": "x"}, {"Uptime": ""}, {"Privilege": "-"}])
def test_an_uptime_that_is_none_restarts_nothing(fields: dict[str, str]) -> None:
    """Asterisk 13 does not tell it, and not everything that says so was Asterisk."""
    board = Switchboard()
    board.play("QueueCallerJoin")
    message = booted(0) | fields

    board.hear({key: value for key, value in message.items() if value != "-"})

    assert 1 == board.interpreter.waiting("sales")


def test_a_restart_decides_what_was_open() -> None:
    """Who had left, for a reason that will never be told, is lost before the restart."""
    board = Switchboard()
    board.play("QueueCallerJoin; 3; QueueCallerAbandon HoldTime=3; QueueCallerLeave")

    board.wait(SECOND)
    board.hear(booted(0))

    assert ["joined", "left", "lost?"] == ends(board.events)["1.1"]
    assert isinstance(board.events[-1], SourceRestarted)


def test_a_list_row_outside_a_list_is_forged() -> None:
    """Nobody asked: nobody answers."""
    board = Switchboard()

    for row in queue_rows([("1.1", 5)]):
        board.hear(row)

    assert [] == board.events
    assert {("decode", "forged"): 2} == board.interpreter.drops


@pytest.mark.parametrize(
    "fake",
    [
        event("QueueCallerJoin", START, "6.6"),
        booted(0),
        pong(START + 9 * SECOND),
        event("Hangup", START, "1.1"),
    ],
)
def test_nothing_inside_a_list_is_an_event(fake: Message) -> None:
    """A caller's name can look like anything: in a list only rows are read."""
    board = Switchboard()
    board.play("QueueCallerJoin")
    row = queue_rows([("1.1", 0)])
    torn = {key: value for key, value in row[1].items() if key != "Wait"}
    board.interpreter.expect("a1")
    board.hear({"Response": "Success", "ActionID": "a1"})
    board.hear(row[0] | {"ActionID": "a1"})

    board.hear(torn)
    board.hear(fake)
    board.hear({"Event": "QueueStatusComplete", "ActionID": "a1", "ListItems": "2"})
    board.wait(20 * SECOND)

    assert {"1.1": ["joined"]} == ends(board.events)
    assert 0 == board.interpreter.offset
    assert board.interpreter.drops["decode", "forged"]


def test_agents_are_told_from_lists_and_events() -> None:
    """Both go to the same place."""
    board = Switchboard()
    member = {"Event": "QueueMember", "Queue": "sales", "Location": "SIP/7", "Name": "Ann"}
    member |= {"Status": "1", "Paused": "0", "InCall": "0"}

    board.list_queues([*queue_rows(), member])
    board.send("QueueMemberStatus", Interface="SIP/7", MemberName="Ann", Status="6", Paused="0")

    devices = [str(e.device) for e in board.events if isinstance(e, AgentChanged)]
    assert ["idle", "ringing"] == devices


def test_synced_is_from_the_first_list_to_the_end_of_the_session() -> None:
    """Before it nobody knows who waits; after it nobody sees."""
    board = Switchboard()
    seen = [board.interpreter.synced]
    board.list_queues(queue_rows())
    seen.append(board.interpreter.synced)
    board.lose()
    seen.append(board.interpreter.synced)

    assert [False, True, False] == seen


def test_time_alone_decides_when_nothing_comes() -> None:
    """``due`` says when to look again, and tick then has something to tell."""
    board = Switchboard(classes=ALL - {"dialplan"})
    board.play("QueueCallerJoin; QueueCallerAbandon; QueueCallerLeave")
    due = board.interpreter.due
    assert due is not None

    before = board.interpreter.tick(due - 1)
    after = board.interpreter.tick(due)

    assert ([], 1) == (before, len(after))
    assert board.interpreter.due is None


words = st.sampled_from(
    """1.1 1.2 sales hotline 0 1 4 32 x TIMEOUT FULL CONTINUE QUEUESTATUS ANSWER Success h 9
    agent,all call,all dialplan,all system,all a1 Queue sales,t""".split()  # noqa: SIM905 - words read better in a row
)
keys = """Privilege Channel Uniqueid DestUniqueid SwapUniqueid Queue HoldTime TalkTime RingTime
    Cause Variable Value DialStatus Result SecondTransfererUniqueid TransfereeUniqueid ActionID
    Exten Context Priority Application AppData Uptime Position Calls Wait ListItems Response
    Interface Status Paused Timestamp Location""".split()  # noqa: SIM905 - words read better in a row
wild = st.builds(
    lambda name, fields: event(name, START) | fields,
    st.sampled_from(sorted(WANTED)),
    st.dictionaries(st.sampled_from(keys), words),
)
steps = st.lists(
    st.one_of(wild, st.sampled_from(["lose", "connect", "start"])),
    max_size=30,
)


@given(steps)
def test_nothing_stops_the_interpreter(stream: list[Message | str]) -> None:
    """Whatever messages come, events are well formed and deadlines are kept."""
    interpreter = AmiInterpreter("pbx")
    now = START
    for step in stream:
        now += SECOND
        told = interpreter.tick(now)
        assert interpreter.due is None or interpreter.due > now
        if isinstance(step, dict):
            told += interpreter.take(step, now)
        elif step == "start":
            interpreter.expect("a1")
            interpreter.take({"Response": "Success", "ActionID": "a1"}, now)
        elif step == "connect":
            interpreter.connected(now)
        else:
            interpreter.disconnected(now)
        for found in told:
            assert getattr(found, "queue", "sales")
            assert getattr(found, "contact", "1.1")
    assert {"sales": True, "hotline": True} == {
        queue: interpreter.waiting(queue) >= 0 for queue in ("sales", "hotline")
    }
