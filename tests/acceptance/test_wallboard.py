"""The wallboard in a real browser, fed by a real callmon, looked at as a supervisor does.

What the page shows is compared with what callmon tells programs, and with a log whose calls
are known. Times are measured from the moment a line is in the log.
"""

import asyncio
import contextlib
import json
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route

from callmon.demo import write_demo
from tests.acceptance.browser import PHONE, TV, Window, browser, window, work_of
from tests.acceptance.cutter import steady_port
from tests.acceptance.driver import Program, get
from tests.acceptance.wallboard_reader import Row, Wall
from tests.acceptance.wallboard_site import MANY, TWELVE, Day, Site, site, whole_second

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio, pytest.mark.timeout(240)]

SOON_S = 1.0
"""Within which an event, and a breach, is to be seen."""

UNKNOWN_MS = 20_000
"""Within which a page finds a queue that was not known."""

LOST_AFTER_S = 5.0
"""Of silence a page says that the connection is lost."""

SMOOTH_MS = 50.0
"""Work that takes longer is felt: what browsers themselves call a long task."""


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Give the browser."""
    async with browser() as started:
        yield started


@pytest.fixture
async def twelve(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a site of twelve queues in three teams, and a group."""
    groups = {"everybody": {"queues": ["*"]}}
    async with site(tmp_path, TWELVE, groups=groups) as running:
        yield running


@contextlib.asynccontextmanager
async def looking(
    chromium: Browser, running: Site, query: str = "", **options: Any
) -> AsyncIterator[tuple[Wall, Window]]:
    """Give the wallboard in a window; at the end nothing may have gone wrong in it."""
    lost = options.pop("lost", False)
    async with window(chromium, f"{running.url}/{query}", **options) as seen:
        wall = Wall(seen.page)
        await wall.is_live()
        yield wall, seen
        await seen.assert_clean(lost=lost)


def seconds_of(text: str) -> int:
    """Return what ``3:12`` or ``1:02:05`` is in seconds."""
    assert re.fullmatch(r"(\d+:)?\d+:\d\d", text), text
    found = 0
    for part in text.split(":"):
        found = found * 60 + int(part)
    return found


def percent_of(text: str) -> float:
    """Return what ``82.6%`` is as a ratio."""
    assert re.fullmatch(r"\d+(\.\d+)?%", text), text
    return float(text.removesuffix("%")) / 100


def assert_figures(expected: Any, found: Row) -> None:
    """What a row shows is what programs are told, cut and never rounded up."""
    live, over, today = expected["live"], expected["window"], expected["today"]
    assert expected["level"] == found.level
    for slot, value in (
        ("waiting", live["waiting"]),
        ("waiting_over_target", live["waiting_over_target"]),
        ("answered_today", today["answered"]),
    ):
        assert ("no data" if value is None else str(value)) == found[slot], slot
    for slot in ("service_level_now", "abandonment_rate", "answer_rate"):
        if over[slot] is None:
            assert "no calls" == found[slot], (expected["id"], slot)
        else:
            ratio = percent_of(found[slot])
            assert over[slot] - 0.001 < ratio <= over[slot] + 1e-9, (expected["id"], slot)
            assert (found[slot] in {"0%", "100%"}) == (over[slot] in {0, 1})
    if live["longest_wait"] is None:
        assert "no data" == found["longest_wait"]
    else:
        assert abs(seconds_of(found["longest_wait"]) - live["longest_wait"]) <= 2


async def test_twelve_queues_are_read_at_a_glance(chromium: Browser, twelve: Site) -> None:
    """All stand on one screen, and every figure is that which programs are told."""
    twelve.join("support", count=4, ago=30)
    twelve.join("投诉", count=2)

    async with looking(chromium, twelve) as (wall, _):
        await wall.says("queue:support", "waiting", "4")
        board = await twelve.board()
        rows = await wall.rows()

        assert {row["id"] for row in board["rows"]} == set(rows)
        for expected in board["rows"]:
            assert_figures(expected, rows[expected["id"]])
        queues = [row["id"] for row in board["rows"] if row["kind"] == "queue"]
        assert queues == [row.id for row in await wall.seen() if row.id in queues]
        assert "queue:support" == queues[0]
        for row in rows.values():
            assert row.top >= 0
            assert row.bottom <= TV[1], f"{row.id} is below the screen"
        assert await wall.fits()


