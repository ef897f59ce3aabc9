"""One connection: what is asked of the broker, and what each of its answers means."""

import asyncio
import gc
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, SystemClock
from callmon.errors import FeedError, FeedReason
from callmon.feeds.mqtt_inbox import Inbox
from callmon.feeds.mqtt_session import MqttSession
from callmon.feeds.settings import MqttTls, MqttVersion, TopicSettings
from callmon.secret import Secret
from callmon.testing import ManualClock
from tests.feeds.desk import passing, until
from tests.feeds.mqtt_peer import Broker, Desk, Packet, joined, packet, settings

pytestmark = pytest.mark.anyio

V5, V311, AUTO = MqttVersion.V5, MqttVersion.V311, MqttVersion.AUTO

LONG = 120 * SECOND
"""Longer than any test waits: what takes less than that was not waited out."""


@pytest.fixture(name="broker")
async def _broker() -> AsyncIterator[Broker]:
    async with Broker() as broker:
        yield broker


def _desk(broker: Broker, **ours: Any) -> Desk:
    return Desk(settings(broker.port, **ours), ManualClock())


# ---- what is asked for ------------------------------------------------------------------


async def test_the_session_is_asked_to_last(broker: Broker) -> None:
    """A fixed name, no clean start, an expiry and a window: or messages are lost."""
    async with _desk(broker, session_expiry=3_600 * SECOND, receive_maximum=77).seeing():
        pass
    async with _desk(broker, version=V311).seeing():
        pass

    (level, new), (old_level, old) = broker.connects
    assert (5, 4) == (level, old_level)
    for body in (new, old):
        assert 0 == body[7] & 0x02  # clean start, clean session
        assert struct.pack("!H", 30) == body[8:10]  # keepalive
        assert b"callmon-1" in body
    assert b"\x11" + struct.pack("!I", 3_600) in new
    assert b"\x21" + struct.pack("!H", 77) in new


async def test_a_long_expiry_means_for_ever(broker: Broker) -> None:
    """More seconds than MQTT can say must not become few."""
    async with _desk(broker, session_expiry=2**33 * SECOND).seeing():
        pass

    assert b"\x11\xff\xff\xff\xff" in broker.connects[0][1]


async def test_many_filters_are_asked_for_in_parts(broker: Broker) -> None:
    """Some brokers take eight in one packet and no more."""
    topics = tuple(TopicSettings(template=f"acd/{number}/+") for number in range(20))

    async with _desk(broker, topics=topics).seeing():
        pass

    asked = [name for name, _ in broker.subscribed if name.startswith("acd/")]
    assert [f"acd/{number}/+" for number in range(20)] == asked
    assert [8, 8, 4] == broker.asked[:3]
    assert {1} == {options & 3 for name, options in broker.subscribed if name in asked}


# ---- who is let in ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "code", "retry", "said"),
    [
        (V5, 0x86, False, "expected user name and password to be right"),
        (V5, 0x87, False, "expected to be let in (by user name, password,"),
        (V5, 0x8A, False, "found: Banned"),
        (V5, 0x85, False, "expected the client_id to be taken"),
        (V5, 0x88, True, "found: Server unavailable"),
        (V5, 0x97, True, "found: Quota exceeded"),
        (V311, 2, False, "expected the client_id to be taken"),
        (V311, 3, True, "found: Server unavailable"),
        (V311, 4, False, "expected user name and password to be right"),
        (V311, 5, False, "expected to be let in (by user name, password,"),
    ],
)
async def test_each_refusal_has_its_words(
    broker: Broker, version: MqttVersion, code: int, retry: bool, said: str
) -> None:
    """What a person must mend is not tried again at once; a busy broker is."""
    broker.connack_code = code
    account = {"username": "callmon", "password": Secret("hunter2")}

    error = await _desk(broker, version=version, **account).fails()

    assert said in str(error)
    assert str(error).startswith(f"127.0.0.1:{broker.port}: expected")
    assert "hunter2" not in str(error)
    assert retry == error.retry
    assert (FeedReason.MISSING if retry else FeedReason.DENIED) == error.reason


async def test_another_client_is_suspected_after_the_second_loss(broker: Broker) -> None:
    """The first may be a cut, or a restart of the broker; one long after is again the first."""
    clock = ManualClock()
    desk = Desk(settings(broker.port), clock)

    said = []
    for lived in (1, 1, 61, 1):
        async with desk.seeing():
            await passing(clock, lived * SECOND, SECOND)
            broker.cut()
            said.append("has another client come" in str(await desk.failed()))

    assert [False, True, False, False] == said


