"""Tells one Alertmanager all it is due.

Breaches at once and every minute, ends when it will announce them.
One sender for each Alertmanager, so that a dead one never delays another.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from callmon.clock import SECOND, Clock, Micros, wait_at_most
from callmon.errors import SinkError, SinkReason
from callmon.sinks.connection import Connection, Gettable
from callmon.sinks.ledger import Entry, Ledger, Presence, Road, Step
from callmon.sinks.payload import Content, Labels, parse_rfc3339, postable

__all__ = ["Sender"]

log = structlog.get_logger(__name__)

BACKOFF_FIRST: Micros = SECOND // 10
BACKOFF_CAP: Micros = 5 * SECOND
"""While nobody accepts, nobody is told; a try at a closed port costs nothing."""


class Sender:
    """Tells one Alertmanager all it is due."""

    def __init__(
        self,
        connection: Connection,
        *,
        ledger: Ledger,
        clock: Clock,
        hold: Micros,
        facts: Callable[[Content], Mapping[str, str]],
        jitter: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._name = connection.name
        self._ledger = ledger
        self._clock = clock
        self._hold = hold
        self._facts = facts
        self._jitter = jitter
        self._failures = 0
        self._standing: Mapping[Labels, Micros] = {}  #: as it said when it was asked last
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Tell it until cancelled."""
        while True:
            self.wake.clear()
            self._ledger.decide(self._clock.monotonic())
            due = self._ledger.take(self._name, self._clock.monotonic())
            if due:
                good = await self._tell(due)
            elif self._ledger.doubts(self._name):
                good = await self._ask_since_when()
            else:
                await self._idle()
                continue
            if not good:
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
        self._answers()
        return True

    async def _ask_since_when(self) -> bool:
        """Ask when it was started; False when it does not say."""
        try:
            at = await self._connection.started_at()
        except SinkError as error:
            self._failed([], error)
            return False
        self._answers()
        self._ledger.started(self._name, at)
        return True

    def _answers(self) -> None:
        self._ledger.back(self._name)
        if self._failures:
            log.info("alertmanager.back", sink=self._name, attempt=self._failures)
            self._failures = 0
            self._ledger.refresh(self._name, self._clock.monotonic())

    def _failed(self, due: list[Entry], error: SinkError) -> None:
        self._failures += 1
        self._ledger.away(self._name)
        if self._failures == 1:  # the end of the trouble is logged, too; not each try
            log.warning(
                "alertmanager.failed", sink=self._name, reason=error.reason, error=str(error)
            )
        unsure = error.reason in (SinkReason.TIMEOUT, SinkReason.FAILED)
        now = self._clock.monotonic()
        undone = [entry for entry in due if entry.duties[self._name].in_flight]
        self._ledger.failed(self._name, undone, unsure=unsure, due=now)

    async def _post_firing(self, entries: list[Entry], versions: Mapping[Labels, int]) -> None:
        ends_at = self._clock.now() + self._hold
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
        self._ledger.resolved(self._name, forgotten, told=False)
        for entry in steps[Step.RESOLVE]:
            at = self._standing.get(entry.content.labels)
            if at is not None:
                self._ledger.was_told(self._name, entry, at)
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
        return postable(content, self._facts(content), ends_at)

    async def _presence(self, entries: list[Entry]) -> dict[Labels, Presence]:
        """Ask which of *entries* it has, and whether it would announce their end."""
        alerts = await self._connection.alerts()
        self._standing = {alert.key: self._told_at(alert) for alert in alerts}
        found = {
            alert.key: Presence.SUPPRESSED if alert.suppressed else Presence.ACTIVE
            for alert in alerts
        }
        absent = [entry for entry in entries if entry.content.labels not in found]
        return found | (await self._absence(absent) if absent else {})

    def _told_at(self, alert: Gettable) -> Micros:
        """Return when it was told of *alert*, the last time."""
        try:
            return parse_rfc3339(alert.updated_at)
        except ValueError:
            return self._clock.now()

    async def _absence(self, entries: list[Entry]) -> dict[Labels, Presence]:
        """Tell those that were resolved by another callmon from those lost in a restart."""
        started = await self._connection.started_at()
        return {
            entry.content.labels: Presence.FORGOTTEN
            if entry.duties[self._name].sent_at < started
            else Presence.ABSENT
            for entry in entries
        }

    async def _post(
        self, entries: list[Entry], alerts: Sequence[Mapping[str, Any]]
    ) -> list[Entry]:
        """Post *alerts*, the forms of *entries*, and return the entries it took.

        One bad alert makes Alertmanager answer 400 for all, so they are then sent singly.
        """
        if not alerts:
            return []
        try:
            await self._connection.post(alerts)
        except SinkError as error:
            if error.retry or error.reason is not SinkReason.REFUSED:
                raise
        else:
            return entries
        if len(entries) == 1:
            self._refused(entries[0])
            return []
        self._ledger.doubt(self._name, entries)  # it keeps the good ones of a bad request
        taken = []
        for entry, alert in zip(entries, alerts, strict=True):
            taken += await self._post([entry], [alert])
        return taken

    def _refused(self, entry: Entry) -> None:
        """Sending it again cannot help until something is changed, so there is no hurry."""
        log.error(
            "alert.refused",
            sink=self._name,
            threshold=entry.content.key.threshold,
            subject=entry.content.key.subject,
            reason=SinkReason.REFUSED,
        )
        if not entry.firing and not entry.duties[self._name].accepted:
            # It never took it as firing either, so it has nothing to end.
            self._ledger.resolved(self._name, [(entry, entry.version)], told=False)
            return
        due = self._clock.monotonic() + self._ledger.limits.resend
        self._ledger.failed(self._name, [entry], unsure=False, due=due)


def _to_post(entry: Entry) -> bool:
    return entry.firing and entry.road not in (Road.PROMETHEUS, Road.HELD)
