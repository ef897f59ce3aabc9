"""Files put together at random from right keys and wrong values."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callmon.config import Config, explain, load_config
from callmon.config.sections import CallmonFile, Section
from callmon.config.threshold_sections import ThresholdsFile
from callmon.errors import ConfigError

VALUES = st.sampled_from(
    [
        *(None, "", "a", "b", "all", "3m", "0s", "20%", "5", "-1", "day", "longest_wait"),
        *("abandonment_rate", "15m", "today", "critical", "CN", "mon-fri", "09:00-18:00"),
        *("2026-11-10", "queue_log", "simulator", "vip", "${X}", "http://a:1", "{queue}"),
    ]
)


def keys_of(model: type[Section]) -> list[str]:
    """Return every key of *model* and its sections."""
    schema = model.model_json_schema()
    sections = [schema, *schema["$defs"].values()]
    return sorted({key for section in sections for key in section.get("properties", {})})


def documents(model: type[Section]) -> st.SearchStrategy[Any]:
    """Return mappings of *model*'s keys to anything."""
    keys = st.sampled_from([*keys_of(model), "a", "day", "vip"])
    inner = st.recursive(
        VALUES,
        lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(keys, deeper, max_size=4),
        max_leaves=12,
    )
    top = st.sampled_from([field.alias or key for key, field in model.model_fields.items()])
    return st.dictionaries(top, inner, max_size=4)


def thresholds() -> st.SearchStrategy[Any]:
    """Return lists of thresholds with right keys, now and then right altogether."""
    keys = st.sampled_from(keys_of(ThresholdsFile))
    inner = VALUES | st.lists(st.dictionaries(keys, VALUES, max_size=4), max_size=2)
    entry = st.dictionaries(keys, inner, max_size=6)
    basis = st.sampled_from([{}, {"name": "a", "measure": "waiting", "above": "3"}])
    return st.lists(st.builds(dict.__or__, basis, entry), max_size=3)


def load(callmon: Any, rules: Any) -> Config | ConfigError:
    """Return what the two files come to, or the error they give."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "callmon.yml").write_text(json.dumps(callmon))
        (Path(folder) / "thresholds.yml").write_text(json.dumps(rules))
        try:
            return load_config(Path(folder) / "callmon.yml", {})
        except ConfigError as error:
            return error


@given(documents(CallmonFile), documents(ThresholdsFile))
def test_any_sections_load_or_give_problems(callmon: Any, rules: Any) -> None:
    """Nothing but ConfigError ever comes out, and it always names a place."""
    callmon.pop("thresholds", None)
    result = load(callmon, rules)

    if isinstance(result, ConfigError):
        assert all(".yml:" in problem for problem in result.problems)
        assert len(set(result.problems)) == len(result.problems) > 0


@given(thresholds())
def test_any_thresholds_load_or_give_problems(entries: Any) -> None:
    """What loads can be explained."""
    feeds = {"feeds": {"a": {"type": "queue_log", "path": "a"}}, "queues": {"vip": {}}}
    calendars = {"day": {"weekly": {"mon-fri": "09:00-18:00"}}}
    result = load(feeds, {"thresholds": entries, "calendars": calendars})

    if isinstance(result, Config):
        assert len(entries) == len(result.thresholds)
        assert explain(result)
