"""How the YAML files write values: durations, shares, counts, names, secrets.

Every reader takes what stands in the file and returns the value, or raises ValueError with
a message that tells the cure; what was found is added by the caller, who knows the file.
Beside each reader stands the pydantic type that uses it, with its JSON Schema for editors.
"""

import functools
import re
from collections.abc import Mapping
from fractions import Fraction
from statistics import NormalDist
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema

from callmon.clock import SECOND, Micros
from callmon.config.meant import count_meant, duration_meant, share_meant
from callmon.config.problems import did_you_mean
from callmon.measures import Unit
from callmon.secret import Secret

__all__ = [
    "Address",
    "Confidence",
    "Count",
    "Duration",
    "HoursText",
    "Limit",
    "Name",
    "Names",
    "NotRepeatedError",
    "Number",
    "Port",
    "Secret",
    "SecretText",
    "Switch",
    "Text",
    "Timezone",
    "Url",
    "WindowName",
    "certainty",
    "duration",
    "format_duration",
    "format_limit",
    "limit",
    "ratio",
    "timezone",
    "window_name",
]

MAX_NAME = 120
"""Longer than any queue's name: it becomes a label, a page heading, a message."""
MAX_WINDOW: Micros = 24 * 3600 * SECOND
"""Everything within the longest window is kept in memory."""

_UNITS: Mapping[str, Micros] = {
    "d": 86_400 * SECOND,
    "h": 3_600 * SECOND,
    "m": 60 * SECOND,
    "s": SECOND,
    "ms": SECOND // 1_000,
}
_DURATION = re.compile(
    r"(?=\d|\.\d)" + "".join(rf"(?:(?P<{unit}>\d+(?:\.\d+)?){unit})?" for unit in _UNITS)
)
_DURATION_HELP = "expected a duration like 30s, 5m or 1h30m"
_LAST_PORT = 65_535
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")


class NotRepeatedError(ValueError):
    """A complaint about a value that may hold a secret: what was found is not shown."""


def text(value: object) -> str:
    """Return any text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected text")
    return value


def secret(value: object) -> Secret:
    """Return the secret; the message never repeats it."""
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value:
        raise NotRepeatedError("expected a secret as text")
    return Secret(value)


def name(value: object) -> str:
    """Return a name as written: no line breaks, no blanks around it."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a name")
    if value != value.strip() or not value.isprintable():
        raise ValueError("expected a name without line breaks and without blanks around it")
    if len(value) > MAX_NAME:
        raise ValueError(f"expected a name of at most {MAX_NAME} characters")
    return value


def listed(value: object) -> object:
    """Return a list of what stands there; a single name may stand without brackets."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise ValueError("expected a name or a list of names")
    return value


def hours_text(value: object) -> list[str]:
    """Return hours as written, one text each; ``closed`` or nothing is an empty list."""
    if value is None or value == "closed":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return list(value)
    raise ValueError('expected hours like "09:00-18:00", a list of them, or closed')


def switch(value: object) -> bool:
    """Return true or false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise ValueError("expected true or false")


def count(value: object) -> int:
    """Return a whole number, 0 or more."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        return int(value)
    if isinstance(value, int):
        return value
    meant = _asked(count_meant(value) if isinstance(value, str) else None)
    raise ValueError(f"expected a whole number, 0 or more{meant}")


def number(value: object) -> float:
    """Return a positive number."""
    if isinstance(value, str) and re.fullmatch(_NUMBER, value) and float(value) > 0:
        return float(value)
    if isinstance(value, float):
        return value
    raise ValueError("expected a number above 0")


def port(value: object) -> int:
    """Return the number of a TCP port."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}", value):
        value = int(value)
    if isinstance(value, int) and 0 < value <= _LAST_PORT:
        return value
    raise ValueError(f"expected a port, 1 to {_LAST_PORT}")


