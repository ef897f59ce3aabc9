"""Tests of what is written down of alerts, and when their cause is asked for."""

import dataclasses
from fractions import Fraction
from typing import cast

import pytest

from callmon import alert_history
from callmon.alert_history import DETAIL_AT_MOST, PRESENT, STORM_MEASURE, AlertHistory
from callmon.alerts import Alert, AlertKey, AlertStep, Ended, Transition, key_of
from callmon.clock import SECOND, Micros
from callmon.journal import AlertRecord, AlertStepRecord, Journal
from callmon.rules import Direction, Severity, Subject, SubjectKind
from callmon.sinks.base import AlertNotes
from callmon.testing import ManualClock

NOW: Micros = 1_700_000_000 * SECOND


class Desk:
    """Takes what the journal is handed."""

    def __init__(self) -> None:
        self.told: list[AlertRecord] = []
        self.steps: list[AlertStepRecord] = []

    def alerts(self, records: list[AlertRecord]) -> None:
        """Take alerts."""
        assert records
        self.told += records

    def alert_steps(self, records: list[AlertStepRecord]) -> None:
        """Take steps."""
        self.steps += records


class Why:
    """Knows a cause, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, alert: Alert) -> str | None:
        """Return the cause of *alert*."""
        self.asked.append(alert.severity.value)
        return f"cause {len(self.asked)}"


class House:
    """A history, with all that it needs."""

    def __init__(self) -> None:
        self.desk, self.why, self.clock = Desk(), Why(), ManualClock(NOW)
        self.history = AlertHistory(cast("Journal", self.desk), self.clock, self.why)

    def causes(self) -> list[str | None]:
        """Return the causes written so far."""
        return [record.cause for record in self.desk.told]


@pytest.fixture
def house() -> House:
    """Give a history of nothing yet."""
    return House()


ALERT = Alert(
    threshold="long_wait",
    subject=Subject(
        kind=SubjectKind.QUEUE, name="客服", labels={"team": "vip", "site": "北京"}
    ),
    severity=Severity.WARNING,
    measure="longest_wait",
    window=None,
    direction=Direction.ABOVE,
    limit=Fraction(180 * SECOND),
    since=NOW - 5 * SECOND,
    fired_at=NOW,
    raised_at=NOW,
    value=Fraction(185 * SECOND),
    peak=Fraction(190 * SECOND),
    shift="night",
)
ENDED = dataclasses.replace(ALERT, ended=Ended.RECOVERED, ended_at=NOW + SECOND)
WORSE = dataclasses.replace(ALERT, severity=Severity.CRITICAL, raised_at=NOW + 300 * SECOND)


def fired(alert: Alert = ALERT) -> Transition:
    """Return the news of its beginning."""
    return Transition(at=alert.raised_at, kind="fired", alert=alert)


def ended(alert: Alert = ENDED) -> Transition:
    """Return the news of its end."""
    return Transition(at=alert.ended_at or 0, kind="ended", alert=alert)


def test_all_of_an_alert_is_written(house: House) -> None:
    """Also what its labels were, who was on duty, and the cause."""
    house.history.changed([fired(), ended()])

    began = AlertRecord(
        threshold="long_wait",
        kind="queue",
        subject="客服",
        severity="warning",
        fired_at=NOW,
        since=NOW - 5 * SECOND,
        measure="longest_wait",
        window=None,
        direction="above",
        limit=180e6,
        value=185e6,
        peak=190e6,
        raised_at=NOW,
        shift="night",
        labels='{"site":"北京","team":"vip"}',
        cause="cause 1",
    )
    over = AlertRecord(
        **{
            **{name: getattr(began, name) for name in began.__struct_fields__},
            "ended": "recovered",
            "ended_at": NOW + SECOND,
        }
    )
    assert [began, over] == house.desk.told


def test_the_cause_is_asked_for_once(house: House) -> None:
    """When the alert is raised; what escalation adds is another alert with its own."""
    house.history.changed([fired()])
    house.history.changed([fired()])
    house.clock.leap(300 * SECOND)
    house.history.changed([Transition(at=WORSE.raised_at, kind="escalated", alert=WORSE)])
    house.history.changed([ended()])

    assert ["warning", "critical"] == house.why.asked
    assert ["cause 1", "cause 1", "cause 2", "cause 1"] == house.causes()


@pytest.mark.parametrize(("passed", "cause"), [(PRESENT, "cause 1"), (PRESENT + 1, None)])
def test_what_began_long_ago_has_no_cause_now(
    house: House, passed: Micros, cause: str | None
) -> None:
    """It is told again after a restart, and agents and calls are others by now."""
    house.clock.leap(passed)
    house.history.changed([fired(), ended()])

    assert [cause, cause] == house.causes()


def test_nothing_is_kept_of_what_is_over(house: House) -> None:
    """A daemon runs for years."""
    house.history.stood([record_of(house)])
    house.history.changed([fired(), ended()])

    assert ({}, {}) == (house.history._causes, house.history._stood)


def test_no_news_is_not_written(house: House) -> None:
    """The journal has enough to do."""
    house.history.changed([])
    house.history.end_gone([key_of(ALERT)], NOW)

    assert [] == house.desk.told


def record_of(house: House, alert: Alert = ALERT) -> AlertRecord:
    """Return *alert* as a former process wrote it."""
    house.history.changed([fired(alert)])
    return house.desk.told.pop()


def test_what_stood_and_is_gone_is_ended(house: House) -> None:
    """With its threshold or its queue; what stands, or has ended since, is left alone."""
    gone = dataclasses.replace(ALERT, threshold="gone")
    over = dataclasses.replace(ENDED, threshold="over")
    former = [record_of(house, alert) for alert in (ALERT, gone, over)]
    house.history.stood(former)
    house.history.changed([ended(over)])
    house.desk.told.clear()

    house.history.end_gone([key_of(ALERT)], NOW + 7)
    house.history.end_gone([], NOW + 8)

    ((name, cause, why, at),) = [
        (record.threshold, record.cause, record.ended, record.ended_at)
        for record in house.desk.told
    ]
    assert ("gone", former[1].cause, "removed", NOW + 7) == (name, cause, why, at)


def test_a_storm_is_written_as_an_alert(house: House) -> None:
    """Of a measure of its own; once it has ended nobody takes it for gone."""
    key = AlertKey("QueueAlertStorm", "team", "vip", "critical", NOW)
    labels = {"team": "vip", "shift": "night"}
    house.history.storm(key, labels, limit=10, count=11, ended_at=None)
    house.history.stood(house.desk.told)
    house.history.storm(key, labels, limit=10, count=40, ended_at=NOW + 9)
    house.history.end_gone([], NOW + 10)

    told = [
        (*record_key, record.measure, record.limit, record.peak, record.ended_at, record.shift)
        for record in house.desk.told
        for record_key in [(record.threshold, record.kind, record.subject, record.fired_at)]
    ]
    name = "QueueAlertStorm", "team", "vip", NOW, STORM_MEASURE, 10
    assert [(*name, 11, None, "night"), (*name, 40, NOW + 9, "night")] == told


def test_the_peak_of_a_storm_is_its_worst_moment_also_over_a_restart(house: House) -> None:
    """It ends when few are left: that is not how bad it was."""
    key = AlertKey("QueueAlertStorm", "team", "vip", "critical", NOW)
    for count in (11, 40):
        house.history.storm(key, {}, limit=10, count=count, ended_at=None)
    house.history.stood(house.desk.told)
    house.history.end_gone([key], NOW + 5)
    house.history.storm(key, {}, limit=10, count=3, ended_at=NOW + 9)

    assert [(11, 11), (40, 40), (3, 40)] == [(r.value, r.peak) for r in house.desk.told]


def test_what_becomes_of_an_alert_is_written(house: House) -> None:
    """Under the name of the alert, each step as it is told."""
    notes: AlertNotes = house.history
    notes.note(key_of(ALERT), AlertStep.TOLD, NOW + 1, "am1")
    notes.note(key_of(WORSE), AlertStep.MISSED, NOW + 2)

    name = "long_wait", "queue", "客服"
    assert [
        AlertStepRecord(*name, "warning", NOW, "told", NOW + 1, "am1"),
        AlertStepRecord(*name, "critical", NOW, "missed", NOW + 2, ""),
    ] == house.desk.steps


def test_what_is_told_each_time_somebody_looks_is_written_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another detail is another step; what was forgotten may be written again."""
    monkeypatch.setattr(alert_history, "NOTED_AT_MOST", 2)
    for at, detail in enumerate("aabbacac"):
        house.history.note(key_of(ALERT), AlertStep.SILENCED, NOW + at, detail)

    assert ["a0", "b2", "c5", "a6"] == [
        f"{step.detail}{step.at - NOW}" for step in house.desk.steps
    ]


def test_what_people_write_into_a_silence_is_cut(house: House) -> None:
    """And what is no character does not keep the journal from writing."""
    for rest in ("", "and so on"):
        detail = "\ud800" + "客" * 1_000 + rest
        house.history.note(key_of(ALERT), AlertStep.SILENCED, NOW, detail)

    (step,) = house.desk.steps
    assert "?" + "客" * (DETAIL_AT_MOST - 1) == step.detail
