"""What connects a measure to a threshold: when to look, and when looking can be spared.

A ``Watch`` reads one measure of one subject for one threshold. It is looked at after every
event that can change the measure, and at the instants at which time alone can: a waiting
contact reaches the limit, a sample leaves the window, a ``for`` runs out. While a ratio is
far from its limit, most looks are spared: from n/d it takes a known least number of
contacts, coming or leaving, to breach.
"""

import heapq
import itertools
import math
from typing import Final

from callmon.clock import Micros
from callmon.events import ContactAnswered, ContactJoined, ContactLeft, TalkEnded
from callmon.measures import MEASURES, Measure, Reading, Unit
from callmon.queues import SubjectState, WindowSpec
from callmon.rules import Direction, Rule
from callmon.thresholds import State, ThresholdState, Transition
from callmon.windows import Window

__all__ = [
    "NEVER",
    "Timers",
    "Watch",
]

NEVER: Final[Micros] = 1 << 62
"""Later than any instant."""

_ENDED: Final = (ContactAnswered, ContactLeft)
_OCCASIONS: Final[dict[str, tuple[type, ...]]] = {
    "waiting": (ContactJoined, *_ENDED),
    "longest_wait": (ContactJoined, *_ENDED),
    "waiting_over_target": (ContactJoined, *_ENDED),
    "service_level_now": (ContactJoined, *_ENDED),
    "talking": (ContactAnswered, TalkEnded),
    "arrived": (ContactJoined, *_ENDED),
    "average_talk": (TalkEnded,),
}
"""Events that can change a measure, where it is not the end of a wait alone.

``arrived`` changes with an end too: that of a carried-in caller, whose join was not seen.
"""


