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
from callmon.suggest.texts import TEXTS
from callmon.suggest.trying import Tried
from callmon.trial.lengths import length_between
from callmon.wallboard.texts import MEASURE_NAMES
from callmon.wording import Language

__all__ = ["as_json", "limit_text", "rate_text", "report_lines"]

_DAY: Micros = 86_400 * SECOND
_STRICTER = 2
_MORE_SENSITIVE = 3
_TOO_OFTEN = 2
"""So many times what was wanted, on days that were not learnt from, is worth a word."""


def report_lines(tried: Tried, language: Language) -> Iterator[str]:
    """Yield what was found, threshold by threshold."""
    teller = _Teller(tried, language)
    yield from teller.head()
    name = None
    for one in tried.findings:
        if one.threshold.name != name:
            name = one.threshold.name
            yield ""
            yield teller.title(one)
        first, *more = teller.sentences(one)
        yield f"  {one.subject.name}{TEXTS[language]['colon']}{first}"
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


class _Teller:
    """Tells of a search in sentences of one language."""

    def __init__(self, tried: Tried, language: Language) -> None:
        self._tried = tried
        self._language = language
        self._texts = TEXTS[language]

    def head(self) -> Iterator[str]:
        """Yield what was learnt from, and what was asked for."""
        tried = self._tried
        since, until = tried.span.since, tried.span.until
        # A midnight at which it ends begins no day; what falls on the end itself is in the
        # span.
        begin, end = (date_of(at, tried.zone) for at in (since, max(until - 2, since)))
        length = length_between(since, until - 1, tried.zone, self._language)
        yield self._say("span", days=length, begin=begin, end=end, events=f"{tried.events:,}")
        yield self._say("wanted", often=self._often(tried.wanted))

    def title(self, one: Finding) -> str:
        """Return what a threshold is about."""
        threshold = one.threshold
        measure = threshold.measure
        unit, limits = MEASURES[measure].unit, threshold.limits
        chinese = self._language is Language.CHINESE
        return self._say(
            "title_over" if threshold.window else "title",
            name=threshold.name,
            measure=MEASURE_NAMES[self._language][measure] if chinese else measure,
            window=threshold.window,
            direction=self._say(limits.direction.value),
            limit=format_limit(unit, limits.limit),
        )

    def sentences(self, one: Finding) -> Iterator[str]:
        """Yield what was found for one queue or group."""
        now = limit_text(one, one.limits.limit)
        rate = rate_text(one.whole.a_week(one.present.fired))
        if one.choice is not None and one.changes:
            limit = limit_text(one, one.choice.limit)
            would = one.whole.a_week(one.choice.fired)
            key = "would" if would else "would_never"
            yield self._say(key, limit=limit, now=now, would=rate_text(would), rate=rate)
            yield self._how(one, one.choice)
            yield self._steps(one, one.choice)
            yield from self._usual(one)
        elif one.verdict is Verdict.RIGHT:
            yield self._say("right", now=now, rate=rate)
            yield self._how(one, one.present)
            yield from self._usual(one)
        else:
            yield self._why_none(one, now, rate)

    def _say(self, key: str, **values: object) -> str:
        return self._texts[key].format(**values)

    def _days(self, count: int) -> str:
        return self._say("day" if count == 1 else "days", count=count)

    def _often(self, wanted: Wanted) -> str:
        """Return how often alerts are welcome."""
        key = {WEEK: "a_week", _DAY: "a_day"}.get(wanted.per, "in_time")
        return self._say(key, times=wanted.times, length=format_duration(wanted.per))

    def _why_none(self, one: Finding, now: str, rate: str) -> str:
        if one.verdict is Verdict.FEW_DAYS:
            return self._say("few_days", days=self._days(one.days), fewest=FEWEST_DAYS)
        if one.verdict is Verdict.SPARSE:
            return self._say(
                "sparse",
                at_least=one.limits.at_least,
                window=one.threshold.window,
                full=one.full_days,
                days=self._days(one.days),
            )
        if one.verdict is Verdict.MIXED:
            return self._say("mixed")
        if one.verdict is Verdict.QUIET:
            lowest = limit_text(one, one.rungs[-1].limit)
            would = rate_text(one.whole.a_week(one.rungs[-1].fired))
            return self._say("quiet", now=now, rate=rate, lowest=lowest, would=would)
        most = limit_text(one, one.rungs[0].limit)
        would = rate_text(one.whole.a_week(one.rungs[0].fired))
        return self._say("loud", most=most, would=would)

    def _how(self, one: Finding, rung: Rung) -> str:
        """Return how the alerts spread, how many were noise, and how sure all this is."""
        by_day = rung.by_day(self._tried.zone)
        parts = [self._say("on_no_day")]
        if by_day:
            busiest, times = max(by_day.items(), key=lambda day: (day[1], day[0]))
            days = self._days(max(one.days, len(by_day)))
            parts = [
                self._say("on_days", count=len(by_day), days=days),
                self._say("busiest" if times > 1 else "once_a_day", times=times, day=busiest),
                self._say("noise", percent=_percent(rung.noise, len(rung.fired))),
            ]
        return (
            f"{self._say('comma').join(parts)}{self._say('semicolon')}{self._sure(one, rung)}"
        )

    def _sure(self, one: Finding, rung: Rung) -> str:
        if one.after is None:
            return self._say("not_apart")
        rate = rate_text(one.after.a_week(rung.fired))
        begin = date_of(one.after.since, self._tried.zone)
        text = self._say("apart", begin=begin, rate=rate)
        most = _TOO_OFTEN * self._tried.wanted.times_in(one.after.length) + 1
        return text + (self._say("too_often") if one.after.count(rung.fired) > most else "")

    def _usual(self, one: Finding) -> Iterator[str]:
        """Yield how far it goes on a usual, on a bad and on the worst day."""
        far: dict[str, str] = {}
        for key, share in {"half": 2, "tenth": 10, "worst": one.days}.items():
            days = -(-one.days // share)
            if days == 1 and key != "worst":
                continue
            zone = self._tried.zone
            rung = next((rung for rung in one.rungs if len(rung.by_day(zone)) >= days), None)
            if rung is not None:
                far.setdefault(limit_text(one, rung.limit), key)
        if far:
            spread = self._say("comma").join(
                self._say(key, limit=limit) for limit, key in far.items()
            )
            direction = self._say(one.limits.direction.value)
            yield self._say("goes", direction=direction, spread=spread)

    def _steps(self, one: Finding, choice: Rung) -> str:
        """Return the limits beside the chosen one, each with its rate."""
        at = one.rungs.index(choice)
        near = one.rungs[max(0, at - _STRICTER) : at + _MORE_SENSITIVE + 1]
        shown = []
        for rung in near:
            text = f"{limit_text(one, rung.limit)} {rate_text(one.whole.a_week(rung.fired))}"
            shown.append(f"[{text}]" if rung is choice else text)
        return self._say("steps", steps=" | ".join(shown))


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


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%"
