"""Queues known only as a whole, beside a queue whose contacts are told of one by one."""

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.agents import AgentState
from callmon.clock import SECOND, Micros
from callmon.engine import Engine, EngineSettings
from callmon.errors import DropReason
from callmon.events import (
    OUTCOME_LABELS,
    AgentChanged,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    DayCounts,
    Device,
    Event,
    FeedChanged,
    Outcome,
    QueueReported,
    TalkEnd,
    TalkEnded,
)
from callmon.measures import MEASURES, Reading
from callmon.queues import (
    Formula,
    GroupSettings,
    Overflow,
    QueueSettings,
    Targets,
    WindowSpec,
)
from callmon.rules import SubjectKind
from tests.sites import above, reborn, threshold, turns

ZONE = "Asia/Shanghai"
MIDNIGHT = int(dt.datetime(2026, 3, 10, tzinfo=ZoneInfo(ZONE)).timestamp()) * SECOND
STALE = 60 * SECOND
LENGTH = 120 * SECOND
STEP = 20 * SECOND
WINDOWS = (
    WindowSpec(name="2m", length=LENGTH),
    WindowSpec(name="today", day=True),
)
ENDED = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.TIMEOUT)
ALL_OUTCOMES = dict.fromkeys(OUTCOME_LABELS, 0)


def settings(promised: Targets | None = None, **more: object) -> EngineSettings:
    """Return two queues and a group of both."""
    targets = promised or Targets()
    names = ("seen", "told")
    return EngineSettings(
        queues=tuple(QueueSettings(name=n, timezone=ZONE, targets=targets) for n in names),
        groups=(GroupSettings(name="both", queues=names, timezone=ZONE, targets=targets),),
        windows=WINDOWS,
        timezone=ZONE,
        **more,  # type: ignore[arg-type]  # whatever a test needs besides
    )


def report(at: Micros, queue: str = "told", **said: Any) -> QueueReported:
    """Return a report that is stale after ``STALE``."""
    return QueueReported(at, "acd", 0, queue, **{"stale_after": STALE} | said)


def counts(**outcomes: int) -> DayCounts:
    """Return counters of all outcomes, those not named being 0."""
    return DayCounts(outcomes={**ALL_OUTCOMES, **outcomes})


def figure(engine: Engine, name: str, window: str | None = None, of: str = "told") -> object:
    """Return what a measure says at the engine's time: value and base, or None."""
    kind = SubjectKind.GROUP if of == "both" else SubjectKind.QUEUE
    state = engine.subjects[kind, of]
    opened = None if window is None else state.windows[window]
    if opened is not None:
        opened.sync(engine.now)
    reading: Reading | None = MEASURES[name].read(state, opened, engine.now)
    return None if reading is None else Fraction(reading[0], reading[1])


# ---- counters against contacts ---------------------------------------------------------


class Visit(NamedTuple):
    """A contact: when it ended, how, after which wait, and how long it talked."""

    step: int
    outcome: Outcome
    wait: Micros
    talk: Micros


visits = st.lists(
    st.builds(
        Visit,
        st.integers(1, 12),
        st.sampled_from(ENDED),
        st.sampled_from([0, 4, 5, 20, 21, 30]).map(lambda seconds: seconds * SECOND),
        st.sampled_from([7, 60]).map(lambda seconds: seconds * SECOND),
    ),
    max_size=10,
)
promises = st.builds(
    Targets,
    short_abandon=st.sampled_from([0, 5 * SECOND]),
    formula=st.sampled_from(Formula),
    overflow=st.sampled_from(Overflow),
)


def day_of(ended: Iterable[Visit], promised: Targets) -> DayCounts:
    """Return what a source's counters say of those who ended."""
    ended = list(ended)
    answered = [v for v in ended if v.outcome is Outcome.ANSWERED]
    abandoned = [v for v in ended if v.outcome is Outcome.ABANDONED]
    short = [v for v in abandoned if v.wait < promised.short_abandon]
    within = [v for v in abandoned if v.wait <= promised.within and v not in short]
    outcomes = dict(ALL_OUTCOMES)
    for visit in ended:
        outcomes[OUTCOME_LABELS[visit.outcome]] += 1
    return DayCounts(
        arrived=len(ended),
        outcomes=outcomes,
        short_abandoned=len(short),
        answered_within=sum(v.wait <= promised.within for v in answered),
        abandoned_within=len(within),
        answered_wait=sum(v.wait for v in answered),
        talk=sum(v.talk for v in answered),
    )


def as_contacts(ended: Sequence[Visit], at: Micros, number: int) -> list[Event]:
    """Return the same as events of single contacts, all at one instant."""
    events: list[Event] = []
    for offset, visit in enumerate(ended):
        key, seq = f"{number}.{offset}", 3 * (100 * number + offset)
        events.append(ContactJoined(at, "pbx", seq, "seen", key))
        if visit.outcome is not Outcome.ANSWERED:
            events.append(
                ContactLeft(at, "pbx", seq + 1, "seen", key, visit.outcome, visit.wait)
            )
            continue
        events.append(ContactAnswered(at, "pbx", seq + 1, "seen", key, visit.wait, "a"))
        talk = visit.talk
        events.append(TalkEnded(at, "pbx", seq + 2, "seen", key, talk, TalkEnd.CALLER, "a"))
    return events


COMPARED = [
    name
    for name, measure in MEASURES.items()
    if measure.windowed
    and not measure.of_agents
    and name not in {"service_level_now", "p50_wait", "p90_wait", "p95_wait", "max_wait"}
]


