"""Tests of what is done by the calendar, under a clock that is moved and set.

APScheduler runs as it is; only the clock it looks at is ours. It looks when it is told to,
never by a timer of its own: no real time passes here.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from zoneinfo import ZoneInfo

import pytest
from apscheduler.schedulers import base
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from callmon import schedule
from callmon.clock import SECOND, Micros
from callmon.schedule import (
    LOOK_EVERY,
    At,
    Daily,
    EveryHalfHour,
    Job,
    Schedule,
    Weekly,
    When,
    last_due,
    next_due,
)
from callmon.testing import ManualClock

MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR
BERLIN = ZoneInfo("Europe/Berlin")


def instant(text: str, zone: ZoneInfo = BERLIN) -> Micros:
    """Return a local time as an instant, to the second."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * SECOND


def local(at: Micros, zone: ZoneInfo = BERLIN) -> str:
    """Return an instant as local time with its offset, to the minute."""
    return dt.datetime.fromtimestamp(at // SECOND, zone).isoformat(" ", "minutes")


class WallClock(ManualClock):
    """A clock that can also be set: its monotonic time knows nothing of it."""

    def __init__(self, start: Micros) -> None:
        super().__init__(start)
        self.ahead: Micros = 0

    def now(self) -> Micros:
        """Return the wall time, as it was set."""
        return super().now() + self.ahead


class Site:
    """A schedule, its clock, and what it has done: (job, when)."""

    def __init__(self, start: str, zone: ZoneInfo = BERLIN) -> None:
        self.clock = WallClock(instant(start, zone))
        self.kept: dict[str, bytes] = {}
        self.done: list[tuple[str, Micros]] = []
        self.results: list[tuple[str, bool]] = []
        self.misses: list[str] = []
        self.work: Callable[[], None] = lambda: None
        self.schedule: Schedule | None = None

    def ran(self, job: str, seconds: float, *, ok: bool) -> None:
        """Note what became of a run."""
        assert 0 <= seconds
        self.results.append((job, ok))

    def missed_run(self, job: str) -> None:
        """Note that a run was due while the former one was not over."""
        self.misses.append(job)

    def job(self, name: str, when: When) -> Job:
        """Return a job that notes when it was done."""

        async def work() -> None:
            self.done.append((name, self.clock.now()))
            self.work()

        return Job(name, when, work)

    def times(self, zone: ZoneInfo = BERLIN) -> list[str]:
        """Return when anything was done, and forget it."""
        done, self.done = self.done, []
        return [local(at, zone) for _, at in done]

    @contextlib.asynccontextmanager
    async def running(self, *jobs: Job) -> AsyncIterator[None]:
        """Run the schedule meanwhile."""
        self.schedule = Schedule(
            self.clock, jobs, dict(self.kept), self.kept.__setitem__, metrics=self
        )
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.schedule.run())
            await self.clock.advance(0)
            yield
            task.cancel()


NIGHTLY = Daily(dt.time(2, 30), BERLIN)


@pytest.fixture
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a site at the time that the test names; APScheduler looks at its clock."""
    made = Site(getattr(request, "param", "2026-07-01 12:00"))

    class Moved(dt.datetime):
        """The one thing of the class that APScheduler asks for the time."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> "Moved":
            return cls.fromtimestamp(made.clock.now() / SECOND, tz)

    monkeypatch.setattr(base, "datetime", Moved)
    return made


def at(start: str) -> pytest.MarkDecorator:
    """Let the site of a test begin at a time of Berlin."""
    return pytest.mark.parametrize("site", [start], indirect=True)


# ---- once for each local date ------------------------------------------------------


@pytest.mark.anyio
async def test_a_daily_job_is_done_at_its_time(site: Site) -> None:
    """Each day at that time; at the start, what the day before has left undone."""
    async with site.running(site.job("prune", NIGHTLY)):
        assert ["2026-07-01 12:00+02:00"] == site.times()

        await site.clock.advance(2 * DAY)

    assert ["2026-07-02 02:30+02:00", "2026-07-03 02:30+02:00"] == site.times()
    assert {"schedule.prune": b"2026-07-03"} == site.kept


@pytest.mark.anyio
@at("2026-10-24 12:00")
async def test_a_repeated_hour_repeats_nothing(site: Site) -> None:
    """In autumn 02:30 comes twice; the job is done when it first does."""
    async with site.running(site.job("prune", NIGHTLY)):
        site.times()
        await site.clock.advance(2 * DAY)

    assert ["2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00"] == site.times()


