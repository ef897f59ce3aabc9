"""``callmon test``: thresholds tried on scripted calls, in call-centre words.

The way of a file: ``reading`` (YAML to scenarios) with ``sentences`` (what they mean),
``site`` (what names mean), ``cast`` and ``crew`` (calls and agents as events) and ``loading``
(calls that truly happened); ``play`` has the daemon's engine live through it, ``judge`` holds
it against what was expected; ``table``, ``junit`` and ``results`` show that. ``example``
writes a file to begin with.
"""

from callmon.scenario.command import (
    NothingToTestError,
    Request,
    Tested,
    example_of,
    run_scenarios,
    try_scenarios,
)
from callmon.scenario.results import Result

__all__ = [
    "NothingToTestError",
    "Request",
    "Result",
    "Tested",
    "example_of",
    "run_scenarios",
    "try_scenarios",
]
