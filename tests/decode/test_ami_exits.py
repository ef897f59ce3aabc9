"""Every way out of a queue, told apart by what Asterisk sends."""

from pathlib import Path

import pytest

from callmon.clock import SECOND, Micros
from callmon.decode.ami import AmiDecoder, Message, message_time
from callmon.decode.ami_interpreter import WANTED, AmiInterpreter
from callmon.events import ContactAnswered, ContactLeft, ContactRefused, Event, Outcome, TalkEnd
from callmon.events import TalkEnded as Talk
from tests.switchboard import ALL, Switchboard, ends, queue_rows

CAPTURES = Path(__file__).parent.parent / "captures" / "asterisk" / "exit_paths"

HEARD = {
    "abandon_during_member_gosub": [("abandoned", "abandoned", "answered")],
    "abandon_during_memberdelay": [("abandoned", "abandoned", "lost?")],
    "abandon_ringing": [("abandoned", "abandoned", "lost?")],
    "agent_dump_then_timeout": [("timeout", "lost?", "lost?")],
    "agent_star_disconnect_continue": [("answered", "answered", "answered")],
    "ami_bridge_steals_waiting_callers": [("redirected", "redirected", "")] * 2,
    "ami_hangup_waiting": [("abandoned", "lost?", "lost?")],
    "blind_transfer": [("answered", "answered", "answered")],
    "connect_agent_hangup": [("answered", "answered", "answered")],
    "connect_caller_hangup": [("answered", "answered", "answered")],
    "full_refused": [("abandoned", "abandoned", "lost?")],
    "join_empty_refused": [],
    "key_exit": [("key_exit", "key_exit", "key_exit")],
    "leave_empty": [("empty", "lost?", "lost?")],
    "overflow_requeue_case_mismatch": [("timeout", "lost?", "lost?")] * 3,
    "queue_status_snapshot": [("abandoned", "abandoned", "lost?")] * 2,
    "redirect_while_talking": [("answered", "answered", "answered")],
    "redirect_while_waiting": [("redirected", "redirected", "redirected")],
    "shutdown_core_stop_now": [("lost", "lost", "lost?"), ("answered", "answered", "answered")],
    "timeout_app": [("timeout", "lost?", "lost?")],
    "timeout_n_option": [("timeout", "lost?", "lost?")],
    "withdraw": [("withdrawn", "lost?", "lost?")],
}
"""By recording, for each visit in it in the order of joins: the outcome from all classes,
from *agent*, *call* and *system*, and from *agent* alone. Never another one: at worst
``lost?``, which is ``lost`` and not certain; empty: the visit seems to go on."""

CLASSES = [ALL, ALL - {"dialplan"}, frozenset(("agent",))]


def recording(name: str) -> list[Message]:
    """Return the messages of one of the recordings."""
    decoder = AmiDecoder(WANTED)
    data = (CAPTURES / f"{name}.ami").read_bytes()
    banner = b"" if data.startswith(b"Asterisk Call") else b"Asterisk Call Manager/11.0.0\r\n"
    return decoder.decode(banner + data)


def interpret(messages: list[Message], classes: frozenset[str]) -> list[Event]:
    """Return the events of *messages* as far as *classes* are read."""
    interpreter = AmiInterpreter("pbx1")
    interpreter.set_version((11, 0, 0))
    events: list[Event] = []
    now: Micros = 0
    for message in messages:
        if message.get("Privilege", "agent").partition(",")[0] not in classes:
            continue
        now = message_time(message) or now
        while (due := interpreter.due) is not None and due < now:
            events += interpreter.tick(due)
        events += interpreter.take(message, now)
    while (due := interpreter.due) is not None:
        events += interpreter.tick(due)
    return events


def outcomes(events: list[Event]) -> list[str]:
    """Return the last word on each visit, in the order of joins."""
    visits: list[list[str]] = []
    latest: dict[str, list[str]] = {}
    for found in events:
        for contact, words in ends([found]).items():
            if words == ["joined"]:
                latest[contact] = []
                visits.append(latest[contact])
            else:
                latest[contact] += words
    return [words[-1] if words else "" for words in visits]


