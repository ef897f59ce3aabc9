"""The JSON Schemas: generated, up to date, true to the examples, and described."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from pydantic import BaseModel

from callmon import webconfig
from callmon.config import SCHEMAS, json_schema
from callmon.config.nodes import Data, parse
from callmon.config.section import Section
from callmon.config.validation import validated
from callmon.measures import MEASURES

EXAMPLES = Path(__file__).parents[2] / "config"
GOOD = sorted((Path(__file__).parent / "good").glob("*.yml"))


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


@pytest.mark.parametrize("which", ["callmon", "thresholds"])
def test_the_examples_name_and_satisfy_their_schema(which: str) -> None:
    """An editor shows no mistake in what we ship."""
    text = (EXAMPLES / f"{which}.yml").read_text()

    assert f"# yaml-language-server: $schema={which}.schema.json" == text.partition("\n")[0]
    validate(which, text.encode())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_an_editor_marks_nothing_that_is_right(path: Path) -> None:
    """Whatever callmon takes, with all its keys."""
    validate(path.name.partition("-")[0].removesuffix(".yml"), path.read_bytes())


@pytest.mark.parametrize(
    ("which", "text"),
    [
        ("thresholds", b"thresholds: [{name: a, measure: waiting, abov: 3}]"),
        ("thresholds", b"thresholds: [{measure: waiting, above: 3}]"),
        ("thresholds", b"thresholds: [{name: a, measure: waiting, above: 3, for: 30}]"),
        ("thresholds", b"thresholds: [{name: a, measure: longest_wait, above: 180}]"),
        ("thresholds", b"thresholds: [{name: a, measure: longest_wait, above: 20%}]"),
        ("thresholds", b"thresholds: [{name: a, measure: longest_wait, above: 3 minutes}]"),
        ("thresholds", b"thresholds: [{name: a, measure: waiting, above: 3m}]"),
        ("thresholds", b"thresholds: [{name: a, measure: waiting, above: 3, window: 5m}]"),
        ("thresholds", b"thresholds: [{name: a, measure: offered, above: 3}]"),
        (
            "thresholds",
            b"thresholds: [{name: a, measure: service_level, window: 5m, below: 80}]",
        ),
        (
            "thresholds",
            b"thresholds: [{name: a, measure: waiting, above: 3, overrides: [{above: 20%}]}]",
        ),
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


def sections(model: type[Section], seen: set[type[Section]]) -> Iterator[type[Section]]:
    """Yield *model* and every section within."""
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in model.model_fields.values():
        for inner in within(field.annotation):
            yield from sections(inner, seen)


def within(annotation: Any) -> Iterator[type[Section]]:
    """Yield the sections that *annotation* names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if issubclass(annotation, Section):
            yield annotation
        return
    for part in get_args(annotation):
        yield from within(part)


ALL = list(
    dict.fromkeys(model for which in SCHEMAS for model in sections(SCHEMAS[which], set()))
)


@functools.cache
def schema_of(model: type[Section]) -> dict[str, Any]:
    """Return the schema of one section, within that of its file."""
    for which, top in SCHEMAS.items():
        schema = json_schema(which)
        if model is top:
            return schema
        if model.__name__ in schema["$defs"]:
            return {**schema["$defs"][model.__name__], "$defs": schema["$defs"]}
    raise AssertionError(model)


def resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return *part* with what it refers to."""
    name = part.get("$ref", "").rpartition("/")[2]
    return {**schema["$defs"][name], **part} if name else part


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_every_key_shows_what_it_may_look_like(model: type[Section]) -> None:
    """By an example, or by all the words it may be."""
    schema = schema_of(model)

    assert [] == [
        key
        for key, part in schema.get("properties", {}).items()
        if not {"examples", "enum", "const"} & resolved(schema, part).keys()
        and resolved(schema, part).get("type") != "boolean"
    ]


def written(value: Any) -> str:
    """Return an example as YAML."""
    return json.dumps(value, ensure_ascii=False)


def minimal(model: type[Section], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the keys without which a section of *model* is none."""
    found: dict[str, Any] = {}
    for key in schema.get("required", ()):
        part = resolved(schema, schema["properties"][key])
        found[key] = part.get("const") or (part.get("examples") or part.get("enum", [""]))[0]
    del model
    return found


