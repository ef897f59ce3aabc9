"""A naive reference: every figure from the list of all visits, every alert by looking always.

``figure`` works a measure out by its definition from a list of visits, and ``alerts`` follows
a threshold by judging each microsecond.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from callmon.calendars import Calendar
from callmon.clock import Micros
from callmon.events import Outcome
from callmon.measures import MEASURES, Unit
from callmon.queues import Formula, Overflow, Targets
from callmon.rules import Direction, Escalation, Limits
from tests.stories import BASE, Visit

__all__ = ["Figure", "Spans", "Turn", "alerts", "figure"]

Figure = tuple[Fraction, int]
"""A value and the number of contacts in its base."""


# ---- figures -------------------------------------------------------------------------


class _Past:
    """What can be known at an instant of a window that begins after another."""

    def __init__(
        self, visits: Iterable[Visit], now: Micros, after: Micros, promised: Targets
    ) -> None:
        known = [visit for visit in visits if visit.seen <= now]
        self.now, self.targets = now, promised
        self.arrived = sum(after < visit.start for visit in known)
        self.waiting = [v for v in known if v.end is None or v.end > now]
        self.talking = sum(
            v.outcome is Outcome.ANSWERED
            and v.end is not None
            and v.end <= now
            and (v.talk_end is None or v.talk_end > now)
            for v in known
        )
        self.ended = [v for v in known if v.end is not None and after < v.end <= now]
        self.talks = [
            v.talk
            for v in known
            if v.talk is not None and v.talk_end is not None and after < v.talk_end <= now
        ]

    def of(self, *outcomes: Outcome) -> list[Visit]:
        return [visit for visit in self.ended if visit.outcome in outcomes]

    def waits(self, *outcomes: Outcome) -> list[Micros]:
        return sorted(v.wait for v in self.of(*outcomes) if v.wait is not None)

    @property
    def offered(self) -> list[Visit]:
        return [v for v in self.ended if v.outcome is not None and v.outcome <= Outcome.FAILED]

    @property
    def short(self) -> int:
        waits = self.waits(Outcome.ABANDONED)
        return sum(wait < self.targets.short_abandon for wait in waits)

    @property
    def over(self) -> int:
        return sum(self.now - v.start > self.targets.within for v in self.waiting)


def _ratio(part: int, base: int) -> Figure | None:
    return (Fraction(part, base), base) if base else None


def _count(number: int) -> Figure:
    return Fraction(number), number


def _service_level(past: _Past, over: int) -> Figure | None:
    promised = past.targets
    within = sum(w <= promised.within for w in past.waits(Outcome.ANSWERED))
    patient = [w for w in past.waits(Outcome.ABANDONED) if w >= promised.short_abandon]
    abandoned_within = sum(w <= promised.within for w in patient)
    answers, abandons = len(past.of(Outcome.ANSWERED)), len(past.of(Outcome.ABANDONED))
    offered = len(past.offered)
    if promised.overflow is Overflow.IGNORED:
        offered = answers + abandons
    base = offered - past.short + over
    match promised.formula:
        case Formula.ABANDONS_NEGATIVE:
            return _ratio(within, base)
        case Formula.ABANDONS_IGNORED:
            return _ratio(within, base - abandoned_within)
        case Formula.ABANDONS_POSITIVE:
            return _ratio(within + abandoned_within, base)
        case Formula.ANSWERED_ONLY:
            return _ratio(within, answers + over)


def _mean(values: Sequence[int]) -> Figure | None:
    return (Fraction(sum(values), len(values)), len(values)) if values else None


def _percentile(percent: int) -> Callable[[_Past], Figure | None]:
    def read(past: _Past) -> Figure | None:
        waits = past.waits(Outcome.ANSWERED, Outcome.ABANDONED)
        if not waits:
            return None
        rank = max(math.ceil(Fraction(percent * len(waits), 100)), 1)
        return Fraction(waits[rank - 1]), len(waits)

    return read


def _longest(past: _Past) -> Figure:
    waits = [past.now - visit.start for visit in past.waiting]
    return Fraction(max(waits, default=0)), len(waits)


def _max_wait(past: _Past) -> Figure | None:
    waits = [visit.wait for visit in past.offered if visit.wait is not None]
    return (Fraction(max(waits)), len(past.offered)) if waits else None


def _of(outcome: Outcome) -> Callable[[_Past], Figure]:
    return lambda past: _count(len(past.of(outcome)))


_FIGURES: dict[str, Callable[[_Past], Figure | None]] = {
    "waiting": lambda past: _count(len(past.waiting)),
    "longest_wait": _longest,
    "waiting_over_target": lambda past: (Fraction(past.over), len(past.waiting)),
    "talking": lambda past: _count(past.talking),
    "arrived": lambda past: _count(past.arrived),
    "offered": lambda past: _count(len(past.offered)),
    **{outcome.name.lower(): _of(outcome) for outcome in Outcome},
    "answer_rate": lambda past: _ratio(
        len(past.of(Outcome.ANSWERED)), len(past.offered) - past.short
    ),
    "abandonment_rate": lambda past: _ratio(
        len(past.of(Outcome.ABANDONED)) - past.short, len(past.offered) - past.short
    ),
    "overflow_rate": lambda past: _ratio(
        len(past.of(Outcome.TIMEOUT, Outcome.EMPTY, Outcome.KEY_EXIT)),
        len(past.offered) - past.short,
    ),
    "service_level": lambda past: _service_level(past, 0),
    "service_level_now": lambda past: _service_level(past, past.over),
    "average_wait": lambda past: _mean(past.waits(Outcome.ANSWERED)),
    "p50_wait": _percentile(50),
    "p90_wait": _percentile(90),
    "p95_wait": _percentile(95),
    "max_wait": _max_wait,
    "average_talk": lambda past: _mean(past.talks),
}


def figure(
    measure: str, visits: Iterable[Visit], now: Micros, after: Micros, promised: Targets
) -> Figure | None:
    """Return *measure* at *now* of the window that begins just after *after*.

    Nobody tells of agents in these stories.
    """
    if MEASURES[measure].of_agents:
        return None
    return _FIGURES[measure](_Past(visits, now, after, promised))


# ---- alerts --------------------------------------------------------------------------


class Spans(Calendar):
    """A calendar of stretches in microseconds: real ones are no finer than minutes."""

    __slots__ = ("spans",)

    def __init__(self, spans: Sequence[tuple[Micros, Micros]]) -> None:
        self.spans = [span for span in spans if span[0] < span[1]]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"Spans({[(start - BASE, end - BASE) for start, end in self.spans]})"

    def is_open(self, now: Micros) -> bool:
        """Tell whether *now* lies in a stretch."""
        return self.opened_at(now) is not None

    def opened_at(self, now: Micros) -> Micros | None:
        """Return when the stretch that holds *now* began."""
        return next((start for start, end in self.spans if start <= now < end), None)

    def next_change(self, now: Micros) -> Micros | None:
        """Return the next beginning or end of a stretch."""
        return min((at for span in self.spans for at in span if at > now), default=None)


class Turn(NamedTuple):
    """A transition, short enough to compare at a glance."""

    at: int
    kind: str
    severity: str
    ended: str | None
    since: int


class _Judge:
    """One threshold, judged again and again."""

    def __init__(
        self, limits: Limits, escalate: Sequence[Escalation], severity: str, measure: str
    ) -> None:
        self.limits = limits
        self.escalate = escalate
        self.severity = severity
        self.is_ratio = MEASURES[measure].unit is Unit.RATIO
        self.grows = MEASURES[measure].grows
        self.turns: list[Turn] = []
        self.since: Micros | None = None
        self.fired: Micros | None = None
        self.cleared: Micros | None = None
        self.standing: list[str] = []

    def end(self, now: Micros, why: str) -> None:
        """End everything."""
        for severity in self.standing:
            self._turn(now, "ended", severity, why)
        self.since = self.fired = self.cleared = None
        self.standing = []

    def look(self, now: Micros, value: Fraction, base: int) -> None:
        """Judge a figure."""
        breached = self._is_breached(value)
        if self.fired is None:
            self._enter(now, value, base, breached=breached)
        elif breached:
            self.cleared = None
        elif self.cleared is None and self._is_clear(value):
            self.cleared = now
        if self.cleared is not None and now - self.cleared >= self.limits.keep:
            self.end(now, "recovered")
        if self.cleared is None and self.fired is not None:
            for step in self.escalate:
                if now - self.fired >= step.after and step.severity not in self.standing:
                    self._add(now, "escalated", step.severity)

    def _enter(self, now: Micros, value: Fraction, base: int, *, breached: bool) -> None:
        if not breached:
            self.since = None
        elif self.since is None and self._is_enough(value, base):
            self.since = now
        if self.since is not None and now - self.since >= self.limits.hold:
            self.fired = now
            self._add(now, "fired", self.severity)

    def _add(self, now: Micros, kind: str, severity: str) -> None:
        self.standing.append(severity)
        self._turn(now, kind, severity, None)

    def _turn(self, now: Micros, kind: str, severity: str, why: str | None) -> None:
        assert self.since is not None
        self.turns.append(Turn(now - BASE, kind, severity, why, self.since - BASE))

    def _is_breached(self, value: Fraction) -> bool:
        limit = self.limits.limit
        if self.limits.direction is Direction.BELOW:
            return value < limit
        return value >= limit if self.grows else value > limit

    def _is_clear(self, value: Fraction) -> bool:
        clear = self.limits.clear
        if clear is None:
            return True
        return value > clear if self.limits.direction is Direction.BELOW else value < clear

    def _is_enough(self, value: Fraction, base: int) -> bool:
        if base < self.limits.at_least:
            return False
        if self.limits.confidence is None or not self.is_ratio:
            return True
        # Wilson's interval: the shares p with |value - p| <= z * sqrt(p * (1 - p) / base).
        z, share, limit = self.limits.confidence, float(value), float(self.limits.limit)
        return abs(share - limit) > z * math.sqrt(max(limit * (1 - limit), 0) / base)


def alerts(
    measure: str,
    read: Callable[[Micros, Micros], Figure | None],
    limits: Limits,
    escalate: Sequence[Escalation] = (),
    *,
    until: Micros,
    blind: Callable[[Micros], bool] = lambda _now: False,
) -> list[Turn]:
    """Judge every microsecond from ``BASE`` to *until*; return what came about.

    ``read(now, floor)`` is the figure of a window that begins no earlier than just after
    *floor*.
    """
    judge = _Judge(limits, escalate, "warning", measure)
    for now in range(BASE, until + 1):
        opened = 0 if limits.active is None else limits.active.opened_at(now)
        if opened is None:
            judge.end(now, "closed")
        elif blind(now):
            if judge.fired is None:
                judge.since = None
        elif (found := read(now, max(opened - 1, 0))) is None:
            judge.end(now, "no_contacts")
        else:
            judge.look(now, *found)
    return judge.turns
