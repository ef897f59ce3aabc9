"""One queue: now, against earlier weeks, and what became of its calls."""

from collections.abc import Mapping

from grafana_foundation_sdk.models import common, dashboard, heatmap, prometheus

from grafana import queries
from grafana.frame import board, subject_variables
from grafana.history import alert_timeline
from grafana.levels import level_tiles
from grafana.panels import SOURCE, Query, by_name, coloured, lines, panel
from grafana.words import Words

__all__ = ["AGENT_STATES", "agents_over_time", "queue"]

OUTCOMES = {
    "answered": ("Answered", "green"),
    "abandoned": ("Abandoned", "red"),
    "timeout": ("Timeout", "orange"),
    "key_exit": ("Left by a key", "yellow"),
    "empty": ("Sent away, no agent", "purple"),
    "failed": ("Failed", "dark-red"),
    "redirected": ("Sent elsewhere", "blue"),
    "withdrawn": ("Withdrawn", "light-blue"),
    "lost": ("Lost from sight", "text"),
}
"""What each outcome is called, and its colour."""

AGENT_STATES = {
    "available": ("Available", "green"),
    "ringing": ("Ringing", "yellow"),
    "busy": ("Busy", "blue"),
    "wrapup": ("Wrap-up", "purple"),
    "paused": ("Paused", "orange"),
}
"""What agents do: what it is called, and its colour."""


def called(
    say: Words, names: Mapping[str, tuple[str, str]]
) -> list[dashboard.DashboardFieldConfigSourceOverrides]:
    """Return what series are called and coloured that are named as in *names*."""
    return [
        by_name(name, {"displayName": say(text), **coloured(colour)})
        for name, (text, colour) in names.items()
    ]


def queue(say: Words) -> dashboard.Dashboard:
    """Return the dashboard in the language of *say*."""
    return board(
        say,
        "queue",
        say("callmon queue"),
        say("One queue or group: now, against earlier weeks, and what became of its calls."),
        [
            *_now(say),
            _service(say),
            _abandonment(say),
            *_against_earlier(say),
            _heat(say),
            _waits(say),
            _outcomes(say),
            agents_over_time(say, say("Agents at work in this queue or group.")),
            alert_timeline(say),
        ],
        variables=subject_variables(say, several=False),
        annotations=[_alerts(say)],
    )


def _now(say: Words) -> list[dashboard.Panel]:
    available = queries.figure("agents", 'state="available"')
    tiles = {
        "waiting": (say("Waiting"), queries.figure("waiting_contacts"), "none"),
        "waiting_over_target": (
            say("Over target"),
            queries.figure("waiting_over_target_contacts"),
            "none",
        ),
        "longest_wait": (say("Longest wait"), queries.wait(), "dthms"),
        "service_level(_now)?": (
            say("Service level now"),
            queries.share("service_level_now_ratio"),
            "percentunit",
        ),
        "abandonment_rate": (
            say("Abandonment rate"),
            queries.share("abandonment_ratio"),
            "percentunit",
        ),
        "answer_rate": (say("Answer rate"), queries.share("answer_ratio"), "percentunit"),
        "agents_available": (say("Agents available"), available, "none"),
        "agents_staffed": (say("Agents staffed"), queries.figure("agents_staffed"), "none"),
    }
    text = say("Now; coloured by the limits in thresholds.yml, grey where there is none.")
    return [
        level_tiles(say, title, text, value, measure, unit=unit, size=(3, 4), named=False)
        for measure, (title, value, unit) in tiles.items()
    ]


def _with_limits(
    say: Words, title: str, description: str, metric: str, measure: str
) -> dashboard.Panel:
    """Return a ratio over time, with the limits on it as dashed lines."""
    return lines(
        title,
        description,
        [
            Query(ref="A", expr=queries.figure(metric, windowed=True), legend=title),
            Query(
                ref="B",
                expr=queries.limit(measure, windowed=True),
                legend=f"{say('limit')}: {{{{threshold}}}}",
            ),
        ],
        size=(12, 8),
        unit="percentunit",
        bounds=(0, 1),
        no_value=say("no calls"),
        overrides=[_dashed("B")],
    )


def _dashed(ref: str) -> dashboard.DashboardFieldConfigSourceOverrides:
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byFrameRefID", options=ref),
        properties=[
            dashboard.DynamicConfigValue(
                id_val="custom.lineStyle", value={"fill": "dash", "dash": [10, 10]}
            ),
            dashboard.DynamicConfigValue(id_val="custom.lineWidth", value=1),
        ],
    )


