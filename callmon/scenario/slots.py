"""What stands in the gaps of sentences: names, times, numbers, words of a few. Pure."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from callmon.alerts import Ended
from callmon.clock import SECOND, Micros
from callmon.config.values import duration
from callmon.events import Device
from callmon.rules import Severity
from callmon.scenario.figures import take_figures
from callmon.scenario.matching import MissError, Slot
from callmon.scenario.steps import Comparison, Of, Who, Word
from callmon.thresholds import State

__all__ = ["LAST_DAY", "MAX_CALLERS", "RESERVED", "SLOTS", "SentenceError", "day_called"]

MAX_CALLERS: Final = 10_000
"""More callers in one sentence are a slip of the finger."""

FIRST_DAY: Final = dt.date(1990, 1, 1)
LAST_DAY: Final = dt.date(2099, 12, 30)
"""Logs are believed between these, too."""

_NUMBER = re.compile(r"[0-9]{1,15}")
"""What surely can be counted; Python refuses numbers of thousands of digits."""
_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?")
_STATES: Final = {
    "ok": State.OK,
    "pending": State.PENDING,
    "firing": State.FIRING,
    "keeping": State.KEEPING,
    "off": State.OFF,
    "no_value": State.NO_VALUE,
}


RESERVED: Final = frozenset(
    """after again and are by cannot comes finds for goes hangs in is joins logs of pauses
    presses reports restarts rings stops times to wraps""".split()  # noqa: SIM905 - words
)
"""What follows a name: in place of one they mean that it was forgotten."""


class SentenceError(ValueError):
    """A sentence that means nothing, or something impossible; *at* is where, from 0."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at


def day_called(text: str) -> dt.date:
    """Return the day that *text* names.

    Raises:
        ValueError: it names none, or one beyond belief.
    """
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = dt.date.min
    if len(text) != len("2026-11-23") or not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError("expected a day such as 2026-11-23")
    return day


def _text(words: Sequence[Word], index: int) -> str:
    return words[index].text if index < len(words) else ""


def _name(what: str) -> Slot:
    """Return a slot for a name; what can only follow one is a name in quotes alone."""

    def take(words: Sequence[Word], index: int) -> tuple[Word, int]:
        text = _text(words, index)
        if not text or text in "()," or text.lower() in RESERVED:
            raise MissError(index, what)
        quoted = text[0] in "\"'" and len(text) > 1 and text[-1] == text[0]
        name = text[1:-1] if quoted else text
        if not name:
            raise MissError(index, what)
        return Word(name, words[index].at), index + 1

    return take


def _one_caller(words: Sequence[Word], index: int) -> tuple[Who, int]:
    name, index = _name("the caller's name")(words, index)
    return Who((name,)), index


def _numbered(words: Sequence[Word], index: int) -> tuple[tuple[Word, ...], int]:
    """Take ``1 to 20``: names that are numbers."""
    first, second = _text(words, index), _text(words, index + 2)
    if not _NUMBER.fullmatch(first):
        raise MissError(index, "numbers such as 1 to 20")
    if _text(words, index + 1).lower() != "to":
        raise MissError(index + 1, options=("to",))
    if not _NUMBER.fullmatch(second) or not 0 < int(second) - int(first) < MAX_CALLERS:
        raise MissError(index + 2, "a higher number")
    at = words[index].at
    return tuple(Word(str(n), at) for n in range(int(first), int(second) + 1)), index + 3


def _several_callers(words: Sequence[Word], index: int) -> tuple[Who, int]:
    names, index = _numbered(words, index)
    return Who(names), index


def _count(words: Sequence[Word], index: int) -> tuple[Who, int]:
    text = _text(words, index)
    if not (_NUMBER.fullmatch(text) and 0 < int(text) <= MAX_CALLERS):
        few = f" from 1 to {MAX_CALLERS}" if text.isdigit() else ""
        raise MissError(index, f"a number of callers{few}")
    return Who(unnamed=int(text)), index + 1


