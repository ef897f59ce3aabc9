"""Tests of the event types."""

import typing

import msgspec
import pytest

from callmon import events
from callmon.events import KINDS, OUTCOME_LABELS, ContactJoined, Event, Outcome
from tests.stories import answered, joined, left, talk_ended


def test_each_kind_of_event_has_a_name() -> None:
    """The label is the tag of the stored form, for every member of the union."""
    kinds = typing.get_args(Event)

    assert {kind: kind.__struct_config__.tag for kind in kinds} == KINDS
    assert len(kinds) == len(set(KINDS.values()))


def test_outcomes_are_numbered_so_that_the_offered_come_first() -> None:
    """Windows take slices by number: answered, abandoned, the overflows, then failed."""
    assert (
        "answered",
        "abandoned",
        "timeout",
        "key_exit",
        "empty",
        "failed",
        "redirected",
        "withdrawn",
        "lost",
    ) == OUTCOME_LABELS
    assert list(range(9)) == [int(outcome) for outcome in Outcome]


@pytest.mark.parametrize(
    "event", [joined(1, "a"), answered(2, "a", 1), left(2, "a", wait=1), talk_ended(3, "a", 1)]
)
def test_events_survive_being_stored(event: Event) -> None:
    """JSON and back gives an equal event of the same type."""
    stored = msgspec.json.encode(event)

    assert event == msgspec.json.decode(stored, type=Event)


def test_events_cannot_be_changed() -> None:
    """What several consumers share is frozen."""
    event = ContactJoined(1, "pbx", 0, "sales", "a")

    with pytest.raises(AttributeError):
        event.at = 2  # type: ignore[misc]  # it must fail


def test_everything_public_is_listed() -> None:
    """``__all__`` has every event type."""
    names = {kind.__name__ for kind in typing.get_args(Event)}

    assert names <= set(events.__all__)
