"""What a configuration comes to, in sentences: the text of ``callmon check``."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from callmon.calendars import Calendar
from callmon.clock import SECOND, Micros
from callmon.config.said import Said
from callmon.config.settings import Config
from callmon.config.texts import TEXTS, say
from callmon.config.values import certainty, format_duration, format_limit
from callmon.measures import MEASURES, Unit
from callmon.queues import GroupSettings, QueueSettings
from callmon.rules import Direction, Limits, Rule, Subject, SubjectKind, Threshold
from callmon.wording import SEVERITIES, Language

__all__ = ["explain", "holiday_gaps", "missing_holidays", "summary", "unlisted_queue"]

_OTHERS = "any other queue"
_DECEMBER = 12
"""Make-up days of the next year are decreed in November."""


def summary(config: Config, language: Language = Language.ENGLISH) -> str:
    """Return a line that says what was read."""
    counts = {
        "feed": len(config.feeds),
        "queue": len(config.queues),
        "group": len(config.groups),
        "threshold": len(config.thresholds),
        "calendar": len(config.calendars),
        "alertmanager": len(config.alertmanagers),
    }
    texts = TEXTS[language]
    return texts["comma"].join(
        texts[_form(noun, count)].format(count=count) for noun, count in counts.items()
    )


def holiday_gaps(config: Config, now: Micros) -> list[str]:
    """Return a warning for each calendar whose holidays are not all known yet."""
    found = ((name, missing_holidays(one, now)) for name, one in config.calendars.items())
    return [f"calendar {name}: {gap}" for name, gap in found if gap is not None]


def missing_holidays(calendar: Calendar, now: Micros) -> Said | None:
    """Return which holidays of *calendar* are not known yet, and what to do; None: all are."""
    today = datetime.fromtimestamp(now / SECOND, UTC)
    years = [today.year, today.year + 1] if today.month == _DECEMBER else [today.year]
    missing = [str(year) for year in years if not calendar.has_year_data(year)]
    if not missing:
        return None
    listed = Said.of(*(TEXTS[language]["and"].join(missing) for language in Language))
    return say("holidays", country=calendar.spec.holidays, years=listed)


def explain(
    config: Config, subject: str | None = None, language: Language = Language.ENGLISH
) -> list[str]:
    """Return what the thresholds come to for each queue and group, after overrides.

    Args:
        config: the configuration.
        subject: only the queue or group of this name; a queue that is not configured is
            explained with the defaults.
        language: of the sentences; names of keys and values are those of the files.
    """
    settings: Iterable[QueueSettings | GroupSettings] = (*config.queues, *config.groups)
    if subject is not None:
        settings = [one for one in settings if one.name == subject] or [
            unlisted_queue(config, subject)
        ]
    else:
        settings = (*settings, unlisted_queue(config, _OTHERS))
    lines: list[str] = []
    for one in settings:
        lines.extend(_Teller(config, language).lines(one))
        lines.append("")
    return lines[:-1]


def unlisted_queue(config: Config, name: str) -> QueueSettings:
    """Return what would hold for the queue *name*, that is not configured."""
    return QueueSettings(
        name=name,
        labels=config.default_labels,
        timezone=config.default_timezone,
        targets=config.default_targets,
    )


class _Teller:
    """Tells what a configuration comes to in one language."""

    def __init__(self, config: Config, language: Language) -> None:
        self._config = config
        self._language = language

    def lines(self, settings: QueueSettings | GroupSettings) -> Iterator[str]:
        """Yield what holds for a queue or group."""
        is_group = isinstance(settings, GroupSettings)
        kind = SubjectKind.GROUP if is_group else SubjectKind.QUEUE
        key = "other" if settings.name == _OTHERS else f"a_{kind}"
        title = self._say(key, name=settings.name)
        labels = "".join(f" {label}={value}" for label, value in settings.labels.items())
        yield f"{title}{self._origins(settings)}{labels}"
        yield f"  {self._service_level(settings)}"
        subject = Subject(kind=kind, name=settings.name, labels=settings.labels)
        rules = [rule for one in self._config.thresholds if (rule := one.rule_for(subject))]
        for rule in rules:
            yield from self._rule(rule)
        if not rules:
            yield f"  {self._say('unwatched')}"

    def _say(self, key: str, **values: object) -> str:
        return TEXTS[self._language][key].format(**values)

    def _origins(self, settings: QueueSettings | GroupSettings) -> str:
        if isinstance(settings, GroupSettings):
            return self._say("members", queues=self._say("between").join(settings.queues))
        names = [
            name if source == "*" else self._say("origin", name=name, source=source)
            for source, name in settings.origins
        ]
        return self._say("origins", names=self._say("between").join(names)) if names else ""

    def _service_level(self, settings: QueueSettings | GroupSettings) -> str:
        targets = settings.targets
        short = format_duration(targets.short_abandon)
        key = "short_abandon" if targets.short_abandon else "no_short_abandon"
        return self._say(
            "service_level",
            within=format_duration(targets.within),
            formula=targets.formula,
            overflow=targets.overflow,
            short=self._say(key, length=short),
            zone=settings.timezone,
        )

    def _rule(self, rule: Rule) -> Iterator[str]:
        threshold = rule.threshold
        measure = threshold.measure
        if threshold.window:
            measure = self._say("over", measure=measure, window=threshold.window)
        severities = SEVERITIES[self._language]
        steps = "".join(
            self._say(
                "step", severity=severities[step.severity], after=format_duration(step.after)
            )
            for step in threshold.escalate
        )
        said_of = self._say(
            "rule",
            name=threshold.name,
            severity=severities[threshold.severity],
            measure=measure,
            sentence=self._sentence(threshold, rule.limits_while(None)),
            steps=steps,
        )
        yield f"  {said_of}"
        for override in rule.overrides:
            if override.during is not None:
                sentence = self._sentence(threshold, rule.limits_while(override))
                line = self._say("during", name=override.during.name, sentence=sentence)
                yield f"    {line}"

    def _sentence(self, threshold: Threshold, limits: Limits) -> str:
        return self._say("comma").join(self._conditions(threshold, limits))

    def _conditions(self, threshold: Threshold, limits: Limits) -> Iterator[str]:
        measure = MEASURES[threshold.measure]
        unit = measure.unit
        limit = format_limit(unit, limits.limit)
        if unit in (Unit.CONTACTS, Unit.AGENTS):
            limit = self._say(unit.value, limit=limit)
        yield self._say(limits.direction.value, limit=limit)
        if limits.hold:
            yield self._say("hold", hold=format_duration(limits.hold))
        if limits.at_least:
            key = "at_least_agents" if measure.base_unit else "at_least"
            yield self._say(key, at_least=limits.at_least)
        if limits.confidence is not None:
            yield self._say("sure", level=f"{certainty(limits.confidence):.3g}%")
        if limits.active is not None:
            yield self._say("active", name=limits.active.name)
        if limits.clear is not None:
            key = "ends_past" if limits.direction is Direction.BELOW else "ends_below"
            yield self._say(key, clear=format_limit(unit, limits.clear))
        if limits.keep:
            yield self._say("keep", keep=format_duration(limits.keep))


def _form(noun: str, count: int) -> str:
    """Return the key for so many of *noun*."""
    if not count:
        return f"no_{noun}"
    return noun if count == 1 else f"{noun}s"
