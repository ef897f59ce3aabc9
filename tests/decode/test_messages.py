"""Tests of messages of topics: three systems of different shapes, and bytes of any kind."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.decode.messages import (
    MAX_PAYLOAD_BYTES,
    MAX_TOPIC_REMEMBERED,
    MAX_TOPICS,
    Decoded,
    MessageDecoder,
)
from callmon.decode.native import MAX_EVENTS
from callmon.events import (
    AgentChanged,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    DayCounts,
    Device,
    Outcome,
    QueueReported,
    RingNotAnswered,
    TalkEnd,
    TalkEnded,
)
from callmon.feeds.settings import MessageKind, MqttSettings, Payload, TopicSettings

NOW: Micros = 1_795_341_700 * SECOND
AT: Micros = 1_795_341_641 * SECOND
SEQ = 3 * MAX_EVENTS
PAUSED, WORKS = True, False


def decoder(*topics: TopicSettings) -> MessageDecoder:
    """Return a decoder of *topics*."""
    return MessageDecoder(
        MqttSettings(name="feed", source="acd", client_id="callmon", topics=topics)
    )


NATIVE = decoder(TopicSettings(template="callmon/{queue}/events"))

FLAT = decoder(
    TopicSettings(
        template="acd/{site}/calls",
        kind=MessageKind.CONTACT,
        fields={
            "type": "state",
            "queue": "skill",
            "contact": "callId",
            "at": "ts",
            "agent": "operator",
            "wait_s": "holdMs",
            "talk_s": "talkMs",
            "ring_s": "ringMs",
            "ended_by": "=agent",
        },
        words={
            "type": {
                "QUEUED": "contact.joined",
                "CONNECTED": "contact.answered",
                "HANGUP_WAITING": "contact.abandoned",
                "RELEASED": "contact.ended",
                "NO_REPLY": "contact.ring_not_answered",
                "*": "",
            }
        },
        units={"wait_s": "ms", "talk_s": "ms", "ring_s": "ms"},
        time="%d.%m.%Y %H:%M:%S",
        timezone="Asia/Shanghai",
    )
)
"""Flat JSON, local time, milliseconds, a word for every state."""

NESTED = decoder(
    TopicSettings(
        template="wallboard",
        kind=MessageKind.QUEUE,
        fields={
            "at": "generated",
            "queue": "groups[*].name",
            "waiting": "groups[*].now.inQueue",
            "longest_wait_s": "groups[*].now.oldest",
            "agents.busy": "groups[*].agents[0]",
            "agents.ringing": "=0",
            "agents.available": "groups[*].agents[1]",
            "agents.wrapup": "=0",
            "agents.paused": "groups[*].agents[2]",
            "day.answered": "groups[*].today.handled",
            "day.abandoned": "groups[*].today.lost",
            "day_start": "midnight",
        },
        words={"longest_wait_s": {"-1": "null"}},
        stale_after=30 * SECOND,
    ),
    TopicSettings(
        template="people",
        kind=MessageKind.AGENT,
        fields={
            "at": "at",
            "agent": "user.login",
            "name": "user.full",
            "queues": "skills",
            "state": "presence.code",
            "reason": "presence.text",
        },
        words={"state": {"1": "available", "2": "busy", "3": "paused", "0": "away"}},
    ),
)
"""Arrays in objects, figures of all queues at once, codes for words."""

SCALARS = decoder(
    TopicSettings(
        template="pbx/{queue}/waiting",
        kind=MessageKind.QUEUE,
        payload=Payload.SCALAR,
        value="waiting",
    ),
    TopicSettings(
        template="pbx/{queue}/oldest",
        kind=MessageKind.QUEUE,
        payload=Payload.SCALAR,
        value="longest_wait_s",
        units={"longest_wait_s": "ms"},
    ),
    TopicSettings(
        template="pbx/{queue}/agents/{agent}",
        kind=MessageKind.AGENT,
        payload=Payload.SCALAR,
        value="state",
        words={"state": {"up": "available", "in call": "busy", "test": ""}},
    ),
    TopicSettings(
        template="pbx/{queue}/calls/{contact}",
        kind=MessageKind.CONTACT,
        payload=Payload.SCALAR,
        value="type",
        words={"type": {"in": "contact.joined", "gone": "contact.abandoned"}},
    ),
)
"""A number or a word for each topic, and no time."""


def decode(
    of: MessageDecoder, topic: str, payload: Any, *, retained: bool = False, now: Micros = NOW
) -> Decoded:
    """Decode *payload*, as JSON unless it is bytes."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return of.decode(topic, data, retained=retained, received=now, seq=3)


