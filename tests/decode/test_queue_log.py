"""What the lines of a queue_log mean, and what is done with those that mean nothing."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.decode.queue_log import MAX_LINE_BYTES, MAX_PIPED_QUEUES, QueueLogDecoder
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactRefused,
    Event,
    Outcome,
    RingNotAnswered,
    SourceRestarted,
    TalkEnd,
    TalkEnded,
)

AT = 1_795_338_585 * SECOND
STAMP = b"1795338585|"


def _decode(data: bytes) -> tuple[list[Event], dict[tuple[str, str], int]]:
    decoder = QueueLogDecoder("pbx")
    return decoder.decode(data), dict(decoder.drops)


def _left(outcome: Outcome, wait_s: int | None) -> Event:
    wait = None if wait_s is None else wait_s * SECOND
    return ContactLeft(AT, "pbx", 0, "sales", "c1", outcome, wait)


def _talked(talk_s: int | None, ended_by: TalkEnd, agent: str = "Ann") -> Event:
    talk = None if talk_s is None else talk_s * SECOND
    return TalkEnded(AT, "pbx", 0, "sales", "c1", talk, ended_by, agent)


def _answered(wait: Micros | None, agent: str = "Ann") -> Event:
    return ContactAnswered(AT, "pbx", 0, "sales", "c1", wait, agent)


MEANINGS: list[tuple[str, Event]] = [
    ("c1|sales|NONE|ENTERQUEUE||0301234|1", ContactJoined(AT, "pbx", 0, "sales", "c1")),
    ("c1|sales|NONE|ENTERQUEUE|", ContactJoined(AT, "pbx", 0, "sales", "c1")),
    ("c1|sales|NONE|ENTERQUEUE||12|34|4|name", ContactJoined(AT, "pbx", 0, "sales", "c1")),
    ("c1|sales|Ann|CONNECT|7|c2|3", _answered(7 * SECOND)),
    ("c1|sales|Ann|CONNECT|7199|c2|3", _answered(7199 * SECOND)),
    ("c1|sales|Ann|CONNECT|7200|c2|3", _answered(7200 * SECOND)),
    ("c1|sales|Ann|CONNECT|864000|c2|3", _answered(864_000 * SECOND)),
    ("c1|sales|Ann|CONNECT|", _answered(None)),
    ("c1|sales|Ann|COMPLETECALLER|7|62|1", _talked(62, TalkEnd.CALLER)),
    ("c1|sales|Ann|COMPLETEAGENT|7|62|1", _talked(62, TalkEnd.AGENT)),
    ("c1|sales|Ann|COMPLETEAGENT|7|8000|1", _talked(8000, TalkEnd.AGENT)),
    ("c1|sales|Ann|COMPLETEAGENT|", _talked(None, TalkEnd.AGENT)),
    ("c1|sales|Ann|BLINDTRANSFER|204|default|7|62|1", _talked(62, TalkEnd.TRANSFER)),
    ("c1|sales|Ann|BLINDTRANSFER|2|04|def|7|62|1", _talked(62, TalkEnd.TRANSFER)),
    ("c1|sales|Ann|ATTENDEDTRANSFER|BRIDGE|b1|7|62|1", _talked(62, TalkEnd.TRANSFER)),
    ("c1|sales|Ann|ATTENDEDTRANSFER|LINK|a|b|7|62|1", _talked(62, TalkEnd.TRANSFER)),
    ("c1|sales|Ann|ATTENDEDTRANSFER|APP|q|7|62|1||", _talked(62, TalkEnd.TRANSFER)),
    ("c1|sales|Ann|TRANSFER|204|default|7|62", _talked(62, TalkEnd.TRANSFER)),
    ("c1|sales|Ann|TRANSFER|204|default|7|62|1", _talked(62, TalkEnd.TRANSFER)),
    ("c1|sales|NONE|ABANDON|1|2|29", _left(Outcome.ABANDONED, 29)),
    ("c1|sales|NONE|ABANDON|1|2|29\r", _left(Outcome.ABANDONED, 29)),
    ("c1|sales|Ann|ABANDON|1|2|29", _left(Outcome.ABANDONED, 29)),
    ("c1|sales|NONE|ABANDON|1", _left(Outcome.ABANDONED, None)),
    ("c1|sales|NONE|EXITWITHTIMEOUT|1|2|60", _left(Outcome.TIMEOUT, 60)),
    ("c1|sales|NONE|EXITWITHTIMEOUT|1", _left(Outcome.TIMEOUT, None)),
    ("c1|sales|NONE|EXITWITHKEY|5|1|2|12", _left(Outcome.KEY_EXIT, 12)),
    ("c1|sales|NONE|EXITWITHKEY|5|1", _left(Outcome.KEY_EXIT, None)),
    ("c1|sales|NONE|EXITEMPTY|1|2|33", _left(Outcome.EMPTY, 33)),
    ("c1|sales|NONE|WITHDRAW|1|2|33|by|the|boss", _left(Outcome.WITHDRAWN, 33)),
    ("c1|sales|NONE|SYSCOMPAT|", _left(Outcome.FAILED, None)),
    (
        "c1|sales|Ann|RINGNOANSWER|6000",
        RingNotAnswered(AT, "pbx", 0, "sales", "c1", 6 * SECOND, "Ann"),
    ),
    (
        "c1|sales|Ann|RINGNOANSWER|0",
        RingNotAnswered(AT, "pbx", 0, "sales", "c1", 0, "Ann"),
    ),
    (
        "c1|sales|Ann|RINGNOANSWER|123456",
        RingNotAnswered(AT, "pbx", 0, "sales", "c1", 123_456_000, "Ann"),
    ),
    ("c1|sales|NONE|FULL|", ContactRefused(AT, "pbx", 0, "sales", "c1", "full")),
    ("c1|sales|NONE|JOINEMPTY|", ContactRefused(AT, "pbx", 0, "sales", "c1", "join_empty")),
    ("NONE|NONE|NONE|QUEUESTART|", SourceRestarted(AT, "pbx", 0)),
    # A | in a name shifts the fields: the verb tells where they end.
    ("c1|sales|Zoë|pipe|CONNECT|1|c2|0", _answered(SECOND, "Zoë|pipe")),
    ("c1|sales|Zoë|pipe|COMPLETEAGENT|1|2|1", _talked(2, TalkEnd.AGENT, "Zoë|pipe")),
    ("c1|a|b|NONE|ENTERQUEUE||1|1", ContactJoined(AT, "pbx", 0, "a|b", "c1")),
    (
        "c1|a|b|NONE|ABANDON|1|1|9",
        ContactLeft(AT, "pbx", 0, "a|b", "c1", Outcome.ABANDONED, 9 * SECOND),
    ),
    # A name that is a verb: the first place where the figures fit.
    ("c1|sales|Ann|CONNECT|x|CONNECT|7|c2|3", _answered(7 * SECOND, "Ann|CONNECT|x")),
]  # fmt: skip


@pytest.mark.parametrize(("line", "event"), MEANINGS)
def test_a_line_means(line: str, event: Event) -> None:
    """Each verb, in each form it is known to have, gives its event."""
    assert ([event], {}) == _decode(STAMP + line.encode() + b"\n")


REFUSED: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b"  ", "empty"),
    (b"\r", "empty"),
    (b"\0\0\0", "empty"),
    (b"Event: QueueCallerJoin\r", "missing_fields"),
    (b"1795338585|c1|sales|NONE", "missing_fields"),
    (b"1795338585|NONE|sales|NONE|ENTERQUEUE||1|1", "missing_fields"),
    (b"1795338585|MANAGER|sales|Ann|CONNECT|1|c|1", "missing_fields"),
    (b"1795338585||sales|NONE|ABANDON|1|1|1", "missing_fields"),
    (b"1795338585|c1||NONE|ENTERQUEUE||1|1", "missing_fields"),
    (b"1795338585|c1|NONE|NONE|ENTERQUEUE||1|1", "missing_fields"),
    (b"1795338585|c1|sales|Ann|RINGNOANSWER|", "missing_fields"),
    (b"|c1|sales|NONE|ENTERQUEUE||1|1", "bad_time"),
    (b"now|c1|sales|NONE|ENTERQUEUE||1|1", "bad_time"),
    (b"12|c1|sales|NONE|ENTERQUEUE||1|1", "bad_time"),
    (b"-1795338585|c1|sales|NONE|ENTERQUEUE||1|1", "bad_time"),
    (b"1_795_338_585|c1|sales|NONE|ENTERQUEUE||1|1", "bad_time"),
    ("١٧٩٥٣٣٨٥٨٥|c1|sales|NONE|ENTERQUEUE||1|1".encode(), "bad_time"),
    (b"9" * 5000 + b"|c1|sales|NONE|ENTERQUEUE||1|1", "bad_time"),
    (b"4102444800|c1|sales|NONE|ENTERQUEUE||1|1", "bad_time"),
    (b"1795338585|c1|sales|Ann|CONNECT|soon|c2|1", "bad_number"),
    (b"1795338585|c1|sales|Ann|CONNECT|1_0|c2|1", "bad_number"),
    (b"1795338585|c1|sales|Ann|CONNECT|1.5|c2|1", "bad_number"),
    (b"1795338585|c1|sales|Ann|RINGNOANSWER|-1", "bad_number"),
    (b"1795338585|c1|sales|Ann|HELLO|1|2", "unknown_verb"),
    (b"1795338585|c1|sales|NONE|HELLO|x|ABANDON|1|1|9", "unknown_verb"),
    (b"1795338585|NONE|sales||NOTE|a|b|c|d|e|f|g", "unknown_verb"),
    (STAMP + b"c1|sales|NONE|ENTERQUEUE|" + b"x" * MAX_LINE_BYTES, "oversized"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "reason"), REFUSED)
def test_a_line_that_cannot_be_used_is_counted(line: bytes, reason: str) -> None:
    """Whatever is refused gives no event and one count, and the next line is read."""
    good = STAMP + b"c1|sales|NONE|ENTERQUEUE||1|1\n"

    events, drops = _decode(line + b"\n" + good)

    assert [ContactJoined(AT, "pbx", len(line) + 1, "sales", "c1")] == events
    assert {("decode", reason): 1} == drops


@pytest.mark.parametrize(
    "verb",
    [
        "ADDMEMBER",
        "REMOVEMEMBER",
        "PAUSE",
        "UNPAUSEALL",
        "AGENTDUMP",
        "RINGCANCELED",
        "CONFIGRELOAD",
        "OUTCALL",
        "DID",
        "AGENTCALLBACKLOGIN",
    ],
)
def test_a_known_verb_without_meaning_is_no_drop(verb: str) -> None:
    """Verbs that are no contact's fate are passed over, with odd names, too."""
    plain = STAMP + f"NONE|sales|Ann|{verb}|x|y\n".encode()
    piped = STAMP + f"NONE|sales|Pipe|In|Name|{verb}|pipe|in|reason\n".encode()

    assert ([], {}) == _decode(plain + plain + piped)


