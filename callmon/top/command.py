"""What ``callmon top`` was asked for: once as text, or live on the terminal."""

import asyncio
import dataclasses
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

from callmon.board_view import BoardView
from callmon.clock import SECOND, Clock, Micros
from callmon.http_client import AiohttpClient
from callmon.top.client import BoardClient, TopRequest, open_client, read_password
from callmon.top.once import once_text
from callmon.top.scene import TopLook
from callmon.wallboard.look import Look
from callmon.wording import Language

__all__ = ["TopAsked", "run_top"]

INTERVAL: Final[Micros] = SECOND
SHORTEST_INTERVAL: Final[Micros] = SECOND // 2
"""The board is not made more often."""

NO_TEXTUAL: Final = (
    "callmon: expected textual, which draws the screen, found none:"
    ' pip install "callmon[top]", or use --once'
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TopAsked:
    """The command line."""

    url: str
    once: bool = False
    teams: Sequence[str] = ()
    labels: Sequence[tuple[str, str]] = ()
    window: str | None = None
    language: Language = Language.ENGLISH
    user: str | None = None
    password_file: Path | None = None
    ca: Path | None = None
    interval: Micros | None = None


def run_top(asked: TopAsked, *, clock: Clock, out: TextIO, environ: Mapping[str, str]) -> int:
    """Do as *asked*; return the exit code.

    Raises:
        ValueError: the usage is wrong.
        CallmonError: there is no board to be had, or a file does not fit.
    """
    request = _request(asked)
    interval = INTERVAL if asked.interval is None else asked.interval
    if interval < SHORTEST_INTERVAL:
        raise ValueError("--interval: expected 500ms or longer")
    client = open_client(request)
    look = TopLook(language=asked.language, labels=request.labels, window=request.window)
    if asked.once:
        board = asyncio.run(_once(client, request.asked))
        width = shutil.get_terminal_size().columns if out.isatty() else 0
        colour = out.isatty() and "NO_COLOR" not in environ
        out.write(once_text(board, look, width=width, colour=colour))
        return 0
    # textual draws on the standard error
    if not all(stream.isatty() for stream in (out, sys.stdin, sys.stderr)):
        raise ValueError("expected a terminal to draw on; without one use --once")
    try:
        from callmon.top.screen import live  # noqa: PLC0415 - textual is an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"rich", "textual"}:
            raise
        sys.stderr.write(f"{NO_TEXTUAL}\n")
        return 2
    return asyncio.run(live(client, request.asked, look, clock, interval=interval))


async def _once(http: AiohttpClient, url: str) -> BoardView:
    async with http:
        return await BoardClient(http, url).board()


def _request(asked: TopAsked) -> TopRequest:
    labels = (*(("team", team) for team in asked.teams), *asked.labels)
    understood = Look.from_query(labels).labels
    for name, value in labels:
        if (name, value) not in understood:
            raise ValueError(f"--label: expected a label of queues, found '{name}={value}'")
    if (asked.user is None) != (asked.password_file is None):
        raise ValueError("expected --user and --password-file together")
    user = None
    if asked.user is not None and asked.password_file is not None:
        user = asked.user, read_password(asked.password_file)
    return TopRequest(
        url=asked.url, labels=labels, window=asked.window, user=user, ca_file=asked.ca
    )
