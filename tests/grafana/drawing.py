"""Draws boards with Grafana's real components in Chromium."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route, async_playwright

__all__ = ["Drawing", "browser", "draw", "height_of"]

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
TIMEOUT_MS = 60_000
ROW = 38
MARGIN = 8

ADDRESS = "http://board.example/"
"""Nobody's: everything that is asked for is answered here."""

PAGE = """\
<!doctype html>
<meta charset="utf-8">
<style>body { margin: 0; font-family: "DejaVu Sans", "Noto Sans CJK SC", sans-serif }</style>
<link rel="stylesheet" href="/page.css">
<div id="board"></div>
<script src="/page.js"></script>
"""

NO_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg"/>'


class Drawing:
    """A drawn board: the page, and what the browser complained of."""

    def __init__(self, page: Page, complaints: list[str]) -> None:
        self.page = page
        self.complaints = complaints


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run a Chromium."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield running
        finally:
            await running.close()


def _server(program: Path) -> Callable[[Route], Awaitable[None]]:
    """Return who gives the page and *program*: icons and fonts are Grafana's server's."""
    files = {"/page.js": program, "/page.css": program.with_suffix(".css")}

    async def serve(route: Route) -> None:
        place = urlsplit(route.request.url).path
        if place == "/":
            await route.fulfill(body=PAGE, content_type="text/html")
        elif place in files:
            await route.fulfill(path=files[place])
        else:
            await route.fulfill(body=NO_PICTURE, content_type="image/svg+xml")

    return serve


def height_of(job: Mapping[str, Any]) -> int:
    """Return how high the drawn board is: what is out of sight is not drawn at all."""
    places = [shown["panel"]["gridPos"] for shown in job["panels"]]
    bottom: int = max(place["y"] + place["h"] for place in places)
    return ROW * bottom + MARGIN


async def draw(
    running: Browser, program: Path, job: Mapping[str, Any], *, width: int = 1920
) -> Drawing:
    """Draw *job*; *program* is the bundled ``page.jsx``."""
    page = await running.new_page(viewport={"width": width, "height": height_of(job)})
    page.set_default_timeout(TIMEOUT_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    await page.route("**/*", _server(program))
    await page.goto(ADDRESS)
    assert not complaints, complaints
    await page.evaluate("job => window.draw(JSON.parse(job))", json.dumps(job))
    await page.wait_for_selector("body[data-drawn]", state="attached")
    return Drawing(page, complaints)