def duration(value: object) -> Micros:
    """Return microseconds for ``30s``, ``5m``, ``1h30m``, ``2d``, ``250ms`` or ``0``."""
    if isinstance(value, int):
        return value
    if not isinstance(value, str):
        raise ValueError(_DURATION_HELP)  # noqa: TRY004 - pydantic listens to ValueError
    if value == "0":
        return 0
    if value.startswith("-"):
        raise ValueError("a duration cannot be negative")
    if re.fullmatch(_NUMBER, value):
        raise ValueError(
            f"a duration needs a unit: write {value}s for seconds or {value}m for minutes"
        )
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError(f"{_DURATION_HELP}{_asked(duration_meant(value))}")
    total = sum(
        Fraction(match[unit]) * length for unit, length in _UNITS.items() if match[unit]
    )
    if total % 1:
        raise ValueError("expected a duration of whole microseconds")
    return int(total)


def _asked(meant: str | None) -> str:
    return f"; did you mean '{meant}'?" if meant is not None else ""


def window_name(value: object) -> str:
    """Return the window's name: ``today``, or its length in the shortest spelling."""
    if value == "today":
        return "today"
    try:
        length = duration(value)
    except ValueError as error:
        expected, asks, meant = str(error).partition("; did you mean")
        raise ValueError(f"{expected}, or today{asks}{meant}") from None
    if not SECOND <= length <= MAX_WINDOW:
        raise ValueError("a window lies between 1s and 1d")
    return format_duration(length)


def ratio(value: object) -> Fraction:
    """Return the share for ``20%`` or ``0.2``."""
    match = (
        re.fullmatch(r"([-+]?(?:\d+(?:\.\d*)?|\.\d+))\s*(%?)", value)
        if isinstance(value, str)
        else None
    )
    if match is None:
        meant = share_meant(value) if isinstance(value, str) else None
        raise ValueError(f"expected a share like 20% or 0.2{_asked(meant)}")
    digits, percent = match[1], match[2]
    if not percent and re.fullmatch(r"[-+]?\d+", digits):
        hint = "100% or 1%" if digits == "1" else f"{digits}%"
        raise ValueError(f"a bare {digits} is ambiguous for a share: write {hint}")
    share = Fraction(digits) / (100 if percent else 1)
    if not 0 <= share <= 1:
        raise ValueError("a share lies between 0% and 100%")
    return share


def confidence(value: object) -> float:
    """Return the two-sided z of a confidence level: 1.96 for ``95%``."""
    if isinstance(value, float):
        return value
    level = ratio(value)
    if not Fraction(1, 2) <= level <= Fraction(999, 1000):
        raise ValueError("a confidence lies between 50% and 99.9%; 95% is usual")
    return round(NormalDist().inv_cdf((1 + float(level)) / 2), 3)


def certainty(confidence: float) -> float:
    """Return the percentage that a ``confidence`` was read from."""
    return 200 * NormalDist().cdf(confidence) - 100


def limit(unit: Unit, value: object) -> Fraction:
    """Return a limit in the measure's inner unit: microseconds, contacts or a share."""
    if unit is Unit.RATIO:
        return ratio(value)
    if unit is Unit.SECONDS:
        return Fraction(duration(value))
    try:
        return Fraction(count(value))
    except ValueError:
        meant = _asked(count_meant(value) if isinstance(value, str) else None)
        message = f"expected a whole number of {unit.value}, such as 5{meant}"
        raise ValueError(message) from None


def timezone(value: object) -> str:
    """Return the name of a time zone of the IANA database."""
    known = _zones()
    if isinstance(value, str) and value in known:
        return value
    hint = did_you_mean(value, known) if isinstance(value, str) else ""
    raise ValueError(f"expected an IANA time zone such as Asia/Shanghai{hint}")


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads a folder tree each time


def url(value: object) -> str:
    """Return an http or https address without a trailing slash."""
    if isinstance(value, str) and "@" in value:
        raise NotRepeatedError("no user or password in an address: use basic_auth")
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        good = parts.port != 0 and parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # a port that is no number
        good = False
    if not good:
        raise ValueError("expected an address like http://127.0.0.1:9093")
    return str(value).rstrip("/")


