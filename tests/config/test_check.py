"""What ``callmon check`` says about a configuration."""

from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.config import Config, explain, load_config, summary
from callmon.config.check import holiday_gaps
from callmon.config.problems import Level, Problem, did_you_mean, printed
from callmon.wording import Language

AUTUMN_2026 = 1_790_000_000 * SECOND
DECEMBER_2026 = 1_797_000_000 * SECOND

CALLMON = """
feeds: {pbx: {type: queue_log, path: queue_log}}
labels: [team]
defaults: {labels: {team: service}, short_abandon: 5s}
queues:
  support: {from: [{source: pbx, name: 401}]}
  vip: {labels: {team: sales}, service_level: {within: 10s}}
groups:
  sales: {queues: [vip], labels: {team: sales}}
"""
THRESHOLDS = """
thresholds:
  - name: long_wait
    measure: longest_wait
    above: 3m
    clear: 2m
    for: 30s
    escalate: [{after: 5m, severity: critical}]
  - name: hang_ups
    measure: abandonment_rate
    window: 15m
    above: 20%
    confidence: 95%
    active: day
    queues: all
    groups: all
    overrides:
      - {queues: [vip], above: 10%, clear: 6%}
      - {during: sale, above: 30%}
      - {where: {team: sales}, at_least: 5}
calendars:
  day: {weekly: {mon-fri: "09:00-18:00"}, holidays: CN}
  sale: {dates: [2026-11-10..2026-11-12]}
"""


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Config:
    (tmp_path / "callmon.yml").write_text(CALLMON)
    (tmp_path / "thresholds.yml").write_text(THRESHOLDS)
    return load_config(tmp_path / "callmon.yml", {})


def test_thresholds_are_told_for_one_queue_after_its_overrides(config: Config) -> None:
    """Overrides that match are merged in file order, dated ones told apart."""
    expected = """\
queue vip team=sales
  service level: answered within 10s, abandons_negative, overflow missed; \
short abandon under 5s; today by UTC
  long_wait: warning when longest_wait is above 3m, for 30s, ends below 2m, kept 2m; \
critical after 5m more
  hang_ups: warning when abandonment_rate over 15m is above 10%, \
with at least 5 contacts, 95% sure, only in day, ends below 6%
    during sale: above 30%, with at least 5 contacts, 95% sure, only in day"""
    assert expected.splitlines() == explain(config, "vip")


def test_a_queue_is_explained_in_chinese(config: Config) -> None:
    """Sentences are; names of keys and values are those of the files."""
    expected = """\
队列 vip team=sales
  服务水平：10s 内接通，公式 abandons_negative，溢出 missed；\
5s 内挂断的不计入；“今天”按 UTC 时间
  long_wait（警告）：longest_wait 高于 3m，持续 30s，低于 2m 结束，恢复后保持 2m；\
再过 5m 升级为严重
  hang_ups（警告）：15m 内 abandonment_rate 高于 10%，\
来电不少于 5 个，有 95% 的把握，仅在 day 时间内，低于 6% 结束
    sale 期间：高于 30%，来电不少于 5 个，有 95% 的把握，仅在 day 时间内"""
    assert expected.splitlines() == explain(config, "vip", Language.CHINESE)


def test_every_subject_and_those_not_listed_are_told(config: Config) -> None:
    """Without a name: queues, groups, and what holds for any other queue."""
    titles = [line for line in explain(config) if line and not line.startswith(" ")]

    assert [
        "queue support (401 at pbx) team=service",
        "queue vip team=sales",
        "group sales (queues vip) team=sales",
        "any other queue team=service",
    ] == titles


def test_every_subject_is_told_in_chinese(config: Config) -> None:
    """Where it is found, its members, and what holds for any other queue."""
    lines = explain(config, language=Language.CHINESE)
    titles = [line for line in lines if line and not line.startswith(" ")]

    assert [
        "队列 support（pbx 的 401） team=service",
        "队列 vip team=sales",
        "队列组 sales（队列 vip） team=sales",
        "其他队列 team=service",
    ] == titles


