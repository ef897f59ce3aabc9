"""What is odd about calendars and shifts, and about thresholds that keep to them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from callmon.calendars import DAY_MINUTES, Calendar
from callmon.clock import SECOND, Micros
from callmon.config import Config
from callmon.config.check import missing_holidays
from callmon.config.problems import Level
from callmon.config.said import Said
from callmon.config.values import format_duration
from callmon.rules import Limits, Threshold
from callmon.sense.stretches import DAY, YEAR, longest, on_duty, overlap, stretches, touches
from callmon.sense.texts import say
from callmon.wording import WEEKDAYS, Language

if TYPE_CHECKING:
    from callmon.config.nodes import Document, Loc

__all__ = ["warn_of_calendars", "warn_of_closing", "warn_of_shifts"]

WEEK: Micros = 7 * DAY
MINUTE: Micros = 60 * SECOND


def warn_of_calendars(config: Config, document: "Document", now: Micros) -> None:
    """Warn of calendars that nobody uses, that never open, whose holidays are not known."""
    used = _used(config)
    for name, calendar in config.calendars.items():
        loc = ("calendars", name)
        gap = missing_holidays(calendar, now)
        if gap is not None:
            document.warn((*loc, "holidays"), gap)
        _check_nights(document, loc, calendar)
        _check_cut_nights(document, loc, calendar)
        if name not in used:
            document.warn(loc, say("unused"), key=True)
        elif not longest(calendar, now, now + YEAR):
            document.warn(loc, _never_open(calendar, now), key=True, level=_weight(calendar))


def _check_nights(document: "Document", loc: "Loc", calendar: Calendar) -> None:
    """Tell which morning belongs to a night, where only some days have one."""
    weekly = calendar.spec.weekly
    over = {day for day, hours in weekly.items() if any(end <= start for start, end in hours)}
    for day in sorted(over):
        before = (day - 1) % 7
        if before in over or any(start == 0 for start, _ in weekly[day]):
            continue
        last = next(one % 7 for one in range(day, day + 7) if (one + 1) % 7 not in over)
        end = max(end for start, end in weekly[last] if end <= start)
        message = say(
            "night",
            next=DAYS[(last + 1) % 7],
            end=f"{end // 60:02d}:{end % 60:02d}",
            day=DAYS[day],
        )
        document.warn((*loc, "weekly"), message, key=True, level=Level.INFO)


def _check_cut_nights(document: "Document", loc: "Loc", calendar: Calendar) -> None:
    """Warn of nights that are cut at midnight, and go on in the morning of the wrong day."""
    weekly = calendar.spec.weekly
    mornings = {day for day, hours in weekly.items() if any(start == 0 for start, _ in hours)}
    evenings = {
        day for day, hours in weekly.items() if any(0 < s < e == DAY_MINUTES for s, e in hours)
    }
    first = next((day for day in mornings & evenings if (day - 1) % 7 not in evenings), None)
    after = next((day for day in evenings if (day + 1) % 7 not in mornings), None)
    if first is None or after is None:
        return
    start = max(start for start, end in weekly[after] if end == DAY_MINUTES)
    end = next(end for start, end in weekly[first] if start == 0)
    night = f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    message = say("cut_night", first=DAYS[first], after=DAYS[(after + 1) % 7], night=night)
    document.warn((*loc, "weekly"), message, key=True)


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS = tuple(map(Said.of, _DAYS, WEEKDAYS[Language.CHINESE]))


def _weight(calendar: Calendar) -> Level:
    """Dates that are over are in nobody's way."""
    return Level.INFO if calendar.spec.dates or calendar.spec.special else Level.WARNING


def _never_open(calendar: Calendar, now: Micros) -> Said:
    return say("all_past" if longest(calendar, now - 5 * YEAR, now) else "never_open")


def _used(config: Config) -> set[str]:
    silences = [feed.silence for feed in config.feeds if feed.silence is not None]
    used = {silence.during for silence in silences if silence.during is not None}
    for threshold in config.thresholds:
        bound = (threshold.limits.active, *(o.active for o in threshold.overrides))
        used |= {calendar.name for calendar in bound if calendar is not None}
        used |= {o.during.name for o in threshold.overrides if o.during is not None}
        used |= {calendar.name for _, calendar in threshold.shifts}
    return used


