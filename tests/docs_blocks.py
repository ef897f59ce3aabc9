"""The YAML in the pages: found, told apart by its keys, and made into files that load."""

import dataclasses
import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from callmon.config.scenario_sections import ScenarioFile
from callmon.config.section import Section
from callmon.config.sections import CallmonFile
from callmon.config.threshold_sections import ThresholdSection, ThresholdsFile

__all__ = ["ROOT", "SCENARIOS", "WRONG_ON_PURPOSE", "Example", "Kind", "examples", "site"]

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

WRONG_ON_PURPOSE = frozenset({"docs/administrators/mistakes.md"})
"""Their examples are held by a test of their own."""

SCENARIOS = ROOT / "tests" / "docs"
"""One file for each example that has thresholds, named by its page and number."""

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.*\n(?:[ \t]*\n(?= {4}))*)+", re.MULTILINE)

_OF_OTHERS = "alert_relabel_configs"
"""Prometheus' file has a section of the same name."""

CALLMON_YML: Final = {
    "feeds": {"pbx": {"type": "queue_log", "path": "/var/log/asterisk/queue_log"}},
    "timezone": "Asia/Shanghai",
    "storage": {"directory": "state"},
    "labels": ["site", "team"],
    "defaults": {"labels": {"site": "shanghai", "team": "service"}},
    "queues": {name: {} for name in ("support", "sales", "billing", "vip", "sales_north")},
    "groups": {"sales": {"queues": ["vip", "sales_*"], "labels": {"team": "sales"}}},
    "thresholds": "thresholds.yml",
}
"""What a fragment stands in, where it does not say otherwise."""

CALENDARS: Final = {
    "business_hours": {"weekly": {"mon-fri": ["09:00-12:00", "13:00-18:00"]}, "holidays": "CN"},
    "night_hours": {"weekly": {"mon-sun": "18:00-09:00"}},
    "double_eleven": {"dates": ["2026-11-10..2026-11-12"]},
}
THRESHOLD: Final = {"name": "example", "measure": "longest_wait", "above": "3m"}
RATE: Final = {**THRESHOLD, "measure": "abandonment_rate", "window": "15m", "above": "20%"}


class Kind(StrEnum):
    """What an example is a piece of."""

    CALLMON = "callmon.yml"
    THRESHOLDS = "thresholds.yml"
    THRESHOLD = "threshold"
    TOPICS = "topics"
    SCENARIOS = "scenarios"


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """YAML on a page."""

    page: str  #: relative to the root of the project
    number: int  #: among the examples of its page, from 1 on
    kind: Kind
    text: str

    @property
    def identity(self) -> str:
        """Return what a test is called by."""
        return f"{self.page}-{self.number}"

    @property
    def data(self) -> Any:
        """Return what it holds, all of it as text."""
        return yaml.load(self.text, yaml.BaseLoader)

    @property
    def thresholds(self) -> list[str]:
        """Return the names of its thresholds; a piece of one is made one."""
        if self.kind is Kind.THRESHOLD:
            return [THRESHOLD["name"]]
        if self.kind is not Kind.THRESHOLDS:
            return []
        return [threshold["name"] for threshold in self.data.get("thresholds", ())]

    @property
    def scenarios(self) -> Path:
        """Return the file that tries it; a translation is tried by that of the original."""
        return SCENARIOS / f"{Path(self.page).name.partition('.')[0]}-{self.number}.yml"


def examples() -> list[Example]:
    """Return all examples of callmon's own files, in order of page and place."""
    found = []
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        if name in WRONG_ON_PURPOSE:
            continue
        blocks = [
            (block, kind) for block in _blocks(page.read_text()) if (kind := _kind(block))
        ]
        found += [Example(name, at, kind, text) for at, (text, kind) in enumerate(blocks, 1)]
    return found


def _blocks(text: str) -> list[str]:
    """Return the YAML that is fenced as such, and whatever is indented as code."""
    fenced = [
        (found.start(), found[2]) for found in _FENCED.finditer(text) if found[1] == "yaml"
    ]
    rest = _FENCED.sub(lambda found: "\n" * found[0].count("\n"), text)
    indented = [
        (found.start(), re.sub("^ {4}", "", found[0], flags=re.MULTILINE))
        for found in _INDENTED.finditer(rest)
    ]
    return [block for _, block in sorted(fenced + indented)]


def _keys(section: type[Section]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in section.model_fields.items())


def _kind(text: str) -> Kind | None:
    """Return what *text* is a piece of; None: it is none of callmon's files."""
    try:
        data = yaml.load(text, yaml.BaseLoader)
    except yaml.YAMLError:
        return None
    if not isinstance(data, dict) or not data or _OF_OTHERS in text:
        return None
    keys = frozenset(data)
    if keys <= _keys(ThresholdsFile) and isinstance(data.get("thresholds", []), list):
        return Kind.THRESHOLDS
    for kind, section in (
        (Kind.CALLMON, CallmonFile),
        (Kind.SCENARIOS, ScenarioFile),
        (Kind.THRESHOLD, ThresholdSection),
    ):
        if keys <= _keys(section):
            return kind
    return Kind.TOPICS if keys == {"topics"} else None


def site(example: Example, folder: Path) -> Path:
    """Write the files that *example* is a piece of into *folder*; return callmon.yml.

    What the piece leaves out is as usual; secrets and certificates that it names are there.
    """
    callmon: dict[str, Any] = dict(CALLMON_YML)
    thresholds: dict[str, Any] = {"calendars": CALENDARS}
    match example.kind:
        case Kind.CALLMON:
            callmon = _filled(example.data)
        case Kind.THRESHOLDS:
            thresholds = {**example.data}
            thresholds["calendars"] = {**CALENDARS, **thresholds.get("calendars", {})}
        case Kind.THRESHOLD:
            share = "%" in str(example.data)
            thresholds["thresholds"] = [{**(RATE if share else THRESHOLD), **example.data}]
        case Kind.TOPICS:
            feed = {"type": "mqtt", "host": "broker.example", **example.data}
            callmon["feeds"] = {"acd": feed}
        case Kind.SCENARIOS:
            pass
    path = folder / "callmon.yml"
    text = yaml.safe_dump(callmon, allow_unicode=True, sort_keys=False)
    path.write_text(_with_secrets(text, folder))
    written = yaml.safe_dump(thresholds, allow_unicode=True, sort_keys=False)
    (folder / "thresholds.yml").write_text(written)
    return path


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    """Return a whole callmon.yml made of a piece of one."""
    labelled = "labels" in data
    usual = {
        key: value
        for key, value in CALLMON_YML.items()
        if labelled or key not in {"labels", "defaults", "queues", "groups"}
    }
    return {**usual, **data, "thresholds": "thresholds.yml"}


def _with_secrets(text: str, folder: Path) -> str:
    """Return *text* with every file of /etc/callmon in *folder* instead, and there."""
    text = text.replace("${CREDENTIALS_DIRECTORY:-/etc/callmon/secrets}", "/etc/callmon")
    for name in re.findall(r"/etc/callmon/([\w.-]+)", text):
        (folder / name).write_text("secret")
    return text.replace("/etc/callmon", str(folder))
