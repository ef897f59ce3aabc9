"""Tests of native messages: what each says, why it is refused, and by what it is known."""

from collections.abc import Mapping
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.decode.native import MAX_EVENTS, OPEN_WRAPUP, Decoded, NativeReader
from callmon.decode.native_words import LEFT, NATIVE_FIELDS, NATIVE_TYPES, STAFFED
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactRefused,
    DayCounts,
    Device,
    Event,
    Outcome,
    QueueReported,
    RingNotAnswered,
    SourceRestarted,
    TalkEnd,
    TalkEnded,
)

AT: Micros = 1_795_341_641 * SECOND
CONTACT = {"at": 1_795_341_641, "queue": "support", "contact": "c-1"}
NOT_PAUSED = False
FIRST = (AT, "acd", 70, "support")
VISIT = (*FIRST, "c-1")


def read(*messages: object, retained: bool = False, stamp: str | None = None) -> Decoded:
    """Read *messages* as one payload has them."""
    decoded = Decoded()
    for message in messages:
        NativeReader("acd").read(
            message,
            decoded,
            seq=70,
            stale_after=90 * SECOND,
            retained=retained,
            stamp=stamp,
        )
    return decoded


def event_of(**message: object) -> Event:
    """Return the one event of a message in which nothing is doubtful."""
    decoded = read(message)
    assert ([], [], "") == (decoded.drops, decoded.doubts, decoded.problem)
    (event,) = decoded.events
    return event


def ids_of(*messages: Mapping[str, object], stamp: str | None = None) -> list[int | None]:
    """Return the ids of what *messages* tell."""
    return read(*messages, stamp=stamp).ids


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"type": "contact.joined"}, ContactJoined(*VISIT)),
        (
            {"type": "contact.answered", "wait_s": 41.123, "agent": "ann"},
            ContactAnswered(*VISIT, 41_123_000, "ann"),
        ),
        ({"type": "contact.answered", "wait_s": None}, ContactAnswered(*VISIT, None, "")),
        (
            {"type": "contact.left", "outcome": "key_exit", "wait_s": 0},
            ContactLeft(*VISIT, Outcome.KEY_EXIT, 0),
        ),
        ({"type": "contact.lost"}, ContactLeft(*VISIT, Outcome.LOST, None)),
        (
            {"type": "contact.ended", "talk_s": 10, "ended_by": "agent", "agent": 7},
            TalkEnded(*VISIT, 10 * SECOND, TalkEnd.AGENT, "7"),
        ),
        (
            {"type": "contact.ring_not_answered", "ring_s": 1.5, "agent": "ann"},
            RingNotAnswered(*VISIT, 1_500_000, "ann"),
        ),
        ({"type": "contact.refused", "reason": "full"}, ContactRefused(*VISIT, "full")),
    ],
    ids=lambda value: value["type"] + str(len(value)) if isinstance(value, dict) else "",
)
def test_each_message_of_a_contact_becomes_its_event(
    message: dict[str, object], expected: Event
) -> None:
    """With the time of the message, and what the source has measured."""
    assert expected == event_of(**CONTACT, **message)


@pytest.mark.parametrize("kind", LEFT)
def test_the_short_form_of_leaving_says_the_same(kind: str) -> None:
    """Its event and its id are those of the long form."""
    short = {**CONTACT, "type": kind, "wait_s": 3}
    long = {**CONTACT, "type": "contact.left", "outcome": kind.split(".")[1], "wait_s": 3}

    assert read(short) == read(long)
    assert LEFT[kind] == read(short).events[0].outcome  # type: ignore[union-attr] # it is ContactLeft


@pytest.mark.parametrize(
    ("state", "device", "paused"),
    [
        ("available", Device.IDLE, False),
        ("ringing", Device.RINGING, False),
        ("busy", Device.BUSY, False),
        ("paused", Device.IDLE, True),
        ("away", Device.AWAY, False),
    ],
)
def test_an_agent_stands_where_the_message_says(
    state: str, device: Device, *, paused: bool
) -> None:
    """A reason counts only while it is one."""
    found = event_of(
        type="agent.state",
        at=AT,
        agent="ann",
        name="Ann",
        queue="support",
        state=state,
        reason="lunch",
    )

    reason = "lunch" if paused else ""
    assert AgentChanged(*FIRST, "ann", "Ann", device, paused, reason, 0) == found


