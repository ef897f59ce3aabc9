"""Connecting to an Asterisk and logging in: what is accepted, refused, and said about it."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
import trustme

from callmon.clock import SECOND
from callmon.errors import FeedReason
from callmon.feeds.settings import AmiLogin, AmiTls
from callmon.testing import ManualClock
from tests.feeds.ami_peer import SECRET, Desk, Pbx
from tests.feeds.desk import passing, until

pytestmark = pytest.mark.anyio


@pytest.fixture(name="pbx")
async def _pbx() -> AsyncIterator[Pbx]:
    async with Pbx(ManualClock()) as pbx:
        yield pbx


async def test_a_digest_logs_in_and_the_secret_stays_here(pbx: Pbx) -> None:
    """By default Asterisk gets a digest of the challenge and the secret."""
    async with Desk(pbx).seeing():
        login = pbx.last("Login")

    assert ("MD5", "callmon") == (login["AuthType"], login["Username"])
    assert "Secret" not in login
    assert "agent,call,system,dialplan" == login["Events"]


async def test_a_plain_login_sends_the_secret(pbx: Pbx) -> None:
    """Where the operator asks for it, the secret itself is sent, and no challenge asked for."""
    async with Desk(pbx, login=AmiLogin.PLAIN).seeing():
        assert SECRET == pbx.last("Login")["Secret"]

    assert 0 == pbx.count("Challenge")


@pytest.mark.parametrize("login", AmiLogin)
async def test_a_wrong_secret_is_not_tried_again_soon(pbx: Pbx, login: AmiLogin) -> None:
    """Whoever tries too often is shut out, and a password does not mend itself."""
    error = await Desk(pbx, login=login, secret="wrong").fails()

    assert (FeedReason.DENIED, False) == (error.reason, error.retry)
    assert "expected 'callmon' to be let in, found 'Authentication failed'" in str(error)
    assert "Asterisk's own log says" in str(error)


@pytest.mark.parametrize("message", ["Login Already In Use", "Asterisk is shutting down"])
async def test_what_will_pass_is_waited_for(pbx: Pbx, message: str) -> None:
    """A half-open session of ours ends, and an Asterisk that stops comes back."""
    pbx.login_answer = {"Response": "Error", "Message": message}

    error = await Desk(pbx).fails()

    assert (FeedReason.DENIED, True) == (error.reason, error.retry)


async def test_the_secret_is_in_no_error_whatever_the_other_side_says(pbx: Pbx) -> None:
    """An answer that repeats the secret, or writes to terminals, is shown without that."""
    pbx.login_answer = {"Response": "Error", "Message": f"no {SECRET}\x1b[2J" + "x" * 500}

    with structlog.testing.capture_logs() as logs:
        desk = Desk(pbx, login=AmiLogin.PLAIN)
        error = await desk.fails()

    shown = f"{error} {error.__cause__} {logs} {desk.settings} {desk.said}"
    assert SECRET not in shown
    assert "no <secret>?[2J" in str(error)
    assert len(str(error)) < 300


async def test_actions_are_named_so_that_nobody_can_guess_them(pbx: Pbx) -> None:
    """Who can write into a list must not know what it is called."""
    async with Desk(pbx).seeing():
        await until(lambda: pbx.count("Ping"))
        names = [action["ActionID"] for action in pbx.actions]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[0-9a-f]{32}-\d+", name) for name in names)
    assert len(names) == len({name.partition("-")[0] for name in names})


async def test_the_greeting_may_come_in_pieces(pbx: Pbx) -> None:
    """A connection may deliver byte by byte."""
    banner, pbx.banner = pbx.banner, b""
    desk = Desk(pbx)

    async with desk.running():
        await until(lambda: pbx._writers)
        for byte in banner:
            pbx.send(bytes([byte]))
            await asyncio.to_thread(lambda: None)
        await until(lambda: desk.said)

    assert [(True, f"127.0.0.1:{pbx.port}: Asterisk Call Manager/11.0.0 is being heard")] == (
        desk.said
    )


@pytest.mark.parametrize(
    ("banner", "found"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "expected 'Asterisk Call Manager/'"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "expected 'Asterisk Call Manager/'"),
        (b"x" * 1000, "expected 'Asterisk Call Manager/'"),
        (b"Asterisk Call Manager/1.3\r\n", "expected AMI 2 or later (Asterisk 12)"),
        (b"Asterisk Call Manager/\r\n", "expected AMI 2 or later (Asterisk 12)"),
    ],
)
async def test_what_is_no_asterisk_we_know_is_not_spoken_to(
    pbx: Pbx, banner: bytes, found: str
) -> None:
    """A wrong port or an Asterisk of old: nothing is sent there, only a person can help."""
    pbx.banner = banner

    error = await Desk(pbx).fails()

    assert found in str(error)
    assert str(error).startswith(f"127.0.0.1:{pbx.port}: ")
    assert (False, []) == (error.retry, pbx.actions)


async def test_an_old_asterisk_that_may_work_is_listened_to_with_a_warning(pbx: Pbx) -> None:
    """AMI 2 is Asterisk 12 and 13: the events are there, but nobody has tried."""
    pbx.banner = b"Asterisk Call Manager/2.10.6\r\n"

    with structlog.testing.capture_logs() as logs:
        async with Desk(pbx).seeing():
            pass

    assert ["feed.untested"] == [log["event"] for log in logs if log["log_level"] == "warning"]


@pytest.mark.parametrize(
    ("silent", "expected"),
    [
        ("", "a greeting (is it a port for TLS, or for HTTP?)"),
        ("Challenge", "an answer to Challenge"),
        ("Login", "an answer to Login"),
    ],
)
async def test_silence_is_borne_for_some_seconds(pbx: Pbx, silent: str, expected: str) -> None:
    """Each step has its time; then the connection is given up and tried anew."""
    pbx.silent = {silent}
    pbx.banner = pbx.banner if silent else b""
    desk = Desk(pbx)

    async with desk.running():
        await until(lambda: pbx.count(silent) if silent else pbx._writers)
        await passing(pbx.clock, 9 * SECOND)
        assert desk.failure is None
        await passing(pbx.clock, 7 * SECOND)
        error = await desk.failed()

    assert (FeedReason.LOST, True) == (error.reason, error.retry)
    assert f"expected {expected}, found none" in str(error)


async def test_a_refused_login_may_take_its_second(pbx: Pbx) -> None:
    """Asterisk sleeps before it says no; that is no silence."""
    pbx.silent = {"Login"}
    desk = Desk(pbx)

    async with desk.running():
        await until(lambda: pbx.count("Login"))
        await passing(pbx.clock, 2 * SECOND)
        pbx.send(pbx._error(pbx.last("Login"), "Authentication failed"))
        error = await desk.failed()

    assert FeedReason.DENIED == error.reason


async def test_a_connection_that_is_closed_at_once_says_so(pbx: Pbx) -> None:
    """Beyond authlimit Asterisk closes without a word."""
    desk = Desk(pbx)
    pbx.banner = b""

    async with desk.running():
        await until(lambda: pbx._writers)
        pbx.cut()
        error = await desk.failed()

    assert (FeedReason.LOST, True) == (error.reason, error.retry)
    assert "expected a greeting" in str(error)


async def test_a_port_where_nobody_is_says_so() -> None:
    """The Asterisk is down: that is normal, and tried again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pbx = Pbx(ManualClock())
    pbx.port = port

    error = await Desk(pbx).fails()

    assert (FeedReason.MISSING, True) == (error.reason, error.retry)
    assert f"127.0.0.1:{port}: expected a connection, found: Connection refused" == str(error)


