"""Tests of the HTTP server, over loopback, with and without TLS and passwords."""

import asyncio
import base64
import contextlib
import gzip
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import bcrypt
import msgspec
import pytest
import trustme

from callmon import http
from callmon.clock import Micros
from callmon.errors import CallmonError, ConfigError
from callmon.http import REFRESH, HttpServer, Routes
from callmon.sinks.prometheus import Page
from callmon.testing import ManualClock
from tests.walls import Wall

pytestmark = pytest.mark.anyio

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
ANN = {"Authorization": "Basic " + base64.b64encode(b"ann:secret").decode()}
CERTIFIED = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
BODY = b"# HELP up Up.\nup 1\n" * 9_000


class Daemon:
    """What stands behind the server."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.mistakes: list[str] = []
        self.reloads = 0
        self.asked: list[tuple[str, bool]] = []
        self.coming: asyncio.Queue[str] = asyncio.Queue()
        self.wall = Wall()
        self.held = asyncio.Event()
        self.held.set()

    async def metrics(self, accept: str, zipped: bool) -> Page:
        """Return a page in three parts."""
        self.asked.append((accept, zipped))
        self.coming.put_nowait(accept)
        await self.held.wait()
        body = gzip.compress(BODY) if zipped else BODY
        parts = (body[:10], body[10:100_000], body[100_000:])
        encoding = "gzip" if zipped else None
        return Page(content_type="text/plain; version=0.0.4", encoding=encoding, parts=parts)

    async def reload(self) -> list[str]:
        """Count it and return the mistakes."""
        self.reloads += 1
        return self.mistakes

    async def history(self, parameters: Mapping[str, str]) -> object:
        """Return the parameters, or what a wrong one and a failed disk come to."""
        if "wrong" in parameters:
            raise ValueError("unknown parameter 'wrong'")
        if "disk" in parameters:
            raise CallmonError("journal.db: no journal yet")
        return msgspec.Raw(msgspec.json.encode(dict(parameters)))

    def routes(self) -> Routes:
        """Return everything as the server wants it."""
        return Routes(
            metrics=self.metrics,
            problems=lambda: self.problems,
            views={"queues": lambda: {"queues": [{"name": "客服"}]}},
            reload=self.reload,
            debug=lambda feed: {"feed": feed} if feed == "pbx" else None,
            history=self.history,
            site=self.wall,
        )


class Site:
    """A running server, and a way to ask it."""

    def __init__(self, server: HttpServer, daemon: Daemon, clock: ManualClock) -> None:
        self.server = server
        self.daemon = daemon
        self.clock = clock

    async def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Return status, raw body and headers of an answer."""
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                method,
                self.server.address + path,
                headers=headers,
                ssl=tls or True,
                server_hostname="localhost" if tls else None,
            ) as response,
        ):
            return response.status, await response.read(), response.headers


@contextlib.asynccontextmanager
async def a_site(web_config: Path | None = None) -> AsyncIterator[Site]:
    """Run a server on a free port."""
    daemon, clock = Daemon(), ManualClock()
    server = HttpServer(daemon.routes(), clock, web_config=web_config)
    await server.start()
    try:
        yield Site(server, daemon, clock)
    finally:
        await server.stop()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Run a server without TLS and passwords."""
    async with a_site() as running:
        yield running


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """Write a web-config.yml with one user."""
    file = tmp_path / "web-config.yml"
    file.write_text(f"basic_auth_users: {{ann: {HASH}}}\n")
    return file


@pytest.fixture
def authority() -> trustme.CA:
    """Make a certificate authority."""
    return trustme.CA()


@pytest.fixture
def certified(tmp_path: Path, authority: trustme.CA) -> Path:
    """Write a web-config.yml with a certificate."""
    issue(authority, tmp_path)
    file = tmp_path / "web-config.yml"
    file.write_text(CERTIFIED)
    return file


def issue(authority: trustme.CA, folder: Path) -> None:
    """Write a new certificate and its key."""
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(folder / "server.key")
    issued.cert_chain_pems[0].write_to_path(folder / "server.crt")


def rewrite(file: Path, text: str) -> None:
    """Change a file."""
    file.write_text(text)


def trust(authority: trustme.CA) -> ssl.SSLContext:
    """Return a client's context."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_metrics_come_as_they_are_asked_for(site: Site) -> None:
    """The Accept header is passed on, the body arrives whole, with its length and type."""
    accept = {"Accept": "application/openmetrics-text", "Accept-Encoding": "identity"}

    status, body, headers = await site.ask("/metrics", headers=accept)

    assert (200, BODY) == (status, body)
    assert [("application/openmetrics-text", False)] == site.daemon.asked
    assert "text/plain; version=0.0.4" == headers["Content-Type"]
    assert str(len(BODY)) == headers["Content-Length"]


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("br", False),
    ],
)
async def test_gzip_is_for_those_who_take_it(site: Site, accepted: str, zipped: bool) -> None:
    """Prometheus asks for it; whoever does not gets plain text."""
    _, body, headers = await site.ask("/metrics", headers={"Accept-Encoding": accepted})

    assert zipped is (headers.get("Content-Encoding") == "gzip")
    assert BODY == (gzip.decompress(body) if zipped else body)


