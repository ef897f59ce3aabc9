"""The measures: every figure of a subject, defined once.

The key in ``MEASURES`` is the name in thresholds.yml, in JSON, in the docs and on the
boards; the metric name derives from the same entry. A reading is exact: a pair of
integers and the size of the base. No base, no reading: None, never 0.

Formulas: service level variants after Cisco and ICMI; the test vectors stand in
``tests/test_measures.py``.
"""

from collections.abc import Callable

from callmon.agent_measures import LIVE_OF_AGENTS, OVER_OF_AGENTS
from callmon.clock import Micros
from callmon.events import OUTCOME_LABELS, Outcome
from callmon.facts import OFFERED, OUTCOME_FACTS, Fact, oldest, talking, waiting
from callmon.queues import Formula, Overflow, SubjectState, Targets
from callmon.readings import Measure, Reading, Unit, Windowed
from callmon.windows import FLAGS, SHORT, UNKNOWN, WITHIN, Window

__all__ = [
    "MEASURES",
    "Measure",
    "Reading",
    "Unit",
    "abandoned_within",
    "abandonment_rate",
    "answer_rate",
    "answered_within",
    "average_wait",
    "overflow_rate",
    "percentile",
    "service_level",
    "short_abandoned",
]

_OFFERED = slice(0, Outcome.REDIRECTED)
_OVERFLOWED = slice(Outcome.TIMEOUT, Outcome.EMPTY + 1)
_ANSWERED = int(Outcome.ANSWERED)
_ABANDONED = int(Outcome.ABANDONED)
_ANSWERED_CODES = slice(Outcome.ANSWERED * FLAGS, (Outcome.ANSWERED + 1) * FLAGS)
_ANSWERED_WITHIN = Outcome.ANSWERED * FLAGS + WITHIN
_ANSWERED_UNKNOWN = Outcome.ANSWERED * FLAGS + UNKNOWN
_ABANDONED_WITHIN = Outcome.ABANDONED * FLAGS + WITHIN
_ABANDONED_SHORT = Outcome.ABANDONED * FLAGS + SHORT
_ABANDONED_SHORT_WITHIN = Outcome.ABANDONED * FLAGS + SHORT + WITHIN
# Of a queue known only as a whole (``callmon.reports``):
_ANSWERED_WITHIN_TOLD = Outcome.ANSWERED * FLAGS + UNKNOWN + WITHIN
_ANSWERED_WITHIN_SUM = Outcome.ANSWERED * FLAGS + UNKNOWN + SHORT + WITHIN
_ABANDONED_WITHIN_SUM = Outcome.ABANDONED * FLAGS + UNKNOWN + WITHIN
_ABANDONED_SHORT_SUM = Outcome.ABANDONED * FLAGS + UNKNOWN + SHORT


def _by_outcome(counts: list[int]) -> list[int]:
    return [sum(counts[code : code + FLAGS]) for code in range(0, len(counts), FLAGS)]


def short_abandoned(counts: list[int]) -> int:
    """Return how many abandons were short."""
    told_by_wait = counts[_ABANDONED_SHORT] + counts[_ABANDONED_SHORT_WITHIN]
    return told_by_wait + counts[_ABANDONED_SHORT_SUM]


def answered_within(counts: list[int]) -> int:
    """Return how many were answered within the target."""
    told_by_wait = counts[_ANSWERED_WITHIN]
    return told_by_wait + counts[_ANSWERED_WITHIN_TOLD] + counts[_ANSWERED_WITHIN_SUM]


def abandoned_within(counts: list[int]) -> int:
    """Return how many abandoned within the target, without the short ones."""
    return counts[_ABANDONED_WITHIN] + counts[_ABANDONED_WITHIN_SUM]


def _ratio(numerator: int, base: int) -> Reading | None:
    return (numerator, base, base) if base > 0 else None


