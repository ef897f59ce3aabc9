"""Write the pictures for README and docs: ``python -m tests.pictures DIR``.

Those of the wallboard are of the demo, at a quarter to eleven on a Wednesday: a morning that
is lived through in seconds, so that the charts of the last hour are full and the pictures of
two runs are of the same moment, at which there is something to be seen. Those of a backtest
are of a made-up month. Without DIR they go to docs/images. Those of Grafana are written by
``python -m tests.grafana.pictures``.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote
from zoneinfo import ZoneInfo

from playwright.async_api import Browser
from rich.cells import cell_len
from rich.style import Style
from rich.terminal_theme import TerminalTheme

from callmon.app import App, configure_logging
from callmon.backtest.outcome import Found
from callmon.backtest.page import page_html
from callmon.clock import SECOND, Micros, SystemClock
from callmon.config import load_config
from callmon.demo import ZONE, write_demo
from callmon.testing import ManualClock
from callmon.top.client import BoardClient, TopRequest, open_client
from callmon.top.desk import Desk
from callmon.top.scene import TopLook
from callmon.top.screen import TopApp
from callmon.wording import Language
from tests.acceptance.browser import DESK, PHONE, TV, browser, window
from tests.acceptance.wallboard_reader import Wall
from tests.backtest.pasts import a_month

__all__ = ["DemoAtWork", "main"]

IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"

MORNING: Final[Micros] = 1_793_756_400 * SECOND
"""2026-11-04 09:40 in Shanghai."""
LIVED: Final[Micros] = 3_826 * SECOND
STEP: Final[Micros] = SECOND // 4
TURN: Final[Micros] = SECOND // 50
SETTLED: Final[Micros] = SECOND
"""A second frame has come, and fonts and charts are drawn."""
LOST_AFTER_S: Final = 8.0

SEED: Final = 4
REAL: Final = SystemClock()
TERMINAL: Final = (118, 22)

COLOURS: Final = TerminalTheme(
    (12, 12, 12),
    (217, 217, 217),
    [
        (12, 12, 12), (197, 15, 31), (19, 161, 14), (193, 156, 0),
        (0, 90, 200), (136, 23, 152), (58, 150, 221), (204, 204, 204),
    ],
    [
        (118, 118, 118), (231, 72, 86), (22, 198, 12), (249, 241, 165),
        (59, 120, 255), (180, 0, 158), (97, 214, 214), (242, 242, 242),
    ],
)  # fmt: skip
"""Of a usual terminal: ``callmon top`` takes those it finds."""
PLAIN: Final = Style.parse("#d9d9d9 on #0c0c0c")
PAPER: Final = """\
<style>
  body {{ margin: 0; }}
  pre {{ display: inline-block; margin: 0; padding: 14px 18px; background: #0c0c0c;
    font: 18px/1.3 "DejaVu Sans Mono"; }}
  i {{ display: inline-block; width: 2ch; font-style: normal; }}
