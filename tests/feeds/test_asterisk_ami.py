"""The life of a connection: seeing, asking, losing, and finding again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog

from callmon.clock import SECOND
from callmon.errors import FeedReason
from callmon.events import ContactAnswered, ContactJoined, ContactLeft, TalkEnded
from callmon.feeds.ami_rounds import NOBODY
from callmon.testing import ManualClock
from tests.feeds.ami_peer import SECRET, Desk, Pbx, caller, message
from tests.feeds.desk import passing, until

pytestmark = pytest.mark.anyio


@pytest.fixture(name="pbx")
async def _pbx() -> AsyncIterator[Pbx]:
    async with Pbx(ManualClock()) as pbx:
        yield pbx


async def test_the_feed_sees_when_it_knows_who_waits(pbx: Pbx) -> None:
    """Logged in is not enough: callers who were there before must be known first."""
    pbx.silent = {"QueueStatus"}
    desk = Desk(pbx)

    async with desk.running():
        await until(lambda: pbx.count("QueueStatus"))
        await passing(pbx.clock, 2 * SECOND)
        assert ([], []) == (desk.said, desk.current)
        pbx.queues = {"sales": {"1700000000.1": 30}}
        pbx.send(pbx._status(pbx.last("QueueStatus")))
        await until(lambda: desk.said and desk.current)

    (joined,) = desk.events
    assert isinstance(joined, ContactJoined)
    assert ("sales", "1700000000.1") == (joined.queue, joined.contact)
    assert pbx.clock.now() - 30 * SECOND == joined.at
    assert [True] == [up for up, _ in desk.said]


async def test_events_are_told_as_they_come(pbx: Pbx) -> None:
    """Each arrives once, in order, and then the feed is current."""
    desk = Desk(pbx)

    async with desk.seeing():
        for number in range(1, 6):
            pbx.join(number)
        await until(lambda: desk.current and desk.current[-1] == 5)

    assert [f"1700000000.{number}" for number in range(1, 6)] == desk.joined()


async def test_a_large_snapshot_is_told_in_pieces(pbx: Pbx) -> None:
    """Everything else has its turn in between, and nobody judges by half of it."""
    pbx.queues = {"sales": {f"1700000000.{number}": 1 for number in range(1, 1_001)}}
    desk = Desk(pbx)

    async with desk.seeing():
        await until(lambda: desk.current)

    assert (1_000, [200] * 5) == (len(set(desk.joined())), desk.batches)
    assert 1_000 == desk.current[0]


async def test_a_quiet_connection_stays_current(pbx: Pbx) -> None:
    """Nobody calls: still engine time must not stand for longer than a moment."""
    desk = Desk(pbx)

    async with desk.seeing():
        await until(lambda: desk.current)
        before = len(desk.current)
        await passing(pbx.clock, SECOND, SECOND // 5)

        assert len(desk.current) - before >= 4


async def test_the_queues_are_audited_and_now_and_then_the_agents(pbx: Pbx) -> None:
    """Every 30 s a look without members, every fifth one with them."""
    async with Desk(pbx).seeing():
        await passing(pbx.clock, 305 * SECOND)
        asked = [one.get("Member") for one in pbx.actions if one["Action"] == "QueueStatus"]

    assert [None, *[NOBODY] * 4, None, *[NOBODY] * 4, None] == asked


@pytest.mark.parametrize("event", ["Reload", "FullyBooted"])
async def test_a_reload_asks_for_everything_anew(pbx: Pbx, event: str) -> None:
    """Members come and go by a reload without an event of their own."""
    async with Desk(pbx).seeing():
        pbx.send(message({"Event": event, "Privilege": "system,all", "Status": "0"}))
        await passing(pbx.clock, 3 * SECOND, SECOND // 5)

        assert 2 == pbx.count("QueueStatus")
        assert "Member" not in pbx.last("QueueStatus")


async def test_drift_is_told_after_each_audit(pbx: Pbx) -> None:
    """How far we are from what the Asterisk counts is a figure of its own."""
    desk = Desk(pbx)

    async with desk.seeing():
        await until(lambda: desk.drifts)
        pbx.queues = {"sales": {"1700000000.8": 5}}  # of whom no event has told
        await passing(pbx.clock, 31 * SECOND)

    assert [0, 1] == desk.drifts


async def test_a_shutdown_that_waits_is_no_failure(pbx: Pbx) -> None:
    """During "core stop gracefully" QueueStatus is refused while events go on."""
    desk = Desk(pbx)

    async with desk.seeing():
        pbx.refusal = "Asterisk is shutting down"
        await passing(pbx.clock, 90 * SECOND)
        pbx.event("QueueCallerJoin", **caller(1), Count="1")
        await until(desk.joined)
        pbx.refusal = ""
        await passing(pbx.clock, 31 * SECOND)

        assert desk.failure is None
        assert "Member" not in pbx.last("QueueStatus")
    assert [True] == [up for up, _ in desk.said]


async def test_a_first_snapshot_that_is_refused_leaves_the_feed_blind(pbx: Pbx) -> None:
    """It says why, does not hold up the others, and asks again soon."""
    pbx.refusal = "Asterisk is shutting down"
    desk = Desk(pbx)

    async with desk.running():
        await until(lambda: desk.said and desk.current)
        assert not desk.said[0][0]
        assert desk.said[0][1].endswith("found: Asterisk is shutting down")
        pbx.refusal = ""
        await passing(pbx.clock, 6 * SECOND)
        await until(lambda: len(desk.said) > 1)

    assert [False, True] == [up for up, _ in desk.said]


async def test_a_snapshot_that_never_comes_ends_the_connection(pbx: Pbx) -> None:
    """Pings are answered, the queues are not: something hangs, a new session may not."""
    pbx.silent = {"QueueStatus"}
    desk = Desk(pbx)

    async with desk.running():
        await until(lambda: pbx.count("QueueStatus"))
        await passing(pbx.clock, 29 * SECOND)
        assert desk.failure is None
        await passing(pbx.clock, 3 * SECOND)
        error = await desk.failed()

    assert "expected an answer to QueueStatus, found none in 30 s" in str(error)


async def test_an_answer_that_waits_to_be_read_is_no_missing_one(pbx: Pbx) -> None:
    """It is we who are late then: giving up the connection would only make it worse."""
    pbx.silent = {"QueueStatus"}
    desk = Desk(pbx)

    async with desk.running():
        await until(lambda: pbx.count("QueueStatus"))
        for number in range(1, 5_001):
            pbx.join(number)
        pbx.queues = {}
        pbx.send(pbx._status(pbx.last("QueueStatus")))
        await until(desk.joined)
        pbx.clock.leap(35 * SECOND)
        await until(lambda: desk.said or desk.failure)

        assert desk.failure is None


async def test_events_in_the_same_packet_as_the_login_are_not_lost(pbx: Pbx) -> None:
    """Asterisk sends what is pending as soon as the session is authenticated."""
    joined = message({"Event": "QueueCallerJoin", "Privilege": "agent,all", **caller(7)})
    pbx.after_login += joined
    pbx.queues = {"sales": {"1700000000.7": 0}}
    desk = Desk(pbx)

    async with desk.seeing():
        await until(lambda: desk.current)

    assert ["1700000000.7"] == desk.joined()
    assert [0] == desk.drifts


async def test_what_is_not_believed_is_counted_once(pbx: Pbx) -> None:
    """The counts of drops are what was dropped, however often they are looked at."""
    desk = Desk(pbx)

    async with desk.seeing():
        for number in range(1, 4):
            pbx.send(message({"Event": "QueueCallerJoin", **caller(number)}))
            await passing(pbx.clock, SECOND)
        pbx.join(9)
        await until(desk.joined)

    assert 3 == desk.drops.total()
    assert ["1700000000.9"] == desk.joined()


async def test_two_pings_into_silence_are_the_end(pbx: Pbx) -> None:
    """A half-open connection looks like a quiet one until somebody asks."""
    desk = Desk(pbx)

    async with desk.seeing():
        pbx.silent = {"Ping", "QueueStatus"}
        await passing(pbx.clock, 25 * SECOND)
        assert desk.failure is None
        await passing(pbx.clock, 10 * SECOND)
        error = await desk.failed()

    assert (FeedReason.LOST, True) == (error.reason, error.retry)
    assert "silent, 2 pings unanswered" in str(error)


async def test_events_are_a_sign_of_life_as_well(pbx: Pbx) -> None:
    """A busy Asterisk may be late with answers; as long as it speaks it lives."""
    desk = Desk(pbx)

    async with desk.seeing():
        pbx.silent = {"Ping"}
        for number in range(1, 13):
            await passing(pbx.clock, 5 * SECOND)
            pbx.join(number)
        assert desk.failure is None
        await passing(pbx.clock, 35 * SECOND)

        assert "pings unanswered" in str(await desk.failed())


async def test_a_cut_in_the_middle_of_a_message_loses_no_whole_one(pbx: Pbx) -> None:
    """What was complete is told; the half message is not, and belongs to no other."""
    desk = Desk(pbx)

    async with desk.seeing():
        pbx.join(1)
        pbx.send(b"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nQueue: sa")
        await until(desk.joined)
        pbx.cut()
        error = await desk.failed()
    async with desk.seeing():
        pbx.join(2)
        await until(lambda: len(desk.joined()) > 1)

    assert (FeedReason.LOST, True) == (error.reason, error.retry)
    assert ["1700000000.1", "1700000000.2"] == desk.joined()


async def test_a_gap_lasts_over_a_restart(pbx: Pbx) -> None:
    """What happened while callmon was stopped was missed as well: it is told when it sees."""
    before = Desk(pbx)
    async with before.seeing():
        await until(lambda: before.position is not None)
    await pbx.clock.advance(60 * SECOND)
    after = Desk(pbx, position=before.position)

    async with after.seeing():
        pass

    ((length, _),) = after.gaps
    assert 60 * SECOND <= length <= 63 * SECOND


async def test_a_talk_lasts_over_a_restart(pbx: Pbx) -> None:
    """The position has what no snapshot shows, and as of the last event that was told."""
    before = Desk(pbx)
    talk = caller(1) | {"Interface": "SIP/7", "HoldTime": "0", "DestUniqueid": "leg"}
    async with before.seeing():
        pbx.join(1)
        pbx.event("AgentConnect", **talk)
        await until(lambda: any(isinstance(e, ContactAnswered) for e in before.events))
        await until(lambda: "SIP/7" in str(before.position))
    after = Desk(pbx, position=before.position)

    async with after.seeing():
        pbx.queues = {}
        pbx.event("Hangup", **caller(1))
        await until(lambda: pbx.count("QueueStatus") > 1)
        await passing(pbx.clock, 2 * SECOND)
        await until(lambda: any(isinstance(e, TalkEnded) for e in after.events))
        await until(lambda: "SIP/7" not in str(after.position))


@pytest.mark.parametrize("position", [{}, {"heard_at": "x"}, {"heard_at": 5, "memory": 7}])
async def test_a_strange_position_is_none(pbx: Pbx, position: dict[str, str | int]) -> None:
    """Older ones have less in them."""
    desk = Desk(pbx, position=position)

    async with desk.seeing():
        pbx.join(1)
        await until(desk.joined)


async def test_a_gap_is_measured_from_the_last_byte_to_the_next_sight(pbx: Pbx) -> None:
    """Also over tries that fail: only the state of the queues ends it."""
    desk = Desk(pbx)

    async with desk.seeing():
        await until(lambda: desk.current)
        await pbx.clock.advance(2 * SECOND)
        pbx.cut()
        await desk.failed()
    assert [] == desk.gaps
    await pbx.clock.advance(20 * SECOND)
    pbx.login_answer = {"Response": "Error", "Message": "Login Already In Use"}
    await desk.fails()
    await pbx.clock.advance(10 * SECOND)
    pbx.login_answer = None
    async with desk.seeing():
        pass

    ((length, reason),) = desk.gaps
    assert 30 * SECOND <= length <= 33 * SECOND
    assert f"127.0.0.1:{pbx.port}: was not heard" == reason


async def test_who_left_unseen_does_not_wait_for_ever(pbx: Pbx) -> None:
    """After a loss the snapshot is the truth: who is not in it has gone."""
    desk = Desk(pbx)
    async with desk.seeing():
        pbx.join(1)
        pbx.join(2)
        await until(lambda: len(desk.joined()) > 1)
        pbx.cut()
        await desk.failed()
    del pbx.queues["sales"]["1700000000.1"]

    async with desk.seeing():
        await passing(pbx.clock, 5 * SECOND)
        left = [event for event in desk.events if isinstance(event, ContactLeft)]

    assert ["1700000000.1"] == [event.contact for event in left]
    assert ["1700000000.1", "1700000000.2"] == desk.joined()


async def test_an_endless_message_ends_the_connection(pbx: Pbx) -> None:
    """The memory of callmon is not the other side's to fill."""
    desk = Desk(pbx)

    async with desk.seeing():
        pbx.send(b"Event: QueueCallerJoin\r\nQueue: " + b"x" * 100_000)
        error = await desk.failed()

    assert (FeedReason.LOST, True) == (error.reason, error.retry)
    assert 1 == desk.drops["decode", "oversized"]


