"""All sources together: which names lead where, who is blind, whose agents are told of."""

from collections.abc import Mapping

from callmon.clock import Micros
from callmon.directory import Directory
from callmon.queues import SubjectState
from callmon.reports import count_agents, line_up
from callmon.routes import SourceState
from callmon.rules import SubjectKind
from callmon.subjects import Subjects

__all__ = ["follow_names", "look_around", "oldest_open", "tellers_of", "unroute"]

Sources = Mapping[str, SourceState]


def oldest_open(sources: Sources) -> Micros | None:
    """Return when the oldest visit that is still open began; None when none is."""
    starts = [
        start
        for state in sources.values()
        for route in state.queues.values()
        for start in route.book.open_starts()
    ]
    return min(starts, default=None)


def look_around(sources: Sources, subjects: Subjects, now: Micros) -> bool:
    """Find out which *subjects* are blind: those with a source none of whose feeds is up.

    Those are its sources that have told of it, or are configured to. Tells whether any of
    them has come to know its agents, or knows them no more.
    """
    blind = {name for name, state in sources.items() if state.blind}
    knowing = {name for name, state in sources.items() if state.knows_agents}
    telling = _sources_of(sources)
    routes = [route for state in sources.values() for route in state.queues.values()]
    states = subjects.states.values()
    line_up(states, [(route.book.states, route.reports) for route in routes])
    turned = False
    for subject in states:
        named = subject.subject
        of = telling.get(subject, set())
        all_of = of | subjects.directory.told_by(named.kind, named.name)
        # A queue that nobody has spoken of yet, or is to, may belong to any source.
        unseen = bool(blind & all_of) if all_of else bool(blind) and blind == set(sources)
        known = bool(of) and of <= knowing
        if unseen != subject.blind:
            subject.blind = unseen
            subject.changed()
        former = subject.agents.known
        subject.agents.set_known(known, now)
        count_agents(subject, now)
        turned = turned or former is not subject.agents.known
    return turned


def _sources_of(sources: Sources) -> dict[SubjectState, set[str]]:
    telling: dict[SubjectState, set[str]] = {}
    for name, state in sources.items():
        for route in state.queues.values():
            for subject in route.book.states:
                telling.setdefault(subject, set()).add(name)
    return telling


def follow_names(
    sources: Sources, subjects: Subjects, directory: Directory, now: Micros
) -> dict[str, str]:
    """Rename queues that a source's names now lead to as a whole; return new by old.

    So that giving a queue a name loses neither who waits there nor what has been.
    """
    renamed: dict[str, str] = {}
    for state in sources.values():
        source = state.source.name
        for name, route in list(state.queues.items()):
            spelled = [text for text, way in state.routes.items() if way is route]
            names = {directory.queue_named(source, text) for text in spelled}
            others = (other for other in sources.values() if other is not state)
            if (
                len(names) != 1
                or name in names
                or any(name in other.queues for other in others)
            ):
                continue
            (new,) = names
            if subjects.rename_queue(name, new, directory, now):
                state.queues[new] = state.queues.pop(name)
                renamed[name] = new
    return renamed


def unroute(sources: Sources, directory: Directory, now: Micros) -> None:
    """Close the books of queues to which a source's names no longer lead.

    Who waits there is lost to the former queue, and is carried in to the new one when
    the source next speaks of him.
    """
    for state in sources.values():
        name_of = state.source.name
        moved = {
            id(route)
            for spelled, route in state.routes.items()
            if state.queues.get(directory.queue_named(name_of, spelled)) is not route
        }
        for name, route in list(state.queues.items()):
            if id(route) in moved:
                route.book.close(now)
                del state.queues[name]
        state.routes = {
            spelled: route for spelled, route in state.routes.items() if id(route) not in moved
        }


def tellers_of(sources: Sources, kind: SubjectKind, name: str) -> set[str]:
    """Return the sources that tell of a queue; of a group all may."""
    if kind is not SubjectKind.QUEUE:
        return set(sources)
    return {source for source, state in sources.items() if name in state.queues}
