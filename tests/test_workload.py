"""Tests of levels over time and their integrals, against summing microsecond by microsecond."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import Micros
from callmon.workload import Levels, Workload, WorkloadPart
from tests.stories import BASE

UNTIL = 40

steps = st.lists(
    st.tuples(
        st.integers(0, UNTIL).map(lambda at: BASE + at),
        st.tuples(*[st.integers(-2, 2)] * 3).map(lambda change: Levels(*change)),
    ),
    max_size=12,
)


def never(_now: Micros) -> Micros:
    """Keep everything."""
    return 0


@given(steps, st.integers(-5, UNTIL + 5))
def test_steps_come_in_any_order(story: list[tuple[Micros, Levels]], after: Micros) -> None:
    """Levels, time spent and the next step are those of the steps in order of time."""
    load = Workload(never)
    for at, change in story:
        load.step(at, change)
    now = BASE + after

    def level(instant: Micros) -> tuple[int, ...]:
        happened = [change for at, change in story if at <= instant]
        return tuple(sum(change[kind] for change in happened) for kind in range(3))

    each = [level(instant) for instant in range(BASE, now)]
    assert level(now) == load.levels(now)
    assert tuple(sum(one[kind] for one in each) for kind in range(3)) == load.spent(now)
    assert min((at for at, _ in story if at > now), default=None) == load.next_step(now)


def test_what_is_behind_the_horizon_is_forgotten() -> None:
    """Differences between later instants stay what they were."""
    load, whole = Workload(lambda now: now - 100), Workload(never)
    for at in range(10_000):
        for one in (load, whole):
            one.step(BASE + at, Levels(busy=1 if at % 3 else -2))
    now = BASE + 10_000

    kept, full = load.spent(now), whole.spent(now)

    assert load.next_step(BASE) != BASE + 1
    assert kept.busy - load.spent(now - 100).busy == full.busy - whole.spent(now - 100).busy
    assert whole.levels(now) == load.levels(now)


@given(steps, steps)
def test_a_restored_workload_goes_on(
    before: list[tuple[Micros, Levels]], after: list[tuple[Micros, Levels]]
) -> None:
    """What a checkpoint holds of levels is all there is to know of them."""
    load, heir = Workload(never), Workload(never)
    for at, change in before:
        load.step(at, change)
    heir.step(BASE, Levels(busy=9))  # to be forgotten
    heir.restore(msgspec.json.decode(msgspec.json.encode(load.part()), type=WorkloadPart))
    for at, change in after:
        load.step(at, change)
        heir.step(at, change)
    assert load.part() == heir.part()
