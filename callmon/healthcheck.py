"""Asks a running callmon whether it is alive: ``callmon healthcheck``.

A container's engine asks every few seconds, so nothing of the daemon is imported for it.
"""

import http.client
import os
import ssl
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from callmon.errors import ConfigError

__all__ = ["TIMEOUT_S", "address_of", "listening", "trouble_at"]

TIMEOUT_S: Final = 4.0
"""Shorter than the five seconds after which a container's health check is killed."""

_LOCAL: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # bound to all, asked here


def address_of(text: str) -> tuple[str, int, bool]:
    """Return host and port of ``host:port``, and that it is not protected.

    Raises:
        ValueError: it is no such text.
    """
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise ValueError(f"expected host:port, found {text!r}")
    return host, port, False


def listening(config: Path) -> tuple[str, int, bool]:
    """Return where the server of *config* answers, and whether it is protected.

    Mistakes elsewhere in the file do not matter: the daemon goes on with what it had.

    Raises:
        ConfigError: the file cannot be read, or its section ``server`` is wrong.
    """
    from callmon.config.nodes import parse  # noqa: PLC0415  # see above
    from callmon.config.sections import CallmonFile  # noqa: PLC0415  # see above
    from callmon.config.validation import validated  # noqa: PLC0415  # see above

    try:
        text = config.read_bytes()
    except OSError as error:
        raise ConfigError([f"{config}:1:1: cannot read the file: {error.strerror}"]) from error
    server = validated(parse(str(config), text, os.environ), CallmonFile).server
    host, port = server.listen
    return _LOCAL.get(host, host), port, server.web_config is not None


def trouble_at(host: str, port: int, *, encrypted: bool) -> str | None:
    """Return why the server is not alive; None when it is."""
    connection: http.client.HTTPConnection
    if encrypted:
        # Whether it lives is all we ask, and we tell it nothing: any certificate will do.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    greeted = False
    try:
        connection.connect()
        greeted = True
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except ssl.SSLError as error:
        # It may want a certificate of us. We have none, but who wants one lives.
        if greeted or "ALERT" in (error.reason or ""):
            return None
        return f"{host}:{port}: {error}"
    except (OSError, http.client.HTTPException) as error:
        return f"{host}:{port}: expected an answer, found: {error}"
    finally:
        connection.close()
    return (
        None
        if status == HTTPStatus.OK
        else f"{host}:{port}/healthz: expected 200, found {status}"
    )
