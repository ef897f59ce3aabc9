"""The receiving end of a connection: takes whatever comes, at once, and keeps it.

Asterisk closes the session of a client that lets it wait for longer than ``writetimeout``,
0.1 s by default (``send_string`` in its ``manager.c``), and what it had queued is lost. So
nothing is decoded where bytes arrive, and reading is never paused.
"""

import asyncio
import socket
from collections import deque

from callmon.clock import Clock, Micros
from callmon.feeds.base import Tap

__all__ = ["MAX_BACKLOG_BYTES", "AmiStream"]

MAX_BACKLOG_BYTES = 64 * 1024 * 1024
"""Some 60,000 events: whoever is that far behind had better look at the queues anew."""

CHUNK_BYTES = 200
"""What a chunk costs beside its bytes: a peer must not fill the memory byte by byte."""


class AmiStream(asyncio.Protocol):
    """One connection's bytes, each chunk with the time by our clock at which it came."""

    def __init__(self, clock: Clock, limit: int, tap: Tap) -> None:
        self.backlog = 0  #: bytes that have come and are not taken, chunks' cost included
        self.connected = False
        self.ended: str | None = None  #: why nothing more will come
        self.overflowed = False
        self.heard_at: Micros = clock.now()
        self.heard: Micros = clock.monotonic()
        self.changed = asyncio.Event()  #: something has come, or has ended
        self.closed = asyncio.Event()
        self._clock = clock
        self._limit = limit
        self._tap = tap
        self._chunks: deque[tuple[Micros, bytes]] = deque()
        self._taken = 0  #: bytes of the first chunk
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have the system ask, too, whether the peer is there when all is quiet."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"expected a stream, found {type(transport).__name__}")
        self._transport = transport
        self.connected = True
        self._tap("mark", b"connected")
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """Keep *data*; beyond the limit, end the connection instead."""
        self._tap("received", data)
        if self.overflowed:
            return
        cost = len(data) + CHUNK_BYTES
        if self.backlog + cost > self._limit:
            self.overflowed = True
            self._end(f"more than {self._limit} bytes came before they could be used")
            self.abort()
            return
        self.heard_at, self.heard = self._clock.now(), self._clock.monotonic()
        self.backlog += cost
        self._chunks.append((self.heard_at, data))
        self.changed.set()

    def eof_received(self) -> None:
        """Have the transport close itself."""
        self._tap("mark", b"eof")
        self._end("the other side closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._end(f"the connection broke: {exc}" if exc else "the connection was closed")
        self.connected = False
        self._tap("mark", f"error: {type(exc).__name__}".encode() if exc else b"drop")
        self.closed.set()

    def take(self, size: int) -> tuple[Micros, bytes] | None:
        """Return the oldest bytes, *size* at most, and when they came; None: there is none."""
        if not self._chunks:
            return None
        at, chunk = self._chunks[0]
        data = chunk[self._taken : self._taken + size]
        self._taken += len(data)
        self.backlog -= len(data)
        if self._taken == len(chunk):
            self._chunks.popleft()
            self._taken = 0
            self.backlog -= CHUNK_BYTES
        return at, data

    def write(self, data: bytes) -> None:
        """Send *data*."""
        if self._transport is not None:
            self._tap("sent", data)
            self._transport.write(data)

    def abort(self) -> None:
        """Let the connection go at once."""
        if self._transport is not None:
            self._transport.abort()

    def _end(self, reason: str) -> None:
        self.ended = self.ended or reason
        self.changed.set()
