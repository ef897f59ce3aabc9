"""What people read on a board, out of what Grafana's display engine says of its panels."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Cell", "cells", "tiles"]

Reading = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """A figure: its text, its colour or that of the mark before it, the mark's shape."""

    text: str
    color: str
    mark: str = ""


def panel(readings: Sequence[Reading], title: str) -> Reading:
    """Return the panel with this title."""
    found = [reading for reading in readings if reading["title"] == title]
    titles = [reading["title"] for reading in readings]
    assert found, f"expected a panel {title!r}, found {titles}"
    return found[0]


def tiles(readings: Sequence[Reading], title: str) -> dict[str, Cell]:
    """Return the tiles of a panel by their titles, in order."""
    return {
        tile["title"]: Cell(tile["text"], tile["color"])
        for tile in panel(readings, title)["tiles"]
    }


def cells(readings: Sequence[Reading], title: str, row: str) -> dict[str, Cell]:
    """Return the row whose second column is *row*, by column.

    A column without a name is the mark of the next one.
    """
    (table,) = panel(readings, title)["tables"]
    columns = table["columns"]
    names = [cell["text"] for cell in columns[1]["cells"]]
    assert row in names, f"expected a row {row!r}, found {names}"
    found: dict[str, Cell] = {}
    mark: Mapping[str, Any] | None = None
    for column in columns:
        cell = column["cells"][names.index(row)]
        if not column["name"].strip():
            mark = cell
            continue
        shown = mark or cell
        found[column["name"]] = Cell(
            cell["text"].strip(), shown["color"], mark["text"].strip() if mark else ""
        )
        mark = None
    return found


def order(readings: Sequence[Reading], title: str) -> list[str]:
    """Return the names of a table's rows, from above."""
    (table,) = panel(readings, title)["tables"]
    return [cell["text"] for cell in table["columns"][1]["cells"]]
