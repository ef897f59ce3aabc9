"""What is shown and how one wants to see it: rows chosen and in order. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from enum import StrEnum

from callmon.board import Level
from callmon.board_view import BoardRow, BoardView
from callmon.clock import Micros
from callmon.console.text import clean
from callmon.rules import SubjectKind
from callmon.top.client import Picture
from callmon.top.figures import parsed
from callmon.top.texts import TEXTS
from callmon.wallboard.texts import LEVELS
from callmon.wording import Language

__all__ = ["Order", "Scene", "TopLook"]


class Order(StrEnum):
    """By what rows are sorted."""

    LEVEL = "level"
    NAME = "name"
    WAITING = "waiting"
    LONGEST_WAIT = "longest_wait"

    @property
    def following(self) -> "Order":
        """Return the one that comes after it."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TopLook:
    """How one wants to see the board."""

    language: Language
    zone: tzinfo | None = None  #: None: that of the machine
    labels: Sequence[tuple[str, str]] = ()  #: callmon was asked for these
    window: str | None = None  #: callmon was asked for this one
    order: Order = Order.LEVEL
    text: str = ""  #: only rows that have it in their name or labels


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A picture at one instant, as somebody wants to see it."""

    picture: Picture
    look: TopLook
    monotonic: Micros

    @property
    def board(self) -> BoardView:
        """Return the board of the picture."""
        return self.picture.board

    @property
    def language(self) -> Language:
        """Return the language of the texts."""
        return self.look.language

    @property
    def texts(self) -> Mapping[str, str]:
        """Return the texts."""
        return TEXTS[self.look.language]

    @property
    def elapsed(self) -> Micros:
        """Return how much later than the board it is."""
        return self.picture.elapsed(self.monotonic)

    @property
    def made_at(self) -> Micros:
        """Return when the board was made, by callmon's clock."""
        return parsed(self.board.now)

    @property
    def now(self) -> Micros:
        """Return the present by callmon's clock, or when it was heard last."""
        return self.made_at + self.elapsed

    def rows(self) -> list[BoardRow]:
        """Return the rows that are wanted, in the order wanted: else callmon's, worst first."""
        wanted = self.look.text.casefold()
        rows = [row for row in self.board.rows if wanted in _searched(row)]
        match self.look.order:
            case Order.LEVEL:
                return rows
            case Order.NAME:
                return sorted(rows, key=lambda row: (row.name.casefold(), row.id))
            case Order.WAITING:
                return sorted(rows, key=lambda row: _falling(row.live.waiting))
            case Order.LONGEST_WAIT:
                return sorted(rows, key=lambda row: _falling(row.live.longest_wait))

    def level(self, level: Level) -> str:
        """Return the word for *level*."""
        return LEVELS[self.look.language][level]

    def name(self, row: BoardRow) -> str:
        """Return the name of *row*, said to be a group if it is one."""
        name = clean(row.name)
        return self.texts["group"].format(name=name) if row.kind is SubjectKind.GROUP else name


def _searched(row: BoardRow) -> str:
    return "\n".join((row.name, *row.labels.values())).casefold()


def _falling(value: float | None) -> tuple[bool, float]:
    return value is None, -(value or 0)
