"""What would wake whom, and when: the thresholds of one queue or group in sentences."""

import re
from collections.abc import Iterator, Sequence

from callmon.calendars import Calendar
from callmon.clock import Micros
from callmon.config import Config
from callmon.config.check import unlisted_queue
from callmon.config.problems import nearest
from callmon.config.values import certainty
from callmon.measures import MEASURES, Measure
from callmon.queues import GroupSettings, QueueSettings
from callmon.rules import Direction, Limits, Override, Rule, Severity, Subject, SubjectKind
from callmon.sense.opening import hours_text
from callmon.sense.phrases import WORDS, clause
from callmon.sense.routing import Route, routes_of
from callmon.sense.stretches import YEAR, longest, on_duty, stretches, touches
from callmon.sinks.payload import ALERT_NAME
from callmon.wording import Language, format_duration, format_value, format_window

__all__ = ["told"]


def told(
    config: Config, name: str, root: Route | None, *, now: Micros, language: Language
) -> list[str]:
    """Return lines about the queue or group *name*.

    Args:
        config: the configuration.
        name: of a queue or group; a queue that is not configured has the defaults.
        root: the routing tree of the Alertmanager, when it is known.
        now: what was on dates before this is not told.
        language: of the sentences.
    """
    everybody: tuple[QueueSettings | GroupSettings, ...] = (*config.queues, *config.groups)
    settings = [one for one in everybody if one.name == name]
    lines: list[str] = []
    for one in settings or [unlisted_queue(config, name)]:
        if lines:
            lines.append("")
        lines += _Teller(config, one, root, now, language).lines(listed=bool(settings))
    return lines


