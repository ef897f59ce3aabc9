"""Tests of the dashboards: generated, well-formed, and asking only for what callmon exports.

The rules are those of Grafana's dashboard-linter, and some of our own. What the panels show
is for ``tests/acceptance/test_grafana.py``.
"""

import collections
import dataclasses
import functools
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from callmon.measures import MEASURES
from callmon.rules import SubjectKind
from callmon.sinks.agent_families import AGENT_STATE, AGENTS_LEFT_OUT
from callmon.sinks.families import subject_sections
from callmon.sinks.threshold_families import HANDED_OVER, STORM_HANDED_OVER, ThresholdSection
from callmon.telemetry import Telemetry
from callmon.wording import Language
from grafana.build import FOLDER, FOLDERS, OF_ANNOTATIONS, files
from grafana.words import CHINESE, Words

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "metrics.txt"

BOARDS = {
    str(path.relative_to(FOLDER)): json.loads(path.read_text())
    for path in sorted(FOLDER.glob("*/*.json"))
}
ENGLISH = {name: board for name, board in BOARDS.items() if name.startswith("en/")}

SUBJECT = {"queue", "group"}
STATIC = {"team", "site"}
"""Labels that the boards ask for and an administrator may declare."""

SCRAPED = {"job", "instance", "exported_job"}

ITS_OWN_JOB = "callmon_jobs_total"
"""A series whose label ``job`` may be its own."""

UNITS = {"none", "short", "s", "dthms", "percentunit", "bytes", "eps", "reqps"}
"""Of Grafana's units those in use; a name it does not know would be shown as text."""

CHINESE_CHARACTER = re.compile(r"[\u3400-\u9fff]")

STANDING = {
    "$__rate_interval": "1m",
    "$__range": "1h",
    "$__interval": "1m",
    "$job": ".+",
    "$instance": ".+",
    "${queue:regex}": ".+",
    "${team:regex}": ".*",
    "${site:regex}": ".*",
    "$window": "15m",
}


def _each_board() -> list[Any]:
    return [pytest.param(board, id=name) for name, board in BOARDS.items()]


def _queries(board: Mapping[str, Any]) -> Iterator[str]:
    """Yield every PromQL of *board*: panels and annotations."""
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for annotation in board["annotations"]["list"]:
        yield annotation["expr"]


def _filled_in(query: str, kind: str) -> str:
    """Return *query* as Grafana sends it, for queues or for groups."""
    for variable, value in {"${kind}": kind, **STANDING}.items():
        query = query.replace(variable, value)
    return query


@dataclasses.dataclass(frozen=True, slots=True)
class Selector:
    """What a query asks Prometheus for."""

    name: str
    labels: frozenset[str]
    text: str


@functools.cache
def _selectors(query: str, kind: str = "queue") -> tuple[list[Selector], list[str]]:
    """Return the selectors of *query*, and the texts of those that stand with a range."""
    filled_in = _filled_in(query, kind)
    assert "$" not in filled_in
    found: list[Selector] = []
    ranges: list[str] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            labels = frozenset(each.name for each in node.matchers.matchers)
            found.append(Selector(node.name or "", labels, str(node)))
        if isinstance(node, promql_parser.MatrixSelector):
            ranges.append(str(node.vector_selector))

    promql_parser.walk(promql_parser.parse(filled_in), visit)
    return found, ranges


def _names(query: str, kind: str = "queue") -> set[str]:
    return {each.name for each in _selectors(query, kind)[0]}


