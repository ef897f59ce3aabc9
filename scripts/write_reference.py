#!/usr/bin/env python3
"""Writes docs/administrators/reference.md from the schemas and the registry of measures."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from callmon.config.schema import SCHEMAS, json_schema
from callmon.measures import MEASURES
from callmon.readings import Measure

__all__ = ["PAGE", "reference_page"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "administrators" / "reference.md"

HEAD = """\
# Reference: every key, every measure

For administrators. What may stand in a file, key by key, and what may stand after `measure:`.
The same texts appear in an editor while one types. How it all works together:
[thresholds](thresholds.md); what each figure means, with an example: [measures](measures.md).

`make fmt` writes this page.
"""

MEASURES_HEAD = """
## Measures

A **live** measure says what holds now and has no `window`; one **over a window** needs one. The
limit of one in seconds is written as a duration (`3m`), of a ratio as a share (`20%`), of the
others as a number. The metric follows `callmon_queue_` or `callmon_group_`.

| measure | unit | kind | what it is | metric |
|---|---|---|---|---|
"""

FILES: Mapping[str, str] = {"thresholds": "thresholds.yml", "scenario": "Scenario files"}
"""The files of administrators, and the heading of each; callmon.yml is the operators'."""

SEVERAL = {"object": "mapping", "integer": "number", "boolean": "`true` `false`"}
"""What people call the types of JSON."""

FEW = 6
"""More values than this are not listed in a cell."""


PLAIN = re.compile(r"[A-Za-z0-9/.][\w./%+*-]*(://[\w./-]+)?")
"""Text that YAML takes as it is, also within brackets."""

LONGEST = 70
"""Characters of an example that fits into a cell; whole files stand on other pages."""


def reference_page() -> str:
    """Return the page."""
    parts = [HEAD]
    for which, heading in FILES.items():
        if which in SCHEMAS:
            parts += [f"\n## {heading}\n", *_file(json_schema(which))]
    parts.append(MEASURES_HEAD)
    parts += [_measure(measure) for measure in MEASURES.values()]
    return "".join(parts)


def _file(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sections of a file, the outermost first."""
    definitions = schema.get("$defs", {})
    yield from _section("The file", schema, definitions)
    for name in _order(schema, definitions):
        yield from _section(_title(name), definitions[name], definitions)


def _order(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[str]:
    """Return the sections that *schema* leads to, as one meets them."""
    found: dict[str, None] = {}

    def visit(node: Any) -> None:
        if isinstance(node, list):
            for each in node:
                visit(each)
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in found and "properties" in definitions[name]:
                found[name] = None
                visit(definitions[name])
            visit([value for key, value in node.items() if key not in {"$ref", "$defs"}])

    visit(schema)
    return list(found)


def _section(
    title: str, section: Mapping[str, Any], definitions: Mapping[str, Any]
) -> Iterator[str]:
    yield f"\n### {title}\n\n{_line(section.get('description', ''))}\n"
    required = set(section.get("required", ()))
    yield "\n| key | written as | what it means | examples |\n|---|---|---|---|\n"
    keys = section.get("properties", {})
    for key in sorted(keys, key=lambda key: key not in required):
        value = keys[key]
        must = " (must be there)" if key in required else ""
        shown = [_code(example) for example in value.get("examples", ())]
        examples = ", ".join(text for text in shown if len(text) <= LONGEST)
        yield (
            f"| `{key}`{must} | {_type(value, definitions)} "
            f"| {_line(_description(value, definitions))} | {examples} |\n"
        )


def _title(name: str) -> str:
    """Return ``ThresholdSection`` as *threshold*."""
    words = name.removesuffix("Section").removesuffix("File")
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in words)
    return spaced.strip().capitalize()


def _target(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what *value* refers to, if it does."""
    name = str(value.get("$ref", "")).rpartition("/")[2]
    found: Mapping[str, Any] = definitions.get(name, {})
    return found


def _description(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    return str(value.get("description") or _target(value, definitions).get("description", ""))


def _type(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:  # noqa: PLR0911 - one return per kind
    """Return in words what may be written."""
    target = _target(value, definitions)
    if "properties" in target:
        return f"[{_title(str(target['title']))}](#{_anchor(str(target['title']))})"
    if enum := target.get("enum") or value.get("enum"):
        few = enum if len(enum) <= FEW else ()
        return " ".join(_code(each) for each in few) or "[measure](#measures)"
    if "anyOf" in value or "oneOf" in value:
        kinds = [_type(each, definitions) for each in value.get("anyOf", value.get("oneOf"))]
        return " or ".join(dict.fromkeys(kinds))
    kind = value.get("type", "")
    if kind == "array":
        return f"list of {_type(value.get('items', {}), definitions)}"
    if kind == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"names, each with {_type(value['additionalProperties'], definitions)}"
    if isinstance(kind, list):
        return "number or text" if set(kind) <= {"string", "number"} else "text"
    if kind == "string":
        return _text_kind(str(value.get("pattern", "")))
    return SEVERAL.get(kind, str(kind) or "text")


def _text_kind(pattern: str) -> str:
    """Return what a text is by its *pattern*."""
    if "ms" in pattern:
        return "duration or `today`" if "today" in pattern else "duration"
    return "share" if "%" in pattern else "text"


def _anchor(name: str) -> str:
    return _title(name).lower().replace(" ", "-")


def _measure(measure: Measure) -> str:
    kind = "over a window" if measure.windowed else "live"
    if measure.of_agents:
        kind += ", of agents"
    labels = ",".join(f'{key}="{value}"' for key, value in measure.labels)
    metric = measure.metric + (f"{{{labels}}}" if labels else "")
    return (
        f"| [`{measure.name}`](measures.md#{measure.name}) | {measure.unit.value} | {kind} "
        f"| {_line(measure.help)} | `{metric}` |\n"
    )


def _code(value: object) -> str:
    """Return *value* as it may be written into YAML in one line."""
    return f"`{_flow(value)}`".replace("|", "\\|")


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key}: {_flow(each)}' for key, each in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        return f'"{value}"'
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _line(text: str) -> str:
    """Return *text* as it may stand in a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference_page())


if __name__ == "__main__":
    main()
