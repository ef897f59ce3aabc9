"""The feed ``mqtt`` with real Mosquittos: nothing is lost, whatever ends in between."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import trustme

from callmon.clock import SECOND, SystemClock
from callmon.errors import FeedReason
from callmon.feeds.mqtt_session import MqttSession
from callmon.feeds.settings import MqttTls, MqttVersion
from callmon.secret import Secret
from tests.acceptance.peers import until
from tests.feeds.mqtt_peer import TOPIC, Desk, joined, settings
from tests.mosquitto import (
    NEWER,
    PROGRAMS,
    Mosquitto,
    access_control,
    mosquitto,
    password_file,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio]

VERSIONS = (MqttVersion.V5, MqttVersion.V311)
OPEN = "allow_anonymous true"
EVERYTHING_QUEUED = "max_queued_messages 0"
"""What docs/feeds/mqtt.md asks for: by default 1,000 are kept, and the rest is dropped."""


@pytest.fixture(name="which", params=PROGRAMS)
def _which(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(name="version", params=VERSIONS)
def _version(request: pytest.FixtureRequest) -> MqttVersion:
    version: MqttVersion = request.param
    return version


@pytest.fixture(name="broker")
async def _broker(tmp_path: Path, which: str) -> AsyncIterator[Mosquitto]:
    with mosquitto(tmp_path, which, [OPEN, EVERYTHING_QUEUED]) as broker:
        await broker.start()
        yield broker


def _desk(broker: Mosquitto, **more: Any) -> Desk:
    """Return a desk in real time."""
    ours = {
        name: more.pop(name) for name in list(more) if name not in {"memory", "commit_after"}
    }
    return Desk(settings(broker.port, **ours), SystemClock(), **more)


@asynccontextmanager
async def _publisher(broker: Mosquitto, **more: Any) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", broker.port, identifier="acd", **more) as client:
        client.pending_calls_threshold = 1_000_000
        yield client


async def _publish(broker: Mosquitto, numbers: Sequence[int], **more: Any) -> None:
    """Let callers join, each told once, and wait until the broker has them."""
    async with _publisher(broker, **more) as client:
        for number in numbers:
            await client.publish(TOPIC, joined(number), qos=1)


def _contacts(numbers: Sequence[int]) -> list[str]:
    return [f"c-{number}" for number in numbers]


def _acknowledged(broker: Mosquitto) -> int:
    return broker.log.count("Received PUBACK from callmon-1")


async def test_everything_arrives_once_and_in_order(
    broker: Mosquitto, version: MqttVersion
) -> None:
    """A plain day: as many acknowledgements as messages, and nothing said twice."""
    desk = _desk(broker, version=version)

    async with desk.seeing():
        await _publish(broker, range(500))
        await until(lambda: len(desk.contacts) == 500, 10, "all messages")
        await until(lambda: _acknowledged(broker) == 500, 10, "all acknowledgements")

    assert _contacts(range(500)) == desk.contacts
    assert 0 == desk.repeated
    assert 500 == _acknowledged(broker)


async def test_nothing_is_lost_while_the_feed_is_stopped(
    broker: Mosquitto, version: MqttVersion
) -> None:
    """The broker keeps it in the session, over a stop and a new start of callmon."""
    first = _desk(broker, version=version)
    async with first.seeing():
        await _publish(broker, range(5))
        await until(lambda: len(first.contacts) == 5, 10, "the first messages")
    await _publish(broker, range(5, 25))
    second = _desk(broker, version=version, memory=first.memory)

    async with second.seeing():
        await until(lambda: len(second.contacts) == 25, 10, "the messages of the stop")

    assert _contacts(range(25)) == second.contacts
    assert ([], 0) == (second.gaps, second.repeated)


async def test_a_lost_acknowledgement_brings_the_same_messages_again(
    broker: Mosquitto, version: MqttVersion
) -> None:
    """Durable, but the broker was not told: it sends them again, and they count once."""
    first = _desk(broker, version=version, commit_after=None)
    async with first.seeing():
        await _publish(broker, range(8))
        await until(lambda: len(first.contacts) == 8, 10, "the messages")
        broker.stop(signal.SIGKILL)
        await first.failed()
        first.commit()
    await broker.start()
    second = _desk(broker, version=version, memory=first.memory)

    async with second.seeing():
        await _publish(broker, [8])
        await until(lambda: len(second.contacts) == 9, 10, "one more message")

    assert _contacts(range(9)) == second.contacts
    assert second.repeated <= 8  # none where the broker had not saved them


async def test_a_crash_of_callmon_loses_nothing(
    broker: Mosquitto, version: MqttVersion
) -> None:
    """Twenty crashes with messages told, half of them durable, in the middle of a stream."""
    desk = _desk(broker, version=version, commit_after=0.02)
    async with desk.seeing():
        pass

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_publish(broker, range(2_000)))
        for _ in range(20):
            desk = _desk(broker, version=version, memory=desk.memory, commit_after=0.02)
            async with desk.running():
                await asyncio.sleep(0.05)
                desk.commit_after = None  # it does not live to see it
    desk = _desk(broker, version=version, memory=desk.memory)
    async with desk.running():
        await until(lambda: len(desk.contacts) >= 2_000, 20, "all messages")

    assert sorted(_contacts(range(2_000))) == sorted(desk.contacts)


async def test_a_restart_of_the_broker_loses_nothing(
    broker: Mosquitto, version: MqttVersion
) -> None:
    """It saves at its end what we have not acknowledged."""
    desk = _desk(broker, version=version, commit_after=None)
    async with desk.seeing():
        await _publish(broker, range(5))
        await until(lambda: len(desk.contacts) == 5, 10, "the messages")
        broker.stop()
        error = await desk.failed()
    assert FeedReason.LOST == error.reason
    assert error.retry
    await broker.start()

    async with desk.seeing():
        await _publish(broker, range(5, 10))
        await until(lambda: len(desk.contacts) == 10, 10, "the messages after it")
        await until(lambda: desk.repeated == 5, 10, "what was not acknowledged")

    assert (_contacts(range(10)), []) == (desk.contacts, desk.gaps)


async def test_a_killed_broker_that_has_saved_loses_nothing(
    broker: Mosquitto, version: MqttVersion
) -> None:
    """With ``autosave_interval`` it comes back as of then: the session is still there."""
    desk = _desk(broker, version=version)
    async with desk.seeing():
        await _publish(broker, range(5))
        await until(lambda: len(desk.contacts) == 5, 10, "the messages")
        saves = broker.log.count("Saving in-memory database")
        await until(
            lambda: broker.log.count("Saving in-memory database") > saves + 1, 10, "a save"
        )
        broker.stop(signal.SIGKILL)
        await desk.failed()
    await broker.start()

    async with desk.seeing():
        await _publish(broker, range(5, 10))
        await until(lambda: len(desk.contacts) == 10, 10, "the messages after it")

    assert [] == desk.gaps


async def test_a_broker_without_memory_is_a_gap(
    tmp_path: Path, which: str, version: MqttVersion
) -> None:
    """It has forgotten us: that is said, measured, and a finding."""
    with mosquitto(tmp_path, which, [OPEN, "persistence false"]) as broker:
        await broker.start()
        desk = _desk(broker, version=version)
        async with desk.seeing():
            await _publish(broker, [1])
            await until(lambda: bool(desk.contacts), 10, "the message")
            broker.stop(signal.SIGKILL)
            await desk.failed()
        await asyncio.sleep(0.5)
        await broker.start()

        async with desk.seeing():
            await until(lambda: bool(desk.gaps), 10, "the gap")

    ((length, reason),) = desk.gaps
    assert SECOND // 2 <= length <= 10 * SECOND
    assert "forgotten our session" in reason
    assert any("forgotten our session" in finding for finding in desk.accounts[-1])


async def test_two_callmons_with_one_identifier_are_named(
    broker: Mosquitto, which: str, version: MqttVersion
) -> None:
    """They throw each other out: a mistake that nobody finds without a word about it."""
    desk = _desk(broker, version=version)

    async with desk.seeing(), _desk(broker, version=version).running():
        error = await desk.failed()
    if error.retry:
        # A cut connection looks the same; it is hardly cut again at once.
        async with desk.seeing(), _desk(broker, version=version).running():
            error = await desk.failed()

    assert "client_id 'callmon-1'" in str(error)
    # Only in MQTT 5 it is certain, and 2.0.11 does not say it even there.
    assert error.retry or (version is MqttVersion.V5 and which == NEWER)


@pytest.mark.parametrize("version", MqttVersion)
async def test_more_than_a_thousand_messages_wait(
    broker: Mosquitto, version: MqttVersion
) -> None:
    """A weekend without us, with the setting that the manual asks for."""
    first = _desk(broker, version=version)
    async with first.seeing():
        pass
    await _publish(broker, range(3_000))
    second = _desk(broker, version=version, memory=first.memory, commit_after=0.01)

    async with second.running():
        await until(lambda: len(second.contacts) == 3_000, 30, "all messages")

    assert _contacts(range(3_000)) == second.contacts


def _under_way(log: str) -> int:
    """Return how many messages were under way to us at most, by what the broker logged."""
    now = most = 0
    for line in log.splitlines():
        now += "Sending PUBLISH to callmon-1" in line and ", q1," in line
        now -= "Received PUBACK from callmon-1" in line
        most = max(most, now)
    return most


async def test_the_window_is_kept(tmp_path: Path) -> None:
    """With 2.0.17 or later never more than ``receive_maximum`` messages are under way."""
    with mosquitto(tmp_path, NEWER, [OPEN, EVERYTHING_QUEUED]) as broker:
        await broker.start()
        desk = _desk(broker, receive_maximum=50, commit_after=0.02)

        async with desk.seeing():
            await _publish(broker, range(400))
            await until(lambda: len(desk.contacts) == 400, 20, "all messages")

    assert _contacts(range(400)) == desk.contacts
    assert 1 < _under_way(broker.log) <= 50


async def test_a_slow_consumer_discards_nothing(
    broker: Mosquitto, version: MqttVersion
) -> None:
    """Without room for a while: the messages wait, here or at the broker."""
    desk = _desk(broker, version=version, receive_maximum=100, commit_after=0.01)

    async with desk.seeing():
        desk.room.clear()
        await _publish(broker, range(1_500))
        await asyncio.sleep(1.5)
        assert len(desk.contacts) < 1_500
        desk.room.set()
        await until(lambda: len(desk.contacts) == 1_500, 30, "all messages")

    assert (_contacts(range(1_500)), 0) == (desk.contacts, desk.repeated)


async def test_a_full_inbox_lets_the_broker_wait(
    broker: Mosquitto, version: MqttVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no longer read from, and read on later: nothing is thrown away for memory."""
    paused: list[int] = []
    pause = MqttSession._pause

    def noted(session: MqttSession) -> None:
        paused.append(session.waiting)
        pause(session)

    monkeypatch.setattr(MqttSession, "_pause", noted)
    monkeypatch.setattr(MqttSession.__init__, "__defaults__", (20_000,))
    # A window that is no limit, also for a broker that keeps to it.
    desk = _desk(broker, version=version, receive_maximum=65_535, commit_after=0.01)

    async with desk.seeing():
        desk.room.clear()
        await asyncio.sleep(1.1)
        await _publish(broker, range(1_500))
        await asyncio.sleep(0.5)
        desk.room.set()
        await until(lambda: len(desk.contacts) == 1_500, 30, "all messages")

    assert (_contacts(range(1_500)), 0) == (desk.contacts, desk.repeated)
    assert paused or version is MqttVersion.V311
    assert all(waiting < 60 for waiting in paused)


