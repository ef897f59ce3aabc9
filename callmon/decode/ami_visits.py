"""What is known of callers in Asterisk's queues: who waits, and who has just left.

A visit is one channel in one queue, from its join to the reason why it left. A channel can
wait in one queue at a time, so the channel's id (Uniqueid) finds its visit; those that are
over are kept for a while, because what is said of them may come late.
"""

import functools
from collections import deque
from collections.abc import Iterator

import msgspec

from callmon.clock import SECOND, Micros
from callmon.decode.ami import Message
from callmon.events import Outcome

__all__ = ["MAX_VISITS", "REMEMBERED", "Place", "Sequence", "Visit", "Visits", "place_of"]

MAX_VISITS = 200_000
"""Visits kept, open and over: above any PBX, and a peer must not fill the memory."""

REMEMBERED: Micros = 600 * SECOND
"""How long a visit that is over is kept; what is said later is said of an unknown one."""

PLACES = 1_000
"""Places shared by those who wait there: the queues of a dialplan, and where they lead."""

Place = tuple[str, str, str]
"""Where a channel stands in the dialplan: context, extension, priority."""


def place_of(message: Message) -> Place | None:
    """Return where the channel of *message* stands, None where it does not say."""
    context, extension, priority = map(message.get, ("Context", "Exten", "Priority"))
    if context is None or extension is None or priority is None:
        return None
    return _place(context, extension, priority)


@functools.lru_cache(maxsize=PLACES)
def _place(context: str, extension: str, priority: str) -> Place:
    """Return one object for all who stand there: it is kept with each of them."""
    return context, extension, priority


class Sequence:
    """Gives events their place in the stream: growing, and across restarts of ours."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def next(self, received: Micros) -> int:
        """Return the place of the next event."""
        self._last = max(self._last + 1, received)
        return self._last


class Visit(msgspec.Struct, gc=False, eq=False):
    """One visit: what was seen of it. Times are the PBX's, but for *deadline*."""

    contact: str
    queue: str
    start: Micros | None  #: when it joined; None: it was never said
    joined: bool  #: its join was seen, so *start* is exact
    place: Place | None = None  #: where it stood in the dialplan while it waited
    abandons: int = 0
    hold: Micros | None = None  #: how long it waited, says Asterisk, in whole seconds
    moved: bool = False  #: it left for another place in the dialplan
    called: bool = False  #: an agent's telephone was said to ring for it
    picked_up: bool = False  #: an agent has picked up and may be given the caller
    hung_up: Micros | None = None  #: the caller has hung up
    stopped: bool = False  #: Asterisk hung it up, to stop
    gone: Micros | None = None  #: its channel is no more
    left: Micros | None = None  #: it waits no more
    outcome: Outcome | None = None  #: why, as it was told
    assumed: bool = False  #: what was told is no more than what remains when nothing is said
    end: Micros | None = None  #: the ``at`` and
    wait: Micros | None = None  #: the ``wait`` that were told
    deadline: Micros | None = None  #: when, by our clock, nothing more need be waited for
    departed: bool = False  #: its Leave was seen
    blind: bool = False  #: the session ended before the reason came
    missing: int = 0  #: how many snapshots in a row were without it
    vague: Micros = 0  #: by so much *start* may be off: a snapshot lay unread

    @property
    def waiting(self) -> bool:
        """Whether it waits."""
        return self.left is None and self.outcome is None

    @property
    def undecided(self) -> bool:
        """Whether it waits no more and the reason is not known."""
        return self.left is not None and self.outcome is None

    def waited(self, until: Micros) -> Micros | None:
        """Return how long it has waited at *until*; None when nobody knows."""
        return self.hold if self.start is None else max(0, until - self.start)


