"""What connects a measure to a threshold: when to look, and when looking can be spared.

A ``Watch`` reads one measure of one subject for one threshold. It is looked at after every
event that can change the measure, and at the instants at which time alone can: a waiting
contact reaches the limit, a sample leaves the window, a ``for`` runs out. While a ratio is
far from its limit, most looks are spared: from n/d it takes a known least number of
contacts, coming or leaving, to breach.
"""

import datetime as dt
import functools
import heapq
import itertools
import math
import operator
from fractions import Fraction
from typing import Final, NamedTuple, Protocol

from callmon.alerts import Transition
from callmon.clock import Micros
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    TalkEnded,
)
from callmon.facts import next_known
from callmon.measures import MEASURES, Measure, Reading, Unit
from callmon.queues import SubjectState, Targets, WindowSpec
from callmon.readings import Motion
from callmon.rules import Direction, Limits, Rule, Subject, SubjectKind
from callmon.thresholds import State, ThresholdState
from callmon.windows import CODES, LocalDay, Window

__all__ = [
    "NEVER",
    "RatioWindow",
    "Timed",
    "Timers",
    "Watch",
]

NEVER: Final[Micros] = 1 << 62
"""Later than any instant."""

_ENDED: Final = (ContactAnswered, ContactLeft)
_AGENTS: Final = (AgentChanged, AgentRemoved)
_OCCASIONS: Final[dict[str, tuple[type, ...]]] = {
    "waiting": (ContactJoined, *_ENDED),
    "longest_wait": (ContactJoined, *_ENDED),
    "waiting_over_target": (ContactJoined, *_ENDED),
    "service_level_now": (ContactJoined, *_ENDED),
    "talking": (ContactAnswered, TalkEnded),
    "arrived": (ContactJoined, *_ENDED),
    "average_talk": (TalkEnded,),
    "unserved": (ContactJoined, *_ENDED, *_AGENTS),
    "estimated_wait": (ContactJoined, *_ENDED, TalkEnded, *_AGENTS),
}
"""Events that can change a measure, where it is not the end of a wait alone.

``arrived`` changes with an end too: that of a carried-in caller, whose join was not seen.
"""


class _Levels(NamedTuple):
    """What decides when to look, of one limit: all integers, worked out once."""

    numerator: int
    denominator: int
    step: int  #: by how much one that comes and one that leaves move a ratio, at most
    above: bool
    floor: int
    ceiling: int
    passed: tuple[int, ...]  #: a limit is reached, but ``clear`` must be passed; ascending


@functools.lru_cache(maxsize=1024)
def _levels(limits: Limits) -> _Levels:
    p, q = limits.limit.numerator, limits.limit.denominator
    ceiling = math.ceil(limits.limit)
    passed = {ceiling}
    if limits.clear is not None:
        passed.add(math.floor(limits.clear) + 1)
    return _Levels(
        numerator=p,
        denominator=q,
        step=max(q, p, 1),
        above=limits.direction is Direction.ABOVE,
        floor=math.floor(limits.limit),
        ceiling=ceiling,
        passed=tuple(sorted(passed)),
    )


