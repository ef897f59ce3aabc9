"""A monitored office with a bit of everything, for tests of what is shown of it."""

import functools
import tempfile
from collections.abc import Collection
from pathlib import Path

from callmon.alerts import AlertKey, Transition
from callmon.board import Board, FeedLight, Row, kept, ranked, row_of
from callmon.clock import SECOND, Micros
from callmon.config import load_config
from callmon.engine import EngineSettings
from callmon.events import QueueReported
from callmon.feeds.call_centre import demo_centre
from callmon.feeds.simulation import Simulation
from callmon.monitor import FeedState, Monitor
from callmon.sinks.suppression import Suppression
from callmon.telemetry import Telemetry
from callmon.testing import ManualClock

__all__ = ["MINUTE", "START", "Audience", "Office"]

MINUTE: Micros = 60 * SECOND
START: Micros = 1_795_400_000 * SECOND  # Monday 23 November 2026, 10:13 in Shanghai

CONFIG = """\
thresholds: thresholds.yml
timezone: Asia/Shanghai
feeds:
  centre: {{type: simulator}}
  hotline: {{type: queue_log, path: {folder}/queue_log, source: acd}}
labels: [team]
defaults:
  labels: {{team: service}}
  service_level: {{within: 20s}}
  short_abandon: 5s
groups:
  everybody: {{queues: ["*"], labels: {{team: 全部}}}}
windows: [5m, 15m]
storage: {{directory: {folder}/state}}
"""

THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 10s, for: 1s, keep: 0s, groups: ["*"],
     queues: ["*"], severity: warning, escalate: [{after: 1m, severity: critical}]}
  - {name: crowd, measure: waiting, above: 3, for: 2m, severity: info}
  - {name: few_answered, measure: answer_rate, window: 15m, below: 99%, severity: info}
  - {name: slow, measure: average_wait, window: today, above: 2500ms, severity: warning}
"""


class Audience:
    """Told of everything but what is put here."""

    def __init__(self) -> None:
        self.silenced: dict[str, Suppression] = {}  #: by threshold
        self.spoken_for: set[AlertKey] = set()

    def suppression(self, key: AlertKey) -> Suppression | None:
        """See ``callmon.views.Audience``."""
        return self.silenced.get(key.threshold)

    def held(self) -> Collection[AlertKey]:
        """See ``callmon.views.Audience``."""
        return self.spoken_for


@functools.cache
def _settings() -> EngineSettings:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "callmon.yml")
        path.write_text(CONFIG.format(folder=folder))
        path.with_name("thresholds.yml").write_text(THRESHOLDS)
        return load_config(path, {}).engine_settings()


class Office:
    """The simulated centre with its agents, and a queue known only as a whole."""

    def __init__(self, seed: int = 1) -> None:
        self.transitions: list[Transition] = []
        self.audience = Audience()
        self.now = START
        self.monitor = Monitor(
            _settings(),
            ManualClock(START),
            Telemetry("1"),
            self.transitions.extend,
        )
        self.centre = self.monitor.add_feed("centre", "centre", live=True, agents=True)
        self.hotline = self.monitor.add_feed("hotline", "acd", live=True)
        self.sees(self.centre)
        self.sees(self.hotline)
        self._house = Simulation(
            demo_centre(), seed=seed, start=START, source="centre", agents=True
        )

    def sees(self, feed: FeedState, trouble: str = "") -> None:
        """Have *feed* say that it sees, or why not."""
        self.monitor.up(feed, not trouble, trouble or "is being read")

    def work(self, length: Micros, waiting: int | None = 2) -> None:
        """Let *length* pass; the hotline says how many wait there, or leaves that out."""
        self.now += length
        self.monitor.clock = ManualClock(self.now)
        self.monitor.emit(self.centre, self._house.advance(self.now), {"at": self.now})
        report = QueueReported(self.now, "acd", self.now, "Hotline", waiting=waiting, talking=0)
        self.monitor.emit(self.hotline, [report], {"offset": 7, "memory": "138"})
        for feed in self.monitor.feeds.values():
            self.monitor.current(feed)

    def rows(self, window: str = "15m") -> list[Row]:
        """Return the rows of now, the worst first."""
        engine, now = self.monitor.engine, self.monitor.present()
        return ranked(
            row_of(state, engine.watches(state), window, now) for state in engine.states()
        )

    def board(self, window: str = "15m", last: Collection[Row] = ()) -> Board:
        """Return the board; what is blind keeps the figures it has in *last*."""
        former = {row.id: row for row in last}
        return Board(
            at=self.monitor.present(),
            now=self.now,
            window=window,
            rows=[
                kept(row, former[row.id], self.now - MINUTE)
                if row.blind and row.id in former
                else row
                for row in self.rows(window)
            ],
            feeds=[
                FeedLight(
                    name=feed.name,
                    source=feed.source,
                    up=feed.up,
                    silent=feed.silent,
                    reason=feed.reason,
                    last_at=feed.last_at,
                )
                for feed in self.monitor.feeds.values()
            ],
            problems=["feed hotline: gone"],
        )
