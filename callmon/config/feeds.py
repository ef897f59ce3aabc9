"""From the section ``feeds`` of callmon.yml to the settings of each feed."""

from collections.abc import Iterator
from pathlib import Path

from callmon.clock import SECOND
from callmon.config.doubts import is_loopback, warn_of_secret, warn_of_sources
from callmon.config.feed_sections import (
    AmiTlsSection,
    AsteriskAmiSection,
    LongWaitSection,
    QueueLogSection,
    SimulatorSection,
)
from callmon.config.mqtt import build_mqtt, check_brokers
from callmon.config.mqtt_sections import MqttSection
from callmon.config.nodes import Loc
from callmon.config.reading import Builder
from callmon.config.section import SilenceSection
from callmon.config.sections import CallmonFile
from callmon.config.texts import say
from callmon.feeds.call_centre import demo_centre
from callmon.feeds.settings import (
    AmiLogin,
    AmiTls,
    AsteriskAmiSettings,
    FeedSettings,
    LongWait,
    MqttSettings,
    QueueLogSettings,
    Silence,
    SimulatorSettings,
)
from callmon.secret import Secret

__all__ = ["build_feeds"]

_AMI_PORT = 5038
_AMI_TLS_PORT = 5039

_MAX_SECRET_BYTES = 1_000
"""Asterisk reads lines of 1,024 bytes and no longer ones."""


def build_feeds(builder: Builder, file: CallmonFile) -> Iterator[FeedSettings]:
    """Return the settings of each feed; report what is missing or there twice."""
    if not file.feeds and not builder.document.has("feeds"):
        builder.missing((), "feeds", "at least one feed under feeds:")
    elif not file.feeds and not builder.document.wrong("feeds"):
        builder.document.report(("feeds",), "expected at least one feed, found none", key=True)
    taken: dict[tuple[str, object], str] = {}
    brokers: list[MqttSettings] = []
    for name, section in file.feeds.items():
        loc: Loc = ("feeds", name)
        if not builder.good_name(loc, name):
            continue
        match section:
            case SimulatorSection():
                yield _simulator(builder, loc, name, section)
            case QueueLogSection():
                yield from _queue_log(builder, loc, name, section, taken)
            case AsteriskAmiSection():
                yield from _asterisk_ami(builder, loc, name, section, taken)
            case MqttSection():
                silence = _silence(builder, (*loc, "silence"), section.silence)
                brokers.append(build_mqtt(builder, loc, name, section, silence))
                yield brokers[-1]
    check_brokers(builder, brokers)
    warn_of_sources(builder, file)


def _queue_log(
    builder: Builder,
    loc: Loc,
    name: str,
    section: QueueLogSection,
    taken: dict[tuple[str, object], str],
) -> Iterator[QueueLogSettings]:
    if section.path is None:
        builder.missing(loc, "path", "the file to follow (path: /var/log/asterisk/queue_log)")
        return
    if section.poll == 0:
        builder.document.report((*loc, "poll"), "expected a duration above 0, found 0")
    path: Path = builder.path(section.path)
    other = taken.setdefault(("queue_log", path), name)
    if other != name:
        builder.document.report((*loc, "path"), f"feed '{other}' follows {path} already")
    yield QueueLogSettings(
        name=name,
        source=section.source or name,
        path=path,
        first_run=section.first_run,
        poll=section.poll,
        silence=_silence(builder, (*loc, "silence"), section.silence),
    )


def _asterisk_ami(
    builder: Builder,
    loc: Loc,
    name: str,
    section: AsteriskAmiSection,
    taken: dict[tuple[str, object], str],
) -> Iterator[AsteriskAmiSettings]:
    if section.username is None:
        builder.missing(loc, "username", "an account of manager.conf (username: callmon)")
    secret = _ami_secret(builder, loc, section)
    if section.host.count(":") == 1:
        message = f"expected a host without port (port: stands apart), found '{section.host}'"
        builder.document.report((*loc, "host"), message)
    for key, length in (("ping", section.ping), ("audit", section.audit)):
        builder.at_least((*loc, key), length, SECOND)
    silence = _silence(builder, (*loc, "silence"), section.silence)
    if section.username is None or secret is None:
        return
    feed = AsteriskAmiSettings(
        name=name,
        source=section.source or name,
        host=section.host,
        port=section.port or (_AMI_PORT if section.tls is None else _AMI_TLS_PORT),
        username=section.username,
        secret=secret,
        tls=_ami_tls(builder, (*loc, "tls"), section.tls),
        login=section.login,
        ping=section.ping,
        audit=section.audit,
        wrapup=section.wrapup,
        silence=silence,
    )
    _check_ami(builder, loc, feed, taken)
    yield feed


