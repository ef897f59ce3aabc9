"""The words a backtest is told in, in both languages.

What fires is an episode; a page is that somebody was called: when it fired, and again when
it escalated. "Call" is no word for that where calls are what the queues are full of.
"""

from collections.abc import Mapping
from typing import Final

from callmon.alerts import Ended
from callmon.backtest.counts import Kind
from callmon.wording import Language

__all__ = ["CHANGES", "ENDINGS", "KINDS", "REASONS", "TEXTS"]

TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.ENGLISH: {
        "title": "Backtest of {name}",
        "said": "{what}: ",
        "past": "Past",
        "history_span": "{history}, {span}",
        "journal_of": "the journal of {config}",
        "logs": "{first} and {more} more",
        "span": "{since} to {until} {zone}",
        "events": "{length}, {events} events",
        "event": "{length}, {events} event",
        "lead": "; {lead} more from before were read, to know how things stood",
        "hole": "Nothing is known of the time before {first}.",
        "file": "File",
        "present": "Present file",
        "paged": "In {length} {name} would have paged somebody {pages}{rate}.",
        "paged_nobody": "In {length} {name} would have paged nobody.",
        "times": "{count} times",
        "once": "once",
        "rate": ", {count} a day",
        "fired": "It fired {episodes}; {brief} {was} over within a minute, {again} fired again"
        " within five minutes of the end of the one before.",
        "fired_clean": "It fired {episodes}; none was over within a minute, none fired again"
        " within five.",
        "some": "{count} ({share})",
        "none": "none",
        "was": "was",
        "were": "were",
        "now": " With the present file, {name}, it is {pages}{rate}: {change}.",
        "now_nobody": " The present file, {name}, would not.",
        "fewer": "the new one pages {share} less",
        "more": "the new one pages {share} more",
        "same": "the new one pages as often",
        "changes": "{gone} gone, {new} new, {kept} kept.",
        "no_changes": " Nothing would have fired differently.",
        "noisiest": "Noisiest: {threshold} for {subject}, {noise} of {episodes} ({share}).",
        "worst_day": "Worst day: {day}, {pages}.",
        "noisiest_card": "Noisiest",
        "worst_day_card": "Worst day",
        "pages_card": "Pages",
        "noise_card": "Noise",
        "a_day": "{count} a day",
        "of_fired": "{noise} of {episodes} that fired",
        "threshold": "Threshold",
        "subject": "Queue",
        "group": "{name} (group)",
        "episodes": "Fired",
        "a_week": "A week",
        "pages": "Pages",
        "brief": "Brief",
        "again": "Again",
        "noise": "Noise",
        "lasted": "Lasted",
        "longest": "Longest",
        "worst": "Worst",
        "silent": "Never fired",
        "shift": "Shift",
        "turns": "Times on duty",
        "mean": "Pages each",
        "most": "Most",
        "at_most": "at most {count}",
        "duty_note": "Filled: on average. Outline: the worst time on duty.",
        "no_shift": "no shift",
        "every_day": "all day",
        "kept": "Kept",
        "gone": "Gone",
        "new": "New",
        "and_more": "and {count} more",
        "list_more": "{list}, {more}",
        "remarks": "To know",
        "above": "above {limit}",
        "below": "below {limit}",
        "over": "{measure} over {window}",
        "for": "for {length}",
        "limit": "Limit",
        "sweep_of": "One limit, tried at {count} places",
        "in_force": "in force",
        "in_force_at": "in force: {limit}",
        "pages_a_week": "Pages a week",
        "pages_all": "Pages",
        "noise_share": "Share of noise",
        "pages_line": "pages",
        "brief_line": "over within a minute",
        "again_line": "again within five",
        "timeline": "When it fired",
        "timeline_note": "Above the line: what lasted, as wide as it was long."
        " Below it: noise.",
        "strip": "{threshold} for {subject}: {count} times, {noise} noise",
        "timeline_merged": "Marks closer than {length} are drawn as one.",
        "closed": "closed hours; without hours: Saturday, Sunday",
        "unknown": "nothing known",
        "each_day": "Pages each day",
        "heat": "Pages by hour of the week",
        "shifts": "Pages of each shift",
        "lines": "Each threshold and queue",
        "list": "Every time it fired",
        "list_capped": "The first {shown} of {count}; the CSV has all of them.",
        "began": "Fired",
        "ended": "Why it ended",
        "kind": "Kind",
        "value": "Worst value",
        "which_file": "File",
        "nothing": "Nothing fired.",
        "is_present": "present",
        "is_candidate": "candidate",
        "day_count": "{day}: {pages}, noise {noise}",
        "many": "{count} times, {since} to {until}, {noise} noise",
        "made": "callmon {release}: thresholds tried on the past. Nothing was changed.",
        "skip": "Skip to the picture",
        "table_of": "The same as a table",
        "differences": "What changes",
        "calls_by": "{day} {hour}:00: {pages}",
        "pages_count": "{count} pages",
        "page_count": "{count} page",
        "change": "Change",
        "when": "When",
        "each_queue": "Each queue by itself",
        "pages_each": "Pages of each queue",
        "queues_more": "and {count} more queues",
        "severity": "Severity",
        "unknown_before": "nothing is known from before {first}:"
        " windows fill only from then on",
        "unknown_after": "nothing is known from after {last}: the time after it passes"
        " as though nobody called or hung up",
        "no_agents": "nothing is told of agents in this past: never a value for {thresholds}",
        "agents_unknown": "nothing is known of who was logged in when this past begins:"
        " measures of agents are absent until a feed connects anew",
        "no_call_in": "no call in these queues of callmon.yml: {queues}",
        "no_thresholds": "{name} has no thresholds yet",
        "not_used": "not used: {reasons}",
        "reason": "{stage}: {reason} {count}",
        "comma": ", ",
        "colon": ": ",
        "for_all": "the sweep sets limits of overrides aside: each of its limits is for all",
        "storm": "{on} alerts would have come in storms: {held} of all pages would have been"
        " held, one alert speaking for them",
        "storm_day": "on 1 day",
        "storm_days": "on {days} days",
    },
    Language.CHINESE: {
        "title": "回测：{name}",  # noqa: RUF001  # Chinese punctuation
        "said": "{what}：",  # noqa: RUF001  # Chinese punctuation
        "past": "历史数据",
        "history_span": "{history}，{span}",  # noqa: RUF001  # Chinese punctuation
        "journal_of": "{config} 的历史库",
        "logs": "{first} 及另外 {more} 个文件",
        "span": "{since} 至 {until} {zone}",
        "events": "{length}，{events} 个事件",  # noqa: RUF001  # Chinese punctuation
        "event": "{length}，{events} 个事件",  # noqa: RUF001  # Chinese punctuation
        "lead": "；另读取此前的 {lead} 个事件，用于还原起始时的状态",  # noqa: RUF001  # Chinese punctuation
        "hole": "{first} 之前没有数据。",
        "file": "文件",
        "present": "现行文件",
        "paged": "{length}内，{name} 会发出通知 {pages}{rate}。",  # noqa: RUF001  # Chinese punctuation
        "paged_nobody": "{length}内，{name} 不会发出任何通知。",  # noqa: RUF001  # Chinese punctuation
        "times": "{count} 次",
        "once": "1 次",
        "rate": "，平均每天 {count} 次",  # noqa: RUF001  # Chinese punctuation
        "fired": "共触发 {episodes}：{brief}在一分钟内结束，"  # noqa: RUF001  # Chinese punctuation
        "{again}在上一次结束后五分钟内再次触发。",
        "fired_clean": "共触发 {episodes}，没有一分钟内结束的，"  # noqa: RUF001  # Chinese punctuation
        "也没有五分钟内再次触发的。",
        "some": "{count} 次（{share}）",  # noqa: RUF001  # Chinese punctuation
        "none": "0 次",
        "was": "",
        "were": "",
        "now": "现行文件 {name} 为 {pages}{rate}，{change}。",  # noqa: RUF001  # Chinese punctuation
        "now_nobody": "现行文件 {name} 不发出通知。",
        "fewer": "新文件减少 {share}",
        "more": "新文件增加 {share}",
        "same": "两者次数相同",
        "changes": "不再触发 {gone} 次，新触发 {new} 次，保留 {kept} 次。",  # noqa: RUF001  # Chinese punctuation
        "no_changes": "触发情况没有任何变化。",
        "noisiest": "噪音最多：{subject} 的 {threshold}，"  # noqa: RUF001  # Chinese punctuation
        "{episodes} 次中有 {noise} 次（{share}）。",  # noqa: RUF001  # Chinese punctuation
        "worst_day": "最忙的一天：{day}，{pages}。",  # noqa: RUF001  # Chinese punctuation
        "noisiest_card": "噪音最多",
        "worst_day_card": "通知最多的一天",
        "pages_card": "通知",
        "noise_card": "噪音",
        "a_day": "平均每天 {count} 次",
        "of_fired": "{episodes} 次触发中的 {noise} 次",
        "threshold": "阈值",
        "subject": "队列",
        "group": "{name}（队列组）",  # noqa: RUF001  # Chinese punctuation
        "episodes": "触发",
        "a_week": "每周",
        "pages": "通知",
        "brief": "短暂",
        "again": "反复",
        "noise": "噪音",
        "lasted": "累计时长",
        "longest": "最长",
        "worst": "最差值",
        "silent": "从未触发",
        "shift": "班次",
        "turns": "班数",
        "mean": "每班通知",
        "most": "最多",
        "at_most": "最多 {count}",
        "duty_note": "实心：平均；空心：最多的一班。",  # noqa: RUF001  # Chinese punctuation
        "no_shift": "无班次",
        "every_day": "全天",
        "kept": "保留",
        "gone": "不再触发",
        "new": "新触发",
        "and_more": "另有 {count} 次",
        "list_more": "{list}，{more}",  # noqa: RUF001  # Chinese punctuation
        "remarks": "须知",
        "above": "高于 {limit}",
        "below": "低于 {limit}",
        "over": "{measure}（{window}）",  # noqa: RUF001  # Chinese punctuation
        "for": "持续 {length}",
        "limit": "限值",
        "sweep_of": "同一限值，试了 {count} 个取值",  # noqa: RUF001  # Chinese punctuation
        "in_force": "现行",
        "in_force_at": "现行：{limit}",  # noqa: RUF001  # Chinese punctuation
        "pages_a_week": "每周通知次数",
        "pages_all": "通知次数",
        "noise_share": "噪音占比",
        "pages_line": "通知",
        "brief_line": "一分钟内结束",
        "again_line": "五分钟内再次触发",
        "timeline": "何时触发",
        "strip": "{subject} 的 {threshold}：{count} 次，噪音 {noise} 次",  # noqa: RUF001  # Chinese punctuation
        "timeline_note": "线上：持续的告警，宽度即时长。线下：噪音。",  # noqa: RUF001  # Chinese punctuation
        "timeline_merged": "间隔小于 {length} 的合并为一个标记。",
        "closed": "非生效时段；未设时段的为周六、周日",  # noqa: RUF001  # Chinese punctuation
        "unknown": "无数据",
        "each_day": "每天的通知",
        "heat": "一周各时段的通知",
        "shifts": "各班次的通知",
        "lines": "各阈值与队列",
        "list": "全部触发记录",
        "list_capped": "显示前 {shown} 次，共 {count} 次；CSV 中有全部记录。",  # noqa: RUF001  # Chinese punctuation
        "began": "触发时间",
        "ended": "结束原因",
        "kind": "类型",
        "value": "最差值",
        "which_file": "文件",
        "nothing": "没有触发。",
        "is_present": "现行",
        "is_candidate": "候选",
        "day_count": "{day}：{pages}，噪音 {noise}",  # noqa: RUF001  # Chinese punctuation
        "many": "{since} 至 {until} 共 {count} 次，噪音 {noise}",  # noqa: RUF001  # Chinese punctuation
        "made": "callmon {release}：用历史数据试算阈值，未作任何更改。",  # noqa: RUF001  # Chinese punctuation
        "skip": "跳到时间图",
        "table_of": "以表格查看",
        "differences": "变化",
        "calls_by": "{day} {hour}:00：{pages}",  # noqa: RUF001  # Chinese punctuation
        "pages_count": "通知 {count} 次",
        "page_count": "通知 {count} 次",
        "change": "变化",
        "when": "时间",
        "each_queue": "各队列分别试算",
        "pages_each": "各队列的通知",
        "queues_more": "另有 {count} 个队列",
        "severity": "级别",
        "unknown_before": "{first} 之前没有数据，统计窗口从那时起才开始累积",  # noqa: RUF001  # Chinese punctuation
        "unknown_after": "{last} 之后没有数据，此后按无人来电、无人挂机推算",  # noqa: RUF001  # Chinese punctuation
        "no_agents": "这段历史中没有坐席数据，以下阈值始终没有数值：{thresholds}",  # noqa: RUF001  # Chinese punctuation
        "agents_unknown": "这段历史开始时有哪些坐席已签入，无从得知："  # noqa: RUF001  # Chinese punctuation
        "数据源重新连接之前，坐席类指标无数据",  # noqa: RUF001  # Chinese punctuation
        "no_call_in": "callmon.yml 中的这些队列没有来电：{queues}",  # noqa: RUF001  # Chinese punctuation
        "no_thresholds": "{name} 中还没有阈值",
        "not_used": "未采用的记录：{reasons}",  # noqa: RUF001  # Chinese punctuation
        "reason": "{reason} {count} 条（{stage}）",  # noqa: RUF001  # Chinese punctuation
        "comma": "、",
        "colon": "：",  # noqa: RUF001  # Chinese punctuation
        "for_all": "试算一串限值时不看 overrides 中各自的限值：每个取值对所有队列都一样",  # noqa: RUF001  # Chinese punctuation
        "storm": "{on}会出现告警风暴：全部通知中有 {held} 次会被合并，只发一条汇总告警",  # noqa: RUF001  # Chinese punctuation
        "storm_day": "有 1 天",
        "storm_days": "有 {days} 天",
    },
}

