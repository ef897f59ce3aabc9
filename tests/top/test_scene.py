"""Rows as somebody wants them, and the time that has passed since they came."""

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from callmon.clock import SECOND
from callmon.rules import SubjectKind
from callmon.top.client import Picture
from callmon.top.figures import longest_wait, parsed
from callmon.top.scene import Order, Scene, TopLook
from callmon.wording import Language
from tests.top.boards import BLIND, CALM, LIVE, WORST, board, row

BUSY = row("busy", labels={"team": "Care"}, live=replace(LIVE, waiting=9, longest_wait=4))


def scene(*, monotonic: int = 0, lost: int | None = None, **look: Any) -> Scene:
    """Return four rows, worst first, as one looks at them so long after they came."""
    picture = Picture(board=board((WORST, BLIND, BUSY, CALM)), taken=0)
    if lost is not None:
        picture = dataclasses.replace(picture, trouble="gone", ended=lost)
    chosen = TopLook(language=look.pop("language", Language.ENGLISH), **look)
    return Scene(picture=picture, look=chosen, monotonic=monotonic)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (Order.LEVEL, ["投诉", "vip", "busy", "sales"]),
        (Order.NAME, ["busy", "sales", "vip", "投诉"]),
        (Order.WAITING, ["busy", "投诉", "sales", "vip"]),
        (Order.LONGEST_WAIT, ["投诉", "busy", "sales", "vip"]),
    ],
)
def test_rows_are_sorted_as_wanted(order: Order, names: list[str]) -> None:
    """What is not known comes last, however it is sorted."""
    assert names == [row.name for row in scene(order=order).rows()]


def test_orders_follow_each_other_around() -> None:
    """The key that sorts comes back to the first."""
    order, seen = Order.LEVEL, list[Order]()
    for _ in Order:
        seen.append(order)
        order = order.following

    assert list(Order) == seen
    assert Order.LEVEL is order


@pytest.mark.parametrize(
    ("text", "names"),
    [("", 4), ("CARE", 2), ("投", 1), ("hz", 1), ("sales", 2), ("nothing", 0), ("team", 0)],
)
def test_a_filter_is_part_of_a_name_or_label(text: str, names: int) -> None:
    """Capitals make no difference."""
    assert names == len(scene(text=text).rows())


def test_time_goes_on_by_callmons_clock() -> None:
    """Whatever the clock of this machine says."""
    assert scene().made_at + 5 * SECOND == scene(monotonic=5 * SECOND).now


def test_time_stands_still_when_the_connection_is_lost() -> None:
    """Nobody knows what is now."""
    assert scene().made_at + 2 * SECOND == scene(monotonic=9 * SECOND, lost=2 * SECOND).now


def test_a_wait_grows_between_two_looks() -> None:
    """Only of who waits, and not of what was seen last of a blind queue."""
    kept = replace(WORST, as_of="2026-09-21T14:02:11Z", blind=True)
    [waits, frozen, nobody, unknown] = [
        longest_wait(each, 3 * SECOND) for each in (WORST, kept, CALM, BLIND)
    ]

    assert [195_500_000, 192_500_000, 0, None] == [waits, frozen, nobody, unknown]


def test_a_group_is_called_one() -> None:
    """It may have the name of a queue."""
    group = row("sales", kind=SubjectKind.GROUP)

    assert "sales (group)" == scene().name(group)
    assert "sales（队列组）" == scene(language=Language.CHINESE).name(group)


def test_instants_are_exact() -> None:
    """To the microsecond, from any zone."""
    assert 1_790_000_000_250_001 == parsed("2026-09-21T14:13:20.250001Z")
    assert 1_790_000_000_000_000 == parsed("2026-09-21T22:13:20+08:00")
