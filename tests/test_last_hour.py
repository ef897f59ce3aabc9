"""What small charts are drawn from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.last_hour import CHARTED, LastHour

START = 1_700_000_000 * SECOND
WIDTH = len(CHARTED)


def course(hour: LastHour, subject: str = "queue:sales") -> list[tuple[int, float | None]]:
    """Return the course of the first measure, by the number of the round."""
    found = hour.of(subject)
    return [((at - START) // SECOND, value) for at, value in found.get(CHARTED[0], ())]


def test_samples_come_back_in_order_with_their_instants() -> None:
    """What was noted is shown, measure by measure."""
    hour = LastHour()
    for turn in range(3):
        hour.begin(START + turn * SECOND)
        hour.sample("queue:sales", [turn + place for place in range(WIDTH)])
    assert course(hour) == [(0, 0), (1, 1), (2, 2)]
    assert set(hour.of("queue:sales")) == set(CHARTED)
    assert [value for _, value in hour.of("queue:sales")[CHARTED[2]]] == [2, 3, 4]


def test_what_was_never_sampled_has_no_course() -> None:
    """An unknown queue has nothing, not zeros."""
    assert LastHour().of("queue:sales") == {}


def test_what_was_not_known_is_a_gap() -> None:
    """None stays None."""
    hour = LastHour()
    hour.begin(START)
    hour.sample("queue:sales", [None] * WIDTH)
    assert course(hour) == [(0, None)]


def test_forgotten_subjects_are_gone() -> None:
    """Only those that are still there are kept."""
    hour = LastHour()
    hour.begin(START)
    hour.sample("queue:sales", [1] * WIDTH)
    hour.sample("queue:vip", [2] * WIDTH)
    hour.forget({"queue:vip"})
    assert hour.of("queue:sales") == {}
    assert course(hour, "queue:vip") == [(0, 2)]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=300), st.integers(0, 40))
def test_every_course_is_that_of_a_list_of_rounds(
    rounds: list[tuple[bool, bool]], look_every: int
) -> None:
    """Subjects come, are left out, come back: each has its samples and gaps of one hour."""
    hour = LastHour()
    truth: dict[str, list[tuple[int, float | None]]] = {}
    for turn, present in enumerate(rounds):
        hour.begin(START + turn * SECOND)
        for subject, here in zip(("queue:a", "queue:b"), present, strict=True):
            if here:
                hour.sample(subject, [float(turn)] * WIDTH)
                truth.setdefault(subject, [])
            if subject in truth:
                truth[subject].append((turn, float(turn) if here else None))
        if look_every and turn % look_every == 0:
            hour.of("queue:a")
    for subject in ("queue:a", "queue:b"):
        assert course(hour, subject) == truth.get(subject, [])[-120:]


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, 86_400.0, 3_600.25])
def test_figures_keep_their_value(value: float) -> None:
    """What people read is not blurred by the way it is kept."""
    hour = LastHour()
    hour.begin(START)
    hour.sample("queue:sales", [value] * WIDTH)
    assert course(hour) == [(0, value)]


def test_a_look_in_the_middle_of_a_round_changes_nothing() -> None:
    """Who is looked at before its sample of the round is taken still has one for each."""
    hour = LastHour()
    for turn in range(3):
        hour.begin(START + turn * SECOND)
        if turn:
            assert course(hour)[-1] == (turn, None)
        hour.sample("queue:sales", [float(turn)] * WIDTH)
    assert course(hour) == [(0, 0), (1, 1), (2, 2)]
