"""The answers of ``/api/v1/`` and ``/-/debug/``: their fields, units and meaning.

``callmon.openapi`` makes the documentation of them. Durations are seconds, ratios 0 to 1;
what is not known is null, never 0.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from callmon.alerts import AlertStep, Ended
from callmon.measures import MEASURES
from callmon.plain import (
    Amount,
    Instant,
    Labels,
    MeasureName,
    TargetSeconds,
    ThresholdName,
    WindowName,
)
from callmon.readings import Measure, Unit
from callmon.rules import Direction, Severity, SubjectKind
from callmon.thresholds import State

__all__ = [
    "LIVE",
    "WINDOWED",
    "AlertsView",
    "FeedEvent",
    "FeedStatus",
    "FeedView",
    "HistoryView",
    "LiveMeasures",
    "PastAlert",
    "QueuesView",
    "StandingAlert",
    "StatusView",
    "StepView",
    "SubjectView",
    "SuppressionView",
    "ThresholdView",
    "WindowMeasures",
]

LIVE = tuple(measure for measure in MEASURES.values() if not measure.windowed)
"""What ``LiveMeasures`` has, in its order."""

WINDOWED = tuple(measure for measure in MEASURES.values() if measure.windowed)
"""What ``WindowMeasures`` has, in its order."""


def _figures(name: str, about: str, measures: Iterable[Measure]) -> Any:
    """Return a struct with a field for each of *measures*."""
    number = {Unit.CONTACTS: int, Unit.AGENTS: int, Unit.SECONDS: float, Unit.RATIO: float}
    fields = [(measure.name, number[measure.unit] | None) for measure in measures]
    return msgspec.defstruct(
        name, fields, module=__name__, namespace={"__doc__": about}, frozen=True
    )


if TYPE_CHECKING:  # fields that are made of the registry have no types to be checked
    LiveMeasures: TypeAlias = msgspec.Struct
    WindowMeasures: TypeAlias = msgspec.Struct
else:
    LiveMeasures = _figures("LiveMeasures", "Measures of now; all null while blind.", LIVE)
    WindowMeasures = _figures(
        "WindowMeasures",
        "Measures over a window; null where it has no contact to be measured by.",
        WINDOWED,
    )


def _one_of(words: type[StrEnum]) -> Meta:
    """Return that a text from the journal is one of *words*."""
    return Meta(extra_json_schema={"enum": [word.value for word in words]})


Queue = Annotated[
    str | UnsetType,
    Meta(description="The queue it is about; not there if it is about something else."),
]
Group = Annotated[
    str | UnsetType,
    Meta(description="The group it is about; not there if it is about something else."),
]
Team = Annotated[
    str | UnsetType,
    Meta(description="Of a storm, whose measure is alerts, the team; else not there."),
]
Shift = Annotated[
    str | None, Meta(description="On duty when the alert was raised; null: none is configured.")
]
Value = Annotated[float, Meta(description="The last one known, in the unit of the measure.")]
Peak = Annotated[
    float, Meta(description="The worst since the breach began, in the unit of the measure.")
]
Since = Annotated[Instant, Meta(description="When the breach began.")]
FiredAt = Annotated[Instant, Meta(description="When the first alert of the breach was raised.")]
RaisedAt = Annotated[
    Instant,
    Meta(description="When this alert was raised: later than fired_at if escalation added it."),
]


class SubjectView(msgspec.Struct, frozen=True, kw_only=True):
    """One queue or group with all its measures."""

    kind: SubjectKind
    name: str
    labels: Labels
    blind: Annotated[
        bool, Meta(description="No feed sees it: what waits there now is not known.")
    ]
    target_s: TargetSeconds
    live: LiveMeasures
    paused_by_reason: Annotated[
        dict[str, int] | None, Meta(description="Paused agents by reason; null: not known.")
    ]
    windows: Annotated[
        dict[str, WindowMeasures], Meta(description="By the name of the window: 15m, today …")
    ]


class QueuesView(msgspec.Struct, frozen=True, kw_only=True):
    """Every queue and group with all its measures; none before they are known."""

    at: Annotated[Instant, Meta(description="The state is of this instant.")]
    subjects: list[SubjectView]


class SuppressionView(msgspec.Struct, frozen=True, kw_only=True):
    """Why an Alertmanager tells nobody of an alert."""

    kind: Annotated[str, Meta(description="silenced or inhibited.")]
    by: Annotated[str, Meta(description="Who silenced it, or the alert that speaks for it.")]
    until: Annotated[
        Instant | None, Meta(description="End of the silence; null: inhibited, or not known.")
    ]
    comment: Annotated[str, Meta(description="What was written when it was silenced.")]
    alertmanager: str


class StandingAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that stands, as of now."""

    threshold: ThresholdName
    queue: Queue = UNSET
    group: Group = UNSET
    labels: Labels
    severity: Severity
    measure: MeasureName
    window: WindowName
    direction: Annotated[Direction, Meta(description="Which side of the limit is bad.")]
    limit: Amount
    value: Value
    peak: Peak
    since: Since
    fired_at: FiredAt
    raised_at: RaisedAt
    shift: Shift
    blind: Annotated[bool, Meta(description="It is kept, though nothing is seen.")]
    ended: Annotated[Ended | None, Meta(description="null: it stands.")]
    ended_at: Annotated[Instant | None, Meta(description="null: it stands.")]
    held: Annotated[bool, Meta(description="A storm of alerts speaks for it.")]
    suppression: Annotated[
        SuppressionView | None,
        Meta(description="Why nobody is told; null: they are, or it is not known now."),
    ]


