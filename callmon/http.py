"""The HTTP server: it answers scrapes, probes and people.

It is protected by ``web-config.yml`` (see ``callmon.webconfig``). What it shows and does
comes from ``Routes``.
"""

import asyncio
import dataclasses
import html
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import structlog
from aiohttp import hdrs, web

from callmon.basic_auth import BasicAuth
from callmon.clock import SECOND, Clock, Micros
from callmon.errors import CallmonError, ConfigError
from callmon.http_pages import STREAM_PATH, Site, add_pages
from callmon.sinks.prometheus import Page
from callmon.webconfig import WebConfig, load_certificate, load_web_config, tls_context

__all__ = ["HttpServer", "Routes"]

_log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 64 * 1024
"""Of a request: nothing we take is larger."""
MAX_REQUESTS = 64
"""At once: a few Prometheus servers and a room of browsers. More are told to come again.
Pages that stay open are counted by themselves (``callmon.wallboard.hub``)."""
REFRESH: Micros = 10 * SECOND
"""How often the files of web-config.yml are looked at."""
SEND_TIMEOUT_S = 30.0
"""A reader so slow is none; Prometheus itself gives up after 10 s."""
SHUTDOWN_TIMEOUT_S = 3.0

_CHUNK_BYTES = 64 * 1024

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "callmon",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_OPEN_PATH = "/healthz"
"""Needs no password: a probe has none, and it tells nothing but that we live."""

_HISTORY_PATH = "api/v1/alerts/history"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """What the server shows and does."""

    metrics: Callable[[str, bool], Awaitable[Page]]  #: of an Accept header; gzip or not
    problems: Callable[[], Sequence[str]]  #: why we are not ready; empty: we are
    views: Mapping[str, Callable[[], object]]  #: JSON below /api/v1/
    reload: Callable[[], Awaitable[Sequence[str]]]  #: its mistakes; empty: it is done
    debug: Callable[[str], object | None]  #: JSON of a feed; None: there is no such feed
    site: Site  #: the wallboard
    history: Callable[[Mapping[str, str]], Awaitable[object]]
    """JSON of former alerts, by the parameters of the address. A ``ValueError`` says what is
    wrong with those, a ``CallmonError`` why there is no answer."""


