"""``callmon backtest``: what thresholds would have done in the past, before they do it.

``request`` is what was asked for, ``run`` lives through the past, ``lines``, ``duties``,
``differences``, ``sweep`` and ``storms`` make of it what ``outcome`` describes; the rest
shows that: ``table``, ``csv``, ``page`` and ``as_json``.
"""

from callmon.backtest.outcome import Backtest, Found
from callmon.backtest.request import BacktestRequest, Progress
from callmon.backtest.run import live_through

__all__ = [
    "Backtest",
    "BacktestRequest",
    "Found",
    "Progress",
    "live_through",
]