def test_a_wrap_up_ends_when_the_message_says_or_with_the_next_state() -> None:
    """After a day at the latest, should no state follow."""
    message = {"type": "agent.state", "at": AT, "agent": 7, "queue": "support"}
    known = event_of(**message, state="wrapup", wrapup_until=AT + SECOND)
    unknown = event_of(**message, state="wrapup")
    over = event_of(**message, state="available", wrapup_until=AT + SECOND)

    expected = partial(AgentChanged, *FIRST, "7", "", Device.IDLE, NOT_PAUSED, "")
    assert expected(AT + SECOND) == known
    assert expected(AT + OPEN_WRAPUP) == unknown
    assert expected(0) == over


def test_an_agent_of_several_queues_is_told_in_each() -> None:
    """Once in each, and each event has a place and an id of its own."""
    decoded = read(
        {"type": "agent.removed", "at": AT, "agent": "ann", "queues": ["b", "a", "b"]},
        {"type": "agent.removed", "at": AT, "agent": "bob", "queue": "x", "queues": ["a"]},
    )

    assert [
        AgentRemoved(AT, "acd", 70, "b", "ann"),
        AgentRemoved(AT, "acd", 71, "a", "ann"),
        AgentRemoved(AT, "acd", 72, "a", "bob"),
    ] == decoded.events
    assert 3 == len(set(decoded.ids))


def test_a_snapshot_is_a_report_of_the_queue() -> None:
    """Agents in the order of their states, counters by outcome, durations in microseconds."""
    found = event_of(
        type="queue.snapshot",
        at=AT,
        queue="support",
        waiting=3,
        longest_wait_s=41.5,
        talking=0,
        agents={"busy": 5, "ringing": 1, "available": 2, "wrapup": 0, "paused": 4, "away": 6},
        day={
            "arrived": 210,
            "answered": 190,
            "timeout": 2,
            "short_abandoned": 4,
            "answered_within": 160,
            "abandoned_within": 6,
            "lost": None,
            "answered_wait_s": 3900,
            "talk_s": 0.5,
        },
        day_start=AT - SECOND,
        stale_after_s=10,
    )

    counts = {"answered": 190, "timeout": 2}
    day = DayCounts(210, counts, 4, 160, 6, 3900 * SECOND, 500_000)
    expected = QueueReported(
        *FIRST, 3, 41_500_000, 0, (5, 1, 2, 0, 4, 6), day, AT - SECOND, 10 * SECOND
    )
    assert expected == found


def test_what_a_snapshot_does_not_say_is_not_known() -> None:
    """None is not 0; where a state of agents is not told, none of them is known."""
    message = {"type": "queue.snapshot", "at": AT, "queue": "support"}
    agents = {"busy": 1, "ringing": 0, "available": 0, "wrapup": 0, "paused": 0}

    assert QueueReported(*FIRST, waiting=0) == event_of(**message, waiting=0)
    assert QueueReported(*FIRST, longest_wait=0) == event_of(**message, longest_wait_s=0)
    assert QueueReported(*FIRST, day=DayCounts()) == event_of(**message, day={})
    known = event_of(**message, agents=agents)
    assert QueueReported(*FIRST, agents=(1, 0, 0, 0, 0, 0)) == known
    assert QueueReported(*FIRST) == event_of(**message, agents={})
    del agents["wrapup"]
    some = read({**message, "agents": agents})
    assert ([QueueReported(*FIRST)], ["missing_fields"]) == (some.events, some.doubts)
    assert "agents: expected all of busy, ringing" in some.problem


@pytest.mark.parametrize(
    ("said", "forgotten"),
    [
        ({"waiting": None}, "waiting"),
        ({"longest_wait_s": None}, "longest_wait"),
        ({"talking": None}, "talking"),
        ({"agents": None}, "agents"),
        ({"agents": {"busy": None}}, "agents"),
        ({"agents": dict.fromkeys(STAFFED)}, "agents"),
    ],
)
def test_null_says_that_a_figure_is_not_known_any_more(
    said: dict[str, object], forgotten: str
) -> None:
    """A key that is missing leaves it as it was told last."""
    found = event_of(type="queue.snapshot", at=AT, queue="support", **said)

    assert QueueReported(*FIRST, forgotten=(forgotten,)) == found


def test_a_state_that_cannot_be_said_any_more_takes_all_agents_with_it() -> None:
    """How many are at work is not known without it; that others were told is noted."""
    agents = {**dict.fromkeys(STAFFED, 1), "wrapup": None}
    some = read({"type": "queue.snapshot", "at": AT, "queue": "support", "agents": agents})

    forgets = QueueReported(*FIRST, forgotten=("agents",))
    assert ([forgets], ["missing_fields"]) == (some.events, some.doubts)


