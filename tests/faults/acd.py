"""A telephone system that publishes what happens over MQTT, and keeps it until it is taken.

usage: python -m tests.faults.acd FOLDER SEED RATE PORT

Publishes to the broker at PORT with QoS 1 and writes to FOLDER/acd.truth what it means.
Whatever the broker has not acknowledged is sent again over the next connection, and with it
everything of the last seconds: a broker that was killed may have forgotten what it had
acknowledged. SIGUSR1: drops its connection. SIGTERM: lets nobody in any more, and ends when
the last one has left and the broker has everything.
"""

import asyncio
import collections
import contextlib
import datetime as dt
import itertools
import json
import random
import signal
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from callmon.clock import SECOND, Clock, Micros, SystemClock
from callmon.decode.messages import MessageDecoder
from callmon.feeds.settings import MqttSettings, TopicSettings
from tests.faults.traffic import ACD, Step, Traffic
from tests.faults.truth import Record, read_records, write_records

__all__ = ["Outbox", "main", "message_of", "numbers_of", "publish_again"]

TURN: Micros = SECOND // 50
TOLD_AGAIN: Micros = 8 * SECOND
"""What was sent so long before a new connection is sent over it once more."""

IN_FLIGHT = 500
AT_ONCE = 4
"""So many events may share a message."""

SHARED = 0.2
CONNECTED_WITHIN: Micros = 5 * SECOND


def message_of(step: Step, told_as: str, chance: random.Random) -> Mapping[str, Any]:
    """Return a native message; where there are several ways to say it, one by chance."""
    instant = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=step.at // 1_000)
    length_s = None if step.length is None else step.length / SECOND
    more: dict[str, Any]
    match step.kind:
        case "joined":
            more = {"type": "contact.joined"}
        case "rang":
            more = {
                "type": "contact.ring_not_answered",
                "agent": step.agent,
                "ring_s": length_s,
            }
        case "answered":
            more = {"type": "contact.answered", "agent": step.agent, "wait_s": length_s}
        case "ended":
            more = {
                "type": "contact.ended",
                "agent": step.agent,
                "ended_by": step.word,
                "talk_s": length_s,
            }
        case "refused":
            more = {"type": "contact.refused", "reason": step.word}
        case _ if chance.random() < 0.5:
            more = {"type": f"contact.{step.word}", "wait_s": length_s}
        case _:
            more = {"type": "contact.left", "outcome": step.word, "wait_s": length_s}
    at: str | int = step.at // 1_000
    if chance.random() < 0.5:
        at = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if chance.random() < 0.5:
        more["queue"] = step.queue
    return {**more, "at": at, "contact": step.contact, "id": told_as}


