"""The engine: events in, state and threshold transitions out.

``apply`` changes the state, ``advance`` moves time; both are plain functions. The state at
an instant is the state after all events of that instant: thresholds are evaluated, and
timers due at an instant run, when time moves past it. So the order in which events of one
instant arrive cannot matter, and a replay fires at the same instants as the live run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from callmon.agents import agents_gone
from callmon.clock import SECOND, Micros
from callmon.directory import Directory, EngineSettings
from callmon.errors import DropReason
from callmon.events import Event, FeedChanged, SourceRestarted
from callmon.queues import SubjectState
from callmon.routes import LIVE_WAYS, WAYS, Route, SourceState
from callmon.rules import SubjectKind
from callmon.subjects import Key, Subjects
from callmon.thresholds import Transition
from callmon.visit_states import Docket
from callmon.visits import VisitBook
from callmon.watches import NEVER, Timers, Watch

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
        self._subjects = Subjects(settings, subject_state, self._dirty, self._publish)

    @property
    def settings(self) -> EngineSettings:
        """The settings in force."""
        return self._subjects.settings

    @property
    def subjects(self) -> Mapping[Key, SubjectState]:
        """Every subject's state, by kind and name."""
        return self._subjects.states

    # ---- time -------------------------------------------------------------------

    def advance(self, now: Micros) -> None:
        """Move time to *now* and do everything due until then, *now* included.

        Every feed has been heard as far as *now*, so visits are settled as far as that, also
        when the events of one of them have moved time further: it never goes back.
        """
        if now > self.now:
            self._run_before(now)
            self.now = now
        for state in self._sources.values():
            if state.docket:
                state.docket.settle(now)
        self._settle()
        while (watch := self._timers.pop(self.now)) is not None:
            self._evaluate(watch)

    def next_due(self) -> Micros | None:
        """Return the instant at which ``advance`` has something to do; None: no such."""
        if self._dirty:
            return self.now
        earliest = self._timers.earliest
        return None if earliest == NEVER else earliest

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

    def watches(self) -> Iterator[Watch]:
        """Yield everything that thresholds watch, subject by subject."""
        return self._subjects.watches()

    def oldest_open(self) -> Micros | None:
        """Return when the oldest visit that is still open began; None when none is."""
        starts = [
            start
            for state in self._sources.values()
            for route in state.queues.values()
            for start in route.book.open_starts()
        ]
        return min(starts, default=None)

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

    def snapshot(self) -> dict[str, object]:
        """Return all counters as plain values, by kind and name."""
        return {
            f"{kind}:{name}": state.snapshot() for (kind, name), state in self.subjects.items()
        }

    def open_visits(self) -> list[list[Any]]:
        """Return what of the visits no record tells again, as plain values."""
        return [
            [name, route.spelled, route.book.snapshot()]
            for name, state in self._sources.items()
            for route in state.queues.values()
            if isinstance(route.book, VisitBook)
        ]

    def expect_visits(self, visits: Iterable[Sequence[Any]]) -> None:
        """Have books for ``open_visits`` also where a source has no live feed any more.

        Call it before the records are read again: what was not settled is to be counted.
        """
        for name in {visit[0] for visit in visits}:
            if name in self.settings.sources:
                state = self._sources.get(name) or self._open_source(name)
                if state.docket is None:
                    self._go_live(state)

    def restore_visits(self, visits: Iterable[Sequence[Any]]) -> None:
        """Take back ``open_visits``.

        Call it after the records were read again as far as then, and before the counters
        are restored.
        """
        for state in self._sources.values():
            if state.docket is not None:
                state.docket.clear()
        for name, spelled, rows in visits:
            state = self._sources.get(name) or self._open_source(name)
            if state.docket is None:
                continue  # it has no live feed any more: its record tells everything
            route = state.routes.get(spelled) or self._open_route(state, spelled, self.now)
            if route is not None and isinstance(route.book, VisitBook):
                for keys, values in rows:
                    route.book.restore(keys, values)
                self._touch(route)

    def restore(self, snapshot: Mapping[str, object]) -> None:
        """Set the counters to what a ``snapshot`` holds; windows stay as they are."""
        for key, values in snapshot.items():
            kind, _, name = key.partition(":")
            if kind == SubjectKind.QUEUE:
                new = self._name_now(name)
                name = name if f"{kind}:{new}" in snapshot else new
            state = self._subjects.get(SubjectKind(kind), name)
            if state is not None and isinstance(values, dict):
                state.restore(values)

    # ---- configuration ----------------------------------------------------------

    def _name_now(self, name: str) -> str:
        """Return what a queue is called now that was called *name* when it was stored."""
        directory = self._subjects.directory
        if directory.is_configured(name):
            return name
        sources = self.settings.sources or ("",)
        names = {directory.queue_named(source, name) for source in sources}
        return names.pop() if len(names) == 1 else name

    def reconfigure(self, settings: EngineSettings, now: Micros) -> None:
        """Take new settings; windows, counters, waiting contacts and states survive."""
        self.advance(now)
        directory = Directory(settings)
        members = self._subjects.members()
        renamed = self._follow_names(directory)
        members = {
            group: {renamed.get(name, name) for name in names}
            for group, names in members.items()
        }
        self._unroute(directory)
        routed = {name for state in self._sources.values() for name in state.queues}
        self._subjects.renew(settings, routed, members, self.now)
        for state in self._sources.values():
            for name, route in state.queues.items():
                queue = self.subjects[SubjectKind.QUEUE, name]
                route.book.states = self._subjects.of_queue(queue)
                self._rewatch(route)
        self._see()
        self._settle()

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
        if until - after > _HOUR and self.oldest_open() is None:
            after = until - 1  # a long silence in which nothing is open
        self._sweep_at = (after // _HOUR + 1) * _HOUR

    def _settle(self) -> None:
        """Evaluate what the events of this instant have touched."""
        for watch in self._dirty:
            self._evaluate(watch)
        self._dirty.clear()

    def _evaluate(self, watch: Watch) -> None:
        transitions = watch.evaluate(self.now)
        if transitions:
            self._transitions += transitions
        if watch.due < watch.scheduled:
            self._timers.schedule(watch)

    def _touch(self, route: Route) -> None:
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

    def _see(self) -> None:
        """Find out which subjects are blind: those with a source none of whose feeds is up."""
        blind = {name for name, state in self._sources.items() if state.blind}
        knowing = {name for name, state in self._sources.items() if state.knows_agents}
        sources = self._sources_of()
        turned = False
        for subject in self.subjects.values():
            of = sources.get(subject, set())
            # A queue that nobody has spoken of yet may belong to any source.
            seen = bool(blind & of) if of else bool(blind) and blind == set(self._sources)
            known = bool(of) and of <= knowing
            if seen != subject.blind:
                subject.blind = seen
                subject.changed()
            turned = turned or known is not subject.agents.known
            subject.agents.set_known(known, self.now)
        if turned:
            for source in self._sources.values():
                for route in source.queues.values():
                    self._rewatch(route)
        self._dirty.update(dict.fromkeys(self.watches()))

    def _sources_of(self) -> dict[SubjectState, set[str]]:
        sources: dict[SubjectState, set[str]] = {}
        for name, state in self._sources.items():
            for route in state.queues.values():
                for subject in route.book.states:
                    sources.setdefault(subject, set()).add(name)
        return sources

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
            route = Route(state.source, states, state.docket, self._touch, spelled)
            state.queues[name] = route
            self._rewatch(route)
            if state.blind or state.agents:
                self._see()
        if len(state.routes) < _SPELLINGS * self.settings.queue_limit:
            state.routes[spelled] = route
        return route

    def _rewatch(self, route: Route) -> None:
        """Tell *route* who watches its queue and groups, where there is something to see."""
        route.watch(
            watch
            for subject in route.book.states
            for watch in self._subjects.watches_of(subject)
            if subject.agents.known or not watch.measure.of_agents
        )

    def _follow_names(self, directory: Directory) -> dict[str, str]:
        """Rename queues that a source's names now lead to as a whole; return new by old.

        So that giving a queue a name loses neither who waits there nor what has been.
        """
        renamed: dict[str, str] = {}
        for state in self._sources.values():
            source = state.source.name
            for name, route in list(state.queues.items()):
                spelled = [text for text, way in state.routes.items() if way is route]
                names = {directory.queue_named(source, text) for text in spelled}
                shared = any(
                    name in other.queues
                    for other in self._sources.values()
                    if other is not state
                )
                if len(names) != 1 or name in names or shared:
                    continue
                (new,) = names
                if self._subjects.rename_queue(name, new, directory, self.now):
                    state.queues[new] = state.queues.pop(name)
                    renamed[name] = new
        return renamed

    def _unroute(self, directory: Directory) -> None:
        """Close the books of queues to which a source's names no longer lead.

        Who waits there is lost to the former queue, and is carried in to the new one when
        the source next speaks of him.
        """
        for state in self._sources.values():
            moved = {
                id(route)
                for spelled, route in state.routes.items()
                if state.queues.get(directory.queue_named(state.source.name, spelled))
                is not route
            }
            for name, route in list(state.queues.items()):
                if id(route) in moved:
                    route.book.close(self.now)
                    del state.queues[name]
            state.routes = {
                spelled: route
                for spelled, route in state.routes.items()
                if id(route) not in moved
            }