@pytest.mark.parametrize("classes", range(3), ids=["all", "no dialplan", "agent only"])
@pytest.mark.parametrize("name", sorted(HEARD))
def test_each_way_out_is_told_apart(name: str, classes: int) -> None:
    """A recording of a real exit gives its true outcome, or ``lost?`` where nothing tells."""
    expected = [visit[classes] for visit in HEARD[name]]

    events = interpret(recording(name), CLASSES[classes])

    assert expected == outcomes(events)


@pytest.mark.parametrize("name", sorted(HEARD))
def test_all_recordings_are_known(name: str) -> None:
    """Each recording has its expectation, and the other way round."""
    assert (CAPTURES / f"{name}.ami").exists()
    assert {path.stem for path in CAPTURES.glob("*.ami")} == set(HEARD)


def test_a_wait_ends_with_the_hang_up_and_not_when_asterisk_notices() -> None:
    """Who hangs up while a member delay runs has waited until then."""
    events = interpret(recording("abandon_during_memberdelay"), ALL)
    (left,) = [found for found in events if isinstance(found, ContactLeft)]

    assert 3_840_570 == left.wait


def test_a_talk_ends_with_the_first_sign_of_it() -> None:
    """After ``*`` or a Redirect AgentComplete comes with the caller's own hang-up only."""
    star = interpret(recording("agent_star_disconnect_continue"), ALL)
    redirect = interpret(recording("redirect_while_talking"), ALL)

    talks = [found for found in star + redirect if isinstance(found, Talk)]
    assert [(2_443_215, TalkEnd.AGENT), (2_338_185, TalkEnd.TRANSFER)] == [
        (talk.talk, talk.ended_by) for talk in talks
    ]


@pytest.mark.parametrize(
    ("name", "queue", "reason"),
    [("full_refused", "q_full", "full"), ("join_empty_refused", "q_je", "join_empty")],
)
def test_refusals_are_seen(name: str, queue: str, reason: str) -> None:
    """A full or empty queue takes nobody and sends no event of its own."""
    events = interpret(recording(name), ALL)

    refused = [(e.queue, e.reason) for e in events if isinstance(e, ContactRefused)]
    assert [(queue, reason)] == refused


