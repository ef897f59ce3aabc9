"""A long past in parts, each lived through by a process of its own.

Each part but the first begins early, so that who waits and what windows hold is known at
its beginning. That this was early enough is not believed but seen: the state at the seam
must be the one that the part before has come to. Where it is not, there are no parts.
"""

import contextlib
import itertools
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from typing import Final, NamedTuple

from callmon.trial.lived import Lived

__all__ = ["Part", "in_processes", "joined", "processes"]

PROCESSES_AT_MOST: Final = 16
"""More would read the disk against each other."""

_FORK: Final = "fork"


class Part(NamedTuple):
    """What one part has come to, and the state at both its ends."""

    begin: bytes  #: fingerprint before the first input that is its own
    end: bytes  #: after the last
    lived: Lived  #: of its own inputs; *dropped* may be of earlier ones, too


Work = Callable[[int, Callable[[int], None]], Part]
"""Lives through the part of that number, telling its progress."""


def processes() -> int:
    """Return how many processes may work at once: 1 where there can be no others."""
    if _FORK not in multiprocessing.get_all_start_methods() or threading.active_count() > 1:
        return 1  # a fork would take along what other threads hold
    return min(len(os.sched_getaffinity(0)), PROCESSES_AT_MOST)


def in_processes(work: Work, count: int, progress: Callable[[int], None]) -> list[Part] | None:
    """Return what *work* makes of *count* parts; None: some process could not."""
    context = multiprocessing.get_context(_FORK)
    parts: dict[int, Part] = {}
    with contextlib.ExitStack() as stack:
        open_ends: dict[Connection, int] = {}
        for number in range(count):
            ours, theirs = context.Pipe(duplex=False)
            ends = (*open_ends, ours)
            child = context.Process(
                target=_live, args=(work, number, theirs, ends), daemon=True
            )
            child.start()
            theirs.close()
            stack.callback(child.join)
            stack.callback(child.terminate)
            stack.callback(ours.close)
            open_ends[ours] = number
        while open_ends:
            for end in wait(list(open_ends)):
                if not isinstance(end, Connection):
                    continue
                try:
                    told = end.recv()
                except EOFError:
                    return None
                if isinstance(told, int):
                    progress(told)
                elif told is None:
                    return None
                else:
                    parts[open_ends.pop(end)] = told
    return [parts[number] for number in range(count)]


def _live(work: Work, number: int, out: Connection, ends: Iterable[Connection]) -> None:
    """Be the process of one part. What goes wrong here goes wrong in one process, too."""
    for end in ends:
        end.close()  # with the last who could read, the one who asked is gone
    with contextlib.suppress(BrokenPipeError):
        _tell(work, number, out)


def _tell(work: Work, number: int, out: Connection) -> None:
    try:
        told = work(number, out.send)
    except Exception:  # noqa: BLE001 - whoever asked does it all again, and sees it
        out.send(None)
    else:
        out.send(told)
    out.close()


def joined(parts: Sequence[Part]) -> Lived | None:
    """Return what all *parts* come to; None: at a seam they do not agree."""
    for before, after in itertools.pairwise(parts):
        if before.end != after.begin:
            return None
    all_lived = [part.lived for part in parts]
    subjects = {subject.id: subject for lived in all_lived for subject in lived.subjects}
    return Lived(
        transitions=[turn for lived in all_lived for turn in lived.transitions],
        standing=all_lived[-1].standing,
        subjects=tuple(
            sorted(subjects.values(), key=lambda one: (one.kind != "queue", one.name))
        ),
        first=next((lived.first for lived in all_lived if lived.first is not None), None),
        last=all_lived[-1].last,
        events=sum(lived.events for lived in all_lived),
        lead=sum(lived.lead for lived in all_lived),
        agents_told=any(lived.agents_told for lived in all_lived),
        agents_unknown=all_lived[0].agents_unknown,
        dropped=dict(_dropped(all_lived)),
    )


def _dropped(all_lived: Sequence[Lived]) -> Iterator[tuple[str, int]]:
    reasons = {reason for lived in all_lived for reason in lived.dropped}
    for reason in sorted(reasons):
        yield reason, sum(_count(lived.dropped, reason) for lived in all_lived)


def _count(dropped: Mapping[str, int], reason: str) -> int:
    return dropped.get(reason, 0)
