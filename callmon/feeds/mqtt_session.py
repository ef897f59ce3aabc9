"""One session with an MQTT broker: connected, subscribed, acknowledged, and closed.

The only module that knows aiomqtt and the paho client inside it. aiomqtt 2 acknowledges a
message as soon as it has come, does not tell how the broker took us in, and waits in vain
where a broker closes instead of answering: hence the reach into its client
(docs/decisions/0018-mqtt-acknowledged-after-commit.md).
"""

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, ConnectFlags, DisconnectFlags
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import MQTTMessage as PahoMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from callmon.clock import SECOND, Clock, Micros, next_turn, wait_at_most
from callmon.errors import FeedError
from callmon.feeds.mqtt_account import BrokerTerms
from callmon.feeds.mqtt_failures import (
    HUNG_UP,
    NO_LIFE,
    NO_WORD,
    SHORT_LIFE,
    NotSpokenError,
    missing,
    not_connected,
    not_let_in,
    not_spoken,
    over,
)
from callmon.feeds.mqtt_inbox import Arrived, Inbox
from callmon.feeds.mqtt_subscriptions import Subscriptions, parts
from callmon.feeds.mqtt_tls import trust
from callmon.feeds.mqtt_wire import has_hung_up
from callmon.feeds.settings import MqttSettings, MqttVersion

__all__ = ["STEP", "MqttSession"]

MAX_INBOX_BYTES = 64 * 1024 * 1024
"""With so much unread we read no more, and the broker has to wait. One that keeps to the
window of ``receive_maximum`` messages never comes near it."""

MAX_PACKET_BYTES = 1024 * 1024
"""No event is as large. An MQTT 5 broker keeps larger messages to itself."""

UNTOLD_WINDOW = 10
"""With 3.1.1 the broker decides how many messages are under way, and does not tell: 20 is
the default of mosquitto, and none is known with less than this."""

FOR_EVER_S = 0xFFFF_FFFF
"""The longest session expiry there is: it means never."""

STEP: Micros = SECOND // 5
"""The longest wait for messages before looking at the clock again."""

QUIET_TURNS = 2
"""Of the loop, without a message: nothing is on its way."""

CLOSE_TIMEOUT_S = 1.0

VERSION_TOPIC = "$SYS/broker/version"
"""Where mosquitto says what it is; others refuse it, or say nothing."""


