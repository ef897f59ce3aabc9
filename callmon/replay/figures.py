"""Every figure of a subject in a period, exactly.

Rates, service levels and waits come from ``callmon.measures``. Where reports in the field
define a figure differently, that one stands beside ours: percentiles by interpolation, and
rates in which only the answered and the abandoned count.
"""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from callmon.clock import SECOND, Micros
from callmon.events import Outcome
from callmon.measures import (
    MEASURES,
    Reading,
    Unit,
    abandonment_rate,
    answer_rate,
    percentile,
    service_level,
)
from callmon.queues import Formula, SubjectState, Targets
from callmon.replay.tally import WHOLE, Counted
from callmon.windows import FLAGS, SHORT, UNKNOWN, WITHIN

__all__ = ["PERCENTS", "Figures", "Rates", "Waits", "interpolated", "read_figures"]

PERCENTS = (50, 80, 90, 95, 99)

_BY_FORMULA = ("service_level", "service_level_now")
"""Measures that are shown by every formula instead, or that speak of the present."""

_OVERFLOWED = slice(Outcome.TIMEOUT * FLAGS, (Outcome.FAILED + 1) * FLAGS)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Shares of the offered."""

    offered: int
    answer_rate: Reading | None
    abandonment_rate: Reading | None
    service_level: Mapping[Formula, Reading | None]

    def as_json(self) -> dict[str, Any]:
        """Return plain values, names as in ``MEASURES``."""
        return {
            "offered": self.offered,
            "answer_rate": _exact(self.answer_rate, Unit.RATIO),
            "abandonment_rate": _exact(self.abandonment_rate, Unit.RATIO),
            "service_level": {
                formula.value: _exact(reading, Unit.RATIO)
                for formula, reading in self.service_level.items()
            },
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Waits:
    """The known waits of some contacts, ascending."""

    values: list[Micros]

    def as_json(self) -> dict[str, Any]:
        """Return count, mean, extremes and percentiles of both kinds, in seconds."""
        values = self.values
        if not values:
            return {"count": 0}
        shown: dict[str, Any] = {
            "count": len(values),
            "mean": _exact((sum(values), len(values), len(values)), Unit.SECONDS),
            "min": values[0] / SECOND,
            "max": values[-1] / SECOND,
        }
        for percent in PERCENTS:
            nearest = percentile(values, percent)
            shown[f"p{percent}"] = _exact(nearest, Unit.SECONDS)["value"] if nearest else None
            shown[f"p{percent}_interpolated"] = float(interpolated(values, percent) / SECOND)
        return shown


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures of a subject in a period."""

    measures: Mapping[str, Reading | None]  #: every windowed measure but the service levels
    rates: Rates
    rates_without_overflow: Rates  #: as if those who timed out and the like had not come
    short: int
    within: Mapping[Outcome, int]  #: answered, and abandoned but not short, within the target
    unknown_waits: int  #: of the offered: they are in no percentile and within no target
    most_waiting: int
    waits: Mapping[str, Waits]

    def contacts(self, name: str) -> int:
        """Return a measure that counts contacts."""
        reading = self.measures[name]
        return reading[0] if reading is not None else 0

    def as_json(self) -> dict[str, Any]:
        """Return plain values, names as in ``MEASURES``; quotients with both their parts."""
        return {
            **{
                name: _exact(reading, MEASURES[name].unit)
                for name, reading in self.measures.items()
            },
            **self.rates.as_json(),
            "short_abandoned": self.short,
            "answered_within": self.within[Outcome.ANSWERED],
            "abandoned_within": self.within[Outcome.ABANDONED],
            "unknown_waits": self.unknown_waits,
            "most_waiting": self.most_waiting,
            "waits": {name: waits.as_json() for name, waits in self.waits.items()},
            "without_overflow": self.rates_without_overflow.as_json(),
        }


def read_figures(counted: Counted) -> Figures:
    """Return every figure of what was counted."""
    state = counted.state
    window = state.windows[WHOLE.name]
    now = 0  # whenever: this window has no edges
    window.sync(now)
    counts = window.counts
    without = counts.copy()
    without[_OVERFLOWED] = [0] * len(without[_OVERFLOWED])
    return Figures(
        measures={
            name: measure.read(state, window, now)
            for name, measure in MEASURES.items()
            if measure.windowed
            and not measure.of_agents  # which need an instant at which they end
            and name not in _BY_FORMULA
        },
        rates=_rates(counts, state.targets),
        rates_without_overflow=_rates(without, state.targets),
        short=sum(counts[_codes(Outcome.ABANDONED)][SHORT : SHORT + 2]),
        within={
            outcome: counts[outcome * FLAGS + WITHIN]
            for outcome in (Outcome.ANSWERED, Outcome.ABANDONED)
        },
        unknown_waits=sum(counts[UNKNOWN : Outcome.REDIRECTED * FLAGS : FLAGS]),
        most_waiting=counted.most_waiting,
        waits=_waits(state),
    )


def interpolated(values: list[Micros], percent: int) -> Fraction:
    """Return the percentile between the two nearest of the ascending *values*.

    The way of spreadsheets (``PERCENTILE.INC``) and of numpy. With few contacts it names
    a wait that nobody had.
    """
    place = Fraction(percent * (len(values) - 1), 100)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def _codes(outcome: Outcome) -> slice:
    return slice(outcome * FLAGS, (outcome + 1) * FLAGS)


def _rates(counts: list[int], targets: Targets) -> Rates:
    return Rates(
        offered=sum(counts[: Outcome.REDIRECTED * FLAGS]),
        answer_rate=answer_rate(counts),
        abandonment_rate=abandonment_rate(counts),
        service_level={
            formula: service_level(counts, dataclasses.replace(targets, formula=formula))
            for formula in Formula
        },
    )


def _waits(state: SubjectState) -> dict[str, Waits]:
    known: dict[int, list[Micros]] = {Outcome.ANSWERED: [], Outcome.ABANDONED: []}
    for code, wait in zip(state.log.codes, state.log.waits, strict=True):
        if not code & UNKNOWN and code // FLAGS in known:
            known[code // FLAGS].append(wait)
    answered, abandoned = sorted(known[Outcome.ANSWERED]), sorted(known[Outcome.ABANDONED])
    return {
        "answered": Waits(answered),
        "abandoned": Waits(abandoned),
        "answered_and_abandoned": Waits(sorted(answered + abandoned)),
    }


def _exact(reading: Reading | None, unit: Unit) -> Any:
    """Return a count as it is, a quotient with its parts; seconds of microseconds."""
    if reading is None:
        return None
    numerator, denominator, base = reading
    if unit is Unit.CONTACTS:
        return numerator
    if unit is Unit.SECONDS:
        denominator *= SECOND
    return {
        "value": numerator / denominator,
        "numerator": numerator,
        "denominator": denominator,
        "contacts": base,
    }
