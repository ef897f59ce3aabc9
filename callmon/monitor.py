"""The engine in real time: what feeds say goes in, transitions come out when they are due.

Engine time is our clock less the skew of the source. It follows the clock only as far as
every feed has looked: in the middle of a backlog, or between two looks, the state is that of
the past, and to judge it by the present would raise false alarms.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress

import msgspec
import structlog

from callmon.alerts import Transition
from callmon.calendars import Calendar
from callmon.clock import SECOND, Clock, Micros, wait_at_most
from callmon.engine import Engine, EngineSettings
from callmon.errors import DropReason
from callmon.events import KINDS, Event, FeedChanged
from callmon.feeds.base import Position
from callmon.inputs import Inputs, Unwritten
from callmon.journal import TimePassed, Told
from callmon.seen import SeenIds
from callmon.telemetry import Telemetry

__all__ = ["FeedState", "Monitor", "MonitorPart"]

log = structlog.get_logger(__name__)

AHEAD: Micros = 60 * SECOND
"""An event further ahead of our clock is not believed: it would move time for everybody."""

SKEW_FROM: Micros = 2 * SECOND
"""A smaller difference of clocks is within what whole seconds and reading take."""

SKEW_SAMPLES = 101
SKEW_AT_LEAST = 5
TICK: Micros = SECOND
"""Longest time between two looks at the clock: a clock that is set is noticed."""

SETTLE: Micros = SECOND // 100
"""So long after an instant feeds look at it: who left in that moment is written down then."""

SHORTEST_PAUSE: Micros = SECOND // 50
"""In a busy centre something is due all the time, and a look at a file is work."""

NEWS = 50

UNNOTICED: Micros = 15 * SECOND
"""A shorter stop leaves thresholds that wait out their ``for`` alone, of live feeds, too."""

MARK_EVERY: Micros = SECOND
"""How often a feed that tells nothing may have its place noted."""


class FeedPart(msgspec.Struct):
    """A feed in a checkpoint: its clock and its last words."""

    last_at: Micros | None
    delays: list[Micros]


class MonitorPart(msgspec.Struct):
    """A ``Monitor`` in a checkpoint, but for the engine."""

    skew: Micros
    feeds: dict[str, FeedPart]
    unwritten: Micros | None = None  #: how far time had moved that no input tells of


class FeedState:
    """What is known of one running feed."""

    def __init__(
        self, name: str, source: str, *, live: bool = False, agents: bool = False
    ) -> None:
        self.name = name
        self.source = source
        self.agents = agents  #: it knows agents
        self.live = live  #: it tells of a moment when it is over; the others keep a record
        self.up = False
        self.reason = "starting"
        self.current = False
        self.looked_at: Micros = 0  #: by our clock, when it last said that this is all
        self.position: Position | None = None
        self.last_at: Micros | None = None
        self.delays: deque[Micros] = deque(maxlen=SKEW_SAMPLES)
        self.recent: deque[Event] = deque(maxlen=NEWS)
        self.silent = False
        self.account: tuple[str, ...] = ()  #: what is wrong with its account at the source
        self.listening_since: Micros = 0  #: engine time from which silence counts
        self.seen = SeenIds()
        self.marked_at: Micros = 0  #: by our clock, when its place was noted last

    def is_silent(self, now: Micros, after: Micros, during: Calendar | None) -> bool:
        """Tell whether it has said nothing for longer than *after*, while it should speak.

        Only time in which it was up and *during* was open counts.
        """
        if not self.up:
            return False  # then it is down, which is another alert
        begin = max(self.listening_since, self.last_at or 0)
        if during is not None:
            opened = during.opened_at(now)
            if opened is None:
                return False
            begin = max(begin, opened)
        return now - begin > after


class Monitor:
    """Owns the engine and its time."""

    def __init__(
        self,
        settings: EngineSettings,
        clock: Clock,
        telemetry: Telemetry,
        publish: Callable[[Sequence[Transition]], None],
        inputs: Inputs | None = None,
    ) -> None:
        self.clock = clock
        self.inputs: Inputs = inputs or Unwritten()
        self.engine = Engine(settings)
        self.feeds: dict[str, FeedState] = {}
        self.ticks = 0  #: grows while the engine works: systemd's watchdog lives by it
        self.changes = 0  #: grows with every batch of events
        self.taken = 0  #: events so far
        self.began = False  #: every feed has been current once
        self.losing: Callable[[], None] = lambda: None  #: before a source is lost
        self._telemetry = telemetry
        self._publish = publish
        self._skew: Micros = 0
        self._unwritten: Micros | None = None  #: engine time that no input tells of yet
        self._silences: Mapping[str, tuple[Micros, Calendar | None]] = {}
        self._wake = asyncio.Event()
        self._sleeping_until: Micros = 0

    # ---- what feeds say -----------------------------------------------------------

    def add_feed(
        self, name: str, source: str, *, live: bool = False, agents: bool = False
    ) -> FeedState:
        """Make room for a feed that is about to run."""
        state = self.feeds[name] = FeedState(name, source, live=live, agents=agents)
        self._telemetry.feed(name).up(up=False)
        return state

    def remove_feed(self, name: str, *, keep: bool = False) -> None:
        """Forget a feed that no longer runs; *keep* what it told, for another to go on with."""
        self._about_to_lose(self.feeds[name])
        state = self.feeds.pop(name)
        self._telemetry.forget_feed(name)
        self.engine.remove_feed(state.source, name, keep=keep)
        self._advance()

    def emit(
        self,
        feed: FeedState,
        events: Sequence[Event],
        position: Position | None = None,
        *,
        ids: Sequence[int | None] = (),
        done: Callable[[], None] | None = None,
    ) -> None:
        """Take a feed's events (``callmon.feeds.base.Emit``)."""
        if position is not None:
            feed.position = position
        if events:
            self._take(feed, events, position, ids)
        elif position is not None:
            self._mark(feed, position, at_once=done is not None)
        if done is not None:
            self.inputs.when_durable(done)

    def _take(
        self,
        feed: FeedState,
        events: Sequence[Event],
        position: Position | None,
        ids: Sequence[int | None],
    ) -> None:
        now = self.clock.now()
        if feed.current:
            self._note_delay(feed, now - events[-1].at)
        feed.current = False
        # A slow clock that is set right is not ahead: only by ours can anything be.
        limit = now + max(-self._skew, 0) + AHEAD
        if max(event.at for event in events) > limit:
            believed = [event.at <= limit for event in events]
            events, ids = list(compress(events, believed)), list(compress(ids, believed))
            self._disbelieve(feed, believed.count(False))
        if ids:
            told = len(events)
            events, ids = feed.seen.fresh(events, ids)
            if told > len(events):
                self._telemetry.events_dropped(
                    "redelivery", DropReason.DUPLICATE, told - len(events)
                )
        self._write_time()
        self.engine.apply_all(events, live=feed.live)
        self.inputs.record(feed.name, events, ids, position)
        self.changes += 1
        self.taken += len(events)
        self.ticks += 1
        self._count(feed, events, now)

    def _mark(self, feed: FeedState, position: Position, *, at_once: bool) -> None:
        """Note how far a feed has got that has told nothing, but not all the time."""
        now = self.clock.monotonic()
        if at_once or now - feed.marked_at >= MARK_EVERY:
            feed.marked_at = now
            self.inputs.record(feed.name, (), (), position)

    def current(self, feed: FeedState, looked_at: Micros | None = None) -> None:
        """A feed has told all it has, as it was at *looked_at* (now)."""
        feed.current = True
        feed.looked_at = self.clock.now() if looked_at is None else looked_at
        self._advance()

    def up(self, feed: FeedState, up: bool, reason: str) -> None:  # noqa: FBT001  # as feeds say it
        """A feed sees, or is blind."""
        if not up:
            self._about_to_lose(feed)
        if up and not feed.up:
            feed.listening_since = self.now()
        feed.up, feed.reason = up, reason
        self._telemetry.feed(feed.name).up(up=up)
        if not up:
            # Nothing more will come for now, and the others must not wait for it.
            feed.current = True
        if self.began:
            self._tell_engine(feed)
            self._advance()

    def pause(self, feed: FeedState, longest: Micros) -> Micros:
        """Return how long *feed* may rest: until there is something to judge, or *longest*.

        What is due already waits for another feed, unless this one last looked before.
        """
        due = self.engine.next_due()
        if due is None:
            return longest
        due += self._skew + SETTLE
        if feed.looked_at >= due:
            return longest
        return min(longest, max(due - self.clock.now(), SHORTEST_PAUSE))

    def expect(self, silences: Mapping[str, tuple[Micros, Calendar | None]]) -> None:
        """Say of each feed how long it may be quiet, and during which calendar that counts."""
        self._silences = silences

    def count_drop(self, stage: str, reason: str, count: int = 1) -> None:
        """Count what a feed could not use."""
        self._telemetry.events_dropped(stage, reason, count)

    def gap(self, feed: FeedState, length: Micros, _reason: str) -> None:
        """Count time that is lost for good."""
        self._telemetry.feed(feed.name).gap(length)

    def drift(self, feed: FeedState, contacts: int) -> None:
        """Show by how many waiting contacts the source's own count differed from ours."""
        self._telemetry.feed(feed.name).drifted(contacts)

    def account(self, feed: FeedState, findings: tuple[str, ...]) -> None:
        """Show what is wrong with the account that a feed has at its source."""
        feed.account = findings
        self._telemetry.feed(feed.name).judged(len(findings))

    # ---- restart ------------------------------------------------------------------

    def part(self) -> MonitorPart:
        """Return what is known of feeds and their clocks, for a checkpoint."""
        feeds = {
            feed.name: FeedPart(feed.last_at, list(feed.delays)) for feed in self.feeds.values()
        }
        return MonitorPart(self._skew, feeds, self._unwritten)

    def remember(self, ids: Mapping[str, Iterable[int]]) -> None:
        """Know by feed what was told before; call it when they were added."""
        for name, told in ids.items():
            if name in self.feeds:
                self.feeds[name].seen = SeenIds(told)

    def restore(self, part: MonitorPart) -> None:
        """Know of the feeds what was known before; call it when they were added."""
        self._skew, self._unwritten = part.skew, part.unwritten
        for name, state in self.feeds.items():
            known = part.feeds.get(name)
            if known is not None:
                state.last_at = known.last_at
                if known.last_at is not None:
                    self._telemetry.feed(name).last_was(known.last_at)
                state.delays.extend(known.delays)

    def again(self, told: Told | TimePassed) -> None:
        """Take what went in before the restart once more."""
        self._unwritten = None  # it was written before any of this
        if isinstance(told, TimePassed):
            self.engine.advance(told.at)
            return
        self.engine.apply_all(told.events, live=told.live)
        feed = self.feeds.get(told.feed)
        received = [event for event in told.events if not isinstance(event, FeedChanged)]
        if feed is not None and received:
            feed.last_at = received[-1].at
            telemetry = self._telemetry.feed(feed.name)
            telemetry.last_was(feed.last_at)
            for kind, count in Counter(map(type, received)).items():
                telemetry.lived_again(KINDS[kind], count)

    def ahead(self) -> Micros:
        """Return by how much the state is of a future that nothing believable can be of."""
        return self.engine.now - (self.clock.now() + max(-self._skew, 0) + 2 * AHEAD)

    def stopped(self) -> None:
        """Tell the engine that live feeds saw nothing since the stop, as when cut off.

        Else agents would have done all the time what they did then.
        """
        if not self.engine.now or self.now() - self.engine.now <= UNNOTICED:
            return
        for feed in self.feeds.values():
            if feed.live:
                self._tell_engine(feed)

    # ---- time ---------------------------------------------------------------------

    def now(self) -> Micros:
        """Return engine time: the present, as far as every feed that sees has looked.

        What happened since is in no feed's words yet, and whoever left in the very moment
        in which a limit is reached must not raise an alarm.
        """
        return max(self._heard(), self.engine.now)

    def _heard(self) -> Micros:
        """Return how far, by engine time, every feed that sees has looked."""
        looked = min(
            (feed.looked_at for feed in self.feeds.values() if feed.up),
            default=self.clock.now(),
        )
        return min(looked, self.clock.now()) - self._skew

    def by_source(self) -> Micros:
        """Return the present by the clock of the source, whoever has looked."""
        return self.clock.now() - self._skew

    def present(self) -> Micros:
        """Bring the state up to now, and return the instant it is of.

        In the middle of a backlog that is an instant of the past, and the figures are its.
        """
        self._advance()
        return self.engine.now

    def begin(self) -> list[Transition]:
        """Judge by the present from now on: call it when all feeds have caught up.

        Returns what came about meanwhile; part of it has been told before the stop, and
        what has ended is past.
        """
        self.began = True
        for feed in self.feeds.values():
            self._tell_engine(feed)
        self._move_time()
        return self.engine.drain()

    async def run(self) -> None:
        """Advance the engine whenever something is due, until cancelled."""
        while True:
            self._wake.clear()
            self._advance()
            self._judge_silences()
            await self._sleep(self._pause())

    async def caught_up(self) -> None:
        """Wait until every feed has been current at once."""
        while not self._all_current():
            await self.clock.sleep(SECOND // 100)

    def reconfigure(self, settings: EngineSettings) -> None:
        """Take new settings; wait for ``caught_up`` first, for it judges by the present."""
        self.engine.reconfigure(settings, self.now())
        self._hand_on()

    def _pause(self) -> Micros:
        """Return how long nothing is due. In a backlog nothing is, until its end is told."""
        due = self.engine.next_due()
        if due is None or not self._all_current():
            return TICK
        left = due - self.by_source()
        # What is due already waits for a feed to look, and that advances the engine.
        return min(left, TICK) if left > 0 else TICK

    def _judge_silences(self) -> None:
        now = self.now()
        for name, (after, during) in self._silences.items():
            feed = self.feeds.get(name)
            if feed is None:
                continue
            silent = feed.is_silent(now, after, during)
            self._telemetry.feed(name).silent(silent=silent)
            if silent != feed.silent:
                feed.silent = silent
                (log.warning if silent else log.info)(
                    "feed.silent" if silent else "feed.speaking", feed=name
                )

    def _all_current(self) -> bool:
        return all(feed.current for feed in self.feeds.values())

    def _advance(self) -> None:
        if not self.began or not self._all_current():
            return
        self.ticks += 1
        self._move_time()
        self._hand_on()
        due = self.engine.next_due()
        if due is not None and due < self._sleeping_until:
            self._wake.set()

    def _hand_on(self) -> None:
        transitions = self.engine.drain()
        if transitions:
            self._publish(transitions)
        self._telemetry.dropped_by_engine(self.engine.dropped)

    async def _sleep(self, delay: Micros) -> None:
        """Sleep for *delay*, or until something is due earlier."""
        self._sleeping_until = self.now() + delay
        await wait_at_most(self.clock, delay, self._wake)

    # ---- inside -------------------------------------------------------------------

    def _about_to_lose(self, feed: FeedState) -> None:
        """Say so while the source of *feed* can still be seen, and by no other."""
        others = [other for other in self.feeds.values() if other is not feed and other.up]
        if self.began and feed.up and all(other.source != feed.source for other in others):
            self.losing()

    def _tell_engine(self, feed: FeedState) -> None:
        changed = FeedChanged(
            self.engine.now, feed.source, 0, feed.name, feed.up, feed.live, feed.agents
        )
        self._write_time()
        self.engine.apply(changed)
        self.inputs.record(feed.name, (changed,), (), None)

    def _move_time(self) -> None:
        """Advance the engine as far as all feeds were heard."""
        self._unwritten = self._heard()
        if self.engine.advance(self._unwritten):
            self._write_time()

    def _write_time(self) -> None:
        """Write down how far time has moved.

        Needed before anything else is: what is told late is judged by the time it meets.
        """
        if self._unwritten is not None:
            self.inputs.passed(self._unwritten)
            self._unwritten = None

    def _disbelieve(self, feed: FeedState, dropped: int) -> None:
        self._telemetry.events_dropped("engine", DropReason.FUTURE, dropped)
        log.warning("events.ahead", feed=feed.name, reason=DropReason.FUTURE, count=dropped)

    def _count(self, feed: FeedState, events: Sequence[Event], now: Micros) -> None:
        if not events:
            return
        telemetry = self._telemetry.feed(feed.name)
        feed.last_at = events[-1].at
        for kind, count in Counter(map(type, events)).items():
            telemetry.received(KINDS[kind], feed.last_at, now, count)
        feed.recent.extend(events[-NEWS:])

    def _note_delay(self, feed: FeedState, delay: Micros) -> None:
        """Learn the skew of the source's clock; with one source engine time heeds it."""
        feed.delays.append(delay)
        if len(feed.delays) < SKEW_AT_LEAST:
            return
        median = sorted(feed.delays)[len(feed.delays) // 2]
        self._telemetry.feed(feed.name).skewed(median)
        alone = len({state.source for state in self.feeds.values()}) == 1
        skew = median if alone and abs(median) > SKEW_FROM else 0
        if abs(skew - self._skew) > SKEW_FROM:
            log.warning("clock.skewed", feed=feed.name, delay_s=median / SECOND)
            self._skew = skew
