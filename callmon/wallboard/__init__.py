"""The built-in wallboard: what it shows, in words and figures, its pages, and their upkeep."""

from callmon.wallboard.boards import board_window
from callmon.wallboard.site import Wallboard

__all__ = ["Wallboard", "board_window"]
