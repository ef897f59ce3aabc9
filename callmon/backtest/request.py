"""What was asked of a backtest, on the command line."""

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from callmon.wording import Language

__all__ = ["BacktestRequest", "Progress"]

Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Opened with how much there is to read; what it yields takes how much was just read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What was asked for; None is: as configured, or all there is."""

    config: Path
    candidate: Path | None = None  #: a thresholds file
    logs: Sequence[Path] = ()  #: none: the journal
    source: str | None = None  #: in callmon.yml, that the logs are of
    since: str | None = None
    until: str | None = None
    queues: Sequence[str] = ()  #: names or globs of queues and groups
    thresholds: Sequence[str] = ()  #: names or globs
    sweep: str | None = None
    output: str = "table"  #: or ``json``
    html: Path | None = None
    csv: Path | None = None
    language: Language = Language.ENGLISH
    colour: bool = False  #: of the table
    width: int = 0  #: columns that it may take; 0: as many as it needs
