"""What was handed over is found again: all of it, once, in order."""

import asyncio
import functools
import threading
from pathlib import Path

import pytest

from callmon.clock import SystemClock
from callmon.events import ContactJoined
from callmon.journal import FeedInfo, Journal, Pace, StoredFeed, TimePassed, Told
from tests.journal.desk import Counts, durable, found, info, joined, journal, numbers, until

pytestmark = pytest.mark.anyio


async def test_a_first_start_finds_nothing(tmp_path: Path) -> None:
    """An empty directory, even one that is not there yet, is no trouble."""
    desk = journal(tmp_path / "state" / "deep")

    stored = await desk.start()
    await desk.close(30)

    assert stored.created
    assert ({}, {}, {}, 0) == (stored.parts, stored.feeds, stored.ids, stored.through)
    assert "" == desk.trouble
    assert not desk.wants_whole


async def test_what_was_handed_over_is_found_again(tmp_path: Path) -> None:
    """Events, marks, positions, ids, parts and facts come back as they were."""
    desk = journal(tmp_path)
    await desk.start()
    desk.feed(info("mq", live=True))
    desk.feed(info("log"))
    desk.record("mq", [joined(1), joined(2)], [11, None], {"offset": 1})
    desk.checkpoint(5, {"a": b"1", "b": b"2"}, whole=True)
    desk.record("log", [joined(3)], (), {"offset": 7, "memory": "[]"})
    desk.passed(4)
    desk.record("mq", [joined(5), joined(6)], [15, 16], None)
    desk.keep("told", b"x")
    await desk.close(30)

    again = journal(tmp_path)
    stored = await again.start()
    told = await asyncio.to_thread(lambda: list(again.later(stored)))
    await again.close(30)

    assert not stored.created
    assert (2, 6, 5) == (stored.through, stored.last, stored.at)
    assert {"a": b"1", "b": b"2"} == stored.parts
    assert {"told": b"x"} == stored.kept
    assert {"mq": [11, 15, 16]} == stored.ids
    assert stored.feeds["mq"] == StoredFeed(
        name="mq",
        type="mqtt",
        source="pbx",
        stream="broker/mq",
        live=True,
        position={"offset": 1},
    )
    assert {"offset": 7, "memory": "[]"} == stored.feeds["log"].position
    assert told == [
        Told("log", live=False, events=[joined(3)]),
        TimePassed(4),
        Told("mq", live=True, events=[joined(5), joined(6)]),
    ]


