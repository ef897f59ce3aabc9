"""Tests of before and after: which episodes are gone, which are new."""

from hypothesis import given
from hypothesis import strategies as st

from callmon.backtest.differences import differences_of
from callmon.backtest.outcome import Difference
from callmon.episodes import Episode
from tests.backtest.made import episode


def spans(times: list[int]) -> list[Episode]:
    """Return episodes that follow each other, one without length for two equal times."""
    pairs = zip(times[::2], times[1::2], strict=False)
    return [episode(begin, end) for begin, end in pairs]


def test_what_overlaps_is_the_same() -> None:
    """One that begins earlier and lasts longer is no news; an instant in common is enough."""
    assert () == differences_of([episode(5, 9)], [episode(1, 5)], until=20)
    assert () == differences_of([episode(5, None)], [episode(18, 19)], until=20)


def test_what_only_one_file_tells_is_told() -> None:
    """Gone is what nobody would be told of any more, new what nobody was told of until now."""
    old = [episode(1, 3), episode(10, 12)]
    new = [episode(5, 6), episode(11, 30)]
    other = episode(1, 2, name="ale")

    found = differences_of([*old, other], new, until=40)

    assert (
        Difference(key=other.key, kept=0, gone=(other,), new=()),
        Difference(key=old[0].key, kept=1, gone=(old[0],), new=(new[0],)),
    ) == found


times = st.lists(st.integers(0, 12), max_size=8, unique=True).map(sorted)


@given(times, times)
def test_each_is_looked_for_among_all(before: list[int], after: list[int]) -> None:
    """The walk over both finds what comparing every pair finds."""
    old, new = spans(before), spans(after)

    def alone(one: Episode, others: list[Episode]) -> bool:
        assert one.ended_at is not None
        return not any(
            one.fired_at <= (other.ended_at or 0) and other.fired_at <= one.ended_at
            for other in others
        )

    gone = [one for one in old if alone(one, new)]
    added = [one for one in new if alone(one, old)]
    found = differences_of(old, new, until=20)

    assert (gone, added) == (
        [one for each in found for one in each.gone],
        [one for each in found for one in each.new],
    )
