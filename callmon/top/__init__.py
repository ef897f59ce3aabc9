"""``callmon top``: the wallboard in a terminal, of a callmon that runs here or elsewhere."""

from callmon.top.command import TopAsked, run_top

__all__ = ["TopAsked", "run_top"]
