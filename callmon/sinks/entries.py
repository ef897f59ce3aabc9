"""One alert on its way to the Alertmanagers, and how it is kept over a restart. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from callmon.alerts import AlertKey
from callmon.clock import Micros
from callmon.rules import Subject, SubjectKind
from callmon.sinks.payload import ALERT_NAME, Content

__all__ = ["Duty", "Entry", "Road", "dump", "load"]


class Road(StrEnum):
    """Whose an alert is."""

    UNDECIDED = "undecided"
    DIRECT = "direct"
    PROMETHEUS = "prometheus"
    HELD = "held"  #: nobody's: a storm speaks for it


@dataclasses.dataclass(slots=True, kw_only=True)
class Duty:
    """What one Alertmanager still has to be told of one alert."""

    due: Micros
    in_flight: bool = False
    accepted: bool = False  #: it has taken this alert as firing
    unsure: bool = False  #: it may have taken it: the answer was lost
    sent_at: Micros = 0  #: wall time of the last accepted post as firing
    done: bool = False  #: it knows the end


@dataclasses.dataclass(slots=True, kw_only=True)
class Entry:
    """One alert, from its breach until every Alertmanager knows its end."""

    content: Content
    learned: Micros  #: monotonic; the handover counts from here
    duties: dict[str, Duty]
    road: Road = Road.UNDECIDED
    ended_at: Micros | None = None
    version: int = 0  #: changes with every change of state; an answer to an older one is old
    born: int = 0  #: the version in which this breach began; before was a former one
    doubtful: bool = False  #: over, and not known whether anybody was told
    former: AlertKey | None = None  #: a breach before, if answers about it are under way
    replaced: bool = False  #: it goes on under other labels: its end is nobody's news
    unseen_at: Micros | None = None  #: monotonic; when it was last found to be out of sight

    @property
    def firing(self) -> bool:
        """Whether the breach goes on."""
        return self.ended_at is None


def dump(entry: Entry, now: Micros) -> dict[str, Any]:
    """Return *entry* as plain JSON values."""
    content, subject = entry.content, entry.content.subject
    return {
        "name": content.name,
        "key": list(content.key),
        "labels": dict(content.labels),
        "metric_labels": dict(content.metric_labels),
        "annotations": dict(content.annotations),
        "link": content.link,
        "subject": subject
        and {
            "kind": subject.kind.value,
            "name": subject.name,
            "labels": dict(subject.labels),
        },
        "since": content.since,
        "fired_at": content.fired_at,
        "road": entry.road.value,
        "ended_at": entry.ended_at,
        "replaced": entry.replaced,
        "doubtful": entry.doubtful,
        "former": entry.former and list(entry.former),
        # Of one that has its road it does not matter, and would differ each second.
        "waited": now - entry.learned if entry.road is Road.UNDECIDED else 0,
        "duties": {
            name: {
                "accepted": duty.accepted,
                # By the time this is read again, what was about to go may have gone.
                "unsure": duty.unsure
                or duty.in_flight
                or (entry.firing and entry.road in (Road.UNDECIDED, Road.HELD)),
                "sent_at": duty.sent_at,
                # What is held may have followed by then: it is to be asked for.
                "done": duty.done and not (entry.firing and entry.road is Road.HELD),
            }
            for name, duty in entry.duties.items()
        },
    }


def load(item: Mapping[str, Any], alertmanagers: Sequence[str], now: Micros) -> Entry:
    """Return the entry that was dumped as *item*."""
    subject = item["subject"] and Subject(
        kind=SubjectKind(item["subject"]["kind"]),
        name=item["subject"]["name"],
        labels=item["subject"]["labels"],
    )
    content = Content(
        name=item.get("name", ALERT_NAME),
        key=_key(item),
        labels=tuple(sorted(item["labels"].items())),
        metric_labels=tuple(sorted(item["metric_labels"].items())),
        annotations=item["annotations"],
        link=item["link"],
        subject=subject,
        since=item["since"],
        fired_at=item["fired_at"],
    )
    known = item["duties"]
    road, learned = Road(item["road"]), now - item["waited"]
    if road is Road.DIRECT and not any(name in known for name in alertmanagers):
        # All that have it were taken out of the configuration: it looks for a road again.
        road, learned = Road.UNDECIDED, now
    return Entry(
        content=content,
        learned=learned,
        # One that is new in the configuration is told everything that still fires.
        duties={name: Duty(due=now, **known.get(name, {})) for name in alertmanagers},
        road=road,
        ended_at=item["ended_at"],
        replaced=item.get("replaced", False),
        doubtful=item.get("doubtful", False),
        former=AlertKey(*item["former"]) if item.get("former") else None,
    )


def _key(item: Mapping[str, Any]) -> AlertKey:
    if "key" in item:
        return AlertKey(*item["key"])
    labels, subject = item["labels"], item["subject"]  # written before there were keys
    return AlertKey(
        labels["threshold"],
        subject["kind"],
        subject["name"],
        labels["severity"],
        item["fired_at"],
    )
