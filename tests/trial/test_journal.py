"""Tests of the journal as a past: it gives the alerts that the daemon itself wrote down."""

import asyncio
import random
from pathlib import Path

import pytest

from callmon.alerts import Ended
from callmon.clock import SECOND, Micros
from callmon.config import Config, load_config
from callmon.episodes import Episode
from callmon.journal import AlertRecord, read_alerts
from callmon.journal.disk import NAME
from callmon.trial import JournalHistory, Trial, run_trial
from tests.acceptance.driver import (
    Daemon,
    LogWriter,
    followed,
    running,
    simulated_lines,
    time_of,
)

pytestmark = pytest.mark.anyio

START: Micros = 1_795_400_000 * SECOND
HOUR: Micros = 3_600 * SECOND
EVER: Micros = 1 << 60

THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 60s, clear: 30s, keep: 1m,
     severity: warning, escalate: [{after: 2m, severity: critical}]}
  - {name: crowd, measure: waiting, above: 3, clear: 2, for: 30s, severity: info}
  - {name: many_gone, measure: abandonment_rate, window: 15m, above: 5%, clear: 2%, for: 1m,
     at_least: 10, severity: critical, queues: all, groups: [everybody]}
  - {name: promise, measure: service_level, window: today, below: 80%, clear: 82%,
     at_least: 10, severity: warning, groups: [everybody], queues: all}
"""

Told = tuple[str, str, str, str, Micros, Micros, Micros | None, Ended | None]
"""Threshold, kind and name of the subject, severity, since, fired, raised, ended, why."""


def written(alert: AlertRecord) -> tuple[object, ...]:
    """Return an alert of the journal, short enough to compare."""
    return (
        alert.threshold,
        alert.kind,
        alert.subject,
        alert.severity,
        alert.since,
        alert.fired_at,
        alert.raised_at,
        alert.ended_at,
        alert.ended,
    )


def would_be_written(episode: Episode) -> list[tuple[object, ...]]:
    """Return the alerts of an episode, likewise."""
    return [
        (
            episode.threshold,
            episode.subject.kind.value,
            episode.subject.name,
            call.severity.value,
            episode.since,
            episode.fired_at,
            call.at,
            episode.ended_at,
            None if episode.ended is None else episode.ended.value,
        )
        for call in episode.calls
    ]


def alerts_of(journal: Path, until: Micros = EVER) -> list[tuple[object, ...]]:
    """Return what the daemon wrote down of alerts raised by *until*."""
    found = read_alerts(journal, since=0, limit=100_000)
    return sorted(written(alert) for alert, _ in found if (alert.raised_at or 0) <= until)


def tried(config: Config, since: Micros | None = None, until: Micros | None = None) -> Trial:
    """Return the trial of the configured thresholds on the configured journal."""
    history = JournalHistory(config.storage_directory / NAME)
    settings, thresholds = config.engine_settings(), config.thresholds
    trial = run_trial(history, settings, thresholds, since=since, until=until)
    assert trial is not None
    return trial


def told_by(trial: Trial) -> list[tuple[object, ...]]:
    """Return the alerts of a trial."""
    return sorted(alert for one in trial.episodes for alert in would_be_written(one))


async def through(daemon: Daemon, log: LogWriter, lines: list[str], batch: int) -> None:
    """Let the daemon hear *lines* as their time comes."""
    for begin in range(0, len(lines), batch):
        part = lines[begin : begin + batch]
        log.write(part)
        await daemon.leap(time_of(part[-1]) + SECOND)


async def all_written(daemon: Daemon) -> None:
    """Wait until the journal has everything."""
    app = daemon.app
    assert app is not None
    await daemon.until(lambda: not app._journal.pending, "it is written")


async def test_the_alerts_are_those_of_the_daemon(tmp_path: Path) -> None:
    """Every alert of a morning, while the daemon runs: since, fired, raised, ended and why."""
    lines = simulated_lines(START, 5 * HOUR)
    async with running(tmp_path, START, thresholds=THRESHOLDS) as (daemon, log):
        await through(daemon, log, lines, 60)
        await all_written(daemon)
        config = await asyncio.to_thread(load_config, daemon.config, {})

        trial = await asyncio.to_thread(tried, config)

        expected = await asyncio.to_thread(alerts_of, config.storage_directory / NAME)
    assert expected == told_by(trial)
    assert {"long_wait", "many_gone", "promise"} <= {str(alert[0]) for alert in expected}
    assert len(expected) > 50


async def test_restarts_make_no_difference(tmp_path: Path) -> None:
    """Stopped, killed, with rotated logs and lines written while it was away."""
    lines = simulated_lines(START, 3 * HOUR)
    async with followed(
        tmp_path, lines, random.Random(7), largest=40, rotate=400, restart=300
    ) as (daemon, _):
        await daemon.quiet()
        await all_written(daemon)
        config = await asyncio.to_thread(load_config, daemon.config, {})

        trial = await asyncio.to_thread(tried, config)

        expected = await asyncio.to_thread(alerts_of, config.storage_directory / NAME)
    assert daemon.starts > 3
    assert expected == told_by(trial)
    assert expected
