"""A mail server that keeps what it is given: as much of RFC 5321 as Alertmanager speaks.

It insists on STARTTLS and on a password, as the mail servers of companies do.
"""

import asyncio
import base64
import contextlib
import dataclasses
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage

__all__ = ["Mail", "SmtpSink", "smtp_sink"]


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """One message as it arrived."""

    recipient: str
    user: str
    password: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.message["Subject"])

    def body(self, kind: str) -> str:
        """Return the part ``plain`` or ``html``, decoded."""
        part = self.message.get_body((kind,))
        assert part is not None, f"no {kind} part"
        content: str = part.get_content()
        return content.replace("\r\n", "\n")


class SmtpSink:
    """Takes mail from those who encrypt and log in."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self.mails: list[Mail] = []
        self.port = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        encrypted, user, password, recipient = False, "", "", ""
        writer.write(b"220 sink.example ESMTP\r\n")
        while line := (await reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            answer = "250 ok"
            match verb.upper():
                case "EHLO":
                    offer = "AUTH PLAIN" if encrypted else "STARTTLS"
                    answer = f"250-sink.example\r\n250 {offer}"
                case "STARTTLS":
                    writer.write(b"220 go ahead\r\n")
                    await writer.start_tls(self._tls)
                    encrypted, answer = True, ""
                case "AUTH" if encrypted:
                    _, user, password = (
                        base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
                    )
                    answer = "235 welcome"
                case "MAIL" if not user:
                    answer = "530 log in first"
                case "RCPT":
                    recipient = rest.partition("<")[2].partition(">")[0]
                case "DATA":
                    writer.write(b"354 end with a dot\r\n")
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append(
                        Mail(recipient, user, password, _parsed(raw.removesuffix(b".\r\n")))
                    )
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    await writer.drain()
                    return
                case _:
                    pass
            if answer:
                writer.write(f"{answer}\r\n".encode())
            await writer.drain()


def _parsed(raw: bytes) -> EmailMessage:
    # A line that begins with a dot has one more on its way (RFC 5321, 4.5.2).
    plain = raw.replace(b"\r\n..", b"\r\n.")
    return email.message_from_bytes(plain, EmailMessage, policy=email.policy.default)


@contextlib.asynccontextmanager
async def smtp_sink(tls: ssl.SSLContext) -> AsyncIterator[SmtpSink]:
    """Serve an ``SmtpSink`` on a free port of localhost."""
    sink = SmtpSink(tls)
    server = await asyncio.start_server(sink.talk, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()
