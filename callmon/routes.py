"""The ways from what a source says to the books and states that it changes."""

from collections.abc import Callable, Iterable
from typing import Any, Final

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

__all__ = ["WAYS", "Route", "SourceState"]


WAYS: Final[dict[type, tuple[Callable[[ContactBook, Any], DropReason | None], int]]] = {
    ContactJoined: (ContactBook.joined, 0),
    ContactAnswered: (ContactBook.answered, 1),
    ContactLeft: (ContactBook.left, 2),
    TalkEnded: (ContactBook.talk_ended, 3),
    RingNotAnswered: (ContactBook.rang, 4),
    ContactRefused: (ContactBook.refused, 5),
}
"""By type of event: what takes it in, and where its watches stand in ``Route.watches``."""


class Route:
    """From a queue of one source: its book, and who watches its states.

    With thousands of queues, most of an event's time goes into fetching what its queue
    has from memory: the less that is, and the more all queues share, the better.
    """

    __slots__ = ("book", "watches")

    def __init__(
        self,
        source: Source,
        states: tuple[SubjectState, ...],
        touch: Callable[["Route"], None],
    ) -> None:
        self.book = ContactBook(source, states, lambda: touch(self))
        self.watches: tuple[tuple[Watch, ...], ...] = ((),) * len(WAYS)

    def watch(self, watches: Iterable[Watch]) -> None:
        """Have exactly *watches* told of the events that matter to them."""
        all_watches = list(watches)
        self.watches = tuple(
            tuple([watch for watch in all_watches if kind in watch.occasions]) for kind in WAYS
        )


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
