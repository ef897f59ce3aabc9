"""The direct road against scripted Alertmanagers, in time moved by hand."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.alerts import Alert, AlertKey, AlertStep, Ended, Transition, key_of
from callmon.clock import SECOND
from callmon.rules import Direction, Severity, Subject, SubjectKind
from callmon.sinks.alertmanager import Alertmanager, AlertmanagerSettings, AlertmanagerSink
from callmon.sinks.ledger import Limits
from callmon.sinks.payload import Labels, Style, content_of, metric_labels_of, rfc3339
from callmon.sinks.storm import StormLimits
from callmon.testing import ManualClock
from tests.sinks.scripted_alertmanager import (
    CountedDeliveries,
    Notebook,
    ScriptedAlertmanager,
)

pytestmark = pytest.mark.anyio

STYLE = Style(zone=UTC, wallboard_url="http://board.example/")


def an_alert(
    clock: ManualClock, threshold: str = "long_wait", severity: Severity = Severity.WARNING
) -> Alert:
    """Return an alert of a caller who has waited for three minutes."""
    return Alert(
        threshold=threshold,
        subject=Subject(kind=SubjectKind.QUEUE, name="support", labels={"team": "blue"}),
        severity=severity,
        measure="longest_wait",
        window=None,
        direction=Direction.ABOVE,
        limit=Fraction(180 * SECOND),
        since=clock.now(),
        fired_at=clock.now(),
        raised_at=clock.now(),
        value=Fraction(180 * SECOND),
        peak=Fraction(180 * SECOND),
    )


def fired(alert: Alert) -> Transition:
    """Return the transition that begins *alert*."""
    return Transition(at=alert.fired_at, kind="fired", alert=alert)


def ended(alert: Alert, clock: ManualClock) -> Transition:
    """Return the transition that ends *alert* now."""
    over = dataclasses.replace(alert, ended=Ended.RECOVERED, ended_at=clock.now())
    return Transition(at=clock.now(), kind="ended", alert=over)


def key(alert: Alert) -> Labels:
    """Return the identity of *alert* at Alertmanager."""
    return content_of(alert, STYLE).labels


class Road:
    """A sink with its peers."""

    def __init__(
        self, clock: ManualClock, peers: Mapping[str, ScriptedAlertmanager], **settings: Any
    ) -> None:
        self.clock = clock
        self.metrics = CountedDeliveries()
        self.notes = Notebook()
        self.blind: set[str] = set()  #: queues
        self.sink = AlertmanagerSink(
            [
                Alertmanager(name=name, url="http://peer/am/", client=peer)
                for name, peer in peers.items()
            ],
            clock=clock,
            settings=AlertmanagerSettings(style=STYLE, **settings),
            metrics=self.metrics,
            notes=self.notes,
            facts=lambda content: {"waiting": f"3 in {content.key.subject}"},
            seen=lambda content: content.key.subject not in self.blind,
            jitter=lambda: 1.0,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[AlertmanagerSink]:
        """Run the sink for as long as the block lasts."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.sink.run())
            await self.clock.advance(0)
            yield self.sink
            task.cancel()

    def key(self, alert: Alert) -> AlertKey:
        """Return what names *alert* for good."""
        return key_of(alert)

    async def seconds(self, seconds: float) -> None:
        """Let time pass in steps, as it does."""
        for _ in range(int(seconds * 10)):
            await self.clock.advance(SECOND // 10)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def peer(clock: ManualClock) -> ScriptedAlertmanager:
    """Return an Alertmanager that is up."""
    return ScriptedAlertmanager(clock)


async def test_a_breach_is_posted_at_once(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """What is posted says since when, until when, what, where and how bad."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        await road.seconds(2)
        sink.apply([fired(alert)])
        await clock.advance(0)

    now = clock.now()
    expected = {
        "labels": {
            "alertname": "QueueThresholdBreached",
            "threshold": "long_wait",
            "queue": "support",
            "severity": "warning",
            "team": "blue",
        },
        "annotations": {
            "summary": "support: longest wait 3 min (limit 3 min)",
            "value": "3 min",
            "peak": "3 min",
            "limit": "3 min",
            "direction": "above",
            "measure": "longest_wait",
            "since": "2023-11-14 22:13:20 UTC",
            "wallboard": "http://board.example/?queue=support",
            "waiting": "3 in support",
        },
        "startsAt": rfc3339(now - 2 * SECOND),
        "endsAt": rfc3339(now + 3600 * SECOND),
        "generatorURL": "http://board.example/?queue=support",
    }
    assert [[expected]] == peer.posts
    assert [("am", 0)] == road.metrics.delays
    assert {metric_labels_of(alert): 0} == sink.handed_over()


async def test_what_is_due_together_goes_in_one_request(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Three alerts of one moment make one body of three."""
    road = Road(clock, {"am": peer})

    async with road.running() as sink:
        sink.apply(fired(an_alert(clock, threshold)) for threshold in ("a", "b", "c"))
        await clock.advance(0)

    assert [3] == [len(post) for post in peer.posts]


async def test_a_firing_alert_is_sent_again_each_minute(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Each time its end is pushed an hour ahead, so it outlives no dead callmon by more."""
    road = Road(clock, {"am": peer})

    async with road.running() as sink:
        sink.apply([fired(an_alert(clock))])
        await road.seconds(121)

    assert 3 == len(peer.posts)
    assert rfc3339(clock.now() - SECOND + 3600 * SECOND) == peer.posts[-1][0]["endsAt"]


async def test_an_end_is_posted_as_a_past_end(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """The resolve carries the moment of the end and why it ended; then all is forgotten."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(30)
        sink.apply([ended(alert, clock)])
        end = clock.now()
        await road.seconds(90)

    assert 2 == len(peer.posts)
    assert rfc3339(end) == peer.posts[-1][0]["endsAt"]
    assert "recovered" == peer.posts[-1][0]["annotations"]["ended"]
    assert {} == sink.handed_over()
    assert [] == sink.snapshot()


async def test_the_same_transition_twice_changes_nothing(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """A journal replayed after a crash neither doubles an alert nor loses its end."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert), fired(alert)])
        await road.seconds(1)
        over = ended(alert, clock)
        sink.apply([fired(alert), over, over])
        await road.seconds(1)

    assert set() == peer.firing()
    assert 0 == road.metrics.misses
    assert [] == sink.snapshot()


async def test_a_silenced_alert_is_not_resolved_until_the_silence_ends(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Alertmanager would drop the resolve and swallow the next breach."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(1)
        peer.silenced.add(key(alert))
        sink.apply([ended(alert, clock)])
        await road.seconds(7_200)
        still_firing = peer.firing()
        peer.silenced.clear()
        await road.seconds(3)

    assert {key(alert)} == still_firing
    assert set() == peer.firing()
    assert [] == sink.snapshot()


async def test_an_end_of_what_was_lost_in_a_restart_is_still_told(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """It is posted as firing first: only a known alert shows whether it is silenced."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(1)
        peer.restart()
        await road.seconds(1)
        sink.apply([ended(alert, clock)])
        await road.seconds(5)

    ends = [post[0]["endsAt"] > rfc3339(clock.now()) for post in peer.posts]
    assert [True, True, False] == ends
    assert [] == sink.snapshot()


async def test_an_end_another_callmon_has_told_is_not_undone(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """An alert that is absent without a restart is never posted as firing again."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(1)
        peer.alert("long_wait")["endsAt"] = rfc3339(clock.now())
        sink.apply([ended(alert, clock)])
        await road.seconds(5)

    assert [False, True] == [post[0]["endsAt"] <= rfc3339(clock.now()) for post in peer.posts]


async def test_an_end_one_alertmanager_has_told_is_not_undone_at_a_restarted_one(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """To a cluster, the alert posted as firing once more would be a new beginning."""
    killed = ScriptedAlertmanager(clock)
    road, alert = Road(clock, {"am": peer, "killed": killed}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(1)
        killed.mood = "down"
        sink.apply([ended(alert, clock)])
        await road.seconds(10)
        killed.restart()
        killed.mood = "up"
        await road.seconds(10)

    posted = [post[0]["endsAt"] > rfc3339(clock.now()) for post in killed.posts]
    assert [True, False] == posted
    assert [] == sink.snapshot()


async def test_a_dead_peer_never_delays_another(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """The living one has the breach and its end at once, the dead one when it is back."""
    dead = ScriptedAlertmanager(clock)
    dead.mood = "down"
    road, alert = Road(clock, {"dead": dead, "am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await clock.advance(0)
        at_once = peer.firing()
        await road.seconds(600)
        dead.mood = "up"
        await road.seconds(5)
        after_its_return = dead.firing()
        sink.apply([ended(alert, clock)])
        await road.seconds(1)

    assert {key(alert)} == at_once
    assert {key(alert)} == after_its_return
    assert [set(), set()] == [peer.firing(), dead.firing()]
    assert 0 == road.metrics.handovers


async def test_a_down_peer_is_tried_at_most_five_seconds_apart(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """The delays double from a tenth of a second up to the cap, for days if need be."""
    peer.mood = "down"
    road = Road(clock, {"am": peer}, limits=Limits(handover=10**9 * SECOND))

    async with road.running() as sink:
        sink.apply([fired(an_alert(clock))])
        await clock.advance(5 * SECOND)
        early = len(road.metrics.results)
        await clock.advance(86_400 * SECOND)

    assert 6 == early
    assert 17_285 == pytest.approx(len(road.metrics.results), abs=2)


async def test_a_restarted_peer_gets_everything_back_at_once(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """After a failure every alert is due, not only the one that met it."""
    road, first = Road(clock, {"am": peer}), an_alert(clock, "first")

    async with road.running() as sink:
        sink.apply([fired(first)])
        await road.seconds(1)
        peer.mood = "down"
        second = an_alert(clock, "second")
        sink.apply([fired(second)])
        await road.seconds(3)
        peer.restart()
        peer.mood = "up"
        await road.seconds(5)

    assert {key(first), key(second)} == peer.firing()


async def test_what_nobody_accepts_is_handed_over_for_life(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """After a minute Prometheus owns it, and it is never posted, whoever comes back."""
    peer.mood = "down"
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(59.9)
        before = sink.handed_over()
        await road.seconds(0.2)
        after = sink.handed_over()
        peer.mood = "up"
        await road.seconds(300)
        sink.apply([ended(alert, clock)])
        await road.seconds(300)

    assert {metric_labels_of(alert): 0} == before
    assert {metric_labels_of(alert): 1} == after
    assert {} == sink.handed_over()
    assert [] == peer.posts
    assert (1, 0) == (road.metrics.handovers, road.metrics.misses)


@pytest.mark.parametrize("received", [True, False])
async def test_a_post_whose_answer_was_lost_is_taken_back(
    clock: ManualClock, peer: ScriptedAlertmanager, *, received: bool
) -> None:
    """Handed over while it may stand here: it is resolved if it does, and else left alone."""
    peer.mood = "mute" if received else "deaf"
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(61)
        stood = peer.firing()
        peer.posts.clear()
        peer.mood = "up"
        await road.seconds(10)

    assert ({key(alert)} if received else set()) == stood
    assert set() == peer.firing()
    assert (1 if received else 0) == len(peer.posts)
    assert {metric_labels_of(alert): 1} == sink.handed_over()


async def test_without_a_direct_road_prometheus_has_every_alert_at_once(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """``direct: false`` and an empty list of Alertmanagers come to the same."""
    for road in (Road(clock, {"am": peer}, direct=False), Road(clock, {})):
        alert = an_alert(clock)

        async with road.running() as sink:
            sink.apply([fired(alert)])
            owned = sink.handed_over()
            sink.apply([ended(alert, clock)])

        assert {metric_labels_of(alert): 1} == owned
        assert {} == sink.handed_over()
        assert 0 == road.metrics.misses
    assert [] == peer.posts


async def test_a_breach_that_came_and_went_unheard_is_missed(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """It is counted, and no news of it comes late."""
    peer.mood = "down"
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        await road.seconds(1)
        alert = an_alert(clock)
        sink.apply([fired(alert)])
        await road.seconds(20)
        sink.apply([ended(alert, clock)])
        await road.seconds(6)
        peer.mood = "up"
        await road.seconds(60)

    assert (1, 0) == (road.metrics.misses, road.metrics.handovers)
    assert [] == peer.posts
    assert [] == sink.snapshot()


async def test_a_new_breach_after_an_undelivered_end_is_news(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """The latest state wins: the alert stands, since the new beginning."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(1)
        peer.mood = "down"
        sink.apply([ended(alert, clock)])
        await road.seconds(10)
        again = an_alert(clock)
        sink.apply([fired(again)])
        await road.seconds(10)
        peer.mood = "up"
        await road.seconds(6)

    assert {key(again)} == peer.firing()
    assert rfc3339(again.since) == peer.alert("long_wait")["startsAt"]


async def test_a_new_breach_handed_over_takes_the_old_one_back(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """The undelivered end of the breach before must not leave that one standing."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(1)
        peer.mood = "down"
        sink.apply([ended(alert, clock)])
        await road.seconds(1)
        again = an_alert(clock)
        sink.apply([fired(again)])
        await road.seconds(61)
        peer.mood = "up"
        await road.seconds(10)

    assert {metric_labels_of(again): 1} == sink.handed_over()
    assert set() == peer.firing()


async def test_one_bad_alert_does_not_hold_back_the_others(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """It is refused alone, and left to Prometheus like everything nobody accepts."""
    peer.refuses = "bad"
    road = Road(clock, {"am": peer})
    good, bad = an_alert(clock, "good"), an_alert(clock, "bad")

    async with road.running() as sink:
        sink.apply([fired(bad), fired(good)])
        await road.seconds(61)

    assert {metric_labels_of(good): 0, metric_labels_of(bad): 1} == sink.handed_over()


@pytest.mark.parametrize(("mood", "result"), [("broken", "failed"), ("denying", "refused")])
async def test_every_failure_is_counted_by_its_reason(
    clock: ManualClock, peer: ScriptedAlertmanager, mood: Any, result: str
) -> None:
    """And tried again: a password or a proxy can be mended on the other side."""
    peer.mood = mood
    road = Road(clock, {"am": peer})

    async with road.running() as sink:
        sink.apply([fired(an_alert(clock))])
        await road.seconds(2)
        peer.mood = "up"
        await road.seconds(5)

    assert ("am", result) == road.metrics.results[0]
    assert ("am", "accepted") == road.metrics.results[-1]
    assert 1 == len(peer.firing())


async def test_a_full_ledger_drops_and_counts(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Memory is bounded; what is lost is known."""
    road = Road(clock, {"am": peer}, limits=Limits(capacity=1))

    async with road.running() as sink:
        sink.apply([fired(an_alert(clock, "a")), fired(an_alert(clock, "b"))])
        await clock.advance(0)

    assert ["capacity"] == road.metrics.drops
    assert 1 == len(peer.firing())


async def test_a_restart_goes_on_where_it_was(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """A second process tells the ends of the first one's alerts, and of no other."""
    first, kept, gone = (
        Road(clock, {"am": peer}),
        an_alert(clock, "kept"),
        an_alert(clock, "gone"),
    )
    async with first.running() as sink:
        sink.apply([fired(kept), fired(gone)])
        await first.seconds(1)
    saved = json.loads(json.dumps(sink.snapshot()))
    await clock.advance(30 * SECOND)
    second = Road(clock, {"am": peer})

    second.sink.restore(saved)
    second.sink.reconcile([kept])
    async with second.running() as sink:
        await second.seconds(1)
        between = peer.firing()
        sink.apply([ended(kept, clock)])
        await second.seconds(1)

    assert {key(kept)} == between
    assert set() == peer.firing()
    assert [] == sink.snapshot()


async def test_an_end_replayed_after_a_crash_reaches_what_the_first_process_posted(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Begin and end replayed in one go, with no snapshot: nothing is left hanging."""
    first, alert = Road(clock, {"am": peer}), an_alert(clock)
    async with first.running() as sink:
        sink.apply([fired(alert)])
        await first.seconds(5)
    second = Road(clock, {"am": peer})

    async with second.running() as sink:
        sink.apply([fired(alert), ended(alert, clock)])
        await second.seconds(1)

    assert set() == peer.firing()
    assert [] == sink.snapshot()


async def test_all_alertmanagers_replaced_the_alert_looks_for_a_road_again(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """An alert owned by peers that are no longer configured reaches the new ones."""
    first, alert = Road(clock, {"old": ScriptedAlertmanager(clock)}), an_alert(clock)
    async with first.running() as sink:
        sink.apply([fired(alert)])
        await first.seconds(1)

    for peers, handed_over in (({"new": peer}, 0), ({}, 1)):
        second = Road(clock, peers)
        second.sink.restore(sink.snapshot())
        second.sink.reconcile([alert])
        async with second.running():
            await second.seconds(1)
        assert {metric_labels_of(alert): handed_over} == second.sink.handed_over()
    assert {key(alert)} == peer.firing()


MOODS = ("up", "down", "mute", "deaf", "broken")
NAMES = ("a", "b")
actions = st.lists(
    st.one_of(
        st.tuples(st.just("toggle"), st.sampled_from(NAMES)),
        st.tuples(st.just("silence"), st.sampled_from(NAMES)),
        st.tuples(st.just("mood"), st.sampled_from(MOODS)),
        st.tuples(st.just("restart"), st.just("")),
        st.tuples(st.just("pass"), st.sampled_from(("0.1", "3", "30", "61"))),
    ),
    max_size=14,
)


class Story:
    """One run of a random story about two alerts and one Alertmanager."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.peer = ScriptedAlertmanager(self.clock)
        self.road = Road(self.clock, {"am": self.peer})
        self.firing: dict[str, Alert] = {}

    async def do(self, verb: str, word: str) -> None:
        """Do one thing."""
        verbs: dict[str, Callable[[str], None]] = {
            "toggle": self.toggle,
            "silence": self.silence,
            "mood": self.change_mood,
            "restart": lambda _: self.peer.restart(),
        }
        if verb in verbs:
            verbs[verb](word)
        await self.road.seconds(float(word) if verb == "pass" else 0)

    def toggle(self, name: str) -> None:
        """Let a breach begin or end."""
        if name in self.firing:
            self.road.sink.apply([ended(self.firing.pop(name), self.clock)])
        else:
            self.firing[name] = an_alert(self.clock, name)
            self.road.sink.apply([fired(self.firing[name])])

    def silence(self, name: str) -> None:
        """Begin or end a silence."""
        self.peer.silenced ^= {key(an_alert(self.clock, name))}

    def change_mood(self, mood: Any) -> None:
        """Make the peer behave otherwise."""
        self.peer.mood = mood


@given(actions)
def test_whatever_happened_in_the_end_each_alert_stands_on_one_road(
    steps: list[tuple[str, str]],
) -> None:
    """With the peer well for two minutes, it has the direct alerts that fire, and no other."""
    asyncio.run(_story(steps))


async def _story(steps: list[tuple[str, str]]) -> None:
    story = Story()
    async with story.road.running() as sink:
        for verb, word in steps:
            await story.do(verb, word)
        story.peer.mood = "up"
        story.peer.silenced.clear()
        await story.road.seconds(130)

        owners = sink.handed_over()
        assert {metric_labels_of(alert) for alert in story.firing.values()} == set(owners)
        direct = {key(a) for a in story.firing.values() if not owners[metric_labels_of(a)]}
        assert direct == story.peer.firing()
        assert len(story.firing) == len(sink.snapshot())


async def test_a_blind_callmon_says_nothing_of_what_it_cannot_see(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Another one saw it end; posted again it would stand for an hour."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)
    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(1)
        road.blind = {"support"}
        posts = len(peer.posts)
        await road.seconds(300)
        blind, series = len(peer.posts) - posts, sink.handed_over()
        road.blind = set()
        await road.seconds(3)
        soon = len(peer.posts) - posts
        await road.seconds(5)

    assert 0 == blind
    assert {} == series
    assert 0 == soon  # its end may be in what the feed tells first
    assert 1 == len(peer.posts) - posts


async def test_a_breach_in_blindness_waits_for_sight_and_is_not_handed_over(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """The time for the handover begins when there is something to be told."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)
    road.blind = {"support"}
    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(200)
        blind = (len(peer.posts), road.metrics.handovers)
        road.blind = set()
        await road.seconds(8)

    assert (0, 0) == blind
    assert {metric_labels_of(alert): 0} == sink.handed_over()
    assert {key(alert)} == peer.firing()


async def test_an_end_is_told_by_whoever_saw_it_last(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Blindness keeps back what goes on, not what is known to be over."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)
    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(1)
        road.blind = {"support"}
        await road.seconds(5)
        sink.apply([ended(alert, clock)])
        await road.seconds(5)

    assert set() == peer.firing()


async def test_what_becomes_of_an_alert_is_written_down(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Told by whom, and whom its end was told."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)
    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(70)
        sink.apply([ended(alert, clock)])
        await road.seconds(5)

    assert [(AlertStep.TOLD, "am"), (AlertStep.END_TOLD, "am")] == road.notes.of("long_wait")


async def test_missed_and_handed_over_are_written_down(clock: ManualClock) -> None:
    """So that nobody wonders why nobody was called."""
    peer = ScriptedAlertmanager(clock)
    peer.mood = "down"
    road = Road(clock, {"am": peer})
    short, long = an_alert(clock, "short"), an_alert(clock, "long")
    async with road.running() as sink:
        sink.apply([fired(short), fired(long)])
        await road.seconds(5)
        sink.apply([ended(short, clock)])
        await road.seconds(60)

    assert [(AlertStep.MISSED, "")] == road.notes.of("short")
    assert [(AlertStep.HANDED_OVER, "")] == road.notes.of("long")


async def test_a_storm_is_told_as_one_and_then_what_is_left_of_it(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Eleven alerts of one team: ten, a storm for the last one, then the last one."""
    road = Road(clock, {"am": peer})
    alerts = [an_alert(clock, f"threshold {number:02}") for number in range(11)]
    async with road.running() as sink:
        sink.apply([fired(alert) for alert in alerts])
        await road.seconds(1)
        first = {dict(labels)["alertname"]: 0 for labels in peer.firing()}
        for labels in peer.firing():
            first[dict(labels)["alertname"]] += 1
        storm = next(a for post in peer.posts for a in post if "threshold" not in a["labels"])
        sink.apply([ended(alert, clock) for alert in alerts[:4]])
        await road.seconds(302)
        last = [a for post in peer.posts for a in post if "threshold" not in a["labels"]][-1]

    assert {"QueueThresholdBreached": 10, "QueueAlertStorm": 1} == first
    assert (
        "Alert storm of team blue: 11 alerts, 1 not sent one by one"
        == (storm["annotations"]["summary"])
    )
    # Its last words are of what is left, not of how many there are "at once".
    assert ("Alert storm of team blue: 7 left", "sent one by one again") == (
        last["annotations"]["summary"],
        last["annotations"]["ended"],
    )
    assert {key(alert) for alert in alerts[4:]} == peer.firing()


async def test_what_a_bad_request_left_behind_is_taken_back(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """It kept the good one, and was gone before that came again: Prometheus has it now."""
    road = Road(clock, {"am": peer})
    good, bad = an_alert(clock, "good"), an_alert(clock, "bad")
    peer.refuses, peer.falls_after = "bad", 1

    async with road.running() as sink:
        sink.apply([fired(good), fired(bad)])
        await road.seconds(1)
        left_behind = peer.firing()
        await road.seconds(60)
        peer.mood, peer.falls_after = "up", None
        await road.seconds(10)

    assert {key(good)} == left_behind
    assert 1 == sink.handed_over()[metric_labels_of(good)]
    assert set() == peer.firing()


async def test_an_end_is_not_told_for_ever_to_who_refused_the_beginning(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """An older one may refuse a label that the other one takes."""
    older = ScriptedAlertmanager(clock)
    older.refuses = "long_wait"
    road, alert = Road(clock, {"am": peer, "older": older}), an_alert(clock)

    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(90)
        sink.apply([ended(alert, clock)])
        await road.seconds(5)

    assert set() == peer.firing()
    assert [] == sink.snapshot()


async def test_without_alertmanagers_it_is_handed_over_when_it_is_seen(
    clock: ManualClock,
) -> None:
    """Though nothing else happens: nobody would be told of what stood at the start."""
    road, alert = Road(clock, {}), an_alert(clock)
    road.blind = {"support"}

    async with road.running() as sink:
        sink.reconcile([alert])
        await road.seconds(30)
        blind = sink.handed_over()
        road.blind.clear()
        await road.seconds(10)

    assert {} == blind
    assert {metric_labels_of(alert): 1} == sink.handed_over()


async def test_of_what_stands_at_the_start_the_most_urgent_is_told(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Not what happens to come first."""
    road = Road(clock, {"am": peer}, storm=StormLimits(alerts=1))
    minor = [an_alert(clock, name) for name in "abc"]
    urgent = an_alert(clock, "urgent", Severity.CRITICAL)

    async with road.running() as sink:
        sink.reconcile([*minor, urgent])
        await road.seconds(1)

    told = {dict(labels).get("threshold") for labels in peer.firing()}
    assert {"urgent", None} == told


async def test_what_was_told_goes_on_under_other_labels(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """A reload gave a queue another team: that is no storm, and nothing was missed."""
    road = Road(clock, {"am": peer}, storm=StormLimits(alerts=2, within=SECOND))
    alerts = [an_alert(clock, name) for name in "abc"]
    subject = dataclasses.replace(alerts[0].subject, labels={"team": "red"})
    moved = [dataclasses.replace(alert, subject=subject) for alert in alerts]

    async with road.running() as sink:
        for alert in alerts:
            sink.apply([fired(alert)])
            await road.seconds(2)
        sink.reconcile(moved)
        await road.seconds(5)
        firing = peer.firing()
        sink.apply([ended(alert, clock) for alert in moved])
        await road.seconds(5)

    assert {key(alert) for alert in moved} == firing
    assert set() == peer.firing()
    assert 0 == road.metrics.misses
    assert [AlertStep.TOLD, AlertStep.TOLD, AlertStep.END_TOLD] == [
        step for step, _ in road.notes.of("a")
    ]


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_passed_while_alertmanager_was_away_is_missed(
    clock: ManualClock, peer: ScriptedAlertmanager, restarted: bool
) -> None:
    """Handed over and over: if Alertmanager did not run, Prometheus told nobody either."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)
    peer.mood = "down"
    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(100)
        sink.apply([ended(alert, clock)])
        await road.seconds(20)
        before = road.metrics.misses
        if restarted:
            peer.restart()
        peer.mood = "up"
        await road.seconds(10)

    handed = (AlertStep.HANDED_OVER, "")
    missed = [(AlertStep.MISSED, "")] if restarted else []
    assert 0 == before
    assert [handed, *missed] == road.notes.of("long_wait")
    assert len(missed) == road.metrics.misses
