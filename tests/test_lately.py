"""What has come in during the last half-hour."""

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.engine import Engine, EngineSettings
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    DayCounts,
    Event,
    QueueReported,
    TalkEnd,
    TalkEnded,
)
from callmon.intervals import HALF_HOUR
from callmon.lately import FEW_TALKS, SHORTEST, Lately, lately_of
from callmon.queues import QueueSettings, SubjectState, WindowSpec
from callmon.rules import SubjectKind

MIDNIGHT: Micros = 1_795_305_600 * SECOND  # UTC
NOON: Micros = MIDNIGHT + 43_200 * SECOND
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
SETTINGS = EngineSettings(queues=(QueueSettings(name="q"),), sources=("pbx",))


def told(
    *events: Event, now: Micros, settings: EngineSettings = SETTINGS, begin: Micros = MIDNIGHT
) -> SubjectState:
    """Return the queue after *events*, at *now*."""
    engine = Engine(settings, begin)
    engine.apply_all(events)
    engine.advance(now)
    return engine.subjects[SubjectKind.QUEUE, "q"]


def joined(at: Micros, number: int = 0) -> ContactJoined:
    """Return a join."""
    return ContactJoined(at, "pbx", number, "q", f"c{at}.{number}")


def talk(at: Micros, length: Micros, number: int) -> tuple[Event, ...]:
    """Return a whole talk that ended at *at*."""
    contact = f"t{number}"
    return (
        ContactJoined(at, "pbx", number, "q", contact),
        ContactAnswered(at, "pbx", number, "q", contact, 0, "agent"),
        TalkEnded(at, "pbx", number, "q", contact, length, TalkEnd.AGENT, "agent"),
    )


@given(st.lists(st.integers(-3, 33), max_size=9))
def test_all_that_came_in_the_last_half_hour_counts(minutes: list[int]) -> None:
    """The instant half an hour ago is outside, as with every window."""
    ats = sorted(NOON - minute * MINUTE for minute in minutes if minute >= 0)

    found = lately_of(told(*map(joined, ats, range(9)), now=NOON), NOON)

    expected = len([at for at in ats if NOON - HALF_HOUR < at <= NOON])
    assert Lately(since=NOON - HALF_HOUR, arrived=expected) == found


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        (SHORTEST, Lately(since=MIDNIGHT - 1, arrived=2)),
        (20 * MINUTE, Lately(since=MIDNIGHT - 1, arrived=2)),
        (SHORTEST - 2, Lately(since=MIDNIGHT + SHORTEST - 2 - HALF_HOUR)),
    ],
)
def test_after_midnight_it_is_less(past: Micros, expected: Lately) -> None:
    """What the day before had is forgotten; after a few minutes nothing is said yet."""
    only_today = dataclasses.replace(SETTINGS, windows=(WindowSpec(name="today", day=True),))
    events = [joined(MIDNIGHT - MINUTE), joined(MIDNIGHT), joined(MIDNIGHT + MINUTE)]
    now = MIDNIGHT + past

    state = told(*events, now=now, settings=only_today, begin=MIDNIGHT - HALF_HOUR)

    assert expected == lately_of(state, now)


def test_without_a_window_nothing_is_known() -> None:
    """Nothing says how much is held."""
    state = told(
        joined(NOON - MINUTE), now=NOON, settings=dataclasses.replace(SETTINGS, windows=())
    )

    assert Lately(since=NOON - HALF_HOUR) == lately_of(state, NOON)


def test_talks_have_an_average_when_there_are_enough() -> None:
    """Those that ended in the last half-hour only."""
    old = talk(NOON - HALF_HOUR, 900 * SECOND, 0)
    lengths = (1, 2, 3, 5, 9)
    new = [
        talk(NOON - 5 * MINUTE, n * SECOND, place) for place, n in enumerate(lengths, start=1)
    ]
    assert FEW_TALKS == len(new)

    enough = told(*old, *(event for events in new for event in events), now=NOON)
    few = told(*old, *(event for events in new[1:] for event in events), now=NOON)

    assert Fraction(20 * SECOND, 5) == lately_of(enough, NOON).talk
    assert None is lately_of(few, NOON).talk


@pytest.mark.parametrize(("arrived", "expected"), [(7, 7), (None, None)])
def test_of_a_queue_known_as_a_whole_it_is_what_is_counted(
    arrived: int | None, expected: int | None
) -> None:
    """Where its source does not count who comes, nothing is known of it."""
    begin = NOON - HALF_HOUR
    reports = [
        QueueReported(at, "pbx", 0, "q", waiting=1, day=DayCounts(arrived=day), stale_after=DAY)
        for at, day in (
            (begin, None if arrived is None else 3),
            (NOON, arrived and arrived + 3),
        )
    ]

    state = told(*reports, now=NOON)

    assert expected == lately_of(state, NOON).arrived
