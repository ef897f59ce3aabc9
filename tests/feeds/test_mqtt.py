"""The feed: what it tells, what it acknowledges, and what it says of itself."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from callmon.clock import SECOND
from callmon.feeds.settings import MqttVersion, StatusTopic
from callmon.testing import ManualClock
from tests.feeds.desk import passing, until
from tests.feeds.mqtt_peer import TOPIC, Broker, Desk, Packet, joined, settings

pytestmark = pytest.mark.anyio

STATUS = StatusTopic(topic="acd/status")


@pytest.fixture(name="broker")
async def _broker() -> AsyncIterator[Broker]:
    async with Broker() as broker:
        yield broker


def _desk(broker: Broker, clock: ManualClock, **more: Any) -> Desk:
    ours = {
        name: more.pop(name) for name in list(more) if name not in {"memory", "commit_after"}
    }
    return Desk(settings(broker.port, **ours), clock, **more)


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    return ManualClock()


@pytest.mark.parametrize("version", MqttVersion)
async def test_messages_are_told_in_order_and_acknowledged(
    broker: Broker, clock: ManualClock, version: MqttVersion
) -> None:
    """Each once, oldest first, whatever version of the protocol is spoken."""
    desk = _desk(broker, clock, version=version)

    async with desk.seeing():
        for number in range(1, 6):
            broker.publish(joined(number))
        await until(lambda: len(broker.acked) == 5)

    assert [f"c-{number}" for number in range(1, 6)] == desk.contacts
    assert [1, 2, 3, 4, 5] == broker.acked
    assert desk.position is not None
    assert 5 == desk.position["seq"]
    assert 1 == broker.left


async def test_nothing_is_acknowledged_before_it_is_durable(
    broker: Broker, clock: ManualClock
) -> None:
    """A crash in between would lose what the broker has forgotten."""
    desk = _desk(broker, clock, commit_after=None)

    async with desk.seeing():
        for number in (1, 2, 3):
            broker.publish(joined(number))
        await until(lambda: len(desk.contacts) == 3)
        await passing(clock, 2 * SECOND)
        assert [] == broker.acked
        desk.commit()
        await until(lambda: len(broker.acked) == 3)


async def test_what_says_nothing_is_acknowledged_in_its_turn(
    broker: Broker, clock: ManualClock
) -> None:
    """Garbage is counted, and stops neither what came before it nor what comes after."""
    desk = _desk(broker, clock, commit_after=None)

    async with desk.seeing():
        broker.publish(b"\xff{")
        broker.publish(b"")
        broker.publish(b"[1, 2]", "other/topic")
        broker.publish(joined(4))
        await until(lambda: desk.contacts)
        assert [] == broker.acked
        desk.commit()
        await until(lambda: len(broker.acked) == 4)

    assert [1, 2, 3, 4] == broker.acked
    assert {("decode", "malformed"): 1, ("decode", "empty"): 1, ("decode", "unmatched"): 1} == (
        desk.drops
    )


async def test_an_old_promise_is_not_kept_to_a_new_connection(
    broker: Broker, clock: ManualClock
) -> None:
    """Numbers of messages begin anew with each connection: they would ack another one."""
    desk = _desk(broker, clock, commit_after=None)
    async with desk.seeing():
        broker.publish(joined(1))
        await until(lambda: desk.contacts)
        broker.cut()
        await desk.failed()

    async with desk.seeing():
        desk.commit()
        await passing(clock, SECOND)

        assert [] == broker.acked


async def test_what_is_sent_again_is_told_with_the_same_ids(
    broker: Broker, clock: ManualClock
) -> None:
    """Only by them the one who counts knows that it has had them."""
    desk = _desk(broker, clock, commit_after=None)
    async with desk.seeing():
        broker.publish(joined(1))
        await until(lambda: desk.contacts)
        broker.cut()
        await desk.failed()

    async with desk.seeing():
        broker.publish(joined(1))
        await until(lambda: desk.repeated)

    assert (["c-1"], 1) == (desk.contacts, desk.repeated)


async def test_a_large_message_is_told_in_pieces(broker: Broker, clock: ManualClock) -> None:
    """The engine has its turn in between; position and promise come with the last piece."""
    desk = _desk(broker, clock, commit_after=None)
    many = b"[" + b",".join(joined(number) for number in range(450)) + b"]"

    async with desk.seeing():
        broker.publish(many)
        await until(lambda: len(desk.contacts) == 450)
        desk.commit()
        await until(lambda: broker.acked)

    assert ([200, 200, 50], [1]) == (desk.batches, broker.acked)
    assert (450, 450) == (len(set(desk.contacts)), len(desk.ids))


async def test_the_numbers_of_events_grow_over_a_restart(
    broker: Broker, clock: ManualClock
) -> None:
    """They are the order of what happened at the same instant."""
    first = _desk(broker, clock)
    async with first.seeing():
        broker.publish(joined(1))
        await until(lambda: broker.acked)
    second = _desk(broker, clock, memory=first.memory)

    async with second.seeing():
        broker.publish(joined(2))
        await until(lambda: len(broker.acked) == 2)

    one, two = (event.seq for event in second.events)
    assert one < two


async def test_the_feed_waits_for_room(broker: Broker, clock: ManualClock) -> None:
    """While the journal takes nothing, nothing is taken; then everything is."""
    desk = _desk(broker, clock)

    async with desk.seeing():
        desk.room.clear()
        await passing(clock, SECOND)
        for number in (1, 2, 3):
            broker.publish(joined(number))
        await passing(clock, SECOND)
        assert [] == desk.contacts
        desk.room.set()
        await until(lambda: len(desk.contacts) == 3)


async def test_the_last_messages_are_acknowledged_at_a_stop(
    broker: Broker, clock: ManualClock
) -> None:
    """What is durable a moment later is not sent again to the next start."""
    desk = _desk(broker, clock, commit_after=0.05)

    async with desk.seeing():
        broker.publish(joined(1))
        await until(lambda: desk.contacts)

    await until(lambda: broker.left)
    assert [1] == broker.acked


# ---- how far it has got -----------------------------------------------------------------


async def test_a_quiet_feed_stays_current(broker: Broker, clock: ManualClock) -> None:
    """Nobody calls: still engine time must not stand for longer than a moment."""
    desk = _desk(broker, clock)

    async with desk.seeing():
        await passing(clock, SECOND, SECOND // 5)
        before = len(desk.current)
        await passing(clock, SECOND, SECOND // 5)

        assert len(desk.current) - before >= 4


async def test_half_a_backlog_is_not_current(broker: Broker, clock: ManualClock) -> None:
    """The window is full: more is waiting at the broker, and callers may long be gone."""
    desk = _desk(broker, clock, receive_maximum=3, commit_after=None)

    async with desk.seeing():
        for number in (1, 2, 3):
            broker.publish(joined(number))
        await until(lambda: len(desk.contacts) == 3)
        before = len(desk.current)
        await passing(clock, SECOND, SECOND // 5)
        assert before == len(desk.current)
        desk.commit()
        await passing(clock, SECOND, SECOND // 5)

        assert len(desk.current) > before


async def test_a_feed_that_waits_for_the_journal_says_so(
    broker: Broker, clock: ManualClock
) -> None:
    """After ten seconds with a full window nothing can come any more: it is blind."""
    desk = _desk(broker, clock, receive_maximum=3, commit_after=None)

    async with desk.seeing():
        for number in (1, 2, 3):
            broker.publish(joined(number))
        await until(lambda: len(desk.contacts) == 3)
        await passing(clock, 9 * SECOND)
        assert desk.up
        await passing(clock, 3 * SECOND)
        desk.commit()
        await passing(clock, SECOND)

    assert [True, False, True] == [up for up, _ in desk.said]
    assert "waiting for the journal: 3 messages unacknowledged" in desk.said[1][1]


async def test_a_full_window_over_a_dead_disk_is_blind_at_once(
    broker: Broker, clock: ManualClock
) -> None:
    """No other feed has to wait for what cannot come."""
    desk = _desk(broker, clock, receive_maximum=3, commit_after=None)

    async with desk.seeing():
        desk.storing = False
        for number in (1, 2):
            broker.publish(joined(number))
        await passing(clock, SECOND)
        assert [True] == [up for up, _ in desk.said]
        broker.publish(joined(3))
        await until(lambda: len(desk.contacts) == 3)
        await passing(clock, SECOND)
        assert [True, False] == [up for up, _ in desk.said]
        desk.storing = True
        desk.commit()
        await passing(clock, SECOND)

    assert [True, False, True] == [up for up, _ in desk.said]
    assert "waiting for the journal: 3 messages unacknowledged" in desk.said[1][1]


async def test_a_journal_without_room_for_long_makes_the_feed_blind(
    broker: Broker, clock: ManualClock
) -> None:
    """Messages lie unread: what the board shows is old."""
    desk = _desk(broker, clock)

    async with desk.seeing():
        desk.room.clear()
        await passing(clock, 12 * SECOND)
        await until(lambda: not desk.up)
        desk.room.set()
        await passing(clock, SECOND)

        assert desk.up


# ---- what the source says of itself ------------------------------------------------------


async def test_a_source_that_is_offline_is_not_seen(broker: Broker, clock: ManualClock) -> None:
    """Its will says so when it dies; the broker itself is well."""
    desk = _desk(broker, clock, status=STATUS)

    async with desk.running():
        await until(lambda: len(broker.subscribed) > 1)
        broker.publish(b"online", STATUS.topic, retain=True)
        await until(lambda: desk.up)
        broker.publish(b"offline\n", STATUS.topic)
        await until(lambda: desk.up is False)
        assert desk.said[-1][1].endswith("the source says it is offline")
        broker.publish(b"online", STATUS.topic)
        await until(lambda: desk.up)
        broker.publish(b"maybe", STATUS.topic)
        await until(lambda: desk.drops)

    assert {("decode", "bad_value"): 1} == desk.drops
    assert [True, False, True] == [up for up, _ in desk.said]


async def test_a_status_that_was_kept_is_waited_for(broker: Broker, clock: ManualClock) -> None:
    """Else each start would say for a moment that a dead source is there."""
    desk = _desk(broker, clock, status=STATUS)

    async with desk.running():
        await until(lambda: len(broker.subscribed) > 1)
        await passing(clock, SECOND // 2, SECOND // 10)
        assert [] == desk.said
        broker.publish(b"offline", STATUS.topic, retain=True)
        await until(lambda: desk.said)

    assert [False] == [up for up, _ in desk.said]


async def test_a_source_without_a_status_is_believed_after_a_moment(
    broker: Broker, clock: ManualClock
) -> None:
    """Nothing is retained: nothing speaks against it."""
    desk = _desk(broker, clock, status=STATUS)

    async with desk.running():
        await until(lambda: len(broker.subscribed) > 1)
        await passing(clock, 2 * SECOND, SECOND // 5)

    assert [True] == [up for up, _ in desk.said]


# ---- the session ------------------------------------------------------------------------


async def test_a_forgotten_session_is_a_gap(broker: Broker, clock: ManualClock) -> None:
    """What came while we were away is gone: how long that was is told, and stays a finding."""
    desk = _desk(broker, clock)
    broker.session_present = False
    async with desk.seeing():
        assert ([], []) == (desk.gaps, desk.accounts)
        broker.cut()
        await desk.failed()
    clock.leap(90 * SECOND)

    async with desk.seeing():
        pass

    ((length, reason),) = desk.gaps
    assert 90 * SECOND == length
    assert reason.endswith("the broker had forgotten our session")
    assert "the broker had forgotten our session" in desk.accounts[-1][0]


async def test_a_session_that_was_kept_is_no_gap(broker: Broker, clock: ManualClock) -> None:
    """The broker has kept what came."""
    desk = _desk(broker, clock)
    async with desk.seeing():
        broker.cut()
        await desk.failed()
    clock.leap(90 * SECOND)

    async with desk.seeing():
        pass

    assert ([], []) == (desk.gaps, desk.accounts)


async def test_a_gap_is_told_also_when_the_first_try_after_it_fails(
    broker: Broker, clock: ManualClock
) -> None:
    """That try has made the session that the next one finds."""
    desk = _desk(broker, clock)
    async with desk.seeing():
        broker.cut()
        await desk.failed()
    broker.session_present = False
    broker.silent = {Packet.SUBSCRIBE}
    async with desk.running():
        names = [name for name, _ in broker.subscribed]
        await until(lambda: [one for one, _ in broker.subscribed].count(names[0]) == 2)
        broker.cut()
        await desk.failed()
    broker.session_present = True
    broker.silent = set()
    clock.leap(90 * SECOND)

    async with desk.seeing():
        broker.cut()
        await desk.failed()
    async with desk.seeing():
        pass

    ((length, _),) = desk.gaps
    assert 90 * SECOND == length


async def test_a_gap_over_a_restart_is_known(broker: Broker, clock: ManualClock) -> None:
    """Until when was heard is stored with the position, also while nothing comes."""
    first = _desk(broker, clock)
    async with first.seeing():
        await passing(clock, 300 * SECOND)
        first.commit()
    broker.session_present = False
    clock.leap(60 * SECOND)
    second = _desk(broker, clock, memory=first.memory)

    async with second.seeing():
        pass

    ((length, _),) = second.gaps
    # A dead connection would have been noticed after two keepalives only.
    assert 60 * SECOND <= length <= 60 * SECOND + 10 * SECOND + 60 * SECOND


async def test_topics_that_are_wanted_no_more_are_left(
    broker: Broker, clock: ManualClock
) -> None:
    """The broker would send them for ever: it remembers subscriptions with the session."""
    first = _desk(broker, clock, status=STATUS)
    async with first.running():
        await passing(clock, 2 * SECOND, SECOND // 5)
        first.commit()
    second = _desk(broker, clock, memory=first.memory)

    async with second.seeing():
        await until(lambda: broker.unsubscribed)

    assert [STATUS.topic] == broker.unsubscribed


async def test_what_is_retained_is_asked_for_by_who_knows_nothing(
    broker: Broker, clock: ManualClock
) -> None:
    """At the very first run always, later only with a new session; the status always."""
    first = _desk(broker, clock, status=STATUS)
    async with first.running():
        await passing(clock, 2 * SECOND, SECOND // 5)
        first.commit()
    second = _desk(broker, clock, status=STATUS, memory=first.memory)
    async with second.running():
        await passing(clock, 2 * SECOND, SECOND // 5)

    handling = [
        (topics, options >> 4) for topics, options in broker.subscribed if "acd" in topics
    ]

    assert [
        ("acd/+/events", 0),
        ("acd/status", 0),
        ("acd/+/events", 1),
        ("acd/status", 0),
    ] == handling


async def test_a_broker_that_hangs_up_on_a_question_is_not_asked_again(
    broker: Broker, clock: ManualClock
) -> None:
    """Some close the connection of whoever subscribes to what he may not."""
    broker.hangs_up_on = "$SYS/broker/version"
    desk = _desk(broker, clock)
    await desk.fails()

    async with desk.seeing():
        await passing(clock, SECOND)
        assert desk.failure is None

    assert 1 == [topics for topics, _ in broker.subscribed].count("$SYS/broker/version")


async def test_what_a_broker_says_of_itself_when_it_starts_is_none_of_our_messages(
    broker: Broker, clock: ManualClock
) -> None:
    """Our session still asks for its version: it comes before we ask, and as if just said."""
    desk = _desk(broker, clock)
    async with desk.seeing():
        broker.publish(b"mosquitto version 2.0.22", "$SYS/broker/version", qos=0)
        await passing(clock, SECOND)

    assert [] == desk.accounts
    assert not desk.drops


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("mosquitto version 2.0.11", True),
        ("mosquitto version 2.0.16", True),
        ("mosquitto version 2.0.17", False),
        ("mosquitto version 2.1.0", False),
        ("HiveMQ 4", False),
    ],
)
async def test_a_mosquitto_with_a_known_mistake_is_named(
    broker: Broker, clock: ManualClock, version: str, found: bool
) -> None:
    """Before 2.0.17 it does not keep the window: whoever runs it should know."""
    broker.broker_version = version
    desk = _desk(broker, clock)

    async with desk.seeing():
        await passing(clock, SECOND, SECOND // 5)

    assert found == bool(desk.accounts)
    assert not found or version[-6:] in desk.accounts[-1][0]


async def test_messages_without_a_guarantee_are_a_finding(
    broker: Broker, clock: ManualClock
) -> None:
    """QoS 0 of the publisher: the broker keeps none of them for us."""
    desk = _desk(broker, clock)

    async with desk.seeing():
        broker.publish(joined(1), qos=0)
        await until(lambda: desk.accounts)

    assert "QoS 0" in desk.accounts[-1][0]
    assert ["c-1"] == desk.contacts


async def test_what_is_retained_without_a_guarantee_is_none(
    broker: Broker, clock: ManualClock
) -> None:
    """It comes again with each new session: nothing is lost."""
    desk = _desk(broker, clock)

    async with desk.seeing():
        broker.publish(joined(1), qos=0, retain=True)
        await until(lambda: desk.drops)
        await passing(clock, SECOND)

    assert [] == desk.accounts


async def test_retained_events_are_not_told(broker: Broker, clock: ManualClock) -> None:
    """A caller who joined yesterday does not join again because we have come."""
    desk = _desk(broker, clock)

    async with desk.seeing():
        broker.publish(joined(1), TOPIC, retain=True)
        await until(lambda: broker.acked)

    assert ([], {("decode", "retained"): 1}) == (desk.contacts, desk.drops)


async def test_what_waits_in_another_session_is_a_gap(clock: ManualClock) -> None:
    """Another broker or client_id has nothing of what was published meanwhile."""
    async with Broker() as former, Broker() as other:
        first = _desk(former, clock)
        async with first.seeing():
            former.publish(joined(1))
            await until(lambda: len(former.acked) == 1)
        clock.leap(60 * SECOND)
        second = _desk(other, clock, memory=first.memory)
        async with second.seeing():
            other.publish(joined(2))
            await until(lambda: len(other.acked) == 1)
        third = _desk(other, clock, memory=second.memory)
        other.session_present = True
        async with third.seeing():
            pass

    ((length, reason),) = second.gaps
    assert length >= 60 * SECOND
    assert reason.endswith("client_id, host or port is another than before")
    assert [] == third.gaps
    assert second.position is not None
    assert 2 == second.position["seq"]