STORIES = {
    "two Abandons, then Hangup": (
        (
            "QueueCallerJoin; 3; QueueCallerAbandon HoldTime=3; QueueCallerAbandon HoldTime=3;"
            "QueueCallerLeave; Hangup"
        ),
        "failed?",
    ),
    "a timeout just as he hangs up": (
        (
            "QueueCallerJoin; 3; HangupRequest; QueueCallerAbandon; QueueCallerLeave;"
            "VarSet Variable=QUEUESTATUS Value=TIMEOUT"
        ),
        "timeout",
    ),
    "the command line hangs him up": (
        (
            "QueueCallerJoin; 3; SoftHangupRequest Cause=32; QueueCallerAbandon HoldTime=3;"
            "QueueCallerLeave; Hangup"
        ),
        "abandoned",
    ),
    "nobody, and his h extension takes long": (
        (
            "QueueCallerJoin; 3; VarSet Variable=X; QueueCallerAbandon HoldTime=3;"
            "QueueCallerLeave; 9; Hangup"
        ),
        "abandoned",
    ),
    "the agent hears half a minute of announcement": (
        (
            "QueueCallerJoin; 3; DialEnd DialStatus=ANSWER; QueueCallerLeave; 30;"
            "AgentConnect HoldTime=33"
        ),
        "answered",
    ),
    "he hangs up during the agent's announcement": (
        (
            "QueueCallerJoin; 3; DialEnd DialStatus=ANSWER; QueueCallerLeave; 4;"
            "HangupRequest; 4; AgentConnect HoldTime=11; AgentComplete HoldTime=11 TalkTime=0"
        ),
        "abandoned",
    ),
    "the request comes twice": (
        "QueueCallerJoin; HangupRequest; HangupRequest; QueueCallerAbandon; QueueCallerLeave",
        "abandoned",
    ),
    "he hangs up while an agent hears an announcement, and Asterisk stops": (
        (
            "QueueCallerJoin; HangupRequest; 2; SoftHangupRequest Cause=4 Uniqueid=x;"
            "QueueCallerAbandon; QueueCallerLeave; Shutdown"
        ),
        "abandoned",
    ),
    "he is about to be given to an agent, and Asterisk is gone": (
        (
            "QueueCallerJoin; DialEnd DialStatus=ANSWER; QueueCallerLeave; 9;"
            "SoftHangupRequest Cause=4 Uniqueid=x; Shutdown"
        ),
        "lost",
    ),
    "he left before Asterisk stopped, nobody knows why": (
        (
            "QueueCallerJoin; QueueCallerAbandon; QueueCallerLeave; 1;"
            "SoftHangupRequest Cause=4 Uniqueid=x; Shutdown; Hangup"
        ),
        "abandoned",
    ),
    "a timeout just before Asterisk stops": (
        (
            "QueueCallerJoin; 3; SoftHangupRequest Cause=4 Uniqueid=x; QueueCallerAbandon;"
            "QueueCallerLeave; VarSet Variable=QUEUESTATUS Value=TIMEOUT; Shutdown"
        ),
        "timeout",
    ),
    "an asynchronous goto is no hang-up": (
        (
            "QueueCallerJoin; SoftHangupRequest Cause=2; QueueCallerAbandon Exten=9;"
            "QueueCallerLeave Exten=9"
        ),
        "redirected",
    ),
    "Asterisk stops during the agent's announcement": (
        (
            "QueueCallerJoin; 3; DialEnd DialStatus=ANSWER; QueueCallerLeave;"
            "SoftHangupRequest Cause=4"
        ),
        "lost",
    ),
    "Asterisk stops, and he has left with an agent about to take him": (
        "SoftHangupRequest Cause=4 Uniqueid=x; QueueCallerJoin; QueueCallerLeave; Shutdown",
        "lost",
    ),
    "Asterisk stops after he has hung up": (
        (
            "QueueCallerJoin; HangupRequest; SoftHangupRequest Cause=4; HangupRequest;"
            "QueueCallerAbandon; QueueCallerLeave; Hangup; Shutdown"
        ),
        "abandoned",
    ),
    "he hangs up, and is connected all the same": (
        "QueueCallerJoin; HangupRequest; AgentConnect",
        "abandoned",
    ),
    "Asterisk stops gracefully when he, the last one, has gone": (
        "QueueCallerJoin; HangupRequest; QueueCallerAbandon; QueueCallerLeave; Shutdown",
        "abandoned",
    ),
    # AgentConnect would be kept back, too: he may have been answered
    "an agent picks up, and agents are not told of": (
        (
            "QueueCallerJoin; 3; DialEnd DialStatus=ANSWER; QueueCallerLeave; 30;"
            " HangupRequest; Hangup"
        ),
        "lost?",
    ),
    "an agent picks up, and his channel ends": (
        (
            "QueueCallerJoin; 2; AgentCalled; 1; DialEnd DialStatus=ANSWER;"
            " QueueCallerLeave; 1; Hangup"
        ),
        "abandoned?",
    ),
    "nobody picks up, and his channel ends": (
        "QueueCallerJoin; 3; QueueCallerLeave; 1; Hangup",
        "lost?",
    ),
    "he lets go of the agent who never comes": (
        "QueueCallerJoin; 3; DialEnd DialStatus=ANSWER; QueueCallerLeave; 700",
        "lost?",
    ),
    "two Abandons, and the h extension in between": (
        (
            "VarSet Variable=X; QueueCallerJoin; QueueCallerAbandon; QueueCallerAbandon;"
            "QueueCallerLeave; Newexten Exten=h; Hangup"
        ),
        "failed?",
    ),
    "a second answer to another caller's ring": (
        "QueueCallerJoin; DialEnd DialStatus=BUSY; AgentCalled; 2; AgentConnect",
        "answered",
    ),
    "a bridge takes him": ("QueueCallerJoin; 3; BridgeEnter", "redirected"),
    "his channel ends without a word": ("QueueCallerJoin; 3; Hangup", "abandoned?"),
    "an agent picks up and goes, then a key": (
        (
            "QueueCallerJoin; 1; DialEnd DialStatus=ANSWER; 1; AgentDump; 1;"
            "QueueCallerLeave Context=keys Exten=1"
        ),
        "key_exit",
    ),
    "redirected, said by where he stands": (
        "QueueCallerJoin; 3; QueueCallerAbandon Exten=9 HoldTime=3; QueueCallerLeave Exten=9",
        "redirected",
    ),
    "an AgentConnect without a queue": (
        "QueueCallerJoin; 3; QueueCallerLeave; AgentConnect Queue=- MemberName=-",
        "answered",
    ),
}


