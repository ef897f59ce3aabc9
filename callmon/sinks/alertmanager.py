"""The direct road: alerts posted to every Alertmanager at the moment of the breach.

One sender for each Alertmanager, so that a dead one never delays another; the ``Ledger``
knows what each still has to be told. A sender posts all that is due in one request, again
every minute while the breach goes on, and the end as soon as Alertmanager will announce it.
API: Alertmanager's ``api/v2/openapi.yaml``; tried on 0.28 and 0.33.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
import structlog

from callmon.clock import SECOND, Clock, Micros, wait_at_most
from callmon.errors import SinkError, SinkReason
from callmon.rules import Subject
from callmon.sinks.base import DeliveryMetrics, HttpClient, HttpResponse
from callmon.sinks.ledger import Entry, Ledger, Limits, Presence, Road, Step
from callmon.sinks.payload import (
    ALERT_NAME,
    Content,
    Labels,
    Style,
    content_of,
    parse_rfc3339,
    postable,
)
from callmon.thresholds import Alert, Transition

__all__ = ["Alertmanager", "AlertmanagerSettings", "AlertmanagerSink"]

log = structlog.get_logger(__name__)

BACKOFF_FIRST: Micros = SECOND // 10
BACKOFF_CAP: Micros = 5 * SECOND
"""While nobody accepts, nobody is told; a try at a closed port costs nothing."""

_OK = 200
_BAD_REQUEST = 400
_SERVER_ERROR = 500

Facts = Callable[[Subject], Mapping[str, str]]
"""What is true of a subject now, as annotations: ``waiting`` and the like."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """One to post to. *name* goes into metrics and logs: an address without a password."""

    name: str
    url: str
    client: HttpClient


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerSettings:
    """How the direct road works; without *direct* Prometheus has every alert."""

    style: Style
    direct: bool = True
    hold: Micros = 3600 * SECOND
    """If callmon dies, an alert ends by itself after this time."""
    limits: Limits = dataclasses.field(default_factory=Limits)


class _Status(msgspec.Struct):
    state: str


class _GettableAlert(msgspec.Struct):
    labels: dict[str, str]
    status: _Status


class _AlertmanagerStatus(msgspec.Struct):
    uptime: str  #: despite its name the time of the start


_DECODE_ALERTS = msgspec.json.Decoder(list[_GettableAlert])
_DECODE_STATUS = msgspec.json.Decoder(_AlertmanagerStatus)


class AlertmanagerSink:
    """Takes transitions, tells every Alertmanager.

    ``apply`` never blocks; ``run`` does the work and ends only by cancellation.
    """

    def __init__(
        self,
        alertmanagers: Iterable[Alertmanager],
        *,
        clock: Clock,
        settings: AlertmanagerSettings,
        metrics: DeliveryMetrics,
        facts: Facts,
        jitter: Callable[[], float],
    ) -> None:
        peers = tuple(alertmanagers) if settings.direct else ()
        self._clock = clock
        self._style = settings.style
        self._ledger = Ledger(
            [peer.name for peer in peers], settings.limits, metrics, started=clock.now()
        )
        self._senders = [
            _Sender(
                peer,
                ledger=self._ledger,
                clock=clock,
                settings=settings,
                metrics=metrics,
                facts=facts,
                jitter=jitter,
            )
            for peer in peers
        ]

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            for sender in self._senders:
                group.create_task(sender.run())

    def apply(self, transitions: Iterable[Transition]) -> None:
        """Take what the engine found; it goes out at once. The same twice does no harm."""
        now = self._clock.monotonic()
        for transition in transitions:
            content = content_of(transition.alert, self._style)
            if transition.kind == "ended":
                ended_at = transition.alert.ended_at or transition.at
                self._ledger.end(content.labels, ended_at, content, now)
            elif not self._ledger.fire(content, now):
                log.error("alert.dropped", sink="alertmanager", reason="capacity")
        self._wake(now)

    def reconcile(self, firing: Iterable[Alert]) -> None:
        """Bring the restored state in line with what fires now: end the rest, add the new.

        Called once after ``restore``, so that no alert of a threshold that was taken away
        while callmon was down hangs for ever.
        """
        now, wall = self._clock.monotonic(), self._clock.now()
        current = {
            content.labels: content
            for content in (content_of(alert, self._style) for alert in firing)
        }
        for entry in list(self._ledger):
            if entry.firing and entry.content.labels not in current:
                self._ledger.end(entry.content.labels, wall, None, now)
        for content in current.values():
            self._ledger.fire(content, now)
        self._wake(now)

    def handed_over(self) -> dict[Labels, int]:
        """Return ``callmon_threshold_handed_over``: 1 for alerts that Prometheus must send."""
        return self._ledger.handed_over()

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the state as plain JSON values."""
        return self._ledger.snapshot(self._clock.monotonic())

    def restore(self, saved: Iterable[Mapping[str, Any]]) -> None:
        """Take over a snapshot; before ``run``, and followed by ``reconcile``."""
        self._ledger.restore(saved, self._clock.monotonic())

    def _wake(self, now: Micros) -> None:
        self._ledger.decide(now)
        for sender in self._senders:
            sender.wake.set()


