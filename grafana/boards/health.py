"""Health of callmon itself: does it see, does it keep what it sees, is it quick enough."""

from typing import Any

from grafana_foundation_sdk.models import dashboard

from grafana.frame import board
from grafana.panels import (
    COLOURS,
    INKS,
    Query,
    by_name,
    instant,
    lines,
    merged,
    rows,
    special,
    tiles,
    valued,
)
from grafana.queries import selector
from grafana.words import Words

__all__ = ["health"]


def _of_callmon(metric: str, expression: str = "") -> str:
    """Return what every program may tell Prometheus, of those that are callmon only."""
    told = expression or selector(metric)
    return f"{told} and on (job, instance) {selector('callmon_build_info')}"


def _answers() -> str:
    """Return ``up`` of what was callmon within a day: one that is down tells nothing now."""
    was = f"last_over_time({selector('callmon_build_info')}[1d])"
    return f"{selector('up')} and on (job, instance) {was}"


def health(say: Words) -> dashboard.Dashboard:
    """Return the dashboard in the language of *say*."""
    return board(
        say,
        "health",
        say("callmon health"),
        say("Does callmon see, does it keep what it sees, is it quick enough."),
        [
            *_now(say),
            _feeds(say),
            *_events(say),
            *_journal(say),
            *_work(say),
            *_process(say),
        ],
        scrapes_shown=True,
        refresh="30s",
    )


def _good(say: Words) -> list[dashboard.ValueMap]:
    return [
        valued(
            {
                1: (f"✓ {say('yes')}", COLOURS["fine"]),
                0: (f"▲ {say('no')}", COLOURS["critical"]),
            }
        )
    ]


def _now(say: Words) -> list[dashboard.Panel]:
    looks: dict[str, Any] = {"size": (4, 4), "unit": "none", "no_value": say("no data")}
    made = [
        tiles(
            title,
            text,
            [instant("A", expr, "{{instance}}")],
            mappings=_good(say),
            **looks,
        )
        for title, text, expr in (
            (
                say("Answers"),
                say("Prometheus reaches callmon."),
                _answers(),
            ),
            (
                say("Last reload accepted"),
                say("No: a changed configuration was refused, the former one is running."),
                selector("callmon_config_last_reload_successful"),
            ),
            (
                say("Journal can be written"),
                say("No: a crash now would lose what callmon was told since."),
                selector("callmon_journal_up"),
            ),
        )
    ]
    return [
        *made,
        tiles(
            say("Version"),
            say("Which callmon runs where."),
            [instant("A", selector("callmon_build_info"), "{{version}} ({{instance}})")],
            name_only=True,
            solid=False,
            **looks,
        ),
        tiles(
            say("Running for"),
            say("Since the last start."),
            [
                instant(
                    "A",
                    _of_callmon(
                        "process_start_time_seconds",
                        f"time() - {selector('process_start_time_seconds')}",
                    ),
                    "{{instance}}",
                )
            ],
            solid=False,
            **{**looks, "unit": "dthms", "decimals": 0},
        ),
        tiles(
            say("Configuration in force"),
            say("For how long: since it was read."),
            [
                instant(
                    "A",
                    "time() - "
                    + selector("callmon_config_last_reload_success_timestamp_seconds"),
                    "{{instance}}",
                )
            ],
            solid=False,
            **{**looks, "unit": "dthms", "decimals": 0},
        ),
    ]


