"""Tries every threshold with a ladder of limits, all in one pass over the history."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from zoneinfo import ZoneInfo

from callmon import trial
from callmon.calendars import Calendar
from callmon.clock import Micros
from callmon.config import Config
from callmon.episodes import Episode, by_key, fired_again
from callmon.measures import MEASURES
from callmon.queues import Targets
from callmon.rules import (
    Direction,
    Limits,
    Override,
    Selector,
    Severity,
    Subject,
    SubjectKind,
    Threshold,
)
from callmon.suggest.findings import (
    FEWEST_DAYS,
    Finding,
    Rung,
    Span,
    Verdict,
    Wanted,
    chosen,
    date_of,
    next_day,
    parts,
)
from callmon.suggest.limits import is_another_matter, ladder, moved_clear

__all__ = ["Tried", "candidate", "try_limits", "undated"]

_OF_WAITS = frozenset(
    ("longest_wait", "average_wait", "p50_wait", "p90_wait", "p95_wait", "max_wait")
)
"""Who is answered within the target has been promised no better: no alert sooner."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the whole search came to."""

    findings: tuple[Finding, ...]
    span: Span
    events: int
    wanted: Wanted
    zone: ZoneInfo


def try_limits(
    history: trial.History,
    config: Config,
    thresholds: Sequence[Threshold],
    wanted: Wanted,
    *,
    span: trial.Span | None = None,
    progress: Callable[[int], None] = lambda _read: None,
) -> Tried | None:
    """Return a finding for each of *thresholds* and each subject; None: nothing happened.

    Args:
        history: what to learn from.
        config: the queues, their targets, the days' time zone.
        thresholds: whose limits are sought.
        wanted: how often an alert is welcome.
        span: which part of it. None: all.
        progress: told how much was read.

    Raises:
        CallmonError: the history cannot be read.
    """
    span = span or trial.Span()
    targets = _targets(config)
    ladders = {one.name: _worth_trying(one, targets) for one in thresholds}
    lived = trial.run_trial(
        history,
        config.engine_settings(),
        [
            *thresholds,
            *(candidate(one, limit) for one in thresholds for limit in ladders[one.name]),
            *_probes(thresholds),
        ],
        since=span.since,
        back=span.back,
        until=span.until,
        progress=progress,
    )
    if lived is None or not lived.subjects:
        return None
    if lived.until < max(lived.since, lived.first):
        return None
    past = _Past.of(lived, ZoneInfo(config.default_timezone), targets)
    found = tuple(
        _finding(past, one, subject, ladders[one.name], wanted)
        for one in thresholds
        for subject in _subjects(config, lived.subjects)
        if one.select.matches(subject)
    )
    return Tried(
        findings=found, span=past.whole, events=lived.events, wanted=wanted, zone=past.zone
    )


def undated(threshold: Threshold, subject: Subject) -> Limits:
    """Return the limits of *threshold* for *subject* on a day without a date of its own."""
    limits = threshold.limits
    for override in _undated_overrides(threshold, subject):
        limits = override.apply(limits)
    return limits


def _undated_overrides(threshold: Threshold, subject: Subject) -> Iterator[Override]:
    for override in threshold.overrides:
        selected = override.select is None or override.select.matches(subject)
        if override.during is None and selected:
            yield override


# ---- what is tried ------------------------------------------------------------------


def _targets(config: Config) -> Mapping[str, Targets]:
    """Return the targets by the subject's id; those of others under ``""``."""
    found = {
        Subject(kind=kind, name=one.name).id: one.targets
        for kind, settings in (
            (SubjectKind.QUEUE, config.queues),
            (SubjectKind.GROUP, config.groups),
        )
        for one in settings
    }
    return {**found, "": config.default_targets}


def _subjects(config: Config, seen: Sequence[Subject]) -> list[Subject]:
    """Return those of the history, and those of callmon.yml that nothing was told of."""
    found = {one.id: one for one in seen}
    for kind, settings in (
        (SubjectKind.QUEUE, config.queues),
        (SubjectKind.GROUP, config.groups),
    ):
        for one in settings:
            subject = Subject(kind=kind, name=one.name, labels=one.labels)
            found.setdefault(subject.id, subject)
    return sorted(found.values(), key=lambda one: (one.kind is SubjectKind.GROUP, one.name))


def _worth_trying(threshold: Threshold, targets: Mapping[str, Targets]) -> tuple[Fraction, ...]:
    """Return the limits to try for any subject, strictest first."""
    limits = ladder(threshold.measure, threshold.limits.direction, threshold.limits.limit)
    return tuple(
        limit
        for limit in limits
        if any(
            _is_worth_it(threshold, now.limit, limit, one)
            for now in _all_limits(threshold)
            for one in targets.values()
        )
    )


def _is_worth_it(
    threshold: Threshold, present: Fraction, limit: Fraction, targets: Targets
) -> bool:
    """Tell whether *limit* is worth a try where the *present* one holds."""
    if limit == present:
        return True
    direction, measure = threshold.limits.direction, threshold.measure
    if is_another_matter(MEASURES[measure].unit, direction, present, limit):
        return False
    promised = measure in _OF_WAITS and direction is Direction.ABOVE
    return not promised or limit > targets.within


def _name(threshold: Threshold, limit: Fraction) -> str:
    # No name in a file has a line feed: nothing can be called the same.
    return f"{threshold.name}\n{limit}"