async def test_a_head_request_has_no_body(site: Site) -> None:
    """It has the headers of the answer and nothing else."""
    status, body, headers = await site.ask("/metrics", "HEAD")

    assert (200, b"") == (status, body)
    assert int(headers["Content-Length"]) > 0


async def test_probes_tell_alive_from_ready(site: Site) -> None:
    """A daemon that waits for its source lives, and is not ready; it says why."""
    site.daemon.problems = ["feed pbx: no such file"]

    alive, _, _ = await site.ask("/healthz")
    ready, why, _ = await site.ask("/readyz")
    site.daemon.problems = []
    later, _, _ = await site.ask("/readyz")

    assert (200, 503, b"feed pbx: no such file\n", 200) == (alive, ready, why, later)


async def test_views_are_json(site: Site) -> None:
    """What the daemon shows arrives as UTF-8; what it does not is 404."""
    status, body, headers = await site.ask("/api/v1/queues")

    assert (200, '{"queues":[{"name":"客服"}]}'.encode()) == (status, body)
    assert headers["Content-Type"].startswith("application/json")
    assert 404 == (await site.ask("/api/v1/nothing"))[0]
    assert 404 == (await site.ask("/nothing"))[0]


async def test_former_alerts_are_asked_for_by_parameters(site: Site) -> None:
    """A wrong one is the asker's mistake, a disk that fails is ours; each in a sentence."""
    asked = await site.ask("/api/v1/alerts/history?queue=%E5%AE%A2%E6%9C%8D&since=24h")
    twice = await site.ask("/api/v1/alerts/history?queue=a&queue=b")
    wrong = await site.ask("/api/v1/alerts/history?wrong=1")
    failed = await site.ask("/api/v1/alerts/history?disk=1")

    assert (200, '{"queue":"客服","since":"24h"}'.encode()) == asked[:2]
    assert "application/json" == asked[2]["Content-Type"].partition(";")[0]
    assert (400, b"expected each parameter once\n") == twice[:2]
    assert (400, b"unknown parameter 'wrong'\n") == wrong[:2]
    assert (503, b"journal.db: no journal yet\n") == failed[:2]


async def test_the_page_of_the_api_leads_to_the_others(site: Site) -> None:
    """Whoever types the address finds the rest, also behind a proxy that adds a prefix."""
    _, body, headers = await site.ask("/api/v1/")

    assert headers["Content-Type"].startswith("text/html")
    for link in (b"", b"metrics", b"healthz", b"readyz", b"api/v1/board", b"api/v1/queues"):
        assert b'<a href="../../' + link + b'">' in body


async def test_the_wallboard_is_what_one_sees_first(site: Site) -> None:
    """With a policy of its own, and the safe headers of all answers."""
    status, body, headers = await site.ask("/")

    assert (200, True) == (status, body.startswith(b"<!doctype html>"))
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "no-store" == headers["Cache-Control"]


async def test_open_pages_take_no_place_from_scrapes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are counted by themselves: a room of screens does not lock Prometheus out."""
    monkeypatch.setattr(http, "MAX_REQUESTS", 1)
    async with (
        aiohttp.ClientSession() as session,
        session.get(site.server.address + "/events") as stream,
    ):
        await stream.content.readuntil(b"\n\n")
        assert 200 == (await site.ask("/metrics"))[0]


async def test_a_stop_waits_for_no_open_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams are ended first."""
    monkeypatch.setattr(http, "SHUTDOWN_TIMEOUT_S", 120.0)
    async with (
        a_site() as site,
        aiohttp.ClientSession() as session,
        session.get(site.server.address + "/events") as stream,
    ):
        await stream.content.readuntil(b"\n\n")
        async with asyncio.timeout(30):
            await site.server.stop()
        assert b"" == await stream.content.read()


