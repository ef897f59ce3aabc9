"""Plays a scenario with the daemon's own engine, and looks where somebody expects something."""

import dataclasses
import heapq
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from callmon.alerts import Alert, Transition
from callmon.clock import Micros
from callmon.engine import Engine
from callmon.measures import MEASURES, Reading
from callmon.queues import SubjectState
from callmon.replay.live import Told
from callmon.rules import Limits, Severity, Subject
from callmon.scenario.scene import Scenario, Step
from callmon.scenario.steps import AlertTurns, Expectation, NothingStands, Reads, Stands
from callmon.thresholds import State

__all__ = ["Look", "Played", "play_scenario"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a threshold, or a measure, stood at the instant of an expectation."""

    reading: Reading | None = None
    blind: bool = False
    told: bool = True  #: a source tells of it, and has done so lately
    there: bool = True  #: the queue or group was known by then
    state: State | None = None
    since: Micros | None = None  #: when the condition began
    limits: Limits | None = None
    severities: tuple[Severity, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Played:
    """What came of a scenario."""

    transitions: Sequence[Transition]
    looks: Mapping[int, Look]  #: by number of the step
    standing: Mapping[int, Sequence[Alert]]  #: alerts that stood then, likewise


def play_scenario(scenario: Scenario) -> Played:
    """Live through *scenario*."""
    site = scenario.site
    loaded = scenario.loaded
    live = frozenset({loaded.source}) if loaded is not None and loaded.live else frozenset()
    engine = Engine(dataclasses.replace(site.settings, live_sources=live))
    looks: dict[int, Look] = {}
    standing: dict[int, Sequence[Alert]] = {}
    told = _told(scenario)
    coming = next(told, None)
    for step in _by_deadline(scenario.steps):
        while coming is not None and coming.at <= step.deadline:
            _tell(engine, coming)
            coming = next(told, None)
        engine.advance(step.deadline)
        if isinstance(step.what, NothingStands):
            # The alerts, not who has them: a watch goes on, and may have none at the end.
            standing[step.number] = [
                alert for watch in engine.watches() for alert in watch.state.alerts()
            ]
        else:
            looks[step.number] = _look(engine, scenario, step)
    while coming is not None:
        _tell(engine, coming)
        coming = next(told, None)
    engine.advance(scenario.end)
    return Played(engine.drain(), looks, standing)


def _by_deadline(steps: Sequence[Step]) -> list[Step]:
    """Return what is expected, in the order in which it can be known."""
    expected = [step for step in steps if isinstance(step.what, Expectation)]
    return sorted(expected, key=attrgetter("deadline"))


def _told(scenario: Scenario) -> Iterator[Told]:
    scripted = (Told(event.at, live=False, events=(event,)) for event in scenario.events)
    loaded = () if scenario.loaded is None else scenario.loaded.told
    return heapq.merge(scripted, loaded, key=attrgetter("at"))


def _tell(engine: Engine, told: Told) -> None:
    if told.live:  # it may tell of what has been, so time goes ahead of it
        engine.advance(told.at)
    engine.apply_all(told.events, live=told.live)


def _look(engine: Engine, scenario: Scenario, step: Step) -> Look:
    what, site = step.what, scenario.site
    if not isinstance(what, AlertTurns | Stands | Reads):
        return Look()
    subject = site.subject(what.of)
    state = engine.subjects.get((subject.kind, subject.name))
    if state is None:
        return Look(there=False)
    if isinstance(what, Reads):
        return _look_at_measure(state, what.of.name.text, site.window(what), engine.now)
    return _look_at_threshold(engine, subject, what.of.name.text)


def _look_at_measure(
    state: SubjectState, name: str, window_name: str | None, now: Micros
) -> Look:
    measure = MEASURES[name]
    window = None if window_name is None else state.windows[window_name]
    if window is not None:
        window.sync(now)
    reading = None if state.blind else measure.read(state, window, now)
    reported = measure.of_agents or state.accounts
    told = not reported or measure.known(state, window, now)
    return Look(reading=reading, blind=state.blind, told=told)


def _look_at_threshold(engine: Engine, subject: Subject, threshold: str) -> Look:
    watch = engine.watch(subject.kind.value, subject.name, threshold)
    if watch is None:
        return Look(there=False)
    state = watch.state
    return Look(
        reading=watch.read(engine.now),
        blind=watch.subject.blind,
        told=not watch.is_blind(engine.now),
        state=state.state,
        since=state.since,
        limits=state.limits,
        severities=state.severities,
    )