@given(visits, promises, st.integers(-3, 3), st.booleans())
def test_counters_say_the_same_as_the_contacts_they_count(
    told: list[Visit], promised: Targets, shift: int, says_start: bool
) -> None:
    """Every figure that counters can tell is the one of contacts that end as they rise."""
    engine = Engine(settings(promised, sources=("acd", "pbx")))
    begin = MIDNIGHT + shift * 3 * STEP
    engine.apply(report(begin, waiting=0, talking=0, day=day_of((), promised)))
    for step in range(1, 13):
        at = begin + step * STEP
        ended = [visit for visit in told if visit.step == step]
        start = MIDNIGHT if at >= MIDNIGHT else MIDNIGHT - 86_400 * SECOND
        since = -(-(start - begin) // STEP) if says_start else 0
        day = day_of((visit for visit in told if since <= visit.step <= step), promised)
        day_start = start if says_start else None
        engine.apply(report(at, waiting=0, talking=0, day=day, day_start=day_start))
        engine.apply_all(as_contacts(ended, at, step))
        engine.advance(at)
        for window in ["2m", "today"] if at - begin >= LENGTH else ["today"]:
            for name in COMPARED:
                expected = figure(engine, name, window, "seen")
                assert (name, expected) == (name, figure(engine, name, window, "told"))
    seen, counted = (engine.subjects[SubjectKind.QUEUE, n] for n in ("seen", "told"))
    expected_totals = [seen.outcome_total(outcome) for outcome in Outcome]
    assert expected_totals == [counted.outcome_total(outcome) for outcome in Outcome]
    assert seen.arrived == counted.arrived


def test_a_talk_counts_when_it_has_ended() -> None:
    """Who still talks is in no average; how many do must be told with the sum."""
    engine = Engine(settings())
    said = ((0, 0, 0), (3, 3, 0), (4, 2, 60), (4, 2, 60), (4, 0, 180), (5, 1, 180))
    seen = []
    for step, (answered, talking, talk) in enumerate(said):
        day = DayCounts(outcomes={**ALL_OUTCOMES, "answered": answered}, talk=talk * SECOND)
        engine.apply(report(MIDNIGHT + step * STEP, talking=talking, day=day))
        seen.append(figure(engine, "average_talk", "today"))
    expected = [None, None, 30 * SECOND, 30 * SECOND, 45 * SECOND, 45 * SECOND]
    assert expected == seen


def test_a_sum_of_talks_of_unknown_number_has_no_average() -> None:
    """Without how many talk nobody knows how many of the answered have ended."""
    engine = Engine(settings())
    for step in range(4):
        day = DayCounts(outcomes={"answered": step}, talk=60 * step * SECOND)
        engine.apply(report(MIDNIGHT + step * STEP, day=day))
    assert figure(engine, "average_talk", "today") is None


def test_counters_may_come_each_in_a_message_of_its_own() -> None:
    """What is told of contacts before or after they are counted finds them."""
    engine = Engine(settings())
    steps = ((0, 0, 0), (4, 3, 50), (5, 4, 60))
    for step, (answered, within, waited) in enumerate(steps):
        at = MIDNIGHT + step * STEP
        others = {**ALL_OUTCOMES}
        del others["answered"]
        for day in (
            DayCounts(answered_within=within),
            DayCounts(outcomes={"answered": answered}),
            DayCounts(answered_wait=waited),
            DayCounts(outcomes=others),
        ):
            engine.apply(report(at, day=day))
    assert figure(engine, "answered", "today") == 5
    assert figure(engine, "average_wait", "today") == Fraction(60, 5)
    assert figure(engine, "service_level", "today") == Fraction(4, 5)
    engine.apply(report(MIDNIGHT + 3 * STEP + STALE, day=counts(answered=6)))
    assert figure(engine, "answered", "today") == 6
    assert figure(engine, "average_wait", "today") is None


def test_contacts_wait_a_report_for_what_else_is_told_of_them() -> None:
    """Also where that is always a little older than their number, which rises all the time."""
    engine = Engine(settings())
    for step in range(8):
        at = MIDNIGHT + step * STEP
        engine.apply(report(at, day=counts(answered=step)))
        engine.apply(report(at - SECOND, day=DayCounts(answered_within=step)))
    assert figure(engine, "answered", "today") in {6, 7}
    assert figure(engine, "service_level", "today") == 1


# ---- counters against their own history -------------------------------------------------


class Said(NamedTuple):
    """A report: after how long, of which day, and two counters, if it has them."""

    after: int
    start: int | None
    answered: int | None
    abandoned: int | None


said_of = st.builds(
    Said,
    st.sampled_from([-1, 0, 1, 2, 3, 4, 7]),
    st.sampled_from([None, None, 0, 1]),
    st.one_of(st.none(), st.sampled_from([0, 1, 2, 3, 4, 8, 9])),
    st.one_of(st.none(), st.integers(0, 4)),
)
NAMES = ("answered", "abandoned")


class Telling(NamedTuple):
    """What one report said of one counter, as the definitions have it."""

    at: Micros
    rose: int
    when: Micros
    start: Micros | None
    anew: bool
    value: int


def tellings(reports: Iterable[QueueReported]) -> dict[str, list[Telling]]:
    """Return the history of every counter."""
    history: dict[str, list[Telling]] = {name: [] for name in NAMES}
    for event in reports:
        if event.day is None:
            continue
        news = {}
        for name, value in event.day.outcomes.items():
            last = history[name][-1] if history[name] else None
            starts = [t.start for t in history[name] if t.start is not None]
            former = event.day_start is not None and starts and event.day_start < starts[-1]
            again = last and event.at == last.at and value <= last.value
            late = again or (last and event.at < last.at)
            if not late and not former:
                news[name] = value
        fell = event.day_start is None and all_fell(event.at, news, history)
        for name, value in news.items():
            rows = history[name]
            starts = [t.start for t in rows if t.start is not None]
            later = bool(
                starts and event.day_start is not None and event.day_start > starts[-1]
            )
            anew = bool(rows) and (fell or later or one_fell(event, value, rows))
            epoch = max((n for n, row in enumerate(rows) if row.anew), default=0)
            highest = max((row.value for row in rows[epoch:]), default=0)
            rose = value if anew else max(value - highest, 0)
            late = event.day_start is not None and event.day_start < MIDNIGHT <= event.at
            when = MIDNIGHT - 1 if late else event.at
            rows.append(Telling(event.at, rose, when, event.day_start, anew, value))
    return history


def all_fell(at: Micros, news: dict[str, int], history: dict[str, list[Telling]]) -> bool:
    """Tell whether a report without a beginning of the day is of a new one."""
    before = {name: history[name][-1] for name in news if history[name]}
    for name, last in before.items():
        apart = last.at < MIDNIGHT <= at or at - last.at > STALE
        if apart and news[name] < last.value:
            return True
    largest = max((last.value for last in before.values()), default=0)
    return any(
        news[name] < Fraction(largest, 2)
        for name, last in before.items()
        if last.value == largest
    )


def one_fell(event: QueueReported, value: int, rows: list[Telling]) -> bool:
    """Tell whether a counter fell by so much that it is new, beginning of the day or not."""
    if event.day_start is None or value >= rows[-1].value:
        return False
    unsaid = all(row.start is None for row in rows)
    apart = unsaid and rows[-1].at < event.day_start
    return apart or value < Fraction(rows[-1].value, 2)


def in_length(rows: list[Telling], now: Micros) -> int | None:
    """Return how many ended in the window of a length; None: not known."""
    begin = now - LENGTH
    before = [row.at for row in rows if row.at <= begin]
    within = [row.at for row in rows if row.at > begin]
    if not before or now - rows[-1].at >= STALE:
        return None
    chain = itertools.pairwise([before[-1], *within])
    if any(late - early > STALE for early, late in chain):
        return None
    return sum(row.rose for row in rows[1:] if begin < row.when <= now)


def in_day(rows: list[Telling], now: Micros) -> int | None:
    """Return how many ended in the day; None: not known."""
    day = MIDNIGHT if now >= MIDNIGHT else MIDNIGHT - 86_400 * SECOND
    first, last = rows[0], rows[-1]
    total = sum(row.rose for row in rows[1:] if day <= row.when <= now)
    if last.at < day and now >= last.at + STALE:
        return None  # of this day nothing was told
    for early, late in itertools.pairwise(rows):
        hole = late.at - early.at > STALE and late.when == late.at
        of_today = late.anew and (late.start is None or late.start >= day)
        if early.at < day <= late.at and hole and not of_today:
            return None  # some of it was of the day before
    if first.at < day or first.when < first.at:
        return total
    return None if first.start is not None and first.start < day else total + first.rose


@given(st.lists(said_of, min_size=1, max_size=8), st.integers(-6, 2), st.integers(0, 5))
def test_what_counters_tell_is_true_or_absent(said: list[Said], shift: int, later: int) -> None:
    """Over holes, nulls, resets, repetitions and midnight, windows say what can be known."""
    engine = Engine(settings())
    at = MIDNIGHT + shift * STEP
    reports: list[QueueReported] = []
    for entry in said:
        at += entry.after * STEP
        start = None if entry.start is None else MIDNIGHT + (entry.start - 1) * 86_400 * SECOND
        values = {"answered": entry.answered, "abandoned": entry.abandoned}
        told = {name: value for name, value in values.items() if value is not None}
        if start is not None and start > at:
            start = MIDNIGHT - 86_400 * SECOND
        event = report(at, day=DayCounts(outcomes=told), day_start=start)
        reports.append(event)
        engine.apply(event)
        _compare(engine, reports)
    engine.advance(engine.now + later * STEP)
    _compare(engine, reports)
    history = tellings(reports)
    state = engine.subjects[SubjectKind.QUEUE, "told"]
    for outcome, name in zip(ENDED, NAMES, strict=False):
        assert sum(row.rose for row in history[name][1:]) == state.outcome_total(outcome)


def _compare(engine: Engine, reports: list[QueueReported]) -> None:
    history = tellings(reports)
    for name in NAMES:
        rows = history[name]
        for window, count in (("2m", in_length), ("today", in_day)):
            expected = count(rows, engine.now) if rows else None
            assert (name, window, expected) == (name, window, figure(engine, name, window))


@pytest.mark.parametrize("day_start", [None, MIDNIGHT])
def test_a_counter_that_is_corrected_does_not_count_the_day_again(
    day_start: Micros | None,
) -> None:
    """A row that becomes another counts once; what was taken back is no news until passed."""
    engine = Engine(settings())
    steps = ((190, 15), (191, 14), (192, 15), (193, 15), (193, 16), (192, 17), (194, 17))
    for step, (answered, abandoned) in enumerate(steps):
        day = counts(answered=answered, abandoned=abandoned)
        engine.apply(report(MIDNIGHT + step * STEP, day=day, day_start=day_start))
    assert figure(engine, "answered", "today") == 194
    assert figure(engine, "abandoned", "today") == 17
    engine.apply(report(MIDNIGHT + 7 * STEP, day=counts(answered=96), day_start=day_start))
    assert figure(engine, "answered", "today") == 194 + 96


def test_a_correction_before_midnight_is_no_fall_after_it() -> None:
    """Counters that have not been set to 0 yet stand where they were told last."""
    engine = Engine(settings())
    for step, answered in ((-2, 191), (-1, 190), (1, 190), (2, 190), (3, 2), (4, 3)):
        engine.apply(report(MIDNIGHT + step * STEP, day=counts(answered=answered)))
    assert figure(engine, "answered", "today") == 3


@pytest.mark.parametrize(("begun", "expected"), [(0, 3), (-86_400 * SECOND, 0)])
def test_a_fall_with_the_first_beginning_that_is_told(begun: Micros, expected: int) -> None:
    """What was told before the day began was of another; else the counter was corrected."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT - STEP, day=counts(answered=4)))
    event = report(MIDNIGHT + STEP, day=counts(answered=3), day_start=MIDNIGHT + begun)
    engine.apply(event)
    assert figure(engine, "answered", "today") == expected


@pytest.mark.parametrize(("after", "expected"), [(STALE, 10), (STALE + 1, 10 + 9)])
def test_any_fall_over_a_hole_is_a_new_day(after: Micros, expected: int) -> None:
    """Who was not heard of for so long may have begun at 0 meanwhile."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, day=counts(answered=0)))
    engine.apply(report(MIDNIGHT + 1, day=counts(answered=10)))
    engine.apply(report(MIDNIGHT + 1 + after, day=counts(answered=9)))
    total = engine.subjects[SubjectKind.QUEUE, "told"].outcome_total(Outcome.ANSWERED)
    assert expected == total


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(-2, 2)), max_size=20),
    st.booleans(),
)
def test_whatever_is_corrected_a_day_is_no_more_than_its_highest_counter(
    moves: list[tuple[int, int]], says_start: bool
) -> None:
    """A counter that goes up and down by little tells as many as it has ever stood at."""
    engine = Engine(settings())
    told = [50, 10, 10]
    start = MIDNIGHT if says_start else None
    highest = list(told)
    for step, (which, move) in enumerate([(0, 0), *moves]):
        told[which] = max(told[which] + move, 6)
        highest = list(map(max, highest, told))
        day = DayCounts(told[0], {**ALL_OUTCOMES, "answered": told[1], "abandoned": told[2]})
        engine.apply(report(MIDNIGHT + step * STEP, day=day, day_start=start))
    names = ("arrived", "answered", "abandoned")
    assert highest == [figure(engine, name, "today") for name in names]


