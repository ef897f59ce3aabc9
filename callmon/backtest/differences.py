"""What a new thresholds file would change: who is told no more, who is told of now. Pure."""

from collections.abc import Iterable, Sequence

from callmon.backtest.outcome import Difference
from callmon.clock import Micros
from callmon.episodes import Episode, by_key

__all__ = ["differences_of"]


def differences_of(
    present: Iterable[Episode], candidate: Iterable[Episode], *, until: Micros
) -> tuple[Difference, ...]:
    """Return where the episodes of two files differ, in order of keys.

    Two of one threshold and one subject are the same when they overlap: one that only
    begins earlier or ends later is no news. Several may overlap one.
    """
    old, new = by_key(present), by_key(candidate)
    found = []
    for key in sorted({*old, *new}):
        before, after = old.get(key, []), new.get(key, [])
        gone, added = _apart(before, after, until), _apart(after, before, until)
        if gone or added:
            kept = len(before) - len(gone)
            found.append(Difference(key=key, kept=kept, gone=tuple(gone), new=tuple(added)))
    return tuple(found)


def _apart(
    episodes: Sequence[Episode], others: Sequence[Episode], until: Micros
) -> list[Episode]:
    """Return those of *episodes* that overlap none of *others*; both in order of firing.

    Those of one key do not overlap each other, so that both are in order of their ends, too.
    """
    apart = []
    place = 0
    for episode in episodes:
        while place < len(others) and _end(others[place], until) < episode.fired_at:
            place += 1
        if place == len(others) or others[place].fired_at > _end(episode, until):
            apart.append(episode)
    return apart


def _end(episode: Episode, until: Micros) -> Micros:
    return until if episode.ended_at is None else episode.ended_at
