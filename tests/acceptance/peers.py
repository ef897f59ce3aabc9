"""Real Prometheus and Alertmanager on free loopback ports, and a receiver of webhooks.

The programs come from ``scripts/get-peers.sh``; everything started here is stopped by its
own process id.
"""

import asyncio
import contextlib
import dataclasses
import json
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.acceptance.cutter import steady_port

__all__ = [
    "ROOT",
    "SUITES",
    "Notification",
    "Peer",
    "Receiver",
    "alertmanager",
    "alertmanager_config",
    "free_port",
    "program",
    "prometheus",
    "prometheus_config",
    "receiver",
    "stopped_at_the_end",
    "until",
]

ROOT = Path(__file__).parents[2]
SUITES = ("trixie", "sid")
"""The oldest versions we support, and the newest there are."""

READY_SECONDS = 60.0
STOP_SECONDS = 30.0


def program(suite: str, name: str) -> str:
    """Return the path of a program of *suite*; it must have been installed."""
    path = ROOT / ".tools" / suite / "bin" / name
    if not path.exists():
        pytest.fail(f"{path} is missing: run scripts/get-peers.sh {suite}")
    return str(path)


def free_port() -> int:
    """Return a port nobody listens on, nor gets by chance before it is used."""
    return steady_port()


async def until(
    true: Callable[[], bool], within: float, what: str, every: float = 0.01
) -> None:
    """Wait until *true*, and fail when that takes longer than *within* seconds."""
    end = time.monotonic() + within
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {within} s: {what}")
        await asyncio.sleep(every)


@dataclasses.dataclass(kw_only=True)
class Peer:
    """A program that serves HTTP on one port, and can be stopped and started again there."""

    arguments: Sequence[str]
    url: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220  # returns at once
                self.arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        end = time.monotonic() + READY_SECONDS
        async with aiohttp.ClientSession() as session:
            while not await self._is_ready(session):
                if self.process.poll() is not None or time.monotonic() > end:
                    pytest.fail(f"{self.arguments[0]} is not ready: {self.log.read_text()}")
                await asyncio.sleep(0.05)

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with session.get(f"{self.url}/-/ready") as answer:
                return answer.status == 200
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait for its end."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        self.process = None


@contextlib.contextmanager
def stopped_at_the_end(peer: Peer) -> Iterator[Peer]:
    """Give *peer*, and end it whatever happens."""
    try:
        yield peer
    finally:
        peer.stop()


def alertmanager_config(folder: Path, receiver_url: str, group_interval: str = "1s") -> Path:
    """Write the shipped configuration with the receiver's address and a shorter interval."""
    text = (ROOT / "alertmanager" / "alertmanager.yml").read_text()
    assert "group_interval: 30s" in text
    text = text.replace("group_interval: 30s", f"group_interval: {group_interval}")
    text = text.replace("http://127.0.0.1:9099", receiver_url)
    text = text.replace("mail.example.com:587", "127.0.0.1:9")  # nobody is to be looked up
    text = text.replace("templates/", f"{ROOT}/alertmanager/templates/")
    config = folder / "alertmanager.yml"
    config.write_text(text)
    return config


def alertmanager(
    suite: str, folder: Path, config: Path, *, cluster: int = 0, joins: int = 0
) -> Peer:
    """Return an Alertmanager of *suite*, alone or on port *cluster* of a cluster."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    gossip = f"127.0.0.1:{cluster}" if cluster else ""
    arguments = [
        program(suite, "alertmanager"),
        f"--config.file={config}",
        f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--cluster.listen-address={gossip}",
    ]
    if cluster:
        arguments += [
            f"--cluster.advertise-address={gossip}",
            "--cluster.settle-timeout=1s",
            "--cluster.peer-timeout=1s",
        ]
    if joins:
        arguments.append(f"--cluster.peer=127.0.0.1:{joins}")
    url = f"http://127.0.0.1:{port}"
    return Peer(arguments=arguments, url=url, log=folder / "alertmanager.log")


def prometheus_config(folder: Path, target: str, alertmanager_url: str) -> Path:
    """Write the shipped configuration with addresses of this test and an interval of 1 s."""
    text = (ROOT / "alertmanager" / "prometheus.yml").read_text()
    for old, new in (
        ("127.0.0.1:9093", alertmanager_url.removeprefix("http://")),
        ("127.0.0.1:9877", target),
        ("interval: 15s", "interval: 1s"),
        ("interval: 5s", "interval: 1s"),
        ("rules/", f"{ROOT}/alertmanager/rules/"),
    ):
        assert old in text
        text = text.replace(old, new)
    config = folder / "prometheus.yml"
    config.write_text(text)
    return config


def prometheus(suite: str, folder: Path, config: Path) -> Peer:
    """Return a Prometheus of *suite*."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [
        program(suite, "prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    return Peer(arguments=arguments, url=url, log=folder / "prometheus.log")


@dataclasses.dataclass(frozen=True, slots=True)
class Notification:
    """One message an Alertmanager sent about one alert."""

    at: float  #: ``time.monotonic`` of its arrival
    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str


class Receiver:
    """Takes webhooks and keeps them."""

    def __init__(self) -> None:
        self.notifications: list[Notification] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Keep one webhook."""
        at = time.monotonic()
        body: dict[str, Any] = json.loads(await request.read())
        self.notifications += [
            Notification(
                at=at,
                receiver=body["receiver"],
                status=alert["status"],
                labels=alert["labels"],
                annotations=alert["annotations"],
                starts_at=alert["startsAt"],
                ends_at=alert["endsAt"],
            )
            for alert in body["alerts"]
        ]
        return web.Response()

    def about(self, threshold: str, severity: str = "warning") -> list[str]:
        """Return what was said of an alert, in order: ``firing``, ``resolved``."""
        return [
            notification.status
            for notification in self.notifications
            if notification.labels.get("threshold") == threshold
            and notification.labels.get("severity") == severity
        ]

    async def expect(
        self,
        statuses: Sequence[str],
        threshold: str,
        *,
        within: float,
        severity: str = "warning",
    ) -> None:
        """Wait until exactly *statuses* have been said of an alert."""
        await until(
            lambda: len(self.about(threshold, severity)) >= len(statuses),
            within,
            f"{threshold}: expected {statuses}, found {self.about(threshold, severity)}",
        )
        assert list(statuses) == self.about(threshold, severity)


@contextlib.asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Serve a ``Receiver`` on a free port."""
    served = Receiver()
    application = web.Application()
    application.router.add_post("/{receiver}", served.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield served
    finally:
        await runner.cleanup()
