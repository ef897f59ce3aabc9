"""Values as JSON has them: seconds, ratios 0 to 1, instants. What is not known is null.

Here are also the types of fields that several answers of ``/api/v1/`` have, in the words of
its documentation.
"""

import datetime as dt
from fractions import Fraction
from typing import Annotated, overload

from msgspec import Meta

from callmon.clock import SECOND, Micros
from callmon.readings import Reading, Unit

__all__ = [
    "Amount",
    "Instant",
    "Labels",
    "MeasureName",
    "TargetSeconds",
    "ThresholdName",
    "WindowName",
    "instant",
    "number",
    "shown",
]

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""RFC 3339 in UTC; with microseconds where there are some."""

Labels = Annotated[
    dict[str, str], Meta(description="Static labels that the configuration gives: site, team …")
]
ThresholdName = Annotated[str, Meta(description="Name of the threshold in thresholds.yml.")]
MeasureName = Annotated[str, Meta(description="The measure that the threshold limits.")]
WindowName = Annotated[
    str | None,
    Meta(description="Window of the measure, such as 15m or today; null: it is of now."),
]
Amount = Annotated[
    float, Meta(description="In the unit of the measure: seconds, ratio 0 to 1, or number.")
]
TargetSeconds = Annotated[
    float, Meta(description="The service level's target: who waits longer is over it.")
]


@overload
def instant(at: Micros) -> str: ...
@overload
def instant(at: Micros | None) -> str | None: ...
def instant(at: Micros | None) -> str | None:
    """Return an instant as RFC 3339 text in UTC."""
    if at is None:
        return None
    seconds, micros = divmod(at, SECOND)
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=micros)
    return moment.isoformat().replace("+00:00", "Z")


def number(reading: Reading | None, unit: Unit) -> float | None:
    """Return what was read as people count: seconds, not microseconds."""
    return None if reading is None else _quotient(reading[0], reading[1], unit)


def shown(value: Fraction, unit: Unit | None) -> float:
    """Return *value* as people count: seconds, not microseconds."""
    return _quotient(value.numerator, value.denominator, unit)


def _quotient(numerator: int, denominator: int, unit: Unit | None) -> float:
    """Return the nearest number there is; a whole one without a fraction."""
    if unit is Unit.SECONDS:
        denominator *= SECOND
    whole, rest = divmod(numerator, denominator)
    return numerator / denominator if rest else whole
