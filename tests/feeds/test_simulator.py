"""The simulator as a feed: it tells the history when it is due."""

import dataclasses
from collections.abc import Sequence

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.errors import FeedError
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactJoined,
    ContactLeft,
    Event,
    SourceRestarted,
)
from callmon.feeds.base import Feed, FeedContext, Position
from callmon.feeds.call_centre import CallCentre, SimulatedQueue, demo_centre
from callmon.feeds.settings import LongWait, SimulatorSettings
from callmon.feeds.simulation import Simulation
from callmon.feeds.simulator import AcceleratedClock, SimulatorFeed
from callmon.testing import ManualClock

HOUR = 3_600 * SECOND
START = 1_700_000_000 * SECOND
SETTINGS = SimulatorSettings(name="practice", source="centre", seed=7)
QUIET = CallCentre(queues=(SimulatedQueue(name="q", agents=("x",), calls_per_hour=0),))


class Recorder:
    """Everything a feed says, with the moment of our clock at which it said so."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.batches: list[tuple[Micros, list[Event], Position | None]] = []
        self.states: list[tuple[Micros, bool]] = []
        self.told: list[int] = []  #: batches emitted before each "that is all for now"

    @property
    def events(self) -> list[Event]:
        """All events, in the order told."""
        return [event for _, events, _ in self.batches for event in events]

    def context(self, resume: Position | None = None) -> FeedContext:
        """Return a context that writes everything down."""
        return FeedContext(
            clock=self.clock,
            emit=self._emit,
            up=lambda up, _: self.states.append((self.clock.now(), up)),
            count_drop=_never,
            gap=_never,
            current=self._current,
            resume=resume,
        )

    def _current(self, _looked_at: Micros) -> None:
        self.told.append(len(self.batches))

    def _emit(
        self, events: Sequence[Event], position: Position | None = None, **_more: object
    ) -> None:
        self.batches.append((self.clock.now(), list(events), position))


def _never(*args: object, **kwargs: object) -> None:
    pytest.fail(f"the simulator has nothing to drop or miss: {args} {kwargs}")


async def run_for(feed: Feed, clock: ManualClock, length: Micros) -> None:
    """Run *feed* while *clock* moves on by *length*."""
    async with anyio.create_task_group() as group:
        group.start_soon(feed.run)
        await clock.advance(length)
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_two_hours_of_history_come_first_then_the_feed_is_up() -> None:
    """At the start the windows can be filled; only then is the feed called up."""
    clock = ManualClock(START)
    said = Recorder(clock)

    await run_for(SimulatorFeed(SETTINGS, said.context()), clock, SECOND)

    assert said.events[0].at < START - 2 * HOUR + 600 * SECOND
    [(up_at, up)] = said.states
    assert (True, True) == (up, up_at < START + 1_000)


@pytest.mark.anyio
async def test_it_says_when_all_is_told() -> None:
    """Every batch is followed by "that is all for now", the history by one for all of it."""
    clock = ManualClock(START)
    said = Recorder(clock)

    await run_for(SimulatorFeed(SETTINGS, said.context()), clock, 60 * SECOND)

    [(up_at, _)] = said.states
    history = sum(told <= up_at for told, _, _ in said.batches)
    assert said.told[0] >= history > 1
    assert set(range(said.told[0], len(said.batches) + 1)) == set(said.told)


@pytest.mark.anyio
async def test_events_are_told_when_they_happen() -> None:
    """In real time every event is told at its instant, to the millisecond, and all are."""
    clock = ManualClock(START)
    said = Recorder(clock)

    await run_for(SimulatorFeed(SETTINGS, said.context()), clock, 120 * SECOND)

    [(up_at, _)] = said.states
    live = [(told, e.at) for told, events, _ in said.batches for e in events if told > up_at]
    assert len(live) > 10
    assert all(0 <= told - at <= 1_000 for told, at in live)
    expected = Simulation(
        demo_centre(), seed=7, start=START, warm_up=2 * HOUR, source="centre", agents=True
    ).advance(START + 120 * SECOND)
    assert expected == said.events


@pytest.mark.anyio
async def test_the_position_covers_exactly_what_was_told() -> None:
    """Each batch carries the instant up to which everything has been told."""
    clock = ManualClock(START)
    said = Recorder(clock)

    await run_for(SimulatorFeed(SETTINGS, said.context()), clock, 60 * SECOND)

    last = 0
    for _, events, position in said.batches:
        assert position is not None
        until = position["at"]
        assert isinstance(until, int)
        assert all(last < event.at <= until for event in events)
        last = until


@pytest.mark.anyio
async def test_sixty_times_as_fast_is_an_hour_in_a_minute() -> None:
    """With speed 60 a minute of ours tells an hour, by the feed's own clock."""
    clock = ManualClock(START)
    said = Recorder(clock)
    feed = SimulatorFeed(dataclasses.replace(SETTINGS, speed=60.0), said.context())

    await run_for(feed, clock, 60 * SECOND)

    assert START + HOUR == feed.clock.now()
    assert START + HOUR - 30 * SECOND < said.events[-1].at <= START + HOUR


