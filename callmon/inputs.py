"""Where all that goes into the engine is written down, in order: the journal, or nowhere."""

from collections.abc import Callable, Sequence
from typing import Protocol

from callmon.clock import Micros
from callmon.events import Event
from callmon.feeds.base import Position

__all__ = ["Inputs", "Unwritten"]


class Inputs(Protocol):
    """Where all that goes into the engine is written down, in order: the journal."""

    def record(
        self,
        feed: str,
        events: Sequence[Event],
        ids: Sequence[int | None],
        position: Position | None,
    ) -> None:
        """Take events that were applied, and how far their feed has got."""

    def passed(self, at: Micros) -> None:
        """Note that the engine was advanced to *at*, and something came of it."""

    def when_durable(self, done: Callable[[], None]) -> None:
        """Call *done* when all that was taken so far would survive a crash."""


class Unwritten:
    """Writes nothing down: what it is told is as safe as it will ever be."""

    def record(
        self,
        feed: str,
        events: Sequence[Event],
        ids: Sequence[int | None],
        position: Position | None,
    ) -> None:
        """Do nothing."""

    def passed(self, at: Micros) -> None:
        """Do nothing."""

    def when_durable(self, done: Callable[[], None]) -> None:
        """Call *done*."""
        done()
