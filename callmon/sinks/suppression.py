"""Whom Alertmanager does not tell, and why: silences and inhibitions of standing alerts."""

import dataclasses
from collections.abc import Mapping

from callmon.alerts import AlertKey, AlertStep
from callmon.clock import SECOND, Clock, Micros
from callmon.errors import SinkError
from callmon.sinks.base import AlertNotes
from callmon.sinks.connection import Connection, Gettable, Silence
from callmon.sinks.ledger import Entry, Ledger
from callmon.sinks.payload import Labels, parse_rfc3339

__all__ = ["Suppression", "SuppressionWatch"]

LOOK_EVERY: Micros = 10 * SECOND
"""A wallboard that is ten seconds late with a silence misleads nobody."""

TEXT_LIMIT = 200
"""Of a name or a comment, that somebody typed elsewhere."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Why nobody is told of an alert."""

    alertmanager: str
    kind: str  #: ``silenced`` or ``inhibited``
    by: str  #: who silenced it, or the alert that speaks for it
    until: Micros | None = None  #: the end of the silence
    comment: str = ""
    silence_id: str = ""


class SuppressionWatch:
    """Looks again and again what one Alertmanager suppresses of what stands there."""

    def __init__(
        self, connection: Connection, ledger: Ledger, clock: Clock, notes: AlertNotes
    ) -> None:
        self._connection = connection
        self._ledger = ledger
        self._clock = clock
        self._notes = notes
        self._found: Mapping[AlertKey, Suppression] = {}

    def get(self, key: AlertKey) -> Suppression | None:
        """Return why nobody is told of an alert; None also where that is not known now."""
        return self._found.get(key)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY)
            try:
                self._found = await self.look()
            except SinkError:
                self._found = {}  # the sender says what is wrong, if it is to be said

    async def look(self) -> Mapping[AlertKey, Suppression]:
        """Ask it about the alerts it has taken; nothing is asked when there are none.

        Raises:
            SinkError: it did not answer as expected.
        """
        name = self._connection.name
        standing = {
            entry.content.labels: entry
            for entry in self._ledger
            if entry.firing and entry.duties[name].accepted
        }
        if not standing:
            return {}
        shown = await self._connection.alerts()
        found = [alert for alert in shown if alert.suppressed and alert.key in standing]
        silenced = any(alert.status.silenced_by for alert in found)
        silences = await self._connection.silences() if silenced else {}
        return {
            standing[alert.key].content.key: self._why(
                standing[alert.key], alert, silences, shown
            )
            for alert in found
        }

    def _why(
        self,
        entry: Entry,
        alert: Gettable,
        silences: Mapping[str, Silence],
        shown: list[Gettable],
    ) -> Suppression:
        name = self._connection.name
        if not alert.status.silenced_by:
            others = {other.fingerprint: other.key for other in shown}
            by = ", ".join(_spoken(others.get(one)) for one in alert.status.inhibited_by)
            by = by[:TEXT_LIMIT]
            self._note(entry, AlertStep.INHIBITED, by)
            return Suppression(alertmanager=name, kind="inhibited", by=by)
        known = [silences[one] for one in alert.status.silenced_by if one in silences]
        if not known:
            return Suppression(alertmanager=name, kind="silenced", by="")
        last = max(known, key=lambda silence: _until(silence) or 0)
        by, until = last.created_by[:TEXT_LIMIT], _until(last)
        self._note(entry, AlertStep.SILENCED, f"by {by} until {last.ends_at[:TEXT_LIMIT]}")
        return Suppression(
            alertmanager=name,
            kind="silenced",
            by=by,
            until=until,
            comment=last.comment[:TEXT_LIMIT],
            silence_id=last.id[:TEXT_LIMIT],
        )

    def _note(self, entry: Entry, step: AlertStep, detail: str) -> None:
        self._notes.note(entry.content.key, step, self._clock.now(), detail)


def _until(silence: Silence) -> Micros | None:
    try:
        return parse_rfc3339(silence.ends_at)
    except ValueError:
        return None


def _spoken(labels: Labels | None) -> str:
    if labels is None:
        return "another alert"
    known = dict(labels)
    return f"{known.get('threshold', known.get('alertname', ''))} {known.get('severity', '')}"
