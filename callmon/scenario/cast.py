"""What happens in a scenario, as events: who waits where, who talks to whom, who works. Pure.

Everything is lived through in order of time, so that nobody is answered who does not wait.
"""

import dataclasses
import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from callmon.clock import Micros
from callmon.events import (
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    ContactRefused,
    Event,
    FeedChanged,
    Outcome,
    RingNotAnswered,
    SourceRestarted,
    TalkEnd,
    TalkEnded,
)
from callmon.feeds.registry import knows_agents
from callmon.scenario.crew import Crew
from callmon.scenario.figures import report_of
from callmon.scenario.site import Site
from callmon.scenario.slots import SentenceError
from callmon.scenario.steps import (
    Action,
    AgentActs,
    Begins,
    FeedTurns,
    Joins,
    Leaves,
    OfCallers,
    Refused,
    Reports,
    Rings,
    SourceRestarts,
    StopsTalking,
    Then,
    Word,
)

__all__ = ["Cast", "Scripted"]


class Scripted(NamedTuple):
    """What happens, at which instants: one for each caller."""

    number: int  #: of the sentence among all of the scenario
    instants: Sequence[Micros]
    action: Action


@dataclasses.dataclass(slots=True)
class _Stay:
    """A caller in a queue: waiting, then perhaps talking."""

    caller: str
    queue: str
    contact: str
    joined: Micros
    answered: Micros | None = None
    agent: str = ""
    over: bool = False
    rung: dict[str, tuple[Micros, Micros | None]] = dataclasses.field(default_factory=dict)
    """Agents whose telephone rings: since when, and until when if the caller still waits."""


Act = Callable[[Micros], None]
"""Something that happens at an instant."""


