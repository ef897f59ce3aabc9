"""Episodes: what a threshold has brought about, from the breach to its end. Pure.

The engine tells of alerts one by one; people ask how often it was bad, when, and for how
long. An episode is one breach of one threshold by one subject: the alert that fired, those
that escalation added, and the end that all of them have together.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from callmon.alerts import Alert, Ended, Transition
from callmon.clock import SECOND, Micros
from callmon.rules import Direction, Severity, Subject

__all__ = [
    "AGAIN_WITHIN",
    "BRIEF",
    "Call",
    "Episode",
    "EpisodeKey",
    "by_key",
    "episodes_of",
    "fired_again",
]

BRIEF: Micros = 60 * SECOND
"""Over so soon that nobody could have done anything: noise."""

AGAIN_WITHIN: Micros = 300 * SECOND
"""Fired again so soon after its end: one trouble, told twice."""


class EpisodeKey(NamedTuple):
    """Whose episodes they are; in order of this they are listed."""

    threshold: str
    kind: str  #: of the subject
    subject: str


class Call(NamedTuple):
    """Somebody was called: the alert that fired, or one that escalation added."""

    at: Micros
    severity: Severity
    shift: str | None  #: on duty then


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One breach, from firing to end. Times are microseconds, values in the measure's unit."""

    threshold: str
    subject: Subject
    measure: str
    window: str | None
    direction: Direction
    limit: Fraction  #: the one in force when it fired
    since: Micros  #: when the condition began
    fired_at: Micros
    ended_at: Micros | None  #: None: it stood when the history ended
    ended: Ended | None
    value: Fraction  #: as it fired
    worst: Fraction  #: the worst since the condition began
    calls: tuple[Call, ...]  #: in order of time; the first is that of firing

    @property
    def key(self) -> EpisodeKey:
        """Return whose it is."""
        return EpisodeKey(self.threshold, self.subject.kind.value, self.subject.name)

    @property
    def is_brief(self) -> bool:
        """Whether it was over within a minute: noise."""
        return self.ended_at is not None and self.ended_at - self.fired_at <= BRIEF

    def lasted(self, until: Micros) -> Micros:
        """Return how long it fired; one that stands, as far as *until*."""
        return (until if self.ended_at is None else self.ended_at) - self.fired_at


def episodes_of(
    transitions: Iterable[Transition], standing: Iterable[Alert] = ()
) -> list[Episode]:
    """Return the episodes in *transitions*, in order of firing, then of their keys.

    *standing* are the alerts that stand at the end, as they are then: what is worst of
    those no transition tells. An end whose beginning is not among *transitions* is nothing.
    """
    fired: dict[tuple[EpisodeKey, Micros], list[Alert]] = {}
    ends: dict[tuple[EpisodeKey, Micros], Alert] = {}
    for turn in transitions:
        name = _key(turn.alert), turn.alert.fired_at
        if turn.kind == "ended":
            if turn.alert.raised_at == turn.alert.fired_at or name not in ends:
                ends[name] = turn.alert
        elif turn.kind == "fired":
            fired.setdefault(name, []).insert(0, turn.alert)
        elif name in fired:
            fired[name].append(turn.alert)
    now = {(_key(alert), alert.fired_at): alert for alert in standing}
    found = [_episode(alerts, ends.get(name), now.get(name)) for name, alerts in fired.items()]
    return sorted(found, key=lambda episode: (episode.fired_at, episode.key))


def fired_again(episodes: Iterable[Episode]) -> frozenset[tuple[EpisodeKey, Micros]]:
    """Return (key, fired_at) of those that fired soon after the end of the one before."""
    ends: dict[EpisodeKey, Micros] = {}
    again: set[tuple[EpisodeKey, Micros]] = set()
    for episode in sorted(episodes, key=lambda one: one.fired_at):
        before = ends.get(episode.key)
        if before is not None and episode.fired_at - before <= AGAIN_WITHIN:
            again.add((episode.key, episode.fired_at))
        if episode.ended_at is not None:
            ends[episode.key] = episode.ended_at
    return frozenset(again)


def by_key(episodes: Iterable[Episode]) -> Mapping[EpisodeKey, list[Episode]]:
    """Return *episodes* by whose they are, in order of the keys."""
    found: dict[EpisodeKey, list[Episode]] = {}
    for episode in episodes:
        found.setdefault(episode.key, []).append(episode)
    return dict(sorted(found.items()))


def _key(alert: Alert) -> EpisodeKey:
    return EpisodeKey(alert.threshold, alert.subject.kind.value, alert.subject.name)


def _episode(alerts: list[Alert], end: Alert | None, now: Alert | None) -> Episode:
    first, last = alerts[0], end or now or alerts[-1]
    return Episode(
        threshold=first.threshold,
        subject=first.subject,
        measure=first.measure,
        window=first.window,
        direction=first.direction,
        limit=first.limit,
        since=first.since,
        fired_at=first.fired_at,
        ended_at=None if end is None else end.ended_at,
        ended=None if end is None else end.ended,
        value=first.value,
        worst=last.peak,
        calls=tuple(Call(alert.raised_at, alert.severity, alert.shift) for alert in alerts),
    )