def test_a_null_of_the_day_takes_nothing_back() -> None:
    """What has happened has happened; nor can a state that is not at work be missed."""
    agents = {**dict.fromkeys(STAFFED, 1), "away": None}
    message = {"type": "queue.snapshot", "at": AT, "queue": "support"}

    assert QueueReported(*FIRST) == event_of(**message, day=None)
    day = event_of(**message, day={"answered": None, "talk_s": None})
    assert QueueReported(*FIRST, day=DayCounts()) == day
    staffed = event_of(**message, agents=agents)
    assert QueueReported(*FIRST, agents=(1, 1, 1, 1, 1, 0)) == staffed


def test_a_restart_has_neither_queue_nor_contact() -> None:
    """The whole source is meant."""
    assert SourceRestarted(AT, "acd", 70) == event_of(type="source.restarted", at=AT)


JOINED = {**CONTACT, "type": "contact.joined"}
ANSWERED = {**CONTACT, "type": "contact.answered"}
STATE = {"type": "agent.state", "at": AT, "agent": "ann", "queue": "a", "state": "busy"}
SNAPSHOT = {"type": "queue.snapshot", "at": AT, "queue": "a", "waiting": 1}
RANG = {**CONTACT, "type": "contact.ring_not_answered", "agent": "ann", "ring_s": 1}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (3, "malformed"),
        ([JOINED], "malformed"),
        ({}, "missing_fields"),
        ({**JOINED, "type": 3}, "bad_value"),
        ({**JOINED, "type": "contact.arrived"}, "unknown_verb"),
        ({**JOINED, "type": "Contact.Joined"}, "unknown_verb"),
        ({**JOINED, "v": 2}, "unknown_version"),
        ({**JOINED, "v": "1"}, "unknown_version"),
        ({**JOINED, "v": True}, "unknown_version"),
        ({**JOINED, "at": None}, "missing_fields"),
        ({**JOINED, "at": "yesterday"}, "bad_time"),
        ({**JOINED, "at": "2026-11-22T10:00:00"}, "bad_time"),
        ({**JOINED, "queue": ""}, "missing_fields"),
        ({**JOINED, "queue": None}, "missing_fields"),
        ({**JOINED, "queue": ["a"]}, "bad_value"),
        ({**JOINED, "queue": True}, "bad_value"),
        ({**JOINED, "queue": "x" * 201}, "oversized"),
        ({**JOINED, "queue": "\ud800"}, "bad_value"),
        ({**JOINED, "contact": 1.5}, "bad_value"),
        ({**JOINED, "contact": 10**18}, "bad_value"),
        ({**JOINED, "contact": 10**400}, "bad_value"),
        ({**JOINED, "contact": float("nan")}, "bad_value"),
        ({**JOINED, "id": {}}, "bad_value"),
        ({**ANSWERED, "wait_s": "12"}, "bad_number"),
        ({**ANSWERED, "wait_s": True}, "bad_number"),
        ({**ANSWERED, "wait_s": float("nan")}, "bad_number"),
        ({**ANSWERED, "agent": []}, "bad_value"),
        ({**ANSWERED, "agent": "\ud800"}, "bad_value"),
        ({**STATE, "name": "\ud800"}, "bad_value"),
        ({**CONTACT, "type": "contact.left"}, "missing_fields"),
        ({**CONTACT, "type": "contact.left", "outcome": "answered"}, "bad_value"),
        ({**CONTACT, "type": "contact.left", "outcome": "gone"}, "bad_value"),
        ({**CONTACT, "type": "contact.ended"}, "missing_fields"),
        ({**CONTACT, "type": "contact.ended", "ended_by": "him"}, "bad_value"),
        ({**CONTACT, "type": "contact.refused", "reason": "closed"}, "bad_value"),
        ({**RANG, "ring_s": None}, "missing_fields"),
        ({**RANG, "ring_s": -1}, "bad_number"),
        ({**RANG, "agent": None}, "missing_fields"),
        ({**STATE, "state": "asleep"}, "bad_value"),
        ({**STATE, "queue": None}, "missing_fields"),
        ({**STATE, "queues": []}, "missing_fields"),
        ({**STATE, "queues": "a"}, "bad_value"),
        ({**STATE, "queues": ["a", None]}, "bad_value"),
        ({**STATE, "queues": ["a", ""]}, "missing_fields"),
        ({**STATE, "queues": ["a"] * 1_001}, "oversized"),
        ({**STATE, "name": ["Ann"]}, "bad_value"),
        ({**STATE, "state": "wrapup", "wrapup_until": "soon"}, "bad_time"),
        ({"type": "queue.snapshot", "at": AT, "queue": "a"}, "missing_fields"),
        ({**SNAPSHOT, "waiting": -1}, "bad_number"),
        ({**SNAPSHOT, "waiting": 1.5}, "bad_number"),
        ({**SNAPSHOT, "waiting": "3"}, "bad_number"),
        ({**SNAPSHOT, "waiting": True}, "bad_number"),
        ({**SNAPSHOT, "waiting": float("nan")}, "bad_number"),
        ({**SNAPSHOT, "waiting": float("inf")}, "bad_number"),
        ({**SNAPSHOT, "waiting": 10**10}, "bad_number"),
        ({**SNAPSHOT, "longest_wait_s": -1}, "bad_number"),
        ({**SNAPSHOT, "longest_wait_s": 10 * 86_400.1}, "bad_number"),
        ({**SNAPSHOT, "longest_wait_s": float("inf")}, "bad_number"),
        ({**SNAPSHOT, "longest_wait_s": 10**400}, "bad_number"),
        ({**SNAPSHOT, "stale_after_s": 86_401}, "bad_number"),
        ({**SNAPSHOT, "agents": 3}, "bad_value"),
        ({**SNAPSHOT, "agents": {"busy": -1}}, "bad_number"),
        ({**SNAPSHOT, "agents": {"away": -1}}, "bad_number"),
        ({**SNAPSHOT, "day": []}, "bad_value"),
        ({**SNAPSHOT, "day": {"answered": -1}}, "bad_number"),
        ({**SNAPSHOT, "day": {"talk_s": -0.1}}, "bad_number"),
        ({**SNAPSHOT, "day_start": "today"}, "bad_time"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused_whole_with_its_reason(
    message: object, reason: str
) -> None:
    """And with a sentence that does not repeat what was found; neighbours are not harmed."""
    decoded = read(JOINED, message, ANSWERED)

    assert [ContactJoined, ContactAnswered] == [type(event) for event in decoded.events]
    assert [70, 71] == [event.seq for event in decoded.events]
    assert ([reason], 2) == (decoded.drops, len(decoded.ids))
    assert "expected" in decoded.problem


def test_a_problem_names_the_field_and_never_its_value() -> None:
    """What stands there may be a caller's number."""
    secret = "555 1212"

    for broken in (
        {**JOINED, "type": secret},
        {**JOINED, "at": secret},
        {**ANSWERED, "wait_s": secret},
        {**STATE, "state": secret},
        {**JOINED, "v": secret},
        {**SNAPSHOT, "day": {"answered": secret}},
    ):
        assert secret not in read(broken).problem
    assert (
        "day.answered: expected a whole number, found a text"
        in read({**SNAPSHOT, "day": {"answered": secret}}).problem
    )


@pytest.mark.parametrize("seconds", [-0.001, -5, 864_001, 10**400, float("inf")])
@pytest.mark.parametrize("field", ["wait_s", "talk_s"])
def test_a_duration_that_cannot_be_true_is_left_out_and_counted(
    field: str, seconds: float
) -> None:
    """A clock was set meanwhile; what happened has happened all the same."""
    kind = {"wait_s": "contact.abandoned", "talk_s": "contact.ended"}[field]
    decoded = read({**CONTACT, "type": kind, "ended_by": "caller", field: seconds})

    assert ([], ["bad_number"]) == (decoded.drops, decoded.doubts)
    assert f"{field}: expected 0 to 864000 s: left out" == decoded.problem
    assert read({**CONTACT, "type": kind, "ended_by": "caller"}).events == decoded.events


@pytest.mark.parametrize("kind", [*NATIVE_TYPES])
def test_a_retained_message_tells_what_is_and_not_what_happened(kind: str) -> None:
    """A broker gives it to us again and again: so states have no id, and events are none."""
    message = {
        **CONTACT,
        "type": kind,
        "agent": "ann",
        "ring_s": 1,
        "ended_by": "agent",
        "outcome": "lost",
        "reason": "full",
        "state": "busy",
        "waiting": 0,
    }
    fresh, kept = read(message), read(message, retained=True)

    assert [] == fresh.drops
    if NATIVE_TYPES[kind] == "contact":
        assert ([], ["retained"]) == (kept.events, kept.drops)
    else:
        assert (fresh.events, [None]) == (kept.events, kept.ids)


def test_an_event_that_is_told_twice_has_the_same_id() -> None:
    """Told again unchanged, it is the same; any difference makes it another."""
    again = {**JOINED, "at": "2026-11-22T10:00:41.000000Z", "unknown": 5}
    differences = [
        {**JOINED, "at": AT + 1},
        {**JOINED, "queue": "sales"},
        {**JOINED, "contact": "c-2"},
        {**JOINED, "queue": "supportc", "contact": "-1"},
        {**ANSWERED},
        {**ANSWERED, "agent": "ann"},
        {**CONTACT, "type": "contact.abandoned"},
        {**CONTACT, "type": "contact.timeout"},
        RANG,
        {**RANG, "ring_s": 2},
        {**RANG, "agent": "bob"},
        {**JOINED, "id": str(AT)},
    ]
    first, second, *others = ids_of(JOINED, again, *differences)

    assert first == second
    assert None not in others
    assert len(others) == len({*others} - {first})


def test_an_id_of_its_own_is_what_counts() -> None:
    """Whatever else the message says then; but not for two types, or two queues of an agent."""
    ids = ids_of(
        {**JOINED, "id": 7},
        {**JOINED, "id": "7", "at": AT + 5, "contact": "c-9"},
        {**ANSWERED, "id": "7"},
        {**STATE, "id": "7", "queues": ["a", "b"]},
        {**SNAPSHOT, "id": "7"},
    )

    assert ids[0] == ids[1]
    assert 4 == len({*ids[1:5]})
    assert ids[5] is None
    assert all(known is None or 0 <= known < 2**63 for known in ids)


def test_without_a_time_of_its_own_a_message_is_known_by_its_stamp() -> None:
    """Where there is none, it is not known again, unless it has an id."""
    later = {**JOINED, "at": AT + 5}

    assert ids_of(JOINED, stamp="x") == ids_of(later, stamp="x")
    assert ids_of(JOINED, stamp="x") != ids_of(JOINED, stamp="y")
    assert [None] == ids_of(JOINED, stamp="")
    assert ids_of({**JOINED, "id": 1}, stamp="") == ids_of({**later, "id": 1})


def test_no_message_has_more_events_than_a_message_may_have() -> None:
    """Each event of a message needs a place before those of the next."""
    queues = [f"q{number}" for number in range(1_000)]
    many = [{**STATE, "queues": queues, "agent": number} for number in range(10)]
    decoded = read(*many, JOINED, ANSWERED)

    assert MAX_EVENTS == len(decoded.events) == len(set(decoded.ids))
    assert ["oversized"] * 2 == decoded.drops


def test_what_is_just_within_the_limits_is_taken() -> None:
    """The longest name, duration and wait for a report, and the highest count."""
    name, other = "x" * 200, "ü" * 200
    visit = event_of(type="contact.lost", at=AT, queue=name, contact=other, wait_s=864_000)
    report = event_of(
        type="queue.snapshot",
        at=AT,
        queue="a",
        waiting=1e9,
        longest_wait_s=864_000,
        day={"talk_s": 10**10},
        stale_after_s=86_400,
    )

    longest = 864_000 * SECOND
    day = DayCounts(talk=10**10 * SECOND)
    assert ContactLeft(AT, "acd", 70, name, other, Outcome.LOST, longest) == visit
    assert (
        QueueReported(
            AT,
            "acd",
            70,
            "a",
            waiting=10**9,
            longest_wait=longest,
            day=day,
            stale_after=86_400 * SECOND,
        )
        == report
    )
    for number in (10**18 - 1, 1 - 10**18):
        event = event_of(type="contact.joined", at=AT, queue=number, contact=0)
        assert ContactJoined(AT, "acd", 70, str(number), "0") == event


def test_labels_are_cut_and_names_are_not() -> None:
    """A long reason is still one; two long names may be two agents."""
    event = event_of(**{**STATE, "state": "paused", "reason": "r" * 81, "name": 12})

    assert isinstance(event, AgentChanged)
    assert ("r" * 80, "12") == (event.reason, event.name)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    ),
    st.sampled_from([*NATIVE_TYPES]),
    st.sampled_from([*NATIVE_FIELDS, "queues", "v", "agents", "day"]),
)
def test_nothing_is_raised_whatever_a_field_holds(value: object, kind: str, name: str) -> None:
    """What is neither read nor refused would stop the feed."""
    good = {**CONTACT, **STATE, **RANG, **SNAPSHOT, "outcome": "lost", "ended_by": "agent"}
    decoded = read({**good, "type": kind, name: value}, value)

    assert len(decoded.events) == len(decoded.ids)
    assert 2 >= len(decoded.drops) >= 1