@pytest.mark.parametrize("story", sorted(STORIES))
def test_what_was_not_recorded(story: str) -> None:
    """What is rare, or needs a phone to record, is told apart all the same."""
    text, expected = STORIES[story]
    board = Switchboard()

    board.play(text)
    board.wait(20 * SECOND)

    assert expected == ends(board.events)["1.1"][-1]


OLD_STORIES = {
    "a key": ("QueueCallerJoin; 3; QueueCallerLeave", "key_exit"),
    "a key, then he hangs up": ("QueueCallerJoin; 3; QueueCallerLeave; 1; Hangup", "key_exit"),
    "a late answer": ("QueueCallerJoin; 3; QueueCallerLeave; 4; AgentConnect", "answered"),
    "redirected, and alive": (
        "QueueCallerJoin; VarSet Variable=X; 3; QueueCallerAbandon; QueueCallerLeave",
        "redirected",
    ),
    "redirected, and gone later": (
        (
            "QueueCallerJoin; 3; VarSet Variable=X; QueueCallerAbandon HoldTime=3;"
            "QueueCallerLeave; 9; Hangup"
        ),
        "redirected",
    ),
    "redirected, and a step of his dialplan": (
        (
            "QueueCallerJoin; 3; VarSet Variable=X; QueueCallerAbandon HoldTime=3;"
            "QueueCallerLeave; Newexten Exten=9; Hangup"
        ),
        "redirected",
    ),
    "a key, and a step of his dialplan": (
        "VarSet Variable=X; QueueCallerJoin; QueueCallerLeave; Newexten Exten=1; Hangup",
        "key_exit",
    ),
    "a key, and the next queue": (
        "VarSet Variable=X; QueueCallerJoin; 3; QueueCallerLeave; QueueCallerJoin Queue=b",
        "joined",
    ),
    "an agent picks up, and the dialplan goes on": (
        (
            "VarSet Variable=X; QueueCallerJoin; DialEnd DialStatus=ANSWER; QueueCallerLeave;"
            "Newexten Exten=1; 5; AgentConnect"
        ),
        "answered",
    ),
    "given up for redirected, and gone right after": (
        (
            "VarSet Variable=X; QueueCallerJoin; QueueCallerAbandon; QueueCallerLeave; 6;"
            "Hangup Timestamp=1795333001.0"
        ),
        "abandoned",
    ),
    "hung up by AMI": (
        (
            "QueueCallerJoin; 3; VarSet Variable=X; QueueCallerAbandon HoldTime=3;"
            "QueueCallerLeave; Newexten Exten=h; 7; Hangup"
        ),
        "abandoned",
    ),
    "left an empty queue from behind, without Abandon": (
        "QueueCallerJoin; 3; QueueCallerLeave; VarSet Variable=QUEUESTATUS Value=LEAVEEMPTY",
        "empty",
    ),
}


@pytest.mark.parametrize("story", sorted(OLD_STORIES))
def test_where_the_place_tells_nothing(story: str) -> None:
    """Up to Asterisk 16 events show a channel as it was: then time tells."""
    text, expected = OLD_STORIES[story]
    board = Switchboard(version=(5, 0, 4))

    board.play(text)
    board.wait(20 * SECOND)

    assert expected == ends(board.events)["1.1"][-1]


