"""Feed ``simulator``: a made-up call centre in real or accelerated time.

``demo``, tests and benchmarks run on it. What is simulated stands in ``call_centre``, how
in ``simulation``; here is the feed that tells that history as our clock goes on.
"""

import dataclasses
import math
from collections.abc import Sequence

from callmon.clock import SECOND, Clock, Micros
from callmon.errors import FeedError, FeedReason
from callmon.events import Event, SourceRestarted
from callmon.feeds.base import FeedContext
from callmon.feeds.call_centre import CallCentre, demo_centre
from callmon.feeds.settings import SimulatorSettings
from callmon.feeds.simulation import Simulation

__all__ = ["AcceleratedClock", "SimulatorFeed"]

WARM_UP: Micros = 2 * 3600 * SECOND
"""The history told at the start, so that windows and the day's figures begin full."""

STEP: Micros = SECOND // 10
"""Longest sleep between two looks at the clock: a wall clock that is set is noticed."""

SHORTEST_STEP: Micros = SECOND // 1_000
"""Events closer together than this leave in one batch, whatever the speed."""

LEAP: Micros = 600 * SECOND
"""Most simulated time worked out between two turns of the event loop."""


class AcceleratedClock:
    """*clock*, running *speed* times as fast from the moment of construction."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._now = clock.now()
        self._monotonic = clock.monotonic()

    def now(self) -> Micros:
        """Return the accelerated wall time; with speed 1 the clock's own."""
        return self._now + self._stretched(self._clock.now() - self._now)

    def monotonic(self) -> Micros:
        """Return the accelerated monotonic time."""
        return self._monotonic + self._stretched(self._clock.monotonic() - self._monotonic)

    async def sleep(self, delay: Micros) -> None:
        """Return after *delay* of accelerated time, *delay* / speed of the clock's."""
        await self._clock.sleep(max(1, round(delay / self._speed)))

    def _stretched(self, elapsed: Micros) -> Micros:
        return elapsed if self._speed == 1.0 else round(elapsed * self._speed)


class SimulatorFeed:
    """Emits the events of a simulated centre as they come due.

    The last two hours come first, at once; then the feed is up. A restart goes on where
    the stored position ends, with a new house: whoever was in it is gone. The agents of a
    house that this very feed told of leave it by an event each; those of a feed before it
    nobody remembers.

    ``at`` is simulated time: our own clock's with speed 1. With another speed it runs away
    from our clock, and whoever judges ``at`` must take ``clock`` of this feed for now.
    """

    def __init__(
        self,
        settings: SimulatorSettings,
        context: FeedContext,
        centre: CallCentre | None = None,
    ) -> None:
        self.name = settings.name
        self.source = settings.source
        self.clock = AcceleratedClock(context.clock, settings.speed)
        self._settings = settings
        self._context = context
        self._centre = centre or demo_centre()
        self._position = context.resume
        self._house: Simulation | None = None  #: what ran until it crashed

    async def run(self) -> None:
        """Run until cancelled.

        Raises:
            FeedError: the settings ask for what the centre cannot do; no retry.
        """
        try:
            centre = _chosen(self._centre, self._settings)
        except ValueError as error:
            text = f"feed {self.name}: {error}"
            raise FeedError(FeedReason.MISSING, text, retry=False) from error
        told, simulation = self._begin(centre)
        self._house = simulation
        seen = False
        while True:
            now = self.clock.now()
            told = min(now, told + LEAP)
            self._tell(simulation.advance(told), told)
            if told < now:
                await self.clock.sleep(0)
                await self._context.room()
                continue
            if not seen:
                seen = True
                text = f"simulating {len(centre.queues)} queues"
                self._context.up(True, text)  # noqa: FBT003  # the contract's own signature
            self._context.current(self._context.clock.now())
            await self._wait(simulation.next_at - now)

    def _begin(self, centre: CallCentre) -> tuple[Micros, Simulation]:
        """Return where the telling begins and the history from there."""
        now, resume, warm_up = self.clock.now(), self._position, WARM_UP
        if resume is not None:
            warm_up = min(max(now - int(resume["at"]), 0), WARM_UP)
            restarted = SourceRestarted(now - warm_up, self.source, now - warm_up)
            leaving = [] if self._house is None else self._house.close(restarted.at)
            self._tell([*leaving, restarted], restarted.at)
        simulation = Simulation(
            centre,
            seed=self._settings.seed,
            start=now,
            warm_up=warm_up,
            source=self.source,
            agents=True,
        )
        return now - warm_up, simulation

    def _tell(self, events: Sequence[Event], until: Micros) -> None:
        if events:
            self._position = {"at": until}
            self._context.emit(events, self._position)

    async def _wait(self, delay: Micros) -> None:
        speed = self._settings.speed
        longest, shortest = round(STEP * speed), round(SHORTEST_STEP * speed)
        await self.clock.sleep(min(max(delay, shortest), longest))


def _chosen(centre: CallCentre, settings: SimulatorSettings) -> CallCentre:
    """Return *centre* with the queues that *settings* chooses and the caller it orders.

    Raises:
        ValueError: a queue is named that the centre does not have, or time would stand.
    """
    if not 0 < settings.speed < math.inf:
        raise ValueError(f"speed: expected a number above 0, found {settings.speed}")
    known = {queue.name: queue for queue in centre.queues}
    names = tuple(known) if settings.queues is None else settings.queues
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"queues: expected some of {', '.join(known)}, found {unknown}")
    ordered = () if settings.long_wait is None else (settings.long_wait,)
    return dataclasses.replace(
        centre,
        queues=tuple(known[name] for name in names),
        surges=tuple(surge for surge in centre.surges if surge.queue in names),
        long_waits=(*(wait for wait in centre.long_waits if wait.queue in names), *ordered),
    )
