"""What living through a history comes to."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from callmon.alerts import Alert, Transition
from callmon.clock import Micros
from callmon.engine import Engine
from callmon.replay import Played
from callmon.rules import Subject

__all__ = ["Lived", "lived"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What thresholds brought about, and of whom there was anything to tell."""

    transitions: Sequence[Transition]  #: in order of time
    standing: Sequence[Alert]  #: at the end, as they are then
    subjects: tuple[Subject, ...]  #: queues first, each kind in order of name
    first: Micros | None  #: the first event's instant; None: there is none
    last: Micros | None
    events: int  #: of the time that was asked for
    lead: int = 0  #: those before it, heard to know how things stood as it began
    agents_told: bool = False  #: something was told of agents
    agents_unknown: bool = False  #: some who are measured were not known as it began
    dropped: Mapping[str, int]  #: what was not used, by reason
    moments: Sequence[Micros] = ()  #: of all *events*, where some may be of before


def lived(played: Played, *, lead: int = 0, agents_unknown: bool = False) -> Lived:
    """Return what *played* has come to; its engine has nothing to tell any more."""
    engine = played.engine
    return Lived(
        transitions=engine.drain(),
        standing=list(_standing(engine)),
        subjects=tuple(state.subject for state in engine.states() if not state.untouched),
        first=played.first,
        last=played.last,
        events=played.events,
        lead=lead,
        agents_told=any(not state.agents.untouched for state in engine.states()),
        agents_unknown=agents_unknown,
        dropped=dict(played.dropped),
    )


def _standing(engine: Engine) -> Iterator[Alert]:
    """Yield the alerts that stand, as they are at the end: what only grows has grown on."""
    for watch in engine.watches():
        if watch.state.fired_at is None:
            continue
        reading = watch.read(engine.now)
        for alert in watch.state.alerts():
            yield alert if reading is None else alert.as_it_is(Fraction(*reading[:2]))
