"""What visits are in the states that count them: gauges and windows at once, counters later.

A visit is settled, and only then counted for ever, ``SETTLED_AFTER`` past its end, when
every feed that is up has been heard; a feed that is down or has not decided is waited for,
for ``PATIENCE``. What is told later still corrects the windows. Counters never fall: there
it is only counted as a correction.
"""

import heapq
from collections.abc import Callable, Iterable

from callmon.clock import SECOND, Micros
from callmon.events import Outcome
from callmon.queues import SubjectState
from callmon.testimony import Told, Visit, ended

__all__ = ["PATIENCE", "SETTLED_AFTER", "Docket", "VisitStates"]

SETTLED_AFTER: Micros = 5 * SECOND
"""How long after its end a visit may still be told otherwise by a feed that is up."""

PATIENCE: Micros = 600 * SECOND
"""How long after its end a feed that is down, or has not decided, is waited for."""

UNDECIDED_FOR: Micros = 10 * SECOND
"""How long after the record has told an end a live feed may still be in doubt of it. One
that has begun anew meanwhile, with callmon, will never tell."""

_AGAIN: Micros = SECOND
"""How often a visit that cannot be settled yet is looked at."""


class Docket:
    """The visits of one source that are not settled, by when they are looked at next."""

    __slots__ = ("_heap", "_serial", "waits_for_record")

    def __init__(self) -> None:
        self._heap: list[tuple[Micros, int, VisitStates, Visit]] = []
        self._serial = 0
        self.waits_for_record = False  #: a feed that keeps a record is down

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due: Micros, states: "VisitStates", visit: Visit) -> None:
        """Look at *visit* at *due*."""
        self._serial += 1
        heapq.heappush(self._heap, (due, self._serial, states, visit))

    def settle(self, now: Micros) -> int:
        """Settle what is due, when every feed that is up has been heard as far as *now*.

        Returns how many were.
        """
        heap = self._heap
        settled = 0
        while heap and heap[0][0] <= now:
            _, _, states, visit = heapq.heappop(heap)
            if visit.settled or visit.end is None:
                continue
            if now < visit.end + PATIENCE and self._may_be_told(visit, now):
                self.add(now + _AGAIN, states, visit)
            else:
                states.settle(visit)
                settled += 1
        return settled

    def _may_be_told(self, visit: Visit, now: Micros) -> bool:
        if visit.has(Told.END_LOGGED):
            undecided = visit.has(Told.END_LIVE) and visit.live is None
            return undecided and now < visit.logged_at + UNDECIDED_FOR
        undecided = visit.has(Told.END_LIVE) and (
            # Who has only left unseen may be waiting still: the record will tell his end.
            visit.live is None or (not visit.certain and visit.has(Told.JOIN_LOGGED))
        )
        return undecided or self.waits_for_record


class VisitStates:
    """The states that count the visits of one book: the queue first, then its groups.

    *surprised* is called when something has changed that the event does not let expect.
    """

    __slots__ = ("_docket", "_surprised", "states")

    def __init__(
        self,
        states: tuple[SubjectState, ...],
        docket: Docket,
        surprised: Callable[[], None],
    ) -> None:
        self.states = states
        self._docket = docket
        self._surprised = surprised

    def join(self, start: Micros) -> None:
        """Somebody waits since *start*."""
        for state in self.states:
            state.join(start)

    def restart_wait(self, visit: Visit, start: Micros) -> None:
        """*visit* began at *start*: that is known better now."""
        if visit.end is None:
            for state in self.states:
                state.restart_wait(visit.start, start)
        elif not visit.settled:
            for state in self.states:
                state.restart(visit.start, start)
        visit.start = start

    def end(self, visit: Visit) -> None:
        """Bring what is shown of *visit*, which waits no more, to what is known now."""
        outcome, at, wait = ended(visit)
        if visit.bygone or (outcome, at, wait) == (visit.outcome, visit.end, visit.wait):
            return
        waited = visit.end is None
        if visit.end is not None and visit.outcome is not None:
            for state in self.states:
                state.hide(visit.end, visit.outcome, visit.wait, visit.start)
        former, visit.end, visit.outcome, visit.wait = visit.outcome, at, outcome, wait
        if waited:
            visit.shown = True
            for state in self.states:
                state.stop_wait(visit.start)
            if not visit.settled:
                self.put_off(visit)
        elif visit.counted is not None and former is not outcome:
            for state in self.states if visit.shown else ():
                state.correct(visit.counted, outcome or Outcome.LOST)
        self._show(visit)
        if former is not None:
            self._surprised()

    def move(self, visits: Iterable[Visit], former: tuple[SubjectState, ...]) -> None:
        """Go on counting *visits* in the states that are now to be told of.

        Those that are not among the *former* ones have summed up what windows and gauges hold.
        """
        new = [state for state in self.states if state not in former]
        for visit in visits:
            if visit.end is None or visit.settled or not visit.shown:
                continue
            for state in new:
                state.unsettle(visit.outcome, visit.wait)

    def put_off(self, visit: Visit) -> None:
        """Count the end of *visit* when it is settled."""
        for state in self.states:
            state.unsettled += 1
        self.await_word(visit)

    def await_word(self, visit: Visit) -> None:
        """Look at *visit*, which is not counted yet, when it may be settled."""
        due = max(visit.end or 0, visit.start) + SETTLED_AFTER
        self._docket.add(due, self, visit)

    def settle(self, visit: Visit) -> None:
        """Count *visit* for ever. Who has no outcome by now is lost."""
        if visit.settled:
            return
        if visit.outcome is None:
            visit.outcome, visit.wait = Outcome.LOST, None
            self._show(visit)
            self._surprised()
        visit.settled = True
        visit.counted = visit.outcome
        end = visit.start if visit.end is None else visit.end
        for state in self.states if visit.shown else ():
            state.settle(end, visit.outcome, visit.wait, visit.start)

    def hang_up(self, visit: Visit, at: Micros, talk: Micros | None) -> None:
        """The talk of *visit* ended after *talk*, if that is known."""
        visit.talking = False
        visit.talked = True
        self.end_talk(at, talk)

    def end_talk(self, at: Micros, talk: Micros | None) -> None:
        """One of the running talks ended after *talk*, if that is known."""
        for state in self.states:
            state.end_talk(at, talk)
            state.changed()

    def _show(self, visit: Visit) -> None:
        """Let the windows see how *visit* ended, and the gauge whether it talks."""
        if visit.end is not None and visit.outcome is not None:
            for state in self.states:
                state.show(visit.end, visit.outcome, visit.wait, visit.start)
        talks = visit.outcome is Outcome.ANSWERED and not visit.talked
        if talks != visit.talking:
            visit.talking = talks
            for state in self.states:
                state.talking += 1 if talks else -1
