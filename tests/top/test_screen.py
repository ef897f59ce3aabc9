"""The live board, its keys pressed: what stands on the screen, as text."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
from rich.style import Style
from textual.geometry import Size
from textual.pilot import Pilot

from callmon.board_view import BoardView
from callmon.clock import SECOND
from callmon.console.text import text_width
from callmon.testing import ManualClock
from callmon.top.client import Picture
from callmon.top.desk import Desk
from callmon.top.scene import TopLook
from callmon.top.screen import Lines, TopApp, style_of
from callmon.wording import Language
from tests.top.boards import BLIND, CALM, LONG_WAIT, WORST, board, row

pytestmark = pytest.mark.anyio

MANY = board([WORST, BLIND, CALM, *(row(f"q{number:03}") for number in range(197))])


class Terminal:
    """A live board on a terminal of a test."""

    def __init__(self, app: TopApp, pilot: Pilot[None], clock: ManualClock) -> None:
        self.app = app
        self.clock = clock
        self._pilot = pilot

    async def press(self, *keys: str) -> list[str]:
        """Press *keys*; return what is seen then."""
        await self._pilot.press(*keys)
        return await self.seen()

    async def seen(self) -> list[str]:
        """Return the lines of the screen."""
        await self._pilot.pause()
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return [strip.text.rstrip() for strip in strips]

    async def resize(self, width: int, height: int) -> list[str]:
        """Make the terminal another size; return what is seen then."""
        await self._pilot.resize_terminal(width, height)
        await self._pilot.pause()
        return await self.seen()

    async def click(self, y: int) -> list[str]:
        """Click on a line of the rows; return what is seen then."""
        await self._pilot.click("#rows", offset=(3, y))
        return await self.seen()

    def chosen(self) -> str | None:
        """Return the name of the chosen row."""
        found = self.app.desk.chosen()
        return None if found is None else found.name

    def top(self) -> int:
        """Return the first row that is seen."""
        return self.app.screen.query_one("#rows", Lines).scroll_offset.y


@contextlib.asynccontextmanager
async def terminal(
    view: BoardView = MANY,
    *,
    language: Language = Language.ENGLISH,
    width: int = 110,
    height: int = 24,
) -> AsyncIterator[Terminal]:
    """Show *view* on a terminal."""
    clock = ManualClock()
    look = TopLook(language=language, zone=ZoneInfo("Asia/Shanghai"))
    app = TopApp(Desk(view, look, clock))
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        yield Terminal(app, pilot, clock)


async def test_a_whole_screen() -> None:
    """Head, rows worst first, alerts, keys."""
    expected = """\
callmon  2026-09-21 22:13:20 CST  ▲ 1 critical  ✕ 1 no data  ✓ 1 ok
✕ pbx DOWN (connection refused)  ✓ centre up
  Queue   Waiting   Longest  Over target  Service 15m  Abandoned 15m  Free/at work  Thresholds
▲ 投诉         2      3:12!           1          95%             5%           3/7   ▲ long_wait
✕ vip    no data   no data      no data      no data        no data       no data   ✕ no data
  sales        0      0:00            0          95%             5%           3/7   ok