def _asked(board: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every query of *board*, for queues and for groups."""
    for query in dict.fromkeys(_queries(board)):
        for kind in sorted(SUBJECT) if "${kind}" in query else ["queue"]:
            yield query, kind


def _each_english_board() -> list[Any]:
    """Return the boards of one language: the queries of the others are the same."""
    return [pytest.param(board, id=name) for name, board in ENGLISH.items()]


@functools.cache
def _series() -> dict[str, set[str]]:
    """Return every series that callmon can export, by name, with its labels.

    Of the daemon as its registry says; of queues as the measures and the golden page say.
    """
    registry = CollectorRegistry()
    page = Telemetry("1.2.3", registry).render(openmetrics=False).decode()
    labels: dict[str, set[str]] = {
        "up": set(),
        AGENT_STATE.name: {"source", "agent", "name", "state"},
        AGENTS_LEFT_OUT.name: set(),
        HANDED_OVER.name: {"threshold", "severity"} | SUBJECT | STATIC,
        STORM_HANDED_OVER.name: {"severity"} | STATIC,
    }
    for collector in registry._collector_to_names:
        own = set(getattr(collector, "_labelnames", ()))
        for name in registry._collector_to_names[collector]:
            labels[name] = own | ({"le"} if name.endswith("_bucket") else set())
    for family in text_string_to_metric_families(page + GOLDEN.read_text()):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    for measure in MEASURES.values():
        found = labels.setdefault(f"callmon_queue_{measure.metric}", {"queue"})
        found.update(name for name, _ in measure.labels)
        found.update({"window"} if measure.over is not None else ())
    labels["callmon_queue_agents_paused"] = {"queue", "reason"}
    return labels | {_of_groups(name): found for name, found in labels.items()}


def _of_groups(name: str) -> str:
    return re.sub("^callmon_(queue_)?", "callmon_group_", name)


def test_the_series_are_those_of_the_writers() -> None:
    """What ``_series`` says of queues, groups and thresholds leaves out no family."""
    families = {
        family.name
        for kind in SubjectKind
        for section in subject_sections(kind, ("15m",))
        for family in section.families
    }
    families |= {family.name for family in ThresholdSection().families}
    known = {re.sub(r"_(bucket|count|sum)$", "", name) for name in _series()}

    assert set() == families - known


def test_the_files_are_what_is_generated() -> None:
    """``python -m grafana.build`` would change no byte, and write no other file."""
    written = {
        str(path.relative_to(FOLDER)): path.read_text()
        for path in FOLDER.rglob("*")
        if path.is_file()
    }

    assert dict(files()) == written


def test_each_language_has_every_board() -> None:
    """Five boards in each of the languages that callmon speaks."""
    names = {folder: set[str]() for folder in FOLDERS.values()}
    for path in BOARDS:
        folder, _, name = path.partition("/")
        names[folder].add(name)

    assert set(Language) == set(FOLDERS)
    assert [
        {"wallboard.json", "queue.json", "agents.json", "alerts.json", "health.json"}
    ] * 2 == [*names.values()]


def _dropped(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Yield the places of *before* that *after* does not have."""
    if isinstance(before, dict):
        for key, value in before.items():
            if not isinstance(after, dict) or key not in after:
                yield f"{place}.{key}"
            else:
                yield from _dropped(value, after[key], f"{place}.{key}")
    elif isinstance(before, list):
        for number, value in enumerate(before):
            yield from _dropped(value, after[number], f"{place}[{number}]")
    elif before != after:
        yield place


@pytest.mark.parametrize("board", _each_board())
def test_grafana_knows_every_key(board: dict[str, Any]) -> None:
    """Read and written again by Grafana's own models, nothing is lost.

    But for what belongs to the data source of an annotation.
    """
    register_default_plugins()
    annotations = board["annotations"]["list"]
    own = {
        f".annotations.list[{n}].{key}"
        for n in range(len(annotations))
        for key in OF_ANNOTATIONS
    }

    again = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))

    assert own == {*_dropped(board, again)}


def test_an_unknown_key_would_be_found() -> None:
    """The test above sees a key that Grafana does not have, in a panel's options, too."""
    register_default_plugins()
    board = json.loads(json.dumps(BOARDS["en/wallboard.json"]))
    board["panels"][0]["options"]["colourMode"] = "background"

    again = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))

    assert [".panels[0].options.colourMode"] == [*_dropped(board, again)]


@pytest.mark.parametrize("board", _each_english_board())
def test_queries_name_only_what_callmon_exports(board: dict[str, Any]) -> None:
    """Every selector has a name and labels of a series that exists."""
    series = _series()
    for query, kind in _asked(board):
        for found in _selectors(query, kind)[0]:
            assert found.name in series, query
            # A counter of queues is asked for groups, too, and then finds nothing.
            known = series[found.name] | SCRAPED | SUBJECT
            if "info" in found.name or "threshold" in found.name:
                known |= STATIC
            assert set() == found.labels - known, query


