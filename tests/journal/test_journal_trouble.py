"""Whatever ails the disk: monitoring goes on, people are told, and nothing told is missing.

A full disk and a read-only one are tried on real file systems in
tests/acceptance/test_journal_disk.py; here SQLite is asked to behave as on them.
"""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from callmon.journal import JournalReason, disk, schema
from tests.journal.desk import Counts, durable, found, held, info, joined, journal, until

pytestmark = pytest.mark.anyio


def _damage(path: Path) -> None:
    """Overwrite pages in the middle of the file, as a dying disk does."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


def _names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def _execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement).fetchall()
    connection.close()


async def _filled(directory: Path, events: int = 100) -> None:
    """Leave a journal behind in which there is something."""
    desk = journal(directory)
    await desk.start()
    desk.feed(info())
    desk.keep("told", b"x")
    desk.record(
        "mq", [joined(number) for number in range(events)], range(events), {"at": events}
    )
    await desk.close(30)


async def test_a_file_held_by_somebody_is_waited_for(tmp_path: Path) -> None:
    """Nothing is lost, nobody is told too soon, and room is given meanwhile."""
    counts = Counts()
    desk = journal(tmp_path, counts, capacity=40)
    await desk.start()
    heard: list[int] = []
    with held(tmp_path):
        desk.record("mq", [joined(1)], [1], {"at": 1})
        desk.record("mq", [joined(number) for number in range(2, 20)], (), {"at": 19})
        desk.when_durable(lambda: heard.append(1))
        assert not desk._room.is_set()
        await desk.room()  # there is, once it is known that the disk fails
        assert f"{tmp_path}/journal.db: held by another program" in desk.trouble
        desk.record("mq", [joined(number) for number in range(20, 30)], (), {"at": 29})
        assert desk._room.is_set()
        assert ([], 29, False) == (heard, desk.pending, counts.ups[-1])
    await until(lambda: not desk.trouble)
    await desk.close(30)

    stored, told = await found(tmp_path)

    assert list(range(1, 30)) == told
    assert {"at": 29} == stored.feeds["mq"].position
    assert ([1], True) == (heard, counts.ups[-1])
    assert counts.total["failed locked"] >= 1
    assert 0 == counts.total["given up"]


async def test_what_is_too_much_is_replaced_by_a_checkpoint(tmp_path: Path) -> None:
    """Nobody is told before the checkpoint that stands in for what was given up is there."""
    counts = Counts()
    desk = journal(tmp_path, counts, capacity=10)
    await desk.start()
    desk.record("mq", [joined(0)], [0], {"at": 0})
    await durable(desk)
    heard: list[str] = []
    desk.on_wants_whole = lambda: heard.append("asked")
    with held(tmp_path):
        desk.record("mq", [joined(1)], [1], {"at": 1})
        desk.when_durable(lambda: heard.append("done"))
        await until(lambda: bool(desk.trouble))
        for number in range(2, 20):
            desk.record("mq", [joined(number)], [number], {"at": number})
        # Also what was under way: were the file free before, it would yet be written.
        await until(lambda: counts.total["given up"] == 19)
    await until(lambda: not desk.trouble)
    assert ["asked"] == heard
    desk.checkpoint(20, {"a": b"all"}, whole=True)
    desk.record("mq", [joined(20)], [20], {"at": 20})
    await until(lambda: len(heard) == 2)
    await desk.close(30)

    stored, told = await found(tmp_path)

    assert [20] == told
    assert (20, {"a": b"all"}) == (stored.at, stored.parts)
    assert list(range(21)) == stored.ids["mq"]
    assert {"at": 20} == stored.feeds["mq"].position
    assert 19 == counts.total["given up"]


async def test_a_second_callmon_is_kept_out(tmp_path: Path) -> None:
    """It monitors without a journal, says why, and takes over when the first has ended."""
    first = journal(tmp_path)
    await first.start()
    first.record("mq", [joined(1)], [1], None)
    await durable(first)
    counts = Counts()
    second = journal(tmp_path, counts)

    stored = await second.start()
    second.record("mq", [joined(2)], [2], {"at": 2})

    assert f"{tmp_path}/journal.lock: in use by another process" == second.trouble
    assert ({}, False, True) == (stored.ids, stored.created, second.wants_whole)
    await first.close(30)
    second.checkpoint(2, {"a": b"all"}, whole=True)
    await durable(second)
    assert "" == second.trouble
    await second.close(30)
    after, told = await found(tmp_path)
    assert ([], {"a": b"all"}, [1, 2]) == (told, after.parts, after.ids["mq"])
    assert counts.total["failed locked"] >= 1


async def test_a_newer_journal_is_left_alone(tmp_path: Path) -> None:
    """It is refused, and not a byte of it is touched."""
    await _filled(tmp_path)
    path = tmp_path / "journal.db"
    await asyncio.to_thread(
        _execute, path, "PRAGMA user_version = 77", "PRAGMA journal_mode = DELETE"
    )
    before = await asyncio.to_thread(path.read_bytes)
    counts = Counts()
    desk = journal(tmp_path, counts)

    stored = await desk.start()
    told = await asyncio.to_thread(lambda: list(desk.later(stored)))
    desk.record("mq", [joined(1)], [1], None)
    await desk.close(30)

    assert [] == told
    assert f"{path}: written by a newer callmon (expected version 2 or older, found 77)" == (
        desk.trouble
    )
    assert {} == stored.feeds
    assert before == await asyncio.to_thread(path.read_bytes)
    assert counts.total["failed newer"] >= 1
    assert {"journal.db", "journal.lock"} == await asyncio.to_thread(_names, tmp_path)


async def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    """A database that is not ours is no journal, and not ours to overwrite."""
    path = tmp_path / "journal.db"
    await asyncio.to_thread(_execute, path, "CREATE TABLE theirs (a)")
    before = await asyncio.to_thread(path.read_bytes)
    counts = Counts()
    desk = journal(tmp_path, counts)

    await desk.start()
    await desk.close(30)

    assert f"{path}: expected a journal of callmon, found another" in desk.trouble
    assert before == await asyncio.to_thread(path.read_bytes)
    assert counts.total["failed other"] >= 1


@pytest.mark.parametrize("content", [b"not a database at all" * 1000, None])
async def test_a_damaged_file_is_set_aside_at_the_start(
    tmp_path: Path, content: bytes | None
) -> None:
    """A fresh one is begun at once, and the damaged one is kept for those who can read it."""
    await _filled(tmp_path)
    path = tmp_path / "journal.db"
    if content is None:
        await asyncio.to_thread(_damage, path)
    else:
        await asyncio.to_thread(path.write_bytes, content)
    damaged = await asyncio.to_thread(path.read_bytes)
    counts = Counts()
    desk = journal(tmp_path, counts)

    stored = await desk.start()
    desk.record("mq", [joined(5)], [5], None)
    await durable(desk)
    await desk.close(30)

    assert (True, {}, "") == (stored.created, stored.feeds, desk.trouble)
    aside = tmp_path / "journal.db.damaged-1"
    assert damaged == await asyncio.to_thread(aside.read_bytes)
    assert (1, 1) == (counts.total["failed corrupt"], counts.damaged_files)
    _, told = await found(tmp_path)
    assert [5] == told


async def test_a_file_damaged_while_it_runs_is_replaced(tmp_path: Path) -> None:
    """Positions, ids and facts go into the fresh one, with a checkpoint of everything."""
    await _filled(tmp_path)
    counts = Counts()
    desk = journal(tmp_path, counts)
    await desk.start()
    asked: list[int] = []
    heard: list[int] = []
    desk.on_wants_whole = lambda: asked.append(1)
    desk.record("mq", [joined(100)], [100], {"at": 101})
    await durable(desk)
    await asyncio.to_thread(_damage_all, tmp_path)
    for number in range(101, 2_000):
        desk.record("mq", [joined(number)], [number], {"at": number})
    desk.when_durable(lambda: heard.append(1))
    await until(lambda: bool(asked))
    assert [] == heard
    desk.checkpoint(7, {"a": b"all"}, whole=True)
    desk.record("mq", [joined(2_000)], [2_000], {"at": 2_000})
    await until(lambda: bool(heard))
    await desk.close(30)

    stored, told = await found(tmp_path)

    assert [2_000] == told
    assert {"a": b"all"} == stored.parts
    assert {"told": b"x"} == stored.kept
    assert list(range(2_001)) == stored.ids["mq"]
    assert ("broker/mq", {"at": 2_000}) == (
        stored.feeds["mq"].stream,
        stored.feeds["mq"].position,
    )
    assert "" == desk.trouble
    assert counts.total["failed corrupt"] >= 1
    assert 1 == counts.damaged_files


def _damage_all(directory: Path) -> None:
    for path in directory.glob("journal.db*"):
        path.write_bytes(b"\xa5" * path.stat().st_size)


async def test_a_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    """What is written into a deleted file would never be found again."""
    counts = Counts()
    desk = journal(tmp_path, counts)
    await desk.start()
    desk.feed(info())
    desk.record("mq", [joined(1)], [1], {"at": 1})
    await durable(desk)
    desk._writer._looked_at = None  # a second has passed
    await asyncio.to_thread((tmp_path / "journal.db").unlink)
    desk.record("mq", [joined(2)], [2], {"at": 2})
    await until(lambda: desk.wants_whole)
    desk.checkpoint(3, {"a": b"all"}, whole=True)
    await durable(desk)
    await desk.close(30)

    stored, told = await found(tmp_path)

    assert ([], {"a": b"all"}, [1, 2]) == (told, stored.parts, stored.ids["mq"])
    assert {"at": 2} == stored.feeds["mq"].position
    assert 1 == counts.total["failed removed"]


@pytest.mark.parametrize("gone", [["journal.lock"], ["journal.lock", "journal.db"]])
async def test_a_lock_that_is_gone_is_taken_again(tmp_path: Path, gone: list[str]) -> None:
    """Else a second callmon would hold another file of the same name, and both would write."""
    first, second = journal(tmp_path), journal(tmp_path)
    await first.start()
    first.record("mq", [joined(1)], [1], None)
    await durable(first)
    for name in gone:
        await asyncio.to_thread((tmp_path / name).unlink)
    first._writer._looked_at = None  # a second has passed
    first.record("mq", [joined(2)], [2], None)
    if len(gone) > 1:
        await until(lambda: first.wants_whole)
        first.checkpoint(2, {}, whole=True)
    await durable(first)

    await second.start()

    assert f"{tmp_path}/journal.lock: in use by another process" == second.trouble
    await first.close(30)
    await second.close(30)


async def test_who_came_in_through_a_lock_that_was_gone_is_alone(tmp_path: Path) -> None:
    """The first notices, says so, and writes nothing until the second has ended."""
    first, second = journal(tmp_path), journal(tmp_path)
    await first.start()
    first.record("mq", [joined(1)], [1], None)
    await durable(first)
    await asyncio.to_thread((tmp_path / "journal.lock").unlink)
    await second.start()

    first._writer._looked_at = None  # a second has passed
    first.record("mq", [joined(2)], [2], None)
    await until(lambda: bool(first.trouble))

    assert "" == second.trouble
    assert f"{tmp_path}/journal.lock: in use by another process" == first.trouble
    second.record("mq", [joined(3)], [3], None)
    await durable(second)
    await second.close(30)
    await until(lambda: first.wants_whole)
    first.checkpoint(3, {"a": b"all"}, whole=True)
    await durable(first)
    await first.close(30)


async def test_a_file_that_is_gone_is_noticed_without_work(tmp_path: Path) -> None:
    """At night nobody calls, and what is known must not be lost with the next power cut."""
    desk = journal(tmp_path)
    await desk.start()
    desk.record("mq", [joined(1)], [1], None)
    await durable(desk)
    await asyncio.to_thread((tmp_path / "journal.db").unlink)

    await until(lambda: desk.wants_whole)

    desk.checkpoint(1, {"a": b"all"}, whole=True)
    await durable(desk)
    await desk.close(30)
    assert (tmp_path / "journal.db").exists()


async def test_a_file_put_in_its_place_is_noticed(tmp_path: Path) -> None:
    """An old copy that somebody put back does not become the past of the present."""
    await _filled(tmp_path)
    await asyncio.to_thread(shutil.copy, tmp_path / "journal.db", tmp_path / "backup")
    desk = journal(tmp_path)
    await desk.start()
    desk.record("mq", [joined(100)], [100], {"at": 101})
    await durable(desk)
    desk.record("mq", [joined(101)], [101], {"at": 102})
    await durable(desk)
    desk._writer._looked_at = None  # a second has passed
    await asyncio.to_thread((tmp_path / "backup").rename, tmp_path / "journal.db")
    desk.record("mq", [joined(102)], [102], {"at": 103})
    await until(lambda: desk.wants_whole)
    desk.checkpoint(3, {"a": b"all"}, whole=True)
    await durable(desk)
    await desk.close(30)

    stored, told = await found(tmp_path)

    assert ([], {"a": b"all"}) == (told, stored.parts)
    assert list(range(103)) == stored.ids["mq"]


async def test_a_full_disk_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events wait, then a checkpoint waits in their place; with room again it is written."""
    monkeypatch.setattr(schema, "PRAGMAS", (*schema.PRAGMAS, "PRAGMA max_page_count = 40"))
    counts = Counts()
    desk = journal(tmp_path, counts, capacity=3_000)
    await desk.start()
    for number in range(2_000):
        desk.record("mq", [joined(number)], [number], {"at": number})
    heard: list[int] = []
    desk.when_durable(lambda: heard.append(1))
    await until(lambda: bool(desk.trouble))
    assert f"{tmp_path}/journal.db: no room left on the disk" in desk.trouble
    for number in range(2_000, 4_000):
        desk.record("mq", [joined(number)], [number], {"at": number})
    assert desk.wants_whole
    desk.checkpoint(1, {"a": b"o" * 400_000}, whole=True)
    desk.checkpoint(2, {"a": b"n" * 400_000}, whole=True)
    await until(lambda: counts.total["failed full"] > 3)
    assert [] == heard

    monkeypatch.undo()
    await until(lambda: bool(heard))
    await desk.close(30)
    stored, told = await found(tmp_path)

    assert ([], {"a": b"n" * 400_000}) == (told, stored.parts)
    assert list(range(4_000)) == stored.ids["mq"]
    assert "" == desk.trouble


