"""A site for the sequences of alerts: callmons, Alertmanagers, a Prometheus, who is told.

All are real programs. Between each callmon and each Alertmanager lies a road that can be cut.
The shipped files are used with receivers on this machine; shortened are the intervals only:
``group_interval`` 30 s to 1 s (4 s for a pair, whose peer timeout is 1 s instead of 15 s),
``resend`` 60 s to 4 s, ``handover`` 60 s to 4 s, scrapes and evaluations to 1 s,
``keep_firing_for`` 1 min to 5 s. So a quarter of an hour is a minute here.
"""

import asyncio
import contextlib
import dataclasses
import json
import signal
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import yaml
from aiohttp import web

from callmon.clock import SECOND, SystemClock
from callmon.journal.history import read_alerts
from callmon.sinks.payload import rfc3339
from tests.acceptance.cutter import Cutter, Damage, road, steady_port
from tests.acceptance.driver import Program, eventually, get
from tests.acceptance.peers import (
    Peer,
    Receiver,
    alertmanager,
    alertmanager_config,
    prometheus,
    prometheus_config,
    until,
)

__all__ = [
    "BY_PROMETHEUS",
    "ONCE",
    "Inbox",
    "Layout",
    "Replica",
    "Site",
    "local_receivers",
    "site",
]

CLOCK = SystemClock()

ONCE = ("firing", "resolved")
"""What is to be heard of a breach: that it began, that it is over."""

BY_PROMETHEUS = ("firing by prometheus", "resolved by prometheus")

HEARD_OF_WITHIN_S = 0.3
"""One Alertmanager tells its peer what it has sent: every fifth of a second."""

STANDS_WITHIN_S = 90.0
"""Programs start slowly while a dozen others do."""

CONFIG = """\
timezone: Asia/Shanghai
feeds:
  log: {{type: queue_log, path: {folder}/log/queue_log, source: pbx, poll: 50ms}}
labels: [team]
defaults: {{labels: {{team: sales}}}}
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:{port}"}}
alertmanagers: [{alertmanagers}]
alerting: {alerting}
"""

THRESHOLDS = """\
thresholds:
  - {name: crowded, measure: waiting, above: 0, for: 0s, keep: 0s, severity: warning}
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a site consists of."""

    replicas: int = 1
    alertmanagers: int = 1
    scraped: bool = False  #: by a Prometheus with the shipped rules
    thresholds: str = THRESHOLDS
    alerting: Mapping[str, object] = dataclasses.field(
        default_factory=lambda: {
            "resend": "4s",
            "handover": "4s",
            "storm": {"alerts": 100},
        }
    )

    @property
    def group_interval(self) -> str:
        """Twice the peer timeout of a pair, at least."""
        return "1s" if self.alertmanagers == 1 else "4s"


