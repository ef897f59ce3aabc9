"""The rows of the board as a table: columns that fit, breaches lit up."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

from callmon.board import Level
from callmon.board_view import BoardRow, BoardStanding
from callmon.console.text import BOLD, DIM, clean, fitted, local, pad, text_width
from callmon.top.figures import figure, marked, parsed, share, waited
from callmon.top.head import ALARMING, Line
from callmon.top.scene import Scene
from callmon.top.texts import CODES, SIGNS

__all__ = ["Layout", "empty_line", "heading_line", "layout", "row_line"]

LIT: Final = "!"
MINIMUM_STATE: Final = 14
"""Room for one threshold with its sign."""

NARROWEST_NAME: Final = 8


@dataclasses.dataclass(frozen=True, slots=True)
class _Column:
    key: str  #: of its heading
    cell: Callable[[Scene, BoardRow], str]
    measure: str | None = None  #: lights up when a limit of it is passed
    windowed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Which columns there are, and how wide each is."""

    name: int
    columns: Sequence[tuple[_Column, int]]
    width: int  #: of it all; 0 is without end


def _live(name: str) -> _Column:
    def cell(scene: Scene, row: BoardRow) -> str:
        return figure(row, name, getattr(row.live, name), scene.language)

    return _Column(name, cell, name)


def _windowed(name: str) -> _Column:
    def cell(scene: Scene, row: BoardRow) -> str:
        return figure(row, name, getattr(row.window, name), scene.language)

    return _Column(name, cell, name, windowed=True)


def _longest(scene: Scene, row: BoardRow) -> str:
    return waited(row, scene.elapsed, scene.language)


def _agents(scene: Scene, row: BoardRow) -> str:
    return share(row.live.agents_available, row.live.agents_staffed, scene.language)


def _answered(scene: Scene, row: BoardRow) -> str:
    return share(row.today.answered, row.today.offered, scene.language)


_COLUMNS: Final = (
    _live("waiting"),
    _Column("longest_wait", _longest, "longest_wait"),
    _live("waiting_over_target"),
    _windowed("service_level_now"),
    _windowed("abandonment_rate"),
    _windowed("answer_rate"),
    _Column("agents", _agents, "agents_available"),
    _Column("answered", _answered),
)
_DISPENSABLE: Final = (
    "answered",
    "answer_rate",
    "waiting_over_target",
    "abandonment_rate",
    "agents",
    "service_level_now",
)
"""Columns in the order in which a narrow terminal loses them."""


def layout(scene: Scene, rows: Sequence[BoardRow], width: int) -> Layout:
    """Return the columns that fit into *width* for *rows*; 0 is without end."""
    names = [scene.texts["name"], *(scene.name(row) for row in rows)]
    name = max(map(text_width, names))
    if width:
        name = min(name, max(width // 4, NARROWEST_NAME))
    columns = [(column, _column_width(scene, column, rows)) for column in _COLUMNS]
    for lost in _DISPENSABLE:
        if not width or _left(name, columns, width) >= MINIMUM_STATE:
            break
        columns = [each for each in columns if each[0].key != lost]
    return Layout(name, columns, width)


def heading_line(scene: Scene, fit: Layout) -> Line:
    """Return the names of the columns."""
    cells = [pad(scene.texts["name"], fit.name, right=False)]
    cells += [pad(_heading(scene, column), room, right=True) for column, room in fit.columns]
    return fitted([("  " + "  ".join([*cells, scene.texts["state"]]), DIM)], "", fit.width)


def row_line(scene: Scene, row: BoardRow, fit: Layout) -> Line:
    """Return one row of the table: what is beyond its limit is marked by sign and colour."""
    calm = row.level is Level.CALM
    line = [(" ", "")] if calm else [(SIGNS[row.level], CODES[row.level])]
    line.append((" ", ""))
    line.append((pad(scene.name(row), fit.name, right=False), "" if calm else BOLD))
    for column, room in fit.columns:
        level = _level(scene, row, column)
        lit = level in ALARMING
        text = pad(column.cell(scene, row) + (LIT if lit else " "), room, right=True)
        stale = DIM if row.blind else ""
        line += [("  ", ""), (text, CODES[level] if lit else stale)]
    line += [("  ", ""), *_state(scene, row)]
    return fitted(line, "", fit.width)


def empty_line(scene: Scene, width: int) -> Line:
    """Return why there is no row."""
    text, look = scene.texts["none"], scene.look
    if look.text:
        text = scene.texts["none_named"].format(text=clean(look.text))
    elif look.labels:
        labels = " ".join(clean(f"{name}={value}") for name, value in look.labels)
        text = scene.texts["none_with"].format(labels=labels)
    return fitted([(text, DIM)], "", width)


def _heading(scene: Scene, column: _Column) -> str:
    text = scene.texts[column.key]
    return f"{text} {clean(scene.board.window)}" if column.windowed else text


def _column_width(scene: Scene, column: _Column, rows: Sequence[BoardRow]) -> int:
    cells = [text_width(column.cell(scene, row)) + len(LIT) for row in rows]
    return max([text_width(_heading(scene, column)), *cells])


def _left(name: int, columns: Sequence[tuple[_Column, int]], width: int) -> int:
    """Return the width that the sign, the name, *columns* and their gaps leave."""
    return width - 2 - (name + 2) - sum(room + 2 for _, room in columns)


def _level(scene: Scene, row: BoardRow, column: _Column) -> Level:
    if column.measure is None:
        return Level.CALM
    return marked(row, column.measure, scene.board.window if column.windowed else None)


def _state(scene: Scene, row: BoardRow) -> Line:
    """Return what is the matter: not seen, and the limits that are passed."""
    marks: Line = []
    if row.blind:
        text = scene.texts["no_data"]
        if row.as_of is not None:
            at = f"{local(parsed(row.as_of), scene.look.zone):%H:%M:%S}"
            text = scene.texts["as_of"].format(at=at)
        marks.append((f"{SIGNS[Level.BLIND]} {text}", CODES[Level.BLIND]))
    marks += [_mark(standing) for standing in row.standings if standing.level is not Level.CALM]
    if not marks:
        return [(scene.level(Level.CALM), DIM)]
    return [part for mark in marks for part in (mark, (" ", ""))]


def _mark(standing: BoardStanding) -> tuple[str, str]:
    return f"{SIGNS[standing.level]} {clean(standing.threshold)}", CODES[standing.level]
