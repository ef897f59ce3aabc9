"""A road between callmon and an Alertmanager, or a broker, that a test can damage."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator
from enum import StrEnum

__all__ = ["Cutter", "Damage", "road", "steady_port"]

CHUNK_BYTES = 65_536
NOT_GIVEN_AWAY = (20_000, 32_000)

_given: set[int] = set()


class Damage(StrEnum):
    """Ways in which a road does not lead anywhere."""

    REFUSED = "refused"  #: nobody listens
    HANGING = "hanging"  #: connections are taken, and nothing comes of them
    ANSWERS_LOST = "answers_lost"  #: what is asked arrives, what is answered does not


def steady_port() -> int:
    """Return a port that stays free while the program behind it is away.

    Not one that the system gives to whoever connects, and never the same twice.
    """
    while True:
        port = random.SystemRandom().randrange(*NOT_GIVEN_AWAY)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port


class Cutter:
    """Carries bytes between whoever connects to its port and another one."""

    def __init__(self, to: int) -> None:
        self.port = steady_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections = 0
        self._to = to
        self._damage: Damage | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._carried: set[asyncio.Task[None]] = set()

    async def cut(self, how: Damage = Damage.REFUSED) -> None:
        """Break what stands, and let nothing through until it is mended."""
        self._damage = how
        if how is Damage.REFUSED:
            await self._unlisten()
        self._break()

    async def mend(self) -> None:
        """Carry again."""
        self._damage = None
        self._break()
        await self.listen()

    async def listen(self) -> None:
        """Take connections."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def close(self) -> None:
        """End everything."""
        await self._unlisten()
        self._break()
        while self._carried:
            await asyncio.wait(tuple(self._carried), timeout=1)

    async def _unlisten(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()

    def _break(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)
        self.connections += 1
        self._writers.add(writer)
        try:
            if self._damage is Damage.HANGING:
                await self._swallow(reader)
            else:
                await self._carry(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(CHUNK_BYTES):
                pass

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there_reader, there = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers.add(there)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass_on(reader, there))
                    if self._damage is Damage.ANSWERS_LOST:
                        group.create_task(self._swallow(there_reader))
                    else:
                        group.create_task(self._pass_on(there_reader, writer))
            finally:
                self._writers.discard(there)
                there.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def road(to: int) -> AsyncIterator[Cutter]:
    """Give a whole road to port *to*."""
    cutter = Cutter(to)
    await cutter.listen()
    try:
        yield cutter
    finally:
        await cutter.close()
