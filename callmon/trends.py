"""What thresholds have measured in the last hour, once a minute. Pure.

Kept as plain numbers: with thousands of thresholds an object for each sample would be most
of the daemon's memory.
"""

from array import array
from collections.abc import Collection
from fractions import Fraction
from typing import Final

from callmon.clock import Micros

__all__ = ["KEPT", "TrendKey", "Trends"]

TrendKey = tuple[str, str, str]
"""A threshold, and the kind and the name of the subject it watches."""

KEPT: Final = 60
"""Samples of each key: an hour of minutes."""

_BITS: Final = 63  #: what a place of an array holds
_UNKNOWN: Final = 0  #: as a denominator


class Trends:
    """Samples by key, oldest first."""

    def __init__(self) -> None:
        self._samples: dict[TrendKey, array[int]] = {}  #: instant, numerator, denominator, …

    def sample(self, now: Micros, key: TrendKey, value: Fraction | None) -> None:
        """Note that *key* measured *value* at *now*; None: nothing was known."""
        samples = self._samples.get(key)
        if samples is None:
            samples = self._samples[key] = array("q")
        elif len(samples) == 3 * KEPT:
            del samples[:3]
        if value is None or max(value.numerator, value.denominator).bit_length() > _BITS:
            samples.extend((now, 0, _UNKNOWN))
        else:
            samples.extend((now, value.numerator, value.denominator))

    def of(self, key: TrendKey, since: Micros = 0) -> list[tuple[Micros, Fraction | None]]:
        """Return the samples of *key* from *since* on, oldest first."""
        samples = self._samples.get(key, ())
        triples = zip(samples[::3], samples[1::3], samples[2::3], strict=True)
        return [
            (at, None if below == _UNKNOWN else Fraction(above, below))
            for at, above, below in triples
            if at >= since
        ]

    def forget(self, keys_not_in: Collection[TrendKey]) -> None:
        """Drop all samples but those of *keys_not_in*."""
        for key in [key for key in self._samples if key not in keys_not_in]:
            del self._samples[key]
