"""The page of a backtest in Chromium: from a file, without a network, read by anybody.

The backtest is that of a made-up month (``tests/backtest/pasts.py``); names of queues are
hostile where that matters.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Page

from callmon.backtest.outcome import Found
from callmon.backtest.page import page_html
from callmon.wording import Language
from tests.acceptance.browser import DESK, PHONE, browser, faults_of_access, window
from tests.backtest.pasts import HOSTILE, a_month, large

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio]

NARROW: Final = (320, 640)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Give the system's Chromium."""
    async with browser() as given:
        yield given


async def written(
    folder: Path, past: Callable[[], Found], language: Language = Language.ENGLISH
) -> str:
    """Write the page of *past* into *folder*; return its address."""
    path = folder / f"backtest-{language}.html"
    page = await asyncio.to_thread(lambda: page_html(past(), language))
    path.write_bytes(page.encode())
    return path.as_uri()


async def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    wide: int = await page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide


@pytest.mark.parametrize(
    ("size", "dark", "language"),
    [
        (DESK, True, Language.ENGLISH),
        (DESK, False, Language.CHINESE),
        (PHONE, False, Language.ENGLISH),
        (PHONE, True, Language.CHINESE),
        (NARROW, False, Language.CHINESE),
    ],
)
async def test_anybody_can_read_it(
    chromium: Browser, tmp_path: Path, size: tuple[int, int], *, dark: bool, language: Language
) -> None:
    """In both languages, dark and light, on a desk and a phone: no fault of access at all.

    Nothing is asked of a network, nothing is forbidden by the policy, and the page does not
    have to be pushed from side to side.
    """
    url = await written(tmp_path, a_month, language)

    async with window(chromium, url, size=size, dark=dark, language=language) as seen:
        await seen.assert_clean()
        assert [url] == seen.requests
        assert [] == await faults_of_access(seen.page)
        assert 0 == await overflow(seen.page)


async def test_it_needs_no_script(chromium: Browser, tmp_path: Path) -> None:
    """With scripts off all of it is there, and a click on a day leads to what fired on it."""
    url = await written(tmp_path, a_month)

    async with window(chromium, url, size=DESK, java_script_enabled=False) as seen:
        day = seen.page.locator("svg a").first
        target = await day.get_attribute("href")
        assert target is not None
        rows = seen.page.locator(f"{target} tbody tr")
        assert 0 < await rows.count()
        assert not await rows.first.is_visible()
        await day.click()
        await rows.first.wait_for(state="visible")


async def test_a_hostile_queue_does_nothing(chromium: Browser, tmp_path: Path) -> None:
    """Its name is read as it is, but for what no eye can read; no element comes of it."""
    seen_as = HOSTILE.replace("\u202e", "?").replace("\x1b", "?")
    url = await written(tmp_path, lambda: a_month(HOSTILE))

    async with window(chromium, url, size=DESK) as seen:
        await seen.assert_clean()
        assert 0 == await seen.page.locator("script").count()
        assert 0 < await seen.page.get_by_text(seen_as).count()


async def test_the_policy_holds(chromium: Browser, tmp_path: Path) -> None:
    """What would be put into the page all the same may neither run, nor load, nor look."""
    url = await written(tmp_path, a_month)
    path = tmp_path / "backtest-en.html"
    evil = (
        "<script>document.title = 'harm'</script>"
        "<img src='https://example.invalid/x.png'><p id='evil' style='color: red'>x</p>"
    )
    path.write_text(path.read_text().replace("</main>", f"{evil}</main>"))

    async with window(chromium, url, size=DESK) as seen:
        directives = {each.split()[0] for each in await seen.violations()}
        assert {"script-src-elem", "img-src", "style-src-attr"} == directives
        assert "harm" != await seen.page.title()


async def test_noise_is_seen_at_a_glance(chromium: Browser, tmp_path: Path) -> None:
    """The noisiest queue is named, and its rings hang below its line in the first screen."""
    url = await written(tmp_path, lambda: Found(backtest=a_month().backtest))

    async with window(chromium, url, size=DESK) as seen:
        noisiest = seen.page.locator(".card.noisy").nth(1)
        assert "long_wait · support" in await noisiest.inner_text()
        ring = seen.page.locator('.row.candidate use[href="#brief"]').first
        box = await ring.bounding_box()
        assert box is not None
        assert DESK[1] > box["y"]
        base = await seen.page.locator(".row.candidate .base").first.bounding_box()
        assert base is not None
        assert base["y"] <= box["y"]


async def test_a_mark_is_never_too_thin_to_see(chromium: Browser, tmp_path: Path) -> None:
    """On a phone a month is a pixel an hour and a half: every bar is a pixel wide at least."""
    url = await written(tmp_path, a_month)

    async with window(chromium, url, size=PHONE) as seen:
        edges = await seen.page.eval_on_selector_all(
            ".strip .bar",
            "bars => bars.map(bar => getComputedStyle(bar))"
            ".map(style => [style.strokeWidth, style.stroke === style.fill])",
        )
        assert {("1px", True)} == {tuple(edge) for edge in edges}


async def test_it_can_be_printed(chromium: Browser, tmp_path: Path) -> None:
    """On paper it is dark on white, whatever the screen is."""
    url = await written(tmp_path, a_month)

    async with window(chromium, url, size=DESK, dark=True) as seen:
        await seen.page.emulate_media(media="print")
        colours = await seen.page.evaluate(
            "() => [getComputedStyle(document.body).color,"
            " getComputedStyle(document.body).backgroundColor]"
        )
        assert ["rgb(16, 32, 43)", "rgb(255, 255, 255)"] == colours
        assert len(await seen.page.pdf()) > 10_000


async def test_a_year_of_forty_queues_opens(chromium: Browser, tmp_path: Path) -> None:
    """The largest page there is opens, is clean, and fits the window."""
    url = await written(tmp_path, large)

    async with window(chromium, url, size=DESK) as seen:
        await seen.assert_clean()
        assert 0 == await overflow(seen.page)
