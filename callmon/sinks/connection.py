"""One Alertmanager, as callmon asks it: API v2, every answer checked and counted.

Source: Alertmanager's ``api/v2/openapi.yaml``; tried on 0.28 and 0.33.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from callmon.clock import Micros
from callmon.errors import SinkError, SinkReason
from callmon.sinks.base import DeliveryMetrics, HttpClient, HttpResponse
from callmon.sinks.payload import ALERT_NAME, Labels, parse_rfc3339
from callmon.sinks.storm import STORM_NAME

__all__ = ["Alertmanager", "Connection", "Gettable", "Silence"]

_OK = 200
_BAD_REQUEST = 400
_SERVER_ERROR = 500

_OURS = urlencode({"filter": f'alertname=~"{ALERT_NAME}|{STORM_NAME}"'})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """One to post to. *name* goes into metrics and logs: an address without a password."""

    name: str
    url: str
    client: HttpClient


class _AlertStatus(msgspec.Struct):
    state: str
    silenced_by: list[str] = msgspec.field(name="silencedBy", default_factory=list)
    inhibited_by: list[str] = msgspec.field(name="inhibitedBy", default_factory=list)


class Gettable(msgspec.Struct):
    """An alert as Alertmanager shows it."""

    labels: dict[str, str]
    status: _AlertStatus
    fingerprint: str = ""
    updated_at: str = msgspec.field(name="updatedAt", default="")

    @property
    def key(self) -> Labels:
        """Return its identity."""
        return tuple(sorted(self.labels.items()))

    @property
    def suppressed(self) -> bool:
        """Tell whether it is silenced or inhibited: nobody is told of it."""
        return self.status.state == "suppressed"


class Silence(msgspec.Struct):
    """A silence as Alertmanager shows it."""

    id: str
    created_by: str = msgspec.field(name="createdBy", default="")
    comment: str = ""
    ends_at: str = msgspec.field(name="endsAt", default="")


class _Status(msgspec.Struct):
    uptime: str  #: despite its name the time of the start


_ALERTS = msgspec.json.Decoder(list[Gettable])
_SILENCES = msgspec.json.Decoder(list[Silence])
_STATUS = msgspec.json.Decoder(_Status)

_NONSENSE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What comes of reading it: text that is no UTF-8 and bottomless lists are not msgspec's."""


class Connection:
    """Asks one Alertmanager.

    Everything raises ``SinkError``: what was expected, what was found. Its ``retry`` is
    False only where sending the same again cannot help.
    """

    def __init__(self, peer: Alertmanager, metrics: DeliveryMetrics) -> None:
        self.name = peer.name
        self._client = peer.client
        self._base = f"{peer.url.rstrip('/')}/api/v2"
        self._metrics = metrics

    async def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Have it take *alerts*."""
        await self._ask("POST", "/alerts", msgspec.json.encode(alerts))

    async def alerts(self) -> list[Gettable]:
        """Return the alerts of callmon that it has."""
        answer = await self._ask("GET", f"/alerts?{_OURS}")
        try:
            return _ALERTS.decode(answer.body)
        except _NONSENSE as error:
            raise self._nonsense("a list of alerts", error) from error

    async def silences(self) -> dict[str, Silence]:
        """Return its silences, also those that are over, by id."""
        answer = await self._ask("GET", "/silences")
        try:
            return {silence.id: silence for silence in _SILENCES.decode(answer.body)}
        except _NONSENSE as error:
            raise self._nonsense("a list of silences", error) from error

    async def started_at(self) -> Micros:
        """Return when it was started, by its clock."""
        answer = await self._ask("GET", "/status")
        try:
            return parse_rfc3339(_STATUS.decode(answer.body).uptime)
        except _NONSENSE as error:
            raise self._nonsense("its status", error) from error

    def _nonsense(self, expected: str, error: Exception) -> SinkError:
        return SinkError(SinkReason.FAILED, f"{self.name}: expected {expected}: {error}")

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> HttpResponse:
        """Return the answer when it is good; count it either way."""
        try:
            answer = await self._client.request(method, f"{self._base}{path}", json=body)
            self._check(method, answer)
        except SinkError as error:
            self._metrics.posted(self.name, error.reason)
            raise
        self._metrics.posted(self.name, "accepted")
        return answer

    def _check(self, method: str, answer: HttpResponse) -> None:
        if answer.status == _OK:
            if method == "POST" and answer.body.lstrip().startswith(b"<"):
                # A proxy that asks for a password, say: nobody has taken anything.
                message = f"{self.name}: expected an Alertmanager, found a web page"
                raise SinkError(SinkReason.REFUSED, message)
            return
        server = answer.status >= _SERVER_ERROR
        reason = SinkReason.FAILED if server else SinkReason.REFUSED
        # 401 or 404 is about the address, and somebody may mend it; 400 is about the alert.
        retry = answer.status != _BAD_REQUEST or method == "GET"
        text = answer.body[:200].decode(errors="replace")
        message = f"{self.name}: expected 200, found {answer.status}: {text}"
        raise SinkError(reason, message, retry=retry)