class HttpServer:
    """Serves ``Routes`` on one address."""

    def __init__(
        self,
        routes: Routes,
        clock: Clock,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        web_config: Path | None = None,
    ) -> None:
        self._routes = routes
        self._clock = clock
        self._host = host
        self._port = port
        self._file = web_config
        self._config = WebConfig()
        self._auth = BasicAuth({})
        self._tls: ssl.SSLContext | None = None
        self._signature: object = None
        self._runner: web.AppRunner | None = None
        self._requests = 0

    @property
    def address(self) -> str:
        """Return the URL that the server answers at, once it is started."""
        if self._runner is None or not self._runner.addresses:
            return ""
        host, port = self._runner.addresses[0][:2]
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def run(self) -> None:
        """Serve until cancelled, taking up changed certificates and users."""
        await self.start()
        try:
            while True:
                await self._clock.sleep(REFRESH)
                await self.refresh()
        finally:
            await self.stop()

    async def start(self) -> None:
        """Bind the address and answer.

        Raises:
            ConfigError: web-config.yml or a file it names is wrong, or the address is taken.
        """
        if self._file is not None:
            self._config, self._tls, self._signature = await asyncio.to_thread(
                _read, self._file
            )
            self._auth = BasicAuth(self._config.users)
        runner = web.AppRunner(
            self._application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port, ssl_context=self._tls)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigError(
                [f"server.listen: cannot listen on {self._host}:{self._port}: {error.strerror}"]
            ) from error
        self._runner = runner

    async def refresh(self) -> None:
        """Take up new users and a new certificate; a file that is wrong changes nothing."""
        if self._file is None:
            return
        if await asyncio.to_thread(_signature, self._file, self._config) == self._signature:
            return
        try:
            config, tls, self._signature = await asyncio.to_thread(_read, self._file)
            self._take(config, tls)
        except ConfigError as error:
            self._signature = await asyncio.to_thread(_signature, self._file, self._config)
            _log.warning("http.config_refused", error=str(error), path=str(self._file))
        else:
            self._routes.site.hang_up()  # who looks on may be somebody who no longer may
            _log.info("http.config_reloaded", path=str(self._file))

    def _take(self, config: WebConfig, tls: ssl.SSLContext | None) -> None:
        if (tls is None) != (self._tls is None):
            raise ConfigError([f"{self._file}: TLS goes on or off only by a restart"])
        if self._tls is not None and config.tls is not None:
            # Proven good in the thread just now. In the loop, because OpenSSL does not
            # allow a change while another thread shakes hands.
            load_certificate(self._tls, config.tls)
        self._config = config
        self._auth = BasicAuth(config.users)

    async def stop(self) -> None:
        """Answer what was asked and close."""
        if self._runner is not None:
            self._routes.site.hang_up()  # else each open page would be waited for
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._guard])
        application.on_response_prepare.append(self._add_headers)
        routes = application.router
        add_pages(routes, self._routes.site)
        routes.add_get("/api/v1/", self._index)
        routes.add_get("/metrics", self._metrics)
        routes.add_get(_OPEN_PATH, self._alive)
        routes.add_get("/readyz", self._ready)
        routes.add_get("/api/v1/{view}", self._view)
        routes.add_get(f"/{_HISTORY_PATH}", self._history)
        routes.add_get("/-/debug/{feed}", self._debug)
        routes.add_post("/-/reload", self._reload)
        return application

    async def _add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = _HEADERS["Server"]  # the framework has set its own
        for name, value in self._config.headers.items():
            response.headers[name] = value

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who may come in, and not too many at once."""
        if request.path == STREAM_PATH:
            return await self._refused(request) or await handler(request)
        if self._requests >= MAX_REQUESTS:
            return _refusal(503, "too many requests at once", {"Retry-After": "1"})
        self._requests += 1
        try:
            refused = await self._refused(request)
            return await handler(request) if refused is None else refused
        finally:
            self._requests -= 1

    async def _refused(self, request: web.Request) -> web.Response | None:
        if request.path == _OPEN_PATH:
            return None
        if not _is_allowed_client(request, self._config):
            return _refusal(403, "client certificate of none of client_allowed_sans")
        if self._config.users:
            header = request.headers.get(hdrs.AUTHORIZATION, "")
            verdict = await self._auth.verdict(header)
            if verdict is None:
                return _refusal(503, "too many passwords to check", {"Retry-After": "1"})
            if not verdict:
                challenge = {"WWW-Authenticate": 'Basic realm="callmon", charset="UTF-8"'}
                return _refusal(401, "user and password required", challenge)
        if request.path.startswith("/-/"):
            return self._control_refused(request)
        return None

    def _control_refused(self, request: web.Request) -> web.Response | None:
        """Keep strangers and foreign web pages from what changes or reveals things."""
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return _refusal(403, "not from another site's page")
        known = bool(self._config.users) or bool(_peer_certificate(request))
        if known or _is_loopback(request.remote):
            return None
        return _refusal(403, "without users in web-config.yml: from this machine only")

    async def _index(self, _request: web.Request) -> web.Response:
        paths = ["", "metrics", "healthz", "readyz", "api/v1/board"]
        paths += [*(f"api/v1/{view}" for view in self._routes.views), _HISTORY_PATH]
        links = map(html.escape, paths)
        items = "".join(f'<li><a href="../../{path}">/{path}</a></li>' for path in links)
        text = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f"<title>callmon</title></head><body><h1>callmon</h1><ul>{items}</ul></body></html>"
        )
        return web.Response(text=text, content_type="text/html")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        accepted = request.headers.get(hdrs.ACCEPT_ENCODING, "")
        content = await self._routes.metrics(
            request.headers.get(hdrs.ACCEPT, ""), _accepts_gzip(accepted)
        )
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: content.content_type})
        response.headers[hdrs.VARY] = "Accept, Accept-Encoding"
        if content.encoding is not None:
            response.headers[hdrs.CONTENT_ENCODING] = content.encoding
        response.content_length = sum(map(len, content.parts))
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await response.prepare(request)
            if request.method != hdrs.METH_HEAD:
                for chunk in _chunks(content.parts):
                    await response.write(chunk)
            await response.write_eof()
        return response

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _request: web.Request) -> web.Response:
        problems = self._routes.problems()
        if problems:
            return _refusal(503, "\n".join(problems))
        return web.Response(text="ready\n")

    async def _view(self, request: web.Request) -> web.Response:
        view = self._routes.views.get(request.match_info["view"])
        return _refusal(404, "no such view") if view is None else _json(view())

    async def _history(self, request: web.Request) -> web.Response:
        parameters = dict(request.query)
        if len(parameters) < len(request.query):
            return _refusal(400, "expected each parameter once")
        try:
            return _json(await self._routes.history(parameters))
        except ValueError as error:
            return _refusal(400, str(error))
        except CallmonError as error:
            return _refusal(503, str(error))

    async def _debug(self, request: web.Request) -> web.Response:
        found = self._routes.debug(request.match_info["feed"])
        return _refusal(404, "no such feed") if found is None else _json(found)

    async def _reload(self, _request: web.Request) -> web.Response:
        mistakes = await self._routes.reload()
        if mistakes:
            return _refusal(400, "\n".join(mistakes))
        return web.Response(text="reloaded\n")


def _read(file: Path) -> tuple[WebConfig, ssl.SSLContext | None, object]:
    config = load_web_config(file)
    signature = _signature(file, config)
    return config, None if config.tls is None else tls_context(config.tls), signature


def _signature(file: Path, config: WebConfig) -> object:
    """Return what differs when one of the files was written or replaced."""
    files = [file]
    if config.tls is not None:
        files += [config.tls.cert_file, config.tls.key_file]
    found: list[tuple[int, int, int] | None] = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def _refusal(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=headers)


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _accepts_gzip(accepted: str) -> bool:
    for choice in accepted.lower().split(","):
        name, _, quality = choice.replace(" ", "").partition(";q=")
        if name in {"gzip", "*"}:
            return quality not in {"0", "0.0", "0.00", "0.000"}
    return False


def _chunks(parts: Iterable[bytes]) -> Iterable[bytes]:
    waiting: list[bytes] = []
    length = 0
    for part in parts:
        waiting.append(part)
        length += len(part)
        if length >= _CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, length = [], 0
    yield b"".join(waiting)


def _peer_certificate(request: web.Request) -> Mapping[str, object]:
    certificate = request.get_extra_info("peercert")
    return certificate if isinstance(certificate, dict) else {}


def _is_allowed_client(request: web.Request, config: WebConfig) -> bool:
    if config.tls is None or not config.tls.client_allowed_sans:
        return True
    names = _peer_certificate(request).get("subjectAltName", ())
    if not isinstance(names, tuple):
        return False
    return any(value in config.tls.client_allowed_sans for _, value in names)


def _is_loopback(remote: str | None) -> bool:
    try:
        return ipaddress.ip_address(remote or "").is_loopback
    except ValueError:
        return False
