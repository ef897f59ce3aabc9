"""Who may look at the wallboard, from where and with what: hands, ears, proxies, no script."""

import asyncio
import contextlib
import itertools
import signal
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import bcrypt
import pytest
import trustme
from aiohttp import web
from playwright.async_api import Browser

from callmon.wallboard.hub import MAX_LOOKING
from tests.acceptance.browser import DESK, Window, browser, faults_of_access, window
from tests.acceptance.wallboard_reader import Wall
from tests.acceptance.wallboard_site import PREFIX, TWELVE, Site, prefixed, site

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio, pytest.mark.timeout(240)]

LOST_AFTER_S = 5.0
STOPS_WITHIN_S = 2.0
"""As without open pages; the server waits up to 3 s for answers that are under way."""

USER = {"username": "ann", "password": "secret"}
PAGES = ("", "queue/support")

Windows = Mapping[str, Window]


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Give the browser."""
    async with browser() as started:
        yield started


@pytest.fixture
async def twelve(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a site of twelve queues."""
    async with site(tmp_path, TWELVE, groups={"everybody": {"queues": ["*"]}}) as running:
        yield running


async def every_way(stack: contextlib.AsyncExitStack, chromium: Browser, url: str) -> Windows:
    """Open both views in both languages and both themes."""
    opened = {}
    for path, language, dark in itertools.product(PAGES, ("en-GB", "zh-CN"), (True, False)):
        shown = window(chromium, f"{url}/{path}", language=language, dark=dark)
        seen = await stack.enter_async_context(shown)
        await Wall(seen.page).is_live()
        opened[f"/{path} {language} {'dark' if dark else 'light'}"] = seen
    return opened


@pytest.mark.parametrize("state", ["calm", "critical", "blind", "lost"])
async def test_axe_finds_nothing(chromium: Browser, twelve: Site, state: str) -> None:
    """In both views, languages and themes: names, roles, contrast, order, landmarks."""
    async with contextlib.AsyncExitStack() as stack:
        opened = await every_way(stack, chromium, twelve.url)
        if state == "critical":
            for queue, count in (("support", 4), ("billing", 3), ("vip", 2)):
                twelve.join(queue, count=count)
        elif state == "blind":
            twelve.blind()
        elif state == "lost":
            await twelve.road.cut()
        for seen in opened.values():
            if state == "lost":
                await Wall(seen.page).is_lost(LOST_AFTER_S + 3)
            else:
                await Wall(seen.page).changes("queue:support", state)
        found = {name: await faults_of_access(seen.page) for name, seen in opened.items()}

    assert {name: [] for name in found} == found


async def test_axe_finds_nothing_in_what_opens(chromium: Browser, twelve: Site) -> None:
    """The options, a page without any queue, and the page of a queue that is not known."""
    for path in ("?team=nobody", "queue/nobody", ""):
        async with window(chromium, f"{twelve.url}/{path}", size=DESK) as seen:
            for summary in await seen.page.locator("summary").all():
                await summary.click()
            assert [] == await faults_of_access(seen.page), path


async def test_everything_is_reached_by_keyboard(chromium: Browser, twelve: Site) -> None:
    """Each link and switch once, in an order, and where one is can be seen."""
    async with window(chromium, f"{twelve.url}/", size=DESK) as seen:
        wall = Wall(seen.page)
        await wall.is_live()
        for summary in await seen.page.locator("summary").all():
            await summary.focus()
            await seen.page.keyboard.press("Enter")
        wanted = await seen.page.evaluate(
            "() => [...document.querySelectorAll('a[href], button, summary')]"
            ".filter(each => each.checkVisibility()).length"
        )
        reached = []
        for _ in range(wanted + 1):  # once it leaves the page, and comes back to its top
            await seen.page.keyboard.press("Tab")
            reached.append(await seen.page.evaluate(FOCUSED))
        reached = [each for each in reached if not each["text"].startswith("<body")]

        assert wanted == len({each["number"] for each in reached})
        assert [] == [each["text"] for each in reached if not each["told"]]
        assert [] == [each["text"] for each in reached if not each["visible"]]
        await seen.page.locator('[data-item="queue:vip"] a').focus()
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url("**/queue/vip*")
        await seen.assert_clean()


