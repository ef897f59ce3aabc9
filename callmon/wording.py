"""How people read figures: values, windows and instants, and the summaries of alerts.

Pure. English and Simplified Chinese. Durations are cut to whole seconds, never rounded
up: 179.9 s must not read like the limit of 3 min it has not reached.
"""

import difflib
import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from fractions import Fraction

from callmon.clock import SECOND, Micros
from callmon.measures import Unit
from callmon.rules import Severity

__all__ = [
    "DEFAULT_SUMMARIES",
    "LABEL_PREFIX",
    "NO_VALUE",
    "PLACEHOLDERS",
    "SEVERITIES",
    "WEEKDAYS",
    "Language",
    "agents_text",
    "default_summary",
    "expand",
    "format_duration",
    "format_instant",
    "format_ratio",
    "format_value",
    "format_window",
    "template_labels",
    "template_problems",
    "waiting_text",
]


class Language(StrEnum):
    """What the texts are written in."""

    ENGLISH = "en"
    CHINESE = "zh-CN"


SEVERITIES: Mapping[Language, Mapping[str, str]] = {
    Language.ENGLISH: {severity: severity.value for severity in Severity},
    Language.CHINESE: {
        Severity.INFO: "提示",
        Severity.WARNING: "警告",
        Severity.CRITICAL: "严重",
    },
}

WEEKDAYS: Mapping[Language, tuple[str, ...]] = {
    Language.ENGLISH: ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    Language.CHINESE: ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}
"""Monday first."""

PLACEHOLDERS = (
    "subject",
    "queue",
    "group",
    "value",
    "limit",
    "window",
    "measure",
    "threshold",
    "since",
    "severity",
)
"""What may stand in braces in a summary.

``subject``, ``queue`` and ``group`` all give the name of the queue or group the alert is
about, so that one summary serves a threshold over both.
"""

LABEL_PREFIX = "label:"
"""``{label:team}`` gives the static label ``team``; nothing where the subject has none."""

NO_VALUE = "–"  # noqa: RUF001  # the dash that stands for "we do not know"

_UNITS = {
    Language.ENGLISH: ("d", "h", "min", "s", "ms"),
    Language.CHINESE: ("天", "小时", "分", "秒", "毫秒"),
}
_WHOLE_MINUTES = "分钟"
"""Minutes with no seconds behind them: 3 分 by itself would be read as three points."""

_STEPS = ((86_400, 3_600), (3_600, 60), (60, 1))

_WINDOW_PART = re.compile(r"(\d+)(ms|[dhms])")
_WINDOW_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_TOKEN = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+")
_WIDE = re.compile(r"\uff5b(\s*[a-z]+(?::\w+)?\s*)\uff5d")


def format_duration(length: Micros, language: Language = Language.ENGLISH) -> str:
    """Return *length* in its two largest units: ``45 s``, ``3 min 12 s``, ``1 h 05 min``."""
    units = _UNITS[language]
    if length < 0:
        return f"-{format_duration(-length, language)}"
    seconds, rest = divmod(length, SECOND)
    if not seconds and rest:
        return f"{rest // 1_000} {units[-1]}"
    for (step, finer), (name, next_name) in zip(
        _STEPS, itertools.pairwise(units), strict=False
    ):
        if seconds >= step:
            whole, part = seconds // step, seconds % step // finer
            # Minutes beside hours have a leading zero, seconds beside minutes have none.
            tail = f"{part} {next_name}" if finer == 1 else f"{part:02d} {next_name}"
            if part:
                return f"{whole} {name} {tail}"
            return f"{whole} {_WHOLE_MINUTES if name == '分' else name}"
    return f"{seconds} {units[3]}"


def format_ratio(value: Fraction) -> str:
    """Return *value* in percent: ``20 %`` when that is exact, else ``21.4 %``.

    What lies beside a whole percentage is cut, never rounded, to one decimal more, so that
    it does not read like a limit it has not reached: ``19.98 %``, ``99.99 %``.
    """
    percent = value * 100
    if percent.denominator == 1:
        return f"{percent.numerator} %"
    tenths = round(percent * 10)
    if tenths % 10 == 0:
        hundredths = int(abs(percent) * 100)
        return f"{'-' if percent < 0 else ''}{hundredths // 100}.{hundredths % 100:02d} %"
    return f"{'-' if tenths < 0 else ''}{abs(tenths) // 10}.{abs(tenths) % 10} %"


