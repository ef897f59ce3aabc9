"""Tests of the page of metrics: true to the state, to the formats, and quick to leave go."""

import asyncio
import dataclasses
import datetime as dt
import os
import subprocess
import zlib
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from callmon.agents import agent_changed
from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND, Micros
from callmon.events import OUTCOME_LABELS, AgentChanged, Device, Outcome
from callmon.measures import MEASURES, Reading, Unit
from callmon.queues import Formula, SubjectState, Targets, WindowSpec, day_of
from callmon.rules import (
    Direction,
    Escalation,
    Limits,
    Rule,
    Selector,
    Severity,
    Subject,
    SubjectKind,
    Threshold,
)
from callmon.sinks.prometheus import Exposition, Format, MetricsPage, exposition, negotiate
from callmon.sinks.threshold_families import Owners, ThresholdView
from callmon.testing import ManualClock
from callmon.watches import Watch
from callmon.windows import FLAGS, SHORT, WITHIN
from tests.acceptance.peers import program

GOLDEN = Path(__file__).parent.parent / "golden" / "metrics.txt"
START: Micros = 1_700_000_000 * SECOND
WINDOWS = (WindowSpec(name="15m", length=900 * SECOND), WindowSpec(name="today", day=True))
LONG_AGO = dt.date(2000, 1, 1)
DAY = day_of("UTC")
NEVER = Calendar(CalendarSpec(name="never", timezone="UTC", dates=((LONG_AGO, LONG_AGO),)))
BUDGET = 120
AGENTS_BUDGET = 12
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)

Owner = dict[tuple[tuple[str, str], ...], int]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def a_state(
    name: str = "sales",
    kind: SubjectKind = SubjectKind.QUEUE,
    labels: Mapping[str, str] | None = None,
    targets: Targets = Targets(short_abandon=2 * SECOND),  # noqa: B008 - it is frozen
) -> SubjectState:
    """Return a queue or group in which nothing has happened."""
    return SubjectState(
        Subject(kind=kind, name=name, labels=labels or {}), targets, DAY, WINDOWS
    )


def visit(
    state: SubjectState, at: Micros, outcome: Outcome, wait: Micros | None = 5 * SECOND
) -> None:
    """Let a contact join and, at *at*, end."""
    start = at - (wait or 0)
    state.join(start)
    state.leave(at, start, outcome, wait)


def a_watch(
    state: SubjectState,
    measure: str = "longest_wait",
    window: str | None = None,
    active: Calendar | None = None,
) -> Watch:
    """Return a threshold on *state* that fires above 3 min, or above a fifth."""
    ratio = MEASURES[measure].unit is Unit.RATIO
    limits = Limits(
        direction=Direction.ABOVE,
        limit=Fraction(1, 5) if ratio else Fraction(180 * SECOND),
        active=active,
    )
    threshold = Threshold(
        name=f"high_{measure}",
        measure=measure,
        window=window,
        severity=Severity.WARNING,
        select=Selector(queues=("*",)),
        limits=limits,
        escalate=(Escalation(after=60 * SECOND, severity=Severity.CRITICAL),),
    )
    rule = Rule(subject=state.subject, threshold=threshold, base=limits, overrides=())
    spec = next((spec for spec in WINDOWS if spec.name == window), None)
    return Watch(rule, state, spec)


def text_samples(text: bytes) -> Samples:
    """Read text format, as prometheus_client does."""
    families = text_string_to_metric_families(text.decode())
    return _samples(families)


def openmetrics_samples(text: bytes) -> Samples:
    """Read OpenMetrics, as prometheus_client does: it is strict."""
    read = openmetrics_parser.text_string_to_metric_families
    return _samples(read(text.decode()))  # type: ignore[no-untyped-call]  # has no types


def _samples(families: Iterable[object]) -> Samples:
    found: Samples = {}
    for family in families:
        for sample in family.samples:  # type: ignore[attr-defined]  # has no types
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def figure(reading: Reading, unit: Unit) -> float:
    """Return a reading as a scraper gets it."""
    value = Fraction(reading[0], reading[1])
    return float(value / SECOND if unit is Unit.SECONDS else value)


