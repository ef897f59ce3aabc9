"""The engine: events in, state and threshold transitions out.

``apply`` changes the state, ``advance`` moves time; both are plain functions. The state at
an instant is the state after all events of that instant: thresholds are evaluated, and
timers due at an instant run, when time moves past it. So the order in which events of one
instant arrive cannot matter, and a replay fires at the same instants as the live run.
"""

import functools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from callmon.agents import agents_gone
from callmon.alerts import Transition
from callmon.clock import SECOND, Micros
from callmon.directory import Directory, EngineSettings
from callmon.errors import DropReason
from callmon.events import Event, FeedChanged, QueueReported, SourceRestarted
from callmon.intervals import IntervalBooks
from callmon.parts import (
    VERSION,
    BookPart,
    Candidate,
    Changes,
    EnginePart,
    key_of,
    read_parts,
)
from callmon.queues import SubjectState
from callmon.reports import ReportBook, count_agents, open_account
from callmon.routes import LIVE_WAYS, WAYS, Route, SourceState
from callmon.rules import SubjectKind
from callmon.sources import follow_names, look_around, oldest_open, tellers_of, unroute
from callmon.subjects import Key, Subjects
from callmon.visit_states import Docket
from callmon.visits import VisitBook
from callmon.watches import NEVER, Timed, Timers, Watch

__all__ = ["Engine", "EngineSettings"]

_HOUR: Micros = 3_600 * SECOND
_SWEEP_HOURS = 6
"""Each full hour forgets who has gone for long; each sixth looks for what has lost its end."""

_SPELLINGS = 4
"""Spellings of a queue's name worth remembering: names ignore case."""


