"""What goes wrong when: a seed decides it, so that a run can be had again."""

import dataclasses
import random
from collections.abc import Mapping, Sequence
from enum import StrEnum

from callmon.clock import SECOND, Micros

__all__ = ["FULL_DISK", "MANY_FAULTS", "Fault", "Plan", "schedule"]


class Fault(StrEnum):
    """Something that goes wrong."""

    KILL = "kill"  #: kill -9 of callmon, and at once a new start
    BROKER_RESTART = "broker_restart"  #: SIGTERM, and after a moment a new start
    BROKER_KILL = "broker_kill"  #: kill -9, and after a moment a new start
    CUT = "cut"  #: of the connection between callmon and broker
    PUBLISHER_CUT = "publisher_cut"  #: of the connection between publisher and broker
    ROTATION = "rotation"  #: of the queue_log
    FULL = "full"  #: the disk, for a while
    FULL_KILL = "full_kill"  #: the same, with a kill -9 of callmon half way


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything."""

    seed: int = 1
    seconds: float  #: in which everything goes wrong
    rate: float  #: callers a second of each system
    events: int  #: so many at least are told before the drivers are stopped
    faults: Mapping[Fault, int]
    together: int = 0  #: so many of the faults come with a kill
    disk_megabytes: int = 0  #: 0: the journal lies on the common disk
    newer_broker: bool = False  #: not the system's own, which may send more than is asked for


MANY_FAULTS = Plan(
    seconds=200.0,
    rate=185.0,
    events=200_000,
    faults={
        Fault.KILL: 30,
        Fault.BROKER_RESTART: 3,
        Fault.BROKER_KILL: 2,
        Fault.CUT: 10,
        Fault.PUBLISHER_CUT: 3,
        Fault.ROTATION: 5,
    },
    together=7,
)
FULL_DISK = Plan(
    seconds=80.0,
    rate=120.0,
    events=40_000,
    faults={
        Fault.FULL: 1,
        Fault.FULL_KILL: 1,
        Fault.KILL: 3,
        Fault.CUT: 3,
        Fault.ROTATION: 1,
    },
    disk_megabytes=192,
    newer_broker=True,
)

CALM_S = 3.0
"""Before the first fault: everything is running."""

LAST = (Fault.FULL, Fault.FULL_KILL)
"""These are long: they have instants of their own."""


def schedule(plan: Plan) -> Sequence[tuple[Micros, Fault]]:
    """Return when what goes wrong, from the start of the traffic on."""
    chance = random.Random(plan.seed)
    kills = sorted(chance.uniform(CALM_S, plan.seconds) for _ in range(plan.faults[Fault.KILL]))
    planned = [(at, Fault.KILL) for at in kills]
    others = [
        fault
        for fault, count in plan.faults.items()
        if fault is not Fault.KILL and fault not in LAST
        for _ in range(count)
    ]
    chance.shuffle(others)
    for number, other in enumerate(others):
        at = chance.uniform(CALM_S, plan.seconds)
        if number < plan.together:
            at = chance.choice(kills) + chance.uniform(-0.3, 0.3)
        planned.append((at, other))
    long = [each for each in LAST for _ in range(plan.faults.get(each, 0))]
    for number, each in enumerate(long):
        planned.append((plan.seconds * (number + 0.25) / len(long), each))
    return [(int(at * SECOND), fault) for at, fault in sorted(planned)]
