"""What a daemon knows after a restart, a rotation or both: what a replay of the log knows."""

import gzip
import random
from pathlib import Path

import pytest

from callmon.clock import SECOND, Micros
from tests.acceptance.driver import (
    families,
    followed,
    replayed,
    running,
    sample,
    simulated_lines,
    time_of,
)

pytestmark = pytest.mark.anyio

MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
EVENING: Micros = 1_795_360_000 * SECOND
"""23:06:40 in Shanghai: midnight is near."""

BANK = "anonymous_bank_1999_02/derived_queue_log.gz"
THREE_DAYS = 9_000
"""Lines of the bank's log: its beginning."""


async def assert_following_equals_replaying(
    folder: Path, lines: list[str], seed: int, *, largest: int, rotate: int, restart: int
) -> None:
    """Follow *lines*, and compare what is shown at the end with a replay until then."""
    whole = folder / "whole.log"
    whole.write_text("".join(f"{line}\n" for line in lines))
    async with followed(
        folder, lines, random.Random(seed), largest=largest, rotate=rotate, restart=restart
    ) as (daemon, log):
        page = await daemon.get("/metrics")
        now = daemon.clock.now()
        assert daemon.starts > 2
        assert len(log.files) > 2

    found = families(page)
    for files in ([whole], log.files):
        expected = families(await replayed(files, folder / "callmon.yml", now))
        assert sorted(expected) == sorted(found)
        for name, family in expected.items():
            assert family == found[name]


@pytest.mark.parametrize("seed", range(3))
async def test_following_equals_replaying(tmp_path: Path, seed: int) -> None:
    """Line by line, over rotations, restarts and kills: every family is that of a replay."""
    lines = simulated_lines(EVENING, 75 * MINUTE, seed)

    await assert_following_equals_replaying(
        tmp_path, lines, seed, largest=1, rotate=40, restart=60
    )


@pytest.mark.timeout(60)
async def test_three_days_of_a_bank_are_those_of_a_replay(tmp_path: Path, data: Path) -> None:
    """Of a real log, a few lines at a time, every family is that of a replay."""
    lines = gzip.decompress((data / BANK).read_bytes()).decode().splitlines()[:THREE_DAYS]

    await assert_following_equals_replaying(
        tmp_path, lines, 1, largest=40, rotate=400, restart=600
    )


@pytest.mark.acceptance
@pytest.mark.timeout(300)
async def test_a_month_of_a_bank_is_that_of_a_replay(tmp_path: Path, data: Path) -> None:
    """Of a whole month in chunks of up to sixty lines, every family is that of a replay."""
    lines = gzip.decompress((data / BANK).read_bytes()).decode().splitlines()

    await assert_following_equals_replaying(
        tmp_path, lines, 2, largest=60, rotate=1_500, restart=2_500
    )


@pytest.mark.parametrize("how", range(4))
async def test_a_rotation_within_a_second_loses_nothing(tmp_path: Path, how: int) -> None:
    """A line that opens the new file counts, though the old one ended in the same second."""
    second = EVENING // SECOND
    async with running(tmp_path, EVENING) as (daemon, log):
        log.write([f"{second - 90}|0|sales|NONE|ENTERQUEUE|||1"])
        log.write([f"{second}|1|sales|NONE|ENTERQUEUE|||1"])
        await daemon.leap(EVENING + 2 * SECOND)
        log.rotate(how)
        log.write([f"{second}|1|sales|a|CONNECT|0|1a|0"])
        await daemon.quiet()
        page = await daemon.get("/metrics")

    assert 1 == sample(page, 'callmon_contacts_total{queue="sales",outcome="answered"}')


async def test_a_caller_given_up_is_lost_once(tmp_path: Path) -> None:
    """What time alone brought about before a restart does not come about again after it."""
    async with running(tmp_path, EVENING) as (daemon, log):
        log.write([f"{EVENING // SECOND}|1|sales|NONE|ENTERQUEUE|||1"])
        await daemon.leap(EVENING + 2 * SECOND)
        await daemon.leap(EVENING + 32 * HOUR)
        before = await daemon.get("/metrics")
        await daemon.restart()
        await daemon.leap(EVENING + 72 * HOUR)
        after = await daemon.get("/metrics")

    lost = 'callmon_contacts_total{queue="sales",outcome="lost"}'
    assert 1 == sample(before, lost)
    assert 1 == sample(after, lost)
    assert 1 == sample(after, 'callmon_contacts_arrived_total{queue="sales"}')


async def test_repeated_news_over_a_restart_count_once(tmp_path: Path) -> None:
    """Who left before the stop and is said to have left again after it has left once.

    Even when by the start no window reaches back so far.
    """
    second = EVENING // SECOND
    async with running(tmp_path, EVENING) as (daemon, log):
        log.write([f"{second}|1|sales|NONE|ENTERQUEUE|||1"])
        log.write([f"{second + 9}|1|sales|NONE|EXITEMPTY|1|1|9"])
        await daemon.leap(EVENING + 10 * SECOND)
        await daemon.stop()
        log.write([f"{second + 10}|1|sales|NONE|EXITEMPTY|2|1|9"])
        await daemon.clock.leap(EVENING + 3 * HOUR, 0)
        await daemon.start()
        page = await daemon.get("/metrics")

    assert 1 == sample(page, 'callmon_contacts_total{queue="sales",outcome="empty"}')
    assert 1 == sample(page, 'callmon_contacts_arrived_total{queue="sales"}')


async def test_a_wait_over_midnight_keeps_its_length(tmp_path: Path) -> None:
    """Who joined before the first window begins waited as long as before the restart.

    Old versions of Asterisk do not log how long that was.
    """
    midnight = EVENING + 3_200 * SECOND
    lines = [
        f"{midnight // SECOND - 10}|1|sales|NONE|ENTERQUEUE|||1",
        f"{midnight // SECOND + 40}|1|sales|NONE|EXITWITHTIMEOUT|1",
    ]
    async with running(tmp_path, EVENING) as (daemon, log):
        for line in lines:
            log.write([line])
            await daemon.leap(time_of(line))
        await daemon.leap(midnight + 8 * HOUR)
        before = families(await daemon.get("/metrics"))
        await daemon.restart()
        after = families(await daemon.get("/metrics"))

    assert before == after


async def test_a_log_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    """What can no longer be read leaves the windows empty; counters go on where they were."""
    second = EVENING // SECOND
    async with running(tmp_path, EVENING) as (daemon, log):
        log.write(
            [
                f"{second}|1|sales|NONE|ENTERQUEUE|||1",
                f"{second + 9}|1|sales|NONE|ABANDON|1|1|9",
            ]
        )
        await daemon.leap(EVENING + 10 * SECOND)
        await daemon.stop()
        log.path.write_text(f"{second + 60}|2|sales|NONE|ENTERQUEUE|||1\n")
        await daemon.clock.leap(EVENING + 60 * SECOND, 0)
        await daemon.start()
        page = await daemon.get("/metrics")

    assert 2 == sample(page, 'callmon_contacts_arrived_total{queue="sales"}')
    assert 1 == sample(page, 'callmon_queue_waiting_contacts{queue="sales"}')
    window = 'callmon_queue_window_contacts{queue="sales",window="1h",outcome="abandoned"}'
    assert 0 == sample(page, window)