@pytest.mark.parametrize("figure", ["-1", "864001", "9" * 40, "-" + "9" * 5000])
def test_an_unbelievable_duration_is_left_out_and_the_event_kept(figure: str) -> None:
    """A clock that stepped spoils the figure, not the fact that the caller was answered."""
    line = STAMP + f"c1|sales|Ann|CONNECT|{figure}|c2|1\n".encode()

    assert ([_answered(None)], {("figure", "bad_number"): 1}) == _decode(line)


def test_a_queue_with_a_pipe_is_told_from_its_agent_once_it_was_seen() -> None:
    """A line without an agent shows the queue's spelling; later lines are split by it."""
    join = STAMP + b"c1|a|b|NONE|ENTERQUEUE||1|1\n"
    connect = STAMP + b"c1|a|b|Zoe|pipe|CONNECT|1|c2|0\n"

    events, drops = _decode(join + connect)

    assert ContactAnswered(AT, "pbx", len(join), "a|b", "c1", SECOND, "Zoe|pipe") == events[1]
    assert {} == drops


def test_only_so_many_queues_with_pipes_are_remembered() -> None:
    """A hostile log does not fill the memory; the newest names win."""
    decoder = QueueLogDecoder("pbx")
    for number in range(2 * MAX_PIPED_QUEUES):
        decoder.decode(STAMP + f"c1|a|{number}|NONE|ENTERQUEUE||1|1\n".encode())

    assert MAX_PIPED_QUEUES == len(decoder._piped_queues)
    assert f"a|{2 * MAX_PIPED_QUEUES - 1}" == decoder._piped_queues[-1]