def test_flat_messages_of_local_times_are_contacts() -> None:
    """Words, units and zone are the map's; what is of no interest is ignored."""
    call = {"skill": "sales", "callId": 7, "operator": "ann", "ts": "22.11.2026 18:00:41"}
    states = [
        {**call, "state": "QUEUED"},
        {**call, "state": "NO_REPLY", "ringMs": 15_000},
        {**call, "state": "connected", "holdMs": 41_123},
        {**call, "state": "RECORDING"},
        {**call, "state": "RELEASED", "talkMs": "5000"},
        {**call, "state": "HANGUP_WAITING", "callId": 8, "holdMs": -1},
    ]
    decoded = decode(FLAT, "acd/hz/calls", states)

    visit = (AT, "acd")
    assert [
        ContactJoined(*visit, SEQ, "sales", "7"),
        RingNotAnswered(*visit, SEQ + 1, "sales", "7", 15 * SECOND, "ann"),
        ContactAnswered(*visit, SEQ + 2, "sales", "7", 41_123_000, "ann"),
        TalkEnded(*visit, SEQ + 3, "sales", "7", 5 * SECOND, TalkEnd.AGENT, "ann"),
        ContactLeft(*visit, SEQ + 4, "sales", "8", Outcome.ABANDONED, None),
    ] == decoded.events
    assert ([], ["bad_number"]) == (decoded.drops, decoded.doubts)


def test_arrays_of_all_queues_are_reports_of_each() -> None:
    """Codes and constants stand for what the system does not say in words."""
    board = {
        "generated": AT // 1_000,
        "midnight": "2026-11-22T00:00:00+08:00",
        "groups": [
            {
                "name": "support",
                "now": {"inQueue": 3, "oldest": 41},
                "agents": [5, 2, 1],
                "today": {"handled": 190, "lost": 15},
            },
            {"name": "sales", "now": {"inQueue": 0, "oldest": -1}},
        ],
    }
    decoded = decode(NESTED, "wallboard", board)

    start = AT - AT % (86_400 * SECOND) - 8 * 3_600 * SECOND
    settings: dict[str, Any] = {"day_start": start, "stale_after": 30 * SECOND}
    assert [
        QueueReported(
            AT,
            "acd",
            SEQ,
            "support",
            waiting=3,
            longest_wait=41 * SECOND,
            agents=(5, 0, 2, 0, 1, 0),
            day=DayCounts(outcomes={"answered": 190, "abandoned": 15}),
            **settings,
        ),
        QueueReported(
            AT, "acd", SEQ + 1, "sales", waiting=0, forgotten=("longest_wait",), **settings
        ),
    ] == decoded.events
    assert ([None, None], []) == (decoded.ids, decoded.drops)


def test_a_part_of_another_shape_harms_no_other() -> None:
    """Each is a message of its own."""
    board = {"generated": AT, "groups": [{"name": "a", "now": {"inQueue": 1}}]}
    decoded = decode(NESTED, "wallboard", [3, {}, board, {**board, "groups": {}}, [], board])

    assert 2 == len(decoded.events)
    assert ["malformed", "bad_value", "bad_value", "bad_value"] == decoded.drops


