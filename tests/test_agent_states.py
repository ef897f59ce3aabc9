"""Tests of what one agent does in one place."""

import itertools

from callmon.agent_states import STEPS, AgentState, repeats, state_in
from callmon.events import Device
from tests.crews import changed
from tests.stories import BASE


def test_a_telephone_counts_more_than_a_pause() -> None:
    """Busy, ringing and away come first, then wrap-up while it lasts, then the pause."""
    for device in (Device.BUSY, Device.RINGING, Device.AWAY):
        told = changed(0, device=device, paused=True, wrapup=5)
        assert state_in(told, BASE).name.lower() == device.value
    paused = changed(0, paused=True, wrapup=5)
    states = [state_in(paused, BASE + 4), state_in(paused, BASE + 5)]
    assert [AgentState.WRAPUP, AgentState.PAUSED] == states
    assert state_in(changed(0), BASE) is AgentState.AVAILABLE


def test_steps_there_and_back_are_none() -> None:
    """What an agent adds by going to a state, he takes along when he leaves it."""
    for old, new in itertools.product(AgentState, repeat=2):
        back = tuple(-change for change in STEPS[new][old])
        assert back == tuple(STEPS[old][new])


def test_the_same_said_later_is_nothing_new() -> None:
    """Only what is said counts, not when."""
    assert repeats(changed(7, reason="tea"), changed(3, reason="tea"))
    assert not repeats(changed(7, reason="tea"), changed(3, reason="lunch"))
    assert not repeats(changed(7), None)