async def test_garbage_stops_nothing(broker: Mosquitto, version: MqttVersion) -> None:
    """Whatever a publisher sends is counted and acknowledged."""
    garbage = [b"", b"\x00\xff", b"{", b"[]", b'"text"', b"9" * 5_000, b"[" * 5_000, b"null"]
    desk = _desk(broker, version=version)

    async with desk.seeing():
        async with _publisher(broker) as client:
            for payload in garbage:
                await client.publish(TOPIC, payload, qos=1)
            await client.publish("acd/sales/events", joined(1), qos=1)
        await until(lambda: bool(desk.contacts), 10, "the message after it")
        await until(
            lambda: _acknowledged(broker) == len(garbage) + 1, 10, "the acknowledgements"
        )

    assert ["c-1"] == desk.contacts
    assert desk.drops.total() >= len(garbage) - 1  # an empty array says nothing


async def test_a_hanging_broker_is_noticed(broker: Mosquitto, version: MqttVersion) -> None:
    """It is stopped in the middle: no packet comes, and the keepalive finds out."""
    desk = _desk(broker, version=version, keepalive=SECOND)

    async with desk.seeing():
        broker.tell(signal.SIGSTOP)
        await until(lambda: desk.failure is not None, 10, "the failure")
        broker.tell(signal.SIGCONT)

    assert "found none: the connection is dead" in str(desk.failure)


