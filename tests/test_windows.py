"""Tests of the sliding windows against a naive filter."""

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon import windows
from callmon.clock import SECOND, Micros
from callmon.events import Outcome
from callmon.windows import CODES, FLAGS, SHORT, UNKNOWN, WITHIN, LocalDay, SampleLog, Window

BASE: Micros = 1_700_000_000 * SECOND

# Zones in which midnight is skipped, comes twice, or a whole day is missing.
ODD_MIDNIGHTS = [
    ("America/Sao_Paulo", 2018, 11, 4),
    ("America/Sao_Paulo", 2018, 2, 18),
    ("America/Havana", 2023, 3, 12),
    ("America/Havana", 2023, 11, 5),
    ("Asia/Beirut", 2022, 3, 27),
    ("Africa/Cairo", 2023, 10, 27),
    ("Pacific/Apia", 2011, 12, 30),
    ("Australia/Lord_Howe", 2023, 4, 2),
    ("Europe/London", 2023, 10, 29),
    ("Asia/Shanghai", 2024, 2, 10),
    ("UTC", 2024, 2, 29),
]


class Sample(NamedTuple):
    """The end of a wait."""

    at: Micros
    code: int
    wait: Micros


class Reference:
    """The same contents as plain lists; nothing is ever forgotten."""

    def __init__(self) -> None:
        self.arrivals: list[Micros] = []
        self.ends: list[Sample] = []
        self.talks: list[tuple[Micros, Micros]] = []

    def expect(self, after: Micros) -> dict[str, object]:
        """Return what a window that begins just after *after* must show."""
        held = [sample for sample in self.ends if sample.at > after]
        counts, sums = [0] * CODES, [0] * CODES
        for sample in held:
            counts[sample.code] += 1
            sums[sample.code] += sample.wait
        known = [sample for sample in held if not sample.code & UNKNOWN]
        talks = [talk for at, talk in self.talks if at > after]
        return {
            "counts": counts,
            "sums": sums,
            "arrived": sum(at > after for at in self.arrivals),
            "talks": (len(talks), sum(talks)),
            "waits": sorted(
                s.wait
                for s in known
                if s.code // FLAGS in (Outcome.ANSWERED, Outcome.ABANDONED)
            ),
            "max_wait": max(
                (s.wait for s in known if s.code // FLAGS <= Outcome.FAILED), default=None
            ),
        }


def shown(window: Window) -> dict[str, object]:
    """Return what *window* shows."""
    return {
        "counts": window.counts,
        "sums": window.sums,
        "arrived": window.arrived(),
        "talks": window.talks(),
        "waits": window.waits(),
        "max_wait": window.max_wait(),
    }


codes = st.builds(
    lambda outcome, flags: outcome * FLAGS + flags,
    st.sampled_from([Outcome.ANSWERED, Outcome.ABANDONED, Outcome.FAILED, Outcome.LOST]),
    st.sampled_from([0, WITHIN, SHORT, UNKNOWN]),
)
lateness = st.sampled_from([0, 0, 0, 1, 3, 9])
steps = st.tuples(
    st.integers(0, 2),  # how far time moves on
    st.one_of(
        st.tuples(st.just("arrive"), lateness),
        st.tuples(st.just("end"), lateness, codes, st.integers(0, 3)),
        st.tuples(st.just("talk"), lateness, st.integers(0, 3)),
        st.tuples(st.just("look"), st.integers(0, 3)),
        st.tuples(st.just("recode"), st.integers(0, 9), codes),
        st.tuples(st.just("floor"), st.integers(0, 3)),
    ),
)


class Machine:
    """A log, windows over it, and the reference, driven by the same steps."""

    def __init__(self, lengths: list[Micros | None]) -> None:
        self.now = BASE
        self.log = SampleLog()
        self.windows = [Window(self.log, length) for length in lengths]
        self.after = [0] * len(lengths)
        self.reference = Reference()

    def do(self, what: tuple[object, ...]) -> None:
        """Take one step."""
        match what:
            case "arrive", int(late):
                self.reference.arrivals.append(self.now - late)
                self.log.arrive(self.now - late)
            case "end", int(late), int(code), int(wait):
                self.reference.ends.append(Sample(self.now - late, code, wait))
                self.reference.ends.sort(key=lambda sample: sample.at)
                self.log.end(self.now - late, code, wait)
            case "talk", int(late), int(talk):
                self.reference.talks.append((self.now - late, talk))
                self.log.end_talk(self.now - late, talk)
            case "look", int(index):
                self.look(index % len(self.windows))
            case "recode", int(index), int(code) if index < len(self.log.codes):
                self.log.recode(index, code)
                place = len(self.reference.ends) - len(self.log.codes) + index
                self.reference.ends[place] = self.reference.ends[place]._replace(code=code)
            case "floor", int(index):
                index %= len(self.windows)
                self.windows[index].floor = self.now - 2
            case _:
                pass  # nothing is held at that index

    def look(self, index: int) -> None:
        """Compare a window with the reference."""
        window = self.windows[index]
        window.sync(self.now)
        after = window.floor
        if window.length is not None:
            after = max(after, self.now - window.length)
        self.after[index] = max(self.after[index], after)
        assert self.reference.expect(self.after[index]) == shown(window)


lengths = st.lists(st.none() | st.integers(1, 12), min_size=1, max_size=4)


@given(lengths, st.lists(steps, max_size=40), st.sampled_from([1, 3, 4096]))
def test_windows_equal_a_naive_filter(
    lengths: list[Micros | None],
    steps: list[tuple[int, tuple[object, ...]]],
    compact_from: int,
) -> None:
    """Late samples, compaction, floors, recoding and rare looks never change a figure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_COMPACT_FROM", compact_from)
        patch.setattr(windows, "_FEW", 1)
        machine = Machine(lengths)

        for delta, what in steps:
            machine.now += delta
            machine.do(what)

        for index in range(len(machine.windows)):
            machine.look(index)


@given(st.lists(st.tuples(st.integers(0, 12), codes, st.integers(0, 3)), max_size=12))
def test_a_window_can_begin_again(samples: list[tuple[int, int, Micros]]) -> None:
    """One that begins again shows what the log still holds, earlier samples included."""
    machine = Machine([None])
    for at, code, wait in sorted(samples):
        machine.now = BASE + at
        machine.do(("end", 0, code, wait))
    window = machine.windows[0]
    window.floor = BASE + 6
    window.sync(BASE + 12)

    window.floor = 0
    window.begin_again()

    window.sync(BASE + 12)
    assert machine.reference.expect(0) == shown(window)


@given(st.lists(st.integers(0, 12), max_size=12), st.integers(1, 12), st.integers(0, 24))
def test_expiry_is_the_instant_at_which_the_content_changes(
    ends: list[int], length: Micros, now: int
) -> None:
    """Nothing leaves before ``next_expiry``; then the oldest is gone."""
    log = SampleLog()
    window = Window(log, length)
    for at in sorted(end for end in ends if end <= now):
        log.end(BASE + at, 0, 0)
    window.sync(BASE + now)
    held = sum(window.counts)

    expiry = window.next_expiry(BASE + now)

    assert (expiry is None) == (held == 0)
    if expiry is not None:
        assert expiry > BASE + now
        window.sync(expiry - 1)
        assert held == sum(window.counts)
        window.sync(expiry)
        assert held > sum(window.counts)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=12), st.data())
def test_the_expiry_of_the_nth_sample(ends: list[int], data: st.DataObject) -> None:
    """Until ``next_expiry(now, n)`` fewer than n samples have left."""
    log = SampleLog()
    window = Window(log, 20)
    for at in sorted(ends):
        log.end(BASE + at, 0, 0)
    window.sync(BASE + 12)
    nth = data.draw(st.integers(1, len(ends)))

    expiry = window.next_expiry(BASE + 12, nth)

    assert expiry is not None
    window.sync(expiry - 1)
    assert len(ends) - nth < sum(window.counts)
    window.sync(expiry)
    assert len(ends) - nth >= sum(window.counts)


@given(
    st.lists(st.integers(0, 12), max_size=6),
    st.lists(st.integers(0, 12), max_size=6),
    st.integers(1, 12),
)
def test_loss_is_the_instant_at_which_an_arrival_or_talk_leaves(
    arrivals: list[int], talks: list[int], length: Micros
) -> None:
    """``next_loss`` is the first instant at which either count falls."""
    log = SampleLog()
    window = Window(log, length)
    for at in sorted(arrivals):
        log.arrive(BASE + at)
    for at in sorted(talks):
        log.end_talk(BASE + at, 1)
    window.sync(BASE + 12)
    before = window.arrived(), window.talks()

    loss = window.next_loss(BASE + 12)

    assert (loss is None) == (before == (0, (0, 0)))
    if loss is not None:
        window.sync(loss - 1)
        assert before == (window.arrived(), window.talks())
        window.sync(loss)
        assert before != (window.arrived(), window.talks())


def test_memory_follows_the_longest_window() -> None:
    """What every window has passed is forgotten, however long the log goes on."""
    log = SampleLog()
    window = Window(log, 100)

    for at in range(BASE, BASE + 50_000):
        log.arrive(at)
        log.end(at, 0, 1)
        log.end_talk(at, 1)

    window.sync(BASE + 50_000 - 1)
    assert (100, 100, (100, 100)) == (sum(window.counts), window.arrived(), window.talks())
    assert max(len(log.arrivals), len(log.codes), len(log.talks)) <= 4_096


def test_memory_is_bounded_when_only_talks_end() -> None:
    """A log in which nobody ever joins is forgotten as well."""
    log = SampleLog()
    window = Window(log, 100)

    for at in range(BASE, BASE + 20_000):
        log.end_talk(at, 1)

    window.sync(BASE + 20_000 - 1)
    assert (100, 100) == window.talks()
    assert len(log.talks) <= 4_096


def test_memory_is_bounded_when_every_arrival_is_late() -> None:
    """One line from the future does not stop the log from forgetting."""
    log = SampleLog()
    Window(log, 100)
    log.arrive(BASE + 100_000)

    for at in range(BASE, BASE + 20_000):
        log.arrive(at)

    assert len(log.arrivals) <= 4_096


@given(
    st.sampled_from(ODD_MIDNIGHTS),
    st.lists(st.integers(-50 * 3_600, 50 * 3_600), min_size=1, max_size=5),
)
def test_local_days_begin_and_end_where_the_date_changes(
    place: tuple[str, int, int, int], offsets: list[int]
) -> None:
    """A day is the stretch of one local date, whatever clocks do at midnight."""
    name, year, month, date = place
    zone = ZoneInfo(name)
    noon = int(dt.datetime(year, month, date, 12, tzinfo=dt.UTC).timestamp())
    day = LocalDay(zone)

    def date_at(second: int) -> dt.date:
        return dt.datetime.fromtimestamp(second, zone).date()

    for offset in offsets:
        now = noon + offset
        start, end = day.start(now * SECOND) // SECOND, day.end(now * SECOND) // SECOND
        assert start <= now < end
        assert date_at(start) == date_at(now) == date_at(end - 1)
        assert date_at(start - 1) < date_at(now) < date_at(end)


def test_the_end_of_a_day_is_never_past() -> None:
    """Where clocks went from 00:01 back into the old day, that day ends a second time."""
    day = LocalDay(ZoneInfo("America/St_Johns"))
    second_time = int(dt.datetime(2006, 10, 29, 3, 0, tzinfo=dt.UTC).timestamp()) * SECOND

    assert day.end(second_time) > second_time


@given(st.lists(st.integers(0, 3 * 86_400), max_size=8), st.sampled_from(ODD_MIDNIGHTS))
def test_today_holds_what_ended_since_local_midnight(
    ends: list[int], place: tuple[str, int, int, int]
) -> None:
    """The window ``today`` is empty at each midnight and holds all since, over three days."""
    name, year, month, date = place
    zone = ZoneInfo(name)
    first = int(dt.datetime(year, month, date, tzinfo=dt.UTC).timestamp()) - 86_400
    log, day = SampleLog(), LocalDay(zone)
    window = Window(log, None, day)
    held: list[int] = []

    for end in sorted(ends):
        at = first + end
        log.end(at * SECOND, 0, 0)
        held.append(at)
        window.sync(at * SECOND)

        today = dt.datetime.fromtimestamp(at, zone).date()
        same = [when for when in held if dt.datetime.fromtimestamp(when, zone).date() == today]
        assert len(same) == sum(window.counts)
        midnight = window.next_expiry(at * SECOND)
        assert midnight is not None
        assert dt.datetime.fromtimestamp(midnight // SECOND, zone).date() > today


def test_a_closed_window_is_not_told_any_more() -> None:
    """The log drops the window, so that it cannot hold its memory."""
    log = SampleLog()
    window = Window(log, 10)

    window.close()

    assert [] == log.windows
