"""The direct road through anything: what must hold whatever happens in whatever order.

Alerts of two teams come, become worse and end, queues go out of sight, Alertmanagers fail
in every way, are slow and forget, callmon is stopped, killed and reloaded. Then it is calm,
and everything has to be where it belongs.
"""

import asyncio
import dataclasses
import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC
from fractions import Fraction
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from callmon.alerts import Alert, AlertKey, AlertStep, Ended, Transition, key_of
from callmon.clock import SECOND
from callmon.rules import Direction, Severity, Subject, SubjectKind
from callmon.sinks.alertmanager import Alertmanager, AlertmanagerSettings, AlertmanagerSink
from callmon.sinks.base import HttpResponse
from callmon.sinks.payload import (
    Labels,
    Style,
    content_of,
    metric_labels_of,
    parse_rfc3339,
)
from callmon.sinks.storm import StormLimits
from callmon.testing import ManualClock
from tests.sinks.scripted_alertmanager import (
    CountedDeliveries,
    Mood,
    Notebook,
    ScriptedAlertmanager,
)

STYLE = Style(zone=UTC)
STORM = StormLimits(alerts=2, within=60 * SECOND, hold=40 * SECOND)
TEAMS = {"q1": "blue", "q2": "blue", "q3": "blue", "q4": "blue", "r1": "red", "r2": "red"}
QUEUES = st.sampled_from(sorted(TEAMS))
PEERS = st.sampled_from(["one", "two"])
MOODS = st.sampled_from(["up", "up", "down", "broken", "deaf", "mute", "denying"])
REACHED = {AlertStep.TOLD, AlertStep.HANDED_OVER, AlertStep.HELD, AlertStep.MISSED}