@functools.lru_cache(maxsize=256)
def _shares(name: str, targets: Targets) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what the end of a wait adds to a ratio's numerator and to its base, by code.

    The measure itself is asked, of one who was answered and one more, so that its formula
    stands in one place.
    """
    read = MEASURES[name].over
    nobody = Subject(kind=SubjectKind.QUEUE, name="", labels={})
    state = SubjectState(nobody, targets, LocalDay(dt.UTC), ())  # no file is read for it
    window = state.open_window(WindowSpec(name="all"))
    shares = []
    for code in range(CODES):
        window.counts, window.ended = [0] * CODES, []
        window.counts[0] = 1
        before = None if read is None else read(state, window, 0)
        window.counts[code] += 1
        after = None if read is None else read(state, window, 0)
        if before is None or after is None:
            raise AssertionError("who was answered is in the base of every ratio")
        shares.append((after[0] - before[0], after[1] - before[1]))
    return tuple(number for number, _ in shares), tuple(base for _, base in shares)


class RatioWindow(Window):
    """A window of which one ratio is asked: it is kept as ends of waits come and leave.

    After ``sync`` it is ``number`` / ``base``, by ``targets``. Of what other windows have
    there are ``counts`` alone; ``ended`` is empty: whoever needs it sums those up.
    """

    __slots__ = ("_measure", "_of_base", "_of_number", "base", "number", "targets")

    def __init__(self, measure: Measure, subject: SubjectState, spec: WindowSpec) -> None:
        super().__init__(subject.log, spec.length, subject.day if spec.day else None)
        self._measure = measure
        self.judge_by(subject.targets)

    def judge_by(self, targets: Targets) -> None:
        """Keep the ratio by *targets* from now on."""
        self.targets = targets
        self._of_number, self._of_base = _shares(self._measure.name, targets)
        self.number = sum(map(operator.mul, self.counts, self._of_number))
        self.base = sum(map(operator.mul, self.counts, self._of_base))

    def _clear(self) -> None:
        super()._clear()
        self.ended = []
        self.number = self.base = 0

    def _count(self, code: int, value: Micros, sign: int) -> None:
        del value
        self.counts[code] += sign
        self.number += sign * self._of_number[code]
        self.base += sign * self._of_base[code]
        self.version += 1

    def _take(self, end: int) -> None:
        if self.counts is self.sums:  # the zeros that all share
            self.counts = [0] * CODES
        codes, counts = self.log.codes, self.counts
        of_number, of_base = self._of_number, self._of_base
        for index in range(self.tail, end):
            code = codes[index]
            counts[code] += 1
            self.number += of_number[code]
            self.base += of_base[code]
        self.tail = end
        self.version += 1

    def _drop(self, head: int) -> None:
        if head >= self.tail:
            self._clear()  # nothing that was counted is left
        else:
            codes, counts = self.log.codes, self.counts
            of_number, of_base = self._of_number, self._of_base
            for index in range(self.head, head):
                code = codes[index]
                counts[code] -= 1
                self.number -= of_number[code]
                self.base -= of_base[code]
        self.head = head
        self.tail = max(self.tail, head)
        self.version += 1


class Timed(Protocol):
    """Something that time alone can change."""

    due: Micros  #: when to look again though nothing happens
    scheduled: Micros  #: the earliest timer that stands for it; ``NEVER``: there is none

    def evaluate(self, now: Micros) -> tuple[Transition, ...]:
        """Look at *now*; return what came of it, and set ``due``."""


class Timers:
    """What is to be looked at, by the instant at which it must be."""

    __slots__ = ("_heap", "_order", "earliest")

    def __init__(self) -> None:
        self._heap: list[tuple[Micros, int, Timed]] = []
        self._order = itertools.count()
        self.earliest: Micros = NEVER  #: none is due before; may be due later

    def schedule(self, watch: Timed) -> None:
        """Have *watch* popped at ``watch.due``; one still in the heap for earlier will do."""
        due = watch.due
        if due < watch.scheduled:
            watch.scheduled = due
            heapq.heappush(self._heap, (due, next(self._order), watch))
            self.earliest = min(self.earliest, due)

    def pop(self, now: Micros) -> Timed | None:
        """Return one that is due at or before *now*; None when there is none."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, watch = heapq.heappop(heap)
            if at == watch.scheduled:
                watch.scheduled = NEVER
                if watch.due > now:  # news have put it off
                    self.schedule(watch)
                    continue
                self.earliest = heap[0][0] if heap else NEVER
                return watch
        self.earliest = heap[0][0] if heap else NEVER
        return None


