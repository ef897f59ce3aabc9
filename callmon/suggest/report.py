"""The findings as sentences, and as data."""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from callmon.clock import SECOND, Micros
from callmon.config.values import format_duration, format_limit
from callmon.measures import MEASURES, Unit
from callmon.suggest.findings import (
    FEWEST_DAYS,
    WEEK,
    Finding,
    Rung,
    Verdict,
    Wanted,
    date_of,
)
from callmon.suggest.trying import Tried

__all__ = ["as_json", "limit_text", "rate_text", "report_lines", "wanted_text"]

_DAY: Micros = 86_400 * SECOND
_STRICTER = 2
_MORE_SENSITIVE = 3
_TOO_OFTEN = 2
"""So many times what was wanted, on days that were not learnt from, is worth a word."""


def report_lines(tried: Tried) -> Iterator[str]:
    """Yield what was found, threshold by threshold."""
    yield from _head(tried)
    name = None
    for one in tried.findings:
        if one.threshold.name != name:
            name = one.threshold.name
            yield ""
            yield _title(one)
        first, *more = _sentences(one, tried)
        yield f"  {one.subject.name}: {first}"
        yield from (f"      {line}" for line in more)


def as_json(tried: Tried) -> dict[str, Any]:
    """Return everything that was found; durations in seconds, shares from 0 to 1."""
    return {
        "since": _iso(tried.span.since, tried),
        "until": _iso(tried.span.until, tried),
        "events": tried.events,
        "wanted": {"times": tried.wanted.times, "per_s": tried.wanted.per / SECOND},
        "findings": [_finding_json(one, tried) for one in tried.findings],
    }


def limit_text(finding: Finding, limit: Fraction) -> str:
    """Return *limit* as the files write it."""
    return format_limit(MEASURES[finding.threshold.measure].unit, limit)


def rate_text(rate: float) -> str:
    """Return so many a week: one digit while that says something."""
    return f"{rate:.1f}" if rate < 9.95 else f"{rate:,.0f}"  # noqa: PLR2004 - 10 follows


def wanted_text(wanted: Wanted) -> str:
    """Return how often alerts are welcome."""
    if wanted.per == WEEK:
        return f"{wanted.times} a week"
    if wanted.per == _DAY:
        return f"{wanted.times} a day"
    return f"{wanted.times} in {format_duration(wanted.per)}"


def _head(tried: Tried) -> Iterator[str]:
    since, until = tried.span.since, tried.span.until
    # A midnight at which it ends begins no day; what falls on the end itself is in the span.
    begin, end = (date_of(at, tried.zone) for at in (since, max(until - 2, since)))
    days = (end - begin).days + 1
    yield f"{_count(days, 'day')}, {begin} to {end}, {tried.events:,} events"
    yield f"wanted: about {wanted_text(tried.wanted)} for each threshold of each queue"


def _title(one: Finding) -> str:
    window = f" over {one.threshold.window}" if one.threshold.window else ""
    limits = one.threshold.limits
    written = format_limit(MEASURES[one.threshold.measure].unit, limits.limit)
    return f"{one.threshold.name}: {one.threshold.measure}{window} {limits.direction} {written}"


def _sentences(one: Finding, tried: Tried) -> Iterator[str]:
    now = limit_text(one, one.limits.limit)
    rate = rate_text(one.whole.a_week(one.present.fired))
    if one.choice is not None and one.changes:
        limit = limit_text(one, one.choice.limit)
        would = one.whole.a_week(one.choice.fired)
        often = f"{rate_text(would)} times a week" if would else "never"
        yield f"{limit} (now {now}) would have called {often} instead of {rate}"
        yield _how(one, one.choice, tried)
        yield _steps(one, one.choice)
        yield from _usual(one, tried)
    elif one.verdict is Verdict.RIGHT:
        yield f"{now} is about right: {rate} times a week"
        yield _how(one, one.present, tried)
        yield from _usual(one, tried)
    else:
        yield _why_none(one, now, rate)


def _why_none(one: Finding, now: str, rate: str) -> str:
    if one.verdict is Verdict.FEW_DAYS:
        days = _count(one.days, "day")
        return f"no limit suggested: {days} with contacts, at least {FEWEST_DAYS} are needed"
    if one.verdict is Verdict.SPARSE:
        return (
            f"no limit suggested: {one.limits.at_least} contacts in {one.threshold.window} on"
            f" {one.full_days} of {_count(one.days, 'day')}: at_least decides, not the limit"
        )
    if one.verdict is Verdict.MIXED:
        return "no limit suggested: an override turns above and below around for it"
    if one.verdict is Verdict.QUIET:
        lowest = limit_text(one, one.rungs[-1].limit)
        would = rate_text(one.whole.a_week(one.rungs[-1].fired))
        return f"{now} stays ({rate} times a week): it is quiet, even {lowest} gives {would}"
    most = limit_text(one, one.rungs[0].limit)
    would = rate_text(one.whole.a_week(one.rungs[0].fired))
    return f"no limit suggested: even {most} would have called {would} times a week"


