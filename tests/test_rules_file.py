"""Tests of the shipped Prometheus rules: what promtool cannot see."""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from callmon.measures import MEASURES, Unit

ROOT = Path(__file__).parent.parent
RULES = yaml.safe_load((ROOT / "alertmanager" / "rules" / "callmon.yml").read_text())
TESTS = yaml.safe_load(
    (ROOT / "alertmanager" / "rules" / "tests" / "callmon_test.yml").read_text()
)

QUEUES, HEALTH = ([*group["rules"]] for group in RULES["groups"])
ALL = [pytest.param(rule, id=rule["alert"]) for rule in (*QUEUES, *HEALTH)]

NEVER_OVER = {"Watchdog"}


def _lives(alert: str) -> list[list[bool]]:
    """Return how *alert* changes between firing and not, in each test that looks at it."""
    return [
        [
            firing
            for firing, _ in itertools.groupby(
                bool(expected["exp_alerts"])
                for expected in test["alert_rule_test"]
                if expected["alertname"] == alert
            )
        ]
        for test in TESTS["tests"]
    ]


@pytest.mark.parametrize("rule", ALL)
def test_every_alert_has_a_unit_test(rule: dict[str, Any]) -> None:
    """It is seen not to fire, to fire, and to be over again; the watchdog only to fire."""
    life = [True] if rule["alert"] in NEVER_OVER else [False, True, False]

    assert life in _lives(rule["alert"])


@pytest.mark.parametrize("rule", ALL)
def test_every_text_is_there_in_both_languages(rule: dict[str, Any]) -> None:
    """A summary, and for callmon's own alerts what to do, in English and in Chinese."""
    annotations = rule["annotations"]
    wanted = ["summary"] if rule in QUEUES else ["summary", "action"]

    for name in wanted:
        assert not re.search(r"[\u3400-\u9fff]", annotations[name])
        assert re.search(r"[\u3400-\u9fff]", annotations[f"{name}_zh"])


@pytest.mark.parametrize("rule", ALL)
def test_both_languages_say_the_same_figures(rule: dict[str, Any]) -> None:
    """A translation leaves out no name and no number."""
    annotations = rule["annotations"]
    filled_in = {
        name: sorted(re.findall(r"\$\w+(?:\.\w+)?", annotations[name]))
        for name in ("summary", "summary_zh")
    }

    assert filled_in["summary"] == filled_in["summary_zh"]


def test_only_alerts_of_callmon_itself_have_a_severity_of_their_own() -> None:
    """Those of queues carry all labels of the direct road, and add one."""
    assert [{"road": "prometheus"}] * len(QUEUES) == [rule["labels"] for rule in QUEUES]
    assert all(set(rule["labels"]) == {"severity"} for rule in HEALTH)


def test_the_page_for_operators_has_every_alert() -> None:
    """The table in docs/operators/alerting.md has a row for each, and no other."""
    page = (ROOT / "docs" / "operators" / "alerting.md").read_text()
    section = page.partition("## Alerts about callmon itself")[2].partition("\n## ")[0]

    assert sorted(rule["alert"] for rule in HEALTH) == sorted(
        re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    )


def test_the_rules_ask_for_metrics_that_are_there() -> None:
    """Each metric they name stands on the operators' page of metrics."""
    page = (ROOT / "docs" / "operators" / "metrics.md").read_text()
    text = "\n".join(
        [rule["expr"] for rule in (*QUEUES, *HEALTH)]
        + [text for rule in QUEUES for text in rule["annotations"].values()]
    )

    assert set() == {
        name for name in re.findall(r"callmon_\w+", text) if f"`{name}`" not in page
    }


@pytest.mark.parametrize("name", ["value", "limit"])
def test_figures_are_written_by_their_unit(name: str) -> None:
    """The measures a template takes for durations and shares are those that are."""
    (breach,) = (rule for rule in QUEUES if rule["alert"] == "QueueThresholdBreached")
    template = breach["annotations"][name]
    durations, shares = re.findall(r'match "([^"]+)"', template)

    for measure, entry in MEASURES.items():
        assert bool(re.search(durations, measure)) is (entry.unit is Unit.SECONDS)
        if entry.unit is not Unit.SECONDS:
            assert bool(re.search(shares, measure)) is (entry.unit is Unit.RATIO)
