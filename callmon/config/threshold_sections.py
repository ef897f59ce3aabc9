"""The sections of thresholds.yml as pydantic models: keys, types, descriptions.

These are the source of ``config/thresholds.schema.json`` and of the reference in
``docs/administrators/thresholds.md``. The meaning of a limit follows the measure's unit,
so limits stay text here; ``callmon.config.rules`` reads them.
"""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from callmon.config.section import Section
from callmon.config.values import (
    Confidence,
    Count,
    Duration,
    HoursText,
    Limit,
    Name,
    Names,
    Text,
    Timezone,
    WindowName,
)
from callmon.measures import MEASURES
from callmon.rules import Severity

__all__ = [
    "CalendarSection",
    "EscalationSection",
    "LimitsSection",
    "OverrideSection",
    "ThresholdSection",
    "ThresholdsFile",
]


class EscalationSection(Section):
    """One more alert when it lasts."""

    required: ClassVar[tuple[str, ...]] = ("after", "severity")

    after: Duration | None = Field(default=None, examples=["5m"])
    """Counted from the moment the threshold fired."""
    severity: Severity | None = None
    """Of the added alert: higher than the one before."""


class LimitsSection(Section):
    """What a threshold and its overrides have in common."""

    above: Limit | None = Field(default=None, examples=["3m", "20%", 5])
    """Breached when the value is greater than this."""
    below: Limit | None = Field(default=None, examples=["80%", 1])
    """Breached when the value is smaller than this."""
    clear: Limit | None = Field(default=None, examples=["2m", "15%", 3])
    """Hysteresis: a firing alert ends only when the value is past this. Default: the limit."""
    hold: Duration | None = Field(alias="for", default=None, examples=["30s", "2m"])
    """The breach must last this long before it fires (0s)."""
    keep: Duration | None = Field(default=None, examples=["5m"])
    """Stays firing this long after it cleared (2m for live measures, else 0s)."""
    at_least: Count | None = Field(default=None, examples=[20])
    """Contacts the window must hold before it fires (20 for shares, else 0)."""
    confidence: Confidence | None = None
    """Shares only: the Wilson bound at this level must be beyond the limit, too."""
    active: Name | None = Field(default=None, examples=["business_hours"])
    """A calendar: outside its hours the threshold is off."""
    queues: Names | None = Field(default=None, examples=["all", ["vip", "sales_*"]])
    """`all`, or names and patterns of queues."""
    groups: Names | None = Field(default=None, examples=[["sales"], "all"])
    """`all`, or names and patterns of groups."""
    where: dict[str, Name] = Field(default_factory=dict, examples=[{"team": "sales"}])
    """Only those whose labels have these values."""


class OverrideSection(LimitsSection):
    """What differs for some queues, or during some dates; a later override wins."""

    elsewhere: ClassVar[Mapping[str, str]] = dict.fromkeys(
        (
            *("name", "measure", "window", "severity", "escalate"),
            *("summary", "summary_zh", "runbook"),
        ),
        ": an override cannot change it; write a threshold of its own",
    )

    during: Name | None = Field(default=None, examples=["double_eleven"])
    """A calendar: the override holds inside it only."""


