"""Every type of feed: its settings lead to the feed. The one list there is."""

from collections.abc import Callable
from typing import Any

from callmon.feeds.base import Feed, FeedContext
from callmon.feeds.queue_log import QueueLogFeed
from callmon.feeds.settings import FeedSettings, QueueLogSettings, SimulatorSettings
from callmon.feeds.simulator import SimulatorFeed

__all__ = ["FEEDS", "build_feed"]

FEEDS: dict[str, tuple[type, Callable[[Any, FeedContext], Feed]]] = {
    "queue_log": (QueueLogSettings, QueueLogFeed),
    "simulator": (SimulatorSettings, SimulatorFeed),
}
"""By the name in callmon.yml: the settings, and what makes the feed of them."""


def build_feed(settings: FeedSettings, context: FeedContext) -> Feed:
    """Return the feed that *settings* describe."""
    for kind, build in FEEDS.values():
        if isinstance(settings, kind):
            return build(settings, context)
    raise TypeError(f"no feed for {type(settings).__name__}")
