"""The shipped rules, routes and inhibition in real programs, beside a page we write.

Shortened is only how long a state must last (`for:`), how often Prometheus looks and says
again what fires, and `group_interval`.
"""

import asyncio
import contextlib
import datetime as dt
import re
import signal
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.acceptance.driver import Program
from tests.acceptance.peers import (
    ROOT,
    Peer,
    Receiver,
    alertmanager,
    alertmanager_config,
    free_port,
    prometheus,
    prometheus_config,
    stopped_at_the_end,
    until,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio, pytest.mark.timeout(240)]

RULES = ROOT / "alertmanager" / "rules" / "callmon.yml"
WITHIN_S = 30.0

UNSEEN = "10s"
"""A new Prometheus scrapes nothing for five seconds: no callmon, it could think."""

FEED = '{feed="pbx"}'

GAUGES = {
    "CallmonFeedDown": (f"callmon_feed_up{FEED}", 1, 0),
    "CallmonFeedSilent": (f"callmon_feed_silent{FEED}", 0, 1),
    "CallmonFeedAccount": (f"callmon_feed_account_findings{FEED}", 0, 2),
    "CallmonReloadFailed": ("callmon_config_last_reload_successful", 1, 0),
    "CallmonJournalDown": ("callmon_journal_up", 1, 0),
    "CallmonJournalBehind": ("callmon_journal_pending_events", 3, 30_000),
    "CallmonJournalDamaged": ("callmon_journal_damaged_files", 0, 1),
}
"""What fires while a series has its second value, and is over when it has the first."""

COUNTERS = {
    "CallmonGap": f"callmon_gap_seconds_total{FEED}",
    "CallmonEventsUnwritten": "callmon_journal_given_up_events_total",
    "CallmonAlertMissed": "callmon_alerts_missed_total",
    "CallmonAlertDropped": 'callmon_alerts_dropped_total{reason="capacity"}',
    "CallmonEventsDropped": 'callmon_events_dropped_total{stage="decode",reason="bad_time"}',
}
"""What fires for a quarter of an hour after a series has grown."""

TAKEN = 'callmon_alertmanager_posts_total{alertmanager="one",result="accepted"}'
REFUSED = 'callmon_alertmanager_posts_total{alertmanager="one",result="unreachable"}'


class Page:
    """A page of metrics that says what the test wants."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {name: good for name, good, _ in GAUGES.values()}
        self.values |= dict.fromkeys((*COUNTERS.values(), TAKEN, REFUSED), 100)
        self.target = ""
        self.scrapes = 0

    async def show(self, _: web.Request) -> web.Response:
        """Render it; nothing at all while nothing is on it."""
        self.scrapes += 1
        if not self.values:
            return web.Response(status=503)
        return web.Response(text="".join(f"{k} {v}\n" for k, v in self.values.items()))


@contextlib.asynccontextmanager
async def served(page: Page) -> AsyncIterator[None]:
    """Serve *page* on a free port."""
    application = web.Application()
    application.router.add_get("/metrics", page.show)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        page.target = f"127.0.0.1:{runner.addresses[0][1]}"
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
async def peer(suite: str, tmp_path: Path, webhook: Receiver) -> AsyncIterator[Peer]:
    """Run an Alertmanager with the shipped configuration."""
    config = alertmanager_config(tmp_path, webhook.url)
    with stopped_at_the_end(alertmanager(suite, tmp_path / "alertmanager", config)) as started:
        await started.start()
        yield started


@pytest.fixture
async def page(suite: str, tmp_path: Path, peer: Peer) -> AsyncIterator[Page]:
    """Serve a page of a callmon that is well, to a Prometheus with the shipped rules."""
    rules = tmp_path / "rules.yml"
    text = re.sub(r"(?m)^( +for): \d+m$", r"\1: 1s", RULES.read_text())
    text, down = re.subn(r"(alert: CallmonDown\n.*\n +for): 1s", rf"\1: {UNSEEN}", text)
    assert down
    rules.write_text(text)
    page = Page()
    async with served(page):
        config = prometheus_config(tmp_path, page.target, peer.url)
        config.write_text(
            config.read_text().replace(f"{ROOT}/alertmanager/rules/*.yml", str(rules))
        )
        program = prometheus(suite, tmp_path / "prometheus", config)
        program.arguments = [*program.arguments, "--rules.alert.resend-delay=2s"]
        with stopped_at_the_end(program):
            await program.start()
            yield page


FIRING = ("firing",)
OVER = ("firing", "resolved")


def told(webhook: Receiver, alert: str, receiver: str = "operators") -> tuple[str, ...]:
    """Return what a receiver was told of an alert, in order."""
    return tuple(
        one.status
        for one in webhook.notifications
        if one.labels["alertname"] == alert and one.receiver == receiver
    )


async def expect(
    webhook: Receiver, expected: Mapping[str, tuple[str, ...]], receiver: str = "operators"
) -> None:
    """Wait until so much has been said of each alert; it must be exactly that."""

    def found() -> dict[str, tuple[str, ...]]:
        return {alert: told(webhook, alert, receiver) for alert in expected}

    def enough() -> bool:
        return all(len(said) >= len(expected[alert]) for alert, said in found().items())

    with contextlib.suppress(pytest.fail.Exception):  # what is missing is said below
        await until(enough, WITHIN_S, "all of them")
    assert expected == found()


async def alerts(peer: Peer) -> list[dict[str, Any]]:
    """Return what an Alertmanager holds."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{peer.url}/api/v2/alerts") as answer,
    ):
        found: list[dict[str, Any]] = await answer.json()
        return found


