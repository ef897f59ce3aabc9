"""Alerts: what stands, what stood, and whether anybody was told."""

from grafana_foundation_sdk.models import dashboard

from callmon.measures import Unit
from grafana import queries
from grafana.frame import board, queue_link, subject_variables
from grafana.history import alert_timeline
from grafana.panels import (
    COLOURS,
    INKS,
    Query,
    by_name,
    coloured,
    lines,
    merged,
    rows,
    special,
    tiles,
)
from grafana.words import Words

__all__ = ["alerts"]

SHAPES = {"critical": "▲", "warning": "◆", "info": "●"}


def alerts(say: Words) -> dashboard.Dashboard:
    """Return the dashboard in the language of *say*."""
    return board(
        say,
        "alerts",
        say("callmon alerts"),
        say("What stands, what stood, and whether anybody was told."),
        [_standing(say), alert_timeline(say), _a_day(say), _by_threshold(say), *_delivery(say)],
        variables=subject_variables(say, windowed=False),
        since="now-24h",
        refresh="1m",
    )


def _severities(say: Words) -> dict[str, object]:
    return {
        "type": "value",
        "options": {
            severity: {
                "text": f"{shape} {say(severity)}",
                "color": COLOURS[severity],
                "index": index,
            }
            for index, (severity, shape) in enumerate(SHAPES.items())
        },
    }


def _standing(say: Words) -> dashboard.Panel:
    units = {
        Unit.SECONDS: ("seconds", say("Time"), say("Limit of time"), "dthms"),
        Unit.RATIO: ("ratio", say("Share"), say("Limit of share"), "percentunit"),
        Unit.CONTACTS: ("contacts", say("Calls"), say("Limit of calls"), "none"),
        Unit.AGENTS: ("agents", say("Agents"), say("Limit of agents"), "none"),
    }
    asked = [
        merged("firing", f"{queries.alerts_by_severity()} > 0"),
        merged("since", queries.stood_for()),
    ]
    overrides = [
        by_name(
            "name",
            {"displayName": say("Queue or group"), "links": [queue_link(say, windowed=False)]},
        ),
        by_name("threshold", {"displayName": say("Threshold")}),
        by_name(
            "severity",
            {
                "displayName": say("Severity"),
                "mappings": [_severities(say)],
                "custom.cellOptions": {"type": "color-background", "mode": "basic"},
            },
        ),
        by_name(
            "Value #since",
            {
                "displayName": say("For"),
                "unit": "dthms",
                "mappings": [special("null+nan", say("more than 6 h")).to_json()],
            },
        ),
    ]
    order = ["severity", "name", "threshold", "Value #since"]
    for unit, (ref, value, bound, shown) in units.items():
        for part, title in (("value", value), ("limit", bound)):
            field = f"{ref}_{part}"
            asked.append(merged(field, queries.standing(part, unit)))
            overrides.append(by_name(f"Value #{field}", {"displayName": title, "unit": shown}))
            order.append(f"Value #{field}")
    return rows(
        say("Alerts that stand now"),
        say("Each with the value that is compared, and the limit in force."),
        asked,
        size=(24, 8),
        unit="none",
        no_value=say("No alert stands"),
        mappings=[special("null+nan", " ")],
        overrides=overrides,
        transformations=[
            (
                "filterFieldsByName",
                {"include": {"pattern": "^(name|threshold|severity|Value #.+)$"}},
            ),
            ("merge", {}),
            ("sortBy", {"fields": {}, "sort": [{"field": "Value #firing", "desc": True}]}),
            (
                "organize",
                {
                    "excludeByName": {"Value #firing": True},
                    "indexByName": {field: index for index, field in enumerate(order)},
                    "renameByName": {},
                },
            ),
        ],
    )


def _a_day(say: Words) -> dashboard.Panel:
    made = lines(
        say("Alerts a day"),
        say(
            "How many were raised on each of the last seven full days, by severity."
            " Alerts shorter than two minutes may be left out."
        ),
        [Query(expr=queries.raised("1d", "severity"), legend="{{severity}}")],
        size=(12, 8),
        unit="short",
        decimals=0,
        stacked=True,
        bars=True,
        interval="1d",
        bounds=(0, None),
        no_value=say("no full day yet"),
        overrides=[
            by_name(name, {"displayName": say(name), **coloured(INKS[name])}) for name in SHAPES
        ],
    )
    made.time_from = "7d"
    return made


def _by_threshold(say: Words) -> dashboard.Panel:
    often = queries.raised("$__range", "threshold")
    long = queries.stood("$__range", "threshold")
    figures = {
        "often": (say("Raised"), f"{often} > 0", "none"),
        "long": (say("Stood in all"), f"{long} > 0", "dthms"),
        "mean": (say("Until it was over"), f"({long} > 0) / ({often} > 0)", "dthms"),
    }
    return rows(
        say("By threshold"),
        say("In the range: how often, for how long, and the mean time until it was over."),
        [merged(ref, expr) for ref, (_, expr, _) in figures.items()],
        size=(12, 8),
        unit="none",
        mappings=[special("null+nan", " ")],
        no_value=say("no alert in this time"),
        overrides=[
            by_name("threshold", {"displayName": say("Threshold")}),
            *(
                by_name(f"Value #{ref}", {"displayName": title, "unit": unit})
                for ref, (title, _, unit) in figures.items()
            ),
        ],
        transformations=[
            ("filterFieldsByName", {"include": {"pattern": "^(threshold|Value #.+)$"}}),
            ("merge", {}),
            ("sortBy", {"fields": {}, "sort": [{"field": "Value #often", "desc": True}]}),
        ],
    )


def _delivery(say: Words) -> list[dashboard.Panel]:
    posts = queries.selector("callmon_alertmanager_posts_total")
    buckets = queries.selector("callmon_alertmanager_delivery_seconds_bucket")
    trouble = {
        "callmon_alerts_handed_over_total": say("left to Prometheus"),
        "callmon_alerts_missed_total": say("missed"),
        "callmon_alerts_dropped_total": say("dropped"),
    }
    return [
        lines(
            say("Posts to Alertmanager"),
            say("Requests a second, by what became of them."),
            [
                Query(
                    expr=f"sum by (alertmanager, result) (rate({posts}[$__rate_interval]))",
                    legend="{{alertmanager}} {{result}}",
                )
            ],
            size=(8, 7),
            unit="reqps",
            no_value=say("nothing was posted"),
        ),
        lines(
            say("From breach to acceptance"),
            say("Nineteen of twenty alerts were accepted no later than this."),
            [
                Query(
                    expr="histogram_quantile(0.95, sum by (alertmanager, le) "
                    f"(rate({buckets}[$__rate_interval])))",
                    legend="{{alertmanager}}",
                )
            ],
            size=(8, 7),
            unit="s",
            no_value=say("no alert in this time"),
        ),
        tiles(
            say("Not told by callmon"),
            say("In the range: left to Prometheus, missed, dropped."),
            [
                Query(
                    ref=f"trouble{number}",
                    expr=f"sum(increase({queries.selector(metric)}[$__range]))",
                    legend=legend,
                    instant=True,
                )
                for number, (metric, legend) in enumerate(trouble.items())
            ],
            size=(8, 7),
            unit="short",
            decimals=0,
            solid=False,
            no_value=say("none"),
            thresholds=[(None, "text"), (1, INKS["warning"])],
        ),
    ]
