"""An MQTT broker that does what a test wants, over a real socket, and a desk that listens.

The packets are those of the MQTT specifications, 3.1.1 and 5.
"""

import asyncio
import dataclasses
import json
import ssl
import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Self

from callmon.clock import SECOND, Clock, Micros
from callmon.events import ContactJoined, Event
from callmon.feeds.base import Emit, FeedContext, Position
from callmon.feeds.mqtt import MqttFeed
from callmon.feeds.settings import MqttSettings, TopicSettings
from callmon.testing import ManualClock
from tests.feeds.desk import FeedDesk, passing, until

__all__ = [
    "TOPIC",
    "Broker",
    "Desk",
    "Memory",
    "Packet",
    "joined",
    "packet",
    "passing",
    "settings",
    "until",
]

TOPIC = "acd/sales/events"


class Packet(IntEnum):
    """The first byte of a packet, without its flags."""

    CONNECT = 0x10
    CONNACK = 0x20
    PUBLISH = 0x30
    PUBACK = 0x40
    SUBSCRIBE = 0x80
    SUBACK = 0x90
    UNSUBSCRIBE = 0xA0
    UNSUBACK = 0xB0
    PINGREQ = 0xC0
    PINGRESP = 0xD0
    DISCONNECT = 0xE0


def settings(port: int, **changes: Any) -> MqttSettings:
    """Return what a feed is told that listens to ``TOPIC`` and its like."""
    ours = MqttSettings(
        name="mqtt",
        source="acd",
        client_id="callmon-1",
        topics=(TopicSettings(template="acd/{queue}/events"),),
        port=port,
    )
    return dataclasses.replace(ours, **changes)


def joined(number: int, at: Micros = 1_700_000_000 * SECOND) -> bytes:
    """Return the message of a caller who begins to wait."""
    message = {
        "type": "contact.joined",
        "id": f"join-{number}",
        "at": at // SECOND,
        "queue": "sales",
        "contact": f"c-{number}",
    }
    return json.dumps(message).encode()


def packet(head: int, body: bytes) -> bytes:
    """Return a packet: its first byte, its length, and the rest."""
    length, rest = b"", len(body)
    while True:
        rest, low = divmod(rest, 128)
        length += bytes([low | (0x80 if rest else 0)])
        if not rest:
            return bytes([head]) + length + body


def text(value: str) -> bytes:
    """Return a string as MQTT writes it."""
    data = value.encode()
    return struct.pack("!H", len(data)) + data


class Broker:
    """The scripted broker. Change its attributes at any time."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self.connack_code = 0
        self.session_present = True
        self.properties = b""  #: of CONNACK, MQTT 5
        self.speaks_5 = True
        self.answer: bytes | None = None  #: to CONNECT, instead of a CONNACK
        self.suback: dict[str, int] = {}  #: by filter; 1 for all others
        self.silent: set[int] = set()  #: packets that are not answered
        self.hangs_up_on = ""  #: a filter that it does not like
        self.broker_version = ""
        self.before_suback: list[bytes] = []  #: payloads that it had kept
        self.connects: list[tuple[int, bytes]] = []  #: level of the protocol, and the rest
        self.subscribed: list[tuple[str, int]] = []  #: filter and options
        self.asked: list[int] = []  #: how many filters in each packet
        self.unsubscribed: list[str] = []
        self.acked: list[int] = []
        self.pings = 0
        self.left = 0  #: how often somebody said good-bye
        self._mid = 0
        self._level = 5
        self._tls = tls
        self._writers: list[asyncio.StreamWriter] = []
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._talk, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._talks)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Close every connection without a word."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def send(self, data: bytes) -> None:
        """Write to the connection that was opened last."""
        self._writers[-1].write(data)

    def publish(
        self, payload: bytes, topic: str = TOPIC, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Deliver a message."""
        body = text(topic)
        if qos:
            self._mid += 1
            body += struct.pack("!H", self._mid)
        if self._level == 5:
            body += b"\0"
        self.send(packet(Packet.PUBLISH | qos << 1 | retain, body + payload))

    def hang_up(self, code: int) -> None:
        """Say why, in MQTT 5, and nothing more.

        A connection that is closed while something is unread is reset, and what was written
        to it a moment ago never arrives: hence only our half of it.
        """
        self.send(packet(Packet.DISCONNECT, bytes([code, 0])))
        writer = self._writers.pop()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()

    # ---- the dialogue -------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self._writers.append(writer)
        try:
            while not writer.is_closing():
                head = (await reader.readexactly(1))[0]
                length = shift = 0
                while True:
                    byte = (await reader.readexactly(1))[0]
                    length |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        break
                body = await reader.readexactly(length)
                if writer in self._writers:  # whoever has hung up answers nothing more
                    self._take(head & 0xF0, body)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.transport.abort()
            self._talks.discard(task)

    def _take(self, kind: int, body: bytes) -> None:
        match kind:
            case Packet.CONNECT:
                self._take_connect(body)
            case Packet.SUBSCRIBE:
                self._take_subscribe(body)
            case Packet.UNSUBSCRIBE:
                self._take_unsubscribe(body)
            case Packet.PUBACK:
                self.acked.append(struct.unpack("!H", body[:2])[0])
            case Packet.PINGREQ:
                self.pings += 1
                if Packet.PINGREQ not in self.silent:
                    self.send(packet(Packet.PINGRESP, b""))
            case Packet.DISCONNECT:
                self.left += 1
            case _:
                raise AssertionError(f"expected a packet of a subscriber, found {kind:#x}")

    def _take_connect(self, body: bytes) -> None:
        if body[2:6] != b"MQTT":  # as when TLS begins
            self._writers.pop().close()
            return
        self._level = body[6]
        self.connects.append((self._level, body))
        if Packet.CONNECT in self.silent:
            return
        if self.answer is not None:
            self.send(self.answer)
            self._writers.pop().close()
            return
        if self._level == 5 and not self.speaks_5:
            self.send(packet(Packet.CONNACK, b"\0\x01"))
            self._writers.pop().close()
            return
        present = bool(self.session_present and not self.connack_code)
        answer = bytes([present, self.connack_code])
        if self._level == 5:
            answer += bytes([len(self.properties)]) + self.properties
        self.send(packet(Packet.CONNACK, answer))
        if self.connack_code:
            self._writers.pop().close()

    def _take_subscribe(self, body: bytes) -> None:
        mid, rest = body[:2], body[2:]
        if self._level == 5:
            rest = rest[1 + rest[0] :]
        codes = b""
        self.asked.append(len(_filters(rest, options=True)))
        for topics, options in _filters(rest, options=True):
            self.subscribed.append((topics, options))
            if topics == self.hangs_up_on:
                self._writers.pop().close()
                return
            codes += bytes([self.suback.get(topics, min(1, options & 3))])
        while self.before_suback:
            self.publish(self.before_suback.pop(0))
        if Packet.SUBSCRIBE not in self.silent:
            middle = b"\0" if self._level == 5 else b""
            self.send(packet(Packet.SUBACK, mid + middle + codes))
        if self.broker_version and self.subscribed[-1][0] == "$SYS/broker/version":
            version = self.broker_version.encode()
            self.publish(version, "$SYS/broker/version", qos=0, retain=True)

    def _take_unsubscribe(self, body: bytes) -> None:
        mid, rest = body[:2], body[2:]
        if self._level == 5:
            rest = rest[1 + rest[0] :]
        names = [topics for topics, _ in _filters(rest, options=False)]
        self.unsubscribed += names
        codes = b"\0" + bytes(len(names)) if self._level == 5 else b""
        self.send(packet(Packet.UNSUBACK, mid + codes))


