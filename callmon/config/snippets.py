"""Templates that an editor offers where a section may stand, filled in key by key."""

from collections.abc import Mapping
from typing import Any

__all__ = ["SNIPPETS"]

SNIPPETS: Mapping[str, list[dict[str, Any]]] = {
    "ThresholdSection": [
        {
            "label": "threshold: somebody waits too long",
            "description": "Live: fires at the very moment.",
            "body": {
                "name": "${1:long_wait}",
                "measure": "longest_wait",
                "above": "${2:3m}",
                "clear": "${3:2m}",
                "for": "${4:30s}",
                "severity": "${5|warning,info,critical|}",
            },
        },
        {
            "label": "threshold: too many hang up",
            "description": "A share over a window, with enough contacts to mean something.",
            "body": {
                "name": "${1:high_abandonment}",
                "measure": "abandonment_rate",
                "window": "${2:15m}",
                "above": "${3:20%}",
                "clear": "${4:15%}",
                "for": "${5:2m}",
                "at_least": "${6:20}",
                "severity": "${7|warning,info,critical|}",
            },
        },
        {
            "label": "threshold: the service level is not kept",
            "description": "A share over a window that is bad when small.",
            "body": {
                "name": "${1:low_service_level}",
                "measure": "service_level",
                "window": "${2:30m}",
                "below": "${3:80%}",
                "clear": "${4:85%}",
                "for": "${5:5m}",
                "severity": "${6|warning,info,critical|}",
            },
        },
    ],
    "OverrideSection": [
        {
            "label": "override for some queues",
            "description": "What differs for them; the later override wins.",
            "body": {"queues": ["${1:vip}"], "above": "${2:1m}", "clear": "${3:40s}"},
        },
        {
            "label": "override on some dates",
            "description": "While a calendar is open.",
            "body": {"during": "${1:double_eleven}", "above": "${2:5m}"},
        },
    ],
    "CalendarSection": [
        {
            "label": "calendar: opening hours",
            "description": "Hours by weekday, closed on public holidays.",
            "body": {
                "timezone": "${1:Asia/Shanghai}",
                "weekly": {"mon-fri": ["${2:09:00-12:00}", "${3:13:00-18:00}"]},
                "holidays": "${4:CN}",
            },
        },
        {
            "label": "calendar: some dates",
            "description": "Open on these dates only.",
            "body": {"dates": ["${1:2026-11-10..2026-11-12}"]},
        },
    ],
    "QueueLogSection": [
        {
            "label": "feed: the queue_log of an Asterisk",
            "body": {"type": "queue_log", "path": "${1:/var/log/asterisk/queue_log}"},
        }
    ],
}
"""By the section; the places to fill in are numbered, as editors have it."""