@pytest.mark.anyio
async def test_a_restart_goes_on_where_the_position_ends() -> None:
    """Nothing older is told again, whoever was there is gone, numbers do not come again."""
    clock = ManualClock(START)
    before, after = Recorder(clock), Recorder(clock)
    await run_for(SimulatorFeed(SETTINGS, before.context()), clock, 60 * SECOND)
    position = before.batches[-1][2]
    assert position is not None
    await clock.advance(30 * SECOND)

    await run_for(SimulatorFeed(SETTINGS, after.context(position)), clock, 60 * SECOND)

    restarted = after.events[0]
    assert isinstance(restarted, SourceRestarted)
    assert position["at"] == restarted.at
    assert all(restarted.at <= event.at for event in after.events)
    assert before.events[-1].seq < restarted.seq < after.events[1].seq


@pytest.mark.anyio
async def test_run_again_it_lets_the_agents_of_the_former_house_leave() -> None:
    """After a crash it goes on where it was: who was on duty leaves, then the house opens."""
    clock = ManualClock(START)
    said = Recorder(clock)
    feed = SimulatorFeed(SETTINGS, said.context())
    await run_for(feed, clock, 60 * SECOND)
    crashed = said.events[-1].at
    at_work = places(said.events)
    count = len(said.events)

    await run_for(feed, clock, 60 * SECOND)

    again = said.events[count:]
    [place] = [place for place, e in enumerate(again) if isinstance(e, SourceRestarted)]
    assert crashed <= again[place].at
    assert all(isinstance(event, AgentRemoved) for event in again[:place])
    assert at_work != set()
    assert at_work == {(e.queue, e.agent) for e in again[:place] if isinstance(e, AgentRemoved)}
    assert {again[place].at} == {event.at for event in again[:place]}
    assert all(again[place].at <= event.at for event in again[place:])


def places(events: Sequence[Event]) -> set[tuple[str, str]]:
    """Return who is an agent of which queue after *events*."""
    found: set[tuple[str, str]] = set()
    for event in events:
        if isinstance(event, AgentChanged):
            found.add((event.queue, event.agent))
        elif isinstance(event, AgentRemoved):
            found.remove((event.queue, event.agent))
    return found


@pytest.mark.anyio
async def test_a_long_absence_is_made_up_for_by_two_hours_only() -> None:
    """A position of last week does not cost a week of history."""
    clock = ManualClock(START)
    said = Recorder(clock)
    resume = {"at": START - 7 * 24 * HOUR}

    await run_for(SimulatorFeed(SETTINGS, said.context(resume)), clock, SECOND)

    assert START - 2 * HOUR == said.events[0].at


