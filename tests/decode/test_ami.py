"""The bytes of Asterisk's Manager Interface: any split, any garbage, the same messages."""

import json
import lzma
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callmon.decode.ami import (
    MAX_BANNER_BYTES,
    MAX_LINE_BYTES,
    MAX_MESSAGE_BYTES,
    AmiDecoder,
    Message,
    encode_action,
    message_time,
    read_time,
)
from callmon.errors import DecodeError, DecodeReason

CAPTURES = Path(__file__).parent.parent / "captures" / "asterisk"
EXIT_PATHS = sorted((CAPTURES / "exit_paths").glob("*.ami"))
BANNER = b"Asterisk Call Manager/11.0.0\r\n"

Outcome = tuple[list[Message], DecodeReason | None, dict[str, int]]


def _run(
    pieces: Iterable[bytes], wanted: frozenset[str] | None = None, longest: int = 65_536
) -> Outcome:
    """Decode *pieces* until they end or the decoder refuses."""
    decoder = AmiDecoder(wanted, longest)
    messages: list[Message] = []
    reason = None
    try:
        for piece in pieces:
            messages += decoder.decode(piece)
        messages += decoder.decode(b"")
    except DecodeError as error:
        reason = error.reason
    counts = {
        "messages": decoder.messages,
        "skipped": decoder.skipped,
        "fragments": decoder.fragments,
    }
    return messages, reason, counts


def _messages(data: bytes, wanted: frozenset[str] | None = None) -> list[Message]:
    messages, reason, _ = _run([BANNER + data], wanted)
    assert reason is None
    return messages


def _naively(data: bytes) -> list[Message]:
    """Read whole messages line by line, as the protocol is described."""
    messages: list[Message] = []
    message: Message = {}
    for line in data.split(b"\r\n")[:-1]:
        key, colon, value = line.partition(b":")
        if line and colon:
            text = value.removeprefix(b" ").decode("utf-8", "backslashreplace")
            message.setdefault(key.decode("utf-8", "backslashreplace"), text)
        if not line:
            messages += [message] if "Event" in message or "Response" in message else []
            message = {}
    return messages


def _cut(data: bytes, places: Iterable[int]) -> Iterator[bytes]:
    begin = 0
    for place in sorted({place % (len(data) + 1) for place in places}):
        yield data[begin:place]
        begin = place
    yield data[begin:]


