"""The commands that run callmon, and those that show what it knows."""

# ruff: noqa: PLC0415 - imports inside commands are the point, see callmon.cli

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from callmon import __version__
from callmon.cli.backtest import backtest
from callmon.cli.check import check
from callmon.cli.options import (
    DURATION,
    LABEL,
    PERIOD,
    TIMEZONE,
    Commands,
    bar,
    config_option,
    language_option,
    no_bar,
    refusals,
)
from callmon.cli.scenario import test
from callmon.cli.suggest import suggest

__all__ = ["FORMULAS", "OVERFLOWS", "commands"]

FORMULAS = ("abandons_negative", "abandons_ignored", "abandons_positive", "answered_only")
OVERFLOWS = ("missed", "ignored")


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 good, 1 the answer is no, 2 wrong usage.",
)
@click.version_option(__version__, message="callmon %(version)s")
def commands() -> None:
    """Monitor the queues of a call centre."""


@commands.command()
@config_option
def run(config: Path) -> None:
    """Monitor until stopped; SIGHUP reloads the configuration."""
    from callmon import daemon

    sys.exit(daemon.run(config))


commands.add_command(check)
commands.add_command(test)
commands.add_command(backtest)
commands.add_command(suggest)


@commands.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["table", "json", "metrics"]),
    default="table",
    show_default=True,
    help="metrics is the text that Prometheus would have scraped at the end.",
)
@click.option(
    "--by",
    "cohort",
    type=click.Choice(["end", "arrival"]),
    default="end",
    show_default=True,
    help="Which moment of a contact counts; reports of telephone systems count arrivals.",
)
@click.option("--every", type=PERIOD, help="Divide into periods: day, hour, 30m …")
@click.option("--since", metavar="ISO", help="Count nothing before this instant.")
@click.option("--until", metavar="ISO", help="Stop after everything of this instant.")
@click.option("--timezone", type=TIMEZONE, help="Of days and instants.  [default: UTC]")
@click.option("--queue", "queues", multiple=True, help="Only this queue; may be repeated.")
@click.option(
    "-c",
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Queues and targets of this callmon.yml.",
)
@click.option("--source", help="The source in callmon.yml that the files are of.")
@click.option("--within", type=DURATION, help="Service level target.  [default: 20s]")
@click.option("--short-abandon", type=DURATION, help="Sooner is short.  [default: 0s]")
@click.option("--formula", type=click.Choice(FORMULAS), help="Of the metrics' service level.")
@click.option("--overflow", type=click.Choice(OVERFLOWS), help="Of the service levels.")
@click.option("--progress/--no-progress", default=True, help="Bar on a terminal.")
def replay(*, progress: bool, cohort: str, **asked: Any) -> None:
    """Show the figures of what already happened, from its logs.

    FILES are queue_logs of Asterisk, plain or .gz, and recordings made by `callmon record`, in
    any order. All are of one telephone system; with both kinds, what both say is one truth.
    The engine is the daemon's, driven by the files' own time.
    """
    from callmon.queues import Formula, Overflow
    from callmon.replay import (
        Cohort,
        ReplayRequest,
        replay_text,
    )

    _refuse_for_metrics(cohort=cohort, **asked)
    for name, kind in (("formula", Formula), ("overflow", Overflow)):
        if asked[name] is not None:
            asked[name] = kind(asked[name])
    request = ReplayRequest(cohort=Cohort(cohort), **asked)
    with refusals():
        text = replay_text(request, os.environ, bar if progress else no_bar)
    click.echo(text, nl=False)


@commands.command()
@config_option
@click.option(
    "--since",
    metavar="WHEN",
    default="24h",
    show_default=True,
    help="Those that stood after: 30m, 7d, 2026-11-22T18:00 …",
)
@click.option("--until", metavar="WHEN", help="And before.")
@click.option("--queue", help="Only of this queue.")
@click.option("--group", help="Only of this group.")
@click.option("--threshold", help="Only of this threshold.")
@click.option("--standing", is_flag=True, help="Only those that have not ended.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=1_000,
    show_default=True,
    help="No more than so many, the newest.",
)
@click.option("--json", is_flag=True, help="As /api/v1/alerts/history answers.")
def alerts(**asked: Any) -> None:
    """Show former and present alerts, and what became of them.

    How bad, how long, who was told when. Reads the journal of the configuration, whether
    callmon runs or not; times are in the time zone of callmon.yml.
    """
    from callmon.alert_report import AlertsRequest, alerts_text
    from callmon.clock import SystemClock

    try:
        text = alerts_text(AlertsRequest(**asked), os.environ, SystemClock().now())
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(text, nl=False)


