"""What a replay found, ready to be printed: as a table or as JSON."""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from callmon.clock import SECOND, Micros
from callmon.engine import EngineSettings
from callmon.queues import GroupSettings, SubjectState
from callmon.replay.figures import Figures, read_figures
from callmon.replay.play import Played
from callmon.replay.tally import (
    Cohort,
    Counted,
    Period,
    Periods,
    TalliedState,
    divide,
    nothing,
)
from callmon.rules import SubjectKind

__all__ = ["Division", "Report", "SubjectReport", "iso", "make_report", "report_settings"]

TOTAL = "all"
"""The group that has every queue; a configured one of this name keeps it."""

_EVERY = ("*",)

_FOREVER: Micros = 1 << 62


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """How the figures are to be divided."""

    zone: ZoneInfo
    cohort: Cohort = Cohort.END
    every: Micros | None = None  #: length of a period; None: no periods
    since: Micros = 0  #: what is before belongs to no period, nor to the whole


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SubjectReport:
    """One queue or group: what holds at the end, the whole, and its periods."""

    state: SubjectState
    whole: Figures
    periods: Mapping[Period, Figures]

    def as_json(self, division: Division) -> dict[str, Any]:
        """Return plain values."""
        state = self.state
        targets = state.targets
        shown: dict[str, Any] = {
            "within_s": targets.within / SECOND,
            "short_abandon_s": targets.short_abandon / SECOND,
            "formula": targets.formula.value,
            "overflow": targets.overflow.value,
            "waiting": len(state.starts),
            "talking": state.talking,
            "refused": dict(state.refused),
            **self.whole.as_json(),
        }
        if division.every is not None:
            shown["periods"] = [
                {
                    "from": iso(period.start, division.zone),
                    "to": iso(period.end, division.zone),
                    **figures.as_json(),
                }
                for period, figures in self.periods.items()
            ]
        return shown


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it. ``total`` counts the chosen queues together."""

    played: Played
    division: Division
    until: Micros | None
    queues: Sequence[SubjectReport]
    groups: Sequence[SubjectReport]
    total: SubjectReport

    def as_json(self) -> dict[str, Any]:
        """Return plain values; instants in the time zone of the division."""
        division, played = self.division, self.played
        zone = division.zone
        return {
            "files": [str(path) for path in played.files],
            "timezone": zone.key,
            "counted_by": division.cohort.value,
            "first_event": None if played.first is None else iso(played.first, zone),
            "last_event": None if played.last is None else iso(played.last, zone),
            "since": iso(division.since, zone) if division.since else None,
            "until": None if self.until is None else iso(self.until, zone),
            "lines": played.lines,
            "events": played.events,
            "events_after_until": played.later,
            "not_used": dict(sorted(played.dropped.items())),
            "queues": {one.state.subject.name: one.as_json(division) for one in self.queues},
            "groups": {one.state.subject.name: one.as_json(division) for one in self.groups},
            "total": self.total.as_json(division),
        }


def report_settings(settings: EngineSettings, queues: Sequence[str] = ()) -> EngineSettings:
    """Return *settings* for a replay that counts: no thresholds, and a total of *queues*.

    None named is all of them. Names are given as callmon or as the source spells them.
    """
    patterns = tuple(dict.fromkeys([*queues, *(name.casefold() for name in queues)]))
    total = GroupSettings(
        name=_total_name(settings),
        queues=patterns or _EVERY,
        timezone=settings.timezone,
        targets=settings.targets,
    )
    return dataclasses.replace(
        settings, groups=(*settings.groups, total), thresholds=(), windows=()
    )


def make_report(played: Played, division: Division, *, until: Micros | None = None) -> Report:
    """Return the figures of *played*, which was played with ``report_settings``."""
    settings = played.engine.settings
    total = settings.groups[-1]
    everything = total.queues == _EVERY
    queues: list[SubjectReport] = []
    groups: list[SubjectReport] = []
    for state in played.engine.states():
        if not isinstance(state, TalliedState):
            continue
        name = state.subject.name
        if state.subject.kind is SubjectKind.GROUP:
            if everything or name == total.name:
                groups.append(_subject_report(state, division))
        elif any(fnmatchcase(name, pattern) for pattern in total.queues):
            queues.append(_subject_report(state, division))
    whole = next(one for one in groups if one.state.subject.name == total.name)
    groups.remove(whole)
    return Report(
        played=played,
        division=division,
        until=until,
        queues=queues,
        groups=groups,
        total=whole,
    )


def iso(at: Micros, zone: ZoneInfo) -> str:
    """Return an instant as ISO 8601 with its offset."""
    epoch = dt.datetime.fromtimestamp(0, dt.UTC)
    return (epoch + dt.timedelta(microseconds=at)).astimezone(zone).isoformat()


def _subject_report(state: TalliedState, division: Division) -> SubjectReport:
    span = Period(division.since, _FOREVER)
    cohort, zone = division.cohort, division.zone
    whole = divide(state, cohort, Periods(zone, None, span))
    periods: dict[Period, Counted] = {}
    if division.every is not None:
        periods = divide(state, cohort, Periods(zone, division.every, span))
    return SubjectReport(
        state=state,
        whole=read_figures(whole.get(span) or nothing(state)),
        periods={period: read_figures(counted) for period, counted in periods.items()},
    )


def _total_name(settings: EngineSettings) -> str:
    taken = {group.name for group in settings.groups}
    name = TOTAL
    while name in taken:
        name += "*"
    return name
