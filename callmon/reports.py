"""Queues known only as a whole: what is reported of one, and how far it is known.

A ``ReportBook`` per (source, queue) merges reports that each say a part. What is said
stands until it is stale or the source takes it back; what the day's counters say is counted
as contacts (``callmon.report_counts``). Where contacts are told of one by one, they come
before all that is said of them as a whole.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from callmon.agents import MAX_AGENTS, AgentState
from callmon.clock import Micros
from callmon.errors import DropReason
from callmon.events import QueueReported
from callmon.facts import LIVE, Account, Fact
from callmon.queues import SubjectState
from callmon.report_counts import DayBook, DayBookPart
from callmon.watches import NEVER
from callmon.windows import Window

__all__ = [
    "ReportBook",
    "ReportsPart",
    "count_agents",
    "hears_contacts",
    "line_up",
    "open_account",
]


_MAX_VALUE: Final = 1 << 53
"""What is larger, JSON does not carry exactly."""

_UNTELLABLE: Final = int(Fact.EACH_WAIT | Fact.OTHERS)


_NAMES: Final = (
    (Fact.WAITING, "waiting"),
    (Fact.LONGEST, "longest_wait"),
    (Fact.TALKING, "talking"),
)
"""What ``QueueReported.forgotten`` calls them."""

_FORGOTTEN: Final[Micros] = 0
"""Until when that holds of which the source has said that it cannot say it any more."""


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that was said, when, and until when it holds."""

    value: int
    at: Micros
    until: Micros


class ReportsPart(msgspec.Struct, gc=False):
    """A ``ReportBook`` in a checkpoint."""

    at: Micros
    empty_at: Micros
    live: dict[int, Told]
    agents: tuple[tuple[int, ...], Micros, Micros] | None
    day: DayBookPart


