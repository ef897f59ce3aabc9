"""From the ``thresholds`` section of thresholds.yml to thresholds."""

import re
from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from callmon.calendars import Calendar
from callmon.clock import SECOND, Micros
from callmon.config.bounds import check_clear, check_reachable, read_limit
from callmon.config.calendars import calendar_called
from callmon.config.meant import measure_meant, narrow
from callmon.config.problems import asked, did_you_mean
from callmon.config.reading import is_pattern
from callmon.config.said import Said
from callmon.config.shifts import build_shifts
from callmon.config.texts import say
from callmon.measures import MEASURES, Measure, Unit
from callmon.rules import (
    Direction,
    Escalation,
    Limits,
    Override,
    Selector,
    Threshold,
)
from callmon.wording import template_labels, template_problems

if TYPE_CHECKING:
    from callmon.config.nodes import Loc
    from callmon.config.reading import Builder
    from callmon.config.settings import Config
    from callmon.config.threshold_sections import (
        LimitsSection,
        OverrideSection,
        ThresholdSection,
        ThresholdsFile,
    )

__all__ = ["RulesBuilder"]

DEFAULT_KEEP_LIVE: Micros = 120 * SECOND
"""A live measure jumps: without a pause each jump would be a notification."""
DEFAULT_AT_LEAST_RATIO = 20
"""One abandoned call of two is no 50 % worth waking for."""


_ANOTHER = "choose another, or use overrides for what differs"


