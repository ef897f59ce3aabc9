"""Is it alive: what a container asks, and the answers that count."""

import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from callmon.cli import main
from callmon.healthcheck import address_of, listening

Serve = Callable[[int, ssl.SSLContext | None], int]
"""Serves /healthz with this status, and TLS if given; returns the port."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a way to serve, until the test ends."""
    running: list[tuple[http.server.HTTPServer, threading.Thread]] = []

    def start(status: int, tls: ssl.SSLContext | None) -> int:
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/healthz" else 404)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return server.server_port

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def config_for(tmp_path: Path, port: int, more: str = "") -> str:
    """Write a callmon.yml whose thresholds are a mistake; return its path."""
    path = tmp_path / "callmon.yml"
    path.write_text(f"server: {{listen: '0.0.0.0:{port}'{more}}}\nthresholds: nowhere.yml\n")
    return str(path)


def test_a_server_that_lives_is_healthy(tmp_path: Path, serve: Serve) -> None:
    """It is asked at its own address; mistakes in the file are not its illness."""
    port = serve(200, None)

    assert 0 == main(["healthcheck", "--config", config_for(tmp_path, port)])
    assert 0 == main(["healthcheck", "--address", f"127.0.0.1:{port}"])


def test_a_server_with_tls_is_healthy(tmp_path: Path, serve: Serve) -> None:
    """Its certificate is for other names than 127.0.0.1: only its life is asked for."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("callmon.example").configure_cert(tls)
    port = serve(200, tls)

    path = config_for(tmp_path, port, ", web_config: web-config.yml")

    assert 0 == main(["healthcheck", "--config", path])
    assert 0 == main(["healthcheck", "--address", f"127.0.0.1:{port}"])


def test_a_server_that_wants_certificates_is_healthy(tmp_path: Path, serve: Serve) -> None:
    """We have none to show; that it asks for one shows that it lives."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("callmon.example").configure_cert(tls)
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    port = serve(200, tls)

    path = config_for(tmp_path, port, ", web_config: web-config.yml")

    assert 0 == main(["healthcheck", "--config", path])


def test_a_server_that_fails_is_ill(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    """Any other answer than 200 is a no, and says which."""
    port = serve(503, None)

    assert 1 == main(["healthcheck", "--address", f"127.0.0.1:{port}"])
    assert (
        f"callmon: 127.0.0.1:{port}/healthz: expected 200, found 503\n"
        == capsys.readouterr().err
    )


def test_nobody_there_is_ill(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    """No server, no health."""
    del serve
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as gone:
        port = gone.server_port

    assert 1 == main(["healthcheck", "--address", f"127.0.0.1:{port}"])
    assert "Connection refused" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "host", "host:", ":80", "host:x", "host:99999", "[::1"])
def test_an_address_needs_a_host_and_a_port(text: str) -> None:
    """What was found is said."""
    with pytest.raises(ValueError, match="expected host:port, found"):
        address_of(text)


@pytest.mark.parametrize(
    ("listen", "asked"),
    [("0.0.0.0:1", "127.0.0.1"), ("[::]:1", "::1"), ("127.0.0.2:1", "127.0.0.2")],
)
def test_a_server_bound_to_all_is_asked_here(tmp_path: Path, listen: str, asked: str) -> None:
    """Nobody can connect to 0.0.0.0 everywhere."""
    path = tmp_path / "callmon.yml"
    path.write_text(f"server: {{listen: '{listen}'}}\n")
    assert listening(path) == (asked, 1, False)
