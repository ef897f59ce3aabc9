"""What a scrape costs: our renderer beside prometheus_client, same series, one process.

Run it from the top folder: ``python -m bench.scrape [QUEUES …]``. The table goes to
standard error, a line of JSON per size to standard output. Times are processor time, the
best of some runs, so that a busy machine spoils them less; ours include working out every
figure, theirs begins with the figures set.
"""

import gc
import json
import random
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.parser import text_string_to_metric_families

from callmon.clock import SECOND, Micros
from callmon.events import Outcome
from callmon.queues import SubjectState, Targets, WindowSpec, day_of
from callmon.rules import Subject, SubjectKind
from callmon.sinks.prometheus import Exposition, Format
from callmon.sinks.threshold_families import Owners

__all__ = ["START", "WINDOWS", "busy_states", "touch"]

START: Micros = 1_700_000_000 * SECOND
WINDOWS = (WindowSpec(name="15m", length=900 * SECOND), WindowSpec(name="today", day=True))

_OUTCOMES = (
    *[Outcome.ANSWERED] * 8,
    *[Outcome.ABANDONED] * 2,
    Outcome.TIMEOUT,
    Outcome.KEY_EXIT,
)
_RUNS = 5


def busy_states(queues: int, *, contacts: int = 30, seed: int = 1) -> list[SubjectState]:
    """Return *queues* queues that had *contacts* contacts in the last 15 minutes each."""
    draw = random.Random(seed)
    day = day_of("UTC")
    states = []
    for number in range(queues):
        subject = Subject(
            kind=SubjectKind.QUEUE,
            name=f"queue_{number:04}",
            labels={"site": f"site_{number % 7}", "team": f"team_{number % 13}"},
        )
        state = SubjectState(subject, Targets(short_abandon=5 * SECOND), day, WINDOWS)
        for at in sorted(draw.randrange(900 * SECOND) for _ in range(contacts)):
            _visit(state, START - 900 * SECOND + at, draw)
        for _ in range(3):
            begun = START - draw.randrange(60 * SECOND)
            state.join(begun)
        states.append(state)
    return states


def _visit(state: SubjectState, at: Micros, draw: random.Random) -> None:
    outcome = draw.choice(_OUTCOMES)
    wait = draw.randrange(120) * SECOND  # as Asterisk tells it
    state.join(at - wait)
    state.leave(at, at - wait, outcome, wait)
    if outcome is Outcome.ANSWERED:
        state.end_talk(at, draw.randrange(300) * SECOND)


def touch(states: Sequence[SubjectState], now: Micros) -> None:
    """Let a contact come and be answered in each of *states*."""
    for state in states:
        state.join(now - 5 * SECOND)
        state.leave(now, now - 5 * SECOND, Outcome.ANSWERED, 5 * SECOND)
        state.end_talk(now, 60 * SECOND)


class _Ours:
    """Our renderer and the longest time it held the loop."""

    def __init__(self, states: list[SubjectState]) -> None:
        self._states = states
        self._exposition = Exposition()
        self.stall_s = 0.0

    def render(self, now: Micros) -> tuple[float, bytes]:
        """Return the seconds of processor time it took, and the text."""
        started = time.process_time()
        last = time.perf_counter()
        for _ in self._exposition.refresh(self._states, (), Owners(), now):
            self.stall_s = max(self.stall_s, time.perf_counter() - last)
            last = time.perf_counter()
        parts = list(self._exposition.body(Format.TEXT))
        self.stall_s = max(self.stall_s, time.perf_counter() - last)
        return time.process_time() - started, b"".join(parts)


