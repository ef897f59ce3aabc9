"""What became of scenarios, as values and as JSON."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from callmon.clock import SECOND, Micros
from callmon.plain import instant
from callmon.scenario.judge import Verdict

__all__ = ["Happened", "Result", "as_json"]


@dataclasses.dataclass(frozen=True, slots=True)
class Happened:
    """One transition, as a sentence that would expect it."""

    at: Micros
    text: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one scenario."""

    file: Path
    line: int
    name: str
    day: dt.date
    timezone: str
    verdicts: Sequence[Verdict]
    shown: Sequence[Verdict]  #: the same in the language of who reads the table
    timeline: Sequence[Happened]
    took: Micros

    @property
    def held(self) -> bool:
        """Whether everything was as expected."""
        return all(verdict.held for verdict in self.verdicts)


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """Return *results* as plain values."""
    return {
        "held": all(result.held for result in results),
        "scenarios": [
            {
                "file": str(result.file),
                "line": result.line,
                "name": result.name,
                "day": result.day.isoformat(),
                "timezone": result.timezone,
                "held": result.held,
                "took_s": result.took / SECOND,
                "expectations": [
                    {
                        "line": verdict.line,
                        "text": verdict.text,
                        "held": verdict.held,
                        "told": verdict.told or None,
                    }
                    for verdict in result.verdicts
                ],
                "timeline": [
                    {"at": instant(happened.at), "text": happened.text}
                    for happened in result.timeline
                ],
            }
            for result in results
        ],
    }