FOCUSED = """
() => {
  const now = document.activeElement, style = getComputedStyle(now);
  const box = now.getBoundingClientRect();
  return {
    number: [...document.querySelectorAll("*")].indexOf(now),
    text: now.outerHTML.slice(0, 120),
    told: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)
      || style.boxShadow !== "none",
    visible: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}
"""


async def test_what_is_chosen_is_kept(chromium: Browser, twelve: Site) -> None:
    """Theme, language and flash hold for this browser until the address says otherwise."""
    async with window(chromium, f"{twelve.url}/", size=DESK, dark=True) as seen:
        wall = Wall(seen.page)
        await wall.is_live()
        await seen.page.locator("summary").first.click()
        await seen.page.locator('[data-switch="flash"]').click()
        await seen.page.locator('[data-keep="theme"][data-value="light"]').click()
        await wall.is_live()
        await seen.page.locator("summary").first.click()
        await seen.page.locator('[data-keep="lang"][data-value="zh-CN"]').click()
        await seen.page.wait_for_function("() => document.documentElement.lang === 'zh-CN'")

        await seen.page.goto(f"{twelve.url}/")
        await seen.page.wait_for_function("() => document.documentElement.lang === 'zh-CN'")
        await wall.is_live()
        assert not await wall.is_dark()
        twelve.join("support", count=4)
        await wall.changes("queue:support", "critical")
        assert await seen.page.evaluate("() => window.seen.flashes") == 1
        await seen.page.goto(f"{twelve.url}/?lang=en&theme=dark&flash=0")
        await wall.is_live()
        assert "en" == await seen.page.get_attribute("html", "lang")
        assert await wall.is_dark()
        await seen.assert_clean()


async def test_without_script_it_shows_and_refreshes(chromium: Browser, twelve: Site) -> None:
    """The server draws the first picture, and has the browser ask again."""
    twelve.join("support", count=4)
    async with window(chromium, f"{twelve.url}/", java_script_enabled=False) as seen:
        row = seen.page.locator('[data-item="queue:support"]')
        assert "68%" in await row.inner_text()
        assert (
            "no calls" in await seen.page.locator('[data-item="queue:onboarding"]').inner_text()
        )
        twelve.join("onboarding")
        waiting = seen.page.locator('[data-item="queue:onboarding"] [data-slot="waiting"]')
        end = time.monotonic() + 30
        while await waiting.text_content() != "1":
            assert time.monotonic() < end, "it does not refresh"
            await asyncio.sleep(0.2)
        assert seen.loads >= 2


async def test_it_works_below_a_path_of_a_proxy(chromium: Browser, twelve: Site) -> None:
    """No address is from the root: everything that is asked for lies below the prefix."""
    async with prefixed(twelve.direct) as url, window(chromium, f"{url}/") as seen:
        wall = Wall(seen.page)
        await wall.is_live()
        twelve.join("vip")
        await wall.says("queue:vip", "waiting", "1")
        await seen.page.goto(await wall.link("queue:投诉"))
        await wall.is_live()
        assert "投诉" == await seen.page.text_content("h1")
        await seen.page.locator(".back").click()
        await wall.is_live()
        assert 13 == len(await wall.rows())
        await seen.assert_clean()
        assert [] == [each for each in seen.requests if PREFIX not in each]


def _protected(folder: Path, *, tls: bool) -> Path:
    hashed = bcrypt.hashpw(USER["password"].encode(), bcrypt.gensalt(4)).decode()
    text = f"basic_auth_users: {{{USER['username']}: {hashed}}}\n"
    if tls:
        issued = trustme.CA().issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        text += "tls_server_config: {cert_file: server.pem, key_file: server.pem}\n"
    path = folder / "web-config.yml"
    path.write_text(text)
    return path