class Visits:
    """All visits of a source, by channel; and who waits, by queue."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}
        self._waiting: dict[str, dict[str, Visit]] = {}
        self._over: deque[tuple[Micros, Visit]] = deque()
        self._timed: dict[str, tuple[Micros, Visit]] = {}
        self._earliest: Micros | None = None

    def get(self, contact: str) -> Visit | None:
        """Return the latest visit of a channel."""
        return self._visits.get(contact)

    def waiting(self, queue: str) -> dict[str, Visit]:
        """Return who waits in *queue*, by channel."""
        return self._waiting.get(queue.casefold(), {})

    def all_waiting(self) -> Iterator[Visit]:
        """Yield everybody who waits."""
        for visits in list(self._waiting.values()):
            yield from list(visits.values())

    def undecided(self) -> list[Visit]:
        """Return those who left for a reason that is not known yet."""
        return [visit for visit in self._visits.values() if visit.undecided]

    def ended_since(self, at: Micros) -> Iterator[Visit]:
        """Yield those whose visit ended at *at* or later, latest first."""
        for _, visit in reversed(self._over):
            if visit.end is not None and visit.end >= at:
                yield visit

    def add(self, visit: Visit, now: Micros) -> bool:
        """Keep a visit that waits; False when there are too many."""
        self._forget(now)
        if len(self._visits) >= MAX_VISITS and visit.contact not in self._visits:
            return False
        self._timed.pop(visit.contact, None)
        self._visits[visit.contact] = visit
        self._waiting.setdefault(visit.queue.casefold(), {})[visit.contact] = visit
        return True

    def reopen(self, visit: Visit) -> None:
        """Let a visit wait again that was thought to be over."""
        visit.outcome = visit.end = visit.wait = visit.left = visit.gone = None
        visit.assumed = visit.blind = False
        visit.missing = 0
        self._waiting.setdefault(visit.queue.casefold(), {})[visit.contact] = visit

    def leave(self, visit: Visit) -> None:
        """Note that *visit* waits no more."""
        key = visit.queue.casefold()
        waiting = self._waiting.get(key)
        if waiting is not None and waiting.get(visit.contact) is visit:
            del waiting[visit.contact]
            if not waiting:
                del self._waiting[key]

    def finish(self, visit: Visit, now: Micros) -> None:
        """Note that *visit* is over: its reason has been told."""
        self.leave(visit)
        self.wait_until(visit, None)
        self._over.append((now, visit))

    def rename(self, visit: Visit, heir: str) -> None:
        """Let *visit*, which waits, go on under the id *heir*."""
        self.leave(visit)
        self.wait_until(visit, None)
        self._drop(visit)
        visit.contact = heir
        visit.gone = visit.place = None
        visit.missing = 0
        self._timed.pop(heir, None)
        self._visits[heir] = visit
        self._waiting.setdefault(visit.queue.casefold(), {})[heir] = visit

    def clear(self) -> None:
        """Forget everybody."""
        self.__init__()  # type: ignore[misc]  # to forget is to be as new

    def wait_until(self, visit: Visit, deadline: Micros | None) -> None:
        """Set when nothing more need be waited for; None: no such time."""
        visit.deadline = deadline
        if deadline is not None:
            self._timed[visit.contact] = deadline, visit
            if self._earliest is None or deadline < self._earliest:
                self._earliest = deadline
        elif visit.contact in self._timed and self._timed[visit.contact][1] is visit:
            del self._timed[visit.contact]

    @property
    def due(self) -> Micros | None:
        """When to ask who is overdue, at the latest."""
        return self._earliest if self._timed else None

    def overdue(self, now: Micros) -> list[Visit]:
        """Return those whose deadline has passed, earliest first; each must be decided on."""
        if self._earliest is None or now < self._earliest:
            return []
        timed = self._timed.values()
        late = sorted((pair for pair in timed if pair[0] <= now), key=lambda pair: pair[0])
        self._earliest = min((at for at, _ in timed if at > now), default=None)
        return [visit for _, visit in late]

    def _forget(self, now: Micros) -> None:
        """Drop visits that are over for long, or too many."""
        over = self._over
        while over and (over[0][0] < now - REMEMBERED or len(over) > MAX_VISITS // 2):
            _, visit = over.popleft()
            if visit.outcome is not None:  # else it was not over after all
                self._drop(visit)

    def _drop(self, visit: Visit) -> None:
        if self._visits.get(visit.contact) is visit:
            del self._visits[visit.contact]
