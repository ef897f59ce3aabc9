"""Why callers leave Asterisk's queues: the evidence, and what follows from it.

QueueCallerLeave tells that somebody waits no more, not why. QueueCallerAbandon comes with a
hang-up, and as well with a timeout, a queue left empty, a withdrawal and a Redirect
(``record_abandoned`` and ``leave_queue`` in ``app_queue.c``). What tells them apart:

* the caller's HangupRequest before Abandon (class *call*): he hung up;
* the place in the dialplan where his channel stands, in the queue's own events (class
  *agent*): a Redirect and an exit by key move it before Abandon and Leave are sent, nothing
  else does. In Asterisk 16 events show an older state of the channel: there a place that
  has not changed means nothing;
* ``QUEUESTATUS`` right after Leave (class *dialplan*): timeout, empty or withdrawn;
* the softhangup cause 4 (class *call*), or Shutdown soon after (class *system*): Asterisk
  itself hung up.

Where the classes that arrive cannot tell, the end is told as ``lost`` and not certain.
"""

from callmon.clock import SECOND, Micros
from callmon.decode.ami_verdicts import Verdicts
from callmon.decode.ami_visits import Place, Visit, Visits
from callmon.events import Event, Outcome

__all__ = ["STATUSES", "AmiExits"]

HANGUP_BY: Micros = 5 * SECOND
"""Who hung up has no channel any more by then; who was redirected still has."""

STATUS_BY: Micros = 2 * SECOND
"""What follows a Leave or a Hangup within milliseconds is there by then."""

CONNECT_BY: Micros = 600 * SECOND
"""An agent who has picked up may hear an announcement or run a dialplan first; by then not."""

SHUTDOWN_WITHIN: Micros = 5 * SECOND
"""So long before Shutdown its hang-ups begin, at most, if they were not seen to begin."""

TWICE = 2
"""Abandons of one visit when the channel could not be made to speak with the agent's."""

STATUSES = {
    "TIMEOUT": Outcome.TIMEOUT,
    "LEAVEEMPTY": Outcome.EMPTY,
    "LEAVEUNAVAIL": Outcome.EMPTY,
    "WITHDRAW": Outcome.WITHDRAWN,
}
"""QUEUESTATUS of who was in the queue and left it."""


