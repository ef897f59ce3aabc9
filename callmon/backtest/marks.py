"""Marks of a picture in which time runs from left to right, in percent of its width. Pure.

What is closer together than can be seen is one mark, which tells of all of them.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta, tzinfo
from itertools import groupby
from typing import Final

from callmon.backtest.counts import Kind, Seen, midnight, severity_of
from callmon.backtest.figures import length_text, moment_text, value_text
from callmon.backtest.texts import ENDINGS, KINDS, TEXTS
from callmon.calendars import Calendar
from callmon.clock import Micros
from callmon.console.text import local
from callmon.rules import Severity
from callmon.wording import SEVERITIES, Language

__all__ = [
    "PIXEL",
    "STRIP_HEIGHT",
    "STRIP_WIDTH",
    "TALL",
    "Mark",
    "Scale",
    "Teller",
    "bars",
    "dense_bars",
    "noise_marks",
    "percent",
    "shades",
]

PIXEL: Final = 0.1
"""Of the width, in percent: the picture is about a thousand pixels wide."""

STRIP_WIDTH: Final = 1_000
STRIP_HEIGHT: Final = 30
"""Of a strip, in its own units; it is as wide as there is room."""

TALL: Final[Mapping[str, tuple[int, int]]] = {
    Severity.CRITICAL: (1, 15),
    Severity.WARNING: (6, 10),
    Severity.INFO: (10, 6),
}
"""Where the bars of a severity begin from above, and how high they are: shapes, not colours
alone."""

_SHADE_AT_LEAST: Final = 0.25
"""Percent; narrower stretches of closed hours would make one grey of a year."""

_SATURDAY: Final = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """Where an instant lies, from left to right."""

    since: Micros
    until: Micros

    def x(self, at: Micros) -> float:
        """Return the place of *at* in percent; what lies outside stands at the edge."""
        inside = min(max(at, self.since), self.until)
        return (inside - self.since) * 100 / max(self.until - self.since, 1)


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """Something from *x* on, *width* wide."""

    x: str
    width: str
    kind: str  #: a severity, or ``brief`` or ``again``; "" of a shade
    title: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Teller:
    """Says what a mark is."""

    zone: tzinfo
    language: Language
    until: Micros

    def title(self, marked: Sequence[Seen]) -> str:
        """Return what is to be known of those that are one mark."""
        if len(marked) == 1:
            return self._one(marked[0])
        noise = sum(each.noise for each in marked)
        return TEXTS[self.language]["many"].format(
            count=len(marked),
            since=moment_text(marked[0].episode.fired_at, self.zone, seconds=True),
            until=self._end(marked[-1]),
            noise=noise,
        )

    def _one(self, each: Seen) -> str:
        episode = each.episode
        worst = value_text(episode.measure, episode.worst, self.language)
        parts = [
            f"{moment_text(episode.fired_at, self.zone, seconds=True)}–{self._end(each)}",  # noqa: RUF001  # from, to
            length_text(episode.lasted(self.until), self.language),
            f"{TEXTS[self.language]['worst']} {worst}",
            SEVERITIES[self.language][severity_of(episode)],
            ENDINGS[self.language][episode.ended],
        ]
        if each.noise:
            parts.append(KINDS[self.language][each.kind])
        return " · ".join(parts)

    def _end(self, each: Seen) -> str:
        """Return the time of day at which it ended; on another day the day, too."""
        if each.episode.ended_at is None:
            return "…"
        end = local(each.episode.ended_at, self.zone)
        same = local(each.episode.fired_at, self.zone).date() == end.date()
        return f"{end:%H:%M:%S}" if same else f"{end:%Y-%m-%d %H:%M:%S}"


def percent(value: float) -> str:
    """Return a length in percent, as short as it may be."""
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"


def bars(found: Iterable[Seen], scale: Scale, teller: Teller) -> list[Mark]:
    """Return what was not over at once: the most urgent last, so that it lies on top."""
    return [
        Mark(percent(begin), percent(end - begin), severity, teller.title(run))
        for severity, begin, end, run in _levels(found, scale, teller.until)
    ]


def dense_bars(found: Iterable[Seen], scale: Scale, until: Micros) -> list[tuple[str, str]]:
    """Return the same as one path for each severity, in the units of a strip.

    It is a tenth of the size, as it does not say what each of them is.
    """
    paths: dict[str, str] = {}
    for severity, begin, end, _ in _levels(found, scale, until):
        top, height = TALL[severity]
        x, width = (f"{each * STRIP_WIDTH / 100:.1f}" for each in (begin, end - begin))
        paths[severity] = f"{paths.get(severity, '')}M{x} {top}h{width}v{height}h-{width}z"
    return list(paths.items())


def _levels(
    found: Iterable[Seen], scale: Scale, until: Micros
) -> Iterator[tuple[Severity, float, float, Sequence[Seen]]]:
    lasting = [each for each in found if not each.brief]
    for severity in Severity:
        level = [each for each in lasting if severity_of(each.episode) is severity]
        for begin, end, run in _runs(level, scale, until):
            yield severity, begin, end, run


def _runs(
    found: Iterable[Seen], scale: Scale, until: Micros
) -> Iterator[tuple[float, float, Sequence[Seen]]]:
    """Yield beginning, end and members of stretches without a gap as wide as a pixel."""
    run: list[Seen] = []
    begin = end = 0.0
    for each in found:
        fired_at = each.episode.fired_at
        start, stop = scale.x(fired_at), scale.x(fired_at + each.episode.lasted(until))
        if run and start - end >= PIXEL:
            yield begin, end, run
            run = []
        begin, end = begin if run else start, stop
        run.append(each)
    if run:
        yield begin, end, run


def noise_marks(
    found: Iterable[Seen], scale: Scale, width: float, teller: Teller | None
) -> list[Mark]:
    """Return what was noise, each where it fired; in *width* percent there is one of a kind.

    Without a *teller* they do not say what they are.
    """
    noisy = [each for each in found if each.noise]
    marks = []
    for kind in (Kind.AGAIN, Kind.BRIEF):
        of_kind = [each for each in noisy if each.kind is kind]
        for _, near in groupby(of_kind, lambda each: _cell(each, scale, width)):
            run = list(near)
            place = percent(scale.x(run[0].episode.fired_at))
            marks.append(Mark(place, "", kind, teller.title(run) if teller else ""))
    return marks


def _cell(each: Seen, scale: Scale, width: float) -> int:
    return int(scale.x(each.episode.fired_at) / width)


def shades(calendar: Calendar | None, scale: Scale, zone: tzinfo) -> list[Mark]:
    """Return when *calendar* is closed; without one, the weekends."""
    stretches = _weekends(scale, zone) if calendar is None else _closed(calendar, scale)
    placed = [(scale.x(begin), scale.x(end)) for begin, end in stretches]
    return [
        Mark(percent(begin), percent(end - begin), "")
        for begin, end in placed
        if end - begin >= _SHADE_AT_LEAST
    ]


def _closed(calendar: Calendar, scale: Scale) -> Iterator[tuple[Micros, Micros]]:
    at = scale.since
    while at < scale.until:
        change = calendar.next_change(at)
        end = scale.until if change is None else min(change, scale.until)
        if not calendar.is_open(at):
            yield at, end
        at = end


def _weekends(scale: Scale, zone: tzinfo) -> Iterator[tuple[Micros, Micros]]:
    today = local(scale.since, zone).date()
    saturday = today + timedelta(days=_SATURDAY - today.weekday())
    while midnight(saturday, zone) < scale.until:
        yield midnight(saturday, zone), midnight(saturday + timedelta(days=2), zone)
        saturday += timedelta(days=7)
