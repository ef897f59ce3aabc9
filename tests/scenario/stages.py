"""A small call centre for scenarios: its configuration, and files of sentences played in it."""

from pathlib import Path

from callmon.clock import SECOND
from callmon.scenario import Result, run_scenarios
from callmon.testing import ManualClock

__all__ = ["CALLMON", "DAY", "NOON", "THRESHOLDS", "stage", "tried", "write_scenario"]

DAY = "2026-11-23"
NOON = 1_795_435_200 * SECOND
"""12:00 of ``DAY`` in UTC."""

CALLMON = """
thresholds: thresholds.yml
storage: {directory: state}
feeds:
  log: {type: queue_log, path: queue_log, source: pbx}
  live:
    {type: asterisk_ami, source: pbx, host: 127.0.0.1, username: u, secret: "${SECRET:-x}"}
queues:
  support: {from: [{source: pbx, name: "401"}]}
  billing: {}
  "sales north": {}
groups:
  all_lines: {queues: ["*"]}
"""

THRESHOLDS = """
thresholds:
  - {name: long_wait, measure: longest_wait, above: 3s, clear: 2s, for: 1s, keep: 2s,
     escalate: [{after: 3s, severity: critical}], queues: all, groups: all}
  - {name: crowd, measure: waiting, above: 1, keep: 0s, severity: info, queues: [support]}
  - {name: lost_calls, measure: abandonment_rate, window: 10s, above: 50%, at_least: 2}
  - {name: slow, measure: service_level, window: 8s, below: 50%, at_least: 1, for: 2s}
  - {name: nobody_free, measure: agents_available, below: 1, for: 1s, keep: 0s,
     queues: [billing]}
  - {name: night, measure: waiting, above: 0, keep: 0s, active: nights, queues: [billing]}
calendars:
  nights: {timezone: UTC, weekly: {mon-sun: "20:00-06:00"}}
"""


def stage(folder: Path) -> Path:
    """Write the configuration into *folder*; return callmon.yml."""
    (folder / "thresholds.yml").write_text(THRESHOLDS)
    path = folder / "callmon.yml"
    path.write_text(CALLMON)
    return path


def write_scenario(folder: Path, *steps: str, more: str = "", head: str = "") -> Path:
    """Write a file with one scenario; *more* are other keys of it, *head* of the file."""
    lines = "".join(f"      - '{step}'\n" for step in steps)
    path = folder / "scenario.yml"
    path.write_text(
        f"config: callmon.yml\nday: {DAY}\n{head}"
        f"scenarios:\n  - name: tried\n{more}    steps:\n{lines}"
    )
    return path


def tried(folder: Path, *steps: str, more: str = "", head: str = "") -> Result:
    """Return what becomes of one scenario of *steps*."""
    if not (folder / "callmon.yml").exists():
        stage(folder)
    path = write_scenario(folder, *steps, more=more, head=head)
    (result,) = run_scenarios(path, {}, ManualClock())
    return result
