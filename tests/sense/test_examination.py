"""Everything together: which files are read, in which order findings stand."""

from pathlib import Path

import pytest

from callmon.cli.check import FORMATS as OFFERED
from callmon.clock import SECOND
from callmon.config import Level
from callmon.sense import FORMATS, Asked, examine

NOW = 1_794_000_000 * SECOND
EXAMPLE = Path(__file__).parents[2] / "config" / "callmon.yml"


def test_the_shipped_files_make_sense(tmp_path: Path) -> None:
    """No mistake and no warning; what is remarked is true."""
    findings = examine(Asked(config=EXAMPLE), {"STATE_DIRECTORY": str(tmp_path)}, NOW)

    assert [] == [one for one in findings.problems if one.level is not Level.INFO]
    assert 3 == len([path for path in findings.files if path.is_file()])
    assert any(line.startswith("queue support") for line in findings.text)


def test_mistakes_and_warnings_stand_in_file_order(tmp_path: Path) -> None:
    """Those of callmon.yml first; what needs a whole configuration is not looked at."""
    (tmp_path / "callmon.yml").write_text("feeds: {pbx: {type: simulator}}\nport: 1\n")
    (tmp_path / "thresholds.yml").write_text(
        "thresholds:\n  - {name: a, measure: waiting, below: 5}\n"
        "  - {name: b, measure: wait, above: 5}\n"
        "calendars: {idle: {holidays: CN}}\n"
    )

    findings = examine(Asked(config=tmp_path / "callmon.yml"), {}, NOW)

    assert [("callmon.yml", 2), ("thresholds.yml", 2), ("thresholds.yml", 3)] == [
        (Path(one.file).name, one.line) for one in findings.problems
    ]
    assert ["error", "warning", "error"] == [one.level.value for one in findings.problems]
    assert () == findings.text
    assert ["callmon.yml", "thresholds.yml"] == [path.name for path in findings.files]


def test_the_web_config_is_checked_as_well(tmp_path: Path) -> None:
    """A server that does not start is found before the start."""
    (tmp_path / "callmon.yml").write_text(
        "feeds: {pbx: {type: simulator}}\nserver: {web_config: web.yml}\n"
    )
    (tmp_path / "thresholds.yml").write_text("")
    (tmp_path / "web.yml").write_text("tls_server_confg: {}\n")

    (problem,) = examine(Asked(config=tmp_path / "callmon.yml"), {}, NOW).problems

    assert (str(tmp_path / "web.yml"), 1, Level.ERROR) == (
        problem.file,
        problem.line,
        problem.level,
    )


def test_another_file_is_checked_before_it_is_in_force(tmp_path: Path) -> None:
    """The thresholds that callmon.yml names are not looked at then."""
    feeds = "feeds: {log: {type: queue_log, path: q}}\nstorage: {directory: state}\n"
    (tmp_path / "callmon.yml").write_text(f"{feeds}thresholds: thresholds.yml\n")
    attempt = tmp_path / "attempt.yml"
    attempt.write_text("thresholds: [{name: a, measure: waiting, above: many}]\n")

    asked = Asked(config=tmp_path / "callmon.yml", thresholds=attempt)
    (problem,) = examine(asked, {}, NOW).problems

    assert problem.startswith(f"{attempt}:1:49: thresholds[0].above: ")


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("queues: all", ""),
        ('queues: ["s*"]', ""),
        ('queues: ["x*"]', "queues[0]: warning: no queue in callmon.yml matches 'x*'; one may"),
        ('queues: ["suport*"]', "one may turn up; did you mean 'support'?"),
        ('groups: ["s*"]', ""),
        ('groups: ["x*"]', "thresholds[0]: warning: this is for nobody: no group has such a"),
        ('queues: all, groups: ["x*"]', "groups[0]: warning: no group in callmon.yml matches"),
        ("queues: all, groups: all", ""),
        ("queues: [vip], where: {team: service}", "this is for nobody: vip has no team 'serv"),
        ('queues: ["v*"], where: {team: service}', ""),
        ('queues: ["v*"], where: {team: none}', "this is for nobody: vip has no team 'none'"),
        (
            'queues: all, overrides: [{queues: ["x*"], above: 9}]',
            "overrides[0].queues[0]: warning: no queue in callmon.yml matches 'x*'",
        ),
    ],
)
def test_a_threshold_for_nobody_is_told(tmp_path: Path, selection: str, message: str) -> None:
    """A queue that is not listed may turn up; a group never does."""
    (tmp_path / "callmon.yml").write_text(
        "feeds: {pbx: {type: simulator}}\nlabels: [team]\n"
        "defaults: {labels: {team: service}}\n"
        "queues: {support: {}, vip: {labels: {team: sales}}}\n"
        "groups: {sales: {queues: [vip]}}\n"
    )
    (tmp_path / "thresholds.yml").write_text(
        f"thresholds: [{{name: a, measure: waiting, above: 5, {selection}}}]\n"
    )

    problems = examine(Asked(config=tmp_path / "callmon.yml"), {}, NOW).problems

    problems = tuple(one for one in problems if "nobody has team" not in one)
    assert bool(message) == bool(problems), problems
    assert all(message in problem for problem in problems)


def test_the_command_offers_what_there_is() -> None:
    """It lists the formats by name so as not to import them."""
    assert FORMATS == OFFERED
