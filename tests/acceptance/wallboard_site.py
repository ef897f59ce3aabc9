"""A site for the wallboard: callmon as a process, a log it follows, a road to it that breaks.

What the log holds is known exactly, so that what the page shows can be too.
"""

import asyncio
import contextlib
import dataclasses
import json
import signal
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.acceptance.cutter import Cutter, road, steady_port
from tests.acceptance.driver import ANSWER_TIMEOUT, Program, eventually

__all__ = [
    "MANY",
    "PREFIX",
    "TWELVE",
    "Day",
    "Site",
    "many",
    "prefixed",
    "site",
    "whole_second",
]

STANDS_WITHIN_S = 60.0

TARGET_S = 20
"""Within which a caller should be answered: what callmon takes where nobody says otherwise."""

CONFIG = """\
timezone: Asia/Shanghai
feeds:
  log: {{type: queue_log, path: {folder}/log/queue_log, source: pbx, poll: 50ms}}
labels: [site, team]
defaults: {{labels: {{site: hz, team: service}}, service_level: {{within: 20s}}}}
queues: {queues}
groups: {groups}
storage: {{directory: {folder}/state}}
server: {server}
logging: {{level: error}}
"""

THRESHOLDS = """\
thresholds:
  - {name: too_long, measure: longest_wait, above: 2m, keep: 0s, severity: critical}
  - {name: long_wait, measure: longest_wait, above: 1m, keep: 0s, severity: warning}
  - {name: crowded, measure: waiting, above: 3, for: 0s, keep: 0s, severity: critical}
  - {name: busy, measure: waiting, above: 2, for: 0s, keep: 0s, severity: warning}
  - {name: soon, measure: waiting, above: 1, for: 1h, keep: 0s, severity: info}
"""
"""Two callers: pending; three: a warning; four: critical. All at once, with no waiting."""

PREFIX = "/status/board"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What became of the callers of a queue in the last minutes: their waits, in seconds."""

    answered: Sequence[int] = ()
    abandoned: Sequence[int] = ()
    team: str = "service"
    site: str = "hz"


TWELVE: Mapping[str, Day] = {
    "support": Day(answered=[5] * 17 + [25] * 3, abandoned=[40] * 5),
    "sales_north": Day(answered=[3] * 12, team="sales"),
    "sales_south": Day(answered=[8] * 9 + [61], team="sales", site="sh"),
    "vip": Day(answered=[2] * 4, team="sales"),
    "billing": Day(answered=[12, 19, 20, 21], abandoned=[30, 95]),
    "returns": Day(answered=[4] * 33, abandoned=[7]),
    "投诉": Day(answered=[6, 14], abandoned=[100, 130]),
    "退换货": Day(answered=[9] * 6, abandoned=[33]),
    "technical": Day(abandoned=[50] * 3, site="sh"),
    "onboarding": Day(),
    "night desk": Day(),
    "back_office": Day(answered=[1] * 999, team="back_office"),
}
"""The usual sizes, nobody at all, only those who gave up, and a thousand within the quarter."""


def many(count: int) -> dict[str, Day]:
    """Return a centre of *count* queues."""
    return {
        f"queue{number:03}": Day(
            answered=[5] * (number % 7), abandoned=[30] * (number % 3), team=f"t{number % 9}"
        )
        for number in range(count)
    }


MANY = many(200)


async def whole_second() -> int:
    """Return the time when a second has just begun: a log knows no smaller steps."""
    await asyncio.sleep(1 - time.time() % 1 + 0.002)
    return int(time.time())


class Site:
    """One callmon, its callers, and the road from the browser to it."""

    def __init__(self, folder: Path, program: Program, cutter: Cutter, scheme: str) -> None:
        self.folder = folder
        self.program = program
        self.road = cutter
        self.direct = program.url.replace("http:", f"{scheme}:")
        self.url = cutter.url.replace("http:", f"{scheme}:")
        self._log = folder / "log" / "queue_log"
        self._waiting: dict[str, list[tuple[int, str]]] = {}
        self._calls = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.program.end(signal.SIGKILL)

    async def start(self) -> None:
        """Start callmon and wait until it shows its queues."""
        self.program.spawn()
        await eventually(self._is_ready, STANDS_WITHIN_S)

    async def _is_ready(self) -> bool:
        assert self.program.running, self.program.log.read_text()
        status, _ = await self.ask("/healthz")
        return status == 200 and (await self.ask("/readyz"))[0] in {200, 401, 403}

    async def ask(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Return status and text of an answer that came by no road."""
        async with (
            aiohttp.ClientSession(timeout=ANSWER_TIMEOUT, headers=headers) as session,
            session.get(self.direct + path, ssl=_anybody()) as answer,
        ):
            return answer.status, await answer.text()

    async def json(self, path: str) -> Any:
        """Return what an address of the API answers."""
        status, text = await self.ask(path)
        assert 200 == status, text
        return json.loads(text)

    async def board(self, query: str = "") -> Any:
        """Return what the page ought to show."""
        return await self.json(f"/api/v1/board{query}")

    async def row(self, queue: str) -> Any:
        """Return what the page ought to show of one queue."""
        (found,) = [
            row
            for row in (await self.board())["rows"]
            if (row["kind"], row["name"]) == ("queue", queue)
        ]
        return found

    # ---- callers ------------------------------------------------------------------

    def join(self, queue: str, *, ago: int = 0, count: int = 1) -> float:
        """Let callers wait, who came *ago* seconds before; return when it was written."""
        at = int(time.time()) - ago
        lines = []
        for _ in range(count):
            self._calls += 1
            call = f"live{self._calls}"
            self._waiting.setdefault(queue, []).append((at, call))
            lines.append(f"{at}|{call}|{queue}|NONE|ENTERQUEUE|||1")
        return self.write(lines)

    def answer(self, queue: str) -> float:
        """Let an agent answer who waits longest."""
        joined, call = self._waiting[queue].pop(0)
        now = int(time.time())
        return self.write([f"{now}|{call}|{queue}|SIP/1|CONNECT|{now - joined}|x|1"])

    def leave(self, queue: str) -> float:
        """Let all hang up who wait."""
        now = int(time.time())
        gone = self._waiting.pop(queue, [])
        return self.write(
            [f"{now}|{call}|{queue}|NONE|ABANDON|1|1|{now - at}" for at, call in gone]
        )

    def write(self, lines: Iterable[str]) -> float:
        """Append *lines* at once; return the time when that was done."""
        with self._log.open("a") as log:
            log.write("".join(f"{line}\n" for line in lines))
        return time.time()

    def without_groups(self) -> None:
        """Configure no group any more; callmon finds that out by itself."""
        config = self.folder / "callmon.yml"
        lines = config.read_text().splitlines()
        config.write_text(
            "\n".join("groups: {}" if line.startswith("groups:") else line for line in lines)
        )

    def blind(self) -> None:
        """Take the log's folder away, as a network disk that is gone."""
        self._log.parent.rename(self.folder / "away")

    def sees(self) -> None:
        """Give it back."""
        (self.folder / "away").rename(self._log.parent)


