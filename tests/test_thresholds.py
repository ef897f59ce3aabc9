"""Tests of the life of a threshold."""

import dataclasses
import functools
import json
import math
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.alerts import Ended, Transition
from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND
from callmon.measures import Reading
from callmon.rules import (
    Direction,
    Escalation,
    Limits,
    Override,
    Rule,
    Selector,
    Severity,
    Subject,
    SubjectKind,
    Threshold,
)
from callmon.thresholds import State, ThresholdState, wilson

HOUR = 3_600 * SECOND
DAY_ONE = date(1970, 1, 1)
Z_95 = 1.959963984540054
SALES = Subject(kind=SubjectKind.QUEUE, name="sales")
ABOVE_3 = Limits(direction=Direction.ABOVE, limit=Fraction(3))


def make_rule(
    limits: Limits,
    *,
    escalate: tuple[Escalation, ...] = (),
    overrides: tuple[Override, ...] = (),
    severity: Severity = Severity.WARNING,
    measure: str = "waiting",
    shifts: tuple[tuple[str, Calendar], ...] = (),
) -> Rule:
    """Return the rule that a threshold of *limits* is for the queue sales."""
    threshold = Threshold(
        name="many_waiting",
        measure=measure,
        window=None,
        severity=severity,
        select=Selector(queues=("*",)),
        limits=limits,
        overrides=overrides,
        escalate=escalate,
        summary="{queue}: {value}",
        summary_zh="{queue}：{value}",
        runbook="https://wiki.example/waiting",
        shifts=shifts,
    )
    rule = threshold.rule_for(SALES)
    assert rule is not None
    return rule


def make_state(
    limits: Limits = ABOVE_3, escalate: tuple[Escalation, ...] = ()
) -> ThresholdState:
    """Return the state of a plain count that has seen nothing."""
    return ThresholdState(make_rule(limits, escalate=escalate), grows=False, ratio=False)


@functools.cache
def hours(*spans: tuple[int, int]) -> Calendar:
    """Return a calendar open during *spans*, in hours since the epoch, and never else."""
    special = {DAY_ONE: tuple((start * 60, end * 60) for start, end in spans)}
    spec = CalendarSpec(
        name="hours", timezone="UTC", dates=((DAY_ONE, DAY_ONE),), special=special
    )
    return Calendar(spec)


def whole(value: int) -> Reading:
    """Return the reading of a count."""
    return value, 1, value


def brief(transitions: Iterable[Transition]) -> list[tuple[object, ...]]:
    """Return what matters of transitions."""
    return [(t.kind, t.at, t.alert.severity, t.alert.ended) for t in transitions]


def duties(transitions: Iterable[Transition]) -> list[tuple[object, ...]]:
    """Return since when each alert stands, and whose shift it was then."""
    return [(t.alert.severity, t.alert.raised_at, t.alert.shift) for t in transitions]


FIRED, ENDED, ADDED = "fired", "ended", "escalated"
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
RECOVERED = Ended.RECOVERED


