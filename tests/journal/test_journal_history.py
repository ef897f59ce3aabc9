"""Whatever happens in whatever order, what is found is a state that there was.

A model of the application: its state is what its inputs have made of it, and it hands
over what the daemon hands over. The thread's work is done by hand, so that every
crash, failure and loss can come between any two of its steps.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callmon.clock import SystemClock
from callmon.events import ContactJoined
from callmon.journal import Retention, Stored, TimePassed, Told, store
from callmon.journal.handover import Handover, Run
from callmon.journal.reading import later_inputs
from callmon.journal.writer import Pace, Report, Writer
from tests.journal.desk import held, joined

CAPACITY = 6
"""So little that it is outgrown all the time."""

STEPS = ("a", "b", "mark", "changes", "whole", "ask", "write", "fail", "crash", "lose", "prune")


class Application:
    """Tells, remembers, is killed, and starts again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lives = 0
        self.inputs: list[str] = []  #: who told them: a feed, or "mark"
        self.durable = 0  #: so many inputs somebody was told to be safe
        self.changed: set[str] = set()
        self.begin(home / "0")

    # ---- what it is -------------------------------------------------------------------

    def state(self, count: int) -> dict[str, bytes]:
        """Return the state after *count* inputs: of some keys the last that touched them."""
        keys = {f"k{number % 3}": str(number).encode() for number in range(count)}
        return {**keys, "count": str(count).encode()}

    def places(self, count: int) -> dict[str, dict[str, int]]:
        """Return how far each feed has got after *count* inputs."""
        return {
            feed: {"place": number}
            for number, feed in enumerate(self.inputs[:count])
            if feed != "mark"
        }

    def begin(self, directory: Path) -> None:
        """Start on what is there."""
        self.directory = directory
        self.handover = Handover(CAPACITY, 1_000, 1_000)
        self.writer = Writer(
            directory,
            SystemClock(),
            self.handover,
            remembered=1_000,
            pace=Pace(patience_s=0.0),
            report=self.hear,
        )
        stored, trouble = self.writer.begin()
        assert "" == trouble
        self.compare(stored)

    def compare(self, stored: Stored) -> None:
        """See that what was found is the state that there was after some input."""
        state = dict(stored.parts)
        told: list[int] = []
        for part in later_inputs(self.directory / "journal.db", stored, lambda _: None):
            told += numbers(part)
        count = int(state.get("count", b"0"))
        assert list(range(count, count + len(told))) == told
        for number in told:
            state |= {f"k{number % 3}": str(number).encode(), "count": str(number + 1).encode()}
        count += len(told)
        assert self.durable <= count
        assert self.state(count) == {"count": b"0", **state}
        assert self.places(count) == {
            name: feed.position for name, feed in stored.feeds.items() if feed.position
        }
        assert {name: self.ids(name, count) for name in stored.ids} == stored.ids
        self.inputs = self.inputs[:count]
        self.durable = 0
        # What was told again has changed since the checkpoint, too.
        self.changed = {f"k{number % 3}" for number in told} | {"count"}

    def ids(self, feed: str, count: int) -> list[int]:
        """Return the ids a feed has told."""
        return [number for number, name in enumerate(self.inputs[:count]) if name == feed]

    def hear(self, report: Report) -> None:
        """Hear what became durable."""
        for done in report.load.done if report.load else ():
            done()

    # ---- what may happen --------------------------------------------------------------

    def step(self, name: str) -> None:
        """Do one thing."""
        steps: dict[str, Callable[[], None]] = {
            "mark": lambda: self.take("mark"),
            "changes": lambda: self.checkpoint(whole=False),
            "whole": lambda: self.checkpoint(whole=True),
            "ask": self.ask,
            "write": self.writer.attempt,
            "fail": self.fail,
            "crash": self.crash,
            "lose": self.lose,
            "prune": self.prune,
        }
        steps.get(name, lambda: self.take(name))()

    def take(self, feed: str) -> None:
        """Apply an input, then hand it over."""
        number = len(self.inputs)
        self.inputs.append(feed)
        self.changed |= {f"k{number % 3}", "count"}
        if feed == "mark":
            self.handover.add(TimePassed(number), 1)
        else:
            run = Run(feed, [joined(number)], [number], {"place": number})
            self.handover.add(run, 1)

    def checkpoint(self, *, whole: bool) -> None:
        """Hand over the state, or what has changed of it."""
        state = self.state(len(self.inputs))
        whole = whole or self.handover.wants_whole
        parts = state if whole else {key: state[key] for key in self.changed}
        self.changed = set()
        self.handover.add_checkpoint(len(self.inputs), parts, whole=whole)

    def ask(self) -> None:
        """Ask to be told when all so far is durable."""
        count = len(self.inputs)
        self.handover.add_done(lambda: setattr(self, "durable", max(self.durable, count)))

    def fail(self) -> None:
        """Try to write while somebody holds the file."""
        with held(self.directory):
            self.writer.attempt()

    def crash(self) -> None:
        """Die; the next life begins on the disk as it was at that moment."""
        self.lives += 1
        after = self.home / str(self.lives)
        shutil.copytree(self.directory, after)
        (after / "journal.db-shm").unlink(missing_ok=True)  # memory, not disk
        self.end()
        self.begin(after)

    def lose(self) -> None:
        """Lose the file; what was durable is so again with the next checkpoint."""
        (self.directory / "journal.db").unlink(missing_ok=True)
        self.writer._looked_at = None
        self.durable = 0
        self.writer.attempt()  # notices
        self.writer.attempt()  # begins a fresh one

    def prune(self) -> None:
        """Delete whatever the checkpoint has made dispensable."""
        self.writer._pruning = (Retention(events=0), 10**18)

    def end(self) -> None:
        """Let go of all files."""
        self.writer._leave()
        self.writer._lock.release()


def numbers(part: Told | TimePassed) -> Iterator[int]:
    """Yield the numbers of the inputs in a part."""
    if isinstance(part, TimePassed):
        yield part.at
    else:
        yield from (event.seq for event in part.events if isinstance(event, ContactJoined))


@contextmanager
def impatience() -> Iterator[None]:
    """Let a held file fail at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "LOCKED_AFTER_S", 0.0)
        yield


@given(st.lists(st.sampled_from(STEPS), max_size=40))
@example(["a", "ask", "fail", *"abababab", "whole", "b", "write", "crash"])
@example(["a", "whole", "write", "lose", "b", "whole", "a", "write", "crash"])
@example(["a", "whole", "write", "b", "changes", "fail", "a", "changes", "write", "crash"])
@example([*"aaaaaaa", "whole", *"bbbbbbb", "ask", "whole", "write", "crash"])
def test_what_is_found_is_a_state_that_there_was(steps: list[str]) -> None:
    """State, places and ids belong together, and nothing that was told durable is missing."""
    with tempfile.TemporaryDirectory() as home, impatience():
        application = Application(Path(home))
        try:
            for step in [*steps, "crash"]:
                application.step(step)
        finally:
            application.end()
