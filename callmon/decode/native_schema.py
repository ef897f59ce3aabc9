"""The JSON Schema of native messages, for whoever writes or checks them by program."""

from collections.abc import Iterable
from typing import Any

from callmon.clock import SECOND
from callmon.decode.native_values import (
    LONGEST,
    LONGEST_STALE,
    LONGEST_SUM,
    MAX_COUNT,
    MAX_NAME,
    MAX_QUEUES,
)
from callmon.decode.native_words import (
    DAY_COUNTS,
    ENDS,
    FIGURES,
    LEFT,
    OUTCOMES,
    REFUSALS,
    STAFFED,
    STATES,
    VERSION,
)
from callmon.events import OUTCOME_LABELS

__all__ = ["native_schema"]

Schema = dict[str, Any]

_TIME = {
    "description": "RFC 3339 with its offset, or seconds, milliseconds or microseconds since "
    "1970: which of them, its size tells.",
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "string", "pattern": r"^[0-9]{1,18}(\.[0-9]{1,18})?$"},
        {"type": "number", "minimum": 0},
    ],
}

_NAME = {
    "type": ["string", "integer"],
    "minLength": 1,
    "maxLength": MAX_NAME,
    "exclusiveMinimum": -(10**18),
    "exclusiveMaximum": 10**18,
}


