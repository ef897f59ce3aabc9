"""``callmon test``: thresholds tried on scripted calls."""

# ruff: noqa: PLC0415 - imports inside commands are the point, see callmon.cli

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from callmon.cli.options import CONFIG, coloured, language_option

__all__ = ["test"]

_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("-c", "--config", type=_EXISTING, help="In place of the one a file names.")
@click.option("--thresholds", type=_EXISTING, help="Try these in place of those in force.")
@click.option("-k", "name", metavar="NAME", help="Only scenarios with this in their name.")
@click.option("--timeline", is_flag=True, help="Show everything that fired and ended.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
)
@language_option("Of the table, and of the example.")
@click.option(
    "--junit",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write JUnit's XML, too, for a CI.",
)
@click.option(
    "--example", is_flag=True, help="Print a file to begin with, and do nothing else."
)
def test(  # noqa: PLR0917 - click hands over by name
    files: Sequence[Path],
    config: Path | None,
    thresholds: Path | None,
    name: str | None,
    timeline: bool,  # noqa: FBT001 - click hands over by name
    output: str,
    language: str,
    junit: Path | None,
    example: bool,  # noqa: FBT001 - ditto
) -> None:
    """Try thresholds on scripted calls, in milliseconds.

    FILES are scenario files and folders of them. Without any: the folder scenarios beside
    callmon.yml. The engine and the thresholds are the daemon's own.
    """
    from callmon.clock import SystemClock
    from callmon.scenario import Request, example_of, try_scenarios
    from callmon.trial import save
    from callmon.wording import Language

    if junit is not None and junit.exists() and junit.suffix in {".yml", ".yaml"}:
        raise click.UsageError(f"--junit: {junit} is in use: another name")
    clock = SystemClock()
    if example:
        text = example_of(
            config or CONFIG,
            os.environ,
            clock.now(),
            thresholds=thresholds,
            language=Language(language),
        )
        click.echo(text, nl=False)
        return
    folder = (config or CONFIG).parent / "scenarios"
    if not files and not folder.is_dir():
        message = f"expected FILES, found none, nor a folder {folder}"
        raise click.UsageError(f"{message}; callmon test --example prints a file to begin with")
    request = Request(
        files=files or [folder],
        config=config,
        thresholds=thresholds,
        name=name,
        timeline=timeline,
        output=output,
        language=Language(language),
        colour=coloured(sys.stdout),
        timed=sys.stdout.isatty(),
    )
    tested = try_scenarios(request, os.environ, clock)
    click.echo(tested.text, nl=False)
    if junit is not None:
        save(junit, tested.junit)
    sys.exit(0 if tested.held else 1)