# ---- what holds now ----------------------------------------------------------------------


def test_the_longest_wait_ages_and_its_alert_fires_to_the_microsecond() -> None:
    """A reported wait grows with the clock; its limit is breached when it gets there."""
    engine = Engine(settings(thresholds=(threshold("longest_wait", above(50 * SECOND)),)))
    engine.apply(report(MIDNIGHT, waiting=2, longest_wait=20 * SECOND))
    engine.advance(MIDNIGHT + 30 * SECOND - 1)
    assert engine.drain() == []
    assert figure(engine, "longest_wait") == 50 * SECOND - 1
    engine.advance(MIDNIGHT + 40 * SECOND)
    fired = [(turn.at, turn.alert.subject.name) for turn in engine.drain()]
    at = MIDNIGHT + 30 * SECOND
    assert sorted(fired) == [(at, "both"), (at, "told")]


def test_an_alert_of_stale_news_is_kept_and_marked_from_that_instant() -> None:
    """When nothing is known any more, a firing alert stands, blind; news end that."""
    engine = Engine(settings(thresholds=(threshold("waiting", above(1)),)))
    engine.apply(report(MIDNIGHT, waiting=2))
    stale = MIDNIGHT + STALE
    engine.advance(stale - 1)
    (watch, _) = [watch for watch in engine.watches() if watch.subject.accounts]
    assert [(a.blind, a.ended) for a in watch.state.alerts()] == [(False, None)]
    engine.drain()
    engine.advance(stale)
    assert figure(engine, "waiting") is None
    assert [(a.blind, a.ended) for a in watch.state.alerts()] == [(True, None)]
    engine.apply(report(stale + 5, waiting=3))
    engine.advance(stale + 5)
    assert [(a.blind, a.ended) for a in watch.state.alerts()] == [(False, None)]
    engine.apply(report(stale + 9, waiting=0))
    engine.advance(stale + 9)
    assert watch.state.alerts() == ()


