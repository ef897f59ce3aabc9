"""Holds what came about against what was expected, and says what happened instead. Pure.

An expectation takes the transition that fulfils it, so that "fires again" is another one,
and "nothing else" is what nobody has taken. Those that name an instant choose first by
their order in time.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction

from callmon.alerts import Alert, Transition
from callmon.clock import Micros
from callmon.config.values import format_duration
from callmon.measures import Reading
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
)
from callmon.scenario.telling import (
    Teller,
    alert_name,
    granularity,
    value_text,
)
from callmon.scenario.texts import ENDINGS, STATES, TEXTS
from callmon.thresholds import State
from callmon.wallboard.texts import MEASURE_NAMES
from callmon.wording import SEVERITIES, Language

__all__ = ["Verdict", "judge"]

MAX_TOLD = 5
"""More unexpected alerts than these are only counted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an expectation held, and what was instead; or when it came about."""

    line: int
    text: str
    held: bool
    told: str = ""


def judge(
    scenario: Scenario, played: Played, language: Language = Language.ENGLISH
) -> list[Verdict]:
    """Return what became of each expectation, in the order of the sentences."""
    return _Judge(scenario, played, language).verdicts()


class _Judge:
    """Judges one scenario."""

    def __init__(self, scenario: Scenario, played: Played, language: Language) -> None:
        self._scenario = scenario
        self._played = played
        self._language = language
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
                return self._held(step, self._say("came", time=self._teller.time(turn.at)))
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
        return self._say(f"not_{what.turn}", stood=self._how_it_stood(step, what.of))

    def _other(self, step: Step, turn: Transition) -> str:
        alert = turn.alert
        off, since = "", step.since
        if turn.at > step.deadline:
            off = self._say("later", length=format_duration(turn.at - step.deadline))
        elif since is not None and turn.at < since:
            off = self._say("earlier", length=format_duration(since - turn.at))
        return self._say(
            "other",
            turned=self._past(turn),
            time=self._teller.time(turn.at),
            off=off,
            was=self._was(alert.measure, alert.value),
            limit=self._value(alert.measure, alert.limit),
        )

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
            self._say(
                "alert",
                name=alert_name(turn.alert),
                turned=self._past(turn),
                time=self._teller.time(turn.at),
            )
            for turn in fired[:MAX_TOLD]
        ]
        more = len(fired) - MAX_TOLD
        return "\n".join([*told, *([self._say("more", count=more)] if more > 0 else [])])

    def _strict(self) -> Iterator[Verdict]:
        if not self._scenario.strict:
            return
        fired = [
            turn
            for index, turn in enumerate(self._turns)
            if turn.kind != "ended" and index not in self._taken
        ]
        told = self._list(fired) if fired else ""
        yield Verdict(self._scenario.line, self._say("strict"), not fired, told)

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
            self._say("stands", name=alert_name(alert), severity=self._severity(alert))
            for alert in self._played.standing[step.number]
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
        how = self._standing(look, threshold)
        return self._say("stood", time=self._teller.time(step.deadline), how=how)

    def _standing(self, look: Look, threshold: Threshold) -> str:
        state, limits, reading = look.state, look.limits, look.reading
        if not look.there or state is None or limits is None:
            return self._say("unknown")
        if state is State.OFF:
            calendar = "" if limits.active is None else limits.active.name
            return self._say("off_outside" if calendar else "off", calendar=calendar)
        if reading is None:
            return self._say("no_value", why=self._why_none(look, "nobody"))
        value = Fraction(reading[0], reading[1])
        limit = self._say(
            limits.direction.value, limit=self._value(threshold.measure, limits.limit)
        )
        said = {
            "was": self._was(threshold.measure, value, reading),
            "limit": limit,
            "state": STATES[self._language][state],
        }
        if state is State.PENDING and look.since is not None:
            since, hold = self._teller.time(look.since), format_duration(limits.hold)
            return self._say("pending", since=since, hold=hold, **said)
        if state in {State.FIRING, State.KEEPING}:
            words = [SEVERITIES[self._language][one] for one in look.severities]
            return self._say("firing", severities=self._say("comma").join(words), **said)
        return self._say("calm", why=self._why_ok(limits, limit, value, reading[2]), **said)

    def _why_none(self, look: Look, otherwise: str) -> str:
        """Return why there is no value."""
        unseen = "blind" if look.blind else "untold"
        return self._say(otherwise if look.told and not look.blind else unseen)

    def _why_ok(self, limits: Limits, limit: str, value: Fraction, base: int) -> str:
        """Return why a threshold does not breach."""
        above = limits.direction is Direction.ABOVE
        if not (value > limits.limit if above else value < limits.limit):
            return self._say("not_beyond", limit=limit)
        if base < limits.at_least:
            return self._say("too_few", base=base, at_least=limits.at_least)
        return self._say("not_yet" if limits.confidence is None else "doubt", limit=limit)

    # ---- measures ------------------------------------------------------------------

    def _reads(self, step: Step, what: Reads) -> Verdict:
        look = self._played.looks[step.number]
        measure = what.of.name.text
        reading = look.reading
        if what.comparison is Comparison.ABSENT:
            if reading is None:
                return self._held(step)
            value = Fraction(reading[0], reading[1])
            return self._failed(step, self._it_was(measure, value, reading))
        expected = self._scenario.site.value(what)
        if reading is None or expected is None or what.value is None:
            why = self._why_none(look, "no_reading")
            return self._failed(step, self._say("absent", why=why))
        value = Fraction(reading[0], reading[1])
        if _compares(what, measure, value, expected):
            return self._held(step)
        return self._failed(step, self._it_was(measure, value, reading))

    def _held(self, step: Step, told: str = "") -> Verdict:
        # That it came about just when it was expected need not be said.
        told = "" if step.when.clause is Clause.AT else told
        return Verdict(step.line, step.text, held=True, told=told)

    def _failed(self, step: Step, told: str) -> Verdict:
        return Verdict(step.line, step.text, held=False, told=told)

    # ---- words ---------------------------------------------------------------------

    def _say(self, key: str, **values: object) -> str:
        return TEXTS[self._language][key].format(**values)

    def _value(self, measure: str, value: Fraction, reading: Reading | None = None) -> str:
        return value_text(measure, value, reading, self._language)

    def _was(self, measure: str, value: Fraction, reading: Reading | None = None) -> str:
        english = self._language is Language.ENGLISH
        name = measure if english else MEASURE_NAMES[self._language][measure]
        return self._say("was", measure=name, value=self._value(measure, value, reading))

    def _it_was(self, measure: str, value: Fraction, reading: Reading) -> str:
        return self._say("it_was", value=self._value(measure, value, reading))

    def _severity(self, alert: Alert) -> str:
        return SEVERITIES[self._language][alert.severity]

    def _past(self, turn: Transition) -> str:
        """Return what became of an alert."""
        alert = turn.alert
        reason = "" if alert.ended is None else ENDINGS[self._language][alert.ended]
        return self._say(turn.kind, severity=self._severity(alert), reason=reason)


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
