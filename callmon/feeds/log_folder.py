"""The files a log is spread over, and how to find one's way among them.

A log is one path that its writer appends to, and whatever rotation has made of earlier
parts: ``queue_log.0 .1 .1794…``, ``queue_log-20261101.gz``, copies. Their names tell nothing
reliable: with one strategy a higher number is newer, with another it is older, and all are
renamed while we look.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from callmon.clock import SECOND, Micros
from callmon.feeds.log_file import (
    SEARCH_BYTES,
    Checkpoint,
    Facts,
    LogFile,
    close_log,
    digest,
    open_log,
    stamp_of,
)

__all__ = ["LogFolder", "Place"]

MAX_SIBLINGS = 4000
"""The newest of so many rotated files are considered: ten years of daily rotation."""

MAX_LOOKS = 5
"""Rotation takes milliseconds: if files move at each look, the next poll is soon enough."""

CLOCK_SLACK: Micros = 600 * SECOND
"""How far a clock may have stepped back within a log without our missing a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to begin reading: an open file, the caller's to close."""

    file: LogFile
    offset: int
    newer_than: Micros = -1
    """Events not later than this are known already, or of no interest."""
    lost_since: Micros | None = None
    """When set: what was written from then to the beginning of this file is lost."""


class _MovedError(Exception):
    """Files were renamed while we looked."""


class LogFolder:
    """A log's path and its rotated files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[_Entry, Facts | None] = {}

    def locate(self, place: Checkpoint) -> Place | None:
        """Find *place* again; None while there is no text to read at all.

        Where it is gone, reading begins with whatever was begun after it, and the gap
        is stated. A present file that begins alike but goes on differently was set back
        (a restored backup, an editor): it is read again for what is newer.
        """
        return self._retry(lambda present: self._locate(place, present))

    def since(self, instant: Micros) -> Place | None:
        """Find where the lines from *instant* on begin; None while there is no text."""
        return self._retry(lambda present: self._since(instant, present))

    def successor(self, file: LogFile, end: Checkpoint) -> Place | None:
        """Find what was begun after *file*, read to *end*, which is no longer at the path.

        None while there is nothing, or only an empty file: the writer may still be writing
        to the old one, for it begins the new one with a line as soon as it has opened it.
        """
        return self._retry(lambda present: self._successor(file, end, present))

    def _retry(self, look: Callable[[LogFile | None], Place | None]) -> Place | None:
        """Look until nothing is renamed meanwhile; an empty file is no place to be.

        It has nothing to be recognised by: if it were waited for in it, what is written
        and rotated away between two looks would be missed.
        """
        for _ in range(MAX_LOOKS):
            present = open_log(self.path)
            place = None
            try:
                place = look(present)
            except _MovedError:
                continue
            finally:
                if place is None or place.file is not present:
                    close_log(present)
            if place is None or place.file.size():
                return place
            place.file.close()
            return None
        return None

    def _locate(self, place: Checkpoint, present: LogFile | None) -> Place | None:
        here = present is not None and present.holds(place)
        if present is not None and here and present.inode == place.inode:
            return Place(file=present, offset=place.offset)
        # Files begun in the same second may begin alike. So the present one, should its
        # inode be another, comes last; if it is ours all the same, the others are copies,
        # and reading goes on in it where they end.
        siblings = self._siblings(present)
        if (holder := self._holder(siblings, place)) is not None:
            return Place(file=holder, offset=place.offset)
        if present is not None and here:
            return Place(file=present, offset=place.offset)
        if present is not None and present.starts_like(place):
            return Place(file=present, offset=0, newer_than=place.at)
        newer = [each for each in siblings if place.at and each.first_at >= place.at]
        first = _reopen(min(newer, key=_age)) if newer else present
        return None if first is None else Place(file=first, offset=0, lost_since=place.at)

    def _since(self, instant: Micros, present: LogFile | None) -> Place | None:
        every = sorted(self._siblings(present), key=_age)
        from_here = instant - CLOCK_SLACK
        begun = [each for each in every if each.first_at <= from_here]
        if present is not None and 0 < (present.first_at() or 0) <= from_here:
            first: LogFile | None = present
        elif begun:
            first = _reopen(begun[-1])
        else:
            first = _reopen(every[0]) if every else present
        if first is None:
            return None
        return Place(file=first, offset=_bisect(first, from_here), newer_than=instant - 1)

    def _successor(
        self, file: LogFile, end: Checkpoint, present: LogFile | None
    ) -> Place | None:
        if present is not None and present.identity == file.identity:
            return None
        ours = file.facts()
        newer = [
            each
            for each in self._siblings(present)
            if each.age > ours.age and each.identity != ours.identity and not each.copies(ours)
        ]
        first = _reopen(min(newer, key=_age)) if newer else present
        if first is None:
            return None
        # Ours may have been a copy, made before the original was whole: go on in that.
        return Place(file=first, offset=end.offset if first.holds(end) else 0)

    def _holder(self, siblings: Sequence[Facts], place: Checkpoint) -> LogFile | None:
        """Open the rotated file that has *place* in it, the longest if there are several."""
        for each in sorted(
            siblings,
            key=lambda each: (each.identity[1] == place.inode, each.size, not each.compressed),
            reverse=True,
        ):
            if place.head_bytes and digest(each.head[: place.head_bytes]) != place.head:
                continue
            file = _reopen(each)
            if _try(file.holds, place):
                return file
            file.close()
        return None

    def _siblings(self, present: LogFile | None) -> list[Facts]:
        """Return the facts of all rotated files that have lines with a time stamp.

        Raises:
            _MovedError: the facts may not be all.
        """
        listed = self._list()
        known = self._known
        self._known = {
            entry: known[entry] if entry in known else _facts(entry)
            for entry in listed
            if present is None or entry.identity != present.identity
        }
        # A file that is renamed while a folder is listed may not be in the list at all, and
        # the file that we hold for the present one may be one of the old ones by now.
        names = {entry.name for entry in listed}
        if names != {entry.name for entry in self._list()} or not self._still(present):
            raise _MovedError
        return [facts for facts in self._known.values() if facts is not None and facts.first_at]

    def _still(self, present: LogFile | None) -> bool:
        """Whether *present* is what stands at the path."""
        there = open_log(self.path)
        try:
            if present is None or there is None:
                return present is there
            return present.identity == there.identity
        finally:
            close_log(there)

    def _list(self) -> list["_Entry"]:
        """List what may be rotated files, the newest ``MAX_SIBLINGS`` of them."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self.path.parent) as entries:
            for entry in entries:
                if entry.name.startswith((self.path.name + ".", self.path.name + "-")):
                    with contextlib.suppress(OSError):
                        status = entry.stat()
                        identity = (status.st_dev, status.st_ino)
                        times = (status.st_mtime_ns, status.st_ctime_ns)
                        found.append(_Entry(times, status.st_size, entry.path, identity))
        return sorted(found, reverse=True)[:MAX_SIBLINGS]


