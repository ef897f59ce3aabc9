"""What the server serves: pages are made once for many, and equal what programs get."""

import asyncio
from zoneinfo import ZoneInfo

import pytest

from callmon.board_view import BoardView
from callmon.clock import SECOND
from callmon.wallboard.site import SAME_FOR, Wallboard
from tests.wallboard.desks import Desk

pytestmark = pytest.mark.anyio


@pytest.fixture
def place() -> tuple[Desk, Wallboard]:
    """Return a wallboard of a desk at work."""
    desk = Desk()
    site = Wallboard(
        desk.monitor,
        desk.clock,
        version="1",
        zone=lambda: ZoneInfo("Asia/Shanghai"),
        window=lambda: "15m",
        problems=list,
    )
    desk.begin()
    return desk, site


async def test_who_asks_at_the_same_time_gets_the_same_page(
    place: tuple[Desk, Wallboard],
) -> None:
    """A hundred screens that come back at once cost one page."""
    _, site = place
    pages = await asyncio.gather(*(site.page([], "en", None) for _ in range(100)))
    assert len({id(page) for page in pages}) == 1
    (chinese,) = await asyncio.gather(site.page([], "zh", None))
    assert chinese.language == "zh-CN"


async def test_a_page_is_no_older_than_half_a_second(place: tuple[Desk, Wallboard]) -> None:
    """What happened since is on the next one, and former pages are not kept."""
    desk, site = place
    before = await site.page([], "", "queue:sales")
    for subject in ("queue:a", "queue:b"):
        assert (await site.page([], "", subject)).status == 404
    desk.join()
    desk.wait(SAME_FOR)
    after = await site.page([], "", "queue:sales")
    assert after.html != before.html
    assert len(site._made) == 1


async def test_a_queue_that_is_not_there_is_not_found(place: tuple[Desk, Wallboard]) -> None:
    """The page says so, and its status."""
    _, site = place
    assert (await site.page([], "", "queue:nobody")).status == 404
    assert (await site.page([], "", "queue:sales")).status == 200
    assert (await site.page([("team", "nobody")], "", None)).status == 200


async def test_programs_get_the_rows_that_a_page_shows(place: tuple[Desk, Wallboard]) -> None:
    """The same filter, the same order."""
    desk, site = place
    desk.join("vip")
    desk.wait(30 * SECOND)
    board = await site.board([("team", "v"), ("team", "s"), ("show", "queues")], "")
    assert isinstance(board, BoardView)
    assert [row.id for row in board.rows] == ["queue:vip", "queue:sales", "queue:service"]
    assert board.rows[0].live.longest_wait == 30
