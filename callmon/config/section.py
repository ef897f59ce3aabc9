"""What sections have in common: known keys only, each with a value; and what all feeds have."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from callmon.config.nodes import Document, Loc
from callmon.config.problems import nearest, one_of
from callmon.config.values import Duration, Name

__all__ = ["Section", "SilenceSection"]


_WIDE_BLANKS = ("\u3000", "\u00a0")
"""Of Chinese input, and of text that comes from a web page: no indentation, but text."""


class Section(BaseModel):
    """A mapping with known keys only; each key must have a value, sections may be empty."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    required: ClassVar[tuple[str, ...]] = ()
    """Keys that must be there, for the JSON Schema; ``build`` says so in words."""
    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Keys that people look for here, and what to do instead."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any, info: ValidationInfo) -> Any:
        document = info.context
        if not isinstance(data, dict) or not isinstance(document, Document):
            return data
        loc = document.locs.get(id(data), ())
        known = {field.alias or key: field for key, field in cls.model_fields.items()}
        kept = {}
        for key, value in data.items():
            if key not in known:
                cls._report_unknown(document, loc, key, list(known))
            elif value is not None:
                kept[key] = value
            elif known[key].default_factory is None and not document.wrong(*loc, key):
                message = "expected a value, found nothing; give one or remove the key"
                document.report((*loc, key), message, key=True)
        return kept

    @classmethod
    def _report_unknown(cls, document: Document, loc: Loc, key: str, known: list[str]) -> None:
        if key[:1] in _WIDE_BLANKS:
            message = "expected plain blanks before it, found a wide blank of Chinese input"
            document.report((*loc, key), message, key=True)
            return
        hint = cls.elsewhere.get(key) or one_of(key, known, what="known keys")
        document.report((*loc, key), f"unknown key '{key}'{hint}", key=True)
        meant = nearest(key, known)
        if meant is not None:
            document.misspelt((*loc, meant))


class SilenceSection(Section):
    """A feed that should speak, and does not."""

    required: ClassVar[tuple[str, ...]] = ("after",)

    after: Duration | None = Field(default=None, examples=["30m"])
    """No event for so long is an alert."""
    during: Name | None = Field(default=None, examples=["business_hours"])
    """A calendar of thresholds.yml: quiet outside it is no wonder. Default: always."""
