"""What fired when."""

from grafana_foundation_sdk.models import common, dashboard, statetimeline

from grafana import queries
from grafana.panels import INKS, Query, panel, special, valued
from grafana.words import Words

__all__ = ["alert_timeline"]


def alert_timeline(say: Words) -> dashboard.Panel:
    """Return a line of time for each alert that stood in the range."""
    options = statetimeline.Options(
        show_value=common.VisibilityMode.NEVER,
        merge_values=True,
        row_height=0.8,
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
        ),
        tooltip=common.VizTooltipOptions(
            mode=common.TooltipDisplayMode.SINGLE, sort=common.SortOrder.NONE
        ),
    )
    states = {0: (say("quiet"), "transparent")}
    for severity in ("info", "warning", "critical"):
        states[queries.STATES[severity]] = (say(severity), INKS[severity])
    return panel(
        "state-timeline",
        say("History of alerts"),
        say("When which alert stood. Only those that did in the range are shown."),
        [
            Query(
                expr=queries.alerts_seen(),
                legend="{{name}} · {{threshold}} · {{severity}}",
            )
        ],
        size=(24, 10),
        unit="none",
        options=options,
        mappings=[valued(states), special("null", say("no data"))],
        no_value=say("no alert in this time"),
        transformations=[
            (
                "renameByRegex",
                {"regex": f"^(.+) · {severity}$", "renamePattern": f"$1 · {say(severity)}"},
            )
            for severity in ("critical", "warning", "info")
        ],
        interval="30s",
    )
