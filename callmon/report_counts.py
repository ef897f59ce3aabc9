"""The counters a source keeps of a queue from one day to the next, and what they tell.

As many contacts as a counter has risen by since the last report came or ended when the
report was made. Of each of them nothing is known, so their codes carry UNKNOWN. To that the
answered add SHORT, which no answered has otherwise: their waits are known as a sum, which
the first of a report bears.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from callmon.clock import SECOND, Micros
from callmon.events import OUTCOME_LABELS, DayCounts, Outcome, QueueReported
from callmon.facts import OUTCOME_FACTS, Fact
from callmon.queues import SubjectState
from callmon.windows import FLAGS, SHORT, UNKNOWN, WITHIN, LocalDay, Window

__all__ = ["MAX_SPAN", "MAX_STEP", "DayBook", "DayBookPart"]

MAX_STEP: Final = 100_000
"""Contacts between two reports: more than the busiest queue has in a day."""

MAX_SPAN: Final[Micros] = 365 * 86_400 * SECOND
"""Waits or talks together between two reports; with it, sums stay within 64 bits."""

_MAX_VALUE: Final = 1 << 53
"""What is larger, JSON does not carry exactly."""

_LATE_RESET: Final[Micros] = 3_600 * SECOND
"""For so long after midnight counters that began with a day are still those of that day."""

_JITTER: Final[Micros] = 60 * SECOND
"""By so much the same beginning of a day may be told otherwise: some work it out each time."""

_WHOLE: Final[dict[int, int]] = {
    Fact.SHORT: Fact.ABANDONED,
    Fact.ABANDONED_WITHIN: Fact.ABANDONED,
    Fact.ANSWERED_WITHIN: Fact.ANSWERED,
    Fact.ANSWERED_WAIT: Fact.ANSWERED,
    Fact.TALK: Fact.ANSWERED,
}
"""What tells more of contacts that another counter counts."""

_BESIDE: Final = tuple(fact for fact in _WHOLE if fact != Fact.TALK)
"""What is told of a contact as it ends; a talk has an end of its own."""

_FACTS: Final = tuple(int(fact) for fact in Fact)
_SPANS: Final = (Fact.ANSWERED_WAIT, Fact.TALK)
_UNTELLABLE: Final = int(Fact.EACH_WAIT | Fact.OTHERS)


class Counter(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One of the day's counters."""

    value: int  #: the highest of its day: what is below that, was counted
    last: int  #: what was told last: less where the source has taken something back
    at: Micros
    until: Micros
    day_start: Micros | None
    since: Micros  #: from then on all it counted is known, with when
    whole: Micros  #: of a day that began then or later all it counted is known
    bulk_at: Micros = 0  #: when it last told at once what was of a longer time
    bulk_day: Micros = 0  #: of the day that began then


class _Step(NamedTuple):
    """By how much a counter has risen."""

    amount: int
    counted: bool  #: since the last report; else before there was any
    anew: bool  #: it began again at 0


class DayBookPart(msgspec.Struct, gc=False):
    """A ``DayBook`` in a checkpoint."""

    sampled: Micros
    counters: dict[int, Counter]
    pools: dict[int, int]
    held: dict[int, Micros]


