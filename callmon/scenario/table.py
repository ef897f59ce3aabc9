"""What became of scenarios, for a terminal: what held, what did not, what was instead. Pure."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from callmon.clock import Micros
from callmon.console.text import BOLD, DIM, GOOD, clean, pad, text_width, written
from callmon.scenario.results import Result

__all__ = ["table_lines"]

_BAD: Final = "1;31"
_WIDEST: Final = 72
"""A longer sentence has what is told of it on a line of its own."""


def table_lines(
    results: Sequence[Result], *, took: Micros | None, timeline: bool, colour: bool
) -> Iterator[str]:
    """Yield the lines; *took* is for all of them together, None: not to be told."""
    for file, of_file in groupby(results, key=lambda result: result.file):
        yield written([(clean(str(file)), BOLD)], colour=colour)
        for result in of_file:
            yield from _scenario(result, timeline=timeline, colour=colour)
        yield ""
    yield written(_sum(results, took), colour=colour)


def _scenario(result: Result, *, timeline: bool, colour: bool) -> Iterator[str]:
    day = f"{result.day:%a %Y-%m-%d}, {result.timezone}"
    name = (clean(result.name), "" if result.held else _BAD)
    yield written([("  ", ""), _sign(held=result.held), name, (f"  {day}", DIM)], colour=colour)
    width = min(max((text_width(v.text) for v in result.verdicts), default=0), _WIDEST)
    for verdict in result.verdicts:
        told = [(f"  {clean(verdict.told)}", DIM if verdict.held else "")]
        below = bool(verdict.told) and not verdict.held
        text = clean(verdict.text)
        place = f"line {verdict.line}: " if below else ""
        fits = text_width(text) <= width
        parts = [("      ", ""), _sign(held=verdict.held)]
        parts.append((pad(text, width, right=False) if fits else text, ""))
        yield written([*parts, *([] if below else told)], colour=colour)
        for line in verdict.told.splitlines() if below else ():
            yield written([(f"          {place}{clean(line)}", _BAD)], colour=colour)
            place = " " * len(place)
    if timeline:
        yield written([("      what happened:", DIM)], colour=colour)
        lines = [happened.text for happened in result.timeline] or ["nothing fired"]
        for line in lines:
            yield written([(f"        - {clean(line)}", DIM)], colour=colour)


def _sign(*, held: bool) -> tuple[str, str]:
    return ("✓ ", GOOD) if held else ("✗ ", _BAD)


def _sum(results: Sequence[Result], took: Micros | None) -> list[tuple[str, str]]:
    verdicts = [verdict for result in results for verdict in result.verdicts]
    failed = sum(not result.held for result in results)
    held = sum(verdict.held for verdict in verdicts)
    scenarios = _number(len(results), "scenario")
    if not failed:
        text = f"{scenarios}: all {_number(len(verdicts), 'expectation')} held"
    else:
        text = f"{failed} of {scenarios} failed; {held} of {len(verdicts)} expectations held"
    time = "" if took is None else f", in {took // 1_000} ms"
    return [(text, BOLD if not failed else _BAD), (time, "")]


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
