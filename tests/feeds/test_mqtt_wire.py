"""Whether the other side has hung up, asked of real sockets."""

import socket

import pytest

from callmon.feeds.mqtt_wire import has_hung_up


def test_an_open_connection_has_not_hung_up() -> None:
    """Neither a silent one, nor one with something to read."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not has_hung_up(ours.fileno())
        theirs.send(b"something")
        assert not has_hung_up(ours.fileno())


@pytest.mark.parametrize("how", ["closed", "half", "reset"])
def test_a_closed_connection_has_hung_up_though_there_is_more_to_read(how: str) -> None:
    """Only after the end of what was sent would a read tell."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    with ours, theirs:
        theirs.send(b"something")
        if how == "reset":
            ours.send(b"never read")  # who closes with something unread resets
        if how == "half":
            theirs.shutdown(socket.SHUT_WR)
        else:
            theirs.close()

        assert has_hung_up(ours.fileno())
        assert b"something" == ours.recv(100)
