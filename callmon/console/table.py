"""The live table as text: pure, one screenful at a time."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from fractions import Fraction

from callmon.clock import Micros
from callmon.console.text import (
    BOLD,
    DIM,
    GOOD,
    NO_VALUE,
    Part,
    clean,
    clock_length,
    cut,
    fitted,
    local,
    pad,
    text_width,
    written,
)
from callmon.console.view import (
    TEXTS,
    AlertNews,
    ConsoleAlert,
    ConsoleBreach,
    ConsoleRow,
    ConsoleView,
)
from callmon.rules import Severity
from callmon.wording import Language

__all__ = ["COLOURS", "Painter", "render"]

MINIMUM_WIDTH = 60
"""Narrower terminals get lines of this width and show their beginning."""

MINIMUM_STATE = 14
"""Room for one threshold with its sign."""

ALERTS_SHOWN = 5

COLOURS = {Severity.CRITICAL: "1;97;41", Severity.WARNING: "1;30;43", Severity.INFO: "30;46"}
_SIGNS = {Severity.CRITICAL: "▲", Severity.WARNING: "◆", Severity.INFO: "●"}
_PENDING, _BLIND, _ENDED, _LIT = "◔", "✕", "✓", "!"
_URGENCY = tuple(Severity)

_COLUMNS: tuple[tuple[str, Callable[[ConsoleRow], str]], ...] = (
    ("waiting", lambda row: _count(row.waiting)),
    ("longest_wait", lambda row: clock_length(row.longest_wait)),
    ("waiting_over_target", lambda row: _count(row.waiting_over_target)),
    ("talking", lambda row: _count(row.talking)),
    ("agents_available", lambda row: _share(row.available, row.staffed)),
    ("answered", lambda row: _share(row.answered, row.offered)),
    ("abandonment_rate", lambda row: _percent(row.abandonment_rate)),
    ("service_level", lambda row: _percent(row.service_level)),
)
_WINDOWED = ("abandonment_rate", "service_level")
_DISPENSABLE = (
    "talking",
    "waiting_over_target",
    "answered",
    "abandonment_rate",
    "agents_available",
    "service_level",
)
"""Columns in the order in which a narrow terminal loses them."""


def render(
    view: ConsoleView, *, width: int, height: int, colour: bool, language: Language
) -> str:
    """Return *view* as at most *height* lines of at most *width* columns, but 60 at least.

    Room goes to the addresses first, then to the worst queues, then to the last alerts.
    """
    paint = Painter(max(width, MINIMUM_WIDTH), colour=colour, language=language)
    head = [paint.header(view), ""]
    foot = ["", *paint.addresses(view.addresses)]
    news = [paint.alert(alert, view.zone) for alert in view.alerts[-ALERTS_SHOWN:]][::-1]
    room = height - len(head) - len(foot) - 1
    spare = room - len(view.rows) - 1
    news = news[: max(spare, 0)]
    body = paint.table(view, max(room - len(news) - bool(news), 1))
    lines = [*head, *body, *([""] if news else []), *news, *foot]
    return "\n".join(lines[:height])


class Painter:
    """Writes the parts in one width, colour and language; width 0 is without end."""

    def __init__(self, width: int, *, colour: bool, language: Language) -> None:
        self._width = width
        self._colour = colour
        self._texts = TEXTS[language]

    def header(self, view: ConsoleView) -> str:
        """Return the time and each source, with whether it sees."""
        parts = [
            ("callmon", BOLD),
            (f"{local(view.now, view.zone):%Y-%m-%d %H:%M:%S %Z}", ""),
        ]
        for source in view.sources:
            sign, word = ("✓", "up") if source.up else ("▲", "down")
            code = GOOD if source.up else COLOURS[Severity.CRITICAL]
            parts.append((f"{sign} {clean(source.name)} {self._texts[word]}", code))
        return self._line(parts, "  ")

    def addresses(self, addresses: Iterable[tuple[str, str]]) -> list[str]:
        """Return a line for each address."""
        return [self._line([(what, DIM), (where, BOLD)], " ") for what, where in addresses]

    def alert(self, alert: ConsoleAlert, zone: tzinfo) -> str:
        """Return one line of news."""
        ended = alert.news is AlertNews.ENDED
        sign = _ENDED if ended else _SIGNS[alert.severity]
        code = GOOD if ended else COLOURS[alert.severity]
        at = f"{local(alert.at, zone):%H:%M:%S}"
        what = f"{sign} {self._texts[alert.news]} {self._texts[alert.severity]}"
        return self._line([(at, DIM), (what, code), (clean(alert.summary), "")], "  ")

    def summary(self, view: ConsoleView) -> str:
        """Return the whole centre in one line, for where there is no table."""
        waiting = [row.waiting for row in view.rows if row.waiting is not None]
        known = [(row.longest_wait or 0, row.name) for row in view.rows if row.waiting]
        longest = max(known, default=None)
        firing = sum(len(row.firing) for row in view.rows)
        return "  ".join(
            (
                f"{local(view.now, view.zone):%H:%M:%S}",
                f"{self._texts['waiting']} {sum(waiting) if waiting else NO_VALUE}",
                f"{self._texts['longest_wait']} "
                + (
                    f"{clock_length(longest[0])} ({clean(longest[1])})" if longest else NO_VALUE
                ),
                f"{self._texts['agents_available']} {_share(view.available, view.staffed)}",
                f"{self._texts['firing']} {firing}",
            )
        )

    def table(self, view: ConsoleView, room: int) -> list[str]:
        """Return heading and rows, worst first, in *room* lines below the heading."""
        rows = sorted(view.rows, key=_badness)
        if not rows:
            return [self._line([(self._texts["none"], DIM)], "")]
        shown = rows if len(rows) <= room else rows[: max(room - 1, 1)]
        columns = self._fit(shown, view.window)
        more = []
        if len(shown) < len(rows):
            text = self._texts["more"].format(count=len(rows) - len(shown))
            more = [self._line([(text, DIM)], "")]
        return [self._heading(columns), *(self._row(row, columns) for row in shown), *more]

    def _fit(self, rows: Sequence[ConsoleRow], window: str) -> list["_Column"]:
        """Return the columns that fit, the name first and what is left to the state."""
        name_width = max(text_width(clean(row.name)) for row in rows)
        heading = self._texts["name"]
        columns = [
            _Column(
                "name", heading, min(max(name_width, text_width(heading)), self._width // 5)
            )
        ]
        for key, cell in _COLUMNS:
            heading = self._texts[key] + (f" {window}" if key in _WINDOWED else "")
            widest = max(text_width(cell(row)) + 1 for row in rows)
            columns.append(_Column(key, heading, max(widest, text_width(heading)), cell))
        dispensable = list(_DISPENSABLE)
        while (left := self._left(columns)) < MINIMUM_STATE and dispensable:
            lost = dispensable.pop(0)
            columns = [column for column in columns if column.key != lost]
        return [*columns, _Column("state", self._texts["state"], max(left, 0))]

    def _left(self, columns: Sequence["_Column"]) -> int:
        """Return the width that the sign, *columns* and their gaps leave."""
        return self._width - 2 - sum(column.width + 2 for column in columns)

    def _heading(self, columns: Sequence["_Column"]) -> str:
        cells = [pad(column.heading, column.width, right=column.right) for column in columns]
        return self._line([("  " + "  ".join(cells).rstrip(), DIM)], "")

    def _row(self, row: ConsoleRow, columns: Sequence["_Column"]) -> str:
        worst = _worst(row)
        parts = [(_sign(row) + " ", COLOURS[worst] if worst else "")]
        lit = {breach.measure: breach.severity for breach in _by_urgency(row)}
        for column in columns:
            code = ""
            if column.cell is not None:
                severity = lit.get(column.key)
                text = column.cell(row) + (_LIT if severity else " ")
                code = COLOURS[severity] if severity else ""
            elif column.key == "name":
                text, code = clean(row.name), BOLD if worst else ""
            else:
                text, code = self._state(row)
                parts.append((cut(text, column.width), code))
                break  # the last column, and nothing to fill up
            parts += [(pad(text, column.width, right=column.right), code), ("  ", "")]
        return self._line(parts, "")

    def _state(self, row: ConsoleRow) -> tuple[str, str]:
        names = [f"{_SIGNS[breach.severity]} {breach.threshold}" for breach in _by_urgency(row)]
        names = names[::-1] + [f"{_PENDING} {name}" for name in row.pending]
        if row.blind:
            names.insert(0, f"{_BLIND} {self._texts['blind']}")
        worst = _worst(row)
        code = COLOURS[worst] if worst else DIM
        return clean(" ".join(names)) or self._texts["ok"], code

    def _line(self, parts: Sequence[Part], between: str) -> str:
        """Join *parts*, cut to the width."""
        return written(fitted(parts, between, self._width), colour=self._colour)


@dataclasses.dataclass(frozen=True, slots=True)
class _Column:
    key: str
    heading: str
    width: int
    cell: Callable[[ConsoleRow], str] | None = None  #: None: the name and the state

    @property
    def right(self) -> bool:
        return self.cell is not None


def _by_urgency(row: ConsoleRow) -> list[ConsoleBreach]:
    """Return the breaches, the worst last."""
    return sorted(row.firing, key=lambda breach: _URGENCY.index(breach.severity))


def _worst(row: ConsoleRow) -> Severity | None:
    return _by_urgency(row)[-1].severity if row.firing else None


def _sign(row: ConsoleRow) -> str:
    worst = _worst(row)
    if worst:
        return _SIGNS[worst]
    if row.blind:
        return _BLIND
    return _PENDING if row.pending else " "


def _badness(row: ConsoleRow) -> tuple[int, bool, bool, Micros, str]:
    """Sort key: severity, then blindness, then what is pending, then the longest wait."""
    worst = _worst(row)
    urgency = _URGENCY.index(worst) + 1 if worst else 0
    return (-urgency, not row.blind, not row.pending, -(row.longest_wait or 0), row.name)


def _count(value: int | None) -> str:
    return NO_VALUE if value is None else str(value)


def _share(part: int | None, whole: int | None) -> str:
    return NO_VALUE if part is None or whole is None else f"{part}/{whole}"


def _percent(value: Fraction | None) -> str:
    if value is None:
        return NO_VALUE
    tenths = round(value * 1000)
    return f"{tenths // 10}.{tenths % 10}%"
