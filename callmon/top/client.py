"""Asks a callmon that runs, here or elsewhere, for its board, again and again."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from callmon.board_view import BoardView
from callmon.clock import SECOND, Clock, Micros
from callmon.errors import CallmonError, ConfigError, SinkError, SinkReason
from callmon.http_client import AiohttpClient, client_tls
from callmon.secret import Secret
from callmon.sinks.base import HttpClient
from callmon.top.figures import parsed

__all__ = [
    "BoardClient",
    "Picture",
    "TopError",
    "TopRequest",
    "follow",
    "open_client",
    "read_password",
]

PATH: Final = "/api/v1/board"

TIMEOUT: Final[Micros] = 5 * SECOND
"""Of one request: who looks at a lost connection should be told soon."""

RETRY_AT_MOST: Final[Micros] = 10 * SECOND

MAX_PASSWORD_BYTES: Final = 4096
"""A larger file is something else."""

FOUND_AT_MOST: Final = 80
"""Characters of a foreign answer that an error shows."""

_EXPLAINED: Final[Mapping[int, str]] = {
    401: "expected a user and password that it knows (--user, --password-file)",
    403: "expected a client that may look",
    404: "expected a callmon with a board (is it an older one, is the path right?)",
    503: "expected a callmon that is not overloaded",
}


class TopError(CallmonError):
    """The board cannot be had now."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TopRequest:
    """What was asked for on the command line."""

    url: str  #: of the callmon, maybe with the path that a proxy gave it
    labels: Sequence[tuple[str, str]] = ()  #: only subjects with these; one name twice: or
    window: str | None = None  #: None: that of the board
    user: tuple[str, Secret] | None = None
    ca_file: Path | None = None

    @property
    def asked(self) -> str:
        """Return the address of the board.

        Raises:
            ValueError: it is none of a web server, or has a password in it.
        """
        expected = "expected http://HOST:PORT or https://HOST:PORT"
        try:
            parts = urlsplit(self.url)
            complete = bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise ValueError(f"--url: {expected}, found {self.url!r}") from error
        if parts.scheme not in {"http", "https"} or not complete:
            raise ValueError(f"--url: {expected}, found {self.url!r}")
        if "@" in parts.netloc:
            raise ValueError("--url: expected no user in it: use --user and --password-file")
        if parts.query or parts.fragment:
            raise ValueError(f"--url: expected nothing behind the path, found {self.url!r}")
        query = [*self.labels, *([("window", self.window)] if self.window else [])]
        return self.url.rstrip("/") + PATH + (f"?{urlencode(query)}" if query else "")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A board, and how long ago it was true."""

    board: BoardView
    taken: Micros  #: when it came, by ``Clock.monotonic``
    trouble: str | None = None  #: why there is none that is newer
    ended: Micros | None = None  #: when that began: waits do not grow on the screen since then

    def elapsed(self, monotonic: Micros) -> Micros:
        """Return how much later than the board it is on the screen."""
        return max((monotonic if self.ended is None else self.ended) - self.taken, 0)

    def age(self, monotonic: Micros) -> Micros:
        """Return how old the picture is."""
        return max(monotonic - self.taken, 0)


class BoardClient:
    """Has the board from one callmon."""

    def __init__(self, http: HttpClient, url: str) -> None:
        self._http = http
        self._url = url
        self._place = url.partition("?")[0]

    async def board(self) -> BoardView:
        """Return the present board.

        Raises:
            TopError: nobody is there, or somebody who has none.
        """
        try:
            answer = await self._http.request("GET", self._url)
        except SinkError as error:
            raise TopError(self._unanswered(error)) from error
        if answer.status != 200:  # noqa: PLR2004 - what every reader of HTTP knows
            expected = _EXPLAINED.get(answer.status, "expected its board")
            raise TopError(f"{self._place}: {expected}, found status {answer.status}")
        try:
            board = msgspec.json.decode(answer.body, type=BoardView)
            _read_instants(board)
        except ValueError as error:  # msgspec's are, too
            found = answer.body[:FOUND_AT_MOST].decode(errors="replace")
            found = " ".join("".join(c if c.isprintable() else " " for c in found).split())
            raise TopError(
                f"{self._place}: expected the board of a callmon, found {found!r}: {error}"
            ) from error
        return board

    def _unanswered(self, error: SinkError) -> str:
        if error.reason is SinkReason.FAILED:
            return f"{self._place}: {error}"
        return f"{self._place}: expected an answer, found: {error}"


def _read_instants(board: BoardView) -> None:
    """Read all instants once, so that whoever shows them finds them well.

    Raises:
        ValueError: one is none.
    """
    parsed(board.now)
    for row in board.rows:
        since = (standing.since for standing in row.standings)
        for instant in (row.oldest_at, row.as_of, *since):
            if instant is not None:
                parsed(instant)


def open_client(request: TopRequest) -> AiohttpClient:
    """Return how to speak to the callmon of *request*. It reads files: not for the loop.

    Raises:
        ConfigError: the file of certificates does not fit.
    """
    user = None if request.user is None else (request.user[0], request.user[1].reveal())
    tls = None if request.ca_file is None else client_tls(ca_file=request.ca_file)
    return AiohttpClient(timeout=TIMEOUT, user=user, tls=tls)


def read_password(path: Path) -> Secret:
    """Return the first line of *path*.

    Raises:
        ConfigError: it cannot be read, or is no password.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_PASSWORD_BYTES + 1).decode()
    except OSError as error:
        raise ConfigError([f"{path}:1:1: cannot read the file: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}:1:1: expected UTF-8"]) from error
    password = text.rstrip("\r\n")
    if not password or len(text) > MAX_PASSWORD_BYTES or "\n" in password:
        raise ConfigError([f"{path}:1:1: expected a password alone on one line"])
    return Secret(password)


async def follow(
    client: BoardClient,
    clock: Clock,
    first: BoardView,
    show: Callable[[Picture], None],
    *,
    interval: Micros,
) -> None:
    """Show *first*, then every board there is, *interval* apart, until cancelled.

    While none can be had the last one is shown with the reason, and asked for ever more
    rarely, but every ten seconds at least.
    """
    picture = Picture(board=first, taken=clock.monotonic())
    delay = interval
    show(picture)
    while True:
        await clock.sleep(delay)
        try:
            board = await client.board()
        except TopError as error:
            ended = clock.monotonic() if picture.ended is None else picture.ended
            delay = min(2 * delay, max(interval, RETRY_AT_MOST))
            picture = dataclasses.replace(picture, trouble=str(error), ended=ended)
        else:
            delay = interval
            picture = Picture(board=board, taken=clock.monotonic())
        show(picture)
