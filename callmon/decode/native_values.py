"""The fields of a native message: each read as what it must be, or refused with a reason.

Errors name the field, what was expected and of which type the value was, never the value:
it may be anything of anybody, a caller's number too.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from callmon.clock import SECOND, Micros
from callmon.errors import DecodeError, DecodeReason

__all__ = [
    "LONGEST",
    "LONGEST_STALE",
    "LONGEST_SUM",
    "MAX_COUNT",
    "MAX_LABEL",
    "MAX_NAME",
    "MAX_QUEUES",
    "Fields",
    "refused",
]

MAX_NAME = 200
"""Characters of a name that tells things apart: a longer one is refused, since two that are
cut may become one."""

MAX_LABEL = 80
"""Characters of a name or reason for people: of a longer one the rest is left out."""

MAX_QUEUES = 1_000
"""Queues of one agent."""

MAX_COUNT = 1_000_000_000
"""No queue has had more callers than this in a day."""

LONGEST: Micros = 10 * 86_400 * SECOND
"""Nobody waits or talks for longer: such a duration spans a step of a clock."""

LONGEST_SUM: Micros = 10_000_000_000 * SECOND
"""Ten thousand people who talk all the year."""

LONGEST_STALE: Micros = 86_400 * SECOND
"""Who reports less often than daily does not monitor."""

_HUGE = 10**18
"""An identifier that is a number has fewer digits; to print many takes long."""

_TYPES = {bool: "a boolean", str: "a text", list: "an array", dict: "an object"}

Meaning = TypeVar("Meaning")


class Fields:
    """The fields of one message; null is as good as missing, but for ``is_null``.

    Attributes:
        doubts: Why figures were left out that could not be used.
        problem: The last of them in words.
    """

    __slots__ = ("_fields", "_path", "doubts", "problem")

    def __init__(self, fields: Mapping[str, object], path: str = "") -> None:
        self._fields = fields
        self._path = path
        self.doubts: list[str] = []
        self.problem = ""

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def is_null(self, name: str) -> bool:
        """Tell whether a field is there and says nothing: the source cannot say."""
        return name in self._fields and self._fields[name] is None

    def get(self, name: str) -> object:
        """Return the value of a field as it is; None when there is none."""
        return self._fields.get(name)

    def required(self, name: str) -> object:
        """Return the value of a field as it is, which must be there."""
        value = self._fields.get(name)
        if value is None or value == "":
            text = f"{self._path}{name}: expected a value, found none"
            raise DecodeError(DecodeReason.MISSING_FIELDS, text)
        return value

    def text(self, name: str) -> str:
        """Return a text, which must be there."""
        value = self.required(name)
        if not isinstance(value, str):
            raise self._refused(DecodeReason.BAD_VALUE, name, "a text", value)
        return value

    def identifier(self, name: str, *, needed: bool = True) -> str:
        """Return a text or a whole number that tells things apart; empty: there is none."""
        value = self._fields.get(name)
        if type(value) is str and 0 < len(value) <= MAX_NAME and value.isascii():
            return value  # as nearly all are
        if needed:
            value = self.required(name)
        return "" if value is None else self._identifier(name, value)

    def _identifier(self, name: str, value: object) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            if abs(value) < _HUGE and value == int(value):
                return str(int(value))
            expected = "a text or a whole number of at most 18 digits"
            raise self._refused(DecodeReason.BAD_VALUE, name, expected, value)
        if not isinstance(value, str):
            raise self._refused(DecodeReason.BAD_VALUE, name, "a text or a number", value)
        if len(value) > MAX_NAME:
            text = f"{self._path}{name}: expected {MAX_NAME} characters, found more"
            raise DecodeError(DecodeReason.OVERSIZED, text)
        return self._readable(name, value)

    def _readable(self, name: str, value: str) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:
            expected = "characters that can be written"
            raise self._refused(DecodeReason.BAD_VALUE, name, expected, value) from None
        return value

    def queues(self) -> Sequence[str]:
        """Return the queues that a message of an agent is about, each once."""
        value = self._fields.get("queues")
        if value is None:
            return (self.identifier("queue"),)
        if not isinstance(value, list):
            raise self._refused(DecodeReason.BAD_VALUE, "queues", "an array of texts", value)
        if not 0 < len(value) <= MAX_QUEUES:
            reason = DecodeReason.OVERSIZED if value else DecodeReason.MISSING_FIELDS
            raise DecodeError(reason, f"queues: expected 1 to {MAX_QUEUES} names")
        names = dict.fromkeys(self._identifier("queues", name) for name in value)
        if "" in names:
            text = "queues: expected names, found an empty one"
            raise DecodeError(DecodeReason.MISSING_FIELDS, text)
        return tuple(names)

    def label(self, name: str) -> str:
        """Return a text for people; empty when there is none."""
        value = self._fields.get(name)
        if isinstance(value, str):
            return self._readable(name, value[:MAX_LABEL])
        return "" if value is None else self._identifier(name, value)

    def word(self, name: str, meanings: Mapping[str, Meaning]) -> Meaning:
        """Return what the word in a field means, which must be there."""
        value = self.text(name)
        if value not in meanings:
            expected = f"one of {', '.join(meanings)}"
            raise self._refused(DecodeReason.BAD_VALUE, name, expected, value)
        return meanings[value]

    def count(self, name: str) -> int | None:
        """Return a number of contacts or agents; None when the source cannot say."""
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._refused(DecodeReason.BAD_NUMBER, name, "a whole number", value)
        if not 0 <= value <= MAX_COUNT:
            expected = f"0 to {MAX_COUNT}, or null where the source cannot say"
            raise self._refused(DecodeReason.BAD_NUMBER, name, expected, value)
        return value

    def duration(self, name: str, longest: Micros = LONGEST) -> Micros | None:
        """Return a duration; None when the source cannot say."""
        seconds = self._number(name)
        if seconds is None:
            return None
        if not 0 <= seconds <= longest / SECOND:
            expected = f"0 to {longest // SECOND} s, or null where the source cannot say"
            raise self._refused(DecodeReason.BAD_NUMBER, name, expected, seconds)
        return round(seconds * SECOND)

    def total(self, name: str) -> Micros | None:
        """Return a sum of durations; None when the source cannot say."""
        return self.duration(name, LONGEST_SUM)

    def span(self, name: str) -> Micros | None:
        """Return what the source has measured; None when it has not, or cannot have.

        A clock that stepped meanwhile gives a negative or a huge figure. What happened is
        true all the same, so only the figure is left out, and ``doubts`` has it.
        """
        seconds = self._number(name)
        if seconds is None:
            return None
        if 0 <= seconds <= LONGEST / SECOND:
            return round(seconds * SECOND)
        text = f"{name}: expected 0 to {LONGEST // SECOND} s: left out"
        self.doubt(DecodeReason.BAD_NUMBER, text)
        return None

    def doubt(self, reason: DecodeReason, problem: str) -> None:
        """Note that a figure was left out, while all else is used."""
        self.doubts.append(reason.value)
        self.problem = problem

    def inner(self, name: str) -> "Fields | None":
        """Return the fields of an object in a field; None when there is none."""
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._refused(DecodeReason.BAD_VALUE, name, "an object", value)
        return Fields(value, f"{self._path}{name}.")

    def _number(self, name: str) -> float | None:
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
            raise self._refused(DecodeReason.BAD_NUMBER, name, "a number of seconds", value)
        return value

    def _refused(
        self, reason: DecodeReason, name: str, expected: str, value: object
    ) -> DecodeError:
        return refused(reason, f"{self._path}{name}", expected, value)


def refused(reason: DecodeReason, path: str, expected: str, value: object) -> DecodeError:
    """Return the error of a value at *path* that is not what was *expected*."""
    found = _TYPES.get(type(value), "a number")
    return DecodeError(reason, f"{path}: expected {expected}, found {found}")
