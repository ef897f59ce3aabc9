"""An Alertmanager that speaks the parts of API v2 callmon uses, and fails on command."""

import json
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from callmon.alerts import AlertKey, AlertStep
from callmon.clock import Clock, Micros
from callmon.errors import SinkError, SinkReason
from callmon.sinks.base import HttpResponse
from callmon.sinks.payload import Labels, parse_rfc3339, rfc3339

__all__ = ["CountedDeliveries", "Notebook", "ScriptedAlertmanager"]

Mood = Literal["up", "down", "broken", "denying", "deaf", "mute"]


class ScriptedAlertmanager:
    """Keeps alerts as the real one does: by label set, firing until their end has passed.

    Moods: ``down`` refuses connections, ``broken`` answers 500, ``denying`` 401, ``deaf``
    never gets the request though it seems sent, ``mute`` gets it but its answer is lost.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.mood: Mood = "up"
        self.posts: list[list[dict[str, Any]]] = []
        self.silenced: set[Labels] = set()
        self.inhibited: dict[Labels, Labels] = {}  #: by what
        self.silences: list[dict[str, Any]] = []
        self.refuses: str | None = None  #: a threshold whose alerts it calls bad
        self.falls_after: int | None = None  #: posts, after which it is down
        self._alerts: dict[Labels, dict[str, Any]] = {}
        self._started = clock.now()

    def restart(self) -> None:
        """Forget the alerts, as the real one does, which keeps silences on disk."""
        self._alerts.clear()
        self._started = self._clock.now()

    def firing(self) -> set[Labels]:
        """Return the alerts whose end has not passed."""
        now = self._clock.now()
        return {key for key, alert in self._alerts.items() if _end(alert) > now}

    def alert(self, threshold: str) -> dict[str, Any]:
        """Return the one alert of *threshold*."""
        (found,) = [
            alert
            for key, alert in self._alerts.items()
            if dict(key).get("threshold") == threshold
        ]
        return found

    async def request(
        self, method: str, url: str, *, json: bytes | None = None
    ) -> HttpResponse:
        """Answer as ``HttpClient`` promises."""
        match self.mood:
            case "down":
                raise SinkError(SinkReason.UNREACHABLE, "connection refused")
            case "deaf":
                raise SinkError(SinkReason.TIMEOUT, "no answer")
            case "broken":
                return HttpResponse(500, b"out of order")
            case "denying":
                return HttpResponse(401, b"who are you?")
            case _:
                answer = self._answer(method, urlsplit(url).path, json)
        if self.mood == "mute":
            raise SinkError(SinkReason.TIMEOUT, "no answer")
        return answer

    def _answer(self, method: str, path: str, body: bytes | None) -> HttpResponse:
        match method, path:
            case "GET", "/am/api/v2/status":
                return _json({"uptime": rfc3339(self._started), "cluster": {"status": "ready"}})
            case "GET", "/am/api/v2/alerts":
                return _json([self._shown(key) for key in sorted(self.firing())])
            case "GET", "/am/api/v2/silences":
                return _json(self.silences)
            case "POST", "/am/api/v2/alerts":
                return self._take(json.loads(body or b""))
            case _:
                return HttpResponse(404, b"no such path")

    def _shown(self, key: Labels) -> dict[str, Any]:
        by = [silence["id"] for silence in self.silences] if key in self.silenced else []
        over = [_fingerprint(self.inhibited[key])] if key in self.inhibited else []
        state = "suppressed" if key in self.silenced or over else "active"
        status = {"state": state, "silencedBy": by, "inhibitedBy": over}
        return {**self._alerts[key], "status": status, "fingerprint": _fingerprint(key)}

    def _take(self, alerts: list[dict[str, Any]]) -> HttpResponse:
        """Keep the good ones even when some are bad."""
        self.posts.append(alerts)
        if len(self.posts) == self.falls_after:
            self.mood = "down"
        status = 200
        for alert in alerts:
            if alert["labels"].get("threshold", "") == self.refuses:
                status = 400
                continue
            assert parse_rfc3339(alert["startsAt"]) <= parse_rfc3339(alert["endsAt"])
            known = {**alert, "updatedAt": rfc3339(self._clock.now())}
            self._alerts[tuple(sorted(alert["labels"].items()))] = known
        return HttpResponse(status, b"")


def _end(alert: dict[str, Any]) -> Micros:
    return parse_rfc3339(alert["endsAt"])


def _json(value: object) -> HttpResponse:
    return HttpResponse(200, json.dumps(value).encode())


def _fingerprint(key: Labels) -> str:
    return "/".join(value for _, value in key)


class Notebook:
    """Keeps what is written down of alerts."""

    def __init__(self) -> None:
        self.steps: list[tuple[AlertKey, AlertStep, Micros, str]] = []
        self.storms: list[tuple[AlertKey, int, Micros | None]] = []

    def note(self, key: AlertKey, step: AlertStep, at: Micros, detail: str = "") -> None:
        """See ``AlertNotes``."""
        self.steps.append((key, step, at, detail))

    def storm(
        self,
        key: AlertKey,
        labels: Mapping[str, str],  # noqa: ARG002 - as ``AlertNotes`` has it
        *,
        limit: int,  # noqa: ARG002 - as ``AlertNotes`` has it
        count: int,
        ended_at: Micros | None,
    ) -> None:
        """See ``AlertNotes``."""
        self.storms.append((key, count, ended_at))

    def of(self, threshold: str) -> list[tuple[AlertStep, str]]:
        """Return what became of the alerts of *threshold*, in order."""
        return [(step, why) for key, step, _, why in self.steps if key.threshold == threshold]


class CountedDeliveries:
    """Keeps what would be counted."""

    def __init__(self) -> None:
        self.results: list[tuple[str, str]] = []
        self.delays: list[tuple[str, Micros]] = []
        self.handovers = 0
        self.misses = 0
        self.drops: list[str] = []

    def posted(self, alertmanager: str, result: str) -> None:
        """See ``DeliveryMetrics``."""
        self.results.append((alertmanager, result))

    def delivered(self, alertmanager: str, delay: Micros) -> None:
        """See ``DeliveryMetrics``."""
        self.delays.append((alertmanager, delay))

    def handed_over(self) -> None:
        """See ``DeliveryMetrics``."""
        self.handovers += 1

    def missed(self) -> None:
        """See ``DeliveryMetrics``."""
        self.misses += 1

    def dropped(self, reason: str) -> None:
        """See ``DeliveryMetrics``."""
        self.drops.append(reason)
