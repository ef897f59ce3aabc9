"""Tests of sanitising: nobody is in the recording any more, and it tells the same."""

import json
import lzma
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.decode.ami_interpreter import AmiInterpreter
from callmon.decode.recording import (
    Direction,
    Mark,
    Marked,
    Record,
    Transferred,
    format_record,
    parse_records,
)
from callmon.events import AgentChanged, AgentRemoved, Event
from callmon.replay.playback import play_recording
from callmon.sanitise import Redactor, Sanitiser, SecretsRemover

CAPTURES = Path(__file__).parent / "captures" / "asterisk"

KEY = b"a key for tests"

AT = 1_795_336_069 * SECOND

PEOPLE = re.compile(
    rb"^(?:Dest|Local(?:One|Two)|\w*Transfere[er]|TransferTarget)?"
    rb"(?:CallerID|ConnectedLine)(?:Num|Name): (.*)\r$|^(?:MemberName|Name): (.*)\r$",
    re.MULTILINE,
)

SHORT = 5
"""A number of so few digits may be another one's pseudonym, or stand in a time."""


@cache
def recorded(place: str) -> tuple[Record, ...]:
    """Return the records of a capture."""
    with lzma.open(CAPTURES / place) as lines:
        return tuple(parse_records(lines))


@cache
def sanitised(place: str) -> tuple[Record, ...]:
    """Return them as a recording by callmon would have them."""
    return tuple(redacted(Sanitiser(KEY), recorded(place)))


def redacted(redactor: Redactor, records: Iterable[Record]) -> Iterator[Record]:
    """Yield what may be written of *records*."""
    for record in records:
        yield from redactor.take(record)


def received(records: Iterable[Record]) -> bytes:
    """Return all bytes received."""
    return b"".join(
        record.data
        for record in records
        if isinstance(record, Transferred) and record.direction is Direction.RECEIVED
    )


def everything(records: Iterable[Record]) -> bytes:
    """Return all bytes of *records*, either way."""
    return b"".join(record.data for record in records if isinstance(record, Transferred))


def events(records: Iterable[Record]) -> list[Event]:
    """Return what a recording tells."""
    lines = map(format_record, records)
    played = play_recording(lines, AmiInterpreter("pbx"))
    return [event for _, told in played for event in told]