def test_a_hang_up_after_abandon_explains_nothing() -> None:
    """Whatever ended his wait had done so already."""
    board = Switchboard(classes=ALL - {"dialplan"})

    board.play(
        "QueueCallerJoin; 3; QueueCallerAbandon; HangupRequest; QueueCallerLeave; Hangup"
    )

    assert ["joined", "left", "lost?"] == ends(board.events)["1.1"]


def test_a_status_set_long_after_is_not_the_queues() -> None:
    """A dialplan may set QUEUESTATUS itself, and for reasons of its own."""
    board = Switchboard(version=(5, 0, 4))

    board.play("VarSet Variable=X; QueueCallerJoin; QueueCallerAbandon; QueueCallerLeave")
    board.play("60; VarSet Variable=QUEUESTATUS Value=TIMEOUT")

    assert ["joined", "left", "redirected"] == ends(board.events)["1.1"]


def test_the_waiting_gauge_falls_at_leave() -> None:
    """That somebody waits no more is told at once, why as soon as it is known."""
    board = Switchboard()

    board.play("QueueCallerJoin; 3; QueueCallerAbandon HoldTime=3; QueueCallerLeave")
    at_once = ends(board.events)["1.1"]
    board.play("VarSet Variable=QUEUESTATUS Value=WITHDRAW")

    assert ["joined", "left"] == at_once
    assert ["joined", "left", "withdrawn"] == ends(board.events)["1.1"]
    first, second = (e for e in board.events if isinstance(e, ContactLeft))
    assert (first.at, first.wait) == (second.at, second.wait)
    assert first.seq < second.seq


def test_a_known_reason_is_told_in_one_event() -> None:
    """Who has hung up before he is let go needs no second word."""
    board = Switchboard()

    board.play(
        "QueueCallerJoin; 3; HangupRequest; QueueCallerAbandon; QueueCallerLeave; Hangup"
    )

    assert {"1.1": ["joined", "abandoned"]} == ends(board.events)


def test_who_hangs_up_before_the_agent_hears_him_was_not_answered() -> None:
    """A hang-up between pick-up and connection is abandoned, and there is no talk."""
    board = Switchboard()

    board.play(
        "QueueCallerJoin; 3; DialEnd DialStatus=ANSWER; QueueCallerLeave; 4; HangupRequest; 2;"
        "AgentConnect HoldTime=9; BridgeEnter; BridgeLeave; Hangup;"
        "AgentComplete Uniqueid=- Channel=- HoldTime=9 TalkTime=0"
    )
    board.wait(5 * SECOND)

    left = [e for e in board.events if isinstance(e, ContactLeft)]
    assert [None, Outcome.ABANDONED] == [e.outcome for e in left]
    assert 7_003_000 == left[-1].wait
    assert not [e for e in board.events if isinstance(e, ContactAnswered | Talk)]


def test_a_shutdown_takes_back_what_it_looked_like() -> None:
    """What Asterisk hangs up to stop is lost, also where only Shutdown says so."""
    board = Switchboard(classes=ALL - {"call"})
    board.play("VarSet Variable=X; QueueCallerJoin; 3; QueueCallerAbandon HoldTime=3")
    board.play("QueueCallerLeave; Newexten Exten=h; 2; Shutdown")

    assert ["joined", "left", "abandoned", "lost"] == ends(board.events)["1.1"]


def test_a_shutdown_blames_itself_only_for_its_own() -> None:
    """Who hung up before Asterisk began to stop has abandoned."""
    board = Switchboard()
    board.play("QueueCallerJoin; 3; HangupRequest; QueueCallerAbandon; QueueCallerLeave", "1")
    board.play("QueueCallerJoin; 1; SoftHangupRequest Cause=4; HangupRequest", "2")
    board.play("QueueCallerAbandon; QueueCallerLeave; Shutdown", "2")

    assert {"1": ["joined", "abandoned"], "2": ["joined", "lost"]} == ends(board.events)


