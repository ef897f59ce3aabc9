"""How much of the agents' time went into what: levels over time, and their exact integrals.

A level is a number of agents. Each step says by how much the levels change from an instant
on; what lies between two instants is a difference of running totals, in agent-microseconds.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from callmon.clock import Micros

__all__ = ["Levels", "Workload", "WorkloadPart"]

_COMPACT_FROM = 4_096


class Levels(NamedTuple):
    """Agents, or the time of agents."""

    busy: int = 0
    ready: int = 0  #: at work and not paused
    wrapup: int = 0


class WorkloadPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A ``Workload`` in a checkpoint: its arrays as this machine has them."""

    at: bytes
    series: list[tuple[bytes, bytes]]


class Workload:
    """The levels of one subject through time, and how long they lasted."""

    __slots__ = ("_at", "_compact_at", "_horizon", "_series")

    def __init__(self, horizon: Callable[[Micros], Micros]) -> None:
        """*horizon* tells up to which instant nobody will ask any more."""
        self._horizon = horizon
        self._at = array("q")  #: when the levels changed
        #: of each kind the level from then on, and all its time until then
        self._series = tuple((array("q"), array("q")) for _ in Levels._fields)
        self._compact_at = _COMPACT_FROM

    def step(self, at: Micros, change: Levels) -> None:
        """Let the levels differ by *change* from *at* on; a late one is put in its place."""
        times = self._at
        if not times or at < times[-1]:
            self._insert(at, change)
            return
        passed = at - times[-1]
        if passed:
            times.append(at)
            for level, area in self._series:
                now = level[-1]
                area.append(area[-1] + now * passed)
                level.append(now)
        for (level, _), delta in zip(self._series, change):  # noqa: B905 - a third of the time
            level[-1] += delta
        if len(times) >= self._compact_at:
            self._compact(self._horizon(at))

    def _insert(self, at: Micros, change: Levels) -> None:
        """Put a step in its place, and correct what comes after it."""
        times = self._at
        place = bisect_right(times, at)
        if not place or times[place - 1] != at:
            for (level, area), now, spent in zip(
                self._series, self.levels(at), self.spent(at), strict=True
            ):
                level.insert(place, now)
                area.insert(place, spent)
            times.insert(place, at)
            place += 1
        for (level, area), delta in zip(self._series, change, strict=True):
            for index in range(place - 1, len(times)):
                level[index] += delta
                area[index] += delta * (times[index] - at)

    def levels(self, at: Micros) -> Levels:
        """Return the levels from *at* on."""
        place = bisect_right(self._at, at) - 1
        if place < 0:
            return Levels()
        return Levels(*(level[place] for level, _ in self._series))

    def spent(self, at: Micros) -> Levels:
        """Return the time spent until *at*, since an instant that stays the same."""
        place = bisect_right(self._at, at) - 1
        if place < 0:
            return Levels(*(area[0] for _, area in self._series)) if self._at else Levels()
        passed = at - self._at[place]
        return Levels(*(area[place] + level[place] * passed for level, area in self._series))

    def next_step(self, after: Micros) -> Micros | None:
        """Return when the levels next changed after an instant."""
        place = bisect_right(self._at, after)
        return self._at[place] if place < len(self._at) else None

    def part(self) -> WorkloadPart:
        """Return all that is held, for a checkpoint."""
        return WorkloadPart(
            self._at.tobytes(),
            [(level.tobytes(), area.tobytes()) for level, area in self._series],
        )

    def restore(self, part: WorkloadPart) -> None:
        """Hold what *part* says, and nothing else."""
        self._at = array("q", part.at)
        self._series = tuple(
            (array("q", level), array("q", area)) for level, area in part.series
        )
        self._compact_at = max(_COMPACT_FROM, 2 * len(self._at))

    def _compact(self, horizon: Micros) -> None:
        """Forget steps before *horizon*, but the one that holds there."""
        passed = bisect_right(self._at, horizon) - 1
        if passed > 0:
            del self._at[:passed]
            for level, area in self._series:
                del level[:passed], area[:passed]
        self._compact_at = max(_COMPACT_FROM, 2 * len(self._at))
