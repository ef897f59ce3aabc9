"""Where the live table goes: a terminal, repainted in place, or a stream of lines."""

import contextlib
from collections.abc import Callable, Sequence
from typing import TextIO

from callmon.clock import SECOND, Clock, Micros
from callmon.console.table import Painter, render
from callmon.console.view import ConsoleAlert, ConsoleView
from callmon.wording import Language

__all__ = ["show"]

REPAINT: Micros = SECOND
SUMMARY_EVERY: Micros = 10 * SECOND
"""Without a terminal: how often a line sums up; alerts are written as they come."""


async def show(
    take: Callable[[], ConsoleView],
    out: TextIO,
    clock: Clock,
    *,
    size: Callable[[], tuple[int, int]],
    colour: bool,
    language: Language,
) -> None:
    """Show what *take* returns, once a second, until cancelled or nobody watches any more.

    *size* is asked for (columns, lines) before each repaint. Where *out* is no terminal,
    alerts are written as lines when they come, and a summary line every ten seconds.
    """
    with contextlib.suppress(OSError):  # the terminal was closed, or the pipe's reader left
        if out.isatty():
            await _repaint(take, out, clock, size, colour=colour, language=language)
        else:
            await _write_lines(take, out, clock, language)


async def _repaint(
    take: Callable[[], ConsoleView],
    out: TextIO,
    clock: Clock,
    size: Callable[[], tuple[int, int]],
    *,
    colour: bool,
    language: Language,
) -> None:
    out.write("\x1b[?25l\x1b[?7l\x1b[2J")  # hide the cursor, do not wrap, clear
    try:
        while True:
            width, height = size()
            text = render(take(), width=width, height=height, colour=colour, language=language)
            out.write("\x1b[H" + text.replace("\n", "\x1b[K\n") + "\x1b[K\x1b[J")
            out.flush()
            await clock.sleep(REPAINT)
    finally:
        out.write("\x1b[?7h\x1b[?25h\n")
        out.flush()


async def _write_lines(
    take: Callable[[], ConsoleView], out: TextIO, clock: Clock, language: Language
) -> None:
    paint = Painter(0, colour=False, language=language)
    lines = paint.addresses(take().addresses)
    known: Sequence[ConsoleAlert] = ()
    summary_due = clock.monotonic()
    while True:
        view = take()
        lines += [paint.alert(alert, view.zone) for alert in view.alerts if alert not in known]
        known = tuple(view.alerts)
        if clock.monotonic() >= summary_due:
            summary_due += SUMMARY_EVERY
            lines.append(paint.summary(view))
        out.writelines(f"{line}\n" for line in lines)
        out.flush()
        lines = []
        await clock.sleep(REPAINT)