class TestLife:
    """From ok to firing and back."""

    def test_fires_at_once_without_hold(self) -> None:
        """With ``for: 0s`` the alert fires at the reading that breaches."""
        state = make_state()

        calm = state.update(1, whole(3), blind=False)
        fired = state.update(2, whole(4), blind=False)

        assert calm == ()
        assert brief(fired) == [(FIRED, 2, WARNING, None)]
        assert (state.state, state.since, state.fired_at) == (State.FIRING, 2, 2)
        assert (fired[0].alert.value, fired[0].alert.limit) == (Fraction(4), Fraction(3))
        assert fired[0].alert.runbook == "https://wiki.example/waiting"
        assert fired[0].alert.summary_zh == "{queue}：{value}"

    def test_fires_when_hold_has_passed(self) -> None:
        """It is pending for exactly ``hold`` and says when that runs out."""
        state = make_state(dataclasses.replace(ABOVE_3, hold=30))

        state.update(10, whole(4), blind=False)

        assert (state.state, state.due) == (State.PENDING, 40)
        assert state.update(39, whole(9), blind=False) == ()
        fired = state.update(40, whole(5), blind=False)
        assert brief(fired) == [(FIRED, 40, WARNING, None)]
        assert (fired[0].alert.since, fired[0].alert.peak) == (10, Fraction(9))

    def test_a_breach_shorter_than_hold_is_forgotten(self) -> None:
        """The hold starts anew with the next breach."""
        state = make_state(dataclasses.replace(ABOVE_3, hold=30))

        state.update(10, whole(4), blind=False)
        state.update(20, whole(3), blind=False)
        state.update(30, whole(4), blind=False)

        assert (state.since, state.due) == (30, 60)

    def test_a_late_update_fires_at_the_due_instant(self) -> None:
        """Called late, it first lives through what fell due, with the value of then."""
        state = make_state(dataclasses.replace(ABOVE_3, hold=30))
        state.update(10, whole(4), blind=False)

        late = state.update(100, whole(0), blind=False)

        assert brief(late) == [
            (FIRED, 40, WARNING, None),
            (ENDED, 100, WARNING, RECOVERED),
        ]
        assert late[0].alert.value == 4

    def test_hysteresis_ends_strictly_past_clear(self) -> None:
        """Between the limit and ``clear``, and on ``clear``, it goes on firing."""
        state = make_state(dataclasses.replace(ABOVE_3, clear=Fraction(2)))
        state.update(1, whole(4), blind=False)

        on_clear = state.update(2, whole(2), blind=False)
        past = state.update(3, whole(1), blind=False)

        assert on_clear == ()
        assert brief(past) == [(ENDED, 3, WARNING, RECOVERED)]
        assert (state.state, state.ended_at, state.severities) == (State.OK, 3, ())

    def test_the_peak_is_the_worst_exact_value(self) -> None:
        """1/2 is worse than 4/9, whatever the parts, and for ``below`` the smallest is."""
        above = Limits(direction=Direction.ABOVE, limit=Fraction(1, 5))
        below = Limits(direction=Direction.BELOW, limit=Fraction(4, 5))
        readings = ((4, 9, 9), (1, 2, 2), (3, 10, 10))

        peaks = []
        for limits in (above, below):
            state = ThresholdState(make_rule(limits), grows=False, ratio=True)
            for at, reading in enumerate(readings):
                state.update(at, reading, blind=False)
            peaks += [alert.peak for alert in state.alerts()]

        assert peaks == [Fraction(1, 2), Fraction(3, 10)]

    @pytest.mark.parametrize("restart", [False, True])
    def test_the_peak_of_what_grows_is_that_of_the_moment_before_it_fell(
        self, *, restart: bool
    ) -> None:
        """Nobody looks while a wait only grows; the caller waited for as long all the same."""
        limits = Limits(direction=Direction.ABOVE, limit=Fraction(10))
        state = ThresholdState(make_rule(limits), grows=True, ratio=False)
        state.update(10, whole(10), blind=False)
        if restart:
            before = state.snapshot()
            state = ThresholdState(make_rule(limits), grows=True, ratio=False)
            state.restore(before)

        (ended,) = state.update(75, whole(3), blind=False)

        assert (ended.kind, ended.alert.peak) == ("ended", Fraction(75))

    def test_what_grew_after_the_end_is_no_peak(self) -> None:
        """The day closed long ago: the alert ended then, with what it was by then."""
        limits = Limits(direction=Direction.ABOVE, limit=Fraction(10), active=hours((0, 1)))
        state = ThresholdState(make_rule(limits), grows=True, ratio=False)
        state.update(3_500 * SECOND, whole(10), blind=False)

        (ended,) = state.update(7_200 * SECOND, whole(3), blind=False)

        assert (ended.alert.ended, ended.alert.peak) == (
            Ended.CLOSED,
            Fraction(10 + 100 * SECOND),
        )

    def test_what_is_taken_away_has_grown_until_then(self) -> None:
        """With its threshold an alert ends as bad as it was at that moment."""
        limits = Limits(direction=Direction.ABOVE, limit=Fraction(10))
        state = ThresholdState(make_rule(limits), grows=True, ratio=False)
        state.update(10, whole(10), blind=False)

        (ended,) = state.remove(300)

        assert ended.alert.peak == Fraction(300)

    def test_what_grew_unseen_is_no_peak(self) -> None:
        """While blind nobody knows whether it went on."""
        limits = Limits(direction=Direction.ABOVE, limit=Fraction(10))
        state = ThresholdState(make_rule(limits), grows=True, ratio=False)
        state.update(10, whole(10), blind=False)
        state.update(20, None, blind=True)

        (ended,) = state.update(75, whole(3), blind=False)

        assert ended.alert.peak == Fraction(20)

    def test_the_value_follows_every_reading(self) -> None:
        """Also while nothing happens."""
        state = make_state()

        for at, value in enumerate((1, 2, 0)):
            state.update(at, whole(value), blind=False)

            assert state.value == whole(value)

    def test_below_mirrors_above(self) -> None:
        """For ``below`` a smaller value is worse and a larger one clears."""
        limits = Limits(direction=Direction.BELOW, limit=Fraction(8, 10), clear=Fraction(9, 10))
        state = ThresholdState(make_rule(limits), grows=False, ratio=True)

        seen = [
            brief(state.update(at, (k, 20, 20), blind=False))
            for at, k in enumerate((16, 15, 10, 18, 19))
        ]

        assert seen == [
            [],
            [(FIRED, 1, WARNING, None)],
            [],
            [],
            [(ENDED, 4, WARNING, RECOVERED)],
        ]

    def test_keep_outlasts_a_dip(self) -> None:
        """A new breach while keeping goes on with the same alert, silently."""
        state = make_state(dataclasses.replace(ABOVE_3, keep=10))
        state.update(1, whole(4), blind=False)

        state.update(5, whole(0), blind=False)
        assert (state.state, state.due) == (State.KEEPING, 15)
        again = state.update(14, whole(5), blind=False)
        assert (again, state.state, state.due) == ((), State.FIRING, None)
        state.update(20, whole(0), blind=False)
        ended = state.update(99, whole(0), blind=False)

        assert brief(ended) == [(ENDED, 30, WARNING, RECOVERED)]
        assert ended[0].alert.fired_at == 1
        assert (ended[0].alert.ended_at, ended[0].alert.peak) == (30, Fraction(5))

    def test_what_grows_breaches_on_reaching_the_limit(self) -> None:
        """A wait of exactly the limit is a breach; of a microsecond less it is none."""
        limits = Limits(direction=Direction.ABOVE, limit=Fraction(180 * SECOND))
        state = ThresholdState(make_rule(limits), grows=True, ratio=False)

        before = state.update(1, (180 * SECOND - 1, 1, 1), blind=False)
        reached = state.update(2, (180 * SECOND, 1, 1), blind=False)

        assert before == ()
        assert brief(reached) == [(FIRED, 2, WARNING, None)]

    def test_the_same_instant_twice_changes_nothing(self) -> None:
        """A repeated update is silent, whatever state it meets."""
        state = make_state(dataclasses.replace(ABOVE_3, keep=5))
        for at, value in ((1, 4), (2, 0), (7, 0)):
            state.update(at, whole(value), blind=False)
            snapshot = state.snapshot()

            assert state.update(at, whole(value), blind=False) == ()
            assert state.snapshot() == snapshot