def expected(state: SubjectState, now: Micros) -> Samples:
    """Work out what the page must say, sample by sample."""
    kind, subject = state.subject.kind, (state.subject.kind, state.subject.name)
    counter = "callmon_" if kind is SubjectKind.QUEUE else f"callmon_{kind}_"
    found: Samples = {}

    def add(name: str, value: float, **labels: str) -> None:
        found[name, frozenset([subject, *labels.items()])] = value

    add(f"callmon_{kind}_info", 1, **state.subject.labels)
    for measure in MEASURES.values():
        name, labels = f"callmon_{kind}_{measure.metric}", dict(measure.labels)
        if measure.live is not None and not state.blind:
            reading = measure.live(state, now)
            if reading is not None:
                add(name, figure(reading, measure.unit), **labels)
        if measure.over is None or state.blind:
            continue
        for spec in WINDOWS:
            window = state.open_window(spec)
            window.sync(now)
            reading = measure.over(state, window, now)
            window.close()
            if reading is not None:
                add(name, figure(reading, measure.unit), **labels, window=spec.name)
    if state.starts and not state.blind:
        oldest = f"callmon_{kind}_oldest_contact_timestamp_seconds"
        add(oldest, float(Fraction(state.starts[0], SECOND)))
    _expect_reasons(state, f"callmon_{kind}_agents_paused", add)
    _expect_counters(state, f"{counter}contacts", add)
    add(f"{counter}ring_no_answer_total", state.rings)
    for outcome in (Outcome.ANSWERED, Outcome.ABANDONED):
        _expect_histogram(state, outcome, f"{counter}contact_wait_seconds", add)
    return found


def _expect_reasons(state: SubjectState, name: str, add: Callable[..., None]) -> None:
    if state.agents.known and not state.blind:
        for reason, paused in state.agents.reasons.items():
            add(name, paused, reason=reason)