@pytest.mark.anyio
@at("2027-03-27 12:00")
async def test_a_skipped_hour_skips_nothing(site: Site) -> None:
    """In spring there is no 02:30; the job is done an hour later by the wall."""
    async with site.running(site.job("prune", NIGHTLY)):
        site.times()
        await site.clock.advance(2 * DAY)

    assert ["2027-03-28 03:30+02:00", "2027-03-29 02:30+02:00"] == site.times()


@pytest.mark.anyio
async def test_a_weekly_job_is_done_on_its_day(site: Site) -> None:
    """The first of July 2026 is a Wednesday; day 6 is Sunday."""
    async with site.running(site.job("optimize", Weekly(6, dt.time(4, 30), BERLIN))):
        site.times()
        await site.clock.advance(12 * DAY)

    assert ["2026-07-05 04:30+02:00", "2026-07-12 04:30+02:00"] == site.times()
    assert {"schedule.optimize": b"2026-07-12"} == site.kept


# ---- clocks that are set, machines that sleep ----------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("hours", [1, 3, 24])
@at("2026-07-01 02:00")
async def test_a_clock_set_back_repeats_nothing(site: Site, hours: int) -> None:
    """The time comes again; its date has been done. The one after it is done in time."""
    async with site.running(site.job("prune", NIGHTLY)):
        await site.clock.advance(HOUR)
        site.times()

        site.clock.ahead = -hours * HOUR
        await site.clock.advance(24 * HOUR + hours * HOUR)

    assert ["2026-07-02 02:30+02:00"] == site.times()


@pytest.mark.anyio
@at("2026-07-12 05:00")
async def test_a_clock_set_back_repeats_no_week(site: Site) -> None:
    """The same for a weekly job, though the day of its week has not come any more."""
    async with site.running(site.job("optimize", Weekly(6, dt.time(4, 30), BERLIN))):
        site.times()

        site.clock.ahead = -DAY
        await site.clock.advance(2 * DAY)

    assert [] == site.times()


@pytest.mark.anyio
@pytest.mark.parametrize("jump", [3 * HOUR, 20 * HOUR, 50 * DAY])
@at("2026-07-01 02:00")
async def test_a_clock_set_forward_makes_up_once(site: Site, jump: Micros) -> None:
    """What was due meanwhile is done at once, one time, and then when it is due."""
    async with site.running(site.job("prune", NIGHTLY)):
        site.times()
        site.clock.ahead = jump

        await site.clock.advance(LOOK_EVERY)

        assert [local(site.clock.now())] == site.times()
        await site.clock.advance(DAY)
    assert [local(next_due(NIGHTLY, instant("2026-07-01 02:00") + jump) or 0)] == site.times()


@pytest.mark.anyio
@at("2026-07-01 02:00")
async def test_a_machine_that_slept_makes_up_once(site: Site) -> None:
    """The same when both clocks have moved while nothing ran."""
    async with site.running(site.job("prune", NIGHTLY)):
        site.times()
        site.clock.leap(5 * HOUR)

        await site.clock.advance(LOOK_EVERY)

    assert ["2026-07-01 07:00+02:00"] == site.times()


@pytest.mark.anyio
async def test_a_clock_that_was_far_ahead_stops_nothing(site: Site) -> None:
    """A date of years to come that was done does not keep those of today from being so."""
    async with site.running(site.job("prune", NIGHTLY)):
        site.clock.ahead = 3_000 * DAY
        await site.clock.advance(LOOK_EVERY)
        site.clock.ahead = 0
        await site.clock.advance(LOOK_EVERY)
        site.times()

        await site.clock.advance(DAY)

    assert ["2026-07-02 02:30+02:00"] == site.times()


@pytest.mark.anyio
@pytest.mark.parametrize("jump", [-3 * HOUR, 3 * HOUR, -40 * DAY])
async def test_half_hours_go_on_after_a_jump(site: Site, jump: Micros) -> None:
    """The next one is the next by the wall, not that of before the jump."""
    async with site.running(site.job("close", EveryHalfHour(15 * SECOND))):
        await site.clock.advance(5 * MINUTE)
        site.clock.ahead = jump
        await site.clock.advance(LOOK_EVERY)
        site.done.clear()

        await site.clock.advance(HOUR)

    wall = instant("2026-07-01 12:00") + jump
    expected = [wall + 30 * MINUTE + 15 * SECOND, wall + HOUR + 15 * SECOND]
    assert [("close", due) for due in expected] == site.done


