"""The words in which it is told what became of scenarios, in both languages.

Sentences are code and stay as they are. What stands in one, ``pending`` or ``10s``, is told
as a sentence has it, so that it can be written down.
"""

# ruff: noqa: RUF001 - Chinese punctuation

from collections.abc import Mapping
from typing import Final

from callmon.alerts import Ended
from callmon.thresholds import State
from callmon.wording import Language

__all__ = ["ENDINGS", "STATES", "TEXTS"]

TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.ENGLISH: {
        "day": "{weekday} {day}, {zone}",
        "line": "line {line}: ",
        "happened": "what happened:",
        "nothing_fired": "nothing fired",
        "comma": ", ",
        "all_held": "{scenarios}: all {expectations} held",
        "failed": "{failed} of {scenarios} failed; {held} of {total} expectations held",
        "scenario": "{count} scenario",
        "scenarios": "{count} scenarios",
        "expectation": "{count} expectation",
        "expectations": "{count} expectations",
        "took": ", in {length} ms",
        "strict": "strict: nothing else fires",
        "came": "at {time}",
        "not_fired": "it did not fire; {stood}",
        "not_escalated": "it did not escalate; {stood}",
        "not_ended": "it did not end; {stood}",
        "other": "it {turned} at {time}{off}; {was}, limit {limit}",
        "later": ", {length} later",
        "earlier": ", {length} earlier",
        "fired": "fired {severity}",
        "escalated": "escalated to {severity}",
        "ended": "ended {reason}",
        "alert": "{name} {turned} at {time}",
        "more": "and {count} more",
        "stands": "{name} {severity}",
        "stood": "at {time} {how}",
        "unknown": "nothing was known of it",
        "off": "it was off",
        "off_outside": "it was off, outside {calendar}",
        "no_value": "there was no value: {why}",
        "blind": "its feeds were blind",
        "nobody": "nobody is in the base",
        "no_reading": "there was nothing to measure",
        "absent": "it was absent: {why}",
        "was": "{measure} was {value}",
        "it_was": "it was {value}",
        "pending": "it was pending since {since}: {was}, {limit} must last {hold}",
        "firing": "it was {state} ({severities}): {was}, limit {limit}",
        "calm": "it was {state}: {was}, {why}",
        "above": "above {limit}",
        "below": "below {limit}",
        "not_beyond": "not {limit}",
        "too_few": "but of {base}, fewer than at_least {at_least}",
        "doubt": "but that it is {limit} is not beyond doubt (confidence)",
        "not_yet": "not {limit} until then",
        "about": "about {value}",
        "of": "{value} ({part} of {whole})",
        "stories": "Calls that just reach the limit of each threshold, and what comes of it.",
        "to_do": "Change the times, add callers, write down what you expect; then:"
        " callmon test FILE",
        "beside": "save this file beside it",
        "no_story": "{name}: no short story reaches its limit; write one yourself",
        "story": "{name} of {subject} fires",
        "story_for": "{name} of {subject} fires for {hold}",
    },
    Language.CHINESE: {
        "day": "{day} {weekday}，{zone}",
        "line": "第 {line} 行：",
        "happened": "实际发生：",
        "nothing_fired": "没有触发",
        "comma": "、",
        "all_held": "{scenarios}：{expectations}全部符合",
        "failed": "{scenarios}中 {failed} 个不符合；{total} 项预期中 {held} 项符合",
        "scenario": "{count} 个场景",
        "scenarios": "{count} 个场景",
        "expectation": "{count} 项预期",
        "expectations": "{count} 项预期",
        "took": "，用时 {length} 毫秒",
        "strict": "strict：没有别的触发",
        "came": "于 {time}",
        "not_fired": "没有触发；{stood}",
        "not_escalated": "没有升级；{stood}",
        "not_ended": "没有结束；{stood}",
        "other": "{time} {turned}{off}；当时{was}，限值 {limit}",
        "later": "，晚了 {length}",
        "earlier": "，早了 {length}",
        "fired": "触发{severity}",
        "escalated": "升级为{severity}",
        "ended": "结束（{reason}）",
        "alert": "{time} {name} {turned}",
        "more": "另有 {count} 条",
        "stands": "{name} {severity}",
        "stood": "{time} 时{how}",
        "unknown": "还没有它的任何数据",
        "off": "不在生效时段（off）",
        "off_outside": "不在生效时段 {calendar} 之内（off）",
        "no_value": "没有数值：{why}",
        "blind": "数据源中断",
        "nobody": "没有可统计的对象",
        "no_reading": "没有可统计的对象",
        "absent": "没有数值（absent）：{why}",
        "was": "{measure}为 {value}",
        "it_was": "实际为 {value}",
        "pending": "从 {since} 起观察中（pending）：{was}，须{limit}持续 {hold}",
        "firing": "{state}，{severities}：{was}，条件是{limit}",
        "calm": "{state}：{was}，{why}",
        "above": "高于 {limit}",
        "below": "低于 {limit}",
        "not_beyond": "没有{limit}",
        "too_few": "但总数只有 {base}，少于 at_least {at_least}",
        "doubt": "但{limit}还不能排除是偶然（confidence）",
        "not_yet": "此前没有{limit}",
        "about": "约 {value}",
        "of": "{value}（{part}/{whole}）",
        "stories": "恰好达到每条阈值限值的来电，以及结果。",
        "to_do": "改一改时间，加几个来电，写下您的预期，然后执行：callmon test FILE",
        "beside": "本文件保存在它旁边",
        "no_story": "{name}：没有简短的故事能达到它的限值，请自己写一个",
        "story": "{subject} 的 {name} 触发",
        "story_for": "{subject} 的 {name} 持续 {hold} 后触发",
    },
}

ENDINGS: Final[Mapping[Language, Mapping[Ended, str]]] = {
    Language.ENGLISH: {ended: ended.value for ended in Ended},
    Language.CHINESE: {
        Ended.RECOVERED: "已恢复，recovered",
        Ended.NO_CONTACTS: "已无来电，no_contacts",
        Ended.CLOSED: "生效时段结束，closed",
        Ended.REMOVED: "已移除，removed",
    },
}

STATES: Final[Mapping[Language, Mapping[State, str]]] = {
    Language.ENGLISH: {state: state.value for state in State},
    Language.CHINESE: {
        State.OK: "正常（ok）",
        State.PENDING: "观察中（pending）",
        State.FIRING: "告警中（firing）",
        State.KEEPING: "保持中（keeping）",
        State.NO_VALUE: "无数据（no_value）",
        State.OFF: "非生效时段（off）",
    },
}
