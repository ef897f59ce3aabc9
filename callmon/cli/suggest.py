"""``callmon suggest``: limits from what is usual."""

# ruff: noqa: PLC0415 - imports inside commands are the point, see callmon.cli

import os
from pathlib import Path
from typing import Any

import click

from callmon.cli.options import Value, bar, config_option, language_option, no_bar, refusals

__all__ = ["suggest"]


def _rate(text: str) -> Any:
    from callmon.suggest import rate

    return rate(text)


RATE = Value("rate", _rate)


@click.command()
@config_option
@click.option(
    "--log",
    "logs",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Learn from this log or recording, not from the journal; may be repeated.",
)
@click.option("--source", help="The source in callmon.yml that the logs are of.")
@click.option("--since", metavar="WHEN", help="30d before the end, 2026-11-22T18:00 …")
@click.option("--until", metavar="WHEN", help="Up to this instant.")
@click.option(
    "--rate",
    "wanted",
    type=RATE,
    default="2/week",
    show_default=True,
    help="So many alerts are welcome, of each threshold and queue: 1/day, 3/month …",
)
@click.option("--threshold", "thresholds", multiple=True, help="Only this one, or a pattern.")
@click.option(
    "--queue", "queues", multiple=True, help="Only this queue or group, or a pattern."
)
@click.option("--only-quieter", is_flag=True, help="No limit that would call more often.")
@click.option("--new", is_flag=True, help="Begin a thresholds.yml from nothing.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["table", "yaml", "json"]),
    default="table",
    show_default=True,
    help="yaml is the new thresholds.yml.",
)
@language_option("Of what it says, and of comments in the new file.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the new thresholds.yml there.",
)
@click.option("--force", is_flag=True, help="Also where there is a file already.")
@click.option("--progress/--no-progress", default=True, help="Bar on a terminal.")
def suggest(*, progress: bool, language: str, **asked: Any) -> None:
    """Suggest limits from history, and what each would mean.

    For each threshold and queue a ladder of limits is lived through, all in one pass, and
    the one that calls about as often as wanted is shown. Nothing is changed; --out writes a
    new file with everything of thresholds.yml, comments too, and the new limits.
    """
    from callmon.clock import SystemClock
    from callmon.suggest import SuggestRequest, suggest_text
    from callmon.wording import Language

    with refusals():
        text = suggest_text(
            SuggestRequest(language=Language(language), **asked),
            os.environ,
            SystemClock().now(),
            bar if progress else no_bar,
        )
    click.echo(text, nl=False)
