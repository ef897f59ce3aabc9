"""Tests of sentences about queues as a whole, refused callers and rings."""

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.config import Config, load_config
from callmon.config.nodes import parse
from callmon.decode.native import Decoded, NativeReader
from callmon.errors import ConfigError
from callmon.events import (
    OUTCOME_LABELS,
    ContactRefused,
    FeedChanged,
    Outcome,
    QueueReported,
    RingNotAnswered,
)
from callmon.scenario.play import play_scenario
from callmon.scenario.reading import ScenarioDocument
from callmon.scenario.scene import Scenario
from callmon.trial import JournalHistory, run_trial
from tests.scenario.stages import DAY, NOON, tried
from tests.trial.made import write_journal

CALLMON = """
thresholds: thresholds.yml
feeds:
  acd:
    {type: mqtt, source: acd, host: 127.0.0.1, client_id: callmon, agents: true,
     topics: [{topic: "callmon/{queue}", stale_after: 20s}]}
  log: {type: queue_log, path: queue_log, source: pbx}
  live: {type: asterisk_ami, source: pbx, host: 127.0.0.1, username: u, secret: "${SECRET:-x}"}
queues:
  orders: {from: [{source: acd, name: orders}]}
  support: {from: [{source: pbx, name: "401"}]}
"""

THRESHOLDS = """
thresholds:
  - {name: crowd, measure: waiting, above: 2, keep: 0s}
  - {name: long_wait, measure: longest_wait, above: 3s, clear: 2s, for: 1s, keep: 0s}
  - {name: gone, measure: abandonment_rate, window: today, above: 30%, at_least: 2, keep: 0s}
"""


def stage(folder: Path) -> Path:
    """Write the configuration into *folder*; return callmon.yml."""
    (folder / "thresholds.yml").write_text(THRESHOLDS)
    path = folder / "callmon.yml"
    path.write_text(CALLMON)
    return path


def told(folder: Path, *steps: str) -> list[str]:
    """Return what did not hold of *steps*."""
    stage(folder)
    return [one.told for one in tried(folder, *steps).verdicts if not one.held]


def scenario_of(config: Config, *steps: str) -> Scenario:
    """Return the scenario of *steps*."""
    text = "\n".join(
        [f"day: {DAY}", "scenarios:", "  - name: tried", "    steps:"]
        + [f"      - '{step}'" for step in steps]
    )
    document = parse("s.yml", text.encode(), {})
    (scenario,) = ScenarioDocument(Path("s.yml"), document, text.split("\n")).scenarios(config)
    return scenario


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Return the configuration."""
    return load_config(stage(tmp_path_factory.mktemp("wholes")), {})


def test_figures_hold_until_they_are_stale(tmp_path: Path) -> None:
    """For as long as the topic says; waits grow on meanwhile, and then nothing is known."""
    assert [] == told(
        tmp_path,
        "at 10:00:00 queue orders reports 3 waiting, longest wait 45s, 2 talking",
        "at 10:00:00 crowd(orders) fires",
        "at 10:00:10 waiting(orders) is 3",
        "at 10:00:10 longest_wait(orders) is 55s",
        "at 10:00:10 talking(orders) is 2",
        "at 10:00:19.999999 waiting(orders) is 3",
        "at 10:00:20 waiting(orders) is absent",
        "at 10:00:30 queue orders reports nobody waiting",
        "at 10:00:30 crowd(orders) ends",
        "at 10:00:30 longest_wait(orders) is 0s",
        "at 10:00:31 queue orders reports waiting unknown",
        "at 10:00:31 waiting(orders) is absent",
    )


def reported(topic: str, seconds: int, queue: str) -> str:
    """Return a topic whose reports of *queue* hold for so many *seconds*."""
    fields = f'{{queue: {queue}, waiting: n, at: "{{received}}"}}'
    return f"{{topic: {topic}, kind: queue, stale_after: {seconds}s, fields: {fields}}}"


@pytest.mark.parametrize(
    ("topics", "known", "forgotten"),
    [
        ("{topic: e}, " + reported("q", 60, "name"), 59, 60),
        ("{topic: 'e/{queue}', stale_after: 30s}", 29, 30),
        (reported("s", 9, "=support") + ", " + reported("o", 40, "=Orders"), 39, 40),
    ],
)
def test_figures_hold_as_long_as_those_of_their_topic(
    tmp_path: Path, topics: str, known: int, forgotten: int
) -> None:
    """Of topics for reports alone before one for events, and of this queue's alone."""
    path = stage(tmp_path)
    path.write_text(CALLMON.replace('{topic: "callmon/{queue}", stale_after: 20s}', topics))

    verdicts = tried(
        tmp_path,
        "at 10:00:00 queue orders reports 3 waiting",
        f"at 10:00:{known:02} waiting(orders) is 3",
        f"at 10:0{forgotten // 60}:{forgotten % 60:02} waiting(orders) is absent",
    ).verdicts

    assert [] == [one.told for one in verdicts if not one.held]