class Outbox:
    """Sends over one connection after the other, and forgets only what was acknowledged."""

    def __init__(self, port: int, clock: Clock) -> None:
        self._port = port
        self._clock = clock
        self._client: Client | None = None
        self._connected = False
        self._lost = False
        self._numbers = itertools.count()
        self._kept: dict[int, tuple[str, bytes]] = {}  #: not acknowledged
        self._recent: collections.deque[tuple[Micros, int, str, bytes]] = collections.deque()
        self._under_way: dict[int, int] = {}  #: by packet id
        self._taken: collections.deque[int] = collections.deque()  #: told by paho's thread
        self.connections = 0
        self.sent_again = 0

    @property
    def empty(self) -> bool:
        """Whether the broker has acknowledged everything."""
        return not self._kept

    def put(self, topic: str, payload: bytes) -> None:
        """Take a message, and send it if there is a connection."""
        number = next(self._numbers)
        self._kept[number] = topic, payload
        self._recent.append((self._clock.monotonic(), number, topic, payload))
        if self._connected:
            self._send(number, topic, payload)

    def drop(self) -> None:
        """Break the connection as a cable that is pulled out."""
        open_socket = None if self._client is None else self._client.socket()
        if isinstance(open_socket, socket.socket):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)

    async def look(self) -> None:
        """Take acknowledgements, and connect again where that is needed."""
        while self._taken:
            number = self._under_way.pop(self._taken.popleft(), None)
            if number is not None:
                self._kept.pop(number, None)
        oldest = self._clock.monotonic() - TOLD_AGAIN
        while self._recent and self._recent[0][0] < oldest:
            self._recent.popleft()
        if self._lost or self._client is None:
            await self._reconnect()

    def _send(self, number: int, topic: str, payload: bytes) -> None:
        assert self._client is not None
        sent = self._client.publish(topic, payload, qos=1)
        if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._under_way[sent.mid] = number
        else:
            self._lost = True

    async def _reconnect(self) -> None:
        self.close()
        self._lost = False
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id="faults-acd",
            protocol=MQTTv5,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(IN_FLIGHT)
        welcomed: list[bool] = []
        client.on_connect = lambda *args: welcomed.append(not args[3].is_failure)
        client.on_disconnect = lambda *_: self._lose(client)
        client.on_publish = lambda *args: self._taken.append(args[2])
        try:
            client.connect("127.0.0.1", self._port, keepalive=10)
        except OSError:
            return  # a broker that is away is asked again with the next look
        self._client = client
        client.loop_start()
        end = self._clock.monotonic() + CONNECTED_WITHIN
        while not welcomed and not self._lost and self._clock.monotonic() < end:
            await self._clock.sleep(TURN // 4)
        if self._lost or welcomed != [True]:
            self._lost = True
            return
        self._tell_again()

    def _lose(self, client: Client) -> None:
        if client is self._client:
            self._lost = True

    def _tell_again(self) -> None:
        self.connections += 1
        again = {number: (topic, payload) for _, number, topic, payload in self._recent}
        again.update(self._kept)
        self.sent_again += len(again)
        self._connected = True
        for number in sorted(again):
            self._send(number, *again[number])

    def close(self) -> None:
        """End the connection."""
        self._connected = False
        self._under_way.clear()
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()
        self._taken.clear()


def step_of(record: Record) -> Step:
    """Return a step that is told as the one of *record* was, but for the agent."""
    fields = {name: getattr(record, name) for name in ("at", "kind", "queue", "contact")}
    return Step(**fields, agent="SIP/100", word=record.word, length=record.length)


def numbers_of(records: Iterable[Record]) -> Mapping[str, int]:
    """Return by which numbers callmon knows what was told: by id of the message."""
    topics = (TopicSettings(template="acd/{queue}/events"),)
    decoder = MessageDecoder(
        MqttSettings(name="acd", source="acd", client_id="faults", topics=topics)
    )
    chance = random.Random(1)
    found = {}
    for record in records:
        payload = json.dumps(message_of(step_of(record), record.told_as, chance)).encode()
        topic = f"acd/{record.queue}/events"
        decoded = decoder.decode(topic, payload, retained=False, received=record.at, seq=1)
        (number,) = decoded.ids
        assert number is not None
        found[record.told_as] = number
    return found


def publish_again(folder: Path, port: int, count: int) -> int:
    """Publish the last *count* events once more, each in a message of its own."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="faults-again", protocol=MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    chance = random.Random(count)
    records = list(read_records([folder / f"{ACD.name}.truth"]))[-count:]
    for record in records:
        message = message_of(step_of(record), record.told_as, chance)
        sent = client.publish(f"acd/{record.queue}/events", json.dumps(message), qos=1)
        sent.wait_for_publish(10)
    client.disconnect()
    client.loop_stop()
    return len(records)


def _messages(
    steps: Sequence[Step], ids: Sequence[str], chance: random.Random
) -> Iterator[tuple[str, bytes]]:
    """Return topics and payloads, in order; some payloads hold several events."""
    by_queue: dict[str, list[Mapping[str, Any]]] = {}
    for step, told_as in zip(steps, ids, strict=True):
        by_queue.setdefault(step.queue, []).append(message_of(step, told_as, chance))
    for queue, messages in by_queue.items():
        rest = list(messages)
        while rest:
            count = chance.randint(2, AT_ONCE) if chance.random() < SHARED else 1
            some, rest = rest[:count], rest[count:]
            payload = some if len(some) > 1 else some[0]
            yield f"acd/{queue}/events", json.dumps(payload).encode()


async def main(folder: Path, seed: int, rate: float, port: int) -> None:
    """Publish until SIGTERM."""
    clock = SystemClock()
    chance = random.Random(seed)
    traffic = Traffic(ACD, seed=seed, rate=rate, start=clock.now())
    outbox = Outbox(port, clock)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, traffic.close)
    loop.add_signal_handler(signal.SIGUSR1, outbox.drop)
    told = itertools.count()
    with (folder / "acd.truth").open("a") as truth:
        while not (traffic.over and outbox.empty):
            await clock.sleep(TURN)
            await outbox.look()
            steps = traffic.until(clock.now())
            ids = [f"{step.contact}-{next(told)}" for step in steps]
            write_records(truth, steps, ids)
            truth.flush()
            for topic, payload in _messages(steps, ids, chance):
                outbox.put(topic, payload)
    outbox.close()
    sent = {"connections": outbox.connections, "sent_again": outbox.sent_again}
    (folder / "acd.json").write_text(json.dumps(sent))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
