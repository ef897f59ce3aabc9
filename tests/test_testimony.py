"""Tests of how two testimonies of one visit come to one outcome."""

import pytest

from callmon.clock import SECOND
from callmon.events import Event, Outcome
from callmon.testimony import verdict
from tests.tellers import BASE, Teller, answered, finish, joined, left


@pytest.mark.parametrize(
    ("live", "certain", "record", "outcome"),
    [
        (Outcome.TIMEOUT, True, None, Outcome.TIMEOUT),
        (Outcome.REDIRECTED, False, None, Outcome.LOST),
        (Outcome.REDIRECTED, False, Outcome.ABANDONED, Outcome.REDIRECTED),
        (Outcome.REDIRECTED, False, Outcome.TIMEOUT, Outcome.TIMEOUT),
        (Outcome.REDIRECTED, True, Outcome.ABANDONED, Outcome.REDIRECTED),
        (Outcome.LOST, True, Outcome.ABANDONED, Outcome.LOST),
        (Outcome.LOST, False, Outcome.ABANDONED, Outcome.ABANDONED),
        (Outcome.LOST, False, Outcome.ANSWERED, Outcome.ANSWERED),
        (Outcome.LOST, True, Outcome.ANSWERED, Outcome.ANSWERED),
        (Outcome.FAILED, True, Outcome.ABANDONED, Outcome.FAILED),
        (Outcome.ABANDONED, True, Outcome.ANSWERED, Outcome.ABANDONED),
        (Outcome.ABANDONED, True, Outcome.WITHDRAWN, Outcome.WITHDRAWN),
        (Outcome.KEY_EXIT, True, Outcome.EMPTY, Outcome.EMPTY),
        (Outcome.KEY_EXIT, True, Outcome.LOST, Outcome.KEY_EXIT),
    ],
)
@pytest.mark.parametrize("first", ["live", "record"])
def test_the_record_decides_but_for_what_it_cannot_know(
    live: Outcome,
    certain: bool,
    record: Outcome | None,
    outcome: Outcome,
    first: str,
) -> None:
    """Whoever speaks first, the outcome is the same."""
    assert outcome is verdict(live, certain=certain, logged=record)
    teller = Teller()
    teller.up("ami", up=True, live=True)
    teller.up("log", up=True, live=False)
    end = BASE + 9 * SECOND
    seen_by_live = [joined("a", BASE), left("a", end, live, certain=certain)]
    if record is None:
        by_record: list[Event] = []
    elif record is Outcome.ANSWERED:
        by_record = [joined("a", BASE, 1), answered("a", end, 9 * SECOND, 2)]
    else:
        by_record = [joined("a", BASE, 1), left("a", end, record, 9 * SECOND, seq=2)]
    for is_live in (True, False) if first == "live" else (False, True):
        teller.tell(*(seen_by_live if is_live else by_record), live=is_live)
    assert {outcome: 1} == teller.windowed()
    finish(teller)
    assert {outcome: 1} == teller.outcomes()
    talks = record is Outcome.ANSWERED is outcome
    assert int(talks) == teller.state.talking
