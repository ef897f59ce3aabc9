"""Tests of passwords: the right ones pass, the others cost the same and tell nothing."""

import asyncio
import base64
from collections.abc import Iterator

import bcrypt
import pytest

from callmon import basic_auth
from callmon.basic_auth import BasicAuth

pytestmark = pytest.mark.anyio

SECRET = "客服 pass:word"
HASH = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()


def basic(user: str, password: str) -> str:
    """Return the header of a browser."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Return the list of hashes that bcrypt was asked about."""
    asked: list[bytes] = []
    original = bcrypt.checkpw

    def checkpw(password: bytes, secret: bytes) -> bool:
        asked.append(secret)
        return original(password, secret)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return iter([asked])


async def test_the_right_pair_passes_and_is_remembered(checks: Iterator[list[bytes]]) -> None:
    """Asked once; a colon and any script may be in a password."""
    auth, asked = BasicAuth({"ann": HASH}), next(checks)

    first = await auth.verdict(basic("ann", SECRET))
    second = await auth.verdict(basic("ann", SECRET))

    assert (True, True, 1) == (first, second, len(asked))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !",
        "Basic /w==",
        "Bearer abc",
        basic("ann", ""),
        basic("ann", SECRET + "x"),
        basic("bob", SECRET),
        basic("ann:", SECRET),
        basic("ann", "nul\0"),
    ],
)
async def test_anything_else_does_not(header: str) -> None:
    """Wrong, unknown, broken or another scheme: no."""
    auth = BasicAuth({"ann": HASH})
    await auth.verdict(basic("ann", SECRET))

    assert False is await auth.verdict(header)


async def test_an_unknown_user_costs_as_much_as_a_known_one(
    checks: Iterator[list[bytes]],
) -> None:
    """One check of the same cost, so time does not tell who exists."""
    auth, asked = BasicAuth({"ann": HASH}), next(checks)

    await auth.verdict(basic("ann", "wrong"))
    await auth.verdict(basic("bob", "wrong"))
    await auth.verdict(basic("bob", "wrong"))

    assert [b"$2b$04$"] * 3 == [secret[:7] for secret in asked]


async def test_only_the_first_72_bytes_count() -> None:
    """As with htpasswd and Prometheus: what bcrypt cannot take is cut, not refused."""
    long = "x" * 72
    auth = BasicAuth({"ann": bcrypt.hashpw(long.encode(), bcrypt.gensalt(4)).decode()})

    assert True is await auth.verdict(basic("ann", long + "and more"))


async def test_a_flood_of_guesses_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the cap nobody waits, and those who were let in before still are."""
    monkeypatch.setattr(basic_auth, "MAX_PASSWORD_CHECKS", 3)
    auth = BasicAuth({"ann": HASH})
    await auth.verdict(basic("ann", SECRET))

    guesses = [auth.verdict(basic("ann", str(number))) for number in range(5)]
    *verdicts, known = await asyncio.gather(*guesses, auth.verdict(basic("ann", SECRET)))

    assert [False] * 3 + [None] * 2 == verdicts
    assert known is True


async def test_an_unknown_user_never_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if a password were found for the hash that stands in for theirs."""
    monkeypatch.setattr(bcrypt, "checkpw", lambda _password, _secret: True)

    assert False is await BasicAuth({"ann": HASH}).verdict(basic("bob", "found"))
