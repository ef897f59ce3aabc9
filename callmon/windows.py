"""Exact sliding windows over event time.

One ``SampleLog`` per subject holds what happened, ordered by time: contacts arrived, waits
ended, talks ended. Any number of ``Window`` objects read it, each with two indices and a
row of totals. An event costs a few appends, whatever the number of windows; a window
catches up when somebody asks.

The end of a wait is a sample (at, code, wait). The code packs outcome, "within the
target", "short" and "wait unknown", so that one row of counters answers every measure.
"""

import datetime as dt
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

import msgspec

from callmon.clock import SECOND, Micros
from callmon.events import Outcome

__all__ = [
    "CODES",
    "FLAGS",
    "SHORT",
    "UNKNOWN",
    "WITHIN",
    "LocalDay",
    "SampleLog",
    "SamplesPart",
    "Window",
]

FLAGS = 8
"""Codes per outcome: outcome * FLAGS + WITHIN? + SHORT? + UNKNOWN?"""
WITHIN, SHORT, UNKNOWN = 1, 2, 4
CODES = len(Outcome) * FLAGS

_WAITED = Outcome.TIMEOUT * FLAGS
"""Codes below this are answered or abandoned: what the wait percentiles are taken over."""
_OFFERED = Outcome.REDIRECTED * FLAGS
_COMPACT_FROM = 4_096
_FEW = 16

_NO_CODES = [0] * CODES
_NO_OUTCOMES = [0] * len(Outcome)
"""What windows that hold nothing share: most of a quiet queue's memory would be zeros."""


