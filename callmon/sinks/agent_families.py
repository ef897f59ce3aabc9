"""What /metrics says of single agents, where that is switched on.

One series per agent: over all queues of his source he does one thing at a time. It is off
by default, because the names are those of people.
"""

from collections.abc import Iterable

from callmon.agents import AGENT_LABELS, AgentView
from callmon.queues import SubjectState
from callmon.rules import SubjectKind
from callmon.sinks.lines import Family, label_text

__all__ = ["AGENTS_LEFT_OUT", "AGENT_STATE", "agent_lines"]

AGENT_STATE = Family(
    "callmon_agent_state", "gauge", "1 for what an agent does now; no series of other states."
)
AGENTS_LEFT_OUT = Family(
    "callmon_agents_left_out",
    "gauge",
    "Agents without a series of their own: beyond the limit.",
)

_STATE = AGENT_STATE.name.encode() + b"{"
_LEFT_OUT = AGENTS_LEFT_OUT.name.encode() + b" %d\n"


def agent_lines(states: Iterable[SubjectState], limit: int) -> tuple[bytes, bytes]:
    """Return the lines of ``AGENT_STATE`` and of ``AGENTS_LEFT_OUT``.

    The first *limit* agents in order of source and agent have a series.
    """
    views: dict[tuple[str, str], AgentView] = {}
    for state in states:
        if state.subject.kind is not SubjectKind.QUEUE or not state.agents.known:
            continue
        for view in state.agents.views():
            key = view.source, view.agent
            known = views.get(key)
            if known is None or view.state < known.state:
                views[key] = view
    shown = sorted(views)[:limit]
    lines = b"".join(_STATE + label_text(_labels(views[key])) + b"} 1\n" for key in shown)
    return lines, _LEFT_OUT % (len(views) - len(shown))


def _labels(view: AgentView) -> list[tuple[str, str]]:
    return [
        ("source", view.source),
        ("agent", view.agent),
        ("name", view.name),
        ("state", AGENT_LABELS[view.state]),
    ]
