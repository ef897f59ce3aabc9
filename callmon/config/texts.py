"""What a configuration comes to, and what may be a mistake in it, in both languages.

Names of keys and values stand in them as the files write them.
"""

# ruff: noqa: RUF001 - Chinese punctuation

from typing import Final

from callmon.config.said import Said, Texts, said
from callmon.wording import Language

__all__ = ["TEXTS", "say"]

TEXTS: Final[Texts] = {
    Language.ENGLISH: {
        # ---- the summary
        "feed": "{count} feed",
        "feeds": "{count} feeds",
        "no_feed": "no feeds",
        "queue": "{count} queue",
        "queues": "{count} queues",
        "no_queue": "no queues",
        "group": "{count} group",
        "groups": "{count} groups",
        "no_group": "no groups",
        "threshold": "{count} threshold",
        "thresholds": "{count} thresholds",
        "no_threshold": "no thresholds",
        "calendar": "{count} calendar",
        "calendars": "{count} calendars",
        "no_calendar": "no calendars",
        "alertmanager": "{count} Alertmanager",
        "alertmanagers": "{count} Alertmanagers",
        "no_alertmanager": "no Alertmanagers",
        "comma": ", ",
        "between": ", ",
        # ---- what holds for a queue or group
        "other": "any other queue",
        "a_queue": "queue {name}",
        "a_group": "group {name}",
        "members": " (queues {queues})",
        "origins": " ({names})",
        "origin": "{name} at {source}",
        "service_level": "service level: answered within {within}, {formula}, overflow"
        " {overflow}; {short}; today by {zone}",
        "short_abandon": "short abandon under {length}",
        "no_short_abandon": "no short abandons",
        "unwatched": "no threshold",
        "rule": "{name}: {severity} when {measure} is {sentence}{steps}",
        "over": "{measure} over {window}",
        "step": "; {severity} after {after} more",
        "during": "during {name}: {sentence}",
        "above": "above {limit}",
        "below": "below {limit}",
        "hold": "for {hold}",
        "at_least": "with at least {at_least} contacts",
        "at_least_agents": "with at least {at_least} agents' minutes",
        "sure": "{level} sure",
        "active": "only in {name}",
        "ends_below": "ends below {clear}",
        "ends_past": "ends past {clear}",
        "keep": "kept {keep}",
        "contacts": "{limit} contacts",
        "agents": "{limit} agents",
        # ---- holidays
        "and": " and ",
        "holidays": "the holidays of {country} for {years} are not complete yet; update the"
        " package holidays, or list the dates under special:",
        # ---- limits that are hardly meant
        "wide_quotes": "these wide quotes are part of the text: those of YAML are \" and '",
        "good_news": "{measure} {direction} {limit} is good news: this fires while all is"
        " well{hint}",
        "at_once": "one caller is enough for this: it fires nearly all the time",
        "small_share": "{limit} is less than 1 in 100{hint}",
        "small_length": "{limit} is less than a second{hint}",
        "long_length": "{measure} never comes to {limit}: this can hardly ever fire{hint}",
        "never_fewer": "with {at_least} or more there are never fewer than {limit}: this can"
        " never fire; remove at_least",
        "unserved": "until a telephone rings a caller waits while an agent is free, at every"
        " call: add for: 30s",
        # ---- whom thresholds are for
        "unlisted": "queue '{name}' is not listed in callmon.yml{hint}",
        "unlisted_wide": "queue '{name}' is not listed in callmon.yml, and has wide characters"
        " of Chinese input{hint}",
        "unlisted_several": "queue '{name}' is not listed in callmon.yml; did you mean"
        " '[{names}]'? More than one name stands in brackets",
        "unlisted_capital": "queue '{name}' is not listed in callmon.yml; queues not listed are"
        " known by their name in small letters{hint}",
        "no_label": "nobody has {label} '{value}'{hint}",
        "no_agents": "no feed tells of agents, {measure} has no value and this never fires:"
        " {cure}",
        "agents_true": "if feed '{feed}' does, say agents: true there",
        "add_ami": "add an asterisk_ami feed (docs/feeds/asterisk.md)",
        "no_agents_of": "no feed tells of the agents of queue '{name}': this never fires for"
        " it",
        "storm_label": "no queue has the label '{label}': all alerts are counted"
        " together{hint}",
        "declares_none": "; labels: declares none",
        # ---- feeds
        "secret_alone": "expected the secret alone: 'secret =' stands before it",
        "secret_blank": "the secret begins or ends with a blank; no secret in manager.conf"
        " does",
        "secret_quotes": "the secret is in quotes: they are part of it, here and in"
        " manager.conf",
        "secret_comment": "manager.conf takes ; for the beginning of a comment: write \\;"
        " there",
        "two_systems": "'{source}' and {others} are different telephone systems: their callers"
        " are counted apart. Where they are one Asterisk, give both feeds the same source",
        "of_feed": "'{source}' (feed '{feed}')",
        "for_all_to_read": "it stands in the file for all to read: use {key}_file or ${{NAME}}",
        "plain_secret": "the secret goes over the network as it is: use login: md5, or tls",
        "given_to_asterisk": "whoever pretends to be this Asterisk is given the secret",
        "plain_password": "the password goes over the network as it is: use tls",
        "given_to_broker": "whoever pretends to be this broker is given the password",
        "tls_port": "brokers speak TLS there: add tls: {{}}",
        "plain_port": "brokers speak without TLS there: 8883 is usual with tls",
        "earlier_topic": "'{topic}' stands before it: a message that matches both is read as"
        " that says, and not a second time",
        "topic_of_other": "feed '{feed}' reads '{topic}' of this broker: where both match,"
        " callers would be there twice",
    },
    Language.CHINESE: {
        # ---- the summary
        "feed": "{count} 个数据源",
        "feeds": "{count} 个数据源",
        "no_feed": "没有数据源",
        "queue": "{count} 个队列",
        "queues": "{count} 个队列",
        "no_queue": "没有队列",
        "group": "{count} 个队列组",
        "groups": "{count} 个队列组",
        "no_group": "没有队列组",
        "threshold": "{count} 条阈值",
        "thresholds": "{count} 条阈值",
        "no_threshold": "没有阈值",
        "calendar": "{count} 个日历",
        "calendars": "{count} 个日历",
        "no_calendar": "没有日历",
        "alertmanager": "{count} 个 Alertmanager",
        "alertmanagers": "{count} 个 Alertmanager",
        "no_alertmanager": "没有 Alertmanager",
        "comma": "，",
        "between": "、",
        # ---- what holds for a queue or group
        "other": "其他队列",
        "a_queue": "队列 {name}",
        "a_group": "队列组 {name}",
        "members": "（队列 {queues}）",
        "origins": "（{names}）",
        "origin": "{source} 的 {name}",
        "service_level": "服务水平：{within} 内接通，公式 {formula}，溢出 {overflow}；{short}；"
        "“今天”按 {zone} 时间",
        "short_abandon": "{length} 内挂断的不计入",
        "no_short_abandon": "很快挂断的也计入",
        "unwatched": "没有阈值",
        "rule": "{name}（{severity}）：{measure} {sentence}{steps}",
        "over": "{window} 内 {measure}",
        "step": "；再过 {after} 升级为{severity}",
        "during": "{name} 期间：{sentence}",
        "above": "高于 {limit}",
        "below": "低于 {limit}",
        "hold": "持续 {hold}",
        "at_least": "来电不少于 {at_least} 个",
        "at_least_agents": "坐席在岗合计不少于 {at_least} 分钟",
        "sure": "有 {level} 的把握",
        "active": "仅在 {name} 时间内",
        "ends_below": "低于 {clear} 结束",
        "ends_past": "高于 {clear} 结束",
        "keep": "恢复后保持 {keep}",
        "contacts": "{limit} 个来电",
        "agents": "{limit} 名坐席",
        # ---- holidays
        "and": "、",
        "holidays": "{country} {years} 年的公共假日还不完整；"
        "请更新 holidays 软件包，或把日期列在 special: 下",
        # ---- limits that are hardly meant
        "wide_quotes": "这对全角引号是文字的一部分：YAML 的引号是 \" 和 '",
        "good_news": "{measure} {direction} {limit} 说明情况很好：一切正常时也会告警{hint}",
        "at_once": "一个来电就够了：几乎一直在告警",
        "small_share": "{limit} 不到百分之一{hint}",
        "small_length": "{limit} 不到一秒{hint}",
        "long_length": "{measure} 到不了 {limit}：几乎不可能触发{hint}",
        "never_fewer": "至少有 {at_least} 个时不会少于 {limit} 个：永远不会触发；"
        "请删去 at_least",
        "unserved": "每个来电在电话振铃之前，都是在有坐席空闲时等待：请加上 for: 30s",
        # ---- whom thresholds are for
        "unlisted": "callmon.yml 中没有列出队列 '{name}'{hint}",
        "unlisted_wide": "callmon.yml 中没有列出队列 '{name}'，名称里有全角字符{hint}",
        "unlisted_several": "callmon.yml 中没有列出队列 '{name}'；是不是 '[{names}]'？"
        "多个名称要写在方括号里",
        "unlisted_capital": "callmon.yml 中没有列出队列 '{name}'；"
        "未列出的队列一律按小写名称识别{hint}",
        "no_label": "没有任何队列或队列组的 {label} 是 '{value}'{hint}",
        "no_agents": "没有提供坐席状态的数据源，{measure} 没有数值，永远不会触发：{cure}",
        "agents_true": "如果数据源 '{feed}' 提供，请在那里写 agents: true",
        "add_ami": "请增加 asterisk_ami 数据源（docs/feeds/asterisk.md）",
        "no_agents_of": "没有数据源提供队列 '{name}' 的坐席状态：对它永远不会触发",
        "storm_label": "没有队列带有标签 '{label}'：所有告警合在一起计数{hint}",
        "declares_none": "；labels: 没有声明任何标签",
        # ---- feeds
        "secret_alone": "这里只写密码本身：前面多了 'secret ='",
        "secret_blank": "密码以空格开头或结尾；manager.conf 里的密码不会这样",
        "secret_quotes": "密码带着引号：引号也是密码的一部分，这里和 manager.conf 都一样",
        "secret_comment": "manager.conf 把 ; 当作注释的开头：那里请写 \\;",
        "two_systems": "'{source}' 和 {others} 是不同的电话系统：来电分开计数。"
        "如果是同一台 Asterisk，请给两个数据源写同样的 source",
        "of_feed": "'{source}'（数据源 '{feed}'）",
        "for_all_to_read": "它写在文件里，谁都能看到：请用 {key}_file 或 ${{NAME}}",
        "plain_secret": "密码会以明文经过网络：请用 login: md5，或 tls",
        "given_to_asterisk": "谁冒充这台 Asterisk，谁就能得到密码",
        "plain_password": "密码会以明文经过网络：请用 tls",
        "given_to_broker": "谁冒充这台 MQTT 服务器，谁就能得到密码",
        "tls_port": "MQTT 服务器在这个端口用 TLS：请加上 tls: {{}}",
        "plain_port": "MQTT 服务器在这个端口不用 TLS：用 tls 时通常是 8883",
        "earlier_topic": "'{topic}' 写在它前面：两者都匹配的消息按前面的读取，不会读第二次",
        "topic_of_other": "数据源 '{feed}' 也在读这台服务器的 '{topic}'："
        "两者都匹配的来电会重复计数",
    },
}


def say(key: str, /, **values: object) -> Said:
    """Return the message *key* with *values*."""
    return said(TEXTS, key, **values)
