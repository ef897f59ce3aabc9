"""All sources together: which names lead where, who is blind, whose agents are told of."""

from collections.abc import Callable, Collection, Mapping

from callmon.clock import Micros
from callmon.directory import Directory
from callmon.queues import SubjectState
from callmon.reports import count_agents, line_up
from callmon.routes import Route, SourceState
from callmon.rules import SubjectKind
from callmon.subjects import Subjects

__all__ = [
    "follow_names",
    "look_around",
    "oldest_open",
    "tellers_of",
    "unroute",
]

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


def look_around(
    sources: Sources,
    subjects: Subjects,
    now: Micros,
    rewatch: Callable[[Route], None],
    new: Route | None = None,
) -> None:
    """Find out which *subjects* are blind: those with a source none of whose feeds is up.

    Those are its sources that have told of it, or are configured to. *rewatch* is called with
    the way of each queue of which, or of a group of which, agents became known, or unknown.
    With a *new* queue of a source that has others, only that and its groups are looked at:
    for the rest nothing has changed, and thousands may come one after another.
    """
    if new is None:
        of = _all_telling(sources, subjects)
    else:
        of = {subject: _telling(subject, sources) for subject in new.book.states}
    for route in _routes_to(_judge(of, sources, subjects, now), sources):
        rewatch(route)


def _all_telling(sources: Sources, subjects: Subjects) -> dict[SubjectState, set[str]]:
    """Return the sources that have told of each subject; line up their accounts."""
    routes = [route for state in sources.values() for route in state.queues.values()]
    states = subjects.states.values()
    line_up(states, [(route.book.states, route.reports) for route in routes])
    telling: dict[SubjectState, set[str]] = {subject: set() for subject in states}
    for name, state in sources.items():
        for route in state.queues.values():
            for subject in route.book.states:
                telling.setdefault(subject, set()).add(name)
    return {subject: telling[subject] for subject in states}


def _telling(subject: SubjectState, sources: Sources) -> set[str]:
    """Return the sources that have told of *subject*."""
    kind, name = subject.subject.kind, subject.subject.name
    if kind is SubjectKind.QUEUE:
        return tellers_of(sources, kind, name)
    return {
        source
        for source, state in sources.items()
        if any(subject in route.book.states for route in state.queues.values())
    }


def _judge(
    of: Mapping[SubjectState, set[str]], sources: Sources, subjects: Subjects, now: Micros
) -> set[SubjectState]:
    """Judge subjects by the sources *of* each that have told of it.

    Returns those that have come to know their agents, or know them no more.
    """
    blind = {name for name, state in sources.items() if state.blind}
    knowing = {name for name, state in sources.items() if state.knows_agents}
    turned = set()
    for subject, told_by in of.items():
        named = subject.subject
        all_of = told_by | subjects.directory.told_by(named.kind, named.name)
        # A queue that nobody has spoken of yet, or is to, may belong to any source.
        unseen = bool(blind & all_of) if all_of else bool(blind) and blind == set(sources)
        if unseen != subject.blind:
            subject.blind = unseen
            subject.changed()
        former = subject.agents.known
        subject.agents.set_known(bool(told_by) and told_by <= knowing, now)
        count_agents(subject, now)
        if former is not subject.agents.known:
            turned.add(subject)
    return turned


def _routes_to(subjects: Collection[SubjectState], sources: Sources) -> list[Route]:
    """Return the ways of all queues that are among *subjects*, or in a group among them."""
    if any(subject.subject.kind is not SubjectKind.QUEUE for subject in subjects):
        routes = [route for state in sources.values() for route in state.queues.values()]
        return [r for r in routes if not set(r.book.states).isdisjoint(subjects)]
    names = [subject.subject.name for subject in subjects]
    queues = [state.queues for state in sources.values()]
    return [known[name] for known in queues for name in names if name in known]


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