@pytest.mark.parametrize("board", _each_english_board())
def test_queries_keep_to_the_chosen_scrapes(board: dict[str, Any]) -> None:
    """Rules of the linter: every selector has matchers of job and instance."""
    for query, kind in _asked(board):
        plain = re.sub(r"\$\{(\w+)[^}]*\}", r"\1", query)
        selections = re.findall(r"(\w+)\{([^{}]*=[^{}]*)\}", plain)
        assert len(selections) == len(_selectors(query, kind)[0]), query
        for name, matchers in selections:
            wanted = {'job=~"$job"', 'instance=~"$instance"'}
            if name == ITS_OWN_JOB:
                wanted.remove('job=~"$job"')
            assert wanted <= set(matchers.split(", ")), query


@pytest.mark.parametrize("board", _each_english_board())
def test_what_other_programs_tell_too_is_asked_of_callmon_alone(board: dict[str, Any]) -> None:
    """Every target has ``up``, and most have ``process_…``: the linter's ``.+`` takes all."""
    for query, kind in _asked(board):
        names = _names(query, kind)
        if any(not name.startswith("callmon_") for name in names):
            assert "callmon_build_info" in names, query


@pytest.mark.parametrize("board", _each_board())
def test_names_of_people_s_own_are_escaped(board: dict[str, Any]) -> None:
    """``客服(1)`` is no regular expression, and a quote in a name ends no text."""
    asked = [each.get("query", "") for each in board["templating"]["list"]]
    for query in [*_queries(board), *asked]:
        for name in ("queue", "team", "site"):
            places = re.findall(rf".{{3}}\$\{{?{name}\b[^}}]*\}}?.", query)
            assert all(f"=~`${{{name}:regex}}`" == place for place in places), query


@pytest.mark.parametrize("board", _each_english_board())
def test_rates_are_over_an_interval_of_grafana(board: dict[str, Any]) -> None:
    """Rule of the linter: a rate over a time of its own would miss scrapes, or blur."""
    for query in _queries(board):
        spans = re.findall(r"(?:rate|increase)\([^[]*\[([^\]]+)\]", query)
        assert set(spans) <= {"$__rate_interval", "$__interval", "$__range"}


@pytest.mark.parametrize("board", _each_english_board())
def test_counters_are_not_looked_at_as_they_are(board: dict[str, Any]) -> None:
    """Rule of the linter: a counter stands in a rate, or in an increase."""
    for query, kind in _asked(board):
        found, ranges = _selectors(query, kind)
        bare = collections.Counter(each.text for each in found)
        bare -= collections.Counter(ranges)
        counters = [
            each for each in bare if re.match(r"\w+(_total|_bucket|_count|_sum)\b", each)
        ]
        assert [] == counters, query


@pytest.mark.parametrize("board", _each_board())
def test_the_choice_of_the_source_is_the_first_variable(board: dict[str, Any]) -> None:
    """Rules of the linter: data source, job and instance can be chosen."""
    source, job, instance, *_ = board["templating"]["list"]

    assert ("datasource", "datasource", "prometheus") == (
        source["name"],
        source["type"],
        source["query"],
    )
    for variable, name in ((job, "job"), (instance, "instance")):
        assert (name, "query", ".+", True, True) == (
            variable["name"],
            variable["type"],
            variable["allValue"],
            variable["multi"],
            variable["includeAll"],
        )
        assert "${datasource}" == variable["datasource"]["uid"]


@pytest.mark.parametrize("board", _each_board())
def test_variables_ask_for_labels_that_exist(board: dict[str, Any]) -> None:
    """Their queries name series and labels of callmon, and variables before them."""
    before = {"job", "instance"}
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\S+)\)", variable["query"])
            assert asked is not None
            ((found,), _) = _selectors(asked[1])
            label = _filled_in(asked[2], "queue")
            assert found.name in _series()
            assert label in _series()[found.name] | SCRAPED | STATIC
            assert set(re.findall(r"\$\{?(\w+)", variable["query"])) <= before
        before.add(variable["name"])


