"""The live table of ``callmon demo``: queues, worst first, in a terminal.

``render`` is pure: what to show goes in, a screenful of text comes out, never wider or
higher than asked. ``show`` repaints it once a second, or writes plain lines where there is
no terminal. Breaches are marked by colour and by a sign, since not everybody sees red.
"""

from callmon.console.table import render
from callmon.console.terminal import show
from callmon.console.text import text_width
from callmon.console.view import (
    AlertNews,
    ConsoleAlert,
    ConsoleBreach,
    ConsoleRow,
    ConsoleSource,
    ConsoleView,
)

__all__ = [
    "AlertNews",
    "ConsoleAlert",
    "ConsoleBreach",
    "ConsoleRow",
    "ConsoleSource",
    "ConsoleView",
    "render",
    "show",
    "text_width",
]
