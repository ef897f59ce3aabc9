"""What ``callmon check`` warns of: allowed, but probably not what was meant."""

from pathlib import Path

import pytest

from callmon.config import load_config

LOG = "{type: queue_log, path: queue_log}"
LOG_OF_PBX = "{type: queue_log, path: queue_log, source: pbx}"
AMI = '{type: asterisk_ami, username: callmon, secret: "${SECRET}"'
SIMULATOR = "{type: simulator}"


def warnings_of(
    folder: Path, feeds: str, thresholds: str = "", queues: str = "", secret: str = "hunter2"
) -> list[str]:
    """Return the warnings about these feeds and thresholds, without their file."""
    (folder / "callmon.yml").write_text(f"feeds: {{{feeds}}}\nqueues: {{{queues}}}\n")
    (folder / "thresholds.yml").write_text(f"thresholds: [{thresholds}]\n")
    config = load_config(folder / "callmon.yml", {"SECRET": secret})
    return [text.removeprefix(f"{folder}/") for text in config.warnings]


@pytest.mark.parametrize(
    ("feeds", "apart"),
    [
        (f"log: {LOG}, live: {AMI}}}", "live"),
        (f"log: {LOG_OF_PBX}, live: {AMI}}}", "live"),
        (f"log: {LOG}, live: {AMI}, source: pbx}}", "live"),
        (f"log: {LOG}, live: {AMI}, host: pbx2}}", "live"),
        (f"log: {LOG_OF_PBX}, live: {AMI}, source: live}}", "live"),
        (f"log: {LOG_OF_PBX}, live: {AMI}, source: two, host: pbx2}}", ""),
        (f"log: {LOG_OF_PBX}, live: {AMI}, source: pbx}}", ""),
        (f"log: {LOG}, live: {AMI}, source: log}}", ""),
        (f"log: {LOG}, pbx: {AMI}, source: log}}, other: {AMI}, host: b}}", ""),
        (f"log: {LOG}, sim: {SIMULATOR}", ""),
        (f"live: {AMI}}}", ""),
    ],
)
def test_a_log_and_a_line_of_one_asterisk_should_say_so(
    tmp_path: Path, feeds: str, apart: str
) -> None:
    """Whoever forgets the source, or gives two for this machine, would count callers twice."""
    warnings = warnings_of(tmp_path, feeds)

    assert bool(apart) == bool(warnings)
    assert all(f"feeds.{apart}.source: warning: " in text for text in warnings)
    assert all("give both feeds the same source" in text for text in warnings)


@pytest.mark.parametrize(
    ("secret", "warning"),
    [
        ("hunter2", ""),
        ('hunter"2', ""),
        ("hunter2 ", "begins or ends with a blank"),
        ('"hunter2"', "is in quotes"),
        ("secret = hunter2", "expected the secret alone"),
        ("hunter;2", r"write \; there"),
    ],
)
def test_a_secret_that_asterisk_reads_otherwise_is_told_and_not_shown(
    tmp_path: Path, secret: str, warning: str
) -> None:
    """Asterisk would only say that authentication failed."""
    warnings = warnings_of(tmp_path, f"live: {AMI}}}", secret=secret)

    assert bool(warning) == bool(warnings)
    assert all(warning in text and "hunter" not in text for text in warnings)


def test_a_secret_in_the_file_itself_is_warned_of(tmp_path: Path) -> None:
    """Configuration files are copied, shown and committed."""
    feeds = "live: {type: asterisk_ami, username: callmon, secret: hunter2}"

    expected = "callmon.yml:1:63: feeds.live.secret: warning: it stands in the file for all"
    (warning,) = warnings_of(tmp_path, feeds)
    assert warning.startswith(expected)


def test_the_mark_of_a_windows_editor_is_no_part_of_a_secret(tmp_path: Path) -> None:
    """A byte order mark and CR LF are dropped."""
    (tmp_path / "secret").write_bytes(b"\xef\xbb\xbfhunter2\r\n")
    feeds = "live: {type: asterisk_ami, username: callmon, secret_file: secret}"

    warnings_of(tmp_path, feeds)
    (feed,) = load_config(tmp_path / "callmon.yml", {}).feeds
    assert "hunter2" == feed.secret.reveal()  # type: ignore[union-attr]  # it is of AMI


@pytest.mark.parametrize(
    "threshold",
    [
        "{name: a, measure: agents_available, below: 2}",
        "{name: a, measure: unserved, above: 0, for: 30s}",
        "{name: a, measure: occupancy, window: 15m, above: 90%}",
        "{name: a, measure: estimated_wait, window: 15m, above: 5m}",
    ],
)
def test_agents_of_whom_no_feed_tells_are_warned_of(tmp_path: Path, threshold: str) -> None:
    """A queue_log knows no agents: the threshold would never fire, and nobody would know."""
    (warning,) = warnings_of(tmp_path, f"log: {LOG}", threshold)

    assert "thresholds[0].measure: warning: no feed tells of agents" in warning
    assert [] == warnings_of(tmp_path, f"log: {LOG}, l: {AMI}, source: log}}", threshold)


def test_a_queue_of_a_source_without_agents_is_warned_of(tmp_path: Path) -> None:
    """One source tells of agents; a queue that is at the other alone has none."""
    feeds = f"log: {LOG_OF_PBX}, live: {AMI}, source: two, host: b}}"
    queues = "a: {from: [{source: pbx, name: a}]}, b: {from: [{source: two, name: b}]}, c: {}"
    threshold = "{name: few, measure: agents_available, below: 1, queues: [a, b, c]}"

    (warning,) = warnings_of(tmp_path, feeds, threshold, queues)

    assert "thresholds[0].queues: warning: no feed tells of the agents of queue 'a'" in warning


def test_unserved_without_a_time_is_warned_of(tmp_path: Path) -> None:
    """Each caller waits for a moment while an agent is free."""
    feeds = f"live: {AMI}}}"

    (warning,) = warnings_of(tmp_path, feeds, "{name: a, measure: unserved, above: 0}")

    assert warning.endswith("add for: 30s")
    assert [] == warnings_of(
        tmp_path, feeds, "{name: a, measure: unserved, above: 0, for: 30s}"
    )


@pytest.mark.parametrize(
    ("labels", "label", "warning"),
    [
        ("[team]", "", ""),
        ("[site]", "", ""),
        ("[]", "", ""),
        ("[team, site]", "site", ""),
        (
            "[team, site]",
            "sit",
            "no queue has the label 'sit': all alerts are counted together",
        ),
        ("[team, site]", "sit", "; did you mean 'site'?"),
        ("[]", "team", "; labels: declares none"),
    ],
)
def test_a_storm_of_a_label_that_nobody_has_is_told(
    tmp_path: Path, labels: str, label: str, warning: str
) -> None:
    """Alerts of all teams would be counted together, and one would speak for all."""
    (tmp_path / "thresholds.yml").write_text("")
    given = "" if labels == "[]" else f"labels: {labels}\n"
    storm = f"{{label: {label}}}" if label else "{}"
    (tmp_path / "callmon.yml").write_text(
        f"feeds: {{log: {LOG}}}\n{given}alerting: {{storm: {storm}}}\n"
    )

    config = load_config(tmp_path / "callmon.yml", {})

    assert bool(warning) == bool(config.warnings)
    assert all(warning in text for text in config.warnings)
    assert all("alerting.storm.label: warning: " in text for text in config.warnings)
    assert (label or "team") == config.alerting.storm.label