class Nameless:
    """Events with people numbered in the order in which they come up."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def shown(self, event: Event) -> tuple[object, ...]:
        """Return *event* as plain values, with a number for each agent, name and reason."""
        people = {"agent", "name"}
        if isinstance(event, AgentChanged | AgentRemoved):
            people.add("reason")
        return tuple(
            self._number(field, value) if field in people else value
            for field in ("at", "queue", "contact", *event.__struct_fields__)
            if (value := getattr(event, field, None)) is not None
        )

    def _number(self, field: str, value: str) -> int:
        kind = "agent" if field == "agent" else field
        return self._numbers.setdefault((kind, value), len(self._numbers))


SCENARIOS = [
    "22.10.1/transfers/ami.jsonl.xz",
    "22.10.1/edge/ami.jsonl.xz",
    "16.28.0/edge/ami.jsonl.xz",
]


@pytest.mark.parametrize("place", SCENARIOS)
def test_nobody_is_in_a_sanitised_recording(place: str) -> None:
    """No name or number of those who called, by their own account, nor any that was sent."""
    data = everything(sanitised(place))
    people = {found for pair in PEOPLE.findall(received(recorded(place))) for found in pair}
    truth = CAPTURES / place.replace("ami.jsonl.xz", "truth.jsonl.xz")
    with lzma.open(truth, "rt") as lines:
        for line in map(json.loads, lines):
            people |= {str(line.get(key) or "").encode() for key in ("cid_num", "cid_name")}
    people = {one for one in people - {b"<unknown>", b"unknown"} if len(one) >= SHORT}

    assert len(people) > SHORT
    assert [] == [one for one in people if one in data]


@pytest.mark.parametrize("place", SCENARIOS)
def test_a_sanitised_recording_tells_the_same(place: str) -> None:
    """Every event, at the same time, of the same contact; agents are the same agents."""
    before, after = Nameless(), Nameless()
    expected = [before.shown(event) for event in events(recorded(place))]

    assert len(expected) > 100
    assert expected == [after.shown(event) for event in events(sanitised(place))]


@pytest.mark.parametrize("redactor", [Sanitiser(KEY), SecretsRemover()])
def test_secrets_are_in_no_recording(redactor: Redactor) -> None:
    """Whatever is done with names and numbers; in the first session and in later ones."""
    login = b"Action: Login\r\nUsername: callmon\r\nSecret: hunter2\r\nKey: 0123abcd\r\n\r\n"
    session = (
        Marked(AT, Mark.CONNECTED),
        Transferred(AT, Direction.SENT, login),
        Transferred(AT, Direction.RECEIVED, b"Message: Authentication accepted\r\n\r\n"),
        Marked(AT, Mark.EOF),
    )

    data = everything(redacted(redactor, [*session, *session]))

    assert b"hunter2" not in data
    assert b"0123abcd" not in data
    assert 2 == data.count(b"Secret: removed\r\n")


@pytest.mark.parametrize("redactor", [Sanitiser(KEY), SecretsRemover()])
def test_the_challenge_is_in_no_recording(redactor: Redactor) -> None:
    """Even if it comes byte by byte."""
    answer = (
        b"Asterisk Call Manager/11.0.0\r\n"
        b"Response: Success\r\nActionID: 1\r\nChallenge: 840415273\r\n\r\n"
        b"Response: Success\r\nActionID: 2\r\nMessage: Authentication accepted\r\n\r\n"
    )
    records: list[Record] = [Marked(AT, Mark.CONNECTED)]
    records += [Transferred(AT, Direction.RECEIVED, bytes((byte,))) for byte in answer]
    records.append(Marked(AT, Mark.EOF))

    data = everything(redacted(redactor, records))

    assert b"840415273" not in data
    assert b"\r\nChallenge: removed\r\n" in data
    assert data.endswith(b"Message: Authentication accepted\r\n\r\n")


def test_a_raw_recording_is_left_as_it_is() -> None:
    """After the login byte by byte, chunk by chunk."""
    records = recorded("22.10.1/transfers/ami.jsonl.xz")
    kept = list(redacted(SecretsRemover(), records))

    assert received(records) == received(kept)
    assert list(records[10:]) == kept[-len(records) + 10 :]


def test_a_message_is_written_when_it_is_whole() -> None:
    """What is cut differently by the network is cut at the ends of messages."""
    sanitiser = Sanitiser(KEY)
    pieces = [b"Asterisk Call Manager/11.0.0\r\n", b"Event: FullyBooted\r", b"\n\r\nEvent: X"]

    written = [
        received(sanitiser.take(Transferred(AT, Direction.RECEIVED, piece))) for piece in pieces
    ]

    assert [pieces[0], b"", b"Event: FullyBooted\r\n\r\n"] == written


def test_what_a_cut_connection_leaves_has_whole_lines() -> None:
    """Half of a number is not told, and the other half is not waited for."""
    sanitiser = Sanitiser(KEY)
    begun = b"Asterisk Call Manager/11.0.0\r\nEvent: Hangup\r\nPriority: 1\r\nCallerIDNum: 1380"
    sanitiser.take(Transferred(AT, Direction.RECEIVED, begun))

    written = sanitiser.take(Marked(AT, Mark.EOF))

    rest = Transferred(AT, Direction.RECEIVED, b"Event: Hangup\r\nPriority: 1\r\n")
    assert [rest, Marked(AT, Mark.EOF)] == written


def test_a_peer_that_ends_no_message_does_not_fill_the_memory() -> None:
    """Lines are written even if their message never ends."""
    sanitiser = Sanitiser(KEY)
    chunk = Transferred(AT, Direction.RECEIVED, b"Position: 1\r\n" * 10_000)

    written = everything(one for _ in range(20) for one in sanitiser.take(chunk))

    assert len(written) > 10 * len(chunk.data)


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"Queue: q"])))
def test_no_bytes_stop_the_recording(pieces: list[bytes]) -> None:
    """And no line is lost but the one that the end of the connection has cut."""
    records: list[Record] = [
        *(Transferred(AT, Direction.RECEIVED, piece) for piece in pieces),
        Marked(AT, Mark.STOP),
    ]

    data = received(redacted(Sanitiser(KEY), records))

    assert b"".join(pieces).count(b"\r\n") == data.count(b"\r\n")


@given(st.integers(1, 2000))
def test_any_split_gives_the_same_recording(size: int) -> None:
    """The pseudonyms depend on the text alone."""
    data = received(recorded("22.10.1/transfers/ami.jsonl.xz"))[:6000]
    whole = received(redacted(Sanitiser(KEY), [Transferred(AT, Direction.RECEIVED, data)]))
    pieces = [
        Transferred(AT, Direction.RECEIVED, data[place : place + size])
        for place in range(0, len(data), size)
    ]

    assert whole == received(redacted(Sanitiser(KEY), pieces))