class DayBook:
    """The counters of one queue of one source."""

    def __init__(self) -> None:
        self.sampled: Micros = -1  #: when a contact last ended by what was told here
        self._counters: dict[int, Counter] = {}  #: by fact
        self._pools: dict[int, int] = {}  #: told of contacts that are yet to be told
        self._held: dict[int, Micros] = {}  #: since when contacts are kept back, by fact

    # ---- what is told -------------------------------------------------------------

    def take(
        self, event: QueueReported, day: DayCounts, states: Sequence[SubjectState]
    ) -> tuple[bool, bool]:
        """Count what has happened in *states* (the queue, then its groups).

        Tells whether anything was news, and whether it was more than can be.
        """
        told = {
            fact: value
            for fact, value in _values(day, event.talking)
            if _is_news(self._counters.get(fact), value, event)
        }
        begins, time = _span(event, states[0].day)
        steps = self._steps(event, told, begins, time)
        limited = False
        amounts: dict[bool, dict[int, int]] = {False: {}, True: {}}
        for fact, (step, counter) in steps.items():
            amount, known = step.amount, counter
            if amount > (MAX_SPAN if fact in _SPANS else MAX_STEP):
                amount, known, limited = 0, _unknown_before(told[fact], event), True
            self._counters[fact] = known
            if fact not in _WHOLE:
                amounts[step.counted][fact] = amount
            elif step.anew:
                self._pools[fact] = amount
            else:
                self._pools[fact] = self._pools.get(fact, 0) + amount
        if Fact.TALK in self._counters:
            number = sum(known.get(Fact.ANSWERED, 0) for known in amounts.values())
            self._pools[Fact.TALKING] = self._pools.get(Fact.TALKING, 0) + number
        if Fact.TALK in steps:
            counted = steps[Fact.TALK][0].counted
            amounts[counted][Fact.TALK] = self._talks_ended(event, first=not counted)
        self._wait_for_parts(event.at, amounts[True])
        for counted in (False, True):
            if any(amounts[counted].values()):
                self._place(amounts[counted], states, time, counted=counted)
        return bool(told), limited

    def _steps(
        self, event: QueueReported, told: dict[int, int], begins: Micros, time: Micros
    ) -> "dict[int, tuple[_Step, Counter]]":
        """Return by how much every counter told has risen, and what is known of it now."""
        known = self._counters
        # A source that says when its day began is believed in that.
        fell = event.day_start is None and _all_fell(known, told, event.at, begins)
        steps: dict[int, tuple[_Step, Counter]] = {}
        for fact, value in told.items():
            if fact in known:
                anew = fell or _is_renewed(known[fact], value, event)
                amount = value if anew else max(value - known[fact].value, 0)
                counter = _gone_on(known[fact], value, event, (begins, time), anew=anew)
                steps[fact] = _Step(amount, counted=True, anew=anew), counter
                continue
            counter = _unknown_before(value, event, None if time == event.at else time + 1)
            amount = 0
            at = event.at
            whole = _is_of(event, begins) and not _leaves_out(event, begins)
            if time == at and _WHOLE.get(fact) not in known and whole:
                amount = value
                counter = msgspec.structs.replace(
                    counter, whole=begins, bulk_at=at, bulk_day=begins
                )
            steps[fact] = _Step(amount, counted=False, anew=False), counter
        return steps

    def _place(
        self,
        amounts: dict[int, int],
        states: Sequence[SubjectState],
        at: Micros,
        *,
        counted: bool,
    ) -> None:
        """Have so many contacts come and end in *states*; only in windows if not *counted*."""
        arrived = amounts.get(Fact.ARRIVED, 0)
        ends = [
            end
            for outcome in Outcome
            if (number := amounts.get(OUTCOME_FACTS[outcome], 0))
            for end in self._ends(outcome, number)
        ]
        talks = amounts.get(Fact.TALK, 0)
        talk = self._pools.pop(Fact.TALK, 0) if talks else 0
        for state in states:
            _arrive(state, at, arrived, counted=counted)
            for code, number, wait in ends:
                _end(state, at, _by_target(state, code), number, wait, counted=counted)
            _end_talks(state, at, talks, talk, counted=counted)
            state.log.compact(at)
        if ends:
            self.sampled = max(self.sampled, at)

    def _ends(self, outcome: Outcome, number: int) -> Iterator[tuple[int, int, Micros]]:
        """Yield (code, contacts, their waits) of those that ended so."""
        code = outcome * FLAGS + UNKNOWN
        if outcome is Outcome.ANSWERED:
            code += SHORT
            wait = self._pools.pop(Fact.ANSWERED_WAIT, 0)
            within = self._draw(Fact.ANSWERED_WITHIN, number)
            if within:
                yield code + WITHIN, within, wait
                wait = 0
            number -= within
        elif outcome is Outcome.ABANDONED:
            wait = 0
            for fact, flag in ((Fact.SHORT, SHORT), (Fact.ABANDONED_WITHIN, WITHIN)):
                drawn = self._draw(fact, number)
                if drawn:
                    yield code + flag, drawn, 0
                number -= drawn
        else:
            wait = 0
        if number:
            yield code, number, wait

    def _wait_for_parts(self, at: Micros, amounts: dict[int, int]) -> None:
        """Keep back contacts of whom something is told in a message that is yet to come.

        Else they would count as too late and without a wait, and the next ones as theirs.
        """
        for whole in (Fact.ANSWERED, Fact.ABANDONED):
            number = amounts.pop(whole, 0) + self._pools.pop(whole, 0)
            if not number:
                continue
            since = self._held.setdefault(int(whole), self._counters[whole].at)
            parts = (self._counters.get(part) for part in _BESIDE if _WHOLE[part] == whole)
            if any(part and part.at < since and at < part.until for part in parts):
                self._pools[whole] = number
            else:
                amounts[whole] = number
                del self._held[whole]

    def _talks_ended(self, event: QueueReported, *, first: bool) -> int:
        """Return how many talks have ended: of those answered all but who still talk."""
        talking = event.talking or 0
        answered = self._pools[Fact.TALKING]
        if first:
            answered = max(answered, talking)
        ended = max(answered - talking, 0)
        self._pools[Fact.TALKING] = answered - ended
        return ended

    def _draw(self, fact: Fact, most: int) -> int:
        drawn = min(self._pools.get(fact, 0), most)
        if drawn:
            self._pools[fact] -= drawn
        return drawn

    # ---- what is known ------------------------------------------------------------

    def tells(self, facts: int) -> bool:
        """Tell whether all of *facts* were ever told."""
        return all(fact in self._counters for fact in _FACTS if facts & fact)

    def covers(self, facts: int, window: Window | None, now: Micros) -> bool:
        """Tell whether all of *facts* are known of all of *window*; of None: since ever."""
        counters = [self._counters.get(fact) for fact in _FACTS if facts & fact]
        told = [counter for counter in counters if counter is not None]
        if len(told) < len(counters):
            return False
        if window is None or not told:
            return True
        if window.day is not None:
            # One that is not told any more is not set beside those that go on.
            latest = max(counter.at for counter in told)
            start = window.day.start(now)
            return all(latest <= c.until and _covers_day(c, start, now) for c in told)
        if window.length is None:
            return True
        horizon = window.horizon(now)
        return all(now < c.until and horizon >= c.since for c in told)

    def begins(self) -> Iterator[Micros]:
        """Yield when something began to be known."""
        for counter in self._counters.values():
            yield counter.since

    def ends(self) -> Iterator[Micros]:
        """Yield when something that was told is stale."""
        for counter in self._counters.values():
            yield counter.until

    # ---- checkpoint -------------------------------------------------------------------

    def part(self) -> DayBookPart:
        """Return all that was told, for a checkpoint."""
        return DayBookPart(self.sampled, self._counters, self._pools, self._held)

    def restore(self, part: DayBookPart) -> None:
        """Know what *part* says, and nothing else."""
        self.sampled, self._counters = part.sampled, part.counters
        self._pools, self._held = part.pools, part.held