class MqttSession:
    """A connection to a broker, for one feed and one try.

    Acknowledgements go out in the order in which the messages came, and to the connection
    over which they came or to none.
    """

    def __init__(
        self, settings: MqttSettings, clock: Clock, limit: int = MAX_INBOX_BYTES
    ) -> None:
        self.address = f"{settings.host}:{settings.port}"
        self.terms = BrokerTerms()
        self.subscriptions = Subscriptions(settings)
        self.broker = ""  #: what it says to be
        self.asking = False  #: it was asked what it is, and has not answered
        self.acknowledged = 0  #: the number of the last message that was
        self.arrived_at: Micros = 0  #: the latest message, by the monotonic clock
        self._settings = settings
        self._clock = clock
        self._inbox = Inbox(limit)
        self._paused = False
        self._version_mid: int | None = None
        self._ended: str | None = None
        self._by_broker = False
        self._connected_at: Micros = 0
        self._changed = asyncio.Event()
        self._client: aiomqtt.Client | None = None

    # ---- life ---------------------------------------------------------------------

    async def open(self) -> None:
        """Connect; what the broker has kept for us arrives from now on.

        Raises:
            FeedError: with where, what was expected and what was found; ``retry`` is False
                where only a person can help.
        """
        tls, version = self._settings.tls, self._settings.version
        secure = await asyncio.to_thread(trust, tls, self._settings.host) if tls else None
        if version is MqttVersion.AUTO:
            try:
                return await self._connect(MqttVersion.V5, secure)
            except NotSpokenError:
                await self.close()
            version = MqttVersion.V311
        try:
            await self._connect(version, secure)
        except NotSpokenError as error:
            raise not_spoken(self._settings, error) from error

    async def close(self) -> None:
        """Let the connection go; nothing is left behind. The broker keeps the session."""
        client = self._client
        if client is None:
            return
        self._ended = self._ended or NO_WORD  # from here on nothing is acknowledged
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await client.__aexit__(None, None, None)
        paho = client._client  # noqa: SLF001 - see _new_client
        # Where the broker does not answer, or one of us fails, the socket is still open.
        paho._sock_close()  # noqa: SLF001 - nothing public does it without the other side
        self._client = None
        for _ in range(3):
            await next_turn()  # its task ends

    @property
    def ended(self) -> bool:
        """Whether nothing more arrives."""
        return self._ended is not None

    @property
    def complete_until(self) -> Micros:
        """Until when it has surely brought everything; wall time.

        A connection that was closed has until then; a dead one shows after two keepalives.
        """
        now = self._clock.now()
        if self._ended not in (None, NO_LIFE):
            return now
        silent = self._clock.monotonic() - max(self.arrived_at, self._connected_at)
        return now - min(silent, 2 * (self.terms.keepalive or self._settings.keepalive))

    @property
    def short_lived(self) -> bool:
        """Whether it has ended soon after it began."""
        return self.ended and self._clock.monotonic() - self._connected_at < SHORT_LIFE

    def failure(self, *, again: bool = False) -> FeedError:
        """Return why the connection has ended, as an error; *again*: so soon, like the last."""
        return over(
            self._settings,
            self._ended or "",
            by_broker=self._by_broker,
            lived=self._clock.monotonic() - self._connected_at,
            again=again,
        )

    # ---- subscribing --------------------------------------------------------------

    def subscribe(
        self, filters: Sequence[str], *, fetch: Collection[str], drop: Sequence[str]
    ) -> None:
        """Ask for *filters*; ``subscriptions`` says whether they are granted.

        What is retained comes with a new subscription, and for *fetch* in any case. The
        subscriptions *drop* of the past are ended.
        """
        paho, now = self._paho(), self._clock.monotonic()
        for part in parts(drop):
            paho.unsubscribe(part)
        for part in parts(filters):
            if self._old:
                _, mid = paho.subscribe([(one, 1) for one in part])
            else:
                _, mid = paho.subscribe([(one, _options(fetch=one in fetch)) for one in part])
            self.subscriptions.ask(mid, part, now)

    def ask_version(self) -> None:
        """Ask the broker what it is. One that does not like to be asked may hang up."""
        self.asking = True
        _, self._version_mid = self._paho().subscribe(VERSION_TOPIC)

    # ---- messages -----------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many messages have come and were not taken."""
        return len(self._inbox)

    @property
    def unsafe(self) -> bool:
        """Whether a message has come with QoS 0."""
        return self._inbox.unsafe

    @property
    def unacknowledged(self) -> int:
        """How many messages have come that the broker must not forget yet."""
        return self._inbox.unacknowledged

    @property
    def full(self) -> bool:
        """Whether nothing more may come before something is acknowledged."""
        window = UNTOLD_WINDOW if self._old else self._settings.receive_maximum
        return self._inbox.unacknowledged >= window

    def take(self, count: int, size: int) -> list[Arrived]:
        """Return the next messages: *count* at most, and as many as fill *size* bytes."""
        taken = self._inbox.take(count, size)
        if self._paused and not self._inbox.crowded:
            self._read_on()
        return taken

    def acknowledge(self, number: int) -> None:
        """Let the broker forget all messages up to *number*."""
        if self.ended or self._client is None:
            return  # it sends them again over the next connection
        paho = self._paho()
        for mid, qos in self._inbox.acknowledge(number):
            paho.ack(mid, qos)
        self.acknowledged = max(self.acknowledged, number)
        self._changed.set()

    async def wait(self, longest: Micros = STEP) -> None:
        """Return when something has changed, or *longest* has passed."""
        if not self._changed.is_set():
            await wait_at_most(self._clock, longest, self._changed)
        self._changed.clear()

    async def gather(self, count: int) -> None:
        """Let in what is on its way, up to *count* messages in all; yields in any case.

        paho reads one message in a turn of the loop, and in that of ours it comes after us.
        """
        quiet = 0
        while quiet < QUIET_TURNS:
            seen = len(self._inbox)
            await next_turn()
            quiet = 0 if seen < len(self._inbox) < count else quiet + 1

    def _pause(self) -> None:
        """Read no more: TCP lets the broker wait."""
        wire = self._paho().socket()
        if isinstance(wire, socket.socket):
            self._paused = True
            asyncio.get_running_loop().remove_reader(wire.fileno())

    def _read_on(self) -> None:
        self._paused = False
        if self._client is None or not isinstance(wire := self._paho().socket(), socket.socket):
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(wire.fileno(), self._read)
        loop.call_soon(self._read)  # TLS may have read more from the wire than it gave out

    def _read(self) -> None:
        if self._client is None or self._paused:
            return
        paho = self._paho()
        with self._ending():
            paho.loop_read()
            while isinstance(wire := paho.socket(), ssl.SSLSocket) and wire.pending():
                paho.loop_read()

    def _write_on(
        self, loop: asyncio.AbstractEventLoop, paho: PahoClient, _userdata: Any, wire: Any
    ) -> None:
        """Write when the wire takes it; called by the thread that connects, too.

        aiomqtt would register the number of a file that is closed by then: an exception in
        the loop, or, where the number is another connection's already, that one disturbed.
        """
        loop.call_soon_threadsafe(self._write_when_open, paho, wire)

    def _write_when_open(self, paho: PahoClient, wire: socket.socket) -> None:
        if paho.socket() is wire:
            fileno = wire.fileno()
            asyncio.get_running_loop().add_writer(fileno, self._write, paho, fileno)

    def _write(self, paho: PahoClient, fileno: int) -> None:
        if has_hung_up(fileno):  # whoever reads comes to the end of it
            asyncio.get_running_loop().remove_writer(fileno)
            return
        with self._ending():
            paho.loop_write()

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """End the connection with whatever paho raises, instead of raising it in the loop."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - of what breaks paho, anything is possible
            if self._client is not None and not self._client._disconnected.done():  # noqa: SLF001 - see _new_client
                self._client._disconnected.set_exception(error)  # noqa: SLF001 - see _new_client

    # ---- connecting ---------------------------------------------------------------

    async def _connect(self, version: MqttVersion, secure: ssl.SSLContext | None) -> None:
        self.terms = BrokerTerms(version=version)
        self._ended, self._by_broker = None, False
        self._client = client = self._new_client(version, secure)
        try:
            await _enter(client)
        except UnicodeError as error:  # of a name that the resolver cannot even ask for
            raise missing(self._settings, "a connection", "no name of a host") from error
        except aiomqtt.MqttCodeError as error:
            raise not_let_in(self._settings, str(error.rc)) from error
        except aiomqtt.MqttError as error:
            raise self._unreachable(error) from error
        self._connected_at = self._clock.monotonic()
        # Whoever does not ask is told of "Future exception was never retrieved".
        client._disconnected.add_done_callback(self._lost)  # noqa: SLF001 - see _new_client

    def _new_client(
        self, version: MqttVersion, secure: ssl.SSLContext | None
    ) -> aiomqtt.Client:
        settings, old = self._settings, version is MqttVersion.V311
        properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # by paho
        properties.SessionExpiryInterval = min(settings.session_expiry // SECOND, FOR_EVER_S)
        properties.ReceiveMaximum = settings.receive_maximum
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        client = aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password.reveal() if settings.password else None,
            identifier=settings.client_id,
            protocol=aiomqtt.ProtocolVersion.V311 if old else aiomqtt.ProtocolVersion.V5,
            clean_session=False if old else None,
            clean_start=MQTT_CLEAN_START_FIRST_ONLY if old else False,
            properties=None if old else properties,
            keepalive=max(1, settings.keepalive // SECOND),
            timeout=settings.timeout / SECOND,
            tls_context=secure,
        )
        paho = client._client  # noqa: SLF001 - the only way to acknowledge by hand
        paho.manual_ack_set(on=True)
        paho.connect_timeout = settings.timeout / SECOND
        paho.disable_logger()  # it says what our errors say
        paho.on_connect = self._on_connect
        paho.on_disconnect = self._on_disconnect
        paho.on_message = self._on_message
        paho.on_subscribe = self._on_subscribe
        paho.on_unsubscribe = None
        paho.on_socket_register_write = functools.partial(
            self._write_on, asyncio.get_running_loop()
        )
        return client

    @property
    def _old(self) -> bool:
        return self.terms.version is MqttVersion.V311

    def _paho(self) -> PahoClient:
        if self._client is None:
            raise RuntimeError("expected an open session")
        return self._client._client  # noqa: SLF001 - see _new_client

    def _unreachable(self, error: aiomqtt.MqttError) -> Exception:
        """Return why there is no connection, or no answer."""
        if self._ended is not None:
            closed = self._ended == NO_WORD
            return NotSpokenError(HUNG_UP if closed else "no MQTT")
        if self._paho().socket() is not None:
            return missing(self._settings, "an answer to CONNECT")
        return not_connected(self._settings, error.__context__)

    # ---- called by paho, in the loop ----------------------------------------------

    def _on_connect(
        self,
        paho: PahoClient,
        userdata: Any,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.terms = BrokerTerms(
            version=self.terms.version,
            session_present=flags.session_present,
            session_expiry=_seconds(properties, "SessionExpiryInterval"),
            keepalive=_seconds(properties, "ServerKeepAlive"),
            maximum_qos=getattr(properties, "MaximumQoS", None),
            retains=bool(getattr(properties, "RetainAvailable", True)),
            wildcards=bool(getattr(properties, "WildcardSubscriptionAvailable", True)),
        )
        if self._client is not None:
            self._client._on_connect(paho, userdata, flags, code, properties)  # noqa: SLF001 - see _new_client

    def _on_disconnect(
        self,
        paho: PahoClient,
        userdata: Any,
        flags: DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if self._ended is None:
            self._ended = str(code)
            self._by_broker = flags.is_disconnect_packet_from_server
        self._changed.set()
        client = self._client
        if client is None:
            return
        _give_up(client)
        client._on_disconnect(paho, userdata, flags, code, properties)  # noqa: SLF001 - see _new_client

    def _lost(self, disconnected: asyncio.Future[None]) -> None:
        """Note the end, also where what came broke paho."""
        if disconnected.cancelled():
            return
        error = disconnected.exception()
        if self._ended is None:
            self._ended = NO_WORD if error is None else type(error).__name__
        self._changed.set()

    def _on_message(self, _paho: PahoClient, _userdata: Any, message: PahoMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # of no topic that anybody asked for
        # Not only as an answer: a broker that starts tells it to all who ever asked.
        if topic == VERSION_TOPIC and not message.qos:
            self.broker = bytes(message.payload).decode("utf-8", "replace")
            return
        self.arrived_at = self._clock.monotonic()
        self._inbox.add(
            topic,
            bytes(message.payload),
            mid=message.mid,
            qos=message.qos,
            retained=message.retain,
            received=self._clock.now(),
        )
        if self._inbox.crowded and not self._paused:
            self._pause()
        self._changed.set()

    def _on_subscribe(
        self,
        _paho: PahoClient,
        _userdata: Any,
        mid: int,
        codes: list[ReasonCode],
        _properties: Properties | None = None,
    ) -> None:
        if mid == self._version_mid:
            self.asking = False
        self.subscriptions.answer(mid, ((code.value, str(code)) for code in codes))
        self._changed.set()


async def _enter(client: aiomqtt.Client) -> None:
    """Connect. A thread does it, which nobody can stop: who is cancelled waits for its end."""
    entering = asyncio.get_running_loop().create_task(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        _give_up(client)
        with contextlib.suppress(aiomqtt.MqttError, UnicodeError):
            await entering
        raise


def _give_up(client: aiomqtt.Client) -> None:
    """Wait for no answer to CONNECT any more."""
    connected = client._connected  # noqa: SLF001 - aiomqtt has no word for it
    if not connected.done():
        connected.set_exception(aiomqtt.MqttError("given up"))
        connected.exception()  # it was asked: asyncio complains of nothing


def _options(*, fetch: bool) -> SubscribeOptions:
    handling = (
        SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
        if fetch
        else SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
    )
    return SubscribeOptions(qos=1, retainHandling=handling)


def _seconds(properties: Properties | None, name: str) -> Micros | None:
    """Return what the broker says of a time, None where it says nothing."""
    seconds: int | None = getattr(properties, name, None)
    return None if seconds is None else seconds * SECOND
