"""What the simulator simulates: queues, surges, scripted callers, and the built-in centre."""

import dataclasses
import datetime as dt

from callmon.clock import SECOND, Micros
from callmon.feeds.settings import LongWait

__all__ = ["CallCentre", "SimulatedQueue", "Surge", "demo_centre"]

MINUTE: Micros = 60 * SECOND
CHINA = dt.timezone(dt.timedelta(hours=8), "CST")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedQueue:
    """One queue: how many call it, how long they bear it, who serves it."""

    name: str
    agents: tuple[str, ...]  #: may serve other queues, too; the first never goes off duty
    calls_per_hour: float  #: in the busiest hour; 0: only scripted callers
    talk: Micros = 4 * MINUTE  #: mean length of a conversation
    patience: Micros = 3 * MINUTE  #: mean time until a caller hangs up
    timeout: Micros | None = None  #: the queue sends a caller on after this long
    key_exit: float = 0.0  #: share of callers who would leave by key, not by hanging up
    capacity: int | None = None  #: more waiting callers are refused as ``full``
    priority: int = 0  #: agents take callers of higher priority first


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """*factor* times the busiest hour's calls, from start + *at_offset* for *length*."""

    queue: str
    at_offset: Micros
    length: Micros
    factor: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallCentre:
    """What to simulate."""

    queues: tuple[SimulatedQueue, ...]
    zone: dt.tzinfo = dt.UTC  #: whose hours the daily curve and lunch follow
    surges_per_day: float = 0.0  #: surges that come unasked, each in a queue drawn by lot
    surges: tuple[Surge, ...] = ()
    long_waits: tuple[LongWait, ...] = ()  #: callers whom no agent serves

    def __post_init__(self) -> None:
        """Refuse a script for a queue that is not simulated."""
        names = [queue.name for queue in self.queues]
        if len(set(names)) != len(names):
            raise ValueError(f"simulated queues: expected different names, found {names}")
        scripted = (
            *(surge.queue for surge in self.surges),
            *(w.queue for w in self.long_waits),
        )
        unknown = [name for name in scripted if name not in names]
        if unknown:
            raise ValueError(
                f"surges and long waits: expected queues out of {', '.join(names)}, "
                f"found {unknown}"
            )


def demo_centre(zone: dt.tzinfo = CHINA) -> CallCentre:
    """Return the built-in centre: six queues, three teams who help each other out.

    Its first minute is worth watching: *support* is in the middle of a surge, and in 投诉
    (complaints) a caller who has waited 20 s will wait until 75 s.
    """
    support, sales, care = _team("support", 11), _team("sales", 8), _team("care", 10)
    return CallCentre(
        zone=zone,
        surges_per_day=20,
        surges=(
            Surge(queue="support", at_offset=-90 * SECOND, length=150 * SECOND, factor=4.0),
        ),
        long_waits=(LongWait(queue="投诉", after=-20 * SECOND, wait=75 * SECOND),),
        queues=(
            SimulatedQueue(
                name="support",
                agents=(*support, *care[5:]),
                calls_per_hour=120,
                patience=4 * MINUTE,
                key_exit=0.05,
            ),
            SimulatedQueue(
                name="sales",
                agents=sales,
                calls_per_hour=65,
                talk=5 * MINUTE,
                patience=2 * MINUTE,
                capacity=8,
            ),
            SimulatedQueue(name="billing", agents=care, calls_per_hour=50, timeout=3 * MINUTE),
            SimulatedQueue(
                name="vip",
                agents=(*sales[:4], *support[:4]),
                calls_per_hour=14,
                talk=6 * MINUTE,
                patience=4 * MINUTE,
                timeout=90 * SECOND,
                priority=1,
            ),
            SimulatedQueue(
                name="投诉",
                agents=care,
                calls_per_hour=30,
                talk=6 * MINUTE,
                patience=5 * MINUTE,
            ),
            SimulatedQueue(
                name="退换货",
                agents=(*care[:4], *sales[4:]),
                calls_per_hour=35,
                talk=3 * MINUTE,
                key_exit=0.1,
            ),
        ),
    )


def _team(name: str, size: int) -> tuple[str, ...]:
    return tuple(f"{name}-{number:02d}" for number in range(1, size + 1))