def answer_rate(counts: list[int], ended: list[int] | None = None) -> Reading | None:
    """Return answered / (offered - short).

    Here and below *counts* are by code and *ended* their sums by outcome, if at hand.
    """
    ended = ended or _by_outcome(counts)
    short = short_abandoned(counts)
    return _ratio(ended[_ANSWERED], sum(ended[_OFFERED]) - short)


def abandonment_rate(counts: list[int], ended: list[int] | None = None) -> Reading | None:
    """Return (abandoned - short) / (offered - short)."""
    ended = ended or _by_outcome(counts)
    short = short_abandoned(counts)
    return _ratio(ended[_ABANDONED] - short, sum(ended[_OFFERED]) - short)


def overflow_rate(counts: list[int], ended: list[int] | None = None) -> Reading | None:
    """Return (timeout + empty + key_exit) / (offered - short)."""
    ended = ended or _by_outcome(counts)
    short = short_abandoned(counts)
    return _ratio(sum(ended[_OVERFLOWED]), sum(ended[_OFFERED]) - short)


def service_level(
    counts: list[int],
    targets: Targets,
    waiting_over: int = 0,
    ended: list[int] | None = None,
) -> Reading | None:
    """Return the service level by the formula of *targets*.

    With S short abandons, A_T answered within T and B_T abandoned within T and not short:
    abandons_negative A_T/(offered - S); abandons_ignored A_T/(offered - S - B_T);
    abandons_positive (A_T + B_T)/(offered - S); answered_only A_T/answered. *waiting_over*
    is added to the base: those who wait longer than T already have missed it.
    """
    ended = ended or _by_outcome(counts)
    within = answered_within(counts)
    formula = targets.formula
    if formula is Formula.ANSWERED_ONLY:
        return _ratio(within, ended[_ANSWERED] + waiting_over)
    if targets.overflow is Overflow.IGNORED:
        base = ended[_ANSWERED] + ended[_ABANDONED]
    else:
        base = sum(ended[_OFFERED])
    base += waiting_over - short_abandoned(counts)
    if formula is Formula.ABANDONS_IGNORED:
        base -= abandoned_within(counts)
    elif formula is Formula.ABANDONS_POSITIVE:
        within += abandoned_within(counts)
    return _ratio(within, base)


def average_wait(counts: list[int], sums: list[Micros]) -> Reading | None:
    """Return the mean wait of the answered whose wait is known (ASA)."""
    known = sum(counts[_ANSWERED_CODES]) - counts[_ANSWERED_UNKNOWN]
    return (sum(sums[_ANSWERED_CODES]), known, known) if known else None


