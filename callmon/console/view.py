"""What the live table shows, as values, and the words it uses."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from enum import StrEnum
from fractions import Fraction

from callmon.clock import Micros
from callmon.rules import Severity
from callmon.wording import SEVERITIES, Language

__all__ = [
    "TEXTS",
    "AlertNews",
    "ConsoleAlert",
    "ConsoleBreach",
    "ConsoleRow",
    "ConsoleSource",
    "ConsoleView",
]


class AlertNews(StrEnum):
    """What happened to an alert."""

    FIRED = "fired"
    ESCALATED = "escalated"
    ENDED = "ended"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleBreach:
    """One firing threshold of a row."""

    threshold: str
    measure: str  #: lights up its column, where there is one
    severity: Severity


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRow:
    """One queue; None is "we do not know" and shown as a dash, never as 0."""

    name: str
    waiting: int | None
    longest_wait: Micros | None
    waiting_over_target: int | None
    talking: int | None
    available: int | None  #: agents free to take a call
    staffed: int | None  #: agents at work
    answered: int | None  #: today
    offered: int | None  #: today
    abandonment_rate: Fraction | None
    service_level: Fraction | None
    firing: tuple[ConsoleBreach, ...] = ()
    pending: tuple[str, ...] = ()  #: thresholds whose limit is passed, not yet for long enough
    blind: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSource:
    """One feed and whether it sees."""

    name: str
    up: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleAlert:
    """One line of news."""

    at: Micros
    news: AlertNews
    severity: Severity
    summary: str  #: names the queue and the value


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleView:
    """All there is to show at one instant."""

    now: Micros
    zone: tzinfo
    rows: Sequence[ConsoleRow]
    sources: Sequence[ConsoleSource]
    alerts: Sequence[ConsoleAlert]  #: oldest first; the last few are shown
    addresses: Sequence[tuple[str, str]]  #: what is there, where
    window: str = "15m"  #: of the two rates
    available: int | None = None  #: free agents of the whole centre, each counted once
    staffed: int | None = None  #: its agents at work, likewise


TEXTS: Mapping[Language, Mapping[str, str]] = {
    Language.ENGLISH: {
        "name": "Queue",
        "waiting": "Waiting",
        "longest_wait": "Longest",
        "waiting_over_target": "Over target",
        "talking": "Talking",
        "agents_available": "Free",
        "answered": "Answered today",
        "abandonment_rate": "Abandoned",
        "service_level": "Service",
        "state": "Thresholds",
        "more": "+ {count} more queues",
        "blind": "no feed",
        "ok": "ok",
        "firing": "Firing",
        "none": "no queue yet",
        "up": "up",
        "down": "DOWN",
        AlertNews.FIRED: "fired",
        AlertNews.ESCALATED: "escalated",
        AlertNews.ENDED: "ended",
        **SEVERITIES[Language.ENGLISH],
    },
    Language.CHINESE: {
        "name": "队列",
        "waiting": "等待",
        "longest_wait": "最长等待",
        "waiting_over_target": "超过目标",
        "talking": "通话",
        "agents_available": "空闲",
        "answered": "今日接通",
        "abandonment_rate": "放弃率",
        "service_level": "服务水平",
        "state": "阈值",
        "more": "另有 {count} 个队列",
        "blind": "无数据",
        "ok": "正常",
        "firing": "告警",
        "none": "尚无队列",
        "up": "正常",
        "down": "中断",
        AlertNews.FIRED: "触发",
        AlertNews.ESCALATED: "升级",
        AlertNews.ENDED: "结束",
        **SEVERITIES[Language.CHINESE],
    },
}
