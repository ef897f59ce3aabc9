#!/usr/bin/env python3
"""Writes docs/administrators/sample/queue_log.gz: four weeks of a made-up call centre.

The tutorial for administrators tries its thresholds on it. The same log comes out each time.
"""

import dataclasses
import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from callmon.clock import SECOND, Micros
from callmon.events import ContactJoined, ContactRefused, Event, RingNotAnswered
from callmon.feeds.call_centre import CallCentre, SimulatedQueue, Surge
from callmon.feeds.simulation import Simulation
from callmon.testing import queue_log_line

__all__ = ["SAMPLE", "sample_lines"]

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "docs" / "administrators" / "sample" / "queue_log.gz"

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = dt.date(2026, 10, 26)
DAYS = 28
MINUTE: Micros = 60 * SECOND
OPENS, CLOSES = 8, 20
SUNDAY = 6
LONGEST_CALL: Micros = 120 * MINUTE

SUPPORT = ("Ann", "Ben", "Cem", "Dan", "Eva")
SALES = ("Gao", "Hu")
QUEUES = (
    SimulatedQueue(
        name="support",
        agents=SUPPORT,
        calls_per_hour=25,
        patience=5 * MINUTE,
        key_exit=0.03,
    ),
    SimulatedQueue(name="sales", agents=(*SALES, *SUPPORT[3:]), calls_per_hour=10),
    SimulatedQueue(name="vip", agents=(*SALES, *SUPPORT[:2]), calls_per_hour=3, priority=1),
)


class Odd(NamedTuple):
    """What is out of the ordinary on one day."""

    surges: tuple[Surge, ...] = ()
    calls: float = 1.0  #: times the usual number
    absent: frozenset[str] = frozenset()  #: agents who are ill


def _surge(queue: str, hour: float, minutes: int, factor: float) -> Surge:
    at = int((hour - OPENS) * 60 * MINUTE)
    return Surge(queue=queue, at_offset=at, length=minutes * MINUTE, factor=factor)


ODD = {
    dt.date(2026, 10, 29): Odd(absent=frozenset(SUPPORT[3:])),
    dt.date(2026, 11, 4): Odd(surges=(_surge("support", 10.25, 35, 4.0),)),
    dt.date(2026, 11, 10): Odd(calls=1.25),
    dt.date(2026, 11, 11): Odd(calls=1.7, surges=(_surge("sales", 10.0, 45, 3.0),)),
    dt.date(2026, 11, 12): Odd(calls=1.25),
    dt.date(2026, 11, 19): Odd(surges=(_surge("support", 15.5, 25, 3.5),)),
}
WEEKEND = Odd(calls=0.3)


def sample_lines() -> Iterator[str]:
    """Yield the lines of the log, day after day."""
    for number in range(DAYS):
        day = FIRST + dt.timedelta(days=number)
        for event in _day(day, number):
            line = queue_log_line(event)
            if line is not None:
                yield line


def _day(day: dt.date, seed: int) -> Iterator[Event]:
    """Yield what happens on one day: who calls before it closes is still served."""
    opens, closes = (
        int(dt.datetime(day.year, day.month, day.day, hour, tzinfo=ZONE).timestamp()) * SECOND
        for hour in (OPENS, CLOSES)
    )
    odd = ODD.get(day, WEEKEND if day.weekday() == SUNDAY else Odd())
    served: set[str] = set()
    for event in Simulation(_centre(odd), seed=seed, start=opens, source="pbx").advance(
        closes + LONGEST_CALL
    ):
        if isinstance(event, ContactJoined) and event.at < closes:
            served.add(event.contact)
        if not isinstance(event, ContactRefused | RingNotAnswered) and _who(event) in served:
            yield event


def _who(event: Event) -> str:
    return getattr(event, "contact", "")


def _centre(odd: Odd) -> CallCentre:
    queues = tuple(
        dataclasses.replace(
            queue,
            agents=tuple(name for name in queue.agents if name not in odd.absent),
            calls_per_hour=queue.calls_per_hour * odd.calls,
        )
        for queue in QUEUES
    )
    return CallCentre(queues=queues, zone=ZONE, surges=odd.surges)


def main() -> None:
    """Write the log, packed; its head has no time, so equal logs are equal files."""
    SAMPLE.parent.mkdir(exist_ok=True)
    text = "".join(f"{line}\n" for line in sample_lines())
    SAMPLE.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
