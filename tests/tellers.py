"""Two feeds of one source, told to an engine: what tests of visits share."""

import dataclasses

from callmon.clock import SECOND, Micros
from callmon.engine import Engine, EngineSettings
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    Event,
    FeedChanged,
    Outcome,
    TalkEnd,
    TalkEnded,
)
from callmon.queues import SubjectState, WindowSpec
from callmon.rules import SubjectKind
from callmon.visit_states import PATIENCE, SETTLED_AFTER

BASE: Micros = 1_700_000_000 * SECOND
SETTINGS = EngineSettings(
    windows=(WindowSpec(name="all"),), sources=("pbx",), live_sources=frozenset({"pbx"})
)


class Teller:
    """Both feeds, and the engine they tell."""

    def __init__(self, *, live: bool = True) -> None:
        settings = SETTINGS if live else dataclasses.replace(SETTINGS, live_sources=frozenset())
        self.engine = Engine(settings)
        self.seq = 0

    @classmethod
    def of_both(cls) -> "Teller":
        """Return a live feed and a record, both up, and the engine they tell."""
        teller = cls()
        teller.up("ami", up=True, live=True)
        teller.up("log", up=True, live=False)
        return teller

    def tell(self, *events: Event, live: bool) -> None:
        """Tell *events* of one feed."""
        self.engine.apply_all(events, live=live)

    @property
    def state(self) -> SubjectState:
        """The queue."""
        return self.engine.subjects[SubjectKind.QUEUE, "q"]

    def up(self, feed: str, *, up: bool, live: bool) -> None:
        """A feed sees, or is blind."""
        self.engine.apply(FeedChanged(self.engine.now, "pbx", 0, feed, up, live))

    def outcomes(self) -> dict[Outcome, int]:
        """Return the counters that are not 0."""
        totals = {outcome: self.state.outcome_total(outcome) for outcome in Outcome}
        return {outcome: total for outcome, total in totals.items() if total}

    def windowed(self) -> dict[Outcome, int]:
        """Return what the window over everything shows."""
        window = self.state.windows["all"]
        window.sync(self.engine.now)
        return {outcome: n for outcome, n in zip(Outcome, window.ended, strict=True) if n}


def joined(contact: str, at: Micros, seq: int = 0) -> ContactJoined:
    """Return a join."""
    return ContactJoined(at, "pbx", seq, "q", contact)


def left(
    contact: str,
    at: Micros,
    outcome: Outcome | None,
    wait: Micros | None = None,
    *,
    seq: int = 0,
    certain: bool = True,
) -> ContactLeft:
    """Return an end without an agent."""
    return ContactLeft(at, "pbx", seq, "q", contact, outcome, wait, certain)


def answered(contact: str, at: Micros, wait: Micros | None = None, seq: int = 0) -> Event:
    """Return an answer."""
    return ContactAnswered(at, "pbx", seq, "q", contact, wait, "agent")


def talked(contact: str, at: Micros, talk: Micros | None = None, seq: int = 0) -> Event:
    """Return the end of a talk."""
    return TalkEnded(at, "pbx", seq, "q", contact, talk, TalkEnd.CALLER, "agent")


def finish(teller: Teller) -> None:
    """Let time pass until everything is settled."""
    teller.engine.advance(teller.engine.now + PATIENCE + SETTLED_AFTER + SECOND)