async def test_the_page_and_the_interface_say_the_same(twelve: Site) -> None:
    """``/api/v1/board`` has the figures of ``/api/v1/queues``, and those of the log."""
    subjects = {
        f"{each['kind']}:{each['name']}": each
        for each in (await twelve.json("/api/v1/queues"))["subjects"]
    }

    board = await twelve.board("?window=15m")

    assert set(subjects) == {row["id"] for row in board["rows"]}
    for row in board["rows"]:
        same = subjects[row["id"]]
        for part, figures in (
            ("window", same["windows"]["15m"]),
            ("today", same["windows"]["today"]),
            ("live", same["live"]),
        ):
            assert {name: figures[name] for name in row[part]} == row[part], row["id"]
    for name, day in TWELVE.items():
        over = subjects[f"queue:{name}"]["windows"]["15m"]
        assert (len(day.answered), len(day.abandoned)) == (over["answered"], over["abandoned"])


async def test_an_event_is_seen_within_a_second(chromium: Browser, twelve: Site) -> None:
    """From the line in the log to the figure on the screen: less than a second, each time."""
    taken = []
    async with looking(chromium, twelve) as (wall, _):
        for number in range(8):
            await asyncio.sleep(0.37)  # at another point of its round each time
            written = (
                twelve.join("night desk") if number % 2 == 0 else twelve.leave("night desk")
            )
            waiting = str(1 - number % 2)
            taken.append(await wall.says("queue:night desk", "waiting", waiting) - written)

    assert max(taken) < SOON_S, taken


async def test_a_breach_is_seen_when_it_happens(chromium: Browser, tmp_path: Path) -> None:
    """Nothing happens but that time passes: the limit is reached, and the page says so.

    By its level, in words, in the list of alerts, and in a sentence for who cannot see it.
    """
    thresholds = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 3s, keep: 0s, severity: critical}