async def test_a_reload_answers_with_its_mistakes(site: Site) -> None:
    """200 when it is done, 400 and every mistake when it is refused; GET does nothing."""
    good, _, _ = await site.ask("/-/reload", "POST")
    site.daemon.mistakes = ["a.yml:1:1: wrong", "a.yml:2:1: wrong, too"]
    bad, why, _ = await site.ask("/-/reload", "POST")
    get, _, _ = await site.ask("/-/reload")

    assert (200, 400, 405) == (good, bad, get)
    assert b"a.yml:1:1: wrong\na.yml:2:1: wrong, too\n" == why
    assert 2 == site.daemon.reloads


async def test_a_feed_can_be_looked_into(site: Site) -> None:
    """By its name; another name is 404."""
    assert (200, b'{"feed":"pbx"}') == (await site.ask("/-/debug/pbx"))[:2]
    assert 404 == (await site.ask("/-/debug/else"))[0]


async def test_a_foreign_page_cannot_reload(site: Site) -> None:
    """A browser says from whose page a request comes."""
    status, _, _ = await site.ask("/-/reload", "POST", {"Sec-Fetch-Site": "cross-site"})

    assert (403, 0) == (status, site.daemon.reloads)


async def test_strangers_cannot_reload(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without users, control is for this machine; the figures are for everybody."""
    monkeypatch.setattr(http, "_is_loopback", lambda _remote: False)

    assert 403 == (await site.ask("/-/reload", "POST"))[0]
    assert 403 == (await site.ask("/-/debug/pbx"))[0]
    assert 200 == (await site.ask("/metrics"))[0]


@pytest.mark.parametrize("path", ["/", "/metrics", "/nothing", "/-/reload"])
async def test_every_answer_has_the_safe_headers(site: Site, path: str) -> None:
    """Errors, too; and no answer tells which software in which version."""
    _, _, headers = await site.ask(path)

    assert "nosniff" == headers["X-Content-Type-Options"]
    assert "DENY" == headers["X-Frame-Options"]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "callmon" == headers["Server"]


async def test_too_many_requests_are_turned_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cap holds, and what was let in is answered."""
    monkeypatch.setattr(http, "MAX_REQUESTS", 2)
    site.daemon.held.clear()

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        slow = [group.create_task(site.ask("/metrics")) for _ in range(2)]
        for _ in slow:
            await site.daemon.coming.get()
        refused, _, headers = await site.ask("/metrics")
        site.daemon.held.set()

    assert (503, "1") == (refused, headers["Retry-After"])
    assert [200, 200] == [task.result()[0] for task in slow]


async def test_users_need_their_password(users: Path) -> None:
    """Everywhere but at /healthz, and reload is open to them from anywhere."""
    async with a_site(users) as site:
        without, _, challenge = await site.ask("/metrics")
        wrong, _, _ = await site.ask(
            "/metrics", headers={"Authorization": ANN["Authorization"][:-4] + "AAAA"}
        )
        right, _, _ = await site.ask("/metrics", headers=ANN)
        unknown, _, _ = await site.ask("/nothing")
        alive, _, _ = await site.ask("/healthz")

    assert (401, 401, 200, 401, 200) == (without, wrong, right, unknown, alive)
    assert challenge["WWW-Authenticate"].startswith("Basic realm=")


async def test_a_flood_of_guesses_gets_503(
    users: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says so instead of letting them queue."""
    monkeypatch.setattr("callmon.basic_auth.MAX_PASSWORD_CHECKS", 0)
    async with a_site(users) as site:
        status, _, headers = await site.ask("/metrics", headers=ANN)

    assert (503, "1") == (status, headers["Retry-After"])


async def test_new_users_are_taken_up(users: Path) -> None:
    """The file is looked at now and then; one that is wrong changes nothing."""
    async with a_site(users) as site:
        rewrite(users, "basic_auth_users: {ann: wrong}\n")
        await site.server.refresh()
        kept, _, _ = await site.ask("/metrics", headers=ANN)
        rewrite(users, f"basic_auth_users: {{bob: {HASH}}}\n")
        await site.server.refresh()
        gone, _, _ = await site.ask("/metrics", headers=ANN)

    assert (200, 401) == (kept, gone)


async def test_tls_is_spoken_and_old_versions_are_not(
    certified: Path, authority: trustme.CA
) -> None:
    """HTTPS with the configured certificate, from the configured version on; no HTTP."""
    rewrite(certified, CERTIFIED.replace("}", ", min_version: TLS13}"))
    old = trust(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with a_site(certified) as site:
        good, _, _ = await site.ask("/metrics", tls=trust(authority))
        with pytest.raises(aiohttp.ClientConnectorError):
            await site.ask("/metrics", tls=old)
        with pytest.raises(aiohttp.ClientError):
            await plain_request(site.server.address.replace("https", "http"))

    assert 200 == good


async def plain_request(address: str) -> None:
    """Ask without TLS."""
    async with aiohttp.ClientSession() as session, session.get(address):
        pass


async def test_a_renewed_certificate_is_served_without_a_restart(
    certified: Path, authority: trustme.CA
) -> None:
    """New connections see it; a certificate without its key does not replace the old one."""
    other = trustme.CA()
    async with a_site(certified) as site:
        other.issue_cert("localhost").cert_chain_pems[0].write_to_path(
            certified.parent / "server.crt"
        )
        await site.server.refresh()
        half, _, _ = await site.ask("/metrics", tls=trust(authority))
        issue(other, certified.parent)
        await site.server.refresh()
        whole, _, _ = await site.ask("/metrics", tls=trust(other))
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await site.ask("/metrics", tls=trust(authority))

    assert (200, 200) == (half, whole)


async def test_tls_is_not_switched_off_by_a_changed_file(
    certified: Path, authority: trustme.CA
) -> None:
    """Whoever relied on it keeps it until a restart, and the passwords with it."""
    rewrite(certified, f"{CERTIFIED}basic_auth_users: {{ann: {HASH}}}\n")
    async with a_site(certified) as site:
        rewrite(certified, "")
        await site.server.refresh()
        good, _, _ = await site.ask("/metrics", headers=ANN, tls=trust(authority))
        without, _, _ = await site.ask("/metrics", tls=trust(authority))

    assert (200, 401) == (good, without)


async def test_clients_can_be_asked_for_certificates(
    certified: Path, authority: trustme.CA
) -> None:
    """Only those with a certificate of the named authority and name come in."""
    clients = trustme.CA()
    clients.cert_pem.write_to_path(certified.parent / "clients.crt")
    rewrite(
        certified,
        "tls_server_config: {cert_file: server.crt, key_file: server.key,"
        " client_ca_file: clients.crt, client_auth_type: RequireAndVerifyClientCert,"
        " client_allowed_sans: [scraper.example]}\n",
    )
    known, stranger = trust(authority), trust(authority)
    clients.issue_cert("scraper.example").configure_cert(known)
    clients.issue_cert("other.example").configure_cert(stranger)
    async with a_site(certified) as site:
        good, _, _ = await site.ask("/metrics", tls=known)
        bad, _, _ = await site.ask("/metrics", tls=stranger)
        with pytest.raises(aiohttp.ClientError):
            await site.ask("/metrics", tls=trust(authority))

    assert (200, 403) == (good, bad)


async def test_a_taken_address_is_named() -> None:
    """The operator learns which address could not be had."""
    async with a_site() as site:
        port = int(site.server.address.rpartition(":")[2])
        second = HttpServer(site.daemon.routes(), ManualClock(), port=port)
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}: "):
            await second.start()


async def test_a_wrong_file_stops_the_start(tmp_path: Path) -> None:
    """Never open because the file that protects could not be read."""
    server = HttpServer(Daemon().routes(), ManualClock(), web_config=tmp_path / "none.yml")

    with pytest.raises(ConfigError, match=r"none\.yml: cannot be read"):
        await server.start()


class NoticedClock(ManualClock):
    """Tells when somebody has gone to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeping = asyncio.Event()

    async def sleep(self, delay: Micros) -> None:
        """Sleep, and say so."""
        self.sleeping.set()
        await super().sleep(delay)


async def test_it_runs_until_it_is_cancelled(users: Path) -> None:
    """``run`` starts, looks at its files now and then, and closes the port at the end."""
    daemon, clock = Daemon(), NoticedClock()
    server = HttpServer(daemon.routes(), clock, web_config=users)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.run())
        await clock.sleeping.wait()
        clock.sleeping.clear()
        before, _, _ = await Site(server, daemon, clock).ask("/metrics", headers=ANN)
        rewrite(users, f"basic_auth_users: {{bob: {HASH}}}\n")
        await clock.advance(REFRESH)
        await clock.sleeping.wait()
        after, _, _ = await Site(server, daemon, clock).ask("/metrics", headers=ANN)
        running.cancel()

    assert (200, 401, "") == (before, after, server.address)
