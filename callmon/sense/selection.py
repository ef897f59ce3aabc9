"""Thresholds that are for nobody, and names that match nobody."""

from typing import TYPE_CHECKING

from callmon.config import Config
from callmon.config.problems import did_you_mean
from callmon.config.reading import is_pattern
from callmon.config.said import Said
from callmon.rules import Selector, Subject, SubjectKind
from callmon.sense.subjects import cases_of, configured
from callmon.sense.texts import say

if TYPE_CHECKING:
    from callmon.config.nodes import Document, Loc

__all__ = ["warn_of_selection"]


def warn_of_selection(config: Config, document: "Document") -> None:
    """Warn of thresholds that select nobody, and of patterns that match nobody listed."""
    subjects = list(configured(config))
    for place, threshold in enumerate(config.thresholds):
        loc: Loc = ("thresholds", place)
        everybody = "*" in threshold.select.queues and not threshold.select.where
        if not everybody and cases_of(config, threshold) == []:
            document.warn(loc, _nobody(threshold.select, subjects), key=True)
            continue
        _check_patterns(document, loc, threshold.select, subjects)
        for position, override in enumerate(threshold.overrides):
            if override.select is not None:
                below = (*loc, "overrides", position)
                _check_patterns(document, below, override.select, subjects)


def _nobody(select: Selector, subjects: list[Subject]) -> Said:
    """Return why *select* takes nobody, neither now nor later."""
    named = Selector(queues=select.queues, groups=select.groups)
    mine = [subject.name for subject in subjects if named.matches(subject)]
    labels = ", ".join(f"{label} '{value}'" for label, value in select.where.items())
    if mine:
        shown = ", ".join(mine[:3]) + (", …" if len(mine) > 3 else "")  # noqa: PLR2004 - a few
        return say("for_none_of", shown=shown, labels=labels)
    return say("for_no_label", labels=labels) if labels else say("for_no_group")


def _check_patterns(
    document: "Document", loc: "Loc", select: Selector, subjects: list[Subject]
) -> None:
    for kind, key, names in (
        (SubjectKind.QUEUE, "queues", select.queues),
        (SubjectKind.GROUP, "groups", select.groups),
    ):
        known = [subject.name for subject in subjects if subject.kind is kind]
        for position, name in enumerate(names):
            place = (*loc, key, position) if document.has(*loc, key, position) else (*loc, key)
            if not is_pattern(name) or not document.has(*loc, key):
                continue
            message = _unmatched(kind, name, known)
            if message is not None:
                document.warn(place, message)


def _unmatched(kind: SubjectKind, name: str, known: list[str]) -> Said | None:
    """Return what is wrong with a pattern; None when it matches somebody, or may."""
    alone = Selector(queues=(name,), groups=(name,))
    if any(alone.matches(Subject(kind=kind, name=one)) for one in known):
        return None
    if name == "*" or (kind is SubjectKind.QUEUE and not known):
        return None  # all that there are, and queues turn up by themselves
    if kind is SubjectKind.GROUP:
        return say("no_such_group", name=name)
    hint = did_you_mean(name.replace("*", ""), known)
    return say("no_such_queue", name=name, hint=hint)