def test_an_override_by_label_applies_to_groups_of_the_threshold(config: Config) -> None:
    """A threshold selects groups by name; its overrides may select them by label."""
    assert any("with at least 5 contacts" in line for line in explain(config, "sales"))


def test_a_queue_that_is_not_listed_has_the_defaults(config: Config) -> None:
    """Asking for an unknown name is no mistake: the queue may come."""
    lines = explain(config, "other")

    assert "queue other team=service" == lines[0]
    assert "    during sale: above 30%, with at least 20 contacts" in lines[-1]


def test_a_subject_without_thresholds_says_so(tmp_path: Path) -> None:
    """Silence would look like a mistake of ours."""
    (tmp_path / "callmon.yml").write_text("feeds: {pbx: {type: queue_log, path: q}}")
    (tmp_path / "thresholds.yml").write_text("")

    assert "  no threshold" == explain(load_config(tmp_path / "callmon.yml", {}))[-1]


def test_the_summary_counts(config: Config) -> None:
    """One line says what was read; what is missing is said as well."""
    expected = "1 feed, 2 queues, 1 group, 2 thresholds, 2 calendars, no Alertmanagers"

    assert expected == summary(config)
    assert "1 个数据源，2 个队列，1 个队列组，2 条阈值，2 个日历，没有 Alertmanager" == summary(
        config, Language.CHINESE
    )


def test_holidays_to_come_are_warned_of(config: Config) -> None:
    """From December on, next year's make-up days should be known."""
    (warning,) = holiday_gaps(config, DECEMBER_2026)

    assert [] == holiday_gaps(config, AUTUMN_2026)
    assert "calendar day: the holidays of CN for 2027 are not complete yet" in warning


def test_problems_are_printed_with_their_line_and_a_caret() -> None:
    """Tabs and wide characters before it are counted, so that the caret stands right."""
    problem = Problem.at("a.yml", 2, 4, "x", "no", excerpt="\ta客b")

    assert ["a.yml:2:4: x: no", "  | \ta客b", "  | \t   ^"] == printed([problem])
    assert ["plain text"] == printed(["plain text"])
    assert all("\x1b[" in line for line in printed([problem], colour=True))


@pytest.mark.parametrize(("level", "colour"), [("error", 31), ("warning", 33), ("info", 36)])
def test_colours_say_how_bad_it_is(level: str, colour: int) -> None:
    """Mistakes are red, warnings yellow, remarks neither."""
    problem = Problem.at("a.yml", 2, 4, "x", "no", level=Level(level))

    (line,) = printed([problem], colour=True)
    assert f"\x1b[1m\x1b[{colour}m{problem}\x1b[0m" == line
    assert "a.yml:2:4: x: " + ("no" if level == "error" else f"{level}: no") == problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web.yml:3:7: tls.cert: no", ("web.yml", 3, 7, "tls.cert", "no")),
        ("web.yml:3:7: no such thing", ("web.yml", 3, 7, "", "no such thing")),
        ("w.yml: cannot be read: why", ("w.yml", 1, 1, "", "cannot be read: why")),
        ("w: 1:2: no", ("w.yml", 1, 1, "", "w: 1:2: no")),
    ],
)
def test_a_problem_of_another_reader_is_placed(
    text: str, expected: tuple[str, int, int, str, str]
) -> None:
    """A text without a place stands at the top of its file."""
    problem = Problem.of(text, "w.yml")

    found = (problem.file, problem.line, problem.column, problem.path, problem.message)
    assert expected == found


def test_did_you_mean_does_not_mind_capitals() -> None:
    """The nearest known name, as it is known; nothing when none is near."""
    assert "; did you mean 'VIP'?" == did_you_mean("vpi", ["sales", "VIP"])
    assert "" == did_you_mean("xyz", ["sales", "VIP"])