def format_value(
    unit: Unit, value: Fraction | None, language: Language = Language.ENGLISH
) -> str:
    """Return *value* of a measure of *unit*, in its inner unit, as people write it."""
    if value is None:
        return NO_VALUE
    if unit is Unit.SECONDS:
        return format_duration(int(value), language)
    if unit is Unit.RATIO:
        return format_ratio(value)
    return str(int(value)) if value.denominator == 1 else f"{float(value):.1f}"


def format_window(window: str, language: Language = Language.ENGLISH) -> str:
    """Return a window's name, ``15m`` or ``today``, as people say it."""
    if window == "today":
        return "今天" if language is Language.CHINESE else "today"
    parts = _WINDOW_PART.findall(window)
    if "".join(number + unit for number, unit in parts) != window:
        return window
    length = sum(
        int(number) * (1_000 if unit == "ms" else _WINDOW_SECONDS[unit] * SECOND)
        for number, unit in parts
    )
    return format_duration(length, language)


def format_instant(at: Micros, zone: tzinfo) -> str:
    """Return *at* by the wall clock of *zone*: ``2026-11-22 10:32:05 UTC+8``.

    By its distance, not its name: CST is the time of Shanghai and of Chicago.
    """
    local = (_EPOCH + timedelta(microseconds=at)).astimezone(zone)
    ahead = local.utcoffset() or timedelta()
    hours, minutes = divmod(abs(ahead) // timedelta(minutes=1), 60)
    distance = f"{'-' if ahead < timedelta() else '+'}{hours}" if hours or minutes else ""
    return f"{local:%Y-%m-%d %H:%M:%S} UTC{distance}{f':{minutes:02d}' if minutes else ''}"


def waiting_text(waiting: int, language: Language = Language.ENGLISH) -> str:
    """Return how many wait, to stand behind a word for it."""
    return f"{waiting} 人" if language is Language.CHINESE else str(waiting)


def agents_text(available: int, staffed: int, language: Language = Language.ENGLISH) -> str:
    """Return how many agents are free, and how many are at work."""
    if language is Language.CHINESE:
        return f"在岗 {staffed} 人，空闲 {available} 人"  # noqa: RUF001  # Chinese punctuation
    return f"{available} available of {staffed}"


def expand(template: str, values: Mapping[str, str]) -> str:
    """Return *template* with ``{name}`` replaced by *values*; ``{{`` is one brace.

    The template must have no ``template_problems``. A label the subject does not have
    becomes nothing.

    Raises:
        KeyError: a placeholder that is no label stands in the template, not in *values*.
    """
    return "".join(_expanded(template, values))


def _expanded(template: str, values: Mapping[str, str]) -> Iterator[str]:
    for piece in _TOKEN.findall(template):
        if piece in ("{{", "}}"):
            yield piece[0]
        elif piece.startswith("{"):
            name = piece[1:-1].strip()
            yield values.get(name, "") if name.startswith(LABEL_PREFIX) else values[name]
        else:
            yield piece


def template_problems(template: str) -> tuple[str, ...]:
    """Return what is wrong with *template*, one sentence each; empty when it is good."""
    problems: list[str] = []
    for piece in _TOKEN.findall(template):
        if piece in ("{", "}"):
            problems.append(
                f"expected a closed placeholder like {{queue}}, found a lone {piece}"
            )
        elif piece.startswith("{") and piece != "{{":
            problems.extend(_placeholder_problem(piece[1:-1].strip()))
    problems.extend(
        f"expected {{{name.strip()}}} in plain braces, found the wide ones of Chinese input"
        for name in _WIDE.findall(template)
    )
    return tuple(problems)


def _placeholder_problem(name: str) -> Iterator[str]:
    if name in PLACEHOLDERS or (name.startswith(LABEL_PREFIX) and name != LABEL_PREFIX):
        return
    known = ", ".join((*PLACEHOLDERS, "label:NAME"))
    near = difflib.get_close_matches(name, PLACEHOLDERS, n=1)
    hint = f"; did you mean {{{near[0]}}}?" if near else ""
    yield f"expected one of {known} in braces, found {{{name}}}{hint}"


def template_labels(template: str) -> tuple[str, ...]:
    """Return the static labels *template* asks for, so that unknown ones can be refused."""
    names = (piece[1:-1].strip() for piece in _TOKEN.findall(template) if piece.startswith("{"))
    return tuple(
        name.removeprefix(LABEL_PREFIX) for name in names if name.startswith(LABEL_PREFIX)
    )


def _over_window(english: str, chinese: str) -> dict[Language, str]:
    return {
        Language.ENGLISH: f"{{subject}}: {english} ({{window}}; limit {{limit}})",
        Language.CHINESE: f"{{subject}}：{chinese}（{{window}}；限值 {{limit}}）",  # noqa: RUF001  # Chinese punctuation
    }


def _now(english: str, chinese: str) -> dict[Language, str]:
    return {
        Language.ENGLISH: f"{{subject}}: {english} (limit {{limit}})",
        Language.CHINESE: f"{{subject}}：{chinese}（限值 {{limit}}）",  # noqa: RUF001  # Chinese punctuation
    }


DEFAULT_SUMMARIES: Mapping[str, Mapping[Language, str]] = {
    "waiting": _now("{value} callers waiting", "{value} 人在等待"),
    "longest_wait": _now("longest wait {value}", "最长等待已达 {value}"),
    "waiting_over_target": _now(
        "{value} callers waiting longer than the target", "{value} 人等待超过目标时间"
    ),
    "talking": _now("{value} callers talking to agents", "{value} 人正在通话"),
    "agents_staffed": _now("{value} agents at work", "在岗坐席 {value} 人"),
    "agents_available": _now("{value} agents free", "空闲坐席 {value} 人"),
    "agents_ringing": _now("{value} agents' phones ringing", "振铃坐席 {value} 人"),
    "agents_busy": _now("{value} agents busy", "忙碌坐席 {value} 人"),
    "agents_wrapup": _now("{value} agents finishing a call", "话后处理坐席 {value} 人"),
    "agents_paused": _now("{value} agents paused", "暂停坐席 {value} 人"),
    "unserved": _now(
        "{value} callers waiting while agents are free",
        "有坐席空闲，仍有 {value} 人在等待",  # noqa: RUF001  # Chinese punctuation
    ),
    "arrived": _over_window("{value} callers arrived", "来电 {value} 个"),
    "offered": _over_window("{value} callers finished waiting", "排队结束 {value} 个"),
    "answered": _over_window("{value} callers answered", "接通 {value} 个"),
    "abandoned": _over_window("{value} callers hung up", "放弃 {value} 个"),
    "timeout": _over_window("{value} callers timed out", "超时转出 {value} 个"),
    "key_exit": _over_window("{value} callers left by pressing a key", "按键退出 {value} 个"),
    "redirected": _over_window("{value} callers sent elsewhere", "转往他处的来电 {value} 个"),
    "withdrawn": _over_window("{value} callers withdrawn", "移出队列的来电 {value} 个"),
    "lost": _over_window("{value} callers lost from sight", "去向不明的来电 {value} 个"),
    "empty": _over_window(
        "{value} callers sent away as no agent was there", "因无坐席退出的来电 {value} 个"
    ),
    "failed": _over_window("{value} calls failed", "呼叫失败 {value} 个"),
    "answer_rate": _over_window("{value} of callers answered", "接通率 {value}"),
    "abandonment_rate": _over_window("{value} of callers hung up", "放弃率 {value}"),
    "overflow_rate": _over_window("{value} of callers overflowed", "溢出率 {value}"),
    "service_level": _over_window("service level {value}", "服务水平 {value}"),
    "service_level_now": _over_window(
        "service level {value}, those waiting included",
        "服务水平 {value}，含正在等待的来电",  # noqa: RUF001  # Chinese punctuation
    ),
    "average_wait": _over_window("answered after {value} on average", "平均应答时间 {value}"),
    "p50_wait": _over_window(
        "half of the callers waited {value} or longer", "半数来电至少等待 {value}"
    ),
    "p90_wait": _over_window(
        "one caller in ten waited {value} or longer", "10 % 的来电至少等待 {value}"
    ),
    "p95_wait": _over_window(
        "one caller in twenty waited {value} or longer", "5 % 的来电至少等待 {value}"
    ),
    "max_wait": _over_window("a caller waited {value}", "最长等待 {value}"),
    "average_talk": _over_window("average call {value}", "平均通话 {value}"),
    "occupancy": _over_window("agents busy {value} of their time", "坐席占用率 {value}"),
    "estimated_wait": _over_window("estimated wait {value}", "预计等待 {value}"),
}
"""What an alert says when the administrator wrote no ``summary``: measure, language."""

_ONE = (
    ("{value} callers", "{value} caller"),
    ("{value} agents' phones", "{value} agent's phone"),
    ("{value} agents", "{value} agent"),
    ("{value} calls", "{value} call"),
)


def default_summary(measure: str, value: Fraction, language: Language) -> str:
    """Return the summary in ``DEFAULT_SUMMARIES``, fit for *value*: 1 caller, 2 callers."""
    template = DEFAULT_SUMMARIES[measure][language]
    if value == 1 and language is Language.ENGLISH:
        for many, one in _ONE:
            template = template.replace(many, one)
    return template
