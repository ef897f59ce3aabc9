"""Matchers of Alertmanager: what they are in YAML, and which labels they match.

Source: Alertmanager's documentation (configuration, "Matcher") and ``pkg/labels``. A label
that an alert lacks counts as an empty one; a regular expression must match all of it.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Literal

__all__ = ["Matcher", "Operator", "WrongMatcherError", "parsed"]

Operator = Literal["=", "!=", "=~", "!~"]

_ONE = re.compile(
    r"""\s*(?P<name>"(?:[^"\\]|\\.)*"|[^\s"'=!~{},]+)\s*"""
    r"""(?P<operator>=~|!~|!=|=)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|[^",{}]*?)\s*(?:,|$)"""
)
_OPERATORS: Mapping[str, Operator] = {"=": "=", "!=": "!=", "=~": "=~", "!~": "!~"}
_ESCAPED = re.compile(r'\\(["\\n])')


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
        """Whether its regular expression is one for Python, too."""
        if self.operator in {"=", "!="}:
            return True
        try:
            re.compile(self.value)
        except re.error:
            return False
        return True

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether it holds for an alert with *labels*; who cannot be read always does."""
        found = labels.get(self.label, "")
        if not self.readable:
            return True
        if self.operator in {"=~", "!~"}:
            hit = re.fullmatch(self.value, found, re.DOTALL) is not None
        else:
            hit = found == self.value
        return hit is (self.operator in {"=", "=~"})


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
