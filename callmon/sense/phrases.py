"""The words in which a threshold is told: English and Simplified Chinese.

Each measure has two clauses, for a value above and below the limit. ``{limit}`` and
``{target}`` are filled in, and ``{span}``: in the last 15 min, or today.
"""

# ruff: noqa: RUF001 - Chinese punctuation

from collections.abc import Mapping
from typing import Final

from callmon.rules import Direction
from callmon.wording import Language

__all__ = ["CLAUSES", "WORDS", "clause"]

Clauses = Mapping[Language, tuple[str, str]]

EN: Final = Language.ENGLISH
ZH: Final = Language.CHINESE


def _counted(english: str, chinese: str) -> Clauses:
    return {
        EN: (f"more than {{limit}} {english}", f"fewer than {{limit}} {english}"),
        ZH: (chinese.format("多于 {limit} "), chinese.format("少于 {limit} ")),
    }


def _ended(english: str, chinese: str) -> Clauses:
    return {
        EN: (
            f"more than {{limit}} {english} {{span}}",
            f"fewer than {{limit}} {english} {{span}}",
        ),
        ZH: (f"{{span}}{chinese}多于 {{limit}} 个", f"{{span}}{chinese}少于 {{limit}} 个"),
    }


def _share(english: str, chinese: str) -> Clauses:
    return {
        EN: (
            f"more than {{limit}} of the callers {{span}} {english}",
            f"fewer than {{limit}} of the callers {{span}} {english}",
        ),
        ZH: (f"{{span}}{chinese}高于 {{limit}}", f"{{span}}{chinese}低于 {{limit}}"),
    }


def _waited(who: str, chinese: str) -> Clauses:
    return {
        EN: (
            f"{who} {{span}} waited longer than {{limit}}",
            f"{who} {{span}} waited less than {{limit}}",
        ),
        ZH: (f"{{span}}{chinese}超过 {{limit}}", f"{{span}}{chinese}不到 {{limit}}"),
    }


CLAUSES: Final[Mapping[str, Clauses]] = {
    "waiting": _counted("callers are waiting", "排队等待{}人"),
    "longest_wait": {
        EN: ("somebody has waited {limit}", "nobody has waited {limit}"),
        ZH: ("有来电已等待 {limit}", "没有来电等待到 {limit}"),
    },
    "waiting_over_target": _counted(
        "callers have waited longer than {target}", "等待超过 {{target}} 的来电{}个"
    ),
    "talking": _counted("callers are talking to agents", "正在通话{}个"),
    "agents_staffed": _counted("agents are at work", "在岗坐席{}人"),
    "agents_available": _counted("agents are free", "空闲坐席{}人"),
    "agents_ringing": _counted("agents' telephones are ringing", "振铃坐席{}人"),
    "agents_busy": _counted("agents are busy", "通话坐席{}人"),
    "agents_wrapup": _counted("agents are finishing a call", "话后处理坐席{}人"),
    "agents_paused": _counted("agents are paused", "小休坐席{}人"),
    "unserved": _counted(
        "callers wait although agents are free", "有坐席空闲，仍在等待的来电{}个"
    ),
    "arrived": _ended("callers arrived", "来电"),
    "offered": _ended("callers finished waiting", "排队结束的来电"),
    "answered": _ended("callers were answered", "接通的来电"),
    "abandoned": _ended("callers hung up", "放弃的来电"),
    "timeout": _ended("callers were sent on by the time limit", "超时转出的来电"),
    "key_exit": _ended("callers left by pressing a key", "按键退出的来电"),
    "empty": _ended("callers were sent away as no agent was there", "因无坐席退出的来电"),
    "failed": _ended("calls failed", "呼叫失败"),
    "redirected": _ended("callers were sent elsewhere", "转往他处的来电"),
    "withdrawn": _ended("callers were taken out of the queue", "移出队列的来电"),
    "lost": _ended("callers were lost from sight", "去向不明的来电"),
    "answer_rate": _share("were answered", "接通率"),
    "abandonment_rate": _share("hung up", "放弃率"),
    "overflow_rate": _share("were sent on without an answer", "溢出率"),
    "service_level": _share("were answered within {target}", "服务水平（{target}内接通）"),
    "service_level_now": _share(
        "were answered within {target}, those still waiting counted",
        "服务水平（{target}内接通，含正在等待的来电）",
    ),
    "average_wait": _waited("the answered callers, on average,", "平均应答时间"),
    "p50_wait": _waited("half of the callers", "半数来电的等待时间"),
    "p90_wait": _waited("one caller in ten", "10 % 来电的等待时间"),
    "p95_wait": _waited("one caller in twenty", "5 % 来电的等待时间"),
    "max_wait": _waited("a caller", "最长等待"),
    "average_talk": {
        EN: (
            "calls {span} took longer than {limit} on average",
            "calls {span} took less than {limit} on average",
        ),
        ZH: ("{span}平均通话时长超过 {limit}", "{span}平均通话时长不到 {limit}"),
    },
    "occupancy": {
        EN: (
            "agents were busy more than {limit} of their time {span}",
            "agents were busy less than {limit} of their time {span}",
        ),
        ZH: ("{span}坐席占用率高于 {limit}", "{span}坐席占用率低于 {limit}"),
    },
    "estimated_wait": {
        EN: (
            "the next caller would wait longer than {limit}, by the calls {span}",
            "the next caller would wait less than {limit}, by the calls {span}",
        ),
        ZH: ("按{span}的来电，预计等待超过 {limit}", "按{span}的来电，预计等待不到 {limit}"),
    },
}
"""Of each measure: above, below."""