async def test_a_broker_that_hangs_at_the_start_is_noticed(broker: Mosquitto) -> None:
    """The system takes the connection for it, but nobody answers."""
    desk = _desk(broker, timeout=SECOND)
    broker.tell(signal.SIGSTOP)

    error = await desk.fails()
    broker.tell(signal.SIGCONT)

    assert "expected an answer to CONNECT, found none in 1 s" in str(error)
    assert error.retry


# ---- who may ----------------------------------------------------------------------------


async def test_a_wrong_password_is_named(
    tmp_path: Path, which: str, version: MqttVersion
) -> None:
    """It is not shown, and not tried again at once."""
    passwords = password_file(tmp_path / "accounts", {"callmon": "right"})
    options = ["allow_anonymous false", f"password_file {passwords}"]
    with mosquitto(tmp_path, which, options) as broker:
        await broker.start()
        account = {"username": "callmon", "version": version}
        good = _desk(broker, password=Secret("right"), **account)
        bad = _desk(broker, password=Secret("hunter2"), **account)

        async with good.seeing():
            pass
        error = await bad.fails()

    assert (FeedReason.DENIED, False) == (error.reason, error.retry)
    assert "user name" in str(error)
    assert "hunter2" not in str(error)


async def test_a_refused_subscription_is_named(
    tmp_path: Path, which: str, version: MqttVersion
) -> None:
    """Which one, and who decides: the access control of the broker."""
    control = tmp_path / "control"
    options = access_control(control, which, {"callmon": "right"}, ["other/#"])
    with mosquitto(tmp_path, which, options) as broker:
        await broker.start()
        desk = _desk(broker, version=version, username="callmon", password=Secret("right"))

        error = await desk.fails()

    assert (FeedReason.DENIED, False) == (error.reason, error.retry)
    assert "refused: 'acd/+/events'" in str(error)
    assert "ACL" in str(error)


