"""Thresholds tried on the past: the same engine over what has already happened.

``choice`` says which past, ``history`` and ``journal`` are where it comes from, ``run``
lives through it with any thresholds, many files of them at once. What is made of the
outcome stands in ``callmon.backtest`` and ``callmon.suggest``; ``saving`` writes its files.
"""

from callmon.trial.choice import Span, asked_span, history_of, is_chosen
from callmon.trial.history import FileHistory, History
from callmon.trial.journal import JournalHistory
from callmon.trial.run import Trial, run_trial
from callmon.trial.saving import UnwritableError, save

__all__ = [
    "FileHistory",
    "History",
    "JournalHistory",
    "Span",
    "Trial",
    "UnwritableError",
    "asked_span",
    "history_of",
    "is_chosen",
    "run_trial",
    "save",
]
