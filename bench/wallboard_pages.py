"""Open wallboards without a browser: pages that put their pictures together from frames."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from multiprocessing.synchronize import Event as Flag
from typing import Any

import aiohttp
import msgspec

__all__ = ["LONGEST_S", "Page", "looking"]

PATIENCE_S = 30.0
TRIES = 40
TRY_EVERY_S = 0.25
LONGEST_S = PATIENCE_S + TRIES * TRY_EVERY_S * 4
"""Until the pages have said what they saw, once they are told that it is over."""


class Page:
    """An open page: it puts its picture together from frames."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.frames = 0
        self.bytes = 0
        self.problems: list[str] = []
        self.board: dict[str, str] = {}
        self.lists: dict[str, dict[str, dict[str, str]]] = {"rows": {}, "alerts": {}}

    @property
    def picture(self) -> dict[str, Any]:
        """Return what is seen; the order of what is listed counts."""
        listed = {name: list(items.items()) for name, items in self.lists.items()}
        return {"board": self.board, **listed}

    def take(self, frame: Mapping[str, Any]) -> None:
        """Apply one frame as the page's script does."""
        if not self.frames and not frame.get("full"):
            self.problems.append("the first frame is not a full one")
        self.frames += 1
        if frame.get("full"):
            self.board = {}
            self.lists = {"rows": {}, "alerts": {}}
        _put(self.board, frame.get("board", {}))
        for name, listing in self.lists.items():
            self._list(name, listing, frame.get(name) or {})

    def _list(
        self, name: str, held: dict[str, dict[str, str]], news: Mapping[str, Any]
    ) -> None:
        for item, slots in news.get("items", {}).items():
            _put(held.setdefault(item, {}), slots)
        order = news.get("order")
        if order is not None:
            unknown = [item for item in order if item not in held]
            if unknown:
                self.problems.append(f"{name}: in the order and nowhere else: {unknown[:3]}")
            self.lists[name] = {item: held[item] for item in order if item in held}

    async def read(self, session: aiohttp.ClientSession, url: str) -> None:
        """Take frames until cancelled."""
        decode = msgspec.json.Decoder().decode
        async with session.get(f"{url}/events{self.query}") as answer:
            if answer.status != 200:
                self.problems.append(f"{answer.status}: {await answer.text()}")
                return
            async for line in answer.content:
                self.bytes += len(line)
                if line.startswith(b"data:"):
                    self.take(decode(line[5:]))
        self.problems.append("the stream ended")


def _put(held: dict[str, str], slots: Mapping[str, str]) -> None:
    for slot, text in slots.items():
        if text:
            held[slot] = text
        else:
            held.pop(slot, None)


async def fresh(session: aiohttp.ClientSession, url: str, query: str) -> dict[str, Any]:
    """Return the picture of a page that is opened now."""
    page = Page(query)
    async with asyncio.timeout(PATIENCE_S), session.get(f"{url}/events{query}") as answer:
        async for line in answer.content:
            if line.startswith(b"data:"):
                page.take(msgspec.json.decode(line[5:]))
                break
    return page.picture


async def look(url: str, queries: Sequence[str], ends: Flag, told: Any) -> None:
    """Hold a page open for each of *queries*; when it *ends*, compare and say what was."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE_S)
    connector = aiohttp.TCPConnector(limit=0)
    pages = [Page(query) for query in queries]
    async with (
        aiohttp.ClientSession(
            timeout=timeout, connector=connector, read_bufsize=1 << 20
        ) as session,
        asyncio.TaskGroup() as group,
    ):
        reading = [group.create_task(page.read(session, url)) for page in pages]
        spent = time.process_time()
        await asyncio.to_thread(ends.wait)
        spent = time.process_time() - spent
        frames, size = sum(p.frames for p in pages), sum(p.bytes for p in pages)
        stale = await _stale(session, url, pages)
        for task in reading:
            task.cancel()
    told.put(
        {
            "frames": frames,
            "bytes": size,
            "reader_cpu_s": spent,
            "stale": stale,
            "problems": sorted({problem for page in pages for problem in page.problems}),
        }
    )


async def _stale(session: aiohttp.ClientSession, url: str, pages: Sequence[Page]) -> int:
    """Return how many pages never equal a fresh picture of the same, now that all is quiet."""
    left = list(pages)
    for _ in range(TRIES):
        await asyncio.sleep(TRY_EVERY_S)
        for query in {page.query for page in left}:
            expected = await fresh(session, url, query)
            left = [p for p in left if p.query != query or p.picture != expected]
        if not left:
            break
    return len(left)


def looking(url: str, queries: Sequence[str], ends: Flag, told: Any) -> None:
    """Be the process of the pages."""
    asyncio.run(look(url, queries, ends, told))