class TestEntry:
    """What keeps a breach from starting."""

    def test_at_least_guards_entry_only(self) -> None:
        """A small base keeps it from starting, not from going on."""
        state = make_state(dataclasses.replace(ABOVE_3, at_least=20))

        small = state.update(1, (9, 1, 19), blind=False)
        enough = state.update(2, (9, 1, 20), blind=False)
        shrunk = state.update(3, (9, 1, 1), blind=False)

        assert (small, shrunk) == ((), ())
        assert brief(enough) == [(FIRED, 2, WARNING, None)]
        assert state.since == 2

    @pytest.mark.parametrize(
        ("direction", "certain", "doubtful"),
        [
            (Direction.ABOVE, (40, 100, 100), (25, 100, 100)),
            (Direction.BELOW, (5, 100, 100), (15, 100, 100)),
        ],
    )
    def test_confidence_wants_the_bound_beyond_the_limit(
        self, direction: Direction, certain: Reading, doubtful: Reading
    ) -> None:
        """25 of 100 is above 20 %, but with 95 % confidence it might not be."""
        limits = Limits(direction=direction, limit=Fraction(1, 5), confidence=Z_95)
        state = ThresholdState(make_rule(limits), grows=False, ratio=True)

        assert state.update(1, doubtful, blind=False) == ()
        assert brief(state.update(2, certain, blind=False)) == [(FIRED, 2, WARNING, None)]
        assert state.update(3, doubtful, blind=False) == ()
        assert state.state is State.FIRING

    def test_confidence_is_for_ratios(self) -> None:
        """A measure that is no ratio has no Wilson bound and is not held back by one."""
        state = make_state(dataclasses.replace(ABOVE_3, confidence=Z_95))

        assert brief(state.update(1, whole(4), blind=False)) == [(FIRED, 1, WARNING, None)]


