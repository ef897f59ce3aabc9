"""Sums up episodes: one line for each threshold and each subject it is about. Pure."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from callmon.backtest.outcome import Line
from callmon.clock import Micros
from callmon.episodes import Episode, EpisodeKey, by_key, fired_again
from callmon.rules import Direction, Subject, Threshold

__all__ = ["lines_of"]


def lines_of(
    thresholds: Iterable[Threshold],
    subjects: Sequence[Subject],
    episodes: Iterable[Episode],
    *,
    since: Micros,
    until: Micros,
) -> tuple[Line, ...]:
    """Return a line for every threshold and every subject that it selects.

    *episodes* are those that stood at any time from *since* to *until*; of each only the
    part in that span is counted, and of calls those that were made in it.
    """
    found = by_key(episodes)
    lines = []
    for threshold in thresholds:
        for subject in subjects:
            if threshold.rule_for(subject) is None:
                continue
            key = EpisodeKey(threshold.name, subject.kind.value, subject.name)
            lines.append(_summed(threshold, subject, found.get(key, ()), since, until))
    return tuple(lines)


def _summed(
    threshold: Threshold,
    subject: Subject,
    episodes: Sequence[Episode],
    since: Micros,
    until: Micros,
) -> Line:
    return Line(
        threshold=threshold,
        subject=subject,
        episodes=tuple(episodes),
        calls=sum(since <= call.at <= until for one in episodes for call in one.calls),
        brief=sum(episode.is_brief for episode in episodes),
        again=len(fired_again(episodes)),
        lasted=sum(_inside(episode, since, until) for episode in episodes),
        longest=max(episodes, key=lambda one: (one.lasted(until), -one.fired_at), default=None),
        worst=max(episodes, key=lambda one: (_badness(one), -one.fired_at), default=None),
    )


def _inside(episode: Episode, since: Micros, until: Micros) -> Micros:
    return episode.lasted(until) - max(since - episode.fired_at, 0)


def _badness(episode: Episode) -> Fraction:
    """Return a number that is the greater the worse it was."""
    return episode.worst if episode.direction is Direction.ABOVE else -episode.worst
