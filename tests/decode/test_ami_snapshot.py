"""Lists of who waits: put together, and not believed where a caller has written into them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.decode import ami_snapshot
from callmon.decode.ami import AmiDecoder, Message
from callmon.decode.ami_snapshot import (
    MAX_EXPECTED,
    QueueSnapshot,
    SnapshotEntry,
    SnapshotReader,
)
from tests.switchboard import queue_rows

START = {"Response": "Success", "ActionID": "a1", "EventList": "start"}


def complete(count: int) -> Message:
    """Return the end of a list of *count* rows."""
    return {"Event": "QueueStatusComplete", "ActionID": "a1", "ListItems": str(count)}


def read(rows: list[Message], reader: SnapshotReader | None = None) -> QueueSnapshot:
    """Return the snapshot that *rows*, all of ours, make."""
    if reader is None:
        reader = SnapshotReader()
    reader.expect("a1")
    reader.take(START)
    for row in rows:
        assert reader.take({"ActionID": "a1"} | row) is None
    snapshot = reader.take(complete(len(rows)))
    assert snapshot is not None
    return snapshot


def test_rows_become_queues() -> None:
    """Queues have their callers in order and their members, and the list is whole."""
    member = {"Event": "QueueMember", "Queue": "sales", "Location": "SIP/7"}
    rows = queue_rows([("1.1", 65), ("1.2", 3)])
    sales, hotline = read([rows[0], member, *rows[1:], *queue_rows(name="hotline")]).queues

    assert ("sales", 2, 5, 2, True) == (
        sales.name,
        sales.calls,
        sales.completed,
        sales.abandoned,
        sales.believed,
    )
    assert (
        SnapshotEntry("1.1", 65 * SECOND, 1),
        SnapshotEntry("1.2", 3 * SECOND, 2),
    ) == sales.entries
    assert ["SIP/7"] == [row["Location"] for row in sales.members]
    assert ((), True) == (hotline.entries, hotline.believed)


def test_only_what_was_asked_for_is_read() -> None:
    """The answer to somebody else's question begins nothing."""
    reader = SnapshotReader()

    assert reader.take(START) is None
    assert not reader.inside


def test_a_refusal_ends_the_question() -> None:
    """While it shuts down gracefully, Asterisk refuses to list its queues."""
    reader = SnapshotReader()
    reader.expect("a1")

    reader.take({"Response": "Error", "ActionID": "a1", "Message": "shutting down"})

    reader.take(START)
    assert not reader.inside


def test_a_list_without_members_is_not_whole() -> None:
    """Who asks for no members must not conclude that there are none."""
    reader = SnapshotReader()
    reader.expect("a1", False)  # noqa: FBT003 - as the feed calls it
    reader.take(START)

    snapshot = reader.take(complete(0))

    assert snapshot is not None
    assert not snapshot.whole


def test_inside_is_from_start_to_complete() -> None:
    """Between the two there is no room for events."""
    reader = SnapshotReader()
    reader.expect("a1")
    inside = [reader.inside]
    reader.take(START)
    inside.append(reader.inside)
    reader.take(complete(0))
    inside.append(reader.inside)

    assert [False, True, False] == inside


def test_a_new_connection_asks_anew() -> None:
    """What was asked for on a connection that has broken is never answered."""
    reader = SnapshotReader()
    reader.expect("a1")
    reader.take(START)

    reader.reset()

    assert not reader.inside
    reader.take(START)
    assert not reader.inside


def test_questions_without_answers_are_forgotten() -> None:
    """Answers that never come must not fill the memory."""
    reader = SnapshotReader()
    for count in range(MAX_EXPECTED + 1):
        reader.expect(f"a{count}")

    reader.take({"Response": "Success", "ActionID": "a0"})

    assert not reader.inside


@pytest.mark.parametrize(
    "rows",
    [
        queue_rows([("1.1", 5)], calls=2),
        queue_rows([("1.1", 5), ("1.2", 5)], calls=1),
        queue_rows([("1.1", 5), ("1.1", 5)]),
        [*queue_rows([("1.1", 5)]), queue_rows()[0]],
        [queue_rows([("1.1", 5)])[0], queue_rows([("1.1", 5)])[1] | {"Position": "2"}],
        [queue_rows([("1.1", 5)])[0], queue_rows([("1.1", 5)])[1] | {"Wait": "x"}],
        [queue_rows([("", 5)])[0], queue_rows([("", 5)])[1]],
        [queue_rows()[0], *queue_rows(name="hotline"), queue_rows([("1.1", 5)])[1]],
    ],
    ids=["too few", "too many", "twice", "listed twice", "gap", "wait", "nobody", "elsewhere"],
)
def test_a_queue_that_contradicts_itself_is_not_believed(rows: list[Message]) -> None:
    """Rows that Asterisk does not write show that somebody else did."""
    reader = SnapshotReader()

    snapshot = read(rows, reader)

    assert not snapshot.queues[0].believed
    assert reader.drops