def _ami_secret(builder: Builder, loc: Loc, section: AsteriskAmiSection) -> Secret | None:
    secret = builder.secret(loc, "secret", section.secret, section.secret_file)
    if secret is None:
        return None
    text = secret.reveal()
    place = (*loc, "secret" if section.secret_file is None else "secret_file")
    if any(char in text for char in "\r\n\0") or len(text.encode()) > _MAX_SECRET_BYTES:
        message = f"expected a secret of one line and at most {_MAX_SECRET_BYTES} bytes"
        builder.document.report(place, message)
        return None
    warn_of_secret(builder, place, text)
    return secret


def _ami_tls(builder: Builder, loc: Loc, section: AmiTlsSection | None) -> AmiTls | None:
    if section is None:
        return None
    path = builder.file((*loc, "ca_file"), section.ca_file) if section.ca_file else None
    return AmiTls(ca_file=path, server_name=section.server_name, verify=section.verify)


def _check_ami(
    builder: Builder, loc: Loc, feed: AsteriskAmiSettings, taken: dict[tuple[str, object], str]
) -> None:
    """See that no Asterisk is heard twice, and that the secret is safe on its way."""
    address = "127.0.0.1" if is_loopback(feed.host) else feed.host.lower(), feed.port
    for key, what in ("source", feed.source), ("host", address):
        other = taken.setdefault((f"asterisk_ami {key}", what), feed.name)
        if other != feed.name:
            heard = f"'{feed.source}'" if key == "source" else f"{feed.host}:{feed.port}"
            message = (
                f"feed '{other}' listens to {heard} already: its callers would be there twice"
            )
            place = (*loc, key)
            there = builder.document.has(*place)
            builder.document.report(place if there else loc, message, key=not there)
            break
    if feed.login is AmiLogin.PLAIN and not is_loopback(feed.host):
        if feed.tls is None:
            builder.document.warn((*loc, "login"), say("plain_secret"))
        elif not feed.tls.verify:
            builder.document.warn((*loc, "tls", "verify"), say("given_to_asterisk"))


def _silence(builder: Builder, loc: Loc, section: SilenceSection | None) -> Silence | None:
    if section is None:
        return None
    if section.after is None:
        builder.missing(loc, "after", "how long it may be quiet (after: 30m)")
        return None
    if section.after == 0:
        builder.document.report((*loc, "after"), "expected a duration above 0, found 0")
    return Silence(after=section.after, during=section.during)


def _simulator(
    builder: Builder, loc: Loc, name: str, section: SimulatorSection
) -> SimulatorSettings:
    known = [queue.name for queue in demo_centre().queues]
    for position, queue in enumerate(section.queues or ()):
        place: Loc = (*loc, "queues", position)
        place = place if builder.document.has(*place) else (*loc, "queues")
        builder.known(place, queue, known, "simulated queue")
    if section.long_wait is not None and section.long_wait.queue is not None:
        queue = section.long_wait.queue
        builder.known(
            (*loc, "long_wait", "queue"), queue, section.queues or known, "simulated queue"
        )
    return SimulatorSettings(
        name=name,
        source=section.source or name,
        seed=section.seed,
        speed=section.speed,
        queues=tuple(section.queues) if section.queues is not None else None,
        long_wait=_long_wait(builder, (*loc, "long_wait"), section.long_wait),
    )


def _long_wait(builder: Builder, loc: Loc, section: LongWaitSection | None) -> LongWait | None:
    if section is None:
        return None
    if section.queue is None:
        builder.missing(loc, "queue", "the queue the caller joins")
    if section.wait is None:
        builder.missing(loc, "wait", "how long the caller waits (wait: 200s)")
    if section.queue is None or section.wait is None:
        return None
    return LongWait(queue=section.queue, after=section.after, wait=section.wait)
