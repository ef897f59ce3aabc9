"""What is done by the calendar: daily, weekly, each half-hour, when opening hours change.

The only door to APScheduler, which sleeps and says when something is due. When that is,
and whether it is still to be done, is ours to say: a job of a local time is done once for
each local date, by a key that outlives the process. So it does not matter that 02:30 comes
twice or not at all when clocks change, that the clock was set or the machine suspended, or
that callmon was down. Why not by its cron: docs/decisions/0020-apscheduler-for-the-calendar.md.
"""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import structlog
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from callmon.clock import SECOND, Clock, Micros
from callmon.intervals import HALF_HOUR

__all__ = [
    "At",
    "Daily",
    "EveryHalfHour",
    "Job",
    "Schedule",
    "ScheduleMetrics",
    "Weekly",
    "When",
    "last_due",
    "next_due",
]

log = structlog.get_logger(__name__)

LOOK_EVERY: Micros = 15 * SECOND
"""How often is looked whether something is due. APScheduler sleeps by a clock that stands
still while the machine does, and until the hour that it had in mind before it was set."""

JUMP: Micros = 5 * SECOND
"""By how much the wall clock may drift from the monotonic one between two looks."""

WORK_TIMEOUT_S = 600.0
"""A job that takes longer hangs: the next run is not to wait for it."""

