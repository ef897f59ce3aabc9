"""The committed boards as Grafana would read them: panels, variables, queries.

Variables take the value that stands in the board, or everything where it says so; a panel
that repeats stands there once for each value.
"""

import copy
import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.peers import ROOT
from tests.grafana.answers import Prometheus

__all__ = [
    "ALL",
    "FOLDER",
    "LANGUAGES",
    "Board",
    "Panel",
    "Query",
    "Span",
    "Variables",
    "annotations",
    "board_files",
    "fill",
    "load",
    "panels",
    "queries",
    "repeated",
    "resolved",
]

Board = Mapping[str, Any]
Panel = Mapping[str, Any]

FOLDER = ROOT / "grafana" / "dashboards"
LANGUAGES = ("en", "zh")
ALL = "$__all"
LONGEST_REPEAT = 6
"""Panels that repeat for each queue: so many say what a hundred would."""

_LABEL_VALUES = re.compile(
    r"^\s*label_values\(\s*(?:(?P<series>.+),)?\s*(?P<label>\w+)\s*\)\s*$", re.DOTALL
)
_QUERY_RESULT = re.compile(r"^\s*query_result\((?P<expr>.+)\)\s*$", re.DOTALL)
_VARIABLE = re.compile(
    r"\$(?P<bare>\w+)|\$\{(?P<braced>\w+)(?::(?P<format>\w+))?\}|\[\[(?P<old>\w+)\]\]"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What a board is looked at for, in seconds since 1970."""

    begin: float
    end: float
    step: float
    scraped_every: float

    def at_least(self, interval: str | None) -> "Span":
        """Return the same in no smaller steps than *interval*, as ``5m``."""
        found = re.fullmatch(r"(\d+)([smhd])", interval or "")
        if found is None:
            return self
        least = float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
        return dataclasses.replace(self, step=max(self.step, least))

    @property
    def built_in(self) -> dict[str, str]:
        """The variables that Grafana has by itself."""
        length = round(self.end - self.begin)
        rate = max(self.step + self.scraped_every, 4 * self.scraped_every)
        return {
            "__interval": f"{round(self.step)}s",
            "__interval_ms": str(round(self.step * 1000)),
            "__rate_interval": f"{round(rate)}s",
            "__range": f"{length}s",
            "__range_s": str(length),
            "__range_ms": str(length * 1000),
            "__from": str(round(self.begin * 1000)),
            "__to": str(round(self.end * 1000)),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Variables:
    """The values of a board's variables: what a query gets, and each one singly."""

    query: Mapping[str, str]
    single: Mapping[str, Sequence[str]]
    regex: Mapping[str, str]  #: as ``${name:regex}`` gives it

    def of_one(self, name: str, value: str) -> "Variables":
        """Return the same with *name* being *value* alone, as in a panel that repeats."""
        return self.chosen(name, (value,), value, _alternatives([value], _for_a_regex))

    def chosen(self, name: str, values: Sequence[str], text: str, regex: str) -> "Variables":
        """Return the same with one variable more."""
        return Variables(
            {**self.query, name: text},
            {**self.single, name: tuple(values)},
            {**self.regex, name: regex},
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question to Prometheus."""

    where: str  #: board, panel, letter
    ref: str
    expr: str
    instant: bool
    range: bool
    format: str
    legend: str
    step: float


def board_files(language: str = "*") -> list[Path]:
    """Return the committed boards."""
    return sorted(FOLDER.glob(f"{language}/*.json"))


def load(path: Path) -> Board:
    """Return the board in *path*."""
    board: Board = json.loads(path.read_text(encoding="utf-8"))
    return board


def panels(board: Board) -> Iterator[Panel]:
    """Give every panel, those in collapsed rows, too."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", ())


def fill(text: str, variables: Variables, span: Span) -> str:
    """Return *text* with the values of variables in it; fail for one that nobody knows."""
    known = {**variables.query, **span.built_in}

    def value(match: re.Match[str]) -> str:
        name = match["bare"] or match["braced"] or match["old"]
        if name not in known:
            raise KeyError(f"${name} in {text}: expected one of {', '.join(sorted(known))}")
        if match["format"] in {"text", "csv", "raw", "queryparam"}:
            return ",".join(variables.single.get(name, (known[name],)))
        if match["format"] == "regex":
            return variables.regex[name]
        return known[name]

    return _VARIABLE.sub(value, text)


def queries(board: Board, panel: Panel, variables: Variables, span: Span) -> Iterator[Query]:
    """Give the questions of a panel."""
    for target in panel.get("targets", ()):
        if "expr" not in target or target.get("hide"):
            continue
        own = span.at_least(target.get("interval") or panel.get("interval"))
        instant = bool(target.get("instant"))
        yield Query(
            where=f"{board['uid']}: {panel.get('title')!r} {target.get('refId')}",
            ref=target.get("refId", "A"),
            expr=fill(target["expr"], variables, own),
            instant=instant,
            range=bool(target.get("range")) or not instant,
            format=target.get("format", "time_series"),
            legend=target.get("legendFormat", ""),
            step=own.step,
        )


def annotations(board: Board, variables: Variables, span: Span) -> Iterator[Query]:
    """Give the questions of a board's annotations."""
    for each in board.get("annotations", {}).get("list", ()):
        expr = each.get("expr") or each.get("target", {}).get("expr")
        if expr:
            yield Query(
                where=f"{board['uid']}: annotation {each['name']!r}",
                ref="Anno",
                expr=fill(expr, variables, span),
                instant=False,
                range=True,
                format="time_series",
                legend=each.get("titleFormat", ""),
                step=span.step,
            )


async def resolved(
    board: Board, prometheus: Prometheus, span: Span, chosen: Mapping[str, str] | None = None
) -> Variables:
    """Ask for the options of every variable, in their order, and choose.

    *chosen* values go before those of the board.
    """
    variables = Variables({"__all_variables": "", "__url_time_range": ""}, {}, {})
    for each in board["templating"]["list"]:
        name = each["name"]
        options = await _options(each, prometheus, variables, span)
        wanted = (chosen or {}).get(name) or _current(each)
        everything = not wanted or wanted in (ALL, [ALL])
        values = options if everything else ([wanted] if isinstance(wanted, str) else wanted)
        several = each.get("multi") or each.get("includeAll")
        values = values if several else values[:1]
        regex = _alternatives(values, _for_a_regex)
        if not several:
            text = _for_a_string(values[0] if values else "")
        elif everything and each.get("allValue"):
            text = regex = each["allValue"]
        else:
            text = _alternatives(values, _for_a_regex_in_a_string)
        variables = variables.chosen(name, values, text, regex)
    return variables


def _current(variable: Mapping[str, Any]) -> str | list[str]:
    value: str | list[str] = variable.get("current", {}).get("value", "") or ""
    return value


def _alternatives(values: Sequence[str], escaped: Callable[[str], str]) -> str:
    """Return a regular expression of *values*; nothing of none."""
    each = [escaped(value) for value in values]
    return each[0] if len(each) == 1 else f"({'|'.join(each)})"


def _for_a_string(value: str) -> str:
    """Return what Grafana's Prometheus makes of the only value that can be chosen."""
    return value.replace("\\", "\\\\").replace("'", "\\\\'")


def _for_a_regex_in_a_string(value: str) -> str:
    """Return what Grafana's Prometheus makes of one of several values."""
    slashed = value.replace("\\", "\\\\\\\\")
    return re.sub(r"[$^*{}\[\]+?.()|]", r"\\\\\g<0>", slashed)


def _for_a_regex(value: str) -> str:
    """Return what ``:regex`` makes of a value."""
    return re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", value)


async def _options(
    variable: Mapping[str, Any], prometheus: Prometheus, variables: Variables, span: Span
) -> list[str]:
    kind, query = variable["type"], variable.get("query", "")
    if kind == "custom":
        return [part.rpartition(" : ")[2].strip() for part in query.split(",")]
    if kind == "datasource":
        return ["prometheus"]
    if kind != "query":
        return [query]
    text = fill(query if isinstance(query, str) else query["query"], variables, span)
    if found := _LABEL_VALUES.match(text):
        values = await prometheus.label_values(
            found["label"], found["series"], begin=span.begin, end=span.end
        )
    elif found := _QUERY_RESULT.match(text):
        rows = await prometheus.instant(found["expr"], span.end)
        values = [_row_text(row, span.end) for row in rows]
    else:
        raise ValueError(f"variable {variable['name']}: what is {text!r}?")
    return sorted(_chosen_by(variable.get("regex", ""), values))


def _row_text(row: Mapping[str, Any], at: float) -> str:
    labels = dict(row["metric"])
    name = labels.pop("__name__", "")
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{inside}}} {row['value'][1]} {round(at * 1000)}"


def _chosen_by(regex: str, values: Sequence[str]) -> set[str]:
    if not regex:
        return set(values)
    pattern = re.compile(regex.strip("/").replace("(?<", "(?P<"))
    found = (pattern.search(value) for value in values)
    return {
        (match.groupdict().get("value") or (match[1] if match.re.groups else match[0]))
        for match in found
        if match
    }


def repeated(panel: Panel, variables: Variables) -> Iterator[tuple[Panel, Variables]]:
    """Give a panel once for each value of the variable it repeats for."""
    name = panel.get("repeat")
    if not name:
        yield panel, variables
        return
    values = variables.single[name][:LONGEST_REPEAT]
    place = panel["gridPos"]
    across = panel.get("repeatDirection", "h") == "h"
    per_row = min(len(values), panel.get("maxPerRow", 4)) if across else 1
    width = 24 // max(per_row, 1) if across else place["w"]
    for number, value in enumerate(values):
        row, column = divmod(number, per_row)
        one = copy.deepcopy(dict(panel))
        one["gridPos"] = {
            "x": column * width if across else place["x"],
            "y": place["y"] + row * place["h"],
            "w": width,
            "h": place["h"],
        }
        yield one, variables.of_one(name, value)
