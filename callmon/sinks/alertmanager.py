"""The direct road: alerts posted to every Alertmanager at the moment of the breach.

The ``Ledger`` knows what each still has to be told, ``Storms`` what is told at all, and a
sender for each does it.
"""

import asyncio
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import structlog

from callmon.alerts import Alert, AlertKey, Transition, key_of
from callmon.clock import SECOND, Clock, Micros, wait_at_most
from callmon.rules import Severity
from callmon.sinks.base import AlertNotes, DeliveryMetrics
from callmon.sinks.connection import Alertmanager, Connection
from callmon.sinks.ledger import Entry, Ledger, Limits, Road
from callmon.sinks.payload import ALERT_NAME, Content, Labels, Style, content_of
from callmon.sinks.sender import Sender
from callmon.sinks.storm import STORM_NAME, StormLimits, Storms
from callmon.sinks.suppression import Suppression, SuppressionWatch

__all__ = ["Alertmanager", "AlertmanagerSettings", "AlertmanagerSink", "Facts", "Sights"]

log = structlog.get_logger(__name__)

Facts = Callable[[Content], Mapping[str, str]]
"""What is true of an alert now, as annotations: ``waiting`` and the like."""

Sights = Callable[[Content], bool]
"""Whether what an alert is about can be seen now."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerSettings:
    """How the direct road works; without *direct* Prometheus has every alert."""

    style: Style
    direct: bool = True
    hold: Micros = 3600 * SECOND
    """If callmon dies, an alert ends by itself after this time."""
    limits: Limits = dataclasses.field(default_factory=Limits)
    storm: StormLimits = dataclasses.field(default_factory=StormLimits)


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
        notes: AlertNotes,
        facts: Facts,
        seen: Sights,
        jitter: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._style = settings.style
        self._facts = facts
        self._seen = seen
        connections = [
            Connection(peer, metrics) for peer in (alertmanagers if settings.direct else ())
        ]
        self._ledger = Ledger(
            [connection.name for connection in connections],
            settings.limits,
            metrics,
            notes,
            wall=clock.now,
            unseen=self._unseen,
        )
        self._storms = Storms(self._ledger, settings.storm, settings.style, notes, facts)
        self._senders = [
            Sender(
                connection,
                ledger=self._ledger,
                clock=clock,
                hold=settings.hold,
                facts=self._annotations,
                jitter=jitter,
            )
            for connection in connections
        ]
        self._watches = [
            SuppressionWatch(connection, self._ledger, clock, notes)
            for connection in connections
        ]
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_time())
            for sender in self._senders:
                group.create_task(sender.run())
            for watch in self._watches:
                group.create_task(watch.run())

    def apply(self, transitions: Iterable[Transition]) -> None:
        """Take what the engine found; it goes out at once. The same twice does no harm."""
        for transition in _worst_first(transitions):
            content = content_of(transition.alert, self._style)
            if transition.kind == "ended":
                ended_at = transition.alert.ended_at or transition.at
                self._ledger.end(content.labels, ended_at, content, self._clock.monotonic())
            else:
                self._fire(content)
        self._settle()

    def came_and_went(self, alerts: Iterable[Alert]) -> None:
        """Take alerts that began and ended since what was restored was kept.

        Called before ``reconcile``. They are missed, unless an Alertmanager has one: then it
        was told in the last moment before the stop, and hears of the end.
        """
        now, wall = self._clock.monotonic(), self._clock.now()
        for alert in alerts:
            content = content_of(alert, self._style)
            self._ledger.came_and_went(content, alert.ended_at or wall, now)

    def reconcile(self, firing: Iterable[Alert], ended: Iterable[Alert] = ()) -> None:
        """Bring the restored state in line with what fires now: end the rest, add the new.

        Called after ``restore``, so that no alert of a threshold that was taken away while
        callmon was down hangs for ever, and when labels may have changed. What was told under
        other labels goes on under the new ones, storm or not. *ended* are alerts that ended
        meanwhile: their last words say how.
        """
        now, wall = self._clock.monotonic(), self._clock.now()
        current = {
            content.labels: content
            for content in (content_of(alert, self._style) for alert in firing)
        }
        over = {key_of(alert): alert for alert in ended}
        going_on = {content.key for content in current.values()}
        told: set[AlertKey] = set()  #: under other labels
        for entry in list(self._ledger):
            key, labels = entry.content.key, entry.content.labels
            if entry.content.name != ALERT_NAME or not entry.firing or labels in current:
                continue
            if key not in going_on:
                self._end_gone(entry, over.get(key), wall, now)
                continue
            if entry.road is not Road.HELD:
                told.add(key)
            self._ledger.replace(entry, wall, now)
        for content in sorted(current.values(), key=_urgency):
            if content.key in told:
                self._ledger.fire(content, now)
            else:
                self._fire(content)
        self._settle()

    def _end_gone(self, entry: Entry, last: Alert | None, wall: Micros, now: Micros) -> None:
        labels, content = entry.content.labels, None
        if last is not None:
            words = content_of(last, self._style)
            content = words if words.labels == labels else None
        ended_at = wall if last is None or last.ended_at is None else last.ended_at
        self._ledger.end(labels, ended_at, content, now)

    def handed_over(self) -> dict[Labels, int]:
        """Return ``callmon_threshold_handed_over``: 1 for alerts that Prometheus must send."""
        return self._ledger.handed_over()

    def storms_handed_over(self) -> dict[Labels, int]:
        """Return the same of storms: ``callmon_storm_handed_over``."""
        return self._ledger.handed_over(STORM_NAME)

    def storms(self) -> Iterator[AlertKey]:
        """Yield what names the storms that stand."""
        return self._storms.keys()

    def suppression(self, key: AlertKey) -> Suppression | None:
        """Return why nobody is told of an alert; None also where that is not known now."""
        return next((why for watch in self._watches if (why := watch.get(key))), None)

    def held(self) -> set[AlertKey]:
        """Return the alerts that a storm speaks for."""
        return {entry.content.key for entry in self._ledger if entry.road is Road.HELD}

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the state as plain JSON values."""
        return self._ledger.snapshot(self._clock.monotonic())

    def restore(self, saved: Iterable[Mapping[str, Any]]) -> None:
        """Take over a snapshot; before ``run``, and followed by ``reconcile``."""
        now = self._clock.monotonic()
        self._ledger.restore(saved, now)
        self._storms.restore(now, self._clock.now())

    def _fire(self, content: Content) -> None:
        if not self._storms.fire(content, self._clock.monotonic(), self._clock.now()):
            log.error("alert.dropped", sink="alertmanager", reason="capacity")

    async def _keep_time(self) -> None:
        """Look at storms when it is time, and hand over where no sender does."""
        while True:
            self._wake.clear()
            due = self._next_look()
            if due is None:
                await self._wake.wait()
                continue
            await wait_at_most(self._clock, due - self._clock.monotonic(), self._wake)
            self._storms.look(self._clock.monotonic(), self._clock.now())
            self._settle()

    def _next_look(self) -> Micros | None:
        look = self._storms.next_look()
        handover = None if self._senders else self._ledger.next_handover()
        return min((at for at in (look, handover) if at is not None), default=None)

    def _settle(self) -> None:
        self._ledger.decide(self._clock.monotonic())
        self._wake.set()
        for sender in self._senders:
            sender.wake.set()

    def _annotations(self, content: Content) -> Mapping[str, str]:
        if content.name == STORM_NAME:
            return self._storms.annotations(content)
        return self._facts(content)

    def _unseen(self, content: Content) -> bool:
        """Tell whether what *content* is about is out of sight; of a storm: all it holds."""
        if content.name != STORM_NAME:
            return not self._seen(content)
        held = self._storms.held(self._storms.team_of(content))
        return bool(held) and not any(self._seen(entry.content) for entry in held)


def _urgency(content: Content) -> int:
    """Order contents the most urgent first."""
    return -Severity(content.key.severity).rank


def _worst_first(transitions: Iterable[Transition]) -> Iterator[Transition]:
    """Yield *transitions*, of those that began in one instant the most urgent first.

    Only so many are told singly. Beginnings and ends keep their order.
    """
    runs = itertools.groupby(transitions, lambda turn: (turn.at, turn.kind == "ended"))
    for (_, over), run in runs:
        yield from run if over else sorted(run, key=lambda turn: -turn.alert.severity.rank)