def _feeds(say: Words) -> dashboard.Panel:
    by = "max by (instance, feed)"
    columns = {
        "up": (say("Up"), f"{by} ({selector('callmon_feed_up')})", "none"),
        "silent": (say("Silent"), f"{by} ({selector('callmon_feed_silent')})", "none"),
        "heard": (
            say("Last event"),
            f"{by} (time() - {selector('callmon_feed_last_event_timestamp_seconds')})",
            "dthms",
        ),
        "lag": (say("Lag"), f"{by} ({selector('callmon_feed_lag_seconds')})", "s"),
        "skew": (
            say("Clock skew"),
            f"{by} ({selector('callmon_feed_clock_skew_seconds')})",
            "s",
        ),
        "drift": (say("Drift"), f"{by} ({selector('callmon_feed_drift_contacts')})", "none"),
        "account": (
            say("Account findings"),
            f"{by} ({selector('callmon_feed_account_findings')})",
            "none",
        ),
        "gaps": (
            say("Lost in the range"),
            f"{by} (increase({selector('callmon_gap_seconds_total')}[$__range]))",
            "s",
        ),
        "reconnects": (
            say("Reconnects in the range"),
            (
                "sum by (instance, feed) "
                f"(increase({selector('callmon_feed_reconnects_total')}[$__range]))"
            ),
            "none",
        ),
    }
    yes_is_bad = [
        valued({0: (say("no"), "text"), 1: (f"◆ {say('yes')}", INKS["warning"])}).to_json(),
        special("null", say("not watched")).to_json(),
    ]
    cell = {"custom.cellOptions": {"type": "color-background", "mode": "basic"}}
    looks: dict[str, dict[str, Any]] = {
        "up": {**cell, "mappings": [each.to_json() for each in _good(say)]},
        "silent": {"custom.cellOptions": {"type": "color-text"}, "mappings": yes_is_bad},
        "drift": {"mappings": [special("null", say("not audited")).to_json()]},
        "account": {"mappings": [special("null", say("none needed")).to_json()]},
        "reconnects": {"mappings": [special("null", say("none")).to_json()], "decimals": 0},
    }
    return rows(
        say("Feeds"),
        say("A feed that is down makes its queues blind. Lag and skew by the source's clock."),
        [merged(ref, expr) for ref, (_, expr, _) in columns.items()],
        size=(24, 7),
        unit="none",
        no_value=say("no data"),
        mappings=[special("null", say("no data"))],
        overrides=[
            by_name("feed", {"displayName": say("Feed")}),
            by_name("instance", {"displayName": say("Instance")}),
            *(
                by_name(
                    f"Value #{ref}", {"displayName": title, "unit": unit, **looks.get(ref, {})}
                )
                for ref, (title, _, unit) in columns.items()
            ),
        ],
        transformations=[
            ("filterFieldsByName", {"include": {"pattern": "^(feed|instance|Value #.+)$"}}),
            ("merge", {}),
            ("sortBy", {"fields": {}, "sort": [{"field": "Value #up", "desc": False}]}),
        ],
    )


def _rate(metric: str, *labels: str, over: str = "$__rate_interval") -> str:
    return f"sum by ({', '.join(labels)}) (rate({selector(metric)}[{over}]))"


def _events(say: Words) -> list[dashboard.Panel]:
    return [
        lines(
            say("Events"),
            say("Received a second, by feed."),
            [Query(expr=_rate("callmon_events_total", "feed"), legend="{{feed}}")],
            size=(8, 7),
            unit="eps",
            no_value=say("no data"),
        ),
        lines(
            say("Not used"),
            say("Lines, messages and events that were not used, a second, and why."),
            [
                Query(
                    ref="dropped",
                    expr=_rate("callmon_events_dropped_total", "stage", "reason"),
                    legend="{{stage}}: {{reason}}",
                ),
                Query(
                    ref="late",
                    expr=f"sum(rate({selector('callmon_events_late_total')}[$__rate_interval]))",
                    legend=say("too late"),
                ),
            ],
            reach=1,
            size=(8, 7),
            unit="eps",
            no_value=say("none"),
        ),
        lines(
            say("Lag and gaps"),
            say("How old the events are when they come, and time lost for ever."),
            [
                Query(ref="lag", expr=selector("callmon_feed_lag_seconds"), legend="{{feed}}"),
                Query(
                    ref="gaps",
                    expr="increase("
                    f"{selector('callmon_gap_seconds_total')}[$__rate_interval]) > 0",
                    legend=f"{say('lost')}: {{{{feed}}}}",
                ),
            ],
            reach=1,
            size=(8, 7),
            unit="s",
            no_value=say("no data"),
        ),
    ]


def _quantile(metric: str) -> str:
    rate = f"rate({selector(metric)}[$__rate_interval])"
    return f"histogram_quantile(0.99, sum by (instance, le) ({rate}))"


