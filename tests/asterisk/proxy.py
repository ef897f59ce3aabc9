"""A wire between callmon and the telephone system that a test can cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from callmon.clock import SECOND, Clock

__all__ = ["Wire", "wired"]

LOGGED_IN = b"Authentication accepted"
CONNECTED_WITHIN_S = 45.0
"""The longest pause between two attempts, and the time to log in."""

CHUNK_BYTES = 65_536


class Wire:
    """Carries bytes both ways, and knows when somebody was logged in."""

    def __init__(self, port: int, clock: Clock) -> None:
        self.cuts = 0
        self.sessions: list[tuple[float, float]] = []
        self._port = port
        self._clock = clock
        self._opened: float | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._down = False
        self._cut_inside = False

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now() / SECOND

    @property
    def is_up(self) -> bool:
        """Whether somebody is logged in."""
        return self._opened is not None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        with contextlib.suppress(OSError):
            if not self._down:
                there = await asyncio.open_connection("127.0.0.1", self._port)
                self._writers |= {writer, there[1]}
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._carry_in(there[0], writer, there[1]))
                    group.create_task(self._carry_out(reader, there[1], writer))
        writer.close()

    async def _carry_out(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()
        self._close(writer, back)

    async def _carry_in(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if LOGGED_IN in chunk:
                    self._opened = self.now
                if self._cut_inside:
                    writer.write(chunk[: len(chunk) // 2])
                    await writer.drain()
                    self._cut_inside = False
                    break
                writer.write(chunk)
                await writer.drain()
        self._close(writer, back)

    def _close(self, *writers: asyncio.StreamWriter) -> None:
        if self._opened is not None:
            self.sessions.append((self._opened, self.now))
            self._opened = None
        for writer in writers:
            self._writers.discard(writer)
            writer.close()

    async def _until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(CONNECTED_WITHIN_S):
            while not true():
                await self._clock.sleep(SECOND // 100)

    async def cut(self, down_s: float, *, inside: bool = False) -> None:
        """Break the connection for a while; *inside* a chunk, so mostly inside a message.

        Waits until there is one to break.
        """
        await self._until(lambda: self.is_up)
        self.cuts += 1
        self._down = True
        if inside:
            self._cut_inside = True
            await self._until(lambda: not self._cut_inside)
        else:
            self._close(*self._writers)
        await self._clock.sleep(int(down_s * SECOND))
        self._down = False


@contextlib.asynccontextmanager
async def wired(port: int, to: int, clock: Clock) -> AsyncIterator[Wire]:
    """Serve a wire on *port* that ends at port *to*."""
    wire = Wire(to, clock)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", port)
    try:
        yield wire
    finally:
        server.close()
        wire._close(*wire._writers)
