"""The JSON Schemas: generated, up to date, true to the examples, and described."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from callmon.config import SCHEMAS, json_schema
from callmon.config.nodes import parse

EXAMPLES = Path(__file__).parents[2] / "config"


def as_an_editor_reads(data: Any) -> Any:
    """Return *data* with numbers and booleans resolved as YAML 1.2 editors do."""
    if isinstance(data, dict):
        return {key: as_an_editor_reads(value) for key, value in data.items()}
    if isinstance(data, list):
        return [as_an_editor_reads(value) for value in data]
    try:
        return json.loads(data)
    except (TypeError, ValueError):
        return data


def validate(which: str, text: bytes) -> None:
    """Hold *text* against the schema of *which*."""
    data = as_an_editor_reads(parse(which, text, {}).data)
    jsonschema.Draft202012Validator(json_schema(which)).validate(data)


@pytest.mark.parametrize("which", SCHEMAS)
def test_the_files_beside_the_examples_are_up_to_date(which: str) -> None:
    """Write ``callmon schema`` output to config/ again after a change of the sections."""
    stored = (EXAMPLES / f"{which}.schema.json").read_text()

    assert json_schema(which) == json.loads(stored)


@pytest.mark.parametrize("which", SCHEMAS)
def test_the_examples_name_and_satisfy_their_schema(which: str) -> None:
    """An editor shows no mistake in what we ship."""
    text = (EXAMPLES / f"{which}.yml").read_text()

    assert f"# yaml-language-server: $schema={which}.schema.json" == text.partition("\n")[0]
    validate(which, text.encode())


@pytest.mark.parametrize(
    ("which", "text"),
    [
        ("thresholds", b"thresholds: [{name: a, measure: waiting, abov: 3}]"),
        ("thresholds", b"thresholds: [{measure: waiting, above: 3}]"),
        ("thresholds", b"thresholds: [{name: a, measure: waiting, above: 3, for: 30}]"),
        ("callmon", b"feeds: {pbx: {type: queue_logg}}"),
        ("callmon", b"feeds: {pbx: {type: queue_log}}"),
        ("callmon", b"queues: {}"),
    ],
)
def test_an_editor_sees_common_mistakes(which: str, text: bytes) -> None:
    """Unknown and missing keys and bare durations are underlined while one types."""
    with pytest.raises(jsonschema.ValidationError):
        validate(which, text)


@pytest.mark.parametrize("which", SCHEMAS)
def test_every_key_is_described(which: str) -> None:
    """What an editor shows beside a key is never empty."""
    schema = json_schema(which)
    sections = [schema, *schema["$defs"].values()]

    assert [] == [
        (section["title"], key)
        for section in sections
        for key, value in section.get("properties", {}).items()
        if not value.get("description")
    ]
