"""Columns on a terminal: as wide as what is in them, the least needed left out. Pure."""

import dataclasses
from collections.abc import Iterator, Sequence

from callmon.console.text import DIM, Part, clean, pad, text_width, written

__all__ = ["Cell", "Column", "column_lines"]

Cell = Part
"""A text and the code of its colour."""

_GAP = "  "


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column; of those that do not fit the one with the highest *spare* goes first."""

    heading: str
    cells: Sequence[Cell]
    right: bool = True
    spare: int = 0  #: 0: it always stays

    @property
    def width(self) -> int:
        """Return how many columns of the terminal it takes."""
        texts = (clean(text) for text in (self.heading, *(text for text, _ in self.cells)))
        return max(map(text_width, texts))


def column_lines(columns: Sequence[Column], *, width: int, colour: bool) -> Iterator[str]:
    """Yield the heading and a line for each row, not wider than *width*; 0 is without end."""
    fitting = _fitting(columns, width)
    headings = [(pad(each.heading, each.width, right=each.right), DIM) for each in fitting]
    yield _line(headings, colour=colour)
    for number in range(len(columns[0].cells)):
        cells = []
        for each in fitting:
            text, code = each.cells[number]
            cells.append((pad(clean(text), each.width, right=each.right), code))
        yield _line(cells, colour=colour)


def _fitting(columns: Sequence[Column], width: int) -> Sequence[Column]:
    kept = list(columns)
    while width and _width(kept) > width:
        least = max(kept, key=lambda column: column.spare)
        if not least.spare:
            break
        kept.remove(least)
    return kept


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)


def _line(cells: Sequence[Cell], *, colour: bool) -> str:
    parts: list[Part] = []
    for cell in cells:
        parts += [(_GAP, ""), cell] if parts else [cell]
    return written(parts, colour=colour)