def test_an_object_of_codes_is_an_agent() -> None:
    """Once in each of his queues."""
    user = {"login": "ann", "full": "Ann Lee"}
    person = {"at": AT, "user": user, "skills": ["a", "b"]}
    presence = {"code": 3, "text": "lunch"}
    decoded = decode(NESTED, "people", {**person, "presence": presence})

    assert [
        AgentChanged(
            AT, "acd", SEQ + place, queue, "ann", "Ann Lee", Device.IDLE, PAUSED, "lunch", 0
        )
        for place, queue in enumerate("ab")
    ] == decoded.events
    assert 2 == len({*decoded.ids} - {None})


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("pbx/a/waiting", b"3", QueueReported(NOW, "acd", SEQ, "a", waiting=3)),
        ("pbx/a/waiting", b' "3"\n', QueueReported(NOW, "acd", SEQ, "a", waiting=3)),
        (
            "pbx/a/oldest",
            b"41500",
            QueueReported(NOW, "acd", SEQ, "a", longest_wait=41_500_000),
        ),
        (
            "pbx/a/agents/ann",
            b"In Call",
            AgentChanged(NOW, "acd", SEQ, "a", "ann", "", Device.BUSY, WORKS, "", 0),
        ),
        ("pbx/a/calls/c-1", b"in", ContactJoined(NOW, "acd", SEQ, "a", "c-1")),
    ],
)
def test_a_word_or_number_of_a_topic_is_of_its_receipt(
    topic: str, payload: bytes, expected: object
) -> None:
    """The levels of the topic tell what it is about."""
    decoded = decode(SCALARS, topic, payload)

    assert ([expected], []) == (decoded.events, decoded.drops)


@pytest.mark.parametrize(
    ("topic", "payload", "drops"),
    [
        ("pbx/a/waiting", b"-1", ["bad_number"]),
        ("pbx/a/waiting", b"NaN", ["bad_number"]),
        ("pbx/a/waiting", b"many", ["bad_number"]),
        ("pbx/a/waiting", b"{}", ["bad_number"]),
        ("pbx/a/waiting", b"3" * 1_001, ["oversized"]),
        ("pbx/a/waiting", b"\xff", ["malformed"]),
        ("pbx/a/waiting", b"", ["empty"]),
        ("pbx/a/agents/ann", b"dreams", ["bad_value"]),
        ("pbx/a/agents/ann", b"test", []),
        ("pbx//waiting", b"3", ["missing_fields"]),
        ("pbx/a/other", b"3", ["unmatched"]),
        ("pbx/a/waiting/x", b"3", ["unmatched"]),
        ("", b"3", ["unmatched"]),
    ],
)
def test_a_scalar_that_is_none_is_refused(topic: str, payload: bytes, drops: list[str]) -> None:
    """One on purpose is not even counted."""
    decoded = decode(SCALARS, topic, payload)

    assert ([], [], drops) == (decoded.events, decoded.ids, decoded.drops)
    assert bool(drops) == bool(decoded.problem)


def test_a_scalar_null_says_that_the_source_cannot_say() -> None:
    """As null in JSON does: it is no number, and no mistake either."""
    decoded = decode(SCALARS, "pbx/a/waiting", b"null")

    forgets = QueueReported(NOW, "acd", SEQ, "a", forgotten=("waiting",))
    assert [forgets] == decoded.events
    assert ([], []) == (decoded.drops, decoded.doubts)