class RulesBuilder:
    """Builds thresholds, and reports every mistake in them."""

    def __init__(
        self,
        builder: "Builder",
        file: "ThresholdsFile",
        calendars: Mapping[str, Calendar],
        config: "Config | None",
    ) -> None:
        """Take what thresholds may refer to; *config* None: callmon.yml is no help."""
        self._builder = builder
        self._document = builder.document
        self._file = file
        self._calendars = calendars
        self._config = config
        self._shifts = build_shifts(builder, file, calendars)

    def thresholds(self) -> tuple[Threshold, ...]:
        """Return the thresholds that are right, in file order."""
        built = []
        names: dict[str, int] = {}
        for position, section in enumerate(self._file.thresholds):
            loc: Loc = ("thresholds", position)
            threshold = self._threshold(loc, section)
            if section.name is not None:
                first = names.setdefault(section.name, position)
                if first != position:
                    line = self._document.marks["thresholds", first, "name"].line
                    message = (
                        f"duplicate name '{section.name}' (first at line {line}): {_ANOTHER}"
                    )
                    self._document.report((*loc, "name"), message)
            if threshold is not None and not self._document.wrong(*loc):
                built.append(threshold)
        return tuple(built)

    def _threshold(self, loc: "Loc", section: "ThresholdSection") -> Threshold | None:
        if section.name is None:
            self._builder.missing(loc, "name", "a unique name (name: long_wait)")
        measure = self._measure(loc, section)
        self._check_window(loc, section, measure)
        limits = self._limits(loc, section, measure)
        overrides = self._overrides(loc, section, measure, limits)
        escalate = self._escalations(loc, section)
        select = self._selector(loc, section) or Selector(queues=("*",))
        self._check_summary((*loc, "summary"), section.summary)
        self._check_summary((*loc, "summary_zh"), section.summary_zh)
        if section.name is None or measure is None or limits is None:
            return None
        return Threshold(
            name=section.name,
            measure=measure.name,
            window=section.window,
            severity=section.severity,
            select=select,
            limits=limits,
            overrides=overrides,
            escalate=escalate,
            summary=section.summary,
            summary_zh=section.summary_zh,
            runbook=section.runbook,
            shifts=self._shifts,
        )

    def _measure(self, loc: "Loc", section: "ThresholdSection") -> Measure | None:
        if section.measure is None:
            self._builder.missing(loc, "measure", "what is watched (measure: longest_wait)")
            return None
        measure = MEASURES.get(section.measure)
        if measure is None:
            meant = measure_meant(section.measure)
            hint = did_you_mean(meant or section.measure, MEASURES)
            hint = hint or f"; there are {', '.join(MEASURES)}"
            message = f"unknown measure '{section.measure}'{hint}"
            self._document.report((*loc, "measure"), message)
        return measure

    def _check_window(
        self, loc: "Loc", section: "ThresholdSection", measure: Measure | None
    ) -> None:
        if measure is None:
            return
        if measure.windowed and section.window is None:
            self._builder.missing(loc, "window", f"a window for {measure.name} (window: 15m)")
        elif not measure.windowed and section.window is not None:
            message = f"{measure.name} is live, it has no window: remove the line"
            self._document.report((*loc, "window"), message, key=True)

    def _limits(
        self, loc: "Loc", section: "LimitsSection", measure: Measure | None
    ) -> Limits | None:
        direction, bound, clear = self._bounds(loc, section, measure)
        if direction is None and not self._broken_bounds(loc):
            message = "expected one of above: and below:, found neither"
            self._document.report(loc, message, key=True)
        active = self._calendar((*loc, "active"), section.active)
        self._check_guards(loc, section, measure)
        if measure is None or direction is None or bound is None:
            return None
        at_least = section.at_least
        if at_least is None:
            at_least = DEFAULT_AT_LEAST_RATIO if measure.unit is Unit.RATIO else 0
        keep = section.keep
        if keep is None:
            keep = 0 if measure.windowed else DEFAULT_KEEP_LIVE
        return Limits(
            direction=direction,
            limit=bound,
            clear=clear,
            hold=section.hold or 0,
            keep=keep,
            at_least=at_least,
            confidence=section.confidence,
            active=active,
        )

    def _broken_bounds(self, loc: "Loc") -> bool:
        broken = self._document.wrong(*loc, "above") or self._document.wrong(*loc, "below")
        return broken or self._document.not_a_mapping(loc)

    def _bounds(
        self, loc: "Loc", section: "LimitsSection", measure: Measure | None
    ) -> tuple[Direction | None, Fraction | None, Fraction | None]:
        """Return direction, limit and clear as far as the section gives them."""
        if section.above is not None and section.below is not None:
            message = "expected one of above: and below:, found both"
            self._document.report((*loc, "below"), message, key=True)
        direction, text = None, None
        if section.above is not None:
            direction, text = Direction.ABOVE, section.above
        elif section.below is not None:
            direction, text = Direction.BELOW, section.below
        if measure is None:
            return direction, None, None
        bound = clear = None
        if direction is not None and text is not None:
            bound = read_limit(self._builder, (*loc, direction.value), measure, text)
            if bound is not None:
                check_reachable(
                    self._document, (*loc, direction.value), measure, direction, bound
                )
        if section.clear is not None:
            clear = read_limit(self._builder, (*loc, "clear"), measure, section.clear)
        if direction is not None and bound is not None and clear is not None:
            check_clear(self._document, (*loc, "clear"), measure, (direction, bound), clear)
        return direction, bound, clear

    def _check_guards(
        self, loc: "Loc", section: "LimitsSection", measure: Measure | None
    ) -> None:
        if measure is None:
            return
        if section.at_least is not None and not measure.windowed:
            message = (
                f"at_least counts contacts in a window, and {measure.name} is live: remove it"
            )
            self._document.report((*loc, "at_least"), message, key=True)
        if section.confidence is not None and (
            measure.unit is not Unit.RATIO or measure.base_unit
        ):
            message = (
                f"confidence is for shares of contacts, and {measure.name} is none: remove it"
            )
            self._document.report((*loc, "confidence"), message, key=True)

    def _calendar(self, loc: "Loc", name: str | None) -> Calendar | None:
        if name is None:
            return None
        return calendar_called(self._builder, self._file, self._calendars, (loc, name))

    def _overrides(
        self,
        loc: "Loc",
        section: "ThresholdSection",
        measure: Measure | None,
        base: Limits | None,
    ) -> tuple[Override, ...]:
        built: list[Override] = []
        for position, given in enumerate(section.overrides):
            place: Loc = (*loc, "overrides", position)
            override = self._override(place, given, measure)
            if given.clear is not None and override.limit is None and base is not None:
                self._check_lone_clear(place, override, base, built, measure)
            built.append(override)
        return tuple(built)

    def _override(
        self, loc: "Loc", section: "OverrideSection", measure: Measure | None
    ) -> Override:
        direction, bound, clear = self._bounds(loc, section, measure)
        self._check_guards(loc, section, measure)
        override = Override(
            select=self._selector(loc, section),
            during=self._calendar((*loc, "during"), section.during),
            direction=direction,
            limit=bound,
            clear=clear,
            hold=section.hold,
            keep=section.keep,
            at_least=section.at_least,
            confidence=section.confidence,
            active=self._calendar((*loc, "active"), section.active),
        )
        self._check_override(loc, section)
        return override

    def _check_override(self, loc: "Loc", section: "OverrideSection") -> None:
        if self._document.wrong(*loc):
            return
        given = section.model_fields_set
        if not given & {"queues", "groups", "where", "during"}:
            message = "expected queues, groups, where or during: for whom or when it differs"
            self._document.report(loc, f"{message}, found none", key=True)
        elif not given - {"queues", "groups", "where", "during"}:
            message = "expected something that differs, such as above: 30%, found nothing"
            self._document.report(loc, message, key=True)

    def _check_lone_clear(
        self,
        loc: "Loc",
        override: Override,
        base: Limits,
        earlier: list[Override],
        measure: Measure | None,
    ) -> None:
        """Hold a clear against the limit it will meet, which an earlier override may set."""
        if any(other.limit is not None for other in earlier):
            message = (
                "expected above: or below: beside clear:, for other overrides set them, too"
            )
            self._document.report((*loc, "clear"), f"{message}, found clear alone", key=True)
        elif measure is not None and override.clear is not None:
            bound = (base.direction, base.limit)
            check_clear(self._document, (*loc, "clear"), measure, bound, override.clear)

    def _escalations(self, loc: "Loc", section: "ThresholdSection") -> tuple[Escalation, ...]:
        steps = []
        for position, given in enumerate(section.escalate):
            place: Loc = (*loc, "escalate", position)
            if given.after is None:
                self._builder.missing(place, "after", "how long after it fired (after: 5m)")
            elif given.after == 0:
                message = "expected a duration above 0, or set the threshold's severity"
                self._document.report((*place, "after"), f"{message}, found 0")
            if given.severity is None:
                self._builder.missing(place, "severity", "a severity (severity: critical)")
            if given.after and given.severity is not None:
                steps.append((given.after, position, given.severity))
        steps.sort(key=lambda step: step[:2])
        before = section.severity
        for _, position, severity in steps:
            if severity.rank <= before.rank:
                message = f"expected a severity above {before}, found '{severity}'"
                self._document.report((*loc, "escalate", position, "severity"), message)
            before = severity
        return tuple(Escalation(after=after, severity=severity) for after, _, severity in steps)

    def _selector(self, loc: "Loc", section: "LimitsSection") -> Selector | None:
        """Return whom the section names; None when it names nobody in particular."""
        queues = _wildcards(section.queues)
        groups = _wildcards(section.groups)
        self._check_queues((*loc, "queues"), queues)
        self._check_groups((*loc, "groups"), groups)
        self._check_where((*loc, "where"), section.where)
        if not queues and not groups:
            if not section.where:
                return None
            everyone = ("*",) if "overrides" in loc else ()
            return Selector(queues=("*",), groups=everyone, where=dict(section.where))
        return Selector(queues=queues, groups=groups, where=dict(section.where))

    def _check_queues(self, loc: "Loc", names: Iterable[str]) -> None:
        if self._config is None or not self._config.queues:
            return
        known = [queue.name for queue in self._config.queues]
        for position, name in enumerate(names):
            if name not in known and not is_pattern(name):
                place = (*loc, position) if self._document.has(*loc, position) else loc
                self._document.warn(place, _unlisted(name, known))

    def _check_groups(self, loc: "Loc", names: Iterable[str]) -> None:
        if self._config is None:
            return
        known = [group.name for group in self._config.groups]
        for position, name in enumerate(names):
            if not is_pattern(name):
                place = (*loc, position) if self._document.has(*loc, position) else loc
                self._builder.known(place, name, known, "group")

    def _check_where(self, loc: "Loc", where: Mapping[str, str]) -> None:
        if self._config is None:
            return
        labelled = [queue.labels for queue in self._config.queues]
        labelled += [group.labels for group in self._config.groups]
        for label, value in where.items():
            if not self._builder.known((*loc, label), label, self._config.label_names, "label"):
                continue
            values = {labels.get(label) for labels in labelled}
            values.add(self._config.default_labels.get(label))
            if value not in values:
                known = sorted(given for given in values if given is not None)
                hint = did_you_mean(value, known)
                message = say("no_label", label=label, value=value, hint=hint)
                self._document.warn((*loc, label), message)

    def _check_summary(self, loc: "Loc", summary: str | None) -> None:
        if summary is None:
            return
        problems = template_problems(summary)
        for problem in problems:
            self._document.report(loc, problem)
        if not problems and self._config is not None:
            for label in template_labels(summary):
                self._builder.known(loc, label, self._config.label_names, "label")


def _unlisted(name: str, known: Collection[str]) -> Said:
    """Return what may be wrong with the name of a queue that is not listed."""
    narrowed = narrow(name)
    if narrowed != name:
        return say("unlisted_wide", name=name, hint=asked(narrowed))
    parts = re.split(r"[,\s]+", name)
    if "," in name or (len(parts) > 1 and set(parts) <= set(known)):
        return say("unlisted_several", name=name, names=", ".join(parts))
    key = "unlisted" if name == name.casefold() else "unlisted_capital"
    return say(key, name=name, hint=did_you_mean(name, known))


def _wildcards(names: list[str] | None) -> tuple[str, ...]:
    return tuple("*" if name == "all" else name for name in names or ())
