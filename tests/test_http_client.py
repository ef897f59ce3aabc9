"""Tests of the HTTP client: every failure says whether the request may have arrived."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from callmon import http_client
from callmon.clock import SECOND
from callmon.errors import ConfigError, SinkError, SinkReason
from callmon.http_client import AiohttpClient, client_tls
from callmon.sinks.base import HttpClient, HttpResponse

pytestmark = pytest.mark.anyio

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def a_server(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Run a server whose every path is answered by *answer*; yield its address."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    scheme = "http" if tls is None else "https"
    try:
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def echo(request: web.Request) -> web.Response:
    """Tell what was asked."""
    headers = [request.headers.get(name, "-") for name in ("Authorization", "Content-Type")]
    text = " ".join([request.method, request.path, *headers, await request.text()])
    return web.Response(status=202, text=text)


async def failure(client: HttpClient, address: str) -> SinkError:
    """Return how a request fails."""
    with pytest.raises(SinkError) as caught:
        await client.request("POST", address, json=b"[]")
    return caught.value


async def test_a_request_arrives_as_it_was_meant() -> None:
    """Method, path, body, its type and who we are; any status is an answer."""
    async with (
        a_server(echo) as address,
        AiohttpClient(timeout=30 * SECOND, user=("ann", "客")) as client,
    ):
        posted = await client.request("POST", f"{address}/api", json=b"[1]")
        got = await client.request("GET", f"{address}/api")

    token = "Basic YW5uOuWuog=="
    assert HttpResponse(202, f"POST /api {token} application/json [1]".encode()) == posted
    assert HttpResponse(202, f"GET /api {token} - ".encode()) == got


async def test_a_redirect_is_an_answer() -> None:
    """Alerts and passwords do not follow where somebody else points."""

    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "http://elsewhere.invalid/"})

    async with a_server(redirect) as address, AiohttpClient(timeout=30 * SECOND) as client:
        assert 307 == (await client.request("POST", address, json=b"[]")).status


async def test_nobody_there_is_unreachable() -> None:
    """No connection, no name: the request certainly never left, and may be tried again."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with AiohttpClient(timeout=30 * SECOND) as client:
            refused = await failure(client, f"http://127.0.0.1:{port}")

    assert (SinkReason.UNREACHABLE, True) == (refused.reason, refused.retry)


async def test_no_address_at_all_is_not_tried_again() -> None:
    """Only another configuration helps."""
    async with AiohttpClient(timeout=30 * SECOND) as client:
        wrong = await failure(client, "http://")

    assert (SinkReason.UNREACHABLE, False) == (wrong.reason, wrong.retry)


async def test_silence_is_a_timeout() -> None:
    """The request may have been taken."""
    never = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        if request.method == "POST":
            await never.wait()
        return web.Response()

    async with a_server(silent) as address, AiohttpClient(timeout=SECOND) as client:
        await client.request("GET", address)  # else a busy machine may yet be connecting
        late = await failure(client, address)
        never.set()

    assert SinkReason.TIMEOUT == late.reason


async def test_a_connection_that_breaks_after_sending_is_a_timeout() -> None:
    """The request may have been taken."""

    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with a_server(hang_up) as address, AiohttpClient(timeout=30 * SECOND) as client:
        broken = await failure(client, address)

    assert SinkReason.TIMEOUT == broken.reason


async def test_an_endless_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer cannot grow our memory."""
    monkeypatch.setattr(http_client, "MAX_ANSWER_BYTES", 1_000)

    async def long(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1_001)

    async with a_server(long) as address, AiohttpClient(timeout=30 * SECOND) as client:
        too_long = await failure(client, address)

    assert SinkReason.FAILED == too_long.reason


async def test_only_trusted_servers_are_spoken_to(tmp_path: Path) -> None:
    """By the system's trust a private certificate is refused; by its authority it is good."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("alerts.example").configure_cert(tls)
    trusted = client_tls(ca_file=tmp_path / "authority.pem")
    async with a_server(echo, tls) as address:
        async with AiohttpClient(timeout=30 * SECOND) as client:
            strange = await failure(client, address)
        async with AiohttpClient(timeout=30 * SECOND, tls=trusted) as client:
            misnamed = await failure(client, address)
        async with AiohttpClient(
            timeout=30 * SECOND, tls=trusted, server_name="alerts.example"
        ) as client:
            good = await client.request("GET", address)
        blind = client_tls(insecure_skip_verify=True)
        async with AiohttpClient(timeout=30 * SECOND, tls=blind) as client:
            unverified = await client.request("GET", address)

    assert [SinkReason.UNREACHABLE] * 2 == [strange.reason, misnamed.reason]
    assert [202, 202] == [good.status, unverified.status]


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    """The operator learns which ones."""
    (tmp_path / "client.pem").write_text("nothing")

    with pytest.raises(ConfigError, match=r"client\.pem: expected PEM files that fit"):
        client_tls(cert_file=tmp_path / "client.pem")
