"""The words of ``callmon top`` that the wallboard has not, and how a level looks."""

from collections.abc import Mapping
from typing import Final

from callmon.board import Level
from callmon.console.table import COLOURS
from callmon.rules import Severity
from callmon.wording import Language

__all__ = ["CODES", "SIGNS", "TEXTS"]

SIGNS: Final[Mapping[Level, str]] = {
    Level.CRITICAL: "▲",
    Level.BLIND: "✕",
    Level.WARNING: "◆",
    Level.INFO: "●",
    Level.PENDING: "◔",
    Level.CALM: "✓",
}

CODES: Final[Mapping[Level, str]] = {
    Level.CRITICAL: COLOURS[Severity.CRITICAL],
    Level.BLIND: "1;97;45",
    Level.WARNING: COLOURS[Severity.WARNING],
    Level.INFO: COLOURS[Severity.INFO],
    Level.PENDING: "1",
    Level.CALM: "32",
}

TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.ENGLISH: {
        "name": "Queue",
        "waiting": "Waiting",
        "longest_wait": "Longest",
        "waiting_over_target": "Over target",
        "service_level_now": "Service",
        "abandonment_rate": "Abandoned",
        "answer_rate": "Answer rate",
        "agents": "Free/at work",
        "answered": "Answered today",
        "state": "Thresholds",
        "no_calls": "no calls",
        "no_data": "no data",
        "as_of": "no data, as of {at}",
        "now": "Now",
        "last": "Last {window}",
        "today": "Today",
        "target": "target {target}",
        "none_thresholds": "No threshold is about it",
        "over": "{measure}, {window}",
        "above": "above {limit}",
        "below": "below {limit}",
        "group": "{name} (group)",
        "up": "up",
        "silent": "silent",
        "down": "DOWN",
        "none": "no queue yet",
        "none_with": "no queue has {labels}",
        "none_named": "no queue with {text} in its name or labels",
        "more": "+ {count} more",
        "not_ready": "not ready: {problem}",
        "other_window": "{asked} is not kept there: shown are the figures over {window}",
        "lost": "connection lost: this is the picture of {at}, {age} old",
        "lasts": "since {at} ({length})",
        "alerts": "Standing alerts",
        "no_alerts": "no alert stands",
        "sort": "sorted by {by}",
        "by_name": "name",
        "by_waiting": "waiting",
        "by_longest_wait": "longest wait",
        "filter": "Filter: ",
        "thresholds": "Thresholds",
        "seen": "Seen in the last {length}",
        "gone": "{name} is not on the board any more",
        "keys": "q quit   / filter   s sort   ↵ one queue   ? help",
        "keys_of_one": "esc back   ←→ other queue   q quit",
        "help": (
            "↑ ↓ PgUp PgDn Home End   choose a queue\n"
            "enter                    all there is to know of it\n"
            "esc                      back; ends a filter\n"
            "/                        show only queues with this in their name or labels\n"
            "s                        sort by urgency, name, waiting, longest wait\n"
            "q                        quit\n"
            "\n"
            "Shapes say what colours say:\n"
            "{signs}\n"
            "A figure with ! is beyond its limit."
        ),
    },
    Language.CHINESE: {
        "name": "队列",
        "waiting": "排队",
        "longest_wait": "最长等待",
        "waiting_over_target": "超过目标",
        "service_level_now": "服务水平",
        "abandonment_rate": "放弃率",
        "answer_rate": "接通率",
        "agents": "空闲/在岗",
        "answered": "今日接通",
        "state": "阈值",
        "no_calls": "无来电",
        "no_data": "无数据",
        "as_of": "无数据，截至 {at}",  # noqa: RUF001 - ditto
        "now": "当前",
        "last": "最近 {window}",
        "today": "今天",
        "target": "目标 {target}",
        "none_thresholds": "没有针对它的阈值",
        "over": "{measure}（{window}）",  # noqa: RUF001 - ditto
        "above": "高于 {limit}",
        "below": "低于 {limit}",
        "group": "{name}（队列组）",  # noqa: RUF001 - ditto
        "up": "正常",
        "silent": "无消息",
        "down": "中断",
        "none": "尚无队列",
        "none_with": "没有 {labels} 的队列",
        "none_named": "没有名称或标签含 {text} 的队列",
        "more": "另有 {count} 个",
        "not_ready": "尚未就绪：{problem}",  # noqa: RUF001 - Chinese punctuation
        "other_window": "未保存 {asked} 的数据，现显示 {window} 的数据",  # noqa: RUF001 - ditto
        "lost": "连接中断：以下为 {at} 的画面，已过 {age}",  # noqa: RUF001 - ditto
        "lasts": "{at} 起，已持续 {length}",  # noqa: RUF001 - ditto
        "alerts": "当前告警",
        "no_alerts": "当前无告警",
        "sort": "按{by}排序",
        "by_name": "名称",
        "by_waiting": "排队人数",
        "by_longest_wait": "最长等待",
        "filter": "筛选：",  # noqa: RUF001 - ditto
        "thresholds": "阈值",
        "seen": "近 {length}的变化",
        "gone": "{name} 已不在看板上",
        "keys": "q 退出   / 筛选   s 排序   ↵ 查看队列   ? 帮助",
        "keys_of_one": "esc 返回   ←→ 切换队列   q 退出",
        "help": (
            "↑ ↓ PgUp PgDn Home End   选择队列\n"
            "enter                    查看该队列的全部数据\n"
            "esc                      返回；取消筛选\n"  # noqa: RUF001 - ditto
            "/                        只显示名称或标签含此文字的队列\n"
            "s                        按紧急程度、名称、排队人数、最长等待排序\n"
            "q                        退出\n"
            "\n"
            "形状与颜色含义相同：\n"  # noqa: RUF001 - ditto
            "{signs}\n"
            "带 ! 的数值已越过限值。"
        ),
    },
}