async def test_a_broker_that_does_not_tell_its_version_is_no_problem(
    tmp_path: Path, which: str, version: MqttVersion
) -> None:
    """The question is refused, and that is all."""
    control = tmp_path / "control"
    options = access_control(control, which, {"callmon": "right"}, ["acd/#"])
    with mosquitto(tmp_path, which, options) as broker:
        await broker.start()
        desk = _desk(broker, version=version, username="callmon", password=Secret("right"))

        async with desk.seeing():
            await asyncio.sleep(0.5)

            assert desk.failure is None
    assert [] == desk.accounts


async def test_the_version_of_the_broker_is_judged(broker: Mosquitto, which: str) -> None:
    """Debian 12's does not keep the window: that is a finding. A newer one is none."""
    desk = _desk(broker)

    async with desk.seeing():
        await asyncio.sleep(0.5)

    old = "mosquitto version 2.0.11" in broker.log
    assert old == bool(desk.accounts)
    assert old == (which == "system") or which == NEWER


async def test_the_broker_may_shorten_the_session(tmp_path: Path, which: str) -> None:
    """It says so in MQTT 5, and so do we."""
    options = [OPEN, "persistent_client_expiration 1h"]
    with mosquitto(tmp_path, which, options, listen="max_qos 0") as broker:
        await broker.start()
        desk = _desk(broker)

        async with desk.seeing():
            await until(lambda: bool(desk.accounts), 10, "findings")

    assert any("QoS 0 at most" in finding for finding in desk.accounts[-1])