def test_what_is_not_reported_is_not_known(tmp_path: Path) -> None:
    """A rate needs every outcome; ``no others`` says that there were none."""
    answered = "9 answered, 6 abandoned, 15 arrived"
    for others, rate in (("", "absent"), (", no others", "40%")):
        assert [] == told(
            tmp_path,
            f"at 00:00 queue orders reports 0 answered, 0 abandoned, 0 arrived{others}",
            f"at 00:00:05 queue orders reports {answered}{others}",
            f"at 00:00:05 abandonment_rate(orders, today) is {rate}",
        )


def test_agents_are_counted_in_every_state(tmp_path: Path) -> None:
    """Those that are not mentioned are none; they count beside callers, too."""
    assert [] == told(
        tmp_path,
        "at 10:00 caller 7 joins orders",
        "at 10:00:01 queue orders reports 2 free, 3 busy and 1 paused",
        "at 10:00:01 agents_available(orders) is 2",
        "at 10:00:01 agents_staffed(orders) is 6",
        "at 10:00:01 agents_ringing(orders) is 0",
        "at 10:00:02 queue orders reports agents unknown",
        "at 10:00:02 agents_available(orders) is absent",
    )


def test_what_nobody_tells_is_told_apart_from_blind_feeds(tmp_path: Path) -> None:
    """A report that is stale or does not go back as far as the window."""
    untold = "no source told enough of it, or not lately"
    assert [
        f"it did not fire; at 10:00:40 there was no value: {untold}",
        f"it was absent: {untold}",
        f"it was absent: {untold}",
        "it was absent: its feeds were blind",
    ] == told(
        tmp_path,
        "at 10:00:00 queue orders reports 3 waiting",
        "by 10:00:40 long_wait(orders) fires",
        "at 10:00:40 waiting(orders) is 3",
        "at 10:00:40 abandonment_rate(orders, 5m) is 50%",
        "at 10:00:41 feed acd goes blind",
        "at 10:00:42 waiting(orders) is 3",
    )


def test_reports_come_every_so_often(tmp_path: Path) -> None:
    """As a source sends them: what holds goes on holding."""
    assert [] == told(
        tmp_path,
        "every 10s from 10:00:00 to 10:01:00 queue orders reports 3 waiting",
        "at 10:01:00 waiting(orders) is 3",
        "at 10:01:10 waiting(orders) is absent",
    )


def test_a_ring_in_vain_ends_with_the_wait(tmp_path: Path, config: Config) -> None:
    """The agent is ringing meanwhile; who leaves or is answered elsewhere rings no more."""
    steps = (
        "at 10:00:00 agents 1 to 3 log in to support",
        "at 10:00:00 callers 1 to 3 join support",
        "at 10:00:01 caller 1 rings at 1 for 15s in vain",
        "at 10:00:01 caller 2 rings at 2 for 15s in vain",
        "at 10:00:01 caller 3 rings at 3",
        "at 10:00:01 agents_ringing(support) is 3",
        "at 10:00:02 caller 2 hangs up",
        "at 10:00:02 agents_ringing(support) is 2",
        "at 10:00:03 caller 3 is answered by 3",
        "at 10:00:03 agents_busy(support) is 1",
        "at 10:00:16 agents_available(support) is 2",
        "at 10:00:16 waiting(support) is 1",
    )
    assert [] == told(tmp_path, *steps)

    events = scenario_of(config, *steps).events
    rings = [event for event in events if isinstance(event, RingNotAnswered)]
    assert [("1.1", 15 * SECOND, "1", "401")] == [
        (event.contact, event.ring, event.agent, event.queue) for event in rings
    ]


def test_a_telephone_that_two_callers_ring_rings_until_the_second_has_rung(
    tmp_path: Path,
) -> None:
    """Whichever of the two ends first: by its time, or as the caller leaves."""
    assert [] == told(
        tmp_path,
        "at 10:00:00 agent Ann logs in to support",
        "at 10:00:00 callers 1 to 3 join support",
        "at 10:00:01 caller 1 rings at Ann for 5s in vain",
        "at 10:00:02 caller 2 rings at Ann for 9s in vain",
        "at 10:00:03 caller 3 rings at Ann",
        "at 10:00:06 agents_ringing(support) is 1",
        "at 10:00:07 caller 3 hangs up",
        "at 10:00:07 agents_ringing(support) is 1",
        "at 10:00:11 agents_available(support) is 1",
    )


