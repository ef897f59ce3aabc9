"""What is wrong with text that is no YAML, in words that tell the cure.

The parser's own messages speak of block mappings and tokens; the mistakes behind them are
few: a tab, an unquoted ``{`` or ``*``, a second colon, a quote or bracket left open.
"""

import re
from collections.abc import Sequence

import yaml

from callmon.config.meant import narrow
from callmon.config.shape import misshapen

__all__ = ["control_character", "syntax_problem"]

Place = tuple[int, int, str]
"""Line and column, counted from 1, and the message."""

_OPENED_BEFORE = ("unexpected end of stream", "or ']'", "or '}'")
"""Problems that are seen at the end but made where something was opened."""

_NO_COLON = "could not find expected ':'"
"""Seen on the line below the key."""

_OF_SHAPE = (
    "mapping values are not allowed",
    "did not find expected key",
    "did not find expected '-' indicator",
    "did not find expected <document start>",
    "did not find expected alphabetic or numeric character",
    _NO_COLON,
)
"""Problems behind which a dash, a colon or the indentation may be."""

_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'""")
_BRACKET_IN_TEXT = re.compile(
    r"(?:^|[\s,\[{])(?P<text>[^\s,\[\]{}:][^\s,\[\]{}]*(?P<mark>[\[{]))"
)
"""Such as ``acd/{queue}`` or ``calls[0]``: a word, and a bracket without a blank before it."""
_LINES_BETWEEN = 200
"""So far below the bracket that was opened we look."""

_WIDE_COLON = re.compile(r"\s*(?:-\s+)?[\w.-]+(?P<colon>\uff1a)")
"""Of a Chinese keyboard, after what looks like a key."""

_WIDE_BRACKET = re.compile(r"(?:^|[:,-]\s|[\[{])\s*(?P<mark>[\uff5b\uff3b]|\u3010(?=\s*\{))")
"""Of a Chinese keyboard, where a value begins; one that encloses a word may be text."""

_WIDE_IN_BRACKETS = re.compile(
    r"(?:(?<=[\]}\"'])(?=\uff0c)|(?=\uff0c\s*[\w.-]+\s*[:\uff1a])|(?<=\w)(?=\uff1a\s*[\[{])"
    r"|(?<=[\[{:,\s])(?=[\uff5b\uff3b])|(?=[\uff5d\uff3d]\s*(?:$|[,\]}])))"
    r"(?P<mark>[\uff0c\uff1a\uff5b\uff5d\uff3b\uff3d])"
)
"""What divides, typed wide, between brackets that YAML finds no end of."""

_IN_PLAIN_WORDS = {
    "did not find expected node content": (
        "expected a value; a bracket, a quote or the value is missing here or above"
    ),
    "mapping values are not allowed in this context": (
        "a second ': ' in one value, or a line indented too far;"
        " quote the value, or align the key with its neighbours"
    ),
    "did not find expected key": (
        "expected 'key: value' here; check the indentation and the quotes above"
    ),
    "did not find expected '-' indicator": (
        "expected the list to go on with '- '; check the indentation"
    ),
    "found unexpected end of stream": "this quote is never closed",
    "did not find expected ',' or ']'": "this [ is never closed, or a comma is missing",
    "did not find expected ',' or '}'": "this { is never closed, or a comma is missing",
    _NO_COLON: "expected 'key: value', found no colon and blank after the key",
    "but found another document": "expected one document, found a second one after '---'",
    "found undefined alias": "an alias (*name) needs an anchor (&name) before it",
}


def syntax_problem(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> Place:
    """Return where the mistake was made, and what to do about it."""
    problem = error.problem or ""
    opened_before = any(phrase in problem for phrase in _OPENED_BEFORE)
    began_before = opened_before or _NO_COLON in problem
    mark = error.context_mark if began_before else error.problem_mark
    mark = mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if opened_before and error.problem_mark:
        trap = _trap_in_brackets(lines, line, error.problem_mark.line)
        if trap:
            return trap
    wide = _wide_bracket(lines, line, error) or _wide_colon(lines, line, error)
    if wide:
        return wide
    text = lines[line] if line < len(lines) else ""
    well_known = _trap(text, column)
    if well_known is None and any(phrase in problem for phrase in _OF_SHAPE):
        shape = misshapen(lines, line)
        if shape is not None:
            return shape
    column, message = well_known or (column, _plain_words(error))
    return line + 1, column + 1, message


def _trap_in_brackets(lines: Sequence[str], first: int, last: int) -> Place | None:
    """Return the first text between [ ] or { } that YAML does not take as it stands."""
    for number in range(first, min(last, first + _LINES_BETWEEN, len(lines) - 1) + 1):
        text = _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), lines[number])
        wide = _WIDE_IN_BRACKETS.search(_hollow(lines[number]))
        if wide:
            return _narrower(number, wide)
        bare = _BRACKET_IN_TEXT.search(text)
        if bare:
            message = (
                f"a text with {bare['mark']} in it must stand in quotes here,"
                ' between brackets: "acd/{queue}/call"'
            )
            return number + 1, bare.start("text") + 1, message
    return None


