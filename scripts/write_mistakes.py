#!/usr/bin/env python3
"""Writes docs/administrators/mistakes.md: typical mistakes, what callmon says, the cure.

Each is made in a folder of its own and `callmon check` is asked, as an administrator would:
nothing on the page is made up. A cure that callmon is not content with is refused.
"""

import contextlib
import dataclasses
import difflib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from callmon.cli import main as callmon

__all__ = ["MISTAKES", "PAGE", "Mistake", "mistakes_page"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "administrators" / "mistakes.md"

CALLMON_YML = """\
thresholds: thresholds.yml
timezone: Asia/Shanghai
feeds:
  pbx: { type: queue_log, path: /var/log/asterisk/queue_log }
queues:
  support: {}
  sales: {}
  vip: {}
storage: { directory: state }
"""

HEAD = """\
# Typical mistakes, and what callmon says

For administrators. Each was made in a [thresholds.yml](thresholds.md) beside the `callmon.yml`
below, and then asked:

    callmon check -c callmon.yml

A **mistake** is refused: the exit code is 1, and a running callmon goes on with what it had. A
**warning** stops nothing: what is written may be meant, but seldom is. The place is
`file:line:column`; `^` stands below it.

`callmon.yml`:

"""

FOOT = """\
This page is written by `scripts/write_mistakes.py`, which makes every mistake anew.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """What was written in thresholds.yml, and what was meant."""

    title: str
    wrong: str
    right: str


_WAIT = """\
thresholds:
  - name: long_wait
    measure: longest_wait
    above: {above}
    severity: warning
"""
_RATE = """\
thresholds:
  - name: high_abandonment
    measure: abandonment_rate
    window: 15m
    above: {above}
    severity: warning
"""
_CALENDAR = """\
thresholds:
  - name: long_wait
    measure: longest_wait
    above: 3m
    active: duty

calendars:
  duty:
    weekly: {{ {weekly} }}
"""


def _limit(title: str, text: str, wrong: str, right: str) -> Mistake:
    """Return a mistake in the limit that *text* has a place for."""
    return Mistake(title, text.format(above=wrong), text.format(above=right))


def _hours(title: str, wrong: str, right: str) -> Mistake:
    """Return a mistake in opening hours."""
    return Mistake(title, _CALENDAR.format(weekly=wrong), _CALENDAR.format(weekly=right))


MISTAKES = (
    _limit("A wait without a unit", _WAIT, "180", "180s"),
    _limit("A unit that is none", _WAIT, "3 minutes", "3m"),
    Mistake(
        "A line that is not indented like its neighbours",
        """\
thresholds:
  - name: long_wait
    measure: longest_wait
   above: 3m
    severity: warning
""",
        _WAIT.format(above="3m"),
    ),
    _limit("A share without %", _RATE, "20", "20%"),
    _limit("A share written in another way", _RATE, "%20", "20%"),
    _limit("A comma for a point", _RATE, "12,5%", "12.5%"),
    Mistake(
        "A misspelt measure",
        _WAIT.format(above="3m").replace("longest_wait", "longest_wiat"),
        _WAIT.format(above="3m"),
    ),
    Mistake(
        "A tab",
        _WAIT.format(above="3m").replace("    above", "\tabove"),
        _WAIT.format(above="3m"),
    ),
    Mistake(
        "The same name twice",
        _WAIT.format(above="3m")
        + """\
  - name: long_wait
    measure: longest_wait
    above: 1m
    queues: [vip]
    severity: critical
""",
        _WAIT.format(above="3m")
        + """\
  - name: long_wait_vip
    measure: longest_wait
    above: 1m
    queues: [vip]
    severity: critical
""",
    ),
    Mistake(
        "A queue that there is not",
        _WAIT.format(above="1m") + "    queues: [vpi]\n",
        _WAIT.format(above="1m") + "    queues: [vip]\n",
    ),
    _hours(
        "Hours over midnight, cut in two",
        'mon-fri: ["22:00-24:00", "00:00-06:00"]',
        'mon-fri: "22:00-06:00"',
    ),
    _hours(
        "Hours over midnight, in another way", "mon-fri: 10pm-6am", 'mon-fri: "22:00-06:00"'
    ),
    _hours("A time without quotes", "mon-fri: 12:30", 'mon-fri: "12:30-18:00"'),
    Mistake(
        "above for below",
        """\
thresholds:
  - name: low_service_level
    measure: service_level
    window: 30m
    above: 80%
    severity: warning
""",
        """\
thresholds:
  - name: low_service_level
    measure: service_level
    window: 30m
    below: 80%
    severity: warning
""",
    ),
    Mistake(
        "below for above",
        _WAIT.format(above="3m").replace("above", "below"),
        _WAIT.format(above="3m"),
    ),
    Mistake(
        "A window is missing",
        _RATE.format(above="20%").replace("    window: 15m\n", ""),
        _RATE.format(above="20%"),
    ),
    Mistake(
        "clear on the wrong side",
        _RATE.format(above="20%").replace("    severity", "    clear: 25%\n    severity"),
        _RATE.format(above="20%").replace("    severity", "    clear: 15%\n    severity"),
    ),
    Mistake(
        "A bare star",
        _WAIT.format(above="3m") + "    queues: *\n",
        _WAIT.format(above="3m") + "    queues: all\n",
    ),
    Mistake(
        "Text that begins with a brace",
        _RATE.format(above="20%") + "    summary: {queue}: {value} of callers hung up\n",
        _RATE.format(above="20%") + '    summary: "{queue}: {value} of callers hung up"\n',
    ),
    Mistake(
        "A full-width colon",
        _WAIT.format(above="3m").replace("above: 3m", "above\uff1a3m"),
        _WAIT.format(above="3m"),
    ),
    _limit("A full-width percent sign", _RATE, "20\uff05", "20%"),
)


def mistakes_page() -> str:
    """Return the page, with what the callmon of now says.

    Raises:
        ValueError: it says nothing of a mistake, or something of a cure.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("callmon.yml").write_text(CALLMON_YML)
        parts = [part for number, one in enumerate(MISTAKES, 1) for part in _part(number, one)]
    return HEAD + _block(CALLMON_YML) + "\n" + "".join(parts) + FOOT


def _part(number: int, mistake: Mistake) -> Iterator[str]:
    said, _ = _asked(mistake.wrong)
    if not said:
        raise ValueError(f"{mistake.title}: expected callmon to say something, it is content")
    cured, code = _asked(mistake.right)
    if cured or code:
        raise ValueError(f"{mistake.title}: expected a cure, callmon says {cured!r}")
    yield f"## {number}. {mistake.title}\n\n"
    yield f"```yaml\n{mistake.wrong}```\n\n"
    yield f"callmon says\n\n{_block(said)}\n"
    yield f"and this is right:\n\n{_block(_changed(mistake))}\n"


def _asked(thresholds: str) -> tuple[str, int]:
    """Return what `callmon check` says against *thresholds*, and its exit code."""
    Path("thresholds.yml").write_text(thresholds)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = callmon(["check", "-c", "callmon.yml"])
    return err.getvalue() or _warnings(out.getvalue()), code


def _warnings(text: str) -> str:
    """Return what of *text* is a warning."""
    lines = text.splitlines(keepends=True)
    first = next((at for at, line in enumerate(lines) if "warning:" in line), len(lines))
    return "".join(lines[first:])


def _changed(mistake: Mistake) -> str:
    """Return the lines of the right text that the wrong one has not."""
    old, new = (text.splitlines(keepends=True) for text in (mistake.wrong, mistake.right))
    added = [
        line
        for tag, _, _, begin, end in difflib.SequenceMatcher(None, old, new).get_opcodes()
        if tag != "equal"
        for line in new[begin:end]
    ]
    return "".join(added)


def _block(text: str) -> str:
    """Return *text* as a block of Markdown."""
    return "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())


def main() -> None:
    """Write the page."""
    os.environ.pop("COLUMNS", None)
    PAGE.write_text(mistakes_page())


if __name__ == "__main__":
    main()