def address(value: object) -> tuple[str, int]:
    """Return host and port of ``127.0.0.1:9877`` or ``[::1]:9877``; port 0 takes a free one."""
    match = (
        re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]\s]*)):(\d{1,5})", value)
        if isinstance(value, str)
        else None
    )
    if match is None or int(match[3]) > _LAST_PORT:
        raise ValueError("expected host:port such as 127.0.0.1:9877 or [::1]:9877")
    return match[1] or match[2] or "0.0.0.0", int(match[3])  # noqa: S104 - as asked for


def format_duration(length: Micros) -> str:
    """Return *length* as the files write it: ``1h30m``; ``0s`` for nothing."""
    parts: list[str] = []
    for unit, size in _UNITS.items():
        if unit == "ms":
            parts.append(f"{length / size:.10g}ms" if length else "")
            continue
        amount, length = divmod(length, size)
        parts.append(f"{amount}{unit}" if amount else "")
    return "".join(parts) or "0s"


def format_limit(unit: Unit, value: Fraction) -> str:
    """Return a limit as the files write it: ``3m``, ``20%``, ``5``."""
    if unit is Unit.RATIO:
        return f"{float(value * 100):.10g}%"
    if unit is Unit.SECONDS:
        return format_duration(int(value))
    return f"{int(value)}"


def _schema(
    pattern: str | None, *examples: str | float, number: bool = False
) -> WithJsonSchema:
    shape: dict[str, object] = {"type": ["string", "number"] if number else "string"}
    if pattern is not None:
        shape["pattern"] = pattern
    return WithJsonSchema({**shape, "examples": list(examples)})


def _limit_text(value: object) -> str:
    """Return the limit as written; its grammar follows the measure's unit, read later."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a limit like 3m, 20% or 5")
    return value


_DURATION_PATTERN = r"^(0|([0-9]+(\.[0-9]+)?(d|h|ms|m|s))+|.*\$\{.*)$"
_NAME_SCHEMA = {"type": ["string", "number", "boolean"]}

Text = Annotated[str, BeforeValidator(text)]
SecretText = Annotated[Secret, PlainValidator(secret), _schema(None, "${PASSWORD}")]
Name = Annotated[str, BeforeValidator(name), WithJsonSchema(_NAME_SCHEMA)]
Names = Annotated[
    list[Name],
    BeforeValidator(listed),
    WithJsonSchema({"anyOf": [_NAME_SCHEMA, {"type": "array", "items": _NAME_SCHEMA}]}),
]
HoursText = Annotated[
    list[str],
    BeforeValidator(hours_text),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    ),
]
Switch = Annotated[bool, BeforeValidator(switch), WithJsonSchema({"type": "boolean"})]
Count = Annotated[
    int, BeforeValidator(count), WithJsonSchema({"type": "integer", "minimum": 0})
]
Number = Annotated[
    float, BeforeValidator(number), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
]
Port = Annotated[
    int,
    BeforeValidator(port),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": _LAST_PORT}),
]
Duration = Annotated[
    int, BeforeValidator(duration), _schema(_DURATION_PATTERN, "30s", "5m", "1h30m")
]
WindowName = Annotated[
    str,
    BeforeValidator(window_name),
    _schema(r"^(today|([0-9]+(\.[0-9]+)?(d|h|ms|m|s))+)$", "15m", "1h", "today"),
]
Limit = Annotated[str, BeforeValidator(_limit_text), _schema(None, "3m", "20%", 5, number=True)]
Confidence = Annotated[
    float, BeforeValidator(confidence), _schema(r"^[0-9]+(\.[0-9]+)?\s*%$", "95%")
]
Timezone = Annotated[str, BeforeValidator(timezone), _schema(None, "Asia/Shanghai", "UTC")]
Url = Annotated[str, BeforeValidator(url), _schema(r"^https?://|\$\{", "http://127.0.0.1:9093")]
Address = Annotated[tuple[str, int], BeforeValidator(address), _schema(None, "127.0.0.1:9877")]
