"""Which part of a line is to be drawn anew. Pure."""

from callmon.top.head import Line, line_width

__all__ = ["changed"]


def changed(old: Line, new: Line) -> tuple[int, int] | None:
    """Return from which column to which *new* differs from *old*; None: nowhere.

    Only whole parts: half of a Chinese character cannot be drawn.
    """
    if old == new:
        return None
    least = min(len(old), len(new))
    start = 0
    while start < least and old[start] == new[start]:
        start += 1
    first, width = line_width(new[:start]), max(line_width(old), line_width(new))
    if line_width(old) != line_width(new):
        return first, width
    rest = 0
    while rest < least - start and old[-1 - rest] == new[-1 - rest]:
        rest += 1
    return first, width - line_width(new[len(new) - rest :])
