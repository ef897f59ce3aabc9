"""The words of native messages: their types, their fields, and what may stand in them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from callmon.events import OUTCOME_LABELS, Device, Outcome, TalkEnd

__all__ = [
    "DAY_COUNTS",
    "DAY_SUMS",
    "ENDS",
    "FIGURES",
    "LEFT",
    "NATIVE_FIELDS",
    "NATIVE_TYPES",
    "NATIVE_WORDS",
    "OUTCOMES",
    "REFUSALS",
    "STAFFED",
    "STATES",
    "TIMES",
    "VERSION",
]

VERSION = 1
"""Of the format: who writes a later one may mean something else by the same words."""

LEFT: Final = {
    f"contact.{outcome.name.lower()}": outcome
    for outcome in Outcome
    if outcome is not Outcome.ANSWERED
}
OUTCOMES: Final = {outcome.name.lower(): outcome for outcome in LEFT.values()}
ENDS: Final = {end.value: end for end in TalkEnd}
REFUSALS: Final = {"full": "full", "join_empty": "join_empty"}
STATES: Final = {
    "available": (Device.IDLE, False),
    "ringing": (Device.RINGING, False),
    "busy": (Device.BUSY, False),
    "wrapup": (Device.IDLE, False),
    "paused": (Device.IDLE, True),
    "away": (Device.AWAY, False),
}

STAFFED: Final = ("busy", "ringing", "available", "wrapup", "paused")
"""The states that ``agents`` counts, in the order of ``QueueReported.agents``; then away."""

TIMES: Final = frozenset(("at", "day_start", "wrapup_until"))
"""The fields that are instants; those whose names end in ``_s`` are durations."""

DAY_COUNTS: Final = ("arrived", "short_abandoned", "answered_within", "abandoned_within")
DAY_SUMS: Final = ("answered_wait_s", "talk_s")
FIGURES: Final = ("waiting", "longest_wait_s", "talking", "agents", "day")
"""What a snapshot may say, one of which it must."""

NATIVE_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "contact.joined": "contact",
        "contact.answered": "contact",
        "contact.left": "contact",
        **dict.fromkeys(LEFT, "contact"),
        "contact.ended": "contact",
        "contact.ring_not_answered": "contact",
        "contact.refused": "contact",
        "agent.state": "agent",
        "agent.removed": "agent",
        "queue.snapshot": "queue",
        "source.restarted": "contact",
    }
)
"""Each type of message, and the kind of topic that may bring it."""


def _fields() -> Iterator[tuple[str, frozenset[str]]]:
    for name in ("type", "at", "queue", "id"):
        yield name, frozenset(("contact", "agent", "queue"))
    for name in ("contact", "wait_s", "talk_s", "ring_s", "outcome", "ended_by"):
        yield name, frozenset(("contact",))
    for name in ("agent", "reason"):
        yield name, frozenset(("contact", "agent"))
    for name in ("name", "state", "queues", "wrapup_until"):
        yield name, frozenset(("agent",))
    for name in ("waiting", "longest_wait_s", "talking", "day_start", "stale_after_s"):
        yield name, frozenset(("queue",))
    for name in (*STAFFED, "away"):
        yield f"agents.{name}", frozenset(("queue",))
    for name in (*DAY_COUNTS, *OUTCOME_LABELS, *DAY_SUMS):
        yield f"day.{name}", frozenset(("queue",))


NATIVE_FIELDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(dict(_fields()))
"""Each field, with its path, and the kinds of topics whose messages have it."""

NATIVE_WORDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "type": frozenset(NATIVE_TYPES),
        "outcome": frozenset(OUTCOMES),
        "ended_by": frozenset(ENDS),
        "state": frozenset(STATES),
    }
)
"""The words of each field that knows only certain ones."""