def _filters(rest: bytes, *, options: bool) -> list[tuple[str, int]]:
    found = []
    while rest:
        (length,) = struct.unpack("!H", rest[:2])
        name, rest = rest[2 : 2 + length].decode(), rest[2 + length :]
        found.append((name, rest[0] if options else 0))
        rest = rest[1:] if options else rest
    return found


@dataclasses.dataclass
class Memory:
    """What would survive a crash of callmon."""

    events: list[Event] = dataclasses.field(default_factory=list)
    ids: set[int] = dataclasses.field(default_factory=set)
    position: Position | None = None


class Desk(FeedDesk[MqttFeed]):
    """Takes what the feed says, in the place of the app and its journal.

    ``commit_after`` seconds what was told is durable; None: when ``commit`` is called. A
    desk with the *memory* of another goes on after its crash.
    """

    def __init__(
        self,
        ours: MqttSettings,
        clock: Clock | None = None,
        memory: Memory | None = None,
        commit_after: float | None = 0.0,
    ) -> None:
        self.clock = clock or ManualClock()
        self.memory = memory or Memory()
        super().__init__(self.memory.position)
        self.events = list(self.memory.events)
        self.ids = set(self.memory.ids)
        self.repeated = 0  #: events that were told before
        self.commit_after = commit_after
        self.storing = True
        self.room = asyncio.Event()
        self.room.set()
        self._done: list[Any] = []
        emit: Emit = self._emit
        self.feed = MqttFeed(
            ours,
            FeedContext(
                clock=self.clock,
                emit=emit,
                up=lambda up, reason: self.said.append((up, reason)),
                count_drop=self.count,
                gap=lambda length, reason: self.gaps.append((length, reason)),
                current=lambda _looked_at: self.current.append(len(self.events)),
                account=self.accounts.append,
                room=self._has_room,
                storing=lambda: self.storing,
                resume=self.memory.position,
            ),
        )

    @property
    def up(self) -> bool | None:
        """What was said last."""
        return self.said[-1][0] if self.said else None

    @property
    def contacts(self) -> list[str]:
        """Return who has joined, in order."""
        return [event.contact for event in self.events if isinstance(event, ContactJoined)]

    def commit(self) -> None:
        """Make durable what was told, and say so."""
        self.memory.events = list(self.events)
        self.memory.ids = set(self.ids)
        self.memory.position = self.position
        done, self._done = self._done, []
        for one in done:
            one()

    def _emit(
        self,
        events: Sequence[Event],
        position: Position | None = None,
        *,
        ids: Sequence[int | None] = (),
        done: Any = None,
    ) -> None:
        assert len(ids) in {0, len(events)}
        for event, one in zip(events, ids or [None] * len(events), strict=True):
            if one is not None and one in self.ids:
                self.repeated += 1
                continue
            if one is not None:
                self.ids.add(one)
            self.events.append(event)
        self.position = self.position if position is None else position
        if events:
            self.batches.append(len(events))
        if done is not None:
            self._done.append(done)
            if self.commit_after is not None:
                asyncio.get_running_loop().call_later(self.commit_after, self.commit)

    async def _has_room(self) -> None:
        await self.room.wait()