class Cast:
    """The people of one scenario.

    *report* is told which sentence is impossible, and why; *called* are queues of whose
    callers others tell.
    """

    def __init__(
        self,
        site: Site,
        report: Callable[[int, SentenceError], None],
        called: Collection[str] = (),
    ) -> None:
        self.events: list[Event] = []
        self._site = site
        self._report = report
        self._seqs = itertools.count(1)
        self._order = itertools.count()
        self._coming: list[tuple[Micros, int, int, Act]] = []
        self._here: dict[str, list[_Stay]] = {}  #: by caller
        self._lines = defaultdict[tuple[str, bool], list[tuple[Micros, int, _Stay]]](list)
        self._visits = itertools.count(1)
        self._called = {*called}  #: queues of whose callers each is told of
        self._reported: set[str] = set()  #: those that are reported as a whole
        self._crew = Crew(site, self.events, self._seqs)

    def live(self, begin: Micros, script: Sequence[Scripted]) -> list[Event]:
        """Return the events of *script*, oldest first; all feeds see from *begin* on."""
        for feed in self._site.config.feeds:
            seq = next(self._seqs)
            up = FeedChanged(
                begin, feed.source, seq, feed.name, up=True, agents=knows_agents(feed)
            )
            self.events.append(up)
        for number, instants, action in script:
            for at, act in self._acts(action, instants):
                self._plan(at, number, act)
        while self._coming:
            at, _, number, act = heapq.heappop(self._coming)
            self._number = number
            try:
                act(at)
            except SentenceError as error:
                self._report(number, error)
        return self.events

    def _plan(self, at: Micros, number: int, act: Act) -> None:
        heapq.heappush(self._coming, (at, next(self._order), number, act))

    def _acts(self, action: Action, instants: Sequence[Micros]) -> Iterator[tuple[Micros, Act]]:
        """Yield what *action* comes to, caller by caller."""
        match action:
            case Joins() | Leaves() | Refused() | Rings() | StopsTalking():
                who = action.who
                callers: Sequence[Word | None] = who.names or [None] * len(instants)
                for caller, at in zip(callers, instants, strict=True):
                    yield at, self._act_of(action, caller)
            case Reports():
                for at in instants:
                    yield at, lambda at: self._report_figures(at, action)
            case AgentActs():
                yield instants[0], lambda at: self._crew.act(at, action)
            case FeedTurns():
                yield instants[0], lambda at: self._turn_feed(at, action)
            case SourceRestarts():
                yield instants[0], lambda at: self._restart(at, action)
            case Begins():
                pass

    def _act_of(self, action: OfCallers, caller: Word | None) -> Act:
        if isinstance(action, Joins):
            return lambda at: self._join(at, action, caller)
        if isinstance(action, Leaves):
            return lambda at: self._leave(at, action, caller)
        if isinstance(action, Refused):
            return lambda at: self._refuse(at, action, caller)
        if isinstance(action, Rings):
            return lambda at: self._ring(at, action, caller)
        return lambda at: self._stop_talking(at, action, caller)

    # ---- callers -------------------------------------------------------------------

    def _join(self, at: Micros, action: Joins, caller: Word | None) -> None:
        queue = self._site.queue(action.queue)
        self._see_that_callers_count(action.queue, queue)
        visit = next(self._visits)
        name = f"#{visit}" if caller is None else caller.text
        if caller is not None and self._waiting(name, queue):
            raise SentenceError(caller.at, f"caller {name} waits in {queue} already")
        stay = self._begin(at, name, queue, f"{name}.{visit}")
        then = action.then
        if then is not None:
            self._plan(at + then.after, self._number, lambda at: self._end_as(at, stay, then))

    def _refuse(self, at: Micros, action: Refused, caller: Word | None) -> None:
        queue = self._site.queue(action.queue)
        self._see_that_callers_count(action.queue, queue)
        visit = next(self._visits)
        name = f"#{visit}" if caller is None else caller.text
        stay = _Stay(name, queue, f"{name}.{visit}", at)
        self.events.append(ContactRefused(*self._head(at, stay), action.reason))

    def _ring(self, at: Micros, action: Rings, caller: Word | None) -> None:
        stay, agent = self._found(action, caller, talking=False), action.agent
        self._ring_out(at, stay, agent.text)  # it may just have rung long enough
        if agent.text in stay.rung:
            message = f"caller {stay.caller} rings at {agent.text} already then"
            raise SentenceError(agent.at, message)
        here = self._crew.ring(at, agent.text, rings=True)
        end = None if action.ring is None else at + action.ring
        stay.rung[agent.text] = at, end
        if end is not None:
            self._plan(end, self._number, lambda at: self._ring_out(at, stay, agent.text))
        elif not here:
            raise SentenceError(agent.at, f"agent {agent.text} is not logged in then")

    def _ring_out(self, at: Micros, stay: _Stay, agent: str) -> None:
        """Let an agent not have answered whose telephone has rung long enough."""
        begin, end = stay.rung.get(agent, (at, None))
        if end == at:
            self.events.append(RingNotAnswered(*self._head(at, stay), at - begin, agent))
            self._silence(at, stay, agent)

    def _silence(self, at: Micros, stay: _Stay, *names: str) -> None:
        """Let no telephone ring for a caller any more, or none of *names*."""
        for name in names or sorted(stay.rung):
            del stay.rung[name]
            if not any(name in other.rung for other in self._all()):
                self._crew.ring(at, name, rings=False)

    def _begin(self, at: Micros, name: str, queue: str, contact: str) -> _Stay:
        stay = _Stay(name, queue, contact, at)
        self._here.setdefault(name, []).append(stay)
        self._line_up(stay, talking=False)
        self.events.append(ContactJoined(*self._head(at, stay)))
        return stay

    def _end_as(self, at: Micros, stay: _Stay, then: Then) -> None:
        """Do what was said of a caller when he joined, if he still waits."""
        if stay.answered is None and not stay.over:
            self._end(at, stay, then.outcome, then.agent, then.talk)

    def _leave(self, at: Micros, action: Leaves, caller: Word | None) -> None:
        hangs_up = action.outcome is Outcome.ABANDONED
        stay = self._found(action, caller, talking=None if hangs_up and caller else False)
        if stay.answered is not None:
            self._end_talk(at, stay)
            return
        self._end(at, stay, action.outcome, action.agent, action.talk)
        if action.to is not None:
            to = self._site.queue(action.to)
            self._see_that_callers_count(action.to, to)
            self._begin(at, stay.caller, to, stay.contact)

    def _end(
        self,
        at: Micros,
        stay: _Stay,
        outcome: Outcome,
        agent: Word | None,
        talk: Micros | None,
    ) -> None:
        self._silence(at, stay)
        if outcome is not Outcome.ANSWERED:
            self.events.append(ContactLeft(*self._head(at, stay), outcome, None))
            self._forget(stay)
            return
        stay.answered, stay.agent = at, "" if agent is None else agent.text
        self._line_up(stay, talking=True)
        self.events.append(ContactAnswered(*self._head(at, stay), None, stay.agent))
        self._crew.talk(at, stay.agent, talking=True)
        if talk is not None:
            self._plan(at + talk, self._number, lambda at: self._end_talk(at, stay))

    def _stop_talking(self, at: Micros, action: StopsTalking, caller: Word | None) -> None:
        self._end_talk(at, self._found(action, caller, talking=True))

    def _end_talk(self, at: Micros, stay: _Stay) -> None:
        if stay.answered is None or stay.over:
            return
        talk = at - stay.answered
        ended = TalkEnded(*self._head(at, stay), talk, TalkEnd.CALLER, stay.agent)
        self.events.append(ended)
        self._crew.talk(at, stay.agent, talking=False)
        self._forget(stay)

    def _found(
        self,
        action: Leaves | Rings | StopsTalking,
        caller: Word | None,
        *,
        talking: bool | None,
    ) -> _Stay:
        """Return the stay that *action* ends; *talking* None: whether or not.

        Raises:
            SentenceError: there is none, or it is not clear which.
        """
        queue = None if action.queue is None else self._site.queue(action.queue)
        if caller is None:
            return self._longest(action, queue or "", talking=bool(talking))
        found = [
            stay
            for stay in self._here.get(caller.text, ())
            if queue in {None, stay.queue} and talking in {None, stay.answered is not None}
        ]
        does = "talks" if talking else "waits"
        where = "" if queue is None else f" in {queue}"
        if not found:
            raise SentenceError(caller.at, f"caller {caller.text} {does} nowhere{where} then")
        if len({stay.queue for stay in found}) > 1:
            names = ", ".join(sorted({stay.queue for stay in found}))
            message = f"caller {caller.text} is in several queues ({names}): say in which"
            raise SentenceError(caller.at, message)
        return found[0]

    def _longest(
        self, action: Leaves | Rings | StopsTalking, queue: str, *, talking: bool
    ) -> _Stay:
        """Return who has been in *queue* for longest.

        Raises:
            SentenceError: nobody waits, or talks, there.
        """
        line = self._lines[queue, talking]
        while line and (line[0][2].over or (line[0][2].answered is not None) is not talking):
            heapq.heappop(line)
        if not line:
            at = 0 if action.queue is None else action.queue.at
            does = "talks" if talking else "waits"
            raise SentenceError(at, f"nobody more {does} in {queue} then")
        return line[0][2]

    def _line_up(self, stay: _Stay, *, talking: bool) -> None:
        """Put *stay* where callers without a name are looked for, by how long they are here."""
        line = self._lines[stay.queue, talking]
        heapq.heappush(line, (stay.joined, next(self._order), stay))

    def _all(self) -> list[_Stay]:
        return [stay for stays in self._here.values() for stay in stays]

    def _waiting(self, caller: str, queue: str) -> bool:
        return any(
            stay.queue == queue and stay.answered is None for stay in self._here.get(caller, ())
        )

    def _forget(self, stay: _Stay) -> None:
        stay.over = True
        self._here[stay.caller].remove(stay)

    def _head(self, at: Micros, stay: _Stay) -> tuple[Micros, str, int, str, str]:
        source, spelled = self._site.origin(stay.queue)
        return at, source, next(self._seqs), spelled, stay.contact

    # ---- queues as a whole -----------------------------------------------------------

    def _report_figures(self, at: Micros, action: Reports) -> None:
        queue, stale_after = self._site.reported_queue(action.queue)
        if not action.figures.only_agents:
            self._reported.add(queue)
            if queue in self._called:
                raise _both(action.queue, queue)
        source, spelled = self._site.origin(queue)
        head = at, source, next(self._seqs), spelled
        self.events.append(report_of(action.figures, head, stale_after))

    def _see_that_callers_count(self, word: Word, queue: str) -> None:
        """See that *queue* is not known by reports.

        Raises:
            SentenceError: it is; who is told of by himself would count beside them.
        """
        self._called.add(queue)
        if queue in self._reported:
            raise _both(word, queue)

    # ---- feeds ---------------------------------------------------------------------

    def _turn_feed(self, at: Micros, action: FeedTurns) -> None:
        feed = self._site.feed(action.feed)
        turned = FeedChanged(
            at,
            feed.source,
            next(self._seqs),
            feed.name,
            up=action.up,
            agents=knows_agents(feed),
        )
        self.events.append(turned)

    def _restart(self, at: Micros, action: SourceRestarts) -> None:
        source = self._site.source(action.source)
        self.events.append(SourceRestarted(at, source, next(self._seqs)))
        for stay in self._all():
            if self._site.origin(stay.queue)[0] == source:
                self._silence(at, stay)
                self._crew.talk(at, stay.agent, talking=False)
                self._forget(stay)


def _both(word: Word, queue: str) -> SentenceError:
    message = f"{queue} is known by its callers here or by reports, not by both"
    return SentenceError(word.at, message)
