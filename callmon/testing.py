"""Helpers for callmon's tests and for people who write feeds."""

import asyncio
import heapq
import itertools
from typing import assert_never

from callmon.clock import SECOND, Micros
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactMoved,
    ContactRefused,
    ContactsListed,
    Event,
    FeedChanged,
    Outcome,
    QueueReported,
    RingNotAnswered,
    SourceRestarted,
    TalkEnd,
    TalkEnded,
)

__all__ = ["ManualClock", "queue_log_line"]


class ManualClock:
    """A clock that moves only when told. Sleepers wake in order of due time."""

    def __init__(self, start: Micros = 1_700_000_000 * SECOND) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[Micros, int, asyncio.Future[None]]] = []

    def now(self) -> Micros:
        """Return the set wall time."""
        return self._now

    def monotonic(self) -> Micros:
        """Return the set time; wall and monotonic move together here."""
        return self._now

    async def sleep(self, delay: Micros) -> None:
        """Wait until ``advance`` has moved *delay* past now."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + delay, next(self._order), woken))
        await woken

    def leap(self, delta: Micros) -> None:
        """Jump *delta* on at once, as when the machine was suspended; nobody wakes yet."""
        self._now += delta

    async def advance(self, delta: Micros) -> None:
        """Move *delta* on and let everything due run."""
        target = self._now + delta
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, woken = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not woken.done():
                woken.set_result(None)
            await _settle()
        self._now = target


async def _settle(rounds: int = 5) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0)


def queue_log_line(event: Event) -> str | None:  # noqa: PLR0911  # one return per kind
    """Return *event* as Asterisk would log it, without line feed; None when it would not.

    The log knows whole seconds, as Asterisk's does, so reading it back is coarser.
    """
    at = event.at // SECOND
    match event:
        case ContactJoined():
            return f"{at}|{event.contact}|{event.queue}|NONE|ENTERQUEUE|||1"
        case ContactAnswered():
            wait = (event.wait or 0) // SECOND
            return (
                f"{at}|{event.contact}|{event.queue}|{event.agent}|CONNECT"
                f"|{wait}|{event.contact}a|0"
            )
        case ContactLeft():
            if event.outcome is None:
                return None
            verb, before = _LEFT[event.outcome]
            wait = (event.wait or 0) // SECOND
            return f"{at}|{event.contact}|{event.queue}|NONE|{verb}|{before}1|1|{wait}"
        case TalkEnded():
            verb = "COMPLETEAGENT" if event.ended_by is TalkEnd.AGENT else "COMPLETECALLER"
            talk = (event.talk or 0) // SECOND
            return f"{at}|{event.contact}|{event.queue}|{event.agent}|{verb}|0|{talk}|1"
        case RingNotAnswered():
            ring = event.ring // 1_000
            return f"{at}|{event.contact}|{event.queue}|{event.agent}|RINGNOANSWER|{ring}"
        case SourceRestarted():
            return f"{at}|NONE|NONE|NONE|QUEUESTART|"
        case (
            ContactRefused()
            | ContactMoved()
            | ContactsListed()
            | AgentChanged()
            | AgentRemoved()
            | QueueReported()
            | FeedChanged()
        ):
            return None
        case _:
            assert_never(event)


_LEFT = {
    Outcome.ABANDONED: ("ABANDON", ""),
    Outcome.TIMEOUT: ("EXITWITHTIMEOUT", ""),
    Outcome.KEY_EXIT: ("EXITWITHKEY", "1|"),
    Outcome.EMPTY: ("EXITEMPTY", ""),
    Outcome.WITHDRAWN: ("WITHDRAW", ""),
}
"""The verb, and what stands before position and wait."""