def _values(day: DayCounts, talking: int | None) -> Iterator[tuple[int, int]]:
    """Yield what *day* says, by fact.

    How many talks a sum is of is known only beside how many were answered and still talk.
    """
    talks_known = talking is not None and OUTCOME_LABELS[Outcome.ANSWERED] in day.outcomes
    said = (
        (Fact.ARRIVED, day.arrived),
        (Fact.SHORT, day.short_abandoned),
        (Fact.ANSWERED_WITHIN, day.answered_within),
        (Fact.ABANDONED_WITHIN, day.abandoned_within),
        (Fact.ANSWERED_WAIT, day.answered_wait),
        (Fact.TALK, day.talk if talks_known else None),
        *zip(OUTCOME_FACTS, map(day.outcomes.get, OUTCOME_LABELS), strict=True),
    )
    for fact, value in said:
        if value is not None:
            yield fact, value


def _unknown_before(value: int, event: QueueReported, whole: Micros | None = None) -> Counter:
    """Return a counter of which nothing is known but how far it has come."""
    at = event.at
    until = at + event.stale_after
    since = at if whole is None else whole
    return Counter(value, value, at, until, event.day_start, at, since)


def _is_news(known: Counter | None, value: int, event: QueueReported) -> bool:
    """Tell whether *value* is one, and later than what was told before."""
    if not 0 <= value <= _MAX_VALUE:
        return False
    if known is None:
        return True
    began, begins = known.day_start, event.day_start
    former = began is not None and begins is not None and begins < began - _JITTER
    later = event.at > known.at or (event.at == known.at and value > known.last)
    return later and not former


def _is_of(event: QueueReported, begins: Micros) -> bool:
    """Tell whether what *event* counts is of the day that began then, as far as is known."""
    return event.day_start is None or event.day_start >= begins


def _leaves_out(event: QueueReported, since: Micros) -> bool:
    """Tell whether *event* says that it counts from a later time, as after a restart.

    What is not longer than a report holds may pass between two reports, too.
    """
    return event.day_start is not None and event.day_start - since > event.stale_after


def _covers_day(counter: Counter, start: Micros, now: Micros) -> bool:
    """Tell whether all is known that a counter counted in the day that began at *start*."""
    bulk = start >= counter.bulk_at or start == counter.bulk_day
    told = now < counter.until or counter.at >= start
    return told and bulk and start >= counter.whole


