"""Tests of playing a recording: bytes, actions, losses and time reach the interpreter."""

from collections.abc import Iterable

from callmon.clock import SECOND, Micros
from callmon.decode.ami_interpreter import AmiInterpreter
from callmon.decode.recording import Mark, Record, format_record
from callmon.events import ContactJoined, ContactLeft, ContactsListed, Event, Outcome
from callmon.replay.playback import Playback, play_recording
from tests.replay.made_up import BANNER, JOIN, LEAVE, at, mark, received, sent, snapshot


def played(records: Iterable[Record]) -> list[tuple[Micros, Event]]:
    """Return what is told, each event with the moment at which it is."""
    lines = map(format_record, records)
    return [
        (moment, event)
        for moment, events in play_recording(lines, AmiInterpreter("pbx"))
        for event in events
    ]


def test_events_are_told_when_they_were_received() -> None:
    """A message that comes in pieces is there with its last byte."""
    told = played(
        [
            mark(0, Mark.CONNECTED),
            received(1, BANNER + JOIN[:50]),
            received(2, JOIN[50:]),
        ]
    )

    assert [at(2)] == [moment for moment, _ in told]
    assert [ContactJoined] == [type(event) for _, event in told]


def test_time_passes_between_records() -> None:
    """What time alone decides is told at its own instant, not with the next bytes."""
    records = [
        mark(0, Mark.CONNECTED),
        received(1, BANNER + JOIN),
        received(5, LEAVE),
        received(700, b"\r\n"),
    ]

    told = [
        (moment, event.outcome)
        for moment, event in played(records)
        if isinstance(event, ContactLeft)
    ]

    assert [(at(5), None)] == told[:1]
    assert all(at(5) < moment < at(700) for moment, _ in told[1:])
    assert 2 == len(told)


def test_answers_to_recorded_questions_are_believed() -> None:
    """A list is ours when its ActionID was sent; whatever the case of the action's keys."""
    question = sent(1, "action: queuestatus\nACTIONID: q1")
    answer = [received(2, snapshot("q1", "1"))]

    records = [mark(0, Mark.CONNECTED), received(1, BANNER)]
    joined = [event for _, event in played([*records, question, *answer])]

    assert [("1795336000.1", at(2) - 30 * SECOND)] == [
        (event.contact, event.at) for event in joined if isinstance(event, ContactJoined)
    ]
    assert [] == played([*records, *answer])


def test_several_actions_of_one_write_are_all_seen() -> None:
    """A recorder may have caught them together."""
    both = sent(1, "Action: Ping\nActionID: p1\n\nAction: QueueStatus\nActionID: q1")
    records = [mark(0, Mark.CONNECTED), received(1, BANNER), both]

    assert 1 == len(played([*records, received(2, snapshot("q1", "1"))]))


def test_a_lost_connection_is_lost_to_the_interpreter() -> None:
    """Who left meanwhile is missing from the next snapshot; a session begins with a banner."""
    first = [mark(0, Mark.CONNECTED), received(1, BANNER + JOIN + LEAVE[:40])]
    second = [
        mark(20, Mark.CONNECTED),
        received(20, BANNER),
        sent(20, "Action: QueueStatus\nActionID: q1"),
        received(21, snapshot("q1")),
        received(60, b"\r\n"),
    ]

    told = [
        event
        for _, event in played([*first, mark(10, Mark.EOF), *second])
        if not isinstance(event, ContactsListed)
    ]

    assert [ContactJoined, ContactLeft] == [type(event) for event in told]
    assert isinstance(told[1], ContactLeft)
    assert (Outcome.LOST, False) == (told[1].outcome, told[1].certain)


def test_a_session_that_cannot_be_read_is_passed_over() -> None:
    """As the feed would drop it; the next one counts."""
    playback = Playback(AmiInterpreter("pbx"))
    records = [
        mark(0, Mark.CONNECTED),
        received(1, b"SSH-2.0-OpenSSH_9.2\r\n"),
        received(2, BANNER + JOIN),
        mark(3, Mark.CONNECTED),
        received(4, BANNER + JOIN),
    ]

    told = [moment for record in records for moment, _ in playback.play(record)]

    assert [at(4)] == told
    assert {("decode", "unknown_verb"): 1} == dict(playback.drops)


def test_bytes_outside_of_a_connection_are_passed_over() -> None:
    """Of a recording that begins in the middle nothing can be believed."""
    assert [] == played([received(1, JOIN), sent(2, "Action: Ping"), mark(3, "stall end")])


def test_what_is_no_message_is_counted() -> None:
    """The rest of a message that a CR LF in a name has torn, as the feed counts it."""
    playback = Playback(AmiInterpreter("pbx"))
    torn = received(1, BANNER + b"ConnectedLineNum: 1\r\nWait: 1\r\n\r\n" + JOIN)

    told = [list(playback.play(record)) for record in (mark(0, Mark.CONNECTED), torn)]

    assert [0, 1] == [len(one) for one in told]
    assert {("decode", "forged"): 1} == dict(playback.drops)