async def test_a_commit_that_fits_does_not_make_a_full_disk_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fits is durable, but the next will not fit: people hear of trouble once."""
    monkeypatch.setattr(schema, "PRAGMAS", (*schema.PRAGMAS, "PRAGMA max_page_count = 40"))
    desk = journal(tmp_path)
    await desk.start()
    desk.keep("much", b"x" * 400_000)
    await until(lambda: bool(desk.trouble))
    monkeypatch.undo()
    monkeypatch.setattr(disk, "ROOM_AT_LEAST", 1 << 60)

    for number in range(3):
        desk.record("mq", [joined(number)], [number], None)
        await durable(desk)
        assert "no room left on the disk" in desk.trouble
    monkeypatch.undo()

    await until(lambda: not desk.trouble)
    await desk.close(30)
    _, told = await found(tmp_path)
    assert [0, 1, 2] == told


async def test_a_file_that_takes_no_writes_is_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and tried again."""
    await _filled(tmp_path)
    monkeypatch.setattr(schema, "PRAGMAS", (*schema.PRAGMAS, "PRAGMA query_only = ON"))
    counts = Counts()
    desk = journal(tmp_path, counts)
    await desk.start()
    desk.record("mq", [joined(100)], [100], {"at": 101})
    await until(lambda: bool(desk.trouble))
    monkeypatch.undo()
    assert "cannot be written, read-only or no permission" in desk.trouble
    await durable(desk)
    await desk.close(30)

    _, told = await found(tmp_path)

    assert list(range(101)) == told
    assert counts.total["failed read_only"] >= 1


