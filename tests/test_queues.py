"""Tests of the state of one subject."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon import windows
from callmon.clock import SECOND, Micros
from callmon.events import Outcome
from callmon.queues import (
    BUCKETS,
    SubjectPart,
    SubjectState,
    Targets,
    WindowSpec,
    day_of,
)
from callmon.rules import Subject, SubjectKind
from callmon.windows import FLAGS, SHORT, WITHIN
from tests.sites import counters

NOW: Micros = 1_700_000_000 * SECOND
QUARTER = WindowSpec(name="15m", length=900 * SECOND)
TODAY = WindowSpec(name="today", day=True)


def state_with(
    targets: Targets | None = None,
    windows: tuple[WindowSpec, ...] = (QUARTER,),
    bounds: tuple[Micros, ...] = BUCKETS,
) -> SubjectState:
    """Return the state of a queue."""
    subject = Subject(kind=SubjectKind.QUEUE, name="sales")
    return SubjectState(subject, targets or Targets(), day_of("UTC"), windows, bounds)


@given(st.lists(st.integers(0, 12), max_size=10), st.integers(0, 20), st.integers(0, 12))
def test_waiting_over_is_a_plain_count(starts: list[int], now: int, target: int) -> None:
    """Who waits longer than the target, and when the next one will."""
    state = state_with()
    for start in starts:
        state.join(NOW + start)

    over = state.waiting_over(NOW + now, target)
    then = state.next_over(NOW + now, target)

    assert sum(now - start > target for start in starts) == over
    later = [start + target + 1 for start in starts if start + target + 1 > now]
    assert (NOW + min(later) if later else None) == then


def test_the_histogram_counts_a_wait_at_its_bound() -> None:
    """Bounds are inclusive, as in Prometheus; answered and abandoned apart."""
    state = state_with(bounds=(10, 20))

    for wait in (10, 11, 20, 21):
        state.end(NOW, Outcome.ANSWERED, wait)
    state.end(NOW, Outcome.ABANDONED, 0)
    state.end(NOW, Outcome.TIMEOUT, 5)

    assert ([1, 2, 1], [1, 0, 0]) == state.buckets


def test_new_targets_judge_what_the_windows_hold() -> None:
    """Samples are judged anew; counters keep what they have counted."""
    state = state_with(Targets(within=10))
    state.end(NOW, Outcome.ANSWERED, 15)
    state.end(NOW, Outcome.ABANDONED, 3)
    state.end(NOW, Outcome.LOST, None)
    window = state.windows["15m"]
    window.sync(NOW)
    counted = list(state.counts)

    state.retarget(Targets(within=20, short_abandon=4))

    answered, abandoned = Outcome.ANSWERED * FLAGS, Outcome.ABANDONED * FLAGS
    window.sync(NOW)
    assert 1 == window.counts[answered + WITHIN]
    assert 1 == window.counts[abandoned + WITHIN + SHORT]
    assert 3 == sum(window.counts)
    assert counted == state.counts


def test_windows_that_stay_keep_what_they_hold() -> None:
    """Other windows come and go; one that stays is the same object."""
    state = state_with(windows=(QUARTER, TODAY))
    state.end(NOW, Outcome.ANSWERED, 1)
    kept = state.windows["15m"]
    hour = WindowSpec(name="1h", length=3_600 * SECOND)

    state.set_windows((hour, QUARTER))

    assert {"15m", "1h"} == set(state.windows)
    assert kept is state.windows["15m"]
    state.windows["1h"].sync(NOW)
    assert 1 == sum(state.windows["1h"].counts)
    assert 2 == len(state.log.windows)


def test_another_time_zone_moves_the_beginning_of_today() -> None:
    """What ended before midnight in one zone and after it in the other comes in."""
    midnight = NOW - NOW % (86_400 * SECOND)
    state = state_with(windows=(TODAY,))
    state.end(midnight - SECOND, Outcome.ANSWERED, 1)
    state.end(midnight, Outcome.ANSWERED, 1)
    today = state.windows["today"]
    today.sync(midnight)
    assert 1 == sum(today.counts)

    state.set_day(day_of("America/New_York"))

    today.sync(midnight)
    assert 2 == sum(today.counts)


def test_other_bounds_begin_a_new_histogram() -> None:
    """What was counted by old bounds cannot be told by new ones; equal bounds keep all."""
    state = state_with(bounds=(10, 20))
    state.end(NOW, Outcome.ANSWERED, 10)

    state.set_bounds((10, 20))
    assert ([1, 0, 0], [0, 0, 0]) == state.buckets
    state.set_bounds((10,))
    assert ([0, 0], [0, 0]) == state.buckets


ends = st.lists(
    st.tuples(
        st.integers(0, 12), st.sampled_from(list(Outcome)), st.none() | st.integers(0, 9)
    ),
    max_size=8,
)


@given(ends, ends)
def test_a_gathered_group_counts_what_its_members_hold(
    first: list[tuple[int, Outcome, Micros | None]],
    second: list[tuple[int, Outcome, Micros | None]],
) -> None:
    """The sum of two queues: windows, waiting, talking; arrived = outcomes + waiting."""
    members = [state_with(), state_with()]
    for member, told in zip(members, (first, second), strict=True):
        member.join(NOW + 1)
        for at, outcome, wait in sorted(told, key=lambda end: end[0]):
            member.join(NOW + at)
            member.leave(NOW + at, NOW + at, outcome, wait)
            if outcome is Outcome.ANSWERED and wait:
                member.end_talk(NOW + at + wait, wait)
    group = state_with()

    group.gather(members)

    assert [NOW + 1, NOW + 1] == group.starts
    assert sum(member.talking for member in members) == group.talking
    assert [sum(c) for c in zip(*(m.counts for m in members), strict=True)] == group.counts
    assert sum(group.counts) + len(group.starts) == group.arrived
    talks = sorted(talk for member in members for talk in member.log.single_talks())
    assert talks == list(group.log.single_talks())


def test_a_gathered_group_counts_whose_arrival_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log lets go of an arrival before its end: the sum counts the contact all the same."""
    monkeypatch.setattr(windows, "_COMPACT_FROM", 2)
    member = state_with(windows=(WindowSpec(name="short", length=10),))
    member.join(NOW)
    member.leave(NOW + 50, NOW, Outcome.ANSWERED, 50)
    member.join(NOW + 55)
    assert [NOW + 55] == list(member.log.arrivals)
    group = state_with()

    group.gather([member])

    assert (2, 1, 1) == (group.arrived, sum(group.counts), len(group.starts))


