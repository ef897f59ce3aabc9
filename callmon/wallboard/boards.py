"""Makes boards of the state, a few rows at a time.

A board of thousands of queues takes longer than the event loop may stand still: each method
that looks at all of them yields now and then, and others run. Every row is true of its own
instant, and ``Board.at`` is that of the last one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from callmon.board import TODAY_WINDOW, Board, FeedLight, Row, kept, ranked, row_of
from callmon.clock import Micros
from callmon.last_hour import CHARTED, LastHour
from callmon.measures import MEASURES
from callmon.monitor import Monitor
from callmon.plain import number
from callmon.queues import SubjectState

__all__ = ["SLICE", "Boards", "board_window"]

_CHARTED: Final = tuple(MEASURES[name] for name in CHARTED)

SLICE: Final = 20
"""Rows between two turns of the event loop: about a millisecond."""


def board_window(exported: Sequence[str]) -> str:
    """Return the window of a board's rates: the first that is exported and is no whole day."""
    return next((name for name in exported if name != TODAY_WINDOW), TODAY_WINDOW)


class Boards:
    """What wallboards show, of the present state.

    While a subject is blind it is shown as it was last seen (``remember``).
    """

    def __init__(
        self,
        monitor: Monitor,
        *,
        window: Callable[[], str],
        problems: Callable[[], Sequence[str]],
    ) -> None:
        self.last_hour = LastHour()
        self._monitor = monitor
        self._window = window
        self._problems = problems
        self._seen: dict[str, tuple[Row, Micros]] = {}  #: as blind subjects were last seen

    @property
    def window(self) -> str:
        """Return the window of boards for which nobody asks for another."""
        return self._window()

    def knows(self, window: str) -> bool:
        """Tell whether there are figures over *window*."""
        return any(spec.name == window for spec in self._monitor.engine.settings.windows)

    def remember(self) -> None:
        """Keep the picture of what is seen now: a feed is about to be lost."""
        engine = self._monitor.engine
        now = engine.now
        for state in engine.states():
            if not state.blind:
                row = row_of(state, engine.watches(state), self.window, now)
                self._seen[row.id] = row, now

    def rows(self, window: str) -> Iterator[Row | None]:
        """Yield the row of every subject, and None where others should run."""
        engine = self._monitor.engine
        if not self._monitor.began:
            return
        now = self._monitor.present()
        for count, state in enumerate(engine.states(), 1):
            subject = state.subject
            if engine.subjects.get((subject.kind, subject.name)) is state:
                yield self._row(state, window, now)
            if count % SLICE == 0:
                yield None
                now = self._monitor.present()

    def _row(self, state: SubjectState, window: str, now: Micros) -> Row:
        row = row_of(state, self._monitor.engine.watches(state), window, now)
        seen = self._seen.get(row.id)
        if seen is None:
            return row
        if row.blind:
            return kept(row, *seen)
        del self._seen[row.id]
        return row

    def board(self, window: str, rows: Sequence[Row]) -> Board:
        """Return the board that *rows* make up."""
        return Board(
            at=self._monitor.engine.now,
            now=self._monitor.by_source(),
            window=window,
            rows=ranked(rows),
            feeds=[
                FeedLight(
                    name=feed.name,
                    source=feed.source,
                    up=feed.up,
                    silent=feed.silent,
                    reason=feed.reason,
                    last_at=feed.last_at,
                )
                for feed in self._monitor.feeds.values()
            ],
            problems=list(self._problems()),
        )

    def sample(self) -> Iterator[None]:
        """Note what is measured now, for the charts; between two steps others may run."""
        engine = self._monitor.engine
        if not self._monitor.began:
            return
        now = self._monitor.present()
        self.last_hour.begin(now)
        sampled = set()
        for count, state in enumerate(engine.states(), 1):
            name = state.subject.id
            sampled.add(name)
            self.last_hour.sample(name, self._values(state, now))
            if count % SLICE == 0:
                yield
                now = self._monitor.present()
        self.last_hour.forget(sampled)
        self._forget()

    def _forget(self) -> None:
        """Forget how they were last seen who are seen again, or are no more."""
        states = self._monitor.engine.states()
        blind = {state.subject.id for state in states if state.blind}
        self._seen = {name: seen for name, seen in self._seen.items() if name in blind}

    def _values(self, state: SubjectState, now: Micros) -> list[float | None]:
        window = state.windows.get(self.window)
        if window is not None:
            window.sync(now)
        return [number(each.read(state, window, now), each.unit) for each in _CHARTED]