class ReportBook:
    """What one source has reported of one queue; a timer, due when something is stale.

    *aged* is called when something has become so.
    """

    def __init__(self, queue: SubjectState, aged: Callable[[], None]) -> None:
        self.queue = queue
        self.due: Micros = NEVER
        self.scheduled: Micros = NEVER
        self._aged = aged
        self._at: Micros = 0  #: the latest report
        self._empty_at: Micros = -1  #: when nobody waited: who waits now came later
        self._live: dict[int, Told] = {}  #: by fact; the longest wait by when it began
        self._agents: tuple[tuple[int, ...], Micros, Micros] | None = None
        self._day = DayBook()

    # ---- what is told -------------------------------------------------------------

    def take(
        self, event: QueueReported, states: Sequence[SubjectState], now: Micros
    ) -> DropReason | None:
        """Take a report into *states* (the queue, then its groups); None if it was of use."""
        latest, self._at = self._at, max(self._at, event.at)
        news = [self._take_agents(event)]
        limited = False
        if not hears_contacts(self.queue):
            news.append(self._take_live(event))
            if event.day is not None:
                taken, limited = self._day.take(event, event.day, states)
                news.append(taken)
        self._wind(now)
        if limited:
            return DropReason.CONTACT_LIMIT
        if any(news):
            return None
        return DropReason.LATE if event.at < latest else DropReason.DUPLICATE

    def _take_live(self, event: QueueReported) -> bool:
        longest = event.longest_wait
        news = [self._forget(fact, event) for fact, name in _NAMES if name in event.forgotten]
        news += [
            self._say(Fact.WAITING, event.waiting, event),
            self._say(Fact.TALKING, event.talking, event),
        ]
        if event.waiting == 0:
            self._empty_at = max(self._empty_at, event.at)
            longest = None
        elif longest == 0 and not self._number(Fact.WAITING, event.at):
            # Who waits for 0 s is nobody, where nobody is known to: that must not grow.
            self._forget(Fact.LONGEST, event)
            longest = None
            news.append(True)
        if longest is not None and 0 <= longest < _MAX_VALUE:
            news.append(self._say(Fact.LONGEST, event.at - longest, event))
        return any(news)

    def _say(self, fact: Fact, value: int | None, event: QueueReported) -> bool:
        known = self._live.get(fact)
        if value is None or abs(value) > _MAX_VALUE or not _is_later(known, value, event):
            return False
        if value < 0 and fact is not Fact.LONGEST:
            return False
        self._live[fact] = Told(value, event.at, event.at + event.stale_after)
        return True

    def _forget(self, fact: Fact, event: QueueReported) -> bool:
        """Let go of a figure; what was said before that is told late, and no news."""
        known = self._live.get(fact)
        if known is not None and not _may_forget(known.at, known.until, event):
            return False
        self._live[fact] = Told(0, event.at, _FORGOTTEN)
        return True

    def _take_agents(self, event: QueueReported) -> bool:
        known = self._agents
        if "agents" in event.forgotten:
            if known is not None and not _may_forget(known[1], known[2], event):
                return False
            self._agents = known[0] if known else (), event.at, _FORGOTTEN
            return True
        counts = event.agents
        if (
            counts is None
            or len(counts) != len(AgentState)
            or min(counts) < 0
            or sum(counts) > MAX_AGENTS
            or (known is not None and event.at < known[1])
            or (known is not None and (tuple(counts), event.at) == known[:2] and known[2])
        ):
            return False
        self._agents = tuple(counts), event.at, event.at + event.stale_after
        return True

    # ---- what is known: ``Account`` --------------------------------------------------

    def waiting(self, now: Micros) -> int:
        """Return how many wait; 0 also where that is not known."""
        return self._number(Fact.WAITING, now)

    def talking(self, now: Micros) -> int:
        """Return how many talk; 0 also where that is not known."""
        return self._number(Fact.TALKING, now)

    def oldest(self, now: Micros) -> Micros | None:
        """Return since when the first of them waits; None: nobody does, or not known."""
        told = self._longest(now)
        known = told is not None and not self._is_empty(now) and not hears_contacts(self.queue)
        return told.value if told is not None and known else None

    def knows(self, facts: Fact, window: Window | None, now: Micros) -> bool:
        """Tell whether all of *facts* are known at *now*, of all of *window*."""
        past = int(facts & ~LIVE)
        if hears_contacts(self.queue):
            if window is None or self._day.tells(past):
                return True
            return window.horizon(now) >= self._day.sampled
        if facts & LIVE and not self._knows_now(facts, now):
            return False
        if past & _UNTELLABLE:
            return False
        return self._day.covers(past, window, now)

    def next_known(self, window: Window, now: Micros) -> Micros | None:
        """Return when time alone may next make known what has happened in *window*."""
        if window.day is not None:
            return window.day.end(now)
        if window.length is None:
            return None
        begins = (*self._day.begins(), self._day.sampled)
        passed = (at + window.length for at in begins)
        return min((at for at in passed if at > now), default=None)

    def agents(self, now: Micros) -> tuple[int, ...] | None:
        """Return how many agents are in each state; None where that is not known now."""
        if self._agents is None or now >= self._agents[2]:
            return None
        return self._agents[0]

    @property
    def tells_agents(self) -> bool:
        """Whether it has ever counted agents, and nobody tells of each."""
        counted = self._agents is not None and bool(self._agents[0])
        return counted and not self.queue.agents.by_name

    def _number(self, fact: Fact, now: Micros) -> int:
        told = self._live.get(fact)
        if told is None or now >= told.until or hears_contacts(self.queue):
            return 0
        return told.value

    def _longest(self, now: Micros) -> Told | None:
        told = self._live.get(Fact.LONGEST)
        return told if told and told.at > self._empty_at and now < told.until else None

    def _is_empty(self, now: Micros) -> bool:
        """Tell whether it is known that nobody waits."""
        told = self._live.get(Fact.WAITING)
        if told is None or told.value or now >= told.until:
            return False
        longest = self._longest(now)
        return longest is None or longest.at <= told.at

    def _knows_now(self, facts: Fact, now: Micros) -> bool:
        for fact in (Fact.WAITING, Fact.TALKING):
            told = self._live.get(fact)
            if facts & fact and (told is None or now >= told.until):
                return False
        if facts & Fact.OVER and not self._is_empty(now):
            return False
        known = self._is_empty(now) or self._longest(now) is not None
        return known or not facts & Fact.LONGEST

    # ---- time -----------------------------------------------------------------------

    def evaluate(self, now: Micros) -> tuple[()]:
        """Let go of what is stale at *now*, and set ``due``."""
        if now >= self.due:  # else a report has come since it was scheduled
            self._wind(now)
            self._aged()
        return ()

    def _wind(self, now: Micros) -> None:
        """Set ``due`` to when something next becomes stale."""
        ends = [told.until for told in self._live.values()]
        ends += self._day.ends()
        if self._agents is not None:
            ends.append(self._agents[2])
        self.due = min((end for end in ends if end > now), default=NEVER)

    # ---- checkpoint -------------------------------------------------------------------

    def part(self) -> ReportsPart:
        """Return all that was told, for a checkpoint."""
        return ReportsPart(
            self._at,
            self._empty_at,
            self._live,
            self._agents,
            self._day.part(),
        )

    def restore(self, part: ReportsPart, now: Micros) -> None:
        """Know what *part* says, and nothing else."""
        self._at, self._empty_at = part.at, part.empty_at
        self._live, self._agents = part.live, part.agents
        self._day.restore(part.day)
        self._wind(now)


