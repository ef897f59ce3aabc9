"""The life of one threshold for one subject: ok, pending, firing, keeping, and out again.

A ``ThresholdState`` is told the reading at every event and at ``due``; it answers with the
transitions that came about, each at its exact instant. It knows no measure: a reading is
an exact fraction with the size of its base.

What guards what: ``at_least`` and ``confidence`` the entry only (ok to pending), ``hold``
the firing, ``clear`` and ``keep`` the end. The bound for ``confidence`` is Wilson's:
E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from callmon.alerts import Alert, Ended, Transition
from callmon.clock import Micros
from callmon.measures import Reading
from callmon.rules import Direction, Escalation, Limits, Rule, Severity

__all__ = ["State", "ThresholdState", "wilson"]

_NEVER: Micros = 1 << 62


class State(StrEnum):
    """Where a threshold stands."""

    OK = "ok"
    PENDING = "pending"  #: beyond the limit, but not long enough
    FIRING = "firing"
    KEEPING = "keeping"  #: cleared, but not long enough; the alert still stands
    NO_VALUE = "no_value"  #: nothing to compare: blind, or no contact in the base
    OFF = "off"  #: outside ``active``


class _Raised(NamedTuple):
    """What an alert that stands is, for as long as it does."""

    severity: Severity
    at: Micros
    shift: str | None  #: on duty then


def wilson(k: int, n: int, z: float) -> tuple[float, float]:
    """Return Wilson's score interval for *k* of *n*; with n = 0 nothing is known: (0, 1)."""
    if n == 0:
        return 0.0, 1.0
    square = z * z
    centre = k + square / 2
    spread = z * math.sqrt(k * (n - k) / n + square / 4)
    return (centre - spread) / (n + square), (centre + spread) / (n + square)


