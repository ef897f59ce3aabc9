"""What a limit looks like follows the measure: so that an editor marks ``above: 180``."""

from typing import Any

from callmon.config.choices import unit_text
from callmon.measures import MEASURES, Unit

__all__ = ["limit_conditions"]

_VARIABLE = r".*\$\{.*"

_LIMITS: dict[Unit, dict[str, Any]] = {
    Unit.SECONDS: {
        "examples": ["3m"],
        "type": "string",
        "pattern": rf"^(([0-9]+(\.[0-9]+)?(d|h|ms|m|s))+|{_VARIABLE})$",
    },
    Unit.RATIO: {
        "examples": ["20%"],
        "type": ["string", "number"],
        "pattern": rf"^([0-9]+(\.[0-9]*)?\s*%|\.[0-9]+\s*%|0?\.[0-9]+|{_VARIABLE})$",
        # 20 or 20%? A bare whole number is no share.
        "if": {"type": "integer"},
        "then": {"type": "string", "errorMessage": f"expected {unit_text(Unit.RATIO)}"},
    },
    Unit.CONTACTS: {
        "examples": [5],
        "type": ["integer", "string"],
        "pattern": rf"^([0-9]+|{_VARIABLE})$",
        "minimum": 0,
    },
}
_LIMITS[Unit.AGENTS] = _LIMITS[Unit.CONTACTS]


def limit_conditions() -> list[dict[str, Any]]:
    """Return what holds for a threshold by its measure: its limits, and its window."""
    conditions = [
        {
            "if": _measure_is([name for name, one in MEASURES.items() if one.unit is unit]),
            "then": _limits_are(unit),
        }
        for unit in _LIMITS
    ]
    windowed = [name for name, one in MEASURES.items() if one.windowed]
    live = [name for name in MEASURES if name not in windowed]
    return [
        *conditions,
        {"if": _measure_is(windowed), "then": {"required": ["window"]}},
        {"if": _measure_is(live), "then": {"properties": {"window": False}}},
    ]


def _measure_is(names: list[str]) -> dict[str, Any]:
    return {"properties": {"measure": {"enum": names}}, "required": ["measure"]}


def _limits_are(unit: Unit) -> dict[str, Any]:
    limit = {**_LIMITS[unit], "errorMessage": f"expected {unit_text(unit)}"}
    limits = dict.fromkeys(("above", "below", "clear"), limit)
    return {"properties": {**limits, "overrides": {"items": {"properties": limits}}}}
