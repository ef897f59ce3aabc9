"""``callmon backtest``: what thresholds would have done in the past."""

# ruff: noqa: PLC0415 - imports inside commands are the point, see callmon.cli

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from callmon.cli.options import (
    bar,
    coloured,
    config_option,
    language_option,
    no_bar,
    refusals,
)

__all__ = ["backtest"]


@click.command()
@click.argument(
    "candidate",
    metavar="[THRESHOLDS]",
    required=False,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@config_option
@click.option(
    "--log",
    "logs",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A queue_log or recording instead of the journal; may be repeated.",
)
@click.option("--source", help="The source in callmon.yml that the logs are of.")
@click.option(
    "--since", metavar="WHEN", help="Only the last 30d, 12h …, or from 2026-11-01 on."
)
@click.option("--until", metavar="WHEN", help="Up to this instant: 2026-11-22T18:00.")
@click.option("--queue", "queues", multiple=True, help="Only this queue or group; vip*, too.")
@click.option("--threshold", "thresholds", multiple=True, help="Only this one; long_*, too.")
@click.option(
    "--sweep",
    metavar="THRESHOLD:above=LOW..HIGH/STEP",
    help="Try one limit over a range: long_wait:above=1m..10m/30s.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with timeline and curves, too.",
)
@click.option(
    "--csv",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write each alert as a row, too.",
)
@language_option("Of the table and the page.")
@click.option("--progress/--no-progress", default=True, help="Bar on a terminal.")
def backtest(*, progress: bool, language: str, **asked: Any) -> None:
    """Show what thresholds would have done in the past.

    THRESHOLDS is a file to try; without it, the one that callmon.yml names. Beside it stands
    what the present file would have done in the same time. The past is the journal of
    callmon.yml, whether callmon runs or not, or the logs given.
    """
    from callmon.backtest import BacktestRequest
    from callmon.backtest.command import backtest_text
    from callmon.wording import Language

    terminal = sys.stdout.isatty()
    request = BacktestRequest(
        **asked,
        language=Language(language),
        colour=coloured(sys.stdout),
        width=shutil.get_terminal_size().columns if terminal else 0,
    )
    with refusals():
        text = backtest_text(request, os.environ, bar if progress else no_bar)
    click.echo(text, nl=False)
