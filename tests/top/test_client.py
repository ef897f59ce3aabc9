"""Asking for the board: clear errors, and a picture that stays when nobody answers."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from callmon.board_view import BoardView
from callmon.clock import SECOND
from callmon.errors import ConfigError, SinkError, SinkReason
from callmon.secret import Secret
from callmon.sinks.base import HttpResponse
from callmon.testing import ManualClock
from callmon.top.client import (
    BoardClient,
    Picture,
    TopError,
    TopRequest,
    follow,
    open_client,
    read_password,
)
from tests.top.boards import board, encoded, row, standing

pytestmark = pytest.mark.anyio

URL = "http://127.0.0.1:9876/api/v1/board?team=sales"
HERE = "http://127.0.0.1:9876/api/v1/board"


class Answers:
    """A way to a server that answers as it is told, then no more."""

    def __init__(self, *answers: HttpResponse | SinkError) -> None:
        self.left = list(answers)
        self.asked: list[tuple[str, str]] = []

    async def request(
        self, method: str, url: str, *, json: bytes | None = None
    ) -> HttpResponse:
        """Answer in turn."""
        assert json is None
        self.asked.append((method, url))
        answer = self.left.pop(0)
        if isinstance(answer, SinkError):
            raise answer
        return answer


GOOD = HttpResponse(200, encoded(board()))
NOBODY = SinkError(SinkReason.UNREACHABLE, "no connection")


async def wrong(answer: HttpResponse | SinkError) -> str:
    """Return what is said of *answer*."""
    with pytest.raises(TopError) as caught:
        await BoardClient(Answers(answer), URL).board()
    return str(caught.value)


async def test_the_board_comes_as_it_was_sent() -> None:
    """By GET, from the address asked for."""
    answers = Answers(GOOD)

    assert board() == await BoardClient(answers, URL).board()
    assert [("GET", URL)] == answers.asked


async def test_a_newer_callmon_may_tell_more() -> None:
    """Fields that we do not know are passed over."""
    body = b'{"sparkle":1,' + encoded(board())[1:]

    assert board() == await BoardClient(Answers(HttpResponse(200, body)), URL).board()


async def test_nobody_there_is_said() -> None:
    """Where, what was expected, what was found."""
    assert f"{HERE}: expected an answer, found: no connection" == await wrong(NOBODY)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "user and password"),
        (403, "may look"),
        (404, "with a board"),
        (503, "overloaded"),
        (302, "expected its board"),
    ],
)
async def test_another_status_is_explained(status: int, said: str) -> None:
    """The reader learns what to do, not only a number."""
    text = await wrong(HttpResponse(status, b""))

    assert said in text
    assert text.endswith(f"found status {status}")


@pytest.mark.parametrize("body", [b"<html>\x1b[2J hi", b"{}", b"\xff", b"[1]", b""])
async def test_something_else_is_not_taken_for_a_board(body: bytes) -> None:
    """The beginning of it is shown, and cannot steer the terminal."""
    text = await wrong(HttpResponse(200, body))

    assert text.startswith(f"{HERE}: expected the board of a callmon, found ")
    assert text.isprintable()


@pytest.mark.parametrize(
    "view",
    [
        board(now="noon"),
        board([row("x", as_of="")]),
        board([row("x", oldest_at="0")]),
        board([row("x", standings=(standing(since="then"),))]),
    ],
)
async def test_instants_are_read_before_they_are_shown(view: BoardView) -> None:
    """A screen that breaks down later would say nothing of why."""
    text = await wrong(HttpResponse(200, encoded(view)))

    assert text.startswith(f"{HERE}: expected the board of a callmon, found ")


async def test_an_answer_without_end_is_an_error() -> None:
    """What the client refuses is told in its words."""
    refused = SinkError(SinkReason.FAILED, "expected at most 16 bytes of answer")

    assert f"{HERE}: expected at most 16 bytes of answer" == await wrong(refused)


async def shown(answers: Answers, *, seconds: int, interval: int = SECOND) -> list[Picture]:
    """Return the pictures of so many seconds, after a first one."""
    clock, pictures = ManualClock(), list[Picture]()
    client = BoardClient(answers, URL)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            follow(client, clock, board(), pictures.append, interval=interval)
        )
        await clock.advance(seconds * SECOND)
        task.cancel()
    return pictures


async def test_each_interval_has_its_picture() -> None:
    """The first one at once."""
    pictures = await shown(Answers(*[GOOD] * 3), seconds=3)

    assert 4 == len(pictures)
    assert [0, 1, 2, 3] == [
        (picture.taken - pictures[0].taken) // SECOND for picture in pictures
    ]


async def test_the_last_picture_stays_while_nobody_answers() -> None:
    """With the reason; asked for ever more rarely, ten seconds apart at most; then on."""
    answers = Answers(GOOD, *[NOBODY] * 6, HttpResponse(200, encoded(board([row("x")]))), GOOD)

    pictures = await shown(answers, seconds=45)

    # After 1 s; lost after 2, 4, 8, 16, 26, 36 s; back after 46.
    assert [False, False, *[True] * 6] == [picture.trouble is not None for picture in pictures]
    lost = pictures[2:]
    assert {pictures[1].taken} == {picture.taken for picture in lost}
    assert {pictures[0].taken + 2 * SECOND} == {picture.ended for picture in lost}
    assert 2 == len(answers.left)


async def test_it_goes_on_when_somebody_answers_again() -> None:
    """The new picture is whole, at the old pace."""
    new = board([row("x")])
    answers = Answers(NOBODY, HttpResponse(200, encoded(new)), GOOD)

    pictures = await shown(answers, seconds=4)

    assert [None, None, None] == [
        pictures[0].trouble,
        pictures[2].trouble,
        pictures[3].trouble,
    ]
    assert [new, board()] == [picture.board for picture in pictures[2:]]


def test_a_picture_grows_old_and_its_waits_do_not_when_lost() -> None:
    """Waits tick until the first look in vain."""
    picture = Picture(board=board(), taken=10 * SECOND)
    lost = dataclasses.replace(picture, trouble="gone", ended=12 * SECOND)

    assert (5 * SECOND, 5 * SECOND) == (picture.elapsed(15 * SECOND), picture.age(15 * SECOND))
    assert (2 * SECOND, 5 * SECOND) == (lost.elapsed(15 * SECOND), lost.age(15 * SECOND))


def test_the_address_has_what_was_asked_for() -> None:
    """Labels and window in the query, whatever stands in them; a proxy's path stays."""
    request = TopRequest(
        url="https://calls.example/board/",
        labels=[("team", "a&b"), ("site", "杭州")],
        window="15m",
    )

    assert (
        "https://calls.example/board/api/v1/board?team=a%26b&site=%E6%9D%AD%E5%B7%9E&window=15m"
    ) == request.asked


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:9876",
        "ftp://a",
        "http://",
        "http://a:b",
        "http://a:0",
        "http://ann:pass@a",
        "http://a/?x=1",
        "http://a/#x",
        "",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """And a password in it is not repeated."""
    with pytest.raises(ValueError, match=r"^--url: expected") as caught:
        _ = TopRequest(url=url).asked

    assert "pass@" not in str(caught.value)


