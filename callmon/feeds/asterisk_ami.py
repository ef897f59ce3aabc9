"""The feed ``asterisk_ami``: what happens in the queues of an Asterisk, as it happens.

This is the feed's I/O alone. The bytes are ``callmon.decode.ami``'s business, their meaning
``callmon.decode.ami_interpreter``'s. A connection that is lost loses what happened
meanwhile; the state of the queues is then asked for, and the gap is told.
"""

from collections import Counter
from collections.abc import Sequence

import structlog

from callmon.clock import SECOND, Micros, next_turn
from callmon.decode.ami_interpreter import WANTED, AmiInterpreter
from callmon.events import Event
from callmon.feeds.ami_account import AccountCheck
from callmon.feeds.ami_rounds import CHANGING, Rounds
from callmon.feeds.ami_session import STEP, AmiSession, Received
from callmon.feeds.ami_stream import MAX_BACKLOG_BYTES
from callmon.feeds.base import MEMORY, FeedContext, Position
from callmon.feeds.settings import AsteriskAmiSettings
from callmon.feeds.voice import Voice

__all__ = ["AsteriskAmiFeed"]

TRIED_FROM = 5
"""AMI of Asterisk 16; of older ones only the source was read."""

MAX_EVENTS = 200
"""At a time: about a millisecond of work for the engine."""

log = structlog.stdlib.get_logger(__name__)


class AsteriskAmiFeed:
    """Listens to one Asterisk."""

    def __init__(
        self,
        settings: AsteriskAmiSettings,
        context: FeedContext,
        *,
        limit: int = MAX_BACKLOG_BYTES,
    ) -> None:
        self.name = settings.name
        self.source = settings.source
        self._settings = settings
        self._context = context
        self._limit = limit
        self._interpreter = AmiInterpreter(settings.source, wrapup=settings.wrapup)
        self._counted: Counter[tuple[str, str]] = Counter()
        #: the last byte before the loss, by our clock
        self._lost_at = self._resume(context.resume)
        self._seeing = False
        self._log = log.bind(feed=settings.name)
        self._voice = Voice(context, self._log)

    @property
    def account(self) -> tuple[str, ...]:
        """What is wrong with its login, for people."""
        return self._voice.account

    async def run(self) -> None:
        """Listen until cancelled.

        Raises:
            FeedError: there is no connection, no login, or no more of either.
        """
        self._seeing = False
        self._voice.begin()
        session = AmiSession(self._settings, self._context, WANTED | CHANGING, self._limit)
        begun = False
        try:
            await session.open()
            begun = True
            if session.decoder.version is not None:
                self._interpreter.set_version(session.decoder.version)
            self._interpreter.connected(self._context.clock.now())
            await self._listen(session)
        finally:
            if begun:
                self._interpreter.disconnected(session.stream.heard_at)
            if self._seeing:
                self._lost_at = session.stream.heard_at
            await session.close()

    def _resume(self, position: Position | None) -> Micros | None:
        """Go on after a restart; return until when all was heard before it, None: never."""
        position = position or {}
        heard_at, offset, memory = map(position.get, ("heard_at", "offset", MEMORY))
        if not isinstance(heard_at, int):
            return None
        self._interpreter.resume(
            heard_at,
            offset if isinstance(offset, int) else 0,
            memory if isinstance(memory, str) else "",
        )
        return heard_at

    async def _listen(self, session: AmiSession) -> None:
        clock = self._context.clock
        rounds = Rounds(self._settings, session, clock, self._interpreter.expect)
        self._warn_of_age(session)
        account = AccountCheck(clock.monotonic(), session.send("ListCommands"))
        self._voice.judge(account.findings)
        while True:
            rounds.look()
            received = session.receive()
            if received:
                now = clock.monotonic()
                for message, _ in received:
                    rounds.take(message)
                    account.take(message, now)
                await self._interpret(received)
            elif received is None and (due := self._due(clock.now())):
                await self._tell(due)
                self._mark(session)
            account.look(clock.monotonic())
            self._report(session, rounds, account)
            if received is not None:
                self._mark(session)
                await next_turn()
                continue
            if self._voice.has_spoken:
                self._context.current(self._context.clock.now())
            if session.stream.ended is not None:
                raise session.failure()
            await session.wait(self._context.pause(STEP))

    async def _interpret(self, received: Sequence[Received]) -> None:
        events: list[Event] = []
        for message, at in received:
            events += self._interpreter.take(message, at)
        await self._tell([*events, *self._due(received[-1][1])])

    def _due(self, now: Micros) -> list[Event]:
        due = self._interpreter.due
        return self._interpreter.tick(now) if due is not None and due <= now else []

    async def _tell(self, events: Sequence[Event]) -> None:
        """Hand *events* on; a snapshot of thousands of agents in pieces, with turns between."""
        for start in range(0, len(events), MAX_EVENTS):
            if start:
                await next_turn()
            self._context.emit(events[start : start + MAX_EVENTS])

    def _mark(self, session: AmiSession) -> None:
        """Say until when it was heard and what of that is needed after a restart of ours."""
        if not self._seeing:
            return
        interpreter = self._interpreter
        self._context.emit(
            (),
            {
                "heard_at": session.stream.heard_at,
                "offset": interpreter.offset,
                MEMORY: interpreter.memory,
            },
        )

    def _report(self, session: AmiSession, rounds: Rounds, account: AccountCheck) -> None:
        """Say what has changed: seeing or blind, what is lost, what the account lacks."""
        if self._interpreter.synced and not self._seeing:
            self._seeing = True
            self._end_gap(session)
            self._say(session, "")
        elif rounds.refusal and not self._seeing:
            self._say(session, f"expected the state of the queues, found: {rounds.refusal}")
        self._count_drops()
        if rounds.fresh():
            self._context.drift(self._interpreter.drift)
        if account.findings != self.account:
            self._voice.judge(account.findings)

    def _count_drops(self) -> None:
        drops = self._interpreter.drops
        if drops != self._counted:
            for (stage, reason), count in (drops - self._counted).items():
                self._context.count_drop(stage, reason, count)
            self._counted = drops

    def _warn_of_age(self, session: AmiSession) -> None:
        version = session.decoder.version
        if version is not None and version[0] < TRIED_FROM:
            text = f"{session.address}: AMI {version[0]} is older than any that was tried"
            self._log.warning("feed.untested", error=text)

    def _end_gap(self, session: AmiSession) -> None:
        if self._lost_at is None:
            return
        length = max(0, self._context.clock.now() - self._lost_at)
        self._lost_at = None
        text = f"{session.address}: was not heard"
        self._log.error("feed.gap", error=f"{text} for {length / SECOND:.1f} s")
        self._context.gap(length, text)

    def _say(self, session: AmiSession, trouble: str) -> None:
        where = session.address
        heard = f"{where}: {session.decoder.banner} is being heard"
        self._voice.say(trouble and f"{where}: {trouble}", heard, where)
