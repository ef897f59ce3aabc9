"""What on-call people are told beside the alert itself."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from callmon.alerts import Alert, Transition
from callmon.baseline import Baseline
from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND, Micros, next_turn
from callmon.engine import Engine, EngineSettings
from callmon.events import (
    AgentChanged,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    Device,
    Event,
    FeedChanged,
    Outcome,
    QueueReported,
    TalkEnd,
    TalkEnded,
)
from callmon.intervals import HALF_HOUR
from callmon.journal import JournalReason, PastHalf, Staffing
from callmon.journal.entries import JournalError
from callmon.queues import GroupSettings, QueueSettings, WindowSpec
from callmon.rules import Direction, Limits, Selector, Severity, Subject, SubjectKind, Threshold
from callmon.sinks.payload import Content, Style, content_of
from callmon.situation import SLICE, Situation, staff_name
from callmon.testing import ManualClock
from callmon.wording import Language

SHANGHAI = ZoneInfo("Asia/Shanghai")
TEN: Micros = 1_795_399_200 * SECOND  # Monday 23 November 2026, 10:00 in Shanghai
MINUTE: Micros = 60 * SECOND
WEEK: Micros = 7 * 86_400 * SECOND
ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE
BOTH = Style(zone=SHANGHAI, languages=(ENGLISH, CHINESE))
QUEUE = SubjectKind.QUEUE


def threshold(name: str, measure: str, limit: int, window: str | None = None) -> Threshold:
    """Return a threshold above *limit* on every queue and group."""
    return Threshold(
        name=name,
        measure=measure,
        window=window,
        severity=Severity.WARNING,
        select=Selector(queues=("*",), groups=("*",)),
        limits=Limits(direction=Direction.ABOVE, limit=Fraction(limit)),
    )


SETTINGS = EngineSettings(
    queues=tuple(
        QueueSettings(name=name, timezone="Asia/Shanghai") for name in ("sales", "vip")
    ),
    groups=(GroupSettings(name="all", queues=("*",), timezone="Asia/Shanghai"),),
    thresholds=(
        threshold("crowd", "waiting", 1),
        threshold("long_wait", "longest_wait", 180 * SECOND),
    ),
    windows=(WindowSpec(name="1h", length=3_600 * SECOND),),
    timezone="Asia/Shanghai",
    sources=("pbx",),
    live_sources=frozenset({"pbx"}),
)


class Site:
    """An engine that a live feed tells of two queues, and the situation there."""

    def __init__(
        self, settings: EngineSettings = SETTINGS, style: Style = BOTH, *, agents: bool = True
    ) -> None:
        self.engine = Engine(settings, TEN)
        self.clock = ManualClock(TEN)
        self.style = style
        self.kept: list[list[Staffing]] = []
        self.past: list[PastHalf] = []
        self.asked: list[Sequence[Micros]] = []
        self.broken = False
        self.situation = Situation(
            lambda: self.engine,
            self.clock,
            lambda: self.style,
            feeds_of=lambda subject: {"ami"} if subject.name != "vip" else (),
            keep=lambda rows: self.kept.append(list(rows)),
            read_past=self.read_past,
        )
        self.fired: list[Alert] = []
        self.seq = 0
        self.agents = agents
        self.up(TEN)

    def read_past(self, starts: Sequence[Micros]) -> Iterable[PastHalf]:
        """Return what is stored."""
        self.asked.append(starts)
        if self.broken:
            raise JournalError(JournalReason.OTHER, "cannot be read")
        return [row for row in self.past if row.start in starts]

    @property
    def rests(self) -> bool:
        """Whether it waits for the next minute: no thread reads the past for it."""
        return bool(self.clock._sleepers)

    def up(self, at: Micros, *, up: bool = True) -> None:
        """The feed sees, or is blind."""
        self.tell(FeedChanged(at, "pbx", 0, "ami", up, live=True, agents=self.agents))

    def tell(self, *events: Event) -> None:
        """Take events of the feed."""
        self.engine.apply_all(events, live=True)
        self.hear(self.engine.drain())

    def pass_to(self, now: Micros) -> None:
        """Let time pass."""
        self.engine.advance(now)
        self.hear(self.engine.drain())

    def hear(self, transitions: Iterable[Transition]) -> None:
        """Remember the alerts."""
        self.fired += [transition.alert for transition in transitions]

    def join(self, at: Micros, queue: str = "sales") -> ContactJoined:
        """A caller comes."""
        self.seq += 1
        event = ContactJoined(at, "pbx", self.seq, queue, f"c{self.seq}")
        self.tell(event)
        return event

    def leave(self, caller: ContactJoined, at: Micros) -> None:
        """He hangs up."""
        wait = at - caller.at
        self.tell(
            ContactLeft(
                at,
                "pbx",
                0,
                caller.queue,
                caller.contact,
                Outcome.ABANDONED,
                wait,
                certain=True,
            )
        )

    def talk(self, end: Micros, length: Micros) -> None:
        """Somebody has talked for so long."""
        caller = self.join(end)
        contact = caller.contact
        self.tell(
            ContactAnswered(end, "pbx", 0, "sales", contact, 0, "agent"),
            TalkEnded(end, "pbx", 0, "sales", contact, length, TalkEnd.AGENT, "agent"),
        )

    def staff(self, at: Micros, idle: int, busy: int = 0, queue: str = "sales") -> None:
        """So many agents are at work."""
        for number in range(idle + busy):
            device = Device.IDLE if number < idle else Device.BUSY
            agent = f"a{number}"
            self.tell(
                AgentChanged(
                    at,
                    "pbx",
                    0,
                    queue,
                    agent,
                    agent,
                    device,
                    paused=False,
                    reason="",
                    wrapup_until=0,
                )
            )

    def content(self, place: int = -1) -> Content:
        """Return an alert that fired as it was said then."""
        return content_of(self.fired[place], self.style)

    def facts(self, place: int = -1) -> dict[str, str]:
        """Return what is said of it now."""
        return dict(self.situation.facts(self.content(place)))

    def learn(self, rows: Iterable[PastHalf]) -> None:
        """Take *rows* for what has been."""
        self.situation.learn(Baseline(rows))

    def sample(self) -> int:
        """Note a minute; return in how many turns."""
        return len(list(self.situation.sample()))


def test_what_is_so_now_is_said_beside_an_alert() -> None:
    """Who waits, for how long, who works: in every language of the house."""
    site = Site()
    site.staff(TEN, idle=2, busy=5)
    for second in (1, 2, 3):
        site.join(TEN + second * SECOND)
    site.pass_to(TEN + 63 * SECOND)

    facts = site.facts()

    assert ["crowd", "crowd"] == [alert.threshold for alert in site.fired]  # queue and group
    expected = {
        "waiting": "3",
        "waiting_zh": "3 人",
        "longest": "1 min 2 s",
        "longest_zh": "1 分 2 秒",
        "agents": "2 available of 7",
        "agents_zh": "在岗 7 人，空闲 2 人",
        "value": "3",
        "value_zh": "3",
        "peak": "3",
        "summary": "all: 3 callers waiting (limit 1)",
        "summary_zh": "all：3 人在等待（限值 1）",
    }
    assert expected.items() <= facts.items()


def test_an_alert_that_lasts_says_how_bad_it_is_by_now() -> None:
    """It fired with 3 min, and nobody hears of it each second."""
    site = Site()
    site.join(TEN + SECOND)
    site.pass_to(TEN + 181 * SECOND)
    site.pass_to(TEN + 300 * SECOND)

    content, facts = site.content(0), site.facts(0)

    assert "3 min" == content.annotations["value"] == content.annotations["peak"]
    assert ("4 min 59 s", "4 min 59 s") == (facts["value"], facts["peak"])
    assert "sales: longest wait 4 min 59 s (limit 3 min)" == facts["summary"]
    assert "sales：最长等待已达 4 分 59 秒（限值 3 分钟）" == facts["summary_zh"]


def test_the_worst_is_remembered() -> None:
    """Also when it was worse between two looks than it is now."""
    site = Site()
    callers = [site.join(TEN + second * SECOND) for second in (1, 2, 3, 4)]
    site.leave(callers[0], TEN + 5 * SECOND)
    site.pass_to(TEN + 6 * SECOND)

    facts = site.facts()

    assert ("3", "4") == (facts["value"], facts["peak"])


def test_when_it_is_over_its_own_figures_stay_as_they_were() -> None:
    """What is said of now is said; the last value is that of the alert."""
    site = Site()
    callers = [site.join(TEN + SECOND), site.join(TEN + SECOND)]
    site.pass_to(TEN + 2 * SECOND)
    site.leave(callers[0], TEN + 3 * SECOND)
    site.pass_to(TEN + 4 * SECOND)

    facts = site.facts()

    assert site.fired[-1].ended is not None
    assert "1" == facts["waiting"]
    assert not facts.keys() & {"value", "summary", "peak", "cause"}


def test_a_new_breach_is_not_taken_for_the_old_one() -> None:
    """Its figures do not go into an alert that ended before."""
    site = Site()
    callers = [site.join(TEN + SECOND), site.join(TEN + SECOND)]
    site.pass_to(TEN + 2 * SECOND)
    old = site.content(0)
    site.leave(callers[0], TEN + 3 * SECOND)
    site.pass_to(TEN + 4 * SECOND)
    site.join(TEN + 5 * SECOND)
    site.pass_to(TEN + 6 * SECOND)

    assert "value" not in site.situation.facts(old)
    assert "value" in site.facts()


def test_nothing_is_said_while_blind() -> None:
    """Nor of a storm, nor of a subject that is no more."""
    site = Site()
    site.join(TEN + SECOND)
    site.join(TEN + SECOND)
    site.pass_to(TEN + 2 * SECOND)
    content, alert = site.content(0), site.fired[0]
    other = Subject(kind=QUEUE, name="gone")
    assert site.situation.facts(content)

    site.situation.gap("ami", TEN, TEN + SECOND)
    assert site.situation.cause(alert)

    storm = dataclasses.replace(content, subject=None)
    gone = dataclasses.replace(content, subject=other)
    site.up(TEN + 3 * SECOND, up=False)

    assert [{}, {}, {}] == [site.situation.facts(each) for each in (content, storm, gone)]
    causes = (alert, dataclasses.replace(alert, subject=other))
    assert [None, None] == [site.situation.cause(each) for each in causes]


def test_a_queue_without_agents_says_nothing_of_them() -> None:
    """Unknown is not 0; and nobody has waited yet."""
    site = Site(agents=False)
    site.join(TEN + SECOND)
    site.join(TEN + SECOND)
    site.pass_to(TEN + SECOND)

    facts = site.facts()

    assert "2" == facts["waiting"]
    assert not facts.keys() & {"agents", "longest", "trend", "cause"}


def test_what_is_known_no_more_is_not_said() -> None:
    """A source that tells of the queue as a whole is late: the alert keeps its last value."""
    site = Site(agents=False)
    report = QueueReported(TEN, "pbx", 0, "sales", waiting=5, stale_after=90 * SECOND)
    site.tell(report)
    site.pass_to(TEN + SECOND)
    known = site.facts(0)
    site.pass_to(TEN + 91 * SECOND)
    late = site.facts(0)

    assert [("5", "5"), (None, "5")] == [
        (facts.get("waiting"), facts["value"]) for facts in (known, late)
    ]


def test_a_trend_is_what_was_measured_each_minute() -> None:
    """A minute in which the feed was down is a gap; the present value is the last."""
    site = Site()
    for minute in range(1, 7):
        at = TEN + minute * MINUTE
        if minute in (3, 5):
            site.up(at, up=minute == 5)
        if minute != 4:
            site.join(at)
        site.pass_to(at + SECOND)
        site.sample()
    site.pass_to(TEN + 7 * MINUTE + SECOND)
    place = next(n for n, alert in enumerate(site.fired) if alert.subject.name == "sales")

    facts = site.facts(place)

    assert ("1 ▁ – 4 ▆ 5 █ (last 6 min)", "1 ▁ – 4 ▆ 5 █（近 6 分钟）") == (
        facts["trend"],
        facts["trend_zh"],
    )


def test_a_minute_in_which_time_stood_still_is_not_noted() -> None:
    """Nothing is known of it: a feed has not looked."""
    site = Site()

    turns = [site.sample(), site.sample()]
    site.pass_to(TEN + SECOND)

    assert [2, 0, 2] == [*turns, site.sample()]
    assert 0 == len(list(an_empty_site().sample()))


def an_empty_site() -> Situation:
    """Return the situation where no time has begun yet."""
    site = Site()
    site.engine = Engine(SETTINGS)
    return site.situation


def test_outside_its_hours_a_threshold_measures_nothing() -> None:
    """What was before opening is not part of how the breach came about."""
    opening = {0: ((10 * 60 + 4, 18 * 60),)}
    hours = Calendar(CalendarSpec(name="h", timezone="Asia/Shanghai", weekly=opening))
    first = SETTINGS.thresholds[0]
    active = dataclasses.replace(first, limits=dataclasses.replace(first.limits, active=hours))
    site = Site(dataclasses.replace(SETTINGS, thresholds=(active,)))
    site.join(TEN)
    site.join(TEN)
    for minute in (2, 6):
        site.pass_to(TEN + minute * MINUTE)
        site.sample()
    site.pass_to(TEN + 8 * MINUTE)

    assert "2 █ 2 █ (last 2 min)" == site.facts()["trend"]


def test_agents_are_counted_each_minute() -> None:
    """A whole half-hour is handed on at its end, and what there is of it now and then."""
    site = Site()
    site.staff(TEN, idle=2)
    site.staff(TEN, idle=1, queue="vip")
    for minute in range(1, 36):
        if minute == 16:
            site.staff(TEN + minute * MINUTE, idle=4)
        site.pass_to(TEN + minute * MINUTE)
        site.sample()

    rows = [
        [(row.queue, row.start, row.samples, row.staffed) for row in rows if row.queue != "vip"]
        for rows in site.kept
    ]

    assert ("group:all", "sales") == (
        staff_name(SubjectKind.GROUP, "all"),
        staff_name(QUEUE, "sales"),
    )
    assert [("sales", TEN, 4, 8), ("group:all", TEN, 4, 8)] == rows[0]
    assert [("sales", TEN, 29, 15 * 2 + 14 * 4), ("group:all", TEN, 29, 86)] == rows[-2]
    # At minute 30 it was over; what the next one has by now is its own.
    later = TEN + HALF_HOUR
    assert [("sales", later, 5, 20), ("group:all", later, 5, 20)] == rows[-1]
    assert [4, 9, 14, 19, 24, 29, 5] == [samples for ((_, _, samples, _), _) in rows]


def test_no_turn_takes_long() -> None:
    """Some hundreds of thresholds, then others may run; all are noted in the end."""
    many = tuple(QueueSettings(name=f"q{number}") for number in range(SLICE))
    site = Site(dataclasses.replace(SETTINGS, queues=many))

    assert 3 + 2 == site.sample()  # two thresholds of each and of the group; its agents


def test_a_reload_in_between_ends_the_round() -> None:
    """What was to be looked at next may be no more."""
    many = tuple(QueueSettings(name=f"q{number}") for number in range(SLICE))
    site = Site(dataclasses.replace(SETTINGS, queues=many))
    sampling = site.situation.sample()
    next(sampling)

    site.engine.reconfigure(SETTINGS, TEN + SECOND)

    assert [] == list(sampling)


def test_after_a_reload_the_thresholds_of_now_are_read() -> None:
    """Those that stayed go on; one that is gone says nothing of its own."""
    site = Site()
    site.join(TEN + SECOND)
    site.join(TEN + SECOND)
    site.pass_to(TEN + 2 * SECOND)
    content = site.content(0)
    before = site.situation.facts(content)["value"]

    site.engine.reconfigure(dataclasses.replace(SETTINGS, queues=()), TEN + 3 * SECOND)
    site.join(TEN + 4 * SECOND)
    kept = site.situation.facts(content)["value"]
    site.engine.reconfigure(dataclasses.replace(SETTINGS, thresholds=()), TEN + 5 * SECOND)
    gone = site.situation.facts(content)

    assert ("2", "3") == (before, kept)
    assert ("3", False) == (gone["waiting"], "value" in gone)


def test_a_threshold_that_comes_again_begins_anew() -> None:
    """What it measured under other settings may have been something else."""
    site = Site()
    without = dataclasses.replace(SETTINGS, thresholds=())
    site.join(TEN)
    site.join(TEN)
    for minute, settings in enumerate((SETTINGS, without, SETTINGS), start=1):
        site.engine.reconfigure(settings, TEN + minute * MINUTE)
        site.pass_to(TEN + minute * MINUTE + SECOND)
        site.sample()
    site.pass_to(TEN + 5 * MINUTE)

    assert "3 min 1 s ▄ 5 min █ (last 2 min)" == site.facts()["trend"]


def past(week: int, arrived: int, queue: str = "sales", **more: int) -> PastHalf:
    """Return the half-hour at ten, so many weeks ago."""
    talks, talk = more.pop("talks", 0), more.pop("talk", 0)
    return PastHalf(queue, TEN - week * WEEK, arrived, talks, talk, **more)


def crowded(site: Site) -> None:
    """Let eight callers wait, the last half-hour being that at ten."""
    site.staff(TEN + SECOND, idle=6)
    for number in range(8):
        site.join(TEN + 20 * MINUTE + number)
    site.pass_to(TEN + HALF_HOUR)


def test_the_likely_cause_is_what_is_not_as_usual() -> None:
    """Of the same weekday and time in earlier weeks; of a group, all its queues together."""
    site = Site()
    site.learn(
        [
            *(past(week, 8, samples=30, staffed=330) for week in (1, 2, 3)),
            *(past(week, 11, "vip") for week in (1, 2, 3)),
            *(past(week, 0, "group:all", samples=2, staffed=12) for week in (1, 2, 3)),
        ]
    )
    crowded(site)
    causes = {alert.subject.name: site.situation.cause(alert) for alert in site.fired}

    facts = {
        content.subject.name: content
        for content in map(site.content, range(2))
        if content.subject
    }

    assert {
        "sales": "staff 6 of usual 11; calls as usual",
        "all": "calls 8 instead of the usual 19; staff as usual",
    } == causes
    said = {name: site.situation.facts(content) for name, content in facts.items()}
    assert causes == {name: each["cause"] for name, each in said.items()}
    assert "在岗坐席 6 人，平时 11 人；来电如常" == said["sales"]["cause_zh"]


def test_a_group_is_what_its_queues_are_by_now() -> None:
    """One that a call has just made known is in it, one that was taken out is not."""
    site = Site()
    rows = [past(week, 10, name) for week in (1, 2, 3) for name in ("sales", "new")]
    site.learn(rows)
    crowded(site)
    group = next(alert for alert in site.fired if alert.subject.name == "all")
    few = dataclasses.replace(SETTINGS.groups[0], queues=("vip", "new"))

    before = site.situation.cause(group)
    site.join(TEN + HALF_HOUR, "new")
    with_new = site.situation.cause(group)
    site.engine.reconfigure(dataclasses.replace(SETTINGS, groups=(few,)), TEN + HALF_HOUR)
    without_sales = site.situation.cause(group)

    assert "calls as usual" == before
    assert "calls 9 instead of the usual 20" == with_new
    assert "calls 1 instead of the usual 10" == without_sales


def test_talks_are_compared_too() -> None:
    """Long ones explain why nobody is free."""
    site = Site(style=dataclasses.replace(BOTH, languages=(ENGLISH,)))
    site.learn(past(week, 0, talks=2, talk=120 * SECOND) for week in (1, 2, 3))
    for minute in range(5):
        site.talk(TEN + (10 + minute) * MINUTE, 300 * SECOND)
    crowded(site)

    assert "calls 13 instead of the usual 0; calls last 5 min instead of 1 min" == (
        site.facts()["cause"].replace("; staff as usual", "")
    )


def test_a_gap_is_a_cause_for_those_the_feed_tells_of() -> None:
    """For half an hour; the longest one, and who came meanwhile is not known to be few."""
    site = Site()
    site.learn(past(week, 90) for week in (1, 2, 3))
    site.situation.gap("other", TEN, TEN + 20 * MINUTE)
    site.situation.gap("ami", TEN - HALF_HOUR, TEN)
    site.situation.gap("ami", TEN + 2 * MINUTE, TEN + 6 * MINUTE)
    site.situation.gap("ami", TEN + 7 * MINUTE, TEN + 8 * MINUTE)
    crowded(site)
    vip = dataclasses.replace(site.fired[0], subject=Subject(kind=QUEUE, name="vip"))

    assert "feed ami saw nothing from 10:02 to 10:06" == site.facts()["cause"]
    assert None is site.situation.cause(vip)
    site.pass_to(TEN + 36 * MINUTE)
    assert "feed ami saw nothing from 10:07 to 10:08" == site.situation.cause(site.fired[0])


def test_the_past_is_wanted_for_an_hour_to_come() -> None:
    """The half-hours before, of and after now, in eight weeks, in each zone once."""
    berlin = QueueSettings(name="b", timezone="Europe/Berlin")
    site = Site(dataclasses.replace(SETTINGS, queues=(*SETTINGS.queues, berlin)))

    starts = site.situation.wanted_starts(TEN + MINUTE)

    weeks = {
        TEN + near * HALF_HOUR - week * WEEK for near in (-1, 0, 1) for week in range(1, 9)
    }
    # Since the clocks went back in Berlin, three o'clock there is an hour later in Shanghai.
    summer = {
        TEN + near * HALF_HOUR - week * WEEK for near in (-3, -2, -1) for week in range(5, 9)
    }
    assert sorted(weeks | summer) == starts


@pytest.mark.anyio
async def test_it_reads_the_past_each_half_hour_and_looks_each_minute() -> None:
    """At once when it begins."""
    site = Site()
    site.past = [past(week, 90) for week in (1, 2, 3)]
    crowded(site)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(site.situation.run())
        await until(lambda: len(site.asked) == 1 and "cause" in site.facts())
        for minute in range(1, 31):
            site.pass_to(TEN + HALF_HOUR + minute * MINUTE)
            await site.clock.advance(MINUTE)
        await until(lambda: len(site.asked) == 2)
        task.cancel()

    assert (
        "30 min ▆ 32 min ▆ 34 min ▆ 36 min ▇ 38 min ▇ 40 min █ (last 10 min)"
        == (site.facts()["trend"])
    )
    assert [site.situation.wanted_starts(TEN + n * HALF_HOUR) for n in (0, 1)] == site.asked


@pytest.mark.anyio
async def test_a_past_that_cannot_be_read_is_asked_for_again() -> None:
    """Each minute; meanwhile nothing is called usual, and it is said once that it failed."""
    site = Site()
    site.past = [past(week, 90) for week in (1, 2, 3)]
    site.broken = True
    crowded(site)
    with capture_logs() as logged:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(site.situation.run())
            await until(lambda: site.rests)
            await site.clock.advance(MINUTE)
            await until(lambda: site.rests)
            silent = site.situation.cause(site.fired[0])
            site.broken = False
            await site.clock.advance(MINUTE)
            await until(lambda: site.situation.cause(site.fired[0]) is not None)
            await site.clock.advance(MINUTE)
            task.cancel()

    assert (None, 3) == (silent, len(site.asked))
    assert [("past.unread", "other")] == [(line["event"], line["reason"]) for line in logged]


async def until(true: Callable[[], bool]) -> None:
    """Let other tasks and threads run until something is *true*."""
    async with asyncio.timeout(30):
        while not true():
            await next_turn()
