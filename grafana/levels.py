"""Tiles whose colours follow the limits in force, whatever these are."""

from grafana_foundation_sdk.models import dashboard

from grafana import queries
from grafana.frame import queue_link
from grafana.panels import (
    COLOURS,
    NEUTRAL,
    Query,
    by_query,
    by_type,
    coloured,
    instant,
    special,
    tiles,
)
from grafana.words import Words

__all__ = ["level_tiles"]

SHAPES = {"critical": "▲ ", "beyond": "◆ ", "near": "◇ ", "fine": ""}
"""Before a name, so that a level is not told by colour alone."""

SHOWN = {"critical": 12, "beyond": 8, "near": 6, "fine": 12, "unlimited": 12, "blind": 6}
"""Tiles of a level at most: more could not be read from afar."""

NAME_PIXELS = 22
"""Of names on tiles: to be read from where people sit."""


def _by_level(value: str, measure: str, *, order: str) -> list[Query]:
    """Return a query for each level, worst first: each has its own colour."""
    groups = {
        **{level: queries.at_level(value, measure, level) for level in SHAPES},
        "unlimited": queries.without_level(value, measure),
        "blind": f"({queries.known()} unless on (name) ({value})) * NaN",
    }
    shapes = {**SHAPES, "blind": "✕ "}
    return [
        instant(
            group, f"{order}({SHOWN[group]}, {found})", f"{shapes.get(group, '')}{{{{name}}}}"
        )
        for group, found in groups.items()
    ]


def level_tiles(
    say: Words,
    title: str,
    description: str,
    value: str,
    measure: str,
    *,
    unit: str,
    size: tuple[int, int] = (24, 6),
    named: bool = True,
) -> dashboard.Panel:
    """Return a tile for each queue: the worst first, coloured by the limits in force.

    *measure* is that of the limits, *value* the query of what is shown. A query for each
    level, because the colour of a field can follow its query in every Grafana.
    """
    link = queue_link(say, "__field.labels.name")
    # A NaN has become null when a tile has reduced it to its last value.
    nobody = special("null+nan", say("no calls"))
    blind = special("null+nan", say("no data"))
    return tiles(
        title,
        description,
        _by_level(value, measure, order="topk" if measure == "longest_wait" else "bottomk"),
        size=size,
        named=named,
        title_size=NAME_PIXELS if named else None,
        unit=unit,
        no_value=say("no data"),
        mappings=[nobody],
        overrides=[
            by_type("number", {"links": [link]}),
            *(by_query(wanted, coloured(COLOURS[wanted])) for wanted in SHAPES),
            by_query("unlimited", coloured(NEUTRAL)),
            by_query("blind", {**coloured(COLOURS["blind"]), "mappings": [blind.to_json()]}),
        ],
    )
