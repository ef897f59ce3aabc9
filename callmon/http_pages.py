"""The wallboard over HTTP: pages, what they are made of, and the stream that keeps them fresh.

What is shown comes from a ``Site``; who may look is the server's business
(``callmon.http``).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol

import msgspec
import structlog
from aiohttp import hdrs, web

__all__ = ["STREAM_PATH", "Asset", "BusyError", "Page", "Query", "Reader", "Site", "add_pages"]

_log = structlog.get_logger(__name__)

STREAM_PATH: Final = "/events"

SEND_TIMEOUT_S: Final = 30.0
"""A reader so slow is none."""

_AGAIN_MS: Final = 1000
"""After which a browser that lost the stream tries again."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
"""Everything from here, nothing inline: a queue's name can never become a program."""

_CHUNK_BYTES: Final = 64 * 1024
"""What waits for a reader is no more than a few of these, however large a picture is."""

_SMALL: Final = 4096
"""Bytes that are not worth compressing."""

_FOR_EVER: Final = "public, max-age=31536000, immutable"

Query = Sequence[tuple[str, str]]
"""The parameters of an address, in order."""


class BusyError(Exception):
    """Too many look on already."""


class Page(msgspec.Struct, frozen=True):
    """A page as HTML."""

    status: int
    html: str
    language: str


class Asset(msgspec.Struct, frozen=True):
    """What a page is made of: a style sheet, a script, an icon."""

    body: bytes
    content_type: str
    version: str  #: of what is in it


class Reader(Protocol):
    """Somebody who looks at a page."""

    async def next(self) -> Sequence[bytes]:
        """Wait for news, as JSON; nothing: the stream is over."""


class Site(Protocol):
    """What there is to look at."""

    async def page(self, query: Query, languages: str, subject: str | None) -> Page:
        """Return the wallboard, or the view of one subject."""

    def asset(self, name: str) -> Asset | None:
        """Return a part of the pages; None: there is no such."""

    def reader(
        self, query: Query, languages: str, subject: str | None
    ) -> AbstractContextManager[Reader]:
        """Keep a page fresh while it is open.

        Raises:
            BusyError: too many are.
        """

    async def board(self, query: Query, languages: str) -> object:
        """Return what the wallboard shows, as what becomes JSON."""

    def hang_up(self) -> None:
        """End all streams; pages come again if they may."""


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_pages(routes: web.UrlDispatcher, site: Site) -> None:
    """Add the addresses of *site* to *routes*."""
    routes.add_get("/", _page(site, None))
    for kind in ("queue", "group"):
        routes.add_get(f"/{kind}/{{name:[^/]+}}", _page(site, kind))  # any name, with braces
    routes.add_get("/static/{name}", _asset(site))
    routes.add_get(STREAM_PATH, _stream(site), allow_head=False)
    routes.add_get("/api/v1/board", _board(site))


def _page(site: Site, kind: str | None) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        subject = None if kind is None else f"{kind}:{request.match_info['name']}"
        page = await site.page(_query(request), _languages(request), subject)
        response = _packed(page.html.encode(), "text/html")
        response.set_status(page.status)
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers[hdrs.CONTENT_LANGUAGE] = page.language
        response.headers[hdrs.VARY] = "Accept-Encoding, Accept-Language"
        return response

    return handle


def _asset(site: Site) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        asset = site.asset(request.match_info["name"])
        if asset is None:
            return web.Response(status=404, text="no such file\n")
        same = request.query.get("v") == asset.version
        headers = {hdrs.CACHE_CONTROL: _FOR_EVER} if same else {}
        return web.Response(body=asset.body, content_type=asset.content_type, headers=headers)

    return handle


def _board(site: Site) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        board = await site.board(_query(request), _languages(request))
        body = await asyncio.to_thread(msgspec.json.encode, board)
        return _packed(body, "application/json")

    return handle


def _packed(body: bytes, content_type: str) -> web.Response:
    """Return an answer that is compressed for whom wants it, beside the event loop."""
    response = web.Response(
        body=body,
        content_type=content_type,
        charset="utf-8" if content_type.startswith("text/") else None,
        zlib_executor_size=_SMALL,
    )
    if len(body) > _SMALL:
        response.enable_compression()
    return response


def _stream(site: Site) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        query = [(name, value) for name, value in _query(request) if name != "subject"]
        subject = request.query.get("subject")
        try:
            with site.reader(query, _languages(request), subject) as reader:
                return await _send(request, reader)
        except BusyError:
            text = "too many pages are open\n"
            return web.Response(status=503, text=text, headers={"Retry-After": "5"})

    return handle


async def _send(request: web.Request, reader: Reader) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: "text/event-stream",
            "X-Accel-Buffering": "no",  # a proxy must not collect it
        }
    )
    _give_up_soon(request.transport)
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await response.prepare(request)
            await response.write(b"retry: %d\n\n" % _AGAIN_MS)
        while frames := await reader.next():
            lines = b"".join(b"event: frame\ndata: %b\n\n" % frame for frame in frames)
            for start in range(0, len(lines), _CHUNK_BYTES):
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await response.write(lines[start : start + _CHUNK_BYTES])
    except (ConnectionError, TimeoutError) as error:
        _log.debug("page.lost", reason=type(error).__name__)
        if request.transport is not None:
            request.transport.abort()  # what waits in it is for nobody
    return response


def _give_up_soon(transport: asyncio.BaseTransport | None) -> None:
    """Have the system break the connection when nothing is acknowledged for long.

    Else a telephone that left the building keeps its place for a quarter of an hour.
    """
    found = None if transport is None else transport.get_extra_info("socket")
    if found is not None and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux has it
        milliseconds = int(SEND_TIMEOUT_S * 1000)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def _query(request: web.Request) -> Query:
    return list(request.query.items())


def _languages(request: web.Request) -> str:
    return request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
