"""Which past, and how much of it: as the command line asks for it."""

import dataclasses
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from zoneinfo import ZoneInfo

from callmon.alert_views import moment
from callmon.clock import Micros
from callmon.config import Config
from callmon.config.problems import one_of
from callmon.config.values import duration
from callmon.feeds.registry import knows_agents
from callmon.journal.disk import NAME
from callmon.replay import WrongRequestError, source_of
from callmon.trial.history import FileHistory, History
from callmon.trial.journal import JournalHistory

__all__ = ["Span", "asked_span", "history_of", "is_chosen"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when until when; None: as far as there is anything."""

    since: Micros | None = None
    back: Micros | None = None  #: instead of *since*: so long before the end
    until: Micros | None = None


def history_of(config: Config, logs: Sequence[Path], source: str | None) -> History:
    """Return the past that *logs* tell of; without any, that of the journal of *config*.

    Raises:
        FeedError: a log cannot be read.
        WrongRequestError: it is not clear which source the logs are of.
    """
    known = {feed.source for feed in config.feeds}
    if logs and source is not None and source not in known:
        hint = one_of(source, sorted(known), what="there are")
        raise WrongRequestError(f"--source: no source {source!r} in {config.files[0]}{hint}")
    if logs:
        return FileHistory(tuple(logs), source or source_of(logs, config))
    if source is not None:
        raise WrongRequestError("--source: only with --log: the journal knows its sources")
    agents = frozenset(feed.name for feed in config.feeds if knows_agents(feed))
    return JournalHistory(config.storage_directory / NAME, agents)


def asked_span(since: str | None, until: str | None, zone: ZoneInfo) -> Span:
    """Return the span between two instants as people write them, such as 2026-11-22T18:00.

    *since* may be a length, too: so long before the end.

    Raises:
        WrongRequestError: one of them makes no sense, or *since* is not before *until*.
    """
    try:
        end = None if until is None else moment("--until", _dated("--until", until), 0, zone)
        if since is None:
            return Span(until=end)
        if "-" not in since:
            return Span(back=_length(since), until=end)
        begin = moment("--since", since, 0, zone)
    except ValueError as error:
        raise WrongRequestError(str(error)) from error
    if end is not None and end <= begin:
        raise WrongRequestError(f"expected --since before --until, found {since} and {until}")
    return Span(since=begin, until=end)


def is_chosen(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether one of *patterns* is *name*; without any, everything is chosen."""
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _dated(name: str, text: str) -> str:
    if "-" not in text:
        raise ValueError(f"{name}: expected an instant like 2026-11-22T18:00, found {text!r}")
    return text


def _length(text: str) -> Micros:
    try:
        length = duration(text)
    except ValueError as error:
        raise ValueError(
            f"--since: {error}, or a day like 2026-11-22, found {text!r}"
        ) from None
    if not length:
        raise ValueError("--since: expected a length above 0")
    return length