class TestSight:
    """No base, and no sight."""

    def test_an_empty_base_ends_at_once(self) -> None:
        """No contact is left: nothing to keep, and no recovery either."""
        state = make_state(dataclasses.replace(ABOVE_3, keep=10))
        state.update(1, whole(4), blind=False)

        ended = state.update(5, None, blind=False)

        assert brief(ended) == [(ENDED, 5, WARNING, Ended.NO_CONTACTS)]
        assert ended[0].alert.value == 4
        assert (state.state, state.value) == (State.NO_VALUE, None)

    def test_blindness_forgets_what_was_pending(self) -> None:
        """Nobody knows whether the breach held; it starts anew with sight."""
        state = make_state(dataclasses.replace(ABOVE_3, hold=10))
        state.update(1, whole(4), blind=False)

        state.update(5, None, blind=True)
        assert (state.state, state.due) == (State.NO_VALUE, None)
        state.update(6, whole(4), blind=False)

        assert (state.state, state.since) == (State.PENDING, 6)

    def test_blindness_keeps_a_firing_alert(self) -> None:
        """It stands, marked and without timers, and goes on with sight."""
        critical = Escalation(after=10, severity=CRITICAL)
        state = make_state(escalate=(critical,))
        state.update(1, whole(4), blind=False)

        blind = state.update(5, None, blind=True)
        assert (blind, state.state, state.due) == ((), State.FIRING, None)
        assert [(a.blind, a.value) for a in state.alerts()] == [(True, Fraction(4))]
        sighted = state.update(50, whole(5), blind=False)

        assert brief(sighted) == [(ADDED, 50, CRITICAL, None)]
        assert [a.blind for a in state.alerts()] == [False, False]

    def test_a_reading_while_blind_is_not_believed(self) -> None:
        """A window that no longer fills says little, so it starts nothing."""
        state = make_state()

        assert state.update(1, whole(9), blind=True) == ()
        assert (state.state, state.value) == (State.NO_VALUE, None)

    def test_keep_that_ran_out_unseen_ends_with_sight(self) -> None:
        """The alert stood while blind, so it cannot have ended before."""
        state = make_state(dataclasses.replace(ABOVE_3, keep=10))
        state.update(1, whole(4), blind=False)
        state.update(2, whole(0), blind=False)
        state.update(5, None, blind=True)

        assert brief(state.update(40, whole(0), blind=False)) == [
            (ENDED, 40, WARNING, RECOVERED)
        ]


class TestEscalation:
    """Alerts added as time goes by."""

    def test_steps_add_alerts_and_all_end_together(self) -> None:
        """The lower alert stays; one ended transition each."""
        state = make_state(escalate=(Escalation(after=10, severity=CRITICAL),))

        state.update(5, whole(4), blind=False)
        assert state.due == 15
        added = state.update(17, whole(4), blind=False)
        assert brief(added) == [(ADDED, 15, CRITICAL, None)]
        assert state.severities == (WARNING, CRITICAL)
        ended = state.update(20, whole(0), blind=False)

        assert brief(ended) == [
            (ENDED, 20, WARNING, RECOVERED),
            (ENDED, 20, CRITICAL, RECOVERED),
        ]

    def test_none_starts_while_keeping(self) -> None:
        """It is on its way out; when the breach returns, an overdue step follows."""
        limits = dataclasses.replace(ABOVE_3, keep=100)
        state = make_state(limits, escalate=(Escalation(after=10, severity=CRITICAL),))
        state.update(0, whole(4), blind=False)
        state.update(5, whole(0), blind=False)

        keeping = state.update(20, whole(0), blind=False)
        again = state.update(25, whole(4), blind=False)

        assert (keeping, brief(again)) == ((), [(ADDED, 25, CRITICAL, None)])


class TestCalendars:
    """What opens, closes and changes by date."""

    def test_closing_ends_and_opening_begins_afresh(self) -> None:
        """The end is ``closed`` at the closing instant, with the last value."""
        limits = dataclasses.replace(ABOVE_3, active=hours((2, 4), (6, 8)))
        state = make_state(limits)

        state.update(0, whole(9), blind=False)
        assert (state.state, state.due, state.floor) == (State.OFF, 2 * HOUR, None)
        opened = state.update(2 * HOUR, whole(4), blind=False)
        assert brief(opened) == [(FIRED, 2 * HOUR, WARNING, None)]
        assert (state.due, state.floor) == (4 * HOUR, 2 * HOUR)
        closed = state.update(5 * HOUR, whole(4), blind=False)

        assert brief(closed) == [(ENDED, 4 * HOUR, WARNING, Ended.CLOSED)]
        assert (closed[0].alert.value, closed[0].alert.ended_at) == (Fraction(4), 4 * HOUR)
        assert (state.state, state.value, state.due) == (State.OFF, None, 6 * HOUR)

    def test_a_limit_changes_with_its_date(self) -> None:
        """The new limit counts from its instant on; the hold goes on if it holds, too."""
        limits = dataclasses.replace(ABOVE_3, hold=2 * HOUR)
        lower = Override(during=hours((1, 4)), limit=Fraction(1))
        state = ThresholdState(make_rule(limits, overrides=(lower,)), grows=False, ratio=False)

        state.update(0, whole(2), blind=False)
        assert (state.state, state.due) == (State.OK, HOUR)
        state.update(HOUR, whole(2), blind=False)
        assert (state.state, state.due) == (State.PENDING, 3 * HOUR)
        assert state.limits.limit == 1
        state.update(2 * HOUR, whole(9), blind=False)
        late = state.update(5 * HOUR, whole(2), blind=False)

        assert brief(late) == [
            (FIRED, 3 * HOUR, WARNING, None),
            (ENDED, 5 * HOUR, WARNING, RECOVERED),
        ]

    def test_a_new_limit_ends_what_no_longer_breaches(self) -> None:
        """At the instant a date raises the limit, the alert ends."""
        higher = Override(during=hours((1, 4)), limit=Fraction(9))
        state = ThresholdState(
            make_rule(ABOVE_3, overrides=(higher,)), grows=False, ratio=False
        )

        state.update(0, whole(5), blind=False)
        late = state.update(2 * HOUR, whole(5), blind=False)

        assert brief(late) == [(ENDED, HOUR, WARNING, RECOVERED)]