</style>
<pre>{text}</pre>
"""

Shot = tuple[str, tuple[int, int], str, bool]
"""Where, on what, in which language, dark or not."""

SHOTS: Final[Mapping[str, Shot]] = {
    "wallboard-tv": ("/?tv=1", TV, "en-GB", True),
    "wallboard-tv-light": ("/?tv=1", TV, "en-GB", False),
    "wallboard-tv-zh": ("/?tv=1", TV, "zh-CN", True),
    "wallboard-desk": ("/", DESK, "en-GB", False),
    "wallboard-phone": ("/", PHONE, "en-GB", True),
    "wallboard-phone-zh": ("/", PHONE, "zh-CN", False),
    "wallboard-queue": ("/queue/sales", DESK, "en-GB", True),
    "wallboard-queue-zh": (f"/queue/{quote('退换货')}", DESK, "zh-CN", False),
}


BACKTESTS: Final[Mapping[str, tuple[str, Language, bool]]] = {
    "backtest": ("main", Language.ENGLISH, False),
    "backtest-zh": ("main", Language.CHINESE, True),
    "backtest-sweep": ("section:has(#curve-1)", Language.ENGLISH, True),
}
"""Which part, in which language, dark or not."""


class DemoAtWork:
    """A demo that has been at work all morning; from then on time passes as it does."""

    def __init__(self, folder: Path) -> None:
        self._path = write_demo(folder, port=0, seed=SEED)
        config = load_config(self._path, {})
        configure_logging(config)
        self.clock = ManualClock(MORNING)
        self.app = App(self._path, config, clock=self.clock, environ={})
        self._stack = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """Return where it is to be seen."""
        return self.app.server.address

    async def __aenter__(self) -> Self:
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        ready = asyncio.Event()
        self._tasks.append(group.create_task(self.app.run(ready.set)))
        # A simulated morning is another one when it begins a moment later.
        while all(feed.last_at is None for feed in self.app.monitor.feeds.values()):
            await self.clock.advance(0)
            await REAL.sleep(TURN // 10)
        while not ready.is_set():
            await self.clock.advance(STEP)
            await REAL.sleep(TURN)
        while self.clock.now() < MORNING + LIVED:
            await self.clock.advance(STEP)
            await REAL.sleep(0)
        self._tasks.append(group.create_task(self._go_on()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in reversed(self._tasks):
            task.cancel()
        await self._stack.aclose()

    async def _go_on(self) -> None:
        last = REAL.monotonic()
        while True:
            await REAL.sleep(TURN)
            now = REAL.monotonic()
            await self.clock.advance(now - last)
            last = now

    def lose_sight(self) -> None:
        """Cut it off from its call centre."""
        for feed in self.app.monitor.feeds.values():
            self.app.monitor.up(feed, False, "connection refused")  # noqa: FBT003  # as feeds say it

    def stand_still(self) -> None:
        """Tell nothing more to those who look."""
        self._tasks.pop().cancel()


async def take(folder: Path) -> None:
    """Write every picture into *folder*."""
    with tempfile.TemporaryDirectory() as name:
        made = await asyncio.to_thread(DemoAtWork, Path(name))
        async with made as demo, browser() as chromium:
            for picture, shot in SHOTS.items():
                await _shoot(chromium, demo.url, shot, folder / f"{picture}.png")
            for language in Language:
                suffix = "" if language is Language.ENGLISH else "-zh"
                await _shoot_top(chromium, demo, language, folder / f"top{suffix}.png")
            await _shoot_trouble(chromium, demo, folder)
            for picture, part in BACKTESTS.items():
                await _shoot_backtest(chromium, part, folder / f"{picture}.png")


async def _shoot(chromium: Browser, url: str, shot: Shot, to: Path) -> None:
    path, size, language, dark = shot
    async with window(chromium, url + path, size=size, language=language, dark=dark) as seen:
        await Wall(seen.page).is_live()
        await REAL.sleep(SETTLED)
        await seen.page.screenshot(path=to)


async def _shoot_trouble(chromium: Browser, demo: DemoAtWork, folder: Path) -> None:
    """Show what a lost feed and a lost connection look like."""
    async with window(chromium, f"{demo.url}/?tv=1") as seen:
        await Wall(seen.page).is_live()
        demo.lose_sight()
        await Wall(seen.page).changes("queue:vip", "blind")
        await REAL.sleep(SETTLED)
        await seen.page.screenshot(path=folder / "wallboard-blind.png")
    async with window(chromium, f"{demo.url}/?tv=1", dark=False) as seen:
        await Wall(seen.page).is_live()
        demo.stand_still()
        await Wall(seen.page).is_lost(LOST_AFTER_S)
        await seen.page.screenshot(path=folder / "wallboard-lost.png")


async def _shoot_backtest(
    chromium: Browser, part: tuple[str, Language, bool], to: Path
) -> None:
    """Show what would have been, for a made-up month: its beginning, or one section of it."""
    selector, language, dark = part
    found = await asyncio.to_thread(a_month)
    if selector == "main":
        found = Found(backtest=found.backtest)
    page = await asyncio.to_thread(page_html, found, language)
    async with window(chromium, size=DESK, dark=dark) as seen:
        await seen.page.set_content(page)
        if selector == "main":
            await seen.page.screenshot(path=to)
        else:
            await seen.page.locator(selector).first.screenshot(path=to)


async def _shoot_top(chromium: Browser, demo: DemoAtWork, language: Language, to: Path) -> None:
    """Draw what ``callmon top`` shows on a terminal."""
    request = TopRequest(url=demo.url)
    async with open_client(request) as http:
        board = await BoardClient(http, request.asked).board()
    look = TopLook(language=language, zone=ZoneInfo(ZONE))
    app = TopApp(Desk(board, look, demo.clock))
    async with app.run_test(size=TERMINAL) as pilot:
        await pilot.pause()
        text = "\n".join(_lines(app))
    async with window(chromium, size=TV) as seen:
        await seen.page.set_content(PAPER.format(text=text))
        await seen.page.locator("pre").screenshot(path=to)


def _lines(app: TopApp) -> Iterator[str]:
    """Yield the lines of the screen as HTML, a Chinese character as wide as two others."""
    for strip in app.screen._compositor.render_strips(app.size):
        line = ""
        for segment in strip:
            letters = "".join(
                f"<i>{escape(letter)}</i>" if cell_len(letter) == 2 else escape(letter)
                for letter in segment.text
            )
            style = PLAIN if segment.style is None else PLAIN + segment.style
            line += f'<span style="{style.get_html_style(COLOURS)}">{letters}</span>'
        yield line


def main() -> None:
    """Write the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(folder))


if __name__ == "__main__":
    main()
