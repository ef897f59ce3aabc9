"""What commands have in common: options, kinds of values, a progress bar, errors."""

# ruff: noqa: PLC0415 - imports inside functions keep the start quick, see callmon.cli

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from callmon.errors import CallmonError, ConfigError

__all__ = [
    "CONFIG",
    "DURATION",
    "LABEL",
    "PERIOD",
    "TIMEZONE",
    "Commands",
    "Value",
    "bar",
    "coloured",
    "config_option",
    "language_option",
    "no_bar",
    "print_problems",
    "refusals",
]

Command = TypeVar("Command", bound=Callable[..., Any])
"""A function that becomes a command."""

CONFIG = Path("config/callmon.yml")


class Commands(click.Group):
    """Commands in the order in which one meets them; errors of callmon in one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names as they were added."""
        del ctx
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run one; what it raises on purpose is a line, and exit code 1."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            print_problems(error)
        except CallmonError as error:
            click.echo(f"callmon: {error}", err=True)
        return ctx.exit(1)


class Value(click.ParamType[Any]):
    """A value as the configuration files write it."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return what the text means."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


def _duration(text: str) -> int:
    from callmon.config.values import duration

    return duration(text)


def _period(text: str) -> int:
    from callmon.replay import period_length

    return period_length(text)


def _timezone(text: str) -> str:
    from callmon.config.values import timezone

    return timezone(text)


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise ValueError("expected KEY=VALUE, such as team=sales")
    return key, value


DURATION = Value("duration", _duration)
LABEL = Value("label", _label)
PERIOD = Value("period", _period)
TIMEZONE = Value("zone", _timezone)

config_option = click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    default=CONFIG,
    show_default=True,
    help="The callmon.yml to use.",
)


@contextlib.contextmanager
def bar(length: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error, if that is a terminal."""
    with click.progressbar(
        length=length, label="reading", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        yield bar.update


@contextlib.contextmanager
def no_bar(_length: int) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    yield lambda _read: None


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Say in one line why there is no answer, and end; what makes no sense is wrong usage."""
    from callmon.replay import NothingFoundError, WrongRequestError

    try:
        yield
    except NothingFoundError as error:
        click.echo(f"callmon: {error}", err=True)
        sys.exit(1)
    except WrongRequestError as error:
        raise click.UsageError(str(error)) from error


def coloured(stream: TextIO) -> bool:
    """Tell whether colours are seen, and wanted, where *stream* goes."""
    return stream.isatty() and "NO_COLOR" not in os.environ


def language_option(text: str | None = None) -> Callable[[Command], Command]:
    """Return the option that asks for a language; *text* says of what."""
    return click.option(
        "--lang",
        "--language",
        "language",
        type=click.Choice(["en", "zh-CN"]),
        default="en",
        show_default=True,
        help=text,
    )


def print_problems(error: ConfigError) -> None:
    """Show the mistakes of a configuration on standard error."""
    from callmon.config import printed

    colour = coloured(sys.stderr)
    for line in printed(error.problems, colour=colour):
        click.echo(line, err=True)
    count = len(error.problems)
    click.echo(f"{count} mistake{'s' if count != 1 else ''}", err=True)
