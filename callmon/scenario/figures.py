"""What a source reports of a queue as a whole: ``3 waiting, longest wait 45s, 190 answered``.

Words are those of ``docs/feeds/native.md``, which such a source speaks. What a sentence does
not mention is not reported: it stands as it was told last, and no rate is known before all
of its parts are. ``no others`` reports 0 for every outcome that is not mentioned.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from callmon.agent_states import AGENT_LABELS
from callmon.agents import MAX_AGENTS
from callmon.clock import Micros
from callmon.config.values import duration
from callmon.events import OUTCOME_LABELS, DayCounts, Outcome, QueueReported
from callmon.report_counts import MAX_SPAN, MAX_STEP
from callmon.scenario.matching import MissError
from callmon.scenario.steps import Figures, Word

__all__ = ["report_of", "take_figures"]

_COUNT: Final = re.compile(r"[0-9]{1,18}")
_NOBODY: Final = frozenset({"no", "nobody"})
_OTHERS: Final = "others"
_UNKNOWN: Final = "unknown"

_LIVE: Final = ("waiting", "talking")
_DAY: Final = ("arrived", "short_abandoned", "answered_within", "abandoned_within")
_LENGTHS: Final[Mapping[tuple[str, ...], str]] = {
    ("longest", "wait"): "longest_wait",
    ("answered", "wait"): "answered_wait",
    ("talk",): "talk",
}
_FREE: Final = {"free": "available"}
_COUNTED: Final = (*_LIVE, *_DAY, *OUTCOME_LABELS, *AGENT_LABELS, *_FREE)
_FORGETTABLE: Final[Mapping[tuple[str, ...], str]] = {
    ("waiting",): "waiting",
    ("longest", "wait"): "longest_wait",
    ("talking",): "talking",
    ("agents",): "agents",
}
_OFFERED: Final = (*OUTCOME_LABELS[: Outcome.REDIRECTED], "short_abandoned")


def take_figures(words: Sequence[Word], index: int) -> tuple[Figures, int]:
    """Take ``3 waiting, longest wait 45s and 190 answered``: a slot of sentences."""
    told: dict[str, int] = {}
    forgotten: list[str] = []
    others = False
    while True:
        begin = index
        if [_text(words, index), _text(words, index + 1)] == ["no", _OTHERS]:
            others, index = True, index + 2
        else:
            name, value, index = _figure(words, index)
            if name in told or name in forgotten:
                raise MissError(begin, f"a figure other than {name}, which is told already")
            if value is None:
                forgotten.append(name)
            else:
                told[name] = value
            _see_agents(told, forgotten, begin)
        if index >= len(words):
            break
        if _text(words, index) not in {",", "and"}:
            raise MissError(index, options=(",", "and"))
        index += 1 + (_text(words, index + 1) == "and")
    if others:
        told = {**dict.fromkeys(_OFFERED, 0), **told}
    return Figures(told, tuple(forgotten)), index


def report_of(
    figures: Figures, head: tuple[Micros, str, int, str], stale_after: Micros
) -> QueueReported:
    """Return the event that *figures* are, of *head*: when, source, place and queue."""
    told = figures.told
    agents = None
    if told.keys() & set(AGENT_LABELS):
        agents = tuple(told.get(label, 0) for label in AGENT_LABELS)
    outcomes = {label: told[label] for label in OUTCOME_LABELS if label in told}
    lengths = (name for name in _LENGTHS.values() if name != "longest_wait")
    day: dict[str, Any] = {name: told[name] for name in (*_DAY, *lengths) if name in told}
    return QueueReported(
        *head,
        waiting=told.get("waiting"),
        longest_wait=told.get("longest_wait"),
        talking=told.get("talking"),
        agents=agents,
        day=DayCounts(outcomes=outcomes, **day) if outcomes or day else None,
        stale_after=stale_after,
        forgotten=figures.forgotten,
    )


def _figure(words: Sequence[Word], index: int) -> tuple[str, int | None, int]:
    """Take one figure: its name, its value, None where it is unknown, and what is behind."""
    text = _text(words, index)
    if _COUNT.fullmatch(text) or text in _NOBODY:
        count = 0 if text in _NOBODY else int(text)
        name = _text(words, index + 1)
        if name not in _COUNTED:
            others = (_OTHERS,) * (text == "no")
            raise MissError(index + 1, options=(*_COUNTED, *others))
        most = MAX_AGENTS if name in {*AGENT_LABELS, *_FREE} else MAX_STEP
        if count > most:
            raise MissError(index, f"a number of up to {most}")
        return _FREE.get(name, name), count, index + 2
    for phrase, name in _FORGETTABLE.items():
        after = index + len(phrase)
        if _texts(words, index, after) == phrase and _text(words, after) == _UNKNOWN:
            return name, None, after + 1
    for phrase, name in _LENGTHS.items():
        after = index + len(phrase)
        if _texts(words, index, after) == phrase:
            return name, *_length(words, after)
    for phrase in _FORGETTABLE:
        after = index + len(phrase)
        if _texts(words, index, after) == phrase:
            raise MissError(after, options=(_UNKNOWN,))
    options = tuple(" ".join(phrase) for phrase in {**_LENGTHS, **_FORGETTABLE})
    raise MissError(index, "a figure such as 3 waiting", options)


def _see_agents(told: Mapping[str, int], forgotten: Sequence[str], index: int) -> None:
    """See that agents are either counted or not known, and no more than there can be."""
    counts = [told[label] for label in AGENT_LABELS if label in told]
    if counts and "agents" in forgotten:
        raise MissError(index, "agents that are either counted or unknown")
    if sum(counts) > MAX_AGENTS:
        raise MissError(index, f"up to {MAX_AGENTS} agents in all states together")


def _length(words: Sequence[Word], index: int) -> tuple[Micros, int]:
    try:
        length = duration(_text(words, index))
    except ValueError:
        raise MissError(index, "a duration such as 30s or 5m") from None
    if length > MAX_SPAN:
        raise MissError(index, "a duration of up to 365d")
    return length, index + 1


def _texts(words: Sequence[Word], begin: int, end: int) -> tuple[str, ...]:
    return tuple(word.text.lower() for word in words[begin:end])


def _text(words: Sequence[Word], index: int) -> str:
    return words[index].text.lower() if index < len(words) else ""
