"""One session with an Asterisk: connected, greeted, logged in, and closed.

Every wait for the other side ends after a time. Source of the dialogue: ``session_do``,
``authenticate`` and ``action_challenge`` in Asterisk's ``manager.c``.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
import ssl
from collections import deque
from collections.abc import Mapping

from callmon.clock import SECOND, Micros, next_turn, wait_at_most
from callmon.decode.ami import AmiDecoder, Message, encode_action
from callmon.errors import DecodeError, DecodeReason, FeedError, FeedReason
from callmon.feeds.ami_stream import MAX_BACKLOG_BYTES, AmiStream
from callmon.feeds.base import FeedContext
from callmon.feeds.settings import AmiLogin, AmiTls, AsteriskAmiSettings

__all__ = ["STEP", "AmiSession", "Received"]

CONNECT_TIMEOUT_S = 10.0
BANNER_TIMEOUT: Micros = 10 * SECOND
LOGIN_TIMEOUT: Micros = 15 * SECOND
"""A refused login is answered after a second; a PBX under load takes its time as well."""

CLOSE_TIMEOUT_S = 1.0

STEP: Micros = SECOND // 5
"""The longest wait for bytes before looking at the clock again."""

SLICE_BYTES = 32 * 1024
"""Some 30 events: about a millisecond of work for the event loop."""

OLDEST_AMI = 2
"""Asterisk 12; the events of older ones have other names."""

EVENT_MASK = "agent,call,system,dialplan"
"""What is of use; the account may allow less."""

OVERFLOW = "overflow"
"""Reason of a drop: how much was lost with the connection nobody knows."""

NO_TLS = "WRONG_VERSION_NUMBER"
"""OpenSSL's word for an answer that is no TLS at all."""

AUTHENTICATION = "authentication"
"""All that Asterisk tells of a login it refuses, whatever the reason."""

REFUSALS = (AUTHENTICATION, "permission")
"""Words of an answer that another try does not change: the password is wrong, say. Others do
change: Asterisk is shutting down, or a half-open session of ours has not ended yet."""

MAX_QUOTE = 120
"""Characters of what the other side says that are shown to people."""

_UNPRINTABLE = re.compile(r"[^ -~]")

Received = tuple[Message, Micros]
"""A message, and when its last byte came, by our clock."""