def test_bytes_that_are_no_text_are_kept_visible() -> None:
    """Invalid UTF-8 is shown as escapes, and offsets stay those of the bytes."""
    line = STAMP + b"c1|sales|Ren\xe9|CONNECT|1|c2|0\n"

    events, _ = _decode(line + line.replace(b"c1", b"c3"))

    assert ["Ren\\xe9", "Ren\\xe9"] == [
        event.agent for event in events if isinstance(event, ContactAnswered)
    ]
    assert [0, len(line)] == [event.seq for event in events]


def test_a_line_that_repeats_the_one_before_is_a_duplicate() -> None:
    """Only the direct neighbour counts, over pieces, too; RINGNOANSWER may repeat."""
    join = STAMP + b"c1|sales|NONE|ENTERQUEUE||1|1\n"
    ring = STAMP + b"c1|sales|Ann|RINGNOANSWER|6000\n"
    decoder = QueueLogDecoder("pbx")

    kinds = [
        type(event).__name__
        for piece in (join, join, join + ring + ring, ring, join)
        for event in decoder.decode(piece)
    ]

    assert ["ContactJoined", *["RingNotAnswered"] * 3, "ContactJoined"] == kinds
    assert {("decode", "duplicate"): 2} == dict(decoder.drops)


def test_a_duplicate_is_known_after_a_restart() -> None:
    """The line before the place where reading begins is given to the decoder."""
    join = STAMP + b"c1|sales|NONE|ENTERQUEUE||1|1"
    decoder = QueueLogDecoder("pbx")

    decoder.begin(len(join) + 1, join)

    assert [] == decoder.decode(join + b"\n")
    assert {("decode", "duplicate"): 1} == dict(decoder.drops)


