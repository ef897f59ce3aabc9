"""The direct road to real Alertmanagers: what the supervisor's receiver gets, and when."""

import asyncio
import contextlib
import dataclasses
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from callmon.alerts import Alert, Ended, Transition
from callmon.clock import SECOND, Micros, SystemClock
from callmon.http_client import AiohttpClient
from callmon.rules import Direction, Severity, Subject, SubjectKind
from callmon.sinks.alertmanager import Alertmanager, AlertmanagerSettings, AlertmanagerSink
from callmon.sinks.ledger import Limits
from callmon.sinks.payload import Style, metric_labels_of
from tests.acceptance.peers import (
    ROOT,
    Peer,
    Receiver,
    alertmanager,
    alertmanager_config,
    free_port,
    program,
    prometheus,
    prometheus_config,
    stopped_at_the_end,
    until,
)
from tests.sinks.scripted_alertmanager import CountedDeliveries, Notebook

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio, pytest.mark.timeout(120)]

CLOCK = SystemClock()

QUICK = Limits(resend=2 * SECOND, handover=3 * SECOND, recheck=SECOND // 2)
"""The intervals of an hour in half a minute."""


def a_breach(threshold: str, severity: Severity = Severity.WARNING, ago: float = 0) -> Alert:
    """Return an alert that fires now, of a condition that began *ago* seconds before."""
    now = CLOCK.now()
    return Alert(
        threshold=threshold,
        subject=Subject(kind=SubjectKind.QUEUE, name="投诉", labels={"team": "blue"}),
        severity=severity,
        measure="longest_wait",
        window=None,
        direction=Direction.ABOVE,
        limit=Fraction(180 * SECOND),
        since=now - int(ago * SECOND),
        fired_at=now,
        raised_at=now,
        value=Fraction(181 * SECOND),
        peak=Fraction(181 * SECOND),
    )


def begin(*alerts: Alert) -> list[Transition]:
    """Return the transitions that begin *alerts*."""
    return [Transition(at=alert.fired_at, kind="fired", alert=alert) for alert in alerts]


def end(*alerts: Alert) -> list[Transition]:
    """Return the transitions that end *alerts* now."""
    now = CLOCK.now()
    return [
        Transition(
            at=now,
            kind="ended",
            alert=dataclasses.replace(alert, ended=Ended.RECOVERED, ended_at=now),
        )
        for alert in alerts
    ]


@dataclasses.dataclass
class Road:
    """A running sink."""

    sink: AlertmanagerSink
    metrics: CountedDeliveries


@contextlib.asynccontextmanager
async def road(peers: Iterable[Peer], limits: Limits = QUICK) -> AsyncIterator[Road]:
    """Run a sink that posts to *peers*."""
    metrics = CountedDeliveries()
    async with AiohttpClient(timeout=2 * SECOND) as client, asyncio.TaskGroup() as group:
        sink = AlertmanagerSink(
            [Alertmanager(name=peer.url, url=peer.url, client=client) for peer in peers],
            clock=CLOCK,
            settings=AlertmanagerSettings(style=Style(zone=UTC), limits=limits),
            metrics=metrics,
            notes=Notebook(),
            facts=lambda _: {"waiting": "4"},
            seen=lambda _: True,
            jitter=lambda: 0.5,
        )
        task = group.create_task(sink.run())
        yield Road(sink, metrics)
        task.cancel()


@pytest.fixture
async def peer(suite: str, tmp_path: Path, webhook: Receiver) -> AsyncIterator[Peer]:
    """Run one Alertmanager with the shipped configuration."""
    config = alertmanager_config(tmp_path, webhook.url)
    with stopped_at_the_end(alertmanager(suite, tmp_path / "one", config)) as started:
        await started.start()
        yield started


async def silence(peer: Peer, threshold: str, seconds: Micros) -> None:
    """Silence an alert, as a supervisor would."""
    body = {
        "matchers": [
            {"name": "threshold", "value": threshold, "isRegex": False, "isEqual": True}
        ],
        "startsAt": _iso(CLOCK.now()),
        "endsAt": _iso(CLOCK.now() + seconds * SECOND),
        "createdBy": "test",
        "comment": "test",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{peer.url}/api/v2/silences", json=body) as answer,
    ):
        assert 200 == answer.status


def _iso(at: Micros) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at / SECOND))