def test_null_is_not_zero() -> None:
    """What a report leaves out stands as it was told last, or was never known."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, waiting=3))
    expected = (3, None, None, None)
    names = ("waiting", "longest_wait", "waiting_over_target", "talking")
    assert expected == tuple(figure(engine, name) for name in names)
    engine.apply(report(MIDNIGHT + 1, longest_wait=7, talking=0))
    assert (3, 7, None, 0) == tuple(figure(engine, name) for name in names)
    engine.apply(report(MIDNIGHT + 2, waiting=0))
    assert (0, 0, 0, 0) == tuple(figure(engine, name) for name in names)
    engine.apply(report(MIDNIGHT + 3, waiting=1))
    assert (1, None, None, 0) == tuple(figure(engine, name) for name in names)
    assert figure(engine, "waiting", of="both") == 1


LIVE_NAMES = ("waiting", "longest_wait", "talking", "agents")
SHOWN = ("waiting", "longest_wait", "talking", "agents_staffed")


@pytest.mark.parametrize("name", LIVE_NAMES)
def test_what_a_source_cannot_say_any_more_is_forgotten_at_once(name: str) -> None:
    """That figure alone is absent; older news does not bring it back, later does."""
    engine = Engine(settings())
    said: dict[str, Any] = {
        "waiting": 3,
        "longest_wait": 7,
        "talking": 2,
        "agents": agents(busy=4),
    }
    engine.apply(report(MIDNIGHT, **said))
    forgets = report(MIDNIGHT + 5, forgotten=(name,))
    engine.apply(forgets)
    known = {"waiting": 3, "longest_wait": 12, "talking": 2, "agents": 4}
    expected = [None if each == name else known[each] for each in LIVE_NAMES]
    assert expected == [figure(engine, each) for each in SHOWN]
    engine.apply(report(MIDNIGHT + 4, **{name: said[name]}))
    engine.apply(forgets)
    assert expected == [figure(engine, each) for each in SHOWN]
    assert engine.dropped == {DropReason.LATE: 1, DropReason.DUPLICATE: 1}
    engine.apply(report(MIDNIGHT + 5, **{name: said[name]}))
    assert None not in [figure(engine, each) for each in SHOWN]
    engine.apply(report(MIDNIGHT + 4, forgotten=(name,)))
    assert None not in [figure(engine, each) for each in SHOWN]
    assert engine.dropped[DropReason.LATE] == 2


@pytest.mark.parametrize("name", LIVE_NAMES)
def test_what_was_never_said_may_be_forgotten(name: str) -> None:
    """A source that says null each time is of no harm; 0 in the same instant is news."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, forgotten=LIVE_NAMES))
    assert [None] * 4 == [figure(engine, each) for each in SHOWN]
    said: dict[str, Any] = {"waiting": 0, "longest_wait": 9, "talking": 0, "agents": agents()}
    engine.apply(report(MIDNIGHT, **{name: said[name]}))
    assert figure(engine, SHOWN[LIVE_NAMES.index(name)]) is not None
    assert not engine.dropped