@pytest.mark.parametrize("board", _each_board())
def test_every_variable_in_use_is_there(board: dict[str, Any]) -> None:
    """A name without a variable would be sent to Prometheus as it stands."""
    names = {variable["name"] for variable in board["templating"]["list"]}
    used = {name for query in _queries(board) for name in re.findall(r"\$\{?([a-z]\w*)", query)}
    used |= set(re.findall(r"\$\{(\w+):queryparam\}", json.dumps(board)))

    assert used <= names


@pytest.mark.parametrize("board", _each_board())
def test_panels_say_what_they_show(board: dict[str, Any]) -> None:
    """Rules of the linter: title, description, chosen source, unit; and what no value is."""
    for panel in board["panels"]:
        assert panel["title"]
        assert panel["description"].rstrip().endswith((".", "。"))
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {"${datasource}"} == {source["uid"] for source in sources}
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["fieldConfig"]["defaults"]["noValue"]


@pytest.mark.parametrize("board", _each_board())
def test_units_of_columns_are_known(board: dict[str, Any]) -> None:
    """What overrides say of units, Grafana knows, too."""
    for panel in board["panels"]:
        for override in panel["fieldConfig"]["overrides"]:
            properties = {each["id"]: each["value"] for each in override["properties"]}
            assert properties.get("unit", "none") in UNITS


@pytest.mark.parametrize("board", _each_board())
def test_queries_of_a_panel_have_names_of_their_own(board: dict[str, Any]) -> None:
    """Grafana tells them apart by these, and columns and colours follow them."""
    for panel in board["panels"]:
        names = [target["refId"] for target in panel["targets"]]
        fields = {f"Value #{name}" for name in names if len(names) > 1}

        assert len(names) == len(set(names))
        named = set(re.findall(r'"(Value #\w+)"', json.dumps(panel)))
        assert named <= fields
        for override in panel["fieldConfig"]["overrides"]:
            if override["matcher"]["id"] == "byFrameRefID":
                assert override["matcher"]["options"] in names


@pytest.mark.parametrize("board", _each_board())
def test_panels_do_not_overlap(board: dict[str, Any]) -> None:
    """Each place of the grid is taken once, and none lies outside."""
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = set(
            itertools.product(
                range(place["x"], place["x"] + place["w"]),
                range(place["y"], place["y"] + place["h"]),
            )
        )
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))


def test_the_wallboard_fits_a_television() -> None:
    """In kiosk mode, 1920 x 1080 shows 28 rows of the grid."""
    panels = BOARDS["en/wallboard.json"]["panels"]

    assert 28 >= max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)


def _limited() -> set[str]:
    """Return the metrics that a limit may be set for."""
    return {
        f"callmon_{kind}_{measure.metric}" for measure in MEASURES.values() for kind in SUBJECT
    }


@pytest.mark.parametrize("board", _each_board())
def test_no_limit_is_written_into_a_board(board: dict[str, Any]) -> None:
    """Colours of figures follow ``callmon_threshold_limit``: no number stands here."""
    for panel in board["panels"]:
        asked = set[str]().union(
            *(_names(target["expr"], kind) for target in panel["targets"] for kind in SUBJECT)
        )
        counts_alerts = {"callmon_threshold_firing", "callmon_queue_info", "callmon_group_info"}
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        if asked & _limited() and not _counts_the_unseen(panel):
            assert [None] == [step["value"] for step in steps]
        for target in panel["targets"]:
            names = _names(target["expr"])
            for override in _overrides_of(panel, target["refId"]):
                if "thresholds" in override:
                    assert names <= counts_alerts


def _counts_the_unseen(panel: Mapping[str, Any]) -> bool:
    (target, *others) = panel["targets"]
    return not others and target["expr"].startswith("count(")


def _overrides_of(panel: Mapping[str, Any], ref: str) -> Iterator[dict[str, Any]]:
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] in {ref, f"Value #{ref}"}:
            yield {each["id"]: each["value"] for each in override["properties"]}


