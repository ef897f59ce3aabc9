"""Asterisk's answer to ``Action: QueueStatus``: who waits where, at one moment.

A ``Response``, rows in the order QueueParams, its QueueMembers, its QueueEntries, then
``QueueStatusComplete`` (``__manager_queues_status`` in Asterisk's ``app_queue.c``). Every row
carries our ActionID, and the list is written in one piece: no event comes between its rows.

A caller's name stands in a QueueEntry as he sent it. With CR LF in it he writes rows, or
whole messages, of his own; the last of them even ends with our ActionID, the rest of the row
that he has cut. But the row that he has cut is without it, and is what gives him away.
"""

from collections import Counter

import msgspec

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message
from callmon.decode.queue_log import Drops
from callmon.errors import DecodeReason

__all__ = ["LIST_EVENTS", "QueueSnapshot", "SnapshotEntry", "SnapshotQueue", "SnapshotReader"]

LIST_EVENTS = frozenset(("QueueParams", "QueueMember", "QueueEntry", "QueueStatusComplete"))
"""The messages that make up a list."""

MAX_ROWS = 500_000
"""Rows kept of one list: above any PBX, and a list without end must not fill the memory."""

MAX_EXPECTED = 16
"""Lists asked for and not yet answered: one, with care for answers that never came."""

MAX_WAIT_S = 7 * 86_400
"""Nobody waits for a week: what says so was not written by Asterisk."""


class SnapshotEntry(msgspec.Struct, frozen=True, gc=False):
    """A caller who waits; *wait* is in whole seconds."""

    contact: str
    wait: Micros
    position: int


class SnapshotQueue(msgspec.Struct, frozen=True):
    """One queue. Unless *believed*, nothing follows from who is in *entries* or is not."""

    name: str
    calls: int
    completed: int
    abandoned: int
    entries: tuple[SnapshotEntry, ...]
    members: tuple[Message, ...]
    believed: bool


class QueueSnapshot(msgspec.Struct, frozen=True):
    """All queues as they were after *asked*; *whole* when the members, too, are all there."""

    queues: tuple[SnapshotQueue, ...]
    whole: bool
    asked: Micros | None = None  #: by our clock; None: not known


class _Section:
    """One queue while its rows come in."""

    __slots__ = ("believed", "entries", "members", "params")

    def __init__(self, params: Message) -> None:
        self.params = params
        self.entries: list[Message] = []
        self.members: list[Message] = []
        self.believed = True


class SnapshotReader:
    """Puts the rows of our lists together.

    Attributes:
        drops: What was not used, by (stage, reason).
        inside: Between the start of one of our lists and its end.
    """

    def __init__(self) -> None:
        self.drops: Drops = Counter()
        self._expected: dict[str, tuple[bool, Micros | None]] = {}
        self._list = ""
        self._whole = True
        self._asked: Micros | None = None
        self._sections: dict[str, _Section] = {}
        self._current: _Section | None = None
        self._rows = 0

    @property
    def inside(self) -> bool:
        """Whether a list has begun and not ended."""
        return bool(self._list)

    def expect(
        self,
        action_id: str,
        whole: bool = True,  # noqa: FBT001, FBT002 - a callback by position
        asked: Micros | None = None,
    ) -> None:
        """Take the answer to *action_id*, *asked* when; not *whole*: for no members."""
        self._expected[action_id] = whole, asked
        while len(self._expected) > MAX_EXPECTED:
            del self._expected[next(iter(self._expected))]

    def reset(self) -> None:
        """Forget everything asked for: its connection has ended."""
        self._expected.clear()
        self._close()

    def take(self, message: Message) -> QueueSnapshot | None:
        """Take any message; return the snapshot that it completes."""
        action_id = message.get("ActionID", "")
        kind = message.get("Event")
        if kind is None:
            self._answer(message, action_id)
        elif not self._list:
            if kind in LIST_EVENTS:
                self._drop(DecodeReason.FORGED)
        elif action_id != self._list or kind not in LIST_EVENTS:
            # Asterisk does not write into its own lists: the name of a caller did.
            self._suspect(message)
        elif kind == "QueueStatusComplete":
            return self._complete(message)
        else:
            self._row(kind, message)
        return None

    def _answer(self, message: Message, action_id: str) -> None:
        """Take a response: the list begins, or will not come."""
        if self._list:
            self._suspect(message)
            return
        if action_id not in self._expected:
            return
        whole, asked = self._expected.pop(action_id)
        if message.get("Response") == "Success":
            self._list = action_id
            self._whole, self._asked = whole, asked

    def _row(self, kind: str, message: Message) -> None:
        self._rows += 1
        if self._rows > MAX_ROWS:
            self._drop(DecodeReason.OVERSIZED)
            return
        name = message.get("Queue", "").casefold()
        section = self._sections.get(name)
        if kind == "QueueParams":
            if section is not None:
                section.believed = False  # no queue is listed twice
                self._drop(DecodeReason.FORGED)
                return
            self._current = self._sections[name] = _Section(message)
        elif section is None or section is not self._current:
            self._suspect(message)
        elif kind == "QueueMember":
            section.members.append(message)
        else:
            section.entries.append(message)

    def _suspect(self, message: Message) -> None:
        """Count a message that cannot be where it is; its queues are not believed."""
        self._drop(DecodeReason.FORGED)
        self._whole = False
        named = self._sections.get(message.get("Queue", "").casefold())
        for section in (self._current, named):
            if section is not None:
                section.believed = False

    def _complete(self, message: Message) -> QueueSnapshot:
        if message.get("ListItems", str(self._rows)) != str(self._rows):
            self._drop(DecodeReason.INCOMPLETE)
            self._whole = False
        queues = tuple(self._queue(section) for section in self._sections.values())
        whole = self._whole and self._rows <= MAX_ROWS
        snapshot = QueueSnapshot(queues, whole, self._asked)
        self._close()
        return snapshot

    def _queue(self, section: _Section) -> SnapshotQueue:
        """Return the queue of *section*, believed if its rows agree with its own count."""
        params = section.params
        calls = _count(params, "Calls")
        entries = tuple(
            SnapshotEntry(
                entry.get("Uniqueid", ""),
                min(_count(entry, "Wait"), MAX_WAIT_S) * SECOND,
                _count(entry, "Position"),
            )
            for entry in section.entries
        )
        believed = (
            section.believed
            and self._rows <= MAX_ROWS
            and [entry.position for entry in entries] == list(range(1, calls + 1))
            and all(entry.contact for entry in entries)
            and len({entry.contact for entry in entries}) == calls
            and all(_count(entry, "Wait") >= 0 for entry in section.entries)
        )
        if section.believed and not believed:
            self._drop(DecodeReason.INCOMPLETE)
        return SnapshotQueue(
            params.get("Queue", ""),
            calls,
            _count(params, "Completed"),
            _count(params, "Abandoned"),
            entries,
            tuple(section.members),
            believed,
        )

    def _close(self) -> None:
        self._list = ""
        self._sections = {}
        self._current = None
        self._rows = 0

    def _drop(self, reason: DecodeReason) -> None:
        self.drops["decode", reason.value] += 1


def _count(message: Message, key: str) -> int:
    """Return a whole number of *message*, -1 where there is none."""
    text = message.get(key, "")
    return int(text) if len(text) <= len("1000000000") and text.isdecimal() else -1
