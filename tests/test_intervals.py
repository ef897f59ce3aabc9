"""Tests of half-hours, against counting every contact by itself."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.engine import Engine, EngineSettings
from callmon.events import ContactRefused, Event, Outcome
from callmon.intervals import (
    HALF_HOUR,
    MEMORY,
    Interval,
    IntervalBooks,
    IntervalRowsPart,
    IntervalsPart,
)
from callmon.queues import (
    QueueSettings,
    SubjectPart,
    SubjectState,
    Targets,
    WindowSpec,
    day_of,
)
from callmon.replay import TalliedState, play, report_settings
from callmon.rules import Subject, SubjectKind
from callmon.testimony import Told, Visit
from callmon.visit_states import PATIENCE, Docket, VisitStates
from callmon.windows import FLAGS, UNKNOWN
from tests.tellers import SETTINGS, Teller, answered, finish, joined, left, talked
from tests.test_ground_truth import BANK, rows

BASE: Micros = 1_700_000_000 * SECOND // HALF_HOUR * HALF_HOUR
TICK: Micros = HALF_HOUR // 3
"""Of the times of these tests: so coarse that all of them lie on or near a boundary."""

COHORTS = ("arrival", "end")
Stored = dict[tuple[str, Micros, str], Interval]


def half(at: Micros) -> Micros:
    """Return the start of the half-hour of *at*."""
    return at // HALF_HOUR * HALF_HOUR


def store(stored: Stored, found: Iterable[Interval]) -> None:
    """Insert or replace, as the journal does."""
    stored.update({(row.queue, row.start, row.cohort): row for row in found})


# ---- one queue, told anything ------------------------------------------------------------


@dataclasses.dataclass
class Ended:
    """A contact that is settled, as it was judged then."""

    start: Micros
    at: Micros
    outcome: Outcome
    wait: Micros | None
    targets: Targets

    def is_within(self, outcome: Outcome) -> bool:
        """Tell whether it ended so, within the target, and is not short."""
        if self.wait is None or self.outcome is not outcome or self.is_short():
            return False
        return self.wait <= self.targets.within

    def is_short(self) -> bool:
        """Tell whether it is a short abandon."""
        if self.wait is None or self.outcome is not Outcome.ABANDONED:
            return False
        return self.wait < self.targets.short_abandon


class Naive:
    """Remembers everything by itself, and counts it when asked."""

    def __init__(self) -> None:
        self.arrivals: list[Micros] = []
        self.ended: list[Ended] = []
        self.talks: list[tuple[Micros, Micros]] = []
        self.refused: list[Micros] = []

    def row(self, queue: str, start: Micros, cohort: str) -> Interval:
        """Return a half-hour."""
        mine = [
            e for e in self.ended if start == half(e.start if cohort == "arrival" else e.at)
        ]
        talks = [talk for at, talk in self.talks if half(at) == start]
        offered = [e for e in mine if e.outcome < Outcome.REDIRECTED]

        def waits(*outcomes: Outcome) -> list[Micros]:
            return [e.wait or 0 for e in offered if e.outcome in outcomes]

        ended = {o.name.lower(): sum(e.outcome is o for e in mine) for o in Outcome}
        return Interval(
            queue,
            start,
            cohort,
            arrived=sum(half(at) == start for at in self.arrivals),
            **ended,
            short_abandoned=sum(e.is_short() for e in mine),
            answered_within=sum(e.is_within(Outcome.ANSWERED) for e in mine),
            abandoned_within=sum(e.is_within(Outcome.ABANDONED) for e in mine),
            answered_wait=sum(waits(Outcome.ANSWERED)),
            abandoned_wait=sum(waits(Outcome.ABANDONED)),
            max_wait=max(waits(*Outcome), default=0),
            refused=sum(half(at) == start for at in self.refused),
            talks=len(talks),
            talk=sum(talks),
        )

    def halves(self) -> set[Micros]:
        """Return the half-hours of which there is anything to tell."""
        moments = [*self.arrivals, *self.refused, *(at for at, _ in self.talks)]
        moments += [at for e in self.ended for at in (e.start, e.at)]
        return {half(at) for at in moments}


class Waiting(NamedTuple):
    """Who waits, or has left and is not settled; *place* is that of the arrival."""

    place: int
    start: Micros
    end: Micros | None = None


class Pair:
    """A queue's state, and who counts the same by himself."""

    def __init__(self, *, within: int = 1) -> None:
        self.targets = Targets(within=within * TICK, short_abandon=TICK // 2)
        self.books = IntervalBooks()
        self.state = self.born()
        self.naive = Naive()
        self.waiting: list[Waiting] = []
        self.left: list[Waiting] = []
        self.stored: Stored = {}

    def born(self, name: str = "q") -> SubjectState:
        """Return the state of a queue that counts in the books."""
        subject = Subject(kind=SubjectKind.QUEUE, name=name)
        windows = (WindowSpec(name="15m", length=900 * SECOND),)
        state = SubjectState(subject, self.targets, day_of("UTC"), windows)
        state.intervals = self.books.of(name, state)
        return state

    def join(self, at: Micros) -> None:
        """Somebody comes."""
        self.state.join(at)
        self.waiting.append(Waiting(len(self.naive.arrivals), at))
        self.naive.arrivals.append(at)

    def leave(self, at: Micros, outcome: Outcome, wait: Micros | None) -> None:
        """Who came first leaves, and no more can be told of him."""
        if self.waiting:
            _, start, _ = self.waiting.pop(0)
            self.state.leave(at, start, outcome, wait)
            self.naive.ended.append(Ended(start, at, outcome, wait, self.targets))

    def stop(self, at: Micros) -> None:
        """Who came first waits no more; how he ended will be told."""
        if self.waiting:
            visit = self.waiting.pop(0)
            self.state.stop_wait(visit.start)
            self.state.unsettled += 1
            self.left.append(visit._replace(end=at))

    def settle(self, outcome: Outcome, wait: Micros | None) -> None:
        """It is known how who left first has ended."""
        if self.left:
            _, start, end = self.left.pop(0)
            assert end is not None
            self.state.settle(end, outcome, wait, start)
            self.naive.ended.append(Ended(start, end, outcome, wait, self.targets))

    def restart(self, at: Micros) -> None:
        """It is known better when somebody came who is not settled."""
        who = self.waiting or self.left
        if who:
            visit = who[-1]
            if visit.end is None:
                self.state.restart_wait(visit.start, at)
            else:
                self.state.restart(visit.start, at)
            self.naive.arrivals[visit.place] = at
            who[-1] = visit._replace(start=at)

    def talk(self, at: Micros, talk: Micros | None) -> None:
        """A talk ends."""
        self.state.end_talk(at, talk)
        if talk is not None:
            self.naive.talks.append((at, talk))

    def refuse(self, at: Micros) -> None:
        """Somebody is not taken."""
        self.state.refuse(at, "full")
        self.naive.refused.append(at)

    def retarget(self) -> None:
        """Promise something else from now on."""
        self.targets = Targets(within=3 * TICK - self.targets.within, short_abandon=TICK + 1)
        self.state.retarget(self.targets)

    def collect(self) -> None:
        """Store what has changed."""
        store(self.stored, self.books.dirty())

    def restart_callmon(self) -> None:
        """Go on from a checkpoint."""
        parts = [self.books.part(), self.books.rows_part("q"), self.state.part()]
        encoded = [msgspec.msgpack.encode(part) for part in parts]
        self.books = IntervalBooks()
        self.state = self.born()
        self.books.restore(msgspec.msgpack.decode(encoded[0], type=IntervalsPart))
        self.books.restore_rows(msgspec.msgpack.decode(encoded[1], type=IntervalRowsPart))
        self.state.restore(msgspec.msgpack.decode(encoded[2], type=SubjectPart))

    def replace_queue(self) -> None:
        """The queue goes, and one of its name comes: who waited there has left before."""
        for _ in range(len(self.waiting)):
            self.leave(BASE, Outcome.LOST, None)
        for _ in range(len(self.left)):
            self.settle(Outcome.LOST, None)
        self.books.leave("q")
        self.state = self.born()


ticks = st.integers(0, 11).map(lambda tick: BASE + tick * TICK)
lengths = st.integers(0, 4).map(lambda ticks: ticks * TICK // 2)
outcomes = st.sampled_from(
    (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.TIMEOUT, Outcome.REDIRECTED, Outcome.LOST)
)
steps = st.one_of(
    st.tuples(st.just(Pair.join), ticks),
    st.tuples(st.just(Pair.join), ticks),
    st.tuples(st.just(Pair.join), ticks),
    st.tuples(st.just(Pair.leave), ticks, outcomes, st.none() | lengths),
    st.tuples(st.just(Pair.leave), ticks, outcomes, st.none() | lengths),
    st.tuples(st.just(Pair.stop), ticks),
    st.tuples(st.just(Pair.settle), outcomes, st.none() | lengths),
    st.tuples(st.just(Pair.restart), ticks),
    st.tuples(st.just(Pair.talk), ticks, st.none() | lengths),
    st.tuples(st.just(Pair.refuse), ticks),
    st.tuples(st.just(Pair.retarget)),
    st.tuples(st.just(Pair.collect)),
    st.tuples(st.just(Pair.restart_callmon)),
    st.tuples(st.just(Pair.replace_queue)),
)


@given(st.lists(steps, max_size=30))
def test_half_hours_are_what_counting_each_contact_gives(
    told: list[tuple[object, ...]],
) -> None:
    """In any order, by new targets, over restarts: what is stored is what has been."""
    pair = Pair()

    for step, *arguments in told:
        step(pair, *arguments)  # type: ignore[operator]  # a method of Pair
    pair.collect()

    halves = pair.naive.halves() | {start for _, start, _ in pair.stored}
    keys = [("q", start, cohort) for start in halves for cohort in COHORTS]
    assert {key: pair.naive.row(*key) for key in keys} == pair.stored
    assert [] == pair.books.dirty()
    assert 0 == pair.books.late


@given(st.lists(steps.filter(lambda step: step[0] is not Pair.replace_queue), max_size=30))
def test_half_hours_add_up_to_the_counters(told: list[tuple[object, ...]]) -> None:
    """Of every outcome, in either cohort; and who has arrived, half-hour by half-hour."""
    pair = Pair()

    for step, *arguments in told:
        step(pair, *arguments)  # type: ignore[operator]  # a method of Pair
    pair.collect()

    for cohort in COHORTS:
        found = [row for row in pair.stored.values() if row.cohort == cohort]
        for outcome in Outcome:
            column = sum(getattr(row, outcome.name.lower()) for row in found)
            assert pair.state.outcome_total(outcome) == column
        assert pair.state.arrived == sum(row.arrived for row in found)
        assert pair.state.refused.get("full", 0) == sum(row.refused for row in found)
    open_ = [half(visit.start) for visit in (*pair.waiting, *pair.left)]
    for row in pair.stored.values():
        if row.cohort == "arrival":
            ended = sum(getattr(row, outcome.name.lower()) for outcome in Outcome)
            assert row.arrived == ended + open_.count(row.start)


def test_the_longest_wait_is_that_of_its_own_half_hour() -> None:
    """Of contacts that were offered and whose own wait is known."""
    pair = Pair()
    told = [(Outcome.ANSWERED, 9), (Outcome.TIMEOUT, 4), (Outcome.REDIRECTED, 12)]
    for start in (BASE, BASE + HALF_HOUR):
        for outcome, wait in told[start > BASE :]:
            pair.join(start)
            pair.leave(start, outcome, wait)
    unknown = Outcome.ANSWERED * FLAGS + UNKNOWN
    pair.state.counts[unknown] += 1
    assert pair.state.intervals is not None
    pair.state.intervals.end(BASE, BASE, unknown, 40)  # of several together

    pair.collect()

    assert [9, 4] == [
        pair.stored["q", start, "end"].max_wait for start in (BASE, BASE + HALF_HOUR)
    ]
    assert 9 + 40 == pair.stored["q", BASE, "end"].answered_wait


def test_short_abandons_are_not_within_the_target() -> None:
    """They are counted as abandoned and as short, by the targets of then."""
    pair = Pair()
    for wait in (0, TICK // 2 - 1, TICK // 2, TICK, TICK + 1):
        pair.join(BASE)
        pair.leave(BASE, Outcome.ABANDONED, wait)

    pair.collect()

    row = pair.stored["q", BASE, "end"]
    assert (5, 2, 2) == (row.abandoned, row.short_abandoned, row.abandoned_within)


def test_an_arrival_of_another_name_is_not_taken_from_this_one() -> None:
    """Who came while the queue was called otherwise is counted there."""
    pair = Pair()
    pair.join(BASE + HALF_HOUR)
    pair.collect()
    pair.state.intervals = pair.books.of("new", pair.state)
    pair.leave(BASE + 2 * HALF_HOUR, Outcome.ANSWERED, 0)

    pair.state.restart(BASE + HALF_HOUR, BASE)
    pair.collect()

    assert [0, 0] == [row.arrived for key, row in pair.stored.items() if key[0] == "new"][:2]
    assert 1 == pair.stored["q", BASE + HALF_HOUR, "arrival"].arrived


def test_a_visit_that_is_over_moves_its_arrival_until_it_is_settled() -> None:
    """A slow line tells of it late: the record knows better when it began."""
    pair = Pair()
    visits = VisitStates((pair.state,), Docket(), lambda: None)
    visit = Visit(BASE + HALF_HOUR, live=Outcome.TIMEOUT, live_at=BASE + HALF_HOUR + SECOND)
    visit.told = Told.END_LIVE
    visits.join(visit.start)
    visits.end(visit)

    visits.restart_wait(visit, BASE)
    visits.settle(visit)
    visits.restart_wait(visit, BASE + 5 * HALF_HOUR)
    pair.collect()

    found = [
        (row.start, row.arrived, row.timeout) for row in pair.stored.values() if row.arrived
    ]
    assert [(BASE, 1, 1), (BASE, 1, 0)] == found


# ---- what is late ---------------------------------------------------------------------------


def test_what_comes_for_a_forgotten_half_hour_leaves_it_as_it_is() -> None:
    """It is counted as late; the stored row is not overwritten with a part of it."""
    pair = Pair()
    pair.join(BASE)
    pair.leave(BASE, Outcome.ANSWERED, 0)
    pair.collect()
    before = dict(pair.stored)
    pair.join(BASE + MEMORY + HALF_HOUR)
    pair.collect()

    pair.join(BASE)
    pair.leave(BASE, Outcome.ANSWERED, 0)
    pair.talk(BASE, 0)
    pair.refuse(BASE)
    pair.collect()

    assert 4 == pair.books.late
    assert before == {key: row for key, row in pair.stored.items() if row.start == BASE}


def test_a_day_old_half_hour_still_changes() -> None:
    """As long as a visit may be open, the half-hour it began in is remembered."""
    pair = Pair()
    pair.join(BASE)
    pair.join(BASE)
    pair.leave(BASE, Outcome.ANSWERED, 0)
    pair.collect()

    pair.leave(BASE + MEMORY, Outcome.LOST, None)
    pair.collect()

    row = pair.stored["q", BASE, "arrival"]
    assert (2, 1, 1) == (row.arrived, row.answered, row.lost)
    assert 1 == pair.stored["q", BASE + MEMORY, "end"].lost


def test_a_queue_that_is_no_more_is_forgotten_with_its_rows() -> None:
    """Not before: it might come again."""
    pair = Pair()
    pair.join(BASE)
    pair.books.leave("q")
    pair.collect()
    other = pair.born("other")
    assert {"q", "other"} == pair.books.books.keys()

    other.join(BASE + MEMORY + HALF_HOUR)
    pair.collect()

    assert {"other"} == pair.books.books.keys()


def test_a_quiet_queue_forgets_when_others_go_on() -> None:
    """Its counters do not go on counting for a half-hour that is forgotten."""
    pair = Pair()
    pair.join(BASE)
    pair.join(BASE)
    pair.collect()
    other = pair.born("other")
    pair.join(BASE + SECOND)
    other.join(BASE + MEMORY + HALF_HOUR)
    pair.join(BASE + 2 * SECOND)
    pair.collect()
    assert 4 == pair.stored["q", BASE, "arrival"].arrived

    pair.join(BASE)
    pair.collect()

    assert 4 == pair.stored["q", BASE, "arrival"].arrived
    assert 1 == pair.books.late


def test_a_long_silence_loses_nothing() -> None:
    """What was counted in the last half-hour before a weekend is stored after it."""
    pair = Pair()
    for second in range(3):
        pair.join(BASE + second)
        pair.leave(BASE + second, Outcome.ANSWERED, 0)

    pair.join(BASE + 3 * MEMORY)
    pair.collect()

    assert 3 == pair.stored["q", BASE, "end"].answered
    assert 0 == pair.books.late


def test_rows_that_were_not_handed_on_are_not_forgotten() -> None:
    """However old they are: nobody else knows them."""
    pair = Pair()
    pair.join(BASE)
    pair.join(BASE + 10 * MEMORY)
    pair.collect()

    assert 1 == pair.stored["q", BASE, "arrival"].arrived
    assert [BASE + 10 * MEMORY] == list(
        pair.state.intervals.rows if pair.state.intervals else []
    )


def test_an_arrival_is_not_moved_out_of_a_forgotten_half_hour() -> None:
    """Nor into one: both stay as they are stored."""
    pair = Pair()
    pair.join(BASE)
    pair.collect()
    pair.join(BASE + 2 * MEMORY)
    pair.collect()

    pair.state.restart(BASE, BASE + 2 * MEMORY)
    pair.state.restart(BASE + 2 * MEMORY, BASE)

    assert [] == pair.books.dirty()


def test_rows_can_be_handed_on_by_and_by() -> None:
    """Of many queues, so that the event loop is not held up; none is left out."""
    pair = Pair()
    for name in "cab":
        pair.born(name).join(BASE)

    found = [[row.queue for row in pair.books.dirty(3)] for _ in range(3)]

    assert [["a", "a", "b", "b"], ["c", "c"], []] == found


def test_rows_can_be_handed_on_again() -> None:
    """When those who were to store them may have lost them."""
    pair = Pair()
    pair.join(BASE)
    pair.join(BASE + HALF_HOUR)
    pair.collect()

    pair.books.again()

    assert list(pair.stored.values()) == pair.books.dirty()


def test_rows_before_the_floor_are_left_to_who_has_stored_them() -> None:
    """After events were lived through again from the middle of a half-hour on."""
    pair = Pair()
    pair.books.floor = BASE + HALF_HOUR
    pair.join(BASE)
    pair.join(BASE + HALF_HOUR)

    pair.collect()

    assert {BASE + HALF_HOUR} == {start for _, start, _ in pair.stored}


def test_a_version_tells_whether_rows_have_changed() -> None:
    """So that a checkpoint holds what has."""
    pair = Pair()
    pair.join(BASE)
    first = dict(pair.books.versions())

    assert first == pair.books.versions()
    pair.join(BASE)
    assert first != pair.books.versions()


# ---- through the engine ---------------------------------------------------


def stored_of(engine: Engine) -> Stored:
    """Return what *engine* has to store."""
    stored: Stored = {}
    store(stored, engine._subjects.intervals.dirty())
    return stored


def test_a_record_counts_at_the_end_of_the_wait() -> None:
    """Who is carried in, and whose wait nobody knows, too."""
    teller = Teller(live=False)
    teller.tell(
        joined("1", BASE),
        ContactRefused(BASE + 1, "pbx", 0, "q", "9", "full"),
        answered("1", BASE + HALF_HOUR, HALF_HOUR),
        talked("1", BASE + 2 * HALF_HOUR, HALF_HOUR),
        left("2", BASE + 2 * HALF_HOUR, Outcome.ABANDONED, HALF_HOUR + 1),
        live=False,
    )

    stored = stored_of(teller.engine)

    ours = {(key[1:], row.arrived, row.answered, row.abandoned) for key, row in stored.items()}
    assert {
        ((BASE, "arrival"), 2, 1, 1),
        ((BASE, "end"), 2, 0, 0),
        ((BASE + HALF_HOUR, "arrival"), 0, 0, 0),
        ((BASE + HALF_HOUR, "end"), 0, 1, 0),
        ((BASE + 2 * HALF_HOUR, "arrival"), 0, 0, 0),
        ((BASE + 2 * HALF_HOUR, "end"), 0, 0, 1),
    } == ours
    last = stored["q", BASE + 2 * HALF_HOUR, "end"]
    assert (1, HALF_HOUR, HALF_HOUR + 1) == (last.talks, last.talk, last.max_wait)
    assert 1 == stored["q", BASE, "end"].refused


def test_a_visit_counts_when_it_is_settled() -> None:
    """As the record says by then, in the half-hours of its true beginning and end."""
    teller = Teller.of_both()
    late = BASE + HALF_HOUR
    teller.tell(joined("1", late), left("1", late + SECOND, Outcome.TIMEOUT), live=True)
    stored = stored_of(teller.engine)
    assert [0, 0] == [stored["q", late, cohort].timeout for cohort in COHORTS]

    teller.tell(
        joined("1", late - SECOND),
        left("1", late + SECOND, Outcome.KEY_EXIT, 2 * SECOND),
        live=False,
    )
    finish(teller)

    store(stored, stored_of(teller.engine).values())
    assert 1 == sum(teller.outcomes().values())
    assert 1 == sum(row.arrived for row in stored.values() if row.cohort == "end")
    for outcome, count in teller.outcomes().items():
        for cohort in COHORTS:
            of_cohort = [row for row in stored.values() if row.cohort == cohort]
            assert count == sum(getattr(row, outcome.name.lower()) for row in of_cohort)


def test_what_is_corrected_later_stays_as_it_was_settled() -> None:
    """Later truth raises the counter of corrections; half-hours follow the counters."""
    teller = Teller.of_both()
    teller.up("log", up=False, live=False)
    teller.tell(joined("1", BASE), left("1", BASE + SECOND, None), live=True)
    teller.engine.advance(BASE + PATIENCE + HALF_HOUR)
    before = stored_of(teller.engine)
    assert 1 == before["q", BASE, "end"].lost

    teller.tell(
        joined("1", BASE), left("1", BASE + SECOND, Outcome.ABANDONED, SECOND), live=False
    )
    finish(teller)

    assert {Outcome.LOST: 1} == teller.outcomes()
    assert {} == {
        key: row for key, row in stored_of(teller.engine).items() if row != before[key]
    }


def test_a_renamed_queue_begins_a_row_of_its_new_name() -> None:
    """What was counted under the former one stays there; nothing is in both."""
    engine = Engine(EngineSettings(sources=("pbx",)))
    before: list[Event] = [joined("1", BASE), answered("1", BASE + 1, 1), joined("2", BASE + 2)]
    engine.apply_all(before)
    first = stored_of(engine)

    named = QueueSettings(name="sales", origins=(("pbx", "q"),))
    engine.reconfigure(EngineSettings(sources=("pbx",), queues=(named,)), BASE + 3)
    engine.apply_all([left("2", BASE + 4, Outcome.ABANDONED, 2), joined("3", BASE + 5)])
    second = stored_of(engine)

    assert {"q"} == {queue for queue, _, _ in first}
    assert {"sales"} == {queue for queue, _, _ in second}
    shown = [(r.arrived, r.answered, r.abandoned) for r in (*first.values(), *second.values())]
    assert [(2, 1, 0), (2, 1, 0), (1, 0, 1), (1, 0, 1)] == shown


def test_a_queue_that_comes_again_goes_on_in_its_rows() -> None:
    """One that was taken out of the configuration and put back in the same half-hour."""
    queue = QueueSettings(name="sales", origins=(("pbx", "q"),))
    here, gone = EngineSettings(queues=(queue,)), EngineSettings()
    engine = Engine(here)
    engine.apply_all([joined("1", BASE), left("1", BASE + 1, Outcome.TIMEOUT, 1)])
    stored = stored_of(engine)

    engine.remove_feed("pbx", "none")
    engine.reconfigure(gone, BASE + 2)
    engine.remove_feed("pbx", "none")
    engine.reconfigure(here, BASE + 3)
    engine.apply_all([joined("2", BASE + 4), left("2", BASE + 5, Outcome.TIMEOUT, 1)])
    stored.update(stored_of(engine))

    assert 2 == stored["sales", BASE, "end"].timeout


def test_groups_have_no_half_hours() -> None:
    """They are sums of queues, and can be added up from theirs."""
    teller = Teller(live=False)
    teller.tell(joined("1", BASE), live=False)

    assert {"q"} == {queue for queue, _, _ in stored_of(teller.engine)}
    assert SETTINGS.groups == ()


# ---- against figures of others ---------------------------------------------------


def test_the_days_of_a_bank_add_up(data: Path) -> None:
    """The half-hours by arrival give each day's figures, worked out without callmon."""
    settings = report_settings(EngineSettings())
    played = play([data / BANK], settings, source="bank", subject_state=TalliedState)
    days: dict[str, list[int]] = {}
    for row in played.engine._subjects.intervals.dirty():
        if row.cohort == "arrival":
            day = dt.datetime.fromtimestamp(row.start // SECOND, dt.UTC).date().isoformat()
            figures = days.setdefault(day, [0] * 5)
            for place, figure in enumerate(
                (
                    row.answered,
                    row.abandoned,
                    row.answered_within,
                    row.abandoned_within,
                    row.answered_wait,
                )
            ):
                figures[place] += figure

    expected = {
        day["date"]: [
            day["answered"],
            day["abandoned"],
            day["answered_within_20s"],
            day["abandoned_within_20s"],
            day["mean_wait_answered"],
        ]
        for day in rows(data, BANK, "ground_truth_daily.csv")
    }
    assert expected == {
        day: [*map(str, figures[:4]), str(round(figures[4] / figures[0] / SECOND, 4))]
        for day, figures in sorted(days.items())
    }
