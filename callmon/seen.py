"""Which events were told before: the ids of the last ones, by feed."""

from collections.abc import Iterable, Iterator, Sequence

from callmon.events import Event

__all__ = ["REMEMBERED", "SeenIds"]

REMEMBERED = 200_000
"""Ids of a feed that are known: a broker that lost our acknowledgements sends some thousands
again, and a day of a large site has not many more. Some 20 MB."""


class SeenIds:
    """The ids of the latest events of one feed."""

    def __init__(self, ids: Iterable[int] = (), *, capacity: int = REMEMBERED) -> None:
        self._capacity = capacity
        self._ids: dict[int, None] = dict.fromkeys(ids)  # in order of their coming
        self._shorten()

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def fresh(
        self, events: Sequence[Event], ids: Sequence[int | None]
    ) -> tuple[list[Event], list[int | None]]:
        """Return those of *events* that were not told before, and their *ids*.

        An event without an id is always new.
        """
        known = self._ids
        kept: list[Event] = []
        kept_ids: list[int | None] = []
        for event, number in zip(events, ids, strict=True):
            if number is not None:
                if number in known:
                    continue
                known[number] = None
            kept.append(event)
            kept_ids.append(number)
        self._shorten()
        return kept, kept_ids

    def _shorten(self) -> None:
        known = self._ids
        while len(known) > self._capacity:
            del known[next(iter(known))]