def _expect_counters(state: SubjectState, start: str, add: Callable[..., None]) -> None:
    add(f"{start}_arrived_total", state.arrived)
    add(f"{start}_unsettled", state.unsettled)
    for outcome in Outcome:
        add(f"{start}_total", state.outcome_total(outcome), outcome=OUTCOME_LABELS[outcome])
    codes = list(enumerate(state.counts))
    short = sum(n for code, n in codes if code // FLAGS == Outcome.ABANDONED and code & SHORT)
    add(f"{start}_short_abandoned_total", short)
    for outcome in (Outcome.ANSWERED, Outcome.ABANDONED):
        within = state.counts[outcome * FLAGS + WITHIN]
        add(f"{start}_within_target_total", within, outcome=OUTCOME_LABELS[outcome])
    for reason in {"full", "join_empty", *state.refused}:
        add(f"{start}_refused_total", state.refused.get(reason, 0), reason=reason)
    for (old, new), n in state.corrected.items():
        labels = {"from": OUTCOME_LABELS[old], "to": OUTCOME_LABELS[new]}
        add(f"{start}_corrected_total", n, **labels)


def _expect_histogram(
    state: SubjectState, outcome: Outcome, name: str, add: Callable[..., None]
) -> None:
    row, label = state.buckets[outcome], {"outcome": OUTCOME_LABELS[outcome]}
    for index, bound in enumerate(state.bounds):
        add(f"{name}_bucket", sum(row[: index + 1]), **label, le=f"{bound / SECOND:.1f}")
    add(f"{name}_bucket", sum(row), **label, le="+Inf")
    add(f"{name}_count", sum(row), **label)
    total = sum(state.sums[outcome * FLAGS : (outcome + 1) * FLAGS])
    add(f"{name}_sum", float(Fraction(total, SECOND)), **label)


def agent(  # the fields of an event
    state: SubjectState,
    now: Micros,
    number: int = 1,
    device: Device = Device.IDLE,
    *,
    reason: str | None = None,
    wrapup: Micros = 0,
) -> None:
    """Let an agent stand so; with a *reason* he is paused."""
    name = f"SIP/{number}"
    until = now + wrapup if wrapup else 0
    told = AgentChanged(
        now, "pbx", 0, "sales", name, name, device, reason is not None, reason or "", until
    )
    agent_changed([state], told)


def page(states: Iterable[SubjectState], now: Micros, form: Format = Format.TEXT) -> bytes:
    """Render everything afresh."""
    return exposition(states, (), now, form=form)


WAITS = st.sampled_from([None, 0, 1, 2 * SECOND, 20 * SECOND, 20 * SECOND + 1, 700 * SECOND])
STEPS = st.one_of(
    st.tuples(st.just("join"), st.integers(0, 2)),
    st.tuples(st.just("leave"), st.sampled_from(Outcome), WAITS),
    st.tuples(st.just("talked"), st.sampled_from([None, 0, 90 * SECOND])),
    st.tuples(st.just("refused"), st.sampled_from(["full", "join_empty", 'ban"ned'])),
    st.tuples(st.just("rang")),
    st.tuples(st.just("corrected"), st.sampled_from(Outcome), st.sampled_from(Outcome)),
    st.tuples(st.just("blind"), st.booleans()),
    st.tuples(st.just("known"), st.booleans()),
    st.tuples(
        st.just("agent"),
        st.integers(1, 3),
        st.sampled_from(Device),
        st.sampled_from([None, "", 'lu"nch']),
        st.sampled_from([0, SECOND, 900 * SECOND]),
    ),
    st.tuples(st.just("retarget"), st.sampled_from([0, 2, 20])),
    st.tuples(st.just("judge"), st.sampled_from(Formula)),
    st.tuples(st.just("relabel"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("later"), st.sampled_from([0, 1, SECOND, 900 * SECOND, 86_400 * SECOND])),
)


def take(state: SubjectState, step: tuple[object, ...], now: Micros) -> None:  # noqa: C901, PLR0912  # a case a step
    """Do to *state* what *step* says."""
    match step:
        case ("join", int(ago)):
            state.join(now - ago * SECOND)
        case ("leave", Outcome() as outcome, wait) if state.starts:
            assert wait is None or isinstance(wait, int)
            state.leave(now, state.starts[0], outcome, wait)
        case ("talked", talk) if state.talking:
            assert talk is None or isinstance(talk, int)
            state.end_talk(now, talk)
        case ("refused", str(reason)):
            state.refused[reason] = state.refused.get(reason, 0) + 1
            state.changed()
        case ("rang",):
            state.rings += 1
            state.changed()
        case ("corrected", Outcome() as old, Outcome() as new):
            state.corrected[old, new] = state.corrected.get((old, new), 0) + 1
            state.changed()
        case ("blind", bool(blind)):
            state.blind = blind
        case ("known", bool(known)):
            state.agents.set_known(known, now)
        case ("agent", int(number), Device() as device, reason, int(wrapup)):
            assert reason is None or isinstance(reason, str)
            agent(state, now, number, device, reason=reason, wrapup=wrapup)
        case ("retarget", int(seconds)):
            state.retarget(Targets(within=seconds * SECOND, short_abandon=2 * SECOND))
        case ("judge", Formula() as formula):
            state.retarget(dataclasses.replace(state.targets, formula=formula))
        case ("relabel", str(site)):
            state.subject = dataclasses.replace(state.subject, labels={"site": site})
        case _:
            pass


STORIES = st.lists(st.tuples(st.integers(0, 1), STEPS), min_size=1, max_size=30)


@given(STORIES)
def test_the_page_says_what_the_state_is(story: list[tuple[int, tuple[object, ...]]]) -> None:
    """Sample by sample, in both formats; nothing kept from earlier pages is out of date."""
    states = [a_state("sales"), a_state("all", SubjectKind.GROUP)]
    kept, now = Exposition(), START

    for index, step in story:
        if step[0] == "later":
            assert isinstance(step[1], int)
            now += step[1]
        take(states[index], step, now)
        for _ in kept.refresh(states, (), Owners(), now):
            pass
        assert page(states, now) == b"".join(kept.body(Format.TEXT)), step

    truth = expected(states[0], now) | expected(states[1], now)
    assert truth == text_samples(page(states, now))
    assert truth == openmetrics_samples(page(states, now, Format.OPENMETRICS))


CHANGES: list[tuple[object, ...]] = [
    ("join", 1),
    ("leave", Outcome.TIMEOUT, None),
    ("leave", Outcome.ANSWERED, 0),
    ("talked", 90 * SECOND),
    ("refused", "full"),
    ("rang",),
    ("corrected", Outcome.LOST, Outcome.ANSWERED),
    ("blind", True),
    ("known", False),
    ("agent", 2, Device.BUSY, None, 0),
    ("agent", 1, Device.IDLE, "tea", 0),
    ("retarget", 2),
    ("judge", Formula.ANSWERED_ONLY),
    ("relabel", "a"),
    ("later", 1),
    ("later", 21 * SECOND),
    ("later", 900 * SECOND),
    ("later", 86_400 * SECOND),
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_shown(change: tuple[object, ...]) -> None:
    """One thing changes, and nothing of the page before is left that it concerns."""
    kept, state, now = Exposition(), a_state(), START
    for wait in (0, 3 * SECOND, 30 * SECOND):
        visit(state, now, Outcome.ANSWERED, wait)
    visit(state, now, Outcome.ABANDONED, 4 * SECOND)
    state.join(now)
    state.agents.set_known(known=True, at=now)
    agent(state, now, 1, wrapup=SECOND)
    for number in (2, 3):
        agent(state, now, number)
    pages = []
    for step in (("look",), change):
        if step[0] == "later":
            assert isinstance(step[1], int)
            now += step[1]
        take(state, step, now)
        for _ in kept.refresh([state], (), Owners(), now):
            pass
        pages.append(b"".join(kept.body(Format.TEXT)))

    before, after = pages

    assert before != after
    assert page([state], now) == after


def test_restored_counters_are_shown() -> None:
    """What a checkpoint brings replaces what was shown, though as many contacts ended."""
    state, other, kept = a_state(), a_state(), Exposition()
    visit(state, START, Outcome.ANSWERED, 6 * SECOND)
    visit(other, START, Outcome.ANSWERED, 7 * SECOND)
    for part in (state.part(), other.part()):
        state.restore(part)
        for _ in kept.refresh([state], (), Owners(), START):
            pass

    text = b"".join(kept.body(Format.TEXT))

    assert b'contact_wait_seconds_sum{queue="sales",outcome="answered"} 7.0\n' in text


@pytest.mark.parametrize(
    "name",
    [
        'sa"les',
        "back\\slash\\n",
        "two\nlines",
        "客服一线",
        "\N{REPLACEMENT CHARACTER}",
        "100%s",
        "a,b}=",
    ],
)
def test_labels_are_escaped(name: str) -> None:
    """Any name comes out of both parsers as it went in."""
    state = a_state(name, labels={"site": name})
    key = "callmon_queue_info", frozenset({("queue", name), ("site", name)})

    assert key in text_samples(page([state], START))
    assert key in openmetrics_samples(page([state], START, Format.OPENMETRICS))


@pytest.mark.parametrize("name", ["nul\0", "half\ud800"])
def test_what_no_scraper_can_read_is_replaced(name: str) -> None:
    """One hostile name does not cost the whole page."""
    text = page([a_state(name)], START)
    samples = text_samples(text)

    assert b"\0" not in text
    assert 1 == sum(metric == "callmon_queue_info" for metric, _ in samples)


def test_a_window_may_be_called_anything() -> None:
    """Its name is text, not a place to put a value."""
    state = a_state()
    state.set_windows([WindowSpec(name="100%d", length=SECOND)])

    text = exposition([state], (), START, windows=["100%d"])

    assert b'callmon_queue_window_offered_contacts{queue="sales",window="100%d"} 0\n' in text


def test_values_are_exact_decimals() -> None:
    """Microseconds come out as they are, ratios with all digits of a double."""
    state = a_state()
    visit(state, START, Outcome.ANSWERED, 12_500_000)
    visit(state, START, Outcome.ABANDONED, 2_000_001)
    visit(state, START, Outcome.ABANDONED, 3 * SECOND)
    state.join(START + 123_456)

    lines = page([state], START + 180 * SECOND + 123_456).decode().splitlines()

    assert 'callmon_queue_longest_wait_seconds{queue="sales"} 180.0' in lines
    assert (
        'callmon_queue_oldest_contact_timestamp_seconds{queue="sales"} 1700000000.123456'
        in lines
    )
    assert 'callmon_queue_average_wait_seconds{queue="sales",window="15m"} 12.5' in lines
    assert (
        'callmon_queue_answer_ratio{queue="sales",window="today"} 0.3333333333333333' in lines
    )
    assert (
        'callmon_contact_wait_seconds_sum{queue="sales",outcome="abandoned"} 5.000001' in lines
    )


def test_nothing_is_said_of_what_is_not_known() -> None:
    """A blind queue has no figures, an empty one no rates, and neither shows a 0."""
    blind, empty = a_state("blind"), a_state("empty")
    blind.join(START)
    blind.blind = True

    named = {
        (name, dict(labels)["queue"])
        for name, labels in text_samples(page([blind, empty], START))
    }

    assert ("callmon_queue_waiting_contacts", "blind") not in named
    assert ("callmon_queue_oldest_contact_timestamp_seconds", "blind") not in named
    assert ("callmon_queue_oldest_contact_timestamp_seconds", "empty") not in named
    assert ("callmon_queue_longest_wait_seconds", "empty") in named
    assert ("callmon_queue_answer_ratio", "empty") not in named


def busy_state() -> SubjectState:
    """Return a queue of which everything is known."""
    state = a_state(labels={"site": "east", "team": "gold"})
    for number, outcome in enumerate(Outcome):
        visit(state, START + number * SECOND, outcome)
    state.end_talk(START + 60 * SECOND, 55 * SECOND)
    state.join(START + 61 * SECOND)
    state.refused.update(full=1, join_empty=2)
    state.corrected[Outcome.LOST, Outcome.ANSWERED] = 1
    state.rings = 3
    state.agents.set_known(known=True, at=START)
    for number, device in enumerate((Device.BUSY, Device.RINGING, Device.IDLE), 1):
        agent(state, START, number, device)
    agent(state, START, 4, wrapup=300 * SECOND)
    agent(state, START, 5, reason="lunch")
    state.changed()
    return state


def two_watches(state: SubjectState) -> list[ThresholdView]:
    """Return the two thresholds that the example configuration begins with."""
    return [a_watch(state), a_watch(state, "abandonment_rate", "15m")]


def test_a_queue_stays_within_its_budget_of_series() -> None:
    """With everything known and two thresholds a queue has at most 120 series.

    A live feed adds at most twelve for its agents, and one for each reason of a pause.
    """
    state, now = busy_state(), START + 100 * SECOND

    with_agents = text_samples(exposition([state], two_watches(state), now))
    state.agents.set_known(known=False, at=now)
    without = text_samples(exposition([state], two_watches(state), now))

    assert len(without) <= BUDGET
    assert len(with_agents) - len(without) <= AGENTS_BUDGET + len(state.agents.reasons)


def test_families_are_whole_and_announced_once() -> None:
    """No family is torn apart, and each has one HELP and one TYPE line before its lines."""
    states = [a_state(f"queue_{number:03}") for number in range(70)]
    announced: list[str] = []

    for line in page(states, START).decode().splitlines():
        if line.startswith("# HELP "):
            announced.append(line.split()[2])
        elif line.startswith("# TYPE "):
            assert line.split()[2] == announced[-1]
        else:
            assert line.startswith(announced[-1])

    assert len(set(announced)) == len(announced)


def test_a_queue_that_is_gone_leaves_no_series() -> None:
    """After a reload without it, nothing of a queue is left; the others stay."""
    kept = Exposition()
    gone, stays = a_state("gone"), a_state("stays")
    for states in ([gone, stays], [stays]):
        for _ in kept.refresh(states, two_watches(states[0]), Owners(), START):
            pass

    text = b"".join(kept.body(Format.TEXT))

    assert b'"gone"' not in text
    assert b'"stays"' in text


def _threshold_samples(watch: Watch, now: Micros) -> Samples:
    return {
        (name, labels): value
        for (name, labels), value in text_samples(exposition([], [watch], now)).items()
        if name.startswith("callmon_threshold")
    }


def test_a_threshold_shows_how_it_stands() -> None:
    """State, value, limit, and for each severity whether its alert stands."""
    state = a_state(labels={"team": "gold"})
    watch = a_watch(state)
    state.join(START)
    fired = START + 180 * SECOND
    watch.evaluate(START)
    watch.evaluate(fired)
    labels = {
        ("threshold", "high_longest_wait"),
        ("queue", "sales"),
        ("measure", "longest_wait"),
        ("direction", "above"),
        ("team", "gold"),
    }
    warning, critical = ("severity", "warning"), ("severity", "critical")

    samples = _threshold_samples(watch, fired + 500_000)

    assert {
        ("callmon_threshold_firing", frozenset({*labels, warning})): 1.0,
        ("callmon_threshold_firing", frozenset({*labels, critical})): 0.0,
        (
            "callmon_threshold_state",
            frozenset({*labels, warning, ("state", "firing")}),
        ): 1.0,
        ("callmon_threshold_value", frozenset({*labels, warning})): 180.5,
        ("callmon_threshold_limit", frozenset({*labels, warning})): 180.0,
    } == samples


def test_a_threshold_of_a_window_names_it_and_has_no_value_without_a_base() -> None:
    """Ratios are ratios; nothing ended: there is a limit, and no value."""
    state = a_state()
    watch = a_watch(state, "abandonment_rate", "15m")
    before = _threshold_samples(watch, START)
    visit(state, START, Outcome.ABANDONED)

    after = _threshold_samples(watch, START)

    assert {0.2} == {value for (name, _), value in before.items() if name.endswith("_limit")}
    assert not any(name.endswith("_value") for name, _ in before)
    assert {1.0} == {value for (name, _), value in after.items() if name.endswith("_value")}
    assert all(("window", "15m") in labels for _, labels in after)


def test_a_threshold_that_is_off_compares_nothing() -> None:
    """Outside its hours it has a state and a limit, and no value."""
    state = a_state()
    state.join(START)
    watch = a_watch(state, active=NEVER)
    watch.evaluate(START)

    samples = _threshold_samples(watch, START)

    assert {
        "callmon_threshold_firing",
        "callmon_threshold_state",
        "callmon_threshold_limit",
    } == {name for name, _ in samples}


def test_alerts_show_who_delivers_them() -> None:
    """0 for ours, 1 for those left to Prometheus; without alerts the family is absent."""
    kept = Exposition()
    owners: Owner = {
        (("threshold", "a"), ("queue", "x")): 0,
        (("threshold", "b"), ("queue", "x")): 1,
    }
    for _ in kept.refresh([], [], Owners(alerts=owners), START):
        pass

    samples = text_samples(b"".join(kept.body(Format.TEXT)))

    assert {
        ("callmon_threshold_handed_over", frozenset(labels)): float(value)
        for labels, value in owners.items()
    } == samples
    assert b"" == exposition([], [], START)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.TEXT),
        ("text/plain", Format.TEXT),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0", Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        ("text/plain;q=0.9, application/openmetrics-text;q=0.8", Format.TEXT),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;q=much", Format.TEXT),
    ],
)
def test_the_format_is_what_the_scraper_prefers(accept: str, wanted: Format) -> None:
    """OpenMetrics only for those who name it and like it better than text."""
    assert wanted is negotiate(accept)


