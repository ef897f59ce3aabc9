"""Text in columns of a terminal: how wide it is, cut, filled up, coloured. Pure."""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from callmon.clock import SECOND, Micros

__all__ = [
    "BOLD",
    "DIM",
    "GOOD",
    "NO_VALUE",
    "Part",
    "clean",
    "clock_length",
    "cut",
    "fitted",
    "local",
    "pad",
    "text_width",
    "written",
]

NO_VALUE = "–"  # noqa: RUF001  # the dash that stands for "we do not know"

DIM, BOLD, GOOD = "2", "1", "32"

Part = tuple[str, str]
"""A text and the code of its colour (SGR), ``1;97;41``; "" is the terminal's own."""

_UNPRINTABLE = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")


def text_width(text: str) -> int:
    """Return how many terminal columns *text* takes; Chinese takes two a character.

    Characters of ambiguous width count as one, as in every terminal's default.
    """
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def clean(text: str) -> str:
    """Replace what would move the cursor or cannot be printed: names come from outside."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("?" if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


def cut(text: str, width: int) -> str:
    """Return *text* if it fits into *width* columns, else its beginning and an ellipsis."""
    if text_width(text) <= width:
        return text
    kept, left = [], width - 1
    for character in text:
        left -= _character_width(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept) + "…" if width > 0 else ""


def pad(text: str, width: int, *, right: bool) -> str:
    """Return *text* in exactly *width* columns."""
    text = cut(text, width)
    blank = " " * (width - text_width(text))
    return blank + text if right else text + blank


def fitted(parts: Sequence[Part], between: str, width: int) -> list[Part]:
    """Return *parts* with *between* them, cut to *width*; 0 is without end."""
    left = width or sum(text_width(text) + len(between) for text, _ in parts)
    line: list[Part] = []
    for number, (text, code) in enumerate(parts):
        gap = between if number else ""
        kept = cut(text, left - len(gap))
        if not kept:
            break
        left -= len(gap) + text_width(kept)
        line += [(gap, ""), (kept, code)] if gap else [(kept, code)]
    return line


def written(parts: Iterable[Part], *, colour: bool) -> str:
    """Return *parts* as one line, in colour if asked; blanks have none."""
    return "".join(
        f"\x1b[{code}m{text}\x1b[0m" if colour and code and text.strip() else text
        for text, code in parts
    ).rstrip()


def clock_length(value: Micros | None) -> str:
    """Return ``3:12`` or ``1:02:07``, cut to whole seconds as a clock shows them."""
    if value is None:
        return NO_VALUE
    minutes, seconds = divmod(value // SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def local(at: Micros, zone: tzinfo | None) -> datetime:
    """Return *at* by the wall clock of *zone*; None: that of this machine."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at)).astimezone(zone)


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