def _journal(say: Words) -> list[dashboard.Panel]:
    return [
        lines(
            say("Not on the disk yet"),
            say("Events that a crash would lose now."),
            [Query(expr=selector("callmon_journal_pending_events"), legend="{{instance}}")],
            reach=10,
            size=(8, 7),
            unit="short",
            no_value=say("no data"),
        ),
        lines(
            say("Writing the journal"),
            say("Ninety-nine of a hundred writes took no longer, until the disk had them."),
            [
                Query(
                    expr=_quantile("callmon_journal_commit_seconds_bucket"),
                    legend="{{instance}}",
                )
            ],
            reach=0.1,
            size=(8, 7),
            unit="s",
            no_value=say("nothing was written"),
        ),
        tiles(
            say("Journal"),
            say("Its size; and in the range, what went wrong: nothing, as a rule."),
            [
                instant("size", f"sum({selector('callmon_journal_size_bytes')})", say("size")),
                *(
                    instant(ref, f"sum(increase({selector(metric)}[$__range]))", legend)
                    for ref, metric, legend in (
                        ("failures", "callmon_journal_failures_total", say("failures")),
                        ("lost", "callmon_journal_given_up_events_total", say("not written")),
                    )
                ),
                instant(
                    "damaged",
                    f"sum({selector('callmon_journal_damaged_files')})",
                    say("damaged"),
                ),
                instant(
                    "checkpoint",
                    "time() - min("
                    + selector("callmon_journal_last_checkpoint_timestamp_seconds")
                    + " > 0)",
                    say("last checkpoint"),
                ),
            ],
            size=(8, 7),
            unit="none",
            decimals=0,
            solid=False,
            no_value=say("none"),
            thresholds=[(None, "text"), (1, INKS["warning"])],
            overrides=[
                by_name(
                    say("size"),
                    {"unit": "bytes", "color": {"mode": "fixed", "fixedColor": "text"}},
                ),
                by_name(
                    say("last checkpoint"),
                    {"unit": "dthms", "color": {"mode": "fixed", "fixedColor": "text"}},
                ),
            ],
        ),
    ]


def _jobs(prefix: str) -> str:
    """Return how often each job was done, its label being *prefix* and ``job``.

    The label is that of the scrape, too. With ``honor_labels`` it is ours, else Prometheus
    renames ours; so jobs cannot be asked for by the chosen ``job``.
    """
    there = "!=" if prefix else "="
    chosen = f'instance=~"$instance", exported_job{there}""'
    grown = f"increase(callmon_jobs_total{{{chosen}}}[$__range])"
    return f'label_join({grown}, "job_name", "", "{prefix}job")'


def _work(say: Words) -> list[dashboard.Panel]:
    jobs = " or ".join(map(_jobs, ("", "exported_")))
    return [
        lines(
            say("Stalls"),
            say("The longest stall of the event loop in the last minute."),
            [Query(expr=selector("callmon_event_loop_stall_seconds"), legend="{{instance}}")],
            reach=0.1,
            size=(8, 7),
            unit="s",
            no_value=say("no data"),
        ),
        lines(
            say("Rendering the metrics"),
            say("How long the last page took that Prometheus asked for."),
            [Query(expr=selector("callmon_scrape_duration_seconds"), legend="{{instance}}")],
            reach=0.1,
            size=(8, 7),
            unit="s",
            no_value=say("no data"),
        ),
        tiles(
            say("Work by the calendar"),
            say("How often in the range, by what became of it."),
            [instant("A", f"sum by (job_name, result) ({jobs})", "{{job_name}} {{result}}")],
            size=(8, 7),
            unit="short",
            decimals=0,
            solid=False,
            no_value=say("no data"),
        ),
    ]


def _process(say: Words) -> list[dashboard.Panel]:
    return [
        lines(
            say("Processor"),
            say("Cores in use."),
            [
                Query(
                    expr=_of_callmon(
                        "process_cpu_seconds_total",
                        f"rate({selector('process_cpu_seconds_total')}[$__rate_interval])",
                    ),
                    legend="{{instance}}",
                )
            ],
            size=(8, 7),
            unit="percentunit",
            no_value=say("no data"),
        ),
        lines(
            say("Memory"),
            say("Resident memory."),
            [Query(expr=_of_callmon("process_resident_memory_bytes"), legend="{{instance}}")],
            size=(8, 7),
            unit="bytes",
            no_value=say("no data"),
        ),
        lines(
            say("Open files"),
            say("Files and connections, and how many may be open."),
            [
                Query(ref="open", expr=_of_callmon("process_open_fds"), legend="{{instance}}"),
                Query(
                    ref="most",
                    expr=_of_callmon("process_max_fds"),
                    legend=f"{say('limit')}: {{{{instance}}}}",
                ),
            ],
            size=(8, 7),
            unit="short",
            no_value=say("no data"),
        ),
    ]
