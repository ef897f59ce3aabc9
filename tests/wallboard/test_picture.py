"""The picture of one look at the board."""

from callmon.board import Level
from callmon.last_hour import CHARTED
from callmon.thresholds import State
from callmon.wallboard.charts import Hour
from callmon.wallboard.look import Look
from callmon.wallboard.picture import Picture, picture_of
from tests.wallboard.rows import NOW, ZONE, board, row, standing

CALM = standing("calm", level=Level.CALM, state=State.OK, since=None)
VIP = row("vip", standings=(standing(), CALM))


def picture(look: Look, hour: Hour | None = None) -> Picture:
    """Return what *look* shows of one queue."""
    return picture_of(board(VIP), {VIP.id: {"name": "vip"}}, look, ZONE, hour)


def test_the_board_lists_alerts() -> None:
    """And nothing of what only the view of one shows."""
    whole = picture(Look())

    assert {VIP.id: {"name": "vip"}} == whole.rows
    assert ["long_wait|queue:vip|critical"] == list(whole.alerts)
    assert "over_arrived" not in whole.board


def test_the_view_of_one_lists_its_thresholds() -> None:
    """With all figures of it, and its last hour."""
    courses = {measure: [(NOW, 1.0)] for measure in CHARTED}
    one = picture(Look(subject=VIP.id), Hour(window="15m", courses=courses))

    assert ["long_wait|queue:vip", "calm|queue:vip"] == list(one.alerts)
    assert "101" == one.board["over_arrived"]
    assert one.board["chart_waiting_line.d"]


def test_the_view_of_one_that_is_gone() -> None:
    """It says so."""
    gone = picture_of(board(), {}, Look(subject="queue:x"), ZONE, None)

    assert "Nothing is known of it any more" == gone.board["empty"]
    assert {} == gone.rows