async def test_passwords_and_tls_protect_all_of_it(chromium: Browser, tmp_path: Path) -> None:
    """Nothing of it is seen without a password, and with one all of it works over TLS."""
    secured = _protected(tmp_path, tls=True)
    async with site(tmp_path, TWELVE, web_config=secured, tls=True) as running:
        for path in (
            "/",
            "/queue/support",
            "/static/wallboard.js",
            "/events",
            "/api/v1/",
            "/api/v1/board",
            "/api/v1/openapi.json",
        ):
            status, text = await running.ask(path)
            assert (401, "user and password required\n") == (status, text), path

        async with window(
            chromium,
            f"{running.url}/",
            ignore_https_errors=True,
            http_credentials=USER,
        ) as seen:
            wall = Wall(seen.page)
            await wall.is_live()
            running.join("vip")
            await wall.says("queue:vip", "waiting", "1")
            await seen.page.goto(await wall.link("queue:vip"))
            await wall.is_live()
            await seen.assert_clean()


async def test_who_may_no_longer_look_sees_no_more(chromium: Browser, tmp_path: Path) -> None:
    """A password that is changed ends the streams of those who had the former one."""
    secured = _protected(tmp_path, tls=False)
    async with (
        site(tmp_path, TWELVE, web_config=secured) as running,
        window(chromium, f"{running.url}/", http_credentials=USER) as seen,
    ):
        wall = Wall(seen.page)
        await wall.is_live()
        secured.write_text(secured.read_text().replace("ann:", "bob:"))
        await wall.is_lost(10 + LOST_AFTER_S + 3)


async def test_open_pages_do_not_hold_up_the_end(chromium: Browser, twelve: Site) -> None:
    """Told to stop, callmon stops at once, whoever looks."""
    async with contextlib.AsyncExitStack() as stack:
        for path in ("", "", "queue/vip", "?lang=zh-CN"):
            seen = await stack.enter_async_context(window(chromium, f"{twelve.url}/{path}"))
            await Wall(seen.page).is_live()
        began = time.monotonic()
        code = await asyncio.to_thread(twelve.program.end, signal.SIGTERM)
        taken = time.monotonic() - began

    assert 0 == code
    assert taken < STOPS_WITHIN_S, taken


async def test_a_page_that_is_one_too_many_comes_again(chromium: Browser, twelve: Site) -> None:
    """It says that it is cut off, and is live as soon as there is room."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    async with (
        contextlib.AsyncExitStack() as stack,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=timeout
        ) as session,
    ):
        held = [
            await stack.enter_async_context(session.get(f"{twelve.direct}/events"))
            for _ in range(MAX_LOOKING)
        ]
        assert {200} == {each.status for each in held}
        status, text = await twelve.ask("/events")
        assert 503 == status, text
        assert (await twelve.ask("/healthz"))[0] == 200
        async with window(chromium, f"{twelve.url}/") as seen:
            wall = Wall(seen.page)
            await wall.is_lost(LOST_AFTER_S + 3)
            assert 13 == len(await wall.rows())  # as it was when it was loaded
            for each in held:
                each.close()
            await wall.is_live(15)
            assert 1 == seen.loads
            await seen.assert_clean(lost=True)


async def test_a_stream_is_for_pages_of_this_house_only(
    chromium: Browser, twelve: Site
) -> None:
    """Another site's page can neither read the stream nor stand around the wallboard."""
    async with elsewhere(twelve.url) as url, window(chromium, url) as seen:
        told = await seen.page.evaluate(
            "() => new Promise(done => {"
            f" const all = new EventSource('{twelve.url}/events');"
            " all.addEventListener('frame', () => done('frame'));"
            " all.onerror = () => done('refused'); })"
        )
        assert "refused" == told
        assert [] == [
            frame.url for frame in seen.page.frames if frame.url.startswith(twelve.url)
        ]


@contextlib.asynccontextmanager
async def elsewhere(framed: str) -> AsyncIterator[str]:
    """Give the address of somebody else's page, which has the wallboard in a frame."""

    async def answer(_: web.Request) -> web.Response:
        text = f'<!doctype html><title>x</title><iframe src="{framed}/"></iframe>'
        return web.Response(text=text, content_type="text/html")

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