class Timers:
    """Watches by the instant at which they must be looked at."""

    __slots__ = ("_heap", "_order", "earliest")

    def __init__(self) -> None:
        self._heap: list[tuple[Micros, int, Watch]] = []
        self._order = itertools.count()
        self.earliest: Micros = NEVER  #: no watch is due before; may be due later

    def schedule(self, watch: "Watch") -> None:
        """Have *watch* popped at ``watch.due``; one still in the heap for earlier will do."""
        due = watch.due
        if due < watch.scheduled:
            watch.scheduled = due
            heapq.heappush(self._heap, (due, next(self._order), watch))
            self.earliest = min(self.earliest, due)

    def pop(self, now: Micros) -> "Watch | None":
        """Return a watch due at or before *now*; None when there is none."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, watch = heapq.heappop(heap)
            if at == watch.scheduled:
                watch.scheduled = NEVER
                self.earliest = heap[0][0] if heap else NEVER
                return watch
        self.earliest = heap[0][0] if heap else NEVER
        return None


class Watch:
    """One threshold on one subject."""

    __slots__ = (
        "_crowd",
        "_growth",
        "_is_ratio",
        "_is_waiting",
        "_of_ends",
        "_spare",
        "_turns_at",
        "due",
        "measure",
        "rule",
        "scheduled",
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
        self.window: Window | None = subject.open_window(spec) if spec is not None else None
        self.due: Micros = NEVER  #: when to look again though nothing happens
        self.scheduled: Micros = NEVER  #: the earliest timer that stands for this watch
        self._turns_at: Micros = 0  #: when a calendar may next move the window's beginning
        self._spare = 0  #: events of a ratio that need no look
        self._is_ratio = self.measure.unit is Unit.RATIO
        self._of_ends = self.occasions == _ENDED or self._is_ratio
        self._is_waiting = self.measure.name == "waiting"
        self._crowd: int | None = None  #: waiting, all well: more than these breach
        self._growth: Micros | None = None  #: longest_wait, all well: it breaches at this

    @property
    def key(self) -> tuple[str, str, str]:
        """Threshold, kind and name of the subject: what states are filed under."""
        subject = self.rule.subject
        return self.rule.threshold.name, subject.kind, subject.name

    @property
    def occasions(self) -> tuple[type, ...]:
        """The kinds of event after which to look."""
        return _OCCASIONS.get(self.measure.name, _ENDED)

    def touched(self) -> bool:
        """Note an event; tell whether it calls for a look."""
        if self._spare > 0:
            self._spare -= 1
            return False
        starts = self.subject.starts
        if self._crowd is not None:
            return len(starts) > self._crowd
        if self._growth is not None:
            # A wait that has not begun earlier than the one the timer stands for reaches
            # the limit no sooner.
            return bool(starts) and starts[0] + self._growth < self.scheduled
        return True

    def read(self, now: Micros) -> Reading | None:
        """Return the measure at *now*; None while blind or without a base."""
        subject, measure, window = self.subject, self.measure, self.window
        if window is not None:
            window.sync(now)
        if subject.blind:
            return None
        if window is not None and measure.over is not None:
            return measure.over(subject, window, now)
        return measure.live(subject, now) if measure.live is not None else None

    def evaluate(self, now: Micros) -> tuple[Transition, ...]:
        """Look at the measure at *now*; return what came of it, and set ``due``."""
        state = self.state
        if self._growth is not None and not self.subject.blind:
            starts = self.subject.starts
            reached = starts[0] + self._growth if starts else NEVER
            turned = NEVER if state.due is None else state.due
            if now < reached and now < turned:
                self.due = min(reached, turned)
                return ()
        if now >= self._turns_at:
            self._turn_window(now)
        reading = self.read(now)
        transitions = state.update(now, reading, blind=self.subject.blind)
        due = state.due
        change = self._next_change(now, reading)
        if change is not None and (due is None or change < due):
            due = change
        self.due = NEVER if due is None else due
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

    def _next_change(self, now: Micros, reading: Reading | None) -> Micros | None:
        """Return when the reading may next matter though nothing happens."""
        self._spare = 0
        self._growth = self._crowd = None
        window, standing = self.window, self.state.state
        if standing is State.OFF:
            self._spare = NEVER  # only the calendar matters, and that is in ``state.due``
            return None
        calm = standing is State.OK
        change = self._next_passing(now, calm=calm)
        if window is None or (window.length is None and window.day is None):
            return change
        if not self._of_ends:
            return window.next_loss(now)
        spared = calm and self._is_ratio and self.measure.next_change is None
        first = self._spare_looks(reading) if spared and reading is not None else 1
        expiry = window.next_expiry(now, first)
        if change is None or (expiry is not None and expiry < change):
            return expiry
        return change

    def _next_passing(self, now: Micros, *, calm: bool) -> Micros | None:
        """Return when the waiting alone next bring the reading to where it matters."""
        limits = self.state.limits
        watchful = calm and limits.direction is Direction.ABOVE
        if self.measure.next_change is None:
            if watchful and self._is_waiting:
                self._crowd = math.floor(limits.limit)
            return None
        limit = math.ceil(limits.limit)
        if watchful and self.measure.grows:
            self._growth = limit
        # A limit is reached, but ``clear`` must be passed.
        values = (limit,) if limits.clear is None else (limit, math.floor(limits.clear) + 1)
        return self.measure.next_change(self.subject, now, values)

    def _spare_looks(self, reading: Reading) -> int:
        """Spare looks while a ratio cannot breach; return how many samples may leave first.

        One contact moves n*q - p*d (the limit being p/q) by at most max(q - p, p), whether
        it comes or leaves. Half of the distance is given to either.
        """
        limits = self.state.limits
        n, d, base = reading
        p, q = limits.limit.numerator, limits.limit.denominator
        distance = p * d - n * q
        if limits.direction is Direction.BELOW:
            distance = -distance
        moves = distance // max(q - p, p, 1) + 1 if distance >= 0 else 1
        missing = limits.at_least - base
        if missing > 0:
            # Only contacts that come can fill the base; look again when it may be empty.
            self._spare = max(missing, moves // 2) - 1
            return max(base, 1)
        self._spare = max(moves // 2 - 1, 0)
        return max(moves - moves // 2, 1)
