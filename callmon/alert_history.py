"""The history of alerts: how each began and ended, and what became of it on its way to people.

It only hands over to the journal, which writes what it is told twice but once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from callmon.alerts import Alert, AlertKey, AlertStep, Ended, Transition, key_of
from callmon.clock import SECOND, Clock, Micros
from callmon.journal import AlertRecord, AlertStepRecord, Journal
from callmon.rules import Direction

__all__ = ["STORM_MEASURE", "AlertHistory"]

PRESENT: Final[Micros] = 60 * SECOND
"""What is known now explains nothing that began earlier: it is told again after a restart."""

STORM_MEASURE: Final = "alerts"
"""What a storm counts: alerts of one team at once."""

DETAIL_AT_MOST: Final = 300
"""Characters of a detail: people write into silences what they like."""

NOTED_AT_MOST: Final = 10_000
"""Steps remembered so as not to write them again: whoever looks whether an alert is silenced
tells it each time. More alerts are not kept on their way to people."""


class AlertHistory:
    """Writes down alerts; it satisfies ``AlertNotes``.

    *cause* is asked for the likely cause of an alert, once, when that is raised.
    """

    def __init__(
        self, journal: Journal, clock: Clock, cause: Callable[[Alert], str | None]
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._cause = cause
        self._causes: dict[AlertKey, str | None] = {}  #: of alerts that stand
        self._stood: dict[AlertKey, AlertRecord] = {}  #: as a former process left them
        self._most: dict[AlertKey, int] = {}  #: by storm: for how many it spoke at its worst
        self._noted: dict[tuple[AlertKey, AlertStep, str], None] = {}  #: oldest first

    def stood(self, records: Iterable[AlertRecord]) -> None:
        """Take the alerts that the journal has without an end, at the start."""
        self._stood = {_key(record): record for record in records}
        storms = (record for record in self._stood.values() if record.measure == STORM_MEASURE)
        self._most = {_key(record): int(record.peak) for record in storms}

    def changed(self, transitions: Sequence[Transition]) -> None:
        """Write down how alerts began and ended; the same may be told again."""
        if not transitions:
            return
        self._journal.alerts([self._record(transition) for transition in transitions])

    def end_gone(self, standing: Iterable[AlertKey], now: Micros) -> None:
        """Write down the end of alerts that are gone with their threshold or queue.

        *standing* are those there are, at the start, when the state is that of *now*. Only
        then can it be told: their end came while callmon did not run.
        """
        known = set(standing)
        gone = [
            msgspec.structs.replace(record, ended_at=now, ended=Ended.REMOVED.value)
            for key, record in self._stood.items()
            if key not in known
        ]
        self._stood = {}
        self._most = {key: most for key, most in self._most.items() if key in known}
        if gone:
            self._journal.alerts(gone)

    def note(self, key: AlertKey, step: AlertStep, at: Micros, detail: str = "") -> None:
        """Write down that *step* happened to an alert at *at*, by the wall clock."""
        text = detail[:DETAIL_AT_MOST].encode("utf-8", "replace").decode()
        if (key, step, text) in self._noted:
            return
        self._noted[key, step, text] = None
        if len(self._noted) > NOTED_AT_MOST:
            del self._noted[next(iter(self._noted))]
        record = AlertStepRecord(*key, step=step.value, at=at, detail=text)
        self._journal.alert_steps([record])

    def storm(
        self,
        key: AlertKey,
        labels: Mapping[str, str],
        *,
        limit: int,
        count: int,
        ended_at: Micros | None,
    ) -> None:
        """Write down an alert that speaks for others, as one of a measure of its own."""
        most = self._most[key] = max(count, self._most.get(key, 0))
        if ended_at is not None:
            self._stood.pop(key, None)
            del self._most[key]
        record = AlertRecord(
            *key,
            since=key.fired_at,
            measure=STORM_MEASURE,
            window=None,
            direction=Direction.ABOVE.value,
            limit=limit,
            value=count,
            peak=most,
            ended_at=ended_at,
            ended=None if ended_at is None else Ended.RECOVERED.value,
            raised_at=key.fired_at,
            shift=labels.get("shift"),
            labels=msgspec.json.encode(labels, order="sorted").decode(),
        )
        self._journal.alerts([record])

    def _record(self, transition: Transition) -> AlertRecord:
        alert = transition.alert
        key = key_of(alert)
        if transition.kind == "ended":
            self._stood.pop(key, None)
            return _described(alert, self._causes.pop(key, None))
        if key not in self._causes:
            recent = self._clock.now() - transition.at <= PRESENT
            self._causes[key] = self._cause(alert) if recent else None
        return _described(alert, self._causes[key])


def _key(record: AlertRecord) -> AlertKey:
    return AlertKey(
        record.threshold, record.kind, record.subject, record.severity, record.fired_at
    )


def _described(alert: Alert, cause: str | None) -> AlertRecord:
    return AlertRecord(
        *key_of(alert),
        since=alert.since,
        measure=alert.measure,
        window=alert.window,
        direction=alert.direction.value,
        limit=float(alert.limit),
        value=float(alert.value),
        peak=float(alert.peak),
        ended_at=alert.ended_at,
        ended=None if alert.ended is None else alert.ended.value,
        raised_at=alert.raised_at,
        shift=alert.shift,
        labels=msgspec.json.encode(dict(alert.subject.labels), order="sorted").decode(),
        cause=cause,
    )