class TestChanges:
    """Reload, removal, correction."""

    def test_a_changed_limit_keeps_the_alert(self) -> None:
        """A reload with the same measure, window and direction goes on silently."""
        state = make_state()
        state.update(1, whole(9), blind=False)

        reloaded = state.replace_rule(
            make_rule(dataclasses.replace(ABOVE_3, limit=Fraction(5))), 7
        )
        assert (reloaded, state.due, state.fired_at) == ((), 7, 1)
        assert state.update(7, whole(9), blind=False) == ()
        assert brief(state.update(8, whole(4), blind=False)) == [(ENDED, 8, WARNING, RECOVERED)]

    def test_another_measure_begins_afresh(self) -> None:
        """What the alert said is no longer measured: it ends ``removed``."""
        state = make_state()
        state.update(1, whole(9), blind=False)

        reloaded = state.replace_rule(
            make_rule(ABOVE_3, measure="longest_wait"), 7, grows=True, ratio=False
        )

        assert brief(reloaded) == [(ENDED, 7, WARNING, Ended.REMOVED)]
        assert brief(state.update(7, whole(3), blind=False)) == [(FIRED, 7, WARNING, None)]

    def test_another_severity_replaces_the_alert(self) -> None:
        """Severity is part of an alert's name, so one ends and the other fires."""
        state = make_state()
        state.update(1, whole(9), blind=False)

        reloaded = state.replace_rule(make_rule(ABOVE_3, severity=CRITICAL), 7)

        assert brief(reloaded) == [
            (ENDED, 7, WARNING, Ended.REMOVED),
            (FIRED, 7, CRITICAL, None),
        ]
        assert [(a.severity, a.since) for a in state.alerts()] == [(CRITICAL, 1)]

    def test_a_reload_first_lives_through_what_fell_due(self) -> None:
        """What the old rule would have fired before the reload has fired."""
        state = make_state(dataclasses.replace(ABOVE_3, hold=5))
        state.update(1, whole(9), blind=False)

        reloaded = state.replace_rule(make_rule(ABOVE_3, measure="arrived"), 10)

        assert brief(reloaded) == [
            (FIRED, 6, WARNING, None),
            (ENDED, 10, WARNING, Ended.REMOVED),
        ]

    def test_removal_ends_all(self) -> None:
        """No alert outlives its threshold."""
        state = make_state(escalate=(Escalation(after=1, severity=CRITICAL),))
        state.update(1, whole(9), blind=False)
        state.update(2, whole(9), blind=False)

        assert brief(state.remove(3)) == [
            (ENDED, 3, WARNING, Ended.REMOVED),
            (ENDED, 3, CRITICAL, Ended.REMOVED),
        ]
        assert (state.remove(4), state.alerts(), state.due) == ((), (), None)


