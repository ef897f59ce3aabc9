"""Lives through a history with thresholds, and tells what they would have brought about."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from callmon.clock import Micros
from callmon.config.build import window_specs
from callmon.engine import EngineSettings
from callmon.episodes import Episode, episodes_of
from callmon.queues import GroupSettings
from callmon.rules import Subject, SubjectKind, Threshold
from callmon.trial.history import History

__all__ = ["Trial", "run_trial"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What thresholds would have brought about from *since* to *until*."""

    thresholds: tuple[Threshold, ...]
    subjects: tuple[Subject, ...]  #: with any call: queues, then groups that are watched
    episodes: tuple[Episode, ...]  #: that stood at any time in the span, by firing
    since: Micros
    until: Micros
    first: Micros  #: of the first event there is; later than *since*: a hole before
    last: Micros  #: of the last thing known; earlier than *until*: nobody knows the rest
    events: int  #: of the span
    lead: int = 0  #: those before it, heard to know how things stood as it began
    agents_told: bool = False  #: something was told of agents
    agents_unknown: bool = False  #: some who are measured were not known as it began
    dropped: Mapping[str, int]  #: what was not used, by reason


def run_trial(
    history: History,
    settings: EngineSettings,
    thresholds: Sequence[Threshold],
    *,
    since: Micros | None = None,
    back: Micros | None = None,
    until: Micros | None = None,
    progress: Callable[[int], None] = lambda _read: None,
) -> Trial | None:
    """Return what *thresholds* would have brought about; None: there is nothing to see.

    The thresholds do not influence each other, so one pass tries as many as one likes, of
    several files too, under names that differ. Without *since* and *until*: all there is;
    with *back* it begins so long before the end.

    Raises:
        CallmonError: the history cannot be read.
    """
    settings = _only_for(settings, thresholds)
    if back is not None and (newest := until or history.last()) is not None:
        since = max(newest - back, 0)
    lived = history.live(settings, since=since, until=until, progress=progress)
    if lived.first is None or lived.last is None:
        return None
    end = lived.last if until is None else until
    if since is None and back is not None:
        since = max(end - back, 0)
    begin = lived.first if since is None else since
    early = sum(at < begin for at in lived.moments)
    episodes = episodes_of(lived.transitions, lived.standing)
    return Trial(
        thresholds=tuple(thresholds),
        subjects=lived.subjects,
        episodes=tuple(
            episode
            for episode in episodes
            if episode.fired_at <= end
            and (episode.ended_at is None or episode.ended_at >= begin)
        ),
        since=begin,
        until=end,
        first=lived.first,
        last=min(history.last() or lived.last, end),
        events=lived.events - early,
        lead=lived.lead + early,
        agents_told=lived.agents_told,
        agents_unknown=lived.agents_unknown,
        dropped=lived.dropped,
    )


def _only_for(settings: EngineSettings, thresholds: Sequence[Threshold]) -> EngineSettings:
    """Return *settings* with *thresholds*, and the groups and windows that they are about."""
    used = [threshold.window for threshold in thresholds if threshold.window is not None]
    watched = [
        group
        for group in settings.groups
        if any(threshold.rule_for(_subject(group)) for threshold in thresholds)
    ]
    return dataclasses.replace(
        settings,
        thresholds=tuple(thresholds),
        groups=tuple(watched),
        windows=window_specs(used),
    )


def _subject(group: GroupSettings) -> Subject:
    return Subject(kind=SubjectKind.GROUP, name=group.name, labels=group.labels)