class Engine:
    """All state of the daemon, owned by one thread.

    *subject_state* may be a kind of state that remembers more: a replay counts by arrival.
    """

    def __init__(
        self,
        settings: EngineSettings,
        now: Micros = 0,
        subject_state: type[SubjectState] = SubjectState,
    ) -> None:
        self.now = now
        self.dropped: dict[str, int] = {}  #: events not used, by reason
        self._sources: dict[str, SourceState] = {}
        self._timers = Timers()
        self._dirty: dict[Watch, None] = {}
        self._transitions: list[Transition] = []
        self._sweep_at = (now // _HOUR + 1) * _HOUR
        self._changes = Changes()
        self._subjects = Subjects(settings, subject_state, self._dirty, self._publish)

    @property
    def settings(self) -> EngineSettings:
        """The settings in force."""
        return self._subjects.settings

    @property
    def subjects(self) -> Mapping[Key, SubjectState]:
        """Every subject's state, by kind and name."""
        return self._subjects.states

    @property
    def intervals(self) -> IntervalBooks:
        """The half-hours of every queue."""
        return self._subjects.intervals

    # ---- time -------------------------------------------------------------------

    def advance(self, now: Micros) -> bool:
        """Move time to *now* and do everything due until then, *now* included.

        Every feed has been heard as far as *now*, so visits are settled as far as that, also
        when the events of one of them have moved time further: it never goes back.

        Tells whether anything came of it that no event will bring about again.
        """
        told = len(self._transitions)
        if now > self.now:
            self._run_before(now)
            self.now = now
        settled = 0
        for state in self._sources.values():
            if state.docket:
                settled += state.docket.settle(now)
        self._settle()
        while (watch := self._timers.pop(self.now)) is not None:
            self._evaluate(watch)
        self._settle()  # what a report that is stale now has touched
        return bool(settled) or len(self._transitions) > told

    def next_due(self) -> Micros | None:
        """Return the instant at which ``advance`` has something to do; None: no such."""
        if self._dirty:
            return self.now
        earliest = self._timers.earliest
        return None if earliest == NEVER else earliest

    @property
    def transitions(self) -> Sequence[Transition]:
        """The threshold transitions that ``drain`` is going to return."""
        return self._transitions

    def drain(self) -> list[Transition]:
        """Return the threshold transitions since the last call, in order of time."""
        transitions, self._transitions = self._transitions, []
        return transitions

    # ---- events -----------------------------------------------------------------

    def apply(self, event: Event, *, live: bool = False) -> None:
        """Take in one event."""
        self.apply_all((event,), live=live)

    def apply_all(  # noqa: C901, PLR0912 - the one hot loop
        self, events: Iterable[Event], *, live: bool = False
    ) -> None:
        """Take in *events* of one feed, in the order of arrival. This is the hot path.

        *live* tells whether that feed is live or keeps a record (``callmon.testimony``).
        """
        sources = self._sources
        dirty = self._dirty
        timers = self._timers
        event: Any  # ``WAYS`` tells the types apart; isinstance is slow with msgspec's
        for event in events:
            at = event.at
            if at > self.now:
                if dirty or timers.earliest < at or self._sweep_at < at:
                    self._run_before(at)
                self.now = at
            state = sources.get(event.source) or self._open_source(event.source)
            if live and state.docket is None:
                self._go_live(state)
            way = (WAYS if state.docket is None else LIVE_WAYS).get(type(event))
            if way is None:
                self._source_changed(state, event, live=live)
                continue
            if at > state.source.watermark:  # noqa: PLR1730 - max() takes twice as long
                state.source.watermark = at
            route = state.routes.get(event.queue) or self._open_route(state, event.queue, at)
            if route is None:
                self._drop(DropReason.QUEUE_LIMIT)
                continue
            route.changed = True
            take, occasion = way
            if state.docket is None:
                drop = take(route.book, event)
            else:
                drop = take(route.book, event, live=live)
            if drop is not None:
                self._drop(drop)
                continue
            for watch in route.watches[occasion]:
                if watch.spare:
                    watch.spare -= 1
                elif watch.touched():
                    dirty[watch] = None

    # ---- reading ----------------------------------------------------------------

    def states(self) -> list[SubjectState]:
        """Return every subject's state, queues first, each kind in order of name."""
        return self._subjects.ordered()

    def watches(self, of: SubjectState | None = None) -> Iterable[Watch]:
        """Return everything that thresholds watch, subject by subject; or what *of* one."""
        return self._subjects.watches() if of is None else self._subjects.watches_of(of)

    def watch(self, kind: str, name: str, threshold: str) -> Watch | None:
        """Return what *threshold* watches of a subject; None: there is no such."""
        return self._subjects.watch(kind, name, threshold)

    def sources_of(self, kind: SubjectKind, name: str) -> set[str]:
        """Return the sources that tell of a subject."""
        return tellers_of(self._sources, kind, name)

    def history_start(self, now: Micros) -> Micros:
        """Return how far back events must be read so that every window is whole at *now*."""
        starts = [
            now - spec.length for spec in self.settings.windows if spec.length is not None
        ]
        if any(spec.day for spec in self.settings.windows):
            zones = self._subjects.directory.zones()
            starts += [self._subjects.day(zone).start(now) for zone in zones]
        starts += [
            now - watch.window.length
            for watch in self.watches()
            if watch.window is not None and watch.window.length is not None
        ]
        return min(starts, default=now)

    # ---- checkpoint -------------------------------------------------------------

    def parts(self, *, whole: bool) -> dict[str, bytes | None]:
        """Return the state in parts: all, or those that have changed since the last call.

        None is a part that is gone. Encodes at once: what is returned stays as it is.
        """
        return self._changes.take(self._candidates(), whole=whole)

    def restore(self, parts: Mapping[str, bytes]) -> None:
        """Be as when *parts* were taken, but for what the settings say otherwise now.

        To be called once, before anything else.

        Raises:
            PartsError: they cannot be used; then this engine cannot, either.
        """
        read = read_parts(parts)
        (own,) = read.engine
        self.now, self._sweep_at, self.dropped = own.now, own.sweep_at, own.dropped
        members: dict[str, set[str]] = {}
        for subject in read.subjects:
            state = self._subjects.get(SubjectKind(subject.kind), subject.name)
            if state is not None:
                state.restore(subject.state)
                members[subject.name] = set(subject.members)
        for source in read.sources:
            self._open_source(source.name).restore(source)
        for book in read.books:
            self._reopen(book)
        for state_of in self._sources.values():
            state_of.line_up()
        for common in read.intervals:
            self.intervals.restore(common)
        for rows in read.interval_rows:
            self.intervals.restore_rows(rows)
        self._renew(self.settings, members)
        for watches in read.watches:
            self._subjects.restore_watches(watches)

    def _candidates(self) -> Iterator[Candidate]:
        yield Candidate(key_of("engine"), None, self._part)
        for name, source in self._sources.items():
            yield Candidate(key_of("source", name), None, source.part)
            for queue, route in source.queues.items():
                yield Candidate(
                    key_of("book", name, queue),
                    route.version,
                    functools.partial(source.book_part, queue),
                )
        yield from self._subjects.candidates()

    def _part(self) -> EnginePart:
        return EnginePart(VERSION, sys.byteorder, self.now, self._sweep_at, self.dropped)

    # ---- configuration ----------------------------------------------------------

    def reconfigure(self, settings: EngineSettings, now: Micros) -> None:
        """Take new settings; windows, counters, waiting contacts and states survive."""
        self.advance(now)
        self._renew(settings, self._subjects.members())
        self._settle()

    def _renew(self, settings: EngineSettings, members: Mapping[str, set[str]]) -> None:
        """Take *settings*; *members* are what groups have summed up so far."""
        directory = Directory(settings)
        renamed = follow_names(self._sources, self._subjects, directory, self.now)
        members = {
            group: {renamed.get(name, name) for name in names}
            for group, names in members.items()
        }
        unroute(self._sources, directory, self.now)
        routed = {name for state in self._sources.values() for name in state.queues}
        self._subjects.renew(settings, routed, members, self.now)
        for state in self._sources.values():
            for name, route in state.queues.items():
                queue = self.subjects[SubjectKind.QUEUE, name]
                route.book.states = self._subjects.of_queue(queue)
                self._rewatch(route)
        self._see()

    # ---- inside -----------------------------------------------------------------

    def _run_before(self, now: Micros) -> None:
        """Do what is due strictly before *now*, each thing at its own instant."""
        if not self.now:
            return  # time begins with the first event: there is no past to live through
        self._settle()
        timers = self._timers
        while timers.earliest < now or self._sweep_at < now:
            due = min(timers.earliest, self._sweep_at)
            self.now = max(self.now, due)
            watch = timers.pop(due)
            if watch is not None:
                self._evaluate(watch)
            elif due == self._sweep_at:
                self._sweep(now)
            if self._dirty:
                self._settle()

    def _sweep(self, until: Micros) -> None:
        """Close what has been open for too long, each full hour up to *until*."""
        sweeps = self._sweep_at // _HOUR % _SWEEP_HOURS == 0
        for state in self._sources.values():
            state.source.forget()
            for route in state.queues.values() if sweeps else ():
                if route.book.sweep(self.now):
                    self._touch(route)
        after = self.now
        if until - after > _HOUR and oldest_open(self._sources) is None:
            after = until - 1  # a long silence in which nothing is open
        self._sweep_at = (after // _HOUR + 1) * _HOUR

    def _settle(self) -> None:
        """Evaluate what the events of this instant have touched."""
        for watch in self._dirty:
            self._evaluate(watch)
        self._dirty.clear()

    def _evaluate(self, watch: Timed) -> None:
        transitions = watch.evaluate(self.now)
        if transitions:
            self._transitions += transitions
        if watch.due < watch.scheduled:
            self._timers.schedule(watch)

    def _touch(self, route: Route) -> None:
        route.changed = True
        for watches in route.watches:
            self._dirty.update(dict.fromkeys(watches))

    def _publish(self, transitions: Iterable[Transition]) -> None:
        self._transitions += transitions

    def _drop(self, reason: DropReason) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def _source_changed(self, state: SourceState, event: Event, *, live: bool) -> None:
        if isinstance(event, FeedChanged):
            if event.live and state.docket is None:
                self._go_live(state)
            state.feed_changed(event)
            self._see()
            return
        if isinstance(event, QueueReported):
            self._reported(state, event)
            return
        if not isinstance(event, SourceRestarted):
            self._drop(DropReason.ORPHAN)  # what only a live feed may tell
            return
        state.source.saw(event.at)
        for route in state.queues.values():
            if isinstance(route.book, VisitBook):
                route.book.restarted(event.at, event.seq, live=live)
            else:
                route.book.restarted(event.at, event.seq)
            self._touch(route)

    def _reported(self, state: SourceState, event: QueueReported) -> None:
        """Take what is said of a queue as a whole."""
        state.source.saw(event.at)
        at = event.at
        route = state.routes.get(event.queue) or self._open_route(state, event.queue, at)
        if route is None:
            self._drop(DropReason.QUEUE_LIMIT)
            return
        if route.reports is None:
            open_account(self._book_for(route), route.book.states)
        drop = self._book_for(route).take(event, route.book.states, self.now)
        if drop is not None:
            self._drop(drop)
        self._heed(route)

    def _book_for(self, route: Route) -> ReportBook:
        """Return what is reported of a queue as a whole, made if need be."""
        if route.reports is None:
            aged = functools.partial(self._heed, route)
            route.reports = ReportBook(route.book.states[0], aged)
            self._rewatch(route)
        return route.reports

    def _heed(self, route: Route) -> None:
        """Look at all that what is reported of a queue may have changed."""
        route.changed = True
        turned = [count_agents(subject, self.now) for subject in route.book.states]
        for subject in route.book.states:
            subject.changed()
            self._dirty.update(dict.fromkeys(self._subjects.watches_of(subject)))
        if any(turned):
            self._rewatch_all()
        self._timers.schedule(self._book_for(route))

    def _go_live(self, state: SourceState) -> None:
        """Tell apart, from now on, what a live feed and a record say of this source."""
        state.docket = Docket()
        for route in state.queues.values():
            route.go_live(state.docket, self._touch)

    def remove_feed(self, source: str, feed: str, *, keep: bool = False) -> None:
        """Forget a feed. With the last one of a source goes who waits there: as lost.

        Not with *keep*: another feed is about to go on with what this one told.
        """
        state = self._sources.get(source)
        if state is None:
            return
        if feed in state.agents:
            # Who left meanwhile is told by nobody: another feed tells of all anew.
            self._forget_agents(state)
        state.remove_feed(feed)
        if not state.feeds and not keep:
            for route in state.queues.values():
                route.book.close(self.now)
                self._touch(route)
            del self._sources[source]
        self._see()

    def _forget_agents(self, state: SourceState) -> None:
        for route in state.queues.values():
            agents_gone(route.book.states, state.source.name, self.now)
            self._touch(route)

    def rename_source(self, old: str, new: str) -> None:
        """Go on with what is known of a source under another name."""
        if old in self._sources and new not in self._sources:
            state = self._sources[new] = self._sources.pop(old)
            self._forget_agents(state)
            state.source.name = new

    def _see(self, new: Route | None = None) -> None:
        """Find out who is blind, and of whose agents is told; or of a *new* queue alone."""
        look_around(self._sources, self._subjects, self.now, self._rewatch, new)
        seen = self.subjects.values() if new is None else new.book.states
        self._dirty.update((watch, None) for state in seen for watch in self.watches(state))

    def _reopen(self, part: BookPart) -> None:
        """Have the book of a checkpoint again, under the name the queue had then."""
        source = self._sources.get(part.source)
        queue = self._subjects.get(SubjectKind.QUEUE, part.queue)
        if source is None or queue is None:
            return
        route = source.reopen(part, self._subjects.of_queue(queue), self._touch)
        if part.reports is not None:
            book = self._book_for(route)
            book.restore(part.reports, self.now)
            open_account(book, route.book.states)
            self._timers.schedule(book)
        self._rewatch(route)

    def _open_source(self, name: str) -> SourceState:
        live = name in self.settings.live_sources
        state = self._sources[name] = SourceState(name, live=live)
        return state

    def _open_route(self, state: SourceState, spelled: str, at: Micros) -> Route | None:
        """Return the route of the queue a source spells so; None beyond the queue limit."""
        state.source.saw(at)
        name = self._subjects.directory.queue_named(state.source.name, spelled)
        route = state.queues.get(name)
        if route is None:
            queue = self._subjects.get(SubjectKind.QUEUE, name)
            if queue is None:
                return None
            states = self._subjects.of_queue(queue)
            route = Route(state.source, states, state.docket, self._touch)
            state.queues[name] = route
            open_account(None, states)
            self._rewatch(route)
            if any(each.blind or each.agents for each in self._sources.values()):
                # Also where another source has told of the queue. A new source is news to all.
                self._see(route if len(state.queues) > 1 else None)
        if len(state.routes) < _SPELLINGS * self.settings.queue_limit:
            state.routes[spelled] = route
        return route

    def _rewatch_all(self) -> None:
        for source in self._sources.values():
            for route in source.queues.values():
                self._rewatch(route)

    def _rewatch(self, route: Route) -> None:
        """Tell *route* who watches its queue and groups, where there is something to see."""
        route.watch(
            watch
            for subject in route.book.states
            for watch in self._subjects.watches_of(subject)
            if subject.agents.known or not watch.measure.of_agents
        )