"""
    async with (
        site(tmp_path, TWELVE, thresholds=thresholds) as running,
        looking(chromium, running, "?flash=1") as (wall, seen),
    ):
        taken = []
        for queue in ("vip", "billing", "投诉"):
            joined = await whole_second()
            running.join(queue)
            changed = await wall.changes(f"queue:{queue}", "critical")
            taken.append(changed - (joined + 3))
            await wall.spoken_of(queue)
            row = (await wall.rows())[f"queue:{queue}"]
            assert "critical" == row["level"].lower()
            assert f"queue:{queue}" == next(
                each.id for each in await wall.seen() if each.id.startswith("queue:")
            )
            ages = [each["age"] for each in await wall.alerts() if queue in each["subject"]]
            assert ages in (["0:00"], ["0:01"]), "it counts from when it came"
            assert await seen.page.locator("html[data-flash]").count() == 1
            running.leave(queue)
            await wall.changes(f"queue:{queue}", "calm")
        assert await seen.page.evaluate("() => window.seen.flashes") >= 1

    assert min(taken) > -0.05, taken
    assert max(taken) < SOON_S, taken


async def test_what_stood_before_is_no_news(chromium: Browser, twelve: Site) -> None:
    """A page that is opened neither flashes nor speaks of what is critical already."""
    twelve.join("support", count=4)
    async with looking(chromium, twelve, "?flash=1&sound=1") as (wall, seen):
        await wall.changes("queue:support", "critical")
        await asyncio.sleep(2)
        assert 0 == await seen.page.evaluate("() => window.seen.flashes")
        assert "" == await seen.page.text_content("#news")


async def test_agents_are_as_programs_are_told(chromium: Browser, tmp_path: Path) -> None:
    """The simulated centre: who is free of how many at work, on each line."""
    port = steady_port()
    config = await asyncio.to_thread(write_demo, tmp_path, port=port)
    async with (
        Program(config, port) as program,
        window(chromium, f"{program.url}/") as seen,
    ):
        wall = Wall(seen.page)
        await wall.is_live()
        seen_at_once: list[tuple[dict[str, str], dict[str, str]]] = []
        while len(seen_at_once) < 20 and not any(told == shown for told, shown in seen_at_once):
            told = await agents(program)
            rows = await wall.rows()
            shown = {id_: row["agents"] + row["agents_of"] for id_, row in rows.items()}
            seen_at_once.append((told, shown))
            await asyncio.sleep(0.3)  # somebody has picked up between the two looks
        assert seen_at_once[-1][0] == seen_at_once[-1][1]
        await seen.assert_clean()


async def agents(program: Program) -> dict[str, str]:
    """Return what is to be shown of the agents of each line."""
    _, text = await get(f"{program.url}/api/v1/board")
    return {
        row["id"]: f"{row['live']['agents_available']}/{row['live']['agents_staffed']}"
        for row in json.loads(text)["rows"]
    }


async def test_every_level_is_told_by_more_than_colour(chromium: Browser, twelve: Site) -> None:
    """Each level has a word and a shape of its own, and the worst stand above."""
    for queue, count in (("vip", 2), ("billing", 3), ("support", 4)):
        twelve.join(queue, count=count)

    async with looking(chromium, twelve) as (wall, _):
        await wall.changes("queue:support", "critical")
        rows = await wall.rows()
        order = [row.id for row in await wall.seen() if row.id.startswith("queue:")]

        assert ["queue:support", "queue:billing", "queue:vip"] == order[:3]
        told = {
            name: rows[f"queue:{name}"] for name in ("support", "billing", "vip", "returns")
        }
        assert ["critical", "warning", "pending", "calm"] == [r.level for r in told.values()]
        assert 4 == len({row["level"] for row in told.values()})
        shapes = {name: await wall.shape(row.id) for name, row in told.items()}
        assert 4 == len(set(shapes.values())), shapes


async def test_a_lost_connection_is_said_and_mended(chromium: Browser, twelve: Site) -> None:
    """The last picture stays and its age counts; no wait goes on; then all is as it is."""
    twelve.join("vip", ago=20)
    async with looking(chromium, twelve, lost=True) as (wall, seen):
        await wall.says("queue:vip", "waiting", "1")
        await twelve.road.cut()
        await wall.is_lost(LOST_AFTER_S + 2)
        before, first = await wall.rows(), await wall.lost_text()
        twelve.leave("vip")
        twelve.join("brand new")
        twelve.without_groups()
        await asyncio.sleep(2.5)
        after, second = await wall.rows(), await wall.lost_text()

        assert {i: r.slots for i, r in before.items()} == {i: r.slots for i, r in after.items()}
        assert first != second
        assert {str(n) for n in range(6, 12)} & set(re.findall(r"\d+", second)), second

        await twelve.road.mend()
        await wall.is_live(15)
        await wall.says("queue:vip", "waiting", "0")
        await wall.says("queue:brand new", "waiting", "1")
        await wall.is_gone("group:everybody")
        assert 1 == seen.loads


async def test_a_page_outlives_its_server(chromium: Browser, twelve: Site) -> None:
    """Killed and started again: the page takes a whole picture, and nothing stale is left."""
    twelve.join("support", count=4)
    async with looking(chromium, twelve, lost=True) as (wall, seen):
        await wall.changes("queue:support", "critical")
        twelve.program.end(signal.SIGKILL)
        await wall.is_lost(LOST_AFTER_S + 2)
        assert "critical" == (await wall.rows())["queue:support"].level
        twelve.leave("support")
        await twelve.start()
        await wall.is_live(20)

        await wall.changes("queue:support", "calm")
        assert [] == await wall.alerts()
        expected = {row["id"] for row in (await twelve.board())["rows"]}
        assert expected == set(await wall.rows())
        assert seen.loads <= 2, "it may load itself anew, once"


async def test_a_page_of_another_version_loads_itself_anew(
    chromium: Browser, twelve: Site
) -> None:
    """Once: callmon was renewed, and a television has nobody to press a key."""

    async def old(route: Route) -> None:
        answer = await route.fetch()
        text = (await answer.text()).replace('data-version="', 'data-version="of-yesterday-')
        await route.fulfill(response=answer, body=text)

    async with window(chromium) as seen:
        await seen.page.route(f"{twelve.url}/", old, times=1)
        await seen.page.goto(f"{twelve.url}/")
        await seen.page.wait_for_selector("html:not([data-version^=of-yesterday])")
        await Wall(seen.page).is_live()
        await asyncio.sleep(SOON_S)
        assert 2 == seen.loads
        assert "of-yesterday" not in await seen.page.content()


async def test_a_queue_that_is_not_known_yet_appears(chromium: Browser, twelve: Site) -> None:
    """A television is on before its queue is: the page finds it without a key pressed."""
    async with window(chromium, f"{twelve.url}/queue/newcomer") as seen:
        assert "newcomer" in str(await seen.page.text_content("h1"))
        twelve.join("newcomer")
        await seen.page.wait_for_selector("body.one", timeout=UNKNOWN_MS)
        await Wall(seen.page).is_live()


async def test_a_silent_connection_is_a_lost_one(chromium: Browser, twelve: Site) -> None:
    """A road that swallows everything and says nothing is found out as well."""
    async with looking(chromium, twelve, lost=True) as (wall, _):
        program = twelve.program
        program.send(signal.SIGSTOP)
        try:
            await wall.is_lost(LOST_AFTER_S + 2)
        finally:
            program.send(signal.SIGCONT)
        await wall.is_live(15)


async def test_a_lost_feed_keeps_its_last_picture(chromium: Browser, twelve: Site) -> None:
    """What was seen last stays, and since when it is old is said; no wait seems to grow."""
    twelve.join("billing", ago=40)
    async with looking(chromium, twelve) as (wall, _):
        await wall.says("queue:billing", "waiting", "1")
        twelve.blind()
        await wall.changes("queue:billing", "blind")
        first = (await wall.rows())["queue:billing"]
        await asyncio.sleep(2.2)
        second = (await wall.rows())["queue:billing"]

        assert "1" == first["waiting"]
        assert re.search(r"\d\d:\d\d:\d\d", first["as_of"]), first["as_of"]
        assert first.slots == second.slots
        assert "log" in await wall.slot("feeds")
        twelve.sees()
        await wall.changes("queue:billing", "calm")
        assert "" == (await wall.rows())["queue:billing"]["as_of"]


async def test_two_hundred_queues_scroll_smoothly(chromium: Browser, tmp_path: Path) -> None:
    """While figures change nothing keeps the page from drawing for longer than is felt.

    Work is counted in processor time, which other programs on the machine cannot lengthen;
    pictures are compared with those of the same page while nothing happens.
    """
    async with (
        site(tmp_path, MANY) as running,
        looking(chromium, running) as (wall, seen),
    ):
        assert 200 == len(await wall.rows())
        still = [_late(await wall.scroll_through(seconds=2))]
        busy = asyncio.create_task(keep_busy(running))
        await asyncio.sleep(2)
        async with work_of(chromium, seen.page) as tasks:
            late = _late(await wall.scroll_through(seconds=6))
        busy.cancel()
        still.append(_late(await wall.scroll_through(seconds=2)))

        sys.stderr.write(f"gaps: p95 {late:.0f}, still {still}; {max(tasks):.0f} ms\n")
        assert max(tasks) < SMOOTH_MS
        assert late < 2 * max(SMOOTH_MS, *still), "pictures are left out"


def _late(gaps: list[float]) -> float:
    """Return how long the slowest twentieth of the pictures kept one waiting, at least."""
    return sorted(gaps)[len(gaps) * 95 // 100]


async def keep_busy(running: Site) -> None:
    """Let callers come to and go from two hundred queues, forty a second."""
    queues = list(MANY)
    turn = 0
    while True:
        turn += 1
        for queue in queues[turn * 4 % 200 :][:4]:
            running.join(queue)
        for queue in queues[turn * 4 % 200 - 100 :][:4]:
            running.leave(queue)
        await asyncio.sleep(0.1)


async def test_a_screen_on_the_wall_turns_its_pages(chromium: Browser, tmp_path: Path) -> None:
    """More than fits comes page by page, without a control; what is critical comes at once."""
    async with (
        site(tmp_path, MANY) as running,
        looking(chromium, running, "?tv=1") as (wall, seen),
    ):
        first = {row.id for row in await wall.seen()}
        assert 0 < len(first) < 200
        assert [] == await seen.page.get_by_role("button").all()
        await seen.page.wait_for_timeout(16_000)
        second = {row.id for row in await wall.seen()}
        assert not first & second

        running.join("queue150", count=4)
        end = time.time() + SOON_S
        while "queue:queue150" not in {row.id for row in await wall.seen()}:
            assert time.time() < end + 0.2, "a critical queue is not shown at once"
            await asyncio.sleep(0.05)


async def test_a_telephone_shows_it_all(chromium: Browser, twelve: Site) -> None:
    """Nothing is wider than the screen, and everything can be read."""
    twelve.join("support", count=4)
    for path in ("", "queue/support"):
        async with looking(chromium, twelve, path, size=PHONE) as (wall, _):
            assert await wall.fits()
            assert [] == await wall.small_text(12)


async def test_it_speaks_the_language_of_the_browser(chromium: Browser, twelve: Site) -> None:
    """Chinese by Accept-Language or by the address, English else; the page says which."""
    for query, language, expected in (
        ("", "zh-CN", "zh-CN"),
        ("", "zh-TW", "zh-CN"),
        ("", "de-DE", "en"),
        ("?lang=zh-CN", "en-GB", "zh-CN"),
        ("?lang=en", "zh-CN", "en"),
        ("?lang=klingon", "en-GB", "en"),
    ):
        async with looking(chromium, twelve, query, language=language) as (wall, seen):
            assert expected == await seen.page.get_attribute("html", "lang")
            text = await seen.text()
            assert ("排队等待" in text) == (expected == "zh-CN")
            assert ("no calls" in text, "无来电" in text) == (
                expected == "en",
                expected == "zh-CN",
            )
            assert 13 == len(await wall.rows())


async def test_dark_and_light_follow_the_system(chromium: Browser, twelve: Site) -> None:
    """The background is that which the system has, unless the address says otherwise."""
    for query, dark, expected in (
        ("", True, True),
        ("", False, False),
        ("?theme=light", True, False),
        ("?theme=dark", False, True),
        ("?theme=pink", False, False),
    ):
        async with looking(chromium, twelve, query, dark=dark) as (wall, _):
            assert expected == await wall.is_dark(), (query, dark)


async def test_an_address_filters_by_label(chromium: Browser, twelve: Site) -> None:
    """Labels choose; values of one are alternatives; a value that no queue has is said."""
    for query, expected in (
        ("?team=sales", {"sales_north", "sales_south", "vip"}),
        ("?team=sales&site=sh", {"sales_south"}),
        ("?team=sales&team=back_office", {"sales_north", "sales_south", "vip", "back_office"}),
        ("?team=slaes", set()),
    ):
        async with looking(chromium, twelve, f"{query}&show=queues") as (wall, seen):
            assert {f"queue:{name}" for name in expected} == set(await wall.rows())
            board = await twelve.board(f"{query}&show=queues")
            assert set(await wall.rows()) == {row["id"] for row in board["rows"]}
            assert ("No queue has team=slaes" in await seen.text()) == (not expected)


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a/b",
    "50%2Foff",
    "...",
    "שלום עולם",
    "\u202egnp.exe",
    "👩‍👩‍👧‍👦 家庭",
    'o\'clock & "quotes"',
    "x" * 200,
    "{{ 7 * 7 }} ${7*7}",
    "#hash?query=1&b=2",
)


async def test_a_hostile_name_is_a_name(chromium: Browser, tmp_path: Path) -> None:
    """Whatever a queue is called is shown as it is, runs nowhere, and its view is found."""
    days = {name: Day(answered=[3]) for name in HOSTILE}
    tagged = {name: {"labels": {"site": name}} for name in HOSTILE[:4]}
    async with (
        site(tmp_path, days, queues=tagged) as running,
        looking(chromium, running) as (wall, seen),
    ):
        known = {row["name"] for row in (await running.board())["rows"]}
        assert len(HOSTILE) == len(known)
        rows = await wall.rows()
        assert known == {row["name"] for row in rows.values()}
        assert await wall.fits()
        links = [await wall.link(row.id) for row in rows.values()]
        names = [row["name"] for row in rows.values()]
        for link, name in zip(links, names, strict=True):
            await seen.page.goto(link)
            assert name == await seen.page.text_content("h1"), link
            await wall.is_live()
            assert await wall.fits(), name
            await seen.assert_clean()
