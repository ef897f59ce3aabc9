"""Lives through the past with the files that were asked for, all in one pass."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from callmon.backtest.counts import DAY
from callmon.backtest.differences import differences_of
from callmon.backtest.duties import duties_of
from callmon.backtest.lines import lines_of
from callmon.backtest.outcome import Backtest, Found, Side, Sweep
from callmon.backtest.request import BacktestRequest, Progress
from callmon.backtest.storms import storm_remark
from callmon.backtest.sweep import Range, asked_range, sweeps_of, with_limit
from callmon.backtest.texts import REASONS, TEXTS
from callmon.config import Config, load_config, load_thresholds
from callmon.config.problems import one_of
from callmon.episodes import Episode
from callmon.measures import MEASURES
from callmon.replay import NothingFoundError, WrongRequestError
from callmon.rules import Subject, Threshold
from callmon.trial import Trial, asked_span, history_of, is_chosen, run_trial
from callmon.wording import Language, format_instant

__all__ = ["live_through"]

_APART: Final = "\n"
"""Between a threshold's name and what tells it from others of that name; in no name."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be tried: thresholds under the names by which they are told apart."""

    candidate: tuple[str, tuple[Threshold, ...]]  #: the file's name and what it has
    present: tuple[str, tuple[Threshold, ...]] | None
    sweep: Range | None

    def tried(self) -> tuple[Threshold, ...]:
        """Return all there is to try; what is equal in both files, once."""
        found = {threshold.name: threshold for threshold in self.candidate[1]}
        for threshold in self.present[1] if self.present else ():
            name = self.present_name(threshold)
            found[name] = dataclasses.replace(threshold, name=name)
        if self.sweep is not None:
            swept = self.sweep.threshold
            for number, value in enumerate(self.sweep.limits):
                name = f"{swept.name}{_APART}{number}"
                found[name] = with_limit(swept, value, name)
        return tuple(found.values())

    def present_name(self, threshold: Threshold) -> str:
        """Return the name under which one of the present file is tried."""
        if threshold in self.candidate[1]:
            return threshold.name
        return f"{threshold.name}{_APART}"


@dataclasses.dataclass(frozen=True, slots=True)
class _Past:
    """What was lived through, as far as it was asked for."""

    trial: Trial
    subjects: tuple[Subject, ...]
    tried: Mapping[str, Sequence[Episode]]  #: of these subjects, by threshold as tried

    @classmethod
    def of(cls, trial: Trial, queues: Sequence[str]) -> "_Past":
        """Return what *trial* tells of *queues*.

        Raises:
            NothingFoundError: one of them was not there.
        """
        subjects = _wanted(trial, queues)
        ids = {subject.id for subject in subjects}
        tried: dict[str, list[Episode]] = {}
        for episode in trial.episodes:
            if episode.subject.id in ids:
                tried.setdefault(episode.threshold, []).append(episode)
        return cls(trial, subjects, tried)

    def episodes(self, tried: str, name: str) -> list[Episode]:
        """Return those of the threshold that was *tried* under a name, under its own."""
        found = self.tried.get(tried, ())
        return [dataclasses.replace(episode, threshold=name) for episode in found]


def live_through(
    request: BacktestRequest, environ: Mapping[str, str], progress: Progress
) -> Found:
    """Return what the thresholds would have done, and what those in force would have.

    Raises:
        ConfigError: callmon.yml or one of the thresholds files has mistakes.
        FeedError: a log cannot be read.
        JournalError: there is no journal, or it cannot be read.
        NothingFoundError: there is no history, or nothing in it that was asked for.
        WrongRequestError: what was asked for makes no sense.
    """
    config = load_config(request.config, environ)
    asked = _asked(request, environ, config)
    zone = ZoneInfo(config.default_timezone)
    span = asked_span(request.since, request.until, zone)
    history = history_of(config, request.logs, request.source)
    with progress(history.size) as read:
        trial = run_trial(
            history,
            config.engine_settings(),
            asked.tried(),
            since=span.since,
            back=span.back,
            until=span.until,
            progress=read,
        )
    if trial is None or trial.since > trial.until:
        raise NothingFoundError(_nothing(request))
    past = _Past.of(trial, request.queues)
    present = None
    if asked.present is not None:
        present = _side(past, asked.present, asked.present_name, config)
    candidate = _side(past, asked.candidate, lambda threshold: threshold.name, config)
    backtest = Backtest(
        history=_history_name(request, request.language),
        since=trial.since,
        until=trial.until,
        timezone=config.default_timezone,
        first=trial.first,
        last=trial.last,
        events=trial.events,
        lead=trial.lead,
        subjects=past.subjects,
        candidate=candidate,
        present=present,
        differences=()
        if present is None
        else differences_of(present.episodes, candidate.episodes, until=trial.until),
        remarks=tuple(_remarks(past, asked, candidate, config, request.language)),
    )
    return Found(backtest=backtest, sweeps=_sweeps(past, asked))


