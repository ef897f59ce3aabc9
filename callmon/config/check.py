"""What a configuration comes to, in sentences: the text of ``callmon check``."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from callmon.calendars import Calendar
from callmon.clock import SECOND, Micros
from callmon.config.settings import Config
from callmon.config.values import certainty, format_duration, format_limit
from callmon.measures import MEASURES, Unit
from callmon.queues import GroupSettings, QueueSettings
from callmon.rules import Limits, Rule, Subject, SubjectKind, Threshold

__all__ = ["explain", "holiday_gaps", "missing_holidays", "summary", "unlisted_queue"]

_OTHERS = "any other queue"
_DECEMBER = 12
"""Make-up days of the next year are decreed in November."""


def summary(config: Config) -> str:
    """Return a line that says what was read."""
    counts = {
        "feed": len(config.feeds),
        "queue": len(config.queues),
        "group": len(config.groups),
        "threshold": len(config.thresholds),
        "calendar": len(config.calendars),
        "Alertmanager": len(config.alertmanagers),
    }
    return ", ".join(_counted(count, noun) for noun, count in counts.items())


def holiday_gaps(config: Config, now: Micros) -> list[str]:
    """Return a warning for each calendar whose holidays are not all known yet."""
    found = ((name, missing_holidays(one, now)) for name, one in config.calendars.items())
    return [f"calendar {name}: {gap}" for name, gap in found if gap is not None]


def missing_holidays(calendar: Calendar, now: Micros) -> str | None:
    """Return which holidays of *calendar* are not known yet, and what to do; None: all are."""
    today = datetime.fromtimestamp(now / SECOND, UTC)
    years = [today.year, today.year + 1] if today.month == _DECEMBER else [today.year]
    missing = [str(year) for year in years if not calendar.has_year_data(year)]
    if not missing:
        return None
    return (
        f"the holidays of {calendar.spec.holidays} for {' and '.join(missing)} are not"
        " complete yet; update the package holidays, or list the dates under special:"
    )


def explain(config: Config, subject: str | None = None) -> list[str]:
    """Return what the thresholds come to for each queue and group, after overrides.

    Args:
        config: the configuration.
        subject: only the queue or group of this name; a queue that is not configured is
            explained with the defaults.
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
        lines.extend(_subject_lines(config, one))
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


def _subject_lines(config: Config, settings: QueueSettings | GroupSettings) -> Iterator[str]:
    is_group = isinstance(settings, GroupSettings)
    kind = SubjectKind.GROUP if is_group else SubjectKind.QUEUE
    title = settings.name if settings.name == _OTHERS else f"{kind} {settings.name}"
    yield f"{title}{_origins(settings)}{_labels(settings.labels)}"
    targets = settings.targets
    short = format_duration(targets.short_abandon)
    yield (
        f"  service level: answered within {format_duration(targets.within)},"
        f" {targets.formula}, overflow {targets.overflow};"
        f" {f'short abandon under {short}' if targets.short_abandon else 'no short abandons'};"
        f" today by {settings.timezone}"
    )
    subject = Subject(kind=kind, name=settings.name, labels=settings.labels)
    rules = [rule for one in config.thresholds if (rule := one.rule_for(subject))]
    for rule in rules:
        yield from _rule_lines(rule)
    if not rules:
        yield "  no threshold"


def _origins(settings: QueueSettings | GroupSettings) -> str:
    if isinstance(settings, GroupSettings):
        return f" (queues {', '.join(settings.queues)})"
    names = [
        name if source == "*" else f"{name} at {source}" for source, name in settings.origins
    ]
    return f" ({', '.join(names)})" if names else ""


def _labels(labels: Mapping[str, str]) -> str:
    return "".join(f" {label}={value}" for label, value in labels.items())


def _rule_lines(rule: Rule) -> Iterator[str]:
    threshold = rule.threshold
    window = f" over {threshold.window}" if threshold.window else ""
    measured = f"{threshold.measure}{window}"
    steps = "".join(
        f"; {step.severity} after {format_duration(step.after)} more"
        for step in threshold.escalate
    )
    merged = rule.limits_while(None)
    yield (
        f"  {threshold.name}: {threshold.severity} when {measured} is"
        f" {_sentence(threshold, merged)}{steps}"
    )
    for override in rule.overrides:
        if override.during is not None:
            limits = rule.limits_while(override)
            yield f"    during {override.during.name}: {_sentence(threshold, limits)}"


def _sentence(threshold: Threshold, limits: Limits) -> str:
    measure = MEASURES[threshold.measure]
    unit = measure.unit
    parts = [f"{limits.direction} {format_limit(unit, limits.limit)}{_of(unit)}"]
    if limits.hold:
        parts.append(f"for {format_duration(limits.hold)}")
    if limits.at_least:
        base = "agents' minutes" if measure.base_unit else "contacts"
        parts.append(f"with at least {limits.at_least} {base}")
    if limits.confidence is not None:
        parts.append(f"{certainty(limits.confidence):.3g}% sure")
    if limits.active is not None:
        parts.append(f"only in {limits.active.name}")
    ends = "past" if limits.direction == "below" else "below"
    if limits.clear is not None:
        parts.append(f"ends {ends} {format_limit(unit, limits.clear)}")
    if limits.keep:
        parts.append(f"kept {format_duration(limits.keep)}")
    return ", ".join(parts)


def _of(unit: Unit) -> str:
    return f" {unit}" if unit in (Unit.CONTACTS, Unit.AGENTS) else ""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count or 'no'} {noun}s"
