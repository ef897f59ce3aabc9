"""A scenario and a replay of the same calls bring about the same, to the microsecond."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.config import Config, load_config
from callmon.config.nodes import parse
from callmon.replay import play
from callmon.scenario.play import play_scenario
from callmon.scenario.reading import ScenarioDocument
from tests.scenario.stages import DAY, NOON, stage

Story = list[tuple[int, str, str, int]]
"""(second, caller, verb, number of the visit)."""

VERBS = {
    "joins support": "ENTERQUEUE||1|1",
    "is answered": "CONNECT|{wait}|x|0",
    "hangs up": "ABANDON|1|1|{wait}",
    "times out": "EXITWITHTIMEOUT|1|1|{wait}",
    "presses a key": "EXITWITHKEY|1|1|1|{wait}",
    "is withdrawn": "WITHDRAW|1|1|{wait}",
    "stops talking": "COMPLETECALLER|0|{talk}|1",
}


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Return what a few callers do, each only what he can."""
    story: Story = []
    doing: dict[str, str] = {}
    visits: dict[str, int] = {}
    second = 0
    for _ in range(draw(st.integers(1, 14))):
        second += draw(st.integers(0, 3))
        caller = draw(st.sampled_from("abcd"))
        now = doing.get(caller, "")
        if now == "waits":
            verb = draw(st.sampled_from([*VERBS][1:6]))
        else:
            verb = "stops talking" if now == "talks" else "joins support"
        doing[caller] = {"joins support": "waits", "is answered": "talks"}.get(verb, "")
        visits[caller] = visits.get(caller, 0) + (verb == "joins support")
        story.append((second, caller, verb, visits[caller]))
    return story


def written(story: Story, end: int) -> str:
    """Return *story* as a scenario file."""
    noon = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
    lines = [f"day: {DAY}", "scenarios:", "  - name: story", "    steps:"]
    for second, caller, verb, _ in story:
        lines.append(
            f"      - at {noon + dt.timedelta(seconds=second):%H:%M:%S} caller {caller} {verb}"
        )
    lines.append(f"      - at {noon + dt.timedelta(seconds=end):%H:%M:%S} nothing is firing")
    return "\n".join(lines)


def logged(story: Story) -> str:
    """Return *story* as Asterisk would have logged it."""
    lines: list[str] = []
    since: dict[str, int] = {}
    for second, caller, verb, visit in story:
        spent = second - since.get(caller, second)
        if verb in {"joins support", "is answered"}:
            since[caller] = second
        stamp = NOON // SECOND + second
        agent = "Ann" if verb in {"is answered", "stops talking"} else "NONE"
        told = VERBS[verb].format(wait=spent, talk=spent)
        lines.append(f"{stamp}|{caller}.{visit}|401|{agent}|{told}\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Return a small call centre."""
    return load_config(stage(tmp_path_factory.mktemp("stage")), {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(), after=st.integers(0, 12))
@example(story=[(0, "a", "joins support", 1)], after=4)
def test_a_scenario_is_a_replay_of_the_same_calls(
    config: Config, tmp_path: Path, story: Story, after: int
) -> None:
    """Every alert begins and ends at the same instants, with the same values."""
    end = story[-1][0] + after
    text = written(story, end)
    log = tmp_path / "queue_log"
    log.write_text(logged(story))

    document = ScenarioDocument(
        Path("s.yml"), parse("s.yml", text.encode(), {}), text.split("\n")
    )
    (scenario,) = document.scenarios(config)
    played = play_scenario(scenario)
    replayed = play([log], config.engine_settings(), source="pbx", until=NOON + end * SECOND)

    assert list(replayed.engine.drain()) == list(played.transitions)


def test_the_stories_bring_something_about(config: Config) -> None:
    """One caller too long is an alert of the queue and one of its group, then more of both."""
    story = [(0, "a", "joins support", 1)]
    text = written(story, 8)
    document = ScenarioDocument(
        Path("s.yml"), parse("s.yml", text.encode(), {}), text.split("\n")
    )
    (scenario,) = document.scenarios(config)

    turns = play_scenario(scenario).transitions

    assert [(4, "fired"), (4, "fired"), (7, "escalated"), (7, "escalated")] == [
        ((turn.at - NOON) // SECOND, turn.kind) for turn in turns
    ]
