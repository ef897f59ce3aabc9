"""The daemon as a process: killed, rotated under, scraped by a real Prometheus, reloaded."""

import asyncio
import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from callmon.clock import SECOND, Micros
from tests.acceptance.driver import (
    CONFIG,
    LogWriter,
    Program,
    eventually,
    families,
    get,
    replayed,
    sample,
    simulated_lines,
    write_config,
)
from tests.acceptance.peers import (
    Peer,
    free_port,
    program,
    prometheus,
    stopped_at_the_end,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio, pytest.mark.timeout(240)]

HOUR: Micros = 3_600 * SECOND
KILLS = 5
SCRAPE_EVERY_S = 0.2
LINES = 3_500
LINES_A_SECOND = 200
CAUGHT_UP_WITHIN_S = 60.0

LONG_MEMORY = CONFIG.replace("windows: [5m, 15m, 1h]", "windows: [5m, 15m, 1h, 24h]")
"""So that a first start reads the log back over midnight."""

COUNTERS = ("callmon_contacts", "callmon_contact_wait_seconds", "callmon_ring_no_answer")
"""Families that only grow, but for groups; the rest depends on when one looks."""


def daemon(folder: Path) -> Program:
    """Return a daemon that follows the log in *folder*."""
    port = free_port()
    return Program(write_config(folder, port=port, text=LONG_MEMORY), port)


def counters(page: str) -> dict[str, list[str]]:
    """Return the lines of the families that only grow."""
    return {name: lines for name, lines in families(page).items() if name.startswith(COUNTERS)}


def values(page: str) -> dict[str, float]:
    """Return every counter of queues, by series."""
    return {
        series: float(value)
        for lines in counters(page).values()
        for line in lines
        if not line.startswith("#")
        for series, _, value in [line.rpartition(" ")]
    }