ENDINGS: Final[Mapping[Language, Mapping[Ended | None, str]]] = {
    Language.ENGLISH: {
        Ended.RECOVERED: "recovered",
        Ended.NO_CONTACTS: "no callers left",
        Ended.CLOSED: "hours ended",
        Ended.REMOVED: "removed",
        None: "stood at the end",
    },
    Language.CHINESE: {
        Ended.RECOVERED: "已恢复",
        Ended.NO_CONTACTS: "已无来电",
        Ended.CLOSED: "生效时段结束",
        Ended.REMOVED: "已移除",
        None: "结束时仍在告警",
    },
}

KINDS: Final[Mapping[Language, Mapping[Kind, str]]] = {
    Language.ENGLISH: {
        Kind.BRIEF: "over within a minute",
        Kind.AGAIN: "again within five minutes",
        Kind.ESCALATED: "escalated",
        Kind.ORDINARY: "lasted",
    },
    Language.CHINESE: {
        Kind.BRIEF: "一分钟内结束",
        Kind.AGAIN: "五分钟内再次触发",
        Kind.ESCALATED: "已升级",
        Kind.ORDINARY: "持续",
    },
}

CHANGES: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.ENGLISH: {"kept": "kept", "gone": "gone", "new": "new"},
    Language.CHINESE: {"kept": "保留", "gone": "不再触发", "new": "新触发"},
}
"""Of an episode, from the present file to the candidate."""

REASONS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.ENGLISH: {},
    Language.CHINESE: {
        "decode": "解析",
        "figure": "数值",
        "engine": "处理",
        "journal": "历史库",
        "missing_fields": "字段缺失",
        "bad_time": "时间无效",
        "bad_number": "数字无效",
        "oversized": "过长",
        "unknown_verb": "未知类型",
        "empty": "空行",
        "forged": "伪造",
        "incomplete": "列表不完整",
        "malformed": "格式错误",
        "bad_value": "取值无效",
        "retained": "保留消息",
        "unmatched": "未配置的主题",
        "unknown_version": "未知版本",
        "duplicate": "重复",
        "late": "过迟",
        "future": "时间超前",
        "orphan": "无对应来电",
        "queue_limit": "队列数超限",
        "contact_limit": "来电数超限",
        "agent_limit": "坐席数超限",
        "unreadable": "无法读取",
    },
}
"""Why something was not used, and where that was seen; in English as metrics count it."""