def test_a_half_line_is_never_used() -> None:
    """A figure cut short is a wrong figure: without its line feed a line is only counted."""
    half = STAMP + b"c1|sales|Ann|COMPLETECALLER|12|3"
    decoder = QueueLogDecoder("pbx")

    assert [] == decoder.decode(half)
    decoder.cut()

    assert {("decode", "missing_fields"): 1} == dict(decoder.drops)
    assert (0, len(half)) == (decoder.offset, decoder.position)


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    """A line longer than any is passed over, counted once, and the next is read."""
    decoder = QueueLogDecoder("pbx")
    join = STAMP + b"c1|sales|NONE|ENTERQUEUE||1|1\n"

    for _ in range(10):
        assert [] == decoder.decode(b"\0" * 5000)
        assert MAX_LINE_BYTES >= len(decoder._rest)
    events = decoder.decode(b"x\n" + join)

    assert [50_002] == [event.seq for event in events]
    assert {("decode", "oversized"): 1} == dict(decoder.drops)
    assert decoder.offset == decoder.position == 50_002 + len(join)


# Small pieces that collide: whole lines, halves, odd bytes and one of every shape above.
PIECES = st.sampled_from(
    [
        *(STAMP + line.encode() + b"\n" for line, _ in MEANINGS),
        *(line + b"\n" for line, _ in REFUSED),
        STAMP,
        b"c1|sales|",
        b"|",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xff",
        "ü".encode(),
        b"x" * 5000,
    ]
)


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(1, 120), max_size=12))
def test_the_pieces_in_which_bytes_come_do_not_matter(
    pieces: list[bytes], lengths: list[int]
) -> None:
    """However a log is cut into reads, events, counts and places are the same."""
    log = b"".join(pieces)
    whole, parts = QueueLogDecoder("pbx"), QueueLogDecoder("pbx")

    expected = whole.decode(log)
    actual: list[Event] = []
    rest = log
    for length in [*lengths, len(log) + 1]:
        actual += parts.decode(rest[:length])
        rest = rest[length:]

    assert expected == actual
    assert whole.drops == parts.drops
    assert (whole.offset, whole.position) == (parts.offset, parts.position)


@given(st.lists(PIECES, max_size=12))
def test_the_hot_loop_says_what_the_careful_way_says(pieces: list[bytes]) -> None:
    """The short cut for the usual lines changes nothing but the speed."""
    decoder, careful = QueueLogDecoder("pbx"), QueueLogDecoder("pbx")
    log = b"".join(pieces)
    whole = log[: log.rfind(b"\n") + 1]

    events = decoder.decode(whole)
    expected: list[Event] = []
    seq, previous = 0, ""
    for raw in whole.split(b"\n")[:-1]:
        line = raw.decode("utf-8", "backslashreplace")
        if len(raw) > MAX_LINE_BYTES:
            careful.drops["decode", "oversized"] += 1
            line = ""
        elif line == previous:
            careful._twin(line, seq, expected)
        else:
            careful._rare(line, seq, expected)
        previous = line
        seq += len(raw) + 1

    assert expected == events
    assert careful.drops == decoder.drops


@given(st.binary(max_size=400))
def test_no_bytes_stop_it(data: bytes) -> None:
    """Any bytes at all give events and counts, never an exception."""
    decoder = QueueLogDecoder("pbx")

    events = decoder.decode(data + b"\n")

    assert data.count(b"\n") + 1 == len(events) + sum(
        Counter(
            {key: count for key, count in decoder.drops.items() if key[0] == "decode"}
        ).values()
    )


TOKENS = st.sampled_from(
    (b"|", b"|", b"\n", b"1795338585", b"CONNECT", b"NONE", b"7", b"ENTERQUEUE", b"\xe9", b"\0")
)


@given(st.lists(TOKENS, max_size=40))
def test_no_likely_bytes_stop_it(tokens: list[bytes]) -> None:
    """Nor do bytes made of the parts that lines are made of."""
    decoder = QueueLogDecoder("pbx")

    decoder.decode(b"".join(tokens) + b"\n")

    assert decoder.offset == decoder.position
