"""The past as the journal has it: every input of the engine, in order, as it went in."""

import contextlib
import dataclasses
import gc
import operator
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from callmon.clock import SECOND, Micros
from callmon.contacts import MAX_OPEN
from callmon.engine import EngineSettings
from callmon.events import Event, FeedChanged
from callmon.feeds.registry import FEEDS
from callmon.journal import Heard, PastInputs, StoredFeed, TimePassed, past_inputs
from callmon.measures import MEASURES
from callmon.replay import Played
from callmon.trial.crew import Crew, crew_of
from callmon.trial.lean import Input, LeanEngine
from callmon.trial.lived import Lived, lived
from callmon.trial.sameness import fingerprint
from callmon.trial.split import Part, in_processes, joined, processes

__all__ = ["JournalHistory"]

UNREADABLE: Final = "journal: unreadable"

LEAD: Micros = MAX_OPEN * 3 // 2
"""So long before the first event that a window has in it a part begins: who waits or talks
for longer than ``MAX_OPEN`` is given up at one of four moments a day."""

AHEAD: Micros = 3_600 * SECOND
"""So far ahead of the time no event is that a daemon has believed."""

SPLIT_FROM: Final = 400_000
"""Inputs for a process of its own: less is lived through sooner than shared out."""


class _Span(NamedTuple):
    """Numbers of inputs."""

    early: int  #: from here on the state is prepared
    begin: int
    end: int
    last: bool = True  #: nothing comes after it
    asked: int = 0  #: before this is what is only read to know the state at it


