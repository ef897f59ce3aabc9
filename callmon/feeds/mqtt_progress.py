"""Whether an MQTT feed has told everything, or waits for something.

A broker does not say whether more is to come. It has at most a window of messages under way
that are not acknowledged, and fills it at once while it has a backlog.
"""

from typing import Protocol

from callmon.clock import SECOND, Micros
from callmon.feeds.mqtt_account import BrokerTerms
from callmon.feeds.settings import MqttVersion

__all__ = ["Progress"]

STUCK_AFTER: Micros = 10 * SECOND
"""Longer than a disk takes that works."""

QUIET_AFTER: Micros = SECOND // 5
"""So long the window is not full when a backlog is over; commits take less."""

MANY = 50
"""Messages at once that speak for a backlog, too: acknowledged fast enough, the window of
messages under way is never seen full."""

UNTOLD_FOR: Micros = 10 * SECOND
"""With 3.1.1 the window is not known, and a backlog looks like much traffic. After this a
feed that is never quiet counts as caught up: engine time must not stand for ever."""


class _Session(Protocol):
    """What is looked at."""

    @property
    def terms(self) -> BrokerTerms: ...
    @property
    def waiting(self) -> int: ...
    @property
    def unacknowledged(self) -> int: ...
    @property
    def full(self) -> bool: ...
    @property
    def acknowledged(self) -> int: ...
    @property
    def arrived_at(self) -> Micros: ...


class Progress:
    """Looks at one session now and then.

    ``caught_up``: all that has come is told, and nothing speaks for there being more.
    ``stuck``: nothing more can come, because nothing becomes durable.
    """

    def __init__(self) -> None:
        self.caught_up = False
        self.stuck = False
        self._began_at: Micros | None = None
        self._busy_at: Micros = 0  #: when the window was full
        self._acknowledged = 0
        self._free_at: Micros = 0  #: when something was acknowledged, or needed not be

    def look(
        self,
        session: _Session,
        now: Micros,
        *,
        room: bool,
        storing: bool = True,
        taken: int = 0,
    ) -> None:
        """Judge by what is at *now*, monotonic time.

        *room*: the journal takes more. *storing*: it can be written, so far as is known.
        *taken*: so many messages have just been taken at once.
        """
        if self._began_at is None:
            self._began_at = self._busy_at = self._free_at = now
        full = session.full
        if session.acknowledged != self._acknowledged or (room and not full):
            self._acknowledged, self._free_at = session.acknowledged, now
        self.stuck = now - self._free_at >= STUCK_AFTER or (full and not storing)
        if full or taken >= MANY:
            self._busy_at = now
        self.caught_up = room and not session.waiting and self._over(session, now)

    def _over(self, session: _Session, now: Micros) -> bool:
        """Whether a backlog that there may have been is over."""
        if now - max(self._busy_at, session.arrived_at) >= QUIET_AFTER:
            return True
        if session.terms.version is MqttVersion.V311:
            return self._began_at is not None and now - self._began_at >= UNTOLD_FOR
        return now - self._busy_at >= QUIET_AFTER
