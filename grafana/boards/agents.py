"""Agents: what they do, by queue and by reason."""

from typing import Any

from grafana_foundation_sdk.models import dashboard

from grafana import queries
from grafana.boards.queue import AGENT_STATES, agents_over_time
from grafana.frame import board, queue_link, subject_variables
from grafana.panels import (
    Query,
    by_name,
    instant,
    lines,
    merged,
    rows,
    special,
    tiles,
)
from grafana.words import Words

__all__ = ["agents"]

STATES = {**AGENT_STATES, "away": ("Away", "text")}


def agents(say: Words) -> dashboard.Dashboard:
    """Return the dashboard in the language of *say*."""
    return board(
        say,
        "agents",
        say("callmon agents"),
        say(
            "What the agents do, by queue. One in several queues counts in each:"
            " groups count everybody once."
        ),
        [
            *_now(say),
            _by_queue(say),
            _over_time(say),
            _paused(say),
            _occupancy(say),
            _each(say),
        ],
        variables=subject_variables(say),
    )


def _now(say: Words) -> list[dashboard.Panel]:
    count: dict[str, Any] = {
        "size": (4, 4),
        "unit": "short",
        "decimals": 0,
        "no_value": say("no data"),
    }
    text = say("Of the chosen queues together; an agent counts in each queue he serves.")
    staffed = f"sum({queries.figure('agents_staffed')})"
    return [
        tiles(
            f"{say('Agents staffed')} · {say('sum')}",
            text,
            [instant("A", staffed, "")],
            named=False,
            solid=False,
            **count,
        ),
        *(
            tiles(
                f"{say(title)} · {say('sum')}",
                text,
                [instant("A", f"sum({queries.figure('agents', matcher)})", "")],
                named=False,
                solid=False,
                **count,
            )
            for title, matcher in (
                (title, f'state="{state}"') for state, (title, _) in AGENT_STATES.items()
            )
        ),
    ]


def _by_queue(say: Words) -> dashboard.Panel:
    figures = {
        "staffed": (say("Agents staffed"), queries.figure("agents_staffed"), "none"),
        **{
            state: (say(text), queries.figure("agents", f'state="{state}"'), "none")
            for state, (text, _) in AGENT_STATES.items()
        },
        "occupancy": (
            say("Occupancy"),
            queries.share_of_time("occupancy_ratio"),
            "percentunit",
        ),
    }
    return rows(
        say("Agents by queue"),
        say("No data: no feed tells of the agents of this queue."),
        [
            merged("known", queries.known()),
            *(merged(ref, expr) for ref, (_, expr, _) in figures.items()),
        ],
        size=(24, 11),
        unit="none",
        mappings=[special("null+nan", say("no data"))],
        no_value=say("no data"),
        overrides=[
            by_name("name", {"displayName": say("Queue or group"), "links": [queue_link(say)]}),
            *(
                by_name(f"Value #{ref}", {"displayName": title, "unit": unit})
                for ref, (title, _, unit) in figures.items()
            ),
        ],
        transformations=[
            ("filterFieldsByName", {"include": {"pattern": "^(name|Value #.+)$"}}),
            ("merge", {}),
            ("sortBy", {"fields": {}, "sort": [{"field": "name", "desc": False}]}),
            (
                "organize",
                {
                    "excludeByName": {"Value #known": True},
                    "indexByName": {},
                    "renameByName": {},
                },
            ),
        ],
    )


def _over_time(say: Words) -> dashboard.Panel:
    about = "Of the chosen queues together; an agent counts in each queue he serves."
    return agents_over_time(say, say(about))


def _paused(say: Words) -> dashboard.Panel:
    return lines(
        say("Paused, by reason"),
        say("The reasons the agents gave."),
        [Query(expr=queries.summed("agents_paused", "reason"), legend="{{reason}}")],
        size=(12, 8),
        unit="short",
        stacked=True,
        bounds=(0, None),
        no_value=say("nobody is paused"),
    )


def _occupancy(say: Words) -> dashboard.Panel:
    return lines(
        say("Occupancy"),
        say(
            "Busy time of the agents / the time they were there and not paused, in the window."
        ),
        [
            Query(
                expr=queries.figure("occupancy_ratio", windowed=True),
                legend="{{name}}",
            )
        ],
        size=(24, 8),
        unit="percentunit",
        bounds=(0, 1),
        no_value=say("no data"),
    )


def _each(say: Words) -> dashboard.Panel:
    state = (
        f"max by (source, agent, name, state) ({queries.selector('callmon_agent_state')} == 1)"
    )
    return rows(
        say("Each agent"),
        say("Only where series of agents are switched on: agents: { series: true }."),
        [merged("A", state)],
        size=(24, 9),
        unit="none",
        no_value=say("Series of agents are switched off"),
        overrides=[
            by_name("name", {"displayName": say("Agent")}),
            by_name("agent", {"displayName": say("Telephone")}),
            by_name("source", {"displayName": say("Source")}),
            by_name("state", {"displayName": say("Does"), "mappings": [_states(say)]}),
        ],
        transformations=[
            (
                "filterFieldsByName",
                {"include": {"names": ["name", "agent", "source", "state"]}},
            ),
            ("sortBy", {"fields": {}, "sort": [{"field": "state", "desc": False}]}),
            (
                "organize",
                {
                    "excludeByName": {},
                    "indexByName": {"name": 0, "state": 1, "agent": 2, "source": 3},
                    "renameByName": {},
                },
            ),
        ],
    )


def _states(say: Words) -> dict[str, object]:
    return {
        "type": "value",
        "options": {
            state: {"text": say(text), "index": index}
            for index, (state, (text, _)) in enumerate(STATES.items())
        },
    }
