"""The feed ``mqtt``: what a telephone system publishes to a broker.

This is the feed's I/O alone: the connection is ``callmon.feeds.mqtt_session``'s business, the
meaning of messages ``callmon.decode.messages``'s. A message is acknowledged when its effect
would survive a crash, never before; what was not is sent again, and told once.
"""

import asyncio
import contextlib
import functools
from collections.abc import Sequence

import structlog

from callmon.clock import SECOND, Micros, next_turn
from callmon.decode.messages import MessageDecoder
from callmon.errors import DecodeReason
from callmon.events import Event
from callmon.feeds.base import FeedContext, Position
from callmon.feeds.mqtt_account import findings
from callmon.feeds.mqtt_inbox import Arrived
from callmon.feeds.mqtt_progress import Progress
from callmon.feeds.mqtt_session import STEP, MqttSession
from callmon.feeds.settings import MqttSettings
from callmon.feeds.voice import Voice
from callmon.logs import Repeats

__all__ = ["MqttFeed"]

MAX_MESSAGES = 200
"""At a time; with MAX_BYTES some milliseconds of work for decoder and engine."""

MAX_BYTES = 64 * 1024
"""Of payload, at a time."""

MAX_EVENTS = 200
"""At a time: about a millisecond of work for the engine."""

ROOM_WAIT_S = 1.0
"""So long is waited for room before looking whether the connection still stands."""

MARK_EVERY: Micros = 10 * SECOND
"""How often is noted until when nothing is missing, while nothing comes."""

STATUS_WITHIN: Micros = SECOND
"""A retained status comes with the subscription, if there is one."""

SETTLE_S = 1.0
"""How long the last messages may take to become durable when the feed is stopped."""

MAX_NOTED = 4_000
"""Characters of filters that are remembered from one run to the next."""

OFFLINE = "the source says it is offline"

log = structlog.stdlib.get_logger(__name__)


