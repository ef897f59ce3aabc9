"""A scenario may begin with calls that truly happened, moved to its own day."""

import gzip
from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.config import load_config
from callmon.config.nodes import parse
from callmon.errors import ConfigError
from callmon.replay import play
from callmon.scenario import Result
from callmon.scenario.play import play_scenario
from callmon.scenario.reading import ScenarioDocument
from tests.scenario.stages import NOON, stage, tried

CAPTURES = Path(__file__).parents[1] / "captures" / "asterisk" / "22.10.1"
YESTERDAY = NOON - 86_400 * SECOND


def write_log(folder: Path, begin: int = NOON, name: str = "log.gz") -> None:
    """Write a log: two callers from noon on, one hangs up after 3 seconds, one after 9."""
    at = begin // SECOND
    lines = [
        f"{at - 86_400}|0.1|401|NONE|ENTERQUEUE||1|1",
        f"{at - 86_399}|0.1|401|NONE|ABANDON|1|1|1",
        f"{at}|1.1|401|NONE|ENTERQUEUE||1|1",
        f"{at}|1.2|401|NONE|ENTERQUEUE||1|1",
        f"{at + 3}|1.1|401|NONE|ABANDON|1|1|3",
        f"{at + 9}|1.2|401|NONE|ABANDON|1|1|9",
        f"{at + 43_200}|2.1|401|NONE|ENTERQUEUE||1|1",  # the next midnight
    ]
    (folder / name).write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


EXPECTED = (
    "at 12:00:00 crowd(support) fires",
    "at 12:00:02 waiting(support) is 2",
    "at 12:00:03 crowd(support) ends",
    "at 12:00:04 long_wait(support) fires",
    "at 12:00:04 long_wait(group all_lines) fires",
    "by 12:00:13 long_wait(support) ends",
    "at 12:00:09 abandoned(support, today) is 2",
    "at 12:00:09 lost_calls(support) fires",
    "at 23:59 arrived(support, today) is 2",
    "at 24:00 waiting(support) is 0",
)


def loaded(folder: Path, load: str, *steps: str) -> Result:
    """Return what becomes of *steps* on top of what *load* brings."""
    return tried(folder, *steps, more=f"    load: {load}\n")


def test_steps_expect_things_of_a_real_day(tmp_path: Path) -> None:
    """Only the calls of the scenario's day count."""
    write_log(tmp_path)

    result = loaded(tmp_path, "{files: log.gz}", *EXPECTED)

    assert [] == [one for one in result.verdicts if not one.held]


def test_another_day_is_moved_to_that_of_the_scenario(tmp_path: Path) -> None:
    """What happened yesterday comes to pass at the same times of today."""
    write_log(tmp_path, YESTERDAY)
    load = "{files: [log.gz], day: 2026-11-22, source: pbx}"

    result = loaded(tmp_path, load, *EXPECTED)

    assert [] == [one for one in result.verdicts if not one.held]


def test_a_queue_with_calls_of_a_real_day_is_not_reported_as_a_whole(tmp_path: Path) -> None:
    """What is told of each caller comes first: the figures would have no effect."""
    write_log(tmp_path)
    path = stage(tmp_path)
    feed = (
        "feeds:\n  acd: {type: mqtt, source: pbx, host: 127.0.0.1, client_id: c, topics: [t]}"
    )
    path.write_text(path.read_text().replace("feeds:", feed, 1))

    with pytest.raises(ConfigError, match="support is known by its callers here or by reports"):
        loaded(
            tmp_path,
            "{files: log.gz, source: pbx}",
            "at 13:00 queue support reports 3 waiting",
            "at 13:00 waiting(support) is 3",
        )


def test_calls_of_sentences_come_on_top(tmp_path: Path) -> None:
    """A third caller waits with the two of the log."""
    write_log(tmp_path)

    result = loaded(
        tmp_path,
        "{files: log.gz}",
        "at 12:00:01 caller 3 joins support",
        "at 12:00:02 waiting(support) is 3",
    )

    assert [True] == [one.held for one in result.verdicts]


@pytest.mark.parametrize("name", ["main/ami-min", "load/ami-stall"])
def test_a_recording_is_played_as_replay_does(tmp_path: Path, name: str) -> None:
    """A live feed tells of what has been: every alert is at the instant of ``replay``."""
    recording = CAPTURES / f"{name}.jsonl.xz"
    config = load_config(stage(tmp_path), {})
    text = (
        "scenarios:\n  - name: recorded\n    day: 2026-11-22\n"
        f"    load: {{files: {recording}}}\n    steps: [at 24:00 nothing is firing]\n"
    )
    document = ScenarioDocument(
        Path("s.yml"), parse("s.yml", text.encode(), {}), text.split("\n")
    )

    (scenario,) = document.scenarios(config)
    played = play_scenario(scenario)

    midnight = NOON - 43_200 * SECOND
    settings = config.engine_settings()
    replayed = play([recording], settings, source="pbx", until=midnight).engine.drain()
    assert len(replayed) > 10
    # Agents are known to the daemon's feed and to a scenario, not to a replay.
    assert replayed == list(played.transitions)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        ("{files: lgo.gz}", "expected a file, found none at"),
        ("{day: 2026-11-23}", "expected files: and the names of logs or recordings"),
        ("{files: log.gz, source: pbz}", "unknown source 'pbz'; did you mean 'pbx'?"),
        ("{files: log.gz, day: yesterday}", "expected a day such as 2026-11-23"),
        ("{files: [log.gz, log.gz]}", "expected each log once"),
    ],
)
def test_what_cannot_be_loaded_is_a_mistake_of_the_file(
    tmp_path: Path, load: str, message: str
) -> None:
    """With the place in the scenario file."""
    write_log(tmp_path)

    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, load, "at 10:00 nothing fires")

    assert message in "\n".join(raised.value.problems)