class AmiSession:
    """A connection to the Manager Interface, for one feed and one try."""

    def __init__(
        self,
        settings: AsteriskAmiSettings,
        context: FeedContext,
        wanted: frozenset[str],
        limit: int = MAX_BACKLOG_BYTES,
    ) -> None:
        self.address = f"{settings.host}:{settings.port}"
        self.stream = AmiStream(context.clock, limit, context.tap)
        self.decoder = AmiDecoder(wanted)
        self._settings = settings
        self._clock = context.clock
        self._count_drop = context.count_drop
        self._early: deque[Received] = deque()
        self._actions = 0
        self._prefix = secrets.token_hex(8)

    # ---- life ---------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and log in.

        Raises:
            FeedError: with where, what was expected and what was found; ``retry`` is False
                where only a person can help.
        """
        await self._connect()
        await self._greet()
        await self._login()

    async def close(self) -> None:
        """Let the connection go; nothing is left behind."""
        self.stream.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if self.stream.connected:
                    await self.stream.closed.wait()

    def failure(self) -> FeedError:
        """Return why the connection has ended, as an error."""
        if self.stream.overflowed:
            self._count_drop("read", OVERFLOW)
        return FeedError(FeedReason.LOST, f"{self.address}: {self.stream.ended}")

    # ---- talking ------------------------------------------------------------------

    def send(self, name: str, fields: Mapping[str, str] | None = None) -> str:
        """Send an action; return its ActionID, which nobody else can know."""
        self._actions += 1
        action = f"{self._prefix}{secrets.token_hex(8)}-{self._actions}"
        self.stream.write(encode_action(name, {"ActionID": action, **(fields or {})}))
        return action

    def receive(self) -> list[Received] | None:
        """Return the messages in the next bytes that have come; None: none have come.

        Raises:
            FeedError: what came is no AMI, or cannot be told apart any more.
        """
        if self._early:
            early = list(self._early)
            self._early.clear()
            return early
        taken = self.stream.take(SLICE_BYTES)
        if taken is None:
            return None
        at, data = taken
        torn = self.decoder.fragments
        try:
            messages = self.decoder.decode(data)
        except DecodeError as error:
            self._count_drop("decode", error.reason)
            # A session that does not begin as one will not the next time, either.
            begun = self.decoder.banner is not None
            text = f"{self.address}: {self.quoted(str(error))}"
            reason = FeedReason.LOST if begun else FeedReason.MISSING
            raise FeedError(reason, text, retry=begun) from error
        if self.decoder.fragments > torn:
            self._count_drop("decode", DecodeReason.FORGED, self.decoder.fragments - torn)
        return [(message, at) for message in messages]

    async def wait(self, longest: Micros = STEP) -> None:
        """Return when bytes have come, the connection has ended, or *longest* has passed."""
        changed = self.stream.changed
        if not changed.is_set():
            await wait_at_most(self._clock, longest, changed)
        changed.clear()

    def quoted(self, text: str) -> str:
        """Return what the other side has said, fit to be shown: short, and no secret in it."""
        text = text.replace(self._settings.secret.reveal(), "<secret>")
        return _UNPRINTABLE.sub("?", text)[:MAX_QUOTE]

    # ---- opening ------------------------------------------------------------------

    async def _connect(self) -> None:
        settings = self._settings
        tls = await asyncio.to_thread(self._trust, settings.tls) if settings.tls else None
        name = None if settings.tls is None else settings.tls.server_name or settings.host
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: self.stream,
                    settings.host,
                    settings.port,
                    ssl=tls,
                    server_hostname=name,
                )
        except TimeoutError as error:
            text = (
                f"{self.address}: expected a connection, found none in {CONNECT_TIMEOUT_S:g} s"
            )
            raise FeedError(FeedReason.MISSING, text) from error
        except ssl.SSLCertVerificationError as error:
            text = f"{self.address}: the certificate is not trusted: {error.verify_message}"
            raise FeedError(FeedReason.DENIED, text) from error
        except ssl.SSLError as error:
            hint = " (is it the port without TLS?)" if error.reason == NO_TLS else ""
            text = f"{self.address}: expected TLS, found none that fits: {error.reason}{hint}"
            raise FeedError(FeedReason.MISSING, text) from error
        except OSError as error:
            text = f"{self.address}: expected a connection, found: {_cause(error)}"
            raise FeedError(FeedReason.MISSING, text) from error

    def _trust(self, tls: AmiTls) -> ssl.SSLContext:
        """Return how the certificate is trusted. It reads files: not for the event loop."""
        try:
            context = ssl.create_default_context(cafile=tls.ca_file)
        except (OSError, ValueError) as error:
            text = f"{tls.ca_file}: expected certificates (PEM), found: {error}"
            raise FeedError(FeedReason.MISSING, text) from error
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def _greet(self) -> None:
        """Read the banner and see that it is an Asterisk we understand."""
        deadline = self._clock.monotonic() + BANNER_TIMEOUT
        while self.decoder.banner is None:
            hint = "" if self._settings.tls else " (is it a port for TLS, or for HTTP?)"
            await self._advance(deadline, f"a greeting{hint}")
        version = self.decoder.version
        if version is None or version[0] < OLDEST_AMI:
            text = (
                f"{self.address}: expected AMI {OLDEST_AMI} or later (Asterisk 12),"
                f" found '{self.quoted(self.decoder.banner)}'"
            )
            raise FeedError(FeedReason.MISSING, text, retry=False)

    async def _login(self) -> None:
        settings = self._settings
        fields = {"Username": settings.username, "Events": EVENT_MASK}
        if settings.login is AmiLogin.PLAIN:
            fields["Secret"] = settings.secret.reveal()
        else:
            answer = await self._ask("Challenge", {"AuthType": "MD5"})
            challenge = answer.get("Challenge")
            if challenge is None:
                raise self._denied("a challenge", answer)
            text = challenge + settings.secret.reveal()
            # What the protocol has: Asterisk knows no better digest.
            digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
            fields |= {"AuthType": "MD5", "Key": digest}
        answer = await self._ask("Login", fields)
        if answer.get("Response") != "Success":
            raise self._denied(f"'{settings.username}' to be let in", answer)

    def _denied(self, expected: str, answer: Message) -> FeedError:
        said = self.quoted(answer.get("Message", answer.get("Response", "")))
        text = f"{self.address}: expected {expected}, found '{said}'"
        if AUTHENTICATION in said.lower():
            text += ": which of account, secret and permit is wrong, Asterisk's own log says"
        # Whoever tries a wrong password too often is shut out (fail2ban).
        refused = any(word in said.lower() for word in REFUSALS)
        return FeedError(FeedReason.DENIED, text, retry=not refused)

    async def _ask(self, name: str, fields: Mapping[str, str]) -> Message:
        """Send an action and return its response.

        What came before it was meant for nobody; what came with it waits for ``receive``.
        """
        action = self.send(name, fields)
        deadline = self._clock.monotonic() + LOGIN_TIMEOUT
        while True:
            received = await self._advance(deadline, f"an answer to {name}")
            for position, (message, _) in enumerate(received):
                if message.get("ActionID") == action and "Response" in message:
                    self._early.extend(received[position + 1 :])
                    return message

    async def _advance(self, deadline: Micros, expected: str) -> list[Received]:
        """Return what comes next, within the time for it."""
        while True:
            if self._clock.monotonic() >= deadline:
                text = f"{self.address}: expected {expected}, found none in time"
                raise FeedError(FeedReason.LOST, text)
            received = self.receive()
            if received is not None:
                await next_turn()
                return received
            if self.stream.ended is not None:
                text = f"{self.address}: expected {expected}, found: {self.stream.ended}"
                raise FeedError(FeedReason.LOST, text)
            await self.wait()


def _cause(error: OSError) -> str:
    """Return what the system says; asyncio writes addresses into it."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)