def percentile(waits: list[Micros], percent: int) -> Reading | None:
    """Return the nearest-rank percentile of the ascending *waits*."""
    if not waits:
        return None
    rank = -(-percent * len(waits) // 100)
    return waits[max(rank, 1) - 1], 1, len(waits)


def _waiting(state: SubjectState, now: Micros) -> Reading:
    number = waiting(state, now)
    return number, 1, number


def _longest_wait(state: SubjectState, now: Micros) -> Reading:
    start = oldest(state, now)
    return (now - start if start is not None and now > start else 0), 1, waiting(state, now)


def _longest_wait_change(
    state: SubjectState, now: Micros, values: tuple[Micros, ...]
) -> Micros | None:
    start = oldest(state, now)
    if start is None:
        return None
    for value in values:
        if start + value > now:
            return start + value
    return None


def _waiting_over_target(state: SubjectState, now: Micros) -> Reading:
    return state.waiting_over(now, state.targets.within), 1, len(state.starts)


def _next_over_target(
    state: SubjectState, now: Micros, _values: tuple[Micros, ...]
) -> Micros | None:
    return state.next_over(now, state.targets.within)


def _talking(state: SubjectState, now: Micros) -> Reading:
    number = talking(state, now)
    return number, 1, number


def _arrived(_state: SubjectState, window: Window, _now: Micros) -> Reading:
    arrived = window.arrived()
    return arrived, 1, arrived


def _offered(_state: SubjectState, window: Window, _now: Micros) -> Reading:
    offered = sum(window.ended[_OFFERED])
    return offered, 1, offered


def _service_level_needs(targets: Targets) -> Fact:
    if targets.formula is Formula.ANSWERED_ONLY:
        return Fact.ANSWERED | Fact.ANSWERED_WITHIN
    ended = OFFERED
    if targets.overflow is Overflow.IGNORED:
        ended = Fact.ANSWERED | Fact.ABANDONED
    needs = ended | Fact.ANSWERED_WITHIN | Fact.SHORT
    if targets.formula is Formula.ABANDONS_NEGATIVE:
        return needs
    return needs | Fact.ABANDONED_WITHIN


def _service_level_now_needs(targets: Targets) -> Fact:
    return _service_level_needs(targets) | Fact.OVER


def _outcome(outcome: Outcome) -> Windowed:
    index = int(outcome)

    def read(_state: SubjectState, window: Window, _now: Micros) -> Reading:
        total = window.ended[index]
        return total, 1, total

    return read


def _service_level(state: SubjectState, window: Window, _now: Micros) -> Reading | None:
    return service_level(window.counts, state.targets, 0, window.ended)


def _service_level_now(state: SubjectState, window: Window, now: Micros) -> Reading | None:
    over = state.waiting_over(now, state.targets.within)
    return service_level(window.counts, state.targets, over, window.ended)


def _average_wait(_state: SubjectState, window: Window, _now: Micros) -> Reading | None:
    return average_wait(window.counts, window.sums)


def _max_wait(_state: SubjectState, window: Window, _now: Micros) -> Reading | None:
    longest = window.max_wait()
    return None if longest is None else (longest, 1, sum(window.ended[_OFFERED]))


def _average_talk(_state: SubjectState, window: Window, _now: Micros) -> Reading | None:
    talks, total = window.talks()
    return (total, talks, talks) if talks else None


def _percentile(percent: int) -> Windowed:
    def read(_state: SubjectState, window: Window, _now: Micros) -> Reading | None:
        return percentile(window.waits(), percent)

    return read


def _counts_only(rate: Callable[[list[int], list[int]], Reading | None]) -> Windowed:
    def read(_state: SubjectState, window: Window, _now: Micros) -> Reading | None:
        return rate(window.counts, window.ended)

    return read


_OUTCOME_HELP = {
    Outcome.ANSWERED: "an agent took them",
    Outcome.ABANDONED: "the caller hung up while waiting",
    Outcome.TIMEOUT: "the queue's time limit sent them on",
    Outcome.KEY_EXIT: "the caller left by pressing a key",
    Outcome.EMPTY: "no agent was left in the queue",
    Outcome.FAILED: "the telephone system could not connect them",
    Outcome.REDIRECTED: "somebody moved them elsewhere (outside every rate)",
    Outcome.WITHDRAWN: "somebody took them out of the queue (outside every rate)",
    Outcome.LOST: "their end was not seen (outside every rate)",
}

_ALL = (
    Measure(
        name="waiting",
        unit=Unit.CONTACTS,
        help="Contacts waiting now.",
        metric="waiting_contacts",
        live=_waiting,
        needs=Fact.WAITING,
    ),
    Measure(
        name="longest_wait",
        unit=Unit.SECONDS,
        help="How long the one who waits longest has waited; 0 when nobody waits.",
        metric="longest_wait_seconds",
        live=_longest_wait,
        needs=Fact.LONGEST,
        next_change=_longest_wait_change,
        grows=True,
    ),
    Measure(
        name="waiting_over_target",
        unit=Unit.CONTACTS,
        help="Contacts that have waited longer than the service level's target now.",
        metric="waiting_over_target_contacts",
        live=_waiting_over_target,
        needs=Fact.OVER,
        next_change=_next_over_target,
    ),
    Measure(
        name="talking",
        unit=Unit.CONTACTS,
        help="Contacts connected to an agent now.",
        metric="talking_contacts",
        live=_talking,
        needs=Fact.TALKING,
    ),
    *LIVE_OF_AGENTS,
    Measure(
        name="arrived",
        unit=Unit.CONTACTS,
        help="Contacts that joined the queue in the window.",
        metric="window_arrived_contacts",
        over=_arrived,
        needs=Fact.ARRIVED,
    ),
    Measure(
        name="offered",
        unit=Unit.CONTACTS,
        help="Contacts that ended in the window: answered, abandoned, timeout, key_exit,"
        " empty or failed.",
        metric="window_offered_contacts",
        over=_offered,
        needs=OFFERED,
    ),
    *(
        Measure(
            name=OUTCOME_LABELS[outcome],
            unit=Unit.CONTACTS,
            help=f"Contacts that ended in the window because {_OUTCOME_HELP[outcome]}.",
            metric="window_contacts",
            labels=(("outcome", OUTCOME_LABELS[outcome]),),
            over=_outcome(outcome),
            needs=OUTCOME_FACTS[outcome],
        )
        for outcome in Outcome
    ),
    Measure(
        name="answer_rate",
        unit=Unit.RATIO,
        help="answered / (offered - short abandons).",
        metric="answer_ratio",
        over=_counts_only(answer_rate),
        needs=OFFERED | Fact.SHORT,
    ),
    Measure(
        name="abandonment_rate",
        unit=Unit.RATIO,
        help="(abandoned - short abandons) / (offered - short abandons).",
        metric="abandonment_ratio",
        over=_counts_only(abandonment_rate),
        needs=OFFERED | Fact.SHORT,
    ),
    Measure(
        name="overflow_rate",
        unit=Unit.RATIO,
        help="(timeout + empty + key_exit) / (offered - short abandons).",
        metric="overflow_ratio",
        over=_counts_only(overflow_rate),
        needs=OFFERED | Fact.SHORT,
    ),
    Measure(
        name="service_level",
        unit=Unit.RATIO,
        help="Answered within the target, by the formula the queue is configured with.",
        metric="service_level_ratio",
        over=_service_level,
        needs=_service_level_needs,
    ),
    Measure(
        name="service_level_now",
        unit=Unit.RATIO,
        help="The service level with those waiting over the target added to the base:"
        " it falls before the calls end.",
        metric="service_level_now_ratio",
        over=_service_level_now,
        needs=_service_level_now_needs,
        next_change=_next_over_target,
    ),
    Measure(
        name="average_wait",
        unit=Unit.SECONDS,
        help="Mean wait of the answered (average speed of answer).",
        metric="average_wait_seconds",
        over=_average_wait,
        needs=Fact.ANSWERED | Fact.ANSWERED_WAIT,
    ),
    *(
        Measure(
            name=f"p{percent}_wait",
            unit=Unit.SECONDS,
            help=f"{percent}th percentile (nearest rank) of the waits of the answered"
            " and abandoned.",
            metric=f"p{percent}_wait_seconds",
            over=_percentile(percent),
            needs=Fact.EACH_WAIT,
        )
        for percent in (50, 90, 95)
    ),
    Measure(
        name="max_wait",
        unit=Unit.SECONDS,
        help="Longest finished wait of the offered.",
        metric="max_wait_seconds",
        over=_max_wait,
        needs=Fact.EACH_WAIT,
    ),
    Measure(
        name="average_talk",
        unit=Unit.SECONDS,
        help="Mean length of the talks that ended in the window.",
        metric="average_talk_seconds",
        over=_average_talk,
        needs=Fact.ANSWERED | Fact.TALK,
    ),
    *OVER_OF_AGENTS,
)

MEASURES = {measure.name: measure for measure in _ALL}
"""Every measure by name."""
