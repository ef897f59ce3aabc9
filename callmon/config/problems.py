"""Mistakes in configuration files: how they are collected, ordered and printed.

A problem reads ``file:line:col: path: what was expected, what was found``, the form
compilers use, so that editors and terminals make it a link.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

__all__ = [
    "Problem",
    "did_you_mean",
    "nearest",
    "one_of",
    "path_text",
    "printed",
    "with_found",
]

MAX_LISTED = 12
"""More known names than this are not listed in a message."""


class Problem(str):
    """The text of one mistake, with the source line for those who print a caret."""

    __slots__ = ("column", "excerpt", "line")

    column: int  #: counted from 1
    excerpt: str | None  #: the source line; None where there is none or it may hold a secret
    line: int  #: counted from 1

    @classmethod
    def at(
        cls,
        file: str,
        line: int,
        column: int,
        path: str,
        message: str,
        *,
        excerpt: str | None = None,
    ) -> "Problem":
        """Return the problem at *line* and *column* of *file*."""
        place = f"{file}:{line}:{column}"
        text = f"{place}: {path}: {message}" if path else f"{place}: {message}"
        problem = cls(_printable(text))
        problem.line, problem.column = line, column
        problem.excerpt = _printable(excerpt) if excerpt is not None else None
        return problem


def printed(problems: Sequence[str], *, colour: bool = False) -> list[str]:
    """Return the lines that show *problems* on a terminal, each with its source line."""
    bold, red, dim, end = ("\x1b[1m", "\x1b[31m", "\x1b[2m", "\x1b[0m") if colour else ("",) * 4
    lines = []
    for problem in problems:
        lines.append(f"{bold}{problem}{end}")
        if isinstance(problem, Problem) and problem.excerpt is not None:
            gap = "".join(_blank(char) for char in problem.excerpt[: problem.column - 1])
            lines.append(f"{dim}  | {problem.excerpt}{end}")
            lines.append(f"{dim}  | {end}{gap}{red}^{end}")
    return lines


def _blank(char: str) -> str:
    """Return blanks as wide as *char*, so that the caret stands under the right one."""
    if char == "\t":
        return char
    return "  " if unicodedata.east_asian_width(char) in {"W", "F"} else " "


def _printable(text: str) -> str:
    """Return *text* without what a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\t" else "?" for char in text)


def path_text(loc: Sequence[str | int]) -> str:
    """Return *loc* as people write it: ``thresholds[2].above``."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def with_found(message: str, found: str) -> str:
    """Return *message* with what was found, before a question that ends it."""
    expected, question, rest = message.partition("; did you mean")
    return f"{expected}, found {found}{question}{rest}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one of *known* that *word* was probably meant to be."""
    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of *known*, or nothing."""
    near = nearest(word, known)
    return f"; did you mean '{near}'?" if near is not None else ""


def one_of(word: str, known: Iterable[str], *, what: str = "known") -> str:
    """Return the nearest of *known* as a question, or all of them when they are few."""
    names = list(known)
    hint = did_you_mean(word, names)
    if hint or not names or len(names) > MAX_LISTED:
        return hint
    return f"; {what}: {', '.join(names)}"