def _is_later(known: Told | None, value: int, event: QueueReported) -> bool:
    """Tell whether *value* is news; of two in one instant (of whole seconds) the latter is."""
    if known is None or event.at > known.at:
        return True
    return event.at == known.at and (value != known.value or known.until == _FORGOTTEN)


def _may_forget(at: Micros, until: Micros, event: QueueReported) -> bool:
    """Tell whether what was told then is not later than *event*, nor forgotten by it."""
    return event.at > at or (event.at == at and until != _FORGOTTEN)


def hears_contacts(queue: SubjectState) -> bool:
    """Tell whether any contact of *queue* was ever told of by itself."""
    return bool(
        queue.arrived != queue.reported or queue.talking or queue.rings or queue.refused
    )


def open_account(book: ReportBook | None, states: Sequence[SubjectState]) -> None:
    """Let *states* (a queue, then its groups) know of a queue that a source has, and how."""
    queue, *groups = states
    name = frozenset([queue.subject.name])
    if book is not None:
        for state in states:
            state.accounts = (*state.accounts, book)
            state.unaccounted -= name
    elif not queue.accounts:
        for group in groups:
            group.unaccounted |= name


def line_up(
    subjects: Iterable[SubjectState],
    told: Iterable[tuple[Sequence[SubjectState], ReportBook | None]],
) -> None:
    """Give every subject its accounts; *told* are the states of each queue and its book."""
    told = list(told)
    reported = {states[0] for states, book in told if book is not None}
    accounts: dict[SubjectState, list[Account]] = {}
    others: dict[SubjectState, set[str]] = {}
    for states, book in told:
        if book is not None:
            book.queue = states[0]
        for state in states:
            if book is not None:
                accounts.setdefault(state, []).append(book)
            elif states[0] not in reported:
                others.setdefault(state, set()).add(states[0].subject.name)
    for subject in subjects:
        subject.accounts = tuple(accounts.get(subject, ()))
        subject.unaccounted = frozenset(others.get(subject, ()))


def count_agents(state: SubjectState, now: Micros) -> bool:
    """Let a subject's agents be those of its accounts; tell whether they became known, or not.

    Nobody may be counted twice: of several queues one alone may have agents.
    """
    agents = state.agents
    known = agents.known
    telling = [account for account in state.accounts if account.tells_agents]
    counted = None
    if telling and len(telling) == len(state.accounts) and not state.unaccounted:
        counts = [account.agents(now) for account in telling]
        staffed = [count for count in counts if count is None or any(count[:-1])]
        if len(staffed) <= 1:
            counted = staffed[0] if staffed else counts[0]
    agents.count_only(counted, now, doubtful=bool(telling) and counted is None)
    return known is not agents.known
