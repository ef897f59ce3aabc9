"""Tests of callmon.notify."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from callmon.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, short_path: Path
) -> Iterator[tuple[str, socket.socket]]:
    """Return a stand-in for systemd: the value of NOTIFY_SOCKET and the socket behind it."""
    path = str(short_path / "notify")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as door:
        abstract = request.param == "abstract"
        door.bind("\0" + path if abstract else path)
        door.settimeout(30.0)
        yield "@" + path if abstract else path, door


def test_systemd_hears_the_life_of_the_service(systemd: tuple[str, socket.socket]) -> None:
    """Start, watchdog, reload and stop arrive as sd_notify(3) writes them."""
    address, door = systemd
    notifier = Notifier({"NOTIFY_SOCKET": address})

    notifier.ready()
    notifier.alive()
    notifier.reloading(1_234)
    notifier.status("2 feeds up")
    notifier.stopping()

    assert [
        b"READY=1",
        b"WATCHDOG=1",
        b"RELOADING=1\nMONOTONIC_USEC=1234",
        b"STATUS=2 feeds up",
        b"STOPPING=1",
    ] == [door.recv(100) for _ in range(5)]


@pytest.mark.parametrize("address", ["", "/nowhere/notify"])
def test_without_systemd_nothing_happens(address: str) -> None:
    """In a container or a terminal there is nobody to tell."""
    Notifier({"NOTIFY_SOCKET": address}).ready()
    Notifier({}).ready()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30_000_000),
        ({}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_time_is_systemds(environ: dict[str, str], expected: int | None) -> None:
    """The limit comes from the unit file, in microseconds."""
    assert expected == Notifier(environ).watchdog_after
