"""What /metrics says of queues and groups.

Each ``Section`` (see ``callmon.sinks.lines``) writes some families' lines of one of them.
Figures and their names come from ``callmon.measures``.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from callmon.clock import SECOND, Micros
from callmon.events import OUTCOME_LABELS, Outcome
from callmon.facts import NOTHING, OUTCOME_FACTS, Fact, knows, oldest
from callmon.measures import (
    MEASURES,
    Measure,
    Reading,
    Unit,
    abandoned_within,
    answered_within,
    short_abandoned,
)
from callmon.queues import SubjectState
from callmon.rules import SubjectKind
from callmon.sinks.lines import Family, Section, Template, Value, label_text, line
from callmon.windows import FLAGS, UNKNOWN

__all__ = ["SCALE", "subject_labels", "subject_sections"]

SCALE = {Unit.CONTACTS: 0, Unit.AGENTS: 0, Unit.SECONDS: SECOND, Unit.RATIO: 1}
"""What a reading's denominator is multiplied by; 0: the numerator is the value."""

_SHARED_HELP = {
    "agents": "Agents at work, by what they do; absent while no live feed tells of them.",
    "window_contacts": "Contacts that ended in the window, by outcome.",
}
"""Help of the metrics that several measures share."""

_REFUSALS = ("full", "join_empty")
"""Reasons that are always shown, so that the first refusal is an increase."""

_OUTCOME_PARTS = [
    slice(outcome * FLAGS, (outcome + 1) * FLAGS) for outcome in range(len(Outcome))
]
"""Where an outcome's counts stand."""

_COUNTED = (
    Fact.ARRIVED,
    NOTHING,
    *OUTCOME_FACTS,
    Fact.ABANDONED | Fact.SHORT,
    Fact.ANSWERED | Fact.ANSWERED_WITHIN,
    Fact.ABANDONED | Fact.ABANDONED_WITHIN,
    Fact.OTHERS,
    *[Fact.OTHERS for _ in _REFUSALS],
)
"""What each of the counters needs to be known, in order."""

_TIMED = (Outcome.ANSWERED, Outcome.ABANDONED)


def _prefix(kind: SubjectKind) -> str:
    """Return what the names of a subject's gauges begin with."""
    return f"callmon_{kind}_"


def _counter_prefix(kind: SubjectKind) -> str:
    return "callmon_" if kind is SubjectKind.QUEUE else _prefix(kind)


def _by_metric(measures: Iterable[Measure]) -> Iterator[tuple[str, list[Measure]]]:
    for metric, group in itertools.groupby(measures, lambda measure: measure.metric):
        yield metric, list(group)


def _measured_families(kind: SubjectKind, measures: Sequence[Measure]) -> list[Family]:
    return [
        Family(_prefix(kind) + metric, "gauge", _SHARED_HELP.get(metric, group[0].help))
        for metric, group in _by_metric(measures)
    ]


def _measured_lines(
    kind: SubjectKind, measures: Sequence[Measure], window: str | None = None
) -> list[list[bytes]]:
    fixed = () if window is None else (("window", window),)
    return [
        [line(_prefix(kind) + metric, (*fixed, *measure.labels)) for measure in group]
        for metric, group in _by_metric(measures)
    ]


class _InfoSection:
    """The static labels of a subject, to join the other families with."""

    def __init__(self, kind: SubjectKind) -> None:
        name = f"{_prefix(kind)}info"
        self._start = name.encode() + b"{"
        self.families = [Family(name, "gauge", f"Static labels of the {kind}; always 1.")]

    def key(self, _row: SubjectState, _now: Micros) -> object:
        return None

    def lines(self, labels: bytes, row: SubjectState, _now: Micros) -> list[bytes]:
        static = label_text(row.subject.labels.items())
        return [self._start + labels + (b"," + static if static else b"") + b"} 1\n"]


def _figure(reading: Reading | None, scale: int) -> Value:
    """Return a reading in its outer unit."""
    if reading is None:
        return None
    return reading[0] / (reading[1] * scale) if scale else reading[0]


class _LiveSection:
    """What holds now; nothing of a blind subject is known."""

    def __init__(self, kind: SubjectKind) -> None:
        measures = [m for m in MEASURES.values() if m.live is not None and not m.of_agents]
        self._readers = [(measure, SCALE[measure.unit]) for measure in measures]
        oldest_contact = f"{_prefix(kind)}oldest_contact_timestamp_seconds"
        self.families = [
            *_measured_families(kind, measures),
            Family(
                oldest_contact,
                "gauge",
                "When the one who waits longest began to wait; absent when nobody waits.",
            ),
        ]
        self._template = Template([*_measured_lines(kind, measures), [line(oldest_contact)]])

    def key(self, row: SubjectState, now: Micros) -> object:
        return row.version, row.blind, now if row.starts or row.accounts else None

    def lines(self, labels: bytes, row: SubjectState, now: Micros) -> list[bytes]:
        if row.blind:
            return [b""] * len(self.families)
        values = [
            _figure(measure.read(row, None, now), scale) for measure, scale in self._readers
        ]
        start = oldest(row, now) if knows(row, Fact.LONGEST, None, now) else None
        values.append(None if start is None else start / SECOND)
        return self._template.fill(labels, values)


