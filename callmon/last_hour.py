"""What was measured of every queue and group in the last hour, twice a minute. Pure.

For small charts. Plain numbers in arrays: with thousands of queues an object for each sample
would be most of the daemon's memory. What was not known is a gap, not a zero.
"""

import math
from array import array
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from callmon.clock import SECOND, Micros

__all__ = ["CHARTED", "SAMPLE_EVERY", "Course", "LastHour"]

SAMPLE_EVERY: Final[Micros] = 30 * SECOND
_KEPT: Final = 120
"""Samples of each subject: an hour."""

CHARTED: Final = (
    "waiting",
    "longest_wait",
    "talking",
    "agents_available",
    "agents_staffed",
    "service_level_now",
    "abandonment_rate",
)
"""Measures that are sampled."""

Course = Sequence[tuple[Micros, float | None]]
"""Samples, oldest first: seconds, ratios or counts; None: not known, or no contact."""


class LastHour:
    """Samples by subject; all subjects are sampled at the same instants."""

    def __init__(self) -> None:
        self._instants: array[int] = array("q")
        self._rounds = 0  #: begun so far
        self._samples: dict[str, _Samples] = {}

    def begin(self, at: Micros) -> None:
        """Begin a round of samples, all taken as of *at*."""
        if len(self._instants) == _KEPT:
            del self._instants[0]
        self._instants.append(at)
        self._rounds += 1

    def sample(self, subject: str, values: Sequence[float | None]) -> None:
        """Note the *values* of *subject* in this round, in the order of ``CHARTED``."""
        samples = self._samples.get(subject)
        if samples is None:
            samples = self._samples[subject] = _Samples(self._rounds)
        samples.fill(self._rounds - 1)
        samples.values.extend(math.nan if value is None else value for value in values)
        samples.rounds = self._rounds
        samples.trim()

    def of(self, subject: str) -> Mapping[str, Course]:
        """Return the course of each measure of *subject*; nothing of one never sampled."""
        samples = self._samples.get(subject)
        if samples is None:
            return {}
        width = len(CHARTED)
        # Noted nowhere: the round may be under way, and the sample of this one still to come.
        missed = min(self._rounds - samples.rounds, _KEPT)
        values = samples.values + array("f", [math.nan] * (missed * width))
        values = values[-_KEPT * width :]
        instants = self._instants[-(len(values) // width) :]
        return {
            measure: [
                (at, None if math.isnan(value) else value)
                for at, value in zip(instants, values[place::width], strict=True)
            ]
            for place, measure in enumerate(CHARTED)
        }

    def forget(self, subjects_not_in: Collection[str]) -> None:
        """Drop all samples but those of *subjects_not_in*."""
        for subject in [name for name in self._samples if name not in subjects_not_in]:
            del self._samples[subject]


class _Samples:
    """The samples of one subject: ``CHARTED`` values for each round, up to *rounds*."""

    __slots__ = ("rounds", "values")

    def __init__(self, first: int) -> None:
        self.rounds = first - 1
        self.values: array[float] = array("f")

    def fill(self, rounds: int) -> None:
        """Leave gaps for the rounds up to *rounds* in which it was left out."""
        missing = min(rounds - self.rounds, _KEPT)
        if missing > 0:
            self.values.extend([math.nan] * (missing * len(CHARTED)))
            self.rounds = rounds

    def trim(self) -> None:
        """Forget what is older than an hour."""
        surplus = len(self.values) - _KEPT * len(CHARTED)
        if surplus > 0:
            del self.values[:surplus]
