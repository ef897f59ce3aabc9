"""kill -9 at any moment: what somebody was told to be durable is there, and once."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journal.desk import found
from tests.journal.victim import place

pytestmark = pytest.mark.anyio

KILLS = 8


def _live(directory: Path, lines: int) -> int:
    """Let a victim live until it has said so many lines; return the last it said at all."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.journal.victim", str(directory)],
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:
        assert victim.stdout is not None
        said = [victim.stdout.readline() for _ in range(lines)]
        victim.kill()
        rest = victim.stdout.read()
    whole = ("".join(said) + rest).rpartition("\n")[0].split()
    return int(whole[-1])


async def test_what_was_told_to_be_durable_survives_kill_9(tmp_path: Path) -> None:
    """Through many lives the events are without gap and repetition up to the place."""
    moments = random.Random(7)  # moments to die at
    told = 0
    for _ in range(KILLS):
        said = _live(tmp_path, moments.randint(1, 400))
        stored, numbers = await found(tmp_path)
        count = int(stored.parts.get("count", b"0"))
        assert said <= place(stored)
        assert told < said
        assert list(range(count, place(stored))) == numbers
        assert list(range(place(stored))) == stored.ids["mq"]
        told = place(stored)
