"""What is told of callers in Asterisk's queues, and noted in the same breath.

Whoever sees evidence decides; here it becomes an event, and the visit is kept or let go.
"""

from callmon.clock import Micros
from callmon.decode.ami_visits import Sequence, Visit, Visits
from callmon.errors import DropReason
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactMoved,
    ContactsListed,
    Event,
    Outcome,
)

__all__ = ["Verdicts"]


class Verdicts:
    """Makes events of decisions.

    Attributes:
        now: Our time, set before each decision.
        offset: The PBX's clock minus ours.
        stamped: Whether the PBX's own word for the time of what is decided on is known.
    """

    def __init__(self, source: str, sequence: Sequence, visits: Visits) -> None:
        self.source = source
        self.now: Micros = 0
        self.offset: Micros = 0
        self.stamped = True
        self._sequence = sequence
        self._visits = visits

    @property
    def present(self) -> Micros:
        """The PBX's time now."""
        return self.now + self.offset

    def place(self) -> int:
        """Return the place in the stream of the next event."""
        return self._sequence.next(self.now)

    def open(self, visit: Visit, at: Micros) -> list[Event] | DropReason:
        """Tell that *visit* has begun."""
        if not self._visits.add(visit, self.now):
            return DropReason.CONTACT_LIMIT
        seq, stamped = self.place(), self.stamped
        queue, contact = visit.queue, visit.contact
        return [ContactJoined(at, self.source, seq, queue, contact, stamped, visit.vague)]

    def let_go(self, visit: Visit, at: Micros) -> list[Event]:
        """Tell that *visit* waits no more, for a reason that is not known yet."""
        visit.end = at
        visit.wait = visit.waited(at)
        return [
            ContactLeft(
                at, self.source, self.place(), visit.queue, visit.contact, None, visit.wait
            )
        ]

    def left(
        self,
        visit: Visit,
        outcome: Outcome,
        at: Micros | None = None,
        *,
        certain: bool = True,
        assumed: bool = False,
    ) -> list[Event]:
        """Tell why *visit* waits no more.

        Without *at* it ended when it was let go. *assumed*: what comes later may overrule it.
        """
        if at is None:
            at = self.present if visit.left is None else visit.left
        until = at if visit.hung_up is None else min(at, visit.hung_up)
        # Who was seen by nobody to leave left nobody knows when.
        seen = certain or visit.left is not None
        self._over(visit, outcome, at, visit.waited(until) if seen else None)
        visit.assumed = assumed
        return [
            ContactLeft(
                at,
                self.source,
                self.place(),
                visit.queue,
                visit.contact,
                outcome,
                visit.wait,
                certain,
            )
        ]

    def answered(self, visit: Visit, at: Micros, agent: str) -> list[Event]:
        """Tell that *agent* has taken the caller."""
        self._over(visit, Outcome.ANSWERED, at, visit.waited(at))
        visit.assumed = False
        return [
            ContactAnswered(
                at,
                self.source,
                self.place(),
                visit.queue,
                visit.contact,
                visit.wait,
                agent,
            )
        ]

    def renamed(self, visit: Visit, heir: str, at: Micros) -> list[Event]:
        """Tell that *visit* goes on under the id *heir*."""
        former = visit.contact
        self._visits.rename(visit, heir)
        return [ContactMoved(at, self.source, self.place(), visit.queue, former, heir)]

    def listed(self, queue: str, contacts: tuple[str, ...]) -> Event:
        """Tell that *contacts* and nobody else wait in *queue*."""
        return ContactsListed(self.present, self.source, self.place(), queue, contacts)

    def _over(self, visit: Visit, outcome: Outcome, at: Micros, wait: Micros | None) -> None:
        first = visit.outcome is None
        visit.outcome = outcome
        visit.end = at
        visit.wait = wait
        if visit.left is None:
            visit.left = at
        if first:
            self._visits.finish(visit, self.now)