class ThresholdView(msgspec.Struct, frozen=True, kw_only=True):
    """Where one threshold of one queue or group stands."""

    threshold: ThresholdName
    queue: Queue = UNSET
    group: Group = UNSET
    state: Annotated[
        State,
        Meta(
            description="pending: past the limit, not yet for long enough; keeping: cleared, "
            "but the alert still stands; no_value: nothing to compare; off: outside active."
        ),
    ]
    value: Annotated[
        float | None,
        Meta(description="In the unit of the measure; null: not known, or no contacts."),
    ]
    limit: Amount
    direction: Annotated[Direction, Meta(description="Which side of the limit is bad.")]
    since: Annotated[
        Instant | None, Meta(description="When the breach began; null: there is none.")
    ]


class AlertsView(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts that stand, and where every threshold stands, once that is known."""

    at: Annotated[Instant, Meta(description="The state is of this instant.")]
    alerts: list[StandingAlert]
    thresholds: list[ThresholdView]


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an alert on its way to people."""

    step: Annotated[str, _one_of(AlertStep)]
    at: Instant
    detail: Annotated[
        str, Meta(description="The Alertmanager that took it, or by whom it was silenced.")
    ]


class PastAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert of the history; it may still stand."""

    threshold: ThresholdName
    queue: Queue = UNSET
    group: Group = UNSET
    team: Team = UNSET
    severity: Annotated[str, _one_of(Severity)]
    labels: Labels
    shift: Shift
    measure: MeasureName
    window: WindowName
    direction: Annotated[str, _one_of(Direction)]
    limit: Amount
    value: Value
    peak: Peak
    since: Since
    fired_at: FiredAt
    raised_at: RaisedAt
    ended_at: Annotated[Instant | None, Meta(description="null: it stands.")]
    ended: Annotated[
        Annotated[str, _one_of(Ended)] | None,
        Meta(description="Why it ended; null: it stands, or it was not written down."),
    ]
    cause: Annotated[
        str | None, Meta(description="The likely cause in words, as it was told; null: none.")
    ]
    steps: Annotated[list[StepView], Meta(description="The first one first.")]
    outcome: Annotated[
        str | None,
        Meta(
            description="How it reached people: told, handed_over (to Prometheus), missed, "
            "held (a storm spoke for it) or pending; null: it was over before that was kept."
        ),
    ]
    told_after_s: Annotated[
        float | None,
        Meta(description="From raised_at until the first Alertmanager had it; null: none has."),
    ]


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts of a time, the newest first."""

    at: Annotated[Instant, Meta(description="When it was asked.")]
    since: Instant
    until: Annotated[Instant | None, Meta(description="null: until now and later.")]
    more: Annotated[bool, Meta(description="There are older ones than these in that time.")]
    alerts: list[PastAlert]


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One feed and whether it sees."""

    feed: Annotated[str, Meta(description="Its name in callmon.yml.")]
    source: Annotated[str, Meta(description="The telephone system behind it.")]
    up: Annotated[bool, Meta(description="It sees its source.")]
    reason: Annotated[str, Meta(description="Why it is up or not, in words.")]
    current: Annotated[
        bool, Meta(description="It has told all there is; not while a backlog is read.")
    ]
    last_event_at: Annotated[Instant | None, Meta(description="null: it had no event yet.")]
    account: Annotated[
        list[str], Meta(description="What is wrong with its account at the source.")
    ]


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """How callmon and its feeds are."""

    version: str
    at: Annotated[Instant, Meta(description="The state is of this instant.")]
    problems: Annotated[list[str], Meta(description="Why callmon is not ready; empty: it is.")]
    feeds: list[FeedStatus]


class FeedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event, without who called or whom he spoke with."""

    event: Annotated[str, Meta(description="What happened.", examples=["contact_joined"])]
    at: Annotated[Instant, Meta(description="By the clock of the source.")]
    queue: Annotated[
        str | None, Meta(description="As the source calls it; null: it is about none.")
    ]


class FeedView(FeedStatus, frozen=True, kw_only=True):
    """One feed, how far it has read, and its last events."""

    position: Annotated[
        dict[str, str | int] | None,
        Meta(description="In the feed's own words; null: it has read nothing."),
    ]
    recent: Annotated[list[FeedEvent], Meta(description="The last ones, the oldest first.")]
