"""Everybody a threshold can be about: those configured, and those that may turn up.

A queue that is not listed is opened when its first call comes, by any name. What such a queue
may be is told by the patterns of the file alone: each either matches its name or does not.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

from callmon.config import Config
from callmon.config.reading import is_pattern
from callmon.rules import Override, Selector, Subject, SubjectKind, Threshold

__all__ = ["Case", "cases_of", "configured", "unlisted"]

MAX_PATTERNS = 8
"""Each doubles what an unlisted queue may be; files have two or three."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to be selected: a subject, or a queue that may turn up."""

    subject: Subject | None  #: None: some queue that is not listed, of no known name
    overrides: tuple[int, ...]  #: positions of those that select it


def configured(config: Config) -> Iterator[Subject]:
    """Yield the queues and groups that are configured."""
    for queue in config.queues:
        yield Subject(kind=SubjectKind.QUEUE, name=queue.name, labels=queue.labels)
    for group in config.groups:
        yield Subject(kind=SubjectKind.GROUP, name=group.name, labels=group.labels)


def unlisted(config: Config, name: str) -> Subject:
    """Return the queue *name*, that is not configured."""
    return Subject(kind=SubjectKind.QUEUE, name=name, labels=config.default_labels)


def cases_of(config: Config, threshold: Threshold) -> list[Case] | None:
    """Return every way to be selected by *threshold*, each once; None: too many to tell.

    Never too few: it may have some that no name can bring about.
    """
    chosen = [override.select for override in threshold.overrides]
    found: dict[tuple[int, ...], Case] = {}
    for subject in _named(config, [threshold.select, *chosen]):
        if threshold.select.matches(subject):
            mine = _matching(threshold.overrides, subject)
            found.setdefault(mine, Case(subject=subject, overrides=mine))
    patterns = _patterns([threshold.select, *chosen])
    if len(patterns) > MAX_PATTERNS:
        return None
    for matched in _assignments(patterns):
        if not _selects(threshold.select, matched, config.default_labels):
            continue
        mine = tuple(
            position
            for position, select in enumerate(chosen)
            if select is None or _selects(select, matched, config.default_labels)
        )
        found.setdefault(mine, Case(subject=None, overrides=mine))
    return list(found.values())


def _named(config: Config, selectors: Sequence[Selector | None]) -> Iterator[Subject]:
    """Yield those configured, and the unlisted queues that a selector names."""
    known = set()
    for subject in configured(config):
        if subject.kind is SubjectKind.QUEUE:
            known.add(subject.name)
        yield subject
    for select in selectors:
        for name in select.queues if select is not None else ():
            if not is_pattern(name) and name not in known:
                known.add(name)
                yield unlisted(config, name)


def _matching(overrides: Sequence[Override], subject: Subject) -> tuple[int, ...]:
    return tuple(
        position
        for position, override in enumerate(overrides)
        if override.select is None or override.select.matches(subject)
    )


def _patterns(selectors: Sequence[Selector | None]) -> list[str]:
    names = {name for select in selectors if select is not None for name in select.queues}
    return sorted(name for name in names if is_pattern(name) and not _takes_all(name))


def _takes_all(pattern: str) -> bool:
    return set(pattern) == {"*"}


def _assignments(patterns: Sequence[str]) -> Iterator[frozenset[str]]:
    """Yield which patterns may match one name: any, but none that another rules out."""
    for taken in itertools.product((False, True), repeat=len(patterns)):
        matched = frozenset(itertools.compress(patterns, taken))
        if not any(_rules_out(one, other) for one, other in itertools.combinations(matched, 2)):
            yield matched


def _rules_out(one: str, other: str) -> bool:
    """Tell whether no name can match both, by how they begin."""
    first, second = (_beginning(pattern) for pattern in (one, other))
    return not (first.startswith(second) or second.startswith(first))


def _beginning(pattern: str) -> str:
    return "".join(itertools.takewhile(lambda char: char not in "*?[", pattern))


def _selects(select: Selector, matched: frozenset[str], labels: Mapping[str, str]) -> bool:
    """Tell whether *select* takes an unlisted queue whose name *matched* these patterns."""
    return any(name in matched or _takes_all(name) for name in select.queues) and all(
        labels.get(label) == value for label, value in select.where.items()
    )