async def test_more_than_can_be_kept_ends_the_connection_and_is_counted(pbx: Pbx) -> None:
    """The backlog has a limit; what had come before it is used."""
    desk = Desk(pbx, limit=300_000)

    async with desk.seeing():
        await until(lambda: desk.current)
        for number in range(1, 10_001):
            pbx.join(number)
        error = await desk.failed()

    assert FeedReason.LOST == error.reason
    assert "more than 300000 bytes came" in str(error)
    assert 1 == desk.drops["read", "overflow"]
    told = desk.joined()
    assert 0 < len(told) < 10_000
    assert [f"1700000000.{number}" for number in range(1, len(told) + 1)] == told


async def test_a_slow_engine_does_not_slow_the_asterisk(pbx: Pbx) -> None:
    """Bytes are taken from the connection at once, whatever becomes of them later."""
    desk = Desk(pbx)

    async with desk.seeing():
        await until(lambda: desk.current)
        count = 3_000
        for number in range(1, count + 1):
            pbx.join(number)
        # All has left the Asterisk while next to nothing is decoded.
        await asyncio.wait_for(pbx._writers[-1].drain(), 30)
        assert len(desk.joined()) < count
        assert len(desk.current) < 50
        await until(lambda: desk.current[-1] == count)

    assert desk.failure is None
    assert count == len(set(desk.joined()))


