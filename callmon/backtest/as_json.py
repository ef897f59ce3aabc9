"""A backtest as JSON: docs/administrators/backtest.md says what each key means."""

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from callmon.backtest.outcome import Difference, Duty, Found, Line, Side, Sweep, SweepPoint
from callmon.clock import SECOND, Micros
from callmon.episodes import Episode, fired_again
from callmon.measures import MEASURES, Unit
from callmon.replay.report import iso
from callmon.rules import Subject

__all__ = ["as_json"]

Json = dict[str, Any]
Write = Callable[[Micros], str]
"""How an instant is written: in the zone of the configuration, with its offset."""


def as_json(found: Found) -> Json:
    """Return all that was found out; waits and lengths in seconds, shares from 0 to 1."""
    backtest = found.backtest
    write = functools.partial(iso, zone=ZoneInfo(backtest.timezone))
    present = backtest.present
    return {
        "history": backtest.history,
        "since": write(backtest.since),
        "until": write(backtest.until),
        "timezone": backtest.timezone,
        "first_event": write(backtest.first),
        "events": backtest.events,
        "events_before": backtest.lead,
        "subjects": [_subject(subject) for subject in backtest.subjects],
        "candidate": _side(backtest.candidate, write),
        "present": None if present is None else _side(present, write),
        "differences": [_difference(one, write) for one in backtest.differences],
        "sweeps": [_sweep(sweep) for sweep in found.sweeps],
        "remarks": list(backtest.remarks),
    }


def _subject(subject: Subject) -> Json:
    return {"kind": subject.kind.value, "name": subject.name}


def _side(side: Side, write: Write) -> Json:
    return {
        "file": side.name,
        "thresholds": [_line(line, write) for line in side.lines],
        "duties": [_duty(duty, write) for duty in side.duties],
    }


def _line(line: Line, write: Write) -> Json:
    again = fired_again(line.episodes)
    longest, worst = line.longest, line.worst
    return {
        "threshold": line.threshold.name,
        **_subject(line.subject),
        "severity": line.severity.value,
        "fired": len(line.episodes),
        "pages": line.calls,
        "brief": line.brief,
        "again": line.again,
        "lasted_s": _seconds(line.lasted),
        "longest_fired_at": None if longest is None else write(longest.fired_at),
        "worst_fired_at": None if worst is None else write(worst.fired_at),
        "episodes": [
            {**_episode(one, write), "again": (one.key, one.fired_at) in again}
            for one in line.episodes
        ],
    }


def _episode(episode: Episode, write: Write) -> Json:
    unit = MEASURES[episode.measure].unit
    ended_at = episode.ended_at
    return {
        "since": write(episode.since),
        "fired_at": write(episode.fired_at),
        "ended_at": None if ended_at is None else write(ended_at),
        "ended": None if episode.ended is None else episode.ended.value,
        "lasted_s": None if ended_at is None else _seconds(ended_at - episode.fired_at),
        "limit": _value(unit, episode.limit),
        "value": _value(unit, episode.value),
        "worst": _value(unit, episode.worst),
        "brief": episode.is_brief,
        "pages": [
            {"at": write(call.at), "severity": call.severity.value, "shift": call.shift}
            for call in episode.calls
        ],
    }


def _duty(duty: Duty, write: Write) -> Json:
    return {
        "shift": duty.shift,
        "turns": duty.turns,
        "pages": duty.calls,
        "most": duty.most,
        "most_at": None if duty.most_at is None else write(duty.most_at),
    }


def _difference(difference: Difference, write: Write) -> Json:
    threshold, kind, name = difference.key
    return {
        "threshold": threshold,
        "kind": kind,
        "name": name,
        "kept": difference.kept,
        "gone": [write(episode.fired_at) for episode in difference.gone],
        "new": [write(episode.fired_at) for episode in difference.new],
    }


def _sweep(sweep: Sweep) -> Json:
    unit = MEASURES[sweep.threshold.measure].unit
    return {
        "threshold": sweep.threshold.name,
        "direction": sweep.direction.value,
        "subjects": [_subject(subject) for subject in sweep.subjects],
        "present_limit": _value(unit, sweep.present),
        "points": [_point(unit, point) for point in sweep.points],
    }


def _point(unit: Unit, point: SweepPoint) -> Json:
    return {
        "limit": _value(unit, point.limit),
        "fired": point.episodes,
        "pages": point.calls,
        "brief": point.brief,
        "again": point.again,
        "lasted_s": _seconds(point.lasted),
    }


def _value(unit: Unit, value: Fraction) -> float:
    return _seconds(value) if unit is Unit.SECONDS else _number(value)


def _seconds(length: Fraction | Micros) -> float:
    return _number(Fraction(length) / SECOND)


def _number(value: Fraction) -> float:
    return int(value) if value.denominator == 1 else float(value)