def test_nobody_waits_though_for_how_long_cannot_be_said() -> None:
    """A queue without callers has no longest wait to tell."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, waiting=1, longest_wait=9))
    engine.apply(report(MIDNIGHT + 1, waiting=0, forgotten=("longest_wait",)))
    assert (0, 0) == (figure(engine, "waiting"), figure(engine, "longest_wait"))


def test_an_alert_of_what_was_forgotten_is_kept_and_marked() -> None:
    """As when it is stale, at the instant of the report that takes it back."""
    engine = Engine(settings(thresholds=(threshold("waiting", above(1)),)))
    engine.apply(report(MIDNIGHT, waiting=2))
    engine.advance(MIDNIGHT + 1)
    engine.apply(report(MIDNIGHT + 2, forgotten=("waiting",)))
    engine.advance(MIDNIGHT + 2)
    (watch, _) = [watch for watch in engine.watches() if watch.subject.accounts]
    assert [(a.blind, a.ended) for a in watch.state.alerts()] == [(True, None)]
    engine.apply(report(MIDNIGHT + 3, waiting=0))
    engine.advance(MIDNIGHT + 3)
    assert watch.state.alerts() == ()


def test_a_group_does_not_know_the_agents_that_one_of_its_queues_has_forgotten() -> None:
    """They are some, nobody knows how many; of a queue that never had any there are none."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, queue="seen", waiting=0, forgotten=("agents",)))
    engine.apply(report(MIDNIGHT, agents=agents(busy=2)))
    assert figure(engine, "agents_staffed") == 2
    engine.apply(report(MIDNIGHT + 1, forgotten=("agents",)))
    assert figure(engine, "agents_staffed") is None
    assert figure(engine, "agents_staffed", of="both") is None


def test_each_figure_is_stale_by_its_own_time() -> None:
    """News of one figure keep no other one alive."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, waiting=3, talking=2))
    engine.apply(report(MIDNIGHT + 10, talking=1))
    engine.advance(MIDNIGHT + STALE)
    assert (None, 1) == (figure(engine, "waiting"), figure(engine, "talking"))
    engine.advance(MIDNIGHT + STALE + 10)
    assert (None, None) == (figure(engine, "waiting"), figure(engine, "talking"))


def test_what_is_told_again_or_late_changes_nothing() -> None:
    """Of each figure, what was said before the last is no news, nor is the same once more."""
    engine = Engine(settings())
    agents = (1, 0, 0, 0, 0, 0)
    told = report(MIDNIGHT, waiting=3, agents=agents, day=counts(answered=5))
    engine.apply_all([told, told])
    engine.apply(report(MIDNIGHT - 1, waiting=5, day=counts(answered=9)))
    assert figure(engine, "waiting") == 3
    assert figure(engine, "answered", "today") == 5
    assert engine.dropped == {DropReason.DUPLICATE: 1, DropReason.LATE: 1}


def test_of_reports_in_one_instant_the_latter_counts() -> None:
    """Who gives whole seconds may say two things in one: the second is what is so."""
    engine = Engine(settings())
    agents = (0, 0, 2, 0, 0, 0)
    engine.apply(report(MIDNIGHT, waiting=3, agents=agents, day=counts(answered=5)))
    agents = (2, 0, 0, 0, 0, 0)
    engine.apply(report(MIDNIGHT, waiting=0, agents=agents, day=counts(answered=8)))
    engine.apply(report(MIDNIGHT, day=counts(answered=5)))
    assert figure(engine, "waiting") == 0
    assert figure(engine, "agents_busy") == 2
    assert figure(engine, "answered", "today") == 8


def test_a_longest_wait_of_nobody_does_not_grow() -> None:
    """A source with a message for each figure says 0 s while nobody waits."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, longest_wait=30 * SECOND))
    engine.apply(report(MIDNIGHT + SECOND, longest_wait=0))
    engine.advance(MIDNIGHT + 20 * SECOND)
    assert figure(engine, "longest_wait") is None
    engine.apply(report(MIDNIGHT + 20 * SECOND, waiting=0))
    engine.apply(report(MIDNIGHT + 20 * SECOND + 1, longest_wait=0))
    engine.advance(MIDNIGHT + 50 * SECOND)
    assert figure(engine, "longest_wait") == 0
    engine.apply(report(MIDNIGHT + 50 * SECOND, waiting=1, longest_wait=0))
    engine.advance(MIDNIGHT + 55 * SECOND)
    assert figure(engine, "longest_wait") == 5 * SECOND


@pytest.mark.parametrize("before", [None, -3600, 36_000])
def test_counters_that_began_after_midnight_are_not_of_all_the_day(before: int | None) -> None:
    """What a source that was set to 0 at noon has not counted, ``today`` does not leave out."""
    engine = Engine(settings())
    if before is not None:
        at = MIDNIGHT + before * SECOND
        start = MIDNIGHT - 86_400 * SECOND if before < 0 else MIDNIGHT
        engine.apply(report(at, day=counts(answered=300), day_start=start))
    noon = MIDNIGHT + 43_200 * SECOND
    engine.apply(report(noon + STEP, day=counts(answered=5), day_start=noon))
    assert figure(engine, "answered", "today") is None
    tomorrow = MIDNIGHT + 86_400 * SECOND
    for at in range(noon + 2 * STEP, tomorrow + STEP, 2 * STEP):
        engine.apply(report(at, day=counts(answered=6), day_start=noon))
    assert figure(engine, "answered", "today") == 0


