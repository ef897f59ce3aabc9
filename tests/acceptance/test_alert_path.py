"""A caller who waits too long: from the telephone system to the webhook, with real peers.

The daemon runs as a process. In the log stands a caller who joined minutes before callmon
starts, so that the limit of three minutes is reached seconds later: to the microsecond, at
the second of the log plus 180.
"""

import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.sinks.payload import parse_rfc3339
from tests.acceptance.driver import Program
from tests.acceptance.peers import (
    Notification,
    Peer,
    Receiver,
    alertmanager,
    alertmanager_config,
    free_port,
    prometheus,
    prometheus_config,
    stopped_at_the_end,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio, pytest.mark.timeout(180)]

CONFIG = """\
timezone: Asia/Shanghai
feeds:
  log: {{type: queue_log, path: {folder}/queue_log, source: pbx}}
labels: [team]
defaults: {{labels: {{team: floor}}}}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{port}"}}
alertmanagers: [{{url: {alertmanager}}}]
alerting: {{direct: {direct}}}
"""

THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 3m, for: 0s, keep: 0s, severity: warning}
"""

Report = Callable[[str], None]

LABELS = {
    "alertname": "QueueThresholdBreached",
    "threshold": "long_wait",
    "queue": "vip",
    "severity": "warning",
    "team": "floor",
}

WAITING_S = 171
"""So long the caller has been waiting when callmon starts."""

FIRING_WITHIN_S = 40.0
"""Start of the program, and nine seconds."""

DIRECT_WITHIN_S = 1.0
ENDED_WITHIN_S = 15.0
SCRAPED_WITHIN_S = 10.0
"""A scrape each second, an evaluation each five."""


@pytest.fixture
async def peer(suite: str, tmp_path: Path, webhook: Receiver) -> AsyncIterator[Peer]:
    """Run an Alertmanager with the shipped configuration."""
    config = alertmanager_config(tmp_path, webhook.url)
    with stopped_at_the_end(alertmanager(suite, tmp_path / "alertmanager", config)) as started:
        await started.start()
        yield started


def daemon(folder: Path, peer: Peer, *, direct: bool) -> Program:
    """Return a daemon whose alerts go to *peer*."""
    port = free_port()
    config = folder / "callmon.yml"
    config.write_text(
        CONFIG.format(
            folder=folder, port=port, alertmanager=peer.url, direct=str(direct).lower()
        )
    )
    (folder / "thresholds.yml").write_text(THRESHOLDS)
    return Program(config, port)


class Caller:
    """Waits in vip, and hangs up when told."""

    def __init__(self, folder: Path) -> None:
        self.joined = int(time.time()) - WAITING_S
        self._log = folder / "queue_log"
        self._write(f"{self.joined}|13800138000|vip|NONE|ENTERQUEUE|||1")

    def hang_up(self) -> None:
        """Leave."""
        now = int(time.time())
        self._write(f"{now}|13800138000|vip|NONE|ABANDON|1|1|{now - self.joined}")

    def _write(self, line: str) -> None:
        with self._log.open("a") as log:
            log.write(f"{line}\n")


def came(notification: Notification) -> float:
    """Return when a notification arrived, in seconds since the epoch."""
    return time.time() - time.monotonic() + notification.at


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Show what was measured, whether the test passes or not."""

    def show(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return show


async def test_a_long_wait_is_told_within_a_second(
    suite: str, tmp_path: Path, peer: Peer, webhook: Receiver, report: Report
) -> None:
    """At second 180 with queue, value and since; and once more when the caller has left."""
    caller = Caller(tmp_path)
    async with daemon(tmp_path, peer, direct=True):
        await webhook.expect(["firing"], "long_wait", within=FIRING_WITHIN_S)
        hung_up = time.time()
        caller.hang_up()
        await webhook.expect(["firing", "resolved"], "long_wait", within=ENDED_WITHIN_S)

    firing, resolved = webhook.notifications
    told, ended = came(firing) - (caller.joined + 180), came(resolved) - hung_up
    report(
        f"Alertmanager of {suite}: told {told:.3f} s after second 180,"
        f" of the end {ended:.3f} s after the caller hung up"
    )
    assert LABELS == firing.labels
    assert LABELS == resolved.labels
    assert 0 <= told <= DIRECT_WITHIN_S
    assert (caller.joined + 180) * SECOND == parse_rfc3339(firing.starts_at)
    assert firing.starts_at == resolved.starts_at
    said = firing.annotations
    assert "vip" in said["summary"]
    assert "3 min" == said["value"]
    assert time.strftime("%H:%M", time.gmtime(caller.joined + 180 + 8 * 3_600)) in said["since"]
    assert "13800138000" not in str(webhook.notifications)
    assert "ended" in resolved.annotations


async def test_without_the_direct_road_prometheus_tells_the_same(
    suite: str, tmp_path: Path, peer: Peer, webhook: Receiver, report: Report
) -> None:
    """By the shipped rules, with the same labels and ``road``, later by scrape and rule."""
    caller = Caller(tmp_path)
    program = daemon(tmp_path, peer, direct=False)
    target = program.url.removeprefix("http://")
    config = prometheus_config(tmp_path, target, peer.url)
    with stopped_at_the_end(prometheus(suite, tmp_path / "prometheus", config)) as scraper:
        await scraper.start()
        async with program:
            await webhook.expect(["firing"], "long_wait", within=FIRING_WITHIN_S)

    firing = next(each for each in webhook.notifications if "threshold" in each.labels)
    told = came(firing) - (caller.joined + 180)
    report(f"Prometheus of {suite}: told {told:.3f} s after second 180")
    assert LABELS | {"road": "prometheus"} == firing.labels
    assert "vip" in firing.annotations["summary"]
    assert 0 <= told <= SCRAPED_WITHIN_S
