"""Why there is no connection to an MQTT broker, or none any more, in words for people.

Each failure says where, what was expected and what was found. ``retry`` is False where
trying again changes nothing before a person has.
"""

import os
import ssl
from collections.abc import Mapping

from callmon.clock import SECOND, Micros
from callmon.errors import FeedError, FeedReason
from callmon.feeds.settings import MqttSettings, MqttVersion

__all__ = [
    "HUNG_UP",
    "NO_LIFE",
    "NO_WORD",
    "SHORT_LIFE",
    "NotSpokenError",
    "filters_refused",
    "missing",
    "not_connected",
    "not_let_in",
    "not_spoken",
    "over",
]

SHORT_LIFE: Micros = 60 * SECOND
"""Who is thrown out so soon after coming would only throw the other out in turn."""

NOT_SPOKEN = ("Unsupported protocol version", "Protocol error", "Malformed packet")
"""What a broker answers that does not speak our version."""

NO_ACCESS = {
    "Bad user name or password": "user name and password to be right",
    "Bad authentication method": "user name and password to be enough",
    "Banned": "to be let in",
    "Client identifier not valid": "the client_id to be taken",
    "Not authorized": "to be let in (by user name, password, certificate and client_id)",
}
"""Answers that another try does not change, and what was expected instead."""

TAKEN_OVER = "Session taken over"
NO_WORD = "Unspecified error"
"""What paho says of a connection that was closed without a word."""

HUNG_UP = "it closed the connection"
"""The answer to CONNECT of something else, and of a broker that starts or stops."""

NO_LIFE = "Keep alive timeout"
NO_TLS = {"UNEXPECTED_EOF_WHILE_READING", "WRONG_VERSION_NUMBER", None}
"""OpenSSL's words for an answer that is no TLS at all; None: it has none for a hang-up."""


class NotSpokenError(Exception):
    """The broker does not speak this version of the protocol."""


def not_spoken(settings: MqttSettings, error: NotSpokenError) -> FeedError:
    """Return the failure to find a version of the protocol in common."""
    hint = "" if settings.tls else " (is it a port for TLS?)"
    if str(error) == HUNG_UP:
        hint += " (does it start or stop at this moment?)"
    auto = settings.version is MqttVersion.AUTO
    version = f"{MqttVersion.V5} or {MqttVersion.V311}" if auto else settings.version
    return missing(settings, f"a broker that speaks MQTT {version}", f"{error}{hint}")


def missing(settings: MqttSettings, expected: str, found: str = "") -> FeedError:
    """Return the failure to find what a broker must have; nothing *found*: none in time."""
    text = f"expected {expected}, found"
    text += f": {found}" if found else f" none in {settings.timeout / SECOND:g} s"
    return FeedError(FeedReason.MISSING, f"{_address(settings)}: {text}")


def not_connected(settings: MqttSettings, cause: BaseException | None) -> FeedError:
    """Return why there is no connection, by the exception that says so."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        text = f"the certificate is not trusted: {cause.verify_message}"
        return FeedError(FeedReason.DENIED, f"{_address(settings)}: {text}")
    if isinstance(cause, ssl.SSLError):
        reason: str | None = getattr(cause, "reason", None)
        hint = " (is it the port without TLS?)" if reason in NO_TLS else ""
        return missing(settings, "TLS", f"none that fits: {reason or cause.strerror}{hint}")
    if isinstance(cause, TimeoutError):
        return missing(settings, "a connection")
    if isinstance(cause, OSError) and cause.errno is not None:
        system = os.strerror(cause.errno) if cause.errno > 0 else cause.strerror
        return missing(settings, "a connection", system or "nothing")
    return missing(settings, "a connection", str(cause))


def not_let_in(settings: MqttSettings, said: str) -> FeedError | NotSpokenError:
    """Return why the broker refuses us, by its word for it."""
    if said in NOT_SPOKEN:
        return NotSpokenError(said)
    if said not in NO_ACCESS:
        return missing(settings, "to be let in", said)
    text = f"expected {NO_ACCESS[said]}, found: {said}: why, the broker's own log says"
    return FeedError(FeedReason.DENIED, f"{_address(settings)}: {text}", retry=False)


def filters_refused(settings: MqttSettings, refused: Mapping[str, str]) -> FeedError:
    """Return the failure to be granted some filters; *refused* has the word for each."""
    named = ", ".join(f"'{topics}' ({said})" for topics, said in refused.items())
    text = (
        f"expected to be let subscribe, refused: {named};"
        " the access control (ACL) of the broker decides"
    )
    return FeedError(FeedReason.DENIED, f"{_address(settings)}: {text}", retry=False)


def over(
    settings: MqttSettings, said: str, *, by_broker: bool, lived: Micros, again: bool = False
) -> FeedError:
    """Return why a connection that has *lived* so long is no more.

    *by_broker*: it was the broker who *said* it. Many close without a word, not only in
    MQTT 3.1.1, which has none. *again*: the one before did not live long either.
    """
    soon = lived < SHORT_LIFE
    retry = True
    if said == TAKEN_OVER:
        text = f"another client came with our client_id '{settings.client_id}': two callmons?"
        retry = not soon
    elif by_broker:
        text = f"the broker ended the connection: {said}"
    elif said == NO_LIFE:
        text = "expected a sign of life, found none: the connection is dead"
    elif said != NO_WORD:
        text = f"expected MQTT, found something else: {said}"
    else:
        text = "the broker closed the connection"
        if soon and again:  # the first time it is a cut, or the broker was restarted
            text += f" (has another client come with our client_id '{settings.client_id}'?)"
    return FeedError(FeedReason.LOST, f"{_address(settings)}: {text}", retry=retry)


def _address(settings: MqttSettings) -> str:
    return f"{settings.host}:{settings.port}"