class Inbox(Receiver):
    """Takes webhooks, counts them as people do, and knows which Alertmanager sent each."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[float, str]] = []  #: when, and to whom
        self._senders: list[str] = []  #: of the notifications

    async def take(self, request: web.Request) -> web.Response:
        """Keep one webhook."""
        sender: str = json.loads(await request.read())["externalURL"]
        before = len(self.notifications)
        answer = await super().take(request)
        came = self.notifications[before:]
        self._senders += [sender] * len(came)
        if came:
            self.messages.append((came[0].at, came[0].receiver))
        return answer

    def stories(self, queue: str, severity: str = "warning") -> set[tuple[str, ...]]:
        """Return what was said of an alert, in order; one story if all heard the same.

        Without echoes: two Alertmanagers that say the same before they can have heard of
        each other do so whatever they are told.
        """
        heard: dict[str, list[str]] = {}
        last: dict[str, tuple[float, str, str]] = {}
        for each, sender in zip(self.notifications, self._senders, strict=True):
            if (each.labels.get("queue"), each.labels.get("severity")) != (queue, severity):
                continue
            by = f" by {each.labels['road']}" if "road" in each.labels else ""
            word = each.status + by
            at, before, other = last.get(each.receiver, (0.0, "", sender))
            if not (word == before and sender != other and each.at - at < HEARD_OF_WITHIN_S):
                heard.setdefault(each.receiver, []).append(word)
            last[each.receiver] = each.at, word, sender
        return {tuple(story) for story in heard.values()}


@contextlib.asynccontextmanager
async def _inbox() -> AsyncIterator[Inbox]:
    served = Inbox()
    application = web.Application()
    application.router.add_post("/{receiver}", served.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield served
    finally:
        await runner.cleanup()


class Replica:
    """A callmon as a process, with a log of its own and a road to each Alertmanager."""

    def __init__(self, folder: Path, layout: Layout, roads: Sequence[Cutter]) -> None:
        self.folder = folder
        self.roads = tuple(roads)
        self._log = folder / "log" / "queue_log"
        self._missed: list[str] | None = None  #: lines it cannot see now; None: it sees
        self._log.parent.mkdir(parents=True)
        self._log.touch()
        port = steady_port()
        config = folder / "callmon.yml"
        peers = ", ".join(f"{{url: {each.url}, timeout: 1s}}" for each in roads)
        config.write_text(
            CONFIG.format(
                folder=folder,
                port=port,
                alertmanagers=peers,
                alerting=json.dumps(layout.alerting),
            )
        )
        (folder / "thresholds.yml").write_text(layout.thresholds)
        self._program = Program(config, port)
        self.url = self._program.url

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        self._program.spawn()
        await eventually(self._program.is_ready, STANDS_WITHIN_S)

    async def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal."""
        await asyncio.to_thread(self._program.end, how)

    async def cut_off(self, how: Damage = Damage.REFUSED) -> None:
        """Damage all its roads."""
        for each in self.roads:
            await each.cut(how)

    async def mend(self) -> None:
        """Mend all its roads."""
        for each in self.roads:
            await each.mend()

    def write(self, *lines: str) -> None:
        """Append to its log; while that is away, when it is back."""
        if self._missed is not None:
            self._missed.extend(lines)
            return
        with self._log.open("a") as log:
            log.writelines(f"{line}\n" for line in lines)

    def blind(self) -> None:
        """Take its log away, as a network disk that is gone."""
        self._log.rename(self._log.with_name("away"))
        self._missed = []

    def sees(self) -> None:
        """Give the log back, with what was written meanwhile."""
        missed, self._missed = self._missed or [], None
        self._log.with_name("away").rename(self._log)
        self.write(*missed)

    async def figure(self, name: str) -> float:
        """Return the sum of all series of a metric."""
        _, page = await get(f"{self.url}/metrics")
        return sum(
            float(line.rpartition(" ")[2])
            for line in page.splitlines()
            if line.partition("{")[0].partition(" ")[0] == name
        )

    async def steps(self) -> dict[str, list[list[str]]]:
        """Return what the journal says became of alerts: by subject, of each its steps."""
        return await asyncio.to_thread(self._steps)

    def _steps(self) -> dict[str, list[list[str]]]:
        found: dict[str, list[list[str]]] = {}
        journal = self.folder / "state" / "journal.db"
        stood = read_alerts(journal, since=0, until=CLOCK.now() + SECOND, limit=10_000)
        for record, steps in reversed(stood):
            words = list(dict.fromkeys(step.step for step in steps))
            found.setdefault(record.subject, []).append(words)
        return found


@dataclasses.dataclass(slots=True, kw_only=True)
class Site:
    """All that stands, and the callers."""

    suite: str
    inbox: Inbox
    alertmanagers: Sequence[Peer]
    replicas: Sequence[Replica]
    prometheus: Peer | None
    waiting: dict[str, int] = dataclasses.field(default_factory=dict)
    calls: int = 0

    @property
    def callmon(self) -> Replica:
        """The only one, or the first."""
        return self.replicas[0]

    def join(self, *queues: str) -> None:
        """Let a caller wait in each of *queues*: all of them breach."""
        for queue in queues:
            assert queue not in self.waiting
            self.calls += 1
            self.waiting[queue] = self.calls
        now = int(time.time())
        self._write(f"{now}|c{self.waiting[q]}|{q}|NONE|ENTERQUEUE|||1" for q in queues)

    def leave(self, *queues: str) -> None:
        """Let them go: the breaches are over."""
        now = int(time.time())
        self._write(f"{now}|c{self.waiting.pop(q)}|{q}|NONE|ABANDON|1|1|1" for q in queues)

    def _write(self, lines: Iterable[str]) -> None:
        written = list(lines)
        for replica in self.replicas:
            replica.write(*written)

    async def hears(
        self, queue: str, *story: str, within: float = 20, severity: str = "warning"
    ) -> None:
        """Wait until this, and nothing else, has been said of the alert of a queue."""
        inbox = self.inbox
        await until(
            lambda: any(len(each) >= len(story) for each in inbox.stories(queue, severity)),
            within,
            f"{self.suite}: {queue}: expected {story}, within {within} s",
            every=0.05,
        )
        assert {story} == inbox.stories(queue, severity)

    async def silence(self, queue: str, seconds: int) -> None:
        """Silence the alerts of a queue, as a supervisor would."""
        now = CLOCK.now()
        body = {
            "matchers": [{"name": "queue", "value": queue, "isRegex": False, "isEqual": True}],
            "startsAt": rfc3339(now),
            "endsAt": rfc3339(now + seconds * SECOND),
            "createdBy": "ann",
            "comment": "we know",
        }
        url = f"{self.alertmanagers[0].url}/api/v2/silences"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            assert 200 == answer.status, await answer.text()


