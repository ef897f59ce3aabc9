"""JSON Schemas of the two files, for editors that complete and check while one types."""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from callmon.config.section import Section
from callmon.config.sections import CallmonFile
from callmon.config.threshold_sections import ThresholdsFile

__all__ = ["SCHEMAS", "json_schema"]

SCHEMAS: Mapping[str, type[Section]] = {"callmon": CallmonFile, "thresholds": ThresholdsFile}
"""The files that have a schema: ``config/<name>.schema.json`` describes ``<name>.yml``."""


class _Schema(GenerateJsonSchema):
    """Knows that an absent key is absent, not null, and which keys must be there."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  # pydantic's
        return False  # titles only repeat the keys

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        generated = super().model_schema(schema)
        required = schema["cls"].required
        if required:
            generated["required"] = list(required)
        return generated


def json_schema(which: str) -> dict[str, Any]:
    """Return the schema of ``callmon`` or ``thresholds``.

    Raises:
        KeyError: there is no such file.
    """
    model = SCHEMAS[which]
    schema = model.model_json_schema(schema_generator=_Schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