class TestShift:
    """Who was on duty when an alert was raised."""

    ESCALATE = (Escalation(after=2 * HOUR, severity=CRITICAL),)
    DAY_THEN_NIGHT = (("day", hours((1, 3))), ("night", hours((3, 9))))

    def make_state(self, shifts: tuple[tuple[str, Calendar], ...]) -> ThresholdState:
        """Return a state that escalates after two hours, with *shifts*."""
        rule = make_rule(ABOVE_3, escalate=self.ESCALATE, shifts=shifts)
        return ThresholdState(rule, grows=False, ratio=False)

    def test_each_alert_has_the_shift_of_its_own_beginning(self) -> None:
        """What the day left lying is escalated to the night; both keep their labels."""
        state = self.make_state(self.DAY_THEN_NIGHT)

        raised = [
            *state.update(2 * HOUR, whole(4), blind=False),
            *state.update(4 * HOUR, whole(4), blind=False),
        ]
        ended = state.update(5 * HOUR, whole(0), blind=False)

        day, night = (WARNING, 2 * HOUR, "day"), (CRITICAL, 4 * HOUR, "night")
        assert duties(raised) == [day, night]
        assert duties(ended) == [day, night]
        assert {t.alert.fired_at for t in (*raised, *ended)} == {2 * HOUR}

    def test_nobody_on_duty_is_no_shift(self) -> None:
        """An alert between two shifts goes where alerts without the label go."""
        state = self.make_state(self.DAY_THEN_NIGHT)

        assert duties(state.update(0, whole(4), blind=False)) == [(WARNING, 0, None)]

    def test_a_late_look_finds_the_shift_of_the_due_instant(self) -> None:
        """It counts when the threshold fired, not when anybody looked."""
        rule = make_rule(
            dataclasses.replace(ABOVE_3, hold=HOUR), shifts=(("day", hours((1, 3))),)
        )
        state = ThresholdState(rule, grows=False, ratio=False)
        state.update(HOUR, whole(4), blind=False)

        late = state.update(9 * HOUR, whole(4), blind=False)

        assert duties(late) == [(WARNING, 2 * HOUR, "day")]

    def test_other_shifts_are_for_other_alerts(self) -> None:
        """A reload and a restart with changed shifts leave what stands as it is."""
        changed = make_rule(ABOVE_3, escalate=self.ESCALATE, shifts=(("late", hours((0, 9))),))
        state = self.make_state(self.DAY_THEN_NIGHT)
        state.update(2 * HOUR, whole(4), blind=False)
        restarted = ThresholdState(changed, grows=False, ratio=False)

        assert restarted.restore(state.snapshot()) == ()
        assert state.replace_rule(changed, 3 * HOUR) == ()

        for one in (state, restarted):
            one.update(4 * HOUR, whole(4), blind=False)
            assert [(a.severity, a.raised_at, a.shift) for a in one.alerts()] == [
                (WARNING, 2 * HOUR, "day"),
                (CRITICAL, 4 * HOUR, "late"),
            ]

    def test_what_replaces_an_alert_is_raised_then(self) -> None:
        """Another severity is another alert; the old one ends with the shift it had."""
        state = self.make_state(self.DAY_THEN_NIGHT)
        state.update(2 * HOUR, whole(4), blind=False)
        info = make_rule(ABOVE_3, severity=Severity.INFO, shifts=self.DAY_THEN_NIGHT)

        assert duties(state.replace_rule(info, 4 * HOUR)) == [
            (WARNING, 2 * HOUR, "day"),
            (Severity.INFO, 4 * HOUR, "night"),
        ]
        assert [a.fired_at for a in state.alerts()] == [2 * HOUR]


class TestRestore:
    """What a restart meets."""

    def test_a_changed_measure_ends_what_was_firing(self) -> None:
        """A restart with another rule ends the alert when it was last known to stand."""
        before = make_state()
        before.update(5, whole(9), blind=False)
        after = ThresholdState(make_rule(ABOVE_3, measure="arrived"), grows=False, ratio=False)

        assert brief(after.restore(before.snapshot())) == [(ENDED, 5, WARNING, Ended.REMOVED)]
        assert (after.state, after.alerts()) == (State.OK, ())

    def test_a_breach_that_lasted_is_known_to_have_stood_until_the_last_reading(self) -> None:
        """Readings that change nothing still tell that the alert stands."""
        before = make_state()
        before.update(5, whole(9), blind=False)
        before.update(8, whole(7), blind=False)
        after = ThresholdState(make_rule(ABOVE_3, measure="arrived"), grows=False, ratio=False)

        assert brief(after.restore(before.snapshot())) == [(ENDED, 8, WARNING, Ended.REMOVED)]

    def test_what_kept_goes_on_keeping(self) -> None:
        """The time it has kept, its peak and its blindness survive the restart."""
        limits = dataclasses.replace(ABOVE_3, keep=10)
        before, after = make_state(limits), make_state(limits)
        for at, value in ((1, 9), (2, 4), (5, 0)):
            before.update(at, whole(value), blind=False)
        before.update(6, None, blind=True)

        assert after.restore(before.snapshot()) == ()

        assert [(a.peak, a.blind) for a in after.alerts()] == [(Fraction(9), True)]
        assert after.update(7, None, blind=True) == ()
        assert (after.update(8, whole(0), blind=False), after.due) == ((), 15)

    def test_a_snapshot_of_before_there_were_shifts_is_read(self) -> None:
        """Its alerts count as raised when the breach fired, in no shift."""
        escalate = (Escalation(after=2, severity=CRITICAL),)
        before = make_state(escalate=escalate)
        before.update(5, whole(9), blind=False)
        before.update(7, whole(9), blind=False)
        saved = {key: value for key, value in before.snapshot().items() if key != "raised"}
        after = make_state(escalate=escalate)

        assert after.restore(saved) == ()

        assert [(a.severity, a.raised_at, a.shift) for a in after.alerts()] == [
            (WARNING, 5, None),
            (CRITICAL, 5, None),
        ]

    def test_a_state_never_used_restores_to_one(self) -> None:
        """There is nothing to go on from."""
        state = make_state()

        assert state.restore(make_state().snapshot()) == ()
        assert brief(state.update(5, whole(9), blind=False)) == [(FIRED, 5, WARNING, None)]