def test_a_native_message_is_read_as_it_is_but_for_what_its_topic_says() -> None:
    """What the message says of its queue counts more."""
    message = {"type": "contact.joined", "at": AT, "contact": "c-1"}
    decoded = decode(
        NATIVE,
        "callmon/support/events",
        [message, {**message, "queue": "sales"}, {**message, "queue": None}, 7],
    )

    assert ["support", "sales", "support"] == [
        event.queue for event in decoded.events if isinstance(event, ContactJoined)
    ]
    assert decoded.ids[0] == decoded.ids[2]
    assert ["malformed"] == decoded.drops


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"{", "malformed"),
        (b"nonsense", "malformed"),
        (b'"text"', "malformed"),
        (b"null", "malformed"),
        (b"\xff\xfe{}", "malformed"),
        (b'{"type": NaN}', "malformed"),
        (b'{"type": 1e999}', "malformed"),
        (b'{"type": "\xff"}', "malformed"),
        (b'{"type": "\\ud800"}', "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"a":' * 100_000, "malformed"),
        (b" " * MAX_PAYLOAD_BYTES + b"{}", "oversized"),
        (b"[" + b"{}," * MAX_EVENTS + b"{}]", "oversized"),
        (b"{}", "missing_fields"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_bytes_that_are_no_messages_are_refused_with_the_reason(
    payload: bytes, reason: str
) -> None:
    """Once, however long they are."""
    for of, topic in ((NATIVE, "callmon/a/events"), (FLAT, "acd/x/calls")):
        decoded = decode(of, topic, payload)

        assert ([], [reason]) == (decoded.events, decoded.drops)


def test_a_payload_just_within_the_limit_is_read() -> None:
    """White space counts, too."""
    message = json.dumps({"type": "source.restarted", "at": AT}).encode()
    longest = message.ljust(MAX_PAYLOAD_BYTES)
    many = json.dumps([{}] * MAX_EVENTS).encode()

    assert 1 == len(decode(NATIVE, "callmon/a/events", longest).events)
    assert ["missing_fields"] * MAX_EVENTS == decode(NATIVE, "callmon/a/events", many).drops
    assert 1 == len(decode(SCALARS, "pbx/a/waiting", b"3".rjust(1_000)).events)


def test_a_byte_order_mark_is_no_mistake() -> None:
    """Some systems write one."""
    assert 1 == len(decode(SCALARS, "pbx/a/waiting", b"\xef\xbb\xbf3").events)
    assert [] == decode(NATIVE, "callmon/a/events", b"\xef\xbb\xbf[]").drops


def test_retained_messages_are_states_and_no_events() -> None:
    """Native or translated: what happened is not told by a broker's memory."""
    for of, topic, payload in (
        (SCALARS, "pbx/a/calls/c-1", b"in"),
        (NATIVE, "callmon/a/events", {"type": "contact.joined", "at": AT, "contact": 1}),
    ):
        assert ["retained"] == decode(of, topic, payload, retained=True).drops
    kept = decode(SCALARS, "pbx/a/waiting", b"3", retained=True)
    assert (1, []) == (len(kept.events), kept.drops)


def test_a_message_without_a_time_is_known_by_its_bytes_when_it_comes_again() -> None:
    """A later receipt makes no other event of it; another topic or word does."""
    first = decode(SCALARS, "pbx/a/calls/c-1", b"in")
    again = decode(SCALARS, "pbx/a/calls/c-1", b"in", now=NOW + 60 * SECOND)
    others = [
        decode(SCALARS, "pbx/a/calls/c-2", b"in"),
        decode(SCALARS, "pbx/b/calls/c-1", b"in"),
        decode(SCALARS, "pbx/a/calls/c-1", b"gone"),
    ]

    assert first.ids == again.ids
    assert 4 == len({known for one in (first, *others) for known in one.ids} - {None})
    assert [None] == decode(SCALARS, "pbx/a/agents/ann", b"up").ids


def test_parts_of_a_message_without_a_time_are_known_by_their_places() -> None:
    """Two that say the same are two."""
    fields = {"type": "=contact.joined", "queue": "=a", "contact": "c", "at": "{received}"}
    of = decoder(TopicSettings(template="x", kind=MessageKind.CONTACT, fields=fields))
    decoded = decode(of, "x", [{"c": 1}, {"c": 1}])

    assert 2 == len({*decoded.ids} - {None})
    assert decoded.ids == decode(of, "x", [{"c": 1}, {"c": 1}], now=NOW + SECOND).ids


def test_a_local_time_that_comes_twice_is_the_same_event_whenever_it_is_received() -> None:
    """The instant may be judged otherwise then, the event is not another one."""
    fields = {"type": "=contact.joined", "queue": "=a", "contact": "c", "at": "t"}
    of = decoder(
        TopicSettings(
            template="x", kind=MessageKind.CONTACT, fields=fields, timezone="Europe/Berlin"
        )
    )
    call = {"c": 1, "t": "2026-10-25T02:30:00"}
    first = 1_792_888_200 * SECOND
    early = decode(of, "x", call, now=first)
    late = decode(of, "x", call, now=first + 2 * 3_600 * SECOND)

    assert [first, first + 3_600 * SECOND] == [one.events[0].at for one in (early, late)]
    assert early.ids == late.ids


def test_the_first_template_that_fits_counts() -> None:
    """And each filter is subscribed to once."""
    of = decoder(
        TopicSettings(template="a/{queue}/x", kind=MessageKind.QUEUE, fields={}),
        TopicSettings(template="a/{site}/x"),
        TopicSettings(template="a/#"),
    )

    assert ("a/+/x", "a/#") == of.filters
    # The first would want a time, the second a type.
    first = decode(of, "a/b/x", {"waiting": 3}).problem
    last = decode(of, "a/b/y", {}).problem
    assert "a/{queue}/x: at: expected a value, found none" == first
    assert "a/#: type: expected a value, found none" == last


def test_places_of_events_grow_from_message_to_message() -> None:
    """The last of one stands before the first of the next."""
    message = {"type": "source.restarted", "at": AT}
    many = json.dumps([message] * MAX_EVENTS).encode()
    places = [
        event.seq
        for seq in (1, 2)
        for event in NATIVE.decode(
            "callmon/a/events", many, retained=False, received=NOW, seq=seq
        ).events
    ]

    assert list(range(MAX_EVENTS, 3 * MAX_EVENTS)) == places


def test_what_is_remembered_of_topics_has_an_end() -> None:
    """A system may have a topic for each call."""
    of = decoder(TopicSettings(template="callmon/{queue}/#"))
    for number in range(MAX_TOPICS + 5):
        decode(of, f"callmon/a/{number}", b"{}")
    decode(of, "callmon/a/" + "x" * MAX_TOPIC_REMEMBERED, b"{}")
    for number in range(5):
        decode(of, f"elsewhere/{number}", b"{}")

    assert 5 == len(of._known)


def test_a_topic_that_cannot_be_written_is_refused() -> None:
    """No name of that kind goes on."""
    message = {"type": "contact.joined", "at": AT, "contact": "c-1"}

    assert ["bad_value"] == decode(NATIVE, "callmon/\ud800/events", message).drops
    assert ["bad_value"] == decode(SCALARS, "pbx/\ud800/calls/1", b"in").drops


fragments = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b",", b":", b'"type"', b'"contact.joined"', b'"at"', b" "),
        *(b"1795341641", b'"queue"', b'"a"', b'"contact"', b"null", b"-1", b"\xff", b"1e9"),
    ]
)
topics = st.sampled_from(
    [
        "callmon/a/events",
        "acd/hz/calls",
        "wallboard",
        "people",
        "pbx/a/waiting",
        "pbx/a/calls/b",
    ]
)


@given(topics, st.binary(max_size=40) | st.lists(fragments, max_size=20).map(b"".join))
@example("callmon/a/events", b'[{"type":"contact.joined","at":1795341641,"contact":1},3]')
def test_whatever_the_bytes_are_they_are_used_counted_or_ignored(
    topic: str, payload: bytes
) -> None:
    """Nothing is raised, every event has its id, and twice the same is the same."""
    for of in (NATIVE, FLAT, NESTED, SCALARS):
        decoded = decode(of, topic, payload)

        assert len(decoded.events) == len(decoded.ids)
        assert bool(decoded.drops or decoded.doubts) == bool(decoded.problem)
        assert decoded == decode(of, topic, payload)
