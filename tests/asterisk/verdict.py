"""What log and metrics must say of calls whose truth is known.

``Report`` is what ``tests.asterisk.scenario`` wrote. Where app_queue itself writes something
else than the truth into its log, ``LOGGED`` says so; only the manager interface knows better,
and only while callmon listens to it. Source: docs/feeds/asterisk.md.
"""

import collections
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

__all__ = ["TOLD_APART", "Call", "Report"]

ENDS = {
    "ABANDON": "abandoned",
    "CONNECT": "answered",
    "EXITEMPTY": "empty",
    "EXITWITHKEY": "key_exit",
    "EXITWITHTIMEOUT": "timeout",
    "WITHDRAW": "withdrawn",
}
REFUSED = {"full", "join_empty"}

TOLD_APART = {"redirected": "abandoned", "lost": "abandoned", "abandoned": "answered"}
"""What the log says instead of a truth that only the manager interface can tell."""

SLOW_S = 6.0
"""So long after a redirection it is certain that the caller has not hung up instead."""

STORED_S = 16.0
"""So much callmon may have forgotten when it was killed, and then has by the log alone."""

LATE_S = 1.0
"""So late an event may reach callmon, and so late it may have applied the first snapshot."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the report; times are seconds since the epoch."""

    name: str
    queue: str
    kind: str
    contact: str
    outcome: str
    cut_by: str
    odd: str
    joined: float | None
    hung_up: float | None
    ended: float | None

    @property
    def logged(self) -> str:
        """What the log must say; empty: no end at all."""
        if self.cut_by == "kill" and self.outcome == "lost":
            return ""
        if self.is_hidden:
            return TOLD_APART[self.outcome]
        return self.outcome

    @property
    def is_hidden(self) -> bool:
        """Whether the log does not tell the truth about it."""
        return (
            self.outcome == "redirected"
            or (self.outcome == "lost" and self.cut_by == "now")
            or (
                self.outcome == "abandoned"
                and self.queue == "asked"
                and self.kind == "hang_up_early"
            )
        )

    @property
    def told_between(self) -> tuple[float, float]:
        """Return from when to when somebody must listen to learn the truth."""
        assert self.ended is not None
        match self.outcome:
            case "lost":  # the connection ends soon after, with the server
                return self.ended - LATE_S, self.ended
            case "redirected":
                return self.ended - LATE_S, self.ended + SLOW_S
            case _:
                return (self.hung_up or self.ended) - LATE_S, self.ended + LATE_S


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done, and what became of each call."""

    folder: Path
    version: str
    calls: Sequence[Call]
    sessions: Sequence[tuple[float, float]]
    cuts: int
    events: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it from where the scenario wrote it."""
        raw = json.loads((folder / "report.json").read_text())
        names = {field.name for field in dataclasses.fields(Call)}
        calls = [
            Call(**{key: value for key, value in each.items() if key in names})
            for each in raw["calls"]
        ]
        return cls(
            folder=folder,
            version=raw["version"],
            calls=calls,
            sessions=[(begin, end) for begin, end in raw["sessions"]],
            cuts=raw["cuts"],
            events=raw["events"],
        )

    @property
    def joined(self) -> list[Call]:
        """Those who stood in a queue."""
        return [call for call in self.calls if call.joined is not None]

    def arrived(self) -> dict[str, int]:
        """Return how many joined, by queue."""
        return dict(collections.Counter(call.queue for call in self.joined))

    def outcomes(self) -> dict[tuple[str, str], int]:
        """Return how many calls ended how, by queue and outcome."""
        return dict(collections.Counter((call.queue, call.outcome) for call in self.joined))

    def log_lines(self) -> Iterator[list[str]]:
        """Return the fields of all lines of the log, files in any order."""
        for path in sorted((self.folder / "log").glob("queue_log*")):
            for line in path.read_text().splitlines():
                yield line.split("|")

    def contradictions(self) -> list[str]:
        """Return where the log says something else than it must."""
        ends: dict[str, list[str]] = {}
        for fields in self.log_lines():
            verb, contact = fields[4], fields[1]
            if verb == "ENTERQUEUE":
                ends.setdefault(contact, [])
            elif verb in ENDS:
                ends.setdefault(contact, []).append(ENDS[verb])
        found = [
            f"{call}: the log says {ends.get(call.contact)}"
            for call in self.joined
            if ends.pop(call.contact, None) != ([call.logged] if call.logged else [])
        ]
        return found + [f"{contact}: only in the log, {end}" for contact, end in ends.items()]

    def unheard(self) -> list[Call]:
        """Return the calls whose truth only the manager interface knew, unheard by callmon."""
        heard = self.listened()
        return [
            call
            for call in self.joined
            if call.is_hidden
            and not any(
                begin < call.told_between[0] and call.told_between[1] < end
                for begin, end in heard
            )
        ]

    def listened(self) -> list[tuple[float, float]]:
        """Return from when to when callmon listened and did not forget it again."""
        kills = [event["at"] for event in self.events if event.get("signal") == "SIGKILL"]
        return [
            (begin + LATE_S, min([end, *(at - STORED_S for at in kills if begin < at)]))
            for begin, end in self.sessions
        ]

    def refusals(self) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
        """Return how many were refused at least and at most, by queue and reason, to callmon.

        At least: those at moments when it listened.
        """
        heard = self.listened()
        refused = [call for call in self.calls if call.outcome in REFUSED]
        least = [
            call
            for call in refused
            if call.ended and any(begin < call.ended < end - LATE_S for begin, end in heard)
        ]
        return (
            dict(collections.Counter((call.queue, call.outcome) for call in least)),
            dict(collections.Counter((call.queue, call.outcome) for call in refused)),
        )

    def counted_refusals(self, page: str) -> dict[tuple[str, str], int]:
        """Return how many were refused by a page of metrics, by queue and reason."""
        return _counts(page, r'callmon_contacts_refused_total{queue="(\w+)",reason="(\w+)"}')

    def counted_arrivals(self, page: str) -> dict[str, int]:
        """Return how many joined by a page of metrics, by queue."""
        found = _counts(page, r'callmon_contacts_arrived_total{queue="(\w+)"()}')
        return {queue: count for (queue, _), count in found.items()}

    def disagreements(self, page: str) -> list[str]:
        """Return where a page of metrics says something else than it must.

        Of a call whose truth nobody heard, either truth or log is right.
        """
        expected = collections.Counter(self.outcomes())
        either = collections.Counter(
            (call.queue, call.outcome, call.logged) for call in self.unheard()
        )
        found = _counts(page, r'callmon_contacts_total{queue="(\w+)",outcome="(\w+)"}')
        moved = dict(expected)
        for (queue, truth, logged), count in either.items():
            missing = moved[queue, truth] - found.get((queue, truth), 0)
            taken = min(max(missing, 0), count)
            moved[queue, truth] -= taken
            moved[queue, logged] = moved.get((queue, logged), 0) + taken
        keys = sorted(moved.keys() | found.keys())
        return [
            f"{queue} {outcome}: expected {moved.get((queue, outcome), 0)}, "
            f"found {found.get((queue, outcome), 0)}"
            for queue, outcome in keys
            if moved.get((queue, outcome), 0) != found.get((queue, outcome), 0)
        ]


def _counts(page: str, series: str) -> dict[tuple[str, str], int]:
    found = re.findall(f"^{series} (\\d+)", page, re.MULTILINE)
    return {(queue, label): int(count) for queue, label, count in found if int(count)}