def candidate(threshold: Threshold, limit: Fraction) -> Threshold:
    """Return *threshold* with *limit* everywhere but on dates of their own."""
    unit, direction = MEASURES[threshold.measure].unit, threshold.limits.direction
    base = threshold.limits

    def moved(old: Fraction, clear: Fraction | None) -> Fraction | None:
        return moved_clear(unit, direction, (old, clear), limit)

    def changed(override: Override) -> Override:
        if override.during is not None:
            return override
        if override.limit is None:
            return dataclasses.replace(override, clear=moved(base.limit, override.clear))
        clear = moved(override.limit, override.clear)
        return dataclasses.replace(override, limit=limit, clear=clear)

    return dataclasses.replace(
        threshold,
        name=_name(threshold, limit),
        limits=dataclasses.replace(base, limit=limit, clear=moved(base.limit, base.clear)),
        overrides=tuple(map(changed, threshold.overrides)),
        escalate=(),
    )


def _probes(thresholds: Sequence[Threshold]) -> Iterator[Threshold]:
    """Yield thresholds that fire when there are as many contacts as the others need."""
    needs = dict.fromkeys(
        need
        for one in thresholds
        for need in (_Need.any(one), *(_Need.of(one, limits) for limits in _all_limits(one)))
        if need is not None
    )
    for need in needs:
        yield Threshold(
            name=need.name,
            measure="arrived" if need.window is None else "offered",
            window=need.window or "today",
            severity=Severity.INFO,
            select=Selector(queues=("*",), groups=("*",)),
            limits=Limits(
                direction=Direction.ABOVE, limit=Fraction(need.more_than), active=need.active
            ),
        )


def _all_limits(threshold: Threshold) -> Iterator[Limits]:
    yield threshold.limits
    for override in threshold.overrides:
        yield override.apply(threshold.limits)


@dataclasses.dataclass(frozen=True, slots=True)
class _Need:
    """More contacts than so many, in a window, while a calendar is open."""

    active: Calendar | None
    window: str | None  #: None: today, of those that came
    more_than: int

    @property
    def name(self) -> str:
        """Return the name of the threshold that sees to it; no other has a line feed."""
        calendar = "" if self.active is None else self.active.name
        return f"\n{calendar}\n{self.window}\n{self.more_than}"

    @classmethod
    def any(cls, threshold: Threshold) -> "_Need":
        """Return the need of any contact on a day."""
        return cls(threshold.limits.active, None, 0)

    @classmethod
    def of(cls, threshold: Threshold, limits: Limits) -> "_Need | None":
        """Return what *limits* need to fire; None: nothing, or nothing of contacts."""
        if not limits.at_least or MEASURES[threshold.measure].base_unit:
            return None
        return cls(threshold.limits.active, threshold.window, limits.at_least - 1)


# ---- what came of it ----------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """The trial, by what is asked of it."""

    episodes: Mapping[tuple[str, str], Sequence[Episode]]  #: by threshold and subject's id
    whole: Span
    zone: ZoneInfo
    targets: Mapping[str, Targets]  #: by the subject's id; of others: ``""``

    @classmethod
    def of(cls, lived: trial.Trial, zone: ZoneInfo, targets: Mapping[str, Targets]) -> "_Past":
        return cls(
            episodes={
                (key.threshold, mine[0].subject.id): mine
                for key, mine in by_key(lived.episodes).items()
            },
            whole=Span(max(lived.since, lived.first), min(lived.until, lived.last) + 1),
            zone=zone,
            targets=targets,
        )

    def rung(self, name: str, subject: Subject, limit: Fraction) -> Rung:
        """Return what the threshold called *name* has done to *subject*."""
        standing = self.episodes.get((name, subject.id), ())
        mine = [one for one in standing if one.fired_at >= self.whole.since]
        again = fired_again(mine)
        noise = sum(one.is_brief or (one.key, one.fired_at) in again for one in mine)
        return Rung(limit=limit, fired=tuple(one.fired_at for one in mine), noise=noise)

    def days(self, need: "_Need", subject: Subject) -> tuple[Micros, ...]:
        """Return an instant of each day on which *subject* had what is needed."""
        seen: dict[dt.date, Micros] = {}
        for one in self.episodes.get((need.name, subject.id), ()):
            end = self.whole.until if one.ended_at is None else one.ended_at
            at = max(one.fired_at, self.whole.since)
            while at < end:
                seen.setdefault(date_of(at, self.zone), at)
                at = next_day(at, self.zone)
        return tuple(seen.values())


def _finding(
    past: _Past,
    threshold: Threshold,
    subject: Subject,
    limits: Sequence[Fraction],
    wanted: Wanted,
) -> Finding:
    now = undated(threshold, subject)
    days = past.days(_Need.any(threshold), subject)
    need = _Need.of(threshold, now)
    full = days if need is None else past.days(need, subject)
    until = past.whole.until
    whole = Span(days[0] if days else past.whole.since, until)
    learnt, after = parts(whole, days)
    present = past.rung(threshold.name, subject, now.limit)
    targets = past.targets.get(subject.id, past.targets[""])
    rungs = tuple(
        past.rung(_name(threshold, limit), subject, limit)
        for limit in limits
        if _is_worth_it(threshold, now.limit, limit, targets)
    )
    verdict, choice = _reason(threshold, now, days, full), None
    if verdict is None:
        verdict, choice = chosen(rungs, present, learnt, wanted)
    return Finding(
        threshold=threshold,
        subject=subject,
        limits=now,
        days=len(days),
        full_days=len(full),
        whole=whole,
        learnt=learnt,
        after=after,
        present=present,
        rungs=rungs,
        choice=choice,
        verdict=verdict,
    )


def _reason(
    threshold: Threshold, now: Limits, days: Sequence[Micros], full: Sequence[Micros]
) -> Verdict | None:
    """Return why no limit can be suggested, if that is so."""
    if now.direction is not threshold.limits.direction:
        return Verdict.MIXED
    if len(days) < FEWEST_DAYS:
        return Verdict.FEW_DAYS
    return Verdict.SPARSE if len(full) < FEWEST_DAYS else None
