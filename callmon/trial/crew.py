"""Who was at work when a part of the past began: what was told of agents before it.

A caller is known by what happened in a day; an agent may have done nothing for a week and
still sit there. So where thresholds measure agents, all that is left of before is looked
through for them. Whether that is all of them is known where the journal goes back to its
first event, or to a feed that came up: it tells of everybody then.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from callmon.events import AgentChanged, AgentRemoved, Event, FeedChanged, SourceRestarted

__all__ = ["Crew", "crew_of"]


@dataclasses.dataclass(frozen=True, slots=True)
class Crew:
    """The agents at an instant."""

    told: Sequence[AgentChanged]  #: of each in each queue the last, in order of telling
    listed: frozenset[str]  #: feeds that have told of all of theirs, and have not gone since


def crew_of(events: Iterable[Event]) -> Crew:
    """Return what *events*, oldest first, come to."""
    told: dict[tuple[str, str, str], AgentChanged] = {}
    listed: set[str] = set()
    for event in events:
        if isinstance(event, AgentChanged):
            key = event.source, event.queue, event.agent
            told.pop(key, None)
            told[key] = event
        elif isinstance(event, AgentRemoved):
            told.pop((event.source, event.queue, event.agent), None)
        elif isinstance(event, SourceRestarted):
            told = {key: one for key, one in told.items() if key[0] != event.source}
        elif isinstance(event, FeedChanged):
            (listed.add if event.up and event.agents else listed.discard)(event.feed)
    return Crew(list(told.values()), frozenset(listed))
