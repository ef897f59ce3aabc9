"""Many alerts of one team at once: the first few are told, one speaks for the rest. Pure.

A supervisor whose phone rings two hundred times reads none of it. So within a short time
only so many alerts of one team go out. What comes beyond that is held, and a storm alert
says how many there are and which are the worst. Now and then is looked whether few enough
are left to be told singly; then they follow, and the storm is over.
"""

import dataclasses
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from callmon.alerts import AlertKey
from callmon.clock import SECOND, Micros
from callmon.rules import Severity
from callmon.sinks.base import AlertNotes
from callmon.sinks.ledger import Entry, Ledger, Road
from callmon.sinks.payload import Content, Style, in_all_languages, suffixed
from callmon.wording import Language, format_instant

__all__ = ["STORM_KIND", "STORM_NAME", "StormLimits", "Storms"]

STORM_NAME = "QueueAlertStorm"
STORM_KIND = "team"
"""What a storm is about, in the history of alerts."""

_WORST = 10
"""Named in the text of a storm."""

_WIDTH = 100
"""Characters for each of them: a group bot of WeCom refuses more than 4,096 bytes in all."""

_SUMMARIES = {
    Language.ENGLISH: "Alert storm{team}: {count} alerts, {held} not sent one by one",
    Language.CHINESE: "{team}告警风暴：{count} 个告警，其中 {held} 个未逐条发送",  # noqa: RUF001  # Chinese punctuation
}
_LEFT = {
    Language.ENGLISH: "Alert storm{team}: {count} left",
    Language.CHINESE: "{team}告警风暴：剩余 {count} 个告警",  # noqa: RUF001  # Chinese punctuation
}
_TEAMS = {Language.ENGLISH: " of team {team}", Language.CHINESE: "{team} 组"}
_OVER = {
    Language.ENGLISH: "sent one by one again",
    Language.CHINESE: "恢复逐条发送",
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
    restart with it. Every ``now`` is monotonic, *wall* is the time of day. *facts* tells
    what is true of an alert now.
    """

    def __init__(
        self,
        ledger: Ledger,
        limits: StormLimits,
        style: Style,
        notes: AlertNotes,
        facts: Callable[[Content], Mapping[str, str]] = lambda _content: {},
    ) -> None:
        self._ledger = ledger
        self._facts = facts
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
        """Return whose alert it is, or for whom a storm speaks; empty: nothing says so."""
        if content.name == STORM_NAME:
            return content.key.subject  # the label of teams may be another one now
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
        ended: list[Content] = []
        for entry in self._ledger:
            content = entry.content
            if not entry.firing or content.name != STORM_NAME:
                continue
            team = self.team_of(content)
            named = dict(content.metric_labels).get(self._limits.label, "")
            if team != named or team in self._storms:  # the label of teams is another one
                ended.append(content)
            else:
                look_at = now + self._limits.hold
                self._storms[team] = _Storm(content=content, look_at=look_at)
        for content in ended:
            self._note(content, wall)
            self._ledger.end(content.labels, wall, None, now)
        self._adopt(now, wall)

    def _adopt(self, now: Micros, wall: Micros) -> None:
        """Let what no storm speaks for follow; of a team that has too many, begin one."""
        orphans: dict[str, list[Entry]] = {}
        for entry in self._ledger:
            team = self.team_of(entry.content)
            if entry.firing and entry.road is Road.HELD and team not in self._storms:
                orphans.setdefault(team, []).append(entry)
        for team, held in orphans.items():
            if len(held) > self._limits.alerts:
                self._begin(team, held[0].content, now, wall)
            else:
                self._release(team, held, now)

    def _release(self, team: str, held: Iterable[Entry], now: Micros) -> None:
        for entry in held:
            self._recent_of(team, now).append(now)
            self._ledger.release(entry, now)

    def keys(self) -> Iterator[AlertKey]:
        """Yield what names the storms that stand."""
        return (storm.content.key for storm in self._storms.values())

    def held(self, team: str) -> list[Entry]:
        """Return the alerts of *team* that fire and are not told singly."""
        return [entry for entry in self._firing(team) if entry.road is Road.HELD]

    def annotations(self, content: Content) -> Mapping[str, str]:
        """Return what a storm alert says now; its last words stay what they were."""
        if "ended" in content.annotations:
            return content.annotations
        if content.key in self.keys():  # one that a reload ended has no last words
            self._note(content)  # what is told is what the history has
        return self._said(content, over=False)

    def _said(self, content: Content, *, over: bool) -> Mapping[str, str]:
        """Return how many there are and which are the worst; or what is left of it."""
        team = self.team_of(content)
        entries = [entry for entry in self._firing(team) if self._ledger.sees(entry)]
        held = sum(entry.road is Road.HELD for entry in entries)
        worst = [
            self._present(entry) for entry in heapq.nsmallest(_WORST, entries, key=_urgency)
        ]
        summaries = _LEFT if over else _SUMMARIES

        def say(language: Language) -> dict[str, str | None]:
            whose = _TEAMS[language].format(team=team) if team else ""
            return {
                "summary": summaries[language].format(
                    count=len(entries), held=held, team=whose
                ),
                "worst": "\n".join(_summary(texts, language) for texts in worst),
                "ended": _OVER[language] if over else None,
            }

        plain = {
            "count": str(len(entries)),
            "held": str(held),
            "since": format_instant(content.since, self._style.zone),
        }
        if self._style.wallboard_url is not None:
            plain["wallboard"] = self._style.wallboard_url
        return plain | in_all_languages(self._style, say)

    def _present(self, entry: Entry) -> Mapping[str, str]:
        """Return what *entry* says now: it was written when the alert fired."""
        return {**entry.content.annotations, **self._facts(entry.content)}

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
        last = self._said(storm.content, over=True)
        over = dataclasses.replace(storm.content, annotations=last)
        self._note(storm.content, wall)
        self._release(team, self.held(team), now)
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
    return -Severity(content.key.severity).rank, content.since, content.key.subject


def _summary(annotations: Mapping[str, str], language: Language) -> str:
    """Return its first line, if it is long without its middle.

    That of the house's first language has the plain name.
    """
    text = annotations.get(suffixed("summary", language)) or annotations.get("summary", "")
    line = next(iter(text.strip().splitlines()), "")
    half = _WIDTH // 2
    return line if len(line) <= _WIDTH else f"{line[:half]}…{line[1 - half :]}"
