"""What ``callmon check`` knows beyond grammar: whether a configuration makes sense.

``examination`` asks everything. Thresholds and overrides that are for nobody or change
nothing (``selection``, ``shadows``, by the ``subjects`` there can be), calendars and shifts
(``hours``, ``stretches``), the usual traffic (``traffic``), the routes of Alertmanager
(``matchers``, ``routing``, ``emitted``, ``receivers``). ``sentences`` tells it all in words
(``phrases``, ``opening``), ``report`` prints it, ``watching`` does so at every change.
"""

from callmon.sense.examination import Asked, Findings, examine
from callmon.sense.report import FORMATS, exit_code, lines_of
from callmon.sense.watching import watch

__all__ = ["FORMATS", "Asked", "Findings", "examine", "exit_code", "lines_of", "watch"]
