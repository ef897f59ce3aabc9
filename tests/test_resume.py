"""Tests of who goes on where."""

from pathlib import Path

from callmon.feeds.registry import feed_type, stream_of
from callmon.feeds.settings import FeedSettings, QueueLogSettings, SimulatorSettings
from callmon.journal import StoredFeed
from callmon.resume import succession

LOG = QueueLogSettings(name="log", source="pbx", path=Path("/var/log/queue_log"))


def stored(settings: FeedSettings, place: int | None = 7) -> dict[str, StoredFeed]:
    """Return what the journal has of a feed."""
    return {
        settings.name: StoredFeed(
            name=settings.name,
            type=feed_type(settings),
            source=settings.source,
            stream=stream_of(settings),
            live=False,
            position=None if place is None else {"place": place},
        )
    }


def test_a_feed_goes_on_where_it_was() -> None:
    """One that has got nowhere yet begins."""
    other = QueueLogSettings(name="other", source="pbx", path=Path("/other"))

    found = succession(stored(LOG) | stored(other, None), [LOG, other])

    assert {"log": {"place": 7}} == found.positions
    assert ({}, ()) == (found.heirs, found.gone)


def test_a_renamed_feed_goes_on_where_the_former_was() -> None:
    """What it reads tells that it is the same."""
    renamed = QueueLogSettings(name="new", source="other", path=LOG.path)

    found = succession(stored(LOG), [renamed])

    assert {"new": {"place": 7}} == found.positions
    assert {"log": renamed} == found.heirs
    assert ["log"] == [feed.name for feed in found.gone]


def test_a_feed_of_another_source_goes_on_where_it_was() -> None:
    """It inherits from itself: what is known of the former source is the new one's."""
    other = QueueLogSettings(name="log", source="other", path=LOG.path)

    found = succession(stored(LOG), [other])

    assert {"log": {"place": 7}} == found.positions
    assert {"log": other} == found.heirs
    assert ["log"] == [feed.name for feed in found.gone]


def test_of_a_name_that_was_known_once_nothing_is_left() -> None:
    """Another feed has gone on in its place: the place of then would be read twice."""
    nobody = StoredFeed(
        name="log", type="", source="", stream="", live=False, position={"place": 3}
    )
    heir = QueueLogSettings(name="heir", source="pbx", path=LOG.path)

    found = succession({"log": nobody} | stored(heir), [LOG])

    assert {"log": {"place": 7}} == found.positions
    assert {"heir": LOG} == found.heirs


def test_a_feed_of_another_type_begins_anew() -> None:
    """A place in a log means nothing to a simulator of the same name."""
    simulator = SimulatorSettings(name="log", source="pbx")

    found = succession(stored(LOG), [simulator])

    assert ({}, {}) == (found.positions, found.heirs)
    assert ["log"] == [feed.name for feed in found.gone]


def test_a_feed_that_is_gone_leaves_its_place_to_nobody_else() -> None:
    """Another log is another log, and a feed that was there already has its own place."""
    other = QueueLogSettings(name="other", source="pbx", path=Path("/other"))

    found = succession(stored(LOG) | stored(other, 3), [other])

    assert {"other": {"place": 3}} == found.positions
    assert {} == found.heirs