@pytest.mark.anyio
async def test_a_clock_set_back_repeats_nothing() -> None:
    """While the wall clock is behind what was told the feed is silent, then goes on."""
    clock = ManualClock(START)
    said = Recorder(clock)
    feed = SimulatorFeed(SETTINGS, said.context())

    async with anyio.create_task_group() as group:
        group.start_soon(feed.run)
        await clock.advance(10 * SECOND)
        clock._now -= 5 * SECOND
        await clock.advance(20 * SECOND)
        group.cancel_scope.cancel()

    times = [event.at for event in said.events]
    assert sorted(times) == times
    assert len({event.seq for event in said.events}) == len(times)
    assert times[-1] > START + 10 * SECOND


@pytest.mark.anyio
async def test_an_ordered_caller_waits_as_long_as_ordered() -> None:
    """long_wait makes one caller, exact to the microsecond, for tests of alerts."""
    clock = ManualClock(START)
    said = Recorder(clock)
    order = LongWait(queue="q", after=SECOND, wait=200 * SECOND)
    feed = SimulatorFeed(dataclasses.replace(SETTINGS, long_wait=order), said.context(), QUIET)

    await run_for(feed, clock, 202 * SECOND)

    _, joined, left = said.events  # first the agent came on duty
    assert isinstance(joined, ContactJoined)
    assert isinstance(left, ContactLeft)
    assert (START + SECOND, START + 201 * SECOND) == (joined.at, left.at)
    assert [joined.at, left.at] == [told for told, _, _ in said.batches[1:]]


@pytest.mark.anyio
async def test_chosen_queues_are_the_only_ones() -> None:
    """``queues`` picks from the built-in centre."""
    clock = ManualClock(START)
    said = Recorder(clock)
    chosen = dataclasses.replace(SETTINGS, queues=("vip", "billing"))

    await run_for(SimulatorFeed(chosen, said.context()), clock, SECOND)

    joined = {event.queue for event in said.events if isinstance(event, ContactJoined)}
    assert {"vip", "billing"} == joined


@pytest.mark.anyio
async def test_an_unknown_queue_stops_the_feed_for_good() -> None:
    """The error says which feed, which queues there are, which is not, and not to retry."""
    said = Recorder(ManualClock(START))
    chosen = dataclasses.replace(SETTINGS, queues=("vipp",))

    with pytest.raises(FeedError, match=r"feed practice: .*vip.*found \['vipp'\]") as caught:
        await SimulatorFeed(chosen, said.context()).run()

    assert not caught.value.retry


@pytest.mark.anyio
@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
async def test_time_must_go_on(speed: float) -> None:
    """A speed that is no forward motion stops the feed for good, with the number found."""
    said = Recorder(ManualClock(START))
    feed = SimulatorFeed(dataclasses.replace(SETTINGS, speed=speed), said.context())
    with pytest.raises(FeedError, match=f"above 0, found {speed}"):
        await feed.run()


@given(st.sampled_from([0.5, 1.0, 2.0, 60.0]), st.integers(0, 10 * SECOND))
def test_an_accelerated_clock_is_proportional(speed: float, elapsed: Micros) -> None:
    """Both times run speed times as fast from the moment of construction on."""
    clock = ManualClock(START)
    fast = AcceleratedClock(clock, speed)
    assert (START, START) == (fast.now(), fast.monotonic())
    clock._now += elapsed
    expected = START + round(elapsed * speed)
    assert (expected, expected) == (fast.now(), fast.monotonic())


@pytest.mark.anyio
async def test_an_accelerated_sleep_is_shorter() -> None:
    """A minute of a clock sixty times as fast is a second of ours."""
    clock = ManualClock(START)
    fast = AcceleratedClock(clock, 60.0)
    async with anyio.create_task_group() as group:
        group.start_soon(fast.sleep, 60 * SECOND)
        await clock.advance(SECOND - 1)
        assert 1 == len(clock._sleepers)
        await clock.advance(1)
        assert not clock._sleepers
