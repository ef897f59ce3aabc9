"""What a queue usually has to do, by the half-hours of its journal, and who waits for more."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from callmon.clock import SECOND, Micros
from callmon.config import Config
from callmon.config.problems import Level
from callmon.config.said import Said
from callmon.config.values import duration
from callmon.journal import PastHalf, read_past
from callmon.journal.disk import NAME
from callmon.journal.entries import JournalError
from callmon.measures import MEASURES
from callmon.rules import Subject, SubjectKind, Threshold
from callmon.sense.emitted import subjects_of
from callmon.sense.stretches import DAY
from callmon.sense.texts import say

if TYPE_CHECKING:
    from callmon.config.nodes import Document

__all__ = ["Traffic", "traffic_of", "warn_of_traffic"]

HALF_HOUR: Micros = 1_800 * SECOND
DAYS_BACK = 28
MIN_DAYS = 5
"""Fewer days with calls are not usual days yet."""
WIDER = ("15m", "30m", "1h", "2h", "4h")
"""Windows that are proposed."""

Traffic = Mapping[str, Mapping[int, Sequence[int]]]
"""Arrivals of a queue by day (counted from the epoch), in its 48 half-hours."""


def traffic_of(halves: Iterable[PastHalf]) -> Traffic:
    """Return what *halves* hold, day by day of UTC."""
    found: dict[str, dict[int, list[int]]] = defaultdict(dict)
    for half in halves:
        if half.arrived:
            day = found[half.queue].setdefault(half.start // DAY, [0] * (DAY // HALF_HOUR))
            day[half.start % DAY // HALF_HOUR] += half.arrived
    return found


def warn_of_traffic(
    config: Config, documents: "tuple[Document, Document]", now: Micros
) -> None:
    """Warn of windows that hardly ever hold as many contacts as ``at_least`` asks for.

    Says nothing where there is no journal yet, or not enough of it.

    Args:
        config: the configuration.
        documents: callmon.yml and thresholds.yml.
        now: the days before are looked at.
    """
    path = config.storage_directory / NAME
    if not path.exists():
        return
    last = now // HALF_HOUR * HALF_HOUR
    starts = range(last - DAYS_BACK * DAY, last, HALF_HOUR)
    try:
        traffic = traffic_of(read_past(path, starts))
    except JournalError as error:
        message = say("unknown_traffic", error=error)
        documents[0].warn(("storage", "directory"), message, level=Level.INFO)
        return
    for place, threshold in enumerate(config.thresholds):
        _check(config, documents[1], (place, threshold), traffic)


def _check(
    config: Config, document: "Document", entry: tuple[int, Threshold], traffic: Traffic
) -> None:
    place, threshold = entry
    measure = MEASURES[threshold.measure]
    if threshold.window in {None, "today"} or measure.base_unit:
        return
    short = list(_too_small(config, threshold, traffic))
    if not short:
        return
    subject, at_least, days = short[0]
    usual = int(busiest(days, duration(threshold.window)))
    loc = ("thresholds", place)
    message = say(
        "too_few",
        at_least=at_least,
        window=threshold.window,
        kind=say(subject.kind.value),
        name=subject.name,
        usual=say("contact" if usual == 1 else "contacts", count=usual),
        others=say("more", count=len(short) - 1) if len(short) > 1 else "",
        cure=_cure(days, at_least, usual),
    )
    document.warn((*loc, "at_least" if document.has(*loc, "at_least") else "window"), message)


def _cure(days: Sequence[Sequence[int]], at_least: int, usual: int) -> Said:
    wider = next((name for name in WIDER if busiest(days, duration(name)) >= at_least), None)
    fewer = max(usual // 2, 1)
    return say("cure_wider", wider=wider, fewer=fewer) if wider else say("cure", fewer=fewer)


def _too_small(
    config: Config, threshold: Threshold, traffic: Traffic
) -> Iterator[tuple[Subject, int, list[Sequence[int]]]]:
    """Yield whose window hardly ever holds enough, and its usual days."""
    for subject in subjects_of(config, threshold, traffic):
        days = _days(config, subject, traffic)
        rule = threshold.rule_for(subject)
        if rule is None or len(days) < MIN_DAYS:
            continue
        usual = busiest(days, duration(threshold.window))
        if rule.base.at_least > usual + 2 * math.sqrt(usual):
            yield subject, rule.base.at_least, days


def _days(config: Config, subject: Subject, traffic: Traffic) -> list[Sequence[int]]:
    """Return the half-hours of each day with calls."""
    if subject.kind is SubjectKind.QUEUE:
        return list(traffic.get(subject.name, {}).values())
    members = next(group.queues for group in config.groups if group.name == subject.name)
    days: dict[int, list[int]] = {}
    for member in members:
        for day, halves in traffic.get(member, {}).items():
            before = days.get(day, [0] * len(halves))
            days[day] = [one + other for one, other in zip(before, halves, strict=True)]
    return list(days.values())


def busiest(days: Sequence[Sequence[int]], window: Micros) -> float:
    """Return the contacts in the busiest *window* of the middle one of *days*."""
    wide = max(-(-window // HALF_HOUR), 1)
    share = window / (wide * HALF_HOUR)
    return share * statistics.median(
        max(sum(day[at : at + wide]) for at in range(max(len(day) - wide, 0) + 1))
        for day in days
    )