class _Teller:
    """Tells of one subject."""

    def __init__(
        self,
        config: Config,
        settings: QueueSettings | GroupSettings,
        root: Route | None,
        now: Micros,
        language: Language,
    ) -> None:
        self._config = config
        self._settings = settings
        self._root = root
        self._now = now
        self._language = language
        kind = SubjectKind.GROUP if isinstance(settings, GroupSettings) else SubjectKind.QUEUE
        self._subject = Subject(kind=kind, name=settings.name, labels=settings.labels)

    def lines(self, *, listed: bool) -> Iterator[str]:
        """Yield everything."""
        yield self._title()
        if not listed:
            known = [one.name for one in self._config.queues]
            known += [one.name for one in self._config.groups]
            near = nearest(self._settings.name, known)
            yield f"  {self._say('unlisted')}{self._say('near', name=near) if near else ''}"
        for name, calendar in self._shifts():
            yield f"  {self._say('shift', name=name, hours=self._hours(calendar))}"
        rules = [r for one in self._config.thresholds if (r := one.rule_for(self._subject))]
        for rule in rules:
            yield ""
            yield from self._rule(rule)
        yield ""
        yield from self._rest(rules)

    def _say(self, key: str, **values: object) -> str:
        return WORDS[key][self._language].format(**values)

    def _title(self) -> str:
        members: tuple[str, ...] = ()
        if isinstance(self._settings, GroupSettings):
            members = self._settings.queues
        title = self._say(
            self._subject.kind.value,
            name=self._settings.name,
            members=self._say("between").join(members),
        )
        labels = " ".join(f"{name}={value}" for name, value in self._subject.labels.items())
        return f"{title}{f' {labels}' if labels else ''}"

    def _shifts(self) -> tuple[tuple[str, Calendar], ...]:
        return self._config.thresholds[0].shifts if self._config.thresholds else ()

    def _hours(self, calendar: Calendar) -> str:
        return hours_text(calendar, self._language, self._now)

    def _rule(self, rule: Rule) -> Iterator[str]:
        limits = rule.limits_while(None)
        name = f"{rule.threshold.name}{self._say('colon')}"
        yield f"  {name}{self._sentence(rule, limits)}{self._say('stop')}"
        guards = self._say("both").join(self._guards(MEASURES[rule.threshold.measure], limits))
        if guards:
            yield f"    {self._say('guards', guards=guards)}"
        yield f"    {self._active(limits)}"
        for step in rule.threshold.escalate:
            after = format_duration(step.after, self._language)
            severity = self._say(step.severity.value)
            yield f"    {self._say('escalates', after=after, severity=severity)}"
        yield f"    {self._end(rule, limits)}"
        for override in rule.overrides:
            if override.during is not None and longest(
                override.during, self._now, self._now + YEAR
            ):
                yield f"    {self._dated(rule, override)}"
        for severity in (
            rule.threshold.severity,
            *(s.severity for s in rule.threshold.escalate),
        ):
            yield from self._way(rule, limits, severity)

    def _sentence(self, rule: Rule, limits: Limits) -> str:
        threshold = rule.threshold
        measure = MEASURES[threshold.measure]
        window = format_window(threshold.window, self._language) if threshold.window else ""
        span = window if threshold.window == "today" else self._say("span", window=window)
        said = clause(measure.name, limits.direction, self._language).format(
            limit=format_value(measure.unit, limits.limit, self._language),
            target=format_duration(self._settings.targets.within, self._language),
            span=span,
        )
        key = "fires"
        if limits.hold:
            grows = measure.grows and limits.direction is Direction.ABOVE
            key = "grows_after" if grows else "fires_after"
        return self._say(
            key,
            severity=self._say(threshold.severity.value),
            clause=said,
            hold=format_duration(limits.hold, self._language),
        )

    def _guards(self, measure: Measure, limits: Limits) -> Iterator[str]:
        if limits.at_least:
            key = "at_least_agents" if measure.base_unit else "at_least"
            yield self._say(key, at_least=limits.at_least)
        if limits.confidence is not None:
            yield self._say("sure", level=f"{certainty(limits.confidence):.3g} %")

    def _end(self, rule: Rule, limits: Limits) -> str:
        unit = MEASURES[rule.threshold.measure].unit
        above = limits.direction is Direction.ABOVE
        if limits.clear is None:
            key, value = ("past_not_above" if above else "past_not_below"), limits.limit
        else:
            key, value = ("past_below" if above else "past_above"), limits.clear
        past = self._say(key, clear=format_value(unit, value, self._language))
        if limits.keep:
            keep = format_duration(limits.keep, self._language)
            said = self._say("ends_after", past=past, keep=keep)
        else:
            said = self._say("ends", past=past)
        closes = self._say("closes") if limits.active is not None else ""
        # Chinese has a blank between a bare number or a sign and what follows.
        return re.sub(r"(?<=[\d%])后", " 后", f"{said}{closes}{self._say('end_of_it')}")

    def _dated(self, rule: Rule, override: Override) -> str:
        limits = rule.limits_while(override)
        during = override.during
        hours = self._hours(during) if during is not None else ""
        name = during.name if during is not None else ""
        sentences = [f"{self._sentence(rule, limits)}{self._say('stop')}"]
        if limits.active != rule.limits_while(None).active:
            sentences.append(self._active(limits))
        sentences.append(self._end(rule, limits))
        gap = "" if self._language is Language.CHINESE else " "
        return self._say("during", name=name, hours=hours, sentences=gap.join(sentences))

    def _active(self, limits: Limits) -> str:
        if limits.active is None:
            return self._say("always")
        hours = self._hours(limits.active)
        return self._say("active", name=limits.active.name, hours=hours)

    def _listed(self, names: Sequence[str]) -> str:
        """Return ``a, b and c``."""
        last = self._say("and").join(names[-2:])
        return (
            ", ".join((*names[:-2], last))
            if self._language is Language.ENGLISH
            else (self._say("and").join(names))
        )

    def _way(self, rule: Rule, limits: Limits, severity: Severity) -> Iterator[str]:
        """Yield who is told of an alert of *severity*, in which shift."""
        if self._root is None:
            return
        ways: dict[tuple[str, ...], list[str]] = {}
        for shift in self._on_duty(limits):
            told = self._receivers(rule, severity, shift)
            when = self._say("in_shift" if shift else "no_shift", shift=shift)
            ways.setdefault(told, []).append(when)
        key = "to" if len(ways) == 1 else "to_when"
        listed = [
            self._say(
                key,
                receivers=self._listed(told),
                shifts=self._listed(whens),
            )
            for told, whens in ways.items()
        ]
        spoken = self._say(f"the_{severity.value}")
        spoken = spoken[:1].upper() + spoken[1:]
        said = self._say("goes", severity=spoken, ways=self._say("ways").join(listed))
        yield f"    {said}"

    def _receivers(self, rule: Rule, severity: Severity, shift: str | None) -> tuple[str, ...]:
        labels = {
            **self._config.alerting.external_labels,
            **self._subject.labels,
            self._subject.kind.value: self._subject.name,
            "alertname": ALERT_NAME,
            "threshold": rule.threshold.name,
            "severity": severity.value,
            "shift": shift or "",
        }
        labels = {name: value for name, value in labels.items() if value}
        routes = routes_of(self._root, labels) if self._root is not None else []
        return tuple(dict.fromkeys(route.receiver for route in routes))

    def _on_duty(self, limits: Limits) -> Iterator[str | None]:
        """Yield the shifts in which it can fire; None when nobody is on duty."""
        until = self._now + YEAR
        active = limits.active
        hours = None if active is None else stretches(active, self._now, until)
        duties = {
            shift
            for begin, end, shift in on_duty(self._shifts(), self._now, until)
            if hours is None or touches(hours, begin, end)
        }
        for name, _ in self._shifts():
            if name in duties:
                yield name
        if None in duties or not duties:
            yield None

    def _rest(self, rules: Sequence[Rule]) -> Iterator[str]:
        if not rules:
            yield f"  {self._say('nobody')}"
        bound: dict[str, list[str]] = {}
        for rule in rules:
            active = rule.limits_while(None).active
            if active is not None:
                bound.setdefault(active.name, []).append(rule.threshold.name)
        for name, thresholds in bound.items():
            yield f"  {self._say('quiet', name=name, thresholds=self._listed(thresholds))}"
        mine = {rule.threshold.name for rule in rules}
        others = [one.name for one in self._config.thresholds if one.name not in mine]
        if others:
            yield f"  {self._say('others', thresholds=self._listed(others))}"
        if not self._config.alertmanagers:
            yield f"  {self._say('unsent')}"
        elif self._root is None:
            yield f"  {self._say('unknown_way')}"