KEPT = "schedule."
"""What the keys of runs begin with, where they are kept."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_DAY: Final = dt.timedelta(days=1)
_WEEK: Final = dt.timedelta(weeks=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Daily:
    """Once for each local date, at *time* or as soon after it as possible."""

    time: dt.time
    zone: ZoneInfo


@dataclasses.dataclass(frozen=True, slots=True)
class Weekly:
    """The same once a week."""

    day: int  #: Monday is 0
    time: dt.time
    zone: ZoneInfo


@dataclasses.dataclass(frozen=True, slots=True)
class EveryHalfHour:
    """So long after the start of each half-hour of UTC."""

    offset: Micros


@dataclasses.dataclass(frozen=True, slots=True)
class At:
    """When *next* says, asked again after each run; None: not for now."""

    next: Callable[[Micros], Micros | None]


When = Daily | Weekly | EveryHalfHour | At


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """Something to do: *work* must be harmless when done once too often."""

    name: str
    when: When
    work: Callable[[], Awaitable[None]]
    timeout_s: float = WORK_TIMEOUT_S


class ScheduleMetrics(Protocol):
    """Is told what became of jobs."""

    def ran(self, job: str, seconds: float, *, ok: bool) -> None:
        """A run took so long; not *ok*: it failed or hung."""

    def missed_run(self, job: str) -> None:
        """A run was due while the former one was not over."""


class Schedule:
    """Runs jobs when they are due, each at most once at a time.

    *kept* is what *keep* was told before the restart, by key: which local date each job was
    last done for.
    """

    def __init__(
        self,
        clock: Clock,
        jobs: Iterable[Job],
        kept: Mapping[str, bytes],
        keep: Callable[[str, bytes], None],
        metrics: ScheduleMetrics,
    ) -> None:
        self._clock = clock
        self._jobs = {job.name: job for job in jobs}
        self._keep = keep
        self._metrics = metrics
        self._done = {name: kept.get(KEPT + name, b"").decode() for name in self._jobs}
        self._due = {name: asyncio.Event() for name in self._jobs}
        self._working: set[str] = set()
        # What is called when something is due only sets an event: it needs no thread, and no
        # task that nobody would wait for.
        self._scheduler = AsyncIOScheduler(
            timezone=dt.UTC,
            executors={"default": DebugExecutor()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    async def run(self) -> None:
        """Do what is due, until cancelled. What was missed meanwhile is done first."""
        self._scheduler.start()
        try:
            async with asyncio.TaskGroup() as group:
                for job in self._jobs.values():
                    group.create_task(self._work(job))
                await self._look()
        finally:
            self._scheduler.shutdown(wait=False)

    def ask_again(self) -> None:
        """Ask every ``At`` anew when it is due next: what it goes by has changed."""
        for job in self._jobs.values():
            if isinstance(job.when, At):
                self._arm(job)

    async def _look(self) -> None:
        """Have APScheduler look at the clock; begin anew when that was set."""
        ahead: Micros | None = None
        while True:
            former, ahead = ahead, self._clock.now() - self._clock.monotonic()
            if former is None or abs(ahead - former) > JUMP:
                for job in self._jobs.values():
                    self._arm(job)
                    self._due[job.name].set()
            self._scheduler.wakeup()
            await self._clock.sleep(LOOK_EVERY)

    def _arm(self, job: Job) -> None:
        """Have APScheduler say when *job* is due, by the clock of now."""
        self._scheduler.add_job(
            self._ring,
            _Trigger(job.when),
            args=(job.name,),
            id=job.name,
            replace_existing=True,
        )

    def _ring(self, name: str) -> None:
        if name in self._working:
            self._metrics.missed_run(name)
        self._due[name].set()

    async def _work(self, job: Job) -> None:
        due = self._due[job.name]
        while True:
            await due.wait()
            due.clear()
            date = self._date(job)
            if date == "":
                continue
            self._working.add(job.name)
            if await self._run(job) and date is not None:
                self._done[job.name] = date
                self._keep(KEPT + job.name, date.encode())
            self._working.discard(job.name)

    def _date(self, job: Job) -> str | None:
        """Return for which date *job* is due now; empty: that is done; None: for none."""
        if not isinstance(job.when, Daily | Weekly):
            return None
        date = last_due(job.when, self._clock.now())
        following = date + _period(job.when)  # is done when the clock was set back since
        done = self._done[job.name] in {date.isoformat(), following.isoformat()}
        return "" if done else date.isoformat()

    async def _run(self, job: Job) -> bool:
        """Do *job* once; tell whether it succeeded."""
        began = self._clock.monotonic()
        ok = False
        try:
            async with asyncio.timeout(job.timeout_s):
                await job.work()
            ok = True
        except Exception:
            # One job's mistake is not to end the others, nor its own next run.
            log.exception("job.failed", name=job.name)
        self._metrics.ran(job.name, (self._clock.monotonic() - began) / SECOND, ok=ok)
        return ok


class _Trigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Tells APScheduler when something is due next."""

    def __init__(self, when: When) -> None:
        self._when = when

    def get_next_fire_time(
        self, _former: dt.datetime | None, now: dt.datetime
    ) -> dt.datetime | None:
        """Return the first time after *now*: what was due before is due once."""
        due = next_due(self._when, (now - _EPOCH) // _MICROSECOND)
        return None if due is None else _EPOCH + due * _MICROSECOND


def next_due(when: When, now: Micros) -> Micros | None:
    """Return when it is due next, after *now*; None: not for now."""
    match when:
        case Daily() | Weekly():
            return _instant(last_due(when, now) + _period(when), when)
        case EveryHalfHour():
            return now - (now - when.offset) % HALF_HOUR + HALF_HOUR
        case At():
            due = when.next(now)
            # Never at once: what is always due would leave no time for anything else.
            return None if due is None else max(due, now + SECOND)


def last_due(when: Daily | Weekly, now: Micros) -> dt.date:
    """Return the latest local date whose time has come by *now*.

    A time that is skipped when clocks change comes as long after the change as it was to
    come after what is skipped; of one that is repeated the first counts (PEP 495, fold 0).
    """
    day = (_EPOCH + now * _MICROSECOND).astimezone(when.zone).date()
    day += _DAY  # that has come, too, where clocks go back over midnight
    while _instant(day, when) > now:
        day -= _DAY
    if isinstance(when, Weekly):
        day -= (day.weekday() - when.day) % _WEEK.days * _DAY
    return day


def _period(when: Daily | Weekly) -> dt.timedelta:
    return _WEEK if isinstance(when, Weekly) else _DAY


def _instant(day: dt.date, when: Daily | Weekly) -> Micros:
    local = dt.datetime.combine(day, when.time.replace(fold=0), when.zone)
    return (local - _EPOCH) // _MICROSECOND
