"""The journal on real file systems that are full or take no writes. Needs root."""

import asyncio
import contextlib
import functools
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journal.desk import Counts, durable, found, joined, journal, numbers, until

pytestmark = [pytest.mark.anyio, pytest.mark.acceptance]


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, timeout=20)


@contextlib.contextmanager
def _mounted(place: Path, size: str) -> Iterator[Path]:
    """Mount a small file system in memory."""
    place.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size}", "callmon-test", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=20)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of one megabyte."""
    with _mounted(tmp_path / "disk", "1m") as place:
        yield place


async def test_a_full_disk_costs_nothing_that_was_told(disk: Path) -> None:
    """It fills, stays full for many times the capacity, gets room: the state is there."""
    counts = Counts()
    desk = journal(disk, counts, capacity=1_000)
    await desk.start()
    safe = 0

    def told(number: int) -> None:
        nonlocal safe
        safe = number

    desk.on_wants_whole = lambda: desk.checkpoint(number, {"n": b"%d" % number}, whole=True)
    number = 0
    while number < 50_000:
        for _ in range(50):
            desk.record("mq", [joined(number)], [number], {"place": number + 1})
            number += 1
        desk.when_durable(functools.partial(told, number))
        await desk.room()
        await asyncio.sleep(0)  # a turn for who was told
        if number == 1_000:
            await until(lambda: safe == 1_000)
    assert f"{disk}/journal.db: no room left on the disk" in desk.trouble
    assert 1_000 <= safe < number
    assert counts.total["failed full"] >= 1
    assert counts.total["given up"] >= 1_000

    await asyncio.to_thread(_mount, "-o", "remount,size=64m", str(disk))
    await durable(desk)
    assert ("", number) == (desk.trouble, safe)
    desk.record("mq", [joined(number)], [number], {"place": number + 1})
    await desk.close(10)

    stored, rest = await found(disk)
    count = int(stored.parts["n"])
    assert list(range(count, number + 1)) == rest
    assert {"place": number + 1} == stored.feeds["mq"].position
    assert list(range(number + 1)) == stored.ids["mq"]


def _fill(disk: Path) -> None:
    with contextlib.suppress(OSError):
        (disk / "filling").write_bytes(bytes(2 * 1024 * 1024))


async def test_a_full_disk_is_survived_at_the_first_start(disk: Path) -> None:
    """Not even an empty journal has room; with room again it is begun."""
    await asyncio.to_thread(_fill, disk)
    desk = journal(disk)

    await desk.start()
    assert "no room left on the disk" in desk.trouble
    await asyncio.to_thread((disk / "filling").unlink)
    desk.checkpoint(1, {"a": b"1"}, whole=True)
    await durable(desk)
    await desk.close(10)

    assert {"a": b"1"} == (await found(disk))[0].parts


async def _begun(disk: Path) -> None:
    desk = journal(disk)
    await desk.start()
    desk.checkpoint(1, {"a": b"1"}, whole=True)
    desk.record("mq", [joined(1)], [1], {"place": 1})
    await desk.close(10)


async def _told_again(disk: Path, relief: Callable[[], object]) -> Counts:
    """Start where nothing can be written; the state is there, and what comes is kept."""
    counts = Counts()
    desk = journal(disk, counts)
    stored = await desk.start()
    told = await asyncio.to_thread(lambda: numbers(desk.later(stored)))
    assert ({"a": b"1"}, [1]) == (stored.parts, told)
    assert not desk.wants_whole
    desk.record("mq", [joined(2)], [2], {"place": 2})
    await until(lambda: bool(desk.trouble))
    await asyncio.to_thread(relief)
    await durable(desk)
    assert "" == desk.trouble
    await desk.close(10)
    stored, told = await found(disk)
    assert ({"a": b"1"}, [1, 2]) == (stored.parts, told)
    assert {"place": 2} == stored.feeds["mq"].position
    return counts


async def test_a_start_on_a_full_disk_has_its_state(disk: Path) -> None:
    """What was stored is read where nothing can be written, and gone on from."""
    await _begun(disk)
    await asyncio.to_thread(_fill, disk)

    counts = await _told_again(disk, (disk / "filling").unlink)

    assert counts.total["failed full"] >= 1


async def test_a_start_after_a_crash_on_a_full_disk_has_its_state(disk: Path) -> None:
    """The same when the WAL has what the file has not."""
    desk = journal(disk)
    await desk.start()
    desk.checkpoint(1, {"a": b"1"}, whole=True)
    desk.record("mq", [joined(1)], [1], {"place": 1})
    await durable(desk)
    copies = {path.name: path.read_bytes() for path in disk.iterdir()}  # noqa: ASYNC240  # small
    await desk.close(10)
    for name, content in copies.items():
        await asyncio.to_thread((disk / name).write_bytes, content)
    await asyncio.to_thread(_fill, disk)

    counts = await _told_again(disk, (disk / "filling").unlink)

    assert 0 == counts.total["given up"]


async def test_a_start_on_a_disk_that_takes_no_writes_has_its_state(disk: Path) -> None:
    """Mounted read-only, writable later, as after a repair."""
    await _begun(disk)
    await asyncio.to_thread(_mount, "-o", "remount,ro", str(disk))

    counts = await _told_again(disk, lambda: _mount("-o", "remount,rw", str(disk)))

    assert counts.total["failed read_only"] >= 1