# ---- while callmon was down --------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kept", "runs"),
    [(b"2026-07-01", 0), (b"2026-06-30", 1), (b"2026-06-01", 1), (b"\xc3\xa4", 1)],
)
async def test_what_was_due_while_it_was_down_is_done_at_the_start(
    site: Site, kept: bytes, runs: int
) -> None:
    """Once, however many days it was; nothing when the date has been done."""
    site.kept["schedule.prune"] = kept

    async with site.running(site.job("prune", NIGHTLY)):
        pass

    assert runs == len(site.done)
    assert {"schedule.prune": b"2026-07-01"} == site.kept


@pytest.mark.anyio
async def test_a_restart_within_the_day_repeats_nothing(site: Site) -> None:
    """What was kept by one process is heeded by the next."""
    for _ in range(2):
        async with site.running(site.job("prune", NIGHTLY)):
            pass

    assert 1 == len(site.done)


# ---- jobs that fail -------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_job_that_raises_is_tried_again_when_next_due(site: Site) -> None:
    """It is counted, its date is not done, and the others go on."""

    def fail() -> None:
        if site.done[-1][0] == "prune":
            raise OSError("disk full")

    site.work = fail
    jobs = site.job("prune", NIGHTLY), site.job("close", EveryHalfHour(0))
    with capture_logs() as lines:
        async with site.running(*jobs):
            site.results.clear()
            await site.clock.advance(HOUR)
            assert [("close", True), ("close", True)] == site.results
            await site.clock.advance(DAY)

    assert 1 == site.results.count(("prune", False))
    assert {} == site.kept
    assert 2 == sum(("job.failed", "prune") == (line["event"], line["name"]) for line in lines)


@pytest.mark.anyio
async def test_a_job_that_hangs_is_given_up(site: Site) -> None:
    """It is counted as failed, and done again when it is next due."""

    async def hang() -> None:
        site.done.append(("hang", site.clock.now()))
        await asyncio.Event().wait()

    failed = asyncio.Event()
    site.ran = lambda *_args, **_kwargs: failed.set()  # type: ignore[method-assign]  # a spy
    with capture_logs():
        async with site.running(Job("hang", EveryHalfHour(0), hang, timeout_s=0.01)):
            await asyncio.wait_for(failed.wait(), 30)
            await site.clock.advance(31 * MINUTE)

    assert 2 == len(site.done)


@pytest.mark.anyio
async def test_a_job_runs_once_at_a_time(site: Site) -> None:
    """What is due while it runs is counted, and done when it is over."""
    over = asyncio.Event()

    async def work() -> None:
        site.done.append(("slow", site.clock.now()))
        await over.wait()

    async with site.running(Job("slow", EveryHalfHour(0), work)):
        await site.clock.advance(HOUR + MINUTE)
        assert ["2026-07-01 12:00+02:00"] == site.times()
        assert ["slow", "slow"] == site.misses
        over.set()
        await site.clock.advance(0)

    assert ["2026-07-01 13:01+02:00"] == site.times()


# ---- instants that somebody names ------------------------------------------------------


@pytest.mark.anyio
async def test_a_named_instant_is_asked_for_again_after_each(site: Site) -> None:
    """And at once when what it goes by has changed; with none to come nothing is done."""
    changes = [instant("2026-07-01 13:00"), instant("2026-07-01 18:00")]
    when = At(lambda now: min((change for change in changes if change > now), default=None))
    async with site.running(site.job("judge", when)):
        site.times()
        await site.clock.advance(DAY)
        assert ["2026-07-01 13:00+02:00", "2026-07-01 18:00+02:00"] == site.times()

        changes.append(instant("2026-07-02 14:00"))
        await site.clock.advance(HOUR)
        assert [] == site.times()
        assert site.schedule is not None
        site.schedule.ask_again()
        changes.append(instant("2026-07-02 15:00"))
        await site.clock.advance(90 * MINUTE)
        assert ["2026-07-02 14:00+02:00"] == site.times()

        changes.clear()
        site.schedule.ask_again()
        await site.clock.advance(DAY)

    assert [] == site.times()


@pytest.mark.anyio
async def test_what_is_always_due_leaves_time_for_others(site: Site) -> None:
    """An instant that has passed comes a second later at the earliest."""
    async with site.running(site.job("judge", At(lambda now: now))):
        site.done.clear()
        await site.clock.advance(MINUTE)

    assert MINUTE // LOOK_EVERY == len(site.done)


