"""Episodes, thresholds and calendars for tests of the backtest."""

from fractions import Fraction

from callmon.alerts import Ended
from callmon.calendars import Calendar, CalendarSpec, Hours
from callmon.clock import SECOND, Micros
from callmon.episodes import Call, Episode
from callmon.rules import Direction, Limits, Selector, Severity, Subject, SubjectKind, Threshold

__all__ = ["DAY", "HOUR", "MINUTE", "calendar", "episode", "queue", "threshold"]

MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR


def queue(name: str = "sales") -> Subject:
    """Return a queue."""
    return Subject(kind=SubjectKind.QUEUE, name=name)


def episode(
    fired_at: Micros,
    ended_at: Micros | None,
    *,
    name: str = "sales",
    threshold: str = "long_wait",
    worst: int = 200,
    direction: Direction = Direction.ABOVE,
    calls: tuple[Call, ...] = (),
) -> Episode:
    """Return an episode; without *calls* there is the one of firing."""
    return Episode(
        threshold=threshold,
        subject=queue(name),
        measure="longest_wait",
        window=None,
        direction=direction,
        limit=Fraction(180 * SECOND),
        since=fired_at,
        fired_at=fired_at,
        ended_at=ended_at,
        ended=None if ended_at is None else Ended.RECOVERED,
        value=Fraction(180 * SECOND),
        worst=Fraction(worst * SECOND),
        calls=calls or (Call(fired_at, Severity.WARNING, None),),
    )


def threshold(
    name: str = "long_wait",
    measure: str = "longest_wait",
    *,
    queues: tuple[str, ...] = ("*",),
    shifts: tuple[tuple[str, Calendar], ...] = (),
    limits: Limits | None = None,
) -> Threshold:
    """Return a threshold of all queues."""
    plain = Limits(
        direction=Direction.ABOVE,
        limit=Fraction(180 * SECOND),
        clear=Fraction(120 * SECOND),
    )
    return Threshold(
        name=name,
        measure=measure,
        window=None,
        severity=Severity.WARNING,
        select=Selector(queues=queues),
        limits=plain if limits is None else limits,
        shifts=shifts,
    )


def calendar(*hours: tuple[int, int], days: int = 7, timezone: str = "UTC") -> Calendar:
    """Return a calendar that is open at these hours of the first *days* of a week."""
    spec: Hours = tuple((60 * begin, 60 * end) for begin, end in hours)
    weekly = dict.fromkeys(range(days), spec)
    return Calendar(CalendarSpec(name="hours", timezone=timezone, weekly=weekly))