def test_a_beginning_that_is_told_a_little_otherwise_is_no_new_day() -> None:
    """Who works out each time when he began is a moment off; nobody is counted again."""
    engine = Engine(settings())
    for step, off in enumerate((0, 1, -1, SECOND, -SECOND)):
        at = MIDNIGHT + (step + 1) * STEP
        engine.apply(report(at, day=counts(answered=190 + step), day_start=MIDNIGHT + off))
    assert figure(engine, "answered", "today") == 194


@pytest.mark.parametrize(
    "said",
    [
        {"waiting": -1},
        {"talking": 1 << 70},
        {"longest_wait": -5},
        {"agents": (1, 2)},
        {"agents": (-1, 0, 0, 0, 0, 0)},
        {"agents": (1 << 70, 0, 0, 0, 0, 0)},
        {"day": DayCounts(answered_wait=1 << 70)},
        {"day": DayCounts(outcomes={"answered": -1, "unheard_of": 3})},
    ],
)
def test_what_cannot_be_is_not_taken(said: dict[str, Any]) -> None:
    """Numbers that no queue has are as though they were not told."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, **said))
    assert engine.dropped == {DropReason.DUPLICATE: 1}


def test_counters_that_leap_are_not_believed() -> None:
    """More contacts than a queue has in a day are none; from there on it counts again."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, day=counts(answered=0)))
    engine.apply(report(MIDNIGHT + 1, day=counts(answered=10**9)))
    assert engine.dropped == {DropReason.CONTACT_LIMIT: 1}
    assert figure(engine, "answered", "today") is None
    engine.apply(report(MIDNIGHT + 2, day=counts(answered=10**9 + 1)))
    engine.advance(MIDNIGHT + 1 + LENGTH)
    assert engine.subjects[SubjectKind.QUEUE, "told"].outcome_total(Outcome.ANSWERED) == 1


def test_a_threshold_over_a_window_sees_when_that_is_covered() -> None:
    """A rate fires at the instant from which its window is known, not before."""
    engine = Engine(settings(thresholds=(threshold("answered", above(0), "2m"),)))
    for step in range(5):
        engine.apply(report(MIDNIGHT + step * 50 * SECOND, day=counts(answered=step)))
    engine.advance(MIDNIGHT + 210 * SECOND)
    fired = {turn.at for turn in engine.drain()}
    assert fired == {MIDNIGHT + LENGTH}


def test_contacts_come_before_what_is_said_of_them_as_a_whole() -> None:
    """Once contacts are told of one by one, reports tell only of the agents."""
    engine = Engine(settings(sources=("acd", "pbx"), thresholds=()))
    engine.apply(report(MIDNIGHT, waiting=5, day=counts(answered=3)))
    engine.apply(report(MIDNIGHT + 1, waiting=5, day=counts(answered=4)))
    assert figure(engine, "waiting") == 5
    engine.apply(ContactJoined(MIDNIGHT + 2, "pbx", 1, "told", "a"))
    assert figure(engine, "waiting") == 1
    told = (1, 0, 2, 0, 0, 0)
    day = counts(answered=9)
    engine.apply(report(MIDNIGHT + 3, waiting=7, talking=4, agents=told, day=day))
    shown = [figure(engine, n) for n in ("waiting", "talking", "agents_staffed")]
    assert shown == [1, 0, 3]
    assert figure(engine, "answered", "today") == 4
    engine.advance(MIDNIGHT + 4)
    assert figure(engine, "p50_wait", "2m") is None
    assert figure(engine, "longest_wait") == 2


def test_a_group_says_nothing_that_a_member_cannot_tell() -> None:
    """A group of a queue of contacts and one of reports is known as far as both are."""
    engine = Engine(settings(sources=("acd", "pbx")))
    engine.apply(ContactJoined(MIDNIGHT, "pbx", 1, "seen", "a"))
    engine.apply(report(MIDNIGHT + 1, waiting=2, day=DayCounts(outcomes={"answered": 4})))
    wait = 5 * SECOND
    engine.apply(ContactAnswered(MIDNIGHT + wait, "pbx", 2, "seen", "a", wait, "x"))
    engine.advance(MIDNIGHT + wait)
    assert figure(engine, "answered", "today", "both") == 5
    assert figure(engine, "p90_wait", "today", "seen") == wait
    assert figure(engine, "waiting", of="both") == 2
    for name in ("p90_wait", "max_wait", "average_wait", "abandoned", "offered"):
        assert figure(engine, name, "today", "both") is None
    assert figure(engine, "longest_wait", of="both") is None


def test_rates_need_their_base() -> None:
    """Without every outcome of the offered, no rate is known."""
    engine = Engine(settings(Targets(formula=Formula.ANSWERED_ONLY)))
    day = DayCounts(outcomes={"answered": 4, "abandoned": 1}, answered_within=3)
    engine.apply(report(MIDNIGHT, day=day))
    assert figure(engine, "answer_rate", "today") is None
    assert figure(engine, "service_level", "today") == Fraction(3, 4)
    assert figure(engine, "service_level_now", "today") is None


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        ("Europe/Berlin", dt.date(2026, 3, 29), 23),
        ("Europe/Berlin", dt.date(2026, 10, 25), 25),
        ("America/Santiago", dt.date(2026, 9, 6), 23),
    ],
)
def test_a_day_is_as_long_as_its_zone_has_it(zone: str, date: dt.date, hours: int) -> None:
    """Counters that began with a day of 23 or 25 hours count in that day, late ones too."""
    tz = ZoneInfo(zone)
    engine = Engine(EngineSettings(windows=WINDOWS, timezone=zone))
    noon = dt.datetime.combine(date, dt.time(12), tz)
    middle = int(noon.timestamp()) * SECOND
    told = engine.subjects
    engine.apply(report(middle, day=counts(answered=1)))
    day = told[SubjectKind.QUEUE, "told"].day
    start, end = day.start(middle), day.end(middle)
    assert end - start == hours * 3_600 * SECOND
    engine.apply(report(end - 9, day=counts(answered=4), day_start=start))
    assert figure(engine, "answered", "today") == 4
    engine.apply(report(end + 5, day=counts(answered=6), day_start=start))
    assert figure(engine, "answered", "today") == 0
    engine.apply(report(end + 9, day=counts(answered=1), day_start=end))
    assert figure(engine, "answered", "today") == 1
    assert told[SubjectKind.QUEUE, "told"].outcome_total(Outcome.ANSWERED) == 6


