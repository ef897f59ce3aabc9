"""What a feed is, and what it may do to the rest of callmon.

The contract in words: docs/developers/contract.md.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from callmon.clock import Clock, Micros
from callmon.events import Event, event_id

__all__ = ["MEMORY", "CountDrop", "Emit", "Feed", "FeedContext", "Position", "Tap", "event_id"]

Position = Mapping[str, str | int]
"""How far a feed has got, in its own words: plain JSON, opaque to everybody else."""

MEMORY = "memory"
"""The key of a position under which people may be named: it is stored, and never shown."""


class Emit(Protocol):
    """Takes a feed's events; never blocks, never awaits, never raises."""

    def __call__(
        self,
        events: Sequence[Event],
        position: Position | None = None,
        *,
        ids: Sequence[int | None] = (),
        done: Callable[[], None] | None = None,
    ) -> None:
        """Take *events*, oldest first.

        With *position* the feed says: everything up to here is in your hands. Who stores
        it must store it together with the effect of the events, never before.

        *ids* has one for each event, or none at all: an event whose id (63 bits, see
        ``event_id``) this feed has told before is not taken a second time.

        *done* is called in the loop once everything that this feed has handed over so far
        would survive a crash: then a message may be acknowledged. It is not called while
        that is not so; when the feed has ended it may still be.
        """


class CountDrop(Protocol):
    """Counts what a feed had to throw away."""

    def __call__(self, stage: str, reason: str, count: int = 1) -> None:
        """Add *count* to the drops of *stage* (``decode`` or ``read``) by *reason*."""


Tap = Callable[[str, bytes], None]
"""Shown what goes over a wire: ``received`` or ``sent`` and the bytes, or ``mark`` and what
became of the connection (``callmon.decode.recording.Mark``). Never blocks, never raises."""


async def _no_wait() -> None:
    """There is room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedContext:
    """All a feed gets from callmon; made anew by the app for each feed."""

    clock: Clock
    """The only time a feed may use."""
    emit: Emit
    """Hands events on."""
    up: Callable[[bool, str], None]
    """Says that the feed sees (True) or is blind (False), and why, in words for people.

    Called at the start and when the answer changes; the first word decides whether the
    queues of this feed are blind, so a feed says nothing before it knows.
    """
    count_drop: CountDrop
    """Counts a line or message that is not used."""
    gap: Callable[[Micros, str], None]
    """Says that events of this length of time are lost for good, and why."""
    current: Callable[[Micros], None]
    """Says that all there was to tell at this instant of our clock has been told.

    Called after each stretch of events, and after each look that found none, with the time
    at which that look began: what is written while it reads is not seen. Engine time goes
    no further than the last of these. Between an
    ``emit`` and the next ``current`` nobody judges by the state: half of a backlog read,
    a caller who left long ago still seems to wait.
    """
    pause: Callable[[Micros], Micros] = lambda longest: longest
    """Returns how long to rest before the next look: as long as wished, or less where
    something has to be judged before that."""
    drift: Callable[[int], None] = lambda _: None
    """Says by how many waiting contacts the source's own count differed from ours."""
    account: Callable[[tuple[str, ...]], None] = lambda _: None
    """Says what its account at the source lacks or has too much of, in words for people.

    Called when that has changed; nothing: the account is as it should be, as far as is known.
    """
    room: Callable[[], Awaitable[None]] = _no_wait
    """Returns when more may be told: a feed that can let its source wait awaits it before
    it takes more from there. So nothing piles up while the disk is slower than the feed."""
    storing: Callable[[], bool] = lambda: True
    """Says whether the journal can be written. While it cannot, no ``done`` is called."""
    tap: Tap = lambda _kind, _data: None
    """Is shown everything that goes over the wire, secrets included, for a recording."""
    resume: Position | None = None
    """The last stored position, or None at the very first run."""
    since: Micros = 0
    """At a first run: nothing older than this is of interest."""


class Feed(Protocol):
    """A configured stream of events.

    ``name`` is the operator's, ``source`` the system behind it: two feeds may share one.
    """

    @property
    def name(self) -> str:
        """The feed's name in the configuration."""

    @property
    def source(self) -> str:
        """The system its events come from."""

    async def run(self) -> None:
        """Run until cancelled.

        Raises:
            FeedError: this attempt failed; the supervisor runs it again when ``retry``.
        """
