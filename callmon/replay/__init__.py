"""``callmon replay``: the same engine over logs of the past, with the logs' own time.

``command`` is the whole of it. ``play`` drives the engine, ``tally`` keeps what the engine
would forget and divides it into periods, ``figures`` are read from that, ``report`` and
``table`` show them.
"""

from callmon.replay.command import (
    NothingFoundError,
    ReplayRequest,
    period_length,
    replay_text,
    source_of,
)
from callmon.replay.play import Played, WrongRequestError, play, refuse_copies
from callmon.replay.report import (
    Division,
    Report,
    SubjectReport,
    make_report,
    report_settings,
)
from callmon.replay.table import table_lines
from callmon.replay.tally import DAY, WHOLE, Cohort, TalliedState

__all__ = [
    "DAY",
    "WHOLE",
    "Cohort",
    "Division",
    "NothingFoundError",
    "Played",
    "ReplayRequest",
    "Report",
    "SubjectReport",
    "TalliedState",
    "WrongRequestError",
    "make_report",
    "period_length",
    "play",
    "refuse_copies",
    "replay_text",
    "report_settings",
    "source_of",
    "table_lines",
]