@commands.command()
@click.argument("feed")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@config_option
@click.option("--for", "length", type=DURATION, help="Stop after so long: 10m, 1h …")
@click.option(
    "--sanitise/--raw",
    default=True,
    show_default=True,
    help="Replace numbers, names and texts by pseudonyms. Secrets never are in a recording.",
)
@click.option("--queues", is_flag=True, help="Replace the names of queues, too.")
def record(  # noqa: PLR0917 - click hands over by name
    feed: str,
    out: Path,
    config: Path,
    length: int | None,
    sanitise: bool,  # noqa: FBT001 - click hands over by name
    queues: bool,  # noqa: FBT001 - ditto
) -> None:
    """Write down what a feed hears, for a replay.

    FEED is an asterisk_ami feed of callmon.yml, OUT a new file (.jsonl, .gz or .xz). Ends
    with SIGINT or SIGTERM, or after as long as asked. `callmon replay` reads it.
    """
    import asyncio
    import logging

    from callmon import logs
    from callmon import record as recording
    from callmon.clock import SystemClock

    if queues and not sanitise:
        raise click.UsageError("--queues: not with --raw")
    request = recording.RecordRequest(
        config=config, feed=feed, out=out, length=length, sanitise=sanitise, queues=queues
    )
    clock = SystemClock()
    settings = recording.find_feed(request, os.environ)
    recorder = recording.open_recorder(request, clock)
    logs.configure_logging(json=False, level=logging.INFO, stream=sys.stderr)
    asyncio.run(recording.record(request, settings, recorder, clock))
    click.echo(
        f"{out}: {recorder.records} records of {recorder.connections} connections,"
        f" {'sanitised' if sanitise else 'with all numbers and names'}",
        err=True,
    )
    sys.exit(0 if recorder.connections else 1)


@commands.command()
@click.option(
    "--url",
    metavar="URL",
    default="http://127.0.0.1:9877",
    show_default=True,
    help="Of a callmon that runs, here or elsewhere.",
)
@click.option("--once", is_flag=True, help="Print the board once, as plain text.")
@click.option("--team", "teams", metavar="TEAM", multiple=True, help="As --label team=TEAM.")
@click.option(
    "--label",
    "labels",
    metavar="KEY=VALUE",
    type=LABEL,
    multiple=True,
    help="Only queues and groups with this label; one key twice: with either value.",
)
@click.option("--window", metavar="WINDOW", help="Of the rates: 5m, 15m, today …")
@language_option()
@click.option("--user", metavar="NAME", help="For a callmon that asks who one is.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Holds the user's password.",
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate of the authority that vouches for it.",
)
@click.option("--interval", type=DURATION, help="Between two looks.  [default: 1s]")
def top(**asked: Any) -> None:
    """Show the wallboard in the terminal, of a callmon that runs.

    Without --once it is drawn anew all the time and takes keys; that needs textual, which
    `pip install "callmon[top]"` brings along.
    """
    from callmon.clock import SystemClock
    from callmon.top import TopAsked, run_top
    from callmon.wording import Language

    request = TopAsked(**{**asked, "language": Language(asked["language"])})
    try:
        code = run_top(request, clock=SystemClock(), out=sys.stdout, environ=os.environ)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    sys.exit(code)


@commands.command()
@click.option("--port", type=click.IntRange(0, 65535), default=9877, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds, equal days.")
@click.option("--alertmanager", "alertmanagers", multiple=True, metavar="URL")
@language_option()
def demo(port: int, seed: int, alertmanagers: Sequence[str], language: str) -> None:
    """Show a simulated call centre, monitored; nothing to set up."""
    from callmon.demo import demo as show_demo
    from callmon.wording import Language

    code = show_demo(
        port=port, seed=seed, alertmanagers=alertmanagers, language=Language(language)
    )
    sys.exit(code)


@commands.command()
@click.argument(
    "which", type=click.Choice(["callmon", "thresholds", "scenario", "native", "api"])
)
def schema(which: str) -> None:
    """Print the schema of a file, of a message, or of the API.

    Editors use it to complete and to check callmon.yml and thresholds.yml while one types;
    that of the API is an OpenAPI document.
    """
    import json

    from callmon.config import json_schema
    from callmon.decode.native_schema import native_schema
    from callmon.openapi import document

    if which == "api":
        found = document(__version__)
    else:
        found = native_schema() if which == "native" else json_schema(which)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@commands.command()
@config_option
@click.option("--address", metavar="HOST:PORT", help="Ask there; reads no configuration.")
def healthcheck(config: Path, address: str | None) -> None:
    """Ask the running callmon whether it is alive; for containers."""
    from callmon.healthcheck import address_of, listening, trouble_at

    try:
        host, port, encrypted = listening(config) if address is None else address_of(address)
    except ValueError as error:
        raise click.UsageError(f"--address: {error}") from error
    trouble = trouble_at(host, port, encrypted=encrypted)
    # What is in the file may not be what the daemon started with: ask the other way, too.
    if trouble and trouble_at(host, port, encrypted=not encrypted):
        click.echo(f"callmon: {trouble}", err=True)
        sys.exit(1)


def _refuse_for_metrics(*, output: str, cohort: str, **asked: Any) -> None:
    """Refuse options that mean nothing to the exposition text."""
    if output != "metrics":
        return
    given = [f"--{name}" for name in ("every", "since") if asked[name] is not None]
    given += ["--queue"] if asked["queues"] else []
    given += ["--by arrival"] if cohort == "arrival" else []
    if given:
        raise click.UsageError(f"{', '.join(given)}: not with --format metrics")