class _Sender:
    """Tells one Alertmanager all it is due."""

    def __init__(
        self,
        peer: Alertmanager,
        *,
        ledger: Ledger,
        clock: Clock,
        settings: AlertmanagerSettings,
        metrics: DeliveryMetrics,
        facts: Facts,
        jitter: Callable[[], float],
    ) -> None:
        self._peer = peer
        self._name = peer.name
        self._alerts_url = f"{peer.url.rstrip('/')}/api/v2/alerts"
        self._status_url = f"{peer.url.rstrip('/')}/api/v2/status"
        self._ledger = ledger
        self._clock = clock
        self._settings = settings
        self._metrics = metrics
        self._facts = facts
        self._jitter = jitter
        self._failures = 0
        self.wake = asyncio.Event()

    async def run(self) -> None:
        while True:
            self.wake.clear()
            self._ledger.decide(self._clock.monotonic())
            due = self._ledger.take(self._name, self._clock.monotonic())
            if not due:
                await self._idle()
            elif not await self._tell(due):
                await self._back_off()

    async def _idle(self) -> None:
        """Wait for news or for the next thing that is due."""
        due = self._ledger.next_due(self._name)
        if due is None:
            await self.wake.wait()
            return
        await wait_at_most(self._clock, due - self._clock.monotonic(), self.wake)

    async def _back_off(self) -> None:
        """Wait a random time up to a ceiling that doubles, but not past a handover."""
        doublings = min(self._failures - 1, 16)  # beyond that the cap holds anyway
        ceiling = min(BACKOFF_CAP, BACKOFF_FIRST << doublings)
        delay = ceiling // 2 + int(ceiling // 2 * self._jitter())
        handover = self._ledger.next_handover()
        if handover is not None:
            delay = min(delay, max(handover - self._clock.monotonic(), 0))
        await self._clock.sleep(delay)

    async def _tell(self, due: list[Entry]) -> bool:
        """Tell it what is *due*; False when it could not be told."""
        versions = {entry.content.labels: entry.version for entry in due}
        try:
            await self._post_firing([e for e in due if _to_post(e)], versions)
            await self._end([e for e in due if not _to_post(e)], versions)
        except SinkError as error:
            self._failed(due, error)
            return False
        if self._failures:
            log.info("alertmanager.back", sink=self._name, attempt=self._failures)
            self._failures = 0
            self._ledger.refresh(self._name, self._clock.monotonic())
        return True

    def _failed(self, due: list[Entry], error: SinkError) -> None:
        self._failures += 1
        if self._failures == 1:  # the end of the trouble is logged, too; not each try
            log.warning(
                "alertmanager.failed", sink=self._name, reason=error.reason, error=str(error)
            )
        unsure = error.reason in (SinkReason.TIMEOUT, SinkReason.FAILED)
        now = self._clock.monotonic()
        undone = [entry for entry in due if entry.duties[self._name].in_flight]
        self._ledger.failed(self._name, undone, unsure=unsure, due=now)

    async def _post_firing(self, entries: list[Entry], versions: Mapping[Labels, int]) -> None:
        ends_at = self._clock.now() + self._settings.hold
        alerts = [self._postable(entry.content, ends_at) for entry in entries]
        taken = await self._post(entries, alerts)
        sent = [(entry, versions[entry.content.labels]) for entry in taken]
        self._ledger.accepted(self._name, sent, self._clock.monotonic(), self._clock.now())

    async def _end(self, entries: list[Entry], versions: Mapping[Labels, int]) -> None:
        """Resolve what Alertmanager will announce; keep alive what it would swallow."""
        if not entries:
            return
        presence = await self._presence(entries)
        steps: dict[Step, list[Entry]] = {step: [] for step in Step}
        for entry in entries:
            seen = presence[entry.content.labels]
            step = self._ledger.judge(self._name, entry, seen, self._clock.now())
            steps[step].append(entry)
        now = self._clock.monotonic()
        for entry in steps[Step.WAIT]:
            self._ledger.waiting(self._name, entry, versions[entry.content.labels], now)
        forgotten = [(e, versions[e.content.labels]) for e in steps[Step.FORGET]]
        self._ledger.resolved(self._name, forgotten)
        await self._post_resolved(steps[Step.RESOLVE], versions)
        await self._post_firing(steps[Step.POST], versions)

    async def _post_resolved(
        self, entries: list[Entry], versions: Mapping[Labels, int]
    ) -> None:
        wall = self._clock.now()
        alerts = [
            self._postable(entry.content, min(entry.ended_at or wall, wall))
            for entry in entries
        ]
        taken = await self._post(entries, alerts)
        sent = [(entry, versions[entry.content.labels]) for entry in taken]
        self._ledger.resolved(self._name, sent)

    def _postable(self, content: Content, ends_at: Micros) -> dict[str, Any]:
        return postable(content, self._facts(content.subject), ends_at)

    async def _presence(self, entries: list[Entry]) -> dict[Labels, Presence]:
        """Ask which of *entries* it has, and whether it would announce their end."""
        query = urlencode({"filter": f'alertname="{ALERT_NAME}"'})
        answer = await self._ask("GET", f"{self._alerts_url}?{query}")
        try:
            alerts = _DECODE_ALERTS.decode(answer.body)
        except msgspec.MsgspecError as error:
            raise self._nonsense("a list of alerts", error) from error
        found = {
            tuple(sorted(alert.labels.items())): Presence.SUPPRESSED
            if alert.status.state == "suppressed"
            else Presence.ACTIVE
            for alert in alerts
        }
        absent = [entry for entry in entries if entry.content.labels not in found]
        return found | (await self._absence(absent) if absent else {})

    async def _absence(self, entries: list[Entry]) -> dict[Labels, Presence]:
        """Tell those that were resolved by another callmon from those lost in a restart."""
        answer = await self._ask("GET", self._status_url)
        try:
            started = parse_rfc3339(_DECODE_STATUS.decode(answer.body).uptime)
        except (msgspec.MsgspecError, ValueError) as error:
            raise self._nonsense("its status", error) from error
        return {
            entry.content.labels: Presence.FORGOTTEN
            if entry.duties[self._name].sent_at < started
            else Presence.ABSENT
            for entry in entries
        }

    def _nonsense(self, expected: str, error: Exception) -> SinkError:
        return SinkError(SinkReason.FAILED, f"{self._name}: expected {expected}: {error}")

    async def _post(self, entries: list[Entry], alerts: list[dict[str, Any]]) -> list[Entry]:
        """Post *alerts*, the forms of *entries*, and return the entries it took.

        One bad alert makes Alertmanager answer 400 for all, so they are then sent singly.
        """
        if not alerts:
            return []
        body = msgspec.json.encode(alerts)
        try:
            await self._ask("POST", self._alerts_url, body)
        except SinkError as error:
            if error.retry or error.reason is not SinkReason.REFUSED:
                raise
        else:
            return entries
        if len(entries) == 1:
            self._refused(entries[0])
            return []
        taken = []
        for entry, alert in zip(entries, alerts, strict=True):
            taken += await self._post([entry], [alert])
        return taken

    def _refused(self, entry: Entry) -> None:
        """Sending it again cannot help until something is changed, so there is no hurry."""
        log.error(
            "alert.refused",
            sink=self._name,
            threshold=dict(entry.content.labels).get("threshold"),
            subject=entry.content.subject.name,
            reason=SinkReason.REFUSED,
        )
        due = self._clock.monotonic() + self._settings.limits.resend
        self._ledger.failed(self._name, [entry], unsure=False, due=due)

    async def _ask(self, method: str, url: str, body: bytes | None = None) -> HttpResponse:
        """Return the answer when it is good; count it either way."""
        try:
            answer = await self._peer.client.request(method, url, json=body)
            self._check(method, answer)
        except SinkError as error:
            self._metrics.posted(self._name, error.reason)
            raise
        self._metrics.posted(self._name, "accepted")
        return answer

    def _check(self, method: str, answer: HttpResponse) -> None:
        if answer.status == _OK:
            return
        server = answer.status >= _SERVER_ERROR
        reason = SinkReason.FAILED if server else SinkReason.REFUSED
        # 401 or 404 is about the address, and somebody may mend it; 400 is about the alert.
        retry = answer.status != _BAD_REQUEST or method == "GET"
        text = answer.body[:200].decode(errors="replace")
        message = f"{self._name}: expected 200, found {answer.status}: {text}"
        raise SinkError(reason, message, retry=retry)


def _to_post(entry: Entry) -> bool:
    return entry.firing and entry.road is not Road.PROMETHEUS
