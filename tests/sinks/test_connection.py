"""What an Alertmanager, or something in its place, may answer."""

import pytest

from callmon.errors import SinkError, SinkReason
from callmon.sinks.base import HttpResponse
from callmon.sinks.connection import Alertmanager, Connection
from tests.sinks.scripted_alertmanager import CountedDeliveries

pytestmark = pytest.mark.anyio

NOT_UTF_8 = b"\xff\xfe"
DEEP = b"[" * 200_000


class Stranger:
    """Answers everything with the same."""

    def __init__(self, status: int, body: bytes) -> None:
        self._answer = HttpResponse(status, body)

    async def request(
        self,
        method: str,  # noqa: ARG002 - as ``HttpClient`` has it
        url: str,  # noqa: ARG002 - as ``HttpClient`` has it
        *,
        json: bytes | None = None,  # noqa: ARG002 - as ``HttpClient`` has it
    ) -> HttpResponse:
        """See ``HttpClient``."""
        return self._answer


def asked(body: bytes, status: int = 200) -> Connection:
    """Return a connection to one who answers *body*."""
    peer = Alertmanager(name="am", url="http://peer", client=Stranger(status, body))
    return Connection(peer, CountedDeliveries())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<html>",
        NOT_UTF_8,
        b'[{"id": 1, "labels": 1}]',
        b'[{"id": "s", "comment": "%b"}]' % NOT_UTF_8,
        b'[{"labels": {"queue": "%b"}, "status": {"state": "active"}}]' % NOT_UTF_8,
        b'{"uptime": "%b"}' % NOT_UTF_8,
        b'{"uptime": "yesterday"}',
        b'{"uptime": "2026-11-22T18:00:00"}',
        b'[{"x": ' + DEEP,
        b'{"x": ' + DEEP,
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_nonsense_is_a_failure_of_the_sink(body: bytes) -> None:
    """Anything else would end the daemon. Each answer is nonsense to at least two questions."""
    connection = asked(body)
    for question in (connection.alerts, connection.silences, connection.started_at):
        with pytest.raises(SinkError) as caught:
            await question()
        assert SinkReason.FAILED == caught.value.reason
        assert str(caught.value).startswith("am: expected ")


@pytest.mark.parametrize("page", [b"<!doctype html><form>", b"\r\n <html>"])
async def test_a_login_page_has_not_taken_an_alert(page: bytes) -> None:
    """A proxy that shows one with "200 OK" tells nobody of a breach."""
    with pytest.raises(SinkError, match="expected an Alertmanager, found a web page") as caught:
        await asked(page).post([])
    assert (SinkReason.REFUSED, True) == (caught.value.reason, caught.value.retry)


async def test_an_alertmanager_that_takes_alerts_says_nothing() -> None:
    """As 0.28 and 0.33 do; what others add does no harm."""
    for body in (b"", b"\n", b"{}"):
        await asked(body).post([])