@pytest.fixture(name="authority")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(name="secured")
async def _secured(authority: trustme.CA) -> AsyncIterator[Pbx]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pbx.example").configure_cert(context)
    async with Pbx(ManualClock(), context) as pbx:
        yield pbx


async def test_a_certificate_is_trusted_by_authority_and_name(
    secured: Pbx, authority: trustme.CA, tmp_path: Path
) -> None:
    """With both right everything goes over TLS."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    desk = Desk(secured, tls=AmiTls(ca_file=tmp_path / "ca.pem", server_name="pbx.example"))

    async with desk.seeing():
        secured.join(1)
        await until(desk.joined)

    assert 1 == secured.logins


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_of_somebody_else_is_not_trusted(
    secured: Pbx, authority: trustme.CA, tmp_path: Path, trusted: bool
) -> None:
    """Neither another name nor another authority will do; the secret is not sent."""
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    name = "other.example" if trusted else "pbx.example"

    error = await Desk(
        secured, tls=AmiTls(ca_file=tmp_path / "ca.pem", server_name=name)
    ).fails()

    assert FeedReason.DENIED == error.reason
    assert "the certificate is not trusted" in str(error)
    assert [] == secured.actions


async def test_any_certificate_is_trusted_when_asked_to(secured: Pbx) -> None:
    """For tests: TLS without a look at the certificate."""
    async with Desk(secured, tls=AmiTls(verify=False)).seeing():
        assert 1 == secured.logins


async def test_a_port_without_tls_is_told_from_one_with_it(pbx: Pbx) -> None:
    """TLS asked for and not found says just that."""
    error = await Desk(pbx, tls=AmiTls(verify=False)).fails()

    assert "expected TLS, found none" in str(error)
    assert "(is it the port without TLS?)" in str(error)


async def test_an_authority_that_cannot_be_read_is_named(pbx: Pbx, tmp_path: Path) -> None:
    """The file may have gone since the configuration was checked."""
    error = await Desk(pbx, tls=AmiTls(ca_file=tmp_path / "gone.pem")).fails()

    assert f"{tmp_path / 'gone.pem'}: expected certificates (PEM)" in str(error)