async def test_health_alerts_fire_and_are_over(
    page: Page, peer: Peer, webhook: Receiver
) -> None:
    """A callmon that is well is no news; each trouble is told once, and its end once."""
    await until(lambda: page.scrapes > 5, WITHIN_S, "scrapes of a callmon that is well")
    quiet = [one.labels["alertname"] for one in webhook.notifications]

    page.values |= {name: bad for name, _, bad in GAUGES.values()}
    page.values[REFUSED] += 20
    for counter in COUNTERS.values():
        page.values[counter] += 20
    await expect(webhook, dict.fromkeys([*GAUGES, *COUNTERS], FIRING))
    await expect(webhook, {"CallmonAlertmanagerUnreachable": FIRING})

    page.values |= {name: good for name, good, _ in GAUGES.values()}
    page.values[TAKEN] += 1
    await expect(webhook, dict.fromkeys(GAUGES, OVER))
    await expect(webhook, {"CallmonAlertmanagerUnreachable": OVER})

    assert [] == quiet
    assert "Watchdog" in {one["labels"]["alertname"] for one in await alerts(peer)}
    assert dict.fromkeys(COUNTERS, FIRING) == {
        alert: told(webhook, alert) for alert in COUNTERS
    }
    assert all(
        {"summary", "summary_zh", "action", "action_zh"} <= set(one.annotations)
        for one in webhook.notifications
    )


async def test_a_callmon_that_does_not_answer_is_told(page: Page, webhook: Receiver) -> None:
    """And that it answers again; what it said of its feeds before is not the feeds' end."""
    await until(lambda: page.scrapes > 3, WITHIN_S, "scrapes of a callmon that is well")
    values, page.values = page.values, {}
    await expect(webhook, {"CallmonDown": FIRING})

    page.values = values
    await expect(webhook, {"CallmonDown": OVER})
    assert {"CallmonDown"} == {one.labels["alertname"] for one in webhook.notifications}


async def test_what_was_handed_over_is_told_with_its_figures(
    page: Page, webhook: Receiver
) -> None:
    """By Prometheus: value and limit as people write them; a storm; and their ends."""
    labels = 'threshold="long_wait",queue="支持",severity="warning",shift="day"'
    more = 'threshold="long_wait",queue="支持",severity="warning",measure="longest_wait"'
    over = {
        f"callmon_threshold_handed_over{{{labels}}}": 1,
        f'callmon_threshold_value{{{more},direction="above"}}': 192.4,
        f'callmon_threshold_limit{{{more},direction="above"}}': 180,
        'callmon_storm_handed_over{severity="warning"}': 1,
    }
    page.values |= over
    # An alert of a queue takes the receiver of its team; these have none.
    await expect(
        webhook,
        {"QueueThresholdBreached": FIRING, "QueueAlertStorm": FIRING},
        "supervisors",
    )
    (breach,) = (one for one in webhook.notifications if "threshold" in one.labels)

    assert ("3 min 12 s", "3 min") == (breach.annotations["value"], breach.annotations["limit"])
    assert {
        "alertname": "QueueThresholdBreached",
        "threshold": "long_wait",
        "queue": "支持",
        "severity": "warning",
        "shift": "day",
        "road": "prometheus",
    } == breach.labels


def instant(ago: float = 0.0) -> str:
    """Return an instant *ago* seconds before now, as the API wants it."""
    at = dt.datetime.now(tz=dt.UTC) - dt.timedelta(seconds=ago)
    return at.isoformat()


