"""Snapshots against what the events have told."""

import pytest

from callmon.clock import SECOND
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactMoved,
    ContactsListed,
)
from tests.switchboard import START, Switchboard, ends, queue_rows

GAP = 60 * SECOND


def test_the_first_snapshot_shows_who_was_there_before() -> None:
    """A caller who is not known has joined as long ago as he has waited."""
    board = Switchboard()

    board.list_queues(queue_rows([("1.1", 65), ("1.2", 3)]))

    joins = [(e.contact, e.at) for e in board.events if isinstance(e, ContactJoined)]
    assert [("1.1", START - 65 * SECOND), ("1.2", START - 3 * SECOND)] == joins
    assert board.interpreter.synced
    assert 2 == board.interpreter.waiting("Sales")


def test_who_waits_is_told_once_a_session() -> None:
    """Who remembers others, from before a restart of callmon, learns that they have left.

    It is told when what the snapshot has overtaken is in, and of believed queues only.
    """
    board = Switchboard()
    rows = queue_rows([("1.1", 65), ("1.2", 3)]) + queue_rows([("9.9", 5)], "hotline", calls=3)
    board.list_queues(rows)
    board.play("HangupRequest; QueueCallerAbandon; QueueCallerLeave", "1.1")
    board.play("QueueCallerJoin", "1.3")

    board.wait(3 * SECOND)
    board.list_queues(queue_rows([("1.2", 3), ("1.3", 3)]))
    board.wait(3 * SECOND)

    listed = [e for e in board.events if isinstance(e, ContactsListed)]
    assert [("sales", ("1.2", "1.3"))] == [(e.queue, e.contacts) for e in listed]
    assert START + 2 * SECOND == listed[0].at


def test_a_session_that_ended_lists_nobody() -> None:
    """What came after its snapshot is not known."""
    board = Switchboard()
    board.list_queues(queue_rows([("1.1", 65)]))

    board.lose()
    board.wait(3 * SECOND)

    assert not [e for e in board.events if isinstance(e, ContactsListed)]


def test_a_carried_in_caller_ends_like_any_other() -> None:
    """His wait is measured from what the snapshot said."""
    board = Switchboard()
    board.list_queues(queue_rows([("1.1", 65)]))

    board.play("5; QueueCallerLeave; AgentConnect HoldTime=70")

    assert ["joined", "left", "answered"] == ends(board.events)["1.1"]
    answered = next(e for e in board.events if isinstance(e, ContactAnswered))
    assert 70_001_000 == answered.wait


def test_a_join_that_the_snapshot_has_overtaken_is_no_second_one() -> None:
    """What was sent before the snapshot may be delivered after it; it is the exact time."""
    board = Switchboard()
    board.list_queues(queue_rows([("1.1", 1)]))

    board.send("QueueCallerJoin", Timestamp=f"{START // SECOND - 1}.750000")
    board.wait(SECOND)
    board.send("AgentConnect")

    assert ["joined", "answered"] == ends(board.events)["1.1"]
    answered = next(e for e in board.events if isinstance(e, ContactAnswered))
    assert 1_250_000 == answered.wait


def test_a_snapshot_that_agrees_changes_nothing() -> None:
    """Whoever was seen to join keeps his exact start."""
    board = Switchboard()
    board.play("QueueCallerJoin; 5")

    board.list_queues(queue_rows([("1.1", 9)]))
    board.play("QueueCallerLeave; AgentConnect")

    answered = next(e for e in board.events if isinstance(e, ContactAnswered))
    assert 5_002_000 == answered.wait
    assert 0 == board.interpreter.drift


def test_after_a_gap_who_has_gone_is_lost() -> None:
    """Nobody saw why; after a moment for late events he is told lost, and not certain."""
    board = Switchboard()
    board.list_queues(queue_rows())
    board.play("QueueCallerJoin", "1.1")
    board.play("QueueCallerJoin", "1.2")
    board.lose()
    board.wait(GAP)
    board.reconnect()

    board.list_queues(queue_rows([("1.2", 60)]))
    at_once = ends(board.events)
    board.wait(3 * SECOND)

    assert {"1.1": ["joined"], "1.2": ["joined"]} == at_once
    assert {"1.1": ["joined", "lost?"], "1.2": ["joined"]} == ends(board.events)
    assert 1 == board.interpreter.drift