def _session(path: Path) -> Iterator[bytes]:
    """Return what the first session of a recording received, read by read."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if "s" in entry:
                yield entry["s"].encode("latin-1")
            elif entry.get("mark") in {"eof", "drop", "error"}:
                return


TOKENS = [
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b":", b": ", b" ", b"\0", b"\xe9", b"\xc3", b"x",
    b"Event", b"Event: A\r\n", b"Event:B\r\n", b"event: A\r\n", b"Response: Success\r\n",
    b"Key: 1\r\n", b"Asterisk Call Manager/", b"Asterisk Call Manager/5.0.4\r\n",
]  # fmt: skip
hostile = st.lists(st.sampled_from(TOKENS), max_size=14).map(b"".join)
places = st.lists(st.integers(0, 200), max_size=8)
wishes = st.none() | st.frozensets(st.sampled_from(["A", "B", " A", ""]), max_size=2)


@given(hostile, st.sampled_from([b"", BANNER]), places, wishes, st.integers(0, 30))
@example(b"Event: A\r\n\r\n" + b"x" * 40, BANNER, [12, 30], None, 20)
@example(b"\r\nEvent: A" + b"x" * 12 + b"\r\n\r\n", BANNER, [], None, 20)
@example(b"Event: A" + b"x" * 12 + b"\r\n\r\n\r\n", BANNER, [], None, 20)
@example(b"Event: A\r\n\r\n\r\n\r\nEvent: A\r\n\r\n", BANNER, [11, 13, 15], None, 20)
def test_any_split_gives_the_same(
    data: bytes, greeting: bytes, cuts: list[int], wanted: frozenset[str] | None, longest: int
) -> None:
    """However hostile bytes are cut, messages, counts and refusal are the same."""
    data = greeting + data

    whole = _run([data], wanted, longest)

    assert whole == _run(_cut(data, cuts), wanted, longest)
    assert whole == _run((data[i : i + 1] for i in range(len(data))), wanted, longest)


@given(hostile)
def test_messages_are_what_the_protocol_says(data: bytes) -> None:
    """Hostile bytes give what a slow reader, line by line, gives."""
    messages, reason, _ = _run([BANNER + data])

    assert reason is None
    assert _naively(data) == messages


@given(st.lists(st.binary(max_size=60), max_size=5), st.booleans())
def test_nothing_but_its_own_error(pieces: list[bytes], greeted: bool) -> None:
    """No bytes at all make the decoder raise anything but DecodeError."""
    messages, _, counts = _run([BANNER] * greeted + pieces)

    assert counts["messages"] >= len(messages)


@given(hostile, wishes)
def test_every_message_is_accounted_for(data: bytes, wanted: frozenset[str] | None) -> None:
    """What is received is returned, skipped or a fragment; wishes change nothing else."""
    everything, _, _ = _run([BANNER + data])
    messages, _, counts = _run([BANNER + data], wanted)

    assert counts["messages"] == len(messages) + counts["skipped"] + counts["fragments"]
    assert messages == [
        message
        for message in everything
        if wanted is None or "Event" not in message or message["Event"] in wanted
    ]


@given(st.sampled_from(EXIT_PATHS), st.lists(st.integers(0, 100_000), max_size=20))
def test_recordings_in_any_split(path: Path, cuts: list[int]) -> None:
    """Each recorded way out of a queue is read whole, wherever its bytes are cut."""
    data = path.read_bytes()

    messages, reason, counts = _run([BANNER, *_cut(data, cuts)])

    assert reason is None
    assert _naively(data) == messages
    assert counts == {"messages": len(messages), "skipped": 0, "fragments": 0}


def test_all_exit_paths_are_there() -> None:
    """The recordings above are found, and none is passed over."""
    assert len(EXIT_PATHS) == 22


def test_a_recorded_event_word_for_word() -> None:
    """One event of a real Asterisk, every header as it was sent."""
    data = (CAPTURES / "exit_paths" / "withdraw.ami").read_bytes()

    messages = _messages(data, frozenset({"QueueCallerAbandon"}))

    assert messages == [
        {
            "Event": "QueueCallerAbandon",
            "Privilege": "agent,all",
            "Timestamp": "1795333380.777388",
            "SystemName": "pbx1",
            "Channel": "Local/q_nomem@q-00000015;2",
            "ChannelState": "6",
            "ChannelStateDesc": "Up",
            "CallerIDNum": "5551234",
            "CallerIDName": "Test Caller",
            "ConnectedLineNum": "5551234",
            "ConnectedLineName": "Test Caller",
            "Language": "en",
            "AccountCode": "",
            "Context": "q",
            "Exten": "q_nomem",
            "Priority": "2",
            "Uniqueid": "pbx1-1795333378.43",
            "Linkedid": "pbx1-1795333378.42",
            "Queue": "q_nomem",
            "Position": "1",
            "OriginalPosition": "1",
            "HoldTime": "2",
        }
    ]
    assert message_time(messages[0]) == 1_795_333_380_777_388


def test_a_real_session_with_odd_names() -> None:
    """A recorded session has its number of messages; names in UTF-8 are read as such."""
    decoder = AmiDecoder()
    names: Counter[str] = Counter()

    for piece in _session(CAPTURES / "22.10.1" / "edge" / "ami.jsonl.xz"):
        names.update(message.get("Queue", "") for message in decoder.decode(piece))

    assert (decoder.messages, decoder.skipped, decoder.fragments) == (4846, 0, 0)
    assert names["Support-Überlauf"] > 0


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("Asterisk Call Manager/11.0.0", (11, 0, 0)),
        ("Asterisk Call Manager/5.0.4", (5, 0, 4)),
        ("Asterisk Call Manager/1.1", (1, 1)),
        ("Asterisk Call Manager/2.10.7~rc1", (2, 10, 7)),
        ("Asterisk Call Manager/next", None),
        ("Asterisk Call Manager/", None),
    ],
)
def test_the_banner_tells_the_version(line: str, version: tuple[int, ...] | None) -> None:
    """The first line is kept, and the number in it read; without one there is no version."""
    decoder = AmiDecoder()

    assert decoder.decode(line.encode() + b"\r\nResponse: Success\r\n\r\n") == [
        {"Response": "Success"}
    ]
    assert (decoder.banner, decoder.version) == (line, version)


def test_no_version_before_the_banner_is_whole() -> None:
    """Half a banner is none: ``11`` might become ``11.0.0``."""
    decoder = AmiDecoder()

    assert decoder.decode(b"Asterisk Call Manager/11\r") == []
    assert (decoder.banner, decoder.version) == (None, None)


@pytest.mark.parametrize(
    "greeting",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01",
        b"\r\n",
        b"asterisk call manager/1.0\r\n",
        b"Event: FullyBooted\r\n\r\n",
        b"Asterisk Call Manager/1" + b"1" * 200,
        b"Asterisk Call Manager/1" + b"1" * 200 + b"\r\n",
    ],
)
def test_who_is_not_asterisk_is_refused(greeting: bytes) -> None:
    """A session that does not begin with the banner is refused, now and ever after."""
    decoder = AmiDecoder()

    with pytest.raises(DecodeError, match="first line of the session") as caught:
        decoder.decode(greeting)

    assert caught.value.reason is DecodeReason.UNKNOWN_VERB
    with pytest.raises(DecodeError):
        decoder.decode(BANNER + b"Event: A\r\n\r\n")


def test_the_longest_banner_and_one_byte_more() -> None:
    """A banner may have 128 bytes with its line end, arriving one by one; not one more."""
    line = BANNER[:-2] + b"0" * (MAX_BANNER_BYTES - len(BANNER))

    fits = line + b"\r\nEvent: A\r\n\r\n"
    too_long = line + b"0\r\nEvent: A\r\n\r\n"

    assert _run(fits[i : i + 1] for i in range(len(fits)))[0] == [{"Event": "A"}]
    assert _run([too_long])[1] is DecodeReason.UNKNOWN_VERB


def test_the_error_shows_little_of_what_was_found() -> None:
    """What a foreign peer sends is quoted in part only, and in one line."""
    with pytest.raises(DecodeError) as caught:
        AmiDecoder().decode(b"HTTP/1.1 400\r\n" + b"x" * 5000)

    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


def test_the_longest_message_and_one_byte_more() -> None:
    """A message of ``longest`` bytes is read; one byte more ends the session."""
    fits = b"Event: A\r\nK: " + b"x" * (MAX_MESSAGE_BYTES - 13)

    assert len(_messages(fits + b"\r\n\r\n")) == 1
    _, reason, _ = _run([BANNER, fits + b"x\r\n\r\n"])
    assert reason is DecodeReason.OVERSIZED


def test_a_message_without_end_does_not_fill_the_memory() -> None:
    """More than ``longest`` bytes are not waited for, whatever they are."""
    decoder = AmiDecoder(longest=1000)
    pieces = [BANNER, *[b"x"] * 1003]

    assert [decoder.decode(piece) for piece in pieces] == [[]] * 1004
    with pytest.raises(DecodeError, match="expected at most 1000 bytes"):
        decoder.decode(b"x")


def test_what_was_whole_before_a_refusal_is_kept() -> None:
    """Messages before the oversized one are returned; only then is the session refused."""
    decoder = AmiDecoder(longest=20)

    data = BANNER + b"Event: A\r\n\r\n" + b"x" * 21 + b"\r\n\r\nEvent: B\r\n\r\n"

    assert decoder.decode(data) == [{"Event": "A"}]
    for _ in range(2):
        with pytest.raises(DecodeError) as caught:
            decoder.decode(b"")
        assert caught.value.reason is DecodeReason.OVERSIZED


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"K: v", "v"),
        (b"K:v", "v"),
        (b"K:  v ", " v "),
        (b"K: ", ""),
        (b"K:", ""),
        (b"K: a:b: c", "a:b: c"),
        (b"K:a: b", "a: b"),
        (b"K: Jos\xe9", "Jos\\xe9"),
        ("K: Zoë".encode(), "Zoë"),
        (rb"K: O\'Brien\r\n", r"O\'Brien\r\n"),
        (b"K: a\nb", "a\nb"),
        (b"K: a\rb", "a\rb"),
        (b"K: a\0b", "a\0b"),
        (b"K: 1\r\nK: 2", "1"),
        (b"K: 1\r\nno colon\r\nK: 2", "1"),
    ],
)
def test_values(line: bytes, value: str) -> None:
    """Split at the first colon, one space off, nothing unescaped, the first of two wins."""
    assert _messages(b"Event: A\r\n" + line + b"\r\n\r\n") == [{"Event": "A", "K": value}]


def test_a_line_put_into_a_name_changes_no_header_before_it() -> None:
    """CR LF in a name adds lines, but Event, Queue and Uniqueid stay Asterisk's own."""
    name = b"x\r\nEvent: Shutdown\r\nQueue: other\r\nUniqueid: 2"
    data = b"Event: A\r\nQueue: sales\r\nUniqueid: 1\r\nCallerIDName: " + name + b"\r\n\r\n"

    assert _messages(data) == [
        {"Event": "A", "Queue": "sales", "Uniqueid": "1", "CallerIDName": "x"}
    ]
    assert _messages(data, frozenset({"Shutdown"})) == []