# ---- TLS --------------------------------------------------------------------------------


@pytest.fixture(name="authority", scope="module")
def _authority() -> trustme.CA:
    return trustme.CA()


def _secured(folder: Path, authority: trustme.CA, *, clients: bool = False) -> str:
    """Write certificates and return the lines of a listener."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = authority.issue_cert("broker.example", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(
        b"".join(part.bytes() for part in certificate.cert_chain_pems)
    )
    lines = [f"certfile {folder}/cert.pem", f"keyfile {folder}/key.pem"]
    lines.append(f"cafile {folder}/ca.pem")
    if clients:
        lines.append("require_certificate true")
    return "\n".join(lines)


async def test_a_trusted_certificate_lets_messages_through(
    tmp_path: Path, which: str, version: MqttVersion, authority: trustme.CA
) -> None:
    """By the host's name, or by the name that the configuration says."""
    tls = tmp_path / "tls"
    listen = _secured(tls, authority)
    trusting = ssl.create_default_context(cafile=str(tls / "ca.pem"))
    with mosquitto(tmp_path, which, listen=listen) as broker:
        await broker.start()
        for name in (None, "broker.example"):
            trust = MqttTls(ca_file=tls / "ca.pem", server_name=name)
            desk = _desk(broker, version=version, tls=trust)
            async with desk.seeing():
                await _publish(broker, range(300), tls_context=trusting)
                await until(lambda: len(desk.contacts) == 300, 10, "all messages")  # noqa: B023 - awaited here


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "the certificate is not trusted: self-signed certificate"),
        ({"server_name": "other.example"}, "the certificate is not trusted: Hostname mismatch"),
    ],
)
async def test_a_certificate_that_is_not_trusted_is_named(
    tmp_path: Path, authority: trustme.CA, changes: dict[str, Any], said: str
) -> None:
    """Of another authority, or for another name."""
    tls = tmp_path / "tls"
    listen = _secured(tls, authority)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    ca_file = tls / "ca.pem" if changes else other
    with mosquitto(tmp_path, listen=listen) as broker:
        await broker.start()
        error = await _desk(broker, tls=MqttTls(ca_file=ca_file, **changes)).fails()
        unverified = _desk(broker, tls=MqttTls(ca_file=ca_file, verify=False, **changes))
        async with unverified.seeing():
            pass

    assert FeedReason.DENIED == error.reason
    assert said in str(error)


async def test_a_broker_may_ask_for_our_certificate(
    tmp_path: Path, version: MqttVersion, authority: trustme.CA
) -> None:
    """With it we are let in, without it we are not."""
    tls = tmp_path / "tls"
    listen = _secured(tls, authority, clients=True)
    mine = authority.issue_cert("callmon")
    mine.private_key_and_cert_chain_pem.write_to_path(tls / "mine.pem")
    with mosquitto(tmp_path, listen=listen) as broker:
        await broker.start()
        ca_file = tls / "ca.pem"
        shown = MqttTls(ca_file=ca_file, cert_file=tls / "mine.pem")
        async with _desk(broker, version=version, tls=shown).seeing():
            pass
        error = await _desk(broker, version=version, tls=MqttTls(ca_file=ca_file)).fails()

    assert "expected" in str(error)


@pytest.mark.parametrize("ours", [True, False])
async def test_tls_on_one_side_only_is_named(
    tmp_path: Path, authority: trustme.CA, ours: bool
) -> None:
    """The wrong port is the commonest mistake of all."""
    tls = tmp_path / "tls"
    listen = _secured(tls, authority)
    with mosquitto(tmp_path, listen="" if ours else listen) as broker:
        await broker.start()
        trust = MqttTls(ca_file=tls / "ca.pem") if ours else None
        error = await _desk(broker, tls=trust, timeout=2 * SECOND).fails()

    assert ("expected TLS" in str(error)) == ours
    assert ("is it a port for TLS?" in str(error)) != ours
