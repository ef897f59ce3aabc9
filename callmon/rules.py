"""What an administrator asked for: thresholds as values, after the YAML is understood.

A ``Threshold`` is one entry of thresholds.yml. For one subject (a queue or a group) it
comes to a ``Rule``, or to nothing when it does not select that subject. Limits are exact
fractions in the measure's inner unit: microseconds, contacts, or a ratio from 0 to 1.
"""

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from fractions import Fraction

from callmon.calendars import Calendar
from callmon.clock import Micros

__all__ = [
    "Direction",
    "Escalation",
    "Limits",
    "Override",
    "Rule",
    "Selector",
    "Severity",
    "Subject",
    "SubjectKind",
    "Threshold",
]


class SubjectKind(StrEnum):
    """What a measure can be about."""

    QUEUE = "queue"
    GROUP = "group"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who is measured: the key of states and alerts."""

    kind: SubjectKind
    name: str
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)

    @property
    def id(self) -> str:
        """Return what names it among all subjects: ``queue:support``."""
        return f"{self.kind.value}:{self.name}"


class Severity(StrEnum):
    """How urgent an alert is, lowest first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """How urgent it is among the others, as a number."""
        return tuple(Severity).index(self)


class Direction(StrEnum):
    """Which side of the limit is bad: ``above`` is >, ``below`` is <."""

    ABOVE = "above"
    BELOW = "below"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """An alert of *severity* is added *after* the moment of firing."""

    after: Micros
    severity: Severity


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a rule fires and when it ends."""

    direction: Direction
    limit: Fraction
    clear: Fraction | None = None  #: hysteresis: ends only strictly past this
    hold: Micros = 0  #: YAML ``for``: the breach must last this long
    keep: Micros = 0  #: stays firing this long after it cleared
    at_least: int = 0  #: contacts the base must have; guards entry only
    confidence: float | None = None  #: two-sided Wilson z, 1.96 for 95 %; guards entry only
    active: Calendar | None = None  #: outside it the rule is off


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which subjects: names or globs of queues, of groups, and labels that must be equal."""

    queues: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    where: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def matches(self, subject: Subject) -> bool:
        """Tell whether *subject* is selected; ``("*",)`` is every queue."""
        names = self.queues if subject.kind is SubjectKind.QUEUE else self.groups
        return any(fnmatchcase(subject.name, name) for name in names) and all(
            subject.labels.get(label) == value for label, value in self.where.items()
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What differs for some subjects, or during some dates; ``None`` is: as before.

    One that sets a limit drops an inherited ``clear``.
    """

    select: Selector | None = None  #: None: every subject of the threshold
    during: Calendar | None = None  #: None: always
    direction: Direction | None = None
    limit: Fraction | None = None
    clear: Fraction | None = None
    hold: Micros | None = None
    keep: Micros | None = None
    at_least: int | None = None
    confidence: float | None = None
    active: Calendar | None = None

    def apply(self, limits: Limits) -> Limits:
        """Return *limits* with everything this override sets."""
        changes = {
            name: value for name in _OVERRIDABLE if (value := getattr(self, name)) is not None
        }
        if self.limit is not None:
            changes.setdefault("clear", None)
        return dataclasses.replace(limits, **changes)


_OVERRIDABLE = (
    "direction",
    "limit",
    "clear",
    "hold",
    "keep",
    "at_least",
    "confidence",
    "active",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A threshold for one subject: its limits, and how dates change them."""

    subject: Subject
    threshold: "Threshold"
    base: Limits  #: with every undated override merged up to the first dated one
    overrides: tuple[Override, ...]  #: from the first dated one on, in file order

    def limits_while(self, dated: Override | None) -> Limits:
        """Return the limits while *dated* holds, and no other override with dates does."""
        limits = self.base
        for override in self.overrides:
            if override.during is None or override is dated:
                limits = override.apply(limits)
        return limits

    def limits_at(self, now: Micros) -> tuple[Limits, Micros | None]:
        """Return the limits in force at *now*, and when a date may next change them."""
        limits, until = self.base, None
        for override in self.overrides:
            if override.during is None:
                limits = override.apply(limits)
                continue
            if override.during.is_open(now):
                limits = override.apply(limits)
            change = override.during.next_change(now)
            if change is not None and (until is None or change < until):
                until = change
        return limits, until


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One entry of thresholds.yml."""

    name: str
    measure: str  #: a name in ``callmon.measures.MEASURES``
    window: str | None  #: ``15m``, ``today`` …; None for live measures
    severity: Severity
    select: Selector
    limits: Limits
    overrides: tuple[Override, ...] = ()
    escalate: tuple[Escalation, ...] = ()  #: in order of ``after``
    summary: str | None = None
    summary_zh: str | None = None  #: for Chinese texts; None: ``summary``
    runbook: str | None = None
    shifts: tuple[tuple[str, Calendar], ...] = ()
    """Who is on duty, by name: of those that are open at once the first one is."""

    def rule_for(self, subject: Subject) -> Rule | None:
        """Return what this threshold comes to for *subject*; None if not selected."""
        if not self.select.matches(subject):
            return None
        mine = [o for o in self.overrides if o.select is None or o.select.matches(subject)]
        base = self.limits
        while mine and mine[0].during is None:
            base = mine.pop(0).apply(base)
        return Rule(subject=subject, threshold=self, base=base, overrides=tuple(mine))

    def shift_at(self, at: Micros) -> str | None:
        """Return the name of the shift on duty at *at*; None: nobody is."""
        for name, calendar in self.shifts:
            if calendar.is_open(at):
                return name
        return None
