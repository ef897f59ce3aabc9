"""What all dashboards have in common: variables, links, time, data source."""

from collections.abc import Sequence

from grafana_foundation_sdk.models import dashboard

from grafana.panels import SOURCE, laid_out
from grafana.queries import LABELLED
from grafana.words import Words

__all__ = ["BOARDS", "board", "queue_link", "subject_variables"]

BOARDS = ("wallboard", "queue", "agents", "alerts", "health")

ALL = dashboard.VariableOption(text=["All"], value=["$__all"])


def _source(say: Words) -> dashboard.VariableModel:
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.DATASOURCE,
        name="datasource",
        label=say("Data source"),
        query="prometheus",
        regex="",
        current=dashboard.VariableOption(text="Prometheus", value="prometheus"),
        refresh=dashboard.VariableRefresh.ON_DASHBOARD_LOAD,
        multi=False,
        include_all=False,
    )


def _asked(
    name: str,
    label: str,
    query: str,
    *,
    all_value: str | None = None,
    current: dashboard.VariableOption = ALL,
    hidden: bool = False,
) -> dashboard.VariableModel:
    """Return a variable whose values are those of a label."""
    several = all_value is not None
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name=name,
        label=label,
        query=query,
        datasource=SOURCE,
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=dashboard.VariableSort.NATURAL_ASC,
        multi=several,
        include_all=several,
        all_value=all_value,
        current=current,
        hide=dashboard.VariableHide.HIDE_VARIABLE
        if hidden
        else dashboard.VariableHide.DONT_HIDE,
    )


def _scrapes(say: Words, *, hidden: bool) -> list[dashboard.VariableModel]:
    return [
        _asked(
            "job",
            say("Job"),
            "label_values(callmon_build_info, job)",
            all_value=".+",
            hidden=hidden,
        ),
        _asked(
            "instance",
            say("Instance"),
            'label_values(callmon_build_info{job=~"$job"}, instance)',
            all_value=".+",
            hidden=hidden,
        ),
    ]


def _kind(say: Words) -> dashboard.VariableModel:
    names = {"queue": say("Queues"), "group": say("Groups")}
    options = [
        dashboard.VariableOption(selected=kind == "queue", text=name, value=kind)
        for kind, name in names.items()
    ]
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.CUSTOM,
        name="kind",
        label=say("Show"),
        query=", ".join(f"{name} : {kind}" for kind, name in names.items()),
        options=options,
        current=options[0],
        multi=False,
        include_all=False,
    )


def subject_variables(
    say: Words, *, several: bool = True, windowed: bool = True
) -> list[dashboard.VariableModel]:
    """Return the choice of queues or groups, by site and team, and of a window."""
    chosen = 'job=~"$job", instance=~"$instance"'
    info = "callmon_${kind}_info"
    found = [
        _kind(say),
        *(
            _asked(
                label,
                say(label.capitalize()),
                f"label_values({info}{{{chosen}}}, {label})",
                all_value=".*",  # a label that nobody has must not hide anybody
            )
            for label in ("site", "team")
        ),
        _asked(
            "queue",
            say("Queue or group"),
            f"label_values({info}{{{', '.join([chosen, *LABELLED])}}}, ${{kind}})",
            all_value=".+" if several else None,
            current=ALL if several else dashboard.VariableOption(text="", value=""),
        ),
    ]
    if windowed:
        found.append(
            _asked(
                "window",
                say("Window"),
                f"label_values(callmon_${{kind}}_window_offered_contacts{{{chosen}}}, window)",
                current=dashboard.VariableOption(text="15m", value="15m"),
            )
        )
    return found


def queue_link(
    say: Words, name: str = "__value.raw", *, windowed: bool = True
) -> dict[str, str]:
    """Return a link to the dashboard of one queue, whose name Grafana knows as *name*."""
    variables = ("kind", "datasource", "window") if windowed else ("kind", "datasource")
    kept = "&".join(f"${{{each}:queryparam}}" for each in variables)
    return {
        "title": say("Show this queue"),
        "url": f"/d/callmon-queue{say.suffix}?var-queue=${{{name}:percentencode}}&{kept}",
    }


def _links(say: Words, own: str) -> list[dashboard.DashboardLink]:
    titles = {
        "wallboard": say("Wallboard"),
        "queue": say("Queue"),
        "agents": say("Agents"),
        "alerts": say("Alerts"),
        "health": say("Health"),
    }
    return [
        dashboard.DashboardLink(
            title=title,
            type_val=dashboard.DashboardLinkType.LINK,
            icon="dashboard",
            tooltip="",
            url=f"/d/callmon-{name}{say.suffix}",
            include_vars=True,
            keep_time=False,
        )
        for name, title in titles.items()
        if name != own
    ]


def board(
    say: Words,
    name: str,
    title: str,
    description: str,
    panels: Sequence[dashboard.Panel],
    *,
    variables: Sequence[dashboard.VariableModel] = (),
    annotations: Sequence[dashboard.AnnotationQuery] = (),
    since: str = "now-6h",
    refresh: str = "10s",
    scrapes_shown: bool = False,
) -> dashboard.Dashboard:
    """Return a dashboard; *name* is what its uid ends in."""
    return dashboard.Dashboard(
        uid=f"callmon-{name}{say.suffix}",
        title=title,
        description=description,
        tags=["callmon"],
        timezone="browser",
        editable=True,
        graph_tooltip=dashboard.DashboardCursorSync.TOOLTIP,
        time=dashboard.DashboardDashboardTime(from_val=since, to="now"),
        timepicker=dashboard.TimePickerConfig(),
        refresh=refresh,
        links=_links(say, name),
        panels=[*laid_out(panels)],
        templating=dashboard.DashboardDashboardTemplating(
            list_val=[_source(say), *_scrapes(say, hidden=not scrapes_shown), *variables]
        ),
        annotations=dashboard.AnnotationContainer(list_val=list(annotations)),
    )
