"""Holds a document against its pydantic model and says every mistake at once.

Pydantic stops at a model with one bad field, so the checks that look at several fields
would have to wait until the file is mended. Instead a value that is reported is taken out
and the rest is read again: what comes back is a model of everything that was right.
"""

import re
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from callmon.config.meant import choice_meant
from callmon.config.problems import did_you_mean, with_found
from callmon.config.section import Section
from callmon.config.values import NotRepeatedError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from callmon.config.nodes import Data, Document, Loc

__all__ = ["validated"]

Model = TypeVar("Model", bound=Section)

_EXPECTED = {
    "list_type": "expected a list",
    "dict_type": "expected a mapping (key: value)",
    "model_type": "expected a mapping (key: value)",
    "model_attributes_type": "expected a mapping (key: value)",
}


def validated(document: "Document", model: type[Model]) -> Model:
    """Return *model* of what is right in *document*; report what is not.

    ``document.data`` loses the values that were reported.
    """
    if not isinstance(document.data, dict):
        if document.readable and document.data is not None:
            message = f"expected sections, found {document.found(())}"
            if isinstance(document.data, list) and "thresholds" in model.model_fields:
                message += ": is 'thresholds:' missing above it?"
            document.report((), message)
        document.data = {}
    while True:
        try:
            return model.model_validate(document.data, context=document)
        except ValidationError as error:
            details = error.errors(include_url=False)
            placed = [(_place(document.data, item["loc"]), item) for item in details]
            for loc, item in placed:
                _report(document, loc, item)
            taken = [_take_out(document.data, loc) for loc, _ in placed]
            if not any(taken):
                raise  # a model that refuses an empty section: not the file's mistake


def _place(data: "Data", loc: "Loc") -> "Loc":
    """Return *loc* without the parts that pydantic adds (the tag of a union)."""
    place: list[str | int] = []
    for part in loc:
        if isinstance(data, dict) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        place.append(part)
    return tuple(place)


def _report(document: "Document", loc: "Loc", item: "ErrorDetails") -> None:
    context: dict[str, Any] = item.get("ctx", {})
    kind = item["type"]
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        _report_type(document, loc, context)
        return
    if document.refused(loc):
        return
    found = document.found(loc)
    if kind == "value_error":
        message = str(context["error"])
    elif kind in {"literal_error", "enum"}:
        options = re.findall(r"'([^']*)'", context["expected"])
        message = f"expected one of {', '.join(options)}"
        meant = choice_meant(str(item["input"]))
        known = f"; did you mean '{meant}'?" if meant in options else ""
        found += known or did_you_mean(str(item["input"]), options)
    else:
        message = _EXPECTED.get(kind, item["msg"])
    if isinstance(context.get("error"), NotRepeatedError):
        document.report(loc, message)
        return
    if kind == "list_type" and isinstance(item["input"], dict | str):
        message = "expected a list: a dash before each, or brackets around all"
    if document.braced(loc) and message.startswith("expected text"):
        found += '; put it in quotes when it starts with {: "{queue}: {value}"'
    document.report(loc, with_found(message, found))


def _report_type(document: "Document", loc: "Loc", context: dict[str, Any]) -> None:
    """Say which types there are; the type is what tells which keys are known."""
    options = re.findall(r"'([^']*)'", context.get("expected_tags", ""))
    place: Loc = (*loc, "type")
    if document.has(*place):
        message = f"expected one of {', '.join(options)}, found {document.found(place)}"
        document.report(place, message + did_you_mean(str(context.get("tag", "")), options))
    else:
        document.report(loc, "expected a type, such as type: queue_log, found none", key=True)


def _take_out(data: "Data", loc: "Loc") -> bool:
    """Remove what stands at *loc*; in a list of sections an empty one takes its place."""
    parents = [data]
    for part in loc[:-1]:
        parent = parents[-1]
        if isinstance(parent, dict) and part in parent:
            parents.append(parent[str(part)])
        elif isinstance(parent, list) and isinstance(part, int):
            parents.append(parent[part])
        else:
            return False  # it went with something above it
    for depth in range(len(loc) - 1, -1, -1):
        parent, part = parents[depth], loc[depth]
        if isinstance(parent, dict):
            present = part in parent
            parent.pop(str(part), None)
            return present
        if isinstance(parent, list) and isinstance(part, int) and _has_sections(loc[:depth]):
            parent[part] = {}
            return True
    return False


def _has_sections(loc: "Loc") -> bool:
    return bool(loc) and loc[-1] in {
        "alertmanagers",
        "escalate",
        "from",
        "overrides",
        "thresholds",
        "topics",
    }
