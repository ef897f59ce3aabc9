"""Stories: visits made from small numbers, so that instants collide, and their events."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from callmon.clock import Micros
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    Event,
    Outcome,
    TalkEnd,
    TalkEnded,
)
from callmon.queues import Formula, Overflow, Targets

__all__ = [
    "BASE",
    "IDS",
    "QUEUES",
    "SOURCE",
    "Visit",
    "answered",
    "joined",
    "left",
    "stories",
    "talk_ended",
    "targets",
    "tell",
]

BASE: Micros = 1_700_000_000_000_000
"""Instant 0 of every story."""

SOURCE = "pbx"
QUEUES = ("sales", "support")
IDS = ("a", "b", "c")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """All about one visit of a contact to a queue, as it truly was."""

    queue: str
    contact: str
    start: Micros
    end: Micros | None = None
    outcome: Outcome | None = None
    wait: Micros | None = None  #: None: nobody can know
    talk_end: Micros | None = None
    talk: Micros | None = None
    told_wait: bool = True  #: whether its end says how long it waited
    carried_in: bool = False  #: its join was not told

    @property
    def seen(self) -> Micros:
        """When it became known."""
        return self.end if self.carried_in and self.end is not None else self.start


# ---- events --------------------------------------------------------------------------


def joined(at: Micros, contact: str, queue: str = "sales", seq: int = 0) -> ContactJoined:
    """Return a join *at* microseconds after ``BASE``."""
    return ContactJoined(BASE + at, SOURCE, seq, queue, contact)


def answered(
    at: Micros, contact: str, wait: Micros | None = None, queue: str = "sales", seq: int = 0
) -> ContactAnswered:
    """Return an answer *at* microseconds after ``BASE``."""
    return ContactAnswered(BASE + at, SOURCE, seq, queue, contact, wait, "agent")


def left(
    at: Micros,
    contact: str,
    outcome: Outcome = Outcome.ABANDONED,
    *,
    wait: Micros | None = None,
    queue: str = "sales",
    seq: int = 0,
) -> ContactLeft:
    """Return an end without an agent *at* microseconds after ``BASE``."""
    return ContactLeft(BASE + at, SOURCE, seq, queue, contact, outcome, wait)


def talk_ended(
    at: Micros, contact: str, talk: Micros | None = None, queue: str = "sales", seq: int = 0
) -> TalkEnded:
    """Return the end of a talk *at* microseconds after ``BASE``."""
    return TalkEnded(BASE + at, SOURCE, seq, queue, contact, talk, TalkEnd.CALLER, "agent")


def tell(visits: Sequence[Visit], order: Sequence[int] = ()) -> list[Event]:
    """Return the events of *visits*, oldest first.

    *order* decides between different contacts at one instant; the events of one contact
    keep theirs.
    """
    told: list[tuple[Micros, int, int, Event]] = []
    ranks = {key: index for index, key in enumerate(sorted({_key(v) for v in visits}))}
    for number, visit in enumerate(visits):
        rank = ranks[_key(visit)]
        rank = order[rank % len(order)] * len(ranks) + rank if order else rank
        told += [(e.at, rank, number, e) for e in _events(visit)]
    told.sort(key=lambda entry: entry[:3])
    return [_numbered(event, seq) for seq, (_, _, _, event) in enumerate(told, 1)]


def _key(visit: Visit) -> tuple[str, str]:
    return visit.queue, visit.contact


def _events(visit: Visit) -> list[Event]:
    start, queue, contact = visit.start - BASE, visit.queue, visit.contact
    events: list[Event] = [] if visit.carried_in else [joined(start, contact, queue)]
    if visit.end is None or visit.outcome is None or visit.outcome is Outcome.LOST:
        return events
    end = visit.end - BASE
    wait = visit.wait if visit.told_wait else None
    if visit.outcome is not Outcome.ANSWERED:
        return [*events, left(end, contact, visit.outcome, wait=wait, queue=queue)]
    events.append(answered(end, contact, wait, queue))
    if visit.talk_end is not None:
        events.append(talk_ended(visit.talk_end - BASE, contact, visit.talk, queue))
    return events


def _numbered(event: Event, seq: int) -> Event:
    values = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event)(**{**values, "seq": seq})


# ---- stories -------------------------------------------------------------------------

_OUTCOMES = [
    Outcome.ANSWERED,
    Outcome.ABANDONED,
    Outcome.TIMEOUT,
    Outcome.KEY_EXIT,
    Outcome.EMPTY,
    Outcome.FAILED,
    Outcome.REDIRECTED,
    Outcome.WITHDRAWN,
    None,  # its end is never told
]


class _Draft(NamedTuple):
    """What is drawn of one visit."""

    queue: str
    contact: str
    gap: int
    wait: int
    outcome: Outcome | None
    talk: int | None
    overlaps: bool
    told_wait: bool


def stories(
    size: int = 10, queues: Sequence[str] = QUEUES, longest: int = 6, least: int = 0
) -> st.SearchStrategy[list[Visit]]:
    """Return visits of a few ids, which come again, even before their talk has ended."""
    lengths = st.integers(0, longest)
    drafts = st.builds(
        _Draft,
        queue=st.sampled_from(queues),
        contact=st.sampled_from([*IDS, "", ""]),
        gap=st.integers(0, 3),
        wait=lengths,
        outcome=st.sampled_from([Outcome.ANSWERED, Outcome.ABANDONED, *_OUTCOMES]),
        talk=st.none() | lengths,
        overlaps=st.booleans(),
        told_wait=st.booleans(),
    )
    return st.lists(drafts, min_size=least, max_size=size).map(_live)


def _live(drafts: Iterable[_Draft]) -> list[Visit]:
    """Let each id live through its drafts; one without an id comes once, unannounced."""
    visits: list[Visit] = []
    free: dict[tuple[str, str], Micros] = {}
    waiting: dict[tuple[str, str], int] = {}
    for number, draft in enumerate(drafts):
        if not draft.contact:
            if draft.outcome is not None:
                visits.append(_visit(draft, BASE + draft.gap * 3, f"once{number}"))
            continue
        key = draft.queue, draft.contact
        start = free.get(key, BASE) + draft.gap
        if key in waiting:
            start += 1  # at the very instant of the former join it would be its duplicate
            former = waiting.pop(key)
            visits[former] = dataclasses.replace(
                visits[former], end=start, outcome=Outcome.LOST, wait=None
            )
        visit = _visit(draft, start, draft.contact)
        if visit.end is None:
            waiting[key] = len(visits)
        visits.append(visit)
        ends = [visit.start, visit.end, None if draft.overlaps else visit.talk_end]
        free[key] = max(at for at in ends if at is not None)
    return visits


def _visit(draft: _Draft, start: Micros, contact: str) -> Visit:
    carried_in = not draft.contact
    if draft.outcome is None:
        return Visit(queue=draft.queue, contact=contact, start=start)
    end = start + draft.wait
    talked = draft.outcome is Outcome.ANSWERED and draft.talk is not None
    return Visit(
        queue=draft.queue,
        contact=contact,
        start=start,
        end=end,
        outcome=draft.outcome,
        wait=draft.wait,
        talk_end=end + (draft.talk or 0) if talked else None,
        talk=draft.talk if talked else None,
        told_wait=draft.told_wait or carried_in,
        carried_in=carried_in,
    )


targets = st.builds(
    Targets,
    within=st.integers(0, 4),
    short_abandon=st.integers(0, 3),
    formula=st.sampled_from(Formula),
    overflow=st.sampled_from(Overflow),
)
"""Promises whose limits collide with the waits of ``stories``."""
