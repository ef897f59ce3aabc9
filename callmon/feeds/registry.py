"""Every type of feed: its settings lead to the feed. The one list there is."""

import dataclasses
from collections.abc import Callable
from typing import Any

from callmon.feeds.asterisk_ami import AsteriskAmiFeed
from callmon.feeds.base import Feed, FeedContext
from callmon.feeds.mqtt import MqttFeed
from callmon.feeds.queue_log import QueueLogFeed
from callmon.feeds.settings import (
    AsteriskAmiSettings,
    FeedSettings,
    MqttSettings,
    QueueLogSettings,
    SimulatorSettings,
)
from callmon.feeds.simulator import SimulatorFeed

__all__ = ["FEEDS", "FeedType", "build_feed", "feed_type", "knows_agents", "stream_of"]


@dataclasses.dataclass(frozen=True, slots=True)
class FeedType:
    """One type of feed."""

    settings: type
    build: Callable[[Any, FeedContext], Feed]
    live: bool = False
    """It tells of a moment when it is over; the others keep a record."""
    agents: bool = False
    """It knows agents; of a type that may or may not, ``knows_agents`` tells."""


FEEDS: dict[str, FeedType] = {
    "asterisk_ami": FeedType(AsteriskAmiSettings, AsteriskAmiFeed, live=True, agents=True),
    "mqtt": FeedType(MqttSettings, MqttFeed),
    "queue_log": FeedType(QueueLogSettings, QueueLogFeed),
    "simulator": FeedType(SimulatorSettings, SimulatorFeed, agents=True),
}
"""By the name in callmon.yml."""


def feed_type(settings: FeedSettings) -> str:
    """Return the name, in callmon.yml, of the type that *settings* are of."""
    for name, kind in FEEDS.items():
        if isinstance(settings, kind.settings):
            return name
    raise TypeError(f"no feed for {type(settings).__name__}")


def knows_agents(settings: FeedSettings) -> bool:
    """Tell whether the feed that *settings* describe knows agents."""
    if isinstance(settings, MqttSettings):
        return settings.agents
    return FEEDS[feed_type(settings)].agents


def build_feed(settings: FeedSettings, context: FeedContext) -> Feed:
    """Return the feed that *settings* describe."""
    return FEEDS[feed_type(settings)].build(settings, context)


def stream_of(settings: FeedSettings) -> str:
    """Return what a feed reads, whatever the feed is called: a place in it is kept by that."""
    if isinstance(settings, QueueLogSettings):
        return f"queue_log {settings.path}"
    if isinstance(settings, AsteriskAmiSettings):
        return f"asterisk_ami {settings.host} {settings.port}"
    if isinstance(settings, MqttSettings):
        return f"mqtt {settings.host} {settings.port} {settings.client_id}"
    return f"simulator {settings.source}"