def warn_of_closing(config: Config, document: "Document", now: Micros) -> None:
    """Warn of what takes longer than the hours of ``active`` last, and so never comes."""
    for place, threshold in enumerate(config.thresholds):
        _check_base(threshold, document, place, now)
        _check_dated(threshold, document, place, now)


def _check_base(threshold: Threshold, document: "Document", place: int, now: Micros) -> None:
    limits = threshold.limits
    if limits.active is None or any(o.active or o.hold for o in threshold.overrides):
        return
    room = longest(limits.active, now, now + YEAR)
    if not room:
        return
    loc = ("thresholds", place)
    if limits.hold >= room:
        document.warn((*loc, "for"), _too_long("never_fires", limits, limits.hold, room))
        return
    for position, step in enumerate(threshold.escalate):
        if limits.hold + step.after >= room:
            message = _too_long("never_escalates", limits, limits.hold + step.after, room)
            document.warn((*loc, "escalate", position, "after"), message)


def _too_long(key: str, limits: Limits, needed: Micros, room: Micros) -> Said:
    name = limits.active.name if limits.active is not None else ""
    return say(key, name=name, room=format_duration(room), needed=format_duration(needed))


def _check_dated(threshold: Threshold, document: "Document", place: int, now: Micros) -> None:
    """See whether ``during`` and ``active`` have any time in common."""
    active = threshold.limits.active
    if active is None or any(override.active for override in threshold.overrides):
        return
    for position, override in enumerate(threshold.overrides):
        during = override.during
        if during is None or not longest(during, now, now + YEAR):
            continue
        if not overlap(during, active, now, now + YEAR):
            message = say("never_both", during=during.name, active=active.name)
            loc = ("thresholds", place, "overrides", position, "during")
            document.warn(loc, message)


def warn_of_shifts(config: Config, document: "Document", now: Micros) -> None:
    """Warn of shifts that are never on duty; tell when nobody is."""
    shifts = config.thresholds[0].shifts if config.thresholds else ()
    if not shifts:
        return
    duties = on_duty(shifts, now, now + YEAR)
    for name, calendar in shifts:
        if name not in {shift for _, _, shift in duties} and longest(calendar, now, now + YEAR):
            document.warn(("shifts", name), say("never_on_duty"))
    holes = [(begin, end) for begin, end, shift in duties if shift is None]
    if not holes or all(calendar.spec.dates for _, calendar in shifts):
        return
    open_at = [(begin, end) for begin, end in holes if _watched(config, begin, end, now)]
    if not open_at or open_at[0][0] >= now + WEEK:
        return
    begin, end = open_at[0]
    soon = sum(min(to, now + WEEK) - at for at, to in open_at if at < now + WEEK)
    message = say(
        "nobody_on_duty",
        length=format_duration(soon // MINUTE * MINUTE),
        first=_span(begin, end, shifts[0][1]),
    )
    document.warn(("shifts",), message, key=True, level=Level.INFO)


def _watched(config: Config, begin: Micros, end: Micros, now: Micros) -> bool:
    """Tell whether any threshold can raise an alert between."""
    calendars = {threshold.limits.active for threshold in config.thresholds}
    return any(
        one is None or touches(stretches(one, now, now + YEAR), begin, end) for one in calendars
    )


def _span(begin: Micros, end: Micros, calendar: Calendar) -> Said:
    zone = ZoneInfo(calendar.spec.timezone)
    first, last = (
        datetime.fromtimestamp(at / SECOND, UTC).astimezone(zone) for at in (begin, end)
    )
    english, chinese = (WEEKDAYS[language] for language in Language)
    days = [Said.of(english[at.weekday()], chinese[at.weekday()]) for at in (first, last)]
    return say(
        "from_to",
        from_day=days[0],
        from_time=f"{first:%Y-%m-%d %H:%M}",
        to_day=days[1],
        to_time=f"{last:%H:%M}",
    )