WORDS: Final[Mapping[str, Mapping[Language, str]]] = {
    "info": {EN: "an info", ZH: "提示"},
    "warning": {EN: "a warning", ZH: "警告"},
    "critical": {EN: "a critical alert", ZH: "严重告警"},
    "the_info": {EN: "the info", ZH: "提示"},
    "the_warning": {EN: "the warning", ZH: "警告"},
    "the_critical": {EN: "the critical alert", ZH: "严重告警"},
    "queue": {EN: "Queue {name}", ZH: "队列 {name}"},
    "group": {EN: "Group {name} (queues {members})", ZH: "队列组 {name}（队列 {members}）"},
    "unlisted": {
        EN: "It is not listed in callmon.yml: this is what would hold if it turned up.",
        ZH: "callmon.yml 中没有列出此队列：以下是它出现后适用的规则。",
    },
    "stop": {EN: ".", ZH: "。"},
    "colon": {EN: ": ", ZH: "："},
    "ways": {EN: ", ", ZH: "；"},
    "near": {EN: " Did you mean {name}?", ZH: "是否想查 {name}？"},
    "fires": {EN: "{severity} when {clause}", ZH: "{clause}，发出{severity}"},
    "fires_after": {
        EN: "{severity} when {clause}, and this lasts {hold}",
        ZH: "{clause}，并持续 {hold}，发出{severity}",
    },
    "grows_after": {
        EN: "{severity} when {clause}, and {hold} later somebody still has",
        ZH: "{clause}，{hold}后仍有，发出{severity}",
    },
    "at_least": {
        EN: "{at_least} callers or more in that time",
        ZH: "期间来电不少于 {at_least} 个",
    },
    "at_least_agents": {
        EN: "{at_least} minutes or more of agents at work in that time",
        ZH: "期间坐席在岗合计不少于 {at_least} 分钟",
    },
    "sure": {EN: "{level} certainty that it is no chance", ZH: "有 {level} 的把握不是偶然"},
    "guards": {EN: "It takes {guards}.", ZH: "条件：{guards}。"},
    "always": {EN: "At any hour.", ZH: "任何时间都有效。"},
    "active": {EN: "Only in {name}: {hours}.", ZH: "仅在 {name} 时间内：{hours}。"},
    "escalates": {
        EN: "If it stands {after} later, {severity} comes on top.",
        ZH: "发出 {after}后仍未恢复，追加{severity}。",
    },
    "ends": {EN: "It ends when the figure is {past}", ZH: "数值{past}"},
    "ends_after": {
        EN: "It ends when the figure has been {past} for {keep}",
        ZH: "数值{past}，并保持 {keep}",
    },
    "past_below": {EN: "below {clear}", ZH: "低于 {clear}"},
    "past_above": {EN: "above {clear}", ZH: "高于 {clear}"},
    "past_not_above": {EN: "at most {clear}", ZH: "不高于 {clear}"},
    "past_not_below": {EN: "at least {clear}", ZH: "不低于 {clear}"},
    "closes": {EN: ", or at closing time", ZH: "，或营业时间结束"},
    "end_of_it": {EN: ".", ZH: "后，告警结束。"},
    "during": {
        EN: "In {name} ({hours}) instead: {sentences}",
        ZH: "在 {name} 期间（{hours}）改为：{sentences}",
    },
    "goes": {EN: "{severity} goes {ways}.", ZH: "{severity}通知：{ways}。"},
    "to": {EN: "to {receivers}", ZH: "{receivers}"},
    "to_when": {EN: "to {receivers} {shifts}", ZH: "{shifts} → {receivers}"},
    "in_shift": {EN: "in shift {shift}", ZH: "{shift} 班次"},
    "no_shift": {EN: "when no shift is on duty", ZH: "无班次时"},
    "shift": {EN: "Shift {name}: {hours}.", ZH: "班次 {name}：{hours}。"},
    "and": {EN: " and ", ZH: "、"},
    "between": {EN: ", ", ZH: "、"},
    "both": {EN: " and ", ZH: "，且"},
    "nobody": {
        EN: "No threshold is for it: nothing wakes anybody.",
        ZH: "没有适用的阈值：不会通知任何人。",
    },
    "quiet": {
        EN: "Outside {name}, nobody is told of {thresholds}.",
        ZH: "{name} 时间之外，{thresholds} 不会通知任何人。",
    },
    "others": {
        EN: "Not for it: {thresholds}.",
        ZH: "不适用的阈值：{thresholds}。",
    },
    "unknown_way": {
        EN: "Who is told says the alertmanager.yml of your Alertmanager: --alertmanager FILE.",
        ZH: "通知给谁由 Alertmanager 的 alertmanager.yml 决定：--alertmanager FILE。",
    },
    "unsent": {
        EN: "callmon.yml names no Alertmanager: alerts go to Prometheus alone, if at all.",
        ZH: "callmon.yml 没有配置 Alertmanager：告警至多由 Prometheus 发出。",
    },
    "span": {EN: "in the last {window}", ZH: "最近 {window}"},
    "every_day": {EN: "every day", ZH: "每天"},
    "all_day": {EN: "all day", ZH: "全天"},
    "through": {EN: "–", ZH: "至"},
    "holidays": {
        EN: "closed on public holidays of {country}",
        ZH: "{country} 公共假日除外",
    },
    "make_up": {EN: ", open on make-up working days", ZH: "，调休上班日照常"},
    "dates": {EN: "{first} to {last}", ZH: "{first} 至 {last}"},
    "special": {EN: "other hours on {dates}", ZH: "{dates} 另有安排"},
    "zone": {EN: "time of {zone}", ZH: "{zone} 时间"},
    "never": {EN: "never", ZH: "从不"},
}
"""All other words."""


def clause(measure: str, direction: Direction, language: Language) -> str:
    """Return the clause of *measure* for a value on the bad side of the limit."""
    above, below = CLAUSES[measure][language]
    return above if direction is Direction.ABOVE else below
