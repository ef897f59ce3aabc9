"""The figures of docs/reliability.md, written from two runs."""

import datetime as dt
import os
import platform
import re
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path

from callmon.clock import SECOND, SystemClock
from tests.faults.outcome import Outcome
from tests.faults.plan import Fault
from tests.faults.processes import ROOT

__all__ = ["write_figures"]

PAGE = ROOT / "docs" / "reliability.md"
PLACE = re.compile(r"/\S+/(?=journal)")
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"

ROWS: Mapping[str, str] = {
    "broker": "Mosquitto",
    "seconds": "seconds",
    "contacts": "contacts",
    "events": "events of contacts",
    "lines": "of these, lines of the log",
    "messages": "of these, published",
    "published_again": "messages published again",
    "delivered": "events delivered by the broker",
    "repeated": "of these, not for the first time",
    "dropped_as_repeated": "dropped as known, by callmon's count",
    "set_back": "times that a counter of the daemon itself (not of contacts) was set back",
    "acknowledged": "events acknowledged by callmon",
    "pages": "pages of metrics read",
    "compared": "sums of a queue checked: arrived = ended + waiting + unsettled",
}
FAULTS: Mapping[str, str] = {
    Fault.KILL: "kill -9 of callmon",
    Fault.BROKER_RESTART: "restarts of the broker",
    Fault.BROKER_KILL: "kill -9 of the broker",
    Fault.CUT: "cuts between callmon and broker",
    Fault.PUBLISHER_CUT: "cuts between publisher and broker",
    Fault.ROTATION: "rotations of the log",
    Fault.FULL: "20 s with a full disk",
    Fault.FULL_KILL: "the same, killed meanwhile",
}
MUST_BE_EMPTY: Mapping[str, str] = {
    "wrong": "counters that are not the truth",
    "wrong_after_restart": "the same after one more restart",
    "fallen": "counters that fell or went away",
    "broken": "sums that did not hold",
    "not_stored": "events missing in the journal",
    "stored_too_often": "events in the journal twice",
    "unseen": "published ids that are not in the journal once",
    "acknowledged_unseen": "acknowledged ids that are not there once",
    "crashes": "tracebacks",
}


def _row(*cells: object) -> str:
    return (
        "| "
        + " | ".join(f"{each:,}" if isinstance(each, int) else str(each) for each in cells)
        + " |"
    )


def _table(many: Outcome, full: Outcome) -> Iterator[str]:
    yield _row("", "everything", "full disk")
    yield "|---|---:|---:|"
    for name, words in ROWS.items():
        yield _row(words, *(getattr(each, name) for each in (many, full)))
    for fault, words in FAULTS.items():
        yield _row(words, *(each.faults.get(fault, 0) for each in (many, full)))
    for words, figure in (("median", statistics.median), ("longest", max)):
        values = [figure(each.ready_after_s or [0]) for each in (many, full)]
        yield _row(
            f"from start to ready (with broker and disk), {words}, seconds",
            *(f"{each:.1f}" for each in values),
        )
    for name, words in MUST_BE_EMPTY.items():
        yield _row(
            f"**must be 0**: {words}", *(len(getattr(each, name)) for each in (many, full))
        )


def _full(outcome: Outcome) -> Iterator[str]:
    yield _row(
        "seconds",
        "killed meanwhile",
        "arrivals counted meanwhile",
        "messages acknowledged",
        "`/readyz` said",
    )
    yield "|---:|---|---:|---:|---|"
    for each in outcome.full:
        reasons = {line for reason in each.excuses for line in reason.splitlines()}
        said = "; ".join(sorted(PLACE.sub("", reason) for reason in reasons))
        yield _row(
            each.seconds, "yes" if each.killed else "no", each.counted, each.acknowledged, said
        )


def write_figures(many: Outcome, full: Outcome, page: Path = PAGE) -> None:
    """Replace the figures in the page."""
    now = dt.datetime.fromtimestamp(SystemClock().now() / SECOND, dt.UTC)
    lines = [f"{now:%Y-%m-%d}; {_machine()}.", "", *_table(many, full)]
    lines += ["", "While the disk was full:", "", *_full(full)]
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after)


def _machine() -> str:
    model = "an unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{os.cpu_count()} cores of {model}, {system}, Python {platform.python_version()}"