Standing alerts
▲ critical  投诉  long_wait: longest wait above 3 min  since 22:10:08 (3 min 12 s)
q quit   / filter   s sort   ↵ one queue   ? help"""

    async with terminal(board(), width=100, height=11) as shown:
        assert expected.split("\n") == await shown.seen()


async def test_keys_choose_a_row_and_the_screen_follows() -> None:
    """Line by line, page by page, to both ends of two hundred queues."""
    async with terminal() as shown:
        await shown.press("down", "down")
        assert ("sales", 0) == (shown.chosen(), shown.top())

        await shown.press("pagedown", "pagedown")
        assert 0 < shown.top()

        assert any("q196" in line for line in await shown.press("end"))
        assert "q196" == shown.chosen()

        await shown.press("home", "up")
        assert ("投诉", 0) == (shown.chosen(), shown.top())


async def test_a_filter_shows_while_one_types() -> None:
    """Enter keeps it, escape ends it; letters of commands are letters there."""
    async with terminal(height=14) as shown:
        found = await shown.press("slash", "s", "a", "l")
        assert "Filter: sal" in found
        # All of them have the label team=sales, but for one.
        assert not [line for line in found[:-4] if line.startswith("▲ 投诉")]

        await shown.press("enter", "s")
        assert "sorted by name  Filter: sal" in await shown.seen()

        found = await shown.press("escape")
        assert not [line for line in found if "Filter" in line and "/" not in line]


async def test_a_filter_hides_no_alert() -> None:
    """What burns is said below, whatever one looks at."""
    async with terminal() as shown:
        found = await shown.press("slash", "v", "i", "p")
        assert [line for line in found if line.startswith("▲ critical  投诉")]


async def test_sorting_goes_around() -> None:
    """By name, waiting, longest wait, then by urgency again, and it is said."""
    async with terminal(board(), height=14) as shown:
        said = [(await shown.press("s"))[2] for _ in range(4)]

    assert ["sorted by name", "sorted by waiting", "sorted by longest wait"] == said[:3]
    assert said[3].startswith("  Queue")


async def test_enter_shows_one_queue_and_arrows_the_next() -> None:
    """Escape comes back."""
    async with terminal(board(), height=40) as shown:
        found = await shown.press("enter")
        assert "▲ critical  投诉  target 20 s  team=care  site=hz" in found

        found = await shown.press("right")
        assert "✕ no data  vip  target 20 s  team=sales" in found

        assert any(line.startswith("  Queue") for line in await shown.press("escape"))


async def test_a_queue_that_goes_away_is_missed() -> None:
    """It may come back."""
    async with terminal(board()) as shown:
        await shown.press("enter")
        shown.app.take(Picture(board=board((CALM,)), taken=shown.clock.monotonic()))
        assert "投诉 is not on the board any more" in await shown.seen()


async def test_a_click_chooses_and_a_second_one_shows() -> None:
    """As the keys do."""
    async with terminal(board(), height=40) as shown:
        await shown.click(1)
        assert "vip" == shown.chosen()
        assert "✕ no data  vip  target 20 s  team=sales" in await shown.click(1)


@pytest.mark.parametrize("language", Language)
async def test_help_names_the_keys_and_the_shapes(language: Language) -> None:
    """In either language; any way back."""
    async with terminal(language=language) as shown:
        text = "\n".join(await shown.press("question_mark"))
        assert all(sign in text for sign in ("▲", "✕", "◆", "●", "◔", "✓", "enter", "esc"))
        assert any("投诉" in line for line in await shown.press("question_mark"))


async def test_waits_tick_between_two_looks() -> None:
    """Each second, though nothing came."""
    async with terminal(board()) as shown, asyncio.TaskGroup() as group:
        ticking = group.create_task(shown.app.tick(shown.clock))
        await shown.clock.advance(3 * SECOND)
        found = await shown.seen()
        ticking.cancel()

    assert "22:13:23" in found[0]
    assert any("3:15!" in line for line in found)


async def test_the_last_picture_stays_when_the_connection_is_lost() -> None:
    """Its age is said, its waits stand still; then it goes on."""
    async with terminal(board()) as shown:
        began = shown.clock.monotonic()
        lost = Picture(
            board=board(), taken=began, trouble="http://pbx: gone", ended=began + 2 * SECOND
        )
        shown.clock.leap(35 * SECOND)
        shown.app.take(lost)
        found = await shown.seen()
        assert "connection lost: this is the picture of 22:13:20, 35 s old" in found
        assert "http://pbx: gone" in found
        assert any("3:14!" in line for line in found)

        shown.app.take(Picture(board=board(), taken=shown.clock.monotonic()))
        found = await shown.seen()
        assert not [line for line in found if "lost" in line]
        assert any("3:12!" in line for line in found)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("size", [(40, 8), (80, 24), (200, 60)])
async def test_it_fits_any_terminal(size: tuple[int, int], language: Language) -> None:
    """After it has become larger or smaller, too; the worst queue is always seen."""
    async with terminal(language=language) as shown:
        found = await shown.resize(*size)

        assert size == (shown.app.size.width, shown.app.size.height)
        assert max(map(text_width, found)) <= size[0]
        assert any(line.startswith("▲ 投诉") for line in found)


async def test_what_has_not_changed_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two hundred queues, one of which waits a second longer, one cell is."""
    drawn: list[object] = []
    async with terminal() as shown:
        rows = shown.app.screen.query_one("#rows", Lines)
        monkeypatch.setattr(rows, "refresh", lambda *regions, **_: drawn.extend(regions))

        shown.clock.leap(SECOND)
        shown.app.paint()

    assert [1] == [region.height for region in drawn]  # type: ignore[attr-defined]  # regions
    assert all(region.width < 12 for region in drawn)  # type: ignore[attr-defined]  # ditto


async def test_more_alerts_than_fit_are_counted() -> None:
    """Queues are what one looks for: alerts take a quarter at most."""
    rows = [row(f"q{number}", standings=(LONG_WAIT,)) for number in range(30)]
    async with terminal(board(rows), height=24) as shown:
        found = await shown.seen()

    assert "+ 25 more" == found[-2]
    assert 5 == sum(line.startswith("▲ critical") for line in found)


async def test_q_ends_it() -> None:
    """From any screen."""
    async with terminal() as shown:
        await shown.press("enter", "q")
        assert not shown.app.is_running
        assert 0 == (shown.app.return_code or 0)


@pytest.mark.parametrize(
    ("code", "style"),
    [
        ("", ""),
        ("1", "bold"),
        ("2", "dim"),
        ("32", "green"),
        ("1;97;41", "bold bright_white on red"),
        ("1;30;43", "bold black on yellow"),
    ],
)
def test_colours_are_those_of_the_terminal(code: str, style: str) -> None:
    """Its own sixteen, whatever it makes of them."""
    assert Style.parse(style).render("x") == style_of(code).render("x")


def test_the_chosen_row_keeps_what_is_lit_up() -> None:
    """The rest is reversed."""
    assert Style.parse("dim reverse") == style_of("2", chosen=True)
    assert style_of("1;97;41") == style_of("1;97;41", chosen=True)


def test_a_picture_before_the_screen_is_kept() -> None:
    """Nothing is drawn, nothing breaks."""
    clock = ManualClock()
    app = TopApp(Desk(board(), TopLook(language=Language.ENGLISH), clock))
    later = dataclasses.replace(app.desk.picture, board=board((CALM,)))

    app.take(later)

    assert later == app.desk.picture
    assert Size(0, 0) is not app.size
