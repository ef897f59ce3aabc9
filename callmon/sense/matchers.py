"""Matchers of Alertmanager: what they are in YAML, and which labels they match.

Source: Alertmanager's documentation (configuration, "Matcher") and ``pkg/labels``. A label
that an alert lacks counts as an empty one; a regular expression must match all of it.

Go's expressions take no longer for being nested; Python's may take for ever, so the few that
could are not tried here at all.
"""

import dataclasses
import functools
import re
import warnings
from collections.abc import Mapping
from typing import Final, Literal

__all__ = ["Matcher", "Operator", "WrongMatcherError", "parsed"]

Operator = Literal["=", "!=", "=~", "!~"]

_ONE = re.compile(
    r"""\s*(?P<name>"(?:[^"\\]|\\.)*"|[^\s"'=!~{},]+)\s*"""
    r"""(?P<operator>=~|!~|!=|=)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|[^",{}]*?)\s*(?:,|$)"""
)
_OPERATORS: Mapping[str, Operator] = {"=": "=", "!=": "!=", "=~": "=~", "!~": "!~"}
_ESCAPED = re.compile(r'\\(["\\n])')

_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""What matches one character, by a backslash or in brackets."""
_OPENED = re.compile(r"\(\?[^():<]*(?:<\w*>|[:)])")
"""The beginning of a group with a mark or name, or marks alone: ``(?i)``."""
_WHOLE = re.compile(r"\^?\(([^()]*)\)\$?|\^?([^()]*)\$?")
MAX_EXPRESSION: Final = 10_000
MAX_GROUPS: Final = 10
MAX_REPEATED: Final = 4
"""A branch with more stars tries more ways through one name than there is time for."""


class WrongMatcherError(ValueError):
    """The text is no matcher."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on one label."""

    label: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'

    @property
    def readable(self) -> bool:
        """Whether its regular expression is one that can be tried here."""
        return self.operator in {"=", "!="} or _compiled(self.value) is not None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether it holds for an alert with *labels*; who cannot be read always does."""
        found = labels.get(self.label, "")
        if self.operator in {"=", "!="}:
            return (found == self.value) is (self.operator == "=")
        pattern = _compiled(self.value)
        if pattern is None:
            return True
        return (pattern.fullmatch(found) is not None) is (self.operator == "=~")


def parsed(text: str) -> list[Matcher]:
    """Return the matchers in *text*: ``team="sales"``, ``{a="b", c=~"d|e"}``.

    Raises:
        WrongMatcherError: it is no list of matchers.
    """
    rest = text.strip()
    if rest.startswith("{") and rest.endswith("}"):
        rest = rest[1:-1].strip()
    found: list[Matcher] = []
    while rest:
        match = _ONE.match(rest)
        if match is None:
            raise WrongMatcherError('expected a matcher like team="sales"')
        label, value = _unquoted(match["name"]), _unquoted(match["value"])
        found.append(Matcher(label=label, operator=_OPERATORS[match["operator"]], value=value))
        rest = rest[match.end() :].strip()
    return found


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPED.sub(lambda escaped: "\n" if escaped[1] == "n" else escaped[1], text[1:-1])


@functools.lru_cache(maxsize=4096)
def _compiled(expression: str) -> re.Pattern[str] | None:
    """Return *expression* as Go means it; None: Python's means another thing, or takes long."""
    if len(expression) > MAX_EXPRESSION or not _is_quick(expression):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)  # [[:alpha:]] is a class in Go alone
        try:
            return re.compile(expression, re.DOTALL | re.ASCII)
        except (re.error, ValueError, OverflowError, FutureWarning):
            return None


def _is_quick(expression: str) -> bool:
    """Tell whether one name surely is tried in no time, whatever it is."""
    plain = _ATOM.sub("x", expression)
    bare = _OPENED.sub(lambda opened: "" if opened[0].endswith(")") else "(", plain)
    if re.search(r"\)[*+{]", bare) or bare.count("(") > MAX_GROUPS:
        return False
    whole = _WHOLE.fullmatch(bare)
    branches = [bare] if whole is None else (whole[1] or whole[2] or "").split("|")
    return all(len(re.findall(r"[*+?{]", one)) <= MAX_REPEATED for one in branches)