def _anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _past(days: Mapping[str, Day], now: int) -> list[str]:
    """Return the log of what became of everybody: all of it ended in the last five minutes."""
    lines: list[tuple[int, int, str]] = []

    def add(at: int, text: str) -> None:
        lines.append((at, len(lines), f"{at}|{text}"))

    for queue, day in days.items():
        ends = [(wait, True) for wait in day.answered] + [(w, False) for w in day.abandoned]
        for number, (wait, answered) in enumerate(ends):
            call = f"{queue.encode().hex()}{number}"
            end = now - 10 - number * 280 // len(ends)
            add(end - wait, f"{call}|{queue}|NONE|ENTERQUEUE|||1")
            if answered:
                add(end, f"{call}|{queue}|SIP/1|CONNECT|{wait}|x|1")
                add(end + 5, f"{call}|{queue}|SIP/1|COMPLETECALLER|{wait}|5|1")
            else:
                add(end, f"{call}|{queue}|NONE|ABANDON|1|1|{wait}")
    return [text for _, _, text in sorted(lines)]


@contextlib.asynccontextmanager
async def site(
    folder: Path,
    days: Mapping[str, Day] = TWELVE,
    *,
    thresholds: str = THRESHOLDS,
    groups: Mapping[str, object] | None = None,
    queues: Mapping[str, object] | None = None,
    web_config: Path | None = None,
    tls: bool = False,
) -> AsyncIterator[Site]:
    """Give a site that runs; without other *queues* those of *days* are configured."""
    port = steady_port()
    (folder / "log").mkdir(parents=True)
    log = folder / "log" / "queue_log"
    log.write_text("".join(f"{line}\n" for line in _past(days, int(time.time()))))
    server = {"listen": f"127.0.0.1:{port}"}
    if web_config is not None:
        server["web_config"] = str(web_config)
    config = folder / "callmon.yml"
    if queues is None:
        queues = {
            queue: {"labels": {"site": day.site, "team": day.team}}
            for queue, day in days.items()
        }
    config.write_text(
        CONFIG.format(
            folder=folder,
            queues=json.dumps(queues, ensure_ascii=False),  # YAML knows no surrogates
            groups=json.dumps(groups or {}),
            server=json.dumps(server),
        )
    )
    (folder / "thresholds.yml").write_text(thresholds)
    async with road(port) as cutter:
        scheme = "https" if tls else "http"
        async with Site(folder, Program(config, port), cutter, scheme) as running:
            yield running


@contextlib.asynccontextmanager
async def prefixed(to: str) -> AsyncIterator[str]:
    """Give the address of a proxy that serves *to* below ``PREFIX`` and nothing beside it."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def carry(request: web.Request) -> web.StreamResponse:
            path = request.raw_path.removeprefix(PREFIX)
            async with session.get(to + path, headers=_passed_on(request.headers)) as answer:
                response = web.StreamResponse(
                    status=answer.status, headers=_passed_on(answer.headers)
                )
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response

        application = web.Application()
        application.router.add_get(f"{PREFIX}/{{path:.*}}", carry)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}{PREFIX}"
        finally:
            await runner.cleanup()


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    left_out = {"host", "connection", "transfer-encoding", "content-length"}
    return {name: value for name, value in headers.items() if name.lower() not in left_out}