def _how(one: Finding, rung: Rung, tried: Tried) -> str:
    """Return how the alerts spread, how many were noise, and how sure all this is."""
    by_day = rung.by_day(tried.zone)
    parts = ["on no day"]
    if by_day:
        busiest, times = max(by_day.items(), key=lambda day: (day[1], day[0]))
        most = f"{times} times on {busiest}" if times > 1 else "once a day at most"
        parts = [
            f"on {len(by_day)} of {_count(max(one.days, len(by_day)), 'day')}, {most}",
            f"{_percent(rung.noise, len(rung.fired))} noise",
        ]
    return f"{', '.join(parts)}; {_sure(one, rung, tried)}"


def _sure(one: Finding, rung: Rung, tried: Tried) -> str:
    if one.after is None:
        return "too few days to keep some apart"
    rate = rate_text(one.after.a_week(rung.fired))
    begin = _date(one.after.since, tried)
    text = f"since {begin}, kept apart: {rate} a week"
    if one.after.count(rung.fired) > _TOO_OFTEN * tried.wanted.times_in(one.after.length) + 1:
        text += ", far more than wanted"
    return text


def _usual(one: Finding, tried: Tried) -> Iterator[str]:
    """Yield how far it goes on a usual, on a bad and on the worst day."""
    far: dict[str, str] = {}
    shares = {"half the days": 2, "one day in ten": 10, "the worst": one.days}
    for name, share in shares.items():
        days = -(-one.days // share)
        if days == 1 and name != "the worst":
            continue
        rung = next((rung for rung in one.rungs if len(rung.by_day(tried.zone)) >= days), None)
        if rung is not None:
            far.setdefault(limit_text(one, rung.limit), name)
    if far:
        spread = ", ".join(f"{limit} on {name}" for limit, name in far.items())
        yield f"it goes {one.limits.direction} {spread}"


def _steps(one: Finding, choice: Rung) -> str:
    """Return the limits beside the chosen one, each with its rate."""
    at = one.rungs.index(choice)
    near = one.rungs[max(0, at - _STRICTER) : at + _MORE_SENSITIVE + 1]
    shown = []
    for rung in near:
        text = f"{limit_text(one, rung.limit)} {rate_text(one.whole.a_week(rung.fired))}"
        shown.append(f"[{text}]" if rung is choice else text)
    return f"a week by limit: {' | '.join(shown)}"


def _finding_json(one: Finding, tried: Tried) -> dict[str, Any]:
    choice = one.choice if one.changes else None
    return {
        "threshold": one.threshold.name,
        one.subject.kind.value: one.subject.name,
        "measure": one.threshold.measure,
        "window": one.threshold.window,
        "direction": one.limits.direction.value,
        "verdict": one.verdict.value,
        "days": one.days,
        "learnt_until": _iso(one.learnt.until, tried),
        "now": _rung_json(one, one.present, tried),
        "suggested": None if choice is None else _rung_json(one, choice, tried),
        "tried": [_rung_json(one, rung, tried) for rung in one.rungs],
    }


def _rung_json(one: Finding, rung: Rung, tried: Tried) -> dict[str, Any]:
    by_day = rung.by_day(tried.zone)
    seconds = MEASURES[one.threshold.measure].unit is Unit.SECONDS
    return {
        "limit": float(rung.limit / SECOND if seconds else rung.limit),
        "written": limit_text(one, rung.limit),
        "alerts": len(rung.fired),
        "a_week": one.whole.a_week(rung.fired),
        "a_week_learnt": one.learnt.a_week(rung.fired),
        "a_week_after": None if one.after is None else one.after.a_week(rung.fired),
        "noise": rung.noise,
        "days_with_alerts": len(by_day),
        "busiest_day": max(by_day.values(), default=0),
    }


def _iso(at: Micros, tried: Tried) -> str:
    return dt.datetime.fromtimestamp(at // SECOND, tried.zone).isoformat()


def _date(at: Micros, tried: Tried) -> str:
    return date_of(at, tried.zone).isoformat()


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