class MqttFeed:
    """Listens to one broker."""

    def __init__(self, settings: MqttSettings, context: FeedContext) -> None:
        self.name = settings.name
        self.source = settings.source
        self._settings = settings
        self._context = context
        self._decoder = MessageDecoder(settings)
        self._status_topic = settings.status.topic if settings.status else None
        status = (self._status_topic,) if self._status_topic is not None else ()
        self._filters = tuple(dict.fromkeys((*self._decoder.filters, *status)))
        self._seq = 0
        self._heard_at: Micros | None = None  #: until when nothing is missing; None: no idea
        self._former: tuple[str, ...] = ()  #: filters, the last time
        self._session_name = f"{settings.host}:{settings.port} {settings.client_id}"
        self._moved = False  #: the session is another one than before
        self._owed = False  #: a gap is to be told; the next session may be present already
        self._resume(context.resume or {})
        self._ask_version = True
        self._short_lived = False  #: the last connection was
        self._repeats = Repeats()
        self._log = log.bind(feed=settings.name)
        self._voice = Voice(context, self._log)
        self._begin()

    async def run(self) -> None:
        """Listen until cancelled.

        Raises:
            FeedError: there is no connection, no subscription, or no more of either.
        """
        self._begin()
        session = MqttSession(self._settings, self._context.clock)
        try:
            await session.open()
            self._subscribe(session)
            await self._listen(session)
        finally:
            if session.asking and session.ended:
                self._ask_version = False  # some brokers hang up on whoever asks
            if self._seeing:
                self._heard_at = session.complete_until
            await self._settle(session)
            await session.close()

    def _resume(self, position: Position) -> None:
        """Go on after a restart; what waits in another session than ours is lost to us."""
        seq, heard_at, filters = map(position.get, ("seq", "heard_at", "filters"))
        self._seq = seq if isinstance(seq, int) else 0
        self._heard_at = heard_at if isinstance(heard_at, int) else None
        self._moved = position.get("session", self._session_name) != self._session_name
        if self._moved:
            self._owed = self._heard_at is not None
            return
        self._former = tuple(filters.split("\n")) if isinstance(filters, str) else ()

    def _begin(self) -> None:
        """Know nothing of the connection to come."""
        self._voice.begin()
        self._seeing = False  #: subscribed, at
        self._seeing_at: Micros = 0
        self._online: bool | None = None  #: what the source says of itself
        self._forgotten = False
        self._told = 0  #: the number of the last message handed on
        self._marked_at: Micros = 0
        self._progress = Progress()

    def _subscribe(self, session: MqttSession) -> None:
        first = self._heard_at is None
        self._owed = self._owed or not (first or session.terms.session_present)
        self._forgotten = self._owed and not self._moved
        session.subscribe(
            self._filters,
            # What was retained is known already, unless we have no memory of it.
            fetch=self._filters if first or self._moved else (self._status_topic or "",),
            drop=[one for one in self._former if one and one not in self._filters],
        )

    # ---- listening ----------------------------------------------------------------

    async def _listen(self, session: MqttSession) -> None:
        while True:
            room = await self._has_room()
            messages = session.take(MAX_MESSAGES, MAX_BYTES) if room else []
            await self._hand_on(session, messages)
            session.subscriptions.check(self._context.clock.monotonic(), session.arrived_at)
            self._report(session, room=room, taken=len(messages))
            if not messages:
                if session.ended:
                    again, self._short_lived = self._short_lived, session.short_lived
                    raise session.failure(again=again)
                await session.wait(self._context.pause(STEP))
            await session.gather(MAX_MESSAGES)

    async def _has_room(self) -> bool:
        """Wait a moment until the journal takes more; say whether it does."""
        try:
            async with asyncio.timeout(ROOM_WAIT_S):
                await self._context.room()
        except TimeoutError:
            return False
        return True

    async def _hand_on(self, session: MqttSession, messages: Sequence[Arrived]) -> None:
        """Tell what *messages* say; all of them are acknowledged when that is durable."""
        if not messages:
            return
        events: list[Event] = []
        ids: list[int | None] = []
        for message in messages:
            self._seq += 1
            if message.topic == self._status_topic:
                self._take_status(message)
                continue
            decoded = self._decoder.decode(
                message.topic,
                message.payload,
                retained=message.retained,
                received=message.received,
                seq=self._seq,
            )
            events += decoded.events
            ids += decoded.ids
            self._count("decode", decoded.drops, decoded.problem)
            self._count("figure", decoded.doubts, decoded.problem)
        rest = max(0, len(events) - 1) // MAX_EVENTS * MAX_EVENTS
        for start in range(0, rest, MAX_EVENTS):
            end = start + MAX_EVENTS
            self._context.emit(events[start:end], ids=ids[start:end])
            await next_turn()
        self._told = messages[-1].number
        done = functools.partial(session.acknowledge, self._told)
        self._context.emit(events[rest:], self._position(session), ids=ids[rest:], done=done)

    def _position(self, session: MqttSession) -> Position:
        self._marked_at = self._context.clock.monotonic()
        filters = "\n".join(self._filters)
        position: dict[str, str | int] = {
            "seq": self._seq,
            "filters": filters[:MAX_NOTED],
            "session": self._session_name,
        }
        if self._seeing:
            position["heard_at"] = session.complete_until
        elif self._heard_at is not None:
            position["heard_at"] = self._heard_at
        return position

    def _take_status(self, message: Arrived) -> None:
        """Learn whether the source says that it is there."""
        status = self._settings.status
        said = message.payload.decode("utf-8", "replace").strip()
        if status is not None and said in (status.online, status.offline):
            self._online = said == status.online
        elif status is not None and said:  # nothing at all: what was retained is taken back
            expected = f"expected {status.online!r} or {status.offline!r}, found another word"
            self._count("decode", [DecodeReason.BAD_VALUE], f"{status.topic}: {expected}")

    def _count(self, stage: str, reasons: Sequence[str], problem: str) -> None:
        for reason in reasons:
            self._context.count_drop(stage, reason)
        if not reasons:
            return
        repeated = self._repeats.admit((stage, problem), self._context.clock.monotonic())
        if repeated is not None:
            self._log.warning("feed.unreadable", error=problem, repeated=repeated)

    async def _settle(self, session: MqttSession) -> None:
        """Let what was handed on become durable: else all of it would be sent again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while session.acknowledged < self._told and not session.ended:
                    await session.wait()

    # ---- saying what has changed --------------------------------------------------

    def _report(self, session: MqttSession, *, room: bool, taken: int) -> None:
        """Say what has changed: seeing or blind, what is lost, what the broker lacks."""
        if not self._seeing:
            if not session.subscriptions.complete:
                return
            self._see(session)
        now = self._context.clock.monotonic()
        storing = self._context.storing()
        self._progress.look(session, now, room=room, storing=storing, taken=taken)
        if self._online is False:
            self._say(session, OFFLINE)
        elif self._progress.stuck:
            self._say(session, _waiting_for_journal(session.unacknowledged))
        elif self._online or not self._status_topic or self._waited_for_status(now):
            self._say(session, "")
        self._judge(session)
        if self._voice.has_spoken and self._progress.caught_up:
            self._context.current(self._context.clock.now())
        if now - self._marked_at >= MARK_EVERY:
            self._context.emit((), self._position(session))

    def _waited_for_status(self, now: Micros) -> bool:
        return now - self._seeing_at >= STATUS_WITHIN

    def _see(self, session: MqttSession) -> None:
        """All that we have asked for is granted."""
        self._seeing, self._seeing_at = True, self._context.clock.monotonic()
        self._former = self._filters
        if self._owed and self._heard_at is not None:
            length = max(0, self._context.clock.now() - self._heard_at)
            text = f"{session.address}: the broker had forgotten our session"
            if self._moved:
                text = f"{session.address}: client_id, host or port is another than before"
            self._log.error("feed.gap", error=f"{text}; up to {length / SECOND:.1f} s are lost")
            self._context.gap(length, text)
        self._owed = self._moved = False
        self._context.emit((), self._position(session))
        if self._ask_version:
            session.ask_version()

    def _judge(self, session: MqttSession) -> None:
        """Say what is wrong with how messages are kept."""
        found = findings(
            self._settings,
            session.terms,
            session.subscriptions.granted,
            broker=session.broker,
            forgotten=self._forgotten,
            unsafe=session.unsafe,
        )
        if found != self._voice.account:
            self._voice.judge(found)

    def _say(self, session: MqttSession, trouble: str) -> None:
        where = session.address
        subscribed = f"{where}: subscribed, MQTT {session.terms.version}"
        self._voice.say(trouble and f"{where}: {trouble}", subscribed, where)


def _waiting_for_journal(unacknowledged: int) -> str:
    many = f": {unacknowledged} messages unacknowledged" if unacknowledged else ""
    return f"waiting for the journal{many}"