def test_colours_ask_for_the_limits_in_force() -> None:
    """Each level of the wallboard's tiles is told by value and limit of the threshold."""
    for panel in BOARDS["en/wallboard.json"]["panels"]:
        for target in panel["targets"]:
            if (
                target["refId"] in {"critical", "beyond", "near", "fine"}
                and "and on (name)" in (target["expr"])
            ):
                names = _names(target["expr"])
                assert {
                    "callmon_threshold_limit",
                    "callmon_threshold_value",
                    "callmon_threshold_firing",
                } <= names


TEXTS = {"title", "description", "displayName", "noValue", "text", "label", "legendFormat"}


def _texts(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield what people read, with its place."""
    if isinstance(node, dict):
        if {"id", "value"} == set(node) and node["id"] == "displayName":
            yield f"{path}.displayName", node["value"]
        for key, value in node.items():
            if key in TEXTS and isinstance(value, str):
                yield f"{path}.{key}", value
            else:
                yield from _texts(value, f"{path}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _texts(value, f"{path}[{number}]")


def _said() -> set[str]:
    """Return every text that the boards ask for."""
    words = {language: Words(language) for language in Language}
    assert [*files(words)]
    return words[Language.ENGLISH].said | words[Language.CHINESE].said


def test_the_table_of_words_has_what_is_said_and_no_more() -> None:
    """A text that is gone from the boards is gone from the table."""
    table = yaml.safe_load(CHINESE.read_text())

    assert _said() == set(table)


def test_every_text_is_chinese() -> None:
    """No entry is empty, or was left in English."""
    table = yaml.safe_load(CHINESE.read_text())

    assert [] == [text for text, said in table.items() if not CHINESE_CHARACTER.search(said)]


@pytest.mark.parametrize("name", sorted(ENGLISH))
def test_the_languages_differ_in_words_alone(name: str) -> None:
    """The same panels and queries; uids, links and texts are of the language."""
    said = yaml.safe_load(CHINESE.read_text())
    english, chinese = BOARDS[name], BOARDS[name.replace("en/", "zh/")]

    assert [*_queries(english)] == [*_queries(chinese)]
    assert f"{english['uid']}-zh" == chinese["uid"]
    for before, after in itertools.zip_longest(_leaves(english), _leaves(chinese)):
        assert before[0] == after[0]
        if before[1] != after[1]:
            assert CHINESE_CHARACTER.search(str(after[1])) or "callmon-" in before[1]
    untranslated = [
        (place, text) for place, text in _texts(chinese) if text in said and said[text] != text
    ]
    assert [] == untranslated


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _leaves(value, f"{path}[{number}]")
    else:
        yield path, node


def test_links_lead_to_boards_of_the_same_language() -> None:
    """Links between boards and from a row to its queue name uids that exist."""
    uids = {board["uid"] for board in BOARDS.values()}
    for board in BOARDS.values():
        text = json.dumps(board)
        named = set(re.findall(r"/d/([\w-]+)", text))
        assert named <= uids
        assert {board["uid"].endswith("-zh")} == {name.endswith("-zh") for name in named}


def test_the_provisioned_folders_are_those_that_are_built() -> None:
    """Grafana looks where the boards of each language lie."""
    file = ROOT / "grafana" / "provisioning" / "dashboards" / "callmon.yml"
    providers = yaml.safe_load(file.read_text())["providers"]

    assert [f"/etc/grafana/dashboards/{folder}" for folder in FOLDERS.values()] == [
        provider["options"]["path"] for provider in providers
    ]
    assert len(providers) == len({provider["folderUid"] for provider in providers})


def test_the_boards_begin_with_the_provisioned_source() -> None:
    """The data source that a board shows first is the one that is set up with it."""
    file = ROOT / "grafana" / "provisioning" / "datasources" / "callmon.yml"
    (uid,) = {
        source["uid"]
        for source in yaml.safe_load(file.read_text())["datasources"]
        if source["type"] == "prometheus"
    }

    assert {uid} == {
        board["templating"]["list"][0]["current"]["value"] for board in BOARDS.values()
    }
