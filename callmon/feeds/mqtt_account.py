"""What is wrong with how a broker keeps our messages, as far as it tells.

A broker answers a connection with its limits (MQTT 5, CONNACK properties) and each
subscription with what it grants. What it does not tell (how many messages it queues for
who is away, whether it survives its own crash) is in docs/feeds/mqtt.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from callmon.clock import SECOND, Micros
from callmon.feeds.settings import MqttSettings, MqttVersion

__all__ = ["BrokerTerms", "findings"]

KEEPS_WINDOW = (2, 0, 17)
"""The first mosquitto that never has more messages under way than it was asked to."""

_MOSQUITTO = re.compile(r"mosquitto version (\d{1,4})\.(\d{1,4})\.(\d{1,4})")

FORGOTTEN = (
    "the broker had forgotten our session: what came meanwhile is lost"
    " (is persistence on, and the session expiry long enough?)"
)
UNSAFE = "the broker grants QoS 0 at most: what comes while we are away is lost"
PUBLISHED_UNSAFE = (
    "messages come with QoS 0: what comes while we are away is lost"
    " (the publisher must send with QoS 1)"
)
NO_RETAIN = "the broker retains no messages: the state is not known before the next report"
NO_WILDCARD = "the broker knows no wildcards: the topics with + or # bring nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTerms:
    """How a broker has taken us in; None: it does as we have asked."""

    version: MqttVersion = MqttVersion.V5  #: 5 or 3.1.1
    session_present: bool = False  #: it has kept what came while we were away
    session_expiry: Micros | None = None
    keepalive: Micros | None = None
    maximum_qos: int | None = None
    retains: bool = True
    wildcards: bool = True


def findings(
    settings: MqttSettings,
    terms: BrokerTerms,
    granted: Mapping[str, int],
    *,
    broker: str = "",
    forgotten: bool = False,
    unsafe: bool = False,
) -> tuple[str, ...]:
    """Return what is wrong, in words for people.

    *granted* is the QoS by filter, *broker* what the broker says to be, *forgotten* whether
    it had our session before and lost it, *unsafe* whether messages came with QoS 0.
    """
    found: list[str] = []
    if forgotten:
        found.append(FORGOTTEN)
    if terms.maximum_qos == 0:
        found.append(UNSAFE)
    found += [
        f"{topics}: granted with QoS 0: what comes there while we are away is lost"
        for topics, qos in granted.items()
        if qos == 0 and terms.maximum_qos != 0
    ]
    if unsafe:
        found.append(PUBLISHED_UNSAFE)
    if not terms.retains:
        found.append(NO_RETAIN)
    if not terms.wildcards and any("+" in topics or "#" in topics for topics in granted):
        found.append(NO_WILDCARD)
    return (*found, *_shortened(settings, terms), *_old(broker))


def _shortened(settings: MqttSettings, terms: BrokerTerms) -> list[str]:
    """Return which times the broker has changed to our disadvantage."""
    found = []
    expiry, keepalive = terms.session_expiry, terms.keepalive
    if expiry is not None and expiry < settings.session_expiry:
        found.append(
            f"the broker keeps our session for {expiry // SECOND} s only,"
            f" not for {settings.session_expiry // SECOND} s"
        )
    if keepalive is not None and keepalive > settings.keepalive:
        found.append(
            f"the broker wants a keepalive of {keepalive // SECOND} s: a dead connection"
            " is noticed so much later"
        )
    return found


def _old(broker: str) -> list[str]:
    match = _MOSQUITTO.match(broker)
    if match is None:
        return []
    version = tuple(int(part) for part in match.groups())
    if version >= KEEPS_WINDOW:
        return []
    return [
        (
            f"mosquitto {'.'.join(match.groups())} sends more messages at once than we ask for:"
            " a backlog may fill our memory and is then sent again (2.0.17 and later do not)"
        )
    ]
