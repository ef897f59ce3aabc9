"""``callmon demo``: a simulated call centre, monitored for real, on the screen.

Nothing to set up: the configuration is written to a folder that lives as long as the demo,
and is the one an administrator would write. The live table shows what the engine knows.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from callmon.alerts import Transition
from callmon.app import App, configure_logging
from callmon.clock import Clock, Micros, SystemClock
from callmon.config import load_config
from callmon.console import (
    AlertNews,
    ConsoleAlert,
    ConsoleBreach,
    ConsoleRow,
    ConsoleSource,
    ConsoleView,
    show,
)
from callmon.daemon import Companion, serve
from callmon.delivery import style_of
from callmon.measures import MEASURES, Reading
from callmon.queues import SubjectState
from callmon.rules import Subject, SubjectKind
from callmon.sinks.payload import summary_of
from callmon.thresholds import State
from callmon.watches import Watch
from callmon.wording import Language

__all__ = ["demo", "write_demo"]

NEWS = 20
ZONE = "Asia/Shanghai"
CENTRE = "centre"
WHOLE = Subject(kind=SubjectKind.GROUP, name=CENTRE)
WINDOW = "15m"

CALLMON_YML = """\
thresholds: thresholds.yml
timezone: {zone}
feeds:
  demo: {{type: simulator, seed: {seed}}}
defaults:
  service_level: {{within: 20s}}
  short_abandon: 5s
groups:
  {centre}: {{queues: ["*"]}}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{port}"}}
{alertmanagers}
logging: {{format: console, level: error}}
"""

THRESHOLDS_YML = """\
thresholds:
  - name: long_wait
    measure: longest_wait
    above: 1m
    keep: 10s
    severity: warning
    escalate: [{after: 1m, severity: critical}]
  - name: high_abandonment
    measure: abandonment_rate
    window: 15m
    above: 20%
    clear: 15%
    for: 30s
    at_least: 20
    severity: warning
  - name: low_service_level
    measure: service_level
    window: 15m
    below: 60%
    clear: 70%
    for: 30s
    severity: info
    groups: [centre]
    queues: all
  - name: nobody_free
    measure: agents_available
    below: 1
    for: 2m
    keep: 10s
    severity: info
    queues: [vip]
  - name: not_served
    measure: unserved
    above: 0
    for: 30s
    keep: 10s
    severity: warning
"""


def write_demo(
    folder: Path, *, port: int, seed: int = 1, alertmanagers: Sequence[str] = ()
) -> Path:
    """Write the configuration of a demo into *folder*; return the path of callmon.yml."""
    urls = "".join(f"\n  - url: {url}" for url in alertmanagers)
    path = folder / "callmon.yml"
    path.write_text(
        CALLMON_YML.format(
            zone=ZONE,
            centre=CENTRE,
            seed=seed,
            folder=folder,
            port=port,
            alertmanagers=f"alertmanagers:{urls}" if urls else "",
        ),
        encoding="utf-8",
    )
    (folder / "thresholds.yml").write_text(THRESHOLDS_YML, encoding="utf-8")
    return path


def demo(
    *,
    port: int = 9877,
    seed: int = 1,
    alertmanagers: Sequence[str] = (),
    language: Language = Language.ENGLISH,
    out: TextIO = sys.stdout,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Run the demo until interrupted; return the exit code.

    Raises:
        ConfigError: the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="callmon-demo-") as folder:
        path = write_demo(Path(folder), port=port, seed=seed, alertmanagers=alertmanagers)
        config = load_config(path, environ)
        configure_logging(config)
        clock = SystemClock()
        news: deque[ConsoleAlert] = deque(maxlen=NEWS)
        style = style_of(config)

        def hear(transitions: Iterable[Transition]) -> None:
            news.extend(
                ConsoleAlert(
                    at=transition.at,
                    news=AlertNews(transition.kind),
                    severity=transition.alert.severity,
                    summary=summary_of(transition.alert, style),
                )
                for transition in transitions
            )

        app = App(path, config, clock=clock, environ=environ, listen=hear)
        colour = out.isatty() and "NO_COLOR" not in environ
        asyncio.run(serve(app, _table(news, out, clock, colour=colour, language=language)))
    return 0


def _table(
    news: Iterable[ConsoleAlert],
    out: TextIO,
    clock: Clock,
    *,
    colour: bool,
    language: Language,
) -> Companion:
    def alongside(app: App) -> Coroutine[None, None, None]:
        return show(
            lambda: view_of(app, tuple(news)),
            out,
            clock,
            size=_size,
            colour=colour,
            language=language,
        )

    return alongside


def _size() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines


def view_of(app: App, news: Sequence[ConsoleAlert]) -> ConsoleView:
    """Return what the live table shows now."""
    now = app.now()
    watches: dict[str, list[Watch]] = {}
    for watch in app.thresholds():
        if watch.rule.subject.kind is SubjectKind.QUEUE:
            watches.setdefault(watch.rule.subject.name, []).append(watch)
    address = app.server.address
    states = app.subjects()
    centre = [state for state in states if state.subject == WHOLE]
    return ConsoleView(
        now=now,
        zone=ZoneInfo(app.config.default_timezone),
        rows=[
            _row(app, state, watches.get(state.subject.name, []))
            for state in states
            if state.subject.kind is SubjectKind.QUEUE
        ],
        sources=[
            ConsoleSource(name=feed.name, up=feed.up) for feed in app.monitor.feeds.values()
        ],
        alerts=news,
        addresses=(
            ("wallboard", f"{address}/"),
            ("metrics", f"{address}/metrics"),
            ("JSON", f"{address}/api/v1/"),
        ),
        window=WINDOW,
        available=_live("agents_available", centre[0], now) if centre else None,
        staffed=_live("agents_staffed", centre[0], now) if centre else None,
    )


def _row(app: App, state: SubjectState, watches: Sequence[Watch]) -> ConsoleRow:
    now = app.now()

    def live(name: str) -> int | None:
        return _live(name, state, now)

    def over(name: str, window: str) -> Reading | None:
        held = state.windows[window]
        held.sync(now)
        return MEASURES[name].read(state, held, now)

    return ConsoleRow(
        name=state.subject.name,
        waiting=live("waiting"),
        longest_wait=live("longest_wait"),
        waiting_over_target=live("waiting_over_target"),
        talking=live("talking"),
        available=live("agents_available"),
        staffed=live("agents_staffed"),
        answered=_whole(over("answered", "today")),
        offered=_whole(over("offered", "today")),
        abandonment_rate=_exact(over("abandonment_rate", WINDOW)),
        service_level=_exact(over("service_level", WINDOW)),
        firing=tuple(
            ConsoleBreach(
                threshold=watch.rule.threshold.name,
                measure=watch.measure.name,
                severity=severity,
            )
            for watch in watches
            for severity in watch.state.severities
        ),
        pending=tuple(
            watch.rule.threshold.name for watch in watches if watch.state.state is State.PENDING
        ),
        blind=state.blind,
    )


def _live(name: str, state: SubjectState, now: Micros) -> int | None:
    read = MEASURES[name].live
    return None if read is None or state.blind else _whole(read(state, now))


def _whole(reading: Reading | None) -> int | None:
    return None if reading is None else reading[0] // reading[1]


def _exact(reading: Reading | None) -> Fraction | None:
    return None if reading is None else Fraction(reading[0], reading[1])
