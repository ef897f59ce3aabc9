"""What the screens share: the last picture, how one looks at it, what was seen. Pure."""

import dataclasses

from callmon.board_view import BoardRow, BoardView
from callmon.clock import Clock
from callmon.top.client import Picture
from callmon.top.scene import Scene, TopLook
from callmon.top.seen import Seen

__all__ = ["Desk"]


class Desk:
    """The state of a live board. The row chosen stays chosen wherever it moves."""

    def __init__(self, first: BoardView, look: TopLook, clock: Clock) -> None:
        self._clock = clock
        self.look = look
        self.picture = Picture(board=first, taken=clock.monotonic())
        self.seen = Seen(clock.monotonic())
        self._chosen: str | None = None

    def take(self, picture: Picture) -> None:
        """Have *picture* shown from now on."""
        self.picture = picture
        if picture.trouble is None:
            self.seen.add(picture.board)
        else:
            self.seen.add_nothing()

    def scene(self) -> Scene:
        """Return what there is to see now."""
        return Scene(picture=self.picture, look=self.look, monotonic=self._clock.monotonic())

    def sort(self) -> None:
        """Sort by what comes next."""
        self.look = dataclasses.replace(self.look, order=self.look.order.following)

    def search(self, text: str) -> None:
        """Show only rows with *text* in their name or labels."""
        self.look = dataclasses.replace(self.look, text=text)

    def chosen(self) -> BoardRow | None:
        """Return the row that is chosen: the first one until somebody chooses."""
        rows = self.scene().rows()
        return rows[self.place()] if rows else None

    def place(self) -> int:
        """Return where the chosen row stands."""
        for place, row in enumerate(self.scene().rows()):
            if row.id == self._chosen:
                return place
        return 0

    def choose(self, place: int) -> None:
        """Choose the row at *place*, or the nearest there is."""
        rows = self.scene().rows()
        if rows:
            self._chosen = rows[min(max(place, 0), len(rows) - 1)].id
