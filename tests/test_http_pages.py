"""Pages, their parts and their streams over real HTTP, whatever they show."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from callmon import http_pages
from callmon.http_pages import STREAM_PATH, add_pages
from tests.walls import Wall

pytestmark = pytest.mark.anyio


class Place:
    """A server of nothing but pages, and a way to ask it."""

    def __init__(self, wall: Wall, address: str, session: aiohttp.ClientSession) -> None:
        self.wall = wall
        self.address = address
        self.session = session

    def get(self, path: str, **headers: str) -> "aiohttp.client._RequestContextManager":
        """Ask for *path*."""
        return self.session.get(self.address + path, headers=headers)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """Return a running server."""
    wall = Wall()
    application = web.Application()
    add_pages(application.router, wall)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session:
        yield Place(wall, f"http://{host}:{port}", session)
        wall.hang_up()
    await runner.cleanup()


async def test_a_page_may_load_nothing_that_is_not_ours(place: Place) -> None:
    """No inline script, no style of others, no frame around it."""
    async with place.get("/?team=sales&team=vip", **{"Accept-Language": "zh"}) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert answer.headers["Content-Language"] == "zh-CN"
        assert answer.headers["Vary"] == "Accept-Encoding, Accept-Language"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert place.wall.asked == [([("team", "sales"), ("team", "vip")], "zh", None)]


async def test_a_queue_and_a_group_have_pages_of_their_own(place: Place) -> None:
    """The name is read from the address, whatever characters it has."""
    async with place.get("/queue/%E5%AE%A2%E6%9C%8D%2F1") as answer:
        assert answer.status == 200
    async with place.get("/group/all") as answer:
        assert answer.status == 200
    async with place.get("/queue/%7B%7B7*7%7D%7D%3Cscript%3E%25") as answer:
        assert answer.status == 200
    async with place.get("/queue/nobody") as answer:
        assert answer.status == 404
    subjects = [subject for _, _, subject in place.wall.asked]
    assert subjects == ["queue:客服/1", "group:all", "queue:{{7*7}}<script>%", "queue:nobody"]


async def test_parts_of_a_page_are_kept_only_under_their_version(place: Place) -> None:
    """A new callmon brings new parts: an old name must not hide them for a year."""
    async with place.get("/static/wallboard.css?v=abc") as answer:
        assert await answer.read() == b"body{}"
        assert "immutable" in answer.headers["Cache-Control"]
    async with place.get("/static/wallboard.css?v=old") as answer:
        assert "immutable" not in answer.headers.get("Cache-Control", "")
    async with place.get("/static/..%2F..%2Fetc%2Fpasswd") as answer:
        assert answer.status == 404


async def test_frames_come_as_events_in_order(place: Place) -> None:
    """Several frames at once are several events; the stream says when to come again."""
    async with place.get(f"{STREAM_PATH}?subject=queue:vip&team=a") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert await answer.content.readuntil(b"\n\n") == b"retry: 1000\n\n"
        place.wall.viewers[0].frames.put_nowait([b'{"now":1}', b'{"now":2}'])
        assert await answer.content.readuntil(b"\n\n") == b'event: frame\ndata: {"now":1}\n\n'
        assert await answer.content.readuntil(b"\n\n") == b'event: frame\ndata: {"now":2}\n\n'
        place.wall.hang_up()
        assert await answer.content.read() == b""
    assert place.wall.asked == [([("team", "a")], "", "queue:vip")]
    assert place.wall.gone.is_set()


async def test_a_reader_who_left_is_noticed_at_the_next_frame(place: Place) -> None:
    """A closed page costs nothing any more."""
    async with place.get(STREAM_PATH) as answer:
        await answer.content.readuntil(b"\n\n")
        answer.close()
    async with asyncio.timeout(30):
        while not place.wall.gone.is_set():
            place.wall.viewers[0].frames.put_nowait([b"{}"])
            await _turn()


async def _turn() -> None:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, future.set_result, None)
    await future


async def test_a_reader_who_takes_nothing_is_not_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large picture waits for him in pieces; in the end he is given up."""
    monkeypatch.setattr(http_pages, "SEND_TIMEOUT_S", 0.2)
    host, port = place.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(f"GET {STREAM_PATH} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    await reader.readuntil(b"retry: 1000\n\n")
    place.wall.viewers[0].frames.put_nowait([b"x" * 50_000_000])
    await asyncio.wait_for(place.wall.gone.wait(), 30)
    writer.transport.abort()


async def test_a_connection_that_nobody_acknowledges_is_broken() -> None:
    """A telephone that left the building gives its place up, after half a minute."""
    host = "127.0.0.1"
    server = await asyncio.start_server(lambda _, writer: writer.close(), host, 0)
    _, writer = await asyncio.open_connection(host, server.sockets[0].getsockname()[1])
    http_pages._give_up_soon(writer.transport)
    peer = writer.get_extra_info("socket")
    assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    http_pages._give_up_soon(None)  # it has left already


async def test_frames_of_any_length_come_whole(place: Place) -> None:
    """They are sent in pieces, and put together they are what was told."""
    frame = bytes(range(97, 123)) * 20_000
    async with place.get(STREAM_PATH) as answer:
        await answer.content.readuntil(b"\n\n")
        place.wall.viewers[0].frames.put_nowait([frame, b"{}"])
        place.wall.hang_up()
        told = b"event: frame\ndata: "
        assert await answer.content.read() == told + frame + b"\n\n" + told + b"{}\n\n"


async def test_one_page_too_many_is_told_to_come_again(place: Place) -> None:
    """There is a cap, and the page knows when to try."""
    place.wall.full = True
    async with place.get(STREAM_PATH) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


async def test_the_board_is_json(place: Place) -> None:
    """Programs get what the page shows."""
    async with place.get("/api/v1/board?window=15m") as answer:
        assert await answer.json() == {"rows": []}
        assert "Content-Encoding" not in answer.headers
    place.wall.rows = ["a queue"] * 10_000
    async with place.get("/api/v1/board", **{"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len((await answer.json())["rows"]) == 10_000
    place.wall.asked.pop()
    assert place.wall.asked == [([("window", "15m")], "", None)]