class ThresholdState:
    """One rule, followed through time.

    Attributes:
        rule: what is followed.
        state: where it stands.
        limits: those in force; the rule's base before the first ``update``.
        value: the last reading; None when there is none.
        peak: the worst reading since the condition began.
        since: when the condition began; None when it does not hold.
        fired_at: when it fired; None when it does not.
        ended_at: when the last alert ended.
        blind: whether the last update said so.
        wakes: as ``due``, but later than any instant where that is None.
        floor: when ``active`` opened; a window must not begin before. None: no bound.
    """

    __slots__ = (
        "_base",
        "_clear",
        "_edge",
        "_grows",
        "_kept_since",
        "_raised",
        "_ratio",
        "_read_at",
        "_seen_at",
        "_sign",
        "_slack",
        "_steady",
        "_times",
        "blind",
        "ended_at",
        "fired_at",
        "floor",
        "limits",
        "peak",
        "rule",
        "since",
        "state",
        "value",
        "wakes",
    )

    def __init__(self, rule: Rule, *, grows: bool, ratio: bool) -> None:
        self.rule = rule
        self._grows = grows
        self._ratio = ratio
        self.state = State.OK
        self.blind = False
        self.value: Reading | None = None
        self.peak: Reading | None = None
        self.since: Micros | None = None
        self.fired_at: Micros | None = None
        self.ended_at: Micros | None = None
        self.floor: Micros | None = None
        self._raised: tuple[_Raised, ...] = ()
        self._kept_since: Micros | None = None
        self._seen_at: Micros | None = None
        self._read_at: Micros | None = None
        self._steady: bool | None = None
        self._edge = -_NEVER  # the calendars have not been asked yet
        self.wakes = _NEVER
        self._set_limits(rule.base)

    @property
    def due(self) -> Micros | None:
        """When ``update`` must be called though nothing happens: a timer or a calendar."""
        return None if self.wakes == _NEVER else self.wakes

    @property
    def severities(self) -> tuple[Severity, ...]:
        """Of the alerts that stand now, in the order they came."""
        return tuple(raised.severity for raised in self._raised)

    def update(
        self, now: Micros, reading: Reading | None, *, blind: bool
    ) -> tuple[Transition, ...]:
        """Take the reading at *now* and return what came about, oldest first.

        *now* never goes back. Called after ``due``, it first lives through what fell due,
        as though the reading before had held until *now*. *blind* counts more than the
        reading: what is read then is not known to be true.
        """
        # Hardly any event moves a threshold: this is all that most calls cost.
        if reading is not None and now < self.wakes and not blind:
            numerator, denominator, _ = reading
            beyond = numerator * self._times > self._base * denominator - self._slack
            if beyond is self._steady:
                if self.fired_at is not None or beyond:
                    self._grow_until(now)
                    self._seen_at = self._read_at = now
                    self._raise_peak(reading)
                self.value = reading
                return ()
        out: list[Transition] = []
        self._catch_up(now, out)
        self._read_at = None if blind else now
        self._step(now, reading, blind=blind, out=out)
        return tuple(out)

    def _grow_until(self, now: Micros) -> None:
        """Raise the peak to what the last reading has grown to by *now*.

        While an alert stands every event that could change it is looked at.
        """
        n, d, base = self.value or (0, 1, 0)
        grows = self._grows and (n or base)  # with nobody it stays 0, for all of ``keep``
        if grows and self.since is not None and self._read_at is not None:
            self._raise_peak((n + (now - self._read_at) * d, d, base))

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that stand now, kept and blind ones included."""
        return tuple(self._alert(raised) for raised in self._raised)

    def replace_rule(
        self, rule: Rule, now: Micros, *, grows: bool | None = None, ratio: bool | None = None
    ) -> tuple[Transition, ...]:
        """Follow *rule* from *now* on; ``due`` is *now* then, so that it is judged anew.

        With the same measure, window and direction everything goes on; alerts of a
        severity that the rule no longer has end ``removed``. Otherwise all alerts end
        ``removed`` and it begins afresh, *grows* and *ratio* telling about a new measure.
        """
        out: list[Transition] = []
        self._catch_up(now, out)
        if _identity(rule) == _identity(self.rule):
            self._adopt_severities(rule, now, out)
        else:
            self._end(now, Ended.REMOVED, out)
            self._forget(State.OK)
        self.rule = rule
        self._grows = self._grows if grows is None else grows
        self._ratio = self._ratio if ratio is None else ratio
        self._judge_anew_at(now)
        return tuple(out)

    def remove(self, now: Micros) -> tuple[Transition, ...]:
        """End all alerts: the threshold or its subject is gone."""
        out: list[Transition] = []
        self._catch_up(now, out)
        self._end(now, Ended.REMOVED, out)
        self._forget(State.OK)
        self._schedule()
        return tuple(out)

    @property
    def at_rest(self) -> bool:
        """Whether there is nothing to remember: the next reading tells where it stands."""
        return self.since is None and self.ended_at is None and not self._raised

    def snapshot(self) -> dict[str, Any]:
        """Return all that must survive a restart, as plain JSON values."""
        return {
            "identity": list(_identity(self.rule)),
            "at": self._seen_at,
            "read_at": self._read_at,
            "state": self.state.value,
            "blind": self.blind,
            "value": self.value,
            "peak": self.peak,
            "since": self.since,
            "fired_at": self.fired_at,
            "kept_since": self._kept_since,
            "ended_at": self.ended_at,
            "severities": [severity.value for severity in self.severities],
            "raised": [[raised.at, raised.shift] for raised in self._raised],
        }

    def restore(self, data: Mapping[str, Any]) -> tuple[Transition, ...]:
        """Go on from a ``snapshot``, as after ``replace_rule`` at the moment of its taking.

        The rule may have changed in between: what ends by that is returned.
        """
        at = data["at"]
        if at is None:
            return ()
        out: list[Transition] = []
        self._read_at = data.get("read_at")  # not known of what was kept before it was
        self.since = data["since"]
        self.fired_at = data["fired_at"]
        self.ended_at = data["ended_at"]
        self.blind = data["blind"]
        self.value = _reading(data["value"])
        self.peak = _reading(data["peak"])
        self._raised = _raised(data)
        if tuple(data["identity"]) == _identity(self.rule):
            self.state = State(data["state"])
            self._kept_since = data["kept_since"]
            self._adopt_severities(self.rule, at, out)
        else:
            self._end(at, Ended.REMOVED, out)
            self._forget(State.OK)
        self._judge_anew_at(at)
        return tuple(out)

    def _catch_up(self, now: Micros, out: list[Transition]) -> None:
        while self.wakes < now:
            self._grow_until(self.wakes)
            self._step(self.wakes, self.value, blind=self.blind, out=out)
        self._grow_until(now)

    def _judge_anew_at(self, now: Micros) -> None:
        self._steady = None
        self._edge = -_NEVER
        self.wakes = now
        self._seen_at = now

    def _step(
        self, at: Micros, reading: Reading | None, *, blind: bool, out: list[Transition]
    ) -> None:
        """Live through *at*; afterwards ``_due`` is later."""
        self._seen_at = at
        if at >= self._edge:
            self._turn_calendars(at, out)
        self.blind = blind
        if self.state is State.OFF:
            pass
        elif blind:
            if self.fired_at is None:
                self._forget(State.NO_VALUE)
        elif reading is None:
            self._end(at, Ended.NO_CONTACTS, out)
            self._forget(State.NO_VALUE)
        else:
            self._judge(at, reading, out)
        self._schedule()

    def _turn_calendars(self, at: Micros, out: list[Transition]) -> None:
        limits, until = self.rule.limits_at(at)
        active = limits.active
        change = None if active is None else active.next_change(at)
        self._edge = min(edge for edge in (until, change, _NEVER) if edge is not None)
        self.floor = None if active is None else active.opened_at(at)
        if active is not None and not active.is_open(at):
            self._end(at, Ended.CLOSED, out)
            self._forget(State.OFF)
        elif self.state is State.OFF:
            self.state = State.OK
        self._set_limits(limits)

    def _set_limits(self, limits: Limits) -> None:
        """Prepare the comparison ``numerator * times > base * denominator - slack``.

        For ``below`` both sides change their sign, so that one form serves both. All are
        integers, so one less turns > into >=.
        """
        above = limits.direction is Direction.ABOVE
        self.limits = limits
        self._sign = sign = 1 if above else -1
        self._times = sign * limits.limit.denominator
        self._base = sign * limits.limit.numerator
        self._slack = 1 if above and self._grows else 0
        clear = limits.clear
        self._clear = (
            None if clear is None else (sign * clear.denominator, sign * clear.numerator)
        )

    def _judge(self, at: Micros, reading: Reading, out: list[Transition]) -> None:
        numerator, denominator, _ = self.value = reading
        breached = numerator * self._times > self._base * denominator - self._slack
        if self.fired_at is None:
            if not breached or (self.since is None and not self._may_enter(reading)):
                self.state, self.since, self.peak = State.OK, None, None
                return
            if self.since is None:
                self.since = at
            self._raise_peak(reading)
            self.state = State.PENDING
            if at - self.since < self.limits.hold:
                return
            self._fire(at, out)
        else:
            self._raise_peak(reading)
            self._keep_or_end(at, reading, breached=breached, out=out)
        if self.state is State.FIRING:
            self._escalate(at, out)

    def _may_enter(self, reading: Reading) -> bool:
        limits = self.limits
        numerator, denominator, base = reading
        if base < limits.at_least:
            return False
        if limits.confidence is None or not self._ratio:
            return True
        low, high = wilson(numerator, denominator, limits.confidence)
        return low > limits.limit if self._sign > 0 else high < limits.limit

    def _raise_peak(self, reading: Reading) -> None:
        peak = self.peak
        if peak is None or self._sign * (reading[0] * peak[1] - peak[0] * reading[1]) > 0:
            self.peak = reading

    def _fire(self, at: Micros, out: list[Transition]) -> None:
        self.state = State.FIRING
        self.fired_at = at
        self._raised = (self._raise(self.rule.threshold.severity, at),)
        out.append(Transition(at=at, kind="fired", alert=self._alert(self._raised[0])))

    def _raise(self, severity: Severity, at: Micros) -> _Raised:
        """Return a new alert: whose shift it is now, it is for good."""
        return _Raised(severity, at, self.rule.threshold.shift_at(at))

    def _keep_or_end(
        self, at: Micros, reading: Reading, *, breached: bool, out: list[Transition]
    ) -> None:
        if breached:
            self.state, self._kept_since = State.FIRING, None
        elif self.state is State.FIRING and self._is_clear(reading):
            self.state, self._kept_since = State.KEEPING, at
        # Not the moment keep ran out when that passed unseen, while blind: it stood until now.
        if self._kept_since is not None and at - self._kept_since >= self.limits.keep:
            self._end(at, Ended.RECOVERED, out)
            self._forget(State.OK)
            self.value = reading

    def _is_clear(self, reading: Reading) -> bool:
        """Tell whether a reading that is not beyond the limit is past ``clear``, too."""
        if self._clear is None:
            return True
        times, base = self._clear
        return reading[0] * times < base * reading[1]

    def _next_escalation(self) -> Escalation | None:
        for step in self.rule.threshold.escalate:
            if step.severity not in self.severities:
                return step
        return None

    def _escalate(self, at: Micros, out: list[Transition]) -> None:
        while (
            (step := self._next_escalation()) is not None
            and self.fired_at is not None
            and at - self.fired_at >= step.after
        ):
            self._raised += (self._raise(step.severity, at),)
            alert = self._alert(self._raised[-1])
            out.append(Transition(at=at, kind="escalated", alert=alert))

    def _adopt_severities(self, rule: Rule, at: Micros, out: list[Transition]) -> None:
        """End the alerts whose severity *rule* does not have; fire its own if it is new."""
        if self.fired_at is None:
            return
        own = rule.threshold.severity
        wanted = {own, *(step.severity for step in rule.threshold.escalate)}
        unwanted = [raised for raised in self._raised if raised.severity not in wanted]
        self._end_some(unwanted, at, Ended.REMOVED, out)
        self._raised = tuple(raised for raised in self._raised if raised not in unwanted)
        self.rule = rule
        if own not in self.severities:
            self._raised = (self._raise(own, at), *self._raised)
            out.append(Transition(at=at, kind="fired", alert=self._alert(self._raised[0])))

    def _end(self, at: Micros, why: Ended, out: list[Transition]) -> None:
        if self.fired_at is not None:
            self.ended_at = at
            self._end_some(self._raised, at, why, out)

    def _end_some(
        self, ending: Sequence[_Raised], at: Micros, why: Ended, out: list[Transition]
    ) -> None:
        for raised in ending:
            ended = dataclasses.replace(self._alert(raised), ended=why, ended_at=at)
            out.append(Transition(at=at, kind="ended", alert=ended))

    def _forget(self, state: State) -> None:
        self.state = state
        self.value = self.peak = None
        self.since = self.fired_at = self._kept_since = None
        self._raised = ()

    def _schedule(self) -> None:
        wakes = self._edge
        if not self.blind:
            if self.state is State.PENDING and self.since is not None:
                wakes = min(wakes, self.since + self.limits.hold)
            elif self._kept_since is not None:
                wakes = min(wakes, self._kept_since + self.limits.keep)
            elif self.fired_at is not None and (step := self._next_escalation()) is not None:
                wakes = min(wakes, self.fired_at + step.after)
        self.wakes = wakes
        # Until then only a reading on the other side of the limit can move the state.
        self._steady = None if self.blind else _STEADY.get(self.state)

    def _alert(self, raised: _Raised) -> Alert:
        rule, limits = self.rule, self.limits
        value, peak = self.value, self.peak
        if self.since is None or self.fired_at is None or value is None or peak is None:
            raise AssertionError("an alert stands, but not how it came about")
        return Alert(
            threshold=rule.threshold.name,
            subject=rule.subject,
            severity=raised.severity,
            measure=rule.threshold.measure,
            window=rule.threshold.window,
            direction=limits.direction,
            limit=limits.limit,
            since=self.since,
            fired_at=self.fired_at,
            raised_at=raised.at,
            value=Fraction(value[0], value[1]),
            peak=Fraction(peak[0], peak[1]),
            blind=self.blind,
            summary=rule.threshold.summary,
            summary_zh=rule.threshold.summary_zh,
            runbook=rule.threshold.runbook,
            shift=raised.shift,
        )


_STEADY = {State.OK: False, State.PENDING: True, State.FIRING: True, State.KEEPING: False}
"""By state: whether a reading beyond the limit, or one that is not, leaves it as it is."""


def _identity(rule: Rule) -> tuple[str, str | None, str]:
    return rule.threshold.measure, rule.threshold.window, rule.base.direction.value


def _reading(value: Sequence[int] | None) -> Reading | None:
    if value is None:
        return None
    numerator, denominator, base = value
    return numerator, denominator, base


def _raised(data: Mapping[str, Any]) -> tuple[_Raised, ...]:
    """Return the alerts of a snapshot; an older one knows the severities alone."""
    severities = [Severity(severity) for severity in data["severities"]]
    when = data.get("raised") or [(data["fired_at"], None)] * len(severities)
    return tuple(
        _Raised(severity, at, shift)
        for severity, (at, shift) in zip(severities, when, strict=True)
    )
