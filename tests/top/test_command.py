"""The command: what is asked for, refused, and what stands on standard output."""

import dataclasses
import http.server
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from callmon.cli.commands import commands
from callmon.clock import SECOND
from callmon.config.sections import ServerSection
from callmon.testing import ManualClock
from callmon.top import TopAsked, command, run_top
from callmon.top.client import TopError
from callmon.wording import Language
from tests.top.boards import board, encoded


@dataclasses.dataclass
class Site:
    """A server that has a board for who knows the password."""

    url: str = ""
    asked: list[tuple[str, str | None]] = dataclasses.field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve a board until the test ends."""
    served = Site()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers["Authorization"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(encoded(board()))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


class Screen(StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def once(url: str, out: StringIO | None = None, **values: Any) -> str:
    """Return what ``--once`` prints."""
    stream = StringIO() if out is None else out
    environ = values.pop("environ", {})
    asked = TopAsked(url=url, once=True, **values)
    assert 0 == run_top(asked, clock=ManualClock(), out=stream, environ=environ)
    return stream.getvalue()


def test_once_is_plain_text(site: Site) -> None:
    """Into a pipe: no colour, no end of the line, and everything is there."""
    text = once(site.url)

    assert "\x1b" not in text
    assert "▲ long_wait" in text
    assert "Answered today" in text
    assert [("/api/v1/board", None)] == site.asked


def test_a_terminal_gets_colours_unless_it_wants_none(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As wide as it is."""
    monkeypatch.setenv("COLUMNS", "60")

    coloured = once(site.url, Screen())
    plain = once(site.url, Screen(), environ={"NO_COLOR": "1"})

    assert "\x1b[1;97;41m" in coloured
    assert "\x1b" not in plain
    assert "Answered today" not in plain


def test_what_was_asked_for_reaches_callmon(site: Site, tmp_path: Path) -> None:
    """Labels, window, who asks; a team is a label."""
    password = tmp_path / "password"
    password.write_text("secret\n")

    text = once(
        site.url,
        teams=("sales", "care"),
        labels=(("site", "hz"),),
        window="15m",
        user="ann",
        password_file=password,
        language=Language.CHINESE,
    )

    assert "当前告警" in text
    path = "/api/v1/board?team=sales&team=care&site=hz&window=15m"
    assert [(path, "Basic YW5uOnNlY3JldA==")] == site.asked


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"url": "pbx"}, "--url: expected http://HOST:PORT"),
        ({"interval": SECOND // 2 - 1}, "--interval: expected 500ms or longer"),
        ({"labels": (("window", "5m"),)}, "expected a label of queues, found 'window=5m'"),
        ({"user": "ann"}, "expected --user and --password-file together"),
        ({"password_file": Path("x")}, "expected --user and --password-file together"),
        ({"once": False}, "expected a terminal to draw on; without one use --once"),
    ],
)
def test_wrong_usage_is_refused(values: dict[str, Any], said: str) -> None:
    """Before anything is asked."""
    asked = TopAsked(**{"url": "http://127.0.0.1:1", "once": True, **values})

    with pytest.raises(ValueError, match=said):
        run_top(asked, clock=ManualClock(), out=StringIO(), environ={})


def test_without_a_standard_error_to_draw_on_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is there that textual draws: ``2>log`` would leave the screen empty."""
    for name, stream in (("stdin", Screen()), ("stderr", StringIO())):
        monkeypatch.setattr(sys, name, stream)

    with pytest.raises(ValueError, match="expected a terminal to draw on"):
        run_top(
            TopAsked(url="http://127.0.0.1:1"), clock=ManualClock(), out=Screen(), environ={}
        )


def test_unless_told_otherwise_it_asks_where_a_callmon_listens() -> None:
    """``callmon top`` beside a callmon that was told nothing needs no address."""
    (url,) = (each.default for each in commands.commands["top"].params if each.name == "url")
    host, port = ServerSection().listen

    assert f"http://{host}:{port}" == url


def test_nobody_there_is_an_error() -> None:
    """With the address that was tried."""
    with pytest.raises(TopError, match=r"127\.0\.0\.1:1/api/v1/board: expected an answer"):
        once("http://127.0.0.1:1")


def test_without_textual_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that --once does without; wrong usage, not a trace of Python."""
    monkeypatch.setitem(sys.modules, "textual", None)
    monkeypatch.delitem(sys.modules, "callmon.top.screen", raising=False)
    for name in [name for name in sys.modules if name.startswith("textual.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "stdin", Screen())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    asked = TopAsked(url="http://127.0.0.1:1")

    assert 2 == run_top(asked, clock=ManualClock(), out=Screen(), environ={})

    assert f"{command.NO_TEXTUAL}\n" == capsys.readouterr().err
