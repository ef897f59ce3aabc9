"""Where the shape of YAML went wrong: dashes, colons, and lines that are not aligned.

The parser sees only that something does not fit. What people did is told by the line and
those above it.
"""

import re
from collections.abc import Sequence

__all__ = ["misshapen"]

Place = tuple[int, int, str]

_TIGHT_DASH = re.compile(r"\s*(?P<at>-)(?P<key>[A-Za-z_][\w-]*)\s*:(?:\s|$)")
_OTHER_DASH = re.compile(r"\s*(?P<at>[*+\u2022\u00b7])\s+[A-Za-z_][\w-]*\s*:(?:\s|$)")
_OTHER_COMMENT = re.compile(r"\s*(?P<at>//|;|--(?!-)|\u3000*\uff03)")
_WIDE_DASH = re.compile(r"\s*(?P<at>[\u2010-\u2015\u2212\ufe63\uff0d])\s*[\w{\[\"']")
_WIDE_BLANK = re.compile(r"[ \t]*(?P<at>[\u00a0\u2000-\u200a\u3000])")
_TIGHT_COLON = re.compile(
    r"\s*(?:- +)?(?P<at>(?P<key>[A-Za-z_][\w-]*):(?P<value>[^\s:/][^:]*))"
)
_NO_COLON = re.compile(r"\s*(?:- +)?(?P<key>[a-z_]+)(?P<at> +)(?P<value>[^:#\s][^:]*)")
_BARE_KEY = re.compile(r"\s*(?:- +)?(?P<key>[A-Za-z_][\w-]*)(?P<at>\s*)(?:#.*)?")
_KEY = re.compile(r" *(?P<dash>- +)?(?P<key>[^\s#:\-\[{\"'][^#:]*):(?:\s|$)")
_DASH = re.compile(r" *-(?:\s|$)")


def misshapen(lines: Sequence[str], line: int) -> Place | None:
    """Return what is wrong with the shape of line *line*, counted from 0, or of that above."""
    above = _above(lines, line)
    for number in (line, above):
        if number is not None and number < len(lines):
            found = _in_one(lines[number])
            if found is not None:
                return number + 1, found[0] + 1, found[1]
    if line >= len(lines) or above is None:
        return None
    spaced = _NO_COLON.fullmatch(lines[line])
    if spaced is not None:
        message = f"expected a colon after the key: {spaced['key']}: {_after_sign(spaced)}"
        return line + 1, spaced.start("at") + 1, message
    bare = _BARE_KEY.fullmatch(lines[above])
    if bare and _indent(lines[line]) > _indent(lines[above]):
        return above + 1, bare.start("at") + 1, f"expected a colon after '{bare['key']}'"
    if _DASH.match(lines[line]):
        return _dash_astray(lines, line)
    return _key_astray(lines, line, above)


def _in_one(text: str) -> tuple[int, str] | None:
    """Return what is wrong with a line by itself."""
    for pattern, message in (
        (_TIGHT_DASH, "expected a blank after the dash: - {key}:"),
        (_WIDE_DASH, "expected '- ', found the wide dash of another keyboard"),
        (_OTHER_DASH, "expected '- ' before each entry of a list"),
        (_OTHER_COMMENT, "expected # before a comment"),
        (_WIDE_BLANK, "expected plain blanks before it, found a wide blank of Chinese input"),
    ):
        match = pattern.match(text)
        if match is not None:
            return match.start("at"), message.format(**match.groupdict())
    tight = _TIGHT_COLON.fullmatch(text)
    if tight is not None:
        message = f"expected a blank after the colon: {tight['key']}: {tight['value']}"
        return tight.start("at"), message
    return None


def _after_sign(spaced: re.Match[str]) -> str:
    """Return the value behind a sign that stands where the colon should."""
    return spaced["value"].lstrip("=> ") or spaced["value"]


def _dash_astray(lines: Sequence[str], line: int) -> Place | None:
    """Say with which dash this one should be aligned, if it is aligned with none above."""
    here = _indent(lines[line])
    dashes = [number for number in range(line) if _DASH.match(lines[number])]
    if not dashes or here in {_indent(lines[number]) for number in dashes}:
        return None
    nearest = min(dashes, key=lambda number: (abs(_indent(lines[number]) - here), -number))
    message = (
        f"this dash stands in column {here + 1}, the one in line {nearest + 1} in column"
        f" {_indent(lines[nearest]) + 1}: align them"
    )
    return line + 1, here + 1, message


def _key_astray(lines: Sequence[str], line: int, above: int) -> Place | None:
    """Say with which key this one should be aligned, if it is aligned with none above."""
    key, before = _KEY.match(lines[line]), _KEY.match(lines[above])
    if key is None or before is None:
        return None
    others = (_KEY.match(text) for text in lines[:line])
    if key.start("key") in {match.start("key") for match in others if match is not None}:
        return None
    same = [match for text in lines[:line] if (match := _KEY.match(text)) and match["dash"]]
    if any(
        match["key"] == key["key"] and match.start("dash") == key.start("key") for match in same
    ):
        message = f"expected '- ' before {key['key']}: each entry begins with a dash"
        return line + 1, key.start("key") + 1, message
    message = (
        f"this line begins in column {key.start('key') + 1}, '{before['key']}' in line"
        f" {above + 1} in column {before.start('key') + 1}: align them"
    )
    return line + 1, key.start("key") + 1, message


def _above(lines: Sequence[str], line: int) -> int | None:
    """Return the nearest line above that says something."""
    for number in range(min(line, len(lines)) - 1, -1, -1):
        if lines[number].strip() and not lines[number].lstrip().startswith("#"):
            return number
    return None


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
