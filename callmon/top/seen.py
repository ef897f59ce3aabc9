"""What was seen of each figure since the start, in little room. Pure.

However long it runs, it is all there: when there is no room two neighbours become one, the
worse of them.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from callmon.board_view import BoardRow, BoardView
from callmon.clock import Micros

__all__ = ["SEEN", "Course", "Seen", "bars"]

POINTS: Final = 60
"""Of a course at most: they fit beside a name on eighty columns."""

MAX_ROWS: Final = 2_000
"""Of more rows nothing is kept: a terminal is not where one looks at them."""

_BARS: Final = "▁▂▃▄▅▆▇█"

SEEN: Final = ("waiting", "longest_wait", "service_level_now", "agents_available")
"""The measures whose course is kept."""

_WORSE: Final[dict[str, Callable[[float, float], float]]] = {
    "waiting": max,
    "longest_wait": max,
    "service_level_now": min,
    "agents_available": min,
}


class Course:
    """The values of one figure, evenly apart."""

    def __init__(self, worse: Callable[[float, float], float]) -> None:
        self._worse = worse
        self._points: list[float | None] = []
        self._each = 1  #: values that make a point
        self._open: float | None = None  #: the worst of the point that is not full
        self._count = 0  #: values in it

    def add(self, value: float | None) -> None:
        """Take the next value; None: not known."""
        self._open = self._of(self._open, value)
        self._count += 1
        if self._count == self._each:
            self._points.append(self._open)
            self._open, self._count = None, 0
        if len(self._points) == POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [self._of(*pair) for pair in pairs]
            self._each *= 2

    @property
    def points(self) -> Sequence[float | None]:
        """Return what was seen, the oldest first."""
        return [*self._points, *([self._open] if self._count else [])]

    def _of(self, first: float | None, second: float | None) -> float | None:
        if first is None or second is None:
            return second if first is None else first
        return self._worse(first, second)


class Seen:
    """The courses of all rows."""

    def __init__(self, now: Micros) -> None:
        self.since = now
        self._rows: dict[str, dict[str, Course]] = defaultdict(dict)

    def add(self, board: BoardView) -> None:
        """Take what *board* shows. A figure kept of a blind queue is not seen."""
        rows = {row.id: row for row in board.rows[:MAX_ROWS]}
        for gone in self._rows.keys() - rows.keys():
            self._unknown(gone)
        for name, row in rows.items():
            if name in self._rows or len(self._rows) < MAX_ROWS:
                self._add(name, row)

    def add_nothing(self) -> None:
        """Take that nobody knows what there was to see."""
        for name in self._rows:
            self._unknown(name)

    def course(self, name: str, measure: str) -> Sequence[float | None]:
        """Return what was seen of a measure of the row *name*."""
        found = self._rows.get(name, {}).get(measure)
        return () if found is None else found.points

    def _add(self, name: str, row: BoardRow) -> None:
        for measure in SEEN:
            held = row.window if measure in type(row.window).__struct_fields__ else row.live
            value = None if row.blind else getattr(held, measure)
            self._course(name, measure).add(value)

    def _unknown(self, name: str) -> None:
        for measure in SEEN:
            self._course(name, measure).add(None)

    def _course(self, name: str, measure: str) -> Course:
        courses = self._rows[name]
        if measure not in courses:
            courses[measure] = Course(_WORSE[measure])
        return courses[measure]


def bars(points: Sequence[float | None], most: float | None = None) -> str:
    """Return a bar for each point, from 0 up to *most*; what was not known is a gap."""
    known = [point for point in points if point is not None]
    top = max(known, default=0.0) if most is None else most
    return "".join(" " if point is None else _bar(point, top) for point in points)


def _bar(value: float, most: float) -> str:
    if most <= 0:
        return _BARS[0]
    return _BARS[min(max(int(len(_BARS) * value / most), 1), len(_BARS)) - 1]