# ---- agents ------------------------------------------------------------------------------


def agents(**states: int) -> tuple[int, ...]:
    """Return how many agents are in each state."""
    return tuple(states.get(state.name.lower(), 0) for state in AgentState)


def test_counted_agents_are_busy_for_as_long_as_they_were_counted_so() -> None:
    """Occupancy of counted agents is exact, and stale counts are no time at all."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, agents=agents(busy=1, available=2, paused=1)))
    engine.apply(report(MIDNIGHT + 30 * SECOND, agents=agents(busy=3, paused=1, away=4)))
    engine.advance(MIDNIGHT + 30 * SECOND)
    names = ("agents_staffed", "agents_busy", "agents_paused", "agents_available")
    assert [4, 3, 1, 0] == [figure(engine, name) for name in names]
    assert figure(engine, "occupancy", "today") == Fraction(1, 3)
    engine.advance(MIDNIGHT + 30 * SECOND + STALE)
    assert figure(engine, "agents_staffed") is None
    engine.apply(report(MIDNIGHT + 300 * SECOND, agents=agents(available=3)))
    engine.advance(MIDNIGHT + 300 * SECOND)
    assert figure(engine, "occupancy", "today") == Fraction(30 + 180, 90 + 180)


def test_a_group_of_counted_agents_knows_them_only_where_nobody_is_counted_twice() -> None:
    """Counts of two queues may be of the same people; counts of one are the group's."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, agents=agents(busy=1)))
    assert figure(engine, "agents_staffed", of="both") == 1
    engine.apply(report(MIDNIGHT, queue="seen", waiting=0))
    assert figure(engine, "agents_staffed", of="both") is None
    engine.apply(report(MIDNIGHT + 1, queue="seen", agents=agents(away=2)))
    assert figure(engine, "agents_staffed", of="both") == 1
    engine.apply(report(MIDNIGHT + 2, queue="seen", agents=agents(available=1)))
    assert figure(engine, "agents_staffed", of="both") is None
    assert figure(engine, "agents_staffed", of="told") == 1


def test_agents_with_names_come_before_counts() -> None:
    """Where single agents are told of, nobody asks for their number."""
    engine = Engine(settings())
    engine.apply(FeedChanged(MIDNIGHT, "acd", 0, "feed", up=True, live=True, agents=True))
    engine.apply(report(MIDNIGHT, agents=agents(busy=7)))
    assert figure(engine, "agents_staffed") == 7
    engine.apply(
        AgentChanged(
            at=MIDNIGHT + 1,
            source="acd",
            seq=1,
            queue="told",
            agent="a",
            name="Ann",
            device=Device.IDLE,
            paused=False,
            reason="",
            wrapup_until=0,
        )
    )
    assert figure(engine, "agents_staffed") == 1
    engine.apply(report(MIDNIGHT + 2, agents=agents(busy=7)))
    assert figure(engine, "agents_staffed") == 1


# ---- checkpoint ----------------------------------------------------------------------------


@given(st.lists(said_of, min_size=2, max_size=8), st.integers(-6, 2), st.integers(1, 7))
def test_a_restored_engine_goes_on_as_though_nothing_had_been(
    said: list[Said], shift: int, cut: int
) -> None:
    """Whatever was reported, what a checkpoint holds is enough to go on in the same way."""
    watched = (
        threshold("waiting", above(1), name="crowd"),
        threshold("longest_wait", above(30 * SECOND), name="wait"),
        threshold("answered", above(2), "2m", name="calls"),
        threshold("occupancy", above(Fraction(1, 2)), "2m", name="busy"),
    )
    engine = Engine(settings(thresholds=watched))
    at = MIDNIGHT + shift * STEP
    heir: Engine | None = None
    for index, entry in enumerate(said):
        if index == cut:
            engine.advance(engine.now)
            engine.drain()
            heir = reborn(engine)
            heir.drain()
        at += entry.after * STEP
        values = {"answered": entry.answered, "abandoned": entry.abandoned}
        day = DayCounts(
            outcomes={name: value for name, value in values.items() if value is not None},
            answered_within=entry.answered and entry.answered // 2,
        )
        event = report(
            at,
            day=day,
            waiting=entry.abandoned,
            forgotten=LIVE_NAMES if entry.answered is None else (),
            longest_wait=entry.answered and entry.answered * STEP,
            agents=None if entry.start is None else agents(busy=entry.start, available=1),
        )
        for each in (engine, heir):
            if each is not None:
                each.apply(event)
    later = max(at, engine.now) + 2 * STALE
    for each in (engine, heir):
        if each is not None:
            each.advance(later)
    if heir is not None:
        assert turns(engine.drain()) == turns(heir.drain())
        assert engine.parts(whole=True) == heir.parts(whole=True)


# ---- what is easily forgotten --------------------------------------------------------------


