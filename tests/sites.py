"""Engines and settings that the tests of the core share."""

import dataclasses
from collections.abc import Iterable
from fractions import Fraction

from callmon.alerts import Transition
from callmon.clock import Micros
from callmon.engine import Engine, EngineSettings
from callmon.events import Outcome
from callmon.measures import MEASURES
from callmon.queues import GroupSettings, QueueSettings, SubjectState, Targets, WindowSpec
from callmon.rules import Direction, Limits, Selector, Severity, SubjectKind, Threshold
from tests.brute import figure
from tests.stories import BASE, QUEUES, SOURCE, Visit

__all__ = [
    "EVERYONE",
    "LONG",
    "SHORT",
    "SOME_THRESHOLDS",
    "above",
    "engine_with",
    "expected_figures",
    "fingerprint",
    "outcomes",
    "queue",
    "settings_with",
    "shown_figures",
    "threshold",
    "turns",
]

SHORT, LONG = WindowSpec(name="short", length=3), WindowSpec(name="long", length=12)
EVERYONE = GroupSettings(name="everyone", queues=("s*",))


def threshold(
    measure: str,
    limits: Limits,
    window: str | None = None,
    name: str = "t",
    select: Selector | None = None,
) -> Threshold:
    """Return a threshold on every queue and group."""
    return Threshold(
        name=name,
        measure=measure,
        window=window,
        severity=Severity.WARNING,
        select=select or Selector(queues=("*",), groups=("*",)),
        limits=limits,
    )


def above(
    limit: int | Fraction, *, hold: Micros = 0, keep: Micros = 0, at_least: int = 0
) -> Limits:
    """Return limits that are breached above *limit*."""
    return Limits(
        direction=Direction.ABOVE,
        limit=Fraction(limit),
        hold=hold,
        keep=keep,
        at_least=at_least,
    )


SOME_THRESHOLDS = (
    threshold("longest_wait", above(3), name="long_wait"),
    threshold("waiting", above(1, hold=2), name="crowd"),
    threshold("abandonment_rate", above(Fraction(1, 3), at_least=2), "short", "hang_ups"),
    threshold("answer_rate", above(Fraction(1, 2), keep=2), "long", "answers"),
    threshold("lost", above(0), "short", "losses"),
    threshold("talking", above(0), name="talkers"),
    threshold("average_talk", above(2), "long", "talks"),
    threshold("arrived", above(1), "short", "arrivals"),
)


def settings_with(promised: Targets | None = None, **more: object) -> EngineSettings:
    """Return settings of two queues, their group and two windows."""
    promised = promised or Targets(within=2)
    settings = EngineSettings(
        queues=tuple(QueueSettings(name=name, targets=promised) for name in QUEUES),
        groups=(dataclasses.replace(EVERYONE, targets=promised),),
        windows=(SHORT, LONG),
        targets=promised,
        sources=(SOURCE,),
    )
    return dataclasses.replace(settings, **more)  # type: ignore[arg-type]  # by name


def engine_with(promised: Targets | None = None, **more: object) -> Engine:
    """Return an engine whose time is ``BASE``."""
    return Engine(settings_with(promised, **more), BASE)


def queue(engine: Engine, name: str = "sales") -> SubjectState:
    """Return the state of a queue."""
    return engine.subjects[SubjectKind.QUEUE, name]


def outcomes(state: SubjectState) -> dict[str, int]:
    """Return how many ended how, without those that none did."""
    totals = {outcome.name.lower(): state.outcome_total(outcome) for outcome in Outcome}
    return {name: total for name, total in totals.items() if total}


def counters(state: SubjectState) -> dict[str, object]:
    """Return all that only ever grows."""
    return {
        "arrived": state.arrived,
        "counts": list(state.counts),
        "sums": list(state.sums),
        "bounds": state.bounds,
        "buckets": [list(row) for row in state.buckets],
        "refused": dict(state.refused),
        "corrected": dict(state.corrected),
        "rings": state.rings,
    }


def all_counters(engine: Engine) -> dict[str, object]:
    """Return the counters of every subject."""
    return {
        f"{kind}:{name}": counters(state) for (kind, name), state in engine.subjects.items()
    }


def reborn(engine: Engine, settings: EngineSettings | None = None) -> Engine:
    """Return an engine restored from the parts of *engine*, under its settings or others."""
    heir = Engine(settings or engine.settings)
    heir.restore({key: part for key, part in engine.parts(whole=True).items() if part})
    return heir


def fingerprint(engine: Engine) -> list[object]:
    """Return everything about the state that must not depend on how events came."""
    seen: list[object] = []
    for state in engine.states():
        log = state.log
        seen += [
            state.subject,
            counters(state),
            list(state.starts),
            state.talking,
            list(log.arrivals),
            sorted(zip(log.at, log.codes, log.waits, strict=True)),
            sorted(log.single_talks()),
        ]
        for name, window in state.windows.items():
            window.sync(engine.now)
            seen += [name, list(window.counts), list(window.sums), window.waits()]
            seen += [window.arrived(), window.talks()]
    return seen


def turns(transitions: Iterable[Transition]) -> list[tuple[object, ...]]:
    """Return transitions as values, in a fixed order within an instant."""
    return sorted(
        (
            t.at,
            t.alert.threshold,
            t.alert.subject.kind,
            t.alert.subject.name,
            t.kind,
            t.alert.since,
        )
        for t in transitions
    )


def shown_figures(engine: Engine, now: Micros) -> dict[tuple[str, str, str], object]:
    """Return every figure of every subject and window."""
    shown: dict[tuple[str, str, str], object] = {}
    for state in engine.states():
        for measure in MEASURES.values():
            for name, window in state.windows.items():
                window.sync(now)
                reading = (
                    measure.over(state, window, now)
                    if measure.over is not None
                    else measure.live(state, now)
                    if measure.live is not None
                    else None
                )
                shown[state.subject.name, name, measure.name] = reading and (
                    Fraction(reading[0], reading[1]),
                    reading[2],
                )
    return shown


def expected_figures(
    visits: list[Visit], now: Micros, promised: Targets
) -> dict[tuple[str, str, str], object]:
    """Return the same by brute force."""
    subjects = {name: [v for v in visits if v.queue == name] for name in QUEUES}
    subjects["everyone"] = visits
    return {
        (name, spec.name, measure): figure(
            measure, those, now, now - (spec.length or 0), promised
        )
        for name, those in subjects.items()
        for measure in MEASURES
        for spec in (SHORT, LONG)
    }
