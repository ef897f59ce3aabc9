"""Tests of the schema of native messages, and of the page that explains them."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.decode.native import Decoded, NativeReader
from callmon.decode.native_schema import native_schema
from callmon.decode.native_words import NATIVE_FIELDS, NATIVE_TYPES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "feeds" / "native.md"
EXAMPLES = [
    json.loads(text)
    for text in re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
]
VALIDATOR = jsonschema.Draft202012Validator(native_schema())

AT: Micros = 1_795_341_641 * SECOND


def read(*messages: object) -> Decoded:
    """Read *messages* as one payload has them."""
    decoded = Decoded()
    for message in messages:
        NativeReader("acd").read(message, decoded, seq=0, stale_after=90 * SECOND)
    return decoded


@pytest.mark.parametrize("shown", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_page_are_good(shown: Any) -> None:
    """Each is read without a doubt, and the schema takes it."""
    messages = _listed(shown)
    decoded = read(*messages)

    VALIDATOR.validate(shown)
    assert ([], [], "") == (decoded.drops, decoded.doubts, decoded.problem)
    assert len(decoded.events) >= len(messages)


def test_the_page_names_every_type_field_and_word() -> None:
    """Nothing can be sent that a developer would not find there."""
    page = PAGE.read_text()
    told = {message["type"] for found in EXAMPLES for message in _listed(found)}

    assert {"contact.left", "source.restarted", "queue.snapshot", "agent.removed"} < told
    for kind in NATIVE_TYPES:
        assert f"`{kind}`" in page or f"`{kind.removeprefix('contact.')}`" in page
    for name in {path.rpartition(".")[2] for path in NATIVE_FIELDS}:
        assert re.search(rf"`([a-z_]+\.)?{name}`", page), name


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def test_the_schema_beside_the_examples_is_up_to_date() -> None:
    """Write ``callmon schema native`` to config/ again after a change."""
    stored = (ROOT / "config" / "native.schema.json").read_text()

    assert native_schema() == json.loads(stored)


def test_the_schema_is_one_and_knows_all_types() -> None:
    """Each type stands in exactly one of its messages."""
    schema = native_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    messages = schema["$defs"]["message"]["oneOf"]
    types = [kind for message in messages for kind in message["properties"]["type"]["enum"]]

    assert sorted(NATIVE_TYPES) == sorted(types)


names: st.SearchStrategy[object] = st.sampled_from(
    ["a", "b", 1, 2.0, "", None, 1.5, [], True, "x" * 201]
)
numbers: st.SearchStrategy[object] = st.sampled_from(
    [0, 1, 2.0, 1.5, -1, None, "1", True, [], 10**9, 10**9 + 1, 864_000]
)
times: st.SearchStrategy[object] = st.sampled_from(
    [AT, AT // 1_000, f"{AT}", "2026-11-22T10:00:00Z", None, -1, [], True]
)
words = st.sampled_from(
    ["busy", "wrapup", "agent", "caller", "full", "lost", "abandoned", "answered", "", None, 3]
)
counts = st.none() | st.dictionaries(
    st.sampled_from(["busy", "ringing", "away", "arrived", "answered", "talk_s", "other"]),
    numbers,
    max_size=3,
)
fields = {
    "at": times,
    "v": st.sampled_from([1, None, 1.0, 2, "1"]),
    **dict.fromkeys(("queue", "contact", "agent", "id"), names),
    **dict.fromkeys(("outcome", "ended_by", "state"), words),
    "reason": words | names,
    "name": names,
    "queues": st.none() | st.lists(names, max_size=2) | names,
    **dict.fromkeys(("waiting", "talking", "longest_wait_s", "ring_s"), numbers),
    **dict.fromkeys(("stale_after_s", "wait_s", "talk_s"), numbers),
    **dict.fromkeys(("agents", "day"), counts),
    **dict.fromkeys(("day_start", "wrapup_until"), times),
}
changes = st.sampled_from([*fields]).flatmap(
    lambda name: fields[name].map(lambda value: (name, value))
)
GOOD = {
    "at": AT,
    "queue": "a",
    "contact": "c",
    "agent": "ann",
    "outcome": "lost",
    "ended_by": "agent",
    "state": "busy",
    "reason": "full",
    "ring_s": 1,
    "waiting": 1,
}


@given(
    st.sampled_from([*NATIVE_TYPES]),
    st.lists(changes, max_size=2).map(dict),
    st.sets(st.sampled_from([*GOOD]), max_size=1),
)
@example("agent.state", {"queue": ""}, set())
def test_the_schema_takes_what_callmon_takes(
    kind: str, changed: dict[str, object], without: set[str]
) -> None:
    """What passes the one passes the other: one fault is enough for both."""
    good = {name: value for name, value in GOOD.items() if name not in without}
    message = {"type": kind, **good, **changed}

    decoded = read(message)

    assert VALIDATOR.is_valid(message) == (decoded.drops == []), decoded.problem
