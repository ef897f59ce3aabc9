"""What became of scenarios, for a terminal: what held, what did not, what was instead. Pure."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from callmon.clock import Micros
from callmon.console.text import BOLD, DIM, GOOD, Part, clean, pad, text_width, written
from callmon.scenario.judge import Verdict
from callmon.scenario.results import Result
from callmon.scenario.texts import TEXTS
from callmon.wording import WEEKDAYS, Language

__all__ = ["table_lines"]

_BAD: Final = "1;31"
_WIDEST: Final = 72
"""A longer sentence has what is told of it on a line of its own."""


def table_lines(
    results: Sequence[Result],
    *,
    took: Micros | None,
    timeline: bool,
    colour: bool,
    language: Language = Language.ENGLISH,
) -> Iterator[str]:
    """Yield the lines; *took* is for all of them together, None: not to be told."""
    table = _Table(language, timeline=timeline, colour=colour)
    for file, of_file in groupby(results, key=lambda result: result.file):
        yield written([(clean(str(file)), BOLD)], colour=colour)
        for result in of_file:
            yield from table.scenario(result)
        yield ""
    yield written(table.sum(results, took), colour=colour)


class _Table:
    """Shows results in one language."""

    def __init__(self, language: Language, *, timeline: bool, colour: bool) -> None:
        self._language = language
        self._timeline = timeline
        self._colour = colour

    def scenario(self, result: Result) -> Iterator[str]:
        """Yield a scenario with all its expectations."""
        name = (clean(result.name), "" if result.held else _BAD)
        day = (f"  {self._day(result)}", DIM)
        yield self._line([("  ", ""), _sign(held=result.held), name, day])
        width = min(max((text_width(v.text) for v in result.shown), default=0), _WIDEST)
        for verdict in result.shown:
            yield from self._verdict(verdict, width)
        if self._timeline:
            yield self._line([(f"      {self._say('happened')}", DIM)])
            lines = [happened.text for happened in result.timeline]
            for line in lines or [self._say("nothing_fired")]:
                yield self._line([(f"        - {clean(line)}", DIM)])

    def sum(self, results: Sequence[Result], took: Micros | None) -> list[Part]:
        """Return what became of all of them."""
        verdicts = [verdict for result in results for verdict in result.verdicts]
        failed = sum(not result.held for result in results)
        text = self._say(
            "failed" if failed else "all_held",
            scenarios=self._number(len(results), "scenario"),
            expectations=self._number(len(verdicts), "expectation"),
            failed=failed,
            held=sum(verdict.held for verdict in verdicts),
            total=len(verdicts),
        )
        time = "" if took is None else self._say("took", length=took // 1_000)
        return [(text, BOLD if not failed else _BAD), (time, "")]

    def _verdict(self, verdict: Verdict, width: int) -> Iterator[str]:
        told = [(f"  {clean(verdict.told)}", DIM if verdict.held else "")]
        below = bool(verdict.told) and not verdict.held
        text = clean(verdict.text)
        place = self._say("line", line=verdict.line) if below else ""
        fits = text_width(text) <= width
        parts = [("      ", ""), _sign(held=verdict.held)]
        parts.append((pad(text, width, right=False) if fits else text, ""))
        yield self._line([*parts, *([] if below else told)])
        for line in verdict.told.splitlines() if below else ():
            yield self._line([(f"          {place}{clean(line)}", _BAD)])
            place = " " * text_width(place)

    def _day(self, result: Result) -> str:
        weekday = WEEKDAYS[self._language][result.day.weekday()]
        return self._say("day", day=result.day, weekday=weekday, zone=result.timezone)

    def _number(self, count: int, what: str) -> str:
        return self._say(what if count == 1 else f"{what}s", count=count)

    def _say(self, key: str, **values: object) -> str:
        return TEXTS[self._language][key].format(**values)

    def _line(self, parts: Sequence[Part]) -> str:
        return written(parts, colour=self._colour)


def _sign(*, held: bool) -> Part:
    return ("✓ ", GOOD) if held else ("✗ ", _BAD)