def _hollow(text: str) -> str:
    """Return *text* without what its quotes hold, as long as it was, up to a comment."""
    masked = _QUOTED.sub(lambda quoted: f"'{'x' * (len(quoted[0]) - 2)}'", text)
    return masked.partition(" #")[0]


def _wide_bracket(lines: Sequence[str], line: int, error: yaml.MarkedYAMLError) -> Place | None:
    """Return the wide bracket that was taken for text, here or where it began."""
    began = [error.context_mark.line] if error.context_mark else []
    for number in (line, *began):
        found = _WIDE_BRACKET.search(lines[number]) if number < len(lines) else None
        if found:
            return _narrower(number, found)
    return None


def _narrower(number: int, found: re.Match[str]) -> Place:
    """Say what should stand in place of the wide mark in line *number*, counted from 0."""
    mark = found["mark"]
    message = f"expected '{narrow(mark)}', found '{mark}' of Chinese input"
    return number + 1, found.start("mark") + 1, message


def _wide_colon(lines: Sequence[str], line: int, error: yaml.MarkedYAMLError) -> Place | None:
    """Return the wide colon that was taken for text, here or where the key began."""
    before = [number for number in range(min(line, len(lines))) if lines[number].strip()]
    began = [error.context_mark.line] if error.context_mark else []
    for number in (line, *began, *before[-1:]):
        found = _WIDE_COLON.match(lines[number]) if number < len(lines) else None
        if found:
            message = (
                "expected a colon and a blank (': '), found the wide colon of Chinese input"
            )
            return number + 1, found.start("colon") + 1, message
    return None


def control_character(text: str) -> Place:
    """Return the first character that YAML does not permit."""
    for number, line in enumerate(text.splitlines(), 1):
        for column, char in enumerate(line, 1):
            if not char.isprintable() and char != "\t":
                return number, column, f"expected text, found the control character {char!a}"
    return 1, 1, "expected text, found a character that YAML does not permit"


def _trap(text: str, column: int) -> tuple[int, str] | None:
    """Return the column and cure of a well-known mistake in the line, if there is one."""
    indent = text[: len(text) - len(text.lstrip())]
    if "\t" in indent:
        return indent.index("\t"), "expected spaces, found a tab: YAML indents with spaces only"
    return _trap_in_value(text, column)


def _trap_in_value(text: str, column: int) -> tuple[int, str] | None:
    """Return the same of a value that YAML takes for something else."""
    sign = re.search(r"(?P<key>above|below):\s+(?P<sign>[<>]=?)\s*(?P<value>\d\S*)", text)
    if sign:
        return sign.start("sign"), (
            f"above: is >, below: is <: write the limit alone: {sign['key']}: {sign['value']}"
        )
    bare = re.search(r"(?:^|[:\-\[,]\s*)(\*)(?=[\s,\]}]|$)", text)
    if bare:
        return bare.start(1), (
            "a bare * is a mark of YAML itself; write queues: all, or quote it: '*'"
        )
    if text[column : column + 1] in {"%", "@", "`"}:
        share = re.match(r"%\s*(\d+(?:\.\d+)?)", text[column:])
        cure = f"a value that starts with {text[column]} must stand in quotes"
        return column, f"the sign stands behind the number: {share[1]}%" if share else cure
    braces = re.search(r"(?::|^\s*-)\s+(\{[^}]*\})\s*[^\s,}\]#]", text)
    if braces and column >= braces.start(1):
        return braces.start(1), (
            "a value that starts with { must stand in quotes:"
            ' "{queue}: {value} of callers hung up"'
        )
    quoted = re.search(r""":\s+("[^"]*"|'[^']*')\s*[^\s,}\]#]""", text)
    if quoted and column > quoted.start(1):
        return quoted.end(1), "text goes on after the closing quote; quote the whole value"
    return None


def _plain_words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "this is no YAML"
    for phrase, message in _IN_PLAIN_WORDS.items():
        if phrase in problem:
            return message
    return f"{error.context}: {problem}" if error.context else problem
