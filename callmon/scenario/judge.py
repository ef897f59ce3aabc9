"""Holds what came about against what was expected, and says what happened instead. Pure.

An expectation takes the transition that fulfils it, so that "fires again" is another one,
and "nothing else" is what nobody has taken. Those that name an instant choose first by
their order in time.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction

from callmon.alerts import Transition
from callmon.clock import Micros
from callmon.config.values import format_duration
from callmon.rules import Direction, Limits, Threshold
from callmon.scenario.play import Look, Played
from callmon.scenario.scene import Scenario, Step
from callmon.scenario.steps import (
    AlertTurns,
    Clause,
    Comparison,
    Expectation,
    NothingFires,
    NothingStands,
    Of,
    Reads,
    Stands,
    Turn,
)
from callmon.scenario.telling import (
    Teller,
    alert_name,
    granularity,
    value_text,
)
from callmon.thresholds import State

__all__ = ["Verdict", "judge"]

_VERBS = {Turn.FIRED: "fire", Turn.ESCALATED: "escalate", Turn.ENDED: "end"}
MAX_TOLD = 5
"""More unexpected alerts than these are only counted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an expectation held, and what was instead; or when it came about."""

    line: int
    text: str
    held: bool
    told: str = ""


def judge(scenario: Scenario, played: Played) -> list[Verdict]:
    """Return what became of each expectation, in the order of the sentences."""
    return _Judge(scenario, played).verdicts()


class _Judge:
    """Judges one scenario."""

    def __init__(self, scenario: Scenario, played: Played) -> None:
        self._scenario = scenario
        self._played = played
        self._teller = Teller(scenario.day, scenario.zone)
        # Alerts of one breach end together: the first one's end is the end.
        self._turns = [
            turn
            for turn in played.transitions
            if turn.kind != "ended" or turn.alert.raised_at == turn.alert.fired_at
        ]
        self._taken: set[int] = set()

    def verdicts(self) -> list[Verdict]:
        expected = [step for step in self._scenario.steps if isinstance(step.what, Expectation)]
        found: dict[int, Verdict] = {}
        for step in sorted(expected, key=lambda step: (step.deadline, step.number)):
            if isinstance(step.what, AlertTurns) and not step.what.never:
                found[step.number] = self._turned(step, step.what)
        for step in expected:
            match step.what:
                case AlertTurns(never=True) as what:
                    found[step.number] = self._not_turned(step, what)
                case NothingFires(other=other):
                    found[step.number] = self._nothing(step, other=other)
                case NothingStands():
                    found[step.number] = self._none_stands(step)
                case Stands() as what:
                    found[step.number] = self._stands(step, what)
                case Reads() as what:
                    found[step.number] = self._reads(step, what)
                case _:
                    pass
        told = [found[step.number] for step in expected]
        return [*told, *self._strict()]

    # ---- alerts --------------------------------------------------------------------

    def _turned(self, step: Step, what: AlertTurns) -> Verdict:
        for index, turn in enumerate(self._turns):
            if index in self._taken or not self._is(turn, what):
                continue
            if self._within(step, turn.at):
                self._taken.add(index)
                return self._held(step, f"at {self._teller.time(turn.at)}")
        return self._failed(step, self._instead(step, what))

    def _instead(self, step: Step, what: AlertTurns) -> str:
        """Return what happened in place of what was expected."""
        others = [
            turn
            for index, turn in enumerate(self._turns)
            if index not in self._taken and self._is_of(turn, what)
        ]
        if others:
            nearest = min(others, key=lambda turn: abs(turn.at - step.deadline))
            return self._other(step, nearest)
        return f"it did not {_VERBS[what.turn]}; {self._how_it_stood(step, what.of)}"

    def _other(self, step: Step, turn: Transition) -> str:
        alert = turn.alert
        at = self._teller.time(turn.at)
        reading = f"{alert.measure} was {value_text(alert.measure, alert.value)}"
        limit = f"limit {value_text(alert.measure, alert.limit)}"
        told = f"it {_past(turn)} at {at}"
        since = step.since
        if turn.at > step.deadline:
            told += f", {format_duration(turn.at - step.deadline)} later"
        elif since is not None and turn.at < since:
            told += f", {format_duration(since - turn.at)} earlier"
        return f"{told}; {reading}, {limit}"

    def _not_turned(self, step: Step, what: AlertTurns) -> Verdict:
        begin = step.begin if step.when.clause is Clause.BETWEEN else None
        for index, turn in enumerate(self._turns):
            if index in self._taken or not self._is(turn, what):
                continue
            if turn.at <= step.deadline and (begin is None or turn.at >= begin):
                return self._failed(step, self._other(step, turn))
        return self._held(step)

    def _nothing(self, step: Step, *, other: bool) -> Verdict:
        begin = step.begin if step.when.clause is Clause.BETWEEN else None
        fired = [
            turn
            for index, turn in enumerate(self._turns)
            if turn.kind != "ended"
            and not (other and index in self._taken)
            and turn.at <= step.deadline
            and (begin is None or turn.at >= begin)
        ]
        return self._failed(step, self._list(fired)) if fired else self._held(step)

    def _list(self, fired: Sequence[Transition]) -> str:
        told = [
            f"{alert_name(turn.alert)} {_past(turn)} at {self._teller.time(turn.at)}"
            for turn in fired[:MAX_TOLD]
        ]
        more = len(fired) - MAX_TOLD
        return "\n".join([*told, *([f"and {more} more"] if more > 0 else [])])

    def _strict(self) -> Iterator[Verdict]:
        if not self._scenario.strict:
            return
        fired = [
            turn
            for index, turn in enumerate(self._turns)
            if turn.kind != "ended" and index not in self._taken
        ]
        told = self._list(fired) if fired else ""
        yield Verdict(self._scenario.line, "strict: nothing else fires", not fired, told)

    def _is(self, turn: Transition, what: AlertTurns) -> bool:
        return (
            self._is_of(turn, what)
            and what.severity in {None, turn.alert.severity}
            and what.ended in {None, turn.alert.ended}
        )

    def _is_of(self, turn: Transition, what: AlertTurns) -> bool:
        return (
            turn.kind == what.turn
            and turn.alert.threshold == what.of.name.text
            and turn.alert.subject == self._scenario.site.subject(what.of)
        )

    def _within(self, step: Step, at: Micros) -> bool:
        since = step.since
        return (since is None or since <= at) and at <= step.deadline

    # ---- how it stands -------------------------------------------------------------

    def _none_stands(self, step: Step) -> Verdict:
        names = [
            f"{alert_name(alert)} {alert.severity}"
            for watch in self._played.standing[step.number]
            for alert in watch.state.alerts()
        ]
        return self._failed(step, "\n".join(names)) if names else self._held(step)

    def _stands(self, step: Step, what: Stands) -> Verdict:
        look = self._played.looks[step.number]
        if look.state is what.state and what.severity in {None, *look.severities}:
            return self._held(step)
        return self._failed(step, self._how_it_stood(step, what.of))

    def _how_it_stood(self, step: Step, of: Of) -> str:
        """Return how a threshold stood at the deadline, and why no further."""
        look = self._played.looks[step.number]
        threshold = self._scenario.site.threshold(of)
        at = self._teller.time(step.deadline)
        return f"at {at} {self._standing(look, threshold)}"

    def _standing(self, look: Look, threshold: Threshold) -> str:
        state, limits, reading = look.state, look.limits, look.reading
        if not look.there or state is None or limits is None:
            return "nothing was known of it"
        if state is State.OFF:
            calendar = "" if limits.active is None else f", outside {limits.active.name}"
            return f"it was off{calendar}"
        if reading is None:
            why = "its feeds were blind" if look.blind else "nobody is in the base"
            return f"there was no value: {why}"
        value = Fraction(reading[0], reading[1])
        was = f"{threshold.measure} was {value_text(threshold.measure, value, reading)}"
        limit = f"{limits.direction} {value_text(threshold.measure, limits.limit)}"
        if state is State.PENDING and look.since is not None:
            since = self._teller.time(look.since)
            hold = format_duration(limits.hold)
            return f"it was pending since {since}: {was}, {limit} must last {hold}"
        if state in {State.FIRING, State.KEEPING}:
            severities = ", ".join(look.severities)
            return f"it was {state} ({severities}): {was}, limit {limit}"
        return f"it was {state}: {was}, {_why_ok(limits, limit, value, reading[2])}"

    # ---- measures ------------------------------------------------------------------

    def _reads(self, step: Step, what: Reads) -> Verdict:
        look = self._played.looks[step.number]
        measure = what.of.name.text
        reading = look.reading
        if what.comparison is Comparison.ABSENT:
            if reading is None:
                return self._held(step)
            value = Fraction(reading[0], reading[1])
            return self._failed(step, f"it was {value_text(measure, value, reading)}")
        expected = self._scenario.site.value(what)
        if reading is None or expected is None or what.value is None:
            why = "its feeds were blind" if look.blind else "there was nothing to measure"
            return self._failed(step, f"it was absent: {why}")
        value = Fraction(reading[0], reading[1])
        if _compares(what, measure, value, expected):
            return self._held(step)
        return self._failed(step, f"it was {value_text(measure, value, reading)}")

    def _held(self, step: Step, told: str = "") -> Verdict:
        # That it came about just when it was expected need not be said.
        told = "" if step.when.clause is Clause.AT else told
        return Verdict(step.line, step.text, held=True, told=told)

    def _failed(self, step: Step, told: str) -> Verdict:
        return Verdict(step.line, step.text, held=False, told=told)


def _past(turn: Transition) -> str:
    """Return what became of an alert."""
    alert = turn.alert
    if turn.kind == "fired":
        return f"fired {alert.severity}"
    return (
        f"escalated to {alert.severity}" if turn.kind == "escalated" else f"ended {alert.ended}"
    )


def _compares(what: Reads, measure: str, value: Fraction, expected: Fraction) -> bool:
    match what.comparison:
        case Comparison.ABOVE:
            return value > expected
        case Comparison.BELOW:
            return value < expected
        case Comparison.AT_LEAST:
            return value >= expected
        case Comparison.AT_MOST:
            return value <= expected
        case Comparison.ABOUT if what.value is not None:
            return 2 * abs(value - expected) <= granularity(measure, what.value.text)
        case _:
            return value == expected


def _why_ok(limits: Limits, limit: str, value: Fraction, base: int) -> str:
    """Return why a threshold does not breach."""
    above = limits.direction is Direction.ABOVE
    if not (value > limits.limit if above else value < limits.limit):
        return f"not {limit}"
    if base < limits.at_least:
        return f"but of {base}, fewer than at_least {limits.at_least}"
    if limits.confidence is not None:
        return f"but that it is {limit} is not beyond doubt (confidence)"
    return f"not {limit} until then"
