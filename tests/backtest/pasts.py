"""Backtests made by hand: small ones for tests of what is shown, and one that is large."""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

from callmon.alerts import Ended
from callmon.backtest.outcome import (
    Backtest,
    Difference,
    Duty,
    Found,
    Line,
    Side,
    Sweep,
    SweepPoint,
)
from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND, Micros
from callmon.episodes import Call, Episode, fired_again
from callmon.rules import (
    Direction,
    Limits,
    Selector,
    Severity,
    Subject,
    SubjectKind,
    Threshold,
)

__all__ = [
    "DAY",
    "HOSTILE",
    "HOUR",
    "MINUTE",
    "SINCE",
    "UNTIL",
    "a_month",
    "at",
    "backtest",
    "duty",
    "episode",
    "found",
    "large",
    "line",
    "office_hours",
    "queue",
    "sweep",
    "threshold",
]

MINUTE: Final[Micros] = 60 * SECOND
HOUR: Final[Micros] = 60 * MINUTE
DAY: Final[Micros] = 24 * HOUR

HOSTILE: Final = '=cmd|"<script>alert(1)</script>&{{7*7}}\u202e\x1b[31m'
"""A name of a queue that would do harm wherever a text is taken for more than a text."""


def at(text: str) -> Micros:
    """Return the instant that is *text* in UTC."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return round(moment.timestamp()) * SECOND


SINCE: Final = at("2026-03-02T00:00:00")
UNTIL: Final = at("2026-03-30T00:00:00")
"""Four weeks, from a Monday to a Monday; summer time begins on the last day in Berlin."""


def queue(name: str = "support", kind: SubjectKind = SubjectKind.QUEUE) -> Subject:
    """Return a queue, or a group."""
    return Subject(kind=kind, name=name)


def threshold(
    name: str = "long_wait",
    *,
    measure: str = "longest_wait",
    window: str | None = None,
    limit: Fraction = Fraction(180 * SECOND),
    direction: Direction = Direction.ABOVE,
    active: Calendar | None = None,
) -> Threshold:
    """Return a threshold over every queue and group."""
    return Threshold(
        name=name,
        measure=measure,
        window=window,
        severity=Severity.WARNING,
        select=Selector(queues=("*",), groups=("*",)),
        limits=Limits(direction=direction, limit=limit, hold=30 * SECOND, active=active),
    )


def office_hours() -> Calendar:
    """Return hours from nine to five on weekdays, in UTC."""
    hours = ((9 * 60, 17 * 60),)
    weekly = dict.fromkeys(range(5), hours) | {5: (), 6: ()}
    return Calendar(CalendarSpec(name="office", timezone="UTC", weekly=weekly))


def episode(
    fired: Micros,
    lasted: Micros | None = 10 * MINUTE,
    *,
    of: Threshold | None = None,
    subject: Subject | None = None,
    worst: Fraction = Fraction(240 * SECOND),
    ended: Ended = Ended.RECOVERED,
    escalated: bool = False,
    shift: str | None = None,
) -> Episode:
    """Return an episode; with *lasted* None it stood when the history ended."""
    of = of or threshold()
    calls = [Call(fired, Severity.WARNING, shift)]
    if escalated:
        calls.append(Call(fired + 5 * MINUTE, Severity.CRITICAL, shift))
    return Episode(
        threshold=of.name,
        subject=subject or queue(),
        measure=of.measure,
        window=of.window,
        direction=of.limits.direction,
        limit=of.limits.limit,
        since=fired - 30 * SECOND,
        fired_at=fired,
        ended_at=None if lasted is None else fired + lasted,
        ended=None if lasted is None else ended,
        value=of.limits.limit,
        worst=worst,
        calls=tuple(calls),
    )


def line(
    episodes: Iterable[Episode] = (),
    *,
    of: Threshold | None = None,
    subject: Subject | None = None,
    until: Micros = UNTIL,
) -> Line:
    """Return the line of *episodes*, counted."""
    episodes = tuple(episodes)
    of = of or threshold()
    above = of.limits.direction is Direction.ABOVE
    return Line(
        threshold=of,
        subject=subject or queue(),
        episodes=episodes,
        calls=sum(len(each.calls) for each in episodes),
        brief=sum(each.is_brief for each in episodes),
        again=len(fired_again(episodes)),
        lasted=sum(each.lasted(until) for each in episodes),
        longest=max(episodes, key=lambda each: each.lasted(until), default=None),
        worst=max(
            episodes, key=lambda each: each.worst if above else -each.worst, default=None
        ),
    )


def duty(
    shift: str | None = None,
    *,
    turns: int = 28,
    calls: int = 0,
    most: int = 0,
    most_at: Micros | None = None,
) -> Duty:
    """Return how often a shift was called."""
    return Duty(shift=shift, turns=turns, calls=calls, most=most, most_at=most_at)


def backtest(
    lines: Sequence[Line],
    *,
    present: Sequence[Line] | None = None,
    differences: Sequence[Difference] = (),
    since: Micros = SINCE,
    until: Micros = UNTIL,
    first: Micros | None = None,
    timezone: str = "UTC",
    duties: Sequence[Duty] = (),
    remarks: Sequence[str] = (),
) -> Backtest:
    """Return a backtest of *lines*; with *present* there are two files."""
    name = "thresholds.yml" if present is None else "candidate.yml"
    before = None
    if present is not None:
        before = Side(name="thresholds.yml", lines=tuple(present), duties=tuple(duties))
    return Backtest(
        history="queue_log",
        since=since,
        until=until,
        timezone=timezone,
        first=since if first is None else first,
        events=12_345,
        subjects=tuple(dict.fromkeys(each.subject for each in lines)),
        candidate=Side(name=name, lines=tuple(lines), duties=tuple(duties)),
        present=before,
        differences=tuple(differences),
        remarks=tuple(remarks),
    )


def sweep(
    points: Mapping[int, tuple[int, int, int]],
    *,
    present: int = 180,
    days: Fraction = Fraction(28),
    subjects: Sequence[Subject] = (),
) -> Sweep:
    """Return a sweep of ``long_wait`` over seconds: episodes, brief and again at each."""
    return Sweep(
        threshold=threshold(),
        subjects=tuple(subjects) or (queue(),),
        direction=Direction.ABOVE,
        present=Fraction(present * SECOND),
        days=days,
        points=tuple(
            SweepPoint(
                limit=Fraction(limit * SECOND),
                episodes=episodes,
                calls=episodes,
                brief=brief,
                again=again,
                lasted=episodes * 10 * MINUTE,
            )
            for limit, (episodes, brief, again) in points.items()
        ),
    )


def found(lines: Sequence[Line], sweeps: Sequence[Sweep] = (), **how: Any) -> Found:
    """Return all of it."""
    return Found(backtest=backtest(lines, **how), sweeps=tuple(sweeps))


BAD_DAYS: Final = (8, 16)
"""Days of ``a_month`` on which everybody called."""


def _busy_minutes(chosen: random.Random, often: int) -> list[int]:
    """Return minutes of four weeks at which a queue is in trouble, as real ones are."""
    weights = [
        (day, hour, (5 if day in BAD_DAYS else 1) * (4 if hour in {10, 11, 15} else 1))
        for day in range(28)
        for hour in range(8, 21)
        if day % 7 < 5 or hour < 12
    ]
    hours = chosen.choices(weights, [weight for *_, weight in weights], k=often)
    found = {(day * 24 + hour) * 60 + chosen.randrange(60) for day, hour, _ in hours}
    return sorted(found)


def a_month(name: str = "support") -> Found:
    """Return four weeks of three queues, with a candidate, shifts, changes and sweeps.

    The queue of this *name* is the noisy one.
    """
    chosen = random.Random(7)
    service = threshold(
        "low_service_level",
        measure="service_level",
        window="30m",
        limit=Fraction(8, 10),
        direction=Direction.BELOW,
        active=office_hours(),
    )
    before, after, differences = [], [], []
    for subject, often, noisy in (
        (queue(name), 170, 0.5),
        (queue("销售热线"), 70, 0.1),
        (queue("sales", SubjectKind.GROUP), 12, 0.0),
    ):
        episodes = [
            episode(
                SINCE + minute * MINUTE,
                30 * SECOND if chosen.random() < noisy else chosen.randrange(5, 40) * MINUTE,
                subject=subject,
                worst=Fraction(chosen.randrange(181, 900) * SECOND),
                escalated=chosen.random() < 0.2,
                shift="day" if minute // 60 % 24 < 16 else "late",
            )
            for minute in _busy_minutes(chosen, often)
        ]
        kept = [each for each in episodes if each.worst > 600 * SECOND]
        gone = tuple(each for each in episodes if each not in kept)
        before.append(line(episodes, subject=subject))
        later = threshold(limit=Fraction(600 * SECOND))
        after.append(line(kept, of=later, subject=subject))
        differences.append(Difference(key=episodes[0].key, kept=len(kept), gone=gone, new=()))
    bad = line(
        [
            episode(SINCE + day * DAY + 10 * HOUR, 3 * HOUR, of=service, worst=Fraction(1, 3))
            for day in BAD_DAYS
        ],
        of=service,
    )
    past = backtest(
        [*after, bad, line([], of=service, subject=queue("calm"))],
        present=[*before, bad],
        differences=differences,
        duties=[
            duty("day", calls=80, most=9, most_at=SINCE + 8 * DAY),
            duty("late", calls=60, most=7, most_at=SINCE + 16 * DAY),
        ],
        first=SINCE + 9 * HOUR,
        remarks=["no call in this queue of callmon.yml: calm"],
    )
    points = {60 * n: (400 // n, 120 // n // n, 60 // n) for n in range(1, 11)}
    return Found(backtest=past, sweeps=(sweep(points), sweep(points, subjects=[queue(name)])))


def large(queues: int = 40, days: int = 365, seed: int = 4) -> Found:
    """Return a year of forty queues, four thresholds each, that fire some times a day."""
    chosen = random.Random(seed)
    of = [threshold(name) for name in ("long_wait", "abandonment", "service", "growing")]
    until = SINCE + days * DAY
    lines = []
    for each in of:
        for number in range(queues):
            subject = queue(f"queue_{number:02d}")
            fired = sorted(
                SINCE + chosen.randrange(days * DAY) for _ in range(chosen.randrange(days))
            )
            episodes = [
                episode(
                    moment,
                    chosen.choice((20 * SECOND, 3 * MINUTE, 20 * MINUTE, 2 * HOUR)),
                    of=each,
                    subject=subject,
                    escalated=chosen.random() < 0.2,
                )
                for moment in fired
            ]
            lines.append(line(episodes, of=each, subject=subject, until=until))
    return found(lines, until=until)