async def test_a_breach_reaches_the_receiver_within_a_second_and_so_does_its_end(
    peer: Peer, webhook: Receiver
) -> None:
    """With queue, value and since; once; and again after the first one was over."""
    async with road([peer]) as running:
        alert = a_breach("long_wait", ago=30)
        started = time.monotonic()
        running.sink.apply(begin(alert))
        await webhook.expect(["firing"], "long_wait", within=3)
        first = webhook.notifications[-1]
        await asyncio.sleep(3)
        running.sink.apply(end(alert))
        await webhook.expect(["firing", "resolved"], "long_wait", within=3)
        last = webhook.notifications[-1]
        await asyncio.sleep(3)
        running.sink.apply(begin(a_breach("long_wait")))
        await webhook.expect(["firing", "resolved", "firing"], "long_wait", within=3)

    assert first.at - started < 1
    assert ("投诉", "blue") == (first.labels["queue"], first.labels["team"])
    assert ("3 min 1 s", "4") == (first.annotations["value"], first.annotations["waiting"])
    assert "since" in first.annotations
    assert "recovered" == last.annotations["ended"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("ends", ["before its return", "after its return"])
async def test_an_alertmanager_restarted_during_a_breach_says_everything_once(
    peer: Peer, webhook: Receiver, how: signal.Signals, ends: str
) -> None:
    """One notification, one end, whichever side of the restart the breach ends on."""
    async with road([peer]) as running:
        alert = a_breach("long_wait")
        running.sink.apply(begin(alert))
        await webhook.expect(["firing"], "long_wait", within=3)
        peer.stop(how)
        await asyncio.sleep(3)
        if ends == "before its return":
            running.sink.apply(end(alert))
        await peer.start()
        if ends == "after its return":
            await asyncio.sleep(3)
            running.sink.apply(end(alert))
        await until(lambda: "resolved" in webhook.about("long_wait"), 15, "the end")
        await asyncio.sleep(3)

    said = webhook.about("long_wait")
    if how == signal.SIGKILL:
        # Its log of notifications dies with it: it may say again what it has said.
        assert ["firing", "resolved"] == sorted(set(said))
        assert "resolved" == said[-1]
    else:
        assert ["firing", "resolved"] == said


async def test_a_quick_restart_nobody_noticed_loses_no_end(
    peer: Peer, webhook: Receiver
) -> None:
    """Alertmanager forgets its alerts, and the breach ends before the next post."""
    async with road([peer], Limits(recheck=SECOND // 2)) as running:
        alert = a_breach("long_wait")
        running.sink.apply(begin(alert))
        await webhook.expect(["firing"], "long_wait", within=3)
        peer.stop()
        await peer.start()
        running.sink.apply(end(alert))
        await webhook.expect(["firing", "resolved"], "long_wait", within=10)
        await asyncio.sleep(3)

    assert ["firing", "resolved"] == webhook.about("long_wait")


async def test_one_of_two_alertmanagers_killed_nothing_is_lost_or_said_twice(
    suite: str, tmp_path: Path, webhook: Receiver
) -> None:
    """A breach before, during and after its absence: one notification and one end each."""
    config = alertmanager_config(tmp_path, webhook.url, group_interval="4s")
    ports = free_port(), free_port()
    one = alertmanager(suite, tmp_path / "one", config, cluster=ports[0], joins=ports[1])
    two = alertmanager(suite, tmp_path / "two", config, cluster=ports[1], joins=ports[0])
    with stopped_at_the_end(one), stopped_at_the_end(two):
        await one.start()
        await two.start()
        await asyncio.sleep(2)
        async with road([one, two]) as running:
            before, during = a_breach("before"), a_breach("during")
            running.sink.apply(begin(before))
            await webhook.expect(["firing"], "before", within=3)
            await asyncio.sleep(2)
            one.stop(signal.SIGKILL)
            running.sink.apply(begin(during))
            await webhook.expect(["firing"], "during", within=3)
            await asyncio.sleep(2)
            running.sink.apply(end(before))
            await webhook.expect(["firing", "resolved"], "before", within=8)
            await one.start()
            await asyncio.sleep(6)
            running.sink.apply(end(during))
            await webhook.expect(["firing", "resolved"], "during", within=8)
            await asyncio.sleep(9)

        assert ["firing", "resolved"] == webhook.about("before")
        assert ["firing", "resolved"] == webhook.about("during")
        assert 0 == running.metrics.handovers


async def test_a_silence_over_the_end_does_not_swallow_the_next_breach(
    peer: Peer, webhook: Receiver
) -> None:
    """The end is told when the silence is over, and the next breach is news again."""
    async with road([peer]) as running:
        alert = a_breach("long_wait")
        running.sink.apply(begin(alert))
        await webhook.expect(["firing"], "long_wait", within=3)
        await silence(peer, "long_wait", 6)
        running.sink.apply(end(alert))
        await asyncio.sleep(3)
        during = webhook.about("long_wait")
        await webhook.expect(["firing", "resolved"], "long_wait", within=10)
        await asyncio.sleep(2.5)
        running.sink.apply(begin(a_breach("long_wait")))
        await webhook.expect(["firing", "resolved", "firing"], "long_wait", within=3)

    assert ["firing"] == during


async def test_an_escalated_alert_and_the_first_one_end_together(
    peer: Peer, webhook: Receiver
) -> None:
    """The warning is inhibited by then; its end comes all the same, and nothing after."""
    async with road([peer]) as running:
        warning = a_breach("long_wait")
        critical = a_breach("long_wait", Severity.CRITICAL)
        running.sink.apply(begin(warning))
        await webhook.expect(["firing"], "long_wait", within=3)
        running.sink.apply(begin(critical))
        await webhook.expect(["firing"], "long_wait", within=3, severity="critical")
        await asyncio.sleep(3)
        running.sink.apply(end(warning, critical))
        for severity in ("critical", "warning"):
            expected = ["firing", "resolved"]
            await webhook.expect(expected, "long_wait", within=8, severity=severity)
        await asyncio.sleep(3)
        running.sink.apply(begin(a_breach("long_wait")))
        await webhook.expect(["firing", "resolved", "firing"], "long_wait", within=3)

    assert ["firing", "resolved"] == webhook.about("long_wait", "critical")


async def test_callmon_restarted_during_a_breach_says_nothing_twice(
    peer: Peer, webhook: Receiver
) -> None:
    """The next process goes on with the snapshot, and tells the end."""
    alert = a_breach("long_wait")
    async with road([peer]) as first:
        first.sink.apply(begin(alert))
        await webhook.expect(["firing"], "long_wait", within=3)
    async with road([peer]) as second:
        second.sink.restore(first.sink.snapshot())
        second.sink.reconcile([alert])
        await asyncio.sleep(3)
        second.sink.apply(end(alert))
        await webhook.expect(["firing", "resolved"], "long_wait", within=5)
        await asyncio.sleep(2)

    assert ["firing", "resolved"] == webhook.about("long_wait")


def _exposition(sink: AlertmanagerSink) -> str:
    """Return the one metric the second road needs."""
    lines = ["# TYPE callmon_threshold_handed_over gauge"]
    for labels, value in sink.handed_over().items():
        pairs = ",".join(f'{name}="{text}"' for name, text in labels)
        lines.append(f"callmon_threshold_handed_over{{{pairs}}} {value}")
    return "\n".join([*lines, ""])


@contextlib.asynccontextmanager
async def metrics_of(sink: AlertmanagerSink) -> AsyncIterator[str]:
    """Serve the metric of *sink*."""
    application = web.Application()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=_exposition(sink))

    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_handed_over_alert_arrives_by_prometheus_with_the_same_labels(
    suite: str, tmp_path: Path, peer: Peer, webhook: Receiver
) -> None:
    """The direct road is cut: one notification, with ``road`` beside the same labels."""
    cut = Peer(arguments=[], url=f"http://127.0.0.1:{free_port()}", log=tmp_path / "none")
    async with road([cut]) as running, metrics_of(running.sink) as target:
        config = prometheus_config(tmp_path, target, peer.url)
        with stopped_at_the_end(prometheus(suite, tmp_path / "prometheus", config)) as second:
            await second.start()
            alert = a_breach("long_wait")
            running.sink.apply(begin(alert))
            await webhook.expect(["firing"], "long_wait", within=30)
            found = next(n for n in webhook.notifications if "threshold" in n.labels)
            second_road: dict[str, Any] = {
                **dict(metric_labels_of(alert)),
                "alertname": "QueueThresholdBreached",
                "road": "prometheus",
            }

    assert second_road == found.labels
    assert 1 == running.metrics.handovers


def _run(*arguments: str) -> str:
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=False, cwd=ROOT / "alertmanager"
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_the_shipped_files_please_promtool_and_amtool(suite: str) -> None:
    """Configurations load, rules have no lint and pass their tests."""
    promtool, amtool = program(suite, "promtool"), program(suite, "amtool")

    _run(amtool, "check-config", "alertmanager.yml")
    _run(promtool, "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")
    _run(promtool, "check", "rules", "--lint=all", "--lint-fatal", "rules/callmon.yml")
    _run(promtool, "test", "rules", "rules/tests/callmon_test.yml")
