"""Checking again whenever a file changes."""

import asyncio
import os
from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.config import Problem
from callmon.sense import Findings, watch
from callmon.sense.watching import GONE_LOOKS, Change
from callmon.testing import ManualClock

GOOD = "thresholds: [{name: a, measure: waiting, above: 5}]\n"
WRONG = "thresholds: [{name: a, measure: waitin, above: 5}]\n"


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "thresholds.yml"
    path.write_text(GOOD)
    return path


def test_a_change_counts_when_it_is_at_rest(path: Path) -> None:
    """The first look that sees it waits for one more; without a change nothing counts."""
    change = Change([path])

    assert not change.look()
    path.write_text(WRONG)
    assert [False, True] == [change.look(), change.look()]


def test_what_is_half_written_is_not_judged(path: Path) -> None:
    """A file that is another at each look is left alone."""
    change = Change([path])

    for count in range(5):
        path.write_text(WRONG + "# more\n" * count)
        os.utime(path, ns=(count, count))
        assert not change.look()
    assert change.look()


def test_a_file_that_editors_replace_is_seen_when_it_is_there(path: Path) -> None:
    """It is away for a moment, and has another inode then."""
    change, new = Change([path]), path.with_name("new")
    new.write_text(WRONG)

    path.unlink()
    assert [False] * (GONE_LOOKS - 1) == [change.look() for _ in range(GONE_LOOKS - 1)]
    new.rename(path)

    assert [False, True] == [change.look(), change.look()]


def test_a_file_that_stays_away_is_gone(path: Path) -> None:
    """Then it is told; one that was never there is not waited for."""
    change = Change([path, path.with_name("never")])

    path.unlink()

    assert [False] * (GONE_LOOKS - 1) == [change.look() for _ in range(GONE_LOOKS - 1)]
    assert change.look()


@pytest.mark.anyio
async def test_each_change_is_shown_once(path: Path) -> None:
    """What was found is shown at once, and again after a change."""
    clock = ManualClock()
    shown: list[int] = []

    def check() -> Findings:
        lines = path.read_text().count("\n")
        return Findings(problems=(Problem.at("a", lines, 1, "", "no"),), files=(path,))

    async def come(count: int) -> None:
        while len(shown) < count:
            await clock.advance(SECOND)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(
            watch(check, lambda findings: shown.append(findings.problems[0].line), clock)
        )
        await come(1)
        await asyncio.to_thread(path.write_text, GOOD * 2)
        await come(2)
        await asyncio.to_thread(path.write_text, GOOD * 3)
        await come(3)
        watching.cancel()

    assert [1, 2, 3] == shown
