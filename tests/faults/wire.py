"""A wire between callmon and the broker that a test can cut, and that reads what goes over it.

It knows which events the broker has handed to callmon how often, and which callmon has
acknowledged: those must never be missing.
"""

import asyncio
import contextlib
import dataclasses
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from enum import StrEnum

from callmon.clock import SECOND, Clock, Micros

__all__ = ["Conversation", "Cut", "Ledger", "Packets", "Wire", "wired"]

CHUNK_BYTES = 65_536
WAITS_FOR_ONE: Micros = 30 * SECOND
"""So long a cut waits for a connection to break, or for something to go over it."""

PUBLISH, PUBACK = 3, 4
TOLD_AS = re.compile(rb'"id": ?"([^"]+)"')


class Cut(StrEnum):
    """Ways to break a connection."""

    CLEAN = "clean"  #: both ends are closed
    RESET = "reset"  #: as by a firewall that forgot the connection
    MESSAGE = "message"  #: in the middle of what the broker sends
    ACKS = "acks"  #: what callmon sends gets lost, then both ends are closed


class Packets:
    """Takes a stream of MQTT apart."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Return the packets that *data* completes: first byte and what follows the length."""
        data = self._rest + data
        at = 0
        while (head := _head(data, at)) is not None:
            begin, end = head
            if end > len(data):
                break
            yield data[at], data[begin:end]
            at = end
        self._rest = data[at:]


def _head(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the body of the packet at *at* begins and ends; None: not known yet."""
    length = _number(data, at + 1)
    if length is None:
        return None
    begin, size = length
    return begin, begin + size


def _number(data: bytes, at: int) -> tuple[int, int] | None:
    """Return what follows a number of variable length, and the number."""
    value = shift = 0
    for place in range(at, len(data)):
        value |= (data[place] & 0x7F) << shift
        if data[place] < 0x80:
            return place + 1, value
        shift += 7
    return None


@dataclasses.dataclass(slots=True)
class Ledger:
    """Which events were handed over, and which of them acknowledged."""

    delivered: Counter[str] = dataclasses.field(default_factory=Counter)
    acknowledged: set[str] = dataclasses.field(default_factory=set)
    messages: int = 0
    acks: int = 0
    marked: int = 0  #: messages that the broker itself called a repetition
    most_open: int = 0  #: most messages under way without an acknowledgement


class Conversation:
    """One connection: what was handed over in it by which packet id."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._from_broker = Packets()
        self._from_callmon = Packets()
        self._open: dict[int, list[str]] = {}

    def sent(self, data: bytes) -> None:
        """Take what the broker has sent."""
        ledger = self._ledger
        for first, body in self._from_broker.feed(data):
            if first >> 4 != PUBLISH or not first & 0x06:
                continue
            topic_end = 2 + struct.unpack_from(">H", body)[0]
            (packet_id,) = struct.unpack_from(">H", body, topic_end)
            ids = [each.decode() for each in TOLD_AS.findall(body, topic_end + 2)]
            self._open[packet_id] = ids
            ledger.delivered.update(ids)
            ledger.messages += 1
            ledger.marked += bool(first & 0x08)
            ledger.most_open = max(ledger.most_open, len(self._open))

    def heard(self, data: bytes) -> None:
        """Take what callmon has sent."""
        ledger = self._ledger
        for first, body in self._from_callmon.feed(data):
            if first >> 4 == PUBACK:
                (packet_id,) = struct.unpack_from(">H", body)
                ledger.acknowledged.update(self._open.pop(packet_id, ()))
                ledger.acks += 1


class Wire:
    """Carries bytes between whoever connects and *port*."""

    def __init__(self, port: int, clock: Clock) -> None:
        self.ledger = Ledger()
        self.cuts: Counter[Cut] = Counter()
        self.connections = 0
        self._port = port
        self._clock = clock
        self._cutting: Cut | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        with contextlib.suppress(OSError):
            there = await asyncio.open_connection("127.0.0.1", self._port)
            self.connections += 1
            ends = writer, there[1]
            self._writers.update(ends)
            conversation = Conversation(self.ledger)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry_in(there[0], ends, conversation))
                group.create_task(self._carry_out(reader, ends, conversation))
        writer.close()

    async def _carry_in(
        self,
        reader: asyncio.StreamReader,
        ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        conversation: Conversation,
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if self._cutting is Cut.MESSAGE:
                    ends[0].write(chunk[: len(chunk) // 2])
                    await ends[0].drain()
                    self._cutting = None
                    break
                conversation.sent(chunk)
                ends[0].write(chunk)
                await ends[0].drain()
        self._close(ends)

    async def _carry_out(
        self,
        reader: asyncio.StreamReader,
        ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        conversation: Conversation,
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                conversation.heard(chunk)
                if self._cutting is Cut.ACKS:
                    ends[1].write(chunk[: len(chunk) // 2])
                    await ends[1].drain()
                    self._cutting = None
                    break
                ends[1].write(chunk)
                await ends[1].drain()
        self._close(ends)

    def _close(self, writers: tuple[asyncio.StreamWriter, ...], *, reset: bool = False) -> None:
        for writer in writers:
            self._writers.discard(writer)
            if reset:
                writer.transport.abort()
            writer.close()

    async def cut(self, how: Cut) -> None:
        """Break the connection; waits until there is one to break."""
        await self._until(lambda: bool(self._writers))
        if how in {Cut.MESSAGE, Cut.ACKS}:
            self._cutting = how
            await self._until(lambda: self._cutting is None)
        else:
            if how is Cut.RESET:
                self._linger_no_more()
            self._close(tuple(self._writers), reset=how is Cut.RESET)
        self.cuts[how] += 1

    def _linger_no_more(self) -> None:
        for writer in self._writers:
            peer: socket.socket = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def _until(self, true: Callable[[], bool]) -> None:
        end = self._clock.monotonic() + WAITS_FOR_ONE
        while not true():
            if self._clock.monotonic() > end:
                raise TimeoutError("nobody to cut off")
            await self._clock.sleep(SECOND // 100)


@contextlib.asynccontextmanager
async def wired(to: int, clock: Clock) -> AsyncIterator[tuple[Wire, int]]:
    """Serve a wire that ends at port *to*; return it and its own port."""
    wire = Wire(to, clock)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    try:
        yield wire, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        wire._close(tuple(wire._writers))
