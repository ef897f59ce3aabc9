"""The wallboard: every queue, worst first, on a television."""

from typing import Any

from grafana_foundation_sdk.models import dashboard

from grafana import queries
from grafana.frame import board, queue_link, subject_variables
from grafana.levels import level_tiles
from grafana.panels import (
    COLOURS,
    INKS,
    by_name,
    by_query,
    instant,
    merged,
    rows,
    special,
    tiles,
    valued,
)
from grafana.words import Words

__all__ = ["wallboard"]


def wallboard(say: Words) -> dashboard.Dashboard:
    """Return the dashboard in the language of *say*."""
    return board(
        say,
        "wallboard",
        say("callmon wallboard"),
        say("All queues now, the worst first. Colours follow the limits in thresholds.yml."),
        [*_totals(say), _waits(say), _service(say), _table(say)],
        variables=subject_variables(say),
        since="now-15m",
        refresh="5s",
    )


def _totals(say: Words) -> list[dashboard.Panel]:
    size = (4, 4)
    absent = say("no data")
    count: dict[str, Any] = {
        "size": size,
        "unit": "short",
        "decimals": 0,
        "no_value": absent,
        "solid": False,
    }
    severities = {"critical": "▲", "warning": "◆", "info": "●"}
    return [
        tiles(
            say("Waiting"),
            say("How many wait in the chosen queues, together."),
            [instant("A", f"sum({queries.figure('waiting_contacts')})", "")],
            named=False,
            **count,
        ),
        tiles(
            say("Over target"),
            say("How many of them have waited longer than the service level's target."),
            [instant("A", f"sum({queries.figure('waiting_over_target_contacts')})", "")],
            named=False,
            **count,
        ),
        tiles(
            say("Longest wait of all"),
            say("How long the one who waits longest has waited."),
            [instant("A", queries.waits_now(), "")],
            named=False,
            size=size,
            unit="dthms",
            no_value=absent,
            solid=False,
        ),
        tiles(
            say("Alerts"),
            say("Alerts that stand now, by severity."),
            [
                instant(severity, queries.alerts_standing(severity), f"{shape} {say(severity)}")
                for severity, shape in severities.items()
            ],
            **{**count, "size": (8, 4)},
            overrides=[
                by_query(
                    severity,
                    {
                        "thresholds": {
                            "mode": "absolute",
                            "steps": [
                                {"color": "text", "value": None},
                                {"color": INKS[severity], "value": 1},
                            ],
                        }
                    },
                )
                for severity in severities
            ],
        ),
        tiles(
            say("Queues nobody can see"),
            say(
                "Their telephone system does not speak to callmon: what they show is not known."
            ),
            [instant("A", queries.unseen(), "")],
            named=False,
            thresholds=[(None, "text"), (1, INKS["blind"])],
            **count,
        ),
    ]


def _waits(say: Words) -> dashboard.Panel:
    return level_tiles(
        say,
        say("Longest wait"),
        say(
            "How long the one who waits longest has waited, by queue. Green: within its limit;"
            " ◇ yellow: four fifths of the way to it; ◆ orange: beyond; ▲ red: a critical"
            " alert stands; grey: no limit is set."
        ),
        queries.wait(),
        "longest_wait",
        unit="dthms",
    )


def _service(say: Words) -> dashboard.Panel:
    return level_tiles(
        say,
        say("Service level now"),
        say(
            "Answered within the target in the window, those who wait over the target counted"
            " as missed. Colours as above, by the limits on service_level and"
            " service_level_now of this window."
        ),
        queries.share("service_level_now_ratio"),
        "service_level(_now)?",
        unit="percentunit",
    )


def _columns(say: Words) -> list[tuple[str, str, str, str, str | None]]:
    """Return name of the query, title, unit, expression and measure of each figure."""
    available = queries.figure("agents", 'state="available"')
    staffed = queries.figure("agents_staffed")
    return [
        (
            "waiting",
            say("Waiting"),
            "none",
            queries.figure("waiting_contacts"),
            "waiting",
        ),
        (
            "over",
            say("Over target"),
            "none",
            queries.figure("waiting_over_target_contacts"),
            "waiting_over_target",
        ),
        ("wait", say("Longest wait"), "dthms", queries.wait(), "longest_wait"),
        (
            "service",
            say("Service level now"),
            "percentunit",
            queries.share("service_level_now_ratio"),
            "service_level(_now)?",
        ),
        (
            "abandoned",
            say("Abandonment rate"),
            "percentunit",
            queries.share("abandonment_ratio"),
            "abandonment_rate",
        ),
        (
            "answered",
            say("Answer rate"),
            "percentunit",
            queries.share("answer_ratio"),
            "answer_rate",
        ),
        ("available", say("Agents available"), "none", available, "agents_available"),
        ("staffed", say("Agents staffed"), "none", staffed, "agents_staffed"),
    ]


