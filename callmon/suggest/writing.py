"""thresholds.yml with the suggested limits: only these change, everything else stays."""

import dataclasses
import datetime as dt
import glob
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from callmon.config.edit import EditError, commented, holds, replaced, with_item, with_key
from callmon.config.nodes import Data, Loc
from callmon.config.values import format_limit
from callmon.errors import CallmonError
from callmon.measures import MEASURES
from callmon.rules import Limits, SubjectKind, Threshold
from callmon.suggest.findings import Finding
from callmon.suggest.report import limit_text, rate_text
from callmon.suggest.texts import TEXTS
from callmon.suggest.trying import candidate, undated
from callmon.wording import Language

__all__ = ["WritingError", "not_as_meant", "rewritten"]

_NAMED = 3
"""Queues of which a comment tells the rates one by one."""


_FIRST_WORDS = frozenset(texts["comment"].partition(" ")[0] for texts in TEXTS.values())
"""Comments that begin so are of former suggestions, in whichever language."""


class WritingError(CallmonError):
    """A limit cannot be written into the file; it must be changed by hand."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a limit stands: a threshold, or one of its overrides."""

    threshold: int
    override: int | None

    @property
    def loc(self) -> Loc:
        """Return where it stands in the file."""
        base: Loc = ("thresholds", self.threshold)
        return base if self.override is None else (*base, "overrides", self.override)


@dataclasses.dataclass(frozen=True, slots=True)
class _Note:
    """What comments say of all suggestions of one day."""

    day: dt.date
    language: Language

    def of(self, findings: Sequence[Finding]) -> str:
        """Return what a line says about the limit below it."""
        texts = TEXTS[self.language]
        names = [one.subject.name for one in findings]
        would = [one.whole.a_week(one.choice.fired) for one in findings if one.choice]
        now = [one.whole.a_week(one.present.fired) for one in findings]
        was = sorted({limit_text(one, one.limits.limit) for one in findings})
        return texts["comment"].format(
            day=self.day,
            days=max(one.days for one in findings),
            would=self._rates(would, names),
            was=texts["and"].join(was),
            now=self._rates(now, []),
        )

    def _rates(self, rates: Sequence[float], names: Sequence[str]) -> str:
        """Return the rates one by one while they are few, else the least and the greatest."""
        texts = TEXTS[self.language]
        if len(rates) == 1 or (not names and len(rates) <= _NAMED):
            return texts["comma"].join(map(rate_text, rates))
        if len(rates) <= _NAMED:
            pairs = zip(names, rates, strict=True)
            return texts["comma"].join(f"{name} {rate_text(rate)}" for name, rate in pairs)
        least, most = rate_text(min(rates)), rate_text(max(rates))
        return texts["range"].format(least=least, most=most)


def rewritten(
    text: str,
    findings: Sequence[Finding],
    names: Sequence[str],
    day: dt.date,
    *,
    whole: bool,
    language: Language = Language.ENGLISH,
) -> str:
    """Return *text* with the suggested limits, each with a comment that says why.

    Args:
        text: thresholds.yml.
        findings: what was found, of all its thresholds or of some.
        names: of the thresholds in the file, in its order.
        day: of the suggestion.
        whole: whether all queues were looked at: only then a limit that holds for queues
            without a name changes.
        language: of the comments.

    Raises:
        WritingError: the file is written so that a limit cannot be changed by itself.
    """
    note = _Note(day, language)
    by_place: dict[tuple[int, int], list[Finding]] = defaultdict(list)
    for one in findings:
        by_place[names.index(one.threshold.name), _deciding(one)].append(one)
    # From behind: what is put in moves nothing that is still to come.
    try:
        for (position, override), mine in sorted(by_place.items(), reverse=True):
            place = _Place(threshold=position, override=None if override < 0 else override)
            text = _with_limits(text, place, mine, note, whole=whole)
    except EditError as error:
        raise WritingError(f"cannot write the suggestions: {error}") from error
    return text


def not_as_meant(
    thresholds: Iterable[Threshold], findings: Iterable[Finding]
) -> Iterator[Finding]:
    """Yield the findings that *thresholds*, read from the new text, do not follow."""
    by_name = {one.name: one for one in thresholds}
    for one in findings:
        limits = undated(by_name[one.threshold.name], one.subject)
        if limits != _wanted(one):
            yield one


def _wanted(one: Finding) -> Limits:
    if one.choice is None or not one.changes:
        return one.limits
    return undated(candidate(one.threshold, one.choice.limit), one.subject)