class SlowClient:
    """Takes its time before the request arrives and before the answer does."""

    def __init__(
        self,
        peer: ScriptedAlertmanager,
        clock: ManualClock,
        sent: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.peer = peer
        self.lag = 0
        self._clock = clock
        self._sent = sent

    async def request(
        self, method: str, url: str, *, json: bytes | None = None
    ) -> HttpResponse:
        """See ``HttpClient``."""
        for alert in _alerts(json):
            self._sent(alert)
        if self.lag:
            await self._clock.sleep(self.lag)
        answer = await self.peer.request(method, url, json=json)
        if self.lag:
            await self._clock.sleep(self.lag)
        return answer


def _alerts(body: bytes | None) -> list[dict[str, Any]]:
    return [] if body is None else list(json.loads(body))


class DirectRoad(RuleBasedStateMachine):
    """What happens, and what is true when it is calm."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.notes = Notebook()
        self.metrics = CountedDeliveries()
        self.blind: set[str] = set()
        self.standing: dict[tuple[str, Severity], Alert] = {}
        self.raised: set[AlertKey] = set()
        self.peers = {name: ScriptedAlertmanager(self.clock) for name in ("one", "two")}
        self.clients = {
            name: SlowClient(peer, self.clock, self.sent) for name, peer in self.peers.items()
        }

    @initialize()
    def start(self) -> None:
        """Begin with nothing."""
        self.begin([])

    def teardown(self) -> None:
        """See that all is well in the end, too, and stop."""
        try:
            if self.raised:
                self.it_becomes_calm()
        finally:
            self.runner.close()  # which cancels everything

    # What the machine is made of

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Let *work* be done."""
        self.runner.run(work)
        assert not self.task.done() or self.task.cancelled(), self.task.exception()

    def begin(self, saved: list[dict[str, Any]]) -> None:
        """Go on from what was kept."""
        self.sink = AlertmanagerSink(
            [
                Alertmanager(name=name, url="http://peer/am/", client=client)
                for name, client in self.clients.items()
            ],
            clock=self.clock,
            settings=AlertmanagerSettings(style=STYLE, storm=STORM),
            metrics=self.metrics,
            notes=self.notes,
            facts=lambda content: {},  # noqa: ARG005 - as ``Facts`` has it
            seen=lambda content: content.key.subject not in self.blind,
            jitter=lambda: 0.5,
        )
        self.sink.restore(json.loads(json.dumps(saved)))
        self.sink.reconcile(self.standing.values())
        self.kept = self.sink.snapshot()
        self.task = self.runner.get_loop().create_task(self.sink.run())
        self.run(self.clock.advance(0))

    def sent(self, alert: Mapping[str, Any]) -> None:
        """See that nothing is said of what cannot be seen."""
        if parse_rfc3339(alert["endsAt"]) <= self.clock.now():
            return
        assert not any(
            queue in self.blind and content_of(one, STYLE).labels == _key(alert)
            for (queue, _), one in self.standing.items()
        ), alert
        worst = alert["annotations"].get("worst", "")
        assert not any(queue in worst for queue in self.blind), alert

    def apply(self, *transitions: Transition) -> None:
        """Tell the sink, and keep what it knows, as the daemon does."""
        self.sink.apply(transitions)
        self.kept = self.sink.snapshot()
        self.run(self.clock.advance(0))

    def fired(self, queue: str) -> Transition:
        """Return the beginning of a breach."""
        at = self.clock.now()
        alert = Alert(
            threshold="long_wait",
            subject=Subject(kind=SubjectKind.QUEUE, name=queue, labels={"team": TEAMS[queue]}),
            severity=Severity.WARNING,
            measure="longest_wait",
            window=None,
            direction=Direction.ABOVE,
            limit=Fraction(180 * SECOND),
            since=at,
            fired_at=at,
            raised_at=at,
            value=Fraction(180 * SECOND),
            peak=Fraction(180 * SECOND),
        )
        self.standing[queue, Severity.WARNING] = alert
        self.raised.add(key_of(alert))
        return Transition(at=at, kind="fired", alert=alert)

    def ended(self, queue: str, why: Ended = Ended.RECOVERED) -> list[Transition]:
        """Return the end of the alerts of *queue*."""
        now = self.clock.now()
        mine = [key for key in self.standing if key[0] == queue]
        over = [
            dataclasses.replace(self.standing.pop(key), ended=why, ended_at=now) for key in mine
        ]
        return [Transition(at=now, kind="ended", alert=alert) for alert in over]

    # What happens

    @rule(queues=st.sets(QUEUES, min_size=1))
    def breach(self, queues: set[str]) -> None:
        """One queue breaches, or many do."""
        able = [q for q in sorted(queues) if (q, Severity.WARNING) not in self.standing]
        self.clock.leap(1)  # no two breaches of a queue begin in one instant
        self.apply(*(self.fired(queue) for queue in able if queue not in self.blind))

    @rule(queue=QUEUES)
    def escalate(self, queue: str) -> None:
        """A breach that lasts adds a critical alert."""
        alert = self.standing.get((queue, Severity.WARNING))
        if alert is None or queue in self.blind or (queue, Severity.CRITICAL) in self.standing:
            return
        now = self.clock.now()
        worse = dataclasses.replace(alert, severity=Severity.CRITICAL, raised_at=now)
        self.standing[queue, Severity.CRITICAL] = worse
        self.raised.add(key_of(worse))
        self.apply(Transition(at=now, kind="escalated", alert=worse))

    @rule(queues=st.sets(QUEUES, min_size=1), again=st.booleans())
    def recover(self, queues: set[str], *, again: bool) -> None:
        """Breaches end; *again*: and begin anew in the same breath."""
        turns = []
        for queue in sorted(queues - self.blind):
            over = self.ended(queue)
            turns += over
            if over and again:
                self.clock.leap(1)
                turns.append(self.fired(queue))
        self.apply(*turns)

    @rule(queue=QUEUES)
    def remove(self, queue: str) -> None:
        """A threshold is taken away, be its queue seen or not."""
        self.apply(*self.ended(queue, Ended.REMOVED))

    @rule(queues=st.sets(QUEUES))
    def see_all_but(self, queues: set[str]) -> None:
        """Queues go out of sight, others come back."""
        self.blind = queues

    @rule(peer=PEERS, mood=MOODS, lag=st.sampled_from([0, 0, 0, 3]))
    def turn(self, peer: str, mood: Mood, lag: int) -> None:
        """An Alertmanager fails, is slow, or comes back."""
        self.peers[peer].mood = mood
        self.clients[peer].lag = lag * SECOND

    @rule(peer=PEERS)
    def restart_peer(self, peer: str) -> None:
        """An Alertmanager forgets."""
        self.peers[peer].restart()

    @rule(queue=QUEUES, severity=st.sampled_from([Severity.WARNING, Severity.CRITICAL]))
    def silence(self, queue: str, severity: Severity) -> None:
        """Somebody silences an alert: of a pair both know of it."""
        alert = self.standing.get((queue, severity))
        if alert is not None:
            for peer in self.peers.values():
                peer.silenced.add(content_of(alert, STYLE).labels)

    @rule()
    def end_silences(self) -> None:
        """All silences are over."""
        for peer in self.peers.values():
            peer.silenced.clear()

    @rule(tenths=st.sampled_from([1, 21, 70, 200, 700]))
    def wait(self, tenths: int) -> None:
        """Time passes."""
        self.run(self.clock.advance(tenths * SECOND // 10))

    @rule(how=st.sampled_from(["stop", "kill", "reload"]), gone=st.sets(QUEUES, max_size=2))
    def restart(self, how: str, gone: set[str]) -> None:
        """Callmon goes on with what it kept; stopped or killed, it is away for a while.

        What is *gone* then ended meanwhile.
        """
        saved = self.kept if how == "kill" else self.sink.snapshot()
        self.task.cancel()
        if how != "reload":
            self.run(self.clock.advance(10 * SECOND))
            for queue in gone - self.blind:
                self.ended(queue)
        self.begin(saved)

    # What is true

    @precondition(lambda self: bool(self.raised))
    @rule()
    def it_becomes_calm(self) -> None:
        """Everybody is up and nothing more happens: all is where it belongs."""
        self.end_silences()
        for name, peer in self.peers.items():
            peer.mood, self.clients[name].lag = "up", 0
        self.run(self.clock.advance(15 * SECOND))
        self.nothing_lasts(self.left_over)
        # Who was killed and came back between two requests is told all with the next one.
        self.run(self.clock.advance(60 * SECOND))
        self.nothing_lasts(self.misplaced)
        self.see_what_was_written()
        self.run(self.clock.advance(STORM.hold))
        self.nothing_lasts(self.idle_storms)

    def nothing_lasts(self, wrong: Callable[[], set[str]]) -> None:
        """What is wrong may be so for a moment, but not for seconds."""
        before = wrong()
        self.run(self.clock.advance(6 * SECOND))
        assert set() == before & wrong()

    def left_over(self) -> set[str]:
        """Return what stands at an Alertmanager, but is over."""
        known = {content_of(alert, STYLE).labels for alert in self.standing.values()}
        storms = {key.subject for key in self.sink.storms()}
        return {
            f"{name}: {key}"
            for name, peer in self.peers.items()
            for key in peer.firing()
            if not (key in known or ("queue" not in dict(key) and dict(key)["team"] in storms))
        }

    def misplaced(self) -> set[str]:
        """Return the standing alerts that are not on exactly one road."""
        series, held = self.sink.handed_over(), self.sink.held()
        storms = {key.subject for key in self.sink.storms()}
        wrong = {key.subject for key in held if TEAMS[key.subject] not in storms}
        for name, peer in self.peers.items():
            firing = peer.firing()
            for (queue, severity), alert in self.standing.items():
                there = content_of(alert, STYLE).labels in firing
                owner = series.get(metric_labels_of(alert))
                if key_of(alert) in held:
                    well = owner is None and (not there or queue in self.blind)
                elif queue in self.blind:
                    well = owner is None
                else:
                    well = (there, owner) in {(True, 0), (False, 1)}
                if not well:
                    wrong.add(f"{name}: {queue} {severity}: {there}, {owner}")
        return wrong

    def idle_storms(self) -> set[str]:
        """Return the storms that speak for nobody."""
        held = {TEAMS[key.subject] for key in self.sink.held()}
        return {key.subject for key in self.sink.storms()} - held

    def see_what_was_written(self) -> None:
        """Everything that is over has come to something, and nothing to both roads."""
        steps: dict[AlertKey, set[AlertStep]] = {}
        for key, step, _, _ in self.notes.steps:
            steps.setdefault(key, set()).add(step)
        missed = [step for _, step, _, _ in self.notes.steps].count(AlertStep.MISSED)
        assert self.metrics.misses == missed
        for key, known in steps.items():
            assert not {AlertStep.TOLD, AlertStep.HANDED_OVER} <= known, key
        unseen = {key_of(a) for (q, _), a in self.standing.items() if q in self.blind}
        for key in self.raised - unseen:
            assert steps.get(key, set()) & REACHED, key


def _key(alert: Mapping[str, Any]) -> Labels:
    return tuple(sorted(alert["labels"].items()))


TestDirectRoad = DirectRoad.TestCase
TestDirectRoad.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