def golden_page() -> bytes:
    """Return a page that shows every family."""
    queue, group = busy_state(), a_state("all", SubjectKind.GROUP)
    visit(group, START, Outcome.ANSWERED)
    kept = Exposition()
    owners: Owner = {
        (("threshold", "long_wait"), ("queue", "sales"), ("severity", "warning")): 0
    }
    storms: Owner = {(("severity", "critical"), ("team", "sales")): 1}
    shown = Owners(owners, storms)
    for _ in kept.refresh([group, queue], two_watches(queue), shown, START + 100 * SECOND):
        pass
    return b"".join(kept.body(Format.TEXT))


def test_the_page_is_the_golden_one() -> None:
    """Any change of a name, a label or a text shows in review; CALLMON_GOLDEN=write writes."""
    text = golden_page()
    if os.environ.get("CALLMON_GOLDEN") == "write":
        GOLDEN.write_bytes(text)

    assert GOLDEN.read_text() == text.decode()


@pytest.mark.acceptance
@pytest.mark.parametrize("suite", ["trixie", "sid"])
def test_promtool_has_no_complaint(suite: str) -> None:
    """Prometheus' own linter accepts every name, help and type."""
    check = subprocess.run(
        [program(suite, "promtool"), "check", "metrics"],
        input=golden_page(),
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (0, b"", b"") == (check.returncode, check.stdout, check.stderr)


@dataclasses.dataclass
class Shown:
    """A state to show."""

    states: list[SubjectState]
    clock: ManualClock

    def now(self) -> Micros:
        """Return engine time."""
        return self.clock.now()

    def subjects(self) -> list[SubjectState]:
        """Return the queues."""
        return self.states

    def thresholds(self) -> list[ThresholdView]:
        """Return no threshold."""
        return []

    def owners(self) -> Owners:
        """Return no alert."""
        return Owners()


async def own(form: Format) -> bytes:
    """Stand for the daemon's own metrics."""
    return f'# TYPE own gauge\nown{{format="{form.name}"}} 1\n'.encode()


def a_page(queues: int = 100) -> tuple[MetricsPage, Shown, list[Micros]]:
    """Return a page of many queues, what it shows, and how often it was rendered."""
    clock = ManualClock(START)
    shown = Shown([a_state(f"queue_{number:04}") for number in range(queues)], clock)
    rendered: list[Micros] = []
    return MetricsPage(shown, clock, own, rendered=rendered.append), shown, rendered


@pytest.mark.anyio
async def test_scrapers_of_one_second_share_a_rendering() -> None:
    """A second scraper costs nothing, in whatever format, and a second later all is new."""
    metrics, shown, rendered = a_page()

    first, second = await asyncio.gather(
        metrics.page("", gzip=False), metrics.page(PROMETHEUS_3, gzip=True)
    )
    shown.states[0].join(START)
    again = await metrics.page("", gzip=False)
    await shown.clock.advance(SECOND)
    later = await metrics.page("", gzip=False)

    assert 2 == len(rendered)
    assert first is again
    arrived = b'callmon_contacts_arrived_total{queue="queue_0000"} 1\n'
    assert arrived not in b"".join(first.parts)
    assert arrived in b"".join(later.parts)
    assert "gzip" == second.encoding


@pytest.mark.anyio
async def test_a_page_ends_with_the_daemons_own_metrics() -> None:
    """They come last, in the format asked for, and OpenMetrics has its end mark."""
    metrics, _, _ = a_page(1)

    text = b"".join((await metrics.page("text/plain", gzip=False)).parts)
    open_page = await metrics.page(PROMETHEUS_3, gzip=False)

    assert text.endswith(b'own{format="TEXT"} 1\n')
    assert b"".join(open_page.parts).endswith(b'own{format="OPENMETRICS"} 1\n# EOF\n')
    assert open_page.content_type.startswith("application/openmetrics-text; version=1.0.0")


@pytest.mark.anyio
async def test_gzip_holds_the_same_page() -> None:
    """Unpacked, it is the plain page to the byte, and much smaller."""
    metrics, _, _ = a_page()

    plain = b"".join((await metrics.page("", gzip=False)).parts)
    zipped = b"".join((await metrics.page("", gzip=True)).parts)

    assert plain == zlib.decompress(zipped, 16 + zlib.MAX_WBITS)
    assert len(zipped) * 5 < len(plain)


@pytest.mark.anyio
async def test_the_loop_runs_on_while_a_page_is_made() -> None:
    """Rendering and packing many queues gives way again and again."""
    metrics, _, _ = a_page(1_000)
    turns = 0
    done = asyncio.Event()

    async def count() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, no time

    async with asyncio.TaskGroup() as group:
        group.create_task(count())
        await metrics.page("", gzip=True)
        done.set()

    assert turns > 1_000 / 32
