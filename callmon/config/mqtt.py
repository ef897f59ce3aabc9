"""From a section of type ``mqtt`` to the settings of the feed."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from callmon.clock import SECOND, Micros
from callmon.config.doubts import is_loopback
from callmon.config.mqtt_sections import MqttSection, MqttTlsSection, StatusTopicSection
from callmon.config.mqtt_topics import build_topics, overlap
from callmon.config.nodes import Loc
from callmon.config.reading import Builder
from callmon.config.texts import say
from callmon.config.values import format_duration
from callmon.feeds.settings import (
    MessageKind,
    MqttSettings,
    MqttTls,
    Silence,
    StatusTopic,
    TopicSettings,
)
from callmon.secret import Secret

__all__ = ["build_mqtt", "check_brokers"]

_PORT = 1883
_TLS_PORT = 8883

_LEAST_EXPIRY: Micros = 60 * SECOND
"""A restart of the machine takes so long; whoever is away for less need not hurry."""
_MOST_EXPIRY: Micros = 0xFFFF_FFFE * SECOND
"""MQTT 5 counts seconds in 32 bits; the highest number means for ever."""
_MOST_KEEPALIVE: Micros = 0xFFFF * SECOND
_MOST_RECEIVED = 0xFFFF


def build_mqtt(
    builder: Builder, loc: Loc, name: str, section: MqttSection, silence: Silence | None
) -> MqttSettings:
    """Return the settings of the feed *name*; report what is missing or cannot be."""
    _check_host(builder, (*loc, "host"), section.host)
    _check_numbers(builder, loc, section)
    topics = build_topics(builder, loc, section.topics)
    feed = MqttSettings(
        name=name,
        source=section.source or name,
        client_id=section.client_id or f"callmon-{name}",
        topics=topics,
        host=section.host,
        port=section.port or (_PORT if section.tls is None else _TLS_PORT),
        tls=_tls(builder, (*loc, "tls"), section.tls),
        username=section.username,
        password=_password(builder, loc, section),
        version=section.version,
        session_expiry=section.session_expiry,
        receive_maximum=section.receive_maximum,
        keepalive=section.keepalive,
        agents=_tells_of_agents(section, topics),
        status=_status(builder, (*loc, "status"), section.status),
        silence=silence,
    )
    _warn_of_the_way(builder, loc, feed)
    return feed


def check_brokers(builder: Builder, feeds: Sequence[MqttSettings]) -> None:
    """See that no two *feeds* drive each other away, or tell of the same callers."""
    for first, second in combinations(feeds, 2):
        if _broker(first) != _broker(second):
            continue
        loc: Loc = ("feeds", second.name)
        if first.client_id == second.client_id:
            place = (*loc, "client_id")
            there = builder.document.has(*place)
            message = (
                f"feed '{first.name}' is '{first.client_id}' at this broker already:"
                " each would drive the other away"
            )
            builder.document.report(place if there else loc, message, key=not there)
        for position, topic in enumerate(second.topics):
            for other in first.topics:
                if overlap(topic.template, other.template):
                    message = say("topic_of_other", feed=first.name, topic=other.template)
                    builder.document.warn((*loc, "topics", position), message)
                    break


def _broker(feed: MqttSettings) -> tuple[str, int]:
    return "127.0.0.1" if is_loopback(feed.host) else feed.host.lower(), feed.port


def _check_host(builder: Builder, loc: Loc, host: str) -> None:
    if "@" in host:
        message = "expected a host alone: username and password stand apart"
    elif "/" in host:
        message = f"expected a host alone, without mqtt:// before it, found '{host}'"
    elif host.count(":") == 1:
        message = f"expected a host without port (port: stands apart), found '{host}'"
    else:
        return
    builder.document.report(loc, message)


def _check_numbers(builder: Builder, loc: Loc, section: MqttSection) -> None:
    expiry, keepalive = section.session_expiry, section.keepalive
    if not _LEAST_EXPIRY <= expiry <= _MOST_EXPIRY:
        why = (
            "at least 1m, for what comes while callmon is away longer than this is lost"
            if expiry < _LEAST_EXPIRY
            else f"at most {_MOST_EXPIRY // SECOND}s"
        )
        message = f"expected {why}, found '{format_duration(expiry)}'"
        builder.document.report((*loc, "session_expiry"), message)
    if not SECOND <= keepalive <= _MOST_KEEPALIVE:
        message = f"expected 1s to {_MOST_KEEPALIVE // SECOND}s"
        found = format_duration(keepalive)
        builder.document.report((*loc, "keepalive"), f"{message}, found '{found}'")
    if not 1 <= section.receive_maximum <= _MOST_RECEIVED:
        message = f"expected 1 to {_MOST_RECEIVED}, found {section.receive_maximum}"
        builder.document.report((*loc, "receive_maximum"), message)


def _password(builder: Builder, loc: Loc, section: MqttSection) -> Secret | None:
    given = [key for key in ("password", "password_file") if builder.document.has(*loc, key)]
    if not given:
        return None  # a user without password, or nobody: the broker decides
    if section.username is None:
        builder.missing(loc, "username", f"a user name beside {given[0]}")
    if builder.document.wrong(*loc, given[0]):
        return None
    return builder.secret(loc, "password", section.password, section.password_file)


def _tls(builder: Builder, loc: Loc, section: MqttTlsSection | None) -> MqttTls | None:
    if section is None:
        return None
    paths: dict[str, Path | None] = {}
    for key in ("ca_file", "cert_file", "key_file"):
        text: str | None = getattr(section, key)
        paths[key] = builder.file((*loc, key), text) if text is not None else None
    for given, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if paths[given] is not None and paths[other] is None:
            builder.missing(loc, other, f"{other} beside {given}")
    return MqttTls(server_name=section.server_name, verify=section.verify, **paths)


def _status(
    builder: Builder, loc: Loc, section: StatusTopicSection | None
) -> StatusTopic | None:
    if section is None:
        return None
    if section.topic is None:
        builder.missing(loc, "topic", "where it is said (topic: acd/status)")
        return None
    if any(char in section.topic for char in "+#{}"):
        message = f"expected one topic, without wildcards, found '{section.topic}'"
        builder.document.report((*loc, "topic"), message)
    if section.online == section.offline:
        message = f"expected another word than online, found '{section.offline}'"
        builder.document.report((*loc, "offline"), message)
    return StatusTopic(topic=section.topic, online=section.online, offline=section.offline)


def _tells_of_agents(section: MqttSection, topics: Sequence[TopicSettings]) -> bool:
    if section.agents is not None:
        return section.agents
    return any(topic.kind is MessageKind.AGENT for topic in topics)


def _warn_of_the_way(builder: Builder, loc: Loc, feed: MqttSettings) -> None:
    """Warn of a password for all to read, and of a port that speaks otherwise."""
    secret = "password" if builder.document.has(*loc, "password") else "password_file"
    if feed.password is not None and not is_loopback(feed.host):
        if feed.tls is None:
            builder.document.warn((*loc, secret), say("plain_password"))
        elif not feed.tls.verify:
            builder.document.warn((*loc, "tls", "verify"), say("given_to_broker"))
    if feed.port == _TLS_PORT and feed.tls is None:
        builder.document.warn((*loc, "port"), say("tls_port"))
    elif feed.port == _PORT and feed.tls is not None:
        builder.document.warn((*loc, "port"), say("plain_port"))