def cases() -> Iterator[Any]:
    """Yield every example and default of every key."""
    for model in ALL:
        schema = schema_of(model)
        for key, part in schema.get("properties", {}).items():
            whole = resolved(schema, part)
            defaults = [whole["default"]] if "default" in whole else []
            for number, value in enumerate([*whole.get("examples", ()), *defaults]):
                yield pytest.param(model, key, value, id=f"{model.__name__}-{key}-{number}")


@pytest.mark.parametrize(("model", "key", "value"), list(cases()))
def test_examples_and_defaults_load(model: type[Section], key: str, value: Any) -> None:
    """What an editor fills in is no mistake: for the schema, and for callmon."""
    schema = schema_of(model)
    text = written({**minimal(model, schema), key: value})
    document = parse("example.yml", text.encode(), dict.fromkeys(("PASSWORD",), "secret"))

    validated(document, model)

    assert [] == document.problems
    # What a limit looks like follows the measure, which is one of many here.
    alone = {name: part for name, part in schema.items() if name != "allOf"}
    jsonschema.Draft202012Validator(alone).validate(json.loads(text))


def test_a_default_is_what_holds_without_the_key() -> None:
    """Read back, the default of a key is that of the section."""
    found = {}
    for model in ALL:
        schema = schema_of(model)
        for name, field in model.model_fields.items():
            part = schema["properties"][field.alias or name]
            if "default" in part:
                given: dict[str, Data] = {
                    **minimal(model, schema),
                    field.alias or name: part["default"],
                }
                document = parse("example.yml", written(given).encode(), {})
                read = getattr(validated(document, model), name)
                found[model.__name__, name] = (field.default, read)

    assert found
    assert [] == [key for key, (default, read) in found.items() if default != read]


def test_measures_and_words_are_explained() -> None:
    """Every word to choose from has a sentence beside it."""
    found: dict[str, str] = {}
    for which in SCHEMAS:
        text = json.dumps(json_schema(which))
        for part in _with_enum(json.loads(text)):
            meanings = part.get("markdownEnumDescriptions", [""] * len(part["enum"]))
            found |= dict(zip(map(str, part["enum"]), meanings, strict=True))

    assert [] == [word for word, meaning in found.items() if not meaning]
    assert set(MEASURES) <= set(found)


def _with_enum(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if isinstance(part.get("enum"), list) and "if" not in part:
            yield part
        for key, value in part.items():
            if key != "if":
                yield from _with_enum(value)
    elif isinstance(part, list):
        for value in part:
            yield from _with_enum(value)


def test_the_web_config_has_a_schema_too() -> None:
    """Its keys are those that callmon reads; the example satisfies it, a bare password not."""
    schema = json.loads((EXAMPLES / "web-config.schema.json").read_text())
    example = (EXAMPLES / "web-config.example.yml").read_text()
    validator = jsonschema.Draft202012Validator(schema)
    data = parse("web-config.yml", example.replace("$", "$$").encode(), {}).data
    tls = schema["properties"]["tls_server_config"]["properties"]
    headers = schema["properties"]["http_server_config"]["properties"]["headers"]

    assert set(webconfig._TLS_FIELDS) == set(tls)
    assert set(webconfig._HEADERS) == set(headers["properties"])
    assert set(webconfig._CURVES) == set(tls["curve_preferences"]["items"]["enum"])
    assert example.startswith("# yaml-language-server: $schema=web-config.schema.json\n")
    validator.validate(data)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"basic_auth_users": {"prometheus": "hunter2"}})