async def test_a_forged_list_moves_nobody(pbx: Pbx) -> None:
    """CR LF in a caller's name writes whole messages into a snapshot; none is believed."""
    fake = message({"Event": "QueueCallerJoin", "Privilege": "agent,all", **caller(9)})
    torn = "Ann\r\n\r\n" + fake.decode() + "Event: QueueEntry\r\nQueue: sales"
    desk = Desk(pbx)

    async with desk.seeing():
        pbx.join(1)
        await until(desk.joined)
        pbx.torn = torn
        await passing(pbx.clock, 95 * SECOND)

    assert ["1700000000.1"] == desk.joined()
    assert [] == [event for event in desk.events if isinstance(event, ContactLeft)]
    assert desk.drops["decode", "forged"] > 0


async def test_an_asterisk_without_the_queue_application_is_said_to_be_one(pbx: Pbx) -> None:
    """An unknown action is refused in words that reach the operator."""
    pbx.refusal = "Invalid/unknown command: QueueStatus. Use Action: ListCommands"
    desk = Desk(pbx)

    async with desk.running():
        await until(lambda: desk.said)

    assert "Invalid/unknown command: QueueStatus" in desk.said[0][1]


async def test_an_account_that_may_do_more_is_told_of(pbx: Pbx) -> None:
    """The daemon only watches; what it could do besides is a risk for nothing."""
    pbx.commands |= {"Originate": "Originate a call.  (Priv: originate,all)"}
    desk = Desk(pbx)

    with structlog.testing.capture_logs() as logs:
        async with desk.seeing():
            await until(lambda: desk.feed.account)

    told = ("the account may do more than watch (Originate): give it no write class",)
    assert told == desk.feed.account
    assert [(), told] == desk.accounts
    assert [*desk.feed.account] == [
        log["error"] for log in logs if log["event"] == "feed.account"
    ]


async def test_no_secret_and_no_caller_is_logged(pbx: Pbx) -> None:
    """Whatever happens to a connection, the log names neither."""
    with structlog.testing.capture_logs() as logs:
        desk = Desk(pbx)
        async with desk.seeing():
            pbx.join(1)
            await until(desk.joined)
            pbx.cut()
            error = await desk.failed()
        async with desk.seeing():
            pass

    shown = f"{logs} {error} {desk.said} {desk.gaps} {desk.drops} {desk.feed.account}"
    assert SECRET not in shown
    assert "5551234" not in shown
    assert "Ann" not in shown


async def test_a_feed_that_is_stopped_closes_its_connection(pbx: Pbx) -> None:
    """A reload of the settings leaves nothing behind, here or there."""
    async with Desk(pbx).seeing():
        assert 1 == len(pbx._talks)

    await until(lambda: not pbx._talks)
