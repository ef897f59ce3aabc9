"""Tests of checkpoints: an engine restored from its parts goes on as the one they are of."""

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.engine import Engine
from callmon.events import Event, FeedChanged
from callmon.parts import PartsError, key_of, read_parts
from callmon.queues import GroupSettings, QueueSettings, Targets, WindowSpec
from tests.crews import changed
from tests.sites import (
    SOME_THRESHOLDS,
    engine_with,
    fingerprint,
    queue,
    reborn,
    settings_with,
    shown_figures,
    turns,
)
from tests.stories import BASE, SOURCE, Visit, joined, left, stories, tell


def split(events: Sequence[Event], stop: int) -> tuple[list[Event], list[Event]]:
    """Return what is told until a moment, and what is told then."""
    before = [event for event in events if event.at <= BASE + stop]
    return before, list(events[len(before) :])


@given(stories(), st.integers(0, 20))
def test_a_restored_engine_goes_on_as_the_one_it_was(visits: list[Visit], stop: int) -> None:
    """State, figures and transitions are those without the restart."""
    before, after = split(tell(visits), stop)
    first = engine_with(thresholds=SOME_THRESHOLDS)
    first.apply_all(before)
    second = reborn(first)
    first.drain()
    assert fingerprint(first) == fingerprint(second)

    for engine in (first, second):
        engine.apply_all(after)
        engine.advance(BASE + 50)

    assert fingerprint(first) == fingerprint(second)
    assert turns(first.drain()) == turns(second.drain())
    assert shown_figures(first, first.now) == shown_figures(second, second.now)


@given(stories(), st.lists(st.integers(0, 20), max_size=4))
def test_parts_that_have_changed_are_enough(visits: list[Visit], stops: list[int]) -> None:
    """What has changed, laid over what was there, is all there is."""
    engine = engine_with(thresholds=SOME_THRESHOLDS)
    held: dict[str, bytes] = {}
    rest = tell(visits)
    for stop in sorted(stops):
        before, rest = split(rest, stop)
        engine.apply_all(before)
        for key, part in engine.parts(whole=False).items():
            if part is None:
                del held[key]
            else:
                held[key] = part

    if stops:
        assert {key: part for key, part in engine.parts(whole=True).items() if part} == held


def test_a_quiet_queue_is_not_taken_again() -> None:
    """A checkpoint costs what has changed."""
    engine = engine_with()
    engine.apply_all([joined(0, "a", "sales", seq=1), joined(0, "b", "support", seq=2)])
    engine.parts(whole=False)

    engine.apply(left(3, "a", wait=3, seq=3))

    taken = engine.parts(whole=False)
    assert key_of("book", SOURCE, "sales") in taken
    assert key_of("subject", "queue", "sales") in taken
    assert key_of("book", SOURCE, "support") not in taken
    assert key_of("subject", "queue", "support") not in taken


@given(stories(), st.integers(0, 20))
def test_settings_changed_meanwhile_are_as_after_a_reload(
    visits: list[Visit], stop: int
) -> None:
    """Other targets, groups, windows and thresholds: a restart and a reload do the same."""
    before, after = split(tell(visits), stop)
    changed = dataclasses.replace(
        settings_with(Targets(within=7, short_abandon=2)),
        groups=(GroupSettings(name="everyone", queues=("sales",)),),
        windows=(WindowSpec(name="all"), WindowSpec(name="9us", length=9)),
        thresholds=SOME_THRESHOLDS[:2],
    )
    first = engine_with(thresholds=SOME_THRESHOLDS)
    first.apply_all(before)
    second = reborn(first, changed)
    first.reconfigure(changed, first.now)

    for engine in (first, second):
        engine.apply_all(after)
        engine.advance(BASE + 50)

    assert fingerprint(first) == fingerprint(second)
    assert shown_figures(first, first.now) == shown_figures(second, second.now)


def test_what_is_new_is_taken_though_as_much_was_forgotten() -> None:
    """The log holds as many samples as when it was taken, but not the same ones."""
    engine = engine_with()
    engine.apply_all([joined(0, "a", seq=1), left(0, "a", wait=0, seq=2)])
    engine.apply(joined(40, "b", seq=3))
    engine.parts(whole=False)

    engine.apply(left(41, "b", wait=1, seq=4))

    assert key_of("subject", "queue", "sales") in engine.parts(whole=False)


def test_agents_of_whom_one_source_alone_tells_are_unknown_before_and_after() -> None:
    """A second source begins to tell of the queue, and knows no agents."""
    first = engine_with()
    first.apply(FeedChanged(BASE, "acd", 0, "mq", up=True, agents=True))
    first.apply(changed(1, source="acd"))
    assert queue(first).agents.known
    first.apply(joined(2, "a", seq=1))

    assert not queue(first).agents.known
    assert not queue(reborn(first)).agents.known


def test_a_queue_named_meanwhile_has_what_it_had() -> None:
    """Who waits there still does, under the new name."""
    first = engine_with(queues=())
    first.apply_all([joined(0, "a", seq=1), left(1, "a", wait=1, seq=2), joined(2, "b", seq=3)])
    vip = QueueSettings(name="vip", origins=((SOURCE, "sales"),))

    second = reborn(first, engine_with(queues=(vip,)).settings)
    second.apply(left(5, "b", wait=3, seq=4))

    assert 2 == queue(second, "vip").arrived
    assert [] == queue(second, "vip").starts


def test_who_is_remembered_is_forgotten_in_time() -> None:
    """What is told again is known until the memory ends, as without a restart."""
    told: list[Event] = [joined(0, "a", seq=1)]
    told.append(left(3 * SECOND, "a", wait=3 * SECOND, seq=2))
    first = engine_with()
    first.apply_all(told)
    second = reborn(first)

    second.apply_all(told)
    assert {"duplicate": 2} == second.dropped
    second.advance(BASE + 8 * 3_600 * SECOND)
    second.apply(joined(8 * 3_600 * SECOND, "z", seq=3))
    second.advance(BASE + 10 * 3_600 * SECOND)
    second.apply_all(told)

    assert {"duplicate": 2, "late": 2} == second.dropped


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({key_of("engine"): b"\xc1"}, "part .* is damaged"),
        ({key_of("engine"): None}, "the part of the engine is missing"),
    ],
)
def test_parts_that_cannot_be_used_are_refused(
    change: dict[str, bytes | None], message: str
) -> None:
    """Whoever restores is told why not, and begins with nothing."""
    parts = engine_with().parts(whole=True) | change

    with pytest.raises(PartsError, match=message):
        Engine(settings_with()).restore({key: part for key, part in parts.items() if part})


def test_parts_of_a_newer_callmon_are_refused() -> None:
    """They may mean something else."""
    parts = {key: part for key, part in engine_with().parts(whole=True).items() if part}
    own = parts[key_of("engine")]
    newer = own.replace(b"\xa7version\x01", b"\xa7version\x7f")
    assert own != newer

    with pytest.raises(PartsError, match="expected version 1 or older, found 127"):
        read_parts(parts | {key_of("engine"): newer})
