"""Draws every board to a picture: ``python -m tests.grafana.pictures FOLDER [BOARD…]``.

A simulated day, as a real Prometheus remembers it, drawn by Grafana's own components: all but
Grafana itself. What Grafana does not publish (heat maps, state time lines) is drawn by ours.
The board of callmon's health shows a minute of a real callmon.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import aiohttp

from tests.acceptance.peers import Peer, stopped_at_the_end
from tests.grafana import boards, past
from tests.grafana.answered import job
from tests.grafana.answers import Prometheus
from tests.grafana.components import WEB, bundled
from tests.grafana.drawing import browser, draw
from tests.grafana.live import live, now

__all__ = ["CHOSEN", "LIVE", "main", "pictures"]

CHOSEN: Mapping[str, Mapping[str, str]] = {"queue": {"queue": "support"}}
"""What is chosen on a board, where it is not everything."""

LIVE = frozenset({"health"})
"""Boards of what a simulated past knows nothing of: a journal, deliveries, a process."""

SUITE = "sid"
LIVE_SECONDS = 60


async def pictures(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """Draw the boards called *names*, or all, in both languages into *folder*."""
    wanted = {path.stem for path in boards.board_files()}
    if names:
        wanted &= set(names)
    made: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="callmon-pictures-") as scratch:
        painter = bundled(WEB / "page.jsx", Path(scratch), browser=True)
        if wanted - LIVE:
            async with _remembering(Path(scratch)) as peer:
                made += await _drawn(peer, painter, frozenset(wanted - LIVE), folder)
        if wanted & LIVE:
            async with live(Path(scratch), SUITE, scrapes=LIVE_SECONDS) as peers:
                made += await _drawn(peers[SUITE], painter, frozenset(wanted & LIVE), folder)
    return made


@contextlib.asynccontextmanager
async def _remembering(folder: Path) -> AsyncIterator[Peer]:
    data = await asyncio.to_thread(lambda: past.blocks(folder, past.history(folder)))
    peer = past.prometheus_of(SUITE, folder / "past", data)
    with stopped_at_the_end(peer):
        await peer.start()
        yield peer


async def _drawn(peer: Peer, painter: Path, names: frozenset[str], folder: Path) -> list[Path]:
    made = []
    async with aiohttp.ClientSession() as session, browser() as running:
        prometheus = Prometheus(peer.url, session)
        for path in boards.board_files():
            name, language = path.stem, path.parent.name
            if name not in names:
                continue
            span = now() if name in LIVE else past.LAST_DAY
            shown = await job(boards.load(path), prometheus, span, chosen=CHOSEN.get(name))
            drawing = await draw(running, painter, shown)
            made.append(folder / f"grafana-{name}-{language}.png")
            await drawing.page.screenshot(path=made[-1])
            await drawing.page.close()
    return made


def main(arguments: Sequence[str]) -> int:
    """Draw, and say what was drawn."""
    if not arguments:
        sys.stderr.write("usage: python -m tests.grafana.pictures FOLDER [BOARD…]\n")
        return 2
    for path in asyncio.run(pictures(Path(arguments[0]), arguments[1:])):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
