"""The wallboard as the HTTP server serves it."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from http import HTTPStatus
from typing import Final

from callmon.board import Board
from callmon.board_view import BoardView, board_view
from callmon.clock import SECOND, Clock, Micros
from callmon.http_pages import Asset, BusyError, Page, Query
from callmon.monitor import Monitor
from callmon.wallboard.boards import Boards
from callmon.wallboard.hub import FullError, Hub, Reader, seen
from callmon.wallboard.look import Look, labels_of
from callmon.wallboard.pages import Pages
from callmon.wallboard.picture import Picture

__all__ = ["SAME_FOR", "Wallboard"]

SAME_FOR: Final[Micros] = SECOND // 2
"""Whoever asks for a page so soon after another gets the same: after a restart all come."""


class Wallboard:
    """Everything between the state and open pages."""

    def __init__(
        self,
        monitor: Monitor,
        clock: Clock,
        *,
        version: str,
        zone: Callable[[], tzinfo],
        window: Callable[[], str],
        problems: Callable[[], Sequence[str]],
    ) -> None:
        self._clock = clock
        self._making = asyncio.Lock()
        self._made: dict[Look, tuple[Page, Micros]] = {}  #: and when that was begun, monotonic
        boards = Boards(monitor, window=window, problems=problems)
        monitor.losing = boards.remember
        self._pages = Pages(version)
        self._hub = Hub(boards, clock, zone=zone, version=self._pages.version)

    async def run(self) -> None:
        """Keep open pages fresh, until cancelled."""
        await self._hub.run()

    def hurry(self) -> None:
        """Show at once what has just happened."""
        self._hub.hurry()

    # ---- for the server -----------------------------------------------------------

    async def page(self, query: Query, languages: str, subject: str | None) -> Page:
        """Return the wallboard, or the view of one subject."""
        look = Look.from_query(query, languages, subject)
        asked_at = self._clock.monotonic()
        async with self._making:  # more at a time would only keep the rest from running
            made = self._made.get(look)
            if made is None or asked_at - made[1] >= SAME_FOR:
                now = self._clock.monotonic()
                self._made = {
                    other: former
                    for other, former in self._made.items()
                    if now - former[1] < SAME_FOR
                }
                made = self._made[look] = await self._page(look), now
        return made[0]

    async def _page(self, look: Look) -> Page:
        whole = await self._hub.board(look)
        board = seen(whole, look)
        picture = await self._hub.picture(board, look)
        html = await asyncio.to_thread(self._html, whole, board, picture, look)
        known = look.subject is None or bool(board.rows)
        status = HTTPStatus.OK if known else HTTPStatus.NOT_FOUND
        return Page(status=status, html=html, language=look.language.value)

    def _html(self, whole: Board, board: Board, picture: Picture, look: Look) -> str:
        labels = labels_of(row.subject for row in whole.rows)
        return self._pages.page(board, picture, look, labels)

    def asset(self, name: str) -> Asset | None:
        """Return a part of the pages; None: there is no such."""
        return self._pages.asset(name)

    @contextlib.contextmanager
    def reader(self, query: Query, languages: str, subject: str | None) -> Iterator[Reader]:
        """Keep a page fresh while it is open.

        Raises:
            BusyError: too many are.
        """
        try:
            with self._hub.look(Look.from_query(query, languages, subject)) as reader:
                yield reader
        except FullError as error:
            raise BusyError from error

    async def board(self, query: Query, languages: str) -> BoardView:
        """Return what the wallboard shows, for programs."""
        look = Look.from_query(query, languages, None)
        board = seen(await self._hub.board(look), look)
        return await asyncio.to_thread(board_view, board)

    def hang_up(self) -> None:
        """End all streams; pages come again if they may."""
        self._hub.hang_up()