class _WindowSection:
    """What happened in one window."""

    def __init__(self, kind: SubjectKind, window: str) -> None:
        measures = [m for m in MEASURES.values() if m.over is not None and not m.of_agents]
        self._window = window
        self._readers = [(measure, SCALE[measure.unit]) for measure in measures]
        self.families = _measured_families(kind, measures)
        self._template = Template(_measured_lines(kind, measures, window))

    def key(self, row: SubjectState, now: Micros) -> object:
        window = row.windows.get(self._window)
        if window is None:
            return None
        window.sync(now)
        over = row.waiting_over(now, row.targets.within) if row.starts else 0
        counted = window.version, window.arrived(), window.talks()
        if row.accounts:  # time alone makes known, and unknown
            return now, row.version, window
        return window, *counted, over, row.blind, row.targets

    def lines(self, labels: bytes, row: SubjectState, now: Micros) -> list[bytes]:
        window = row.windows.get(self._window)
        if window is None:
            return [b""] * len(self.families)
        values = [
            _figure(measure.read(row, window, now), scale) for measure, scale in self._readers
        ]
        return self._template.fill(labels, values)


class _AgentSection:
    """What the agents do now; nothing is known of them while no live feed tells of them."""

    def __init__(self, kind: SubjectKind) -> None:
        measures = [m for m in MEASURES.values() if m.live is not None and m.of_agents]
        self._readers = measures
        paused = f"{_prefix(kind)}agents_paused"
        self.families = [
            *_measured_families(kind, measures),
            Family(paused, "gauge", "Paused agents, by the reason they gave."),
        ]
        self._paused = paused.encode() + b"{"
        self._template = Template(_measured_lines(kind, measures))

    def key(self, row: SubjectState, now: Micros) -> object:
        agents = row.agents
        if row.blind or not agents.known:
            return None
        agents.sync(now)
        return agents.version, len(row.starts), now if row.accounts else None

    def lines(self, labels: bytes, row: SubjectState, now: Micros) -> list[bytes]:
        if row.blind or not row.agents.known:
            return [b""] * len(self.families)
        values = [_figure(measure.read(row, None, now), 0) for measure in self._readers]
        reasons = b"".join(
            self._paused + labels + b"," + label_text([("reason", reason)]) + b"} %d\n" % count
            for reason, count in row.agents.reasons.items()
        )
        return [*self._template.fill(labels, values), reasons]


class _AgentWindowSection:
    """How busy the agents were in one window, and how long that makes one wait."""

    def __init__(self, kind: SubjectKind, window: str) -> None:
        measures = [m for m in MEASURES.values() if m.over is not None and m.of_agents]
        self._window = window
        self._readers = [(measure, SCALE[measure.unit]) for measure in measures]
        self.families = _measured_families(kind, measures)
        self._template = Template(_measured_lines(kind, measures, window))

    def key(self, row: SubjectState, now: Micros) -> object:
        # Time alone moves these.
        return None if row.blind or not row.agents.known else (now, row.version)

    def lines(self, labels: bytes, row: SubjectState, now: Micros) -> list[bytes]:
        window = row.windows.get(self._window)
        if window is None or row.blind or not row.agents.known:
            return [b""] * len(self.families)
        window.sync(now)
        values = [
            _figure(measure.read(row, window, now), scale) for measure, scale in self._readers
        ]
        return self._template.fill(labels, values)