@given(ends)
def test_counters_survive_a_checkpoint(told: list[tuple[int, Outcome, Micros | None]]) -> None:
    """What is restored from a part has the same counters and samples."""
    state = state_with()
    for at, outcome, wait in told:
        state.join(NOW + at)
        state.leave(NOW + at, NOW + at, outcome, wait)
    state.refused["full"] = 2
    state.rings = 3
    restored = state_with()

    part = msgspec.msgpack.encode(state.part())
    restored.restore(msgspec.msgpack.decode(part, type=SubjectPart))

    assert part == msgspec.msgpack.encode(restored.part())
    assert counters(state) == counters(restored)


def test_counters_of_other_bounds_are_not_kept_in_the_histogram() -> None:
    """The other counters go on; the histogram begins at 0."""
    state = state_with(bounds=(10, 20))
    state.join(NOW)
    state.leave(NOW, NOW, Outcome.ANSWERED, 5)
    restored = state_with(bounds=(10,))

    restored.restore(state.part())
    restored.set_bounds((10,))

    assert ([0, 0], [0, 0]) == restored.buckets
    assert 1 == restored.outcome_total(Outcome.ANSWERED)


def test_the_version_shows_every_change() -> None:
    """Who caches figures by version never shows old ones."""
    state = state_with()
    versions = [state.version]
    changes: list[Callable[[], None]] = [
        lambda: state.join(NOW),
        lambda: state.leave(NOW, NOW, Outcome.ANSWERED, 0),
        lambda: state.end_talk(NOW, 1),
        lambda: state.retarget(Targets(within=1)),
        lambda: state.set_bounds((1,)),
        lambda: state.set_windows(()),
        lambda: state.restore(state.part()),
    ]

    for change in changes:
        change()
        versions.append(state.version)

    assert len(versions) == len(set(versions))
