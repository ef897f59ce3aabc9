"""A backtest on a terminal: what an administrator needs at a glance. Pure."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from callmon.backtest.columns import Cell, Column, column_lines
from callmon.backtest.counts import DAY, WEEK, Totals, covered, per, totals
from callmon.backtest.figures import (
    day_text,
    events_text,
    length_text,
    measure_text,
    moment_text,
    rate_text,
    share_text,
    subject_text,
    value_text,
)
from callmon.backtest.outcome import Backtest, Duty, Found, Sweep, SweepPoint
from callmon.backtest.texts import TEXTS
from callmon.backtest.verdict import extreme_texts, verdict_texts
from callmon.console.text import BOLD, DIM, clean, cut, local, written
from callmon.episodes import Episode, EpisodeKey
from callmon.rules import SubjectKind
from callmon.wording import NO_VALUE, Language

__all__ = ["CHANGES_SHOWN", "table_lines"]

CHANGES_SHOWN: Final = 5
"""Of what is gone or new for one queue; the CSV has all of it."""

SUBJECTS_SHOWN: Final = 8
"""Columns of queues beside a sweep; the CSV has all of them."""

_NOISE: Final = "35"
_BETTER: Final = "32"
_WORSE: Final = "31"
_BAR: Final = 24
"""Columns of the longest bar of a sweep."""


def table_lines(
    found: Found,
    *,
    colour: bool = False,
    width: int = 0,
    language: Language = Language.ENGLISH,
) -> Iterator[str]:
    """Yield what was *found*, no wider than *width* where it is a table; 0: without end."""
    writer = _Writer(found.backtest, language, width=width, colour=colour)
    yield from writer.head()
    yield ""
    if found.sweeps:
        yield from writer.sweep(found.sweeps)
        return
    yield from writer.verdict()
    yield from writer.thresholds()
    yield from writer.duties()
    yield from writer.changes()


class _Writer:
    """Writes the parts in one width, colour and language."""

    def __init__(
        self, backtest: Backtest, language: Language, *, width: int, colour: bool
    ) -> None:
        self._backtest = backtest
        self._language = language
        self._texts = TEXTS[language]
        self._zone = ZoneInfo(backtest.timezone)
        self._width = width
        self._colour = colour
        self._after = {line.key: line for line in backtest.candidate.lines}
        present = backtest.present
        self._before = {line.key: line for line in present.lines} if present else {}

    def _line(self, *parts: Cell) -> str:
        return written([(clean(text), code) for text, code in parts], colour=self._colour)

    def head(self) -> Iterator[str]:
        """Yield where the past comes from, and what was tried on it."""
        backtest, texts = self._backtest, self._texts
        yield self._line((texts["title"].format(name=backtest.candidate.name), BOLD))
        span = texts["span"].format(
            since=moment_text(backtest.since, self._zone),
            until=moment_text(backtest.until, self._zone),
            zone=backtest.timezone,
        )
        past = texts["history_span"].format(history=backtest.history, span=span)
        yield self._line((f"{texts['past']} ", DIM), (past, ""))
        yield self._line((events_text(backtest, self._language), ""))
        if backtest.first > backtest.since:
            first = moment_text(backtest.first, self._zone)
            yield self._line((texts["hole"].format(first=first), BOLD))
        for remark in backtest.remarks:
            yield self._line((self._said("remarks"), BOLD), (remark, ""))

    def _said(self, key: str) -> str:
        return self._texts["said"].format(what=self._texts[key])

    def verdict(self) -> Iterator[str]:
        """Yield what it comes to."""
        said = verdict_texts(self._backtest, self._language)
        yield self._line((said[0], BOLD))
        for sentence in (*said[1:], *extreme_texts(self._backtest, self._language)):
            yield self._line((sentence, ""))

    def thresholds(self) -> Iterator[str]:
        """Yield a line for each threshold and each of its queues for which it fired."""
        rows: list[_Row] = []
        below: dict[int, str] = {}
        for name, keys in _by_threshold([*self._after, *self._before]).items():
            rows.append(self._row((name, BOLD), keys))
            quiet = []
            for key in keys:
                if any(
                    key in lines and lines[key].episodes
                    for lines in (self._after, self._before)
                ):
                    rows.append(self._row((f"  {self._subject(key)}", ""), [key]))
                else:
                    quiet.append(self._subject(key))
            if quiet:
                below[len(rows)] = f"  {self._said('silent')}{', '.join(quiet)}"
        if not rows:
            return
        yield ""
        columns = self._columns(rows)
        for number, line in enumerate(
            column_lines(columns, width=self._width, colour=self._colour)
        ):
            yield line
            if number in below:
                text = clean(below[number])
                yield self._line((cut(text, self._width) if self._width else text, DIM))

    def _row(self, name: Cell, keys: Sequence[EpisodeKey]) -> "_Row":
        after = [self._after[key] for key in keys if key in self._after]
        before = [self._before[key] for key in keys if key in self._before]
        until = self._backtest.until
        return _Row(
            name,
            totals(after, until),
            totals(before, until) if self._backtest.present else None,
        )

    def _subject(self, key: EpisodeKey) -> str:
        if key.kind == SubjectKind.QUEUE:
            return key.subject
        return self._texts["group"].format(name=key.subject)

    def _columns(self, rows: Sequence["_Row"]) -> list[Column]:
        texts = self._texts
        return [
            Column(f"{texts['threshold']}", [row.name for row in rows], right=False),
            Column(
                texts["episodes"],
                [
                    _changed(row.before.episodes if row.before else None, row.after.episodes)
                    for row in rows
                ],
            ),
            Column(texts["a_week"], [self._a_week(row) for row in rows], spare=3),
            Column(
                texts["pages"],
                [
                    _changed(row.before.pages if row.before else None, row.after.pages)
                    for row in rows
                ],
            ),
            Column(f"○ {texts['brief']}", [_noise(row.after.brief) for row in rows]),
            Column(f"↻ {texts['again']}", [_noise(row.after.again) for row in rows]),
            Column(texts["noise"], [_share(row.after) for row in rows], spare=2),
            Column(texts["lasted"], [self._lasted(row.after) for row in rows], spare=1),
            Column(
                texts["longest"], [self._longest(row.after.longest) for row in rows], spare=4
            ),
            Column("", [self._when(row.after.longest) for row in rows], right=False, spare=6),
            Column(texts["worst"], [self._worst(row.after.worst) for row in rows], spare=5),
            Column("", [self._when(row.after.worst) for row in rows], right=False, spare=7),
        ]

    def _a_week(self, row: "_Row") -> Cell:
        rate = per(row.after.episodes, covered(self._backtest), WEEK)
        return rate_text(rate), ""

    def _lasted(self, found: Totals) -> Cell:
        if not found.episodes:
            return NO_VALUE, DIM
        return length_text(found.lasted, self._language), ""

    def _longest(self, episode: Episode | None) -> Cell:
        if episode is None:
            return NO_VALUE, DIM
        return length_text(episode.lasted(self._backtest.until), self._language), ""

    def _worst(self, episode: Episode | None) -> Cell:
        if episode is None:
            return NO_VALUE, DIM
        return value_text(episode.measure, episode.worst, self._language), ""

    def _when(self, episode: Episode | None) -> Cell:
        return (moment_text(episode.fired_at, self._zone) if episode else "", DIM)

    def duties(self) -> Iterator[str]:
        """Yield how often each shift would have been paged."""
        side, present = self._backtest.candidate, self._backtest.present
        if not side.duties:
            return
        before = {duty.shift: duty for duty in present.duties} if present else {}
        rows = [(duty, before.get(duty.shift)) for duty in side.duties]
        texts = self._texts
        nobody = "no_shift" if len(rows) > 1 or rows[0][0].shift else "every_day"
        yield ""
        yield from column_lines(
            [
                Column(
                    texts["shift"],
                    [(duty.shift or texts[nobody], BOLD) for duty, _ in rows],
                    right=False,
                ),
                Column(texts["turns"], [(str(duty.turns), "") for duty, _ in rows], spare=1),
                Column(
                    texts["pages"],
                    [_changed(was.calls if was else None, duty.calls) for duty, was in rows],
                ),
                Column(texts["mean"], [(_mean(duty), "") for duty, _ in rows]),
                Column(
                    texts["most"],
                    [_changed(was.most if was else None, duty.most) for duty, was in rows],
                ),
                Column("", [self._on(duty) for duty, _ in rows], right=False, spare=2),
            ],
            width=self._width,
            colour=self._colour,
        )

    def _on(self, duty: Duty) -> Cell:
        if duty.most_at is None or not duty.most:
            return "", ""
        return day_text(local(duty.most_at, self._zone).date(), self._language), DIM

    def changes(self) -> Iterator[str]:
        """Yield what changes from the present file to the candidate."""
        texts = self._texts
        if not self._backtest.differences:
            return
        yield ""
        yield self._line((texts["differences"], BOLD))
        for each in self._backtest.differences:
            counted = texts["changes"].format(
                gone=len(each.gone), new=len(each.new), kept=each.kept
            )
            whose = f"{each.key.threshold} {self._subject(each.key)}"
            yield self._line((texts["said"].format(what=whose), ""), (counted, ""))
            for sign, code, episodes in (("−", _BETTER, each.gone), ("+", _WORSE, each.new)):  # noqa: RUF001  # a minus
                if episodes:
                    yield self._line((f"  {sign} ", code), (self._whens(episodes), ""))

    def _whens(self, episodes: Sequence[Episode]) -> str:
        whens = [moment_text(each.fired_at, self._zone) for each in episodes[:CHANGES_SHOWN]]
        listed, left = self._texts["comma"].join(whens), len(episodes) - len(whens)
        if not left:
            return listed
        more = self._texts["and_more"].format(count=left)
        return self._texts["list_more"].format(list=listed, more=more)

    def sweep(self, sweeps: Sequence[Sweep]) -> Iterator[str]:
        """Yield what each limit comes to for all queues, then the pages of each queue."""
        whole, *each = sweeps
        threshold, texts = whole.threshold, self._texts
        measure = measure_text(threshold, self._language)
        yield self._line((f"{threshold.name}{texts['colon']}{measure}", BOLD))
        names = [subject_text(subject, self._language) for subject in whole.subjects]
        yield self._line((texts["comma"].join(names), DIM))
        yield ""
        points = whole.points
        most = max((point.calls for point in points), default=0)
        columns = [
            Column(texts["limit"], [self._limit(whole, point) for point in points]),
            Column(texts["episodes"], [(str(point.episodes), "") for point in points]),
            Column(texts["pages"], [(str(point.calls), "") for point in points]),
            Column(texts["a_week"], [(_weekly(whole, point), "") for point in points], spare=2),
            Column(f"○ {texts['brief']}", [_part(point.brief, point) for point in points]),
            Column(f"↻ {texts['again']}", [_part(point.again, point) for point in points]),
            Column(
                texts["lasted"],
                [(length_text(point.lasted, self._language), "") for point in points],
                spare=1,
            ),
            Column(
                "", [(_bar(point.calls, most), "") for point in points], right=False, spare=3
            ),
            Column(
                "",
                [
                    (texts["in_force"] if point.limit == whole.present else "", BOLD)
                    for point in points
                ],
                right=False,
            ),
        ]
        yield from column_lines(columns, width=self._width, colour=self._colour)
        if each:
            yield ""
            yield self._line((texts["pages_each"], BOLD))
            yield from self._matrix(whole, each)

    def _matrix(self, whole: Sweep, each: Sequence[Sweep]) -> Iterator[str]:
        shown = each[:SUBJECTS_SHOWN]
        columns = [
            Column(self._texts["limit"], [self._limit(whole, point) for point in whole.points])
        ]
        for number, sweep in enumerate(shown):
            name = subject_text(sweep.subjects[0], self._language)
            columns.append(
                Column(name, [(str(point.calls), "") for point in sweep.points], spare=number)
            )
        yield from column_lines(columns, width=self._width, colour=self._colour)
        if len(each) > len(shown):
            more = self._texts["queues_more"].format(count=len(each) - len(shown))
            yield self._line((more, DIM))

    def _limit(self, sweep: Sweep, point: SweepPoint) -> Cell:
        text = value_text(sweep.threshold.measure, point.limit, self._language)
        return text, BOLD if point.limit == sweep.present else ""


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    name: Cell
    after: Totals
    before: Totals | None  #: of the present file, where there is another


def _by_threshold(keys: Iterable[EpisodeKey]) -> dict[str, list[EpisodeKey]]:
    found: dict[str, list[EpisodeKey]] = {}
    for key in dict.fromkeys(keys):
        found.setdefault(key.threshold, []).append(key)
    return found


def _changed(before: int | None, after: int) -> Cell:
    """Return ``448 → 193``, or the number alone where nothing changes."""
    if before is None or before == after:
        return str(after), ""
    return f"{before} → {after}", _WORSE if after > before else _BETTER


def _noise(count: int) -> Cell:
    return str(count), _NOISE if count else ""


def _share(found: Totals) -> Cell:
    return share_text(found.noise, found.episodes), _NOISE if found.noise else DIM


def _part(count: int, point: SweepPoint) -> Cell:
    return share_text(count, point.episodes), _NOISE if count else DIM


def _mean(duty: Duty) -> str:
    return rate_text(Fraction(duty.calls, duty.turns) if duty.turns else None)


def _weekly(sweep: Sweep, point: SweepPoint) -> str:
    if sweep.days < WEEK // DAY:
        return NO_VALUE
    return rate_text(Fraction(point.calls * 7) / sweep.days)


def _bar(count: int, most: int) -> str:
    """Return a bar; that of a few is the thinnest there is, only none has none."""
    return "▇" * round(count * _BAR / most) or "▏" if count else ""