def _service(say: Words) -> dashboard.Panel:
    return _with_limits(
        say,
        say("Service level"),
        say("Answered within the target in the window; dashed: the limits in force."),
        "service_level_ratio",
        "service_level(_now)?",
    )


def _abandonment(say: Words) -> dashboard.Panel:
    return _with_limits(
        say,
        say("Abandonment rate"),
        say("Hung up while waiting, without the short ones; dashed: the limits in force."),
        "abandonment_ratio",
        "abandonment_rate",
    )


def _against_earlier(say: Words) -> list[dashboard.Panel]:
    weeks = {
        "": say("today"),
        "1w": say("a week ago"),
        "2w": say("two weeks ago"),
        "3w": say("three weeks ago"),
    }
    shown = {
        "window_arrived_contacts": (
            say("Calls against earlier weeks"),
            say("Joined in the window; the same time of one, two and three weeks ago."),
            True,
        ),
        "agents_staffed": (
            say("Staff against earlier weeks"),
            say("Agents at work; the same time of one, two and three weeks ago."),
            False,
        ),
    }
    return [
        lines(
            title,
            description,
            [
                Query(
                    ref=f"weeks{number}",
                    expr=queries.figure(metric, windowed=windowed, offset=offset),
                    legend=legend,
                )
                for number, (offset, legend) in enumerate(weeks.items())
            ],
            size=(12, 8),
            unit="short",
            bounds=(0, None),
            no_value=say("no data"),
        )
        for metric, (title, description, windowed) in shown.items()
    ]


def _heat(say: Words) -> dashboard.Panel:
    options = heatmap.Options(
        calculate=False,
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode.SCHEME,
            scheme="Oranges",
            fill="dark-orange",
            scale=heatmap.HeatmapColorScale.EXPONENTIAL,
            exponent=0.5,
            steps=64,
        ),
        y_axis=heatmap.YAxisConfig(unit="s", axis_placement=common.AxisPlacement.LEFT),
        tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=True),
        legend=heatmap.HeatmapLegend(show=True),
        cell_gap=1,
        show_value=common.VisibilityMode.NEVER,
    )
    return panel(
        "heatmap",
        say("Waits"),
        say("How many waited how long: the answered and the abandoned."),
        [
            Query(
                expr=queries.counted("contact_wait_seconds_bucket", "le", "$__interval"),
                legend="{{le}}",
                form=prometheus.PromQueryFormat.HEATMAP,
            )
        ],
        size=(12, 9),
        unit="short",
        interval="5m",
        options=options,
        no_value=say("no calls"),
    )


def _waits(say: Words) -> dashboard.Panel:
    figures = {
        "average_wait_seconds": say("average"),
        "p50_wait_seconds": say("half of them"),
        "p90_wait_seconds": say("nine of ten"),
        "p95_wait_seconds": say("nineteen of twenty"),
        "max_wait_seconds": say("longest"),
    }
    return lines(
        say("Waits in the window"),
        say("No longer than this waited so many; the average is of the answered."),
        [
            Query(ref=metric, expr=queries.figure(metric, windowed=True), legend=legend)
            for metric, legend in figures.items()
        ],
        size=(12, 9),
        unit="dthms",
        bounds=(0, None),
        no_value=say("no calls"),
    )


def _outcomes(say: Words) -> dashboard.Panel:
    return lines(
        say("Outcomes"),
        say("How the waiting ended, in each quarter of an hour."),
        [
            Query(
                expr=queries.counted("contacts_total", "outcome", "$__interval"),
                legend="{{outcome}}",
            )
        ],
        size=(12, 8),
        unit="short",
        stacked=True,
        bars=True,
        interval="15m",
        bounds=(0, None),
        no_value=say("no calls"),
        overrides=called(say, OUTCOMES),
    )


def agents_over_time(say: Words, about: str) -> dashboard.Panel:
    """Return what the agents do, over time; *about* says whose agents they are."""
    return lines(
        say("Agents by what they do"),
        about,
        [Query(expr=queries.summed("agents", "state"), legend="{{state}}")],
        size=(12, 8),
        unit="short",
        stacked=True,
        bounds=(0, None),
        no_value=say("no data"),
        overrides=called(say, AGENT_STATES),
    )


def _alerts(say: Words) -> dashboard.AnnotationQuery:
    return dashboard.AnnotationQuery(
        name=say("Alerts"),
        datasource=SOURCE,
        enable=True,
        icon_color="red",
        expr=f"{queries.alerts()} == 1",
    )