def test_what_was_on_its_way_explains_who_has_gone() -> None:
    """An end delivered right after the snapshot is the true one."""
    board = Switchboard()
    board.play("QueueCallerJoin")
    board.lose()
    board.wait(GAP)
    board.reconnect()

    board.list_queues(queue_rows())
    board.play("HangupRequest; QueueCallerAbandon HoldTime=60; QueueCallerLeave")
    board.wait(3 * SECOND)

    assert ["joined", "abandoned"] == ends(board.events)["1.1"]


def test_a_later_end_overrules_what_was_assumed() -> None:
    """Who was given up and then is heard of again was there all the time."""
    board = Switchboard()
    board.play("QueueCallerJoin")
    board.lose()
    board.wait(GAP)
    board.reconnect()
    board.list_queues(queue_rows())
    board.wait(5 * SECOND)

    board.play("HangupRequest; QueueCallerAbandon HoldTime=65; QueueCallerLeave; Hangup")
    board.wait(9 * SECOND)

    words = ends(board.events)["1.1"]
    assert ["joined", "lost?"] == words[:2]
    assert "abandoned" in words[-1]


def test_who_hung_up_in_a_gap_is_told_so() -> None:
    """His channel has ended before the snapshot: the snapshot changes nothing about that."""
    board = Switchboard()
    board.play("QueueCallerJoin")
    board.lose()
    board.wait(GAP)
    board.reconnect()
    board.play("Hangup")

    board.list_queues(queue_rows())
    board.wait(3 * SECOND)

    assert ["joined", "abandoned?"] == ends(board.events)["1.1"]


def test_who_is_listed_has_not_hung_up_yet() -> None:
    """The end of his channel is final, whatever a list of a moment before says."""
    board = Switchboard()
    board.play("QueueCallerJoin; Hangup")

    board.list_queues(queue_rows([("1.1", 0)]))
    board.wait(3 * SECOND)

    assert ["joined", "abandoned?"] == ends(board.events)["1.1"]


def test_an_end_of_unknown_beginning_gets_one_from_a_list() -> None:
    """Abandoned and still listed: the list says since when he has waited."""
    board = Switchboard()
    board.play("QueueCallerAbandon HoldTime=5")

    board.list_queues(queue_rows([("1.1", 9)]))
    board.play("QueueCallerLeave")

    left = next(e for e in board.events if isinstance(e, ContactLeft))
    assert 9 * SECOND == left.wait


def test_one_snapshot_without_him_closes_nobody() -> None:
    """Within a session he may have left a moment ago; two in a row are no accident."""
    board = Switchboard()
    board.list_queues(queue_rows())
    board.play("QueueCallerJoin; 5")

    board.list_queues(queue_rows())
    board.wait(30 * SECOND)
    once = ends(board.events)["1.1"]
    board.list_queues(queue_rows())

    assert ["joined"] == once
    assert ["joined", "lost?"] == ends(board.events)["1.1"]


def test_one_snapshot_with_him_takes_nobody_in() -> None:
    """Within a session his join may be on its way; in two in a row it was missed."""
    board = Switchboard()
    board.list_queues(queue_rows())

    board.list_queues(queue_rows([("1.1", 1)]))
    once = dict(ends(board.events))
    board.wait(30 * SECOND)
    board.list_queues(queue_rows([("1.1", 31)]))

    assert {} == once
    assert {"1.1": ["joined"]} == ends(board.events)