def test_a_hang_up_that_the_shutdown_causes_is_its_own() -> None:
    """The far end of a channel may go first: its request comes before the shutdown's."""
    board = Switchboard()
    board.play("SoftHangupRequest Cause=4", "other")
    board.play("QueueCallerJoin; 1; HangupRequest; QueueCallerAbandon; QueueCallerLeave")

    assert ["joined", "lost"] == ends(board.events)["1.1"]


@pytest.mark.parametrize("story", ["QueueCallerAbandon; QueueCallerLeave", "QueueCallerLeave"])
def test_a_join_elsewhere_does_not_say_why(story: str) -> None:
    """Without class *dialplan* a timeout and a redirect look alike when he joins again."""
    board = Switchboard(classes=frozenset(("agent", "call")), version=(11, 0, 0))

    board.play(f"QueueCallerJoin; 3; {story}; QueueCallerJoin Queue=hotline")

    assert ["joined", "left", "lost?", "joined"] == ends(board.events)["1.1"]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(ALL, "key_exit"), (frozenset(("agent",)), "key_exit?")],
    ids=["call", "agent only"],
)
def test_a_key_exit_by_time_alone_is_sure_only_where_pick_ups_are_seen(
    classes: frozenset[str], expected: str
) -> None:
    """Where they are not, an agent's announcement may run."""
    board = Switchboard(classes=classes, version=(5, 0, 4))

    board.play("QueueCallerJoin; 3; QueueCallerLeave; 3")

    assert expected == ends(board.events)["1.1"][-1]


def test_the_first_exit_by_key_shows_what_places_are_worth() -> None:
    """Between the versions that were tried the interface itself tells."""
    board = Switchboard(version=(8, 0, 0))
    board.play("QueueCallerJoin; 3; QueueCallerLeave Exten=1", "1")

    board.play("QueueCallerJoin; 3; QueueCallerLeave; 60; AgentConnect", "2")

    assert ["joined", "left", "answered"] == ends(board.events)["2"]


def test_a_carried_in_caller_has_no_place_to_compare_with() -> None:
    """Until an agent is called for him; without one, time tells."""
    board = Switchboard()
    board.list_queues(queue_rows([("1", 5), ("2", 5)]))
    board.play("AgentCalled Context=in Exten=600", "1")

    for caller in ("1", "2"):
        board.play("QueueCallerLeave Exten=7", caller)
    at_once = ends(board.events)
    board.wait(3 * SECOND)

    assert (["joined", "key_exit"], ["joined", "left"]) == (at_once["1"], at_once["2"])
    assert ["joined", "left", "key_exit"] == ends(board.events)["2"]


def test_nothing_is_invented_without_class_dialplan() -> None:
    """Without QUEUESTATUS a timeout, an empty queue and a withdrawal are one and unknown."""
    board = Switchboard(classes=ALL - {"dialplan"})

    board.play("QueueCallerJoin; 3; QueueCallerAbandon HoldTime=3; QueueCallerLeave; 1; Hangup")

    assert ["joined", "left", "lost?"] == ends(board.events)["1.1"]


def test_what_explains_nothing_any_more_is_not_waited_for() -> None:
    """When the connection breaks after Leave the reason is never heard."""
    board = Switchboard()
    board.play("QueueCallerJoin; 3; QueueCallerAbandon HoldTime=3; QueueCallerLeave")

    board.lose()
    board.wait(0)

    assert ["joined", "left", "lost?"] == ends(board.events)["1.1"]


def test_a_late_answer_overrules_what_was_assumed() -> None:
    """Who was given up for lost, and is connected then, was answered."""
    board = Switchboard()
    board.play("QueueCallerJoin; 3; DialEnd DialStatus=ANSWER; QueueCallerLeave")
    board.lose()
    board.wait(SECOND)

    board.reconnect()
    board.play("AgentConnect HoldTime=4")

    assert ["joined", "left", "lost?", "answered"] == ends(board.events)["1.1"]
