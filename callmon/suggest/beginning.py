"""A thresholds.yml from nothing: four thresholds that every call centre can begin with."""

# ruff: noqa: RUF001 - Chinese punctuation

from collections.abc import Mapping
from typing import Final

from callmon.wording import Language

__all__ = ["BEGINNING"]

_ENGLISH: Final = """\
# yaml-language-server: $schema=thresholds.schema.json
# thresholds.yml: what is worth an alert, and when. For administrators.
# Begun by callmon suggest. After a change: callmon check
# Durations: 30s 5m 1h30m. Shares: 20% or 0.2. Counts: 5.

thresholds:
  # Somebody waits too long right now.
  - name: long_wait # unique; becomes the label `threshold`
    measure: longest_wait
    above: 3m
    clear: 2m # ends only below this
    for: 30s # must hold this long
    keep: 5m # stays this long after it cleared
    severity: warning # info | warning | critical

  # Too many callers give up.
  - name: high_abandonment
    measure: abandonment_rate
    window: 30m
    above: 20%
    clear: 15%
    for: 2m
    at_least: 10 # contacts in the window; two calls are no statistics
    severity: warning

  # The promise to callers is not kept.
  - name: low_service_level
    measure: service_level
    window: 30m
    below: 80%
    clear: 85%
    for: 5m
    at_least: 10
    severity: warning

  # The queue grows beyond what the team can take.
  - name: many_waiting
    measure: waiting
    above: 10
    clear: 6
    for: 1m
    severity: critical
"""

_CHINESE: Final = """\
# yaml-language-server: $schema=thresholds.schema.json
# thresholds.yml：什么情况、什么时候需要告警。由管理员填写。
# 由 callmon suggest 生成初稿。修改后执行：callmon check
# 时长：30s 5m 1h30m。比率：20% 或 0.2。个数：5。

thresholds:
  # 有人正在排队，已经等得太久。
  - name: long_wait # 不可重复；即标签 `threshold`
    measure: longest_wait
    above: 3m
    clear: 2m # 低于它才结束
    for: 30s # 要持续这么久才告警
    keep: 5m # 恢复后再保持这么久
    severity: warning # info | warning | critical

  # 放弃的来电太多。
  - name: high_abandonment
    measure: abandonment_rate
    window: 30m
    above: 20%
    clear: 15%
    for: 2m
    at_least: 10 # 窗口内的来电数；两个来电说明不了什么
    severity: warning

  # 对来电者的承诺没有做到。
  - name: low_service_level
    measure: service_level
    window: 30m
    below: 80%
    clear: 85%
    for: 5m
    at_least: 10
    severity: warning

  # 排队人数超出班组能应付的范围。
  - name: many_waiting
    measure: waiting
    above: 10
    clear: 6
    for: 1m
    severity: critical
"""

BEGINNING: Final[Mapping[Language, str]] = {
    Language.ENGLISH: _ENGLISH,
    Language.CHINESE: _CHINESE,
}
"""Its limits are where a search begins; what comes of it stands in their place."""
