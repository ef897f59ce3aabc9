"""Messages that have come over one MQTT connection, and which of them are acknowledged."""

from collections import deque

import msgspec

from callmon.clock import Micros

__all__ = ["Arrived", "Inbox"]

MESSAGE_BYTES = 400
"""What a message costs beside its topic and payload."""


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """One message."""

    number: int  #: in the session, from 1
    topic: str
    payload: bytes
    qos: int
    retained: bool  #: it was kept for who comes later, and may be old
    received: Micros  #: by our clock


class Inbox:
    """Keeps what has come in order. *limit* is the number of bytes that ``crowded`` means.

    Nothing is ever thrown away here: who reads the connection stops while it is crowded.
    """

    def __init__(self, limit: int) -> None:
        self.count = 0  #: of all messages so far
        self.crowded = False  #: from the limit on, until half of it is taken
        self.unsafe = False  #: a message came with QoS 0
        self._limit = limit
        self._waiting: deque[Arrived] = deque()
        self._bytes = 0
        self._unacknowledged: deque[tuple[int, int, int]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def unacknowledged(self) -> int:
        """How many messages have come that the broker must not forget yet."""
        return len(self._unacknowledged)

    def add(
        self,
        topic: str,
        payload: bytes,
        *,
        mid: int,
        qos: int,
        retained: bool,
        received: Micros,
    ) -> None:
        """Take in the message that the broker calls *mid*."""
        self.count += 1
        if qos:
            self._unacknowledged.append((self.count, mid, qos))
        elif not retained:
            self.unsafe = True
        message = Arrived(self.count, topic, payload, qos, retained, received)
        self._waiting.append(message)
        self._bytes += _cost(message)
        self.crowded = self.crowded or self._bytes >= self._limit

    def take(self, count: int, size: int) -> list[Arrived]:
        """Return the next messages: *count* at most, and as many as fill *size* bytes."""
        taken: list[Arrived] = []
        while self._waiting and len(taken) < count and size > 0:
            message = self._waiting.popleft()
            self._bytes -= _cost(message)
            size -= len(message.payload)
            taken.append(message)
        self.crowded = self.crowded and self._bytes > self._limit // 2
        return taken

    def acknowledge(self, number: int) -> list[tuple[int, int]]:
        """Return what to acknowledge when all messages up to *number* are: mid and QoS."""
        acknowledged = []
        while self._unacknowledged and self._unacknowledged[0][0] <= number:
            _, mid, qos = self._unacknowledged.popleft()
            acknowledged.append((mid, qos))
        return acknowledged


def _cost(message: Arrived) -> int:
    return len(message.payload) + len(message.topic) + MESSAGE_BYTES
