"""Files put together at random from right keys and wrong values."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callmon.config import Config, explain, load_config
from callmon.config.section import Section
from callmon.config.sections import CallmonFile
from callmon.config.threshold_sections import ThresholdsFile
from callmon.decode.messages import MessageDecoder
from callmon.decode.native_words import NATIVE_FIELDS
from callmon.errors import ConfigError
from callmon.feeds.settings import MqttSettings

VALUES = st.sampled_from(
    [
        *(None, "", "a", "b", "all", "3m", "0s", "20%", "5", "-1", "day", "longest_wait"),
        *("abandonment_rate", "15m", "today", "critical", "CN", "mon-fri", "09:00-18:00"),
        *("en", "2026-11-10", "queue_log", "simulator", "vip", "${X}", "http://a:1", "{queue}"),
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


FIELDS = [*NATIVE_FIELDS, "wait"]
SOURCES: list[Any] = [
    "x",
    "x.y",
    "x[0]",
    "x[*].y",
    "y[*]",
    "{queue}",
    "{x}-a",
    "=abandoned",
    "=contact.left",
]
SOURCES += ["{received}", "=agent.state", "=", "x..y", None, ["x"]]
WORDS = ["contact.left", "agent.removed", "abandoned", "busy", "BUSY", "", "null", "*", None]


def topics() -> st.SearchStrategy[Any]:
    """Return topics of an mqtt feed, right and wrong."""
    template = st.lists(
        st.sampled_from(["a", "+", "{queue}", "{x}", "{contact}", "{agent}"]),
        min_size=1,
        max_size=3,
    ).map("/".join)
    field = st.sampled_from(FIELDS)
    section = st.fixed_dictionaries(
        {"topic": template, "kind": st.sampled_from(["contact", "agent", "queue"])},
        optional={
            "payload": st.sampled_from(["json", "scalar"]),
            "value": field,
            "fields": st.dictionaries(field, st.sampled_from(SOURCES), max_size=5),
            "words": st.dictionaries(
                field, st.dictionaries(st.sampled_from("aAb*"), st.sampled_from(WORDS))
            ),
            "units": st.dictionaries(field, st.sampled_from(["s", "ms", "h"]), max_size=2),
            "time": st.sampled_from(["auto", "ms", "%d.%m.%Y %H:%M:%S", "%H:%M", "%Q", "%"]),
            "timezone": st.sampled_from(["UTC", "Asia/Shanghai", "Asia"]),
            "stale_after": st.sampled_from(["90s", "0s"]),
        },
    )
    return st.lists(template | section | VALUES, max_size=3)


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


@given(topics())
def test_any_topics_load_or_give_problems(entries: Any) -> None:
    """What loads, a decoder takes: no feed stops on what ``check`` has let pass."""
    result = load({"feeds": {"a": {"type": "mqtt", "topics": entries}}}, {})

    if isinstance(result, Config):
        (feed,) = result.feeds
        assert isinstance(feed, MqttSettings)
        assert len(entries) == len(feed.topics)
        decoder = MessageDecoder(feed)
        for topic in ("a", "a/a", "a/a/a"):
            decoder.decode(topic, b'{"x": 1}', retained=False, received=0, seq=1)
    else:
        assert all(".yml:" in problem for problem in result.problems)