def test_an_id_that_changed_is_found() -> None:
    """One gone, another there with the same wait: a transfer that no event has told."""
    board = Switchboard()
    board.list_queues(queue_rows())
    board.play("QueueCallerJoin; 30")

    for wait in (30, 60):
        board.list_queues(queue_rows([("7.7", wait)]))
        board.wait(30 * SECOND)

    moved = [e for e in board.events if isinstance(e, ContactMoved)]
    assert [("1.1", "7.7")] == [(e.contact, e.heir) for e in moved]
    assert {"1.1": ["joined", "now 7.7"]} == ends(board.events)


def test_an_id_that_changed_in_a_gap_is_found() -> None:
    """Who joined before our eyes under one id and is there under another is the same."""
    board = Switchboard()
    board.play("QueueCallerJoin; 30")
    board.lose()
    board.wait(GAP)
    board.reconnect()

    board.list_queues(queue_rows([("7.7", 90), ("8.8", 20)]))

    assert {"1.1": ["joined", "now 7.7"], "8.8": ["joined"]} == ends(board.events)


def test_who_joined_in_a_gap_is_nobody_else() -> None:
    """One left and another came: two callers, although their starts are alike."""
    board = Switchboard()
    board.play("QueueCallerJoin")
    board.lose()
    board.wait(GAP)
    board.reconnect()

    board.list_queues(queue_rows([("7.7", 59)]))
    board.wait(3 * SECOND)

    assert {"1.1": ["joined", "lost?"], "7.7": ["joined"]} == ends(board.events)


def test_who_waits_in_another_queue_has_left_the_first() -> None:
    """He overflowed while we were away."""
    board = Switchboard()
    board.play("QueueCallerJoin; 5")
    board.lose()
    board.wait(GAP)
    board.reconnect()

    board.list_queues(queue_rows() + queue_rows([("1.1", 20)], name="hotline"))
    board.wait(3 * SECOND)

    assert {"1.1": ["joined", "lost?", "joined"]} == ends(board.events)
    assert (0, 1) == tuple(map(board.interpreter.waiting, ("sales", "hotline")))


def test_a_removed_queue_keeps_its_callers() -> None:
    """A reload takes it from the list, and they wait on: their events go on, too."""
    board = Switchboard()
    board.list_queues(queue_rows())
    board.play("QueueCallerJoin")

    for _ in range(3):
        board.wait(30 * SECOND)
        board.list_queues(queue_rows(name="hotline"))
    board.play("QueueCallerLeave; AgentConnect HoldTime=90")

    assert ["joined", "left", "answered"] == ends(board.events)["1.1"]


def test_a_queue_removed_in_a_gap_may_have_lost_its_callers() -> None:
    """Nobody knows whether they wait on; if they do, their events will say so."""
    board = Switchboard()
    board.play("QueueCallerJoin")
    board.lose()
    board.wait(GAP)
    board.reconnect()

    board.list_queues(queue_rows(name="hotline"))
    board.wait(3 * SECOND)
    board.play("QueueCallerLeave; AgentConnect HoldTime=63")

    assert ["joined", "lost?", "left", "answered"] == ends(board.events)["1.1"]


def test_a_queue_that_is_not_believed_changes_nobody() -> None:
    """Its callers neither come nor go by a list that somebody has written into."""
    board = Switchboard()
    board.list_queues(queue_rows())
    board.play("QueueCallerJoin")

    for _ in range(3):
        board.list_queues(queue_rows([("9.9", 5)], calls=3))
        board.wait(30 * SECOND)

    assert {"1.1": ["joined"]} == ends(board.events)


@pytest.mark.parametrize("resumed", [True, False])
def test_a_bridge_proves_a_redirect_only_where_nothing_was_missed(resumed: bool) -> None:
    """After a gap the caller may have been answered in it; then a bridge is no wonder."""
    board = Switchboard()
    board.play("QueueCallerJoin; 5")
    if resumed:
        board.lose()
        board.wait(GAP)
        board.reconnect()

    board.play("BridgeEnter")

    (left,) = [e for e in board.events if isinstance(e, ContactLeft)]
    assert left.certain != resumed
