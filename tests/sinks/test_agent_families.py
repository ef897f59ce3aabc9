"""Tests of the series of single agents: off by default, capped, one each."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from callmon.agents import agent_changed
from callmon.clock import SECOND, Micros
from callmon.events import AgentChanged, Device
from callmon.queues import SubjectState, Targets, day_of
from callmon.rules import Subject, SubjectKind
from callmon.sinks.prometheus import Exposition, Format
from callmon.sinks.threshold_families import Owners

NOW: Micros = 1_700_000_000 * SECOND


def a_state(name: str = "sales", kind: SubjectKind = SubjectKind.QUEUE) -> SubjectState:
    """Return a subject whose agents are known."""
    state = SubjectState(Subject(kind=kind, name=name), Targets(), day_of("UTC"), ())
    state.agents.set_known(known=True, at=NOW)
    return state


def tell(state: SubjectState, agent: str, name: str, device: Device, *, pause: bool) -> None:
    """Let an agent stand so in *state*."""
    event = AgentChanged(NOW, "pbx", 0, state.subject.name, agent, name, device, pause, "", 0)
    agent_changed([state], event)


def series(states: list[SubjectState], limit: int) -> dict[tuple[str, ...], float]:
    """Return the samples of single agents on a page, by the values of their labels."""
    page = Exposition((), lambda: limit)
    for _ in page.refresh(states, (), Owners(), NOW):
        pass
    text = b"".join(page.body(Format.TEXT)).decode()
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in {"callmon_agent_state", "callmon_agents_left_out"}
    }


def test_nobody_is_named_unless_it_is_switched_on() -> None:
    """By default a page has no name of an agent anywhere."""
    state = a_state()
    tell(state, "SIP/1", "Ann", Device.IDLE, pause=False)
    page = Exposition(())
    for _ in page.refresh([state], (), Owners(), NOW):
        pass

    text = b"".join(page.body(Format.TEXT))

    assert b"Ann" not in text
    assert b"SIP/1" not in text


def test_an_agent_has_one_series_whatever_he_serves() -> None:
    """Paused in one queue and free in another he is free; groups add nothing."""
    sales, support = a_state("sales"), a_state("support")
    group = a_state("all", SubjectKind.GROUP)
    tell(sales, "SIP/1", 'A"nn', Device.IDLE, pause=True)
    tell(group, "SIP/1", 'A"nn', Device.IDLE, pause=True)
    tell(support, "SIP/1", 'A"nn', Device.IDLE, pause=False)
    tell(support, "SIP/2", "Ben", Device.AWAY, pause=False)

    assert {
        ("pbx", "SIP/1", 'A"nn', "available"): 1,
        ("pbx", "SIP/2", "Ben", "away"): 1,
        (): 0,
    } == series([sales, support, group], 9)


@pytest.mark.parametrize(("limit", "shown"), [(1, 1), (3, 3), (4, 3)])
def test_no_more_agents_than_the_limit_have_one(limit: int, shown: int) -> None:
    """The rest are counted."""
    state = a_state()
    for number in range(3):
        tell(state, f"SIP/{number}", "", Device.IDLE, pause=False)

    found = series([state], limit)

    assert 3 - shown == found.pop(())
    assert shown == len(found)


def test_agents_of_whom_nobody_tells_have_no_series() -> None:
    """When the live feed is down their states are not known."""
    state = a_state()
    tell(state, "SIP/1", "Ann", Device.IDLE, pause=False)
    state.agents.set_known(known=False, at=NOW)

    assert {(): 0} == series([state], 9)
