"""JSON Schemas of the files, for editors that complete and check while one types.

Beside what a validator needs they hold what editors show: what a key and a word means, what
it would be without the key, examples, what a wrong value should have looked like, and
templates (``defaultSnippets``, ``errorMessage``, ``markdownDescription``,
``markdownEnumDescriptions``: words of Visual Studio Code and of yaml-language-server).
"""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from callmon.config.choices import CHOICES, measure_meaning
from callmon.config.limit_schema import limit_conditions
from callmon.config.scenario_sections import ScenarioFile
from callmon.config.section import Section
from callmon.config.sections import CallmonFile
from callmon.config.snippets import SNIPPETS
from callmon.config.threshold_sections import ThresholdsFile
from callmon.config.values import format_duration
from callmon.measures import MEASURES

__all__ = ["SCHEMAS", "json_schema"]

SCHEMAS: Mapping[str, type[Section]] = {
    "callmon": CallmonFile,
    "thresholds": ThresholdsFile,
    "scenario": ScenarioFile,
}
"""The files that have a schema: ``config/<name>.schema.json`` describes ``<name>.yml``."""


_CAPITAL = re.compile(r"([A-Z])")


class _Schema(GenerateJsonSchema):
    """Knows that an absent key is absent, not null, and which keys must be there."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner, default = schema["schema"], schema.get("default")
        if default is None and inner["type"] == "nullable":
            inner = inner["schema"]
        generated = self.generate_inner(inner)
        if default is not None:
            generated["default"] = _written(default, generated)
        return generated

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  # pydantic's
        return False  # titles only repeat the keys

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        generated = super().model_schema(schema)
        required = [*generated.get("required", ()), *schema["cls"].required]
        if required:
            generated["required"] = required
        return generated


def json_schema(which: str) -> dict[str, Any]:
    """Return the schema of ``callmon``, ``thresholds`` or ``scenario``.

    Raises:
        KeyError: there is no such file.
    """
    model = SCHEMAS[which]
    schema = model.model_json_schema(schema_generator=_Schema)
    for part in _parts(schema):
        _explain(part)
    for title, section in schema.get("$defs", {}).items():
        section["title"] = _heading(title)
    for title, snippets in SNIPPETS.items():
        section = schema.get("$defs", {}).get(title)
        if section is not None:
            section["defaultSnippets"] = snippets
    threshold = schema.get("$defs", {}).get("ThresholdSection")
    if threshold is not None:
        threshold["allOf"] = limit_conditions()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _heading(title: str) -> str:
    """Return what an editor shows above a description: ``ThresholdSection`` is Threshold."""
    return _CAPITAL.sub(r" \1", title.removesuffix("Section")).strip().capitalize()


def _parts(schema: Any) -> Iterable[dict[str, Any]]:
    """Yield every mapping in *schema*, those within others, too."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from _parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _parts(value)


def _explain(part: dict[str, Any]) -> None:
    """Add to one part of a schema what editors show."""
    description = part.get("description")
    if isinstance(description, str) and "`" in description:
        # Only of this one they show `names` as names.
        part["markdownDescription"] = description
    words = part.get("enum")
    if isinstance(words, list):
        meanings = [_meaning(str(word)) for word in words]
        if any(meanings):
            part["markdownEnumDescriptions"] = meanings
    if "pattern" in part and "examples" in part:
        examples = ", ".join(map(str, part["examples"]))
        part["errorMessage"] = f"expected something like {examples}"


def _meaning(word: str) -> str:
    measure = MEASURES.get(word)
    return CHOICES.get(word, "") if measure is None else measure_meaning(measure)


def _written(value: Any, generated: JsonSchemaValue) -> Any:
    """Return a default as the file would write it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [_written(one, {}) for one in value]
    if isinstance(value, tuple):
        host, port = value
        return f"{host}:{port}"
    if generated.get("type") == "string" and isinstance(value, int):
        return format_duration(value)
    return value