def test_waits_are_known_once_no_reported_contact_is_left_in_the_window() -> None:
    """Percentiles of a queue that came to be told of by contacts begin with these."""
    engine = Engine(settings(sources=("acd", "pbx")))
    engine.apply(report(MIDNIGHT, day=counts(answered=3)))
    engine.apply(report(MIDNIGHT + 1, day=counts(answered=4)))
    for at, key in ((MIDNIGHT + 2, "a"), (MIDNIGHT + LENGTH, "b")):
        engine.apply(ContactJoined(at, "pbx", at, "told", key))
        engine.apply(ContactLeft(at, "pbx", at + 1, "told", key, Outcome.ABANDONED, 7))
    assert figure(engine, "p50_wait", "2m") is None
    engine.advance(MIDNIGHT + LENGTH + 1)
    assert figure(engine, "p50_wait", "2m") == 7


def test_a_group_fires_on_contacts_and_reports_together() -> None:
    """Neither may spare a look at the other's."""
    watched = (
        threshold("waiting", above(1), name="crowd"),
        threshold("longest_wait", above(50 * SECOND), name="wait"),
    )
    engine = Engine(settings(sources=("acd", "pbx"), thresholds=watched))
    engine.apply(ContactJoined(MIDNIGHT, "pbx", 1, "seen", "a"))
    engine.apply(report(MIDNIGHT + 1, waiting=0))
    engine.apply(report(MIDNIGHT + 2, waiting=1, longest_wait=50 * SECOND))
    engine.advance(MIDNIGHT + 3)
    fired = {
        (t.at, t.alert.threshold) for t in engine.drain() if t.alert.subject.name == "both"
    }
    assert fired == {(MIDNIGHT + 2, "crowd"), (MIDNIGHT + 2, "wait")}
    engine.apply(report(MIDNIGHT + 4, waiting=1, longest_wait=0))
    engine.apply(ContactLeft(MIDNIGHT + 4, "pbx", 2, "seen", "a", Outcome.ABANDONED, 4))
    engine.advance(MIDNIGHT + 4)
    engine.drain()
    engine.apply(ContactJoined(MIDNIGHT + 5, "pbx", 3, "seen", "b"))
    engine.advance(MIDNIGHT + 5)
    fired = {
        (t.at, t.alert.threshold) for t in engine.drain() if t.alert.subject.name == "both"
    }
    assert (MIDNIGHT + 5, "crowd") in fired


def test_a_group_with_a_queue_of_which_no_agents_are_told_knows_none() -> None:
    """The agents of a queue that nobody counts may be any number."""
    engine = Engine(settings(sources=("acd", "pbx")))
    engine.apply(report(MIDNIGHT, agents=agents(busy=1)))
    engine.apply(ContactJoined(MIDNIGHT, "pbx", 1, "seen", "a"))
    engine.apply(report(MIDNIGHT + 1, agents=agents(busy=2)))
    assert figure(engine, "agents_staffed", of="both") is None
    assert figure(engine, "agents_staffed") == 2
    engine.reconfigure(settings(sources=("acd", "pbx")), MIDNIGHT + 1)
    assert figure(engine, "agents_staffed", of="both") is None


def test_a_feed_that_knows_agents_does_not_make_doubtful_counts_none() -> None:
    """While counts cannot be used, a group has no agents, not 0."""
    engine = Engine(settings())
    engine.apply(FeedChanged(MIDNIGHT, "acd", 0, "feed", up=True, live=True, agents=True))
    for name in ("told", "seen"):
        engine.apply(report(MIDNIGHT, queue=name, agents=agents(busy=1)))
    assert figure(engine, "agents_staffed", of="both") is None
    engine.advance(MIDNIGHT + STALE)
    assert figure(engine, "agents_staffed") is None


def test_a_new_day_forgets_what_was_told_of_contacts_that_never_came() -> None:
    """A wait of yesterday is not put on who is answered today."""
    engine = Engine(settings())
    engine.apply(report(MIDNIGHT, day=DayCounts(outcomes={"answered": 1}, answered_wait=0)))
    engine.apply(
        report(MIDNIGHT + 1, day=DayCounts(outcomes={"answered": 1}, answered_wait=90))
    )
    engine.apply(report(MIDNIGHT + 2, day=DayCounts(outcomes={"answered": 0}, answered_wait=0)))
    engine.apply(report(MIDNIGHT + 3, day=DayCounts(outcomes={"answered": 1}, answered_wait=5)))
    assert figure(engine, "average_wait", "today") == Fraction(5, 2)


def test_reported_contacts_take_no_room_for_ever() -> None:
    """What every window has passed is forgotten, also where no arrivals are told."""
    engine = Engine(EngineSettings(windows=WINDOWS[:1]))
    for number in range(10_000):
        engine.apply(report(MIDNIGHT + number * STEP, day=counts(answered=number)))
    state = engine.subjects[SubjectKind.QUEUE, "told"]
    assert len(state.log.at) <= 5_000


def test_half_hours_count_what_reports_count() -> None:
    """What rose between two reports is of the half-hour of the second; the first of none."""
    engine = Engine(settings())
    half = 1_800 * SECOND
    for at, calls in ((0, 7), (1, 9), (half, 12), (half + 1, 13)):
        day = DayCounts(
            outcomes={"answered": calls}, arrived=calls, talk=calls * 10, answered_within=calls
        )
        engine.apply(report(MIDNIGHT + at, talking=0, day=day, stale_after=half))
    book = engine.subjects[SubjectKind.QUEUE, "told"].intervals
    assert book is not None
    book.fold()
    rows = [row for row in book.intervals("told") if row.cohort == "end"]
    expected = [(MIDNIGHT, 2, 2, 2, 20, 2, 0), (MIDNIGHT + half, 4, 4, 4, 40, 4, 0)]
    shown = [
        (r.start, r.arrived, r.answered, r.talks, r.talk, r.answered_within, r.short_abandoned)
        for r in rows
    ]
    assert expected == shown
