"""A month of made-up calls, and files to learn limits for."""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["BEGIN", "CALLMON", "THRESHOLDS", "site", "waits_of"]

BEGIN = 1_790_000_000 // 86_400 * 86_400
"""A midnight, UTC."""

CALLMON = """\
feeds:
  pbx: {type: queue_log, path: queue_log}
queues:
  support: {}
  vip: {service_level: {within: 10s}}
  silent: {}
groups:
  all: {queues: [support, vip]}
storage: {directory: state}
"""

THRESHOLDS = """\
# Kept with care.
thresholds:
  - name: long_wait # the first one
    measure: longest_wait
    above: 3m   # by contract
    clear: '2m'
    for: 0s
    overrides:
      # they are promised more
      - { queues: [vip], above: 1m, clear: 30s }
      - { during: fair, above: 20m }

  - {name: lost, measure: abandonment_rate, window: 1h, above: 20%, at_least: 3}
calendars:
  fair: { dates: [2026-10-01] }
"""


def waits_of(day: int, number: int) -> Mapping[str, int]:
    """Return how long the callers of a moment wait, by queue."""
    waits = {"support": (day * 97 + number * 41) % 600, "vip": (day * 13 + number * 29) % 150}
    return waits if day % 10 else {**waits, "seldom": 400}


def _lines(day: int, number: int) -> list[tuple[int, str]]:
    """Return the lines of the callers who come at one moment."""
    found = []
    for queue, wait in waits_of(day, number).items():
        begin = BEGIN + day * 86_400 + 28_800 + number * 900
        call = f"{day}.{number}.{queue}"
        end = begin + wait
        last = f"NONE|ABANDON|1|1|{wait}" if wait % 5 == 0 else f"Ann|CONNECT|{wait}|{call}|1"
        found.append((begin, f"{begin}|{call}|{queue}|NONE|ENTERQUEUE||1|1"))
        found.append((end, f"{end}|{call}|{queue}|{last}"))
        if "CONNECT" in last:
            found.append((end, f"{end + 60}|{call}|{queue}|Ann|COMPLETECALLER|{wait}|60|1"))
    return found


def site(folder: Path, days: int = 28, thresholds: str = THRESHOLDS, numbers: int = 10) -> Path:
    """Write callmon.yml, thresholds.yml and a queue_log; return the first."""
    lines = [
        line for day in range(days) for number in range(numbers) for line in _lines(day, number)
    ]
    text = "".join(f"{line}\n" for _, line in sorted(lines, key=lambda line: line[0]))
    (folder / "queue_log").write_text(text)
    (folder / "thresholds.yml").write_text(thresholds)
    config = folder / "callmon.yml"
    config.write_text(CALLMON)
    return config