class Watch:
    """One threshold on one subject."""

    __slots__ = (
        "_crowd",
        "_growth",
        "_levels",
        "_limits",
        "_ratio",
        "_turns_at",
        "due",
        "measure",
        "rule",
        "scheduled",
        "spare",
        "state",
        "subject",
        "window",
    )

    def __init__(self, rule: Rule, subject: SubjectState, spec: WindowSpec | None) -> None:
        self.rule = rule
        self.subject = subject
        self.measure: Measure = MEASURES[rule.threshold.measure]
        self.state = ThresholdState(
            rule, grows=self.measure.grows, ratio=self.measure.unit is Unit.RATIO
        )
        self._ratio = self._ratio_window(spec)
        self.window: Window | None = self._ratio
        if spec is not None and self._ratio is None:
            self.window = subject.open_window(spec)
        self.due: Micros = NEVER  #: when to look again though nothing happens
        self.scheduled: Micros = NEVER  #: the earliest timer that stands for this watch
        self._turns_at: Micros = 0  #: when a calendar may next move the window's beginning
        self.spare = 0  #: events after which there is no need to look
        self._crowd: int | None = None  #: waiting, all well: more than these breach
        self._growth: Micros | None = None  #: longest_wait, all well: it breaches at this
        self._limits: Limits | None = None  #: those of ``_levels``
        self._levels: _Levels = _levels(rule.base)

    def _ratio_window(self, spec: WindowSpec | None) -> RatioWindow | None:
        """Return the window of a ratio that only ends of waits move: looks can be spared."""
        measure = self.measure
        steady = measure.next_change is None and measure.moves is None
        if spec is None or measure.unit is not Unit.RATIO or not steady:
            return None
        return RatioWindow(measure, self.subject, spec)

    @property
    def occasions(self) -> tuple[type, ...]:
        """The kinds of event after which to look."""
        return _OCCASIONS.get(self.measure.name, _AGENTS if self.measure.of_agents else _ENDED)

    def is_blind(self, now: Micros) -> bool:
        """Tell whether what is measured cannot be seen at *now*."""
        subject, measure = self.subject, self.measure
        if subject.blind:
            return True
        if not (measure.of_agents or subject.accounts):
            return False
        return not measure.known(subject, self.window, now)

    def touched(self) -> bool:
        """Tell whether an event that nothing spares calls for a look."""
        starts = self.subject.starts
        if self._crowd is not None:
            return len(starts) > self._crowd
        if self._growth is not None:
            # Who reaches the limit no sooner than the next look is seen by it. That is ``due``:
            # a timer left for earlier is put off until then, and looks at nobody.
            return bool(starts) and starts[0] + self._growth < self.due
        return True

    def read(self, now: Micros) -> Reading | None:
        """Return the measure at *now*; None while blind or without a base."""
        subject, window = self.subject, self.window
        if window is not None:
            window.sync(now)
        return None if subject.blind else self.measure.read(subject, window, now)

    def evaluate(self, now: Micros) -> tuple[Transition, ...]:
        """Look at the measure at *now*; return what came of it, and set ``due``."""
        state, subject = self.state, self.subject
        wakes = state.wakes
        if self._growth is not None and not (subject.blind or subject.accounts):
            starts = subject.starts
            reached = starts[0] + self._growth if starts else NEVER
            if now < reached and now < wakes:
                self.due = min(reached, wakes)
                return ()
        if now >= self._turns_at:
            self._turn_window(now)
        if self._ratio is not None and not (subject.blind or subject.accounts):
            return self._evaluate_ratio(now, self._ratio)
        reading = self.read(now)
        blind = reading is None and self.is_blind(now)
        transitions = state.update(now, reading, blind=blind)
        self.due = min(self._next_change(now, reading), state.wakes)
        if blind and self.window is not None:
            self.due = min(self.due, next_known(subject, self.window, now) or NEVER)
        return transitions

    def _evaluate_ratio(self, now: Micros, window: RatioWindow) -> tuple[Transition, ...]:
        """Do the same for a ratio that is seen, and that only ends of waits move."""
        state = self.state
        if window.targets is not self.subject.targets:
            window.judge_by(self.subject.targets)
        window.sync(now)
        base = window.base
        reading = (window.number, base, base) if base > 0 else None
        transitions = state.update(now, reading, blind=False)
        due = state.wakes
        if state.state is State.OFF:
            self.spare = NEVER
        else:
            leaving = window.next_expiry(now, self._spare_looks(reading))
            if leaving is not None and leaving < due:
                due = leaving
        self.due = due
        return transitions

    def follow(self, rule: Rule, now: Micros) -> tuple[Transition, ...]:
        """Go on by another *rule* of the same measure and window."""
        self.rule = rule
        self._turns_at = 0
        return self.state.replace_rule(rule, now)

    def close(self) -> None:
        """Stop reading; the watch is not to be used again."""
        if self.window is not None:
            self.window.close()
        self.due = NEVER
        self.scheduled = -1

    def _turn_window(self, now: Micros) -> None:
        """Let the window begin where ``active`` opened, no earlier."""
        self._turns_at = NEVER
        window = self.window
        if window is None:
            return
        limits, until = self.rule.limits_at(now)
        active = limits.active
        change = None if active is None else active.next_change(now)
        self._turns_at = min((at for at in (until, change) if at is not None), default=NEVER)
        opened = None if active is None else active.opened_at(now)
        floor = 0 if opened is None else max(opened - 1, 0)
        if floor < window.floor:
            window.begin_again()
        window.floor = floor

    def _next_change(self, now: Micros, reading: Reading | None) -> Micros:
        """Return when the reading may next matter though nothing happens."""
        state, window = self.state, self.window
        self.spare = 0
        self._growth = self._crowd = None
        if state.state is State.OFF:
            self.spare = NEVER  # only the calendar matters, and that is in ``state.wakes``
            return NEVER
        if state.limits is not self._limits:
            self._limits = state.limits
            self._levels = _levels(state.limits)
        calm = state.state is State.OK
        if window is None:
            return self._next_passing(now, calm=calm)
        passing = NEVER
        if self.measure.moves is not None:
            return self._next_crossing(
                now, reading, self.measure.moves(self.subject, window, now)
            )
        if self._ratio is not None:
            leaving = window.next_expiry(now, self._spare_looks(reading))
        elif self.measure.next_change is not None:
            leaving = window.next_expiry(now)
            passing = self._next_passing(now, calm=calm)
        elif self.occasions == _ENDED:
            leaving = window.next_expiry(now)
        else:
            leaving = window.next_loss(now)
        return passing if leaving is None or passing < leaving else leaving

    def _next_passing(self, now: Micros, *, calm: bool) -> Micros:
        """Return when the waiting alone next bring the reading to where it matters."""
        levels, measure = self._levels, self.measure
        watchful = calm and levels.above and not self.subject.accounts
        if measure.next_change is None:
            if watchful and measure.name == "waiting":
                self._crowd = levels.floor
            return NEVER
        if watchful and measure.grows:
            self._growth = levels.ceiling
        change = measure.next_change(self.subject, now, levels.passed)
        return NEVER if change is None else change

    def _next_crossing(self, now: Micros, reading: Reading | None, motion: Motion) -> Micros:
        """Return when a reading that moves in a straight line next passes what matters."""
        until = NEVER if motion.until is None else motion.until
        if self.is_blind(now):
            return NEVER
        if reading is None:
            return min(until, now + 1) if motion.denominator > 0 else until
        limits = self.state.limits
        delays = [
            _crossing(reading, motion, value)
            for value in (limits.limit, limits.clear)
            if value is not None
        ]
        # The base grows with the denominator: it may be what is missing.
        missing = limits.at_least * self.measure.base_unit - reading[1]
        if missing > 0 and motion.denominator > 0:
            delays.append(-(-missing // motion.denominator))
        return min([until, *(now + delay for delay in delays if delay is not None)])

    def _spare_looks(self, reading: Reading | None) -> int:
        """Spare looks while a ratio cannot breach; return the leaving sample that needs one.

        The limit being p/q, who comes moves n*q - p*d towards it by at most p or q - p, who
        leaves by at most the other: as many of either as *step* fits into the distance.
        """
        state = self.state
        self.spare = 0
        if reading is None or state.state is not State.OK:
            return 1
        limits = state.limits
        if limits is not self._limits:
            self._limits = limits
            self._levels = _levels(limits)
        n, d, base = reading
        levels = self._levels
        distance = levels.numerator * d - n * levels.denominator
        if not levels.above:
            distance = -distance
        moves = distance // levels.step if distance > 0 else 0
        missing = limits.at_least - base
        if missing > 0:
            # Only contacts that come can fill the base; look again when it may be empty.
            self.spare = max(missing - 1, moves)
            return base or 1
        self.spare = moves
        return moves + 1


def _crossing(reading: Reading, motion: Motion, value: Fraction) -> Micros | None:
    """Return after how long the reading, now n/d, is on another side of *value*, if ever.

    On it is a side of its own: ``above`` and ``below`` are strict.
    """
    p, q = value.numerator, value.denominator
    distance = reading[0] * q - p * reading[1]
    speed = motion.numerator * q - p * motion.denominator
    if distance == 0:
        return 1 if speed else None
    if distance > 0:
        distance, speed = -distance, -speed
    return -(distance // speed) if speed > 0 else None
