"""The past of a Prometheus: days of a simulated centre, as callmon would have shown them.

Queries look back a week, and a wallboard shows hours. Pages of a ``Centre`` whose time is set
are written with their instants, and promtool makes blocks of them.
"""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from callmon.clock import SECOND, Micros
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    Event,
    TalkEnd,
    TalkEnded,
)
from callmon.feeds.call_centre import demo_centre
from callmon.feeds.simulation import Simulation
from tests.acceptance.peers import Peer, program, prometheus
from tests.grafana.boards import Span
from tests.grafana.centre import MINUTE, Centre, instant

__all__ = [
    "BEGIN",
    "END",
    "GROUPS_AND_QUEUES",
    "LAST_DAY",
    "THRESHOLDS",
    "blocks",
    "history",
    "prometheus_of",
    "samples",
]

BEGIN = instant("2026-11-18T08:00:00+08:00")
END = instant("2026-11-18T14:30:00+08:00")
LAST_DAY = Span(begin=BEGIN / SECOND, end=END / SECOND, step=60, scraped_every=60)
"""What is looked at on a board."""

WEEK: Micros = 7 * 24 * 60 * MINUTE
WEEKS_BEFORE = 3
BLIND_FOR = 90 * MINUTE
PROMTOOL_SECONDS = 120

GROUPS_AND_QUEUES = """\
labels: [site, team]
defaults:
  labels: {site: shanghai, team: service}
  service_level: {within: 20s}
  short_abandon: 5s
queues: # two sources: without an entry a queue would be support@pbx
  support: {from: [{source: pbx, name: support}]}
  billing: {from: [{source: pbx, name: billing}]}
  投诉: {from: [{source: pbx, name: 投诉}]}
  退换货: {from: [{source: pbx, name: 退换货}]}
  sales: {labels: {site: shanghai, team: sales}}
  vip: {labels: {site: shanghai, team: sales}, service_level: {within: 10s}}
  night_desk: {from: [{source: tower, name: "900"}], labels: {site: chengdu, team: night}}
  call_back: {from: [{source: pbx, name: "901"}]}
groups:
  centre: {queues: ["*"]}
  sales: {queues: [sales, vip], labels: {site: shanghai, team: sales}}
agents: {series: true}
"""

CONFIG = f"""\
thresholds: thresholds.yml
timezone: Asia/Shanghai
feeds:
  pbx: {{type: simulator, source: pbx}}
  tower: {{type: simulator, source: tower}}
{GROUPS_AND_QUEUES}"""

THRESHOLDS = """\
thresholds:
  - name: long_wait
    measure: longest_wait
    above: 90s
    keep: 1m
    severity: warning
    escalate: [{after: 1m, severity: critical}]
  - name: crowded
    measure: waiting
    above: 6
    clear: 4
    for: 30s
    severity: info
    queues: all
    groups: all
    overrides:
      - {groups: [centre], above: 20, clear: 15}
  - name: high_abandonment
    measure: abandonment_rate
    window: 15m
    above: 20%
    clear: 15%
    for: 1m
    severity: warning
  - name: low_service_level
    measure: service_level
    window: 15m
    below: 60%
    clear: 70%
    for: 1m
    severity: warning
    overrides:
      - {queues: [vip], below: 80%, clear: 85%}
  - name: few_answered
    measure: answer_rate
    window: today
    below: 70%
    severity: info
  - name: nobody_free
    measure: agents_available
    below: 1
    for: 2m
    keep: 1m
    severity: info
    queues: [vip]
"""

NEEDED_OF_EARLIER_WEEKS = (
    "callmon_contacts_",
    "callmon_group_",
    "callmon_queue_",
    "callmon_threshold_firing",
)
"""Families that boards look back at; the others would only take time."""


HOLD = 4
"""A week ago a page in so many minutes is enough: it is written for each of them."""


def history(folder: Path) -> Iterator[str]:
    """Give the samples of the last day, minute by minute, and of its like in weeks before."""
    yield from _day(folder, 0)
    for week in range(1, WEEKS_BEFORE + 1):
        for line in _day(folder, week):
            if line.startswith(NEEDED_OF_EARLIER_WEEKS):
                yield line


def _day(folder: Path, week: int) -> Iterator[str]:
    """Give the samples of the day, *week* weeks ago."""
    begin, end = BEGIN - week * WEEK, END - week * WEEK
    opened = begin - 60 * MINUTE
    simulation = Simulation(
        demo_centre(),
        seed=1 + week,
        start=end,
        warm_up=end - opened,
        source="pbx",
        agents=True,
    )
    every = HOLD if week else 1
    with Centre(folder, opened, config=CONFIG, thresholds=THRESHOLDS) as centre:
        centre.open("pbx", "tower")
        for at in range(opened + MINUTE, end + 1, MINUTE):
            seen = at < end - BLIND_FOR
            if not seen:
                centre.blind("tower")
            centre.until(at, [*simulation.advance(at), *(_night_desk(at) if seen else ())])
            if at >= begin and (at - begin) // MINUTE % every == 0:
                page = centre.page()
                for later in range(every):
                    yield from samples(page, at + later * MINUTE)


def _night_desk(at: Micros) -> list[Event]:
    """Return what the second telephone system tells in the minute until *at*: a quiet queue."""
    number = at // MINUTE
    if number % 10:
        return []
    names = ("tower", at, "900", f"n{number}")
    joined = ContactJoined(at - 50 * SECOND, *names)
    answered = ContactAnswered(at - 30 * SECOND, *names, 20 * SECOND, "SIP/1")
    return [joined, answered, TalkEnded(at, *names, 30 * SECOND, TalkEnd.CALLER, "SIP/1")]


def samples(page: str, at: Micros) -> Iterator[str]:
    """Give the lines of *page* as Prometheus would have kept them at the instant *at*."""
    stamp = at / SECOND
    target = 'job="callmon",instance="127.0.0.1:9877"'
    yield f"up{{{target}}} 1 {stamp:.3f}\n"
    for line in page.splitlines():
        if line.startswith("#") or not line:
            continue
        series, _, value = line.rpartition(" ")
        name, brace, labels = series.partition("{")
        inside = f"{labels.removesuffix('}')},{target}" if brace else target
        yield f"{name}{{{inside}}} {value} {stamp:.3f}\n"


def blocks(folder: Path, lines: Iterable[str]) -> Path:
    """Make blocks of *lines* for a Prometheus, and return the folder they are in."""
    text = folder / "past.om"
    with text.open("w", encoding="utf-8") as out:
        out.writelines(lines)
        out.write("# EOF\n")
    data = folder / "data"
    subprocess.run(
        [
            program("sid", "promtool"),
            *("tsdb", "create-blocks-from", "openmetrics", "--quiet"),
            *(str(text), str(data)),
        ],
        check=True,
        timeout=PROMTOOL_SECONDS,
        capture_output=True,
    )
    text.unlink()
    return data


def prometheus_of(suite: str, folder: Path, data: Path) -> Peer:
    """Return a Prometheus of *suite* that has *data* and scrapes nothing.

    Blocks cannot say that a series has ended, hence the short patience.
    """
    folder.mkdir()
    shutil.copytree(data, folder / "data")
    config = folder / "prometheus.yml"
    config.write_text("{}\n")
    peer = prometheus(suite, folder, config)
    peer.arguments = [
        *peer.arguments,
        "--storage.tsdb.retention.time=100y",
        "--query.lookback-delta=90s",
    ]
    return peer