def _moved(peer: Peer) -> Peer:
    """Return *peer* on a port that nobody takes while it is away."""
    old, port = str(urlsplit(peer.url).port), str(steady_port())
    arguments = [
        each.replace(f"127.0.0.1:{old}", f"127.0.0.1:{port}")
        if each.startswith("--web.listen-address")
        else each
        for each in peer.arguments
    ]
    return dataclasses.replace(
        peer, arguments=arguments, url=peer.url.replace(f":{old}", f":{port}")
    )


def local_receivers(config: Path, url: str) -> Path:
    """Have every receiver of a configuration tell a webhook of this machine instead."""
    found: dict[str, Any] = yaml.safe_load(config.read_text())
    found["receivers"] = [
        {
            "name": each["name"],
            "webhook_configs": [{"url": f"{url}/{each['name']}", "send_resolved": True}],
        }
        for each in found["receivers"]
    ]
    config.write_text(yaml.safe_dump(found, sort_keys=False))
    return config


def _alertmanagers(suite: str, folder: Path, layout: Layout, url: str) -> list[Peer]:
    config = local_receivers(alertmanager_config(folder, url, layout.group_interval), url)
    if layout.alertmanagers == 1:
        return [_moved(alertmanager(suite, folder / "am0", config))]
    ports = [steady_port() for _ in range(layout.alertmanagers)]
    return [
        _moved(
            alertmanager(suite, folder / f"am{at}", config, cluster=port, joins=ports[at - 1])
        )
        for at, port in enumerate(ports)
    ]


def _prometheus(suite: str, folder: Path, targets: str, peers: str) -> Peer:
    config = prometheus_config(folder, targets, peers)
    rules = folder / "rules"
    rules.mkdir()
    shipped = Path(__file__).parents[2] / "alertmanager" / "rules" / "callmon.yml"
    text = shipped.read_text()
    for old, new in (
        ("keep_firing_for: 1m", "keep_firing_for: 5s"),
        ("interval: 5s", "interval: 1s"),
    ):
        assert old in text
        text = text.replace(old, new)
    (rules / "callmon.yml").write_text(text)
    config.write_text(config.read_text().replace(f"{shipped.parent}/", f"{rules}/"))
    return _moved(prometheus(suite, folder / "prometheus", config))


@contextlib.asynccontextmanager
async def site(
    suite: str, folder: Path, layout: Layout, starting: asyncio.Semaphore
) -> AsyncIterator[Site]:
    """Give a site that runs; end all of it. *starting* bounds how many start at a time."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    async with contextlib.AsyncExitStack() as stack:
        inbox = await stack.enter_async_context(_inbox())
        peers = _alertmanagers(suite, folder, layout, inbox.url)
        replicas = []
        for number in range(layout.replicas):
            roads = [
                await stack.enter_async_context(road(urlsplit(each.url).port or 0))
                for each in peers
            ]
            replicas.append(Replica(folder / f"callmon{number}", layout, roads))
        second = None
        if layout.scraped:
            targets = ", ".join(each.url.removeprefix("http://") for each in replicas)
            addresses = ", ".join(each.url.removeprefix("http://") for each in peers)
            second = _prometheus(suite, folder, targets, addresses)
        programs = [*peers, *([second] if second else [])]
        for replica in replicas:
            stack.push_async_callback(replica.end, signal.SIGKILL)
        for peer in programs:
            stack.push_async_callback(asyncio.to_thread, peer.stop, signal.SIGKILL)
        async with starting, asyncio.TaskGroup() as group:
            for start in [*(e.start for e in programs), *(e.start for e in replicas)]:
                group.create_task(start())
        if layout.alertmanagers > 1:
            await asyncio.sleep(3)  # until they have found each other
        yield Site(
            suite=suite,
            inbox=inbox,
            alertmanagers=peers,
            replicas=replicas,
            prometheus=second,
        )
