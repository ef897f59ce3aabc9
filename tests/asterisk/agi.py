"""FastAGI: how a channel of Asterisk is played by a coroutine.

Written after Asterisk's res_agi: a header of ``agi_…`` lines, then commands and replies, with a
line ``HANGUP`` in between when the other side is gone.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["HungUp", "Session", "served"]

REPLY_TIMEOUT_S = 30.0
"""Longest command: keys are sent, or a channel answered; both take less than a second."""


class HungUp(Exception):  # noqa: N818  # no error: people do that
    """The channel is gone."""


class Session:
    """One channel that asks what to do."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.header: dict[str, str] = {}
        self.ended = asyncio.Event()
        self._reader, self._writer = reader, writer
        self._replies: asyncio.Queue[str] = asyncio.Queue()

    @property
    def script(self) -> str:
        """What the dialplan asked for."""
        return self.header.get("agi_network_script", "")

    def argument(self, number: int) -> str:
        """Return an argument of the dialplan, counted from 1; empty when it gave none."""
        return self.header.get(f"agi_arg_{number}", "")

    async def begin(self) -> None:
        """Read the header."""
        while line := (await self._line()).rstrip("\r\n"):
            key, _, value = line.partition(":")
            self.header[key] = value.strip()

    async def read(self) -> None:
        """Read until the end; whoever waits for a reply then knows."""
        with contextlib.suppress(OSError):
            while line := await self._line():
                if line.startswith("HANGUP"):
                    self.ended.set()
                elif line[:3].isdigit():
                    self._replies.put_nowait(line.rstrip())
        self.ended.set()
        self._replies.put_nowait("")

    async def _line(self) -> str:
        return (await self._reader.readline()).decode("utf-8", "replace")

    async def command(self, text: str) -> str:
        """Send a command and return the reply.

        Raises:
            HungUp: The channel is gone.
        """
        try:
            self._writer.write(f"{text}\n".encode())
            await self._writer.drain()
            reply = await asyncio.wait_for(self._replies.get(), REPLY_TIMEOUT_S)
        except (OSError, TimeoutError) as error:
            raise HungUp from error
        if not reply or reply.startswith("511"):  # not permitted on a dead channel
            raise HungUp
        return reply

    async def wait(self, delay_s: float) -> bool:
        """Wait; False at once when the other side hangs up."""
        try:
            await asyncio.wait_for(self.ended.wait(), delay_s)
        except TimeoutError:
            return True
        return False

    async def hang_up(self) -> None:
        """End the channel."""
        with contextlib.suppress(HungUp):
            await self.command("HANGUP")


@contextlib.asynccontextmanager
async def served(play: Callable[[Session], Awaitable[None]], port: int) -> AsyncIterator[None]:
    """Have *play* play every channel that asks on *port*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader, writer)
        with contextlib.suppress(HungUp, OSError):
            await session.begin()
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(session.read())
                with contextlib.suppress(HungUp):
                    await play(session)
                reading.cancel()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024)
    try:
        yield
    finally:
        server.close()
