"""The words in which limits are suggested, in both languages.

Limits and windows stand in them as the files write them: they are there to be written down.
"""

# ruff: noqa: RUF001 - Chinese punctuation

from collections.abc import Mapping
from typing import Final

from callmon.wording import Language

__all__ = ["TEXTS"]

TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.ENGLISH: {
        "colon": ": ",
        "comma": ", ",
        "semicolon": "; ",
        "and": " and ",
        "day": "{count} day",
        "days": "{count} days",
        "span": "{days}, {begin} to {end}, {events} events",
        "wanted": "wanted: about {often} for each threshold of each queue",
        "a_week": "{times} a week",
        "a_day": "{times} a day",
        "in_time": "{times} in {length}",
        "title": "{name}: {measure} {direction} {limit}",
        "title_over": "{name}: {measure} over {window} {direction} {limit}",
        "above": "above",
        "below": "below",
        "would": "{limit} (now {now}) would have called {would} times a week instead of {rate}",
        "would_never": "{limit} (now {now}) would have called never instead of {rate}",
        "right": "{now} is about right: {rate} times a week",
        "few_days": "no limit suggested: {days} with contacts, at least {fewest} are needed",
        "sparse": "no limit suggested: {at_least} contacts in {window} on {full} of {days}:"
        " at_least decides, not the limit",
        "mixed": "no limit suggested: an override turns above and below around for it",
        "quiet": "{now} stays ({rate} times a week): it is quiet, even {lowest} gives {would}",
        "loud": "no limit suggested: even {most} would have called {would} times a week",
        "on_no_day": "on no day",
        "on_days": "on {count} of {days}",
        "busiest": "{times} times on {day}",
        "once_a_day": "once a day at most",
        "noise": "{percent} noise",
        "not_apart": "too few days to keep some apart",
        "apart": "since {begin}, kept apart: {rate} a week",
        "too_often": ", far more than wanted",
        "goes": "it goes {direction} {spread}",
        "half": "{limit} on half the days",
        "tenth": "{limit} on one day in ten",
        "worst": "{limit} on the worst",
        "steps": "a week by limit: {steps}",
        "nothing": "nothing to change",
        "unchanged": "nothing was changed; --out FILE writes a new file with these limits",
        "written": "{out}: written; try it before you use it: callmon backtest {out}",
        "comment": "suggested {day} from {days} days: {would} a week (was {was}: {now})",
        "range": "{least} to {most}",
    },
    Language.CHINESE: {
        "colon": "：",
        "comma": "，",
        "semicolon": "；",
        "and": "、",
        "day": "{count} 天",
        "days": "{count} 天",
        "span": "{days}，{begin} 至 {end}，{events} 个事件",
        "wanted": "期望：每个队列的每条阈值大约{often}",
        "a_week": "每周 {times} 次",
        "a_day": "每天 {times} 次",
        "in_time": "每 {length} {times} 次",
        "title": "{name}：{measure}{direction} {limit}",
        "title_over": "{name}：{measure}（{window}）{direction} {limit}",
        "above": "高于",
        "below": "低于",
        "would": "{limit}（现为 {now}）：每周触发 {would} 次，现在是 {rate} 次",
        "would_never": "{limit}（现为 {now}）：从不触发，现在是每周 {rate} 次",
        "right": "{now} 大致合适：每周触发 {rate} 次",
        "few_days": "不建议限值：有来电的只有 {days}，至少需要 {fewest} 天",
        "sparse": "不建议限值：{days}中，{window} 内的来电达到 {at_least} 个的有 {full} 天："
        "起作用的是 at_least，不是限值",
        "mixed": "不建议限值：overrides 中有一项对它用了相反的方向（above 与 below）",
        "quiet": "保留 {now}（每周触发 {rate} 次）：情况平稳，"
        "即使 {lowest} 每周也只有 {would} 次",
        "loud": "不建议限值：即使 {most}，每周仍会触发 {would} 次",
        "on_no_day": "没有一天触发",
        "on_days": "{days}中有 {count} 天触发",
        "busiest": "{day} 最多，{times} 次",
        "once_a_day": "每天最多 1 次",
        "noise": "噪音 {percent}",
        "not_apart": "天数太少，没有留出一部分验证",
        "apart": "{begin} 起留作验证：每周 {rate} 次",
        "too_often": "，远多于期望",
        "goes": "实际曾{direction}：{spread}",
        "half": "半数日子 {limit}",
        "tenth": "十天有一天 {limit}",
        "worst": "最差的一天 {limit}",
        "steps": "各限值每周次数：{steps}",
        "nothing": "无需改动",
        "unchanged": "未作任何更改；--out FILE 把这些限值写入新文件",
        "written": "{out}：已写入；使用前先试算：callmon backtest {out}",
        "comment": "建议 {day}，依据 {days} 天的数据：每周 {would} 次（原为 {was}：{now} 次）",
        "range": "{least} 至 {most}",
    },
}
