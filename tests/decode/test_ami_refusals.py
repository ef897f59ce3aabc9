"""Callers whom a queue did not take."""

import pytest

from callmon.decode.ami_refusals import MAX_RUNNING, AmiRefusals
from callmon.events import ContactRefused
from tests.switchboard import Switchboard


@pytest.mark.parametrize(
    ("status", "reason"),
    [("FULL", "full"), ("JOINEMPTY", "join_empty"), ("JOINUNAVAIL", "join_empty")],
)
def test_a_refusal_has_the_queue_that_the_dialplan_named(status: str, reason: str) -> None:
    """QUEUESTATUS says why, the step that called Queue() says where."""
    board = Switchboard()

    board.play(
        "Newexten Application=Queue AppData=sales,t,,,30;"
        f"VarSet Variable=QUEUESTATUS Value={status}"
    )

    (refused,) = board.events
    assert isinstance(refused, ContactRefused)
    assert ("sales", "1.1", reason) == (refused.queue, refused.contact, refused.reason)


def test_a_refusal_by_an_unknown_queue_is_counted() -> None:
    """Where a script calls Queue() nothing names the queue: no guess is made."""
    board = Switchboard()

    board.play("Newexten Application=AGI AppData=x; VarSet Variable=QUEUESTATUS Value=FULL")

    assert [] == board.events
    assert {("decode", "missing_fields"): 1} == board.interpreter.drops


def test_a_queue_that_took_him_is_not_the_one_that_refuses_next() -> None:
    """After a timeout the next queue is the one that his dialplan names next."""
    board = Switchboard()

    board.play(
        "Newexten Application=Queue AppData=sales; QueueCallerJoin; 3;"
        "QueueCallerAbandon; QueueCallerLeave; VarSet Variable=QUEUESTATUS Value=TIMEOUT;"
        "Newexten Application=Queue AppData=hotline; VarSet Variable=QUEUESTATUS Value=FULL"
    )

    assert ["hotline"] == [e.queue for e in board.events if isinstance(e, ContactRefused)]


def test_the_channels_remembered_are_bounded() -> None:
    """A flood of calls that never reach their queue must not fill the memory."""
    refusals = AmiRefusals()

    for channel in range(MAX_RUNNING + 1):
        refusals.step({"Application": "Queue", "AppData": "sales"}, str(channel))

    assert ("", "full") == refusals.refused("FULL", "0")
    assert ("sales", "full") == refusals.refused("FULL", "1")


def test_a_queue_without_a_name_is_none() -> None:
    """``Queue()`` with nothing in it asks for no queue."""
    refusals = AmiRefusals()

    refusals.step({"Application": "Queue", "AppData": ""}, "1")

    assert ("", "full") == refusals.refused("FULL", "1")


def test_who_hung_up_is_forgotten() -> None:
    """A channel that is no more is refused by nobody."""
    board = Switchboard()

    board.play(
        "Newexten Application=Queue AppData=sales; Hangup;"
        "VarSet Variable=QUEUESTATUS Value=FULL"
    )

    assert [] == board.events
