"""Where the live table goes: repainted in a terminal, lines elsewhere."""

import dataclasses
import io
from collections.abc import Callable
from datetime import UTC
from fractions import Fraction

import anyio
import pytest

from callmon.clock import SECOND
from callmon.console import AlertNews, ConsoleAlert, ConsoleRow, ConsoleView, show
from callmon.rules import Severity
from callmon.testing import ManualClock
from callmon.wording import Language

ROW = ConsoleRow(
    name="投诉",
    waiting=2,
    longest_wait=192 * SECOND,
    waiting_over_target=1,
    talking=0,
    available=1,
    staffed=5,
    answered=3,
    offered=4,
    abandonment_rate=Fraction(1, 4),
    service_level=None,
)
ALERT = ConsoleAlert(
    at=1_700_000_001 * SECOND,
    news=AlertNews.FIRED,
    severity=Severity.WARNING,
    summary="投诉: waits",
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


class ClosedPipe(io.StringIO):
    """A stream whose reader left."""

    def flush(self) -> None:
        """Fail as a pipe does."""
        raise BrokenPipeError


def view_at(clock: ManualClock, *alerts: ConsoleAlert) -> ConsoleView:
    """Return a view of one queue."""
    return ConsoleView(
        now=clock.now(),
        zone=UTC,
        rows=(ROW,),
        sources=(),
        alerts=alerts,
        addresses=(("metrics", "http://127.0.0.1:9877/metrics"),),
        available=3,
        staffed=7,
    )


async def show_for(
    seconds: int, clock: ManualClock, out: io.StringIO, take: Callable[[], ConsoleView]
) -> None:
    """Run ``show`` for *seconds*."""

    async def run() -> None:
        await show(
            take,
            out,
            clock,
            size=lambda: (80, 24),
            colour=False,
            language=Language.ENGLISH,
        )

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await clock.advance(seconds * SECOND)
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_terminal_is_repainted_each_second() -> None:
    """Each second goes home and overwrites; at the end the cursor and wrapping are back."""
    clock, out = ManualClock(), Terminal()

    await show_for(3, clock, out, lambda: view_at(clock))

    frames = out.getvalue().split("\x1b[H")
    assert "\x1b[?25l\x1b[?7l\x1b[2J" == frames[0]
    assert [f"22:13:{second}" for second in (20, 21, 22, 23)] == [
        frame.split()[2] for frame in frames[1:]
    ]
    assert frames[-1].endswith("\x1b[K\x1b[J\x1b[?7h\x1b[?25h\n")
    assert all(line.endswith("\x1b[K") for line in frames[1].split("\n")[:-1])


@pytest.mark.anyio
async def test_a_pipe_gets_alerts_at_once_and_a_summary_every_ten_seconds() -> None:
    """Plain lines without control characters, each alert once."""
    clock, out = ManualClock(1_700_000_000 * SECOND), io.StringIO()
    ended = dataclasses.replace(ALERT, at=ALERT.at + 3 * SECOND, news=AlertNews.ENDED)

    def take() -> ConsoleView:
        known = [alert for alert in (ALERT, ended) if alert.at <= clock.now()]
        return view_at(clock, *known)

    await show_for(11, clock, out, take)

    expected = """\
metrics http://127.0.0.1:9877/metrics
22:13:20  Waiting 2  Longest 3:12 (投诉)  Free 3/7  Firing 0
22:13:21  ◆ fired warning  投诉: waits
22:13:24  ✓ ended warning  投诉: waits
22:13:30  Waiting 2  Longest 3:12 (投诉)  Free 3/7  Firing 0
"""
    assert expected == out.getvalue()


@pytest.mark.anyio
async def test_a_summary_of_nothing_known_has_no_zero() -> None:
    """While every queue is blind the line shows dashes."""
    clock, out = ManualClock(), io.StringIO()
    blind = dataclasses.replace(ROW, waiting=None, longest_wait=None)
    view = dataclasses.replace(view_at(clock), rows=(blind,), available=None, staffed=None)

    await show_for(1, clock, out, lambda: view)

    assert out.getvalue().endswith("Waiting –  Longest –  Free –  Firing 0\n")


@pytest.mark.anyio
async def test_it_ends_when_nobody_watches() -> None:
    """A closed pipe is no error: ``show`` returns."""
    clock = ManualClock()
    await show(
        lambda: view_at(clock),
        ClosedPipe(),
        clock,
        size=lambda: (80, 24),
        colour=False,
        language=Language.ENGLISH,
    )
