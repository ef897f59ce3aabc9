"""What the screens share: the row chosen stays chosen wherever it moves."""

import dataclasses

from callmon.testing import ManualClock
from callmon.top.client import Picture
from callmon.top.desk import Desk
from callmon.top.scene import Order, TopLook
from callmon.wording import Language
from tests.top.boards import BLIND, CALM, WORST, board


def desk() -> Desk:
    """Return a desk with three rows."""
    return Desk(board((WORST, BLIND, CALM)), TopLook(language=Language.ENGLISH), ManualClock())


def test_the_first_row_is_chosen_until_somebody_chooses() -> None:
    """Whichever it is: the worst."""
    shared = desk()
    assert WORST == shared.chosen()

    shared.take(Picture(board=board((BLIND, WORST, CALM)), taken=0))

    assert BLIND == shared.chosen()


def test_the_chosen_row_stays_chosen_wherever_it_moves() -> None:
    """By its name, not by its place."""
    shared = desk()
    shared.choose(2)

    shared.take(Picture(board=board((CALM, WORST, BLIND)), taken=0))

    assert (0, CALM) == (shared.place(), shared.chosen())
    shared.sort()
    assert Order.NAME is shared.look.order
    assert CALM == shared.chosen()


def test_a_choice_beyond_the_ends_is_the_end() -> None:
    """Keys may be held down."""
    shared = desk()
    shared.choose(99)
    assert CALM == shared.chosen()
    shared.choose(-5)
    assert WORST == shared.chosen()


def test_nothing_is_chosen_where_there_is_nothing() -> None:
    """A filter that fits nothing; the choice comes back with the row."""
    shared = desk()
    shared.choose(1)
    shared.search("nothing")
    shared.choose(0)
    assert None is shared.chosen()

    shared.search("")

    assert BLIND == shared.chosen()


def test_what_is_taken_is_seen() -> None:
    """Boards with their figures, a lost connection as a gap."""
    shared = desk()
    picture = Picture(board=board(), taken=0)

    shared.take(picture)
    shared.take(dataclasses.replace(picture, trouble="gone", ended=0))

    assert [2, None] == shared.seen.course(WORST.id, "waiting")
