"""Chromium as a supervisor has it, and an account of all that went wrong in it.

Nothing is downloaded: the browser is that of the system. Every request that leaves for
another host than the page's own is noted, as is every complaint of the console, every error
of a script and every violation of the content security policy.
"""

import contextlib
import dataclasses
import functools
import json
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    async_playwright,
)

__all__ = [
    "DESK",
    "PHONE",
    "TV",
    "Window",
    "browser",
    "faults_of_access",
    "window",
    "work_of",
]

TV = (1920, 1080)
PHONE = (390, 844)
DESK = (1440, 900)

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
"""No sandbox for root, no graphics card, and nothing that Chromium asks for by itself."""

PATIENCE_MS = 10_000.0
LOST = "Failed to load resource"
"""What the console says of an answer that did not come or was not 200: no mistake of ours."""

WATCH = """
window.seen = {violations: [], longTasks: [], frames: 0, flashes: 0};
document.addEventListener("securitypolicyviolation", event =>
  window.seen.violations.push(event.violatedDirective + " " + event.blockedURI));
new PerformanceObserver(list =>
  window.seen.longTasks.push(...list.getEntries().map(entry => entry.duration)))
  .observe({type: "longtask", buffered: true});
new MutationObserver(changes => {
  window.seen.flashes += changes.filter(change => change.oldValue === null).length;
}).observe(document, {subtree: true, attributeFilter: ["data-flash"], attributeOldValue: true});
const Plain = window.EventSource;
window.EventSource = class extends Plain {
  constructor(...given) {
    super(...given);
    this.addEventListener("frame", () => { window.seen.frames += 1; });
  }
};
"""
"""Runs before the page; the content security policy does not hold for it."""


@dataclasses.dataclass(kw_only=True)  # no slots: Playwright marks who listens
class Window:
    """A window of the browser, and what became of it."""

    page: Page
    context: BrowserContext
    complaints: list[str] = dataclasses.field(default_factory=list)
    requests: list[str] = dataclasses.field(default_factory=list)  #: the addresses
    loads: int = 0  #: of the page itself

    async def violations(self) -> list[str]:
        """Return what the content security policy forbade since the page was loaded."""
        found: list[str] = await self.page.evaluate("() => window.seen.violations")
        return found

    async def long_tasks(self) -> list[float]:
        """Return the tasks longer than 50 ms since the last call, in ms."""
        found: list[float] = await self.page.evaluate(
            "() => window.seen.longTasks.splice(0, window.seen.longTasks.length)"
        )
        return found

    async def text(self) -> str:
        """Return all that can be read."""
        return await self.page.inner_text("body")

    async def assert_clean(self, *, lost: bool = False) -> None:
        """Nothing was complained of, forbidden, or asked of another host.

        With *lost* answers may have failed to come: that is what was tried.
        """
        complaints = [each for each in self.complaints if not (lost and LOST in each)]
        assert [] == complaints
        assert [] == await self.violations()
        home = urlsplit(self.page.url).netloc
        assert [] == [each for each in self.requests if urlsplit(each).netloc != home]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def _hear_error(self, error: Exception) -> None:
        self.complaints.append(f"page: {error}")

    def _note(self, request: Request) -> None:
        self.requests.append(request.url)
        if request.is_navigation_request():
            self.loads += 1

    def watch(self) -> None:
        """Begin the account."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", self._hear_error)
        self.page.on("request", self._note)


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Give the system's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is missing: run scripts/install-system-packages.sh")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=program, args=[*FLAGS])
        try:
            yield chromium
        finally:
            await chromium.close()


@contextlib.asynccontextmanager
async def window(
    chromium: Browser,
    url: str | None = None,
    *,
    size: tuple[int, int] = TV,
    language: str = "en-GB",
    dark: bool = True,
    **options: Any,
) -> AsyncIterator[Window]:
    """Give a window of its own, with no memory of others, at *url* where one is given."""
    context = await chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=language,
        color_scheme="dark" if dark else "light",
        **options,
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        if options.get("java_script_enabled", True):
            await context.add_init_script(WATCH)
        opened = Window(page=await context.new_page(), context=context)
        opened.watch()
        if url is not None:
            await opened.page.goto(url, wait_until="load")
        yield opened
    finally:
        await context.close()


@contextlib.asynccontextmanager
async def work_of(chromium: Browser, page: Page) -> AsyncIterator[list[float]]:
    """Give a list that has, afterwards, the processor time of all the page did meanwhile.

    In ms, of each task of the thread that runs scripts, lays out and draws.
    """
    tasks: list[float] = []
    await chromium.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
    yield tasks
    events = json.loads(await chromium.stop_tracing())["traceEvents"]
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks += [
        event["tdur"] / 1e3
        for event in events
        if (event["pid"], event["tid"]) in threads and "tdur" in event
    ]
    assert tasks, "the browser told of nothing"


@functools.cache
def _axe() -> str:
    """Return the script of axe, which a package carries along."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()


async def faults_of_access(page: Page) -> Sequence[str]:
    """Return what axe finds wrong with the page as it is, one line each."""
    await page.evaluate(_axe())
    found: Sequence[Mapping[str, Any]] = await page.evaluate(
        "async () => (await axe.run({resultTypes: ['violations']})).violations"
    )
    return [
        f"{each['impact']}: {each['id']}: {each['help']}: {node['html'][:200]}"
        for each in found
        for node in each["nodes"]
    ]