def test_a_message_put_into_a_name_leaves_a_fragment() -> None:
    """A name that ends its message tears it: what is left over is counted, not returned."""
    decoder = AmiDecoder()

    messages = decoder.decode(
        BANNER + b"Event: A\r\nName: x\r\n\r\nEvent: B\r\n\r\nPosition: 1\r\nWait: 5\r\n\r\n"
    )

    assert messages == [{"Event": "A", "Name": "x"}, {"Event": "B"}]
    assert (decoder.messages, decoder.fragments) == (3, 1)


def test_an_event_with_a_response_is_an_event() -> None:
    """OriginateResponse has a ``Response`` header and is an event, in whatever order."""
    events = (
        b"Event: OriginateResponse\r\nResponse: Failure\r\n\r\n"
        b"Response: Failure\r\nEvent: OriginateResponse\r\n\r\n"
    )
    answer = b"Response: Success\r\nActionID: 7\r\n\r\n"

    assert _messages(events + answer, frozenset()) == [{"Response": "Success", "ActionID": "7"}]
    assert len(_messages(events + answer, frozenset({"OriginateResponse"}))) == 3


@pytest.mark.parametrize("blank", [b"", b"\r\n", b"\r\n\r\n", b"\r\n" * 7])
def test_blank_lines_between_messages_are_nothing(blank: bytes) -> None:
    """Asterisk sends a blank line too many after some events."""
    data = blank + b"Event: A\r\n\r\n" + blank + b"Event: B\r\n\r\n" + blank

    messages, _, counts = _run([BANNER + data], frozenset({"A", "B"}))

    assert messages == [{"Event": "A"}, {"Event": "B"}]
    assert counts == {"messages": 2, "skipped": 0, "fragments": 0}