def test_nothing_asks_before_it_runs(site: Site) -> None:
    """A reload before the start changes nothing."""
    Schedule(
        site.clock, [site.job("judge", At(lambda now: now))], {}, site.kept.__setitem__, site
    ).ask_again()

    assert [] == site.done


# ---- APScheduler's triggers ----------------------------------------------------------------

CHANGES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-10-04", "2026-04-05"),  # by half an hour
    "Asia/Shanghai": ("2026-01-01", "2026-07-01"),  # never
    "America/Havana": ("2026-03-08", "2026-11-01"),  # at midnight
    "America/St_Johns": ("2010-03-14", "2010-11-07"),  # a minute after midnight
    "Pacific/Apia": ("2011-12-30",),  # a day that never was
}

zones = st.sampled_from([(zone, day) for zone, days in CHANGES.items() for day in days])
times = st.builds(
    dt.time, st.integers(0, 4) | st.just(23), st.sampled_from([0, 1, 15, 29, 30, 45, 59])
)


@given(zones, times)
def test_every_local_date_is_done_once_around_a_change(
    change: tuple[str, str], time: dt.time
) -> None:
    """Each date is due at its time, as PEP 495 reads it, and at no other."""
    zone = ZoneInfo(change[0])
    first = dt.date.fromisoformat(change[1]) - dt.timedelta(days=2)
    when = Daily(time, zone)
    now = due_on(first, time, zone) - 1
    runs: dict[dt.date, Micros] = {}

    for _ in range(5):
        due = next_due(when, now)
        assert due is not None
        assert due > now
        runs[last_due(when, due)] = now = due

    dates = [first + dt.timedelta(days=day) for day in range(6)]
    expected = {due_on(date, time, zone): date for date in dates}
    assert list(expected.items())[:5] == [(due, date) for date, due in runs.items()]


def due_on(date: dt.date, time: dt.time, zone: ZoneInfo) -> Micros:
    """Return the instant of a local time of a date."""
    return int(dt.datetime.combine(date, time, zone).timestamp()) * SECOND


@given(zones, times, st.integers(0, 5 * 24 * 4), st.integers(0, 6))
def test_the_latest_date_is_found_at_any_moment(
    change: tuple[str, str], time: dt.time, quarters: int, day: int
) -> None:
    """The last of all days whose time has come, for daily and weekly jobs."""
    zone = ZoneInfo(change[0])
    first = dt.date.fromisoformat(change[1]) - dt.timedelta(days=2)
    now = instant(f"{first} 00:00", zone) + quarters * 15 * MINUTE
    dates = [first + dt.timedelta(days=number) for number in range(-8, 9)]
    come = [date for date in dates if due_on(date, time, zone) <= now]

    assert come[-1] == last_due(Daily(time, zone), now)
    weekly = [date for date in come if date.weekday() == day]
    assert weekly[-1] == last_due(Weekly(day, time, zone), now)


def test_a_date_that_has_come_stays_come_when_clocks_go_back_over_midnight() -> None:
    """At 00:01 it was 23:01 of the day before again."""
    zone = ZoneInfo("America/St_Johns")
    midnight = Daily(dt.time(0, 0), zone)
    first = due_on(dt.date(2010, 11, 7), dt.time(0, 0), zone)

    assert dt.date(2010, 11, 7) == last_due(midnight, first + 30 * MINUTE)
    assert "2010-11-06 23:30-03:30" == local(first + 30 * MINUTE, zone)
    assert first + 25 * HOUR == next_due(midnight, first)


def test_half_hours_are_those_of_utc() -> None:
    """Also while clocks change by half an hour; the offset is in whole seconds."""
    start = instant("2026-10-04 01:00", ZoneInfo("Australia/Lord_Howe"))
    when = EveryHalfHour(15 * SECOND)

    due = [next_due(when, start + number * 30 * MINUTE) for number in range(4)]

    assert [start + number * 30 * MINUTE + 15 * SECOND for number in range(4)] == due


def test_apscheduler_is_imported_nowhere_else() -> None:
    """Its scheduler is an inner matter: nothing of it is among what others may use."""
    assert not [
        name
        for name in schedule.__all__
        if "apscheduler" in getattr(getattr(schedule, name), "__module__", "")
    ]
