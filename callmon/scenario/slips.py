"""What somebody probably meant by a word that no sentence has. Pure.

It only becomes the question at the end of a message.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from callmon.config.meant import (
    choice_meant,
    dates_meant,
    duration_meant,
    hours_meant,
    narrow,
)
from callmon.scenario.steps import Word

__all__ = ["meant_by"]

_OTHER_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "joins": ("enters", "calls", "arrives", "queues", "dials", "进入", "呼入"),
    "join": ("enter", "call", "arrive", "queue"),
    "hangs up": ("abandons", "leaves", "drops", "quits", "disconnects", "放弃", "挂断"),
    "is answered": ("answered", "connects", "talks", "接起", "接通"),
    "caller": ("call", "customer", "client", "来电", "客户", "主叫"),
    "callers": ("calls", "customers", "clients"),
    "agent": ("operator", "坐席", "座席"),
    "fires": ("alarms", "alerts", "triggers", "raises", "触发", "告警"),
    "is refused by": ("refused", "rejected", "blocked", "bounces", "拒绝", "拒接"),
    "refused by": ("rejected", "blocked", "bounced", "turned", "拒绝", "拒接"),
    "by": ("from", "at", "with"),
    "at": ("on", "to", "with", "在", "于"),
    "rings": ("ring", "phones", "振铃"),
    "reports": ("report", "tells", "says", "shows", "has", "上报", "报告"),
    "queue": ("queues", "队列"),
    "waiting": ("waits", "wait", "queued", "callers", "in", "排队", "等待", "排队等待"),
    "talking": ("talks", "connected", "通话"),
    "abandoned": ("lost_calls", "missed", "放弃"),
    "arrived": ("offered", "joined", "calls", "entered", "呼入"),
    "available": ("idle", "ready", "空闲"),
    "paused": ("break", "pausing", "小休"),
    "longest wait": ("longest", "longest_wait", "max", "最长等待"),
    "ends": ("clears", "resolves", "recovers", "恢复", "结束"),
    "recovered": ("resolved", "cleared", "ok", "恢复", "已恢复"),
    "free": ("idle", "available", "空闲"),
    "busy": ("talking", "occupied", "通话", "忙碌"),
    "blind": ("down", "offline", "中断"),
}
"""By what the sentences have; one word may stand for others in other places."""

_BEYOND: Final = tuple(f"{hour}:" for hour in range(24, 48))
"""Hours that people count on beyond midnight."""

_TURNS: Final = frozenset({"fires", "ends", "escalates", "does"})
"""Only a threshold does these."""


def meant_by(words: Sequence[Word], index: int, possible: Sequence[str]) -> str:
    """Return the hint about word *index*, where one of *possible* was expected, or ""."""
    word = words[index].text
    two = " ".join(one.text for one in words[index : index + 2])
    wanted = ", ".join(possible)
    if "time such as" in wanted:
        if narrow(word).startswith(_BEYOND):
            later = f"{int(narrow(word)[:2]) - 24:02}{narrow(word)[2:]}"
            return f"; after midnight write the next date: on DATE at {later}"
        hours = hours_meant(f"{narrow(word)}-24:00")
        meant = hours.partition("-")[0] if hours is not None else None
    elif "duration such as" in wanted:
        meant = duration_meant(two) or duration_meant(word)
        if meant is None and word.isdigit():
            return f"; write {word}s for seconds or {word}m for minutes"
    elif "day such as" in wanted:
        meant = dates_meant(word)
    else:
        meant = _other_word(word.lower(), possible) or _in_ascii(word)
        if meant is None and choice_meant(word) in possible:
            meant = choice_meant(word)
    if meant is not None:
        return f"; did you mean '{meant}'?"
    return _of_order(words, index, wanted) or _of_names(words, index, wanted)


def _other_word(word: str, possible: Sequence[str]) -> str | None:
    found = (one for one, others in _OTHER_WORDS.items() if word in others and one in possible)
    return next(found, None)


def _in_ascii(word: str) -> str | None:
    """Return a number or a word as it is written here, from what a Chinese keyboard typed."""
    number = unicodedata.numeric(word, None) if len(word) == 1 else None
    plain = narrow(word) if number is None else f"{number:g}"
    return plain if plain != word and plain.isascii() and plain.isalnum() else None


def _of_order(words: Sequence[Word], index: int, wanted: str) -> str:
    """Say how it is written where the word itself is right, but not here."""
    word = words[index].text.lower()
    if word in {"ring", "rings"} and "is refused by" in wanted:
        return "; one caller in a sentence: caller 7 rings at Ann"
    if word.isdigit() and wanted == "unknown":
        return f"; write: {word} {words[index - 1].text}"
    return ""


def _of_names(words: Sequence[Word], index: int, wanted: str) -> str:
    """Say how the name of a threshold or a queue is written, where one stands."""
    if "long_wait(support)" in wanted and any(one.text in _TURNS for one in words[index + 1 :]):
        return f"; write for which queue: {words[index].text}(support)"
    behind = words[index + 1].text.lower() if index + 1 < len(words) else ""
    if behind in {"report", "reports"}:
        return f"; write: queue {words[index].text} reports"
    if words[index].text.lower() == "queue":
        return "; leave out 'the'" if index and words[index - 1].text.lower() == "the" else ""
    if index and words[index - 1].text.lower() in {"queue", "the"}:
        return "; write the name of the queue alone: joins support"
    return ""
