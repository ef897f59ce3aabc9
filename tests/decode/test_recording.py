"""Tests of the lines of recordings."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.decode.recording import (
    Direction,
    Mark,
    Marked,
    Record,
    Transferred,
    connection_after,
    format_record,
    parse_record,
    parse_records,
)
from callmon.errors import DecodeError, DecodeReason

AT = 1_795_336_069 * SECOND + 962_068

records = st.builds(
    Transferred,
    st.integers(631_152_000 * SECOND, 4_000_000_000 * SECOND),
    st.sampled_from(Direction),
    st.binary(max_size=20),
) | st.builds(Marked, st.just(AT), st.text(max_size=8))


@given(records)
def test_what_is_written_is_read_again(record: Record) -> None:
    """To the microsecond and to the byte, in one line of plain ASCII."""
    line = format_record(record)

    assert record == parse_record(line)
    assert line.isascii()
    assert 1 == line.count("\n")


@pytest.mark.parametrize(
    ("line", "direction", "data"),
    [
        ('{"t": 1795336069.962068, "b": "QXN0DQo="}', Direction.RECEIVED, b"Ast\r\n"),
        (
            '{"t": 1795336069.962068, "s": "Jos\\u00e9\\r\\n"}',
            Direction.RECEIVED,
            b"Jos\xe9\r\n",
        ),
        ('{"t": 1795336069.962068, "s": "José"}', Direction.RECEIVED, b"Jos\xe9"),
        ('{"t": 1795336069.962068, "tx": "QQ=="}', Direction.SENT, b"A"),
        ('{"t": 1795336069.962068, "txs": "A", "why": 1}', Direction.SENT, b"A"),
        ('{"t": 1795336069.962068, "s": ""}', Direction.RECEIVED, b""),
    ],
)
def test_both_forms_are_read(line: str, direction: Direction, data: bytes) -> None:
    """Base64 or one character a byte; keys that nobody knows are passed over."""
    assert Transferred(AT, direction, data) == parse_record(line)
    assert Transferred(AT, direction, data) == parse_record(line.encode())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", DecodeReason.MISSING_FIELDS),
        ("1700000000|c1|sales|NONE|ENTERQUEUE|", DecodeReason.MISSING_FIELDS),
        ("[]", DecodeReason.MISSING_FIELDS),
        ("{}", DecodeReason.MISSING_FIELDS),
        ('{"t": 1795336069.9}', DecodeReason.MISSING_FIELDS),
        ('{"t": "1795336069", "s": ""}', DecodeReason.MISSING_FIELDS),
        ('{"t": 1795336069.9, "b": "*"}', DecodeReason.MISSING_FIELDS),
        ('{"t": 1795336069.9, "s": "\\u20ac"}', DecodeReason.MISSING_FIELDS),
        ('{"t": 17, "s": ""}', DecodeReason.BAD_TIME),
        ('{"t": 1e300, "s": ""}', DecodeReason.BAD_TIME),
    ],
)
def test_what_is_no_record_is_refused(line: str, reason: DecodeReason) -> None:
    """With the reason, never with an error of the JSON library."""
    with pytest.raises(DecodeError) as refused:
        parse_record(line)

    assert reason is refused.value.reason


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_no_line_raises_anything_but_its_own_error(line: bytes | str) -> None:
    """Whatever stands in a file that is no recording."""
    with contextlib.suppress(DecodeError):
        parse_record(line)


def test_the_number_of_a_bad_line_is_told() -> None:
    """So that one finds it in an editor."""
    lines = [format_record(Marked(AT, Mark.CONNECTED)), "nonsense"]

    with pytest.raises(DecodeError, match="line 2: recording: expected one JSON object"):
        list(parse_records(lines))


@pytest.mark.parametrize(
    ("mark", "connected"),
    [
        ("connected", True),
        ("connecting", False),
        ("eof", False),
        ("drop", False),
        ("stop", False),
        ("error: ConnectionRefusedError", False),
        ("stall begin: not reading", None),
    ],
)
def test_marks_tell_whether_there_is_a_connection(mark: str, connected: bool | None) -> None:
    """A mark that callmon does not know leaves it as it was."""
    assert connected == connection_after(mark)


def test_lines_are_json() -> None:
    """Any program can read a recording."""
    line = format_record(Transferred(AT, Direction.RECEIVED, b'Q: "a"\r\n'))

    assert {"t": 1795336069.962068, "s": 'Q: "a"\r\n'} == json.loads(line)