async def test_the_older_version_is_spoken_where_5_is_not(broker: Broker) -> None:
    """The broker says so in the words of 3.1.1."""
    broker.speaks_5 = False
    desk = _desk(broker)

    async with desk.seeing():
        broker.publish(joined(1))
        await until(lambda: broker.acked)

    assert [5, 4] == [level for level, _ in broker.connects]
    assert desk.said[0][1].endswith("subscribed, MQTT 3.1.1")


async def test_a_version_that_is_demanded_is_not_replaced(broker: Broker) -> None:
    """Who has written 5 wants its guarantees."""
    broker.speaks_5 = False

    error = await _desk(broker, version=V5).fails()

    assert "expected a broker that speaks MQTT 5" in str(error)
    assert [5] == [level for level, _ in broker.connects]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x00"])
async def test_what_is_no_broker_is_named(broker: Broker, answer: bytes) -> None:
    """It answers with something else, or hangs up: at once, not after a time."""
    broker.answer = answer

    error = await _desk(broker, timeout=LONG).fails()

    assert "expected a broker that speaks MQTT 5 or 3.1.1, found: " in str(error)
    assert "(is it a port for TLS?)" in str(error)
    assert (FeedReason.MISSING, True) == (error.reason, error.retry)


async def test_a_port_where_nobody_listens_is_named() -> None:
    """The system's word for it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        error = await Desk(settings(port)).fails()

    assert f"127.0.0.1:{port}: expected a connection, found: Connection refused" == str(error)
    assert error.retry


async def test_an_impossible_host_is_named() -> None:
    """The resolver cannot even be asked for it."""
    host = f"{'a' * 64}.example"

    error = await Desk(settings(1883, host=host)).fails()

    assert f"{host}:1883: expected a connection, found: no name of a host" == str(error)


async def test_a_stop_while_connecting_leaves_nothing(broker: Broker) -> None:
    """The broker does not answer: neither socket nor task is left, and it takes no time."""
    broker.silent = {Packet.CONNECT}
    desk = _desk(broker, timeout=LONG)

    async with asyncio.timeout(30), desk.running():
        await until(lambda: broker.connects)

    await until(lambda: not broker._talks)


# ---- subscribing ------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "code"), [(V5, 0x87), (V311, 0x80)])
async def test_a_filter_that_is_refused_is_named(
    broker: Broker, version: MqttVersion, code: int
) -> None:
    """Half of the messages would look like all of them: so it is a failure."""
    topics = (TopicSettings(template="acd/+/events"), TopicSettings(template="secret/#"))
    broker.suback = {"secret/#": code}
    desk = _desk(broker, version=version, topics=topics)

    error = await desk.fails()

    assert "refused: 'secret/#' (" in str(error)
    assert "acd/+/events" not in str(error)
    assert (FeedReason.DENIED, False) == (error.reason, error.retry)
    assert [] == desk.said


async def test_an_answer_that_never_comes_is_not_waited_for(broker: Broker) -> None:
    """The connection is given up after ``timeout``."""
    broker.silent = {Packet.SUBSCRIBE}
    desk = _desk(broker, timeout=10 * SECOND)

    async with desk.running():
        await until(lambda: broker.subscribed)
        await passing(desk.clock, 9 * SECOND)  # type: ignore[arg-type]  # it is one
        assert desk.failure is None
        await passing(desk.clock, 2 * SECOND)  # type: ignore[arg-type]  # ditto
        error = await desk.failed()

    assert "expected an answer to SUBSCRIBE, found none in 10 s" in str(error)


async def test_a_backlog_may_come_before_the_answer(broker: Broker) -> None:
    """As long as messages come, the broker is at work; they are told meanwhile."""
    broker.silent = {Packet.SUBSCRIBE}
    desk = _desk(broker, timeout=10 * SECOND)

    async with desk.running():
        await until(lambda: broker.subscribed)
        for number in range(4):
            await passing(desk.clock, 6 * SECOND)  # type: ignore[arg-type]  # it is one
            broker.publish(joined(number))
            await until(lambda: len(desk.contacts) == number + 1)  # noqa: B023 - awaited here

        assert desk.failure is None


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        (b"\x24\x00", "QoS 0 at most"),
        (b"\x25\x00", "retains no messages"),
        (b"\x28\x00", "no wildcards"),
        (b"\x11" + struct.pack("!I", 60), "keeps our session for 60 s only, not for 86400 s"),
        (b"\x13" + struct.pack("!H", 600), "a keepalive of 600 s"),
    ],
)
async def test_what_the_broker_limits_is_a_finding(
    broker: Broker, properties: bytes, said: str
) -> None:
    """It tells with its answer to CONNECT, and nobody reads that but we."""
    broker.properties = properties
    desk = _desk(broker)

    async with desk.seeing():
        await until(lambda: desk.accounts)

    ((finding,),) = desk.accounts
    assert said in finding


async def test_what_the_broker_gives_more_is_none(broker: Broker) -> None:
    """A shorter keepalive and a longer session do no harm."""
    broker.properties = b"\x11" + struct.pack("!I", 2**31) + b"\x13" + struct.pack("!H", 5)
    desk = _desk(broker)

    async with desk.seeing():
        await passing(desk.clock, SECOND)  # type: ignore[arg-type]  # it is one

    assert [] == desk.accounts


async def test_a_lesser_guarantee_is_a_finding(broker: Broker) -> None:
    """QoS 0 is granted where 1 was asked for: which filter is said."""
    broker.suback = {"acd/+/events": 0}
    desk = _desk(broker)

    async with desk.seeing():
        await until(lambda: desk.accounts)

    ((finding,),) = desk.accounts
    assert finding.startswith("acd/+/events: granted with QoS 0")


# ---- the end ----------------------------------------------------------------------------


@pytest.mark.parametrize(("lived", "retry"), [(59, False), (60, True)])
async def test_another_client_with_our_name_is_a_mistake(
    broker: Broker, lived: int, retry: bool
) -> None:
    """Two callmons would throw each other out for ever: the one that came back waits."""
    desk = _desk(broker)
    unretrieved: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: unretrieved.append(told))

    async with desk.seeing():
        await passing(desk.clock, lived * SECOND, SECOND)  # type: ignore[arg-type]  # it is one
        broker.hang_up(0x8E)
        error = await desk.failed()
    gc.collect()

    assert "another client came with our client_id 'callmon-1': two callmons?" in str(error)
    assert (FeedReason.LOST, retry) == (error.reason, error.retry)
    assert [] == unretrieved


async def test_the_word_of_the_broker_is_passed_on(broker: Broker) -> None:
    """It knows best why it ends the connection."""
    desk = _desk(broker)

    async with desk.seeing():
        broker.hang_up(0x8B)
        error = await desk.failed()

    assert str(error).endswith("the broker ended the connection: Server shutting down")


@pytest.mark.parametrize("garbage", [b"\xf0\x00", b"\x30\x01\x00", b"\x32\xff\xff\xff\xff\xff"])
async def test_what_is_no_mqtt_ends_the_connection(broker: Broker, garbage: bytes) -> None:
    """Nothing after it can be told apart any more."""
    desk = _desk(broker)

    async with desk.seeing():
        broker.send(garbage)
        error = await desk.failed()

    assert (FeedReason.LOST, True) == (error.reason, error.retry)


class _BrokenClock(ManualClock):
    """Raises when it is asked for the time, once ``broken``."""

    broken = False

    def now(self) -> int:
        """Return the time, or raise."""
        if self.broken:
            raise ValueError("no time")
        return super().now()


async def test_a_mistake_of_ours_leaves_no_connection(broker: Broker) -> None:
    """Its socket is forgotten by aiomqtt then: the broker would think that we still listen."""
    clock = _BrokenClock()
    session = MqttSession(settings(broker.port), clock)
    await session.open()
    clock.broken = True

    broker.publish(joined(1))
    await until(lambda: session.ended)
    await session.close()

    await until(lambda: not broker._talks)
    assert 0 == broker.left
    assert "the broker closed the connection" not in str(session.failure())


async def test_what_is_written_to_a_connection_closed_in_the_same_turn_harms_nobody(
    broker: Broker,
) -> None:
    """The number of its file may be another connection's by then."""
    session = MqttSession(settings(broker.port), SystemClock())
    await session.open()

    session.ask_version()
    session._paho()._sock_close()
    left, right = socket.socketpair()  # the very number that has become free
    with left, right:
        await session.gather(1)
        assert not asyncio.get_running_loop().remove_writer(left)
        assert not asyncio.get_running_loop().remove_writer(right)
    await session.close()


