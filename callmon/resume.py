"""Where feeds go on that were there before a restart: under their names, or new ones."""

import dataclasses
from collections.abc import Iterable, Mapping

from callmon.feeds.base import Position
from callmon.feeds.registry import feed_type, stream_of
from callmon.feeds.settings import FeedSettings
from callmon.journal import StoredFeed

__all__ = ["Succession", "succession"]


@dataclasses.dataclass(frozen=True, slots=True)
class Succession:
    """What became of the feeds that were stored."""

    positions: Mapping[str, Position]  #: by feed that is configured: where it goes on
    heirs: Mapping[str, FeedSettings]  #: by former name: who reads on under another one
    gone: tuple[StoredFeed, ...]  #: those that are no longer configured so, heirs or not


def succession(
    stored: Mapping[str, StoredFeed], configured: Iterable[FeedSettings]
) -> Succession:
    """Return who goes on where.

    A place in a stream is only of use to a feed of the same type. A feed that reads what one
    of another name, or source, has read goes on in its place. What has no type is none: its
    name was known once.
    """
    stored = {name: feed for name, feed in stored.items() if feed.type}
    wanted = {settings.name: settings for settings in configured}
    gone = {
        name: feed
        for name, feed in stored.items()
        if name not in wanted
        or (feed_type(wanted[name]), wanted[name].source) != (feed.type, feed.source)
    }
    positions = {
        name: feed.position
        for name, feed in stored.items()
        if name not in gone and feed.position is not None
    }
    left = {feed.stream: name for name, feed in gone.items()}
    heirs: dict[str, FeedSettings] = {}
    for name, settings in wanted.items():
        former = left.get(stream_of(settings))
        if former is None or (name in stored and name not in gone):
            continue
        heirs[former] = settings
        position = gone[former].position
        if position is not None and gone[former].type == feed_type(settings):
            positions[name] = position
    return Succession(positions, heirs, tuple(gone.values()))