def native_schema() -> Schema:
    """Return the schema of a message: an object, or an array of objects."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A native message of callmon, version 1",
        "description": "docs/feeds/native.md explains it. Keys that are not named here are "
        "ignored; null is as good as a key that is not there, but of waiting, "
        "longest_wait_s, talking and agents it says: not known any more.",
        "anyOf": [
            {"$ref": "#/$defs/message"},
            {"type": "array", "items": {"$ref": "#/$defs/message"}},
        ],
        "$defs": {
            "message": {"oneOf": list(_messages())},
            "time": _TIME,
            "name": _NAME,
            "label": {"type": ["string", "integer", "null"]},
            "count": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_COUNT},
            "span": {
                "description": "Seconds. What cannot be true, as less than 0, is left out.",
                "type": ["number", "null"],
            },
        },
    }


def _messages() -> Iterable[Schema]:
    """Yield the schema of each type of message."""
    agent = {"agent": _optional(_ref("name"), "Who took the contact.")}
    wait = {"wait_s": _described("span", "How long the contact has waited.")}
    yield _contact(("contact.joined",), "A contact begins to wait.")
    yield _contact(("contact.answered",), "An agent took the contact.", wait | agent)
    outcome = {"outcome": _words(OUTCOMES, "How the waiting ended.")}
    text = "Waiting ended without an agent."
    yield _contact(("contact.left",), text, outcome | wait, ("outcome",))
    yield _contact(LEFT, f"{text} The outcome is in the type.", wait)
    talk = {"talk_s": _described("span", "How long they have talked.")}
    ends = {"ended_by": _words(ENDS, "Who ended the talk.")}
    text = "The talk of an answered contact ended."
    yield _contact(("contact.ended",), text, talk | ends | agent, ("ended_by",))
    rang = {"agent": _described("name", "Whose telephone rang."), "ring_s": _seconds(LONGEST)}
    text = "A telephone rang and was not taken; the contact goes on waiting."
    yield _contact(("contact.ring_not_answered",), text, rang, ("agent", "ring_s"))
    reason = {"reason": _words(REFUSALS, "Why.")}
    text = "The queue did not take the contact: it never waited there."
    yield _contact(("contact.refused",), text, reason, ("reason",))
    yield from _agents()
    yield _snapshot()
    text = "The system began anew: whoever waited or talked before is gone."
    yield _message(("source.restarted",), text, {}, ())


def _agents() -> Iterable[Schema]:
    named = {
        "agent": _described("name", "What tells agents apart, the same in all queues."),
        "queue": _optional(_ref("name"), "The queue, if there is no queues."),
        "queues": {
            "description": "All queues that this is about.",
            "type": ["array", "null"],
            "items": _ref("name"),
            "minItems": 1,
            "maxItems": MAX_QUEUES,
        },
    }
    told = {
        "name": _described("label", "For people; shown only where that is allowed."),
        "state": _words(STATES, "What the agent does."),
        "reason": _described("label", "Why, when paused."),
        "wrapup_until": _optional(_ref("time"), "When wrap-up ends.", None),
    }
    text = "Where an agent stands now."
    yield _of_queues(_message(("agent.state",), text, named | told, ("agent", "state")))
    text = "An agent is none of these queues' any more."
    yield _of_queues(_message(("agent.removed",), text, named, ("agent",)))


def _of_queues(schema: Schema) -> Schema:
    """Return *schema* with one of queue and queues needed."""
    there = [
        {"required": [name], "properties": {name: {"not": {"enum": [None, ""]}}}}
        for name in ("queue", "queues")
    ]
    return {**schema, "anyOf": there}


def _snapshot() -> Schema:
    sums = {"answered_wait_s": "Waits of the answered.", "talk_s": "Talks of the answered."}
    day = {
        **{name: _ref("count") for name in (*DAY_COUNTS, *OUTCOME_LABELS)},
        **{
            name: {**_optional_seconds(LONGEST_SUM), "description": f"{text} All together."}
            for name, text in sums.items()
        },
    }
    fields = {
        "queue": _ref("name"),
        "waiting": _described("count", "Waiting now."),
        "longest_wait_s": {
            **_optional_seconds(LONGEST),
            "description": "How long the contact that waits longest has waited.",
        },
        "talking": _described("count", "Talking to an agent now."),
        "agents": {
            "description": "Agents by state. A system that does not know one of the first "
            "five says 0; without all of them nothing is known of agents.",
            "type": ["object", "null"],
            "properties": {name: _ref("count") for name in (*STAFFED, "away")},
        },
        "day": {
            "description": "Counters that the system sets to 0 once a day.",
            "type": ["object", "null"],
            "properties": day,
        },
        "day_start": _optional(_ref("time"), "When they were set to 0.", None),
        "stale_after_s": {
            **_optional_seconds(LONGEST_STALE),
            "description": "How long this holds without another snapshot.",
        },
    }
    schema = _message(
        ("queue.snapshot",), "What holds of a queue as a whole.", fields, ("queue",)
    )
    return {**schema, "anyOf": [{"required": [name]} for name in FIGURES]}


def _contact(
    types: Iterable[str], text: str, fields: Schema | None = None, needed: Iterable[str] = ()
) -> Schema:
    named = {
        "queue": _described("name", "The queue, as the system calls it."),
        "contact": _described("name", "One visit to the queue: as a call id."),
    }
    return _message(types, text, named | (fields or {}), ("queue", "contact", *needed))


def _message(types: Iterable[str], text: str, fields: Schema, needed: Iterable[str]) -> Schema:
    return {
        "description": text,
        "type": "object",
        "properties": {
            "type": {"enum": list(types)},
            "at": _ref("time"),
            "v": {"description": "The version of the format.", "enum": [VERSION, None]},
            "id": _optional(_ref("name"), "Unique among the events of the system."),
            **fields,
        },
        "required": ["type", "at", *needed],
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _described(name: str, text: str) -> Schema:
    return {**_ref(name), "description": text}


def _optional(schema: Schema, text: str, *nothing: str | None) -> Schema:
    return {"description": text, "anyOf": [schema, {"enum": list(nothing or (None, ""))}]}


def _words(words: Iterable[str], text: str) -> Schema:
    return {"description": text, "enum": list(words)}


def _seconds(longest: int) -> Schema:
    return {"type": "number", "minimum": 0, "maximum": longest // SECOND}


def _optional_seconds(longest: int) -> Schema:
    return {**_seconds(longest), "type": ["number", "null"]}
