"""One limit over a range, all of it in one pass: what is caught, and at what price. Pure."""

import dataclasses
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from callmon.backtest.outcome import Sweep, SweepPoint
from callmon.clock import Micros
from callmon.config.problems import one_of
from callmon.config.values import limit
from callmon.episodes import Episode, fired_again
from callmon.measures import MEASURES, Unit
from callmon.rules import Direction, Limits, Override, Rule, Subject, Threshold

__all__ = ["Range", "asked_range", "sweeps_of", "with_limit"]

POINTS_AT_MOST: Final = 200
"""Each costs as much as a threshold; more than this no curve shows."""

_EXAMPLE: Final = "long_wait:above=1m..10m/30s"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The limits to try of one threshold."""

    threshold: Threshold
    limits: tuple[Fraction, ...]  #: ascending


def asked_range(text: str, thresholds: Sequence[Threshold]) -> Range:
    """Return what *text* asks for: ``long_wait:above=1m..10m/30s``, both ends included.

    Raises:
        ValueError: it makes no sense, or there is no such threshold.
    """
    head, equals, ends = text.partition("=")
    name, colon, word = head.rpartition(":")
    low, dots, rest = ends.partition("..")
    high, slash, step = rest.rpartition("/")
    if not (equals and colon and dots and slash):
        raise ValueError(f"expected THRESHOLD:above=LOW..HIGH/STEP, such as {_EXAMPLE}")
    known = {threshold.name: threshold for threshold in thresholds}
    threshold = known.get(name)
    if threshold is None:
        raise ValueError(f"no threshold {name!r}{one_of(name, list(known), what='there are')}")
    direction = threshold.limits.direction.value
    if word != direction:
        raise ValueError(f"{name} has {direction}, found {word!r}: write {name}:{direction}=…")
    unit = MEASURES[threshold.measure].unit
    first, last, width = (limit(unit, part.strip()) for part in (low, high, step))
    if first > last or not width:
        raise ValueError(f"expected the lower end first and a step above 0, found {ends!r}")
    count = (last - first) // width + 1
    if count > POINTS_AT_MOST:
        raise ValueError(
            f"expected at most {POINTS_AT_MOST} limits, found {count}: a wider step"
        )
    return Range(
        threshold=threshold, limits=tuple(first + number * width for number in range(count))
    )


def with_limit(threshold: Threshold, value: Fraction, name: str) -> Threshold:
    """Return *threshold* under another *name*, with *value* for a limit everywhere.

    ``clear`` keeps its share of the way to where all is well: 3m with a clear of 2m becomes
    6m with 4m, below 80% with a clear of 85% becomes below 90% with 92.5%. Overrides keep
    all but limits of their own; those that dates bring keep these, too.
    """
    return dataclasses.replace(
        threshold,
        name=name,
        limits=_moved(threshold.limits, value, _well(threshold)),
        overrides=tuple(_unlimited(override) for override in threshold.overrides),
    )


def _well(threshold: Threshold) -> int:
    """Return the value of the measure at which all is as well as can be, or nothing is."""
    share = MEASURES[threshold.measure].unit is Unit.RATIO
    return int(share and threshold.limits.direction is Direction.BELOW)


def _moved(limits: Limits, value: Fraction, well: int) -> Limits:
    clear = limits.clear
    if clear is not None:
        way = limits.limit - well
        clear = well + (clear - well) * (value - well) / way if way else value
    return dataclasses.replace(limits, limit=value, clear=clear)


def _unlimited(override: Override) -> Override:
    if override.during is not None:
        return override
    return dataclasses.replace(override, direction=None, limit=None, clear=None)


def sweeps_of(
    wanted: Range,
    episodes: Sequence[Sequence[Episode]],
    subjects: Sequence[Subject],
    *,
    since: Micros,
    until: Micros,
    days: Fraction,
) -> tuple[Sweep, ...]:
    """Return the curve of all *subjects* together, then that of each of several.

    *episodes* are those of each limit of *wanted*, in its order; *days* are those of the
    span of which something is known.
    """
    rules = [rule for one in subjects if (rule := wanted.threshold.rule_for(one)) is not None]
    parts = [rules] + ([[rule] for rule in rules] if len(rules) > 1 else [])
    return tuple(
        _sweep(wanted, episodes, part, since=since, until=until, days=days)
        for part in parts
        if part
    )


def _sweep(
    wanted: Range,
    episodes: Sequence[Sequence[Episode]],
    rules: Sequence[Rule],
    *,
    since: Micros,
    until: Micros,
    days: Fraction,
) -> Sweep:
    subjects = tuple(rule.subject for rule in rules)
    limits = {rule.base.limit for rule in rules}
    return Sweep(
        threshold=wanted.threshold,
        subjects=subjects,
        direction=wanted.threshold.limits.direction,
        present=limits.pop() if len(limits) == 1 else wanted.threshold.limits.limit,
        days=days,
        points=tuple(
            _point(value, [one for one in found if one.subject in subjects], since, until)
            for value, found in zip(wanted.limits, episodes, strict=True)
        ),
    )


def _point(
    value: Fraction, episodes: Iterable[Episode], since: Micros, until: Micros
) -> SweepPoint:
    found = list(episodes)
    return SweepPoint(
        limit=value,
        episodes=len(found),
        calls=sum(since <= call.at <= until for one in found for call in one.calls),
        brief=sum(one.is_brief for one in found),
        again=len(fired_again(found)),
        lasted=sum(one.lasted(until) - max(since - one.fired_at, 0) for one in found),
    )