def _asked(request: BacktestRequest, environ: Mapping[str, str], config: Config) -> _Asked:
    """Return what is to be tried; a candidate that is the present file is it alone."""
    present_path = config.files[1]
    path = request.candidate or present_path
    present = None
    thresholds = config.thresholds
    if path.resolve() != present_path.resolve():
        thresholds = load_thresholds(path, environ, config).thresholds
        present = str(present_path), _chosen(config.thresholds, request.thresholds)
    known = {threshold.name for threshold in (*thresholds, *config.thresholds)}
    for name in request.thresholds:
        if not any(fnmatchcase(each, name) for each in known):
            hint = one_of(name, sorted(known), what="there are")
            raise WrongRequestError(f"no threshold {name!r} in {path}{hint}")
    try:
        sweep = None if request.sweep is None else asked_range(request.sweep, thresholds)
    except ValueError as error:
        raise WrongRequestError(f"--sweep: {error}") from error
    return _Asked((str(path), _chosen(thresholds, request.thresholds)), present, sweep)


def _chosen(thresholds: Sequence[Threshold], names: Sequence[str]) -> tuple[Threshold, ...]:
    return tuple(threshold for threshold in thresholds if is_chosen(threshold.name, names))


def _wanted(trial: Trial, queues: Sequence[str]) -> tuple[Subject, ...]:
    """Return the subjects that were asked for.

    Raises:
        NothingFoundError: one of them was not there.
    """
    for name in queues:
        if not any(fnmatchcase(subject.name, name) for subject in trial.subjects):
            known = [subject.name for subject in trial.subjects]
            hint = one_of(name, known, what="there are")
            raise NothingFoundError(f"no queue or group {name!r} in this history{hint}")
    return tuple(subject for subject in trial.subjects if is_chosen(subject.name, queues))


def _side(
    past: _Past,
    file: tuple[str, tuple[Threshold, ...]],
    tried: Callable[[Threshold], str],
    config: Config,
) -> Side:
    name, thresholds = file
    trial = past.trial
    episodes = [
        episode
        for threshold in thresholds
        for episode in past.episodes(tried(threshold), threshold.name)
    ]
    return Side(
        name=name,
        lines=lines_of(
            thresholds, past.subjects, episodes, since=trial.since, until=trial.until
        ),
        duties=duties_of(
            thresholds,
            [call for episode in episodes for call in episode.calls],
            since=max(trial.since, trial.first),
            until=min(trial.until, trial.last),
            timezone=config.default_timezone,
        ),
    )


def _sweeps(past: _Past, asked: _Asked) -> tuple[Sweep, ...]:
    sweep, trial = asked.sweep, past.trial
    if sweep is None:
        return ()
    name = sweep.threshold.name
    episodes = [past.episodes(f"{name}{_APART}{n}", name) for n in range(len(sweep.limits))]
    known = trial.last - max(trial.since, trial.first)
    return sweeps_of(
        sweep,
        episodes,
        past.subjects,
        since=trial.since,
        until=trial.until,
        days=Fraction(max(known, 0), DAY),
    )


def _history_name(request: BacktestRequest, language: Language) -> str:
    texts = TEXTS[language]
    if not request.logs:
        return texts["journal_of"].format(config=request.config)
    first, *others = map(str, request.logs)
    return texts["logs"].format(first=first, more=len(others)) if others else first


def _nothing(request: BacktestRequest) -> str:
    """Return why there is nothing to show, as far as that can be told."""
    name = _history_name(request, Language.ENGLISH)
    if request.since is not None or request.until is not None:
        return f"nothing happened in {name} in that time"
    expected = ": expected a queue_log of Asterisk, or a recording" if request.logs else ""
    return f"nothing happened in {name}{expected}"


def _remarks(
    past: _Past, asked: _Asked, candidate: Side, config: Config, language: Language
) -> Iterator[str]:
    """Yield what whoever believes the figures must know."""
    trial, texts = past.trial, TEXTS[language]
    if trial.first > trial.since:
        first = format_instant(trial.first, ZoneInfo(config.default_timezone))
        yield texts["unknown_before"].format(first=first)
    if trial.last < trial.until:
        last = format_instant(trial.last, ZoneInfo(config.default_timezone))
        yield texts["unknown_after"].format(last=last)
    of_agents = [each.name for each in asked.candidate[1] if MEASURES[each.measure].of_agents]
    if of_agents and not trial.agents_told:
        yield texts["no_agents"].format(thresholds=texts["comma"].join(of_agents))
    elif trial.agents_unknown:
        yield texts["agents_unknown"]
    there = {subject.id for subject in trial.subjects}
    missing = [queue.name for queue in config.queues if f"queue:{queue.name}" not in there]
    if missing:
        yield texts["no_call_in"].format(queues=texts["comma"].join(missing))
    if not asked.candidate[1]:
        yield texts["no_thresholds"].format(name=candidate.name)
    if trial.dropped:
        yield texts["not_used"].format(reasons=_reasons(trial.dropped, language))
    if asked.sweep is not None and any(
        override.limit is not None and override.during is None
        for override in asked.sweep.threshold.overrides
    ):
        yield texts["for_all"]
    storm = storm_remark(
        candidate.episodes,
        config.alerting.storm,
        until=trial.until,
        timezone=config.default_timezone,
        language=language,
    )
    if storm is not None:
        yield storm


def _reasons(dropped: Mapping[str, int], language: Language) -> str:
    """Return why something was not used, and how often."""
    texts, words = TEXTS[language], REASONS[language]
    told = []
    for what, count in sorted(dropped.items()):
        stage, reason = (words.get(part, part) for part in what.split(": ", 1))
        told.append(texts["reason"].format(stage=stage, reason=reason, count=count))
    return texts["comma"].join(told)