class TestWilson:
    """The bounds."""

    @pytest.mark.parametrize(
        ("k", "n", "low", "high"),
        [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ],
    )
    def test_agrees_with_newcombe(self, k: int, n: int, low: float, high: float) -> None:
        """R. G. Newcombe (1998), Statistics in Medicine 17, table I, method 3."""
        assert (low, high) == pytest.approx(wilson(k, n, Z_95), abs=5e-5)

    @given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    def test_bounds_are_where_the_score_test_turns(self, counts: tuple[int, int]) -> None:
        """At each bound p the observed share is z standard errors of p away from p."""
        k, n = counts
        for bound in wilson(k, n, Z_95):
            error = math.sqrt(max(bound * (1 - bound), 0) / n)
            assert abs(k / n - bound) == pytest.approx(Z_95 * error, abs=1e-7)

    def test_nothing_seen_is_nothing_known(self) -> None:
        """Without a contact the share may be anything."""
        assert wilson(0, 0, Z_95) == (0.0, 1.0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A rule and what is read at each hour; "blind" is no sight, None an empty base."""

    rule: Rule
    grows: bool
    readings: Sequence[Reading | str | None]


END = 13
spans = st.lists(
    st.tuples(st.integers(0, END - 2), st.integers(1, 4)).map(lambda p: (p[0], p[0] + p[1])),
    min_size=1,
    max_size=2,
)
opening = spans.map(lambda pairs: hours(*pairs))
lengths = st.integers(0, 3).map(lambda n: n * HOUR)
small = st.integers(0, 4).map(Fraction)


@st.composite
def stories(draw: st.DrawFn, *, closing: bool = True) -> Story:
    """Draw rules and readings so small that every boundary collides."""
    limits = Limits(
        direction=draw(st.sampled_from(Direction)),
        limit=draw(small),
        clear=draw(st.none() | small),
        hold=draw(lengths),
        keep=draw(lengths),
        at_least=draw(st.integers(0, 2)),
        active=draw(st.none() | opening) if closing else None,
    )
    steps = draw(st.lists(lengths, max_size=2).map(sorted))
    overrides = st.builds(
        Override,
        during=opening,
        limit=st.none() | small,
        hold=st.none() | lengths,
        keep=st.none() | lengths,
    )
    rule = make_rule(
        limits,
        escalate=tuple(
            Escalation(after=after, severity=severity)
            for after, severity in zip(steps, (CRITICAL, Severity.INFO), strict=False)
        ),
        overrides=tuple(draw(st.lists(overrides, max_size=1))),
        shifts=tuple(zip(("a", "b"), draw(st.lists(opening, max_size=2)), strict=False)),
    )
    reading = st.tuples(st.integers(0, 8), st.just(2), st.integers(1, 2))
    runs = st.lists(
        st.tuples(st.none() | st.just("blind") | reading | reading, st.integers(1, 4)),
        min_size=1,
        max_size=7,
    )
    readings = [value for value, length in draw(runs) for _ in range(length)]
    readings = [*readings, *[readings[-1]] * END][:END]
    return Story(rule=rule, grows=draw(st.booleans()), readings=readings)


class Simulation:
    """Lives through every hour, the plain way."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.out: list[tuple[object, ...]] = []
        self.since: int | None = None
        self.fired: int | None = None
        self.cleared: int | None = None
        self.standing: dict[Severity, tuple[int, str | None]] = {}

    def run(self) -> list[tuple[object, ...]]:
        """Return the transitions of the whole story."""
        for hour, reading in enumerate(self.story.readings):
            at = hour * HOUR
            limits, _ = self.story.rule.limits_at(at)
            if limits.active is not None and not limits.active.is_open(at):
                self.end(at, Ended.CLOSED)
            elif isinstance(reading, str):
                self.since = self.since if self.standing else None
            elif reading is None:
                self.end(at, Ended.NO_CONTACTS)
            elif self.standing:
                self.stand(at, limits, reading)
            else:
                self.wait(at, limits, reading)
        return self.out

    def end(self, at: int, why: Ended) -> None:
        """End all alerts."""
        self.out += [
            (ENDED, at, severity, why, *duty) for severity, duty in self.standing.items()
        ]
        self.since = self.fired = self.cleared = None
        self.standing = {}

    def wait(self, at: int, limits: Limits, reading: Reading) -> None:
        """Live through an hour without an alert."""
        if not self.is_bad(limits, reading):
            self.since = None
        elif self.since is None and reading[2] >= limits.at_least:
            self.since = at
        if self.since is not None and at - self.since >= limits.hold:
            self.fired = at
            self.stand_up(FIRED, at, WARNING)
            self.escalate(at)

    def stand(self, at: int, limits: Limits, reading: Reading) -> None:
        """Live through an hour with an alert."""
        if self.is_bad(limits, reading):
            self.cleared = None
        elif self.cleared is None and self.is_good(limits, reading):
            self.cleared = at
        if self.cleared is None:
            self.escalate(at)
        elif at - self.cleared >= limits.keep:
            self.end(at, RECOVERED)

    def stand_up(self, kind: str, at: int, severity: Severity) -> None:
        """Raise an alert for whoever is on duty."""
        shifts = self.story.rule.threshold.shifts
        on_duty = [name for name, calendar in shifts if calendar.is_open(at)]
        self.standing[severity] = (at, on_duty[0] if on_duty else None)
        self.out.append((kind, at, severity, None, *self.standing[severity]))

    def escalate(self, at: int) -> None:
        """Add the alerts whose time has come."""
        assert self.fired is not None
        for step in self.story.rule.threshold.escalate:
            if at - self.fired >= step.after and step.severity not in self.standing:
                self.stand_up(ADDED, at, step.severity)

    def is_bad(self, limits: Limits, reading: Reading) -> bool:
        """Tell whether the reading is beyond the limit."""
        value = Fraction(reading[0], reading[1])
        if limits.direction is Direction.BELOW:
            return value < limits.limit
        return value > limits.limit or (self.story.grows and value == limits.limit)

    def is_good(self, limits: Limits, reading: Reading) -> bool:
        """Tell whether the reading is past clear."""
        value = Fraction(reading[0], reading[1])
        if limits.clear is None:
            return not self.is_bad(limits, reading)
        if limits.direction is Direction.BELOW:
            return value > limits.clear
        return value < limits.clear


def ask(
    state: ThresholdState, at: int, reading: Reading | str | None
) -> list[tuple[object, ...]]:
    """Update *state* with one of a story's readings."""
    known = None if isinstance(reading, str) else reading
    told = state.update(at, known, blind=isinstance(reading, str))
    return [(*what, *duty[1:]) for what, duty in zip(brief(told), duties(told), strict=True)]


def change_hours(story: Story) -> list[int]:
    """Return the hours at which the reading changes, and the last."""
    changes = [hour for hour, (a, b) in enumerate(pairwise(story.readings), start=1) if a != b]
    return [0, *changes, END - 1]


class TestAgainstSimulation:
    """The machine, against living through every hour."""

    @given(stories())
    @settings(max_examples=150)
    def test_change_points_and_due_are_enough(self, story: Story) -> None:
        """Driven only when something changes and at ``due``, it misses nothing."""
        state = ThresholdState(story.rule, grows=story.grows, ratio=False)
        out = []
        hour = 0
        changes = change_hours(story)
        while True:
            out += ask(state, hour * HOUR, story.readings[hour])
            assert state.due is None or state.due > hour * HOUR
            wanted = [change for change in changes if change > hour]
            if state.due is not None and state.due < END * HOUR:
                wanted.append(state.due // HOUR)
            if not wanted:
                break
            hour = min(wanted)

        assert Simulation(story).run() == out

    @given(stories())
    def test_asking_more_often_changes_nothing(self, story: Story) -> None:
        """Driven at every hour, and twice each, it says the same."""
        state = ThresholdState(story.rule, grows=story.grows, ratio=False)

        out = []
        for hour, reading in enumerate(story.readings):
            out += ask(state, hour * HOUR, reading)
            assert ask(state, hour * HOUR, reading) == []

        assert Simulation(story).run() == out

    @given(stories(closing=False))
    @settings(max_examples=150)
    def test_being_late_changes_nothing(self, story: Story) -> None:
        """Driven when readings change only, it catches up at the exact instants."""
        state = ThresholdState(story.rule, grows=story.grows, ratio=False)

        out = []
        for hour in change_hours(story):
            out += ask(state, hour * HOUR, story.readings[hour])

        assert Simulation(story).run() == out

    @given(stories(), st.integers(1, END - 1))
    @settings(max_examples=150)
    def test_a_restart_changes_nothing(self, story: Story, restart: int) -> None:
        """Restored from a snapshot, it goes on as though nothing had been."""
        state = ThresholdState(story.rule, grows=story.grows, ratio=False)

        out = []
        for hour, reading in enumerate(story.readings):
            if hour == restart:
                saved = json.loads(json.dumps(state.snapshot()))
                state = ThresholdState(story.rule, grows=story.grows, ratio=False)
                assert state.restore(saved) == ()
            out += ask(state, hour * HOUR, reading)

        assert Simulation(story).run() == out

    @given(stories(), st.integers(1, END - 1))
    def test_a_reload_of_the_same_changes_nothing(self, story: Story, reload: int) -> None:
        """Replaced by its equal, it goes on as though nothing had been."""
        state = ThresholdState(story.rule, grows=story.grows, ratio=False)

        out = []
        for hour, reading in enumerate(story.readings):
            if hour == reload:
                assert state.replace_rule(dataclasses.replace(story.rule), hour * HOUR) == ()
            out += ask(state, hour * HOUR, reading)

        assert Simulation(story).run() == out
