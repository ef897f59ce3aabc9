"""A large call centre for the benchmarks: its events, and its queue_log."""

from collections.abc import Iterator
from pathlib import Path

from callmon.clock import SECOND, Micros
from callmon.events import Event
from callmon.feeds.call_centre import CallCentre, SimulatedQueue
from callmon.feeds.simulation import Simulation
from callmon.testing import queue_log_line

__all__ = ["START", "events", "large_centre", "write_log"]

START: Micros = 1_790_000_000 * SECOND
STEP: Micros = 600 * SECOND


def large_centre(queues: int = 20, agents_each: int = 10) -> CallCentre:
    """Return a centre that is busy but not overrun: about one caller in ten gives up."""
    return CallCentre(
        queues=tuple(
            SimulatedQueue(
                name=f"queue{number:04d}",
                agents=tuple(f"PJSIP/{number * agents_each + a}" for a in range(agents_each)),
                calls_per_hour=agents_each * 14.0,
                timeout=300 * SECOND if number % 3 == 0 else None,
            )
            for number in range(queues)
        ),
        surges_per_day=10,
    )


def events(centre: CallCentre, seed: int = 42) -> Iterator[list[Event]]:
    """Yield the events of *centre*, without end, in batches."""
    simulation = Simulation(centre, seed=seed, start=START, source="bench")
    until = START
    while True:
        until += STEP
        yield simulation.advance(until)


def write_log(path: Path, lines: int, centre: CallCentre | None = None) -> None:
    """Write a queue_log of at least *lines* lines."""
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for batch in events(centre or large_centre()):
            told = [line for event in batch if (line := queue_log_line(event)) is not None]
            file.writelines(f"{line}\n" for line in told)
            written += len(told)
            if written >= lines:
                return
