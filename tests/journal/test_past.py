"""Tests of reading the inputs of any span: all of them, in order, while others write."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from callmon.events import ContactJoined, Event, FeedChanged
from callmon.journal import FeedInfo, Heard, TimePassed, past
from callmon.journal.entries import JournalError
from callmon.journal.handover import Known, Load, Run
from callmon.journal.past import past_inputs
from callmon.journal.store import Store

FEEDS = (
    FeedInfo(name="log", type="queue_log", source="pbx", stream="a", live=False),
    FeedInfo(name="live", type="asterisk_ami", source="pbx", stream="b", live=True),
)


def joined(at: int) -> ContactJoined:
    """Return a join."""
    return ContactJoined(at, "pbx", 0, "sales", f"{at}")


def run(feed: str, *events: Event) -> Run:
    """Return what a feed tells."""
    return Run(feed, events, [], None, live=feed == "live")


INPUTS: list[Run | TimePassed] = [
    run("live", FeedChanged(10, "pbx", 0, "live", up=True), joined(11)),
    TimePassed(12),
    TimePassed(13),
    run("log", joined(14), joined(9)),
    run("live", joined(15)),
    TimePassed(20),
]
HEARD = [
    Heard(live=True, inputs=[FeedChanged(10, "pbx", 0, "live", up=True), joined(11)]),
    Heard(live=False, inputs=[TimePassed(12), TimePassed(13), joined(14), joined(9)]),
    Heard(live=True, inputs=[joined(15)]),
    Heard(live=False, inputs=[TimePassed(20)]),
]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return a journal with inputs of two feeds."""
    path = tmp_path / "journal.db"
    store = Store(path)
    known = Known(remembered=0, feeds={feed.name: feed for feed in FEEDS})
    store.write(Load(known, list(INPUTS)))
    store.finish()
    return path


def heard(path: Path, begin: int | None = None, end: int | None = None) -> list[Heard]:
    """Return the inputs of a span, those in a row that are equally live together."""
    with past_inputs(path) as inputs:
        begin = inputs.first if begin is None else begin
        end = inputs.end if end is None else end
        return [each for _, batch in inputs.read(begin, end) for each in batch]


def test_all_inputs_are_told_in_order(journal: Path) -> None:
    """Those of a live feed are known for that; marks are of none."""
    assert HEARD == heard(journal)


@pytest.mark.parametrize("block", [1, 2, 3, 5])
def test_how_much_is_read_at_once_does_not_matter(
    journal: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """But for runs that are told in two halves; where to go on is told with each."""
    monkeypatch.setattr(past, "BLOCK", block)

    with past_inputs(journal) as inputs:
        batches = list(inputs.read(inputs.first, inputs.end))

    flat = [each for _, batch in batches for heard in batch for each in heard.inputs]
    assert [each for heard in HEARD for each in heard.inputs] == flat
    assert [1 + block * n for n in range(1, len(batches))] == [at for at, _ in batches[:-1]]


def test_a_span_has_its_first_and_not_its_end(journal: Path) -> None:
    """Numbers count from 1, every event and mark."""
    assert [Heard(live=False, inputs=[TimePassed(13), joined(14)])] == heard(journal, 4, 6)


def test_an_instant_is_found(journal: Path) -> None:
    """The first input of that instant or later; after all of them there is the end."""
    with past_inputs(journal) as inputs:
        found = [inputs.since(at) for at in (0, 11, 12, 15, 20, 21)]

        assert [1, 2, 3, 7, 8, 9] == found
        assert (20, 10, 12, 0) == (inputs.newest(), *map(inputs.at, (1, 3, 99)))
        assert inputs.began


def test_what_was_forgotten_is_known_to_be(journal: Path) -> None:
    """Then the inputs that are left do not begin with nothing."""
    with closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute("DELETE FROM events WHERE number < 4")

    with past_inputs(journal) as inputs:
        assert (4, False) == (inputs.first, inputs.began)
        assert {"log", "live"} == {feed.name for feed in inputs.feeds}


def test_rows_that_make_no_sense_are_left_out(journal: Path) -> None:
    """And counted, also when two of them would make sense together."""
    halves = [b'{"type":"time_passed","at":12},', b'{"type":"time_passed","at":13}']
    with closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute("UPDATE events SET body = ? WHERE number = 3", ("{",))
        connection.execute(
            "UPDATE events SET body = ? WHERE number = 7",
            ("".join(half.decode() for half in halves),),
        )

    with past_inputs(journal) as inputs:
        found = [each for _, batch in inputs.read(1, inputs.end) for each in batch]

        assert 2 == inputs.unreadable
    kept: list[Event | TimePassed] = [TimePassed(13), joined(14), joined(9), TimePassed(20)]
    assert [HEARD[0], Heard(live=False, inputs=kept)] == found


def test_it_is_read_while_others_write(journal: Path) -> None:
    """What is written after the opening is not seen, and nobody waits for anybody."""
    with closing(sqlite3.connect(journal, timeout=0)) as writer, past_inputs(journal) as inputs:
        with writer:
            body = msgspec.json.encode(TimePassed(30)).decode()
            writer.execute("INSERT INTO events VALUES (9, NULL, 0, 30, ?)", (body,))

        assert HEARD == [each for _, batch in inputs.read(1, 99) for each in batch]
    last = Heard(live=False, inputs=[TimePassed(20), TimePassed(30)])
    assert [*HEARD[:-1], last] == heard(journal)


def test_an_empty_journal_has_no_inputs(tmp_path: Path) -> None:
    """A daemon that has heard nothing yet."""
    path = tmp_path / "journal.db"
    Store(path).close()

    with past_inputs(path) as inputs:
        assert (0, 0, None, 0) == (inputs.first, inputs.end, inputs.newest(), inputs.since(5))
    assert [] == heard(path)


def test_no_journal_is_an_error(tmp_path: Path) -> None:
    """With the path that was looked at."""
    with pytest.raises(JournalError, match="no journal yet"), past_inputs(tmp_path / "x.db"):
        pass


def test_the_last_word_of_a_feed_says_whether_it_is_down(tmp_path: Path) -> None:
    """Before an input, that is; of a feed that has said nothing nothing is known."""
    path = tmp_path / "journal.db"
    store = Store(path)
    words = [
        FeedChanged(at, "pbx", 0, feed, up=up)
        for at, (feed, up) in enumerate(
            [("live", True), ("log", True), ("live", False), ("log", False), ("log", True)]
        )
    ]
    store.write(Load(Known(remembered=0), [run("log", word, joined(9)) for word in words]))
    store.finish()

    with past_inputs(path) as inputs:
        down = [inputs.down(inputs.first + 2 * count) for count in range(len(words) + 1)]

    assert [set(), set(), set(), {"live"}, {"live", "log"}, {"live"}] == down