def forged(name: str) -> QueueSnapshot:
    """Return what is read of a list in which a caller has the *name*, CR LF and all."""
    rows = queue_rows([("1.1", 5), ("1.2", 4)]) + queue_rows([("2.1", 9)], name="hotline")
    rows[1]["CallerIDName"] = name
    text = "Asterisk Call Manager/11.0.0\r\n"
    for message in (START, *({**row, "ActionID": "a1"} for row in rows), complete(len(rows))):
        text += "".join(f"{key}: {value}\r\n" for key, value in message.items()) + "\r\n"
    reader = SnapshotReader()
    reader.expect("a1")
    found = [reader.take(message) for message in AmiDecoder().decode(text.encode())]
    (snapshot,) = [taken for taken in found if taken is not None]
    return snapshot


@pytest.mark.parametrize(
    "name",
    [
        "Bob\r\n\r\nEvent: QueueCallerJoin\r\nQueue: sales\r\nUniqueid: 9.9",
        "Bob\r\n\r\nEvent: QueueEntry\r\nQueue: sales\r\nPosition: 1\r\nUniqueid: 9.9",
        "Bob\r\n\r\nEvent: QueueParams\r\nQueue: sales\r\nCalls: 0",
        "Bob\r\n\r\nEvent: QueueStatusComplete\r\nListItems: 2",
        "Bob\r\n\r\nResponse: Success\r\nPing: Pong",
        "Bob\r\n\r\n",
        "Bob\r\nActionID: mine",
    ],
)
def test_who_writes_into_a_list_is_not_believed(name: str) -> None:
    """A queue in which a caller has torn his own row is not believed; the others are."""
    snapshot = forged(name)

    believed = {queue.name: queue.believed for queue in snapshot.queues}
    assert not believed["sales"]
    assert believed.get("hotline", True)
    assert not snapshot.whole


def test_a_name_like_a_field_moves_nobody() -> None:
    """Fields before the caller's name are Asterisk's; a wait he has written is only a wait."""
    snapshot = forged("Bob\r\nUniqueid: 9.9\r\nPosition: 7\r\nWait: 60")

    assert ["1.1", "1.2"] == [entry.contact for entry in snapshot.queues[0].entries]


def test_what_names_no_queue_taints_the_one_it_stands_in() -> None:
    """A message in a list that is none of its rows was written by a caller of that queue."""
    reader = SnapshotReader()
    reader.expect("a1")
    reader.take(START)
    for row in queue_rows([("1.1", 5)]):
        reader.take(row | {"ActionID": "a1"})

    reader.take({"Event": "Hangup", "Uniqueid": "1.1"})

    snapshot = reader.take(complete(2))
    assert snapshot is not None
    assert [False] == [queue.believed for queue in snapshot.queues]


def test_a_list_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than any PBX has are counted, and nothing of the list is believed."""
    monkeypatch.setattr(ami_snapshot, "MAX_ROWS", 3)
    reader = SnapshotReader()

    snapshot = read(queue_rows([("1.1", 5)]) + queue_rows([("2.1", 5)], name="b"), reader)

    assert not snapshot.whole
    assert [False, False] == [queue.believed for queue in snapshot.queues]
    assert 1 == reader.drops["decode", "oversized"]


def test_rows_that_are_missing_are_noticed() -> None:
    """The end of a list says how many rows it has."""
    reader = SnapshotReader()
    reader.expect("a1")
    reader.take(START)

    snapshot = reader.take(complete(7))

    assert snapshot is not None
    assert not snapshot.whole
    assert {("decode", "incomplete"): 1} == reader.drops


KINDS = ["QueueParams", "QueueMember", "QueueEntry", "QueueStatusComplete"]

messages = st.fixed_dictionaries(
    {},
    optional={
        "Event": st.sampled_from([*KINDS, "QueueCallerJoin"]),
        "Response": st.sampled_from(["Success", "Error"]),
        "ActionID": st.sampled_from(["a1", "a2"]),
        "Queue": st.sampled_from(["sales", "Sales", ""]),
        "Uniqueid": st.sampled_from(["1.1", "1.2"]),
        "Position": st.sampled_from(["1", "2", "x"]),
        "Calls": st.sampled_from(["0", "1", "-1"]),
    },
)


@given(st.lists(messages, max_size=12))
def test_nothing_in_a_list_stops_the_reader(stream: list[Message]) -> None:
    """Whatever comes, in whatever order, is read or counted."""
    reader = SnapshotReader()
    reader.expect("a1")

    for message in stream:
        snapshot = reader.take(message)
        for queue in () if snapshot is None else snapshot.queues:
            assert not queue.believed or queue.calls == len(queue.entries)
