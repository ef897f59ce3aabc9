"""A thresholds.yml from nothing: four thresholds that every call centre can begin with."""

# ruff: noqa: RUF001 - Chinese punctuation

from collections.abc import Mapping
from typing import Final

from callmon.config.said import Texts
from callmon.wording import Language

__all__ = ["BEGINNING", "REMARKS"]

_FILE: Final = """\
# yaml-language-server: $schema=thresholds.schema.json
# {head}
# {by}
# {units}

thresholds:
  # {waits_long}
  - name: long_wait # {name}
    measure: longest_wait
    above: 3m
    clear: 2m # {clear}
    for: 30s # {hold}
    keep: 5m # {keep}
    severity: warning # info | warning | critical

  # {give_up}
  - name: high_abandonment
    measure: abandonment_rate
    window: 30m
    above: 20%
    clear: 15%
    for: 2m
    at_least: 10 # {at_least}
    severity: warning

  # {promise}
  - name: low_service_level
    measure: service_level
    window: 30m
    below: 80%
    clear: 85%
    for: 5m
    at_least: 10
    severity: warning

  # {grows}
  - name: many_waiting
    measure: waiting
    above: 10
    clear: 6
    for: 1m
    severity: critical
"""

REMARKS: Final[Texts] = {
    Language.ENGLISH: {
        "head": "thresholds.yml: what is worth an alert, and when. For administrators.",
        "by": "Begun by callmon suggest. After a change: callmon check",
        "units": "Durations: 30s 5m 1h30m. Shares: 20% or 0.2. Counts: 5.",
        "waits_long": "Somebody waits too long right now.",
        "name": "unique; becomes the label `threshold`",
        "clear": "ends only below this",
        "hold": "must hold this long",
        "keep": "stays this long after it cleared",
        "give_up": "Too many callers give up.",
        "at_least": "contacts in the window; two calls are no statistics",
        "promise": "The promise to callers is not kept.",
        "grows": "The queue grows beyond what the team can take.",
    },
    Language.CHINESE: {
        "head": "thresholds.yml：什么情况、什么时候需要告警。由管理员填写。",
        "by": "由 callmon suggest 生成初稿。修改后执行：callmon check",
        "units": "时长：30s 5m 1h30m。比率：20% 或 0.2。个数：5。",
        "waits_long": "有人正在排队，已经等得太久。",
        "name": "不可重复；即标签 `threshold`",
        "clear": "低于它才结束",
        "hold": "要持续这么久才告警",
        "keep": "恢复后再保持这么久",
        "give_up": "放弃的来电太多。",
        "at_least": "窗口内的来电数；两个来电说明不了什么",
        "promise": "对来电者的承诺没有做到。",
        "grows": "排队人数超出班组能应付的范围。",
    },
}

BEGINNING: Final[Mapping[Language, str]] = {
    language: _FILE.format_map(remarks) for language, remarks in REMARKS.items()
}
"""Its limits are where a search begins; what comes of it stands in their place."""
