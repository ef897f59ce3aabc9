"""What is said of the routes in an alertmanager.yml."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.config import Level, Problem
from callmon.config.nodes import parse
from callmon.sense import Asked, examine
from callmon.sense.emitted import RULES

NOW = 1_790_000_000 * SECOND
RULES_YML = Path(__file__).parents[2] / "alertmanager" / "rules" / "callmon.yml"

CALLMON = """
feeds: {pbx: {type: simulator}}
labels: [team]
defaults: {labels: {team: service}}
queues: {support: {}, vip: {labels: {team: sales}}}
alertmanagers: [{url: "http://127.0.0.1:9093"}]
alerting: {external_labels: {region: east}}
"""
THRESHOLDS = """
thresholds:
  - {name: long_wait, measure: longest_wait, above: 3m, queues: [support, "v*"],
     escalate: [{after: 5m, severity: critical}]}
calendars:
  day: {weekly: {mon-fri: "09:00-18:00"}}
  night: {weekly: {mon-sun: "18:00-09:00"}}
shifts: {day: day, night: night}
"""


def found(folder: Path, routes: str, receivers: str = "") -> list[Problem]:
    """Return what is found in an alertmanager.yml with these routes below its root."""
    (folder / "callmon.yml").write_text(CALLMON)
    (folder / "thresholds.yml").write_text(THRESHOLDS)
    path = folder / "alertmanager.yml"
    path.write_text(
        f"route:\n  receiver: all\n  routes:\n{routes}receivers:\n"
        f"  - {{name: all, webhook_configs: []}}\n{receivers}"
    )
    findings = examine(Asked(config=folder / "callmon.yml"), {}, NOW)
    return [one for one in findings.problems if one.file == str(path)]


SALES = "  - {name: sales, webhook_configs: []}\n"
REST = '    - {matchers: [team=~"sales|service"]}\n'


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ('team="sales"', ""),
        ('team="sale"', "no alert of callmon's has team=\"sale\"; did you mean 'sales'?"),
        ('team="x"', 'no alert of callmon\'s has team="x"; team is sales, service'),
        ('teem="sales"', "no alert of callmon's has a label teem; did you mean 'team'?"),
        ('floor="2"', "no alert of callmon's has a label floor"),
        ('shift="nigth"', "did you mean 'night'?"),
        ('shift="night"', ""),
        ('shift=""', ""),
        ('severity="critical"', ""),
        ('severity="info", team="sales"', "info: no threshold is of severity info"),
        ('severity="criticle"', "did you mean 'critical'?"),
        ('threshold="long_wiat"', "did you mean 'long_wait'?"),
        ('queue="vip"', ""),
        ('queue="sales"', 'no alert of callmon\'s has queue="sales"'),
        ('queue="v*"', 'no alert of callmon\'s has queue="v*"'),
        ('region="east"', ""),
        ('road="prometheus"', ""),
        ('alertname="QueueThresholdBreached"', ""),
        ('alertname="QueueTresholdBreached"', "did you mean 'QueueThresholdBreached'?"),
        ('alertname="QueueAlertStorm"', ""),
        ('alertname="QueueAlertStorm", road="prometheus"', ""),
        ('alertname="QueueAlertStorm", region="east"', ""),
        ('region="east", road="prometheus"', "no alert of callmon's has all of these labels"),
        ('alertname=~"Callmon.+"', ""),
        ('alertname="DiskFull"', ""),
        ('alertname=~"Node.*"', ""),
        ('instance="db1"', ""),
        ('team="sales", queue="support"', "no alert of callmon's has all of these labels"),
    ],
)
def test_a_route_that_nothing_reaches_is_told(tmp_path: Path, route: str, message: str) -> None:
    """With the value that was probably meant; routes of others are left alone."""
    problems = found(tmp_path, f"    - {{matchers: ['{route}'], receiver: all}}\n{REST}")

    assert bool(message) == bool(problems), problems
    assert all(message in problem for problem in problems)


def test_a_condition_that_is_not_tried_is_told(tmp_path: Path) -> None:
    """Once, as a remark; the route is taken to be reached."""
    route = """    - {matchers: ['queue=~"(v+i*)+p"'], receiver: all, continue: true}\n"""

    (remark,) = found(tmp_path, route + REST)

    assert Level.INFO is remark.level
    assert 'queue=~"(v+i*)+p" is not tried here: taken to be for every alert' in remark


def test_a_route_behind_one_that_takes_all_is_told(tmp_path: Path) -> None:
    """With the line of that one, unless it lets alerts go on."""
    first, second = '{matchers: [team="sales"]', '{matchers: [queue="vip"]}'
    problems = found(tmp_path, f"    - {first}}}\n    - {second}\n{REST}")

    (problem,) = problems
    assert (5, "route.routes[1].matchers", Level.WARNING) == (
        problem.line,
        problem.path,
        problem.level,
    )
    assert problem.message.startswith("the route at line 4 takes all that would come here")
    assert [] == found(tmp_path, f"    - {first}, continue: true}}\n    - {second}\n{REST}")


def test_what_lies_below_a_dead_route_is_not_told_again(tmp_path: Path) -> None:
    """One mistake, one message."""
    route = '    - matchers: [team="x"]\n      routes: [{matchers: [queue="vip"]}]\n'

    (problem,) = found(tmp_path, f"{route}{REST}")
    assert "route.routes[0].matchers[0]" == problem.path


def test_an_anchor_needs_to_be_reached_once(tmp_path: Path) -> None:
    """The same routes below two others: those that one of them never takes are no mistake."""
    routes = (
        '    - matchers: [severity="critical", queue="vip"]\n      routes: &duty\n'
        '        - matchers: [team="sales"]\n        - matchers: [team="service"]\n'
        '    - matchers: [severity=~".+"]\n      routes: *duty\n'
    )

    assert [] == found(tmp_path, routes)


@pytest.mark.parametrize(
    ("routes", "receivers", "message"),
    [
        (
            REST,
            SALES,
            "receivers[1].name: warning: no route sends anything to receiver 'sales'",
        ),
        (
            '    - {matchers: [team="sales"], receiver: sale}\n' + REST,
            SALES,
            "route.routes[0].receiver: there is no receiver 'sale'; did you mean 'sales'?",
        ),
        (
            '    - {matchers: [team="sales"], receiver: mute}\n' + REST,
            "  - name: mute\n",
            "receivers[1].name: warning: alerts come to receiver 'mute', and it tells nobody",
        ),
        (
            '    - {matchers: [team=~"sales|service"], mute_time_intervals: [night]}\n',
            "",
            "does not tell the end of an alert that is muted",
        ),
        (
            '    - {matchers: [team="sales"]}\n    - {matchers: [severity="critical"]}\n',
            "",
            "the first receiver 'all' has them: severity=warning shift=day team=service",
        ),
        (
            "    - {matchers: [team]}\n" + REST,
            "",
            'expected a matcher like team="sales", found',
        ),
        ("    - {match: {team: sales}}\n    - {match_re: {team: s.+}}\n", "", ""),
        ("    - {match: {team: sale}}\n" + REST, "", "routes[0].match.team: warning: no alert"),
    ],
)
def test_receivers_and_hours_are_looked_at(
    tmp_path: Path, routes: str, receivers: str, message: str
) -> None:
    """Who is never told, who is not there, whose end is swallowed."""
    problems = found(tmp_path, routes, receivers)

    assert bool(message) == bool([one for one in problems if message in one])
    assert len(problems) <= 2


def test_a_file_without_routes_is_refused(tmp_path: Path) -> None:
    """It was asked for: silence would look like praise."""
    (tmp_path / "callmon.yml").write_text(CALLMON)
    (tmp_path / "thresholds.yml").write_text(THRESHOLDS)
    path = tmp_path / "other.yml"
    path.write_text("receivers: []\n")

    findings = examine(Asked(config=tmp_path / "callmon.yml", alertmanager=path), {}, NOW)

    problem = findings.problems[-1]
    assert "route: expected a route with a receiver, found none" in problem
    assert () == findings.text


def test_the_file_is_found_beside_the_folder(tmp_path: Path) -> None:
    """As in /etc/callmon and /etc/alertmanager; not without an Alertmanager in callmon.yml."""
    for name in ("callmon", "alertmanager"):
        (tmp_path / name).mkdir()
    (tmp_path / "callmon" / "callmon.yml").write_text(CALLMON)
    (tmp_path / "callmon" / "thresholds.yml").write_text(THRESHOLDS)
    path = tmp_path / "alertmanager" / "alertmanager.yml"
    path.write_text("route: {receiver: gone}\n")
    asked = Asked(config=tmp_path / "callmon" / "callmon.yml")

    assert path in examine(asked, {}, NOW).files
    (tmp_path / "callmon" / "callmon.yml").write_text(
        CALLMON.replace("alertmanagers", "# alertmanagers")
    )
    assert path not in examine(asked, {}, NOW).files


def test_the_alerts_about_callmon_are_those_of_the_rules() -> None:
    """Whoever adds a rule adds it here; severities are theirs."""
    data: Any = parse("rules", RULES_YML.read_bytes(), None).data

    groups = {group["name"]: group["rules"] for group in data["groups"]}
    found = {rule["alert"]: rule["labels"]["severity"] for rule in groups["callmon-health"]}
    assert found == dict(RULES)


KEYS = (
    *("route", "receivers", "routes", "matchers", "match", "match_re"),
    *("name", "receiver", "continue", "mute_time_intervals"),
)
odd = st.recursive(
    st.none() | st.sampled_from(["a", "team=~x", 'team=~"("', "true", "", "all"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(odd | st.fixed_dictionaries({"route": odd, "receivers": odd}))
def test_no_file_of_another_raises(
    tmp_path_factory: pytest.TempPathFactory, data: object
) -> None:
    """Whatever stands there; Alertmanager would say what is wrong with it."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "callmon.yml").write_text(CALLMON)
    (folder / "thresholds.yml").write_text(THRESHOLDS)
    (folder / "alertmanager.yml").write_text(json.dumps(data))

    findings = examine(Asked(config=folder / "callmon.yml", explain="vip"), {}, NOW)

    assert all(problem.line for problem in findings.problems)
