"""What is allowed but may be a mistake: warnings that span feeds, or both files."""

import ipaddress
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from callmon.config.feed_sections import AsteriskAmiSection, QueueLogSection
from callmon.config.odd_limits import warn_of_limits
from callmon.config.said import Said
from callmon.config.sections import CallmonFile
from callmon.config.texts import say
from callmon.feeds.registry import knows_agents
from callmon.feeds.settings import MessageKind, MqttSettings
from callmon.measures import MEASURES

if TYPE_CHECKING:
    from callmon.config.nodes import Loc
    from callmon.config.reading import Builder
    from callmon.config.settings import Config
    from callmon.config.threshold_sections import ThresholdSection, ThresholdsFile
    from callmon.feeds.settings import FeedSettings

__all__ = ["is_loopback", "warn_of_secret", "warn_of_sources", "warn_of_thresholds"]

_ASSIGNED = re.compile(r"\s*secret\s*=", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Tell whether *host* is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def warn_of_secret(builder: "Builder", loc: "Loc", secret: str) -> None:
    r"""Warn of a secret that Asterisk does not read in manager.conf as it is written here.

    Asterisk answers all of these with "Authentication failed". It strips blanks from
    values, keeps quotes, and takes ``;`` for a comment unless it is ``\;``
    (``main/config.c``).
    """
    if _ASSIGNED.match(secret):
        message = say("secret_alone")
    elif secret != secret.strip():
        message = say("secret_blank")
    elif len(secret) > 1 and secret[0] == secret[-1] and secret[0] in "\"'":
        message = say("secret_quotes")
    elif ";" in secret:
        message = say("secret_comment")
    else:
        return
    builder.document.warn(loc, message)


def warn_of_sources(builder: "Builder", file: CallmonFile) -> None:
    """Warn of a log and a live feed that seem to be of one Asterisk and do not say so.

    They do where the Asterisk is on this machine, as the log is, or where a source has not
    been thought of: it is then called like the feed, and no two feeds are called alike.
    """
    logs: dict[str, str] = {}
    live: dict[str, tuple[str, AsteriskAmiSection]] = {}
    for name, section in file.feeds.items():
        if isinstance(section, QueueLogSection):
            logs[section.source or name] = name
        elif isinstance(section, AsteriskAmiSection):
            live[section.source or name] = (name, section)
    alone = {source: name for source, name in logs.items() if source not in live}
    for source, (name, section) in live.items():
        if source not in logs and alone:
            _warn_of_two_systems(builder, file, (source, name, section), alone)


def _warn_of_two_systems(
    builder: "Builder",
    file: CallmonFile,
    live: tuple[str, str, AsteriskAmiSection],
    logs: Mapping[str, str],
) -> None:
    source, name, section = live
    thought_of = all(file.feeds[feed].source is not None for feed in (name, *logs.values()))
    if thought_of and not is_loopback(section.host):
        return
    others = [say("of_feed", source=other, feed=feed) for other, feed in logs.items()]
    listed = Said.of(", ".join(others), "、".join(other.chinese for other in others))
    message = say("two_systems", source=source, others=listed)
    builder.document.warn(("feeds", name, "source"), message)


def warn_of_thresholds(
    builder: "Builder", file: "ThresholdsFile", config: "Config | None"
) -> None:
    """Warn of thresholds that never fire with these feeds, or fire all the time."""
    warn_of_limits(builder.document, file)
    for position, section in enumerate(file.thresholds):
        loc: Loc = ("thresholds", position)
        measure = MEASURES.get(section.measure or "")
        if measure is None:
            continue
        if measure.of_agents and config is not None and config.feeds:
            _warn_of_agents(builder, loc, section, config)
        if measure.name == "unserved" and section.above is not None and not section.hold:
            builder.document.warn((*loc, "above"), say("unserved"))


def _may_tell_of_agents(feed: "FeedSettings") -> bool:
    """Tell whether *feed* knows agents, or reads reports of queues that may count them."""
    return knows_agents(feed) or (
        isinstance(feed, MqttSettings)
        and any(topic.kind is MessageKind.QUEUE for topic in feed.topics)
    )


def _cure(config: "Config") -> Said:
    for feed in config.feeds:
        if isinstance(feed, MqttSettings):
            return say("agents_true", feed=feed.name)
    return say("add_ami")


def _warn_of_agents(
    builder: "Builder", loc: "Loc", section: "ThresholdSection", config: "Config"
) -> None:
    knowing = {feed.source for feed in config.feeds if _may_tell_of_agents(feed)}
    if not knowing:
        message = say("no_agents", measure=section.measure, cure=_cure(config))
        builder.document.warn((*loc, "measure"), message)
        return
    named = set(section.queues or ())
    for queue in config.queues:
        sources = {source for source, _ in queue.origins}
        if queue.name in named and sources and not sources & {*knowing, "*"}:
            builder.document.warn((*loc, "queues"), say("no_agents_of", name=queue.name))