def _span(event: QueueReported, day: LocalDay) -> tuple[Micros, Micros]:
    """Return when the day of *event* began, and when happened what it counts.

    Counters that began with a former day count what happened in that, also when they are
    read a little later.
    """
    at, began = event.at, event.day_start
    begins = day.start(at)
    if began is None or began >= begins or began != day.start(began):
        return begins, at
    end = day.end(began)
    return begins, end - 1 if at - end <= _LATE_RESET else at


def _gone_on(
    known: Counter,
    value: int,
    event: QueueReported,
    span: tuple[Micros, Micros],
    *,
    anew: bool,
) -> Counter:
    """Return a counter told again; after a hole it is not known when it rose."""
    at, (begins, time) = event.at, span
    counter = msgspec.structs.replace(
        known,
        value=value if anew else max(value, known.value),
        last=value,
        at=at,
        until=at + event.stale_after,
        day_start=known.day_start if event.day_start is None else event.day_start,
    )
    if at <= known.until:
        return counter
    if time < at:
        return msgspec.structs.replace(counter, since=at)
    kept = known.at >= begins or (anew and _is_of(event, begins))
    if kept and not (anew and _leaves_out(event, max(known.at, begins))):
        return msgspec.structs.replace(counter, since=at, bulk_at=at, bulk_day=begins)
    return msgspec.structs.replace(counter, since=at, whole=at + 1)


def _is_renewed(known: Counter, value: int, event: QueueReported) -> bool:
    """Tell whether a counter has begun anew, as far as it alone tells.

    One that fell by little on the same day was corrected.
    """
    began, begins = known.day_start, event.day_start
    if begins is None:
        return False
    if value < known.last and (2 * value < known.last or (began is None and known.at < begins)):
        return True
    return began is not None and begins > began + _JITTER


def _all_fell(
    known: dict[int, Counter], told: dict[int, int], at: Micros, begins: Micros
) -> bool:
    """Tell whether a fall of one counter says that all of a report have begun anew.

    Over a midnight or a hole any fall does. Else it takes half of the largest: a source
    that changes a row of its database takes back a contact or two.
    """
    fallen = [known[fact] for fact, value in told.items() if _fell(known.get(fact), value)]
    if any(counter.at < begins or at > counter.until for counter in fallen):
        return True
    common = [fact for fact in told if fact in known]
    common = [fact for fact in common if fact not in _SPANS] or common
    most = max((known[fact].last for fact in common), default=0)
    return any(known[fact].last == most > 2 * told[fact] for fact in common)


def _fell(known: Counter | None, value: int) -> bool:
    return known is not None and value < known.last


def _by_target(state: SubjectState, code: int) -> int:
    """Return the code of a sample on *state*, which may know no short abandons."""
    if code == Outcome.ABANDONED * FLAGS + UNKNOWN + SHORT and not state.targets.short_abandon:
        return code - SHORT + WITHIN
    return code


def _arrive(state: SubjectState, at: Micros, number: int, *, counted: bool) -> None:
    for _ in range(number):
        state.log.arrive(at)
    if counted and number:
        late = _reach(state, at)
        state.arrived += number
        state.reported += number
        if late and state.intervals is not None:
            for _ in range(number):
                state.intervals.arrive(at)


def _end(
    state: SubjectState, at: Micros, code: int, number: int, wait: Micros, *, counted: bool
) -> None:
    state.log.end(at, code, wait)
    for _ in range(number - 1):
        state.log.end(at, code, 0)
    if not counted:
        return
    late = _reach(state, at)
    if code < FLAGS:
        code &= ~SHORT  # which matters to windows alone
    state.counts[code] += number
    state.sums[code] += wait
    if late and state.intervals is not None:
        for index in range(number):
            state.intervals.end(at, at, code, 0 if index else wait)


def _end_talks(
    state: SubjectState, at: Micros, number: int, talk: Micros, *, counted: bool
) -> None:
    if not number:
        return
    intervals = state.intervals
    late = _reach(state, at)
    if not counted and intervals is not None:
        intervals.fold()
    for index in range(number):
        length = 0 if index else talk
        state.log.end_talk(at, length)
        if counted:
            state.talks += 1
            if late and intervals is not None:
                intervals.end_talk(at, length)
    if not counted and intervals is not None:
        intervals.begin()  # the running total has grown by what is not to be counted


def _reach(state: SubjectState, at: Micros) -> bool:
    """Have the half-hour of *at* counted; tell whether a later one is already."""
    if state.intervals is None:
        return False
    state.intervals.reach(at)
    return at < state.half_begin