def test_a_telephone_may_ring_again_as_it_ends(config: Config) -> None:
    """One try after the other, without a pause: each is a ring that nobody took."""
    events = scenario_of(
        config,
        "at 10:00:00 caller 1 joins support",
        "at 10:00:01 caller 1 rings at Ann for 5s in vain",
        "at 10:00:06 caller 1 rings at Ann for 4s in vain",
        "at 10:00:10 caller 1 rings at Ann for 3s in vain",
        "at 10:00:12 caller 1 hangs up",
        "at 10:00:12 waiting(support) is 0",
    ).events

    rings = [(each.at, each.ring) for each in events if isinstance(each, RingNotAnswered)]
    ten = NOON - 7_200 * SECOND
    assert [(ten + 6 * SECOND, 5 * SECOND), (ten + 10 * SECOND, 4 * SECOND)] == rings


def test_the_most_that_can_be_reported_is_taken(tmp_path: Path) -> None:
    """A sentence may say no more than what reports may tell."""
    assert [] == told(
        tmp_path,
        "at 10:00 queue orders reports 100000 waiting, longest wait 365d, 5000 free",
        "at 10:00 waiting(orders) is 100000",
        "at 10:00 agents_available(orders) is 5000",
        "at 10:01 queue orders reports 100000 answered, answered wait 365d, no others",
        "at 10:01 answered(orders, today) is 100000",
        "at 10:01 average_wait(orders, today) is 315.36s",
    )


def test_who_talks_is_busy_whoever_rings(tmp_path: Path) -> None:
    """A second caller at his telephone makes him neither ringing nor free."""
    assert [] == told(
        tmp_path,
        "at 10:00:00 agent Ann logs in to support",
        "at 10:00:00 callers 1 to 2 join support",
        "at 10:00:01 caller 1 is answered by Ann",
        "at 10:00:02 caller 2 rings at Ann for 5s in vain",
        "at 10:00:02 agents_busy(support) is 1",
        "at 10:00:07 agents_busy(support) is 1",
    )


def test_an_agent_whom_no_feed_tells_of_may_ring_in_vain(config: Config) -> None:
    """A log tells of rings that nobody took, of agents it tells nothing."""
    scenario = scenario_of(
        config,
        "at 10:00 caller 1 joins support",
        "at 10:00 caller 1 rings at Bob for 5s in vain",
        "at 10:01 nothing else fires",
    )

    assert ["Bob"] == [e.agent for e in scenario.events if isinstance(e, RingNotAnswered)]


def test_who_is_refused_never_waits(tmp_path: Path, config: Config) -> None:
    """Each is told of with the reason, and is in no count."""
    steps = (
        "between 10:00:00 and 10:00:10 5 callers are refused by support",
        "at 10:00 caller 7 is refused by support because it is empty",
        "at 10:00:10 waiting(support) is 0",
        "at 10:00:10 arrived(support, 5m) is 0",
    )
    assert [] == told(tmp_path, *steps)

    events = scenario_of(config, *steps).events
    refused = [event for event in events if isinstance(event, ContactRefused)]
    assert 6 == len({event.contact for event in refused})
    assert ["full", "join_empty"] == sorted({event.reason for event in refused})
    assert {"401"} == {event.queue for event in refused}


IMPOSSIBLE = {
    ("at 10:00 queue support reports 3 waiting",): (
        "no feed of callmon.yml reports figures of support: its source is 'pbx', one that"
        " reports is 'acd': from: [{ source: acd, name: support }]"
    ),
    ("at 10:00 queue order reports 3 waiting",): "unknown queue 'order'",
    ("at 10:00 caller 7 is refused by suport",): "did you mean 'support'?",
    ("at 10:00 caller 7 rings at Ann",): "caller 7 waits nowhere then",
    ("at 10:00 caller 7 joins support", "at 10:00 caller 7 rings at Ann"): (
        "agent Ann is not logged in then"
    ),
    (
        "at 10:00:00 caller 7 joins support",
        "at 10:00:01 caller 7 rings at Ann for 15s in vain",
        "at 10:00:09 caller 7 rings at Ann for 15s in vain",
    ): "caller 7 rings at Ann already then",
    ("at 10:00 caller 7 joins orders", "at 10:01 queue orders reports 3 waiting"): (
        "orders is known by its callers here or by reports, not by both"
    ),
    ("at 10:00 queue orders reports 3 waiting", "at 10:01 caller 7 joins orders"): (
        "orders is known by its callers here or by reports, not by both"
    ),
    (
        "at 10:00 queue orders reports 3 waiting",
        "at 10:00 caller 7 joins support",
        "at 10:01 caller 7 is moved to orders",
    ): "orders is known by its callers here or by reports, not by both",
}


@pytest.mark.parametrize("steps", IMPOSSIBLE)
def test_what_cannot_be_is_a_mistake(tmp_path: Path, steps: tuple[str, ...]) -> None:
    """What would have no effect is said, not lived through in silence."""
    stage(tmp_path)
    with pytest.raises(ConfigError) as raised:
        tried(tmp_path, *steps, "at 23:00 nothing fires")

    (problem,) = raised.value.problems
    assert IMPOSSIBLE[steps] in problem