class _CounterSection:
    """What was ever counted."""

    def __init__(self, kind: SubjectKind) -> None:
        start = f"{_counter_prefix(kind)}contacts"
        refused, unsettled = f"{start}_refused_total", f"{start}_unsettled"
        columns: list[tuple[str, str, list[tuple[str, str]]]] = [
            (f"{start}_arrived_total", "Contacts that joined the queue.", []),
            (
                unsettled,
                "Contacts whose waiting has ended, but that no outcome counts yet.",
                [],
            ),
            (
                f"{start}_total",
                "Contacts whose waiting ended, by outcome.",
                [("outcome", label) for label in OUTCOME_LABELS],
            ),
            (
                f"{start}_short_abandoned_total",
                "Abandoned contacts that waited less than short_abandon.",
                [],
            ),
            (
                f"{start}_within_target_total",
                "Contacts that ended within the target, without the short abandons.",
                [("outcome", OUTCOME_LABELS[timed]) for timed in _TIMED],
            ),
            (
                f"{_counter_prefix(kind)}ring_no_answer_total",
                "Rings of an agent's phone that were not taken.",
                [],
            ),
            (
                refused,
                "Contacts that the queue did not take, by reason.",
                [("reason", reason) for reason in _REFUSALS],
            ),
            (
                f"{start}_corrected_total",
                "Contacts counted by one outcome and known later to have had another.",
                [],
            ),
        ]
        self.families = [
            Family(name, "gauge" if name == unsettled else "counter", text)
            for name, text, _ in columns
        ]
        self._refused = refused.encode() + b"{"
        self._corrected = f"{start}_corrected_total".encode() + b"{"
        self._template = Template(
            [
                [line(name, [label]) for label in labels] or [line(name)]
                for name, _, labels in columns[:-1]
            ]
        )

    def key(self, row: SubjectState, _now: Micros) -> object:
        return row.version

    def lines(self, labels: bytes, row: SubjectState, now: Micros) -> list[bytes]:
        counts, refused = row.counts, row.refused
        values: list[Value] = [
            row.arrived,
            row.unsettled,
            *[sum(counts[part]) for part in _OUTCOME_PARTS],
            short_abandoned(counts),
            answered_within(counts),
            abandoned_within(counts),
            row.rings,
            *[refused.get(reason, 0) for reason in _REFUSALS],
        ]
        if row.accounts:
            values = [
                value if knows(row, fact, None, now) else None
                for value, fact in zip(values, _COUNTED, strict=True)
            ]
        chunks = self._template.fill(labels, values)
        chunks[-1] += b"".join(
            self._refused + labels + b"," + label_text([("reason", reason)]) + b"} %d\n" % n
            for reason, n in refused.items()
            if reason not in _REFUSALS
        )
        chunks.append(
            b"".join(
                self._corrected + labels + b"," + _from_to(*pair) + b"} %d\n" % n
                for pair, n in sorted(row.corrected.items())
            )
        )
        return chunks


def _from_to(old: Outcome, new: Outcome) -> bytes:
    return label_text([("from", OUTCOME_LABELS[old]), ("to", OUTCOME_LABELS[new])])


class _HistogramSection:
    """How long one outcome took; contacts of unknown wait are not in it."""

    def __init__(self, kind: SubjectKind, outcome: Outcome) -> None:
        self._name = f"{_counter_prefix(kind)}contact_wait_seconds"
        self._outcome = outcome
        self._codes = slice(outcome * FLAGS, outcome * FLAGS + UNKNOWN)
        self._templates: dict[tuple[Micros, ...], Template] = {}
        self.families = [
            Family(
                self._name,
                "histogram",
                "Waits that are known, by outcome; the count is that of the known ones.",
            )
        ]

    def key(self, row: SubjectState, now: Micros) -> object:
        # Buckets only grow, hence their total tells whether any has.
        if row.accounts and not knows(row, Fact.EACH_WAIT, None, now):
            return None
        return sum(row.buckets[self._outcome]), sum(row.sums[self._codes]), row.bounds

    def lines(self, labels: bytes, row: SubjectState, now: Micros) -> list[bytes]:
        if row.accounts and not knows(row, Fact.EACH_WAIT, None, now):
            return [b""]
        template = self._templates.get(row.bounds)
        if template is None:
            template = self._templates[row.bounds] = self._template(row.bounds)
        buckets = list(itertools.accumulate(row.buckets[self._outcome]))
        total = sum(row.sums[self._codes]) / SECOND
        return template.fill(labels, [*buckets, total, buckets[-1]])

    def _template(self, bounds: tuple[Micros, ...]) -> Template:
        outcome = ("outcome", OUTCOME_LABELS[self._outcome])
        # Python writes floats as Go does here: 10.0, so one matcher fits every Prometheus.
        limits = [*(repr(bound / SECOND) for bound in bounds), "+Inf"]
        return Template(
            [
                [
                    *(line(f"{self._name}_bucket", [outcome, ("le", le)]) for le in limits),
                    line(f"{self._name}_sum", [outcome]),
                    line(f"{self._name}_count", [outcome]),
                ]
            ]
        )


def subject_sections(kind: SubjectKind, windows: Sequence[str]) -> list[Section[SubjectState]]:
    """Return all sections of queues or of groups; *windows* are the exported ones."""
    return [
        _InfoSection(kind),
        _LiveSection(kind),
        _AgentSection(kind),
        *(_WindowSection(kind, window) for window in windows),
        *(_AgentWindowSection(kind, window) for window in windows),
        _CounterSection(kind),
        *(_HistogramSection(kind, outcome) for outcome in _TIMED),
    ]


def subject_labels(row: SubjectState) -> bytes:
    """Return the label that names the subject."""
    return label_text([(row.subject.kind, row.subject.name)])