class Scraper:
    """Scrapes again and again, and notes each counter that fell or went away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._last: Mapping[str, float] = {}
        self.scrapes = 0
        self.fallen: list[str] = []

    async def run(self) -> None:
        """Scrape until cancelled, whether anybody answers or not."""
        while True:
            with contextlib.suppress(OSError, aiohttp.ClientError, TimeoutError):
                await self.scrape()
            await asyncio.sleep(SCRAPE_EVERY_S)

    async def scrape(self) -> None:
        """Scrape once. A daemon that rebuilds its state shows no queue at all."""
        status, page = await get(f"{self._url}/metrics")
        found = values(page)
        if status != 200 or not found:
            return
        self.scrapes += 1
        self.fallen += [
            f"{series}: {value} after {self._last[series]}"
            for series, value in found.items()
            if value < self._last.get(series, 0)
        ]
        self.fallen += [f"{series} is gone" for series in self._last if series not in found]
        self._last = found


async def write_log(log: LogWriter, lines: list[str], chance: random.Random) -> None:
    """Write *lines* in bursts, and rotate now and then by every strategy."""
    at = 0
    while at < len(lines):
        count = chance.randint(1, LINES_A_SECOND // 5)
        log.write(lines[at : at + count])
        at += count
        if chance.random() < 0.08:
            await asyncio.to_thread(log.rotate, chance.randrange(4))
            if chance.random() < 0.3:
                await asyncio.to_thread(log.compress)
        await asyncio.sleep(count / LINES_A_SECOND)


async def kill_at_times(victim: Program, chance: random.Random) -> None:
    """Kill the daemon, start it again, and leave it alone for a random time."""
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.5, 9.0))
        victim.end(signal.SIGKILL)
        victim.spawn()


@pytest.mark.parametrize("seed", [1, 2])
async def test_kills_and_rotations_lose_nothing(tmp_path: Path, seed: int) -> None:
    """After five kill -9 at random moments each counter is that of a replay of all files.

    And between two scrapes none has ever fallen.
    """
    chance = random.Random(seed)
    end = int(time.time()) * SECOND
    # A day has enough of them at any hour; a night has not.
    lines = simulated_lines(end - 25 * HOUR, 24 * HOUR, seed)[-LINES:]
    with LogWriter(tmp_path / "queue_log") as log:
        async with daemon(tmp_path) as running:
            scraper = Scraper(running.url)
            async with asyncio.TaskGroup() as group:
                scraping = group.create_task(scraper.run())
                writing = group.create_task(write_log(log, lines, chance))
                await kill_at_times(running, chance)
                await writing
                scraping.cancel()
            page = await replayed(log.files, tmp_path / "callmon.yml", end)
            expected = counters(page)
            found: dict[str, list[str]] = {}

            async def is_equal() -> bool:
                found.clear()
                found.update(counters((await get(f"{running.url}/metrics"))[1]))
                return expected == found

            await eventually(running.is_ready, CAUGHT_UP_WITHIN_S)
            with contextlib.suppress(TimeoutError):
                await eventually(is_equal, CAUGHT_UP_WITHIN_S)
            await scraper.scrape()

    assert expected == found
    assert len(log.files) > KILLS
    assert scraper.scrapes > KILLS
    assert [] == scraper.fallen


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Program]:
    """Run a daemon with three hours of a call centre in its log."""
    start = (int(time.time()) - 3 * 3_600) * SECOND
    with LogWriter(tmp_path / "queue_log") as log:
        log.write(simulated_lines(start, 3 * HOUR))
        async with daemon(tmp_path) as started:
            yield started


async def query(peer: Peer, expression: str) -> list[Any]:
    """Return what Prometheus makes of an expression."""
    _, text = await get(f"{peer.url}/api/v1/query?query={quote(expression)}")
    found: list[Any] = json.loads(text)["data"]["result"]
    return found


async def is_stored(peer: Peer, expression: str) -> bool:
    """Tell whether Prometheus has any value of an expression."""
    return bool(await query(peer, expression))


async def test_prometheus_scrapes_it(suite: str, tmp_path: Path, running: Program) -> None:
    """The target is up, without a scrape error, and the figures are those of the page."""
    config = tmp_path / "prometheus.yml"
    target = running.url.removeprefix("http://")
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        "scrape_configs:\n"
        "  - job_name: callmon\n"
        "    honor_labels: true\n"
        f"    static_configs: [{{targets: ['{target}']}}]\n"
    )
    arrived = "sum(callmon_contacts_arrived_total)"
    with stopped_at_the_end(prometheus(suite, tmp_path / "prometheus", config)) as peer:
        await peer.start()
        await eventually(lambda: is_stored(peer, arrived), 30)
        (up,) = await query(peer, 'up{job="callmon"}')
        (total,) = await query(peer, arrived)
        _, targets = await get(f"{peer.url}/api/v1/targets")
        (scraped,) = json.loads(targets)["data"]["activeTargets"]

    page = (await get(f"{running.url}/metrics"))[1]
    found = [v for s, v in values(page).items() if s.startswith("callmon_contacts_arrived")]
    assert "1" == up["value"][1]
    assert ("up", "") == (scraped["health"], scraped["lastError"])
    assert sum(found) == float(total["value"][1])
    assert sum(found) > 0


async def test_promtool_has_no_complaint(suite: str, running: Program) -> None:
    """The page as text is what Prometheus' own linter wants it to be."""
    _, page = await get(f"{running.url}/metrics")

    checked = await asyncio.to_thread(
        subprocess.run,
        [program(suite, "promtool"), "check", "metrics"],
        input=page.encode(),
        capture_output=True,
        check=False,
    )

    assert (0, b"") == (checked.returncode, checked.stderr + checked.stdout)


async def test_signals(tmp_path: Path, running: Program) -> None:
    """SIGHUP reloads, a bad file is refused and the daemon stays; SIGTERM ends it with 0."""

    async def is_good() -> bool:
        page = (await get(f"{running.url}/metrics"))[1]
        return sample(page, "callmon_config_last_reload_successful") == 1

    async def is_bad() -> bool:
        return not await is_good()

    assert await is_good()
    (tmp_path / "thresholds.yml").write_text("thresholds: [")
    running.send(signal.SIGHUP)
    await eventually(is_bad, 10)
    (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
    running.send(signal.SIGHUP)
    await eventually(is_good, 10)

    assert 0 == running.end()
    log = running.log.read_text()
    assert "Traceback" not in log
    assert "config.refused" in log
    assert (tmp_path / "state" / "journal.db").exists()


async def test_a_wrong_configuration_is_not_run(tmp_path: Path) -> None:
    """It ends at once with 1, and the mistakes are on standard error."""
    config = write_config(tmp_path, thresholds="thresholds: [{name: a}]\n")

    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "callmon", "run", "-c", str(config)],
        capture_output=True,
        check=False,
        timeout=30,
    )

    assert 1 == ended.returncode
    assert f"{tmp_path}/thresholds.yml:1:" in ended.stderr.decode()