def _table(say: Words) -> dashboard.Panel:
    columns = _columns(say)
    order = ["state", "name"]
    asked = [merged("order", queries.urgency()), merged("state", queries.state())]
    overrides = [_name_column(say), _state_column(say)]
    for number, (ref, title, unit, expr, measure) in enumerate(columns, 1):
        if measure is not None:
            asked.append(merged(f"{ref}_level", queries.level(measure)))
            order.append(f"{ref}_level")
            overrides.append(_mark_column(f"Value #{ref}_level", number))
        asked.append(merged(ref, expr))
        order.append(ref)
        overrides.append(_figure_column(say, f"Value #{ref}", title, unit))
    places = ["name" if ref == "name" else f"Value #{ref}" for ref in order]
    return rows(
        say("All queues"),
        say(
            "The worst first: by the severity of what fires, then by how many wait over the"
            " target. The mark before a figure says how it stands to its limits, alert or not."
        ),
        asked,
        size=(24, 12),
        unit="none",
        no_value=say("no data"),
        mappings=[special("nan", say("no calls")), special("null", say("no data"))],
        overrides=overrides,
        transformations=[
            ("filterFieldsByName", {"include": {"pattern": "^(name|Value #.+)$"}}),
            ("merge", {}),
            ("sortBy", {"fields": {}, "sort": [{"field": "Value #order", "desc": True}]}),
            (
                "organize",
                {
                    "excludeByName": {"Value #order": True},
                    "indexByName": {place: index for index, place in enumerate(places)},
                    "renameByName": {},
                },
            ),
        ],
    )


def _name_column(say: Words) -> dashboard.DashboardFieldConfigSourceOverrides:
    return by_name(
        "name",
        {"displayName": say("Queue or group"), "links": [queue_link(say)], "custom.width": 220},
    )


def _state_column(say: Words) -> dashboard.DashboardFieldConfigSourceOverrides:
    texts = {
        "fine": f"✓ {say('fine')}",
        "beyond": f"◔ {say('limit passed')}",
        "info": f"● {say('info')}",
        "blind": f"✕ {say('no data')}",
        "warning": f"◆ {say('warning')}",
        "critical": f"▲ {say('critical')}",
    }
    mapping = valued(
        {queries.STATES[name]: (text, COLOURS[name]) for name, text in texts.items()}
    )
    return by_name(
        "Value #state",
        {
            "displayName": say("State"),
            "mappings": [mapping.to_json()],
            "custom.cellOptions": {"type": "color-background", "mode": "basic"},
            "custom.width": 130,
            "custom.align": "center",
        },
    )


def _mark_column(field: str, number: int) -> dashboard.DashboardFieldConfigSourceOverrides:
    """Return the look of a mark: a narrow cell of the level's colour and shape."""
    mapping = valued(
        {
            queries.LEVELS["fine"]: ("✓", COLOURS["fine"]),
            queries.LEVELS["near"]: ("◇", COLOURS["near"]),
            queries.LEVELS["beyond"]: ("◆", COLOURS["beyond"]),
            queries.LEVELS["critical"]: ("▲", COLOURS["critical"]),
        }
    )
    return by_name(
        field,
        {
            "displayName": "\u00a0" * number,  # no two columns may have one name
            "mappings": [
                mapping.to_json(),
                special("null+nan", "\u00a0", "transparent").to_json(),
            ],
            "custom.cellOptions": {"type": "color-background", "mode": "basic"},
            "custom.width": 40,
            "custom.align": "center",
        },
    )


def _figure_column(
    say: Words, field: str, title: str, unit: str
) -> dashboard.DashboardFieldConfigSourceOverrides:
    del say
    return by_name(field, {"displayName": title, "unit": unit, "custom.align": "left"})