async def test_a_directory_that_cannot_be_made_is_stated(tmp_path: Path) -> None:
    """A file in the place of the directory is trouble, not a crash; it may go away."""
    place = tmp_path / "state"
    await asyncio.to_thread(place.write_text, "")
    counts = Counts()
    desk = journal(place, counts)

    stored = await desk.start()
    assert [] == await asyncio.to_thread(lambda: list(desk.later(stored)))
    assert f"{place}/journal.lock: failed (File exists)" == desk.trouble
    assert ({}, True) == (stored.parts, desk.wants_whole)
    await asyncio.to_thread(place.unlink)
    desk.checkpoint(1, {"a": b"all"}, whole=True)
    await durable(desk)
    await desk.close(30)

    assert {"a": b"all"} == (await found(place))[0].parts


async def test_a_disk_that_stays_dead_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Closing gives up after one more try, and says how much is missing."""
    desk = journal(tmp_path)
    await desk.start()
    with held(tmp_path):
        desk.record("mq", [joined(1)], [1], None)
        await until(lambda: bool(desk.trouble))
        await desk.close(30)

    assert 1 == desk.pending


async def test_rows_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    """One row of nonsense does not take the others with it."""
    await _filled(tmp_path, events=5)
    await asyncio.to_thread(
        _execute,
        tmp_path / "journal.db",
        'UPDATE events SET body = \'{"type": "?"}\' WHERE number = 2',
        "UPDATE events SET body = x'ff' WHERE number = 4",
    )

    _, told = await found(tmp_path)

    assert [0, 2, 4] == told


async def test_inputs_that_cannot_be_read_condemn_the_file(tmp_path: Path) -> None:
    """What could be read is told; the file is set aside, and the whole is asked for."""
    await _filled(tmp_path, events=5_000)
    path = tmp_path / "journal.db"
    root = await asyncio.to_thread(_page_of_events, path)
    desk = journal(tmp_path)
    stored = await desk.start()
    await asyncio.to_thread(_spoil, path, root)

    told = await asyncio.to_thread(lambda: list(desk.later(stored)))
    await until(lambda: desk.wants_whole)
    desk.checkpoint(1, {"a": b"all"}, whole=True)
    await durable(desk)
    await desk.close(30)

    assert [] == told
    assert {"a": b"all"} == (await found(tmp_path))[0].parts
    assert "journal.db.damaged-1" in await asyncio.to_thread(_names, tmp_path)


def _page_of_events(path: Path) -> int:
    connection = sqlite3.connect(path)
    (page,) = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'events'"
    ).fetchone()
    connection.close()
    return int(page)


def _spoil(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


async def test_few_damaged_files_are_kept(tmp_path: Path) -> None:
    """A disk that damages every file does not fill itself with them."""
    path = tmp_path / "journal.db"
    for _ in range(5):
        await asyncio.to_thread(path.write_bytes, b"nonsense" * 1000)
        await found(tmp_path)

    left = {name for name in await asyncio.to_thread(_names, tmp_path) if "damaged" in name}

    assert {f"journal.db.damaged-{number}" for number in (3, 4, 5)} == left


def test_each_reason_has_a_test() -> None:
    """Whoever adds a reason adds what must hold then."""
    text = Path(__file__).read_text()

    assert [] == [reason for reason in JournalReason if f"failed {reason}" not in text]
