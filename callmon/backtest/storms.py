"""How many alerts would have been one: those that a storm alert speaks for. Pure."""

import datetime as dt
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple
from zoneinfo import ZoneInfo

from callmon.backtest.texts import TEXTS
from callmon.clock import SECOND, Micros
from callmon.config import StormSettings
from callmon.episodes import Episode
from callmon.wording import Language

__all__ = ["storm_remark"]


class _Called(NamedTuple):
    at: Micros
    until: Micros  #: the alert stands


class _Team:
    """The alerts of one team, as ``callmon.sinks.storm`` lets them out."""

    def __init__(self, limits: StormSettings) -> None:
        self.held = 0  #: alerts that were not told one by one, or only later
        self.began: list[Micros] = []  #: the storms
        self._limits = limits
        self._recent: deque[Micros] = deque()
        self._standing: list[_Called] = []  #: those that are held now
        self._look_at: Micros | None = None

    def take(self, called: _Called) -> None:
        """Take an alert, in order of time."""
        self._look(called.at)
        while self._recent and called.at - self._recent[0] >= self._limits.within:
            self._recent.popleft()
        if self._look_at is None and len(self._recent) < self._limits.alerts:
            self._recent.append(called.at)
            return
        self.held += 1
        self._standing.append(called)
        if self._look_at is None:
            self.began.append(called.at)
            self._look_at = called.at + self._limits.hold

    def _look(self, now: Micros) -> None:
        """End the storm when so few are left that they can be told one by one."""
        while self._look_at is not None and self._look_at <= now:
            at = self._look_at
            self._standing = [called for called in self._standing if called.until > at]
            over = len(self._standing) <= self._limits.alerts
            self._look_at = None if over else at + self._limits.hold
        if self._look_at is None:
            self._standing.clear()


def storm_remark(
    episodes: Iterable[Episode],
    limits: StormSettings,
    *,
    until: Micros,
    timezone: str,
    language: Language = Language.ENGLISH,
) -> str | None:
    """Return what storms would have made of all these calls; None: there was none."""
    teams: dict[str, _Team] = {}
    calls = sorted(
        (call.at, until if one.ended_at is None else one.ended_at, one.key, one.subject)
        for one in episodes
        for call in one.calls
    )
    for at, end, _, subject in calls:
        team = teams.setdefault(subject.labels.get(limits.label, ""), _Team(limits))
        team.take(_Called(at, end))
    held = sum(team.held for team in teams.values())
    if not held:
        return None
    zone = ZoneInfo(timezone)
    days = len(
        {
            dt.datetime.fromtimestamp(at // SECOND, zone).date()
            for team in teams.values()
            for at in team.began
        }
    )
    texts = TEXTS[language]
    on = texts["storm_day" if days == 1 else "storm_days"].format(days=days)
    return texts["storm"].format(on=on, held=held)
