"""Users and passwords of the HTTP server, as the exporter-toolkit checks them.

Source: https://github.com/prometheus/exporter-toolkit/blob/master/web/handler.go
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping

import bcrypt

__all__ = ["BasicAuth"]

MAX_PASSWORD_CHECKS = 32
"""Waiting at once: each costs up to a quarter second of a core."""
MAX_REMEMBERED = 1_000
"""Verified pairs of user and password: there are no more users than that."""

_BCRYPT_BYTES = 72
_COST = slice(4, 6)


class BasicAuth:
    """Checks user and password against bcrypt hashes.

    bcrypt is slow on purpose: it runs in a thread, for few at once, and a pair that was
    good is remembered under a keyed hash. An unknown user costs as much as a known one.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = {name: secret.encode() for name, secret in users.items()}
        cost = max((secret[_COST] for secret in users.values()), default="10")
        self._nobody = f"$2b${cost}${'.' * 53}".encode()
        self._key = secrets.token_bytes(32)
        self._good: set[bytes] = set()
        self._slots = asyncio.Semaphore(2)
        self._waiting = 0

    async def verdict(self, header: str) -> bool | None:
        """Judge an ``Authorization`` header; None when too many are being judged."""
        kind, _, encoded = header.partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            pair = base64.b64decode(encoded.strip(), validate=True)
            name = pair.partition(b":")[0].decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        secret = self._users.get(name)
        proof = hmac.digest(self._key, pair + b"\0" + (secret or b""), hashlib.sha256)
        if secret is not None and proof in self._good:
            return True
        if self._waiting >= MAX_PASSWORD_CHECKS:
            return None
        # As everywhere, only the first 72 bytes of a password count.
        password = pair.partition(b":")[2][:_BCRYPT_BYTES]
        good = await self._check(password, secret or self._nobody) and secret is not None
        if good:
            if len(self._good) >= MAX_REMEMBERED:
                self._good.clear()
            self._good.add(proof)
        return good

    async def _check(self, password: bytes, secret: bytes) -> bool:
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(bcrypt.checkpw, password, secret)
        except ValueError:  # a password that bcrypt cannot take
            return False
        finally:
            self._waiting -= 1