def _deciding(one: Finding) -> int:
    """Return the position of the override whose limit holds; -1: the threshold's own."""
    found = -1
    for position, override in enumerate(one.threshold.overrides):
        selected = override.select is None or override.select.matches(one.subject)
        if override.during is None and override.limit is not None and selected:
            found = position
    return found


def _with_limits(
    text: str, place: _Place, findings: Sequence[Finding], note: _Note, *, whole: bool
) -> str:
    """Return *text* with the limits of those for whom what stands at *place* decides."""
    by_limit: dict[Fraction, list[Finding]] = defaultdict(list)
    for one in findings:
        by_limit[_wanted(one).limit].append(one)
    common = None
    if whole and all(one.changes for one in findings):
        # Most of them; of equally many, the limit that fires least.
        common = max(
            by_limit, key=lambda limit: (len(by_limit[limit]), -_rank(findings[0], limit))
        )
    others = [
        mine for limit, mine in sorted(by_limit.items()) if limit != common and mine[0].changes
    ]
    for mine in reversed(_split(others)):
        text = _with_override(text, place, mine, note)
    if common is not None:
        text = _with_limit(text, place, by_limit[common], note)
    return text


def _rank(one: Finding, limit: Fraction) -> int:
    return [rung.limit for rung in one.rungs].index(limit)


def _split(groups: Iterable[Sequence[Finding]]) -> list[Sequence[Finding]]:
    """Return *groups*, each divided by what its clear is going to be."""
    found: list[Sequence[Finding]] = []
    for mine in groups:
        by_clear: dict[Fraction | None, list[Finding]] = defaultdict(list)
        for one in mine:
            by_clear[_wanted(one).clear].append(one)
        found.extend(by_clear.values())
    return found


def _with_limit(text: str, place: _Place, findings: Sequence[Finding], note: _Note) -> str:
    """Return *text* with the limit at *place* replaced, and what hangs on it."""
    one = findings[0]
    threshold, wanted = one.threshold, _wanted(one)
    moved = candidate(threshold, wanted.limit)
    loc = (*place.loc, wanted.direction.value)
    text = replaced(text, loc, limit_text(one, wanted.limit))
    own = threshold.limits if place.override is None else threshold.overrides[place.override]
    new = moved.limits if place.override is None else moved.overrides[place.override]
    if own.clear is not None and new.clear is not None:
        text = replaced(text, (*place.loc, "clear"), limit_text(one, new.clear))
    if place.override is None:
        text = _with_lone_clears(text, place, threshold, moved)
    return commented(text, loc, note.of(findings), _FIRST_WORDS)


def _with_lone_clears(text: str, place: _Place, old: Threshold, new: Threshold) -> str:
    """Return *text* with the clears that overrides set beside the threshold's own limit."""
    unit = MEASURES[old.measure].unit
    for position, (before, after) in enumerate(zip(old.overrides, new.overrides, strict=True)):
        if before.limit is None and before.during is None and after.clear is not None:
            loc = (*place.loc, "overrides", position, "clear")
            text = replaced(text, loc, format_limit(unit, after.clear))
    return text


def _with_override(text: str, place: _Place, findings: Sequence[Finding], note: _Note) -> str:
    """Return *text* with an override for the subjects of *findings*."""
    one = findings[0]
    wanted = _wanted(one)
    override: dict[str, Data] = {
        **_selection(findings),
        wanted.direction.value: limit_text(one, wanted.limit),
    }
    if wanted.clear is not None:
        override["clear"] = limit_text(one, wanted.clear)
    base: Loc = ("thresholds", place.threshold)
    position = 0 if place.override is None else place.override + 1
    if holds(text, (*base, "overrides")):
        text = with_item(text, (*base, "overrides"), position, override)
    else:
        text = with_key(text, base, "overrides", [override])
    return commented(text, (*base, "overrides", position), note.of(findings), _FIRST_WORDS)


def _selection(findings: Iterable[Finding]) -> dict[str, Data]:
    """Return the keys that select the subjects of *findings*, and nobody else."""
    found: dict[str, list[Data]] = {}
    for one in findings:
        key = "queues" if one.subject.kind is SubjectKind.QUEUE else "groups"
        # Names are patterns there, and a $ begins a variable.
        name = glob.escape(one.subject.name).replace("$", "$$")
        found.setdefault(key, []).append(name)
    return {key: list(names) for key, names in found.items()}
