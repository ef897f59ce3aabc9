"""A wallboard that remembers what it was asked, for tests of who serves it."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from callmon.http_pages import Asset, BusyError, Page, Query

__all__ = ["Viewer", "Wall"]


class Viewer:
    """Somebody who looks on."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[Sequence[bytes]] = asyncio.Queue()

    async def next(self) -> Sequence[bytes]:
        """See ``Reader``."""
        return await self.frames.get()


class Wall:
    """A site that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Query, str, str | None]] = []
        self.viewers: list[Viewer] = []
        self.gone = asyncio.Event()
        self.full = False
        self.rows: list[str] = []

    async def page(self, query: Query, languages: str, subject: str | None) -> Page:
        """See ``Site``."""
        self.asked.append((query, languages, subject))
        status = 404 if subject == "queue:nobody" else 200
        return Page(status=status, html="<!doctype html><title>b</title>", language="zh-CN")

    def asset(self, name: str) -> Asset | None:
        """See ``Site``."""
        found = Asset(body=b"body{}", content_type="text/css", version="abc")
        return found if name == "wallboard.css" else None

    @contextlib.contextmanager
    def reader(self, query: Query, languages: str, subject: str | None) -> Iterator[Viewer]:
        """See ``Site``."""
        if self.full:
            raise BusyError
        self.asked.append((query, languages, subject))
        self.viewers.append(Viewer())
        try:
            yield self.viewers[-1]
        finally:
            self.gone.set()

    async def board(self, query: Query, languages: str) -> object:
        """See ``Site``."""
        self.asked.append((query, languages, None))
        return {"rows": self.rows}

    def hang_up(self) -> None:
        """See ``Site``."""
        for viewer in self.viewers:
            viewer.frames.put_nowait([])