async def test_a_load_of_many_rows_is_whole(tmp_path: Path) -> None:
    """More rows than a statement takes, in several runs, keep their order and ids."""
    desk = journal(tmp_path)
    await desk.start()
    for start in range(0, 3_000, 300):
        events = [joined(start + offset) for offset in range(300)]
        desk.record("ab"[start // 300 % 2], events, range(start, start + 300), None)
    await desk.close(30)

    stored, told = await found(tmp_path)

    assert list(range(3_000)) == told
    assert set(range(3_000)) == {*stored.ids["a"], *stored.ids["b"]}


async def test_it_may_be_read_by_one_thread_after_another(tmp_path: Path) -> None:
    """Whoever reads a batch at a time does so in whatever thread is free."""
    desk = journal(tmp_path)
    await desk.start()
    desk.record("mq", [joined(number) for number in range(25_000)], (), None)
    await desk.close(30)
    desk = journal(tmp_path)
    told = desk.later(await desk.start())
    sizes: list[int] = []

    def read(more: int) -> None:
        part = next(told)
        assert isinstance(part, Told)
        sizes.append(len(part.events))
        if more:
            thread = threading.Thread(target=read, args=(more - 1,))
            thread.start()
            thread.join()

    await asyncio.to_thread(read, 2)
    assert await asyncio.to_thread(lambda: next(told, None)) is None
    await desk.close(30)

    assert [10_000, 10_000, 5_000] == sizes


async def test_changes_are_added_to_a_checkpoint(tmp_path: Path) -> None:
    """Parts that are not told stay, None deletes, the whole replaces all."""
    desk = journal(tmp_path)
    await desk.start()
    desk.checkpoint(1, {"a": b"1", "b": b"1", "c": b"1"}, whole=True)
    await durable(desk)
    desk.checkpoint(2, {"b": b"2"}, whole=False)
    desk.checkpoint(3, {"c": None, "d": b"3"}, whole=False)
    await durable(desk)
    await desk.close(30)
    changed, _ = await found(tmp_path)

    desk = journal(tmp_path)
    await desk.start()
    desk.checkpoint(4, {"b": b"4"}, whole=False)
    desk.checkpoint(5, {"e": b"5"}, whole=True)
    await desk.close(30)
    replaced, _ = await found(tmp_path)

    assert (3, {"a": b"1", "b": b"2", "d": b"3"}) == (changed.at, changed.parts)
    assert (5, {"e": b"5"}) == (replaced.at, replaced.parts)


async def test_those_who_wait_are_told_in_order(tmp_path: Path) -> None:
    """Each hears when all before it is on the disk, in the loop, also with nothing new."""
    desk = journal(tmp_path)
    await desk.start()
    heard: list[tuple[int, int]] = []

    def told(number: int) -> None:
        heard.append((number, desk.pending))

    for number in range(5):
        desk.record("mq", [joined(number)], [number], None)
        desk.when_durable(functools.partial(told, number))
    await until(lambda: len(heard) == 5)
    await durable(desk)
    await desk.close(30)

    assert list(range(5)) == [number for number, _ in heard]
    assert all(pending < 5 - number for number, pending in heard)


async def test_one_who_fails_does_not_keep_it_from_the_others(tmp_path: Path) -> None:
    """A mistake of one feed is the loop's to report; the next feed hears all the same."""
    desk = journal(tmp_path)
    await desk.start()
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: failures.append(told))

    desk.when_durable(_fail)
    await durable(desk)
    await desk.close(30)

    assert 1 == len(failures)


def _fail() -> None:
    raise ValueError("a mistake")


async def test_who_can_wait_waits_for_room(tmp_path: Path) -> None:
    """Above a quarter of the capacity there is no room, until the disk has caught up."""
    slow = Pace(gather_s=3_600.0, urgent=1_000_000)
    desk = Journal(tmp_path, SystemClock(), Counts(), capacity=100, pace=slow)
    await desk.start()
    desk.record("mq", [joined(number) for number in range(25)], (), None)
    await desk.room()  # at once, or the next would not be in time
    desk.record("mq", [joined(26)], (), None)
    waiting = asyncio.ensure_future(desk.room())  # noqa: TID251  # waited for below
    await asyncio.sleep(0)  # noqa: TID251  # a turn for it
    assert not waiting.done()

    desk.hurry()
    async with asyncio.timeout(30):
        await waiting

    assert 0 == desk.pending
    await desk.close(30)


async def test_too_much_is_given_up_for_a_checkpoint(tmp_path: Path) -> None:
    """A disk that is too slow costs the log its events, never the state nor an id."""
    counts = Counts()
    slow = Pace(gather_s=20.0, urgent=1_000_000)
    desk = Journal(tmp_path, SystemClock(), counts, capacity=10, pace=slow)
    await desk.start()
    asked: list[int] = []
    desk.on_wants_whole = lambda: asked.append(1)
    desk.record("mq", [joined(number) for number in range(8)], range(8), {"place": 8})
    desk.record("mq", [joined(number) for number in range(8, 12)], range(8, 12), {"place": 12})
    desk.record("log", [joined(12)], (), {"place": 13})
    desk.checkpoint(1, {"a": b"changes alone"}, whole=False)
    wanted = desk.wants_whole
    await until(lambda: bool(asked))

    desk.checkpoint(2, {"a": b"all"}, whole=True)
    assert (True, False, [1]) == (wanted, desk.wants_whole, asked)
    desk.record("mq", [joined(13)], [13], None)
    await durable(desk)
    await desk.close(30)
    stored, told = await found(tmp_path)

    assert [13] == told
    assert (2, {"a": b"all"}) == (stored.at, stored.parts)
    assert {"mq": {"place": 12}, "log": {"place": 13}} == {
        name: feed.position for name, feed in stored.feeds.items()
    }
    assert [*range(12), 13] == stored.ids["mq"]
    assert 13 == counts.total["given up"]


async def test_ids_are_remembered_up_to_a_limit(tmp_path: Path) -> None:
    """Each feed's last ids are found, the oldest first, however the other ones chatter."""
    desk = journal(tmp_path)
    await desk.start()
    desk.record("quiet", [joined(0)], [7], None)
    desk.record("mq", [joined(number) for number in range(1, 9)], range(91, 99), None)
    await desk.close(30)

    again = journal(tmp_path, remembered=3)
    stored = await again.start()
    await again.close(30)

    assert {"quiet": [7], "mq": [96, 97, 98]} == stored.ids


async def test_an_id_that_was_there_is_counted(tmp_path: Path) -> None:
    """The log stays what the engine has taken; that an id came twice is counted."""
    counts = Counts()
    desk = journal(tmp_path, counts)
    await desk.start()
    desk.record("mq", [joined(1)], [7], None)
    desk.record("mq", [joined(2)], [7], None)
    desk.record("other", [joined(3)], [7], None)
    await durable(desk)
    await desk.close(30)

    stored, told = await found(tmp_path)

    assert [1, 2, 3] == told
    assert {"mq": [7], "other": [7]} == stored.ids
    assert 1 == counts.total["duplicates"]
    assert 3 == counts.total["committed"]


async def test_a_feed_that_changes_its_nature_keeps_what_it_told(tmp_path: Path) -> None:
    """What was told by a live feed is told as such again, whatever the feed is now."""
    desk = journal(tmp_path)
    await desk.start()
    desk.feed(info(live=True))
    desk.record("mq", [joined(1)], (), None)
    desk.feed(FeedInfo(name="mq", type="queue_log", source="p2", stream="s", live=False))
    desk.record("mq", [joined(2)], (), None)
    await durable(desk)

    stored, told = await _told(desk, tmp_path)

    assert ("queue_log", "p2", False) == (stored["type"], stored["source"], stored["live"])
    assert [("mq", True, 1), ("mq", False, 2)] == told


async def _told(
    desk: Journal, directory: Path
) -> tuple[dict[str, object], list[tuple[str, bool, int]]]:
    await desk.close(30)
    again = journal(directory)
    stored = await again.start()
    told = await asyncio.to_thread(lambda: list(again.later(stored)))
    await again.close(30)
    feed = stored.feeds["mq"]
    return {"type": feed.type, "source": feed.source, "live": feed.live}, [
        (part.feed, part.live, numbers([part])[0]) for part in told if isinstance(part, Told)
    ]


async def test_a_checkpoint_that_cannot_be_used_is_forgotten(tmp_path: Path) -> None:
    """All that is kept is told then, and the next checkpoint must be a whole one."""
    desk = journal(tmp_path)
    await desk.start()
    desk.record("mq", [joined(1)], (), None)
    desk.checkpoint(1, {"a": b"?"}, whole=True)
    desk.record("mq", [joined(2)], (), None)
    await desk.close(30)

    again = journal(tmp_path)
    stored = again.discard(await again.start())
    told = await asyncio.to_thread(lambda: list(again.later(stored)))
    assert again.wants_whole
    again.record("mq", [joined(3)], (), None)
    again.checkpoint(2, {"b": b"changes"}, whole=False)
    again.checkpoint(3, {"b": b"all"}, whole=True)
    await again.close(30)
    after, rest = await found(tmp_path)

    assert ([1, 2], {}, 0) == (numbers(told), stored.parts, stored.at)
    assert (3, {"b": b"all"}, []) == (after.at, after.parts, rest)


async def test_only_our_user_may_read_it(tmp_path: Path) -> None:
    """Call ids and agents' names are in it, and in the files beside it."""
    desk = journal(tmp_path)
    await desk.start()
    desk.record("mq", [joined(1)], (), None)
    await durable(desk)

    modes = _modes(tmp_path)
    await desk.close(30)

    names = ("journal.db", "journal.db-shm", "journal.db-wal", "journal.lock")
    assert dict.fromkeys(names, 0o600) == modes
    assert {"journal.db", "journal.lock"} == set(_modes(tmp_path))


def _modes(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}


async def test_closing_twice_or_unopened_is_no_mistake(tmp_path: Path) -> None:
    """A start that failed elsewhere still closes what there is."""
    desk = journal(tmp_path)
    await desk.close(30)
    await desk.start()
    await desk.close(30)
    await desk.close(30)

    assert 0 == desk.pending


async def test_text_that_is_no_text_does_not_stop_it(tmp_path: Path) -> None:
    """Half a character in a name is written as a question mark, and the rest goes on."""
    desk = journal(tmp_path)
    await desk.start()
    broken = ContactJoined(1, "pbx", 1, "caf\udce9", "c1")
    desk.record("mq", [broken, joined(2)], (), None)
    await durable(desk)
    await desk.close(30)
    again = journal(tmp_path)
    stored = await again.start()
    told = await asyncio.to_thread(lambda: list(again.later(stored)))
    await again.close(30)

    assert ["caf?", "客服"] == [
        getattr(event, "queue", "")
        for part in told
        if isinstance(part, Told)
        for event in part.events
    ]
