"""The wallboard as the HTTP server serves it."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from http import HTTPStatus

from callmon.board_view import BoardView, board_view
from callmon.clock import Clock
from callmon.http_pages import Asset, BusyError, Page, Query
from callmon.monitor import Monitor
from callmon.wallboard.boards import Boards
from callmon.wallboard.hub import FullError, Hub, Reader, seen
from callmon.wallboard.look import Look, labels_of
from callmon.wallboard.pages import Pages

__all__ = ["Wallboard"]


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
        whole = await self._hub.board(look)
        board = seen(whole, look)
        picture = await self._hub.picture(board, look)
        labels = labels_of(row.subject for row in whole.rows)
        html = await asyncio.to_thread(self._pages.page, board, picture, look, labels)
        known = subject is None or bool(board.rows)
        status = HTTPStatus.OK if known else HTTPStatus.NOT_FOUND
        return Page(status=status, html=html, language=look.language.value)

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
        return board_view(seen(await self._hub.board(look), look))

    def hang_up(self) -> None:
        """End all streams; pages come again if they may."""
        self._hub.hang_up()
