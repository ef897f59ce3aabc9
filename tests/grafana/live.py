"""A real callmon that plays the demo, delivers to a real Alertmanager, and can be scraped.

It has what boards show: labels, groups, agents with names, alerts that stand, a queue whose
telephone system is cut off.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from callmon.clock import SECOND, SystemClock
from tests.acceptance.driver import Program, eventually, get
from tests.acceptance.peers import (
    Peer,
    alertmanager,
    alertmanager_config,
    free_port,
    prometheus,
    prometheus_config,
    stopped_at_the_end,
)
from tests.grafana.boards import Span
from tests.grafana.past import GROUPS_AND_QUEUES, THRESHOLDS

__all__ = ["live", "now"]

CLOCK = SystemClock()

CONFIG = """\
thresholds: thresholds.yml
timezone: Asia/Shanghai
feeds:
  pbx: {{type: simulator, source: pbx}}
  tower: {{type: queue_log, source: tower, path: {folder}/queue_log,
    silence: {{after: 10m}}}}
{parts}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{port}"}}
alertmanagers: [{{url: "{alertmanager}"}}]
logging: {{level: error}}
"""

CERTAIN = """\
  - {name: open_today, measure: arrived, window: today, above: 0, severity: info}
"""
"""A threshold that is passed at whatever hour the test runs."""

SCRAPES = 12
"""So that a rate over some seconds is one."""

BLIND_WITHIN_S = 30.0


@contextlib.asynccontextmanager
async def live(
    folder: Path, *suites: str, scrapes: int = SCRAPES
) -> AsyncIterator[dict[str, Peer]]:
    """Run it all, and give a Prometheus of each suite that has scraped for a while."""
    with contextlib.ExitStack() as stack:
        port = free_port()
        notified = alertmanager_config(folder, "http://127.0.0.1:9")
        posted = alertmanager(suites[-1], folder / "am", notified)
        stack.enter_context(stopped_at_the_end(posted))
        await posted.start()
        log = _configure(folder, port, posted.url)
        async with Program(folder / "callmon.yml", port) as program:
            log.unlink()
            await eventually(lambda: _is_blind(program.url), BLIND_WITHIN_S)
            peers = {}
            for suite in suites:
                place = folder / suite
                place.mkdir()
                config = prometheus_config(place, f"127.0.0.1:{port}", posted.url)
                peers[suite] = prometheus(suite, place, config)
                stack.enter_context(stopped_at_the_end(peers[suite]))
                await peers[suite].start()
            await CLOCK.sleep(scrapes * SECOND)
            yield peers


def now() -> Span:
    """Return the last minute, in which a live site is scraped every second."""
    end = CLOCK.now() / SECOND
    return Span(begin=end - 60, end=end, step=1, scraped_every=1)


def _configure(folder: Path, port: int, alertmanager_url: str) -> Path:
    """Write the configuration, and a log that is about to vanish; return the log."""
    text = CONFIG.format(
        folder=folder, port=port, alertmanager=alertmanager_url, parts=GROUPS_AND_QUEUES
    )
    (folder / "callmon.yml").write_text(text, encoding="utf-8")
    (folder / "thresholds.yml").write_text(THRESHOLDS + CERTAIN, encoding="utf-8")
    log = folder / "queue_log"
    now = CLOCK.now() // SECOND
    lines = [
        f"{now - 60}|1.1|900|NONE|ENTERQUEUE|||1",
        f"{now - 50}|1.1|900|SIP/1|CONNECT|10|1.2|1",
        "nobody knows what this line means",
    ]
    log.write_text("".join(f"{line}\n" for line in lines))
    return log


async def _is_blind(url: str) -> bool:
    page = (await get(f"{url}/metrics"))[1]
    return 'callmon_feed_up{feed="tower"} 0' in page
