"""The ways from what a source says to the books and states that it changes."""

from collections.abc import Callable
from typing import Any

from callmon.contacts import ContactBook, Source
from callmon.errors import DropReason
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactRefused,
    RingNotAnswered,
    TalkEnded,
)
from callmon.queues import SubjectState
from callmon.watches import Watch

__all__ = ["Route", "SourceState"]


class Route:
    """From a queue of one source: its book, and who watches its states.

    ``take`` and ``watches`` are by type of event.
    """

    __slots__ = ("book", "take", "watches")

    def __init__(
        self,
        source: Source,
        states: tuple[SubjectState, ...],
        touch: Callable[["Route"], None],
    ) -> None:
        self.book = book = ContactBook(source, states, lambda: touch(self))
        self.take: dict[type, Callable[[Any], DropReason | None]] = {
            ContactJoined: book.joined,
            ContactAnswered: book.answered,
            ContactLeft: book.left,
            TalkEnded: book.talk_ended,
            RingNotAnswered: self._rang,
            ContactRefused: self._refused,
        }
        self.watches: dict[type, list[Watch]] = {kind: [] for kind in self.take}

    def _rang(self, _event: RingNotAnswered) -> None:
        for subject in self.book.states:
            subject.rings += 1
            subject.changed()

    def _refused(self, event: ContactRefused) -> None:
        for subject in self.book.states:
            subject.refused[event.reason] = subject.refused.get(event.reason, 0) + 1
            subject.changed()


class SourceState:
    """A source, the way from its queue names to books, and its feeds."""

    __slots__ = ("feeds", "queues", "routes", "source")

    def __init__(self, name: str) -> None:
        self.source = Source(name)
        self.routes: dict[str, Route] = {}  #: by the name as spelled
        self.queues: dict[str, Route] = {}  #: by our name of the queue
        self.feeds: dict[str, bool] = {}

    @property
    def blind(self) -> bool:
        """Whether it has feeds and none of them is up."""
        return bool(self.feeds) and not any(self.feeds.values())
