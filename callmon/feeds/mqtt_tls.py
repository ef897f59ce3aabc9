"""How the certificate of an MQTT broker is trusted, and which one it is shown."""

import socket
import ssl
from typing import Any

from callmon.errors import FeedError, FeedReason
from callmon.feeds.settings import MqttTls

__all__ = ["trust"]


CLOSED = "the connection was closed"
"""By who did not expect TLS, or did not get the certificate that it wants."""


class _NamedContext(ssl.SSLContext):
    """Expects another name in the certificate than the host's, which paho asks for."""

    server_name: str

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        """Begin TLS on *sock*; where that fails it is closed, which paho leaves undone."""
        options["server_hostname"] = self.server_name
        secured = super().wrap_socket(sock, *args, **options)
        try:
            secured.do_handshake()
        except BaseException as error:
            secured.close()
            if isinstance(error, ConnectionError):
                raise ssl.SSLError(ssl.SSL_ERROR_EOF, CLOSED) from error
            raise
        return secured


def trust(tls: MqttTls, host: str) -> ssl.SSLContext:
    """Return the context for a connection to *host*. It reads files: not for the event loop.

    Raises:
        FeedError: a file is missing, or is not what it should be.
    """
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = tls.server_name or host
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if tls.ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(tls.ca_file)
    except (OSError, ValueError) as error:
        text = f"{tls.ca_file}: expected certificates (PEM), found: {error}"
        raise FeedError(FeedReason.MISSING, text) from error
    if tls.cert_file is not None:
        try:
            context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
        except (OSError, ValueError) as error:
            names = " and ".join(str(one) for one in (tls.cert_file, tls.key_file) if one)
            text = f"{names}: expected our certificate and its key (PEM), found: {error}"
            raise FeedError(FeedReason.MISSING, text) from error
    return context


def _no_password() -> str:
    """Refuse a key that is encrypted; OpenSSL would ask the terminal for its password."""
    raise ValueError("the key is encrypted")
