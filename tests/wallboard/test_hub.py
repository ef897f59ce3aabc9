"""Open pages are kept up to date: all of them, at once, whatever they miss."""

import asyncio
import contextlib
import dataclasses
import json
import threading
from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from callmon.clock import SECOND, Micros, next_turn
from callmon.queues import QueueSettings
from callmon.wallboard import hub as hub_module
from callmon.wallboard.hub import (
    DRAW_EVERY,
    FRAMES_KEPT,
    HEARTBEAT,
    FullError,
    Hub,
    Reader,
    seen,
)
from callmon.wallboard.look import Look, Show
from callmon.wallboard.picture import picture_of
from tests.wallboard.desks import SETTINGS, Desk

pytestmark = pytest.mark.anyio

SHANGHAI = ZoneInfo("Asia/Shanghai")
ALL = Look()


class Browser:
    """A page that applies what it is told, as the script in it does."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.frames: list[dict[str, Any]] = []
        self.board: dict[str, str] = {}
        self.rows: dict[str, dict[str, str]] = {}
        self.alerts: dict[str, dict[str, str]] = {}
        self.over = False

    async def read(self) -> None:
        """Take all that has come."""
        frames = await asyncio.wait_for(self._reader.next(), 30)
        self.over = not frames
        for frame in frames:
            self.take(json.loads(frame))

    def take(self, frame: dict[str, Any]) -> None:
        """Apply one frame."""
        self.frames.append(frame)
        if frame.get("full"):
            self.board, self.rows, self.alerts = {}, {}, {}
        self.board |= frame.get("board", {})
        self.rows = listed(self.rows, frame.get("rows"))
        self.alerts = listed(self.alerts, frame.get("alerts"))

    async def catch_up(self) -> None:
        """Take all that has come, if anything has."""
        while self.behind:
            await self.read()

    @property
    def behind(self) -> bool:
        """Whether there is something to read."""
        return self._reader._version != self._reader._scene.version and not self.over


def listed(
    former: dict[str, dict[str, str]], told: dict[str, Any] | None
) -> dict[str, dict[str, str]]:
    """Return a list after the changes that were told."""
    if told is None:
        return former
    items = {name: dict(slots) for name, slots in former.items()}
    for name, slots in told.get("items", {}).items():
        items.setdefault(name, {}).update(slots)
    order = told.get("order", list(items))
    return {name: items[name] for name in order}


def shown(slots: dict[str, str]) -> dict[str, str]:
    """Return the slots that have a text: a gone one is told as an empty one."""
    return {slot: text for slot, text in slots.items() if text}


class Wall:
    """A hub at work on a desk."""

    def __init__(self, desk: Desk, hub: Hub) -> None:
        self.desk = desk
        self.hub = hub

    async def pass_by(self, length: Micros = DRAW_EVERY) -> None:
        """Let time pass in which the feed looks."""
        await self.desk.clock.advance(length)
        self.desk.look()
        await turns()

    async def check(self, browser: Browser, look: Look) -> None:
        """See that a page shows what a new one would."""
        picture = await self.hub.picture(seen(await self.hub.board(look), look), look)
        assert list(browser.rows) == list(picture.rows)
        assert list(browser.alerts) == list(picture.alerts)
        assert [*map(shown, browser.rows.values())] == [*map(shown, picture.rows.values())]
        assert [*map(shown, browser.alerts.values())] == [*map(shown, picture.alerts.values())]
        assert shown(browser.board) == shown(picture.board)


async def turns(count: int = 60) -> None:
    """Let whoever is ready run."""
    for _ in range(count):
        await next_turn()


@contextlib.asynccontextmanager
async def a_wall(desk: Desk | None = None) -> AsyncIterator[Wall]:
    """Run a hub on a desk at work."""
    desk = desk or Desk()
    desk.begin()
    hub = Hub(desk.boards, desk.clock, zone=lambda: SHANGHAI, version="v1")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(hub.run())
        await turns()
        yield Wall(desk, hub)
        running.cancel()


async def test_a_page_gets_the_whole_picture_first_and_then_what_changes() -> None:
    """One caller comes: one queue and the group it is in are told, and nothing else."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            browser = Browser(reader)
            await browser.read()
            assert (browser.frames[0]["full"], browser.frames[0]["reload"]) == (True, "v1")
            assert set(browser.rows) == {
                "group:all",
                "queue:sales",
                "queue:service",
                "queue:vip",
            }
            wall.desk.join("sales")
            await wall.pass_by()
            await browser.read()
            told = browser.frames[-1]
            assert set(told["rows"]["items"]) == {"group:all", "queue:sales"}
            assert "order" not in told["rows"]
            await wall.check(browser, ALL)


