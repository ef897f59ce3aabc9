"""The wire understands what goes over it, however it is cut into pieces."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.wire import Conversation, Ledger, Packets


def packet(first: int, body: bytes) -> bytes:
    """Return a packet with its length, which is of one or two bytes here."""
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([first]) + length + body


def published(packet_id: int, *ids: str, first: int = 0x32) -> bytes:
    """Return a PUBLISH of MQTT 5 with QoS 1."""
    payload = ",".join(f'{{"id": "{each}"}}' for each in ids)
    body = struct.pack(">H3sH", 3, b"a/b", packet_id) + b"\0" + payload.encode()
    return packet(first, body)


def acknowledged(packet_id: int) -> bytes:
    """Return a PUBACK."""
    return packet(0x40, struct.pack(">H", packet_id))


@given(st.lists(st.binary(max_size=200), max_size=5), st.lists(st.integers(1, 9), min_size=1))
def test_pieces_do_not_matter(bodies: list[bytes], sizes: list[int]) -> None:
    """Any cutting of a stream gives the same packets."""
    stream = b"".join(packet(0x30, body) for body in bodies)
    packets = Packets()
    found = []
    turn = 0
    while stream:
        size = sizes[turn % len(sizes)]
        found += [body for _, body in packets.feed(stream[:size])]
        stream = stream[size:]
        turn += 1

    assert bodies == found


def test_what_was_acknowledged_is_known() -> None:
    """Only ids whose message was acknowledged in the same connection; repetitions count."""
    ledger = Ledger()
    first = Conversation(ledger)
    first.sent(published(1, "a", "b") + published(2, "c"))
    first.heard(acknowledged(1))
    second = Conversation(ledger)
    second.sent(published(1, "c", first=0x3A))
    second.heard(acknowledged(2))

    assert {"a", "b"} == ledger.acknowledged
    assert {"a": 1, "b": 1, "c": 2} == ledger.delivered
    assert (3, 2, 1, 2) == (ledger.messages, ledger.acks, ledger.marked, ledger.most_open)


def test_qos_0_and_other_packets_are_passed_over() -> None:
    """They have no packet id, and nobody acknowledges them."""
    ledger = Ledger()
    conversation = Conversation(ledger)

    conversation.sent(packet(0x20, b"\0\0\0") + published(1, "a", first=0x30))

    assert (0, {}) == (ledger.messages, ledger.delivered)
