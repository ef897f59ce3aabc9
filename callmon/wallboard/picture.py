"""The picture of one look at the board: the head and the two lists, put together. Pure."""

import dataclasses
from collections.abc import Mapping
from datetime import tzinfo

from callmon.board import Board
from callmon.wallboard.charts import Hour, paint_charts
from callmon.wallboard.look import Look
from callmon.wallboard.painting import (
    Slots,
    paint_alerts,
    paint_board,
    paint_figures,
    paint_standings,
)

__all__ = ["Picture", "picture_of"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a page shows at one instant: the head, and two lists in their order."""

    board: Slots
    rows: dict[str, Slots]
    alerts: dict[str, Slots]


def picture_of(
    board: Board,
    rows: Mapping[str, Slots],
    look: Look,
    zone: tzinfo,
    hour: Hour | None,
) -> Picture:
    """Return the picture of *board*, which has the rows that *look* shows and no others.

    *rows* are those as painted, *hour* is the last one of the subject of *look*. The view of
    one lists all its thresholds where the board lists the alerts that stand.
    """
    head = paint_board(board, board.rows, look, zone)
    language = look.language
    if look.subject is None:
        alerts = paint_alerts(board.rows, zone, language)
    else:
        alerts = paint_standings(board.rows, zone, language)
        for row in board.rows:
            head |= paint_figures(row, language)
            if hour is not None:
                head |= paint_charts(row, hour, zone, language)
    return Picture(board=head, rows=dict(rows), alerts=alerts)
