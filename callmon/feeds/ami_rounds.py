"""What is asked of an Asterisk again and again: is it there, and who waits in its queues."""

from collections.abc import Callable

from callmon.clock import SECOND, Clock, Micros
from callmon.decode.ami import Message
from callmon.errors import FeedError, FeedReason
from callmon.feeds.ami_session import AmiSession
from callmon.feeds.settings import AsteriskAmiSettings

__all__ = ["CHANGING", "NOBODY", "Rounds"]

MISSED_PINGS = 2
"""A PBX that is busy misses one."""

SNAPSHOT_TIMEOUT: Micros = 30 * SECOND
"""With realtime queues Asterisk reads each one from its database first."""

WHOLE_EVERY = 5
"""Audits from one with all agents to the next: agents come and go by a reload unheard."""

AGAIN_AFTER: Micros = 5 * SECOND
"""How soon a snapshot that was refused is asked for again while there is none yet."""

SETTLED_AFTER: Micros = SECOND
"""After a reload: one of everything is announced module by module."""

NOBODY = "__none__"
"""As name of a member it leaves the members out of a snapshot, by far the larger part."""

CHANGING = frozenset({"FullyBooted", "Reload"})
"""Events after which members may have come and gone."""


class Rounds:
    """Sends pings and QueueStatus when they are due, and knows what is not answered.

    ``expect`` is called with the ActionID of each QueueStatus, whether it asks for all, and
    when it was asked.
    """

    def __init__(
        self,
        settings: AsteriskAmiSettings,
        session: AmiSession,
        clock: Clock,
        expect: Callable[[str, bool, Micros], None],
    ) -> None:
        now = clock.monotonic()
        self.refusal = ""  #: why there is no snapshot, in the words of the Asterisk
        self._fresh = False
        self._looked = False  #: QueueStatus has been answered once
        self._settings = settings
        self._session = session
        self._clock = clock
        self._expect = expect
        self._ping_due = now
        self._pings: dict[str, Micros] = {}  #: unanswered, at most ``MISSED_PINGS``
        self._audit_due = now
        self._audits = 0
        self._asked: tuple[str, Micros] | None = None

    def look(self) -> None:
        """Send what is due.

        Raises:
            FeedError: the other side is dead, or does not answer.
        """
        now = self._clock.monotonic()
        if now >= self._ping_due:
            self._ping(now)
        if self._asked is not None:
            self._check_answer(now, self._asked[1])
        elif now >= self._audit_due:
            self._ask(now)

    def take(self, message: Message) -> None:
        """See whether *message* answers something, or asks for another look."""
        event, action = message.get("Event"), message.get("ActionID")
        # The one that follows the login comes before the first snapshot.
        if event in CHANGING and self._looked:
            self._audits = 0
            self._audit_due = min(self._audit_due, self._clock.monotonic() + SETTLED_AFTER)
        if action is None:
            return
        if action in self._pings and event is None:
            # The answers come in order: what was asked before is not answered any more.
            self._pings.clear()
        if self._asked is not None and action == self._asked[0]:
            if event == "QueueStatusComplete":
                self._answered("")
            elif event is None and message.get("Response") == "Error":
                self._answered(message.get("Message", "no reason given"))

    def fresh(self) -> bool:
        """Return whether a snapshot has come since the last time this was asked."""
        fresh, self._fresh = self._fresh, False
        return fresh

    def _ping(self, now: Micros) -> None:
        if len(self._pings) >= MISSED_PINGS:
            oldest, sent = next(iter(self._pings.items()))
            if self._session.stream.heard <= sent:
                text = f"{self._session.address}: silent, {MISSED_PINGS} pings unanswered"
                raise FeedError(FeedReason.LOST, text)
            del self._pings[oldest]  # something else has come: it lives
        self._ping_due = now + self._settings.ping
        self._pings[self._session.send("Ping")] = now

    def _ask(self, now: Micros) -> None:
        whole = self._audits % WHOLE_EVERY == 0
        fields = {} if whole else {"Member": NOBODY}
        action = self._session.send("QueueStatus", fields)
        self._audits += 1
        self._asked = action, now
        self._expect(action, whole, self._clock.now())

    def _answered(self, refusal: str) -> None:
        now = self._clock.monotonic()
        self._asked = None
        self._looked = True
        if refusal:
            self.refusal = self._session.quoted(refusal)
            self._audits = 0
            self._audit_due = now + min(AGAIN_AFTER, self._settings.audit)
            return
        self.refusal = ""
        self._fresh = True
        self._audit_due = now + self._settings.audit

    def _check_answer(self, now: Micros, asked: Micros) -> None:
        # While bytes wait to be read, the answer may be among them.
        if now - asked >= SNAPSHOT_TIMEOUT and not self._session.stream.backlog:
            text = f"{self._session.address}: expected an answer to QueueStatus, found none"
            raise FeedError(FeedReason.LOST, f"{text} in {SNAPSHOT_TIMEOUT // SECOND} s")
