"""A process to be killed: hands events over, and says what it was told to be durable.

Run as ``python -m tests.journal.victim DIRECTORY``; it begins behind what it finds.
"""

import asyncio
import functools
import sys
from pathlib import Path

from callmon.journal import Stored
from tests.journal.desk import joined, journal

EACH = 7
"""Events of one hand-over."""


async def main(directory: Path) -> None:
    """Hand over until killed."""
    desk = journal(directory)
    stored = await desk.start()
    number = place(stored)
    while True:
        events = range(number, number + EACH)
        number += EACH
        desk.record("mq", [joined(event) for event in events], events, {"place": number})
        desk.when_durable(functools.partial(print, number, flush=True))
        if number % (EACH * 50) == 0:
            desk.checkpoint(number, {"count": str(number).encode()}, whole=False)
        await desk.room()
        await asyncio.sleep(0)  # noqa: TID251  # a turn for who was told


def place(stored: Stored) -> int:
    """Return behind which event the feed goes on."""
    feed = stored.feeds.get("mq")
    return int(feed.position["place"]) if feed and feed.position else 0


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