class _Entry(NamedTuple):
    """A file in the folder. It is looked into again when any of this has changed."""

    times: tuple[int, int]
    """Last changes of the content, and of the rest: a permission given, a new name."""
    size: int
    path: str
    identity: tuple[int, int]

    @property
    def name(self) -> tuple[str, tuple[int, int]]:
        return self.path, self.identity


def _facts(entry: _Entry) -> Facts | None:
    try:
        with LogFile(Path(entry.path)) as file:
            facts = file.facts()
    except FileNotFoundError as error:
        raise _MovedError from error
    except OSError:  # denied, damaged, a folder: no file of this log, at least not now
        return None
    if facts.identity != entry.identity:
        raise _MovedError
    return facts


def _reopen(facts: Facts) -> LogFile:
    """Open the file that *facts* are about."""
    file = open_log(facts.path)
    if file is None or file.identity != facts.identity:
        close_log(file)
        raise _MovedError
    return file


def _try(holds: Callable[[Checkpoint], bool], place: Checkpoint) -> bool:
    try:
        return holds(place)
    except OSError:
        return False


def _age(facts: Facts) -> tuple[Micros, int]:
    return facts.age


def _bisect(file: LogFile, instant: Micros) -> int:
    """Return the beginning of a line before which all lines are older than *instant*.

    Compressed files are read from the beginning: there is no jumping in them.
    """
    low, high = 0, 0 if file.compressed else file.size()
    while high - low > SEARCH_BYTES:
        middle = (low + high) // 2
        lines = file.read_at(middle, SEARCH_BYTES).split(b"\n")[1:-1]
        stamp = next(filter(None, map(stamp_of, lines)), None)
        if stamp is not None and stamp < instant:
            low = middle
        else:
            high = middle
    if not low:
        return 0
    return low + file.read_at(low, SEARCH_BYTES).find(b"\n") + 1
