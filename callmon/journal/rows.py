"""A load as rows of the journal's tables: numbered, flat, in JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from callmon.events import Event
from callmon.feeds.base import Position
from callmon.journal.entries import TimePassed
from callmon.journal.handover import Load, Run

__all__ = ["Rows", "rows_of"]


@dataclass(slots=True)
class Rows:
    """Values of many rows in one list, as statements with many rows take them."""

    last: int  #: the highest number given
    through: int = 0  #: the number of the last input in the checkpoint
    events: list[Any] = field(default_factory=list)  #: number, feed, live, at, body
    seen: list[Any] = field(default_factory=list)  #: feed, id, number
    positions: dict[str, Position] = field(default_factory=dict)


def rows_of(load: Load, last: int, number_of: Callable[[str], int]) -> Rows:
    """Return what is to be written of *load*, numbered from *last* on.

    Ids that are known without their events have numbers, too: they have their place
    in the order in which ids are forgotten.
    """
    rows = Rows(last, positions=dict(load.known.positions))
    for feed, ids in load.known.ids.items():
        for identity in ids:
            rows.last += 1
            rows.seen += (number_of(feed), identity, rows.last)
    after = load.checkpoint.after if load.checkpoint else -1
    for index, told in enumerate(load.inputs):
        if index == after:
            rows.through = rows.last
        if isinstance(told, TimePassed):
            rows.last += 1
            rows.events += (rows.last, None, False, told.at, _body(told))
        else:
            _add_run(rows, told, number_of(told.feed))
    if after >= len(load.inputs):
        rows.through = rows.last
    return rows


def _add_run(rows: Rows, run: Run, feed: int) -> None:
    number = rows.last
    for identity in run.ids:
        number += 1
        if identity is not None:
            rows.seen += (feed, identity, number)
    number = rows.last
    for event in run.events:
        number += 1
        rows.events += (number, feed, run.live, event.at, _body(event))
    rows.last = number
    if run.position is not None:
        rows.positions[run.feed] = run.position


def _body(told: Event | TimePassed) -> str:
    """Return *told* as JSON. A character that is none becomes a question mark."""
    try:
        return msgspec.json.encode(told).decode()
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(told), ensure_ascii=False)
        return text.encode("utf-8", "replace").decode()
