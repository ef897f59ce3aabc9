"""The ways from what a source says to the books and states that it changes."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from callmon.contacts import ContactBook, ContactsPart, Finished, Source
from callmon.errors import DropReason
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactMoved,
    ContactRefused,
    ContactsListed,
    FeedChanged,
    RingNotAnswered,
    TalkEnded,
)
from callmon.parts import BookPart, SourcePart
from callmon.queues import SubjectState
from callmon.reports import ReportBook
from callmon.visit_states import Docket
from callmon.visits import VisitBook, VisitBookPart
from callmon.watches import Watch

__all__ = ["LIVE_WAYS", "WAYS", "Route", "SourceState"]


WAYS: Final[dict[type, tuple[Callable[..., DropReason | None], int]]] = {
    ContactJoined: (ContactBook.joined, 0),
    ContactAnswered: (ContactBook.answered, 1),
    ContactLeft: (ContactBook.left, 2),
    TalkEnded: (ContactBook.talk_ended, 3),
    RingNotAnswered: (ContactBook.rang, 4),
    ContactRefused: (ContactBook.refused, 5),
    AgentChanged: (ContactBook.agent_changed, 6),
    AgentRemoved: (ContactBook.agent_removed, 7),
}
"""By type of event: what takes it in, and where its watches stand in ``Route.watches``."""

LIVE_WAYS: Final[dict[type, tuple[Callable[..., DropReason | None], int]]] = {
    ContactJoined: (VisitBook.joined, 0),
    ContactAnswered: (VisitBook.answered, 1),
    ContactLeft: (VisitBook.left, 2),
    TalkEnded: (VisitBook.talk_ended, 3),
    RingNotAnswered: (VisitBook.rang, 4),
    ContactRefused: (VisitBook.refused, 5),
    ContactMoved: (VisitBook.moved, 0),
    ContactsListed: (VisitBook.listed, 2),
    AgentChanged: (VisitBook.agent_changed, 6),
    AgentRemoved: (VisitBook.agent_removed, 7),
}
"""The same of a source that has a live feed."""

_KINDS: Final = tuple(WAYS)
"""The type of event whose watches stand at each place of ``Route.watches``."""


class Route:
    """From a queue of one source: its book, and who watches its states.

    With thousands of queues, most of an event's time goes into fetching what its queue
    has from memory: the less that is, and the more all queues share, the better.
    """

    __slots__ = ("_version", "book", "changed", "reports", "watches")

    def __init__(
        self,
        source: Source,
        states: tuple[SubjectState, ...],
        docket: Docket | None,
        touch: Callable[["Route"], None],
    ) -> None:
        surprised = lambda: touch(self)  # noqa: E731  # two books are told it
        self.book: ContactBook | VisitBook = (
            ContactBook(source, states, surprised)
            if docket is None
            else VisitBook(source, states, docket, surprised)
        )
        self.reports: ReportBook | None = None  #: of the queue as a whole
        self.changed = True  #: since ``version`` was asked for
        self._version = 0
        self.watches: tuple[tuple[Watch, ...], ...] = ((),) * len(_KINDS)

    @property
    def version(self) -> int | None:
        """A value that differs whenever the book has changed; None: it may have."""
        if isinstance(self.book, VisitBook):
            return None  # time alone settles visits
        if self.changed:
            self.changed = False
            self._version += 1
        return self._version

    def restore(self, part: ContactsPart | VisitBookPart) -> list[Finished]:
        """Have the book know what *part* says; return who has finished."""
        if isinstance(self.book, ContactBook) and isinstance(part, ContactsPart):
            return self.book.restore(part)
        if isinstance(self.book, VisitBook) and isinstance(part, VisitBookPart):
            self.book.restore(part)
            return []
        raise TypeError(f"{type(part).__name__} is no part of a {type(self.book).__name__}")

    def go_live(self, docket: Docket, touch: Callable[["Route"], None]) -> None:
        """Know apart, from now on, what a live feed and a record tell."""
        if isinstance(self.book, ContactBook):
            self.book = VisitBook.adopt(self.book, docket, lambda: touch(self))

    def watch(self, watches: Iterable[Watch]) -> None:
        """Have exactly *watches* told of the events that matter to them.

        Where reports speak for a queue, the first contact may make anything known.
        """
        all_watches = list(watches)
        reported = self.reports is not None
        self.watches = tuple(
            tuple([watch for watch in all_watches if reported or kind in watch.occasions])
            for kind in _KINDS
        )


class SourceState:
    """A source, the way from its queue names to books, and its feeds."""

    __slots__ = ("agents", "docket", "feeds", "live", "queues", "routes", "source")

    def __init__(self, name: str, *, live: bool) -> None:
        self.source = Source(name)
        self.routes: dict[str, Route] = {}  #: by the name as spelled
        self.queues: dict[str, Route] = {}  #: by our name of the queue
        self.feeds: dict[str, bool] = {}
        self.live: set[str] = set()  #: which of the feeds are live
        self.agents: set[str] = set()  #: which of the feeds know agents
        self.docket = Docket() if live else None  #: None: it has no live feed

    def part(self) -> SourcePart:
        """Return what is known but for the books, for a checkpoint."""
        return SourcePart(
            name=self.source.name,
            watermark=self.source.watermark,
            since=self.source.since,
            feeds=self.feeds,
            live=sorted(self.live),
            agents=sorted(self.agents),
            docket=self.docket is not None,
        )

    def restore(self, part: SourcePart) -> None:
        """Be as when *part* was taken; a source that has a live feed now has one."""
        self.source.watermark, self.source.since = part.watermark, part.since
        self.feeds, self.live, self.agents = part.feeds, set(part.live), set(part.agents)
        if part.docket and self.docket is None:
            self.docket = Docket()
        self._judge_record()

    def book_part(self, queue: str) -> BookPart:
        """Return what the source has told of *queue*, for a checkpoint."""
        route = self.queues[queue]
        spelled = [text for text, way in self.routes.items() if way is route]
        reports = None if route.reports is None else route.reports.part()
        return BookPart(self.source.name, queue, spelled, route.book.part(), reports)

    def reopen(
        self,
        part: BookPart,
        states: tuple[SubjectState, ...],
        touch: Callable[[Route], None],
    ) -> Route:
        """Have the book of a checkpoint again; *states* count what is in it already."""
        book = part.book
        if isinstance(book, VisitBookPart):
            if self.docket is None:
                self.docket = Docket()
            route = Route(self.source, states, self.docket, touch)
        else:
            route = Route(self.source, states, None, touch)
        self.source.finished.extend(route.restore(book))
        if self.docket is not None:
            route.go_live(self.docket, touch)
        self.queues[part.queue] = route
        self.routes.update(dict.fromkeys(part.spelled, route))
        return route

    def line_up(self) -> None:
        """Have those who finished in order, after all books were reopened."""
        self.source.finished = deque(sorted(self.source.finished, key=lambda row: row[0]))

    def feed_changed(self, event: FeedChanged) -> None:
        """Take that a feed sees, or is blind."""
        self.feeds[event.feed] = event.up
        if event.live:
            self.live.add(event.feed)
        if event.agents:
            self.agents.add(event.feed)
        self._judge_record()

    def remove_feed(self, feed: str) -> None:
        """Forget a feed."""
        self.feeds.pop(feed, None)
        self.live.discard(feed)
        self.agents.discard(feed)
        self._judge_record()

    @property
    def blind(self) -> bool:
        """Whether it has feeds and none of them is up."""
        return bool(self.feeds) and not any(self.feeds.values())

    @property
    def knows_agents(self) -> bool:
        """Whether a feed that knows agents is up."""
        return any(self.feeds[feed] for feed in self.agents)

    def _judge_record(self) -> None:
        if self.docket is not None:
            self.docket.waits_for_record = any(
                not up for feed, up in self.feeds.items() if feed not in self.live
            )
