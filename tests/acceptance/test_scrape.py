"""A real Prometheus scrapes the page, over TLS with a password, and finds every sample."""

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import bcrypt
import pytest
import trustme
from prometheus_client.parser import text_string_to_metric_families

from callmon.clock import SECOND, Micros, SystemClock
from callmon.events import Outcome
from callmon.http import HttpServer, Routes
from callmon.http_client import AiohttpClient
from callmon.queues import SubjectState, Targets, WindowSpec, day_of
from callmon.rules import Subject, SubjectKind
from callmon.sinks.prometheus import Format, MetricsPage, Page
from callmon.sinks.threshold_families import Owners
from callmon.telemetry import Telemetry
from callmon.watches import Watch
from tests.acceptance.peers import Peer, prometheus, stopped_at_the_end
from tests.walls import Wall

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio]

NAMES = ("sales", "客服一线", 'the "best" \\ queue')
WINDOWS = (WindowSpec(name="15m", length=900 * SECOND), WindowSpec(name="today", day=True))
DAY = day_of("UTC")
METRICS = Path(__file__).parents[2] / "docs" / "operators" / "metrics.md"
PATIENCE_S = 30.0


class Shown:
    """Some queues in the middle of a day."""

    def __init__(self) -> None:
        now = self.now()
        self._states = []
        for name in NAMES:
            labels = {"team": f"team of {name}"}
            subject = Subject(kind=SubjectKind.QUEUE, name=name, labels=labels)
            state = SubjectState(subject, Targets(), DAY, WINDOWS)
            state.join(now - 30 * SECOND)
            state.leave(now, now - 30 * SECOND, Outcome.ANSWERED, 30 * SECOND)
            state.join(now)
            self._states.append(state)

    def now(self) -> Micros:
        """Return the time."""
        return SystemClock().now()

    def subjects(self) -> list[SubjectState]:
        """Return the queues."""
        return self._states

    def thresholds(self) -> list[Watch]:
        """Return no threshold."""
        return []

    def owners(self) -> Owners:
        """Return no alert."""
        return Owners()


async def no_history(_parameters: Mapping[str, str]) -> list[str]:
    """Find no alert."""
    return []


async def nothing_to_reload() -> list[str]:
    """Find no mistake."""
    return []


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """Our server and the Prometheus that scrapes it."""

    page: MetricsPage
    peer: Peer


def protect(folder: Path) -> Path:
    """Write a certificate, its authority and a web-config.yml."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.crt")
    issued = authority.issue_cert("callmon.example")
    issued.private_key_pem.write_to_path(folder / "callmon.key")
    issued.cert_chain_pems[0].write_to_path(folder / "callmon.crt")
    file = folder / "web-config.yml"
    secret = bcrypt.hashpw(b"secret", bcrypt.gensalt(10)).decode()
    file.write_text(
        "tls_server_config: {cert_file: callmon.crt, key_file: callmon.key}\n"
        f"basic_auth_users: {{prometheus: {secret}}}\n"
    )
    return file


def scrape_config(folder: Path, target: str, protocol: str) -> Path:
    """Write how Prometheus scrapes us."""
    file = folder / "prometheus.yml"
    file.write_text(
        f"""
global: {{scrape_interval: 1s, scrape_protocols: [{protocol}]}}
scrape_configs:
  - job_name: callmon
    honor_labels: true
    scheme: https
    basic_auth: {{username: prometheus, password: secret}}
    tls_config: {{ca_file: {folder}/authority.crt, server_name: callmon.example}}
    static_configs: [{{targets: ["{target.removeprefix("https://")}"]}}]
"""
    )
    return file


@pytest.fixture(params=["PrometheusText0.0.4", "OpenMetricsText1.0.0"])
async def scraped(
    request: pytest.FixtureRequest, suite: str, tmp_path: Path
) -> AsyncIterator[Scraped]:
    """Run our server and a Prometheus that reads it in each of the two formats."""
    telemetry = Telemetry("1.2.3")

    async def own(form: Format) -> bytes:
        openmetrics = form is Format.OPENMETRICS
        return await asyncio.to_thread(telemetry.render, openmetrics=openmetrics)

    page = MetricsPage(Shown(), SystemClock(), own)

    async def metrics(accept: str, zipped: bool) -> Page:
        return await page.page(accept, gzip=zipped)

    routes = Routes(
        metrics=metrics,
        problems=list,
        views={},
        reload=nothing_to_reload,
        debug=lambda _feed: None,
        history=no_history,
        site=Wall(),
    )
    server = HttpServer(routes, SystemClock(), web_config=protect(tmp_path))
    await server.start()
    config = scrape_config(tmp_path, server.address, request.param)
    peer = prometheus(suite, tmp_path, config)
    try:
        with stopped_at_the_end(peer):
            await peer.start()
            yield Scraped(page=page, peer=peer)
    finally:
        await server.stop()


async def query(client: AiohttpClient, peer: Peer, expression: str) -> list[Any]:
    """Return what Prometheus makes of an expression."""
    answer = await client.request("GET", f"{peer.url}/api/v1/query?query={quote(expression)}")
    found = json.loads(answer.body)
    assert "success" == found["status"], found
    result: list[Any] = found["data"]["result"]
    return result


async def first_scrape(client: AiohttpClient, peer: Peer) -> None:
    """Wait until Prometheus has read the page."""
    end = time.monotonic() + PATIENCE_S
    while not [s for s in await query(client, peer, "up == 1") if s]:
        assert time.monotonic() < end, "Prometheus could not scrape the page"
        await asyncio.sleep(0.1)


def names_and_labels(text: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """Return the series of a page."""
    families: Iterable[Any] = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items()))
        for family in families
        for sample in family.samples
    }


async def test_prometheus_reads_every_series(scraped: Scraped) -> None:
    """Nothing of the page is lost or renamed, whatever a queue is called."""
    async with AiohttpClient(timeout=10 * SECOND) as client:
        await first_scrape(client, scraped.peer)
        stored = await query(client, scraped.peer, '{__name__=~"callmon_.*"}')

    text = b"".join((await scraped.page.page("", gzip=False)).parts).decode()
    known = {s for s in names_and_labels(text) if s[0].startswith("callmon_")}
    found = {
        (
            sample["metric"].pop("__name__"),
            frozenset(
                pair for pair in sample["metric"].items() if pair[0] not in {"instance", "job"}
            ),
        )
        for sample in stored
    }
    assert known == found


async def test_the_queries_of_the_page_work(scraped: Scraped) -> None:
    """What operators are told to ask is understood, and the first answers are right."""
    examples = "".join(
        line if line.startswith("    ") else "\n"
        for line in METRICS.read_text().splitlines(keepends=True)
    )
    expressions = [text for text in examples.split("\n\n") if text.strip()]
    async with AiohttpClient(timeout=10 * SECOND) as client:
        await first_scrape(client, scraped.peer)
        answers = [await query(client, scraped.peer, text) for text in expressions]

    assert len(NAMES) == len(answers[0])
    assert all(0 < float(sample["value"][1]) < PATIENCE_S for sample in answers[0])
    assert {f"team of {name}" for name in NAMES} == {s["metric"]["team"] for s in answers[-1]}