def _theirs(text: str) -> CollectorRegistry:
    """Return a registry of prometheus_client with the very series of *text*."""
    registry = CollectorRegistry()
    for family in text_string_to_metric_families(text):
        labels = [name for name in family.samples[0].labels if name != "le"]
        if family.type == "histogram":
            bounds = {s.labels["le"]: None for s in family.samples if "le" in s.labels}
            histogram = Histogram(
                family.name,
                family.documentation,
                labels,
                buckets=[float(bound) for bound in bounds],
                registry=registry,
            )
            _fill(histogram, labels, list(bounds), family.samples)
            continue
        make = Counter if family.type == "counter" else Gauge
        metric = make(family.name, family.documentation, labels, registry=registry)
        for sample in family.samples:
            metric.labels(**sample.labels).inc(sample.value)
    return registry


def _fill(histogram: Histogram, labels: list[str], bounds: list[str], samples: list) -> None:  # type: ignore[type-arg]
    below = 0.0
    for sample in samples:
        child = histogram.labels(*(sample.labels[name] for name in labels))
        if sample.name.endswith("_bucket"):
            index = bounds.index(sample.labels["le"])
            below = 0.0 if index == 0 else below
            child._buckets[index].set(sample.value - below)  # noqa: SLF001
            below = sample.value
        elif sample.name.endswith("_sum"):
            child._sum.set(sample.value)  # noqa: SLF001


def _measure(queues: int) -> dict[str, float]:
    states = busy_states(queues)
    ours = _Ours(states)
    cold, text = ours.render(START)
    ours.stall_s = 0.0
    clock = _clock()
    every = min(_changed(ours, states, next(clock)) for _ in range(_RUNS))
    stall = ours.stall_s
    some = min(_changed(ours, states[::20], next(clock)) for _ in range(_RUNS))
    idle = min(ours.render(START + 10 * SECOND)[0] for _ in range(_RUNS))
    _, text = ours.render(START + 10 * SECOND)
    zipped = zlib.compress(text, 1)
    gzip = _seconds(lambda: zlib.compress(text, 1))
    registry = _theirs(text.decode())
    gc.collect()
    client = min(_seconds(lambda: generate_latest(registry)) for _ in range(3))
    gauges = _gauges(registry)
    setting = min(_seconds(lambda: _set_all(gauges)) for _ in range(3))
    if _series(generate_latest(registry)) != _series(text):
        raise SystemExit("the two do not have the same series")
    return {
        "queues": queues,
        "series": _series(text),
        "bytes": len(text),
        "gzip_bytes": len(zipped),
        "client_ms": client * 1e3,
        "client_set_gauges_ms": setting * 1e3,
        "first_ms": cold * 1e3,
        "all_changed_ms": every * 1e3,
        "twentieth_changed_ms": some * 1e3,
        "same_second_ms": idle * 1e3,
        "gzip_ms": gzip * 1e3,
        "longest_slice_ms": stall * 1e3,
        "ratio_all_changed": client / every,
        "ratio_twentieth_changed": client / some,
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _gauges(registry: CollectorRegistry) -> list[Gauge]:
    """Return every labelled gauge, as a program would keep them at hand."""
    gauges: list[Gauge] = []
    for collector in registry._collector_to_names:  # noqa: SLF001
        if isinstance(collector, Gauge):
            children = collector._metrics.values()  # noqa: SLF001
            gauges += [child for child in children if isinstance(child, Gauge)]
    return gauges


def _set_all(gauges: list[Gauge]) -> None:
    for gauge in gauges:
        gauge.set(1.5)


def _clock() -> Iterator[Micros]:
    now = START
    while True:
        now += SECOND
        yield now


def _changed(ours: _Ours, states: Sequence[SubjectState], now: Micros) -> float:
    touch(states, now)
    return ours.render(now)[0]


def _series(text: bytes) -> int:
    return sum(not line.startswith(b"#") for line in text.splitlines())


def main() -> None:
    """Measure the sizes given, or 1,000 and 5,000 queues."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    for queues in [int(argument) for argument in sys.argv[1:]] or [1_000, 5_000]:
        figures = _measure(queues)
        print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
        for name, value in figures.items():
            print(f"{name:>22} {value:14,.1f}", file=sys.stderr)


if __name__ == "__main__":
    main()
