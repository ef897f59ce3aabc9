"""The engine in real time: judged by the present, and only when the state is that of now."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from callmon.alerts import Transition
from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND, Micros, next_turn
from callmon.config import load_config
from callmon.engine import EngineSettings
from callmon.events import ContactJoined, ContactLeft, Device, Event, Outcome
from callmon.monitor import AHEAD, FeedState, Monitor
from callmon.rules import SubjectKind
from callmon.telemetry import Telemetry
from callmon.testing import ManualClock
from tests.acceptance.driver import sample, write_config
from tests.crews import changed
from tests.sites import queue, reborn, settings_with
from tests.stories import BASE, SOURCE

pytestmark = pytest.mark.anyio

THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 10s, keep: 0s, severity: warning}
"""

DAY = 86_400 * SECOND

QUEUES = {"pbx": "sales", "pbx2": "service"}
"""Of each source."""

POLL: Micros = SECOND // 10
"""How often feeds look."""

TURNS = 20
"""Of the loop: enough for a sleeper to wake and lie down again."""


class Desk:
    """A monitor, its clock, and what it has published."""

    def __init__(self, settings: EngineSettings) -> None:
        self.clock = ManualClock()
        self.telemetry = Telemetry("1")
        self.news: list[tuple[str, Micros]] = []
        self.monitor = Monitor(settings, self.clock, self.telemetry, self._publish)
        self.start = self.clock.now()
        self.asleep = False  #: no feed looks
        self.on_news: Callable[[Transition], None] = lambda _change: None
        self._seq = 0

    def _publish(self, transitions: Sequence[Transition]) -> None:
        for transition in transitions:
            assert transition.at <= self.clock.now()
            self.news.append((transition.kind, self.clock.now() - self.start))
            self.on_news(transition)

    def feed(self, name: str, source: str = "pbx") -> FeedState:
        """Add a feed that sees and has told all it has."""
        feed = self.monitor.add_feed(name, source)
        self.sees(feed)
        self.monitor.current(feed)
        return feed

    def sees(self, feed: FeedState, trouble: str = "") -> None:
        """Have *feed* say that it sees, or why it does not."""
        self.monitor.up(feed, not trouble, trouble)

    def joins(self, at: Micros, contact: str = "1", source: str = "pbx") -> Event:
        """Return that a contact joined *at* after the start."""
        self._seq += 1
        return ContactJoined(self.start + at, source, self._seq, QUEUES[source], contact)

    def leaves(self, at: Micros, contact: str = "1", source: str = "pbx") -> Event:
        """Return that a contact hung up *at* after the start."""
        self._seq += 1
        at += self.start
        queue = QUEUES[source]
        return ContactLeft(at, source, self._seq, queue, contact, Outcome.ABANDONED, None)

    def tell(self, feed: FeedState, *events: Event) -> None:
        """Have *feed* tell *events*, and that this is all."""
        self.monitor.emit(feed, events, None)
        self.monitor.current(feed)

    def waiting(self) -> int:
        """Return how many wait in sales."""
        return len(self.monitor.engine.subjects[SubjectKind.QUEUE, "sales"].starts)

    async def metric(self, series: str) -> float | None:
        """Return one of the daemon's own figures."""
        page = await asyncio.to_thread(self.telemetry.render, openmetrics=False)
        return sample(page.decode(), series)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the monitor."""
        if not self.monitor.began:
            self.monitor.begin()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in (self._look(), self.monitor.run())]
            yield
            for task in tasks:
                task.cancel()

    async def _look(self) -> None:
        """Look as feeds do; one that is in the middle of telling comes to its own end."""
        while True:
            for feed in self.monitor.feeds.values():
                if feed.current and feed.up and not self.asleep:
                    self.monitor.current(feed)
            await self.clock.sleep(POLL)


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    """Return settings with one threshold: a wait of ten seconds."""
    return load_config(write_config(tmp_path, thresholds=THRESHOLDS), {}).engine_settings()


@pytest.fixture
def desk(settings: EngineSettings) -> Desk:
    """Return a monitor that does not run yet."""
    return Desk(settings)


async def test_a_deadline_is_met_to_the_tick(desk: Desk) -> None:
    """A wait that reaches the limit between two ticks is news at that very instant."""
    feed = desk.feed("log")
    async with desk.running():
        await desk.clock.advance(300_000)
        desk.tell(feed, desk.joins(300_000))
        await desk.clock.advance(30 * SECOND)

    assert [("fired", 10_300_000)] == desk.news


async def test_an_earlier_deadline_wakes_the_sleeper(desk: Desk) -> None:
    """News of a caller who has waited for long already are judged at once, or in time."""
    feed = desk.feed("log")
    async with desk.running():
        await desk.clock.advance(20 * SECOND + 1)
        desk.tell(feed, desk.joins(10_500_000))
        for _ in range(TURNS):
            await next_turn()
        await desk.clock.advance(SECOND // 2)

    assert [("fired", 20_500_000)] == desk.news


async def test_a_backlog_is_not_judged_by_the_present(desk: Desk) -> None:
    """Who joined long ago and whose end stands further on in the log raises no alarm."""
    feed = desk.feed("log")
    async with desk.running():
        await desk.clock.advance(60 * SECOND)
        desk.monitor.emit(feed, [desk.joins(0)], None)
        await desk.clock.advance(5 * SECOND)
        desk.tell(feed, desk.leaves(9 * SECOND))
        await desk.clock.advance(5 * SECOND)

    assert [] == desk.news


async def test_a_backlog_does_not_keep_us_busy(desk: Desk) -> None:
    """While a deadline has passed but a feed still tells, there is a look a second."""
    feed = desk.feed("log")
    async with desk.running():
        desk.monitor.emit(feed, [desk.joins(0)], None)
        await desk.clock.advance(20 * SECOND)
        ticks = desk.monitor.ticks
        await desk.clock.advance(10 * SECOND)
        assert desk.monitor.ticks - ticks <= 11
        desk.monitor.current(feed)

    assert [("fired", 30 * SECOND)] == desk.news


async def test_what_began_and_ended_before_the_start_is_no_news(desk: Desk) -> None:
    """What the past breached comes back from ``begin`` and is published to nobody."""
    feed = desk.feed("log")
    desk.tell(feed, desk.joins(-60 * SECOND), desk.leaves(-30 * SECOND))

    past = desk.monitor.begin()
    async with desk.running():
        await desk.clock.advance(SECOND)

    assert ["fired", "ended"] == [transition.kind for transition in past]
    assert [] == desk.news


async def test_a_feed_that_is_down_does_not_hold_up_others(desk: Desk) -> None:
    """One that fails in the middle of its telling is not waited for."""
    seeing, failing = desk.feed("log"), desk.feed("other", "pbx2")
    async with desk.running():
        desk.monitor.emit(failing, [desk.joins(0, source="pbx2")], None)
        desk.tell(seeing, desk.joins(0))
        desk.sees(failing, "the disk is gone")
        await desk.clock.advance(10 * SECOND)

    assert 0 == await desk.metric('callmon_feed_up{feed="other"}')
    assert ("fired", 10 * SECOND) in desk.news


async def test_a_removed_feed_does_not_hold_up_others(desk: Desk) -> None:
    """One that is taken away in the middle of its telling is not waited for."""
    seeing, leaving = desk.feed("log"), desk.feed("other", "pbx2")
    async with desk.running():
        desk.monitor.emit(leaving, [desk.joins(0, source="pbx2")], None)
        desk.tell(seeing, desk.joins(0))
        desk.monitor.remove_feed("other")
        await desk.clock.advance(10 * SECOND)

    assert ("fired", 10 * SECOND) in desk.news
    assert await desk.metric('callmon_feed_up{feed="other"}') is None


async def test_blind_is_not_over(desk: Desk) -> None:
    """A caller of whom nothing more can be heard is neither gone nor waiting for longer."""
    feed = desk.feed("log")
    async with desk.running():
        desk.tell(feed, desk.joins(0))
        await desk.clock.advance(5 * SECOND)
        desk.sees(feed, "denied")
        await desk.clock.advance(60 * SECOND)
        assert [] == desk.news
        assert desk.monitor.engine.states()[0].blind

        desk.sees(feed)
        assert not desk.monitor.engine.states()[0].blind

    assert ["fired"] == [kind for kind, _ in desk.news]


async def test_events_ahead_of_the_clock_are_not_believed(desk: Desk) -> None:
    """They are dropped and counted; what came with them is used, and time stays ours."""
    feed = desk.feed("log")
    async with desk.running():
        desk.tell(feed, desk.joins(AHEAD, "1"), desk.joins(AHEAD + 1, "2"))
        assert 1 == desk.waiting()

        desk.tell(feed, desk.joins(10 * AHEAD, "3"))
        assert 1 == desk.waiting()

    assert desk.start + AHEAD == desk.monitor.now()
    ahead = 'callmon_events_dropped_total{reason="future",stage="engine"}'
    assert 2 == await desk.metric(ahead)


@pytest.mark.parametrize("sources", [1, 2])
async def test_the_skew_of_a_clock_is_learnt(desk: Desk, sources: int) -> None:
    """A lone source whose clock is slow is judged by its own time; of several, by ours."""
    feed = desk.feed("log")
    if sources == 2:
        desk.feed("other", "pbx2")
    slow = 40 * SECOND
    async with desk.running():
        for contact in range(5):
            await desk.clock.advance(20 * SECOND)
            at = desk.clock.now() - desk.start - slow
            desk.tell(feed, desk.joins(at - 1, f"{contact}"), desk.leaves(at, f"{contact}"))
        # Time does not go back, it stands still until the slow clock has come so far.
        await desk.clock.advance(slow)
        desk.news.clear()
        desk.tell(feed, desk.joins(desk.clock.now() - desk.start - slow, "last"))
        told = desk.clock.now() - desk.start
        await desk.clock.advance(10 * SECOND)

    assert slow / SECOND == await desk.metric('callmon_feed_clock_skew_seconds{feed="log"}')
    assert [("fired", told + (10 * SECOND if sources == 1 else 0))] == desk.news


async def test_a_clock_that_is_set_right_is_believed(desk: Desk) -> None:
    """After hours of a slow clock, events that carry the right time are used at once."""
    feed = desk.feed("log")
    async with desk.running():
        for contact in range(5):
            await desk.clock.advance(20 * SECOND)
            at = desk.clock.now() - desk.start - 3_600 * SECOND
            desk.tell(feed, desk.joins(at - 1, f"{contact}"), desk.leaves(at, f"{contact}"))
        desk.tell(feed, desk.joins(desk.clock.now() - desk.start, "right"))

    assert 1 == desk.waiting()


async def test_lateness_now_and_then_is_no_skew(desk: Desk) -> None:
    """One batch that was held up does not move the clock."""
    feed = desk.feed("log")
    async with desk.running():
        for late in (0, 0, 300, 0, 0, 1, 0):
            await desk.clock.advance(20 * SECOND)
            at = desk.clock.now() - desk.start - late * SECOND
            desk.tell(feed, desk.joins(at, f"{at}"), desk.leaves(at, f"{at}"))

    assert desk.clock.now() == desk.monitor.now()


async def test_catching_up_waits_for_every_feed(desk: Desk) -> None:
    """The state is that of now when each feed has told all it has, or cannot."""
    slow, broken = desk.monitor.add_feed("a", "pbx"), desk.monitor.add_feed("b", "pbx2")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.monitor.caught_up())
        await desk.clock.advance(SECOND)
        assert not task.done()

        desk.sees(broken, "missing")
        await desk.clock.advance(SECOND)
        assert not task.done()

        desk.monitor.current(slow)
        await desk.clock.advance(SECOND)
        assert task.done()


async def test_a_quiet_feed_is_silent_only_while_it_should_speak(desk: Desk) -> None:
    """Silence counts from the last event or the opening, and not when it is shut."""
    first_minute = dict.fromkeys(range(7), ((0, 1),))
    spec = CalendarSpec(name="hours", timezone="UTC", weekly=first_minute)
    hours = await asyncio.to_thread(Calendar, spec)
    feed = desk.feed("log")
    midnight = desk.start // DAY * DAY + DAY
    await asyncio.to_thread(hours.next_change, midnight)  # reads the zone from the disk
    desk.monitor.expect({"log": (20 * SECOND, hours)})
    series = 'callmon_feed_silent{feed="log"}'
    found = []
    async with desk.running():
        for at in (midnight - 10 * SECOND, midnight + 19 * SECOND, midnight + 22 * SECOND):
            await desk.clock.advance(at - desk.clock.now())
            found.append(await desk.metric(series))
        desk.tell(feed, desk.joins(desk.clock.now() - desk.start))
        await desk.clock.advance(2 * SECOND)
        found.append(await desk.metric(series))
        await desk.clock.advance(30 * SECOND)
        found.append(await desk.metric(series))
        await desk.clock.advance(60 * SECOND)
        found.append(await desk.metric(series))

    assert [0.0, 0.0, 1.0, 0.0, 1.0, 0.0] == found


async def test_a_feed_that_is_down_is_not_silent(desk: Desk) -> None:
    """One trouble, one alert: down it is blind, and after its return silence begins anew."""
    feed = desk.feed("log")
    desk.monitor.expect({"log": (20 * SECOND, None)})
    series = 'callmon_feed_silent{feed="log"}'
    found = []
    async with desk.running():
        await desk.clock.advance(25 * SECOND)
        found.append(await desk.metric(series))
        desk.sees(feed, "gone")
        await desk.clock.advance(5 * SECOND)
        found.append(await desk.metric(series))
        desk.sees(feed)
        await desk.clock.advance(15 * SECOND)
        found.append(await desk.metric(series))

    assert [1.0, 0.0, 0.0] == found


async def test_without_an_expectation_silence_is_not_known(desk: Desk) -> None:
    """Nobody said how long it may be quiet: the series is absent, not 0."""
    desk.feed("log")
    async with desk.running():
        await desk.clock.advance(60 * SECOND)
        assert await desk.metric('callmon_feed_silent{feed="log"}') is None


async def test_figures_are_of_one_instant(desk: Desk) -> None:
    """Shown is the present, or in a backlog the past that the state is of; never a mixture."""
    feed = desk.feed("log")
    desk.monitor.begin()
    await desk.clock.advance(30 * SECOND)

    desk.monitor.current(feed)
    present = desk.monitor.present()
    desk.monitor.emit(feed, [desk.joins(5 * SECOND)], None)
    await desk.clock.advance(30 * SECOND)
    past = desk.monitor.present()
    desk.monitor.current(feed)

    assert [30 * SECOND, 30 * SECOND, 60 * SECOND] == [
        at - desk.start for at in (present, past, desk.monitor.present())
    ]


async def test_what_was_written_during_a_look_is_not_seen_yet(desk: Desk) -> None:
    """Who left while the log was being read is judged by the next look, not by this one."""
    feed = desk.feed("log")
    desk.monitor.begin()
    desk.monitor.emit(feed, [desk.joins(0)], None)
    looked_at = desk.start + 2 * SECOND
    await desk.clock.advance(3 * SECOND)

    desk.monitor.current(feed, looked_at)

    assert looked_at == desk.monitor.engine.now


async def test_nobody_is_judged_before_the_feeds_have_looked(desk: Desk) -> None:
    """Who left in the very moment in which the limit is reached raises no alarm.

    Nor who left while the machine was suspended: it is the same, and takes longer.
    """
    feed, blind = desk.feed("log"), desk.feed("other", "pbx2")
    desk.sees(blind, "gone")
    async with desk.running():
        desk.tell(feed, desk.joins(0))
        await desk.clock.advance(9 * SECOND + SECOND // 2)

        desk.asleep = True
        desk.clock.leap(60 * SECOND)
        await desk.clock.advance(SECOND)
        before = list(desk.news)
        desk.tell(feed, desk.leaves(9 * SECOND + SECOND // 2))
        await desk.clock.advance(2 * SECOND)

    assert [] == before == desk.news


async def test_a_deadline_keeps_its_instant_though_it_is_judged_late(desk: Desk) -> None:
    """Told when a feed has looked, it is of the moment in which the limit was reached."""
    feed = desk.feed("log")
    instants: list[Micros] = []
    desk.on_news = lambda change: instants.append(change.at - desk.start)
    async with desk.running():
        desk.tell(feed, desk.joins(0))
        desk.asleep = True
        await desk.clock.advance(10 * SECOND + SECOND // 10)
        before = list(desk.news)
        desk.monitor.current(feed)

    assert ([], [10 * SECOND]) == (before, instants)


@pytest.mark.parametrize(("down", "busy"), [(10, 15), (600, 5)])
def test_of_agents_nothing_is_known_while_callmon_is_stopped(down: int, busy: int) -> None:
    """What they did last they have not done all the time, where a live feed alone tells."""
    clock = ManualClock(BASE)
    settings = settings_with(live_sources=frozenset({SOURCE}))
    former = Monitor(settings, clock, Telemetry("0"), lambda _: None)
    feed = former.add_feed("ami", SOURCE, live=True, agents=True)
    former.up(feed, up=True, reason="")
    former.begin()
    former.emit(feed, [changed(0, device=Device.BUSY)])
    clock.leap(5 * SECOND)
    former.current(feed)
    monitor = Monitor(settings, clock, Telemetry("0"), lambda _: None)
    monitor.engine = reborn(former.engine)
    feed = monitor.add_feed("ami", SOURCE, live=True, agents=True)

    clock.leap(down * SECOND)
    monitor.stopped()
    monitor.emit(feed, [changed((5 + down) * SECOND, device=Device.IDLE)])
    monitor.up(feed, up=True, reason="")
    monitor.begin()

    now = monitor.engine.now
    assert busy * SECOND == queue(monitor.engine).agents.spent(BASE, now).busy


async def test_a_feed_rests_until_there_is_something_to_judge(desk: Desk) -> None:
    """A caller who reaches the limit is told a moment later, not at the next poll."""
    feed = desk.feed("log")
    longest = 300 * SECOND // 1_000
    idle = desk.monitor.pause(feed, longest)
    desk.monitor.begin()
    desk.tell(feed, desk.joins(0))
    pauses = []
    for at in (9_500, 9_900, 9_995, 10_005):
        await desk.clock.advance(desk.start + at * SECOND // 1_000 - desk.clock.now())
        pauses.append(desk.monitor.pause(feed, longest) * 1_000 // SECOND)

    assert longest == idle
    # Ten milliseconds for who left in that very moment; never less than twenty.
    assert [300, 110, 20, 20] == pauses


async def test_what_is_due_already_hurries_nobody(desk: Desk) -> None:
    """It waits for another feed: looking more often would not help."""
    feed = desk.feed("log")
    desk.monitor.begin()
    desk.tell(feed, desk.joins(0))
    await desk.clock.advance(12 * SECOND)

    feed.looked_at = desk.clock.now()

    assert SECOND == desk.monitor.pause(feed, SECOND)


async def test_who_looked_too_soon_looks_again_at_once(desk: Desk) -> None:
    """A look that began before the limit was reached does not tell who left in time."""
    feed = desk.feed("log")
    desk.monitor.begin()
    desk.tell(feed, desk.joins(0))
    await desk.clock.advance(12 * SECOND)

    desk.monitor.current(feed, desk.start + 9 * SECOND)

    assert SECOND // 50 == desk.monitor.pause(feed, SECOND)
