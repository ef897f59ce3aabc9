"""``callmon top --once``: the board as plain text."""

from callmon.board_view import BoardView
from callmon.console.text import BOLD, written
from callmon.top.client import Picture
from callmon.top.head import alert_lines, head_lines
from callmon.top.scene import Scene, TopLook
from callmon.top.table import empty_line, heading_line, layout, row_line

__all__ = ["once_text"]


def once_text(board: BoardView, look: TopLook, *, width: int, colour: bool) -> str:
    """Return *board* as a table with its alerts below, *width* columns wide; 0: no end."""
    scene = Scene(picture=Picture(board=board, taken=0), look=look, monotonic=0)
    rows = scene.rows()
    fit = layout(scene, rows, width)
    lines = [*head_lines(scene, width), []]
    if rows:
        lines += [heading_line(scene, fit), *(row_line(scene, row, fit) for row in rows)]
    else:
        lines.append(empty_line(scene, width))
    alerts = alert_lines(scene, rows, width)
    if alerts:
        lines += [[], [(scene.texts["alerts"], BOLD)], *alerts]
    return "".join(f"{written(line, colour=colour)}\n" for line in lines)