# ---- sentences and the messages they stand for ---------------------------------------

COUNTED = ("arrived", *OUTCOME_LABELS[: Outcome.REDIRECTED], "short_abandoned")
counts = st.integers(0, 4)
figures = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("waiting", "longest_wait", "talking"), counts),
        "day": st.just({})
        | st.fixed_dictionaries({name: st.integers(0, 9) for name in COUNTED}),
        "forgotten": st.just("waiting"),
    },
).filter(bool)
Report = tuple[int, dict[str, Any]]
"""Seconds after the one before, and what is reported."""


def sentence(second: int, told: dict[str, Any]) -> str:
    """Return the sentence that reports what was *told*."""
    lengths = {"longest_wait": "longest wait"}
    words = [
        f"{lengths[name]} {told[name]}s" if name in lengths else f"{told[name]} {name}"
        for name in ("waiting", "longest_wait", "talking")
        if name in told
    ]
    words += [f"{count} {name}" for name, count in told.get("day", {}).items()]
    if "forgotten" in told and "waiting" not in told:
        words.append("waiting unknown")
    return f"at {clock(second)} queue orders reports {', '.join(words)}"


def clock(second: int) -> str:
    """Return the time so many seconds after noon."""
    return f"{dt.datetime(2026, 11, 23, 12) + dt.timedelta(seconds=second):%H:%M:%S}"  # noqa: DTZ001 - a wall


def message(second: int, told: dict[str, Any]) -> dict[str, Any]:
    """Return the native message that says the same."""
    found: dict[str, Any] = {
        name: told[name] for name in ("waiting", "talking") if name in told
    }
    if "longest_wait" in told:
        found["longest_wait_s"] = told["longest_wait"]
    if told.get("day"):
        found["day"] = told["day"]
    if "forgotten" in told and "waiting" not in told:
        found["waiting"] = None
    at = NOON // SECOND + second
    return {"type": "queue.snapshot", "at": at, "queue": "orders", **found}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 9), figures), min_size=1, max_size=6))
def test_a_report_is_the_message_it_stands_for(config: Config, steps: list[Report]) -> None:
    """Figure by figure, at the same instant."""
    said, expected, second = [], Decoded(), 0
    for after, told in steps:
        second += after
        if {*told} - {"day"} or told["day"]:
            said.append(sentence(second, told))
            NativeReader("acd").read(
                message(second, told), expected, seq=0, stale_after=20 * SECOND
            )

    scenario = scenario_of(config, "at 00:00 nothing fires", *said)

    reports = [event for event in scenario.events if isinstance(event, QueueReported)]
    assert not expected.problem
    assert [msgspec.structs.replace(each, seq=0) for each in expected.events] == [
        msgspec.structs.replace(each, seq=0) for each in reports
    ]


def test_a_scenario_of_reports_is_the_journal_of_their_messages(
    config: Config, tmp_path: Path
) -> None:
    """Alerts on what waits, how long and on counters begin and end at the same instants."""
    none = dict.fromkeys(COUNTED, 0)
    steps: list[Report] = [
        (0, {"waiting": 1, "longest_wait": 1, "day": none}),
        (2, {"waiting": 3, "longest_wait": 3, "talking": 1}),
        (5, {"waiting": 0, "day": {**none, "arrived": 3, "answered": 1, "abandoned": 2}}),
        (9, {"waiting": 4, "longest_wait": 0}),
        (24, {"waiting": 4, "day": {**none, "arrived": 9, "answered": 7, "abandoned": 2}}),
        (28, {"forgotten": "waiting"}),
    ]
    decoded = Decoded()
    for second, told in steps:
        NativeReader("acd").read(
            message(second, told), decoded, seq=second, stale_after=20 * SECOND
        )
    sees = FeedChanged(NOON - SECOND, "acd", 0, "acd", up=True, agents=True)
    write_journal(tmp_path / "journal.db", [sees, *decoded.events], sighted=False)

    trial = run_trial(
        JournalHistory(tmp_path / "journal.db"),
        config.engine_settings(),
        config.thresholds,
        until=NOON + 60 * SECOND,
    )
    scenario = scenario_of(
        config, *(sentence(*step) for step in steps), f"at {clock(60)} nothing is firing"
    )

    assert trial is not None
    turns = play_scenario(scenario).transitions
    assert [each.fired_at for each in trial.episodes] == [
        turn.at for turn in turns if turn.kind == "fired"
    ]
    ends = (each.ended_at for each in trial.episodes)
    assert sorted(end for end in ends if end is not None) == sorted(
        turn.at for turn in turns if turn.kind == "ended"
    )
    assert {"crowd", "long_wait", "gone"} == {each.threshold for each in trial.episodes}
