"""An engine that keeps what thresholds read, and nothing else: a trial ends with them.

Counters that only grow, histograms and half-hours are for metrics and reports; lengths of
talks are for a few measures. Everything that decides about an alert is as in the daemon.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Any, Final

from callmon.clock import Micros
from callmon.contacts import MAX_CONTACTS, MEMORY, Contact, Source
from callmon.engine import Engine, EngineSettings
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    Event,
    Outcome,
    TalkEnded,
)
from callmon.intervals import IntervalBook
from callmon.journal import TimePassed
from callmon.measures import MEASURES
from callmon.queues import SubjectState
from callmon.routes import WAYS, Route
from callmon.rules import Threshold
from callmon.windows import FLAGS, SHORT, UNKNOWN, WITHIN

__all__ = ["Input", "LeanEngine", "lean_state"]

Input = Event | TimePassed

_USUAL: Final = frozenset({ContactJoined, ContactAnswered, ContactLeft, TalkEnded})
_JOINED, _ANSWER, _LEFT, _ENDED = (
    WAYS[kind][1] for kind in (ContactJoined, ContactAnswered, ContactLeft, TalkEnded)
)

_ANSWERED: Final = Outcome.ANSWERED
_ABANDONED: Final = Outcome.ABANDONED
_OF_WAITS: Final = frozenset(
    {
        "waiting",
        "longest_wait",
        "waiting_over_target",
        "offered",
        "answer_rate",
        "abandonment_rate",
        "overflow_rate",
        "service_level",
        "service_level_now",
        "average_wait",
        "p50_wait",
        "p90_wait",
        "p95_wait",
        "max_wait",
        *(outcome.name.lower() for outcome in Outcome),
    }
)
"""Measures that need neither the arrivals nor the talks of a window."""


class LeanState(SubjectState):
    """A subject without what only grows."""

    __slots__ = ()

    @property
    def intervals(self) -> IntervalBook | None:
        """Nothing is counted by half-hours."""
        return None

    @intervals.setter
    def intervals(self, book: IntervalBook | None) -> None:
        del book

    def leave(self, at: Micros, start: Micros, outcome: Outcome, wait: Micros | None) -> None:
        """The contact that waits since *start* is done."""
        starts = self.starts
        del starts[0 if starts[0] == start else bisect_left(starts, start)]
        if outcome is _ANSWERED:
            self.talking += 1
        if wait is None:
            self.log.end(at, outcome * FLAGS + UNKNOWN, 0)
            return
        code = outcome * FLAGS
        if wait <= self._within:
            code += WITHIN
        if outcome is _ABANDONED and wait < self._short:
            code += SHORT
        self.log.end(at, code, wait)

    def count(self, outcome: Outcome, wait: Micros | None) -> int:
        """Return the code of an end of a wait: it is counted nowhere."""
        return self._code(outcome, wait)


class WaitingState(LeanState):
    """A subject of which only waits are asked for."""

    __slots__ = ()

    @property
    def untouched(self) -> bool:
        """Whether no contact and no agent has ever been told of here."""
        return super().untouched and not self.talks and not self.talking

    def join(self, at: Micros) -> None:
        """A contact waits since *at*."""
        starts = self.starts
        if not starts or at >= starts[-1]:
            starts.append(at)
        else:
            insort(starts, at)
        self.arrived += 1

    def end_talk(self, at: Micros, talk: Micros | None) -> None:
        """One of the running talks ended after *talk*."""
        del at
        self.talking -= 1
        if talk is not None:
            self.talks += 1


def lean_state(thresholds: Iterable[Threshold]) -> type[SubjectState]:
    """Return the least state that *thresholds* can be judged by."""
    wanted = {MEASURES[threshold.measure].name for threshold in thresholds}
    return WaitingState if wanted <= _OF_WAITS else LeanState


class LeanEngine(Engine):
    """The engine for one trial of the thresholds in *settings*."""

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings, subject_state=lean_state(settings.thresholds))

    def advance(self, now: Micros) -> bool:
        """Move time to *now*; mostly no more than that is due then."""
        told = len(self._transitions)
        dirty, timers = self._dirty, self._timers
        if now > self.now:
            if dirty or timers.earliest < now or self._sweep_at < now:
                self._run_before(now)
            self.now = now
        settled = 0
        for state in self._sources.values():
            if state.docket:
                settled += state.docket.settle(now)
        if dirty:
            self._settle()
        while timers.earliest <= self.now:
            watch = timers.pop(self.now)
            if watch is not None:
                self._evaluate(watch)
        if dirty:
            self._settle()  # what a report that is stale now has touched
        return bool(settled) or len(self._transitions) > told

    def _settle(self) -> None:
        """Evaluate what the events of this instant have touched."""
        now, timers = self.now, self._timers
        for watch in self._dirty:
            transitions = watch.evaluate(now)
            if transitions:
                self._transitions += transitions
            if watch.due < watch.scheduled:
                timers.schedule(watch)
        self._dirty.clear()

    def _has_records_alone(self) -> bool:
        """Tell whether time alone settles nobody's visit."""
        return all(state.docket is None for state in self._sources.values())

    def _sweep(self, until: Micros) -> None:
        """Forget what every window has passed, too: no arrival looks after it."""
        super()._sweep(until)
        for subject in self.subjects.values():
            subject.log.compact(self.now)

    def hear(self, inputs: Iterable[Input], *, live: bool) -> None:
        """Take in *inputs*, in order; *live* tells whether their events are of a live feed."""
        if not live:
            self._hear_record(inputs)
            return
        for each in inputs:
            if isinstance(each, TimePassed):
                self.advance(each.at)
            else:
                self.apply(each, live=True)

    def _hear_record(  # noqa: C901, PLR0912, PLR0915 - the hot loop of a trial
        self, inputs: Iterable[Input]
    ) -> None:
        """Take in what a record tells. What is usual is done here, all else by ``apply``.

        Usual is who joins for the first time, is answered or leaves as long as he waits,
        and ends his only talk. For that this does what ``ContactBook`` does.
        """
        sources, dirty, timers = self._sources, self._dirty, self._timers
        name = ""  # of the source that all of these are of
        alone = self._has_records_alone()
        source = Source(name)
        routes: dict[str, Route] = {}
        event: Any
        for event in inputs:
            kind = type(event)
            at = event.at
            if at > self.now:
                if dirty or timers.earliest < at or self._sweep_at < at:
                    self._run_before(at)
                self.now = at
            if kind is TimePassed:
                if alone and not dirty and timers.earliest > self.now:
                    continue
                self.advance(at)
                continue
            if event.source != name:
                state = sources.get(event.source)
                if state is None or state.docket is not None:
                    self.apply(event)
                    alone = self._has_records_alone()
                    continue
                name, source, routes = event.source, state.source, state.routes
            if kind not in _USUAL or (route := routes.get(event.queue)) is None:
                self.apply(event)
                name = ""  # it may be told of otherwise from now on
                alone = self._has_records_alone()
                continue
            if at > source.watermark:  # noqa: PLR1730 - max() takes twice as long
                source.watermark = at
            book: Any = route.book  # of a source with a record alone, a ``ContactBook``
            contacts = book.contacts
            key = event.contact
            contact = contacts.get(key)
            if kind is ContactJoined:
                if (
                    contact is not None
                    or at < source.watermark - MEMORY
                    or len(contacts) >= MAX_CONTACTS
                ):
                    self.apply(event)
                    continue
                contacts[key] = Contact(at, event.seq)
                for subject in book.states:
                    subject.join(at)
                occasion = _JOINED
            elif contact is None:
                self.apply(event)
                continue
            elif kind is TalkEnded:
                end = contact.end
                if (
                    not contact.talking
                    or contact.former is not None
                    or end is None
                    or at <= end
                    or at <= contact.told
                ):
                    self.apply(event)
                    continue
                contact.talking = False
                contact.seq = event.seq
                for subject in book.states:
                    subject.end_talk(at, event.talk)
                contact.finished = source.watermark
                source.finished.append((source.watermark, contacts, key, contact))
                occasion = _ENDED
            else:
                start, wait = contact.start, event.wait
                outcome = _ANSWERED if kind is ContactAnswered else event.outcome
                if (
                    contact.end is not None
                    or wait is None
                    or outcome is None
                    or at < start
                    or (at == start and event.seq <= contact.before)
                ):
                    self.apply(event)
                    continue
                contact.end = at
                contact.seq = event.seq
                for subject in book.states:
                    subject.leave(at, start, outcome, wait)
                if kind is ContactAnswered:
                    contact.talking = True
                    occasion = _ANSWER
                else:
                    contact.finished = source.watermark
                    source.finished.append((source.watermark, contacts, key, contact))
                    occasion = _LEFT
            for watch in route.watches[occasion]:
                if watch.spare:
                    watch.spare -= 1
                elif watch.touched():
                    dirty[watch] = None
