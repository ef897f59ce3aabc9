"""What was seen since the start: all of it, in little room, with its gaps."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callmon.top.seen import MAX_ROWS, POINTS, SEEN, Course, Seen, bars
from tests.top.boards import BLIND, LIVE, WORST, board, row

values = st.lists(st.none() | st.integers(0, 9), max_size=5 * POINTS)


@given(values)
def test_a_course_forgets_no_worst_value(given_values: list[float | None]) -> None:
    """Never more points than fit, and the worst of all is among them."""
    course = Course(max)
    for value in given_values:
        course.add(value)

    known = [value for value in given_values if value is not None]
    kept = [point for point in course.points if point is not None]

    assert len(course.points) <= POINTS
    assert max(known, default=None) == max(kept, default=None)
    assert bool(given_values) == bool(course.points)


def test_points_are_evenly_apart() -> None:
    """Two neighbours become one, so that the whole time stays in order."""
    course = Course(max)
    for value in range(POINTS + 1):
        course.add(value)

    assert [*range(1, POINTS, 2), POINTS] == course.points


def test_a_gap_stays_a_gap() -> None:
    """Where nothing was known at all; a neighbour that was known is shown."""
    course = Course(min)
    for value in [None, None, 3, None] + [1] * (POINTS - 4):
        course.add(value)

    assert [None, 3, 1] == course.points[:3]


def test_what_a_blind_queue_kept_is_not_seen() -> None:
    """Neither is a queue that left the board, nor anything while the connection is lost."""
    seen = Seen(0)
    kept = replace(BLIND, name="x", id="queue:x", live=LIVE)
    for view in (board([row("x")]), board([kept]), board([]), board([row("x")])):
        seen.add(view)
    seen.add_nothing()

    assert [0, None, None, 0, None] == seen.course("queue:x", "waiting")
    assert () == seen.course("queue:y", "waiting")


def test_the_four_figures_are_kept() -> None:
    """Each from where it stands on the board."""
    seen = Seen(0)
    seen.add(board([WORST]))

    assert [[2], [192.5], [0.95], [3]] == [seen.course(WORST.id, name) for name in SEEN]


def test_names_that_change_do_not_fill_the_memory() -> None:
    """Beyond so many rows nothing more is kept."""
    seen = Seen(0)
    rows = [row(f"q{number}") for number in range(MAX_ROWS + 5)]
    seen.add(board(rows))
    seen.add(board([row("late")]))

    assert [0, None] == seen.course("queue:q0", "waiting")
    assert () == seen.course("queue:late", "waiting")
    assert () == seen.course(rows[-1].id, "waiting")


def test_bars_begin_at_zero() -> None:
    """The most is full, nothing is the least bar, what was not known is blank."""
    assert "▁▄█ █" == bars([0, 4, 8, None, 8])
    assert "▄█" == bars([0.5, 1.0], 1.0)
    assert "█" == bars([1.2], 1.0)
    assert "▁▁" == bars([0, 0])
    assert "" == bars([])
