"""Tests of when thresholds fire: through the engine, against judging every microsecond."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from callmon.alerts import Transition
from callmon.clock import SECOND, Micros
from callmon.engine import Engine, EngineSettings
from callmon.events import Event, FeedChanged, Outcome
from callmon.measures import MEASURES, Unit
from callmon.queues import QueueSettings, SubjectState, Targets, WindowSpec, day_of
from callmon.rules import (
    Direction,
    Escalation,
    Limits,
    Override,
    Selector,
    Severity,
    Subject,
    SubjectKind,
    Threshold,
)
from callmon.watches import NEVER, Timed, Timers, Watch
from tests.brute import Figure, Spans, Turn, alerts, figure
from tests.stories import BASE, SOURCE, Visit, joined, left, stories, targets, tell

UNTIL = 300
"""When every story and every alert after it is over, in microseconds."""

WITHIN_2 = Targets(within=2)
OF_CONTACTS = {name: m for name, m in MEASURES.items() if not m.of_agents}
RATIOS = sorted(name for name, m in OF_CONTACTS.items() if m.unit is Unit.RATIO)
OTHERS = sorted(name for name, m in OF_CONTACTS.items() if m.unit is not Unit.RATIO)


def engine_for(
    measure: str,
    limits: Limits,
    *,
    length: Micros = 5,
    promised: Targets = WITHIN_2,
    escalate: Sequence[Escalation] = (),
    overrides: Sequence[Override] = (),
) -> Engine:
    """Return an engine with one threshold on the queue ``sales``."""
    window = WindowSpec(name="w", length=length)
    threshold = Threshold(
        name="t",
        measure=measure,
        window="w" if MEASURES[measure].windowed else None,
        severity=Severity.WARNING,
        select=Selector(queues=("sales",)),
        limits=limits,
        escalate=tuple(escalate),
        overrides=tuple(overrides),
    )
    return Engine(
        EngineSettings(
            queues=(QueueSettings(name="sales", targets=promised),),
            windows=(window,),
            thresholds=(threshold,),
            sources=(SOURCE,),
        ),
        BASE,
    )


def turns(transitions: Sequence[Transition]) -> list[Turn]:
    """Return transitions in the form of the reference."""
    return [
        Turn(
            t.at - BASE,
            t.kind,
            t.alert.severity.value,
            None if t.alert.ended is None else t.alert.ended.value,
            t.alert.since - BASE,
        )
        for t in transitions
    ]


def values(transitions: Sequence[Transition]) -> list[Fraction]:
    """Return the values at which alerts fired."""
    return [t.alert.value for t in transitions if t.kind == "fired"]


def shares(draw: st.DrawFn) -> Fraction:
    """Return a share in few parts."""
    parts = draw(st.integers(1, 9))
    return Fraction(draw(st.integers(0, parts)), parts)


@st.composite
def some_limits(draw: st.DrawFn, *, ratio: bool) -> Limits:
    """Return limits that collide with the figures of small stories."""
    limit = shares(draw) if ratio else Fraction(draw(st.integers(0, 10)), 2)
    direction = draw(st.sampled_from(Direction))
    clear = None
    if draw(st.booleans()):
        less = draw(st.integers(0, 4)) * (Fraction(1, 8) if ratio else Fraction(1, 2))
        clear = limit - less if direction is Direction.ABOVE else limit + less
    return Limits(
        direction=direction,
        limit=limit,
        clear=clear,
        hold=draw(st.sampled_from([0, 0, 1, 2, 3])),
        keep=draw(st.sampled_from([0, 0, 1, 2, 3])),
        at_least=draw(st.sampled_from([0, 0, 0, 1, 2, 5])),
        confidence=draw(st.sampled_from([None, None, None, 0.3, 1.1])),
    )


escalations = st.lists(
    st.builds(
        Escalation,
        after=st.integers(1, 4),
        severity=st.sampled_from([Severity.CRITICAL, Severity.INFO]),
    ),
    max_size=2,
    unique_by=lambda step: step.severity,
).map(lambda steps: tuple(sorted(steps, key=lambda step: step.after)))


def expect(
    measure: str,
    visits: Sequence[Visit],
    limits: Limits,
    length: Micros,
    promised: Targets = WITHIN_2,
    *,
    escalate: Sequence[Escalation] = (),
) -> tuple[list[Turn], list[Fraction]]:
    """Return the turns, and the values at which it fired, by brute force."""

    def read(now: Micros, floor: Micros) -> Figure | None:
        return figure(measure, visits, now, max(now - length, floor), promised)

    found = alerts(measure, read, limits, escalate, until=BASE + UNTIL)
    at_firing = []
    for turn in found:
        if turn.kind == "fired":
            opened = limits.active and limits.active.opened_at(BASE + turn.at)
            now_read = read(BASE + turn.at, (opened or 1) - 1)
            assert now_read is not None
            at_firing.append(now_read[0])
    return found, at_firing


def follow(engine: Engine, events: Sequence[Event]) -> list[Transition]:
    """Tell *events* and let time pass until the end."""
    engine.apply_all(events)
    engine.advance(BASE + UNTIL)
    return engine.drain()


@given(
    st.sampled_from(OTHERS),
    stories(size=8, queues=["sales"], least=2),
    some_limits(ratio=False),
    escalations,
    st.tuples(st.integers(1, 12), targets),
)
def test_durations_and_counts_fire_when_they_must(
    measure: str,
    visits: list[Visit],
    limits: Limits,
    escalate: tuple[Escalation, ...],
    scene: tuple[Micros, Targets],
) -> None:
    """Every transition has the instant and the value that judging each microsecond gives."""
    length, promised = scene
    engine = engine_for(measure, limits, length=length, promised=promised, escalate=escalate)

    transitions = follow(engine, tell(visits))

    expected, at_firing = expect(measure, visits, limits, length, promised, escalate=escalate)
    assert expected == turns(transitions)
    assert at_firing == values(transitions)


@given(
    st.sampled_from(RATIOS),
    stories(size=20, queues=["sales"], longest=9, least=5),
    some_limits(ratio=True),
    escalations,
    st.tuples(st.integers(1, 24), targets),
)
def test_ratios_fire_when_they_must_though_looks_are_spared(
    measure: str,
    visits: list[Visit],
    limits: Limits,
    escalate: tuple[Escalation, ...],
    scene: tuple[Micros, Targets],
) -> None:
    """The same for ratios, over enough contacts that most looks are spared."""
    length, promised = scene
    engine = engine_for(measure, limits, length=length, promised=promised, escalate=escalate)

    transitions = follow(engine, tell(visits))

    expected, at_firing = expect(measure, visits, limits, length, promised, escalate=escalate)
    assert expected == turns(transitions)
    assert at_firing == values(transitions)


@st.composite
def crowds(draw: st.DrawFn) -> list[Visit]:
    """Return a run of good and bad ends, one or a few at an instant.

    So a ratio moves slowly, step by step, from one side of any limit to the other.
    """
    visits: list[Visit] = []
    at = BASE
    phases = st.tuples(st.booleans(), st.integers(1, 16), st.integers(0, 2))
    for good, length, pace in draw(st.lists(phases, min_size=2, max_size=6)):
        for _ in range(length):
            outcome = Outcome.ANSWERED if good else Outcome.ABANDONED
            name = f"c{len(visits)}"
            visits.append(
                Visit(
                    queue="sales",
                    contact=name,
                    start=at,
                    end=at,
                    outcome=outcome,
                    wait=0,
                    carried_in=True,
                )
            )
            at += pace
    return visits


@st.composite
def sharp_limits(draw: st.DrawFn) -> Limits:
    """Return limits that nothing but the share guards."""
    parts = draw(st.integers(2, 9))
    return Limits(
        direction=draw(st.sampled_from(Direction)),
        limit=Fraction(draw(st.integers(1, parts - 1)), parts),
        at_least=draw(st.sampled_from([0, 0, 3, 8, 15])),
    )


@given(
    st.sampled_from(["abandonment_rate", "answer_rate", "service_level"]),
    crowds(),
    sharp_limits(),
    st.integers(8, 80),
)
def test_ratios_over_many_contacts(
    measure: str, visits: list[Visit], limits: Limits, length: Micros
) -> None:
    """A spared look never hides a breach, however contacts come and leave the window."""
    engine = engine_for(measure, limits, length=length)

    transitions = follow(engine, tell(visits))

    expected, _ = expect(measure, visits, limits, length)
    assert expected == turns(transitions)


@st.composite
def instant_limits(draw: st.DrawFn) -> Limits:
    """Return limits that are reached at whole and half microseconds, without ``for``."""
    direction = draw(st.sampled_from(Direction))
    limit = Fraction(draw(st.integers(0, 12)), 2)
    less = Fraction(draw(st.integers(-3, 3)), 2)
    clear = limit - abs(less) if direction is Direction.ABOVE else limit + abs(less)
    return Limits(
        direction=direction,
        limit=limit,
        clear=clear if less > 0 else None,
        keep=draw(st.sampled_from([0, 0, 1, 2])),
    )


@given(
    st.sampled_from(["waiting", "longest_wait"]),
    stories(size=10, queues=["sales"], least=3),
    instant_limits(),
)
def test_who_waits_fires_at_the_instant(
    measure: str, visits: list[Visit], limits: Limits
) -> None:
    """Figures of those who wait breach and clear at the very microsecond."""
    engine = engine_for(measure, limits)

    transitions = follow(engine, tell(visits))

    expected, at_firing = expect(measure, visits, limits, 5)
    assert expected == turns(transitions)
    assert at_firing == values(transitions)


spans = st.lists(st.integers(0, 40), min_size=2, max_size=6, unique=True).map(
    lambda edges: Spans(
        [(BASE + a, BASE + b) for a, b in zip(*[iter(sorted(edges))] * 2, strict=False)]
    )
)


@given(
    st.sampled_from(["longest_wait", "abandonment_rate", "answered", "arrived", "p50_wait"]),
    stories(size=12, queues=["sales"], least=4),
    sharp_limits(),
    spans,
    st.integers(1, 12),
)
def test_outside_active_nothing_fires_and_windows_begin_at_opening(
    measure: str, visits: list[Visit], limits: Limits, active: Spans, length: Micros
) -> None:
    """Closing ends an alert; what was before opening never counts, not even at opening."""
    limits = dataclasses.replace(limits, active=active)
    engine = engine_for(measure, limits, length=length)

    transitions = follow(engine, tell(visits))

    expected, at_firing = expect(measure, visits, limits, length)
    assert expected == turns(transitions)
    assert at_firing == values(transitions)


@given(
    st.sampled_from(["longest_wait", "waiting", "abandonment_rate", "average_talk"]),
    stories(size=8, queues=["sales"]),
    st.booleans().flatmap(lambda ratio: some_limits(ratio=ratio)),
    st.lists(st.integers(0, 20), unique=True, max_size=4).map(sorted),
)
def test_a_blind_queue_fires_nothing_and_ends_nothing(
    measure: str, visits: list[Visit], limits: Limits, changes: list[int]
) -> None:
    """While the feed is down alerts stand as they are; they are judged anew when it is up."""
    engine = engine_for(measure, limits)
    events: list[Event] = [FeedChanged(BASE, SOURCE, 0, "log", up=True)]
    events += [
        FeedChanged(BASE + at, SOURCE, 0, "log", up=bool(number % 2))
        for number, at in enumerate(changes)
    ]
    events += tell([*visits])
    # The source becomes known to be the queue's by its first event.
    events = [joined(0, "first"), left(0, "first", Outcome.LOST), *events]
    events.sort(key=lambda event: event.at)

    transitions = follow(engine, events)

    first = Visit(
        queue="sales", contact="first", start=BASE, end=BASE, outcome=Outcome.LOST, wait=0
    )
    expected = alerts(
        measure,
        lambda now, floor: figure(
            measure, [first, *visits], now, max(now - 5, floor), WITHIN_2
        ),
        limits,
        until=BASE + UNTIL,
        blind=lambda now: sum(BASE + at <= now for at in changes) % 2 == 1,
    )
    assert expected == turns(transitions)


def watch() -> Watch:
    """Return a watch on nobody."""
    subject = SubjectState(
        Subject(kind=SubjectKind.QUEUE, name="sales"), Targets(), day_of("UTC"), ()
    )
    threshold = Threshold(
        name="t",
        measure="waiting",
        window=None,
        severity=Severity.WARNING,
        select=Selector(queues=("*",)),
        limits=Limits(direction=Direction.ABOVE, limit=Fraction(1)),
    )
    rule = threshold.rule_for(subject.subject)
    assert rule is not None
    return Watch(rule, subject, None)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.one_of(st.integers(0, 12), st.just(NEVER))), max_size=20
    )
)
def test_timers_pop_each_watch_when_it_is_due(plans: list[tuple[int, Micros]]) -> None:
    """Never later than due, however often it was planned anew; then not again."""
    watches = [watch() for _ in range(3)]
    timers = Timers()
    for index, due in plans:
        watches[index].due = due
        timers.schedule(watches[index])
    due_at = {w: w.due for w in watches if w.due < NEVER}
    popped: dict[Timed, Micros] = {}

    for now in range(13):
        while (found := timers.pop(now)) is not None:
            assert found.due <= now  # one for earlier may have stood for it
            popped[found] = now

    assert due_at == popped
    assert NEVER == timers.earliest


def test_a_closed_watch_is_never_popped() -> None:
    """Its timers are still in the heap, but stand for nothing."""
    timers, gone = Timers(), watch()
    gone.due = 5
    timers.schedule(gone)

    gone.close()

    assert timers.pop(10) is None


def test_dated_overrides_move_the_beginning_of_a_window() -> None:
    """While another ``active`` holds its opening counts; then what was before is back."""
    during = Spans([(BASE + 10, BASE + 20)])
    limits = Limits(direction=Direction.ABOVE, limit=Fraction(0))
    override = Override(during=during, active=during)
    engine = engine_for("abandoned", limits, length=100, overrides=[override])

    engine.apply_all([joined(5, "a", seq=1), left(6, "a", wait=1, seq=2)])
    engine.advance(BASE + 30)

    assert [
        Turn(6, "fired", "warning", None, 6),
        Turn(10, "ended", "warning", "recovered", 6),
        Turn(20, "fired", "warning", None, 20),
    ] == turns(engine.drain())


def test_a_reload_that_takes_active_away_gives_the_window_its_past_back() -> None:
    """What ended before opening counts again, as far back as the window reaches."""
    active = Spans([(BASE + 10, BASE + 99)])
    closed = Limits(direction=Direction.ABOVE, limit=Fraction(0), active=active)
    engine = engine_for("abandoned", closed, length=100)
    engine.apply_all([joined(5, "a", seq=1), left(6, "a", wait=1, seq=2)])
    engine.advance(BASE + 20)
    assert [] == engine.drain()

    always = engine_for("abandoned", dataclasses.replace(closed, active=None), length=100)
    engine.reconfigure(always.settings, BASE + 21)

    assert [Turn(21, "fired", "warning", None, 21)] == turns(engine.drain())


def test_today_ends_with_the_day() -> None:
    """A count of today clears at local midnight, not before."""
    midnight = BASE - BASE % (86_400 * SECOND) + 86_400 * SECOND
    limits = Limits(direction=Direction.ABOVE, limit=Fraction(0))
    engine = engine_for("abandoned", limits)
    today = WindowSpec(name="w", day=True)
    engine = Engine(dataclasses.replace(engine.settings, windows=(today,)), BASE)

    engine.apply_all([joined(5, "a", seq=1), left(6, "a", wait=1, seq=2)])
    engine.advance(midnight + 10)

    assert [(BASE + 6, "fired"), (midnight, "ended")] == [
        (t.at, t.kind) for t in engine.drain()
    ]
