"""Callers of a made-up call centre, step by step, as their telephone system would tell of them.

One seed, one story. Two systems have the same callers and different words: ``pbx`` writes a
queue_log, ``acd`` publishes messages. What happened is the truth that callmon must count.
"""

import dataclasses
import heapq
import itertools
import random
from collections.abc import Iterator, Sequence

from callmon.clock import SECOND, Micros

__all__ = ["ACD", "PBX", "Centre", "Kind", "Step", "Traffic"]

MILLISECOND: Micros = SECOND // 1_000

Kind = str
"""``joined``, ``rang``, ``answered``, ``left``, ``ended`` or ``refused``."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened to one caller. Lengths are what the system itself says."""

    at: Micros
    kind: Kind
    queue: str
    contact: str
    agent: str = ""
    word: str = ""  #: outcome, reason of a refusal, or who ended the talk
    length: Micros | None = None  #: of the wait, the ringing or the talk


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """What is particular about one system."""

    name: str
    queues: tuple[str, ...]
    ends: tuple[tuple[str, int], ...]  #: how waiting ends, and of a hundred how many do
    grain: Micros  #: of its time stamps
    without_length: frozenset[str] = frozenset()  #: ends of which it says no wait


ENDS = (("answered", 62), ("abandoned", 14), ("timeout", 8), ("key_exit", 6), ("empty", 4))

PBX = Centre(
    name="pbx",
    queues=("sales", "support", "billing"),
    ends=(*ENDS, ("withdrawn", 3), ("failed", 3)),
    grain=SECOND,
    without_length=frozenset({"failed"}),
)
ACD = Centre(
    name="acd",
    queues=("chat", "orders", "returns"),
    ends=(*ENDS, ("withdrawn", 2), ("failed", 2), ("redirected", 2)),
    grain=MILLISECOND,
)

LONGEST_WAIT: Micros = 6 * SECOND
LONGEST_TALK: Micros = 5 * SECOND
COMES_AGAIN = 0.06
"""Of those who left without an agent: joins a queue once more under the same id."""

IS_REFUSED = 0.02
IS_RUNG = 0.25


class Traffic:
    """Callers who come by chance, *rate* a second, until nobody is let in any more."""

    def __init__(self, centre: Centre, *, seed: int, rate: float, start: Micros) -> None:
        self.centre = centre
        self.callers = 0
        self._chance = random.Random(f"{centre.name} {seed}")
        self._rate = rate
        self._next: Micros | None = start
        self._begun = start // SECOND
        self._order = itertools.count()
        self._planned: list[tuple[Micros, int, Step]] = []

    @property
    def over(self) -> bool:
        """Whether nothing will happen any more."""
        return self._next is None and not self._planned

    def close(self) -> None:
        """Let nobody in from now on; who is there goes through with it."""
        self._next = None

    def until(self, now: Micros) -> Sequence[Step]:
        """Return what has happened up to *now* and was not told before, in order."""
        while self._next is not None and self._next <= now:
            self._call(self._next)
            self._next += max(1, int(self._chance.expovariate(self._rate) * SECOND))
        happened = []
        while self._planned and self._planned[0][0] <= now:
            happened.append(heapq.heappop(self._planned)[2])
        return happened

    def _call(self, at: Micros) -> None:
        chance = self._chance
        self.callers += 1
        contact = f"{self._begun}.{self.callers}"
        while True:
            queue = chance.choice(self.centre.queues)
            *_, last = steps = list(self._visit(at, queue, contact))
            for step in steps:
                heapq.heappush(self._planned, (step.at, next(self._order), step))
            if last.kind == "ended" or chance.random() >= COMES_AGAIN:
                return
            # The same id in the same second again is a story of its own, told by unit tests.
            at = last.at + chance.randint(3 * SECOND, 4 * SECOND)

    def _visit(self, at: Micros, queue: str, contact: str) -> Iterator[Step]:
        chance = self._chance

        def step(at: Micros, kind: Kind, **more: object) -> Step:
            return Step(at=at, kind=kind, queue=queue, contact=contact, **more)  # type: ignore[arg-type]  # by name

        if chance.random() < IS_REFUSED:
            yield step(at, "refused", word=chance.choice(("full", "join_empty")))
            return
        yield step(at, "joined")
        end = at + chance.randrange(LONGEST_WAIT)
        agent = f"SIP/{chance.randint(100, 140)}"
        if chance.random() < IS_RUNG and end - at > SECOND:
            ring = chance.randrange(1_000, 60_000, 1_000) * MILLISECOND
            yield step(chance.randrange(at, end), "rang", agent=agent, length=ring)
        (outcome,) = chance.choices(*zip(*self.centre.ends, strict=True))
        told = outcome not in self.centre.without_length
        wait = self._length(at, end) if told else None
        if outcome != "answered":
            yield step(end, "left", word=outcome, length=wait)
            return
        yield step(end, "answered", agent=agent, word=outcome, length=wait)
        over = end + chance.randrange(LONGEST_TALK)
        ended_by = chance.choice(("caller", "agent", "transfer"))
        talk = self._length(end, over)
        yield step(over, "ended", agent=agent, word=ended_by, length=talk)

    def _length(self, begin: Micros, end: Micros) -> Micros:
        """Return the length as the system measures it: by its own time stamps."""
        grain = self.centre.grain
        return (end // grain - begin // grain) * grain