async def test_what_had_come_is_read_also_where_nothing_can_be_written(broker: Broker) -> None:
    """A write that fails closes paho's connection, and all that was not read is lost."""
    session = MqttSession(settings(broker.port), SystemClock())
    await session.open()
    for number in range(10):
        broker.publish(joined(number))
    broker.cut()

    while not session.ended:
        session.ask_version()
        await session.gather(1)
    await session.close()

    assert 10 == session.waiting


async def test_what_breaks_paho_ends_the_connection_also_after_a_pause(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is raised in the loop, and nobody waits for what cannot come."""
    session = MqttSession(settings(broker.port), SystemClock(), limit=10_000)
    await session.open()
    for number in range(200):
        broker.publish(joined(number))
    await until(lambda: session.waiting > 10)

    def broken() -> None:
        raise ValueError("broken")

    monkeypatch.setattr(session._paho(), "loop_read", broken)
    session.take(200, 100_000)
    await until(lambda: session.ended)
    await session.close()

    assert "found something else: ValueError" in str(session.failure())


async def test_a_topic_that_is_no_text_is_counted(broker: Broker) -> None:
    """MQTT forbids it; whoever sends it stops nothing."""
    desk = _desk(broker)

    async with desk.seeing():
        body = struct.pack("!H", 2) + b"\xff\xfe" + struct.pack("!H", 9) + b"\0" + joined(1)
        broker.send(packet(Packet.PUBLISH | 2, body))
        await until(lambda: broker.acked == [9])

    assert {("decode", "unmatched"): 1} == desk.drops


async def test_what_came_before_the_end_is_told(broker: Broker) -> None:
    """A broker without memory would not send it again."""
    desk = Desk(settings(broker.port), ManualClock(), commit_after=None)

    async with desk.seeing():
        for number in range(300):
            broker.publish(joined(number))
        broker.hang_up(0x8B)
        await desk.failed()

    assert 300 == len(desk.contacts)


async def test_a_full_inbox_is_not_read_into(broker: Broker) -> None:
    """The broker waits, by TCP; and everything comes when there is room again."""
    session = MqttSession(settings(broker.port), SystemClock(), limit=10_000)
    await session.open()
    try:
        for number in range(200):
            broker.publish(joined(number))
        await until(lambda: session.waiting > 10)
        for _ in range(50):
            await asyncio.to_thread(lambda: None)
        most = session.waiting
        taken: list[int] = []
        while len(taken) < 200:
            taken += [message.number for message in session.take(3, 10_000)]
            await session.gather(1)
    finally:
        await session.close()

    assert most < 30
    assert list(range(1, 201)) == taken


async def test_a_session_that_is_not_open_cannot_subscribe() -> None:
    """It would be a mistake in callmon."""
    session = MqttSession(settings(1883), ManualClock())

    with pytest.raises(RuntimeError, match="expected an open session"):
        session.subscribe(["a"], fetch=(), drop=())


# ---- certificates -----------------------------------------------------------------------


async def test_a_missing_file_of_certificates_is_named(tmp_path: Path) -> None:
    """Which file, and what it should be."""
    missing = tmp_path / "ca.pem"

    error = await Desk(settings(1883, tls=MqttTls(ca_file=missing))).fails()

    assert f"{missing}: expected certificates (PEM), found: " in str(error)


@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_key_that_cannot_be_used_is_named(tmp_path: Path, encrypted: bool) -> None:
    """Nobody is asked for a password on a terminal that a daemon does not have."""
    key = ec.generate_private_key(ec.SECP256R1())
    data = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret")
        if encrypted
        else serialization.NoEncryption(),
    )
    file = tmp_path / "mine.pem"
    file.write_bytes(data)
    tls = MqttTls(cert_file=file, verify=False)

    error = await Desk(settings(1883, tls=tls)).fails()

    assert f"{file}: expected our certificate and its key (PEM), found: " in str(error)
    assert isinstance(error, FeedError)


@pytest.fixture(name="authority", scope="module")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(name="secured")
async def _secured(authority: trustme.CA) -> AsyncIterator[Broker]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("broker.example").configure_cert(server)
    async with Broker(server) as broker:
        yield broker


async def test_a_certificate_counts_by_the_name_that_is_configured(
    secured: Broker, authority: trustme.CA, tmp_path: Path
) -> None:
    """The host may be an address of which no certificate knows."""
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    named = _desk(secured, tls=MqttTls(ca_file=ca_file, server_name="broker.example"))

    async with named.seeing():
        for number in range(300):
            secured.publish(joined(number))
        await until(lambda: len(secured.acked) == 300)
    error = await _desk(secured, tls=MqttTls(ca_file=ca_file)).fails()

    assert 300 == len(named.contacts)
    assert "the certificate is not trusted: " in str(error)
    assert FeedReason.DENIED == error.reason


async def test_a_certificate_of_nobody_we_know_is_named(secured: Broker) -> None:
    """The authorities of the system have not issued it; who says so may go on without."""
    strict = _desk(secured, tls=MqttTls(server_name="broker.example"))
    careless = _desk(secured, tls=MqttTls(verify=False))

    error = await strict.fails()
    async with careless.seeing():
        pass

    assert "the certificate is not trusted: " in str(error)


async def test_an_inbox_over_tls_is_read_on(secured: Broker) -> None:
    """TLS may have taken more from the wire than it gave out when reading stopped."""
    ours = settings(secured.port, tls=MqttTls(verify=False))
    session = MqttSession(ours, SystemClock(), limit=10_000)
    await session.open()
    try:
        for number in range(200):
            secured.publish(joined(number))
        await until(lambda: session.waiting > 10)
        taken: list[int] = []
        while len(taken) < 200:
            taken += [message.number for message in session.take(3, 10_000)]
            await session.gather(1)
    finally:
        await session.close()

    assert list(range(1, 201)) == taken


async def test_a_port_without_tls_is_named(broker: Broker) -> None:
    """It hangs up on what it cannot read."""
    error = await _desk(broker, tls=MqttTls(verify=False), timeout=LONG).fails()

    assert "expected TLS, found: none that fits: " in str(error)
    assert "(is it the port without TLS?)" in str(error)
    assert FeedReason.MISSING == error.reason


async def test_a_broker_that_never_answers_is_given_up(broker: Broker) -> None:
    """The connection stands, and nothing comes over it."""
    broker.silent = {Packet.CONNECT}

    error = await _desk(broker, timeout=SECOND // 2).fails()

    assert "expected an answer to CONNECT, found none in 0.5 s" in str(error)
    assert (FeedReason.MISSING, True) == (error.reason, error.retry)


# ---- acknowledging ----------------------------------------------------------------------

qualities = st.lists(st.integers(0, 2), max_size=8)
numbers = st.lists(st.integers(0, 9), max_size=5)


@given(qualities, numbers)
def test_acknowledgements_keep_the_order(qos: list[int], upto: list[int]) -> None:
    """Whatever is promised and when: each once, oldest first, and QoS 0 never."""
    inbox = Inbox(10_000)
    for mid, one in enumerate(qos, 1):
        inbox.add("t", b"", mid=mid, qos=one, retained=False, received=0)
    highest = max(upto, default=0)

    acknowledged = [one for number in upto for one in inbox.acknowledge(number)]

    expected = [(mid, one) for mid, one in enumerate(qos, 1) if one and mid <= highest]
    assert expected == acknowledged
    assert sum(one > 0 for one in qos) - len(expected) == inbox.unacknowledged


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 4), st.integers(1, 6))
def test_an_inbox_gives_what_it_took(sizes: list[int], count: int, size: int) -> None:
    """In order, no more than asked for at a time, at least one, and crowded by its bytes."""
    inbox = Inbox(limit=404 * 3)
    for number in sizes:
        inbox.add("t", b"x" * number, mid=1, qos=1, retained=False, received=0)
    total = sum(401 + number for number in sizes)
    assert (total >= 404 * 3) == inbox.crowded

    taken = []
    while part := inbox.take(count, size):
        assert len(part) <= count
        assert sum(len(one.payload) for one in part[:-1]) < size
        taken += part

    assert sizes == [len(one.payload) for one in taken]
    assert list(range(1, len(sizes) + 1)) == [one.number for one in taken]
    assert (0, False) == (len(inbox), inbox.crowded)


@pytest.mark.parametrize(("limit", "crowded"), [(500, True), (501, False)])
def test_an_inbox_is_crowded_at_its_limit(limit: int, crowded: bool) -> None:
    """A message costs 400 bytes, its topic and its payload."""
    inbox = Inbox(limit)

    inbox.add("t" * 40, b"p" * 60, mid=1, qos=1, retained=False, received=0)

    assert crowded == inbox.crowded