@dataclasses.dataclass(frozen=True, slots=True)
class JournalHistory:
    """What a daemon has lived through; it may go on writing meanwhile.

    *agents* are the feeds that know agents though others of their type may not. A long past
    is lived through by as many processes as there *may_be*, each with so many inputs at least.
    """

    path: Path
    agents: Collection[str] = ()
    split_from: int = SPLIT_FROM
    may_be: Callable[[], int] = processes

    @property
    def size(self) -> int:
        """How many inputs there are."""
        with past_inputs(self.path) as inputs:
            return inputs.end - inputs.first

    def last(self) -> Micros | None:
        """Return the instant of the newest input; None: there is none."""
        with past_inputs(self.path) as inputs:
            return inputs.newest()

    def live(
        self,
        settings: EngineSettings,
        *,
        since: Micros | None = None,
        until: Micros | None = None,
        progress: Callable[[int], None] = lambda _read: None,
    ) -> Lived:
        """Live through the inputs as the daemon did: what came late comes late again.

        With *since* it begins so much earlier that every window is whole and every caller
        known at that instant. The state at *until* is what the daemon knew then, not what
        it was told later.
        """
        with past_inputs(self.path) as inputs:
            early = inputs.first if since is None else self._early(inputs, settings, since)
            end = inputs.end if until is None else inputs.since(until + AHEAD)
            asked = early if since is None else inputs.since(since)
            whole = _Span(early, early, end, asked=asked)
            spans = self._spans(inputs, settings, whole)
            size = inputs.end - inputs.first
        meter = _Meter(size, progress)
        meter(size - (end - early))
        if len(spans) > 1:
            parts = in_processes(
                lambda number, told: self._part(settings, spans[number], until, told),
                len(spans),
                meter,
            )
            found = None if parts is None else joined(parts)
            if found is not None:
                return found
        found = self._part(settings, whole, until, meter, sealed=False).lived
        meter.end()
        return found

    def _early(self, inputs: PastInputs, settings: EngineSettings, at: Micros) -> int:
        """Return where to begin for everything to be known at *at*."""
        return inputs.since(LeanEngine(settings).history_start(at) - LEAD)

    def _spans(self, inputs: PastInputs, settings: EngineSettings, whole: _Span) -> list[_Span]:
        """Return parts that take equally long, as many as there can be processes."""
        size = whole.end - whole.begin
        count = min(self.may_be(), size // max(self.split_from, 1))
        while count > 1:
            spans = self._cut(inputs, settings, whole, count)
            lead = max(span.begin - span.early for span in spans)
            if lead < size / count:
                return self._cut(inputs, settings, whole, count, lead=lead)
            count -= 1  # it would take longer to prepare than to live
        return [whole]

    def _cut(
        self,
        inputs: PastInputs,
        settings: EngineSettings,
        whole: _Span,
        count: int,
        *,
        lead: int = 0,
    ) -> list[_Span]:
        """Return *count* parts; the first has *lead* more of its own: it needs no other."""
        spans = [whole]
        step = (whole.end - whole.begin - lead) / count
        for number in range(1, count):
            begin = whole.begin + lead + int(number * step)
            early = max(self._early(inputs, settings, inputs.at(begin)), whole.begin)
            spans[-1] = spans[-1]._replace(end=begin, last=False)
            spans.append(_Span(early, begin, whole.end, asked=whole.asked))
        return spans

    def _part(
        self,
        settings: EngineSettings,
        span: _Span,
        until: Micros | None,
        progress: Callable[[int], None],
        *,
        sealed: bool = True,
    ) -> Part:
        """Live through one span; *sealed*: tell the state at both its ends."""
        with past_inputs(self.path) as inputs, _undisturbed():
            player = _Player(LeanEngine(settings), self.path, until)
            if span.early > inputs.first or not inputs.began:
                crew = _crew(inputs, settings, span.early)
                player.sight(inputs.feeds, self.agents, crew, inputs.down(span.early))
            player.live(inputs, span.early, span.begin, progress)
            begin = fingerprint(player.engine) if sealed else b""
            player.begin()
            asked = min(max(span.asked, span.begin), span.end)
            player.live(inputs, span.begin, asked, progress)
            player.enter()
            player.live(inputs, asked, span.end, progress)
            end = fingerprint(player.engine) if sealed else b""
            if span.last:
                player.finish()
            found = lived(
                player.played(inputs), lead=player.lead, agents_unknown=player.agents_unknown
            )
            return Part(begin, end, found)


class _Meter:
    """Tells progress, no more than there is."""

    def __init__(self, size: int, progress: Callable[[int], None]) -> None:
        self._left = size
        self._progress = progress

    def __call__(self, read: int) -> None:
        read = min(read, self._left)
        self._left -= read
        self._progress(read)

    def end(self) -> None:
        """Tell that all is read."""
        self(self._left)


class _Player:
    """Lets an engine live through inputs, up to an instant.

    Attributes:
        lead: events since ``begin`` of before what was asked for.
        agents_unknown: whether some agents who are measured were not known at the beginning.
    """

    def __init__(self, engine: LeanEngine, path: Path, until: Micros | None) -> None:
        self.engine = engine
        self.lead = 0
        self.agents_unknown = False
        self._played = Played(engine, [path])
        self._until = until
        self._over = False
        self._sighted: list[tuple[StoredFeed, bool]] = []
        self._crew: Crew | None = None
        self._down: frozenset[str] = frozenset()
        self._told_of: set[str] = set()  #: feeds that have come or gone since the beginning
        self._dropped: Counter[str] = Counter()

    def sight(
        self,
        feeds: Collection[StoredFeed],
        agents: Collection[str],
        crew: Crew | None,
        down: frozenset[str],
    ) -> None:
        """Take *feeds* to see from the first event on, until told otherwise.

        What told so has been forgotten, or is not read; those that were *down* see nothing
        from the beginning. Where agents are measured, *crew* is at work then; whoever did
        not list his is taken to know none, until he does.
        """
        self._crew, self._down = crew, down
        self._sighted = [(feed, feed.name in agents) for feed in feeds if feed.type]

    def live(
        self, inputs: PastInputs, begin: int, end: int, progress: Callable[[int], None]
    ) -> None:
        """Take the inputs from *begin* to before *end*."""
        for further, batch in inputs.read(begin, end):
            for heard in batch:
                if self._over:
                    return
                self._take(heard)
            progress(further - begin)
            begin = further

    def begin(self) -> None:
        """Forget what came of it so far, but for the state."""
        self.engine.drain()
        self._played.events, self._played.first = 0, None
        self.enter()

    def enter(self) -> None:
        """From here on is what was asked for: count anew, but know what there was."""
        self.lead += self._played.events
        self._played.events = 0
        self._dropped = Counter(self.engine.dropped)

    def finish(self) -> None:
        """Let time pass to the end that was asked for: nothing more will be told."""
        if self._until is not None and self.engine.now:
            self.engine.advance(self._until)

    def played(self, inputs: PastInputs) -> Played:
        """Return what came of it since ``begin``."""
        played, engine = self._played, self.engine
        played.last = engine.now or None
        for reason, count in (Counter(engine.dropped) - self._dropped).items():
            played.dropped[f"engine: {reason}"] = count
        if inputs.unreadable:
            played.dropped[UNREADABLE] = inputs.unreadable
        return played

    def _take(self, heard: Heard) -> None:
        inputs, until = heard.inputs, self._until
        if until is not None:
            inputs = self._before(until, inputs)
        marks = operator.countOf(map(type, inputs), TimePassed)
        self._played.events += len(inputs) - marks
        if self._played.first is None and inputs:
            self._blind(inputs[0].at)
            inputs = self._begin(inputs, live=heard.live)
        self.engine.hear(inputs, live=heard.live)

    def _before(self, until: Micros, inputs: list[Input]) -> list[Input]:
        """Return what is of no later than *until*; a mark that is later ends it all."""
        found = []
        for each in inputs:
            if each.at <= until:
                found.append(each)
            elif isinstance(each, TimePassed):
                self._over = True
                break
        return found

    def _begin(self, inputs: list[Input], *, live: bool) -> list[Input]:
        """Take what comes before the first event of all, if it is here; return the rest."""
        first = mark = 0
        for first, each in enumerate(inputs):
            if isinstance(each, TimePassed):
                mark = first + 1
            elif isinstance(each, FeedChanged):
                self._told_of.add(each.feed)
            else:
                break
        else:
            return inputs
        before, rest = inputs[:mark], inputs[mark:]
        self.engine.hear(before, live=live)
        self._played.first = inputs[first].at
        for event in self._sights(inputs[first].at):
            self.engine.apply(event)
        return rest

    def _blind(self, at: Micros) -> None:
        for feed, _ in self._sighted:
            if feed.name in self._down:
                event = FeedChanged(at, feed.source, 0, feed.name, up=False, live=feed.live)
                self.engine.apply(event)
                self._told_of.add(feed.name)
        self._down = frozenset()

    def _sights(self, at: Micros) -> Iterator[Event]:
        crew = self._crew
        for feed, agents in self._sighted:
            knows = agents or (feed.type in FEEDS and FEEDS[feed.type].agents)
            if knows and crew is not None and feed.name not in crew.listed:
                self.agents_unknown = True
                knows = False
            if feed.name not in self._told_of:
                yield FeedChanged(
                    at, feed.source, 0, feed.name, up=True, live=feed.live, agents=knows
                )
        self._sighted.clear()
        if crew is not None:
            yield from crew.told
            self._crew = None


def _crew(inputs: PastInputs, settings: EngineSettings, early: int) -> Crew | None:
    """Return who was at work before *early*; None: nobody asks."""
    if not any(MEASURES[threshold.measure].of_agents for threshold in settings.thresholds):
        return None
    return crew_of(inputs.of_agents(early))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Have no garbage collected meanwhile: an engine makes next to none that is in cycles."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