async def post(peer: Peer, labels: Mapping[str, str], *, firing: bool) -> None:
    """Tell an Alertmanager of an alert, as callmon does."""
    body = [
        {
            "labels": {"alertname": "QueueThresholdBreached", **labels},
            "annotations": {"summary": labels["severity"]},
            "startsAt": instant(60),
            "endsAt": instant(-3600 if firing else 1),
        }
    ]
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{peer.url}/api/v2/alerts", json=body) as answer,
    ):
        assert 200 == answer.status, await answer.text()


def breaches(webhook: Receiver) -> list[tuple[str, str, str]]:
    """Return what the supervisors were told of queues: queue, severity, what."""
    return [
        (one.labels["queue"], one.labels["severity"], one.status)
        for one in webhook.notifications
        if one.receiver == "supervisors"
    ]


async def test_a_critical_alert_speaks_for_the_warning_of_its_queue_only(
    peer: Peer, webhook: Receiver
) -> None:
    """The same threshold and queue: held back. Another queue, another threshold: told."""
    critical = {"threshold": "long_wait", "queue": "vip", "severity": "critical"}
    warning = {**critical, "severity": "warning"}
    others = [{**warning, "queue": "sales"}, {**warning, "threshold": "many_waiting"}]
    await post(peer, critical, firing=True)
    await until(lambda: len(breaches(webhook)) == 1, WITHIN_S, "the critical one")
    for labels in (warning, *others):
        await post(peer, labels, firing=True)
    await until(lambda: len(breaches(webhook)) == 3, WITHIN_S, "those of others")
    await asyncio.sleep(3)  # three group_intervals, in which the inhibited one must not come
    inhibited = [one for one in await alerts(peer) if one["status"]["inhibitedBy"]]
    held_back = breaches(webhook)

    await post(peer, critical, firing=False)
    await until(lambda: len(breaches(webhook)) == 5, WITHIN_S, "the warning that is left")

    assert [
        ("vip", "critical", "firing"),
        ("sales", "warning", "firing"),
        ("vip", "warning", "firing"),  # of many_waiting
    ] == sorted(held_back, key=lambda one: (one[1], one[0]))
    assert [{"alertname": "QueueThresholdBreached", **warning}] == [
        one["labels"] for one in inhibited
    ]
    assert [("vip", "critical", "resolved"), ("vip", "warning", "firing")] == sorted(
        breaches(webhook)[3:]
    )


CONFIG = """\
feeds:
  practice:
    type: simulator
    queues: [vip]
    long_wait: {{queue: vip, after: 1s, wait: 600s}}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{port}"}}
alertmanagers: [{{url: {alertmanager}}}]
"""

THRESHOLDS = """\
thresholds:
  - name: long_wait
    measure: longest_wait
    above: 3s
    severity: warning
    active: business_hours
calendars:
  business_hours:
    timezone: {zone}
    weekly: {{ mon-sun: ["00:00-{closes:%H:%M}"] }}
"""

CLOSES_IN_S = 45
"""At least: the daemon starts, the caller comes and waits for three seconds."""


def closing() -> tuple[str, dt.datetime]:
    """Return a zone in which it is about noon, and the next full minute there to close at."""
    ahead = 12 - dt.datetime.now(tz=dt.UTC).hour
    zone = dt.timezone(dt.timedelta(hours=ahead))
    soon = dt.datetime.now(tz=zone) + dt.timedelta(seconds=CLOSES_IN_S + 60)
    # The names of these zones have the sign the other way round.
    return f"Etc/GMT{-ahead:+d}", soon.replace(second=0, microsecond=0)


async def test_closing_time_ends_an_alert_and_says_so(
    tmp_path: Path, peer: Peer, webhook: Receiver
) -> None:
    """At the minute, with the last value, while the caller still waits: no recovery."""
    port, (zone, closes) = free_port(), closing()
    config = tmp_path / "callmon.yml"
    config.write_text(CONFIG.format(folder=tmp_path, port=port, alertmanager=peer.url))
    (tmp_path / "thresholds.yml").write_text(THRESHOLDS.format(zone=zone, closes=closes))
    async with Program(config, port) as daemon:
        await webhook.expect(["firing"], "long_wait", within=CLOSES_IN_S)
        await webhook.expect(["firing", "resolved"], "long_wait", within=120)
        over = webhook.notifications[-1]
        late = time.time() - closes.timestamp()
        assert 0 == daemon.end(signal.SIGTERM)

    ended = dt.datetime.fromisoformat(over.ends_at).timestamp()
    assert "opening hours ended" == over.annotations["ended"]
    assert 0 <= ended - closes.timestamp() < 1
    assert 0 <= late < 10
    assert re.fullmatch(r"(1 min )?\d+ s", over.annotations["value"])
