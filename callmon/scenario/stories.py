"""For each measure, a short story of calls that brings it just beyond a limit. Pure.

A story is what is written under ``steps:`` but for what is expected; ``example`` plays it
and adds that. Where no short story does it, there is none: better none than a wrong one.
"""

import dataclasses
import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Final

from callmon.clock import SECOND, Micros
from callmon.config.values import format_duration
from callmon.queues import Targets
from callmon.rules import Direction, Limits
from callmon.thresholds import wilson

__all__ = ["Plot", "story_of"]

MAX_CALLERS: Final = 400
"""More than these are no short story."""

MINUTE: Final[Micros] = 60 * SECOND


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What a story is to bring about."""

    measure: str
    limits: Limits
    targets: Targets
    length: Micros  #: of the window; an hour where there is none, or it is the whole day
    begin: dt.datetime  #: by the wall clock
    queue: str  #: as a sentence writes it

    @property
    def above(self) -> bool:
        """Whether the limit is to be exceeded."""
        return self.limits.direction is Direction.ABOVE

    def time(self, after: Micros) -> str:
        """Return the time so long after the beginning."""
        wall = self.begin + dt.timedelta(microseconds=after)
        return f"{wall:%H:%M:%S}"

    def callers(self, number: int, does: str) -> str:
        """Return a sentence about so many callers over half of the window."""
        who = f"{number} callers join" if number > 1 else "1 caller joins"
        if number == 1:
            return f"at {self.time(0)} {who} {self.queue} and {does}"
        span = self.span(0, self.length // 2, number)
        return f"{span} {who} {self.queue} and {does}"

    def span(self, since: Micros, length: Micros, number: int) -> str:
        """Return no more than *length* from *since* on, with a whole second for each."""
        step = max(length // number // SECOND, 1) * SECOND
        return f"between {self.time(since)} and {self.time(since + number * step)}"


Story = Callable[[Plot], Iterator[str]]


def story_of(plot: Plot) -> list[str]:
    """Return the sentences; none where there is no story for the measure and the limit."""
    story = _STORIES.get(plot.measure)
    return [] if story is None else list(story(plot))


def _longest_wait(plot: Plot) -> Iterator[str]:
    if plot.above:
        yield f"at {plot.time(0)} caller 1 joins {plot.queue}"
        answered = int(plot.limits.limit) + plot.limits.hold + MINUTE
        yield f"at {plot.time(answered)} caller 1 is answered"


def _waiting(plot: Plot) -> Iterator[str]:
    number = _more(plot)
    if number:
        over = plot.targets.within if plot.measure == "waiting_over_target" else 0
        after = format_duration(over + plot.limits.hold + 2 * MINUTE)
        join = f"at {plot.time(0)} {_join(number)} {plot.queue}"
        yield f"{join} and {_be(number)} answered after {after}"


def _talking(plot: Plot) -> Iterator[str]:
    number = _more(plot)
    if number:
        yield (
            f"at {plot.time(0)} {_join(number)} {plot.queue}"
            f" and {_be(number)} answered after 5s and {_s(number, 'talk')} for 10m"
        )


def _counted(does: str) -> Story:
    def story(plot: Plot) -> Iterator[str]:
        number = _more(plot)
        if number:
            yield plot.callers(number, _conjugated(does, number))

    return story


def _shared(bad: str, good: str) -> Story:
    """Return the story of a share: first those who lower it, then those who raise it."""

    def story(plot: Plot) -> Iterator[str]:
        number, counted = _mixture(plot)
        if not number:
            return
        raising, lowering = (counted, number - counted)
        first, second = (good, bad) if plot.above else (bad, good)
        few, many = (lowering, raising) if plot.above else (raising, lowering)
        half = plot.length // 4
        for count, does, since in ((few, first, 0), (many, second, half)):
            if count == 1:
                yield f"at {plot.time(since)} 1 caller joins {plot.queue} and {does}"
            elif count:
                span = plot.span(since, half, count)
                yield f"{span} {_join(count)} {plot.queue} and {_conjugated(does, count)}"

    return story


def _service_level(plot: Plot) -> Iterator[str]:
    late = f"is answered after {format_duration(plot.targets.within + 10 * SECOND)}"
    soon = f"is answered after {format_duration(plot.targets.within // 2)}"
    yield from _shared(soon, late)(plot)


def _waited(plot: Plot) -> Iterator[str]:
    number = max(plot.limits.at_least, 1)
    step = SECOND if plot.above else -SECOND
    wait = int(plot.limits.limit) + step
    if number <= MAX_CALLERS and wait > 0:
        who = _conjugated(f"is answered after {format_duration(wait)}", number)
        yield plot.callers(number, who)


def _talked(plot: Plot) -> Iterator[str]:
    number = max(plot.limits.at_least, 1)
    talk = int(plot.limits.limit) + (SECOND if plot.above else -SECOND)
    if number <= MAX_CALLERS and talk > 0:
        does = f"is answered after 5s and talks for {format_duration(talk)}"
        yield plot.callers(number, _conjugated(does, number))


def _more(plot: Plot) -> int:
    """Return the least number above the limit; 0: not in a short story."""
    number = math.floor(plot.limits.limit) + 1
    number = max(number, plot.limits.at_least)
    return number if plot.above and number <= MAX_CALLERS else 0


def _mixture(plot: Plot) -> tuple[int, int]:
    """Return how many contacts, and how many of them in the numerator, just breach."""
    limits = plot.limits
    for number in range(max(limits.at_least, 5), MAX_CALLERS + 1):
        counts = range(number + 1) if plot.above else range(number, -1, -1)
        for counted in counts:
            if _breaches(limits, counted, number, above=plot.above):
                return number, counted
    return 0, 0


def _breaches(limits: Limits, counted: int, number: int, *, above: bool) -> bool:
    share = Fraction(counted, number)
    if not (share > limits.limit if above else share < limits.limit):
        return False
    if limits.confidence is None:
        return True
    low, high = wilson(counted, number, limits.confidence)
    return low > limits.limit if above else high < limits.limit


def _agents(plot: Plot) -> Iterator[str]:
    """Fewer agents free than wanted: they all work, and one pauses."""
    wanted = math.ceil(plot.limits.limit)
    if plot.above or not 0 < wanted <= MAX_CALLERS:
        return
    crew = "agent 1 logs" if wanted == 1 else f"agents 1 to {wanted} log"
    yield f"at {plot.time(0)} {crew} in to {plot.queue}"
    gone = "logs out" if plot.measure == "agents_staffed" else "pauses"
    yield f"at {plot.time(MINUTE)} agent 1 {gone}"


def _unserved(plot: Plot) -> Iterator[str]:
    number = _more(plot)
    if number:
        crew = "agent 1 logs" if number == 1 else f"agents 1 to {number} log"
        yield f"at {plot.time(0)} {crew} in to {plot.queue}"
        yield f"at {plot.time(MINUTE)} {_join(number)} {plot.queue}"


def _join(number: int) -> str:
    return "1 caller joins" if number == 1 else f"{number} callers join"


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _s(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _conjugated(does: str, number: int) -> str:
    """Return *does*, which is of one caller, for *number* of them."""
    if number == 1:
        return does
    for one, many in _MANY:
        does = does.replace(one, many)
    return does


_MANY: Final = (
    ("is answered", "are answered"),
    ("is redirected", "are redirected"),
    ("is withdrawn", "are withdrawn"),
    ("hangs up", "hang up"),
    ("times out", "time out"),
    ("talks", "talk"),
    ("presses", "press"),
    ("finds", "find"),
)

_HANGS_UP: Final = "hangs up after 30s"
_ANSWERED: Final = "is answered after 5s"
_TIMES_OUT: Final = "times out after 30s"

_STORIES: Final[Mapping[str, Story]] = {
    "longest_wait": _longest_wait,
    "waiting": _waiting,
    "waiting_over_target": _waiting,
    "talking": _talking,
    "arrived": _counted(_ANSWERED),
    "offered": _counted(_ANSWERED),
    "answered": _counted(_ANSWERED),
    "abandoned": _counted(_HANGS_UP),
    "timeout": _counted(_TIMES_OUT),
    "key_exit": _counted("presses a key after 30s"),
    "empty": _counted("finds no agent after 30s"),
    "failed": _counted("cannot be connected after 30s"),
    "redirected": _counted("is redirected after 30s"),
    "withdrawn": _counted("is withdrawn after 30s"),
    "abandonment_rate": _shared(_HANGS_UP, _ANSWERED),
    "overflow_rate": _shared(_TIMES_OUT, _ANSWERED),
    "answer_rate": _shared(_ANSWERED, _HANGS_UP),
    "service_level": _service_level,
    "service_level_now": _service_level,
    **dict.fromkeys(("average_wait", "p50_wait", "p90_wait", "p95_wait", "max_wait"), _waited),
    "average_talk": _talked,
    **dict.fromkeys(("agents_staffed", "agents_available"), _agents),
    "unserved": _unserved,
}
