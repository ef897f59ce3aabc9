"""Field maps: how messages of any shape become native ones.

For each native field a map says where it is found: a path in the payload, a named level of
the topic, a constant, or the moment of receipt. Then the source's words become ours, its
units seconds and its time stamps instants. What is left to judge is ``NativeReader``'s.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, cast

from callmon.clock import SECOND, Micros
from callmon.decode.native_values import refused
from callmon.decode.native_words import NATIVE_WORDS, TIMES
from callmon.decode.paths import Path, check_path, find, parse_path
from callmon.decode.times import TimeReader
from callmon.decode.topics import RECEIVED
from callmon.errors import DecodeError, DecodeReason

__all__ = [
    "IGNORE",
    "NAMED_BY_LEVELS",
    "NOT_KNOWN",
    "OTHERS",
    "UNITS",
    "FieldMap",
    "Translated",
    "check_fields",
    "check_source",
]

UNITS: Final[Mapping[str, Micros]] = {"s": SECOND, "ms": 1_000, "us": 1}
"""How long one of each unit is."""

IGNORE = ""
"""The word for what is ignored on purpose."""

NOT_KNOWN = "null"
"""The word for what the source says when it cannot say, as -1 or n/a."""

OTHERS = "*"
"""Stands for all words of the source that are not named."""

NAMED_BY_LEVELS: Final = frozenset(("agent", "contact", "name", "queue", "state", "type"))
"""A level of the topic with one of these names fills the field where nothing else does."""

MAX_ROWS = 10_000
"""Messages in one payload."""

_TYPES: Final = {"agent": "agent.state", "queue": "queue.snapshot"}
_TEXTS: Final = frozenset(("agent", "contact", "id", "name", "queue", "reason"))
_NO_ARRAY: Final = object()
_IGNORED: Final = object()
_HUGE = 10**18  # a number with more digits counts nothing, and takes long to handle
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)
_CAPTURE = re.compile(r"\{([a-z][a-z0-9_]*)\}", re.ASCII)

Row = tuple[object, object]
"""A payload, and the part of it that one message is made of."""


class Translated(NamedTuple):
    """A native message, and what tells it apart (``NativeReader.read``)."""

    message: dict[str, object]
    stamp: str | None


class _Source(NamedTuple):
    """Where a field is found."""

    path: Path | None = None
    inside: bool = False  #: the path begins at the part, not at the payload
    text: str = ""  #: where there is no path: a constant, with ``{captures}``
    received: bool = False

    def find(self, row: Row, captures: Mapping[str, str]) -> object:
        """Return the value, as the source writes it; ``KeyError``: there is none."""
        if self.path is None:
            return _CAPTURE.sub(lambda match: captures[match[1]], self.text)
        return find(row[self.inside], self.path)


class FieldMap:
    """Makes native messages of a *kind* of topic from what a source writes.

    *fields* says where each native field is found. A scalar is the field *value*. Levels of
    the topic fill the fields of their names; of an agent the state is told, of a queue a
    snapshot, and a scalar is of the moment of receipt, unless *fields* says otherwise.

    Raises:
        ValueError: a source of a field, a format of times, or a zone is none.
    """

    __slots__ = (
        "_by_receipt",
        "_convert",
        "_every",
        "_kind",
        "_scalar",
        "_sources",
        "_times",
        "_words",
    )

    def __init__(
        self,
        kind: str,
        *,
        fields: Mapping[str, str],
        captures: Sequence[str] = (),
        value: str = "",
        words: Mapping[str, Mapping[str, str]] | None = None,
        units: Mapping[str, str] | None = None,
        time_format: str = "auto",
        timezone: str = "UTC",
    ) -> None:
        problem = check_fields(fields, captures)
        if problem is not None:
            raise ValueError(problem)
        self._kind = kind
        self._every: Path | None = None
        self._times = TimeReader(time_format, timezone)
        self._sources = {name: self._source(text) for name, text in fields.items()}
        self._scalar = value
        if value:
            self._sources[value] = _Source(())
            self._sources.setdefault("at", _Source(received=True))
        for name in NAMED_BY_LEVELS.intersection(captures):
            self._sources.setdefault(name, _Source(text=f"{{{name}}}"))
        if kind in _TYPES:
            self._sources.setdefault("type", _Source(text=_TYPES[kind]))
        self._by_receipt = self._sources.get("at", _Source()).received
        self._words = {
            name: {theirs.strip().casefold(): ours for theirs, ours in known.items()}
            for name, known in (words or {}).items()
        }
        self._convert = {name: self._converter(name, units or {}) for name in self._sources}

    def _source(self, text: str) -> _Source:
        if text == f"{{{RECEIVED}}}":
            return _Source(received=True)
        if text.startswith("="):
            return _Source(text=text[1:])
        if "{" in text:
            return _Source(text=text)
        before, after = parse_path(text)
        if after is None:
            return _Source(before)
        self._every = before
        return _Source(after, inside=True)

    @property
    def needs_stamp(self) -> bool:
        """Whether its messages have no time by which they could be told apart."""
        return self._by_receipt and self._kind == "contact"

    def rows(self, payload: object) -> list[Row]:
        """Return the parts of *payload* that are a message each.

        Raises:
            DecodeError: it has more than anybody has to tell.
        """
        wholes = payload if isinstance(payload, list) else [payload]
        rows: list[Row] = []
        for whole in wholes:
            parts = [whole] if self._every is None else _parts(whole, self._every)
            rows += [(whole, part) for part in parts]
        if len(rows) > MAX_ROWS:
            text = f"expected at most {MAX_ROWS} messages in one, found more"
            raise DecodeError(DecodeReason.OVERSIZED, text)
        return rows

    def translate(
        self, row: Row, captures: Mapping[str, str], received: Micros, stamp: str
    ) -> Translated | None:
        """Return *row* as a native message; None: it is ignored on purpose.

        *stamp* tells apart what came without a time of its own, if anything does.

        Raises:
            DecodeError: it is not of the shape that the map expects, or a time cannot be
                read.
        """
        whole, part = row
        if not (self._scalar or isinstance(whole, dict | list)):
            raise refused(DecodeReason.MALFORMED, "a message", "an object", whole)
        if part is _NO_ARRAY:
            raise refused(DecodeReason.BAD_VALUE, "[*]", "an array before it", whole)
        message: dict[str, object] = {}
        own_stamp: str | None = None
        for name, source in self._sources.items():
            if source.received:
                message[name] = received
                continue
            try:
                value = source.find(row, captures)
            except KeyError:
                continue
            if name == "at" and isinstance(value, str):
                own_stamp = value  # the instant of a local time may depend on the receipt
            value = self._word(name, value)
            if value is _IGNORED:
                return None
            _put(message, name, None if value is None else self._convert[name](value, received))
        if self._by_receipt:
            own_stamp = stamp
        return Translated(message, own_stamp)

    def _word(self, name: str, value: object) -> object:
        """Return our word for *value*, or itself where there is none."""
        known = self._words.get(name)
        if known is not None and value is not None and not isinstance(value, list | dict):
            ours = known.get(_as_text(value).strip().casefold(), known.get(OTHERS))
            if ours is not None:
                return {NOT_KNOWN: None, IGNORE: _IGNORED}.get(ours, ours)
        # A scalar is read as a text, and JSON's null is one of four letters.
        return None if name == self._scalar and value == NOT_KNOWN else value

    def _converter(
        self, name: str, units: Mapping[str, str]
    ) -> Callable[[object, Micros], object]:
        if name in TIMES:
            return lambda value, received: self._time(name, value, received)
        if name.endswith("_s"):
            unit = UNITS[units.get(name, "s")] / SECOND
            return lambda value, _: _scaled(value, unit)
        if name in NATIVE_WORDS:
            return lambda value, _: _as_text(value).strip().casefold()
        if name == "queues":
            return lambda value, _: value if isinstance(value, list) else [value]
        if name in _TEXTS:
            return lambda value, _: value
        return lambda value, _: _scaled(value, 1)

    def _time(self, name: str, value: object, received: Micros) -> Micros:
        try:
            return self._times.read(value, received)
        except DecodeError as error:
            raise DecodeError(error.reason, f"{name}: {error}") from None


def check_source(text: str, captures: Sequence[str]) -> str | None:
    """Return what is wrong with *text* as the place of a field, None when nothing is.

    *captures* are the names that the template gives.
    """
    if text == f"{{{RECEIVED}}}":
        return None
    constant = text.startswith("=")
    if not constant and "{" not in text:
        return check_path(text)
    for name in _CAPTURE.findall(text):
        if name == RECEIVED:
            return f"expected {{{RECEIVED}}} alone, found {text!r}"
        if name not in captures:
            known = ", ".join(captures) or "none"
            return f"expected a level that the topic names ({known}), found {{{name}}}"
    if not constant and set("{}") & set(_CAPTURE.sub("", text)):
        return f"expected a path, {{name}}, =text or {{{RECEIVED}}}, found {text!r}"
    return None


def check_fields(fields: Mapping[str, str], captures: Sequence[str]) -> str | None:
    """Return what is wrong with a field map as a whole, None when nothing is."""
    arrays: set[Path] = set()
    for name, text in fields.items():
        problem = check_source(text, captures)
        if problem is not None:
            return f"{name}: {problem}"
        if text == f"{{{RECEIVED}}}" and name not in TIMES:
            return f"{name}: {{{RECEIVED}}} is a time: expected another place"
        if text.startswith("=") or "{" in text:
            continue
        before, after = parse_path(text)
        if after is not None:
            arrays.add(before)
    if len(arrays) > 1:
        return "expected [*] for one and the same array in all fields, found several"
    return None


def _parts(whole: object, path: Path) -> list[object]:
    try:
        parts = find(whole, path)
    except KeyError:
        parts = None
    return parts if isinstance(parts, list) else [_NO_ARRAY]


def _put(message: dict[str, object], name: str, value: object) -> None:
    """Set a field of *message*; ``day.answered`` is one of an object in it."""
    outer, dot, inner = name.partition(".")
    if not dot:
        message[name] = value
    else:
        cast("dict[str, object]", message.setdefault(outer, {}))[inner] = value


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) < _HUGE:
        return str(value)
    return value if isinstance(value, str) else repr(value) if isinstance(value, float) else ""


def _scaled(value: object, unit: float) -> object:
    """Return a number, or the number in a text, in our unit; anything else as it is."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _HUGE:
        return value
    return value if unit == 1 else value * unit