class ThresholdSection(LimitsSection):
    """One threshold: a measure, a limit, and what to do."""

    required: ClassVar[tuple[str, ...]] = ("name", "measure")
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("limit", "threshold", "max", "over"), "; write above: or below:"),
        **dict.fromkeys(
            ("calendars", "shifts"),
            ": it stands by itself, at the left margin, not in an entry",
        ),
        **dict.fromkeys(
            ("enabled", "disabled"), "; to switch it off, put # before each of its lines"
        ),
        **dict.fromkeys(("min", "under"), "; write below:"),
        "duration": "; write for: (how long it must last)",
        "during": "; write active:, or during: in an override",
        "calendar": "; write active:",
        "shift": "; shifts stand beside thresholds, by calendar (shifts:)",
        **dict.fromkeys(
            ("summary_cn", "summary_ch", "summary_zh_CN", "summary_zh-CN"),
            "; write summary_zh:",
        ),
        "summary_en": "; write summary: (English, where summary_zh is there, too)",
    }

    name: Name | None = Field(default=None, examples=["long_wait"])
    """Unique; becomes the label `threshold`."""
    measure: Name | None = Field(
        default=None, examples=["longest_wait"], json_schema_extra={"enum": list(MEASURES)}
    )
    """What is watched (docs/administrators/measures.md)."""
    window: WindowName | None = Field(default=None, examples=["15m", "30m", "today"])
    """The sliding window of the measure; live measures have none."""
    severity: Severity = Severity.WARNING
    """How urgent the alert is."""
    escalate: list[EscalationSection] = Field(
        default_factory=list, examples=[[{"after": "5m", "severity": "critical"}]]
    )
    """More alerts when it lasts."""
    overrides: list[OverrideSection] = Field(
        default_factory=list, examples=[[{"queues": ["vip"], "above": "1m"}]]
    )
    """What differs for some queues or dates; merged in this order."""
    summary: Text | None = Field(
        default=None, examples=["{queue}: {value} of callers hung up in the last {window}"]
    )
    """The alert's first line; names in braces are filled in."""
    summary_zh: Text | None = Field(
        default=None, examples=["{queue} 最近 {window} 放弃率达 {value}"]
    )
    """The same for texts in Chinese. Default: `summary`."""
    runbook: Text | None = Field(default=None, examples=["https://wiki.example/abandonment"])
    """Where the alert's reader finds what to do."""


class CalendarSection(Section):
    """Opening hours, or special dates, or both."""

    elsewhere: ClassVar[Mapping[str, str]] = dict.fromkeys(
        (
            *("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
            *("mon-fri", "mon-sat", "mon-sun", "sat,sun", "sat-sun", "hours", "days"),
        ),
        '; days stand in weekly: { mon-fri: "09:00-18:00" }',
    )

    timezone: Timezone | None = None
    """The zone of its hours and dates. Default: `timezone` of callmon.yml."""
    weekly: dict[str, HoursText] = Field(
        default_factory=dict, examples=[{"mon-fri": ["09:00-12:00", "13:00-18:00"]}]
    )
    """Hours by weekday: `mon`, `mon-fri`, `sat,sun`; `22:00-06:00` runs into the next day.
    Without `weekly` every day is open all day."""
    holidays: Name | None = Field(default=None, examples=["CN", "DE-BY"])
    """Closed on the public holidays of this country, or country and region."""
    add_holidays: list[Name] = Field(default_factory=list, examples=[["2026-12-24"]])
    """Dates closed as well: `2026-12-24`, or `2026-12-24..2026-12-26`."""
    remove_holidays: list[Name] = Field(default_factory=list, examples=[["2026-10-03"]])
    """Public holidays on which you work."""
    dates: list[Name] = Field(default_factory=list, examples=[["2026-11-10..2026-11-12"]])
    """Closed outside these dates; on them open all day, or the hours of `weekly`."""
    special: dict[str, HoursText] = Field(
        default_factory=dict, examples=[{"2026-12-31": "09:00-13:00"}]
    )
    """Other hours on a date or range of dates, or `closed`; goes before all else."""


class ThresholdsFile(Section):
    """thresholds.yml: what is watched, and when."""

    thresholds: list[ThresholdSection] = Field(
        default_factory=list,
        examples=[[{"name": "long_wait", "measure": "longest_wait", "above": "3m"}]],
    )
    """The thresholds."""
    calendars: dict[str, CalendarSection] = Field(
        default_factory=dict,
        examples=[{"business_hours": {"weekly": {"mon-fri": "09:00-18:00"}, "holidays": "CN"}}],
    )
    """Named hours and dates for `active`, `during` and `shifts`."""
    shifts: dict[str, Name] = Field(
        default_factory=dict, examples=[{"day": "business_hours", "night": "night_hours"}]
    )
    """Who is on duty, each with a calendar; becomes the label `shift`. The first that is open
    when an alert is raised counts."""
