"""Tests of field maps: what they find, what they make of it, and what they leave."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.decode.fields import MAX_ROWS, FieldMap, check_fields, check_source
from callmon.decode.native_words import NATIVE_FIELDS
from callmon.errors import DecodeError, DecodeReason

NOW = 1_795_341_641 * SECOND
AT = {"at": "=1795341600"}
THEN = 1_795_341_600 * SECOND


def translate(
    fields: Mapping[str, str],
    payload: object,
    *,
    kind: str = "contact",
    captures: Mapping[str, str] | None = None,
    **settings: Any,
) -> list[dict[str, object] | None]:
    """Return the native messages that *payload* is translated into."""
    captures = captures or {}
    fieldmap = FieldMap(kind, fields=fields, captures=[*captures], **settings)
    found = [fieldmap.translate(row, captures, NOW, "s") for row in fieldmap.rows(payload)]
    return [None if translated is None else translated.message for translated in found]


def stamps(fields: Mapping[str, str], payload: object, **settings: Any) -> list[str | None]:
    """Return what tells the messages in *payload* apart."""
    fieldmap = FieldMap(settings.pop("kind", "contact"), fields=fields, **settings)
    found = [fieldmap.translate(row, {}, NOW, "given") for row in fieldmap.rows(payload)]
    return [translated.stamp for translated in found if translated is not None]


def test_fields_come_from_payload_topic_constant_and_receipt() -> None:
    """Each in its own way of writing."""
    fields = {
        "type": "=contact.joined",
        "queue": "{site}-{line}",
        "contact": 'call["odd.id"]',
        "at": "{received}",
        "agent": "nobody.there",
    }
    captures = {"site": "hz", "line": "7"}
    found = translate(fields, {"call": {"odd.id": 5}}, captures=captures)

    expected = {"type": "contact.joined", "queue": "hz-7", "contact": 5, "at": NOW}
    assert [expected] == found


def test_levels_fill_the_fields_of_their_names() -> None:
    """Unless the map says where the field is found; other levels name nothing."""
    captures = {"queue": "support", "agent": "ann", "site": "hz", "waiting": "3", "id": "4"}
    fields = {**AT, "agent": "who"}

    expected = {"queue": "support", "agent": "bob", "at": THEN, "type": "agent.state"}
    assert [expected] == translate(fields, {"who": "bob"}, kind="agent", captures=captures)


def test_a_scalar_is_its_field_and_of_the_moment_of_receipt() -> None:
    """That is all it takes to tell how many wait."""
    found = translate({}, " 3 ", kind="queue", value="waiting", captures={"queue": "a"})

    assert [{"queue": "a", "type": "queue.snapshot", "at": NOW, "waiting": 3}] == found


def test_figures_of_days_and_agents_are_put_together() -> None:
    """What is null is told as null, what is missing is not told."""
    fields = {
        **AT,
        "agents.busy": "a[0]",
        "agents.paused": "a[1]",
        "day.answered": "b",
        "day.talk_s": "t",
        "waiting": "w",
        "talking": "gone",
    }
    units = {"day.talk_s": "ms"}
    payload = {"a": [1, None], "b": "17", "t": 1500, "w": None}

    expected = {
        "type": "queue.snapshot",
        "at": THEN,
        "agents": {"busy": 1, "paused": None},
        "day": {"answered": 17, "talk_s": 1.5},
        "waiting": None,
    }
    assert [expected] == translate(fields, payload, kind="queue", units=units)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("BUSY", "busy"),
        ("busy", "busy"),
        (" On Call ", "busy"),
        (3, "paused"),
        (True, "away"),
        ("Paused", "paused"),
        ("asleep", "asleep"),
        ("", ""),
    ],
)
def test_words_are_translated_whatever_their_capitals(theirs: object, ours: str) -> None:
    """Numbers and booleans as they are written; ours need no translation."""
    words = {"state": {"Busy": "busy", "on call": "busy", "3": "paused", "true": "away"}}
    found = translate({**AT, "state": "s"}, {"s": theirs}, kind="agent", words=words)

    assert [{"type": "agent.state", "at": THEN, "state": ours}] == found


def test_a_word_may_say_to_ignore_the_message_or_that_nothing_is_known() -> None:
    """With ``*`` so does every word that is not named."""
    fields = {**AT, "waiting": "w", "queue": "q"}
    words = {"waiting": {"-1": "null", "n/a": ""}, "queue": {"a": "support", "*": ""}}
    rows = [{"w": -1, "q": "A"}, {"w": "N/A", "q": "a"}, {"w": 2, "q": "b"}, {"w": 2, "q": "a"}]
    found = translate(fields, rows, kind="queue", words=words)

    common = {"type": "queue.snapshot", "at": THEN, "queue": "support"}
    assert [{**common, "waiting": None}, None, None, {**common, "waiting": 2}] == found


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("s", 41, 41),
        ("s", "41.5", 41.5),
        ("ms", 41_500, 41.5),
        ("ms", " 41500 ", 41.5),
        ("us", 41_500_000, 41.5),
        ("ms", -1, -0.001),
        ("ms", "4,5", "4,5"),
        ("ms", True, True),
        ("ms", [1], [1]),
        ("ms", "1e3", "1e3"),
        ("ms", "9" * 30, "9" * 30),
        ("ms", 10**400, 10**400),
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) else type(value).__name__,
)
def test_durations_become_seconds(unit: str, value: object, expected: object) -> None:
    """What is no number stays what it is: the native reader refuses it."""
    fields = {**AT, "wait_s": "w"}
    (found,) = translate(fields, {"w": value}, units={"wait_s": unit})

    assert found is not None
    assert expected == found["wait_s"]


def test_times_are_read_in_their_format_and_zone() -> None:
    """Every field that is a time, in the one format of the source."""
    fields = {"at": "t", "wrapup_until": "u"}
    settings: dict[str, Any] = {"time_format": "%Y-%m-%d %H:%M:%S", "timezone": "Asia/Shanghai"}
    payload = {"t": "2026-11-22 18:00:00", "u": "2026-11-22 18:00:41"}

    expected = {"type": "agent.state", "at": THEN, "wrapup_until": NOW}
    assert [expected] == translate(fields, payload, kind="agent", **settings)


def test_a_time_that_cannot_be_read_is_refused() -> None:
    """With the field that has it."""
    with pytest.raises(DecodeError, match=r"^at: expected") as caught:
        translate({"at": "t"}, {"t": "noon"})
    assert DecodeReason.BAD_TIME is caught.value.reason


def test_each_element_of_an_array_is_a_message() -> None:
    """Of the payload itself, or of an array in it: then the rest is common to all."""
    fields = {"at": "sent", "contact": "calls[*].id", "queue": "calls[*].in.queue"}
    one = {"sent": THEN, "calls": [{"id": 1, "in": {"queue": "a"}}, {"id": 2}]}
    other = {"sent": NOW, "calls": [{"id": 3}]}

    assert [
        {"at": THEN, "contact": 1, "queue": "a"},
        {"at": THEN, "contact": 2},
        {"at": NOW, "contact": 3},
    ] == translate(fields, [one, other])


def test_an_array_that_is_none_is_refused() -> None:
    """The message is not what the map was made for."""
    payloads: list[Any] = [{}, {"calls": {"id": 1}}, [[]]]
    for payload in payloads:
        with pytest.raises(DecodeError, match="an array before it"):
            translate({"contact": "calls[*].id"}, payload)


def test_a_payload_has_no_more_messages_than_anybody_has_to_tell() -> None:
    """Before any is translated."""
    payloads: list[Any] = [[{}] * (MAX_ROWS + 1), [[1] * (MAX_ROWS // 2 + 1)] * 2]
    for payload in payloads:
        fields = {"contact": "[*].id" if isinstance(payload[0], list) else "id"}
        with pytest.raises(DecodeError) as caught:
            translate(fields, payload)
        assert DecodeReason.OVERSIZED is caught.value.reason
    assert MAX_ROWS == len(translate({"contact": "id"}, [{}] * MAX_ROWS))


def test_queues_of_an_agent_are_a_list_or_one() -> None:
    """A single name will do."""
    fields = {**AT, "queues": "q"}
    first, second = translate(fields, [{"q": ["a", "b"]}, {"q": "a"}], kind="agent")

    assert first is not None
    assert second is not None
    assert (["a", "b"], ["a"]) == (first["queues"], second["queues"])


def test_a_message_is_told_apart_by_its_time_as_it_was_written() -> None:
    """What a local time means may depend on the receipt, and that differs the next time."""
    assert ["2026-10-25 02:30:00"] == stamps({"at": "t"}, {"t": "2026-10-25 02:30:00"})
    assert [None] == stamps({"at": "t"}, {"t": THEN})
    assert ["given"] == stamps({"at": "{received}"}, {})
    assert ["given"] == stamps({}, "x", value="contact")


def test_only_contacts_need_to_be_told_apart_without_a_time() -> None:
    """What an agent or a queue says twice is true twice."""
    for kind, needed in (("contact", True), ("agent", False), ("queue", False)):
        assert needed is FieldMap(kind, fields={"at": "{received}"}).needs_stamp
        assert not FieldMap(kind, fields={"at": "t"}).needs_stamp


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("call.id", None),
        ("=", None),
        ("=a {text}", None),
        ("={queue} x", None),
        ("{queue}", None),
        ("{queue}/{site}", None),
        ("{received}", None),
        ("", "expected a path"),
        ("a..b", "expected a path"),
        ("{received} x", "alone"),
        ("{agent}", r"\(queue, site, text\), found {agent}"),
        ("={agent}", "found {agent}"),
        ("{Queue}", "expected a path, {name}"),
        ("{queue", "expected a path, {name}"),
    ],
)
def test_a_place_of_a_field_is_checked(text: str, problem: str | None) -> None:
    """With what it should have been."""
    found = check_source(text, ("queue", "site", "text"))

    if problem is None:
        assert found is None
    else:
        with pytest.raises(ValueError, match=problem):
            FieldMap("contact", fields={"queue": text}, captures=("queue", "site", "text"))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"contact": "a[*].id", "queue": "b[*].q"}, "one and the same array"),
        ({"contact": "{received}"}, "contact: {received} is a time"),
        ({"contact": "a.b."}, "contact: expected a path"),
    ],
)
def test_a_map_is_checked_as_a_whole(fields: dict[str, str], problem: str) -> None:
    """Each field names its mistake; two arrays cannot both be gone through."""
    found = check_fields(fields, ())

    assert found is not None
    assert problem in found
    assert check_fields({"contact": "a[*].id", "queue": "a[*].q", "at": "t"}, ()) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=8,
)


@given(
    values, st.sampled_from(["contact", "agent", "queue"]), st.sampled_from(["a", "a[*]", "b"])
)
def test_nothing_but_refusal_comes_whatever_the_payload_is(
    payload: object, kind: str, path: str
) -> None:
    """Each field of each kind is tried with each value."""
    fields = {name: path for name, kinds in NATIVE_FIELDS.items() if kind in kinds}
    words = {name: {"0": "null", "": ""} for name in fields}
    try:
        found = translate(fields, payload, kind=kind, words=words, time_format="auto")
    except DecodeError:
        return
    for message in found:
        assert message is None or {name.partition(".")[0] for name in fields} >= {*message}