class AmiExits:
    """Decides why visits end.

    Attributes:
        calls: Events of class *call* arrive: who hangs up is seen to.
        statuses: Variables arrive: a status that does not come was not set.
        places: The places in events are those of the moment: who did not move stayed.
    """

    def __init__(self, visits: Visits, verdicts: Verdicts) -> None:
        self.calls = False
        self.statuses = False
        self.places = False
        self._visits = visits
        self._verdicts = verdicts
        self._stopping: Micros | None = None

    def connected(self) -> None:
        """Note that a session begins."""
        self._stopping = None

    def disconnected(self) -> None:
        """Note that nothing more will come to explain those who have just left."""
        for visit in self._visits.undecided():
            visit.blind = True
            self._visits.wait_until(visit, self._verdicts.now)

    def abandon(self, visit: Visit, place: Place | None, hold: Micros | None) -> None:
        """Take QueueCallerAbandon of *visit*, which waits."""
        visit.abandons += 1
        visit.hold = hold
        _look(visit, place)

    def leave(self, visit: Visit, place: Place | None, at: Micros) -> list[Event]:
        """Take QueueCallerLeave of *visit*, which waits."""
        _look(visit, place)
        visit.left = at
        if visit.stopped:
            return self._verdicts.left(visit, Outcome.LOST)
        if visit.hung_up is not None:
            return self._verdicts.left(visit, Outcome.ABANDONED)
        if visit.moved and visit.abandons:
            return self._verdicts.left(visit, Outcome.REDIRECTED)
        if visit.moved:
            self.places = True
            return self._verdicts.left(visit, Outcome.KEY_EXIT, assumed=True)
        self._visits.leave(visit)
        self._visits.wait_until(visit, self._verdicts.now + self._patience(visit))
        return self._verdicts.let_go(visit, at)

    def _patience(self, visit: Visit) -> Micros:
        """Return how long to wait for the reason."""
        if visit.abandons:
            return HANGUP_BY
        # An exit by key would have moved the channel, if we know where it was.
        return CONNECT_BY if visit.picked_up or self._stayed(visit) else STATUS_BY

    def _stayed(self, visit: Visit) -> bool:
        """Return whether *visit* is known not to have moved."""
        return self.places and visit.place is not None and not visit.moved

    def status(self, visit: Visit, outcome: Outcome, at: Micros) -> list[Event]:
        """Take a QUEUESTATUS of a visit that has just left."""
        if visit.undecided or (
            visit.left is not None
            and visit.outcome is not outcome
            and (visit.assumed or visit.outcome is Outcome.ABANDONED)
            and at - visit.left <= STATUS_BY
        ):
            visit.hung_up = None  # he did so when he was on his way out already
            return self._verdicts.left(visit, outcome)
        return []

    def hangup_request(self, visit: Visit, at: Micros) -> list[Event]:
        """Take the hang-up of a caller who waits, or is about to be given to an agent."""
        if self._stopping is not None and at >= self._stopping:
            return self.stop(visit, at)
        if not (visit.waiting or visit.undecided) or visit.abandons:
            return []
        if visit.hung_up is None and not visit.stopped:
            visit.hung_up = at
        if visit.undecided and visit.picked_up and visit.called:
            return self._verdicts.left(visit, Outcome.ABANDONED, at)
        return []

    def stopping(self, at: Micros) -> None:
        """Note that Asterisk hangs up channels to stop."""
        if self._stopping is None:
            self._stopping = at

    def stop(self, visit: Visit, at: Micros) -> list[Event]:
        """Take Asterisk's own hang-up of *visit*."""
        if visit.hung_up is None and not visit.abandons:
            visit.stopped = True
            if visit.undecided:
                return self._verdicts.left(visit, Outcome.LOST, at)
        return []

    def hangup(self, visit: Visit, at: Micros) -> list[Event]:
        """Take the end of a caller's channel."""
        if visit.waiting:
            # Its Leave never came; or a transfer gives its place to another channel.
            visit.gone = at
            self._visits.wait_until(visit, self._verdicts.now + STATUS_BY)
            return []
        if visit.left is None or not (
            visit.undecided or (visit.assumed and visit.outcome is Outcome.REDIRECTED)
        ):
            return []
        if not visit.abandons:
            return self._gone_unexplained(visit, at)
        if visit.abandons >= TWICE:
            # The log says so for sure; here it is what fits.
            return self._verdicts.left(visit, Outcome.FAILED, certain=False)
        if not self.statuses:
            return self._unknown(visit)
        stayed = self._stayed(visit) or at - visit.left <= HANGUP_BY
        return self._verdicts.left(visit, Outcome.ABANDONED if stayed else Outcome.REDIRECTED)

    def _gone_unexplained(self, visit: Visit, at: Micros) -> list[Event]:
        """Decide on a channel that has ended after a Leave without Abandon."""
        if visit.picked_up:
            if not visit.called:
                # We are not told of agents: he may have been answered, and is lost to us.
                return self._unknown(visit)
            return self._verdicts.left(visit, Outcome.ABANDONED, at, certain=False)
        if self._stayed(visit):
            return self._unknown(visit)
        return self._verdicts.left(visit, Outcome.KEY_EXIT, assumed=True)

    def extension(self, visit: Visit, *, ended: bool) -> list[Event]:
        """Take a step of the caller's dialplan; *ended*: of that for hung-up channels."""
        if not visit.undecided or not self.statuses:
            return []
        if not visit.abandons:
            if self._stayed(visit) or visit.picked_up or ended:
                return []
            return self._verdicts.left(visit, Outcome.KEY_EXIT, assumed=True)
        if visit.abandons >= TWICE and ended:
            return []
        return self._verdicts.left(visit, Outcome.ABANDONED if ended else Outcome.REDIRECTED)

    def joined_again(self, visit: Visit) -> list[Event]:
        """Decide on a visit whose channel has joined a queue anew."""
        if visit.waiting:
            return self._unknown(visit, self._verdicts.present)
        if not visit.undecided:
            return []
        if visit.abandons and self.statuses:
            return self._verdicts.left(visit, Outcome.REDIRECTED)
        if not (visit.abandons or visit.picked_up or self._stayed(visit)):
            return self._verdicts.left(visit, Outcome.KEY_EXIT)
        return self._unknown(visit)

    def bridged(self, visit: Visit, at: Micros, *, sure: bool) -> list[Event]:
        """Take the entry of a caller who waits into a bridge: he was taken away.

        Unless he is not *sure* to have waited: he may have been answered in a gap.
        """
        if not sure:
            return self._unknown(visit, at)
        return self._verdicts.left(visit, Outcome.REDIRECTED, at)

    def give_up(self, visit: Visit) -> list[Event]:
        """Decide on *visit* with what is known: nothing more will come in time."""
        if visit.waiting:
            if visit.gone is None:
                return self._unknown(visit, self._verdicts.present)
            return self._verdicts.left(
                visit, Outcome.ABANDONED, visit.gone, certain=False, assumed=True
            )
        outcome = self._guess(visit)
        if outcome is None:
            return self._unknown(visit)
        certain = self.calls or outcome is not Outcome.KEY_EXIT
        return self._verdicts.left(visit, outcome, certain=certain, assumed=True)

    def _guess(self, visit: Visit) -> Outcome | None:
        """Return what is left when no evidence came, None when that is more than one."""
        if visit.blind:
            return None
        stayed = self._stayed(visit)
        if not visit.abandons:
            return None if stayed or visit.picked_up else Outcome.KEY_EXIT
        if not self.statuses:
            return None
        if stayed:
            # Not moved and no status: his dialplan for hung-up channels takes its time.
            return Outcome.ABANDONED
        return Outcome.REDIRECTED if self.calls else None

    def shutdown(self, at: Micros) -> list[Event]:
        """Take the end of Asterisk: it was it that hung up those who have just gone.

        Unless hang-ups are seen and it was not seen to begin any: a graceful stop comes when
        the last caller has gone by himself.
        """
        if self.calls and self._stopping is None:
            return []
        since = at - SHUTDOWN_WITHIN if self._stopping is None else self._stopping
        events: list[Event] = []
        for visit in self._visits.undecided():
            if not visit.abandons or (visit.left or since) >= since:
                events += self._verdicts.left(visit, Outcome.LOST)
        for visit in self._visits.ended_since(since):
            before = visit.hung_up is not None and (
                self._stopping is None or visit.hung_up < self._stopping
            )
            if (
                not before
                and visit.abandons
                and (visit.outcome is Outcome.ABANDONED or visit.assumed)
            ):
                visit.hung_up = None
                events += self._verdicts.left(visit, Outcome.LOST)
        return events

    def _unknown(self, visit: Visit, at: Micros | None = None) -> list[Event]:
        return self._verdicts.left(visit, Outcome.LOST, at, certain=False, assumed=True)


def _look(visit: Visit, place: Place | None) -> None:
    """Compare where the channel of *visit* stands with where it stood while it waited."""
    if visit.place is not None and place is not None and place != visit.place:
        visit.moved = True
