"""The sections of a scenario file as pydantic models: keys, types, descriptions.

These are the source of ``config/scenario.schema.json``. What the sentences mean is read by
``callmon.scenario``.
"""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from callmon.config.section import Section
from callmon.config.values import Name, Names, Switch, Text, Timezone

__all__ = ["LoadSection", "ScenarioFile", "ScenarioSection"]

_EXAMPLES = [
    "at 10:00:00 caller 7 joins support",
    "by 10:03:30 long_wait(support) fires warning",
    "at 10:04 nothing else fires",
    "at 10:05 caller 7 is answered by Ann",
    "every 30s from 10:00 to 10:10 a caller joins support and hangs up after 10s",
    "between 10:00 and 10:10 20 callers join support and are answered after 5s",
    "at 10:00 caller 8 rings at Ann for 15s in vain",
    "at 10:00 3 callers are refused by support because it is full",
    "at 10:00 queue support reports 3 waiting, longest wait 45s, 190 answered, 15 abandoned",
    "at 10:04 waiting(support) is 3",
    "at 10:04 abandonment_rate(support, 15m) is 25%",
]


def _sentence(value: object) -> str:
    """Return a sentence; what is none is no text, so that the others are read all the same."""
    return value if isinstance(value, str) else ""


Sentence = Annotated[
    str,
    BeforeValidator(_sentence),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"\b(at|by|until|between|from|every)\s",
            "examples": _EXAMPLES,
        }
    ),
]

_DAY_SCHEMA = WithJsonSchema(
    {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "examples": ["2026-11-23"]}
)
Day = Annotated[Text, _DAY_SCHEMA]


class LoadSection(Section):
    """Calls that truly happened, from their logs."""

    required: ClassVar[tuple[str, ...]] = ("files",)

    files: Names | None = Field(default=None, examples=["queue_log.gz", ["monday.jsonl"]])
    """queue_logs and recordings, relative to this file."""
    day: Day | None = None
    """The day of the files to take; it is moved to the scenario's. Default: the scenario's."""
    source: Name | None = Field(default=None, examples=["pbx"])
    """The source in callmon.yml that the files are of. Default: the only one."""


class ScenarioSection(Section):
    """One scenario: calls, and what is expected of the thresholds."""

    required: ClassVar[tuple[str, ...]] = ("name", "steps")

    name: Name | None = Field(default=None, examples=["one caller too long"])
    """What is tried; unique in the file."""
    day: Day | None = None
    """The day on which it happens. Default: that of the file."""
    strict: Switch | None = None
    """Whether an alert that no step expects is a failure. Default: that of the file."""
    load: LoadSection | None = Field(default=None, examples=[{"files": "queue_log.gz"}])
    """Calls that truly happened; the steps come on top."""
    steps: list[Sentence] = Field(default_factory=list, examples=[_EXAMPLES[:3]])
    """Sentences: a time, and what happens or is expected then."""


class ScenarioFile(Section):
    """A file of scenarios for `callmon test`."""

    required: ClassVar[tuple[str, ...]] = ("scenarios",)

    config: Text | None = Field(default=None, examples=["../callmon.yml"])
    """The callmon.yml whose queues and thresholds are tried, relative to this file."""
    timezone: Timezone | None = None
    """Of the times in sentences. Default: `timezone` of callmon.yml."""
    day: Day | None = None
    """The day of scenarios that name none."""
    strict: Switch = False
    """Whether an alert that no step expects is a failure."""
    queues: Names | None = Field(default=None, examples=[["overflow"]])
    """Queues that callmon.yml does not list, but sentences name."""
    scenarios: list[ScenarioSection] = Field(
        default_factory=list, examples=[[{"name": "too long", "steps": _EXAMPLES[:3]}]]
    )
    """The scenarios; each begins with an empty call centre."""
