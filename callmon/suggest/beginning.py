"""A thresholds.yml from nothing: four thresholds that every call centre can begin with."""

__all__ = ["BEGINNING"]

BEGINNING = """\
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
"""Its limits are where a search begins; what comes of it stands in their place."""
