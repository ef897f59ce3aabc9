"""Checks again whenever a file changes: what ``callmon check --watch`` does."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from callmon.clock import SECOND, Clock, Micros
from callmon.config import signature
from callmon.sense.examination import Findings

__all__ = ["Change", "watch"]

LOOK_EVERY: Micros = SECOND // 4
"""Nobody waits for it, and a look costs next to nothing."""
GONE_LOOKS = 8
"""Editors replace files; one that is away for two seconds is gone."""


class Change:
    """Sees when files are no longer as they were, and have come to rest since.

    What is half written is not judged: a change counts when a look finds all as the look
    before did.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self._first = self._before = self._signatures()
        self._gone = 0

    def look(self) -> bool:
        """Tell whether something has changed for good."""
        now, before = self._signatures(), self._before
        self._before = now
        pairs = zip(now, self._first, strict=True)
        away = any(new is None and old is not None for new, old in pairs)
        self._gone = self._gone + 1 if away else 0
        return now == before != self._first and (not away or self._gone >= GONE_LOOKS)

    def _signatures(self) -> list[object]:
        return [signature(path) for path in self._files]


async def watch(
    check: Callable[[], Findings], show: Callable[[Findings], None], clock: Clock
) -> None:
    """Show what *check* finds, now and after each change of its files; never returns."""
    findings = await asyncio.to_thread(check)
    while True:
        # Files are looked at before they are read, so that no change falls in between.
        change = await asyncio.to_thread(Change, findings.files)
        files, findings = findings.files, await asyncio.to_thread(check)
        if findings.files != files:
            continue
        show(findings)
        while not await asyncio.to_thread(change.look):
            await clock.sleep(LOOK_EVERY)
