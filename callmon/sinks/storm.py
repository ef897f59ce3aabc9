"""Many alerts of one team at once: the first few are told, one speaks for the rest. Pure.

A supervisor whose phone rings two hundred times reads none of it. So within a short time
only so many alerts of one team go out. What comes beyond that is held, and a storm alert
says how many there are and which are the worst. Now and then is looked whether few enough
are left to be told singly; then they follow, and the storm is over.
"""

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from callmon.alerts import AlertKey
from callmon.clock import SECOND, Micros
from callmon.rules import Severity
from callmon.sinks.base import AlertNotes
from callmon.sinks.ledger import Entry, Ledger, Road
from callmon.sinks.payload import Content, Style, in_all_languages
from callmon.wording import Language

__all__ = ["STORM_KIND", "STORM_NAME", "StormLimits", "Storms"]

STORM_NAME = "QueueAlertStorm"
STORM_KIND = "team"
"""What a storm is about, in the history of alerts."""

_WORST = 10
"""Named in the text of a storm."""

_RANK = {severity.value: rank for rank, severity in enumerate(Severity)}

_SUMMARIES = {
    Language.ENGLISH: "{count} alerts at once{team}, {held} of them not told singly",
    Language.CHINESE: "{team}同时有 {count} 个告警，其中 {held} 个不再单独通知",  # noqa: RUF001  # Chinese punctuation
}
_TEAMS = {Language.ENGLISH: " of team {team}", Language.CHINESE: "{team} 组"}
_OVER = {
    Language.ENGLISH: "few enough are left to be told singly",
    Language.CHINESE: "剩余告警已可单独通知",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StormLimits:
    """When alerts are a storm."""

    alerts: int = 10
    """Of one team, told singly within *within*."""
    within: Micros = 60 * SECOND
    hold: Micros = 300 * SECOND
    """How often is looked whether it is over."""
    label: str = "team"
    """What tells teams apart. All alerts without it are of one team."""


@dataclasses.dataclass(slots=True, kw_only=True)
class _Storm:
    content: Content
    look_at: Micros  #: monotonic


class Storms:
    """Lets alerts into the ledger, and holds those of a storm there.

    What is held, and the storm alerts themselves, are entries of the ledger, and survive a
    restart with it. Every ``now`` is monotonic, *wall* is the time of day.
    """

    def __init__(
        self, ledger: Ledger, limits: StormLimits, style: Style, notes: AlertNotes
    ) -> None:
        self._ledger = ledger
        self._notes = notes
        self._limits = limits
        self._style = style
        self._recent: dict[str, deque[Micros]] = {}  #: by team: when one went out
        self._storms: dict[str, _Storm] = {}

    def fire(self, content: Content, now: Micros, wall: Micros) -> bool:
        """Take a breach, or its news; False when there is no room for it."""
        if self._ledger.is_news(content):
            return self._ledger.fire(content, now)
        if not self._ledger.fire(content, now):
            return False
        team = self.team_of(content)
        recent = self._recent_of(team, now)
        storm = self._storms.get(team)
        if storm is None and len(recent) < self._limits.alerts:
            recent.append(now)
            return True
        entry = self._ledger.get(content.labels)
        if entry is not None:
            self._ledger.hold(entry, team)
        if storm is None:
            self._begin(team, content, now, wall)
        return True

    def team_of(self, content: Content) -> str:
        """Return whose alert it is; empty when nothing says so."""
        return dict(content.metric_labels).get(self._limits.label, "")

    def next_look(self) -> Micros | None:
        """Return when ``look`` has something to do."""
        return min((storm.look_at for storm in self._storms.values()), default=None)

    def look(self, now: Micros, wall: Micros) -> None:
        """End the storms that are over; what they held and still fires follows."""
        for team, storm in list(self._storms.items()):
            if now < storm.look_at:
                continue
            held = self.held(team)
            # What cannot be seen stays held: nothing is to be said of it.
            if len(held) > self._limits.alerts or any(
                self._ledger.is_unseen(entry, now) for entry in held
            ):
                storm.look_at = now + self._limits.hold
                self._note(storm.content)
            else:
                self._end(team, storm, now, wall)
        for team in [team for team in self._recent if not self._recent_of(team, now)]:
            del self._recent[team]

    def restore(self, now: Micros, wall: Micros) -> None:
        """Go on with what a process before this one held in the ledger."""
        for entry in self._ledger:
            if entry.firing and entry.content.name == STORM_NAME:
                look_at = now + self._limits.hold
                team = self.team_of(entry.content)
                if team in self._storms:  # the label of teams is another one now
                    self._note(entry.content, wall)
                    self._ledger.end(entry.content.labels, wall, None, now)
                else:
                    self._storms[team] = _Storm(content=entry.content, look_at=look_at)
        for entry in list(self._ledger):
            orphan = self.team_of(entry.content) not in self._storms
            if entry.firing and entry.road is Road.HELD and orphan:
                self._ledger.release(entry, now)

    def keys(self) -> Iterator[AlertKey]:
        """Yield what names the storms that stand."""
        return (storm.content.key for storm in self._storms.values())

    def held(self, team: str) -> list[Entry]:
        """Return the alerts of *team* that fire and are not told singly."""
        return [entry for entry in self._firing(team) if entry.road is Road.HELD]

    def annotations(self, content: Content) -> Mapping[str, str]:
        """Return what a storm alert says now."""
        team = self.team_of(content)
        entries = list(self._firing(team))
        held = sum(entry.road is Road.HELD for entry in entries)
        worst = sorted(entries, key=_urgency)[:_WORST]

        def say(language: Language) -> dict[str, str | None]:
            whose = _TEAMS[language].format(team=team) if team else ""
            return {
                "summary": _SUMMARIES[language].format(
                    count=len(entries), held=held, team=whose
                ),
                "worst": "\n".join(_summary(entry, language) for entry in worst),
            }

        plain = {"count": str(len(entries)), "held": str(held)}
        if self._style.wallboard_url is not None:
            plain["wallboard"] = self._style.wallboard_url
        return plain | in_all_languages(self._style, say)

    def _firing(self, team: str) -> Iterable[Entry]:
        return (
            entry
            for entry in self._ledger
            if entry.firing
            and entry.content.name != STORM_NAME
            and self.team_of(entry.content) == team
        )

    def _recent_of(self, team: str, now: Micros) -> deque[Micros]:
        recent = self._recent.setdefault(team, deque(maxlen=self._limits.alerts))
        while recent and recent[0] <= now - self._limits.within:
            recent.popleft()
        return recent

    def _begin(self, team: str, first: Content, now: Micros, wall: Micros) -> None:
        own = {name: value for name, value in first.metric_labels if name == "shift"}
        if team:
            own[self._limits.label] = team
        own["severity"] = Severity.CRITICAL.value
        labels = {**self._style.external_labels, **own, "alertname": STORM_NAME}
        content = Content(
            name=STORM_NAME,
            key=AlertKey(STORM_NAME, STORM_KIND, team, Severity.CRITICAL.value, wall),
            labels=tuple(sorted((name, value) for name, value in labels.items() if value)),
            metric_labels=tuple(sorted(own.items())),
            annotations={},
            link=self._style.wallboard_url,
            subject=None,
            since=wall,
            fired_at=wall,
        )
        self._storms[team] = _Storm(content=content, look_at=now + self._limits.hold)
        self._ledger.fire(content, now)
        self._note(content)

    def _end(self, team: str, storm: _Storm, now: Micros, wall: Micros) -> None:
        del self._storms[team]
        ended = in_all_languages(self._style, lambda language: {"ended": _OVER[language]})
        last = {**self.annotations(storm.content), **ended}
        over = dataclasses.replace(storm.content, annotations=last)
        self._note(storm.content, wall)
        for entry in self.held(team):
            self._recent_of(team, now).append(now)
            self._ledger.release(entry, now)
        self._ledger.end(storm.content.labels, wall, over, now)

    def _note(self, content: Content, ended_at: Micros | None = None) -> None:
        self._notes.storm(
            content.key,
            dict(content.metric_labels),
            limit=self._limits.alerts,
            count=sum(1 for _ in self._firing(self.team_of(content))),
            ended_at=ended_at,
        )


def _urgency(entry: Entry) -> tuple[int, Micros, str]:
    """Order by severity, and by how long it has lasted."""
    content = entry.content
    return -_RANK.get(content.key.severity, 0), content.since, content.key.subject


def _summary(entry: Entry, language: Language) -> str:
    """Return its first line; that of the house's first language has the plain name."""
    annotations = entry.content.annotations
    name = f"summary_{language.value.partition('-')[0]}"
    return annotations.get(name) or annotations.get("summary", "")
