"""The state of one subject (a queue or a group): who waits, who talks, what has ended."""

import dataclasses
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

import msgspec

from callmon.agents import Roster, RosterPart
from callmon.clock import SECOND, Micros
from callmon.events import Outcome
from callmon.facts import Account
from callmon.intervals import IntervalBook
from callmon.rules import Subject
from callmon.windows import (
    CODES,
    FLAGS,
    SHORT,
    UNKNOWN,
    WITHIN,
    LocalDay,
    SampleLog,
    SamplesPart,
    Window,
)

__all__ = [
    "BUCKETS",
    "DEFAULT_TARGETS",
    "Formula",
    "GroupSettings",
    "Overflow",
    "QueueSettings",
    "SubjectPart",
    "SubjectState",
    "Targets",
    "WindowSpec",
    "day_of",
]

BUCKETS: tuple[Micros, ...] = tuple(
    seconds * SECOND for seconds in (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
)
"""Upper bounds of the wait histogram; every configured target joins them."""


class Formula(StrEnum):
    """How a service level treats abandons (``docs/administrators/measures.md``)."""

    ABANDONS_NEGATIVE = "abandons_negative"
    ABANDONS_IGNORED = "abandons_ignored"
    ABANDONS_POSITIVE = "abandons_positive"
    ANSWERED_ONLY = "answered_only"


class Overflow(StrEnum):
    """Whether timeout, key_exit, empty and failed stay in the service level's base."""

    MISSED = "missed"
    IGNORED = "ignored"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What a subject promises its callers."""

    within: Micros = 20 * SECOND  #: T: answered within, inclusive
    short_abandon: Micros = 0  #: an abandon strictly sooner is short; 0 switches it off
    formula: Formula = Formula.ABANDONS_NEGATIVE
    overflow: Overflow = Overflow.MISSED


DEFAULT_TARGETS = Targets()

_ANSWERED, _ABANDONED = Outcome.ANSWERED, Outcome.ABANDONED
_EVER: Micros = 1 << 62


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """A queue by callmon's name, and what sources call it."""

    name: str
    origins: tuple[tuple[str, str], ...] = ()  #: (source, name); source "*" is any
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    timezone: str = "UTC"
    targets: Targets = DEFAULT_TARGETS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """A named set of queues with targets of its own."""

    name: str
    queues: tuple[str, ...]  #: names or globs of queues
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    timezone: str = "UTC"
    targets: Targets = DEFAULT_TARGETS

    def has(self, queue: str) -> bool:
        """Tell whether the queue of that name is in it."""
        return any(fnmatchcase(queue, pattern) for pattern in self.queues)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """A configured window: ``15m`` with a length, ``today`` with ``day``, or all time."""

    name: str
    length: Micros | None = None
    day: bool = False


class SubjectState:
    """Everything known of one queue or group.

    Counters (``arrived`` … ``rings``) never fall; the rest is what holds now.
    """

    __slots__ = (
        "_changes",
        "_day",
        "_short",
        "_within",
        "accounts",
        "agents",
        "arrived",
        "blind",
        "bounds",
        "buckets",
        "corrected",
        "counts",
        "half_begin",
        "half_end",
        "intervals",
        "log",
        "longest",
        "refused",
        "reported",
        "rings",
        "starts",
        "subject",
        "sums",
        "talking",
        "talks",
        "targets",
        "unaccounted",
        "unsettled",
        "windows",
    )

    def __init__(
        self,
        subject: Subject,
        targets: Targets,
        day: LocalDay,
        windows: Sequence[WindowSpec],
        bounds: tuple[Micros, ...] = BUCKETS,
    ) -> None:
        self.subject = subject
        self.targets = targets
        self._within = targets.within
        self._short = targets.short_abandon
        self._day = day
        self.log = SampleLog()
        self.agents = Roster(self.log)
        self.windows = {spec.name: self.open_window(spec) for spec in windows}
        self.starts: list[Micros] = []  #: start of every running wait, ascending
        self.talking = 0
        self.unsettled = 0  #: waits that have ended, but are in no counter yet
        self.blind = False
        self._changes = 0
        self.arrived = 0
        self.counts = [0] * CODES  #: ended contacts by code, for ever
        self.sums = [0] * CODES
        self.bounds = bounds
        self.buckets = ([0] * (len(bounds) + 1), [0] * (len(bounds) + 1))
        self.refused: dict[str, int] = {}
        self.corrected: dict[tuple[Outcome, Outcome], int] = {}
        self.rings = 0
        self.talks = 0  #: that have ended, with a known length
        self.accounts: tuple[Account, ...] = ()  #: of the queues known only as a whole
        self.unaccounted: frozenset[str] = frozenset()  #: a group's queues without any
        self.reported = 0  #: of ``arrived``, those only told of as a number
        self.intervals: IntervalBook | None = None  #: groups have none
        self.half_begin: Micros = 0  #: what is outside is told to ``intervals`` by itself
        self.half_end: Micros = _EVER
        self.longest: Micros = _EVER  #: whoever waited longer is told there, too

    def open_window(self, spec: WindowSpec) -> Window:
        """Return a new window over this subject's samples; ``close`` it after use."""
        return Window(self.log, spec.length, self._day if spec.day else None)

    @property
    def day(self) -> LocalDay:
        """Its local days."""
        return self._day

    @property
    def version(self) -> tuple[int, ...]:
        """A value that differs whenever anything but time has changed."""
        changes = self._changes + self.agents.version
        # Not how much the log holds: what is forgotten there would hide what is new.
        return changes, self.arrived, self.talking, sum(self.counts), self.talks

    @property
    def untouched(self) -> bool:
        """Whether no contact and no agent has ever been told of here."""
        told = self.arrived or self.log.talks or self.rings or self.refused or self.accounts
        return not told and self.agents.untouched

    def changed(self) -> None:
        """Note a change that none of the counters shows."""
        self._changes += 1

    def join(self, at: Micros) -> None:
        """A contact waits since *at*."""
        starts = self.starts
        if not starts or at >= starts[-1]:
            starts.append(at)
        else:
            insort(starts, at)
        self.arrived += 1
        self.log.arrive(at)
        if not self.half_begin <= at < self.half_end and self.intervals is not None:
            self.intervals.arrive(at)

    def leave(self, at: Micros, start: Micros, outcome: Outcome, wait: Micros | None) -> None:
        """The contact that waits since *start* is done."""
        starts = self.starts
        del starts[0 if starts[0] == start else bisect_left(starts, start)]
        if outcome is _ANSWERED:
            self.talking += 1
        code = self.count(outcome, wait)
        wait = wait or 0
        self.log.end(at, code, wait)
        if start < self.half_begin or at >= self.half_end or at < start or wait > self.longest:
            self._account(at, code, wait, start)

    def end(self, at: Micros, outcome: Outcome, wait: Micros | None) -> None:
        """Take the end of a wait of which all is known: windows and counters."""
        self.log.end(at, self.count(outcome, wait), wait or 0)

    def _account(self, at: Micros, code: int, wait: Micros, start: Micros) -> None:
        """See to it that a contact which was just counted is so in its half-hours, too."""
        stray = start < self.half_begin or at >= self.half_end or at < start
        if (stray or wait > self.longest) and self.intervals is not None:
            if stray:
                self.intervals.end(start, at, code, wait)
            else:
                self.intervals.lengthen(code, wait)

    def count(self, outcome: Outcome, wait: Micros | None) -> int:
        """Count the end of a wait for ever; return its code."""
        code = self._code(outcome, wait)
        self.counts[code] += 1
        if wait is not None:
            self.sums[code] += wait
            if outcome is _ANSWERED or outcome is _ABANDONED:
                self.buckets[outcome][bisect_left(self.bounds, wait)] += 1
        return code

    def _code(self, outcome: Outcome, wait: Micros | None) -> int:
        """Return the code of a sample by the targets in force."""
        if wait is None:
            return outcome * FLAGS + UNKNOWN
        code = outcome * FLAGS
        if wait <= self._within:
            code += WITHIN
        if outcome is _ABANDONED and wait < self._short:
            code += SHORT
        return code

    # ---- contacts of which more may be told (``callmon.visits``) --------------------

    def restart_wait(self, start: Micros, true_start: Micros) -> None:
        """The contact that waits since *start* began to wait at *true_start*."""
        self.stop_wait(start)
        insort(self.starts, true_start)
        self.restart(start, true_start)

    def restart(self, start: Micros, true_start: Micros) -> None:
        """A contact that is not settled arrived at *true_start*, not at *start*."""
        if self.intervals is not None:
            self.intervals.move(start, true_start)

    def stop_wait(self, start: Micros) -> None:
        """The contact that waits since *start* waits no more; how it ended is told apart."""
        del self.starts[bisect_left(self.starts, start)]
        self._changes += 1

    def show(self, at: Micros, outcome: Outcome, wait: Micros | None, start: Micros) -> None:
        """Let the windows see an end that is not settled, of who waited since *start*."""
        del start  # for those who count by arrival
        self.log.end(at, self._code(outcome, wait), wait or 0)
        self._changes += 1

    def hide(self, at: Micros, outcome: Outcome, wait: Micros | None, start: Micros) -> None:
        """Take back what ``show`` has shown."""
        del start
        self.log.remove(at, self._code(outcome, wait), wait or 0)
        self._changes += 1

    def settle(self, at: Micros, outcome: Outcome, wait: Micros | None, start: Micros) -> None:
        """Count a shown end for ever: nothing more will change it."""
        self._account(at, self.count(outcome, wait), wait or 0, start)
        self.unsettled -= 1
        self._changes += 1

    def unsettle(self, outcome: Outcome | None, wait: Micros | None) -> None:
        """Take back that ``gather`` has counted an end that may yet be told otherwise."""
        self.unsettled += 1
        if outcome is None:
            self.arrived += 1  # neither those who wait nor the windows held it
            return
        code = self._code(outcome, wait)
        self.counts[code] -= 1
        if wait is not None:
            self.sums[code] -= wait
            if outcome is _ANSWERED or outcome is _ABANDONED:
                self.buckets[outcome][bisect_left(self.bounds, wait)] -= 1

    def correct(self, settled: Outcome, outcome: Outcome) -> None:
        """Count that a settled contact has turned out to have ended otherwise."""
        key = settled, outcome
        self.corrected[key] = self.corrected.get(key, 0) + 1
        self._changes += 1

    def end_talk(self, at: Micros, talk: Micros | None) -> None:
        """One of the running talks ended after *talk*."""
        self.talking -= 1
        if talk is not None:
            self.log.end_talk(at, talk)
            self.talks += 1
            if not self.half_begin <= at < self.half_end and self.intervals is not None:
                self.intervals.end_talk(at, talk)

    def refuse(self, at: Micros, reason: str) -> None:
        """A contact was not taken."""
        self.refused[reason] = self.refused.get(reason, 0) + 1
        if self.intervals is not None:
            self.intervals.refuse(at)
        self._changes += 1

    def waiting_over(self, now: Micros, target: Micros) -> int:
        """Return how many have waited longer than *target* at *now*."""
        return bisect_left(self.starts, now - target)

    def next_over(self, now: Micros, target: Micros) -> Micros | None:
        """Return when the next of the waiting will have waited longer than *target*."""
        index = bisect_left(self.starts, now - target)
        return self.starts[index] + target + 1 if index < len(self.starts) else None

    def retarget(self, targets: Targets) -> None:
        """Judge all held samples by new targets; counters keep what they have counted."""
        self.targets = targets
        self._within = targets.within
        self._short = targets.short_abandon
        log = self.log
        for index, code in enumerate(log.codes):
            if not code & UNKNOWN:
                wait = log.waits[index]
                outcome = code // FLAGS
                short = outcome == _ABANDONED and wait < self._short
                new = outcome * FLAGS + WITHIN * (wait <= self._within) + SHORT * short
                if new != code:
                    log.recode(index, new)
        self.changed()

    def outcome_total(self, outcome: Outcome) -> int:
        """Return how many contacts ever ended so."""
        return sum(self.counts[outcome * FLAGS : (outcome + 1) * FLAGS])

    def set_windows(self, specs: Sequence[WindowSpec]) -> None:
        """Have exactly the windows of *specs*; those that stay keep what they hold."""
        wanted = {spec.name: spec for spec in specs}
        for name in [name for name in self.windows if name not in wanted]:
            self.windows.pop(name).close()
        for name, spec in wanted.items():
            if name not in self.windows:
                self.windows[name] = self.open_window(spec)
        self.changed()

    def set_day(self, day: LocalDay) -> None:
        """Let ``today`` begin at the midnights of another time zone."""
        if day is not self._day:
            self._day = day
            for window in self.log.windows:
                if window.day is not None:
                    window.day = day
                    window.begin_again()
            self.changed()

    def set_bounds(self, bounds: tuple[Micros, ...]) -> None:
        """Use other histogram bounds. What was counted by the old ones cannot be told."""
        if bounds != self.bounds:
            self.bounds = bounds
            self.buckets = ([0] * (len(bounds) + 1), [0] * (len(bounds) + 1))
            self.changed()

    def gather(self, members: Sequence["SubjectState"]) -> None:
        """Become the sum of *members*: what they hold of the past, who waits, who talks."""
        self.starts = sorted(start for member in members for start in member.starts)
        self.talking = sum(member.talking for member in members)
        self.agents.gather([member.agents for member in members])
        logs = [member.log for member in members]
        for at in sorted(at for log in logs for at in log.arrivals):
            self.log.arrive(at)
        # The log forgets arrivals before ends: counted is who ended or waits.
        self.arrived = len(self.starts) + sum(len(log.at) for log in logs)
        for at, code, wait in sorted(
            sample for log in logs for sample in zip(log.at, log.codes, log.waits, strict=True)
        ):
            if code & UNKNOWN:
                self.log.end(at, code, wait)  # what its flags say, no wait tells
                self.counts[code] += 1
            else:
                self.end(at, Outcome(code // FLAGS), wait)
        for at, talk in sorted(talk for log in logs for talk in log.single_talks()):
            self.log.end_talk(at, talk)

    def part(self) -> "SubjectPart":
        """Return everything but windows, which follow from it, for a checkpoint."""
        return SubjectPart(
            within=self._within,
            short=self._short,
            starts=self.starts,
            talking=self.talking,
            unsettled=self.unsettled,
            blind=self.blind,
            arrived=self.arrived,
            counts=self.counts,
            sums=self.sums,
            bounds=self.bounds,
            buckets=self.buckets,
            refused=self.refused,
            corrected=[(*pair, count) for pair, count in self.corrected.items()],
            rings=self.rings,
            samples=self.log.part(),
            agents=self.agents.part(),
            reported=self.reported,
        )

    def restore(self, part: "SubjectPart") -> None:
        """Be as when ``part`` was taken, judged by the targets of then."""
        targets = dataclasses.replace(
            self.targets, within=part.within, short_abandon=part.short
        )
        self.targets, self._within, self._short = targets, part.within, part.short
        self.starts = part.starts
        self.talking, self.unsettled, self.blind = part.talking, part.unsettled, part.blind
        self.arrived, self.counts, self.sums = part.arrived, part.counts, part.sums
        self.bounds, self.buckets = part.bounds, part.buckets
        self.refused, self.rings = part.refused, part.rings
        self.corrected = {
            (Outcome(settled), Outcome(outcome)): count
            for settled, outcome, count in part.corrected
        }
        self.log.restore(part.samples)
        self.agents.restore(part.agents)
        self.reported = part.reported
        if self.intervals is not None:
            self.intervals.begin()
        self.changed()


class SubjectPart(msgspec.Struct, gc=False):
    """A ``SubjectState`` in a checkpoint."""

    within: Micros
    short: Micros
    starts: list[Micros]
    talking: int
    unsettled: int
    blind: bool
    arrived: int
    counts: list[int]
    sums: list[Micros]
    bounds: tuple[Micros, ...]
    buckets: tuple[list[int], list[int]]
    refused: dict[str, int]
    corrected: list[tuple[int, int, int]]
    rings: int
    samples: SamplesPart
    agents: RosterPart
    reported: int = 0


def day_of(zone: str) -> LocalDay:
    """Return the local days of *zone* (an IANA name)."""
    return LocalDay(ZoneInfo(zone))
