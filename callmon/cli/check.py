"""``callmon check``: every mistake of the configuration, and what it comes to."""

# ruff: noqa: PLC0415 - imports inside commands are the point, see callmon.cli

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from callmon.cli.options import coloured, config_option, language_option

if TYPE_CHECKING:
    from callmon.sense import Asked, Findings
    from callmon.wording import Language

__all__ = ["FORMATS", "check"]

FORMATS = ("human", "json", "editor")


@click.command()
@click.argument(
    "thresholds",
    metavar="[THRESHOLDS]",
    required=False,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@config_option
@click.option(
    "--explain", metavar="QUEUE", help="In sentences: what wakes whom for this queue or group."
)
@language_option("Of what it tells; mistakes that stop it are told in English.")
@click.option(
    "--alertmanager",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The alertmanager.yml whose routes are looked at.  [default: one that stands beside]",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(FORMATS),
    default="human",
    show_default=True,
    help="editor: one line each, file:line:col: error: …",
)
@click.option("--strict", is_flag=True, help="A warning is a mistake: exit code 1.")
@click.option("--watch", "watched", is_flag=True, help="Again at each change, until stopped.")
def check(
    *,
    thresholds: Path | None,
    config: Path,
    explain: str | None,
    language: str,
    alertmanager: Path | None,
    output: str,
    strict: bool,
    watched: bool,
) -> None:
    """Find every mistake in the configuration, and explain it.

    Both files, callmon.yml and the thresholds it names, are checked in one pass: what is
    wrong, what makes no sense together, what never can fire. Without a mistake: what the
    thresholds come to for each queue and group.

    THRESHOLDS is a file to check in place of the one that callmon.yml names.
    """
    from callmon.clock import SystemClock
    from callmon.sense import Asked, examine, exit_code
    from callmon.wording import Language

    asked = Asked(
        config=config,
        thresholds=thresholds,
        alertmanager=alertmanager,
        explain=explain,
        language=Language(language),
    )
    if watched:
        sys.exit(_watch(asked, output, strict=strict))
    findings = examine(asked, os.environ, SystemClock().now())
    _show(findings, output, asked.language)
    sys.exit(exit_code(findings, strict=strict))


def _show(findings: "Findings", output: str, language: "Language") -> None:
    """Print *findings*; mistakes for people on standard error, all else on standard output."""
    from callmon.config import Level
    from callmon.sense import lines_of

    aside = output == "human" and findings.count(Level.ERROR) > 0
    stream = sys.stderr if aside else sys.stdout
    for line in lines_of(findings, output, colour=coloured(stream), language=language):
        click.echo(line, err=aside)


def _watch(asked: "Asked", output: str, *, strict: bool) -> int:
    """Check at each change until SIGINT; return the last exit code."""
    import asyncio

    from callmon.clock import SystemClock
    from callmon.sense import Findings, examine, exit_code, watch
    from callmon.sense.texts import TEXTS

    clock, code = SystemClock(), 0

    def show(findings: Findings) -> None:
        nonlocal code
        code = exit_code(findings, strict=strict)
        click.clear()  # does nothing where no terminal is
        _show(findings, output, asked.language)
        sys.stdout.flush()
        if sys.stdout.isatty():
            click.echo(TEXTS[asked.language]["again"], err=True)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(watch(lambda: examine(asked, os.environ, clock.now()), show, clock))
    return code