async def test_an_event_is_told_within_half_a_second() -> None:
    """Half of what was promised."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            browser = Browser(reader)
            await browser.read()
            await wall.pass_by(SECOND // 7)
            wall.desk.join()
            await wall.pass_by(DRAW_EVERY)
            assert browser.behind


async def test_a_breach_does_not_wait_for_the_next_drawing() -> None:
    """It is told as soon as it is known, with its alert, and the queue comes first."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            browser = Browser(reader)
            await browser.read()
            await wall.pass_by(SECOND)
            await browser.catch_up()
            for _ in range(3):
                wall.desk.join("vip")
            wall.hub.hurry()
            await wall.desk.clock.advance(SECOND // 10)
            assert browser.behind
            await browser.read()
            assert next(iter(browser.rows)) == "queue:vip"
            assert [*browser.alerts] == ["crowd|queue:vip|critical"]


async def test_a_quiet_wall_still_says_that_it_is_there() -> None:
    """A page that hears nothing for five seconds believes the connection lost."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            browser = Browser(reader)
            await browser.read()
            for _ in range(5):
                await wall.pass_by()
            await browser.read()
            assert browser.frames[-1].keys() == {"now"}
            assert HEARTBEAT < 5 * SECOND


async def test_a_slow_page_misses_nothing() -> None:
    """A few frames late it gets them all; later than that, the whole picture."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            browser = Browser(reader)
            await browser.read()
            for missed in (3, FRAMES_KEPT, FRAMES_KEPT + 5):
                for _ in range(missed):
                    wall.desk.join()
                    await wall.pass_by()
                told = len(browser.frames)
                await browser.read()
                assert len(browser.frames) - told == (missed if missed <= FRAMES_KEPT else 1)
                assert bool(browser.frames[-1].get("full")) is (missed > FRAMES_KEPT)
                await wall.check(browser, ALL)


async def test_who_looks_at_the_same_is_told_the_same_bytes() -> None:
    """A hundred pages cost one drawing: themes do not make another picture."""
    async with a_wall() as wall:
        dark = Look.from_query([("theme", "dark"), ("sound", "1")])
        with wall.hub.look(ALL) as one, wall.hub.look(dark) as two:
            first, second = await one.next(), await two.next()
            assert first[0] is second[0]


async def test_a_filter_shows_only_what_it_asks_for() -> None:
    """Another team's callers are no news."""
    async with a_wall() as wall:
        vip = Look.from_query([("team", "v")])
        with wall.hub.look(vip) as reader:
            browser = Browser(reader)
            await browser.read()
            assert list(browser.rows) == ["queue:vip"]
            wall.desk.join("sales")
            await wall.pass_by()
            assert not browser.behind


async def test_pages_are_told_to_come_again() -> None:
    """At the stop, or when other people may look: no stream is waited for."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            browser = Browser(reader)
            await browser.read()
            wall.hub.hang_up()
            await browser.read()
            assert browser.over


async def test_there_are_only_so_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cap is kept, and who leaves makes room."""
    monkeypatch.setattr(hub_module, "MAX_LOOKING", 2)
    async with a_wall() as wall:
        with wall.hub.look(ALL):
            with wall.hub.look(ALL), pytest.raises(FullError), wall.hub.look(ALL):
                pass
            with wall.hub.look(ALL):
                pass


async def test_there_are_only_so_many_different_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each filter is drawn by itself; those that are drawn already cost nothing more."""
    monkeypatch.setattr(hub_module, "MAX_SCENES", 1)
    async with a_wall() as wall:
        other = Look.from_query([("team", "v")])
        with (
            wall.hub.look(ALL),
            wall.hub.look(ALL),
            pytest.raises(FullError),
            wall.hub.look(other),
        ):
            pass
        with wall.hub.look(other):
            pass


async def test_nothing_is_drawn_while_nobody_looks() -> None:
    """The last page closed: what was painted is forgotten."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            await reader.next()
            assert wall.hub._painted
        await wall.pass_by(SECOND)
        await wall.pass_by(30 * SECOND)
        assert not wall.hub._painted
        assert not wall.hub._scenes


async def test_a_queue_that_is_gone_goes_from_the_page() -> None:
    """A reload drops a queue: its row is in no order any more."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            browser = Browser(reader)
            await browser.read()
            queues = (QueueSettings(name="sales", timezone="Asia/Shanghai"),)
            wall.desk.monitor.reconfigure(
                dataclasses.replace(SETTINGS, queues=queues, groups=())
            )
            await wall.pass_by()
            await browser.read()
            assert list(browser.rows) == ["queue:sales"]
            await wall.check(browser, ALL)


async def test_pages_wait_no_longer_than_the_feeds_are_behind() -> None:
    """A page counts waits by a clock that runs at most two seconds ahead of the feeds."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            browser = Browser(reader)
            await browser.read()
            looked = wall.desk.clock.now() / SECOND
            await wall.desk.clock.advance(60 * SECOND)
            await browser.read()
            assert browser.frames[-1]["now"] <= looked + 2


async def test_a_mistake_in_a_picture_ends_no_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and drawing goes on: alerts do not hang on a page."""
    async with a_wall() as wall:
        with wall.hub.look(ALL) as reader:
            browser = Browser(reader)
            await browser.read()
            with monkeypatch.context() as patch, capture_logs() as logged:
                patch.setattr(hub_module, "picture_of", None)
                await wall.pass_by()
            assert [entry["event"] for entry in logged] == ["wallboard.crashed"]
            wall.desk.join()
            await wall.pass_by()
            await browser.read()
            await wall.check(browser, ALL)


async def test_what_one_asks_for_blinds_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that cannot be made keeps nobody from theirs."""
    real = picture_of

    def picky(board: Any, rows: Any, look: Look, zone: Any, hour: Any) -> Any:
        if look.labels:
            raise ValueError("no such picture")
        return real(board, rows, look, zone, hour)

    monkeypatch.setattr(hub_module, "picture_of", picky)
    with capture_logs() as logged:
        async with a_wall() as wall:
            with wall.hub.look(Look.from_query([("team", "v")])), wall.hub.look(ALL) as reader:
                browser = Browser(reader)
                await browser.read()
                wall.desk.join()
                await wall.pass_by()
                assert browser.behind
    assert {entry["event"] for entry in logged} == {"wallboard.crashed"}


async def test_a_picture_of_many_is_put_together_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is the same picture."""
    monkeypatch.setattr(hub_module, "MANY", 3)
    made_in = []

    def noted(*given: Any) -> Any:
        made_in.append(threading.current_thread() is threading.main_thread())
        return picture_of(*given)

    monkeypatch.setattr(hub_module, "picture_of", noted)
    async with a_wall() as wall:
        with wall.hub.look(ALL) as many, wall.hub.look(Look(show=Show.GROUPS)) as few:
            one, other = Browser(many), Browser(few)
            await one.read()
            await other.read()
            assert made_in == [False, True]
            await wall.check(one, ALL)


class Laborious:
    """Boards that take their time."""

    def __init__(self, desk: Desk, takes: Micros) -> None:
        self._desk = desk
        self._takes = takes
        self.last_hour = desk.boards.last_hour
        self.window = desk.boards.window
        self.made = 0

    def knows(self, window: str) -> bool:
        """See ``Boards``."""
        return self._desk.boards.knows(window)

    def sample(self) -> Any:
        """See ``Boards``."""
        return self._desk.boards.sample()

    def rows(self, window: str) -> Any:
        """See ``Boards``."""
        return self._desk.boards.rows(window)

    def board(self, window: str, rows: Any) -> Any:
        """See ``Boards``."""
        self.made += 1
        self._desk.clock.leap(self._takes)
        return self._desk.boards.board(window, rows)


async def test_pages_never_take_more_than_half_of_the_time() -> None:
    """What takes a second to draw is drawn every two: the rest is for what else is to do."""
    desk = Desk()
    desk.begin()
    boards = Laborious(desk, SECOND)
    hub = Hub(boards, desk.clock, zone=lambda: SHANGHAI, version="v1")  # type: ignore[arg-type]  # as far as the hub needs it
    async with asyncio.TaskGroup() as group:
        with hub.look(ALL):
            running = group.create_task(hub.run())
            await turns()
            for _ in range(9):
                hub.hurry()
                await desk.clock.advance(SECOND // 10)
                await turns()
            assert boards.made == 1
            await desk.clock.advance(SECOND // 5)
            await turns()
            assert boards.made == 2
        running.cancel()


STEPS = st.lists(
    st.sampled_from(
        (
            *("join sales", "join vip", "leave", "blind", "sight", "time", "read", "long"),
            *("fewer", "all", "sample"),
        )
    ),
    max_size=25,
)
FEWER = dataclasses.replace(
    SETTINGS,
    queues=SETTINGS.queues[1:],
    groups=(),
    thresholds=(),
    windows=SETTINGS.windows[:1],
)
LOOKS = st.builds(
    Look.from_query,
    st.lists(
        st.sampled_from(
            (
                *(("team", "v"), ("team", "s"), ("team", "nobody"), ("lang", "zh-CN")),
                *(("show", "groups"), ("show", "queues"), ("window", "today")),
            )
        ),
        max_size=3,
    ),
    subject=st.sampled_from((None, None, "queue:sales", "group:all", "queue:nobody")),
)


@given(STEPS, LOOKS)
async def test_whatever_happens_an_open_page_ends_up_like_a_new_one(
    steps: list[str], asked: Look
) -> None:
    """Callers, lost feeds, reloads, slow reading: the picture is that of a page opened now."""
    async with a_wall() as wall:
        looks = (ALL, asked)
        with wall.hub.look(looks[0]) as one, wall.hub.look(looks[1]) as two:
            browsers = (Browser(one), Browser(two))
            for step in steps:
                await perform(wall, browsers, step)
            # Until nothing changes by time alone: all are over the target by now.
            await wall.pass_by(60 * SECOND)
            await wall.pass_by(HEARTBEAT)
            for browser, look in zip(browsers, looks, strict=True):
                await browser.catch_up()
                await wall.check(browser, look)


async def perform(wall: Wall, browsers: tuple[Browser, ...], step: str) -> None:
    """Do one step."""
    desk = wall.desk
    match step.split():
        case ["join", queue]:
            desk.join(queue)
        case ["leave"]:
            desk.leave()
        case ["blind" | "sight" as sight]:
            desk.up(up=sight == "sight")
        case ["time"]:
            await wall.pass_by()
        case ["fewer" | "all" as queues]:
            desk.monitor.reconfigure(FEWER if queues == "fewer" else SETTINGS)
        case ["sample"]:
            await wall.pass_by(30 * SECOND)
        case ["long"]:
            for _ in range(FRAMES_KEPT + 2):
                desk.join("service")
                await wall.pass_by()
        case _:
            for browser in browsers:
                await browser.catch_up()