def _queues(words: Sequence[Word], index: int) -> tuple[tuple[Word, ...], int]:
    take = _name("a queue")
    queue, index = take(words, index)
    queues = [queue]
    while _text(words, index).lower() in {",", "and"}:
        queue, index = take(words, index + 1)
        queues.append(queue)
    return tuple(queues), index


def _time(words: Sequence[Word], index: int) -> tuple[Micros, int]:
    match = _TIME.fullmatch(_text(words, index))
    if match is not None:
        hours, minutes, seconds = (int(match[part] or 0) for part in (1, 2, 3))
        micros = int((match[4] or "0").ljust(6, "0"))
        at = ((hours * 60 + minutes) * 60 + seconds) * SECOND + micros
        if minutes < 60 and seconds < 60 and at <= 86_400 * SECOND:  # noqa: PLR2004 - a clock
            return at, index + 1
    raise MissError(index, "a time such as 10:03 or 10:03:30")


def _date(words: Sequence[Word], index: int) -> tuple[dt.date, int]:
    try:
        return day_called(_text(words, index)), index + 1
    except ValueError:
        raise MissError(index, "a day such as 2026-11-23") from None


def _duration(words: Sequence[Word], index: int) -> tuple[Micros, int]:
    try:
        return duration(_text(words, index)), index + 1
    except ValueError:
        raise MissError(index, "a duration such as 30s or 5m") from None


def _choice(options: Mapping[str, Any]) -> Slot:
    def take(words: Sequence[Word], index: int) -> tuple[Any, int]:
        found = options.get(_text(words, index).lower())
        if found is None:
            raise MissError(index, options=tuple(options))
        return found, index + 1

    return take


def _of(words: Sequence[Word], index: int) -> tuple[Of, int]:
    """Take ``long_wait(support)``; without the bracket it is no such thing at all."""
    if _text(words, index + 1) != "(":
        raise MissError(index, "a threshold or measure such as long_wait(support)")
    name, index = _name("a threshold or measure")(words, index)
    kind = _text(words, index + 1).lower()
    kind = (
        kind if kind in {"queue", "group"} and _text(words, index + 2) not in {")", ","} else ""
    )
    subject, index = _name("a queue or group")(words, index + 1 + bool(kind))
    window = None
    if _text(words, index) == ",":
        window, index = _name("a window such as 15m or today")(words, index + 1)
    if _text(words, index) != ")":
        raise MissError(index, options=(")",) if window else (")", ","))
    return Of(name, subject, kind or None, window), index + 1


def _value(words: Sequence[Word], index: int) -> tuple[Word, int]:
    text = _text(words, index)
    if not text[:1].isdigit():
        raise MissError(index, "a value such as 3, 45s or 20%")
    at = words[index].at
    if _text(words, index + 1) == "%":
        return Word(f"{text}%", at), index + 2
    return Word(text, at), index + 1


SLOTS: Final[Mapping[str, Slot]] = {
    "agent": _name("the agent's name"),
    "agents": _numbered,
    "answer": _duration,
    "comparison": _choice(
        {"about": Comparison.ABOUT, "above": Comparison.ABOVE, "below": Comparison.BELOW}
    ),
    "count": _count,
    "date": _date,
    "device": _choice({"busy": Device.BUSY, "ringing": Device.RINGING, "free": Device.IDLE}),
    "duration": _duration,
    "end": _time,
    "ended": _choice({ended.value: ended for ended in Ended}),
    "feed": _name("a feed of callmon.yml"),
    "figures": take_figures,
    "numbers": _several_callers,
    "of": _of,
    "queue": _name("a queue"),
    "queues": _queues,
    "reason": _name("a reason"),
    "refusal": _choice({"full": "full", "empty": "join_empty"}),
    "ring": _duration,
    "severity": _choice({severity.value: severity for severity in Severity}),
    "source": _name("a source of callmon.yml"),
    "state": _choice(_STATES),
    "talk": _duration,
    "time": _time,
    "to": _name("a queue"),
    "value": _value,
    "who": _one_caller,
}
