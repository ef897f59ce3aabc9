"""Tests of the memory of ids."""

from hypothesis import given
from hypothesis import strategies as st

from callmon.seen import SeenIds
from tests.stories import joined

IDS = st.lists(st.none() | st.integers(0, 5), max_size=6)


@given(st.lists(IDS, max_size=5), st.integers(1, 4))
def test_an_id_among_the_latest_is_not_new(batches: list[list[int | None]], room: int) -> None:
    """What is let through is what a plain list of the latest ids would let through."""
    seen = SeenIds(capacity=room)
    latest: list[int] = []
    for ids in batches:
        events = [joined(place, str(place)) for place in range(len(ids))]
        kept, kept_ids = seen.fresh(events, ids)

        new = []
        for event, number in zip(events, ids, strict=True):
            if number is None or number not in latest:
                new.append((event, number))
                latest += [] if number is None else [number]
        latest = latest[-room:]
        assert new == list(zip(kept, kept_ids, strict=True))
        assert len(latest) == len(seen)


def test_ids_from_before_a_restart_are_known() -> None:
    """Only as many as there is room for: the latest."""
    seen = SeenIds([1, 2, 3], capacity=2)

    _, ids = seen.fresh([joined(0, "a"), joined(1, "b"), joined(2, "c")], [1, 2, 3])

    assert [1] == ids
