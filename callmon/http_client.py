"""The HTTP client, with which sinks post.

It satisfies ``callmon.sinks.base.HttpClient``: every failure comes to a ``SinkError`` that
says whether the request can have been received.
"""

import base64
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import hdrs

from callmon.clock import SECOND, Micros
from callmon.errors import ConfigError, SinkError, SinkReason
from callmon.sinks.base import HttpResponse

__all__ = ["AiohttpClient", "client_tls"]

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Ten thousand alerts of an Alertmanager fit; more is not read into memory."""
MAX_CONNECTIONS = 8
"""To one server: a request at a time is the rule."""

_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def client_tls(
    *,
    ca_file: Path | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
    insecure_skip_verify: bool = False,
) -> ssl.SSLContext:
    """Return how a server is trusted. It reads files: not for the event loop.

    Raises:
        ConfigError: a file is missing or does not fit.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if cert_file is not None:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(cert_file, key_file, password="")
    except (OSError, ValueError) as error:
        files = ", ".join(str(file) for file in (ca_file, cert_file, key_file) if file)
        raise ConfigError([f"{files}: expected PEM files that fit: {error}"]) from error
    if insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class AiohttpClient:
    """One way to one server. Use it as an asynchronous context manager.

    Redirects and cookies are not followed. With *tls* None the system's trust counts;
    *server_name* is the name in the server's certificate, if it is not that of the URL.
    """

    def __init__(
        self,
        *,
        timeout: Micros,
        headers: Mapping[str, str] | None = None,
        user: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        seconds = timeout / SECOND
        # Half of it to connect, so that "never left" and "no answer" can be told apart.
        self._timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=seconds / 2)
        self._headers = {hdrs.USER_AGENT: "callmon", **(headers or {})}
        if user is not None:
            token = base64.b64encode(":".join(user).encode()).decode()
            self._headers[hdrs.AUTHORIZATION] = f"Basic {token}"
        self._tls = True if tls is None else tls
        self._server_name = server_name
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session; connections are made when they are needed."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            timeout=self._timeout,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self, method: str, url: str, *, json: bytes | None = None
    ) -> HttpResponse:
        """Send a request, *json* as its body, and return the answer of any status.

        Raises:
            SinkError: ``UNREACHABLE`` when the request certainly never left, ``TIMEOUT``
                when it may have been received, ``FAILED`` when the answer is too long.
        """
        if self._session is None:
            raise RuntimeError("expected an open client: use it by 'async with'")
        headers = None if json is None else {hdrs.CONTENT_TYPE: "application/json"}
        try:
            async with self._session.request(
                method,
                url,
                allow_redirects=False,
                data=json,
                headers=headers,
                server_hostname=self._server_name,
            ) as response:
                return HttpResponse(response.status, await _body(response))
        except aiohttp.InvalidURL as error:
            raise SinkError(
                SinkReason.UNREACHABLE, "expected an HTTP address", retry=False
            ) from error
        except _NEVER_LEFT as error:
            raise SinkError(SinkReason.UNREACHABLE, _wording(error)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SinkError(SinkReason.TIMEOUT, _wording(error)) from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise SinkError(
                SinkReason.FAILED, f"expected at most {MAX_ANSWER_BYTES} bytes of answer"
            )
    return bytes(body)


def _wording(error: Exception) -> str:
    """Say what happened. aiohttp's texts name host and port, never a password."""
    return str(error) or type(error).__name__