def test_line_feeds_alone_end_nothing() -> None:
    """Asterisk ends lines with CR LF; a lone line feed belongs to the value."""
    assert _messages(b"Event: A\n\nEvent: B\r\n\r\n") == [{"Event": "A\n\nEvent: B"}]


def test_actions_are_written_in_order() -> None:
    """An action is its name, its fields in their order, and an empty line."""
    fields = {"ActionID": "a1", "Queue": "Zoë: 24x7", "Empty": ""}

    assert encode_action("QueueStatus", fields) == (
        "Action: QueueStatus\r\nActionID: a1\r\nQueue: Zoë: 24x7\r\nEmpty: \r\n\r\n".encode()
    )


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "a\r\nAction: QueueReset", "x" * 1024])
def test_no_value_can_become_another_action(bad: str) -> None:
    """What would end the line, or be too long for it, is refused without being shown."""
    for name, fields in ((bad, {}), ("Login", {"Secret": bad})):
        with pytest.raises(ValueError, match="action field") as caught:
            encode_action(name, fields)
        assert bad not in str(caught.value)


@pytest.mark.parametrize("key", ["", "A:B", "A\r", "A\n", "\0"])
def test_no_key_can_become_another_line(key: str) -> None:
    """A key that is empty, or ends its line or itself, is refused."""
    with pytest.raises(ValueError, match="expected a key"):
        encode_action("Login", {key: "x"})


def test_the_longest_line_asterisk_takes() -> None:
    """A line may have what Asterisk's own buffer has, its end included."""
    value = "x" * (MAX_LINE_BYTES - len("K: \r\n"))

    assert value.encode() in encode_action("Login", {"K": value})
    with pytest.raises(ValueError, match="at most"):
        encode_action("Login", {"K": value + "x"})


@given(
    st.dictionaries(
        st.text("KL", min_size=1, max_size=3), st.text("a: \\é", max_size=5), max_size=4
    )
)
def test_actions_are_read_as_they_were_written(fields: dict[str, str]) -> None:
    """What is written as an action is read back as the same names and values."""
    written = encode_action("Ping", {"Response": "x", **fields})

    assert _messages(written) == [{"Action": "Ping", "Response": "x", **fields}]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1795332630.693546", 1_795_332_630_693_546),
        ("1795332630.000001", 1_795_332_630_000_001),
        ("1795332630", 1_795_332_630_000_000),
        ("1795332630.5", 1_795_332_630_500_000),
        ("1795332630.693546999", 1_795_332_630_693_546),
        ("631152000", 631_152_000_000_000),
        ("631151999.999999", None),
        ("4102444800", 4_102_444_800_000_000),
        ("4102444800.000001", None),
        ("", None),
        ("0.000000", None),
        ("1795332630.", None),
        ("-1795332630", None),
        ("+1795332630", None),
        (" 1795332630", None),
        ("1795332630\n", None),
        ("1e9", None),
        ("nan", None),
        ("1_795_332_630", None),
        ("٣" * 10, None),
        ("9" * 5000, None),
    ],
)
def test_times(text: str, at: int | None) -> None:
    """Times are read to the microsecond; what cannot be a time is none."""
    assert read_time(text) == at
    assert message_time({"Event": "Hangup", "Timestamp": text}) == at


def test_only_events_have_a_time() -> None:
    """The stamp in the answer to a Ping is no time of an event; no stamp is no time."""
    assert message_time({"Response": "Success", "Timestamp": "1795332630.693546"}) is None
    assert message_time({"Event": "Hangup"}) is None