def test_the_password_is_the_one_line_of_its_file(tmp_path: Path) -> None:
    """With or without an end of line."""
    file = tmp_path / "password"
    for text in ("客 1", "客 1\n", "客 1\r\n"):
        file.write_bytes(text.encode())
        assert Secret("客 1") == read_password(file)


@pytest.mark.parametrize("text", [b"", b"\n", b"a\nb\n", b"\xff", b"a" * 4097])
def test_what_is_no_password_is_refused(tmp_path: Path, text: bytes) -> None:
    """And not shown."""
    file = tmp_path / "password"
    file.write_bytes(text)

    with pytest.raises(ConfigError, match=r"password:1:1: expected"):
        read_password(file)


def test_a_password_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With the path and the reason."""
    with pytest.raises(ConfigError, match=r"cannot read the file: No such file"):
        read_password(tmp_path / "nowhere")


def test_a_wrong_authority_is_refused(tmp_path: Path) -> None:
    """Before anything is asked."""
    file = tmp_path / "ca.pem"
    file.write_text("nothing")

    with pytest.raises(ConfigError, match=r"ca\.pem: expected PEM files"):
        open_client(TopRequest(url="https://a", ca_file=file))


def test_boards_survive_the_wire() -> None:
    """What the tests take for a board is one."""
    assert isinstance(board(), BoardView)