class LocalDay:
    """Local midnights of one time zone, for the window ``today``."""

    def __init__(self, zone: dt.tzinfo) -> None:
        self._zone = zone
        self._start: Micros = 0
        self._end: Micros = 0

    def start(self, now: Micros) -> Micros:
        """Return the local midnight at or before *now*."""
        if not self._start <= now < self._end:
            today = dt.datetime.fromtimestamp(now // SECOND, self._zone).date()
            tomorrow = today + dt.timedelta(days=1)
            self._start = self._midnight(today)
            self._end = self._midnight(tomorrow)
            if self._end <= now:
                # Clocks went back over midnight into the old day, which ends a second time.
                self._end = self._midnight(tomorrow, fold=1)
        return self._start

    def end(self, now: Micros) -> Micros:
        """Return the first local midnight after *now*."""
        self.start(now)
        return self._end

    def _midnight(self, day: dt.date, fold: int = 0) -> Micros:
        # Where clocks change at midnight, fold=0 gives the first instant of the new day.
        local = dt.datetime.combine(day, dt.time(fold=fold), self._zone)
        return int(local.timestamp()) * SECOND


class SamplesPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a ``SampleLog`` holds, for a checkpoint: its arrays as this machine has them."""

    arrivals: bytes
    at: bytes
    codes: bytes
    waits: bytes
    talks_at: bytes
    talks: bytes
    forgotten: int
    talks_forgotten: Micros
    last: Micros
    last_arrival: Micros


class SampleLog:
    """What happened on one subject, oldest first.

    Talks are kept as running totals: what lies between two instants is a difference.
    """

    __slots__ = (
        "_compact_at",
        "_last",
        "_last_arrival",
        "arrivals",
        "at",
        "codes",
        "forgotten",
        "talks",
        "talks_at",
        "talks_forgotten",
        "waits",
        "windows",
    )

    def __init__(self) -> None:
        self.arrivals = array("q")  #: when contacts joined
        self.at = array("q")  #: when waits ended
        self.codes = bytearray()
        self.waits = array("q")
        self.talks_at = array("q")  #: when talks ended
        self.talks = array("q")  #: total of all talks up to and with this one
        self.forgotten = 0  #: arrivals that every window has passed
        self.talks_forgotten: Micros = 0  #: total of the talks that every window has passed
        self.windows: list[Window] = []
        self._last: Micros = 0
        self._last_arrival: Micros = 0
        self._compact_at = _COMPACT_FROM

    def arrive(self, at: Micros) -> None:
        """Record that a contact joined."""
        if at < self._last_arrival:
            insort(self.arrivals, at)
        else:
            self._last_arrival = at
            self.arrivals.append(at)
        if len(self.arrivals) >= self._compact_at:
            self._compact(self._last_arrival)

    def end(self, at: Micros, code: int, wait: Micros) -> None:
        """Record that a wait ended. O(1) in order of time; a late one is put in its place."""
        if at < self._last:
            place = bisect_right(self.at, at)
            self.at.insert(place, at)
            self.codes.insert(place, code)
            self.waits.insert(place, wait)
            for window in self.windows:
                window.inserted(place, at, code, wait)
            return
        self._last = at
        self.at.append(at)
        self.codes.append(code)
        self.waits.append(wait)

    def remove(self, at: Micros, code: int, wait: Micros) -> None:
        """Take back the end of a wait. What every window has passed may be gone already."""
        for place in range(bisect_left(self.at, at), bisect_right(self.at, at)):
            if self.codes[place] == code and self.waits[place] == wait:
                for window in self.windows:
                    window.removed(place, code, wait)
                del self.at[place], self.codes[place], self.waits[place]
                return

    def end_talk(self, at: Micros, talk: Micros) -> None:
        """Record that a talk ended."""
        times, totals = self.talks_at, self.talks
        if not times or at >= times[-1]:
            totals.append((totals[-1] if totals else self.talks_forgotten) + talk)
            times.append(at)
        else:
            place = bisect_right(times, at)
            before = totals[place - 1] if place else self.talks_forgotten
            times.insert(place, at)
            totals.insert(place, before)
            for later in range(place, len(totals)):
                totals[later] += talk
        if len(totals) >= self._compact_at:
            self._compact(times[-1])

    def single_talks(self) -> Iterator[tuple[Micros, Micros]]:
        """Yield (at, length) of every talk held."""
        before = self.talks_forgotten
        for at, total in zip(self.talks_at, self.talks, strict=True):
            yield at, total - before
            before = total

    def part(self) -> SamplesPart:
        """Return all that is held, but for what every window has passed."""
        self._compact(max(self._last, self._last_arrival))
        return SamplesPart(
            self.arrivals.tobytes(),
            self.at.tobytes(),
            bytes(self.codes),
            self.waits.tobytes(),
            self.talks_at.tobytes(),
            self.talks.tobytes(),
            self.forgotten,
            self.talks_forgotten,
            self._last,
            self._last_arrival,
        )

    def restore(self, part: SamplesPart) -> None:
        """Hold what *part* says, and nothing else; every window takes it in anew."""
        self.arrivals = array("q", part.arrivals)
        self.at = array("q", part.at)
        self.codes = bytearray(part.codes)
        self.waits = array("q", part.waits)
        self.talks_at = array("q", part.talks_at)
        self.talks = array("q", part.talks)
        self.forgotten = part.forgotten
        self.talks_forgotten = part.talks_forgotten
        self._last, self._last_arrival = part.last, part.last_arrival
        for window in self.windows:
            window.begin_again()

    def recode(self, index: int, code: int) -> None:
        """Give the sample at *index* another code."""
        for window in self.windows:
            window.recoded(index, code)
        self.codes[index] = code

    def compact(self, now: Micros) -> None:
        """Forget what every window has passed, once it is much: no arrival may tell it."""
        if len(self.at) >= self._compact_at:
            self._compact(now)

    def _compact(self, now: Micros) -> None:
        """Forget what every window has passed, so that memory follows the longest one."""
        horizon = min((window.horizon(now) for window in self.windows), default=now)
        passed = bisect_right(self.at, horizon)
        for window in self.windows:
            window.forget(passed)
        del self.at[:passed]
        del self.codes[:passed]
        del self.waits[:passed]
        passed = bisect_right(self.arrivals, horizon)
        del self.arrivals[:passed]
        self.forgotten += passed
        passed = bisect_right(self.talks_at, horizon)
        if passed:
            self.talks_forgotten = self.talks[passed - 1]
            del self.talks_at[:passed]
            del self.talks[:passed]
        kept = max(len(self.arrivals), len(self.talks), len(self.at))
        self._compact_at = max(_COMPACT_FROM, 2 * kept)


class Window:
    """What happened with ``now - length < at <= now`` and ``at > floor``.

    ``counts`` and ``sums`` (of waits) are by code, ``ended`` is by outcome. Call
    ``sync(now)`` before reading.
    A length of None never expires; ``day`` makes the window begin at local midnight.
    """

    __slots__ = (
        "_horizon",
        "_longest",
        "_waits",
        "counts",
        "day",
        "ended",
        "floor",
        "head",
        "length",
        "log",
        "sums",
        "tail",
        "version",
    )

    def __init__(
        self,
        log: SampleLog,
        length: Micros | None,
        day: LocalDay | None = None,
    ) -> None:
        self.log = log
        self.length = length
        self.day = day
        self.floor: Micros = 0  #: samples at or before this instant are outside
        self.head = 0
        self.tail = 0
        self._clear()
        self.version = 0  #: grows whenever the content changes
        self._horizon: Micros = 0
        log.windows.append(self)

    def _clear(self) -> None:
        self.counts = self.sums = _NO_CODES
        self.ended = _NO_OUTCOMES
        self._waits: list[Micros] | None = None
        self._longest: Micros | None = None  #: of the offered; -1: none; None: look again

    def _own_counts(self) -> None:
        """Have counts of its own, before the first sample is counted."""
        self.counts = [0] * CODES
        self.sums = [0] * CODES
        self.ended = [0] * len(Outcome)

    def close(self) -> None:
        """Stop reading the log."""
        self.log.windows.remove(self)

    def begin_again(self) -> None:
        """Take in what the log still holds: the window may now begin earlier than before."""
        self.head = self.tail = 0
        self._clear()
        self._horizon = 0
        self.version += 1

    def horizon(self, now: Micros) -> Micros:
        """Return the instant up to which samples are outside at *now*."""
        horizon = self.floor
        if self.length is not None and now - self.length > horizon:
            horizon = now - self.length
        if self.day is not None and self.day.start(now) - 1 > horizon:
            horizon = self.day.start(now) - 1
        return max(horizon, self._horizon)

    def sync(self, now: Micros) -> None:
        """Take in what was added, let go of what has passed."""
        times = self.log.at
        end = len(times)
        horizon = self.floor
        length = self.length
        if length is not None and now - length > horizon:
            horizon = now - length
        if self.day is not None:
            horizon = max(horizon, self.day.start(now) - 1)
        if horizon > self._horizon:
            self._horizon = horizon
        else:
            horizon = self._horizon
        # Also when it has not moved: what came late may have been outside all the time.
        head = self.head
        if head < end and times[head] <= horizon:
            self._drop(bisect_right(times, horizon, head))
        if self.tail < end:
            self._take(end)

    def next_expiry(self, now: Micros, after: int = 1) -> Micros | None:
        """Return when the *after*-th oldest ended wait leaves, if nothing else happens."""
        index = self.head + after - 1
        times = self.log.at
        if self.day is not None:
            return self.day.end(now)
        if self.length is None or index >= len(times):
            return None
        return times[index] + self.length

    def next_loss(self, now: Micros) -> Micros | None:
        """Return when the oldest arrival or talk leaves, if nothing else happens."""
        if self.day is not None:
            return self.day.end(now)
        if self.length is None:
            return None
        log, horizon = self.log, self._horizon
        return min(
            (
                times[index] + self.length
                for times in (log.arrivals, log.talks_at)
                if (index := bisect_right(times, horizon)) < len(times)
            ),
            default=None,
        )

    def arrived(self) -> int:
        """Return how many contacts joined."""
        arrivals = self.log.arrivals
        return len(arrivals) - bisect_right(arrivals, self._horizon)

    def talks(self) -> tuple[int, Micros]:
        """Return how many talks ended, and the sum of their lengths."""
        log = self.log
        first = bisect_right(log.talks_at, self._horizon)
        count = len(log.talks) - first
        if not count:
            return 0, 0
        before = log.talks[first - 1] if first else log.talks_forgotten
        return count, log.talks[-1] - before

    def waits(self) -> list[Micros]:
        """Return the known waits of the answered and abandoned, ascending. Do not change it."""
        if self._waits is None:
            codes, values = self.log.codes, self.log.waits
            self._waits = sorted(
                values[index]
                for index in range(self.head, self.tail)
                if codes[index] < _WAITED and not codes[index] & UNKNOWN
            )
        return self._waits

    def max_wait(self) -> Micros | None:
        """Return the longest known wait of the offered."""
        if self._longest is None:
            codes, values = self.log.codes, self.log.waits
            self._longest = max(
                (
                    values[index]
                    for index in range(self.head, self.tail)
                    if codes[index] < _OFFERED and not codes[index] & UNKNOWN
                ),
                default=-1,
            )
        return None if self._longest < 0 else self._longest

    def inserted(self, place: int, at: Micros, code: int, value: Micros) -> None:
        """A late sample was put at index *place* of the log."""
        if at <= self._horizon:
            self.head += 1
            self.tail += 1
        elif place < self.tail:
            self.tail += 1
            self._count(code, value, 1)

    def removed(self, place: int, code: int, value: Micros) -> None:
        """The sample at index *place* of the log is about to be taken out."""
        if place < self.head:
            self.head -= 1
            self.tail -= 1
        elif place < self.tail:
            self.tail -= 1
            self._count(code, value, -1)

    def recoded(self, index: int, new_code: int) -> None:
        """The sample at *index* is about to get *new_code*."""
        if self.head <= index < self.tail:
            value = self.log.waits[index]
            self._count(self.log.codes[index], value, -1)
            self._count(new_code, value, 1)

    def _count(self, code: int, value: Micros, sign: int) -> None:
        self.counts[code] += sign
        self.ended[code // FLAGS] += sign
        self.sums[code] += sign * value
        self.version += 1
        self._waits = None
        self._longest = None

    def forget(self, passed: int) -> None:
        """The log is about to drop its first *passed* samples, all behind the horizon."""
        if self.head < passed:
            self._drop(passed)
        self.head -= passed
        self.tail -= passed

    def _take(self, end: int) -> None:
        if self.counts is _NO_CODES:
            self._own_counts()
        log, counts, sums, waits = self.log, self.counts, self.sums, self._waits
        ended, codes, values = self.ended, log.codes, log.waits
        for index in range(self.tail, end):
            code = codes[index]
            value = values[index]
            counts[code] += 1
            ended[code // FLAGS] += 1
            sums[code] += value
            if waits is not None and code < _WAITED and not code & UNKNOWN:
                insort(waits, value)
            if self._longest is not None and code < _OFFERED and not code & UNKNOWN:
                self._longest = max(self._longest, value)
        self.tail = end
        self.version += 1

    def _drop(self, head: int) -> None:
        """Let go of everything before index *head*."""
        if head - self.head > _FEW and head >= self.tail:
            # Nobody has looked for long: nothing that was counted is left.
            self._clear()
        else:
            log, counts, sums, waits = self.log, self.counts, self.sums, self._waits
            ended = self.ended
            codes, values = log.codes, log.waits
            for index in range(self.head, min(head, self.tail)):
                code = codes[index]
                value = values[index]
                counts[code] -= 1
                ended[code // FLAGS] -= 1
                sums[code] -= value
                if waits is not None and code < _WAITED and not code & UNKNOWN:
                    del waits[bisect_left(waits, value)]
                if value == self._longest:
                    self._longest = None
        self.head = head
        self.tail = max(self.tail, head)
        self.version += 1
