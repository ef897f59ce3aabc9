"""Mistakes in configuration files: how they are collected, ordered and printed.

A problem reads ``file:line:col: path: what was expected, what was found``, the form
compilers use, so that editors and terminals make it a link.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum

from callmon.config.said import Said
from callmon.wording import Language

__all__ = [
    "Level",
    "Problem",
    "asked",
    "did_you_mean",
    "nearest",
    "one_of",
    "path_text",
    "printed",
    "with_found",
]

MAX_LISTED = 12
"""More known names than this are not listed in a message."""


class Level(StrEnum):
    """How sure it is that something is wrong."""

    ERROR = "error"  #: the file cannot be used
    WARNING = "warning"  #: allowed, and probably not what was meant
    INFO = "info"  #: good to know


class Problem(str):
    """The text of one mistake, with the source line for those who print a caret.

    That of a warning or an info says so: ``file:line:col: path: warning: …``. It is English;
    what is known in Chinese, too, can be read in both.
    """

    __slots__ = ("chinese", "column", "excerpt", "file", "level", "line", "message", "path")

    chinese: str | None  #: the message; None where it is known in English alone
    column: int  #: counted from 1
    excerpt: str | None  #: the source line; None where there is none or it may hold a secret
    file: str
    level: Level
    line: int  #: counted from 1
    message: str  #: without place, path and level
    path: str  #: such as ``thresholds[2].above``; empty: the file as a whole

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
        level: Level = Level.ERROR,
    ) -> "Problem":
        """Return the problem at *line* and *column* of *file*."""
        words = message if level is Level.ERROR else f"{level}: {message}"
        problem = cls(_printable(f"{_place(file, line, column, path)}: {words}"))
        problem.file, problem.line, problem.column = file, line, column
        problem.path, problem.level = _printable(path), level
        problem.message = _printable(message)
        problem.excerpt = _printable(excerpt) if excerpt is not None else None
        problem.chinese = _printable(message.chinese) if isinstance(message, Said) else None
        return problem

    def message_in(self, language: Language) -> str:
        """Return the message in *language*; where that is not known, in English."""
        if language is Language.CHINESE and self.chinese is not None:
            return self.chinese
        return self.message

    def text_in(self, language: Language) -> str:
        """Return the whole text with its message in *language*."""
        if language is Language.ENGLISH:
            return self
        level = _CHINESE_LEVELS[self.level]
        place = _printable(_place(self.file, self.line, self.column, self.path))
        return f"{place}: {level}{self.message_in(language)}"

    @classmethod
    def of(cls, text: str, file: str) -> "Problem":
        """Return the problem that *text* tells; without a place, at the top of *file*."""
        match = _PLACED.fullmatch(text)
        if match is None:
            return cls.at(file, 1, 1, "", text.removeprefix(f"{file}: "))
        return cls.at(
            match["file"],
            int(match["line"]),
            int(match["column"]),
            match["path"] or "",
            match["message"],
        )


_CHINESE_LEVELS = {
    Level.ERROR: "",
    Level.WARNING: "警告：",  # noqa: RUF001  # Chinese punctuation
    Level.INFO: "提示：",  # noqa: RUF001  # Chinese punctuation
}


def _place(file: str, line: int, column: int, path: str) -> str:
    return f"{file}:{line}:{column}: {path}" if path else f"{file}:{line}:{column}"


_PLACED = re.compile(
    r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?:(?P<path>\S+): )?(?P<message>.*)",
    re.DOTALL,
)


def printed(
    problems: Sequence[str], *, colour: bool = False, language: Language = Language.ENGLISH
) -> list[str]:
    """Return the lines that show *problems* on a terminal, each with its source line."""
    bold, dim, end = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if colour else ("",) * 3
    lines = []
    for problem in problems:
        paint = _COLOURS[getattr(problem, "level", Level.ERROR)] if colour else ""
        text = problem.text_in(language) if isinstance(problem, Problem) else problem
        lines.append(f"{bold}{paint}{text}{end}")
        if isinstance(problem, Problem) and problem.excerpt is not None:
            gap = "".join(_blank(char) for char in problem.excerpt[: problem.column - 1])
            lines.append(f"{dim}  | {problem.excerpt}{end}")
            lines.append(f"{dim}  | {end}{gap}{paint}^{end}")
    return lines


_COLOURS = {Level.ERROR: "\x1b[31m", Level.WARNING: "\x1b[33m", Level.INFO: "\x1b[36m"}


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
    return asked(near) if near is not None else ""


def asked(meant: str) -> Said:
    """Return ``; did you mean 'x'?``."""
    return Said.of(f"; did you mean '{meant}'?", f"；是不是 '{meant}'？")  # noqa: RUF001  # Chinese


def one_of(word: str, known: Iterable[str], *, what: str = "known") -> str:
    """Return the nearest of *known* as a question, or all of them when they are few."""
    names = list(known)
    hint = did_you_mean(word, names)
    if hint or not names or len(names) > MAX_LISTED:
        return hint
    listed = ", ".join(names)
    return Said.of(f"; {what}: {listed}", f"；可选：{listed}")  # noqa: RUF001  # Chinese
