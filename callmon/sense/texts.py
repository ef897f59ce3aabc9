"""What ``callmon check`` finds, and how it prints it, in both languages.

Names of keys and values stand in them as the files write them.
"""

# ruff: noqa: RUF001 - Chinese punctuation

from typing import Final

from callmon.config.said import Said, Texts, said
from callmon.wording import Language

__all__ = ["TEXTS", "say"]

TEXTS: Final[Texts] = {
    Language.ENGLISH: {
        # ---- calendars and shifts
        "unused": "nothing uses this calendar: name it at active, during or shifts",
        "night": "hours over midnight belong to the day they begin on: {next} until {end} is"
        " open, {day} morning is not",
        "cut_night": "{first} morning is open, {after} morning is not: for nights that begin on"
        ' these days write "{night}"',
        "all_past": "all its dates are past: what is bound to it never holds again",
        "never_open": "it is not open at any time in the next year: what is bound to it never"
        " holds",
        "never_fires": "'{name}' is open for {room} at a stretch, and closing ends the alert:"
        " after {needed} it never fires",
        "never_escalates": "'{name}' is open for {room} at a stretch, and closing ends the"
        " alert: after {needed} it never comes to this",
        "never_both": "'{during}' is open only while '{active}' is closed: the threshold is off"
        " then, and this override never holds",
        "never_on_duty": "the shifts before it are on duty at all its hours: it never is",
        "nobody_on_duty": "nobody is on duty for {length} of the next 7 days, first {first}:"
        " alerts then have no label shift",
        "from_to": "{from_day} {from_time} to {to_day} {to_time}",
        # ---- selection
        "for_none_of": "this is for nobody: {shown} has no {labels}; it never fires",
        "for_no_label": "this is for nobody: nobody has {labels}; it never fires",
        "for_no_group": "this is for nobody: no group has such a name; it never fires",
        "no_such_group": "no group in callmon.yml matches '{name}': this selects nobody",
        "no_such_queue": "no queue in callmon.yml matches '{name}'; one may turn up{hint}",
        # ---- overrides and thresholds that make no difference
        "override_of_nobody": "this override is for nobody: the threshold itself does not"
        " select any queue or group that it names",
        "override_of_nothing": "this override changes nothing: it sets what holds without it",
        "overwritten": "this override has no effect: the one at line {line} comes later and"
        " sets the same for all of them; put the general one first",
        "overwritten_by": "this override has no effect: those at lines {lines} come later and"
        " set the same for all of them; put the general one first",
        "and": " and ",
        "twin": "it fires whenever '{other}' (line {line}) does: remove one",
        "twin_but_severity": "it fires whenever '{other}' (line {line}) does, only the severity"
        " differs: keep the higher one, or use escalate:",
        "after_other": "whenever it fires, '{other}' (line {line}) has fired with the same or a"
        " higher severity: it tells nothing new",
        "before_other": "whenever '{other}' (line {line}) fires, this one has fired with the"
        " same or a higher severity: '{other}' tells nothing new",
        # ---- traffic
        "unknown_traffic": "what is usual could not be looked up: {error}",
        "too_few": "at_least {at_least} in {window}: {kind} {name} has about {usual} in the"
        " busiest {window} of a usual day{others}; this can hardly ever fire: {cure}",
        "queue": "queue",
        "group": "group",
        "contact": "{count} contact",
        "contacts": "{count} contacts",
        "more": " (and {count} more)",
        "cure": "write at_least: {fewer}, for all or in an override",
        "cure_wider": "write window: {wider} or at_least: {fewer}, for all or in an override",
        # ---- routes of Alertmanager
        "no_route": "expected a route with a receiver, found none",
        "no_matcher": "{expected}, found {found}",
        "matcher": 'expected a matcher like team="sales"',
        "untried": "{matcher} is not tried here: taken to be for every alert",
        "none_has_all": "no alert of callmon's has all of these labels: nothing comes here",
        "taken": "the route at line {line} takes all that would come here: put this one before"
        " it, or give that one continue: true",
        "taken_by_another": "another takes all that would come here: put this one before it, or"
        " give that one continue: true",
        "no_severity": "no threshold is of severity {severity}: nothing comes here yet",
        "no_label": "no alert of callmon's has a label {label}{hint}",
        "no_value": "no alert of callmon's has {matcher}{hint}",
        "values": "; {label} is {values}",
        "muted": "Alertmanager does not tell the end of an alert that is muted: write opening"
        " hours as active: in thresholds.yml instead",
        "no_receiver": "there is no receiver '{name}'{hint}",
        "idle_receiver": "no route sends anything to receiver '{name}'",
        "dumb_receiver": "alerts come to receiver '{name}', and it tells nobody",
        "by_default": "no route is for these, the first receiver '{name}' has them:"
        " {told}{more}",
        "and_more": "; and {count} more",
        # ---- what is printed
        "comma": ", ",
        "mistake": "{count} mistake",
        "mistakes": "{count} mistakes",
        "warning": "{count} warning",
        "warnings": "{count} warnings",
        "remark": "{count} remark",
        "remarks": "{count} remarks",
        "again": "checked again when a file changes; Ctrl+C ends",
    },
    Language.CHINESE: {
        # ---- calendars and shifts
        "unused": "没有任何地方用到这个日历：请写到 active、during 或 shifts 里",
        "night": "跨越零点的时段算在开始的那一天：{next}开到 {end}，{day}早上不开",
        "cut_night": '{first}早上开，{after}早上不开：这几天开始的夜间时段请写成 "{night}"',
        "all_past": "它的日期都已过去：与它相关的设置不会再生效",
        "never_open": "它在今后一年里从不开放：与它相关的设置永远不会生效",
        "never_fires": "'{name}' 一次最长开放 {room}，时段结束时告警也随之结束："
        "要等 {needed}，永远不会触发",
        "never_escalates": "'{name}' 一次最长开放 {room}，时段结束时告警也随之结束："
        "要等 {needed}，永远到不了这一级",
        "never_both": "'{during}' 只在 '{active}' 关闭时开放：那时阈值不生效，"
        "这项 override 永远用不上",
        "never_on_duty": "它的所有时段都已由排在前面的班次值班：永远轮不到它",
        "nobody_on_duty": "今后 7 天有 {length} 无人值班，首次是 {first}："
        "这段时间的告警没有 shift 标签",
        "from_to": "{from_time}（{from_day}）至{to_day} {to_time}",
        # ---- selection
        "for_none_of": "没有适用的队列：{shown} 没有 {labels}；永远不会触发",
        "for_no_label": "没有适用的队列：没有任何队列或队列组带有 {labels}；永远不会触发",
        "for_no_group": "没有适用的队列组：没有这样名称的队列组；永远不会触发",
        "no_such_group": "callmon.yml 中没有与 '{name}' 匹配的队列组：这里什么也没有选中",
        "no_such_queue": "callmon.yml 中没有与 '{name}' 匹配的队列；以后也许会出现{hint}",
        # ---- overrides and thresholds that make no difference
        "override_of_nobody": "这项 override 没有适用的对象：它写的队列和队列组，"
        "阈值本身一个也没有选中",
        "override_of_nothing": "这项 override 没有改变什么：没有它也是这样",
        "overwritten": "这项 override 不起作用：第 {line} 行的在它之后，"
        "把它们都改成了同样的值；请把范围大的写在前面",
        "overwritten_by": "这项 override 不起作用：第 {lines} 行的在它之后，"
        "把它们都改成了同样的值；请把范围大的写在前面",
        "and": "、",
        "twin": "它总是和 '{other}'（第 {line} 行）同时触发：请删去一条",
        "twin_but_severity": "它总是和 '{other}'（第 {line} 行）同时触发，只有级别不同："
        "请保留级别高的，或用 escalate:",
        "after_other": "它触发时，'{other}'（第 {line} 行）早已以相同或更高的级别触发："
        "它说不出新的情况",
        "before_other": "'{other}'（第 {line} 行）触发时，这一条早已以相同或更高的级别触发："
        "'{other}' 说不出新的情况",
        # ---- traffic
        "unknown_traffic": "无法查到平时的来电量：{error}",
        "too_few": "{window} 内 at_least {at_least}：{kind} {name} 平日最忙的 {window} 里"
        "大约只有 {usual}{others}，几乎不可能触发：{cure}",
        "queue": "队列",
        "group": "队列组",
        "contact": "{count} 个来电",
        "contacts": "{count} 个来电",
        "more": "（另有 {count} 个也是这样）",
        "cure": "请写 at_least: {fewer}，对全部，或写在 override 里",
        "cure_wider": "请写 window: {wider} 或 at_least: {fewer}，对全部，或写在 override 里",
        # ---- routes of Alertmanager
        "no_route": "应有带 receiver 的 route，没有找到",
        "no_matcher": "{expected}，写的是 {found}",
        "matcher": '应为 team="sales" 这样的匹配条件',
        "untried": "{matcher} 在这里无法验证：按匹配所有告警处理",
        "none_has_all": "callmon 的告警没有一条同时带有这些标签：没有告警会到这里",
        "taken": "第 {line} 行的路由取走了所有该到这里的告警：请把这一条写到它前面，"
        "或给它加上 continue: true",
        "taken_by_another": "另一条路由取走了所有该到这里的告警：请把这一条写到它前面，"
        "或给它加上 continue: true",
        "no_severity": "没有级别为 {severity} 的阈值：目前没有告警会到这里",
        "no_label": "callmon 的告警没有标签 {label}{hint}",
        "no_value": "callmon 的告警没有 {matcher}{hint}",
        "values": "；{label} 的值有 {values}",
        "muted": "告警被静音期间，Alertmanager 不会通知它的结束："
        "请改为在 thresholds.yml 里用 active: 写明营业时间",
        "no_receiver": "没有名为 '{name}' 的 receiver{hint}",
        "idle_receiver": "没有任何路由发往 receiver '{name}'",
        "dumb_receiver": "有告警发往 receiver '{name}'，但它不通知任何人",
        "by_default": "没有针对下列告警的路由，由第一个 receiver '{name}' 接收：{told}{more}",
        "and_more": "；另有 {count} 种",
        # ---- what is printed
        "comma": "，",
        "mistake": "{count} 处错误",
        "mistakes": "{count} 处错误",
        "warning": "{count} 条警告",
        "warnings": "{count} 条警告",
        "remark": "{count} 条提示",
        "remarks": "{count} 条提示",
        "again": "文件有变化时重新检查；按 Ctrl+C 结束",
    },
}


def say(key: str, /, **values: object) -> Said:
    """Return the message *key* with *values*."""
    return said(TEXTS, key, **values)
