"""Overrides and thresholds that make no difference, and the reason.

An override is said to have no effect only when that is certain: for everybody it selects,
queues that may turn up included, and whichever of the calendars are open.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from callmon.config import Config
from callmon.config.problems import Level
from callmon.config.said import Said
from callmon.rules import Direction, Limits, Threshold
from callmon.sense.subjects import Case, cases_of
from callmon.sense.texts import TEXTS, say
from callmon.wording import Language

if TYPE_CHECKING:
    from callmon.config.nodes import Document

__all__ = ["idle_overrides", "warn_of_overrides", "warn_of_twins"]

MAX_CALENDARS = 8
"""Each doubles the combinations that are tried; a threshold has one or two."""


def warn_of_overrides(config: Config, document: "Document") -> None:
    """Warn of overrides that change nothing for anybody."""
    for place, threshold in enumerate(config.thresholds):
        for position, why in idle_overrides(config, threshold):
            loc = ("thresholds", place, "overrides", position)
            document.warn(loc, _message(document, (place, position), why), key=True)


def idle_overrides(
    config: Config, threshold: Threshold
) -> Iterator[tuple[int, tuple[int, ...] | None]]:
    """Yield positions of overrides without effect, each with its reason.

    The reason is the positions of those that overwrite it, none when it says what holds
    anyway, None when it selects nobody.
    """
    if not threshold.overrides:
        return
    cases = cases_of(config, threshold)
    names = {o.during.name for o in threshold.overrides if o.during is not None}
    if cases is None or len(names) > MAX_CALENDARS:
        return
    for position in range(len(threshold.overrides)):
        mine = [case for case in cases if position in case.overrides]
        if not mine:
            yield position, None
        elif not _differs(threshold, mine, position, names):
            yield position, _reason(threshold, mine, position, names)


def _differs(
    threshold: Threshold, cases: Sequence[Case], position: int, names: set[str]
) -> bool:
    return any(
        _limits(threshold, case.overrides, opened)
        != _limits(threshold, [one for one in case.overrides if one != position], opened)
        for case in cases
        for opened in _openings(names)
    )


def _reason(
    threshold: Threshold, cases: Sequence[Case], position: int, names: set[str]
) -> tuple[int, ...]:
    """Return the later overrides that overwrite this one together; none: nobody needs to."""
    later = range(position + 1, len(threshold.overrides))
    if not _differs(threshold, _without(cases, later), position, names):
        return ()
    needed = set(later)
    for other in later:
        if not _differs(
            threshold, _without(cases, set(later) - needed | {other}), position, names
        ):
            needed.discard(other)
    return tuple(sorted(needed))


def _without(cases: Sequence[Case], positions: Iterable[int]) -> list[Case]:
    gone = set(positions)
    return [
        dataclasses.replace(
            case, overrides=tuple(one for one in case.overrides if one not in gone)
        )
        for case in cases
    ]


def _openings(names: set[str]) -> Iterator[frozenset[str]]:
    """Yield every set of calendars that may be open at once, and some that cannot."""
    ordered = sorted(names)
    for taken in itertools.product((False, True), repeat=len(ordered)):
        yield frozenset(itertools.compress(ordered, taken))


def _limits(threshold: Threshold, positions: Sequence[int], opened: frozenset[str]) -> Limits:
    limits = threshold.limits
    for position in positions:
        override = threshold.overrides[position]
        if override.during is None or override.during.name in opened:
            limits = override.apply(limits)
    return limits


def _message(document: "Document", place: tuple[int, int], why: tuple[int, ...] | None) -> Said:
    if why is None:
        return say("override_of_nobody")
    if not why:
        return say("override_of_nothing")
    lines = [document.line_of(("thresholds", place[0], "overrides", one)) for one in why]
    if len(lines) == 1:
        return say("overwritten", line=lines[0])
    listed = Said.of(*(TEXTS[language]["and"].join(map(str, lines)) for language in Language))
    return say("overwritten_by", lines=listed)


def warn_of_twins(config: Config, document: "Document") -> None:
    """Warn of thresholds that fire together, so that everybody is told twice."""
    for place, threshold in enumerate(config.thresholds):
        for earlier in range(place):
            other = config.thresholds[earlier]
            found = _twins(other, threshold)
            if found is None:
                continue
            key, level = found
            line = document.line_of(("thresholds", earlier, "name"))
            text = say(key, other=other.name, line=line)
            document.warn(("thresholds", place, "name"), text, level=level)
            break


def _twins(first: Threshold, second: Threshold) -> tuple[str, Level] | None:
    """Return the key of what is to be said of two thresholds, and how bad it is."""
    if _subject_matter(first) != _subject_matter(second):
        return None
    same = first.limits == second.limits and first.overrides == second.overrides
    if same and first.severity is second.severity:
        return "twin", Level.WARNING
    if same:
        return "twin_but_severity", Level.WARNING
    for one, other, key in ((second, first, "after_other"), (first, second, "before_other")):
        if _within(one, other):
            return key, Level.INFO
    return None


def _subject_matter(threshold: Threshold) -> tuple[object, ...]:
    return threshold.measure, threshold.window, threshold.select, threshold.limits.direction


def _within(one: Threshold, other: Threshold) -> bool:
    """Tell whether *other* stands, as urgent, whenever *one* fires."""
    mine, its = one.limits, other.limits
    looser = its.limit <= mine.limit
    if mine.direction is Direction.BELOW:
        looser = its.limit >= mine.limit
    return (
        not one.overrides
        and not other.overrides
        and looser
        and its.hold <= mine.hold
        and its.at_least <= mine.at_least
        and its.confidence in {None, mine.confidence}
        and its.active in (None, mine.active)
        and other.severity.rank >= one.severity.rank
    )
